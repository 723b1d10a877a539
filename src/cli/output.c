/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT_ENDING ".ndjson"

int output_proof_path(const char *path, char out[PATH_MAX], struct aceso_error *error)
{
    const size_t ending = sizeof EXPORT_ENDING - 1;
    size_t len = strlen(path);
    int put;

    if (len > ending && strcmp(path + len - ending, EXPORT_ENDING) == 0 &&
        path[len - ending - 1] != '/')
        len -= ending;
    if (len >= PATH_MAX)
        return error_set(error, ACESO_ELIMIT, path, "the path is too long");
    put = snprintf(out, PATH_MAX, "%.*s.proof", (int)len, path);
    return put > 0 && put < PATH_MAX ? ACESO_OK
                                     : error_set(error, ACESO_ELIMIT, path, "the path is too long");
}

static int output_begin(struct output_file *file, struct aceso_error *error)
{
    int len = snprintf(file->beside, sizeof file->beside, "%s.part-%ld", file->path,
                       (long)getpid());

    if (len < 0 || (size_t)len >= sizeof file->beside)
        return error_set(error, ACESO_ELIMIT, file->path, "the path is too long");
    file->fd = open(file->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return file->fd < 0 ? error_set(error, ACESO_EIO, file->path, "%s", strerror(errno))
                        : ACESO_OK;
}

int output_open(struct output *output, const char *path, struct aceso_error *error)
{
    int len, code;

    *output = (struct output){ .data = { .fd = -1 }, .proof = { .fd = -1 },
                               .standard = strcmp(path, "-") == 0 };
    if (output->standard)
        return ACESO_OK;
    len = snprintf(output->data.path, sizeof output->data.path, "%s", path);
    if (len < 0 || (size_t)len >= sizeof output->data.path)
        code = error_set(error, ACESO_ELIMIT, path, "the path is too long");
    else
        code = output_proof_path(path, output->proof.path, error);
    if (!code)
        code = output_begin(&output->data, error);
    output->failed = code != ACESO_OK;
    return code;
}

static int output_write(int fd, const char *place, struct bytes bytes, struct aceso_error *error)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.data, bytes.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set(error, ACESO_EIO, place, "%s", strerror(errno));
        bytes.data += put;
        bytes.len -= (size_t)put;
    }
    return ACESO_OK;
}

int output_receive(void *context, enum frame_kind kind, struct bytes bytes,
                   struct aceso_error *error)
{
    struct output *output = context;
    struct output_file *file = kind == FRAME_DATA ? &output->data : &output->proof;
    int code = ACESO_OK;

    if (output->standard && kind != FRAME_DATA)
        return ACESO_OK;
    if (!output->standard && file->fd < 0)
        code = output_begin(file, error);
    if (!code)
        code = output->standard ? output_write(STDOUT_FILENO, "output", bytes, error)
                                : output_write(file->fd, file->path, bytes, error);
    output->failed = output->failed || code;
    output->received += bytes.len;
    return code;
}

static int output_flush(const struct output_file *file, struct aceso_error *error)
{
    if (file->fd >= 0 && fsync(file->fd) != 0)
        return error_set(error, ACESO_EIO, file->path, "%s", strerror(errno));
    return ACESO_OK;
}

static int output_name(struct output_file *file, struct aceso_error *error)
{
    if (file->fd < 0)
        return ACESO_OK;
    if (rename(file->beside, file->path) != 0)
        return error_set(error, ACESO_EIO, file->path, "%s", strerror(errno));
    (void)close(file->fd);
    file->fd = -1;
    return ACESO_OK;
}

int output_keep(struct output *output, struct aceso_error *error)
{
    int code = output_flush(&output->proof, error);

    if (!code)
        code = output_flush(&output->data, error);
    if (!code)
        code = output_name(&output->proof, error);
    if (!code)
        code = output_name(&output->data, error);
    output->failed = output->failed || code;
    return code;
}

static void output_drop(struct output_file *file)
{
    if (file->fd < 0)
        return;
    (void)close(file->fd);
    (void)unlink(file->beside);
    file->fd = -1;
}

void output_close(struct output *output)
{
    output_drop(&output->data);
    output_drop(&output->proof);
}
