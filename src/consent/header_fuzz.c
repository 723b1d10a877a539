/* SPDX-License-Identifier: Apache-2.0 */
/* The input as a container of level headers, and each ABE header in it. */
#include "consent/header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t address[20];
    const struct record_context context = { .chain_id = 1 };
    struct keyring *keyring = keyring_create(address);
    struct record_epoch epoch;
    struct bytes header;
    struct ladder keys;
    int code = header_epoch(bytes_of(data, size), &epoch, NULL);

    for (unsigned level = 1; keyring && level <= RECORD_LEVELS; level++) {
        if (header_of_level(bytes_of(data, size), level, &header, NULL) != code ||
            (!code && (header.data < data || header.data + header.len > data + size)))
            abort();
        if (header_open(bytes_of(data, size), &context, level, keyring, &keys, NULL) == ACESO_OK)
            abort(); /* there are no keys */
    }
    keyring_free(keyring);
    return 0;
}
