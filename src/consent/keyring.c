/* SPDX-License-Identifier: Apache-2.0 */
#include "consent/keyring.h"

#include <stdlib.h>
#include <string.h>

#define KEYRING_LIST_VERSION 1

struct keyring {
    uint8_t address[20];
    struct aceso_abe_public_key **publics;
    size_t public_count;
    struct aceso_abe_user_key **users;
    size_t user_count;
};

int keyring_abe_error(int abe_code, const char *what, struct aceso_error *error)
{
    int code;

    switch (abe_code) {
    case ACESO_ABE_OK:
        return ACESO_OK;
    case ACESO_ABE_NO_MEMORY:
        code = ACESO_EMEMORY;
        break;
    case ACESO_ABE_LIMIT:
        code = ACESO_ELIMIT;
        break;
    case ACESO_ABE_FORMAT:
    case ACESO_ABE_ATTRIBUTE:
    case ACESO_ABE_POLICY:
        code = ACESO_EFORMAT;
        break;
    case ACESO_ABE_MISSING_KEY:
        code = ACESO_ENOTFOUND;
        break;
    case ACESO_ABE_UNSATISFIED:
        code = ACESO_EDENIED;
        break;
    case ACESO_ABE_BAD_KEY:
    case ACESO_ABE_REFUSED:
        code = ACESO_EVERIFY;
        break;
    default:
        code = ACESO_EINTERNAL;
        break;
    }
    return error_set(error, code, what, "%s", aceso_abe_strerror(abe_code));
}

struct keyring *keyring_create(const uint8_t address[20])
{
    struct keyring *keyring = calloc(1, sizeof *keyring);

    if (keyring)
        memcpy(keyring->address, address, sizeof keyring->address);
    return keyring;
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    for (size_t i = 0; i < keyring->public_count; i++)
        aceso_abe_public_key_free(keyring->publics[i]);
    for (size_t i = 0; i < keyring->user_count; i++)
        aceso_abe_user_key_free(keyring->users[i]);
    free(keyring->publics);
    free(keyring->users);
    free(keyring);
}

static const struct aceso_abe_public_key *keyring_find(const struct keyring *keyring,
                                                       const char *attribute)
{
    for (size_t i = 0; i < keyring->public_count; i++) {
        if (strcmp(aceso_abe_public_key_attribute(keyring->publics[i]), attribute) == 0)
            return keyring->publics[i];
    }
    return NULL;
}

bool keyring_has_public(const struct keyring *keyring, const char *attribute)
{
    return keyring_find(keyring, attribute) != NULL;
}

/* Makes room for one more pointer in `*array`. */
static int keyring_room(void **array, size_t count, struct aceso_error *error)
{
    void *grown;

    if (count >= KEYRING_KEYS_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "more than %d keys", KEYRING_KEYS_MAX);
    grown = realloc(*array, (count + 1) * sizeof(void *));
    if (!grown)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    *array = grown;
    return ACESO_OK;
}

int keyring_add_public(struct keyring *keyring, struct bytes bytes, struct aceso_error *error)
{
    struct aceso_abe_public_key *key = NULL;
    const struct aceso_abe_public_key *there;
    uint8_t digest[32], other[32];
    void *array = keyring->publics;
    int code;

    code = keyring_abe_error(aceso_abe_public_key_import(bytes.data, bytes.len, &key),
                             "public key", error);
    if (code)
        return code;
    there = keyring_find(keyring, aceso_abe_public_key_attribute(key));
    if (there) {
        aceso_abe_public_key_digest(there, digest);
        aceso_abe_public_key_digest(key, other);
        if (memcmp(digest, other, sizeof digest) != 0)
            code = error_set(error, ACESO_EVERIFY, aceso_abe_public_key_attribute(there),
                             "another public key is known for this attribute");
        aceso_abe_public_key_free(key);
        return code;
    }
    code = keyring_room(&array, keyring->public_count, error);
    if (code) {
        aceso_abe_public_key_free(key);
        return code;
    }
    keyring->publics = array;
    keyring->publics[keyring->public_count++] = key;
    return ACESO_OK;
}

/* The attribute's name stands in the key in the clear; the import checks the rest, so each known
 * public key is tried until one is for the same attribute. */
