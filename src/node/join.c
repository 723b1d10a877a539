/* SPDX-License-Identifier: Apache-2.0 */
#include "node/join.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"
#include "node/account.h"

#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define JOIN_VERSION 1

void join_request_free(struct join_request *request)
{
    buffer_free(&request->request);
    buffer_free(&request->authority_request);
}

static int join_path(const char *directory, const char *name, char out[PATH_MAX],
                     struct aceso_error *error)
{
    if (file_path(directory, name, out, PATH_MAX))
        return error_set(error, ACESO_ELIMIT, NULL, "the data directory's path is too long");
    return ACESO_OK;
}

static int join_write(const char *directory, const char *name, struct bytes text,
                      struct aceso_error *error)
{
    char path[PATH_MAX];
    int code = join_path(directory, name, path, error);

    return code ? code : file_write(path, text, 0600, error);
}

static int join_key(const char *directory, const char *name, const struct keys *keys,
                    struct x509_key **key, struct aceso_error *error)
{
    char path[PATH_MAX], *slash;
    int code = join_path(directory, "tls", path, error);

    if (!code)
        code = file_make_directory(path, error);
    if (!code)
        code = join_path(directory, name, path, error);
    if (!code) {
        slash = strrchr(path, '/');
        *slash = '\0';
        code = file_make_directory(path, error);
        *slash = '/';
    }
    return code ? code : keys_tls(keys, path, key, error);
}

/* What the newcomer's account signs: its address and the digest of the request's content. */
static void join_digest(const struct network *network, const uint8_t address[20],
                        struct bytes content, uint8_t digest[32])
{
    struct eip712_domain domain = { .name = "aceso", .version = "1",
                                    .chain_id = network->chain_id };
    struct eip712_words words = { .count = 0 };
    uint8_t typehash[32], hash[32];

    memcpy(domain.contract, network->amsc, 20);
    keccak256(bytes_of_string("JoinRequest(address party,bytes32 contentDigest)"), typehash);
    keccak256(content, hash);
    eip712_put_address(&words, address);
    eip712_put_word(&words, hash);
    eip712_finish(&words, &domain, typehash, digest);
}

int join_found(const char *directory, const struct node_config *config, const struct keys *keys,
               struct aceso_error *error)
{
    struct buffer root = BUFFER_INIT(X509_PEM_MAX), asked = BUFFER_INIT(X509_PEM_MAX);
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX);
    const char *const hosts[] = { config->host };
    struct x509_key *root_key = NULL, *key = NULL;
    struct x509_subject subject;
    int code = join_key(directory, "tls/root-key.sealed", keys, &root_key, error);

    if (!code)
        code = x509_root(root_key, config->label, time_now(), &root, error);
    if (!code)
        code = join_key(directory, "tls/key.sealed", keys, &key, error);
    if (!code)
        code = x509_subject_set(config->label, "ca", config->address, hosts, 1, &subject, error);
    if (!code)
        code = x509_request(key, &subject, &asked, error);
    if (!code)
        code = x509_issue(root_key, buffer_bytes(&root), buffer_bytes(&asked), &subject,
                          time_now(), &chain, error);
    if (!code)
        code = join_write(directory, "tls/roots.pem", buffer_bytes(&root), error);
    if (!code)
        code = join_write(directory, "tls/chain.pem", buffer_bytes(&chain), error);
    x509_key_free(root_key);
    x509_key_free(key);
    buffer_free(&root);
    buffer_free(&asked);
    buffer_free(&chain);
    return code;
}

int join_invite(const struct network *network, struct bytes roots,
                const struct hospital_card *hospital, struct buffer *out)
{
    struct json_writer writer = json_writer_of(out);

    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "version", JOIN_VERSION);
    json_put_string(&writer, "kind", "invitation");
    json_put_bytes(&writer, "roots", roots);
    network_write(network, &writer);
    if (hospital)
        hospital_card_write(hospital, &writer);
    json_close(&writer, '}');
    return out->failed;
}

static int join_document(struct bytes text, const char *kind, yyjson_doc **doc,
                         struct aceso_error *error)
{
    yyjson_doc *parsed = NULL;
    const char *found = NULL;
    uint64_t version = 0;
    int code = text.len > JOIN_DOCUMENT_MAX
                   ? error_set(error, ACESO_ELIMIT, kind, "too large")
                   : json_parse(text, &parsed, error);

