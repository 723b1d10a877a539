/* SPDX-License-Identifier: Apache-2.0 */
/* The file: schema, states of batches, reading. Filling a batch is in records_batch.c. */
#include "record/records_internal.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* No column but these: nothing of type, code, date or FHIR id is in the clear. A proof is stored
 * in three pieces, each once: `head` per batch, `branch` per part, `path` per record. The view
 * calls no function, since the guarded reader allows few. */
static const char *const migrations[] = {
    "CREATE TABLE batch ("
    " id INTEGER PRIMARY KEY,"
    " patient BLOB NOT NULL CHECK (length(patient) = 20),"
    " source BLOB NOT NULL CHECK (length(source) = 32),"
    " context BLOB NOT NULL CHECK (length(context) = 32),"
    " ordinal INTEGER NOT NULL,"
    " state INTEGER NOT NULL CHECK (state IN (1, 2, 3)),"
    " records INTEGER NOT NULL DEFAULT 0,"
    " number INTEGER,"
    " previous_root BLOB,"
    " root BLOB,"
    " head BLOB,"
    " UNIQUE (patient, source), UNIQUE (patient, ordinal), UNIQUE (patient, number),"
    " CHECK (state = 1 OR (number > 0 AND length(previous_root) = 32 AND length(root) = 32"
    "  AND length(head) = 13))"
    ") STRICT;"
    "CREATE TABLE record ("
    " batch INTEGER NOT NULL REFERENCES batch (id),"
    " position INTEGER NOT NULL,"
    " node BLOB NOT NULL CHECK (length(node) = 32),"
    " path BLOB NOT NULL DEFAULT x'',"
    " PRIMARY KEY (batch, position)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE part ("
    " batch INTEGER NOT NULL,"
    " position INTEGER NOT NULL,"
    " patient BLOB NOT NULL,"
    " record BLOB NOT NULL CHECK (length(record) = 16),"
    " version INTEGER NOT NULL,"
    " level INTEGER NOT NULL CHECK (level BETWEEN 1 AND 4),"
    " epoch INTEGER NOT NULL,"
    " branch BLOB NOT NULL CHECK (length(branch) = 68),"
    " sealed BLOB NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX part_order ON part (patient, record, version, level);"
    "CREATE VIEW parts (patient, record, version, level, epoch, sealed, proof) AS"
    " SELECT p.patient, p.record, p.version, p.level, p.epoch, p.sealed,"
    "  CAST(b.head || p.branch || r.path AS BLOB)"
    " FROM part AS p"
    " CROSS JOIN batch AS b ON b.id = p.batch"
    " CROSS JOIN record AS r ON r.batch = p.batch AND r.position = p.position"
    " WHERE b.state = 3;"
    "CREATE TABLE claim ("
    " mac BLOB PRIMARY KEY CHECK (length(mac) = 32),"
    " patient BLOB NOT NULL CHECK (length(patient) = 20)"
    ") STRICT, WITHOUT ROWID;",
    /* Where a record's sealed bytes are (records_away.h). Where they are away part.sealed is
     * empty; of the file before, size and digest are found out when they are first needed. */
    "CREATE TABLE object ("
    " patient BLOB NOT NULL,"
    " record BLOB NOT NULL,"
    " version INTEGER NOT NULL,"
    " batch INTEGER NOT NULL REFERENCES batch (id),"
    " state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),"
    " generation INTEGER NOT NULL DEFAULT 0,"
    " size INTEGER NOT NULL DEFAULT 0,"
    " digest BLOB CHECK (digest IS NULL OR length(digest) = 32),"
    " PRIMARY KEY (patient, record, version)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO object (patient, record, version, batch)"
    " SELECT patient, record, version, min(batch) FROM part GROUP BY patient, record, version;"
    "CREATE INDEX object_state ON object (state, batch);"
    "CREATE TABLE fault ("
    " patient BLOB NOT NULL,"
    " record BLOB NOT NULL,"
    " version INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " PRIMARY KEY (patient, record, version)"
    ") STRICT, WITHOUT ROWID;",
};

int records_open(const char *path, struct records **out, struct aceso_error *error)
{
    struct records *records = calloc(1, sizeof *records);
    int code;

    if (!records)
        return error_set(error, ACESO_EMEMORY, "records", "out of memory");
    code = store_open(path, migrations, sizeof migrations / sizeof migrations[0],
                      &records->store, error);
    if (code) {
        free(records);
        return code;
    }
    *out = records;
    return ACESO_OK;
}

