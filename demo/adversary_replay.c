/* SPDX-License-Identifier: Apache-2.0 */
/* Signed messages played again: the exact bytes that were mined, to another hospital, patient,
 * request, contract or chain; each beside the control that they pass where they belong, in the
 * block in which they did. Then the same at the nodes' doors. Uses chain, eth. */
#include "adversary.h"

#include "base/secret.h"
#include "base/text.h"
#include "chain/arsc.h"
#include "chain/hpsc.h"
#include "contracts_abi.h"
#include "crypto/ecdsa.h"
#include "node/approval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_VALUES 64
#define REPLAY_CONTROLS 8
#define REPLAY_OTHERS 6 /* other requests that one approval is tried on */

enum replay_kind {
    REPLAY_TERMS,
    REPLAY_BATCH,
    REPLAY_CREDENTIAL,
    REPLAY_APPROVAL,
    REPLAY_REVOCATION,
    REPLAY_KINDS,
};

/* What each kind is found by, and what refuses a signature that is not for this. */
static const struct {
    const char *name;
    uint8_t topic[32];
    const char *signature; /* the contract's error */
    const char *again;     /* where the same message comes a second time */
    const char *types;
} replay_kinds[REPLAY_KINDS] = {
    { "terms", AMSC_RELATIONSHIP_CREATED_TOPIC, "AddressMappingBadSignature",
      "AddressMappingRelationshipExists", AMSC_CREATE_RELATIONSHIP_TYPES },
    { "batch signature", HPSC_BATCH_ANCHORED_TOPIC, "HospitalPatientBadSignature",
      "HospitalPatientBadBatch", HPSC_ANCHOR_BATCH_TYPES },
    { "credential", AMSC_CREDENTIAL_ACCEPTED_TOPIC, "AddressMappingBadCredentialSignature",
      "AccessRequestExists", ARSC_REQUEST_TYPES },
    { "approval", ARSC_REQUEST_APPROVED_TOPIC, "AccessRequestBadSignature",
      "AccessRequestWrongStatus", ARSC_APPROVE_TYPES },
    { "revocation", ARSC_CONSENT_REVOKED_TOPIC, "AccessRequestBadSignature",
      "AccessRequestWrongStatus", ARSC_REVOKE_TYPES },
};

/* A call taken apart, so that single members can be changed. */
struct replay_call {
    uint8_t selector[4];
    const char *types;
    struct abi_value value[REPLAY_VALUES];
    size_t count; /* of the outermost */
};

struct replay {
    struct attack *attack;
    struct loot *loot;
    struct chain_history history[REPLAY_KINDS];
    struct chain_history made; /* requests, by RequestMade */
};

/* ---- calls ------------------------------------------------------------------------------- */

static int call_take(const struct chain_message *message, enum replay_kind kind, size_t count,
                     struct replay_call *call, struct aceso_error *error)
{
    struct bytes input = buffer_bytes(&message->input);

    if (input.len < 4)
        return error_set(error, ACESO_EFORMAT, NULL, "not a call");
    memcpy(call->selector, input.data, 4);
    call->types = replay_kinds[kind].types;
    call->count = count;
    return abi_decode(call->types, bytes_of(input.data + 4, input.len - 4), call->value,
                      REPLAY_VALUES, error);
}

/* The member `at` of the struct that is argument `argument`. */
static struct abi_value *call_member(struct replay_call *call, size_t argument, size_t at)
{
    return &call->value[call->value[argument].items - call->value + (ptrdiff_t)at];
}

static int call_encode(const struct replay_call *call, struct buffer *out,
                       struct aceso_error *error)
{
    uint32_t selector = (uint32_t)call->selector[0] << 24 | (uint32_t)call->selector[1] << 16 |
                        (uint32_t)call->selector[2] << 8 | call->selector[3];

    buffer_clear(out);
    return abi_encode_call(selector, call->types, call->value, call->count, out, error);
}

static int replay_try(struct replay *replay, enum replay_kind kind, struct rpc *rpc,
                      const uint8_t from[20], const uint8_t to[20], struct bytes data,
                      uint64_t block, const char *where, const char *expected,
                      struct aceso_error *error)
{
    const struct chain_call call = { .rpc = rpc, .from = from, .to = to, .data = data,
                                     .block = block };
    char what[96];

