/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of one resource tell: sensitive categories, reasons, references. Uses level and
 * sensitive. Pure; private to this folder, shared by index and view. */
#ifndef ACESO_FHIR_SCAN_H
#define ACESO_FHIR_SCAN_H

#include "fhir/level.h"
#include "fhir/sensitive.h"

static inline uint8_t fhir_tag_of(const struct fhir_resource *resource,
                                  const struct fhir_tags *tags, const yyjson_val *value)
{
    return tags->tag[value - resource->doc->root];
}

/* The categories of every coding, concept text and, where `displays`, reference display that lies
 * in `value`. Does not go into contained resources, nor into free text. */
uint32_t fhir_scan(const struct fhir_resource *resource, const struct fhir_tags *tags,
                   yyjson_val *value, bool displays);

/* True for an element whose content says why the resource exists: reasonCode, reasonReference,
 * addresses, basedOn, an Encounter's diagnosis ... */
bool fhir_is_reason(const char *type_name, const char *member);

/* True for DiagnosticReport.result and Observation.hasMember: what the resource gathers. */
bool fhir_is_result(const char *type_name, const char *member);

/* True for what neither tells a category nor holds a reference to follow: id, meta, text ... */
bool fhir_is_plumbing(const char *member);

/* The first Reference at or in `value`; NULL where there is none. */
yyjson_val *fhir_first_reference(const struct fhir_resource *resource,
                                 const struct fhir_tags *tags, yyjson_val *value);

/* The resources contained in another, each with the categories that its codes tell. */
struct fhir_inner {
    const char *id;
    yyjson_val *value;
    uint32_t categories;
};
struct fhir_inners {
    struct fhir_inner *inner; /* owned; sorted by id */
    size_t count;
};

/* Gathers those of `resource` that have an id. ACESO_EMEMORY. Freed with free(). */
int fhir_inners_gather(const struct fhir_resource *resource, const struct fhir_tags *tags,
                       struct fhir_inners *out);

/* The one that "#id" names; NULL where there is none. */
const struct fhir_inner *fhir_inners_find(const struct fhir_inners *inners, const char *reference);

/* The parts of a Claim or ExplanationOfBenefit that its items name by number. */
struct fhir_part {
    uint32_t sequence;
    yyjson_val *value;
};
struct fhir_parts {
    struct fhir_part *part; /* owned; sorted by sequence */
    size_t count;
};

/* Lists of numbers in an item, and the elements that they number. */
#define FHIR_ITEM_LISTS 3
extern const char *const fhir_item_lists[FHIR_ITEM_LISTS][2];

/* Gathers the elements of the array `parts` (may be NULL). ACESO_EMEMORY. Freed with free(). */
int fhir_parts_gather(yyjson_val *parts, struct fhir_parts *out);

/* The first part numbered `sequence`; NULL where there is none. More of that number follow it. */
const struct fhir_part *fhir_parts_find(const struct fhir_parts *parts, uint32_t sequence);

/* The number that a positiveInt holds; 0 for anything else. */
uint32_t fhir_sequence(yyjson_val *value);

#endif
