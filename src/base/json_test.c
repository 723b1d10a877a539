/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of json: what the parser refuses and where, typed reads, and the writer's output read
 * back by the parser. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static yyjson_doc *parsed(const char *text)
{
    yyjson_doc *doc = NULL;

    assert_int_equal(json_parse(bytes_of_string(text), &doc, NULL), ACESO_OK);
    assert_non_null(doc);
    return doc;
}

static void put_nested(struct buffer *out, const char *open, const char *close, size_t depth)
{
    buffer_clear(out);
    for (size_t i = 0; i < depth; i++)
        (void)buffer_put_string(out, open);
    (void)buffer_put_string(out, "1");
    for (size_t i = 0; i < depth; i++)
        (void)buffer_put_string(out, close);
    assert_int_equal(out->failed, ACESO_OK);
}

static void test_depth_limit(void **state)
{
    static const char *const forms[][2] = { { "[", "]" }, { "{\"a\":", "}" }, { "[[", "]]" } };
    struct buffer text = BUFFER_INIT(1 << 20);
    struct aceso_error error = { 0, "", "" };
    yyjson_doc *doc = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t step = i == 2 ? 2 : 1;

        put_nested(&text, forms[i][0], forms[i][1], JSON_DEPTH_MAX / step);
        assert_int_equal(json_parse(buffer_bytes(&text), &doc, &error), ACESO_OK);
        yyjson_doc_free(doc);
        doc = NULL;
        put_nested(&text, forms[i][0], forms[i][1], JSON_DEPTH_MAX / step + 1);
        assert_int_equal(json_parse(buffer_bytes(&text), &doc, &error), ACESO_ELIMIT);
        put_nested(&text, forms[i][0], forms[i][1], 50000);
        assert_int_equal(json_parse(buffer_bytes(&text), &doc, &error), ACESO_ELIMIT);
        assert_null(doc);
    }
    buffer_free(&text);
}

static void test_depth_ignores_brackets_in_strings(void **state)
{
    (void)state;
    assert_true(json_depth_within(bytes_of_string("[\"[[[[\\\"[[[\\\\\"]"), 1));
    assert_false(json_depth_within(bytes_of_string("[\"\\\\\",[]]"), 1));
    assert_true(json_depth_within(bytes_of_string("[],[],{}"), 1));
    assert_true(json_depth_within(bytes_of_string("]]]["), 1));
    assert_true(json_depth_within(bytes_of_string("\"\\"), 0));
    assert_true(json_depth_within(bytes_of(NULL, 0), 0));
}

static void test_refuses_what_is_not_json(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{'a':1}",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[NaN]",
        "[1e]",
        "nul",
        "[1] x",
        "{}{}",
        "\"a",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\t\"",
        "// c\n1",
        "[1 2]",
        "{\"a\" 1}",
        "{1:2}",
        "\xef\xbb\xbf{}",
        "\"\x80\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xc3\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        yyjson_doc *doc = NULL;
        struct aceso_error error = { 0, "", "" };

        if (json_parse(bytes_of_string(bad[i]), &doc, &error) != ACESO_EFORMAT)
            fail_msg("accepted: %s", bad[i]);
        assert_null(doc);
        assert_int_equal(error.code, ACESO_EFORMAT);
        assert_non_null(strstr(error.text, "not JSON"));
    }
}

static void test_failure_names_line_and_column(void **state)
{
    struct aceso_error error = { 0, "", "" };
    yyjson_doc *doc = NULL;

    (void)state;
    assert_int_equal(json_parse(bytes_of_string("{\n \"a\": 1,\n \"b\" 2\n}"), &doc, &error),
                     ACESO_EFORMAT);
    assert_string_equal(error.place, "line 3, column 6");
    assert_int_equal(json_parse(bytes_of(NULL, 0), &doc, &error), ACESO_EFORMAT);
}

static void test_typed_reads(void **state)
{
    yyjson_doc *doc = parsed("{\"s\":\"text\",\"u\":18446744073709551615,\"h\":\"0x00ff\","
                             "\"b\":\"Zm8=\",\"e\":\"\"}");
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct buffer out = BUFFER_INIT(16);
    const char *text = NULL;
    uint64_t number = 0;
    uint8_t bytes[2];

    (void)state;
    assert_int_equal(json_string(root, "s", &text, NULL), ACESO_OK);
    assert_string_equal(text, "text");
    assert_int_equal(json_string(root, "e", &text, NULL), ACESO_OK);
    assert_string_equal(text, "");
    assert_int_equal(json_u64(root, "u", UINT64_MAX, &number, NULL), ACESO_OK);
    assert_true(number == UINT64_MAX);
    assert_int_equal(json_hex(root, "h", bytes, sizeof bytes, NULL), ACESO_OK);
    assert_memory_equal(bytes, "\x00\xff", 2);
    assert_int_equal(json_base64(root, "b", &out, NULL), ACESO_OK);
    assert_string_equal(buffer_text(&out), "fo");
    assert_string_equal(json_string_or(root, "s", "-"), "text");
    assert_string_equal(json_string_or(root, "none", "-"), "-");
    assert_null(json_string_or(root, "none", NULL));
    assert_true(json_u64_or(root, "none", 5) == 5);
    buffer_free(&out);
    yyjson_doc_free(doc);
}

