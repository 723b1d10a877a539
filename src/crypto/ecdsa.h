/* SPDX-License-Identifier: Apache-2.0 */
/* Ethereum's signatures and addresses: ECDSA over secp256k1 with recovery. Uses base, keccak and
 * libsecp256k1. No I/O. Thread-safe. */
#ifndef ACESO_CRYPTO_ECDSA_H
#define ACESO_CRYPTO_ECDSA_H

#include "base/buffer.h"

#define ECDSA_SECRET_SIZE 32
#define ECDSA_SIGNATURE_SIZE 65 /* r (32), s (32, the low one: EIP-2), v (27 or 28) */
#define ECDSA_ADDRESS_SIZE 20

/* True for 0 < secret < n (big-endian). */
bool ecdsa_secret_valid(const uint8_t secret[ECDSA_SECRET_SIZE]);

/* Draws a valid secret. */
void ecdsa_secret_make(uint8_t secret[ECDSA_SECRET_SIZE]);

/* secret + tweak mod n, in place: the addition of BIP-32. ACESO_EVERIFY where either is out of
 * range or the sum is 0; `secret` is then unchanged. */
ACESO_NODISCARD int ecdsa_secret_add(uint8_t secret[ECDSA_SECRET_SIZE],
                                     const uint8_t tweak[ECDSA_SECRET_SIZE]);

/* The last 20 bytes of the Keccak-256 of the public key. ACESO_EVERIFY for an invalid secret. */
ACESO_NODISCARD int ecdsa_address(const uint8_t secret[ECDSA_SECRET_SIZE],
                                  uint8_t address[ECDSA_ADDRESS_SIZE]);

/* Signs a 32-byte digest with the nonce of RFC 6979. ACESO_EVERIFY for an invalid secret. */
ACESO_NODISCARD int ecdsa_sign(const uint8_t secret[ECDSA_SECRET_SIZE], const uint8_t hash[32],
                               uint8_t signature[ECDSA_SIGNATURE_SIZE]);

/* The address that signed `hash`. ACESO_EVERIFY for r or s out of range, a high s, v other than
 * 27 and 28, or where no key recovers. The caller compares the address with the one it expects:
 * any well-formed signature recovers to some address. */
ACESO_NODISCARD int ecdsa_recover(const uint8_t hash[32],
                                  const uint8_t signature[ECDSA_SIGNATURE_SIZE],
                                  uint8_t address[ECDSA_ADDRESS_SIZE]);

#endif
