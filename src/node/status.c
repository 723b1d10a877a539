/* SPDX-License-Identifier: Apache-2.0 */
#include "node/status.h"

#include "base/text.h"
#include "consent/vocabulary.h"
#include "node/chain_thread.h"
#include "node/recent.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STATUS_PEERS 5 /* in the lines; the object has all */
#define STATUS_NAME_SIZE (CONFIG_LABEL_SIZE + RECENT_ROLE_SIZE)

void status_line(struct status *status, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    (void)buffer_printf(&status->text, "%s%s", status->text.len ? "\n" : "", line);
}

void status_ago(int64_t then, int64_t now, char out[STATUS_AGO_SIZE])
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    int64_t passed = now > then ? now - then : 0;
    size_t at = 0;

    while (units[at].seconds > 1 && passed < 2 * units[at].seconds)
        at++;
    (void)snprintf(out, STATUS_AGO_SIZE, "%lld %s ago", (long long)(passed / units[at].seconds),
                   units[at].unit);
}

struct counting {
    struct status_count count;
    uint64_t now;
};

static int counting_request(void *data, const struct ledger_request *request,
                            struct aceso_error *error)
{
    struct counting *counting = data;

    (void)error;
    if (request->status == LEDGER_OPEN && request->deadline > counting->now)
        counting->count.open++;
    else if (request->status == LEDGER_APPROVED && request->until > counting->now)
        counting->count.live++;
    return ACESO_OK;
}

int status_count(struct store *store, const uint8_t *party, uint32_t hospital,
                 struct status_count *count, struct aceso_error *error)
{
    struct counting counting = { .now = (uint64_t)time_now() };
    int code = ledger_requests(store, party, hospital, counting_request, &counting, error);

    if (!code)
        *count = counting.count;
    return code;
}

static void status_chain(struct node *node, struct status *status)
{
    const struct network *network = node_network(node);
    struct rpc_block newest = { .number = 0 };
    bool answers = rpc_block(node->rpc, RPC_LATEST, &newest, NULL) == ACESO_OK, followed = false;
    char ago[STATUS_AGO_SIZE], name[64] = "";
    uint64_t block = 0;

    chain_thread_position(node->chain, &block, &followed);
    json_put_u64(&status->writer, "block", block);
    json_put_bool(&status->writer, "chain", answers);
    json_put_bool(&status->writer, "contracts", network != NULL);
    if (network) {
        json_put_u64(&status->writer, "chain_id", network->chain_id);
        (void)snprintf(name, sizeof name, " %llu", (unsigned long long)network->chain_id);
    }
    if (answers) {
        json_put_u64(&status->writer, "newest", newest.number);
        json_put_u64(&status->writer, "newest_time", newest.time);
        status_ago((int64_t)newest.time, time_now(), ago);
        status_line(status, "chain%s answers: block %llu, %s", name,
                    (unsigned long long)newest.number, ago);
        if (network && newest.number > block)
            status_line(status, "this node has followed it to block %llu",
                        (unsigned long long)block);
    } else {
        status_line(status, "chain%s does not answer; followed to block %llu", name,
                    (unsigned long long)block);
    }
    if (!network)
        status_line(status, "there are no contracts yet");
}

/* The word for a party: what the chain knows of it, or its address. */
static void status_name(struct store *store, const struct recent_peer *peer,
                        struct json_writer *writer, char out[STATUS_NAME_SIZE])
{
    struct ledger_credential credential;
    struct ledger_hospital hospital;
    const char *role = peer->role;
    char address[43] = "0x";

    text_hex(peer->address, 20, address + 2);
    json_put_string(writer, "role", role);
    json_put_string(writer, "address", address);
    if (strcmp(role, "hospital") == 0 &&
        ledger_hospital_by_address(store, peer->address, &hospital, NULL) == ACESO_OK) {
        json_put_string(writer, "label", hospital.card.label);
        (void)snprintf(out, STATUS_NAME_SIZE, "%s %s", role, hospital.card.label);
        return;
    }
    if (strcmp(role, "institute") == 0 &&
        ledger_credential(store, peer->address, &credential, NULL) == ACESO_OK) {
        role = category_name(credential.category);
        json_put_string(writer, "category", role);
    }
    (void)snprintf(out, STATUS_NAME_SIZE, "%s %s", role, address);
}

