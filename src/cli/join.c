/* SPDX-License-Identifier: Apache-2.0 */
#include "node/join.h"

#include "base/file.h"
#include "cli/command.h"
#include "cli/password.h"

#include <stdio.h>

/* Opens the node's keys and reads the document that the command was given. */
static int join_prepare(const struct command_line *line, const char *operand,
                        struct buffer *document, struct keys **keys, struct aceso_error *error)
{
    struct buffer password = BUFFER_INIT_SECRET(4096);
    const char *file = command_value(line, operand);
    int code = password_read(line, &password, error);

    if (!code)
        code = file_read(file ? file : "-", document, error);
    if (!code)
        code = keys_open(line->data, buffer_bytes(&password), keys, error);
    buffer_free(&password);
    return code;
}

int command_join(const struct command_line *line)
{
    struct buffer invitation = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct buffer request = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct aceso_error error = { 0 };
    struct keys *keys = NULL;
    int code = join_prepare(line, "INVITATION", &invitation, &keys, &error);

    if (!code)
        code = join_answer(line->data, keys, buffer_bytes(&invitation), &request, &error);
    if (code)
        command_complain(line, &error);
    else
        (void)printf("%s\n", buffer_text(&request));
    keys_free(keys);
    buffer_free(&invitation);
    buffer_free(&request);
    return code ? (code == ACESO_EUSAGE ? EXIT_USAGE : EXIT_FAILED) : EXIT_DONE;
}

int command_accept(const struct command_line *line)
{
    struct buffer admission = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct aceso_error error = { 0 };
    struct keys *keys = NULL;
    int code = join_prepare(line, "ADMISSION", &admission, &keys, &error);

    if (!code)
        code = join_accept(line->data, keys, buffer_bytes(&admission), &error);
    if (code)
        command_complain(line, &error);
    else if (line->json)
        (void)printf("{}\n");
    else
        (void)printf("admitted: the node can be started with 'aceso serve'\n");
    keys_free(keys);
    buffer_free(&admission);
    return code ? (code == ACESO_EUSAGE ? EXIT_USAGE : EXIT_FAILED) : EXIT_DONE;
}
