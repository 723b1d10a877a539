/* SPDX-License-Identifier: Apache-2.0 */
/* The database, from import to a reader's eyes, and through crashes. */
#include "record/records.h"
#include "record/open.h"
#include "record/proof.h"
#include "record/row.h"

#include "base/secret.h"
#include "base/text.h"
#include "store/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char directory[64];
    char path[96];
    struct records *records;
    struct record_context context;
    struct record_epoch epoch;
    struct ladder ladder;
    bool gaps; /* records may be missing before the end says so */
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    assert_non_null(place);
    memcpy(place->directory, "/tmp/aceso-records-XXXXXX", 26);
    assert_non_null(mkdtemp(place->directory));
    (void)snprintf(place->path, sizeof place->path, "%s/records.db", place->directory);
    place->context = (struct record_context){ .chain_id = 31337, .contract = { 1 },
                                              .patient = { 0x22, 2 }, .hospital = { 3 } };
    place->epoch = (struct record_epoch){ 1, 2 };
    assert_int_equal(ladder_random(&place->context, place->epoch, &place->ladder, NULL), 0);
    assert_int_equal(records_open(place->path, &place->records, NULL), ACESO_OK);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    char path[128];

    records_close(place->records);
    (void)unlink(place->path);
    (void)snprintf(path, sizeof path, "%s-wal", place->path);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s-shm", place->path);
    (void)unlink(path);
    (void)rmdir(place->directory);
    free(place);
    return 0;
}

static void reopen(struct place *place)
{
    records_close(place->records);
    place->records = NULL;
    assert_int_equal(records_open(place->path, &place->records, NULL), ACESO_OK);
}

/* --- sample records: number i shows something from level i % 4 + 1 on ------------------------- */

static void view_text(uint32_t i, uint8_t level, char out[160])
{
    (void)snprintf(out, 160, "{\"resourceType\":\"Sample\",\"n\":%u.0%s%s}", i,
                   level >= 3 ? ",\"laboratory\":true" : "",
                   level >= 4 ? ",\"name\":\"Only for complete\"" : "");
}

static int add_one(struct records_batch *batch, uint32_t i)
{
    char text[RECORD_LEVELS][160];
    struct bytes view[RECORD_LEVELS];
    uint8_t id[RECORD_ID_SIZE];

    for (uint8_t level = 1; level <= RECORD_LEVELS; level++) {
        view_text(i, level, text[level - 1]);
        view[level - 1] = level > i % 4 ? bytes_of_string(text[level - 1]) : bytes_of(NULL, 0);
    }
    return records_batch_add(batch, view, id, NULL);
}

static void source_of(uint8_t number, uint8_t source[32])
{
    memset(source, number, 32);
}

static struct records_batch *begin(struct place *place, uint8_t number)
{
    struct records_batch *batch;
    uint8_t source[32];

    source_of(number, source);
    assert_int_equal(records_batch_begin(place->records, &place->context, source, place->epoch,
                                         &place->ladder, &batch, NULL),
                     ACESO_OK);
    return batch;
}

static struct records_batch *resume(struct place *place, uint8_t number, uint32_t *done)
{
    struct records_batch *batch;
    uint8_t source[32];

    source_of(number, source);
    assert_int_equal(records_batch_resume(place->records, &place->context, source, place->epoch,
                                          &place->ladder, &batch, done, NULL),
                     ACESO_OK);
    return batch;
}

static struct record_batch import(struct place *place, uint8_t number, uint32_t count)
{
    struct records_batch *batch = begin(place, number);
    struct record_batch signed_;

    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(add_one(batch, i), ACESO_OK);
    assert_int_equal(records_batch_finish(batch, &signed_, NULL), ACESO_OK);
    records_batch_close(batch);
    return signed_;
}

static void sign(struct place *place, const struct record_batch *batch)
{
    assert_int_equal(records_batch_sign(place->records, place->context.patient, batch->number,
                                        batch->root, NULL),
                     ACESO_OK);
}

/* --- a reader over the wire format ----------------------------------------------------------- */

