/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keys.h"

#include "base/file.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/ecdsa.h"
#include "crypto/hpke.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct keys {
    uint8_t *root;    /* 32 bytes, locked */
    uint8_t *account; /* 32 bytes, locked */
    uint8_t *storage; /* 32 bytes, locked */
    bool has_account;
};

static int keys_write(const char *directory, const char *name, const uint8_t secret[32],
                      struct bytes password, enum keystore_cost cost, struct aceso_error *error)
{
    struct buffer json = BUFFER_INIT(KEYSTORE_SIZE_MAX);
    char path[PATH_MAX];
    int code = file_path(directory, name, path, sizeof path);

    if (!code && file_exists(path))
        code = error_set(error, ACESO_EEXISTS, path, "there is a key already");
    if (!code)
        code = keystore_seal(secret, password, cost, &json, error);
    if (!code)
        code = file_write(path, buffer_bytes(&json), 0600, error);
    buffer_free(&json);
    return code;
}

int keys_make(const char *directory, struct bytes password, enum keystore_cost cost, bool account,
              struct aceso_error *error)
{
    char keystore[PATH_MAX];
    uint8_t secret[32];
    int code = file_path(directory, "keystore", keystore, sizeof keystore);

    if (!code)
        code = file_make_directory(keystore, error);
    if (!code) {
        secret_random(secret, sizeof secret);
        code = keys_write(keystore, "root.json", secret, password, cost, error);
    }
    if (!code && account) {
        ecdsa_secret_make(secret);
        code = keys_write(keystore, "account.json", secret, password, cost, error);
    }
    secret_wipe(secret, sizeof secret);
    return code;
}

static int keys_read(const char *directory, const char *name, struct bytes password,
                     uint8_t secret[32], struct aceso_error *error)
{
    struct buffer json = BUFFER_INIT(KEYSTORE_SIZE_MAX);
    char path[PATH_MAX], keystore[PATH_MAX];
    int code = file_path(directory, "keystore", keystore, sizeof keystore);

    if (!code)
        code = file_path(keystore, name, path, sizeof path);
    if (!code)
        code = file_read(path, &json, error);
    if (!code)
        code = keystore_open(buffer_bytes(&json), password, secret, error);
    buffer_free(&json);
    return code;
}

int keys_open(const char *directory, struct bytes password, struct keys **out,
              struct aceso_error *error)
{
    struct keys *keys = calloc(1, sizeof *keys);
    int code = ACESO_OK;

    if (!keys)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    keys->root = secret_alloc(32);
    keys->account = secret_alloc(32);
    keys->storage = secret_alloc(32);
    if (!keys->root || !keys->account || !keys->storage)
        code = error_set(error, ACESO_EMEMORY, NULL, "no locked memory");
    if (!code)
        code = keys_read(directory, "root.json", password, keys->root, error);
    if (!code) {
        code = keys_read(directory, "account.json", password, keys->account, error);
        keys->has_account = !code;
        if (code == ACESO_ENOTFOUND)
            code = ACESO_OK;
    }
    if (code) {
        keys_free(keys);
        return code;
    }
    keys_derive(keys, "storage", bytes_of(NULL, 0), keys->storage);
    *out = keys;
    return ACESO_OK;
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    secret_free(keys->root);
    secret_free(keys->account);
    secret_free(keys->storage);
    free(keys);
}

void keys_derive(const struct keys *keys, const char *label, struct bytes context,
                 uint8_t out[32])
{
    struct buffer info = BUFFER_INIT(4096);

    (void)buffer_put_string(&info, "aceso node v1 ");
    (void)buffer_put_string(&info, label);
    (void)buffer_put_u8(&info, 0);
    (void)buffer_put_bytes(&info, context);
    if (info.failed)
        abort(); /* labels and contexts are short constants: only memory can be missing */
    hkdf_sha256(bytes_of(keys->root, 32), bytes_of(NULL, 0), buffer_bytes(&info), out, 32);
    buffer_free(&info);
}

const uint8_t *keys_account(const struct keys *keys)
{
    return keys->has_account ? keys->account : NULL;
}

int keys_address(const struct keys *keys, uint8_t address[20])
{
    return keys->has_account ? ecdsa_address(keys->account, address) : ACESO_ESTATE;
}

void keys_seal_pair(const struct keys *keys, uint8_t secret[32], uint8_t public_key[32])
{
    uint8_t seed[32];

    keys_derive(keys, "hpke", bytes_of(NULL, 0), seed);
    hpke_keypair_derive(seed, secret, public_key);
    secret_wipe(seed, sizeof seed);
}

int keys_sign(const struct keys *keys, const uint8_t digest[32], uint8_t signature[65],
              struct aceso_error *error)
{
    if (!keys->has_account)
        return error_set(error, ACESO_ESTATE, NULL, "this node has no account yet");
    if (ecdsa_sign(keys->account, digest, signature))
        return error_set(error, ACESO_EINTERNAL, NULL, "signing failed");
    return ACESO_OK;
}

int keys_seal(const struct keys *keys, const char *what, struct bytes plain, struct buffer *out)
{
    return aead_seal_random(keys->storage, bytes_of_string(what), plain, out);
}

int keys_unseal(const struct keys *keys, const char *what, struct bytes sealed, struct buffer *out,
                struct aceso_error *error)
{
    int code = aead_open_random(keys->storage, bytes_of_string(what), sealed, out);

    return code ? error_set(error, code, what, "what is on disk does not open") : ACESO_OK;
}

int keys_tls(const struct keys *keys, const char *path, struct x509_key **key,
             struct aceso_error *error)
{
    struct buffer pem = BUFFER_INIT_SECRET(X509_PEM_MAX);
    struct buffer sealed = BUFFER_INIT(X509_PEM_MAX);
    struct x509_key *made = NULL;
    int code = file_read(path, &sealed, NULL);

    if (code == ACESO_OK) {
        code = keys_unseal(keys, "tls key", buffer_bytes(&sealed), &pem, error);
        if (!code)
            code = x509_key_read(buffer_bytes(&pem), &made, error);
    } else if (code == ACESO_ENOTFOUND) {
        code = x509_key_make(&made, error);
        if (!code)
            code = x509_key_write(made, &pem, error);
        if (!code)
            code = keys_seal(keys, "tls key", buffer_bytes(&pem), &sealed);
        if (!code)
            code = file_write(path, buffer_bytes(&sealed), 0600, error);
    } else {
        (void)error_set(error, code, path, "%s", error_name(code));
    }
    buffer_free(&pem);
    buffer_free(&sealed);
    if (code)
        x509_key_free(made);
    else
        *key = made;
    return code;
}
