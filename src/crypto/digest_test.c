/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vector.h"

#include "crypto/digest.h"

/* FIPS 180-4's examples. */
static void test_sha256(void **state)
{
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    uint8_t out[SHA256_SIZE];
    struct digest digest;

    (void)state;
    sha256(bytes_of(NULL, 0), out);
    vector_expect(bytes_of(out, sizeof out),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256(bytes_of_string("abc"), out);
    vector_expect(bytes_of(out, sizeof out),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_init(&digest);
    for (size_t i = 0; i < sizeof two_blocks - 1; i++)
        digest_update(&digest, bytes_of(two_blocks + i, 1));
    digest_final(&digest, out);
    vector_expect(bytes_of(out, sizeof out),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 4231, cases 1, 2, 4 and 6 (a key longer than a block). */
static void test_hmac_rfc4231(void **state)
{
    uint8_t out[SHA256_SIZE], key[131];
    struct vector hex;

    (void)state;
    memset(key, 0x0b, 20);
    hmac_sha256(bytes_of(key, 20), bytes_of_string("Hi There"), out);
    vector_expect(bytes_of(out, sizeof out),
                  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_sha256(bytes_of_string("Jefe"), bytes_of_string("what do ya want for nothing?"), out);
    vector_expect(bytes_of(out, sizeof out),
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hex = vector_of("0102030405060708090a0b0c0d0e0f10111213141516171819");
    memset(key, 0xcd, 50);
    hmac_sha256(vector_bytes(&hex), bytes_of(key, 50), out);
    vector_expect(bytes_of(out, sizeof out),
                  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    memset(key, 0xaa, sizeof key);
    hmac_sha256(bytes_of(key, sizeof key),
                bytes_of_string("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    vector_expect(bytes_of(out, sizeof out),
                  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 5869, A.1 to A.3. */
static const struct {
    const char *ikm, *salt, *info, *prk, *okm;
} hkdf_vectors[] = {
    { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
      "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
    { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829"
      "2a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
      "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283848586878889"
      "8a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
      "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9"
      "dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
      "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb"
      "41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
    { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
      "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
};

static void test_hkdf_rfc5869(void **state)
{
    uint8_t prk[SHA256_SIZE], okm[82];

    (void)state;
    for (size_t i = 0; i < sizeof hkdf_vectors / sizeof hkdf_vectors[0]; i++) {
        struct vector ikm = vector_of(hkdf_vectors[i].ikm);
        struct vector salt = vector_of(hkdf_vectors[i].salt);
        struct vector info = vector_of(hkdf_vectors[i].info);
        size_t len = strlen(hkdf_vectors[i].okm) / 2;

        hkdf_sha256_extract(vector_bytes(&salt), vector_bytes(&ikm), prk);
        vector_expect(bytes_of(prk, sizeof prk), hkdf_vectors[i].prk);
        hkdf_sha256(vector_bytes(&ikm), vector_bytes(&salt), vector_bytes(&info), okm, len);
        vector_expect(bytes_of(okm, len), hkdf_vectors[i].okm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac_rfc4231),
        cmocka_unit_test(test_hkdf_rfc5869),
    };

    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
