/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/abe_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool abe_is_standard(const char *path)
{
    return !path || strcmp(path, "-") == 0;
}

/* ---- outputs ---------------------------------------------------------------------------------*/

int abe_output_open(struct abe_output *output, const char *path, unsigned mode,
                    struct aceso_error *error)
{
    struct stat found;
    int length;

    *output = (struct abe_output){ .path = "-", .fd = -1, .error = error };
    if (abe_is_standard(path)) {
        output->fd = STDOUT_FILENO;
        return ACESO_OK;
    }
    length = snprintf(output->beside, sizeof output->beside, "%s.part-%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof output->beside)
        return error_set(error, ACESO_ELIMIT, path, "the path is too long");
    (void)snprintf(output->path, sizeof output->path, "%s", path);
    if (lstat(path, &found) == 0)
        return error_set(error, ACESO_EEXISTS, path, "exists already: nothing is overwritten");
    output->fd = open(output->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    return output->fd < 0 ? error_set(error, ACESO_EIO, path, "%s", strerror(errno)) : ACESO_OK;
}

int abe_output_write(void *output, const uint8_t *bytes, size_t length)
{
    struct abe_output *to = output;

    while (length) {
        ssize_t put = write(to->fd, bytes, length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set(to->error, ACESO_EIO, to->path, "%s", strerror(errno));
        bytes += put;
        length -= (size_t)put;
    }
    return ACESO_OK;
}

/* The name, only where nothing has it. File systems that cannot rename so make a link instead. */
static int abe_output_name(const struct abe_output *output)
{
    if (renameat2(AT_FDCWD, output->beside, AT_FDCWD, output->path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    return link(output->beside, output->path) == 0 ? unlink(output->beside) : -1;
}

int abe_output_keep(struct abe_output *output, struct aceso_error *error)
{
    if (output->fd == STDOUT_FILENO)
        return ACESO_OK;
    if (fsync(output->fd) != 0)
        return error_set(error, ACESO_EIO, output->path, "%s", strerror(errno));
    if (abe_output_name(output) != 0)
        return error_set(error, errno == EEXIST ? ACESO_EEXISTS : ACESO_EIO, output->path, "%s",
                         strerror(errno));
    (void)close(output->fd);
    output->fd = -1;
    return ACESO_OK;
}

void abe_output_close(struct abe_output *output)
{
    if (output->fd < 0 || output->fd == STDOUT_FILENO)
        return;
    (void)close(output->fd);
    (void)unlink(output->beside);
    output->fd = -1;
}

/* ---- inputs ----------------------------------------------------------------------------------*/

int abe_input_open(const char *path, int *fd, struct aceso_error *error)
{
    *fd = abe_is_standard(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    return *fd < 0 ? error_set(error, ACESO_ENOTFOUND, path, "%s", strerror(errno)) : ACESO_OK;
}

int abe_input_read(int fd, uint8_t *out, size_t size, size_t *length, struct aceso_error *error)
{
    size_t filled = 0;

    while (filled < size) {
        ssize_t got = read(fd, out + filled, size - filled);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, ACESO_EIO, "input", "%s", strerror(errno));
        if (got == 0)
            break;
        filled += (size_t)got;
    }
    *length = filled;
    return ACESO_OK;
}

void abe_input_close(int fd)
{
    if (fd >= 0 && fd != STDIN_FILENO)
        (void)close(fd);
}

int abe_failed(struct aceso_error *error, int code, const char *place)
{
    switch (code) {
    case ACESO_ABE_OK:
        return ACESO_OK;
    case ACESO_ABE_NO_MEMORY:
        return error_set(error, ACESO_EMEMORY, place, "out of memory");
    case ACESO_ABE_ARGUMENT:
    case ACESO_ABE_ATTRIBUTE:
    case ACESO_ABE_POLICY:
        return error_set(error, ACESO_EUSAGE, place, "%s", aceso_abe_strerror(code));
    case ACESO_ABE_FORMAT:
        return error_set(error, ACESO_EFORMAT, place, "%s", aceso_abe_strerror(code));
    case ACESO_ABE_LIMIT:
        return error_set(error, ACESO_ELIMIT, place, "%s", aceso_abe_strerror(code));
    case ACESO_ABE_BAD_KEY:
        return error_set(error, ACESO_EVERIFY, place, "%s", aceso_abe_strerror(code));
    case ACESO_ABE_MISSING_KEY:
        return error_set(error, ACESO_ENOTFOUND, place, "%s", aceso_abe_strerror(code));
    case ACESO_ABE_WRITE: /* the output has said why */
        return error ? error->code : ACESO_EIO;
    default:
        return error_set(error, ACESO_EDENIED, place, "%s", aceso_abe_strerror(code));
    }
}
