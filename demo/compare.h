/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR resources as JSON values side by side, without any of the code that made them: numbers are
 * compared by their text. Uses base, fhir's reader of bundles and NDJSON. Reads files. */
#ifndef ACESO_DEMO_COMPARE_H
#define ACESO_DEMO_COMPARE_H

#include "base/json.h"

/* The resources of one file, in order. Zeroed it is empty. */
struct resources {
    yyjson_doc **doc; /* owned; resource[i] lives in doc[i] */
    yyjson_val **resource;
    size_t count, capacity;
};

/* What a bundle says of its patient: without the public directory's resources. */
ACESO_NODISCARD int resources_of_bundle(const char *path, struct resources *resources,
                                        struct aceso_error *error);
ACESO_NODISCARD int resources_of_ndjson(const char *path, struct resources *resources,
                                        struct aceso_error *error);
void resources_free(struct resources *resources);

const char *resource_type(yyjson_val *resource); /* "" where it has none */

/* True when an Observation has this code among its categories. */
bool resource_has_category(yyjson_val *resource, const char *code);

/* Value for value, numbers by their text; the order of an object's members does not count. */
bool compare_equal(yyjson_val *left, yyjson_val *right);

/* True when `lower` says nothing but what `higher` says: each member is a member, each array a
 * subsequence, each leaf equal. Left aside: what stands in for a withheld value (birth year, three
 * digits of a postal code, deceasedBoolean) and, where `renamed`, ids and references. */
bool compare_within(yyjson_val *lower, yyjson_val *higher, bool renamed);

#endif
