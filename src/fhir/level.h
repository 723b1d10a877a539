/* SPDX-License-Identifier: Apache-2.0 */
/* Levels: who may read a value at the least. Uses resource and elements. Pure.
 *
 * The table is levels.txt; docs/levels.md says how it is read. Here only what a resource says of
 * itself counts: the row of its type and elements, free text, identifiers, its labels, an
 * Observation's category. What depends on other resources (references, sensitive categories that
 * spread) is added by view.h with the index. */
#ifndef ACESO_FHIR_LEVEL_H
#define ACESO_FHIR_LEVEL_H

#include "fhir/resource.h"

enum fhir_level {
    FHIR_LOW = 1,
    FHIR_MEDIUM = 2,
    FHIR_HIGH = 3,
    FHIR_COMPLETE = 4,
};

/* "low", "medium", "high", "complete"; NULL for any other number. */
const char *fhir_level_name(int level);

/* What a value is beside its level. */
enum fhir_tag {
    FHIR_TAG_LEVEL = 0x07,      /* 1 to 4 */
    FHIR_TAG_STRUCTURE = 0x08,  /* shown only along with something else: id, url, meta */
    FHIR_TAG_REFERENCE = 0x10,  /* an object of type Reference */
    FHIR_TAG_UNIT = 0x20,       /* one backbone element or contained resource */
    FHIR_TAG_TEXT = 0x40,       /* a string that no code system or format binds */
    FHIR_TAG_PERSON = 0x80,     /* with REFERENCE: may point at a Patient or RelatedPerson */
};

/* One tag byte for each value of the entry's document: the tag of `value` is
 * tag[value - resource->doc->root]. Keys and what lies outside the resource mean nothing. */
struct fhir_tags {
    uint8_t *tag; /* owned */
    size_t count;
    bool closed; /* nothing of it is below complete, by a label, a modifier or an unknown type */
};

/* Classifies every value of `resource`. `*out` is the caller's, freed with fhir_tags_free.
 * ACESO_EMEMORY. */
ACESO_NODISCARD int fhir_classify(const struct fhir_resource *resource, struct fhir_tags *out);
void fhir_tags_free(struct fhir_tags *tags); /* accepts a zeroed one */

#endif
