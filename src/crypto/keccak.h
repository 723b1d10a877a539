/* SPDX-License-Identifier: Apache-2.0 */
/* Keccak-256 as Ethereum uses it (padding byte 0x01, not SHA3-256's 0x06). Uses base and nettle's
 * permutation. No I/O. Thread-safe. */
#ifndef ACESO_CRYPTO_KECCAK_H
#define ACESO_CRYPTO_KECCAK_H

#include "base/buffer.h"

#define KECCAK256_SIZE 32
#define KECCAK256_RATE 136

/* The caller's memory; its members are the module's. */
struct keccak {
    uint64_t state[25];
    uint8_t block[KECCAK256_RATE];
    size_t used;
};

void keccak_init(struct keccak *keccak);
void keccak_update(struct keccak *keccak, struct bytes in);

/* Writes the digest and wipes `keccak`: it starts again with keccak_init. */
void keccak_final(struct keccak *keccak, uint8_t out[KECCAK256_SIZE]);

void keccak256(struct bytes in, uint8_t out[KECCAK256_SIZE]);

#endif
