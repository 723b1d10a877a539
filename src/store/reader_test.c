/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on the query lock, on a database shaped like that of the records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "store/store.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const migrations[] = {
    "CREATE TABLE batch (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, head BLOB) STRICT;"
    "CREATE TABLE part (id INTEGER PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batch,"
    " patient BLOB NOT NULL, record BLOB NOT NULL, version INTEGER NOT NULL,"
    " level INTEGER NOT NULL, sealed BLOB NOT NULL, hidden BLOB NOT NULL) STRICT;"
    "CREATE INDEX part_patient ON part (patient, level);"
    "CREATE VIEW parts (patient, record, version, level, sealed, proof) AS"
    " SELECT p.patient, p.record, p.version, p.level, p.sealed, CAST(b.head || p.record AS BLOB)"
    " FROM part AS p CROSS JOIN batch AS b ON b.id = p.batch WHERE b.state = 3;"
    "CREATE VIEW other (hidden) AS SELECT hidden FROM part;"
    "CREATE VIEW lists (record, version) AS SELECT record, version FROM part;"
    "INSERT INTO batch VALUES (1, 3, x'77'), (2, 2, x'78');",
};

#define SIGNED_ROWS 40
#define SEALED_BYTES 4096
#define HIDDEN "6e6f742073686f776e"

struct place {
    char directory[64];
    char path[96];
    struct store *store;
    struct store_reader *reader;
};

static int fill(struct store *store)
{
    struct statement *statement;
    int code = store_begin(store, NULL);

    for (int i = 0; i < SIGNED_ROWS + 10 && !code; i++) {
        const uint8_t patient[20] = { (uint8_t)(i % 2) }, record[4] = { (uint8_t)i };
        static const uint8_t sealed[SEALED_BYTES];

        code = store_prepare(store,
                             "INSERT INTO part (batch, patient, record, version, level, sealed,"
                             " hidden) VALUES (?1, ?2, ?3, 1, ?4, ?5, x'" HIDDEN "')",
                             &statement, NULL);
        if (code)
            break;
        statement_bind_int(statement, 1, i < SIGNED_ROWS ? 1 : 2);
        statement_bind_blob(statement, 2, bytes_of(patient, sizeof patient));
        statement_bind_blob(statement, 3, bytes_of(record, sizeof record));
        statement_bind_int(statement, 4, 1 + i % 4);
        statement_bind_blob(statement, 5, bytes_of(sealed, sizeof sealed));
        code = statement_run(statement, NULL);
    }
    return code ? code : store_commit(store, NULL);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    if (!place)
        return -1;
    (void)snprintf(place->directory, sizeof place->directory, "/tmp/aceso-reader-XXXXXX");
    if (!mkdtemp(place->directory) ||
        file_path(place->directory, "db", place->path, sizeof place->path))
        return -1;
    *state = place;
    if (store_open(place->path, migrations, 1, &place->store, NULL) || fill(place->store) ||
        store_open_reader(place->path, &place->reader, NULL))
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = { "db", "db-wal", "db-shm" };
    struct place *place = *state;
    char path[128];

    store_close_reader(place->reader);
    store_close(place->store);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (file_path(place->directory, names[i], path, sizeof path) == ACESO_OK)
            (void)unlink(path);
    }
    (void)rmdir(place->directory);
    free(place);
    return 0;
}

/* Counts rows; a row that shows what no row may show counts a million. */
static int count_row(void *context, const struct statement *row)
{
    int64_t *rows = context;

    (*rows)++;
    for (int i = 0; i < statement_columns(row); i++) {
        struct bytes value = statement_blob(row, i);

        if (value.len && memmem(value.data, value.len, "not shown", 9))
            *rows += 1000000;
    }
    return 0;
}

static int query_with(const struct place *place, const char *sql, const char *view,
                      struct store_limits limits, int64_t *rows, struct aceso_error *error)
{
    *rows = 0;
    return store_query(place->reader, bytes_of_string(sql), view, &limits, count_row, rows, error);
}

static int query(const struct place *place, const char *sql, int64_t *rows)
{
    const struct store_limits limits = STORE_LIMITS_DEFAULT;

    return query_with(place, sql, "parts", limits, rows, NULL);
}

