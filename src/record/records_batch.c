/* SPDX-License-Identifier: Apache-2.0 */
/* Filling one batch: seal record by record, write in chunks, number and root at the end. */
#include "record/records_internal.h"

#include "base/secret.h"
#include "crypto/digest.h"
#include "record/merkle.h"
#include "record/part.h"
#include "record/patch.h"
#include "record/proof.h"

#include <stdlib.h>
#include <string.h>

#define BRANCH_SIZE (4 + 2 * RECORD_HASH_SIZE) /* leaf index, the two siblings in the record */

/* A record that is sealed and waits for its chunk. */
struct pending {
    uint8_t record[RECORD_ID_SIZE];
    uint8_t node[RECORD_HASH_SIZE]; /* over the four leaves */
    uint8_t leaf[RECORD_LEVELS][RECORD_HASH_SIZE];
    size_t offset[RECORD_LEVELS + 1]; /* of the sealed parts */
};

struct records_batch {
    struct records *records;
    struct record_context context;
    struct record_epoch epoch;
    struct ladder *keys; /* locked memory */
    int64_t id;
    uint32_t ordinal;
    uint32_t written; /* records in the database */
    size_t waiting;
    struct pending pending[RECORDS_CHUNK_RECORDS];
    struct buffer sealed; /* of the waiting records */
    struct buffer patch;
};

static int context_digest(const struct record_context *context, uint8_t out[RECORD_HASH_SIZE])
{
    struct buffer bytes = BUFFER_INIT(128);
    int code;

    record_context_put(context, &bytes);
    code = bytes.failed;
    if (!code)
        sha256(buffer_bytes(&bytes), out);
    buffer_free(&bytes);
    return code;
}

static int batch_create(struct records *records, const struct record_context *context,
                        struct record_epoch epoch, const struct ladder *keys,
                        const struct batch_row *row, struct records_batch **out,
                        struct aceso_error *error)
{
    struct records_batch *batch = calloc(1, sizeof *batch);
    struct ladder *ladder = secret_alloc(sizeof *ladder);

    if (!batch || !ladder) {
        free(batch);
        secret_free(ladder);
        return error_set(error, ACESO_EMEMORY, "records", "no memory for a batch");
    }
    memcpy(ladder, keys, sizeof *ladder);
    batch->records = records;
    batch->context = *context;
    batch->epoch = epoch;
    batch->keys = ladder;
    batch->id = row->id;
    batch->ordinal = row->ordinal;
    batch->written = row->batch.records;
    batch->sealed.max = RECORDS_CHUNK_BYTES + RECORD_LEVELS * PART_SEALED_MAX;
    batch->patch = (struct buffer)BUFFER_INIT_SECRET(RECORD_TEXT_MAX);
    *out = batch;
    return ACESO_OK;
}

void records_batch_close(struct records_batch *batch)
{
    if (!batch)
        return;
    secret_free(batch->keys);
    buffer_free(&batch->sealed);
    buffer_free(&batch->patch);
    free(batch);
}

static int check_keys(struct record_epoch epoch, const struct ladder *keys,
                      struct aceso_error *error)
{
    if (keys->top != RECORD_LEVELS || epoch.e > INT32_MAX)
        return error_set(error, ACESO_EUSAGE, "records", "sealing takes the keys of all levels");
    return ACESO_OK;
}

/* Inserts the batch; its number comes when it is finished, its ordinal now. */
static int insert_batch(struct records *records, const struct record_context *context,
                        const uint8_t *source, const uint8_t *digest, struct aceso_error *error)
{
    struct statement *statement;
    int code = store_prepare(records->store,
                             "INSERT INTO batch (patient, source, context, ordinal, state)"
                             " SELECT ?1, ?2, ?3, 1 + ifnull(max(ordinal), 0), 1"
                             " FROM batch WHERE patient = ?1",
                             &statement, error);

    if (code)
        return code;
    statement_bind_blob(statement, 1, bytes_of(context->patient, RECORD_ADDRESS_SIZE));
    statement_bind_blob(statement, 2, bytes_of(source, 32));
    statement_bind_blob(statement, 3, bytes_of(digest, RECORD_HASH_SIZE));
    return statement_run(statement, error);
}

