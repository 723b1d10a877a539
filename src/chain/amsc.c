/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/amsc.h"

#include "contracts_abi.h"

#include <assert.h>
#include <string.h>

#define AMSC_ANSWER_MAX ((size_t)64 << 10)

static const struct abi_value no_signature = { .count = 0 };

static struct abi_value amsc_signature(const uint8_t *signature)
{
    return signature ? abi_bytes(bytes_of(signature, 65)) : no_signature;
}

void amsc_levels_set(uint8_t levels[32], uint8_t category, uint8_t level)
{
    uint8_t *byte = &levels[31 - category / 2];
    unsigned shift = category % 2 ? 4 : 0;

    assert(category < AMSC_CATEGORIES && level <= 4);
    *byte = (uint8_t)((*byte & ~(15u << shift)) | (unsigned)level << shift);
}

uint8_t amsc_levels_get(const uint8_t levels[32], uint8_t category)
{
    assert(category < AMSC_CATEGORIES);
    return (uint8_t)(levels[31 - category / 2] >> (category % 2 ? 4 : 0) & 15);
}

void amsc_credential_digest(const struct eip712_domain *amsc,
                            const struct amsc_credential *credential, uint8_t digest[32])
{
    static const uint8_t typehash[32] = AMSC_CREDENTIAL_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_address(&words, credential->institute);
    eip712_put_u64(&words, credential->category);
    eip712_put_word(&words, credential->seal_key);
    eip712_put_word(&words, credential->tls_key_digest);
    eip712_put_u64(&words, credential->serial);
    eip712_put_u64(&words, credential->expiry);
    eip712_put_u64(&words, credential->generation);
    eip712_finish(&words, amsc, typehash, digest);
}

void amsc_relationship_digest(const struct eip712_domain *amsc,
                              const struct amsc_relationship *relationship, uint8_t digest[32])
{
    static const uint8_t typehash[32] = AMSC_RELATIONSHIP_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_u64(&words, relationship->hospital);
    eip712_put_address(&words, relationship->patient);
    eip712_put_word(&words, relationship->policy_digest);
    eip712_put_word(&words, relationship->levels);
    eip712_put_word(&words, relationship->patient_keys_digest);
    eip712_put_word(&words, relationship->authority_keys_digest);
    eip712_put_word(&words, relationship->headers_digest);
    eip712_put_u64(&words, relationship->nonce);
    eip712_put_u64(&words, relationship->deadline);
    eip712_finish(&words, amsc, typehash, digest);
}

void amsc_nonce_void_digest(const struct eip712_domain *amsc, uint32_t hospital, uint64_t nonce,
                            uint8_t digest[32])
{
    static const uint8_t typehash[32] = AMSC_NONCE_VOID_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_u64(&words, hospital);
    eip712_put_u64(&words, nonce);
    eip712_finish(&words, amsc, typehash, digest);
}

int amsc_call_register_hospital(const struct amsc_hospital *hospital, struct buffer *call,
                                struct aceso_error *error)
{
    const struct abi_value values[] = {
        abi_address(hospital->key), abi_string(hospital->label), abi_string(hospital->url),
        abi_word(hospital->seal_key), abi_word(hospital->tls_key_digest),
    };

    return abi_encode_call(CONTRACT_CALL(AMSC_REGISTER_HOSPITAL), values, 5, call, error);
}

int amsc_call_update_hospital(uint32_t id, const struct amsc_hospital *hospital,
                              struct buffer *call, struct aceso_error *error)
{
    const struct abi_value values[] = {
        abi_u64(id), abi_string(hospital->url), abi_word(hospital->seal_key),
        abi_word(hospital->tls_key_digest),
    };

    return abi_encode_call(CONTRACT_CALL(AMSC_UPDATE_HOSPITAL), values, 4, call, error);
}

int amsc_call_suspend_hospital(uint32_t id, bool suspended, struct buffer *call,
                               struct aceso_error *error)
{
    const struct abi_value values[] = { abi_u64(id), abi_bool(suspended) };

    return abi_encode_call(CONTRACT_CALL(AMSC_SUSPEND_HOSPITAL), values, 2, call, error);
}

int amsc_call_replace_hospital_key(uint32_t id, const uint8_t key[20], struct buffer *call,
                                   struct aceso_error *error)
{
    const struct abi_value values[] = { abi_u64(id), abi_address(key) };

