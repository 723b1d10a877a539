/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a patient in: the certificate, then keys, policy and headers, then the signed terms. */
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "chain/amsc.h"
#include "consent/policy.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"
#include "hospital/internal.h"
#include "hospital/terms.h"
#include "node/join.h"
#include "node/obtain.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENROL_AUTHORITIES_MAX 64
#define ENROL_ROWS_MAX 256

/* ---- certificates ------------------------------------------------------------------------ */

int enrol_invite(struct node *node, const yyjson_val *input, struct buffer *out,
                 struct aceso_error *error)
{
    struct buffer invitation = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct json_writer writer = json_writer_of(out);
    const struct network *network = NULL;
    int code = node_need_network(node, &network, error);

    (void)input;
    if (!code)
        code = join_invite(network, buffer_bytes(&node->roots), &node->config.hospital,
                           &invitation);
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_raw(&writer, "document", buffer_bytes(&invitation));
        json_close(&writer, '}');
    }
    buffer_free(&invitation);
    return code;
}

/* A patient's chain is the leaf and this hospital's intermediate. */
static int enrol_certify(struct node *node, const struct join_request *request,
                         struct buffer *chain, struct aceso_error *error)
{
    struct buffer issuer = BUFFER_INIT(X509_PEM_MAX);
    struct x509_key *key = NULL;
    char path[PATH_MAX];
    int code = node_path(node, "tls/authority.pem", path, sizeof path, error);

    if (!code)
        code = file_read(path, &issuer, error);
    if (!code)
        code = node_path(node, "tls/authority-key.sealed", path, sizeof path, error);
    if (!code)
        code = keys_tls(node->keys, path, &key, error);
    if (!code)
        code = join_certify(key, buffer_bytes(&issuer), request, chain, error);
    if (!code)
        code = buffer_put_bytes(chain, buffer_bytes(&issuer));
    x509_key_free(key);
    buffer_free(&issuer);
    return code;
}

int enrol_admit(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    struct join_request request = JOIN_REQUEST_INIT;
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX);
    struct json_writer writer = json_writer_of(result);
    const struct network *network = NULL;
    const char *document = NULL;
    char address[41];
    int code = node_need_network(node, &network, error);

    if (!code)
        code = json_string(operation->input, "request", &document, error);
    if (!code)
        code = join_read(network, bytes_of_string(document), &request, error);
    if (!code && request.role != ROLE_PATIENT)
        code = error_set(error, ACESO_EDENIED, NULL, "a hospital admits patients only");
    if (!code)
        code = enrol_certify(node, &request, &chain, error);
    if (!code) {
        text_hex(request.address, 20, address);
        log_info("admitted patient 0x%s", address);
        json_open(&writer, NULL, '{');
        json_open(&writer, "document", '{');
        json_put_u64(&writer, "version", 1);
        json_put_string(&writer, "kind", "admission");
        json_put_bytes(&writer, "chain", buffer_bytes(&chain));
        json_close(&writer, '}');
        json_close(&writer, '}');
    }
    join_request_free(&request);
    buffer_free(&chain);
    return code ? code : result->failed;
}

/* ---- keys, policy and headers ------------------------------------------------------------ */

/* The public keys that the policy needs, one behind the other, as they are found. */
struct enrol_keys {
    struct node *node;
    struct store *store;
    struct authority *authority;
    struct buffer bytes;
    size_t offset[ENROL_ROWS_MAX];
    char attribute[ENROL_ROWS_MAX][ATTRIBUTE_TEXT_MAX];
    size_t count;
    const char *wanted; /* for the search through another authority's list */
    bool found;
};

static int enrol_match(void *data, struct bytes bytes, struct aceso_error *error)
{
    struct enrol_keys *keys = data;
    struct aceso_abe_public_key *key = NULL;
    int code = keyring_abe_error(aceso_abe_public_key_import(bytes.data, bytes.len, &key),
                                 "public key", error);

    if (!code && strcmp(aceso_abe_public_key_attribute(key), keys->wanted) == 0) {
        keys->found = true;
        code = buffer_put_bytes(&keys->bytes, bytes);
    }
    aceso_abe_public_key_free(key);
    return code;
}

