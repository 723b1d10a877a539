/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_read_descriptor(int fd, struct buffer *out, struct aceso_error *error)
{
    for (;;) {
        uint8_t *at;
        ssize_t got;
        size_t room = out->max > out->len ? out->max - out->len : 0;

        if (room > 65536)
            room = 65536;
        if (room == 0) {
            char probe;

            got = read(fd, &probe, 1);
            if (got == 0)
                return ACESO_OK;
            if (got > 0)
                return error_set(error, ACESO_ELIMIT, NULL, "larger than %zu bytes", out->max);
            if (errno == EINTR)
                continue;
            return error_set(error, ACESO_EIO, NULL, "%s", strerror(errno));
        }
        at = buffer_reserve(out, room);
        if (!at)
            return error_set(error, out->failed, NULL, "%s", error_name(out->failed));
        got = read(fd, at, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, ACESO_EIO, NULL, "%s", strerror(errno));
        if (got == 0) {
            at[0] = '\0';
            return ACESO_OK;
        }
        out->len += (size_t)got;
        out->data[out->len] = '\0';
    }
}

int file_read(const char *path, struct buffer *out, struct aceso_error *error)
{
    int fd = STDIN_FILENO;
    int code;

    if (strcmp(path, "-") != 0)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        code = errno == ENOENT ? ACESO_ENOTFOUND : ACESO_EIO;
        return error_set(error, code, path, "%s", strerror(errno));
    }
    code = file_read_descriptor(fd, out, error);
    if (fd != STDIN_FILENO)
        (void)close(fd);
    return code ? error_at(error, code, path) : ACESO_OK;
}

static int file_write_all(int fd, struct bytes bytes)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.data, bytes.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        bytes.data += put;
        bytes.len -= (size_t)put;
    }
    return fsync(fd);
}

static void file_sync_parent(const char *path)
{
    char parent[PATH_MAX];
    char *slash;
    int fd;

    (void)snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

int file_write(const char *path, struct bytes bytes, unsigned mode, struct aceso_error *error)
{
    char beside[PATH_MAX];
    int fd, failed;
    int len = snprintf(beside, sizeof beside, "%s.new-%ld", path, (long)getpid());

    if (len < 0 || (size_t)len >= sizeof beside)
        return error_set(error, ACESO_ELIMIT, path, "the path is too long");
    (void)unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return error_set(error, ACESO_EIO, path, "%s", strerror(errno));
    failed = file_write_all(fd, bytes);
    if (failed)
        (void)error_set(error, ACESO_EIO, path, "%s", strerror(errno));
    (void)close(fd);
    if (!failed && rename(beside, path) != 0) {
        failed = 1;
        (void)error_set(error, ACESO_EIO, path, "%s", strerror(errno));
    }
    if (failed) {
        (void)unlink(beside);
        return ACESO_EIO;
    }
    file_sync_parent(path);
    return ACESO_OK;
}

int file_make_directory(const char *path, struct aceso_error *error)
{
    char part[PATH_MAX];
    struct stat status;
    int len = snprintf(part, sizeof part, "%s", path);

    if (len <= 0 || (size_t)len >= sizeof part)
        return error_set(error, ACESO_EUSAGE, NULL, "not a path of a directory");
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return error_set(error, ACESO_EIO, part, "%s", strerror(errno));
        *at = '/';
    }
    if (mkdir(part, 0700) == 0)
        return ACESO_OK;
    if (errno == EEXIST && stat(part, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return ACESO_OK;
        errno = ENOTDIR;
    }
    return error_set(error, ACESO_EIO, part, "%s", strerror(errno));
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int file_path(const char *directory, const char *name, char *out, size_t size)
{
    int len = snprintf(out, size, "%s/%s", directory, name);

    return len < 0 || (size_t)len >= size ? ACESO_ELIMIT : ACESO_OK;
}
