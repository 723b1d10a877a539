/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on the contracts: calls as they would be mined, from an account that has no right to
 * them, each beside the same call from where it belongs. Uses chain. */
#include "adversary.h"

#include "base/text.h"
#include "chain/arsc.h"
#include "chain/hisc.h"
#include "chain/hpsc.h"
#include "chain/revert.h"
#include "contracts_abi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- attempts ---------------------------------------------------------------------------- */

/* The contract's own name of the error, or the selector of one that is not ours. */
static void chain_reason(struct bytes revert, char out[64])
{
    const char *name = revert_name(revert);

    if (name) {
        (void)snprintf(out, 64, "%s", name);
    } else if (revert.len >= 4) {
        (void)snprintf(out, 64, "0x");
        text_hex(revert.data, 4, out + 2);
    } else {
        (void)snprintf(out, 64, "no reason");
    }
}

static bool chain_listed(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name)) {
        if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
            return true;
    }
    return false;
}

static int chain_run(const struct chain_call *call, char reason[64], struct aceso_error *error)
{
    const struct rpc_call message = { .from = call->from, .to = call->to, .data = call->data };
    struct buffer out = BUFFER_INIT(1 << 20), revert = BUFFER_INIT(1 << 20);
    int code = rpc_call(call->rpc, &message, call->block, &out, &revert, error);

    if (code == ACESO_ECHAIN)
        chain_reason(buffer_bytes(&revert), reason);
    buffer_free(&out);
    buffer_free(&revert);
    return code;
}

int chain_attempt(struct attack *attack, const struct chain_call *call, const char *what,
                  const char *expected, struct aceso_error *error)
{
    char reason[64];
    int code = chain_run(call, reason, error);

    if (code == ACESO_OK) {
        attack_note(attack, true, what, "the contract took it");
        return ACESO_OK;
    }
    if (code != ACESO_ECHAIN)
        return code;
    if (!chain_listed(expected, reason))
        return error_set(error, ACESO_ESTATE, NULL,
                         "%s: refused by %s, not by %s: this shows nothing", what, reason,
                         expected);
    attack_note(attack, false, what, reason);
    return ACESO_OK;
}

int chain_control(struct attack *attack, const struct chain_call *call, const char *what,
                  struct aceso_error *error)
{
    char reason[64] = "no answer";
    int code = chain_run(call, reason, error);

    if (code)
        return error_set(error, ACESO_ESTATE, NULL,
                         "the control of '%s' does not pass (%s): this shows nothing", what,
                         reason);
    attack->tried++;
    return ACESO_OK;
}

/* ---- what was mined ---------------------------------------------------------------------- */

static int chain_read_message(struct loot *loot, const struct rpc_log *log,
                              struct chain_message *message, struct aceso_error *error)
{
    struct buffer answer = BUFFER_INIT((size_t)4 << 20);
    struct arsc_event event;
    char params[80] = "[\"0x";
    const yyjson_val *root;
    const char *input = NULL;
    yyjson_doc *doc = NULL;
    int code;

    text_hex(log->transaction, 32, params + 4);
    (void)memcpy(params + 68, "\"]", 3);
    code = rpc_request(loot->rpc, "eth_getTransactionByHash", params, &answer, error);
    if (!code)
        code = json_parse(buffer_bytes(&answer), &doc, error);
    root = yyjson_doc_get_root(doc);
    if (arsc_event_read(log, &event, NULL) == ACESO_OK)
        memcpy(message->request, event.request, 32);
    message->block = log->block;
    message->input = (struct buffer)BUFFER_INIT((size_t)1 << 20);
    if (!code)
        code = json_hex(root, "from", message->from, 20, error);
    if (!code)
        code = json_hex(root, "to", message->to, 20, error);
    if (!code)
        code = json_string(root, "input", &input, error);
    if (!code)
        code = text_unhex_buffer(input, &message->input);
    yyjson_doc_free(doc);
    buffer_free(&answer);
    return code;
}

int chain_history_read(struct loot *loot, const uint8_t topic[32], struct chain_history *history,
                       struct aceso_error *error)
{
    struct rpc_log_filter filter = { .from = loot->network.first_block,
                                     .topic0 = (const uint8_t(*)[32])(const void *)topic,
                                     .topics = 1 };
    struct rpc_logs logs = { .count = 0 };
    struct rpc_block newest;
    int code = rpc_block(loot->rpc, RPC_LATEST, &newest, error);

