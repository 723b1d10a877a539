/* SPDX-License-Identifier: Apache-2.0 */
/* The hospital as an attribute authority: it begins attributes, decides who may have them, and
 * issues keys to an address that has signed a fresh challenge and holds a live credential. */
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "chain/arsc.h"
#include "chain/hisc.h"
#include "consent/sealing.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"
#include "hospital/internal.h"
#include "node/chain_thread.h"
#include "node/obtain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHALLENGE_SECONDS 300
#define CHALLENGES_MAX "32" /* of one address at a time */
#define ATTRIBUTES_MAX 1024

int hospital_authority(struct node *node, struct authority **authority, struct aceso_error *error)
{
    uint8_t seed[32];
    int code;

    keys_derive(node->keys, "abe authority", bytes_of(NULL, 0), seed);
    code = authority_create(seed, node->config.hospital.label, authority, error);
    secret_wipe(seed, sizeof seed);
    return code;
}

/* Public keys of a set of names, as one list. */
struct key_list {
    struct buffer keys; /* one behind the other */
    struct bytes item[ATTRIBUTES_MAX];
    size_t offset[ATTRIBUTES_MAX];
    size_t count;
};

static int key_list_end(struct key_list *list, struct buffer *out)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t end = i + 1 < list->count ? list->offset[i + 1] : list->keys.len;

        list->item[i] = bytes_of(list->keys.data + list->offset[i], end - list->offset[i]);
    }
    return keyring_put_list(list->item, list->count, out);
}

int hospital_published(struct node *node, struct store *store, struct buffer *out,
                       struct aceso_error *error)
{
    struct key_list *list = calloc(1, sizeof *list);
    struct authority *authority = NULL;
    struct statement *query = NULL;
    int step, code = list ? hospital_authority(node, &authority, error) : ACESO_EMEMORY;

    if (list)
        list->keys = (struct buffer)BUFFER_INIT(HOSPITAL_LIST_MAX);
    if (!code)
        code = store_prepare(store, "SELECT name FROM attribute ORDER BY name", &query, error);
    while (!code && (step = statement_step(query, error)) != 0) {
        if (step > 0 && list->count == ATTRIBUTES_MAX)
            code = error_set(error, ACESO_ELIMIT, NULL, "too many attributes");
        else if (step > 0)
            list->offset[list->count++] = list->keys.len;
        if (!code)
            code = step < 0 ? step
                            : authority_public_key(authority, statement_text(query, 0),
                                                   &list->keys, error);
    }
    statement_finish(query);
    if (!code)
        code = key_list_end(list, out);
    authority_free(authority);
    if (list)
        buffer_free(&list->keys);
    free(list);
    return code;
}

int authority_begin(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    struct buffer list = BUFFER_INIT(HOSPITAL_LIST_MAX), call = BUFFER_INIT(4096);
    struct outbox_result mined = { 0 };
    struct authority *authority = NULL;
    struct statement *insert = NULL;
    struct store *store = NULL;
    char attribute[ATTRIBUTE_TEXT_MAX], key[OPERATION_ID_SIZE + 16];
    const char *name = NULL;
    uint8_t digest[32];
    int code = json_string(operation->input, "name", &name, error);

    if (!code)
        code = hospital_authority(node, &authority, error);
    if (!code)
        code = authority_attribute(authority, name, attribute, error);
    if (!code && (strncmp(name, "on.", 3) == 0))
        code = error_set(error, ACESO_EUSAGE, NULL, "names that begin with on. are the switches'");
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = store_prepare(store, "INSERT OR IGNORE INTO attribute (name) VALUES (?1)", &insert,
                             error);
    if (!code) {
        statement_bind_text(insert, 1, name);
        code = statement_run(insert, error);
    }
    if (!code)
        code = hospital_published(node, store, &list, error);
    if (!code) {
        keccak256(buffer_bytes(&list), digest);
        code = amsc_call_publish_keys(digest, &call, error);
    }
    (void)snprintf(key, sizeof key, "publish-%s", operation->id);
    if (!code)
        code = node_transact(node, key, node->config.network.amsc, buffer_bytes(&call), &mined,
                             error);
    if (!code)
        code = hospital_result(result, "the attribute has begun and its key is published", &mined);
    store_close(store);
    authority_free(authority);
    buffer_free(&list);
    buffer_free(&call);
    return code;
}

int authority_allow(struct store *store, const char *name, const uint8_t address[20],
                    struct aceso_error *error)
{
    struct statement *insert = NULL;
    int code = store_prepare(store, "INSERT OR IGNORE INTO issue (name, address) VALUES (?1, ?2)",
                             &insert, error);

