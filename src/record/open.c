/* SPDX-License-Identifier: Apache-2.0 */
#include "record/open.h"

#include "base/secret.h"
#include "record/ladder.h"
#include "record/patch.h"
#include "record/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCHS_MAX 4096
#define BATCHES_MAX 65536

struct epoch_keys {
    struct record_epoch epoch;
    struct ladder *ladder; /* locked memory */
};

/* One signed batch and which of its records came. */
struct seen_batch {
    struct record_batch batch;
    uint8_t *seen; /* a bit for each record */
    uint32_t count;
};

/* The record whose parts are coming in. */
struct current {
    bool any;
    uint8_t record[RECORD_ID_SIZE];
    uint32_t version;
    uint8_t levels; /* parts opened so far */
    size_t batch;   /* index into batches */
    uint32_t position;
    bool visible; /* `view` holds something */
    struct buffer view;
    struct buffer payload[RECORD_LEVELS];
    struct part_content content[RECORD_LEVELS];
    uint8_t proof[RECORD_LEVELS][PROOF_MAX];
    struct bytes proof_bytes[RECORD_LEVELS];
};

struct record_reader {
    struct record_reader_config config;
    struct epoch_keys *epochs;
    size_t epoch_count;
    struct seen_batch *batches;
    size_t batch_count;
    struct current current;
    struct buffer next; /* the view that a patch is making */
    struct record_reader_totals totals;
    int failed;
};

int record_reader_create(const struct record_reader_config *config, struct record_reader **out,
                         struct aceso_error *error)
{
    struct record_reader *reader;
    size_t limit = config->output_max ? config->output_max : RECORD_TEXT_MAX;

    if (config->level < 1 || config->level > RECORD_LEVELS || !config->batch || !config->opened ||
        config->last_batch < config->first_batch || limit > RECORD_TEXT_MAX)
        return error_set(error, ACESO_EUSAGE, "reader", "a configuration that cannot be");
    reader = calloc(1, sizeof *reader);
    if (!reader)
        return error_set(error, ACESO_EMEMORY, "reader", "out of memory");
    reader->config = *config;
    reader->next = (struct buffer)BUFFER_INIT_SECRET(limit);
    reader->current.view = (struct buffer)BUFFER_INIT_SECRET(limit);
    for (size_t i = 0; i < RECORD_LEVELS; i++)
        reader->current.payload[i] = (struct buffer)BUFFER_INIT_SECRET(PART_SEALED_MAX);
    *out = reader;
    return ACESO_OK;
}

void record_reader_free(struct record_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->epoch_count; i++)
        secret_free(reader->epochs[i].ladder);
    for (size_t i = 0; i < reader->batch_count; i++)
        free(reader->batches[i].seen);
    for (size_t i = 0; i < RECORD_LEVELS; i++)
        buffer_free(&reader->current.payload[i]);
    buffer_free(&reader->current.view);
    buffer_free(&reader->next);
    free(reader->epochs);
    free(reader->batches);
    secret_wipe(reader, sizeof *reader);
    free(reader);
}

static const struct ladder *find_ladder(const struct record_reader *reader,
                                        struct record_epoch epoch)
{
    for (size_t i = reader->epoch_count; i-- > 0;) {
        if (record_epoch_equal(reader->epochs[i].epoch, epoch))
            return reader->epochs[i].ladder;
    }
    return NULL;
}

int record_reader_add_key(struct record_reader *reader, struct record_epoch epoch,
                          const uint8_t key[RECORD_KEY_SIZE], struct aceso_error *error)
{
    struct epoch_keys *epochs;
    struct ladder *ladder;
    int code;

    if (find_ladder(reader, epoch))
        return error_set(error, ACESO_EEXISTS, "reader", "a second key for one epoch");
    if (reader->epoch_count >= EPOCHS_MAX)
        return error_set(error, ACESO_ELIMIT, "reader", "too many epochs");
    epochs = realloc(reader->epochs, (reader->epoch_count + 1) * sizeof *epochs);
    if (!epochs)
        return error_set(error, ACESO_EMEMORY, "reader", "out of memory");
    reader->epochs = epochs;
    ladder = secret_alloc(sizeof *ladder);
    if (!ladder)
        return error_set(error, ACESO_EMEMORY, "reader", "no locked memory");
    code = ladder_from(&reader->config.context, epoch, reader->config.level, key, ladder, error);
    if (code) {
        secret_free(ladder);
        return code;
    }
    epochs[reader->epoch_count++] = (struct epoch_keys){ .epoch = epoch, .ladder = ladder };
    return ACESO_OK;
}

static int batch_check(const struct record_batch *batch, uint64_t number,
                       struct aceso_error *error)
{
    if (batch->number != number || batch->records == 0 || batch->records > RECORD_BATCH_MAX ||
        batch->leaves != RECORD_LEVELS * batch->records)
        return error_set(error, ACESO_EVERIFY, "batch", "its signed counts do not fit");
    return ACESO_OK;
}