    (void)snprintf(what, sizeof what, "%s %s", replay_kinds[kind].name, where);
    return chain_attempt(replay->attack, &call, what,
                         expected ? expected : replay_kinds[kind].signature, error);
}

/* The changed call, from the same sender behind the same block. */
static int replay_changed(struct replay *replay, enum replay_kind kind,
                          const struct chain_message *message, const struct replay_call *call,
                          const uint8_t *from, const char *where, const char *expected,
                          struct aceso_error *error)
{
    struct buffer data = BUFFER_INIT((size_t)1 << 20);
    int code = call_encode(call, &data, error);

    if (!code)
        code = replay_try(replay, kind, replay->loot->rpc, from ? from : message->from,
                          message->to, buffer_bytes(&data), message->block - 1, where, expected,
                          error);
    buffer_free(&data);
    return code;
}

/* ---- where it belongs, and there again --------------------------------------------------- */

static int replay_control(struct replay *replay, enum replay_kind kind,
                          const struct chain_message *message, struct aceso_error *error)
{
    const struct chain_call call = { .rpc = replay->loot->rpc, .from = message->from,
                                     .to = message->to, .data = buffer_bytes(&message->input),
                                     .block = message->block - 1 };
    int code = chain_control(replay->attack, &call, replay_kinds[kind].name, error);

    if (!code)
        code = replay_try(replay, kind, replay->loot->rpc, message->from, message->to,
                          buffer_bytes(&message->input), RPC_LATEST, "a second time",
                          replay_kinds[kind].again, error);
    return code;
}

/* ---- terms ------------------------------------------------------------------------------- */

static const struct ledger_hospital *replay_other_hospital(const struct replay *replay,
                                                           uint32_t id,
                                                           struct ledger_hospital *found)
{
    for (uint32_t other = 1; other <= 64; other++) {
        if (other != id &&
            ledger_hospital_by_id(replay->loot->party[0].store, other, found, NULL) == ACESO_OK)
            return found;
    }
    return NULL;
}

static int replay_terms(struct replay *replay, const struct chain_message *message,
                        struct aceso_error *error)
{
    static const uint8_t nobody[20] = { 0x77, 1 };
    struct replay_call call, changed;
    struct ledger_hospital other;
    uint8_t all[32] = { 0 };
    int code = call_take(message, REPLAY_TERMS, 3, &call, error);

    if (code)
        return code;
    if (replay_other_hospital(replay, (uint32_t)abi_get_u64(call_member(&call, 0, 0)), &other)) {
        changed = call;
        changed.value[0].items = &changed.value[call.value[0].items - call.value];
        memcpy(call_member(&changed, 0, 0)->word, abi_u64(other.card.id).word, 32);
        code = replay_changed(replay, REPLAY_TERMS, message, &changed, other.key,
                              "to another hospital", NULL, error);
    }
    changed = call;
    changed.value[0].items = &changed.value[call.value[0].items - call.value];
    memcpy(call_member(&changed, 0, 1)->word, abi_address(nobody).word, 32);
    if (!code)
        code = replay_changed(replay, REPLAY_TERMS, message, &changed, NULL,
                              "for another patient", NULL, error);
    changed = call;
    changed.value[0].items = &changed.value[call.value[0].items - call.value];
    for (uint8_t category = 1; category < AMSC_CATEGORIES; category++)
        amsc_levels_set(all, category, RECORD_LEVELS);
    memcpy(call_member(&changed, 0, 3)->word, all, 32);
    if (!code)
        code = replay_changed(replay, REPLAY_TERMS, message, &changed, NULL,
                              "with every category complete", NULL, error);
    return code;
}

/* ---- batches ----------------------------------------------------------------------------- */

/* Onto another patient's contract, just before that one's own first batch, when everything but the
 * signature fits. */
static int replay_batch(struct replay *replay, const struct chain_message *message,
                        struct aceso_error *error)
{
    const struct chain_history *batches = &replay->history[REPLAY_BATCH];

    for (size_t i = 0; i < batches->count; i++) {
        const struct chain_message *other = &batches->message[i];
        bool first = true;

        if (memcmp(other->to, message->to, 20) == 0)
            continue;
        for (size_t before = 0; before < i; before++)
            first = first && memcmp(batches->message[before].to, other->to, 20) != 0;
        if (first)
            return replay_try(replay, REPLAY_BATCH, replay->loot->rpc, other->from, other->to,
                              buffer_bytes(&message->input), other->block - 1,
                              memcmp(other->from, message->from, 20) == 0
                                  ? "for another patient"
                                  : "for another patient, at another hospital",
                              NULL, error);
    }
    return ACESO_OK;
}