    memset(history, 0, sizeof *history);
    filter.to = newest.number;
    if (!code)
        code = rpc_logs(loot->rpc, &filter, &logs, error);
    if (!code && logs.count) {
        history->message = calloc(logs.count, sizeof *history->message);
        if (!history->message)
            code = error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    }
    for (size_t i = 0; i < logs.count && i < CHAIN_MESSAGES_MAX && !code; i++)
        code = chain_read_message(loot, &logs.log[i], &history->message[history->count++], error);
    rpc_logs_free(&logs);
    return code;
}

void chain_history_free(struct chain_history *history)
{
    for (size_t i = 0; i < history->count; i++)
        buffer_free(&history->message[i].input);
    free(history->message);
    memset(history, 0, sizeof *history);
}

/* ---- another hospital's entries ---------------------------------------------------------- */

struct whitelist {
    struct attack *attack;
    struct loot *loot;
    struct loot_party *attacker; /* a hospital */
    struct ledger_hospital victim;
    struct ledger_request request; /* approved at the victim, and live */
    struct arsc_request entry;
    uint8_t pair[20];
    const struct loot_relation *relation;
    struct buffer call;
};

static int whitelist_find(void *data, const struct ledger_request *request,
                          struct aceso_error *error)
{
    struct whitelist *whitelist = data;
    struct contract arsc = contract_at(whitelist->loot->rpc, whitelist->loot->network.arsc);
    bool live = false;
    int code;

    /* What it asked for itself a hospital may end itself. */
    if (whitelist->relation || request->status != LEDGER_APPROVED ||
        memcmp(request->institute, whitelist->attacker->address, 20) == 0)
        return ACESO_OK;
    code = arsc_consent_live(&arsc, request->id, &live, error);
    for (size_t i = 0; i < whitelist->loot->relations && !code && live; i++) {
        if (memcmp(whitelist->loot->relation[i].terms.patient, request->patient, 20) == 0)
            whitelist->relation = &whitelist->loot->relation[i];
    }
    if (!code && whitelist->relation) {
        whitelist->request = *request;
        whitelist->victim = whitelist->relation->hospital;
        code = arsc_request_of(&arsc, request->id, &whitelist->entry, error);
    }
    if (!code && whitelist->relation)
        code = arsc_relation(&arsc, request->hospital, request->institute, whitelist->pair, error);
    return code;
}

/* One call, from the attacker and then from `owner`, to whom it belongs. */
static int whitelist_try(struct whitelist *whitelist, const char *what, const uint8_t to[20],
                         const char *expected, const uint8_t *owner, struct aceso_error *error)
{
    struct chain_call call = { .rpc = whitelist->loot->rpc, .from = whitelist->attacker->address,
                               .to = to, .data = buffer_bytes(&whitelist->call),
                               .block = RPC_LATEST };
    int code = whitelist->call.failed;

    if (!code)
        code = chain_attempt(whitelist->attack, &call, what, expected, error);
    call.from = owner;
    if (!code && owner)
        code = chain_control(whitelist->attack, &call, what, error);
    buffer_clear(&whitelist->call);
    return code;
}

#define NOT_HOSPITAL "AddressMappingNotHospital"
#define NOT_REQUESTS "AddressMappingNotAccessRequest"

