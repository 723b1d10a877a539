/* SPDX-License-Identifier: Apache-2.0 */
#include "record/proof_check.h"

#include "record/patch.h"
#include "record/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checked_batch {
    struct proof_check_batch sum;
    uint8_t root[RECORD_HASH_SIZE];
};

struct proof_check {
    struct proof_check_config config;
    struct proof_file_reader *reader;
    bool merged;
    struct proof_relationship *relationships;
    size_t relationship_count;
    struct checked_batch *batches;
    size_t batch_count, batch_room;
    uint64_t lines;     /* of the export, so far */
    struct buffer said; /* merged only: the value digest of each line */
    struct buffer view, next;
};

static int check_start(void *data, bool merged, struct aceso_error *error)
{
    struct proof_check *check = data;

    (void)error;
    check->merged = merged;
    return ACESO_OK;
}

static int check_relationship(void *data, const struct proof_relationship *relationship,
                              struct aceso_error *error)
{
    struct proof_check *check = data;

    /* The file's reader lets no more than these through. */
    check->relationships[check->relationship_count++] = *relationship;
    return check->config.relationship(check->config.data, relationship, error);
}

static int check_batch(void *data, const struct proof_batch *batch, struct aceso_error *error)
{
    struct proof_check *check = data;
    struct checked_batch *added;
    char place[64];
    int code;

    if (check->batch_count == check->batch_room) {
        size_t room = check->batch_room ? 2 * check->batch_room : 16;
        struct checked_batch *batches = realloc(check->batches, room * sizeof *batches);

        if (!batches)
            return error_set(error, ACESO_EMEMORY, "proof", "out of memory");
        check->batches = batches;
        check->batch_room = room;
    }
    added = &check->batches[check->batch_count++];
    *added = (struct checked_batch){ .sum = { .relationship = batch->relationship,
                                              .number = batch->batch.number,
                                              .records = batch->batch.records } };
    memcpy(added->root, batch->batch.root, sizeof added->root);
    code = check->config.batch(check->config.data, &check->relationships[batch->relationship],
                               batch, error);
    (void)snprintf(place, sizeof place, "batch %" PRIu64, batch->batch.number);
    return code ? error_at(error, code, place) : ACESO_OK;
}

/* From the parts up to the root that was signed. */
static int check_path(const struct proof_check *check, const struct proof_record *record,
                      struct aceso_error *error)
{
    const struct checked_batch *batch = &check->batches[record->batch];
    const struct record_context *context = &check->relationships[batch->sum.relationship].context;
    struct record_place place = { .version = record->version };
    uint8_t node[RECORD_LEVELS][RECORD_HASH_SIZE];
    const uint8_t *sibling = record->siblings.data;
    size_t depth = merkle_depth(record->position, batch->sum.records);

    memcpy(place.record, record->record, sizeof place.record);
    for (uint8_t i = 0; i < record->levels; i++) {
        int code;

        place.level = i + 1;
        place.index = RECORD_LEVELS * record->position + i;
        code = part_commit(context, &place, &record->part[i], node[i], error);
        if (code)
            return code;
    }
    /* Leaf 2 and leaf 4 where they are not shown; leaves 3 and 4 as one where neither is. */
    if (record->levels % 2) {
        memcpy(node[record->levels], sibling, RECORD_HASH_SIZE);
        sibling += RECORD_HASH_SIZE;
    }
    merkle_node(node[0], node[1], node[0]);
    if (record->levels > 2)
        merkle_node(node[2], node[3], node[2]);
    else {
        memcpy(node[2], sibling, RECORD_HASH_SIZE);
        sibling += RECORD_HASH_SIZE;
    }
    merkle_node(node[0], node[2], node[0]);
    /* A record's four leaves are one subtree, so the tree above is one over records. */
    if (merkle_verify(node[0], record->position, batch->sum.records, sibling, depth, batch->root,
                      NULL))
        return error_set(error, ACESO_EVERIFY, NULL,
                         "the record is not in the batch that the patient signed");
    return ACESO_OK;
}

/* Rebuilds the resource into check->view; `*visible` false where all parts are empty. */
static int check_rebuild(struct proof_check *check, const struct proof_record *record,
                         bool *visible, struct aceso_error *error)
{
    *visible = false;
    for (unsigned i = 0; i < record->levels; i++) {
        struct bytes lower = *visible ? buffer_bytes(&check->view) : bytes_of(NULL, 0);
        struct buffer swap;
        int code;

        if (record->part[i].bytes.len == 0)
            continue;
        buffer_clear(&check->next);
        code = patch_apply(lower, record->part[i].bytes, &check->next, error);
        if (code)
            return code;
        swap = check->view;
        check->view = check->next;
        check->next = swap;
        *visible = true;
    }
    return ACESO_OK;
}

