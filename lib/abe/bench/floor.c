/* SPDX-License-Identifier: Apache-2.0 */
/* Bare group operations. Uses blst, core's group and lsss. Not in constant time. */
#include "floor.h"

#include "../core/group.h"
#include "../core/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
    GT_BITS = 8,
    GT_WINDOWS = 64 / GT_BITS,
    G1_BITS = 6,
    G1_WINDOWS = (256 + G1_BITS - 1) / G1_BITS,
    SCALARS = 64,
    PAIRS = 9
};

static blst_fp12 (*gt_table)[1 << GT_BITS];
static blst_p1_affine (*g1_table)[1 << G1_BITS];
static struct abe_lines *lines;
static uint64_t gt_digits[SCALARS][4];
static uint8_t g1_digits[SCALARS][G1_WINDOWS];
static size_t next_scalar;

static void make_scalars(void)
{
    static const uint8_t prk[ABE_HASH_SIZE] = "floor";

    for (size_t i = 0; i < SCALARS; i++) {
        blst_fr fr;
        blst_scalar scalar;
        const uint8_t *bytes = (const uint8_t *)&scalar;

        abe_hkdf_scalar_indexed(prk, 'f', i, &fr);
        blst_scalar_from_fr(&scalar, &fr);
        for (size_t j = 0; j < G1_WINDOWS; j++) {
            for (size_t bit = 0; bit < G1_BITS && j * G1_BITS + bit < 256; bit++) {
                size_t at = j * G1_BITS + bit;

                g1_digits[i][j] |= (uint8_t)((bytes[at / 8] >> at % 8 & 1) << bit);
            }
        }
        /* Digits of about 64 bits, which is all that the time depends on. */
        blst_uint64_from_scalar(gt_digits[i], &scalar);
    }
}

static void make_tables(void)
{
    blst_fp12 base;
    blst_p1 point = *blst_p1_generator();

    abe_gt_generator(&base);
    for (size_t i = 0; i < GT_WINDOWS; i++) {
        gt_table[i][0] = *blst_fp12_one();
        for (size_t j = 1; j < 1 << GT_BITS; j++)
            blst_fp12_mul(&gt_table[i][j], &gt_table[i][j - 1], &base);
        for (size_t j = 0; j < GT_BITS; j++)
            blst_fp12_cyclotomic_sqr(&base, &base);
    }
    for (size_t i = 0; i < G1_WINDOWS; i++) {
        blst_p1 multiple = point;

        for (size_t j = 1; j < 1 << G1_BITS; j++) {
            blst_p1_to_affine(&g1_table[i][j], &multiple);
            blst_p1_add_or_double(&multiple, &multiple, &point);
        }
        point = multiple;
    }
}

void floor_begin(void)
{
    gt_table = calloc(GT_WINDOWS, sizeof(*gt_table));
    g1_table = calloc(G1_WINDOWS, sizeof(*g1_table));
    lines = calloc(PAIRS, sizeof(*lines));
    if (gt_table == NULL || g1_table == NULL || lines == NULL)
        abort();
    make_scalars();
    make_tables();
    for (size_t i = 0; i < PAIRS; i++)
        abe_lines_make(blst_p2_affine_generator(), &lines[i]);
}

void floor_end(void)
{
    free(gt_table);
    free(g1_table);
    free(lines);
}

static void gt_power(blst_fp12 *out)
{
    const uint64_t *digits = gt_digits[next_scalar++ % SCALARS];
    blst_fp12 part;

    for (size_t i = 0; i < 4; i++) {
        part = gt_table[0][digits[i] & 0xff];
        for (size_t j = 1; j < GT_WINDOWS; j++)
            blst_fp12_mul(&part, &part, &gt_table[j][digits[i] >> GT_BITS * j & 0xff]);
        if (i == 0) {
            *out = part;
            continue;
        }
        blst_fp12_frobenius_map(&part, &part, i);
        if (i % 2 == 1)
            blst_fp12_conjugate(&part);
        blst_fp12_mul(out, out, &part);
    }
}

static void g1_power(blst_p1 *out)
{
    const uint8_t *digits = g1_digits[next_scalar++ % SCALARS];

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < G1_WINDOWS; i++)
        blst_p1_add_affine(out, out, &g1_table[i][digits[i]]);
}

void floor_encrypt(size_t k)
{
    blst_fp12 lambda;
    blst_fp12 c1;
    blst_p1 omega;
    blst_p1 c2;
    blst_p1 c3;

    gt_power(&c1); /* e(g1,g2)^s */
    for (size_t gate = 0; gate < k; gate++) {
        gt_power(&lambda);
        g1_power(&omega);
        for (size_t row = 0; row < 2; row++) {
            gt_power(&c1);
            blst_fp12_mul(&c1, &c1, &lambda);
            g1_power(&c2);
            g1_power(&c3);
            blst_p1_add_or_double(&c3, &c3, &omega);
        }
    }
}

void floor_decrypt(size_t k)
{
    struct abe_pairing pairing;
    blst_p1 c3 = *blst_p1_generator();
    blst_fp12 e;
    blst_fp12 c1;

    abe_gt_generator(&c1);
    abe_pairing_begin(&pairing);
    for (size_t i = 0; i <= k; i++) {
        abe_pairing_add(&pairing, blst_p1_affine_generator(), NULL, &lines[i]);
        blst_p1_add_affine(&c3, &c3, blst_p1_affine_generator());
    }
    abe_pairing_end(&pairing, &e);
    for (size_t i = 0; i < k; i++)
        blst_fp12_mul(&e, &e, &c1);
}
