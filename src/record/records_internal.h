/* SPDX-License-Identifier: Apache-2.0 */
/* What records.c, records_batch.c and records_away.c share. Internal to the room. */
#ifndef ACESO_RECORD_RECORDS_INTERNAL_H
#define ACESO_RECORD_RECORDS_INTERNAL_H

#include "record/records.h"
#include "store/store.h"

struct records {
    struct store *store;
};

/* A row of the table `batch`. */
struct batch_row {
    int64_t id;
    enum records_state state;
    uint8_t context[RECORD_HASH_SIZE];
    uint32_t ordinal; /* of the import, per patient: record ids begin with it */
    struct record_batch batch;
};

ACESO_NODISCARD int records_batch_by_source(struct records *records, const uint8_t *patient,
                                            const uint8_t *source, struct batch_row *out,
                                            struct aceso_error *error);
ACESO_NODISCARD int records_batch_by_id(struct records *records, int64_t id,
                                        struct batch_row *out, struct aceso_error *error);
ACESO_NODISCARD int records_batch_by_number(struct records *records, const uint8_t *patient,
                                            uint64_t number, struct batch_row *out,
                                            struct aceso_error *error);

/* Size and SHA-256 of the content that four sealed parts make (object.h). */
size_t records_content_digest(const struct bytes part[RECORD_LEVELS],
                              uint8_t digest[RECORD_HASH_SIZE]);

#endif
