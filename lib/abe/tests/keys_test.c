/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys and user keys: what is made passes, what is changed or hostile does not. */
#include "../core/group.h"
#include "../core/keys.h"
#include "hostile.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char attribute[] = "registered@hospital-a";
static const uint8_t gid[20] = { 0xde, 0xad, 0xbe, 0xef };

struct pair {
    uint8_t seed[ACESO_ABE_SEED_SIZE];
    uint8_t public_bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t public_length;
    uint8_t user_bytes[ACESO_ABE_USER_KEY_MAX];
    size_t user_length;
    struct aceso_abe_public_key *public_key;
};

static void pair_begin(struct pair *pair)
{
    world_seed(attribute, pair->seed);
    assert_int_equal(
        aceso_abe_setup(pair->seed, attribute, pair->public_bytes, &pair->public_length),
        ACESO_ABE_OK);
    assert_int_equal(aceso_abe_keygen(pair->seed, attribute, gid, sizeof(gid), pair->user_bytes,
                                      &pair->user_length),
                     ACESO_ABE_OK);
    assert_int_equal(
        aceso_abe_public_key_import(pair->public_bytes, pair->public_length, &pair->public_key),
        ACESO_ABE_OK);
}

static void pair_end(struct pair *pair)
{
    aceso_abe_public_key_free(pair->public_key);
}

static int import_public(const uint8_t *bytes, size_t length)
{
    struct aceso_abe_public_key *key = NULL;
    int code = aceso_abe_public_key_import(bytes, length, &key);

    assert_int_equal(key != NULL, code == ACESO_ABE_OK);
    aceso_abe_public_key_free(key);
    return code;
}

static int import_user(const struct pair *pair, const uint8_t *bytes, size_t length)
{
    struct aceso_abe_user_key *key = NULL;
    int code = aceso_abe_user_key_import(bytes, length, pair->public_key, &key);

    assert_int_equal(key != NULL, code == ACESO_ABE_OK);
    aceso_abe_user_key_free(key);
    return code;
}

static void test_layout(void **state)
{
    uint8_t digest[ACESO_ABE_DIGEST_SIZE];
    uint8_t expected[ACESO_ABE_DIGEST_SIZE];
    size_t gid_length = 0;
    struct aceso_abe_user_key *user = NULL;
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    assert_int_equal(pair.public_length, 3 + 2 + strlen(attribute) + 288 + 48);
    assert_memory_equal(pair.public_bytes, "\x01\x01\x01\x00\x15registered@hospital-a", 26);
    assert_int_equal(pair.user_length, 3 + 2 + strlen(attribute) + 2 + 20 + 96);
    assert_memory_equal(pair.user_bytes, "\x01\x01\x02\x00\x15registered@hospital-a\x00\x14", 28);
    assert_string_equal(aceso_abe_public_key_attribute(pair.public_key), attribute);
    aceso_abe_public_key_digest(pair.public_key, digest);
    aceso_abe_digest(pair.public_bytes, pair.public_length, expected);
    assert_memory_equal(digest, expected, sizeof(digest));
    assert_int_equal(
        aceso_abe_user_key_import(pair.user_bytes, pair.user_length, pair.public_key, &user),
        ACESO_ABE_OK);
    assert_string_equal(aceso_abe_user_key_attribute(user), attribute);
    assert_memory_equal(aceso_abe_user_key_gid(user, &gid_length), gid, sizeof(gid));
    assert_int_equal(gid_length, sizeof(gid));
    aceso_abe_user_key_free(user);
    pair_end(&pair);
}

