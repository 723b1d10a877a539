/* SPDX-License-Identifier: Apache-2.0 */
#include "node/export.h"

#include "fhir/ndjson.h"
#include "record/value.h"

#include <stdlib.h>
#include <string.h>

/* By the digest of a whole value its line; by the digest of type and id the latest line. */
struct export_entry {
    uint8_t digest[RECORD_HASH_SIZE];
    uint64_t line; /* 0: free */
};

/* Open addressing over digests that nobody can choose freely; at most half full. */
struct export_index {
    struct export_entry *entry;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

struct export {
    struct pump *pump;
    bool merge;
    struct proof_file_totals file;
    struct export_totals totals;
    struct export_index values, names;
    struct buffer line, proof;
};

int export_create(struct pump *pump, bool merge, struct export **out, struct aceso_error *error)
{
    struct export *export = calloc(1, sizeof *export);
    int code;

    if (!export)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    export->pump = pump;
    export->merge = merge;
    export->line = (struct buffer)BUFFER_INIT_SECRET(RECORD_TEXT_MAX + 16);
    export->proof = (struct buffer)BUFFER_INIT_SECRET(SIZE_MAX / 2);
    (void)proof_file_put_start(merge, &export->proof);
    code = pump_put_proof(pump, buffer_bytes(&export->proof), error);
    if (code)
        export_free(export);
    else
        *out = export;
    return code;
}

void export_free(struct export *export)
{
    if (!export)
        return;
    buffer_free(&export->line);
    buffer_free(&export->proof);
    free(export->values.entry);
    free(export->names.entry);
    free(export);
}

/* Hands over what stands in export->proof and empties it. */
static int export_flush(struct export *export, struct aceso_error *error)
{
    int code = export->proof.failed;

    if (code)
        return error_set(error, code, NULL, "a record does not fit into a proof");
    code = pump_put_proof(export->pump, buffer_bytes(&export->proof), error);
    buffer_clear(&export->proof);
    return code;
}

int export_add_relationship(struct export *export, const struct proof_relationship *relationship,
                            uint32_t *index, struct aceso_error *error)
{
    buffer_clear(&export->proof);
    (void)proof_file_put_relationship(relationship, &export->proof);
    *index = export->file.relationships++;
    return export_flush(export, error);
}

int export_add_batch(struct export *export, const struct proof_batch *batch, uint32_t *index,
                     struct aceso_error *error)
{
    buffer_clear(&export->proof);
    (void)proof_file_put_batch(batch, &export->proof);
    *index = export->file.batches++;
    return export_flush(export, error);
}

static struct export_entry *export_slot(const struct export_index *index, const uint8_t *digest)
{
    size_t at;

    memcpy(&at, digest, sizeof at);
    for (at &= index->room - 1; index->entry[at].line; at = (at + 1) & (index->room - 1)) {
        if (memcmp(index->entry[at].digest, digest, RECORD_HASH_SIZE) == 0)
            break;
    }
    return &index->entry[at];
}

static int export_grow(struct export_index *index, struct aceso_error *error)
{
    struct export_index grown = { .room = index->room ? 2 * index->room : 1024,
                                  .count = index->count };

    grown.entry = calloc(grown.room, sizeof *grown.entry);
    if (!grown.entry)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    for (size_t i = 0; i < index->room; i++) {
        if (index->entry[i].line)
            *export_slot(&grown, index->entry[i].digest) = index->entry[i];
    }
    free(index->entry);
    *index = grown;
    return ACESO_OK;
}

/* The line under `digest`, or 0; and puts `line` there, where it is free. */
static int export_remember(struct export_index *index, const uint8_t *digest, uint64_t line,
                           uint64_t *found, struct aceso_error *error)
{
    struct export_entry *entry;
    int code = 2 * index->count >= index->room ? export_grow(index, error) : ACESO_OK;

    if (code)
        return code;
    entry = export_slot(index, digest);
    *found = entry->line;
    if (!entry->line) {
        memcpy(entry->digest, digest, RECORD_HASH_SIZE);
        entry->line = line;
        index->count++;
    }
    return ACESO_OK;
}

/* The line that says the same already, or 0. */
static int export_find(struct export *export, struct bytes json, uint64_t *line,
                       struct aceso_error *error)
{
    static const char *const name[] = { "resourceType", "id" };
    uint8_t digest[RECORD_HASH_SIZE];
    uint64_t named = 0;
    int code = value_digest(json, digest, error);

    *line = 0;
    if (!code)
        code = export_remember(&export->values, digest, export->totals.lines + 1, line, error);
    if (code || *line)
        return code;
    code = value_digest_of(json, name, 2, digest, error);
    if (!code)
        code = export_remember(&export->names, digest, export->totals.lines + 1, &named, error);
    export->totals.differing += named != 0;
    return code;
}

static int export_put_line(struct export *export, struct bytes json, struct aceso_error *error)
{
    int code;

    buffer_clear(&export->line);
    code = fhir_ndjson_put(&export->line, json);
    if (code)
        return error_set(error, code, NULL, "a record does not fit on a line");
    export->totals.lines++;
    return pump_put(export->pump, buffer_bytes(&export->line), error);
}

int export_add_record(struct export *export, uint32_t batch, const struct record_opened *record,
                      struct aceso_error *error)
{
    uint64_t line = 0;
    int code = ACESO_OK;

    if (record->json.data && export->merge)
        code = export_find(export, record->json, &line, error);
    if (!code && line) {
        export->totals.shared++;
    } else if (!code && record->json.data) {
        code = export_put_line(export, record->json, error);
        line = export->totals.lines;
    }
    if (code)
        return code;
    buffer_clear(&export->proof);
    (void)proof_file_put_record(record, batch, line, &export->proof);
    export->file.records++;
    return export_flush(export, error);
}

int export_finish(struct export *export, struct export_totals *totals, struct aceso_error *error)
{
    export->file.lines = export->totals.lines;
    buffer_clear(&export->proof);
    (void)proof_file_put_end(&export->file, &export->proof);
    if (totals)
        *totals = export->totals;
    return export_flush(export, error);
}
