/* SPDX-License-Identifier: Apache-2.0 */
/* The patient's role: an authority of its own, whose keys are its consents. It enrols, signs
 * batches of records, decides on requests, and reads its whole record. Uses node. */
#include "patient/patient.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "chain/arsc.h"
#include "chain/hpsc.h"
#include "consent/authority.h"
#include "consent/header.h"
#include "consent/policy.h"
#include "consent/sealing.h"
#include "consent/vocabulary.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"
#include "node/approval.h"
#include "node/chain_thread.h"
#include "node/ledger.h"
#include "node/obtain.h"
#include "node/reading.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENT_LIST_MAX ((size_t)4 << 20)
#define PATIENT_SIGNATURE_SECONDS 3600
#define PATIENT_WAIT_MS 120000
#define PATIENT_TURN_MS 50

static const char patient_schema[] = "CREATE TABLE patient_note (name TEXT PRIMARY KEY, value BLOB);";

/* The patient as an authority at its hospital; its label is its address there. */
static int patient_authority(struct node *node, struct authority **authority,
                             struct aceso_error *error)
{
    struct buffer context = BUFFER_INIT(64);
    uint8_t seed[32];
    char label[43];
    int code;

    (void)buffer_put_u64(&context, node->config.network.chain_id);
    code = buffer_put(&context, node->config.hospital.address, 20);
    if (!code) {
        keys_derive(node->keys, "patient abe authority", buffer_bytes(&context), seed);
        authority_patient_label(node->config.address, label);
        code = authority_create(seed, label, authority, error);
        secret_wipe(seed, sizeof seed);
    }
    buffer_free(&context);
    return code;
}

static struct http_peer patient_hospital(const struct node *node)
{
    struct http_peer peer = { .role = "hospital" };

    memcpy(peer.address, node->config.hospital.address, 20);
    return peer;
}

static int patient_call(struct node *node, const char *method, const char *path,
                        struct bytes body, struct buffer *answer, struct aceso_error *error)
{
    const struct http_peer peer = patient_hospital(node);

    return node_call(node, &peer, node->config.hospital.url, method, path, body, answer, error);
}

static int patient_result(struct buffer *result, const char *message)
{
    struct json_writer writer = json_writer_of(result);

    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    json_close(&writer, '}');
    return result->failed;
}

/* One turn of waiting for the chain: ACESO_EBUSY to go on, ACESO_ETIMEOUT past `until`. */
static int patient_turn(struct node *node, int64_t until, struct aceso_error *error)
{
    if (node_stopping(node))
        return error_set(error, ACESO_ECANCELLED, NULL, "the node stops");
    if (time_monotonic_ms() > until)
        return error_set(error, ACESO_ETIMEOUT, NULL, "the chain does not show it yet");
    (void)poll(NULL, 0, PATIENT_TURN_MS);
    return ACESO_OK;
}

/* ---- enrolling --------------------------------------------------------------------------- */

struct enrolling {
    struct node *node;
    struct store *store;
    struct authority *authority;
    struct aceso_abe_policy *policy;
    struct buffer patient_keys, grant_key, authority_keys, headers, sigma;
    uint8_t levels[32];
    uint8_t contract[20];
    struct record_epoch epoch;
};

static void enrolling_free(struct enrolling *enrolling)
{
    authority_free(enrolling->authority);
    aceso_abe_policy_free(enrolling->policy);
    buffer_free(&enrolling->patient_keys);
    buffer_free(&enrolling->grant_key);
    buffer_free(&enrolling->authority_keys);
    buffer_free(&enrolling->headers);
    buffer_free(&enrolling->sigma);
    store_close(enrolling->store);
}

