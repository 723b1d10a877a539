/* SPDX-License-Identifier: Apache-2.0 */
/* A node's answers, right and wrong ones, without a node. */
#include "chain/rpc_answer.h"

#include "chain/revert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EIGHT(digit) digit digit digit digit digit digit digit digit
#define WORD(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) \
        EIGHT(digit) EIGHT(digit)
#define ADDRESS(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit)

static int read_text(const char *text, struct rpc_answer *answer)
{
    return rpc_answer_read(bytes_of_string(text), 7, answer, NULL);
}

static void test_reads_results_and_errors(void **state)
{
    struct rpc_answer answer;
    uint64_t value = 0;

    (void)state;
    assert_int_equal(read_text("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x1f\"}", &answer), 0);
    assert_int_equal(rpc_answer_u64(answer.result, &value, NULL), ACESO_OK);
    assert_int_equal(value, 31);
    rpc_answer_free(&answer);
    assert_int_equal(read_text("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":3,\"message\":"
                               "\"a\\u0007b\",\"data\":\"0xabcd\"}}", &answer), 0);
    assert_null(answer.result);
    assert_int_equal(answer.code, 3);
    assert_string_equal(answer.message, "a?b");
    assert_true(bytes_equal(buffer_bytes(&answer.revert), bytes_of("\xab\xcd", 2)));
    rpc_answer_free(&answer);
    assert_int_equal(read_text("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32000,"
                               "\"message\":\"no\",\"data\":{\"x\":1}}}", &answer), 0);
    assert_int_equal(answer.revert.len, 0);
    rpc_answer_free(&answer);
    assert_int_equal(read_text("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":null}", &answer), 0);
    assert_true(yyjson_is_null(answer.result));
    rpc_answer_free(&answer);
}

static void test_refuses_what_is_no_answer(void **state)
{
    static const char *const bad[] = {
        "", "null", "[]", "{}", "{\"jsonrpc\":\"2.0\",\"id\":7}",
        "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":\"0x1\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":\"0x1\"}",
        "{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":\"0x1\"}",
        "{\"id\":7,\"result\":\"0x1\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":\"no\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"message\":\"no\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x1\"}x",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x1\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rpc_answer answer;

        assert_int_equal(read_text(bad[i], &answer), ACESO_EFORMAT);
    }
}

static void with_value(const char *json, void (*check)(const yyjson_val *value, int expected),
                       int expected)
{
    yyjson_doc *doc = yyjson_read(json, strlen(json), 0);

    assert_non_null(doc);
    check(yyjson_doc_get_root(doc), expected);
    yyjson_doc_free(doc);
}

static void check_u64(const yyjson_val *value, int expected)
{
    uint64_t out = 5;

    assert_int_equal(rpc_answer_u64(value, &out, NULL), expected);
    assert_true(expected == ACESO_OK || out == 5);
}

static void test_reads_numbers_strictly(void **state)
{
    static const char *const bad[] = {
        "1", "\"1\"", "\"0x\"", "\"0xg\"", "\"\"", "null", "\"0x-1\"", "\"0x10000000000000000\"",
        "\"0x1\\u00002\"",
    };

    (void)state;
    with_value("\"0x0\"", check_u64, ACESO_OK);
    with_value("\"0xffffffffffffffff\"", check_u64, ACESO_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        with_value(bad[i], check_u64, ACESO_EFORMAT);
}

#define BLOCK(number, hash)                                                                        \
    "{\"number\":" number ",\"hash\":" hash ",\"parentHash\":\"0x" WORD("2")                       \
    "\",\"timestamp\":\"0x64\",\"baseFeePerGas\":\"0x7\"}"

static void check_block(const yyjson_val *value, int expected)
{
    struct rpc_block block = { .number = 1 };

    assert_int_equal(rpc_answer_block(value, &block, NULL), expected);
    if (expected == ACESO_OK) {
        assert_int_equal(block.number, 16);
        assert_int_equal(block.time, 100);
        assert_true(block.has_base_fee && block.base_fee == 7);
    } else {
        assert_int_equal(block.number, 1);
    }
}

static void test_reads_blocks(void **state)
{
    (void)state;
    with_value(BLOCK("\"0x10\"", "\"0x" WORD("1") "\""), check_block, ACESO_OK);
    with_value(BLOCK("16", "\"0x" WORD("1") "\""), check_block, ACESO_EFORMAT);
    with_value(BLOCK("\"0x10\"", "\"0x" EIGHT("1") "\""), check_block, ACESO_EFORMAT);
    with_value(BLOCK("\"0x10\"", "null"), check_block, ACESO_EFORMAT);
    with_value("[]", check_block, ACESO_EFORMAT);
}

#define RECEIPT(hash, status)                                                                      \
    "{\"transactionHash\":\"0x" hash "\",\"blockHash\":\"0x" WORD("2")                             \
    "\",\"blockNumber\":\"0x5\",\"gasUsed\":\"0x5208\",\"status\":" status                         \
    ",\"contractAddress\":null}"

static void check_receipt(const yyjson_val *value, int expected)
{
    struct rpc_receipt receipt;
    uint8_t hash[32];

    memset(hash, 0x11, sizeof hash);
    assert_int_equal(rpc_answer_receipt(value, hash, &receipt, NULL), expected);
    if (expected == ACESO_OK)
        assert_true(receipt.success && receipt.gas_used == 21000 && !receipt.created);
}

static void test_reads_receipts_of_the_transaction_asked_for(void **state)
{
    (void)state;
    with_value(RECEIPT(WORD("1"), "\"0x1\""), check_receipt, ACESO_OK);
    with_value(RECEIPT(WORD("3"), "\"0x1\""), check_receipt, ACESO_EFORMAT);
    with_value(RECEIPT(WORD("1"), "\"0x2\""), check_receipt, ACESO_EFORMAT);
    with_value(RECEIPT(WORD("1"), "true"), check_receipt, ACESO_EFORMAT);
}

#define LOG(address, topic, data, block, index, removed)                                           \
    "{\"address\":\"0x" ADDRESS(address) "\",\"topics\":[\"0x" WORD(topic) "\"],\"data\":" data    \
    ",\"blockNumber\":\"" block "\",\"blockHash\":\"0x" WORD("2")                                  \
    "\",\"transactionHash\":\"0x" WORD("3") "\",\"logIndex\":\"" index "\",\"removed\":" removed "}"

static void check_logs(const yyjson_val *value, int expected)
{
    static const uint8_t addresses[1][20] = { { 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
                                                0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
                                                0xaa, 0xaa, 0xaa, 0xaa } };
    uint8_t topics[1][32];
    const struct rpc_log_filter filter = { .from = 5, .to = 6, .topics = 1, .addresses = 1,
                                           .topic0 = (const uint8_t (*)[32])topics,
                                           .address = addresses };
    struct rpc_logs logs = { .log = NULL };

    memset(topics, 0x11, sizeof topics);
    assert_int_equal(rpc_answer_logs(value, &filter, &logs, NULL), expected);
    if (expected == ACESO_OK) {
        assert_int_equal(logs.count, 2);
        assert_true(bytes_equal(logs.log[0].data, bytes_of("\xab", 1)));
        assert_true(bytes_equal(logs.log[1].data, bytes_of("\xcd\xef", 2)));
    }
    rpc_logs_free(&logs);
}

static void test_reads_logs_that_were_asked_for(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[1]",
        "[" LOG("b", "1", "\"0xab\"", "0x5", "0x0", "false") "]",  /* another contract */
        "[" LOG("a", "4", "\"0xab\"", "0x5", "0x0", "false") "]",  /* another event */
        "[" LOG("a", "1", "\"0xab\"", "0x4", "0x0", "false") "]",  /* another block */
        "[" LOG("a", "1", "\"0xab\"", "0x7", "0x0", "false") "]",
        "[" LOG("a", "1", "\"0xab\"", "0x5", "0x0", "true") "]",   /* undone */
        "[" LOG("a", "1", "\"0xabc\"", "0x5", "0x0", "false") "]", /* half a byte */
        "[" LOG("a", "1", "null", "0x5", "0x0", "false") "]",
        "[" LOG("a", "1", "\"0xab\"", "0x5", "0x1", "false") "," /* twice, and backwards */
            LOG("a", "1", "\"0xab\"", "0x5", "0x1", "false") "]",
        "[" LOG("a", "1", "\"0xab\"", "0x6", "0x1", "false") ","
            LOG("a", "1", "\"0xab\"", "0x5", "0x2", "false") "]",
    };

    (void)state;
    with_value("[" LOG("a", "1", "\"0xab\"", "0x5", "0x0", "false") ","
               LOG("a", "1", "\"0xcdef\"", "0x5", "0x1", "false") "]", check_logs, ACESO_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        with_value(bad[i], check_logs, ACESO_EFORMAT);
}

static void expect_revert(const char *hex, const char *words)
{
    struct buffer data = BUFFER_INIT(1024);
    char out[128];

    for (; *hex; hex += 2) {
        char digits[3] = { hex[0], hex[1], '\0' };

        assert_int_equal(buffer_put_u8(&data, (uint8_t)strtoul(digits, NULL, 16)), 0);
    }
    assert_non_null(strstr(revert_text(buffer_bytes(&data), out, sizeof out), words));
    buffer_free(&data);
}

static void test_reverts_are_told_in_words(void **state)
{
    (void)state;
    expect_revert("", "without a reason");
    expect_revert("010203", "without a reason");
    expect_revert("deadbeef", "0xdeadbeef");
    expect_revert("08c379a0" /* Error("no \x07 way") */
                  "0000000000000000000000000000000000000000000000000000000000000020"
                  "0000000000000000000000000000000000000000000000000000000000000008"
                  "6e6f200720776179000000000000000000000000000000000000000000000000",
                  "no ? way");
    expect_revert("08c379a00000", "the contract refused");
    expect_revert("4e487b71"
                  "0000000000000000000000000000000000000000000000000000000000000011", "0x11");
    expect_revert("118cdaa7" /* OwnableUnauthorizedAccount(address) */
                  "0000000000000000000000000000000000000000000000000000000000000001",
                  "OwnableUnauthorizedAccount");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_results_and_errors),
        cmocka_unit_test(test_refuses_what_is_no_answer),
        cmocka_unit_test(test_reads_numbers_strictly),
        cmocka_unit_test(test_reads_blocks),
        cmocka_unit_test(test_reads_receipts_of_the_transaction_asked_for),
        cmocka_unit_test(test_reads_logs_that_were_asked_for),
        cmocka_unit_test(test_reverts_are_told_in_words),
    };

    return cmocka_run_group_tests_name("chain/rpc_answer", tests, NULL, NULL);
}
