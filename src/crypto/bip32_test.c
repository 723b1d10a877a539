/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vector.h"

#include "crypto/bip32.h"
#include "crypto/ecdsa.h"

/* The hardened nodes of BIP-32's test vectors 1 to 4; the secrets are those inside the printed
 * xprv texts. 3 and 4 have leading zeros in keys. */
#define SEED_1 "000102030405060708090a0b0c0d0e0f"
#define SEED_2                                                                                     \
    "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b78" \
    "75726f6c696663605d5a5754514e4b484542"
#define SEED_3                                                                                     \
    "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0" \
    "d0c64d2e8a1e7d1457df2e5a3c51c73235be"
#define SEED_4 "3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678"

static const struct {
    const char *seed;
    uint32_t path[2];
    size_t n;
    const char *secret;
} bip32_vectors[] = {
    { SEED_1, { 0 }, 0, "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35" },
    { SEED_1, { 0 }, 1, "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea" },
    { SEED_2, { 0 }, 0, "4b03d6fc340455b363f51020ad3ecca4f0850280cf436c70c727923f6db46c3e" },
    { SEED_3, { 0 }, 0, "00ddb80b067e0d4993197fe10f2657a844a384589847602d56f0c629c81aae32" },
    { SEED_3, { 0 }, 1, "491f7a2eebc7b57028e0d3faa0acda02e75c33b03c48fb288c41e2ea44e1daef" },
    { SEED_4, { 0 }, 0, "12c0d59c7aa3a10973dbd3f478b65f2516627e3fe61e00c345be9a477ad2e215" },
    { SEED_4, { 0 }, 1, "00d948e9261e41362a688b916f297121ba6bfb2274a3575ac0e456551dfd7f7e" },
    { SEED_4, { 0, 1 }, 2, "3a2086edd7d9df86c3487a5905a1712a9aa664bce8cc268141e07549eaa8661d" },
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bip32_vectors / sizeof bip32_vectors[0]; i++) {
        struct vector seed = vector_of(bip32_vectors[i].seed);
        uint8_t secret[BIP32_SECRET_SIZE];

        assert_int_equal(bip32_derive(vector_bytes(&seed), bip32_vectors[i].path,
                                      bip32_vectors[i].n, secret),
                         ACESO_OK);
        vector_expect(bytes_of(secret, sizeof secret), bip32_vectors[i].secret);
    }
}

static void test_wrong_usage(void **state)
{
    const uint32_t hardened[] = { 0x80000000u };
    const uint32_t deep[BIP32_DEPTH_MAX + 1] = { 0 };
    uint8_t seed[65] = { 1 }, secret[32] = { 9 }, before[32] = { 9 };

    (void)state;
    assert_int_equal(bip32_derive(bytes_of(seed, 15), deep, 1, secret), ACESO_EUSAGE);
    assert_int_equal(bip32_derive(bytes_of(seed, 65), deep, 1, secret), ACESO_EUSAGE);
    assert_int_equal(bip32_derive(bytes_of(seed, 32), hardened, 1, secret), ACESO_EUSAGE);
    assert_int_equal(bip32_derive(bytes_of(seed, 32), deep, BIP32_DEPTH_MAX + 1, secret),
                     ACESO_EUSAGE);
    assert_memory_equal(secret, before, sizeof secret);
    assert_int_equal(bip32_derive(bytes_of(seed, 32), deep, BIP32_DEPTH_MAX, secret), ACESO_OK);
    assert_true(ecdsa_secret_valid(secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_wrong_usage),
    };

    return cmocka_run_group_tests_name("bip32", tests, NULL, NULL);
}
