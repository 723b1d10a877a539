/* SPDX-License-Identifier: Apache-2.0 */
/* Lists for the owner: a JSON object with an array, and the same as lines for people in "message".
 * Uses ledger. */
#ifndef ACESO_NODE_LISTING_H
#define ACESO_NODE_LISTING_H

#include "base/json.h"
#include "node/ledger.h"

struct listing {
    struct json_writer writer;
    struct buffer text; /* one line an entry */
    size_t count;
};

/* Begins {"<member>": [...]} in `out`. */
void listing_begin(struct listing *listing, const char *member, struct buffer *out);

/* Adds a request as a JSON object and begins its line, which the caller appends to `text`. */
void listing_request(struct listing *listing, const struct ledger_request *request);

/* Adds an address, as a callback of ledger_patients: `data` is the listing. */
int listing_patient(void *data, const uint8_t patient[20]);

/* Ends the object; the message is the lines, or `nothing` where there are none. Returns `code`, or
 * where that is ACESO_OK what went wrong with the listing itself. */
int listing_end(struct listing *listing, const char *nothing, int code);

#endif
