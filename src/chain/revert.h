/* SPDX-License-Identifier: Apache-2.0 */
/* Why a contract refused, in words. Uses base, eth and contracts_abi.h. No I/O. */
#ifndef ACESO_CHAIN_REVERT_H
#define ACESO_CHAIN_REVERT_H

#include "base/buffer.h"

/* Writes the error that `data` (what a reverted call returned; anybody's bytes) encodes into `out`,
 * cut at `size`: a contract's own error by its name in words, Error(string) by its text (printable
 * ASCII only), Panic(uint256) by its number, else the selector. Returns `out`. */
const char *revert_text(struct bytes data, char *out, size_t size);

/* The name of the contract's own error, as in Solidity; NULL for anything else. */
const char *revert_name(struct bytes data);

#endif
