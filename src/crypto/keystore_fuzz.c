/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a keystore. Takes in the module itself, to judge the parsed costs without paying
 * for them. */
#include "crypto/keystore.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keystore_text text = { .kdf = KEYSTORE_SCRYPT };
    const struct bytes json = bytes_of(data, size);
    uint8_t secret[KEYSTORE_SECRET_SIZE];

    if (keystore_parse(json, &text, NULL))
        return 0;
    if (text.salt_len < KEYSTORE_SALT_MIN || text.salt_len > KEYSTORE_SALT_MAX)
        abort();
    if (text.kdf == KEYSTORE_SCRYPT
            ? text.n < 2 || text.n > KEYSTORE_N_MAX || text.r == 0 || text.p == 0 ||
                  text.r > KEYSTORE_MEMORY_MAX / 128 / text.n ||
                  text.p > KEYSTORE_WORK_MAX / text.n / text.r
            : text.rounds == 0 || text.rounds > KEYSTORE_ROUNDS_MAX)
        abort();
    if (text.kdf == KEYSTORE_SCRYPT ? text.n * text.r * text.p < 1024 : text.rounds < 1024)
        (void)!keystore_open(json, bytes_of_string("testpassword"), secret, NULL);
    return 0;
}
