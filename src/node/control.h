/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's interface: JSON over HTTP on DATA/control.sock (mode 0600), which the commands use.
 * Uses net, operation, node.
 *
 *     POST /v1/operations              {"id","group","kind","input"}   writes an operation down
 *     GET  /v1/operations/{id}                                         how it stands, its result
 *     POST /v1/views/{group}/{kind}    {...}                           what there is to see
 *     POST /v1/streams/{group}/{kind}  {...}                           frames (frame.h)
 *
 * A group is the name of a role, or "node" for what every node has. */
#ifndef ACESO_NODE_CONTROL_H
#define ACESO_NODE_CONTROL_H

#include "net/http_server.h"

#define CONTROL_SOCKET "control.sock"

/* The socket's path in a data directory. The kernel takes 107 bytes only: a longer path goes
 * through a descriptor of the directory, which stays open for the process's life. */
ACESO_NODISCARD int control_socket(const char *directory, char *out, size_t size,
                                   struct aceso_error *error);

extern const struct http_route control_routes[];
extern const size_t control_route_count;

#endif
