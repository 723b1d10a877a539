/* SPDX-License-Identifier: Apache-2.0 */
/* Where a stream of the node goes: a file and the proof beside it, or standard output (which has
 * room for the data alone). Uses base, node/frame. Writes files.
 *
 * Files are written beside and get their names once all is there: the proof first, so that an
 * export that has its name has its proof. */
#ifndef ACESO_CLI_OUTPUT_H
#define ACESO_CLI_OUTPUT_H

#include "node/frame.h"

#include <limits.h>

struct output_file {
    char path[PATH_MAX];   /* as it will be called */
    char beside[PATH_MAX]; /* as it is called until then */
    int fd;                /* -1: nothing was written */
};

struct output {
    struct output_file data, proof;
    bool standard;     /* data goes to standard output */
    bool failed;       /* writing failed here: trying again does not help */
    uint64_t received; /* bytes so far, of both */
};

/* The name of the proof of the export `path`: ".ndjson" replaced by ".proof", else that appended.
 * ACESO_ELIMIT. */
ACESO_NODISCARD int output_proof_path(const char *path, char out[PATH_MAX],
                                      struct aceso_error *error);

/* `path` "-": standard output. To be closed on success and on failure. */
ACESO_NODISCARD int output_open(struct output *output, const char *path,
                                struct aceso_error *error);

/* A frame_receive_fn; `context` is the output. */
int output_receive(void *context, enum frame_kind kind, struct bytes bytes,
                   struct aceso_error *error);

/* Flushes to disk and gives the names. */
ACESO_NODISCARD int output_keep(struct output *output, struct aceso_error *error);

/* Removes what was not kept. */
void output_close(struct output *output);

#endif
