/* SPDX-License-Identifier: Apache-2.0 */
/* Authority secrets, public keys, user keys. Core: no heap, no I/O. */
#include "keys.h"

#include "octets.h"
#include "policy.h"

static const char seed_tag[] = "ACESO-LW11-V01-AUTHORITY";

_Static_assert(ABE_PREFIX_SIZE + 2 + ACESO_ABE_ATTRIBUTE_MAX + ABE_TORUS_SIZE + ABE_G1_SIZE <=
                   ACESO_ABE_PUBLIC_KEY_MAX,
               "a public key fits");
_Static_assert(ABE_PREFIX_SIZE + 2 + ACESO_ABE_ATTRIBUTE_MAX + 2 + ACESO_ABE_GID_MAX +
                       ABE_G2_SIZE <=
                   ACESO_ABE_USER_KEY_MAX,
               "a user key fits");

void abe_put_prefix(uint8_t out[ABE_PREFIX_SIZE], enum abe_type type)
{
    out[0] = ACESO_ABE_VERSION;
    out[1] = ACESO_ABE_SUITE;
    out[2] = (uint8_t)type;
}

bool abe_has_prefix(const uint8_t *bytes, size_t length, enum abe_type type)
{
    return length >= ABE_PREFIX_SIZE && bytes[0] == ACESO_ABE_VERSION &&
           bytes[1] == ACESO_ABE_SUITE && bytes[2] == (uint8_t)type;
}

void abe_secret_derive(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *attribute,
                       size_t attribute_length, struct abe_secret *secret)
{
    uint8_t prk[ABE_HASH_SIZE];
    struct abe_span ikm = { seed, ACESO_ABE_SEED_SIZE };
    struct abe_span info[2] = { { "a", 1 }, { attribute, attribute_length } };

    abe_hkdf_extract(seed_tag, &ikm, 1, prk);
    abe_hkdf_scalar(prk, info, 2, &secret->alpha);
    info[0].bytes = "y";
    abe_hkdf_scalar(prk, info, 2, &secret->y);
    abe_wipe(prk, sizeof(prk));
}

/* Prefix, then length and bytes of the attribute; returns the end. */
static size_t put_head(uint8_t *out, enum abe_type type, const char *attribute, size_t length)
{
    abe_put_prefix(out, type);
    abe_put16(out + ABE_PREFIX_SIZE, length);
    memcpy(out + ABE_PREFIX_SIZE + 2, attribute, length);
    return ABE_PREFIX_SIZE + 2 + length;
}

/* Reads what put_head writes; returns the end, 0 when malformed. */
static size_t get_head(const uint8_t *bytes, size_t length, enum abe_type type,
                       char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1], size_t *attribute_length)
{
    const char *name = (const char *)bytes + ABE_PREFIX_SIZE + 2;
    size_t n;

    if (length < ABE_PREFIX_SIZE + 2 || !abe_has_prefix(bytes, length, type))
        return 0;
    n = abe_get16(bytes + ABE_PREFIX_SIZE);
    if (n > ACESO_ABE_ATTRIBUTE_MAX || n > length - ABE_PREFIX_SIZE - 2 ||
        !abe_attribute_valid(name, n))
        return 0;
    memcpy(attribute, name, n);
    attribute[n] = '\0';
    *attribute_length = n;
    return ABE_PREFIX_SIZE + 2 + n;
}

/* ---- public keys ----------------------------------------------------------------------- */

size_t abe_public_make(const struct abe_secret *secret, const char *attribute,
                       size_t attribute_length, const struct abe_tables *generators,
                       uint8_t out[ACESO_ABE_PUBLIC_KEY_MAX])
{
    size_t at = put_head(out, ABE_TYPE_PUBLIC_KEY, attribute, attribute_length);
    blst_fp12 a;
    blst_p1 y;

    a = *blst_fp12_one();
    memset(&y, 0, sizeof(y));
    abe_gt_multiply_secret(&a, generators != NULL ? &generators->a : NULL, NULL, &secret->alpha);
    abe_g1_add_secret(&y, generators != NULL ? &generators->y : NULL, blst_p1_affine_generator(),
                      &secret->y);
    abe_declassify(&a, sizeof(a));
    abe_declassify(&y, sizeof(y));
    if (!abe_torus_encode_ratio(&a, out + at) || blst_p1_is_inf(&y))
        return 0;
    at += ABE_TORUS_SIZE;
    blst_p1_compress(out + at, &y);
    return at + ABE_G1_SIZE;
}

