/* SPDX-License-Identifier: Apache-2.0 */
/* Making a patch. Objects are matched by key; arrays in order, each lower element with the first
 * upper one that holds all of it. A match that is not the best one makes a longer patch, never a
 * wrong one, so the search is short-sighted on purpose: a window, and a budget of visited values
 * that keeps the time linear whatever the input. */
#include "record/patch_json.h"

#include <stdlib.h>

#define WINDOW_HOLDS 64  /* upper elements looked at for one that holds the lower one */
#define WINDOW_ALIKE 16  /* upper elements looked at for the one most like it */
#define BUDGET_FACTOR 64 /* visits for each value of the two views */

struct make {
    struct buffer *out;
    uint64_t budget;
    struct aceso_error *error;
};

static bool visit(struct make *make)
{
    if (make->budget == 0)
        return false;
    make->budget--;
    return true;
}

/* Below `complete` ids and references are pseudonyms: there their text may differ. */
static bool is_pseudonym_key(yyjson_val *key)
{
    return yyjson_equals_str(key, "reference") || yyjson_equals_str(key, "id");
}

static bool holds(struct make *make, yyjson_val *upper, yyjson_val *lower, bool loose);

static bool holds_members(struct make *make, yyjson_val *upper, yyjson_val *lower, bool loose)
{
    yyjson_obj_iter wanted = yyjson_obj_iter_with(lower), at = yyjson_obj_iter_with(upper);
    yyjson_val *key, *other;

    while ((key = yyjson_obj_iter_next(&wanted))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key), *found;

        do {
            other = yyjson_obj_iter_next(&at);
            if (!other || !visit(make))
                return false;
        } while (!patch_json_same_text(key, other));
        found = yyjson_obj_iter_get_val(other);
        if (loose && yyjson_is_str(value) && yyjson_is_str(found) && is_pseudonym_key(key))
            continue;
        if (!holds(make, found, value, loose))
            return false;
    }
    return true;
}

/* True when `lower` is `upper` with holes: members and elements left out, in the same order. */
static bool holds(struct make *make, yyjson_val *upper, yyjson_val *lower, bool loose)
{
    yyjson_arr_iter wanted, at;
    yyjson_val *item, *other;

    if (!visit(make) || yyjson_get_type(upper) != yyjson_get_type(lower))
        return false;
    if (yyjson_is_obj(lower))
        return holds_members(make, upper, lower, loose);
    if (!yyjson_is_arr(lower))
        return patch_json_equal(upper, lower);
    if (yyjson_arr_size(lower) > yyjson_arr_size(upper))
        return false;
    wanted = yyjson_arr_iter_with(lower);
    at = yyjson_arr_iter_with(upper);
    while ((item = yyjson_arr_iter_next(&wanted))) {
        do {
            other = yyjson_arr_iter_next(&at);
            if (!other)
                return false;
        } while (!holds(make, other, item, loose));
    }
    return true;
}

/* How many leaves of `lower` stand at the same keys and indices of `upper`. */
static size_t alike(struct make *make, yyjson_val *upper, yyjson_val *lower)
{
    size_t same = 0;
    yyjson_val *item, *other;

    if (!visit(make) || yyjson_get_type(upper) != yyjson_get_type(lower))
        return 0;
    if (yyjson_is_obj(lower)) {
        yyjson_obj_iter wanted = yyjson_obj_iter_with(lower);
        yyjson_obj_iter at = yyjson_obj_iter_with(upper);

        other = yyjson_obj_iter_next(&at);
        while ((item = yyjson_obj_iter_next(&wanted))) {
            yyjson_obj_iter back = at;
            yyjson_val *start = other;

            while (other && visit(make) && !patch_json_same_text(item, other))
                other = yyjson_obj_iter_next(&at);
            if (!other) {
                at = back; /* this key is not there: the next one starts where it did */
                other = start;
                continue;
            }
            same += alike(make, yyjson_obj_iter_get_val(other), yyjson_obj_iter_get_val(item));
            other = yyjson_obj_iter_next(&at);
        }
        return same;
    }
    if (yyjson_is_arr(lower)) {
        yyjson_arr_iter wanted = yyjson_arr_iter_with(lower);
        yyjson_arr_iter at = yyjson_arr_iter_with(upper);

        while ((item = yyjson_arr_iter_next(&wanted)) && (other = yyjson_arr_iter_next(&at)))
            same += alike(make, other, item);
        return same;
    }
    return patch_json_equal(upper, lower) ? 1 : 0;
}

/* The partner of `lower` among upper[from..count); `count` when there is none. */
static size_t partner(struct make *make, yyjson_val *const *upper, size_t count, size_t from,
                      yyjson_val *lower)
{
    size_t end, best = count, most = 0;

    for (int loose = 0; loose < 2; loose++) {
        end = count - from > WINDOW_HOLDS ? from + WINDOW_HOLDS : count;
        for (size_t j = from; j < end; j++) {
            if (holds(make, upper[j], lower, loose))
                return j;
        }
        if (!yyjson_is_ctn(lower))
            return count;
    }
    end = count - from > WINDOW_ALIKE ? from + WINDOW_ALIKE : count;
    for (size_t j = from; j < end; j++) {
        size_t same = alike(make, upper[j], lower);

        if (same > most) {
            most = same;
            best = j;
        }
    }
    if (best == count && make->budget == 0 && from < count &&
        yyjson_get_type(upper[from]) == yyjson_get_type(lower))
        return from;
    return best;
}

static void put_set(struct make *make, yyjson_val *value)
{
    (void)buffer_put_string(make->out, "{\"=\":");
    patch_json_write(value, make->out);
    (void)buffer_put_u8(make->out, '}');
}

static int change(struct make *make, yyjson_val *lower, yyjson_val *upper, size_t *kept);