    if (!code)
        code = json_u64(yyjson_doc_get_root(parsed), "version", JOIN_VERSION, &version, error);
    if (!code && version != JOIN_VERSION)
        code = error_set(error, ACESO_EFORMAT, "version", "unknown version");
    if (!code)
        code = json_string(yyjson_doc_get_root(parsed), "kind", &found, error);
    if (!code && strcmp(found, kind) != 0)
        code = error_set(error, ACESO_EFORMAT, "kind", "not an %s", kind);
    if (code)
        yyjson_doc_free(parsed);
    else
        *doc = parsed;
    return code;
}

/* Who joins: a node as it is, or a patient as one hospital is to know it. */
struct joining {
    const char *directory;
    const struct keys *keys;
    struct node_config config;
    size_t at;               /* a patient's: which hospital */
    struct account *account; /* a patient's there; else NULL */
    uint8_t address[20];
    char key_name[CONFIG_FILE_SIZE];
    char chain_name[CONFIG_FILE_SIZE];
};

/* Under which address, and in which files, the node joins. */
static int joining_identify(struct joining *joining, struct aceso_error *error)
{
    const struct node_config *config = &joining->config;
    int code;

    config_hospital_file(config, joining->at, "key.sealed", joining->key_name);
    config_hospital_file(config, joining->at, "chain.pem", joining->chain_name);
    if (config->role != ROLE_PATIENT) {
        code = keys_address(joining->keys, joining->address);
        return code ? error_set(error, ACESO_ESTATE, NULL, "the node has no account") : code;
    }
    account_free(joining->account);
    joining->account = NULL;
    code = account_derive(joining->keys, config->network.chain_id,
                          config->hospitals[joining->at].card.id, &joining->account, error);
    if (!code)
        memcpy(joining->address, account_address(joining->account), 20);
    return code;
}

/* What the hospitals of one patient must have in common. Else whoever invites could put its own
 * roots under what the patient has at the others. */
static int joining_check_common(const struct joining *joining, const struct network *network,
                                const char *roots, struct aceso_error *error)
{
    const struct network *known = &joining->config.network;
    struct buffer trusted = BUFFER_INIT(X509_PEM_MAX);
    char path[PATH_MAX];
    int code = join_path(joining->directory, "tls/roots.pem", path, error);

    if (network->chain_id != known->chain_id || memcmp(network->amsc, known->amsc, 20) != 0 ||
        memcmp(network->arsc, known->arsc, 20) != 0 || memcmp(network->ca, known->ca, 20) != 0)
        return error_set(error, ACESO_EVERIFY, "network",
                         "not the one that this patient is in already");
    if (!code)
        code = file_read(path, &trusted, error);
    if (!code && !bytes_equal(buffer_bytes(&trusted), bytes_of_string(roots)))
        code = error_set(error, ACESO_EVERIFY, "roots", "not those that are trusted already");
    buffer_free(&trusted);
    return code;
}

/* Adds the hospital that invites, or takes its card anew. */
static int joining_add_hospital(struct joining *joining, const struct network *network,
                                const struct hospital_card *card, const char *roots,
                                struct aceso_error *error)
{
    struct node_config *config = &joining->config;
    const struct patient_hospital *known = config_hospital(config, card->id);
    bool others = config->hospital_count > (known ? 1u : 0u);
    int code = others ? joining_check_common(joining, network, roots, error) : ACESO_OK;

    if (!code && known && others && memcmp(known->card.address, card->address, 20) != 0)
        code = error_set(error, ACESO_EVERIFY, "hospital", "not the address that it had");
    if (!code && !known && config->hospital_count == CONFIG_HOSPITALS_MAX)
        code = error_set(error, ACESO_ELIMIT, "hospital", "more than %d", CONFIG_HOSPITALS_MAX);
    if (code)
        return code;
    joining->at = known ? (size_t)(known - config->hospitals) : config->hospital_count++;
    config->hospitals[joining->at].card = *card;
    return ACESO_OK;
}

/* Takes roots, network and a patient's hospital over; a patient's account follows from both. */
static int joining_take(struct joining *joining, struct bytes invitation,
                        struct aceso_error *error)
{
    struct node_config *config = &joining->config;
    struct hospital_card card;
    struct network network;
    yyjson_doc *doc = NULL;
    const char *roots = NULL;
    int code = join_document(invitation, "invitation", &doc, error);
    const yyjson_val *root = yyjson_doc_get_root(doc);

