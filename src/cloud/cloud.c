/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud.h"

#include "base/log.h"
#include "base/text.h"
#include "cloud/tenant.h"
#include "node/status.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CLOUD_QUOTA_DEFAULT ((uint64_t)64 << 30) /* bytes for each hospital */

/* ---- whose, and how much ----------------------------------------------------------------- */

static int cloud_directory(const struct node *node, char path[PATH_MAX], struct aceso_error *error)
{
    return node_path(node, "objects", path, PATH_MAX, error);
}

/* The file of the caller, who is known from the handshake. */
static int cloud_tenant(struct node *node, const struct http_request *request, bool make,
                        struct tenant **tenant, struct aceso_error *error)
{
    const struct x509_identity *caller = node_caller(request);
    char path[PATH_MAX];
    int code = cloud_directory(node, path, error);

    if (strcmp(caller->role, "hospital") != 0)
        return error_set(error, ACESO_EDENIED, NULL, "this is for hospitals");
    return code ? code : tenant_open(path, caller->address, make, tenant, error);
}

static void quota_name(const uint8_t *hospital, char name[64])
{
    (void)snprintf(name, 64, "quota ");
    if (hospital)
        text_hex(hospital, 20, name + strlen(name));
}

static bool quota_get(struct store *store, const uint8_t *hospital, uint64_t *quota)
{
    struct buffer value = BUFFER_INIT(64);
    struct reader reader;
    char name[64];
    bool found;

    quota_name(hospital, name);
    found = setting_get(store, name, &value, NULL) == ACESO_OK;
    reader = reader_of(buffer_bytes(&value));
    if (found)
        *quota = reader_u64(&reader);
    buffer_free(&value);
    return found;
}

static int cloud_quota(struct node *node, const uint8_t hospital[20], uint64_t *quota,
                       struct aceso_error *error)
{
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    if (code)
        return code;
    *quota = CLOUD_QUOTA_DEFAULT;
    if (!quota_get(store, hospital, quota))
        (void)quota_get(store, NULL, quota);
    store_close(store);
    return ACESO_OK;
}

/* ---- for hospitals ----------------------------------------------------------------------- */

static int cloud_name(const struct http_request *request, uint8_t name[OBJECT_NAME_SIZE],
                      struct aceso_error *error)
{
    const char *text = http_request_path(request, "name");

    if (!text || strlen(text) != 2 * OBJECT_NAME_SIZE || text_unhex(text, name, OBJECT_NAME_SIZE))
        return error_set(error, ACESO_EFORMAT, "name", "not 64 digits of hex");
    return ACESO_OK;
}

static int cloud_write(struct node *node, const struct http_request *request, struct bytes batch,
                       struct http_response *response, struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(&response->body);
    struct tenant *tenant = NULL;
    uint64_t quota = 0;
    size_t count = 0;
    int code = cloud_tenant(node, request, true, &tenant, error);

    if (!code)
        code = cloud_quota(node, node_caller(request)->address, &quota, error);
    if (!code)
        code = tenant_write(tenant, batch, quota, &count, error);
    tenant_close(tenant);
    if (code)
        return code;
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "written", count);
    json_close(&writer, '}');
    return response->body.failed;
}

static int cloud_serve_write(void *context, const struct http_request *request,
                             struct http_response *response, struct aceso_error *error)
{
    return cloud_write(context, request, request->body, response, error);
}

static int cloud_serve_put(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error)
{
    struct buffer batch = BUFFER_INIT(OBJECT_SIZE_MAX + 64);
    uint8_t name[OBJECT_NAME_SIZE];
    int code = cloud_name(request, name, error);

    if (!code)
        code = object_batch_start(&batch);
    if (!code)
        code = object_batch_put(name, request->body, &batch);
    if (!code)
        code = cloud_write(context, request, buffer_bytes(&batch), response, error);
    buffer_free(&batch);
    return code;
}