/* The patient's public keys of the first epoch: self, and a grant for each level. */
static int enrolling_keys(struct enrolling *enrolling, struct aceso_error *error)
{
    struct buffer keys[RECORD_LEVELS + 1];
    struct bytes items[RECORD_LEVELS + 1];
    char name[65];
    int code = ACESO_OK;

    for (unsigned i = 0; i <= RECORD_LEVELS; i++) {
        keys[i] = (struct buffer)BUFFER_INIT(4096);
        if (i == 0)
            authority_self_name(enrolling->epoch.e, name);
        else
            authority_grant_name(i, enrolling->epoch.e, name);
        if (!code)
            code = authority_public_key(enrolling->authority, name, &keys[i], error);
        items[i] = buffer_bytes(&keys[i]);
    }
    if (!code)
        code = keyring_put_list(items, RECORD_LEVELS + 1, &enrolling->patient_keys);
    for (unsigned i = 0; i <= RECORD_LEVELS; i++)
        buffer_free(&keys[i]);
    authority_grant_name(RECORD_LEVELS, enrolling->epoch.e, name);
    if (!code)
        code = authority_user_key(enrolling->authority, name,
                                  enrolling->node->config.hospital.address,
                                  &enrolling->grant_key, error);
    return code;
}

static int enrolling_ask(struct enrolling *enrolling, struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT_SECRET(PATIENT_LIST_MAX);
    struct buffer answer = BUFFER_INIT_SECRET(PATIENT_LIST_MAX);
    struct json_writer writer = json_writer_of(&body);
    const yyjson_val *root;
    uint64_t e = 0, n = 0;
    yyjson_doc *doc = NULL;
    int code;

    json_open(&writer, NULL, '{');
    json_put_string(&writer, "policy", aceso_abe_policy_text(enrolling->policy));
    json_put_hex(&writer, "levels", enrolling->levels, 32);
    json_put_base64(&writer, "patient_keys", buffer_bytes(&enrolling->patient_keys));
    json_put_base64(&writer, "grant_key", buffer_bytes(&enrolling->grant_key));
    json_close(&writer, '}');
    code = patient_call(enrolling->node, "POST", "/v1/enrolment", buffer_bytes(&body), &answer,
                        error);
    if (!code)
        code = json_parse(buffer_bytes(&answer), &doc, error);
    root = yyjson_doc_get_root(doc);
    if (!code)
        code = json_hex(root, "contract", enrolling->contract, 20, error);
    if (!code)
        code = json_u64(root, "patient_epoch", UINT32_MAX, &e, error);
    if (!code)
        code = json_u64(root, "hospital_epoch", UINT32_MAX, &n, error);
    if (!code)
        code = json_base64(root, "authority_keys", &enrolling->authority_keys, error);
    if (!code)
        code = json_base64(root, "headers", &enrolling->headers, error);
    if (!code)
        code = json_base64(root, "sigma", &enrolling->sigma, error);
    if (!code && (e != enrolling->epoch.e || n != 1))
        code = error_set(error, ACESO_EVERIFY, NULL, "the hospital began with another epoch");
    if (!code && enrolling->sigma.len != (size_t)RECORD_LEVELS * HEADER_SIGMA_SIZE)
        code = error_set(error, ACESO_EFORMAT, "sigma", "not four of them");
    yyjson_doc_free(doc);
    buffer_free(&body);
    buffer_free(&answer);
    return code;
}

/* Each vetted authority's key in the hospital's list must be the one that authority publishes and
 * the chain pins; fetched from the authority itself, not from the hospital. */
static int enrolling_check_authorities(struct enrolling *enrolling, struct keyring *keyring,
                                       struct aceso_error *error)
{
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1], done[64][AUTHORITY_LABEL_MAX + 1];
    size_t count = 0;
    int code = ACESO_OK;

    for (size_t row = 0; !code && row < aceso_abe_policy_rows(enrolling->policy); row++) {
        struct buffer list = BUFFER_INIT(PATIENT_LIST_MAX);
        struct ledger_hospital authority;
        const char *label;
        size_t at = 0;

        code = keyring_abe_error(aceso_abe_policy_attribute(enrolling->policy, row, attribute),
                                 "policy", error);
        label = code ? "" : strchr(attribute, '@') + 1;
        while (at < count && strcmp(done[at], label) != 0)
            at++;
        if (code || at < count)
            continue;
        if (count == 64)
            code = error_set(error, ACESO_ELIMIT, "policy", "more than 64 authorities");
        else
            (void)snprintf(done[count++], AUTHORITY_LABEL_MAX + 1, "%s", label);
        if (!code)
            code = ledger_hospital_by_label(enrolling->store, label, &authority, error);
        if (!code)
            code = obtain_published(enrolling->node, &authority, &list, error);
        if (!code)
            code = keyring_add_list(keyring, buffer_bytes(&list), error);
        buffer_free(&list);
    }
    return code;
}