    return abi_encode_call(CONTRACT_CALL(AMSC_REPLACE_HOSPITAL_KEY), values, 2, call, error);
}

int amsc_call_revoke_credential(const uint8_t institute[20], uint64_t serial, struct buffer *call,
                                struct aceso_error *error)
{
    const struct abi_value values[] = { abi_address(institute), abi_u64(serial) };

    return abi_encode_call(CONTRACT_CALL(AMSC_REVOKE_CREDENTIAL), values, 2, call, error);
}

int amsc_call_transfer_ownership(const uint8_t owner[20], struct buffer *call,
                                 struct aceso_error *error)
{
    const struct abi_value values[] = { abi_address(owner) };

    return abi_encode_call(CONTRACT_CALL(AMSC_TRANSFER_OWNERSHIP), values, 1, call, error);
}

int amsc_call_accept_ownership(struct buffer *call, struct aceso_error *error)
{
    return abi_encode_call(CONTRACT_CALL(AMSC_ACCEPT_OWNERSHIP), NULL, 0, call, error);
}

int amsc_call_publish_keys(const uint8_t authority_keys_digest[32], struct buffer *call,
                           struct aceso_error *error)
{
    const struct abi_value values[] = { abi_word(authority_keys_digest) };

    return abi_encode_call(CONTRACT_CALL(AMSC_PUBLISH_KEYS), values, 1, call, error);
}

int amsc_call_create_relationship(const struct amsc_relationship *terms,
                                  const uint8_t signature[65], struct bytes headers,
                                  struct buffer *call, struct aceso_error *error)
{
    const struct abi_value members[] = {
        abi_u64(terms->hospital), abi_address(terms->patient), abi_word(terms->policy_digest),
        abi_word(terms->levels), abi_word(terms->patient_keys_digest),
        abi_word(terms->authority_keys_digest), abi_word(terms->headers_digest),
        abi_u64(terms->nonce), abi_u64(terms->deadline),
    };
    const struct abi_value values[] = { abi_items(members, 9), amsc_signature(signature),
                                        abi_bytes(headers) };

    return abi_encode_call(CONTRACT_CALL(AMSC_CREATE_RELATIONSHIP), values, 3, call, error);
}

int amsc_call_remove_entry(uint32_t hospital, const uint8_t user[20], uint16_t database,
                           struct buffer *call, struct aceso_error *error)
{
    const struct abi_value values[] = { abi_u64(hospital), abi_address(user), abi_u64(database) };

    return abi_encode_call(CONTRACT_CALL(AMSC_REMOVE_ENTRY), values, 3, call, error);
}

int amsc_call_void_nonce(uint32_t hospital, const uint8_t patient[20], uint64_t nonce,
                         const uint8_t *signature, struct buffer *call, struct aceso_error *error)
{
    const struct abi_value values[] = { abi_u64(hospital), abi_address(patient), abi_u64(nonce),
                                        amsc_signature(signature) };

    return abi_encode_call(CONTRACT_CALL(AMSC_VOID_NONCE), values, 4, call, error);
}

int amsc_call_sweep_entries(uint32_t hospital, const uint8_t (*users)[20],
                            const uint16_t *databases, size_t count, struct buffer *call,
                            struct aceso_error *error)
{
    struct abi_value user_items[AMSC_SWEEP_MAX], database_items[AMSC_SWEEP_MAX];
    const struct abi_value values[] = { abi_u64(hospital), abi_items(user_items, count),
                                        abi_items(database_items, count) };

    if (count > AMSC_SWEEP_MAX)
        return error_set(error, ACESO_EUSAGE, NULL, "at most %d entries at once", AMSC_SWEEP_MAX);
    for (size_t i = 0; i < count; i++) {
        user_items[i] = abi_address(users[i]);
        database_items[i] = abi_u64(databases[i]);
    }
    return abi_encode_call(CONTRACT_CALL(AMSC_SWEEP_ENTRIES), values, 3, call, error);
}

/* Copies a text of at most `size` - 1 bytes without NUL (the decoder has checked the UTF-8). */
static int amsc_copy_text(struct bytes text, char *out, size_t size, struct aceso_error *error)
{
    if (text.len >= size)
        return error_set(error, ACESO_EFORMAT, NULL, "a text is longer than the contract allows");
    if (text.len)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return ACESO_OK;
}

