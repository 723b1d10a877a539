/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "store/store.h"

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const migrations[] = {
    "CREATE TABLE note (id INTEGER PRIMARY KEY, body BLOB NOT NULL UNIQUE, word TEXT) STRICT;",
    "CREATE TABLE link (note INTEGER NOT NULL REFERENCES note) STRICT;"
    "INSERT INTO note (body) VALUES (x'01');",
};

struct place {
    char directory[64];
    char path[96];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    if (!place)
        return -1;
    (void)snprintf(place->directory, sizeof place->directory, "/tmp/aceso-store-XXXXXX");
    if (!mkdtemp(place->directory) ||
        file_path(place->directory, "db", place->path, sizeof place->path))
        return -1;
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = { "db", "db-wal", "db-shm" };
    struct place *place = *state;
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (file_path(place->directory, names[i], path, sizeof path) == ACESO_OK)
            (void)unlink(path);
    }
    (void)rmdir(place->directory);
    free(place);
    return 0;
}

static struct store *store_at(const struct place *place)
{
    struct store *store = NULL;

    assert_int_equal(store_open(place->path, migrations, 2, &store, NULL), ACESO_OK);
    return store;
}

static int64_t number(struct store *store, const char *sql)
{
    struct statement *statement = NULL;
    int64_t value;

    assert_int_equal(store_prepare(store, sql, &statement, NULL), ACESO_OK);
    assert_int_equal(statement_step(statement, NULL), 1);
    value = statement_int(statement, 0);
    assert_int_equal(statement_step(statement, NULL), 0);
    statement_finish(statement);
    return value;
}

static int insert(struct store *store, struct bytes body, const char *word,
                  struct aceso_error *error)
{
    struct statement *statement = NULL;

    assert_int_equal(store_prepare(store, "INSERT INTO note (body, word) VALUES (?1, ?2)",
                                   &statement, NULL),
                     ACESO_OK);
    statement_bind_blob(statement, 1, body);
    if (word)
        statement_bind_text(statement, 2, word);
    else
        statement_bind_null(statement, 2);
    return statement_run(statement, error);
}

