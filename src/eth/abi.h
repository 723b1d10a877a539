/* SPDX-License-Identifier: Apache-2.0 */
/* The contract ABI (Solidity documentation, "Contract ABI Specification"), driven by type texts
 * such as "(address,string,uint256,bytes,(uint16,uint32)[])": the canonical types of a function's
 * arguments, results or an event's data, in brackets. Uses base only. No I/O.
 *
 * Types: uintN, intN, address, bool, bytesN, bytes, string, T[], T[k] and tuples. The type text is
 * the program's own (generated from the compiler's output); the data is anybody's. */
#ifndef ACESO_ETH_ABI_H
#define ACESO_ETH_ABI_H

#include "base/buffer.h"

#define ABI_DEPTH_MAX 8

/* One value. Which members mean something depends on its type:
 *   uintN, intN, address, bool, bytesN   word, as it stands in the encoding
 *   bytes, string                        bytes (never owned)
 *   tuple, T[k], T[]                     items and count (never owned) */
struct abi_value {
    uint8_t word[32];
    struct bytes bytes;
    const struct abi_value *items;
    size_t count;
};

struct abi_value abi_u64(uint64_t value);
struct abi_value abi_bool(bool value);
struct abi_value abi_address(const uint8_t address[20]);
struct abi_value abi_word(const uint8_t word[32]); /* uint256, bytes32 */
struct abi_value abi_bytes(struct bytes bytes);    /* bytes */
struct abi_value abi_string(const char *text);     /* lives as long as `text` */
struct abi_value abi_items(const struct abi_value *items, size_t count); /* tuple, array */

/* Appends the encoding of `values` (one for each member of the tuple `types`) to `out`.
 * ACESO_EUSAGE when the values do not fit the types (a wrong count, a word out of range),
 * ACESO_EFORMAT for a string that is not UTF-8, or the buffer's failure. */
ACESO_NODISCARD int abi_encode(const char *types, const struct abi_value *values, size_t count,
                               struct buffer *out, struct aceso_error *error);

/* The same behind a function's selector (its four bytes as a number). */
ACESO_NODISCARD int abi_encode_call(uint32_t selector, const char *types,
                                    const struct abi_value *values, size_t count,
                                    struct buffer *out, struct aceso_error *error);

/* Decodes `data` into `values`: first one for each member of `types`, behind them the members of
 * inner tuples and arrays, `room` in all. Slices point into `data`. Only the canonical encoding
 * passes, the one the compiler writes: tails in order without gaps or overlap, zero padding,
 * words within their type, UTF-8 in strings, nothing behind. ACESO_EFORMAT with the position as
 * the place, ACESO_ELIMIT when `room` is too small; `values` is undefined then. */
ACESO_NODISCARD int abi_decode(const char *types, struct bytes data, struct abi_value *values,
                               size_t room, struct aceso_error *error);

/* Reads of decoded values. abi_get_u64 yields UINT64_MAX for a word that does not fit. */
uint64_t abi_get_u64(const struct abi_value *value);
bool abi_get_bool(const struct abi_value *value);
void abi_get_address(const struct abi_value *value, uint8_t address[20]);
void abi_get_word(const struct abi_value *value, uint8_t word[32]);

#endif
