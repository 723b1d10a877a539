/* SPDX-License-Identifier: Apache-2.0 */
/* The role table of an institute node. */
#ifndef ACESO_INSTITUTE_INSTITUTE_H
#define ACESO_INSTITUTE_INSTITUTE_H

#include "node/node.h"

extern const struct role institute_role;

#endif