static void test_allowed(void **state)
{
    static const struct {
        const char *sql;
        int64_t rows;
    } cases[] = {
        { "SELECT * FROM parts", SIGNED_ROWS },
        { "select record, version, level, sealed, proof from parts where level <= 2;", 20 },
        { "SELECT record FROM parts WHERE patient = x'0100000000000000000000000000000000000000'"
          " AND level <= 3 ORDER BY record LIMIT 5 OFFSET 2",
          5 },
        { "SELECT patient, count(*) FROM parts GROUP BY patient HAVING count(*) > 1", 2 },
        { "SELECT DISTINCT level FROM parts ORDER BY 1 DESC", 4 },
        { "SELECT count(*), max(version), min(level), length(sealed) FROM parts", 1 },
        { "SELECT hex(record) FROM \"parts\" AS part ; ", SIGNED_ROWS },
        { "SELECT p.record FROM main.parts AS p WHERE p.level IN (1, 2) -- a remark", 20 },
        { "SELECT CASE level WHEN 1 THEN record ELSE x'00' END FROM parts", SIGNED_ROWS },
        { "SELECT count(*) FROM parts", 1 },
        { "SELECT 1 FROM parts", SIGNED_ROWS },
    };
    int64_t rows;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code = query(*state, cases[i].sql, &rows);

        if (code)
            print_error("%s\n", cases[i].sql);
        assert_int_equal(code, ACESO_OK);
        assert_int_equal(rows, cases[i].rows);
    }
}

static const char *const denied[] = {
    /* other tables and views, by any road */
    "SELECT hidden FROM part",
    "SELECT * FROM part",
    "SELECT count(*) FROM part",
    "SELECT 1 FROM part",
    "SELECT hidden FROM other",
    "SELECT record FROM parts UNION SELECT hidden FROM part",
    "SELECT record FROM parts UNION ALL SELECT hidden FROM part",
    "SELECT hidden FROM part INTERSECT SELECT hidden FROM part",
    "SELECT record FROM parts EXCEPT SELECT hidden FROM part",
    "SELECT record, (SELECT hidden FROM part LIMIT 1) FROM parts",
    "SELECT record FROM parts WHERE (SELECT count(*) FROM part) > 0",
    "SELECT record FROM parts WHERE EXISTS (SELECT 1 FROM part)",
    "SELECT record FROM parts WHERE record IN (SELECT hidden FROM part)",
    "SELECT record FROM parts WHERE record IN other",
    "SELECT record FROM parts ORDER BY (SELECT hidden FROM part)",
    "SELECT record FROM parts LIMIT (SELECT count(*) FROM part)",
    "SELECT parts.record FROM parts, part",
    "SELECT hidden FROM parts NATURAL JOIN part",
    "SELECT part.hidden FROM parts LEFT JOIN part ON 1",
    "SELECT hidden FROM (SELECT hidden FROM part) AS parts",
    "SELECT * FROM (SELECT hidden FROM part) parts",
    "SELECT hidden FROM main.part AS parts",
    /* a common table expression that takes the view's name would pass for it */
    "WITH parts AS (SELECT hidden FROM part) SELECT * FROM parts",
    "WITH parts(a) AS (SELECT hidden FROM part) SELECT a FROM main.parts, parts",
    "with/**/parts as not materialized (select hidden from part) select * from parts",
    "SELECT record FROM parts WHERE 0 IN (WITH parts AS (SELECT hidden FROM part) SELECT 1)",
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n, parts",
    /* the schema and what SQLite itself offers as tables */
    "SELECT sql FROM sqlite_schema",
    "SELECT sql FROM sqlite_master",
    "SELECT name FROM main.sqlite_master",
    "SELECT name FROM temp.sqlite_schema",
    "SELECT * FROM sqlite_temp_master",
    "SELECT * FROM pragma_table_info('part')",
    "SELECT * FROM pragma_database_list",
    "SELECT count(*) FROM pragma_table_list",
    "SELECT record FROM parts WHERE 'part' IN pragma_table_list",
    "SELECT * FROM json_each('[1,2]')",
    "SELECT record FROM parts, json_each('[1,2,3]')",
    "SELECT * FROM dbstat",
    /* functions */
    "SELECT load_extension('x') FROM parts",
    "SELECT randomblob(1000000000) FROM parts",
    "SELECT zeroblob(1000000000) FROM parts",
    "SELECT printf('%1000000000d', 1) FROM parts",
    "SELECT format('%.*c', 1000000000, 'x') FROM parts",
    "SELECT replace(hex(sealed), '0', hex(sealed)) FROM parts",
    "SELECT group_concat(hex(sealed)) FROM parts",
    "SELECT quote(sealed) FROM parts",
    "SELECT sqlite_version() FROM parts",
    "SELECT random() FROM parts",
    "SELECT last_insert_rowid() FROM parts",
    "SELECT record FROM parts WHERE record LIKE '%a%'",
    "SELECT record FROM parts WHERE record GLOB '*'",
    "SELECT '{}' -> 'a' FROM parts",
    "SELECT sum(level) FROM parts",
    "SELECT current_timestamp FROM parts",
    /* not one SELECT on the view */
    "SELECT 1",
    "VALUES (1)",
    "SELECT a.record FROM parts AS a, parts AS b",
    "SELECT record FROM parts UNION ALL SELECT record FROM parts",
    "SELECT record FROM parts UNION ALL VALUES (1)",
    "SELECT record FROM parts WHERE version = (SELECT max(version) FROM parts)",
    "SELECT record FROM (SELECT record FROM parts)",
    "SELECT record FROM parts, (VALUES (1), (2), (3))",
    "SELECT record, (SELECT 1) FROM parts",
    "SELECT record FROM parts; SELECT record FROM parts",
    "SELECT record FROM parts; DROP TABLE part",
    "SELECT record FROM parts;;x",
    "EXPLAIN SELECT record FROM parts",
    "EXPLAIN QUERY PLAN SELECT record FROM parts",
    /* statements of other kinds */
    "PRAGMA table_info(part)",
    "PRAGMA user_version",
    "PRAGMA query_only = OFF",
    "ATTACH 'x' AS y",
    "ATTACH ':memory:' AS y",
    "DETACH main",
    "VACUUM INTO 'x'",
    "VACUUM",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT x",
    "ANALYZE",
    "REINDEX",
    "DELETE FROM part",
    "INSERT INTO part (batch) SELECT 1 FROM parts",
    "UPDATE part SET hidden = x'00'",
    "UPDATE batch SET state = 3 RETURNING state",
    "CREATE TABLE x (y)",
    "CREATE TEMP VIEW parts AS SELECT hidden FROM part",
    "CREATE TEMP TABLE x AS SELECT * FROM parts",
    "DROP VIEW parts",
    "ALTER TABLE part RENAME TO x",
};

