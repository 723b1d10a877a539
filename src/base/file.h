/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: bounded reads, atomic durable writes, private directories. Uses buffer. */
#ifndef ACESO_BASE_FILE_H
#define ACESO_BASE_FILE_H

#include "base/buffer.h"

/* Appends the file's bytes to `out` (its limit is the file's). ACESO_ENOTFOUND when there is no
 * such file, ACESO_EIO, ACESO_ELIMIT. `path` "-" reads standard input. */
ACESO_NODISCARD int file_read(const char *path, struct buffer *out, struct aceso_error *error);

/* Writes beside, flushes to disk and renames: after a crash the old or the new file is there,
 * whole. `mode` as in chmod (0600 for secrets). */
ACESO_NODISCARD int file_write(const char *path, struct bytes bytes, unsigned mode,
                               struct aceso_error *error);

/* Makes `path` and its missing parents, `path` itself with mode 0700. Existing ones are left. */
ACESO_NODISCARD int file_make_directory(const char *path, struct aceso_error *error);

bool file_exists(const char *path);

/* "directory/name" into `out`; ACESO_ELIMIT where it does not fit. */
ACESO_NODISCARD int file_path(const char *directory, const char *name, char *out, size_t size);

#endif
