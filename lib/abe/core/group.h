/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The groups G1, G2 and GT of BLS12-381: encodings, exponentiation, hash to G2, pairing products.
 * Uses blst. Core: no heap, no I/O.
 *
 * "Secret" functions take the same time for every scalar; "public" ones do not.
 */
#ifndef ABE_GROUP_H
#define ABE_GROUP_H

#include <blst.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ABE_G1_SIZE = 48,
    ABE_G2_SIZE = 96,
    ABE_GT_SIZE = 576,
    ABE_TORUS_SIZE = 288,
    ABE_PAIRS_MAX = 16,
    ABE_LINES = 68 /* of one Miller loop */
};

/* Compressed points of the Zcash form. Decoding demands the curve, canonical x, not infinity; it
 * does not check the subgroup. */
bool abe_g1_decode(const uint8_t in[ABE_G1_SIZE], blst_p1_affine *point);
bool abe_g2_decode(const uint8_t in[ABE_G2_SIZE], blst_p2_affine *point);

/* point * scalar, in constant time. */
void abe_g1_mult_secret(blst_p1 *out, const blst_p1_affine *point, const blst_fr *scalar);
void abe_g2_mult_secret(blst_p2 *out, const blst_p2_affine *point, const blst_fr *scalar);

/* H(gid): RFC 9380, BLS12381G2_XMD:SHA-256_SSWU_RO_, under this library's domain tag. */
void abe_hash_gid(const uint8_t *gid, size_t length, blst_p2_affine *point);

/* e(g1, g2). */
void abe_gt_generator(blst_fp12 *out);

/* base^scalar in constant time. `base` must lie in GT, the subgroup of order r. */
void abe_gt_pow_secret(blst_fp12 *out, const blst_fp12 *base, const blst_fr *scalar);

/* base^scalar for any base of Fp12; the scalar is public. */
void abe_fp12_pow_public(blst_fp12 *out, const blst_fp12 *base, const blst_fr *scalar);

/* Whether f is in the subgroup of order r and not one. */
bool abe_gt_check(const blst_fp12 *f);

/* The twelve coefficients, each 48 bytes big-endian; order in docs/abe-format.md. */
void abe_gt_encode(const blst_fp12 *f, uint8_t out[ABE_GT_SIZE]);

/* T2: f = a + b w of norm one is written as g = (1 + a) / b. False when b = 0 (f is 1 or -1). */
bool abe_torus_encode(const blst_fp12 *f, uint8_t out[ABE_TORUS_SIZE]);

/*
 * Gives n = g + w, so that f = n / conjugate(n): norm one for certain, and no more than that. False
 * when a coefficient is not reduced, or g = 0 (which stands for f = -1). n is never zero.
 */
bool abe_torus_decode(const uint8_t in[ABE_TORUS_SIZE], blst_fp12 *numerator);

/* The same encoding from any n with f = n / conjugate(n); n = f + 1 is one. */
bool abe_torus_encode_ratio(const blst_fp12 *numerator, uint8_t out[ABE_TORUS_SIZE]);

/* f = n / conjugate(n). */
void abe_torus_ratio(blst_fp12 *f, const blst_fp12 *numerator);

/* The lines of the Miller loop of one G2 point, which must not be infinity: made once, used often.
 */
struct abe_lines {
    blst_fp6 line[ABE_LINES];
};

void abe_lines_make(const blst_p2_affine *q, struct abe_lines *lines);

/* A product of pairings under one final exponentiation. A pair whose G1 point is infinity counts as
 * one; that point is public, the G2 point may be secret and must not be infinity. */
struct abe_pairing {
    blst_fp12 product;
    blst_p1_affine p[ABE_PAIRS_MAX];
    const blst_p2_affine *q[ABE_PAIRS_MAX];
    size_t count;
    blst_p1_affine lined_p[ABE_PAIRS_MAX]; /* (-2x, 2y), as the lines want it */
    const struct abe_lines *lines[ABE_PAIRS_MAX];
    size_t lined;
};

void abe_pairing_begin(struct abe_pairing *pairing);

/*
 * Multiplies by e(p, q). With `lines`, those of q, it is faster, and all such pairs share the
 * squarings; NULL: from the point. Both are kept by reference until abe_pairing_end.
 */
void abe_pairing_add(struct abe_pairing *pairing, const blst_p1_affine *p, const blst_p2_affine *q,
                     const struct abe_lines *lines);

void abe_pairing_end(struct abe_pairing *pairing, blst_fp12 *out);

#endif