/* ---- credentials ------------------------------------------------------------------------- */

static int replay_credential(struct replay *replay, const struct chain_message *message,
                             struct aceso_error *error)
{
    static const uint8_t other[20] = { 0x77, 2 };
    struct replay_call call, changed;
    int code = call_take(message, REPLAY_CREDENTIAL, 3, &call, error);

    if (!code)
        code = replay_changed(replay, REPLAY_CREDENTIAL, message, &call, other,
                              "shown by another institute", "AddressMappingNotCredentialOf", error);
    changed = call;
    changed.value[1].items = &changed.value[call.value[1].items - call.value];
    memcpy(call_member(&changed, 1, 0)->word, abi_address(other).word, 32);
    if (!code)
        code = replay_changed(replay, REPLAY_CREDENTIAL, message, &changed, other,
                              "with another institute's address", NULL, error);
    changed = call;
    changed.value[1].items = &changed.value[call.value[1].items - call.value];
    memcpy(call_member(&changed, 1, 1)->word,
           abi_u64(abi_get_u64(call_member(&call, 1, 1)) == 4 ? 3 : 4).word, 32);
    if (!code)
        code = replay_changed(replay, REPLAY_CREDENTIAL, message, &changed, NULL,
                              "with another category", NULL, error);
    return code;
}

/* ---- approvals --------------------------------------------------------------------------- */

/* The approval with the members that another request asks for: only the signature stays. */
static int approval_for(const struct replay *replay, const struct chain_message *made,
                        struct replay_call *call, uint8_t hospital[20],
                        struct aceso_error *error)
{
    struct contract amsc = contract_at(replay->loot->rpc, replay->loot->network.amsc);
    struct contract arsc = contract_at(replay->loot->rpc, replay->loot->network.arsc);
    struct arsc_request request;
    struct ledger_hospital found;
    uint8_t digest[32];
    uint64_t nonce = 0;
    int code;

    amsc.block = arsc.block = made->block;
    code = arsc_request_of(&arsc, made->request, &request, error);
    if (!code)
        code = ledger_hospital_by_id(replay->loot->party[0].store, request.hospital, &found,
                                     error);
    if (!code)
        code = amsc_nonce_of(&amsc, request.hospital, request.patient, &nonce, error);
    if (code)
        return code;
    memcpy(call_member(call, 0, 0)->word, made->request, 32);
    memcpy(call_member(call, 0, 1)->word, abi_u64(request.hospital).word, 32);
    memcpy(call_member(call, 0, 2)->word, abi_address(request.patient).word, 32);
    memcpy(call_member(call, 0, 3)->word, abi_address(request.institute).word, 32);
    memcpy(call_member(call, 0, 4)->word, abi_u64(1).word, 32);
    memcpy(call_member(call, 0, 5)->word, abi_u64(1).word, 32);
    memcpy(call_member(call, 0, 8)->word, abi_u64(nonce).word, 32);
    secret_random(digest, sizeof digest);
    memcpy(call->value[4].word, digest, 32);                    /* an access string never used */
    memcpy(call_member(call, 6, 0)->word, abi_u64(9).word, 32); /* a path never used */
    memcpy(hospital, found.key, 20);
    return ACESO_OK;
}

static void approval_where(const struct replay_call *call, const struct replay_call *changed,
                           char where[96])
{
    static const char *const words[] = { "hospital", "patient", "institute" };
    size_t len = (size_t)snprintf(where, 96, "for another request");

    for (size_t i = 0; i < 3; i++) {
        const struct abi_value *old = &call->value[call->value[0].items - call->value +
                                                   (ptrdiff_t)i + 1];
        const struct abi_value *new = &changed->value[changed->value[0].items - changed->value +
                                                      (ptrdiff_t)i + 1];

        if (memcmp(old->word, new->word, 32) != 0)
            len += (size_t)snprintf(where + len, 96 - len, ", another %s", words[i]);
    }
}

static int replay_approval(struct replay *replay, const struct chain_message *message,
                           struct aceso_error *error)
{
    struct replay_call call;
    unsigned tried = 0;
    int code = call_take(message, REPLAY_APPROVAL, 7, &call, error);

