/* SPDX-License-Identifier: Apache-2.0 */
/* How a stream reaches its owner over the control socket: two files in one stream, and how it
 * ended. Uses base, net. No I/O of its own.
 *
 *     stream = frame*
 *     frame  = kind(1) length(4) body
 *     kinds  = 1 data, 2 proof: the next bytes of either file
 *              3 end: data bytes(8) proof bytes(8) message (UTF-8, may be empty)
 *              4 problem: JSON as in http_problem.h
 *
 * Nothing comes behind an end or a problem; a stream without one was cut. */
#ifndef ACESO_NODE_FRAME_H
#define ACESO_NODE_FRAME_H

#include "net/http_server.h"

#define FRAME_MEDIA_TYPE "application/vnd.aceso.frames"
#define FRAME_BODY_MAX ((size_t)65536)
#define FRAME_MESSAGE_MAX 1024

enum frame_kind { FRAME_DATA = 1, FRAME_PROOF, FRAME_END, FRAME_PROBLEM };

/* Each appends and returns its code, which stays in `out`. Long bytes become several frames. */
int frame_put(enum frame_kind kind, struct bytes bytes, struct buffer *out);
int frame_put_end(uint64_t data, uint64_t proof, const char *message, struct buffer *out);
int frame_put_problem(const struct aceso_error *problem, struct buffer *out);

/* Turns a stream of bytes into one of frames, all of them data. `stream` is taken over, and freed
 * on failure too. */
ACESO_NODISCARD int frame_stream(struct http_stream *stream, struct aceso_error *error);

struct frame_end {
    uint64_t data;
    uint64_t proof;
    char message[FRAME_MESSAGE_MAX + 1]; /* "" where there is none */
};

struct frame_reader;

/* Takes bytes of either file (FRAME_DATA, FRAME_PROOF) as they come. */
typedef int frame_receive_fn(void *context, enum frame_kind kind, struct bytes bytes,
                             struct aceso_error *error);

ACESO_NODISCARD int frame_reader_create(frame_receive_fn *receive, void *context,
                                        struct frame_reader **out, struct aceso_error *error);
void frame_reader_free(struct frame_reader *reader); /* accepts NULL */

/* ACESO_EFORMAT, what `receive` returned, or, with its text, the problem that the other side had.
 * From then on every call fails. */
ACESO_NODISCARD int frame_reader_feed(struct frame_reader *reader, struct bytes bytes,
                                      struct aceso_error *error);

/* ACESO_EIO when the stream was cut, ACESO_EFORMAT when its totals are wrong. */
ACESO_NODISCARD int frame_reader_finish(struct frame_reader *reader, struct frame_end *end,
                                        struct aceso_error *error);

#endif