static int find_batch(struct record_reader *reader, uint64_t number, size_t *index,
                      struct aceso_error *error)
{
    struct seen_batch *batches, found = { .count = 0 };
    int code;

    for (size_t i = reader->batch_count; i-- > 0;) {
        if (reader->batches[i].batch.number == number) {
            *index = i;
            return ACESO_OK;
        }
    }
    if (reader->batch_count >= BATCHES_MAX)
        return error_set(error, ACESO_ELIMIT, "reader", "too many batches");
    code = reader->config.batch(reader->config.data, number, &found.batch, error);
    if (!code)
        code = batch_check(&found.batch, number, error);
    if (code)
        return code;
    batches = realloc(reader->batches, (reader->batch_count + 1) * sizeof *batches);
    if (!batches)
        return error_set(error, ACESO_EMEMORY, "reader", "out of memory");
    reader->batches = batches;
    found.seen = calloc((found.batch.records + 7) / 8, 1);
    if (!found.seen)
        return error_set(error, ACESO_EMEMORY, "reader", "out of memory");
    batches[reader->batch_count] = found;
    *index = reader->batch_count++;
    return ACESO_OK;
}

/* "batch 2, record 14, level 3": numbers of places, nothing of the contents. */
static int at_row(const struct proof *proof, const struct record_row *row, int code,
                  struct aceso_error *error)
{
    char place[96];

    (void)snprintf(place, sizeof place, "batch %" PRIu64 ", record %" PRIu32 ", level %u",
                   proof->batch, proof->index / RECORD_LEVELS, row->level);
    return error_at(error, code, place);
}

static int incomplete(const struct record_reader *reader, struct aceso_error *error)
{
    const struct current *current = &reader->current;
    char place[96];

    (void)snprintf(place, sizeof place, "batch %" PRIu64 ", record %" PRIu32,
                   reader->batches[current->batch].batch.number, current->position);
    return error_set(error, ACESO_EVERIFY, place, "the part of level %u is missing",
                     current->levels + 1);
}

/* The first part of the next record: it must come after the one before. */
static int start_record(struct record_reader *reader, const struct record_row *row,
                        const struct proof *proof, struct aceso_error *error)
{
    struct current *current = &reader->current;
    struct seen_batch *batch;
    uint32_t position = proof->index / RECORD_LEVELS;
    size_t index;
    int order, code;

    if (current->any) {
        order = memcmp(row->record, current->record, RECORD_ID_SIZE);
        if (current->levels < reader->config.level)
            return incomplete(reader, error);
        if (order < 0 || (order == 0 && row->version <= current->version))
            return error_set(error, ACESO_EVERIFY, NULL, "a part came twice, or out of order");
    }
    if (row->level != 1)
        return error_set(error, ACESO_EVERIFY, NULL, "the part of level 1 is missing");
    code = find_batch(reader, proof->batch, &index, error);
    if (code)
        return code;
    batch = &reader->batches[index];
    if (position >= batch->batch.records)
        return error_set(error, ACESO_EVERIFY, NULL, "a record that the batch does not have");
    if (batch->seen[position / 8] >> (position % 8) & 1)
        return error_set(error, ACESO_EVERIFY, NULL, "a record came twice");
    current->any = true;
    memcpy(current->record, row->record, RECORD_ID_SIZE);
    current->version = row->version;
    current->levels = 0;
    current->batch = index;
    current->position = position;
    current->visible = false;
    buffer_clear(&current->view);
    return ACESO_OK;
}

/* Another part of the record that is coming in. */
static int continue_record(struct record_reader *reader, const struct record_row *row,
                           const struct proof *proof, struct aceso_error *error)
{
    const struct current *current = &reader->current;

    if (row->level <= current->levels)
        return error_set(error, ACESO_EVERIFY, NULL, "a part came twice, or out of order");
    if (row->level != current->levels + 1)
        return incomplete(reader, error);
    if (proof->batch != reader->batches[current->batch].batch.number ||
        proof->index / RECORD_LEVELS != current->position)
        return error_set(error, ACESO_EVERIFY, NULL, "a part of another batch or record");
    return ACESO_OK;
}

static int apply_part(struct record_reader *reader, const struct part_content *content,
                      struct aceso_error *error)
{
    struct current *current = &reader->current;
    struct buffer swap;
    struct bytes lower = { NULL, 0 };
    int code;

    if (content->bytes.len == 0)
        return ACESO_OK; /* an empty slot: the view of the level below stands */
    if (current->visible)
        lower = buffer_bytes(&current->view);
    buffer_clear(&reader->next);
    code = patch_apply(lower, content->bytes, &reader->next, error);
    if (code)
        return code;
    swap = current->view;
    current->view = reader->next;
    reader->next = swap;
    current->visible = true;
    return ACESO_OK;
}

