/* SPDX-License-Identifier: Apache-2.0 */
/* Taking bundles in: a directory in the clear, a patient's records split by level and sealed as one
 * batch, which the patient signs and the chain anchors before anything of it is served. */
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "chain/hpsc.h"
#include "crypto/digest.h"
#include "eth/eip712.h"
#include "fhir/directory.h"
#include "fhir/index.h"
#include "fhir/view.h"
#include "hospital/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct import {
    struct operation *operation;
    struct node *node;
    struct store *store;
    struct records *records;
    const char *path;
    struct fhir_index *index;
    struct enrolment enrolment;
    uint8_t source[32];
    uint8_t pseudonym_secret[32];
    struct record_batch batch;
    uint64_t unresolved;
    uint64_t directory;
    bool known; /* the same bundle was taken in before */
};

/* ---- the directory ----------------------------------------------------------------------- */

struct import_identifier {
    struct import *import;
    const char *id;
    struct aceso_error *error;
};

static int import_put_identifier(void *context, const char *type, const char *system,
                                 const char *value)
{
    struct import_identifier *entry = context;
    struct statement *insert = NULL;
    int code = store_prepare(entry->import->store,
                             "INSERT OR REPLACE INTO directory_identifier (type, system, value, id)"
                             " VALUES (?1, ?2, ?3, ?4)",
                             &insert, entry->error);

    if (code)
        return code;
    statement_bind_text(insert, 1, type);
    statement_bind_text(insert, 2, system);
    statement_bind_text(insert, 3, value);
    statement_bind_text(insert, 4, entry->id);
    return statement_run(insert, entry->error);
}

static int import_directory_entry(struct import *import, const struct fhir_entry *entry,
                                  const struct fhir_summary *summary, struct aceso_error *error)
{
    struct import_identifier identifier = { .import = import, .error = error,
                                            .id = summary->id ? summary->id : "" };
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct statement *insert = NULL;
    int code = fhir_directory_entry(entry, &text, import_put_identifier, &identifier, error);

    if (!code)
        code = store_prepare(import->store,
                             "INSERT OR REPLACE INTO directory (type, id, text)"
                             " VALUES (?1, ?2, ?3)",
                             &insert, error);
    if (!code) {
        statement_bind_text(insert, 1, summary->type);
        statement_bind_text(insert, 2, identifier.id);
        statement_bind_text(insert, 3, buffer_text(&text));
        code = statement_run(insert, error);
        import->directory++;
    }
    buffer_free(&text);
    return code;
}

/* Every entry that belongs to the directory, in one transaction. */
static int import_directory(struct import *import, struct aceso_error *error)
{
    struct fhir_bundle *bundle = NULL;
    struct fhir_entry entry;
    int step = 0, code = fhir_bundle_open(import->path, NULL, &bundle, error);

    if (!code)
        code = store_begin(import->store, error);
    while (!code && (step = fhir_bundle_next(bundle, &entry, error)) == 1) {
        struct fhir_summary summary = fhir_index_summary(import->index, entry.number);

        if (summary.directory)
            code = import_directory_entry(import, &entry, &summary, error);
    }
    if (!code && step < 0)
        code = step;
    if (!code)
        code = store_commit(import->store, error);
    else
        store_rollback(import->store);
    fhir_bundle_close(bundle);
    return code;
}

static int import_lookup(void *context, const struct fhir_conditional *what, char id[65])
{
    struct import *import = context;
    struct statement *query = NULL;
    int found, code = store_prepare(import->store,
                                    "SELECT id FROM directory_identifier WHERE type = ?1"
                                    " AND value = ?3 AND (?2 = '' OR system = ?2) LIMIT 1",
                                    &query, NULL);
    if (code)
        return code;
    statement_bind_text(query, 1, what->type);
    statement_bind_text(query, 2, what->system);
    statement_bind_text(query, 3, what->value);
    found = statement_step(query, NULL);
    if (found == 1)
        (void)snprintf(id, 65, "%s", statement_text(query, 0));
    statement_finish(query);
    return found;
}