void records_close(struct records *records)
{
    if (!records)
        return;
    store_close(records->store);
    free(records);
}

#define BATCH_COLUMNS "id, state, context, ordinal, records, number, previous_root, root"

/* The row under a statement that selected BATCH_COLUMNS. */
static int read_batch(struct statement *statement, struct batch_row *out,
                      struct aceso_error *error)
{
    struct batch_row row = { .id = statement_int(statement, 0) };
    int code;

    row.state = (enum records_state)statement_int(statement, 1);
    code = statement_copy(statement, 2, row.context, sizeof row.context);
    row.ordinal = (uint32_t)statement_int(statement, 3);
    row.batch.records = (uint32_t)statement_int(statement, 4);
    row.batch.leaves = RECORD_LEVELS * row.batch.records;
    if (!code && row.state != RECORDS_SEALING) {
        row.batch.number = (uint64_t)statement_int(statement, 5);
        code = statement_copy(statement, 6, row.batch.previous_root, RECORD_HASH_SIZE);
        if (!code)
            code = statement_copy(statement, 7, row.batch.root, RECORD_HASH_SIZE);
    }
    if (code)
        return error_set(error, code, "records", "a batch in the database is damaged");
    *out = row;
    return ACESO_OK;
}

/* Runs `statement` for at most one batch and finishes it. */
static int one_batch(struct statement *statement, struct batch_row *out, struct aceso_error *error)
{
    int code = statement_step(statement, error);

    if (code == 1)
        code = read_batch(statement, out, error);
    else if (code == 0)
        code = error_set(error, ACESO_ENOTFOUND, "records", "there is no such batch");
    statement_finish(statement);
    return code;
}

int records_batch_by_source(struct records *records, const uint8_t *patient, const uint8_t *source,
                            struct batch_row *out, struct aceso_error *error)
{
    struct statement *statement;
    int code = store_prepare(records->store,
                             "SELECT " BATCH_COLUMNS " FROM batch WHERE patient = ?1"
                             " AND source = ?2",
                             &statement, error);

    if (code)
        return code;
    statement_bind_blob(statement, 1, bytes_of(patient, RECORD_ADDRESS_SIZE));
    statement_bind_blob(statement, 2, bytes_of(source, 32));
    return one_batch(statement, out, error);
}

int records_batch_by_id(struct records *records, int64_t id, struct batch_row *out,
                        struct aceso_error *error)
{
    struct statement *statement;
    int code = store_prepare(records->store, "SELECT " BATCH_COLUMNS " FROM batch WHERE id = ?1",
                             &statement, error);

    if (code)
        return code;
    statement_bind_int(statement, 1, id);
    return one_batch(statement, out, error);
}

int records_batch_by_number(struct records *records, const uint8_t *patient, uint64_t number,
                            struct batch_row *out, struct aceso_error *error)
{
    struct statement *statement;
    int code;

    if (number == 0 || number > INT64_MAX)
        return error_set(error, ACESO_ENOTFOUND, "records", "there is no such batch");
    code = store_prepare(records->store,
                         "SELECT " BATCH_COLUMNS " FROM batch WHERE patient = ?1 AND number = ?2",
                         &statement, error);
    if (code)
        return code;
    statement_bind_blob(statement, 1, bytes_of(patient, RECORD_ADDRESS_SIZE));
    statement_bind_int(statement, 2, (int64_t)number);
    return one_batch(statement, out, error);
}

int records_batch_find(struct records *records, const uint8_t patient[RECORD_ADDRESS_SIZE],
                       const uint8_t source[32], enum records_state *state,
                       struct record_batch *batch, struct aceso_error *error)
{
    struct batch_row row;
    int code = records_batch_by_source(records, patient, source, &row, error);

    if (code)
        return code;
    *state = row.state;
    *batch = row.batch;
    return ACESO_OK;
}

int records_batch_get(struct records *records, const uint8_t patient[RECORD_ADDRESS_SIZE],
                      uint64_t number, enum records_state *state, struct record_batch *batch,
                      struct aceso_error *error)
{
    struct batch_row row;
    int code = records_batch_by_number(records, patient, number, &row, error);

    if (code)
        return code;
    *state = row.state;
    *batch = row.batch;
    return ACESO_OK;
}

