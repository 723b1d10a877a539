/* SPDX-License-Identifier: Apache-2.0 */
/* The rules at work: what they say of the requests that are open is written down and carried out as
 * operations; the owner's own word goes before. Uses node. */
#ifndef ACESO_PATIENT_RULES_APPLY_H
#define ACESO_PATIENT_RULES_APPLY_H

#include "node/listing.h"
#include "patient/internal.h"

/* On the chain thread: looks at open requests when there is a new block or another rule, and hands
 * what was decided to the lane. No network. */
int rules_tick(struct node *node, struct store *store, struct aceso_error *error);

/* Operations: "rule", "unrule", and "decide" ({"request"}), which the tick asks for: sends a
 * decision to the hospital. One that cannot be sent now is tried again later by another one. */
int rules_rule(struct operation *operation, struct buffer *result, struct aceso_error *error);
int rules_unrule(struct operation *operation, struct buffer *result, struct aceso_error *error);
int rules_decide(struct operation *operation, struct buffer *result, struct aceso_error *error);

/* "approve" and "deny" by the owner: no rule decides on that request any more. */
int rules_owner_approve(struct operation *operation, struct buffer *result,
                        struct aceso_error *error);
int rules_owner_deny(struct operation *operation, struct buffer *result,
                     struct aceso_error *error);

/* The view "rules". */
int rules_view(struct node *node, const yyjson_val *input, struct buffer *out,
               struct aceso_error *error);

/* Adds to a request in a list what a rule decided on it, if one did: `more` of listing.h. */
int rules_list_decision(struct listing *listing, const struct ledger_request *request,
                        struct aceso_error *error);

/* What rules decided on requests that are still open at a hospital is decided anew: the terms under
 * which it was signed are no longer those of the chain. */
ACESO_NODISCARD int rules_decide_again(struct node *node, struct store *store,
                                       const struct membership *at, struct aceso_error *error);

#endif
