/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolling: agrees keys and terms with the hospital, opens and checks every header, then signs the
 * relationship. Uses node. */
#include "base/secret.h"
#include "base/text.h"
#include "chain/amsc.h"
#include "consent/header.h"
#include "consent/policy.h"
#include "consent/vocabulary.h"
#include "crypto/keccak.h"
#include "node/chain_thread.h"
#include "node/obtain.h"
#include "patient/internal.h"
#include "patient/terms.h"

#include <stdio.h>
#include <string.h>

#define PATIENT_SIGNATURE_SECONDS 3600

struct enrolling {
    struct node *node;
    const struct membership *at;
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
                                  enrolling->at->card.address, &enrolling->grant_key, error);
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
    code = patient_call(enrolling->node, enrolling->at, "POST", "/v1/enrolment",
                        buffer_bytes(&body), &answer, error);
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

/* What an authority publishes, handed on by the own hospital. The digest on the chain says that it
 * is that authority's; to ask there itself would show the authority, which may treat this patient
 * under another address, where else it is treated. */
static int enrolling_published(struct enrolling *enrolling, const char *label, struct buffer *list,
                               struct aceso_error *error)
{
    struct buffer answer = BUFFER_INIT(PATIENT_LIST_MAX);
    struct ledger_hospital authority;
    char path[AUTHORITY_LABEL_MAX + 32];
    int code = ledger_hospital_by_label(enrolling->store, label, &authority, error);

    (void)snprintf(path, sizeof path, "/v1/authorities/%s/keys", label);
    if (!code)
        code = patient_call(enrolling->node, enrolling->at, "GET", path, bytes_of(NULL, 0), &answer,
                            error);
    if (!code)
        code = obtain_check(&authority, buffer_bytes(&answer), list, error);
    buffer_free(&answer);
    return code;
}

/* Each vetted authority's key in the hospital's list must be the one that authority publishes and
 * the chain pins. */
static int enrolling_check_authorities(struct enrolling *enrolling, struct keyring *keyring,
                                       struct aceso_error *error)
{
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1], done[64][AUTHORITY_LABEL_MAX + 1];
    size_t count = 0;
    int code = ACESO_OK;

    for (size_t row = 0; !code && row < aceso_abe_policy_rows(enrolling->policy); row++) {
        struct buffer list = BUFFER_INIT(PATIENT_LIST_MAX);
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
            code = enrolling_published(enrolling, label, &list, error);
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
    struct keyring *keyring = keyring_create(enrolling->at->address);
    struct header_terms terms = {
        .context = node_context(node, enrolling->contract, enrolling->at->address,
                                enrolling->at->card.address),
        .epoch = enrolling->epoch,
        .policy = enrolling->policy,
        .hospital = enrolling->at->card.label,
    };
    struct buffer self = BUFFER_INIT_SECRET(4096);
    uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE];
    struct ladder keys;
    char name[65];
    int code = keyring ? enrolling_check_authorities(enrolling, keyring, error) : ACESO_EMEMORY;

    memcpy(sigma, enrolling->sigma.data, sizeof sigma);
    memset(&keys, 0, sizeof keys);
    if (!code)
        code = terms_check_published(enrolling->policy, keyring, error);
    if (!code)
        code = keyring_add_list(keyring, buffer_bytes(&enrolling->patient_keys), error);
    if (!code) /* refuses where the hospital's copy of a vetted key differs */
        code = keyring_add_list(keyring, buffer_bytes(&enrolling->authority_keys), error);
    authority_self_name(enrolling->epoch.e, name);
    if (!code)
        code = authority_user_key(enrolling->authority, name, enrolling->at->address, &self, error);
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
    struct amsc_relationship terms = { .hospital = enrolling->at->card.id };
    struct buffer body = BUFFER_INIT(65536);
    struct json_writer writer = json_writer_of(&body);
    uint8_t digest[32], signature[65];
    int code = amsc_nonce_of(&amsc, terms.hospital, enrolling->at->address, &terms.nonce, error);

    memcpy(terms.patient, enrolling->at->address, 20);
    policy_digest(enrolling->policy, terms.policy_digest);
    memcpy(terms.levels, enrolling->levels, 32);
    keccak256(buffer_bytes(&enrolling->patient_keys), terms.patient_keys_digest);
    keccak256(buffer_bytes(&enrolling->authority_keys), terms.authority_keys_digest);
    keccak256(buffer_bytes(&enrolling->headers), terms.headers_digest);
    terms.deadline = (uint64_t)time_now() + PATIENT_SIGNATURE_SECONDS;
    amsc_relationship_digest(&domain, &terms, digest);
    if (!code)
        code = account_sign(enrolling->at->account, digest, signature, error);
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "nonce", terms.nonce);
    json_put_u64(&writer, "deadline", terms.deadline);
    json_put_hex(&writer, "signature", signature, sizeof signature);
    json_close(&writer, '}');
    if (!code)
        code = patient_call(node, enrolling->at, "POST", "/v1/enrolment/signature",
                            buffer_bytes(&body), NULL, error);
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
        int code = patient_call(enrolling->node, enrolling->at, "GET", "/v1/enrolment",
                                bytes_of(NULL, 0), &answer, error);

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

int patient_enrol(struct operation *operation, struct buffer *result,
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
    int code = patient_choose_one(node, operation->input, &enrolling.at, error);

    if (!code)
        code = node_store(node, &enrolling.store, error);
    if (!code && amsc_relationship(&amsc, enrolling.at->card.id, enrolling.at->address, there,
                                   NULL) == ACESO_OK) {
        code = terms_check_same(enrolling.store, enrolling.at, operation->input, error);
        enrolling_free(&enrolling);
        return code ? code : patient_result(result, "enrolled already");
    }
    if (!code)
        code = terms_read(operation->input, &enrolling.policy, enrolling.levels, error);
    if (!code)
        code = terms_keep_policy(enrolling.store, enrolling.policy, error);
    if (!code)
        code = patient_authority(node, enrolling.at, &enrolling.authority, error);
    if (!code)
        code = enrolling_keys(&enrolling, error);
    if (!code)
        code = enrolling_ask(&enrolling, error);
    if (code == ACESO_EEXISTS) { /* signed before a crash, and on the chain by now */
        code = enrolling_wait(&enrolling, result, error);
        enrolling_free(&enrolling);
        return code;
    }
    if (!code)
        code = enrolling_check(&enrolling, error);
    if (!code)
        code = enrolling_sign(&enrolling, error);
    if (!code)
        code = enrolling_wait(&enrolling, result, error);
    enrolling_free(&enrolling);
    return code;
}
