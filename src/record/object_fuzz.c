/* SPDX-License-Identifier: Apache-2.0 */
/* The input is opened as an object, and read as the plain text and the content of one that has
 * opened: of each there is one form only. */
#include "record/object.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_plain(struct bytes plain)
{
    const uint8_t name[OBJECT_NAME_SIZE] = { 0 };
    struct buffer again = BUFFER_INIT(OBJECT_CLASS_MAX);
    struct bytes slice = { NULL, 0 };

    if (object_read(plain, name, 7, &slice) == OBJECT_SOUND) {
        (void)buffer_put(&again, name, sizeof name);
        (void)buffer_put_u64(&again, 7);
        (void)buffer_put_field(&again, slice);
        if (buffer_put_zeros(&again, object_class(slice.len) - again.len) ||
            !bytes_equal(buffer_bytes(&again), plain))
            abort();
    }
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes input = bytes_of(data, size);
    const uint8_t name[OBJECT_NAME_SIZE] = { 0 };
    struct object_keys keys = { .name = { 1 }, .seal = { 2 } };
    struct buffer out = BUFFER_INIT(OBJECT_CLASS_MAX), again = BUFFER_INIT((size_t)1 << 24);
    struct bytes part[RECORD_LEVELS];
    enum object_fault fault = OBJECT_SOUND;

    if (object_open(&keys, name, 7, input, &out, &fault, NULL) || fault == OBJECT_SOUND || out.len)
        abort(); /* nobody forges a tag */
    read_plain(input);
    if (object_content_read(input, part) &&
        (object_content_put(part, &again, NULL) || !bytes_equal(buffer_bytes(&again), input)))
        abort();
    buffer_free(&out);
    buffer_free(&again);
    return 0;
}
