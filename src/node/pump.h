/* SPDX-License-Identifier: Apache-2.0 */
/* Turns work that pushes bytes (a fetch that is opened and checked as it comes) into a stream that
 * is pulled: the work runs on a thread of its own, a bounded buffer between. The stream is one of
 * frames (frame.h): two files, and how it ended. Uses net, frame. */
#ifndef ACESO_NODE_PUMP_H
#define ACESO_NODE_PUMP_H

#include "base/buffer.h"
#include "net/http_server.h"

struct pump;

/* Hands bytes to the stream; waits while the buffer is full. ACESO_ECANCELLED once nobody reads any
 * more: the work then ends with that code. */
ACESO_NODISCARD int pump_put(struct pump *pump, struct bytes bytes, struct aceso_error *error);

/* The same for the file of the proof. */
ACESO_NODISCARD int pump_put_proof(struct pump *pump, struct bytes bytes,
                                   struct aceso_error *error);

/* A sentence for the owner, told with the end. Replaces an earlier one; cut where it is long. */
void pump_say(struct pump *pump, const char *format, ...) ACESO_PRINTF(2, 3);

/* The work. What it returns ends the stream: ACESO_OK its proper end, anything else a problem with
 * its reason (an answer that is an error, where nothing was handed over yet). */
typedef int pump_fn(struct pump *pump, void *data, struct aceso_error *error);

/* Starts `work` and fills `stream`. `release` (may be NULL) frees `data` when both are done; on
 * failure the caller still owns it. */
ACESO_NODISCARD int pump_start(pump_fn *work, void *data, void (*release)(void *data),
                               struct http_stream *stream, struct aceso_error *error);

#endif
