/* SPDX-License-Identifier: Apache-2.0 */
/* When a block is settled on a Clique chain (EIP-225). Uses rpc, eth, crypto.
 *
 * A block counts as settled once, among it and the blocks on it, more than half of the signers have
 * signed, and their difficulties add up to at least the number of signers. Half of the signers
 * alone is not enough: fork choice goes by difficulty, and on a tie to the shorter chain. It is not
 * finality: signers who break the rules can undo such a block. */
#ifndef ACESO_CHAIN_CLIQUE_H
#define ACESO_CHAIN_CLIQUE_H

#include "base/json.h"
#include "chain/rpc.h"

#define CLIQUE_SIGNERS_MAX 128

struct clique_block {
    uint64_t number;
    uint8_t hash[32];
    uint8_t parent[32];
    uint8_t signer[20];  /* recovered from the seal */
    uint64_t difficulty; /* 2 in turn, 1 out of turn; 0: the first block, which nobody signed */
};

/* Reads a block as eth_getBlockByNumber gives it. The hash must be the header's, so that nothing
 * in it was made up. ACESO_EFORMAT, ACESO_EVERIFY. */
ACESO_NODISCARD int clique_read(const yyjson_val *value, struct clique_block *block,
                                struct aceso_error *error);

/* Counts blocks from the newest backwards. */
struct clique_count {
    uint8_t (*signer)[20]; /* those who may sign */
    size_t signers;
    uint64_t signed_by[(CLIQUE_SIGNERS_MAX + 63) / 64]; /* bit i: signer i was seen */
    size_t seen;
    uint64_t difficulty;
};

/* Adds the next block down; true once it is settled. A seal of nobody who may sign counts
 * nothing. */
bool clique_add(struct clique_count *count, const struct clique_block *block);

/* The number of the newest settled block at or below `newest`; `any` is false where there is none.
 * Asks the node for the signers and for as many blocks as it takes. */
ACESO_NODISCARD int clique_settled(struct rpc *rpc, uint64_t newest, bool *any, uint64_t *number,
                                   struct aceso_error *error);

#endif