/* Opens and checks all four headers before anything is signed. */
static int enrolling_check(struct enrolling *enrolling, struct aceso_error *error)
{
    struct node *node = enrolling->node;
    struct keyring *keyring = keyring_create(node->config.address);
    struct header_terms terms = {
        .context = node_context(node, enrolling->contract, node->config.address,
                                node->config.hospital.address),
        .epoch = enrolling->epoch,
        .policy = enrolling->policy,
        .hospital = node->config.hospital.label,
    };
    struct buffer self = BUFFER_INIT_SECRET(4096);
    uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE];
    struct ladder keys;
    char name[65];
    int code = keyring ? enrolling_check_authorities(enrolling, keyring, error) : ACESO_EMEMORY;

    memcpy(sigma, enrolling->sigma.data, sizeof sigma);
    memset(&keys, 0, sizeof keys);
    if (!code)
        code = keyring_add_list(keyring, buffer_bytes(&enrolling->patient_keys), error);
    if (!code) /* refuses where the hospital's copy of a vetted key differs */
        code = keyring_add_list(keyring, buffer_bytes(&enrolling->authority_keys), error);
    authority_self_name(enrolling->epoch.e, name);
    if (!code)
        code = authority_user_key(enrolling->authority, name, node->config.address, &self, error);
    if (!code)
        code = keyring_add_user(keyring, buffer_bytes(&self), error);
    if (!code)
        code = header_check(&terms, buffer_bytes(&enrolling->headers), keyring, sigma, &keys,
                            error);
    ladder_wipe(&keys);
    secret_wipe(sigma, sizeof sigma);
    buffer_free(&self);
    keyring_free(keyring);
    return code;
}

static int enrolling_sign(struct enrolling *enrolling, struct aceso_error *error)
{
    struct node *node = enrolling->node;
    struct eip712_domain domain = node_domain(node, node->config.network.amsc);
    struct contract amsc = node_amsc(node);
    struct amsc_relationship terms = { .hospital = node->config.hospital.id };
    struct buffer body = BUFFER_INIT(65536);
    struct json_writer writer = json_writer_of(&body);
    uint8_t digest[32], signature[65];
    int code = amsc_nonce_of(&amsc, terms.hospital, node->config.address, &terms.nonce, error);

    memcpy(terms.patient, node->config.address, 20);
    policy_digest(enrolling->policy, terms.policy_digest);
    memcpy(terms.levels, enrolling->levels, 32);
    keccak256(buffer_bytes(&enrolling->patient_keys), terms.patient_keys_digest);
    keccak256(buffer_bytes(&enrolling->authority_keys), terms.authority_keys_digest);
    keccak256(buffer_bytes(&enrolling->headers), terms.headers_digest);
    terms.deadline = (uint64_t)time_now() + PATIENT_SIGNATURE_SECONDS;
    amsc_relationship_digest(&domain, &terms, digest);
    if (!code)
        code = keys_sign(node->keys, digest, signature, error);
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "nonce", terms.nonce);
    json_put_u64(&writer, "deadline", terms.deadline);
    json_put_hex(&writer, "signature", signature, sizeof signature);
    json_close(&writer, '}');
    if (!code)
        code = patient_call(node, "POST", "/v1/enrolment/signature", buffer_bytes(&body), NULL,
                            error);
    buffer_free(&body);
    return code;
}

