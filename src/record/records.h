/* SPDX-License-Identifier: Apache-2.0 */
/* The hospital's database of sealed records. Uses store, part, patch, merkle, proof.
 *
 * An import is a batch: begun under the digest of its source, filled record by record (state
 * sealing), finished (sealed: numbered, rooted, every part with its proof), signed by the patient
 * (signed). Only then does the view
 *
 *     parts(patient, record, version, level, epoch, sealed, proof)
 *
 * show it. A crash while sealing loses at most the records since the last chunk: resume says how
 * many are in, the caller goes on from there. Finishing and signing are one transaction each.
 * Clear columns, and why each is clear: docs/records.md. One thread at a time for each object;
 * several objects on the same file are fine. */
#ifndef ACESO_RECORD_RECORDS_H
#define ACESO_RECORD_RECORDS_H

#include "record/context.h"
#include "record/ladder.h"

#define RECORDS_VIEW "parts"
#define RECORDS_CHUNK_RECORDS 256            /* records in one transaction, at most */
#define RECORDS_CHUNK_BYTES ((size_t)4 << 20)

struct records;       /* the file */
struct records_batch; /* one import being sealed */

enum records_state { RECORDS_SEALING = 1, RECORDS_SEALED = 2, RECORDS_SIGNED = 3 };

/* Opens or makes the file at `path` (mode 0600) and brings its schema up to date. */
ACESO_NODISCARD int records_open(const char *path, struct records **out,
                                 struct aceso_error *error);
void records_close(struct records *records); /* accepts NULL */

/* Begins a batch. `source` names the import: a keyed hash, under a secret of the node, of the
 * bundle's bytes (never the plain digest). ACESO_EEXISTS when that source is there in any state
 * (see records_batch_resume, records_batch_find). `keys` must hold all four levels of `epoch`;
 * copied into locked memory. `records` must outlive the batch. */
ACESO_NODISCARD int records_batch_begin(struct records *records,
                                        const struct record_context *context,
                                        const uint8_t source[32], struct record_epoch epoch,
                                        const struct ladder *keys, struct records_batch **out,
                                        struct aceso_error *error);

/* Goes on with a batch that is still sealing; `epoch` and `keys` may be newer than before.
 * `done`: the number of records already in: the next one added is that many from the first.
 * ACESO_ENOTFOUND, or ACESO_ESTATE when it is finished. */
ACESO_NODISCARD int records_batch_resume(struct records *records,
                                         const struct record_context *context,
                                         const uint8_t source[32], struct record_epoch epoch,
                                         const struct ladder *keys, struct records_batch **out,
                                         uint32_t *done, struct aceso_error *error);

/* Seals the next record. view[l - 1] is the JSON text visible at level l; `data` NULL where
 * nothing is. A level that has a view needs one at every level above (ACESO_EUSAGE). `record`
 * (may be NULL) receives the new record's id. Written in chunks; a failure means that this record
 * is not in, and the same call may be tried again. */
ACESO_NODISCARD int records_batch_add(struct records_batch *batch,
                                      const struct bytes view[RECORD_LEVELS],
                                      uint8_t record[RECORD_ID_SIZE], struct aceso_error *error);

/* Writes what waits, numbers the batch, computes root and proofs; state sealed. Frees nothing.
 * ACESO_ESTATE for a batch without records. Returns again the same when called again. */
ACESO_NODISCARD int records_batch_finish(struct records_batch *batch, struct record_batch *out,
                                         struct aceso_error *error);

/* Frees the object. What was not written yet is given up; what is written stays. Accepts NULL. */
void records_batch_close(struct records_batch *batch);

/* Drops an import wholly, whether it is sealing or sealed but not signed. ACESO_ESTATE when it is
 * signed or when a later batch of the patient builds on it. No object may be open on it. */
ACESO_NODISCARD int records_batch_drop(struct records *records,
                                       const uint8_t patient[RECORD_ADDRESS_SIZE],
                                       const uint8_t source[32], struct aceso_error *error);

/* State of the import `source`; `batch` is filled once it is sealed (else number 0 and the count
 * of records so far). ACESO_ENOTFOUND. */
ACESO_NODISCARD int records_batch_find(struct records *records,
                                       const uint8_t patient[RECORD_ADDRESS_SIZE],
                                       const uint8_t source[32], enum records_state *state,
                                       struct record_batch *batch, struct aceso_error *error);

/* Batch `number` of the patient, sealed or signed. ACESO_ENOTFOUND. */
ACESO_NODISCARD int records_batch_get(struct records *records,
                                      const uint8_t patient[RECORD_ADDRESS_SIZE], uint64_t number,
                                      enum records_state *state, struct record_batch *batch,
                                      struct aceso_error *error);

/* The number of the patient's last batch that is sealed, and of the last signed; 0: none. */
ACESO_NODISCARD int records_batch_last(struct records *records,
                                       const uint8_t patient[RECORD_ADDRESS_SIZE],
                                       uint64_t *sealed, uint64_t *signed_,
                                       struct aceso_error *error);

/* Marks batch `number` signed, once the chain has it: from now on it is served. `root` is what the
 * chain has: ACESO_EVERIFY when it is another. In order only: ACESO_ESTATE while an earlier one is
 * unsigned. Signing a signed one again is ACESO_OK. */
ACESO_NODISCARD int records_batch_sign(struct records *records,
                                       const uint8_t patient[RECORD_ADDRESS_SIZE], uint64_t number,
                                       const uint8_t root[RECORD_HASH_SIZE],
                                       struct aceso_error *error);

/* Notes that the FHIR Patient.id behind `mac` (HMAC-SHA-256 under a secret of the node) is that of
 * `patient`. ACESO_EEXISTS when it is noted under another address; twice the same is ACESO_OK. */
ACESO_NODISCARD int records_patient_claim(struct records *records, const uint8_t mac[32],
                                          const uint8_t patient[RECORD_ADDRESS_SIZE],
                                          struct aceso_error *error);
/* ACESO_ENOTFOUND when nobody claimed it. */
ACESO_NODISCARD int records_patient_find(struct records *records, const uint8_t mac[32],
                                         uint8_t patient[RECORD_ADDRESS_SIZE],
                                         struct aceso_error *error);

/* Appends the canonical query of a reader: every part of the patient up to `level`, in the order
 * that record_reader takes:
 *     SELECT patient, record, version, level, epoch, sealed, proof FROM parts
 *     WHERE patient = x'...' AND level <= N ORDER BY record, version, level */
int records_query(const uint8_t patient[RECORD_ADDRESS_SIZE], uint8_t level, struct buffer *out);

/* Reads a row of that query, from the statement it runs in (the gateway's too). The slices live
 * until its next step. */
struct statement;
ACESO_NODISCARD int records_row_of(const struct statement *statement, struct record_row *out,
                                   struct aceso_error *error);

/* Calls `each` for every row of that query, in order: the hospital's own reading, and tests. The
 * gateway runs the text through store's guarded reader instead. Ends early with what `each`
 * returns if not ACESO_OK. */
typedef int records_row_fn(void *data, const struct record_row *row, struct aceso_error *error);
ACESO_NODISCARD int records_each(struct records *records,
                                 const uint8_t patient[RECORD_ADDRESS_SIZE], uint8_t level,
                                 records_row_fn *each, void *data, struct aceso_error *error);

#endif
