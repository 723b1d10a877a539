/* SPDX-License-Identifier: Apache-2.0 */
/* Group operations on blst. Uses octets. Core: no heap, no I/O. */
#include "group.h"

#include "gt_generator.h"
#include "octets.h"

static const char hash_domain[] = "ACESO-LW11-V01-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";

enum { FP_SIZE = 48, SCALAR_BITS = 255, DIGITS = 4, DIGIT_BITS = 64, TABLE = 1 << DIGITS };

/* |x|, where x = -0xd201000000010000 is the parameter of the curve. */
static const uint64_t curve_x = UINT64_C(0xd201000000010000);

static const uint8_t field_modulus[FP_SIZE] = {
    0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a, 0x4b, 0x1b, 0xa7, 0xb6, 0x43, 0x4b, 0xac, 0xd7,
    0x64, 0x77, 0x4b, 0x84, 0xf3, 0x85, 0x12, 0xbf, 0x67, 0x30, 0xd2, 0xa0, 0xf6, 0xb0, 0xf6, 0x24,
    0x1e, 0xab, 0xff, 0xfe, 0xb1, 0x53, 0xff, 0xff, 0xb9, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xaa, 0xab
};

bool abe_g1_decode(const uint8_t in[ABE_G1_SIZE], blst_p1_affine *point)
{
    blst_p1_affine decoded;

    if (blst_p1_uncompress(&decoded, in) != BLST_SUCCESS || blst_p1_affine_is_inf(&decoded))
        return false;
    *point = decoded;
    return true;
}

bool abe_g2_decode(const uint8_t in[ABE_G2_SIZE], blst_p2_affine *point)
{
    blst_p2_affine decoded;

    if (blst_p2_uncompress(&decoded, in) != BLST_SUCCESS || blst_p2_affine_is_inf(&decoded))
        return false;
    *point = decoded;
    return true;
}

void abe_g1_mult_secret(blst_p1 *out, const blst_p1_affine *point, const blst_fr *scalar)
{
    blst_scalar bytes;
    blst_p1 base;

    blst_scalar_from_fr(&bytes, scalar);
    blst_p1_from_affine(&base, point);
    blst_p1_mult(out, &base, bytes.b, SCALAR_BITS);
    abe_wipe(&bytes, sizeof(bytes));
}

void abe_g2_mult_secret(blst_p2 *out, const blst_p2_affine *point, const blst_fr *scalar)
{
    blst_scalar bytes;
    blst_p2 base;

    blst_scalar_from_fr(&bytes, scalar);
    blst_p2_from_affine(&base, point);
    blst_p2_mult(out, &base, bytes.b, SCALAR_BITS);
    abe_wipe(&bytes, sizeof(bytes));
}

void abe_hash_gid(const uint8_t *gid, size_t length, blst_p2_affine *point)
{
    blst_p2 hashed;

    blst_hash_to_g2(&hashed, gid, length, (const byte *)hash_domain, sizeof(hash_domain) - 1, NULL,
                    0);
    blst_p2_to_affine(point, &hashed);
}

/* ---- GT -------------------------------------------------------------------------------- */

void abe_gt_generator(blst_fp12 *out)
{
    for (size_t i = 0; i < 12; i++)
        blst_fp_from_bendian(&out->fp6[i / 6].fp2[i / 2 % 3].fp[i % 2],
                             abe_gt_generator_bytes + FP_SIZE * i);
}

void abe_gt_encode(const blst_fp12 *f, uint8_t out[ABE_GT_SIZE])
{
    for (size_t i = 0; i < 12; i++)
        blst_bendian_from_fp(out + FP_SIZE * i, &f->fp6[i / 6].fp2[i / 2 % 3].fp[i % 2]);
}

bool abe_gt_check(const blst_fp12 *f)
{
    return blst_fp12_in_group(f) && !blst_fp12_is_one(f);
}

/* value = value / |x|, returns the remainder. One bit at a time, without branches. */
static uint64_t divide_by_x(uint64_t value[DIGITS])
{
    uint64_t remainder = 0;

    for (size_t i = DIGITS; i-- > 0;) {
        for (unsigned bit = DIGIT_BITS; bit-- > 0;) {
            uint64_t carry = remainder >> 63;
            uint64_t shifted = remainder << 1 | (value[i] >> bit & 1);
            uint64_t reduced = shifted - curve_x;
            uint64_t borrow = ((~shifted & curve_x) | (~(shifted ^ curve_x) & reduced)) >> 63;
            uint64_t keep = 0 - (borrow & ~carry & 1); /* all ones: too small to subtract */

            remainder = (shifted & keep) | (reduced & ~keep);
            value[i] = (value[i] & ~(UINT64_C(1) << bit)) | (~keep & 1) << bit;
        }
    }
    return remainder;
}