static void test_settings(void **state)
{
    struct store *store = store_at(*state);
    struct statement *statement = NULL;

    assert_int_equal(store_prepare(store, "PRAGMA journal_mode", &statement, NULL), ACESO_OK);
    assert_int_equal(statement_step(statement, NULL), 1);
    assert_string_equal(statement_text(statement, 0), "wal");
    statement_finish(statement);
    assert_int_equal(number(store, "PRAGMA synchronous"), 2);
    assert_int_equal(number(store, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number(store, "PRAGMA secure_delete"), 1);
    assert_int_equal(number(store, "PRAGMA user_version"), 2);
    store_close(store);
}

static void test_files_are_private(void **state)
{
    const struct place *place = *state;
    struct store *store = store_at(place);
    struct stat info;
    char path[128];

    assert_int_equal(insert(store, bytes_of_string("x"), NULL, NULL), ACESO_OK);
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(file_path(place->directory, "db-wal", path, sizeof path), ACESO_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    store_close(store);
}

static void test_migrations_once_and_in_order(void **state)
{
    const struct place *place = *state;
    struct store *store = NULL;
    struct aceso_error error = { 0 };

    assert_int_equal(store_open(place->path, migrations, 1, &store, NULL), ACESO_OK);
    assert_int_equal(number(store, "PRAGMA user_version"), 1);
    store_close(store);
    store = store_at(place);
    store_close(store);
    store = store_at(place);
    assert_int_equal(number(store, "SELECT count(*) FROM note"), 1);
    store_close(store);
    assert_int_equal(store_open(place->path, migrations, 1, &store, &error), ACESO_ESTATE);
    assert_non_null(strstr(error.text, "version 2"));
}

static void test_failed_migration_leaves_the_version(void **state)
{
    static const char *const broken[] = {
        "CREATE TABLE note (id INTEGER PRIMARY KEY);",
        "CREATE TABLE half (id INTEGER PRIMARY KEY); INSERT INTO nowhere VALUES (1);",
    };
    const struct place *place = *state;
    struct store *store = NULL;
    struct aceso_error error = { 0 };

    assert_int_equal(store_open(place->path, broken, 2, &store, &error), ACESO_EUSAGE);
    assert_null(store);
    assert_int_equal(store_open(place->path, broken, 1, &store, NULL), ACESO_OK);
    assert_int_equal(number(store, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    store_close(store);
}

/* Parts that are there in one database and not in another, in any order, also later. */
static void test_migrations_by_name(void **state)
{
    static const struct store_migration parts[] = {
        { "one", "CREATE TABLE one (x); INSERT INTO one VALUES (1);" },
        { "two", "CREATE TABLE two (x);" },
        { "broken", "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);" },
    };
    struct store *store = store_at(*state);
    struct aceso_error error = { 0 };

    assert_int_equal(store_migrate(store, parts + 1, 1, NULL), ACESO_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(store_migrate(store, parts, 2, NULL), ACESO_OK);
    assert_int_equal(number(store, "SELECT count(*) FROM one"), 1);
    assert_int_equal(store_migrate(store, parts, 3, &error), ACESO_EUSAGE);
    assert_non_null(strstr(error.text, "'broken'"));
    assert_int_equal(number(store, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    assert_int_equal(number(store, "SELECT count(*) FROM migration"), 2);
    store_close(store);
    store = store_at(*state); /* its own version has stayed */
    store_close(store);
}

static void test_values_come_back(void **state)
{
    static const uint8_t body[] = { 0, 1, 0, 255 };
    struct store *store = store_at(*state);
    struct statement *statement = NULL;
    uint8_t out[4] = { 9, 9, 9, 9 };

    assert_int_equal(insert(store, bytes_of(body, sizeof body), "w\xc3\xb6rd", NULL), ACESO_OK);
    assert_int_equal(store_changes(store), 1);
    assert_int_equal(insert(store, bytes_of(NULL, 0), NULL, NULL), ACESO_OK);
    assert_int_equal(store_prepare(store, "SELECT body, word, id FROM note WHERE id >= ?1"
                                          " ORDER BY id",
                                   &statement, NULL),
                     ACESO_OK);
    statement_bind_int(statement, 1, store_last_rowid(store) - 1);
    assert_int_equal(statement_columns(statement), 3);
    assert_string_equal(statement_column_name(statement, 1), "word");
    assert_int_equal(statement_step(statement, NULL), 1);
    assert_int_equal(statement_copy(statement, 0, out, 3), ACESO_EFORMAT);
    assert_int_equal(out[0], 9);
    assert_int_equal(statement_copy(statement, 0, out, 4), ACESO_OK);
    assert_memory_equal(out, body, 4);
    assert_string_equal(statement_text(statement, 1), "w\xc3\xb6rd");
    assert_int_equal(statement_step(statement, NULL), 1);
    assert_int_equal(statement_blob(statement, 0).len, 0);
    assert_false(statement_is_null(statement, 0));
    assert_true(statement_is_null(statement, 1));
    assert_string_equal(statement_text(statement, 1), "");
    assert_int_equal(statement_step(statement, NULL), 0);
    statement_finish(statement);
    store_close(store);
}

/* Texts of errors name columns, not values. */
static void test_errors(void **state)
{
    struct store *store = store_at(*state);
    struct aceso_error error = { 0 };
    struct statement *statement = NULL;

    assert_int_equal(insert(store, bytes_of_string("Secret Name"), NULL, NULL), ACESO_OK);
    assert_int_equal(insert(store, bytes_of_string("Secret Name"), NULL, &error), ACESO_EEXISTS);
    assert_non_null(strstr(error.text, "note.body"));
    assert_null(strstr(error.text, "Secret"));
    assert_int_equal(store_exec(store, "INSERT INTO link VALUES (999)", NULL), ACESO_ESTATE);
    assert_int_equal(store_exec(store, "INSERT INTO note (body) VALUES (NULL)", NULL),
                     ACESO_ESTATE);
    assert_int_equal(store_exec(store, "SELEC", NULL), ACESO_EUSAGE);
    assert_int_equal(store_prepare(store, "", &statement, NULL), ACESO_EUSAGE);
    assert_int_equal(store_prepare(store, "SELECT nothing FROM note", &statement, NULL),
                     ACESO_EUSAGE);
    assert_null(statement);
    assert_int_equal(store_prepare(store, "SELECT 1 WHERE 1 = ?1", &statement, NULL), ACESO_OK);
    statement_bind_int(statement, 2, 1);
    statement_bind_int(statement, 1, 1);
    assert_int_equal(statement_step(statement, NULL), ACESO_EUSAGE);
    statement_reset(statement);
    statement_bind_int(statement, 1, 1);
    assert_int_equal(statement_step(statement, NULL), 1);
    statement_finish(statement);
    assert_int_equal(store_prepare(store, "SELECT 1", &statement, NULL), ACESO_OK);
    assert_int_equal(statement_run(statement, NULL), ACESO_EUSAGE);
    store_close(store);
}

static void test_statements_are_kept(void **state)
{
    struct store *store = store_at(*state);
    struct statement *one = NULL, *two = NULL, *again = NULL;
    char sql[64];

    assert_int_equal(store_prepare(store, "SELECT ?1", &one, NULL), ACESO_OK);
    statement_bind_int(one, 1, 5);
    assert_int_equal(store_prepare(store, "SELECT ?1", &two, NULL), ACESO_OK);
    assert_ptr_not_equal(one, two);
    assert_int_equal(statement_step(one, NULL), 1);
    assert_int_equal(statement_step(two, NULL), 1);
    assert_true(statement_is_null(two, 0));
    statement_finish(one);
    assert_int_equal(store_prepare(store, "SELECT ?1", &again, NULL), ACESO_OK);
    assert_ptr_equal(one, again);
    assert_int_equal(statement_step(again, NULL), 1);
    assert_true(statement_is_null(again, 0));
    for (int i = 0; i < 200; i++) {
        struct statement *other = NULL;

        (void)snprintf(sql, sizeof sql, "SELECT %d", i);
        assert_int_equal(store_prepare(store, sql, &other, NULL), ACESO_OK);
        statement_finish(other);
    }
    assert_true(statement_is_null(again, 0));
    statement_finish(again);
    statement_finish(two);
    statement_finish(NULL);
    store_close(store);
}

static void test_transactions(void **state)
{
    struct store *store = store_at(*state);

    assert_int_equal(store_commit(store, NULL), ACESO_ESTATE);
    store_rollback(store);
    assert_int_equal(store_begin(store, NULL), ACESO_OK);
    assert_true(store_in_transaction(store));
    assert_int_equal(store_begin(store, NULL), ACESO_ESTATE);
    assert_int_equal(insert(store, bytes_of_string("a"), NULL, NULL), ACESO_OK);
    store_rollback(store);
    assert_false(store_in_transaction(store));
    assert_int_equal(number(store, "SELECT count(*) FROM note"), 1);
    assert_int_equal(store_begin(store, NULL), ACESO_OK);
    assert_int_equal(insert(store, bytes_of_string("a"), NULL, NULL), ACESO_OK);
    assert_int_equal(store_commit(store, NULL), ACESO_OK);
    assert_int_equal(number(store, "SELECT count(*) FROM note"), 2);
    store_close(store);
}

/* What is open at the end, as when the process dies, is not there afterwards. */
static void test_not_committed_is_gone(void **state)
{
    struct store *store = store_at(*state);

    assert_int_equal(store_begin(store, NULL), ACESO_OK);
    assert_int_equal(insert(store, bytes_of_string("a"), NULL, NULL), ACESO_OK);
    store_close(store);
    store = store_at(*state);
    assert_int_equal(number(store, "SELECT count(*) FROM note"), 1);
    store_close(store);
}

static void test_second_connection_sees_commits_only(void **state)
{
    struct store *one = store_at(*state), *two = store_at(*state);

    assert_int_equal(store_begin(one, NULL), ACESO_OK);
    assert_int_equal(insert(one, bytes_of_string("a"), NULL, NULL), ACESO_OK);
    assert_int_equal(number(two, "SELECT count(*) FROM note"), 1);
    assert_int_equal(store_commit(one, NULL), ACESO_OK);
    assert_int_equal(number(two, "SELECT count(*) FROM note"), 2);
    store_close(one);
    store_close(two);
}

static void *open_and_close(void *data)
{
    const struct place *place = data;
    struct store *store = NULL;
    int code = store_open(place->path, migrations, 2, &store, NULL);

    store_close(store);
    return code ? data : NULL;
}

/* Many connections make the same file at once, and close it while others open it. */
static void test_opened_by_many_at_once(void **state)
{
    struct place *place = *state;
    pthread_t threads[8];

    for (int i = 0; i < 40; i++) {
        void *failed;

        for (size_t j = 0; j < 8; j++)
            assert_int_equal(pthread_create(&threads[j], NULL, open_and_close, place), 0);
        for (size_t j = 0; j < 8; j++) {
            assert_int_equal(pthread_join(threads[j], &failed), 0);
            assert_null(failed);
        }
        assert_int_equal(unlink(place->path), 0);
    }
}

static void test_not_a_database(void **state)
{
    const struct place *place = *state;
    struct store *store = NULL;
    char text[4096], link[128];

    memset(text, 'x', sizeof text);
    assert_int_equal(file_write(place->path, bytes_of(text, sizeof text), 0600, NULL), ACESO_OK);
    assert_int_equal(store_open(place->path, migrations, 2, &store, NULL), ACESO_EFORMAT);
    assert_int_equal(store_open(place->directory, migrations, 2, &store, NULL), ACESO_EIO);
    assert_int_equal(file_path(place->directory, "db-shm", link, sizeof link), ACESO_OK);
    assert_int_equal(symlink(place->path, link), 0);
    assert_int_equal(store_open(link, migrations, 2, &store, NULL), ACESO_EIO);
    assert_null(store);
}

/* Deleted content does not stay in the file. */
static void test_secure_delete(void **state)
{
    const struct place *place = *state;
    struct store *store = store_at(place);
    struct buffer file = BUFFER_INIT(1 << 20);

    assert_int_equal(insert(store, bytes_of_string("needle in the haystack"), NULL, NULL),
                     ACESO_OK);
    assert_int_equal(store_exec(store, "DELETE FROM note WHERE body = CAST('needle in the haystack'"
                                       " AS BLOB)",
                                NULL),
                     ACESO_OK);
    assert_int_equal(store_changes(store), 1);
    store_close(store); /* the log is written back and removed */
    assert_int_equal(file_read(place->path, &file, NULL), ACESO_OK);
    assert_null(memmem(file.data, file.len, "needle in", 9));
    buffer_free(&file);
}

static int write_two(const char *path)
{
    struct store *store = NULL;
    int code = store_open(path, migrations, 2, &store, NULL);

    if (!code)
        code = insert(store, bytes_of_string("two"), NULL, NULL);
    store_close(store);
    return code ? 1 : 0;
}

/* Another process that opens the file and closes it again is not the last one: the log stays. */
static void test_another_process_leaves(void **state)
{
    const struct place *place = *state;
    struct store *store = store_at(place), *second = store_at(place);
    char log[128];
    int ended = 1;
    pid_t child;

    assert_int_equal(insert(store, bytes_of_string("one"), NULL, NULL), ACESO_OK);
    store_close(second);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* a new program: a fork alone knows of our connections */
        (void)execl("/proc/self/exe", "store_test", place->path, (char *)NULL);
        _exit(2);
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    assert_int_equal(file_path(place->directory, "db-wal", log, sizeof log), ACESO_OK);
    assert_int_equal(access(log, F_OK), 0);
    assert_int_equal(insert(store, bytes_of_string("three"), NULL, NULL), ACESO_OK);
    store_close(store);
    store = store_at(place);
    assert_int_equal(insert(store, bytes_of_string("two"), NULL, NULL), ACESO_EEXISTS);
    assert_int_equal(insert(store, bytes_of_string("three"), NULL, NULL), ACESO_EEXISTS);
    store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_settings),
        TEST(test_files_are_private),
        TEST(test_migrations_once_and_in_order),
        TEST(test_failed_migration_leaves_the_version),
        TEST(test_migrations_by_name),
        TEST(test_values_come_back),
        TEST(test_errors),
        TEST(test_statements_are_kept),
        TEST(test_transactions),
        TEST(test_not_committed_is_gone),
        TEST(test_second_connection_sees_commits_only),
        TEST(test_opened_by_many_at_once),
        TEST(test_another_process_leaves),
        TEST(test_not_a_database),
        TEST(test_secure_delete),
    };

    if (argc > 1)
        return write_two(argv[1]);
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
