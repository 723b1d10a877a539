/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at what came out, from outside: files against the bundle that went in and against each
 * other. Each returns ACESO_OK, or ACESO_EVERIFY with words that name no value of a record. */
#ifndef ACESO_DEMO_CHECK_H
#define ACESO_DEMO_CHECK_H

#include "base/buffer.h"

/* The lines are exactly the bundle's resources, in order, value for value. */
ACESO_NODISCARD int check_equal(const char *bundle, const char *ndjson, struct aceso_error *error);

/* Nothing names the bundle's patient: names, identifiers, phone, street. */
ACESO_NODISCARD int check_hidden(const char *bundle, const char *ndjson,
                                 struct aceso_error *error);

/* What a reader of level `rank` (1 to 3) must not have is not there: below 2 claims, below 3
 * laboratory values; ever social history, surveys, narrative, attachments, Provenance. */
ACESO_NODISCARD int check_absent(const char *ndjson, unsigned rank, struct aceso_error *error);

/* What the three lower levels (files by rank - 1) must have is there: 1 conditions and medications;
 * 2 conditions and claims; 3 conditions and laboratory values: as many as the bundle has that are
 * not raised above that level. */
ACESO_NODISCARD int check_present(const char *bundle, const char *const ndjson[3],
                                  struct aceso_error *error);

/* Each resource of `lower` is one of `higher`, in the same order, and says nothing more.
 * `renamed`: the higher one has the real ids. */
ACESO_NODISCARD int check_within(const char *lower, const char *higher, bool renamed,
                                 struct aceso_error *error);

/* The same bytes. */
ACESO_NODISCARD int check_same(const char *left, const char *right, struct aceso_error *error);

/* The number of lines; 0 where the file cannot be read. */
size_t check_count(const char *ndjson);

#endif