/* References stay as written in the records; what they resolve to stands beside. */
static int import_resolved(void *context, const char *reference, const char *id)
{
    struct import *import = context;
    struct statement *insert = NULL;
    int code;

    if (!id) {
        import->unresolved++;
        return 0;
    }
    code = store_prepare(import->store,
                         "INSERT OR REPLACE INTO directory_reference (reference, id)"
                         " VALUES (?1, ?2)",
                         &insert, NULL);
    if (code)
        return code;
    statement_bind_text(insert, 1, reference);
    statement_bind_text(insert, 2, id);
    return statement_run(insert, NULL);
}

/* ---- a patient's records ----------------------------------------------------------------- */

/* The import's name in the database: keyed, so that nobody who has the file can find it there. */
static int import_source(struct import *import, struct aceso_error *error)
{
    gzFile file = gzopen(import->path, "rb");
    uint8_t piece[65536], key[32], digest[32];
    struct digest state;
    int got;

    if (!file)
        return error_set(error, ACESO_EIO, NULL, "the bundle cannot be read");
    digest_init(&state);
    while ((got = gzread(file, piece, sizeof piece)) > 0)
        digest_update(&state, bytes_of(piece, (size_t)got));
    (void)gzclose(file);
    digest_final(&state, digest);
    keys_derive(import->node->keys, "import source", bytes_of(NULL, 0), key);
    hmac_sha256(bytes_of(key, sizeof key), bytes_of(digest, sizeof digest), import->source);
    secret_wipe(key, sizeof key);
    secret_wipe(piece, sizeof piece);
    return got < 0 ? error_set(error, ACESO_EIO, NULL, "the bundle cannot be read") : ACESO_OK;
}

static int import_pseudonym(void *context, struct bytes type, struct bytes id,
                            char out[FHIR_PSEUDONYM_MAX + 1], struct aceso_error *error)
{
    struct import *import = context;
    struct buffer what = BUFFER_INIT(4096);
    uint8_t mac[32];
    int code;

    (void)buffer_put_field(&what, type);
    code = buffer_put_field(&what, id);
    if (!code) {
        hmac_sha256(bytes_of(import->pseudonym_secret, 32), buffer_bytes(&what), mac);
        text_hex(mac, 16, out);
    } else {
        (void)error_set(error, code, NULL, "%s", error_name(code));
    }
    buffer_free(&what);
    return code;
}

static int import_add(struct import *import, struct records_batch *batch,
                      const struct fhir_entry *entry, struct fhir_views *views,
                      struct aceso_error *error)
{
    struct bytes view[RECORD_LEVELS];
    int code = fhir_views(import->index, entry, import_pseudonym, import, views, error);

    for (size_t i = 0; i < RECORD_LEVELS; i++)
        view[i] = views->present[i] ? buffer_bytes(&views->view[i]) : bytes_of(NULL, 0);
    if (!code)
        code = records_batch_add(batch, view, NULL, error);
    return code;
}

static int import_fill(struct import *import, struct records_batch *batch, uint32_t done,
                       struct aceso_error *error)
{
    size_t total = fhir_index_records(import->index), at = 0;
    struct fhir_bundle *bundle = NULL;
    struct fhir_views views;
    struct fhir_entry entry;
    int step = 0, code = fhir_bundle_open(import->path, NULL, &bundle, error);

    fhir_views_init(&views);
    while (!code && (step = fhir_bundle_next(bundle, &entry, error)) == 1) {
        if (fhir_index_summary(import->index, entry.number).directory)
            continue;
        if (at++ >= done)
            code = import_add(import, batch, &entry, &views, error);
        if (at % 64 == 0)
            operation_progress(import->operation, at, total, "records sealed");
        if (!code && operation_stopping(import->operation))
            code = error_set(error, ACESO_ECANCELLED, NULL, "the node stops");
    }
    if (!code && step < 0)
        code = step;
    fhir_views_free(&views);
    fhir_bundle_close(bundle);
    return code;
}

