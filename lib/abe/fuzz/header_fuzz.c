/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: headers of both forms, opened by a user with three attributes. A CCA header that
 * opens is one that its sigma makes again.
 */
#include "aceso/abe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ATTRIBUTES = 3, ROWS_MAX = 8 };

static struct aceso_abe_public_key *public_keys[ATTRIBUTES];
static struct aceso_abe_user_key *user_keys[ATTRIBUTES];

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void begin(void)
{
    static const char *const attributes[ATTRIBUTES] = { "a@h", "b@h", "c@g" };
    static const uint8_t seed[ACESO_ABE_SEED_SIZE] = "fuzz";
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;

    for (size_t i = 0; i < ATTRIBUTES; i++) {
        check(aceso_abe_setup(seed, attributes[i], bytes, &length) == ACESO_ABE_OK);
        check(aceso_abe_public_key_import(bytes, length, &public_keys[i]) == ACESO_ABE_OK);
        check(aceso_abe_keygen(seed, attributes[i], seed, 4, bytes, &length) == ACESO_ABE_OK);
        check(aceso_abe_user_key_import(bytes, length, public_keys[i], &user_keys[i]) ==
              ACESO_ABE_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct aceso_abe_public_key *const *keys =
        (const struct aceso_abe_public_key *const *)public_keys;
    const struct aceso_abe_user_key *const *users =
        (const struct aceso_abe_user_key *const *)user_keys;
    struct aceso_abe_header_info info;
    struct aceso_abe_policy *policy = NULL;
    uint8_t sigma[ACESO_ABE_SIGMA_SIZE];
    uint8_t key[ACESO_ABE_KEY_SIZE];

    if (public_keys[0] == NULL)
        begin();
    if (aceso_abe_header_inspect(data, size, &info) != ACESO_ABE_OK)
        return 0;
    check(info.bytes == size && info.rows > 0);
    check(aceso_abe_header_policy(data, size, &policy) == ACESO_ABE_OK);
    check(aceso_abe_policy_rows(policy) == info.rows);
    aceso_abe_policy_free(policy);
    if (info.rows > ROWS_MAX)
        return 0; /* only slower */
    if (!info.cca)
        aceso_abe_decapsulate_cpa(data, size, users, ATTRIBUTES, NULL, 0, key);
    else if (aceso_abe_decapsulate(data, size, users, ATTRIBUTES, keys, ATTRIBUTES, NULL, 0, sigma,
                                   key) == ACESO_ABE_OK)
        check(aceso_abe_open_with_sigma(data, size, keys, ATTRIBUTES, NULL, 0, sigma, NULL) ==
              ACESO_ABE_OK);
    return 0;
}