static void test_denied(void **state)
{
    int64_t rows;

    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        int code = query(*state, denied[i], &rows);

        if (code != ACESO_EDENIED)
            print_error("%d %s\n", code, denied[i]);
        assert_int_equal(code, ACESO_EDENIED);
        assert_int_equal(rows, 0);
    }
    assert_int_equal(query(*state, "SELECT * FROM parts", &rows), ACESO_OK);
    assert_int_equal(rows, SIGNED_ROWS);
}

static void test_wrong_sql(void **state)
{
    static const char *const wrong[] = {
        "",
        ";",
        "-- nothing",
        "SELECT",
        "SELECT nothing FROM parts",
        "SELECT hidden FROM parts",
        "SELECT record FROM parts WHERE patient = \"x\"",
        "SELECT record FROM parts WHERE patient = ?1",
        "SELECT record FROM parts WHERE patient = :p",
        /* what SQLite refuses by itself */
        "SELECT * FROM sqlite_dbpage",
        "SELECT readfile('x') FROM parts",
        "DELETE FROM parts",
    };
    int64_t rows;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(query(*state, wrong[i], &rows), ACESO_EUSAGE);
}

static void test_text_limits(void **state)
{
    const struct place *place = *state;
    const struct store_limits limits = STORE_LIMITS_DEFAULT;
    char text[STORE_QUERY_TEXT_MAX + 1];
    struct statement *open = NULL;
    int64_t rows;

    memset(text, ' ', sizeof text);
    memcpy(text, "SELECT 1 FROM parts", 19);
    assert_int_equal(store_query_open(place->reader, bytes_of(text, sizeof text), "parts", &limits,
                                      &open, NULL),
                     ACESO_ELIMIT);
    assert_int_equal(store_query(place->reader, bytes_of(text, sizeof text - 1), "parts", &limits,
                                 count_row, &rows, NULL),
                     ACESO_OK);
    text[30] = '\0';
    assert_int_equal(store_query_open(place->reader, bytes_of(text, 40), "parts", &limits, &open,
                                      NULL),
                     ACESO_EDENIED);
    text[30] = (char)0xff;
    assert_int_equal(store_query_open(place->reader, bytes_of(text, 40), "parts", &limits, &open,
                                      NULL),
                     ACESO_EDENIED);
    assert_null(open);
}

