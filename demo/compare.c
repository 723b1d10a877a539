/* SPDX-License-Identifier: Apache-2.0 */
#include "compare.h"

#include "base/file.h"
#include "fhir/bundle.h"
#include "fhir/ndjson.h"

#include <stdlib.h>
#include <string.h>

#define RESOURCES_FILE_MAX ((size_t)2 << 30)

/* ---- reading ----------------------------------------------------------------------------- */

static bool resource_is_public(yyjson_val *resource)
{
    static const char *const types[] = { "Practitioner", "PractitionerRole", "Organization",
                                         "Location", "Endpoint" };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(resource_type(resource), types[i]) == 0)
            return true;
    }
    return false;
}

static int resources_grow(struct resources *resources)
{
    size_t capacity = resources->capacity ? resources->capacity * 2 : 256;
    yyjson_doc **doc = realloc(resources->doc, capacity * sizeof(yyjson_doc *));
    yyjson_val **resource;

    if (!doc)
        return ACESO_EMEMORY;
    resources->doc = doc;
    resource = realloc(resources->resource, capacity * sizeof(yyjson_val *));
    if (!resource)
        return ACESO_EMEMORY;
    resources->resource = resource;
    resources->capacity = capacity;
    return ACESO_OK;
}

/* Parses one text; `member` (or NULL) is where the resource stands in it. */
static int resources_add(struct resources *resources, struct bytes text, const char *member,
                         struct aceso_error *error)
{
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.len,
                                       YYJSON_READ_NUMBER_AS_RAW, NULL, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *resource = member ? yyjson_obj_get(root, member) : root;

    if (!yyjson_is_obj(resource)) {
        yyjson_doc_free(doc);
        return error_set(error, ACESO_EFORMAT, NULL, "resource %zu cannot be read",
                         resources->count + 1);
    }
    if (member && resource_is_public(resource)) {
        yyjson_doc_free(doc);
        return ACESO_OK;
    }
    if (resources->count == resources->capacity && resources_grow(resources)) {
        yyjson_doc_free(doc);
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    }
    resources->doc[resources->count] = doc;
    resources->resource[resources->count++] = resource;
    return ACESO_OK;
}

int resources_of_bundle(const char *path, struct resources *resources, struct aceso_error *error)
{
    struct fhir_bundle *bundle = NULL;
    struct fhir_entry entry;
    int step = 0, code = fhir_bundle_open(path, NULL, &bundle, error);

    while (!code && (step = fhir_bundle_next(bundle, &entry, error)) == 1)
        code = resources_add(resources, entry.text, "resource", error);
    fhir_bundle_close(bundle);
    return !code && step < 0 ? step : code;
}

int resources_of_ndjson(const char *path, struct resources *resources, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(RESOURCES_FILE_MAX);
    struct bytes rest, line;
    int code = file_read(path, &text, error);

    rest = buffer_bytes(&text);
    while (!code && fhir_ndjson_next(&rest, &line))
        code = resources_add(resources, line, NULL, error);
    buffer_free(&text);
    return code;
}

void resources_free(struct resources *resources)
{
    for (size_t i = 0; i < resources->count; i++)
        yyjson_doc_free(resources->doc[i]);
    free(resources->doc);
    free(resources->resource);
    *resources = (struct resources){ 0 };
}

const char *resource_type(yyjson_val *resource)
{
    return json_string_or(resource, "resourceType", "");
}

bool resource_has_category(yyjson_val *resource, const char *code)
{
    yyjson_val *category, *coding;
    size_t i, n, j, m;

    yyjson_arr_foreach(yyjson_obj_get(resource, "category"), i, n, category)
    {
        yyjson_arr_foreach(yyjson_obj_get(category, "coding"), j, m, coding)
        {
            if (strcmp(json_string_or(coding, "code", ""), code) == 0)
                return true;
        }
    }
    return false;
}

/* ---- comparing --------------------------------------------------------------------------- */

