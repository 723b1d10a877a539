/* SPDX-License-Identifier: Apache-2.0 */
/* When a block counts as settled: a setting of the network, never guessed. Uses rpc.
 *
 * Opening acts (a path, a key) wait for it; narrowing acts happen at first sight. */
#ifndef ACESO_CHAIN_CONFIRMATION_H
#define ACESO_CHAIN_CONFIRMATION_H

#include "chain/rpc.h"

enum confirmation_rule {
    CONFIRMATION_DEPTH,     /* so many blocks on top; 0: at once (a chain of one node) */
    CONFIRMATION_FINALIZED, /* what the node calls finalized */
    CONFIRMATION_CLIQUE,    /* enough signers on top (clique.h) */
};

struct confirmation {
    enum confirmation_rule rule;
    uint64_t depth; /* CONFIRMATION_DEPTH only */
};

/* Reads "depth:N", "finalized" or "clique". */
ACESO_NODISCARD int confirmation_parse(const char *text, struct confirmation *confirmation,
                                       struct aceso_error *error);

/* The number of the newest settled block, given the newest one; `any` is false when there is none
 * yet. */
ACESO_NODISCARD int confirmation_block(const struct confirmation *confirmation, struct rpc *rpc,
                                       uint64_t newest, bool *any, uint64_t *number,
                                       struct aceso_error *error);

#endif