/* The record begins a line: the export must have exactly it. */
static int check_new_line(struct proof_check *check, struct aceso_error *error)
{
    uint8_t digest[RECORD_HASH_SIZE];
    struct bytes line;
    int code = check->config.line(check->config.data, &line, error);

    if (code == ACESO_ENOTFOUND)
        return error_set(error, ACESO_EVERIFY, NULL, "the export ends before this line");
    if (code)
        return code;
    if (!bytes_equal(line, buffer_bytes(&check->view)))
        return error_set(error, ACESO_EVERIFY, NULL, "the export does not say what was signed");
    check->lines++;
    if (!check->merged)
        return ACESO_OK;
    code = value_digest(line, digest, error);
    return code ? code : buffer_put(&check->said, digest, sizeof digest);
}

/* The record backs a line that another one began: the values must be the same. */
static int check_old_line(struct proof_check *check, uint64_t number, struct aceso_error *error)
{
    uint8_t digest[RECORD_HASH_SIZE];
    int code = value_digest(buffer_bytes(&check->view), digest, error);

    if (!code && memcmp(digest, check->said.data + (number - 1) * sizeof digest,
                        sizeof digest) != 0)
        code = error_set(error, ACESO_EVERIFY, NULL,
                         "a second record does not say what stands there");
    return code;
}

static int check_content(struct proof_check *check, const struct proof_record *record,
                         struct aceso_error *error)
{
    struct proof_check_batch *sum = &check->batches[record->batch].sum;
    bool visible = false;
    int code = check_path(check, record, error);

    if (!code)
        code = check_rebuild(check, record, &visible, error);
    if (code)
        return code;
    if (!visible) {
        sum->empty++;
        return record->line == 0
                   ? ACESO_OK
                   : error_set(error, ACESO_EVERIFY, NULL, "a record of nothing stands on a line");
    }
    sum->shown++;
    if (record->line == 0)
        return error_set(error, ACESO_EVERIFY, NULL,
                         "a record that shows something is not in the export");
    return record->line > check->lines ? check_new_line(check, error)
                                       : check_old_line(check, record->line, error);
}

static int check_record(void *data, const struct proof_record *record, struct aceso_error *error)
{
    struct proof_check *check = data;
    int code = check_content(check, record, error);
    char place[96];

    if (!code)
        return ACESO_OK;
    if (record->line)
        (void)snprintf(place, sizeof place, "line %" PRIu64, record->line);
    else
        (void)snprintf(place, sizeof place, "batch %" PRIu64 ", record %" PRIu32,
                       check->batches[record->batch].sum.number, record->position);
    return error_at(error, code, place);
}

int proof_check_create(const struct proof_check_config *config, struct proof_check **out,
                       struct aceso_error *error)
{
    struct proof_check *check = calloc(1, sizeof *check);
    const struct proof_file_handler handler = { .start = check_start,
                                                .relationship = check_relationship,
                                                .batch = check_batch,
                                                .record = check_record,
                                                .data = check };
    int code;

    if (!check)
        return error_set(error, ACESO_EMEMORY, "proof", "out of memory");
    check->config = *config;
    check->said = (struct buffer)BUFFER_INIT(SIZE_MAX / 2);
    check->view = (struct buffer)BUFFER_INIT_SECRET(RECORD_TEXT_MAX);
    check->next = (struct buffer)BUFFER_INIT_SECRET(RECORD_TEXT_MAX);
    check->relationships = calloc(PROOF_FILE_RELATIONSHIPS_MAX, sizeof *check->relationships);
    code = check->relationships ? proof_file_reader_create(&handler, &check->reader, error)
                                : error_set(error, ACESO_EMEMORY, "proof", "out of memory");
    if (code)
        proof_check_free(check);
    else
        *out = check;
    return code;
}

void proof_check_free(struct proof_check *check)
{
    if (!check)
        return;
    proof_file_reader_free(check->reader);
    buffer_free(&check->said);
    buffer_free(&check->view);
    buffer_free(&check->next);
    free(check->relationships);
    free(check->batches);
    free(check);
}

int proof_check_feed(struct proof_check *check, struct bytes bytes, struct aceso_error *error)
{
    return proof_file_reader_feed(check->reader, bytes, error);
}

int proof_check_finish(struct proof_check *check, struct proof_check_totals *totals,
                       struct aceso_error *error)
{
    struct proof_check_totals sum = { .records = 0 };
    struct bytes line;
    char place[32];
    int code = proof_file_reader_finish(check->reader, &sum.file, error);

    if (code)
        return code;
    code = check->config.line(check->config.data, &line, error);
    if (code == ACESO_OK) {
        (void)snprintf(place, sizeof place, "line %" PRIu64, check->lines + 1);
        return error_set(error, ACESO_EVERIFY, place, "the export has a line that has no proof");
    }
    if (code != ACESO_ENOTFOUND)
        return code;
    for (size_t i = 0; i < check->batch_count; i++) {
        sum.records += check->batches[i].sum.records;
        sum.shown += check->batches[i].sum.shown;
        sum.empty += check->batches[i].sum.empty;
    }
    if (totals)
        *totals = sum;
    return ACESO_OK;
}

const struct proof_check_batch *proof_check_batch(const struct proof_check *check, size_t at)
{
    return at < check->batch_count ? &check->batches[at].sum : NULL;
}
