/* SPDX-License-Identifier: Apache-2.0 */
#include "record/records_away.h"

#include "crypto/digest.h"
#include "record/records_internal.h"

#include <string.h>

#define PLACE_COLUMNS "o.patient, o.record, o.version, o.state, o.generation, o.size, o.digest"
#define PLACE_IS "patient = ?1 AND record = ?2 AND version = ?3"

size_t records_content_digest(const struct bytes part[RECORD_LEVELS],
                              uint8_t out[RECORD_HASH_SIZE])
{
    uint8_t head[4] = { RECORD_VERSION_BYTE };
    struct digest digest;
    size_t size = 1;

    digest_init(&digest);
    digest_update(&digest, bytes_of(head, 1));
    for (size_t i = 0; i < RECORD_LEVELS; i++) {
        for (unsigned at = 0; at < 4; at++)
            head[at] = (uint8_t)(part[i].len >> (24 - 8 * at));
        digest_update(&digest, bytes_of(head, sizeof head));
        digest_update(&digest, part[i]);
        size += sizeof head + part[i].len;
    }
    digest_final(&digest, out);
    return size;
}

/* ---- one record -------------------------------------------------------------------------- */

static void bind_place(struct statement *statement, const struct away_record *record)
{
    statement_bind_blob(statement, 1, bytes_of(record->patient, RECORD_ADDRESS_SIZE));
    statement_bind_blob(statement, 2, bytes_of(record->record, RECORD_ID_SIZE));
    statement_bind_int(statement, 3, record->version);
}

/* The row under a statement that selected PLACE_COLUMNS; `known`: there is a digest. */
static int read_place(const struct statement *statement, struct records_place *out, bool *known,
                      struct aceso_error *error)
{
    struct away_record *record = &out->record;
    int code = statement_copy(statement, 0, record->patient, RECORD_ADDRESS_SIZE);

    if (!code)
        code = statement_copy(statement, 1, record->record, RECORD_ID_SIZE);
    record->version = (uint32_t)statement_int(statement, 2);
    out->where = (enum records_where)statement_int(statement, 3);
    record->generation = (uint64_t)statement_int(statement, 4);
    record->size = (size_t)statement_int(statement, 5);
    *known = !statement_is_null(statement, 6);
    if (!code && *known)
        code = statement_copy(statement, 6, record->digest, RECORD_HASH_SIZE);
    if (!code && record->size > OBJECT_CONTENT_MAX)
        code = ACESO_EFORMAT;
    return code ? error_set(error, code, "records", "a record's place is damaged") : ACESO_OK;
}

/* Puts the content of a record that is here together from the rows of one statement, so that all
 * of them are of one moment. */
static int load_content(struct statement *statement, struct buffer *content, size_t *levels,
                        struct aceso_error *error)
{
    int code = buffer_put_u8(content, RECORD_VERSION_BYTE), step = 1;

    while (!code && step == 1) {
        struct bytes sealed = statement_blob(statement, 8);

        if (statement_int(statement, 7) != (int64_t)*levels + 1 || sealed.len == 0)
            return ACESO_OK; /* a part is missing */
        ++*levels;
        code = buffer_put_field(content, sealed);
        step = code ? 0 : statement_step(statement, error);
    }
    if (code)
        return error_set(error, code, "records", "a record over %zu bytes", content->max);
    return step < 0 ? step : ACESO_OK;
}

static int judge_content(struct records_place *place, bool known, size_t levels)
{
    struct away_record *record = &place->record;
    uint8_t digest[RECORD_HASH_SIZE];

    if (levels != RECORD_LEVELS) {
        record->fault = OBJECT_LOST;
    } else {
        sha256(buffer_bytes(&record->content), digest);
        if (known && memcmp(digest, record->digest, sizeof digest) != 0)
            record->fault = OBJECT_CHANGED;
        else if (place->where == RECORDS_DAMAGED)
            place->where = RECORDS_HOME; /* it is whole again */
    }
    if (record->fault != OBJECT_SOUND) {
        buffer_free(&record->content);
        place->where = RECORDS_DAMAGED;
    } else {
        record->size = record->content.len;
        memcpy(record->digest, digest, sizeof digest);
    }
    return ACESO_OK;
}

