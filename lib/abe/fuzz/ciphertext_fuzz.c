/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: ciphertexts, opened at once and in pieces: both give the same. The first byte is the
 * size of the pieces.
 */
#include "aceso/abe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ATTRIBUTES = 3, ROWS_MAX = 8 };

static struct aceso_abe_public_key *public_keys[ATTRIBUTES];
static struct aceso_abe_user_key *user_keys[ATTRIBUTES];

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void begin(void)
{
    static const char *const attributes[ATTRIBUTES] = { "a@h", "b@h", "c@g" };
    static const uint8_t seed[ACESO_ABE_SEED_SIZE] = "fuzz";
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;

    for (size_t i = 0; i < ATTRIBUTES; i++) {
        check(aceso_abe_setup(seed, attributes[i], bytes, &length) == ACESO_ABE_OK);
        check(aceso_abe_public_key_import(bytes, length, &public_keys[i]) == ACESO_ABE_OK);
        check(aceso_abe_keygen(seed, attributes[i], seed, 4, bytes, &length) == ACESO_ABE_OK);
        check(aceso_abe_user_key_import(bytes, length, public_keys[i], &user_keys[i]) ==
              ACESO_ABE_OK);
    }
}

/* Compares what comes with what is expected, which may go no further. */
struct expected {
    const uint8_t *bytes;
    size_t length;
    size_t at;
};

static int compare(void *to, const uint8_t *bytes, size_t length)
{
    struct expected *expected = to;

    if (expected->bytes == NULL)
        return 0; /* the start of what turns out to be cut */
    check(length <= expected->length - expected->at);
    check(length == 0 || memcmp(expected->bytes + expected->at, bytes, length) == 0);
    expected->at += length;
    return 0;
}

static int open_in_pieces(const uint8_t *data, size_t size, size_t piece, struct expected *expected)
{
    struct aceso_abe_decryption_stream *stream = NULL;
    int code;

    check(aceso_abe_decrypt_begin((const struct aceso_abe_user_key *const *)user_keys, ATTRIBUTES,
                                  (const struct aceso_abe_public_key *const *)public_keys,
                                  ATTRIBUTES, NULL, 0, compare, expected, &stream) == ACESO_ABE_OK);
    for (size_t at = 0; at < size; at += piece)
        (void)aceso_abe_decrypt_update(stream, data + at, size - at < piece ? size - at : piece);
    code = aceso_abe_decrypt_end(stream);
    aceso_abe_decryption_stream_free(stream);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aceso_abe_header_info info;
    struct expected expected = { NULL, 0, 0 };
    const uint8_t *header;
    size_t header_length;
    uint8_t *payload = NULL;
    size_t piece;
    int code;

    if (public_keys[0] == NULL)
        begin();
    if (size == 0)
        return 0;
    piece = (size_t)data[0] * 8 + 1;
    data++;
    size--;
    if (aceso_abe_ciphertext_header(data, size, &header, &header_length) == ACESO_ABE_OK &&
        aceso_abe_header_inspect(header, header_length, &info) == ACESO_ABE_OK &&
        info.rows > ROWS_MAX)
        return 0; /* only slower */
    code = aceso_abe_decrypt(data, size, (const struct aceso_abe_user_key *const *)user_keys,
                             ATTRIBUTES, (const struct aceso_abe_public_key *const *)public_keys,
                             ATTRIBUTES, NULL, 0, &payload, &expected.length);
    check((payload != NULL) == (code == ACESO_ABE_OK));
    expected.bytes = payload;
    check(open_in_pieces(data, size, piece, &expected) == code);
    check(code != ACESO_ABE_OK || expected.at == expected.length);
    free(payload);
    return 0;
}
