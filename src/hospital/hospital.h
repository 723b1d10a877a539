/* SPDX-License-Identifier: Apache-2.0 */
/* The role table of a hospital node. */
#ifndef ACESO_HOSPITAL_HOSPITAL_H
#define ACESO_HOSPITAL_HOSPITAL_H

#include "node/node.h"

extern const struct role hospital_role;

#endif
