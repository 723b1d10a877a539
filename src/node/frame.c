/* SPDX-License-Identifier: Apache-2.0 */
#include "node/frame.h"

#include "base/text.h"
#include "net/http_problem.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_SIZE 5
#define END_SIZE 16

/* ---- writing ------------------------------------------------------------------------------ */

static int frame_put_one(enum frame_kind kind, struct bytes bytes, struct buffer *out)
{
    (void)buffer_put_u8(out, (uint8_t)kind);
    return buffer_put_field(out, bytes);
}

int frame_put(enum frame_kind kind, struct bytes bytes, struct buffer *out)
{
    while (bytes.len) {
        size_t take = bytes.len < FRAME_BODY_MAX ? bytes.len : FRAME_BODY_MAX;

        (void)frame_put_one(kind, bytes_of(bytes.data, take), out);
        bytes.data += take;
        bytes.len -= take;
    }
    return out->failed;
}

int frame_put_end(uint64_t data, uint64_t proof, const char *message, struct buffer *out)
{
    size_t len = strlen(message);

    len = len < FRAME_MESSAGE_MAX ? len : FRAME_MESSAGE_MAX;
    (void)buffer_put_u8(out, FRAME_END);
    (void)buffer_put_u32(out, (uint32_t)(END_SIZE + len));
    (void)buffer_put_u64(out, data);
    (void)buffer_put_u64(out, proof);
    return buffer_put(out, message, len);
}

int frame_put_problem(const struct aceso_error *problem, struct buffer *out)
{
    struct buffer body = BUFFER_INIT(FRAME_BODY_MAX);
    int code = http_problem_write(problem, http_problem_status(problem->code), &body);

    if (code)
        out->failed = out->failed ? out->failed : code;
    else
        (void)frame_put_one(FRAME_PROBLEM, buffer_bytes(&body), out);
    buffer_free(&body);
    return out->failed;
}

/* ---- a stream of bytes made one of frames --------------------------------------------------- */

struct framed {
    struct http_stream inner;
    struct buffer chunk; /* of `inner`; handed over up to `at` */
    size_t at;
    uint64_t total;
    bool begun, ended;
};

static void framed_free(void *state)
{
    struct framed *framed = state;

    if (framed->inner.free)
        framed->inner.free(framed->inner.state);
    buffer_free(&framed->chunk);
    free(framed);
}

static int framed_next(void *state, struct buffer *out, bool *end, struct aceso_error *error)
{
    struct framed *framed = state;
    struct aceso_error problem = { .code = ACESO_OK };
    size_t take;
    int code = ACESO_OK;

    if (framed->at == framed->chunk.len && !framed->ended) {
        buffer_clear(&framed->chunk);
        framed->at = 0;
        code = framed->inner.next(framed->inner.state, &framed->chunk, &framed->ended, &problem);
    }
    if (code && !framed->begun) /* the answer itself can still be the error */
        return error_set(error, code, problem.place[0] ? problem.place : NULL, "%s", problem.text);
    if (code) {
        problem.code = code;
        *end = true;
        return frame_put_problem(&problem, out);
    }
    take = framed->chunk.len - framed->at;
    take = take < FRAME_BODY_MAX ? take : FRAME_BODY_MAX;
    if (take)
        (void)frame_put(FRAME_DATA, bytes_of(framed->chunk.data + framed->at, take), out);
    framed->begun = framed->begun || take > 0;
    framed->at += take;
    framed->total += take;
    if (framed->ended && framed->at == framed->chunk.len) {
        (void)frame_put_end(framed->total, 0, "", out);
        *end = true;
    }
    return out->failed;
}

