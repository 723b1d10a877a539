/* SPDX-License-Identifier: Apache-2.0 */
/* Group elements that an attacker would send. For tests; uses core and blst. */
#ifndef ABE_TEST_HOSTILE_H
#define ABE_TEST_HOSTILE_H

#include "../core/group.h"

/* Points on the curve whose order divides the cofactor; not infinity. */
void hostile_torsion_g1(blst_p1 *out);
void hostile_torsion_g2(blst_p2 *out);

enum hostile_kind {
    HOSTILE_NORM_ONE,  /* norm one over Fp6, outside the cyclotomic subgroup */
    HOSTILE_CYCLOTOMIC /* in the cyclotomic subgroup, outside GT */
};

/* The torus form of such an element of Fp12. */
void hostile_torus(enum hostile_kind kind, uint8_t out[ABE_TORUS_SIZE]);

#endif