/* out = table[index], reading all of it. */
static void table_select(blst_fp12 *out, const blst_fp12 table[TABLE], uint64_t index)
{
    limb_t *to = (limb_t *)out;

    memset(out, 0, sizeof(*out));
    for (uint64_t i = 0; i < TABLE; i++) {
        const limb_t *from = (const limb_t *)&table[i];
        uint64_t other = i ^ index;
        limb_t mask = (limb_t)(((other | (0 - other)) >> 63) - 1);

        for (size_t j = 0; j < sizeof(*out) / sizeof(limb_t); j++)
            to[j] |= from[j] & mask;
    }
}

/*
 * In GT, f^p = f^x (p = x modulo r), so with |x|-adic digits of the scalar
 *     f^e = f^d0 * (f^|x|)^d1 * (f^|x|^2)^d2 * (f^|x|^3)^d3,
 * where the bases cost a Frobenius map each; odd powers of |x| = -x need a conjugation.
 */
void abe_gt_pow_secret(blst_fp12 *out, const blst_fp12 *base, const blst_fr *scalar)
{
    blst_fp12 table[TABLE];
    blst_fp12 accumulator = *blst_fp12_one();
    blst_fp12 factor;
    uint64_t value[DIGITS];
    uint64_t digit[DIGITS];
    blst_scalar bytes;

    blst_scalar_from_fr(&bytes, scalar);
    blst_uint64_from_scalar(value, &bytes);
    for (size_t i = 0; i < DIGITS; i++)
        digit[i] = divide_by_x(value);

    table[0] = accumulator;
    table[1] = *base;
    for (size_t i = 1; i < DIGITS; i++) {
        blst_fp12_frobenius_map(&table[1 << i], base, i);
        if (i % 2 == 1)
            blst_fp12_conjugate(&table[1 << i]);
    }
    for (size_t i = 3; i < TABLE; i++) {
        if ((i & (i - 1)) != 0)
            blst_fp12_mul(&table[i], &table[i & (i - 1)], &table[i & (0 - i)]);
    }
    for (unsigned bit = DIGIT_BITS; bit-- > 0;) {
        uint64_t index = 0;

        for (size_t i = 0; i < DIGITS; i++)
            index |= (digit[i] >> bit & 1) << i;
        blst_fp12_cyclotomic_sqr(&accumulator, &accumulator);
        table_select(&factor, table, index);
        blst_fp12_mul(&accumulator, &accumulator, &factor);
    }
    *out = accumulator;
    abe_wipe(&accumulator, sizeof(accumulator));
    abe_wipe(&factor, sizeof(factor));
    abe_wipe(&bytes, sizeof(bytes));
    abe_wipe(value, sizeof(value));
    abe_wipe(digit, sizeof(digit));
}

void abe_fp12_pow_public(blst_fp12 *out, const blst_fp12 *base, const blst_fr *scalar)
{
    blst_fp12 fixed = *base;
    blst_fp12 power = *blst_fp12_one();
    blst_scalar bytes;
    bool started = false;

    blst_scalar_from_fr(&bytes, scalar);
    for (unsigned bit = SCALAR_BITS; bit-- > 0;) {
        if (started)
            blst_fp12_sqr(&power, &power);
        if ((bytes.b[bit / 8] >> bit % 8 & 1) != 0) {
            if (started)
                blst_fp12_mul(&power, &power, &fixed);
            else
                power = fixed;
            started = true;
        }
    }
    *out = power;
}

/* ---- torus form ------------------------------------------------------------------------ */

/* Whether an element that may be secret is zero; the answer is not. */
static bool fp6_is_zero(const blst_fp6 *a)
{
    static const blst_fp6 zero;
    uint8_t difference = abe_difference((const uint8_t *)a, (const uint8_t *)&zero, sizeof(zero));

    abe_declassify(&difference, sizeof(difference));
    return difference == 0;
}

bool abe_torus_encode_ratio(const blst_fp12 *numerator, uint8_t out[ABE_TORUS_SIZE])
{
    static const blst_fp6 zero;
    blst_fp12 quotient = { { numerator->fp6[0], zero } };
    blst_fp12 denominator = { { numerator->fp6[1], zero } };

    if (fp6_is_zero(&numerator->fp6[0]) || fp6_is_zero(&numerator->fp6[1]))
        return false;
    blst_fp12_inverse(&denominator, &denominator);
    blst_fp12_mul(&quotient, &quotient, &denominator);
    for (size_t i = 0; i < 6; i++)
        blst_bendian_from_fp(out + FP_SIZE * i, &quotient.fp6[0].fp2[i / 2].fp[i % 2]);
    return true;
}

bool abe_torus_encode(const blst_fp12 *f, uint8_t out[ABE_TORUS_SIZE])
{
    blst_fp12 numerator = *f;
    blst_fp *real = &numerator.fp6[0].fp2[0].fp[0];

    blst_fp_add(real, real, &blst_fp12_one()->fp6[0].fp2[0].fp[0]);
    return abe_torus_encode_ratio(&numerator, out);
}