static void test_row_limit(void **state)
{
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct aceso_error error = { 0 };
    int64_t rows;

    limits.rows = SIGNED_ROWS;
    assert_int_equal(query_with(*state, "SELECT record FROM parts", "parts", limits, &rows, NULL),
                     ACESO_OK);
    limits.rows = SIGNED_ROWS - 1;
    assert_int_equal(query_with(*state, "SELECT record FROM parts", "parts", limits, &rows,
                                &error),
                     ACESO_ELIMIT);
    assert_int_equal(rows, SIGNED_ROWS - 1);
    assert_non_null(strstr(error.text, "rows"));
}

static void test_value_limit(void **state)
{
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct aceso_error error = { 0 };
    int64_t rows;

    limits.value_bytes = 8 * SEALED_BYTES;
    assert_int_equal(query_with(*state, "SELECT hex(sealed) FROM parts", "parts", limits, &rows,
                                NULL),
                     ACESO_OK);
    assert_int_equal(query_with(*state, "SELECT length(hex(hex(hex(hex(sealed))))) FROM parts",
                                "parts", limits, &rows, &error),
                     ACESO_ELIMIT);
    assert_int_equal(query_with(*state,
                                "SELECT length(sealed||sealed||sealed||sealed||sealed||sealed||"
                                "sealed||sealed||sealed) FROM parts",
                                "parts", limits, &rows, &error),
                     ACESO_ELIMIT);
    limits.value_bytes = SEALED_BYTES / 2;
    assert_int_equal(query_with(*state, "SELECT sealed FROM parts", "parts", limits, &rows, NULL),
                     ACESO_ELIMIT);
}

static void test_time_limit(void **state)
{
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct buffer sql = BUFFER_INIT(STORE_QUERY_TEXT_MAX);
    int64_t rows;

    /* Steps enough for the clock to be looked at. */
    limits.time_ms = -1;
    (void)buffer_put_string(&sql, "SELECT count(*) FROM parts WHERE level = 0");
    for (int i = 0; i < 60; i++)
        (void)buffer_printf(&sql, " OR length(record) = %d", 100 + i);
    assert_int_equal(sql.failed, ACESO_OK);
    assert_int_equal(query_with(*state, buffer_text(&sql), "parts", limits, &rows, NULL),
                     ACESO_ETIMEOUT);
    limits.time_ms = 10000;
    assert_int_equal(query_with(*state, buffer_text(&sql), "parts", limits, &rows, NULL),
                     ACESO_OK);
    buffer_free(&sql);
}

static int stop_at_three(void *context, const struct statement *row)
{
    int *rows = context;

    (void)row;
    return ++*rows == 3 ? ACESO_ECANCELLED : 0;
}

static void test_callback_stops(void **state)
{
    const struct place *place = *state;
    const struct store_limits limits = STORE_LIMITS_DEFAULT;
    int rows = 0;

    assert_int_equal(store_query(place->reader, bytes_of_string("SELECT record FROM parts"),
                                 "parts", &limits, stop_at_three, &rows, NULL),
                     ACESO_ECANCELLED);
    assert_int_equal(rows, 3);
}

