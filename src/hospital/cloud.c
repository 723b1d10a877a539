/* SPDX-License-Identifier: Apache-2.0 */
#include "hospital/cloud.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "hospital/internal.h"

#include <stdio.h>
#include <string.h>

#define CLOUD_SETTING "cloud"
#define CLOUD_TROUBLE "cloud trouble"
#define CLOUD_SETTING_VERSION 1
#define CLOUD_IDLE_MS 500
#define CLOUD_PAUSE_MS 1000 /* after a failure */

/* ---- which cloud ------------------------------------------------------------------------- */

int cloud_setting_load(struct store *store, struct cloud_setting *out, struct aceso_error *error)
{
    struct cloud_setting setting = { .known = true };
    struct buffer value = BUFFER_INIT(4096);
    struct reader reader;
    struct bytes url;
    int code = setting_get(store, CLOUD_SETTING, &value, error);

    if (code == ACESO_ENOTFOUND) {
        *out = (struct cloud_setting){ .known = false };
        return ACESO_OK;
    }
    reader = reader_of(buffer_bytes(&value));
    if (!code && reader_u8(&reader) != CLOUD_SETTING_VERSION)
        code = ACESO_EFORMAT;
    setting.leaving = reader_u8(&reader) != 0;
    reader_copy(&reader, setting.address, sizeof setting.address);
    url = reader_field(&reader, sizeof setting.url - 1);
    if (!code && !reader_done(&reader))
        code = ACESO_EFORMAT;
    if (code) {
        code = error_set(error, code, NULL, "the cloud's setting cannot be read");
    } else {
        memcpy(setting.url, url.data, url.len);
        setting.url[url.len] = '\0';
        *out = setting;
    }
    buffer_free(&value);
    return code;
}

static int cloud_setting_save(struct store *store, const struct cloud_setting *setting,
                              struct aceso_error *error)
{
    struct buffer value = BUFFER_INIT(4096);
    int code;

    if (!setting->known)
        return store_exec(store, "DELETE FROM setting WHERE name = '" CLOUD_SETTING "'", error);
    (void)buffer_put_u8(&value, CLOUD_SETTING_VERSION);
    (void)buffer_put_u8(&value, setting->leaving);
    (void)buffer_put(&value, setting->address, sizeof setting->address);
    code = buffer_put_field(&value, bytes_of_string(setting->url));
    if (!code)
        code = setting_put(store, CLOUD_SETTING, buffer_bytes(&value), error);
    buffer_free(&value);
    return code;
}

static int cloud_connect(struct node *node, const struct cloud_setting *setting,
                         struct cloud_client **client, struct aceso_error *error)
{
    const struct http_client_options options = {
        .roots_pem = buffer_bytes(&node->roots),
        .chain_pem = buffer_bytes(&node->tls.chain),
        .key_pem = buffer_bytes(&node->tls.key),
    };

    return cloud_client_create(&options, setting->url, setting->address, node->recent, client,
                               error);
}

void cloud_access_close(struct cloud_access *access)
{
    cloud_client_free(access->client);
    secret_free(access->keys);
    *access = (struct cloud_access){ .client = NULL };
}

int cloud_access_open(struct node *node, struct store *store, struct cloud_access *out,
                      struct aceso_error *error)
{
    struct cloud_access access = { .client = NULL };
    uint8_t secret[32];
    int code = cloud_setting_load(store, &access.setting, error);

    if (code)
        return code;
    if (access.setting.known) {
        access.keys = secret_alloc(sizeof *access.keys);
        code = access.keys ? cloud_connect(node, &access.setting, &access.client, error)
                           : error_set(error, ACESO_EMEMORY, NULL, "no locked memory");
    }
    if (!code && access.setting.known) {
        access.store = cloud_client_store(access.client);
        keys_derive(node->keys, "cloud", bytes_of(NULL, 0), secret);
        object_keys_derive(secret, access.setting.address, access.keys);
        secret_wipe(secret, sizeof secret);
    }
    if (code)
        cloud_access_close(&access);
    else
        *out = access;
    return code;
}

bool cloud_may_pass(int code)
{
    return code == ACESO_EIO || code == ACESO_ETIMEOUT || code == ACESO_EBUSY;
}