/* What a hospital that never wrote anything has is nothing. */
static int cloud_read(struct node *node, const struct http_request *request,
                      const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n, struct buffer *out,
                      struct aceso_error *error)
{
    struct tenant *tenant = NULL;
    int code = cloud_tenant(node, request, false, &tenant, error);

    if (!code)
        code = tenant_read(tenant, names, n, out, error);
    else if (code == ACESO_ENOTFOUND)
        code = object_batch_start(out);
    tenant_close(tenant);
    return code;
}

static int cloud_serve_read(void *context, const struct http_request *request,
                            struct http_response *response, struct aceso_error *error)
{
    uint8_t names[OBJECT_BATCH_MAX][OBJECT_NAME_SIZE];
    size_t n = 0;
    int code = object_batch_names(request->body, names, OBJECT_BATCH_MAX, &n, error);

    response->content_type = OBJECT_OBJECTS_TYPE;
    if (!code)
        code = cloud_read(context, request, (const uint8_t(*)[OBJECT_NAME_SIZE])names, n,
                          &response->body, error);
    return code;
}

static int cloud_take(void *data, const uint8_t name[OBJECT_NAME_SIZE], struct bytes object,
                      struct aceso_error *error)
{
    (void)name;
    (void)error;
    return buffer_put_bytes(data, object);
}

static int cloud_serve_get(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error)
{
    struct buffer batch = BUFFER_INIT(OBJECT_SIZE_MAX + 64);
    uint8_t names[1][OBJECT_NAME_SIZE];
    int code = cloud_name(request, names[0], error);

    response->content_type = "application/octet-stream";
    if (!code)
        code = cloud_read(context, request, (const uint8_t(*)[OBJECT_NAME_SIZE])names, 1, &batch,
                          error);
    if (!code)
        code = object_batch_each(buffer_bytes(&batch), cloud_take, &response->body, error);
    if (!code && response->body.len == 0)
        code = error_set(error, ACESO_ENOTFOUND, NULL, "there is no such object");
    buffer_free(&batch);
    return code;
}

static int cloud_remove(struct node *node, const struct http_request *request,
                        const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                        struct http_response *response, struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(&response->body);
    struct tenant *tenant = NULL;
    size_t count = 0;
    int code = cloud_tenant(node, request, false, &tenant, error);

    if (!code)
        code = tenant_remove(tenant, names, n, &count, error);
    else if (code == ACESO_ENOTFOUND)
        code = ACESO_OK;
    tenant_close(tenant);
    if (code)
        return code;
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "removed", count);
    json_close(&writer, '}');
    return response->body.failed;
}

static int cloud_serve_remove(void *context, const struct http_request *request,
                              struct http_response *response, struct aceso_error *error)
{
    uint8_t names[OBJECT_BATCH_MAX][OBJECT_NAME_SIZE];
    size_t n = 0;
    int code = object_batch_names(request->body, names, OBJECT_BATCH_MAX, &n, error);

    if (!code)
        code = cloud_remove(context, request, (const uint8_t(*)[OBJECT_NAME_SIZE])names, n,
                            response, error);
    return code;
}

static int cloud_serve_delete(void *context, const struct http_request *request,
                              struct http_response *response, struct aceso_error *error)
{
    uint8_t names[1][OBJECT_NAME_SIZE];
    int code = cloud_name(request, names[0], error);

    if (!code)
        code = cloud_remove(context, request, (const uint8_t(*)[OBJECT_NAME_SIZE])names, 1,
                            response, error);
    return code;
}

static int cloud_serve_list(void *context, const struct http_request *request,
                            struct http_response *response, struct aceso_error *error)
{
    const char *after = http_request_query(request, "after");
    uint8_t name[OBJECT_NAME_SIZE];
    struct tenant *tenant = NULL;
    int code;

