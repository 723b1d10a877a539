/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, torus form and HKDF of the core. Uses core and hostile. */
#include "../core/tables.h"

#include "../core/gt_generator.h"
#include "../core/hash.h"
#include "../core/lsss.h"
#include "hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A reproducible scalar. */
static blst_fr scalar(size_t index)
{
    static const uint8_t prk[ABE_HASH_SIZE] = "scalars of the group tests";
    blst_fr out;

    abe_hkdf_scalar_indexed(prk, 't', index, &out);
    return out;
}

static void from_hex(const char *hex, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; hex[2 * i] != '\0'; i++)
        out[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4 |
                           (strchr(digits, hex[2 * i + 1]) - digits));
}

/* With and without lines. */
static void pair(const blst_p1 *p, const blst_p2_affine *q, blst_fp12 *out)
{
    static struct abe_lines lines;
    struct abe_pairing pairing;
    blst_p1_affine affine;
    blst_fp12 other;

    blst_p1_to_affine(&affine, p);
    abe_pairing_begin(&pairing);
    abe_pairing_add(&pairing, &affine, q, NULL);
    abe_pairing_end(&pairing, out);
    abe_lines_make(q, &lines);
    abe_pairing_begin(&pairing);
    abe_pairing_add(&pairing, &affine, q, &lines);
    abe_pairing_end(&pairing, &other);
    assert_true(blst_fp12_is_equal(out, &other));
}

static void test_generator_is_the_pairing(void **state)
{
    uint8_t bytes[ABE_GT_SIZE];
    blst_fp12 computed;
    blst_fp12 constant;

    (void)state;
    pair(blst_p1_generator(), blst_p2_affine_generator(), &computed);
    abe_gt_generator(&constant);
    assert_true(blst_fp12_is_equal(&computed, &constant));
    abe_gt_encode(&computed, bytes);
    assert_memory_equal(bytes, abe_gt_generator_bytes, sizeof(bytes));
    assert_true(abe_gt_check(&constant));
    assert_false(abe_gt_check(blst_fp12_one()));
}

static void test_pairing_is_bilinear(void **state)
{
    blst_fr a = scalar(1);
    blst_fr b = scalar(2);
    blst_fr ab;
    blst_p1 p;
    blst_p2 q;
    blst_p2_affine q_affine;
    blst_fp12 left;
    blst_fp12 right;

    (void)state;
    blst_fr_mul(&ab, &a, &b);
    abe_g1_mult_secret(&p, blst_p1_affine_generator(), &a);
    abe_g2_mult_secret(&q, blst_p2_affine_generator(), &b);
    blst_p2_to_affine(&q_affine, &q);
    pair(&p, &q_affine, &left);
    abe_gt_generator(&right);
    abe_gt_pow_secret(&right, &right, &ab);
    assert_true(blst_fp12_is_equal(&left, &right));
}

/* More pairs than one batch takes, with and without lines, and pairs with infinity. */
static void test_pairing_product(void **state)
{
    static struct abe_lines lines;
    const blst_p2_affine *q = blst_p2_affine_generator();
    struct abe_pairing pairing;
    blst_p1_affine infinity;
    blst_fr sum;
    blst_fp12 product;
    blst_fp12 expected;

    (void)state;
    abe_lines_make(q, &lines);
    memset(&infinity, 0, sizeof(infinity));
    memset(&sum, 0, sizeof(sum));
    abe_pairing_begin(&pairing);
    for (size_t i = 0; i < ABE_PAIRS_MAX * 5 + 3; i++) {
        blst_fr factor = scalar(i);
        blst_p1 p;
        blst_p1_affine affine;

        blst_fr_add(&sum, &sum, &factor);
        abe_g1_mult_secret(&p, blst_p1_affine_generator(), &factor);
        blst_p1_to_affine(&affine, &p);
        abe_pairing_add(&pairing, &affine, q, i % 2 == 0 ? &lines : NULL);
        abe_pairing_add(&pairing, &infinity, q, i % 3 == 0 ? &lines : NULL);
    }
    abe_pairing_end(&pairing, &product);
    abe_gt_generator(&expected);
    abe_gt_pow_secret(&expected, &expected, &sum);
    assert_true(blst_fp12_is_equal(&product, &expected));
}

