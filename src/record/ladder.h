/* SPDX-License-Identifier: Apache-2.0 */
/* The ladder of level keys: K_4 is random, K_{l-1} = HKDF(K_l), so that who has a level has the
 * lower ones and never a higher one. Uses crypto. No I/O.
 *
 * Bound to chain id, patient, hospital and epoch; not to the contract, since the first keys are
 * made before it exists (parts bind it). A key of the ladder is only ever a KDF's input. */
#ifndef ACESO_RECORD_LADDER_H
#define ACESO_RECORD_LADDER_H

#include "record/context.h"

/* Keys 1..top, each at [level - 1]; those above `top` are zero. A secret: from secret_alloc, or
 * wiped with ladder_wipe. */
struct ladder {
    uint8_t top; /* 1..4 */
    uint8_t key[RECORD_LEVELS][RECORD_KEY_SIZE];
};

/* A fresh random K_4 and what follows from it. */
ACESO_NODISCARD int ladder_random(const struct record_context *context, struct record_epoch epoch,
                                  struct ladder *out, struct aceso_error *error);

/* The ladder below `key`, which is that of `level` (1..4; else ACESO_EUSAGE). */
ACESO_NODISCARD int ladder_from(const struct record_context *context, struct record_epoch epoch,
                                uint8_t level, const uint8_t key[RECORD_KEY_SIZE],
                                struct ladder *out, struct aceso_error *error);

void ladder_wipe(struct ladder *ladder);

#endif