    for (size_t i = 0; i < replay->made.count && tried < REPLAY_OTHERS && !code; i++) {
        const struct chain_message *made = &replay->made.message[i];
        struct replay_call changed = call;
        struct chain_message then = { .block = made->block + 1 };
        char where[96];

        if (memcmp(made->request, message->request, 32) == 0)
            continue;
        changed.value[0].items = &changed.value[call.value[0].items - call.value];
        changed.value[6].items = &changed.value[call.value[6].items - call.value];
        code = approval_for(replay, made, &changed, then.from, error);
        memcpy(then.to, message->to, 20);
        approval_where(&call, &changed, where);
        if (!code)
            code = replay_changed(replay, REPLAY_APPROVAL, &then, &changed, NULL, where,
                                  "AccessRequestBadSignature AccessRequestLevelTooHigh", error);
        tried++;
    }
    return code;
}

/* ---- revocations ------------------------------------------------------------------------- */

static int replay_revocation(struct replay *replay, const struct chain_message *message,
                             struct aceso_error *error)
{
    static const uint8_t anybody[20] = { 0x77, 3 };
    const struct chain_history *approved = &replay->history[REPLAY_APPROVAL];
    struct replay_call call;
    int code = call_take(message, REPLAY_REVOCATION, 2, &call, error);

    for (size_t i = 0; i < approved->count && i < REPLAY_OTHERS && !code; i++) {
        struct chain_message then = { .block = approved->message[i].block + 1 };
        struct replay_call changed = call;

        if (memcmp(approved->message[i].request, message->request, 32) == 0)
            continue;
        memcpy(changed.value[0].word, approved->message[i].request, 32);
        memcpy(then.to, message->to, 20);
        code = replay_changed(replay, REPLAY_REVOCATION, &then, &changed, anybody,
                              "for another consent", NULL, error);
    }
    return code;
}

/* ---- another chain ----------------------------------------------------------------------- */

/* The chain as it stood before the message, twice: under its own id, where the message passes, and
 * under another one. */
static int replay_chain(struct replay *replay, enum replay_kind kind,
                        const struct chain_message *message, struct aceso_error *error)
{
    uint64_t id = replay->loot->network.chain_id;
    const char *upstream = replay->loot->party[0].config.rpc;
    struct fork *same = NULL, *other = NULL;
    struct chain_call call = { .from = message->from, .to = message->to,
                               .data = buffer_bytes(&message->input), .block = RPC_LATEST };
    int code = fork_open(replay->attack, upstream, message->block - 1, id, &same, error);

    if (!code) {
        call.rpc = fork_rpc(same);
        code = chain_control(replay->attack, &call, "a copy of the chain", error);
    }
    if (!code)
        code = fork_open(replay->attack, upstream, message->block - 1, id + 1, &other, error);
    if (!code)
        code = replay_try(replay, kind, fork_rpc(other), message->from, message->to,
                          buffer_bytes(&message->input), RPC_LATEST, "on another chain", NULL,
                          error);
    fork_close(same);
    fork_close(other);
    return code;
}

/* ---- another deployment ------------------------------------------------------------------ */

struct deployed {
    struct fork *fork;
    struct deployment plan;
};

/* The same CA's second set of contracts, with the same hospitals under the same ids. */
static int deployed_set_up(struct replay *replay, uint64_t block, struct deployed *deployed,
                           struct aceso_error *error)
{
    static const uint8_t deployer[20] = { 0x77, 4 };
    const struct network *network = &replay->loot->network;
    int code = fork_open(replay->attack, replay->loot->party[0].config.rpc, block,
                         network->chain_id, &deployed->fork, error);

    deployment_plan(deployer, 0, &deployed->plan);
    for (size_t step = 0; step < DEPLOYMENT_STEPS && !code; step++) {
        struct buffer creation = BUFFER_INIT((size_t)1 << 20);
        uint8_t address[20];

        code = deployment_step(&deployed->plan, network->ca, step, &creation, address, error);
        if (!code)
            code = fork_send(deployed->fork, deployer, NULL, buffer_bytes(&creation), error);
        buffer_free(&creation);
    }
    for (uint32_t id = 1; !code; id++) {
        struct buffer call = BUFFER_INIT(65536);
        struct ledger_hospital hospital;
        struct amsc_hospital entry = { .suspended = false };

        if (ledger_hospital_by_id(replay->loot->party[0].store, id, &hospital, NULL))
            break;
        memcpy(entry.key, hospital.key, 20);
        (void)snprintf(entry.label, sizeof entry.label, "%s", hospital.card.label);
        (void)snprintf(entry.url, sizeof entry.url, "%s", hospital.card.url);
        code = amsc_call_register_hospital(&entry, &call, error);
        if (!code)
            code = fork_send(deployed->fork, network->ca, deployed->plan.amsc,
                             buffer_bytes(&call), error);
        buffer_free(&call);
    }
    return code;
}

