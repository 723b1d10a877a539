/* SPDX-License-Identifier: Apache-2.0 */
/* The generated tables (elements.py). Private to this folder: others go through elements.h and
 * sensitive.h. */
#ifndef ACESO_FHIR_TABLES_H
#define ACESO_FHIR_TABLES_H

#include "fhir/elements.h"

/* Sorted by name. */
extern const uint16_t fhir_types_count;
extern const struct fhir_type fhir_types[];
extern const uint16_t fhir_paths_count;
extern const struct fhir_path fhir_paths[];

struct fhir_extension_rule {
    const char *type; /* "*": every type */
    const char *url;
    uint8_t row;
};
extern const uint16_t fhir_extensions_count;
extern const struct fhir_extension_rule fhir_extensions[];

struct fhir_label_rule {
    const char *text;
    uint32_t value;
};
extern const uint16_t fhir_observations_count; /* category code, level */
extern const struct fhir_label_rule fhir_observations[];
extern const uint16_t fhir_labels_count; /* security label, category */
extern const struct fhir_label_rule fhir_labels[];
extern const uint16_t fhir_systems_count; /* URI, number of the system; sorted by URI */
extern const struct fhir_label_rule fhir_systems[];

struct fhir_code_rule {
    const char *code;
    uint8_t system;
    uint32_t categories;
};
extern const uint16_t fhir_codes_count; /* whole codes; sorted by system and code */
extern const struct fhir_code_rule fhir_codes[];
extern const uint16_t fhir_prefixes_count; /* beginnings of codes; sorted likewise */
extern const struct fhir_code_rule fhir_prefixes[];

struct fhir_word_rule {
    const char *text; /* small letters */
    uint8_t len;
    bool whole; /* a word ends there too */
    uint32_t categories;
};
extern const struct fhir_word_rule fhir_words[];
extern const uint16_t fhir_word_first[257]; /* words beginning with byte b: first[b]..first[b+1] */

#endif
