/* SPDX-License-Identifier: Apache-2.0 */
/* One visit out of a bundle: what another hospital would hold of the same patient. Uses fhir.
 * Reads one file, writes one. */
#ifndef ACESO_DEMO_VISIT_H
#define ACESO_DEMO_VISIT_H

#include "base/error.h"

#include <stddef.h>

/* Writes a bundle of the Patient, the last Encounter, what refers to it (but Provenance, which
 * refers to everything), and whatever these refer to, until nothing is missing; the whole bundle
 * where that is next to nothing. Entries are copied as they stand. `*entries` is how many. */
ACESO_NODISCARD int visit_write(const char *bundle, const char *path, size_t *entries,
                                struct aceso_error *error);

#endif
