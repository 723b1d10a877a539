/* SPDX-License-Identifier: Apache-2.0 */
/* Hardened key derivation from a seed: BIP-32, private parent to private child, hardened steps
 * only, so that no child's secret gives away its parent or siblings. Uses base, ecdsa and nettle's
 * HMAC-SHA-512. No I/O. Thread-safe. */
#ifndef ACESO_CRYPTO_BIP32_H
#define ACESO_CRYPTO_BIP32_H

#include "base/buffer.h"

#define BIP32_DEPTH_MAX 16
#define BIP32_SECRET_SIZE 32

/* The secret at m / path[0]' / path[1]' / ... for a seed of 16 to 64 bytes. The hardened bit is
 * set by the function: path[i] is below 2^31. ACESO_EUSAGE otherwise or for n over
 * BIP32_DEPTH_MAX; ACESO_EVERIFY where the path has no key (about 1 in 2^127). */
ACESO_NODISCARD int bip32_derive(struct bytes seed, const uint32_t *path, size_t n,
                                 uint8_t secret[BIP32_SECRET_SIZE]);

#endif
