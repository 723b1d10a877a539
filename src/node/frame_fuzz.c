/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of frames in pieces: no more comes out than went in, the same whatever the pieces. */
#include "node/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    uint64_t bytes[2];
};

static int receive(void *context, enum frame_kind kind, struct bytes bytes,
                   struct aceso_error *error)
{
    struct sum *sum = context;

    (void)error;
    if (kind != FRAME_DATA && kind != FRAME_PROOF)
        abort();
    sum->bytes[kind - FRAME_DATA] += bytes.len;
    return ACESO_OK;
}

static int read_all(struct bytes bytes, size_t piece, struct sum *sum)
{
    struct frame_reader *reader = NULL;
    struct aceso_error error;
    struct frame_end end;
    int code = frame_reader_create(receive, sum, &reader, NULL);

    while (!code && bytes.len) {
        size_t len = bytes.len < piece ? bytes.len : piece;

        code = frame_reader_feed(reader, bytes_of(bytes.data, len), &error);
        bytes.data += len;
        bytes.len -= len;
    }
    if (!code)
        code = frame_reader_finish(reader, &end, &error);
    if (!code && (end.data != sum->bytes[0] || end.proof != sum->bytes[1]))
        abort();
    frame_reader_free(reader);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sum whole = { { 0 } }, pieces = { { 0 } };

    if (read_all(bytes_of(data, size), size ? size : 1, &whole) !=
        read_all(bytes_of(data, size), 3, &pieces))
        abort();
    if (whole.bytes[0] + whole.bytes[1] > size)
        abort();
    return 0;
}
