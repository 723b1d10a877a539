/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte is the size of the pieces, the rest a stream. One that is read to its end must
 * be written back as it came. */
#include "record/row.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put_again(void *data, const struct record_row *row, struct aceso_error *error)
{
    (void)error;
    return row_put(row, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer again = BUFFER_INIT(1 << 22);
    struct row_reader *reader;
    size_t piece, at = 1;
    uint64_t rows;
    int code = ACESO_OK;

    if (size == 0)
        return 0;
    piece = data[0] ? data[0] : 1;
    if (row_put_start(&again) || row_reader_create(put_again, &again, &reader, NULL))
        abort();
    for (; !code && at < size; at += piece)
        code = row_reader_feed(reader, bytes_of(data + at, size - at < piece ? size - at : piece),
                               NULL);
    if (!code && row_reader_finish(reader, &rows, NULL) == ACESO_OK) {
        if (row_put_end(rows, &again) ||
            !bytes_equal(buffer_bytes(&again), bytes_of(data + 1, size - 1)))
            abort();
    }
    row_reader_free(reader);
    buffer_free(&again);
    return 0;
}
