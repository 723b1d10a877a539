/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest policies, and an allocation that fails at each point in turn. malloc and calloc of
 * the library come here through the linker's --wrap. Uses world.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static long allocations_left = -1; /* negative: no limit */
static bool allocation_failed;

static bool may_allocate(void)
{
    if (allocations_left < 0)
        return true;
    if (allocations_left == 0) {
        allocation_failed = true;
        return false;
    }
    allocations_left--;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

static const uint8_t sigma[ACESO_ABE_SIGMA_SIZE] = "sigma";

/* Everything that allocates, once. The first code that is not OK. */
static int whole_way(void)
{
    static const char text[] = "a@h and b@h";
    uint8_t seed[ACESO_ABE_SEED_SIZE] = { 7 };
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length;
    struct aceso_abe_public_key *keys[2] = { NULL, NULL };
    struct aceso_abe_user_key *users[2] = { NULL, NULL };
    struct aceso_abe_policy *policy = NULL;
    struct aceso_abe_policy *copy = NULL;
    struct aceso_abe_policy *joined = NULL;
    const struct aceso_abe_policy *both[2];
    uint8_t *header = NULL;
    uint8_t key[ACESO_ABE_KEY_SIZE];
    int code = aceso_abe_policy_parse(text, strlen(text), &policy, NULL);

    for (size_t i = 0; i < 2 && code == ACESO_ABE_OK; i++) {
        const char *attribute = i == 0 ? "a@h" : "b@h";

        code = aceso_abe_setup(seed, attribute, bytes, &length);
        if (code == ACESO_ABE_OK)
            code = aceso_abe_public_key_import(bytes, length, &keys[i]);
        if (code == ACESO_ABE_OK)
            code = aceso_abe_keygen(seed, attribute, (const uint8_t *)"u", 1, bytes, &length);
        if (code == ACESO_ABE_OK)
            code = aceso_abe_user_key_import(bytes, length, keys[i], &users[i]);
    }
    if (code == ACESO_ABE_OK)
        code = aceso_abe_encapsulate(policy, PUBLIC_KEYS(keys), 2, NULL, 0, sigma, &header, &length,
                                     key);
    if (code == ACESO_ABE_OK)
        code = aceso_abe_decapsulate(header, length, USER_KEYS(users), 2, PUBLIC_KEYS(keys), 2,
                                     NULL, 0, NULL, key);
    if (code == ACESO_ABE_OK)
        code = aceso_abe_open_with_sigma(header, length, PUBLIC_KEYS(keys), 2, NULL, 0, sigma, key);
    if (code == ACESO_ABE_OK)
        code = aceso_abe_header_policy(header, length, &copy);
    both[0] = policy;
    both[1] = copy;
    if (code == ACESO_ABE_OK)
        code = aceso_abe_policy_or(both, 2, &joined);
    for (size_t i = 0; i < 2; i++) {
        aceso_abe_public_key_free(keys[i]);
        aceso_abe_user_key_free(users[i]);
    }
    aceso_abe_policy_free(policy);
    aceso_abe_policy_free(copy);
    aceso_abe_policy_free(joined);
    free(header);
    return code;
}

/* The same with a cache, and payloads. */
static int whole_way_cached(void)
{
    static const char text[] = "a@h or n@h >= 4294967295";
    uint8_t seed[ACESO_ABE_SEED_SIZE] = { 7 };
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;
    struct aceso_abe_cache *cache = NULL;
    struct aceso_abe_public_key *keys[2] = { NULL, NULL };
    struct aceso_abe_user_key *user = NULL;
    struct aceso_abe_policy *policy = NULL;
    struct aceso_abe_decryption opened = { .associated = NULL };
    uint8_t *ciphertext = NULL;
    int code = aceso_abe_cache_new(1 << 24, &cache);

    if (code == ACESO_ABE_OK)
        code = aceso_abe_policy_parse(text, strlen(text), &policy, NULL);
    for (size_t i = 0; i < 2 && code == ACESO_ABE_OK; i++) {
        code = aceso_abe_setup(seed, i == 0 ? "n.n32.ffffffff@h" : "a@h", bytes, &length);
        if (code == ACESO_ABE_OK)
            code = aceso_abe_public_key_import_cached(cache, bytes, length, &keys[i]);
    }
    if (code == ACESO_ABE_OK)
        code = aceso_abe_keygen(seed, "a@h", (const uint8_t *)"u", 1, bytes, &length);
    if (code == ACESO_ABE_OK)
        code = aceso_abe_user_key_import_cached(cache, bytes, length, keys[1], &user);
    if (code == ACESO_ABE_OK)
        code = aceso_abe_encrypt(ACESO_ABE_CCA, policy, PUBLIC_KEYS(keys), 2, NULL, 0, sigma, 5,
                                 &ciphertext, &length);
    if (code == ACESO_ABE_OK) {
        opened.ciphertext = ciphertext;
        opened.ciphertext_length = length;
        code = aceso_abe_decrypt_many(&opened, 1, USER_KEYS(&user), 1, PUBLIC_KEYS(keys), 2, 1);
    }
    if (code == ACESO_ABE_OK)
        code = opened.code;
    if (code == ACESO_ABE_OK)
        assert_memory_equal(opened.payload, sigma, 5);
    free(opened.payload);
    free(ciphertext);
    aceso_abe_policy_free(policy);
    aceso_abe_user_key_free(user);
    aceso_abe_public_key_free(keys[0]);
    aceso_abe_public_key_free(keys[1]);
    aceso_abe_cache_free(cache);
    return code;
}

/* The sanitizer looks for leaks; here each point must give NO_MEMORY and nothing else, save those
 * of a cache's tables, without which all goes on. */
static void fail_at_each_point(int (*way)(void), long least, long optional)
{
    long points = 0;

    for (;; points++) {
        int code;

        allocation_failed = false;
        allocations_left = points;
        code = way();
        allocations_left = -1;
        if (!allocation_failed) {
            assert_int_equal(code, ACESO_ABE_OK);
            break;
        }
        if (code != ACESO_ABE_OK)
            assert_int_equal(code, ACESO_ABE_NO_MEMORY);
        else
            optional--;
        assert_true(points < 1000);
    }
    assert_true(points > least);
    assert_true(optional >= 0);
}

static void test_allocation_fails_at_each_point(void **state)
{
    (void)state;
    fail_at_each_point(whole_way, 20, 6);
    fail_at_each_point(whole_way_cached, 30, 8);
}

/* A gate of all rows that the format allows, opened by two of them. */
static void test_largest_policy(void **state)
{
    enum { ROWS = ACESO_ABE_POLICY_ROWS_MAX };
    static struct aceso_abe_public_key *keys[ROWS];
    struct aceso_abe_user_key *users[2];
    size_t room = ROWS * 16;
    char *text = malloc(room);
    struct aceso_abe_policy *policy;
    uint8_t made[ACESO_ABE_KEY_SIZE];
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0;
    size_t at;

    (void)state;
    assert_non_null(text);
    at = (size_t)snprintf(text, room, "2 of (");
    for (unsigned i = 0; i < ROWS; i++) {
        char attribute[16];

        snprintf(attribute, sizeof(attribute), "a%u@h", i);
        at += (size_t)snprintf(text + at, room - at, "%s%s", i > 0 ? ", " : "", attribute);
        keys[i] = world_public(attribute);
    }
    snprintf(text + at, room - at, ")");
    policy = world_policy(text);
    users[0] = world_user("a1023@h", "u");
    users[1] = world_user("a511@h", "u");
    assert_int_equal(aceso_abe_encapsulate(policy, PUBLIC_KEYS(keys), ROWS, NULL, 0, sigma, &header,
                                           &length, made),
                     ACESO_ABE_OK);
    assert_int_equal(aceso_abe_decapsulate(header, length, USER_KEYS(users), 2, PUBLIC_KEYS(keys),
                                           ROWS, NULL, 0, NULL, key),
                     ACESO_ABE_OK);
    assert_memory_equal(key, made, sizeof(key));
    assert_int_equal(aceso_abe_decapsulate(header, length, USER_KEYS(users), 1, PUBLIC_KEYS(keys),
                                           ROWS, NULL, 0, NULL, key),
                     ACESO_ABE_UNSATISFIED);
    for (size_t i = 0; i < ROWS; i++)
        aceso_abe_public_key_free(keys[i]);
    aceso_abe_user_key_free(users[0]);
    aceso_abe_user_key_free(users[1]);
    aceso_abe_policy_free(policy);
    free(header);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocation_fails_at_each_point),
        cmocka_unit_test(test_largest_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