static int enrolling_wait(struct enrolling *enrolling, struct buffer *result,
                          struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + PATIENT_WAIT_MS;

    for (;;) {
        struct buffer answer = BUFFER_INIT(65536);
        yyjson_doc *doc = NULL;
        bool enrolled = false;
        int code = patient_call(enrolling->node, "GET", "/v1/enrolment", bytes_of(NULL, 0),
                                &answer, error);

        if (!code)
            code = json_parse(buffer_bytes(&answer), &doc, error);
        if (!code)
            enrolled =
                yyjson_get_bool(yyjson_obj_get(yyjson_doc_get_root(doc), "enrolled"));
        if (!code && enrolled) {
            struct json_writer writer = json_writer_of(result);
            uint64_t block = json_u64_or(yyjson_doc_get_root(doc), "block", 0);

            code = chain_thread_reach(enrolling->node->chain, block, PATIENT_WAIT_MS, error);
            json_open(&writer, NULL, '{');
            json_put_string(&writer, "message",
                            "enrolled: policy, levels and keys are signed and on the chain");
            json_put_string(&writer, "tx",
                            json_string_or(yyjson_doc_get_root(doc), "tx", ""));
            json_put_u64(&writer, "gas", json_u64_or(yyjson_doc_get_root(doc), "gas", 0));
            json_close(&writer, '}');
        }
        yyjson_doc_free(doc);
        buffer_free(&answer);
        if (code || enrolled)
            return code;
        code = patient_turn(enrolling->node, until, error);
        if (code)
            return code;
    }
}

static int patient_enrol(struct operation *operation, struct buffer *result,
                         struct aceso_error *error)
{
    struct node *node = operation->node;
    struct enrolling enrolling = {
        .node = node,
        .epoch = { .e = 1, .n = 1 },
        .patient_keys = BUFFER_INIT(PATIENT_LIST_MAX),
        .grant_key = BUFFER_INIT_SECRET(65536),
        .authority_keys = BUFFER_INIT(PATIENT_LIST_MAX),
        .headers = BUFFER_INIT(HEADERS_SIZE_MAX),
        .sigma = BUFFER_INIT_SECRET(4096),
    };
    struct contract amsc = node_amsc(node);
    uint8_t there[20];
    int code;

    if (amsc_relationship(&amsc, node->config.hospital.id, node->config.address, there, NULL) ==
        ACESO_OK)
        return patient_result(result, "enrolled already");
    levels_default(enrolling.levels);
    code = policy_parse(json_string_or(operation->input, "policy", POLICY_DEFAULT),
                        &enrolling.policy, error);
    if (!code)
        code = node_store(node, &enrolling.store, error);
    if (!code)
        code = patient_authority(node, &enrolling.authority, error);
    if (!code)
        code = enrolling_keys(&enrolling, error);
    if (!code)
        code = enrolling_ask(&enrolling, error);
    if (!code)
        code = enrolling_check(&enrolling, error);
    if (!code)
        code = enrolling_sign(&enrolling, error);
    if (!code)
        code = enrolling_wait(&enrolling, result, error);
    enrolling_free(&enrolling);
    return code;
}

/* ---- signing batches --------------------------------------------------------------------- */

static int patient_own_contract(struct node *node, struct store *store, uint8_t contract[20],
                                struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    int code = ledger_relationship(store, node->config.hospital.id, node->config.address,
                                   &relationship, error);

    if (!code)
        memcpy(contract, relationship.contract, 20);
    buffer_free(&relationship.headers);
    return code;
}

/* A batch must follow the last one that the chain has. */
static int signing_check(struct store *store, const uint8_t contract[20],
                         const struct hpsc_batch *batch, struct aceso_error *error)
{
    struct record_batch before = { .number = 0 };
    uint64_t last = 0;
    int code = ledger_batch_last(store, contract, &last, error);

    if (!code && last)
        code = ledger_batch(store, contract, last, &before, error);
    if (!code && (batch->number != last + 1 || batch->leaves != 4 * (uint64_t)batch->records ||
                  memcmp(batch->previous_root, before.root, 32) != 0))
        code = error_set(error, ACESO_EVERIFY, "batch", "it does not follow the last one");
    return code;
}

