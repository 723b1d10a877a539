/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keystore.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/ecdsa.h"
#include "crypto/keccak.h"

#include <nettle/pbkdf2.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define KEYSTORE_VERSION 3
#define KEYSTORE_PASSWORD_MAX 1024
#define KEYSTORE_SALT_MIN 8
#define KEYSTORE_SALT_MAX 64
#define KEYSTORE_SALT_SIZE 32
#define KEYSTORE_N_MAX ((uint64_t)1 << 20)
#define KEYSTORE_R_MAX 64
#define KEYSTORE_P_MAX 64
#define KEYSTORE_MEMORY_MAX ((uint64_t)1 << 30)
#define KEYSTORE_WORK_MAX ((uint64_t)1 << 23)
#define KEYSTORE_ROUNDS_MAX ((uint64_t)1 << 22)

enum keystore_kdf { KEYSTORE_SCRYPT, KEYSTORE_PBKDF2 };

struct keystore_text {
    enum keystore_kdf kdf;
    uint64_t n, r, p; /* scrypt */
    uint64_t rounds;  /* PBKDF2 */
    uint8_t salt[KEYSTORE_SALT_MAX];
    size_t salt_len;
    uint8_t iv[16];
    uint8_t ciphertext[KEYSTORE_SECRET_SIZE];
    uint8_t mac[KECCAK256_SIZE];
};

/* What the password yields: the cipher's key, and the half that only enters the MAC. */
struct keystore_key {
    uint8_t cipher[16];
    uint8_t mac[16];
};

static int keystore_derive(const struct keystore_text *text, struct bytes password,
                           struct keystore_key *key, struct aceso_error *error)
{
    uint8_t out[sizeof *key];

    if (!password.data)
        password = bytes_of("", 0);
    if (text->kdf == KEYSTORE_PBKDF2) {
        pbkdf2_hmac_sha256(password.len, password.data, (unsigned)text->rounds, text->salt_len,
                           text->salt, sizeof out, out);
    } else if (crypto_pwhash_scryptsalsa208sha256_ll(
                   password.data, password.len, text->salt, text->salt_len, text->n,
                   (uint32_t)text->r, (uint32_t)text->p, out, sizeof out) != 0) {
        return error_set(error, ACESO_EMEMORY, "keystore", "no memory for the password's scrypt");
    }
    memcpy(key, out, sizeof *key);
    secret_wipe(out, sizeof out);
    return ACESO_OK;
}

static void keystore_mac(const struct keystore_key *key, const uint8_t *ciphertext,
                         uint8_t mac[KECCAK256_SIZE])
{
    struct keccak keccak;

    keccak_init(&keccak);
    keccak_update(&keccak, bytes_of(key->mac, sizeof key->mac));
    keccak_update(&keccak, bytes_of(ciphertext, KEYSTORE_SECRET_SIZE));
    keccak_final(&keccak, mac);
}

/* Counter mode: the same for both directions. */
static int keystore_cipher(const struct keystore_key *key, const uint8_t iv[16],
                           const uint8_t in[KEYSTORE_SECRET_SIZE],
                           uint8_t out[KEYSTORE_SECRET_SIZE])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int len = 0;
    bool ok;

    if (!context)
        return ACESO_EMEMORY;
    ok = EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), NULL, key->cipher, iv) == 1 &&
         EVP_EncryptUpdate(context, out, &len, in, KEYSTORE_SECRET_SIZE) == 1 &&
         len == KEYSTORE_SECRET_SIZE;
    EVP_CIPHER_CTX_free(context);
    return ok ? ACESO_OK : ACESO_EINTERNAL;
}

static int keystore_too_costly(struct aceso_error *error)
{
    return error_set(error, ACESO_ELIMIT, "kdfparams", "a cost over the limit");
}

static int keystore_parse_scrypt(const yyjson_val *params, struct keystore_text *text,
                                 struct aceso_error *error)
{
    int code = json_u64(params, "n", UINT64_MAX, &text->n, error);

    if (!code)
        code = json_u64(params, "r", UINT64_MAX, &text->r, error);
    if (!code)
        code = json_u64(params, "p", UINT64_MAX, &text->p, error);
    if (code)
        return code;
    if (text->n < 2 || (text->n & (text->n - 1)) || text->r == 0 || text->p == 0)
        return error_set(error, ACESO_EFORMAT, "kdfparams", "not parameters of scrypt");
    if (text->n > KEYSTORE_N_MAX || text->r > KEYSTORE_R_MAX || text->p > KEYSTORE_P_MAX ||
        128 * text->n * text->r > KEYSTORE_MEMORY_MAX ||
        text->n * text->r * text->p > KEYSTORE_WORK_MAX)
        return keystore_too_costly(error);
    return ACESO_OK;
}

