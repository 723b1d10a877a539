/* SPDX-License-Identifier: Apache-2.0 */
/* HPSC (HospitalPatient.sol): the contract of one hospital and one patient. What each thing means
 * stands in the contract's interface. Uses contract.h. Network I/O in views only.
 *
 * hpsc_call_*: append the call data of a transaction to `call`. hpsc_*_digest: what is signed; the
 * domain is the pair's own contract. Others: views; their errors are those of contract_view. */
#ifndef ACESO_CHAIN_HPSC_H
#define ACESO_CHAIN_HPSC_H

#include "chain/contract.h"

#define HPSC_OVERRIDE_NONE 255

struct hpsc_terms {
    uint8_t policy_digest[32];
    uint8_t patient_keys_digest[32];
    uint8_t authority_keys_digest[32];
    uint8_t headers_digest[32];
};

struct hpsc_epoch {
    uint32_t patient_epoch;  /* E: the present one plus one */
    uint32_t hospital_epoch; /* N: the present one */
    struct hpsc_terms terms;
    uint8_t levels[32]; /* amsc_levels_set */
    uint64_t nonce;
    uint64_t deadline;
};

struct hpsc_override {
    uint8_t institute[20];
    uint8_t level; /* 0 to 4, or HPSC_OVERRIDE_NONE to remove it */
    uint64_t nonce;
    uint64_t deadline;
};

struct hpsc_batch {
    uint64_t number; /* from 1 */
    uint8_t previous_root[32];
    uint8_t root[32];
    uint32_t records;
    uint32_t leaves;
};

struct hpsc_state {
    uint32_t hospital;
    uint8_t patient[20];
    uint32_t patient_epoch;
    uint32_t hospital_epoch;
    uint8_t levels[32];
    uint8_t terms_digest[32];
    uint64_t nonce;
    uint64_t batch; /* 0: none yet */
    uint8_t root[32];
};

void hpsc_epoch_digest(const struct eip712_domain *hpsc, const struct hpsc_epoch *epoch,
                       uint8_t digest[32]);
void hpsc_override_digest(const struct eip712_domain *hpsc, const struct hpsc_override *change,
                          uint8_t digest[32]);
void hpsc_batch_digest(const struct eip712_domain *hpsc, const struct hpsc_batch *batch,
                       uint8_t digest[32]);

/* What the contract keeps of the terms: keccak256(abi.encode of the four digests). */
void hpsc_terms_digest(const struct hpsc_terms *terms, uint8_t digest[32]);

/* `headers` may be empty: then they stay off the chain. */
ACESO_NODISCARD int hpsc_call_advance_epoch(const struct hpsc_epoch *next,
                                            const uint8_t signature[65], struct bytes headers,
                                            struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int hpsc_call_advance_switch(uint32_t hospital_epoch,
                                             const struct hpsc_terms *current,
                                             const uint8_t authority_keys_digest[32],
                                             const uint8_t headers_digest[32],
                                             struct bytes headers, struct buffer *call,
                                             struct aceso_error *error);
ACESO_NODISCARD int hpsc_call_set_override(const struct hpsc_override *change,
                                           const uint8_t signature[65], struct buffer *call,
                                           struct aceso_error *error);
ACESO_NODISCARD int hpsc_call_anchor_batch(const struct hpsc_batch *batch,
                                           const uint8_t signature[65], struct buffer *call,
                                           struct aceso_error *error);

/* All of it at one block (`hpsc->block`, or the newest there is). */
ACESO_NODISCARD int hpsc_state(const struct contract *hpsc, struct hpsc_state *state,
                               struct aceso_error *error);
ACESO_NODISCARD int hpsc_override_of(const struct contract *hpsc, const uint8_t institute[20],
                                     uint8_t *level, struct aceso_error *error);
ACESO_NODISCARD int hpsc_level_for(const struct contract *hpsc, const uint8_t institute[20],
                                   uint8_t category, uint8_t *level, struct aceso_error *error);
ACESO_NODISCARD int hpsc_last_batch(const struct contract *hpsc, uint64_t *number,
                                    uint8_t root[32], struct aceso_error *error);

enum hpsc_event_kind { HPSC_TERMS_SET, HPSC_OVERRIDE_SET, HPSC_BATCH_ANCHORED };

/* Which members are set depends on the kind; the others are zero. */
struct hpsc_event {
    enum hpsc_event_kind kind;
    uint32_t patient_epoch;    /* terms set */
    uint32_t hospital_epoch;   /* terms set */
    struct hpsc_terms terms;   /* terms set */
    uint8_t levels[32];        /* terms set */
    struct bytes headers;      /* terms set: a slice of the log */
    uint8_t institute[20];     /* override set */
    uint8_t level;             /* override set */
    struct hpsc_batch batch;   /* batch anchored */
};

/* ACESO_ENOTFOUND for another contract's event. The caller checks the log's address. */
ACESO_NODISCARD int hpsc_event_read(const struct rpc_log *log, struct hpsc_event *event,
                                    struct aceso_error *error);

#endif
