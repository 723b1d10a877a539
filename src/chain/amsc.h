/* SPDX-License-Identifier: Apache-2.0 */
/* AMSC (AddressMapping.sol): hospitals, credentials, relationships, the whitelist. What each thing
 * means stands in the contract's interface. Uses contract.h. Network I/O in views only.
 *
 * amsc_call_*: append the call data of a transaction to `call`. amsc_*_digest: what is signed.
 * Others: views; their errors are those of contract_view. */
#ifndef ACESO_CHAIN_AMSC_H
#define ACESO_CHAIN_AMSC_H

#include "chain/contract.h"

#define AMSC_LABEL_MAX 64
#define AMSC_URL_MAX 256
#define AMSC_CATEGORIES 32 /* codes 0 to 31 */

struct amsc_hospital {
    uint8_t key[20];
    bool suspended;
    char label[AMSC_LABEL_MAX + 1];
    char url[AMSC_URL_MAX + 1];
    uint8_t seal_key[32];
    uint8_t tls_key_digest[32];
    uint8_t authority_keys_digest[32]; /* zero before it published */
};

struct amsc_credential {
    uint8_t institute[20];
    uint8_t category; /* AMSC_CATEGORY_* */
    uint8_t seal_key[32];
    uint8_t tls_key_digest[32];
    uint64_t serial;
    uint64_t expiry; /* seconds since 1970 */
    uint32_t generation;
};

struct amsc_credential_record {
    uint64_t serial;          /* 0: none was accepted */
    uint64_t revoked_through; /* serials up to this one are revoked */
    uint64_t expiry;
    uint32_t generation;
    uint8_t category;
};

struct amsc_relationship {
    uint32_t hospital;
    uint8_t patient[20];
    uint8_t policy_digest[32];
    uint8_t levels[32]; /* amsc_levels_set */
    uint8_t patient_keys_digest[32];
    uint8_t authority_keys_digest[32];
    uint8_t headers_digest[32];
    uint64_t nonce;
    uint64_t deadline;
};

struct amsc_path {
    uint16_t database;
    uint32_t vpn; /* IPv4 addresses as numbers */
    uint32_t database_address;
    uint16_t port;
};

struct amsc_entry {
    uint32_t vpn;
    uint32_t database_address;
    uint16_t port;
    uint64_t expiry;
    uint32_t live;
    uint32_t serial; /* 0: no entry */
};

struct amsc_entry_sum {
    uint32_t count;
    uint32_t opened;
    uint8_t sum[32];
};

/* The table category -> level in one word: four bits for each category. `level` is at most 4. */
void amsc_levels_set(uint8_t levels[32], uint8_t category, uint8_t level);
uint8_t amsc_levels_get(const uint8_t levels[32], uint8_t category);

void amsc_credential_digest(const struct eip712_domain *amsc,
                            const struct amsc_credential *credential, uint8_t digest[32]);
void amsc_relationship_digest(const struct eip712_domain *amsc,
                              const struct amsc_relationship *relationship, uint8_t digest[32]);
void amsc_nonce_void_digest(const struct eip712_domain *amsc, uint32_t hospital, uint64_t nonce,
                            uint8_t digest[32]);

