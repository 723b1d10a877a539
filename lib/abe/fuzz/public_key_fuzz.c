/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: public keys. Nothing is made on failure. */
#include "aceso/abe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aceso_abe_public_key *key = NULL;
    int code = aceso_abe_public_key_import(data, size, &key);

    if ((key != NULL) != (code == ACESO_ABE_OK))
        abort();
    if (key != NULL && !aceso_abe_attribute_valid(aceso_abe_public_key_attribute(key)))
        abort();
    aceso_abe_public_key_free(key);
    return 0;
}
