/* SPDX-License-Identifier: Apache-2.0 */
/* What a keyring takes and what it refuses; authorities and their names. */
#include "consent/testing.h"

static void test_authority(void **state)
{
    static const char *const bad[] = { "", "Hospital", "a b", "a@b", "\xc3\xa4", "a)" };
    struct authority *authority = NULL;
    char attribute[ATTRIBUTE_TEXT_MAX], long_label[80], name[65];
    uint8_t seed[32] = { 1 };
    const uint8_t patient[20] = { 0xab, [19] = 0x01 };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(authority_create(seed, bad[i], &authority, NULL), ACESO_EUSAGE);
    memset(long_label, 'a', sizeof long_label);
    long_label[AUTHORITY_LABEL_MAX + 1] = '\0';
    assert_int_equal(authority_create(seed, long_label, &authority, NULL), ACESO_EUSAGE);
    assert_null(authority);
    authority = testing_authority(1, "hospital-a");
    assert_string_equal(authority_label(authority), "hospital-a");
    assert_int_equal(authority_attribute(authority, "registered", attribute, NULL), ACESO_OK);
    assert_string_equal(attribute, "registered@hospital-a");
    assert_int_equal(authority_attribute(authority, "a b", attribute, NULL), ACESO_EUSAGE);
    assert_int_equal(authority_attribute(authority, "", attribute, NULL), ACESO_EUSAGE);
    authority_grant_name(3, 4294967295u, name);
    assert_string_equal(name, "grant-3.4294967295");
    authority_self_name(2, name);
    assert_string_equal(name, "self.2");
    authority_on_name(7, patient, name);
    assert_string_equal(name, "on.7.0xab00000000000000000000000000000000000001");
    authority_free(authority);
    authority_free(NULL);
}

/* The same seed and label are the same authority; another of either is another one. */
static void test_keys_follow_from_seed_and_label(void **state)
{
    struct authority *authority[4] = { testing_authority(1, "one"), testing_authority(1, "one"),
                                       testing_authority(2, "one"), testing_authority(1, "two") };
    struct buffer key[4];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        key[i] = (struct buffer)BUFFER_INIT(TESTING_KEY_MAX);
        assert_int_equal(authority_public_key(authority[i], "x", &key[i], NULL), ACESO_OK);
    }
    assert_true(bytes_equal(buffer_bytes(&key[0]), buffer_bytes(&key[1])));
    for (size_t i = 2; i < 4; i++) {
        assert_int_equal(key[i].len, key[0].len);
        assert_memory_not_equal(key[i].data + key[i].len - 48, key[0].data + key[0].len - 48, 48);
    }
    for (size_t i = 0; i < 4; i++) {
        buffer_free(&key[i]);
        authority_free(authority[i]);
    }
}

static void test_public_keys(void **state)
{
    struct authority *mine = testing_authority(1, "hospital-a");
    struct authority *forged = testing_authority(9, "hospital-a");
    struct keyring *keyring = keyring_create(testing_institute);
    struct buffer key = BUFFER_INIT(TESTING_KEY_MAX), other = BUFFER_INIT(TESTING_KEY_MAX);
    const uint8_t *name;
    size_t count = 9;

    (void)state;
    assert_int_equal(authority_public_key(mine, "registered", &key, NULL), ACESO_OK);
    assert_int_equal(authority_public_key(forged, "registered", &other, NULL), ACESO_OK);
    assert_false(keyring_has_public(keyring, "registered@hospital-a"));
    assert_int_equal(keyring_add_public(keyring, buffer_bytes(&key), NULL), ACESO_OK);
    assert_int_equal(keyring_add_public(keyring, buffer_bytes(&key), NULL), ACESO_OK);
    assert_int_equal(keyring_add_public(keyring, buffer_bytes(&other), NULL), ACESO_EVERIFY);
    assert_true(keyring_has_public(keyring, "registered@hospital-a"));
    assert_non_null(keyring_public(keyring, &count));
    assert_int_equal(count, 1);
    for (size_t len = 0; len < key.len; len += 7)
        assert_int_not_equal(keyring_add_public(keyring, bytes_of(key.data, len), NULL), ACESO_OK);
    /* Behind the name: with another name it is another attribute's key. */
    name = memmem(key.data, key.len, "hospital-a", 10);
    assert_non_null(name);
    for (size_t i = (size_t)(name - key.data) + 10; i < key.len; i += 5) {
        key.data[i] ^= 1;
        assert_int_not_equal(keyring_add_public(keyring, buffer_bytes(&key), NULL), ACESO_OK);
        key.data[i] ^= 1;
    }
    buffer_free(&key);
    buffer_free(&other);
    keyring_free(keyring);
    keyring_free(NULL);
    authority_free(mine);
    authority_free(forged);
}

