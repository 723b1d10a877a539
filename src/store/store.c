/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/text.h"
#include "store/store_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_BUSY_MS 10000
#define STORE_STATEMENTS_MAX 64 /* kept by their text; more in use at once are possible */

struct store {
    sqlite3 *database;
    struct statement *statements;
    size_t n_statements;
};

static int store_code(int result)
{
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ACESO_EBUSY;
    case SQLITE_NOMEM:
        return ACESO_EMEMORY;
    case SQLITE_TOOBIG:
        return ACESO_ELIMIT;
    case SQLITE_INTERRUPT:
        return ACESO_ETIMEOUT;
    case SQLITE_AUTH:
        return ACESO_EDENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return ACESO_EFORMAT;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ACESO_EIO;
    case SQLITE_CONSTRAINT:
        return result == SQLITE_CONSTRAINT_PRIMARYKEY || result == SQLITE_CONSTRAINT_UNIQUE ||
                       result == SQLITE_CONSTRAINT_ROWID
                   ? ACESO_EEXISTS
                   : ACESO_ESTATE;
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
        return ACESO_EUSAGE;
    default:
        return ACESO_EINTERNAL;
    }
}

int store_failed(sqlite3 *database, int result, struct aceso_error *error)
{
    return error_set(error, store_code(result), "database", "%s",
                     database && sqlite3_extended_errcode(database) == result
                         ? sqlite3_errmsg(database)
                         : sqlite3_errstr(result));
}

/* The file exists, with nobody else's rights on it, before SQLite sees it: the log files take
 * over its mode. One that is there is not opened: to close it would drop the locks that this
 * process has on it, and another one would take itself for the last and remove the log. */
static int store_make_file(const char *path, struct aceso_error *error)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct stat info;
    bool ok = file >= 0 || (errno == EEXIST && lstat(path, &info) == 0 &&
                            S_ISREG(info.st_mode) && access(path, R_OK | W_OK) == 0 &&
                            chmod(path, 0600) == 0);

    if (file >= 0)
        (void)close(file);
    return ok ? ACESO_OK
              : error_set(error, ACESO_EIO, "database", "the file cannot be opened: %s",
                          errno ? strerror(errno) : "not a file");
}

static int store_run(sqlite3 *database, const char *sql, struct aceso_error *error)
{
    int result = sqlite3_exec(database, sql, NULL, NULL, NULL);

    return result == SQLITE_OK
               ? ACESO_OK
               : store_failed(database, sqlite3_extended_errcode(database), error);
}

static int store_version(sqlite3 *database, int64_t *version, struct aceso_error *error)
{
    sqlite3_stmt *handle = NULL;
    int result = sqlite3_prepare_v2(database, "PRAGMA user_version", -1, &handle, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(handle);
    if (result == SQLITE_ROW)
        *version = sqlite3_column_int64(handle, 0);
    (void)sqlite3_finalize(handle);
    return result == SQLITE_ROW ? ACESO_OK : store_failed(database, result, error);
}

/* One migration and the version that it leads to, both or neither. Whether it is still to be done
 * is asked again under the write lock: another connection may have been first. */
static int store_migrate_one(sqlite3 *database, const char *sql, size_t to,
                             struct aceso_error *error)
{
    struct buffer version = BUFFER_INIT(64);
    int64_t present = 0;
    int code = buffer_printf(&version, "PRAGMA user_version = %zu", to);

    if (!code)
        code = store_run(database, "BEGIN IMMEDIATE", error);
    if (!code)
        code = store_version(database, &present, error);
    if (!code && (uint64_t)present < to) {
        code = store_run(database, sql, error);
        if (!code)
            code = store_run(database, buffer_text(&version), error);
    }
    if (!code)
        code = store_run(database, "COMMIT", error);
    if (code && !sqlite3_get_autocommit(database))
        (void)sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    buffer_free(&version);
    return code ? error_wrap(error, code, "schema version %zu", to) : ACESO_OK;
}

static int store_migrate_all(sqlite3 *database, const char *const *migrations, size_t n,
                         struct aceso_error *error)
{
    int64_t version = 0;
    int code = store_version(database, &version, error);

    if (code)
        return code;
    if (version < 0 || (uint64_t)version > n)
        return error_set(error, ACESO_ESTATE, "database",
                         "its schema has version %lld, this program knows up to %zu",
                         (long long)version, n);
    for (size_t i = (size_t)version; i < n && !code; i++)
        code = store_migrate_one(database, migrations[i], i + 1, error);
    return code;
}

/* Turning a new file into one with a write-ahead log does not wait for others who do the same:
 * SQLite gives up at once, whatever the busy timeout. */
static int store_use_log(sqlite3 *database, struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + STORE_BUSY_MS;
    int code;

    while ((code = store_run(database, "PRAGMA journal_mode = WAL;", error)) == ACESO_EBUSY &&
           time_monotonic_ms() < until)
        (void)sqlite3_sleep(1);
    return code;
}

static int store_configure(sqlite3 *database, struct aceso_error *error)
{
    int code;

    (void)sqlite3_extended_result_codes(database, 1);
    (void)sqlite3_busy_timeout(database, STORE_BUSY_MS);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    code = store_use_log(database, error);
    if (code)
        return code;
    return store_run(database,
                     "PRAGMA secure_delete = ON;"
                     "PRAGMA synchronous = FULL;"
                     "PRAGMA foreign_keys = ON;"
                     "PRAGMA temp_store = MEMORY;",
                     error);
}

int store_open(const char *path, const char *const *migrations, size_t n, struct store **store,
               struct aceso_error *error)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_EXRESCODE;
    struct store *made;
    int result, code = ACESO_OK;

    errno = 0;
    if (strcmp(path, ":memory:") != 0)
        code = store_make_file(path, error);
    if (code)
        return code;
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, ACESO_EMEMORY, "database", "no memory");
    result = sqlite3_open_v2(path, &made->database, flags, NULL);
    if (result != SQLITE_OK)
        code = store_failed(made->database, result, error);
    if (!code)
        code = store_configure(made->database, error);
    if (!code)
        code = store_migrate_all(made->database, migrations, n, error);
    if (code)
        store_close(made);
    else
        *store = made;
    return code;
}

