/* SPDX-License-Identifier: Apache-2.0 */
/* What a thief of the sealed parts might try: change one, or pass one off as another. */
#include "demo.h"

#include "base/file.h"
#include "record/row.h"

#include <string.h>

#define TAMPER_MAX ((size_t)1 << 30)
#define TAMPER_LEVEL 1 /* parts of this level are read by everybody who reads anything */

struct tampering {
    enum tamper how;
    struct buffer out;
    struct buffer held; /* the sealed bytes of the first part that is swapped */
    struct buffer held_proof;
    uint64_t rows, seen;
    bool done;
};

static int tamper_row(void *data, const struct record_row *row, struct aceso_error *error)
{
    struct tampering *tampering = data;
    struct record_row copy = *row;
    struct buffer sealed = BUFFER_INIT(TAMPER_MAX);
    int code = buffer_put_bytes(&sealed, row->sealed);

    (void)error;
    if (!code && row->level == TAMPER_LEVEL && !tampering->done) {
        tampering->seen++;
        if (tampering->how == TAMPER_BYTE && tampering->seen == 2) {
            sealed.data[sealed.len / 2] ^= 1;
            copy.sealed = buffer_bytes(&sealed);
            tampering->done = true;
        } else if (tampering->how == TAMPER_SWAP && tampering->seen == 1) {
            code = buffer_put_bytes(&tampering->held, row->sealed);
            if (!code)
                code = buffer_put_bytes(&tampering->held_proof, row->proof);
        } else if (tampering->how == TAMPER_SWAP && tampering->seen == 2) {
            copy.sealed = buffer_bytes(&tampering->held);
            copy.proof = buffer_bytes(&tampering->held_proof);
            tampering->done = true;
        }
    }
    tampering->rows++;
    if (!code)
        code = row_put(&copy, &tampering->out);
    buffer_free(&sealed);
    return code;
}

int tamper_parts(const char *from, const char *to, enum tamper how, struct aceso_error *error)
{
    struct tampering tampering = { .how = how, .out = BUFFER_INIT(TAMPER_MAX),
                                   .held = BUFFER_INIT(TAMPER_MAX),
                                   .held_proof = BUFFER_INIT(TAMPER_MAX) };
    struct buffer stream = BUFFER_INIT(TAMPER_MAX);
    struct row_reader *reader = NULL;
    int code = file_read(from, &stream, error);

    if (!code)
        code = row_put_start(&tampering.out);
    if (!code)
        code = row_reader_create(tamper_row, &tampering, &reader, error);
    if (!code)
        code = row_reader_feed(reader, buffer_bytes(&stream), error);
    if (!code)
        code = row_reader_finish(reader, NULL, error);
    if (!code)
        code = row_put_end(tampering.rows, &tampering.out);
    if (!code && !tampering.done)
        code = error_set(error, ACESO_ENOTFOUND, NULL, "there are too few parts to tamper with");
    if (!code)
        code = file_write(to, buffer_bytes(&tampering.out), 0600, error);
    row_reader_free(reader);
    buffer_free(&stream);
    buffer_free(&tampering.out);
    buffer_free(&tampering.held);
    buffer_free(&tampering.held_proof);
    return code;
}
