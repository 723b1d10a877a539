/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/hisc.h"

#include "contracts_abi.h"
#include "eth/uint256.h"

int hisc_call_record_attributes(const uint8_t attributes_digest[32], struct buffer *call,
                                struct aceso_error *error)
{
    const struct abi_value values[] = { abi_word(attributes_digest) };

    return abi_encode_call(CONTRACT_CALL(HISC_RECORD_ATTRIBUTES), values, 1, call, error);
}

int hisc_call_end(struct buffer *call, struct aceso_error *error)
{
    return abi_encode_call(CONTRACT_CALL(HISC_END), NULL, 0, call, error);
}

int hisc_is_live(const struct contract *hisc, const uint8_t access_digest[32], bool *live,
                 struct aceso_error *error)
{
    const struct abi_value argument = abi_word(access_digest);
    struct abi_value value;
    int code = contract_ask(hisc, CONTRACT_CALL(HISC_IS_LIVE), &argument, 1, HISC_IS_LIVE_RETURNS,
                            &value, 1, error);

    if (!code)
        *live = abi_get_bool(&value);
    return code;
}

int hisc_request_of(const struct contract *hisc, const uint8_t access_digest[32],
                    uint8_t request[32], struct aceso_error *error)
{
    const struct abi_value argument = abi_word(access_digest);
    struct abi_value value;
    int code = contract_ask(hisc, CONTRACT_CALL(HISC_REQUEST_OF), &argument, 1,
                            HISC_REQUEST_OF_RETURNS, &value, 1, error);

    if (!code && uint256_is_zero(value.word))
        return error_set(error, ACESO_ENOTFOUND, NULL, "no such access string was recorded");
    if (!code)
        abi_get_word(&value, request);
    return code;
}

/* The views without arguments that return one word. */
static int hisc_ask(const struct contract *hisc, uint32_t selector, const char *types,
                    const char *returns, struct abi_value *value, struct aceso_error *error)
{
    return contract_ask(hisc, selector, types, NULL, 0, returns, value, 1, error);
}

static int hisc_ask_databases(const struct contract *hisc, struct hisc_state *state,
                              struct aceso_error *error)
{
    struct abi_value values[1 + HISC_DATABASES_MAX];
    int code = contract_ask(hisc, CONTRACT_CALL(HISC_DATABASES), NULL, 0, HISC_DATABASES_RETURNS,
                            values, 1 + HISC_DATABASES_MAX, error);

    if (code)
        return code;
    state->databases = values[0].count;
    for (size_t i = 0; i < state->databases; i++)
        state->database[i] = (uint16_t)abi_get_u64(&values[1 + i]);
    return ACESO_OK;
}

int hisc_state(const struct contract *hisc, struct hisc_state *state, struct aceso_error *error)
{
    struct hisc_state read = { .hospital = 0 };
    struct contract pinned;
    struct abi_value value;
    int code = contract_pin(hisc, &pinned, error);

    if (!code)
        code = hisc_ask(&pinned, CONTRACT_CALL(HISC_HOSPITAL), HISC_HOSPITAL_RETURNS, &value,
                        error);
    if (!code) {
        read.hospital = (uint32_t)abi_get_u64(&value);
        code = hisc_ask(&pinned, CONTRACT_CALL(HISC_INSTITUTE), HISC_INSTITUTE_RETURNS, &value,
                        error);
    }
    if (!code) {
        abi_get_address(&value, read.institute);
        code = hisc_ask(&pinned, CONTRACT_CALL(HISC_ATTRIBUTES_DIGEST),
                        HISC_ATTRIBUTES_DIGEST_RETURNS, &value, error);
    }
    if (!code) {
        abi_get_word(&value, read.attributes_digest);
        code = hisc_ask(&pinned, CONTRACT_CALL(HISC_LIVE_CONSENTS), HISC_LIVE_CONSENTS_RETURNS,
                        &value, error);
    }
    if (!code) {
        read.live_consents = abi_get_u64(&value);
        code = hisc_ask(&pinned, CONTRACT_CALL(HISC_ENDED), HISC_ENDED_RETURNS, &value, error);
    }
    if (!code) {
        read.ended = abi_get_bool(&value);
        code = hisc_ask(&pinned, CONTRACT_CALL(HISC_ENDED_THROUGH), HISC_ENDED_THROUGH_RETURNS,
                        &value, error);
    }
    if (!code) {
        read.ended_through = (uint32_t)abi_get_u64(&value);
        code = hisc_ask_databases(&pinned, &read, error);
    }
    if (!code)
        *state = read;
    return code;
}

static const struct contract_event_type hisc_events[] = {
    [HISC_ATTRIBUTES_RECORDED] = CONTRACT_EVENT(HISC_ATTRIBUTES_RECORDED),
    [HISC_ENDED] = CONTRACT_EVENT(HISC_ENDED),
};

int hisc_event_read(const struct rpc_log *log, struct hisc_event *event, struct aceso_error *error)
{
    struct hisc_event read = { .kind = HISC_ENDED };
    struct abi_value values[4];
    size_t kind = 0;
    int code = contract_event_find(log, hisc_events, sizeof hisc_events / sizeof *hisc_events,
                                   &kind, values, 4, error);

    if (code)
        return code;
    read.kind = (enum hisc_event_kind)kind;
    read.hospital = (uint32_t)abi_get_u64(&values[0]);
    abi_get_address(&values[1], read.institute);
    if (read.kind == HISC_ENDED)
        read.ended_through = (uint32_t)abi_get_u64(&values[2]);
    else
        abi_get_word(&values[2], read.attributes_digest);
    *event = read;
    return ACESO_OK;
}
