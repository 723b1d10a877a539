/* SPDX-License-Identifier: Apache-2.0 */
/* How a node stands, in a few lines: the same view and the same route in every role. Uses node. */
#ifndef ACESO_NODE_STATUS_H
#define ACESO_NODE_STATUS_H

#include "node/node.h"

/* What every node does beside its roles, under the name "node": the view "status" (message, role,
 * label, address, url, block, chain: whether it answers) and GET /v1/party for other nodes (role,
 * url, and the network where it is known). */
extern const struct role status_role;

#endif