int records_batch_begin(struct records *records, const struct record_context *context,
                        const uint8_t source[32], struct record_epoch epoch,
                        const struct ladder *keys, struct records_batch **out,
                        struct aceso_error *error)
{
    uint8_t digest[RECORD_HASH_SIZE];
    struct batch_row row;
    int code = check_keys(epoch, keys, error);

    if (!code)
        code = context_digest(context, digest);
    if (!code)
        code = store_begin(records->store, error);
    if (code)
        return code;
    code = records_batch_by_source(records, context->patient, source, &row, NULL);
    if (code == ACESO_OK)
        code = error_set(error, ACESO_EEXISTS, "records", "this source was imported before");
    else if (code == ACESO_ENOTFOUND)
        code = insert_batch(records, context, source, digest, error);
    if (!code)
        code = records_batch_by_source(records, context->patient, source, &row, error);
    if (!code)
        code = store_commit(records->store, error);
    if (code) {
        store_rollback(records->store);
        return code;
    }
    return batch_create(records, context, epoch, keys, &row, out, error);
}

int records_batch_resume(struct records *records, const struct record_context *context,
                         const uint8_t source[32], struct record_epoch epoch,
                         const struct ladder *keys, struct records_batch **out, uint32_t *done,
                         struct aceso_error *error)
{
    uint8_t digest[RECORD_HASH_SIZE];
    struct records_batch *batch;
    struct batch_row row;
    int code = check_keys(epoch, keys, error);

    if (!code)
        code = context_digest(context, digest);
    if (!code)
        code = records_batch_by_source(records, context->patient, source, &row, error);
    if (code)
        return code;
    if (row.state != RECORDS_SEALING)
        return error_set(error, ACESO_ESTATE, "records", "this batch is finished");
    if (memcmp(digest, row.context, sizeof digest) != 0)
        return error_set(error, ACESO_ESTATE, "records", "this batch began in another context");
    code = batch_create(records, context, epoch, keys, &row, &batch, error);
    if (code)
        return code;
    *done = batch->written;
    *out = batch;
    return ACESO_OK;
}

/* ordinal of the import, position, eight random bytes: ids sort in the order of import. */
static void record_id(const struct records_batch *batch, uint32_t position,
                      uint8_t id[RECORD_ID_SIZE])
{
    for (unsigned i = 0; i < 4; i++) {
        id[i] = (uint8_t)(batch->ordinal >> (24 - 8 * i));
        id[4 + i] = (uint8_t)(position >> (24 - 8 * i));
    }
    secret_random(id + 8, RECORD_ID_SIZE - 8);
}

static int seal_level(struct records_batch *batch, const struct bytes view[RECORD_LEVELS],
                      struct record_place *place, struct pending *pending,
                      struct aceso_error *error)
{
    size_t slot = (size_t)place->level - 1;
    struct bytes lower = slot ? view[slot - 1] : bytes_of(NULL, 0);
    struct part_content content;
    int code = ACESO_OK;

    buffer_clear(&batch->patch);
    if (view[slot].data)
        code = patch_make(lower, view[slot], &batch->patch, error);
    if (code)
        return code;
    content = part_content_of(buffer_bytes(&batch->patch));
    code = part_commit(&batch->context, place, &content, pending->leaf[slot], error);
    if (!code)
        code = part_seal(&batch->context, batch->epoch, place, batch->keys->key[slot], &content,
                         &batch->sealed, error);
    pending->offset[slot + 1] = batch->sealed.len;
    return code;
}

static int seal_record(struct records_batch *batch, const struct bytes view[RECORD_LEVELS],
                       uint32_t position, struct pending *pending, struct aceso_error *error)
{
    struct record_place place = { .version = 1 };
    uint8_t low[RECORD_HASH_SIZE], high[RECORD_HASH_SIZE];
    int code = ACESO_OK;

    record_id(batch, position, pending->record);
    memcpy(place.record, pending->record, sizeof place.record);
    pending->offset[0] = batch->sealed.len;
    for (uint8_t level = 1; !code && level <= RECORD_LEVELS; level++) {
        place.level = level;
        place.index = RECORD_LEVELS * position + level - 1;
        code = seal_level(batch, view, &place, pending, error);
    }
    if (code)
        return code;
    merkle_node(pending->leaf[0], pending->leaf[1], low);
    merkle_node(pending->leaf[2], pending->leaf[3], high);
    merkle_node(low, high, pending->node);
    return ACESO_OK;
}

