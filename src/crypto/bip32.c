/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/bip32.h"

#include "base/secret.h"
#include "crypto/ecdsa.h"

#include <assert.h>
#include <nettle/hmac.h>
#include <string.h>

#define BIP32_HARDENED 0x80000000u

/* One node of the tree: the secret and the chain code, as HMAC-SHA-512 yields them. */
struct bip32_node {
    uint8_t secret[BIP32_SECRET_SIZE];
    uint8_t chain[32];
};

static_assert(sizeof(struct bip32_node) == 64, "one HMAC-SHA-512");

static void bip32_hmac(struct bytes key, struct bytes text, struct bip32_node *out)
{
    struct hmac_sha512_ctx hmac;

    hmac_sha512_set_key(&hmac, key.len, key.data);
    hmac_sha512_update(&hmac, text.len, text.data);
    hmac_sha512_digest(&hmac, sizeof *out, (uint8_t *)out);
    secret_wipe(&hmac, sizeof hmac);
}

static int bip32_step(struct bip32_node *node, uint32_t index)
{
    uint8_t text[1 + BIP32_SECRET_SIZE + 4] = { 0 };
    struct bip32_node left;
    int code;

    index |= BIP32_HARDENED;
    memcpy(text + 1, node->secret, BIP32_SECRET_SIZE);
    for (size_t i = 0; i < 4; i++)
        text[1 + BIP32_SECRET_SIZE + i] = (uint8_t)(index >> (24 - 8 * i));
    bip32_hmac(bytes_of(node->chain, sizeof node->chain), bytes_of(text, sizeof text), &left);
    code = ecdsa_secret_add(node->secret, left.secret);
    memcpy(node->chain, left.chain, sizeof node->chain);
    secret_wipe(text, sizeof text);
    secret_wipe(&left, sizeof left);
    return code;
}

int bip32_derive(struct bytes seed, const uint32_t *path, size_t n,
                 uint8_t secret[BIP32_SECRET_SIZE])
{
    struct bip32_node node;
    int code;

    if (seed.len < 16 || seed.len > 64 || n > BIP32_DEPTH_MAX)
        return ACESO_EUSAGE;
    for (size_t i = 0; i < n; i++) {
        if (path[i] & BIP32_HARDENED)
            return ACESO_EUSAGE;
    }
    bip32_hmac(bytes_of_string("Bitcoin seed"), seed, &node);
    code = ecdsa_secret_valid(node.secret) ? ACESO_OK : ACESO_EVERIFY;
    for (size_t i = 0; i < n && !code; i++)
        code = bip32_step(&node, path[i]);
    if (!code)
        memcpy(secret, node.secret, sizeof node.secret);
    secret_wipe(&node, sizeof node);
    return code;
}