    if (!code)
        code = json_string(root, "roots", &roots, error);
    if (!code)
        code = network_read(root, &network, error);
    if (!code && config->role == ROLE_PATIENT) {
        code = hospital_card_read(root, &card, error);
        if (!code)
            code = joining_add_hospital(joining, &network, &card, roots, error);
    }
    if (!code)
        config->network = network;
    if (!code)
        code = joining_identify(joining, error);
    if (!code) {
        if (config->role == ROLE_PATIENT)
            memcpy(config->hospitals[joining->at].address, joining->address, 20);
        else
            memcpy(config->address, joining->address, 20);
        config->has_address = true;
        code = join_write(joining->directory, "tls/roots.pem", bytes_of_string(roots), error);
    }
    if (!code)
        code = config_save(joining->directory, config, error);
    yyjson_doc_free(doc);
    return code;
}

/* What a certificate of a patient calls its holder: what else it could say would be the same at
 * every hospital. */
#define JOIN_PATIENT "patient"

static int joining_put_request(const struct joining *joining, const char *key_name,
                               const char *role, bool hosts, struct json_writer *writer,
                               const char *member, struct aceso_error *error)
{
    const struct node_config *config = &joining->config;
    const char *const names[] = { config->host };
    struct buffer pem = BUFFER_INIT(X509_PEM_MAX);
    struct x509_key *key = NULL;
    struct x509_subject subject;
    int code = join_key(joining->directory, key_name, joining->keys, &key, error);

    if (!code)
        code = x509_subject_set(joining->account ? JOIN_PATIENT : config->label, role,
                                joining->address, names, hosts ? 1 : 0, &subject, error);
    if (!code)
        code = x509_request(key, &subject, &pem, error);
    if (!code)
        json_put_bytes(writer, member, buffer_bytes(&pem));
    x509_key_free(key);
    buffer_free(&pem);
    return code;
}

static int joining_content(const struct joining *joining, struct buffer *out,
                           struct aceso_error *error)
{
    const struct node_config *config = &joining->config;
    struct json_writer writer = json_writer_of(out);
    bool patient = config->role == ROLE_PATIENT;
    uint8_t secret[32], seal_key[32];
    int code;

    json_open(&writer, NULL, '{');
    json_put_string(&writer, "role", role_name(config->role));
    json_put_hex(&writer, "address", joining->address, 20);
    if (!patient) {
        keys_seal_pair(joining->keys, secret, seal_key);
        secret_wipe(secret, sizeof secret);
        json_put_string(&writer, "label", config->label);
        json_put_string(&writer, "url", config->url);
        json_put_string(&writer, "host", config->host);
        json_put_hex(&writer, "seal_key", seal_key, 32);
    }
    code = joining_put_request(joining, joining->key_name, role_name(config->role), !patient,
                               &writer, "request", error);
    if (!code && config->role == ROLE_HOSPITAL)
        code = joining_put_request(joining, "tls/authority-key.sealed", "hospital-ca", false,
                                   &writer, "authority_request", error);
    json_close(&writer, '}');
    return code ? code : out->failed;
}

static int joining_sign(const struct joining *joining, const uint8_t digest[32],
                        uint8_t signature[65], struct aceso_error *error)
{
    return joining->account ? account_sign(joining->account, digest, signature, error)
                            : keys_sign(joining->keys, digest, signature, error);
}

int join_answer(const char *directory, const struct keys *keys, struct bytes invitation,
                struct buffer *out, struct aceso_error *error)
{
    struct joining joining = { .directory = directory, .keys = keys };
    struct buffer content = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct json_writer writer = json_writer_of(out);
    uint8_t digest[32], signature[65];
    char path[PATH_MAX];
    int code = config_load(directory, &joining.config, error);

