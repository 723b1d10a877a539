/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include "base/secret.h"

#include <assert.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#define AEAD_RANDOM_VERSION 1
#define AEAD_RANDOM_NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

static_assert(AEAD_RANDOM_OVERHEAD ==
                  1 + AEAD_RANDOM_NONCE + crypto_aead_xchacha20poly1305_ietf_ABYTES,
              "the overhead that the header names");

/* Runs GCM over `in` into `at`; the tag is written when sealing, checked when opening. */
static bool aead_gcm(EVP_CIPHER_CTX *context, bool seal, const uint8_t *key, const uint8_t *nonce,
                     struct bytes aad, struct bytes in, uint8_t *at, uint8_t *tag)
{
    static const uint8_t none[1] = { 0 };
    uint8_t rest[16];
    int len = 0;

    if (EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, seal) != 1)
        return false;
    if (aad.len && EVP_CipherUpdate(context, NULL, &len, aad.data, (int)aad.len) != 1)
        return false;
    if (EVP_CipherUpdate(context, at, &len, in.len ? in.data : none, (int)in.len) != 1)
        return false;
    if (!seal && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, tag) != 1)
        return false;
    if (EVP_CipherFinal_ex(context, rest, &len) != 1)
        return false;
    return !seal || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, tag) == 1;
}

int aead_seal(const uint8_t key[AEAD_KEY_SIZE], const uint8_t nonce[AEAD_NONCE_SIZE],
              struct bytes aad, struct bytes plain, struct buffer *out)
{
    EVP_CIPHER_CTX *context;
    uint8_t *at;
    bool ok;

    if (plain.len > AEAD_MAX || aad.len > AEAD_MAX)
        return ACESO_ELIMIT;
    at = buffer_reserve(out, plain.len + AEAD_TAG_SIZE);
    if (!at)
        return out->failed;
    context = EVP_CIPHER_CTX_new();
    if (!context)
        return ACESO_EMEMORY;
    ok = aead_gcm(context, true, key, nonce, aad, plain, at, at + plain.len);
    EVP_CIPHER_CTX_free(context);
    if (!ok)
        return ACESO_EINTERNAL;
    out->len += plain.len + AEAD_TAG_SIZE;
    return ACESO_OK;
}

int aead_open(const uint8_t key[AEAD_KEY_SIZE], const uint8_t nonce[AEAD_NONCE_SIZE],
              struct bytes aad, struct bytes sealed, struct buffer *out)
{
    EVP_CIPHER_CTX *context;
    uint8_t tag[AEAD_TAG_SIZE];
    struct bytes in;
    uint8_t *at;
    bool ok;

    if (sealed.len < AEAD_TAG_SIZE)
        return ACESO_EVERIFY;
    in = bytes_of(sealed.data, sealed.len - AEAD_TAG_SIZE);
    if (in.len > AEAD_MAX || aad.len > AEAD_MAX)
        return ACESO_ELIMIT;
    at = buffer_reserve(out, in.len);
    if (!at)
        return out->failed;
    context = EVP_CIPHER_CTX_new();
    if (!context)
        return ACESO_EMEMORY;
    memcpy(tag, in.data + in.len, sizeof tag);
    ok = aead_gcm(context, false, key, nonce, aad, in, at, tag);
    EVP_CIPHER_CTX_free(context);
    if (!ok) {
        secret_wipe(at, in.len); /* what GCM wrote before it saw the tag */
        return ACESO_EVERIFY;
    }
    out->len += in.len;
    return ACESO_OK;
}

int aead_seal_random(const uint8_t key[AEAD_KEY_SIZE], struct bytes aad, struct bytes plain,
                     struct buffer *out)
{
    uint8_t *at;

    if (plain.len > AEAD_MAX || aad.len > AEAD_MAX)
        return ACESO_ELIMIT;
    at = buffer_reserve(out, plain.len + AEAD_RANDOM_OVERHEAD);
    if (!at)
        return out->failed;
    at[0] = AEAD_RANDOM_VERSION;
    secret_random(at + 1, AEAD_RANDOM_NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(at + 1 + AEAD_RANDOM_NONCE, NULL, plain.data,
                                                     plain.len, aad.data, aad.len, NULL, at + 1,
                                                     key);
    out->len += plain.len + AEAD_RANDOM_OVERHEAD;
    return ACESO_OK;
}

int aead_open_random(const uint8_t key[AEAD_KEY_SIZE], struct bytes aad, struct bytes sealed,
                     struct buffer *out)
{
    struct reader reader = reader_of(sealed);
    uint8_t version = reader_u8(&reader);
    struct bytes nonce = reader_take(&reader, AEAD_RANDOM_NONCE);
    size_t len;
    uint8_t *at;

    if (sealed.len < AEAD_RANDOM_OVERHEAD)
        return ACESO_EVERIFY;
    if (version != AEAD_RANDOM_VERSION)
        return ACESO_EFORMAT;
    len = sealed.len - AEAD_RANDOM_OVERHEAD;
    if (len > AEAD_MAX || aad.len > AEAD_MAX)
        return ACESO_ELIMIT;
    at = buffer_reserve(out, len);
    if (!at)
        return out->failed;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(at, NULL, NULL, reader.at, reader.left,
                                                   aad.data, aad.len, nonce.data, key) != 0)
        return ACESO_EVERIFY; /* the tag is checked before anything is written */
    out->len += len;
    return ACESO_OK;
}
