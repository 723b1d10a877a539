/* SPDX-License-Identifier: Apache-2.0 */
/* The worked example of EIP-712 ("Ether Mail"): its digests, its signature, its signer. */
#include "eth/eip712.h"

#include "base/text.h"
#include "crypto/ecdsa.h"
#include "crypto/keccak.h"
#include "eth/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void hash_of(const char *text, uint8_t out[32])
{
    keccak256(bytes_of_string(text), out);
}

static void expect_hex(const void *data, size_t len, const char *expected)
{
    char hex[2 * 65 + 1];

    text_hex(data, len, hex);
    assert_string_equal(hex, expected);
}

static void person(const char *name, const char *wallet, uint8_t out[32])
{
    uint8_t typehash[32], words[2][32] = { { 0 } };

    hash_of("Person(string name,address wallet)", typehash);
    hash_of(name, words[0]);
    assert_int_equal(address_parse(wallet, words[1] + 12, NULL), ACESO_OK);
    eip712_struct(typehash, (const uint8_t (*)[32])words, 2, out);
}

static struct eip712_domain mail_domain(void)
{
    struct eip712_domain domain = { .name = "Ether Mail", .version = "1", .chain_id = 1 };

    memset(domain.contract, 0xcc, sizeof domain.contract);
    return domain;
}

static void mail_digest(uint8_t digest[32])
{
    const struct eip712_domain domain = mail_domain();
    struct eip712_words words = { .count = 0 };
    uint8_t typehash[32], from[32], to[32], contents[32];

    hash_of("Mail(Person from,Person to,string contents)Person(string name,address wallet)",
            typehash);
    person("Cow", "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826", from);
    person("Bob", "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB", to);
    hash_of("Hello, Bob!", contents);
    eip712_put_word(&words, from);
    eip712_put_word(&words, to);
    eip712_put_word(&words, contents);
    eip712_finish(&words, &domain, typehash, digest);
}

static void test_mail_has_the_published_digest(void **state)
{
    const struct eip712_domain domain = mail_domain();
    uint8_t out[32];

    (void)state;
    eip712_separator(&domain, out);
    expect_hex(out, 32, "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
    mail_digest(out);
    expect_hex(out, 32, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
}

static void test_mail_has_the_published_signature(void **state)
{
    uint8_t secret[32], address[20], digest[32], signature[65];

    (void)state;
    hash_of("cow", secret);
    assert_int_equal(ecdsa_address(secret, address), ACESO_OK);
    mail_digest(digest);
    assert_int_equal(ecdsa_sign(secret, digest, signature), ACESO_OK);
    expect_hex(signature, 65,
               "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
               "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c");
    assert_int_equal(eip712_verify(digest, signature, address, NULL), ACESO_OK);
    expect_hex(address, 20, "cd2a3d9f938e13cd947ec05abc7fe734df8dd826");
}

static void test_verify_refuses_another_digest_signature_or_signer(void **state)
{
    uint8_t secret[32], address[20], digest[32], signature[65];
    static const uint8_t zero[20];

    (void)state;
    hash_of("cow", secret);
    assert_int_equal(ecdsa_address(secret, address), ACESO_OK);
    mail_digest(digest);
    assert_int_equal(ecdsa_sign(secret, digest, signature), ACESO_OK);
    digest[0] ^= 1;
    assert_int_equal(eip712_verify(digest, signature, address, NULL), ACESO_EVERIFY);
    digest[0] ^= 1;
    for (size_t i = 0; i < sizeof signature; i++) {
        signature[i] ^= 1;
        assert_int_equal(eip712_verify(digest, signature, address, NULL), ACESO_EVERIFY);
        signature[i] ^= 1;
    }
    assert_int_equal(eip712_verify(digest, signature, zero, NULL), ACESO_EVERIFY);
    address[19] ^= 1;
    assert_int_equal(eip712_verify(digest, signature, address, NULL), ACESO_EVERIFY);
}

static void test_words_are_laid_out_as_the_standard_says(void **state)
{
    static const uint8_t typehash[32] = { 1 };
    const struct eip712_domain domain = mail_domain();
    uint8_t address[20], words[3][32] = { { 0 } }, hash[32], expected[32], digest[32];
    struct eip712_words collected = { .count = 0 };

    (void)state;
    memset(address, 0xaa, sizeof address);
    eip712_put_u64(&collected, 0x0102030405060708u);
    eip712_put_address(&collected, address);
    eip712_put_word(&collected, typehash);
    for (size_t i = 0; i < 8; i++)
        words[0][24 + i] = (uint8_t)(i + 1);
    memset(words[1] + 12, 0xaa, 20);
    words[2][0] = 1;
    eip712_struct(typehash, (const uint8_t (*)[32])words, 3, hash);
    eip712_digest(&domain, hash, expected);
    eip712_finish(&collected, &domain, typehash, digest);
    assert_memory_equal(digest, expected, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_has_the_published_digest),
        cmocka_unit_test(test_mail_has_the_published_signature),
        cmocka_unit_test(test_verify_refuses_another_digest_signature_or_signer),
        cmocka_unit_test(test_words_are_laid_out_as_the_standard_says),
    };

    return cmocka_run_group_tests_name("eth/eip712", tests, NULL, NULL);
}