int enrol_serve_authority(void *context, const struct http_request *request,
                          struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    const char *label = http_request_path(request, "label");
    struct buffer list = BUFFER_INIT(HOSPITAL_LIST_MAX);
    struct json_writer writer = json_writer_of(&response->body);
    struct ledger_hospital authority;
    struct store *store = NULL;
    uint8_t patient[20];
    int code = hospital_caller(node, request, "patient", patient, error);

    if (!code)
        code = node_store(node, &store, error);
    if (!code && strcmp(label, node->config.hospital.label) == 0) {
        code = hospital_published(node, store, &list, error);
    } else if (!code) {
        code = ledger_hospital_by_label(store, label, &authority, error);
        if (!code)
            code = obtain_published(node, &authority, &list, error);
    }
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_base64(&writer, "keys", buffer_bytes(&list));
        json_close(&writer, '}');
        code = response->body.failed;
    }
    store_close(store);
    buffer_free(&list);
    return code;
}

/* From another hospital's published list, pinned by the digest on the chain. */
static int enrol_foreign(struct enrol_keys *keys, const char *attribute, const char *label,
                         struct aceso_error *error)
{
    struct buffer list = BUFFER_INIT(HOSPITAL_LIST_MAX);
    struct ledger_hospital authority;
    int code = ledger_hospital_by_label(keys->store, label, &authority, error);

    if (!code)
        code = obtain_published(keys->node, &authority, &list, error);
    keys->wanted = attribute;
    keys->found = false;
    if (!code)
        code = keyring_read_list(buffer_bytes(&list), enrol_match, keys, error);
    if (!code && !keys->found)
        code = error_set(error, ACESO_ENOTFOUND, attribute, "its authority publishes no such key");
    buffer_free(&list);
    return code;
}

static int enrol_find_key(struct enrol_keys *keys, const char *attribute,
                          struct aceso_error *error)
{
    char name[ATTRIBUTE_TEXT_MAX];
    char *label;

    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->attribute[i], attribute) == 0)
            return ACESO_OK;
    }
    if (keys->count == ENROL_ROWS_MAX)
        return error_set(error, ACESO_ELIMIT, "policy", "more than %d attributes", ENROL_ROWS_MAX);
    (void)snprintf(keys->attribute[keys->count], ATTRIBUTE_TEXT_MAX, "%s", attribute);
    keys->offset[keys->count++] = keys->bytes.len;
    (void)snprintf(name, sizeof name, "%s", attribute);
    label = strchr(name, '@');
    *label++ = '\0';
    if (strcmp(label, authority_label(keys->authority)) == 0)
        return authority_public_key(keys->authority, name, &keys->bytes, error);
    return enrol_foreign(keys, attribute, label, error);
}

/* Every authority key but the patient's own: those that A names and the hospital's switch. */
static int enrol_authority_keys(struct node *node, struct store *store,
                                const struct aceso_abe_policy *policy, const uint8_t patient[20],
                                struct record_epoch epoch, struct buffer *out,
                                struct aceso_error *error)
{
    struct enrol_keys *keys = calloc(1, sizeof *keys);
    struct bytes *items = calloc(ENROL_ROWS_MAX, sizeof *items);
    char name[65], attribute[ATTRIBUTE_TEXT_MAX];
    int code = keys && items ? ACESO_OK : ACESO_EMEMORY;

