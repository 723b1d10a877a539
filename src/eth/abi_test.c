/* SPDX-License-Identifier: Apache-2.0 */
/* The ABI against the examples of the Solidity documentation and what foundry's cast encodes. */
#include "eth/abi.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SAM_TYPES "(bytes,bool,uint256[])"
static const char sam_hex[] =
    "a5643bf2"
    "0000000000000000000000000000000000000000000000000000000000000060"
    "0000000000000000000000000000000000000000000000000000000000000001"
    "00000000000000000000000000000000000000000000000000000000000000a0"
    "0000000000000000000000000000000000000000000000000000000000000004"
    "6461766500000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000003"
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "0000000000000000000000000000000000000000000000000000000000000003";

#define F_TYPES "(uint256,uint32[],bytes10,bytes)"
static const char f_hex[] =
    "8be65246"
    "0000000000000000000000000000000000000000000000000000000000000123"
    "0000000000000000000000000000000000000000000000000000000000000080"
    "3132333435363738393000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000e0"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "0000000000000000000000000000000000000000000000000000000000000456"
    "0000000000000000000000000000000000000000000000000000000000000789"
    "000000000000000000000000000000000000000000000000000000000000000d"
    "48656c6c6f2c20776f726c642100000000000000000000000000000000000000";

#define G_TYPES "(uint256[][],string[])"
static const char g_hex[] =
    "2289b18c"
    "0000000000000000000000000000000000000000000000000000000000000040"
    "0000000000000000000000000000000000000000000000000000000000000140"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "0000000000000000000000000000000000000000000000000000000000000040"
    "00000000000000000000000000000000000000000000000000000000000000a0"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000003"
    "0000000000000000000000000000000000000000000000000000000000000003"
    "0000000000000000000000000000000000000000000000000000000000000060"
    "00000000000000000000000000000000000000000000000000000000000000a0"
    "00000000000000000000000000000000000000000000000000000000000000e0"
    "0000000000000000000000000000000000000000000000000000000000000003"
    "6f6e650000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000003"
    "74776f0000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000005"
    "7468726565000000000000000000000000000000000000000000000000000000";

#define NESTED_TYPES "(int16,(uint8,bytes32)[],string,(address,uint16[2],bytes)[2])"
static const char nested_hex[] = /* by cast */
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
    "0000000000000000000000000000000000000000000000000000000000000080"
    "0000000000000000000000000000000000000000000000000000000000000120"
    "0000000000000000000000000000000000000000000000000000000000000160"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "0000000000000000000000000000000000000000000000000000000000000001"
    "1111111111111111111111111111111111111111111111111111111111111111"
    "00000000000000000000000000000000000000000000000000000000000000ff"
    "2222222222222222222222222222222222222222222222222222222222222222"
    "0000000000000000000000000000000000000000000000000000000000000007"
    "4772c3bcc39f6500000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000040"
    "00000000000000000000000000000000000000000000000000000000000000e0"
    "0000000000000000000000003535353535353535353535353535353535353535"
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "0000000000000000000000000000000000000000000000000000000000000080"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000004646464646464646464646464646464646464646"
    "0000000000000000000000000000000000000000000000000000000000000003"
    "000000000000000000000000000000000000000000000000000000000000ffff"
    "0000000000000000000000000000000000000000000000000000000000000080"
    "0000000000000000000000000000000000000000000000000000000000000003"
    "abcdef0000000000000000000000000000000000000000000000000000000000";

static struct abi_value word_of(uint8_t fill)
{
    uint8_t word[32];

    memset(word, fill, sizeof word);
    return abi_word(word);
}

static struct abi_value address_of(uint8_t fill)
{
    uint8_t address[20];

    memset(address, fill, sizeof address);
    return abi_address(address);
}

/* The four examples as values; the callback gets them with their types, selector and hex. */
struct example {
    const char *types;
    const char *hex;
    uint32_t selector; /* 0: none */
    const struct abi_value *values;
    size_t count;
};

static void with_sam(void (*check)(const struct example *))
{
    const struct abi_value numbers[] = { abi_u64(1), abi_u64(2), abi_u64(3) };
    const struct abi_value values[] = { abi_bytes(bytes_of("dave", 4)), abi_bool(true),
                                        abi_items(numbers, 3) };

    check(&(struct example){ SAM_TYPES, sam_hex, 0xa5643bf2, values, 3 });
}

static void with_f(void (*check)(const struct example *))
{
    const struct abi_value numbers[] = { abi_u64(0x456), abi_u64(0x789) };
    uint8_t ten[32] = "1234567890";
    const struct abi_value values[] = { abi_u64(0x123), abi_items(numbers, 2), abi_word(ten),
                                        abi_string("Hello, world!") };

    check(&(struct example){ F_TYPES, f_hex, 0x8be65246, values, 4 });
}