/* By the CA. Of `hospital`, key, label, url, seal_key and tls_key_digest are used. */
ACESO_NODISCARD int amsc_call_register_hospital(const struct amsc_hospital *hospital,
                                                struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int amsc_call_update_hospital(uint32_t id, const struct amsc_hospital *hospital,
                                              struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int amsc_call_suspend_hospital(uint32_t id, bool suspended, struct buffer *call,
                                               struct aceso_error *error);
ACESO_NODISCARD int amsc_call_replace_hospital_key(uint32_t id, const uint8_t key[20],
                                                   struct buffer *call,
                                                   struct aceso_error *error);
/* This serial and those below it, presented before or not. */
ACESO_NODISCARD int amsc_call_revoke_credential(const uint8_t institute[20], uint64_t serial,
                                                struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int amsc_call_transfer_ownership(const uint8_t owner[20], struct buffer *call,
                                                 struct aceso_error *error);
ACESO_NODISCARD int amsc_call_accept_ownership(struct buffer *call, struct aceso_error *error);

/* By a hospital. `headers` may be empty: then they stay off the chain. */
ACESO_NODISCARD int amsc_call_publish_keys(const uint8_t authority_keys_digest[32],
                                           struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int amsc_call_create_relationship(const struct amsc_relationship *terms,
                                                  const uint8_t signature[65],
                                                  struct bytes headers, struct buffer *call,
                                                  struct aceso_error *error);
ACESO_NODISCARD int amsc_call_remove_entry(uint32_t hospital, const uint8_t user[20],
                                           uint16_t database, struct buffer *call,
                                           struct aceso_error *error);

/* By anybody. `signature` NULL: the sender is the patient. */
ACESO_NODISCARD int amsc_call_void_nonce(uint32_t hospital, const uint8_t patient[20],
                                         uint64_t nonce, const uint8_t *signature,
                                         struct buffer *call, struct aceso_error *error);
#define AMSC_SWEEP_MAX 64
ACESO_NODISCARD int amsc_call_sweep_entries(uint32_t hospital, const uint8_t (*users)[20],
                                            const uint16_t *databases, size_t count,
                                            struct buffer *call, struct aceso_error *error);

ACESO_NODISCARD int amsc_hospital(const struct contract *amsc, uint32_t id,
                                  struct amsc_hospital *hospital, struct aceso_error *error);

/* Ids; ACESO_ENOTFOUND where there is none. */
ACESO_NODISCARD int amsc_hospital_of(const struct contract *amsc, const uint8_t key[20],
                                     uint32_t *id, struct aceso_error *error);
ACESO_NODISCARD int amsc_by_label(const struct contract *amsc, const char *label, uint32_t *id,
                                  struct aceso_error *error);
ACESO_NODISCARD int amsc_hospital_count(const struct contract *amsc, uint32_t *count,
                                        struct aceso_error *error);
ACESO_NODISCARD int amsc_owner(const struct contract *amsc, uint8_t owner[20],
                               struct aceso_error *error);
ACESO_NODISCARD int amsc_generation(const struct contract *amsc, uint32_t *generation,
                                    struct aceso_error *error);

/* ACESO_OK when the credential holds now, ACESO_ECHAIN with the reason when it does not. */
ACESO_NODISCARD int amsc_check_credential(const struct contract *amsc,
                                          const struct amsc_credential *credential,
                                          const uint8_t signature[65],
                                          struct aceso_error *error);
ACESO_NODISCARD int amsc_credential_of(const struct contract *amsc, const uint8_t institute[20],
                                       struct amsc_credential_record *record,
                                       struct aceso_error *error);
ACESO_NODISCARD int amsc_credential_live(const struct contract *amsc, const uint8_t institute[20],
                                         bool *live, struct aceso_error *error);

/* The pair's HPSC; ACESO_ENOTFOUND where there is none. The second says where it would be. */
ACESO_NODISCARD int amsc_relationship(const struct contract *amsc, uint32_t hospital,
                                      const uint8_t patient[20], uint8_t relationship[20],
                                      struct aceso_error *error);
ACESO_NODISCARD int amsc_predict_relationship(const struct contract *amsc, uint32_t hospital,
                                              const uint8_t patient[20], uint8_t relationship[20],
                                              struct aceso_error *error);
ACESO_NODISCARD int amsc_nonce_of(const struct contract *amsc, uint32_t hospital,
                                  const uint8_t patient[20], uint64_t *nonce,
                                  struct aceso_error *error);

ACESO_NODISCARD int amsc_entry(const struct contract *amsc, uint32_t hospital,
                               const uint8_t user[20], uint16_t database,
                               struct amsc_entry *entry, struct aceso_error *error);
ACESO_NODISCARD int amsc_is_open(const struct contract *amsc, uint32_t hospital,
                                 const uint8_t user[20], uint16_t database, bool *open,
                                 struct aceso_error *error);
ACESO_NODISCARD int amsc_entry_sum(const struct contract *amsc, uint32_t hospital,
                                   struct amsc_entry_sum *sum, struct aceso_error *error);

enum amsc_event_kind {
    AMSC_HOSPITAL_REGISTERED,
    AMSC_HOSPITAL_UPDATED,
    AMSC_HOSPITAL_SUSPENDED,
    AMSC_HOSPITAL_REINSTATED,
    AMSC_HOSPITAL_KEY_REPLACED,
    AMSC_KEYS_PUBLISHED,
    AMSC_GENERATION_RAISED,
    AMSC_CREDENTIAL_ACCEPTED,
    AMSC_CREDENTIAL_REVOKED,
    AMSC_RELATIONSHIP_CREATED,
    AMSC_NONCE_VOIDED,
    AMSC_ENTRY_OPENED,
    AMSC_ENTRY_EXTENDED,
    AMSC_ENTRY_REMOVED,
};

/* Which members are set depends on the kind; the others are zero. */
struct amsc_event {
    enum amsc_event_kind kind;
    uint32_t id; /* of the hospital, in all that concern one */
    struct amsc_hospital hospital; /* registered; updated (url and keys); published (its digest);
                                      key replaced (key: the new one) */
    uint8_t old_key[20];           /* key replaced */
    struct amsc_credential credential; /* accepted; revoked (institute, serial) */
    uint32_t generation;           /* raised */
    uint8_t owner[20];             /* raised */
    uint8_t patient[20];           /* relationship created, nonce voided */
    uint8_t relationship[20];      /* relationship created */
    uint64_t nonce;                /* nonce voided */
    uint8_t user[20];              /* entry */
    uint16_t database;             /* entry */
    struct amsc_entry entry;       /* opened; extended (expiry); removed (serial) */
};

/* ACESO_ENOTFOUND for another contract's event. The caller checks the log's address. */
ACESO_NODISCARD int amsc_event_read(const struct rpc_log *log, struct amsc_event *event,
                                    struct aceso_error *error);

#endif
