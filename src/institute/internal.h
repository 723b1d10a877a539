/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the state of a fetch, and the entries of the tables of
 * operations and streams. */
#ifndef ACESO_INSTITUTE_INTERNAL_H
#define ACESO_INSTITUTE_INTERNAL_H

#include "node/ledger.h"
#include "node/node.h"
#include "node/reading.h"

/* One stream of opened resources, from the hospital or from a file. */
struct fetching {
    struct node *node;
    struct store *store;
    struct ledger_request request;
    struct ledger_hospital hospital;
    struct reading *reading;
    struct keyring *keyring;
    struct buffer access; /* the access string, opened or given */
    unsigned level;
    char *path;           /* of a file with parts; NULL: from the hospital */
    uint8_t patient[20];
};

/* fetch.c */
ACESO_NODISCARD int fetching_make(struct node *node, struct fetching **out,
                                  struct aceso_error *error);
void fetching_free(void *fetching); /* closes and wipes what it holds */

/* Adds the patient's grant of one request to the keyring. */
ACESO_NODISCARD int fetching_add_grant(struct fetching *fetching,
                                       const struct ledger_request *request,
                                       struct aceso_error *error);

/* Learns what reading needs, waiting for a hospital that is behind the chain. */
ACESO_NODISCARD int fetching_open_reading(struct fetching *fetching, struct aceso_error *error);

/* Opens the level's header with the keys held, after asking the authorities for missing ones.
 * ACESO_EDENIED where the attributes do not suffice. */
ACESO_NODISCARD int fetching_unlock(struct fetching *fetching, struct aceso_error *error);

int institute_fetch(struct node *node, const yyjson_val *input, struct http_stream *stream,
                    struct aceso_error *error);

/* ask.c */
int institute_request(struct operation *operation, struct buffer *result,
                      struct aceso_error *error);

/* open.c */
int institute_open(struct node *node, const yyjson_val *input, struct http_stream *stream,
                   struct aceso_error *error);

#endif
