/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of one relationship: the patient's own part A (or the default A_def), and the four
 * that guard the level keys, joined as trees. Uses lib/abe and base. No I/O. */
#ifndef ACESO_CONSENT_POLICY_H
#define ACESO_CONSENT_POLICY_H

#include "base/buffer.h"

#include <aceso/abe.h>

/* The policy used where a patient sets none: attributes of two authorities. */
#define POLICY_DEFAULT "registered@hospital-a and accredited@hospital-b"

#define POLICY_TEXT_MAX 16384

/* Parses the text of A; an error says where ("character 12") and why. Attributes of patients'
 * authorities (labels that start with 0x) are refused: those come in by policy_for_level alone. */
ACESO_NODISCARD int policy_parse(const char *text, struct aceso_abe_policy **policy,
                                 struct aceso_error *error);

/* keccak256 of the canonical text: what the chain holds. */
void policy_digest(const struct aceso_abe_policy *policy, uint8_t digest[32]);

/* The policy of level 1 to 4's header (design, "Levels and consent"):
 *     grant-l.E@P and on.N.P@H and (A)         for levels 1 to 3
 *     self.E@P or (grant-4.E@P and ...)        for level 4
 * `hospital` is H's label. The result is the caller's. */
ACESO_NODISCARD int policy_for_level(const struct aceso_abe_policy *a, unsigned level,
                                     const uint8_t patient[20], const char *hospital,
                                     uint32_t patient_epoch, uint32_t hospital_epoch,
                                     struct aceso_abe_policy **policy, struct aceso_error *error);

#endif
