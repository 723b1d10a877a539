/* SPDX-License-Identifier: Apache-2.0 */
#include "consent/header.h"

#include "base/secret.h"
#include "consent/policy.h"
#include "crypto/aead.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_VERSION 1
#define WRAPPED_SIZE (RECORD_KEY_SIZE + AEAD_TAG_SIZE)

struct headers {
    struct record_epoch epoch;
    struct bytes header[RECORD_LEVELS];
    struct bytes wrapped[RECORD_LEVELS];
};

static int headers_parse(struct bytes bytes, struct headers *out, struct aceso_error *error)
{
    struct reader reader = reader_of(bytes);
    struct headers parsed;

    if (bytes.len > HEADERS_SIZE_MAX || reader_u8(&reader) != HEADERS_VERSION)
        return error_set(error, ACESO_EFORMAT, "headers", "unknown version or too large");
    parsed.epoch.e = reader_u32(&reader);
    parsed.epoch.n = reader_u32(&reader);
    for (unsigned i = 0; i < RECORD_LEVELS; i++) {
        parsed.header[i] = reader_field(&reader, HEADERS_SIZE_MAX);
        parsed.wrapped[i] = reader_field(&reader, WRAPPED_SIZE);
        if (parsed.wrapped[i].len != WRAPPED_SIZE)
            reader.failed = true;
    }
    if (!reader_done(&reader))
        return error_set(error, ACESO_EFORMAT, "headers", "cut off or with bytes after the end");
    *out = parsed;
    return ACESO_OK;
}

int header_epoch(struct bytes bytes, struct record_epoch *epoch, struct aceso_error *error)
{
    struct headers headers;
    int code = headers_parse(bytes, &headers, error);

    if (!code)
        *epoch = headers.epoch;
    return code;
}

int header_of_level(struct bytes bytes, unsigned level, struct bytes *header,
                    struct aceso_error *error)
{
    struct headers headers;
    int code = headers_parse(bytes, &headers, error);

    if (!code && (level < 1 || level > RECORD_LEVELS))
        code = error_set(error, ACESO_EUSAGE, "headers", "there is no level %u", level);
    if (!code)
        *header = headers.header[level - 1];
    return code;
}

/* What a level's header is bound to besides its own bytes. */
static int header_context(const struct record_context *context, struct record_epoch epoch,
                          unsigned level, struct buffer *out)
{
    (void)buffer_put_string(out, "aceso level header v1");
    (void)buffer_put_u8(out, 0);
    (void)buffer_put_u64(out, context->chain_id);
    (void)buffer_put(out, context->contract, 20);
    (void)buffer_put(out, context->patient, 20);
    (void)buffer_put(out, context->hospital, 20);
    (void)buffer_put_u32(out, epoch.e);
    (void)buffer_put_u32(out, epoch.n);
    return buffer_put_u8(out, (uint8_t)level);
}

/* The key from the header wraps one K_l and nothing else, so a fixed nonce is met once only. */
static const uint8_t wrap_nonce[AEAD_NONCE_SIZE];

static int header_wrap(const uint8_t kem_key[32], struct bytes bound, const uint8_t key[32],
                       struct buffer *out)
{
    struct buffer wrapped = BUFFER_INIT(WRAPPED_SIZE);
    int code = aead_seal(kem_key, wrap_nonce, bound, bytes_of(key, 32), &wrapped);

    if (!code)
        code = buffer_put_field(out, buffer_bytes(&wrapped));
    buffer_free(&wrapped);
    return code;
}

static int header_unwrap(const uint8_t kem_key[32], struct bytes bound, struct bytes wrapped,
                         uint8_t key[32], struct aceso_error *error)
{
    struct buffer plain = BUFFER_INIT_SECRET(64);
    int code = aead_open(kem_key, wrap_nonce, bound, wrapped, &plain);

    if (code || plain.len != 32)
        code = error_set(error, ACESO_EVERIFY, "headers", "the wrapped level key does not open");
    else
        memcpy(key, plain.data, 32);
    buffer_free(&plain);
    return code;
}

static int header_make_level(const struct header_terms *terms, unsigned level,
                             const uint8_t key[32], const struct keyring *publics,
                             struct buffer *out, uint8_t sigma[HEADER_SIGMA_SIZE],
                             struct aceso_error *error)
{
    struct aceso_abe_policy *policy = NULL;
    struct buffer bound = BUFFER_INIT(256);
    uint8_t kem_key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0, count = 0;
    const struct aceso_abe_public_key *const *keys = keyring_public(publics, &count);
    int code = policy_for_level(terms->policy, level, terms->context.patient, terms->hospital,
                                terms->epoch.e, terms->epoch.n, &policy, error);

    if (!code)
        code = header_context(&terms->context, terms->epoch, level, &bound);
    if (!code) {
        secret_random(sigma, HEADER_SIGMA_SIZE);
        code = keyring_abe_error(aceso_abe_encapsulate(policy, keys, count, bound.data, bound.len,
                                                       sigma, &header, &length, kem_key),
                                 "headers", error);
    }
    if (!code)
        code = buffer_put_field(out, bytes_of(header, length));
    if (!code)
        code = header_wrap(kem_key, buffer_bytes(&bound), key, out);
    secret_wipe(kem_key, sizeof kem_key);
    aceso_abe_policy_free(policy);
    buffer_free(&bound);
    free(header);
    return code;
}

