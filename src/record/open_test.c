/* SPDX-License-Identifier: Apache-2.0 */
#include "record/open.h"
#include "record/ladder.h"
#include "record/patch.h"
#include "record/proof.h"

#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS 5
#define ROWS (RECORDS * RECORD_LEVELS)

/* What each of the five records shows at each level. */
static const char *const views[RECORDS][RECORD_LEVELS] = {
    { "{\"t\":\"A\"}", "{\"t\":\"A\"}", "{\"t\":\"A\",\"v\":0.010}",
      "{\"id\":1,\"t\":\"A\",\"v\":0.010}" },
    { NULL, NULL, NULL, "{\"t\":\"B\",\"secret\":true}" },
    { NULL, "{\"t\":\"C\"}", "{\"t\":\"C\"}", "{\"t\":\"C\"}" },
    { "{\"t\":\"D\",\"a\":[1]}", "{\"t\":\"D\",\"a\":[0,1]}", "{\"t\":\"D\",\"a\":[0,1,2]}",
      "{\"t\":\"D\",\"a\":[0,1,2,3]}" },
    { NULL, NULL, "{\"t\":\"E\"}", "{\"t\":\"E\",\"x\":\"y\"}" },
};

/* One signed batch in memory, with its rows in order. */
struct fixture {
    struct record_context context;
    struct record_epoch epoch;
    struct ladder ladder;
    struct record_batch batch;
    struct record_row row[ROWS];
    struct part_content content[ROWS];
    struct buffer sealed[ROWS];
    struct buffer proof[ROWS];
    struct buffer patch[ROWS];
};

static struct record_place place_of(const struct fixture *fixture, size_t i)
{
    struct record_place place = { .version = fixture->row[i].version,
                                  .level = fixture->row[i].level, .index = (uint32_t)i };

    memcpy(place.record, fixture->row[i].record, sizeof place.record);
    return place;
}

static void make_patch(struct fixture *fixture, size_t i)
{
    const char *upper = views[i / 4][i % 4], *lower = i % 4 ? views[i / 4][i % 4 - 1] : NULL;

    fixture->patch[i] = (struct buffer)BUFFER_INIT(4096);
    if (upper)
        assert_int_equal(patch_make(lower ? bytes_of_string(lower) : bytes_of(NULL, 0),
                                    bytes_of_string(upper), &fixture->patch[i], NULL),
                         ACESO_OK);
    fixture->content[i] = part_content_of(buffer_bytes(&fixture->patch[i]));
}

static void seal_row(struct fixture *fixture, size_t i, struct record_epoch epoch,
                     const struct ladder *ladder)
{
    struct record_place place = place_of(fixture, i);

    buffer_clear(&fixture->sealed[i]);
    fixture->row[i].epoch = epoch;
    assert_int_equal(part_seal(&fixture->context, epoch, &place, ladder->key[i % 4],
                               &fixture->content[i], &fixture->sealed[i], NULL),
                     ACESO_OK);
    fixture->row[i].sealed = buffer_bytes(&fixture->sealed[i]);
}

static void make_proofs(struct fixture *fixture)
{
    uint8_t leaves[ROWS][RECORD_HASH_SIZE], path[MERKLE_DEPTH_MAX][RECORD_HASH_SIZE], depth;
    struct merkle_tree *tree;

    for (size_t i = 0; i < ROWS; i++) {
        struct record_place place = place_of(fixture, i);

        assert_int_equal(part_commit(&fixture->context, &place, &fixture->content[i], leaves[i],
                                     NULL),
                         ACESO_OK);
    }
    assert_int_equal(merkle_tree_create(leaves[0], ROWS, &tree, NULL), ACESO_OK);
    merkle_tree_root(tree, fixture->batch.root);
    for (uint32_t i = 0; i < ROWS; i++) {
        struct proof proof = { .batch = fixture->batch.number, .leaves = ROWS, .index = i };

        assert_int_equal(merkle_tree_path(tree, i, path, &depth, NULL), ACESO_OK);
        proof.path = bytes_of(path, (size_t)depth * RECORD_HASH_SIZE);
        buffer_clear(&fixture->proof[i]);
        assert_int_equal(proof_put(&proof, &fixture->proof[i]), ACESO_OK);
        fixture->row[i].proof = buffer_bytes(&fixture->proof[i]);
    }
    merkle_tree_free(tree);
}

