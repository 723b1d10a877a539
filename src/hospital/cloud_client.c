/* SPDX-License-Identifier: Apache-2.0 */
#include "hospital/cloud_client.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_URL_MAX 256
#define CLIENT_PATH_MAX 128
#define CLIENT_CONNECT_MS 3000
#define CLIENT_STALL_MS 20000
#define CLIENT_ANSWER_MAX                                                                          \
    (1 + (size_t)OBJECT_BATCH_MAX * (OBJECT_NAME_SIZE + 4 + OBJECT_SIZE_MAX))

struct cloud_client {
    struct http_client *http;
    struct recent *recent;
    struct http_peer peer;
    char url[CLIENT_URL_MAX];
    struct part_store store;
};

static int client_call(struct cloud_client *client, const char *method, const char *path,
                       struct bytes body, size_t answer_max, struct http_answer *answer,
                       struct aceso_error *error)
{
    char url[CLIENT_URL_MAX + CLIENT_PATH_MAX];
    const struct http_call call = { .method = method,
                                    .url = url,
                                    .content_type = "application/octet-stream",
                                    .body = body,
                                    .peer = &client->peer,
                                    .body_max = answer_max,
                                    .connect_ms = CLIENT_CONNECT_MS,
                                    .stall_ms = CLIENT_STALL_MS };
    int len = snprintf(url, sizeof url, "%s%s", client->url, path), code;

    if (len < 0 || (size_t)len >= sizeof url)
        return error_set(error, ACESO_ELIMIT, "url", "too long");
    code = http_call(client->http, &call, answer, error);
    recent_call(client->recent, true, client->peer.role, client->peer.address, code);
    return code ? error_wrap(error, code, "the cloud") : ACESO_OK;
}

/* Reads one number of a JSON answer. */
static int client_number(struct bytes json, const char *member, uint64_t *value,
                         struct aceso_error *error)
{
    yyjson_doc *doc = NULL;
    int code = json_parse(json, &doc, error);

    if (!code)
        code = json_u64(yyjson_doc_get_root(doc), member, UINT64_MAX, value, error);
    yyjson_doc_free(doc);
    return code;
}

static int client_put(void *state, const struct part_object *objects, size_t n,
                      struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT(OBJECT_BATCH_BYTES);
    struct http_answer answer = HTTP_ANSWER_INIT;
    uint64_t written = 0;
    int code = object_batch_start(&body);

    for (size_t i = 0; !code && i < n; i++)
        code = object_batch_put(objects[i].name, objects[i].bytes, &body);
    if (code)
        (void)error_set(error, code, "objects", "too many for one call");
    if (!code)
        code = client_call(state, "POST", "/v1/objects/write", buffer_bytes(&body), 4096, &answer,
                           error);
    if (!code)
        code = client_number(buffer_bytes(&answer.body), "written", &written, error);
    if (!code && written != n)
        code = error_set(error, ACESO_EVERIFY, NULL, "the cloud did not take all objects");
    http_answer_free(&answer);
    buffer_free(&body);
    return code;
}

static int client_names(const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n, struct buffer *out,
                        struct aceso_error *error)
{
    int code = object_batch_start(out);

    for (size_t i = 0; !code && i < n; i++)
        code = object_batch_put_name(names[i], out);
    return code ? error_set(error, code, "objects", "too many names") : ACESO_OK;
}

static int client_get(void *state, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                      object_batch_fn *each, void *data, struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT(65536);
    struct http_answer answer = HTTP_ANSWER_INIT;
    int code = client_names(names, n, &body, error);

    if (!code)
        code = client_call(state, "POST", "/v1/objects/read", buffer_bytes(&body),
                           CLIENT_ANSWER_MAX, &answer, error);
    if (!code)
        code = object_batch_each(buffer_bytes(&answer.body), each, data, error);
    http_answer_free(&answer);
    buffer_free(&body);
    return code;
}

static int client_remove(void *state, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                         struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT(65536);
    struct http_answer answer = HTTP_ANSWER_INIT;
    uint64_t removed = 0;
    int code = client_names(names, n, &body, error);

    if (!code)
        code = client_call(state, "POST", "/v1/objects/remove", buffer_bytes(&body), 4096, &answer,
                           error);
    if (!code)
        code = client_number(buffer_bytes(&answer.body), "removed", &removed, error);
    http_answer_free(&answer);
    buffer_free(&body);
    return code;
}

/* In rising order, or a listing might never end. */
static int client_ordered(const uint8_t *after, uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                          struct aceso_error *error)
{
    for (size_t i = 0; i < n; i++) {
        if (after && memcmp(after, names[i], OBJECT_NAME_SIZE) >= 0)
            return error_set(error, ACESO_EFORMAT, "names", "the cloud's list is out of order");
        after = names[i];
    }
    return ACESO_OK;
}

static int client_list(void *state, const uint8_t *after, uint8_t (*names)[OBJECT_NAME_SIZE],
                       size_t max, size_t *n, struct aceso_error *error)
{
    struct http_answer answer = HTTP_ANSWER_INIT;
    char path[CLIENT_PATH_MAX] = "/v1/objects";
    int code;

    if (after) {
        (void)snprintf(path, sizeof path, "/v1/objects?after=");
        text_hex(after, OBJECT_NAME_SIZE, path + strlen(path));
    }
    code = client_call(state, "GET", path, bytes_of(NULL, 0),
                       1 + (size_t)OBJECT_LIST_MAX * OBJECT_NAME_SIZE, &answer, error);
    if (!code)
        code = object_batch_names(buffer_bytes(&answer.body), names, max, n, error);
    if (!code)
        code = client_ordered(after, names, *n, error);
    http_answer_free(&answer);
    return code;
}

int cloud_client_create(const struct http_client_options *options, const char *url,
                        const uint8_t address[20], struct recent *recent,
                        struct cloud_client **out, struct aceso_error *error)
{
    struct cloud_client *client = calloc(1, sizeof *client);
    int len, code;

    if (!client)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    client->recent = recent;
    client->peer.role = "cloud";
    memcpy(client->peer.address, address, 20);
    len = snprintf(client->url, sizeof client->url, "%s", url);
    code = len < 0 || (size_t)len >= sizeof client->url
               ? error_set(error, ACESO_ELIMIT, "url", "too long")
               : http_client_create(options, &client->http, error);
    client->store = (struct part_store){ .state = client,
                                         .put = client_put,
                                         .get = client_get,
                                         .remove = client_remove,
                                         .list = client_list };
    if (code)
        cloud_client_free(client);
    else
        *out = client;
    return code;
}

void cloud_client_free(struct cloud_client *client)
{
    if (!client)
        return;
    http_client_destroy(client->http);
    free(client);
}

const struct part_store *cloud_client_store(const struct cloud_client *client)
{
    return &client->store;
}

int cloud_client_usage(struct cloud_client *client, struct cloud_usage *out,
                       struct aceso_error *error)
{
    struct http_answer answer = HTTP_ANSWER_INIT;
    struct cloud_usage usage;
    struct bytes json;
    int code = client_call(client, "GET", "/v1/usage", bytes_of(NULL, 0), 4096, &answer, error);

    json = buffer_bytes(&answer.body);
    if (!code)
        code = client_number(json, "objects", &usage.objects, error);
    if (!code)
        code = client_number(json, "bytes", &usage.bytes, error);
    if (!code)
        code = client_number(json, "quota", &usage.quota, error);
    http_answer_free(&answer);
    if (!code)
        *out = usage;
    return code;
}
