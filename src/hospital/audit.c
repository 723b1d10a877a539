/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at every record that the hospital keeps, here and in the cloud, and names those that are
 * not what they must be by the records database. Opens nothing: what the bytes mean is for those
 * to check who have keys. */
#include "base/text.h"
#include "hospital/cloud.h"
#include "hospital/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUDIT_FAULTS_MAX 10000 /* that are named one by one */

struct audit {
    struct operation *operation;
    struct store *store;
    struct records *records;
    struct cloud_access access;
    uint8_t patient[20];
    bool one; /* patient only */
    uint64_t checked, away, faults, pieces;
    uint64_t strays; /* objects at the cloud that no record needs */
    struct buffer text;
    struct buffer list;
    struct json_writer writer; /* of `list` */
};

static int audit_fault(struct audit *audit, const struct away_record *record, bool away)
{
    const char *where = away ? "cloud" : "here", *word = object_fault_word(record->fault);
    char id[2 * RECORD_ID_SIZE + 1], patient[43] = "0x";

    cloud_log_fault(record);
    if (++audit->faults > AUDIT_FAULTS_MAX)
        return ACESO_OK;
    text_hex(record->record, RECORD_ID_SIZE, id);
    text_hex(record->patient, 20, patient + 2);
    json_open(&audit->writer, NULL, '{');
    json_put_string(&audit->writer, "fault", word);
    json_put_string(&audit->writer, "where", where);
    json_put_string(&audit->writer, "patient", patient);
    json_put_string(&audit->writer, "record", id);
    json_put_u64(&audit->writer, "version", record->version);
    json_put_string(&audit->writer, "levels", "1-4");
    json_close(&audit->writer, '}');
    return buffer_printf(&audit->text, "%s: record %s, version %u, levels 1-4, of %s (%s)\n", word,
                         id, record->version, patient, where);
}

/* A record that was moved since it was listed is looked at again, where it is now. */
static int audit_doubt(struct audit *audit, struct records_place *place, bool *faulty,
                       struct aceso_error *error)
{
    struct away_record *record = &place->record;
    enum object_fault fault = record->fault;
    struct records_place now;
    int code = records_away_find(audit->records, record->patient, record->record,
                                 record->version, &now, error);

    if (code == ACESO_ENOTFOUND) { /* its import was dropped */
        *faulty = false;
        return ACESO_OK;
    }
    if (code)
        return code;
    if (place->where == RECORDS_AWAY && now.where == RECORDS_AWAY &&
        now.record.generation == record->generation)
        now.record.fault = fault;
    buffer_free(&now.record.content);
    *place = now;
    *faulty = now.record.fault != OBJECT_SOUND;
    return ACESO_OK;
}

static int audit_judge(struct audit *audit, struct records_place *place, struct aceso_error *error)
{
    bool faulty = place->record.fault != OBJECT_SOUND;
    int code = faulty ? audit_doubt(audit, place, &faulty, error) : ACESO_OK;

    audit->checked++;
    if (place->where == RECORDS_AWAY) {
        audit->away++;
        audit->pieces += object_pieces(place->record.size);
    }
    if (!code)
        code = records_fault_note(audit->records, &place->record, error);
    if (!code && faulty)
        code = audit_fault(audit, &place->record, place->where == RECORDS_AWAY);
    return code;
}

/* Fetches those of the page that are away. */
static int audit_fetch(struct audit *audit, struct records_place *page, size_t n,
                       struct aceso_error *error)
{
    struct away_record list[AWAY_BATCH_RECORDS];
    size_t index[AWAY_BATCH_RECORDS], count = 0;
    int code = ACESO_OK;

    for (size_t i = 0; i < n; i++) {
        if (page[i].where != RECORDS_AWAY)
            continue;
        index[count] = i;
        list[count++] = page[i].record;
    }
    if (count && !audit->access.store)
        return error_set(error, ACESO_ESTATE, NULL, "records are away, and no cloud is known");
    if (count)
        code = away_fetch(audit->access.store, audit->access.keys, list, count, error);
    for (size_t i = 0; !code && i < count; i++) {
        page[index[i]].record.fault = list[i].fault;
        buffer_free(&list[i].content);
    }
    return code;
}

