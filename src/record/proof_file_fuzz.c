/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte is the size of the pieces, the rest a proof file; whatever it says of the chain is
 * taken as true, and of the export nothing is there. The same result whatever the pieces. */
#include "record/proof_check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take_relationship(void *data, const struct proof_relationship *relationship,
                             struct aceso_error *error)
{
    (void)data;
    (void)error;
    if (relationship->level < 1 || relationship->level > RECORD_LEVELS)
        abort();
    return ACESO_OK;
}

static int take_batch(void *data, const struct proof_relationship *relationship,
                      const struct proof_batch *batch, struct aceso_error *error)
{
    (void)data;
    (void)relationship;
    (void)error;
    if (batch->batch.number == 0 || batch->batch.leaves != RECORD_LEVELS * batch->batch.records)
        abort();
    return ACESO_OK;
}

static int take_line(void *data, struct bytes *line, struct aceso_error *error)
{
    (void)data;
    (void)line;
    (void)error;
    return ACESO_ENOTFOUND;
}

static int start(void *data, bool merged, struct aceso_error *error)
{
    (void)data;
    (void)merged;
    (void)error;
    return ACESO_OK;
}

static int relationship_only(void *data, const struct proof_relationship *relationship,
                             struct aceso_error *error)
{
    return take_relationship(data, relationship, error);
}

static int batch_only(void *data, const struct proof_batch *batch, struct aceso_error *error)
{
    return take_batch(data, NULL, batch, error);
}

/* Well-formed records that need not verify. */
static int record_only(void *data, const struct proof_record *record, struct aceso_error *error)
{
    size_t *bytes = data;

    (void)error;
    if (record->levels < 1 || record->levels > RECORD_LEVELS || record->version == 0)
        abort();
    for (unsigned i = 0; i < record->levels; i++)
        *bytes += record->part[i].bytes.len;
    *bytes += record->siblings.len;
    return ACESO_OK;
}

static int read_file(struct bytes bytes, size_t piece)
{
    size_t contents = 0, whole = bytes.len;
    const struct proof_file_handler handler = { start, relationship_only, batch_only, record_only,
                                                &contents };
    struct proof_file_totals totals;
    struct proof_file_reader *reader;
    int code = proof_file_reader_create(&handler, &reader, NULL);

    for (; !code && bytes.len; bytes.data += piece, bytes.len -= piece) {
        piece = piece < bytes.len ? piece : bytes.len;
        code = proof_file_reader_feed(reader, bytes_of(bytes.data, piece), NULL);
    }
    if (!code)
        code = proof_file_reader_finish(reader, &totals, NULL);
    if (contents > whole)
        abort();
    proof_file_reader_free(reader);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct proof_check_config config = { take_relationship, take_batch, take_line, NULL };
    struct proof_check_totals totals;
    struct proof_check *check;

    if (size < 2)
        return 0;
    if (read_file(bytes_of(data + 1, size - 1), data[0] ? data[0] : 1) !=
        read_file(bytes_of(data + 1, size - 1), size))
        abort();
    if (proof_check_create(&config, &check, NULL))
        abort();
    if (proof_check_feed(check, bytes_of(data + 1, size - 1), NULL) == ACESO_OK &&
        proof_check_finish(check, &totals, NULL) == ACESO_OK && totals.file.lines != 0)
        abort();
    proof_check_free(check);
    return 0;
}
