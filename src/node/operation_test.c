/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner asked for is done once, whatever happens in between. */
#include "node/operation.h"

#include "node/testing.h"

#include <poll.h>
#include <stdatomic.h>

struct bench {
    char directory[TESTING_PATH];
    struct role role;
    struct node node;
    struct operations *engine;
};

static atomic_int runs;  /* of every kind */
static atomic_bool gate; /* open: "gate" succeeds */

static int kind_echo(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(result);

    (void)error;
    atomic_fetch_add(&runs, 1);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", json_string_or(operation->input, "say", "nothing"));
    json_put_string(&writer, "id", operation->id);
    json_close(&writer, '}');
    return ACESO_OK;
}

static int kind_fail(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    (void)operation;
    atomic_fetch_add(&runs, 1);
    (void)buffer_put_string(result, "{\"half\":");
    return error_set(error, ACESO_EDENIED, "place", "not this time");
}

static int kind_gate(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    operation_progress(operation, 3, 10, "things");
    atomic_fetch_add(&runs, 1);
    if (!atomic_load(&gate))
        return error_set(error, ACESO_EIO, NULL, "nobody answers");
    return kind_echo(operation, result, error);
}

static const struct operation_kind kinds[] = {
    { "echo", LANE_SHORT, kind_echo },
    { "fail", LANE_SHORT, kind_fail },
    { "gate", LANE_LONG, kind_gate },
};

static void bench_make(struct bench *bench)
{
    memset(bench, 0, sizeof *bench);
    atomic_store(&runs, 0);
    atomic_store(&gate, false);
    testing_directory(bench->directory);
    bench->role = (struct role){ .name = "bench", .schema = "CREATE TABLE role_table (x);",
                                 .operations = kinds, .operation_count = 3 };
    bench->node.directory = bench->directory;
    bench->node.roles = (struct roles){ .role = { &bench->role }, .count = 1 };
    bench->node.keys = testing_keys(bench->directory, true);
    assert_int_equal(operations_start(&bench->node, &bench->engine, NULL), ACESO_OK);
}

static void bench_free(struct bench *bench)
{
    operations_stop(bench->engine);
    keys_free(bench->node.keys);
    testing_remove(bench->directory);
}

static int bench_add(struct bench *bench, const char *id, const char *kind, const char *input)
{
    return operations_add(bench->engine, id, "bench", kind, bytes_of_string(input), NULL);
}

/* Waits until the operation is no longer queued; its description. */
static yyjson_doc *bench_end(struct bench *bench, const char *id)
{
    struct buffer out = BUFFER_INIT(65536);
    yyjson_doc *doc = NULL;

    for (;;) {
        buffer_clear(&out);
        assert_int_equal(operations_describe(bench->engine, id, &out, NULL), ACESO_OK);
        assert_int_equal(json_parse(buffer_bytes(&out), &doc, NULL), ACESO_OK);
        if (strcmp(json_string_or(yyjson_doc_get_root(doc), "state", ""), "queued") != 0)
            break;
        yyjson_doc_free(doc);
        (void)poll(NULL, 0, 2);
    }
    buffer_free(&out);
    return doc;
}

static void bench_restart(struct bench *bench, size_t count)
{
    operations_stop(bench->engine);
    bench->engine = NULL;
    bench->role.operation_count = count;
    assert_int_equal(operations_start(&bench->node, &bench->engine, NULL), ACESO_OK);
}

static void test_once(void **state)
{
    struct bench bench;
    yyjson_doc *doc;
    yyjson_val *result;

    (void)state;
    bench_make(&bench);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bench_add(&bench, "a1", "echo", "{\"say\":\"hello\"}"), ACESO_OK);
    doc = bench_end(&bench, "a1");
    result = yyjson_obj_get(yyjson_doc_get_root(doc), "result");
    assert_string_equal(json_string_or(result, "message", ""), "hello");
    assert_string_equal(json_string_or(result, "id", ""), "a1");
    yyjson_doc_free(doc);
    assert_int_equal(bench_add(&bench, "a1", "echo", "{\"say\":\"again\"}"), ACESO_OK);
    bench_restart(&bench, 3);
    assert_int_equal(bench_add(&bench, "a2", "echo", "{}"), ACESO_OK);
    yyjson_doc_free(bench_end(&bench, "a2")); /* after a1 in the same lane */
    doc = bench_end(&bench, "a1");
    result = yyjson_obj_get(yyjson_doc_get_root(doc), "result");
    assert_string_equal(json_string_or(result, "message", ""), "hello");
    yyjson_doc_free(doc);
    assert_int_equal(atomic_load(&runs), 2);
    bench_free(&bench);
}

