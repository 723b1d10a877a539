/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects, requests and issuing. Extensions are built as objects, never from configuration text,
 * so that no name can say more than a name. */
#include "crypto/x509_internal.h"

#include "base/secret.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define X509_CLOCK_SKEW ((int64_t)3600)
#define X509_SERIAL_SIZE 16

static bool x509_name_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len >= X509_NAME_SIZE)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < 0x20 || name[i] > 0x7e)
            return false;
    }
    return true;
}

/* The address's bytes: 4, 16, or 0 for what is no IP address. */
static size_t x509_host_ip(const char *host, uint8_t ip[16])
{
    if (inet_pton(AF_INET, host, ip) == 1)
        return 4;
    return inet_pton(AF_INET6, host, ip) == 1 ? 16 : 0;
}

static bool x509_host_valid(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    uint8_t ip[16];
    size_t len = strlen(host);

    if (len == 0 || len >= X509_HOST_SIZE)
        return false;
    return x509_host_ip(host, ip) || strspn(host, allowed) == len;
}

int x509_subject_set(const char *name, const char *role, const uint8_t address[20],
                     const char *const *hosts, size_t n_hosts, struct x509_subject *subject,
                     struct aceso_error *error)
{
    struct x509_subject made = { .n_hosts = n_hosts };
    char uri[X509_URI_SIZE];

    if (!x509_name_valid(name))
        return error_set(error, ACESO_EUSAGE, "name", "a name is 1 to %d printable characters",
                         X509_NAME_SIZE - 1);
    if (n_hosts > X509_HOSTS_MAX)
        return error_set(error, ACESO_EUSAGE, "hosts", "more than %d", X509_HOSTS_MAX);
    (void)snprintf(made.name, sizeof made.name, "%s", name);
    if (role[0]) {
        x509_uri(role, address, uri);
        if (!x509_uri_read(bytes_of_string(uri), made.role, made.address))
            return error_set(error, ACESO_EUSAGE, "role", "a role is 1 to %d of a-z and -",
                             X509_ROLE_SIZE - 1);
    }
    for (size_t i = 0; i < n_hosts; i++) {
        if (!x509_host_valid(hosts[i]))
            return error_set(error, ACESO_EUSAGE, "hosts",
                             "number %zu is neither a DNS name in lower case nor an IP address",
                             i + 1);
        (void)snprintf(made.hosts[i], sizeof made.hosts[i], "%s", hosts[i]);
    }
    *subject = made;
    return ACESO_OK;
}

/* Pushes a name of `type` with `data` as its string. */
static bool x509_push_name(GENERAL_NAMES *names, int type, const void *data, size_t len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text = ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING
                                                               : V_ASN1_IA5STRING);

    if (!name || !text || ASN1_STRING_set(text, data, (int)len) != 1) {
        ASN1_STRING_free(text);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, text);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

/* The subject alternative names; NULL without memory. An empty list is possible. */
static GENERAL_NAMES *x509_names(const struct x509_subject *subject)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool ok = names != NULL;
    char uri[X509_URI_SIZE];

    if (ok && subject->role[0]) {
        x509_uri(subject->role, subject->address, uri);
        ok = x509_push_name(names, GEN_URI, uri, strlen(uri));
    }
    for (size_t i = 0; ok && i < subject->n_hosts; i++) {
        const char *host = subject->hosts[i];
        uint8_t ip[16];
        size_t len = x509_host_ip(host, ip);

        ok = len ? x509_push_name(names, GEN_IPADD, ip, len)
                 : x509_push_name(names, GEN_DNS, host, strlen(host));
    }
    if (ok)
        return names;
    GENERAL_NAMES_free(names);
    return NULL;
}

static bool x509_put_name(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                      (const unsigned char *)text, -1, -1, 0) == 1;
}

static bool x509_request_names(X509_REQ *request, const struct x509_subject *subject)
{
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    GENERAL_NAMES *names = x509_names(subject);
    X509_EXTENSION *extension = names ? X509V3_EXT_i2d(NID_subject_alt_name, 0, names) : NULL;
    bool ok = extensions && extension && sk_X509_EXTENSION_push(extensions, extension) > 0;

    if (!ok)
        X509_EXTENSION_free(extension);
    if (ok)
        ok = X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
    return ok;
}

