/* SPDX-License-Identifier: Apache-2.0 */
/* What a cloud keeps for one hospital: a database file of its own, DATA/objects/<address>.db, with
 * names, bytes and how much that is; nothing else, no times. Uses store, record (object_batch).
 *
 * The file is the wall between tenants: who calls is known from the TLS handshake, and no call
 * reaches any other file than the caller's. One thread at a time for each object; several on the
 * same file are fine. */
#ifndef ACESO_CLOUD_TENANT_H
#define ACESO_CLOUD_TENANT_H

#include "record/object_batch.h"

struct tenant;

/* `directory` is that of all tenants; made where it is not there. `make` false: ACESO_ENOTFOUND
 * for a hospital that never wrote anything. */
ACESO_NODISCARD int tenant_open(const char *directory, const uint8_t hospital[20], bool make,
                                struct tenant **tenant, struct aceso_error *error);
void tenant_close(struct tenant *tenant); /* accepts NULL */

/* Writes all objects of a batch (object_batch.h) or none, durably; `*count`: how many.
 * ACESO_ELIMIT where the hospital would have more than `quota` bytes. */
ACESO_NODISCARD int tenant_write(struct tenant *tenant, struct bytes batch, uint64_t quota,
                                 size_t *count, struct aceso_error *error);

/* Appends a batch of those that are there, in the order of the names. */
ACESO_NODISCARD int tenant_read(struct tenant *tenant, const uint8_t (*names)[OBJECT_NAME_SIZE],
                                size_t n, struct buffer *out, struct aceso_error *error);

/* Removes those that are there; `*count`: how many were. */
ACESO_NODISCARD int tenant_remove(struct tenant *tenant, const uint8_t (*names)[OBJECT_NAME_SIZE],
                                  size_t n, size_t *count, struct aceso_error *error);

/* Appends the names behind `after` (NULL: from the first) in rising order, OBJECT_LIST_MAX at
 * most, as a batch of names. */
ACESO_NODISCARD int tenant_list(struct tenant *tenant, const uint8_t *after, struct buffer *out,
                                struct aceso_error *error);

struct tenant_usage {
    uint64_t objects;
    uint64_t bytes;
};
ACESO_NODISCARD int tenant_usage(struct tenant *tenant, struct tenant_usage *usage,
                                 struct aceso_error *error);

/* Calls `each` for every hospital that has a file. */
typedef int tenant_fn(void *data, const uint8_t hospital[20], struct aceso_error *error);
ACESO_NODISCARD int tenant_each(const char *directory, tenant_fn *each, void *data,
                                struct aceso_error *error);

#endif
