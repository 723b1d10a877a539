/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what the chain's events say, as tables of the node's store, the same in every node.
 * Uses chain, eth, store. Filled by the follower alone; everybody reads.
 *
 * It is what was seen so far: who must act on the very present asks the contracts. */
#ifndef ACESO_NODE_LEDGER_H
#define ACESO_NODE_LEDGER_H

#include "chain/follower.h"
#include "node/config.h"
#include "record/context.h"
#include "store/store.h"

extern const char ledger_schema[];

/* The tables that came after it. */
ACESO_NODISCARD int ledger_migrate(struct store *store, struct aceso_error *error);

/* The follower's callbacks; their context is the node. */
#define LEDGER_TOPICS 23 /* kinds of events that it keeps */
void ledger_topics(uint8_t topics[LEDGER_TOPICS][32]);
bool ledger_known(void *context, struct store *store, const uint8_t address[20]);
int ledger_handle(void *context, struct store *store, const struct follower_event *event,
                  struct aceso_error *error);
int ledger_reset(void *context, struct store *store, struct aceso_error *error);

struct ledger_hospital {
    struct hospital_card card; /* card.address: as first registered, its identity for ever */
    uint8_t key[20];           /* whose transactions count now */
    uint8_t seal_key[32];
    uint8_t tls_key_digest[32];
    uint8_t keys_digest[32];
    bool suspended;
};

/* ACESO_ENOTFOUND where there is none. */
ACESO_NODISCARD int ledger_hospital_by_id(struct store *store, uint32_t id,
                                          struct ledger_hospital *hospital,
                                          struct aceso_error *error);
ACESO_NODISCARD int ledger_hospital_by_label(struct store *store, const char *label,
                                             struct ledger_hospital *hospital,
                                             struct aceso_error *error);
/* By the address whose transactions count now. */
ACESO_NODISCARD int ledger_hospital_by_address(struct store *store, const uint8_t address[20],
                                               struct ledger_hospital *hospital,
                                               struct aceso_error *error);

/* A relationship with the terms of its newest epoch. */
struct ledger_relationship {
    uint8_t contract[20];
    uint8_t patient[20];
    uint32_t hospital;
    struct record_epoch epoch;
    uint8_t policy_digest[32];
    uint8_t levels[32]; /* uint256: four bits a category */
    uint8_t patient_keys_digest[32];
    uint8_t authority_keys_digest[32];
    uint8_t headers_digest[32];
    struct buffer headers; /* freed by the caller */
};

#define LEDGER_RELATIONSHIP_INIT { .headers = BUFFER_INIT((size_t)2 << 20) }

ACESO_NODISCARD int ledger_relationship(struct store *store, uint32_t hospital,
                                        const uint8_t patient[20],
                                        struct ledger_relationship *relationship,
                                        struct aceso_error *error);

/* The level (0 to 4) that a table of levels gives a category. */
unsigned ledger_level_of(const uint8_t levels[32], unsigned category);

/* The level (0 to 4) that a relationship gives one institute of `category`: the patient's override
 * for it where there is one, else the table's. */
ACESO_NODISCARD int ledger_level_for(struct store *store,
                                     const struct ledger_relationship *relationship,
                                     const uint8_t institute[20], unsigned category,
                                     unsigned *level, struct aceso_error *error);

/* Calls `each` for every override of a relationship, by address. */
ACESO_NODISCARD int ledger_overrides(struct store *store, const uint8_t contract[20],
                                     int (*each)(void *data, const uint8_t institute[20],
                                                 unsigned level),
                                     void *data, struct aceso_error *error);

ACESO_NODISCARD int ledger_batch(struct store *store, const uint8_t contract[20], uint64_t number,
                                 struct record_batch *batch, struct aceso_error *error);
/* The number of the newest batch; 0 where there is none. */
ACESO_NODISCARD int ledger_batch_last(struct store *store, const uint8_t contract[20],
                                      uint64_t *number, struct aceso_error *error);

struct ledger_credential {
    uint8_t institute[20];
    uint8_t category;
    uint8_t seal_key[32];
    uint8_t tls_key_digest[32];
    uint64_t serial;
    uint64_t expiry;
};

ACESO_NODISCARD int ledger_credential(struct store *store, const uint8_t institute[20],
                                      struct ledger_credential *credential,
                                      struct aceso_error *error);

/* Numbers as in the contract's Status. */
enum ledger_status {
    LEDGER_OPEN = 1, LEDGER_APPROVED, LEDGER_REFUSED, LEDGER_DENIED, LEDGER_WITHDRAWN,
    LEDGER_EXPIRED, LEDGER_REVOKED, LEDGER_ENDED
};
const char *ledger_status_name(enum ledger_status status);

struct ledger_request {
    uint8_t id[32];
    uint32_t hospital;
    uint8_t patient[20];
    uint8_t institute[20];
    unsigned purpose;
    unsigned level;    /* asked for */
    uint64_t term;     /* seconds, asked for */
    uint64_t deadline;
    enum ledger_status status;
    unsigned granted;  /* level; 0 before */
    uint64_t until;
    uint32_t epoch;    /* the patient's E that the grant is for */
    uint8_t access_digest[32];
    struct buffer grant;  /* sealed to the institute; freed by the caller, like: */
    struct buffer access; /* sealed to the institute */
};

#define LEDGER_REQUEST_INIT { .grant = BUFFER_INIT(65536), .access = BUFFER_INIT(65536) }
void ledger_request_free(struct ledger_request *request);

ACESO_NODISCARD int ledger_request(struct store *store, const uint8_t id[32],
                                   struct ledger_request *request, struct aceso_error *error);

/* Calls `each` for every request that names `party` as patient or institute (`party` NULL: every
 * one of `hospital`), oldest first. Sealed contents are left out. */
typedef int ledger_request_fn(void *data, const struct ledger_request *request,
                              struct aceso_error *error);
ACESO_NODISCARD int ledger_requests(struct store *store, const uint8_t *party, uint32_t hospital,
                                    ledger_request_fn *each, void *data,
                                    struct aceso_error *error);

/* The contract of a hospital and an institute. ACESO_ENOTFOUND. */
ACESO_NODISCARD int ledger_pair(struct store *store, uint32_t hospital,
                                const uint8_t institute[20], uint8_t contract[20],
                                struct aceso_error *error);

/* Calls `each` with the address of every patient of a hospital. */
ACESO_NODISCARD int ledger_patients(struct store *store, uint32_t hospital,
                                    int (*each)(void *data, const uint8_t patient[20]),
                                    void *data, struct aceso_error *error);

#endif