static bool compare_leaves(yyjson_val *left, yyjson_val *right)
{
    if (yyjson_get_type(left) != yyjson_get_type(right))
        return false;
    if (yyjson_is_bool(left))
        return yyjson_get_bool(left) == yyjson_get_bool(right);
    if (yyjson_is_null(left))
        return true;
    return yyjson_get_len(left) == yyjson_get_len(right) &&
           memcmp(yyjson_is_raw(left) ? yyjson_get_raw(left) : yyjson_get_str(left),
                  yyjson_is_raw(right) ? yyjson_get_raw(right) : yyjson_get_str(right),
                  yyjson_get_len(left)) == 0;
}

bool compare_equal(yyjson_val *left, yyjson_val *right)
{
    yyjson_val *key, *item;
    size_t at, count;

    if (yyjson_is_obj(left)) {
        if (!yyjson_is_obj(right) || yyjson_obj_size(left) != yyjson_obj_size(right))
            return false;
        yyjson_obj_foreach(left, at, count, key, item)
        {
            yyjson_val *other = yyjson_obj_getn(right, yyjson_get_str(key), yyjson_get_len(key));

            if (!other || !compare_equal(item, other))
                return false;
        }
        return true;
    }
    if (yyjson_is_arr(left)) {
        if (!yyjson_is_arr(right) || yyjson_arr_size(left) != yyjson_arr_size(right))
            return false;
        yyjson_arr_foreach(left, at, count, item)
        {
            if (!compare_equal(item, yyjson_arr_get(right, at)))
                return false;
        }
        return true;
    }
    return compare_leaves(left, right);
}

static bool compare_starts(yyjson_val *lower, yyjson_val *higher, size_t length)
{
    return yyjson_is_str(lower) && yyjson_is_str(higher) && yyjson_get_len(lower) == length &&
           yyjson_get_len(higher) >= length &&
           memcmp(yyjson_get_str(lower), yyjson_get_str(higher), length) == 0;
}

/* The birth year, or the one that makes an age of 90; three digits of a postal code, or "000". */
static bool compare_derived(const char *key, yyjson_val *lower, yyjson_val *higher)
{
    if (strcmp(key, "birthDate") == 0)
        return yyjson_is_str(lower) && yyjson_get_len(lower) == 4 &&
               (compare_starts(lower, higher, 4) ||
                (yyjson_is_str(higher) &&
                 strncmp(yyjson_get_str(lower), yyjson_get_str(higher), 4) > 0));
    return strcmp(key, "postalCode") == 0 &&
           (compare_starts(lower, higher, 3) || yyjson_equals_str(lower, "000"));
}

static bool compare_member(yyjson_val *key, yyjson_val *item, yyjson_val *higher, bool renamed)
{
    const char *name = yyjson_get_str(key);
    yyjson_val *other = yyjson_obj_getn(higher, name, yyjson_get_len(key));

    if (!other)
        return (strcmp(name, "deceasedBoolean") == 0 && yyjson_is_true(item) &&
                yyjson_obj_get(higher, "deceasedDateTime")) ||
               (renamed && strcmp(name, "id") == 0);
    if (renamed && yyjson_is_str(item) &&
        (strcmp(name, "id") == 0 || strcmp(name, "reference") == 0))
        return true;
    return compare_within(item, other, renamed) || compare_derived(name, item, other);
}

bool compare_within(yyjson_val *lower, yyjson_val *higher, bool renamed)
{
    yyjson_val *key, *item;
    size_t at, count;

    if (yyjson_is_obj(lower)) {
        if (!yyjson_is_obj(higher))
            return false;
        yyjson_obj_foreach(lower, at, count, key, item)
        {
            if (!compare_member(key, item, higher, renamed))
                return false;
        }
        return true;
    }
    if (yyjson_is_arr(lower)) {
        yyjson_arr_iter rest;
        yyjson_val *other;

        if (!yyjson_arr_iter_init(higher, &rest))
            return false;
        yyjson_arr_foreach(lower, at, count, item)
        {
            do {
                other = yyjson_arr_iter_next(&rest);
            } while (other && !compare_within(item, other, renamed));
            if (!other)
                return false;
        }
        return true;
    }
    return compare_leaves(lower, higher);
}
