/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's interface: JSON over HTTP on DATA/control.sock (mode 0600), which the commands use.
 * Uses net, operation, node.
 *
 *     POST /v1/operations        {"id","kind","input"}   writes an operation down
 *     GET  /v1/operations/{id}                           how it stands, and its result
 *     POST /v1/views/{kind}      {...}                   what there is to see
 *     POST /v1/streams/{kind}    {...}                   a stream of bytes */
#ifndef ACESO_NODE_CONTROL_H
#define ACESO_NODE_CONTROL_H

#include "net/http_server.h"

#define CONTROL_SOCKET "control.sock"

extern const struct http_route control_routes[];
extern const size_t control_route_count;

#endif
