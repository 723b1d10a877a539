/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC of an Ethereum node, synchronous. Uses base, eth, endpoint. Network I/O.
 *
 * Several nodes of the same chain may be named: where one fails the next is asked, and stays the
 * one that is asked until it fails. A node that is behind looks to a follower like a chain that
 * lost blocks: it replays, and again once the node has caught up.
 *
 * What a node answers is untrusted input: size, depth and time are limited, every field is checked.
 * A node that is down, stalls or answers nonsense is ACESO_EIO (or ACESO_ETIMEOUT, ACESO_EFORMAT,
 * ACESO_ELIMIT): the caller tries again later. A node that understood and said no is ACESO_ECHAIN.
 *
 * Thread-safe: calls from several threads run side by side, each on a connection of its own. */
#ifndef ACESO_CHAIN_RPC_H
#define ACESO_CHAIN_RPC_H

#include "base/buffer.h"

struct rpc;

struct rpc_settings {
    const char *url;        /* http://host:port/, https:// or ipc:/path, or several with commas
                             * between; copied */
    uint32_t timeout_ms;    /* of one call to one node; 0: 30,000 */
    size_t answer_max;      /* bytes of one answer; 0: 32 MiB */
};

/* Connects to nothing yet. ACESO_EUSAGE for a URL of another kind. */
ACESO_NODISCARD int rpc_open(const struct rpc_settings *settings, struct rpc **rpc,
                             struct aceso_error *error);
void rpc_close(struct rpc *rpc); /* accepts NULL */

struct rpc_block {
    uint64_t number;
    uint8_t hash[32];
    uint8_t parent[32];
    uint64_t time;     /* seconds since 1970 */
    uint64_t base_fee; /* wei a gas; 0 where the chain has none */
    bool has_base_fee;
};

struct rpc_receipt {
    uint8_t transaction[32];
    uint8_t block_hash[32];
    uint64_t block;
    uint64_t gas_used;
    uint64_t gas_price; /* wei a gas that was paid */
    bool success;
    bool created; /* then `contract` is the new contract */
    uint8_t contract[20];
};

struct rpc_fees {
    bool dynamic;     /* the chain has a base fee (EIP-1559) */
    uint64_t base;    /* wei a gas, of the newest block */
    uint64_t tip;     /* wei a gas that the node proposes */
    uint64_t fee_max; /* 2 * base + tip */
};

/* A call as eth_call and eth_estimateGas take it. */
struct rpc_call {
    const uint8_t *from;  /* 20 bytes or NULL */
    const uint8_t *to;    /* 20 bytes; NULL: creates a contract */
    const uint8_t *value; /* 32 bytes or NULL */
    struct bytes data;
    uint64_t gas; /* 0: the node's own limit */
};

/* Which state is asked: a block by its number, or one of these. */
#define RPC_LATEST UINT64_MAX
#define RPC_PENDING (UINT64_MAX - 1)
#define RPC_FINALIZED (UINT64_MAX - 2)

ACESO_NODISCARD int rpc_chain_id(struct rpc *rpc, uint64_t *chain_id, struct aceso_error *error);

/* ACESO_ENOTFOUND when the chain has no such block. */
ACESO_NODISCARD int rpc_block(struct rpc *rpc, uint64_t number, struct rpc_block *block,
                              struct aceso_error *error);

/* Appends what the call returns to `out`. A revert is ACESO_ECHAIN with the contract's error in
 * words (revert.h); the raw revert data goes to `revert` where that is not NULL. A node that cannot
 * make the call (no such state, no funds) is ACESO_EIO. */
ACESO_NODISCARD int rpc_call(struct rpc *rpc, const struct rpc_call *call, uint64_t block,
                             struct buffer *out, struct buffer *revert,
                             struct aceso_error *error);

/* The gas that the call would use on the newest state; a revert as in rpc_call. */
ACESO_NODISCARD int rpc_estimate_gas(struct rpc *rpc, const struct rpc_call *call, uint64_t *gas,
                                     struct aceso_error *error);

/* Hands a signed transaction to the node. ACESO_OK also when the node has it already.
 * ACESO_ESTATE when its nonce is used already. ACESO_ECHAIN when the node refuses it otherwise. */
ACESO_NODISCARD int rpc_send_raw(struct rpc *rpc, struct bytes raw, struct aceso_error *error);

/* ACESO_ENOTFOUND while no block holds the transaction. */
ACESO_NODISCARD int rpc_receipt(struct rpc *rpc, const uint8_t transaction[32],
                                struct rpc_receipt *receipt, struct aceso_error *error);

/* Whether the node knows the transaction at all, mined or waiting. */
ACESO_NODISCARD int rpc_transaction_known(struct rpc *rpc, const uint8_t transaction[32],
                                          bool *known, struct aceso_error *error);

/* How many transactions `address` has sent, in the state `block`. */
ACESO_NODISCARD int rpc_nonce(struct rpc *rpc, const uint8_t address[20], uint64_t block,
                              uint64_t *nonce, struct aceso_error *error);
ACESO_NODISCARD int rpc_balance(struct rpc *rpc, const uint8_t address[20], uint64_t block,
                                uint8_t wei[32], struct aceso_error *error);
ACESO_NODISCARD int rpc_fees(struct rpc *rpc, struct rpc_fees *fees, struct aceso_error *error);

/* The length of the code at `address`: 0 means that no contract is there. */
ACESO_NODISCARD int rpc_code_length(struct rpc *rpc, const uint8_t address[20], size_t *len,
                                    struct aceso_error *error);

#define RPC_TOPICS_MAX 4

/* One log entry; `data` is the list's. */
struct rpc_log {
    uint8_t address[20];
    uint8_t topic[RPC_TOPICS_MAX][32];
    size_t topics;
    struct bytes data;
    uint64_t block;
    uint8_t block_hash[32];
    uint8_t transaction[32];
    uint64_t index; /* in the block */
};

struct rpc_logs {
    struct rpc_log *log; /* in the chain's order */
    size_t count;
    struct buffer data;
};

/* What is asked for: blocks `from` to `to`, entries whose first topic is one of `topic0` (none:
 * every one), and, where `addresses` is not 0, of one of these contracts. */
struct rpc_log_filter {
    uint64_t from;
    uint64_t to;
    const uint8_t (*topic0)[32];
    size_t topics;
    const uint8_t (*address)[20];
    size_t addresses;
};

/* Fills `logs` (the caller frees it with rpc_logs_free). Checks that every entry matches the
 * filter and that they stand in the chain's order. ACESO_ELIMIT: ask for fewer blocks. */
ACESO_NODISCARD int rpc_logs(struct rpc *rpc, const struct rpc_log_filter *filter,
                             struct rpc_logs *logs, struct aceso_error *error);
void rpc_logs_free(struct rpc_logs *logs); /* accepts a zeroed one */

/* Any other method, for tests and tools: `params` is a JSON array; the result's JSON text is
 * appended to `result`. */
ACESO_NODISCARD int rpc_request(struct rpc *rpc, const char *method, const char *params,
                                struct buffer *result, struct aceso_error *error);

#endif
