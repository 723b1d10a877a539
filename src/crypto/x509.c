/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/x509_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define X509_URI_PREFIX "urn:aceso:"

int x509_failed(struct aceso_error *error, int code, const char *place, const char *text)
{
    ERR_clear_error();
    return error_set(error, code, place, "%s", text);
}

BIO *x509_bio(struct bytes pem)
{
    if (pem.len > X509_PEM_MAX)
        return NULL;
    return BIO_new_mem_buf(pem.len ? (const void *)pem.data : "", (int)pem.len);
}

int x509_no_password(char *text, int size, int writing, void *data)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

bool x509_is_p256(const EVP_PKEY *pkey)
{
    char group[32];
    size_t len = 0;

    return pkey && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(pkey, group, sizeof group, &len) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

int x509_spki_digest(const EVP_PKEY *pkey, uint8_t spki_sha256[32])
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);

    if (len <= 0)
        return ACESO_EINTERNAL;
    sha256(bytes_of(der, (size_t)len), spki_sha256);
    OPENSSL_free(der);
    return ACESO_OK;
}

int x509_put_bio(BIO *bio, struct buffer *out)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    return len < 0 ? ACESO_EINTERNAL : buffer_put(out, data, (size_t)len);
}

bool x509_seconds(const ASN1_TIME *time, int64_t *seconds)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days, rest;
    bool ok = epoch && ASN1_TIME_diff(&days, &rest, epoch, time) == 1;

    if (ok)
        *seconds = (int64_t)days * 86400 + rest;
    ASN1_TIME_free(epoch);
    return ok;
}

int x509_key_make(struct x509_key **key, struct aceso_error *error)
{
    struct x509_key *made = calloc(1, sizeof *made);

    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for a TLS key");
    made->pkey = EVP_EC_gen("P-256");
    if (!made->pkey) {
        free(made);
        return x509_failed(error, ACESO_EINTERNAL, NULL, "no TLS key could be made");
    }
    *key = made;
    return ACESO_OK;
}

int x509_key_read(struct bytes pem, struct x509_key **key, struct aceso_error *error)
{
    BIO *bio = x509_bio(pem);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, x509_no_password, NULL) : NULL;
    struct x509_key *read;

    BIO_free(bio);
    if (!x509_is_p256(pkey)) {
        EVP_PKEY_free(pkey);
        return x509_failed(error, ACESO_EFORMAT, "key", "not a P-256 key in PKCS#8 PEM");
    }
    read = calloc(1, sizeof *read);
    if (!read) {
        EVP_PKEY_free(pkey);
        return error_set(error, ACESO_EMEMORY, "key", "no memory for a TLS key");
    }
    read->pkey = pkey;
    *key = read;
    return ACESO_OK;
}

int x509_key_write(const struct x509_key *key, struct buffer *pem, struct aceso_error *error)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int code = ACESO_EMEMORY;

    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1)
        code = x509_put_bio(bio, pem);
    BIO_free(bio); /* wipes */
    return code ? x509_failed(error, code, "key", "a TLS key could not be written") : ACESO_OK;
}

void x509_key_free(struct x509_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

int x509_key_digest(const struct x509_key *key, uint8_t spki_sha256[32],
                    struct aceso_error *error)
{
    int code = x509_spki_digest(key->pkey, spki_sha256);

    return code ? x509_failed(error, code, "key", "a TLS key has no public form") : ACESO_OK;
}

void x509_uri(const char *role, const uint8_t address[20], char out[X509_URI_SIZE])
{
    char hex[41];

    text_hex(address, 20, hex);
    (void)snprintf(out, X509_URI_SIZE, X509_URI_PREFIX "%s:0x%s", role, hex);
}

static bool x509_role_valid(struct bytes role)
{
    if (role.len == 0 || role.len >= X509_ROLE_SIZE)
        return false;
    for (size_t i = 0; i < role.len; i++) {
        if (!((role.data[i] >= 'a' && role.data[i] <= 'z') || role.data[i] == '-'))
            return false;
    }
    return true;
}

bool x509_uri_read(struct bytes uri, char role[X509_ROLE_SIZE], uint8_t address[20])
{
    const size_t prefix = strlen(X509_URI_PREFIX);
    char named[X509_ROLE_SIZE] = { 0 }, hex[41] = { 0 }, canonical[X509_URI_SIZE];
    const uint8_t *colon;
    struct bytes part;
    uint8_t read[20];

    if (uri.len <= prefix || memcmp(uri.data, X509_URI_PREFIX, prefix) != 0)
        return false;
    uri = bytes_of(uri.data + prefix, uri.len - prefix);
    colon = memchr(uri.data, ':', uri.len);
    part = bytes_of(uri.data, colon ? (size_t)(colon - uri.data) : 0);
    if (!x509_role_valid(part) || uri.len - part.len != 1 + 2 + 40)
        return false;
    memcpy(named, part.data, part.len);
    memcpy(hex, colon + 3, 40);
    if (text_unhex(hex, read, sizeof read))
        return false;
    x509_uri(named, read, canonical);
    if (!bytes_equal(bytes_of_string(canonical + prefix), uri)) /* "0X", upper case */
        return false;
    memcpy(role, named, sizeof named);
    memcpy(address, read, sizeof read);
    return true;
}

int x509_names_identity(const GENERAL_NAMES *names, char role[X509_ROLE_SIZE], uint8_t address[20])
{
    const size_t prefix = strlen(X509_URI_PREFIX);
    int found = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct bytes uri;

        if (name->type != GEN_URI)
            continue;
        uri = bytes_of(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                       (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier));
        /* Schemes know no case: what only looks like one of ours is refused, not passed over. */
        if (uri.len < prefix || strncasecmp((const char *)uri.data, X509_URI_PREFIX, prefix) != 0)
            continue;
        if (found || !x509_uri_read(uri, role, address))
            return -1;
        found = 1;
    }
    return found;
}

int x509_certificate_identity(const X509 *certificate, char role[X509_ROLE_SIZE],
                              uint8_t address[20])
{
    int critical = -1, found;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);

    if (!names)
        return critical == -1 ? 0 : -1; /* -1: there is none; else malformed or twice */
    found = x509_names_identity(names, role, address);
    GENERAL_NAMES_free(names);
    return found;
}

static int x509_read_more(BIO *bio, int max, STACK_OF(X509) *all, struct aceso_error *error)
{
    X509 *certificate;

    while ((certificate = PEM_read_bio_X509(bio, NULL, x509_no_password, NULL)) != NULL) {
        if (sk_X509_num(all) == max || sk_X509_push(all, certificate) <= 0) {
            X509_free(certificate);
            return x509_failed(error, ACESO_ELIMIT, "certificate", "too many certificates");
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE || sk_X509_num(all) == 0)
        return x509_failed(error, ACESO_EFORMAT, "certificate", "not a certificate in PEM");
    ERR_clear_error();
    return ACESO_OK;
}

int x509_read_all(struct bytes pem, int max, STACK_OF(X509) **all, struct aceso_error *error)
{
    STACK_OF(X509) *read = sk_X509_new_null();
    BIO *bio = x509_bio(pem);
    int code;

    if (!read || !bio)
        code = x509_failed(error, bio ? ACESO_EMEMORY : ACESO_ELIMIT, "certificate",
                           "too long, or no memory");
    else
        code = x509_read_more(bio, max, read, error);
    BIO_free(bio);
    if (code)
        sk_X509_pop_free(read, X509_free);
    else
        *all = read;
    return code;
}