static int open_part(struct record_reader *reader, const struct record_row *row,
                     const struct proof *proof, struct aceso_error *error)
{
    struct current *current = &reader->current;
    const struct ladder *ladder = find_ladder(reader, row->epoch);
    size_t slot = (size_t)row->level - 1;
    struct record_place place = { .version = row->version, .level = row->level,
                                  .index = proof->index };
    uint8_t leaf[RECORD_HASH_SIZE];
    int code;

    if (!ladder)
        return error_set(error, ACESO_ENOTFOUND, NULL, "no key for epoch %u.%u", row->epoch.e,
                         row->epoch.n);
    memcpy(place.record, row->record, sizeof place.record);
    code = part_open(&reader->config.context, row->epoch, &place, ladder->key[slot], row->sealed,
                     &current->payload[slot], &current->content[slot], error);
    if (!code)
        code = part_commit(&reader->config.context, &place, &current->content[slot], leaf, error);
    if (!code)
        code = proof_verify(proof, leaf, &reader->batches[current->batch].batch, error);
    if (!code)
        code = apply_part(reader, &current->content[slot], error);
    if (code)
        return code;
    memcpy(current->proof[slot], row->proof.data, row->proof.len);
    current->proof_bytes[slot] = bytes_of(current->proof[slot], row->proof.len);
    current->levels = row->level;
    return ACESO_OK;
}

/* All parts up to the level are there: the record counts, and is handed out if it is visible. */
static int finish_record(struct record_reader *reader, struct aceso_error *error)
{
    struct current *current = &reader->current;
    struct seen_batch *batch = &reader->batches[current->batch];
    struct record_opened opened;

    batch->seen[current->position / 8] |= (uint8_t)(1u << (current->position % 8));
    batch->count++;
    reader->totals.records++;
    if (current->visible)
        reader->totals.opened++;
    else if (!reader->config.empty)
        return ACESO_OK;
    memcpy(opened.record, current->record, sizeof opened.record);
    opened.version = current->version;
    opened.batch = batch->batch.number;
    opened.position = current->position;
    opened.json = current->visible ? buffer_bytes(&current->view) : bytes_of(NULL, 0);
    opened.levels = current->levels;
    opened.content = current->content;
    opened.proof = current->proof_bytes;
    return reader->config.opened(reader->config.data, &opened, error);
}

static int take_row(struct record_reader *reader, const struct record_row *row,
                    struct aceso_error *error)
{
    struct current *current = &reader->current;
    struct proof proof;
    int code = proof_parse(row->proof, &proof, error);

    if (code)
        return code;
    if (memcmp(row->patient, reader->config.context.patient, sizeof row->patient) != 0)
        code = error_set(error, ACESO_EVERIFY, NULL, "a part of another patient");
    else if (row->level < 1 || row->level > reader->config.level)
        code = error_set(error, ACESO_EVERIFY, NULL, "a part of a level that was not asked for");
    else if (proof.index % RECORD_LEVELS != (uint32_t)row->level - 1)
        code = error_set(error, ACESO_EVERIFY, NULL, "the proof is that of another level");
    else if (current->any && row->version == current->version &&
             memcmp(row->record, current->record, RECORD_ID_SIZE) == 0)
        code = continue_record(reader, row, &proof, error);
    else
        code = start_record(reader, row, &proof, error);
    if (!code)
        code = open_part(reader, row, &proof, error);
    if (code)
        return at_row(&proof, row, code, error);
    reader->totals.rows++;
    return current->levels == reader->config.level ? finish_record(reader, error) : ACESO_OK;
}

int record_reader_add(struct record_reader *reader, const struct record_row *row,
                      struct aceso_error *error)
{
    if (reader->failed)
        return error_set(error, reader->failed, "reader", "failed before");
    reader->failed = take_row(reader, row, error);
    return reader->failed;
}

static int batch_complete(const struct seen_batch *batch, struct aceso_error *error)
{
    uint32_t missing = 0;
    char place[64];

    if (batch->count == batch->batch.records)
        return ACESO_OK;
    while (batch->seen[missing / 8] >> (missing % 8) & 1)
        missing++;
    (void)snprintf(place, sizeof place, "batch %" PRIu64, batch->batch.number);
    return error_set(error, ACESO_EVERIFY, place,
                     "%" PRIu32 " of %" PRIu32 " records are missing, record %" PRIu32
                     " is the first",
                     batch->batch.records - batch->count, batch->batch.records, missing);
}

static int check_complete(struct record_reader *reader, struct aceso_error *error)
{
    size_t index;
    int code = ACESO_OK;

    if (reader->current.any && reader->current.levels < reader->config.level)
        return incomplete(reader, error);
    for (uint64_t number = reader->config.first_batch;
         !code && number && number <= reader->config.last_batch; number++)
        code = find_batch(reader, number, &index, error);
    for (size_t i = 0; !code && i < reader->batch_count; i++)
        code = batch_complete(&reader->batches[i], error);
    return code;
}

int record_reader_finish(struct record_reader *reader, struct record_reader_totals *totals,
                         struct aceso_error *error)
{
    if (reader->failed)
        return error_set(error, reader->failed, "reader", "failed before");
    reader->failed = check_complete(reader, error);
    if (reader->failed)
        return reader->failed;
    reader->totals.batches = reader->batch_count;
    if (totals)
        *totals = reader->totals;
    return ACESO_OK;
}
