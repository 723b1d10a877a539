/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include "base/secret.h"

#include <assert.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>

void digest_init(struct digest *digest)
{
    sha256_init(&digest->state);
}

void digest_update(struct digest *digest, struct bytes in)
{
    if (in.len)
        sha256_update(&digest->state, in.len, in.data);
}

void digest_final(struct digest *digest, uint8_t out[SHA256_SIZE])
{
    sha256_digest(&digest->state, SHA256_SIZE, out);
    secret_wipe(digest, sizeof *digest);
}

void sha256(struct bytes in, uint8_t out[SHA256_SIZE])
{
    struct digest digest;

    digest_init(&digest);
    digest_update(&digest, in);
    digest_final(&digest, out);
}

void hmac_sha256(struct bytes key, struct bytes in, uint8_t out[SHA256_SIZE])
{
    struct hmac_sha256_ctx hmac;

    hmac_sha256_set_key(&hmac, key.len, key.data);
    if (in.len)
        hmac_sha256_update(&hmac, in.len, in.data);
    hmac_sha256_digest(&hmac, SHA256_SIZE, out);
    secret_wipe(&hmac, sizeof hmac);
}

void hkdf_sha256_extract(struct bytes salt, struct bytes ikm, uint8_t prk[SHA256_SIZE])
{
    hmac_sha256(salt, ikm, prk);
}

void hkdf_sha256_expand(const uint8_t prk[SHA256_SIZE], struct bytes info, void *out, size_t len)
{
    struct hmac_sha256_ctx hmac;

    assert(len <= HKDF_SHA256_MAX);
    hmac_sha256_set_key(&hmac, SHA256_SIZE, prk);
    hkdf_expand(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
                (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_SIZE, info.len, info.data,
                len, out);
    secret_wipe(&hmac, sizeof hmac);
}

void hkdf_sha256(struct bytes ikm, struct bytes salt, struct bytes info, void *out, size_t len)
{
    uint8_t prk[SHA256_SIZE];

    hkdf_sha256_extract(salt, ikm, prk);
    hkdf_sha256_expand(prk, info, out, len);
    secret_wipe(prk, sizeof prk);
}
