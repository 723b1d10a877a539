/* SPDX-License-Identifier: Apache-2.0 */
/* The HIPAA cloud's role: keeps sealed objects for hospitals, each apart from the others, and sees
 * nothing of what is in them. It needs a certificate of the network and nothing of the chain. Uses
 * node, record (object_batch). */
#ifndef ACESO_CLOUD_CLOUD_H
#define ACESO_CLOUD_CLOUD_H

#include "node/node.h"

extern const struct role cloud_role;

#endif
