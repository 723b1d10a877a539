/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers and the key encapsulation, CCA and CPA form. Uses policy, lsss, keys, group, hash.
 * Core: the caller's memory, no I/O. The layout of a header is in docs/abe-format.md.
 */
#ifndef ABE_KEM_H
#define ABE_KEM_H

#include "keys.h"
#include "policy.h"

enum {
    ABE_ROW_SIZE = ABE_TORUS_SIZE + 2 * ABE_G1_SIZE, /* C1, C2, C3 */
    ABE_HEADER_HEAD_SIZE = ABE_PREFIX_SIZE + 4,      /* and the length of the policy's text */
    ABE_SCRATCH_PER_ROW = 4,                         /* scalars of scratch for each row */
    ABE_HEADER_MAX = ABE_HEADER_HEAD_SIZE + ACESO_ABE_POLICY_TEXT_MAX +
                     ACESO_ABE_POLICY_ROWS_MAX * ABE_ROW_SIZE + 64
};

/* A header taken apart; points into the caller's bytes. */
struct abe_header {
    bool cca;
    const uint8_t *bytes;
    size_t length;
    const uint8_t *rows; /* ABE_ROW_SIZE each */
    struct abe_policy policy;
};

/* What the maker of a header, or one who checks it, puts in. */
struct abe_kem {
    bool cca;
    const struct abe_policy *policy;
    const struct abe_public *const *keys;   /* by row */
    const struct abe_tables *generators;    /* NULL: slower */
    const struct abe_tables *const *tables; /* of the keys, by row; NULL or with NULLs: slower */
    const uint8_t *context;
    size_t context_length;
    const uint8_t *secret; /* sigma (CCA) or seed (CPA), 32 bytes */
};

size_t abe_header_size(const struct abe_policy *policy, bool cca);

/* Finds the policy's text in a header, to know how many nodes it needs. ACESO_ABE_FORMAT. */
int abe_header_text(const uint8_t *bytes, size_t length, const char **text, size_t *text_length);

/* Takes a header apart: prefix, canonical policy, exact length. Group elements are not looked at.
 * ACESO_ABE_FORMAT or ACESO_ABE_LIMIT. */
int abe_header_parse(const uint8_t *bytes, size_t length, struct abe_node *nodes, size_t capacity,
                     struct abe_header *header);

/*
 * Makes a header. `scratch`: ABE_SCRATCH_PER_ROW scalars a row, wiped on return. `out`:
 * abe_header_size bytes. ACESO_ABE_REFUSED when an element falls on a value without an encoding
 * (probability about 2^-254 a row): take another secret.
 */
int abe_kem_make(const struct abe_kem *kem, blst_fr *scratch, uint8_t *out,
                 uint8_t key[ACESO_ABE_KEY_SIZE]);

/* Makes the same header again, row by row, comparing it with `header`. ACESO_ABE_REFUSED. */
int abe_kem_check(const struct abe_kem *kem, blst_fr *scratch, const struct abe_header *header,
                  uint8_t key[ACESO_ABE_KEY_SIZE]);

/* What opens the rows of a header; everything by row, entries of rows not chosen are not read. */
struct abe_openers {
    const struct abe_user *const *users; /* of one gid */
    const blst_fr *coefficients;         /* abe_lsss_reconstruct */
    const struct abe_lines *const *k;    /* of the users' K; NULL or with NULLs: slower */
    const struct abe_lines *h;           /* of H(gid); NULL: slower */
};

/* e(g1,g2)^s from the rows of the chosen leaves. False when an element does not decode. */
bool abe_kem_recover(const struct abe_header *header, const uint8_t *chosen,
                     const struct abe_openers *openers, blst_fp12 *e);

/* sigma of a CCA header, from e(g1,g2)^s. Says nothing about whether the header is honest. */
void abe_kem_unmask(const struct abe_header *header, const blst_fp12 *e,
                    uint8_t sigma[ACESO_ABE_SIGMA_SIZE]);

/* The key of a CPA header, from e(g1,g2)^s; compares the key confirmation. ACESO_ABE_REFUSED. */
int abe_kem_finish_cpa(const struct abe_header *header, const blst_fp12 *e, const uint8_t *context,
                       size_t context_length, uint8_t key[ACESO_ABE_KEY_SIZE]);

#endif
