/* SPDX-License-Identifier: Apache-2.0 */
/* Fee-market transactions (EIP-1559, type 2, empty access list). Uses base, crypto, rlp. No I/O. */
#ifndef ACESO_ETH_TRANSACTION_H
#define ACESO_ETH_TRANSACTION_H

#include "base/buffer.h"

#define TRANSACTION_DATA_MAX ((size_t)128 << 10) /* what nodes take from a peer */

struct transaction {
    uint64_t chain_id;
    uint64_t nonce;
    uint64_t fee_tip; /* wei a gas: maxPriorityFeePerGas */
    uint64_t fee_max; /* wei a gas: maxFeePerGas */
    uint64_t gas_limit;
    bool create;       /* deploys a contract: `to` is not used */
    uint8_t to[20];
    uint8_t value[32]; /* wei */
    struct bytes data; /* calldata, or creation bytecode with its arguments; not owned */
};

/* Signs with `secret` and appends the raw transaction, as eth_sendRawTransaction takes it, to
 * `raw`; `hash` is the transaction's hash. ACESO_EUSAGE for a bad key, ACESO_ELIMIT for too much
 * data. Deterministic (RFC 6979): the same input makes the same bytes. */
ACESO_NODISCARD int transaction_sign(const struct transaction *transaction,
                                     const uint8_t secret[32], struct buffer *raw,
                                     uint8_t hash[32], struct aceso_error *error);

/* Reads a raw transaction back; `data` points into `raw`. Recovers who signed it. ACESO_EFORMAT
 * unless it is exactly one canonical type-2 transaction with an empty access list; ACESO_EVERIFY
 * for a signature that no key can have made, or with a high s. */
ACESO_NODISCARD int transaction_decode(struct bytes raw, struct transaction *transaction,
                                       uint8_t sender[20], uint8_t hash[32],
                                       struct aceso_error *error);

#endif
