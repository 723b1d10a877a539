/* SPDX-License-Identifier: Apache-2.0 */
#include "record/part_gather.h"

#include <stdlib.h>
#include <string.h>

#define GATHER_ROWS (AWAY_BATCH_RECORDS * RECORD_LEVELS)

/* A row that waits. Where its bytes are away they are in the content of `owner`. */
struct waiting {
    struct record_row row;
    size_t sealed, proof; /* where they begin in `bytes` */
    bool away;
    size_t owner;
};

struct part_gather {
    struct records *records;
    const struct part_store *store;
    const struct object_keys *keys;
    struct waiting rows[GATHER_ROWS];
    size_t count, taken;
    struct buffer bytes; /* sealed parts that are here, and proofs */
    struct away_record owner[AWAY_BATCH_RECORDS];
    bool sent[AWAY_BATCH_RECORDS]; /* is it away, and to be fetched */
    size_t owners;
    size_t weight;
    bool filled;
};

int part_gather_create(struct records *records, const struct part_store *store,
                       const struct object_keys *keys, struct part_gather **out,
                       struct aceso_error *error)
{
    struct part_gather *gather = calloc(1, sizeof *gather);

    if (!gather)
        return error_set(error, ACESO_EMEMORY, "records", "out of memory");
    gather->records = records;
    gather->store = store;
    gather->keys = keys;
    gather->bytes = (struct buffer)BUFFER_INIT(OBJECT_CONTENT_MAX);
    *out = gather;
    return ACESO_OK;
}

static void gather_clear(struct part_gather *gather)
{
    away_records_free(gather->owner, gather->owners);
    buffer_clear(&gather->bytes);
    gather->count = 0;
    gather->taken = 0;
    gather->owners = 0;
    gather->weight = 0;
    gather->filled = false;
}

void part_gather_free(struct part_gather *gather)
{
    if (!gather)
        return;
    gather_clear(gather);
    buffer_free(&gather->bytes);
    free(gather);
}

bool part_gather_full(const struct part_gather *gather)
{
    return gather->count == GATHER_ROWS || gather->owners == AWAY_BATCH_RECORDS ||
           gather->weight >= AWAY_BATCH_BYTES;
}

bool part_gather_empty(const struct part_gather *gather)
{
    return gather->count == 0;
}

/* Has the store lost it, or was the record moved since we looked? It is looked up again then. */
static int gather_look(struct part_gather *gather, size_t i, struct aceso_error *error)
{
    struct away_record *record = &gather->owner[i];
    struct records_place place;
    int code = records_away_find(gather->records, record->patient, record->record,
                                 record->version, &place, error);

    if (code)
        return code;
    buffer_free(&record->content);
    *record = place.record;
    gather->sent[i] = place.where == RECORDS_AWAY;
    return ACESO_OK;
}

static bool gather_same(const struct away_record *record, const struct record_row *row)
{
    return record->version == row->version &&
           memcmp(record->record, row->record, RECORD_ID_SIZE) == 0 &&
           memcmp(record->patient, row->patient, RECORD_ADDRESS_SIZE) == 0;
}

/* The record that the row's bytes are in. Rows of one record come one behind the other. */
static int gather_owner(struct part_gather *gather, const struct record_row *row, size_t *owner,
                        struct aceso_error *error)
{
    struct away_record *record = &gather->owner[gather->owners];
    int code;

    if (gather->owners && gather_same(record - 1, row)) {
        *owner = gather->owners - 1;
        return ACESO_OK;
    }
    *record = (struct away_record){ .version = row->version,
                                    .content = BUFFER_INIT(OBJECT_CONTENT_MAX) };
    memcpy(record->patient, row->patient, RECORD_ADDRESS_SIZE);
    memcpy(record->record, row->record, RECORD_ID_SIZE);
    code = gather_look(gather, gather->owners, error);
    if (code)
        return code;
    gather->weight += record->size;
    *owner = gather->owners++;
    return ACESO_OK;
}

int part_gather_add(struct part_gather *gather, const struct record_row *row,
                    struct aceso_error *error)
{
    struct waiting *waiting = &gather->rows[gather->count];
    int code = ACESO_OK;

