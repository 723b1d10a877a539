/* SPDX-License-Identifier: Apache-2.0 */
#include "record/away.h"

#include "base/secret.h"
#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

/* Pieces of records, walked in order: those that fit into one call of the store. */
struct walk {
    const struct object_keys *keys;
    const struct away_record *records;
    size_t n;
    size_t at;      /* the record whose piece is next */
    uint32_t piece; /* that piece */
    /* one call */
    size_t count;
    size_t owner[OBJECT_BATCH_MAX];  /* which record each belongs to */
    uint32_t index[OBJECT_BATCH_MAX];
    uint8_t names[OBJECT_BATCH_MAX][OBJECT_NAME_SIZE];
};

void away_records_free(struct away_record *records, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buffer_free(&records[i].content);
}

static size_t piece_length(const struct away_record *record, uint32_t piece)
{
    size_t from = (size_t)piece * OBJECT_PIECE_MAX;

    return record->size - from < OBJECT_PIECE_MAX ? record->size - from : OBJECT_PIECE_MAX;
}

/* Gathers the next call's names; false when all were walked. */
static bool walk_next(struct walk *walk)
{
    size_t bytes = 0;

    walk->count = 0;
    while (walk->at < walk->n && walk->count < OBJECT_BATCH_MAX) {
        const struct away_record *record = &walk->records[walk->at];
        struct object_place place = { .version = record->version, .piece = walk->piece };

        if (walk->piece >= object_pieces(record->size)) {
            walk->at++;
            walk->piece = 0;
            continue;
        }
        bytes += object_size(piece_length(record, walk->piece));
        if (walk->count && bytes > AWAY_BATCH_BYTES)
            break;
        memcpy(place.patient, record->patient, sizeof place.patient);
        memcpy(place.record, record->record, sizeof place.record);
        object_name(walk->keys, &place, walk->names[walk->count]);
        walk->owner[walk->count] = walk->at;
        walk->index[walk->count++] = walk->piece++;
    }
    return walk->count > 0;
}

static struct walk *walk_of(const struct object_keys *keys, const struct away_record *records,
                            size_t n, struct aceso_error *error)
{
    struct walk *walk = calloc(1, sizeof *walk);

    if (!walk) {
        (void)error_set(error, ACESO_EMEMORY, "objects", "out of memory");
        return NULL;
    }
    walk->keys = keys;
    walk->records = records;
    walk->n = n;
    return walk;
}

/* ---- putting, removing ------------------------------------------------------------------- */

static int put_call(const struct part_store *store, struct walk *walk, struct buffer *sealed,
                    struct aceso_error *error)
{
    struct part_object objects[OBJECT_BATCH_MAX];
    size_t offset[OBJECT_BATCH_MAX + 1] = { 0 };
    int code = ACESO_OK;

    buffer_clear(sealed);
    for (size_t i = 0; !code && i < walk->count; i++) {
        const struct away_record *record = &walk->records[walk->owner[i]];
        size_t from = (size_t)walk->index[i] * OBJECT_PIECE_MAX;

        code = object_seal(walk->keys, walk->names[i], record->generation,
                           bytes_of(record->content.data + from,
                                    piece_length(record, walk->index[i])),
                           sealed, error);
        offset[i + 1] = sealed->len;
    }
    for (size_t i = 0; !code && i < walk->count; i++) {
        objects[i].name = walk->names[i];
        objects[i].bytes = bytes_of(sealed->data + offset[i], offset[i + 1] - offset[i]);
    }
    return code ? code : store->put(store->state, objects, walk->count, error);
}

int away_put(const struct part_store *store, const struct object_keys *keys,
             const struct away_record *records, size_t n, struct aceso_error *error)
{
    struct buffer sealed = BUFFER_INIT(OBJECT_BATCH_BYTES);
    struct walk *walk;
    int code = ACESO_OK;

    for (size_t i = 0; i < n; i++) {
        if (records[i].content.len != records[i].size || records[i].size == 0)
            return error_set(error, ACESO_EUSAGE, "objects", "a record without its content");
    }
    walk = walk_of(keys, records, n, error);
    if (!walk)
        return ACESO_EMEMORY;
    while (!code && walk_next(walk))
        code = put_call(store, walk, &sealed, error);
    buffer_free(&sealed);
    free(walk);
    return code;
}

int away_remove(const struct part_store *store, const struct object_keys *keys,
                const struct away_record *records, size_t n, struct aceso_error *error)
{
    struct walk *walk = walk_of(keys, records, n, error);
    int code = walk ? ACESO_OK : ACESO_EMEMORY;

    while (!code && walk_next(walk))
        code = store->remove(store->state, (const uint8_t(*)[OBJECT_NAME_SIZE])walk->names,
                             walk->count, error);
    free(walk);
    return code;
}

/* ---- fetching ---------------------------------------------------------------------------- */

struct fetch {
    struct walk *walk;
    struct away_record *records;
    size_t next; /* the first of the call's pieces that did not come yet */
    size_t end;  /* behind the last one that was asked for */
};