/* That terms are taken there when they are signed for there: by a patient of the adversary's. */
static int deployed_control(struct replay *replay, const struct deployed *deployed,
                            const struct replay_call *call, const uint8_t from[20],
                            struct aceso_error *error)
{
    const struct eip712_domain domain =
        contract_domain(replay->loot->network.chain_id, deployed->plan.amsc);
    struct amsc_relationship terms = { .deadline = UINT32_MAX };
    struct buffer data = BUFFER_INIT((size_t)1 << 20);
    struct chain_call check = { .rpc = fork_rpc(deployed->fork), .from = from,
                                .to = deployed->plan.amsc, .block = RPC_LATEST };
    uint8_t secret[32], digest[32], signature[65];
    int code;

    ecdsa_secret_make(secret);
    code = ecdsa_address(secret, terms.patient);
    terms.hospital = (uint32_t)abi_get_u64(call->value[0].items);
    memcpy(terms.levels, call->value[0].items[3].word, 32);
    amsc_relationship_digest(&domain, &terms, digest);
    if (!code)
        code = ecdsa_sign(secret, digest, signature);
    if (!code)
        code = amsc_call_create_relationship(&terms, signature, bytes_of(NULL, 0), &data, error);
    check.data = buffer_bytes(&data);
    if (!code)
        code = chain_control(replay->attack, &check, "the second deployment", error);
    secret_wipe(secret, sizeof secret);
    buffer_free(&data);
    return code;
}

static int replay_deployment(struct replay *replay, struct aceso_error *error)
{
    const struct chain_message *terms = &replay->history[REPLAY_TERMS].message[0];
    struct deployed deployed = { .fork = NULL };
    struct buffer check = BUFFER_INIT((size_t)1 << 20);
    struct abi_value arguments[2];
    struct replay_call call;
    int code = call_take(terms, REPLAY_TERMS, 3, &call, error);

    if (!code)
        code = deployed_set_up(replay, terms->block - 1, &deployed, error);
    if (!code)
        code = deployed_control(replay, &deployed, &call, terms->from, error);
    if (!code)
        code = replay_try(replay, REPLAY_TERMS, fork_rpc(deployed.fork), terms->from,
                          deployed.plan.amsc, buffer_bytes(&terms->input), RPC_LATEST,
                          "at other contracts of the same CA", NULL, error);
    if (!code && replay->history[REPLAY_CREDENTIAL].count) {
        code = call_take(&replay->history[REPLAY_CREDENTIAL].message[0], REPLAY_CREDENTIAL, 3,
                         &call, error);
        arguments[0] = call.value[1];
        arguments[1] = call.value[2];
        if (!code)
            code = abi_encode_call(CONTRACT_CALL(AMSC_CHECK_CREDENTIAL), arguments, 2, &check,
                                   error);
        if (!code) {
            const struct chain_call own = { .rpc = fork_rpc(deployed.fork), .from = terms->from,
                                            .to = replay->loot->network.amsc,
                                            .data = buffer_bytes(&check), .block = RPC_LATEST };

            code = chain_control(replay->attack, &own, "the credential", error);
        }
        if (!code)
            code = replay_try(replay, REPLAY_CREDENTIAL, fork_rpc(deployed.fork), terms->from,
                              deployed.plan.amsc, buffer_bytes(&check), RPC_LATEST,
                              "at other contracts of the same CA", NULL, error);
    }
    buffer_free(&check);
    fork_close(deployed.fork);
    return code;
}

/* ---- at the doors of the nodes ----------------------------------------------------------- */

