/* SPDX-License-Identifier: Apache-2.0 */
/* Clique's blocks as geth 1.13.15 made them, and what settles a block. */
#include "chain/clique.h"

#include "base/text.h"
#include "chain/confirmation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ZEROS_64 "0000000000000000000000000000000000000000000000000000000000000000"
#define ZEROS ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64 ZEROS_64

static const char first[] =
    "{\"parentHash\":\"0x0000000000000000000000000000000000000000000000000000000000000000\""
    ",\"sha3Uncles\":\"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347\""
    ",\"miner\":\"0x0000000000000000000000000000000000000000\""
    ",\"stateRoot\":\"0x6a181d1c436e8262d9e49c0a1d9b484126df10db5ae990c2bb6b738604bf64a5\""
    ",\"transactionsRoot\":\"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b4"
    "21\""
    ",\"receiptsRoot\":\"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\""
    ",\"logsBloom\":\"0x" ZEROS "\""
    ",\"difficulty\":\"0x1\""
    ",\"number\":\"0x0\""
    ",\"gasLimit\":\"0x1c9c380\""
    ",\"gasUsed\":\"0x0\""
    ",\"timestamp\":\"0x0\""
    ",\"extraData\":\"0x00000000000000000000000000000000000000000000000000000000000000003a8fa"
    "a58f003b96aad4f59532c8c4888defde201b0099ace54250b501ec274fdc6167454b5ab08d9d649c5ee88b75"
    "4730696a014aa9841bc32034ab00000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000\""
    ",\"mixHash\":\"0x0000000000000000000000000000000000000000000000000000000000000000\""
    ",\"nonce\":\"0x0000000000000000\""
    ",\"baseFeePerGas\":\"0x3b9aca00\""
    ",\"hash\":\"0x51ca2c85d261ce8467585caf207322314cf1348472f05bbbf8bb5676f10f2c19\""
    "}";

static const char second[] =
    "{\"parentHash\":\"0x51ca2c85d261ce8467585caf207322314cf1348472f05bbbf8bb5676f10f2c19\""
    ",\"sha3Uncles\":\"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347\""
    ",\"miner\":\"0x0000000000000000000000000000000000000000\""
    ",\"stateRoot\":\"0x6a181d1c436e8262d9e49c0a1d9b484126df10db5ae990c2bb6b738604bf64a5\""
    ",\"transactionsRoot\":\"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b4"
    "21\""
    ",\"receiptsRoot\":\"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\""
    ",\"logsBloom\":\"0x" ZEROS "\""
    ",\"difficulty\":\"0x2\""
    ",\"number\":\"0x1\""
    ",\"gasLimit\":\"0x1c9c380\""
    ",\"gasUsed\":\"0x0\""
    ",\"timestamp\":\"0x6b03402d\""
    ",\"extraData\":\"0xd983010d0f846765746889676f312e32322e3130856c696e75780000000000002dae1"
    "4a8d340b72f51b9beb62b3403c62ac9a06035658494e9c8b38d700967a34fbe215780e6af2a2fd984cf2a675"
    "eb50254f89ff0ce032ad5516c3cb444391a00\""
    ",\"mixHash\":\"0x0000000000000000000000000000000000000000000000000000000000000000\""
    ",\"nonce\":\"0x0000000000000000\""
    ",\"baseFeePerGas\":\"0x342770c0\""
    ",\"hash\":\"0xdfc181d1a753fbdc1e5809954e5ea00341cce124190c48bb9b5154b74c8cb8c6\""
    "}";

static const char third[] =
    "{\"parentHash\":\"0xdfc181d1a753fbdc1e5809954e5ea00341cce124190c48bb9b5154b74c8cb8c6\""
    ",\"sha3Uncles\":\"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347\""
    ",\"miner\":\"0x0000000000000000000000000000000000000000\""
    ",\"stateRoot\":\"0x6a181d1c436e8262d9e49c0a1d9b484126df10db5ae990c2bb6b738604bf64a5\""
    ",\"transactionsRoot\":\"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b4"
    "21\""
    ",\"receiptsRoot\":\"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\""
    ",\"logsBloom\":\"0x" ZEROS "\""
    ",\"difficulty\":\"0x2\""
    ",\"number\":\"0x2\""
    ",\"gasLimit\":\"0x1c9c380\""
    ",\"gasUsed\":\"0x0\""
    ",\"timestamp\":\"0x6b03402e\""
    ",\"extraData\":\"0xd983010d0f846765746889676f312e32322e3130856c696e7578000000000000293a9"
    "d19e43c0b1de8756928d5b889cb300ef7027b9556a2e2121bd9ded8494f4a967cb00d86370aacd1e91ed62e6"
    "69384a9b01e7b09a79ecbf9bfd4eacb28c401\""
    ",\"mixHash\":\"0x0000000000000000000000000000000000000000000000000000000000000000\""
    ",\"nonce\":\"0x0000000000000000\""
    ",\"baseFeePerGas\":\"0x2da282a8\""
    ",\"hash\":\"0xc2bcb80d2f61bb28bc894ea9dc41a53d2b35e21c0b954e9952549794104c4d0d\""
    "}";

