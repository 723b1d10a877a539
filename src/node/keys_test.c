/* SPDX-License-Identifier: Apache-2.0 */
/* A node's secrets, what it seals on disk, its settings and the attribute keys it holds. */
#include "node/testing.h"

#include "consent/authority.h"
#include "crypto/ecdsa.h"

static const struct bytes password = { (const uint8_t *)"secret", 6 };

static void mode_of(const char *directory, const char *name, unsigned mode)
{
    struct stat status;
    char path[PATH_MAX];

    assert_int_equal(file_path(directory, name, path, sizeof path), ACESO_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, mode);
}

static void test_files(void **state)
{
    struct keys *keys, *again = NULL;
    char directory[TESTING_PATH];
    uint8_t one[32], two[32];

    (void)state;
    testing_directory(directory);
    keys = testing_keys(directory, true);
    mode_of(directory, "keystore", 0700);
    mode_of(directory, "keystore/root.json", 0600);
    mode_of(directory, "keystore/account.json", 0600);
    assert_int_equal(keys_make(directory, password, KEYSTORE_LIGHT, true, NULL), ACESO_EEXISTS);
    assert_int_not_equal(keys_open(directory, bytes_of("Secret", 6), &again, NULL), ACESO_OK);
    assert_null(again);
    assert_int_equal(keys_open(directory, password, &again, NULL), ACESO_OK);
    keys_derive(keys, "x", bytes_of(NULL, 0), one);
    keys_derive(again, "x", bytes_of(NULL, 0), two);
    assert_memory_equal(one, two, 32);
    assert_memory_equal(keys_account(keys), keys_account(again), 32);
    keys_free(keys);
    keys_free(again);
    keys_free(NULL);
    testing_remove(directory);
}

static void test_derive(void **state)
{
    static const struct {
        const char *label, *context;
    } what[] = { { "a", "" }, { "a", "b" }, { "ab", "" }, { "b", "a" }, { "abe authority", "" },
                 { "storage", "" }, { "hpke", "" } };
    enum { COUNT = sizeof what / sizeof what[0] };
    char directory[TESTING_PATH];
    struct keys *keys;
    uint8_t key[COUNT][32];

    (void)state;
    testing_directory(directory);
    keys = testing_keys(directory, false);
    for (size_t i = 0; i < COUNT; i++) {
        keys_derive(keys, what[i].label, bytes_of_string(what[i].context), key[i]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(key[i], key[j], 32);
    }
    keys_free(keys);
    testing_remove(directory);
}

static void test_patient_accounts(void **state)
{
    static const struct {
        uint64_t chain;
        uint32_t hospital;
    } where[] = { { 31337, 1 }, { 31337, 2 }, { 1, 1 } };
    struct account *account[3] = { NULL }, *same = NULL;
    uint8_t again[20], digest[32] = { 5 }, signature[65];
    char directory[TESTING_PATH];
    struct keys *keys;

    (void)state;
    testing_directory(directory);
    keys = testing_keys(directory, false);
    assert_null(keys_account(keys));
    assert_int_equal(keys_address(keys, again), ACESO_ESTATE);
    assert_int_equal(keys_sign(keys, digest, signature, NULL), ACESO_ESTATE);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(account_derive(keys, where[i].chain, where[i].hospital, &account[i], NULL),
                         ACESO_OK);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(account_address(account[i]), account_address(account[j]), 20);
    }
    assert_int_equal(account_derive(keys, 31337, 2, &same, NULL), ACESO_OK);
    assert_memory_equal(account_address(same), account_address(account[1]), 20);
    assert_int_equal(account_sign(account[1], digest, signature, NULL), ACESO_OK);
    assert_int_equal(ecdsa_recover(digest, signature, again), ACESO_OK);
    assert_memory_equal(again, account_address(same), 20);
    assert_null(keys_account(keys)); /* none of them is the node's own */
    for (size_t i = 0; i < 3; i++)
        account_free(account[i]);
    account_free(same);
    account_free(NULL);
    keys_free(keys);
    testing_remove(directory);
}

