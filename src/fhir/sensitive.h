/* SPDX-License-Identifier: Apache-2.0 */
/* Sensitive categories by code and by the words of a display. Tables from sensitive.txt. Pure. */
#ifndef ACESO_FHIR_SENSITIVE_H
#define ACESO_FHIR_SENSITIVE_H

#include <stddef.h>
#include <stdint.h>

/* In the order of sensitive.txt's categories. */
enum fhir_category {
    FHIR_CATEGORY_HIV = 1 << 0,
    FHIR_CATEGORY_REPRODUCTIVE = 1 << 1, /* with sexually transmitted diseases */
    FHIR_CATEGORY_SUBSTANCE = 1 << 2,
    FHIR_CATEGORY_MENTAL = 1 << 3,
    FHIR_CATEGORY_PSYCHOTHERAPY = 1 << 4,
    FHIR_CATEGORY_VIOLENCE = 1 << 5,
    FHIR_CATEGORY_GENETIC = 1 << 6,
    FHIR_CATEGORY_ADOLESCENT = 1 << 7,
    FHIR_CATEGORY_SELF_PAID = 1 << 8,
    FHIR_CATEGORY_SOCIAL = 1 << 9, /* social findings coded as a diagnosis */
    FHIR_CATEGORY_RESTRICTED = 1 << 10, /* a label that says no more than "restricted" */
};

/* The name of one category ("hiv", "substance"); NULL for other values. */
const char *fhir_category_name(uint32_t category);

/* The categories of a coding; `system`, `code` and `display` may be NULL. 0: none. */
uint32_t fhir_sensitive_coding(const char *system, const char *code, const char *display);

/* The categories that the words of `text` (may be NULL) tell. */
uint32_t fhir_sensitive_text(const char *text, size_t len);

/* The categories of a security label; 0 for one that raises nothing (U, L, M, N). */
uint32_t fhir_sensitive_label(const char *system, const char *code);

#endif
