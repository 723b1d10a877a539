/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses against the vectors of EIP-55 and known CREATE addresses. */
#include "eth/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const checksums[] = {
    /* all caps, all lower, normal: the examples of EIP-55 */
    "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
};

static void test_checksums_match_the_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checksums / sizeof *checksums; i++) {
        uint8_t address[20];
        char text[ADDRESS_TEXT_SIZE];

        assert_int_equal(address_parse(checksums[i], address, NULL), ACESO_OK);
        address_checksum(address, text);
        assert_string_equal(text, checksums[i]);
        address_text(address, text);
        assert_int_equal(address_parse(text, address, NULL), ACESO_OK);
    }
}

static void test_refuses_other_texts(void **state)
{
    static const char *const bad[] = {
        "", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", /* one letter's case changed */
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", "0X52908400098527886E0F7030069857D2E4169EE7",
    };
    uint8_t address[20] = { 7 };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(address_parse(bad[i], address, NULL), ACESO_EFORMAT);
    assert_int_equal(address[0], 7);
}

static void test_create_addresses(void **state)
{
    static const struct {
        const char *sender;
        uint64_t nonce;
        const char *contract;
    } known[] = {
        { "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 0,
          "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d" },
        { "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 1,
          "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8" },
        { "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 2,
          "0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91" },
        { "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 127, /* these by foundry's cast */
          "0x06d9a77f5e4b311bae8d559db9cdb4df94104aa0" },
        { "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 128,
          "0x08e190dcb7b73f5fcdabb43e102215c83659a76d" },
        { "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 65536,
          "0xf666a819b370d38f44f2573464da3fba8479b917" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t sender[20], contract[20];
        char text[ADDRESS_TEXT_SIZE];

        assert_int_equal(address_parse(known[i].sender, sender, NULL), ACESO_OK);
        address_create(sender, known[i].nonce, contract);
        address_text(contract, text);
        assert_string_equal(text, known[i].contract);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksums_match_the_examples),
        cmocka_unit_test(test_refuses_other_texts),
        cmocka_unit_test(test_create_addresses),
    };

    return cmocka_run_group_tests_name("eth/address", tests, NULL, NULL);
}
