/* SPDX-License-Identifier: Apache-2.0 */
/* The public directory: Practitioner, PractitionerRole, Organization, Location, Endpoint, and the
 * conditional references to them. Uses resource and index. Pure.
 *
 * Which bundles and entries are directory says index.h. The hospital keeps directory resources in
 * the clear, each under its identifiers; references to them stay as written in every view. */
#ifndef ACESO_FHIR_DIRECTORY_H
#define ACESO_FHIR_DIRECTORY_H

#include "fhir/index.h"

/* "Type?identifier=system|value" taken apart; percent escapes are decoded. */
struct fhir_conditional {
    char type[65];
    char system[257]; /* "" where the reference names none */
    char value[257];
};

/* ACESO_EFORMAT where `reference` is not of that form, ACESO_ELIMIT where a part is too long. */
ACESO_NODISCARD int fhir_conditional_parse(const char *reference, struct fhir_conditional *out);

/* Called with each identifier of a directory resource. A value other than 0 stops. */
typedef int fhir_identifier_fn(void *context, const char *type, const char *system,
                               const char *value);

/* The public text of a directory resource, on one line: without birthDate, photo and what is marked
 * as home (address, telecom), which the level table does not make public. Then `visit` (may be
 * NULL) is called for each identifier. ACESO_EUSAGE where the entry is no directory resource; what
 * `visit` returned; errors of fhir_resource_parse. */
ACESO_NODISCARD int fhir_directory_entry(const struct fhir_entry *entry, struct buffer *text,
                                         fhir_identifier_fn *visit, void *context,
                                         struct aceso_error *error);

/* Finds one directory resource. 1: found, its id is in `id`. 0: none. Negative: failed. */
typedef int fhir_lookup_fn(void *context, const struct fhir_conditional *what, char id[65]);

/* Called for each conditional reference; `id` is NULL where no directory resource answers: such a
 * reference is kept and reported, not refused. A value other than 0 stops. */
typedef int fhir_resolved_fn(void *context, const char *reference, const char *id);

/* Resolves every conditional reference of the bundle. Returns ACESO_OK or what a callback returned
 * below 0 (lookup) or not 0 (resolved). */
ACESO_NODISCARD int fhir_directory_resolve(const struct fhir_index *index, fhir_lookup_fn *lookup,
                                           fhir_resolved_fn *resolved, void *context);

#endif
