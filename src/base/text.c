/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_hex(const void *data, size_t len, char *out)
{
    (void)sodium_bin2hex(out, 2 * len + 1, data, len);
}

static const char *text_skip_prefix(const char *hex)
{
    return hex[0] == '0' && (hex[1] == 'x' || hex[1] == 'X') ? hex + 2 : hex;
}

int text_unhex(const char *hex, void *out, size_t len)
{
    size_t got = 0;
    const char *end = NULL;

    hex = text_skip_prefix(hex);
    if (strlen(hex) != 2 * len)
        return ACESO_EFORMAT;
    if (len == 0)
        return ACESO_OK;
    if (sodium_hex2bin(out, len, hex, 2 * len, NULL, &got, &end) != 0 || got != len)
        return ACESO_EFORMAT;
    return ACESO_OK;
}

int text_unhex_buffer(const char *hex, struct buffer *out)
{
    size_t len;
    uint8_t *at;

    hex = text_skip_prefix(hex);
    len = strlen(hex);
    if (len % 2)
        return ACESO_EFORMAT;
    at = buffer_reserve(out, len / 2);
    if (!at)
        return out->failed;
    if (text_unhex(hex, at, len / 2))
        return ACESO_EFORMAT;
    out->len += len / 2;
    return ACESO_OK;
}

int text_base64(struct bytes bytes, struct buffer *out)
{
    size_t size = sodium_base64_ENCODED_LEN(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    uint8_t *at = buffer_reserve(out, size - 1);

    if (!at)
        return out->failed;
    (void)sodium_bin2base64((char *)at, size, bytes.data, bytes.len,
                            sodium_base64_VARIANT_ORIGINAL);
    out->len += size - 1;
    return ACESO_OK;
}

int text_unbase64(const char *text, size_t len, struct buffer *out)
{
    size_t got = 0;
    unsigned char high = 0;
    uint8_t *at;

    if (len == 0)
        return ACESO_OK;
    /* libsodium 1.0.18 takes bytes over 0x7f for digits where char is signed. */
    for (size_t i = 0; i < len; i++)
        high |= (unsigned char)text[i];
    if (high & 0x80)
        return ACESO_EFORMAT;
    at = buffer_reserve(out, len / 4 * 3 + 3);
    if (!at)
        return out->failed;
    if (sodium_base642bin(at, len / 4 * 3 + 3, text, len, NULL, &got, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return ACESO_EFORMAT;
    out->len += got;
    out->data[out->len] = '\0';
    return ACESO_OK;
}

/* The number of continuation bytes after `lead` and the smallest code point of that length. */
static int text_utf8_sequence(uint8_t lead, uint32_t *code, uint32_t *least)
{
    if (lead < 0x80) {
        *code = lead;
        *least = 1;
        return 0;
    }
    if ((lead & 0xe0) == 0xc0) {
        *code = lead & 0x1fu;
        *least = 0x80;
        return 1;
    }
    if ((lead & 0xf0) == 0xe0) {
        *code = lead & 0x0fu;
        *least = 0x800;
        return 2;
    }
    if ((lead & 0xf8) == 0xf0) {
        *code = lead & 0x07u;
        *least = 0x10000;
        return 3;
    }
    return -1;
}

bool text_is_utf8(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len;) {
        uint32_t code, least;
        int more = text_utf8_sequence(bytes.data[i++], &code, &least);

        if (more < 0 || (size_t)more > bytes.len - i)
            return false;
        for (; more > 0; more--, i++) {
            if ((bytes.data[i] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (bytes.data[i] & 0x3fu);
        }
        if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
    }
    return true;
}

int text_u64(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;

    if (!*text)
        return ACESO_EFORMAT;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');

        if (*text < '0' || *text > '9' || sum > (UINT64_MAX - digit) / 10)
            return ACESO_EFORMAT;
        sum = sum * 10 + digit;
    }
    if (sum > max)
        return ACESO_EFORMAT;
    *value = sum;
    return ACESO_OK;
}

/* The years 1000 to 9999: those of four digits. */
#define TEXT_TIME_MIN (-30610224000)
#define TEXT_TIME_MAX 253402300799

void text_time(int64_t seconds, char out[21])
{
    time_t when = (time_t)seconds;
    struct tm parts;

    if (seconds < TEXT_TIME_MIN || seconds > TEXT_TIME_MAX || !gmtime_r(&when, &parts) ||
        strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        (void)snprintf(out, 21, "0000-00-00T00:00:00Z");
}

int64_t time_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

int64_t time_monotonic_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
