/* SPDX-License-Identifier: Apache-2.0 */
/* Type-2 transactions against what foundry's cast signs with the same key. */
#include "eth/transaction.h"

#include "base/text.h"
#include "crypto/ecdsa.h"
#include "eth/uint256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t secret[32] = {
    0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46,
    0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46, 0x46,
};

/* cast mktx --chain 31337 --nonce 9 --gas-limit 21000 --gas-price 20gwei
 *     --priority-gas-price 1500000000 --value 1ether 0x3535...35 */
static const char transfer_raw[] =
    "02f875827a69098459682f008504a817c800825208943535353535353535353535353535353535353535880de0b6b3"
    "a764000080c080a0169dba731224f7b63426d15ec1b75d68b03e234c0d4facdf539780dd554d9a47a0431d6036111c"
    "e3cda1f9ea3ad2604670e898885c27bd952e2b905e0499c96e0c";

/* cast mktx --chain 1 --nonce 0 --gas-limit 3000000 --gas-price 1 --priority-gas-price 0
 *     --create 0x600160020160003055 */
static const char create_raw[] =
    "02f85801808001832dc6c0808089600160020160003055c001a0ee01182bd45b86fa402f30aed977b5753a653bd564"
    "33f7c507708dea0deb42c8a010ebda4c731c0f231364aea014b93d26a09f5a95a8413951e628434de2429d2e";

static struct transaction transfer(void)
{
    struct transaction tx = { .chain_id = 31337, .nonce = 9, .fee_tip = 1500000000,
                              .fee_max = 20000000000, .gas_limit = 21000 };

    memset(tx.to, 0x35, sizeof tx.to);
    uint256_put_u64(1000000000000000000u, tx.value);
    return tx;
}

static struct transaction create(void)
{
    static const uint8_t code[] = { 0x60, 0x01, 0x60, 0x02, 0x01, 0x60, 0x00, 0x30, 0x55 };

    return (struct transaction){ .chain_id = 1, .fee_max = 1, .gas_limit = 3000000, .create = true,
                                 .data = bytes_of(code, sizeof code) };
}

static void check_signed(const struct transaction *tx, const char *expected)
{
    struct buffer raw = BUFFER_INIT(4096), hex = BUFFER_INIT(8192);
    struct transaction back;
    uint8_t hash[32], again[32], sender[20], address[20];

    assert_int_equal(transaction_sign(tx, secret, &raw, hash, NULL), ACESO_OK);
    assert_int_equal(buffer_put_hex(&hex, buffer_bytes(&raw)), 0);
    assert_string_equal(buffer_text(&hex), expected);
    assert_int_equal(transaction_decode(buffer_bytes(&raw), &back, sender, again, NULL), ACESO_OK);
    assert_memory_equal(hash, again, 32);
    assert_int_equal(ecdsa_address(secret, address), ACESO_OK);
    assert_memory_equal(sender, address, 20);
    assert_int_equal(back.chain_id, tx->chain_id);
    assert_int_equal(back.nonce, tx->nonce);
    assert_int_equal(back.fee_tip, tx->fee_tip);
    assert_int_equal(back.fee_max, tx->fee_max);
    assert_int_equal(back.gas_limit, tx->gas_limit);
    assert_int_equal(back.create, tx->create);
    assert_memory_equal(back.to, tx->to, 20);
    assert_memory_equal(back.value, tx->value, 32);
    assert_true(bytes_equal(back.data, tx->data));
    buffer_free(&raw);
    buffer_free(&hex);
}

static void test_signs_as_cast_does(void **state)
{
    struct transaction tx = transfer();

    (void)state;
    check_signed(&tx, transfer_raw);
    tx = create();
    check_signed(&tx, create_raw);
}

static void test_refuses_every_cut_and_what_stands_behind(void **state)
{
    struct buffer raw = BUFFER_INIT(4096);
    struct transaction tx;
    uint8_t sender[20], hash[32];

    (void)state;
    assert_int_equal(text_unhex_buffer(transfer_raw, &raw), 0);
    for (size_t len = 0; len < raw.len; len++)
        assert_int_equal(transaction_decode(bytes_of(raw.data, len), &tx, sender, hash, NULL),
                         ACESO_EFORMAT);
    assert_int_equal(buffer_put_u8(&raw, 0), 0);
    assert_int_equal(transaction_decode(buffer_bytes(&raw), &tx, sender, hash, NULL),
                     ACESO_EFORMAT);
    buffer_free(&raw);
}

static void test_another_byte_is_another_sender_or_refused(void **state)
{
    struct buffer raw = BUFFER_INIT(4096);
    uint8_t expected[20];

    (void)state;
    assert_int_equal(ecdsa_address(secret, expected), ACESO_OK);
    assert_int_equal(text_unhex_buffer(transfer_raw, &raw), 0);
    for (size_t i = 0; i < raw.len; i++) {
        struct transaction tx;
        uint8_t sender[20], hash[32];

        raw.data[i] ^= 1;
        if (transaction_decode(buffer_bytes(&raw), &tx, sender, hash, NULL) == ACESO_OK)
            assert_memory_not_equal(sender, expected, 20);
        raw.data[i] ^= 1;
    }
    buffer_free(&raw);
}

static void test_refuses_a_bad_key_and_too_much_data(void **state)
{
    static uint8_t data[TRANSACTION_DATA_MAX + 1];
    static const uint8_t zero[32];
    struct buffer raw = BUFFER_INIT(1 << 20);
    struct transaction tx = transfer();
    uint8_t hash[32];

    (void)state;
    assert_int_equal(transaction_sign(&tx, zero, &raw, hash, NULL), ACESO_EUSAGE);
    tx.data = bytes_of(data, sizeof data);
    assert_int_equal(transaction_sign(&tx, secret, &raw, hash, NULL), ACESO_ELIMIT);
    assert_int_equal(raw.len, 0);
    tx.data.len--;
    assert_int_equal(transaction_sign(&tx, secret, &raw, hash, NULL), ACESO_OK);
    buffer_free(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs_as_cast_does),
        cmocka_unit_test(test_refuses_every_cut_and_what_stands_behind),
        cmocka_unit_test(test_another_byte_is_another_sender_or_refused),
        cmocka_unit_test(test_refuses_a_bad_key_and_too_much_data),
    };

    return cmocka_run_group_tests_name("eth/transaction", tests, NULL, NULL);
}
