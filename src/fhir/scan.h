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

/* The contained resource that "#id" names; NULL where there is none. */
yyjson_val *fhir_contained(const struct fhir_resource *resource, const char *reference);

#endif
