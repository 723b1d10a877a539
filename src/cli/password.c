/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/password.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *password_named(const struct command_line *line)
{
    const char *file = command_value(line, "password-file");

    return file ? file : getenv("ACESO_PASSWORD_FILE");
}

static int password_path(const struct command_line *line, char path[PATH_MAX],
                         struct aceso_error *error)
{
    if (!line->data)
        return error_set(error, ACESO_EUSAGE, NULL, "no data directory: --data or ACESO_DATA");
    if (file_path(line->data, "password", path, PATH_MAX))
        return error_set(error, ACESO_ELIMIT, NULL, "the data directory's path is too long");
    return ACESO_OK;
}

int password_read(const struct command_line *line, struct buffer *password,
                  struct aceso_error *error)
{
    const char *named = password_named(line);
    char path[PATH_MAX];
    int code = password_path(line, path, error);

    if (!code)
        code = file_read(named ? named : path, password, error);
    if (code)
        return error_wrap(error, code, "the password");
    for (size_t i = 0; i < password->len; i++) {
        if (password->data[i] == '\n' || password->data[i] == '\r') {
            password->len = i;
            break;
        }
    }
    if (password->len == 0)
        return error_set(error, ACESO_EFORMAT, NULL, "the password is empty");
    return ACESO_OK;
}

int password_make(const struct command_line *line, struct buffer *password,
                  struct aceso_error *error)
{
    uint8_t random[24];
    char path[PATH_MAX];
    int code = password_path(line, path, error);

    if (code || password_named(line) || file_exists(path))
        return code ? code : password_read(line, password, error);
    secret_random(random, sizeof random);
    code = text_base64(bytes_of(random, sizeof random), password);
    if (!code)
        code = file_write(path, buffer_bytes(password), 0600, error);
    secret_wipe(random, sizeof random);
    return code;
}
