/* SPDX-License-Identifier: Apache-2.0 */
#include "record/part.h"

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

#include <string.h>

#define SEED_SIZE 32
#define PAYLOAD_MAX (PART_SEALED_MAX - PART_SEAL_OVERHEAD)

static const char part_label[] = "aceso record part v1";

/* Each key seals one payload only: its seed is fresh. So the nonce may be constant. */
static const uint8_t part_nonce[AEAD_NONCE_SIZE];

size_t part_payload_length(size_t length)
{
    size_t need = PART_PAYLOAD_HEAD + length, mask;
    unsigned exponent = 0, digits = 0;

    if (need <= PART_PAYLOAD_MIN)
        return PART_PAYLOAD_MIN;
    while (need >> (exponent + 1))
        exponent++;
    while (exponent >> digits)
        digits++;
    mask = ((size_t)1 << (exponent - digits)) - 1;
    return (need + mask) & ~mask;
}

struct part_content part_content_of(struct bytes bytes)
{
    struct part_content content = { .bytes = bytes };

    secret_random(content.salt, sizeof content.salt);
    return content;
}

static int part_check(const struct record_place *place, struct record_epoch epoch, size_t length,
                      struct aceso_error *error)
{
    if (!record_place_valid(place) || epoch.e > INT32_MAX)
        return error_set(error, ACESO_EUSAGE, "part", "no such place or epoch");
    if (length > RECORD_TEXT_MAX)
        return error_set(error, ACESO_ELIMIT, "part", "over %zu bytes", RECORD_TEXT_MAX);
    return ACESO_OK;
}

int part_commit(const struct record_context *context, const struct record_place *place,
                const struct part_content *content, uint8_t leaf[RECORD_HASH_SIZE],
                struct aceso_error *error)
{
    struct buffer head = BUFFER_INIT(160);
    struct digest digest;
    int code = part_check(place, (struct record_epoch){ 0 }, content->bytes.len, error);

    if (code)
        return code;
    (void)buffer_put_u8(&head, 0x00);
    (void)buffer_put(&head, content->salt, sizeof content->salt);
    (void)buffer_put_u64(&head, context->chain_id);
    (void)buffer_put(&head, context->patient, sizeof context->patient);
    (void)buffer_put(&head, context->hospital, sizeof context->hospital);
    record_place_put(place, &head);
    (void)buffer_put_u32(&head, (uint32_t)content->bytes.len);
    code = head.failed;
    if (!code) {
        digest_init(&digest);
        digest_update(&digest, buffer_bytes(&head));
        digest_update(&digest, content->bytes);
        digest_final(&digest, leaf);
    }
    buffer_free(&head);
    return code ? error_set(error, code, "part", "no memory for a leaf") : ACESO_OK;
}

/* `start`, context, epoch, place: what key and associated data are bound to. */
static int part_bind(struct bytes start, const struct record_context *context,
                     struct record_epoch epoch, const struct record_place *place,
                     struct buffer *out)
{
    (void)buffer_put_bytes(out, start);
    record_context_put(context, out);
    record_epoch_put(epoch, out);
    record_place_put(place, out);
    return out->failed;
}

/* The part's key from the level's and the seed, and the associated data. */
static int part_derive(const struct record_context *context, struct record_epoch epoch,
                       const struct record_place *place, const uint8_t level_key[RECORD_KEY_SIZE],
                       const uint8_t seed[SEED_SIZE], uint8_t key[RECORD_KEY_SIZE],
                       struct buffer *aad)
{
    static const uint8_t version[] = { RECORD_VERSION_BYTE };
    uint8_t label[sizeof part_label];
    struct buffer info = BUFFER_INIT(160);
    int code;

    label[0] = sizeof part_label - 1;
    memcpy(label + 1, part_label, sizeof part_label - 1);
    code = part_bind(bytes_of(label, sizeof label), context, epoch, place, &info);
    if (!code)
        code = part_bind(bytes_of(version, sizeof version), context, epoch, place, aad);
    if (!code)
        hkdf_sha256(bytes_of(level_key, RECORD_KEY_SIZE), bytes_of(seed, SEED_SIZE),
                    buffer_bytes(&info), key, RECORD_KEY_SIZE);
    buffer_free(&info);
    return code;
}

static int part_payload_put(const struct part_content *content, struct buffer *out)
{
    size_t length = content->bytes.len;

    (void)buffer_put_u8(out, RECORD_VERSION_BYTE);
    (void)buffer_put(out, content->salt, sizeof content->salt);
    (void)buffer_put_u32(out, (uint32_t)length);
    (void)buffer_put_bytes(out, content->bytes);
    return buffer_put_zeros(out, part_payload_length(length) - PART_PAYLOAD_HEAD - length);
}