static int signing_one(struct node *node, struct store *store, const uint8_t contract[20],
                       const yyjson_val *entry, struct aceso_error *error)
{
    struct eip712_domain domain = node_domain(node, contract);
    struct buffer body = BUFFER_INIT(4096);
    struct json_writer writer = json_writer_of(&body);
    int64_t until = time_monotonic_ms() + PATIENT_WAIT_MS;
    struct hpsc_batch batch = { .number = 0 };
    uint64_t records = 0, leaves = 0, last = 0;
    uint8_t digest[32], signature[65];
    char path[96];
    int code = json_u64(entry, "number", INT64_MAX, &batch.number, error);

    if (!code)
        code = json_hex(entry, "previous_root", batch.previous_root, 32, error);
    if (!code)
        code = json_hex(entry, "root", batch.root, 32, error);
    if (!code)
        code = json_u64(entry, "records", RECORD_BATCH_MAX, &records, error);
    if (!code)
        code = json_u64(entry, "leaves", UINT32_MAX, &leaves, error);
    batch.records = (uint32_t)records;
    batch.leaves = (uint32_t)leaves;
    if (!code)
        code = signing_check(store, contract, &batch, error);
    hpsc_batch_digest(&domain, &batch, digest);
    if (!code)
        code = keys_sign(node->keys, digest, signature, error);
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "signature", signature, sizeof signature);
    json_close(&writer, '}');
    (void)snprintf(path, sizeof path, "/v1/batches/%llu/signature",
                   (unsigned long long)batch.number);
    if (!code)
        code = patient_call(node, "POST", path, buffer_bytes(&body), NULL, error);
    while (!code && last < batch.number) {
        code = ledger_batch_last(store, contract, &last, error);
        if (!code && last < batch.number)
            code = patient_turn(node, until, error);
    }
    buffer_free(&body);
    return code;
}

static int patient_sign(struct operation *operation, struct buffer *result,
                        struct aceso_error *error)
{
    struct node *node = operation->node;
    struct buffer answer = BUFFER_INIT(PATIENT_LIST_MAX);
    struct store *store = NULL;
    uint8_t contract[20];
    yyjson_doc *doc = NULL;
    yyjson_val *entry;
    size_t at, count = 0;
    char message[96];
    int code = node_store(node, &store, error);

    if (!code)
        code = patient_own_contract(node, store, contract, error);
    if (!code)
        code = patient_call(node, "GET", "/v1/batches", bytes_of(NULL, 0), &answer, error);
    if (!code)
        code = json_parse(buffer_bytes(&answer), &doc, error);
    if (!code) {
        yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "batches"), at, count, entry)
        {
            code = signing_one(node, store, contract, entry, error);
            if (code)
                break;
        }
    }
    (void)snprintf(message, sizeof message, "%zu batches signed and anchored", count);
    if (!code)
        code = patient_result(result, message);
    yyjson_doc_free(doc);
    store_close(store);
    buffer_free(&answer);
    return code;
}

/* ---- deciding on requests ---------------------------------------------------------------- */

static int deciding_load(struct node *node, const yyjson_val *input, struct store **store,
                         struct ledger_request *request, struct aceso_error *error)
{
    uint8_t id[32];
    int code = json_hex(input, "request", id, 32, error);

    if (!code)
        code = node_store(node, store, error);
    if (!code)
        code = ledger_request(*store, id, request, error);
    if (!code && memcmp(request->patient, node->config.address, 20) != 0)
        code = error_set(error, ACESO_EDENIED, NULL, "the request is about somebody else");
    return code;
}

/* The patient's grant key for one level, sealed to the institute: consent is a key. */
static int deciding_grant(struct node *node, const struct ledger_credential *credential,
                          struct approval *approval, struct aceso_error *error)
{
    struct sealing sealing = { .purpose = "grant", .chain_id = node->config.network.chain_id,
                               .epoch = approval->content.patient_epoch };
    struct buffer key = BUFFER_INIT_SECRET(4096);
    struct authority *authority = NULL;
    char name[65];
    int code = patient_authority(node, &authority, error);

    memcpy(sealing.contract, node->config.network.arsc, 20);
    memcpy(sealing.sender, node->config.address, 20);
    memcpy(sealing.receiver, approval->content.institute, 20);
    memcpy(sealing.request, approval->content.request, 32);
    authority_grant_name(approval->content.level, approval->content.patient_epoch, name);
    if (!code)
        code = authority_user_key(authority, name, approval->content.institute, &key, error);
    if (!code)
        code = sealing_seal(&sealing, credential->seal_key, buffer_bytes(&key), &approval->grant,
                            error);
    if (!code)
        keccak256(buffer_bytes(&approval->grant), approval->content.grant_digest);
    authority_free(authority);
    buffer_free(&key);
    return code;
}

