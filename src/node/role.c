/* SPDX-License-Identifier: Apache-2.0 */
#include "node/role.h"

#include "node/ledger.h"

#include <stdlib.h>
#include <string.h>

static const struct role *roles_find(const struct roles *roles, const char *group)
{
    for (size_t i = 0; i < roles->count; i++) {
        if (strcmp(roles->role[i]->name, group) == 0)
            return roles->role[i];
    }
    return NULL;
}

const struct operation_kind *roles_operation(const struct roles *roles, const char *group,
                                             const char *name)
{
    const struct role *role = roles_find(roles, group);

    for (size_t i = 0; role && i < role->operation_count; i++) {
        if (strcmp(role->operations[i].name, name) == 0)
            return &role->operations[i];
    }
    return NULL;
}

const struct view_kind *roles_view(const struct roles *roles, const char *group, const char *name)
{
    const struct role *role = roles_find(roles, group);

    for (size_t i = 0; role && i < role->view_count; i++) {
        if (strcmp(role->views[i].name, name) == 0)
            return &role->views[i];
    }
    return NULL;
}

const struct stream_kind *roles_stream(const struct roles *roles, const char *group,
                                       const char *name)
{
    const struct role *role = roles_find(roles, group);

    for (size_t i = 0; role && i < role->stream_count; i++) {
        if (strcmp(role->streams[i].name, name) == 0)
            return &role->streams[i];
    }
    return NULL;
}

/* Whether two patterns match the same paths: "{id}" is any name. */
static bool pattern_same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        if (*a == '{') {
            a += strcspn(a, "/");
            b += strcspn(b, "/");
        } else {
            a++;
            b++;
        }
    }
    return *a == *b;
}

int roles_routes(const struct roles *roles, struct http_route **out, size_t *out_count,
                 struct aceso_error *error)
{
    struct http_route *routes;
    size_t total = 0, count = 0;

    for (size_t i = 0; i < roles->count; i++)
        total += roles->role[i]->route_count;
    routes = calloc(total ? total : 1, sizeof *routes);
    if (!routes)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    for (size_t i = 0; i < roles->count; i++) {
        for (size_t j = 0; j < roles->role[i]->route_count; j++) {
            const struct http_route *route = &roles->role[i]->routes[j];

            for (size_t k = 0; k < count; k++) {
                if (strcmp(routes[k].method, route->method) != 0 ||
                    !pattern_same(routes[k].pattern, route->pattern))
                    continue;
                free(routes);
                return error_set(error, ACESO_EINTERNAL, NULL, "two roles have the route %s %s",
                                 route->method, route->pattern);
            }
            routes[count++] = *route;
        }
    }
    *out = routes;
    *out_count = count;
    return ACESO_OK;
}

int roles_tick(const struct roles *roles, struct node *node, struct store *store,
               struct aceso_error *error)
{
    int first = ACESO_OK;

    for (size_t i = 0; i < roles->count; i++) {
        if (roles->role[i]->tick) {
            int code = roles->role[i]->tick(node, store, first ? NULL : error);

            first = first ? first : code;
        }
    }
    return first;
}

int roles_migrate(const struct roles *roles, struct store *store, struct aceso_error *error)
{
    int code = ledger_migrate(store, error);

    for (size_t i = 0; i < roles->count && !code; i++) {
        const struct role *role = roles->role[i];
        const struct store_migration whole = { role->name, role->schema };

        if (i > 0 && role->schema)
            code = store_migrate(store, &whole, 1, error);
        if (!code)
            code = store_migrate(store, role->migrations, role->migration_count, error);
    }
    return code;
}
