/* SPDX-License-Identifier: Apache-2.0 */
#include "record/patch_json.h"

#include "base/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int patch_json_parse(struct bytes json, size_t depth_max, const char *what, yyjson_doc **doc,
                     struct aceso_error *error)
{
    yyjson_read_err failure;
    yyjson_doc *parsed;

    if (json.len > RECORD_TEXT_MAX)
        return error_set(error, ACESO_ELIMIT, what, "over %zu bytes", RECORD_TEXT_MAX);
    if (json.len == 0)
        return error_set(error, ACESO_EFORMAT, what, "empty");
    if (!json_depth_within(json, depth_max))
        return error_set(error, ACESO_ELIMIT, what, "deeper than %zu levels", depth_max);
    /* Without the in-situ flag yyjson does not write to its input. */
    parsed = yyjson_read_opts((char *)(uintptr_t)json.data, json.len, YYJSON_READ_NUMBER_AS_RAW,
                              NULL, &failure);
    if (!parsed && failure.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return error_set(error, ACESO_EMEMORY, what, "out of memory");
    if (!parsed)
        return error_set(error, ACESO_EFORMAT, what, "not JSON at byte %zu: %s", failure.pos,
                         failure.msg);
    *doc = parsed;
    return ACESO_OK;
}

static void write_escaped(uint8_t c, struct buffer *out)
{
    static const char hex[] = "0123456789ABCDEF";
    char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    const char *found = c ? strchr(plain, c) : NULL;

    if (!found) {
        (void)buffer_put(out, text, sizeof text);
        return;
    }
    text[1] = names[found - plain];
    (void)buffer_put(out, text, 2);
}

void patch_json_write_string(yyjson_val *value, struct buffer *out)
{
    const uint8_t *text = (const uint8_t *)yyjson_get_str(value);
    size_t len = yyjson_get_len(value), from = 0;

    (void)buffer_put_u8(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] >= 0x20 && text[i] != '"' && text[i] != '\\')
            continue;
        (void)buffer_put(out, text + from, i - from);
        write_escaped(text[i], out);
        from = i + 1;
    }
    (void)buffer_put(out, text + from, len - from);
    (void)buffer_put_u8(out, '"');
}

static void write_container(yyjson_val *value, struct buffer *out)
{
    bool object = yyjson_is_obj(value), comma = false;
    yyjson_val *item;

    (void)buffer_put_u8(out, object ? '{' : '[');
    if (object) {
        yyjson_obj_iter members = yyjson_obj_iter_with(value);

        while ((item = yyjson_obj_iter_next(&members))) {
            if (comma)
                (void)buffer_put_u8(out, ',');
            patch_json_write_string(item, out);
            (void)buffer_put_u8(out, ':');
            patch_json_write(yyjson_obj_iter_get_val(item), out);
            comma = true;
        }
    } else {
        yyjson_arr_iter elements = yyjson_arr_iter_with(value);

        while ((item = yyjson_arr_iter_next(&elements))) {
            if (comma)
                (void)buffer_put_u8(out, ',');
            patch_json_write(item, out);
            comma = true;
        }
    }
    (void)buffer_put_u8(out, object ? '}' : ']');
}

/* Recursion is bounded: the depth was checked before the parser ran. */
void patch_json_write(yyjson_val *value, struct buffer *out)
{
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_OBJ:
    case YYJSON_TYPE_ARR:
        write_container(value, out);
        break;
    case YYJSON_TYPE_STR:
        patch_json_write_string(value, out);
        break;
    case YYJSON_TYPE_RAW:
        (void)buffer_put(out, yyjson_get_raw(value), yyjson_get_len(value));
        break;
    case YYJSON_TYPE_BOOL:
        (void)buffer_put_string(out, yyjson_get_bool(value) ? "true" : "false");
        break;
    default:
        (void)buffer_put_string(out, "null");
        break;
    }
}

