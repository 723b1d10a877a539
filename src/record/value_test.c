/* SPDX-License-Identifier: Apache-2.0 */
/* Which JSON texts are the same value and which are not; digests of another implementation. */
#include "record/value.h"
#include "record/vectors.h"

static void digest_of(const char *json, uint8_t digest[RECORD_HASH_SIZE])
{
    assert_int_equal(value_digest(bytes_of_string(json), digest, NULL), ACESO_OK);
}

static void compare(const char *a, const char *b, bool same)
{
    uint8_t left[RECORD_HASH_SIZE], right[RECORD_HASH_SIZE];

    digest_of(a, left);
    digest_of(b, right);
    if ((memcmp(left, right, sizeof left) == 0) != same)
        fail_msg("%s and %s are%s the same", a, b, same ? " not" : "");
}

static void test_same(void **state)
{
    (void)state;
    compare("{\"a\":1,\"b\":[2,null]}", " { \"b\" : [ 2 , null ] , \"a\" : 1 } ", true);
    compare("\"A\\n\"", "\"\\u0041\\u000a\"", true);
    compare("{\"\\u0061\":true}", "{\"a\":true}", true);
    compare("{\"a\":{\"x\":1,\"y\":2},\"b\":3}", "{\"b\":3,\"a\":{\"y\":2,\"x\":1}}", true);
    compare("\"\\u00e9/\\/\"", "\"\xc3\xa9//\"", true);
}

static void test_different(void **state)
{
    static const char *const all[] = {
        "1", "1.0", "1.00", "1e0", "-1", "\"1\"", "true", "false", "null", "\"\"", "[]", "{}",
        "[1]", "[1,1]", "[[1],1]", "[1,[1]]", "[[]]", "[null]", "\"null\"", "{\"a\":1}",
        "{\"a\":\"1\"}", "{\"a\":[1]}", "{\"b\":1}", "{\"a\":1,\"b\":1}", "{\"a\":{\"b\":1}}",
        "[\"a\",1]", "[{\"a\":1}]", "{\"\":1}", "{\"a\":null}", "\"a\"", "\"ab\"",
        "[\"a\",\"b\"]", "[\"b\",\"a\"]", "[\"ab\"]", "{\"a\":1,\"ab\":1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (size_t j = 0; j < sizeof all / sizeof all[0]; j++)
            compare(all[i], all[j], i == j);
    }
}

static void test_refused(void **state)
{
    struct buffer deep = BUFFER_INIT(4096);
    uint8_t digest[RECORD_HASH_SIZE] = { 7 };

    (void)state;
    assert_int_equal(value_digest(bytes_of_string("{\"a\":1,\"a\":1}"), digest, NULL),
                     ACESO_EFORMAT);
    assert_int_equal(value_digest(bytes_of_string("{\"a\":1,\"\\u0061\":2}"), digest, NULL),
                     ACESO_EFORMAT);
    assert_int_equal(value_digest(bytes_of_string("[1"), digest, NULL), ACESO_EFORMAT);
    assert_int_equal(value_digest(bytes_of_string(""), digest, NULL), ACESO_EFORMAT);
    for (size_t i = 0; i <= RECORD_DEPTH_MAX; i++)
        (void)buffer_put_u8(&deep, '[');
    for (size_t i = 0; i <= RECORD_DEPTH_MAX; i++)
        (void)buffer_put_u8(&deep, ']');
    assert_int_equal(value_digest(buffer_bytes(&deep), digest, NULL), ACESO_ELIMIT);
    assert_int_equal(digest[0], 7);
    buffer_free(&deep);
}

/* Some members alone. */
static void test_members(void **state)
{
    static const char *const names[] = { "type", "id" };
    uint8_t some[RECORD_HASH_SIZE], whole[RECORD_HASH_SIZE];

    (void)state;
    assert_int_equal(value_digest_of(bytes_of_string("{\"id\":\"x\",\"a\":[1],\"type\":\"T\"}"),
                                     names, 2, some, NULL),
                     ACESO_OK);
    digest_of("{\"type\":\"T\",\"id\":\"x\"}", whole);
    assert_memory_equal(some, whole, sizeof some);
    assert_int_equal(value_digest_of(bytes_of_string("{\"a\":1}"), names, 2, some, NULL),
                     ACESO_OK);
    digest_of("{}", whole);
    assert_memory_equal(some, whole, sizeof some);
    assert_int_equal(value_digest_of(bytes_of_string("[]"), names, 2, some, NULL),
                     ACESO_EFORMAT);
}

static void test_vectors(void **state)
{
    yyjson_doc *doc = vectors_load("proof.json");
    yyjson_val *entry;
    size_t at, count;

    (void)state;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "values"), at, count, entry)
    {
        uint8_t wanted[RECORD_HASH_SIZE], found[RECORD_HASH_SIZE];

        vectors_hex(entry, "digest", wanted, sizeof wanted);
        digest_of(vectors_text(entry, "json"), found);
        assert_memory_equal(found, wanted, sizeof found);
    }
    assert_true(count >= 5);
    yyjson_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_different),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_vectors),
    };

    return cmocka_run_group_tests_name("record value", tests, NULL, NULL);
}