static int keystore_parse_pbkdf2(const yyjson_val *params, struct keystore_text *text,
                                 struct aceso_error *error)
{
    const char *prf;
    int code = json_string(params, "prf", &prf, error);

    if (!code && strcmp(prf, "hmac-sha256") != 0)
        code = error_set(error, ACESO_EFORMAT, "prf", "hmac-sha256 is the only one known");
    if (!code)
        code = json_u64(params, "c", UINT64_MAX, &text->rounds, error);
    if (!code && text->rounds == 0)
        code = error_set(error, ACESO_EFORMAT, "c", "at least one round is needed");
    if (!code && text->rounds > KEYSTORE_ROUNDS_MAX)
        code = keystore_too_costly(error);
    return code;
}

static int keystore_parse_kdf(const yyjson_val *crypto, struct keystore_text *text,
                              struct aceso_error *error)
{
    const yyjson_val *params = yyjson_obj_get((yyjson_val *)(uintptr_t)crypto, "kdfparams");
    struct buffer salt = BUFFER_INIT(KEYSTORE_SALT_MAX);
    const char *kdf, *hex;
    uint64_t dklen;
    int code = json_string(crypto, "kdf", &kdf, error);

    if (!code)
        code = json_u64(params, "dklen", UINT64_MAX, &dklen, error);
    if (!code && dklen != sizeof(struct keystore_key))
        code = error_set(error, ACESO_EFORMAT, "dklen", "the derived key has 32 bytes");
    if (!code)
        code = json_string(params, "salt", &hex, error);
    if (code)
        return code;
    if (text_unhex_buffer(hex, &salt) || salt.len < KEYSTORE_SALT_MIN) {
        code = error_set(error, ACESO_EFORMAT, "salt", "not %d to %d bytes of hex",
                         KEYSTORE_SALT_MIN, KEYSTORE_SALT_MAX);
    } else {
        memcpy(text->salt, salt.data, salt.len);
        text->salt_len = salt.len;
        text->kdf = strcmp(kdf, "pbkdf2") == 0 ? KEYSTORE_PBKDF2 : KEYSTORE_SCRYPT;
        if (text->kdf == KEYSTORE_PBKDF2)
            code = keystore_parse_pbkdf2(params, text, error);
        else if (strcmp(kdf, "scrypt") == 0)
            code = keystore_parse_scrypt(params, text, error);
        else
            code = error_set(error, ACESO_EFORMAT, "kdf", "neither scrypt nor pbkdf2");
    }
    buffer_free(&salt);
    return code;
}

static int keystore_parse_members(yyjson_val *root, struct keystore_text *text,
                                  struct aceso_error *error)
{
    yyjson_val *crypto = yyjson_obj_get(root, "crypto");
    const char *cipher;
    uint64_t version;
    int code = json_u64(root, "version", UINT64_MAX, &version, error);

    if (!code && version != KEYSTORE_VERSION)
        code = error_set(error, ACESO_EFORMAT, "version", "only version 3 is known");
    if (!code)
        code = json_string(crypto, "cipher", &cipher, error);
    if (!code && strcmp(cipher, "aes-128-ctr") != 0)
        code = error_set(error, ACESO_EFORMAT, "cipher", "aes-128-ctr is the only one known");
    if (!code)
        code = json_hex(crypto, "ciphertext", text->ciphertext, sizeof text->ciphertext, error);
    if (!code)
        code = json_hex(yyjson_obj_get(crypto, "cipherparams"), "iv", text->iv, sizeof text->iv,
                        error);
    if (!code)
        code = json_hex(crypto, "mac", text->mac, sizeof text->mac, error);
    if (!code)
        code = keystore_parse_kdf(crypto, text, error);
    return code;
}

static int keystore_parse(struct bytes json, struct keystore_text *text,
                          struct aceso_error *error)
{
    yyjson_doc *doc;
    int code;

    if (json.len > KEYSTORE_SIZE_MAX)
        return error_set(error, ACESO_ELIMIT, "keystore", "longer than %zu bytes",
                         KEYSTORE_SIZE_MAX);
    code = json_parse(json, &doc, error);
    if (!code) {
        code = keystore_parse_members(yyjson_doc_get_root(doc), text, error);
        yyjson_doc_free(doc);
    }
    return code ? error_at(error, code, "keystore") : ACESO_OK;
}

