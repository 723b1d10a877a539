/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values. Uses nothing of the project.
 *
 * Every function of the program that can fail returns an int: ACESO_OK (0) or a negative code
 * from the list below. A caller that wants words passes a `struct aceso_error *` as the last
 * argument (NULL where it does not); on failure it then holds the code, a text for a person and
 * the place in the input ("bundle.json: entry 12: line 88") where one is known. On success it is
 * left untouched. Texts never hold secrets, nor names or values from a medical record. */
#ifndef ACESO_BASE_ERROR_H
#define ACESO_BASE_ERROR_H

#define ACESO_CODES(X)                                                                             \
    X(ACESO_OK, 0, "done")                                                                         \
    X(ACESO_EMEMORY, -1, "out of memory")                                                          \
    X(ACESO_EUSAGE, -2, "wrong usage")                                                             \
    X(ACESO_EFORMAT, -3, "malformed input")                                                        \
    X(ACESO_ELIMIT, -4, "over a limit")                                                            \
    X(ACESO_EIO, -5, "input or output failed")                                                     \
    X(ACESO_ENOTFOUND, -6, "not found")                                                            \
    X(ACESO_EEXISTS, -7, "exists already")                                                         \
    X(ACESO_EVERIFY, -8, "does not verify")                                                        \
    X(ACESO_EDENIED, -9, "refused")                                                                \
    X(ACESO_ESTATE, -10, "not possible in this state")                                             \
    X(ACESO_EBUSY, -11, "busy, try again")                                                         \
    X(ACESO_ETIMEOUT, -12, "took too long")                                                        \
    X(ACESO_ECHAIN, -13, "the chain refused")                                                      \
    X(ACESO_ECANCELLED, -14, "cancelled")                                                          \
    X(ACESO_EINTERNAL, -15, "internal error")

enum aceso_code {
#define X(name, value, text) name = (value),
    ACESO_CODES(X)
#undef X
};

#define ACESO_ERROR_TEXT_MAX 384
#define ACESO_ERROR_PLACE_MAX 192

struct aceso_error {
    int code;
    char text[ACESO_ERROR_TEXT_MAX];
    char place[ACESO_ERROR_PLACE_MAX];
};

#define ACESO_NODISCARD __attribute__((warn_unused_result))
#define ACESO_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* The short text of `code`; "unknown error" for one that is not in the list. Never NULL. */
const char *error_name(int code);

/* Fills `error` (may be NULL) and returns `code`, so that a failing function ends in
 * `return error_set(error, ACESO_EFORMAT, "policy", "row %zu ...", row);`
 * `place` may be NULL. Texts that do not fit are cut. */
int error_set(struct aceso_error *error, int code, const char *place, const char *format, ...)
    ACESO_PRINTF(4, 5);

/* Puts "words: " before the text that `error` (may be NULL) has already. Returns `code`. */
int error_wrap(struct aceso_error *error, int code, const char *format, ...) ACESO_PRINTF(3, 4);

/* Puts `place` before the place that `error` (may be NULL) has ("outer: inner"). Returns `code`. */
int error_at(struct aceso_error *error, int code, const char *place);

/* Writes "place: text" (or the code's name where there is no text) into `out`, cut at `size`.
 * Returns `out`. */
const char *error_print(const struct aceso_error *error, char *out, unsigned long size);

#endif