int records_batch_last(struct records *records, const uint8_t patient[RECORD_ADDRESS_SIZE],
                       uint64_t *sealed, uint64_t *signed_, struct aceso_error *error)
{
    struct statement *statement;
    int code = store_prepare(records->store,
                             "SELECT max(number), max(CASE state WHEN 3 THEN number END)"
                             " FROM batch WHERE patient = ?1",
                             &statement, error);

    if (code)
        return code;
    statement_bind_blob(statement, 1, bytes_of(patient, RECORD_ADDRESS_SIZE));
    code = statement_step(statement, error);
    if (code == 1) {
        *sealed = (uint64_t)statement_int(statement, 0);
        *signed_ = (uint64_t)statement_int(statement, 1);
        code = ACESO_OK;
    }
    statement_finish(statement);
    return code;
}

static int sign_row(struct records *records, const uint8_t *patient, uint64_t number,
                    const uint8_t *root, struct aceso_error *error)
{
    struct batch_row row, before;
    struct statement *statement;
    int code = records_batch_by_number(records, patient, number, &row, error);

    if (code)
        return code;
    if (memcmp(row.batch.root, root, RECORD_HASH_SIZE) != 0)
        return error_set(error, ACESO_EVERIFY, "records", "another root was signed");
    if (row.state == RECORDS_SIGNED)
        return ACESO_OK;
    if (number > 1) {
        code = records_batch_by_number(records, patient, number - 1, &before, error);
        if (code)
            return code;
        if (before.state != RECORDS_SIGNED)
            return error_set(error, ACESO_ESTATE, "records", "an earlier batch is not signed");
    }
    code = store_prepare(records->store, "UPDATE batch SET state = 3 WHERE id = ?1", &statement,
                         error);
    if (code)
        return code;
    statement_bind_int(statement, 1, row.id);
    return statement_run(statement, error);
}

int records_batch_sign(struct records *records, const uint8_t patient[RECORD_ADDRESS_SIZE],
                       uint64_t number, const uint8_t root[RECORD_HASH_SIZE],
                       struct aceso_error *error)
{
    int code = store_begin(records->store, error);

    if (code)
        return code;
    code = sign_row(records, patient, number, root, error);
    if (!code)
        code = store_commit(records->store, error);
    if (code)
        store_rollback(records->store);
    return code;
}

/* The first or last record id that an import can have. */
static void id_bound(uint32_t ordinal, uint8_t fill, uint8_t id[RECORD_ID_SIZE])
{
    memset(id, fill, RECORD_ID_SIZE);
    for (unsigned i = 0; i < 4; i++)
        id[i] = (uint8_t)(ordinal >> (24 - 8 * i));
}

static int delete_of_batch(struct records *records, const char *sql, int64_t batch,
                           struct aceso_error *error)
{
    struct statement *statement;
    int code = store_prepare(records->store, sql, &statement, error);

    if (code)
        return code;
    statement_bind_int(statement, 1, batch);
    return statement_run(statement, error);
}

static int delete_rows(struct records *records, const uint8_t *patient,
                       const struct batch_row *row, struct aceso_error *error)
{
    uint8_t first[RECORD_ID_SIZE], last[RECORD_ID_SIZE];
    struct statement *statement;
    int code = store_prepare(records->store,
                             "DELETE FROM part WHERE patient = ?1 AND record BETWEEN ?2 AND ?3",
                             &statement, error);

    if (code)
        return code;
    id_bound(row->ordinal, 0x00, first);
    id_bound(row->ordinal, 0xff, last);
    statement_bind_blob(statement, 1, bytes_of(patient, RECORD_ADDRESS_SIZE));
    statement_bind_blob(statement, 2, bytes_of(first, sizeof first));
    statement_bind_blob(statement, 3, bytes_of(last, sizeof last));
    code = statement_run(statement, error);
    if (!code)
        code = delete_of_batch(records, "DELETE FROM object WHERE batch = ?1", row->id, error);
    if (!code)
        code = delete_of_batch(records, "DELETE FROM record WHERE batch = ?1", row->id, error);
    if (!code)
        code = delete_of_batch(records, "DELETE FROM batch WHERE id = ?1", row->id, error);
    return code;
}

static int drop_rows(struct records *records, const uint8_t *patient, const uint8_t *source,
                     struct aceso_error *error)
{
    struct batch_row row;
    uint64_t sealed, signed_;
    int code = records_batch_by_source(records, patient, source, &row, error);

