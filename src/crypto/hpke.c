/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke.h"

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/hpke_internal.h"

#include <assert.h>
#include <nettle/hmac.h>
#include <sodium.h>
#include <string.h>

#define HPKE_VERSION "HPKE-v1"
#define HPKE_SECRET_SIZE 32

/* "KEM" and the KEM's number; "HPKE" and the numbers of KEM, KDF and AEAD (sections 4.1, 5.1). */
static const uint8_t hpke_kem_suite[5] = { 'K', 'E', 'M', 0x00, 0x20 };
static const uint8_t hpke_suite[10] = { 'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, 0x02 };

#define HPKE_KEM bytes_of(hpke_kem_suite, sizeof hpke_kem_suite)
#define HPKE_SUITE bytes_of(hpke_suite, sizeof hpke_suite)
#define HPKE_NONE bytes_of(NULL, 0)

/* LabeledExtract of section 4; `ikm` may be long. */
static void hpke_extract(struct bytes suite, struct bytes salt, const char *label,
                         struct bytes ikm, uint8_t prk[SHA256_SIZE])
{
    struct hmac_sha256_ctx hmac;

    hmac_sha256_set_key(&hmac, salt.len, salt.data);
    hmac_sha256_update(&hmac, strlen(HPKE_VERSION), (const uint8_t *)HPKE_VERSION);
    hmac_sha256_update(&hmac, suite.len, suite.data);
    hmac_sha256_update(&hmac, strlen(label), (const uint8_t *)label);
    if (ikm.len)
        hmac_sha256_update(&hmac, ikm.len, ikm.data);
    hmac_sha256_digest(&hmac, SHA256_SIZE, prk);
    secret_wipe(&hmac, sizeof hmac);
}

/* LabeledExpand of section 4; label and `info` are ours and short. */
static void hpke_expand(struct bytes suite, const uint8_t prk[SHA256_SIZE], const char *label,
                        struct bytes info, uint8_t *out, uint16_t len)
{
    uint8_t text[128] = { (uint8_t)(len >> 8), (uint8_t)len };
    size_t at = 2;
    const struct bytes pieces[] = { bytes_of_string(HPKE_VERSION), suite, bytes_of_string(label),
                                    info };

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        assert(pieces[i].len <= sizeof text - at);
        if (pieces[i].len)
            memcpy(text + at, pieces[i].data, pieces[i].len);
        at += pieces[i].len;
    }
    hkdf_sha256_expand(prk, bytes_of(text, at), out, len);
}

void hpke_public(const uint8_t secret[HPKE_KEY_SIZE], uint8_t public_key[HPKE_KEY_SIZE])
{
    (void)crypto_scalarmult_base(public_key, secret);
}

void hpke_keypair_derive(const uint8_t seed[32], uint8_t secret[HPKE_KEY_SIZE],
                         uint8_t public_key[HPKE_KEY_SIZE])
{
    uint8_t prk[SHA256_SIZE];

    hpke_extract(HPKE_KEM, HPKE_NONE, "dkp_prk", bytes_of(seed, 32), prk);
    hpke_expand(HPKE_KEM, prk, "sk", HPKE_NONE, secret, HPKE_KEY_SIZE);
    hpke_public(secret, public_key);
    secret_wipe(prk, sizeof prk);
}

struct hpke_context {
    uint8_t key[AEAD_KEY_SIZE];
    uint8_t nonce[AEAD_NONCE_SIZE];
};

/* DH and ExtractAndExpand of section 4.1. False for a point of low order. */
static bool hpke_shared_secret(const uint8_t *secret, const uint8_t *other, const uint8_t *enc,
                               const uint8_t *receiver, uint8_t shared[HPKE_SECRET_SIZE])
{
    uint8_t dh[32], prk[SHA256_SIZE], context[2 * HPKE_KEY_SIZE];
    bool ok = crypto_scalarmult(dh, secret, other) == 0;

    if (ok) {
        memcpy(context, enc, HPKE_KEY_SIZE);
        memcpy(context + HPKE_KEY_SIZE, receiver, HPKE_KEY_SIZE);
        hpke_extract(HPKE_KEM, HPKE_NONE, "eae_prk", bytes_of(dh, sizeof dh), prk);
        hpke_expand(HPKE_KEM, prk, "shared_secret", bytes_of(context, sizeof context), shared,
                    HPKE_SECRET_SIZE);
        secret_wipe(prk, sizeof prk);
    }
    secret_wipe(dh, sizeof dh);
    return ok;
}

