/* SPDX-License-Identifier: Apache-2.0 */
/* Without its whitespace a text is the same value. */
#include "record/patch.h"
#include "record/value.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer minified = BUFFER_INIT(RECORD_TEXT_MAX);
    uint8_t one[RECORD_HASH_SIZE], other[RECORD_HASH_SIZE];

    if (value_digest(bytes_of(data, size), one, NULL) == ACESO_OK) {
        if (patch_minify(bytes_of(data, size), &minified, NULL) ||
            value_digest(buffer_bytes(&minified), other, NULL) ||
            memcmp(one, other, sizeof one) != 0)
            abort();
    }
    buffer_free(&minified);
    return 0;
}