int part_seal_with(const struct record_context *context, struct record_epoch epoch,
                   const struct record_place *place, const uint8_t key[RECORD_KEY_SIZE],
                   const uint8_t seed[32], const struct part_content *content, struct buffer *out,
                   struct aceso_error *error)
{
    struct buffer payload = BUFFER_INIT_SECRET(PAYLOAD_MAX);
    struct buffer aad = BUFFER_INIT(160);
    uint8_t part_key[RECORD_KEY_SIZE];
    size_t start = out->len;
    int code = part_check(place, epoch, content->bytes.len, error);

    if (code)
        return code;
    code = part_derive(context, epoch, place, key, seed, part_key, &aad);
    if (!code)
        code = part_payload_put(content, &payload);
    if (!code) {
        (void)buffer_put_u8(out, RECORD_VERSION_BYTE);
        code = buffer_put(out, seed, SEED_SIZE);
    }
    if (!code)
        code = aead_seal(part_key, part_nonce, buffer_bytes(&aad), buffer_bytes(&payload), out);
    if (code && out->data)
        out->len = start;
    secret_wipe(part_key, sizeof part_key);
    buffer_free(&payload);
    buffer_free(&aad);
    return code ? error_set(error, code, "part", "cannot be sealed") : ACESO_OK;
}

int part_seal(const struct record_context *context, struct record_epoch epoch,
              const struct record_place *place, const uint8_t key[RECORD_KEY_SIZE],
              const struct part_content *content, struct buffer *out, struct aceso_error *error)
{
    uint8_t seed[SEED_SIZE];

    secret_random(seed, sizeof seed);
    return part_seal_with(context, epoch, place, key, seed, content, out, error);
}

/* The opened payload: whoever wrote it had the level's key, yet it is checked like any input. */
static int part_payload_parse(struct bytes payload, struct part_content *content,
                              struct aceso_error *error)
{
    struct reader reader = reader_of(payload);
    struct part_content found;
    uint8_t version = reader_u8(&reader), padding = 0;
    uint32_t length;

    reader_copy(&reader, found.salt, sizeof found.salt);
    length = reader_u32(&reader);
    found.bytes = reader_take(&reader, length);
    if (reader.failed || version != RECORD_VERSION_BYTE)
        return error_set(error, ACESO_EFORMAT, "part", "the payload is malformed");
    if (length > RECORD_TEXT_MAX || part_payload_length(length) != payload.len)
        return error_set(error, ACESO_EFORMAT, "part", "the padding has a wrong length");
    for (size_t i = 0; i < reader.left; i++)
        padding |= reader.at[i];
    if (padding)
        return error_set(error, ACESO_EFORMAT, "part", "the padding is not zero");
    *content = found;
    return ACESO_OK;
}

int part_open(const struct record_context *context, struct record_epoch epoch,
              const struct record_place *place, const uint8_t key[RECORD_KEY_SIZE],
              struct bytes sealed, struct buffer *payload, struct part_content *content,
              struct aceso_error *error)
{
    struct reader reader = reader_of(sealed);
    struct buffer aad = BUFFER_INIT(160);
    uint8_t part_key[RECORD_KEY_SIZE], seed[SEED_SIZE];
    uint8_t version = reader_u8(&reader);
    int code = part_check(place, epoch, 0, error);

    if (code)
        return code;
    reader_copy(&reader, seed, sizeof seed);
    if (reader.failed || version != RECORD_VERSION_BYTE ||
        sealed.len < PART_SEAL_OVERHEAD + PART_PAYLOAD_MIN || sealed.len > PART_SEALED_MAX)
        return error_set(error, ACESO_EFORMAT, "part", "not a sealed part");
    buffer_clear(payload);
    code = part_derive(context, epoch, place, key, seed, part_key, &aad);
    if (!code)
        code = aead_open(part_key, part_nonce, buffer_bytes(&aad),
                         bytes_of(reader.at, reader.left), payload);
    secret_wipe(part_key, sizeof part_key);
    buffer_free(&aad);
    if (code == ACESO_EVERIFY)
        return error_set(error, code, "part",
                         "does not open: changed, or sealed for another place, epoch or key");
    if (code)
        return error_set(error, code, "part", "cannot be opened");
    return part_payload_parse(buffer_bytes(payload), content, error);
}
