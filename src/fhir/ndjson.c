/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/ndjson.h"

#include <string.h>

int fhir_ndjson_put(struct buffer *out, struct bytes json)
{
    if (json.len == 0 || memchr(json.data, '\n', json.len) || memchr(json.data, '\r', json.len))
        return ACESO_EUSAGE;
    (void)buffer_put_bytes(out, json);
    return buffer_put_u8(out, '\n');
}

bool fhir_ndjson_next(struct bytes *rest, struct bytes *line)
{
    while (rest->len) {
        const uint8_t *end = memchr(rest->data, '\n', rest->len);
        size_t len = end ? (size_t)(end - rest->data) : rest->len;
        struct bytes found = bytes_of(rest->data, len);

        rest->data += end ? len + 1 : len;
        rest->len -= end ? len + 1 : len;
        if (found.len && found.data[found.len - 1] == '\r')
            found.len--;
        if (found.len) {
            *line = found;
            return true;
        }
    }
    return false;
}
