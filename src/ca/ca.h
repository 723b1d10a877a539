/* SPDX-License-Identifier: Apache-2.0 */
/* The role table of a ca node. */
#ifndef ACESO_CA_CA_H
#define ACESO_CA_CA_H

#include "node/node.h"

extern const struct role ca_role;

#endif