static void test_seal(void **state)
{
    struct buffer sealed = BUFFER_INIT(4096), other = BUFFER_INIT(4096);
    struct buffer plain = BUFFER_INIT_SECRET(4096);
    char directory[TESTING_PATH];
    struct keys *keys;

    (void)state;
    testing_directory(directory);
    keys = testing_keys(directory, false);
    assert_int_equal(keys_seal(keys, "one", bytes_of("text", 4), &sealed), ACESO_OK);
    assert_int_equal(keys_seal(keys, "one", bytes_of("text", 4), &other), ACESO_OK);
    assert_false(bytes_equal(buffer_bytes(&sealed), buffer_bytes(&other)));
    assert_int_not_equal(keys_unseal(keys, "two", buffer_bytes(&sealed), &plain, NULL), ACESO_OK);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 1;
        assert_int_not_equal(keys_unseal(keys, "one", buffer_bytes(&sealed), &plain, NULL),
                             ACESO_OK);
        sealed.data[i] ^= 1;
        assert_int_not_equal(keys_unseal(keys, "one", bytes_of(sealed.data, i), &plain, NULL),
                             ACESO_OK);
    }
    assert_int_equal(plain.len, 0);
    assert_int_equal(keys_unseal(keys, "one", buffer_bytes(&sealed), &plain, NULL), ACESO_OK);
    assert_memory_equal(plain.data, "text", 4);
    buffer_free(&sealed);
    buffer_free(&other);
    buffer_free(&plain);
    keys_free(keys);
    testing_remove(directory);
}

static void test_tls_key(void **state)
{
    char directory[TESTING_PATH], path[PATH_MAX];
    struct x509_key *key = NULL, *again = NULL;
    uint8_t one[32], two[32];
    struct keys *keys;

    (void)state;
    testing_directory(directory);
    keys = testing_keys(directory, false);
    assert_int_equal(file_path(directory, "key.sealed", path, sizeof path), ACESO_OK);
    assert_int_equal(keys_tls(keys, path, &key, NULL), ACESO_OK);
    mode_of(directory, "key.sealed", 0600);
    assert_int_equal(keys_tls(keys, path, &again, NULL), ACESO_OK);
    assert_int_equal(x509_key_digest(key, one, NULL), ACESO_OK);
    assert_int_equal(x509_key_digest(again, two, NULL), ACESO_OK);
    assert_memory_equal(one, two, 32);
    x509_key_free(key);
    x509_key_free(again);
    again = NULL;
    assert_int_equal(file_write(path, bytes_of_string("broken"), 0600, NULL), ACESO_OK);
    assert_int_not_equal(keys_tls(keys, path, &again, NULL), ACESO_OK);
    assert_null(again);
    keys_free(keys);
    testing_remove(directory);
}

static void test_settings(void **state)
{
    const char *const migrations[] = { setting_schema };
    struct buffer value = BUFFER_INIT(4096);
    struct store *store = NULL;

    (void)state;
    assert_int_equal(store_open(":memory:", migrations, 1, &store, NULL), ACESO_OK);
    assert_int_equal(setting_get(store, "a", &value, NULL), ACESO_ENOTFOUND);
    assert_int_equal(setting_put(store, "a", bytes_of("one", 3), NULL), ACESO_OK);
    assert_int_equal(setting_put(store, "b", bytes_of("", 0), NULL), ACESO_OK);
    assert_int_equal(setting_put(store, "a", bytes_of("\0wo", 3), NULL), ACESO_OK);
    assert_int_equal(setting_get(store, "a", &value, NULL), ACESO_OK);
    assert_int_equal(value.len, 3);
    assert_memory_equal(value.data, "\0wo", 3);
    buffer_clear(&value);
    assert_int_equal(setting_get(store, "b", &value, NULL), ACESO_OK);
    assert_int_equal(value.len, 0);
    buffer_free(&value);
    store_close(store);
}

struct holding {
    char directory[TESTING_PATH];
    struct keys *keys;
    struct store *store;
    struct buffer publics, users;
};

static const uint8_t holder[20] = { 0xcc };

