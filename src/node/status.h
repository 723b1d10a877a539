/* SPDX-License-Identifier: Apache-2.0 */
/* How a node stands, in a few lines: the same view and the same route in every role. Uses node. */
#ifndef ACESO_NODE_STATUS_H
#define ACESO_NODE_STATUS_H

#include "node/node.h"

/* The view "status": message, role, label, address, url, block, chain (whether it answers). */
int status_view(struct node *node, const yyjson_val *input, struct buffer *out,
                struct aceso_error *error);

/* The handler of GET /v1/party, for other nodes: role, url, and the network where it is known. */
int status_serve(void *context, const struct http_request *request,
                 struct http_response *response, struct aceso_error *error);

#endif