int frame_stream(struct http_stream *stream, struct aceso_error *error)
{
    struct framed *framed = calloc(1, sizeof *framed);

    if (!framed) {
        if (stream->free)
            stream->free(stream->state);
        *stream = (struct http_stream){ .next = NULL };
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    }
    framed->inner = *stream;
    framed->chunk = (struct buffer)BUFFER_INIT(HTTP_CHUNK_MAX);
    *stream = (struct http_stream){ .next = framed_next, .free = framed_free, .state = framed,
                                    .wait_ms = framed->inner.wait_ms };
    return ACESO_OK;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct frame_reader {
    frame_receive_fn *receive;
    void *context;
    struct buffer part; /* of a head, an end or a problem */
    uint8_t kind;       /* of the frame that is coming; 0: its head is */
    size_t left;        /* bytes of it that are still to come */
    bool ended;
    struct frame_end end;
    uint64_t data, proof;
    int failed;
};

int frame_reader_create(frame_receive_fn *receive, void *context, struct frame_reader **out,
                        struct aceso_error *error)
{
    struct frame_reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        return error_set(error, ACESO_EMEMORY, "stream", "out of memory");
    reader->receive = receive;
    reader->context = context;
    reader->left = HEAD_SIZE;
    reader->part = (struct buffer)BUFFER_INIT(FRAME_BODY_MAX);
    *out = reader;
    return ACESO_OK;
}

void frame_reader_free(struct frame_reader *reader)
{
    if (!reader)
        return;
    buffer_free(&reader->part);
    free(reader);
}

static void frame_expect(struct frame_reader *reader, uint8_t kind, size_t left)
{
    reader->kind = kind;
    reader->left = left;
}

static int frame_take_head(struct frame_reader *reader, struct aceso_error *error)
{
    struct reader in = reader_of(buffer_bytes(&reader->part));
    uint8_t kind = reader_u8(&in);
    uint32_t length = reader_u32(&in);

    if (kind < FRAME_DATA || kind > FRAME_PROBLEM || length > FRAME_BODY_MAX || length == 0)
        return error_set(error, ACESO_EFORMAT, "stream", "a frame is malformed");
    frame_expect(reader, kind, length);
    return ACESO_OK;
}

static int frame_take_end(struct frame_reader *reader, struct aceso_error *error)
{
    struct reader in = reader_of(buffer_bytes(&reader->part));

    reader->end.data = reader_u64(&in);
    reader->end.proof = reader_u64(&in);
    if (in.failed || in.left > FRAME_MESSAGE_MAX || !text_is_utf8(bytes_of(in.at, in.left)))
        return error_set(error, ACESO_EFORMAT, "stream", "its end is malformed");
    if (reader->end.data != reader->data || reader->end.proof != reader->proof)
        return error_set(error, ACESO_EFORMAT, "stream", "its totals are not what came");
    if (in.left)
        memcpy(reader->end.message, in.at, in.left);
    reader->ended = true;
    frame_expect(reader, 0, 1);
    return ACESO_OK;
}

/* A whole head, end or problem is in `part`. */
static int frame_take_part(struct frame_reader *reader, struct aceso_error *error)
{
    if (reader->kind == FRAME_END)
        return frame_take_end(reader, error);
    if (reader->kind == FRAME_PROBLEM)
        return http_problem_read(500, buffer_bytes(&reader->part), error);
    return frame_take_head(reader, error);
}

static int frame_take(struct frame_reader *reader, struct bytes piece, struct aceso_error *error)
{
    int code;

    if (reader->ended)
        return error_set(error, ACESO_EFORMAT, "stream", "bytes behind its end");
    reader->left -= piece.len;
    if (reader->kind == FRAME_DATA || reader->kind == FRAME_PROOF) {
        *(reader->kind == FRAME_DATA ? &reader->data : &reader->proof) += piece.len;
        code = reader->receive(reader->context, (enum frame_kind)reader->kind, piece, error);
        if (!code && reader->left == 0)
            frame_expect(reader, 0, HEAD_SIZE);
        return code;
    }
    code = buffer_put_bytes(&reader->part, piece);
    if (code || reader->left)
        return code;
    code = frame_take_part(reader, error);
    buffer_clear(&reader->part);
    return code;
}

int frame_reader_feed(struct frame_reader *reader, struct bytes bytes, struct aceso_error *error)
{
    if (reader->failed)
        return error_set(error, reader->failed, "stream", "failed before");
    while (bytes.len && !reader->failed) {
        size_t take = bytes.len < reader->left ? bytes.len : reader->left;

        reader->failed = frame_take(reader, bytes_of(bytes.data, take), error);
        bytes.data += take;
        bytes.len -= take;
    }
    return reader->failed;
}

int frame_reader_finish(struct frame_reader *reader, struct frame_end *end,
                        struct aceso_error *error)
{
    if (reader->failed)
        return error_set(error, reader->failed, "stream", "failed before");
    if (!reader->ended)
        return error_set(error, ACESO_EIO, NULL, "the node ended the stream before its end");
    *end = reader->end;
    return ACESO_OK;
}