struct reading {
    const struct record_batch *batches;
    size_t count;
    uint8_t level;
    struct record_reader *reader;
    struct buffer stream;
    uint64_t rows;
    uint64_t last_batch;
    uint32_t next; /* position expected */
    bool gaps;
};

static int give_batch(void *data, uint64_t number, struct record_batch *out,
                      struct aceso_error *error)
{
    const struct reading *reading = data;

    if (number == 0 || number > reading->count)
        return error_set(error, ACESO_ENOTFOUND, "chain", "no such batch");
    *out = reading->batches[number - 1];
    return ACESO_OK;
}

static int check_opened(void *data, const struct record_opened *record, struct aceso_error *error)
{
    struct reading *reading = data;
    char text[160];

    (void)error;
    if (record->batch != reading->last_batch) {
        reading->last_batch = record->batch;
        reading->next = 0;
    }
    assert_true(record->position >= reading->next); /* the order of the import */
    while (reading->next < record->position) {
        /* Those have nothing to see at this level. */
        assert_true(reading->gaps || reading->next % 4 >= reading->level);
        reading->next++;
    }
    reading->next++;
    view_text(record->position, reading->level, text);
    assert_true(bytes_equal(record->json, bytes_of_string(text)));
    return ACESO_OK;
}

static int put_row(void *data, const struct record_row *row, struct aceso_error *error)
{
    struct reading *reading = data;

    (void)error;
    reading->rows++;
    return row_put(row, &reading->stream);
}

static int read_row(void *data, const struct record_row *row, struct aceso_error *error)
{
    struct reading *reading = data;

    return record_reader_add(reading->reader, row, error);
}

/* Everything the patient has, read at `level` through the stream. */
static int read_patient(struct place *place, const struct record_batch *batches, size_t count,
                        uint8_t level, struct record_reader_totals *totals)
{
    struct reading reading = { .batches = batches, .count = count, .level = level,
                               .stream = BUFFER_INIT((size_t)64 << 20), .gaps = place->gaps };
    struct record_reader_config config = { .context = place->context, .level = level,
                                           .first_batch = 1, .last_batch = count,
                                           .batch = give_batch, .opened = check_opened,
                                           .data = &reading };
    struct row_reader *rows;
    int code;

    assert_int_equal(row_put_start(&reading.stream), ACESO_OK);
    assert_int_equal(records_each(place->records, place->context.patient, level, put_row, &reading,
                                  NULL),
                     ACESO_OK);
    assert_int_equal(row_put_end(reading.rows, &reading.stream), ACESO_OK);
    assert_int_equal(record_reader_create(&config, &reading.reader, NULL), ACESO_OK);
    assert_int_equal(record_reader_add_key(reading.reader, place->epoch,
                                           place->ladder.key[level - 1], NULL),
                     ACESO_OK);
    assert_int_equal(row_reader_create(read_row, &reading, &rows, NULL), ACESO_OK);
    code = row_reader_feed(rows, buffer_bytes(&reading.stream), NULL);
    if (!code)
        code = row_reader_finish(rows, NULL, NULL);
    if (!code)
        code = record_reader_finish(reading.reader, totals, NULL);
    row_reader_free(rows);
    record_reader_free(reading.reader);
    buffer_free(&reading.stream);
    return code;
}

static uint64_t served(struct place *place)
{
    struct reading reading = { .stream = BUFFER_INIT((size_t)64 << 20) };

    assert_int_equal(records_each(place->records, place->context.patient, 4, put_row, &reading,
                                  NULL),
                     ACESO_OK);
    buffer_free(&reading.stream);
    return reading.rows;
}

