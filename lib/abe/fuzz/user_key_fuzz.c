/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: user keys, imported against one public key. Only what the authority makes passes. */
#include "aceso/abe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[ACESO_ABE_SEED_SIZE] = "fuzz";
    static struct aceso_abe_public_key *public_key;
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    struct aceso_abe_user_key *key = NULL;
    size_t length = 0;

    if (public_key == NULL &&
        (aceso_abe_setup(seed, "a@h", bytes, &length) != ACESO_ABE_OK ||
         aceso_abe_public_key_import(bytes, length, &public_key) != ACESO_ABE_OK))
        abort();
    if (aceso_abe_user_key_import(data, size, public_key, &key) == ACESO_ABE_OK) {
        size_t gid_length;
        const uint8_t *gid = aceso_abe_user_key_gid(key, &gid_length);

        if (aceso_abe_keygen(seed, "a@h", gid, gid_length, bytes, &length) != ACESO_ABE_OK ||
            length != size || memcmp(bytes, data, size) != 0)
            abort();
    }
    aceso_abe_user_key_free(key);
    return 0;
}
