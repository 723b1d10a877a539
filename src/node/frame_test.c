/* SPDX-License-Identifier: Apache-2.0 */
/* Frames there and back, in pieces of any size; cut, changed, with something behind the end; a
 * plain stream made one of frames. */
#include "node/frame.h"
#include "node/testing.h"

#define LONG (2 * FRAME_BODY_MAX + 7)

struct got {
    struct buffer file[2];
};

static int receive(void *context, enum frame_kind kind, struct bytes bytes,
                   struct aceso_error *error)
{
    struct got *got = context;

    (void)error;
    assert_true(kind == FRAME_DATA || kind == FRAME_PROOF);
    return buffer_put_bytes(&got->file[kind - FRAME_DATA], bytes);
}

/* Feeds `stream` in pieces; returns the first failure. `got` may be NULL. */
static int take(struct bytes stream, size_t piece, struct got *got, struct frame_end *end,
                struct aceso_error *error)
{
    struct got own = { { BUFFER_INIT(1 << 20), BUFFER_INIT(1 << 20) } };
    struct frame_reader *reader = NULL;
    int code = frame_reader_create(receive, got ? got : &own, &reader, NULL);

    while (!code && stream.len) {
        size_t len = stream.len < piece ? stream.len : piece;

        code = frame_reader_feed(reader, bytes_of(stream.data, len), error);
        stream.data += len;
        stream.len -= len;
    }
    if (!code)
        code = frame_reader_finish(reader, end, error);
    frame_reader_free(reader);
    buffer_free(&own.file[0]);
    buffer_free(&own.file[1]);
    return code;
}

/* A long piece of data, a proof, an end. */
static void put_all(struct buffer *out)
{
    static uint8_t data[LONG];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    assert_int_equal(frame_put(FRAME_DATA, bytes_of(data, sizeof data), out), ACESO_OK);
    assert_int_equal(frame_put(FRAME_PROOF, bytes_of_string("proof"), out), ACESO_OK);
    assert_int_equal(frame_put(FRAME_DATA, bytes_of(NULL, 0), out), ACESO_OK);
    assert_int_equal(frame_put_end(LONG, 5, "two resources differ", out), ACESO_OK);
}

static void test_whole(void **state)
{
    static const size_t pieces[] = { 1, 4, 5, 6, 65536, 1 << 20 };
    struct buffer stream = BUFFER_INIT(1 << 20);

    (void)state;
    put_all(&stream);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct got got = { { BUFFER_INIT(1 << 20), BUFFER_INIT(1 << 20) } };
        struct frame_end end;

        assert_int_equal(take(buffer_bytes(&stream), pieces[i], &got, &end, NULL), ACESO_OK);
        assert_int_equal(got.file[0].len, LONG);
        for (size_t at = 0; at < LONG; at++)
            assert_int_equal(got.file[0].data[at], at * 7 & 255);
        assert_string_equal(buffer_text(&got.file[1]), "proof");
        assert_int_equal(end.data, LONG);
        assert_int_equal(end.proof, 5);
        assert_string_equal(end.message, "two resources differ");
        buffer_free(&got.file[0]);
        buffer_free(&got.file[1]);
    }
    buffer_free(&stream);
}

/* Every prefix is known as cut, and anything behind the end is refused. */
static void test_cut(void **state)
{
    struct buffer stream = BUFFER_INIT(1 << 20);
    struct frame_end end;

    (void)state;
    assert_int_equal(frame_put(FRAME_DATA, bytes_of_string("data"), &stream), ACESO_OK);
    assert_int_equal(frame_put_end(4, 0, "", &stream), ACESO_OK);
    for (size_t len = 0; len < stream.len; len++)
        assert_int_equal(take(bytes_of(stream.data, len), 3, NULL, &end, NULL), ACESO_EIO);
    assert_int_equal(take(buffer_bytes(&stream), 3, NULL, &end, NULL), ACESO_OK);
    assert_int_equal(buffer_put_u8(&stream, 1), ACESO_OK);
    assert_int_equal(take(buffer_bytes(&stream), 3, NULL, &end, NULL), ACESO_EFORMAT);
    buffer_free(&stream);
}