void store_close(struct store *store)
{
    struct statement *next;

    if (!store)
        return;
    for (struct statement *at = store->statements; at; at = next) {
        next = at->next;
        assert(!at->in_use);
        (void)sqlite3_finalize(at->handle);
        free(at);
    }
    (void)sqlite3_close_v2(store->database);
    free(store);
}

bool store_in_transaction(const struct store *store)
{
    return sqlite3_get_autocommit(store->database) == 0;
}

int store_begin(struct store *store, struct aceso_error *error)
{
    if (store_in_transaction(store))
        return error_set(error, ACESO_ESTATE, "database", "a transaction is open already");
    return store_run(store->database, "BEGIN IMMEDIATE", error);
}

int store_commit(struct store *store, struct aceso_error *error)
{
    int code;

    if (!store_in_transaction(store))
        return error_set(error, ACESO_ESTATE, "database", "there is no transaction to commit");
    code = store_run(store->database, "COMMIT", error);
    if (code)
        store_rollback(store);
    return code;
}

void store_rollback(struct store *store)
{
    if (store_in_transaction(store))
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

int store_exec(struct store *store, const char *sql, struct aceso_error *error)
{
    return store_run(store->database, sql, error);
}

int64_t store_changes(const struct store *store)
{
    return sqlite3_changes64(store->database);
}

int64_t store_last_rowid(const struct store *store)
{
    return sqlite3_last_insert_rowid(store->database);
}

static struct statement *store_kept(struct store *store, const char *sql)
{
    for (struct statement *at = store->statements; at; at = at->next) {
        if (!at->in_use && strcmp(sqlite3_sql(at->handle), sql) == 0)
            return at;
    }
    return NULL;
}

/* Makes room: drops the statements that nobody uses. */
static void store_drop_kept(struct store *store)
{
    struct statement **link = &store->statements;

    while (*link) {
        struct statement *at = *link;

        if (at->in_use) {
            link = &at->next;
            continue;
        }
        *link = at->next;
        (void)sqlite3_finalize(at->handle);
        free(at);
        store->n_statements--;
    }
}

int store_prepare(struct store *store, const char *sql, struct statement **statement,
                  struct aceso_error *error)
{
    struct statement *made = store_kept(store, sql);
    int result;

    if (made) {
        made->in_use = true;
        *statement = made;
        return ACESO_OK;
    }
    if (store->n_statements >= STORE_STATEMENTS_MAX)
        store_drop_kept(store);
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, ACESO_EMEMORY, "database", "no memory");
    made->database = store->database;
    result = sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &made->handle,
                                NULL);
    if (result != SQLITE_OK || !made->handle) {
        free(made);
        return result == SQLITE_OK
                   ? error_set(error, ACESO_EUSAGE, "database", "a statement without text")
                   : store_failed(store->database, result, error);
    }
    made->in_use = true;
    made->next = store->statements;
    store->statements = made;
    store->n_statements++;
    *statement = made;
    return ACESO_OK;
}

