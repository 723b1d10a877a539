/* SPDX-License-Identifier: Apache-2.0 */
#include "record/proof_file.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC_SIZE 12
#define HEAD_SIZE (MAGIC_SIZE + 2)
#define FRAME_HEAD 5
#define RELATIONSHIP_SIZE (RECORD_ADDRESS_SIZE + 4 + 8 + 3 * RECORD_ADDRESS_SIZE + 1)
#define BATCH_SIZE (4 + 8 + 2 * RECORD_HASH_SIZE + 4 + 4 + PROOF_FILE_SIGNATURE_SIZE)
#define RECORD_HEAD (4 + RECORD_ID_SIZE + 4 + 4 + 8)
#define PART_HEAD (PART_SALT_SIZE + 4)
#define SIBLINGS_MAX ((MERKLE_DEPTH_MAX + 2) * RECORD_HASH_SIZE)
#define RECORD_SIZE_MAX (RECORD_HEAD + RECORD_LEVELS * (PART_HEAD + RECORD_TEXT_MAX) + SIBLINGS_MAX)
#define END_SIZE (4 + 4 + 8 + 8)

enum proof_file_kind { KIND_RELATIONSHIP = 1, KIND_BATCH, KIND_RECORD, KIND_END };

static const char proof_file_magic[MAGIC_SIZE + 1] = "aceso proof\n";

/* Siblings inside a record of which the parts 1..level are there. */
static size_t proof_file_inner(unsigned level)
{
    static const uint8_t inner[RECORD_LEVELS + 1] = { 0, 2, 1, 1, 0 };

    return inner[level];
}

/* ---- writing ------------------------------------------------------------------------------ */

int proof_file_put_start(bool merged, struct buffer *out)
{
    (void)buffer_put(out, proof_file_magic, MAGIC_SIZE);
    (void)buffer_put_u8(out, RECORD_VERSION_BYTE);
    return buffer_put_u8(out, merged);
}

static void proof_file_put_head(enum proof_file_kind kind, size_t length, struct buffer *out)
{
    (void)buffer_put_u8(out, (uint8_t)kind);
    (void)buffer_put_u32(out, (uint32_t)length);
}

int proof_file_put_relationship(const struct proof_relationship *relationship, struct buffer *out)
{
    proof_file_put_head(KIND_RELATIONSHIP, RELATIONSHIP_SIZE, out);
    (void)buffer_put(out, relationship->consortium, sizeof relationship->consortium);
    (void)buffer_put_u32(out, relationship->hospital);
    record_context_put(&relationship->context, out);
    return buffer_put_u8(out, relationship->level);
}

int proof_file_put_batch(const struct proof_batch *batch, struct buffer *out)
{
    proof_file_put_head(KIND_BATCH, BATCH_SIZE, out);
    (void)buffer_put_u32(out, batch->relationship);
    (void)buffer_put_u64(out, batch->batch.number);
    (void)buffer_put(out, batch->batch.previous_root, RECORD_HASH_SIZE);
    (void)buffer_put(out, batch->batch.root, RECORD_HASH_SIZE);
    (void)buffer_put_u32(out, batch->batch.records);
    (void)buffer_put_u32(out, batch->batch.leaves);
    return buffer_put(out, batch->signature, sizeof batch->signature);
}

/* The siblings of a record's parts 1..levels out of those of the last part: what is below is made
 * from the parts themselves. Those of level 3 stand apart: leaf 4, then the path. */
static void proof_file_siblings(const struct record_opened *record, struct bytes *inner,
                                struct bytes *path)
{
    struct bytes last = record->proof[record->levels - 1];
    size_t skip = record->levels == 2 ? 1 : 0;

    last.data += PROOF_HEAD;
    last.len -= PROOF_HEAD;
    *inner = bytes_of(last.data + skip * RECORD_HASH_SIZE,
                      proof_file_inner(record->levels) * RECORD_HASH_SIZE);
    *path = bytes_of(last.data + 2 * RECORD_HASH_SIZE, last.len - 2 * RECORD_HASH_SIZE);
}

int proof_file_put_record(const struct record_opened *record, uint32_t batch, uint64_t line,
                          struct buffer *out)
{
    struct bytes inner, path;
    size_t length = RECORD_HEAD;

