/* SPDX-License-Identifier: Apache-2.0 */
/* What every sealed part and every key below it is bound to, and the sizes shared by the room.
 * Uses base only. No I/O. The bytes are written down in docs/records.md. */
#ifndef ACESO_RECORD_CONTEXT_H
#define ACESO_RECORD_CONTEXT_H

#include "base/buffer.h"

#define RECORD_VERSION_BYTE 1 /* the first byte of every object of this room */
#define RECORD_LEVELS 4
#define RECORD_ID_SIZE 16
#define RECORD_KEY_SIZE 32
#define RECORD_HASH_SIZE 32
#define RECORD_ADDRESS_SIZE 20
#define RECORD_DEPTH_MAX 128                   /* levels of JSON nesting in a view */
#define RECORD_TEXT_MAX ((size_t)40 << 20)     /* bytes of one view or patch */
#define RECORD_BATCH_MAX ((uint32_t)1 << 20)   /* records in one batch */

/* One relationship: a patient at a hospital, with their contract on one chain. */
struct record_context {
    uint64_t chain_id;
    uint8_t contract[RECORD_ADDRESS_SIZE]; /* their HPSC clone */
    uint8_t patient[RECORD_ADDRESS_SIZE];  /* the patient's address at this hospital */
    uint8_t hospital[RECORD_ADDRESS_SIZE]; /* the hospital's address */
};

/* The two counters of HPSC: `e` rises by the patient, `n` by the hospital. `e` < 2^31. */
struct record_epoch {
    uint32_t e;
    uint32_t n;
};

static inline bool record_epoch_equal(struct record_epoch a, struct record_epoch b)
{
    return a.e == b.e && a.n == b.n;
}

/* The epoch as one number that sorts as the pair does: e * 2^32 + n. */
static inline int64_t record_epoch_number(struct record_epoch epoch)
{
    return (int64_t)((uint64_t)epoch.e << 32 | epoch.n);
}

static inline struct record_epoch record_epoch_of(int64_t number)
{
    return (struct record_epoch){ .e = (uint32_t)((uint64_t)number >> 32),
                                  .n = (uint32_t)((uint64_t)number & UINT32_MAX) };
}

/* Where a part stands. `index` is the leaf's place in its batch: 4 * record + level - 1. */
struct record_place {
    uint8_t record[RECORD_ID_SIZE];
    uint32_t version; /* from 1 */
    uint8_t level;    /* 1..4 */
    uint32_t index;
};

/* Appends 68, 8 and 25 bytes: the fields above, in their order. Failures stay in the buffer. */
void record_context_put(const struct record_context *context, struct buffer *out);
void record_epoch_put(struct record_epoch epoch, struct buffer *out);
void record_place_put(const struct record_place *place, struct buffer *out);

/* Level and version in range, and the index one of that level. */
bool record_place_valid(const struct record_place *place);

/* What the patient signs: EIP-712 type
 * Batch(uint64 number,bytes32 previousRoot,bytes32 root,uint32 records,uint32 leaves).
 * Numbers run from 1 without a gap; the first one's previous root is zero; leaves = 4 * records. */
struct record_batch {
    uint64_t number;
    uint8_t previous_root[RECORD_HASH_SIZE];
    uint8_t root[RECORD_HASH_SIZE];
    uint32_t records;
    uint32_t leaves;
};

/* One row of the view `parts`. The slices are somebody else's. */
struct record_row {
    uint8_t patient[RECORD_ADDRESS_SIZE];
    uint8_t record[RECORD_ID_SIZE];
    uint32_t version;
    uint8_t level;
    struct record_epoch epoch;
    struct bytes sealed;
    struct bytes proof;
};

#endif
