/* SPDX-License-Identifier: Apache-2.0 */
/* First pass over a bundle: everything is checked, and what views need to know of other resources
 * is kept: what each is, the least level it appears at, sensitive categories with their spread
 * along references, the patient's identifying words. Uses bundle, resource, level, sensitive.
 * Reads one file.
 *
 * Memory is proportional to the number of resources and references, not to their text. Read-only
 * once built: any number of threads may use it. */
#ifndef ACESO_FHIR_INDEX_H
#define ACESO_FHIR_INDEX_H

#include "fhir/level.h"

enum fhir_bundle_kind {
    FHIR_BUNDLE_PATIENT,   /* exactly one Patient */
    FHIR_BUNDLE_DIRECTORY, /* directory resources only */
};

struct fhir_index;

/* What the index knows of one entry; strings live as long as the index. */
struct fhir_summary {
    const char *type;     /* resourceType */
    const char *id;       /* Resource.id, else from the fullUrl; NULL where it has neither */
    bool directory;       /* goes to the directory, not to the records */
    int lowest;           /* the least level at which it appears */
    uint32_t categories;  /* sensitive categories, its own and those that spread to it */
};

/* Reads the whole bundle once. Refuses (nothing is kept): whatever bundle.h and resource.h refuse,
 * more than one Patient, records without a Patient, the same resource twice, an empty bundle.
 * `*out` is the caller's, freed with fhir_index_free. */
ACESO_NODISCARD int fhir_index_build(const char *path, const char *label, struct fhir_index **out,
                                     struct aceso_error *error);
ACESO_NODISCARD int fhir_index_build_bytes(struct bytes bytes, const char *label,
                                           struct fhir_index **out, struct aceso_error *error);
void fhir_index_free(struct fhir_index *index); /* accepts NULL */

enum fhir_bundle_kind fhir_index_kind(const struct fhir_index *index);
size_t fhir_index_count(const struct fhir_index *index);   /* entries */
size_t fhir_index_records(const struct fhir_index *index); /* entries that are not directory */
const char *fhir_index_patient(const struct fhir_index *index); /* Patient.id; NULL: directory */

/* The entry `number`, from 1 to fhir_index_count. */
struct fhir_summary fhir_index_summary(const struct fhir_index *index, size_t number);

/* The distinct conditional references ("Practitioner?identifier=system|value") in the bundle's
 * records, from 0; NULL past the last. directory.h resolves them. */
const char *fhir_index_conditional(const struct fhir_index *index, size_t at);

#endif