    if (!code) {
        keys->node = node;
        keys->store = store;
        keys->bytes = (struct buffer)BUFFER_INIT(HOSPITAL_LIST_MAX);
        code = hospital_authority(node, &keys->authority, error);
    }
    if (!code) {
        authority_on_name(epoch.n, patient, name);
        code = authority_attribute(keys->authority, name, attribute, error);
    }
    if (!code)
        code = enrol_find_key(keys, attribute, error);
    for (size_t row = 0; !code && row < aceso_abe_policy_rows(policy); row++) {
        code = keyring_abe_error(aceso_abe_policy_attribute(policy, row, attribute), "policy",
                                 error);
        if (!code)
            code = enrol_find_key(keys, attribute, error);
    }
    if (!code) {
        for (size_t i = 0; i < keys->count; i++) {
            size_t end = i + 1 < keys->count ? keys->offset[i + 1] : keys->bytes.len;

            items[i] = bytes_of(keys->bytes.data + keys->offset[i], end - keys->offset[i]);
        }
        code = keyring_put_list(items, keys->count, out);
    }
    if (keys) {
        authority_free(keys->authority);
        buffer_free(&keys->bytes);
    }
    free(keys);
    free(items);
    return code;
}

static int enrol_store(struct node *node, struct store *store, const struct enrolment *enrolment,
                       struct aceso_error *error)
{
    struct buffer sealed = BUFFER_INIT(65536);
    struct statement *insert = NULL;
    int code = keys_seal(node->keys, "grant key", buffer_bytes(&enrolment->grant_key), &sealed);

    if (!code)
        code = store_prepare(store,
                             "INSERT OR REPLACE INTO enrolment (patient, contract, policy, levels,"
                             " patient_keys, authority_keys, grant_key, headers, pseudonym)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                             &insert, error);
    if (!code) {
        statement_bind_blob(insert, 1, bytes_of(enrolment->patient, 20));
        statement_bind_blob(insert, 2, bytes_of(enrolment->contract, 20));
        statement_bind_text(insert, 3, buffer_text(&enrolment->policy));
        statement_bind_blob(insert, 4, bytes_of(enrolment->levels, 32));
        statement_bind_blob(insert, 5, buffer_bytes(&enrolment->patient_keys));
        statement_bind_blob(insert, 6, buffer_bytes(&enrolment->authority_keys));
        statement_bind_blob(insert, 7, buffer_bytes(&sealed));
        statement_bind_blob(insert, 8, buffer_bytes(&enrolment->headers));
        statement_bind_blob(insert, 9, buffer_bytes(&enrolment->pseudonym));
        code = statement_run(insert, error);
    }
    buffer_free(&sealed);
    return code;
}

/* Draws K_4 and the pseudonym secret, makes the headers, and forgets the keys again. */
static int enrol_make(struct node *node, struct enrolment *enrolment,
                      const struct aceso_abe_policy *policy, struct record_epoch epoch,
                      uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE], struct aceso_error *error)
{
    struct keyring *keyring = keyring_create(node->config.address);
    struct header_terms terms = { .context = enrolment_context(node, enrolment), .epoch = epoch,
                                  .policy = policy, .hospital = node->config.hospital.label };
    uint8_t secret[32];
    struct ladder keys;
    int code = keyring ? ladder_random(&terms.context, epoch, &keys, error) : ACESO_EMEMORY;

    secret_random(secret, sizeof secret);
    if (!code)
        code = keyring_add_list(keyring, buffer_bytes(&enrolment->patient_keys), error);
    if (!code)
        code = keyring_add_list(keyring, buffer_bytes(&enrolment->authority_keys), error);
    if (!code) /* also shows that the patient gave the hospital its grant */
        code = keyring_add_user(keyring, buffer_bytes(&enrolment->grant_key), error);
    if (!code)
        code = header_make(&terms, &keys, keyring, &enrolment->headers, sigma, error);
    if (!code)
        code = enrolment_seal_pseudonym(enrolment, &keys, secret, &enrolment->pseudonym);
    ladder_wipe(&keys);
    secret_wipe(secret, sizeof secret);
    keyring_free(keyring);
    return code;
}

static int enrol_read_body(const yyjson_val *root, struct enrolment *enrolment,
                           struct aceso_abe_policy **policy, struct aceso_error *error)
{
    const char *text = NULL;
    int code = json_string(root, "policy", &text, error);