/* Leaf index, its neighbour, the node over the other two: the proof's way up to the record. */
static int branch_of(const struct pending *pending, uint32_t position, size_t slot,
                     struct buffer *out)
{
    size_t other = slot < 2 ? 2 : 0;
    uint8_t node[RECORD_HASH_SIZE];

    merkle_node(pending->leaf[other], pending->leaf[other + 1], node);
    (void)buffer_put_u32(out, RECORD_LEVELS * position + (uint32_t)slot);
    (void)buffer_put(out, pending->leaf[slot ^ 1], RECORD_HASH_SIZE);
    return buffer_put(out, node, sizeof node);
}

static int insert_part(struct records_batch *batch, const struct pending *pending,
                       uint32_t position, size_t slot, struct aceso_error *error)
{
    struct buffer branch = BUFFER_INIT(BRANCH_SIZE);
    struct statement *statement;
    size_t offset = pending->offset[slot];
    int code = branch_of(pending, position, slot, &branch);

    if (!code)
        code = store_prepare(batch->records->store,
                             "INSERT INTO part (batch, position, patient, record, version, level,"
                             " epoch, branch, sealed)"
                             " VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8)",
                             &statement, error);
    if (code)
        goto out;
    statement_bind_int(statement, 1, batch->id);
    statement_bind_int(statement, 2, position);
    statement_bind_blob(statement, 3, bytes_of(batch->context.patient, RECORD_ADDRESS_SIZE));
    statement_bind_blob(statement, 4, bytes_of(pending->record, RECORD_ID_SIZE));
    statement_bind_int(statement, 5, (int64_t)slot + 1);
    statement_bind_int(statement, 6, record_epoch_number(batch->epoch));
    statement_bind_blob(statement, 7, buffer_bytes(&branch));
    statement_bind_blob(statement, 8, bytes_of(batch->sealed.data + offset,
                                               pending->offset[slot + 1] - offset));
    code = statement_run(statement, error);
out:
    buffer_free(&branch);
    return code;
}

/* What the four sealed parts must be for as long as they are kept, here or elsewhere. */
static int insert_object(struct records_batch *batch, const struct pending *pending,
                         struct aceso_error *error)
{
    struct bytes part[RECORD_LEVELS];
    struct statement *statement;
    uint8_t digest[RECORD_HASH_SIZE];
    size_t size;
    int code = store_prepare(batch->records->store,
                             "INSERT INTO object (patient, record, version, batch, size, digest)"
                             " VALUES (?1, ?2, 1, ?3, ?4, ?5)",
                             &statement, error);

    if (code)
        return code;
    for (size_t slot = 0; slot < RECORD_LEVELS; slot++)
        part[slot] = bytes_of(batch->sealed.data + pending->offset[slot],
                              pending->offset[slot + 1] - pending->offset[slot]);
    size = records_content_digest(part, digest);
    statement_bind_blob(statement, 1, bytes_of(batch->context.patient, RECORD_ADDRESS_SIZE));
    statement_bind_blob(statement, 2, bytes_of(pending->record, RECORD_ID_SIZE));
    statement_bind_int(statement, 3, batch->id);
    statement_bind_int(statement, 4, (int64_t)size);
    statement_bind_blob(statement, 5, bytes_of(digest, sizeof digest));
    return statement_run(statement, error);
}

static int insert_record(struct records_batch *batch, const struct pending *pending,
                         uint32_t position, struct aceso_error *error)
{
    struct statement *statement;
    int code = store_prepare(batch->records->store,
                             "INSERT INTO record (batch, position, node) VALUES (?1, ?2, ?3)",
                             &statement, error);

    if (code)
        return code;
    statement_bind_int(statement, 1, batch->id);
    statement_bind_int(statement, 2, position);
    statement_bind_blob(statement, 3, bytes_of(pending->node, RECORD_HASH_SIZE));
    code = statement_run(statement, error);
    for (size_t slot = 0; !code && slot < RECORD_LEVELS; slot++)
        code = insert_part(batch, pending, position, slot, error);
    return code ? code : insert_object(batch, pending, error);
}

