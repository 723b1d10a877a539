/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed-base tables. Core: the caller's memory, no I/O. */
#include "tables.h"

#include "octets.h"

/* ---- digits ---------------------------------------------------------------------------- */

/* A scalar made odd, in 64-bit words; one spare, so that a window may reach beyond. */
struct digits {
    uint64_t word[5];
};

static const uint64_t group_order[4] = { UINT64_C(0xffffffff00000001), UINT64_C(0x53bda402fffe5bfe),
                                         UINT64_C(0x3339d80809a1d805),
                                         UINT64_C(0x73eda753299d7d48) };

static void digits_begin(struct digits *digits, const blst_fr *scalar)
{
    blst_scalar bytes;
    uint64_t value[4];
    uint64_t mask;
    uint64_t carry = 0;

    blst_scalar_from_fr(&bytes, scalar);
    blst_uint64_from_scalar(value, &bytes);
    mask = (value[0] & 1) - 1; /* even: all ones */
    for (size_t i = 0; i < 4; i++) {
        uint64_t term = group_order[i] & mask;
        uint64_t sum = value[i] + term;
        uint64_t over = ((value[i] & term) | ((value[i] | term) & ~sum)) >> 63;
        uint64_t total = sum + carry;

        carry = over | (((sum & carry) | ((sum | carry) & ~total)) >> 63);
        digits->word[i] = total;
    }
    digits->word[4] = 0;
    abe_wipe(&bytes, sizeof(bytes));
    abe_wipe(value, sizeof(value));
}

/*
 * Digit i: (|d| - 1) / 2 as the index and whether d is negative. With E = floor(e / 32^i) made odd,
 * the digit is E mod 64 - 32, the last one E itself.
 */
static void digits_get(const struct digits *digits, size_t i, uint64_t *index, uint64_t *negative)
{
    size_t bit = i * ABE_WINDOW;
    uint64_t low = digits->word[bit / 64] >> bit % 64;
    uint64_t high = bit % 64 == 0 ? 0 : digits->word[bit / 64 + 1] << (64 - bit % 64);
    uint64_t last = i == ABE_WINDOWS - 1; /* e has no bit above: E = E mod 64 */
    uint64_t odd = ((low | high) & ((2u << ABE_WINDOW) - 1)) >> 1;
    uint64_t below = (((odd >> (ABE_WINDOW - 1)) & 1) ^ 1) & (last ^ 1);
    uint64_t flip = 0 - below;

    /* E mod 64 = 2 odd + 1; less 32 it is 2 (odd - 16) + 1, whose |d| is 2 (15 - odd) + 1 below. */
    *index = (odd ^ flip) & (ABE_WINDOW_ODD - 1);
    *negative = below;
}

/* out = entries[index], of `size` bytes each, reading all ABE_WINDOW_ODD of them. */
static void select_entry(limb_t *out, const limb_t *entries, size_t size, uint64_t index)
{
    size_t limbs = size / sizeof(limb_t);

    memset(out, 0, size);
    for (uint64_t i = 0; i < ABE_WINDOW_ODD; i++) {
        uint64_t other = i ^ index;
        limb_t mask = (limb_t)(((other | (0 - other)) >> 63) - 1);

        for (size_t j = 0; j < limbs; j++)
            out[j] |= entries[i * limbs + j] & mask;
    }
}

/* ---- G1 and G2 ------------------------------------------------------------------------- */

void abe_g1_table_make(const blst_p1_affine *base, struct abe_g1_table *table)
{
    blst_p1 odd[ABE_WINDOW_ODD];
    blst_p1 twice;
    const blst_p1 *from[2] = { odd, NULL };

    blst_p1_from_affine(&odd[0], base);
    for (size_t i = 0; i < ABE_WINDOWS; i++) {
        blst_p1_double(&twice, &odd[0]);
        for (size_t j = 1; j < ABE_WINDOW_ODD; j++)
            blst_p1_add_or_double(&odd[j], &odd[j - 1], &twice);
        blst_p1s_to_affine(table->odd[i], from, ABE_WINDOW_ODD);
        for (size_t j = 0; j < ABE_WINDOW; j++)
            blst_p1_double(&odd[0], &odd[0]);
    }
}

