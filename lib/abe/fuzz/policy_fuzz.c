/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: policy text. What parses has a canonical text that parses to itself, and joins. */
#include "aceso/abe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aceso_abe_policy_error error = { size + 1, NULL };
    struct aceso_abe_policy *policy = NULL;
    struct aceso_abe_policy *again = NULL;
    struct aceso_abe_policy *joined = NULL;
    const struct aceso_abe_policy *both[2];
    const char *text;

    if (aceso_abe_policy_parse((const char *)data, size, &policy, &error) != ACESO_ABE_OK) {
        check(policy == NULL && error.position <= size && error.reason != NULL);
        return 0;
    }
    text = aceso_abe_policy_text(policy);
    check(aceso_abe_policy_parse(text, strlen(text), &again, &error) == ACESO_ABE_OK);
    check(strcmp(text, aceso_abe_policy_text(again)) == 0);
    check(aceso_abe_policy_rows(policy) == aceso_abe_policy_rows(again));
    for (size_t row = 0; row < aceso_abe_policy_rows(policy); row++) {
        char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];

        check(aceso_abe_policy_attribute(policy, row, attribute) == ACESO_ABE_OK);
        check(aceso_abe_attribute_valid(attribute));
    }
    both[0] = policy;
    both[1] = again;
    if (aceso_abe_policy_and(both, 2, &joined) == ACESO_ABE_OK)
        check(aceso_abe_policy_rows(joined) <= 2 * aceso_abe_policy_rows(policy));
    aceso_abe_policy_free(joined);
    aceso_abe_policy_free(again);
    aceso_abe_policy_free(policy);
    return 0;
}
