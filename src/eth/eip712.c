/* SPDX-License-Identifier: Apache-2.0 */
#include "eth/eip712.h"

#include "crypto/ecdsa.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "eth/uint256.h"

#include <assert.h>
#include <string.h>

static const char eip712_domain_type[] =
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

void eip712_struct(const uint8_t typehash[32], const uint8_t (*words)[32], size_t count,
                   uint8_t out[32])
{
    uint8_t all[(1 + EIP712_WORDS_MAX) * 32];

    assert(count <= EIP712_WORDS_MAX);
    memcpy(all, typehash, 32);
    if (count)
        memcpy(all + 32, words, 32 * count);
    keccak256(bytes_of(all, 32 * (1 + count)), out);
}

void eip712_separator(const struct eip712_domain *domain, uint8_t out[32])
{
    uint8_t typehash[32], words[4][32] = { { 0 } };

    keccak256(bytes_of_string(eip712_domain_type), typehash);
    keccak256(bytes_of_string(domain->name), words[0]);
    keccak256(bytes_of_string(domain->version), words[1]);
    uint256_put_u64(domain->chain_id, words[2]);
    memcpy(words[3] + 12, domain->contract, ADDRESS_LEN);
    eip712_struct(typehash, (const uint8_t (*)[32])words, 4, out);
}

void eip712_digest(const struct eip712_domain *domain, const uint8_t struct_hash[32],
                   uint8_t out[32])
{
    uint8_t all[2 + 32 + 32] = { 0x19, 0x01 };

    eip712_separator(domain, all + 2);
    memcpy(all + 34, struct_hash, 32);
    keccak256(bytes_of(all, sizeof all), out);
}

int eip712_verify(const uint8_t digest[32], const uint8_t signature[65], const uint8_t signer[20],
                  struct aceso_error *error)
{
    uint8_t address[ADDRESS_LEN];

    if (ecdsa_recover(digest, signature, address) || address_is_zero(signer) ||
        memcmp(address, signer, ADDRESS_LEN) != 0)
        return error_set(error, ACESO_EVERIFY, NULL, "the signature is not by the named address");
    return ACESO_OK;
}

static uint8_t *eip712_next(struct eip712_words *words)
{
    assert(words->count < EIP712_WORDS_MAX);
    memset(words->word[words->count], 0, 32);
    return words->word[words->count++];
}

void eip712_put_u64(struct eip712_words *words, uint64_t value)
{
    uint256_put_u64(value, eip712_next(words));
}

void eip712_put_address(struct eip712_words *words, const uint8_t address[20])
{
    memcpy(eip712_next(words) + 12, address, ADDRESS_LEN);
}

void eip712_put_word(struct eip712_words *words, const uint8_t word[32])
{
    memcpy(eip712_next(words), word, 32);
}

void eip712_finish(const struct eip712_words *words, const struct eip712_domain *domain,
                   const uint8_t typehash[32], uint8_t digest[32])
{
    uint8_t hash[32];

    eip712_struct(typehash, (const uint8_t (*)[32])words->word, words->count, hash);
    eip712_digest(domain, hash, digest);
}
