/* SPDX-License-Identifier: Apache-2.0 */
/* Checks an export against its proof file: every leaf made again, every path to a root that the
 * patient signed, every resource rebuilt and held against its line; no line without a record, no
 * record that shows something without its line. Uses proof_file, patch, value. No I/O: the caller
 * answers for chain and signatures, and brings the lines. */
#ifndef ACESO_RECORD_PROOF_CHECK_H
#define ACESO_RECORD_PROOF_CHECK_H

#include "record/proof_file.h"

struct proof_check_config {
    /* ACESO_OK when the chain knows the relationship as it stands here. */
    int (*relationship)(void *data, const struct proof_relationship *relationship,
                        struct aceso_error *error);
    /* ACESO_OK when the chain has exactly this batch and the patient signed it. Once a batch. */
    int (*batch)(void *data, const struct proof_relationship *relationship,
                 const struct proof_batch *batch, struct aceso_error *error);
    /* The export's next line without its line end; it lives until the next call. ACESO_ENOTFOUND
     * behind the last one. */
    int (*line)(void *data, struct bytes *line, struct aceso_error *error);
    void *data;
};

/* Of one batch. */
struct proof_check_batch {
    uint32_t relationship;
    uint64_t number;
    uint32_t records; /* signed */
    uint32_t shown;   /* of those, with something to see, in the export */
    uint32_t empty;   /* proved to have nothing to see at the level */
};

struct proof_check_totals {
    struct proof_file_totals file;
    uint64_t records; /* signed, of all batches here */
    uint64_t shown;
    uint64_t empty;
};

struct proof_check;

ACESO_NODISCARD int proof_check_create(const struct proof_check_config *config,
                                       struct proof_check **out, struct aceso_error *error);
void proof_check_free(struct proof_check *check); /* wipes; accepts NULL */

/* Pieces of the proof file. ACESO_EFORMAT (malformed), ACESO_EVERIFY (does not hold), ACESO_ELIMIT,
 * or what a callback returned; the place names the line or the record. The first failure sticks. */
ACESO_NODISCARD int proof_check_feed(struct proof_check *check, struct bytes bytes,
                                     struct aceso_error *error);

/* After the last piece: the proof is whole and the export has no further line. */
ACESO_NODISCARD int proof_check_finish(struct proof_check *check,
                                       struct proof_check_totals *totals,
                                       struct aceso_error *error);

/* The batches so far, in the order of the file; NULL past the last. */
const struct proof_check_batch *proof_check_batch(const struct proof_check *check, size_t at);

#endif
