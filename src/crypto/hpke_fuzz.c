/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a sealed text for a fixed key; nothing but our own sealing may open. */
#include "crypto/hpke.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = { 1 };
    const struct bytes in = bytes_of(data, size), info = bytes_of_string("info");
    struct buffer sealed = BUFFER_INIT(1 << 20), opened = BUFFER_INIT_SECRET(1 << 20);
    uint8_t secret[HPKE_KEY_SIZE], public_key[HPKE_KEY_SIZE];

    hpke_keypair_derive(seed, secret, public_key);
    if (hpke_open(secret, info, in, in, &opened, NULL) == ACESO_OK || opened.len)
        abort();
    if (hpke_seal(public_key, info, in, in, &sealed, NULL) != ACESO_OK ||
        hpke_open(secret, info, in, buffer_bytes(&sealed), &opened, NULL) != ACESO_OK ||
        !bytes_equal(buffer_bytes(&opened), in))
        abort();
    if (size >= HPKE_KEY_SIZE)
        (void)!hpke_seal(data, info, in, in, &sealed, NULL);
    buffer_free(&sealed);
    buffer_free(&opened);
    return 0;
}