static void with_g(void (*check)(const struct example *))
{
    const struct abi_value first[] = { abi_u64(1), abi_u64(2) }, second[] = { abi_u64(3) };
    const struct abi_value lists[] = { abi_items(first, 2), abi_items(second, 1) };
    const struct abi_value texts[] = { abi_string("one"), abi_string("two"), abi_string("three") };
    const struct abi_value values[] = { abi_items(lists, 2), abi_items(texts, 3) };

    check(&(struct example){ G_TYPES, g_hex, 0x2289b18c, values, 2 });
}

static void with_nested(void (*check)(const struct example *))
{
    const struct abi_value one[] = { abi_u64(1), word_of(0x11) };
    const struct abi_value two[] = { abi_u64(255), word_of(0x22) };
    const struct abi_value pairs[] = { abi_items(one, 2), abi_items(two, 2) };
    const struct abi_value low[] = { abi_u64(1), abi_u64(2) }, high[] = { abi_u64(3),
                                                                        abi_u64(65535) };
    const struct abi_value left[] = { address_of(0x35), abi_items(low, 2),
                                      abi_bytes(bytes_of(NULL, 0)) };
    const struct abi_value right[] = { address_of(0x46), abi_items(high, 2),
                                       abi_bytes(bytes_of("\xab\xcd\xef", 3)) };
    const struct abi_value both[] = { abi_items(left, 3), abi_items(right, 3) };
    struct abi_value minus_two = word_of(0xff);
    struct abi_value values[4];

    minus_two.word[31] = 0xfe;
    values[0] = minus_two;
    values[1] = abi_items(pairs, 2);
    values[2] = abi_string("Gr\xc3\xbc\xc3\x9f" "e");
    values[3] = abi_items(both, 2);
    check(&(struct example){ NESTED_TYPES, nested_hex, 0, values, 4 });
}

static void with_examples(void (*check)(const struct example *))
{
    with_sam(check);
    with_f(check);
    with_g(check);
    with_nested(check);
}

static void check_encoding(const struct example *example)
{
    struct buffer out = BUFFER_INIT(1 << 16), hex = BUFFER_INIT(1 << 16);

    if (example->selector)
        assert_int_equal(abi_encode_call(example->selector, example->types, example->values,
                                         example->count, &out, NULL), ACESO_OK);
    else
        assert_int_equal(abi_encode(example->types, example->values, example->count, &out, NULL),
                         ACESO_OK);
    assert_int_equal(buffer_put_hex(&hex, buffer_bytes(&out)), 0);
    assert_string_equal(buffer_text(&hex), example->hex);
    buffer_free(&out);
    buffer_free(&hex);
}

/* Decoded and encoded again it is the same; cut anywhere, or with a word behind, it is refused. */
static void check_decoding(const struct example *example)
{
    struct buffer in = BUFFER_INIT(1 << 16), again = BUFFER_INIT(1 << 16);
    struct abi_value values[32];
    struct bytes data;

    assert_int_equal(text_unhex_buffer(example->hex, &in), 0);
    data = bytes_of(in.data + (example->selector ? 4 : 0), in.len - (example->selector ? 4 : 0));
    assert_int_equal(abi_decode(example->types, data, values, 32, NULL), ACESO_OK);
    assert_int_equal(abi_encode(example->types, values, example->count, &again, NULL), ACESO_OK);
    assert_true(bytes_equal(buffer_bytes(&again), data));
    for (size_t len = 0; len < data.len; len++)
        assert_int_equal(abi_decode(example->types, bytes_of(data.data, len), values, 32, NULL),
                         ACESO_EFORMAT);
    assert_int_equal(buffer_put_zeros(&again, 32), 0);
    assert_int_equal(abi_decode(example->types, buffer_bytes(&again), values, 32, NULL),
                     ACESO_EFORMAT);
    assert_int_equal(abi_decode(example->types, data, values, example->count, NULL),
                     ACESO_ELIMIT);
    buffer_free(&in);
    buffer_free(&again);
}

static void test_encodes_the_examples(void **state)
{
    (void)state;
    with_examples(check_encoding);
}

static void test_decodes_the_examples_and_no_part_of_them(void **state)
{
    (void)state;
    with_examples(check_decoding);
}

static void test_decoded_values_are_the_values(void **state)
{
    struct buffer in = BUFFER_INIT(1 << 16);
    struct abi_value values[32];

    (void)state;
    assert_int_equal(text_unhex_buffer(g_hex, &in), 0);
    assert_int_equal(abi_decode(G_TYPES, bytes_of(in.data + 4, in.len - 4), values, 32, NULL),
                     ACESO_OK);
    assert_int_equal(values[0].count, 2);
    assert_int_equal(values[0].items[0].count, 2);
    assert_int_equal(abi_get_u64(&values[0].items[0].items[1]), 2);
    assert_int_equal(abi_get_u64(&values[0].items[1].items[0]), 3);
    assert_true(bytes_equal(values[1].items[2].bytes, bytes_of_string("three")));
    buffer_free(&in);
}

