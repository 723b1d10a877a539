/* SPDX-License-Identifier: Apache-2.0 */
/* Second pass: what each level sees of one resource. Uses index and what is above it. Pure.
 *
 * View 4 is the resource itself, value for value, numbers as written, keys in order. Views 1 to 3
 * hold the values at or below their level; holes are closed and what is left empty is dropped;
 * `id` is the pseudonym; a reference to another record is "Type/<pseudonym>" and is there only if
 * its target is in the same view; birth year, ZIP3 and deceasedBoolean stand in for what is
 * withheld. fullUrl is in none. docs/levels.md has the rules in full. */
#ifndef ACESO_FHIR_VIEW_H
#define ACESO_FHIR_VIEW_H

#include "fhir/index.h"

#define FHIR_LEVELS 4
#define FHIR_PSEUDONYM_MAX 64 /* R4's limit on an id */

/* The pseudonym of the resource type/id, the same for every call with the same arguments: 1 to 64
 * characters of A-Z a-z 0-9 - . and a NUL into `out`. Returns ACESO_OK or a negative code. */
typedef int fhir_pseudonym_fn(void *context, struct bytes type, struct bytes id,
                              char out[FHIR_PSEUDONYM_MAX + 1], struct aceso_error *error);

/* JSON texts, each on one line without its newline; index 0 is level 1. */
struct fhir_views {
    struct buffer view[FHIR_LEVELS]; /* owned; empty where not present */
    bool present[FHIR_LEVELS];       /* present[3] is always true */
};

void fhir_views_init(struct fhir_views *views);
void fhir_views_free(struct fhir_views *views); /* accepts a zeroed one */

/* The four views of `entry`, which is entry->number of the bundle that `index` was built from; the
 * file is read again for that with fhir_bundle_next. `*views` must be initialised; what it held is
 * replaced and its memory used again. ACESO_ESTATE where the entry is not the one that was indexed
 * (the file changed); ACESO_EUSAGE for an entry that goes to the directory; what the callback
 * returned; ACESO_EMEMORY, ACESO_ELIMIT. */
ACESO_NODISCARD int fhir_views(const struct fhir_index *index, const struct fhir_entry *entry,
                               fhir_pseudonym_fn *pseudonym, void *context,
                               struct fhir_views *views, struct aceso_error *error);

#endif
