/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache: same results with and without, its limit, threads that share it. Uses the public
 * header and world.
 */
#include "world.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 6, LINES_BYTES = 68 * 288 };

static const uint8_t sigma[ACESO_ABE_SIGMA_SIZE] = "a sigma of thirty-two bytes....";
static const char text[] = "a@h and (b@h or c@h) and 2 of (d@h, e@h, f@h)";

struct bytes {
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t length;
};

static struct bytes public_bytes[ROWS];
static struct bytes user_bytes[ROWS];

static int make_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const char attribute[] = { (char)('a' + i), '@', 'h', '\0' };
        uint8_t seed[ACESO_ABE_SEED_SIZE];

        world_seed(attribute, seed);
        assert_int_equal(
            aceso_abe_setup(seed, attribute, public_bytes[i].bytes, &public_bytes[i].length),
            ACESO_ABE_OK);
        assert_int_equal(aceso_abe_keygen(seed, attribute, (const uint8_t *)"u", 1,
                                          user_bytes[i].bytes, &user_bytes[i].length),
                         ACESO_ABE_OK);
    }
    return 0;
}

struct keys {
    struct aceso_abe_public_key *public_keys[ROWS];
    struct aceso_abe_user_key *users[ROWS];
};

static void keys_begin(struct aceso_abe_cache *cache, struct keys *keys)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (aceso_abe_public_key_import_cached(cache, public_bytes[i].bytes, public_bytes[i].length,
                                               &keys->public_keys[i]) != ACESO_ABE_OK ||
            aceso_abe_user_key_import_cached(cache, user_bytes[i].bytes, user_bytes[i].length,
                                             keys->public_keys[i], &keys->users[i]) != ACESO_ABE_OK)
            abort(); /* cmocka's asserts are for the main thread */
    }
}

static void keys_end(struct keys *keys)
{
    for (size_t i = 0; i < ROWS; i++) {
        aceso_abe_user_key_free(keys->users[i]);
        aceso_abe_public_key_free(keys->public_keys[i]);
    }
}

/* Makes and opens a header with keys of a cache; whether it is the header that is made without. */
static bool round_trip(struct aceso_abe_cache *cache, const uint8_t *expected, size_t length)
{
    struct aceso_abe_policy *policy = NULL;
    uint8_t made[ACESO_ABE_KEY_SIZE];
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t made_length = 0;
    struct keys keys;
    bool same;

    keys_begin(cache, &keys);
    if (aceso_abe_policy_parse(text, strlen(text), &policy, NULL) != ACESO_ABE_OK ||
        aceso_abe_encapsulate(policy, PUBLIC_KEYS(keys.public_keys), ROWS, NULL, 0, sigma, &header,
                              &made_length, made) != ACESO_ABE_OK)
        abort();
    same = made_length == length && memcmp(header, expected, length) == 0 &&
           aceso_abe_decapsulate(header, length, USER_KEYS(keys.users), ROWS,
                                 PUBLIC_KEYS(keys.public_keys), ROWS, NULL, 0, NULL,
                                 key) == ACESO_ABE_OK &&
           memcmp(key, made, sizeof(key)) == 0;
    aceso_abe_policy_free(policy);
    free(header);
    keys_end(&keys);
    return same;
}

static void make_expected(uint8_t **header, size_t *length)
{
    struct aceso_abe_policy *policy = world_policy(text);
    struct world_keys keys;
    uint8_t key[ACESO_ABE_KEY_SIZE];

    world_keys_begin(&keys, policy);
    assert_int_equal(aceso_abe_encapsulate(policy, PUBLIC_KEYS(keys.keys), keys.count, NULL, 0,
                                           sigma, header, length, key),
                     ACESO_ABE_OK);
    world_keys_end(&keys);
    aceso_abe_policy_free(policy);
}

