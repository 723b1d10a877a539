/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/abe_files.h"

#include <stdlib.h>
#include <string.h>

enum {
    ABE_KEY_PUBLIC = 1, /* third byte of each */
    ABE_KEY_USER = 2,
    ABE_KEY_SECRET = 6,
    ABE_KEY_HEAD = 5, /* version, suite, kind, length of the attribute or label */
    ABE_KEY_CHECK = 8
};

int abe_key_line(struct bytes key, struct buffer *out)
{
    int code = text_base64(key, out);

    return code ? code : buffer_put_string(out, "\n");
}

/* ---- the authority's secret ----------------------------------------------------------------- */

int abe_secret_write(const struct abe_secret *secret, struct buffer *out)
{
    struct buffer key = BUFFER_INIT_SECRET(512);
    uint8_t digest[ACESO_ABE_DIGEST_SIZE];
    size_t length = strlen(secret->authority);
    int code;

    (void)buffer_put_u8(&key, ACESO_ABE_VERSION);
    (void)buffer_put_u8(&key, ACESO_ABE_SUITE);
    (void)buffer_put_u8(&key, ABE_KEY_SECRET);
    (void)buffer_put_u16(&key, (uint16_t)length);
    (void)buffer_put(&key, secret->authority, length);
    (void)buffer_put(&key, secret->seed, sizeof secret->seed);
    aceso_abe_digest(key.data, key.len, digest);
    (void)buffer_put(&key, digest, ABE_KEY_CHECK);
    (void)buffer_printf(out, "# secret of the authority %s: whoever has it gives its keys\n",
                        secret->authority);
    code = key.failed ? key.failed : abe_key_line(buffer_bytes(&key), out);
    secret_wipe(digest, sizeof digest);
    buffer_free(&key);
    return code;
}

static bool abe_secret_parse(struct bytes key, struct abe_secret *secret)
{
    struct reader reader = reader_of(key);
    uint8_t digest[ACESO_ABE_DIGEST_SIZE], check[ABE_KEY_CHECK];
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1] = "x@";
    bool good = reader_u8(&reader) == ACESO_ABE_VERSION && reader_u8(&reader) == ACESO_ABE_SUITE &&
                reader_u8(&reader) == ABE_KEY_SECRET;
    size_t length = reader_u16(&reader);

    if (!good || length > sizeof attribute - 3)
        return false;
    reader_copy(&reader, attribute + 2, length);
    reader_copy(&reader, secret->seed, sizeof secret->seed);
    reader_copy(&reader, check, sizeof check);
    if (!reader_done(&reader) || strlen(attribute) != length + 2 ||
        !aceso_abe_attribute_valid(attribute))
        return false;
    memcpy(secret->authority, attribute + 2, length + 1);
    aceso_abe_digest(key.data, key.len - ABE_KEY_CHECK, digest);
    return secret_equal(digest, check, sizeof check);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* The next key of a file's text into `key`; false at the end. ACESO_EFORMAT in `*code`. */
static bool abe_next_key(struct bytes *text, struct buffer *key, int *code)
{
    while (text->len && !*code) {
        const uint8_t *end = memchr(text->data, '\n', text->len);
        size_t length = end ? (size_t)(end - text->data) : text->len;
        const char *line = (const char *)text->data;

        text->data += end ? length + 1 : length;
        text->len -= end ? length + 1 : length;
        if (length && line[length - 1] == '\r')
            length--;
        if (!length || line[0] == '#')
            continue;
        buffer_clear(key);
        *code = text_unbase64(line, length, key);
        if (!*code && (key->len < ABE_KEY_HEAD || key->data[0] != ACESO_ABE_VERSION ||
                       key->data[1] != ACESO_ABE_SUITE))
            *code = ACESO_EFORMAT;
        return !*code;
    }
    return false;
}

int abe_secret_read(const char *path, struct abe_secret *secret, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT_SECRET(ABE_KEY_FILE_MAX);
    struct buffer key = BUFFER_INIT_SECRET(4096);
    struct abe_secret found = { "", { 0 } };
    int code = file_read(path, &text, error);
    struct bytes rest = buffer_bytes(&text);
    int malformed = 0;

    if (!code &&
        (!abe_next_key(&rest, &key, &malformed) || !abe_secret_parse(buffer_bytes(&key), &found) ||
         abe_next_key(&rest, &key, &malformed) || malformed))
        code = error_set(error, ACESO_EFORMAT, path, "this is no authority's secret");
    if (!code)
        *secret = found;
    secret_wipe(&found, sizeof found);
    buffer_free(&text);
    buffer_free(&key);
    return code;
}

/* ---- public and user keys ------------------------------------------------------------------- */

/* The keys of the files as bytes, before they are imported. */
struct abe_raw {
    struct buffer bytes; /* one after the other, each with its length in front */
    size_t count[2];     /* public, user */
};

static int abe_raw_read(const char *path, struct abe_raw *raw, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT_SECRET(ABE_KEY_FILE_MAX);
    struct buffer key = BUFFER_INIT_SECRET(4096);
    int malformed = 0;
    int code = file_read(path, &text, error);
    struct bytes rest = buffer_bytes(&text);

    while (!code && abe_next_key(&rest, &key, &malformed)) {
        uint8_t kind = key.data[2];

        if (kind == ABE_KEY_SECRET)
            code = error_set(error, ACESO_EUSAGE, path, "this is an authority's secret");
        else if (kind != ABE_KEY_PUBLIC && kind != ABE_KEY_USER)
            code = error_set(error, ACESO_EFORMAT, path, "a key of an unknown kind");
        else if (raw->count[kind - 1]++ >= ABE_KEYS_MAX)
            code = error_set(error, ACESO_ELIMIT, path, "more than %d keys", ABE_KEYS_MAX);
        else
            code = buffer_put_field(&raw->bytes, buffer_bytes(&key));
    }
    if (!code && malformed)
        code = error_set(error, ACESO_EFORMAT, path, "this is no key file");
    buffer_free(&text);
    buffer_free(&key);
    return code;
}

