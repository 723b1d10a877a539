/* SPDX-License-Identifier: Apache-2.0 */
/* Turns work that pushes bytes (a fetch that is opened and checked as it comes) into a stream that
 * is pulled: the work runs on a thread of its own, a bounded buffer between. Uses net. */
#ifndef ACESO_NODE_PUMP_H
#define ACESO_NODE_PUMP_H

#include "base/buffer.h"
#include "net/http_server.h"

struct pump;

/* Hands bytes to the stream; waits while the buffer is full. ACESO_ECANCELLED once nobody reads any
 * more: the work then ends with that code. */
ACESO_NODISCARD int pump_put(struct pump *pump, struct bytes bytes, struct aceso_error *error);

/* The work. What it returns ends the stream: ACESO_OK its proper end, anything else cuts it. */
typedef int pump_fn(struct pump *pump, void *data, struct aceso_error *error);

/* Starts `work` and fills `stream`. `release` (may be NULL) frees `data` when both are done; on
 * failure the caller still owns it. */
ACESO_NODISCARD int pump_start(pump_fn *work, void *data, void (*release)(void *data),
                               struct http_stream *stream, struct aceso_error *error);

#endif
