/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox: a party's transactions, written down before they are sent. Uses store, rpc, eth.
 * Network and disk I/O.
 *
 * A message is added under a unique key in the caller's own store transaction: what the caller
 * decided and what it sends because of it are stored together or not at all. outbox_run later
 * gives it a nonce, signs it, stores the raw bytes and their hash, and only then sends them. After
 * a crash, or when the chain lost it, the same bytes are sent again: a nonce works once, so nothing
 * is lost and nothing happens twice.
 *
 *   queued -> sent -> mined     A message that would fail is `failed` before it uses a nonce: it is
 *      |        |               tried on the chain's newest state first. One that reverted in a
 *      |        +---> failed    block is `failed` as well. Both carry the contract's reason.
 *      +------------> failed
 *
 * Mined and reverted rows are watched until the confirmation rule settles them. Also later, when
 * the chain forgot blocks (a node restarted from older state), rows that are no longer on it go
 * back to `sent` and are sent again, in the order of nonces. Messages leave in the order in which
 * they were added; by default the next one waits until the one before is in a block, so it is
 * tried on a state that has it.
 *
 * What a message builds on may be another party's transaction that the chain just forgot and that
 * is on its way again. So for some seconds after the chain went back (`patience_ms`) a message that
 * would fail waits instead of failing.
 *
 * Only this outbox may send from its key's address. outbox_run, outbox_result and outbox_wait may
 * be called from any thread (own lock); outbox_add belongs to the thread that holds the store. */
#ifndef ACESO_CHAIN_OUTBOX_H
#define ACESO_CHAIN_OUTBOX_H

#include "chain/confirmation.h"
#include "chain/rpc.h"

struct outbox;
struct store;

/* The outbox's table, as a migration of the node's store. */
extern const char outbox_schema[];

#define OUTBOX_KEY_MAX 128
#define OUTBOX_REASON_MAX 256

struct outbox_settings {
    struct store *store;       /* a connection of the outbox's own to the node's store */
    struct rpc *rpc;
    const uint8_t *secret;     /* 32 bytes; must outlive the outbox */
    uint64_t chain_id;
    struct confirmation confirmation;
    uint64_t gas_max;          /* the cap on one transaction's gas; 0: 12,000,000 */
    uint64_t fee_max;          /* the cap on wei a gas; 0: 10,000 gwei */
    size_t ahead_max;          /* transactions on their way at once; 0: 1 */
    uint32_t patience_ms;      /* see above; 0: 5,000 */
};

struct outbox_message {
    const uint8_t *to;  /* 20 bytes; NULL: deploys a contract */
    struct bytes data;
    uint64_t gas_limit; /* 0: estimated, a quarter more, at most the cap */
};

enum outbox_state { OUTBOX_QUEUED, OUTBOX_SENT, OUTBOX_MINED, OUTBOX_FAILED };

struct outbox_result {
    enum outbox_state state;
    bool settled;        /* mined or failed in a block that the confirmation rule settled */
    bool in_block;       /* the members below are known */
    uint64_t block;
    uint64_t gas_used;
    uint64_t fee_paid;   /* wei a gas */
    uint8_t transaction[32];
    uint8_t contract[20]; /* the new contract; zero for other messages */
    char reason[OUTBOX_REASON_MAX]; /* of OUTBOX_FAILED: the contract's error in words */
};

/* `settings` is copied, what it points to is not. Asks the node nothing yet: that the chain behind
 * `rpc` is another one is ACESO_ESTATE in outbox_run. ACESO_EUSAGE for a bad key. */
ACESO_NODISCARD int outbox_open(const struct outbox_settings *settings, struct outbox **outbox,
                                struct aceso_error *error);
void outbox_close(struct outbox *outbox); /* accepts NULL */

/* The address that sends. */
void outbox_address(const struct outbox *outbox, uint8_t address[20]);

/* Writes a message down through `store`, the caller's own connection to the same database, inside
 * the caller's transaction where one is open. The same key with the same message again is
 * ACESO_OK and changes nothing; with another message ACESO_EEXISTS. */
ACESO_NODISCARD int outbox_add(struct store *store, const char *key,
                               const struct outbox_message *message, struct aceso_error *error);

/* Does what there is to do now: sends, looks for receipts, sends again. Call it often; a call
 * while another runs returns ACESO_OK at once. Failures (ACESO_EIO when the node is down) leave
 * everything as it stands on disk. `pending` (may be NULL): how many rows are not settled. */
ACESO_NODISCARD int outbox_run(struct outbox *outbox, size_t *pending, struct aceso_error *error);

/* What became of `key`. ACESO_ENOTFOUND for a key that was never added. */
ACESO_NODISCARD int outbox_result(struct outbox *outbox, const char *key,
                                  struct outbox_result *result, struct aceso_error *error);

/* Runs the outbox until `key` is mined and settled, at most `timeout_ms`. ACESO_ECHAIN with the
 * reason when it failed, ACESO_ETIMEOUT. A node that is down meanwhile is waited for. */
ACESO_NODISCARD int outbox_wait(struct outbox *outbox, const char *key, uint32_t timeout_ms,
                                struct outbox_result *result, struct aceso_error *error);

/* Queues a failed message again under its key; what failed is kept under another. ACESO_ESTATE when
 * nothing failed under this key. Through the caller's store and in its transaction (it writes
 * twice), like outbox_add. */
ACESO_NODISCARD int outbox_retry(struct store *store, const char *key,
                                 struct aceso_error *error);

#endif