/* Begins the batch or takes it up where it was left. */
static int import_seal(struct import *import, struct aceso_error *error)
{
    struct record_context context = enrolment_context(import->node, &import->enrolment);
    struct records_batch *batch = NULL;
    struct record_epoch epoch;
    struct ladder keys;
    uint32_t done = 0;
    int code = enrolment_open(import->node, import->store, &import->enrolment, &keys, &epoch,
                              import->pseudonym_secret, error);

    if (code)
        return code;
    code = records_batch_begin(import->records, &context, import->source, epoch, &keys, &batch,
                               error);
    if (code == ACESO_EEXISTS)
        code = records_batch_resume(import->records, &context, import->source, epoch, &keys,
                                    &batch, &done, error);
    ladder_wipe(&keys);
    if (!code)
        code = import_fill(import, batch, done, error);
    if (!code)
        code = records_batch_finish(batch, &import->batch, error);
    records_batch_close(batch);
    if (code == ACESO_EFORMAT || code == ACESO_ESTATE || code == ACESO_ELIMIT) {
        /* what is refused leaves nothing behind */
        if (records_batch_drop(import->records, import->enrolment.patient, import->source, NULL))
            log_error("a refused import could not be dropped");
    }
    return code;
}

/* The FHIR Patient.id belongs to one address for good; only a keyed hash of it is kept. */
static int import_claim(struct import *import, struct aceso_error *error)
{
    const char *id = fhir_index_patient(import->index);
    uint8_t key[32], mac[32];
    int code;

    keys_derive(import->node->keys, "patient id", bytes_of(NULL, 0), key);
    hmac_sha256(bytes_of(key, sizeof key), bytes_of_string(id ? id : ""), mac);
    secret_wipe(key, sizeof key);
    code = records_patient_claim(import->records, mac, import->enrolment.patient, error);
    if (code == ACESO_EEXISTS)
        (void)error_set(error, code, NULL,
                        "this bundle's patient is enrolled under another address already");
    return code;
}

static int import_patient(struct import *import, struct aceso_error *error)
{
    enum records_state state = RECORDS_SEALING;
    uint8_t patient[20];
    int code = hospital_input_hex(import->operation->input, "patient", patient, 20, error);

    if (code)
        return error_set(error, code, NULL,
                         "a patient's bundle: say whose it is with --patient ADDRESS");
    code = enrolment_load(import->node, import->store, patient, &import->enrolment, error);
    if (!code)
        code = hospital_records(import->node, &import->records, error);
    if (!code)
        code = import_claim(import, error);
    if (!code)
        code = import_source(import, error);
    if (!code)
        code = fhir_directory_resolve(import->index, import_lookup, import_resolved, import);
    if (!code && records_batch_find(import->records, patient, import->source, &state,
                                    &import->batch, NULL) == ACESO_OK &&
        state != RECORDS_SEALING) {
        import->known = true;
        return ACESO_OK;
    }
    return code ? code : import_seal(import, error);
}

static int import_result(const struct import *import, struct buffer *result)
{
    struct json_writer writer = json_writer_of(result);
    char message[256];

    if (fhir_index_kind(import->index) == FHIR_BUNDLE_DIRECTORY)
        (void)snprintf(message, sizeof message, "%llu directory entries taken in",
                       (unsigned long long)import->directory);
    else
        (void)snprintf(message, sizeof message,
                       "%s: %u records sealed as batch %llu, which waits for the patient's "
                       "signature; %llu references that no directory resolves",
                       import->known ? "taken in before" : "taken in", import->batch.records,
                       (unsigned long long)import->batch.number,
                       (unsigned long long)import->unresolved);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    json_put_string(&writer, "kind",
                    fhir_index_kind(import->index) == FHIR_BUNDLE_DIRECTORY ? "directory"
                                                                            : "patient");
    json_put_u64(&writer, "directory", import->directory);
    json_put_u64(&writer, "records", import->batch.records);
    json_put_u64(&writer, "batch", import->batch.number);
    json_put_u64(&writer, "unresolved", import->unresolved);
    json_close(&writer, '}');
    return result->failed;
}

