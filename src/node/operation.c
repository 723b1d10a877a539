/* SPDX-License-Identifier: Apache-2.0 */
#include "node/operation.h"

#include "base/log.h"
#include "base/text.h"
#include "net/http_problem.h"
#include "node/keys.h"
#include "node/node.h"
#include "node/recent.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION_RETRY_MS 150000 /* how long a passing failure is tried again */
#define OPERATION_WAIT_MS 250
#define OPERATION_KIND_SIZE 129

const char operation_schema[] =
    "CREATE TABLE operation ("
    " number INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " kind TEXT NOT NULL,"
    " lane INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0,"
    " created INTEGER NOT NULL,"
    " input BLOB NOT NULL,"
    " result BLOB);"
    "CREATE INDEX operation_waiting ON operation (lane, number) WHERE state = 0;";

struct lane {
    struct operations *engine;
    enum operation_lane number;
    pthread_t thread;
    bool started;
};

struct operations {
    struct node *node;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool stopping;
    struct lane lanes[LANE_COUNT];
    /* progress of what runs, by lane */
    struct {
        char id[OPERATION_ID_SIZE];
        uint64_t done, total;
        const char *words;
    } progress[LANE_COUNT];
};

/* What stands in a row: "group/kind"; before a node could have several roles, the kind alone. */
static const struct operation_kind *operation_find(const struct operations *engine,
                                                   const char *text)
{
    const struct roles *roles = &engine->node->roles;
    const char *slash = strchr(text, '/');
    char group[OPERATION_KIND_SIZE];

    if (!slash)
        return roles_operation(roles, roles->role[0]->name, text);
    (void)snprintf(group, sizeof group, "%.*s", (int)(slash - text), text);
    return roles_operation(roles, group, slash + 1);
}

/* The oldest waiting operation of a lane: its id, kind and opened input. */
static int operation_next(struct operations *engine, struct store *store,
                          enum operation_lane lane, char id[OPERATION_ID_SIZE],
                          char kind[OPERATION_KIND_SIZE], struct buffer *input)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT id, kind, input FROM operation"
                                   " WHERE lane = ?1 AND state = 0 ORDER BY number LIMIT 1",
                                   &query, NULL);

    if (code)
        return code;
    statement_bind_int(query, 1, lane);
    step = statement_step(query, NULL);
    if (step == 1) {
        (void)snprintf(id, OPERATION_ID_SIZE, "%s", statement_text(query, 0));
        (void)snprintf(kind, OPERATION_KIND_SIZE, "%s", statement_text(query, 1));
        code = keys_unseal(engine->node->keys, "operation", statement_blob(query, 2), input, NULL);
    } else {
        code = step < 0 ? step : ACESO_ENOTFOUND;
    }
    statement_finish(query);
    return code;
}

static int operation_finish(struct operations *engine, struct store *store, const char *id,
                            enum operation_state state, struct bytes result)
{
    struct buffer sealed = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct statement *update = NULL;
    int code = keys_seal(engine->node->keys, "operation", result, &sealed);

    if (!code)
        code = store_prepare(store, "UPDATE operation SET state = ?2, result = ?3 WHERE id = ?1",
                             &update, NULL);
    if (!code) {
        statement_bind_text(update, 1, id);
        statement_bind_int(update, 2, state);
        statement_bind_blob(update, 3, buffer_bytes(&sealed));
        code = statement_run(update, NULL);
    }
    buffer_free(&sealed);
    return code;
}

static bool operation_may_pass(int code)
{
    return code == ACESO_EIO || code == ACESO_ETIMEOUT || code == ACESO_EBUSY;
}

static void operations_wait(struct operations *engine, unsigned ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&engine->lock);
    if (!atomic_load(&engine->stopping))
        (void)pthread_cond_timedwait(&engine->changed, &engine->lock, &until);
    (void)pthread_mutex_unlock(&engine->lock);
}

/* Runs one kind until it is done, fails for good, or the engine stops. */
static int operation_run(struct operations *engine, const struct operation_kind *kind,
                         struct operation *operation, struct buffer *result,
                         struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + OPERATION_RETRY_MS;

    for (;;) {
        int code = node_catch_up(engine->node, error);

        if (!code)
            code = kind->run(operation, result, error);

        if (atomic_load(&engine->stopping) && code)
            return ACESO_ECANCELLED;
        if (!code || time_monotonic_ms() > until ||
            (!operation_may_pass(code) && !node_recovering(engine->node)))
            return code;
        log_info("operation %s will be tried again: %s", kind->name, error->text);
        buffer_clear(result);
        operations_wait(engine, OPERATION_WAIT_MS);
    }
}

/* What is wrong in an input may name files and members of records: not for the log. */
static void operation_report(struct operations *engine, const char *kind,
                             const struct aceso_error *error)
{
    const char *text = error->code == ACESO_EFORMAT || error->code == ACESO_ELIMIT
                           ? error_name(error->code)
                           : error->text;

    log_warning("operation %s failed: %s", kind, text);
    recent_fail(engine->node->recent, "%s failed: %s", kind, text);
}

