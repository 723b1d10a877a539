/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vector.h"

#include "crypto/keccak.h"

static void test_texts(void **state)
{
    uint8_t out[KECCAK256_SIZE];

    (void)state;
    keccak256(bytes_of(NULL, 0), out);
    vector_expect(bytes_of(out, sizeof out),
                  "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    keccak256(bytes_of_string("abc"), out);
    vector_expect(bytes_of(out, sizeof out),
                  "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    keccak256(bytes_of_string("transfer(address,uint256)"), out);
    vector_expect(bytes_of(out, 4), "a9059cbb");
}

/* Bytes i mod 251, on both sides of the 136-byte block; values from PyCryptodome. */
static const struct {
    size_t len;
    const char *digest;
} keccak_lengths[] = {
    { 1, "bc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a" },
    { 135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62" },
    { 136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e" },
    { 137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db" },
    { 272, "8e2476e65823b24d96ebe239f2c1534cdf763e689e2410c3b1cb0c74e6177bfc" },
    { 1000, "af692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b" },
};

static void test_lengths_whole_and_in_pieces(void **state)
{
    uint8_t in[1000], out[KECCAK256_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i % 251);
    for (size_t i = 0; i < sizeof keccak_lengths / sizeof keccak_lengths[0]; i++) {
        size_t len = keccak_lengths[i].len;

        keccak256(bytes_of(in, len), out);
        vector_expect(bytes_of(out, sizeof out), keccak_lengths[i].digest);
        for (size_t piece = 1; piece <= len; piece += 67) {
            struct keccak keccak;

            keccak_init(&keccak);
            for (size_t at = 0; at < len; at += piece)
                keccak_update(&keccak, bytes_of(in + at, piece < len - at ? piece : len - at));
            keccak_final(&keccak, out);
            vector_expect(bytes_of(out, sizeof out), keccak_lengths[i].digest);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_lengths_whole_and_in_pieces),
    };

    return cmocka_run_group_tests_name("keccak", tests, NULL, NULL);
}
