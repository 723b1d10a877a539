/* SPDX-License-Identifier: Apache-2.0 */
/* What patients' terms ask of the hospital: a policy that it can live with, and overrides that it
 * carries to the chain. Uses node, consent. */
#ifndef ACESO_HOSPITAL_TERMS_H
#define ACESO_HOSPITAL_TERMS_H

#include "hospital/internal.h"

/* Before keys are looked for: every authority that the policy names is on the chain, and of the
 * hospital's own attributes each was begun. ACESO_ENOTFOUND with the first that is not. */
ACESO_NODISCARD int terms_check_names(const struct node *node, struct store *store,
                                      const struct aceso_abe_policy *policy,
                                      struct aceso_error *error);

/* Before headers are made: the hospital itself satisfies the policy, by its own attributes and by
 * the keys that it holds of others; else it could seal nothing. ACESO_EDENIED: what it lacks. */
ACESO_NODISCARD int terms_check_own(const struct node *node, struct store *store,
                                    const struct aceso_abe_policy *policy,
                                    struct aceso_error *error);

/* Whether nobody satisfies the policy without `attribute`. */
ACESO_NODISCARD int terms_demand(const struct aceso_abe_policy *policy, const char *attribute,
                                 bool *demanded, struct aceso_error *error);

/* POST /v1/overrides: takes a signed override from its patient and carries it. Sent again it is the
 * same one, and the answer says what became of it. */
int terms_serve_override(void *context, const struct http_request *request,
                         struct http_response *response, struct aceso_error *error);

#endif