int x509_request(const struct x509_key *key, const struct x509_subject *subject,
                 struct buffer *pem, struct aceso_error *error)
{
    X509_REQ *request = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    int code = ACESO_EINTERNAL;

    if (request && bio && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
        x509_put_name(X509_REQ_get_subject_name(request), subject->name) &&
        (!(subject->role[0] || subject->n_hosts) || x509_request_names(request, subject)) &&
        X509_REQ_set_pubkey(request, key->pkey) == 1 &&
        X509_REQ_sign(request, key->pkey, EVP_sha256()) > 0 &&
        PEM_write_bio_X509_REQ(bio, request) == 1)
        code = x509_put_bio(bio, pem);
    BIO_free(bio);
    X509_REQ_free(request);
    return code ? x509_failed(error, code, "request", "a request could not be made") : ACESO_OK;
}

static bool x509_read_name(const X509_NAME *name, char out[X509_NAME_SIZE])
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const ASN1_STRING *text;
    size_t len;

    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return false;
    text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    len = (size_t)ASN1_STRING_length(text);
    if (len >= X509_NAME_SIZE || memchr(ASN1_STRING_get0_data(text), '\0', len))
        return false;
    memcpy(out, ASN1_STRING_get0_data(text), len);
    out[len] = '\0';
    return x509_name_valid(out);
}

static bool x509_read_host(const GENERAL_NAME *name, char out[X509_HOST_SIZE])
{
    const ASN1_STRING *text = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const uint8_t *data = ASN1_STRING_get0_data(text);
    size_t len = (size_t)ASN1_STRING_length(text);

    if (name->type == GEN_IPADD) {
        if (len != 4 && len != 16)
            return false;
        return inet_ntop(len == 4 ? AF_INET : AF_INET6, data, out, X509_HOST_SIZE) != NULL;
    }
    if (len >= X509_HOST_SIZE || memchr(data, '\0', len))
        return false;
    memcpy(out, data, len);
    out[len] = '\0';
    return x509_host_valid(out);
}

static bool x509_read_names(const GENERAL_NAMES *names, struct x509_subject *subject)
{
    if (x509_names_identity(names, subject->role, subject->address) < 0)
        return false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_URI && subject->role[0])
            continue;
        if ((name->type != GEN_DNS && name->type != GEN_IPADD) ||
            subject->n_hosts == X509_HOSTS_MAX ||
            !x509_read_host(name, subject->hosts[subject->n_hosts]))
            return false;
        subject->n_hosts++;
    }
    return true;
}

static bool x509_request_subject(X509_REQ *request, struct x509_subject *subject)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    int critical = -1;
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, &critical, NULL);
    bool ok = x509_read_name(X509_REQ_get_subject_name(request), subject->name);

    if (names)
        ok = ok && x509_read_names(names, subject);
    else
        ok = ok && critical == -1;
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return ok;
}

/* A request whose signature and key are right. */
static int x509_request_parse(struct bytes pem, X509_REQ **request, struct aceso_error *error)
{
    BIO *bio = x509_bio(pem);
    X509_REQ *read = bio ? PEM_read_bio_X509_REQ(bio, NULL, x509_no_password, NULL) : NULL;
    EVP_PKEY *pkey = read ? X509_REQ_get0_pubkey(read) : NULL;
    int code = ACESO_OK;

    BIO_free(bio);
    if (!read)
        code = x509_failed(error, ACESO_EFORMAT, "request", "not a request in PEM");
    else if (!x509_is_p256(pkey))
        code = x509_failed(error, ACESO_EVERIFY, "request", "its key is not on P-256");
    else if (X509_REQ_verify(read, pkey) != 1)
        code = x509_failed(error, ACESO_EVERIFY, "request", "its signature does not verify");
    if (code)
        X509_REQ_free(read);
    else
        *request = read;
    return code;
}

int x509_request_read(struct bytes pem, struct x509_subject *subject, uint8_t spki_sha256[32],
                      struct aceso_error *error)
{
    struct x509_subject read = { .n_hosts = 0 };
    uint8_t digest[32];
    X509_REQ *request;
    int code = x509_request_parse(pem, &request, error);

