/* SPDX-License-Identifier: Apache-2.0 */
/* The chain's nodes that may be asked: HTTP(S), or a unix socket (IPC). Internal to this folder.
 * Uses base, libcurl. Network I/O.
 *
 * One of them is asked until it fails, then the next; whoever is asked keeps connections open, one
 * for each call under way. Thread-safe. */
#ifndef ACESO_CHAIN_ENDPOINT_H
#define ACESO_CHAIN_ENDPOINT_H

#include "base/buffer.h"

#define ENDPOINTS_MAX 8

struct endpoints;

/* `urls`: one or several, with commas between: http://, https://, or ipc:/PATH. ACESO_EUSAGE for
 * anything else. Connects to nothing yet. */
ACESO_NODISCARD int endpoints_open(const char *urls, uint32_t timeout_ms,
                                   struct endpoints **endpoints, struct aceso_error *error);
void endpoints_close(struct endpoints *endpoints); /* accepts NULL */

size_t endpoints_count(const struct endpoints *endpoints);

/* The one to ask at the present. */
size_t endpoints_current(const struct endpoints *endpoints);

/* `which` failed: if it is the present one, the next one is from now on. */
void endpoints_avoid(struct endpoints *endpoints, size_t which);

/* Whether it was found to be on the right chain; kept until it is avoided. */
bool endpoints_checked(const struct endpoints *endpoints, size_t which);
void endpoints_check(struct endpoints *endpoints, size_t which);

/* Sends a request and appends the answer's text, at most what `answer` takes. ACESO_EIO,
 * ACESO_ETIMEOUT, ACESO_ELIMIT. */
ACESO_NODISCARD int endpoints_post(struct endpoints *endpoints, size_t which, struct bytes request,
                                   struct buffer *answer, struct aceso_error *error);

#endif
