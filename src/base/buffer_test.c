/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of buffer: limits, sticky failures, wiping, and a reader that never leaves its input. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_integers_are_big_endian(void **state)
{
    static const uint8_t want[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                    0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f };
    struct buffer buffer = BUFFER_INIT(64);
    struct reader reader;

    (void)state;
    assert_int_equal(buffer_put_u8(&buffer, 0x01), ACESO_OK);
    assert_int_equal(buffer_put_u16(&buffer, 0x0203), ACESO_OK);
    assert_int_equal(buffer_put_u32(&buffer, 0x04050607), ACESO_OK);
    assert_int_equal(buffer_put_u64(&buffer, 0x08090a0b0c0d0e0f), ACESO_OK);
    assert_int_equal(buffer.len, sizeof want);
    assert_memory_equal(buffer.data, want, sizeof want);
    reader = reader_of(buffer_bytes(&buffer));
    assert_int_equal(reader_u8(&reader), 0x01);
    assert_int_equal(reader_u16(&reader), 0x0203);
    assert_int_equal(reader_u32(&reader), 0x04050607);
    assert_true(reader_u64(&reader) == 0x08090a0b0c0d0e0f);
    assert_true(reader_done(&reader));
    buffer_free(&buffer);
}

static void test_limit_says_no_and_is_remembered(void **state)
{
    struct buffer buffer = BUFFER_INIT(4);

    (void)state;
    assert_int_equal(buffer_put(&buffer, "abcd", 4), ACESO_OK);
    assert_int_equal(buffer_put_u8(&buffer, 'e'), ACESO_ELIMIT);
    assert_int_equal(buffer_put(&buffer, "", 0), ACESO_ELIMIT);
    assert_int_equal(buffer.len, 4);
    assert_string_equal(buffer_text(&buffer), "abcd");
    buffer_clear(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    assert_int_equal(buffer_put_string(&buffer, "ab"), ACESO_OK);
    assert_int_equal(buffer_put_u32(&buffer, 0), ACESO_ELIMIT);
    assert_string_equal(buffer_text(&buffer), "ab");
    buffer_free(&buffer);
}

static void test_half_a_u64_never_counts_as_success(void **state)
{
    struct buffer buffer = BUFFER_INIT(4);

    (void)state;
    assert_int_equal(buffer_put_u64(&buffer, 1), ACESO_ELIMIT);
    assert_int_equal(buffer.failed, ACESO_ELIMIT);
    buffer_free(&buffer);
}

static void test_growth_keeps_the_bytes(void **state)
{
    struct buffer buffer = BUFFER_INIT(100000);

    (void)state;
    for (unsigned i = 0; i < 25000; i++)
        (void)buffer_put_u32(&buffer, i);
    assert_int_equal(buffer.failed, ACESO_OK);
    assert_int_equal(buffer.len, 100000);
    for (unsigned i = 0; i < 25000; i += 777) {
        struct reader reader = reader_of(bytes_of(buffer.data + (size_t)4 * i, 4));

        assert_int_equal(reader_u32(&reader), i);
    }
    assert_int_equal(buffer_put_u8(&buffer, 0), ACESO_ELIMIT);
    buffer_free(&buffer);
}

static void test_a_nul_follows_always(void **state)
{
    struct buffer buffer = BUFFER_INIT(1000);

    (void)state;
    assert_string_equal(buffer_text(&buffer), "");
    for (size_t i = 1; i <= 1000; i++) {
        assert_int_equal(buffer_put_u8(&buffer, 'x'), ACESO_OK);
        assert_int_equal(strlen(buffer_text(&buffer)), i);
    }
    buffer_free(&buffer);
}

static void test_printf(void **state)
{
    struct buffer buffer = BUFFER_INIT(12);

    (void)state;
    assert_int_equal(buffer_printf(&buffer, "%s-%d", "abc", -7), ACESO_OK);
    assert_string_equal(buffer_text(&buffer), "abc--7");
    assert_int_equal(buffer_printf(&buffer, "%07d", 1), ACESO_ELIMIT);
    assert_string_equal(buffer_text(&buffer), "abc--7");
    buffer_free(&buffer);
}

static void test_zeros_and_hex(void **state)
{
    static const uint8_t bytes[] = { 0x00, 0x7f, 0x80, 0xff };
    struct buffer buffer = BUFFER_INIT(64);

    (void)state;
    assert_int_equal(buffer_put_hex(&buffer, bytes_of(bytes, sizeof bytes)), ACESO_OK);
    assert_string_equal(buffer_text(&buffer), "007f80ff");
    assert_int_equal(buffer_put_hex(&buffer, bytes_of(NULL, 0)), ACESO_OK);
    buffer_clear(&buffer);
    assert_int_equal(buffer_put_zeros(&buffer, 3), ACESO_OK);
    assert_memory_equal(buffer.data, "\0\0\0", 4);
    assert_int_equal(buffer_put_zeros(&buffer, 62), ACESO_ELIMIT);
    buffer_free(&buffer);
}

static void test_fields(void **state)
{
    struct buffer buffer = BUFFER_INIT(64);
    struct reader reader;
    struct bytes field;

    (void)state;
    assert_int_equal(buffer_put_field(&buffer, bytes_of_string("four")), ACESO_OK);
    assert_int_equal(buffer_put_field(&buffer, bytes_of(NULL, 0)), ACESO_OK);
    reader = reader_of(buffer_bytes(&buffer));
    field = reader_field(&reader, 4);
    assert_true(bytes_equal(field, bytes_of_string("four")));
    assert_int_equal(reader_field(&reader, 4).len, 0);
    assert_true(reader_done(&reader));
    reader = reader_of(buffer_bytes(&buffer));
    assert_int_equal(reader_field(&reader, 3).len, 0);
    assert_true(reader.failed);
    buffer_free(&buffer);
}

static void test_reserve_is_bounded(void **state)
{
    struct buffer buffer = BUFFER_INIT(8);

    (void)state;
    assert_non_null(buffer_reserve(&buffer, 8));
    assert_int_equal(buffer.len, 0);
    assert_null(buffer_reserve(&buffer, 9));
    assert_int_equal(buffer.failed, ACESO_ELIMIT);
    buffer_clear(&buffer);
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    buffer_free(&buffer);
}

static void test_secret_memory_is_wiped_on_clear(void **state)
{
    struct buffer buffer = BUFFER_INIT_SECRET(64);

    (void)state;
    assert_int_equal(buffer_put_string(&buffer, "hush hush"), ACESO_OK);
    buffer_clear(&buffer);
    for (size_t i = 0; i < buffer.capacity; i++)
        assert_int_equal(buffer.data[i], 0);
    buffer_free(&buffer);
}

static void test_free_leaves_a_usable_buffer(void **state)
{
    struct buffer zeroed = { 0 };
    struct buffer buffer = BUFFER_INIT(2);

    (void)state;
    buffer_free(&zeroed);
    assert_int_equal(buffer_put_u8(&zeroed, 1), ACESO_ELIMIT);
    buffer_free(&zeroed);
    assert_int_equal(buffer_put_u32(&buffer, 1), ACESO_ELIMIT);
    buffer_free(&buffer);
    buffer_free(&buffer);
    assert_int_equal(buffer_put_u16(&buffer, 1), ACESO_OK);
    buffer_free(&buffer);
}

static void test_reader_past_the_end(void **state)
{
    static const uint8_t bytes[] = { 0xaa, 0xbb, 0xcc };
    struct reader reader = reader_of(bytes_of(bytes, sizeof bytes));
    uint8_t out[4] = { 1, 1, 1, 1 };

    (void)state;
    assert_int_equal(reader_u16(&reader), 0xaabb);
    assert_int_equal(reader_u16(&reader), 0);
    assert_true(reader.failed);
    assert_int_equal(reader_u8(&reader), 0);
    assert_int_equal(reader_take(&reader, 0).len, 0);
    reader_copy(&reader, out, sizeof out);
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_false(reader_done(&reader));
}

static void test_reader_of_nothing(void **state)
{
    struct reader reader = reader_of(bytes_of(NULL, 0));

    (void)state;
    assert_true(reader_done(&reader));
    assert_int_equal(reader_take(&reader, 0).len, 0);
    assert_true(reader_done(&reader));
    assert_true(reader_u64(&reader) == 0);
    assert_false(reader_done(&reader));
}

static void test_reader_field_longer_than_input(void **state)
{
    static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 1 };
    struct reader reader = reader_of(bytes_of(bytes, sizeof bytes));

    (void)state;
    assert_null(reader_field(&reader, SIZE_MAX).data);
    assert_true(reader.failed);
}