static int whitelist_entries(struct whitelist *whitelist, struct aceso_error *error)
{
    const struct ledger_request *request = &whitelist->request;
    const uint8_t *amsc = whitelist->loot->network.amsc, *arsc = whitelist->loot->network.arsc;
    const struct abi_value database = abi_u64(whitelist->entry.database);
    const struct abi_value close[] = { abi_u64(request->hospital), abi_address(request->institute),
                                       abi_items(&database, 1) };
    const struct abi_value leave[] = { close[0], close[1], database,
                                       abi_u64(whitelist->entry.serial) };
    const struct abi_value open[] = { close[0], abi_address(whitelist->victim.key), close[1],
                                      abi_u64(7), abi_u64(1), abi_u64(0xffffffffff) };
    int code = amsc_call_remove_entry(request->hospital, request->institute,
                                      whitelist->entry.database, &whitelist->call, error);

    if (!code)
        code = whitelist_try(whitelist, "removeEntry of another hospital's entry", amsc,
                             NOT_HOSPITAL, whitelist->victim.key, error);
    if (!code)
        code = abi_encode_call(CONTRACT_CALL(AMSC_CLOSE_ENTRIES), close, 3, &whitelist->call,
                               error);
    if (!code)
        code = whitelist_try(whitelist, "closeEntries, as the requests' contract would", amsc,
                             NOT_REQUESTS, arsc, error);
    if (!code)
        code = abi_encode_call(CONTRACT_CALL(AMSC_LEAVE_ENTRY), leave, 4, &whitelist->call, error);
    if (!code)
        code = whitelist_try(whitelist, "leaveEntry, as the requests' contract would", amsc,
                             NOT_REQUESTS, arsc, error);
    if (!code)
        code = abi_encode_call(CONTRACT_CALL(AMSC_OPEN_ENTRY), open, 6, &whitelist->call, error);
    if (!code)
        code = whitelist_try(whitelist, "openEntry, as the requests' contract would", amsc,
                             NOT_REQUESTS, arsc, error);
    return code;
}

static int whitelist_consents(struct whitelist *whitelist, struct aceso_error *error)
{
    const struct ledger_request *request = &whitelist->request;
    const uint8_t *arsc = whitelist->loot->network.arsc, *own = whitelist->victim.key;
    const struct abi_value serial = abi_u64(whitelist->entry.serial);
    const uint8_t digest[32] = { 1 }, nobody[20] = { 0x77 };
    int code = arsc_call_revoke_institute(request->hospital, request->institute,
                                          &whitelist->call, error);

    if (!code)
        code = whitelist_try(whitelist, "revokeInstitute of another hospital's institute", arsc,
                             NOT_HOSPITAL, own, error);
    if (!code)
        code = arsc_call_end_consent(request->id, &whitelist->call, error);
    if (!code)
        code = whitelist_try(whitelist, "endConsent of another hospital's consent", arsc,
                             NOT_HOSPITAL, own, error);
    if (!code)
        code = arsc_call_open_institute(request->hospital, nobody, &whitelist->call, error);
    if (!code)
        code = whitelist_try(whitelist, "openInstitute in another hospital's name", arsc,
                             NOT_HOSPITAL, own, error);
    if (!code)
        code = hisc_call_end(&whitelist->call, error);
    if (!code)
        code = whitelist_try(whitelist, "end of another hospital's pair", whitelist->pair,
                             NOT_HOSPITAL, own, error);
    if (!code)
        code = hisc_call_record_attributes(digest, &whitelist->call, error);
    if (!code)
        code = whitelist_try(whitelist, "recordAttributes in another hospital's pair",
                             whitelist->pair, NOT_HOSPITAL, own, error);
    if (!code)
        code = abi_encode_call(CONTRACT_CALL(HISC_MARK_ENDED), &serial, 1, &whitelist->call,
                               error);
    if (!code)
        code = whitelist_try(whitelist, "markEnded, as the requests' contract would",
                             whitelist->pair, "HospitalInstituteNotAccessRequest", arsc, error);
    return code;
}

static int whitelist_patients(struct whitelist *whitelist, struct aceso_error *error)
{
    const struct ledger_relationship *terms = &whitelist->relation->terms;
    struct hpsc_terms current;
    struct hpsc_override change = { .level = 4, .deadline = UINT32_MAX };
    struct hpsc_state state;
    struct contract hpsc = contract_at(whitelist->loot->rpc, terms->contract);
    const uint8_t digest[32] = { 1 }, signature[65] = { 0 };
    int code = hpsc_state(&hpsc, &state, error);

    memcpy(current.policy_digest, terms->policy_digest, 32);
    memcpy(current.patient_keys_digest, terms->patient_keys_digest, 32);
    memcpy(current.authority_keys_digest, terms->authority_keys_digest, 32);
    memcpy(current.headers_digest, terms->headers_digest, 32);
    if (!code)
        code = hpsc_call_advance_switch(terms->epoch.n + 1, &current, digest, digest,
                                        bytes_of(NULL, 0), &whitelist->call, error);
    if (!code)
        code = whitelist_try(whitelist, "advanceSwitch of another hospital's patient",
                             terms->contract, NOT_HOSPITAL, whitelist->victim.key, error);
    /* Nobody's address: for one that has level 4 anyway this would widen nothing. */
    memset(change.institute, 0x77, 20);
    change.nonce = state.nonce;
    if (!code)
        code = hpsc_call_set_override(&change, signature, &whitelist->call, error);
    if (!code)
        code = whitelist_try(whitelist, "setOverride of another hospital's patient",
                             terms->contract, NOT_HOSPITAL, NULL, error);
    if (!code)
        code = hpsc_call_set_override(&change, signature, &whitelist->call, error);
    if (!code) {
        struct chain_call own = { .rpc = whitelist->loot->rpc, .from = whitelist->victim.key,
                                  .to = terms->contract, .data = buffer_bytes(&whitelist->call),
                                  .block = RPC_LATEST };

        code = chain_attempt(whitelist->attack, &own,
                             "setOverride by the own hospital, without the patient",
                             "HospitalPatientBadSignature", error);
    }
    buffer_clear(&whitelist->call);
    return code;
}