static struct aceso_abe_public_key *abe_public_of(const struct abe_keys *keys,
                                                  const char *attribute)
{
    for (size_t i = 0; i < keys->public_count; i++) {
        if (strcmp(aceso_abe_public_key_attribute(keys->public_keys[i]), attribute) == 0)
            return keys->public_keys[i];
    }
    return NULL;
}

/* The attribute inside a key; "" where there is none. */
static void abe_attribute_of(struct bytes key, char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1])
{
    size_t length = (size_t)key.data[3] << 8 | key.data[4];

    attribute[0] = '\0';
    if (length > ACESO_ABE_ATTRIBUTE_MAX || length > key.len - ABE_KEY_HEAD ||
        memchr(key.data + ABE_KEY_HEAD, 0, length))
        return;
    memcpy(attribute, key.data + ABE_KEY_HEAD, length);
    attribute[length] = '\0';
}

static int abe_add_public(struct bytes bytes, struct abe_keys *keys, struct aceso_error *error)
{
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];
    uint8_t had[ACESO_ABE_DIGEST_SIZE], digest[ACESO_ABE_DIGEST_SIZE];
    const struct aceso_abe_public_key *same;

    abe_attribute_of(bytes, attribute);
    same = abe_public_of(keys, attribute);
    if (!same)
        return abe_failed(error,
                          aceso_abe_public_key_import(bytes.data, bytes.len,
                                                      &keys->public_keys[keys->public_count]),
                          attribute);
    aceso_abe_public_key_digest(same, had);
    aceso_abe_digest(bytes.data, bytes.len, digest);
    return memcmp(had, digest, sizeof had) == 0
               ? ACESO_OK
               : error_set(error, ACESO_EUSAGE, attribute, "two different public keys of it");
}

static int abe_add_user(struct bytes bytes, struct abe_keys *keys, struct aceso_error *error)
{
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];
    struct aceso_abe_user_key **added = &keys->user_keys[keys->user_count];
    const struct aceso_abe_public_key *public_key;
    const uint8_t *first, *gid;
    size_t first_length, length;
    int code;

    abe_attribute_of(bytes, attribute);
    public_key = abe_public_of(keys, attribute);
    if (!public_key)
        return error_set(error, ACESO_ENOTFOUND, attribute,
                         "its public key is not among the key files");
    code = abe_failed(error, aceso_abe_user_key_import(bytes.data, bytes.len, public_key, added),
                      attribute);
    if (code)
        return code;
    first = aceso_abe_user_key_gid(keys->user_keys[0], &first_length);
    gid = aceso_abe_user_key_gid(*added, &length);
    keys->user_count++;
    return first_length == length && memcmp(first, gid, length) == 0
               ? ACESO_OK
               : error_set(error, ACESO_EUSAGE, attribute,
                           "keys of two users: they cannot be used together");
}

/* Public keys first, for user keys are checked against them. */
static int abe_import(const struct abe_raw *raw, uint8_t kind, struct abe_keys *keys,
                      struct aceso_error *error)
{
    struct reader reader = reader_of(buffer_bytes(&raw->bytes));
    int code = ACESO_OK;

    while (!code && reader.left) {
        struct bytes key = reader_field(&reader, ABE_KEY_FILE_MAX);
        size_t before = keys->public_count;

        if (key.data[2] != kind)
            continue;
        if (kind == ABE_KEY_USER) {
            code = abe_add_user(key, keys, error);
            continue;
        }
        code = abe_add_public(key, keys, error);
        if (!code && keys->public_keys[before])
            keys->public_count++;
    }
    return code;
}

int abe_keys_read(const char *const *paths, size_t count, struct abe_keys *keys,
                  struct aceso_error *error)
{
    struct abe_raw raw = { .bytes = BUFFER_INIT_SECRET(BUFFER_MAX_DEFAULT) };
    struct abe_keys made = { 0 };
    int code = ACESO_OK;

    for (size_t i = 0; i < count && !code; i++)
        code = abe_raw_read(paths[i], &raw, error);
    if (!code) {
        /* One more than needed: calloc(0) may give NULL, and a double leaves its place empty. */
        made.public_keys = calloc(raw.count[0] + 1, sizeof(struct aceso_abe_public_key *));
        made.user_keys = calloc(raw.count[1] + 1, sizeof(struct aceso_abe_user_key *));
        if (!made.public_keys || !made.user_keys)
            code = error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    }
    if (!code)
        code = abe_import(&raw, ABE_KEY_PUBLIC, &made, error);
    if (!code)
        code = abe_import(&raw, ABE_KEY_USER, &made, error);
    if (code)
        abe_keys_free(&made);
    else
        *keys = made;
    buffer_free(&raw.bytes);
    return code;
}

void abe_keys_free(struct abe_keys *keys)
{
    for (size_t i = 0; i < keys->public_count; i++)
        aceso_abe_public_key_free(keys->public_keys[i]);
    for (size_t i = 0; i < keys->user_count; i++)
        aceso_abe_user_key_free(keys->user_keys[i]);
    free(keys->public_keys);
    free(keys->user_keys);
    *keys = (struct abe_keys){ 0 };
}