    if (!code)
        code = policy_parse(text, policy, error);
    if (!code)
        code = buffer_put_string(&enrolment->policy, aceso_abe_policy_text(*policy));
    if (!code)
        code = json_hex(root, "levels", enrolment->levels, 32, error);
    if (!code)
        code = json_base64(root, "patient_keys", &enrolment->patient_keys, error);
    if (!code)
        code = json_base64(root, "grant_key", &enrolment->grant_key, error);
    return code;
}

static int enrol_answer(const struct enrolment *enrolment, struct record_epoch epoch,
                        uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE], struct buffer *out)
{
    struct json_writer writer = json_writer_of(out);

    out->secret = true;
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "contract", enrolment->contract, 20);
    json_put_u64(&writer, "patient_epoch", epoch.e);
    json_put_u64(&writer, "hospital_epoch", epoch.n);
    json_put_base64(&writer, "authority_keys", buffer_bytes(&enrolment->authority_keys));
    json_put_base64(&writer, "headers", buffer_bytes(&enrolment->headers));
    json_put_base64(&writer, "sigma", bytes_of(sigma, RECORD_LEVELS * HEADER_SIGMA_SIZE));
    json_close(&writer, '}');
    return out->failed;
}

static void enrol_key(const struct enrolment *enrolment, char key[OUTBOX_KEY_MAX])
{
    uint8_t digest[32];
    char patient[41], headers[17];

    keccak256(buffer_bytes(&enrolment->headers), digest);
    text_hex(enrolment->patient, 20, patient);
    text_hex(digest, 8, headers);
    (void)snprintf(key, OUTBOX_KEY_MAX, "relationship-%s-%s", patient, headers);
}

/* Signed terms on their way to the chain are not replaced by new ones: whose headers would then be
 * in force would be chance. ACESO_EBUSY until it is known what became of them. */
static int enrol_check_pending(struct node *node, struct store *store, const uint8_t patient[20],
                               struct aceso_error *error)
{
    struct outbox_result result = { .state = OUTBOX_FAILED };
    struct enrolment before;
    char key[OUTBOX_KEY_MAX];
    int code = ACESO_OK;

    enrolment_init(&before);
    if (enrolment_load(node, store, patient, &before, NULL) == ACESO_OK) {
        enrol_key(&before, key);
        if (outbox_result(node->outbox, key, &result, NULL) == ACESO_OK &&
            result.state != OUTBOX_FAILED)
            code = error_set(error, ACESO_EBUSY, NULL, "signed terms are on their way already");
    }
    enrolment_free(&before);
    return code;
}

int enrol_serve_begin(void *context, const struct http_request *request,
                      struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct contract amsc = node_amsc(node);
    struct record_epoch epoch = { .e = 1, .n = 1 };
    struct aceso_abe_policy *policy = NULL;
    struct enrolment enrolment;
    struct store *store = NULL;
    yyjson_doc *doc = NULL;
    uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE], there[20];
    int code;

    enrolment_init(&enrolment);
    code = hospital_caller(context, request, "patient", enrolment.patient, error);
    if (!code)
        code = node_read_json(request, &doc, error);
    if (!code)
        code = enrol_read_body(yyjson_doc_get_root(doc), &enrolment, &policy, error);
    if (!code && amsc_relationship(&amsc, node->config.hospital.id, enrolment.patient, there,
                                   NULL) == ACESO_OK)
        code = error_set(error, ACESO_EEXISTS, NULL, "this patient is enrolled already");
    if (!code)
        code = amsc_predict_relationship(&amsc, node->config.hospital.id, enrolment.patient,
                                         enrolment.contract, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = enrol_check_pending(node, store, enrolment.patient, error);
    if (!code)
        code = terms_check_names(node, store, policy, error);
    if (!code)
        code = enrol_authority_keys(node, store, policy, enrolment.patient, epoch,
                                    &enrolment.authority_keys, error);
    if (!code)
        code = terms_check_own(node, store, policy, error);
    if (!code)
        code = enrol_make(node, &enrolment, policy, epoch, sigma, error);
    if (!code)
        code = enrol_store(node, store, &enrolment, error);
    if (!code)
        code = enrol_answer(&enrolment, epoch, sigma, &response->body);
    secret_wipe(sigma, sizeof sigma);
    store_close(store);
    yyjson_doc_free(doc);
    aceso_abe_policy_free(policy);
    enrolment_free(&enrolment);
    return code;
}

