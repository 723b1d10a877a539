/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values against R4's definitions. Uses elements, yyjson. Pure; private to this folder. */
#ifndef ACESO_FHIR_CHECK_H
#define ACESO_FHIR_CHECK_H

#include "base/error.h"
#include "fhir/elements.h"

#include <yyjson.h>

/* Numbers as raw text; comments, NaN and the like stay refused. */
#define FHIR_READ_FLAGS (YYJSON_READ_NUMBER_AS_RAW)

struct fhir_check {
    char path[128];      /* names that R4 knows, with array positions; no values */
    size_t len;
    const char *problem; /* words; NULL while all is well */
    yyjson_val *key;     /* the member where it was seen, for the line; NULL: not known */
};

/* No object of the document has the same member twice, no string holds a NUL. */
int fhir_check_members(yyjson_doc *doc, struct fhir_check *check);

/* The members of `object` against `type`. Unknown members pass. */
int fhir_check_object(const struct fhir_type *type, yyjson_val *object, struct fhir_check *check);

/* One member that `element` defines. */
int fhir_check_element(const struct fhir_element *element, yyjson_val *key, yyjson_val *value,
                       struct fhir_check *check);

/* A FHIR id: 1 to 64 of A-Z a-z 0-9 - . */
bool fhir_check_id(const char *text, size_t len);

/* The bytes before `key` in the text that `doc` was read from. */
size_t fhir_check_offset(const yyjson_doc *doc, const yyjson_val *key);

#endif