static void test_malformed(void **state)
{
    static const struct {
        uint8_t bytes[24];
        size_t len;
    } bad[] = {
        { { 0, 0, 0, 0, 1, 7 }, 6 },                /* unknown kinds */
        { { 5, 0, 0, 0, 1, 7 }, 6 },
        { { 1, 0, 0, 0, 0 }, 5 },                   /* nothing in it */
        { { 1, 0, 1, 0, 1 }, 5 },                   /* too long */
        { { 3, 0, 0, 0, 15 }, 5 + 15 },             /* too short for an end */
        { { 3, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 1 }, 5 + 16 }, /* totals of nothing */
        { { 3, 0, 0, 0, 17, [21] = 0xff }, 5 + 17 }, /* a message that is not UTF-8 */
    };
    struct frame_end end;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(take(bytes_of(bad[i].bytes, bad[i].len), 24, NULL, &end, NULL),
                         ACESO_EFORMAT);
}

/* The other side's problem comes out as it was, whatever came before it. */
static void test_problem(void **state)
{
    struct aceso_error problem = { .code = ACESO_OK }, error = { .code = ACESO_OK };
    struct buffer stream = BUFFER_INIT(1 << 20);
    struct frame_end end;

    (void)state;
    (void)error_set(&problem, ACESO_EVERIFY, "batch 1", "changed in byte %d", 7);
    assert_int_equal(frame_put(FRAME_DATA, bytes_of_string("data"), &stream), ACESO_OK);
    assert_int_equal(frame_put_problem(&problem, &stream), ACESO_OK);
    assert_int_equal(take(buffer_bytes(&stream), 11, NULL, &end, &error), ACESO_EVERIFY);
    assert_string_equal(error.text, "changed in byte 7");
    assert_string_equal(error.place, "batch 1");
    buffer_free(&stream);
}

/* A plain stream: `left` bytes, then its end or a failure. */
struct plain {
    size_t left, piece;
    int code;
    bool freed;
};

static int plain_next(void *state, struct buffer *chunk, bool *end, struct aceso_error *error)
{
    struct plain *plain = state;
    size_t len = plain->left < plain->piece ? plain->left : plain->piece;

    (void)buffer_put_zeros(chunk, len);
    plain->left -= len;
    if (plain->left == 0 && plain->code)
        return error_set(error, plain->code, "here", "it broke");
    *end = plain->left == 0;
    return chunk->failed;
}

static void plain_free(void *state)
{
    ((struct plain *)state)->freed = true;
}

static int drain(struct plain *plain, struct frame_end *end, struct aceso_error *error)
{
    struct http_stream stream = { .next = plain_next, .free = plain_free, .state = plain };
    struct buffer chunk = BUFFER_INIT(HTTP_CHUNK_MAX), all = BUFFER_INIT(8 << 20);
    bool ended = false;
    int code = frame_stream(&stream, error);

    while (!code && !ended) {
        buffer_clear(&chunk);
        code = stream.next(stream.state, &chunk, &ended, error);
        assert_true(chunk.len <= HTTP_CHUNK_MAX);
        if (!code)
            code = buffer_put_bytes(&all, buffer_bytes(&chunk));
    }
    if (!code)
        code = take(buffer_bytes(&all), 1000, NULL, end, error);
    stream.free(stream.state);
    assert_true(plain->freed);
    buffer_free(&chunk);
    buffer_free(&all);
    return code;
}

static void test_stream(void **state)
{
    static const size_t sizes[] = { 0, 1, 65536, 65537, 1000000 };
    struct aceso_error error = { .code = ACESO_OK };
    struct frame_end end;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct plain plain = { .left = sizes[i], .piece = 300000 };

        assert_int_equal(drain(&plain, &end, NULL), ACESO_OK);
        assert_int_equal(end.data, sizes[i]);
        plain = (struct plain){ .left = sizes[i], .piece = 300000, .code = ACESO_EDENIED };
        assert_int_equal(drain(&plain, &end, &error), ACESO_EDENIED);
        assert_string_equal(error.text, "it broke");
        assert_string_equal(error.place, "here");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_problem),
        cmocka_unit_test(test_stream),
    };

    return cmocka_run_group_tests_name("node frame", tests, NULL, NULL);
}
