/* SPDX-License-Identifier: Apache-2.0 */
/* How a node stands, in a few lines: what every node says of itself, and what its roles add. Uses
 * node, ledger, recent. */
#ifndef ACESO_NODE_STATUS_H
#define ACESO_NODE_STATUS_H

#include "node/ledger.h"
#include "node/node.h"

/* What every node does beside its roles, under the name "node": the view "status" and, for other
 * nodes, GET /v1/party (role, url, and the network where it is known). */
extern const struct role status_role;

/* The view while it is made. A role adds members to the JSON object and lines for people. */
struct status {
    struct json_writer writer;
    struct buffer text;
};

/* Adds a line. No secrets, nothing of a record; one idea a line. */
void status_line(struct status *status, const char *format, ...) ACESO_PRINTF(2, 3);

/* How the requests stand that ledger_requests finds for `party` and `hospital`. */
struct status_count {
    unsigned open; /* undecided, and not too late */
    unsigned live; /* approved, and not ended */
};
ACESO_NODISCARD int status_count(struct store *store, const uint8_t *party, uint32_t hospital,
                                 struct status_count *count, struct aceso_error *error);

/* "3 s ago", "5 min ago", "2 h ago", "4 d ago". */
#define STATUS_AGO_SIZE 32
void status_ago(int64_t then, int64_t now, char out[STATUS_AGO_SIZE]);

#endif