static void test_same_with_any_limit(void **state)
{
    static const size_t limits[] = { 0,
                                     5000,
                                     60000,
                                     2 * ACESO_ABE_TABLE_BYTES + 30000,
                                     ROWS * ACESO_ABE_TABLE_BYTES + 400000,
                                     1 << 26 };
    uint8_t *expected;
    size_t length;

    (void)state;
    make_expected(&expected, &length);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct aceso_abe_cache *cache = NULL;

        assert_int_equal(aceso_abe_cache_new(limits[i], &cache), ACESO_ABE_OK);
        for (size_t round = 0; round < 3; round++) {
            assert_true(round_trip(cache, expected, length));
            assert_true(aceso_abe_cache_bytes(cache) <= limits[i]);
        }
        if (limits[i] == 1 << 26)
            assert_true(aceso_abe_cache_bytes(cache) >
                        ROWS * ACESO_ABE_TABLE_BYTES + (size_t)LINES_BYTES * 5);
        aceso_abe_cache_free(cache);
    }
    free(expected);
}

static void test_keys_are_found_again(void **state)
{
    struct aceso_abe_cache *cache = NULL;
    struct aceso_abe_public_key *first = NULL;
    struct aceso_abe_public_key *second = NULL;
    struct aceso_abe_public_key *other = NULL;
    struct aceso_abe_user_key *user = NULL;
    struct aceso_abe_user_key *same_user = NULL;
    struct bytes changed = public_bytes[0];

    (void)state;
    assert_int_equal(aceso_abe_cache_new(100000, &cache), ACESO_ABE_OK);
    assert_int_equal(aceso_abe_public_key_import_cached(cache, public_bytes[0].bytes,
                                                        public_bytes[0].length, &first),
                     ACESO_ABE_OK);
    assert_int_equal(aceso_abe_public_key_import_cached(cache, public_bytes[0].bytes,
                                                        public_bytes[0].length, &second),
                     ACESO_ABE_OK);
    assert_ptr_equal(first, second);
    changed.bytes[40] ^= 1;
    assert_int_not_equal(
        aceso_abe_public_key_import_cached(cache, changed.bytes, changed.length, &other),
        ACESO_ABE_OK);
    assert_int_equal(aceso_abe_user_key_import_cached(cache, user_bytes[0].bytes,
                                                      user_bytes[0].length, first, &user),
                     ACESO_ABE_OK);
    assert_int_equal(aceso_abe_user_key_import_cached(cache, user_bytes[0].bytes,
                                                      user_bytes[0].length, first, &same_user),
                     ACESO_ABE_OK);
    assert_ptr_equal(user, same_user);
    /* The cache knows it for its own public key only. */
    assert_int_equal(aceso_abe_public_key_import_cached(cache, public_bytes[1].bytes,
                                                        public_bytes[1].length, &other),
                     ACESO_ABE_OK);
    assert_int_equal(aceso_abe_user_key_import_cached(cache, user_bytes[0].bytes,
                                                      user_bytes[0].length, other, &same_user),
                     ACESO_ABE_ATTRIBUTE);
    /* Keys live on without the cache. */
    aceso_abe_cache_free(cache);
    assert_string_equal(aceso_abe_public_key_attribute(first), "a@h");
    aceso_abe_public_key_free(first);
    aceso_abe_public_key_free(second);
    aceso_abe_public_key_free(other);
    assert_string_equal(aceso_abe_user_key_attribute(user), "a@h");
    aceso_abe_user_key_free(user);
    aceso_abe_user_key_free(user);
}

/* More keys than there is room for: the oldest make way, those in use stay usable. */
static void test_many_keys_in_little_room(void **state)
{
    struct aceso_abe_cache *cache = NULL;
    struct aceso_abe_public_key *kept[40];
    uint8_t seed[ACESO_ABE_SEED_SIZE] = { 1 };

    (void)state;
    assert_int_equal(aceso_abe_cache_new(20000, &cache), ACESO_ABE_OK);
    for (size_t i = 0; i < 40; i++) {
        struct bytes key;
        char attribute[16];

        snprintf(attribute, sizeof(attribute), "k%zu@h", i);
        assert_int_equal(aceso_abe_setup(seed, attribute, key.bytes, &key.length), ACESO_ABE_OK);
        assert_int_equal(aceso_abe_public_key_import_cached(cache, key.bytes, key.length, &kept[i]),
                         ACESO_ABE_OK);
        assert_string_equal(aceso_abe_public_key_attribute(kept[i]), attribute);
        assert_true(aceso_abe_cache_bytes(cache) <= 20000);
        if (i >= 20)
            aceso_abe_public_key_free(kept[i - 20]);
    }
    for (size_t i = 20; i < 40; i++)
        aceso_abe_public_key_free(kept[i]);
    aceso_abe_cache_free(cache);
}