void abe_g2_table_make(const blst_p2_affine *base, struct abe_g2_table *table)
{
    blst_p2 odd[ABE_WINDOW_ODD];
    blst_p2 twice;
    const blst_p2 *from[2] = { odd, NULL };

    blst_p2_from_affine(&odd[0], base);
    for (size_t i = 0; i < ABE_WINDOWS; i++) {
        blst_p2_double(&twice, &odd[0]);
        for (size_t j = 1; j < ABE_WINDOW_ODD; j++)
            blst_p2_add_or_double(&odd[j], &odd[j - 1], &twice);
        blst_p2s_to_affine(table->odd[i], from, ABE_WINDOW_ODD);
        for (size_t j = 0; j < ABE_WINDOW; j++)
            blst_p2_double(&odd[0], &odd[0]);
    }
}

void abe_g1_table_add(const struct abe_g1_table *table, const blst_fr *scalar, blst_p1 *sum)
{
    struct digits digits;
    blst_p1_affine entry;

    digits_begin(&digits, scalar);
    for (size_t i = 0; i < ABE_WINDOWS; i++) {
        uint64_t index;
        uint64_t negative;

        digits_get(&digits, i, &index, &negative);
        select_entry((limb_t *)&entry, (const limb_t *)table->odd[i], sizeof(entry), index);
        blst_fp_cneg(&entry.y, &entry.y, negative != 0);
        blst_p1_add_or_double_affine(sum, sum, &entry);
    }
    abe_wipe(&digits, sizeof(digits));
    abe_wipe(&entry, sizeof(entry));
}

void abe_g2_table_add(const struct abe_g2_table *table, const blst_fr *scalar, blst_p2 *sum)
{
    struct digits digits;
    blst_p2_affine entry;

    digits_begin(&digits, scalar);
    for (size_t i = 0; i < ABE_WINDOWS; i++) {
        uint64_t index;
        uint64_t negative;

        digits_get(&digits, i, &index, &negative);
        select_entry((limb_t *)&entry, (const limb_t *)table->odd[i], sizeof(entry), index);
        blst_fp2_cneg(&entry.y, &entry.y, negative != 0);
        blst_p2_add_or_double_affine(sum, sum, &entry);
    }
    abe_wipe(&digits, sizeof(digits));
    abe_wipe(&entry, sizeof(entry));
}

/* ---- GT -------------------------------------------------------------------------------- */

/* out = (1 + u) a, 1 + u being what v^3 is in Fp6. */
static void fp2_times_xi(blst_fp2 *out, const blst_fp2 *a)
{
    blst_fp real;

    blst_fp_sub(&real, &a->fp[0], &a->fp[1]);
    blst_fp_add(&out->fp[1], &a->fp[0], &a->fp[1]);
    out->fp[0] = real;
}

/* (a1 + a2)(b1 + b2) - a1 b1 - a2 b2, given the products and b1 + b2. */
static void cross_product(blst_fp2 *out, const blst_fp2 *a1, const blst_fp2 *a2,
                          const blst_fp2 *b_sum, const blst_fp2 *product1, const blst_fp2 *product2)
{
    blst_fp2_add(out, a1, a2);
    blst_fp2_mul(out, out, b_sum);
    blst_fp2_sub(out, out, product1);
    blst_fp2_sub(out, out, product2);
}

