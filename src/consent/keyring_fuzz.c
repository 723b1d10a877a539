/* SPDX-License-Identifier: Apache-2.0 */
/* The input as a list of keys: what is taken is written back byte for byte; and as public keys. */
#include "consent/keyring.h"

#include <stdlib.h>

struct taken {
    struct bytes keys[KEYRING_KEYS_MAX];
    size_t count;
};

static int taken_add(void *data, struct bytes key, struct aceso_error *error)
{
    struct taken *taken = data;

    if (taken->count == KEYRING_KEYS_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "too many");
    taken->keys[taken->count++] = key;
    return ACESO_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t address[20];
    static struct taken taken;
    struct buffer again = BUFFER_INIT((size_t)1 << 24);
    struct keyring *keyring = keyring_create(address);

    taken.count = 0;
    if (keyring_read_list(bytes_of(data, size), taken_add, &taken, NULL) == ACESO_OK &&
        (keyring_put_list(taken.keys, taken.count, &again) ||
         !bytes_equal(buffer_bytes(&again), bytes_of(data, size))))
        abort();
    if (keyring) {
        (void)!keyring_add_list(keyring, bytes_of(data, size), NULL);
        (void)!keyring_add_user(keyring, bytes_of(data, size), NULL);
    }
    keyring_free(keyring);
    buffer_free(&again);
    return 0;
}