static int door_try(struct replay *replay, struct loot_party *party,
                    const struct ledger_hospital *hospital, const char *path, struct bytes body,
                    const char *name, struct aceso_error *error)
{
    struct aceso_error why = { 0 };
    char what[160];
    int code = loot_call(party, hospital, "POST", path, body, NULL, &why);

    (void)snprintf(what, sizeof what, "%s, brought to %s by %s", name, hospital->card.label,
                   party->config.label);
    if (code == ACESO_EIO || code == ACESO_ETIMEOUT || code == ACESO_EINTERNAL ||
        code == ACESO_EMEMORY)
        return error_set(error, code, NULL, "%s: %s", what, why.text);
    attack_note(replay->attack, code == ACESO_OK, what,
                code == ACESO_OK ? "was taken" : why.text);
    return ACESO_OK;
}

static int door_approval(struct replay_call *call, struct approval *approval, char path[128])
{
    struct arsc_approval *content = &approval->content;

    memcpy(content->request, call_member(call, 0, 0)->word, 32);
    content->hospital = (uint32_t)abi_get_u64(call_member(call, 0, 1));
    abi_get_address(call_member(call, 0, 2), content->patient);
    abi_get_address(call_member(call, 0, 3), content->institute);
    content->level = (uint8_t)abi_get_u64(call_member(call, 0, 4));
    content->term = abi_get_u64(call_member(call, 0, 5));
    content->patient_epoch = (uint32_t)abi_get_u64(call_member(call, 0, 6));
    memcpy(content->grant_digest, call_member(call, 0, 7)->word, 32);
    content->nonce = abi_get_u64(call_member(call, 0, 8));
    content->deadline = abi_get_u64(call_member(call, 0, 9));
    if (call->value[1].bytes.len != 65)
        return ACESO_EFORMAT;
    memcpy(approval->signature, call->value[1].bytes.data, 65);
    (void)memcpy(path, "/v1/requests/0x", 16);
    text_hex(content->request, 32, path + 15);
    (void)strncat(path, "/approval", 16);
    return buffer_put_bytes(&approval->grant, call->value[2].bytes);
}

/* A signature as {"signature"}, which three routes take. */
static int door_signature(struct replay *replay, struct loot_party *party,
                          const struct ledger_hospital *hospital, const char *path,
                          struct bytes signature, const char *name, struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT(65536);
    struct json_writer writer = json_writer_of(&body);
    int code;

    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "nonce", 0);
    json_put_u64(&writer, "deadline", UINT32_MAX);
    json_put_hex(&writer, "signature", signature.data, signature.len);
    json_close(&writer, '}');
    code = door_try(replay, party, hospital, path, buffer_bytes(&body), name, error);
    buffer_free(&body);
    return code;
}

/* The signature of one request's revocation, and of its approval, for another live consent. */
static int door_revocation(struct replay *replay, struct loot_party *party,
                           const struct ledger_hospital *hospital, struct aceso_error *error)
{
    const struct chain_history *approved = &replay->history[REPLAY_APPROVAL];
    const struct chain_history *revoked = &replay->history[REPLAY_REVOCATION];
    const struct chain_message *target = &approved->message[approved->count - 1];
    char path[128] = "/v1/requests/0x";
    struct replay_call call;
    int code = call_take(&approved->message[0], REPLAY_APPROVAL, 7, &call, error);

    text_hex(target->request, 32, path + 15);
    (void)strncat(path, "/revocation", 16);
    if (!code)
        code = door_signature(replay, party, hospital, path, call.value[1].bytes,
                              "an approval's signature as a revocation", error);
    if (!code && revoked->count &&
        memcmp(revoked->message[0].request, target->request, 32) != 0) {
        code = call_take(&revoked->message[0], REPLAY_REVOCATION, 2, &call, error);
        if (!code)
            code = door_signature(replay, party, hospital, path, call.value[1].bytes,
                                  "another consent's revocation", error);
    }
    return code;
}

