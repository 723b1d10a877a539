/* SPDX-License-Identifier: Apache-2.0 */
#include "node/setting.h"

#include "base/secret.h"

#include <string.h>

const char setting_schema[] =
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL);"
    "CREATE TABLE held_public (attribute TEXT PRIMARY KEY, key BLOB NOT NULL);"
    "CREATE TABLE held_user (attribute TEXT PRIMARY KEY, key BLOB NOT NULL);";

int setting_get(struct store *store, const char *name, struct buffer *value,
                struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store, "SELECT value FROM setting WHERE name = ?1", &query,
                                   error);

    if (code)
        return code;
    statement_bind_text(query, 1, name);
    step = statement_step(query, error);
    if (step == 1)
        code = buffer_put_bytes(value, statement_blob(query, 0));
    else
        code = step < 0 ? step
                        : error_set(error, ACESO_ENOTFOUND, name, "there is no such setting");
    statement_finish(query);
    return code;
}

int setting_put(struct store *store, const char *name, struct bytes value,
                struct aceso_error *error)
{
    struct statement *insert = NULL;
    int code = store_prepare(store, "INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)",
                             &insert, error);

    if (code)
        return code;
    statement_bind_text(insert, 1, name);
    statement_bind_blob(insert, 2, value);
    return statement_run(insert, error);
}

struct held_add {
    struct store *store;
    const struct keys *keys;
    const char *label; /* of the authority that the keys come from */
    struct keyring *keyring;
};

static int held_put(struct store *store, const char *sql, const char *attribute, struct bytes key,
                    struct aceso_error *error)
{
    struct statement *insert = NULL;
    int code = store_prepare(store, sql, &insert, error);

    if (code)
        return code;
    statement_bind_text(insert, 1, attribute);
    statement_bind_blob(insert, 2, key);
    return statement_run(insert, error);
}

/* An authority speaks for its own attributes only: else it could put its keys in the place of
 * another's. */
static int held_check_label(const struct held_add *add, const char *attribute,
                            struct aceso_error *error)
{
    const char *at = strchr(attribute, '@');

    if (!at || strcmp(at + 1, add->label) != 0)
        return error_set(error, ACESO_EVERIFY, "public key", "an attribute that is not %s's",
                         add->label);
    return ACESO_OK;
}

static int held_add_public(void *data, struct bytes bytes, struct aceso_error *error)
{
    struct held_add *add = data;
    struct aceso_abe_public_key *key = NULL;
    int code = keyring_add_public(add->keyring, bytes, error);

    if (!code)
        code = keyring_abe_error(aceso_abe_public_key_import(bytes.data, bytes.len, &key),
                                 "public key", error);
    if (!code)
        code = held_check_label(add, aceso_abe_public_key_attribute(key), error);
    if (!code) /* a user key under another public key than before would never load again */
        code = held_put(add->store,
                        "DELETE FROM held_user WHERE attribute IN"
                        " (SELECT attribute FROM held_public WHERE attribute = ?1 AND key <> ?2)",
                        aceso_abe_public_key_attribute(key), bytes, error);
    if (!code)
        code = held_put(add->store,
                        "INSERT OR REPLACE INTO held_public (attribute, key) VALUES (?1, ?2)",
                        aceso_abe_public_key_attribute(key), bytes, error);
    aceso_abe_public_key_free(key);
    return code;
}

static int held_add_user(void *data, struct bytes bytes, struct aceso_error *error)
{
    struct held_add *add = data;
    const struct aceso_abe_user_key *const *users;
    struct buffer sealed = BUFFER_INIT(65536);
    size_t before = 0, count = 0;
    int code;

    (void)keyring_user(add->keyring, &before);
    code = keyring_add_user(add->keyring, bytes, error);
    users = keyring_user(add->keyring, &count);
    if (!code && count > before) {
        code = keys_seal(add->keys, "user key", bytes, &sealed);
        if (!code)
            code = held_put(add->store,
                            "INSERT OR REPLACE INTO held_user (attribute, key) VALUES (?1, ?2)",
                            aceso_abe_user_key_attribute(users[count - 1]), buffer_bytes(&sealed),
                            error);
    }
    buffer_free(&sealed);
    return code;
}

int held_keys_add(struct store *store, const struct keys *keys, const uint8_t address[20],
                  const char *label, struct bytes publics, struct bytes users,
                  struct aceso_error *error)
{
    struct held_add add = { .store = store, .keys = keys, .label = label,
                            .keyring = keyring_create(address) };
    int code = add.keyring ? store_begin(store, error)
                           : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    if (!code) {
        code = keyring_read_list(publics, held_add_public, &add, error);
        if (!code)
            code = keyring_read_list(users, held_add_user, &add, error);
        if (!code)
            code = store_commit(store, error);
        else
            store_rollback(store);
    }
    keyring_free(add.keyring);
    return code;
}

int held_keys_load(struct store *store, const struct keys *keys, struct keyring *keyring,
                   struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store, "SELECT key FROM held_public", &query, error);

    while (!code && (step = statement_step(query, error)) != 0)
        code = step < 0 ? step : keyring_add_public(keyring, statement_blob(query, 0), error);
    statement_finish(query);
    query = NULL;
    if (!code)
        code = store_prepare(store, "SELECT key FROM held_user", &query, error);
    while (!code && (step = statement_step(query, error)) != 0) {
        struct buffer key = BUFFER_INIT_SECRET(65536);

        code = step < 0 ? step
                        : keys_unseal(keys, "user key", statement_blob(query, 0), &key, error);
        if (!code)
            code = keyring_add_user(keyring, buffer_bytes(&key), error);
        buffer_free(&key);
    }
    statement_finish(query);
    return code;
}
