/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that the node itself carries out: this side only asks, waits and prints. */
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "net/http_client.h"
#include "net/http_problem.h"
#include "node/control.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REMOTE_POLL_MS 60
#define REMOTE_TOTAL_MS (24u * 3600 * 1000)

struct remote {
    const struct command_line *line;
    char socket[PATH_MAX];
    int64_t until; /* for a node that does not answer */
    bool faulty;   /* the operation was done, and what it found is bad */
};

static int remote_open(struct remote *remote, const struct command_line *line,
                       struct aceso_error *error)
{
    if (!line->data)
        return error_set(error, ACESO_EUSAGE, NULL, "no data directory: --data or ACESO_DATA");
    remote->line = line;
    remote->until = time_monotonic_ms() + (int64_t)line->wait_s * 1000;
    return control_socket(line->data, remote->socket, sizeof remote->socket, error);
}

/* One call; a node that is away (it may be starting again) is waited for. */
static int remote_call(struct remote *remote, const char *method, const char *path,
                       struct bytes body, http_receive_fn *receive, void *data,
                       struct http_answer *answer, struct aceso_error *error)
{
    const struct http_call call = { .method = method, .url = path, .body = body,
                                    .body_max = BUFFER_MAX_DEFAULT, .total_ms = REMOTE_TOTAL_MS,
                                    .receive = receive, .receive_data = data };
    for (;;) {
        int code = http_call_unix(remote->socket, &call, answer, error);

        if (code == ACESO_OK) {
            remote->until = time_monotonic_ms() + (int64_t)remote->line->wait_s * 1000;
            return ACESO_OK;
        }
        if (code != ACESO_EIO || time_monotonic_ms() > remote->until || receive)
            return code;
        (void)poll(NULL, 0, REMOTE_POLL_MS);
    }
}

/* The role that does it; what has no group is every node's. */
static const char *remote_group(const struct command *command)
{
    return command->group[0] ? command->group : "node";
}

static int remote_put_field(struct json_writer *writer, const struct command_field *field,
                            const char *value, struct aceso_error *error)
{
    struct buffer contents = BUFFER_INIT(1 << 20);
    char absolute[PATH_MAX];
    uint64_t number = 0;
    int code = ACESO_OK;

    switch (field->type) {
    case FIELD_NUMBER:
        code = text_u64(value, UINT64_MAX, &number);
        if (code)
            return error_set(error, ACESO_EUSAGE, field->name, "not a number");
        json_put_u64(writer, field->member, number);
        break;
    case FIELD_FLAG:
        json_put_bool(writer, field->member, true);
        break;
    case FIELD_PATH:
        if (!realpath(value, absolute))
            return error_set(error, ACESO_ENOTFOUND, value, "%s", strerror(errno));
        json_put_string(writer, field->member, absolute);
        break;
    case FIELD_FILE:
        code = file_read(value, &contents, error);
        if (!code && !text_is_utf8(buffer_bytes(&contents)))
            code = error_set(error, ACESO_EFORMAT, value, "not UTF-8 text");
        if (!code)
            json_put_bytes(writer, field->member, buffer_bytes(&contents));
        break;
    default:
        if (!text_is_utf8(bytes_of_string(value)))
            return error_set(error, ACESO_EUSAGE, field->name, "not UTF-8 text");
        json_put_string(writer, field->member, value);
        break;
    }
    buffer_free(&contents);
    return code;
}

static int remote_input(const struct command_line *line, struct json_writer *writer,
                        const char *key, struct aceso_error *error)
{
    int code = ACESO_OK;

    json_open(writer, key, '{');
    for (size_t i = 0; i < COMMAND_FIELDS_MAX && line->command->fields[i].name && !code; i++) {
        if (line->values[i])
            code = remote_put_field(writer, &line->command->fields[i], line->values[i], error);
    }
    json_close(writer, '}');
    return code ? code : writer->out->failed;
}

static void remote_print(const struct command_line *line, yyjson_val *result)
{
    yyjson_val *document = yyjson_obj_get(result, "document");
    const char *message = json_string_or(result, "message", NULL);
    char *text;

    if (document) {
        text = yyjson_val_write(document, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL);
        (void)printf("%s\n", text ? text : "");
    } else if (line->json || !message) {
        text = yyjson_val_write(result, YYJSON_WRITE_NOFLAG, NULL);
        (void)printf("%s\n", text ? text : "");
    } else {
        text = NULL;
        (void)printf("%s\n", message);
    }
    free(text);
}

/* On a terminal one line that changes; for a program that asked for it (ACESO_PROGRESS), lines. */
static void remote_show_progress(yyjson_val *progress)
{
    uint64_t done = json_u64_or(progress, "done", 0), total = json_u64_or(progress, "total", 0);
    bool terminal = isatty(STDERR_FILENO);

    if (total == 0 || (!terminal && !getenv("ACESO_PROGRESS")))
        return;
    (void)fprintf(stderr, terminal ? "\r%s %llu of %llu\033[K" : "progress: %s %llu of %llu\n",
                  json_string_or(progress, "words", ""), (unsigned long long)done,
                  (unsigned long long)total);
}