static int read(const char *text, struct clique_block *block)
{
    yyjson_doc *doc = NULL;
    int code = json_parse(bytes_of_string(text), &doc, NULL);

    assert_int_equal(code, ACESO_OK);
    code = clique_read(yyjson_doc_get_root(doc), block, NULL);
    yyjson_doc_free(doc);
    return code;
}

static void assert_signer(const struct clique_block *block, const char *signer)
{
    uint8_t expected[20];

    assert_int_equal(text_unhex(signer, expected, 20), ACESO_OK);
    assert_memory_equal(block->signer, expected, 20);
}

static void test_blocks_of_geth(void **state)
{
    struct clique_block zero, one, two;

    (void)state;
    assert_int_equal(read(first, &zero), ACESO_OK);
    assert_int_equal(zero.difficulty, 0);
    assert_int_equal(read(second, &one), ACESO_OK);
    assert_int_equal(one.number, 1);
    assert_int_equal(one.difficulty, 2);
    assert_memory_equal(one.parent, zero.hash, 32);
    assert_signer(&one, "0xb0099ace54250b501ec274fdc6167454b5ab08d9");
    assert_int_equal(read(third, &two), ACESO_OK);
    assert_memory_equal(two.parent, one.hash, 32);
    assert_signer(&two, "0xd649c5ee88b754730696a014aa9841bc32034ab0");
}

/* Any change of the header, also one outside what is used of it. */
static void test_made_up_headers_are_refused(void **state)
{
    static const char *const members[] = {
        "parentHash",    "sha3Uncles", "miner",      "stateRoot", "transactionsRoot",
        "receiptsRoot",  "logsBloom",  "difficulty", "number",    "gasLimit",
        "gasUsed",       "timestamp",  "extraData",  "mixHash",   "nonce",
        "baseFeePerGas", "hash"
    };
    struct clique_block block = { .number = 99 };

    (void)state;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char *text = strdup(third), *at = strstr(text, members[i]);

        at = strchr(strchr(at, ':') + 2, '"') - 1; /* the last digit */
        *at = *at == '1' ? '2' : '1';
        assert_int_not_equal(read(text, &block), ACESO_OK);
        *at = 'x';
        assert_int_equal(read(text, &block), ACESO_EFORMAT);
        free(text);
    }
    assert_int_equal(read("{}", &block), ACESO_EFORMAT);
    assert_int_equal(read("[]", &block), ACESO_EFORMAT);
    assert_int_equal(block.number, 99);
}

/* Blocks from the newest down, as signer and difficulty; which one is the first that is settled. */
static void test_what_settles(void **state)
{
    static const struct {
        size_t signers;
        const char *blocks; /* "a2" is signer a in turn; 'z' may not sign */
        int settled;
    } cases[] = {
        { 1, "a2", 0 },
        { 3, "a2", -1 },
        { 3, "a2b2", 1 },
        { 3, "a2b1", 1 },
        { 3, "a1b1", -1 },
        { 3, "a1b1c1", 2 },
        { 3, "a1b1c2", 2 },
        { 3, "a2a2a2a2", -1 },
        { 3, "a2z2b1", 2 },
        { 3, "z2z2z2z2", -1 },
        { 5, "a2b2", -1 },
        { 5, "a2b2c1", 2 },
        { 5, "a1b1c1d1e1", 4 },
        { 5, "a2b2a2b2c1", 4 },
        { 7, "a1b1c1d1a1b1", -1 },
        { 7, "a1b1c1d1a1b1c1", 6 },
        { 7, "a2b2c2d1", 3 },
        { 4, "a2b2", -1 },
        { 4, "a2b2c1", 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t signers[7][20];
        struct clique_count count = { .signer = signers, .signers = cases[i].signers };
        int settled = -1;

        for (uint8_t j = 0; j < 7; j++)
            memset(signers[j], 'a' + j, 20);
        for (size_t j = 0; cases[i].blocks[2 * j] && settled < 0; j++) {
            struct clique_block block = { .number = 100 - j };

            memset(block.signer, cases[i].blocks[2 * j], 20);
            block.difficulty = (uint64_t)(cases[i].blocks[2 * j + 1] - '0');
            if (clique_add(&count, &block))
                settled = (int)j;
        }
        assert_int_equal(settled, cases[i].settled);
    }
}

static void test_the_setting(void **state)
{
    struct confirmation rule = { .rule = CONFIRMATION_DEPTH };

    (void)state;
    assert_int_equal(confirmation_parse("clique", &rule, NULL), ACESO_OK);
    assert_true(rule.rule == CONFIRMATION_CLIQUE);
    assert_int_equal(confirmation_parse("clique:3", &rule, NULL), ACESO_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_of_geth),
        cmocka_unit_test(test_made_up_headers_are_refused),
        cmocka_unit_test(test_what_settles),
        cmocka_unit_test(test_the_setting),
    };

    return cmocka_run_group_tests_name("chain/clique", tests, NULL, NULL);
}