static int write_waiting(struct records_batch *batch, struct aceso_error *error)
{
    struct statement *statement;
    struct batch_row row;
    int code = records_batch_by_id(batch->records, batch->id, &row, error);

    if (code)
        return code;
    if (row.state != RECORDS_SEALING || row.batch.records != batch->written)
        return error_set(error, ACESO_ESTATE, "records", "somebody else went on with this batch");
    for (size_t i = 0; !code && i < batch->waiting; i++)
        code = insert_record(batch, &batch->pending[i], batch->written + (uint32_t)i, error);
    if (code)
        return code;
    code = store_prepare(batch->records->store, "UPDATE batch SET records = ?1 WHERE id = ?2",
                         &statement, error);
    if (code)
        return code;
    statement_bind_int(statement, 1, (int64_t)batch->written + (int64_t)batch->waiting);
    statement_bind_int(statement, 2, batch->id);
    return statement_run(statement, error);
}

static int flush(struct records_batch *batch, struct aceso_error *error)
{
    int code;

    if (batch->waiting == 0)
        return ACESO_OK;
    code = store_begin(batch->records->store, error);
    if (code)
        return code;
    code = write_waiting(batch, error);
    if (!code)
        code = store_commit(batch->records->store, error);
    if (code) {
        store_rollback(batch->records->store);
        return code;
    }
    batch->written += (uint32_t)batch->waiting;
    batch->waiting = 0;
    buffer_clear(&batch->sealed);
    return ACESO_OK;
}

int records_batch_add(struct records_batch *batch, const struct bytes view[RECORD_LEVELS],
                      uint8_t record[RECORD_ID_SIZE], struct aceso_error *error)
{
    uint32_t position = batch->written + (uint32_t)batch->waiting;
    struct pending *pending;
    size_t start;
    int code = ACESO_OK;

    if (position >= RECORD_BATCH_MAX)
        return error_set(error, ACESO_ELIMIT, "records", "over %u records", RECORD_BATCH_MAX);
    for (size_t slot = 0; slot < RECORD_LEVELS; slot++) {
        bool lower = slot && view[slot - 1].data;

        if (!view[slot].data && (lower || slot == RECORD_LEVELS - 1))
            return error_set(error, ACESO_EUSAGE, "records", "a view is missing at level %zu",
                             slot + 1);
    }
    if (batch->waiting == RECORDS_CHUNK_RECORDS || batch->sealed.len >= RECORDS_CHUNK_BYTES)
        code = flush(batch, error);
    if (code)
        return code;
    pending = &batch->pending[batch->waiting];
    start = batch->sealed.len;
    code = seal_record(batch, view, position, pending, error);
    if (code) {
        batch->sealed.len = start;
        batch->sealed.failed = ACESO_OK;
        return code;
    }
    batch->waiting++;
    if (record)
        memcpy(record, pending->record, RECORD_ID_SIZE);
    return ACESO_OK;
}

/* The records' nodes, one behind the other; `*out` is the caller's. */
static int load_nodes(struct records_batch *batch, uint32_t records, uint8_t **out,
                      struct aceso_error *error)
{
    struct statement *statement;
    uint8_t *nodes = malloc((size_t)records * RECORD_HASH_SIZE);
    uint32_t count = 0;
    int code;

    if (!nodes)
        return error_set(error, ACESO_EMEMORY, "records", "no memory for a tree");
    code = store_prepare(batch->records->store,
                         "SELECT position, node FROM record WHERE batch = ?1 ORDER BY position",
                         &statement, error);
    if (code)
        goto out;
    statement_bind_int(statement, 1, batch->id);
    while ((code = statement_step(statement, error)) == 1) {
        if (count >= records || statement_int(statement, 0) != count ||
            statement_copy(statement, 1, nodes + (size_t)count * RECORD_HASH_SIZE,
                           RECORD_HASH_SIZE))
            break;
        count++;
    }
    statement_finish(statement);
    if (code == 1 || (code == 0 && count != records))
        code = error_set(error, ACESO_EFORMAT, "records", "a batch in the database is damaged");
out:
    if (code)
        free(nodes);
    else
        *out = nodes;
    return code;
}