/* Tables give what plain multiplication gives, for the scalars where digits are extreme too. */
static void test_tables(void **state)
{
    static struct abe_tables tables;
    static struct abe_g2_table g2_table;
    blst_p1 generator = *blst_p1_generator();

    (void)state;
    abe_tables_make_generators(&tables);
    abe_g2_table_make(blst_p2_affine_generator(), &g2_table);
    for (uint64_t i = 0; i < 96; i++) {
        blst_fr e = scalar(i);
        blst_p1 p;
        blst_p1 p_expected;
        blst_p2 q;
        blst_p2 q_expected;
        blst_fp12 f;
        blst_fp12 f_expected;

        if (i < 72)
            abe_fr_from_integer(&e, i < 36 ? i : UINT64_C(1) << (i - 36));
        if (i >= 24 && i < 72)
            blst_fr_cneg(&e, &e, i % 2 == 0);
        p = generator;
        abe_g1_table_add(&tables.y, &e, &p);
        abe_g1_mult_secret(&p_expected, blst_p1_affine_generator(), &e);
        blst_p1_add_or_double(&p_expected, &p_expected, &generator);
        assert_true(blst_p1_is_equal(&p, &p_expected));
        memset(&q, 0, sizeof(q));
        abe_g2_table_add(&g2_table, &e, &q);
        abe_g2_mult_secret(&q_expected, blst_p2_affine_generator(), &e);
        assert_true(blst_p2_is_equal(&q, &q_expected));
        f = *blst_fp12_one();
        abe_gt_table_multiply(&tables.a, &e, &f);
        abe_torus_ratio(&f, &f);
        abe_gt_generator(&f_expected);
        abe_gt_pow_secret(&f_expected, &f_expected, &e);
        assert_true(blst_fp12_is_equal(&f, &f_expected));
        f = *blst_fp12_one();
        abe_gt_multiply_secret(&f, NULL, NULL, &e);
        abe_torus_ratio(&f, &f);
        assert_true(blst_fp12_is_equal(&f, &f_expected));
    }
}

/* Why decryption may leave out the subgroup check of C2 and C3: torsion pairs to one. */
static void test_torsion_pairs_to_one(void **state)
{
    blst_p1 torsion;
    blst_p1 sum;
    blst_fp12 product;
    blst_fp12 expected;

    (void)state;
    hostile_torsion_g1(&torsion);
    pair(&torsion, blst_p2_affine_generator(), &product);
    assert_true(blst_fp12_is_one(&product));
    blst_p1_add_or_double(&sum, &torsion, blst_p1_generator());
    pair(&sum, blst_p2_affine_generator(), &product);
    abe_gt_generator(&expected);
    assert_true(blst_fp12_is_equal(&product, &expected));
}

static void test_secret_power_equals_public_power(void **state)
{
    blst_fp12 base;
    blst_fp12 fast;
    blst_fp12 slow;

    (void)state;
    abe_gt_generator(&base);
    for (size_t i = 0; i < 60; i++) {
        blst_fr exponent = scalar(100 + i);

        /* The corners: 0 to 9, and minus 0 to 9. */
        if (i < 20)
            abe_fr_from_integer(&exponent, i / 2);
        blst_fr_cneg(&exponent, &exponent, i % 2 == 1);
        abe_gt_pow_secret(&fast, &base, &exponent);
        abe_fp12_pow_public(&slow, &base, &exponent);
        assert_true(blst_fp12_is_equal(&fast, &slow));
        if (i >= 20)
            base = fast;
    }
}

static void test_torus_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        uint8_t bytes[ABE_TORUS_SIZE];
        blst_fr exponent = scalar(i);
        blst_fp12 f;
        blst_fp12 numerator;
        blst_fp12 back;

        abe_gt_generator(&f);
        abe_gt_pow_secret(&f, &f, &exponent);
        assert_true(abe_torus_encode(&f, bytes));
        assert_true(abe_torus_decode(bytes, &numerator));
        abe_torus_ratio(&back, &numerator);
        assert_true(blst_fp12_is_equal(&f, &back));
    }
}

static void test_torus_refuses(void **state)
{
    static const uint8_t modulus_top[] = { 0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a,
                                           0x4b, 0x1b, 0xa7, 0xb6, 0x43, 0x4b, 0xac, 0xd7 };
    uint8_t bytes[ABE_TORUS_SIZE] = { 0 };
    blst_fp12 out;
    blst_fp12 minus_one = *blst_fp12_one();

    (void)state;
    blst_fp_cneg(&minus_one.fp6[0].fp2[0].fp[0], &minus_one.fp6[0].fp2[0].fp[0], true);
    assert_false(abe_torus_decode(bytes, &out));            /* g = 0 */
    assert_false(abe_torus_encode(blst_fp12_one(), bytes)); /* f = 1 */
    assert_false(abe_torus_encode(&minus_one, bytes));      /* f = -1 */
    memset(bytes, 0, sizeof(bytes));
    from_hex(
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feff"
        "ffffffaaab",
        bytes + 48); /* p itself */
    bytes[0] = 1;
    assert_false(abe_torus_decode(bytes, &out));
    bytes[48 + 47]--;
    assert_true(abe_torus_decode(bytes, &out));
    for (size_t i = 0; i < 6; i++) {
        memset(bytes, 0, sizeof(bytes));
        memset(bytes + 48 * i, 0xff, 48);
        assert_false(abe_torus_decode(bytes, &out));
        /* the top half of p, then ones: above p */
        memcpy(bytes + 48 * i, modulus_top, sizeof(modulus_top));
        assert_false(abe_torus_decode(bytes, &out));
        /* the top half of p, then zeros: below p */
        memset(bytes + 48 * i + sizeof(modulus_top), 0, 48 - sizeof(modulus_top));
        assert_true(abe_torus_decode(bytes, &out));
    }
}

