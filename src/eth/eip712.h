/* SPDX-License-Identifier: Apache-2.0 */
/* Typed structured data (EIP-712): digests and their signatures. Uses base and crypto. No I/O.
 *
 * Our structs have static members only: what is dynamic in the world goes in as its digest. So a
 * struct is its type hash (from contracts_abi.h) and its members as 32-byte words in order. */
#ifndef ACESO_ETH_EIP712_H
#define ACESO_ETH_EIP712_H

#include "base/buffer.h"

struct eip712_domain {
    const char *name;    /* of the contract's EIP712 base */
    const char *version;
    uint64_t chain_id;
    uint8_t contract[20];
};

/* hashStruct of the domain with the four members name, version, chainId, verifyingContract. */
void eip712_separator(const struct eip712_domain *domain, uint8_t out[32]);

/* hashStruct: keccak256(typehash, words). At most EIP712_WORDS_MAX words. */
#define EIP712_WORDS_MAX 24
void eip712_struct(const uint8_t typehash[32], const uint8_t (*words)[32], size_t count,
                   uint8_t out[32]);

/* What is signed: keccak256(0x19 0x01, separator, struct hash). */
void eip712_digest(const struct eip712_domain *domain, const uint8_t struct_hash[32],
                   uint8_t out[32]);

/* ACESO_EVERIFY unless `signature` (r, s, v) over `digest` is by `signer`'s key. */
ACESO_NODISCARD int eip712_verify(const uint8_t digest[32], const uint8_t signature[65],
                                  const uint8_t signer[20], struct aceso_error *error);

/* Collects a struct's members in order; a member too many is a programmer's error (assert). */
struct eip712_words {
    uint8_t word[EIP712_WORDS_MAX][32];
    size_t count;
};

void eip712_put_u64(struct eip712_words *words, uint64_t value);
void eip712_put_address(struct eip712_words *words, const uint8_t address[20]);
void eip712_put_word(struct eip712_words *words, const uint8_t word[32]);

/* The digest of the struct collected, ready to be signed. */
void eip712_finish(const struct eip712_words *words, const struct eip712_domain *domain,
                   const uint8_t typehash[32], uint8_t digest[32]);

#endif
