/* SPDX-License-Identifier: Apache-2.0 */
/* Work that pushes, a reader that pulls: order, back-pressure, a reader that leaves, failure. */
#include "node/frame.h"
#include "node/pump.h"
#include "node/testing.h"

#include <stdatomic.h>

#define PIECE ((size_t)4096)

struct work {
    size_t pieces; /* to put */
    int code;      /* to return at the end */
    atomic_size_t put;
    atomic_int ended; /* the code of the last put, 1 before */
    atomic_bool released;
};

static int work_run(struct pump *pump, void *data, struct aceso_error *error)
{
    struct work *work = data;
    uint8_t piece[PIECE];
    int code = ACESO_OK;

    for (size_t i = 0; i < work->pieces && !code; i++) {
        memset(piece, (int)(i & 0xff), sizeof piece);
        code = pump_put(pump, bytes_of(piece, sizeof piece), error);
        if (!code)
            atomic_fetch_add(&work->put, 1);
    }
    atomic_store(&work->ended, code);
    if (!code && work->code)
        return error_set(error, work->code, "work", "it failed");
    return code;
}

static void work_release(void *data)
{
    struct work *work = data;

    atomic_store(&work->released, true);
}

/* What came out of the frames, checked as it comes. */
struct got {
    size_t total, proof;
    struct frame_end end;
};

static int got_receive(void *context, enum frame_kind kind, struct bytes bytes,
                       struct aceso_error *error)
{
    struct got *got = context;

    (void)error;
    for (size_t i = 0; kind == FRAME_DATA && i < bytes.len; i++)
        assert_int_equal(bytes.data[i], (got->total + i) / PIECE & 0xff);
    *(kind == FRAME_DATA ? &got->total : &got->proof) += bytes.len;
    return ACESO_OK;
}

/* Reads to the end or a failure; returns the code. */
static int work_read(struct http_stream *stream, struct got *got, struct aceso_error *error)
{
    struct buffer chunk = BUFFER_INIT(HTTP_CHUNK_MAX);
    struct frame_reader *frames = NULL;
    bool end = false;
    int code = frame_reader_create(got_receive, got, &frames, error);

    while (!code && !end) {
        buffer_clear(&chunk);
        code = stream->next(stream->state, &chunk, &end, error);
        if (!code)
            code = frame_reader_feed(frames, buffer_bytes(&chunk), error);
    }
    if (!code)
        code = frame_reader_finish(frames, &got->end, error);
    frame_reader_free(frames);
    buffer_free(&chunk);
    return code;
}

static void test_whole(void **state)
{
    static const size_t pieces[] = { 0, 1, 15, 16, 17, 2000 };

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct work work = { .pieces = pieces[i] };
        struct http_stream stream = { 0 };
        struct got got = { 0 };

        assert_int_equal(pump_start(work_run, &work, work_release, &stream, NULL), ACESO_OK);
        assert_int_equal(work_read(&stream, &got, NULL), ACESO_OK);
        assert_int_equal(got.total, pieces[i] * PIECE);
        assert_int_equal(got.end.data, got.total);
        assert_int_equal(got.proof, 0);
        assert_string_equal(got.end.message, "");
        assert_false(atomic_load(&work.released));
        stream.free(stream.state);
        assert_true(atomic_load(&work.released));
    }
}

/* The work never gets further ahead of its reader than the pump's buffer. */
static void test_back_pressure(void **state)
{
    struct work work = { .pieces = 4000 };
    struct http_stream stream = { 0 };
    struct buffer chunk = BUFFER_INIT(HTTP_CHUNK_MAX);
    size_t taken = 0;
    bool end = false;

    (void)state;
    assert_int_equal(pump_start(work_run, &work, NULL, &stream, NULL), ACESO_OK);
    while (!end) {
        buffer_clear(&chunk);
        assert_int_equal(stream.next(stream.state, &chunk, &end, NULL), ACESO_OK);
        assert_true(chunk.len <= HTTP_CHUNK_SIZE);
        taken += chunk.len;
        assert_true(atomic_load(&work.put) * PIECE <= taken + ((size_t)1 << 20) + 2 * PIECE);
    }
    assert_int_equal(taken, work.pieces * (PIECE + 5) + 21); /* heads of frames, the end */
    stream.free(stream.state);
    buffer_free(&chunk);
}

static void test_reader_leaves(void **state)
{
    struct work work = { .pieces = 1000000, .ended = 1 };
    struct http_stream stream = { 0 };
    struct buffer chunk = BUFFER_INIT(HTTP_CHUNK_MAX);
    bool end = false;

    (void)state;
    assert_int_equal(pump_start(work_run, &work, work_release, &stream, NULL), ACESO_OK);
    assert_int_equal(stream.next(stream.state, &chunk, &end, NULL), ACESO_OK);
    stream.free(stream.state); /* waits for the work, which must not wait for a reader */
    assert_int_equal(atomic_load(&work.ended), ACESO_ECANCELLED);
    assert_true(atomic_load(&work.released));
    buffer_free(&chunk);
}

static void test_failure(void **state)
{
    static const size_t pieces[] = { 0, 1, 15, 16, 100, 1000 };

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct work work = { .pieces = pieces[i], .code = ACESO_EVERIFY };
        struct http_stream stream = { 0 };
        struct aceso_error error = { 0 };
        struct got got = { 0 };

        assert_int_equal(pump_start(work_run, &work, NULL, &stream, NULL), ACESO_OK);
        assert_int_equal(work_read(&stream, &got, &error), ACESO_EVERIFY);
        assert_string_equal(error.place, "work");
        assert_string_equal(error.text, "it failed");
        assert_true(got.total <= pieces[i] * PIECE);
        stream.free(stream.state);
    }
}

static int talk_run(struct pump *pump, void *data, struct aceso_error *error)
{
    static const uint8_t line[PIECE];
    static uint8_t proof[3 * FRAME_BODY_MAX];
    int code = pump_put(pump, bytes_of(line, sizeof line), error);

    (void)data;
    if (!code)
        code = pump_put_proof(pump, bytes_of(proof, sizeof proof), error);
    pump_say(pump, "this is %s", "replaced");
    pump_say(pump, "%d of %d", 3, 4);
    return code;
}

/* Two files and a sentence in one stream. */
static void test_two_files(void **state)
{
    struct http_stream stream = { 0 };
    struct got got = { 0 };

    (void)state;
    assert_int_equal(pump_start(talk_run, NULL, NULL, &stream, NULL), ACESO_OK);
    assert_int_equal(work_read(&stream, &got, NULL), ACESO_OK);
    assert_int_equal(got.total, PIECE);
    assert_int_equal(got.proof, 3 * FRAME_BODY_MAX);
    assert_int_equal(got.end.proof, got.proof);
    assert_string_equal(got.end.message, "3 of 4");
    stream.free(stream.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_reader_leaves),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_two_files),
    };

    return cmocka_run_group_tests_name("node pump", tests, NULL, NULL);
}
