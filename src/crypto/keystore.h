/* SPDX-License-Identifier: Apache-2.0 */
/* A 32-byte secret under a password: Ethereum's Web3 Secret Storage, version 3, as geth and cast
 * read and write it (AES-128-CTR, scrypt or PBKDF2-HMAC-SHA-256, Keccak-256 over half of the
 * derived key and the ciphertext). Uses base, keccak, ecdsa, libsodium's scrypt, nettle, OpenSSL.
 * No I/O. Thread-safe. Each call takes as long, and as much memory, as its cost parameters say. */
#ifndef ACESO_CRYPTO_KEYSTORE_H
#define ACESO_CRYPTO_KEYSTORE_H

#include "base/buffer.h"

#define KEYSTORE_SECRET_SIZE 32
#define KEYSTORE_SIZE_MAX ((size_t)8192)

enum keystore_cost {
    KEYSTORE_STANDARD, /* scrypt n = 2^18, r = 8, p = 1: about 1 s and 256 MiB */
    KEYSTORE_LIGHT     /* scrypt n = 2^12, r = 8, p = 6: for tests and demonstrations */
};

/* Appends the JSON text of `secret` under `password`. Where the secret is a valid secp256k1 key
 * the text carries its address, as geth's does. */
ACESO_NODISCARD int keystore_seal(const uint8_t secret[KEYSTORE_SECRET_SIZE],
                                  struct bytes password, enum keystore_cost cost,
                                  struct buffer *json, struct aceso_error *error);

/* The secret inside `json`, scrypt's or PBKDF2's. Cost parameters are bounded before use: n <=
 * 2^20, 128 n r <= 1 GiB, n r p <= 2^23, PBKDF2's c <= 2^22. ACESO_EFORMAT with the member's name,
 * ACESO_ELIMIT for a cost over these, ACESO_EVERIFY for a wrong password or changed bytes. */
ACESO_NODISCARD int keystore_open(struct bytes json, struct bytes password,
                                  uint8_t secret[KEYSTORE_SECRET_SIZE], struct aceso_error *error);

#endif