static int64_t count_rows(struct place *place, const char *sql)
{
    struct statement *statement;
    struct store *store;
    int64_t count;

    /* A connection of the test's own; no migrations beyond those the file has. */
    assert_int_equal(store_open(place->path, (const char *const[]){ "", "" }, 2, &store, NULL),
                     ACESO_OK);
    assert_int_equal(store_prepare(store, sql, &statement, NULL), ACESO_OK);
    assert_int_equal(statement_step(statement, NULL), 1);
    count = statement_int(statement, 0);
    statement_finish(statement);
    store_close(store);
    return count;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_import_sign_read(void **state)
{
    struct place *place = *state;
    struct record_batch batch[2];

    batch[0] = import(place, 1, 1);
    assert_int_equal(batch[0].number, 1);
    assert_int_equal(batch[0].records, 1);
    assert_int_equal(batch[0].leaves, 4);
    sign(place, &batch[0]);
    batch[1] = import(place, 2, 700);
    assert_int_equal(batch[1].number, 2);
    assert_memory_equal(batch[1].previous_root, batch[0].root, RECORD_HASH_SIZE);
    assert_int_equal(batch[1].leaves, 2800);
    sign(place, &batch[1]);
    for (uint8_t level = 1; level <= 4; level++) {
        struct record_reader_totals totals;

        assert_int_equal(read_patient(place, batch, 2, level, &totals), ACESO_OK);
        assert_int_equal(totals.records, 701);
        assert_int_equal(totals.rows, 701u * level);
        assert_int_equal(totals.opened, 1 + 175u * level);
    }
}

static void test_unsigned_is_never_served(void **state)
{
    struct place *place = *state;
    struct records_batch *batch = begin(place, 1);
    struct record_batch done;
    enum records_state found;
    uint8_t source[32], other[RECORD_HASH_SIZE] = { 0 };
    uint64_t sealed, signed_;

    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(add_one(batch, i), ACESO_OK);
    assert_int_equal(served(place), 0);
    assert_int_equal(records_batch_finish(batch, &done, NULL), ACESO_OK);
    records_batch_close(batch);
    assert_int_equal(served(place), 0);
    assert_int_equal(records_batch_last(place->records, place->context.patient, &sealed, &signed_,
                                        NULL),
                     ACESO_OK);
    assert_int_equal(sealed, 1);
    assert_int_equal(signed_, 0);
    assert_int_equal(records_batch_sign(place->records, place->context.patient, 1, other, NULL),
                     ACESO_EVERIFY);
    assert_int_equal(records_batch_sign(place->records, place->context.patient, 2, done.root, NULL),
                     ACESO_ENOTFOUND);
    assert_int_equal(served(place), 0);
    sign(place, &done);
    assert_int_equal(served(place), 1200);
    sign(place, &done); /* again: nothing more happens */
    source_of(1, source);
    assert_int_equal(records_batch_find(place->records, place->context.patient, source, &found,
                                        &done, NULL),
                     ACESO_OK);
    assert_int_equal(found, RECORDS_SIGNED);
    assert_int_equal(done.records, 300);
    assert_int_equal(records_batch_get(place->records, place->context.patient, 1, &found, &done,
                                       NULL),
                     ACESO_OK);
    assert_int_equal(records_batch_last(place->records, place->context.patient, &sealed, &signed_,
                                        NULL),
                     ACESO_OK);
    assert_int_equal(signed_, 1);
}

/* Closed in the middle, three times, once with another epoch: nothing lost, nothing doubled. */
static void test_crash_and_resume(void **state)
{
    struct place *place = *state;
    struct records_batch *batch = begin(place, 1);
    struct record_batch done, again;
    enum records_state found;
    struct record_reader_totals totals;
    uint8_t source[32];
    uint32_t at = 0;

    for (int round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 300; i++)
            assert_int_equal(add_one(batch, at + i), ACESO_OK);
        records_batch_close(batch);
        reopen(place);
        batch = resume(place, 1, &at);
        assert_true(at % RECORDS_CHUNK_RECORDS == 0 && at >= 256u * ((unsigned)round + 1));
    }
    source_of(1, source);
    assert_int_equal(records_batch_find(place->records, place->context.patient, source, &found,
                                        &done, NULL),
                     ACESO_OK);
    assert_int_equal(found, RECORDS_SEALING);
    assert_int_equal(done.number, 0);
    assert_int_equal(done.records, at);
    for (uint32_t i = at; i < 1100; i++)
        assert_int_equal(add_one(batch, i), ACESO_OK);
    assert_int_equal(records_batch_finish(batch, &done, NULL), ACESO_OK);
    assert_int_equal(records_batch_finish(batch, &again, NULL), ACESO_OK);
    assert_memory_equal(&done, &again, sizeof done);
    assert_int_equal(add_one(batch, 0), ACESO_OK); /* waits, and is refused when it is written */
    assert_int_equal(records_batch_finish(batch, &again, NULL), ACESO_ESTATE);
    records_batch_close(batch);
    assert_int_equal(records_batch_resume(place->records, &place->context, source, place->epoch,
                                          &place->ladder, &batch, &at, NULL),
                     ACESO_ESTATE);
    assert_int_equal(records_batch_begin(place->records, &place->context, source, place->epoch,
                                         &place->ladder, &batch, NULL),
                     ACESO_EEXISTS);
    assert_int_equal(done.records, 1100);
    sign(place, &done);
    assert_int_equal(read_patient(place, &done, 1, 4, &totals), ACESO_OK);
    assert_int_equal(totals.opened, 1100);
}

