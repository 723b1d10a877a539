/* SPDX-License-Identifier: Apache-2.0 */
/* HPKE, RFC 9180: single-shot base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
 * AES-256-GCM (suite 0x0020, 0x0001, 0x0002). Uses base, digest, aead and libsodium's X25519.
 * No I/O. Thread-safe.
 *
 * Base mode does not say who sealed: put that into `info` and sign what carries the sealing. */
#ifndef ACESO_CRYPTO_HPKE_H
#define ACESO_CRYPTO_HPKE_H

#include "base/buffer.h"

#define HPKE_KEY_SIZE 32
#define HPKE_OVERHEAD (32 + 16) /* the encapsulated key in front, the tag behind */

/* RFC 9180 section 7.1.3, DeriveKeyPair, with 32 bytes of input keying material. `secret` is the
 * caller's to wipe. Cannot fail. */
void hpke_keypair_derive(const uint8_t seed[32], uint8_t secret[HPKE_KEY_SIZE],
                         uint8_t public_key[HPKE_KEY_SIZE]);

/* The public key of `secret`. */
void hpke_public(const uint8_t secret[HPKE_KEY_SIZE], uint8_t public_key[HPKE_KEY_SIZE]);

/* Seals `plain` to `receiver` under a fresh ephemeral key: appends enc (32 bytes), ciphertext and
 * tag. `info` says what the sealing is for (RFC 9180 section 5.1), `aad` goes with the text.
 * ACESO_EVERIFY when `receiver` is a point of low order. */
ACESO_NODISCARD int hpke_seal(const uint8_t receiver[HPKE_KEY_SIZE], struct bytes info,
                              struct bytes aad, struct bytes plain, struct buffer *out,
                              struct aceso_error *error);

/* Appends the text of what hpke_seal made (a secret: see aead.h). ACESO_EVERIFY where secret,
 * `info`, `aad` or `sealed` are not those of the sealing, with one text for every cause. */
ACESO_NODISCARD int hpke_open(const uint8_t secret[HPKE_KEY_SIZE], struct bytes info,
                              struct bytes aad, struct bytes sealed, struct buffer *out,
                              struct aceso_error *error);

#endif
