/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the hospital's own keys, its enrolled patients, and the
 * entries of its tables of operations, views, streams and routes. */
#ifndef ACESO_HOSPITAL_INTERNAL_H
#define ACESO_HOSPITAL_INTERNAL_H

#include "consent/authority.h"
#include "consent/header.h"
#include "consent/keyring.h"
#include "node/ledger.h"
#include "node/node.h"
#include "record/records.h"

#define HOSPITAL_LIST_MAX ((size_t)4 << 20)
#define HOSPITAL_DATABASE 1 /* the number of the one database, in whitelist entries */

extern const char hospital_schema[];
extern const struct store_migration hospital_migrations[];
extern const size_t hospital_migration_count;

/* The hospital as an authority under its label. The caller frees it. */
ACESO_NODISCARD int hospital_authority(struct node *node, struct authority **authority,
                                       struct aceso_error *error);

/* Appends the list of public keys of all attributes that the hospital began. */
ACESO_NODISCARD int hospital_published(struct node *node, struct store *store, struct buffer *list,
                                       struct aceso_error *error);

/* What the hospital keeps of a patient; all buffers are freed with enrolment_free. */
struct enrolment {
    uint8_t patient[20];
    uint8_t contract[20];
    struct buffer policy;         /* canonical text */
    uint8_t levels[32];
    struct buffer patient_keys;   /* list */
    struct buffer authority_keys; /* list */
    struct buffer grant_key;      /* the hospital's own grant: secret */
    struct buffer headers;
    struct buffer pseudonym;      /* the pseudonym secret, sealed under K_4 */
};

void enrolment_init(struct enrolment *enrolment);
void enrolment_free(struct enrolment *enrolment);
ACESO_NODISCARD int enrolment_load(struct node *node, struct store *store,
                                   const uint8_t patient[20], struct enrolment *enrolment,
                                   struct aceso_error *error);

/* The level keys of a patient, recovered by ABE with the hospital's own attribute keys; nothing of
 * them is kept. `pseudonym_secret` (may be NULL): also opens it. */
ACESO_NODISCARD int enrolment_open(struct node *node, struct store *store,
                                   const struct enrolment *enrolment, struct ladder *keys,
                                   struct record_epoch *epoch, uint8_t pseudonym_secret[32],
                                   struct aceso_error *error);

/* Seals the pseudonym secret under K_4; appends to `out`. */
ACESO_NODISCARD int enrolment_seal_pseudonym(const struct enrolment *enrolment,
                                             const struct ladder *keys, const uint8_t secret[32],
                                             struct buffer *out);

/* The hospital's own view of a relationship's context. */
struct record_context enrolment_context(const struct node *node,
                                        const struct enrolment *enrolment);

/* Opens DATA/records.db. */
ACESO_NODISCARD int hospital_records(struct node *node, struct records **records,
                                     struct aceso_error *error);

/* The caller of a handler, which must have `role`; a patient must also be one that this hospital
 * itself certified: another hospital's word about an address counts for nothing here. */
ACESO_NODISCARD int hospital_caller(const struct node *node, const struct http_request *request,
                                    const char *role, uint8_t address[20],
                                    struct aceso_error *error);

/* Reads {"request": "0x..."} of an operation's input, or another member of 32 or 20 bytes. */
ACESO_NODISCARD int hospital_input_hex(const yyjson_val *input, const char *member, void *out,
                                       size_t len, struct aceso_error *error);

/* Writes {"message", tx...} as the result of an operation. */
int hospital_result(struct buffer *result, const char *message,
                    const struct outbox_result *mined);

/* authority.c */
int authority_begin(struct operation *operation, struct buffer *result, struct aceso_error *error);
int authority_issue(struct operation *operation, struct buffer *result, struct aceso_error *error);
int authority_serve_keys(void *context, const struct http_request *request,
                         struct http_response *response, struct aceso_error *error);
int authority_serve_challenge(void *context, const struct http_request *request,
                              struct http_response *response, struct aceso_error *error);
int authority_serve_issue(void *context, const struct http_request *request,
                          struct http_response *response, struct aceso_error *error);
/* Decides that `address` may have attribute `name`; safe to repeat. */
ACESO_NODISCARD int authority_allow(struct store *store, const char *name,
                                    const uint8_t address[20], struct aceso_error *error);

/* Takes back every such decision about `address`: no key is made for it any more. */
ACESO_NODISCARD int authority_withhold(struct store *store, const uint8_t address[20],
                                       struct aceso_error *error);

/* Stops issuing a patient's switch to whom no consent of that patient holds any more; on the chain
 * thread, once for each new block. */
int authority_tick(struct node *node, struct store *store, struct aceso_error *error);

/* enrol.c */
int enrol_invite(struct node *node, const yyjson_val *input, struct buffer *out,
                 struct aceso_error *error);
int enrol_admit(struct operation *operation, struct buffer *result, struct aceso_error *error);
int enrol_serve_begin(void *context, const struct http_request *request,
                      struct http_response *response, struct aceso_error *error);
int enrol_serve_sign(void *context, const struct http_request *request,
                     struct http_response *response, struct aceso_error *error);
/* Hands on what another authority publishes, so that a patient need not show itself there. */
int enrol_serve_authority(void *context, const struct http_request *request,
                          struct http_response *response, struct aceso_error *error);
int enrol_serve_state(void *context, const struct http_request *request,
                      struct http_response *response, struct aceso_error *error);

/* import.c */
int import_run(struct operation *operation, struct buffer *result, struct aceso_error *error);
int import_serve_batches(void *context, const struct http_request *request,
                         struct http_response *response, struct aceso_error *error);
int import_serve_signature(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error);
/* Marks as signed what the chain has anchored; on the chain thread. */
int import_tick(struct node *node, struct store *store, struct aceso_error *error);

/* sharing.c */
int sharing_approve(struct operation *operation, struct buffer *result, struct aceso_error *error);
int sharing_deny(struct operation *operation, struct buffer *result, struct aceso_error *error);
int sharing_revoke(struct operation *operation, struct buffer *result, struct aceso_error *error);
int sharing_approval(struct node *node, const yyjson_val *input, struct buffer *out,
                     struct aceso_error *error);
int sharing_serve_approval(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error);
/* The {id} of a path. */
ACESO_NODISCARD int sharing_path_request(const struct http_request *request, uint8_t id[32],
                                         struct aceso_error *error);

/* carry.c */
int carry_serve_refusal(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error);
int carry_serve_revocation(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error);
/* Counts what is carried for a request to another hospital, in the store's transaction.
 * ACESO_EBUSY where `caller`, or all callers together, had enough within the hour. */
ACESO_NODISCARD int carry_limit(struct store *store, const uint8_t caller[20],
                                const uint8_t request[32], int64_t now,
                                struct aceso_error *error);

/* status.c */
struct status;
int hospital_status(struct node *node, struct store *store, struct status *status,
                    struct aceso_error *error);

/* gateway.c */
int gateway_serve_query(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error);
int gateway_serve_own(void *context, const struct http_request *request,
                      struct http_response *response, struct aceso_error *error);
int gateway_serve_relationship(void *context, const struct http_request *request,
                               struct http_response *response, struct aceso_error *error);
int gateway_backup(struct node *node, const yyjson_val *input, struct http_stream *stream,
                   struct aceso_error *error);

#endif