static int amsc_hospital_read(const struct abi_value *members, struct amsc_hospital *hospital,
                              struct aceso_error *error)
{
    struct amsc_hospital read = { .suspended = abi_get_bool(&members[1]) };
    int code = amsc_copy_text(members[2].bytes, read.label, sizeof read.label, error);

    if (!code)
        code = amsc_copy_text(members[3].bytes, read.url, sizeof read.url, error);
    abi_get_address(&members[0], read.key);
    abi_get_word(&members[4], read.seal_key);
    abi_get_word(&members[5], read.tls_key_digest);
    abi_get_word(&members[6], read.authority_keys_digest);
    if (!code)
        *hospital = read;
    return code;
}

int amsc_hospital(const struct contract *amsc, uint32_t id, struct amsc_hospital *hospital,
                  struct aceso_error *error)
{
    const struct abi_value argument = abi_u64(id);
    struct buffer call = BUFFER_INIT(AMSC_ANSWER_MAX), answer = BUFFER_INIT(AMSC_ANSWER_MAX);
    struct abi_value values[8];
    int code = abi_encode_call(CONTRACT_CALL(AMSC_HOSPITAL), &argument, 1, &call, error);

    if (!code)
        code = contract_view(amsc, buffer_bytes(&call), AMSC_HOSPITAL_RETURNS, &answer, values, 8,
                             error);
    if (!code)
        code = amsc_hospital_read(values[0].items, hospital, error);
    buffer_free(&call);
    buffer_free(&answer);
    return code;
}

/* An id or a count out of a view that returns one uint32. */
static int amsc_ask_u32(const struct contract *amsc, uint32_t selector, const char *types,
                        const struct abi_value *argument, size_t count, uint32_t *number,
                        struct aceso_error *error)
{
    struct abi_value value;
    int code = contract_ask(amsc, selector, types, argument, count, "(uint32)", &value, 1, error);

    if (!code)
        *number = (uint32_t)abi_get_u64(&value);
    return code;
}

static int amsc_found(uint32_t id, uint32_t *out, struct aceso_error *error)
{
    if (id == 0)
        return error_set(error, ACESO_ENOTFOUND, NULL, "no such hospital is registered");
    *out = id;
    return ACESO_OK;
}

int amsc_hospital_of(const struct contract *amsc, const uint8_t key[20], uint32_t *id,
                     struct aceso_error *error)
{
    const struct abi_value argument = abi_address(key);
    uint32_t found = 0;
    int code = amsc_ask_u32(amsc, CONTRACT_CALL(AMSC_HOSPITAL_OF), &argument, 1, &found, error);

    return code ? code : amsc_found(found, id, error);
}

int amsc_by_label(const struct contract *amsc, const char *label, uint32_t *id,
                  struct aceso_error *error)
{
    const struct abi_value argument = abi_string(label);
    uint32_t found = 0;
    int code = amsc_ask_u32(amsc, CONTRACT_CALL(AMSC_BY_LABEL), &argument, 1, &found, error);

    return code ? code : amsc_found(found, id, error);
}

int amsc_hospital_count(const struct contract *amsc, uint32_t *count, struct aceso_error *error)
{
    return amsc_ask_u32(amsc, CONTRACT_CALL(AMSC_HOSPITAL_COUNT), NULL, 0, count, error);
}

int amsc_generation(const struct contract *amsc, uint32_t *generation, struct aceso_error *error)
{
    return amsc_ask_u32(amsc, CONTRACT_CALL(AMSC_GENERATION), NULL, 0, generation, error);
}

int amsc_owner(const struct contract *amsc, uint8_t owner[20], struct aceso_error *error)
{
    struct abi_value value;
    int code = contract_ask(amsc, CONTRACT_CALL(AMSC_OWNER), NULL, 0, AMSC_OWNER_RETURNS, &value,
                            1, error);

    if (!code)
        abi_get_address(&value, owner);
    return code;
}

