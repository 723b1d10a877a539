/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/elements.h"

#include "fhir/tables.h"

#include <string.h>

/* Compares a NUL-terminated name with `len` bytes in the order of the tables. */
static int elements_compare(const char *name, const char *text, size_t len)
{
    size_t name_len = strlen(name);
    int order = memcmp(name, text, name_len < len ? name_len : len);

    if (order)
        return order;
    return name_len < len ? -1 : name_len > len;
}

const struct fhir_type *fhir_type_named(const char *name)
{
    size_t low = 0, high = fhir_types_count;
    size_t len = strlen(name);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = elements_compare(fhir_types[middle].name, name, len);

        if (order == 0)
            return &fhir_types[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct fhir_type *fhir_resource_type(const char *name)
{
    const struct fhir_type *type = fhir_type_named(name);

    /* "Resource" is the abstract one: the type of whatever is contained. */
    if (!type || type->kind != FHIR_KIND_RESOURCE || strcmp(name, "Resource") == 0)
        return NULL;
    return type;
}

const struct fhir_type *fhir_type_at(uint16_t index)
{
    return &fhir_types[index];
}

const struct fhir_element *fhir_type_element(const struct fhir_type *type, const char *name,
                                             size_t len)
{
    size_t low = 0, high = type->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = elements_compare(type->elements[middle].name, name, len);

        if (order == 0)
            return &type->elements[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const struct fhir_path *elements_path(const struct fhir_path *paths, size_t count,
                                             const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (elements_compare(paths[i].name, name, len) == 0)
            return &paths[i];
    }
    return NULL;
}

const struct fhir_path *fhir_path_root(const struct fhir_type *type)
{
    return elements_path(fhir_paths, fhir_paths_count, type->name, strlen(type->name));
}

const struct fhir_path *fhir_path_part(const struct fhir_path *node, const char *name, size_t len)
{
    return elements_path(node->parts, node->count, name, len);
}

uint8_t fhir_extension_row(const char *type, const char *url)
{
    for (size_t i = 0; i < fhir_extensions_count; i++) {
        const struct fhir_extension_rule *rule = &fhir_extensions[i];

        if (strcmp(rule->url, url) == 0 &&
            (strcmp(rule->type, "*") == 0 || strcmp(rule->type, type) == 0))
            return rule->row;
    }
    return FHIR_ROW_NONE;
}

uint8_t fhir_observation_row(const char *code)
{
    for (size_t i = 0; i < fhir_observations_count; i++) {
        if (strcmp(fhir_observations[i].text, code) == 0)
            return (uint8_t)fhir_observations[i].value;
    }
    return FHIR_ROW_NONE;
}