/* out = a * b in Fp6 (Karatsuba); b_sums = b0 + b1, b0 + b2, b1 + b2. `out` is neither. */
static void fp6_mul(blst_fp6 *out, const blst_fp6 *a, const blst_fp6 *b, const blst_fp2 b_sums[3])
{
    blst_fp2 product[3];
    blst_fp2 t;

    for (size_t i = 0; i < 3; i++)
        blst_fp2_mul(&product[i], &a->fp2[i], &b->fp2[i]);
    cross_product(&t, &a->fp2[1], &a->fp2[2], &b_sums[2], &product[1], &product[2]);
    fp2_times_xi(&t, &t);
    blst_fp2_add(&out->fp2[0], &product[0], &t);
    cross_product(&out->fp2[1], &a->fp2[0], &a->fp2[1], &b_sums[0], &product[0], &product[1]);
    fp2_times_xi(&t, &product[2]);
    blst_fp2_add(&out->fp2[1], &out->fp2[1], &t);
    cross_product(&out->fp2[2], &a->fp2[0], &a->fp2[2], &b_sums[1], &product[0], &product[2]);
    blst_fp2_add(&out->fp2[2], &out->fp2[2], &product[1]);
}

static void fp6_sums(const blst_fp6 *b, blst_fp2 sums[3])
{
    blst_fp2_add(&sums[0], &b->fp2[0], &b->fp2[1]);
    blst_fp2_add(&sums[1], &b->fp2[0], &b->fp2[2]);
    blst_fp2_add(&sums[2], &b->fp2[1], &b->fp2[2]);
}

/* f = f (g + w): a + b w becomes (a g + v b) + (a + b g) w. */
static void multiply_by_torus(blst_fp12 *f, const blst_fp6 *g)
{
    blst_fp6 *a = &f->fp6[0];
    blst_fp6 *b = &f->fp6[1];
    blst_fp6 ag;
    blst_fp6 bg;
    blst_fp2 sums[3];
    blst_fp2 t;

    fp6_sums(g, sums);
    fp6_mul(&ag, a, g, sums);
    fp6_mul(&bg, b, g, sums);
    fp2_times_xi(&t, &b->fp2[2]);
    blst_fp2_add(&ag.fp2[0], &ag.fp2[0], &t);
    blst_fp2_add(&ag.fp2[1], &ag.fp2[1], &b->fp2[0]);
    blst_fp2_add(&ag.fp2[2], &ag.fp2[2], &b->fp2[1]);
    for (size_t i = 0; i < 3; i++)
        blst_fp2_add(&b->fp2[i], &a->fp2[i], &bg.fp2[i]);
    *a = ag;
}

/* out = a * b, which may be the same. */
static void fp6_product(blst_fp6 *out, const blst_fp6 *a, const blst_fp6 *b)
{
    blst_fp2 sums[3];
    blst_fp6 product;

    fp6_sums(b, sums);
    fp6_mul(&product, a, b, sums);
    *out = product;
}

/* The torus forms of elements that are not 1, with one inversion for all. */
static void to_torus(const blst_fp12 powers[ABE_WINDOW_ODD], blst_fp6 out[ABE_WINDOW_ODD])
{
    blst_fp12 inverse;
    blst_fp6 before[ABE_WINDOW_ODD]; /* the product of all b before this one */

    memset(&inverse, 0, sizeof(inverse));
    before[0].fp2[0] = blst_fp12_one()->fp6[0].fp2[0];
    before[0].fp2[1] = before[0].fp2[2] = inverse.fp6[0].fp2[0];
    for (size_t i = 1; i < ABE_WINDOW_ODD; i++)
        fp6_product(&before[i], &before[i - 1], &powers[i - 1].fp6[1]);
    fp6_product(&inverse.fp6[0], &before[ABE_WINDOW_ODD - 1], &powers[ABE_WINDOW_ODD - 1].fp6[1]);
    blst_fp12_inverse(&inverse, &inverse);
    for (size_t i = ABE_WINDOW_ODD; i-- > 0;) {
        blst_fp6 numerator = powers[i].fp6[0];

        blst_fp_add(&numerator.fp2[0].fp[0], &numerator.fp2[0].fp[0],
                    &blst_fp12_one()->fp6[0].fp2[0].fp[0]);
        fp6_product(&out[i], &inverse.fp6[0], &before[i]);
        fp6_product(&out[i], &out[i], &numerator);
        fp6_product(&inverse.fp6[0], &inverse.fp6[0], &powers[i].fp6[1]);
    }
}

