/* SPDX-License-Identifier: Apache-2.0 */
/* The patient's own terms at each hospital: the policy, the table of levels, overrides for single
 * institutes. Uses node. */
#ifndef ACESO_PATIENT_TERMS_H
#define ACESO_PATIENT_TERMS_H

#include "consent/policy.h"
#include "patient/internal.h"

/* What an input asks for: {"policy": text, "levels": table in words}, or the defaults. The policy
 * is the caller's. */
ACESO_NODISCARD int terms_read(const yyjson_val *input, struct aceso_abe_policy **policy,
                               uint8_t levels[32], struct aceso_error *error);

/* Every attribute of the policy has a public key in `keyring`, which holds what its authorities
 * publish. ACESO_ENOTFOUND with the first that has none. */
ACESO_NODISCARD int terms_check_published(const struct aceso_abe_policy *policy,
                                          const struct keyring *keyring,
                                          struct aceso_error *error);

/* ACESO_ESTATE where the terms that are on the chain already are others than an input names. */
ACESO_NODISCARD int terms_check_same(struct store *store, const struct membership *at,
                                     const yyjson_val *input, struct aceso_error *error);

/* Keeps the text of a policy; the chain has its digest alone. */
ACESO_NODISCARD int terms_keep_policy(struct store *store, const struct aceso_abe_policy *policy,
                                      struct aceso_error *error);

/* The level that the patient gives an institute: the override, or what the table says of the
 * category in its credential. Also the epoch that a grant is for now. */
ACESO_NODISCARD int terms_level(struct store *store, const struct ledger_request *request,
                                unsigned category, unsigned *level, uint32_t *epoch,
                                struct aceso_error *error);

/* The operation "override" and the view "terms". */
int terms_override(struct operation *operation, struct buffer *result, struct aceso_error *error);
int terms_view(struct node *node, const yyjson_val *input, struct buffer *out,
               struct aceso_error *error);

#endif
