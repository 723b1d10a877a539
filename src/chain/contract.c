/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/contract.h"

#include "contracts_abi.h"
#include "eth/address.h"

#include <string.h>

#define CONTRACT_ANSWER_MAX ((size_t)1 << 20)

struct contract contract_at(struct rpc *rpc, const uint8_t address[20])
{
    struct contract made = { .rpc = rpc, .block = RPC_LATEST };

    memcpy(made.address, address, 20);
    return made;
}

struct eip712_domain contract_domain(uint64_t chain_id, const uint8_t contract[20])
{
    struct eip712_domain domain = { .name = "aceso", .version = "1", .chain_id = chain_id };

    memcpy(domain.contract, contract, 20);
    return domain;
}

/* An empty answer: nothing was to be returned, or there is no contract. */
static int contract_check_there(const struct contract *contract, struct aceso_error *error)
{
    size_t len = 0;
    int code = rpc_code_length(contract->rpc, contract->address, &len, error);

    if (!code && len == 0)
        code = error_set(error, ACESO_ENOTFOUND, NULL, "no contract at this address");
    return code;
}

int contract_view(const struct contract *contract, struct bytes call, const char *returns,
                  struct buffer *answer, struct abi_value *values, size_t room,
                  struct aceso_error *error)
{
    const struct rpc_call asked = { .to = contract->address, .data = call };
    int code = rpc_call(contract->rpc, &asked, contract->block, answer, NULL, error);

    if (!code && answer->len == 0)
        code = contract_check_there(contract, error);
    if (!code)
        code = abi_decode(returns, buffer_bytes(answer), values, room, error);
    return code;
}

int contract_ask(const struct contract *contract, uint32_t selector, const char *types,
                 const struct abi_value *arguments, size_t count, const char *returns,
                 struct abi_value *values, size_t room, struct aceso_error *error)
{
    struct buffer call = BUFFER_INIT(CONTRACT_ANSWER_MAX);
    struct buffer answer = BUFFER_INIT(CONTRACT_ANSWER_MAX);
    int code = abi_encode_call(selector, types, arguments, count, &call, error);

    if (!code)
        code = contract_view(contract, buffer_bytes(&call), returns, &answer, values, room, error);
    buffer_free(&call);
    buffer_free(&answer);
    return code;
}

int contract_pin(const struct contract *contract, struct contract *pinned,
                 struct aceso_error *error)
{
    struct rpc_block block;
    int code = ACESO_OK;

    if (contract->block >= RPC_FINALIZED) {
        code = rpc_block(contract->rpc, contract->block, &block, error);
        if (code)
            return code;
    } else {
        block.number = contract->block;
    }
    *pinned = *contract;
    pinned->block = block.number;
    return code;
}

int contract_event(const struct rpc_log *log, const char *indexed, const char *data,
                   struct abi_value *values, size_t room, struct aceso_error *error)
{
    struct bytes topics = bytes_of(log->topic[1], log->topics ? 32 * (log->topics - 1) : 0);
    size_t count = topics.len / 32;
    int code;

    if (count > room)
        return error_set(error, ACESO_ELIMIT, NULL, "an event with too many topics");
    code = abi_decode(indexed, topics, values, count, error);
    if (!code)
        code = abi_decode(data, log->data, values + count, room - count, error);
    return code;
}

int contract_event_find(const struct rpc_log *log, const struct contract_event_type *table,
                        size_t count, size_t *kind, struct abi_value *values, size_t room,
                        struct aceso_error *error)
{
    for (size_t i = 0; i < count; i++) {
        int code;

        if (log->topics == 0 || memcmp(log->topic[0], table[i].topic, 32) != 0)
            continue;
        code = contract_event(log, table[i].indexed, table[i].data, values, room, error);
        if (!code)
            *kind = i;
        return code;
    }
    return error_set(error, ACESO_ENOTFOUND, NULL, "another contract's event");
}