struct shared_work {
    struct aceso_abe_cache *cache;
    const uint8_t *expected;
    size_t length;
    bool good[4];
};

struct worker {
    struct shared_work *work;
    size_t number;
};

static void *work_on(void *argument)
{
    struct worker *worker = argument;
    struct shared_work *work = worker->work;

    work->good[worker->number] = true;
    for (size_t i = 0; i < 6; i++)
        work->good[worker->number] &= round_trip(work->cache, work->expected, work->length);
    return NULL;
}

/* Threads that come and go with the same keys, in a cache that is too small for all tables. */
static void test_threads_share_a_cache(void **state)
{
    struct shared_work work = { 0 };
    struct worker workers[4];
    pthread_t threads[4];
    uint8_t *expected;

    (void)state;
    make_expected(&expected, &work.length);
    work.expected = expected;
    assert_int_equal(aceso_abe_cache_new(3 * ACESO_ABE_TABLE_BYTES, &work.cache), ACESO_ABE_OK);
    for (size_t i = 0; i < 4; i++) {
        workers[i] = (struct worker){ &work, i };
        assert_int_equal(pthread_create(&threads[i], NULL, work_on, &workers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 4; i++)
        assert_true(work.good[i]);
    aceso_abe_cache_free(work.cache);
    free(expected);
}

/* One sigma under many policies gives what one call each gives. */
static void test_encapsulate_many(void **state)
{
    static const char *const texts[] = { "a@h", "a@h and b@h", "missing@h", text };
    struct aceso_abe_encapsulation headers[4] = { { 0 } };
    struct aceso_abe_decapsulation opened[4] = { { 0 } };
    struct aceso_abe_cache *cache = NULL;
    struct keys keys;

    (void)state;
    assert_int_equal(aceso_abe_cache_new(1 << 26, &cache), ACESO_ABE_OK);
    keys_begin(cache, &keys);
    for (size_t i = 0; i < 4; i++)
        headers[i].policy = world_policy(texts[i]);
    assert_int_equal(
        aceso_abe_encapsulate_many(headers, 4, PUBLIC_KEYS(keys.public_keys), ROWS, sigma, 2),
        ACESO_ABE_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(headers[i].code, i == 2 ? ACESO_ABE_MISSING_KEY : ACESO_ABE_OK);
        opened[i].header = headers[i].header;
        opened[i].header_length = headers[i].header_length;
    }
    assert_int_equal(aceso_abe_decapsulate_many(opened, 4, USER_KEYS(keys.users), ROWS,
                                                PUBLIC_KEYS(keys.public_keys), ROWS, 2),
                     ACESO_ABE_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(opened[i].code, i == 2 ? ACESO_ABE_FORMAT : ACESO_ABE_OK);
        if (i != 2)
            assert_memory_equal(opened[i].key, headers[i].key, ACESO_ABE_KEY_SIZE);
        aceso_abe_policy_free((struct aceso_abe_policy *)(uintptr_t)headers[i].policy);
        free(headers[i].header);
    }
    keys_end(&keys);
    aceso_abe_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_with_any_limit),
        cmocka_unit_test(test_keys_are_found_again),
        cmocka_unit_test(test_many_keys_in_little_room),
        cmocka_unit_test(test_threads_share_a_cache),
        cmocka_unit_test(test_encapsulate_many),
    };

    return cmocka_run_group_tests(tests, make_bytes, NULL);
}