static struct fixture *fixture_make(uint64_t number)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->context = (struct record_context){ .chain_id = 1, .contract = { 1 }, .patient = { 2 },
                                                .hospital = { 3 } };
    fixture->epoch = (struct record_epoch){ 1, 0 };
    assert_int_equal(ladder_random(&fixture->context, fixture->epoch, &fixture->ladder, NULL), 0);
    fixture->batch = (struct record_batch){ .number = number, .records = RECORDS, .leaves = ROWS };
    for (size_t i = 0; i < ROWS; i++) {
        struct record_row *row = &fixture->row[i];

        fixture->sealed[i] = (struct buffer)BUFFER_INIT(1 << 16);
        fixture->proof[i] = (struct buffer)BUFFER_INIT(PROOF_MAX);
        memcpy(row->patient, fixture->context.patient, sizeof row->patient);
        row->record[3] = (uint8_t)number;
        row->record[7] = (uint8_t)(i / 4);
        row->version = 1;
        row->level = (uint8_t)(i % 4 + 1);
        make_patch(fixture, i);
        seal_row(fixture, i, fixture->epoch, &fixture->ladder);
    }
    make_proofs(fixture);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    for (size_t i = 0; i < ROWS; i++) {
        buffer_free(&fixture->sealed[i]);
        buffer_free(&fixture->proof[i]);
        buffer_free(&fixture->patch[i]);
    }
    free(fixture);
}

