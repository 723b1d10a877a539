/* SPDX-License-Identifier: Apache-2.0 */
#include "record/object_batch.h"

#include <string.h>

int object_batch_start(struct buffer *out)
{
    return buffer_put_u8(out, RECORD_VERSION_BYTE);
}

int object_batch_put_name(const uint8_t name[OBJECT_NAME_SIZE], struct buffer *out)
{
    return buffer_put(out, name, OBJECT_NAME_SIZE);
}

int object_batch_put(const uint8_t name[OBJECT_NAME_SIZE], struct bytes object,
                     struct buffer *out)
{
    (void)object_batch_put_name(name, out);
    return buffer_put_field(out, object);
}

static int batch_malformed(struct aceso_error *error)
{
    return error_set(error, ACESO_EFORMAT, "objects", "a malformed batch of objects");
}

int object_batch_names(struct bytes bytes, uint8_t (*names)[OBJECT_NAME_SIZE], size_t max,
                       size_t *count, struct aceso_error *error)
{
    struct reader reader = reader_of(bytes);
    size_t n;

    if (reader_u8(&reader) != RECORD_VERSION_BYTE || reader.failed ||
        reader.left % OBJECT_NAME_SIZE != 0)
        return batch_malformed(error);
    n = reader.left / OBJECT_NAME_SIZE;
    if (n > max)
        return error_set(error, ACESO_ELIMIT, "objects", "over %zu names", max);
    if (n)
        memcpy(names, reader.at, reader.left);
    *count = n;
    return ACESO_OK;
}

/* One entry; an empty slice in `object` at the end. */
static int batch_next(struct reader *reader, struct bytes *name, struct bytes *object,
                      struct aceso_error *error)
{
    *object = bytes_of(NULL, 0);
    if (reader->left == 0)
        return ACESO_OK;
    *name = reader_take(reader, OBJECT_NAME_SIZE);
    *object = reader_field(reader, OBJECT_SIZE_MAX);
    if (reader->failed || object->len == 0)
        return batch_malformed(error);
    return ACESO_OK;
}

static int batch_check(struct bytes bytes, struct aceso_error *error)
{
    struct bytes names[OBJECT_BATCH_MAX], object;
    struct reader reader = reader_of(bytes);
    int code = ACESO_OK;

    if (reader_u8(&reader) != RECORD_VERSION_BYTE || reader.failed)
        return batch_malformed(error);
    for (size_t n = 0; !code && reader.left; n++) {
        if (n == OBJECT_BATCH_MAX)
            return error_set(error, ACESO_ELIMIT, "objects", "over %d objects", OBJECT_BATCH_MAX);
        code = batch_next(&reader, &names[n], &object, error);
        for (size_t i = 0; !code && i < n; i++) {
            if (bytes_equal(names[i], names[n]))
                code = batch_malformed(error);
        }
    }
    return code;
}

int object_batch_each(struct bytes bytes, object_batch_fn *each, void *data,
                      struct aceso_error *error)
{
    struct reader reader = reader_of(bytes);
    struct bytes name, object;
    int code = batch_check(bytes, error);

    (void)reader_u8(&reader);
    while (!code) {
        code = batch_next(&reader, &name, &object, error);
        if (code || object.len == 0)
            break;
        code = each(data, name.data, object, error);
    }
    return code;
}
