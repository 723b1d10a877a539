/* SPDX-License-Identifier: Apache-2.0 */
/* The institute's role: asks, collects its keys, fetches, opens and checks what a consent allows.
 * Nothing that was opened is kept: it streams to the owner. Uses node. */
#include "institute/institute.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "chain/arsc.h"
#include "consent/sealing.h"
#include "consent/vocabulary.h"
#include "node/chain_thread.h"
#include "node/credential.h"
#include "node/ledger.h"
#include "node/obtain.h"
#include "node/reading.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTITUTE_REQUEST_SECONDS ((uint64_t)14 * 86400) /* how long a request may wait */
#define INSTITUTE_TERM "30d"
#define INSTITUTE_WAIT_MS 60000
#define INSTITUTE_TURN_MS 100

static const char institute_schema[] =
    "CREATE TABLE asked (operation TEXT PRIMARY KEY, number INTEGER NOT NULL,"
    " deadline INTEGER NOT NULL);";

/* ---- asking ------------------------------------------------------------------------------ */

/* Number and deadline make the request's id: drawn once for each operation, so that asking again
 * after a crash asks for the same thing. */
static int asking_identity(struct operation *operation, struct store *store, struct arsc_ask *ask,
                           struct aceso_error *error)
{
    struct statement *insert = NULL, *query = NULL;
    int step, code = store_prepare(store,
                                   "INSERT INTO asked (operation, number, deadline)"
                                   " SELECT ?1, (SELECT count(*) FROM asked) % 65536, ?2"
                                   " WHERE true ON CONFLICT (operation) DO NOTHING",
                                   &insert, error);
    if (code)
        return code;
    statement_bind_text(insert, 1, operation->id);
    statement_bind_int(insert, 2, time_now() + (int64_t)INSTITUTE_REQUEST_SECONDS);
    code = statement_run(insert, error);
    if (!code)
        code = store_prepare(store, "SELECT number, deadline FROM asked WHERE operation = ?1",
                             &query, error);
    if (code)
        return code;
    statement_bind_text(query, 1, operation->id);
    step = statement_step(query, error);
    if (step == 1) {
        ask->number = (uint16_t)statement_int(query, 0);
        ask->deadline = (uint64_t)statement_int(query, 1);
    }
    statement_finish(query);
    return step == 1 ? ACESO_OK : step < 0 ? step : ACESO_EINTERNAL;
}

static int asking_read(const yyjson_val *input, struct store *store, struct arsc_ask *ask,
                       struct aceso_error *error)
{
    const char *hospital = NULL, *purpose = NULL, *level = NULL;
    const char *term = json_string_or(input, "term", INSTITUTE_TERM);
    struct ledger_hospital found;
    unsigned purpose_code = 0, level_code = 0;
    int code = json_string(input, "hospital", &hospital, error);

    if (!code)
        code = ledger_hospital_by_label(store, hospital, &found, error);
    if (!code)
        code = json_hex(input, "patient", ask->patient, 20, error);
    if (!code)
        code = json_string(input, "purpose", &purpose, error);
    if (!code)
        code = purpose_parse(purpose, &purpose_code, error);
    if (!code)
        code = json_string(input, "level", &level, error);
    if (!code)
        code = level_parse(level, &level_code, error);
    if (!code)
        code = term_parse(term, &ask->term, error);
    if (code)
        return code;
    ask->hospital = found.card.id;
    ask->purpose = (uint8_t)purpose_code;
    ask->level = (uint8_t)level_code;
    return ACESO_OK;
}

/* The credential is shown on first contact, or when the owner names one. */
static int asking_credential(struct node *node, const yyjson_val *input, struct store *store,
                             struct credential *credential, bool *show, struct aceso_error *error)
{
    const char *given = json_string_or(input, "credential", NULL);
    struct ledger_credential accepted;
    int code;

    *show = true;
    if (given)
        return credential_parse(bytes_of_string(given), credential, error);
    code = credential_load(node->directory, credential, error);
    if (!code && ledger_credential(store, node->config.address, &accepted, NULL) == ACESO_OK &&
        accepted.serial == credential->content.serial)
        *show = false;
    return code;
}

