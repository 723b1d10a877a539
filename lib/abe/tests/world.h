/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for the tests: authorities with fixed seeds, public keys and user keys on demand.
 * Uses the public header only.
 */
#ifndef ABE_TEST_WORLD_H
#define ABE_TEST_WORLD_H

#include "aceso/abe.h"

/* The seed of the authority of an attribute: SHA-256 of its label. */
void world_seed(const char *attribute, uint8_t seed[ACESO_ABE_SEED_SIZE]);

/* A checked public key. Fails the test when anything goes wrong. */
struct aceso_abe_public_key *world_public(const char *attribute);

/* A checked user key for the user whose gid is `user`, a string. */
struct aceso_abe_user_key *world_user(const char *attribute, const char *user);

struct aceso_abe_policy *world_policy(const char *text);

/* The public keys of all rows of a policy, one for each row. */
struct world_keys {
    size_t count;
    struct aceso_abe_public_key *keys[64];
};

void world_keys_begin(struct world_keys *keys, const struct aceso_abe_policy *policy);
void world_keys_end(struct world_keys *keys);

/* Casts for C, which does not add the inner const by itself. */
#define PUBLIC_KEYS(array) ((const struct aceso_abe_public_key *const *)(array))
#define USER_KEYS(array) ((const struct aceso_abe_user_key *const *)(array))

/* Opens a CCA header as `user` with the attributes of a NULL-terminated list. */
int world_open(const uint8_t *header, size_t length, const char *user,
               const char *const *attributes, const char *context,
               uint8_t sigma[ACESO_ABE_SIGMA_SIZE], uint8_t key[ACESO_ABE_KEY_SIZE]);

#endif
