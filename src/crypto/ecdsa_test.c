/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vector.h"

#include "crypto/ecdsa.h"

/* n - 1, the largest secret. */
#define ORDER_LESS_ONE "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"

/* Known addresses of secrets 1, 2 and n - 1 (eth-keys). */
static void test_addresses(void **state)
{
    uint8_t secret[ECDSA_SECRET_SIZE] = { 0 }, address[ECDSA_ADDRESS_SIZE];
    struct vector last = vector_of(ORDER_LESS_ONE);

    (void)state;
    secret[31] = 1;
    assert_int_equal(ecdsa_address(secret, address), ACESO_OK);
    vector_expect(bytes_of(address, sizeof address), "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    secret[31] = 2;
    assert_int_equal(ecdsa_address(secret, address), ACESO_OK);
    vector_expect(bytes_of(address, sizeof address), "2b5ad5c4795c026514f8317c7a215e218dccd6cf");
    assert_int_equal(ecdsa_address(last.data, address), ACESO_OK);
    vector_expect(bytes_of(address, sizeof address), "80c0dbf239224071c59dd8970ab9d542e3414ab2");
}

static void test_secrets_out_of_range(void **state)
{
    uint8_t zero[ECDSA_SECRET_SIZE] = { 0 }, address[ECDSA_ADDRESS_SIZE], signature[65];
    struct vector order = vector_of(ORDER_LESS_ONE);

    (void)state;
    assert_true(ecdsa_secret_valid(order.data));
    order.data[31]++;
    assert_false(ecdsa_secret_valid(order.data));
    assert_false(ecdsa_secret_valid(zero));
    assert_int_equal(ecdsa_address(order.data, address), ACESO_EVERIFY);
    assert_int_equal(ecdsa_sign(zero, order.data, signature), ACESO_EVERIFY);
}

static void test_secret_add_wraps(void **state)
{
    struct vector secret = vector_of(ORDER_LESS_ONE);
    uint8_t tweak[ECDSA_SECRET_SIZE] = { 0 };

    (void)state;
    tweak[31] = 1;
    assert_int_equal(ecdsa_secret_add(secret.data, tweak), ACESO_EVERIFY);
    vector_expect(vector_bytes(&secret), ORDER_LESS_ONE);
    tweak[31] = 3;
    assert_int_equal(ecdsa_secret_add(secret.data, tweak), ACESO_OK);
    tweak[31] = 2;
    assert_memory_equal(secret.data, tweak, sizeof tweak);
}

/* The transaction of EIP-155: secret 46..46, its digest, r and s; v is 27 without the chain id. */
#define EIP155_DIGEST "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"
#define EIP155_SIGNATURE                                                                           \
    "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"                             \
    "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d831b"
#define EIP155_ADDRESS "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"

static void test_sign_eip155(void **state)
{
    uint8_t secret[ECDSA_SECRET_SIZE], signature[ECDSA_SIGNATURE_SIZE];
    struct vector digest = vector_of(EIP155_DIGEST);

    (void)state;
    memset(secret, 0x46, sizeof secret);
    assert_int_equal(ecdsa_sign(secret, digest.data, signature), ACESO_OK);
    vector_expect(bytes_of(signature, sizeof signature), EIP155_SIGNATURE);
}

static void test_recover(void **state)
{
    struct vector digest = vector_of(EIP155_DIGEST), signature = vector_of(EIP155_SIGNATURE);
    uint8_t address[ECDSA_ADDRESS_SIZE], other[ECDSA_ADDRESS_SIZE];

    (void)state;
    assert_int_equal(ecdsa_recover(digest.data, signature.data, address), ACESO_OK);
    vector_expect(bytes_of(address, sizeof address), EIP155_ADDRESS);
    digest.data[0] ^= 1;
    if (ecdsa_recover(digest.data, signature.data, other) == ACESO_OK)
        assert_memory_not_equal(other, address, sizeof other);
}

/* n - s with the other v recovers to the same key, but is not the one form we accept. */
static void test_recover_refuses(void **state)
{
    struct vector digest = vector_of(EIP155_DIGEST), signature = vector_of(EIP155_SIGNATURE);
    uint8_t address[ECDSA_ADDRESS_SIZE] = { 0xee }, before[ECDSA_ADDRESS_SIZE] = { 0xee };
    struct vector order = vector_of(ORDER_LESS_ONE);
    unsigned borrow = 0;

    (void)state;
    order.data[31]++;
    for (size_t i = 32; i-- > 0;) {
        unsigned left = order.data[i], right = signature.data[32 + i] + borrow;

        borrow = left < right;
        signature.data[32 + i] = (uint8_t)(left - right);
    }
    signature.data[64] = 28;
    assert_int_equal(ecdsa_recover(digest.data, signature.data, address), ACESO_EVERIFY);

    signature = vector_of(EIP155_SIGNATURE);
    signature.data[64] = 0;
    assert_int_equal(ecdsa_recover(digest.data, signature.data, address), ACESO_EVERIFY);
    signature.data[64] = 29;
    assert_int_equal(ecdsa_recover(digest.data, signature.data, address), ACESO_EVERIFY);
    signature.data[64] = 27;
    memset(signature.data, 0, 32);
    assert_int_equal(ecdsa_recover(digest.data, signature.data, address), ACESO_EVERIFY);
    memset(signature.data, 0xff, 32);
    assert_int_equal(ecdsa_recover(digest.data, signature.data, address), ACESO_EVERIFY);
    signature = vector_of(EIP155_SIGNATURE);
    memset(signature.data + 32, 0, 32);
    assert_int_equal(ecdsa_recover(digest.data, signature.data, address), ACESO_EVERIFY);
    assert_memory_equal(address, before, sizeof address);
}

static void test_made_secrets_sign(void **state)
{
    uint8_t secret[32], hash[32] = { 5 }, signature[65], address[20], recovered[20];

    (void)state;
    for (int i = 0; i < 8; i++) {
        ecdsa_secret_make(secret);
        assert_int_equal(ecdsa_address(secret, address), ACESO_OK);
        assert_int_equal(ecdsa_sign(secret, hash, signature), ACESO_OK);
        assert_int_equal(ecdsa_recover(hash, signature, recovered), ACESO_OK);
        assert_memory_equal(address, recovered, sizeof address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_secrets_out_of_range),
        cmocka_unit_test(test_secret_add_wraps),
        cmocka_unit_test(test_sign_eip155),
        cmocka_unit_test(test_recover),
        cmocka_unit_test(test_recover_refuses),
        cmocka_unit_test(test_made_secrets_sign),
    };

    return cmocka_run_group_tests_name("ecdsa", tests, NULL, NULL);
}
