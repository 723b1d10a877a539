/* SPDX-License-Identifier: Apache-2.0 */
/* 256-bit words of the EVM: 32 bytes, big-endian. Uses base only. No I/O. */
#ifndef ACESO_ETH_UINT256_H
#define ACESO_ETH_UINT256_H

#include "base/buffer.h"

#define UINT256_LEN 32

void uint256_put_u64(uint64_t value, uint8_t out[32]);

/* ACESO_ELIMIT when the word does not fit into 64 bits. */
ACESO_NODISCARD int uint256_u64(const uint8_t word[32], uint64_t *value);

bool uint256_is_zero(const uint8_t word[32]);

/* `word` without its leading zero bytes: a slice of it, empty for zero. */
struct bytes uint256_trim(const uint8_t word[32]);

#endif
