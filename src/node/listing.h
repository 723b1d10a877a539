/* SPDX-License-Identifier: Apache-2.0 */
/* Lists for the owner: a JSON object with an array, and the same as lines for people in "message".
 * Uses ledger. */
#ifndef ACESO_NODE_LISTING_H
#define ACESO_NODE_LISTING_H

#include "base/json.h"
#include "node/ledger.h"
#include "node/node.h"

struct listing {
    struct json_writer writer;
    struct buffer text; /* one line an entry */
    size_t count;
    struct store *store; /* the caller's; NULL: parties are named by their addresses alone */
    /* May add members to a request's object, which is open, and words to its line. NULL: nothing */
    int (*more)(struct listing *listing, const struct ledger_request *request,
                struct aceso_error *error);
};

/* Begins {"<member>": [...]} in `out`. */
void listing_begin(struct listing *listing, const char *member, struct store *store,
                   struct buffer *out);

/* Adds a request and its line, as a callback of ledger_requests: `data` is the listing. What is put
 * into `text` after it stands in the same line. */
int listing_request(void *data, const struct ledger_request *request, struct aceso_error *error);

/* Adds an address, as a callback of ledger_patients: `data` is the listing. */
int listing_patient(void *data, const uint8_t patient[20]);

/* Ends the object; the message is the lines, or `nothing` where there are none. Returns `code`, or
 * where that is ACESO_OK what went wrong with the listing itself. */
int listing_end(struct listing *listing, const char *nothing, int code);

/* Whole views: {"requests": [...]} of ledger_requests, {"patients": [...]} of ledger_patients. */
ACESO_NODISCARD int listing_requests(struct node *node, const uint8_t *party, uint32_t hospital,
                                     struct buffer *out, struct aceso_error *error);
ACESO_NODISCARD int listing_patients(struct node *node, uint32_t hospital, struct buffer *out,
                                     struct aceso_error *error);

#endif
