/* SPDX-License-Identifier: Apache-2.0 */
/* The data gateway: runs a query only if its digest is live on the chain for who shows it, on the
 * documented view, behind SQLite's authorizer and with limits; and cuts a transfer once the consent
 * under it has ended. A patient reads the own parts without asking the chain. */
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "chain/arsc.h"
#include "chain/hisc.h"
#include "crypto/keccak.h"
#include "hospital/cloud.h"
#include "hospital/internal.h"
#include "node/frame.h"
#include "record/part_gather.h"
#include "record/row.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATEWAY_STATEMENT_COLUMNS 7
#define GATEWAY_TIME_MS 600000 /* inside SQLite, for one transfer */
#define GATEWAY_PATIENCE_MS 10000 /* with a cloud that does not answer */

/* One transfer: a query that is stepped as the receiver takes what it yields. What of it is in the
 * cloud is fetched a batch ahead. */
struct transfer {
    struct node *node;
    struct store *store;
    struct store_reader *reader;
    struct statement *query;
    struct records *records;
    struct cloud_access cloud;
    struct part_gather *gather;
    struct buffer waiting; /* whole rows; handed over up to `at` */
    size_t at;
    uint8_t patient[20];
    unsigned level;
    bool bound;        /* to a consent, below */
    uint8_t request[32];
    uint64_t until;
    bool owner;        /* it goes to the hospital itself, which may know everything */
    bool stepped_out;  /* the query yields no more */
    bool ready;        /* what was gathered is to be filled or taken */
    bool ended;
    int64_t away_ms;   /* since when the cloud does not answer; 0: it does */
    uint64_t rows;
};

static void transfer_free(void *state)
{
    struct transfer *transfer = state;

    statement_finish(transfer->query);
    store_close_reader(transfer->reader);
    part_gather_free(transfer->gather);
    cloud_access_close(&transfer->cloud);
    records_close(transfer->records);
    store_close(transfer->store);
    buffer_free(&transfer->waiting);
    free(transfer);
}

/* Consent, credential and hospital as the ledger knows them: what ends one of them cuts here as
 * soon as its block was seen. */
static int transfer_check(struct transfer *transfer, struct aceso_error *error)
{
    struct ledger_request request = LEDGER_REQUEST_INIT;
    struct ledger_credential credential;
    struct ledger_hospital hospital;
    uint64_t now = (uint64_t)time_now();
    int code;

    if (!transfer->bound)
        return ACESO_OK;
    code = ledger_request(transfer->store, transfer->request, &request, error);
    if (!code && (request.status != LEDGER_APPROVED || now >= request.until))
        code = error_set(error, ACESO_EDENIED, NULL, "the consent has ended");
    if (!code)
        code = ledger_credential(transfer->store, request.institute, &credential, error);
    if (!code && now >= credential.expiry)
        code = error_set(error, ACESO_EDENIED, NULL, "the credential holds no more");
    if (!code)
        code = ledger_hospital_by_id(transfer->store, request.hospital, &hospital, error);
    if (!code && hospital.suspended)
        code = error_set(error, ACESO_EDENIED, NULL, "the hospital is suspended");
    ledger_request_free(&request);
    return code;
}

static int transfer_row(struct transfer *transfer, struct aceso_error *error)
{
    struct record_row row = { .version = (uint32_t)statement_int(transfer->query, 2),
                              .level = (uint8_t)statement_int(transfer->query, 3),
                              .epoch = record_epoch_of(statement_int(transfer->query, 4)),
                              .sealed = statement_blob(transfer->query, 5),
                              .proof = statement_blob(transfer->query, 6) };
    int code = statement_copy(transfer->query, 0, row.patient, 20);

    if (!code)
        code = statement_copy(transfer->query, 1, row.record, RECORD_ID_SIZE);
    if (code)
        return error_set(error, code, NULL, "the query does not yield rows of parts");
    /* The text of the query is the hospital's own; this holds even if it is not. */
    if (memcmp(row.patient, transfer->patient, 20) != 0 ||
        statement_int(transfer->query, 3) > transfer->level)
        return error_set(error, ACESO_EDENIED, NULL, "the query reaches beyond the consent");
    return part_gather_add(transfer->gather, &row, error);
}

