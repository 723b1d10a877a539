/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the patient's hospitals, its own authority at each, and the
 * entries of its tables of operations and streams. */
#ifndef ACESO_PATIENT_INTERNAL_H
#define ACESO_PATIENT_INTERNAL_H

#include "consent/authority.h"
#include "node/ledger.h"
#include "node/node.h"

#define PATIENT_LIST_MAX ((size_t)4 << 20)
#define PATIENT_WAIT_MS 120000 /* for what the chain has to show */

/* The hospitals that an input means: the one that its "hospital" names (a label), else every one
 * that has admitted this patient. They stay the node's. */
struct patient_choice {
    const struct membership *at[CONFIG_HOSPITALS_MAX];
    size_t count; /* 1 at least */
};
ACESO_NODISCARD int patient_choose(const struct node *node, const yyjson_val *input,
                                   struct patient_choice *choice, struct aceso_error *error);

/* The same where it must be one: ACESO_EUSAGE that lists them where it could be several. */
ACESO_NODISCARD int patient_choose_one(const struct node *node, const yyjson_val *input,
                                       const struct membership **at, struct aceso_error *error);

/* The hospital at which this patient is `address`; NULL: somebody else's address. */
const struct membership *patient_at(const struct node *node, uint32_t hospital,
                                    const uint8_t address[20]);

/* The patient as an authority at one hospital; its label is its address there. The caller frees
 * it. */
ACESO_NODISCARD int patient_authority(const struct node *node, const struct membership *at,
                                      struct authority **authority, struct aceso_error *error);

/* Calls one of the patient's hospitals, at the URL and by the key that it has on the chain now. */
ACESO_NODISCARD int patient_call(struct node *node, const struct membership *at,
                                 const char *method, const char *path, struct bytes body,
                                 struct buffer *answer, struct aceso_error *error);

/* Writes {"message"} as the result of an operation. */
int patient_result(struct buffer *result, const char *message);

/* One turn of waiting for the chain: ACESO_OK to look again, ACESO_ETIMEOUT past `until` (of
 * time_monotonic_ms), ACESO_ECANCELLED. */
ACESO_NODISCARD int patient_turn(struct node *node, int64_t until, struct aceso_error *error);

/* enrol.c */
int patient_enrol(struct operation *operation, struct buffer *result, struct aceso_error *error);

/* sign.c */
int patient_sign(struct operation *operation, struct buffer *result, struct aceso_error *error);

/* decide.c */
int patient_approve(struct operation *operation, struct buffer *result, struct aceso_error *error);
/* The request that an input names, which must be about this patient, and the hospital that it is
 * to: where the input names one, that one. The caller closes the store and frees the request. */
ACESO_NODISCARD int patient_request(struct node *node, const yyjson_val *input,
                                    struct store **store, struct ledger_request *request,
                                    const struct membership **at, struct aceso_error *error);

/* carry.c */
int patient_deny(struct operation *operation, struct buffer *result, struct aceso_error *error);
int patient_revoke(struct operation *operation, struct buffer *result, struct aceso_error *error);

/* status.c */
struct status;
int patient_status(struct node *node, struct store *store, struct status *status,
                   struct aceso_error *error);

/* read.c */
int patient_read(struct node *node, const yyjson_val *input, struct http_stream *stream,
                 struct aceso_error *error);

#endif
