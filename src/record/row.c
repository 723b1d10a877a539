/* SPDX-License-Identifier: Apache-2.0 */
#include "record/row.h"

#include <stdlib.h>

#define ROW_HEAD (RECORD_ADDRESS_SIZE + RECORD_ID_SIZE + 4 + 1 + 8)
#define ROW_MIN (ROW_HEAD + 4 + 4)
#define ROW_BREAK UINT32_MAX /* in the place of a length */

int row_put_start(struct buffer *out)
{
    return buffer_put_u8(out, RECORD_VERSION_BYTE);
}

int row_put(const struct record_row *row, struct buffer *out)
{
    size_t len = row->sealed.len, start = out->len;

    if (out->failed)
        return out->failed;
    if (len > ROW_MAX - ROW_MIN || row->proof.len > ROW_MAX - ROW_MIN - len)
        return out->failed = ACESO_ELIMIT;
    (void)buffer_put_u32(out, (uint32_t)(ROW_MIN + len + row->proof.len));
    (void)buffer_put(out, row->patient, sizeof row->patient);
    (void)buffer_put(out, row->record, sizeof row->record);
    (void)buffer_put_u32(out, row->version);
    (void)buffer_put_u8(out, row->level);
    (void)buffer_put_u32(out, row->epoch.e);
    (void)buffer_put_u32(out, row->epoch.n);
    (void)buffer_put_field(out, row->sealed);
    (void)buffer_put_field(out, row->proof);
    if (out->failed && out->data)
        out->len = start;
    return out->failed;
}

int row_put_end(uint64_t rows, struct buffer *out)
{
    (void)buffer_put_u32(out, 0);
    return buffer_put_u64(out, rows);
}

int row_put_break(enum row_break reason, struct buffer *out)
{
    (void)buffer_put_u32(out, ROW_BREAK);
    return buffer_put_u8(out, (uint8_t)reason);
}

enum row_state { ROW_START, ROW_LENGTH, ROW_BODY, ROW_COUNT, ROW_REASON, ROW_END };

struct row_reader {
    row_receive_fn *receive;
    void *data;
    enum row_state state;
    size_t need; /* bytes that the current state waits for */
    uint64_t rows;
    struct buffer part; /* what came of them */
    int failed;
};

int row_reader_create(row_receive_fn *receive, void *data, struct row_reader **out,
                      struct aceso_error *error)
{
    struct row_reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        return error_set(error, ACESO_EMEMORY, "stream", "out of memory");
    reader->receive = receive;
    reader->data = data;
    reader->state = ROW_START;
    reader->need = 1;
    reader->part.max = ROW_MAX;
    *out = reader;
    return ACESO_OK;
}

void row_reader_free(struct row_reader *reader)
{
    if (!reader)
        return;
    buffer_free(&reader->part);
    free(reader);
}

static int row_parse(struct bytes bytes, struct record_row *out, struct aceso_error *error)
{
    struct reader reader = reader_of(bytes);

    reader_copy(&reader, out->patient, sizeof out->patient);
    reader_copy(&reader, out->record, sizeof out->record);
    out->version = reader_u32(&reader);
    out->level = reader_u8(&reader);
    out->epoch.e = reader_u32(&reader);
    out->epoch.n = reader_u32(&reader);
    out->sealed = reader_field(&reader, ROW_MAX);
    out->proof = reader_field(&reader, ROW_MAX);
    if (!reader_done(&reader))
        return error_set(error, ACESO_EFORMAT, "stream", "a row is malformed");
    return ACESO_OK;
}

static void row_expect(struct row_reader *reader, enum row_state state, size_t need)
{
    reader->state = state;
    reader->need = need;
}

static int row_broken(uint8_t reason, struct aceso_error *error)
{
    if (reason == ROW_BREAK_DAMAGED)
        return error_set(error, ACESO_EVERIFY, NULL,
                         "the hospital's store lost or changed a part of this record");
    if (reason == ROW_BREAK_AWAY)
        return error_set(error, ACESO_EBUSY, NULL,
                         "the hospital's store does not answer: try again");
    return error_set(error, ACESO_EFORMAT, "stream", "broken off for an unknown reason");
}

/* `piece` is the whole of what the current state waited for. */
static int row_step(struct row_reader *reader, struct bytes piece, struct aceso_error *error)
{
    struct reader in = reader_of(piece);
    struct record_row row;
    uint32_t len;
    int code;

    switch (reader->state) {
    case ROW_START:
        if (reader_u8(&in) != RECORD_VERSION_BYTE)
            return error_set(error, ACESO_EFORMAT, "stream", "of an unknown version");
        row_expect(reader, ROW_LENGTH, 4);
        return ACESO_OK;
    case ROW_LENGTH:
        len = reader_u32(&in);
        if (len == 0) {
            row_expect(reader, ROW_COUNT, 8);
            return ACESO_OK;
        }
        if (len == ROW_BREAK) {
            row_expect(reader, ROW_REASON, 1);
            return ACESO_OK;
        }
        if (len < ROW_MIN || len > ROW_MAX)
            return error_set(error, ACESO_ELIMIT, "stream", "a row of %u bytes", len);
        row_expect(reader, ROW_BODY, len);
        return ACESO_OK;
    case ROW_BODY:
        code = row_parse(piece, &row, error);
        if (code)
            return code;
        reader->rows++;
        row_expect(reader, ROW_LENGTH, 4);
        return reader->receive(reader->data, &row, error);
    case ROW_COUNT:
        if (reader_u64(&in) != reader->rows)
            return error_set(error, ACESO_EFORMAT, "stream", "rows are missing");
        row_expect(reader, ROW_END, 1);
        return ACESO_OK;
    case ROW_REASON:
        return row_broken(reader_u8(&in), error);
    default:
        return error_set(error, ACESO_EFORMAT, "stream", "bytes behind its end");
    }
}

int row_reader_feed(struct row_reader *reader, struct bytes bytes, struct aceso_error *error)
{
    if (reader->failed)
        return error_set(error, reader->failed, "stream", "failed before");
    while (bytes.len > 0) {
        size_t missing = reader->need - reader->part.len;
        size_t take = bytes.len < missing ? bytes.len : missing;
        struct bytes piece = bytes_of(bytes.data, take);

        /* A piece that came whole is read where it lies. */
        if (take < reader->need) {
            int code = buffer_put_bytes(&reader->part, piece);

            if (code)
                return error_set(error, reader->failed = code, "stream", "no memory for a row");
            piece = buffer_bytes(&reader->part);
        }
        bytes.data += take;
        bytes.len -= take;
        if (piece.len < reader->need)
            break;
        reader->failed = row_step(reader, piece, error);
        if (reader->failed)
            return reader->failed;
        buffer_clear(&reader->part);
    }
    return ACESO_OK;
}

int row_reader_finish(struct row_reader *reader, uint64_t *rows, struct aceso_error *error)
{
    if (reader->failed)
        return error_set(error, reader->failed, "stream", "failed before");
    if (reader->state != ROW_END || reader->part.len)
        return error_set(error, ACESO_EFORMAT, "stream", "cut off after %llu rows",
                         (unsigned long long)reader->rows);
    if (rows)
        *rows = reader->rows;
    return ACESO_OK;
}
