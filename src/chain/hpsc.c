/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/hpsc.h"

#include "contracts_abi.h"
#include "crypto/keccak.h"

#include <string.h>

void hpsc_epoch_digest(const struct eip712_domain *hpsc, const struct hpsc_epoch *epoch,
                       uint8_t digest[32])
{
    static const uint8_t typehash[32] = HPSC_EPOCH_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_u64(&words, epoch->patient_epoch);
    eip712_put_u64(&words, epoch->hospital_epoch);
    eip712_put_word(&words, epoch->terms.policy_digest);
    eip712_put_word(&words, epoch->levels);
    eip712_put_word(&words, epoch->terms.patient_keys_digest);
    eip712_put_word(&words, epoch->terms.authority_keys_digest);
    eip712_put_word(&words, epoch->terms.headers_digest);
    eip712_put_u64(&words, epoch->nonce);
    eip712_put_u64(&words, epoch->deadline);
    eip712_finish(&words, hpsc, typehash, digest);
}

void hpsc_override_digest(const struct eip712_domain *hpsc, const struct hpsc_override *change,
                          uint8_t digest[32])
{
    static const uint8_t typehash[32] = HPSC_OVERRIDE_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_address(&words, change->institute);
    eip712_put_u64(&words, change->level);
    eip712_put_u64(&words, change->nonce);
    eip712_put_u64(&words, change->deadline);
    eip712_finish(&words, hpsc, typehash, digest);
}

void hpsc_batch_digest(const struct eip712_domain *hpsc, const struct hpsc_batch *batch,
                       uint8_t digest[32])
{
    static const uint8_t typehash[32] = HPSC_BATCH_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_u64(&words, batch->number);
    eip712_put_word(&words, batch->previous_root);
    eip712_put_word(&words, batch->root);
    eip712_put_u64(&words, batch->records);
    eip712_put_u64(&words, batch->leaves);
    eip712_finish(&words, hpsc, typehash, digest);
}

void hpsc_terms_digest(const struct hpsc_terms *terms, uint8_t digest[32])
{
    uint8_t words[4][32];

    memcpy(words[0], terms->policy_digest, 32);
    memcpy(words[1], terms->patient_keys_digest, 32);
    memcpy(words[2], terms->authority_keys_digest, 32);
    memcpy(words[3], terms->headers_digest, 32);
    keccak256(bytes_of(words, sizeof words), digest);
}

int hpsc_call_advance_epoch(const struct hpsc_epoch *next, const uint8_t signature[65],
                            struct bytes headers, struct buffer *call, struct aceso_error *error)
{
    const struct abi_value members[] = {
        abi_u64(next->patient_epoch), abi_u64(next->hospital_epoch),
        abi_word(next->terms.policy_digest), abi_word(next->levels),
        abi_word(next->terms.patient_keys_digest), abi_word(next->terms.authority_keys_digest),
        abi_word(next->terms.headers_digest), abi_u64(next->nonce), abi_u64(next->deadline),
    };
    const struct abi_value values[] = { abi_items(members, 9), abi_bytes(bytes_of(signature, 65)),
                                        abi_bytes(headers) };

    return abi_encode_call(CONTRACT_CALL(HPSC_ADVANCE_EPOCH), values, 3, call, error);
}

int hpsc_call_advance_switch(uint32_t hospital_epoch, const struct hpsc_terms *current,
                             const uint8_t authority_keys_digest[32],
                             const uint8_t headers_digest[32], struct bytes headers,
                             struct buffer *call, struct aceso_error *error)
{
    const struct abi_value members[] = {
        abi_word(current->policy_digest), abi_word(current->patient_keys_digest),
        abi_word(current->authority_keys_digest), abi_word(current->headers_digest),
    };
    const struct abi_value values[] = { abi_u64(hospital_epoch), abi_items(members, 4),
                                        abi_word(authority_keys_digest), abi_word(headers_digest),
                                        abi_bytes(headers) };

    return abi_encode_call(CONTRACT_CALL(HPSC_ADVANCE_SWITCH), values, 5, call, error);
}

int hpsc_call_set_override(const struct hpsc_override *change, const uint8_t signature[65],
                           struct buffer *call, struct aceso_error *error)
{
    const struct abi_value members[] = { abi_address(change->institute), abi_u64(change->level),
                                         abi_u64(change->nonce), abi_u64(change->deadline) };
    const struct abi_value values[] = { abi_items(members, 4), abi_bytes(bytes_of(signature, 65)) };

    return abi_encode_call(CONTRACT_CALL(HPSC_SET_OVERRIDE), values, 2, call, error);
}

int hpsc_call_anchor_batch(const struct hpsc_batch *batch, const uint8_t signature[65],
                           struct buffer *call, struct aceso_error *error)
{
    const struct abi_value members[] = { abi_u64(batch->number), abi_word(batch->previous_root),
                                         abi_word(batch->root), abi_u64(batch->records),
                                         abi_u64(batch->leaves) };
    const struct abi_value values[] = { abi_items(members, 5), abi_bytes(bytes_of(signature, 65)) };

    return abi_encode_call(CONTRACT_CALL(HPSC_ANCHOR_BATCH), values, 2, call, error);
}

int hpsc_last_batch(const struct contract *hpsc, uint64_t *number, uint8_t root[32],
                    struct aceso_error *error)
{
    struct abi_value values[2];
    int code = contract_ask(hpsc, CONTRACT_CALL(HPSC_LAST_BATCH), NULL, 0, HPSC_LAST_BATCH_RETURNS,
                            values, 2, error);

    if (code)
        return code;
    *number = abi_get_u64(&values[0]);
    abi_get_word(&values[1], root);
    return ACESO_OK;
}

