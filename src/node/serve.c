/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a node's parts in order and stops them in the opposite one. */
#include "base/file.h"
#include "base/log.h"
#include "net/loop.h"
#include "node/chain_thread.h"
#include "node/control.h"
#include "node/node.h"
#include "node/recent.h"
#include "node/status.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SERVE_GRACE_MS 3000

static int serve_read(const struct node *node, const char *name, struct buffer *out,
                      struct aceso_error *error)
{
    char path[PATH_MAX];
    int code = node_path(node, name, path, sizeof path, error);

    return code ? code : file_read(path, out, error);
}

/* A certificate is there once the node was admitted: ACESO_ENOTFOUND before. */
static int serve_read_tls(struct node *node, const char *chain_name, const char *key_name,
                          struct node_tls *tls, struct aceso_error *error)
{
    struct x509_key *key = NULL;
    char path[PATH_MAX];
    int code = serve_read(node, chain_name, &tls->chain, error);

    if (!code)
        code = node_path(node, key_name, path, sizeof path, error);
    if (!code)
        code = keys_tls(node->keys, path, &key, error);
    if (!code)
        code = x509_key_write(key, &tls->key, error);
    x509_key_free(key);
    return code;
}

/* What a patient has at one hospital. One that did not admit it yet is passed over later. */
static int serve_membership(struct node *node, size_t at, bool *admitted,
                            struct aceso_error *error)
{
    const struct patient_hospital *hospital = &node->config.hospitals[at];
    struct membership *membership = &node->memberships[node->membership_count++];
    char chain[CONFIG_FILE_SIZE], key[CONFIG_FILE_SIZE];
    int code;

    *membership = (struct membership){ .card = hospital->card,
                                       .tls = { .chain = BUFFER_INIT(X509_PEM_MAX),
                                                .key = BUFFER_INIT_SECRET(X509_PEM_MAX) } };
    memcpy(membership->address, hospital->address, 20);
    code = account_derive(node->keys, node->config.network.chain_id, hospital->card.id,
                          &membership->account, error);
    if (!code && memcmp(account_address(membership->account), hospital->address, 20) != 0)
        code = error_set(error, ACESO_EVERIFY, hospital->card.label,
                         "the address in node.json is not the one of this node's keys");
    config_hospital_file(&node->config, at, "chain.pem", chain);
    config_hospital_file(&node->config, at, "key.sealed", key);
    if (!code)
        code = serve_read_tls(node, chain, key, &membership->tls, error);
    *admitted = *admitted || !code;
    return code == ACESO_ENOTFOUND ? ACESO_OK : code;
}

static int serve_read_identity(struct node *node, struct aceso_error *error)
{
    bool admitted = false;
    int code = ACESO_OK;

    if (node->config.role != ROLE_PATIENT) {
        code = serve_read_tls(node, "tls/chain.pem", "tls/key.sealed", &node->tls, error);
        admitted = code != ACESO_ENOTFOUND;
    }
    for (size_t i = 0; !code && i < node->config.hospital_count; i++)
        code = serve_membership(node, i, &admitted, error);
    if (!admitted && (!code || code == ACESO_ENOTFOUND))
        return error_set(error, ACESO_ESTATE, NULL,
                         "this node was not admitted yet: see 'aceso join' and 'aceso accept'");
    return code ? code : serve_read(node, "tls/roots.pem", &node->roots, error);
}

/* Stands before the handlers of all routes for other nodes: notes who called. */
static int serve_route(void *context, const struct http_request *request,
                       struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    int code = ACESO_EINTERNAL;

    for (size_t i = 0; i < node->route_count; i++) {
        const struct http_route *route = &node->routes[i];

        if (strcmp(route->method, request->method) == 0 &&
            strcmp(route->pattern, request->pattern) == 0) {
            code = route->handler(context, request, response, error);
            break;
        }
    }
    if (request->who)
        recent_call(node->recent, false, request->who->role, request->who->address, code);
    return code;
}

static int serve_listen(struct node *node, struct aceso_error *error)
{
    char path[PATH_MAX];
    struct http_listener control = { .name = "control", .routes = control_routes,
                                     .route_count = control_route_count, .context = node };
    struct http_listener network = {
        .name = "network",
        .address = node->config.host,
        .port = node->config.port,
        .chain_pem = buffer_bytes(&node->tls.chain),
        .key_pem = buffer_bytes(&node->tls.key),
        .roots_pem = buffer_bytes(&node->roots),
        .context = node,
    };
    int code = roles_routes(&node->roles, &node->routes, &node->route_count, error);

    if (!code)
        code = roles_routes(&node->roles, &node->served, &node->route_count, error);
    for (size_t i = 0; !code && i < node->route_count; i++)
        node->served[i].handler = serve_route;
    network.routes = node->served;
    network.route_count = node->route_count;
    if (!code)
        code = http_server_create(node->loop, NULL, &node->server, error);
    /* A patient's node answers nobody: whoever connects is shown a certificate, and one of another
     * hospital's would tell who is treated there too. */
    if (!code && node->config.role != ROLE_PATIENT)
        code = http_server_listen(node->server, &network, NULL, error);
    if (!code)
        code = control_socket(node->directory, path, sizeof path, error);
    control.unix_path = path;
    if (!code)
        code = http_server_listen(node->server, &control, NULL, error);
    return code;
}