/* Lists of the public key and of `whose` user key of one attribute, by one authority. */
static void holding_fill(struct holding *holding, uint8_t seed, const char *label,
                         const char *name, const uint8_t whose[20])
{
    struct buffer public_key = BUFFER_INIT(65536), user_key = BUFFER_INIT_SECRET(65536);
    struct authority *authority = NULL;
    const uint8_t bytes[32] = { seed };
    struct bytes item;

    assert_int_equal(authority_create(bytes, label, &authority, NULL), ACESO_OK);
    assert_int_equal(authority_public_key(authority, name, &public_key, NULL), ACESO_OK);
    assert_int_equal(authority_user_key(authority, name, whose, &user_key, NULL), ACESO_OK);
    buffer_clear(&holding->publics);
    buffer_clear(&holding->users);
    item = buffer_bytes(&public_key);
    assert_int_equal(keyring_put_list(&item, 1, &holding->publics), ACESO_OK);
    item = buffer_bytes(&user_key);
    assert_int_equal(keyring_put_list(&item, 1, &holding->users), ACESO_OK);
    authority_free(authority);
    buffer_free(&public_key);
    buffer_free(&user_key);
}

static int holding_add(struct holding *holding, const char *label)
{
    return held_keys_add(holding->store, holding->keys, holder, label,
                         buffer_bytes(&holding->publics), buffer_bytes(&holding->users), NULL);
}

static size_t holding_count(struct holding *holding)
{
    struct keyring *keyring = keyring_create(holder);
    size_t count = 0;

    assert_int_equal(held_keys_load(holding->store, holding->keys, keyring, NULL), ACESO_OK);
    (void)keyring_user(keyring, &count);
    keyring_free(keyring);
    return count;
}

static void test_held_keys(void **state)
{
    const char *const migrations[] = { setting_schema };
    struct holding holding = { .publics = BUFFER_INIT(65536), .users = BUFFER_INIT(65536) };

    (void)state;
    testing_directory(holding.directory);
    holding.keys = testing_keys(holding.directory, true);
    assert_int_equal(store_open(":memory:", migrations, 1, &holding.store, NULL), ACESO_OK);
    assert_int_equal(holding_count(&holding), 0);
    holding_fill(&holding, 1, "hospital-a", "registered", holder);
    assert_int_equal(holding_add(&holding, "hospital-a"), ACESO_OK);
    assert_int_equal(holding_add(&holding, "hospital-a"), ACESO_OK);
    assert_int_equal(holding_count(&holding), 1);
    /* another's key, and a list without the public key: nothing of them is kept */
    holding_fill(&holding, 1, "hospital-a", "other", (const uint8_t[20]){ 0xdd });
    assert_int_equal(holding_add(&holding, "hospital-a"), ACESO_EVERIFY);
    holding_fill(&holding, 1, "hospital-a", "other", holder);
    buffer_clear(&holding.publics);
    assert_int_equal(keyring_put_list(NULL, 0, &holding.publics), ACESO_OK);
    assert_int_equal(holding_add(&holding, "hospital-a"), ACESO_ENOTFOUND);
    assert_int_equal(holding_count(&holding), 1);
    /* hospital-b cannot put a key of its own in hospital-a's place */
    holding_fill(&holding, 2, "hospital-a", "registered", holder);
    assert_int_equal(holding_add(&holding, "hospital-b"), ACESO_EVERIFY);
    assert_int_equal(holding_count(&holding), 1);
    /* hospital-a may begin anew: the old user key goes with the old public key */
    buffer_clear(&holding.users);
    assert_int_equal(keyring_put_list(NULL, 0, &holding.users), ACESO_OK);
    assert_int_equal(holding_add(&holding, "hospital-a"), ACESO_OK);
    assert_int_equal(holding_count(&holding), 0);
    buffer_free(&holding.publics);
    buffer_free(&holding.users);
    store_close(holding.store);
    keys_free(holding.keys);
    testing_remove(holding.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),    cmocka_unit_test(test_derive),
        cmocka_unit_test(test_patient_accounts), cmocka_unit_test(test_seal),
        cmocka_unit_test(test_tls_key),  cmocka_unit_test(test_settings),
        cmocka_unit_test(test_held_keys),
    };

    return cmocka_run_group_tests_name("node keys", tests, NULL, NULL);
}