/* The level that the patient's own table gives the institute's category, or what was said. */
static int deciding_level(struct node *node, const yyjson_val *input,
                          const struct ledger_request *request,
                          const struct ledger_credential *credential, struct store *store,
                          struct arsc_approval *content, struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    const char *level_text = json_string_or(input, "level", NULL);
    const char *term_text = json_string_or(input, "term", NULL);
    unsigned level = 0, allowed;
    int code = ledger_relationship(store, node->config.hospital.id, node->config.address,
                                   &relationship, error);

    allowed = ledger_level_of(relationship.levels, credential->category);
    if (!code && level_text)
        code = level_parse(level_text, &level, error);
    else
        level = request->level < allowed ? request->level : allowed;
    content->term = request->term;
    if (!code && term_text)
        code = term_parse(term_text, &content->term, error);
    if (!code && (level == 0 || level > request->level || level > allowed))
        code = error_set(error, ACESO_EDENIED, "level",
                         "asked for %s, and the own table gives a %s %s",
                         level_name(request->level), category_name(credential->category),
                         level_name(allowed));
    content->level = (uint8_t)level;
    content->patient_epoch = relationship.epoch.e;
    buffer_free(&relationship.headers);
    return code;
}

static int deciding_send(struct node *node, const struct approval *approval,
                         struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT(262144);
    struct json_writer writer = json_writer_of(&body);
    char path[128], id[65];
    int code;

    approval_write(approval, &writer, NULL);
    text_hex(approval->content.request, 32, id);
    (void)snprintf(path, sizeof path, "/v1/requests/0x%s/approval", id);
    code = patient_call(node, "POST", path, buffer_bytes(&body), NULL, error);
    buffer_free(&body);
    return code;
}

static int patient_approve(struct operation *operation, struct buffer *result,
                           struct aceso_error *error)
{
    struct node *node = operation->node;
    struct eip712_domain domain = node_domain(node, node->config.network.arsc);
    struct contract amsc = node_amsc(node);
    struct ledger_request request = LEDGER_REQUEST_INIT;
    struct approval approval = APPROVAL_INIT;
    struct arsc_approval *content = &approval.content;
    struct ledger_credential credential;
    struct store *store = NULL;
    uint8_t digest[32];
    char message[160];
    int code = deciding_load(node, operation->input, &store, &request, error);

    memset(content, 0, sizeof *content);
    if (!code && request.status != LEDGER_OPEN)
        code = error_set(error, ACESO_ESTATE, NULL, "the request is %s",
                         ledger_status_name(request.status));
    if (!code)
        code = ledger_credential(store, request.institute, &credential, error);
    if (!code)
        code = deciding_level(node, operation->input, &request, &credential, store, content, error);
    if (!code)
        code = amsc_nonce_of(&amsc, request.hospital, request.patient, &content->nonce, error);
    memcpy(content->request, request.id, 32);
    memcpy(content->patient, request.patient, 20);
    memcpy(content->institute, request.institute, 20);
    content->hospital = request.hospital;
    content->deadline = request.deadline;
    if (!code)
        code = deciding_grant(node, &credential, &approval, error);
    if (!code) {
        arsc_approval_digest(&domain, content, digest);
        code = keys_sign(node->keys, digest, approval.signature, error);
    }
    if (!code)
        code = deciding_send(node, &approval, error);
    (void)snprintf(message, sizeof message,
                   "yes to level %s; the signed decision and the sealed grant are at the hospital",
                   level_name(content->level));
    if (!code)
        code = patient_result(result, message);
    ledger_request_free(&request);
    buffer_free(&approval.grant);
    store_close(store);
    return code;
}

/* A refusal or a revocation: signed, given to the hospital to carry, then looked for on the
 * chain. */