    if (!code && joining.config.role == ROLE_CA)
        code = error_set(error, ACESO_EUSAGE, NULL, "a CA does not join: it invites");
    if (!code)
        code = join_path(directory, "tls", path, error);
    if (!code)
        code = file_make_directory(path, error);
    if (!code)
        code = joining_take(&joining, invitation, error);
    if (!code)
        code = joining_content(&joining, &content, error);
    if (!code) {
        join_digest(&joining.config.network, joining.address, buffer_bytes(&content), digest);
        code = joining_sign(&joining, digest, signature, error);
    }
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_u64(&writer, "version", JOIN_VERSION);
        json_put_string(&writer, "kind", "request");
        json_put_bytes(&writer, "content", buffer_bytes(&content));
        json_put_hex(&writer, "signature", signature, sizeof signature);
        json_close(&writer, '}');
        code = out->failed;
    }
    account_free(joining.account);
    buffer_free(&content);
    return code;
}

static int join_copy(const yyjson_val *json, const char *member, char *out, size_t size,
                     struct aceso_error *error)
{
    const char *text = NULL;
    int len, code = json_string(json, member, &text, error);

    if (code)
        return code;
    len = snprintf(out, size, "%s", text);
    if (len < 0 || (size_t)len >= size)
        return error_set(error, ACESO_ELIMIT, member, "longer than %zu bytes", size - 1);
    return ACESO_OK;
}

/* What every newcomer but a patient says of itself. */
static int join_read_node(const yyjson_val *json, struct join_request *request,
                          struct aceso_error *error)
{
    int code = join_copy(json, "label", request->label, sizeof request->label, error);

    if (!code)
        code = join_copy(json, "url", request->url, sizeof request->url, error);
    if (!code)
        code = join_copy(json, "host", request->host, sizeof request->host, error);
    if (!code)
        code = json_hex(json, "seal_key", request->seal_key, 32, error);
    return code;
}

static int join_read_content(const yyjson_val *json, struct join_request *request,
                             struct aceso_error *error)
{
    const char *role = NULL, *pem = NULL, *authority = NULL;
    int code = json_string(json, "role", &role, error);

    if (!code && role_parse(role, &request->role))
        code = error_set(error, ACESO_EFORMAT, "role", "there is no such role");
    if (!code && request->role == ROLE_PATIENT)
        (void)snprintf(request->label, sizeof request->label, JOIN_PATIENT);
    else if (!code)
        code = join_read_node(json, request, error);
    if (!code)
        code = json_hex(json, "address", request->address, 20, error);
    if (!code)
        code = json_string(json, "request", &pem, error);
    if (!code)
        code = buffer_put_string(&request->request, pem);
    if (!code && request->role == ROLE_HOSPITAL) {
        code = json_string(json, "authority_request", &authority, error);
        if (!code)
            code = buffer_put_string(&request->authority_request, authority);
    }
    return code;
}

int join_read(const struct network *network, struct bytes document, struct join_request *request,
              struct aceso_error *error)
{
    yyjson_doc *doc = NULL, *content = NULL;
    struct join_request read = JOIN_REQUEST_INIT;
    struct x509_subject subject;
    const char *text = NULL;
    uint8_t signature[65], digest[32];
    int code = join_document(document, "request", &doc, error);

    if (!code)
        code = json_string(yyjson_doc_get_root(doc), "content", &text, error);
    if (!code)
        code = json_hex(yyjson_doc_get_root(doc), "signature", signature, sizeof signature, error);
    if (!code)
        code = json_parse(bytes_of_string(text), &content, error);
    if (!code)
        code = join_read_content(yyjson_doc_get_root(content), &read, error);
    if (!code) {
        join_digest(network, read.address, bytes_of_string(text), digest);
        code = eip712_verify(digest, signature, read.address, error);
    }
    if (!code)
        code = x509_request_read(buffer_bytes(&read.request), &subject, read.tls_key_digest, error);
    yyjson_doc_free(content);
    yyjson_doc_free(doc);
    if (code) {
        join_request_free(&read);
        return error_wrap(error, code, "the request to be admitted");
    }
    *request = read;
    return ACESO_OK;
}

int join_certify(const struct x509_key *key, struct bytes issuer,
                 const struct join_request *request, struct buffer *chain,
                 struct aceso_error *error)
{
    const char *const hosts[] = { request->host };
    struct x509_subject subject;
    int code = x509_subject_set(request->label, role_name(request->role), request->address, hosts,
                                request->host[0] ? 1 : 0, &subject, error);

    if (!code)
        code = x509_issue(key, issuer, buffer_bytes(&request->request), &subject, time_now(), chain,
                          error);
    return code;
}