static void test_bytes_equal(void **state)
{
    (void)state;
    assert_true(bytes_equal(bytes_of(NULL, 0), bytes_of_string("")));
    assert_true(bytes_equal(bytes_of_string("ab"), bytes_of("abc", 2)));
    assert_false(bytes_equal(bytes_of_string("ab"), bytes_of_string("ac")));
    assert_false(bytes_equal(bytes_of_string("ab"), bytes_of_string("abc")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_are_big_endian),
        cmocka_unit_test(test_limit_says_no_and_is_remembered),
        cmocka_unit_test(test_half_a_u64_never_counts_as_success),
        cmocka_unit_test(test_growth_keeps_the_bytes),
        cmocka_unit_test(test_a_nul_follows_always),
        cmocka_unit_test(test_printf),
        cmocka_unit_test(test_zeros_and_hex),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_reserve_is_bounded),
        cmocka_unit_test(test_secret_memory_is_wiped_on_clear),
        cmocka_unit_test(test_free_leaves_a_usable_buffer),
        cmocka_unit_test(test_reader_past_the_end),
        cmocka_unit_test(test_reader_of_nothing),
        cmocka_unit_test(test_reader_field_longer_than_input),
        cmocka_unit_test(test_bytes_equal),
    };

    return cmocka_run_group_tests_name("base buffer", tests, NULL, NULL);
}