/* The importing process is killed while it writes, again and again. */
static void test_killed(void **state)
{
    struct place *place = *state;
    struct record_reader_totals totals;
    struct records_batch *batch = begin(place, 1);
    struct record_batch done;
    uint32_t at = 0, before = 0;

    records_batch_close(batch);
    for (int round = 0; round < 5; round++) {
        int ends[2], status;
        char byte;
        pid_t child;

        records_close(place->records);
        place->records = NULL;
        assert_int_equal(pipe(ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)close(ends[0]);
            if (records_open(place->path, &place->records, NULL))
                _exit(1);
            batch = resume(place, 1, &at);
            for (uint32_t i = at; !add_one(batch, i) && write(ends[1], "", 1) == 1;)
                i++;
            _exit(1);
        }
        (void)close(ends[1]);
        for (int i = 0; i < 260 + 7 * round; i++)
            assert_int_equal(read(ends[0], &byte, 1), 1);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        (void)close(ends[0]);
        assert_int_equal(records_open(place->path, &place->records, NULL), ACESO_OK);
        batch = resume(place, 1, &at);
        assert_true(at >= before + RECORDS_CHUNK_RECORDS);
        before = at;
        records_batch_close(batch);
    }
    batch = resume(place, 1, &at);
    assert_int_equal(add_one(batch, at), ACESO_OK);
    assert_int_equal(records_batch_finish(batch, &done, NULL), ACESO_OK);
    records_batch_close(batch);
    assert_int_equal(done.records, at + 1);
    sign(place, &done);
    assert_int_equal(read_patient(place, &done, 1, 4, &totals), ACESO_OK);
    assert_int_equal(totals.opened, at + 1);
}

/* Two objects go on with the same import: the second to write is told. */
static void test_two_at_once(void **state)
{
    struct place *place = *state;
    struct records_batch *one = begin(place, 1), *two;
    struct record_batch done;
    uint32_t at;

    two = resume(place, 1, &at);
    assert_int_equal(at, 0);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(add_one(one, i), ACESO_OK);
        assert_int_equal(add_one(two, i), ACESO_OK);
    }
    assert_int_equal(records_batch_finish(one, &done, NULL), ACESO_OK);
    assert_int_equal(records_batch_finish(two, &done, NULL), ACESO_ESTATE);
    records_batch_close(one);
    records_batch_close(two);
    assert_int_equal(count_rows(place, "SELECT count(*) FROM part"), 40);
    one = begin(place, 2);
    two = resume(place, 2, &at);
    for (uint32_t i = 0; i < RECORDS_CHUNK_RECORDS + 1; i++)
        assert_int_equal(add_one(one, i), ACESO_OK);
    for (uint32_t i = 0; i < RECORDS_CHUNK_RECORDS; i++)
        assert_int_equal(add_one(two, i), ACESO_OK);
    assert_int_equal(add_one(two, 0), ACESO_ESTATE);
    records_batch_close(two);
    assert_int_equal(records_batch_finish(one, &done, NULL), ACESO_OK);
    assert_int_equal(done.records, RECORDS_CHUNK_RECORDS + 1);
    records_batch_close(one);
}