static int transfer_gather(struct transfer *transfer, struct aceso_error *error)
{
    int step = 1, code = ACESO_OK;

    while (!code && step == 1 && !part_gather_full(transfer->gather)) {
        step = statement_step(transfer->query, error);
        if (step == 1)
            code = transfer_row(transfer, error);
    }
    transfer->stepped_out = step == 0;
    transfer->ready = !code && step >= 0;
    return code ? code : step < 0 ? step : ACESO_OK;
}

/* The store failed. A stranger is told which kind of failure it was, and nothing about the record;
 * what it was stands in the hospital's log and status. */
static int transfer_break(struct transfer *transfer, int code, const struct away_record *bad,
                          const struct aceso_error *error)
{
    if (code == ACESO_EVERIFY && bad->version)
        cloud_log_fault(bad);
    else
        log_warning("a transfer breaks off: %s", error ? error->text : error_name(code));
    if (transfer->owner)
        return code;
    transfer->ended = true;
    return row_put_break(code == ACESO_EVERIFY ? ROW_BREAK_DAMAGED : ROW_BREAK_AWAY,
                         &transfer->waiting);
}

/* Fills what was gathered; while the cloud does not answer it is asked again for a while, and
 * nothing is handed over meanwhile. */
static int transfer_fill(struct transfer *transfer, bool *later, struct aceso_error *error)
{
    struct away_record bad = { .version = 0 };
    int64_t now;
    int code = part_gather_fill(transfer->gather, &bad, error);

    if (!cloud_may_pass(code)) {
        transfer->away_ms = 0;
        return code == ACESO_EVERIFY || code == ACESO_EFORMAT
                   ? transfer_break(transfer, ACESO_EVERIFY, &bad, error)
                   : code;
    }
    now = time_monotonic_ms();
    if (!transfer->away_ms)
        transfer->away_ms = now;
    *later = now - transfer->away_ms < GATEWAY_PATIENCE_MS;
    return *later ? ACESO_OK : transfer_break(transfer, code, &bad, error);
}

/* The next whole row, or the end, into `waiting`; nothing where it is to be asked again later. */
static int transfer_advance(struct transfer *transfer, bool *later, struct aceso_error *error)
{
    struct record_row row;
    int code = ACESO_OK;

    buffer_clear(&transfer->waiting);
    transfer->at = 0;
    while (!code && !*later && !transfer->ended && transfer->waiting.len == 0) {
        if (transfer->ready && part_gather_take(transfer->gather, &row)) {
            transfer->rows++;
            code = row_put(&row, &transfer->waiting);
            continue;
        }
        if (transfer->ready && !part_gather_empty(transfer->gather)) {
            code = transfer_fill(transfer, later, error);
            continue;
        }
        transfer->ready = false;
        if (!transfer->stepped_out) {
            code = transfer_gather(transfer, error);
        } else {
            transfer->ended = true;
            code = row_put_end(transfer->rows, &transfer->waiting);
        }
    }
    return code;
}

static int transfer_next(void *state, struct buffer *chunk, bool *end, struct aceso_error *error)
{
    struct transfer *transfer = state;
    int code = transfer_check(transfer, error);
    bool later = false;

    while (!code && !later && !*end && chunk->len < HTTP_CHUNK_SIZE) {
        size_t left = transfer->waiting.len - transfer->at, room = HTTP_CHUNK_SIZE - chunk->len;

        if (left == 0 && transfer->ended) {
            *end = true;
        } else if (left == 0) {
            code = transfer_advance(transfer, &later, error);
        } else {
            left = left < room ? left : room;
            code = buffer_put(chunk, transfer->waiting.data + transfer->at, left);
            transfer->at += left;
        }
    }
    return code;
}