    response->content_type = OBJECT_NAMES_TYPE;
    if (after &&
        (strlen(after) != 2 * OBJECT_NAME_SIZE || text_unhex(after, name, OBJECT_NAME_SIZE)))
        return error_set(error, ACESO_EFORMAT, "after", "not 64 digits of hex");
    code = cloud_tenant(context, request, false, &tenant, error);
    if (!code)
        code = tenant_list(tenant, after ? name : NULL, &response->body, error);
    else if (code == ACESO_ENOTFOUND)
        code = object_batch_start(&response->body);
    tenant_close(tenant);
    return code;
}

static int cloud_serve_usage(void *context, const struct http_request *request,
                             struct http_response *response, struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(&response->body);
    struct tenant_usage usage = { .objects = 0 };
    struct tenant *tenant = NULL;
    uint64_t quota = 0;
    int code = cloud_tenant(context, request, false, &tenant, error);

    if (!code)
        code = tenant_usage(tenant, &usage, error);
    else if (code == ACESO_ENOTFOUND)
        code = ACESO_OK;
    tenant_close(tenant);
    if (!code)
        code = cloud_quota(context, node_caller(request)->address, &quota, error);
    if (code)
        return code;
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "objects", usage.objects);
    json_put_u64(&writer, "bytes", usage.bytes);
    json_put_u64(&writer, "quota", quota);
    json_close(&writer, '}');
    return response->body.failed;
}

/* ---- for the owner ----------------------------------------------------------------------- */

static int cloud_set_quota(struct operation *operation, struct buffer *result,
                           struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(result);
    struct buffer value = BUFFER_INIT(64);
    struct store *store = NULL;
    bool one = yyjson_obj_get((yyjson_val *)(uintptr_t)operation->input, "hospital") != NULL;
    uint8_t hospital[20];
    uint64_t bytes = 0;
    char name[64];
    int code = json_u64(operation->input, "bytes", INT64_MAX, &bytes, error);

    if (!code && one)
        code = json_hex(operation->input, "hospital", hospital, 20, error);
    if (!code)
        code = buffer_put_u64(&value, bytes);
    if (!code)
        code = node_store(operation->node, &store, error);
    if (!code) {
        quota_name(one ? hospital : NULL, name);
        code = setting_put(store, name, buffer_bytes(&value), error);
    }
    store_close(store);
    buffer_free(&value);
    if (code)
        return code;
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", one ? "the hospital's quota is set"
                                            : "the quota of every other hospital is set");
    json_close(&writer, '}');
    return result->failed;
}

struct tenants {
    struct node *node;
    struct json_writer *writer; /* NULL: only to be counted */
    struct buffer *text;
    uint64_t count;
    struct tenant_usage sum;
};

static int cloud_add_tenant(void *data, const uint8_t hospital[20], struct aceso_error *error)
{
    struct tenants *tenants = data;
    struct tenant_usage usage = { .objects = 0 };
    struct tenant *tenant = NULL;
    char path[PATH_MAX], address[43] = "0x";
    uint64_t quota = 0;
    int code = cloud_directory(tenants->node, path, error);

    if (!code)
        code = tenant_open(path, hospital, false, &tenant, error);
    if (!code)
        code = tenant_usage(tenant, &usage, error);
    tenant_close(tenant);
    if (!code)
        code = cloud_quota(tenants->node, hospital, &quota, error);
    if (code)
        return code;
    text_hex(hospital, 20, address + 2);
    tenants->count++;
    tenants->sum.objects += usage.objects;
    tenants->sum.bytes += usage.bytes;
    if (!tenants->writer)
        return ACESO_OK;
    json_open(tenants->writer, NULL, '{');
    json_put_string(tenants->writer, "hospital", address);
    json_put_u64(tenants->writer, "objects", usage.objects);
    json_put_u64(tenants->writer, "bytes", usage.bytes);
    json_put_u64(tenants->writer, "quota", quota);
    json_close(tenants->writer, '}');
    return buffer_printf(tenants->text, "%s%s: %llu objects, %llu of %llu bytes",
                         tenants->count > 1 ? "\n" : "", address,
                         (unsigned long long)usage.objects, (unsigned long long)usage.bytes,
                         (unsigned long long)quota);
}

