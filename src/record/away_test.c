/* SPDX-License-Identifier: Apache-2.0 */
/* Records that leave the database, are read from afar, and come home; and what a store in which
 * things go wrong does to them. */
#include "record/part_gather.h"

#include "base/secret.h"
#include "record/records.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SHELF_MAX 512
#define RECORDS 70 /* more than one batch of AWAY_BATCH_RECORDS */

/* A store in memory. */
struct shelf {
    struct {
        uint8_t name[OBJECT_NAME_SIZE];
        struct buffer bytes;
    } object[SHELF_MAX];
    size_t count;
    int fails;           /* what the next call returns instead of doing anything */
    bool forgets_answer; /* the next put is done, and fails all the same */
    unsigned calls;
    size_t poisoned;     /* an answer with this object is refused; 0: none */
    void (*between)(void *data); /* called before each get, once */
    void *between_data;
};

struct place {
    char directory[64], path[96];
    struct records *records, *other;
    struct record_context context;
    struct record_epoch epoch;
    struct ladder ladder;
    struct object_keys keys;
    struct shelf shelf;
    struct part_store store;
    struct buffer before; /* every row as it was when all were here */
};

static size_t shelf_find(const struct shelf *shelf, const uint8_t *name)
{
    size_t at = 0;

    while (at < shelf->count && memcmp(shelf->object[at].name, name, OBJECT_NAME_SIZE) != 0)
        at++;
    return at;
}

static int shelf_put(void *state, const struct part_object *objects, size_t n,
                     struct aceso_error *error)
{
    struct shelf *shelf = state;

    shelf->calls++;
    if (shelf->fails)
        return error_set(error, shelf->fails, NULL, "the shelf is away");
    assert_true(n > 0 && n <= OBJECT_BATCH_MAX);
    for (size_t i = 0; i < n; i++) {
        size_t at = shelf_find(shelf, objects[i].name);

        assert_true(at < SHELF_MAX);
        if (at == shelf->count)
            shelf->count++;
        memcpy(shelf->object[at].name, objects[i].name, OBJECT_NAME_SIZE);
        buffer_free(&shelf->object[at].bytes);
        shelf->object[at].bytes = (struct buffer)BUFFER_INIT(OBJECT_SIZE_MAX);
        assert_int_equal(buffer_put_bytes(&shelf->object[at].bytes, objects[i].bytes), ACESO_OK);
    }
    if (shelf->forgets_answer)
        return error_set(error, ACESO_EIO, NULL, "the answer was lost");
    return ACESO_OK;
}

static int shelf_get(void *state, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                     object_batch_fn *each, void *data, struct aceso_error *error)
{
    struct shelf *shelf = state;
    int code = shelf->fails;

    shelf->calls++;
    if (shelf->between) {
        void (*between)(void *) = shelf->between;

        shelf->between = NULL;
        between(shelf->between_data);
    }
    if (code)
        return error_set(error, code, NULL, "the shelf is away");
    for (size_t i = 0; !code && i < n; i++) {
        size_t at = shelf_find(shelf, names[i]);

        if (shelf->poisoned && at == shelf->poisoned)
            return error_set(error, ACESO_EFORMAT, NULL, "a senseless answer");
        if (at < shelf->count)
            code = each(data, names[i], buffer_bytes(&shelf->object[at].bytes), error);
    }
    return code;
}

static int shelf_remove(void *state, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                        struct aceso_error *error)
{
    struct shelf *shelf = state;

    if (shelf->fails)
        return error_set(error, shelf->fails, NULL, "the shelf is away");
    for (size_t i = 0; i < n; i++) {
        size_t at = shelf_find(shelf, names[i]);

        if (at == shelf->count)
            continue;
        buffer_free(&shelf->object[at].bytes);
        shelf->object[at] = shelf->object[--shelf->count];
        memset(&shelf->object[shelf->count], 0, sizeof shelf->object[0]);
    }
    return ACESO_OK;
}

/* ---- a hospital with one patient --------------------------------------------------------- */

