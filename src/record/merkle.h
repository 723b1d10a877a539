/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree of a batch, shaped as in RFC 6962, section 2.1, over 32-byte leaf hashes that
 * already carry their 0x00; inner nodes are SHA-256(0x01, left, right). Uses crypto. No I/O. */
#ifndef ACESO_RECORD_MERKLE_H
#define ACESO_RECORD_MERKLE_H

#include "record/context.h"

#define MERKLE_DEPTH_MAX 32
#define MERKLE_LEAVES_MAX (4 * RECORD_BATCH_MAX)

/* A root while leaves come in, in O(log n) memory. Zeroed is empty. Nothing to free. */
struct merkle {
    uint32_t leaves;
    uint8_t node[MERKLE_DEPTH_MAX][RECORD_HASH_SIZE]; /* the full subtree of 2^i leaves, if any */
};

/* ACESO_ELIMIT past MERKLE_LEAVES_MAX. */
ACESO_NODISCARD int merkle_add(struct merkle *merkle, const uint8_t leaf[RECORD_HASH_SIZE],
                               struct aceso_error *error);

/* The root of what came in so far; of nothing: SHA-256 of the empty string. */
void merkle_root(const struct merkle *merkle, uint8_t root[RECORD_HASH_SIZE]);

/* The inner node over two. */
void merkle_node(const uint8_t left[RECORD_HASH_SIZE], const uint8_t right[RECORD_HASH_SIZE],
                 uint8_t out[RECORD_HASH_SIZE]);

/* All inner nodes, for proofs: 32 bytes for each leaf and about as many again. */
struct merkle_tree;

/* `leaves` holds `count` hashes (1..MERKLE_LEAVES_MAX) one behind the other; copied. */
ACESO_NODISCARD int merkle_tree_create(const uint8_t *leaves, uint32_t count,
                                       struct merkle_tree **out, struct aceso_error *error);
void merkle_tree_free(struct merkle_tree *tree); /* accepts NULL */
void merkle_tree_root(const struct merkle_tree *tree, uint8_t root[RECORD_HASH_SIZE]);

/* Writes the sibling hashes of leaf `index`, lowest first, into `path` and their number into
 * `depth`. ACESO_EUSAGE for an index outside. */
ACESO_NODISCARD int merkle_tree_path(const struct merkle_tree *tree, uint32_t index,
                                     uint8_t path[MERKLE_DEPTH_MAX][RECORD_HASH_SIZE],
                                     uint8_t *depth, struct aceso_error *error);

/* The number of siblings that the path of leaf `index` of `leaves` has. */
uint8_t merkle_depth(uint32_t index, uint32_t leaves);

/* ACESO_OK when `path` (`depth` hashes) leads from `leaf` at `index` of `leaves` to `root`;
 * ACESO_EVERIFY when not. */
ACESO_NODISCARD int merkle_verify(const uint8_t leaf[RECORD_HASH_SIZE], uint32_t index,
                                  uint32_t leaves, const uint8_t *path, size_t depth,
                                  const uint8_t root[RECORD_HASH_SIZE], struct aceso_error *error);

#endif