/* 1 while it runs, else the end: ACESO_OK (printed) or the operation's error. */
static int remote_look(struct remote *remote, struct bytes body, struct aceso_error *error)
{
    yyjson_doc *doc = NULL;
    yyjson_val *root, *failure;
    const char *state = NULL;
    int code = json_parse(body, &doc, error);

    root = yyjson_doc_get_root(doc);
    if (!code)
        code = json_string(root, "state", &state, error);
    if (!code && strcmp(state, "queued") == 0) {
        remote_show_progress(yyjson_obj_get(root, "progress"));
        code = 1;
    } else if (!code && strcmp(state, "done") == 0) {
        remote_print(remote->line, yyjson_obj_get(root, "result"));
        remote->faulty =
            yyjson_is_true(yyjson_obj_get(yyjson_obj_get(root, "result"), "faulty"));
    } else if (!code) {
        failure = yyjson_obj_get(root, "error");
        code = http_problem_code(json_string_or(failure, "code", "internal"));
        (void)error_set(error, code, json_string_or(failure, "place", NULL), "%s",
                        json_string_or(failure, "text", "failed"));
    }
    yyjson_doc_free(doc);
    return code;
}

static int remote_operation(struct remote *remote, struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT_SECRET(4 << 20);
    struct json_writer writer = json_writer_of(&body);
    uint8_t random[16];
    char id[33], path[64];
    int code;

    secret_random(random, sizeof random);
    text_hex(random, sizeof random, id);
    (void)snprintf(path, sizeof path, "/v1/operations/%s", id);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "id", id);
    json_put_string(&writer, "group", remote_group(remote->line->command));
    json_put_string(&writer, "kind", remote->line->command->kind);
    code = remote_input(remote->line, &writer, "input", error);
    json_close(&writer, '}');
    if (!code)
        code = remote_call(remote, "POST", "/v1/operations", buffer_bytes(&body), NULL, NULL, NULL,
                           error);
    while (!code) {
        struct http_answer answer = HTTP_ANSWER_INIT;

        code = remote_call(remote, "GET", path, bytes_of(NULL, 0), NULL, NULL, &answer, error);
        if (!code)
            code = remote_look(remote, buffer_bytes(&answer.body), error);
        http_answer_free(&answer);
        if (code != 1)
            break;
        code = ACESO_OK;
        (void)poll(NULL, 0, REMOTE_POLL_MS);
    }
    buffer_free(&body);
    return code;
}

static int remote_view(struct remote *remote, struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT(1 << 20);
    struct json_writer writer = json_writer_of(&body);
    struct http_answer answer = HTTP_ANSWER_INIT;
    yyjson_doc *doc = NULL;
    char path[96];
    int code = remote_input(remote->line, &writer, NULL, error);

    (void)snprintf(path, sizeof path, "/v1/views/%s/%s", remote_group(remote->line->command),
                   remote->line->command->kind);
    if (!code)
        code = remote_call(remote, "POST", path, buffer_bytes(&body), NULL, NULL, &answer, error);
    if (!code)
        code = json_parse(buffer_bytes(&answer.body), &doc, error);
    if (!code)
        remote_print(remote->line, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    http_answer_free(&answer);
    buffer_free(&body);
    return code;
}

static int remote_receive(void *data, struct bytes bytes, struct aceso_error *error)
{
    return frame_reader_feed(data, bytes, error);
}

static int remote_stream(struct remote *remote, struct output *output, struct aceso_error *error)
{
    const struct command_line *line = remote->line;
    struct buffer body = BUFFER_INIT(1 << 20);
    struct json_writer writer = json_writer_of(&body);
    struct frame_reader *frames = NULL;
    struct frame_end end = { .data = 0 };
    char path[96];
    int code = output_open(output, line->out, error);

    (void)snprintf(path, sizeof path, "/v1/streams/%s/%s", remote_group(line->command),
                   line->command->kind);
    if (!code)
        code = remote_input(line, &writer, NULL, error);
    if (!code)
        code = frame_reader_create(output_receive, output, &frames, error);
    if (!code)
        code = remote_call(remote, "POST", path, buffer_bytes(&body), remote_receive, frames,
                           NULL, error);
    if (!code)
        code = frame_reader_finish(frames, &end, error);
    if (!code)
        code = output_keep(output, error);
    if (!code && end.message[0])
        (void)fprintf(stderr, "%s\n", end.message);
    output_close(output);
    frame_reader_free(frames);
    buffer_free(&body);
    return code;
}

/* Whether asking again may help; anything else is an answer. */
static bool remote_may_pass(int code)
{
    return code == ACESO_EIO || code == ACESO_ETIMEOUT || code == ACESO_EBUSY ||
           code == ACESO_ECANCELLED;
}

/* A stream that broke off is asked for again, into fresh files, for as long as the node is waited
 * for; each time that it gets further than before that time begins anew. */
static int remote_stream_again(struct remote *remote, struct aceso_error *error)
{
    uint64_t furthest = 0;

    for (;;) {
        struct output output;
        int64_t now;
        int code = remote_stream(remote, &output, error);

        if (!remote_may_pass(code) || output.failed || (output.standard && output.received))
            return code;
        now = time_monotonic_ms();
        if (output.received > furthest) {
            furthest = output.received;
            remote->until = now + (int64_t)remote->line->wait_s * 1000;
        }
        if (now > remote->until)
            return code;
        (void)poll(NULL, 0, 4 * REMOTE_POLL_MS);
    }
}

int remote_run(const struct command_line *line)
{
    struct aceso_error error = { 0 };
    struct remote remote = { .faulty = false };
    int code = remote_open(&remote, line, &error);

    if (code == ACESO_OK) {
        switch (line->command->type) {
        case COMMAND_OPERATION:
            code = remote_operation(&remote, &error);
            break;
        case COMMAND_VIEW:
            code = remote_view(&remote, &error);
            break;
        default:
            code = remote_stream_again(&remote, &error);
            break;
        }
    }
    if (code)
        command_complain(line, &error);
    if (code == ACESO_EUSAGE)
        return EXIT_USAGE;
    return code || remote.faulty ? EXIT_FAILED : EXIT_DONE;
}