static void operation_execute(struct lane *lane, struct store *store, const char *id,
                              const char *kind_name, struct bytes input)
{
    struct operations *engine = lane->engine;
    const struct operation_kind *kind = operation_find(engine, kind_name);
    struct buffer result = BUFFER_INIT_SECRET(BUFFER_MAX_DEFAULT);
    struct aceso_error error = { 0 };
    yyjson_doc *doc = NULL;
    int code = kind ? json_parse(input, &doc, &error) : ACESO_ENOTFOUND;

    (void)pthread_mutex_lock(&engine->lock);
    (void)snprintf(engine->progress[lane->number].id, OPERATION_ID_SIZE, "%s", id);
    engine->progress[lane->number].done = 0;
    engine->progress[lane->number].total = 0;
    engine->progress[lane->number].words = "";
    (void)pthread_mutex_unlock(&engine->lock);
    if (!code) {
        struct operation operation = { .node = engine->node, .id = id,
                                       .input = yyjson_doc_get_root(doc), .engine = engine };

        code = operation_run(engine, kind, &operation, &result, &error);
    }
    if (code != ACESO_ECANCELLED) {
        if (code) {
            if (error.code != code)
                (void)error_set(&error, code, NULL, "%s", error_name(code));
            operation_report(engine, kind_name, &error);
            buffer_clear(&result);
            (void)http_problem_write(&error, http_problem_status(code), &result);
        }
        code = operation_finish(engine, store, id, code ? OPERATION_FAILED : OPERATION_DONE,
                                buffer_bytes(&result));
        if (code)
            log_error("the end of an operation could not be stored: %s", error_name(code));
    }
    yyjson_doc_free(doc);
    buffer_free(&result);
}

/* What was written down and does not open any more must not keep the others waiting. */
static void operation_give_up(struct operations *engine, struct store *store, const char *id)
{
    static const char damaged[] =
        "{\"code\":\"verify\",\"status\":500,\"text\":\"what was asked is damaged on disk\"}";

    log_error("an operation's input is damaged on disk: given up");
    if (operation_finish(engine, store, id, OPERATION_FAILED, bytes_of_string(damaged)))
        operations_wait(engine, OPERATION_WAIT_MS);
}

static void *lane_main(void *data)
{
    struct lane *lane = data;
    struct operations *engine = lane->engine;
    struct store *store = NULL;
    struct aceso_error error;

    while (!atomic_load(&engine->stopping)) {
        struct buffer input = BUFFER_INIT_SECRET(OPERATION_INPUT_MAX * 2);
        char id[OPERATION_ID_SIZE], kind[OPERATION_KIND_SIZE];
        int code;

        if (!store && node_store(engine->node, &store, &error))
            operations_wait(engine, OPERATION_WAIT_MS);
        else if ((code = operation_next(engine, store, lane->number, id, kind, &input)) == ACESO_OK)
            operation_execute(lane, store, id, kind, buffer_bytes(&input));
        else if (code == ACESO_EVERIFY || code == ACESO_EFORMAT)
            operation_give_up(engine, store, id);
        else
            operations_wait(engine, OPERATION_WAIT_MS);
        buffer_free(&input);
    }
    store_close(store);
    return NULL;
}

int operations_start(struct node *node, struct operations **out, struct aceso_error *error)
{
    struct operations *engine = calloc(1, sizeof *engine);
    pthread_condattr_t attributes;

    if (!engine)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    engine->node = node;
    (void)pthread_mutex_init(&engine->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&engine->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &engine->lanes[i];

        lane->engine = engine;
        lane->number = (enum operation_lane)i;
        engine->progress[i].words = "";
        lane->started = pthread_create(&lane->thread, NULL, lane_main, lane) == 0;
        if (!lane->started) {
            operations_stop(engine);
            return error_set(error, ACESO_EINTERNAL, NULL, "a thread could not be started");
        }
    }
    *out = engine;
    return ACESO_OK;
}

void operations_stop(struct operations *engine)
{
    if (!engine)
        return;
    (void)pthread_mutex_lock(&engine->lock);
    atomic_store(&engine->stopping, true);
    (void)pthread_cond_broadcast(&engine->changed);
    (void)pthread_mutex_unlock(&engine->lock);
    for (int i = 0; i < LANE_COUNT; i++) {
        if (engine->lanes[i].started)
            (void)pthread_join(engine->lanes[i].thread, NULL);
    }
    (void)pthread_cond_destroy(&engine->changed);
    (void)pthread_mutex_destroy(&engine->lock);
    free(engine);
}

static int operation_insert(struct store *store, const char *id, const char *name,
                            enum operation_lane lane, struct bytes sealed,
                            struct aceso_error *error)
{
    struct statement *insert = NULL;
    int code = store_prepare(store,
                             "INSERT INTO operation (id, kind, lane, created, input)"
                             " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING",
                             &insert, error);

