/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the single contracts share: where a contract is, asking it, reading its events,
 * and deploying the four. Uses rpc, eth, contracts_abi.h. Network I/O in views only. */
#ifndef ACESO_CHAIN_CONTRACT_H
#define ACESO_CHAIN_CONTRACT_H

#include "chain/rpc.h"
#include "eth/abi.h"
#include "eth/eip712.h"

/* A contract on a chain, seen at one block. Plain data of the caller; `rpc` is not owned. */
struct contract {
    struct rpc *rpc;
    uint8_t address[20];
    uint64_t block; /* RPC_LATEST, or the number of the block whose state counts */
};

/* The contract's state in the newest block. */
struct contract contract_at(struct rpc *rpc, const uint8_t address[20]);

/* The domain of the messages that are signed for `contract`: name "aceso", version "1". */
struct eip712_domain contract_domain(uint64_t chain_id, const uint8_t contract[20]);

/* The selector and the argument types of a function in contracts_abi.h, as two arguments. */
#define CONTRACT_CALL(name) name##_SELECTOR, name##_TYPES

/* Calls a view function and decodes what it returns into `values`, whose slices point into
 * `answer` (an empty buffer; the caller frees it). ACESO_ECHAIN with the contract's error in words
 * when it reverts, ACESO_ENOTFOUND when no contract is there, ACESO_EFORMAT. */
ACESO_NODISCARD int contract_view(const struct contract *contract, struct bytes call,
                                  const char *returns, struct buffer *answer,
                                  struct abi_value *values, size_t room,
                                  struct aceso_error *error);

/* The same with its arguments, for functions that return words only: no slice is left behind. */
ACESO_NODISCARD int contract_ask(const struct contract *contract, uint32_t selector,
                                 const char *types, const struct abi_value *arguments,
                                 size_t count, const char *returns, struct abi_value *values,
                                 size_t room, struct aceso_error *error);

/* A contract seen at the newest block of now, where `contract` says RPC_LATEST: for several views
 * that belong together. */
ACESO_NODISCARD int contract_pin(const struct contract *contract, struct contract *pinned,
                                 struct aceso_error *error);

/* Decodes a log into `values`: its indexed members (words only) first, the others behind them.
 * ACESO_EFORMAT when it does not fit. */
ACESO_NODISCARD int contract_event(const struct rpc_log *log, const char *indexed,
                                   const char *data, struct abi_value *values, size_t room,
                                   struct aceso_error *error);

/* One row of a contract's table of events. `indexed` and `data` as for contract_event. */
struct contract_event_type {
    uint8_t topic[32];
    const char *indexed;
    const char *data;
};

#define CONTRACT_EVENT(name) { name##_TOPIC, name##_INDEXED, name##_DATA }

/* Finds the log's event in `table` and decodes it; `*kind` is its row. ACESO_ENOTFOUND. */
ACESO_NODISCARD int contract_event_find(const struct rpc_log *log,
                                        const struct contract_event_type *table, size_t count,
                                        size_t *kind, struct abi_value *values, size_t room,
                                        struct aceso_error *error);

/* The first topics of every event of the four contracts: what a follower asks for. */
#define CONTRACT_TOPICS_MAX 48
size_t contract_topics(uint8_t topics[CONTRACT_TOPICS_MAX][32]); /* how many */

/* Where the four contracts are. HPSC and HISC are the implementations that clones point to. */
struct deployment {
    uint8_t amsc[20];
    uint8_t hpsc[20];
    uint8_t hisc[20];
    uint8_t arsc[20];
};

#define DEPLOYMENT_STEPS 4

/* The contracts name each other in their constructors, so their addresses are fixed beforehand:
 * `deployer` creates them with its transactions `first_nonce` to `first_nonce` + 3. */
void deployment_plan(const uint8_t deployer[20], uint64_t first_nonce, struct deployment *plan);

/* Appends the creation code of step 0 to 3, in the order of nonces, to `code`; `ca` is AMSC's first
 * owner. `address` is where it must come to be. */
ACESO_NODISCARD int deployment_step(const struct deployment *plan, const uint8_t ca[20],
                                    size_t step, struct buffer *code, uint8_t address[20],
                                    struct aceso_error *error);

#endif