static int update_paths(struct records_batch *batch, const struct merkle_tree *tree,
                        uint32_t records, struct aceso_error *error)
{
    uint8_t path[MERKLE_DEPTH_MAX][RECORD_HASH_SIZE];
    struct statement *statement;
    uint8_t depth;
    int code = ACESO_OK;

    for (uint32_t position = 0; !code && position < records; position++) {
        code = merkle_tree_path(tree, position, path, &depth, error);
        if (code || depth == 0)
            continue;
        code = store_prepare(batch->records->store,
                             "UPDATE record SET path = ?1 WHERE batch = ?2 AND position = ?3",
                             &statement, error);
        if (code)
            break;
        statement_bind_blob(statement, 1, bytes_of(path, (size_t)depth * RECORD_HASH_SIZE));
        statement_bind_int(statement, 2, batch->id);
        statement_bind_int(statement, 3, position);
        code = statement_run(statement, error);
    }
    return code;
}

static int update_batch(struct records_batch *batch, const struct record_batch *found,
                        struct aceso_error *error)
{
    struct buffer head = BUFFER_INIT(PROOF_HEAD);
    struct statement *statement;
    int code;

    (void)buffer_put_u8(&head, RECORD_VERSION_BYTE);
    (void)buffer_put_u64(&head, found->number);
    code = buffer_put_u32(&head, found->leaves);
    if (code)
        return error_set(error, code, "records", "no memory for a batch");
    code = store_prepare(batch->records->store,
                         "UPDATE batch SET state = 2, number = ?1, previous_root = ?2, root = ?3,"
                         " head = ?4 WHERE id = ?5",
                         &statement, error);
    if (code)
        goto out;
    statement_bind_int(statement, 1, (int64_t)found->number);
    statement_bind_blob(statement, 2, bytes_of(found->previous_root, RECORD_HASH_SIZE));
    statement_bind_blob(statement, 3, bytes_of(found->root, RECORD_HASH_SIZE));
    statement_bind_blob(statement, 4, buffer_bytes(&head));
    statement_bind_int(statement, 5, batch->id);
    code = statement_run(statement, error);
out:
    buffer_free(&head);
    return code;
}

/* The number after the patient's last one, and that one's root. */
static int next_number(struct records_batch *batch, struct record_batch *found,
                       struct aceso_error *error)
{
    struct batch_row last;
    uint64_t sealed, signed_;
    int code = records_batch_last(batch->records, batch->context.patient, &sealed, &signed_, error);

    if (code)
        return code;
    found->number = sealed + 1;
    memset(found->previous_root, 0, RECORD_HASH_SIZE);
    if (sealed == 0)
        return ACESO_OK;
    code = records_batch_by_number(batch->records, batch->context.patient, sealed, &last, error);
    if (!code)
        memcpy(found->previous_root, last.batch.root, RECORD_HASH_SIZE);
    return code;
}

static int seal_batch(struct records_batch *batch, struct record_batch *found,
                      struct aceso_error *error)
{
    struct merkle_tree *tree = NULL;
    uint8_t *nodes = NULL;
    int code = load_nodes(batch, found->records, &nodes, error);

    if (!code)
        code = merkle_tree_create(nodes, found->records, &tree, error);
    if (!code)
        code = next_number(batch, found, error);
    if (!code) {
        merkle_tree_root(tree, found->root);
        code = update_paths(batch, tree, found->records, error);
    }
    if (!code)
        code = update_batch(batch, found, error);
    merkle_tree_free(tree);
    free(nodes);
    return code;
}

int records_batch_finish(struct records_batch *batch, struct record_batch *out,
                         struct aceso_error *error)
{
    struct batch_row row;
    int code = flush(batch, error);

    if (!code)
        code = store_begin(batch->records->store, error);
    if (code)
        return code;
    code = records_batch_by_id(batch->records, batch->id, &row, error);
    if (!code && row.state == RECORDS_SEALING) {
        if (row.batch.records == 0)
            code = error_set(error, ACESO_ESTATE, "records", "a batch without records");
        else
            code = seal_batch(batch, &row.batch, error);
    }
    if (!code)
        code = store_commit(batch->records->store, error);
    if (code) {
        store_rollback(batch->records->store);
        return code;
    }
    *out = row.batch;
    return ACESO_OK;
}
