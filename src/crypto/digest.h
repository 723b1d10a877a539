/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869) over it. Uses base and nettle, whose
 * contexts live in the caller's memory, so that nothing here can fail. No I/O. Thread-safe. */
#ifndef ACESO_CRYPTO_DIGEST_H
#define ACESO_CRYPTO_DIGEST_H

#include "base/buffer.h"

#include <nettle/sha2.h>

#define SHA256_SIZE 32
#define HKDF_SHA256_MAX ((size_t)255 * SHA256_SIZE)

void sha256(struct bytes in, uint8_t out[SHA256_SIZE]);

/* SHA-256 in pieces. The caller's memory; its member is the module's. */
struct digest {
    struct sha256_ctx state;
};

void digest_init(struct digest *digest);
void digest_update(struct digest *digest, struct bytes in);

/* Writes the digest and wipes `digest`: it starts again with digest_init. */
void digest_final(struct digest *digest, uint8_t out[SHA256_SIZE]);

void hmac_sha256(struct bytes key, struct bytes in, uint8_t out[SHA256_SIZE]);

/* RFC 5869 sections 2.2 and 2.3, and both in a row. An empty `salt` is 32 zero bytes.
 * `len` is at most HKDF_SHA256_MAX (asserted). */
void hkdf_sha256_extract(struct bytes salt, struct bytes ikm, uint8_t prk[SHA256_SIZE]);
void hkdf_sha256_expand(const uint8_t prk[SHA256_SIZE], struct bytes info, void *out, size_t len);
void hkdf_sha256(struct bytes ikm, struct bytes salt, struct bytes info, void *out, size_t len);

#endif
