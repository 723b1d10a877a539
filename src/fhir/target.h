/* SPDX-License-Identifier: Apache-2.0 */
/* What view.c asks of the index beside its public face. Private to this folder. */
#ifndef ACESO_FHIR_TARGET_H
#define ACESO_FHIR_TARGET_H

#include "fhir/index.h"

enum fhir_target_kind {
    FHIR_TARGET_RECORD,    /* a record of this bundle */
    FHIR_TARGET_DIRECTORY, /* a directory resource, here or elsewhere */
    FHIR_TARGET_CONTAINED, /* "#..." */
    FHIR_TARGET_UNKNOWN,   /* anything else: nobody knows its level */
};

struct fhir_target {
    enum fhir_target_kind kind;
    size_t number; /* the record's, from 1 */
};

/* What the text of a Reference.reference points at. */
struct fhir_target fhir_index_target(const struct fhir_index *index, const char *reference);

/* True where the record has a sensitive category, its own or one that spread to it. */
bool fhir_index_raised(const struct fhir_index *index, size_t number);

/* True where the item numbered `sequence` of the Claim that `reference` names is for a sensitive
 * diagnosis, procedure or information. */
bool fhir_index_claimed(const struct fhir_index *index, const char *reference, uint32_t sequence);

/* True where `text` holds an id of a record, or a word that identifies the patient or a relative:
 * identifiers, phone numbers, street lines, birth dates, whole names; single names only where it
 * is not `coded` (the display of a code says "Young adult" to every patient). */
bool fhir_index_tells(const struct fhir_index *index, const char *text, size_t len, bool coded);

/* The latest date of the records, "YYYY-MM-DD" or a shorter one; "" where there is none. */
const char *fhir_index_latest(const struct fhir_index *index);

/* ACESO_ESTATE where the entry is not the one that was indexed under its number. */
int fhir_index_same(const struct fhir_index *index, const struct fhir_entry *entry);

#endif
