/* SPDX-License-Identifier: Apache-2.0 */
/* Who a peer is: the path to a root by OpenSSL, the rule of roles by us. */
#include "crypto/x509_internal.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#define X509_ROOTS_MAX 16

static int x509_refused(struct aceso_error *error, const char *text)
{
    return x509_failed(error, ACESO_EVERIFY, "certificate", text);
}

/* Flags that a leaf must have: no authority, signs, and stands at both ends of TLS. */
static bool x509_is_leaf(X509 *certificate)
{
    const uint32_t both = XKU_SSL_SERVER | XKU_SSL_CLIENT;
    uint32_t flags = X509_get_extension_flags(certificate);

    return !(flags & (EXFLAG_CA | EXFLAG_INVALID)) && (flags & EXFLAG_KUSAGE) &&
           (flags & EXFLAG_XKUSAGE) && (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) &&
           (X509_get_extended_key_usage(certificate) & both) == both;
}

/* Reads the leaf of a path that OpenSSL found good: leaf, perhaps intermediate, root. */
static int x509_read_path(const STACK_OF(X509) *path, struct x509_identity *identity,
                          struct aceso_error *error)
{
    struct x509_identity read = { .not_after = 0 };
    const bool under_root = sk_X509_num(path) == 2;
    X509 *leaf = sk_X509_value(path, 0);
    char issuer[X509_ROLE_SIZE];

    if (!under_root && sk_X509_num(path) != 3)
        return x509_refused(error, "its path to the root has the wrong length");
    for (int i = 0; i < sk_X509_num(path); i++) {
        if (!x509_is_p256(X509_get0_pubkey(sk_X509_value(path, i))))
            return x509_refused(error, "a key on its path is not on P-256");
    }
    if (!x509_is_leaf(leaf))
        return x509_refused(error, "it is not a leaf for both ends of TLS");
    if (x509_certificate_identity(leaf, read.role, read.address) != 1)
        return x509_refused(error, "it does not name exactly one role and address");
    if (under_root) {
        if (strcmp(read.role, X509_ROLE_PATIENT) == 0 ||
            strcmp(read.role, X509_ROLE_HOSPITAL_CA) == 0)
            return x509_refused(error, "its role is not one that the root gives to a leaf");
    } else if (x509_certificate_identity(sk_X509_value(path, 1), issuer, read.issuer_address) !=
                   1 ||
               strcmp(issuer, X509_ROLE_HOSPITAL_CA) != 0 ||
               strcmp(read.role, X509_ROLE_PATIENT) != 0) {
        return x509_refused(error, "only a hospital's authority issues, and for patients only");
    }
    if (!x509_seconds(X509_get0_notAfter(leaf), &read.not_after) ||
        x509_spki_digest(X509_get0_pubkey(leaf), read.spki_sha256))
        return x509_refused(error, "its validity or key cannot be read");
    *identity = read;
    return ACESO_OK;
}

static X509_STORE *x509_store_of(const STACK_OF(X509) *roots)
{
    X509_STORE *store = X509_STORE_new();

    for (int i = 0; store && i < sk_X509_num(roots); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(roots, i)) != 1) {
            X509_STORE_free(store);
            store = NULL;
        }
    }
    return store;
}

/* `chain`'s first is the leaf, the others may help to find the path. */
static int x509_verify(STACK_OF(X509) *chain, const STACK_OF(X509) *roots, int64_t now,
                       struct x509_identity *identity, struct aceso_error *error)
{
    X509_STORE *store = x509_store_of(roots);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int code = ACESO_EMEMORY;

    if (store && context &&
        X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) == 1) {
        param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(param, (time_t)now);
        X509_VERIFY_PARAM_set_depth(param, 1); /* intermediates between leaf and root */
        X509_VERIFY_PARAM_set_auth_level(param, 2);
        (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
        (void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
        if (X509_verify_cert(context) == 1)
            code = x509_read_path(X509_STORE_CTX_get0_chain(context), identity, error);
        else
            code = x509_refused(error, X509_verify_cert_error_string(
                                           X509_STORE_CTX_get_error(context)));
    } else {
        (void)x509_failed(error, code, "certificate", "no memory to verify it");
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    return code;
}

static int x509_read_ders(const struct bytes *chain, size_t n, STACK_OF(X509) *all,
                          struct aceso_error *error)
{
    if (n == 0)
        return x509_refused(error, "the peer shows none");
    if (n > X509_CHAIN_MAX)
        return x509_failed(error, ACESO_ELIMIT, "certificate", "too many in the chain");
    for (size_t i = 0; i < n; i++) {
        const unsigned char *at = chain[i].data;
        X509 *certificate;

        if (chain[i].len > X509_DER_MAX)
            return x509_failed(error, ACESO_ELIMIT, "certificate", "one in the chain is too long");
        certificate = chain[i].len ? d2i_X509(NULL, &at, (long)chain[i].len) : NULL;
        if (!certificate || at != chain[i].data + chain[i].len ||
            sk_X509_push(all, certificate) <= 0) {
            X509_free(certificate);
            return x509_failed(error, ACESO_EFORMAT, "certificate",
                               "one in the chain is malformed");
        }
    }
    return ACESO_OK;
}

int x509_identity(const struct bytes *chain, size_t n, struct bytes roots, int64_t now,
                  struct x509_identity *identity, struct aceso_error *error)
{
    STACK_OF(X509) *all = sk_X509_new_null(), *trusted = NULL;
    int code = all ? x509_read_ders(chain, n, all, error)
                   : x509_failed(error, ACESO_EMEMORY, "certificate", "no memory");

    if (!code)
        code = x509_read_all(roots, X509_ROOTS_MAX, &trusted, error);
    if (!code)
        code = x509_verify(all, trusted, now, identity, error);
    sk_X509_pop_free(trusted, X509_free);
    sk_X509_pop_free(all, X509_free);
    return code;
}

int x509_identity_pem(struct bytes chain, struct bytes roots, int64_t now,
                      struct x509_identity *identity, struct aceso_error *error)
{
    STACK_OF(X509) *all = NULL, *trusted = NULL;
    int code = x509_read_all(chain, X509_CHAIN_MAX, &all, error);

    if (!code)
        code = x509_read_all(roots, X509_ROOTS_MAX, &trusted, error);
    if (!code)
        code = x509_verify(all, trusted, now, identity, error);
    sk_X509_pop_free(trusted, X509_free);
    sk_X509_pop_free(all, X509_free);
    return code;
}
