/* SPDX-License-Identifier: Apache-2.0 */
/* Applying a patch: the side that reads what strangers may have written. */
#include "base/json.h"
#include "record/patch_json.h"

#include <string.h>

static int apply(yyjson_val *lower, yyjson_val *patch, struct buffer *out,
                 struct aceso_error *error);

static int malformed(struct aceso_error *error, const char *what)
{
    return error_set(error, ACESO_EFORMAT, "patch", "%s", what);
}

/* The members of one object patch, each key once. */
static int list_keys(yyjson_val *list, struct patch_members *members, struct aceso_error *error)
{
    yyjson_arr_iter items = yyjson_arr_iter_with(list);
    yyjson_val *item;
    int code = patch_members_init(members, yyjson_arr_size(list), error);

    if (code)
        return code;
    while ((item = yyjson_arr_iter_next(&items))) {
        if (!yyjson_is_arr(item) || yyjson_arr_size(item) != 2 ||
            !yyjson_is_str(yyjson_arr_get_first(item))) {
            code = malformed(error, "a member is not [key, change]");
            break;
        }
        patch_members_add(members, yyjson_arr_get_first(item));
    }
    if (!code && !patch_members_ready(members))
        code = malformed(error, "a key stands twice");
    if (code)
        patch_members_free(members);
    return code;
}

static int apply_member(const struct patch_members *lower, yyjson_val *item, struct buffer *out,
                        struct aceso_error *error)
{
    yyjson_val *key = yyjson_arr_get_first(item), *change = yyjson_arr_get_last(item);
    yyjson_val *found = patch_members_find(lower, key);
    yyjson_val *value = found ? yyjson_obj_iter_get_val(found) : NULL;

    patch_json_write_string(key, out);
    (void)buffer_put_u8(out, ':');
    if (!yyjson_is_null(change))
        return apply(value, change, out, error);
    if (!value)
        return malformed(error, "keeps a member that the lower view lacks");
    patch_json_write(value, out);
    return ACESO_OK;
}

static int apply_object(yyjson_val *lower, yyjson_val *list, struct buffer *out,
                        struct aceso_error *error)
{
    struct patch_members below, listed;
    yyjson_arr_iter items;
    yyjson_val *item;
    bool unique, comma = false;
    int code;

    if (!yyjson_is_obj(lower) || !yyjson_is_arr(list))
        return malformed(error, "changes an object where the lower view has none");
    code = patch_members_of(&below, lower, &unique, error);
    if (code)
        return code;
    if (!unique) {
        patch_members_free(&below);
        return malformed(error, "changes an object with a key twice");
    }
    code = list_keys(list, &listed, error);
    if (code) {
        patch_members_free(&below);
        return code;
    }
    items = yyjson_arr_iter_with(list);
    (void)buffer_put_u8(out, '{');
    while (!code && (item = yyjson_arr_iter_next(&items))) {
        if (comma)
            (void)buffer_put_u8(out, ',');
        comma = true;
        code = apply_member(&below, item, out, error);
    }
    (void)buffer_put_u8(out, '}');
    patch_members_free(&below);
    patch_members_free(&listed);
    return code;
}

/* A lower element, taken by an index that only rises. */
struct cursor {
    yyjson_arr_iter elements;
    size_t next; /* index of what the iterator yields next */
};

static int cursor_take(struct cursor *cursor, yyjson_val *index, yyjson_val **out,
                       struct aceso_error *error)
{
    const char *digits = yyjson_get_raw(index);
    size_t len = yyjson_get_len(index), wanted = 0;
    yyjson_val *element = NULL;

    if (!digits || len == 0 || len > 9 || (len > 1 && digits[0] == '0'))
        return malformed(error, "an index is not a number");
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return malformed(error, "an index is not a number");
        wanted = wanted * 10 + (size_t)(digits[i] - '0');
    }
    if (wanted < cursor->next)
        return malformed(error, "an index does not rise");
    while (cursor->next <= wanted) {
        element = yyjson_arr_iter_next(&cursor->elements);
        if (!element)
            return malformed(error, "an index is past the lower array");
        cursor->next++;
    }
    *out = element;
    return ACESO_OK;
}