static void test_typed_reads_refuse_and_leave_outputs(void **state)
{
    static const char *const keys[] = { "missing", "n", "t", "neg", "frac", "a", "nul" };
    yyjson_doc *doc = parsed("{\"n\":null,\"t\":true,\"neg\":-1,\"frac\":1.5,\"a\":[],"
                             "\"nul\":\"a\\u0000b\",\"s\":\"zz\",\"big\":18446744073709551616}");
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct aceso_error error = { 0, "", "" };
    struct buffer out = BUFFER_INIT(16);
    const char *text = "before";
    uint64_t number = 42;
    uint8_t byte = 9;

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_int_equal(json_string(root, keys[i], &text, &error), ACESO_EFORMAT);
        assert_string_equal(error.place, keys[i]);
        assert_int_equal(json_u64(root, keys[i], UINT64_MAX, &number, &error), ACESO_EFORMAT);
        assert_int_equal(json_hex(root, keys[i], &byte, 1, &error), ACESO_EFORMAT);
        assert_int_equal(json_base64(root, keys[i], &out, &error), ACESO_EFORMAT);
    }
    assert_int_equal(json_u64(root, "big", UINT64_MAX, &number, &error), ACESO_EFORMAT);
    assert_int_equal(json_hex(root, "s", &byte, 1, &error), ACESO_EFORMAT);
    assert_int_equal(json_base64(root, "s", &out, &error), ACESO_EFORMAT);
    assert_int_equal(json_string(NULL, "s", &text, &error), ACESO_EFORMAT);
    assert_int_equal(json_u64(NULL, "s", 1, &number, &error), ACESO_EFORMAT);
    assert_string_equal(text, "before");
    assert_true(number == 42);
    assert_int_equal(byte, 9);
    assert_int_equal(out.len, 0);
    buffer_free(&out);
    yyjson_doc_free(doc);
}

static void test_u64_maximum(void **state)
{
    yyjson_doc *doc = parsed("{\"u\":256}");
    struct aceso_error error = { 0, "", "" };
    uint64_t number = 0;

    (void)state;
    assert_int_equal(json_u64(yyjson_doc_get_root(doc), "u", 255, &number, &error), ACESO_EFORMAT);
    assert_non_null(strstr(error.text, "255"));
    assert_int_equal(json_u64(yyjson_doc_get_root(doc), "u", 256, &number, &error), ACESO_OK);
    assert_true(number == 256);
    yyjson_doc_free(doc);
}

static void test_writer_nests(void **state)
{
    struct buffer out = BUFFER_INIT(512);
    struct json_writer writer = json_writer_of(&out);

    (void)state;
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "u", UINT64_MAX);
    json_put_hex(&writer, "h", "\x01\xfe", 2);
    json_open(&writer, "a", '[');
    json_put_bool(&writer, NULL, true);
    json_put_null(&writer, NULL);
    json_open(&writer, NULL, '{');
    json_close(&writer, '}');
    json_put_raw(&writer, NULL, bytes_of_string("1.50"));
    json_close(&writer, ']');
    json_put_base64(&writer, "b", bytes_of_string("fo"));
    json_put_string(&writer, "s", "");
    json_close(&writer, '}');
    assert_int_equal(out.failed, ACESO_OK);
    assert_string_equal(buffer_text(&out), "{\"u\":18446744073709551615,\"h\":\"0x01fe\","
                                           "\"a\":[true,null,{},1.50],\"b\":\"Zm8=\",\"s\":\"\"}");
    buffer_free(&out);
}

static void test_writer_escapes_all_that_must_be(void **state)
{
    char every[128];
    struct buffer out = BUFFER_INIT(1024);
    struct json_writer writer = json_writer_of(&out);
    const char *back = NULL;
    yyjson_doc *doc;

    (void)state;
    for (size_t i = 0; i < sizeof every - 1; i++)
        every[i] = (char)(i + 1);
    every[sizeof every - 1] = '\0';
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "every", every);
    json_close(&writer, '}');
    for (size_t i = 0; i < out.len; i++)
        assert_true(out.data[i] >= 0x20 && out.data[i] < 0x7f);
    doc = parsed(buffer_text(&out));
    assert_int_equal(json_string(yyjson_doc_get_root(doc), "every", &back, NULL), ACESO_OK);
    assert_string_equal(back, every);
    yyjson_doc_free(doc);
    buffer_free(&out);
}

static void test_writer_remembers_the_limit(void **state)
{
    struct buffer out = BUFFER_INIT(8);
    struct json_writer writer = json_writer_of(&out);

    (void)state;
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "key", "a value");
    json_close(&writer, '}');
    assert_int_equal(out.failed, ACESO_ELIMIT);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_depth_ignores_brackets_in_strings),
        cmocka_unit_test(test_refuses_what_is_not_json),
        cmocka_unit_test(test_failure_names_line_and_column),
        cmocka_unit_test(test_typed_reads),
        cmocka_unit_test(test_typed_reads_refuse_and_leave_outputs),
        cmocka_unit_test(test_u64_maximum),
        cmocka_unit_test(test_writer_nests),
        cmocka_unit_test(test_writer_escapes_all_that_must_be),
        cmocka_unit_test(test_writer_remembers_the_limit),
    };

    return cmocka_run_group_tests_name("base json", tests, NULL, NULL);
}
