/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets, randomness, constant-time comparison. Uses libsodium.
 *
 * Small secrets that live on the stack or inside a struct are wiped with secret_wipe before they
 * go out of scope; those that live longer are taken from secret_alloc: locked, guarded, never in a
 * core dump, wiped on free. */
#ifndef ACESO_BASE_SECRET_H
#define ACESO_BASE_SECRET_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once, first thing in main: makes libsodium ready, forbids core dumps and being traced.
 * ACESO_EINTERNAL when there is no randomness. */
ACESO_NODISCARD int secret_init(struct aceso_error *error);

/* `len` bytes of locked memory, zeroed; NULL when there is none. Freed with secret_free. */
void *secret_alloc(size_t len);
void secret_free(void *secret); /* wipes; accepts NULL */

void secret_wipe(void *secret, size_t len);

/* Fills `out` from the kernel's generator; never fails (the process ends if the kernel does). */
void secret_random(void *out, size_t len);

/* Constant time in the contents; lengths are public. */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
