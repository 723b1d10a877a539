/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that stands beside a sealed part: which batch, which leaf, the siblings.
 * Uses base and merkle. No I/O.
 *
 *     proof = version(1) batch(8) leaves(4) index(4) siblings(32 each, lowest first)
 *
 * The order lets a database keep what a batch, a part and a record have in common once. */
#ifndef ACESO_RECORD_PROOF_H
#define ACESO_RECORD_PROOF_H

#include "record/merkle.h"

#define PROOF_HEAD 17
#define PROOF_MAX (PROOF_HEAD + MERKLE_DEPTH_MAX * RECORD_HASH_SIZE)

struct proof {
    uint64_t batch;  /* from 1 */
    uint32_t leaves; /* a multiple of 4 */
    uint32_t index;
    struct bytes path; /* 32 * depth bytes, a slice of what was parsed */
};

/* Appends `proof`. */
int proof_put(const struct proof *proof, struct buffer *out);

/* Strict: version, ranges, exactly the number of siblings that index and leaves ask for. */
ACESO_NODISCARD int proof_parse(struct bytes bytes, struct proof *out, struct aceso_error *error);

/* ACESO_EVERIFY unless `leaf` with `proof` leads to the root of `batch`, and the numbers agree. */
ACESO_NODISCARD int proof_verify(const struct proof *proof, const uint8_t leaf[RECORD_HASH_SIZE],
                                 const struct record_batch *batch, struct aceso_error *error);

#endif