    if (code)
        return code;
    if (!x509_request_subject(request, &read))
        code = x509_failed(error, ACESO_EFORMAT, "request", "a name in it is not one we know");
    else if (x509_spki_digest(X509_REQ_get0_pubkey(request), digest))
        code = x509_failed(error, ACESO_EINTERNAL, "request", "its key has no public form");
    X509_REQ_free(request);
    if (code)
        return code;
    *subject = read;
    memcpy(spki_sha256, digest, sizeof digest);
    return ACESO_OK;
}

static bool x509_put_serial(X509 *certificate)
{
    uint8_t serial[X509_SERIAL_SIZE];
    BIGNUM *number;
    bool ok;

    secret_random(serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and 16 bytes in any case */
    number = BN_bin2bn(serial, sizeof serial, NULL);
    ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return ok;
}

/* What a certificate may do: an authority (with a path length, -1 for none) or a leaf. */
static bool x509_put_usage(X509 *certificate, bool authority, int path_length)
{
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    EXTENDED_KEY_USAGE *purposes = sk_ASN1_OBJECT_new_null();
    bool ok = constraints && usage && purposes;

    if (ok && authority) {
        constraints->ca = 0xff;
        constraints->pathlen = path_length < 0 ? NULL : ASN1_INTEGER_new();
        ok = (path_length < 0 || ASN1_INTEGER_set(constraints->pathlen, path_length) == 1) &&
             ASN1_BIT_STRING_set_bit(usage, 5, 1) == 1 && /* keyCertSign */
             ASN1_BIT_STRING_set_bit(usage, 6, 1) == 1;   /* cRLSign */
    } else if (ok) {
        ok = ASN1_BIT_STRING_set_bit(usage, 0, 1) == 1 && /* digitalSignature */
             sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_server_auth)) > 0 &&
             sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_client_auth)) > 0 &&
             X509_add1_ext_i2d(certificate, NID_ext_key_usage, purposes, 0, 0) == 1;
    }
    ok = ok && X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints, 1, 0) == 1 &&
         X509_add1_ext_i2d(certificate, NID_key_usage, usage, 1, 0) == 1;
    sk_ASN1_OBJECT_free(purposes); /* the objects in it are the library's constants */
    ASN1_BIT_STRING_free(usage);
    BASIC_CONSTRAINTS_free(constraints);
    return ok;
}

/* Identifiers of the certificate's own key (RFC 7093, method 1) and of the issuer's. */
static bool x509_put_key_ids(X509 *certificate, const X509 *issuer)
{
    const ASN1_OCTET_STRING *issuers =
        issuer ? X509_get0_subject_key_id((X509 *)(uintptr_t)issuer) : NULL;
    ASN1_OCTET_STRING *own = ASN1_OCTET_STRING_new();
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    uint8_t digest[32];
    bool ok = own && authority && (!issuer || issuers) &&
              x509_spki_digest(X509_get0_pubkey(certificate), digest) == ACESO_OK &&
              ASN1_OCTET_STRING_set(own, digest, 20) == 1 &&
              X509_add1_ext_i2d(certificate, NID_subject_key_identifier, own, 0, 0) == 1;

    if (ok && issuer) {
        authority->keyid = ASN1_OCTET_STRING_dup(issuers);
        ok = authority->keyid &&
             X509_add1_ext_i2d(certificate, NID_authority_key_identifier, authority, 0, 0) == 1;
    }
    AUTHORITY_KEYID_free(authority);
    ASN1_OCTET_STRING_free(own);
    return ok;
}

static bool x509_put_validity(X509 *certificate, int64_t now, int64_t until)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(now - X509_CLOCK_SKEW)) &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until);
}

static bool x509_put_names(X509 *certificate, const struct x509_subject *subject)
{
    GENERAL_NAMES *names = x509_names(subject);
    bool ok = names && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1;

    GENERAL_NAMES_free(names);
    return ok && x509_put_name(X509_get_subject_name(certificate), subject->name);
}

/* Signs with `key`, writes PEM, frees the certificate. */
static int x509_finish(X509 *certificate, bool ok, const struct x509_key *key, struct buffer *pem,
                       struct aceso_error *error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int code = ACESO_EINTERNAL;

    if (ok && bio && X509_sign(certificate, key->pkey, EVP_sha256()) > 0 &&
        PEM_write_bio_X509(bio, certificate) == 1)
        code = x509_put_bio(bio, pem);
    BIO_free(bio);
    X509_free(certificate);
    return code ? x509_failed(error, code, "certificate", "a certificate could not be made")
                : ACESO_OK;
}

