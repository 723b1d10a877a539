/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/scan.h"

#include <stdlib.h>
#include <string.h>

static bool scan_is_one_of(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

#define SCAN_IS_ONE_OF(names, name) scan_is_one_of((names), sizeof(names) / sizeof(names)[0], name)

bool fhir_is_reason(const char *type_name, const char *member)
{
    static const char *const reasons[] = {
        "reasonCode", "reasonReference", "addresses",    "basedOn",
        "request",    "prescription",    "claim",        "authorizingPrescription",
    };

    if (strcmp(member, "diagnosis") == 0)
        return strcmp(type_name, "Encounter") == 0;
    return SCAN_IS_ONE_OF(reasons, member);
}

bool fhir_is_result(const char *type_name, const char *member)
{
    if (strcmp(member, "result") == 0)
        return strcmp(type_name, "DiagnosticReport") == 0;
    return strcmp(member, "hasMember") == 0 && strcmp(type_name, "Observation") == 0;
}

bool fhir_is_plumbing(const char *member)
{
    static const char *const plumbing[] = { "resourceType",  "id",   "meta",
                                            "implicitRules", "text", "language" };

    return SCAN_IS_ONE_OF(plumbing, member);
}

static const char *scan_member(yyjson_val *object, const char *name)
{
    return yyjson_get_str(yyjson_obj_get(object, name));
}

/* By shape, so that codes in elements that R4 does not know are seen too. */
static uint32_t scan_object(yyjson_val *object)
{
    const char *text = scan_member(object, "text");
    uint32_t found = fhir_sensitive_coding(scan_member(object, "system"),
                                           scan_member(object, "code"),
                                           scan_member(object, "display"));

    /* An Annotation has a text too, but that is free. */
    if (text && !yyjson_obj_get(object, "time") && !yyjson_obj_get(object, "authorString") &&
        (yyjson_obj_get(object, "coding") || yyjson_obj_size(object) == 1))
        found |= fhir_sensitive_text(text, strlen(text));
    return found;
}

uint32_t fhir_scan(const struct fhir_resource *resource, const struct fhir_tags *tags,
                   yyjson_val *value, bool displays)
{
    yyjson_val *at = value, *end = unsafe_yyjson_get_next(value);
    uint32_t found = 0;

    while (at < end) {
        if (!yyjson_is_obj(at)) {
            at++;
        } else if (fhir_tag_of(resource, tags, at) & FHIR_TAG_REFERENCE) {
            if (displays)
                found |= fhir_sensitive_coding(NULL, NULL, scan_member(at, "display"));
            at = unsafe_yyjson_get_next(at);
        } else {
            found |= scan_object(at);
            at++;
        }
    }
    return found;
}

yyjson_val *fhir_first_reference(const struct fhir_resource *resource,
                                 const struct fhir_tags *tags, yyjson_val *value)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);

    for (; value < end; value++) {
        if (yyjson_is_obj(value) && (fhir_tag_of(resource, tags, value) & FHIR_TAG_REFERENCE))
            return value;
    }
    return NULL;
}

static int scan_inner_order(const void *a, const void *b)
{
    return strcmp(((const struct fhir_inner *)a)->id, ((const struct fhir_inner *)b)->id);
}

int fhir_inners_gather(const struct fhir_resource *resource, const struct fhir_tags *tags,
                       struct fhir_inners *out)
{
    yyjson_val *contained = yyjson_obj_get(resource->root, "contained");
    struct fhir_inners found = { .inner = NULL };
    yyjson_val *item;
    size_t i, max;

    if (yyjson_arr_size(contained)) {
        found.inner = malloc(yyjson_arr_size(contained) * sizeof *found.inner);
        if (!found.inner)
            return ACESO_EMEMORY;
    }
    yyjson_arr_foreach(contained, i, max, item)
    {
        const char *id = scan_member(item, "id");

        if (id)
            found.inner[found.count++] =
                (struct fhir_inner){ id, item, fhir_scan(resource, tags, item, false) };
    }
    if (found.count)
        qsort(found.inner, found.count, sizeof *found.inner, scan_inner_order);
    *out = found;
    return ACESO_OK;
}

const struct fhir_inner *fhir_inners_find(const struct fhir_inners *inners, const char *reference)
{
    struct fhir_inner wanted = { .id = reference + 1 };

    if (reference[0] != '#' || !inners->count)
        return NULL;
    return bsearch(&wanted, inners->inner, inners->count, sizeof *inners->inner, scan_inner_order);
}

const char *const fhir_item_lists[FHIR_ITEM_LISTS][2] = {
    { "diagnosisSequence", "diagnosis" },
    { "procedureSequence", "procedure" },
    { "informationSequence", "supportingInfo" },
};

uint32_t fhir_sequence(yyjson_val *value)
{
    const char *text = yyjson_get_raw(value);
    size_t len = yyjson_get_len(value);
    uint32_t number = 0;

    if (!text || len > 9)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    return number;
}

static int scan_order(const void *a, const void *b)
{
    const struct fhir_part *x = a, *y = b;

    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

int fhir_parts_gather(yyjson_val *parts, struct fhir_parts *out)
{
    size_t count = yyjson_arr_size(parts), i, max;
    struct fhir_parts found = { .count = count };
    yyjson_val *item;

    if (!count) {
        *out = found;
        return ACESO_OK;
    }
    found.part = malloc(count * sizeof *found.part);
    if (!found.part)
        return ACESO_EMEMORY;
    yyjson_arr_foreach(parts, i, max, item)
        found.part[i] = (struct fhir_part){ fhir_sequence(yyjson_obj_get(item, "sequence")), item };
    qsort(found.part, count, sizeof *found.part, scan_order);
    *out = found;
    return ACESO_OK;
}

const struct fhir_part *fhir_parts_find(const struct fhir_parts *parts, uint32_t sequence)
{
    size_t low = 0, high = parts->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (parts->part[middle].sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low < parts->count && parts->part[low].sequence == sequence ? &parts->part[low] : NULL;
}
