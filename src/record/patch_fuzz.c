/* SPDX-License-Identifier: Apache-2.0 */
/* Input: lower view, NUL, patch. Whatever applies must be JSON no longer than both together, and
 * the patch made from the result must lead to it again. */
#include "record/patch.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(struct bytes lower, struct bytes upper)
{
    struct buffer patch = BUFFER_INIT(1 << 22), back = BUFFER_INIT(1 << 22);

    if (patch_make(lower, upper, &patch, NULL))
        abort();
    if (patch.len > 0) {
        if (patch_apply(lower, buffer_bytes(&patch), &back, NULL) ||
            !bytes_equal(buffer_bytes(&back), upper))
            abort();
    } else if (patch_minify(lower, &back, NULL) || !bytes_equal(buffer_bytes(&back), upper)) {
        abort();
    }
    buffer_free(&patch);
    buffer_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
    struct buffer out = BUFFER_INIT(1 << 20), again = BUFFER_INIT(1 << 20);
    struct bytes lower, patch;

    if (!cut)
        return 0;
    lower = bytes_of(cut == data ? NULL : data, (size_t)(cut - data));
    patch = bytes_of(cut + 1, size - lower.len - 1);
    if (patch_apply(lower, patch, &out, NULL) == ACESO_OK) {
        if (out.len > lower.len + patch.len)
            abort();
        if (patch_minify(buffer_bytes(&out), &again, NULL) ||
            !bytes_equal(buffer_bytes(&out), buffer_bytes(&again)))
            abort();
        round_trip(lower, buffer_bytes(&out));
    } else if (out.len) {
        abort();
    }
    buffer_free(&out);
    buffer_free(&again);
    return 0;
}