static int door_party(struct replay *replay, struct loot_party *party,
                      const struct ledger_hospital *hospital, struct aceso_error *error)
{
    struct approval approval = APPROVAL_INIT;
    struct buffer body = BUFFER_INIT((size_t)1 << 20);
    struct json_writer writer = json_writer_of(&body);
    struct replay_call call;
    char path[128];
    int code = call_take(&replay->history[REPLAY_APPROVAL].message[0], REPLAY_APPROVAL, 7, &call,
                         error);

    if (!code)
        code = door_approval(&call, &approval, path);
    if (!code) {
        approval_write(&approval, &writer, NULL);
        code = door_try(replay, party, hospital, path, buffer_bytes(&body), "a patient's approval",
                        error);
    }
    if (!code)
        code = door_revocation(replay, party, hospital, error);
    if (!code)
        code = call_take(&replay->history[REPLAY_BATCH].message[0], REPLAY_BATCH, 2, &call, error);
    if (!code)
        code = door_signature(replay, party, hospital, "/v1/batches/1/signature",
                              call.value[1].bytes, "a batch's signature", error);
    if (!code)
        code = call_take(&replay->history[REPLAY_TERMS].message[0], REPLAY_TERMS, 3, &call, error);
    if (!code)
        code = door_signature(replay, party, hospital, "/v1/enrolment/signature",
                              call.value[1].bytes, "the signature of terms", error);
    buffer_free(&approval.grant);
    buffer_free(&body);
    return code;
}

static int replay_doors(struct replay *replay, struct aceso_error *error)
{
    struct ledger_hospital hospital;
    int code = ACESO_OK;

    for (uint32_t id = 1; !code; id++) {
        if (ledger_hospital_by_id(replay->loot->party[0].store, id, &hospital, NULL))
            break;
        for (size_t i = 0; i < replay->loot->parties && !code; i++)
            code = door_party(replay, &replay->loot->party[i], &hospital, error);
    }
    return code;
}

/* ---- all of it --------------------------------------------------------------------------- */

static int replay_kind_run(struct replay *replay, enum replay_kind kind,
                           struct aceso_error *error)
{
    static int (*const elsewhere[REPLAY_KINDS])(struct replay *, const struct chain_message *,
                                                struct aceso_error *) = {
        replay_terms, replay_batch, replay_credential, replay_approval, replay_revocation,
    };
    const struct chain_history *history = &replay->history[kind];
    const struct chain_message *message = NULL;
    int code = ACESO_ESTATE;

    /* One that shared its block with what it rests on does not pass behind the block before. */
    for (size_t i = 0; i < history->count && i < REPLAY_CONTROLS && code == ACESO_ESTATE; i++) {
        message = &history->message[i];
        code = replay_control(replay, kind, message, error);
    }
    if (!code)
        code = elsewhere[kind](replay, message, error);
    if (!code)
        code = replay_chain(replay, kind, message, error);
    return code;
}

static int replay_learn(struct replay *replay, struct aceso_error *error)
{
    static const uint8_t made[32] = ARSC_REQUEST_MADE_TOPIC;
    int code = chain_history_read(replay->loot, made, &replay->made, error);

    for (unsigned kind = 0; kind < REPLAY_KINDS && !code; kind++) {
        code = chain_history_read(replay->loot, replay_kinds[kind].topic, &replay->history[kind],
                                  error);
        if (!code && !replay->history[kind].count && kind == REPLAY_REVOCATION)
            attack_note(replay->attack, false, "revocation", "there was none yet: not tried");
        else if (!code && !replay->history[kind].count)
            code = error_set(error, ACESO_ESTATE, NULL, "the chain has no %s yet",
                             replay_kinds[kind].name);
    }
    return code;
}

int attack_replay(struct attack *attack, struct aceso_error *error)
{
    struct replay *replay = calloc(1, sizeof *replay);
    int code = replay ? ACESO_OK : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    if (!code) {
        replay->attack = attack;
        code = loot_open(attack, &replay->loot, error);
    }
    if (!code)
        code = replay_learn(replay, error);
    for (unsigned kind = 0; kind < REPLAY_KINDS && !code; kind++) {
        if (replay->history[kind].count)
            code = replay_kind_run(replay, kind, error);
    }
    if (!code)
        code = replay_deployment(replay, error);
    if (!code)
        code = replay_doors(replay, error);
    if (!code)
        attack_say(attack, "%llu times a patient's or the CA's signed message was played again, to "
                           "another hospital, patient, request, contract or chain: %s",
                   (unsigned long long)attack->tried,
                   attack->breaches ? "SOME WERE TAKEN"
                                    : "refused each time; where they belong they pass");
    for (unsigned kind = 0; replay && kind < REPLAY_KINDS; kind++)
        chain_history_free(&replay->history[kind]);
    if (replay) {
        chain_history_free(&replay->made);
        loot_free(replay->loot);
    }
    free(replay);
    return code;
}