static int deciding_narrow(struct operation *operation, const char *what,
                           void (*make)(const struct eip712_domain *arsc,
                                        const uint8_t request[32], uint8_t digest[32]),
                           enum ledger_status wanted, const char *message, struct buffer *result,
                           struct aceso_error *error)
{
    struct node *node = operation->node;
    struct eip712_domain domain = node_domain(node, node->config.network.arsc);
    int64_t until = time_monotonic_ms() + PATIENT_WAIT_MS;
    struct ledger_request request = LEDGER_REQUEST_INIT;
    struct buffer body = BUFFER_INIT(4096);
    struct json_writer writer = json_writer_of(&body);
    struct store *store = NULL;
    uint8_t digest[32], signature[65];
    char path[128], id[65];
    int code = deciding_load(node, operation->input, &store, &request, error);

    if (!code && request.status != wanted) {
        make(&domain, request.id, digest);
        code = keys_sign(node->keys, digest, signature, error);
        text_hex(request.id, 32, id);
        (void)snprintf(path, sizeof path, "/v1/requests/0x%s/%s", id, what);
        json_open(&writer, NULL, '{');
        json_put_hex(&writer, "signature", signature, sizeof signature);
        json_close(&writer, '}');
        if (!code)
            code = patient_call(node, "POST", path, buffer_bytes(&body), NULL, error);
    }
    while (!code && request.status != wanted) {
        uint8_t same[32];

        memcpy(same, request.id, 32);
        ledger_request_free(&request);
        code = ledger_request(store, same, &request, error);
        if (!code && request.status != wanted)
            code = patient_turn(node, until, error);
    }
    if (!code)
        code = patient_result(result, message);
    ledger_request_free(&request);
    buffer_free(&body);
    store_close(store);
    return code;
}

static int patient_deny(struct operation *operation, struct buffer *result,
                        struct aceso_error *error)
{
    return deciding_narrow(operation, "refusal", arsc_refusal_digest, LEDGER_REFUSED,
                           "refused for good", result, error);
}

static int patient_revoke(struct operation *operation, struct buffer *result,
                          struct aceso_error *error)
{
    return deciding_narrow(operation, "revocation", arsc_revocation_digest, LEDGER_REVOKED,
                           "the consent has ended; what was read before cannot be unread", result,
                           error);
}

/* ---- reading ----------------------------------------------------------------------------- */

static int reading_work(struct pump *pump, void *data, struct aceso_error *error)
{
    struct node *node = data;
    struct keyring *keyring = keyring_create(node->config.address);
    struct buffer self = BUFFER_INIT_SECRET(4096);
    struct authority *authority = NULL;
    struct reading *reading = NULL;
    struct ledger_hospital hospital;
    struct store *store = NULL;
    int64_t until = time_monotonic_ms() + PATIENT_WAIT_MS;
    char name[65];
    int code = keyring ? node_store(node, &store, error) : ACESO_EMEMORY;

    if (!code)
        code = ledger_hospital_by_id(store, node->config.hospital.id, &hospital, error);
    store_close(store);
    do {
        if (!code)
            code = reading_open(node, &hospital, node->config.address, &reading, error);
        if (code != ACESO_EBUSY)
            break;
        code = patient_turn(node, until, error);
    } while (!code);
    if (!code)
        code = reading_add_publics(reading, keyring, error);
    if (!code)
        code = patient_authority(node, &authority, error);
    if (!code) {
        authority_self_name(reading_epoch(reading).e, name);
        code = authority_user_key(authority, name, node->config.address, &self, error);
    }
    if (!code)
        code = keyring_add_user(keyring, buffer_bytes(&self), error);
    if (!code)
        code = reading_unlock(reading, RECORD_LEVELS, keyring, error);
    if (!code)
        code = reading_fetch(reading, "GET", "/v1/parts", bytes_of(NULL, 0), pump, error);
    reading_close(reading);
    authority_free(authority);
    keyring_free(keyring);
    buffer_free(&self);
    return code;
}

static int patient_read(struct node *node, const yyjson_val *input, struct http_stream *stream,
                        struct aceso_error *error)
{
    (void)input;
    return pump_start(reading_work, node, NULL, stream, error);
}