static void test_failure_is_kept(void **state)
{
    struct bench bench;

    (void)state;
    bench_make(&bench);
    assert_int_equal(bench_add(&bench, "f", "fail", "{}"), ACESO_OK);
    for (int i = 0; i < 2; i++) {
        yyjson_doc *doc = bench_end(&bench, "f");
        yyjson_val *error = yyjson_obj_get(yyjson_doc_get_root(doc), "error");

        assert_string_equal(json_string_or(yyjson_doc_get_root(doc), "state", ""), "failed");
        assert_string_equal(json_string_or(error, "text", ""), "not this time");
        assert_string_equal(json_string_or(error, "place", ""), "place");
        yyjson_doc_free(doc);
        bench_restart(&bench, 3);
    }
    assert_int_equal(atomic_load(&runs), 1);
    bench_free(&bench);
}

static void test_taken_up_again(void **state)
{
    struct buffer out = BUFFER_INIT(65536);
    struct bench bench;
    yyjson_doc *doc;
    int before;

    (void)state;
    bench_make(&bench);
    assert_int_equal(bench_add(&bench, "9", "gate", "{\"say\":\"done\"}"), ACESO_OK);
    while (atomic_load(&runs) == 0)
        (void)poll(NULL, 0, 2);
    assert_int_equal(operations_describe(bench.engine, "9", &out, NULL), ACESO_OK);
    assert_non_null(strstr(buffer_text(&out), "\"state\":\"queued\""));
    assert_non_null(strstr(buffer_text(&out),
                           "\"progress\":{\"done\":3,\"total\":10,\"words\":\"things\"}"));
    operations_stop(bench.engine);
    before = atomic_load(&runs);
    atomic_store(&gate, true);
    assert_int_equal(operations_start(&bench.node, &bench.engine, NULL), ACESO_OK);
    doc = bench_end(&bench, "9");
    assert_string_equal(json_string_or(yyjson_doc_get_root(doc), "state", ""), "done");
    assert_int_equal(atomic_load(&runs), before + 2); /* gate, and echo in it */
    yyjson_doc_free(doc);
    buffer_free(&out);
    bench_free(&bench);
}

static void test_passing_failure(void **state)
{
    struct bench bench;
    yyjson_doc *doc;

    (void)state;
    bench_make(&bench);
    assert_int_equal(bench_add(&bench, "9", "gate", "{}"), ACESO_OK);
    while (atomic_load(&runs) < 2)
        (void)poll(NULL, 0, 2);
    atomic_store(&gate, true);
    doc = bench_end(&bench, "9");
    assert_string_equal(json_string_or(yyjson_doc_get_root(doc), "state", ""), "done");
    yyjson_doc_free(doc);
    bench_free(&bench);
}

