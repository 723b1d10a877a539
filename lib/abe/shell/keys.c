/* SPDX-License-Identifier: Apache-2.0 */
/* Authority setup, key generation, import of keys. Shell: uses core and the heap. No I/O. */
#include "../core/keys.h"

#include "../core/octets.h"
#include "generators.h"
#include "many.h"
#include "objects.h"

#include <stddef.h>
#include <stdlib.h>

/* Length of a well-formed attribute, 0 otherwise. Reads no further than an attribute can reach. */
static size_t attribute_length(const char *attribute)
{
    const char *end = memchr(attribute, '\0', ACESO_ABE_ATTRIBUTE_MAX + 1);
    size_t length = end != NULL ? (size_t)(end - attribute) : 0;

    return abe_attribute_valid(attribute, length) ? length : 0;
}

bool aceso_abe_attribute_valid(const char *attribute)
{
    return attribute_length(attribute) > 0;
}

int aceso_abe_setup(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *attribute,
                    uint8_t public_key[ACESO_ABE_PUBLIC_KEY_MAX], size_t *length)
{
    size_t n = attribute_length(attribute);
    uint8_t made[ACESO_ABE_PUBLIC_KEY_MAX];
    struct abe_secret secret;
    size_t made_length;

    if (n == 0)
        return ACESO_ABE_ATTRIBUTE;
    abe_secret_derive(seed, attribute, n, &secret);
    made_length = abe_public_make(&secret, attribute, n, abe_generator_tables(), made);
    abe_wipe(&secret, sizeof(secret));
    if (made_length == 0)
        return ACESO_ABE_BAD_KEY;
    memcpy(public_key, made, made_length);
    *length = made_length;
    return ACESO_ABE_OK;
}

int aceso_abe_keygen(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *attribute,
                     const uint8_t *gid, size_t gid_length,
                     uint8_t user_key[ACESO_ABE_USER_KEY_MAX], size_t *length)
{
    size_t n = attribute_length(attribute);
    uint8_t made[ACESO_ABE_USER_KEY_MAX];
    struct abe_secret secret;
    size_t made_length;

    if (n == 0)
        return ACESO_ABE_ATTRIBUTE;
    if (gid_length == 0 || gid_length > ACESO_ABE_GID_MAX)
        return ACESO_ABE_ARGUMENT;
    abe_secret_derive(seed, attribute, n, &secret);
    made_length =
        abe_user_make(&secret, attribute, n, gid, gid_length, abe_generator_g2_table(), made);
    abe_wipe(&secret, sizeof(secret));
    if (made_length > 0) {
        memcpy(user_key, made, made_length);
        *length = made_length;
    }
    abe_wipe(made, sizeof(made));
    return made_length > 0 ? ACESO_ABE_OK : ACESO_ABE_BAD_KEY;
}

/* Keys of many attributes; `gid` NULL: public ones. */
struct making {
    const uint8_t *seed;
    const char *const *attributes;
    const uint8_t *gid;
    size_t gid_length;
    struct aceso_abe_serialized *keys;
    int *codes;
};

static void make_one(void *context, size_t index)
{
    const struct making *making = context;
    struct aceso_abe_serialized *key = &making->keys[index];
    const char *attribute = making->attributes[index];

    making->codes[index] = making->gid == NULL
                               ? aceso_abe_setup(making->seed, attribute, key->bytes, &key->length)
                               : aceso_abe_keygen(making->seed, attribute, making->gid,
                                                  making->gid_length, key->bytes, &key->length);
}

/* Into memory of its own, that is handed over when all are made. */
static int make_all(struct making *making, size_t count, unsigned threads,
                    struct aceso_abe_serialized *keys)
{
    size_t size = count * sizeof(*keys);
    int code = ACESO_ABE_OK;

    if (count == 0)
        return ACESO_ABE_OK;
    if (count > SIZE_MAX / sizeof(*keys))
        return ACESO_ABE_LIMIT;
    making->keys = calloc(count, sizeof(*keys));
    making->codes = calloc(count, sizeof(*making->codes));
    if (making->keys == NULL || making->codes == NULL) {
        code = ACESO_ABE_NO_MEMORY;
    } else {
        abe_many(count, threads, make_one, making);
        for (size_t i = 0; i < count && code == ACESO_ABE_OK; i++)
            code = making->codes[i];
        if (code == ACESO_ABE_OK)
            memcpy(keys, making->keys, size);
        abe_wipe(making->keys, size);
    }
    free(making->keys);
    free(making->codes);
    return code;
}

