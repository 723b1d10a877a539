/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text and back: hex, base64, UTF-8, decimal numbers, times. Uses buffer.
 * Hex and base64 run in constant time in the bytes they code (libsodium), so secrets may pass. */
#ifndef ACESO_BASE_TEXT_H
#define ACESO_BASE_TEXT_H

#include "base/buffer.h"

#include <time.h>

/* Writes 2 * len + 1 characters. */
void text_hex(const void *data, size_t len, char *out);

/* Decodes exactly `len` bytes from `hex` ("0x" in front is allowed). ACESO_EFORMAT otherwise. */
ACESO_NODISCARD int text_unhex(const char *hex, void *out, size_t len);

/* Appends the decoded bytes of hex of any even length ("0x" allowed). */
ACESO_NODISCARD int text_unhex_buffer(const char *hex, struct buffer *out);

/* Standard alphabet with padding; decoding refuses anything else. */
ACESO_NODISCARD int text_base64(struct bytes bytes, struct buffer *out);
ACESO_NODISCARD int text_unbase64(const char *text, size_t len, struct buffer *out);

/* True for well-formed UTF-8 without NUL, surrogates or overlong forms. */
bool text_is_utf8(struct bytes bytes);

/* The whole of `text` as a decimal number of at most `max`. ACESO_EFORMAT otherwise. */
ACESO_NODISCARD int text_u64(const char *text, uint64_t max, uint64_t *value);

/* "2026-11-22T15:09:00Z" for seconds since 1970; `out` takes 21 bytes. Always 20 characters: zeros
 * for a time outside of the years 1000 to 9999. */
void text_time(int64_t seconds, char out[21]);

/* Wall clock in seconds since 1970, and a monotonic clock in milliseconds. */
int64_t time_now(void);
int64_t time_monotonic_ms(void);

#endif
