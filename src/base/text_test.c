/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text: RFC 4648 vectors, UTF-8 by the Unicode standard's table 3-7, numbers, times. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_hex_both_ways(void **state)
{
    static const uint8_t bytes[] = { 0x00, 0x01, 0x9f, 0xa0, 0xff };
    uint8_t back[5];
    char hex[11];

    (void)state;
    text_hex(bytes, sizeof bytes, hex);
    assert_string_equal(hex, "00019fa0ff");
    assert_int_equal(text_unhex("00019fA0Ff", back, sizeof back), ACESO_OK);
    assert_memory_equal(back, bytes, sizeof bytes);
    memset(back, 0, sizeof back);
    assert_int_equal(text_unhex("0x00019fa0ff", back, sizeof back), ACESO_OK);
    assert_memory_equal(back, bytes, sizeof bytes);
    text_hex(NULL, 0, hex);
    assert_string_equal(hex, "");
}

static void test_hex_refuses(void **state)
{
    static const char *const bad[] = { "",      "0x",     "00",      "000102", "0 01", "00 1",
                                       "0g01",  "0x0x01", "0x00-1",  "-001",   "x001", "00:01",
                                       "0001 ", " 0001",  "0x00010", "0x000" };
    uint8_t out[2];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(text_unhex(bad[i], out, sizeof out), ACESO_EFORMAT);
    assert_int_equal(text_unhex("", out, 0), ACESO_OK);
    assert_int_equal(text_unhex("0x", out, 0), ACESO_OK);
}

static void test_hex_into_a_buffer(void **state)
{
    struct buffer out = BUFFER_INIT(3);

    (void)state;
    assert_int_equal(text_unhex_buffer("0xabcd", &out), ACESO_OK);
    assert_int_equal(text_unhex_buffer("abc", &out), ACESO_EFORMAT);
    assert_int_equal(text_unhex_buffer("zz", &out), ACESO_EFORMAT);
    assert_int_equal(out.len, 2);
    assert_memory_equal(out.data, "\xab\xcd", 2);
    assert_int_equal(text_unhex_buffer("0xabcd", &out), ACESO_ELIMIT);
    buffer_free(&out);
}

static void test_base64_vectors(void **state)
{
    static const char *const vectors[][2] = { { "", "" },
                                              { "f", "Zg==" },
                                              { "fo", "Zm8=" },
                                              { "foo", "Zm9v" },
                                              { "foob", "Zm9vYg==" },
                                              { "fooba", "Zm9vYmE=" },
                                              { "foobar", "Zm9vYmFy" } };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buffer text = BUFFER_INIT(64), back = BUFFER_INIT(64);

        assert_int_equal(text_base64(bytes_of_string(vectors[i][0]), &text), ACESO_OK);
        assert_string_equal(buffer_text(&text), vectors[i][1]);
        assert_int_equal(text_unbase64(vectors[i][1], strlen(vectors[i][1]), &back), ACESO_OK);
        assert_string_equal(buffer_text(&back), vectors[i][0]);
        buffer_free(&text);
        buffer_free(&back);
    }
}

static void test_base64_refuses(void **state)
{
    static const char *const bad[] = {
        "Zg",   "Zg=",  "Zg===",    "Zh==", "Zm9=",    "Z",       "Zm 9v",        "Zm9v\n",
        "Zm-_", "====", "Zg==Zg==", "=Zg=", "Zm9\xff", "\xc3m9v", "a\xc3\xff\xff"
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buffer out = BUFFER_INIT(64);

        assert_int_equal(text_unbase64(bad[i], strlen(bad[i]), &out), ACESO_EFORMAT);
        assert_int_equal(out.len, 0);
        buffer_free(&out);
    }
}

static void test_base64_appends_within_the_limit(void **state)
{
    struct buffer out = BUFFER_INIT(9);

    (void)state;
    assert_int_equal(text_base64(bytes_of_string("foo"), &out), ACESO_OK);
    assert_int_equal(text_base64(bytes_of_string("bar"), &out), ACESO_OK);
    assert_string_equal(buffer_text(&out), "Zm9vYmFy");
    assert_int_equal(text_base64(bytes_of_string("x"), &out), ACESO_ELIMIT);
    assert_string_equal(buffer_text(&out), "Zm9vYmFy");
    buffer_free(&out);
}

static bool is_utf8(const char *text, size_t len)
{
    return text_is_utf8(bytes_of(text, len));
}

static void test_utf8_accepts(void **state)
{
    static const char *const good[] = { "",
                                        "plain",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "a\xc3\xa9z" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(is_utf8(good[i], strlen(good[i])));
}

static void test_utf8_refuses(void **state)
{
    static const char *const bad[] = { "\x80",
                                       "\xbf",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xe0\x9f\xbf",
                                       "\xed\xa0\x80",
                                       "\xed\xbf\xbf",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xf8\x88\x80\x80\x80",
                                       "\xff",
                                       "\xfe",
                                       "\xc3(",
                                       "\xe2\x82(",
                                       "\xf0\x90\x80(",
                                       "ok\xc3",
                                       "ok\xe2\x82",
                                       "ok\xf0\x90\x80" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(is_utf8(bad[i], strlen(bad[i])));
    assert_false(is_utf8("a\0b", 3));
}

static void test_decimal_numbers(void **state)
{
    static const char *const bad[] = { "",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "0x1",
                                       "1e3",
                                       "1.0",
                                       "a",
                                       "18446744073709551616",
                                       "99999999999999999999999" };
    uint64_t value = 7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(text_u64(bad[i], UINT64_MAX, &value), ACESO_EFORMAT);
    assert_true(value == 7);
    assert_int_equal(text_u64("18446744073709551615", UINT64_MAX, &value), ACESO_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(text_u64("0", 0, &value), ACESO_OK);
    assert_true(value == 0);
    assert_int_equal(text_u64("101", 100, &value), ACESO_EFORMAT);
    assert_int_equal(text_u64("100", 100, &value), ACESO_OK);
    assert_true(value == 100);
}

static void test_times(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } times[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { 951826154, "2000-02-29T12:09:14Z" },
        { 4102444799, "2099-12-31T23:59:59Z" },
        { -1, "1969-12-31T23:59:59Z" },
        { INT64_MAX, "0000-00-00T00:00:00Z" },
        { INT64_MIN, "0000-00-00T00:00:00Z" },
        { 253402300799, "9999-12-31T23:59:59Z" },
        { 253402300800, "0000-00-00T00:00:00Z" },
        { -30610224000, "1000-01-01T00:00:00Z" },
        { -30610224001, "0000-00-00T00:00:00Z" },
    };
    char out[21];

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        text_time(times[i].seconds, out);
        assert_string_equal(out, times[i].text);
    }
}

static void test_clocks(void **state)
{
    int64_t before = time_monotonic_ms();

    (void)state;
    assert_true(time_now() > 1700000000);
    assert_true(time_monotonic_ms() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_both_ways),
        cmocka_unit_test(test_hex_refuses),
        cmocka_unit_test(test_hex_into_a_buffer),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_refuses),
        cmocka_unit_test(test_base64_appends_within_the_limit),
        cmocka_unit_test(test_utf8_accepts),
        cmocka_unit_test(test_utf8_refuses),
        cmocka_unit_test(test_decimal_numbers),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_clocks),
    };

    return cmocka_run_group_tests_name("base text", tests, NULL, NULL);
}