static int cloud_tenants(struct node *node, const yyjson_val *input, struct buffer *out,
                         struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    struct buffer text = BUFFER_INIT(1 << 20);
    struct tenants tenants = { .node = node, .writer = &writer, .text = &text };
    char path[PATH_MAX];
    int code = cloud_directory(node, path, error);

    (void)input;
    json_open(&writer, NULL, '{');
    json_open(&writer, "tenants", '[');
    if (!code)
        code = tenant_each(path, cloud_add_tenant, &tenants, error);
    json_close(&writer, ']');
    json_put_u64(&writer, "objects", tenants.sum.objects);
    json_put_u64(&writer, "bytes", tenants.sum.bytes);
    json_put_string(&writer, "message", tenants.count ? buffer_text(&text) : "nothing is kept yet");
    json_close(&writer, '}');
    buffer_free(&text);
    return code ? code : out->failed;
}

static int cloud_status(struct node *node, struct store *store, struct status *status,
                        struct aceso_error *error)
{
    struct tenants tenants = { .node = node };
    char path[PATH_MAX];
    int code = cloud_directory(node, path, error);

    (void)store;
    if (!code)
        code = tenant_each(path, cloud_add_tenant, &tenants, error);
    if (code)
        return code;
    json_open(&status->writer, "kept", '{');
    json_put_u64(&status->writer, "hospitals", tenants.count);
    json_put_u64(&status->writer, "objects", tenants.sum.objects);
    json_put_u64(&status->writer, "bytes", tenants.sum.bytes);
    json_close(&status->writer, '}');
    status_line(status, "keeps %llu objects, %llu bytes, for %llu hospitals",
                (unsigned long long)tenants.sum.objects, (unsigned long long)tenants.sum.bytes,
                (unsigned long long)tenants.count);
    return ACESO_OK;
}

static const struct operation_kind cloud_operations[] = {
    { "quota", LANE_SHORT, cloud_set_quota },
};

static const struct view_kind cloud_views[] = {
    { "tenants", cloud_tenants },
};

static const struct http_route cloud_routes[] = {
    { "GET", "/v1/objects", cloud_serve_list, HTTP_ROUTE_PEER, 0 },
    { "PUT", "/v1/objects/{name}", cloud_serve_put, HTTP_ROUTE_PEER, OBJECT_SIZE_MAX },
    { "GET", "/v1/objects/{name}", cloud_serve_get, HTTP_ROUTE_PEER, 0 },
    { "DELETE", "/v1/objects/{name}", cloud_serve_delete, HTTP_ROUTE_PEER, 0 },
    { "POST", "/v1/objects/write", cloud_serve_write, HTTP_ROUTE_PEER, OBJECT_BATCH_BYTES },
    { "POST", "/v1/objects/read", cloud_serve_read, HTTP_ROUTE_PEER,
      1 + OBJECT_BATCH_MAX * OBJECT_NAME_SIZE },
    { "POST", "/v1/objects/remove", cloud_serve_remove, HTTP_ROUTE_PEER,
      1 + OBJECT_BATCH_MAX * OBJECT_NAME_SIZE },
    { "GET", "/v1/usage", cloud_serve_usage, HTTP_ROUTE_PEER, 0 },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct role cloud_role = {
    .name = "cloud",
    .role = ROLE_CLOUD,
    .operations = cloud_operations,
    .operation_count = COUNT(cloud_operations),
    .views = cloud_views,
    .view_count = COUNT(cloud_views),
    .routes = cloud_routes,
    .route_count = COUNT(cloud_routes),
    .status = cloud_status,
};