int header_make(const struct header_terms *terms, const struct ladder *keys,
                const struct keyring *publics, struct buffer *out,
                uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE], struct aceso_error *error)
{
    struct buffer made = BUFFER_INIT(HEADERS_SIZE_MAX);
    int code = ACESO_OK;

    if (keys->top != RECORD_LEVELS)
        return error_set(error, ACESO_EUSAGE, "headers", "the whole ladder is needed");
    (void)buffer_put_u8(&made, HEADERS_VERSION);
    (void)buffer_put_u32(&made, terms->epoch.e);
    (void)buffer_put_u32(&made, terms->epoch.n);
    for (unsigned level = 1; level <= RECORD_LEVELS && !code; level++)
        code = header_make_level(terms, level, keys->key[level - 1], publics, &made,
                                 sigma[level - 1], error);
    if (!code)
        code = buffer_put_bytes(out, buffer_bytes(&made));
    buffer_free(&made);
    return code;
}

/* The header's own policy must be, as canonical text, the one these terms demand. */
static int header_check_policy(const struct header_terms *terms, unsigned level,
                               struct bytes header, struct aceso_error *error)
{
    struct aceso_abe_policy *expected = NULL, *found = NULL;
    int code = policy_for_level(terms->policy, level, terms->context.patient, terms->hospital,
                                terms->epoch.e, terms->epoch.n, &expected, error);

    if (!code)
        code = keyring_abe_error(aceso_abe_header_policy(header.data, header.len, &found),
                                 "headers", error);
    if (!code && strcmp(aceso_abe_policy_text(expected), aceso_abe_policy_text(found)) != 0)
        code = error_set(error, ACESO_EVERIFY, "headers",
                         "level %u is not under the policy that was agreed", level);
    aceso_abe_policy_free(expected);
    aceso_abe_policy_free(found);
    return code;
}

static int header_check_level(const struct header_terms *terms, unsigned level,
                              const struct headers *headers, const struct keyring *keyring,
                              const uint8_t sigma[HEADER_SIGMA_SIZE], uint8_t key[32],
                              struct aceso_error *error)
{
    struct bytes header = headers->header[level - 1];
    struct buffer bound = BUFFER_INIT(256);
    uint8_t kem_key[ACESO_ABE_KEY_SIZE] = { 0 };
    size_t count = 0;
    const struct aceso_abe_public_key *const *keys = keyring_public(keyring, &count);
    int code = header_check_policy(terms, level, header, error);

    if (!code)
        code = header_context(&terms->context, terms->epoch, level, &bound);
    if (!code)
        code = keyring_abe_error(aceso_abe_open_with_sigma(header.data, header.len, keys, count,
                                                           bound.data, bound.len, sigma, kem_key),
                                 "headers", error);
    if (!code)
        code = header_unwrap(kem_key, buffer_bytes(&bound), headers->wrapped[level - 1], key,
                             error);
    secret_wipe(kem_key, sizeof kem_key);
    buffer_free(&bound);
    return code;
}

int header_check(const struct header_terms *terms, struct bytes bytes,
                 const struct keyring *keyring, uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE],
                 struct ladder *keys, struct aceso_error *error)
{
    struct headers headers;
    struct ladder own;
    uint8_t key[32];
    int code = headers_parse(bytes, &headers, error);

    if (!code && !record_epoch_equal(headers.epoch, terms->epoch))
        code = error_set(error, ACESO_EVERIFY, "headers", "they are for another epoch");
    /* Opened with the key that the patient will have to open it with for years. */
    if (!code)
        code = header_open(bytes, &terms->context, RECORD_LEVELS, keyring, &own, error);
    for (unsigned level = 1; level <= RECORD_LEVELS && !code; level++) {
        code = header_check_level(terms, level, &headers, keyring, sigma[level - 1], key, error);
        if (!code && !secret_equal(key, own.key[level - 1], sizeof key))
            code = error_set(error, ACESO_EVERIFY, "headers",
                             "level %u holds a key of another ladder", level);
    }
    if (!code)
        *keys = own;
    ladder_wipe(&own);
    secret_wipe(key, sizeof key);
    return code;
}

int header_open(struct bytes bytes, const struct record_context *context, unsigned level,
                const struct keyring *keyring, struct ladder *keys, struct aceso_error *error)
{
    struct headers headers;
    struct buffer bound = BUFFER_INIT(256);
    uint8_t kem_key[ACESO_ABE_KEY_SIZE] = { 0 }, key[32] = { 0 };
    size_t publics = 0, users = 0;
    const struct aceso_abe_public_key *const *public_keys = keyring_public(keyring, &publics);
    const struct aceso_abe_user_key *const *user_keys = keyring_user(keyring, &users);
    int code = headers_parse(bytes, &headers, error);

    if (!code && (level < 1 || level > RECORD_LEVELS))
        code = error_set(error, ACESO_EUSAGE, "headers", "there is no level %u", level);
    if (!code)
        code = header_context(context, headers.epoch, level, &bound);
    if (!code) {
        struct bytes header = headers.header[level - 1];

        code = keyring_abe_error(
            aceso_abe_decapsulate(header.data, header.len, user_keys, users, public_keys, publics,
                                  bound.data, bound.len, NULL, kem_key),
            "headers", error);
    }
    if (!code)
        code = header_unwrap(kem_key, buffer_bytes(&bound), headers.wrapped[level - 1], key, error);
    if (!code)
        code = ladder_from(context, headers.epoch, (uint8_t)level, key, keys, error);
    secret_wipe(kem_key, sizeof kem_key);
    secret_wipe(key, sizeof key);
    buffer_free(&bound);
    return code;
}
