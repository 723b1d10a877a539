/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/scan.h"

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

yyjson_val *fhir_contained(const struct fhir_resource *resource, const char *reference)
{
    yyjson_val *contained = yyjson_obj_get(resource->root, "contained");
    yyjson_val *item;
    size_t i, max;

    if (reference[0] != '#')
        return NULL;
    yyjson_arr_foreach(contained, i, max, item)
    {
        const char *id = scan_member(item, "id");

        if (id && strcmp(id, reference + 1) == 0)
            return item;
    }
    return NULL;
}