int aceso_abe_setup_many(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *const *attributes,
                         size_t count, unsigned threads, struct aceso_abe_serialized *keys)
{
    struct making making = { .seed = seed, .attributes = attributes };

    return make_all(&making, count, threads, keys);
}

int aceso_abe_keygen_many(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *const *attributes,
                          size_t count, const uint8_t *gid, size_t gid_length, unsigned threads,
                          struct aceso_abe_serialized *user_keys)
{
    struct making making = {
        .seed = seed, .attributes = attributes, .gid = gid, .gid_length = gid_length
    };

    if (gid == NULL || gid_length == 0 || gid_length > ACESO_ABE_GID_MAX)
        return ACESO_ABE_ARGUMENT;
    return make_all(&making, count, threads, user_keys);
}

/* ---- public keys ----------------------------------------------------------------------- */

/* A key with what its users share, in one piece of memory. */
struct public_key_box {
    struct aceso_abe_public_key key;
    struct abe_shared shared;
};

struct user_key_box {
    struct aceso_abe_user_key key;
    struct abe_shared shared;
};

static void public_key_destroy(struct abe_shared *shared)
{
    free((uint8_t *)shared - offsetof(struct public_key_box, shared));
}

static struct aceso_abe_public_key *public_key_of(struct abe_shared *shared)
{
    return &((struct public_key_box *)((uint8_t *)shared - offsetof(struct public_key_box, shared)))
                ->key;
}

static void make_tables(const void *key, void *out)
{
    const struct abe_public *core = key;

    abe_tables_make(&core->a, &core->y, out);
}

const struct abe_tables *abe_public_key_pin(const struct aceso_abe_public_key *key)
{
    if (key->shared->cache == NULL)
        return NULL;
    return abe_shared_pin(key->shared, 0, sizeof(struct abe_tables), make_tables, &key->core);
}

int aceso_abe_public_key_import(const uint8_t *bytes, size_t length,
                                struct aceso_abe_public_key **key)
{
    struct public_key_box *made = calloc(1, sizeof(*made));
    int code;

    if (made == NULL)
        return ACESO_ABE_NO_MEMORY;
    code = abe_public_decode(bytes, length, &made->key.core);
    if (code == ACESO_ABE_OK && !abe_public_check(&made->key.core))
        code = ACESO_ABE_BAD_KEY;
    if (code == ACESO_ABE_OK) {
        abe_shared_begin(&made->shared, sizeof(*made), public_key_destroy);
        memcpy(made->shared.digest, made->key.core.digest, sizeof(made->shared.digest));
        made->key.shared = &made->shared;
        *key = &made->key;
    } else {
        free(made);
    }
    return code;
}

int aceso_abe_public_key_import_cached(struct aceso_abe_cache *cache, const uint8_t *bytes,
                                       size_t length, struct aceso_abe_public_key **key)
{
    uint8_t digest[ABE_HASH_SIZE];
    struct abe_shared *found;
    struct aceso_abe_public_key *made;
    int code;

    if (length > ACESO_ABE_PUBLIC_KEY_MAX)
        return ACESO_ABE_FORMAT;
    abe_sha256(bytes, length, digest);
    found = abe_cache_find(cache, digest);
    if (found == NULL) {
        code = aceso_abe_public_key_import(bytes, length, &made);
        if (code != ACESO_ABE_OK)
            return code;
        found = abe_cache_insert(cache, made->shared);
    }
    *key = public_key_of(found);
    return ACESO_ABE_OK;
}

void aceso_abe_public_key_free(struct aceso_abe_public_key *key)
{
    if (key != NULL)
        abe_shared_release(key->shared);
}

const char *aceso_abe_public_key_attribute(const struct aceso_abe_public_key *key)
{
    return key->core.attribute;
}

void aceso_abe_public_key_digest(const struct aceso_abe_public_key *key,
                                 uint8_t digest[ACESO_ABE_DIGEST_SIZE])
{
    memcpy(digest, key->core.digest, ACESO_ABE_DIGEST_SIZE);
}

