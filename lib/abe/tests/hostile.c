/* SPDX-License-Identifier: Apache-2.0 */
/* Group elements that an attacker would send. For tests; uses core, blst and cmocka. */
#include "hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The group order r, little-endian. */
static const byte order[32] = { 0x01, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x5b, 0xfe,
                                0xff, 0x02, 0xa4, 0xbd, 0x53, 0x05, 0xd8, 0xa1, 0x09, 0x08, 0xd8,
                                0x39, 0x33, 0x48, 0x7d, 0x9d, 0x29, 0x53, 0xa7, 0xed, 0x73 };

/* r times a random point of the curve: what is left is torsion. By plain double-and-add, since
 * faster ways rely on the subgroup. */
void hostile_torsion_g1(blst_p1 *out)
{
    uint8_t bytes[ABE_G1_SIZE] = { 0x80 };
    blst_p1_affine affine;
    blst_p1 point;

    do {
        bytes[ABE_G1_SIZE - 1]++;
    } while (!abe_g1_decode(bytes, &affine) || blst_p1_affine_in_g1(&affine));
    blst_p1_from_affine(&point, &affine);
    memset(out, 0, sizeof(*out));
    for (size_t bit = 255; bit-- > 0;) {
        blst_p1_add_or_double(out, out, out);
        if ((order[bit / 8] >> bit % 8 & 1) != 0)
            blst_p1_add_or_double(out, out, &point);
    }
    assert_true(blst_p1_on_curve(out));
    assert_false(blst_p1_is_inf(out));
    assert_false(blst_p1_in_g1(out));
}

void hostile_torsion_g2(blst_p2 *out)
{
    uint8_t bytes[ABE_G2_SIZE] = { 0x80 };
    blst_p2_affine affine;
    blst_p2 point;

    do {
        bytes[ABE_G2_SIZE - 1]++;
    } while (!abe_g2_decode(bytes, &affine) || blst_p2_affine_in_g2(&affine));
    blst_p2_from_affine(&point, &affine);
    memset(out, 0, sizeof(*out));
    for (size_t bit = 255; bit-- > 0;) {
        blst_p2_add_or_double(out, out, out);
        if ((order[bit / 8] >> bit % 8 & 1) != 0)
            blst_p2_add_or_double(out, out, &point);
    }
    assert_true(blst_p2_on_curve(out));
    assert_false(blst_p2_is_inf(out));
    assert_false(blst_p2_in_g2(out));
}

void hostile_torus(enum hostile_kind kind, uint8_t out[ABE_TORUS_SIZE])
{
    uint8_t bytes[ABE_TORUS_SIZE];
    blst_fp12 numerator;
    blst_fp12 f;
    blst_fp12 mapped;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i % 48 == 0 ? 0 : i * 7 + 3);
    assert_true(abe_torus_decode(bytes, &numerator));
    abe_torus_ratio(&f, &numerator);
    if (kind == HOSTILE_CYCLOTOMIC) {
        blst_fp12_frobenius_map(&mapped, &f, 2);
        blst_fp12_mul(&f, &mapped, &f);
    }
    assert_false(blst_fp12_in_group(&f));
    assert_true(abe_torus_encode(&f, out));
}
