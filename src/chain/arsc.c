/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/arsc.h"

#include "contracts_abi.h"

#include <string.h>

/* From the highest bit: institute (160 bits), hospital (32), deadline (40), purpose (8),
 * number (16). */
void arsc_request_id(const uint8_t institute[20], const struct arsc_ask *ask, uint8_t id[32])
{
    memcpy(id, institute, 20);
    for (size_t i = 0; i < 4; i++)
        id[20 + i] = (uint8_t)(ask->hospital >> (24 - 8 * i));
    for (size_t i = 0; i < 5; i++)
        id[24 + i] = (uint8_t)(ask->deadline >> (32 - 8 * i));
    id[29] = ask->purpose;
    id[30] = (uint8_t)(ask->number >> 8);
    id[31] = (uint8_t)ask->number;
}

void arsc_approval_digest(const struct eip712_domain *arsc, const struct arsc_approval *approval,
                          uint8_t digest[32])
{
    static const uint8_t typehash[32] = ARSC_APPROVAL_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_word(&words, approval->request);
    eip712_put_u64(&words, approval->hospital);
    eip712_put_address(&words, approval->patient);
    eip712_put_address(&words, approval->institute);
    eip712_put_u64(&words, approval->level);
    eip712_put_u64(&words, approval->term);
    eip712_put_u64(&words, approval->patient_epoch);
    eip712_put_word(&words, approval->grant_digest);
    eip712_put_u64(&words, approval->nonce);
    eip712_put_u64(&words, approval->deadline);
    eip712_finish(&words, arsc, typehash, digest);
}

void arsc_refusal_digest(const struct eip712_domain *arsc, const uint8_t request[32],
                         uint8_t digest[32])
{
    static const uint8_t typehash[32] = ARSC_REFUSAL_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_word(&words, request);
    eip712_finish(&words, arsc, typehash, digest);
}

void arsc_revocation_digest(const struct eip712_domain *arsc, const uint8_t request[32],
                            uint8_t digest[32])
{
    static const uint8_t typehash[32] = ARSC_REVOCATION_TYPEHASH;
    struct eip712_words words = { .count = 0 };

    eip712_put_word(&words, request);
    eip712_finish(&words, arsc, typehash, digest);
}

int arsc_call_request(const struct arsc_ask *ask, const struct amsc_credential *credential,
                      const uint8_t *signature, struct buffer *call, struct aceso_error *error)
{
    static const struct amsc_credential none = { .category = 0 };
    const struct amsc_credential *shown = credential ? credential : &none;
    const struct abi_value asked[] = {
        abi_u64(ask->hospital), abi_address(ask->patient), abi_u64(ask->purpose),
        abi_u64(ask->level), abi_u64(ask->term), abi_u64(ask->deadline), abi_u64(ask->number),
    };
    const struct abi_value members[] = {
        abi_address(shown->institute), abi_u64(shown->category), abi_word(shown->seal_key),
        abi_word(shown->tls_key_digest), abi_u64(shown->serial), abi_u64(shown->expiry),
        abi_u64(shown->generation),
    };
    const struct abi_value values[] = { abi_items(asked, 7), abi_items(members, 7),
                                        abi_bytes(bytes_of(signature, signature ? 65 : 0)) };

    return abi_encode_call(CONTRACT_CALL(ARSC_REQUEST), values, 3, call, error);
}

/* The functions whose only argument is the request's id. */
static int arsc_call_id(uint32_t selector, const char *types, const uint8_t request[32],
                        struct buffer *call, struct aceso_error *error)
{
    const struct abi_value value = abi_word(request);

    return abi_encode_call(selector, types, &value, 1, call, error);
}

int arsc_call_withdraw(const uint8_t request[32], struct buffer *call, struct aceso_error *error)
{
    return arsc_call_id(CONTRACT_CALL(ARSC_WITHDRAW), request, call, error);
}

int arsc_call_deny(const uint8_t request[32], struct buffer *call, struct aceso_error *error)
{
    return arsc_call_id(CONTRACT_CALL(ARSC_DENY), request, call, error);
}

