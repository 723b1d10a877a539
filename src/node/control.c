/* SPDX-License-Identifier: Apache-2.0 */
#include "node/control.h"

#include "base/log.h"
#include "node/frame.h"
#include "node/node.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_PATH_MAX 104

int control_socket(const char *directory, char *out, size_t size, struct aceso_error *error)
{
    int fd, len = snprintf(out, size, "%s/" CONTROL_SOCKET, directory);

    if (len >= 0 && (size_t)len < size && len <= CONTROL_PATH_MAX)
        return ACESO_OK;
    fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, ACESO_ENOTFOUND, directory, "no such data directory");
    (void)snprintf(out, size, "/proc/self/fd/%d/" CONTROL_SOCKET, fd);
    return ACESO_OK;
}

static int control_add(void *context, const struct http_request *request,
                       struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    const char *id = NULL, *group = NULL, *kind = NULL;
    yyjson_doc *doc = NULL;
    char *text = NULL;
    size_t length = 0;
    int code = node_read_json(request, &doc, error);
    yyjson_val *root = yyjson_doc_get_root(doc);

    if (!code)
        code = json_string(root, "id", &id, error);
    if (!code)
        code = json_string(root, "group", &group, error);
    if (!code)
        code = json_string(root, "kind", &kind, error);
    if (!code) {
        text = yyjson_val_write(yyjson_obj_get(root, "input"), YYJSON_WRITE_NOFLAG, &length);
        if (!text || !yyjson_is_obj(yyjson_obj_get(root, "input")))
            code = error_set(error, ACESO_EFORMAT, "input", "not an object");
    }
    if (!code)
        code = operations_add(node->operations, id, group, kind, bytes_of(text, length), error);
    if (!code) {
        response->status = 202;
        code = operations_describe(node->operations, id, &response->body, error);
    }
    free(text);
    yyjson_doc_free(doc);
    return code;
}

static int control_describe(void *context, const struct http_request *request,
                            struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;

    return operations_describe(node->operations, http_request_path(request, "id"), &response->body,
                               error);
}

static int control_view(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    const struct view_kind *view = roles_view(&node->roles, http_request_path(request, "group"),
                                              http_request_path(request, "kind"));
    yyjson_doc *doc = NULL;
    int code;

    if (!view)
        return error_set(error, ACESO_ENOTFOUND, NULL, "this node has no such view");
    code = node_read_json(request, &doc, error);
    if (code)
        return code;
    if (node_catch_up(node, NULL)) /* what is known may still be looked at */
        log_info("the chain does not answer: a view may be behind");
    code = view->run(node, yyjson_doc_get_root(doc), &response->body, error);
    yyjson_doc_free(doc);
    return code;
}

static int control_stream(void *context, const struct http_request *request,
                          struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    const struct stream_kind *kind = roles_stream(&node->roles,
                                                  http_request_path(request, "group"),
                                                  http_request_path(request, "kind"));
    yyjson_doc *doc = NULL;
    int code;

    if (!kind)
        return error_set(error, ACESO_ENOTFOUND, NULL, "this node has no such stream");
    code = node_read_json(request, &doc, error);
    if (!code)
        code = node_catch_up(node, error);
    if (!code) {
        response->content_type = FRAME_MEDIA_TYPE;
        code = kind->open(node, yyjson_doc_get_root(doc), &response->stream, error);
    }
    yyjson_doc_free(doc);
    return code;
}

const struct http_route control_routes[] = {
    { "POST", "/v1/operations", control_add, 0, OPERATION_INPUT_MAX },
    { "GET", "/v1/operations/{id}", control_describe, 0, 0 },
    { "POST", "/v1/views/{group}/{kind}", control_view, 0, 65536 },
    { "POST", "/v1/streams/{group}/{kind}", control_stream, 0, 65536 },
};
const size_t control_route_count = sizeof control_routes / sizeof control_routes[0];