static void test_user_keys(void **state)
{
    struct authority *mine = testing_authority(1, "hospital-a");
    struct authority *forged = testing_authority(9, "hospital-a");
    struct keyring *keyring = keyring_create(testing_institute);
    struct buffer key = BUFFER_INIT_SECRET(TESTING_KEY_MAX);
    size_t count = 9;

    (void)state;
    assert_int_equal(testing_give(keyring, mine, "registered", testing_institute),
                     ACESO_ENOTFOUND);
    testing_add_public(keyring, mine, "registered");
    assert_int_equal(testing_give(keyring, mine, "registered", testing_other), ACESO_EVERIFY);
    assert_int_equal(testing_give(keyring, forged, "registered", testing_institute),
                     ACESO_EVERIFY);
    assert_int_equal(testing_give(keyring, mine, "other", testing_institute), ACESO_ENOTFOUND);
    (void)keyring_user(keyring, &count);
    assert_int_equal(count, 0);
    assert_int_equal(testing_give(keyring, mine, "registered", testing_institute), ACESO_OK);
    assert_int_equal(testing_give(keyring, mine, "registered", testing_institute), ACESO_OK);
    (void)keyring_user(keyring, &count);
    assert_int_equal(count, 1);
    assert_int_equal(authority_user_key(mine, "registered", testing_institute, &key, NULL),
                     ACESO_OK);
    for (size_t i = 0; i < key.len; i += 5) {
        key.data[i] ^= 1;
        assert_int_not_equal(keyring_add_user(keyring, buffer_bytes(&key), NULL), ACESO_OK);
        key.data[i] ^= 1;
    }
    buffer_free(&key);
    keyring_free(keyring);
    authority_free(mine);
    authority_free(forged);
}

static int list_count(void *data, struct bytes key, struct aceso_error *error)
{
    size_t *count = data;

    (void)key;
    (void)error;
    return ++*count == 99 ? ACESO_ELIMIT : ACESO_OK;
}

static int list_read(struct bytes list)
{
    size_t count = 0;

    return keyring_read_list(list, list_count, &count, NULL);
}

static void test_lists(void **state)
{
    struct bytes keys[] = { bytes_of("bb", 2), bytes_of("a", 1), bytes_of("ba", 2),
                            bytes_of("b", 1) };
    static const char sorted[] = "\1\0\4\0\0\0\1a\0\0\0\1b\0\0\0\2ba\0\0\0\2bb";
    struct buffer list = BUFFER_INIT(4096);
    size_t count = 0;

    (void)state;
    assert_int_equal(keyring_put_list(keys, 4, &list), ACESO_OK);
    assert_int_equal(list.len, sizeof sorted - 1);
    assert_memory_equal(list.data, sorted, list.len);
    assert_int_equal(keyring_read_list(buffer_bytes(&list), list_count, &count, NULL), ACESO_OK);
    assert_int_equal(count, 4);
    count = 97; /* what the callback returns is passed on */
    assert_int_equal(keyring_read_list(buffer_bytes(&list), list_count, &count, NULL),
                     ACESO_ELIMIT);
    for (size_t len = 0; len < list.len; len++)
        assert_int_equal(list_read(bytes_of(list.data, len)), ACESO_EFORMAT);
    assert_int_equal(buffer_put_u8(&list, 0), ACESO_OK);
    assert_int_equal(list_read(buffer_bytes(&list)), ACESO_EFORMAT);
    buffer_free(&list);
    assert_int_equal(list_read(bytes_of("\2\0\0", 3)), ACESO_EFORMAT);
    assert_int_equal(list_read(bytes_of("\1\0\0", 3)), ACESO_OK);
    /* out of order, and the same twice */
    assert_int_equal(list_read(bytes_of("\1\0\2\0\0\0\1b\0\0\0\1a", 13)), ACESO_EFORMAT);
    assert_int_equal(list_read(bytes_of("\1\0\2\0\0\0\1a\0\0\0\1a", 13)), ACESO_EFORMAT);
    assert_int_equal(keyring_put_list(keys, KEYRING_KEYS_MAX + 1, &list), ACESO_ELIMIT);
}

static void test_list_of_keys(void **state)
{
    struct authority *authority = testing_authority(1, "hospital-a");
    struct keyring *keyring = keyring_create(testing_institute);
    struct buffer key[2] = { BUFFER_INIT(TESTING_KEY_MAX), BUFFER_INIT(TESTING_KEY_MAX) };
    struct buffer list = BUFFER_INIT(TESTING_KEY_MAX);
    struct bytes items[2];

    (void)state;
    assert_int_equal(authority_public_key(authority, "one", &key[0], NULL), ACESO_OK);
    assert_int_equal(authority_public_key(authority, "two", &key[1], NULL), ACESO_OK);
    for (size_t i = 0; i < 2; i++)
        items[i] = buffer_bytes(&key[i]);
    assert_int_equal(keyring_put_list(items, 2, &list), ACESO_OK);
    assert_int_equal(keyring_add_list(keyring, buffer_bytes(&list), NULL), ACESO_OK);
    assert_true(keyring_has_public(keyring, "one@hospital-a"));
    assert_true(keyring_has_public(keyring, "two@hospital-a"));
    for (size_t i = 0; i < 2; i++)
        buffer_free(&key[i]);
    buffer_free(&list);
    keyring_free(keyring);
    authority_free(authority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authority),   cmocka_unit_test(test_keys_follow_from_seed_and_label),
        cmocka_unit_test(test_public_keys), cmocka_unit_test(test_user_keys),
        cmocka_unit_test(test_lists),       cmocka_unit_test(test_list_of_keys),
    };

    return cmocka_run_group_tests_name("consent keyring", tests, NULL, NULL);
}