static void import(struct place *place, uint8_t source, size_t records, size_t large, bool sign)
{
    const uint8_t name[32] = { source };
    struct buffer text = BUFFER_INIT(RECORD_TEXT_MAX);
    struct records_batch *batch;
    struct record_batch made;

    assert_int_equal(records_batch_begin(place->records, &place->context, name, place->epoch,
                                         &place->ladder, &batch, NULL),
                     ACESO_OK);
    for (size_t i = 0; i < records; i++) {
        struct bytes view[RECORD_LEVELS];

        buffer_clear(&text);
        (void)buffer_printf(&text, "{\"resourceType\":\"Basic\",\"id\":\"%zu\",\"code\":\"", i);
        for (size_t k = 0; k < (i == 0 ? large : i % 9 * 100); k++)
            (void)buffer_put_u8(&text, 'x');
        assert_int_equal(buffer_put_string(&text, "\"}"), ACESO_OK);
        for (size_t level = 0; level < RECORD_LEVELS; level++)
            view[level] = level < i % 4 ? bytes_of(NULL, 0) : buffer_bytes(&text);
        assert_int_equal(records_batch_add(batch, view, NULL, NULL), ACESO_OK);
    }
    assert_int_equal(records_batch_finish(batch, &made, NULL), ACESO_OK);
    records_batch_close(batch);
    if (sign)
        assert_int_equal(records_batch_sign(place->records, place->context.patient, made.number,
                                            made.root, NULL),
                         ACESO_OK);
    buffer_free(&text);
}

static int put_row(void *data, const struct record_row *row, struct aceso_error *error)
{
    (void)error;
    (void)buffer_put(data, row->record, RECORD_ID_SIZE);
    (void)buffer_put_u8(data, row->level);
    (void)buffer_put_field(data, row->sealed);
    return buffer_put_field(data, row->proof);
}

static int setup(void **state)
{
    const uint8_t secret[32] = { 1 }, cloud[20] = { 2 };
    struct place *place = calloc(1, sizeof *place);

    assert_non_null(place);
    memcpy(place->directory, "/tmp/aceso-away-XXXXXX", 23);
    assert_non_null(mkdtemp(place->directory));
    (void)snprintf(place->path, sizeof place->path, "%s/records.db", place->directory);
    place->context = (struct record_context){ .chain_id = 31337, .contract = { 1 },
                                              .patient = { 0x22, 2 }, .hospital = { 3 } };
    place->epoch = (struct record_epoch){ 1, 1 };
    assert_int_equal(ladder_random(&place->context, place->epoch, &place->ladder, NULL), 0);
    object_keys_derive(secret, cloud, &place->keys);
    place->store = (struct part_store){ .state = &place->shelf, .put = shelf_put,
                                        .get = shelf_get, .remove = shelf_remove };
    assert_int_equal(records_open(place->path, &place->records, NULL), ACESO_OK);
    assert_int_equal(records_open(place->path, &place->other, NULL), ACESO_OK);
    import(place, 1, RECORDS, 400000, true);
    place->before = (struct buffer)BUFFER_INIT((size_t)16 << 20);
    assert_int_equal(records_each(place->records, place->context.patient, 4, put_row,
                                  &place->before, NULL),
                     ACESO_OK);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    struct place *place = *state;
    char path[128];

    records_close(place->records);
    records_close(place->other);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s%s", place->path, ends[i]);
        (void)unlink(path);
    }
    (void)rmdir(place->directory);
    for (size_t i = 0; i < place->shelf.count; i++)
        buffer_free(&place->shelf.object[i].bytes);
    buffer_free(&place->before);
    ladder_wipe(&place->ladder);
    free(place);
    return 0;
}

/* ---- what the hospital does -------------------------------------------------------------- */

/* One turn of carrying; how many records left. */
static int carry(struct place *place, size_t *n)
{
    struct away_record list[AWAY_BATCH_RECORDS];
    int code = records_away_leave(place->records, list, n, NULL);

    assert_int_equal(code, ACESO_OK);
    code = away_put(&place->store, &place->keys, list, *n, NULL);
    if (!code)
        code = records_away_left(place->records, list, *n, NULL);
    away_records_free(list, *n);
    return code;
}

static void carry_all(struct place *place)
{
    size_t n;

    do
        assert_int_equal(carry(place, &n), ACESO_OK);
    while (n > 0);
}

