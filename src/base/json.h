/* SPDX-License-Identifier: Apache-2.0 */
/* JSON for messages and configuration, on yyjson: strict parsing with limits on size and depth,
 * typed reads with a clear error, and a writer into a buffer. Uses buffer and text.
 * FHIR has its own reader (fhir/), since there the text of numbers must survive. */
#ifndef ACESO_BASE_JSON_H
#define ACESO_BASE_JSON_H

#include "base/buffer.h"

#include <yyjson.h>

#define JSON_DEPTH_MAX 64

/* True when no array or object of the JSON text `bytes` lies deeper than `max`. Only counts
 * brackets outside strings: a guard that runs before a parser. */
bool json_depth_within(struct bytes bytes, size_t max);

/* Parses strict RFC 8259 UTF-8 text. `*doc` is the caller's, freed with yyjson_doc_free.
 * ACESO_EFORMAT with line and column as the place. */
ACESO_NODISCARD int json_parse(struct bytes bytes, yyjson_doc **doc, struct aceso_error *error);

/* Members of `object` (may be NULL or of another type: then ACESO_EFORMAT that names `key`).
 * Strings and slices live as long as the document. */
ACESO_NODISCARD int json_string(const yyjson_val *object, const char *key, const char **value,
                                struct aceso_error *error);
ACESO_NODISCARD int json_u64(const yyjson_val *object, const char *key, uint64_t max,
                             uint64_t *value, struct aceso_error *error);
ACESO_NODISCARD int json_hex(const yyjson_val *object, const char *key, void *out, size_t len,
                             struct aceso_error *error);
ACESO_NODISCARD int json_base64(const yyjson_val *object, const char *key, struct buffer *out,
                                struct aceso_error *error);

/* A member that may be missing: NULL then. */
const char *json_string_or(const yyjson_val *object, const char *key, const char *otherwise);
uint64_t json_u64_or(const yyjson_val *object, const char *key, uint64_t otherwise);

/* The writer: put an object or array open, members, close. Commas are its own business. Keys are
 * trusted constants; values are escaped. Failures stay in the buffer (buffer->failed). */
struct json_writer {
    struct buffer *out;
    bool comma;
};

struct json_writer json_writer_of(struct buffer *out);
void json_open(struct json_writer *writer, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json_writer *writer, char bracket);                 /* '}' or ']' */
void json_put_string(struct json_writer *writer, const char *key, const char *value);
void json_put_bytes(struct json_writer *writer, const char *key, struct bytes value); /* UTF-8 */
void json_put_u64(struct json_writer *writer, const char *key, uint64_t value);
void json_put_bool(struct json_writer *writer, const char *key, bool value);
void json_put_null(struct json_writer *writer, const char *key);
/* "0x" and lower case. */
void json_put_hex(struct json_writer *writer, const char *key, const void *data, size_t len);
void json_put_base64(struct json_writer *writer, const char *key, struct bytes value);
void json_put_raw(struct json_writer *writer, const char *key, struct bytes json);

#endif
