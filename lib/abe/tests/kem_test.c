/* SPDX-License-Identifier: Apache-2.0 */
/* Encapsulation and decapsulation through the public header. Uses world. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t sigma[ACESO_ABE_SIGMA_SIZE] = "a sigma of thirty-two bytes....";

/* A made header with all that belongs to it. */
struct made {
    struct aceso_abe_policy *policy;
    struct world_keys keys;
    uint8_t *header;
    size_t length;
    uint8_t key[ACESO_ABE_KEY_SIZE];
};

static void made_begin(struct made *made, const char *policy, const char *context)
{
    made->policy = world_policy(policy);
    world_keys_begin(&made->keys, made->policy);
    assert_int_equal(aceso_abe_encapsulate(made->policy, PUBLIC_KEYS(made->keys.keys),
                                           made->keys.count, (const uint8_t *)context,
                                           strlen(context), sigma, &made->header, &made->length,
                                           made->key),
                     ACESO_ABE_OK);
}

static void made_end(struct made *made)
{
    free(made->header);
    world_keys_end(&made->keys);
    aceso_abe_policy_free(made->policy);
}

struct opening_case {
    const char *policy;
    const char *attributes[8];
    int code;
};

static const struct opening_case opening_cases[] = {
    { "a@h", { "a@h", NULL }, ACESO_ABE_OK },
    { "a@h", { "b@h", NULL }, ACESO_ABE_UNSATISFIED },
    { "a@h", { NULL }, ACESO_ABE_UNSATISFIED },
    { "a@h and b@g", { "a@h", "b@g", NULL }, ACESO_ABE_OK },
    { "a@h and b@g", { "a@h", "b@h", NULL }, ACESO_ABE_UNSATISFIED },
    { "a@h or b@g", { "b@g", NULL }, ACESO_ABE_OK },
    { "a@h and b@g and c@h and d@f", { "d@f", "c@h", "b@g", "a@h", NULL }, ACESO_ABE_OK },
    { "a@h and b@g and c@h and d@f", { "d@f", "c@h", "b@g", NULL }, ACESO_ABE_UNSATISFIED },
    { "(a@h or b@h) and (c@h or d@h)", { "b@h", "c@h", NULL }, ACESO_ABE_OK },
    { "(a@h or b@h) and (c@h or d@h)", { "a@h", "b@h", NULL }, ACESO_ABE_UNSATISFIED },
    { "2 of (a@h, b@g, c@f)", { "c@f", "a@h", NULL }, ACESO_ABE_OK },
    { "2 of (a@h, b@g, c@f)", { "b@g", "c@f", NULL }, ACESO_ABE_OK },
    { "2 of (a@h, b@g, c@f)", { "c@f", NULL }, ACESO_ABE_UNSATISFIED },
    { "3 of (a@h, b@h, c@h, d@h, e@h)", { "a@h", "c@h", "e@h", NULL }, ACESO_ABE_OK },
    { "2 of (a@h and b@h, c@h or d@h, 2 of (e@h, f@h, g@h))",
      { "a@h", "b@h", "e@h", "g@h", NULL },
      ACESO_ABE_OK },
    { "a@h and b@h or a@h and c@h", { "a@h", "c@h", NULL }, ACESO_ABE_OK },
    { "a@h and b@h or a@h and c@h", { "b@h", "c@h", NULL }, ACESO_ABE_UNSATISFIED },
    { "grant-3.0@0x00112233445566778899aabbccddeeff00112233 and "
      "on.0.0xabcdefabcdefabcdefabcdefabcdefabcdefabcd@mercy and "
      "(registered@hospital-a and accredited@hospital-b)",
      { "grant-3.0@0x00112233445566778899aabbccddeeff00112233",
        "on.0.0xabcdefabcdefabcdefabcdefabcdefabcdefabcd@mercy", "registered@hospital-a",
        "accredited@hospital-b", NULL },
      ACESO_ABE_OK },
};

static void test_open_follows_the_policy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(opening_cases) / sizeof(opening_cases[0]); i++) {
        const struct opening_case *entry = &opening_cases[i];
        uint8_t found[ACESO_ABE_SIGMA_SIZE] = { 0 };
        uint8_t key[ACESO_ABE_KEY_SIZE] = { 0 };
        struct made made;

        made_begin(&made, entry->policy, "context");
        assert_int_equal(
            world_open(made.header, made.length, "user", entry->attributes, "context", found, key),
            entry->code);
        if (entry->code == ACESO_ABE_OK) {
            assert_memory_equal(found, sigma, sizeof(sigma));
            assert_memory_equal(key, made.key, sizeof(key));
        } else {
            static const uint8_t zero[ACESO_ABE_KEY_SIZE];

            assert_memory_equal(key, zero, sizeof(key));
        }
        made_end(&made);
    }
}