int abe_public_decode(const uint8_t *bytes, size_t length, struct abe_public *key)
{
    struct abe_public decoded;
    blst_fp12 numerator;
    size_t at =
        get_head(bytes, length, ABE_TYPE_PUBLIC_KEY, decoded.attribute, &decoded.attribute_length);

    if (at == 0 || length - at != ABE_TORUS_SIZE + ABE_G1_SIZE)
        return ACESO_ABE_FORMAT;
    if (!abe_torus_decode(bytes + at, &numerator) ||
        !abe_g1_decode(bytes + at + ABE_TORUS_SIZE, &decoded.y))
        return ACESO_ABE_BAD_KEY;
    abe_torus_ratio(&decoded.a, &numerator);
    abe_sha256(bytes, length, decoded.digest);
    *key = decoded;
    return ACESO_ABE_OK;
}

bool abe_public_check(const struct abe_public *key)
{
    return blst_p1_affine_in_g1(&key->y) && !blst_p1_affine_is_inf(&key->y) &&
           abe_gt_check(&key->a);
}

/* ---- user keys ------------------------------------------------------------------------- */

size_t abe_user_make(const struct abe_secret *secret, const char *attribute,
                     size_t attribute_length, const uint8_t *gid, size_t gid_length,
                     const struct abe_g2_table *generator, uint8_t out[ACESO_ABE_USER_KEY_MAX])
{
    size_t at = put_head(out, ABE_TYPE_USER_KEY, attribute, attribute_length);
    blst_p2_affine h;
    blst_p2 k;
    blst_p2 masked;
    bool infinite;

    abe_put16(out + at, gid_length);
    memcpy(out + at + 2, gid, gid_length);
    at += 2 + gid_length;
    abe_hash_gid(gid, gid_length, &h);
    abe_g2_mult_secret(&k, &h, &secret->y);
    if (generator != NULL) {
        abe_g2_table_add(generator, &secret->alpha, &k);
    } else {
        abe_g2_mult_secret(&masked, blst_p2_affine_generator(), &secret->alpha);
        blst_p2_add_or_double(&k, &k, &masked);
        abe_wipe(&masked, sizeof(masked));
    }
    infinite = blst_p2_is_inf(&k);
    abe_declassify(&infinite, sizeof(infinite));
    blst_p2_compress(out + at, &k);
    abe_wipe(&k, sizeof(k));
    return infinite ? 0 : at + ABE_G2_SIZE;
}

int abe_user_decode(const uint8_t *bytes, size_t length, struct abe_user *key)
{
    struct abe_user decoded;
    size_t at =
        get_head(bytes, length, ABE_TYPE_USER_KEY, decoded.attribute, &decoded.attribute_length);
    int code = ACESO_ABE_OK;

    if (at == 0 || length - at < 2)
        return ACESO_ABE_FORMAT;
    decoded.gid_length = abe_get16(bytes + at);
    at += 2;
    if (decoded.gid_length == 0 || decoded.gid_length > ACESO_ABE_GID_MAX ||
        length - at != decoded.gid_length + ABE_G2_SIZE)
        return ACESO_ABE_FORMAT;
    memcpy(decoded.gid, bytes + at, decoded.gid_length);
    at += decoded.gid_length;
    if (abe_g2_decode(bytes + at, &decoded.k)) {
        abe_hash_gid(decoded.gid, decoded.gid_length, &decoded.h);
        *key = decoded;
    } else {
        code = ACESO_ABE_BAD_KEY;
    }
    abe_wipe(&decoded, sizeof(decoded));
    return code;
}

bool abe_user_check(const struct abe_user *key, const struct abe_public *public_key)
{
    struct abe_pairing pairing;
    blst_fp12 product;
    blst_p1_affine minus_one = *blst_p1_affine_generator();

    if (!blst_p2_affine_in_g2(&key->k))
        return false;
    /* e(-g1, K) * e(Y, H(gid)) * A = 1 */
    abe_pairing_begin(&pairing);
    blst_fp_cneg(&minus_one.y, &minus_one.y, true);
    abe_pairing_add(&pairing, &minus_one, &key->k, NULL);
    abe_pairing_add(&pairing, &public_key->y, &key->h, NULL);
    abe_pairing_end(&pairing, &product);
    blst_fp12_mul(&product, &product, &public_key->a);
    return blst_fp12_is_one(&product);
}
