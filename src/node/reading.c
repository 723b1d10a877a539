/* SPDX-License-Identifier: Apache-2.0 */
#include "node/reading.h"

#include "base/secret.h"
#include "base/text.h"
#include "chain/hpsc.h"
#include "consent/authority.h"
#include "consent/header.h"
#include "consent/policy.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"
#include "record/open.h"
#include "record/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READING_LIST_MAX ((size_t)4 << 20)
#define READING_AUTHORITIES_MAX 64
#define READING_STALL_MS 60000

struct reading {
    struct node *node;
    struct store *store;
    struct ledger_hospital hospital;
    struct ledger_relationship relationship;
    struct record_context context;
    struct buffer patient_keys, authority_keys;
    struct aceso_abe_policy *policy;
    char authority[READING_AUTHORITIES_MAX][AUTHORITY_LABEL_MAX + 1];
    size_t authorities;
    yyjson_doc *answer; /* for the batches' signatures */
    uint64_t last_batch;
    uint8_t *key; /* of `level`, locked */
    unsigned level;
    bool skip_above;
    struct export *export;
    uint32_t exported; /* the relationship's number there */
    struct reading_number {
        uint64_t batch;
        uint32_t exported;
    } *numbers; /* of batches there */
    size_t number_count;
    struct row_reader *rows;
    struct record_reader *records;
};

void reading_close(struct reading *reading)
{
    if (!reading)
        return;
    record_reader_free(reading->records);
    row_reader_free(reading->rows);
    yyjson_doc_free(reading->answer);
    aceso_abe_policy_free(reading->policy);
    buffer_free(&reading->patient_keys);
    buffer_free(&reading->authority_keys);
    buffer_free(&reading->relationship.headers);
    free(reading->numbers);
    secret_free(reading->key);
    store_close(reading->store);
    free(reading);
}

static int reading_match(struct bytes list, const uint8_t digest[32], const char *what,
                         struct aceso_error *error)
{
    uint8_t found[32];

    keccak256(list, found);
    if (memcmp(found, digest, 32) != 0)
        return error_set(error, ACESO_EVERIFY, what, "not what the chain holds");
    return ACESO_OK;
}

static int reading_authorities(struct reading *reading, struct aceso_error *error)
{
    for (size_t row = 0; row < aceso_abe_policy_rows(reading->policy); row++) {
        char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];
        const char *label;
        size_t at = 0;
        int code = keyring_abe_error(
            aceso_abe_policy_attribute(reading->policy, row, attribute), "policy", error);

        if (code)
            return code;
        label = strchr(attribute, '@') + 1;
        while (at < reading->authorities && strcmp(reading->authority[at], label) != 0)
            at++;
        if (at == reading->authorities && at < READING_AUTHORITIES_MAX)
            (void)snprintf(reading->authority[reading->authorities++], AUTHORITY_LABEL_MAX + 1,
                           "%s", label);
    }
    return ACESO_OK;
}

/* What the hospital keeps for readers, each piece held against its digest on the chain. */
static int reading_ask(struct reading *reading, struct aceso_error *error)
{
    struct http_peer peer = { .role = "hospital" };
    struct buffer body = BUFFER_INIT(READING_LIST_MAX * 4);
    const char *policy = NULL;
    const yyjson_val *root;
    char path[96] = "/v1/relationships/0x";
    const struct node_call call = {
        .shown = node_shown(reading->node, reading->hospital.card.id),
        .peer = &peer,
        .base = reading->hospital.card.url,
        .method = "GET",
        .path = path,
    };
    int code;

    memcpy(peer.address, reading->hospital.key, 20);
    text_hex(reading->relationship.patient, 20, path + strlen(path));
    code = node_send(reading->node, &call, &body, error);
    if (!code)
        code = json_parse(buffer_bytes(&body), &reading->answer, error);
    root = yyjson_doc_get_root(reading->answer);
    if (!code)
        code = json_base64(root, "patient_keys", &reading->patient_keys, error);
    if (!code)
        code = json_base64(root, "authority_keys", &reading->authority_keys, error);
    if (!code)
        code = json_string(root, "policy", &policy, error);
    if (!code)
        code = reading_match(buffer_bytes(&reading->patient_keys),
                             reading->relationship.patient_keys_digest, "patient keys", error);
    if (!code)
        code = reading_match(buffer_bytes(&reading->authority_keys),
                             reading->relationship.authority_keys_digest, "authority keys", error);
    if (!code)
        code = reading_match(bytes_of_string(policy), reading->relationship.policy_digest,
                             "policy", error);
    if (!code)
        code = reading_match(buffer_bytes(&reading->relationship.headers),
                             reading->relationship.headers_digest, "headers", error);
    if (!code)
        code = policy_parse(policy, &reading->policy, error);
    if (!code)
        code = reading_authorities(reading, error);
    buffer_free(&body);
    return code;
}

