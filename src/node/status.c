/* SPDX-License-Identifier: Apache-2.0 */
#include "node/status.h"

#include "base/text.h"
#include "node/chain_thread.h"

#include <stdio.h>

static int status_view(struct node *node, const yyjson_val *input, struct buffer *out,
                       struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    const struct node_config *config = &node->config;
    char message[512], address[43] = "0x";
    uint64_t block = 0;
    bool answers = false;

    (void)input;
    (void)error;
    chain_thread_position(node->chain, &block, &answers);
    text_hex(config->address, 20, address + 2);
    (void)snprintf(message, sizeof message, "%s %s at %s\nchain %s, block %llu, contracts %s",
                   role_name(config->role), address, config->url,
                   answers ? "answers" : "does not answer", (unsigned long long)block,
                   node_network(node) ? "known" : "not deployed yet");
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    json_put_string(&writer, "role", role_name(config->role));
    json_put_string(&writer, "label", config->label);
    json_put_string(&writer, "address", address);
    json_put_string(&writer, "url", config->url);
    json_put_u64(&writer, "block", block);
    json_put_bool(&writer, "chain", answers);
    json_close(&writer, '}');
    return out->failed;
}

static int status_serve(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    const struct node *node = context;
    const struct network *network = node_network(node);
    struct json_writer writer = json_writer_of(&response->body);

    (void)request;
    (void)error;
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "role", role_name(node->config.role));
    json_put_string(&writer, "url", node->config.url);
    if (network)
        network_write(network, &writer);
    json_close(&writer, '}');
    return response->body.failed;
}

static const struct view_kind status_views[] = {
    { "status", status_view },
};

static const struct http_route status_routes[] = {
    { "GET", "/v1/party", status_serve, HTTP_ROUTE_PEER, 0 },
};

const struct role status_role = {
    .name = "node",
    .views = status_views,
    .view_count = sizeof status_views / sizeof status_views[0],
    .routes = status_routes,
    .route_count = sizeof status_routes / sizeof status_routes[0],
};