static void keystore_put_hex(struct json_writer *writer, const char *key, const uint8_t *data,
                             size_t len)
{
    char text[2 * KEYSTORE_SALT_MAX + 1];

    text_hex(data, len, text); /* without "0x", as others read it */
    json_put_string(writer, key, text);
}

/* A random UUID, RFC 9562 version 4. */
static void keystore_put_id(struct json_writer *writer)
{
    uint8_t id[16];
    char hex[33], text[37];

    secret_random(id, sizeof id);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    text_hex(id, sizeof id, hex);
    (void)snprintf(text, sizeof text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
    json_put_string(writer, "id", text);
}

static int keystore_write(const struct keystore_text *text, const uint8_t *address,
                          struct buffer *json)
{
    struct json_writer writer = json_writer_of(json);

    json_open(&writer, NULL, '{');
    if (address)
        keystore_put_hex(&writer, "address", address, ECDSA_ADDRESS_SIZE);
    json_open(&writer, "crypto", '{');
    json_put_string(&writer, "cipher", "aes-128-ctr");
    keystore_put_hex(&writer, "ciphertext", text->ciphertext, sizeof text->ciphertext);
    json_open(&writer, "cipherparams", '{');
    keystore_put_hex(&writer, "iv", text->iv, sizeof text->iv);
    json_close(&writer, '}');
    json_put_string(&writer, "kdf", "scrypt");
    json_open(&writer, "kdfparams", '{');
    json_put_u64(&writer, "dklen", sizeof(struct keystore_key));
    json_put_u64(&writer, "n", text->n);
    json_put_u64(&writer, "p", text->p);
    json_put_u64(&writer, "r", text->r);
    keystore_put_hex(&writer, "salt", text->salt, text->salt_len);
    json_close(&writer, '}');
    keystore_put_hex(&writer, "mac", text->mac, sizeof text->mac);
    json_close(&writer, '}');
    keystore_put_id(&writer);
    json_put_u64(&writer, "version", KEYSTORE_VERSION);
    json_close(&writer, '}');
    return json->failed;
}

int keystore_seal(const uint8_t secret[KEYSTORE_SECRET_SIZE], struct bytes password,
                  enum keystore_cost cost, struct buffer *json, struct aceso_error *error)
{
    struct keystore_text text = { .kdf = KEYSTORE_SCRYPT, .salt_len = KEYSTORE_SALT_SIZE };
    uint8_t address[ECDSA_ADDRESS_SIZE];
    struct keystore_key key;
    size_t before = json->len;
    int code;

    if (password.len > KEYSTORE_PASSWORD_MAX)
        return error_set(error, ACESO_ELIMIT, "password", "longer than %d bytes",
                         KEYSTORE_PASSWORD_MAX);
    text.n = cost == KEYSTORE_STANDARD ? (uint64_t)1 << 18 : (uint64_t)1 << 12;
    text.p = cost == KEYSTORE_STANDARD ? 1 : 6;
    text.r = 8;
    secret_random(text.salt, text.salt_len);
    secret_random(text.iv, sizeof text.iv);
    code = keystore_derive(&text, password, &key, error);
    if (code)
        return code;
    code = keystore_cipher(&key, text.iv, secret, text.ciphertext);
    if (!code) {
        keystore_mac(&key, text.ciphertext, text.mac);
        code = keystore_write(&text, ecdsa_address(secret, address) ? NULL : address, json);
    }
    secret_wipe(&key, sizeof key);
    if (code) {
        json->len = before;
        return error_set(error, code, "keystore", "could not be written");
    }
    return ACESO_OK;
}

int keystore_open(struct bytes json, struct bytes password, uint8_t secret[KEYSTORE_SECRET_SIZE],
                  struct aceso_error *error)
{
    struct keystore_text text = { .kdf = KEYSTORE_SCRYPT };
    uint8_t mac[KECCAK256_SIZE];
    struct keystore_key key;
    int code;

    if (password.len > KEYSTORE_PASSWORD_MAX)
        return error_set(error, ACESO_ELIMIT, "password", "longer than %d bytes",
                         KEYSTORE_PASSWORD_MAX);
    code = keystore_parse(json, &text, error);
    if (!code)
        code = keystore_derive(&text, password, &key, error);
    if (code)
        return code;
    keystore_mac(&key, text.ciphertext, mac);
    if (!secret_equal(mac, text.mac, sizeof mac))
        code = error_set(error, ACESO_EVERIFY, "keystore", "wrong password or changed file");
    else
        code = keystore_cipher(&key, text.iv, text.ciphertext, secret);
    secret_wipe(&key, sizeof key);
    secret_wipe(mac, sizeof mac);
    return code;
}