size_t contract_topics(uint8_t topics[CONTRACT_TOPICS_MAX][32])
{
    static const uint8_t all[][32] = {
        AMSC_HOSPITAL_REGISTERED_TOPIC, AMSC_HOSPITAL_UPDATED_TOPIC, AMSC_HOSPITAL_SUSPENDED_TOPIC,
        AMSC_HOSPITAL_REINSTATED_TOPIC, AMSC_HOSPITAL_KEY_REPLACED_TOPIC, AMSC_KEYS_PUBLISHED_TOPIC,
        AMSC_GENERATION_RAISED_TOPIC, AMSC_CREDENTIAL_ACCEPTED_TOPIC, AMSC_CREDENTIAL_REVOKED_TOPIC,
        AMSC_RELATIONSHIP_CREATED_TOPIC, AMSC_NONCE_VOIDED_TOPIC, AMSC_ENTRY_OPENED_TOPIC,
        AMSC_ENTRY_EXTENDED_TOPIC, AMSC_ENTRY_REMOVED_TOPIC,
        HPSC_TERMS_SET_TOPIC, HPSC_OVERRIDE_SET_TOPIC, HPSC_BATCH_ANCHORED_TOPIC,
        HISC_ATTRIBUTES_RECORDED_TOPIC, HISC_ENDED_TOPIC,
        ARSC_REQUEST_MADE_TOPIC, ARSC_CONSENT_GIVEN_TOPIC, ARSC_REQUEST_APPROVED_TOPIC,
        ARSC_CONSENT_REFUSED_TOPIC, ARSC_REQUEST_DENIED_TOPIC, ARSC_REQUEST_WITHDRAWN_TOPIC,
        ARSC_REQUEST_EXPIRED_TOPIC, ARSC_CONSENT_REVOKED_TOPIC, ARSC_CONSENT_ENDED_TOPIC,
        ARSC_PATH_REOPENED_TOPIC, ARSC_INSTITUTE_OPENED_TOPIC, ARSC_INSTITUTE_REVOKED_TOPIC,
    };
    const size_t count = sizeof all / sizeof *all;

    _Static_assert(sizeof all / sizeof *all <= CONTRACT_TOPICS_MAX, "room for all topics");
    memcpy(topics, all, sizeof all);
    return count;
}

void deployment_plan(const uint8_t deployer[20], uint64_t first_nonce, struct deployment *plan)
{
    address_create(deployer, first_nonce, plan->hpsc);
    address_create(deployer, first_nonce + 1, plan->hisc);
    address_create(deployer, first_nonce + 2, plan->amsc);
    address_create(deployer, first_nonce + 3, plan->arsc);
}

int deployment_step(const struct deployment *plan, const uint8_t ca[20], size_t step,
                    struct buffer *code, uint8_t address[20], struct aceso_error *error)
{
    const struct abi_value amsc = abi_address(plan->amsc), hpsc = abi_address(plan->hpsc);
    const struct abi_value hisc = abi_address(plan->hisc), arsc = abi_address(plan->arsc);
    const struct {
        const uint8_t *code;
        size_t size;
        const char *types;
        struct abi_value values[3];
        size_t count;
        const uint8_t *address;
    } steps[DEPLOYMENT_STEPS] = {
        { hpsc_code, hpsc_code_size, HPSC_CONSTRUCTOR_TYPES, { amsc }, 1, plan->hpsc },
        { hisc_code, hisc_code_size, HISC_CONSTRUCTOR_TYPES, { amsc, arsc }, 2, plan->hisc },
        { amsc_code, amsc_code_size, AMSC_CONSTRUCTOR_TYPES, { abi_address(ca), hpsc, arsc }, 3,
          plan->amsc },
        { arsc_code, arsc_code_size, ARSC_CONSTRUCTOR_TYPES, { amsc, hpsc, hisc }, 3, plan->arsc },
    };
    int failed;

    if (step >= DEPLOYMENT_STEPS)
        return error_set(error, ACESO_EUSAGE, NULL, "the deployment has %d steps",
                         DEPLOYMENT_STEPS);
    if (buffer_put(code, steps[step].code, steps[step].size))
        return error_set(error, code->failed, NULL, "no room for the contract's code");
    failed = abi_encode(steps[step].types, steps[step].values, steps[step].count, code, error);
    if (!failed)
        memcpy(address, steps[step].address, 20);
    return failed;
}