static int asking_result(const struct arsc_ask *ask, const uint8_t id[32],
                         const struct outbox_result *mined, struct buffer *result)
{
    struct json_writer writer = json_writer_of(result);
    char message[192], hex[65];

    text_hex(id, 32, hex);
    (void)snprintf(message, sizeof message, "asked for level %s; the request is 0x%s",
                   level_name(ask->level), hex);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    json_put_hex(&writer, "request", id, 32);
    node_put_transaction(&writer, mined);
    json_close(&writer, '}');
    return result->failed;
}

static int institute_request(struct operation *operation, struct buffer *result,
                             struct aceso_error *error)
{
    struct node *node = operation->node;
    struct buffer call = BUFFER_INIT(65536);
    struct outbox_result mined = { 0 };
    struct arsc_ask ask = { .number = 0 };
    struct credential credential;
    struct store *store = NULL;
    uint8_t id[32];
    char key[OPERATION_ID_SIZE + 16];
    bool show = false;
    int code = node_store(node, &store, error);

    if (!code)
        code = asking_read(operation->input, store, &ask, error);
    if (!code)
        code = asking_identity(operation, store, &ask, error);
    if (!code)
        code = asking_credential(node, operation->input, store, &credential, &show, error);
    store_close(store);
    if (!code)
        code = arsc_call_request(&ask, show ? &credential.content : NULL,
                                 show ? credential.signature : NULL, &call, error);
    (void)snprintf(key, sizeof key, "request-%s", operation->id);
    if (!code)
        code = node_transact(node, key, node->config.network.arsc, buffer_bytes(&call), &mined,
                             error);
    if (!code) {
        arsc_request_id(node->config.address, &ask, id);
        code = asking_result(&ask, id, &mined, result);
    }
    buffer_free(&call);
    return code;
}

/* ---- fetching ---------------------------------------------------------------------------- */

struct fetching {
    struct node *node;
    struct store *store;
    struct ledger_request request;
    struct ledger_hospital hospital;
    struct reading *reading;
    struct keyring *keyring;
    struct buffer access; /* the access string, opened or given */
    unsigned level;
    char *path;           /* of a file with parts; NULL: from the hospital */
    uint8_t patient[20];
};

static void fetching_free(void *data)
{
    struct fetching *fetching = data;

    reading_close(fetching->reading);
    keyring_free(fetching->keyring);
    buffer_free(&fetching->access);
    ledger_request_free(&fetching->request);
    store_close(fetching->store);
    free(fetching->path);
    free(fetching);
}

static int fetching_make(struct node *node, struct fetching **out, struct aceso_error *error)
{
    struct fetching *fetching = calloc(1, sizeof *fetching);
    int code;

    if (!fetching)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    fetching->node = node;
    fetching->request = (struct ledger_request)LEDGER_REQUEST_INIT;
    fetching->access = (struct buffer)BUFFER_INIT_SECRET(65536);
    fetching->keyring = keyring_create(node->config.address);
    code = fetching->keyring ? node_store(node, &fetching->store, error)
                             : error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    if (code)
        fetching_free(fetching);
    else
        *out = fetching;
    return code;
}

/* Opens what was sealed to this institute for one request. */
static int fetching_unseal(const struct fetching *fetching, const struct ledger_request *request,
                           const char *purpose, const uint8_t sender[20], uint32_t epoch,
                           struct bytes sealed, struct buffer *out, struct aceso_error *error)
{
    const struct node *node = fetching->node;
    struct sealing sealing = { .purpose = purpose, .chain_id = node->config.network.chain_id,
                               .epoch = epoch };
    uint8_t secret[32], public_key[32];
    int code;

    memcpy(sealing.contract, node->config.network.arsc, 20);
    memcpy(sealing.sender, sender, 20);
    memcpy(sealing.receiver, node->config.address, 20);
    memcpy(sealing.request, request->id, 32);
    keys_seal_pair(node->keys, secret, public_key);
    code = sealing_open(&sealing, secret, sealed, out, error);
    secret_wipe(secret, sizeof secret);
    return code;
}