static void test_refuses_words_outside_their_type(void **state)
{
    static const struct {
        const char *types;
        const char *hex;
    } bad[] = {
        { "(uint8)", "0000000000000000000000000000000000000000000000000000000000000100" },
        { "(uint248)", "0100000000000000000000000000000000000000000000000000000000000000" },
        { "(int8)", "0000000000000000000000000000000000000000000000000000000000000080" },
        { "(int8)", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
        { "(bool)", "0000000000000000000000000000000000000000000000000000000000000002" },
        { "(address)", "0000000000000000000000010000000000000000000000000000000000000000" },
        { "(bytes31)", "0000000000000000000000000000000000000000000000000000000000000001" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct abi_value value = { .count = 0 }, decoded;
        struct buffer out = BUFFER_INIT(64);

        assert_int_equal(text_unhex(bad[i].hex, value.word, 32), 0);
        assert_int_equal(abi_encode(bad[i].types, &value, 1, &out, NULL), ACESO_EUSAGE);
        assert_int_equal(out.len, 0);
        assert_int_equal(abi_decode(bad[i].types, bytes_of(value.word, 32), &decoded, 1, NULL),
                         ACESO_EFORMAT);
        buffer_free(&out);
    }
}

#define WORD(digits) "00000000000000000000000000000000000000000000000000000000000000" digits

static void test_refuses_what_the_compiler_would_not_write(void **state)
{
    static const struct {
        const char *types;
        const char *hex;
    } bad[] = {
        { "(bytes)", WORD("40") WORD("00") WORD("00") },        /* a gap */
        { "(bytes)", WORD("00") },                              /* an offset into the head */
        { "(bytes,bytes)", WORD("40") WORD("40") WORD("00") },  /* two share a tail */
        { "(bytes,bytes)", WORD("60") WORD("40") WORD("00") WORD("00") }, /* tails swapped */
        { "(bytes)", WORD("20") WORD("21") WORD("00") },        /* longer than the data */
        { "(bytes)", WORD("20") WORD("1f") WORD("01") },        /* the padding is not zero */
        { "(bytes)", "ff00000000000000000000000000000000000000000000000000000000000020" },
        { "(bytes)",
          WORD("20") "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
        { "(bytes)",
          WORD("20") "000000000000000000000000000000000000000000000000ffffffffffffffff" },
        { "(uint8[])", WORD("20") WORD("02") WORD("01") },
        { "(uint8[])",
          WORD("20") "000000000000000000000000000000000000000000000000ffffffffffffffff" },
        { "(string)", WORD("20") WORD("02")
          "c328000000000000000000000000000000000000000000000000000000000000" }, /* not UTF-8 */
    };
    struct abi_value values[16];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buffer in = BUFFER_INIT(512);

        assert_int_equal(text_unhex_buffer(bad[i].hex, &in), 0);
        assert_int_equal(abi_decode(bad[i].types, buffer_bytes(&in), values, 16, NULL),
                         ACESO_EFORMAT);
        buffer_free(&in);
    }
}

static void test_refuses_wrong_types_and_counts(void **state)
{
    static const char *const bad[] = {
        "", "uint8", "(uint)", "(uint7)", "(uint264)", "(int0)", "(bytes33)", "(bytes0)", "(x)",
        "(uint8", "(uint8[0])", "(uint8[)", "(uint8])", "(()[])", "((((((((uint8))))))))",
    };
    struct abi_value values[4] = { { .count = 0 } };
    struct buffer out = BUFFER_INIT(512);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(abi_encode(bad[i], values, 1, &out, NULL), ACESO_EUSAGE);
    assert_int_equal(abi_encode("(uint8,uint8)", values, 1, &out, NULL), ACESO_EUSAGE);
    assert_int_equal(abi_encode("((uint8,uint8))", values, 1, &out, NULL), ACESO_EUSAGE);
    values[0] = abi_string("\xff");
    assert_int_equal(abi_encode("(string)", values, 1, &out, NULL), ACESO_EFORMAT);
    assert_int_equal(out.len, 0);
    assert_int_equal(abi_encode("()", values, 0, &out, NULL), ACESO_OK);
    buffer_free(&out);
}

static void test_reports_a_full_buffer(void **state)
{
    const struct abi_value values[] = { abi_string("a text that needs its own word"), abi_u64(1) };

    (void)state;
    for (size_t max = 0; max < 128; max++) {
        struct buffer out = BUFFER_INIT(max);

        assert_int_equal(abi_encode("(string,uint8)", values, 2, &out, NULL), ACESO_ELIMIT);
        buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodes_the_examples),
        cmocka_unit_test(test_decodes_the_examples_and_no_part_of_them),
        cmocka_unit_test(test_decoded_values_are_the_values),
        cmocka_unit_test(test_refuses_words_outside_their_type),
        cmocka_unit_test(test_refuses_what_the_compiler_would_not_write),
        cmocka_unit_test(test_refuses_wrong_types_and_counts),
        cmocka_unit_test(test_reports_a_full_buffer),
    };

    return cmocka_run_group_tests_name("eth/abi", tests, NULL, NULL);
}