/* The patient's own signed yes, sent by the wrong hospital in the very block in which the right one
 * sent it; and a denial of the same request. */
static int whitelist_decisions(struct whitelist *whitelist, struct aceso_error *error)
{
    static const uint8_t topic[32] = ARSC_REQUEST_APPROVED_TOPIC;
    struct chain_history history = { .count = 0 };
    struct chain_call call = { .rpc = whitelist->loot->rpc, .to = whitelist->loot->network.arsc };
    int code = chain_history_read(whitelist->loot, topic, &history, error);

    for (size_t i = 0; i < history.count && !code; i++) {
        const struct chain_message *message = &history.message[i];

        if (memcmp(message->request, whitelist->request.id, 32) != 0)
            continue;
        call.block = message->block - 1;
        call.data = buffer_bytes(&message->input);
        call.from = whitelist->attacker->address;
        code = chain_attempt(whitelist->attack, &call, "approve with the patient's signed yes",
                             NOT_HOSPITAL, error);
        call.from = message->from;
        if (!code)
            code = chain_control(whitelist->attack, &call, "approve", error);
        if (!code)
            code = arsc_call_deny(whitelist->request.id, &whitelist->call, error);
        call.data = buffer_bytes(&whitelist->call);
        call.from = whitelist->attacker->address;
        if (!code)
            code = chain_attempt(whitelist->attack, &call, "deny of another hospital's request",
                                 NOT_HOSPITAL, error);
        call.from = message->from;
        if (!code)
            code = chain_control(whitelist->attack, &call, "deny", error);
    }
    chain_history_free(&history);
    return code;
}

int attack_whitelist(struct attack *attack, struct aceso_error *error)
{
    struct whitelist whitelist = { .attack = attack, .call = BUFFER_INIT(1 << 20) };
    int code = loot_open(attack, &whitelist.loot, error);

    if (!code && !whitelist.loot->hospitals)
        code = error_set(error, ACESO_EUSAGE, NULL, "--hospital is missing");
    if (!code)
        whitelist.attacker = &whitelist.loot->party[whitelist.loot->institutes];
    for (uint32_t id = 1; !code && id <= 64 && !whitelist.relation; id++) {
        if (id != whitelist.attacker->config.hospital.id)
            code = ledger_requests(whitelist.attacker->store, NULL, id, whitelist_find,
                                   &whitelist, error);
    }
    if (!code && !whitelist.relation)
        code = error_set(error, ACESO_ESTATE, NULL, "no other hospital has a live consent");
    if (!code)
        code = whitelist_entries(&whitelist, error);
    if (!code)
        code = whitelist_consents(&whitelist, error);
    if (!code)
        code = whitelist_patients(&whitelist, error);
    if (!code)
        code = whitelist_decisions(&whitelist, error);
    if (!code)
        attack_say(attack, "%s sent %llu calls for %s's entries, consents and patients: %s",
                   whitelist.attacker->config.label, (unsigned long long)attack->tried,
                   whitelist.victim.card.label,
                   attack->breaches ? "SOME WERE TAKEN"
                                    : "the contracts refused each; from whom they belong to they "
                                      "pass");
    buffer_free(&whitelist.call);
    loot_free(whitelist.loot);
    return code;
}
