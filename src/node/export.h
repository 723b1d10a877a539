/* SPDX-License-Identifier: Apache-2.0 */
/* One export: the lines that readings open, and their proof file, into one pump. Uses pump,
 * record. Belongs to one thread.
 *
 *     export_create; for each hospital: reading_fetch(..., export, ...); export_finish
 *
 * Where it merges, what is equal value for value in two records becomes one line that both back;
 * it then keeps a digest of each line, 80 bytes or so. */
#ifndef ACESO_NODE_EXPORT_H
#define ACESO_NODE_EXPORT_H

#include "node/pump.h"
#include "record/proof_file.h"

struct export;

struct export_totals {
    uint64_t lines;
    uint64_t shared;    /* records that were on a line already: equal at several hospitals */
    uint64_t differing; /* lines whose resource stands on an earlier line with other values */
};

ACESO_NODISCARD int export_create(struct pump *pump, bool merge, struct export **out,
                                  struct aceso_error *error);
void export_free(struct export *export); /* wipes; accepts NULL */

/* What a reading calls; the numbers given are for the calls that follow. */
ACESO_NODISCARD int export_add_relationship(struct export *export,
                                            const struct proof_relationship *relationship,
                                            uint32_t *index, struct aceso_error *error);
ACESO_NODISCARD int export_add_batch(struct export *export, const struct proof_batch *batch,
                                     uint32_t *index, struct aceso_error *error);
/* `record->json.data` NULL: nothing to see, for the proof only. */
ACESO_NODISCARD int export_add_record(struct export *export, uint32_t batch,
                                      const struct record_opened *record,
                                      struct aceso_error *error);

/* Once, after the last reading: ends the proof. `totals` may be NULL. */
ACESO_NODISCARD int export_finish(struct export *export, struct export_totals *totals,
                                  struct aceso_error *error);

#endif