static void test_point_decoding(void **state)
{
    uint8_t bytes[ABE_G2_SIZE];
    blst_p1_affine p;
    blst_p2_affine q;

    (void)state;
    blst_p1_compress(bytes, blst_p1_generator());
    assert_true(abe_g1_decode(bytes, &p));
    bytes[0] &= 0x7f; /* not marked as compressed */
    assert_false(abe_g1_decode(bytes, &p));
    memset(bytes, 0, sizeof(bytes));
    bytes[0] = 0xc0; /* infinity */
    assert_false(abe_g1_decode(bytes, &p));
    assert_false(abe_g2_decode(bytes, &q));
    from_hex(
        "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feff"
        "ffffffaaab",
        bytes); /* x = p: not canonical for 0 */
    assert_false(abe_g1_decode(bytes, &p));
    memset(bytes, 0, sizeof(bytes));
    bytes[0] = 0x80;
    bytes[47] = 1; /* x = 1: 5 is no square */
    assert_false(abe_g1_decode(bytes, &p));
}

/* RFC 9380, J.10.1: that the blst we link hashes as it should (our own tag has no vectors). */
static void test_hash_to_curve_of_rfc_9380(void **state)
{
    static const char tag[] = "QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";
    uint8_t expected[2 * 48];
    uint8_t bytes[192];
    blst_p2 p;
    blst_p2_affine mine;

    (void)state;
    /* x, "imaginary" half first as in the serialized form */
    from_hex(
        "139cddbccdc5e91b9623efd38c49f81a6f83f175e80b06fc374de9eb4b41dfe4ca3a230ed250fbe3a2acf7"
        "3a41177fd802c2d18e033b960562aae3cab37a27ce00d80ccd5ba4b7fe0e7a210245129dbec7780ccc7954"
        "725f4168aff2787776e6",
        expected);
    blst_hash_to_g2(&p, (const byte *)"abc", 3, (const byte *)tag, sizeof(tag) - 1, NULL, 0);
    blst_p2_serialize(bytes, &p);
    assert_memory_equal(bytes, expected, sizeof(expected));
    abe_hash_gid((const uint8_t *)"abc", 3, &mine);
    assert_true(blst_p2_affine_in_g2(&mine));
    blst_p2_affine_serialize(bytes, &mine);
    assert_memory_not_equal(bytes, expected, sizeof(expected));
}

/* RFC 5869, test case 3 (no salt, no info), and the two-block expansion of test case 1. */
static void test_hkdf_of_rfc_5869(void **state)
{
    uint8_t ikm[22];
    uint8_t info[10];
    uint8_t prk[ABE_HASH_SIZE];
    uint8_t okm[42];
    uint8_t expected[42];
    struct abe_span part = { ikm, sizeof(ikm) };

    (void)state;
    memset(ikm, 0x0b, sizeof(ikm));
    abe_hkdf_extract("", &part, 1, prk);
    from_hex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04", expected);
    assert_memory_equal(prk, expected, sizeof(prk));
    abe_hkdf_expand(prk, NULL, 0, okm, sizeof(okm));
    from_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
             expected);
    assert_memory_equal(okm, expected, sizeof(okm));

    from_hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5", prk);
    for (size_t i = 0; i < sizeof(info); i++)
        info[i] = (uint8_t)(0xf0 + i);
    part = (struct abe_span){ info, sizeof(info) };
    abe_hkdf_expand(prk, &part, 1, okm, sizeof(okm));
    from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
             expected);
    assert_memory_equal(okm, expected, sizeof(okm));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generator_is_the_pairing),
        cmocka_unit_test(test_pairing_is_bilinear),
        cmocka_unit_test(test_pairing_product),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_torsion_pairs_to_one),
        cmocka_unit_test(test_secret_power_equals_public_power),
        cmocka_unit_test(test_torus_round_trip),
        cmocka_unit_test(test_torus_refuses),
        cmocka_unit_test(test_point_decoding),
        cmocka_unit_test(test_hash_to_curve_of_rfc_9380),
        cmocka_unit_test(test_hkdf_of_rfc_5869),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
