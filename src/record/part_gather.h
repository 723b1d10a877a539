/* SPDX-License-Identifier: Apache-2.0 */
/* Rows on their way to a reader: those whose sealed bytes are away get them, in batches. Uses
 * records_away, away.
 *
 * Rows are put in until it is full, then filled in one go, then taken out in the order they came.
 * It holds at most AWAY_BATCH_RECORDS records and AWAY_BATCH_BYTES of contents, or one record. */
#ifndef ACESO_RECORD_PART_GATHER_H
#define ACESO_RECORD_PART_GATHER_H

#include "record/records_away.h"

struct part_gather;

/* `records` is a connection of the gatherer's own. `store` and `keys` may be NULL where nothing is
 * away. All three outlive it. */
ACESO_NODISCARD int part_gather_create(struct records *records, const struct part_store *store,
                                       const struct object_keys *keys, struct part_gather **out,
                                       struct aceso_error *error);
void part_gather_free(struct part_gather *gather); /* accepts NULL */

/* Copies a row in. */
ACESO_NODISCARD int part_gather_add(struct part_gather *gather, const struct record_row *row,
                                    struct aceso_error *error);
bool part_gather_full(const struct part_gather *gather);
bool part_gather_empty(const struct part_gather *gather);

/* Fetches what is missing. May be called again after a passing failure. ACESO_EVERIFY where the
 * store lost or changed something: `bad` (may be NULL) is the first such record, every one is noted
 * in the database (records_fault_note) as well. */
ACESO_NODISCARD int part_gather_fill(struct part_gather *gather, struct away_record *bad,
                                     struct aceso_error *error);

/* The next row of those that are filled; false: none left, put in the next ones. The slices live
 * until then. */
bool part_gather_take(struct part_gather *gather, struct record_row *out);

#endif