/* The connections that a transfer needs, each its own. */
static int transfer_connect(struct transfer *transfer, struct aceso_error *error)
{
    struct node *node = transfer->node;
    char path[PATH_MAX];
    int code = node_path(node, "records.db", path, sizeof path, error);

    if (!code)
        code = node_store(node, &transfer->store, error);
    if (!code)
        code = hospital_records(node, &transfer->records, error);
    if (!code)
        code = cloud_access_open(node, transfer->store, &transfer->cloud, error);
    if (!code)
        code = part_gather_create(transfer->records, transfer->cloud.store, transfer->cloud.keys,
                                  &transfer->gather, error);
    if (!code)
        code = store_open_reader(path, &transfer->reader, error);
    return code;
}

static int transfer_open(struct node *node, struct bytes sql, const uint8_t patient[20],
                         unsigned level, struct transfer **out, struct aceso_error *error)
{
    const struct store_limits limits = { .time_ms = GATEWAY_TIME_MS, .rows = 8000000,
                                         .value_bytes = (size_t)64 << 20 };
    struct transfer *transfer = calloc(1, sizeof *transfer);
    int code;

    if (!transfer)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    transfer->node = node;
    transfer->level = level;
    memcpy(transfer->patient, patient, 20);
    transfer->waiting = (struct buffer)BUFFER_INIT(ROW_MAX + 64);
    code = row_put_start(&transfer->waiting);
    if (!code)
        code = transfer_connect(transfer, error);
    if (!code)
        code = store_query_open(transfer->reader, sql, RECORDS_VIEW, &limits, &transfer->query,
                                error);
    if (!code && statement_columns(transfer->query) != GATEWAY_STATEMENT_COLUMNS)
        code = error_set(error, ACESO_EUSAGE, NULL, "the query does not select the seven columns");
    if (code)
        transfer_free(transfer);
    else
        *out = transfer;
    return code;
}

static void transfer_serve(struct transfer *transfer, struct http_stream *stream)
{
    *stream = (struct http_stream){ .next = transfer_next, .free = transfer_free,
                                    .state = transfer };
}

/* ---- an institute's query ---------------------------------------------------------------- */

/* Asks the contracts, in the newest block, whether this access string may be run now by this
 * caller; fills `request` with the consent it was made for. */
static int gateway_admit(struct node *node, struct store *store,
                         const struct x509_identity *caller, struct bytes access,
                         struct ledger_request *request, struct aceso_error *error)
{
    struct contract amsc = node_amsc(node), arsc = node_arsc(node), hisc;
    struct ledger_credential credential;
    uint8_t pair[20], digest[32], id[32];
    bool live = false, open = false;
    int code;

    keccak256(access, digest);
    code = ledger_credential(store, caller->address, &credential, NULL);
    if (code || memcmp(credential.tls_key_digest, caller->spki_sha256, 32) != 0)
        return error_set(error, ACESO_EDENIED, NULL, "no credential for this TLS key");
    if (ledger_pair(store, node->config.hospital.id, caller->address, pair, NULL))
        return error_set(error, ACESO_EDENIED, NULL, "nothing was approved for this institute");
    hisc = contract_at(node->rpc, pair);
    code = hisc_is_live(&hisc, digest, &live, error);
    if (!code && !live)
        code = error_set(error, ACESO_EDENIED, NULL,
                         "this access string is not live on the chain");
    if (!code)
        code = hisc_request_of(&hisc, digest, id, error);
    if (!code)
        code = arsc_consent_live(&arsc, id, &live, error);
    if (!code)
        code = amsc_is_open(&amsc, node->config.hospital.id, caller->address, HOSPITAL_DATABASE,
                            &open, error);
    if (!code && (!live || !open))
        code = error_set(error, ACESO_EDENIED, NULL, "the consent or the whitelist entry is gone");
    if (!code)
        code = ledger_request(store, id, request, error);
    return code;
}

