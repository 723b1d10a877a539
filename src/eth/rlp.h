/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive length prefix (Ethereum Yellow Paper, appendix B), canonical form only.
 * Uses base only. No I/O. Failures of the writers stay in the buffer (buffer->failed). */
#ifndef ACESO_ETH_RLP_H
#define ACESO_ETH_RLP_H

#include "base/buffer.h"

/* Each appends one item to `out`. A list's payload is its items, written into a buffer of its own
 * before. A number is its big-endian bytes without leading zeros; zero is the empty string. */
void rlp_put_string(struct buffer *out, struct bytes string);
void rlp_put_u64(struct buffer *out, uint64_t value);
void rlp_put_uint256(struct buffer *out, const uint8_t word[32]);
void rlp_put_list(struct buffer *out, struct bytes payload);

struct rlp_item {
    bool list;
    struct bytes payload; /* the string, or the items of the list one after another */
};

/* Takes the first item off `*in`. ACESO_EFORMAT (both untouched then) when it is cut off or not in
 * its shortest form. Does not look inside a list: read on in its payload. */
ACESO_NODISCARD int rlp_read(struct bytes *in, struct rlp_item *item, struct aceso_error *error);

/* The same for an item that must be a string (of exactly `len` bytes for the second), a number or
 * a list. ACESO_EFORMAT for another kind, a leading zero in a number, or one that does not fit. */
ACESO_NODISCARD int rlp_read_string(struct bytes *in, struct bytes *string,
                                    struct aceso_error *error);
ACESO_NODISCARD int rlp_read_fixed(struct bytes *in, size_t len, void *out,
                                   struct aceso_error *error);
ACESO_NODISCARD int rlp_read_u64(struct bytes *in, uint64_t *value, struct aceso_error *error);
ACESO_NODISCARD int rlp_read_uint256(struct bytes *in, uint8_t word[32],
                                     struct aceso_error *error);
ACESO_NODISCARD int rlp_read_list(struct bytes *in, struct bytes *payload,
                                  struct aceso_error *error);

/* Checks that `in` is exactly one item, canonical at every level, not deeper than `depth` lists. */
ACESO_NODISCARD int rlp_check(struct bytes in, size_t depth, struct aceso_error *error);

#endif