void abe_gt_table_make(const blst_fp12 *base, struct abe_gt_table *table)
{
    blst_fp12 odd[ABE_WINDOW_ODD];
    blst_fp12 square;

    odd[0] = *base;
    for (size_t i = 0; i < ABE_WINDOWS; i++) {
        blst_fp12_cyclotomic_sqr(&square, &odd[0]);
        for (size_t j = 1; j < ABE_WINDOW_ODD; j++)
            blst_fp12_mul(&odd[j], &odd[j - 1], &square);
        to_torus(odd, table->odd[i]);
        for (size_t j = 0; j < ABE_WINDOW; j++)
            blst_fp12_cyclotomic_sqr(&odd[0], &odd[0]);
    }
}

void abe_gt_table_multiply(const struct abe_gt_table *table, const blst_fr *scalar,
                           blst_fp12 *numerator)
{
    struct digits digits;
    blst_fp6 entry;

    digits_begin(&digits, scalar);
    for (size_t i = 0; i < ABE_WINDOWS; i++) {
        uint64_t index;
        uint64_t negative;

        digits_get(&digits, i, &index, &negative);
        select_entry((limb_t *)&entry, (const limb_t *)table->odd[i], sizeof(entry), index);
        for (size_t j = 0; j < 3; j++)
            blst_fp2_cneg(&entry.fp2[j], &entry.fp2[j], negative != 0);
        multiply_by_torus(numerator, &entry);
    }
    abe_wipe(&digits, sizeof(digits));
    abe_wipe(&entry, sizeof(entry));
}

/* ---- pairs of tables ------------------------------------------------------------------- */

void abe_tables_make(const blst_fp12 *a, const blst_p1_affine *y, struct abe_tables *tables)
{
    abe_gt_table_make(a, &tables->a);
    abe_g1_table_make(y, &tables->y);
}

void abe_tables_make_generators(struct abe_tables *tables)
{
    blst_fp12 generator;

    abe_gt_generator(&generator);
    abe_tables_make(&generator, blst_p1_affine_generator(), tables);
}

/* ---- with or without a table ----------------------------------------------------------- */

void abe_g1_add_secret(blst_p1 *sum, const struct abe_g1_table *table, const blst_p1_affine *base,
                       const blst_fr *scalar)
{
    blst_p1 product;

    if (table != NULL) {
        abe_g1_table_add(table, scalar, sum);
        return;
    }
    abe_g1_mult_secret(&product, base != NULL ? base : blst_p1_affine_generator(), scalar);
    blst_p1_add_or_double(sum, sum, &product);
    abe_wipe(&product, sizeof(product));
}

void abe_gt_multiply_secret(blst_fp12 *numerator, const struct abe_gt_table *table,
                            const blst_fp12 *base, const blst_fr *scalar)
{
    blst_fp12 power;
    blst_fp *real = &power.fp6[0].fp2[0].fp[0];

    if (table != NULL) {
        abe_gt_table_multiply(table, scalar, numerator);
        return;
    }
    if (base != NULL)
        power = *base;
    else
        abe_gt_generator(&power);
    abe_gt_pow_secret(&power, &power, scalar);
    /* f = (f + 1) / conjugate(f + 1) for f of norm one; f is not -1, whose order is even. */
    blst_fp_add(real, real, &blst_fp12_one()->fp6[0].fp2[0].fp[0]);
    blst_fp12_mul(numerator, numerator, &power);
    abe_wipe(&power, sizeof(power));
}