static void fetch_home(struct place *place)
{
    struct away_record list[AWAY_BATCH_RECORDS];
    size_t n;

    do {
        assert_int_equal(records_away_in(place->records, RECORDS_AWAY, list, &n, NULL), ACESO_OK);
        assert_int_equal(away_fetch(&place->store, &place->keys, list, n, NULL), ACESO_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(list[i].fault, OBJECT_SOUND);
        assert_int_equal(records_away_return(place->records, list, n, NULL), ACESO_OK);
        away_records_free(list, n);
    } while (n > 0);
    do {
        assert_int_equal(records_away_in(place->records, RECORDS_RETURNED, list, &n, NULL),
                         ACESO_OK);
        assert_int_equal(away_remove(&place->store, &place->keys, list, n, NULL), ACESO_OK);
        assert_int_equal(records_away_settle(place->records, list, n, NULL), ACESO_OK);
        away_records_free(list, n);
    } while (n > 0);
}

struct gathering {
    struct part_gather *gather;
    struct buffer rows;
    struct away_record bad;
    int code;
};

static int drain(struct gathering *gathering, struct aceso_error *error)
{
    struct record_row row;
    int code = part_gather_fill(gathering->gather, &gathering->bad, error);

    while (!code && part_gather_take(gathering->gather, &row))
        code = put_row(&gathering->rows, &row, error);
    return code;
}

static int gather_row(void *data, const struct record_row *row, struct aceso_error *error)
{
    struct gathering *gathering = data;
    int code = part_gather_add(gathering->gather, row, error);

    if (!code && part_gather_full(gathering->gather))
        code = drain(gathering, error);
    return code;
}

/* Reads everything; the rows must be what they were, unless reading fails. */
static int read_all(struct place *place, struct away_record *bad)
{
    struct gathering gathering = { .rows = BUFFER_INIT((size_t)16 << 20) };
    int code = part_gather_create(place->other, &place->store, &place->keys, &gathering.gather,
                                  NULL);

    assert_int_equal(code, ACESO_OK);
    code = records_each(place->records, place->context.patient, 4, gather_row, &gathering, NULL);
    if (!code)
        code = drain(&gathering, NULL);
    if (!code)
        assert_true(bytes_equal(buffer_bytes(&gathering.rows), buffer_bytes(&place->before)));
    else if (bad)
        *bad = gathering.bad;
    part_gather_free(gathering.gather);
    buffer_free(&gathering.rows);
    return code;
}

static struct records_counts counts(struct place *place)
{
    struct records_counts found;

    assert_int_equal(records_away_counts(place->records, &found, NULL), ACESO_OK);
    return found;
}

/* How many bytes of sealed parts the database has. */
static int64_t sealed_bytes(struct place *place)
{
    struct statement *query = NULL;
    struct store *store = NULL;
    int64_t bytes;

    assert_int_equal(store_open(place->path, (const char *const[]){ "", "" }, 2, &store, NULL),
                     ACESO_OK);
    assert_int_equal(store_prepare(store, "SELECT sum(length(sealed)) FROM part", &query, NULL),
                     ACESO_OK);
    assert_int_equal(statement_step(query, NULL), 1);
    bytes = statement_int(query, 0);
    statement_finish(query);
    store_close(store);
    return bytes;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void test_away_and_back(void **state)
{
    struct place *place = *state;

    assert_int_equal(read_all(place, NULL), ACESO_OK);
    assert_int_equal(place->shelf.calls, 0);
    carry_all(place);
    assert_int_equal(counts(place).away, RECORDS);
    assert_int_equal(counts(place).home, 0);
    assert_true(place->shelf.count > RECORDS); /* the large one has several pieces */
    assert_int_equal(sealed_bytes(place), 0);
    assert_int_equal(records_away_scrub(place->records, NULL), ACESO_OK);
    place->shelf.calls = 0;
    assert_int_equal(read_all(place, NULL), ACESO_OK);
    assert_in_range(place->shelf.calls, 2, 4); /* in batches, not one by one */
    fetch_home(place);
    assert_int_equal(place->shelf.count, 0);
    assert_int_equal(counts(place).home, RECORDS);
    assert_int_equal(read_all(place, NULL), ACESO_OK);
    carry_all(place);
    assert_int_equal(read_all(place, NULL), ACESO_OK);
}

static void test_only_what_is_signed(void **state)
{
    struct place *place = *state;
    const uint8_t source[32] = { 2 };
    size_t n;

    import(place, 2, 5, 10, false);
    carry_all(place);
    assert_int_equal(counts(place).away, RECORDS);
    assert_int_equal(counts(place).waiting, 5);
    assert_int_equal(records_batch_drop(place->records, place->context.patient, source, NULL),
                     ACESO_OK);
    assert_int_equal(counts(place).waiting, 0);
    assert_int_equal(carry(place, &n), ACESO_OK);
    assert_int_equal(n, 0);
    assert_int_equal(read_all(place, NULL), ACESO_OK);
}

/* How many objects all records make. */
static size_t pieces(struct place *place)
{
    struct records_place found[AWAY_BATCH_RECORDS];
    struct away_record last;
    size_t n, sum = 0;

    assert_int_equal(records_away_walk(place->records, NULL, NULL, found, &n, NULL), ACESO_OK);
    while (n > 0) {
        for (size_t i = 0; i < n; i++)
            sum += object_pieces(found[i].record.size);
        last = found[n - 1].record;
        assert_int_equal(records_away_walk(place->records, NULL, &last, found, &n, NULL),
                         ACESO_OK);
    }
    return sum;
}

static void test_repeated_steps(void **state)
{
    struct place *place = *state;
    size_t n;

    place->shelf.fails = ACESO_EIO; /* the store is away: everything stays here */
    assert_int_equal(carry(place, &n), ACESO_EIO);
    assert_int_equal(counts(place).away, 0);
    place->shelf.fails = ACESO_OK;
    assert_int_equal(read_all(place, NULL), ACESO_OK);
    place->shelf.forgets_answer = true; /* it has them, and we do not know */
    assert_int_equal(carry(place, &n), ACESO_EIO);
    assert_int_equal(counts(place).away, 0);
    assert_true(place->shelf.count > 0);
    place->shelf.forgets_answer = false;
    assert_int_equal(read_all(place, NULL), ACESO_OK);
    carry_all(place); /* the same ones again, and then the others */
    assert_int_equal(counts(place).away, RECORDS);
    assert_int_equal(place->shelf.count, pieces(place));
    assert_int_equal(read_all(place, NULL), ACESO_OK);
}

static void test_store_away(void **state)
{
    struct place *place = *state;
    struct away_record bad = { .version = 0 };

    carry_all(place);
    place->shelf.fails = ACESO_EIO;
    assert_int_equal(read_all(place, &bad), ACESO_EIO);
    assert_int_equal(bad.version, 0); /* nothing is accused */
    assert_int_equal(counts(place).faults, 0);
    place->shelf.fails = ACESO_OK;
    assert_int_equal(read_all(place, NULL), ACESO_OK);
}

/* The object of the record at `position` that has one piece only. */
static struct buffer *object_at(struct place *place, uint8_t position)
{
    struct object_place at = { .version = 1 };
    struct records_place found[AWAY_BATCH_RECORDS];
    uint8_t name[OBJECT_NAME_SIZE];
    size_t n, i;

    assert_int_equal(records_away_walk(place->records, NULL, NULL, found, &n, NULL), ACESO_OK);
    assert_true(position < n);
    memcpy(at.patient, found[position].record.patient, 20);
    memcpy(at.record, found[position].record.record, RECORD_ID_SIZE);
    object_name(&place->keys, &at, name);
    i = shelf_find(&place->shelf, name);
    assert_true(i < place->shelf.count);
    return &place->shelf.object[i].bytes;
}

/* Reading must fail and name it; and a walk over everything finds that many faults. */
static void expect_fault(struct place *place, enum object_fault fault, size_t faults)
{
    struct away_record bad = { .version = 0 }, list[AWAY_BATCH_RECORDS];
    struct records_place places[AWAY_BATCH_RECORDS];
    size_t n, found = 0;

    assert_int_equal(read_all(place, &bad), ACESO_EVERIFY);
    assert_int_equal(bad.fault, fault);
    assert_int_equal(bad.version, 1);
    assert_memory_equal(bad.patient, place->context.patient, 20);
    assert_int_equal(records_away_walk(place->records, NULL, NULL, places, &n, NULL), ACESO_OK);
    for (size_t i = 0; i < n; i++)
        list[i] = places[i].record;
    assert_int_equal(away_fetch(&place->store, &place->keys, list, n, NULL), ACESO_OK);
    for (size_t i = 0; i < n; i++) {
        found += list[i].fault == fault;
        assert_true(list[i].fault == fault || list[i].fault == OBJECT_SOUND);
    }
    assert_int_equal(found, faults);
    away_records_free(list, n);
    assert_int_equal(counts(place).faults, faults);
    assert_int_equal(records_fault_note(place->records, &(struct away_record){ 0 }, NULL), 0);
    assert_int_equal(counts(place).faults, faults); /* another one is sound */
}

static void test_lost(void **state)
{
    struct place *place = *state;

    carry_all(place);
    object_at(place, 3)->len = 0;
    expect_fault(place, OBJECT_LOST, 1);
}

static void test_swapped(void **state)
{
    struct place *place = *state;
    struct buffer *one, *other, kept;

    carry_all(place);
    one = object_at(place, 3);
    other = object_at(place, 9);
    kept = *one;
    *one = *other;
    *other = kept;
    expect_fault(place, OBJECT_SWAPPED, 2);
}

static void test_changed(void **state)
{
    struct place *place = *state;

    carry_all(place);
    object_at(place, 0)->data[100000] ^= 1; /* inside a large record */
    expect_fault(place, OBJECT_CHANGED, 1);
}

static void test_rolled_back(void **state)
{
    struct place *place = *state;
    struct buffer old = BUFFER_INIT(OBJECT_SIZE_MAX), *now;

    carry_all(place);
    assert_int_equal(buffer_put_bytes(&old, buffer_bytes(object_at(place, 7))), ACESO_OK);
    fetch_home(place);
    carry_all(place);
    now = object_at(place, 7);
    buffer_free(now);
    *now = old;
    expect_fault(place, OBJECT_ROLLED_BACK, 1);
}

/* A store that gives what nobody asked for: nothing that it should have given is sound. */
static int confused_get(void *state, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                        object_batch_fn *each, void *data, struct aceso_error *error)
{
    struct shelf *shelf = state;

    (void)names;
    (void)n;
    return each(data, (const uint8_t[OBJECT_NAME_SIZE]){ 0xee },
                buffer_bytes(&shelf->object[0].bytes), error);
}

static void test_confused(void **state)
{
    struct away_record bad = { .version = 0 };
    struct place *place = *state;

    carry_all(place);
    place->store.get = confused_get;
    assert_int_equal(read_all(place, &bad), ACESO_EVERIFY);
    assert_int_equal(bad.fault, OBJECT_CHANGED);
}

/* One object makes every answer that it is in senseless: it alone is to blame. */
static void test_poisoned(void **state)
{
    struct place *place = *state;

    carry_all(place);
    place->shelf.poisoned = 20;
    expect_fault(place, OBJECT_CHANGED, 1);
}

/* Everything comes home, and leaves the store, between a look at the database and the fetch. */
static void all_home(void *data)
{
    fetch_home(data);
}

static void test_moved_meanwhile(void **state)
{
    struct place *place = *state;

    carry_all(place);
    place->shelf.between = all_home;
    place->shelf.between_data = place;
    assert_int_equal(read_all(place, NULL), ACESO_OK);
    assert_int_equal(counts(place).faults, 0);
    assert_int_equal(counts(place).home, RECORDS);
}

static void damage(struct place *place, const char *sql)
{
    struct store *store = NULL;

    assert_int_equal(store_open(place->path, (const char *const[]){ "", "" }, 2, &store, NULL),
                     ACESO_OK);
    assert_int_equal(store_exec(store, sql, NULL), ACESO_OK);
    store_close(store);
}

/* What is damaged here is found here, named, and never carried away. */
static void test_damaged_here(void **state)
{
    struct records_place found[AWAY_BATCH_RECORDS];
    struct place *place = *state;
    size_t n, lost = 0, changed = 0;

    damage(place, "DELETE FROM part WHERE position = 3 AND level = 2");
    damage(place, "UPDATE part SET sealed = zeroblob(305) WHERE position = 5 AND level = 4");
    assert_int_equal(records_away_walk(place->records, place->context.patient, NULL, found, &n,
                                       NULL),
                     ACESO_OK);
    for (size_t i = 0; i < n; i++) {
        lost += found[i].record.fault == OBJECT_LOST;
        changed += found[i].record.fault == OBJECT_CHANGED;
    }
    assert_int_equal(lost, 1);
    assert_int_equal(changed, 1);
    carry_all(place);
    assert_int_equal(counts(place).away, RECORDS - 2);
    assert_int_equal(counts(place).home, 2);
    assert_int_equal(counts(place).faults, 2);
}

static void test_walk(void **state)
{
    const uint8_t nobody[20] = { 1 };
    struct records_place found[AWAY_BATCH_RECORDS];
    struct away_record last;
    struct place *place = *state;
    size_t n, seen = 0;

    carry_all(place);
    import(place, 3, 3, 10, true);
    assert_int_equal(records_away_walk(place->records, NULL, NULL, found, &n, NULL), ACESO_OK);
    while (n > 0) {
        seen += n;
        last = found[n - 1].record;
        assert_int_equal(records_away_walk(place->records, place->context.patient, &last, found,
                                           &n, NULL),
                         ACESO_OK);
    }
    assert_int_equal(seen, RECORDS + 3);
    assert_int_equal(records_away_walk(place->records, nobody, NULL, found, &n, NULL), ACESO_OK);
    assert_int_equal(n, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_away_and_back), TEST(test_only_what_is_signed), TEST(test_repeated_steps),
        TEST(test_store_away),    TEST(test_lost),                TEST(test_swapped),
        TEST(test_changed),       TEST(test_rolled_back),         TEST(test_confused),
        TEST(test_poisoned),      TEST(test_moved_meanwhile),     TEST(test_damaged_here),
        TEST(test_walk),
    };

    if (secret_init(NULL))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
