/* SPDX-License-Identifier: Apache-2.0 */
/* The input as something sealed: nobody opens what was not sealed; and as policy text. */
#include "consent/policy.h"
#include "consent/sealing.h"
#include "consent/vocabulary.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sealing sealing = { .purpose = "grant", .chain_id = 1 };
    const uint8_t secret[32] = { 1 };
    struct buffer text = BUFFER_INIT((size_t)1 << 20), opened = BUFFER_INIT_SECRET(1 << 20);
    struct aceso_abe_policy *policy = NULL, *again = NULL;
    uint64_t seconds;

    if (sealing_open(&sealing, secret, bytes_of(data, size), &opened, NULL) == ACESO_OK)
        abort();
    if (buffer_put(&text, data, size) == ACESO_OK) {
        (void)!term_parse(buffer_text(&text), &seconds, NULL);
        if (policy_parse(buffer_text(&text), &policy, NULL) == ACESO_OK &&
            (policy_parse(aceso_abe_policy_text(policy), &again, NULL) ||
             strcmp(aceso_abe_policy_text(policy), aceso_abe_policy_text(again)) != 0))
            abort(); /* the canonical text is its own canonical text */
    }
    aceso_abe_policy_free(policy);
    aceso_abe_policy_free(again);
    buffer_free(&text);
    buffer_free(&opened);
    return 0;
}