int amsc_check_credential(const struct contract *amsc, const struct amsc_credential *credential,
                          const uint8_t signature[65], struct aceso_error *error)
{
    const struct abi_value members[] = {
        abi_address(credential->institute), abi_u64(credential->category),
        abi_word(credential->seal_key), abi_word(credential->tls_key_digest),
        abi_u64(credential->serial), abi_u64(credential->expiry),
        abi_u64(credential->generation),
    };
    const struct abi_value values[] = { abi_items(members, 7), amsc_signature(signature) };

    return contract_ask(amsc, CONTRACT_CALL(AMSC_CHECK_CREDENTIAL), values, 2,
                        AMSC_CHECK_CREDENTIAL_RETURNS, NULL, 0, error);
}

int amsc_credential_of(const struct contract *amsc, const uint8_t institute[20],
                       struct amsc_credential_record *record, struct aceso_error *error)
{
    const struct abi_value argument = abi_address(institute);
    struct abi_value values[6];
    int code = contract_ask(amsc, CONTRACT_CALL(AMSC_CREDENTIAL_OF), &argument, 1,
                            AMSC_CREDENTIAL_OF_RETURNS, values, 6, error);

    if (code)
        return code;
    record->serial = abi_get_u64(&values[1]);
    record->revoked_through = abi_get_u64(&values[2]);
    record->expiry = abi_get_u64(&values[3]);
    record->generation = (uint32_t)abi_get_u64(&values[4]);
    record->category = (uint8_t)abi_get_u64(&values[5]);
    return ACESO_OK;
}

int amsc_credential_live(const struct contract *amsc, const uint8_t institute[20], bool *live,
                         struct aceso_error *error)
{
    const struct abi_value argument = abi_address(institute);
    struct abi_value value;
    int code = contract_ask(amsc, CONTRACT_CALL(AMSC_CREDENTIAL_LIVE), &argument, 1,
                            AMSC_CREDENTIAL_LIVE_RETURNS, &value, 1, error);

    if (!code)
        *live = abi_get_bool(&value);
    return code;
}

/* The three views of a hospital and a patient. */
static int amsc_ask_pair(const struct contract *amsc, uint32_t selector, const char *types,
                         uint32_t hospital, const uint8_t patient[20], const char *returns,
                         struct abi_value *value, struct aceso_error *error)
{
    const struct abi_value arguments[] = { abi_u64(hospital), abi_address(patient) };

    return contract_ask(amsc, selector, types, arguments, 2, returns, value, 1, error);
}

int amsc_relationship(const struct contract *amsc, uint32_t hospital, const uint8_t patient[20],
                      uint8_t relationship[20], struct aceso_error *error)
{
    struct abi_value value;
    int code = amsc_ask_pair(amsc, CONTRACT_CALL(AMSC_RELATIONSHIP), hospital, patient,
                             AMSC_RELATIONSHIP_RETURNS, &value, error);

    if (!code && abi_get_u64(&value) == 0)
        return error_set(error, ACESO_ENOTFOUND, NULL, "the hospital has no such patient");
    if (!code)
        abi_get_address(&value, relationship);
    return code;
}

int amsc_predict_relationship(const struct contract *amsc, uint32_t hospital,
                              const uint8_t patient[20], uint8_t relationship[20],
                              struct aceso_error *error)
{
    struct abi_value value;
    int code = amsc_ask_pair(amsc, CONTRACT_CALL(AMSC_PREDICT_RELATIONSHIP), hospital, patient,
                             AMSC_PREDICT_RELATIONSHIP_RETURNS, &value, error);

    if (!code)
        abi_get_address(&value, relationship);
    return code;
}

int amsc_nonce_of(const struct contract *amsc, uint32_t hospital, const uint8_t patient[20],
                  uint64_t *nonce, struct aceso_error *error)
{
    struct abi_value value;
    int code = amsc_ask_pair(amsc, CONTRACT_CALL(AMSC_NONCE_OF), hospital, patient,
                             AMSC_NONCE_OF_RETURNS, &value, error);

    if (!code)
        *nonce = abi_get_u64(&value);
    return code;
}

/* `values`: vpn, database address, port, expiry, live, serial. */
static void amsc_entry_read(const struct abi_value *values, struct amsc_entry *entry)
{
    entry->vpn = (uint32_t)abi_get_u64(&values[0]);
    entry->database_address = (uint32_t)abi_get_u64(&values[1]);
    entry->port = (uint16_t)abi_get_u64(&values[2]);
    entry->expiry = abi_get_u64(&values[3]);
    entry->live = (uint32_t)abi_get_u64(&values[4]);
    entry->serial = (uint32_t)abi_get_u64(&values[5]);
}