static int change_object(struct make *make, yyjson_val *lower, yyjson_val *upper, size_t *kept)
{
    struct patch_members below, above;
    yyjson_obj_iter members = yyjson_obj_iter_with(upper);
    yyjson_val *key;
    bool unique, comma = false;
    int code = patch_members_of(&above, upper, &unique, make->error);

    if (code)
        return code;
    patch_members_free(&above);
    if (!unique)
        return ACESO_OK; /* keeps nothing: set as a whole */
    code = patch_members_of(&below, lower, &unique, make->error);
    if (code || !unique)
        goto out;
    (void)buffer_put_string(make->out, "{\"o\":[");
    while (!code && (key = yyjson_obj_iter_next(&members))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        yyjson_val *found = patch_members_find(&below, key);

        (void)buffer_put_string(make->out, comma ? ",[" : "[");
        comma = true;
        patch_json_write_string(key, make->out);
        (void)buffer_put_u8(make->out, ',');
        if (!found) {
            put_set(make, value);
        } else if (patch_json_equal(yyjson_obj_iter_get_val(found), value)) {
            (void)buffer_put_string(make->out, "null");
            ++*kept;
        } else {
            code = change(make, yyjson_obj_iter_get_val(found), value, kept);
        }
        (void)buffer_put_u8(make->out, ']');
    }
    (void)buffer_put_string(make->out, "]}");
out:
    patch_members_free(&below);
    return code;
}

struct element {
    yyjson_val *lower; /* NULL: new */
    size_t index;
};

/* Finds for each upper element the lower one it is made of. */
static void align(struct make *make, yyjson_val *lower, yyjson_val *const *upper, size_t count,
                  struct element *elements)
{
    yyjson_arr_iter items = yyjson_arr_iter_with(lower);
    size_t from = 0, index = 0;
    yyjson_val *item;

    while (from < count && (item = yyjson_arr_iter_next(&items))) {
        size_t found = partner(make, upper, count, from, item);

        if (found < count) {
            elements[found].lower = item;
            elements[found].index = index;
            from = found + 1;
        }
        index++;
    }
}

static int put_elements(struct make *make, yyjson_val *const *upper, size_t count,
                        const struct element *elements, size_t *kept)
{
    int code = ACESO_OK;

    (void)buffer_put_string(make->out, "{\"a\":[");
    for (size_t i = 0; !code && i < count; i++) {
        if (i)
            (void)buffer_put_u8(make->out, ',');
        if (!elements[i].lower) {
            put_set(make, upper[i]);
        } else if (patch_json_equal(elements[i].lower, upper[i])) {
            (void)buffer_printf(make->out, "%zu", elements[i].index);
            ++*kept;
        } else {
            (void)buffer_printf(make->out, "[%zu,", elements[i].index);
            code = change(make, elements[i].lower, upper[i], kept);
            (void)buffer_put_u8(make->out, ']');
        }
    }
    (void)buffer_put_string(make->out, "]}");
    return code;
}

static int change_array(struct make *make, yyjson_val *lower, yyjson_val *upper, size_t *kept)
{
    size_t count = yyjson_arr_size(upper), i = 0;
    yyjson_arr_iter items = yyjson_arr_iter_with(upper);
    struct element *elements;
    yyjson_val **values, *item;
    int code;

    if (count == 0)
        return ACESO_OK;
    elements = calloc(count, sizeof *elements);
    values = calloc(count, sizeof *values);
    if (!elements || !values) {
        code = error_set(make->error, ACESO_EMEMORY, NULL, "out of memory");
        goto out;
    }
    while ((item = yyjson_arr_iter_next(&items)))
        values[i++] = item;
    align(make, lower, values, count, elements);
    code = put_elements(make, values, count, elements, kept);
out:
    free(elements);
    free(values);
    return code;
}

/* Appends the patch of two values that differ. One that keeps nothing is set as a whole. */
static int change(struct make *make, yyjson_val *lower, yyjson_val *upper, size_t *kept)
{
    size_t start = make->out->len, here = 0;
    int code = ACESO_OK;

    if (yyjson_is_obj(lower) && yyjson_is_obj(upper))
        code = change_object(make, lower, upper, &here);
    else if (yyjson_is_arr(lower) && yyjson_is_arr(upper))
        code = change_array(make, lower, upper, &here);
    if (code)
        return code;
    if (here == 0) {
        if (!make->out->failed)
            make->out->len = start;
        put_set(make, upper);
    }
    *kept += here;
    return ACESO_OK;
}

int patch_make(struct bytes lower, struct bytes upper, struct buffer *out,
               struct aceso_error *error)
{
    yyjson_doc *below = NULL, *above = NULL;
    size_t start = out->len, kept = 0;
    struct make make = { .out = out, .error = error };
    int code = patch_json_parse(upper, RECORD_DEPTH_MAX, "view", &above, error);

    if (!code && lower.data)
        code = patch_json_parse(lower, RECORD_DEPTH_MAX, "lower view", &below, error);
    if (code)
        goto out;
    if (!below) {
        put_set(&make, yyjson_doc_get_root(above));
    } else if (!patch_json_equal(yyjson_doc_get_root(below), yyjson_doc_get_root(above))) {
        make.budget = BUDGET_FACTOR * (yyjson_doc_get_val_count(below) +
                                       yyjson_doc_get_val_count(above));
        code = change(&make, yyjson_doc_get_root(below), yyjson_doc_get_root(above), &kept);
    }
    if (!code && out->failed)
        code = error_set(error, out->failed, "patch", "over its limit");
out:
    if (code && out->data) {
        out->len = start;
        out->data[start] = '\0';
    }
    yyjson_doc_free(below);
    yyjson_doc_free(above);
    return code;
}
