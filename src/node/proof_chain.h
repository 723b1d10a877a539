/* SPDX-License-Identifier: Apache-2.0 */
/* What a chain says to a proof file: whether the relationship and the batches that stand there are
 * those of a consortium, and whether the patient signed them. Asked as a stranger asks, by JSON-RPC
 * alone. Uses chain, eth, record. Network I/O. */
#ifndef ACESO_NODE_PROOF_CHAIN_H
#define ACESO_NODE_PROOF_CHAIN_H

#include "chain/amsc.h"
#include "record/proof_file.h"

/* A batch that a relationship's contract has. */
struct proof_chain_batch {
    struct record_batch batch;
    uint64_t block;
    int64_t time; /* of the block; 0 before proof_chain_batch accepted it */
};

struct proof_chain_relationship {
    struct proof_relationship proof;
    char label[AMSC_LABEL_MAX + 1];     /* of the hospital */
    struct proof_chain_batch *batches;  /* all of them, by number from 1 */
    size_t batch_count;
};

struct proof_chain;

/* `rpc` outlives it. `consortium` is the AMSC contract, `first_block` one not behind its
 * deployment. ACESO_ENOTFOUND where no such contract is, ACESO_EIO where the node does not
 * answer. */
ACESO_NODISCARD int proof_chain_open(struct rpc *rpc, const uint8_t consortium[20],
                                     uint64_t first_block, struct proof_chain **out,
                                     struct aceso_error *error);
void proof_chain_close(struct proof_chain *chain); /* accepts NULL */

uint64_t proof_chain_id(const struct proof_chain *chain);

/* The callbacks of proof_check.h; `data` is the chain. ACESO_EVERIFY with the reason. */
ACESO_NODISCARD int proof_chain_relationship(void *data,
                                             const struct proof_relationship *relationship,
                                             struct aceso_error *error);
ACESO_NODISCARD int proof_chain_batch(void *data, const struct proof_relationship *relationship,
                                      const struct proof_batch *batch, struct aceso_error *error);

/* What was accepted so far, in the order of the file; NULL past the last. */
const struct proof_chain_relationship *proof_chain_at(const struct proof_chain *chain, size_t at);

#endif
