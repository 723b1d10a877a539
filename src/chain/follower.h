/* SPDX-License-Identifier: Apache-2.0 */
/* The follower: a node's view of the contracts' events, resumed from a checkpoint. Uses store, rpc,
 * eth. Network and disk I/O.
 *
 * It asks for logs by their first topic, without an address, since clones come into being all the
 * time; `known` then says whether the contract that emitted one is ours (a clone is known once
 * its creation event was handled, which comes before any event of its own). What anybody else's
 * contract emits is dropped.
 *
 * Each range of blocks is handled in one store transaction together with the checkpoint (block
 * number and hash): after a crash an event is neither lost nor handled twice. When the
 * checkpoint's block is no longer on the chain, `reset` throws away what events built, and all is
 * replayed from the first block.
 *
 * A block is first seen and later settled (confirmation.h). An event is handed over with `first`
 * when its block is seen and with `settled` when it is settled; both at once where settled blocks
 * are seen for the first time, else in two calls. Act narrowing on `first`, opening on `settled`.
 *
 * Belongs to one thread at a time. */
#ifndef ACESO_CHAIN_FOLLOWER_H
#define ACESO_CHAIN_FOLLOWER_H

#include "chain/confirmation.h"
#include "chain/rpc.h"

struct follower;
struct store;

/* The follower's table, as a migration of the node's store. */
extern const char follower_schema[];

struct follower_event {
    const struct rpc_log *log; /* address, topics, data, block, hashes, index */
    bool first;
    bool settled;
};

struct follower_settings {
    struct store *store;          /* used by the follower alone while it runs */
    struct rpc *rpc;
    struct confirmation confirmation;
    uint64_t first_block;         /* where the contracts were deployed */
    uint64_t chain_id;            /* another chain behind `rpc` is ACESO_ESTATE */
    const uint8_t (*topic0)[32];  /* the events' topics; must outlive the follower */
    size_t topics;
    uint64_t range_max;           /* blocks a question; 0: 2,000 */
    void *context;

    /* Whether `address` is one of ours, given all events handled before. */
    bool (*known)(void *context, struct store *store, const uint8_t address[20]);

    /* Handles one event inside the follower's store transaction, through `store`. A failure rolls
     * the range back and ends this run; the event comes again in the next one. */
    int (*handle)(void *context, struct store *store, const struct follower_event *event,
                  struct aceso_error *error);

    /* Throws away all that handlers wrote, inside the follower's store transaction. */
    int (*reset)(void *context, struct store *store, struct aceso_error *error);
};

/* `settings` is copied. Asks the node nothing yet. */
ACESO_NODISCARD int follower_open(const struct follower_settings *settings,
                                  struct follower **follower, struct aceso_error *error);
void follower_close(struct follower *follower); /* accepts NULL */

/* Follows until the newest block or `blocks_max` more blocks (0: no limit). `done` (may be NULL):
 * nothing was left at the end. Failures leave everything at the last checkpoint. */
ACESO_NODISCARD int follower_run(struct follower *follower, uint64_t blocks_max, bool *done,
                                 struct aceso_error *error);

/* The newest block that was handled, seen and settled; 0 when none was. */
void follower_position(const struct follower *follower, uint64_t *seen, uint64_t *settled);

#endif