    if (code)
        return code;
    statement_bind_text(insert, 1, name);
    statement_bind_blob(insert, 2, bytes_of(address, 20));
    return statement_run(insert, error);
}

int authority_withhold(struct store *store, const uint8_t address[20], struct aceso_error *error)
{
    struct statement *remove = NULL;
    int code = store_prepare(store, "DELETE FROM issue WHERE address = ?1", &remove, error);

    if (code)
        return code;
    statement_bind_blob(remove, 1, bytes_of(address, 20));
    return statement_run(remove, error);
}

/* The contract with an institute, made where there is none. */
static int authority_pair(struct operation *operation, const uint8_t institute[20],
                          uint8_t contract[20], struct aceso_error *error)
{
    struct node *node = operation->node;
    struct contract arsc = node_arsc(node);
    struct buffer call = BUFFER_INIT(4096);
    char key[OPERATION_ID_SIZE + 16];
    int code = arsc_relation(&arsc, node->config.hospital.id, institute, contract, error);

    if (code != ACESO_ENOTFOUND)
        return code;
    code = arsc_call_open_institute(node->config.hospital.id, institute, &call, error);
    (void)snprintf(key, sizeof key, "pair-%s", operation->id);
    if (!code)
        code = node_transact(node, key, node->config.network.arsc, buffer_bytes(&call), NULL,
                             error);
    if (!code)
        code = arsc_relation(&arsc, node->config.hospital.id, institute, contract, error);
    buffer_free(&call);
    return code;
}

int authority_issue(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    struct outbox_result mined = { 0 };
    struct buffer call = BUFFER_INIT(4096);
    struct authority *authority = NULL;
    struct store *store = NULL;
    char attribute[ATTRIBUTE_TEXT_MAX], key[OPERATION_ID_SIZE + 16];
    const char *name = NULL;
    uint8_t address[20], contract[20], digest[32];
    int code = json_string(operation->input, "name", &name, error);

    if (!code)
        code = hospital_input_hex(operation->input, "to", address, 20, error);
    if (!code)
        code = hospital_authority(node, &authority, error);
    if (!code)
        code = authority_attribute(authority, name, attribute, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = authority_pair(operation, address, contract, error);
    if (!code) {
        keccak256(bytes_of_string(attribute), digest);
        code = hisc_call_record_attributes(digest, &call, error);
    }
    (void)snprintf(key, sizeof key, "issue-%s", operation->id);
    if (!code)
        code = node_transact(node, key, contract, buffer_bytes(&call), &mined, error);
    if (!code)
        code = authority_allow(store, name, address, error);
    if (!code)
        code = hospital_result(result, "the attribute is issued; its holder may fetch the key",
                               &mined);
    authority_free(authority);
    store_close(store);
    buffer_free(&call);
    return code;
}

int authority_serve_keys(void *context, const struct http_request *request,
                         struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct json_writer writer = json_writer_of(&response->body);
    struct buffer list = BUFFER_INIT(HOSPITAL_LIST_MAX);
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    (void)request;
    if (!code)
        code = hospital_published(node, store, &list, error);
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

/* An address may have several under way: an institute fetches for many patients at once. The oldest
 * goes when there are too many. */
static int authority_keep_challenge(struct store *store, const uint8_t address[20],
                                    const uint8_t challenge[32], struct aceso_error *error)
{
    struct statement *insert = NULL, *remove = NULL;
    int code = store_prepare(store,
                             "INSERT INTO challenge (address, challenge, expires)"
                             " VALUES (?1, ?2, ?3)",
                             &insert, error);

    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(address, 20));
    statement_bind_blob(insert, 2, bytes_of(challenge, 32));
    statement_bind_int(insert, 3, time_now() + CHALLENGE_SECONDS);
    code = statement_run(insert, error);
    if (!code)
        code = store_prepare(store,
                             "DELETE FROM challenge WHERE address = ?1 AND rowid NOT IN"
                             " (SELECT rowid FROM challenge WHERE address = ?1"
                             " ORDER BY rowid DESC LIMIT " CHALLENGES_MAX ")",
                             &remove, error);
    if (code)
        return code;
    statement_bind_blob(remove, 1, bytes_of(address, 20));
    return statement_run(remove, error);
}

int authority_serve_challenge(void *context, const struct http_request *request,
                              struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct json_writer writer = json_writer_of(&response->body);
    struct store *store = NULL;
    uint8_t challenge[32];
    int code = node_store(node, &store, error);

    secret_random(challenge, sizeof challenge);
    if (!code)
        code = authority_keep_challenge(store, node_caller(request)->address, challenge, error);
    store_close(store);
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "challenge", challenge, sizeof challenge);
    json_close(&writer, '}');
    return code;
}

