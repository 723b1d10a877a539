/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that keeps a node in step with the chain: sends what is in the outbox, follows events
 * into the ledger, then runs the role's tick. Uses chain, store, ledger. */
#ifndef ACESO_NODE_CHAIN_THREAD_H
#define ACESO_NODE_CHAIN_THREAD_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct node;
struct chain_thread;

ACESO_NODISCARD int chain_thread_start(struct node *node, struct chain_thread **thread,
                                       struct aceso_error *error);
void chain_thread_stop(struct chain_thread *thread); /* accepts NULL; frees */

/* Has it look at the chain now instead of at its next turn. */
void chain_thread_wake(struct chain_thread *thread);

/* Waits until the ledger holds block `block`. ACESO_ETIMEOUT, ACESO_ECANCELLED. */
ACESO_NODISCARD int chain_thread_reach(struct chain_thread *thread, uint64_t block,
                                       unsigned timeout_ms, struct aceso_error *error);

bool chain_thread_stopping(const struct chain_thread *thread);

/* For the owner: the newest block in the ledger and whether the chain answered last time. */
void chain_thread_position(struct chain_thread *thread, uint64_t *block, bool *answers);

#endif