static void serve_stopped(void *data, size_t handlers)
{
    struct node *node = data;

    if (handlers)
        log_warning("%zu requests were cut", handlers);
    loop_stop(node->loop);
}

static void serve_signal(void *data, int number)
{
    struct node *node = data;

    log_info("stops (signal %d)", number);
    http_server_stop(node->server, SERVE_GRACE_MS, serve_stopped, node);
}

/* The tables of all roles, before the threads begin. */
static int serve_migrate(struct node *node, struct aceso_error *error)
{
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    if (!code)
        code = roles_migrate(&node->roles, store, error);
    store_close(store);
    return code;
}

static int serve_start(struct node *node, struct aceso_error *error)
{
    const struct rpc_settings rpc = { .url = node->config.rpc };
    int code;

    /* A cloud has nothing to do with the chain, and nothing to ask it with. */
    atomic_store(&node->network_ready,
                 node->config.network.known && node->config.role != ROLE_CLOUD);
    code = node->config.role == ROLE_CLOUD ? ACESO_OK : rpc_open(&rpc, &node->rpc, error);

    if (!code)
        code = serve_read_identity(node, error);
    if (!code)
        code = serve_migrate(node, error);
    if (!code && node_network(node) && node->config.role != ROLE_PATIENT)
        code = node_open_outbox(node, node->config.network.chain_id, error);
    if (!code)
        code = loop_create(&node->loop, error);
    if (!code)
        code = chain_thread_start(node, &node->chain, error);
    if (!code)
        code = operations_start(node, &node->operations, error);
    if (!code)
        code = serve_listen(node, error);
    if (!code)
        code = loop_signal(node->loop, SIGTERM, serve_signal, node, error);
    if (!code)
        code = loop_signal(node->loop, SIGINT, serve_signal, node, error);
    return code;
}

/* One process a data directory: the lock goes with the process, however it ends. */
static int serve_lock(const char *directory, int *fd, struct aceso_error *error)
{
    char path[PATH_MAX], text[32];
    int len, code = file_path(directory, "lock", path, sizeof path);

    if (code)
        return error_set(error, code, NULL, "the data directory's path is too long");
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return error_set(error, ACESO_EIO, path, "the lock could not be made");
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
        return error_set(error, ACESO_EBUSY, NULL, "another process serves this data directory");
    len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(*fd, 0) != 0 || write(*fd, text, (size_t)len) != len)
        return error_set(error, ACESO_EIO, path, "the lock could not be written");
    return ACESO_OK;
}

static void serve_forget(struct node *node)
{
    for (size_t i = 0; i < node->membership_count; i++) {
        account_free(node->memberships[i].account);
        buffer_free(&node->memberships[i].tls.key);
        buffer_free(&node->memberships[i].tls.chain);
    }
    buffer_free(&node->tls.key);
    buffer_free(&node->tls.chain);
}

int node_serve(const char *directory, struct bytes password, const struct roles *roles,
               struct aceso_error *error)
{
    struct node node = {
        .directory = directory,
        .roles = *roles,
        .recent = recent_create(),
        .tls = { .chain = BUFFER_INIT(X509_PEM_MAX),
                 .key = BUFFER_INIT_SECRET(X509_PEM_MAX) },
        .roots = BUFFER_INIT(X509_PEM_MAX),
    };
    int lock = -1;
    int code = serve_lock(directory, &lock, error);

    if (!code && node.roles.count == ROLES_MAX)
        code = error_set(error, ACESO_EINTERNAL, NULL, "too many roles");
    if (!code)
        node.roles.role[node.roles.count++] = &status_role;
    if (!code)
        code = config_load(directory, &node.config, error);
    if (!code)
        code = keys_open(directory, password, &node.keys, error);
    if (!code)
        code = serve_start(&node, error);
    if (!code) {
        log_info("serves as %s%s%s", role_name(node.config.role), node.config.url[0] ? " at " : "",
                 node.config.url);
        code = loop_run(node.loop, error);
    }
    operations_stop(node.operations);
    http_server_destroy(node.server);
    chain_thread_stop(node.chain);
    loop_destroy(node.loop);
    outbox_close(node.outbox);
    store_close(node.outbox_store);
    rpc_close(node.rpc);
    free(node.served);
    free(node.routes);
    serve_forget(&node);
    recent_free(node.recent);
    keys_free(node.keys);
    buffer_free(&node.roots);
    if (lock >= 0)
        (void)close(lock);
    return code;
}