    proof_file_siblings(record, &inner, &path);
    length += inner.len + path.len;
    for (unsigned i = 0; i < record->levels; i++)
        length += PART_HEAD + record->content[i].bytes.len;
    if (length > RECORD_SIZE_MAX)
        return out->failed = ACESO_ELIMIT;
    proof_file_put_head(KIND_RECORD, length, out);
    (void)buffer_put_u32(out, batch);
    (void)buffer_put(out, record->record, sizeof record->record);
    (void)buffer_put_u32(out, record->version);
    (void)buffer_put_u32(out, record->position);
    (void)buffer_put_u64(out, line);
    for (unsigned i = 0; i < record->levels; i++) {
        (void)buffer_put(out, record->content[i].salt, PART_SALT_SIZE);
        (void)buffer_put_field(out, record->content[i].bytes);
    }
    (void)buffer_put_bytes(out, inner);
    return buffer_put_bytes(out, path);
}

int proof_file_put_end(const struct proof_file_totals *totals, struct buffer *out)
{
    proof_file_put_head(KIND_END, END_SIZE, out);
    (void)buffer_put_u32(out, totals->relationships);
    (void)buffer_put_u32(out, totals->batches);
    (void)buffer_put_u64(out, totals->records);
    return buffer_put_u64(out, totals->lines);
}

/* ---- reading ------------------------------------------------------------------------------ */

enum proof_file_state { STATE_START, STATE_HEAD, STATE_BODY, STATE_END };

/* What later frames are held against. */
struct known_relationship {
    uint8_t contract[RECORD_ADDRESS_SIZE];
    uint8_t level;
};

struct known_batch {
    uint64_t number;
    uint32_t relationship;
    uint32_t records;
    uint32_t next; /* the lowest position that may come */
};

struct proof_file_reader {
    struct proof_file_handler handler;
    enum proof_file_state state;
    uint8_t kind;
    size_t need;        /* bytes that the state waits for */
    struct buffer part; /* what came of them */
    bool merged;
    struct known_relationship relationships[PROOF_FILE_RELATIONSHIPS_MAX];
    struct known_batch *batches;
    size_t batch_room;
    struct proof_file_totals totals;
    int failed;
};

int proof_file_reader_create(const struct proof_file_handler *handler,
                             struct proof_file_reader **out, struct aceso_error *error)
{
    struct proof_file_reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        return error_set(error, ACESO_EMEMORY, "proof", "out of memory");
    reader->handler = *handler;
    reader->state = STATE_START;
    reader->need = HEAD_SIZE;
    reader->part = (struct buffer)BUFFER_INIT_SECRET(RECORD_SIZE_MAX);
    *out = reader;
    return ACESO_OK;
}

void proof_file_reader_free(struct proof_file_reader *reader)
{
    if (!reader)
        return;
    buffer_free(&reader->part);
    free(reader->batches);
    free(reader);
}

static int proof_file_bad(struct aceso_error *error, const char *what)
{
    return error_set(error, ACESO_EFORMAT, "proof", "%s", what);
}

static int proof_file_take_start(struct proof_file_reader *reader, struct reader *in,
                                 struct aceso_error *error)
{
    struct bytes magic = reader_take(in, MAGIC_SIZE);
    uint8_t version = reader_u8(in), merged = reader_u8(in);

    if (!bytes_equal(magic, bytes_of(proof_file_magic, MAGIC_SIZE)))
        return proof_file_bad(error, "not a proof file");
    if (version != RECORD_VERSION_BYTE || merged > 1)
        return proof_file_bad(error, "of an unknown version");
    reader->merged = merged;
    return reader->handler.start(reader->handler.data, merged, error);
}

static int proof_file_take_relationship(struct proof_file_reader *reader, struct reader *in,
                                        struct aceso_error *error)
{
    struct known_relationship *known = &reader->relationships[reader->totals.relationships];
    struct proof_relationship found;

    if (reader->totals.relationships >= PROOF_FILE_RELATIONSHIPS_MAX)
        return error_set(error, ACESO_ELIMIT, "proof", "too many relationships");
    reader_copy(in, found.consortium, sizeof found.consortium);
    found.hospital = reader_u32(in);
    found.context.chain_id = reader_u64(in);
    reader_copy(in, found.context.contract, sizeof found.context.contract);
    reader_copy(in, found.context.patient, sizeof found.context.patient);
    reader_copy(in, found.context.hospital, sizeof found.context.hospital);
    found.level = reader_u8(in);
    if (!reader_done(in) || found.level < 1 || found.level > RECORD_LEVELS)
        return proof_file_bad(error, "a relationship is malformed");
    for (size_t i = 0; i < reader->totals.relationships; i++) {
        if (memcmp(reader->relationships[i].contract, found.context.contract,
                   RECORD_ADDRESS_SIZE) == 0)
            return proof_file_bad(error, "a relationship stands twice");
    }
    memcpy(known->contract, found.context.contract, sizeof known->contract);
    known->level = found.level;
    reader->totals.relationships++;
    return reader->handler.relationship(reader->handler.data, &found, error);
}

