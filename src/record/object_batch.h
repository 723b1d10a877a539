/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and their names on the way between a hospital and a cloud. Uses base only. No I/O.
 *
 *     names   = version(1) then name(32) each
 *     objects = version(1) then name(32) length(4) object each
 *
 * Both sides take them from somebody whom they do not trust. */
#ifndef ACESO_RECORD_OBJECT_BATCH_H
#define ACESO_RECORD_OBJECT_BATCH_H

#include "record/object.h"

#define OBJECT_BATCH_MAX 64                         /* objects or names in one call */
#define OBJECT_BATCH_BYTES ((size_t)8 << 20)        /* of one call that writes */
#define OBJECT_LIST_MAX 4096                        /* names in one answer to a listing */
#define OBJECT_NAMES_TYPE "application/vnd.aceso.names"
#define OBJECT_OBJECTS_TYPE "application/vnd.aceso.objects"

/* The writing side: start, then one call for each. */
int object_batch_start(struct buffer *out);
int object_batch_put_name(const uint8_t name[OBJECT_NAME_SIZE], struct buffer *out);
int object_batch_put(const uint8_t name[OBJECT_NAME_SIZE], struct bytes object,
                     struct buffer *out);

/* Reads names into `names`, of which there is room for `max`. ACESO_EFORMAT, ACESO_ELIMIT. */
ACESO_NODISCARD int object_batch_names(struct bytes bytes, uint8_t (*names)[OBJECT_NAME_SIZE],
                                       size_t max, size_t *count, struct aceso_error *error);

/* Checks all, then calls `each` for every object; at most OBJECT_BATCH_MAX, each of 1 to
 * OBJECT_SIZE_MAX bytes (whether it is an object at all is for object_open to say), no name twice.
 * Ends early with what `each` returns. */
typedef int object_batch_fn(void *data, const uint8_t name[OBJECT_NAME_SIZE], struct bytes object,
                            struct aceso_error *error);
ACESO_NODISCARD int object_batch_each(struct bytes bytes, object_batch_fn *each, void *data,
                                      struct aceso_error *error);

#endif