int arsc_call_end_consent(const uint8_t request[32], struct buffer *call,
                          struct aceso_error *error)
{
    return arsc_call_id(CONTRACT_CALL(ARSC_END_CONSENT), request, call, error);
}

int arsc_call_expire(const uint8_t request[32], struct buffer *call, struct aceso_error *error)
{
    return arsc_call_id(CONTRACT_CALL(ARSC_EXPIRE), request, call, error);
}

/* The functions of a request's id and the patient's signature, which may be missing. */
static int arsc_call_signed(uint32_t selector, const char *types, const uint8_t request[32],
                            const uint8_t *signature, struct buffer *call,
                            struct aceso_error *error)
{
    const struct abi_value values[] = { abi_word(request),
                                        abi_bytes(bytes_of(signature, signature ? 65 : 0)) };

    return abi_encode_call(selector, types, values, 2, call, error);
}

int arsc_call_refuse(const uint8_t request[32], const uint8_t *signature, struct buffer *call,
                     struct aceso_error *error)
{
    return arsc_call_signed(CONTRACT_CALL(ARSC_REFUSE), request, signature, call, error);
}

int arsc_call_revoke(const uint8_t request[32], const uint8_t *signature, struct buffer *call,
                     struct aceso_error *error)
{
    return arsc_call_signed(CONTRACT_CALL(ARSC_REVOKE), request, signature, call, error);
}

/* `members` is the caller's memory for the tuple. */
static struct abi_value arsc_path(const struct amsc_path *path, struct abi_value members[4])
{
    members[0] = abi_u64(path->database);
    members[1] = abi_u64(path->vpn);
    members[2] = abi_u64(path->database_address);
    members[3] = abi_u64(path->port);
    return abi_items(members, 4);
}

int arsc_call_approve(const struct arsc_approval *approval, const uint8_t signature[65],
                      const struct arsc_opening *opening, struct buffer *call,
                      struct aceso_error *error)
{
    const struct abi_value members[] = {
        abi_word(approval->request), abi_u64(approval->hospital), abi_address(approval->patient),
        abi_address(approval->institute), abi_u64(approval->level), abi_u64(approval->term),
        abi_u64(approval->patient_epoch), abi_word(approval->grant_digest),
        abi_u64(approval->nonce), abi_u64(approval->deadline),
    };
    struct abi_value path[4];
    const struct abi_value values[] = {
        abi_items(members, 10), abi_bytes(bytes_of(signature, 65)), abi_bytes(opening->grant),
        abi_word(opening->attributes_digest), abi_word(opening->access_digest),
        abi_bytes(opening->sealed_access), arsc_path(&opening->path, path),
    };

    return abi_encode_call(CONTRACT_CALL(ARSC_APPROVE), values, 7, call, error);
}

int arsc_call_reopen_path(const uint8_t request[32], const struct amsc_path *path,
                          struct buffer *call, struct aceso_error *error)
{
    struct abi_value members[4];
    const struct abi_value values[] = { abi_word(request), arsc_path(path, members) };

    return abi_encode_call(CONTRACT_CALL(ARSC_REOPEN_PATH), values, 2, call, error);
}

/* The functions of a hospital and an institute. */
static int arsc_call_pair(uint32_t selector, const char *types, uint32_t hospital,
                          const uint8_t institute[20], struct buffer *call,
                          struct aceso_error *error)
{
    const struct abi_value values[] = { abi_u64(hospital), abi_address(institute) };

    return abi_encode_call(selector, types, values, 2, call, error);
}

int arsc_call_open_institute(uint32_t hospital, const uint8_t institute[20], struct buffer *call,
                             struct aceso_error *error)
{
    return arsc_call_pair(CONTRACT_CALL(ARSC_OPEN_INSTITUTE), hospital, institute, call, error);
}