int x509_root(const struct x509_key *key, const char *name, int64_t now, struct buffer *pem,
              struct aceso_error *error)
{
    X509 *certificate;
    bool ok;

    if (!x509_name_valid(name))
        return error_set(error, ACESO_EUSAGE, "name", "a name is 1 to %d printable characters",
                         X509_NAME_SIZE - 1);
    certificate = X509_new();
    ok = certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         x509_put_serial(certificate) &&
         x509_put_validity(certificate, now, now + X509_ROOT_SECONDS) &&
         x509_put_name(X509_get_subject_name(certificate), name) &&
         X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
         X509_set_pubkey(certificate, key->pkey) == 1 && x509_put_usage(certificate, true, 1) &&
         x509_put_key_ids(certificate, NULL);
    return x509_finish(certificate, ok, key, pem, error);
}

/* May `issuer` say `subject`? The tree in x509.h. */
static int x509_may_issue(X509 *issuer, const struct x509_subject *subject,
                          struct aceso_error *error)
{
    const bool patient = strcmp(subject->role, X509_ROLE_PATIENT) == 0;
    const bool authority = strcmp(subject->role, X509_ROLE_HOSPITAL_CA) == 0;
    char role[X509_ROLE_SIZE];
    uint8_t address[20];
    int found = x509_certificate_identity(issuer, role, address);
    bool root = found == 0 && (X509_get_extension_flags(issuer) & EXFLAG_SS);
    bool intermediate = found == 1 && strcmp(role, X509_ROLE_HOSPITAL_CA) == 0;

    if (X509_check_ca(issuer) != 1 || (!root && !intermediate))
        return error_set(error, ACESO_EDENIED, "issuer", "this certificate may not issue");
    if (!subject->role[0])
        return error_set(error, ACESO_EDENIED, "subject", "a certificate needs a role");
    if (authority && subject->n_hosts)
        return error_set(error, ACESO_EDENIED, "subject", "an authority has no hosts");
    if (root == patient)
        return error_set(error, ACESO_EDENIED, "subject",
                         "the root issues for all but patients, a hospital for patients only");
    return ACESO_OK;
}

static int x509_issue_under(const struct x509_key *key, X509 *issuer, X509_REQ *request,
                            const struct x509_subject *subject, int64_t now, struct buffer *pem,
                            struct aceso_error *error)
{
    const bool authority = strcmp(subject->role, X509_ROLE_HOSPITAL_CA) == 0;
    int64_t until = now + (authority ? X509_HOSPITAL_CA_SECONDS : X509_LEAF_SECONDS), last;
    int code = x509_may_issue(issuer, subject, error);
    X509 *certificate;
    bool ok;

    if (code)
        return code;
    if (X509_check_private_key(issuer, key->pkey) != 1)
        return x509_failed(error, ACESO_EUSAGE, "issuer", "the key is not the certificate's");
    if (!x509_seconds(X509_get0_notAfter(issuer), &last) || last <= now)
        return x509_failed(error, ACESO_EDENIED, "issuer", "this certificate has expired");
    if (until > last)
        until = last;
    certificate = X509_new();
    ok = certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         x509_put_serial(certificate) && x509_put_validity(certificate, now, until) &&
         X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         X509_set_pubkey(certificate, X509_REQ_get0_pubkey(request)) == 1 &&
         x509_put_names(certificate, subject) && x509_put_usage(certificate, authority, 0) &&
         x509_put_key_ids(certificate, issuer);
    return x509_finish(certificate, ok, key, pem, error);
}

int x509_issue(const struct x509_key *key, struct bytes issuer, struct bytes request,
               const struct x509_subject *subject, int64_t now, struct buffer *pem,
               struct aceso_error *error)
{
    STACK_OF(X509) *issuers = NULL;
    X509_REQ *asked = NULL;
    int code = x509_read_all(issuer, X509_CHAIN_MAX, &issuers, error);

    if (!code)
        code = x509_request_parse(request, &asked, error);
    if (!code)
        code = x509_issue_under(key, sk_X509_value(issuers, 0), asked, subject, now, pem, error);
    X509_REQ_free(asked);
    sk_X509_pop_free(issuers, X509_free);
    return code;
}