/* ---- what the owner sees ----------------------------------------------------------------- */

struct listing {
    struct json_writer *writer;
    struct buffer text;
    size_t count;
};

static int listing_request(void *data, const struct ledger_request *request,
                           struct aceso_error *error)
{
    struct listing *listing = data;
    char id[67] = "0x", institute[43] = "0x", until[21] = "";

    (void)error;
    text_hex(request->id, 32, id + 2);
    text_hex(request->institute, 20, institute + 2);
    if (request->until)
        text_time((int64_t)request->until, until);
    json_open(listing->writer, NULL, '{');
    json_put_string(listing->writer, "request", id);
    json_put_string(listing->writer, "institute", institute);
    json_put_string(listing->writer, "purpose", purpose_name(request->purpose));
    json_put_string(listing->writer, "level", level_name(request->level));
    json_put_string(listing->writer, "granted", level_name(request->granted));
    json_put_string(listing->writer, "until", until);
    json_put_string(listing->writer, "status", ledger_status_name(request->status));
    json_close(listing->writer, '}');
    return buffer_printf(&listing->text, "%s%s %-9s %s asks for %s (%s)%s%s",
                         listing->count++ ? "\n" : "", id, ledger_status_name(request->status),
                         institute, level_name(request->level), purpose_name(request->purpose),
                         request->granted ? ", granted " : "",
                         request->granted ? level_name(request->granted) : "");
}

static int patient_requests(struct node *node, const yyjson_val *input, struct buffer *out,
                            struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    struct listing listing = { .writer = &writer, .text = BUFFER_INIT(BUFFER_MAX_DEFAULT) };
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    (void)input;
    json_open(&writer, NULL, '{');
    json_open(&writer, "requests", '[');
    if (!code)
        code = ledger_requests(store, node->config.address, 0, listing_request, &listing, error);
    json_close(&writer, ']');
    json_put_string(&writer, "message",
                    listing.count ? buffer_text(&listing.text) : "nobody has asked yet");
    json_close(&writer, '}');
    store_close(store);
    buffer_free(&listing.text);
    return code;
}

static int patient_status(struct node *node, const yyjson_val *input, struct buffer *out,
                          struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    uint64_t block = 0;
    bool answers = false;
    char message[256], address[43] = "0x";

    (void)input;
    (void)error;
    chain_thread_position(node->chain, &block, &answers);
    text_hex(node->config.address, 20, address + 2);
    (void)snprintf(message, sizeof message, "patient %s at %s: chain %s, block %llu", address,
                   node->config.hospital.label, answers ? "answers" : "does not answer",
                   (unsigned long long)block);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    json_put_string(&writer, "address", address);
    json_put_u64(&writer, "block", block);
    json_put_bool(&writer, "chain", answers);
    json_close(&writer, '}');
    return out->failed;
}

static int patient_hello(void *context, const struct http_request *request,
                         struct http_response *response, struct aceso_error *error)
{
    (void)context;
    (void)request;
    (void)error;
    return buffer_put_string(&response->body, "{\"role\":\"patient\"}");
}

static const struct operation_kind patient_operations[] = {
    { "enrol", LANE_SHORT, patient_enrol },     { "sign", LANE_SHORT, patient_sign },
    { "approve", LANE_SHORT, patient_approve }, { "deny", LANE_SHORT, patient_deny },
    { "revoke", LANE_SHORT, patient_revoke },
};

static const struct view_kind patient_views[] = {
    { "requests", patient_requests },
    { "status", patient_status },
};

static const struct stream_kind patient_streams[] = {
    { "read", patient_read },
};

static const struct http_route patient_routes[] = {
    { "GET", "/v1/party", patient_hello, HTTP_ROUTE_PEER, 0 },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct role patient_role = {
    .role = ROLE_PATIENT,
    .schema = patient_schema,
    .operations = patient_operations,
    .operation_count = COUNT(patient_operations),
    .views = patient_views,
    .view_count = COUNT(patient_views),
    .streams = patient_streams,
    .stream_count = COUNT(patient_streams),
    .routes = patient_routes,
    .route_count = COUNT(patient_routes),
};