/* The record's pieces come in order, so each is appended; what is missing in between is lost. */
static int fetch_piece(struct fetch *fetch, size_t i, struct bytes object,
                       struct aceso_error *error)
{
    struct away_record *record = &fetch->records[fetch->walk->owner[i]];
    enum object_fault fault = OBJECT_LOST;
    size_t before = record->content.len;
    int code = ACESO_OK;

    if (object.len)
        code = object_open(fetch->walk->keys, fetch->walk->names[i], record->generation, object,
                           &record->content, &fault, error);
    if (!code && fault == OBJECT_SOUND &&
        record->content.len - before != piece_length(record, fetch->walk->index[i]))
        fault = OBJECT_CHANGED;
    if (record->fault == OBJECT_SOUND)
        record->fault = fault;
    return code;
}

/* A store answers in the order of asking; one that is out of order, or that gives what nobody
 * asked for, does not speak the language at all. */
static int fetch_each(void *data, const uint8_t name[OBJECT_NAME_SIZE], struct bytes object,
                      struct aceso_error *error)
{
    struct fetch *fetch = data;
    int code = ACESO_OK;

    while (!code && fetch->next < fetch->end &&
           memcmp(fetch->walk->names[fetch->next], name, OBJECT_NAME_SIZE) != 0)
        code = fetch_piece(fetch, fetch->next++, bytes_of(NULL, 0), error);
    if (!code && fetch->next == fetch->end)
        return error_set(error, ACESO_EFORMAT, "objects", "the store gives what nobody asked for");
    return code ? code : fetch_piece(fetch, fetch->next++, object, error);
}

/* Asks for the call's pieces from `first` to before `end`. */
static int fetch_some(const struct part_store *store, struct fetch *fetch, size_t first, size_t end,
                      struct aceso_error *error)
{
    const struct walk *walk = fetch->walk;
    int code;

    fetch->next = first;
    fetch->end = end;
    code = store->get(store->state, (const uint8_t(*)[OBJECT_NAME_SIZE])&walk->names[first],
                      end - first, fetch_each, fetch, error);
    while (!code && fetch->next < end)
        code = fetch_piece(fetch, fetch->next++, bytes_of(NULL, 0), error);
    return code;
}

/* An answer that makes no sense is asked for once more, piece by piece, so that what spoils it can
 * be told from the rest. */
static int fetch_call(const struct part_store *store, struct fetch *fetch,
                      struct aceso_error *error)
{
    const struct walk *walk = fetch->walk;
    size_t length[OBJECT_BATCH_MAX];
    enum object_fault fault[OBJECT_BATCH_MAX];
    int code;

    for (size_t i = 0; i < walk->count; i++) {
        length[i] = fetch->records[walk->owner[i]].content.len;
        fault[i] = fetch->records[walk->owner[i]].fault;
    }
    code = fetch_some(store, fetch, 0, walk->count, error);
    if (code != ACESO_EFORMAT && code != ACESO_ELIMIT)
        return code;
    for (size_t i = 0; i < walk->count; i++) {
        fetch->records[walk->owner[i]].content.len = length[i];
        fetch->records[walk->owner[i]].fault = fault[i];
    }
    code = ACESO_OK;
    for (size_t i = 0; !code && i < walk->count; i++) {
        code = fetch_some(store, fetch, i, i + 1, error);
        if (code != ACESO_EFORMAT && code != ACESO_ELIMIT)
            continue;
        fetch->records[walk->owner[i]].fault = OBJECT_CHANGED;
        code = ACESO_OK;
    }
    return code;
}

/* The last look: the content as a whole. */
static void fetch_judge(struct away_record *record)
{
    struct bytes part[RECORD_LEVELS];
    uint8_t digest[RECORD_HASH_SIZE];

    if (record->size == 0)
        record->fault = OBJECT_LOST;
    if (record->fault == OBJECT_SOUND) {
        sha256(buffer_bytes(&record->content), digest);
        if (memcmp(digest, record->digest, sizeof digest) != 0 ||
            !object_content_read(buffer_bytes(&record->content), part))
            record->fault = OBJECT_CHANGED;
    }
    if (record->fault != OBJECT_SOUND)
        buffer_free(&record->content);
}

int away_fetch(const struct part_store *store, const struct object_keys *keys,
               struct away_record *records, size_t n, struct aceso_error *error)
{
    struct fetch fetch = { .walk = walk_of(keys, records, n, error), .records = records };
    int code = fetch.walk ? ACESO_OK : ACESO_EMEMORY;

    for (size_t i = 0; i < n; i++) {
        records[i].fault = OBJECT_SOUND;
        buffer_free(&records[i].content);
        records[i].content = (struct buffer)BUFFER_INIT(OBJECT_CONTENT_MAX);
    }
    while (!code && walk_next(fetch.walk))
        code = fetch_call(store, &fetch, error);
    for (size_t i = 0; !code && i < n; i++)
        fetch_judge(&records[i]);
    if (code)
        away_records_free(records, n);
    free(fetch.walk);
    return code;
}