int amsc_entry(const struct contract *amsc, uint32_t hospital, const uint8_t user[20],
               uint16_t database, struct amsc_entry *entry, struct aceso_error *error)
{
    const struct abi_value arguments[] = { abi_u64(hospital), abi_address(user),
                                           abi_u64(database) };
    struct abi_value values[7];
    int code = contract_ask(amsc, CONTRACT_CALL(AMSC_ENTRY), arguments, 3, AMSC_ENTRY_RETURNS,
                            values, 7, error);

    if (!code)
        amsc_entry_read(values[0].items, entry);
    return code;
}

int amsc_is_open(const struct contract *amsc, uint32_t hospital, const uint8_t user[20],
                 uint16_t database, bool *open, struct aceso_error *error)
{
    const struct abi_value arguments[] = { abi_u64(hospital), abi_address(user),
                                           abi_u64(database) };
    struct abi_value value;
    int code = contract_ask(amsc, CONTRACT_CALL(AMSC_IS_OPEN), arguments, 3, AMSC_IS_OPEN_RETURNS,
                            &value, 1, error);

    if (!code)
        *open = abi_get_bool(&value);
    return code;
}

int amsc_entry_sum(const struct contract *amsc, uint32_t hospital, struct amsc_entry_sum *sum,
                   struct aceso_error *error)
{
    const struct abi_value argument = abi_u64(hospital);
    struct abi_value values[3];
    int code = contract_ask(amsc, CONTRACT_CALL(AMSC_ENTRY_SUM), &argument, 1,
                            AMSC_ENTRY_SUM_RETURNS, values, 3, error);

    if (code)
        return code;
    sum->count = (uint32_t)abi_get_u64(&values[0]);
    sum->opened = (uint32_t)abi_get_u64(&values[1]);
    abi_get_word(&values[2], sum->sum);
    return ACESO_OK;
}

static const struct contract_event_type amsc_events[] = {
    [AMSC_HOSPITAL_REGISTERED] = CONTRACT_EVENT(AMSC_HOSPITAL_REGISTERED),
    [AMSC_HOSPITAL_UPDATED] = CONTRACT_EVENT(AMSC_HOSPITAL_UPDATED),
    [AMSC_HOSPITAL_SUSPENDED] = CONTRACT_EVENT(AMSC_HOSPITAL_SUSPENDED),
    [AMSC_HOSPITAL_REINSTATED] = CONTRACT_EVENT(AMSC_HOSPITAL_REINSTATED),
    [AMSC_HOSPITAL_KEY_REPLACED] = CONTRACT_EVENT(AMSC_HOSPITAL_KEY_REPLACED),
    [AMSC_KEYS_PUBLISHED] = CONTRACT_EVENT(AMSC_KEYS_PUBLISHED),
    [AMSC_GENERATION_RAISED] = CONTRACT_EVENT(AMSC_GENERATION_RAISED),
    [AMSC_CREDENTIAL_ACCEPTED] = CONTRACT_EVENT(AMSC_CREDENTIAL_ACCEPTED),
    [AMSC_CREDENTIAL_REVOKED] = CONTRACT_EVENT(AMSC_CREDENTIAL_REVOKED),
    [AMSC_RELATIONSHIP_CREATED] = CONTRACT_EVENT(AMSC_RELATIONSHIP_CREATED),
    [AMSC_NONCE_VOIDED] = CONTRACT_EVENT(AMSC_NONCE_VOIDED),
    [AMSC_ENTRY_OPENED] = CONTRACT_EVENT(AMSC_ENTRY_OPENED),
    [AMSC_ENTRY_EXTENDED] = CONTRACT_EVENT(AMSC_ENTRY_EXTENDED),
    [AMSC_ENTRY_REMOVED] = CONTRACT_EVENT(AMSC_ENTRY_REMOVED),
};

/* Registered: key, label, url, seal key, TLS key digest. Updated: the last three. */
static int amsc_event_hospital(const struct abi_value *values, struct amsc_event *event,
                               struct aceso_error *error)
{
    const struct abi_value *at = values + 1;
    int code = ACESO_OK;

