/* SPDX-License-Identifier: Apache-2.0 */
/* What a cloud answers, and what a hospital sends to it: a batch that is taken is written back as
 * it came. */
#include "record/object_batch.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put_again(void *data, const uint8_t name[OBJECT_NAME_SIZE], struct bytes object,
                     struct aceso_error *error)
{
    (void)error;
    return object_batch_put(name, object, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t names[OBJECT_LIST_MAX][OBJECT_NAME_SIZE];
    const struct bytes input = bytes_of(data, size);
    struct buffer again = BUFFER_INIT((size_t)32 << 20);
    size_t count = 0;

    if (object_batch_start(&again))
        abort();
    if (object_batch_each(input, put_again, &again, NULL) == ACESO_OK &&
        !bytes_equal(buffer_bytes(&again), input))
        abort();
    buffer_clear(&again);
    if (object_batch_names(input, names, OBJECT_LIST_MAX, &count, NULL) == ACESO_OK) {
        if (object_batch_start(&again))
            abort();
        for (size_t i = 0; i < count; i++) {
            if (object_batch_put_name(names[i], &again))
                abort();
        }
        if (!bytes_equal(buffer_bytes(&again), input))
            abort();
    }
    buffer_free(&again);
    return 0;
}
