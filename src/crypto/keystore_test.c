/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vector.h"

#include "base/json.h"
#include "crypto/keystore.h"

/* The vectors of the Web3 Secret Storage definition. */
#define SPEC_SECRET "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
#define SPEC_PASSWORD "testpassword"
#define SPEC_ID "\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}"

#define SPEC_PBKDF2                                                                                \
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"                            \
    "\"6087dab2f9fdbbfaddc31a909735c1e6\"},\"ciphertext\":"                                        \
    "\"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46\",\"kdf\":\"pbkdf2\","     \
    "\"kdfparams\":{\"c\":262144,\"dklen\":32,\"prf\":\"hmac-sha256\",\"salt\":"                   \
    "\"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd\"},\"mac\":"               \
    "\"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2\"}," SPEC_ID

#define SPEC_SCRYPT_WITH(n, r, p)                                                                  \
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"                            \
    "\"83dbcc02d8ccb40e466191a123791e0e\"},\"ciphertext\":"                                        \
    "\"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c\",\"kdf\":\"scrypt\","     \
    "\"kdfparams\":{\"dklen\":32,\"n\":" n ",\"r\":" r ",\"p\":" p ",\"salt\":"                    \
    "\"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19\"},\"mac\":"               \
    "\"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097\"}," SPEC_ID

#define SPEC_SCRYPT SPEC_SCRYPT_WITH("262144", "1", "8")

static int keystore_try(const char *json, const char *password, uint8_t secret[32])
{
    return keystore_open(bytes_of_string(json), bytes_of_string(password), secret, NULL);
}

static void test_spec_vectors(void **state)
{
    uint8_t secret[KEYSTORE_SECRET_SIZE];

    (void)state;
    assert_int_equal(keystore_try(SPEC_PBKDF2, SPEC_PASSWORD, secret), ACESO_OK);
    vector_expect(bytes_of(secret, sizeof secret), SPEC_SECRET);
    memset(secret, 0, sizeof secret);
    assert_int_equal(keystore_try(SPEC_SCRYPT, SPEC_PASSWORD, secret), ACESO_OK);
    vector_expect(bytes_of(secret, sizeof secret), SPEC_SECRET);
}

static void test_wrong_password_leaves_the_secret(void **state)
{
    uint8_t secret[KEYSTORE_SECRET_SIZE] = { 3 }, before[KEYSTORE_SECRET_SIZE] = { 3 };

    (void)state;
    assert_int_equal(keystore_try(SPEC_PBKDF2, "testpasswore", secret), ACESO_EVERIFY);
    assert_memory_equal(secret, before, sizeof secret);
}

static void test_round_trip(void **state)
{
    struct vector secret = vector_of(SPEC_SECRET);
    struct buffer json = BUFFER_INIT(KEYSTORE_SIZE_MAX);
    uint8_t opened[KEYSTORE_SECRET_SIZE];
    yyjson_doc *doc = NULL;
    const char *address;

    (void)state;
    assert_int_equal(keystore_seal(secret.data, bytes_of_string("pass"), KEYSTORE_LIGHT, &json,
                                   NULL),
                     ACESO_OK);
    assert_null(strstr(buffer_text(&json), SPEC_SECRET));
    assert_int_equal(json_parse(buffer_bytes(&json), &doc, NULL), ACESO_OK);
    assert_int_equal(json_string(yyjson_doc_get_root(doc), "address", &address, NULL), ACESO_OK);
    assert_string_equal(address, "008aeeda4d805471df9b2a5b0f38a0c3bcba786b");
    yyjson_doc_free(doc);
    assert_int_equal(keystore_try(buffer_text(&json), "pass", opened), ACESO_OK);
    assert_memory_equal(opened, secret.data, sizeof opened);
    assert_int_equal(keystore_try(buffer_text(&json), "", opened), ACESO_EVERIFY);
    buffer_free(&json);
}

/* A secret that is no secp256k1 key (a seed may be anything) has no address, and opens. */
static void test_any_32_bytes(void **state)
{
    uint8_t secret[KEYSTORE_SECRET_SIZE], opened[KEYSTORE_SECRET_SIZE];
    struct buffer json = BUFFER_INIT(KEYSTORE_SIZE_MAX);

    (void)state;
    memset(secret, 0xff, sizeof secret);
    assert_int_equal(keystore_seal(secret, bytes_of(NULL, 0), KEYSTORE_LIGHT, &json, NULL),
                     ACESO_OK);
    assert_null(strstr(buffer_text(&json), "address"));
    assert_int_equal(keystore_try(buffer_text(&json), "", opened), ACESO_OK);
    assert_memory_equal(opened, secret, sizeof opened);
    buffer_free(&json);
}