/* ---- user keys ------------------------------------------------------------------------- */

static void user_key_destroy(struct abe_shared *shared)
{
    struct user_key_box *box =
        (struct user_key_box *)((uint8_t *)shared - offsetof(struct user_key_box, shared));

    abe_wipe(box, sizeof(*box));
    free(box);
}

static struct aceso_abe_user_key *user_key_of(struct abe_shared *shared)
{
    return &((struct user_key_box *)((uint8_t *)shared - offsetof(struct user_key_box, shared)))
                ->key;
}

static void make_lines(const void *key, void *out)
{
    const struct abe_user *core = key;

    abe_lines_make(&core->k, out);
}

static void make_gid_lines(const void *key, void *out)
{
    const struct abe_user *core = key;

    abe_lines_make(&core->h, out);
}

const struct abe_lines *abe_user_key_pin(const struct aceso_abe_user_key *key)
{
    return abe_shared_pin(key->shared, 0, sizeof(struct abe_lines), make_lines, &key->core);
}

const struct abe_lines *abe_user_key_pin_gid(const struct aceso_abe_user_key *key)
{
    return abe_shared_pin(key->shared, 1, sizeof(struct abe_lines), make_gid_lines, &key->core);
}

int aceso_abe_user_key_import(const uint8_t *bytes, size_t length,
                              const struct aceso_abe_public_key *public_key,
                              struct aceso_abe_user_key **key)
{
    struct user_key_box *made = calloc(1, sizeof(*made));
    int code;

    if (made == NULL)
        return ACESO_ABE_NO_MEMORY;
    code = abe_user_decode(bytes, length, &made->key.core);
    if (code == ACESO_ABE_OK &&
        (made->key.core.attribute_length != public_key->core.attribute_length ||
         memcmp(made->key.core.attribute, public_key->core.attribute,
                made->key.core.attribute_length) != 0))
        code = ACESO_ABE_ATTRIBUTE;
    if (code == ACESO_ABE_OK && !abe_user_check(&made->key.core, &public_key->core))
        code = ACESO_ABE_BAD_KEY;
    abe_shared_begin(&made->shared, sizeof(*made), user_key_destroy);
    made->key.shared = &made->shared;
    if (code == ACESO_ABE_OK)
        *key = &made->key;
    else
        abe_shared_release(&made->shared);
    return code;
}

int aceso_abe_user_key_import_cached(struct aceso_abe_cache *cache, const uint8_t *bytes,
                                     size_t length, const struct aceso_abe_public_key *public_key,
                                     struct aceso_abe_user_key **key)
{
    uint8_t both[ACESO_ABE_USER_KEY_MAX + ABE_HASH_SIZE];
    uint8_t digest[ABE_HASH_SIZE];
    struct abe_shared *found;
    struct aceso_abe_user_key *made;
    int code;

    if (length > ACESO_ABE_USER_KEY_MAX)
        return ACESO_ABE_FORMAT;
    /* A key found was checked against this very public key. */
    memcpy(both, public_key->core.digest, ABE_HASH_SIZE);
    if (length > 0)
        memcpy(both + ABE_HASH_SIZE, bytes, length);
    abe_sha256(both, ABE_HASH_SIZE + length, digest);
    abe_wipe(both, sizeof(both));
    found = abe_cache_find(cache, digest);
    if (found == NULL) {
        code = aceso_abe_user_key_import(bytes, length, public_key, &made);
        if (code != ACESO_ABE_OK)
            return code;
        memcpy(made->shared->digest, digest, sizeof(digest));
        found = abe_cache_insert(cache, made->shared);
    }
    *key = user_key_of(found);
    return ACESO_ABE_OK;
}

void aceso_abe_user_key_free(struct aceso_abe_user_key *key)
{
    if (key != NULL)
        abe_shared_release(key->shared);
}

const char *aceso_abe_user_key_attribute(const struct aceso_abe_user_key *key)
{
    return key->core.attribute;
}

const uint8_t *aceso_abe_user_key_gid(const struct aceso_abe_user_key *key, size_t *length)
{
    *length = key->core.gid_length;
    return key->core.gid;
}
