/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed authorities and users for the tests. Uses the public header and cmocka. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void world_seed(const char *attribute, uint8_t seed[ACESO_ABE_SEED_SIZE])
{
    const char *label = strchr(attribute, '@');

    assert_non_null(label);
    aceso_abe_digest((const uint8_t *)label + 1, strlen(label + 1), seed);
}

struct aceso_abe_public_key *world_public(const char *attribute)
{
    uint8_t seed[ACESO_ABE_SEED_SIZE];
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t length = 0;
    struct aceso_abe_public_key *key = NULL;

    world_seed(attribute, seed);
    assert_int_equal(aceso_abe_setup(seed, attribute, bytes, &length), ACESO_ABE_OK);
    assert_int_equal(aceso_abe_public_key_import(bytes, length, &key), ACESO_ABE_OK);
    return key;
}

struct aceso_abe_user_key *world_user(const char *attribute, const char *user)
{
    uint8_t seed[ACESO_ABE_SEED_SIZE];
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;
    struct aceso_abe_public_key *public_key = world_public(attribute);
    struct aceso_abe_user_key *key = NULL;

    world_seed(attribute, seed);
    assert_int_equal(
        aceso_abe_keygen(seed, attribute, (const uint8_t *)user, strlen(user), bytes, &length),
        ACESO_ABE_OK);
    assert_int_equal(aceso_abe_user_key_import(bytes, length, public_key, &key), ACESO_ABE_OK);
    aceso_abe_public_key_free(public_key);
    return key;
}

struct aceso_abe_policy *world_policy(const char *text)
{
    struct aceso_abe_policy *policy = NULL;

    assert_int_equal(aceso_abe_policy_parse(text, strlen(text), &policy, NULL), ACESO_ABE_OK);
    return policy;
}

void world_keys_begin(struct world_keys *keys, const struct aceso_abe_policy *policy)
{
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];

    keys->count = aceso_abe_policy_rows(policy);
    assert_true(keys->count <= sizeof(keys->keys) / sizeof(keys->keys[0]));
    for (size_t row = 0; row < keys->count; row++) {
        assert_int_equal(aceso_abe_policy_attribute(policy, row, attribute), ACESO_ABE_OK);
        keys->keys[row] = world_public(attribute);
    }
}

void world_keys_end(struct world_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        aceso_abe_public_key_free(keys->keys[i]);
    keys->count = 0;
}

int world_open(const uint8_t *header, size_t length, const char *user,
               const char *const *attributes, const char *context,
               uint8_t sigma[ACESO_ABE_SIGMA_SIZE], uint8_t key[ACESO_ABE_KEY_SIZE])
{
    struct aceso_abe_user_key *user_keys[64];
    struct aceso_abe_policy *policy = NULL;
    struct world_keys keys;
    size_t count = 0;
    int code = aceso_abe_header_policy(header, length, &policy);

    if (code != ACESO_ABE_OK)
        return code;
    world_keys_begin(&keys, policy);
    for (; attributes[count] != NULL; count++)
        user_keys[count] = world_user(attributes[count], user);
    code =
        aceso_abe_decapsulate(header, length, USER_KEYS(user_keys), count, PUBLIC_KEYS(keys.keys),
                              keys.count, (const uint8_t *)context, strlen(context), sigma, key);
    while (count > 0)
        aceso_abe_user_key_free(user_keys[--count]);
    world_keys_end(&keys);
    aceso_abe_policy_free(policy);
    return code;
}
