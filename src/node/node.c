/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "chain/follower.h"
#include "net/http_problem.h"
#include "node/chain_thread.h"
#include "node/ledger.h"
#include "node/recent.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define NODE_TRANSACTION_MS 120000
#define NODE_FOLLOW_MS 60000
#define NODE_REACH_MS 2000
#define NODE_RECOVERING_MS 15000
#define NODE_RESENDING_MS 3000 /* in which the others' nodes have noticed and sent again */

int node_path(const struct node *node, const char *name, char *out, size_t size,
              struct aceso_error *error)
{
    if (file_path(node->directory, name, out, size))
        return error_set(error, ACESO_ELIMIT, NULL, "the data directory's path is too long");
    return ACESO_OK;
}

const struct network *node_network(const struct node *node)
{
    return atomic_load(&node->network_ready) ? &node->config.network : NULL;
}

int node_need_network(const struct node *node, const struct network **network,
                      struct aceso_error *error)
{
    const struct network *found = node_network(node);

    if (!found)
        return error_set(error, ACESO_ESTATE, NULL,
                         "there are no contracts yet: 'aceso ca deploy'");
    *network = found;
    return ACESO_OK;
}

int node_set_network(struct node *node, const struct network *network, struct aceso_error *error)
{
    struct node_config config = node->config;
    int code;

    if (node_network(node))
        return ACESO_OK;
    config.network = *network;
    code = config_save(node->directory, &config, error);
    if (code)
        return code;
    node->config.network = *network;
    atomic_store(&node->network_ready, true);
    chain_thread_wake(node->chain);
    return ACESO_OK;
}

struct contract node_amsc(const struct node *node)
{
    return contract_at(node->rpc, node->config.network.amsc);
}

struct contract node_arsc(const struct node *node)
{
    return contract_at(node->rpc, node->config.network.arsc);
}

struct eip712_domain node_domain(const struct node *node, const uint8_t contract[20])
{
    return contract_domain(node->config.network.chain_id, contract);
}

struct record_context node_context(const struct node *node, const uint8_t contract[20],
                                   const uint8_t patient[20], const uint8_t hospital[20])
{
    struct record_context context = { .chain_id = node->config.network.chain_id };

    memcpy(context.contract, contract, 20);
    memcpy(context.patient, patient, 20);
    memcpy(context.hospital, hospital, 20);
    return context;
}

int node_store(struct node *node, struct store **store, struct aceso_error *error)
{
    const char *const own = node->roles.role[0]->schema;
    const char *const migrations[] = { outbox_schema,  follower_schema, operation_schema,
                                       setting_schema, ledger_schema,   own ? own : "" };
    char path[PATH_MAX];
    int code = node_path(node, "node.db", path, sizeof path, error);

    if (!code)
        code = store_open(path, migrations, sizeof migrations / sizeof migrations[0], store, error);
    return code;
}

int node_open_outbox(struct node *node, uint64_t chain_id, struct aceso_error *error)
{
    struct outbox_settings settings = {
        .rpc = node->rpc,
        .secret = keys_account(node->keys),
        .chain_id = chain_id,
    };
    int code;

    if (node->outbox)
        return ACESO_OK;
    if (!settings.secret)
        return error_set(error, ACESO_ESTATE, NULL, "this node has no account to send from");
    code = confirmation_parse(node->config.confirmation, &settings.confirmation, error);
    if (!code)
        code = node_store(node, &node->outbox_store, error);
    settings.store = node->outbox_store;
    if (!code)
        code = outbox_open(&settings, &node->outbox, error);
    return code;
}

/* Waits until `key` is in a block and the ledger holds that block. A chain that lost blocks may put
 * it into an earlier one than before, so it is asked again which. */
static int node_settle(struct node *node, const char *key, struct outbox_result *result,
                       struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + NODE_FOLLOW_MS;
    int code;

    do {
        code = outbox_wait(node->outbox, key, NODE_TRANSACTION_MS, result, error);
        if (code || !node_network(node))
            return code;
        code = chain_thread_reach(node->chain, result->block, NODE_REACH_MS, error);
    } while (code == ACESO_ETIMEOUT && time_monotonic_ms() < until);
    return code;
}

int node_transact(struct node *node, const char *key, const uint8_t *to, struct bytes data,
                  struct outbox_result *out, struct aceso_error *error)
{
    const struct outbox_message message = { .to = to, .data = data, .gas_limit = 0 };
    struct outbox_result result;
    struct store *store = NULL;
    int code;