/* KeySchedule of section 5.1 in base mode, for the first message only. */
static void hpke_schedule(const uint8_t shared[HPKE_SECRET_SIZE], struct bytes info,
                          struct hpke_context *context)
{
    uint8_t schedule[1 + 2 * SHA256_SIZE] = { 0 }, secret[SHA256_SIZE];
    const struct bytes all = bytes_of(schedule, sizeof schedule);

    hpke_extract(HPKE_SUITE, HPKE_NONE, "psk_id_hash", HPKE_NONE, schedule + 1);
    hpke_extract(HPKE_SUITE, HPKE_NONE, "info_hash", info, schedule + 1 + SHA256_SIZE);
    hpke_extract(HPKE_SUITE, bytes_of(shared, HPKE_SECRET_SIZE), "secret", HPKE_NONE, secret);
    hpke_expand(HPKE_SUITE, secret, "key", all, context->key, sizeof context->key);
    hpke_expand(HPKE_SUITE, secret, "base_nonce", all, context->nonce, sizeof context->nonce);
    secret_wipe(secret, sizeof secret);
}

int hpke_seal_ephemeral(const uint8_t ephemeral[HPKE_KEY_SIZE],
                        const uint8_t receiver[HPKE_KEY_SIZE], struct bytes info, struct bytes aad,
                        struct bytes plain, struct buffer *out, struct aceso_error *error)
{
    uint8_t enc[HPKE_KEY_SIZE], shared[HPKE_SECRET_SIZE];
    struct hpke_context context;
    size_t before = out->len;
    int code;

    hpke_public(ephemeral, enc);
    if (!hpke_shared_secret(ephemeral, receiver, enc, receiver, shared))
        return error_set(error, ACESO_EVERIFY, NULL, "the receiver's key is not a valid one");
    hpke_schedule(shared, info, &context);
    code = buffer_put(out, enc, sizeof enc);
    if (!code)
        code = aead_seal(context.key, context.nonce, aad, plain, out);
    if (code) {
        out->len = before;
        if (out->data)
            out->data[before] = '\0';
        code = error_set(error, code, NULL, "sealing to a party's key");
    }
    secret_wipe(shared, sizeof shared);
    secret_wipe(&context, sizeof context);
    return code;
}

int hpke_seal(const uint8_t receiver[HPKE_KEY_SIZE], struct bytes info, struct bytes aad,
              struct bytes plain, struct buffer *out, struct aceso_error *error)
{
    uint8_t ephemeral[HPKE_KEY_SIZE];
    int code;

    secret_random(ephemeral, sizeof ephemeral);
    code = hpke_seal_ephemeral(ephemeral, receiver, info, aad, plain, out, error);
    secret_wipe(ephemeral, sizeof ephemeral);
    return code;
}

int hpke_open(const uint8_t secret[HPKE_KEY_SIZE], struct bytes info, struct bytes aad,
              struct bytes sealed, struct buffer *out, struct aceso_error *error)
{
    struct reader reader = reader_of(sealed);
    struct bytes enc = reader_take(&reader, HPKE_KEY_SIZE);
    uint8_t receiver[HPKE_KEY_SIZE], shared[HPKE_SECRET_SIZE];
    struct hpke_context context;
    int code = ACESO_EVERIFY;

    if (!reader.failed) {
        hpke_public(secret, receiver);
        if (hpke_shared_secret(secret, enc.data, enc.data, receiver, shared)) {
            hpke_schedule(shared, info, &context);
            code = aead_open(context.key, context.nonce, aad, bytes_of(reader.at, reader.left),
                             out);
            secret_wipe(shared, sizeof shared);
            secret_wipe(&context, sizeof context);
        }
    }
    return code ? error_set(error, code, NULL, "the sealed text does not open with this key")
                : ACESO_OK;
}
