/* SPDX-License-Identifier: Apache-2.0 */
#include "eth/uint256.h"

#include <string.h>

void uint256_put_u64(uint64_t value, uint8_t out[32])
{
    memset(out, 0, UINT256_LEN);
    for (size_t i = 0; i < 8; i++)
        out[UINT256_LEN - 1 - i] = (uint8_t)(value >> (8 * i));
}

int uint256_u64(const uint8_t word[32], uint64_t *value)
{
    struct bytes trimmed = uint256_trim(word);
    uint64_t sum = 0;

    if (trimmed.len > 8)
        return ACESO_ELIMIT;
    for (size_t i = 0; i < trimmed.len; i++)
        sum = sum << 8 | trimmed.data[i];
    *value = sum;
    return ACESO_OK;
}

bool uint256_is_zero(const uint8_t word[32])
{
    return uint256_trim(word).len == 0;
}

struct bytes uint256_trim(const uint8_t word[32])
{
    size_t zeros = 0;

    while (zeros < UINT256_LEN && word[zeros] == 0)
        zeros++;
    return bytes_of(word + zeros, UINT256_LEN - zeros);
}
