/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed-base tables for secret scalars in G1, G2 and GT, read in constant time.
 * Uses group, octets and blst. Core: the caller's memory, no I/O.
 *
 * A scalar e is replaced by e or e + r, whichever is odd, and that by 52 odd digits of 5 bits,
 * e = sum d_i 32^i, |d_i| < 32: no digit is zero, and a sign costs nothing. A table holds the odd
 * multiples 1, 3, ..., 31 of each 32^i times the base; a look-up reads all 16 of a digit.
 */
#ifndef ABE_TABLES_H
#define ABE_TABLES_H

#include "group.h"

#include "aceso/abe.h"

enum {
    ABE_WINDOW = 5,
    ABE_WINDOWS = (256 + ABE_WINDOW - 1) / ABE_WINDOW,
    ABE_WINDOW_ODD = 1 << (ABE_WINDOW - 1)
};

struct abe_g1_table {
    blst_p1_affine odd[ABE_WINDOWS][ABE_WINDOW_ODD];
};

struct abe_g2_table {
    blst_p2_affine odd[ABE_WINDOWS][ABE_WINDOW_ODD];
};

/* Elements in torus form. */
struct abe_gt_table {
    blst_fp6 odd[ABE_WINDOWS][ABE_WINDOW_ODD];
};

/* What one public key, or the pair of generators e(g1,g2) and g1, needs. */
struct abe_tables {
    struct abe_gt_table a;
    struct abe_g1_table y;
};

_Static_assert(sizeof(struct abe_tables) == ACESO_ABE_TABLE_BYTES, "as the public header says");

/* The bases must be in the subgroups of order r, and not the identity. */
void abe_g1_table_make(const blst_p1_affine *base, struct abe_g1_table *table);
void abe_g2_table_make(const blst_p2_affine *base, struct abe_g2_table *table);
void abe_gt_table_make(const blst_fp12 *base, struct abe_gt_table *table);

/* Both tables of a public key (A, Y). */
void abe_tables_make(const blst_fp12 *a, const blst_p1_affine *y, struct abe_tables *tables);

/* Both tables of the generators. */
void abe_tables_make_generators(struct abe_tables *tables);

/* sum = sum + scalar * base, in constant time. */
void abe_g1_table_add(const struct abe_g1_table *table, const blst_fr *scalar, blst_p1 *sum);
void abe_g2_table_add(const struct abe_g2_table *table, const blst_fr *scalar, blst_p2 *sum);

/* numerator = numerator * n, where n / conjugate(n) = base^scalar; in constant time. */
void abe_gt_table_multiply(const struct abe_gt_table *table, const blst_fr *scalar,
                           blst_fp12 *numerator);

/*
 * The same with or without a table, in constant time: without one from the base, and where that is
 * NULL too, from the generator.
 */
void abe_g1_add_secret(blst_p1 *sum, const struct abe_g1_table *table, const blst_p1_affine *base,
                       const blst_fr *scalar);
void abe_gt_multiply_secret(blst_fp12 *numerator, const struct abe_gt_table *table,
                            const blst_fp12 *base, const blst_fr *scalar);

#endif