    if (part_gather_full(gather) || gather->filled)
        return error_set(error, ACESO_ESTATE, "records", "no room for another row");
    if (row->level < 1 || row->level > RECORD_LEVELS)
        return error_set(error, ACESO_EFORMAT, "records", "not a row of parts");
    *waiting = (struct waiting){ .row = *row, .away = row->sealed.len == 0,
                                 .sealed = gather->bytes.len };
    if (waiting->away)
        code = gather_owner(gather, row, &waiting->owner, error);
    if (code)
        return code;
    (void)buffer_put_bytes(&gather->bytes, row->sealed);
    waiting->proof = gather->bytes.len;
    code = buffer_put_bytes(&gather->bytes, row->proof);
    if (code)
        return error_set(error, code, "records", "a row of %zu bytes", row->sealed.len);
    gather->weight += row->sealed.len + row->proof.len;
    gather->count++;
    return ACESO_OK;
}

/* ---- filling ----------------------------------------------------------------------------- */

/* One call for all that is still to be fetched. */
static int gather_fetch(struct part_gather *gather, struct aceso_error *error)
{
    struct away_record list[AWAY_BATCH_RECORDS];
    size_t owner[AWAY_BATCH_RECORDS], n = 0;
    int code;

    for (size_t i = 0; i < gather->owners; i++) {
        if (!gather->sent[i])
            continue;
        owner[n] = i;
        list[n] = gather->owner[i];
        list[n++].content = (struct buffer)BUFFER_INIT(OBJECT_CONTENT_MAX);
    }
    if (n == 0)
        return ACESO_OK;
    if (!gather->store)
        return error_set(error, ACESO_ESTATE, "records", "the records are kept by no known store");
    code = away_fetch(gather->store, gather->keys, list, n, error);
    for (size_t i = 0; !code && i < n; i++) {
        gather->owner[owner[i]] = list[i];
        gather->sent[owner[i]] = false;
    }
    return code;
}

/* What seems faulty and was moved meanwhile has another look; `*again`: something is to be fetched
 * once more. */
static int gather_doubt(struct part_gather *gather, size_t i, bool *again,
                        struct aceso_error *error)
{
    struct away_record before = gather->owner[i];
    int code = gather_look(gather, i, error);

    if (code)
        return code;
    if (gather->sent[i] && gather->owner[i].generation == before.generation) {
        gather->owner[i].fault = before.fault;
        gather->sent[i] = false;
    }
    *again = *again || gather->sent[i];
    return ACESO_OK;
}

static int gather_judge(struct part_gather *gather, struct away_record *bad,
                        struct aceso_error *error)
{
    const struct away_record *first = NULL;
    int code = ACESO_OK;

    for (size_t i = 0; i < gather->owners; i++) {
        const struct away_record *record = &gather->owner[i];

        if (record->fault == OBJECT_SOUND)
            continue;
        first = first ? first : record;
        code = records_fault_note(gather->records, record, error);
        if (code)
            return code;
    }
    if (!first)
        return ACESO_OK;
    if (bad) {
        *bad = *first;
        bad->content = (struct buffer)BUFFER_INIT(0);
    }
    return error_set(error, ACESO_EVERIFY, "records", "the store has a record %s",
                     object_fault_word(first->fault));
}

int part_gather_fill(struct part_gather *gather, struct away_record *bad,
                     struct aceso_error *error)
{
    bool again = false;
    int code = gather_fetch(gather, error);

    for (size_t i = 0; !code && i < gather->owners; i++) {
        if (gather->owner[i].fault != OBJECT_SOUND)
            code = gather_doubt(gather, i, &again, error);
    }
    if (!code && again)
        code = gather_fetch(gather, error);
    if (!code)
        code = gather_judge(gather, bad, error);
    gather->filled = !code;
    return code;
}

bool part_gather_take(struct part_gather *gather, struct record_row *out)
{
    const struct waiting *waiting = &gather->rows[gather->taken];
    struct bytes part[RECORD_LEVELS];

    if (!gather->filled || gather->taken == gather->count) {
        if (gather->filled)
            gather_clear(gather);
        return false;
    }
    *out = waiting->row;
    out->sealed = bytes_of(gather->bytes.data + waiting->sealed, waiting->proof - waiting->sealed);
    out->proof = bytes_of(gather->bytes.data + waiting->proof, waiting->row.proof.len);
    if (waiting->away) {
        if (!object_content_read(buffer_bytes(&gather->owner[waiting->owner].content), part))
            return false; /* was checked when it was filled */
        out->sealed = part[waiting->row.level - 1];
    }
    gather->taken++;
    return true;
}