void cloud_log_fault(const struct away_record *record)
{
    char id[2 * RECORD_ID_SIZE + 1], patient[41];

    text_hex(record->record, RECORD_ID_SIZE, id);
    text_hex(record->patient, 20, patient);
    log_warning("record %s (version %u, all levels) of 0x%s is %s", id, record->version, patient,
                object_fault_word(record->fault));
}

/* ---- carrying ---------------------------------------------------------------------------- */

struct carrier {
    struct operation *operation;
    struct store *store;
    struct records *records;
    struct cloud_access access;
    bool scrubbed;    /* nothing of what left stands in the database's log */
    bool begun;
    char trouble[ACESO_ERROR_TEXT_MAX];
};

/* What stands in the way, for the owner's status; the same words once. */
static void carrier_trouble(struct carrier *carrier, const char *text)
{
    if (strcmp(carrier->trouble, text) == 0)
        return;
    if (setting_put(carrier->store, CLOUD_TROUBLE, bytes_of_string(text), NULL))
        return;
    (void)snprintf(carrier->trouble, sizeof carrier->trouble, "%s", text);
    if (text[0]) {
        log_warning("carrying to the cloud: %s", text);
        recent_fail(carrier->operation->node->recent, "carrying to the cloud: %s", text);
    } else if (carrier->begun) {
        log_info("carrying to the cloud goes on");
    }
    carrier->begun = true;
}

/* Takes up the cloud as it is set now. */
static int carrier_ready(struct carrier *carrier, struct aceso_error *error)
{
    struct node *node = carrier->operation->node;
    const struct cloud_setting *had = &carrier->access.setting;
    struct cloud_setting setting;
    int code = carrier->store ? ACESO_OK : node_store(node, &carrier->store, error);

    if (!code && !carrier->records)
        code = hospital_records(node, &carrier->records, error);
    if (!code)
        code = cloud_setting_load(carrier->store, &setting, error);
    if (code)
        return code;
    if (had->known && setting.known && strcmp(had->url, setting.url) == 0 &&
        memcmp(had->address, setting.address, 20) == 0) {
        carrier->access.setting = setting;
        return ACESO_OK;
    }
    cloud_access_close(&carrier->access);
    return cloud_access_open(node, carrier->store, &carrier->access, error);
}

/* One batch out. `*moved`: how many records. */
static int carrier_out(struct carrier *carrier, size_t *moved, struct aceso_error *error)
{
    struct away_record list[AWAY_BATCH_RECORDS];
    size_t n = 0;
    int code = records_away_leave(carrier->records, list, &n, error);

    if (code)
        return code;
    if (n > 0) {
        carrier->scrubbed = false;
        code = away_put(carrier->access.store, carrier->access.keys, list, n, error);
        if (!code)
            code = records_away_left(carrier->records, list, n, error);
    } else if (!carrier->scrubbed) {
        carrier->scrubbed = records_away_scrub(carrier->records, NULL) == ACESO_OK;
    }
    away_records_free(list, n);
    if (!code)
        *moved = n;
    return code;
}

/* Contents that came back; what did not is noted and stays away. */
static int carrier_take(struct carrier *carrier, struct away_record *list, size_t n,
                        struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; !code && i < n; i++) {
        if (list[i].fault == OBJECT_SOUND) {
            code = records_away_return(carrier->records, &list[i], 1, error);
        } else {
            cloud_log_fault(&list[i]);
            code = records_fault_note(carrier->records, &list[i], error);
        }
    }
    return code;
}

/* One batch home, or removed there after it came home. */
static int carrier_home(struct carrier *carrier, size_t *moved, struct aceso_error *error)
{
    const struct cloud_access *access = &carrier->access;
    struct away_record list[AWAY_BATCH_RECORDS];
    size_t n = 0;
    int code = records_away_in(carrier->records, RECORDS_RETURNED, list, &n, error);

    if (!code && n > 0) {
        code = away_remove(access->store, access->keys, list, n, error);
        if (!code)
            code = records_away_settle(carrier->records, list, n, error);
    } else if (!code) {
        code = records_away_in(carrier->records, RECORDS_AWAY, list, &n, error);
        if (!code && n > 0)
            code = away_fetch(access->store, access->keys, list, n, error);
        if (!code)
            code = carrier_take(carrier, list, n, error);
    }
    away_records_free(list, n);
    if (!code)
        *moved = n;
    return code;
}

