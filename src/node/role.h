/* SPDX-License-Identifier: Apache-2.0 */
/* Roles as tables. A node runs one role or more (a hospital is an asking institute too), which know
 * nothing of each other: what one does is found under the role's name, what other nodes call under
 * its routes. Uses net, operation, store. */
#ifndef ACESO_NODE_ROLE_H
#define ACESO_NODE_ROLE_H

#include "base/json.h"
#include "net/http_server.h"
#include "node/config.h"
#include "node/operation.h"
#include "store/store.h"

struct status;

/* What the owner may look at: answers at once with a JSON object. `input` is an object. */
struct view_kind {
    const char *name;
    int (*run)(struct node *node, const yyjson_val *input, struct buffer *out,
               struct aceso_error *error);
};

/* What the owner may have as a stream of bytes. */
struct stream_kind {
    const char *name;
    int (*open)(struct node *node, const yyjson_val *input, struct http_stream *stream,
                struct aceso_error *error);
};

struct role {
    const char *name; /* the group of its commands and of the owner's interface */
    enum node_role role;
    const char *schema;                       /* its tables; NULL: none */
    const struct store_migration *migrations; /* that came after `schema`, in order */
    size_t migration_count;
    const struct operation_kind *operations;
    size_t operation_count;
    const struct view_kind *views;
    size_t view_count;
    const struct stream_kind *streams;
    size_t stream_count;
    const struct http_route *routes; /* for other nodes; the handlers' context is the node */
    size_t route_count;
    /* On the chain thread, after the follower has come up to the chain's head. May be NULL. */
    int (*tick)(struct node *node, struct store *store, struct aceso_error *error);
    /* Adds what this role has to say to the view "status" (status.h), or nothing where it fails.
     * May be NULL. */
    int (*status)(struct node *node, struct store *store, struct status *status,
                  struct aceso_error *error);
};

#define ROLES_MAX 4

/* The roles of one node; the first is what it was made as. */
struct roles {
    const struct role *role[ROLES_MAX];
    size_t count;
};

/* What `group` calls `name`; NULL where there is no such thing. */
const struct operation_kind *roles_operation(const struct roles *roles, const char *group,
                                             const char *name);
const struct view_kind *roles_view(const struct roles *roles, const char *group,
                                   const char *name);
const struct stream_kind *roles_stream(const struct roles *roles, const char *group,
                                       const char *name);

/* The routes of all roles in one array (free). ACESO_EINTERNAL where two have the same method and
 * path: that is a mistake in the program. */
ACESO_NODISCARD int roles_routes(const struct roles *roles, struct http_route **routes,
                                 size_t *count, struct aceso_error *error);

/* Every role's tick, also after one that fails; the first failure. */
ACESO_NODISCARD int roles_tick(const struct roles *roles, struct node *node, struct store *store,
                               struct aceso_error *error);

/* Brings a node's database to the tables of the ledger and of all roles: the first role's `schema`
 * is part of what the file was made with, the rest goes by name, so that a directory made before a
 * role joined another gets what it lacks. */
ACESO_NODISCARD int roles_migrate(const struct roles *roles, struct store *store,
                                  struct aceso_error *error);

#endif
