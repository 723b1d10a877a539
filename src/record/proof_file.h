/* SPDX-License-Identifier: Apache-2.0 */
/* The file that stands beside an export and lets a stranger check it without a key: what was opened
 * and what ties it to roots that a patient signed. Uses open, proof. No I/O of its own.
 * Bytes: docs/proof.md.
 *
 *     file   = "aceso proof\n" version(1) merged(1) frame* end
 *     frame  = kind(1) length(4) body
 *
 * A relationship stands before its batches, a batch before its records. Records come in the order
 * of the lines that they begin; a record of nothing that its level may see stands on line 0. In a
 * merged file a record may back a line that an earlier one began. Written and read as a stream, in
 * memory for one record and some bytes a batch. */
#ifndef ACESO_RECORD_PROOF_FILE_H
#define ACESO_RECORD_PROOF_FILE_H

#include "record/open.h"
#include "record/proof.h"

#define PROOF_FILE_RELATIONSHIPS_MAX 64
#define PROOF_FILE_BATCHES_MAX 65536
#define PROOF_FILE_SIGNATURE_SIZE 65

struct proof_relationship {
    uint8_t consortium[RECORD_ADDRESS_SIZE]; /* the AMSC contract on context.chain_id */
    uint32_t hospital;                       /* its number there; its address is in the context */
    struct record_context context;
    uint8_t level; /* parts 1..level of each record are here */
};

struct proof_batch {
    uint32_t relationship; /* from 0, in the order of the file */
    struct record_batch batch;
    uint8_t signature[PROOF_FILE_SIGNATURE_SIZE]; /* the patient's */
};

struct proof_record {
    uint32_t batch; /* from 0, in the order of the file */
    uint8_t record[RECORD_ID_SIZE];
    uint32_t version;
    uint32_t position; /* in its batch, from 0; rises within a batch */
    uint64_t line;     /* of the export, from 1; 0: nothing to see at this level */
    uint8_t levels;
    struct part_content part[RECORD_LEVELS]; /* [levels] */
    struct bytes siblings; /* 32 bytes each: those inside the record, then the path above it */
};

struct proof_file_totals {
    uint32_t relationships;
    uint32_t batches;
    uint64_t records;
    uint64_t lines;
};

/* The writing side: each appends to `out` and returns its code (which stays there). The caller
 * keeps to the order above. `merged`: several records may back one line. */
int proof_file_put_start(bool merged, struct buffer *out);
int proof_file_put_relationship(const struct proof_relationship *relationship, struct buffer *out);
int proof_file_put_batch(const struct proof_batch *batch, struct buffer *out);
int proof_file_put_record(const struct record_opened *record, uint32_t batch, uint64_t line,
                          struct buffer *out);
int proof_file_put_end(const struct proof_file_totals *totals, struct buffer *out);

/* The reading side: what is handed out is well-formed, its numbers agree with what came before;
 * nothing of it is verified yet (proof_check.h). Slices live during the call. */
struct proof_file_handler {
    int (*start)(void *data, bool merged, struct aceso_error *error);
    int (*relationship)(void *data, const struct proof_relationship *relationship,
                        struct aceso_error *error);
    int (*batch)(void *data, const struct proof_batch *batch, struct aceso_error *error);
    int (*record)(void *data, const struct proof_record *record, struct aceso_error *error);
    void *data;
};

struct proof_file_reader;

ACESO_NODISCARD int proof_file_reader_create(const struct proof_file_handler *handler,
                                             struct proof_file_reader **out,
                                             struct aceso_error *error);
void proof_file_reader_free(struct proof_file_reader *reader); /* wipes; accepts NULL */

/* Takes pieces of any size. ACESO_EFORMAT, ACESO_ELIMIT or what a handler returned; from then on
 * every call fails. */
ACESO_NODISCARD int proof_file_reader_feed(struct proof_file_reader *reader, struct bytes bytes,
                                           struct aceso_error *error);

/* ACESO_EFORMAT when the file ended before its end, or its totals are not what came. */
ACESO_NODISCARD int proof_file_reader_finish(struct proof_file_reader *reader,
                                             struct proof_file_totals *totals,
                                             struct aceso_error *error);

#endif