static void test_costs_are_bounded(void **state)
{
    static const struct {
        const char *json;
        int code;
    } costs[] = {
        { SPEC_SCRYPT_WITH("2097152", "1", "1"), ACESO_ELIMIT },
        { SPEC_SCRYPT_WITH("18446744073709551615", "1", "1"), ACESO_EFORMAT },
        { SPEC_SCRYPT_WITH("9223372036854775808", "1", "1"), ACESO_ELIMIT },
        { SPEC_SCRYPT_WITH("1048576", "9", "1"), ACESO_ELIMIT },
        { SPEC_SCRYPT_WITH("1048576", "8", "2"), ACESO_ELIMIT },
        { SPEC_SCRYPT_WITH("2", "4294967295", "1"), ACESO_ELIMIT },
        { SPEC_SCRYPT_WITH("2", "1", "1073741824"), ACESO_ELIMIT },
        { SPEC_SCRYPT_WITH("2", "18446744073709551615", "18446744073709551615"), ACESO_ELIMIT },
        { SPEC_SCRYPT_WITH("0", "8", "1"), ACESO_EFORMAT },
        { SPEC_SCRYPT_WITH("1", "8", "1"), ACESO_EFORMAT },
        { SPEC_SCRYPT_WITH("3", "8", "1"), ACESO_EFORMAT },
        { SPEC_SCRYPT_WITH("2", "0", "1"), ACESO_EFORMAT },
        { SPEC_SCRYPT_WITH("2", "8", "0"), ACESO_EFORMAT },
        { SPEC_SCRYPT_WITH("2", "8", "-1"), ACESO_EFORMAT },
        { SPEC_SCRYPT_WITH("2.0", "8", "1"), ACESO_EFORMAT },
    };
    uint8_t secret[KEYSTORE_SECRET_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++)
        assert_int_equal(keystore_try(costs[i].json, SPEC_PASSWORD, secret), costs[i].code);
}

/* The PBKDF2 vector with one piece of text replaced by another. */
static int keystore_try_changed(const char *from, const char *to, struct aceso_error *error)
{
    const char *at = strstr(SPEC_PBKDF2, from);
    struct buffer json = BUFFER_INIT(KEYSTORE_SIZE_MAX);
    uint8_t secret[KEYSTORE_SECRET_SIZE];
    int code;

    assert_non_null(at);
    assert_int_equal(buffer_put(&json, SPEC_PBKDF2, (size_t)(at - SPEC_PBKDF2)), ACESO_OK);
    assert_int_equal(buffer_put_string(&json, to), ACESO_OK);
    assert_int_equal(buffer_put_string(&json, at + strlen(from)), ACESO_OK);
    code = keystore_open(buffer_bytes(&json), bytes_of_string(SPEC_PASSWORD), secret, error);
    buffer_free(&json);
    return code;
}

static void test_malformed_names_the_member(void **state)
{
    static const struct {
        const char *from, *to, *place;
        int code;
    } changes[] = {
        { "\"version\":3", "\"version\":4", "keystore: version", ACESO_EFORMAT },
        { "aes-128-ctr", "aes-128-cbc", "keystore: cipher", ACESO_EFORMAT },
        { "hmac-sha256", "hmac-sha1", "keystore: prf", ACESO_EFORMAT },
        { "\"pbkdf2\"", "\"argon2\"", "keystore: kdf", ACESO_EFORMAT },
        { "\"dklen\":32", "\"dklen\":31", "keystore: dklen", ACESO_EFORMAT },
        { "\"c\":262144", "\"c\":0", "keystore: c", ACESO_EFORMAT },
        { "\"c\":262144", "\"c\":4194305", "keystore: kdfparams", ACESO_ELIMIT },
        { "5318b4d5", "5318b4", "keystore: ciphertext", ACESO_EFORMAT },
        { "6087dab2", "6087dab", "keystore: iv", ACESO_EFORMAT },
        { "517ead92", "517eadxx", "keystore: mac", ACESO_EFORMAT },
        { "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd", "ae3cd4e7013836",
          "keystore: salt", ACESO_EFORMAT },
        { "\"kdfparams\":{", "\"kdfparams\":[{", "keystore: line 1, column 195", ACESO_EFORMAT },
        { "\"crypto\":", "\"Crypt\":", "keystore: cipher", ACESO_EFORMAT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct aceso_error error = { 0 };

        assert_int_equal(keystore_try_changed(changes[i].from, changes[i].to, &error),
                         changes[i].code);
        if (!strstr(changes[i].place, "line"))
            assert_string_equal(error.place, changes[i].place);
    }
}

static void test_changed_bytes_do_not_verify(void **state)
{
    (void)state;
    assert_int_equal(keystore_try_changed("5318b4d5", "5318b4d4", NULL), ACESO_EVERIFY);
    assert_int_equal(keystore_try_changed("517ead92", "517ead93", NULL), ACESO_EVERIFY);
    assert_int_equal(keystore_try_changed("ae3cd4e7", "ae3cd4e6", NULL), ACESO_EVERIFY);
}

static void test_too_long(void **state)
{
    static char json[KEYSTORE_SIZE_MAX + 2];
    uint8_t secret[KEYSTORE_SECRET_SIZE];

    (void)state;
    memset(json, ' ', sizeof json - 1);
    assert_int_equal(keystore_try(json, "", secret), ACESO_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_vectors),
        cmocka_unit_test(test_wrong_password_leaves_the_secret),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_any_32_bytes),
        cmocka_unit_test(test_costs_are_bounded),
        cmocka_unit_test(test_malformed_names_the_member),
        cmocka_unit_test(test_changed_bytes_do_not_verify),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests_name("keystore", tests, NULL, NULL);
}