static int setup(void **state)
{
    *state = fixture_make(1);
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

/* --- the reader over it ---------------------------------------------------------------------- */

struct reading {
    const struct fixture *batch[2];
    struct record_reader *reader;
    struct buffer seen; /* "position:json\n" of each record */
    struct aceso_error error;
    uint32_t calls;
    int refuse;
};

static int give_batch(void *data, uint64_t number, struct record_batch *batch,
                      struct aceso_error *error)
{
    struct reading *reading = data;

    reading->calls++;
    for (size_t i = 0; i < 2; i++) {
        if (reading->batch[i] && reading->batch[i]->batch.number == number) {
            *batch = reading->batch[i]->batch;
            return ACESO_OK;
        }
    }
    return error_set(error, ACESO_ENOTFOUND, "chain", "no such batch");
}

static int take_record(void *data, const struct record_opened *record, struct aceso_error *error)
{
    struct reading *reading = data;

    if (reading->refuse)
        return error_set(error, reading->refuse, "test", "enough");
    (void)buffer_printf(&reading->seen, "%u:", record->position);
    (void)buffer_put_bytes(&reading->seen, record->json);
    return buffer_put_u8(&reading->seen, '\n');
}

static struct reading reading_start(const struct fixture *fixture)
{
    struct reading reading = { .batch = { fixture, NULL }, .seen = BUFFER_INIT(1 << 16) };

    return reading;
}

static void reading_create(struct reading *reading, uint8_t level, uint64_t last)
{
    const struct fixture *fixture = reading->batch[0];
    struct record_reader_config config = { .context = fixture->context, .level = level,
                                           .first_batch = last ? 1 : 0, .last_batch = last,
                                           .batch = give_batch, .opened = take_record,
                                           .data = reading };

    assert_int_equal(record_reader_create(&config, &reading->reader, NULL), ACESO_OK);
    assert_int_equal(record_reader_add_key(reading->reader, fixture->epoch,
                                           fixture->ladder.key[level - 1], NULL),
                     ACESO_OK);
}

static void reading_end(struct reading *reading)
{
    record_reader_free(reading->reader);
    buffer_free(&reading->seen);
}

/* Feeds rows[0..count) that are at or below `level`, then finishes. */
static int read_rows(struct reading *reading, const struct record_row *rows, size_t count,
                     uint8_t level, struct record_reader_totals *totals)
{
    int code = ACESO_OK;

    for (size_t i = 0; !code && i < count; i++) {
        if (rows[i].level <= level)
            code = record_reader_add(reading->reader, &rows[i], &reading->error);
    }
    if (!code)
        code = record_reader_finish(reading->reader, totals, &reading->error);
    return code;
}

static int read_all(const struct fixture *fixture, const struct record_row *rows, size_t count,
                    uint8_t level, struct aceso_error *error)
{
    struct reading reading = reading_start(fixture);
    int code;

    reading_create(&reading, level, 1);
    code = read_rows(&reading, rows, count, level, NULL);
    if (error)
        *error = reading.error;
    reading_end(&reading);
    return code;
}

static void test_each_level_sees_its_own(void **state)
{
    const struct fixture *fixture = *state;

    for (uint8_t level = 1; level <= 4; level++) {
        struct reading reading = reading_start(fixture);
        struct buffer wanted = BUFFER_INIT(1 << 16);
        struct record_reader_totals totals;
        uint64_t visible = 0;

        reading_create(&reading, level, 1);
        assert_int_equal(read_rows(&reading, fixture->row, ROWS, level, &totals), ACESO_OK);
        for (size_t i = 0; i < RECORDS; i++) {
            if (!views[i][level - 1])
                continue;
            visible++;
            (void)buffer_printf(&wanted, "%zu:%s\n", i, views[i][level - 1]);
        }
        assert_string_equal(buffer_text(&reading.seen), buffer_text(&wanted));
        assert_int_equal(totals.rows, RECORDS * level);
        assert_int_equal(totals.records, RECORDS);
        assert_int_equal(totals.opened, visible);
        assert_int_equal(totals.batches, 1);
        assert_int_equal(reading.calls, 1);
        buffer_free(&wanted);
        reading_end(&reading);
    }
}

/* Level, sealed bytes, proof, record, version, patient, epoch: each byte of a row. */
static void test_each_byte_of_a_row(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < fixture->sealed[2].len; i++) {
        fixture->sealed[2].data[i] ^= 1;
        assert_int_not_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_OK);
        fixture->sealed[2].data[i] ^= 1;
    }
    for (size_t i = 0; i < fixture->proof[2].len; i++) {
        fixture->proof[2].data[i] ^= 1;
        assert_int_not_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_OK);
        fixture->proof[2].data[i] ^= 1;
    }
    for (size_t i = 0; i < 20; i++) {
        fixture->row[2].patient[i] ^= 1;
        assert_int_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_EVERIFY);
        fixture->row[2].patient[i] ^= 1;
    }
    for (size_t i = 0; i < 16; i++) {
        fixture->row[2].record[i] ^= 1;
        assert_int_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_EVERIFY);
        fixture->row[2].record[i] ^= 1;
    }
    fixture->row[2].version++;
    assert_int_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_EVERIFY);
    fixture->row[2].version--;
    fixture->row[2].epoch.n++;
    assert_int_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_ENOTFOUND);
    fixture->row[2].epoch.n--;
    assert_int_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_OK);
}

/* A whole record under another id or version: the parts do not open. */
static void test_record_under_another_name(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 4; i++)
        fixture->row[i].version = 2;
    assert_int_equal(read_all(fixture, fixture->row, ROWS, 4, NULL), ACESO_EVERIFY);
    for (size_t i = 0; i < 4; i++) {
        fixture->row[i].version = 1;
        fixture->row[i].record[0] ^= 1;
    }
    assert_int_equal(read_all(fixture, fixture->row, ROWS, 4, NULL), ACESO_EVERIFY);
}

/* The sealed bytes (and the proof, or not) of row b stand in row a. */
static void swapped(struct fixture *fixture, size_t a, size_t b, bool with_proof)
{
    struct record_row rows[ROWS];

    memcpy(rows, fixture->row, sizeof rows);
    rows[a].sealed = fixture->row[b].sealed;
    rows[b].sealed = fixture->row[a].sealed;
    if (with_proof) {
        rows[a].proof = fixture->row[b].proof;
        rows[b].proof = fixture->row[a].proof;
    }
    assert_int_equal(read_all(fixture, rows, ROWS, 4, NULL), ACESO_EVERIFY);
}

static void test_swaps(void **state)
{
    struct fixture *fixture = *state;

    for (size_t a = 0; a < ROWS; a++) {
        for (size_t b = a + 1; b < ROWS; b++) {
            swapped(fixture, a, b, false);
            swapped(fixture, a, b, true);
        }
    }
}

