/* SPDX-License-Identifier: Apache-2.0 */
/* Queries from outside. Three locks, each enough for most attacks: the connection cannot write,
 * the authorizer sees every table, function and nested query before anything runs, and steps are
 * counted, timed and bounded. */
#include "base/text.h"
#include "store/store.h"
#include "store/store_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define READER_BUSY_MS 1000
#define READER_PROGRESS_STEPS 1000 /* virtual machine steps between two looks at the clock */
#define READER_VIEW_MAX 64

struct store_reader {
    sqlite3 *database;
    struct statement query; /* the one open query */
    struct store_limits limits;
    char view[READER_VIEW_MAX];
    int selects;       /* that the authorizer saw in one text, those of the view's body too */
    int view_selects;  /* the same for a text that uses the view once and nothing else */
    bool view_seen;
    const char *denied;
    int64_t rows;
    int64_t spent_ms;
    int64_t entered_ms;
};

static int reader_deny(struct store_reader *reader, const char *why)
{
    if (!reader->denied)
        reader->denied = why;
    return SQLITE_DENY;
}

static bool reader_function_allowed(const char *name)
{
    static const char *const allowed[] = { "count", "length", "hex", "min", "max" };

    for (size_t i = 0; name && i < sizeof allowed / sizeof allowed[0]; i++) {
        if (strcasecmp(name, allowed[i]) == 0)
            return true;
    }
    return false;
}

/* SQLite names in `within` the view whose body it is looking at, NULL for the text itself. What
 * stands in the view's own body is ours and is let through. A common table expression of the same
 * name would pass for the view: reader_text_valid refuses those. */
static int reader_authorize(void *context, int action, const char *one, const char *two,
                            const char *schema, const char *within)
{
    struct store_reader *reader = context;
    const bool inside = within && strcasecmp(within, reader->view) == 0;
    const bool outside = !within && one && strcasecmp(one, reader->view) == 0;

    if (schema && strcmp(schema, "main") != 0)
        return reader_deny(reader, "another database");
    switch (action) {
    case SQLITE_SELECT:
        reader->selects++;
        reader->view_seen = reader->view_seen || inside;
        return SQLITE_OK;
    case SQLITE_READ:
        return inside || outside ? SQLITE_OK : reader_deny(reader, "a table beside the view");
    case SQLITE_FUNCTION:
        if (inside || reader_function_allowed(two))
            return SQLITE_OK;
        return reader_deny(reader, "a function that is not in the list");
    default:
        return reader_deny(reader, "anything but SELECT");
    }
}

/* Not 0 ends the step with SQLITE_INTERRUPT. */
static int reader_progress(void *context)
{
    const struct store_reader *reader = context;
    int64_t spent = reader->spent_ms + time_monotonic_ms() - reader->entered_ms;

    return spent > reader->limits.time_ms;
}

void store_reader_enter(struct store_reader *reader)
{
    reader->denied = NULL; /* a changed schema makes SQLite prepare, and ask, again */
    reader->entered_ms = time_monotonic_ms();
}

int store_reader_leave(struct store_reader *reader, int code, struct aceso_error *error)
{
    reader->spent_ms += time_monotonic_ms() - reader->entered_ms;
    if (code == ACESO_ETIMEOUT)
        return error_set(error, code, "query", "it took longer than %lld ms",
                         (long long)reader->limits.time_ms);
    if (code == ACESO_ELIMIT)
        return error_set(error, code, "query", "a value longer than %zu bytes",
                         reader->limits.value_bytes);
    if (code == 1 && ++reader->rows > reader->limits.rows)
        return error_set(error, ACESO_ELIMIT, "query", "more than %lld rows",
                         (long long)reader->limits.rows);
    return code < 0 ? error_at(error, code, "query") : code;
}

void store_reader_finish(struct store_reader *reader)
{
    (void)sqlite3_finalize(reader->query.handle);
    reader->query.handle = NULL;
    reader->query.in_use = false;
}

