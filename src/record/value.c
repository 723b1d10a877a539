/* SPDX-License-Identifier: Apache-2.0 */
#include "record/value.h"

#include "crypto/digest.h"
#include "record/patch_json.h"

#include <stdlib.h>
#include <string.h>

static void value_put_head(struct digest *digest, char tag, size_t number)
{
    const uint8_t head[5] = { (uint8_t)tag, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 8), (uint8_t)number };

    digest_update(digest, bytes_of(head, sizeof head));
}

/* Strings, numbers (their text) and keys. */
static void value_put_text(struct digest *digest, char tag, const char *text, size_t len)
{
    value_put_head(digest, tag, len);
    digest_update(digest, bytes_of(text, len));
}

static int value_order(const void *a, const void *b)
{
    yyjson_val *left = *(yyjson_val *const *)a, *right = *(yyjson_val *const *)b;
    size_t left_len = yyjson_get_len(left), right_len = yyjson_get_len(right);
    int order = memcmp(yyjson_get_str(left), yyjson_get_str(right),
                       left_len < right_len ? left_len : right_len);

    if (order)
        return order;
    return left_len < right_len ? -1 : left_len > right_len;
}

static int value_put(struct digest *digest, yyjson_val *value, struct aceso_error *error);

/* The members of the sorted `keys`. */
static int value_put_members(struct digest *digest, yyjson_val **keys, size_t count,
                             struct aceso_error *error)
{
    int code = ACESO_OK;

    qsort(keys, count, sizeof *keys, value_order);
    value_put_head(digest, '{', count);
    for (size_t i = 0; i < count && !code; i++) {
        if (i > 0 && value_order(&keys[i - 1], &keys[i]) == 0)
            return error_set(error, ACESO_EFORMAT, "value", "an object has a key twice");
        value_put_text(digest, ':', yyjson_get_str(keys[i]), yyjson_get_len(keys[i]));
        code = value_put(digest, yyjson_obj_iter_get_val(keys[i]), error);
    }
    return code;
}

static bool value_named(yyjson_val *key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (yyjson_equals_str(key, names[i]))
            return true;
    }
    return false;
}

/* An object, or (with `names`) some of its members. */
static int value_put_object(struct digest *digest, yyjson_val *object, const char *const *names,
                            size_t name_count, struct aceso_error *error)
{
    yyjson_obj_iter members = yyjson_obj_iter_with(object);
    yyjson_val **keys = malloc((yyjson_obj_size(object) + 1) * sizeof(*keys)), *key;
    size_t count = 0;
    int code;

    if (!keys)
        return error_set(error, ACESO_EMEMORY, "value", "out of memory");
    while ((key = yyjson_obj_iter_next(&members)) != NULL) {
        if (!names || value_named(key, names, name_count))
            keys[count++] = key;
    }
    code = value_put_members(digest, keys, count, error);
    free(keys);
    return code;
}

/* The depth was checked by the parser. */
static int value_put(struct digest *digest, yyjson_val *value, struct aceso_error *error)
{
    yyjson_arr_iter items;
    yyjson_val *item;
    int code = ACESO_OK;

    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_NULL:
        value_put_head(digest, 'n', 0);
        break;
    case YYJSON_TYPE_BOOL:
        value_put_head(digest, yyjson_is_true(value) ? 't' : 'f', 0);
        break;
    case YYJSON_TYPE_RAW:
        value_put_text(digest, '#', yyjson_get_raw(value), yyjson_get_len(value));
        break;
    case YYJSON_TYPE_STR:
        value_put_text(digest, '"', yyjson_get_str(value), yyjson_get_len(value));
        break;
    case YYJSON_TYPE_ARR:
        value_put_head(digest, '[', yyjson_arr_size(value));
        items = yyjson_arr_iter_with(value);
        while (!code && (item = yyjson_arr_iter_next(&items)) != NULL)
            code = value_put(digest, item, error);
        break;
    case YYJSON_TYPE_OBJ:
        code = value_put_object(digest, value, NULL, 0, error);
        break;
    default:
        code = error_set(error, ACESO_EFORMAT, "value", "not a JSON value");
        break;
    }
    return code;
}

static int value_digest_some(struct bytes json, const char *const *names, size_t count,
                             uint8_t out[RECORD_HASH_SIZE], struct aceso_error *error)
{
    struct digest digest;
    yyjson_doc *doc = NULL;
    yyjson_val *root;
    uint8_t result[RECORD_HASH_SIZE];
    int code = patch_json_parse(json, RECORD_DEPTH_MAX, "value", &doc, error);

    if (code)
        return code;
    root = yyjson_doc_get_root(doc);
    digest_init(&digest);
    if (!names)
        code = value_put(&digest, root, error);
    else if (yyjson_is_obj(root))
        code = value_put_object(&digest, root, names, count, error);
    else
        code = error_set(error, ACESO_EFORMAT, "value", "not an object");
    digest_final(&digest, result);
    yyjson_doc_free(doc);
    if (!code)
        memcpy(out, result, sizeof result);
    return code;
}

int value_digest(struct bytes json, uint8_t digest[RECORD_HASH_SIZE], struct aceso_error *error)
{
    return value_digest_some(json, NULL, 0, digest, error);
}

int value_digest_of(struct bytes json, const char *const *names, size_t count,
                    uint8_t digest[RECORD_HASH_SIZE], struct aceso_error *error)
{
    return value_digest_some(json, names, count, digest, error);
}