/* A challenge is used up by the attempt, whether it succeeds or not. */
static int authority_take_challenge(struct store *store, const uint8_t address[20],
                                    const uint8_t challenge[32], struct aceso_error *error)
{
    struct statement *remove = NULL;
    int code = store_prepare(store,
                             "DELETE FROM challenge WHERE address = ?1 AND challenge = ?2 AND"
                             " expires > ?3",
                             &remove, error);

    if (code)
        return code;
    statement_bind_blob(remove, 1, bytes_of(address, 20));
    statement_bind_blob(remove, 2, bytes_of(challenge, 32));
    statement_bind_int(remove, 3, time_now());
    code = statement_run(remove, error);
    if (!code && store_changes(store) != 1)
        code = error_set(error, ACESO_EDENIED, NULL, "the challenge is not one that was given");
    return code;
}

/* Where the holder's keys are sealed to: its X25519 key as the chain has it. A hospital is one by
 * its registration, anyone else by a live credential whose TLS key is the caller's. */
static int authority_seal_key(struct node *node, struct store *store,
                              const struct x509_identity *caller, uint8_t seal_key[32],
                              struct aceso_error *error)
{
    struct ledger_hospital hospital;
    struct ledger_credential credential;
    struct contract amsc = node_amsc(node);
    bool live = false;
    int code;

    if (ledger_hospital_by_address(store, caller->address, &hospital, NULL) == ACESO_OK) {
        if (hospital.suspended ||
            memcmp(hospital.tls_key_digest, caller->spki_sha256, 32) != 0)
            return error_set(error, ACESO_EDENIED, NULL,
                             "the hospital is suspended or uses another TLS key");
        memcpy(seal_key, hospital.seal_key, 32);
        return ACESO_OK;
    }
    code = ledger_credential(store, caller->address, &credential, NULL);
    if (code)
        return error_set(error, ACESO_EDENIED, NULL,
                         "the chain has accepted no credential of this address");
    code = amsc_credential_live(&amsc, caller->address, &live, error);
    if (!code && (!live || memcmp(credential.tls_key_digest, caller->spki_sha256, 32) != 0))
        code = error_set(error, ACESO_EDENIED, NULL,
                         "the credential does not hold, or is for another TLS key");
    if (!code)
        memcpy(seal_key, credential.seal_key, 32);
    return code;
}

/* Adds public and user key of one attribute to the two lists. */
static int authority_add(struct authority *authority, const char *name, const uint8_t address[20],
                         struct key_list *publics, struct key_list *users,
                         struct aceso_error *error)
{
    int code;

    if (publics->count == ATTRIBUTES_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "too many attributes");
    publics->offset[publics->count++] = publics->keys.len;
    code = authority_public_key(authority, name, &publics->keys, error);
    if (!code) {
        users->offset[users->count++] = users->keys.len;
        code = authority_user_key(authority, name, address, &users->keys, error);
    }
    return code;
}

static int authority_collect(struct node *node, struct store *store, const uint8_t address[20],
                             const uint8_t *patient, struct key_list *publics,
                             struct key_list *users, struct aceso_error *error)
{
    struct authority *authority = NULL;
    struct statement *query = NULL;
    char on[65] = "";
    int step, code = hospital_authority(node, &authority, error);

    if (!code && patient) {
        struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;

        code = ledger_relationship(store, node->config.hospital.id, patient, &relationship, error);
        if (!code)
            authority_on_name(relationship.epoch.n, patient, on);
        buffer_free(&relationship.headers);
    }
    if (!code)
        code = store_prepare(store,
                             "SELECT name FROM issue WHERE address = ?1"
                             " AND (substr(name, 1, 3) <> 'on.' OR name = ?2) ORDER BY name",
                             &query, error);
    if (!code) {
        statement_bind_blob(query, 1, bytes_of(address, 20));
        statement_bind_text(query, 2, on);
    }
    while (!code && (step = statement_step(query, error)) != 0)
        code = step < 0 ? step
                        : authority_add(authority, statement_text(query, 0), address, publics,
                                        users, error);
    statement_finish(query);
    authority_free(authority);
    return code;
}

static int authority_answer(struct node *node, const uint8_t address[20],
                            const uint8_t seal_key[32], struct key_list *publics,
                            struct key_list *users, struct buffer *out,
                            struct aceso_error *error)
{
    struct sealing sealing = { .purpose = "attribute keys",
                               .chain_id = node->config.network.chain_id };
    struct buffer public_list = BUFFER_INIT(HOSPITAL_LIST_MAX);
    struct buffer user_list = BUFFER_INIT_SECRET(HOSPITAL_LIST_MAX);
    struct buffer sealed = BUFFER_INIT(HOSPITAL_LIST_MAX);
    struct json_writer writer = json_writer_of(out);
    int code = key_list_end(publics, &public_list);

