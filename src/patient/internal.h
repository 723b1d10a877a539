/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the patient's own authority, its hospital, and the entries
 * of its tables of operations and streams. */
#ifndef ACESO_PATIENT_INTERNAL_H
#define ACESO_PATIENT_INTERNAL_H

#include "consent/authority.h"
#include "node/ledger.h"
#include "node/node.h"

#define PATIENT_LIST_MAX ((size_t)4 << 20)
#define PATIENT_WAIT_MS 120000 /* for what the chain has to show */

/* The patient as an authority at its hospital; its label is its address there. The caller frees
 * it. */
ACESO_NODISCARD int patient_authority(struct node *node, struct authority **authority,
                                      struct aceso_error *error);

/* Calls the patient's hospital. */
ACESO_NODISCARD int patient_call(struct node *node, const char *method, const char *path,
                                 struct bytes body, struct buffer *answer,
                                 struct aceso_error *error);

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
int patient_deny(struct operation *operation, struct buffer *result, struct aceso_error *error);
int patient_revoke(struct operation *operation, struct buffer *result, struct aceso_error *error);

/* read.c */
int patient_read(struct node *node, const yyjson_val *input, struct http_stream *stream,
                 struct aceso_error *error);

#endif