static void test_another_patient(void **state)
{
    const struct fixture *fixture = *state;
    struct fixture other = *fixture;

    /* The same rows, the same keys, read as those of another context. */
    for (int field = 0; field < 4; field++) {
        other.context = fixture->context;
        if (field == 0)
            other.context.chain_id++;
        else if (field == 1)
            other.context.contract[0]++;
        else if (field == 2)
            other.context.patient[0]++;
        else
            other.context.hospital[0]++;
        assert_int_equal(read_all(&other, fixture->row, ROWS, 4, NULL), ACESO_EVERIFY);
    }
}

static void without(const struct fixture *fixture, size_t row, uint8_t level, const char *reason)
{
    struct record_row rows[ROWS];
    struct aceso_error error = { 0 };

    memcpy(rows, fixture->row, row * sizeof rows[0]);
    memcpy(rows + row, fixture->row + row + 1, (ROWS - row - 1) * sizeof rows[0]);
    assert_int_equal(read_all(fixture, rows, ROWS - 1, level, &error), ACESO_EVERIFY);
    assert_non_null(strstr(error.text, reason));
}

static void test_missing_parts(void **state)
{
    const struct fixture *fixture = *state;
    struct record_row rows[ROWS];
    struct aceso_error error = { 0 };

    for (size_t row = 0; row < ROWS; row++)
        without(fixture, row, 4, "is missing");
    /* A whole record, in the middle and at the end; nothing at all. */
    memcpy(rows, fixture->row, 8 * sizeof rows[0]);
    memcpy(rows + 8, fixture->row + 12, 8 * sizeof rows[0]);
    assert_int_equal(read_all(fixture, rows, ROWS - 4, 4, &error), ACESO_EVERIFY);
    assert_string_equal(error.text, "1 of 5 records are missing, record 2 is the first");
    assert_string_equal(error.place, "batch 1");
    assert_int_equal(read_all(fixture, fixture->row, ROWS - 4, 4, &error), ACESO_EVERIFY);
    assert_string_equal(error.text, "1 of 5 records are missing, record 4 is the first");
    assert_int_equal(read_all(fixture, NULL, 0, 4, &error), ACESO_EVERIFY);
}

static void test_doubled_and_out_of_order(void **state)
{
    const struct fixture *fixture = *state;
    struct record_row rows[ROWS + 4];
    struct aceso_error error = { 0 };

    memcpy(rows, fixture->row, 2 * sizeof rows[0]);
    memcpy(rows + 2, fixture->row + 1, (ROWS - 1) * sizeof rows[0]);
    assert_int_equal(read_all(fixture, rows, ROWS + 1, 4, &error), ACESO_EVERIFY);
    assert_non_null(strstr(error.text, "twice"));
    /* A whole record again, at once and later. */
    memcpy(rows, fixture->row, 4 * sizeof rows[0]);
    memcpy(rows + 4, fixture->row, ROWS * sizeof rows[0]);
    assert_int_equal(read_all(fixture, rows, ROWS + 4, 4, &error), ACESO_EVERIFY);
    memcpy(rows, fixture->row, ROWS * sizeof rows[0]);
    memcpy(rows + ROWS, fixture->row, 4 * sizeof rows[0]);
    assert_int_equal(read_all(fixture, rows, ROWS + 4, 4, &error), ACESO_EVERIFY);
    assert_non_null(strstr(error.text, "twice"));
}

/* Whole records, each sound, in another order than that of their ids. */
static void test_records_in_another_order(void **state)
{
    const struct fixture *fixture = *state;
    struct record_row rows[ROWS];

    memcpy(rows, fixture->row + 4, 4 * sizeof rows[0]);
    memcpy(rows + 4, fixture->row, 4 * sizeof rows[0]);
    memcpy(rows + 8, fixture->row + 8, (ROWS - 8) * sizeof rows[0]);
    assert_int_equal(read_all(fixture, rows, ROWS, 4, NULL), ACESO_EVERIFY);
}