/* A patient's admission is for the hospital of whichever address it names. */
static int joining_find(struct joining *joining, const struct x509_identity *identity,
                        struct aceso_error *error)
{
    const struct node_config *config = &joining->config;

    while (config->role == ROLE_PATIENT && joining->at < config->hospital_count &&
           memcmp(config->hospitals[joining->at].address, identity->address, 20) != 0)
        joining->at++;
    if (config->role == ROLE_PATIENT && joining->at == config->hospital_count)
        return error_set(error, ACESO_EVERIFY, "chain", "the certificate is for somebody else");
    return joining_identify(joining, error);
}

static int joining_check_chain(struct joining *joining, const char *chain,
                               struct aceso_error *error)
{
    const struct node_config *config = &joining->config;
    struct buffer roots = BUFFER_INIT(X509_PEM_MAX);
    struct x509_identity identity;
    struct x509_key *key = NULL;
    uint8_t digest[32];
    char path[PATH_MAX];
    int code = join_path(joining->directory, "tls/roots.pem", path, error);

    if (!code)
        code = file_read(path, &roots, error);
    if (!code)
        code = x509_identity_pem(bytes_of_string(chain), buffer_bytes(&roots), time_now(),
                                 &identity, error);
    if (!code)
        code = joining_find(joining, &identity, error);
    if (!code)
        code = join_key(joining->directory, joining->key_name, joining->keys, &key, error);
    if (!code)
        code = x509_key_digest(key, digest, error);
    if (!code && (memcmp(identity.spki_sha256, digest, 32) != 0 ||
                  memcmp(identity.address, joining->address, 20) != 0 ||
                  strcmp(identity.role, role_name(config->role)) != 0))
        code = error_set(error, ACESO_EVERIFY, "chain", "the certificate is for somebody else");
    if (!code && config->role == ROLE_PATIENT &&
        memcmp(identity.issuer_address, config->hospitals[joining->at].card.address, 20) != 0)
        code = error_set(error, ACESO_EVERIFY, "chain", "issued by another hospital");
    x509_key_free(key);
    buffer_free(&roots);
    return code;
}

/* What is stored besides the certificate: a hospital's issuer and card, an institute's
 * credential (as the CA wrote it; the contract checks it). */
static int join_store_rest(const char *directory, struct node_config *config,
                           const yyjson_val *root, struct aceso_error *error)
{
    const char *authority = NULL;
    yyjson_val *credential = yyjson_obj_get((yyjson_val *)(uintptr_t)root, "credential");
    size_t length = 0;
    char *text;
    int code = ACESO_OK;

    if (config->role == ROLE_HOSPITAL) {
        code = json_string(root, "authority_chain", &authority, error);
        if (!code)
            code = hospital_card_read(root, &config->hospital, error);
        if (!code)
            code = join_write(directory, "tls/authority.pem", bytes_of_string(authority), error);
        if (!code)
            code = config_save(directory, config, error);
    }
    if (!code && config->role == ROLE_INSTITUTE && !credential)
        code = error_set(error, ACESO_EFORMAT, "credential", "it is missing");
    if (!code && credential) {
        text = yyjson_val_write(credential, YYJSON_WRITE_NOFLAG, &length);
        code = text ? join_write(directory, "credential.json", bytes_of(text, length), error)
                    : error_set(error, ACESO_EMEMORY, NULL, "out of memory");
        free(text);
    }
    return code;
}

int join_accept(const char *directory, const struct keys *keys, struct bytes admission,
                struct aceso_error *error)
{
    struct joining joining = { .directory = directory, .keys = keys };
    yyjson_doc *doc = NULL;
    const char *chain = NULL;
    int code = config_load(directory, &joining.config, error);

    if (!code && !joining.config.network.known)
        code = error_set(error, ACESO_ESTATE, NULL, "this node has not asked yet: 'aceso join'");
    if (!code)
        code = join_document(admission, "admission", &doc, error);
    if (!code)
        code = json_string(yyjson_doc_get_root(doc), "chain", &chain, error);
    if (!code)
        code = joining_check_chain(&joining, chain, error);
    if (!code)
        code = join_store_rest(directory, &joining.config, yyjson_doc_get_root(doc), error);
    if (!code)
        code = join_write(directory, joining.chain_name, bytes_of_string(chain), error);
    account_free(joining.account);
    yyjson_doc_free(doc);
    return code;
}
