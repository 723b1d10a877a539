/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's side: rows of sealed parts in, checked records out. Uses part, patch, proof.
 * No I/O. A reader belongs to one thread at a time.
 *
 * Rows come in the order of records_query (record, version, level). For each record the parts of
 * the levels 1..l are opened, each commitment is checked against the root that the patient signed
 * (through a callback: the caller checks chain and signature), the patches are applied, and the
 * JSON is handed out. What is missing, doubled, swapped, rolled back or changed ends the reading
 * with ACESO_EVERIFY and a text that says which. The first failure sticks. A record that was handed
 * out is genuine; that none is missing is known once record_reader_finish has said so. */
#ifndef ACESO_RECORD_OPEN_H
#define ACESO_RECORD_OPEN_H

#include "record/context.h"
#include "record/part.h"

struct record_reader;

/* Fills `batch` with the signed batch `number`, signature and chain checked. ACESO_ENOTFOUND when
 * there is no such batch. Called once per number. */
typedef int record_batch_fn(void *data, uint64_t number, struct record_batch *batch,
                            struct aceso_error *error);

/* One record. All slices live during the call. */
struct record_opened {
    uint8_t record[RECORD_ID_SIZE];
    uint32_t version;
    uint64_t batch;
    uint32_t position;   /* of the record in its batch, from 0: the order of the bundle's entries */
    struct bytes json;   /* minified; data NULL: nothing to see (only where config.empty) */
    uint8_t levels;      /* parts opened: 1..levels */
    const struct part_content *content; /* [levels]: what was committed to, for proof files */
    const struct bytes *proof;          /* [levels] */
};

typedef int record_opened_fn(void *data, const struct record_opened *record,
                             struct aceso_error *error);

struct record_reader_config {
    struct record_context context;
    uint8_t level;           /* 1..4: parts above it are refused, those up to it must be there */
    uint64_t first_batch;    /* 0: no demand; else every batch first..last must be complete */
    uint64_t last_batch;
    size_t output_max;       /* bytes of one record's JSON; 0: RECORD_TEXT_MAX */
    bool empty;              /* hand out records without anything to see too, for proof files */
    record_batch_fn *batch;
    record_opened_fn *opened;
    void *data; /* for both */
};

ACESO_NODISCARD int record_reader_create(const struct record_reader_config *config,
                                         struct record_reader **out, struct aceso_error *error);
void record_reader_free(struct record_reader *reader); /* wipes; accepts NULL */

/* The level key (of config.level) of one epoch; copied. More than one epoch may be added;
 * ACESO_EEXISTS for the same twice. */
ACESO_NODISCARD int record_reader_add_key(struct record_reader *reader, struct record_epoch epoch,
                                          const uint8_t key[RECORD_KEY_SIZE],
                                          struct aceso_error *error);

/* ACESO_EVERIFY (changed, swapped, missing, doubled), ACESO_EFORMAT (malformed), ACESO_ENOTFOUND
 * (no key for the row's epoch), ACESO_ELIMIT, or what a callback returned. */
ACESO_NODISCARD int record_reader_add(struct record_reader *reader, const struct record_row *row,
                                      struct aceso_error *error);

/* After the last row: hands out the last record, then checks that of every batch that was seen
 * (and of first..last) every record came with every part up to the level. */
struct record_reader_totals {
    uint64_t rows;
    uint64_t records; /* came, those without anything to see included */
    uint64_t opened;  /* of those, with something to see */
    uint64_t batches;
};
ACESO_NODISCARD int record_reader_finish(struct record_reader *reader,
                                         struct record_reader_totals *totals,
                                         struct aceso_error *error);

#endif