static const char *status_outcome(const struct recent_peer *peer)
{
    if (peer->code == ACESO_OK)
        return "ok";
    if (peer->outgoing && (peer->code == ACESO_EIO || peer->code == ACESO_ETIMEOUT))
        return "does not answer";
    return error_name(peer->code);
}

static void status_peers(struct node *node, struct store *store, struct status *status)
{
    struct recent_peer peers[RECENT_PEERS_MAX];
    size_t count = recent_peers(node->recent, peers);

    json_open(&status->writer, "peers", '[');
    for (size_t i = 0; i < count; i++) {
        char name[STATUS_NAME_SIZE], ago[STATUS_AGO_SIZE], at[21];

        json_open(&status->writer, NULL, '{');
        status_name(store, &peers[i], &status->writer, name);
        text_time(peers[i].at, at);
        json_put_string(&status->writer, "at", at);
        json_put_bool(&status->writer, "called", peers[i].outgoing);
        json_put_bool(&status->writer, "ok", peers[i].code == ACESO_OK);
        json_put_string(&status->writer, "outcome", status_outcome(&peers[i]));
        json_close(&status->writer, '}');
        status_ago(peers[i].at, time_now(), ago);
        if (i < STATUS_PEERS)
            status_line(status, "%s %s, %s: %s", peers[i].outgoing ? "called" : "called by", name,
                        ago, status_outcome(&peers[i]));
    }
    json_close(&status->writer, ']');
    if (count > STATUS_PEERS)
        status_line(status, "and %zu more parties", count - STATUS_PEERS);
}

static void status_last_failure(struct node *node, struct store *store, struct status *status)
{
    struct recent_failure failure;
    char name[STATUS_NAME_SIZE], at[21], text[sizeof failure.text + STATUS_NAME_SIZE];

    if (!recent_failure(node->recent, &failure)) {
        json_put_null(&status->writer, "last_error");
        status_line(status, "no error since the start");
        return;
    }
    text_time(failure.at, at);
    json_open(&status->writer, "last_error", '{');
    if (failure.text[0]) {
        (void)snprintf(text, sizeof text, "%s", failure.text);
    } else {
        status_name(store, &failure.peer, &status->writer, name);
        (void)snprintf(text, sizeof text, "%s %s", name, status_outcome(&failure.peer));
    }
    json_put_string(&status->writer, "at", at);
    json_put_string(&status->writer, "text", text);
    json_close(&status->writer, '}');
    status_line(status, "last error, %s: %s", at, text);
}

static void status_self(const struct node_config *config, struct status *status)
{
    char address[43] = "0x";

    text_hex(config->address, 20, address + 2);
    json_put_string(&status->writer, "role", role_name(config->role));
    json_put_string(&status->writer, "label", config->label);
    json_put_string(&status->writer, "address", address);
    json_put_string(&status->writer, "url", config->url);
    status_line(status, "%s %s, %s%s%s", role_name(config->role), config->label, address,
                config->url[0] ? " at " : "", config->url);
}

static int status_view(struct node *node, const yyjson_val *input, struct buffer *out,
                       struct aceso_error *error)
{
    struct status status = { .writer = json_writer_of(out),
                             .text = BUFFER_INIT(BUFFER_MAX_DEFAULT) };
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    (void)input;
    json_open(&status.writer, NULL, '{');
    status_self(&node->config, &status);
    if (node->rpc) /* a cloud has nothing to do with the chain */
        status_chain(node, &status);
    for (size_t i = 0; i < node->roles.count && !code; i++) {
        const struct role *role = node->roles.role[i];
        struct aceso_error failed;

        /* A status that fails because something is wrong would be of little use. */
        if (role->status && role->status(node, store, &status, &failed))
            status_line(&status, "%s: %s", role->name, failed.text);
    }
    if (!code) {
        status_peers(node, store, &status);
        status_last_failure(node, store, &status);
    }
    json_put_string(&status.writer, "message", buffer_text(&status.text));
    json_close(&status.writer, '}');
    if (!code)
        code = status.text.failed ? status.text.failed : out->failed;
    store_close(store);
    buffer_free(&status.text);
    return code;
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
