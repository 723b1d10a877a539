/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC, HKDF and derived scalars. Uses blst and octets. Core: no heap, no I/O. */
#include "hash.h"

#include "octets.h"

void abe_sha256(const uint8_t *bytes, size_t length, uint8_t digest[ABE_HASH_SIZE])
{
    blst_sha256(digest, bytes, length);
}

/* The parts must fit; all callers pass spans of bounded size. */
static size_t append(uint8_t *out, size_t at, const struct abe_span *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length > 0)
            memcpy(out + at, parts[i].bytes, parts[i].length);
        at += parts[i].length;
    }
    return at;
}

static void hmac(const uint8_t *key, size_t key_length, const struct abe_span *parts, size_t count,
                 uint8_t mac[ABE_HASH_SIZE])
{
    uint8_t inner[ABE_HASH_BLOCK + ABE_HMAC_MESSAGE_MAX];
    uint8_t outer[ABE_HASH_BLOCK + ABE_HASH_SIZE];
    size_t end;

    memset(inner, 0x36, ABE_HASH_BLOCK);
    memset(outer, 0x5c, ABE_HASH_BLOCK);
    for (size_t i = 0; i < key_length; i++) {
        inner[i] ^= key[i];
        outer[i] ^= key[i];
    }
    end = append(inner, ABE_HASH_BLOCK, parts, count);
    abe_sha256(inner, end, outer + ABE_HASH_BLOCK);
    abe_sha256(outer, sizeof(outer), mac);
    abe_wipe(inner, end);
    abe_wipe(outer, sizeof(outer));
}

void abe_hkdf_extract(const char *tag, const struct abe_span *parts, size_t count,
                      uint8_t prk[ABE_HASH_SIZE])
{
    size_t length = 0;

    while (tag[length] != '\0')
        length++;
    hmac((const uint8_t *)tag, length, parts, count, prk);
}

void abe_hkdf_expand(const uint8_t prk[ABE_HASH_SIZE], const struct abe_span *parts, size_t count,
                     uint8_t *out, size_t length)
{
    uint8_t info[ABE_HMAC_MESSAGE_MAX - ABE_HASH_SIZE - 1];
    uint8_t block[ABE_HASH_SIZE];
    size_t info_length = append(info, 0, parts, count);
    size_t previous = 0;
    uint8_t counter = 0;

    while (length > 0) {
        size_t take = length < sizeof(block) ? length : sizeof(block);
        struct abe_span message[3];

        counter++;
        message[0] = (struct abe_span){ block, previous };
        message[1] = (struct abe_span){ info, info_length };
        message[2] = (struct abe_span){ &counter, 1 };
        hmac(prk, ABE_HASH_SIZE, message, 3, block);
        memcpy(out, block, take);
        previous = sizeof(block);
        out += take;
        length -= take;
    }
    abe_wipe(block, sizeof(block));
}

void abe_hkdf_scalar(const uint8_t prk[ABE_HASH_SIZE], const struct abe_span *parts, size_t count,
                     blst_fr *scalar)
{
    uint8_t wide[64];
    blst_scalar reduced;

    abe_hkdf_expand(prk, parts, count, wide, sizeof(wide));
    /* The result says whether the scalar is zero: it never is, and zero would do no harm here. */
    (void)blst_scalar_from_be_bytes(&reduced, wide, sizeof(wide));
    blst_fr_from_scalar(scalar, &reduced);
    abe_wipe(wide, sizeof(wide));
    abe_wipe(&reduced, sizeof(reduced));
}

void abe_hkdf_scalar_indexed(const uint8_t prk[ABE_HASH_SIZE], char label, size_t index,
                             blst_fr *scalar)
{
    uint8_t info[5];
    struct abe_span part = { info, sizeof(info) };

    info[0] = (uint8_t)label;
    abe_put32(info + 1, index);
    abe_hkdf_scalar(prk, &part, 1, scalar);
}