int records_away_find(struct records *records, const uint8_t *patient, const uint8_t *record,
                      uint32_t version, struct records_place *out, struct aceso_error *error)
{
    struct records_place place = { .record = { .version = version,
                                               .content = BUFFER_INIT(OBJECT_CONTENT_MAX) } };
    struct statement *query = NULL;
    size_t levels = 0;
    bool known = false;
    int code = store_prepare(records->store,
                             "SELECT " PLACE_COLUMNS ", p.level, p.sealed FROM object AS o"
                             " LEFT JOIN part AS p ON p.patient = o.patient"
                             "  AND p.record = o.record AND p.version = o.version"
                             " WHERE o.patient = ?1 AND o.record = ?2 AND o.version = ?3"
                             " ORDER BY p.level",
                             &query, error);

    if (code)
        return code;
    memcpy(place.record.patient, patient, RECORD_ADDRESS_SIZE);
    memcpy(place.record.record, record, RECORD_ID_SIZE);
    bind_place(query, &place.record);
    code = statement_step(query, error);
    if (code == 0)
        code = error_set(error, ACESO_ENOTFOUND, "records", "there is no such record");
    else if (code == 1)
        code = read_place(query, &place, &known, error);
    if (!code && place.where != RECORDS_AWAY) {
        code = load_content(query, &place.record.content, &levels, error);
        if (!code)
            code = judge_content(&place, known, levels);
    }
    statement_finish(query);
    if (code)
        buffer_free(&place.record.content);
    else
        *out = place;
    return code;
}

static int set_place(struct records *records, const struct records_place *place,
                     struct aceso_error *error)
{
    const struct away_record *record = &place->record;
    struct statement *update = NULL;
    int code = store_prepare(records->store,
                             "UPDATE object SET state = ?4, generation = ?5, size = ?6,"
                             " digest = ?7 WHERE " PLACE_IS,
                             &update, error);

    if (code)
        return code;
    bind_place(update, record);
    statement_bind_int(update, 4, place->where);
    statement_bind_int(update, 5, (int64_t)record->generation);
    statement_bind_int(update, 6, (int64_t)record->size);
    statement_bind_blob(update, 7, bytes_of(record->digest, RECORD_HASH_SIZE));
    return statement_run(update, error);
}

/* From one state to the next. ACESO_ESTATE where the record is in another one. */
static int move_place(struct records *records, const struct away_record *record,
                      enum records_where from, enum records_where to, struct aceso_error *error)
{
    struct statement *update = NULL;
    int code = store_prepare(records->store,
                             "UPDATE object SET state = ?4 WHERE " PLACE_IS
                             " AND state = ?5 AND generation = ?6",
                             &update, error);

    if (code)
        return code;
    bind_place(update, record);
    statement_bind_int(update, 4, to);
    statement_bind_int(update, 5, from);
    statement_bind_int(update, 6, (int64_t)record->generation);
    code = statement_run(update, error);
    if (!code && store_changes(records->store) != 1)
        code = error_set(error, ACESO_ESTATE, "records", "a record was moved by somebody else");
    return code;
}

static int note_fault(struct records *records, const struct away_record *record,
                      struct aceso_error *error)
{
    struct statement *update = NULL;
    int code = store_prepare(records->store,
                             "INSERT OR REPLACE INTO fault (patient, record, version, kind)"
                             " VALUES (?1, ?2, ?3, ?4)",
                             &update, error);

    if (code)
        return code;
    bind_place(update, record);
    statement_bind_int(update, 4, record->fault);
    return statement_run(update, error);
}

static int run_on_place(struct records *records, const char *sql, const struct away_record *record,
                        struct aceso_error *error)
{
    struct statement *statement = NULL;
    int code = store_prepare(records->store, sql, &statement, error);

    if (code)
        return code;
    bind_place(statement, record);
    return statement_run(statement, error);
}

int records_fault_note(struct records *records, const struct away_record *record,
                       struct aceso_error *error)
{
    int code;

    if (record->fault != OBJECT_SOUND)
        return note_fault(records, record, error);
    code = run_on_place(records, "DELETE FROM fault WHERE " PLACE_IS, record, error);
    if (!code)
        code = run_on_place(records, "UPDATE object SET state = 0 WHERE " PLACE_IS " AND state = 4",
                            record, error);
    return code;
}

/* ---- lists ------------------------------------------------------------------------------- */

/* Steps a bound statement that selects PLACE_COLUMNS and finishes it. What is away, or all where
 * `weigh_all`, is taken up to AWAY_BATCH_BYTES. */
static int list_places(struct statement *query, bool weigh_all,
                       struct records_place out[AWAY_BATCH_RECORDS], size_t *n,
                       struct aceso_error *error)
{
    size_t count = 0, bytes = 0;
    bool known;
    int step = 0, code = ACESO_OK;

    while (!code && count < AWAY_BATCH_RECORDS && (step = statement_step(query, error)) == 1) {
        out[count] = (struct records_place){
            .record = { .content = BUFFER_INIT(OBJECT_CONTENT_MAX) }
        };
        code = read_place(query, &out[count], &known, error);
        if (weigh_all || out[count].where == RECORDS_AWAY)
            bytes += out[count].record.size;
        if (!code && count && bytes > AWAY_BATCH_BYTES)
            break;
        count++;
    }
    statement_finish(query);
    if (!code && step < 0)
        code = step;
    if (!code)
        *n = count;
    return code;
}

