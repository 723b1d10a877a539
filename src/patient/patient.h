/* SPDX-License-Identifier: Apache-2.0 */
/* The role table of a patient node. */
#ifndef ACESO_PATIENT_PATIENT_H
#define ACESO_PATIENT_PATIENT_H

#include "node/node.h"

extern const struct role patient_role;

#endif