bool abe_torus_decode(const uint8_t in[ABE_TORUS_SIZE], blst_fp12 *numerator)
{
    blst_fp12 decoded;
    uint8_t any = 0;

    memset(&decoded, 0, sizeof(decoded));
    for (size_t i = 0; i < ABE_TORUS_SIZE; i++)
        any |= in[i];
    if (any == 0)
        return false;
    for (size_t i = 0; i < 6; i++) {
        if (memcmp(in + FP_SIZE * i, field_modulus, FP_SIZE) >= 0)
            return false;
        blst_fp_from_bendian(&decoded.fp6[0].fp2[i / 2].fp[i % 2], in + FP_SIZE * i);
    }
    decoded.fp6[1].fp2[0].fp[0] = blst_fp12_one()->fp6[0].fp2[0].fp[0];
    *numerator = decoded;
    return true;
}

void abe_torus_ratio(blst_fp12 *f, const blst_fp12 *numerator)
{
    blst_fp12 inverse = *numerator;

    blst_fp12_conjugate(&inverse);
    blst_fp12_inverse(&inverse, &inverse);
    blst_fp12_mul(f, numerator, &inverse);
}

/* ---- pairings -------------------------------------------------------------------------- */

void abe_lines_make(const blst_p2_affine *q, struct abe_lines *lines)
{
    blst_precompute_lines(lines->line, q);
}

static void flush(struct abe_pairing *pairing)
{
    const blst_p1_affine *p[ABE_PAIRS_MAX];
    blst_fp12 product;

    if (pairing->count == 0)
        return;
    for (size_t i = 0; i < pairing->count; i++)
        p[i] = &pairing->p[i];
    blst_miller_loop_n(&product, pairing->q, p, pairing->count);
    blst_fp12_mul(&pairing->product, &pairing->product, &product);
    pairing->count = 0;
    abe_wipe(&product, sizeof(product));
}

/* Multiplies by line number `index` of each pair, evaluated at its point. */
static void multiply_lines(const struct abe_pairing *pairing, size_t index, blst_fp12 *f)
{
    blst_fp6 at_point;

    for (size_t i = 0; i < pairing->lined; i++) {
        const blst_fp6 *line = &pairing->lines[i]->line[index];
        const blst_p1_affine *p = &pairing->lined_p[i];

        at_point.fp2[0] = line->fp2[0];
        for (size_t j = 0; j < 2; j++) {
            blst_fp_mul(&at_point.fp2[1].fp[j], &line->fp2[1].fp[j], &p->x);
            blst_fp_mul(&at_point.fp2[2].fp[j], &line->fp2[2].fp[j], &p->y);
        }
        blst_fp12_mul_by_xy00z0(f, f, &at_point);
    }
    abe_wipe(&at_point, sizeof(at_point));
}

/* The Miller loop over |x|, all pairs at once: a line for each bit, a second one for a set bit. */
static void flush_lined(struct abe_pairing *pairing)
{
    blst_fp12 f = *blst_fp12_one();
    size_t index = 0;

    if (pairing->lined == 0)
        return;
    for (unsigned bit = 63; bit-- > 0;) {
        if (bit != 62)
            blst_fp12_sqr(&f, &f);
        multiply_lines(pairing, index++, &f);
        if ((curve_x >> bit & 1) != 0)
            multiply_lines(pairing, index++, &f);
    }
    blst_fp12_conjugate(&f); /* x is negative */
    blst_fp12_mul(&pairing->product, &pairing->product, &f);
    pairing->lined = 0;
    abe_wipe(&f, sizeof(f));
}

void abe_pairing_begin(struct abe_pairing *pairing)
{
    pairing->product = *blst_fp12_one();
    pairing->count = 0;
    pairing->lined = 0;
}

void abe_pairing_add(struct abe_pairing *pairing, const blst_p1_affine *p, const blst_p2_affine *q,
                     const struct abe_lines *lines)
{
    if (blst_p1_affine_is_inf(p))
        return;
    if (lines != NULL) {
        blst_p1_affine *twice = &pairing->lined_p[pairing->lined];

        blst_fp_add(&twice->x, &p->x, &p->x);
        blst_fp_cneg(&twice->x, &twice->x, true);
        blst_fp_add(&twice->y, &p->y, &p->y);
        pairing->lines[pairing->lined++] = lines;
        if (pairing->lined == ABE_PAIRS_MAX)
            flush_lined(pairing);
        return;
    }
    pairing->p[pairing->count] = *p;
    pairing->q[pairing->count++] = q;
    if (pairing->count == ABE_PAIRS_MAX)
        flush(pairing);
}

void abe_pairing_end(struct abe_pairing *pairing, blst_fp12 *out)
{
    flush(pairing);
    flush_lined(pairing);
    blst_final_exp(out, &pairing->product);
    abe_wipe(pairing, sizeof(*pairing));
}