static void test_refused(void **state)
{
    static const char long_id[] =
        "00000000000000000000000000000000000000000000000000000000000000000";
    struct buffer out = BUFFER_INIT(65536);
    struct bench bench;
    yyjson_doc *doc;

    (void)state;
    bench_make(&bench);
    assert_int_equal(bench_add(&bench, "a", "other", "{}"), ACESO_ENOTFOUND);
    assert_int_equal(bench_add(&bench, "", "echo", "{}"), ACESO_EFORMAT);
    assert_int_equal(bench_add(&bench, "A", "echo", "{}"), ACESO_EFORMAT);
    assert_int_equal(bench_add(&bench, "../a", "echo", "{}"), ACESO_EFORMAT);
    assert_int_equal(bench_add(&bench, long_id, "echo", "{}"), ACESO_EFORMAT);
    assert_int_equal(bench_add(&bench, long_id + 1, "echo", "{}"), ACESO_OK);
    assert_int_equal(operations_describe(bench.engine, "a", &out, NULL), ACESO_ENOTFOUND);
    assert_int_equal(bench_add(&bench, "b", "echo", "no JSON"), ACESO_OK);
    doc = bench_end(&bench, "b");
    assert_string_equal(json_string_or(yyjson_doc_get_root(doc), "state", ""), "failed");
    yyjson_doc_free(doc);
    /* a kind that a later version of the program does not know */
    assert_int_equal(bench_add(&bench, "c", "gate", "{}"), ACESO_OK);
    bench_restart(&bench, 2);
    doc = bench_end(&bench, "c");
    assert_string_equal(json_string_or(yyjson_doc_get_root(doc), "state", ""), "failed");
    yyjson_doc_free(doc);
    buffer_free(&out);
    bench_free(&bench);
}

/* Two roles that call something by the same name; and a row from before there were groups. */
static void test_groups(void **state)
{
    static const struct operation_kind others[] = { { "fail", LANE_SHORT, kind_echo } };
    static const struct role second = { .name = "second", .operations = others,
                                        .operation_count = 1 };
    struct store *store = NULL;
    struct bench bench;
    yyjson_doc *doc;

    (void)state;
    bench_make(&bench);
    bench.node.roles.role[bench.node.roles.count++] = &second;
    assert_int_equal(bench_add(&bench, "1", "fail", "{}"), ACESO_OK);
    assert_int_equal(operations_add(bench.engine, "2", "second", "fail", bytes_of_string("{}"),
                                    NULL), ACESO_OK);
    assert_int_equal(operations_add(bench.engine, "3", "second", "echo", bytes_of_string("{}"),
                                    NULL), ACESO_ENOTFOUND);
    assert_int_equal(operations_add(bench.engine, "3", "bench/x", "echo", bytes_of_string("{}"),
                                    NULL), ACESO_ENOTFOUND);
    doc = bench_end(&bench, "2");
    assert_string_equal(json_string_or(yyjson_doc_get_root(doc), "state", ""), "done");
    yyjson_doc_free(doc);
    doc = bench_end(&bench, "1");
    assert_string_equal(json_string_or(yyjson_doc_get_root(doc), "state", ""), "failed");
    yyjson_doc_free(doc);
    operations_stop(bench.engine);
    assert_int_equal(node_store(&bench.node, &store, NULL), ACESO_OK);
    assert_int_equal(store_exec(store, "UPDATE operation SET state = 0, kind = 'echo'"
                                " WHERE id = '1'", NULL), ACESO_OK);
    store_close(store);
    assert_int_equal(operations_start(&bench.node, &bench.engine, NULL), ACESO_OK);
    doc = bench_end(&bench, "1");
    assert_string_equal(json_string_or(yyjson_doc_get_root(doc), "state", ""), "done");
    yyjson_doc_free(doc);
    bench_free(&bench);
}

/* Inputs and results lie sealed in the database. */
static void test_sealed(void **state)
{
    static const char *const names[] = { "node.db", "node.db-wal" };
    struct buffer file = BUFFER_INIT((size_t)1 << 26);
    struct bench bench;

    (void)state;
    bench_make(&bench);
    assert_int_equal(bench_add(&bench, "5", "echo", "{\"say\":\"very-private-words\"}"), ACESO_OK);
    yyjson_doc_free(bench_end(&bench, "5"));
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];

        assert_int_equal(file_path(bench.directory, names[i], path, sizeof path), ACESO_OK);
        buffer_clear(&file);
        if (file_exists(path))
            assert_int_equal(file_read(path, &file, NULL), ACESO_OK);
        if (file.len)
            assert_null(memmem(file.data, file.len, "very-private", 12));
    }
    buffer_free(&file);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),           cmocka_unit_test(test_failure_is_kept),
        cmocka_unit_test(test_taken_up_again), cmocka_unit_test(test_passing_failure),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_groups),
    };

    return cmocka_run_group_tests_name("node operations", tests, NULL, NULL);
}
