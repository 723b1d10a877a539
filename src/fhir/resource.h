/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a bundle as a parsed and checked resource. Uses bundle, elements, base, yyjson.
 *
 * Numbers stay text (raw values), so 0.010 stays 0.010. Checked against R4's own definitions: every
 * known element has the JSON type that R4 gives it (object, array, string, number, boolean), dates
 * and whole numbers are well-formed, no object has the same member twice. Unknown types and
 * elements are kept unchecked: they are `complete` (level.h). */
#ifndef ACESO_FHIR_RESOURCE_H
#define ACESO_FHIR_RESOURCE_H

#include "fhir/bundle.h"
#include "fhir/elements.h"

#include <yyjson.h>

#define FHIR_ID_MAX 64

struct fhir_resource {
    yyjson_doc *doc;              /* owned: the whole entry */
    yyjson_val *root;             /* the resource's object */
    const struct fhir_type *type; /* NULL: not an R4 resource type */
    const char *type_name;        /* resourceType; letters only, at most 64 */
    const char *id;               /* NULL where it has none */
    const char *full_url;         /* NULL where the entry has none */
};

/* Parses and checks `entry`. On success `*out` is the caller's, freed with fhir_resource_free.
 * ACESO_EFORMAT with entry, line and element as the place; ACESO_EMEMORY. */
ACESO_NODISCARD int fhir_resource_parse(const struct fhir_entry *entry, struct fhir_resource *out,
                                        struct aceso_error *error);
void fhir_resource_free(struct fhir_resource *resource); /* accepts a zeroed one */

/* Practitioner, PractitionerRole, Organization, Location or Endpoint. */
bool fhir_is_directory_type(const char *type_name);

/* Appends the value as minified JSON on one line, numbers as written, keys in order. */
int fhir_write(yyjson_val *value, struct buffer *out);

#endif
