/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC and HKDF (RFC 2104, RFC 5869) over blst's SHA-256, and scalars drawn from them.
 * Core: no heap, no I/O.
 */
#ifndef ABE_HASH_H
#define ABE_HASH_H

#include <blst.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ABE_HASH_SIZE = 32,
    ABE_HASH_BLOCK = 64,
    ABE_HMAC_MESSAGE_MAX = 768 /* sum of the parts of one HMAC, IKM or info */
};

/* One part of a message that is hashed as the concatenation of its parts. */
struct abe_span {
    const void *bytes;
    size_t length;
};

void abe_sha256(const uint8_t *bytes, size_t length, uint8_t digest[ABE_HASH_SIZE]);

/* PRK = HKDF-Extract(salt = the characters of `tag`, IKM = the parts). `tag` is at most 64 long. */
void abe_hkdf_extract(const char *tag, const struct abe_span *parts, size_t count,
                      uint8_t prk[ABE_HASH_SIZE]);

/* HKDF-Expand(prk, info = the parts); `length` is at most 64. */
void abe_hkdf_expand(const uint8_t prk[ABE_HASH_SIZE], const struct abe_span *parts, size_t count,
                     uint8_t *out, size_t length);

/* A uniform scalar: 64 bytes of HKDF-Expand(prk, info), big-endian, modulo r (bias < 2^-256). */
void abe_hkdf_scalar(const uint8_t prk[ABE_HASH_SIZE], const struct abe_span *parts, size_t count,
                     blst_fr *scalar);

/* The same for info = label, then `index` as 4 bytes big-endian. */
void abe_hkdf_scalar_indexed(const uint8_t prk[ABE_HASH_SIZE], char label, size_t index,
                             blst_fr *scalar);

#endif