int reading_open(struct node *node, const struct ledger_hospital *hospital,
                 const uint8_t patient[20], struct reading **out, struct aceso_error *error)
{
    struct reading *reading = calloc(1, sizeof *reading);
    size_t signatures;
    int code;

    if (!reading)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    reading->node = node;
    reading->hospital = *hospital;
    reading->relationship = (struct ledger_relationship)LEDGER_RELATIONSHIP_INIT;
    reading->patient_keys = (struct buffer)BUFFER_INIT(READING_LIST_MAX);
    reading->authority_keys = (struct buffer)BUFFER_INIT(READING_LIST_MAX);
    reading->key = secret_alloc(RECORD_KEY_SIZE);
    code = reading->key ? node_store(node, &reading->store, error)
                        : error_set(error, ACESO_EMEMORY, NULL, "no locked memory");
    if (!code)
        code = ledger_relationship(reading->store, hospital->card.id, patient,
                                   &reading->relationship, error);
    if (!code)
        code = ledger_batch_last(reading->store, reading->relationship.contract,
                                 &reading->last_batch, error);
    if (!code)
        code = reading_ask(reading, error);
    if (!code) {
        reading->context = node_context(node, reading->relationship.contract, patient,
                                        hospital->card.address);
        signatures = yyjson_arr_size(
            yyjson_obj_get(yyjson_doc_get_root(reading->answer), "batches"));
        if (signatures < reading->last_batch)
            code = error_set(error, ACESO_EBUSY, NULL,
                             "the hospital does not serve the newest batch yet");
    }
    if (code)
        reading_close(reading);
    else
        *out = reading;
    return code;
}

int reading_add_publics(const struct reading *reading, struct keyring *keyring,
                        struct aceso_error *error)
{
    int code = keyring_add_list(keyring, buffer_bytes(&reading->patient_keys), error);

    if (!code)
        code = keyring_add_list(keyring, buffer_bytes(&reading->authority_keys), error);
    return code;
}

struct record_epoch reading_epoch(const struct reading *reading)
{
    return reading->relationship.epoch;
}

const char *reading_authority(const struct reading *reading, size_t at)
{
    return at < reading->authorities ? reading->authority[at] : NULL;
}

int reading_unlock(struct reading *reading, unsigned level, const struct keyring *keyring,
                   struct aceso_error *error)
{
    struct ladder keys;
    int code = header_open(buffer_bytes(&reading->relationship.headers), &reading->context, level,
                           keyring, &keys, error);

    if (code)
        return code;
    memcpy(reading->key, keys.key[level - 1], RECORD_KEY_SIZE);
    reading->level = level;
    ladder_wipe(&keys);
    return ACESO_OK;
}

/* The patient's signature of batch `number`, as the hospital has it. */
static int reading_signature(const struct reading *reading, uint64_t number,
                             uint8_t signature[65], struct aceso_error *error)
{
    yyjson_val *batches = yyjson_obj_get(yyjson_doc_get_root(reading->answer), "batches");
    yyjson_val *entry;
    size_t at, count;

    yyjson_arr_foreach(batches, at, count, entry)
    {
        if (json_u64_or(entry, "number", 0) == number)
            return json_hex(entry, "signature", signature, 65, error);
    }
    return error_set(error, ACESO_EVERIFY, "batch", "the hospital has no signature of the patient");
}

/* Puts a batch into the export's proof and remembers its number there. */
static int reading_export_batch(struct reading *reading, const struct proof_batch *batch,
                                struct aceso_error *error)
{
    struct reading_number *numbers = realloc(reading->numbers,
                                             (reading->number_count + 1) * sizeof *numbers);

    if (!numbers)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    reading->numbers = numbers;
    numbers += reading->number_count++;
    numbers->batch = batch->batch.number;
    return export_add_batch(reading->export, batch, &numbers->exported, error);
}

/* A batch counts when the chain has it and the patient signed exactly it. */
static int reading_batch(void *data, uint64_t number, struct record_batch *batch,
                         struct aceso_error *error)
{
    struct reading *reading = data;
    struct eip712_domain domain = node_domain(reading->node, reading->relationship.contract);
    struct proof_batch proof = { .relationship = reading->exported };
    struct hpsc_batch message;
    uint8_t digest[32];
    int code = ledger_batch(reading->store, reading->relationship.contract, number, &proof.batch,
                            error);