static void test_keys_differ_by_seed_and_attribute(void **state)
{
    uint8_t seed[ACESO_ABE_SEED_SIZE] = { 1 };
    uint8_t one[ACESO_ABE_PUBLIC_KEY_MAX];
    uint8_t two[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t length = 0;

    (void)state;
    assert_int_equal(aceso_abe_setup(seed, "a@h", one, &length), ACESO_ABE_OK);
    assert_int_equal(aceso_abe_setup(seed, "b@h", two, &length), ACESO_ABE_OK);
    assert_memory_not_equal(one + 8, two + 8, 48);
    seed[31] = 1;
    assert_int_equal(aceso_abe_setup(seed, "a@h", two, &length), ACESO_ABE_OK);
    assert_memory_not_equal(one + 8, two + 8, 48);
}

static void test_bad_arguments(void **state)
{
    static const uint8_t long_gid[256];
    uint8_t seed[ACESO_ABE_SEED_SIZE] = { 1 };
    uint8_t out[ACESO_ABE_USER_KEY_MAX];
    char long_attribute[200];
    size_t length = 77;

    (void)state;
    memset(long_attribute, 'a', sizeof(long_attribute));
    assert_int_equal(aceso_abe_setup(seed, "no authority", out, &length), ACESO_ABE_ATTRIBUTE);
    assert_int_equal(aceso_abe_setup(seed, "", out, &length), ACESO_ABE_ATTRIBUTE);
    assert_int_equal(aceso_abe_setup(seed, long_attribute, out, &length), ACESO_ABE_ATTRIBUTE);
    assert_int_equal(aceso_abe_keygen(seed, "a@", gid, 20, out, &length), ACESO_ABE_ATTRIBUTE);
    assert_int_equal(aceso_abe_keygen(seed, "a@h", gid, 0, out, &length), ACESO_ABE_ARGUMENT);
    assert_int_equal(aceso_abe_keygen(seed, "a@h", long_gid, 256, out, &length),
                     ACESO_ABE_ARGUMENT);
    assert_int_equal(length, 77);
    assert_int_equal(aceso_abe_keygen(seed, "a@h", long_gid, 255, out, &length), ACESO_ABE_OK);
}

static void test_every_changed_byte_is_refused(void **state)
{
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    for (size_t i = 0; i < pair.public_length; i++) {
        /* Another attribute name is another key's label: the digest pins it, not the curve. */
        bool label = i >= 5 && i < 5 + strlen(attribute);

        memcpy(bytes, pair.public_bytes, pair.public_length);
        bytes[i] ^= (uint8_t)(1u << i % 8);
        if (!label)
            assert_int_not_equal(import_public(bytes, pair.public_length), ACESO_ABE_OK);
    }
    for (size_t i = 0; i < pair.user_length; i++) {
        memcpy(bytes, pair.user_bytes, pair.user_length);
        bytes[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(import_user(&pair, bytes, pair.user_length), ACESO_ABE_OK);
    }
    pair_end(&pair);
}

static void test_every_length_but_the_right_one_is_refused(void **state)
{
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX + 1] = { 0 };
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    for (size_t n = 0; n < pair.public_length; n++)
        assert_int_equal(import_public(pair.public_bytes, n), ACESO_ABE_FORMAT);
    for (size_t n = 0; n < pair.user_length; n++)
        assert_int_equal(import_user(&pair, pair.user_bytes, n), ACESO_ABE_FORMAT);
    memcpy(bytes, pair.public_bytes, pair.public_length);
    assert_int_equal(import_public(bytes, pair.public_length + 1), ACESO_ABE_FORMAT);
    memcpy(bytes, pair.user_bytes, pair.user_length);
    assert_int_equal(import_user(&pair, bytes, pair.user_length + 1), ACESO_ABE_FORMAT);
    pair_end(&pair);
}

static void test_hostile_public_keys(void **state)
{
    size_t a = 3 + 2 + strlen(attribute);
    size_t y = a + ABE_TORUS_SIZE;
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    blst_p1_affine point;
    blst_p1 sum;
    blst_p1 torsion;
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    hostile_torsion_g1(&torsion);

    /* Y with torsion added, Y all torsion, Y infinite */
    memcpy(bytes, pair.public_bytes, sizeof(bytes));
    assert_true(abe_g1_decode(bytes + y, &point));
    blst_p1_add_or_double_affine(&sum, &torsion, &point);
    blst_p1_compress(bytes + y, &sum);
    assert_int_equal(import_public(bytes, pair.public_length), ACESO_ABE_BAD_KEY);
    blst_p1_compress(bytes + y, &torsion);
    assert_int_equal(import_public(bytes, pair.public_length), ACESO_ABE_BAD_KEY);
    memset(bytes + y, 0, ABE_G1_SIZE);
    bytes[y] = 0xc0;
    assert_int_equal(import_public(bytes, pair.public_length), ACESO_ABE_BAD_KEY);

    /* A of norm one only; A in the cyclotomic subgroup only; A = -1; A with a coefficient of p */
    memcpy(bytes, pair.public_bytes, sizeof(bytes));
    hostile_torus(HOSTILE_NORM_ONE, bytes + a);
    assert_int_equal(import_public(bytes, pair.public_length), ACESO_ABE_BAD_KEY);
    hostile_torus(HOSTILE_CYCLOTOMIC, bytes + a);
    assert_int_equal(import_public(bytes, pair.public_length), ACESO_ABE_BAD_KEY);
    memset(bytes + a, 0, ABE_TORUS_SIZE);
    assert_int_equal(import_public(bytes, pair.public_length), ACESO_ABE_BAD_KEY);
    memset(bytes + a, 0xff, ABE_TORUS_SIZE);
    assert_int_equal(import_public(bytes, pair.public_length), ACESO_ABE_BAD_KEY);
    pair_end(&pair);
}

static void test_hostile_user_keys(void **state)
{
    size_t k = 3 + 2 + strlen(attribute) + 2 + sizeof(gid);
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    blst_p2_affine point;
    blst_p2 sum;
    blst_p2 torsion;
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    hostile_torsion_g2(&torsion);
    memcpy(bytes, pair.user_bytes, sizeof(bytes));
    assert_true(abe_g2_decode(bytes + k, &point));
    blst_p2_add_or_double_affine(&sum, &torsion, &point);
    blst_p2_compress(bytes + k, &sum);
    assert_int_equal(import_user(&pair, bytes, pair.user_length), ACESO_ABE_BAD_KEY);
    blst_p2_compress(bytes + k, blst_p2_generator());
    assert_int_equal(import_user(&pair, bytes, pair.user_length), ACESO_ABE_BAD_KEY);
    memset(bytes + k, 0, ABE_G2_SIZE);
    bytes[k] = 0xc0;
    assert_int_equal(import_user(&pair, bytes, pair.user_length), ACESO_ABE_BAD_KEY);
    pair_end(&pair);
}

/* A key for another attribute, or of another authority, does not pass as this one's. */
static void test_user_key_of_another(void **state)
{
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    uint8_t other_seed[ACESO_ABE_SEED_SIZE] = { 9 };
    size_t length = 0;
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    assert_int_equal(
        aceso_abe_keygen(pair.seed, "other@hospital-a", gid, sizeof(gid), bytes, &length),
        ACESO_ABE_OK);
    assert_int_equal(import_user(&pair, bytes, length), ACESO_ABE_ATTRIBUTE);
    assert_int_equal(aceso_abe_keygen(other_seed, attribute, gid, sizeof(gid), bytes, &length),
                     ACESO_ABE_OK);
    assert_int_equal(import_user(&pair, bytes, length), ACESO_ABE_BAD_KEY);
    pair_end(&pair);
}

/* Many at once are those that come one by one; one that is wrong stops all. */
static void test_many(void **state)
{
    const char *attributes[] = { "a@h", "b@h", "c@h", "d@h", "e@h" };
    enum { COUNT = sizeof(attributes) / sizeof(attributes[0]) };
    struct aceso_abe_serialized keys[COUNT], untouched[COUNT];
    uint8_t seed[ACESO_ABE_SEED_SIZE], one[ACESO_ABE_PUBLIC_KEY_MAX];
    const uint8_t user[] = "user";
    size_t length;

    (void)state;
    world_seed("a@h", seed);
    for (unsigned threads = 0; threads < 3; threads++) {
        assert_int_equal(aceso_abe_setup_many(seed, attributes, COUNT, threads, keys),
                         ACESO_ABE_OK);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(aceso_abe_setup(seed, attributes[i], one, &length), ACESO_ABE_OK);
            assert_int_equal(keys[i].length, length);
            assert_memory_equal(keys[i].bytes, one, length);
        }
        assert_int_equal(aceso_abe_keygen_many(seed, attributes, COUNT, user, 4, threads, keys),
                         ACESO_ABE_OK);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(aceso_abe_keygen(seed, attributes[i], user, 4, one, &length),
                             ACESO_ABE_OK);
            assert_int_equal(keys[i].length, length);
            assert_memory_equal(keys[i].bytes, one, length);
        }
    }
    memcpy(untouched, keys, sizeof(keys));
    attributes[3] = "no attribute";
    assert_int_equal(aceso_abe_setup_many(seed, attributes, COUNT, 2, keys), ACESO_ABE_ATTRIBUTE);
    assert_int_equal(aceso_abe_keygen_many(seed, attributes, COUNT, user, 4, 2, keys),
                     ACESO_ABE_ATTRIBUTE);
    assert_int_equal(aceso_abe_keygen_many(seed, attributes, 3, user, 0, 2, keys),
                     ACESO_ABE_ARGUMENT);
    assert_int_equal(aceso_abe_setup_many(seed, attributes, 0, 2, keys), ACESO_ABE_OK);
    assert_memory_equal(untouched, keys, sizeof(keys));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_keys_differ_by_seed_and_attribute),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_every_changed_byte_is_refused),
        cmocka_unit_test(test_every_length_but_the_right_one_is_refused),
        cmocka_unit_test(test_hostile_public_keys),
        cmocka_unit_test(test_hostile_user_keys),
        cmocka_unit_test(test_user_key_of_another),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