int records_away_in(struct records *records, enum records_where where,
                    struct away_record out[AWAY_BATCH_RECORDS], size_t *n,
                    struct aceso_error *error)
{
    struct records_place places[AWAY_BATCH_RECORDS];
    struct statement *query = NULL;
    int code = store_prepare(records->store,
                             "SELECT " PLACE_COLUMNS " FROM object AS o WHERE o.state = ?1"
                             " AND NOT EXISTS (SELECT 1 FROM fault AS f WHERE f.patient = o.patient"
                             "  AND f.record = o.record AND f.version = o.version)",
                             &query, error);

    if (code)
        return code;
    statement_bind_int(query, 1, where);
    code = list_places(query, true, places, n, error);
    for (size_t i = 0; !code && i < *n; i++)
        out[i] = places[i].record;
    return code;
}

int records_away_walk(struct records *records, const uint8_t *patient,
                      const struct away_record *after,
                      struct records_place out[AWAY_BATCH_RECORDS], size_t *n,
                      struct aceso_error *error)
{
    const struct away_record first = { .version = 0 };
    struct statement *query = NULL;
    int code = store_prepare(records->store,
                             "SELECT " PLACE_COLUMNS " FROM object AS o"
                             " WHERE (o.patient, o.record, o.version) > (?1, ?2, ?3)"
                             " AND (?4 IS NULL OR o.patient = ?4)"
                             " ORDER BY o.patient, o.record, o.version",
                             &query, error);

    if (code)
        return code;
    if (after) {
        bind_place(query, after);
    } else {
        bind_place(query, &first);
        if (patient)
            statement_bind_blob(query, 1, bytes_of(patient, RECORD_ADDRESS_SIZE));
    }
    if (patient)
        statement_bind_blob(query, 4, bytes_of(patient, RECORD_ADDRESS_SIZE));
    else
        statement_bind_null(query, 4);
    code = list_places(query, false, out, n, error);
    for (size_t i = 0; !code && i < *n; i++) {
        struct away_record *record = &out[i].record;

        if (out[i].where == RECORDS_AWAY)
            continue;
        code = records_away_find(records, record->patient, record->record, record->version,
                                 &out[i], error);
        if (!code)
            buffer_free(&out[i].record.content);
    }
    return code;
}

/* ---- leaving ----------------------------------------------------------------------------- */

static int list_leaving(struct records *records, enum records_where where,
                        struct records_place places[AWAY_BATCH_RECORDS], size_t *n,
                        struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_prepare(records->store,
                             "SELECT " PLACE_COLUMNS " FROM object AS o WHERE o.state = ?1"
                             " AND o.batch IN (SELECT id FROM batch WHERE state = 3)",
                             &query, error);

    if (code)
        return code;
    statement_bind_int(query, 1, where);
    return list_places(query, true, places, n, error);
}

/* Loads one that leaves; `*sound` false: it was marked as damaged instead. */
static int leave_one(struct records *records, struct records_place *place, bool *sound,
                     struct aceso_error *error)
{
    struct away_record *record = &place->record;
    const enum records_where from = place->where;
    int code = records_away_find(records, record->patient, record->record, record->version, place,
                                 error);

    if (code)
        return code;
    *sound = record->fault == OBJECT_SOUND;
    if (*sound && place->where == RECORDS_HOME) {
        record->generation++;
        place->where = RECORDS_LEAVING;
    }
    code = *sound ? set_place(records, place, error)
                  : move_place(records, record, from, RECORDS_DAMAGED, error);
    if (!code && !*sound)
        code = note_fault(records, record, error);
    if (code)
        buffer_free(&record->content);
    return code;
}

/* The damaged ones are marked, so that each turn has other ones to look at. */
static int leave_some(struct records *records, struct away_record out[AWAY_BATCH_RECORDS],
                      size_t *n, struct aceso_error *error)
{
    struct records_place places[AWAY_BATCH_RECORDS];
    size_t listed = 0;
    int code;

    do {
        code = list_leaving(records, RECORDS_LEAVING, places, &listed, error);
        if (!code && listed == 0)
            code = list_leaving(records, RECORDS_HOME, places, &listed, error);
        for (size_t i = 0; !code && i < listed; i++) {
            bool sound = false;

            code = leave_one(records, &places[i], &sound, error);
            if (!code && sound)
                out[(*n)++] = places[i].record;
        }
    } while (!code && *n == 0 && listed > 0);
    return code;
}