    if (code)
        return code;
    message.number = proof.batch.number;
    message.records = proof.batch.records;
    message.leaves = proof.batch.leaves;
    memcpy(message.root, proof.batch.root, 32);
    memcpy(message.previous_root, proof.batch.previous_root, 32);
    hpsc_batch_digest(&domain, &message, digest);
    code = reading_signature(reading, number, proof.signature, error);
    if (!code)
        code = eip712_verify(digest, proof.signature, reading->relationship.patient, error);
    if (!code)
        code = reading_export_batch(reading, &proof, error);
    if (!code)
        *batch = proof.batch;
    return code;
}

static int reading_opened(void *data, const struct record_opened *record,
                          struct aceso_error *error)
{
    const struct reading *reading = data;
    size_t at = reading->number_count;

    while (at-- > 0 && reading->numbers[at].batch != record->batch)
        ;
    return export_add_record(reading->export, reading->numbers[at].exported, record, error);
}

static int reading_row(void *data, const struct record_row *row, struct aceso_error *error)
{
    struct reading *reading = data;

    if (reading->skip_above && row->level > reading->level)
        return ACESO_OK;
    return record_reader_add(reading->records, row, error);
}

int reading_begin(struct reading *reading, struct export *export, bool skip_above,
                  struct aceso_error *error)
{
    const struct record_reader_config config = {
        .context = reading->context,
        .level = (uint8_t)reading->level,
        .first_batch = reading->last_batch ? 1 : 0,
        .last_batch = reading->last_batch,
        .empty = true,
        .batch = reading_batch,
        .opened = reading_opened,
        .data = reading,
    };
    struct proof_relationship relationship = { .hospital = reading->hospital.card.id,
                                               .context = reading->context,
                                               .level = (uint8_t)reading->level };
    int code;

    reading->export = export;
    reading->skip_above = skip_above;
    if (!reading->last_batch)
        return error_set(error, ACESO_ENOTFOUND, NULL, "there is no signed record yet");
    memcpy(relationship.consortium, node_network(reading->node)->amsc, 20);
    code = record_reader_create(&config, &reading->records, error);
    if (!code)
        code = record_reader_add_key(reading->records, reading->relationship.epoch, reading->key,
                                     error);
    if (!code)
        code = row_reader_create(reading_row, reading, &reading->rows, error);
    if (!code)
        code = export_add_relationship(export, &relationship, &reading->exported, error);
    return code;
}

int reading_feed(struct reading *reading, struct bytes bytes, struct aceso_error *error)
{
    return row_reader_feed(reading->rows, bytes, error);
}

int reading_finish(struct reading *reading, struct aceso_error *error)
{
    struct record_reader_totals totals;
    int code = row_reader_finish(reading->rows, NULL, error);

    return code ? code : record_reader_finish(reading->records, &totals, error);
}

static int reading_receive(void *data, struct bytes bytes, struct aceso_error *error)
{
    return reading_feed(data, bytes, error);
}

int reading_fetch(struct reading *reading, const char *method, const char *path,
                  struct bytes body, struct export *export, struct aceso_error *error)
{
    const struct node_tls *shown = node_shown(reading->node, reading->hospital.card.id);
    struct http_client_options options = { .roots_pem = buffer_bytes(&reading->node->roots) };
    struct http_peer peer = { .role = "hospital" };
    char url[CONFIG_URL_SIZE + 96];
    struct http_call call = { .method = method, .url = url, .body = body, .peer = &peer,
                              .body_max = SIZE_MAX / 2, .total_ms = 24u * 3600 * 1000,
                              .stall_ms = READING_STALL_MS, .receive = reading_receive,
                              .receive_data = reading };
    struct http_client *client = NULL;
    int code = reading_begin(reading, export, false, error);

    memcpy(peer.address, reading->hospital.key, 20);
    (void)snprintf(url, sizeof url, "%s%s", reading->hospital.card.url, path);
    if (!code && !shown)
        code = error_set(error, ACESO_ESTATE, NULL, "this node was not admitted there yet");
    if (!code) {
        options.chain_pem = buffer_bytes(&shown->chain);
        options.key_pem = buffer_bytes(&shown->key);
    }
    if (!code)
        code = http_client_create(&options, &client, error);
    if (!code)
        code = node_note_call(reading->node, &peer, http_call(client, &call, NULL, error));
    if (!code)
        code = reading_finish(reading, error);
    http_client_destroy(client);
    return code;
}
