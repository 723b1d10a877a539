/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two JSON texts say the same: a digest over values, the same for any order of members and
 * any way to escape a string. The text of numbers counts (1.0 is not 1.00), as does the order of
 * arrays. Uses crypto and yyjson. No I/O. Thread-safe. Bytes: docs/proof.md. */
#ifndef ACESO_RECORD_VALUE_H
#define ACESO_RECORD_VALUE_H

#include "record/context.h"

/* The digest of `json`: UTF-8 of at most RECORD_TEXT_MAX bytes and RECORD_DEPTH_MAX levels.
 * ACESO_EFORMAT, also where an object has a key twice; ACESO_ELIMIT. */
ACESO_NODISCARD int value_digest(struct bytes json, uint8_t digest[RECORD_HASH_SIZE],
                                 struct aceso_error *error);

/* The same of the object that has only those members of the object `json` that are named. A member
 * that is missing is left out. */
ACESO_NODISCARD int value_digest_of(struct bytes json, const char *const *names, size_t count,
                                    uint8_t digest[RECORD_HASH_SIZE], struct aceso_error *error);

#endif