/* Forgets the cloud once nothing is there any more. */
static int carrier_leave(struct carrier *carrier, bool *left, struct aceso_error *error)
{
    struct records_counts counts;
    int code = records_away_counts(carrier->records, &counts, error);

    if (!code && counts.away == 0) {
        code = cloud_setting_save(carrier->store, &(struct cloud_setting){ .known = false }, error);
        if (!code)
            log_info("everything is home from the cloud");
        *left = !code;
    }
    return code;
}

/* One turn. `*done`: there is no cloud any more. */
static int carrier_turn(struct carrier *carrier, size_t *moved, bool *done,
                        struct aceso_error *error)
{
    int code = carrier_ready(carrier, error);

    *moved = 0;
    if (code)
        return code;
    if (!carrier->access.setting.known) {
        *done = true;
        return ACESO_OK;
    }
    code = carrier->access.setting.leaving ? carrier_home(carrier, moved, error)
                                           : carrier_out(carrier, moved, error);
    if (!code && *moved == 0 && carrier->access.setting.leaving)
        code = carrier_leave(carrier, done, error);
    return code;
}

int cloud_carry(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct carrier carrier = { .operation = operation, .trouble = "?" };
    struct json_writer writer = json_writer_of(result);
    bool done = false;

    while (!done && !operation_stopping(operation)) {
        struct aceso_error trouble = { .code = ACESO_OK };
        size_t moved = 0;
        int code = carrier_turn(&carrier, &moved, &done, &trouble);

        if (carrier.store)
            carrier_trouble(&carrier, code ? trouble.text : "");
        if (code || (moved == 0 && !done))
            operation_wait(operation, code ? CLOUD_PAUSE_MS : CLOUD_IDLE_MS);
    }
    cloud_access_close(&carrier.access);
    records_close(carrier.records);
    store_close(carrier.store);
    if (!done)
        return error_set(error, ACESO_ECANCELLED, NULL, "the node stops");
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", "there is no cloud");
    json_close(&writer, '}');
    return result->failed;
}

int cloud_tick(struct node *node, struct store *store, struct aceso_error *error)
{
    struct cloud_setting setting;
    struct statement *query = NULL;
    uint8_t random[16];
    char id[33];
    int step, code = cloud_setting_load(store, &setting, error);

    if (code || !setting.known)
        return code;
    code = store_prepare(store, "SELECT 1 FROM operation WHERE lane = ?1 AND state = 0 LIMIT 1",
                         &query, error);
    if (code)
        return code;
    statement_bind_int(query, 1, LANE_BACKGROUND);
    step = statement_step(query, error);
    statement_finish(query);
    if (step != 0 || !node->operations)
        return step < 0 ? step : ACESO_OK;
    secret_random(random, sizeof random);
    text_hex(random, sizeof random, id);
    return operations_add(node->operations, id, "hospital", "carry", bytes_of_string("{}"), error);
}

/* ---- the owner's word -------------------------------------------------------------------- */

static int cloud_input(const yyjson_val *input, struct cloud_setting *setting,
                       struct aceso_error *error)
{
    const char *url = json_string_or(input, "url", "");
    int code;

    if (strncmp(url, "https://", 8) != 0 || strlen(url) >= sizeof setting->url)
        return error_set(error, ACESO_EUSAGE, "url", "https://HOST:PORT of a cloud");
    code = json_hex(input, "address", setting->address, 20, NULL);
    if (code)
        return error_set(error, ACESO_EUSAGE, "address", "the cloud's address is needed");
    setting->known = true;
    (void)snprintf(setting->url, sizeof setting->url, "%s", url);
    if (setting->url[strlen(url) - 1] == '/')
        setting->url[strlen(url) - 1] = '\0';
    return ACESO_OK;
}

/* One cloud at a time: what is at another one comes home first. */
static int cloud_switch(struct node *node, struct store *store, const struct cloud_setting *wanted,
                        struct aceso_error *error)
{
    struct cloud_client *client = NULL;
    struct cloud_setting had;
    struct cloud_usage usage;
    int code = cloud_setting_load(store, &had, error);