int gateway_serve_query(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    const struct x509_identity *caller = node_caller(request);
    struct ledger_request consent = LEDGER_REQUEST_INIT;
    struct transfer *transfer = NULL;
    struct store *store = NULL;
    yyjson_doc *doc = NULL;
    const char *query = NULL;
    char institute[41];
    int code = node_catch_up(node, error); /* the contracts and the ledger must tell one story */

    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = gateway_admit(node, store, caller, request->body, &consent, error);
    store_close(store);
    if (!code)
        code = node_read_json(request, &doc, error);
    if (!code)
        code = json_string(yyjson_doc_get_root(doc), "query", &query, error);
    if (!code)
        code = transfer_open(node, bytes_of_string(query), consent.patient, consent.granted,
                             &transfer, error);
    if (!code) {
        text_hex(caller->address, 20, institute);
        log_info("a transfer to 0x%s begins", institute);
        transfer->bound = true;
        memcpy(transfer->request, consent.id, 32);
        response->content_type = ROW_MEDIA_TYPE;
        transfer_serve(transfer, &response->stream);
    }
    ledger_request_free(&consent);
    yyjson_doc_free(doc);
    return code;
}

/* ---- the patient's own reading, the hospital's backup ------------------------------------ */

static int gateway_open_all(struct node *node, const uint8_t patient[20], bool owner,
                            struct http_stream *stream, struct aceso_error *error)
{
    struct buffer sql = BUFFER_INIT(4096);
    struct transfer *transfer = NULL;
    int code = records_query(patient, RECORD_LEVELS, &sql);

    if (!code)
        code = transfer_open(node, buffer_bytes(&sql), patient, RECORD_LEVELS, &transfer, error);
    if (!code) {
        transfer->owner = owner;
        transfer_serve(transfer, stream);
    }
    buffer_free(&sql);
    return code;
}

int gateway_serve_own(void *context, const struct http_request *request,
                      struct http_response *response, struct aceso_error *error)
{
    uint8_t patient[20];
    int code = hospital_caller(context, request, "patient", patient, error);

    response->content_type = ROW_MEDIA_TYPE;
    return code ? code : gateway_open_all(context, patient, false, &response->stream, error);
}

int gateway_backup(struct node *node, const yyjson_val *input, struct http_stream *stream,
                   struct aceso_error *error)
{
    uint8_t patient[20];
    int code = hospital_input_hex(input, "patient", patient, 20, error);

    if (!code)
        code = gateway_open_all(node, patient, true, stream, error);
    return code ? code : frame_stream(stream, error);
}

/* ---- what a reader needs besides: public keys, signatures of batches --------------------- */

static int gateway_put_signatures(struct store *store, const uint8_t patient[20],
                                  struct json_writer *writer, struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT number, signature FROM batch_signature"
                                   " WHERE patient = ?1 AND anchored = 1 ORDER BY number",
                                   &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(patient, 20));
    json_open(writer, "batches", '[');
    while ((step = statement_step(query, error)) == 1) {
        struct bytes signature = statement_blob(query, 1);

        json_open(writer, NULL, '{');
        json_put_u64(writer, "number", (uint64_t)statement_int(query, 0));
        json_put_hex(writer, "signature", signature.data, signature.len);
        json_close(writer, '}');
    }
    json_close(writer, ']');
    statement_finish(query);
    return step < 0 ? step : ACESO_OK;
}

int gateway_serve_relationship(void *context, const struct http_request *request,
                               struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct json_writer writer = json_writer_of(&response->body);
    struct enrolment enrolment;
    struct store *store = NULL;
    uint8_t patient[20];
    int code = ACESO_OK;

    enrolment_init(&enrolment);
    if (text_unhex(http_request_path(request, "patient"), patient, 20))
        code = error_set(error, ACESO_EFORMAT, "patient", "not an address");
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = enrolment_load(node, store, patient, &enrolment, error);
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_base64(&writer, "patient_keys", buffer_bytes(&enrolment.patient_keys));
        json_put_base64(&writer, "authority_keys", buffer_bytes(&enrolment.authority_keys));
        json_put_string(&writer, "policy", buffer_text(&enrolment.policy));
        code = gateway_put_signatures(store, patient, &writer, error);
        json_close(&writer, '}');
    }
    store_close(store);
    enrolment_free(&enrolment);
    return code ? code : response->body.failed;
}
