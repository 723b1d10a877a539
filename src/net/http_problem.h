/* SPDX-License-Identifier: Apache-2.0 */
/* Errors on the wire: the body of an answer that is an error, and the HTTP status of each code.
 * Uses base. No I/O.
 *
 * The body is JSON of type application/problem+json:
 *     {"code":"denied","status":403,"text":"...","place":"..."}
 * `code` is a word of the table below, `place` is left out where there is none. */
#ifndef ACESO_NET_HTTP_PROBLEM_H
#define ACESO_NET_HTTP_PROBLEM_H

#include "base/buffer.h"

#define HTTP_PROBLEM_TYPE "application/problem+json"
#define HTTP_PROBLEM_MAX 65536

/* The HTTP status for `code` (500 for one that is not in the list, 200 for ACESO_OK). */
unsigned http_problem_status(int code);

/* The word for `code` ("denied"), and back. "internal" and ACESO_EINTERNAL for unknown ones. */
const char *http_problem_word(int code);
int http_problem_code(const char *word);

/* The code that a bare `status` stands for, where the body says nothing. Never ACESO_OK. */
int http_problem_of_status(unsigned status);

/* Appends the body for `problem` to `out`; bytes that are not UTF-8 become '?'. A failure stays in
 * the buffer. */
int http_problem_write(const struct aceso_error *problem, unsigned status,
                                       struct buffer *out);

/* Turns the answer of another node, untrusted, into an error: code, text and place from `body`
 * where it is such a problem, else from `status` alone. Control characters become '?'. Returns the
 * code (never ACESO_OK) and fills `error`. */
int http_problem_read(unsigned status, struct bytes body, struct aceso_error *error);

#endif