    if (!code)
        code = records_batch_last(records, patient, &sealed, &signed_, error);
    if (code)
        return code;
    if (row.state == RECORDS_SIGNED)
        return error_set(error, ACESO_ESTATE, "records", "a signed batch is not dropped");
    if (row.state == RECORDS_SEALED && row.batch.number != sealed)
        return error_set(error, ACESO_ESTATE, "records", "a later batch builds on this one");
    return delete_rows(records, patient, &row, error);
}

int records_batch_drop(struct records *records, const uint8_t patient[RECORD_ADDRESS_SIZE],
                       const uint8_t source[32], struct aceso_error *error)
{
    int code = store_begin(records->store, error);

    if (code)
        return code;
    code = drop_rows(records, patient, source, error);
    if (!code)
        code = store_commit(records->store, error);
    if (code)
        store_rollback(records->store);
    return code;
}

int records_patient_find(struct records *records, const uint8_t mac[32],
                         uint8_t patient[RECORD_ADDRESS_SIZE], struct aceso_error *error)
{
    struct statement *statement;
    int code = store_prepare(records->store, "SELECT patient FROM claim WHERE mac = ?1",
                             &statement, error);

    if (code)
        return code;
    statement_bind_blob(statement, 1, bytes_of(mac, 32));
    code = statement_step(statement, error);
    if (code == 0)
        code = error_set(error, ACESO_ENOTFOUND, "records", "no patient of that id");
    else if (code == 1)
        code = statement_copy(statement, 0, patient, RECORD_ADDRESS_SIZE);
    statement_finish(statement);
    return code;
}

int records_patient_claim(struct records *records, const uint8_t mac[32],
                          const uint8_t patient[RECORD_ADDRESS_SIZE], struct aceso_error *error)
{
    uint8_t found[RECORD_ADDRESS_SIZE];
    struct statement *statement;
    int code = store_prepare(records->store,
                             "INSERT INTO claim (mac, patient) VALUES (?1, ?2)"
                             " ON CONFLICT (mac) DO NOTHING",
                             &statement, error);

    if (code)
        return code;
    statement_bind_blob(statement, 1, bytes_of(mac, 32));
    statement_bind_blob(statement, 2, bytes_of(patient, RECORD_ADDRESS_SIZE));
    code = statement_run(statement, error);
    if (!code)
        code = records_patient_find(records, mac, found, error);
    if (!code && memcmp(found, patient, sizeof found) != 0)
        code = error_set(error, ACESO_EEXISTS, "records",
                         "this patient id belongs to another patient's address");
    return code;
}

int records_query(const uint8_t patient[RECORD_ADDRESS_SIZE], uint8_t level, struct buffer *out)
{
    (void)buffer_put_string(out, "SELECT patient, record, version, level, epoch, sealed, proof"
                                 " FROM parts WHERE patient = x'");
    (void)buffer_put_hex(out, bytes_of(patient, RECORD_ADDRESS_SIZE));
    return buffer_printf(out, "' AND level <= %u ORDER BY record, version, level", level);
}

int records_row_of(const struct statement *statement, struct record_row *out,
                   struct aceso_error *error)
{
    struct record_row row;
    int64_t version = statement_int(statement, 2), level = statement_int(statement, 3);

    if (statement_columns(statement) != 7 ||
        statement_copy(statement, 0, row.patient, sizeof row.patient) ||
        statement_copy(statement, 1, row.record, sizeof row.record) || version < 1 ||
        version > UINT32_MAX || level < 1 || level > RECORD_LEVELS)
        return error_set(error, ACESO_EFORMAT, "records", "not a row of the canonical query");
    row.version = (uint32_t)version;
    row.level = (uint8_t)level;
    row.epoch = record_epoch_of(statement_int(statement, 4));
    row.sealed = statement_blob(statement, 5);
    row.proof = statement_blob(statement, 6);
    *out = row;
    return ACESO_OK;
}

int records_each(struct records *records, const uint8_t patient[RECORD_ADDRESS_SIZE],
                 uint8_t level, records_row_fn *each, void *data, struct aceso_error *error)
{
    struct buffer sql = BUFFER_INIT(512);
    struct statement *statement = NULL;
    struct record_row row;
    int code = records_query(patient, level, &sql);

    if (code)
        error_set(error, code, "records", "no memory for a query");
    else
        code = store_prepare(records->store, buffer_text(&sql), &statement, error);
    while (!code && (code = statement_step(statement, error)) == 1) {
        code = records_row_of(statement, &row, error);
        if (!code)
            code = each(data, &row, error);
    }
    statement_finish(statement);
    buffer_free(&sql);
    return code;
}