    if (code)
        return code;
    statement_bind_text(insert, 1, id);
    statement_bind_text(insert, 2, name);
    statement_bind_int(insert, 3, lane);
    statement_bind_int(insert, 4, time_now());
    statement_bind_blob(insert, 5, sealed);
    return statement_run(insert, error);
}

int operations_add(struct operations *engine, const char *id, const char *group,
                   const char *kind_name, struct bytes input, struct aceso_error *error)
{
    const struct operation_kind *kind = roles_operation(&engine->node->roles, group, kind_name);
    struct buffer sealed = BUFFER_INIT(OPERATION_INPUT_MAX + 256);
    struct store *store = NULL;
    char name[OPERATION_KIND_SIZE];
    size_t length = strlen(id);
    int code;

    if (!kind)
        return error_set(error, ACESO_ENOTFOUND, NULL, "this node does not do that");
    if (length == 0 || length >= OPERATION_ID_SIZE || strspn(id, "0123456789abcdef") != length)
        return error_set(error, ACESO_EFORMAT, "id", "not 1 to 64 digits of hex");
    (void)snprintf(name, sizeof name, "%s/%s", group, kind_name);
    code = keys_seal(engine->node->keys, "operation", input, &sealed);
    if (!code)
        code = node_store(engine->node, &store, error);
    if (!code)
        code = operation_insert(store, id, name, kind->lane, buffer_bytes(&sealed), error);
    store_close(store);
    buffer_free(&sealed);
    (void)pthread_mutex_lock(&engine->lock);
    (void)pthread_cond_broadcast(&engine->changed);
    (void)pthread_mutex_unlock(&engine->lock);
    return code;
}

static void operation_describe_progress(struct operations *engine, const char *id,
                                        struct json_writer *writer)
{
    (void)pthread_mutex_lock(&engine->lock);
    for (int i = 0; i < LANE_COUNT; i++) {
        if (strcmp(engine->progress[i].id, id) != 0)
            continue;
        json_open(writer, "progress", '{');
        json_put_u64(writer, "done", engine->progress[i].done);
        json_put_u64(writer, "total", engine->progress[i].total);
        json_put_string(writer, "words", engine->progress[i].words);
        json_close(writer, '}');
    }
    (void)pthread_mutex_unlock(&engine->lock);
}

static int operation_describe_row(struct operations *engine, const struct statement *row,
                                  const char *id, struct buffer *out, struct aceso_error *error)
{
    static const char *const names[] = { "queued", "done", "failed" };
    struct buffer result = BUFFER_INIT_SECRET(BUFFER_MAX_DEFAULT);
    struct json_writer writer = json_writer_of(out);
    int64_t state = statement_int(row, 0);
    int code = ACESO_OK;

    json_open(&writer, NULL, '{');
    json_put_string(&writer, "id", id);
    json_put_string(&writer, "state", state < 0 || state > 2 ? "unknown" : names[state]);
    if (state == OPERATION_QUEUED)
        operation_describe_progress(engine, id, &writer);
    else
        code = keys_unseal(engine->node->keys, "operation", statement_blob(row, 1), &result, error);
    if (!code && state != OPERATION_QUEUED)
        json_put_raw(&writer, state == OPERATION_DONE ? "result" : "error", buffer_bytes(&result));
    json_close(&writer, '}');
    buffer_free(&result);
    return code ? code : out->failed;
}

int operations_describe(struct operations *engine, const char *id, struct buffer *out,
                        struct aceso_error *error)
{
    struct statement *query = NULL;
    struct store *store = NULL;
    int step, code = node_store(engine->node, &store, error);

    if (!code)
        code = store_prepare(store, "SELECT state, result FROM operation WHERE id = ?1", &query,
                             error);
    if (!code) {
        statement_bind_text(query, 1, id);
        step = statement_step(query, error);
        if (step == 1)
            code = operation_describe_row(engine, query, id, out, error);
        else
            code = step < 0 ? step : error_set(error, ACESO_ENOTFOUND, NULL, "no such operation");
    }
    statement_finish(query);
    store_close(store);
    return code;
}

void operation_progress(struct operation *operation, uint64_t done, uint64_t total,
                        const char *words)
{
    struct operations *engine = operation->engine;

    (void)pthread_mutex_lock(&engine->lock);
    for (int i = 0; i < LANE_COUNT; i++) {
        if (strcmp(engine->progress[i].id, operation->id) != 0)
            continue;
        engine->progress[i].done = done;
        engine->progress[i].total = total;
        engine->progress[i].words = words;
    }
    (void)pthread_mutex_unlock(&engine->lock);
}

bool operation_stopping(const struct operation *operation)
{
    return atomic_load(&operation->engine->stopping);
}

void operation_wait(struct operation *operation, unsigned ms)
{
    operations_wait(operation->engine, ms);
}