/* A path that cannot be a bundle fails at once: it is not a trouble that passes. */
static int import_check_path(const char *path, struct aceso_error *error)
{
    struct stat status;

    if (stat(path, &status) != 0 || access(path, R_OK) != 0)
        return error_set(error, ACESO_ENOTFOUND, path, "the file cannot be read");
    if (!S_ISREG(status.st_mode))
        return error_set(error, ACESO_EUSAGE, path, "not a file");
    return ACESO_OK;
}

int import_run(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct import import = { .operation = operation, .node = operation->node };
    int code = json_string(operation->input, "path", &import.path, error);

    enrolment_init(&import.enrolment);
    if (!code)
        code = import_check_path(import.path, error);
    if (!code)
        code = node_store(import.node, &import.store, error);
    if (!code)
        operation_progress(operation, 0, 1, "checking the bundle");
    if (!code)
        code = fhir_index_build(import.path, NULL, &import.index, error);
    if (!code)
        code = import_directory(&import, error);
    if (!code && fhir_index_kind(import.index) == FHIR_BUNDLE_PATIENT)
        code = import_patient(&import, error);
    if (!code)
        code = import_result(&import, result);
    secret_wipe(import.pseudonym_secret, sizeof import.pseudonym_secret);
    enrolment_free(&import.enrolment);
    fhir_index_free(import.index);
    records_close(import.records);
    store_close(import.store);
    return code;
}

/* ---- the patient's signature ------------------------------------------------------------- */

int import_serve_batches(void *context, const struct http_request *request,
                         struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct json_writer writer = json_writer_of(&response->body);
    struct records *records = NULL;
    enum records_state state;
    struct record_batch batch;
    uint64_t sealed = 0, signed_ = 0;
    uint8_t patient[20];
    int code = hospital_caller(context, request, "patient", patient, error);

    if (!code)
        code = hospital_records(node, &records, error);
    if (!code)
        code = records_batch_last(records, patient, &sealed, &signed_, error);
    json_open(&writer, NULL, '{');
    json_open(&writer, "batches", '[');
    for (uint64_t number = signed_ + 1; !code && number <= sealed; number++) {
        code = records_batch_get(records, patient, number, &state, &batch, error);
        if (code)
            break;
        json_open(&writer, NULL, '{');
        json_put_u64(&writer, "number", batch.number);
        json_put_hex(&writer, "previous_root", batch.previous_root, 32);
        json_put_hex(&writer, "root", batch.root, 32);
        json_put_u64(&writer, "records", batch.records);
        json_put_u64(&writer, "leaves", batch.leaves);
        json_close(&writer, '}');
    }
    json_close(&writer, ']');
    json_close(&writer, '}');
    records_close(records);
    return code ? code : response->body.failed;
}

static void import_batch_message(const struct record_batch *batch, struct hpsc_batch *out)
{
    out->number = batch->number;
    memcpy(out->previous_root, batch->previous_root, 32);
    memcpy(out->root, batch->root, 32);
    out->records = batch->records;
    out->leaves = batch->leaves;
}

static int import_keep_signature(struct store *store, const uint8_t patient[20], uint64_t number,
                                 const uint8_t signature[65], struct aceso_error *error)
{
    struct statement *insert = NULL;
    int code = store_prepare(store,
                             "INSERT OR REPLACE INTO batch_signature (patient, number, signature)"
                             " VALUES (?1, ?2, ?3)",
                             &insert, error);

    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(patient, 20));
    statement_bind_int(insert, 2, (int64_t)number);
    statement_bind_blob(insert, 3, bytes_of(signature, 65));
    return statement_run(insert, error);
}

/* The signature and the transaction that carries it are stored together. */
static int import_anchor(struct node *node, const uint8_t patient[20], const uint8_t contract[20],
                         const struct record_batch *batch, const uint8_t signature[65],
                         struct aceso_error *error)
{
    struct eip712_domain domain = node_domain(node, contract);
    struct buffer call = BUFFER_INIT(4096);
    struct store *store = NULL;
    struct hpsc_batch message;
    uint8_t digest[32];
    char key[OUTBOX_KEY_MAX], address[41];
    int code;

