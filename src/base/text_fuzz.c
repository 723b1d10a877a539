/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as hex, base64, UTF-8 and numbers: what is accepted codes back to the same. */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_base64(const char *text, size_t size)
{
    struct buffer bytes = BUFFER_INIT(BUFFER_MAX_DEFAULT), back = BUFFER_INIT(BUFFER_MAX_DEFAULT);

    if (!text_unbase64(text, size, &bytes)) {
        if (text_base64(buffer_bytes(&bytes), &back) || back.len != size ||
            (size && memcmp(back.data, text, size) != 0))
            abort();
    }
    buffer_free(&bytes);
    buffer_free(&back);
}

static void check_hex(const char *text)
{
    struct buffer bytes = BUFFER_INIT(BUFFER_MAX_DEFAULT), back = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    const char *digits = strncasecmp(text, "0x", 2) == 0 ? text + 2 : text;

    if (!text_unhex_buffer(text, &bytes)) {
        if (buffer_put_hex(&back, buffer_bytes(&bytes)) ||
            strcasecmp(buffer_text(&back), digits) != 0)
            abort();
    }
    buffer_free(&bytes);
    buffer_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char time[21];
    uint64_t number;

    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    check_base64(text, size);
    check_hex(text);
    if (text_is_utf8(bytes_of(data, size)) && strlen(text) != size)
        abort();
    if (!text_u64(text, UINT64_MAX, &number)) {
        text_time((int64_t)number, time);
        if (strlen(time) != 20)
            abort();
    }
    free(text);
    return 0;
}