static int apply_element(struct cursor *cursor, yyjson_val *item, struct buffer *out,
                         struct aceso_error *error)
{
    yyjson_val *element;
    int code;

    if (yyjson_is_raw(item)) {
        code = cursor_take(cursor, item, &element, error);
        if (!code)
            patch_json_write(element, out);
        return code;
    }
    if (yyjson_is_obj(item))
        return apply(NULL, item, out, error);
    if (!yyjson_is_arr(item) || yyjson_arr_size(item) != 2)
        return malformed(error, "an element is neither kept, changed nor new");
    code = cursor_take(cursor, yyjson_arr_get_first(item), &element, error);
    if (code)
        return code;
    return apply(element, yyjson_arr_get_last(item), out, error);
}

static int apply_array(yyjson_val *lower, yyjson_val *list, struct buffer *out,
                       struct aceso_error *error)
{
    struct cursor cursor;
    yyjson_arr_iter items;
    yyjson_val *item;
    bool comma = false;
    int code = ACESO_OK;

    if (!yyjson_is_arr(lower) || !yyjson_is_arr(list))
        return malformed(error, "changes an array where the lower view has none");
    cursor = (struct cursor){ .elements = yyjson_arr_iter_with(lower), .next = 0 };
    items = yyjson_arr_iter_with(list);
    (void)buffer_put_u8(out, '[');
    while (!code && (item = yyjson_arr_iter_next(&items))) {
        if (comma)
            (void)buffer_put_u8(out, ',');
        comma = true;
        code = apply_element(&cursor, item, out, error);
    }
    (void)buffer_put_u8(out, ']');
    return code;
}

/* Recursion goes down the patch, whose depth was checked. */
static int apply(yyjson_val *lower, yyjson_val *patch, struct buffer *out,
                 struct aceso_error *error)
{
    yyjson_obj_iter members;
    yyjson_val *key, *value;

    if (!yyjson_is_obj(patch) || yyjson_obj_size(patch) != 1)
        return malformed(error, "not an object of one member");
    members = yyjson_obj_iter_with(patch);
    key = yyjson_obj_iter_next(&members);
    value = yyjson_obj_iter_get_val(key);
    if (yyjson_equals_str(key, "=")) {
        patch_json_write(value, out);
        return out->failed;
    }
    if (yyjson_equals_str(key, "o"))
        return apply_object(lower, value, out, error);
    if (yyjson_equals_str(key, "a"))
        return apply_array(lower, value, out, error);
    return malformed(error, "neither \"=\", \"o\" nor \"a\"");
}

int patch_apply(struct bytes lower, struct bytes patch, struct buffer *out,
                struct aceso_error *error)
{
    yyjson_doc *below = NULL, *change = NULL;
    size_t start = out->len;
    int code;

    code = patch_json_parse(patch, PATCH_DEPTH_MAX, "patch", &change, error);
    if (!code && lower.data)
        code = patch_json_parse(lower, RECORD_DEPTH_MAX, "lower view", &below, error);
    if (!code)
        code = apply(below ? yyjson_doc_get_root(below) : NULL, yyjson_doc_get_root(change), out,
                     error);
    if (!code && out->failed)
        code = error_set(error, out->failed, "patch", "the view is over its limit");
    if (!code && !json_depth_within(bytes_of(out->data + start, out->len - start),
                                    RECORD_DEPTH_MAX))
        code = error_set(error, ACESO_ELIMIT, "patch", "the view is too deep");
    if (code && out->data) {
        out->len = start;
        out->data[start] = '\0';
    }
    yyjson_doc_free(below);
    yyjson_doc_free(change);
    return code;
}

int patch_minify(struct bytes json, struct buffer *out, struct aceso_error *error)
{
    yyjson_doc *doc;
    int code = patch_json_parse(json, RECORD_DEPTH_MAX, "view", &doc, error);

    if (code)
        return code;
    patch_json_write(yyjson_doc_get_root(doc), out);
    yyjson_doc_free(doc);
    if (out->failed)
        return error_set(error, out->failed, "view", "over its limit");
    return ACESO_OK;
}