static int proof_file_keep_batch(struct proof_file_reader *reader, const struct proof_batch *found,
                                 struct aceso_error *error)
{
    size_t count = reader->totals.batches;

    for (size_t i = count; i-- > 0;) {
        if (reader->batches[i].number == found->batch.number &&
            reader->batches[i].relationship == found->relationship)
            return proof_file_bad(error, "a batch stands twice");
    }
    if (count >= PROOF_FILE_BATCHES_MAX)
        return error_set(error, ACESO_ELIMIT, "proof", "too many batches");
    if (count == reader->batch_room) {
        size_t room = count ? 2 * count : 16;
        struct known_batch *batches = realloc(reader->batches, room * sizeof *batches);

        if (!batches)
            return error_set(error, ACESO_EMEMORY, "proof", "out of memory");
        reader->batches = batches;
        reader->batch_room = room;
    }
    reader->batches[count] = (struct known_batch){ .number = found->batch.number,
                                                   .relationship = found->relationship,
                                                   .records = found->batch.records };
    reader->totals.batches++;
    return ACESO_OK;
}

static int proof_file_take_batch(struct proof_file_reader *reader, struct reader *in,
                                 struct aceso_error *error)
{
    struct proof_batch found;
    int code;

    found.relationship = reader_u32(in);
    found.batch.number = reader_u64(in);
    reader_copy(in, found.batch.previous_root, sizeof found.batch.previous_root);
    reader_copy(in, found.batch.root, sizeof found.batch.root);
    found.batch.records = reader_u32(in);
    found.batch.leaves = reader_u32(in);
    reader_copy(in, found.signature, sizeof found.signature);
    if (!reader_done(in) || found.relationship >= reader->totals.relationships ||
        found.batch.number == 0 || found.batch.records == 0 ||
        found.batch.records > RECORD_BATCH_MAX ||
        found.batch.leaves != RECORD_LEVELS * found.batch.records)
        return proof_file_bad(error, "a batch is malformed");
    code = proof_file_keep_batch(reader, &found, error);
    return code ? code : reader->handler.batch(reader->handler.data, &found, error);
}

static int proof_file_take_line(struct proof_file_reader *reader, uint64_t line,
                                struct aceso_error *error)
{
    if (line == reader->totals.lines + 1) {
        reader->totals.lines++;
        return ACESO_OK;
    }
    if (line == 0 || (reader->merged && line <= reader->totals.lines))
        return ACESO_OK;
    return proof_file_bad(error, "a line is out of its order");
}

static int proof_file_take_record(struct proof_file_reader *reader, struct reader *in,
                                  struct aceso_error *error)
{
    struct known_batch *batch;
    struct proof_record found;
    size_t siblings;
    int code;

    found.batch = reader_u32(in);
    reader_copy(in, found.record, sizeof found.record);
    found.version = reader_u32(in);
    found.position = reader_u32(in);
    found.line = reader_u64(in);
    if (in->failed || found.batch >= reader->totals.batches || found.version == 0)
        return proof_file_bad(error, "a record is malformed");
    batch = &reader->batches[found.batch];
    if (found.position >= batch->records)
        return proof_file_bad(error, "a record that its batch does not have");
    if (found.position < batch->next)
        return proof_file_bad(error, "a record came twice, or out of order");
    batch->next = found.position + 1;
    found.levels = reader->relationships[batch->relationship].level;
    for (unsigned i = 0; i < found.levels; i++) {
        reader_copy(in, found.part[i].salt, PART_SALT_SIZE);
        found.part[i].bytes = reader_field(in, RECORD_TEXT_MAX);
    }
    siblings = proof_file_inner(found.levels) + merkle_depth(found.position, batch->records);
    found.siblings = reader_take(in, siblings * RECORD_HASH_SIZE);
    if (!reader_done(in))
        return proof_file_bad(error, "a record is malformed");
    code = proof_file_take_line(reader, found.line, error);
    reader->totals.records++;
    return code ? code : reader->handler.record(reader->handler.data, &found, error);
}