    if (!node->outbox)
        return error_set(error, ACESO_ESTATE, NULL, "this node has not joined a network yet");
    code = outbox_result(node->outbox, key, &result, NULL);
    if (code == ACESO_ENOTFOUND) {
        code = node_store(node, &store, error);
        if (!code)
            code = outbox_add(store, key, &message, error);
        store_close(store);
    }
    if (!code)
        code = node_settle(node, key, &result, error);
    if (!code && out)
        *out = result;
    return code;
}

static bool node_lost_within(const struct node *node, int64_t ms)
{
    int64_t lost = atomic_load(&node->chain_lost_ms);

    return lost != 0 && time_monotonic_ms() - lost < ms;
}

bool node_recovering(const struct node *node)
{
    return node_lost_within(node, NODE_RECOVERING_MS);
}

int node_catch_up(struct node *node, struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + NODE_FOLLOW_MS;
    struct rpc_block newest;
    int code;

    if (!node_network(node))
        return ACESO_OK;
    while (node_lost_within(node, NODE_RESENDING_MS) && !node_stopping(node))
        (void)poll(NULL, 0, 50);
    do {
        code = rpc_block(node->rpc, RPC_LATEST, &newest, error);
        if (!code)
            code = chain_thread_reach(node->chain, newest.number, NODE_REACH_MS, error);
    } while (code == ACESO_ETIMEOUT && time_monotonic_ms() < until);
    return code;
}

void node_put_transaction(struct json_writer *writer, const struct outbox_result *result)
{
    json_put_hex(writer, "tx", result->transaction, 32);
    json_put_u64(writer, "gas", result->gas_used);
    json_put_u64(writer, "block", result->block);
}

bool node_stopping(const struct node *node)
{
    return chain_thread_stopping(node->chain);
}

const struct node_tls *node_shown(const struct node *node, uint32_t hospital)
{
    if (node->config.role != ROLE_PATIENT)
        return &node->tls;
    for (size_t i = 0; i < node->membership_count; i++) {
        if (node->memberships[i].card.id == hospital)
            return node->memberships[i].tls.chain.len ? &node->memberships[i].tls : NULL;
    }
    return NULL;
}

int node_note_call(struct node *node, const struct http_peer *peer, int code)
{
    recent_call(node->recent, true, peer->role, peer->address, code);
    return code;
}

int node_call(struct node *node, const struct http_peer *peer, const char *base,
              const char *method, const char *path, struct bytes body, struct buffer *out,
              struct aceso_error *error)
{
    const struct node_call call = { .shown = &node->tls, .peer = peer, .base = base,
                                    .method = method, .path = path, .body = body };

    return node_send(node, &call, out, error);
}

int node_send(struct node *node, const struct node_call *wanted, struct buffer *out,
              struct aceso_error *error)
{
    struct http_client_options options = { .roots_pem = buffer_bytes(&node->roots) };
    struct http_answer answer = HTTP_ANSWER_INIT;
    struct http_client *client = NULL;
    char url[CONFIG_URL_SIZE + 256];
    struct http_call call = { .method = wanted->method, .url = url, .body = wanted->body,
                              .peer = wanted->peer, .body_max = BUFFER_MAX_DEFAULT,
                              .connect_ms = wanted->total_ms, .total_ms = wanted->total_ms };
    int len = snprintf(url, sizeof url, "%s%s", wanted->base, wanted->path);
    int code;

    if (len < 0 || (size_t)len >= sizeof url)
        return error_set(error, ACESO_ELIMIT, NULL, "the address is too long");
    if (!wanted->shown)
        return error_set(error, ACESO_ESTATE, NULL, "this node was not admitted there yet");
    options.chain_pem = buffer_bytes(&wanted->shown->chain);
    options.key_pem = buffer_bytes(&wanted->shown->key);
    code = http_client_create(&options, &client, error);
    if (!code)
        code = node_note_call(node, wanted->peer, http_call(client, &call, &answer, error));
    if (!code && out)
        code = buffer_put_bytes(out, buffer_bytes(&answer.body));
    http_answer_free(&answer);
    http_client_destroy(client);
    return code;
}

const struct x509_identity *node_caller(const struct http_request *request)
{
    return request->who;
}

int node_read_json(const struct http_request *request, yyjson_doc **doc,
                   struct aceso_error *error)
{
    yyjson_doc *parsed = NULL;
    int code = json_parse(request->body, &parsed, error);

    if (!code && !yyjson_is_obj(yyjson_doc_get_root(parsed))) {
        yyjson_doc_free(parsed);
        return error_set(error, ACESO_EFORMAT, NULL, "the body is not a JSON object");
    }
    if (!code)
        *doc = parsed;
    return code;
}