int arsc_call_revoke_institute(uint32_t hospital, const uint8_t institute[20],
                               struct buffer *call, struct aceso_error *error)
{
    return arsc_call_pair(CONTRACT_CALL(ARSC_REVOKE_INSTITUTE), hospital, institute, call, error);
}

int arsc_request_of(const struct contract *arsc, const uint8_t id[32],
                    struct arsc_request *request, struct aceso_error *error)
{
    const struct abi_value argument = abi_word(id);
    struct abi_value values[12];
    const struct abi_value *members = values + 1;
    struct arsc_request read;
    int code = contract_ask(arsc, CONTRACT_CALL(ARSC_REQUEST_OF), &argument, 1,
                            ARSC_REQUEST_OF_RETURNS, values, 12, error);

    if (code)
        return code;
    read.hospital = (uint32_t)abi_get_u64(&members[0]);
    abi_get_address(&members[1], read.patient);
    abi_get_address(&members[2], read.institute);
    read.purpose = (uint8_t)abi_get_u64(&members[3]);
    read.deadline = abi_get_u64(&members[4]);
    read.status = (uint8_t)abi_get_u64(&members[5]);
    read.level = (uint8_t)abi_get_u64(&members[6]);
    read.term = abi_get_u64(&members[7]);
    read.until = abi_get_u64(&members[8]);
    read.database = (uint16_t)abi_get_u64(&members[9]);
    read.serial = (uint32_t)abi_get_u64(&members[10]);
    if (read.status == ARSC_STATUS_NONE)
        return error_set(error, ACESO_ENOTFOUND, NULL, "there is no such request");
    *request = read;
    return ACESO_OK;
}

int arsc_consent_live(const struct contract *arsc, const uint8_t id[32], bool *live,
                      struct aceso_error *error)
{
    const struct abi_value argument = abi_word(id);
    struct abi_value value;
    int code = contract_ask(arsc, CONTRACT_CALL(ARSC_CONSENT_LIVE), &argument, 1,
                            ARSC_CONSENT_LIVE_RETURNS, &value, 1, error);

    if (!code)
        *live = abi_get_bool(&value);
    return code;
}

int arsc_relation(const struct contract *arsc, uint32_t hospital, const uint8_t institute[20],
                  uint8_t relation[20], struct aceso_error *error)
{
    const struct abi_value arguments[] = { abi_u64(hospital), abi_address(institute) };
    struct abi_value value;
    int code = contract_ask(arsc, CONTRACT_CALL(ARSC_RELATION), arguments, 2,
                            ARSC_RELATION_RETURNS, &value, 1, error);

    if (!code && abi_get_u64(&value) == 0)
        return error_set(error, ACESO_ENOTFOUND, NULL, "hospital and institute have no contract");
    if (!code)
        abi_get_address(&value, relation);
    return code;
}

int arsc_predict_relation(const struct contract *arsc, uint32_t hospital,
                          const uint8_t institute[20], uint8_t relation[20],
                          struct aceso_error *error)
{
    const struct abi_value arguments[] = { abi_u64(hospital), abi_address(institute) };
    struct abi_value value;
    int code = contract_ask(arsc, CONTRACT_CALL(ARSC_PREDICT_RELATION), arguments, 2,
                            ARSC_PREDICT_RELATION_RETURNS, &value, 1, error);

    if (!code)
        abi_get_address(&value, relation);
    return code;
}