static int proof_file_take_end(struct proof_file_reader *reader, struct reader *in,
                               struct aceso_error *error)
{
    struct proof_file_totals totals;

    totals.relationships = reader_u32(in);
    totals.batches = reader_u32(in);
    totals.records = reader_u64(in);
    totals.lines = reader_u64(in);
    if (!reader_done(in) || totals.relationships != reader->totals.relationships ||
        totals.batches != reader->totals.batches || totals.records != reader->totals.records ||
        totals.lines != reader->totals.lines)
        return proof_file_bad(error, "its totals are not what stands in it");
    reader->state = STATE_END;
    reader->need = 1;
    return ACESO_OK;
}

/* Kind and length of the next frame. */
static int proof_file_take_head(struct proof_file_reader *reader, struct reader *in,
                                struct aceso_error *error)
{
    static const struct {
        size_t min, max;
    } sizes[] = { [KIND_RELATIONSHIP] = { RELATIONSHIP_SIZE, RELATIONSHIP_SIZE },
                  [KIND_BATCH] = { BATCH_SIZE, BATCH_SIZE },
                  [KIND_RECORD] = { RECORD_HEAD + PART_HEAD, RECORD_SIZE_MAX },
                  [KIND_END] = { END_SIZE, END_SIZE } };
    uint32_t length;

    reader->kind = reader_u8(in);
    length = reader_u32(in);
    if (reader->kind < KIND_RELATIONSHIP || reader->kind > KIND_END ||
        length < sizes[reader->kind].min || length > sizes[reader->kind].max)
        return proof_file_bad(error, "something unknown stands in it");
    reader->state = STATE_BODY;
    reader->need = length;
    return ACESO_OK;
}

/* `piece` is the whole of what the state waited for. */
static int proof_file_step(struct proof_file_reader *reader, struct bytes piece,
                           struct aceso_error *error)
{
    struct reader in = reader_of(piece);

    switch (reader->state) {
    case STATE_HEAD:
        return proof_file_take_head(reader, &in, error);
    case STATE_END:
        return proof_file_bad(error, "bytes behind its end");
    default:
        break;
    }
    reader->need = FRAME_HEAD;
    if (reader->state == STATE_START) {
        reader->state = STATE_HEAD;
        return proof_file_take_start(reader, &in, error);
    }
    reader->state = STATE_HEAD;
    switch (reader->kind) {
    case KIND_RELATIONSHIP:
        return proof_file_take_relationship(reader, &in, error);
    case KIND_BATCH:
        return proof_file_take_batch(reader, &in, error);
    case KIND_RECORD:
        return proof_file_take_record(reader, &in, error);
    default:
        return proof_file_take_end(reader, &in, error);
    }
}

int proof_file_reader_feed(struct proof_file_reader *reader, struct bytes bytes,
                           struct aceso_error *error)
{
    if (reader->failed)
        return error_set(error, reader->failed, "proof", "failed before");
    while (bytes.len > 0) {
        size_t missing = reader->need - reader->part.len;
        size_t take = bytes.len < missing ? bytes.len : missing;
        struct bytes piece = bytes_of(bytes.data, take);

        /* A piece that came whole is read where it lies. */
        if (take < reader->need) {
            int code = buffer_put_bytes(&reader->part, piece);

            if (code)
                return error_set(error, reader->failed = code, "proof", "no memory for a record");
            piece = buffer_bytes(&reader->part);
        }
        bytes.data += take;
        bytes.len -= take;
        if (piece.len < reader->need)
            break;
        reader->failed = proof_file_step(reader, piece, error);
        if (reader->failed)
            return reader->failed;
        buffer_clear(&reader->part);
    }
    return ACESO_OK;
}

int proof_file_reader_finish(struct proof_file_reader *reader, struct proof_file_totals *totals,
                             struct aceso_error *error)
{
    if (reader->failed)
        return error_set(error, reader->failed, "proof", "failed before");
    if (reader->state != STATE_END || reader->part.len)
        return error_set(error, ACESO_EFORMAT, "proof", "cut off after %llu records",
                         (unsigned long long)reader->totals.records);
    if (totals)
        *totals = reader->totals;
    return ACESO_OK;
}