static int keyring_import_user(const struct keyring *keyring, struct bytes bytes,
                               struct aceso_abe_user_key **key, struct aceso_error *error)
{
    for (size_t i = 0; i < keyring->public_count; i++) {
        int abe = aceso_abe_user_key_import(bytes.data, bytes.len, keyring->publics[i], key);

        if (abe != ACESO_ABE_ATTRIBUTE)
            return keyring_abe_error(abe, "user key", error);
    }
    return error_set(error, ACESO_ENOTFOUND, "user key",
                     "the public key of its attribute is not known");
}

int keyring_add_user(struct keyring *keyring, struct bytes bytes, struct aceso_error *error)
{
    struct aceso_abe_user_key *key = NULL;
    void *array = keyring->users;
    const uint8_t *gid;
    size_t gid_length;
    int code = keyring_import_user(keyring, bytes, &key, error);

    if (code)
        return code;
    gid = aceso_abe_user_key_gid(key, &gid_length);
    if (gid_length != sizeof keyring->address ||
        memcmp(gid, keyring->address, sizeof keyring->address) != 0) {
        aceso_abe_user_key_free(key);
        return error_set(error, ACESO_EVERIFY, "user key", "it is another user's");
    }
    for (size_t i = 0; i < keyring->user_count; i++) {
        if (strcmp(aceso_abe_user_key_attribute(keyring->users[i]),
                   aceso_abe_user_key_attribute(key)) == 0) {
            aceso_abe_user_key_free(key);
            return ACESO_OK;
        }
    }
    code = keyring_room(&array, keyring->user_count, error);
    if (code) {
        aceso_abe_user_key_free(key);
        return code;
    }
    keyring->users = array;
    keyring->users[keyring->user_count++] = key;
    return ACESO_OK;
}

static int keyring_add_each(void *data, struct bytes key, struct aceso_error *error)
{
    return keyring_add_public(data, key, error);
}

int keyring_add_list(struct keyring *keyring, struct bytes list, struct aceso_error *error)
{
    return keyring_read_list(list, keyring_add_each, keyring, error);
}

const struct aceso_abe_public_key *const *keyring_public(const struct keyring *keyring,
                                                         size_t *count)
{
    *count = keyring->public_count;
    return (const struct aceso_abe_public_key *const *)keyring->publics;
}

const struct aceso_abe_user_key *const *keyring_user(const struct keyring *keyring, size_t *count)
{
    *count = keyring->user_count;
    return (const struct aceso_abe_user_key *const *)keyring->users;
}

static int keyring_compare(const void *left, const void *right)
{
    const struct bytes *a = left, *b = right;
    size_t len = a->len < b->len ? a->len : b->len;
    int order = len ? memcmp(a->data, b->data, len) : 0;

    return order ? order : (a->len > b->len) - (a->len < b->len);
}

int keyring_put_list(struct bytes *keys, size_t count, struct buffer *out)
{
    if (count > KEYRING_KEYS_MAX)
        return ACESO_ELIMIT;
    if (count)
        qsort(keys, count, sizeof *keys, keyring_compare);
    (void)buffer_put_u8(out, KEYRING_LIST_VERSION);
    (void)buffer_put_u16(out, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        (void)buffer_put_field(out, keys[i]);
    return out->failed;
}

int keyring_read_list(struct bytes list,
                      int (*each)(void *data, struct bytes key, struct aceso_error *error),
                      void *data, struct aceso_error *error)
{
    struct reader reader = reader_of(list);
    struct bytes before = { NULL, 0 };
    size_t count;
    int code;

    if (reader_u8(&reader) != KEYRING_LIST_VERSION)
        return error_set(error, ACESO_EFORMAT, "list of keys", "unknown version");
    count = reader_u16(&reader);
    for (size_t i = 0; i < count; i++) {
        struct bytes key = reader_field(&reader, ACESO_ABE_PUBLIC_KEY_MAX);

        if (reader.failed)
            return error_set(error, ACESO_EFORMAT, "list of keys", "cut off at key %zu", i);
        if (i && keyring_compare(&before, &key) >= 0)
            return error_set(error, ACESO_EFORMAT, "list of keys", "key %zu is out of order", i);
        code = each(data, key, error);
        if (code)
            return code;
        before = key;
    }
    if (!reader_done(&reader))
        return error_set(error, ACESO_EFORMAT, "list of keys", "bytes after the end");
    return ACESO_OK;
}