static void test_drop(void **state)
{
    struct place *place = *state;
    struct record_batch first = import(place, 1, 3), second = import(place, 2, 300), third;
    struct records_batch *open = begin(place, 3);
    uint8_t source[32];

    for (uint32_t i = 0; i < 260; i++)
        assert_int_equal(add_one(open, i), ACESO_OK);
    records_batch_close(open);
    sign(place, &first);
    source_of(1, source);
    assert_int_equal(records_batch_drop(place->records, place->context.patient, source, NULL),
                     ACESO_ESTATE); /* signed */
    source_of(3, source);
    assert_int_equal(records_batch_drop(place->records, place->context.patient, source, NULL),
                     ACESO_OK);
    third = import(place, 3, 5);
    assert_int_equal(third.number, 3);
    source_of(2, source);
    assert_int_equal(records_batch_drop(place->records, place->context.patient, source, NULL),
                     ACESO_ESTATE); /* the third builds on it */
    source_of(3, source);
    assert_int_equal(records_batch_drop(place->records, place->context.patient, source, NULL),
                     ACESO_OK);
    source_of(2, source);
    assert_int_equal(records_batch_drop(place->records, place->context.patient, source, NULL),
                     ACESO_OK);
    assert_int_equal(records_batch_drop(place->records, place->context.patient, source, NULL),
                     ACESO_ENOTFOUND);
    assert_int_equal(count_rows(place, "SELECT count(*) FROM part"), 12);
    assert_int_equal(count_rows(place, "SELECT count(*) FROM record"), 3);
    assert_int_equal(count_rows(place, "SELECT count(*) FROM batch"), 1);
    third = import(place, 2, 300);
    assert_int_equal(third.number, 2);
    assert_memory_not_equal(third.root, second.root, RECORD_HASH_SIZE);
}

static void test_signed_in_order(void **state)
{
    struct place *place = *state;
    struct record_batch first = import(place, 1, 2), second = import(place, 2, 2);

    assert_int_equal(records_batch_sign(place->records, place->context.patient, 2, second.root,
                                        NULL),
                     ACESO_ESTATE);
    sign(place, &first);
    sign(place, &second);
    assert_int_equal(served(place), 16);
}

static void test_refused_views(void **state)
{
    struct place *place = *state;
    struct records_batch *batch = begin(place, 1);
    struct bytes some = bytes_of_string("{\"a\":1}"), none = bytes_of(NULL, 0);
    struct bytes gap[] = { some, none, some, some }, top[] = { none, none, none, none };
    struct bytes bad[] = { none, some, bytes_of_string("{"), some };
    struct record_batch done;
    struct ladder low = place->ladder;

    assert_int_equal(records_batch_add(batch, gap, NULL, NULL), ACESO_EUSAGE);
    assert_int_equal(records_batch_add(batch, top, NULL, NULL), ACESO_EUSAGE);
    assert_int_equal(records_batch_add(batch, bad, NULL, NULL), ACESO_EFORMAT);
    assert_int_equal(records_batch_finish(batch, &done, NULL), ACESO_ESTATE); /* nothing in */
    assert_int_equal(add_one(batch, 0), ACESO_OK);
    assert_int_equal(records_batch_finish(batch, &done, NULL), ACESO_OK);
    assert_int_equal(done.records, 1);
    records_batch_close(batch);
    low.top = 3;
    assert_int_equal(records_batch_begin(place->records, &place->context, (uint8_t[32]){ 9 },
                                         place->epoch, &low, &batch, NULL),
                     ACESO_EUSAGE);
}

static void test_resume_elsewhere(void **state)
{
    struct place *place = *state;
    struct record_context other = place->context;
    struct records_batch *batch = begin(place, 1);
    uint8_t source[32];
    uint32_t done;

    records_batch_close(batch);
    source_of(1, source);
    other.contract[0]++;
    assert_int_equal(records_batch_resume(place->records, &other, source, place->epoch,
                                          &place->ladder, &batch, &done, NULL),
                     ACESO_ESTATE);
    other = place->context;
    other.patient[0]++;
    assert_int_equal(records_batch_resume(place->records, &other, source, place->epoch,
                                          &place->ladder, &batch, &done, NULL),
                     ACESO_ENOTFOUND);
}

