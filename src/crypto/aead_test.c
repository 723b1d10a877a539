/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vector.h"

#include "crypto/aead.h"

/* NIST CAVP, gcmEncryptExtIV256, 96-bit IV: no text; 51 bytes of text and 48 of AAD. */
static const struct {
    const char *key, *nonce, *aad, *plain, *sealed;
} gcm_vectors[] = {
    { "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
      "516c33929df5a3284ff463d7", "", "", "bdc1ac884d332457a1d2664f168c76f0" },
    { "463b412911767d57a0b33969e674ffe7845d313b88c6fe312f3d724be68e1fca",
      "611ce6f9a6880750de7da6cb",
      "0a682fbc6192e1b47a5e0868787ffdafe5a50cead3575849990cdd2ea9b3597749403efb4a56684f0c6bde35"
      "2d4aeec5",
      "e7d1dcf668e2876861940e012fe52a98dacbd78ab63c08842cc9801ea581682ad54af0c34d0d7f6f59e8ee0b"
      "f4900e0fd85042",
      "8886e196010cb3849d9c1a182abe1eeab0a5f3ca423c3669a4a8703c0f146e8e956fb122e0d721b869d2b6fc"
      "d4216d7d4d37582469cecd70fd98fec9264f71df1aee9a" },
};

static void test_gcm_nist(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof gcm_vectors / sizeof gcm_vectors[0]; i++) {
        struct vector key = vector_of(gcm_vectors[i].key);
        struct vector nonce = vector_of(gcm_vectors[i].nonce);
        struct vector aad = vector_of(gcm_vectors[i].aad);
        struct vector plain = vector_of(gcm_vectors[i].plain);
        struct buffer sealed = BUFFER_INIT(1024), opened = BUFFER_INIT_SECRET(1024);

        assert_int_equal(aead_seal(key.data, nonce.data, vector_bytes(&aad), vector_bytes(&plain),
                                   &sealed),
                         ACESO_OK);
        vector_expect(buffer_bytes(&sealed), gcm_vectors[i].sealed);
        assert_int_equal(aead_open(key.data, nonce.data, vector_bytes(&aad),
                                   buffer_bytes(&sealed), &opened),
                         ACESO_OK);
        vector_expect(buffer_bytes(&opened), gcm_vectors[i].plain);
        buffer_free(&sealed);
        buffer_free(&opened);
    }
}

/* Each byte of key, nonce, AAD and ciphertext counts, and a failure leaves `out` alone. */
static void test_gcm_refuses_changes(void **state)
{
    struct vector key = vector_of(gcm_vectors[1].key);
    struct vector nonce = vector_of(gcm_vectors[1].nonce);
    struct vector aad = vector_of(gcm_vectors[1].aad);
    struct vector sealed = vector_of(gcm_vectors[1].sealed);
    struct vector *parts[] = { &key, &nonce, &aad, &sealed };
    struct buffer out = BUFFER_INIT_SECRET(1024);

    (void)state;
    assert_int_equal(buffer_put_string(&out, "kept"), ACESO_OK);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (size_t at = 0; at < parts[i]->len; at++) {
            parts[i]->data[at] ^= 1;
            assert_int_equal(aead_open(key.data, nonce.data, vector_bytes(&aad),
                                       vector_bytes(&sealed), &out),
                             ACESO_EVERIFY);
            parts[i]->data[at] ^= 1;
        }
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(aead_open(key.data, nonce.data, vector_bytes(&aad),
                                   bytes_of(sealed.data, len), &out),
                         ACESO_EVERIFY);
    assert_string_equal(buffer_text(&out), "kept");
    assert_int_equal(out.failed, ACESO_OK);
    buffer_free(&out);
}

static void test_seal_over_the_limit(void **state)
{
    const uint8_t key[AEAD_KEY_SIZE] = { 1 }, nonce[AEAD_NONCE_SIZE] = { 2 };
    struct buffer out = BUFFER_INIT(20);

    (void)state;
    assert_int_equal(aead_seal(key, nonce, bytes_of(NULL, 0), bytes_of_string("12345"), &out),
                     ACESO_ELIMIT);
    assert_int_equal(out.len, 0);
    buffer_clear(&out);
    assert_int_equal(aead_seal(key, nonce, bytes_of(NULL, 0), bytes_of_string("1234"), &out),
                     ACESO_OK);
    buffer_free(&out);
}

/* draft-irtf-cfrg-xchacha-03, A.3.1, behind our version byte. */
#define XCHACHA_KEY "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define XCHACHA_AAD "50515253c0c1c2c3c4c5c6c7"
#define XCHACHA_SEALED                                                                             \
    "01404142434445464748494a4b4c4d4e4f5051525354555657bd6d179d3e83d43b9576579493c0e939572a1700"   \
    "252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f"   \
    "8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c6"   \
    "8b13b52ec0875924c1c7987947deafd8780acf49"
#define XCHACHA_PLAIN                                                                              \
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "         \
    "future, sunscreen would be it."

static void test_random_opens_the_draft_vector(void **state)
{
    struct vector key = vector_of(XCHACHA_KEY);
    struct vector aad = vector_of(XCHACHA_AAD);
    struct vector sealed = vector_of(XCHACHA_SEALED);
    struct buffer out = BUFFER_INIT_SECRET(1024);

    (void)state;
    assert_int_equal(aead_open_random(key.data, vector_bytes(&aad), vector_bytes(&sealed), &out),
                     ACESO_OK);
    assert_string_equal(buffer_text(&out), XCHACHA_PLAIN);
    buffer_free(&out);
}

static void test_random_seals_anew_and_refuses_changes(void **state)
{
    const uint8_t key[AEAD_KEY_SIZE] = { 7 };
    const struct bytes aad = bytes_of_string("row 1"), plain = bytes_of_string("text");
    struct buffer one = BUFFER_INIT(256), two = BUFFER_INIT(256), out = BUFFER_INIT_SECRET(256);

    (void)state;
    assert_int_equal(aead_seal_random(key, aad, plain, &one), ACESO_OK);
    assert_int_equal(aead_seal_random(key, aad, plain, &two), ACESO_OK);
    assert_int_equal(one.len, plain.len + AEAD_RANDOM_OVERHEAD);
    assert_memory_not_equal(one.data + 1, two.data + 1, one.len - 1);
    assert_int_equal(aead_open_random(key, bytes_of_string("row 2"), buffer_bytes(&one), &out),
                     ACESO_EVERIFY);
    for (size_t i = 0; i < one.len; i++) {
        one.data[i] ^= 0x80;
        assert_int_equal(aead_open_random(key, aad, buffer_bytes(&one), &out),
                         i == 0 ? ACESO_EFORMAT : ACESO_EVERIFY);
        one.data[i] ^= 0x80;
        assert_int_equal(aead_open_random(key, aad, bytes_of(one.data, i), &out), ACESO_EVERIFY);
    }
    assert_int_equal(out.len, 0);
    assert_int_equal(aead_open_random(key, aad, buffer_bytes(&one), &out), ACESO_OK);
    assert_string_equal(buffer_text(&out), "text");
    buffer_free(&one);
    buffer_free(&two);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gcm_nist),
        cmocka_unit_test(test_gcm_refuses_changes),
        cmocka_unit_test(test_seal_over_the_limit),
        cmocka_unit_test(test_random_opens_the_draft_vector),
        cmocka_unit_test(test_random_seals_anew_and_refuses_changes),
    };

    return cmocka_run_group_tests_name("aead", tests, NULL, NULL);
}