/* Adds the patient's grant of one request to the keyring. */
static int fetching_add_grant(struct fetching *fetching, const struct ledger_request *request,
                              struct aceso_error *error)
{
    struct buffer key = BUFFER_INIT_SECRET(65536);
    int code = fetching_unseal(fetching, request, "grant", request->patient, request->epoch,
                               buffer_bytes(&request->grant), &key, error);

    if (!code)
        code = keyring_add_user(fetching->keyring, buffer_bytes(&key), error);
    buffer_free(&key);
    return code;
}

static int fetching_open_reading(struct fetching *fetching, struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + INSTITUTE_WAIT_MS;
    int code;

    for (;;) {
        code = reading_open(fetching->node, &fetching->hospital, fetching->patient,
                            &fetching->reading, error);
        if (code != ACESO_EBUSY || time_monotonic_ms() > until || node_stopping(fetching->node))
            break;
        (void)poll(NULL, 0, INSTITUTE_TURN_MS);
    }
    if (!code)
        code = reading_add_publics(fetching->reading, fetching->keyring, error);
    return code;
}

/* Asks every authority of the policy for what it has issued to us; what one of them refuses is
 * shown by the header that does not open. */
static void fetching_obtain(struct fetching *fetching)
{
    const char *label;

    if (obtain_keys(fetching->node, &fetching->hospital, fetching->patient, NULL, NULL))
        log_info("no keys from %s", fetching->hospital.card.label);
    for (size_t i = 0; (label = reading_authority(fetching->reading, i)) != NULL; i++) {
        struct ledger_hospital authority;

        if (strcmp(label, fetching->hospital.card.label) != 0 &&
            ledger_hospital_by_label(fetching->store, label, &authority, NULL) == ACESO_OK &&
            obtain_keys(fetching->node, &authority, NULL, NULL, NULL))
            log_info("no keys from %s", label);
    }
}

static int fetching_unlock(struct fetching *fetching, struct aceso_error *error)
{
    struct node *node = fetching->node;
    int code = held_keys_load(fetching->store, node->keys, fetching->keyring, error);

    if (!code)
        code = reading_unlock(fetching->reading, fetching->level, fetching->keyring, error);
    if (code != ACESO_EDENIED)
        return code;
    fetching_obtain(fetching);
    code = held_keys_load(fetching->store, node->keys, fetching->keyring, error);
    if (!code)
        code = reading_unlock(fetching->reading, fetching->level, fetching->keyring, error);
    if (code == ACESO_EDENIED)
        (void)error_set(error, code, NULL, "no key for level %s: the attributes held and the "
                        "patient's grant do not satisfy its policy",
                        level_name(fetching->level));
    return code;
}

static int fetching_access(struct fetching *fetching, struct aceso_error *error)
{
    if (fetching->access.len)
        return ACESO_OK;
    if (!fetching->request.access.len)
        return error_set(error, ACESO_EDENIED, NULL, "the request is %s: there is no access string",
                         ledger_status_name(fetching->request.status));
    return fetching_unseal(fetching, &fetching->request, "access string", fetching->hospital.key,
                           0, buffer_bytes(&fetching->request.access), &fetching->access, error);
}

static int fetching_work(struct pump *pump, void *data, struct aceso_error *error)
{
    struct fetching *fetching = data;
    int code = ledger_hospital_by_id(fetching->store, fetching->request.hospital,
                                     &fetching->hospital, error);

    memcpy(fetching->patient, fetching->request.patient, 20);
    fetching->level = fetching->request.granted ? fetching->request.granted
                                                : fetching->request.level;
    if (!code)
        code = fetching_access(fetching, error);
    if (!code)
        code = fetching_open_reading(fetching, error);
    if (!code && fetching->request.grant.len)
        code = fetching_add_grant(fetching, &fetching->request, error);
    if (!code)
        code = fetching_unlock(fetching, error);
    if (!code)
        code = reading_fetch(fetching->reading, "POST", "/v1/query",
                             buffer_bytes(&fetching->access), pump, error);
    return code;
}

static int institute_fetch(struct node *node, const yyjson_val *input, struct http_stream *stream,
                           struct aceso_error *error)
{
    const char *access = json_string_or(input, "access", NULL);
    struct fetching *fetching = NULL;
    uint8_t id[32];
    int code = json_hex(input, "request", id, 32, error);

