/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ecdsa.h"

#include "base/secret.h"
#include "crypto/keccak.h"

#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t ecdsa_once = PTHREAD_ONCE_INIT;
static secp256k1_context *ecdsa_shared;

/* Blinded once with fresh randomness, read-only afterwards. */
static void ecdsa_make_context(void)
{
    uint8_t seed[32];

    ecdsa_shared = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    secret_random(seed, sizeof seed);
    if (!ecdsa_shared || !secp256k1_context_randomize(ecdsa_shared, seed))
        abort(); /* the library ends the process in the same case */
    secret_wipe(seed, sizeof seed);
}

static const secp256k1_context *ecdsa_context(void)
{
    (void)pthread_once(&ecdsa_once, ecdsa_make_context);
    return ecdsa_shared;
}

bool ecdsa_secret_valid(const uint8_t secret[ECDSA_SECRET_SIZE])
{
    return secp256k1_ec_seckey_verify(ecdsa_context(), secret) == 1;
}

void ecdsa_secret_make(uint8_t secret[ECDSA_SECRET_SIZE])
{
    do
        secret_random(secret, ECDSA_SECRET_SIZE);
    while (!ecdsa_secret_valid(secret));
}

int ecdsa_secret_add(uint8_t secret[ECDSA_SECRET_SIZE], const uint8_t tweak[ECDSA_SECRET_SIZE])
{
    uint8_t sum[ECDSA_SECRET_SIZE];
    int code = ACESO_EVERIFY;

    memcpy(sum, secret, sizeof sum);
    if (secp256k1_ec_seckey_tweak_add(ecdsa_context(), sum, tweak) == 1) {
        memcpy(secret, sum, sizeof sum);
        code = ACESO_OK;
    }
    secret_wipe(sum, sizeof sum);
    return code;
}

static void ecdsa_key_address(const secp256k1_pubkey *key, uint8_t address[ECDSA_ADDRESS_SIZE])
{
    uint8_t point[65], digest[KECCAK256_SIZE];
    size_t len = sizeof point;

    (void)secp256k1_ec_pubkey_serialize(ecdsa_context(), point, &len, key,
                                        SECP256K1_EC_UNCOMPRESSED);
    keccak256(bytes_of(point + 1, sizeof point - 1), digest);
    memcpy(address, digest + 12, ECDSA_ADDRESS_SIZE);
}

int ecdsa_address(const uint8_t secret[ECDSA_SECRET_SIZE], uint8_t address[ECDSA_ADDRESS_SIZE])
{
    secp256k1_pubkey key;

    if (secp256k1_ec_pubkey_create(ecdsa_context(), &key, secret) != 1)
        return ACESO_EVERIFY;
    ecdsa_key_address(&key, address);
    return ACESO_OK;
}

int ecdsa_sign(const uint8_t secret[ECDSA_SECRET_SIZE], const uint8_t hash[32],
               uint8_t signature[ECDSA_SIGNATURE_SIZE])
{
    secp256k1_ecdsa_recoverable_signature made;
    int recovery = 0;

    if (secp256k1_ecdsa_sign_recoverable(ecdsa_context(), &made, hash, secret, NULL, NULL) != 1)
        return ACESO_EVERIFY;
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(ecdsa_context(), signature,
                                                                  &recovery, &made);
    signature[64] = (uint8_t)(27 + (recovery & 1));
    return ACESO_OK;
}

/* The library's own signatures are low; those of others may not be. */
static bool ecdsa_is_low(const uint8_t signature[ECDSA_SIGNATURE_SIZE])
{
    secp256k1_ecdsa_signature plain;

    return secp256k1_ecdsa_signature_parse_compact(ecdsa_context(), &plain, signature) == 1 &&
           secp256k1_ecdsa_signature_normalize(ecdsa_context(), NULL, &plain) == 0;
}

int ecdsa_recover(const uint8_t hash[32], const uint8_t signature[ECDSA_SIGNATURE_SIZE],
                  uint8_t address[ECDSA_ADDRESS_SIZE])
{
    secp256k1_ecdsa_recoverable_signature given;
    secp256k1_pubkey key;
    uint8_t v = signature[64];

    if ((v != 27 && v != 28) || !ecdsa_is_low(signature))
        return ACESO_EVERIFY;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(ecdsa_context(), &given, signature,
                                                            v - 27) != 1)
        return ACESO_EVERIFY;
    if (secp256k1_ecdsa_recover(ecdsa_context(), &key, &given, hash) != 1)
        return ACESO_EVERIFY;
    ecdsa_key_address(&key, address);
    return ACESO_OK;
}