static void reader_limit(sqlite3 *database)
{
    (void)sqlite3_limit(database, SQLITE_LIMIT_SQL_LENGTH, STORE_QUERY_TEXT_MAX + 1);
    (void)sqlite3_limit(database, SQLITE_LIMIT_COLUMN, 64);
    (void)sqlite3_limit(database, SQLITE_LIMIT_EXPR_DEPTH, 64);
    (void)sqlite3_limit(database, SQLITE_LIMIT_COMPOUND_SELECT, 4);
    (void)sqlite3_limit(database, SQLITE_LIMIT_VDBE_OP, 25000);
    (void)sqlite3_limit(database, SQLITE_LIMIT_FUNCTION_ARG, 4);
    (void)sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(database, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64);
    (void)sqlite3_limit(database, SQLITE_LIMIT_VARIABLE_NUMBER, 0);
    (void)sqlite3_limit(database, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
    (void)sqlite3_limit(database, SQLITE_LIMIT_WORKER_THREADS, 0);
}

static int reader_configure(struct store_reader *reader, struct aceso_error *error)
{
    sqlite3 *database = reader->database;
    int result;

    (void)sqlite3_extended_result_codes(database, 1);
    (void)sqlite3_busy_timeout(database, READER_BUSY_MS);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    result = sqlite3_exec(database,
                          "PRAGMA query_only = ON;"
                          "PRAGMA trusted_schema = OFF;"
                          "PRAGMA temp_store = FILE;"
                          "PRAGMA cell_size_check = ON;",
                          NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_set_authorizer(database, reader_authorize, reader);
    reader_limit(database);
    sqlite3_progress_handler(database, READER_PROGRESS_STEPS, reader_progress, reader);
    return result == SQLITE_OK ? ACESO_OK : store_failed(database, result, error);
}

int store_open_reader(const char *path, struct store_reader **reader, struct aceso_error *error)
{
    const struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct store_reader *made = calloc(1, sizeof *made);
    int result, code = ACESO_OK;

    if (!made)
        return error_set(error, ACESO_EMEMORY, "database", "no memory");
    made->limits = limits;
    made->entered_ms = time_monotonic_ms();
    result = sqlite3_open_v2(path, &made->database,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             NULL);
    if (result != SQLITE_OK)
        code = store_failed(made->database, result, error);
    if (!code)
        code = reader_configure(made, error);
    if (code)
        store_close_reader(made);
    else
        *reader = made;
    return code;
}

void store_close_reader(struct store_reader *reader)
{
    if (!reader)
        return;
    assert(!reader->query.in_use);
    (void)sqlite3_close_v2(reader->database);
    free(reader);
}

static bool reader_is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '$' || c >= 0x80;
}

/* No WITH anywhere, quoted or not: nobody needs the word, and no lexer of ours can then differ
 * from SQLite's. No NUL, which would hide what follows. */
static bool reader_text_valid(struct bytes sql)
{
    for (size_t i = 0; i < sql.len; i++) {
        if (sql.data[i] == 0)
            return false;
        if (sql.len - i >= 4 && strncasecmp((const char *)sql.data + i, "with", 4) == 0 &&
            (i == 0 || !reader_is_word(sql.data[i - 1])) &&
            (sql.len - i == 4 || !reader_is_word(sql.data[i + 4])))
            return false;
    }
    return text_is_utf8(sql);
}

/* Nothing but white space and ';' may follow the statement. */
static bool reader_is_end(const char *tail)
{
    return tail[strspn(tail, " \t\r\n;")] == '\0';
}

/* Prepares with the authorizer watching, and counts the SELECTs. */
static int reader_prepare(struct store_reader *reader, const char *text, sqlite3_stmt **handle,
                          const char **tail, struct aceso_error *error)
{
    int result, code;

    reader->selects = 0;
    reader->view_seen = false;
    reader->denied = NULL;
    reader->rows = 0;
    reader->spent_ms = 0;
    reader->entered_ms = time_monotonic_ms();
    result = sqlite3_prepare_v3(reader->database, text, -1, 0, handle, tail);
    reader->spent_ms = time_monotonic_ms() - reader->entered_ms;
    if (result == SQLITE_OK)
        return ACESO_OK;
    code = store_failed(reader->database, result, error);
    if (reader->denied)
        return error_set(error, ACESO_EDENIED, "query", "%s is not allowed", reader->denied);
    return error_at(error, code, "query");
}

/* How many SELECTs one use of the view alone is. Names of views are ours. */
static int reader_measure(struct store_reader *reader, const char *view, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(256);
    sqlite3_stmt *handle = NULL;
    const char *tail;
    int code;

    memset(reader->view, 0, sizeof reader->view);
    memcpy(reader->view, view, strlen(view));
    code = buffer_printf(&text, "SELECT * FROM main.\"%s\"", view);
    code = code ? error_set(error, code, "query", "no memory")
                : reader_prepare(reader, buffer_text(&text), &handle, &tail, error);
    (void)sqlite3_finalize(handle);
    buffer_free(&text);
    reader->view_selects = reader->selects;
    if (code)
        reader->view[0] = '\0';
    return code;
}

/* The text of an outsider: one statement, a SELECT, that uses the view once. */
static int reader_prepare_query(struct store_reader *reader, const char *text,
                                sqlite3_stmt **handle, struct aceso_error *error)
{
    sqlite3_stmt *made = NULL;
    const char *tail = NULL;
    int code = reader_prepare(reader, text, &made, &tail, error);

    if (code)
        return code;
    if (!made)
        code = error_set(error, ACESO_EUSAGE, "query", "there is no statement in it");
    else if (!reader_is_end(tail))
        code = error_set(error, ACESO_EDENIED, "query", "more than one statement is not allowed");
    else if (sqlite3_stmt_isexplain(made) || !sqlite3_stmt_readonly(made) || !reader->view_seen ||
             reader->selects != reader->view_selects)
        code = error_set(error, ACESO_EDENIED, "query", "one SELECT on the view %s, nothing else",
                         reader->view);
    if (code)
        (void)sqlite3_finalize(made);
    else
        *handle = made;
    return code;
}

int store_query_open(struct store_reader *reader, struct bytes sql, const char *view,
                     const struct store_limits *limits, struct statement **query,
                     struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(STORE_QUERY_TEXT_MAX);
    int code;

    if (reader->query.in_use || strlen(view) >= sizeof reader->view)
        return error_set(error, ACESO_ESTATE, "query", "one query at a time on a short name");
    if (sql.len > STORE_QUERY_TEXT_MAX)
        return error_set(error, ACESO_ELIMIT, "query", "longer than %d bytes",
                         STORE_QUERY_TEXT_MAX);
    if (!reader_text_valid(sql))
        return error_set(error, ACESO_EDENIED, "query", "the word WITH or bytes that are no text");
    reader->limits = *limits;
    (void)sqlite3_limit(reader->database, SQLITE_LIMIT_LENGTH,
                        limits->value_bytes > INT32_MAX ? INT32_MAX : (int)limits->value_bytes);
    code = strcmp(view, reader->view) == 0 ? ACESO_OK : reader_measure(reader, view, error);
    reader->query = (struct statement){ .database = reader->database, .reader = reader };
    if (!code && buffer_put_bytes(&text, sql))
        code = error_set(error, text.failed, "query", "no memory");
    if (!code)
        code = reader_prepare_query(reader, buffer_text(&text), &reader->query.handle, error);
    buffer_free(&text);
    if (code)
        return code;
    reader->query.in_use = true;
    *query = &reader->query;
    return ACESO_OK;
}

int store_query(struct store_reader *reader, struct bytes sql, const char *view,
                const struct store_limits *limits, store_row *row, void *context,
                struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_query_open(reader, sql, view, limits, &query, error);

    if (code)
        return code;
    while ((code = statement_step(query, error)) == 1) {
        code = row(context, query);
        if (code)
            break;
    }
    statement_finish(query);
    return code;
}