/* The views without arguments that return one word or two. */
static int hpsc_ask(const struct contract *hpsc, uint32_t selector, const char *types,
                    const char *returns, struct abi_value values[2], struct aceso_error *error)
{
    return contract_ask(hpsc, selector, types, NULL, 0, returns, values, 2, error);
}

int hpsc_state(const struct contract *hpsc, struct hpsc_state *state, struct aceso_error *error)
{
    struct hpsc_state read = { .hospital = 0 };
    struct abi_value values[2];
    struct contract pinned;
    int code = contract_pin(hpsc, &pinned, error);

    if (!code)
        code = hpsc_ask(&pinned, CONTRACT_CALL(HPSC_HOSPITAL), HPSC_HOSPITAL_RETURNS, values,
                        error);
    if (!code) {
        read.hospital = (uint32_t)abi_get_u64(&values[0]);
        code = hpsc_ask(&pinned, CONTRACT_CALL(HPSC_PATIENT), HPSC_PATIENT_RETURNS, values, error);
    }
    if (!code) {
        abi_get_address(&values[0], read.patient);
        code = hpsc_ask(&pinned, CONTRACT_CALL(HPSC_EPOCHS), HPSC_EPOCHS_RETURNS, values, error);
    }
    if (!code) {
        read.patient_epoch = (uint32_t)abi_get_u64(&values[0]);
        read.hospital_epoch = (uint32_t)abi_get_u64(&values[1]);
        code = hpsc_ask(&pinned, CONTRACT_CALL(HPSC_LEVELS), HPSC_LEVELS_RETURNS, values, error);
    }
    if (!code) {
        abi_get_word(&values[0], read.levels);
        code = hpsc_ask(&pinned, CONTRACT_CALL(HPSC_TERMS_DIGEST), HPSC_TERMS_DIGEST_RETURNS,
                        values, error);
    }
    if (!code) {
        abi_get_word(&values[0], read.terms_digest);
        code = hpsc_ask(&pinned, CONTRACT_CALL(HPSC_NONCE), HPSC_NONCE_RETURNS, values, error);
    }
    if (!code) {
        read.nonce = abi_get_u64(&values[0]);
        code = hpsc_last_batch(&pinned, &read.batch, read.root, error);
    }
    if (!code)
        *state = read;
    return code;
}

int hpsc_override_of(const struct contract *hpsc, const uint8_t institute[20], uint8_t *level,
                     struct aceso_error *error)
{
    const struct abi_value argument = abi_address(institute);
    struct abi_value value;
    int code = contract_ask(hpsc, CONTRACT_CALL(HPSC_OVERRIDE_OF), &argument, 1,
                            HPSC_OVERRIDE_OF_RETURNS, &value, 1, error);

    if (!code)
        *level = (uint8_t)abi_get_u64(&value);
    return code;
}

int hpsc_level_for(const struct contract *hpsc, const uint8_t institute[20], uint8_t category,
                   uint8_t *level, struct aceso_error *error)
{
    const struct abi_value arguments[] = { abi_address(institute), abi_u64(category) };
    struct abi_value value;
    int code = contract_ask(hpsc, CONTRACT_CALL(HPSC_LEVEL_FOR), arguments, 2,
                            HPSC_LEVEL_FOR_RETURNS, &value, 1, error);

    if (!code)
        *level = (uint8_t)abi_get_u64(&value);
    return code;
}

static const struct contract_event_type hpsc_events[] = {
    [HPSC_TERMS_SET] = CONTRACT_EVENT(HPSC_TERMS_SET),
    [HPSC_OVERRIDE_SET] = CONTRACT_EVENT(HPSC_OVERRIDE_SET),
    [HPSC_BATCH_ANCHORED] = CONTRACT_EVENT(HPSC_BATCH_ANCHORED),
};

static void hpsc_event_terms(const struct abi_value *values, struct hpsc_event *event)
{
    event->patient_epoch = (uint32_t)abi_get_u64(&values[0]);
    event->hospital_epoch = (uint32_t)abi_get_u64(&values[1]);
    abi_get_word(&values[2], event->terms.policy_digest);
    abi_get_word(&values[3], event->levels);
    abi_get_word(&values[4], event->terms.patient_keys_digest);
    abi_get_word(&values[5], event->terms.authority_keys_digest);
    abi_get_word(&values[6], event->terms.headers_digest);
    event->headers = values[7].bytes;
}

static void hpsc_event_batch(const struct abi_value *values, struct hpsc_event *event)
{
    event->batch.number = abi_get_u64(&values[0]);
    abi_get_word(&values[1], event->batch.root);
    abi_get_word(&values[2], event->batch.previous_root);
    event->batch.records = (uint32_t)abi_get_u64(&values[3]);
    event->batch.leaves = (uint32_t)abi_get_u64(&values[4]);
}

int hpsc_event_read(const struct rpc_log *log, struct hpsc_event *event, struct aceso_error *error)
{
    struct hpsc_event read = { .kind = HPSC_TERMS_SET };
    struct abi_value values[8];
    size_t kind = 0;
    int code = contract_event_find(log, hpsc_events, sizeof hpsc_events / sizeof *hpsc_events,
                                   &kind, values, 8, error);

    if (code)
        return code;
    read.kind = (enum hpsc_event_kind)kind;
    if (read.kind == HPSC_TERMS_SET) {
        hpsc_event_terms(values, &read);
    } else if (read.kind == HPSC_BATCH_ANCHORED) {
        hpsc_event_batch(values, &read);
    } else {
        abi_get_address(&values[0], read.institute);
        read.level = (uint8_t)abi_get_u64(&values[1]);
    }
    *event = read;
    return ACESO_OK;
}