    import_batch_message(batch, &message);
    hpsc_batch_digest(&domain, &message, digest);
    code = eip712_verify(digest, signature, patient, error);
    if (!code)
        code = hpsc_call_anchor_batch(&message, signature, &call, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = store_begin(store, error);
    if (!code) {
        const struct outbox_message transaction = { .to = contract, .data = buffer_bytes(&call) };

        text_hex(patient, 20, address);
        (void)snprintf(key, sizeof key, "batch-%s-%llu", address,
                       (unsigned long long)batch->number);
        code = import_keep_signature(store, patient, batch->number, signature, error);
        if (!code)
            code = outbox_add(store, key, &transaction, error);
        if (!code)
            code = store_commit(store, error);
        else
            store_rollback(store);
    }
    store_close(store);
    buffer_free(&call);
    return code;
}

int import_serve_signature(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct records *records = NULL;
    struct enrolment enrolment;
    enum records_state state;
    struct record_batch batch;
    struct store *store = NULL;
    yyjson_doc *doc = NULL;
    uint8_t patient[20], signature[65];
    uint64_t number = 0;
    int code = hospital_caller(context, request, "patient", patient, error);

    enrolment_init(&enrolment);
    if (!code && text_u64(http_request_path(request, "number"), INT64_MAX, &number))
        code = error_set(error, ACESO_EFORMAT, "number", "not a batch's number");
    if (!code)
        code = node_read_json(request, &doc, error);
    if (!code)
        code = json_hex(yyjson_doc_get_root(doc), "signature", signature, 65, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = enrolment_load(node, store, patient, &enrolment, error);
    store_close(store);
    if (!code)
        code = hospital_records(node, &records, error);
    if (!code)
        code = records_batch_get(records, patient, number, &state, &batch, error);
    if (!code)
        code = import_anchor(node, patient, enrolment.contract, &batch, signature, error);
    if (!code) {
        response->status = 202;
        code = buffer_put_string(&response->body, "{}");
    }
    records_close(records);
    yyjson_doc_free(doc);
    enrolment_free(&enrolment);
    return code;
}

static int import_mark(struct node *node, struct store *store, struct records *records,
                       const uint8_t patient[20], uint64_t number, struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    struct record_batch batch;
    struct statement *update = NULL;
    int code = ledger_relationship(store, node->config.hospital.id, patient, &relationship, error);

    if (!code)
        code = ledger_batch(store, relationship.contract, number, &batch, error);
    buffer_free(&relationship.headers);
    if (!code)
        code = records_batch_sign(records, patient, number, batch.root, error);
    if (!code)
        code = store_prepare(store,
                             "UPDATE batch_signature SET anchored = 1"
                             " WHERE patient = ?1 AND number = ?2",
                             &update, error);
    if (!code) {
        statement_bind_blob(update, 1, bytes_of(patient, 20));
        statement_bind_int(update, 2, (int64_t)number);
        code = statement_run(update, error);
        log_info("batch %llu is anchored and served from now on", (unsigned long long)number);
    }
    return code;
}

int import_tick(struct node *node, struct store *store, struct aceso_error *error)
{
    struct records *records = NULL;
    struct statement *query = NULL;
    uint8_t patient[64][20];
    uint64_t number[64];
    size_t count = 0;
    int step = 0, code = store_prepare(store,
                                       "SELECT patient, number FROM batch_signature"
                                       " WHERE anchored = 0 ORDER BY patient, number LIMIT 64",
                                       &query, error);

    while (!code && count < 64 && (step = statement_step(query, error)) == 1) {
        code = statement_copy(query, 0, patient[count], 20);
        number[count++] = (uint64_t)statement_int(query, 1);
    }
    statement_finish(query);
    if (code || step < 0 || count == 0)
        return code ? code : step < 0 ? step : ACESO_OK;
    code = hospital_records(node, &records, error);
    for (size_t i = 0; i < count && !code; i++) {
        code = import_mark(node, store, records, patient[i], number[i], error);
        if (code == ACESO_ENOTFOUND) /* not on the chain yet */
            code = ACESO_OK;
    }
    records_close(records);
    return code;
}
