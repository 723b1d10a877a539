/* SPDX-License-Identifier: Apache-2.0 */
/* Which records' sealed bytes are here and which are away: the records database's side. Uses
 * records, away.
 *
 *     HOME -> LEAVING -> AWAY        generation and digest are written down before anything is put,
 *                                    the bytes here are removed after the store has confirmed
 *     AWAY -> RETURNED -> HOME       the bytes are here again before they are removed there
 *
 * Each arrow is one transaction, so that a crash at any moment repeats a step and loses nothing.
 * Where a record is away its rows of the view `parts` have an empty `sealed`. */
#ifndef ACESO_RECORD_RECORDS_AWAY_H
#define ACESO_RECORD_RECORDS_AWAY_H

#include "record/away.h"
#include "record/records.h"

enum records_where {
    RECORDS_HOME = 0,
    RECORDS_LEAVING = 1,
    RECORDS_AWAY = 2,
    RECORDS_RETURNED = 3,
    RECORDS_DAMAGED = 4, /* here, and not what it must be: never carried away */
};

/* The next records to be put: those that were on their way before, then signed ones that are here;
 * at most AWAY_BATCH_RECORDS and about AWAY_BATCH_BYTES. Marks them LEAVING, with generation, size
 * and digest, and fills their contents. `*n` is 0 when there is nothing to carry. What is found
 * damaged is marked, noted as a fault and passed over. */
ACESO_NODISCARD int records_away_leave(struct records *records,
                                       struct away_record out[AWAY_BATCH_RECORDS], size_t *n,
                                       struct aceso_error *error);

/* They lie in the store: removes their bytes here. */
ACESO_NODISCARD int records_away_left(struct records *records, const struct away_record *list,
                                      size_t n, struct aceso_error *error);

/* Those in state `where` (AWAY, RETURNED) of which no fault is noted, without contents; as many as
 * above. */
ACESO_NODISCARD int records_away_in(struct records *records, enum records_where where,
                                    struct away_record out[AWAY_BATCH_RECORDS], size_t *n,
                                    struct aceso_error *error);

/* Takes contents that came back and are sound; state RETURNED. */
ACESO_NODISCARD int records_away_return(struct records *records, const struct away_record *list,
                                        size_t n, struct aceso_error *error);

/* They are removed from the store; state HOME. */
ACESO_NODISCARD int records_away_settle(struct records *records, const struct away_record *list,
                                        size_t n, struct aceso_error *error);

/* Leaves nothing of what was removed in the database's log either; once all have left. ACESO_EBUSY
 * while somebody reads. */
ACESO_NODISCARD int records_away_scrub(struct records *records, struct aceso_error *error);

/* Walks over all records, or those of one patient (may be NULL), in the order of (patient, record,
 * version): the ones behind `*after`, whose first three members are the last one seen (NULL: from
 * the first). Those that are here have their content checked (`fault` says how it is) and not
 * kept. */
struct records_place {
    struct away_record record;
    enum records_where where;
};
ACESO_NODISCARD int records_away_walk(struct records *records, const uint8_t *patient,
                                      const struct away_record *after,
                                      struct records_place out[AWAY_BATCH_RECORDS], size_t *n,
                                      struct aceso_error *error);

/* One record. Where it is here, `fault` says how it is, and `content` is filled where it is sound.
 * ACESO_ENOTFOUND. */
ACESO_NODISCARD int records_away_find(struct records *records, const uint8_t *patient,
                                      const uint8_t *record, uint32_t version,
                                      struct records_place *out, struct aceso_error *error);

/* Faults that were found, kept until a check finds the record sound again (OBJECT_SOUND). */
ACESO_NODISCARD int records_fault_note(struct records *records, const struct away_record *record,
                                       struct aceso_error *error);

struct records_counts {
    uint64_t home;    /* signed, and here */
    uint64_t waiting; /* of a batch that is not signed yet */
    uint64_t away;
    uint64_t faults;  /* noted */
};
ACESO_NODISCARD int records_away_counts(struct records *records, struct records_counts *out,
                                        struct aceso_error *error);

#endif