static void test_encapsulate_is_deterministic_and_bound(void **state)
{
    static const char text[] = "a@h and b@h";
    struct made first;
    struct made second;
    struct made other;

    (void)state;
    made_begin(&first, text, "one");
    made_begin(&second, text, "one");
    made_begin(&other, text, "two");
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.header, second.header, first.length);
    assert_memory_equal(first.key, second.key, sizeof(first.key));
    assert_memory_not_equal(first.header + 7 + strlen(text), other.header + 7 + strlen(text), 288);
    assert_memory_not_equal(first.key, other.key, sizeof(first.key));
    made_end(&first);
    made_end(&second);
    made_end(&other);
}

static void test_wrong_context_is_refused(void **state)
{
    static const char *const attributes[] = { "a@h", NULL };
    uint8_t key[ACESO_ABE_KEY_SIZE];
    struct made made;

    (void)state;
    made_begin(&made, "a@h", "context");
    assert_int_equal(world_open(made.header, made.length, "user", attributes, "Context", NULL, key),
                     ACESO_ABE_REFUSED);
    assert_int_equal(world_open(made.header, made.length, "user", attributes, "", NULL, key),
                     ACESO_ABE_REFUSED);
    made_end(&made);
}

static void test_open_with_sigma(void **state)
{
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t wrong[ACESO_ABE_SIGMA_SIZE];
    struct made made;

    (void)state;
    made_begin(&made, "2 of (a@h, b@h, c@h)", "context");
    assert_int_equal(aceso_abe_open_with_sigma(made.header, made.length,
                                               PUBLIC_KEYS(made.keys.keys), made.keys.count,
                                               (const uint8_t *)"context", 7, sigma, key),
                     ACESO_ABE_OK);
    assert_memory_equal(key, made.key, sizeof(key));
    memcpy(wrong, sigma, sizeof(wrong));
    wrong[31] ^= 1;
    assert_int_equal(aceso_abe_open_with_sigma(made.header, made.length,
                                               PUBLIC_KEYS(made.keys.keys), made.keys.count,
                                               (const uint8_t *)"context", 7, wrong, key),
                     ACESO_ABE_REFUSED);
    assert_int_equal(aceso_abe_open_with_sigma(made.header, made.length,
                                               PUBLIC_KEYS(made.keys.keys), made.keys.count - 1,
                                               (const uint8_t *)"context", 7, sigma, key),
                     ACESO_ABE_MISSING_KEY);
    made_end(&made);
}

static void test_missing_public_key(void **state)
{
    struct aceso_abe_policy *policy = world_policy("a@h and b@h");
    struct aceso_abe_public_key *keys[1] = { world_public("a@h") };
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0;

    (void)state;
    assert_int_equal(
        aceso_abe_encapsulate(policy, PUBLIC_KEYS(keys), 1, NULL, 0, sigma, &header, &length, key),
        ACESO_ABE_MISSING_KEY);
    assert_null(header);
    aceso_abe_public_key_free(keys[0]);
    aceso_abe_policy_free(policy);
}

static void test_mixed_gids_are_an_argument_error(void **state)
{
    struct aceso_abe_user_key *users[2] = { world_user("a@h", "alice"), world_user("b@h", "bob") };
    uint8_t key[ACESO_ABE_KEY_SIZE];
    struct made made;

    (void)state;
    made_begin(&made, "a@h and b@h", "");
    assert_int_equal(aceso_abe_decapsulate(made.header, made.length, USER_KEYS(users), 2,
                                           PUBLIC_KEYS(made.keys.keys), made.keys.count, NULL, 0,
                                           NULL, key),
                     ACESO_ABE_ARGUMENT);
    aceso_abe_user_key_free(users[0]);
    aceso_abe_user_key_free(users[1]);
    made_end(&made);
}

