/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded growing byte buffers, byte slices and a bounds-checked reader. Uses error only.
 *
 * A `struct buffer` grows on demand up to `max` bytes; past it every put fails with ACESO_ELIMIT:
 * the limit says no, not the allocator. Once a put has failed the buffer remembers it: later puts
 * do nothing and return the same code, so a run of puts needs one check at its end. All integers
 * are big-endian. */
#ifndef ACESO_BASE_BUFFER_H
#define ACESO_BASE_BUFFER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Somebody else's bytes: never owns. `data` may be NULL only where `len` is 0. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){ .data = data, .len = len };
}

struct bytes bytes_of_string(const char *text);
bool bytes_equal(struct bytes a, struct bytes b); /* not constant time: for public data */

#define BUFFER_MAX_DEFAULT ((size_t)64 << 20)

struct buffer {
    uint8_t *data; /* owned; NULL while empty; always followed by a NUL that len does not count */
    size_t len;
    size_t capacity;
    size_t max;
    int failed;  /* ACESO_OK or the first failure */
    bool secret; /* wiped when it grows and when it is freed */
};

#define BUFFER_INIT(limit)                                                                         \
    { .data = NULL, .len = 0, .capacity = 0, .max = (limit), .failed = 0, .secret = false }
#define BUFFER_INIT_SECRET(limit)                                                                  \
    { .data = NULL, .len = 0, .capacity = 0, .max = (limit), .failed = 0, .secret = true }

/* Frees what the buffer holds (wipes it first where `secret`) and leaves it empty with the same
 * limit. Accepts a zeroed one. */
void buffer_free(struct buffer *buffer);

/* Sets the length to 0 and forgets a failure; keeps the memory (wiped where `secret`). */
void buffer_clear(struct buffer *buffer);

/* Each appends and returns ACESO_OK, ACESO_ELIMIT or ACESO_EMEMORY (remembered, see above). */
int buffer_put(struct buffer *buffer, const void *data, size_t len);
int buffer_put_bytes(struct buffer *buffer, struct bytes bytes);
int buffer_put_u8(struct buffer *buffer, uint8_t value);
int buffer_put_u16(struct buffer *buffer, uint16_t value);
int buffer_put_u32(struct buffer *buffer, uint32_t value);
int buffer_put_u64(struct buffer *buffer, uint64_t value);
int buffer_put_string(struct buffer *buffer, const char *text); /* without the NUL */
int buffer_printf(struct buffer *buffer, const char *format, ...) ACESO_PRINTF(2, 3);
int buffer_put_zeros(struct buffer *buffer, size_t len);
int buffer_put_hex(struct buffer *buffer, struct bytes bytes); /* lower case, no prefix */

/* Appends a 32-bit length and then the bytes. ACESO_ELIMIT over 2^32 - 1. */
int buffer_put_field(struct buffer *buffer, struct bytes bytes);

/* Makes room for `len` more bytes and returns where they start, NULL on failure. The caller
 * writes up to `len` bytes there and then adds what it wrote to `len` itself. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t len);

/* What the buffer holds, as a slice that lives until the next change. */
static inline struct bytes buffer_bytes(const struct buffer *buffer)
{
    return (struct bytes){ .data = buffer->data, .len = buffer->len };
}

/* The buffer's text: its bytes with a NUL behind; "" while empty. */
const char *buffer_text(const struct buffer *buffer);

/* Reads from `bytes`; a read past the end fails, sets `failed`, and yields zeros from then on, so
 * that a run of reads needs one check at its end. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

struct reader reader_of(struct bytes bytes);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
struct bytes reader_take(struct reader *reader, size_t len);    /* a slice of the input */
struct bytes reader_field(struct reader *reader, size_t max);   /* u32 length, then the bytes */
void reader_copy(struct reader *reader, void *out, size_t len); /* zeros on failure */

/* True when nothing failed and nothing is left. */
bool reader_done(const struct reader *reader);

#endif
