/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of sealed parts on the wire. Uses base. No I/O of its own.
 *
 *     stream = version(1) row* end
 *     row    = length(4, not 0) patient(20) record(16) version(4) level(1) e(4) n(4)
 *              sealed(4 + bytes) proof(4 + bytes)
 *     end    = 0(4) count(8), or 0xffffffff(4) reason(1): it breaks off, and says why
 *
 * A stream that does not close with the right count was cut. Nothing here is trusted: the parts
 * and proofs inside are what is checked (open.h). */
#ifndef ACESO_RECORD_ROW_H
#define ACESO_RECORD_ROW_H

#include "record/context.h"

#define ROW_MAX ((size_t)56 << 20) /* bytes of one row behind its length */
#define ROW_MEDIA_TYPE "application/vnd.aceso.parts"

/* The writing side: start, rows, end. Each appends to `out` and returns its code. */
int row_put_start(struct buffer *out);
int row_put(const struct record_row *row, struct buffer *out);
int row_put_end(uint64_t rows, struct buffer *out);

/* Why a stream breaks off: what a reader is told of the hospital's store. */
enum row_break {
    ROW_BREAK_DAMAGED = 1, /* it lost or changed a part */
    ROW_BREAK_AWAY = 2,    /* it does not answer */
};
int row_put_break(enum row_break reason, struct buffer *out);

/* The receiving side: takes the stream in pieces of any size, hands out each whole row. */
struct row_reader;

typedef int row_receive_fn(void *data, const struct record_row *row, struct aceso_error *error);

/* `row->sealed` and `row->proof` live during the call. */
ACESO_NODISCARD int row_reader_create(row_receive_fn *receive, void *data, struct row_reader **out,
                                      struct aceso_error *error);
void row_reader_free(struct row_reader *reader); /* accepts NULL */

/* ACESO_EFORMAT, ACESO_ELIMIT or what `receive` returned; where the stream breaks off with a reason
 * ACESO_EVERIFY (damaged) or ACESO_EBUSY (away). From then on every call fails. */
ACESO_NODISCARD int row_reader_feed(struct row_reader *reader, struct bytes bytes,
                                    struct aceso_error *error);

/* Once the connection is at its end: ACESO_EFORMAT when the stream was cut or its count is
 * wrong. `rows` (may be NULL): how many came. */
ACESO_NODISCARD int row_reader_finish(struct row_reader *reader, uint64_t *rows,
                                      struct aceso_error *error);

#endif