static int audit_walk(struct audit *audit, struct aceso_error *error)
{
    struct records_place page[AWAY_BATCH_RECORDS];
    const uint8_t *patient = audit->one ? audit->patient : NULL;
    struct records_counts counts;
    struct away_record last;
    size_t n = 0;
    int code = records_away_counts(audit->records, &counts, error);

    if (!code)
        code = records_away_walk(audit->records, patient, NULL, page, &n, error);
    while (!code && n > 0) {
        last = page[n - 1].record;
        code = audit_fetch(audit, page, n, error);
        for (size_t i = 0; !code && i < n; i++)
            code = audit_judge(audit, &page[i], error);
        if (!code && operation_stopping(audit->operation))
            code = error_set(error, ACESO_ECANCELLED, NULL, "the node stops");
        operation_progress(audit->operation, audit->checked,
                           counts.home + counts.waiting + counts.away, "records checked");
        if (!code)
            code = records_away_walk(audit->records, patient, &last, page, &n, error);
    }
    return code;
}

/* What lies in the cloud beyond what must be there. While records are carried some are on their
 * way and are not counted as there yet: then nothing is said. */
static int audit_strays(struct audit *audit, struct aceso_error *error)
{
    const struct part_store *store = audit->access.store;
    struct records_counts before;
    uint8_t(*names)[OBJECT_NAME_SIZE] = NULL, last[OBJECT_NAME_SIZE];
    uint64_t listed = 0;
    size_t n = 1;
    int code = records_away_counts(audit->records, &before, error);

    if (code || audit->one || !store || before.home || audit->faults)
        return code;
    names = malloc((size_t)OBJECT_LIST_MAX * OBJECT_NAME_SIZE);
    if (!names)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    while (!code && n > 0) {
        code = store->list(store->state, listed ? last : NULL, names, OBJECT_LIST_MAX, &n, error);
        if (!code && n > 0) {
            memcpy(last, names[n - 1], OBJECT_NAME_SIZE);
            listed += n;
        }
    }
    free(names);
    if (!code && listed > audit->pieces)
        audit->strays = listed - audit->pieces;
    return code;
}

static int audit_result(struct audit *audit, struct buffer *result)
{
    struct json_writer writer = json_writer_of(result);

    json_close(&audit->writer, ']');
    if (audit->faults > AUDIT_FAULTS_MAX)
        (void)buffer_printf(&audit->text, "and %llu more\n",
                            (unsigned long long)(audit->faults - AUDIT_FAULTS_MAX));
    (void)buffer_printf(&audit->text, "%llu records checked, %llu of them in the cloud: ",
                        (unsigned long long)audit->checked, (unsigned long long)audit->away);
    if (audit->faults)
        (void)buffer_printf(&audit->text, "%llu FAULTY", (unsigned long long)audit->faults);
    else
        (void)buffer_put_string(&audit->text, "all as they must be");
    if (audit->strays)
        (void)buffer_printf(&audit->text, "; %llu objects in the cloud that no record needs",
                            (unsigned long long)audit->strays);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", buffer_text(&audit->text));
    json_put_bool(&writer, "faulty", audit->faults > 0);
    json_put_u64(&writer, "checked", audit->checked);
    json_put_u64(&writer, "away", audit->away);
    json_put_u64(&writer, "faulty_records", audit->faults);
    json_put_u64(&writer, "strays", audit->strays);
    json_put_raw(&writer, "faults", buffer_bytes(&audit->list));
    json_close(&writer, '}');
    return audit->text.failed ? audit->text.failed : result->failed;
}

int audit_run(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct audit audit = { .operation = operation,
                           .text = BUFFER_INIT((size_t)8 << 20),
                           .list = BUFFER_INIT((size_t)8 << 20) };
    int code = ACESO_OK;

    audit.writer = json_writer_of(&audit.list);
    json_open(&audit.writer, NULL, '[');
    audit.one = yyjson_obj_get((yyjson_val *)(uintptr_t)operation->input, "patient") != NULL;
    if (audit.one)
        code = hospital_input_hex(operation->input, "patient", audit.patient, 20, error);
    if (!code)
        code = node_store(operation->node, &audit.store, error);
    if (!code)
        code = hospital_records(operation->node, &audit.records, error);
    if (!code)
        code = cloud_access_open(operation->node, audit.store, &audit.access, error);
    if (!code)
        code = audit_walk(&audit, error);
    if (!code)
        code = audit_strays(&audit, error);
    if (!code)
        code = audit_result(&audit, result);
    cloud_access_close(&audit.access);
    records_close(audit.records);
    store_close(audit.store);
    buffer_free(&audit.text);
    buffer_free(&audit.list);
    return code;
}
