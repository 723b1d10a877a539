/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of the encryption on the group level, by the written format alone (docs/abe-format.md):
 * what an attacker computes without asking the library, and without its checks. Uses blst, crypto;
 * of lib/abe what reads policies. */
#ifndef ACESO_DEMO_ADVERSARY_GROUP_H
#define ACESO_DEMO_ADVERSARY_GROUP_H

#include "base/buffer.h"

#include <aceso/abe.h>
#include <blst.h>

#define GROUP_ROWS_MAX 12 /* rows of a header; more is ACESO_ELIMIT */
#define GROUP_CONTEXT_MAX 128
#define GROUP_TORUS_SIZE 288
#define GROUP_HASH_TAG "ACESO-LW11-V01-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"

struct group_row {
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];
    blst_fp12 c1;
    blst_p1_affine c2, c3; /* C2 is kept negated */
};

/* A header in the CCA form. The slices are the caller's. */
struct group_header {
    uint8_t context[GROUP_CONTEXT_MAX]; /* set before group_read */
    size_t context_len;
    struct bytes header, body, masked, confirmation;
    struct aceso_abe_policy *policy;
    struct group_row row[GROUP_ROWS_MAX];
    size_t count;
    bool plain; /* the policy has and, or alone: every coefficient is one */
};

ACESO_NODISCARD int group_read(struct bytes bytes, struct group_header *header);
void group_free(struct group_header *header);

/* Elements of GT in torus form, read and written. */
void group_torus_read(const uint8_t in[GROUP_TORUS_SIZE], blst_fp12 *out);
void group_torus_write(const blst_fp12 *in, uint8_t out[GROUP_TORUS_SIZE]);

/* e(p, q). */
void group_pair(const blst_p1_affine *p, const blst_p2_affine *q, blst_fp12 *out);

/* sigma as it is masked by e(g1,g2)^s over the header's body; its own inverse. */
void group_mask(const blst_fp12 *e, struct bytes body, const uint8_t in[32], uint8_t out[32]);

/* The confirmation that sigma gives. */
void group_confirm(const uint8_t sigma[32], struct bytes body_and_masked, struct bytes context,
                   uint8_t out[32]);

/* Whether `e` is e(g1,g2)^s of this header: then the key that the header carries. */
bool group_finish(const struct group_header *header, const blst_fp12 *e, uint8_t key[32]);

#endif
