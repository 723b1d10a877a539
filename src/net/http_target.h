/* SPDX-License-Identifier: Apache-2.0 */
/* The target of an HTTP request: "/v1/requests/17?limit=20" split, decoded and matched against the
 * pattern of a route. Uses base. No I/O.
 *
 * Strict on purpose, since all of it comes from outside: a path starts with '/', has no empty, "."
 * or ".." segment and no control characters; escapes (%2f) are decoded in parameters only, to UTF-8
 * without NUL, control characters or '/' in a path; a query names each key once. */
#ifndef ACESO_NET_HTTP_TARGET_H
#define ACESO_NET_HTTP_TARGET_H

#include "base/buffer.h"

#define HTTP_TARGET_MAX 4096   /* bytes of path and query */
#define HTTP_PARAMETERS_MAX 16 /* of the path, and as many of the query */
#define HTTP_NAME_MAX 64       /* bytes of a parameter's name */

struct http_parameter {
    const char *name;
    const char *value;
};

struct http_parameters {
    size_t count;
    struct http_parameter list[HTTP_PARAMETERS_MAX];
};

/* A target taken apart. Owns its text; moves only as a whole allocation (it points into itself). */
struct http_target {
    char text[HTTP_TARGET_MAX + 1]; /* the path, a NUL */
    char decoded[2 * HTTP_TARGET_MAX + 2];
    size_t decoded_len;
    struct http_parameters path;  /* filled by http_target_match */
    struct http_parameters query; /* filled by http_target_parse */
};

/* Takes `text` apart into `*target`. ACESO_EFORMAT, ACESO_ELIMIT (then `*target` holds nothing of
 * use). */
ACESO_NODISCARD int http_target_parse(const char *text, struct http_target *target,
                                      struct aceso_error *error);

/* Whether the target's path is one of `pattern`: "/v1/requests/{id}", where "{id}" stands for one
 * whole segment. Returns 1 and fills target->path, 0 where it does not match, ACESO_EFORMAT where
 * it would but a parameter does not decode. */
int http_target_match(struct http_target *target, const char *pattern, struct aceso_error *error);

/* The value of parameter `name`, NULL where there is none. */
const char *http_parameters_get(const struct http_parameters *parameters, const char *name);

/* Appends `text` with everything escaped but letters, digits and "-._~" (RFC 3986, section 2.3):
 * for clients that build a path segment or a query value. */
int http_target_escape(const char *text, struct buffer *out);

#endif
