/* SPDX-License-Identifier: Apache-2.0 */
/* A running node: what all roles have in common. Uses everything below the roles.
 *
 * Threads: the loop's thread owns sockets and timers; handlers run on its workers; the lanes of
 * operation.h run what the owner asked for; one chain thread runs the outbox, the follower (which
 * fills the ledger) and the roles' ticks. Each thread opens its own connection to the store
 * (node_store); the members below do not change while the node runs. */
#ifndef ACESO_NODE_NODE_H
#define ACESO_NODE_NODE_H

#include "base/json.h"
#include "chain/contract.h"
#include "chain/outbox.h"
#include "chain/rpc.h"
#include "crypto/x509.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "node/account.h"
#include "node/config.h"
#include "node/keys.h"
#include "node/operation.h"
#include "node/role.h"
#include "node/setting.h"
#include "record/context.h"
#include "store/store.h"

#include <stdatomic.h>

struct chain_thread;
struct recent;

/* What a node shows of itself in a TLS handshake. */
struct node_tls {
    struct buffer chain; /* PEM: the certificate and those below the root */
    struct buffer key;   /* PEM, secret */
};

/* A patient at one hospital. No part of it is used, shown or told anywhere else, so that hospitals
 * cannot find out from each other, or from the chain, whom they both treat. */
struct membership {
    struct hospital_card card;
    struct account *account;
    uint8_t address[20]; /* of `account` */
    struct node_tls tls; /* empty before the hospital's admission was accepted */
};

struct node {
    const char *directory;
    struct node_config config; /* its network: through node_network */
    atomic_bool network_ready;
    atomic_llong chain_lost_ms; /* when the chain last lost blocks that the ledger had; 0: never */
    struct keys *keys;
    struct roles roles;
    struct node_tls tls; /* empty in a patient's node, which has one for each hospital */
    struct membership memberships[CONFIG_HOSPITALS_MAX]; /* as in config.hospitals */
    size_t membership_count;
    struct buffer roots; /* PEM */
    struct rpc *rpc;
    struct outbox *outbox;   /* NULL for a patient */
    struct store *outbox_store;
    struct operations *operations;
    struct chain_thread *chain;
    struct recent *recent; /* how it went lately: recent.h */
    struct loop *loop;
    struct http_server *server;
    struct http_route *routes; /* of all roles */
    struct http_route *served; /* the same for the server, which come to `routes` through serve.c */
    size_t route_count;        /* of each */
};

/* Runs the node in `directory` until SIGTERM or SIGINT, in `roles` and in what every node does.
 * `password` opens the keystores. */
ACESO_NODISCARD int node_serve(const char *directory, struct bytes password,
                               const struct roles *roles, struct aceso_error *error);

/* The network, or NULL before the node joined one. */
const struct network *node_network(const struct node *node);

/* ACESO_ESTATE with words for the owner where there is no network yet. */
ACESO_NODISCARD int node_need_network(const struct node *node, const struct network **network,
                                      struct aceso_error *error);

/* Takes a network over while the node runs, once (a CA after deploying), and saves it. */
ACESO_NODISCARD int node_set_network(struct node *node, const struct network *network,
                                     struct aceso_error *error);

/* A connection of the caller's own to DATA/node.db; closed with store_close. */
ACESO_NODISCARD int node_store(struct node *node, struct store **store,
                               struct aceso_error *error);

/* DATA/<name> into `out` (PATH_MAX bytes). */
ACESO_NODISCARD int node_path(const struct node *node, const char *name, char *out, size_t size,
                              struct aceso_error *error);

/* Opens the outbox once the node has a network; a CA needs one earlier, to deploy. */
ACESO_NODISCARD int node_open_outbox(struct node *node, uint64_t chain_id,
                                     struct aceso_error *error);

/* Writes a transaction down under `key` and waits until it is in a settled block. Called again
 * with the same key it waits for the same transaction. ACESO_ECHAIN with the contract's words. */
ACESO_NODISCARD int node_transact(struct node *node, const char *key, const uint8_t *to,
                                  struct bytes data, struct outbox_result *result,
                                  struct aceso_error *error);

/* The contracts as they stand in the newest block, and the domains of what is signed for them. */
struct contract node_amsc(const struct node *node);
struct contract node_arsc(const struct node *node);
struct eip712_domain node_domain(const struct node *node, const uint8_t contract[20]);

/* The relationship as parts and headers are bound to it: `contract` is the HPSC. */
struct record_context node_context(const struct node *node, const uint8_t contract[20],
                                   const uint8_t patient[20], const uint8_t hospital[20]);

/* True for a while after the chain lost blocks: others are sending again what was in them, and what
 * is missing now may be there soon. A refusal is not final then. */
bool node_recovering(const struct node *node);

/* Waits until the ledger holds the newest block that the chain has now: before an owner's word is
 * acted on, what others did before counts. ACESO_EIO where the chain does not answer. */
ACESO_NODISCARD int node_catch_up(struct node *node, struct aceso_error *error);

/* Adds "tx" and "gas" of a mined transaction to a JSON result. */
void node_put_transaction(struct json_writer *writer, const struct outbox_result *result);

/* True once the node is to stop: long work ends with ACESO_ECANCELLED. */
bool node_stopping(const struct node *node);

/* What the node shows to others where it acts on what is kept at `hospital`: a patient what it has
 * for there alone, also to third parties, who then learn no second address of it; any other
 * node its own. NULL: a patient's node that was not admitted there. */
const struct node_tls *node_shown(const struct node *node, uint32_t hospital);

/* A call to another node. */
struct node_call {
    const struct node_tls *shown;
    const struct http_peer *peer; /* role and address, checked in the handshake */
    const char *base;             /* its URL */
    const char *method;
    const char *path;
    struct bytes body;
    unsigned total_ms; /* 0: as http_client.h has it */
};

/* Makes it; `answer` (may be NULL) receives the body. */
ACESO_NODISCARD int node_send(struct node *node, const struct node_call *call,
                              struct buffer *answer, struct aceso_error *error);

/* The same in short, for a node that shows its own certificate. */
ACESO_NODISCARD int node_call(struct node *node, const struct http_peer *peer, const char *base,
                              const char *method, const char *path, struct bytes body,
                              struct buffer *answer, struct aceso_error *error);

/* Notes how a call to `peer` went that was made without node_send; returns `code`. */
int node_note_call(struct node *node, const struct http_peer *peer, int code);

/* Who called a handler of a route with HTTP_ROUTE_PEER, as the server has verified it. */
const struct x509_identity *node_caller(const struct http_request *request);

/* Reads the body of a request as a JSON object. */
ACESO_NODISCARD int node_read_json(const struct http_request *request, yyjson_doc **doc,
                                   struct aceso_error *error);

#endif
