/* SPDX-License-Identifier: Apache-2.0 */
/* ARSC (AccessRequest.sol): requests, and the decisions of patient and hospital. What each thing
 * means stands in the contract's interface. Uses contract.h. Network I/O in views only.
 *
 * arsc_call_*: append the call data of a transaction to `call`. arsc_*_digest: what is signed.
 * Others: views; their errors are those of contract_view. */
#ifndef ACESO_CHAIN_ARSC_H
#define ACESO_CHAIN_ARSC_H

#include "chain/amsc.h"
#include "chain/contract.h"

struct arsc_ask {
    uint32_t hospital;
    uint8_t patient[20];
    uint8_t purpose; /* ARSC_PURPOSE_* */
    uint8_t level;
    uint64_t term;     /* seconds */
    uint64_t deadline; /* seconds since 1970, below 2^40 */
    uint16_t number;
};

struct arsc_approval {
    uint8_t request[32];
    uint32_t hospital;
    uint8_t patient[20];
    uint8_t institute[20];
    uint8_t level;
    uint64_t term;
    uint32_t patient_epoch;
    uint8_t grant_digest[32]; /* keccak256 of the sealed grant */
    uint64_t nonce;           /* amsc_nonce_of */
    uint64_t deadline;
};

struct arsc_request {
    uint32_t hospital;
    uint8_t patient[20];
    uint8_t institute[20];
    uint8_t purpose;
    uint64_t deadline;
    uint8_t status; /* ARSC_STATUS_* */
    uint8_t level;
    uint64_t term;
    uint64_t until;
    uint16_t database;
    uint32_t serial;
};

/* The id that the request of `institute` has: known before it is sent. */
void arsc_request_id(const uint8_t institute[20], const struct arsc_ask *ask, uint8_t id[32]);

void arsc_approval_digest(const struct eip712_domain *arsc, const struct arsc_approval *approval,
                          uint8_t digest[32]);
void arsc_refusal_digest(const struct eip712_domain *arsc, const uint8_t request[32],
                         uint8_t digest[32]);
void arsc_revocation_digest(const struct eip712_domain *arsc, const uint8_t request[32],
                            uint8_t digest[32]);

/* By an institute. `credential` and `signature` NULL once a credential has been accepted. */
ACESO_NODISCARD int arsc_call_request(const struct arsc_ask *ask,
                                      const struct amsc_credential *credential,
                                      const uint8_t *signature, struct buffer *call,
                                      struct aceso_error *error);
ACESO_NODISCARD int arsc_call_withdraw(const uint8_t request[32], struct buffer *call,
                                       struct aceso_error *error);

/* What the hospital adds to a patient's approval. */
struct arsc_opening {
    struct bytes grant;            /* the patient's, sealed to the institute */
    uint8_t attributes_digest[32]; /* zero when none were issued */
    uint8_t access_digest[32];
    struct bytes sealed_access;
    struct amsc_path path;
};

/* By a hospital. */
ACESO_NODISCARD int arsc_call_approve(const struct arsc_approval *approval,
                                      const uint8_t signature[65],
                                      const struct arsc_opening *opening, struct buffer *call,
                                      struct aceso_error *error);
ACESO_NODISCARD int arsc_call_deny(const uint8_t request[32], struct buffer *call,
                                   struct aceso_error *error);
ACESO_NODISCARD int arsc_call_open_institute(uint32_t hospital, const uint8_t institute[20],
                                             struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int arsc_call_reopen_path(const uint8_t request[32], const struct amsc_path *path,
                                          struct buffer *call, struct aceso_error *error);

/* By a hospital or an institute. */
ACESO_NODISCARD int arsc_call_end_consent(const uint8_t request[32], struct buffer *call,
                                          struct aceso_error *error);
ACESO_NODISCARD int arsc_call_revoke_institute(uint32_t hospital, const uint8_t institute[20],
                                               struct buffer *call, struct aceso_error *error);

/* By anybody. `signature` is the patient's; NULL when the sender is the patient. */
ACESO_NODISCARD int arsc_call_refuse(const uint8_t request[32], const uint8_t *signature,
                                     struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int arsc_call_revoke(const uint8_t request[32], const uint8_t *signature,
                                     struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int arsc_call_expire(const uint8_t request[32], struct buffer *call,
                                     struct aceso_error *error);

/* ACESO_ENOTFOUND when there is no such request. */
ACESO_NODISCARD int arsc_request_of(const struct contract *arsc, const uint8_t id[32],
                                    struct arsc_request *request, struct aceso_error *error);
ACESO_NODISCARD int arsc_consent_live(const struct contract *arsc, const uint8_t id[32],
                                      bool *live, struct aceso_error *error);

/* The pair's HISC; ACESO_ENOTFOUND where there is none. The second says where it would be. */
ACESO_NODISCARD int arsc_relation(const struct contract *arsc, uint32_t hospital,
                                  const uint8_t institute[20], uint8_t relation[20],
                                  struct aceso_error *error);
ACESO_NODISCARD int arsc_predict_relation(const struct contract *arsc, uint32_t hospital,
                                          const uint8_t institute[20], uint8_t relation[20],
                                          struct aceso_error *error);

enum arsc_event_kind {
    ARSC_REQUEST_MADE,
    ARSC_CONSENT_GIVEN,
    ARSC_REQUEST_APPROVED,
    ARSC_CONSENT_REFUSED,
    ARSC_REQUEST_DENIED,
    ARSC_REQUEST_WITHDRAWN,
    ARSC_REQUEST_EXPIRED,
    ARSC_CONSENT_REVOKED,
    ARSC_CONSENT_ENDED,
    ARSC_PATH_REOPENED,
    ARSC_INSTITUTE_OPENED,
    ARSC_INSTITUTE_REVOKED,
};

/* Which members are set depends on the kind; the others are zero. */
struct arsc_event {
    enum arsc_event_kind kind;
    uint8_t request[32];       /* all but the last two */
    uint32_t hospital;         /* made, denied, institute opened and revoked */
    uint8_t patient[20];       /* made, given, refused, revoked */
    uint8_t institute[20];     /* made, withdrawn, institute opened and revoked */
    uint8_t by[20];            /* consent ended, institute revoked */
    uint8_t purpose;           /* made */
    uint8_t level;             /* made, given */
    uint64_t term;             /* made */
    uint64_t deadline;         /* made */
    uint64_t until;            /* given */
    struct bytes grant;        /* given: a slice of the log */
    uint8_t access_digest[32]; /* approved */
    struct bytes sealed_access; /* approved: a slice of the log */
    uint16_t database;         /* path reopened */
    uint32_t serial;           /* path reopened */
    uint8_t relation[20];      /* institute opened */
};

/* ACESO_ENOTFOUND for another contract's event. The caller checks the log's address. */
ACESO_NODISCARD int arsc_event_read(const struct rpc_log *log, struct arsc_event *event,
                                    struct aceso_error *error);

#endif