    memcpy(sealing.contract, node->config.network.amsc, 20);
    memcpy(sealing.sender, node->config.address, 20);
    memcpy(sealing.receiver, address, 20);
    if (!code)
        code = key_list_end(users, &user_list);
    if (!code)
        code = sealing_seal(&sealing, seal_key, buffer_bytes(&user_list), &sealed, error);
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_base64(&writer, "public", buffer_bytes(&public_list));
        json_put_base64(&writer, "sealed", buffer_bytes(&sealed));
        json_close(&writer, '}');
        code = out->failed;
    }
    buffer_free(&public_list);
    buffer_free(&user_list);
    buffer_free(&sealed);
    return code;
}

int authority_serve_issue(void *context, const struct http_request *request,
                          struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    const struct x509_identity *caller = node_caller(request);
    struct key_list *publics = calloc(1, sizeof *publics), *users = calloc(1, sizeof *users);
    uint8_t challenge[32], signature[65], digest[32], seal_key[32], patient[20];
    const char *patient_text = NULL;
    struct store *store = NULL;
    yyjson_doc *doc = NULL;
    int code = publics && users ? node_read_json(request, &doc, error) : ACESO_EMEMORY;

    if (!code)
        code = json_hex(yyjson_doc_get_root(doc), "challenge", challenge, 32, error);
    if (!code)
        code = json_hex(yyjson_doc_get_root(doc), "signature", signature, 65, error);
    if (!code)
        patient_text = json_string_or(yyjson_doc_get_root(doc), "patient", NULL);
    if (!code && patient_text && text_unhex(patient_text, patient, 20))
        code = error_set(error, ACESO_EFORMAT, "patient", "not an address");
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = authority_take_challenge(store, caller->address, challenge, error);
    if (!code) {
        key_request_digest(node, caller->address, node->config.hospital.id, challenge, digest);
        code = eip712_verify(digest, signature, caller->address, error);
    }
    if (!code)
        code = authority_seal_key(node, store, caller, seal_key, error);
    if (!code) {
        publics->keys = (struct buffer)BUFFER_INIT(HOSPITAL_LIST_MAX);
        users->keys = (struct buffer)BUFFER_INIT_SECRET(HOSPITAL_LIST_MAX);
        code = authority_collect(node, store, caller->address, patient_text ? patient : NULL,
                                 publics, users, error);
        if (!code)
            code = authority_answer(node, caller->address, seal_key, publics, users,
                                    &response->body, error);
        buffer_free(&publics->keys);
        buffer_free(&users->keys);
    }
    store_close(store);
    yyjson_doc_free(doc);
    free(publics);
    free(users);
    return code;
}

/* ---- after a consent's end --------------------------------------------------------------- */

static int authority_withdraw(struct store *store, struct aceso_error *error)
{
    struct statement *remove = NULL;
    int code = store_prepare(store,
                             "DELETE FROM issue WHERE substr(name, 1, 3) = 'on.' AND EXISTS"
                             " (SELECT 1 FROM ledger_request r WHERE r.institute = issue.address"
                             " AND r.status IN (?1, ?2, ?3)"
                             " AND substr(issue.name, -40) = lower(hex(r.patient)))"
                             " AND NOT EXISTS (SELECT 1 FROM ledger_request r"
                             " WHERE r.institute = issue.address AND r.status = ?4"
                             " AND substr(issue.name, -40) = lower(hex(r.patient)))",
                             &remove, error);

    if (code)
        return code;
    statement_bind_int(remove, 1, LEDGER_EXPIRED);
    statement_bind_int(remove, 2, LEDGER_REVOKED);
    statement_bind_int(remove, 3, LEDGER_ENDED);
    statement_bind_int(remove, 4, LEDGER_APPROVED);
    code = statement_run(remove, error);
    if (!code && store_changes(store) > 0)
        log_info("%lld switches are no longer issued", (long long)store_changes(store));
    return code;
}

int authority_tick(struct node *node, struct store *store, struct aceso_error *error)
{
    struct buffer seen = BUFFER_INIT(64), now = BUFFER_INIT(64);
    uint64_t block = 0;
    bool answers = false;
    int code;

    chain_thread_position(node->chain, &block, &answers);
    code = buffer_put_u64(&now, block);
    if (!code && (setting_get(store, "withdrawn to block", &seen, NULL) ||
                  !bytes_equal(buffer_bytes(&seen), buffer_bytes(&now)))) {
        code = authority_withdraw(store, error);
        if (!code)
            code = setting_put(store, "withdrawn to block", buffer_bytes(&now), error);
    }
    buffer_free(&seen);
    buffer_free(&now);
    return code;
}
