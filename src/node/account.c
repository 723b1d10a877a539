/* SPDX-License-Identifier: Apache-2.0 */
#include "node/account.h"

#include "base/secret.h"
#include "crypto/bip32.h"
#include "crypto/ecdsa.h"

#include <stdlib.h>

struct account {
    uint8_t *secret; /* 32 bytes, locked */
    uint8_t address[20];
};

int account_derive(const struct keys *keys, uint64_t chain_id, uint32_t hospital,
                   struct account **out, struct aceso_error *error)
{
    const uint32_t path[] = { 44, 60, (uint32_t)(chain_id & 0x7fffffff), hospital & 0x7fffffff };
    struct account *account = calloc(1, sizeof *account);
    uint8_t seed[32];
    int code = ACESO_EMEMORY;

    if (account)
        account->secret = secret_alloc(32);
    if (account && account->secret) {
        keys_derive(keys, "patient accounts", bytes_of(NULL, 0), seed);
        code = bip32_derive(bytes_of(seed, sizeof seed), path, 4, account->secret);
        secret_wipe(seed, sizeof seed);
    }
    if (!code)
        code = ecdsa_address(account->secret, account->address);
    if (code) {
        account_free(account);
        return error_set(error, code, NULL, "no account for this hospital");
    }
    *out = account;
    return ACESO_OK;
}

void account_free(struct account *account)
{
    if (!account)
        return;
    secret_free(account->secret);
    free(account);
}

const uint8_t *account_address(const struct account *account)
{
    return account->address;
}

int account_sign(const struct account *account, const uint8_t digest[32], uint8_t signature[65],
                 struct aceso_error *error)
{
    if (ecdsa_sign(account->secret, digest, signature))
        return error_set(error, ACESO_EINTERNAL, NULL, "signing failed");
    return ACESO_OK;
}
