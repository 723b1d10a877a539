/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vector.h"

#include "base/secret.h"
#include "crypto/hpke.h"
#include "crypto/hpke_internal.h"

/* From the test vectors that the CFRG publishes with RFC 9180, as JSON: mode 0, kem 32, kdf 1,
 * aead 2 (the RFC's appendix A itself prints this KEM with AES-128-GCM only). First message. */
#define RECEIVER_SEED "dac33b0e9db1b59dbbea58d59a14e7b5896e9bdf98fad6891e99d1686492b9ee"
#define RECEIVER_SECRET "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d"
#define RECEIVER_PUBLIC "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c"
#define EPHEMERAL_SEED "2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9"
#define EPHEMERAL_SECRET "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11"
#define EPHEMERAL_PUBLIC "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256"
#define INFO "4f6465206f6e2061204772656369616e2055726e"
#define AAD "436f756e742d30"
#define PLAIN "4265617574792069732074727574682c20747275746820626561757479"
#define CIPHERTEXT                                                                                 \
    "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a"

static void test_keys(void **state)
{
    struct vector seed = vector_of(RECEIVER_SEED);
    uint8_t secret[32], public_key[32];

    (void)state;
    hpke_keypair_derive(seed.data, secret, public_key);
    vector_expect(bytes_of(secret, 32), RECEIVER_SECRET);
    vector_expect(bytes_of(public_key, 32), RECEIVER_PUBLIC);
    seed = vector_of(EPHEMERAL_SEED);
    hpke_keypair_derive(seed.data, secret, public_key);
    vector_expect(bytes_of(secret, 32), EPHEMERAL_SECRET);
    vector_expect(bytes_of(public_key, 32), EPHEMERAL_PUBLIC);
}

static void test_seal_and_open_the_vector(void **state)
{
    struct vector ephemeral = vector_of(EPHEMERAL_SECRET), receiver = vector_of(RECEIVER_PUBLIC);
    struct vector secret = vector_of(RECEIVER_SECRET), plain = vector_of(PLAIN);
    struct vector info = vector_of(INFO), aad = vector_of(AAD);
    struct buffer sealed = BUFFER_INIT(256), opened = BUFFER_INIT_SECRET(256);

    (void)state;
    assert_int_equal(hpke_seal_ephemeral(ephemeral.data, receiver.data, vector_bytes(&info),
                                         vector_bytes(&aad), vector_bytes(&plain), &sealed, NULL),
                     ACESO_OK);
    vector_expect(buffer_bytes(&sealed), EPHEMERAL_PUBLIC CIPHERTEXT);
    assert_int_equal(hpke_open(secret.data, vector_bytes(&info), vector_bytes(&aad),
                               buffer_bytes(&sealed), &opened, NULL),
                     ACESO_OK);
    vector_expect(buffer_bytes(&opened), PLAIN);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void test_open_refuses_changes(void **state)
{
    struct vector secret = vector_of(RECEIVER_SECRET), info = vector_of(INFO);
    struct vector aad = vector_of(AAD), sealed = vector_of(EPHEMERAL_PUBLIC CIPHERTEXT);
    struct vector *parts[] = { &info, &aad, &sealed };
    struct buffer out = BUFFER_INIT_SECRET(256);
    struct aceso_error error = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (size_t at = 0; at < parts[i]->len; at++) {
            parts[i]->data[at] ^= 1;
            assert_int_equal(hpke_open(secret.data, vector_bytes(&info), vector_bytes(&aad),
                                       vector_bytes(&sealed), &out, &error),
                             ACESO_EVERIFY);
            assert_int_equal(error.code, ACESO_EVERIFY);
            parts[i]->data[at] ^= 1;
        }
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(hpke_open(secret.data, vector_bytes(&info), vector_bytes(&aad),
                                   bytes_of(sealed.data, len), &out, NULL),
                         ACESO_EVERIFY);
    secret.data[1] ^= 1;
    assert_int_equal(hpke_open(secret.data, vector_bytes(&info), vector_bytes(&aad),
                               vector_bytes(&sealed), &out, NULL),
                     ACESO_EVERIFY);
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

/* All of X25519's points of small order give an all-zero shared secret: RFC 9180 section 7.1.4. */
static void test_low_order_points(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct vector secret = vector_of(RECEIVER_SECRET);
    struct buffer out = BUFFER_INIT(256);

    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct vector point = vector_of(points[i]);
        uint8_t sealed[HPKE_OVERHEAD] = { 0 };

        assert_int_equal(hpke_seal(point.data, bytes_of(NULL, 0), bytes_of(NULL, 0),
                                   bytes_of_string("x"), &out, NULL),
                         ACESO_EVERIFY);
        memcpy(sealed, point.data, 32);
        assert_int_equal(hpke_open(secret.data, bytes_of(NULL, 0), bytes_of(NULL, 0),
                                   bytes_of(sealed, sizeof sealed), &out, NULL),
                         ACESO_EVERIFY);
    }
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

static void test_fresh_ephemeral_each_time(void **state)
{
    struct vector receiver = vector_of(RECEIVER_PUBLIC), secret = vector_of(RECEIVER_SECRET);
    struct buffer one = BUFFER_INIT(256), two = BUFFER_INIT(256), out = BUFFER_INIT_SECRET(256);
    const struct bytes info = bytes_of_string("info"), none = bytes_of(NULL, 0);

    (void)state;
    assert_int_equal(hpke_seal(receiver.data, info, none, none, &one, NULL), ACESO_OK);
    assert_int_equal(hpke_seal(receiver.data, info, none, none, &two, NULL), ACESO_OK);
    assert_int_equal(one.len, HPKE_OVERHEAD);
    assert_memory_not_equal(one.data, two.data, 32);
    assert_int_equal(hpke_open(secret.data, info, none, buffer_bytes(&one), &out, NULL), ACESO_OK);
    assert_int_equal(out.len, 0);
    buffer_free(&one);
    buffer_free(&two);
    buffer_free(&out);
}

static void test_seal_over_the_limit_leaves_nothing(void **state)
{
    struct vector receiver = vector_of(RECEIVER_PUBLIC);
    struct buffer out = BUFFER_INIT(50);
    struct aceso_error error = { 0 };

    (void)state;
    assert_int_equal(buffer_put_string(&out, "ab"), ACESO_OK);
    assert_int_equal(hpke_seal(receiver.data, bytes_of(NULL, 0), bytes_of(NULL, 0),
                               bytes_of_string("x"), &out, &error),
                     ACESO_ELIMIT);
    assert_string_equal(buffer_text(&out), "ab");
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_seal_and_open_the_vector),
        cmocka_unit_test(test_open_refuses_changes),
        cmocka_unit_test(test_low_order_points),
        cmocka_unit_test(test_fresh_ephemeral_each_time),
        cmocka_unit_test(test_seal_over_the_limit_leaves_nothing),
    };

    if (secret_init(NULL))
        return 1;
    return cmocka_run_group_tests_name("hpke", tests, NULL, NULL);
}
