/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a query on the view: no row may show what lies beside it. */
#include "base/secret.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Drawn at the start, so that no query can spell it. */
static uint8_t needle[16];

static const char *const fuzz_migrations[] = {
    "CREATE TABLE batch (id INTEGER PRIMARY KEY, state INTEGER NOT NULL) STRICT;"
    "CREATE TABLE part (batch INTEGER NOT NULL REFERENCES batch, record BLOB NOT NULL,"
    " level INTEGER NOT NULL, sealed BLOB NOT NULL, hidden BLOB NOT NULL) STRICT;"
    "CREATE VIEW parts (record, level, sealed) AS SELECT p.record, p.level, p.sealed"
    " FROM part AS p CROSS JOIN batch AS b ON b.id = p.batch WHERE b.state = 3;"
    "INSERT INTO batch VALUES (1, 3), (2, 2);"
};

static char fuzz_directory[64];
static struct store *fuzz_store;
static struct store_reader *fuzz_reader;

static void fuzz_end(void)
{
    static const char *const names[] = { "db", "db-wal", "db-shm" };
    char path[96];

    store_close_reader(fuzz_reader);
    store_close(fuzz_store);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", fuzz_directory, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(fuzz_directory);
}

/* Two rows that the view shows, one that it does not. */
static int fuzz_fill(void)
{
    struct statement *statement;
    int code = ACESO_OK;

    secret_random(needle, sizeof needle);
    for (int i = 0; i < 3 && !code; i++) {
        code = store_prepare(fuzz_store, "INSERT INTO part VALUES (?1, x'01', ?2, ?3, ?4)",
                             &statement, NULL);
        if (code)
            break;
        statement_bind_int(statement, 1, i < 2 ? 1 : 2);
        statement_bind_int(statement, 2, i);
        statement_bind_blob(statement, 3, i < 2 ? bytes_of("sealed", 6)
                                                : bytes_of(needle, sizeof needle));
        statement_bind_blob(statement, 4, bytes_of(needle, sizeof needle));
        code = statement_run(statement, NULL);
    }
    return code;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[96];

    (void)argc;
    (void)argv;
    (void)snprintf(fuzz_directory, sizeof fuzz_directory, "/tmp/aceso-fuzz-XXXXXX");
    if (!mkdtemp(fuzz_directory))
        abort();
    (void)snprintf(path, sizeof path, "%s/db", fuzz_directory);
    if (store_open(path, fuzz_migrations, 1, &fuzz_store, NULL) ||
        fuzz_fill() || store_open_reader(path, &fuzz_reader, NULL) || atexit(fuzz_end))
        abort();
    return 0;
}

static int fuzz_row(void *context, const struct statement *row)
{
    (void)context;
    for (int i = 0; i < statement_columns(row); i++) {
        struct bytes value = statement_blob(row, i);

        if (value.len && memmem(value.data, value.len, needle, sizeof needle))
            abort();
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct store_limits limits = { .time_ms = 200, .rows = 1000, .value_bytes = 65536 };

    (void)!store_query(fuzz_reader, bytes_of(data, size), "parts", &limits, fuzz_row, NULL, NULL);
    return 0;
}
