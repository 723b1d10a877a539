/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and dates in policies, by dyadic prefixes. Uses octets. Core: no heap, no I/O.
 *
 * A value of `bits` bits has bits + 1 prefixes; who has the value holds a key for each. A range is
 * the disjoint union of at most 2 bits - 2 sets of values with one prefix each, and the policy asks
 * for one of these. No two held values make a third.
 */
#ifndef ABE_RANGE_H
#define ABE_RANGE_H

#include "aceso/abe.h"

enum { ABE_NUMBER_BITS = 32, ABE_DATE_BITS = 22 };

struct abe_value {
    uint32_t number; /* for a date, the days since 0001-01-01 */
    bool date;
};

/* All of `text`: decimal without leading zeros, below 2^32; or YYYY-MM-DD from 0001-01-01. */
bool abe_value_read(const char *text, size_t length, struct abe_value *value);

static inline unsigned abe_value_bits(bool date)
{
    return date ? ABE_DATE_BITS : ABE_NUMBER_BITS;
}

/* The greatest value. */
static inline uint32_t abe_value_last(bool date)
{
    return UINT32_MAX >> (32 - abe_value_bits(date));
}

/* The first `length` bits of a value. */
struct abe_prefix {
    uint32_t bits;
    unsigned length;
};

struct abe_prefix abe_value_prefix(const struct abe_value *value, unsigned length);

/* Takes from [*first, last] the largest set of values with one prefix that begins at *first, and
 * moves *first behind it. False when that was the last one. `*first` must not be above `last`. */
bool abe_range_next(bool date, uint32_t *first, uint32_t last, struct abe_prefix *prefix);

/*
 * Writes the attribute that stands for a prefix, `name.nL.X@authority` (dates: `.dL.X`): L the
 * length, X the bits in lower-case hexadecimal of as many digits as they need, one at least. Not
 * NUL-terminated. Returns its length, 0 when the name is too long. `attribute` is a valid one.
 */
size_t abe_prefix_attribute(const char *attribute, size_t length, bool date,
                            const struct abe_prefix *prefix, char out[ACESO_ABE_ATTRIBUTE_MAX]);

#endif