/* Row by row, with a writer in between: the query keeps its snapshot, the next one sees more. */
static void test_open_query_keeps_its_snapshot(void **state)
{
    const struct place *place = *state;
    const struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct statement *open = NULL, *second = NULL;
    int64_t rows = 1, after;

    assert_int_equal(store_query_open(place->reader, bytes_of_string("SELECT record FROM parts"),
                                      "parts", &limits, &open, NULL),
                     ACESO_OK);
    assert_int_equal(statement_step(open, NULL), 1);
    assert_string_equal(statement_column_name(open, 0), "record");
    assert_int_equal(store_exec(place->store, "UPDATE batch SET state = 3", NULL), ACESO_OK);
    assert_int_equal(store_query_open(place->reader, bytes_of_string("SELECT record FROM parts"),
                                      "parts", &limits, &second, NULL),
                     ACESO_ESTATE);
    while (statement_step(open, NULL) == 1)
        rows++;
    assert_int_equal(rows, SIGNED_ROWS);
    statement_finish(open);
    assert_int_equal(query(place, "SELECT record FROM parts", &after), ACESO_OK);
    assert_int_equal(after, SIGNED_ROWS + 10);
}

/* The schema changes while a query waits: it is prepared again, and judged again. */
static void test_changed_schema(void **state)
{
    const struct place *place = *state;
    const struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct statement *open = NULL;
    int64_t rows = 0;

    assert_int_equal(store_query_open(place->reader, bytes_of_string("SELECT record FROM parts"),
                                      "parts", &limits, &open, NULL),
                     ACESO_OK);
    assert_int_equal(store_exec(place->store, "CREATE TABLE later (id INTEGER)", NULL), ACESO_OK);
    while (statement_step(open, NULL) == 1)
        rows++;
    assert_int_equal(rows, SIGNED_ROWS);
    statement_finish(open);
    assert_int_equal(store_query_open(place->reader, bytes_of_string("SELECT record FROM parts"),
                                      "parts", &limits, &open, NULL),
                     ACESO_OK);
    assert_int_equal(store_exec(place->store,
                                "DROP VIEW parts;"
                                "CREATE TABLE parts (record BLOB); INSERT INTO parts VALUES (1)",
                                NULL),
                     ACESO_OK);
    rows = statement_step(open, NULL); /* a table of that name is what was asked for */
    assert_true(rows == 1 || rows < 0);
    statement_finish(open);
}

static void test_another_view(void **state)
{
    const struct store_limits limits = STORE_LIMITS_DEFAULT;
    int64_t rows;

    assert_int_equal(query_with(*state, "SELECT version FROM lists", "lists",
                                limits, &rows, NULL),
                     ACESO_OK);
    assert_int_equal(rows, SIGNED_ROWS + 10);
    assert_int_equal(query_with(*state, "SELECT record FROM parts", "lists", limits, &rows, NULL),
                     ACESO_EDENIED);
    assert_int_equal(query_with(*state, "SELECT 1 FROM lists, (SELECT 1)", "lists", limits,
                                &rows, NULL),
                     ACESO_EDENIED);
    assert_int_equal(query_with(*state, "SELECT 1", "nowhere", limits, &rows, NULL),
                     ACESO_EUSAGE);
    assert_int_equal(query(*state, "SELECT record FROM parts", &rows), ACESO_OK);
}

/* Nobody else has the file open: the log that the reader needs is made anew. */
static void test_reader_alone(void **state)
{
    struct place *place = *state;
    int64_t rows;

    store_close_reader(place->reader);
    store_close(place->store);
    place->store = NULL;
    place->reader = NULL;
    assert_int_equal(store_open_reader(place->path, &place->reader, NULL), ACESO_OK);
    assert_int_equal(query(place, "SELECT * FROM parts", &rows), ACESO_OK);
    assert_int_equal(rows, SIGNED_ROWS);
}

static void test_missing_file(void **state)
{
    struct store_reader *reader = NULL;

    (void)state;
    assert_int_equal(store_open_reader("/nonexistent/db", &reader, NULL), ACESO_EIO);
    assert_null(reader);
    store_close_reader(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_allowed),
        TEST(test_denied),
        TEST(test_wrong_sql),
        TEST(test_text_limits),
        TEST(test_row_limit),
        TEST(test_value_limit),
        TEST(test_time_limit),
        TEST(test_callback_stops),
        TEST(test_open_query_keeps_its_snapshot),
        TEST(test_changed_schema),
        TEST(test_another_view),
        TEST(test_reader_alone),
        TEST(test_missing_file),
    };

    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