static void statement_bound(struct statement *statement, int result)
{
    if (result != SQLITE_OK && statement->failed == SQLITE_OK)
        statement->failed = result;
}

void statement_bind_int(struct statement *statement, int index, int64_t value)
{
    statement_bound(statement, sqlite3_bind_int64(statement->handle, index, value));
}

void statement_bind_blob(struct statement *statement, int index, struct bytes value)
{
    statement_bound(statement, value.len
                                   ? sqlite3_bind_blob64(statement->handle, index, value.data,
                                                         value.len, SQLITE_TRANSIENT)
                                   : sqlite3_bind_zeroblob(statement->handle, index, 0));
}

void statement_bind_text(struct statement *statement, int index, const char *value)
{
    statement_bound(statement, sqlite3_bind_text64(statement->handle, index, value, strlen(value),
                                                   SQLITE_TRANSIENT, SQLITE_UTF8));
}

void statement_bind_null(struct statement *statement, int index)
{
    statement_bound(statement, sqlite3_bind_null(statement->handle, index));
}

int statement_step(struct statement *statement, struct aceso_error *error)
{
    int result, code;

    if (statement->failed)
        return store_failed(NULL, statement->failed, error);
    if (statement->reader)
        store_reader_enter(statement->reader);
    result = sqlite3_step(statement->handle);
    if (result == SQLITE_ROW)
        code = 1;
    else if (result == SQLITE_DONE)
        code = 0;
    else
        code = store_failed(statement->database, result, error);
    if (statement->reader)
        code = store_reader_leave(statement->reader, code, error);
    if (code != 1)
        (void)sqlite3_reset(statement->handle);
    return code;
}

int statement_run(struct statement *statement, struct aceso_error *error)
{
    int code = statement_step(statement, error);

    if (code == 1)
        code = error_set(error, ACESO_EUSAGE, "database", "a statement that yields rows");
    statement_finish(statement);
    return code;
}

int statement_columns(const struct statement *statement)
{
    return sqlite3_column_count(statement->handle);
}

const char *statement_column_name(const struct statement *statement, int column)
{
    const char *name = sqlite3_column_name(statement->handle, column);

    return name ? name : "";
}

int64_t statement_int(const struct statement *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

struct bytes statement_blob(const struct statement *statement, int column)
{
    const void *data = sqlite3_column_blob(statement->handle, column);

    return bytes_of(data, data ? (size_t)sqlite3_column_bytes(statement->handle, column) : 0);
}

const char *statement_text(const struct statement *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement->handle, column);

    return text ? (const char *)text : "";
}

bool statement_is_null(const struct statement *statement, int column)
{
    return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

int statement_copy(const struct statement *statement, int column, void *out, size_t len)
{
    struct bytes blob = statement_blob(statement, column);

    if (blob.len != len)
        return ACESO_EFORMAT;
    if (len)
        memcpy(out, blob.data, len);
    return ACESO_OK;
}

void statement_reset(struct statement *statement)
{
    (void)sqlite3_reset(statement->handle);
    (void)sqlite3_clear_bindings(statement->handle);
    statement->failed = SQLITE_OK;
}

void statement_finish(struct statement *statement)
{
    if (!statement)
        return;
    if (statement->reader) {
        store_reader_finish(statement->reader);
        return;
    }
    statement_reset(statement);
    statement->in_use = false;
}

static int store_migrate_named(struct store *store, const struct store_migration *migration,
                               struct aceso_error *error)
{
    struct statement *insert = NULL;
    int code = store_prepare(store,
                             "INSERT INTO migration (name) VALUES (?1)"
                             " ON CONFLICT (name) DO NOTHING",
                             &insert, error);

    if (code)
        return code;
    statement_bind_text(insert, 1, migration->name);
    code = statement_run(insert, error);
    if (!code && store_changes(store) == 1)
        code = store_exec(store, migration->sql, error);
    return code ? error_wrap(error, code, "schema '%s'", migration->name) : ACESO_OK;
}

int store_migrate(struct store *store, const struct store_migration *migrations, size_t n,
                  struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; i < n && !code; i++) {
        code = store_begin(store, error);
        if (!code)
            code = store_exec(store, "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)",
                              error);
        if (!code)
            code = store_migrate_named(store, &migrations[i], error);
        if (!code)
            code = store_commit(store, error);
        else
            store_rollback(store);
    }
    return code;
}
