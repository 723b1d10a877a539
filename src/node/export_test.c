/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and proof of one reading, and of two that are merged: what comes out verifies. */
#include "node/export.h"
#include "node/frame.h"
#include "node/testing.h"
#include "record/proof_check.h"
#include "record/proof_fixture.h"

#define A "{\"resourceType\":\"T\",\"id\":\"a\",\"v\":0.010}"
#define A_TURNED "{\"v\":0.010,\"id\":\"a\",\"resourceType\":\"T\"}"
#define B "{\"resourceType\":\"T\",\"id\":\"b\",\"v\":1}"
#define B_ELSE "{\"resourceType\":\"T\",\"id\":\"b\",\"v\":1.0}"
#define C "{\"resourceType\":\"T\",\"id\":\"c\"}"

static const char *const first[3][RECORD_LEVELS] = {
    { NULL, NULL, A, A }, { NULL, NULL, NULL, B }, { C, C, C, C },
};
static const char *const second[3][RECORD_LEVELS] = {
    { NULL, NULL, NULL, A_TURNED }, { NULL, NULL, NULL, B_ELSE }, { NULL, NULL, NULL, C },
};

struct reading_of {
    const struct proof_fixture *fixture;
    const char *const (*views)[RECORD_LEVELS];
};

struct run {
    struct reading_of reading[2];
    size_t count;
    bool merge;
    struct export_totals totals;
};

static int run_reading(struct export *export, const struct reading_of *reading,
                       struct aceso_error *error)
{
    struct proof_batch batch = reading->fixture->batch;
    uint32_t relationship = 0, index = 0;
    int code = export_add_relationship(export, &reading->fixture->relationship, &relationship,
                                       error);

    batch.relationship = relationship;
    if (!code)
        code = export_add_batch(export, &batch, &index, error);
    for (uint32_t i = 0; i < 3 && !code; i++) {
        const char *json = reading->views[i][reading->fixture->relationship.level - 1];
        struct record_opened opened = proof_fixture_opened(reading->fixture, i, json);

        code = export_add_record(export, index, &opened, error);
    }
    return code;
}

static int run_work(struct pump *pump, void *data, struct aceso_error *error)
{
    struct run *run = data;
    struct export *export = NULL;
    int code = export_create(pump, run->merge, &export, error);

    for (size_t i = 0; i < run->count && !code; i++)
        code = run_reading(export, &run->reading[i], error);
    if (!code)
        code = export_finish(export, &run->totals, error);
    export_free(export);
    return code;
}

/* Both files, and what is left of the export while it is checked. */
struct files {
    struct buffer file[2];
    struct bytes rest;
};

static int files_receive(void *context, enum frame_kind kind, struct bytes bytes,
                         struct aceso_error *error)
{
    (void)error;
    return buffer_put_bytes(&((struct files *)context)->file[kind - FRAME_DATA], bytes);
}

static void files_take(struct files *files, struct run *run)
{
    struct http_stream stream = { .next = NULL };
    struct buffer chunk = BUFFER_INIT(HTTP_CHUNK_MAX);
    struct frame_reader *frames = NULL;
    struct frame_end end;
    bool ended = false;

    assert_int_equal(pump_start(run_work, run, NULL, &stream, NULL), ACESO_OK);
    assert_int_equal(frame_reader_create(files_receive, files, &frames, NULL), ACESO_OK);
    while (!ended) {
        buffer_clear(&chunk);
        assert_int_equal(stream.next(stream.state, &chunk, &ended, NULL), ACESO_OK);
        assert_int_equal(frame_reader_feed(frames, buffer_bytes(&chunk), NULL), ACESO_OK);
    }
    assert_int_equal(frame_reader_finish(frames, &end, NULL), ACESO_OK);
    stream.free(stream.state);
    frame_reader_free(frames);
    buffer_free(&chunk);
}

static int trust_relationship(void *data, const struct proof_relationship *relationship,
                              struct aceso_error *error)
{
    (void)data;
    (void)relationship;
    (void)error;
    return ACESO_OK;
}

static int trust_batch(void *data, const struct proof_relationship *relationship,
                       const struct proof_batch *batch, struct aceso_error *error)
{
    (void)batch;
    return trust_relationship(data, relationship, error);
}

static int files_line(void *data, struct bytes *line, struct aceso_error *error)
{
    struct files *files = data;
    const uint8_t *end;

    (void)error;
    if (files->rest.len == 0)
        return ACESO_ENOTFOUND;
    end = memchr(files->rest.data, '\n', files->rest.len);
    assert_non_null(end);
    *line = bytes_of(files->rest.data, (size_t)(end - files->rest.data));
    files->rest.len -= line->len + 1;
    files->rest.data = end + 1;
    return ACESO_OK;
}

/* Runs it, compares the lines, checks the proof. */
static void expect_export(struct run *run, const char *lines, struct proof_check_totals *totals)
{
    struct files files = { .file = { BUFFER_INIT(1 << 20), BUFFER_INIT(1 << 20) } };
    const struct proof_check_config config = { trust_relationship, trust_batch, files_line,
                                               &files };
    struct proof_check *check = NULL;

    files_take(&files, run);
    assert_string_equal(buffer_text(&files.file[0]), lines);
    files.rest = buffer_bytes(&files.file[0]);
    assert_int_equal(proof_check_create(&config, &check, NULL), ACESO_OK);
    assert_int_equal(proof_check_feed(check, buffer_bytes(&files.file[1]), NULL), ACESO_OK);
    assert_int_equal(proof_check_finish(check, totals, NULL), ACESO_OK);
    proof_check_free(check);
    buffer_free(&files.file[0]);
    buffer_free(&files.file[1]);
}

static void test_one(void **state)
{
    static const char *const lines[] = { C "\n", C "\n", A "\n" C "\n", A "\n" B "\n" C "\n" };

    (void)state;
    for (uint8_t level = 1; level <= RECORD_LEVELS; level++) {
        struct proof_fixture *fixture = proof_fixture_make(first, 3, level, 1);
        struct run run = { .reading = { { fixture, first } }, .count = 1 };
        struct proof_check_totals totals;

        expect_export(&run, lines[level - 1], &totals);
        assert_int_equal(totals.shown + totals.empty, 3);
        assert_int_equal(run.totals.lines, totals.shown);
        assert_int_equal(run.totals.shared, 0);
        proof_fixture_free(fixture);
    }
}

static void test_two(void **state)
{
    struct proof_fixture *one = proof_fixture_make(first, 3, 4, 1);
    struct proof_fixture *two = proof_fixture_make(second, 3, 4, 2);
    struct run run = { .reading = { { one, first }, { two, second } }, .count = 2 };
    struct proof_check_totals totals;

    (void)state;
    expect_export(&run, A "\n" B "\n" C "\n" A_TURNED "\n" B_ELSE "\n" C "\n", &totals);
    run.merge = true;
    expect_export(&run, A "\n" B "\n" C "\n" B_ELSE "\n", &totals);
    assert_int_equal(run.totals.lines, 4);
    assert_int_equal(run.totals.shared, 2);
    assert_int_equal(run.totals.differing, 1);
    assert_int_equal(totals.shown, 6);
    assert_int_equal(totals.file.lines, 4);
    proof_fixture_free(one);
    proof_fixture_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_two),
    };

    return cmocka_run_group_tests_name("node export", tests, NULL, NULL);
}