static void test_patient_claim(void **state)
{
    struct place *place = *state;
    uint8_t mac[32] = { 1 }, one[20] = { 1 }, two[20] = { 2 }, found[20];

    assert_int_equal(records_patient_find(place->records, mac, found, NULL), ACESO_ENOTFOUND);
    assert_int_equal(records_patient_claim(place->records, mac, one, NULL), ACESO_OK);
    assert_int_equal(records_patient_claim(place->records, mac, one, NULL), ACESO_OK);
    assert_int_equal(records_patient_claim(place->records, mac, two, NULL), ACESO_EEXISTS);
    assert_int_equal(records_patient_find(place->records, mac, found, NULL), ACESO_OK);
    assert_memory_equal(found, one, sizeof one);
}

/* Two patients in one file do not see each other. */
static void test_two_patients(void **state)
{
    struct place *place = *state;
    struct record_context context = place->context;
    struct record_batch first = import(place, 1, 5), second;

    sign(place, &first);
    place->context.patient[0]++;
    assert_int_equal(ladder_random(&place->context, place->epoch, &place->ladder, NULL), 0);
    second = import(place, 1, 7);
    assert_int_equal(second.number, 1);
    sign(place, &second);
    assert_int_equal(served(place), 28);
    assert_int_equal(read_patient(place, &second, 1, 3, NULL), ACESO_OK);
    place->context = context;
    assert_int_equal(served(place), 20);
    assert_int_equal(read_patient(place, &first, 1, 3, NULL), ACESO_EVERIFY); /* other keys */
}

static void change_file(struct place *place, const char *sql)
{
    struct store *store;

    records_close(place->records);
    place->records = NULL;
    assert_int_equal(store_open(place->path, (const char *const[]){ "", "" }, 2, &store, NULL), 0);
    assert_int_equal(store_exec(store, sql, NULL), ACESO_OK);
    store_close(store);
    assert_int_equal(records_open(place->path, &place->records, NULL), ACESO_OK);
}

static void test_a_changed_file_is_noticed(void **state)
{
    static const char *const changes[] = {
        "UPDATE part SET sealed = (SELECT sealed FROM part AS p WHERE p.position = 2 AND"
        " p.level = part.level) WHERE position = 1",
        "UPDATE part SET version = 9 WHERE position = 3 AND level = 1;"
        "UPDATE part SET level = 1 WHERE position = 3 AND level = 4;"
        "UPDATE part SET level = 4, version = 1 WHERE version = 9",
        "UPDATE part SET epoch = epoch - 1",
        "UPDATE part SET version = 2",
        "UPDATE record SET path = zeroblob(length(path)) WHERE position = 5",
        "UPDATE record SET path = x''",
        "UPDATE batch SET head = x'01000000000000000200000018'",
        "DELETE FROM part WHERE position = 4",
        "DELETE FROM part WHERE position = 4 AND level = 2",
        "DELETE FROM record WHERE position = 0",
    };
    struct place *place = *state;
    struct record_batch batch = import(place, 1, 6);

    sign(place, &batch);
    place->gaps = true;
    change_file(place, "CREATE TABLE save_part AS SELECT * FROM part;"
                       "CREATE TABLE save_record AS SELECT * FROM record;"
                       "CREATE TABLE save_batch AS SELECT * FROM batch");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        change_file(place, changes[i]);
        assert_int_not_equal(read_patient(place, &batch, 1, 4, NULL), ACESO_OK);
        change_file(place, "DELETE FROM part; INSERT INTO part SELECT * FROM save_part;"
                           "DELETE FROM record; INSERT INTO record SELECT * FROM save_record;"
                           "UPDATE batch SET head = (SELECT head FROM save_batch)");
        assert_int_equal(read_patient(place, &batch, 1, 4, NULL), ACESO_OK);
    }
}

/* --- the guarded reader ---------------------------------------------------------------------- */

static int count_row(void *data, const struct statement *row)
{
    struct record_row parsed;
    struct proof proof;

    assert_int_equal(records_row_of(row, &parsed, NULL), ACESO_OK);
    assert_int_equal(proof_parse(parsed.proof, &proof, NULL), ACESO_OK);
    assert_int_equal(parsed.level, proof.index % 4 + 1);
    ++*(uint64_t *)data;
    return ACESO_OK;
}

