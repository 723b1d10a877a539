/* SPDX-License-Identifier: Apache-2.0 */
/* A node's database: SQLite behind one small interface. Uses base and sqlite3.
 *
 * A store, its statements and a store_reader belong to one thread at a time. Two threads open two
 * of them on the same file; the second writer waits up to 10 s, then gets ACESO_EBUSY.
 *
 * Error texts may hold names of tables and columns, never bound values. Errors: ACESO_EEXISTS (a
 * key is there already), ACESO_ESTATE (another constraint), ACESO_EBUSY, ACESO_EIO (disk, or no
 * right to the file), ACESO_EFORMAT (not a database, or damaged), ACESO_EMEMORY, ACESO_ELIMIT,
 * ACESO_EUSAGE (the statement itself is wrong). */
#ifndef ACESO_STORE_STORE_H
#define ACESO_STORE_STORE_H

#include "base/buffer.h"

struct store;
struct statement;

/* Opens (makes, mode 0600) the database at `path` and brings it to schema version `n`:
 * `migrations[i]` is the SQL text that leads from version i to i + 1, each applied in a
 * transaction of its own; texts that were released are never changed. ACESO_ESTATE when the
 * file's version is above `n`. Write-ahead log, foreign keys on, each commit flushed to disk,
 * deleted content overwritten. `path` ":memory:" for tests. `*store` ends with store_close. */
ACESO_NODISCARD int store_open(const char *path, const char *const *migrations, size_t n,
                               struct store **store, struct aceso_error *error);

/* Brings in what came later, each by a name that is never used for anything else: where the
 * database has not had a name yet its text is run, in the order given, each in a transaction of its
 * own. For tables of parts of a program that others may lack, so that their order may differ. */
struct store_migration {
    const char *name;
    const char *sql;
};
ACESO_NODISCARD int store_migrate(struct store *store, const struct store_migration *migrations,
                                  size_t n, struct aceso_error *error);

/* Finishes all statements, rolls back what is not committed. Accepts NULL. */
void store_close(struct store *store);

/* One transaction at a time (ACESO_ESTATE otherwise); begin takes the write lock at once, so that
 * nothing after it meets ACESO_EBUSY. After a failed commit the transaction has been rolled
 * back. Rollback without a transaction does nothing. */
ACESO_NODISCARD int store_begin(struct store *store, struct aceso_error *error);
ACESO_NODISCARD int store_commit(struct store *store, struct aceso_error *error);
void store_rollback(struct store *store);
bool store_in_transaction(const struct store *store);

/* Runs one or more statements that yield no rows. */
ACESO_NODISCARD int store_exec(struct store *store, const char *sql, struct aceso_error *error);

/* Rows that the last insert, update or delete changed, and the rowid of the last insert. */
int64_t store_changes(const struct store *store);
int64_t store_last_rowid(const struct store *store);

/* Readies one statement. Finished ones are kept by their text and handed out again, so preparing
 * the same constant text in a loop is cheap. Every `*statement` goes to statement_finish before
 * store_close. */
ACESO_NODISCARD int store_prepare(struct store *store, const char *sql,
                                  struct statement **statement, struct aceso_error *error);

/* Binds parameter `index` (from 1; "?1" in the text). Contents are copied. A failure is remembered
 * and returned by the next statement_step, so a run of binds needs one check. */
void statement_bind_int(struct statement *statement, int index, int64_t value);
void statement_bind_blob(struct statement *statement, int index, struct bytes value);
void statement_bind_text(struct statement *statement, int index, const char *value);
void statement_bind_null(struct statement *statement, int index);

/* 1: a row is there; 0: done (the statement is reset, its bindings stay); < 0: failed (and reset).
 */
ACESO_NODISCARD int statement_step(struct statement *statement, struct aceso_error *error);

/* Steps a statement that yields no row to its end and finishes it (also on failure). */
ACESO_NODISCARD int statement_run(struct statement *statement, struct aceso_error *error);

/* The current row, columns from 0. Slices and texts live until the next step, reset or finish.
 * NULL reads as 0, an empty slice, "". */
int statement_columns(const struct statement *statement);
const char *statement_column_name(const struct statement *statement, int column);
int64_t statement_int(const struct statement *statement, int column);
struct bytes statement_blob(const struct statement *statement, int column);
const char *statement_text(const struct statement *statement, int column);
bool statement_is_null(const struct statement *statement, int column);

/* Copies a blob of exactly `len` bytes; ACESO_EFORMAT (and `out` untouched) for another length. */
ACESO_NODISCARD int statement_copy(const struct statement *statement, int column, void *out,
                                   size_t len);

/* Back to before the first step; bindings are cleared. */
void statement_reset(struct statement *statement);

/* Gives the statement back. Accepts NULL. */
void statement_finish(struct statement *statement);

/* Queries that come from outside: a read-only connection that runs one SELECT on one named view.
 *
 * The text may hold exactly one SELECT (no compound, no nested one, no WITH), reading columns of
 * the view once; the tables beneath are reached through the view only (its body is a plain join,
 * without nested SELECTs). Functions: count, length, hex, min, max. All else (other tables,
 * sqlite_schema, table-valued functions, pragmas, attach, writes) is refused before it runs, by
 * SQLite's authorizer, with ACESO_EDENIED. */
struct store_reader;

struct store_limits {
    int64_t time_ms;    /* spent inside SQLite, over all steps of a query: ACESO_ETIMEOUT */
    int64_t rows;       /* more rows than this: ACESO_ELIMIT */
    size_t value_bytes; /* the longest value, read or made: ACESO_ELIMIT */
};

#define STORE_QUERY_TEXT_MAX 2048
#define STORE_LIMITS_DEFAULT                                                                       \
    { .time_ms = 10000, .rows = 1000000, .value_bytes = (size_t)48 << 20 }

/* `path` must be there (ACESO_EIO otherwise). */
ACESO_NODISCARD int store_open_reader(const char *path, struct store_reader **reader,
                                      struct aceso_error *error);
void store_close_reader(struct store_reader *reader); /* accepts NULL */

/* A row of a query: read it with the statement_ functions above. 0 goes on, anything else stops
 * the query and is what store_query returns. */
typedef int store_row(void *context, const struct statement *row);

/* Checks and runs `sql` (UTF-8, at most STORE_QUERY_TEXT_MAX bytes, a ';' at its end is allowed)
 * on `view`, and calls `row` for each row. ACESO_EDENIED, ACESO_EUSAGE (not SQL, or no such
 * column), ACESO_ELIMIT, ACESO_ETIMEOUT, ACESO_EBUSY. */
ACESO_NODISCARD int store_query(struct store_reader *reader, struct bytes sql, const char *view,
                                const struct store_limits *limits, store_row *row, void *context,
                                struct aceso_error *error);

/* The same, row by row: statement_step until it is not 1, then statement_finish, all before the
 * next query on this reader. An open query holds a snapshot of the database. */
ACESO_NODISCARD int store_query_open(struct store_reader *reader, struct bytes sql,
                                     const char *view, const struct store_limits *limits,
                                     struct statement **query, struct aceso_error *error);

#endif
