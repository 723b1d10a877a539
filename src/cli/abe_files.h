/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the abe commands: outputs that get their name once all is there and never replace
 * anything, inputs in pieces, and key files. Uses base, libaceso-abe. Reads and writes files.
 *
 * A key file is ASCII text: a line is empty, a comment after '#', or one key in base64
 * (docs/abe-format.md). */
#ifndef ACESO_CLI_ABE_FILES_H
#define ACESO_CLI_ABE_FILES_H

#include "base/buffer.h"

#include <aceso/abe.h>

#include <limits.h>

#define ABE_KEY_FILE_MAX ((size_t)16 << 20)
#define ABE_KEYS_MAX 8192

/* ---- outputs and inputs --------------------------------------------------------------------- */

struct abe_output {
    char path[PATH_MAX];   /* as it will be called; "-": standard output */
    char beside[PATH_MAX]; /* as it is called until then */
    int fd;                /* -1: closed */
    struct aceso_error *error;
};

/* `path` NULL or "-": standard output. ACESO_EEXISTS where something has that name. `mode` is cut
 * by the umask. To be closed on success and on failure. `error` is kept for abe_output_write. */
ACESO_NODISCARD int abe_output_open(struct abe_output *output, const char *path, unsigned mode,
                                    struct aceso_error *error);

/* An aceso_abe_write; `output` is the struct. */
int abe_output_write(void *output, const uint8_t *bytes, size_t length);

/* Flushes to disk and gives the name; ACESO_EEXISTS if something has taken it meanwhile. */
ACESO_NODISCARD int abe_output_keep(struct abe_output *output, struct aceso_error *error);

/* Removes what was not kept. */
void abe_output_close(struct abe_output *output);

/* `path` NULL or "-": standard input. */
ACESO_NODISCARD int abe_input_open(const char *path, int *fd, struct aceso_error *error);

/* Up to `size` bytes; less only at the end of the input. */
ACESO_NODISCARD int abe_input_read(int fd, uint8_t *out, size_t size, size_t *length,
                                   struct aceso_error *error);

void abe_input_close(int fd);

/* ---- key files ------------------------------------------------------------------------------ */

struct abe_secret {
    char authority[ACESO_ABE_ATTRIBUTE_MAX + 1];
    uint8_t seed[ACESO_ABE_SEED_SIZE];
};

/* The keys of one or more files, as the library imported them. */
struct abe_keys {
    struct aceso_abe_public_key **public_keys;
    struct aceso_abe_user_key **user_keys;
    size_t public_count, user_count;
};

/* Appends a line: the key in base64. */
ACESO_NODISCARD int abe_key_line(struct bytes key, struct buffer *out);

/* Appends an authority's secret as a key file. */
ACESO_NODISCARD int abe_secret_write(const struct abe_secret *secret, struct buffer *out);

/* Reads the key file of an authority's secret. */
ACESO_NODISCARD int abe_secret_read(const char *path, struct abe_secret *secret,
                                    struct aceso_error *error);

/* Reads key files; the same key may come more than once, two public keys of one attribute not. User
 * keys are checked against the public keys, and must all be one user's. */
ACESO_NODISCARD int abe_keys_read(const char *const *paths, size_t count, struct abe_keys *keys,
                                  struct aceso_error *error);

/* Frees and wipes. Accepts a zeroed one. */
void abe_keys_free(struct abe_keys *keys);

/* An error of libaceso-abe as one of the program. */
int abe_failed(struct aceso_error *error, int code, const char *place);

#endif
