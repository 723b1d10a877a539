/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticated encryption. Uses base, OpenSSL (AES-256-GCM) and libsodium (XChaCha20-Poly1305).
 * No I/O. Thread-safe.
 *
 * aead_seal is for keys that are used once or with a counted nonce: a pair of key and nonce must
 * never seal two different texts. aead_seal_random is for long-lived keys (data at rest in a
 * node): it draws a 24-byte nonce itself.
 *
 * All append to `out`, and on failure leave its length and contents as they were (ACESO_ELIMIT,
 * ACESO_EMEMORY stay remembered in `out` as with any put). An opened text is a secret: give a
 * buffer made with BUFFER_INIT_SECRET. Input may not lie inside `out`. */
#ifndef ACESO_CRYPTO_AEAD_H
#define ACESO_CRYPTO_AEAD_H

#include "base/buffer.h"

#define AEAD_KEY_SIZE 32
#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE 16
#define AEAD_RANDOM_OVERHEAD (1 + 24 + 16) /* version, nonce, tag */
#define AEAD_MAX ((size_t)1 << 30)         /* the longest text or associated data, in bytes */

/* Appends the ciphertext (as long as `plain`) and the tag. */
ACESO_NODISCARD int aead_seal(const uint8_t key[AEAD_KEY_SIZE],
                              const uint8_t nonce[AEAD_NONCE_SIZE], struct bytes aad,
                              struct bytes plain, struct buffer *out);

/* Appends the text of `sealed` (ciphertext and tag). ACESO_EVERIFY where key, nonce, `aad` or
 * `sealed` are not those of the sealing, also for one shorter than a tag. */
ACESO_NODISCARD int aead_open(const uint8_t key[AEAD_KEY_SIZE],
                              const uint8_t nonce[AEAD_NONCE_SIZE], struct bytes aad,
                              struct bytes sealed, struct buffer *out);

/* Appends version byte 1, the nonce, ciphertext and tag. */
ACESO_NODISCARD int aead_seal_random(const uint8_t key[AEAD_KEY_SIZE], struct bytes aad,
                                     struct bytes plain, struct buffer *out);

/* Opens what aead_seal_random made. ACESO_EVERIFY as above, ACESO_EFORMAT for another version. */
ACESO_NODISCARD int aead_open_random(const uint8_t key[AEAD_KEY_SIZE], struct bytes aad,
                                     struct bytes sealed, struct buffer *out);

#endif