/* A signed batch that has one record id at two positions: parts of both do not mix. */
static void test_one_id_at_two_positions(void **state)
{
    struct fixture *fixture = *state;
    struct record_row rows[2];
    struct aceso_error error = { 0 };

    memcpy(fixture->row[5].record, fixture->row[0].record, RECORD_ID_SIZE);
    seal_row(fixture, 5, fixture->epoch, &fixture->ladder);
    make_proofs(fixture);
    rows[0] = fixture->row[0];
    rows[1] = fixture->row[5];
    assert_int_equal(read_all(fixture, rows, 2, 2, &error), ACESO_EVERIFY);
    assert_string_equal(error.text, "a part of another batch or record");
}

/* A hospital that sends more than was asked for is noticed. */
static void test_too_much(void **state)
{
    const struct fixture *fixture = *state;
    struct reading reading = reading_start(fixture);
    int code = ACESO_OK;

    reading_create(&reading, 3, 1);
    for (size_t i = 0; !code && i < 4; i++)
        code = record_reader_add(reading.reader, &fixture->row[i], &reading.error);
    assert_int_equal(code, ACESO_EVERIFY);
    assert_string_equal(reading.error.place, "batch 1, record 0, level 4");
    /* The first failure sticks. */
    assert_int_equal(record_reader_finish(reading.reader, NULL, NULL), ACESO_EVERIFY);
    reading_end(&reading);
}

static void test_wrong_keys(void **state)
{
    const struct fixture *fixture = *state;

    for (uint8_t level = 1; level <= 4; level++) {
        struct fixture other = *fixture;

        other.ladder.key[level - 1][0] ^= 1;
        assert_int_equal(read_all(&other, fixture->row, ROWS, level, NULL), ACESO_EVERIFY);
        /* The key of the level below does not open this one. */
        if (level > 1) {
            memcpy(other.ladder.key[level - 1], fixture->ladder.key[level - 2], RECORD_KEY_SIZE);
            assert_int_equal(read_all(&other, fixture->row, ROWS, level, NULL), ACESO_EVERIFY);
        }
        /* The right key for a wrong epoch. */
        other = *fixture;
        other.epoch.n++;
        assert_int_equal(read_all(&other, fixture->row, ROWS, level, NULL), ACESO_ENOTFOUND);
    }
}

static void test_other_root_or_counts(void **state)
{
    const struct fixture *fixture = *state;
    struct fixture other = *fixture;

    other.batch.root[31] ^= 1;
    assert_int_equal(read_all(&other, fixture->row, ROWS, 4, NULL), ACESO_EVERIFY);
    other = *fixture;
    other.batch.records++;
    assert_int_equal(read_all(&other, fixture->row, ROWS, 4, NULL), ACESO_EVERIFY);
    other.batch.leaves += 4;
    assert_int_equal(read_all(&other, fixture->row, ROWS, 4, NULL), ACESO_EVERIFY);
    other = *fixture;
    other.batch.number = 2; /* the chain knows no batch 1 */
    assert_int_equal(read_all(&other, fixture->row, ROWS, 4, NULL), ACESO_ENOTFOUND);
}

/* Parts sealed anew under a later epoch, in the middle of it: both keys are needed. */
static void test_two_epochs(void **state)
{
    struct fixture *fixture = *state;
    struct record_epoch later = { 1, 1 };
    struct reading reading = reading_start(fixture);
    struct ladder ladder;

    assert_int_equal(ladder_random(&fixture->context, later, &ladder, NULL), ACESO_OK);
    for (size_t i = 5; i < 11; i++)
        seal_row(fixture, i, later, &ladder);
    assert_int_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_ENOTFOUND);
    reading_create(&reading, 3, 1);
    assert_int_equal(record_reader_add_key(reading.reader, later, ladder.key[2], NULL), ACESO_OK);
    assert_int_equal(record_reader_add_key(reading.reader, later, ladder.key[2], NULL),
                     ACESO_EEXISTS);
    assert_int_equal(read_rows(&reading, fixture->row, ROWS, 3, NULL), ACESO_OK);
    reading_end(&reading);
}