static void test_guarded_query(void **state)
{
    struct place *place = *state;
    struct record_batch batch = import(place, 1, 40), unsigned_;
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct buffer sql = BUFFER_INIT(1024);
    struct store_reader *reader;
    uint64_t count = 0;

    sign(place, &batch);
    unsigned_ = import(place, 2, 10);
    assert_int_equal(unsigned_.number, 2);
    assert_int_equal(records_query(place->context.patient, 3, &sql), ACESO_OK);
    assert_int_equal(store_open_reader(place->path, &reader, NULL), ACESO_OK);
    assert_int_equal(store_query(reader, buffer_bytes(&sql), RECORDS_VIEW, &limits, count_row,
                                 &count, NULL),
                     ACESO_OK);
    assert_int_equal(count, 120);
    assert_int_equal(store_query(reader, bytes_of_string("SELECT sealed FROM part"), RECORDS_VIEW,
                                 &limits, count_row, &count, NULL),
                     ACESO_EDENIED);
    store_close_reader(reader);
    buffer_free(&sql);
}

/* The canonical query walks the index: no sorting, no scan. */
static void test_query_plan(void **state)
{
    struct place *place = *state;
    struct buffer sql = BUFFER_INIT(1024);
    struct statement *statement;
    struct store *store;
    bool index = false;

    (void)buffer_put_string(&sql, "EXPLAIN QUERY PLAN ");
    assert_int_equal(records_query(place->context.patient, 3, &sql), ACESO_OK);
    assert_int_equal(store_open(place->path, (const char *const[]){ "", "" }, 2, &store, NULL), 0);
    assert_int_equal(store_prepare(store, buffer_text(&sql), &statement, NULL), ACESO_OK);
    while (statement_step(statement, NULL) == 1) {
        const char *step = statement_text(statement, 3);

        assert_null(strstr(step, "TEMP B-TREE"));
        assert_null(strstr(step, "SCAN"));
        index = index || strstr(step, "part_order");
    }
    assert_true(index);
    statement_finish(statement);
    store_close(store);
    buffer_free(&sql);
}

/* What a thief of the file sees: modes, and none of the words that were sealed. */
static void test_nothing_in_the_clear(void **state)
{
    struct place *place = *state;
    struct record_batch batch = import(place, 1, 50);
    static const char *const words[] = { "Sample", "resourceType", "laboratory", "complete" };
    struct buffer file = BUFFER_INIT((size_t)16 << 20);
    struct stat status;
    FILE *stream;
    uint8_t *to;

    sign(place, &batch);
    records_close(place->records);
    place->records = NULL;
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    stream = fopen(place->path, "rb");
    assert_non_null(stream);
    to = buffer_reserve(&file, (size_t)status.st_size);
    assert_non_null(to);
    assert_int_equal(fread(to, 1, (size_t)status.st_size, stream), status.st_size);
    (void)fclose(stream);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_null(memmem(to, (size_t)status.st_size, words[i], strlen(words[i])));
    buffer_free(&file);
    assert_int_equal(records_open(place->path, &place->records, NULL), ACESO_OK);
    /* Every slot of these small records has one size. */
    assert_int_equal(count_rows(place, "SELECT count(DISTINCT length(sealed)) FROM part"), 1);
    assert_int_equal(count_rows(place, "SELECT count(DISTINCT sealed) FROM part"), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_import_sign_read),
        TEST(test_unsigned_is_never_served),
        TEST(test_crash_and_resume),
        TEST(test_killed),
        TEST(test_two_at_once),
        TEST(test_drop),
        TEST(test_signed_in_order),
        TEST(test_refused_views),
        TEST(test_resume_elsewhere),
        TEST(test_patient_claim),
        TEST(test_two_patients),
        TEST(test_a_changed_file_is_noticed),
        TEST(test_guarded_query),
        TEST(test_query_plan),
        TEST(test_nothing_in_the_clear),
    };

    if (secret_init(NULL))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
