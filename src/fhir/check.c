/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_fail(struct fhir_check *check, yyjson_val *key, const char *problem)
{
    check->problem = problem;
    if (key)
        check->key = key;
    return ACESO_EFORMAT;
}

static bool check_same(const yyjson_val *a, const yyjson_val *b)
{
    return unsafe_yyjson_get_len((yyjson_val *)(uintptr_t)a) ==
               unsafe_yyjson_get_len((yyjson_val *)(uintptr_t)b) &&
           memcmp(a->uni.str, b->uni.str, unsafe_yyjson_get_len((yyjson_val *)(uintptr_t)a)) == 0;
}

static int check_order(const void *a, const void *b)
{
    const yyjson_val *x = *(yyjson_val *const *)a;
    const yyjson_val *y = *(yyjson_val *const *)b;
    size_t x_len = unsafe_yyjson_get_len((yyjson_val *)(uintptr_t)x);
    size_t y_len = unsafe_yyjson_get_len((yyjson_val *)(uintptr_t)y);

    if (x_len != y_len)
        return x_len < y_len ? -1 : 1;
    return memcmp(x->uni.str, y->uni.str, x_len);
}

/* Objects of many members are sorted; comparing each with each would take too long there. */
static int check_many_members(yyjson_val *object, struct fhir_check *check)
{
    size_t count = yyjson_obj_size(object), i, max;
    yyjson_val **keys = malloc(count * sizeof *keys);
    yyjson_val *key, *value, *twice = NULL;

    if (!keys)
        return ACESO_EMEMORY;
    yyjson_obj_foreach(object, i, max, key, value)
        keys[i] = key;
    qsort(keys, count, sizeof *keys, check_order);
    for (i = 1; i < count && !twice; i++) {
        if (check_same(keys[i - 1], keys[i]))
            twice = keys[i];
    }
    free(keys);
    return twice ? check_fail(check, twice, "the same member twice in one object") : ACESO_OK;
}

static int check_few_members(yyjson_val *object, struct fhir_check *check)
{
    yyjson_val *keys[24];
    yyjson_val *key, *value;
    size_t i, max;

    yyjson_obj_foreach(object, i, max, key, value)
    {
        keys[i] = key;
        for (size_t j = 0; j < i; j++) {
            if (check_same(keys[j], key))
                return check_fail(check, key, "the same member twice in one object");
        }
    }
    return ACESO_OK;
}

int fhir_check_members(yyjson_doc *doc, struct fhir_check *check)
{
    size_t count = yyjson_doc_get_val_count(doc);

    for (size_t i = 0; i < count; i++) {
        yyjson_val *value = doc->root + i;
        int code = ACESO_OK;

        if (yyjson_is_obj(value))
            code = yyjson_obj_size(value) > 24 ? check_many_members(value, check)
                                               : check_few_members(value, check);
        else if (yyjson_is_str(value) && memchr(value->uni.str, 0, yyjson_get_len(value)))
            code = check_fail(check, value, "a NUL character in a string");
        if (code)
            return code;
    }
    return ACESO_OK;
}

static bool check_digits(const char **at, const char *end, size_t count)
{
    for (size_t i = 0; i < count; i++, (*at)++) {
        if (*at == end || **at < '0' || **at > '9')
            return false;
    }
    return true;
}

static bool check_char(const char **at, const char *end, char wanted)
{
    if (*at == end || **at != wanted)
        return false;
    (*at)++;
    return true;
}

/* hh:mm:ss with an optional fraction, and a zone where `zone`. */
static bool check_time(const char *at, const char *end, bool zone)
{
    if (!check_digits(&at, end, 2) || !check_char(&at, end, ':') || !check_digits(&at, end, 2) ||
        !check_char(&at, end, ':') || !check_digits(&at, end, 2))
        return false;
    if (at < end && *at == '.') {
        at++;
        if (!check_digits(&at, end, 1))
            return false;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
    }
    if (!zone || (check_char(&at, end, 'Z')))
        return at == end;
    if (!check_char(&at, end, '+') && !check_char(&at, end, '-'))
        return false;
    return check_digits(&at, end, 2) && check_char(&at, end, ':') && check_digits(&at, end, 2) &&
           at == end;
}

/* YYYY, YYYY-MM, YYYY-MM-DD, or the last with T and a time with zone. */
static bool check_date(const char *text, size_t len)
{
    const char *at = text, *end = text + len;

    if (!check_digits(&at, end, 4))
        return false;
    for (int part = 0; part < 2; part++) {
        if (at == end)
            return true;
        if (!check_char(&at, end, '-') || !check_digits(&at, end, 2))
            return false;
    }
    return at == end || (check_char(&at, end, 'T') && check_time(at, end, true));
}

static bool check_integer(yyjson_val *value)
{
    const char *text = yyjson_get_raw(value);
    size_t len = yyjson_get_len(value);

    if (!text || len == 0 || len > 11)
        return false;
    for (size_t i = text[0] == '-' ? 1 : 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return true;
}

bool fhir_check_id(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.'))
            return false;
    }
    return len > 0 && len <= 64;
}

size_t fhir_check_offset(const yyjson_doc *doc, const yyjson_val *key)
{
    size_t offset;

    /* yyjson unescapes strings in place in its copy of the input, so where a string begins in the
     * copy is where it began in the input. */
    if (!key || !doc->str_pool || key->uni.str < doc->str_pool)
        return 0;
    offset = (size_t)(key->uni.str - doc->str_pool);
    return offset < doc->dat_read ? offset : 0;
}

