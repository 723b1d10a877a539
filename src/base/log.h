/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line an entry on standard error, "time level party: text". Uses text.
 *
 * What may stand in it: addresses of parties, digests, counts, codes. Never a secret, a name, an
 * identifier or a value out of a record, a place in one, nor a path that a person chose.
 * Thread-safe. */
#ifndef ACESO_BASE_LOG_H
#define ACESO_BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `party` (copied, cut at 63 bytes) stands in every line from then on. */
void log_init(const char *party, enum log_level least);

void log_error(const char *format, ...) ACESO_PRINTF(1, 2);
void log_warning(const char *format, ...) ACESO_PRINTF(1, 2);
void log_info(const char *format, ...) ACESO_PRINTF(1, 2);
void log_debug(const char *format, ...) ACESO_PRINTF(1, 2);

#endif
