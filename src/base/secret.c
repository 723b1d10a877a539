/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <sodium.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int secret_init(struct aceso_error *error)
{
    const struct rlimit none = { 0, 0 };

    if (sodium_init() < 0)
        return error_set(error, ACESO_EINTERNAL, NULL, "no source of randomness");
    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak checker traces its own process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    return ACESO_OK;
}

void *secret_alloc(size_t len)
{
    void *secret = sodium_malloc(len);

    if (secret)
        memset(secret, 0, len);
    return secret;
}

void secret_free(void *secret)
{
    sodium_free(secret);
}

void secret_wipe(void *secret, size_t len)
{
    sodium_memzero(secret, len);
}

void secret_random(void *out, size_t len)
{
    randombytes_buf(out, len);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}
