/* SPDX-License-Identifier: Apache-2.0 */
#include "record/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct record_row rows[] = {
    { .patient = { 1, 2 }, .record = { 3 }, .version = 4, .level = 1, .epoch = { 5, 6 },
      .sealed = { (const uint8_t *)"sealed", 6 }, .proof = { (const uint8_t *)"proof!", 6 } },
    { .patient = { 9 }, .record = { 8 }, .version = 7, .level = 2, .epoch = { 0, 1 },
      .sealed = { NULL, 0 }, .proof = { (const uint8_t *)"p", 1 } },
    { .patient = { 1 }, .record = { 2 }, .version = 1, .level = 4, .epoch = { 2, 2 },
      .sealed = { (const uint8_t *)"0123456789", 10 }, .proof = { NULL, 0 } },
};

#define ROWS (sizeof rows / sizeof rows[0])

struct received {
    size_t count;
    int answer;
};

static int receive(void *data, const struct record_row *row, struct aceso_error *error)
{
    struct received *received = data;
    const struct record_row *wanted = &rows[received->count];

    (void)error;
    if (received->answer)
        return received->answer;
    assert_true(received->count < ROWS);
    assert_memory_equal(row->patient, wanted->patient, sizeof row->patient);
    assert_memory_equal(row->record, wanted->record, sizeof row->record);
    assert_int_equal(row->version, wanted->version);
    assert_int_equal(row->level, wanted->level);
    assert_true(record_epoch_equal(row->epoch, wanted->epoch));
    assert_true(bytes_equal(row->sealed, wanted->sealed));
    assert_true(bytes_equal(row->proof, wanted->proof));
    received->count++;
    return ACESO_OK;
}

static struct buffer stream_make(void)
{
    struct buffer out = BUFFER_INIT(1 << 16);

    assert_int_equal(row_put_start(&out), ACESO_OK);
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(row_put(&rows[i], &out), ACESO_OK);
    assert_int_equal(row_put_end(ROWS, &out), ACESO_OK);
    return out;
}

/* The whole stream in pieces of `piece` bytes. */
static int stream_read(struct bytes stream, size_t piece, struct received *received,
                       uint64_t *count)
{
    struct row_reader *reader;
    int code = ACESO_OK;

    assert_int_equal(row_reader_create(receive, received, &reader, NULL), ACESO_OK);
    for (size_t at = 0; !code && at < stream.len; at += piece) {
        size_t len = stream.len - at < piece ? stream.len - at : piece;

        code = row_reader_feed(reader, bytes_of(stream.data + at, len), NULL);
    }
    if (!code)
        code = row_reader_finish(reader, count, NULL);
    else
        assert_int_equal(row_reader_finish(reader, NULL, NULL), code);
    row_reader_free(reader);
    return code;
}

static void test_pieces_of_any_size(void **state)
{
    struct buffer stream = stream_make();

    (void)state;
    for (size_t piece = 1; piece <= stream.len; piece++) {
        struct received received = { 0 };
        uint64_t count = 0;

        assert_int_equal(stream_read(buffer_bytes(&stream), piece, &received, &count), ACESO_OK);
        assert_int_equal(received.count, ROWS);
        assert_int_equal(count, ROWS);
    }
    buffer_free(&stream);
}

static void test_cut_anywhere(void **state)
{
    struct buffer stream = stream_make();

    (void)state;
    for (size_t len = 0; len < stream.len; len++) {
        struct received received = { 0 };

        assert_int_equal(stream_read(bytes_of(stream.data, len), 1000, &received, NULL),
                         ACESO_EFORMAT);
    }
    buffer_free(&stream);
}

static void test_malformed(void **state)
{
    struct buffer stream = stream_make();
    struct received received = { 0 };

    (void)state;
    (void)buffer_put_u8(&stream, 0); /* behind the end */
    assert_int_equal(stream_read(buffer_bytes(&stream), 7, &received, NULL), ACESO_EFORMAT);
    stream.len--;
    stream.data[stream.len - 1] ^= 1; /* another count */
    received.count = 0;
    assert_int_equal(stream_read(buffer_bytes(&stream), 7, &received, NULL), ACESO_EFORMAT);
    stream.data[0] = 2;
    assert_int_equal(stream_read(buffer_bytes(&stream), 7, &received, NULL), ACESO_EFORMAT);
    stream.data[0] = 1;
    stream.data[1] = 0xff; /* a row of 4 GiB */
    assert_int_equal(stream_read(buffer_bytes(&stream), 7, &received, NULL), ACESO_ELIMIT);
    stream.data[1] = 0;
    stream.data[4]--; /* a row shorter than its fields */
    assert_int_equal(stream_read(buffer_bytes(&stream), 7, &received, NULL), ACESO_EFORMAT);
    stream.data[4] = 1;
    assert_int_equal(stream_read(buffer_bytes(&stream), 7, &received, NULL), ACESO_ELIMIT);
    buffer_free(&stream);
}

static void test_receiver_refuses(void **state)
{
    struct buffer stream = stream_make();
    struct received received = { .answer = ACESO_EDENIED };

    (void)state;
    assert_int_equal(stream_read(buffer_bytes(&stream), 5, &received, NULL), ACESO_EDENIED);
    buffer_free(&stream);
}

/* A stream may break off behind any row, and says why. */
static void test_broken_off(void **state)
{
    static const struct {
        enum row_break reason;
        int code;
    } breaks[] = { { ROW_BREAK_DAMAGED, ACESO_EVERIFY }, { ROW_BREAK_AWAY, ACESO_EBUSY },
                   { (enum row_break)9, ACESO_EFORMAT } };

    (void)state;
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        for (size_t piece = 1; piece < 9; piece++) {
            struct buffer out = BUFFER_INIT(1 << 16);
            struct received received = { 0 };

            assert_int_equal(row_put_start(&out), ACESO_OK);
            assert_int_equal(row_put(&rows[0], &out), ACESO_OK);
            assert_int_equal(row_put_break(breaks[i].reason, &out), ACESO_OK);
            assert_int_equal(stream_read(buffer_bytes(&out), piece, &received, NULL),
                             breaks[i].code);
            assert_int_equal(received.count, 1);
            buffer_free(&out);
        }
    }
}

static void test_writer_limit(void **state)
{
    struct buffer out = BUFFER_INIT(60);

    (void)state;
    assert_int_equal(row_put(&rows[0], &out), ACESO_ELIMIT);
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_any_size), cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_malformed),          cmocka_unit_test(test_receiver_refuses),
        cmocka_unit_test(test_broken_off),         cmocka_unit_test(test_writer_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
