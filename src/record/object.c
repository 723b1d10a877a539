/* SPDX-License-Identifier: Apache-2.0 */
#include "record/object.h"

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

#include <string.h>

#define SEED_SIZE 32
#define PLACE_SIZE (1 + RECORD_ADDRESS_SIZE + RECORD_ID_SIZE + 4 + 4)
#define KEY_SIZE 32

static const char name_label[] = "aceso cloud name v1";
static const char seal_label[] = "aceso cloud seal v1";
static const char object_label[] = "aceso cloud object v1";

/* Each key seals one plain text only: its seed is fresh. So the nonce may be constant. */
static const uint8_t object_nonce[AEAD_NONCE_SIZE];
static const uint8_t object_aad[] = { RECORD_VERSION_BYTE };

const char *object_fault_word(enum object_fault fault)
{
    static const char *const words[] = {
        [OBJECT_SOUND] = "sound",     [OBJECT_LOST] = "lost",
        [OBJECT_SWAPPED] = "swapped", [OBJECT_ROLLED_BACK] = "rolled back",
        [OBJECT_CHANGED] = "changed", [OBJECT_NEWER] = "newer",
    };

    return (size_t)fault < sizeof words / sizeof words[0] ? words[fault] : "unknown";
}

void object_keys_derive(const uint8_t secret[32], const uint8_t cloud[RECORD_ADDRESS_SIZE],
                        struct object_keys *keys)
{
    const struct bytes salt = bytes_of(cloud, RECORD_ADDRESS_SIZE);

    hkdf_sha256(bytes_of(secret, 32), salt, bytes_of_string(name_label), keys->name,
                sizeof keys->name);
    hkdf_sha256(bytes_of(secret, 32), salt, bytes_of_string(seal_label), keys->seal,
                sizeof keys->seal);
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        *at++ = (uint8_t)(value >> (24 - 8 * i));
    return at;
}

void object_name(const struct object_keys *keys, const struct object_place *place,
                 uint8_t name[OBJECT_NAME_SIZE])
{
    uint8_t what[PLACE_SIZE], *at = what;

    *at++ = RECORD_VERSION_BYTE;
    memcpy(at, place->patient, RECORD_ADDRESS_SIZE);
    at += RECORD_ADDRESS_SIZE;
    memcpy(at, place->record, RECORD_ID_SIZE);
    at = put_u32(at + RECORD_ID_SIZE, place->version);
    (void)put_u32(at, place->piece);
    hmac_sha256(bytes_of(keys->name, sizeof keys->name), bytes_of(what, sizeof what), name);
}

static size_t object_class(size_t length)
{
    size_t size = OBJECT_CLASS_MIN;

    while (size < OBJECT_HEAD + length && size < OBJECT_CLASS_MAX)
        size *= 2;
    return size;
}

size_t object_size(size_t length)
{
    return object_class(length) + OBJECT_OVERHEAD;
}

uint32_t object_pieces(size_t size)
{
    return (uint32_t)((size + OBJECT_PIECE_MAX - 1) / OBJECT_PIECE_MAX);
}

static void object_key(const struct object_keys *keys, struct bytes seed, uint8_t key[KEY_SIZE])
{
    hkdf_sha256(bytes_of(keys->seal, sizeof keys->seal), seed, bytes_of_string(object_label), key,
                KEY_SIZE);
}

int object_seal_with(const struct object_keys *keys, const uint8_t name[OBJECT_NAME_SIZE],
                     uint64_t generation, const uint8_t seed[32], struct bytes slice,
                     struct buffer *out, struct aceso_error *error)
{
    struct buffer plain = BUFFER_INIT(OBJECT_CLASS_MAX);
    size_t start = out->len;
    uint8_t key[KEY_SIZE];
    int code;

    if (slice.len > OBJECT_PIECE_MAX)
        return error_set(error, ACESO_ELIMIT, "object", "over %zu bytes", OBJECT_PIECE_MAX);
    (void)buffer_put(&plain, name, OBJECT_NAME_SIZE);
    (void)buffer_put_u64(&plain, generation);
    (void)buffer_put_field(&plain, slice);
    code = buffer_put_zeros(&plain, object_class(slice.len) - OBJECT_HEAD - slice.len);
    (void)buffer_put_u8(out, RECORD_VERSION_BYTE);
    (void)buffer_put(out, seed, SEED_SIZE);
    if (!code)
        code = out->failed;
    if (!code) {
        object_key(keys, bytes_of(seed, SEED_SIZE), key);
        code = aead_seal(key, object_nonce, bytes_of(object_aad, sizeof object_aad),
                         buffer_bytes(&plain), out);
        secret_wipe(key, sizeof key);
    }
    buffer_free(&plain);
    if (code && out->data)
        out->len = start;
    return code ? error_set(error, code, "object", "no memory for an object") : ACESO_OK;
}

