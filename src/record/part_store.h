/* SPDX-License-Identifier: Apache-2.0 */
/* Where sealed bytes may be kept beside the records database: one small interface, an
 * implementation a table of functions. The HIPAA cloud over HTTPS is one (hospital/cloud_client.h);
 * tests have one in memory. Uses base only.
 *
 * A store is not trusted with anything but keeping: what it gives back is held against what the
 * records database knows (away.h). One thread at a time for each object. Passing failures are
 * ACESO_EIO, ACESO_ETIMEOUT and ACESO_EBUSY. */
#ifndef ACESO_RECORD_PART_STORE_H
#define ACESO_RECORD_PART_STORE_H

#include "record/object_batch.h"

struct part_object {
    const uint8_t *name; /* OBJECT_NAME_SIZE bytes */
    struct bytes bytes;
};

struct part_store {
    void *state;

    /* Writes all or none; ACESO_OK once they lie there durably. What is there under a name is
     * replaced. At most OBJECT_BATCH_MAX, together less than OBJECT_BATCH_BYTES. */
    int (*put)(void *state, const struct part_object *objects, size_t n,
               struct aceso_error *error);

    /* Calls `each` for those of the names (at most OBJECT_BATCH_MAX) that are there. */
    int (*get)(void *state, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
               object_batch_fn *each, void *data, struct aceso_error *error);

    /* Removes those that are there; the others count as removed. */
    int (*remove)(void *state, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                  struct aceso_error *error);

    /* The names behind `after` (NULL: from the first) in rising order, at most `max`; none left:
     * `*n` is 0. */
    int (*list)(void *state, const uint8_t *after, uint8_t (*names)[OBJECT_NAME_SIZE], size_t max,
                size_t *n, struct aceso_error *error);
};

#endif