static const struct contract_event_type arsc_events[] = {
    [ARSC_REQUEST_MADE] = CONTRACT_EVENT(ARSC_REQUEST_MADE),
    [ARSC_CONSENT_GIVEN] = CONTRACT_EVENT(ARSC_CONSENT_GIVEN),
    [ARSC_REQUEST_APPROVED] = CONTRACT_EVENT(ARSC_REQUEST_APPROVED),
    [ARSC_CONSENT_REFUSED] = CONTRACT_EVENT(ARSC_CONSENT_REFUSED),
    [ARSC_REQUEST_DENIED] = CONTRACT_EVENT(ARSC_REQUEST_DENIED),
    [ARSC_REQUEST_WITHDRAWN] = CONTRACT_EVENT(ARSC_REQUEST_WITHDRAWN),
    [ARSC_REQUEST_EXPIRED] = CONTRACT_EVENT(ARSC_REQUEST_EXPIRED),
    [ARSC_CONSENT_REVOKED] = CONTRACT_EVENT(ARSC_CONSENT_REVOKED),
    [ARSC_CONSENT_ENDED] = CONTRACT_EVENT(ARSC_CONSENT_ENDED),
    [ARSC_PATH_REOPENED] = CONTRACT_EVENT(ARSC_PATH_REOPENED),
    [ARSC_INSTITUTE_OPENED] = CONTRACT_EVENT(ARSC_INSTITUTE_OPENED),
    [ARSC_INSTITUTE_REVOKED] = CONTRACT_EVENT(ARSC_INSTITUTE_REVOKED),
};

/* `values`: hospital, patient, institute, request, purpose, level, term, deadline. */
static void arsc_event_made(const struct abi_value *values, struct arsc_event *event)
{
    event->hospital = (uint32_t)abi_get_u64(&values[0]);
    abi_get_address(&values[1], event->patient);
    abi_get_address(&values[2], event->institute);
    abi_get_word(&values[3], event->request);
    event->purpose = (uint8_t)abi_get_u64(&values[4]);
    event->level = (uint8_t)abi_get_u64(&values[5]);
    event->term = abi_get_u64(&values[6]);
    event->deadline = abi_get_u64(&values[7]);
}

static void arsc_event_institute(const struct abi_value *values, struct arsc_event *event)
{
    event->hospital = (uint32_t)abi_get_u64(&values[0]);
    abi_get_address(&values[1], event->institute);
    abi_get_address(&values[2],
                    event->kind == ARSC_INSTITUTE_OPENED ? event->relation : event->by);
}

/* Those whose first member is the request. */
static void arsc_event_request(const struct abi_value *values, struct arsc_event *event)
{
    abi_get_word(&values[0], event->request);
    switch (event->kind) {
    case ARSC_CONSENT_GIVEN:
        abi_get_address(&values[1], event->patient);
        event->level = (uint8_t)abi_get_u64(&values[2]);
        event->until = abi_get_u64(&values[3]);
        event->grant = values[4].bytes;
        break;
    case ARSC_REQUEST_APPROVED:
        abi_get_word(&values[1], event->access_digest);
        event->sealed_access = values[2].bytes;
        break;
    case ARSC_CONSENT_REFUSED:
    case ARSC_CONSENT_REVOKED:
        abi_get_address(&values[1], event->patient);
        break;
    case ARSC_REQUEST_DENIED:
        event->hospital = (uint32_t)abi_get_u64(&values[1]);
        break;
    case ARSC_REQUEST_WITHDRAWN:
        abi_get_address(&values[1], event->institute);
        break;
    case ARSC_CONSENT_ENDED:
        abi_get_address(&values[1], event->by);
        break;
    case ARSC_PATH_REOPENED:
        event->database = (uint16_t)abi_get_u64(&values[1]);
        event->serial = (uint32_t)abi_get_u64(&values[2]);
        break;
    default:
        break;
    }
}

int arsc_event_read(const struct rpc_log *log, struct arsc_event *event, struct aceso_error *error)
{
    struct arsc_event read = { .kind = ARSC_REQUEST_MADE };
    struct abi_value values[8];
    size_t kind = 0;
    int code = contract_event_find(log, arsc_events, sizeof arsc_events / sizeof *arsc_events,
                                   &kind, values, 8, error);

    if (code)
        return code;
    read.kind = (enum arsc_event_kind)kind;
    if (read.kind == ARSC_REQUEST_MADE)
        arsc_event_made(values, &read);
    else if (read.kind == ARSC_INSTITUTE_OPENED || read.kind == ARSC_INSTITUTE_REVOKED)
        arsc_event_institute(values, &read);
    else
        arsc_event_request(values, &read);
    *event = read;
    return ACESO_OK;
}