    if (!code && had.known && memcmp(had.address, wanted->address, 20) != 0)
        code = error_set(error, ACESO_ESTATE, NULL,
                         "records are kept at %s: 'aceso hospital cloud --home' first", had.url);
    if (!code)
        code = cloud_connect(node, wanted, &client, error);
    if (!code)
        code = cloud_client_usage(client, &usage, error);
    cloud_client_free(client);
    return code ? code : cloud_setting_save(store, wanted, error);
}

static int cloud_answer(struct node *node, struct store *store, struct buffer *result,
                        struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(result);
    struct buffer text = BUFFER_INIT(65536);
    int code;

    json_open(&writer, NULL, '{');
    code = cloud_describe(node, store, &writer, &text, error);
    json_put_string(&writer, "message",
                    text.len ? buffer_text(&text) : "no cloud is used, and no fault is known");
    json_close(&writer, '}');
    buffer_free(&text);
    return code ? code : result->failed;
}

int cloud_use(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    const yyjson_val *input = operation->input;
    bool home = yyjson_is_true(yyjson_obj_get((yyjson_val *)(uintptr_t)input, "home"));
    struct cloud_setting setting = { .known = false };
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    if (!code && home) {
        code = cloud_setting_load(store, &setting, error);
        if (!code && !setting.known)
            code = error_set(error, ACESO_ESTATE, NULL, "there is no cloud");
        setting.leaving = true;
        if (!code)
            code = cloud_setting_save(store, &setting, error);
    } else if (!code && json_string_or(input, "url", NULL)) {
        code = cloud_input(input, &setting, error);
        if (!code)
            code = cloud_switch(node, store, &setting, error);
    }
    if (!code)
        code = cloud_tick(node, store, error);
    if (!code)
        code = cloud_answer(node, store, result, error);
    store_close(store);
    return code;
}

/* ---- how things stand -------------------------------------------------------------------- */

static void describe_json(const struct cloud_setting *setting, const struct records_counts *counts,
                          const char *trouble, struct json_writer *writer)
{
    json_open(writer, "cloud", '{');
    json_put_bool(writer, "used", setting->known);
    if (setting->known) {
        json_put_string(writer, "url", setting->url);
        json_put_hex(writer, "address", setting->address, 20);
        json_put_bool(writer, "leaving", setting->leaving);
        json_put_string(writer, "trouble", trouble);
    }
    json_put_u64(writer, "away", counts->away);
    json_put_u64(writer, "home", counts->home);
    json_put_u64(writer, "unsigned", counts->waiting);
    json_put_u64(writer, "faults", counts->faults);
    json_close(writer, '}');
}

static int describe_text(const struct cloud_setting *setting, const struct records_counts *counts,
                         const char *trouble, struct buffer *text)
{
    if (setting->known) {
        (void)buffer_printf(text, "cloud %s: %llu records there, %llu to be carried%s",
                            setting->url, (unsigned long long)counts->away,
                            (unsigned long long)(setting->leaving ? counts->away : counts->home),
                            setting->leaving ? " home" : "");
        if (trouble[0])
            (void)buffer_printf(text, "\ncloud: %s", trouble);
    }
    if (counts->faults)
        (void)buffer_printf(text,
                            "%s%llu records are lost or changed: 'aceso hospital check' names them",
                            text->len ? "\n" : "", (unsigned long long)counts->faults);
    return text->failed;
}

int cloud_describe(struct node *node, struct store *store, struct json_writer *writer,
                   struct buffer *text, struct aceso_error *error)
{
    struct buffer trouble = BUFFER_INIT(4096);
    struct records *records = NULL;
    struct records_counts counts;
    struct cloud_setting setting;
    int code = cloud_setting_load(store, &setting, error);

    if (!code)
        code = hospital_records(node, &records, error);
    if (!code)
        code = records_away_counts(records, &counts, error);
    records_close(records);
    if (code)
        return code;
    code = setting_get(store, CLOUD_TROUBLE, &trouble, error);
    if (code && code != ACESO_ENOTFOUND)
        goto out;
    describe_json(&setting, &counts, buffer_text(&trouble), writer);
    code = describe_text(&setting, &counts, buffer_text(&trouble), text);
out:
    buffer_free(&trouble);
    return code;
}
