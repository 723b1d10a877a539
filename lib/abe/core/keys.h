/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authority secrets, public keys and user keys: derivation, serialization, checks.
 * Uses hash, group and policy (for attribute names). Core: no heap, no I/O.
 */
#ifndef ABE_KEYS_H
#define ABE_KEYS_H

#include "hash.h"
#include "tables.h"

#include "aceso/abe.h"

/* Third byte of every object. */
enum abe_type {
    ABE_TYPE_PUBLIC_KEY = 1,
    ABE_TYPE_USER_KEY = 2,
    ABE_TYPE_HEADER_CCA = 3,
    ABE_TYPE_HEADER_CPA = 4,
    ABE_TYPE_CIPHERTEXT = 5
};

enum {
    ABE_PREFIX_SIZE = 3 /* version, suite, type */
};

void abe_put_prefix(uint8_t out[ABE_PREFIX_SIZE], enum abe_type type);
bool abe_has_prefix(const uint8_t *bytes, size_t length, enum abe_type type);

/* What an authority keeps for one attribute. */
struct abe_secret {
    blst_fr alpha;
    blst_fr y;
};

struct abe_public {
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];
    size_t attribute_length;
    blst_fp12 a;
    blst_p1_affine y;
    uint8_t digest[ABE_HASH_SIZE]; /* of the serialized key */
};

struct abe_user {
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];
    size_t attribute_length;
    uint8_t gid[ACESO_ABE_GID_MAX];
    size_t gid_length;
    blst_p2_affine k;
    blst_p2_affine h; /* H(gid) */
};

/* `attribute` must be valid (abe_attribute_valid). */
void abe_secret_derive(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *attribute,
                       size_t attribute_length, struct abe_secret *secret);

/* Writes the serialized public key; returns its length, 0 when alpha or y is zero (never).
 * `generators` may be NULL: slower. */
size_t abe_public_make(const struct abe_secret *secret, const char *attribute,
                       size_t attribute_length, const struct abe_tables *generators,
                       uint8_t out[ACESO_ABE_PUBLIC_KEY_MAX]);

/* Decodes. ACESO_ABE_FORMAT, or ACESO_ABE_BAD_KEY for a point off the curve and the like. */
int abe_public_decode(const uint8_t *bytes, size_t length, struct abe_public *key);

/* The subgroup checks that decoding leaves out. */
bool abe_public_check(const struct abe_public *key);

/* Writes the serialized user key; returns its length, 0 when K is infinity (never). `generator`,
 * the table of g2, may be NULL: slower. */
size_t abe_user_make(const struct abe_secret *secret, const char *attribute,
                     size_t attribute_length, const uint8_t *gid, size_t gid_length,
                     const struct abe_g2_table *generator, uint8_t out[ACESO_ABE_USER_KEY_MAX]);

/* As abe_public_decode. Computes H(gid). */
int abe_user_decode(const uint8_t *bytes, size_t length, struct abe_user *key);

/* K in G2, and e(g1, K) = A * e(Y, H(gid)). The public key must have passed its own check. */
bool abe_user_check(const struct abe_user *key, const struct abe_public *public_key);

#endif