static void test_cpa_form(void **state)
{
    struct aceso_abe_policy *policy = world_policy("a@h and (b@h or c@g)");
    struct aceso_abe_user_key *users[2] = { world_user("a@h", "alice"),
                                            world_user("c@g", "alice") };
    struct aceso_abe_user_key *others[2] = { world_user("a@h", "bob"), world_user("d@g", "bob") };
    struct world_keys keys;
    uint8_t made_key[ACESO_ABE_KEY_SIZE];
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0;

    (void)state;
    world_keys_begin(&keys, policy);
    assert_int_equal(aceso_abe_encapsulate_cpa(policy, PUBLIC_KEYS(keys.keys), keys.count,
                                               (const uint8_t *)"x", 1, sigma, &header, &length,
                                               made_key),
                     ACESO_ABE_OK);
    assert_int_equal(aceso_abe_decapsulate_cpa(header, length, USER_KEYS(users), 2,
                                               (const uint8_t *)"x", 1, key),
                     ACESO_ABE_OK);
    assert_memory_equal(key, made_key, sizeof(key));
    assert_int_equal(aceso_abe_decapsulate_cpa(header, length, USER_KEYS(users), 2,
                                               (const uint8_t *)"y", 1, key),
                     ACESO_ABE_REFUSED);
    assert_int_equal(aceso_abe_decapsulate_cpa(header, length, USER_KEYS(others), 2,
                                               (const uint8_t *)"x", 1, key),
                     ACESO_ABE_UNSATISFIED);
    /* One form is not taken for the other. */
    assert_int_equal(aceso_abe_decapsulate(header, length, USER_KEYS(users), 2,
                                           PUBLIC_KEYS(keys.keys), keys.count, (const uint8_t *)"x",
                                           1, NULL, key),
                     ACESO_ABE_FORMAT);
    assert_int_equal(aceso_abe_open_with_sigma(header, length, PUBLIC_KEYS(keys.keys), keys.count,
                                               (const uint8_t *)"x", 1, sigma, key),
                     ACESO_ABE_FORMAT);
    header[2] = 3;
    assert_int_equal(aceso_abe_decapsulate(header, length, USER_KEYS(users), 2,
                                           PUBLIC_KEYS(keys.keys), keys.count, (const uint8_t *)"x",
                                           1, NULL, key),
                     ACESO_ABE_FORMAT);
    free(header);
    for (size_t i = 0; i < 2; i++) {
        aceso_abe_user_key_free(users[i]);
        aceso_abe_user_key_free(others[i]);
    }
    world_keys_end(&keys);
    aceso_abe_policy_free(policy);
}

static void test_inspect(void **state)
{
    struct aceso_abe_header_info info;
    struct made made;

    (void)state;
    made_begin(&made, "((a@h)) or 2 of (b@h, c@h, d@g)", "");
    assert_int_equal(aceso_abe_header_inspect(made.header, made.length, &info), ACESO_ABE_OK);
    assert_int_equal(info.version, 1);
    assert_int_equal(info.suite, 1);
    assert_true(info.cca);
    assert_int_equal(info.rows, 4);
    assert_int_equal(info.bytes, 7 + info.policy_length + 4 * 384 + 64);
    assert_int_equal(info.policy_length, strlen("a@h or 2 of (b@h, c@h, d@g)"));
    assert_memory_equal(info.policy, "a@h or 2 of (b@h, c@h, d@g)", info.policy_length);
    assert_int_equal(aceso_abe_header_inspect(made.header, made.length - 1, &info),
                     ACESO_ABE_FORMAT);
    assert_int_equal(aceso_abe_header_inspect(made.header, 0, &info), ACESO_ABE_FORMAT);
    made_end(&made);
}

static void test_context_limit(void **state)
{
    static uint8_t context[ACESO_ABE_CONTEXT_MAX + 1];
    struct aceso_abe_policy *policy = world_policy("a@h");
    struct world_keys keys;
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0;

    (void)state;
    world_keys_begin(&keys, policy);
    assert_int_equal(aceso_abe_encapsulate(policy, PUBLIC_KEYS(keys.keys), keys.count, context,
                                           sizeof(context), sigma, &header, &length, key),
                     ACESO_ABE_ARGUMENT);
    assert_int_equal(aceso_abe_encapsulate(policy, PUBLIC_KEYS(keys.keys), keys.count, context,
                                           sizeof(context) - 1, sigma, &header, &length, key),
                     ACESO_ABE_OK);
    free(header);
    world_keys_end(&keys);
    aceso_abe_policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_follows_the_policy),
        cmocka_unit_test(test_encapsulate_is_deterministic_and_bound),
        cmocka_unit_test(test_wrong_context_is_refused),
        cmocka_unit_test(test_open_with_sigma),
        cmocka_unit_test(test_missing_public_key),
        cmocka_unit_test(test_mixed_gids_are_an_argument_error),
        cmocka_unit_test(test_cpa_form),
        cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_context_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