bool patch_json_same_text(yyjson_val *a, yyjson_val *b)
{
    size_t len = yyjson_get_len(a);
    bool raw = yyjson_is_raw(a);

    if (len != yyjson_get_len(b))
        return false;
    return memcmp(raw ? yyjson_get_raw(a) : yyjson_get_str(a),
                  raw ? yyjson_get_raw(b) : yyjson_get_str(b), len) == 0;
}

bool patch_json_equal(yyjson_val *a, yyjson_val *b)
{
    if (yyjson_get_type(a) != yyjson_get_type(b))
        return false;
    if (yyjson_is_ctn(a) && yyjson_get_len(a) != yyjson_get_len(b))
        return false;
    if (yyjson_is_obj(a)) {
        yyjson_obj_iter left = yyjson_obj_iter_with(a), right = yyjson_obj_iter_with(b);
        yyjson_val *key, *other;

        while ((key = yyjson_obj_iter_next(&left)) && (other = yyjson_obj_iter_next(&right))) {
            if (!patch_json_same_text(key, other) ||
                !patch_json_equal(yyjson_obj_iter_get_val(key), yyjson_obj_iter_get_val(other)))
                return false;
        }
        return true;
    }
    if (yyjson_is_arr(a)) {
        yyjson_arr_iter left = yyjson_arr_iter_with(a), right = yyjson_arr_iter_with(b);
        yyjson_val *item, *other;

        while ((item = yyjson_arr_iter_next(&left)) && (other = yyjson_arr_iter_next(&right))) {
            if (!patch_json_equal(item, other))
                return false;
        }
        return true;
    }
    if (yyjson_is_str(a) || yyjson_is_raw(a))
        return patch_json_same_text(a, b);
    return !yyjson_is_bool(a) || yyjson_get_bool(a) == yyjson_get_bool(b);
}

int patch_members_init(struct patch_members *members, size_t count, struct aceso_error *error)
{
    members->count = 0;
    members->key = members->small;
    if (count <= PATCH_MEMBERS_SMALL)
        return ACESO_OK;
    members->key = calloc(count, sizeof *members->key);
    if (!members->key)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    return ACESO_OK;
}

void patch_members_add(struct patch_members *members, yyjson_val *key)
{
    members->key[members->count++] = key;
}

static int compare_keys(const void *a, const void *b)
{
    yyjson_val *left = *(yyjson_val *const *)a, *right = *(yyjson_val *const *)b;
    size_t left_len = yyjson_get_len(left), right_len = yyjson_get_len(right);

    if (left_len != right_len)
        return left_len < right_len ? -1 : 1;
    return memcmp(yyjson_get_str(left), yyjson_get_str(right), left_len);
}

bool patch_members_ready(struct patch_members *members)
{
    bool small = members->count <= PATCH_MEMBERS_SMALL;

    if (!small)
        qsort(members->key, members->count, sizeof *members->key, compare_keys);
    for (size_t i = 1; i < members->count; i++) {
        for (size_t j = small ? 0 : i - 1; j < i; j++) {
            if (patch_json_same_text(members->key[i], members->key[j]))
                return false;
        }
    }
    return true;
}

void patch_members_free(struct patch_members *members)
{
    if (members->key != members->small)
        free(members->key);
    members->key = members->small;
    members->count = 0;
}

yyjson_val *patch_members_find(const struct patch_members *members, yyjson_val *key)
{
    yyjson_val **found;

    if (members->count <= PATCH_MEMBERS_SMALL) {
        for (size_t i = 0; i < members->count; i++) {
            if (patch_json_same_text(members->key[i], key))
                return members->key[i];
        }
        return NULL;
    }
    found = bsearch(&key, members->key, members->count, sizeof *members->key, compare_keys);
    return found ? *found : NULL;
}

int patch_members_of(struct patch_members *members, yyjson_val *object, bool *unique,
                     struct aceso_error *error)
{
    yyjson_obj_iter keys = yyjson_obj_iter_with(object);
    yyjson_val *key;
    int code = patch_members_init(members, yyjson_obj_size(object), error);

    if (code)
        return code;
    while ((key = yyjson_obj_iter_next(&keys)))
        patch_members_add(members, key);
    *unique = patch_members_ready(members);
    return ACESO_OK;
}