    if (!code)
        code = fetching_make(node, &fetching, error);
    if (code)
        return code;
    code = ledger_request(fetching->store, id, &fetching->request, error);
    if (!code && memcmp(fetching->request.institute, node->config.address, 20) != 0)
        code = error_set(error, ACESO_EDENIED, NULL, "the request is somebody else's");
    if (!code && access)
        code = buffer_put_string(&fetching->access, access);
    if (!code)
        code = pump_start(fetching_work, fetching, fetching_free, stream, error);
    if (code)
        fetching_free(fetching);
    return code;
}

/* ---- opening what lies in a file --------------------------------------------------------- */

static int opening_grant(void *data, const struct ledger_request *request,
                         struct aceso_error *error)
{
    struct fetching *fetching = data;
    struct ledger_request whole = LEDGER_REQUEST_INIT;
    int code = ACESO_OK;

    if (memcmp(request->patient, fetching->patient, 20) != 0 || !request->granted)
        return ACESO_OK;
    code = ledger_request(fetching->store, request->id, &whole, error);
    if (!code && fetching_add_grant(fetching, &whole, error))
        log_info("a grant that was given earlier does not open any more");
    ledger_request_free(&whole);
    return code;
}

static int opening_feed(struct fetching *fetching, struct aceso_error *error)
{
    FILE *file = fopen(fetching->path, "rbe");
    uint8_t piece[65536];
    size_t got;
    int code = ACESO_OK;

    if (!file)
        return error_set(error, ACESO_ENOTFOUND, NULL, "the file of parts: %s", strerror(errno));
    while (!code && (got = fread(piece, 1, sizeof piece, file)) > 0)
        code = reading_feed(fetching->reading, bytes_of(piece, got), error);
    if (!code && ferror(file))
        code = error_set(error, ACESO_EIO, NULL, "the file of parts cannot be read");
    (void)fclose(file);
    return code ? code : reading_finish(fetching->reading, error);
}

/* Every grant ever received for this patient is tried: what a consent's end does not undo is what
 * was opened before, and it is honest to show what keys at hand are worth. */
static int opening_work(struct pump *pump, void *data, struct aceso_error *error)
{
    struct fetching *fetching = data;
    int code = fetching_open_reading(fetching, error);

    if (!code)
        code = ledger_requests(fetching->store, fetching->node->config.address, 0, opening_grant,
                               fetching, error);
    if (!code)
        code = fetching_unlock(fetching, error);
    if (!code)
        code = reading_begin(fetching->reading, pump, true, error);
    return code ? code : opening_feed(fetching, error);
}

static int institute_open(struct node *node, const yyjson_val *input, struct http_stream *stream,
                          struct aceso_error *error)
{
    const char *path = NULL, *hospital = NULL, *level = NULL;
    struct fetching *fetching = NULL;
    int code = fetching_make(node, &fetching, error);

    if (code)
        return code;
    code = json_string(input, "path", &path, error);
    if (!code)
        code = json_hex(input, "patient", fetching->patient, 20, error);
    if (!code)
        code = json_string(input, "hospital", &hospital, error);
    if (!code)
        code = ledger_hospital_by_label(fetching->store, hospital, &fetching->hospital, error);
    if (!code)
        code = json_string(input, "level", &level, error);
    if (!code)
        code = level_parse(level, &fetching->level, error);
    if (!code && !(fetching->path = strdup(path)))
        code = error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    if (!code)
        code = pump_start(opening_work, fetching, fetching_free, stream, error);
    if (code)
        fetching_free(fetching);
    return code;
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
    char id[67] = "0x", patient[43] = "0x";