    if (event->kind == AMSC_HOSPITAL_REGISTERED) {
        abi_get_address(at++, event->hospital.key);
        code = amsc_copy_text((at++)->bytes, event->hospital.label, sizeof event->hospital.label,
                              error);
    }
    if (!code)
        code = amsc_copy_text(at->bytes, event->hospital.url, sizeof event->hospital.url, error);
    abi_get_word(&at[1], event->hospital.seal_key);
    abi_get_word(&at[2], event->hospital.tls_key_digest);
    return code;
}

static void amsc_event_credential(const struct abi_value *values, struct amsc_event *event)
{
    struct amsc_credential *credential = &event->credential;

    abi_get_address(&values[0], credential->institute);
    credential->serial = abi_get_u64(&values[1]);
    if (event->kind == AMSC_CREDENTIAL_REVOKED)
        return;
    credential->category = (uint8_t)abi_get_u64(&values[2]);
    abi_get_word(&values[3], credential->seal_key);
    abi_get_word(&values[4], credential->tls_key_digest);
    credential->expiry = abi_get_u64(&values[5]);
    credential->generation = (uint32_t)abi_get_u64(&values[6]);
}

static void amsc_event_entry(const struct abi_value *values, struct amsc_event *event)
{
    const uint8_t *way = values[3].word + 22; /* vpn, database address, port: 80 bits */
    struct reader reader = reader_of(bytes_of(way, 10));

    abi_get_address(&values[1], event->user);
    event->database = (uint16_t)abi_get_u64(&values[2]);
    if (event->kind == AMSC_ENTRY_REMOVED) {
        event->entry.serial = (uint32_t)abi_get_u64(&values[3]);
    } else if (event->kind == AMSC_ENTRY_EXTENDED) {
        event->entry.expiry = abi_get_u64(&values[3]);
    } else {
        event->entry.vpn = reader_u32(&reader);
        event->entry.database_address = reader_u32(&reader);
        event->entry.port = reader_u16(&reader);
        event->entry.expiry = abi_get_u64(&values[4]);
        event->entry.serial = (uint32_t)abi_get_u64(&values[5]);
    }
}

/* `values`: the event's members, indexed ones first. */
static int amsc_event_fill(const struct abi_value *values, struct amsc_event *event,
                           struct aceso_error *error)
{
    if (event->kind == AMSC_GENERATION_RAISED) {
        abi_get_address(&values[0], event->owner);
        event->generation = (uint32_t)abi_get_u64(&values[1]);
        return ACESO_OK;
    }
    if (event->kind == AMSC_CREDENTIAL_ACCEPTED || event->kind == AMSC_CREDENTIAL_REVOKED) {
        amsc_event_credential(values, event);
        return ACESO_OK;
    }
    event->id = (uint32_t)abi_get_u64(&values[0]);
    switch (event->kind) {
    case AMSC_HOSPITAL_REGISTERED:
    case AMSC_HOSPITAL_UPDATED:
        return amsc_event_hospital(values, event, error);
    case AMSC_HOSPITAL_KEY_REPLACED:
        abi_get_address(&values[1], event->old_key);
        abi_get_address(&values[2], event->hospital.key);
        break;
    case AMSC_KEYS_PUBLISHED:
        abi_get_word(&values[1], event->hospital.authority_keys_digest);
        break;
    case AMSC_RELATIONSHIP_CREATED:
        abi_get_address(&values[1], event->patient);
        abi_get_address(&values[2], event->relationship);
        break;
    case AMSC_NONCE_VOIDED:
        abi_get_address(&values[1], event->patient);
        event->nonce = abi_get_u64(&values[2]);
        break;
    case AMSC_ENTRY_OPENED:
    case AMSC_ENTRY_EXTENDED:
    case AMSC_ENTRY_REMOVED:
        amsc_event_entry(values, event);
        break;
    default:
        break;
    }
    return ACESO_OK;
}

int amsc_event_read(const struct rpc_log *log, struct amsc_event *event, struct aceso_error *error)
{
    struct amsc_event read = { .kind = AMSC_HOSPITAL_REGISTERED };
    struct abi_value values[8];
    size_t kind = 0;
    int code = contract_event_find(log, amsc_events, sizeof amsc_events / sizeof *amsc_events,
                                   &kind, values, 8, error);

    if (code)
        return code;
    read.kind = (enum amsc_event_kind)kind;
    code = amsc_event_fill(values, &read, error);
    if (!code)
        *event = read;
    return code;
}