int records_away_leave(struct records *records, struct away_record out[AWAY_BATCH_RECORDS],
                       size_t *n, struct aceso_error *error)
{
    size_t count = 0;
    int code = store_begin(records->store, error);

    if (code)
        return code;
    code = leave_some(records, out, &count, error);
    if (!code)
        code = store_commit(records->store, error);
    if (code) {
        store_rollback(records->store);
        away_records_free(out, count);
        return code;
    }
    *n = count;
    return ACESO_OK;
}

/* ---- the other arrows -------------------------------------------------------------------- */

static int leave_behind(struct records *records, const struct away_record *record,
                        struct aceso_error *error)
{
    int code = move_place(records, record, RECORDS_LEAVING, RECORDS_AWAY, error);

    if (!code)
        code = run_on_place(records, "UPDATE part SET sealed = x'' WHERE " PLACE_IS, record, error);
    return code;
}

static int take_back(struct records *records, const struct away_record *record,
                     struct aceso_error *error)
{
    struct bytes part[RECORD_LEVELS];
    int code = ACESO_OK;

    if (!object_content_read(buffer_bytes(&record->content), part))
        return error_set(error, ACESO_EUSAGE, "records", "a record without its content");
    code = move_place(records, record, RECORDS_AWAY, RECORDS_RETURNED, error);
    for (size_t i = 0; !code && i < RECORD_LEVELS; i++) {
        struct statement *update = NULL;

        code = store_prepare(records->store,
                             "UPDATE part SET sealed = ?5 WHERE " PLACE_IS " AND level = ?4",
                             &update, error);
        if (code)
            return code;
        bind_place(update, record);
        statement_bind_int(update, 4, (int64_t)i + 1);
        statement_bind_blob(update, 5, part[i]);
        code = statement_run(update, error);
    }
    return code;
}

static int settle(struct records *records, const struct away_record *record,
                  struct aceso_error *error)
{
    return move_place(records, record, RECORDS_RETURNED, RECORDS_HOME, error);
}

static int for_all(struct records *records, const struct away_record *list, size_t n,
                   int (*each)(struct records *, const struct away_record *,
                               struct aceso_error *),
                   struct aceso_error *error)
{
    int code = store_begin(records->store, error);

    if (code)
        return code;
    for (size_t i = 0; !code && i < n; i++)
        code = each(records, &list[i], error);
    if (!code)
        code = store_commit(records->store, error);
    if (code)
        store_rollback(records->store);
    return code;
}

int records_away_left(struct records *records, const struct away_record *list, size_t n,
                      struct aceso_error *error)
{
    return for_all(records, list, n, leave_behind, error);
}

int records_away_return(struct records *records, const struct away_record *list, size_t n,
                        struct aceso_error *error)
{
    return for_all(records, list, n, take_back, error);
}

int records_away_settle(struct records *records, const struct away_record *list, size_t n,
                        struct aceso_error *error)
{
    return for_all(records, list, n, settle, error);
}

int records_away_scrub(struct records *records, struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_exec(records->store, "PRAGMA busy_timeout = 0", error);

    /* A checkpoint that waits for readers would keep writers waiting too. */
    if (!code)
        code = store_prepare(records->store, "PRAGMA wal_checkpoint(TRUNCATE)", &query, error);
    if (!code)
        code = statement_step(query, error);
    if (code == 1)
        code = statement_int(query, 0) == 0
                   ? ACESO_OK
                   : error_set(error, ACESO_EBUSY, "records", "the database is being read");
    statement_finish(query);
    if (store_exec(records->store, "PRAGMA busy_timeout = 10000", NULL) && !code)
        code = error_set(error, ACESO_EIO, "records", "the database cannot be set up");
    return code;
}

int records_away_counts(struct records *records, struct records_counts *out,
                        struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_prepare(records->store,
                             "SELECT"
                             " count(CASE WHEN o.state <> 2 AND b.state = 3 THEN 1 END),"
                             " count(CASE WHEN b.state <> 3 THEN 1 END),"
                             " count(CASE WHEN o.state = 2 THEN 1 END),"
                             " (SELECT count(*) FROM fault)"
                             " FROM object AS o JOIN batch AS b ON b.id = o.batch",
                             &query, error);

    if (code)
        return code;
    code = statement_step(query, error);
    if (code == 1) {
        out->home = (uint64_t)statement_int(query, 0);
        out->waiting = (uint64_t)statement_int(query, 1);
        out->away = (uint64_t)statement_int(query, 2);
        out->faults = (uint64_t)statement_int(query, 3);
        code = ACESO_OK;
    }
    statement_finish(query);
    return code;
}