    (void)error;
    text_hex(request->id, 32, id + 2);
    text_hex(request->patient, 20, patient + 2);
    json_open(listing->writer, NULL, '{');
    json_put_string(listing->writer, "request", id);
    json_put_u64(listing->writer, "hospital", request->hospital);
    json_put_string(listing->writer, "patient", patient);
    json_put_string(listing->writer, "purpose", purpose_name(request->purpose));
    json_put_string(listing->writer, "level", level_name(request->level));
    json_put_string(listing->writer, "granted", level_name(request->granted));
    json_put_string(listing->writer, "status", ledger_status_name(request->status));
    json_close(listing->writer, '}');
    return buffer_printf(&listing->text, "%s%s %-9s %s of %s%s%s", listing->count++ ? "\n" : "",
                         id, ledger_status_name(request->status), level_name(request->level),
                         patient, request->granted ? ", granted " : "",
                         request->granted ? level_name(request->granted) : "");
}

static int institute_requests(struct node *node, const yyjson_val *input, struct buffer *out,
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
                    listing.count ? buffer_text(&listing.text) : "nothing was asked yet");
    json_close(&writer, '}');
    store_close(store);
    buffer_free(&listing.text);
    return code;
}

static int listing_patient(void *data, const uint8_t patient[20])
{
    struct listing *listing = data;
    char address[43] = "0x";

    text_hex(patient, 20, address + 2);
    json_put_string(listing->writer, NULL, address);
    return buffer_printf(&listing->text, "%s%s", listing->count++ ? "\n" : "", address);
}

static int institute_patients(struct node *node, const yyjson_val *input, struct buffer *out,
                              struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    struct listing listing = { .writer = &writer, .text = BUFFER_INIT(BUFFER_MAX_DEFAULT) };
    struct ledger_hospital hospital;
    const char *label = NULL;
    struct store *store = NULL;
    int code = json_string(input, "hospital", &label, error);

    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = ledger_hospital_by_label(store, label, &hospital, error);
    json_open(&writer, NULL, '{');
    json_open(&writer, "patients", '[');
    if (!code)
        code = ledger_patients(store, hospital.card.id, listing_patient, &listing, error);
    json_close(&writer, ']');
    json_put_string(&writer, "message",
                    listing.count ? buffer_text(&listing.text) : "no patients yet");
    json_close(&writer, '}');
    store_close(store);
    buffer_free(&listing.text);
    return code;
}

static int institute_credential(struct node *node, const yyjson_val *input, struct buffer *out,
                                struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    struct credential credential;
    int code = credential_load(node->directory, &credential, error);

    (void)input;
    if (code)
        return code;
    json_open(&writer, NULL, '{');
    credential_write(&credential, &writer, "document");
    json_close(&writer, '}');
    return out->failed;
}

static int institute_status(struct node *node, const yyjson_val *input, struct buffer *out,
                            struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    uint64_t block = 0;
    bool answers = false;
    char message[256];

    (void)input;
    (void)error;
    chain_thread_position(node->chain, &block, &answers);
    (void)snprintf(message, sizeof message, "institute %s: chain %s, block %llu",
                   node->config.label, answers ? "answers" : "does not answer",
                   (unsigned long long)block);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    json_put_u64(&writer, "block", block);
    json_put_bool(&writer, "chain", answers);
    json_close(&writer, '}');
    return out->failed;
}

static int institute_hello(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error)
{
    (void)context;
    (void)request;
    (void)error;
    return buffer_put_string(&response->body, "{\"role\":\"institute\"}");
}

static const struct operation_kind institute_operations[] = {
    { "request", LANE_SHORT, institute_request },
    { "obtain", LANE_SHORT, obtain_operation },
};

static const struct view_kind institute_views[] = {
    { "credential", institute_credential },
    { "patients", institute_patients },
    { "requests", institute_requests },
    { "status", institute_status },
};

static const struct stream_kind institute_streams[] = {
    { "fetch", institute_fetch },
    { "open", institute_open },
};

static const struct http_route institute_routes[] = {
    { "GET", "/v1/party", institute_hello, HTTP_ROUTE_PEER, 0 },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct role institute_role = {
    .role = ROLE_INSTITUTE,
    .schema = institute_schema,
    .operations = institute_operations,
    .operation_count = COUNT(institute_operations),
    .views = institute_views,
    .view_count = COUNT(institute_views),
    .streams = institute_streams,
    .stream_count = COUNT(institute_streams),
    .routes = institute_routes,
    .route_count = COUNT(institute_routes),
};
