/* SPDX-License-Identifier: Apache-2.0 */
/* RLP against the vectors of the Ethereum documentation and wiki, and against bad encodings. */
#include "eth/rlp.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_hex(struct buffer *buffer, const char *hex)
{
    struct buffer text = BUFFER_INIT(4096);

    assert_int_equal(buffer->failed, 0);
    assert_int_equal(buffer_put_hex(&text, buffer_bytes(buffer)), 0);
    assert_string_equal(buffer_text(&text), hex);
    buffer_free(&text);
    buffer_clear(buffer);
}

static void test_writes_the_known_vectors(void **state)
{
    static const char lorem[] = "Lorem ipsum dolor sit amet, consectetur adipisicing elit";
    struct buffer out = BUFFER_INIT(4096), inner = BUFFER_INIT(4096);

    (void)state;
    rlp_put_string(&out, bytes_of_string("dog"));
    expect_hex(&out, "83646f67");
    rlp_put_string(&out, bytes_of(NULL, 0));
    expect_hex(&out, "80");
    rlp_put_string(&out, bytes_of("\x0f", 1));
    expect_hex(&out, "0f");
    rlp_put_string(&out, bytes_of("\x80", 1));
    expect_hex(&out, "8180");
    rlp_put_u64(&out, 0);
    expect_hex(&out, "80");
    rlp_put_u64(&out, 15);
    expect_hex(&out, "0f");
    rlp_put_u64(&out, 1024);
    expect_hex(&out, "820400");
    rlp_put_string(&inner, bytes_of_string("cat"));
    rlp_put_string(&inner, bytes_of_string("dog"));
    rlp_put_list(&out, buffer_bytes(&inner));
    expect_hex(&out, "c88363617483646f67");
    rlp_put_list(&out, bytes_of(NULL, 0));
    expect_hex(&out, "c0");
    rlp_put_string(&out, bytes_of_string(lorem));
    expect_hex(&out, "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465"
                     "7475722061646970697369"
                     "63696e6720656c6974");
    buffer_free(&out);
    buffer_free(&inner);
}

static void test_reads_what_it_wrote_at_every_length(void **state)
{
    static uint8_t data[70000];

    (void)state;
    memset(data, 0xee, sizeof data);
    for (size_t len = 0; len <= sizeof data; len = len < 300 ? len + 1 : len * 6 + 1) {
        struct buffer out = BUFFER_INIT(1 << 20);
        struct bytes in;
        struct rlp_item item;

        rlp_put_string(&out, bytes_of(data, len));
        in = buffer_bytes(&out);
        assert_int_equal(rlp_read(&in, &item, NULL), ACESO_OK);
        assert_false(item.list);
        assert_true(bytes_equal(item.payload, bytes_of(data, len)));
        assert_int_equal(in.len, 0);
        for (size_t cut = 0; cut < out.len; cut += 1 + cut / 2) {
            in = bytes_of(out.data, cut);
            assert_int_equal(rlp_read(&in, &item, NULL), ACESO_EFORMAT);
        }
        buffer_free(&out);
    }
}

static void test_refuses_what_is_not_canonical(void **state)
{
    static const char *const bad[] = {
        "",                 /* nothing */
        "8100",             /* a byte below 0x80 with a length */
        "817f",
        "b800",             /* a short string in the long form */
        "b80100",
        "b90001aa",         /* a length with a leading zero */
        "b837000000",
        "f800",             /* a short list in the long form */
        "f90000",
        "bfffffffffffffffff", /* a length beyond all memory */
        "ffffffffffffffffff",
        "83646f",           /* cut off */
        "c88363617483646f",
        "c183",             /* cut off inside */
        "c3830102",
        "83646f6700",       /* something behind */
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buffer in = BUFFER_INIT(64);

        assert_int_equal(text_unhex_buffer(bad[i], &in), 0);
        assert_int_equal(rlp_check(buffer_bytes(&in), 16, NULL), ACESO_EFORMAT);
        buffer_free(&in);
    }
}

static void test_refuses_lists_that_are_too_deep(void **state)
{
    uint8_t deep[40];

    (void)state;
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = (uint8_t)(0xc0 + sizeof deep - 1 - i);
    assert_int_equal(rlp_check(bytes_of(deep, sizeof deep), 40, NULL), ACESO_OK);
    assert_int_equal(rlp_check(bytes_of(deep, sizeof deep), 39, NULL), ACESO_ELIMIT);
}

static void test_reads_numbers_strictly(void **state)
{
    struct bytes in = bytes_of("\x82\x04\x00", 3);
    uint8_t word[32];
    uint64_t value = 7;

    (void)state;
    assert_int_equal(rlp_read_u64(&in, &value, NULL), ACESO_OK);
    assert_int_equal(value, 1024);
    in = bytes_of("\x82\x00\x04", 3);
    assert_int_equal(rlp_read_u64(&in, &value, NULL), ACESO_EFORMAT);
    assert_int_equal(in.len, 3);
    in = bytes_of("\x00", 1); /* zero is the empty string */
    assert_int_equal(rlp_read_u64(&in, &value, NULL), ACESO_EFORMAT);
    in = bytes_of("\x89\x01\x00\x00\x00\x00\x00\x00\x00\x00", 10);
    assert_int_equal(rlp_read_u64(&in, &value, NULL), ACESO_EFORMAT);
    assert_int_equal(rlp_read_uint256(&in, word, NULL), ACESO_OK);
    assert_int_equal(word[23], 1);
    in = bytes_of("\xc0", 1);
    assert_int_equal(rlp_read_u64(&in, &value, NULL), ACESO_EFORMAT);
    assert_int_equal(value, 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_the_known_vectors),
        cmocka_unit_test(test_reads_what_it_wrote_at_every_length),
        cmocka_unit_test(test_refuses_what_is_not_canonical),
        cmocka_unit_test(test_refuses_lists_that_are_too_deep),
        cmocka_unit_test(test_reads_numbers_strictly),
    };

    return cmocka_run_group_tests_name("eth/rlp", tests, NULL, NULL);
}