/* Two batches; the second one withheld, and a reader who knows of it. */
static void test_withheld_batch(void **state)
{
    struct fixture *first = *state, *second = fixture_make(2);
    struct reading reading;

    memcpy(second->batch.previous_root, first->batch.root, RECORD_HASH_SIZE);
    for (int round = 0; round < 3; round++) {
        reading = reading_start(first);
        reading.batch[1] = second;
        reading_create(&reading, 4, round == 1 ? 2 : 1);
        for (size_t i = 0; i < ROWS; i++)
            assert_int_equal(record_reader_add(reading.reader, &first->row[i], NULL), ACESO_OK);
        if (round == 2) {
            /* Sealed under keys of its own epoch: add them and read on. */
            for (size_t i = 0; i < ROWS; i++) {
                seal_row(second, i, first->epoch, &first->ladder);
                assert_int_equal(record_reader_add(reading.reader, &second->row[i], NULL),
                                 ACESO_OK);
            }
        }
        assert_int_equal(record_reader_finish(reading.reader, NULL, &reading.error),
                         round == 1 ? ACESO_EVERIFY : ACESO_OK);
        reading_end(&reading);
    }
    fixture_free(second);
}

/* A part whose signed content is no patch for what lies below: noticed, not believed. */
static void test_signed_nonsense(void **state)
{
    struct fixture *fixture = *state;

    fixture->content[3].bytes = bytes_of_string("{\"o\":[[\"nothing\",null]]}");
    seal_row(fixture, 3, fixture->epoch, &fixture->ladder);
    make_proofs(fixture);
    assert_int_equal(read_all(fixture, fixture->row, ROWS, 3, NULL), ACESO_OK);
    assert_int_equal(read_all(fixture, fixture->row, ROWS, 4, NULL), ACESO_EFORMAT);
}

static void test_callback_ends_it(void **state)
{
    const struct fixture *fixture = *state;
    struct reading reading = reading_start(fixture);

    reading_create(&reading, 4, 1);
    reading.refuse = ACESO_ECANCELLED;
    assert_int_equal(read_rows(&reading, fixture->row, ROWS, 4, NULL), ACESO_ECANCELLED);
    reading_end(&reading);
}

/* What a proof file needs: content and proof of each part that was opened. */
static int check_contents(void *data, const struct record_opened *record, struct aceso_error *error)
{
    struct reading *reading = data;
    const struct fixture *fixture = reading->batch[0];

    (void)error;
    for (size_t slot = 0; slot < record->levels; slot++) {
        size_t i = record->position * 4u + slot;

        assert_memory_equal(record->content[slot].salt, fixture->content[i].salt, PART_SALT_SIZE);
        assert_true(bytes_equal(record->content[slot].bytes, fixture->content[i].bytes));
        assert_true(bytes_equal(record->proof[slot], fixture->row[i].proof));
    }
    reading->calls += 100;
    return ACESO_OK;
}

static void test_contents_for_proof_files(void **state)
{
    const struct fixture *fixture = *state;
    struct reading reading = reading_start(fixture);
    struct record_reader_config config = { .context = fixture->context, .level = 3,
                                           .batch = give_batch, .opened = check_contents,
                                           .data = &reading };

    assert_int_equal(record_reader_create(&config, &reading.reader, NULL), ACESO_OK);
    assert_int_equal(record_reader_add_key(reading.reader, fixture->epoch, fixture->ladder.key[2],
                                           NULL),
                     ACESO_OK);
    assert_int_equal(read_rows(&reading, fixture->row, ROWS, 3, NULL), ACESO_OK);
    assert_int_equal(reading.calls, 401);
    reading_end(&reading);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_level_sees_its_own),
        TEST(test_each_byte_of_a_row),
        TEST(test_record_under_another_name),
        TEST(test_swaps),
        TEST(test_another_patient),
        TEST(test_missing_parts),
        TEST(test_doubled_and_out_of_order),
        TEST(test_records_in_another_order),
        TEST(test_one_id_at_two_positions),
        TEST(test_too_much),
        TEST(test_wrong_keys),
        TEST(test_other_root_or_counts),
        TEST(test_two_epochs),
        TEST(test_withheld_batch),
        TEST(test_signed_nonsense),
        TEST(test_callback_ends_it),
        TEST(test_contents_for_proof_files),
    };

    if (secret_init(NULL))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