int object_seal(const struct object_keys *keys, const uint8_t name[OBJECT_NAME_SIZE],
                uint64_t generation, struct bytes slice, struct buffer *out,
                struct aceso_error *error)
{
    uint8_t seed[SEED_SIZE];

    secret_random(seed, sizeof seed);
    return object_seal_with(keys, name, generation, seed, slice, out, error);
}

static bool object_size_valid(size_t size)
{
    size_t class_size = size - OBJECT_OVERHEAD;

    return size >= OBJECT_SIZE_MIN && size <= OBJECT_SIZE_MAX &&
           (class_size & (class_size - 1)) == 0;
}

/* Reads a plain text whose tag was right: of it, too, there is one form only. */
static enum object_fault object_read(struct bytes plain, const uint8_t name[OBJECT_NAME_SIZE],
                                     uint64_t generation, struct bytes *slice)
{
    struct reader reader = reader_of(plain);
    struct bytes found = reader_take(&reader, OBJECT_NAME_SIZE);
    uint64_t age = reader_u64(&reader);
    struct bytes held = reader_field(&reader, OBJECT_PIECE_MAX);

    if (reader.failed || object_class(held.len) != plain.len)
        return OBJECT_CHANGED;
    for (size_t i = 0; i < reader.left; i++) {
        if (reader.at[i])
            return OBJECT_CHANGED;
    }
    if (memcmp(found.data, name, OBJECT_NAME_SIZE) != 0)
        return OBJECT_SWAPPED;
    if (age != generation)
        return age < generation ? OBJECT_ROLLED_BACK : OBJECT_NEWER;
    *slice = held;
    return OBJECT_SOUND;
}

int object_open(const struct object_keys *keys, const uint8_t name[OBJECT_NAME_SIZE],
                uint64_t generation, struct bytes object, struct buffer *out,
                enum object_fault *fault, struct aceso_error *error)
{
    struct buffer plain = BUFFER_INIT(OBJECT_CLASS_MAX);
    struct bytes seed, slice = { NULL, 0 };
    uint8_t key[KEY_SIZE];
    int code;

    *fault = OBJECT_CHANGED;
    if (!object_size_valid(object.len) || object.data[0] != RECORD_VERSION_BYTE)
        return ACESO_OK;
    seed = bytes_of(object.data + 1, SEED_SIZE);
    object_key(keys, seed, key);
    code = aead_open(key, object_nonce, bytes_of(object_aad, sizeof object_aad),
                     bytes_of(seed.data + SEED_SIZE, object.len - 1 - SEED_SIZE), &plain);
    secret_wipe(key, sizeof key);
    if (!code)
        *fault = object_read(buffer_bytes(&plain), name, generation, &slice);
    if (!code && *fault == OBJECT_SOUND)
        code = buffer_put_bytes(out, slice);
    buffer_free(&plain);
    if (code && code != ACESO_EVERIFY)
        return error_set(error, code, "object", "no memory for an object");
    return ACESO_OK;
}

int object_content_put(const struct bytes part[RECORD_LEVELS], struct buffer *out,
                       struct aceso_error *error)
{
    int code = buffer_put_u8(out, RECORD_VERSION_BYTE);

    for (size_t i = 0; !code && i < RECORD_LEVELS; i++)
        code = buffer_put_field(out, part[i]);
    return code ? error_set(error, code, "object", "a record over %zu bytes", out->max) : ACESO_OK;
}

bool object_content_read(struct bytes content, struct bytes part[RECORD_LEVELS])
{
    struct reader reader = reader_of(content);

    if (reader_u8(&reader) != RECORD_VERSION_BYTE)
        return false;
    for (size_t i = 0; i < RECORD_LEVELS; i++)
        part[i] = reader_field(&reader, OBJECT_CONTENT_MAX);
    return reader_done(&reader);
}
