/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes bytes_of_string(const char *text)
{
    return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

void buffer_free(struct buffer *buffer)
{
    if (buffer->secret && buffer->data)
        secret_wipe(buffer->data, buffer->capacity);
    free(buffer->data);
    buffer->data = NULL;
    buffer->len = 0;
    buffer->capacity = 0;
    buffer->failed = ACESO_OK;
}

void buffer_clear(struct buffer *buffer)
{
    if (buffer->secret && buffer->data)
        secret_wipe(buffer->data, buffer->capacity);
    buffer->len = 0;
    buffer->failed = ACESO_OK;
    if (buffer->data)
        buffer->data[0] = '\0';
}

/* Copies by hand instead of realloc, which could leave a secret behind in freed memory. */
static int buffer_grow(struct buffer *buffer, size_t capacity)
{
    uint8_t *data = malloc(capacity);

    if (!data)
        return buffer->failed = ACESO_EMEMORY;
    if (buffer->len)
        memcpy(data, buffer->data, buffer->len);
    if (buffer->secret && buffer->data)
        secret_wipe(buffer->data, buffer->capacity);
    free(buffer->data);
    buffer->data = data;
    buffer->capacity = capacity;
    return ACESO_OK;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t len)
{
    size_t need, capacity;

    if (buffer->failed)
        return NULL;
    if (buffer->len > buffer->max || len > buffer->max - buffer->len) {
        buffer->failed = ACESO_ELIMIT;
        return NULL;
    }
    need = buffer->len + len + 1;
    if (need > buffer->capacity) {
        capacity = buffer->capacity ? buffer->capacity : 64;
        while (capacity < need)
            capacity = capacity > buffer->max / 2 ? buffer->max + 1 : capacity * 2;
        if (buffer_grow(buffer, capacity))
            return NULL;
    }
    buffer->data[buffer->len + len] = '\0';
    return buffer->data + buffer->len;
}

int buffer_put(struct buffer *buffer, const void *data, size_t len)
{
    uint8_t *at = buffer_reserve(buffer, len);

    if (!at)
        return buffer->failed;
    if (len)
        memcpy(at, data, len);
    buffer->len += len;
    return ACESO_OK;
}

int buffer_put_bytes(struct buffer *buffer, struct bytes bytes)
{
    return buffer_put(buffer, bytes.data, bytes.len);
}

int buffer_put_u8(struct buffer *buffer, uint8_t value)
{
    return buffer_put(buffer, &value, 1);
}

int buffer_put_u16(struct buffer *buffer, uint16_t value)
{
    const uint8_t out[2] = { (uint8_t)(value >> 8), (uint8_t)value };

    return buffer_put(buffer, out, sizeof out);
}

int buffer_put_u32(struct buffer *buffer, uint32_t value)
{
    const uint8_t out[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value };

    return buffer_put(buffer, out, sizeof out);
}

int buffer_put_u64(struct buffer *buffer, uint64_t value)
{
    (void)buffer_put_u32(buffer, (uint32_t)(value >> 32));
    return buffer_put_u32(buffer, (uint32_t)value);
}

int buffer_put_string(struct buffer *buffer, const char *text)
{
    return buffer_put(buffer, text, strlen(text));
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list args, again;
    uint8_t *at;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    at = len < 0 ? NULL : buffer_reserve(buffer, (size_t)len);
    if (at) {
        (void)vsnprintf((char *)at, (size_t)len + 1, format, again);
        buffer->len += (size_t)len;
    } else if (!buffer->failed) {
        buffer->failed = ACESO_EINTERNAL;
    }
    va_end(again);
    return buffer->failed;
}

int buffer_put_zeros(struct buffer *buffer, size_t len)
{
    uint8_t *at = buffer_reserve(buffer, len);

    if (!at)
        return buffer->failed;
    memset(at, 0, len);
    buffer->len += len;
    return ACESO_OK;
}

int buffer_put_hex(struct buffer *buffer, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        (void)buffer_put_u8(buffer, (uint8_t)digits[bytes.data[i] >> 4]);
        (void)buffer_put_u8(buffer, (uint8_t)digits[bytes.data[i] & 15]);
    }
    return buffer->failed;
}

int buffer_put_field(struct buffer *buffer, struct bytes bytes)
{
    if (bytes.len > UINT32_MAX) {
        if (!buffer->failed)
            buffer->failed = ACESO_ELIMIT;
        return buffer->failed;
    }
    (void)buffer_put_u32(buffer, (uint32_t)bytes.len);
    return buffer_put_bytes(buffer, bytes);
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data ? (const char *)buffer->data : "";
}

struct reader reader_of(struct bytes bytes)
{
    return (struct reader){ .at = bytes.data, .left = bytes.len, .failed = false };
}

struct bytes reader_take(struct reader *reader, size_t len)
{
    struct bytes taken = { NULL, 0 };

    if (reader->failed || len > reader->left) {
        reader->failed = true;
        return taken;
    }
    taken = bytes_of(reader->at, len);
    if (len)
        reader->at += len;
    reader->left -= len;
    return taken;
}

static uint64_t reader_integer(struct reader *reader, size_t len)
{
    struct bytes taken = reader_take(reader, len);
    uint64_t value = 0;

    for (size_t i = 0; i < taken.len; i++)
        value = value << 8 | taken.data[i];
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)reader_integer(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
    return (uint16_t)reader_integer(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
    return (uint32_t)reader_integer(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
    return reader_integer(reader, 8);
}

struct bytes reader_field(struct reader *reader, size_t max)
{
    uint32_t len = reader_u32(reader);

    if (len > max)
        reader->failed = true;
    return reader_take(reader, len);
}

void reader_copy(struct reader *reader, void *out, size_t len)
{
    struct bytes taken = reader_take(reader, len);

    if (taken.len == len && len)
        memcpy(out, taken.data, len);
    else if (len)
        memset(out, 0, len);
}

bool reader_done(const struct reader *reader)
{
    return !reader->failed && reader->left == 0;
}