static void check_descend(struct fhir_check *check, const char *name, size_t position, bool array)
{
    int wrote;

    if (array)
        wrote = snprintf(check->path + check->len, sizeof check->path - check->len, "[%zu]",
                         position);
    else
        wrote = snprintf(check->path + check->len, sizeof check->path - check->len, "%s%s",
                         check->len ? "." : "", name);
    if (wrote > 0)
        check->len += (size_t)wrote;
    if (check->len >= sizeof check->path)
        check->len = sizeof check->path - 1;
}

/* The path is cut back only where all was well: after a failure it tells the place. */
static void check_ascend(struct fhir_check *check, size_t len)
{
    check->len = len;
    check->path[len] = '\0';
}

static int check_resource(yyjson_val *value, struct fhir_check *check)
{
    yyjson_val *name = yyjson_obj_get(value, "resourceType");
    const struct fhir_type *type;

    if (!yyjson_is_obj(value))
        return check_fail(check, NULL, "must be an object");
    if (!yyjson_is_str(name) || yyjson_get_len(name) == 0)
        return check_fail(check, NULL, "must have a resourceType, a string");
    type = fhir_resource_type(yyjson_get_str(name));
    return type ? fhir_check_object(type, value, check) : ACESO_OK;
}

static int check_one(const struct fhir_type *type, yyjson_val *value, struct fhir_check *check)
{
    switch (type->kind) {
    case FHIR_KIND_OBJECT:
    case FHIR_KIND_BACKBONE:
        if (!yyjson_is_obj(value))
            return check_fail(check, NULL, "must be an object");
        return fhir_check_object(type, value, check);
    case FHIR_KIND_RESOURCE:
        return check_resource(value, check);
    case FHIR_KIND_BOOLEAN:
        return yyjson_is_bool(value) ? ACESO_OK : check_fail(check, NULL, "must be true or false");
    case FHIR_KIND_INTEGER:
        return check_integer(value) ? ACESO_OK : check_fail(check, NULL, "must be a whole number");
    case FHIR_KIND_DECIMAL:
        return yyjson_is_raw(value) ? ACESO_OK : check_fail(check, NULL, "must be a number");
    case FHIR_KIND_DATE:
        if (yyjson_is_str(value) && check_date(yyjson_get_str(value), yyjson_get_len(value)))
            return ACESO_OK;
        return check_fail(check, NULL, "must be a date or date and time as FHIR writes it");
    case FHIR_KIND_TIME:
        if (yyjson_is_str(value) &&
            check_time(yyjson_get_str(value), yyjson_get_str(value) + yyjson_get_len(value), false))
            return ACESO_OK;
        return check_fail(check, NULL, "must be a time as FHIR writes it");
    default:
        return yyjson_is_str(value) ? ACESO_OK : check_fail(check, NULL, "must be a string");
    }
}

static int check_values(const struct fhir_type *type, bool array, bool null, yyjson_val *value,
                        struct fhir_check *check)
{
    yyjson_val *item;
    size_t i, max, len = check->len;

    if (!array && yyjson_is_arr(value))
        return check_fail(check, NULL, "must not be an array");
    if (!array)
        return check_one(type, value, check);
    if (!yyjson_is_arr(value))
        return check_fail(check, NULL, "must be an array");
    yyjson_arr_foreach(value, i, max, item)
    {
        int code;

        if (null && yyjson_is_null(item))
            continue;
        check_descend(check, NULL, i, true);
        code = check_one(type, item, check);
        if (code)
            return code;
        check_ascend(check, len);
    }
    return ACESO_OK;
}

int fhir_check_element(const struct fhir_element *element, yyjson_val *key, yyjson_val *value,
                       struct fhir_check *check)
{
    const struct fhir_type *type = fhir_type_at(element->type);
    size_t len = check->len;
    bool sibling = yyjson_get_str(key)[0] == '_';
    int code;

    check_descend(check, yyjson_get_str(key), 0, false);
    check->key = key;
    if (sibling)
        code = check_values(fhir_type_named("Element"), element->flags & FHIR_ARRAY, true, value,
                            check);
    else
        code = check_values(type, element->flags & FHIR_ARRAY, fhir_kind_is_primitive(type->kind),
                            value, check);
    if (!code)
        check_ascend(check, len);
    return code;
}

int fhir_check_object(const struct fhir_type *type, yyjson_val *object, struct fhir_check *check)
{
    yyjson_val *key, *value;
    size_t i, max;

    yyjson_obj_foreach(object, i, max, key, value)
    {
        const char *name = yyjson_get_str(key);
        size_t len = yyjson_get_len(key);
        const struct fhir_element *element = fhir_type_element(type, name, len);
        int code;

        if (!element && name[0] == '_') {
            element = fhir_type_element(type, name + 1, len - 1);
            if (element && !fhir_kind_is_primitive(fhir_type_at(element->type)->kind))
                element = NULL;
        }
        if (!element)
            continue;
        code = fhir_check_element(element, key, value, check);
        if (code)
            return code;
        if (type->kind == FHIR_KIND_RESOURCE && len == 2 && memcmp(name, "id", 2) == 0 &&
            !fhir_check_id(yyjson_get_str(value), yyjson_get_len(value))) {
            check_descend(check, "id", 0, false);
            return check_fail(check, key, "is not a FHIR id");
        }
    }
    return ACESO_OK;
}
