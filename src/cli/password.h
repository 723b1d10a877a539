/* SPDX-License-Identifier: Apache-2.0 */
/* Where a node's password comes from: --password-file, ACESO_PASSWORD_FILE, or DATA/password. */
#ifndef ACESO_CLI_PASSWORD_H
#define ACESO_CLI_PASSWORD_H

#include "cli/command.h"

/* Appends the file's first line. `password` is a secret buffer. */
ACESO_NODISCARD int password_read(const struct command_line *line, struct buffer *password,
                                  struct aceso_error *error);

/* For 'init': like password_read, but draws a password into DATA/password (mode 0600) where no
 * file is named. */
ACESO_NODISCARD int password_make(const struct command_line *line, struct buffer *password,
                                  struct aceso_error *error);

#endif
