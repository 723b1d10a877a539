/* SPDX-License-Identifier: Apache-2.0 */
/* Records whose sealed bytes are with a part_store: put there, fetched, held against what they
 * must be. Uses object, part_store. */
#ifndef ACESO_RECORD_AWAY_H
#define ACESO_RECORD_AWAY_H

#include "record/part_store.h"

#define AWAY_BATCH_RECORDS 64
#define AWAY_BATCH_BYTES ((size_t)4 << 20) /* of contents in one go; a longer record goes alone */

/* One record as the records database knows it, and what became of it. */
struct away_record {
    uint8_t patient[RECORD_ADDRESS_SIZE];
    uint8_t record[RECORD_ID_SIZE];
    uint32_t version;
    uint64_t generation;              /* from 1; 0: was never away */
    size_t size;                      /* of the content */
    uint8_t digest[RECORD_HASH_SIZE]; /* SHA-256 of the content */
    enum object_fault fault;
    struct buffer content;            /* the owner's: away_records_free */
};

void away_records_free(struct away_record *records, size_t n);

/* Seals the contents under their generations and puts them. */
ACESO_NODISCARD int away_put(const struct part_store *store, const struct object_keys *keys,
                             const struct away_record *records, size_t n,
                             struct aceso_error *error);

/* Fetches all; each one's `fault` says whether it is what it must be, and `content` has it then
 * (empty otherwise). Fails only where the store cannot be asked. */
ACESO_NODISCARD int away_fetch(const struct part_store *store, const struct object_keys *keys,
                               struct away_record *records, size_t n, struct aceso_error *error);

ACESO_NODISCARD int away_remove(const struct part_store *store, const struct object_keys *keys,
                                const struct away_record *records, size_t n,
                                struct aceso_error *error);

#endif