/* ---- the signed terms -------------------------------------------------------------------- */

static int enrol_terms(struct node *node, const struct enrolment *enrolment,
                       const yyjson_val *root, struct amsc_relationship *terms,
                       struct aceso_error *error)
{
    int code = json_u64(root, "nonce", UINT64_MAX, &terms->nonce, error);

    if (!code)
        code = json_u64(root, "deadline", UINT64_MAX, &terms->deadline, error);
    if (code)
        return code;
    terms->hospital = node->config.hospital.id;
    memcpy(terms->patient, enrolment->patient, 20);
    keccak256(buffer_bytes(&enrolment->policy), terms->policy_digest);
    memcpy(terms->levels, enrolment->levels, 32);
    keccak256(buffer_bytes(&enrolment->patient_keys), terms->patient_keys_digest);
    keccak256(buffer_bytes(&enrolment->authority_keys), terms->authority_keys_digest);
    keccak256(buffer_bytes(&enrolment->headers), terms->headers_digest);
    return ACESO_OK;
}

int enrol_serve_sign(void *context, const struct http_request *request,
                     struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct eip712_domain domain = node_domain(node, node->config.network.amsc);
    struct amsc_relationship terms = { .hospital = 0 };
    struct buffer call = BUFFER_INIT(HEADERS_SIZE_MAX * 2);
    struct enrolment enrolment;
    struct store *store = NULL;
    yyjson_doc *doc = NULL;
    uint8_t patient[20], signature[65], digest[32];
    char key[OUTBOX_KEY_MAX];
    int code = hospital_caller(context, request, "patient", patient, error);

    enrolment_init(&enrolment);
    if (!code)
        code = node_read_json(request, &doc, error);
    if (!code)
        code = json_hex(yyjson_doc_get_root(doc), "signature", signature, 65, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = enrolment_load(node, store, patient, &enrolment, error);
    if (!code)
        code = enrol_terms(node, &enrolment, yyjson_doc_get_root(doc), &terms, error);
    if (!code) {
        amsc_relationship_digest(&domain, &terms, digest);
        code = eip712_verify(digest, signature, patient, error);
    }
    if (!code)
        code = amsc_call_create_relationship(&terms, signature, buffer_bytes(&enrolment.headers),
                                             &call, error);
    if (!code) {
        const struct outbox_message message = { .to = node->config.network.amsc,
                                                .data = buffer_bytes(&call) };

        enrol_key(&enrolment, key);
        code = outbox_add(store, key, &message, error);
    }
    if (!code) {
        response->status = 202;
        code = buffer_put_string(&response->body, "{}");
    }
    store_close(store);
    yyjson_doc_free(doc);
    enrolment_free(&enrolment);
    buffer_free(&call);
    return code;
}

int enrol_serve_state(void *context, const struct http_request *request,
                      struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct json_writer writer = json_writer_of(&response->body);
    struct outbox_result result = { .state = OUTBOX_QUEUED };
    struct enrolment enrolment;
    struct store *store = NULL;
    uint8_t patient[20];
    char key[OUTBOX_KEY_MAX];
    int code = hospital_caller(context, request, "patient", patient, error);

    enrolment_init(&enrolment);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = enrolment_load(node, store, patient, &enrolment, error);
    if (!code) {
        enrol_key(&enrolment, key);
        if (outbox_result(node->outbox, key, &result, NULL) == ACESO_OK &&
            result.state == OUTBOX_FAILED)
            code = error_set(error, ACESO_ECHAIN, NULL, "%s", result.reason);
    }
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_bool(&writer, "enrolled", result.state == OUTBOX_MINED);
        if (result.state == OUTBOX_MINED)
            node_put_transaction(&writer, &result);
        json_close(&writer, '}');
    }
    store_close(store);
    enrolment_free(&enrolment);
    return code;
}
