/* SPDX-License-Identifier: Apache-2.0 */
/* The words that identify a patient and relatives, collected from their resources, and the search
 * for them in other text. Uses resource. Private to this folder. */
#ifndef ACESO_FHIR_WORDS_H
#define ACESO_FHIR_WORDS_H

#include "fhir/resource.h"

struct fhir_words;

struct fhir_words *fhir_words_create(void); /* NULL: no memory */
void fhir_words_free(struct fhir_words *words);

/* Adds the names, identifiers, phone numbers, street lines and birth date of a Patient or
 * RelatedPerson. ACESO_EMEMORY; ACESO_ELIMIT (over 32767 bytes, common beginnings counted once). */
int fhir_words_add_person(struct fhir_words *words, yyjson_val *person);

/* To be called once, after all are added and before the first search. ACESO_EMEMORY. */
int fhir_words_finish(struct fhir_words *words);

/* True where `text` holds one of them. Single names count only where not `coded`. */
bool fhir_words_in(const struct fhir_words *words, const char *text, size_t len, bool coded);

#endif
