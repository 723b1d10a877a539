/* SPDX-License-Identifier: Apache-2.0 */
/* For the x509 files only: what they share of OpenSSL's objects. */
#ifndef ACESO_CRYPTO_X509_INTERNAL_H
#define ACESO_CRYPTO_X509_INTERNAL_H

#include "crypto/x509.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define X509_ROLE_PATIENT "patient"
#define X509_ROLE_HOSPITAL_CA "hospital-ca"

struct x509_key {
    EVP_PKEY *pkey;
};

/* What an OpenSSL call that failed becomes; empties the library's queue of errors. */
int x509_failed(struct aceso_error *error, int code, const char *place, const char *text);

/* Reads from `pem`; NULL when it is too long. PEM text can ask for a password: this callback is
 * the answer, so that the library never turns to the terminal. */
BIO *x509_bio(struct bytes pem);
int x509_no_password(char *text, int size, int writing, void *data);

bool x509_is_p256(const EVP_PKEY *pkey);
int x509_spki_digest(const EVP_PKEY *pkey, uint8_t spki_sha256[32]);

/* Appends what `bio` holds. */
int x509_put_bio(BIO *bio, struct buffer *out);

/* The URI of role and address, and back; only the canonical form is read. */
#define X509_URI_SIZE 80
void x509_uri(const char *role, const uint8_t address[20], char out[X509_URI_SIZE]);
bool x509_uri_read(struct bytes uri, char role[X509_ROLE_SIZE], uint8_t address[20]);

/* The one `urn:aceso:` URI among `names`: 1 and filled, 0 when there is none, -1 when there is
 * more than one or one not in the canonical form. Other names do not matter. */
int x509_names_identity(const GENERAL_NAMES *names, char role[X509_ROLE_SIZE],
                        uint8_t address[20]);

/* The same for a certificate's subject alternative names. */
int x509_certificate_identity(const X509 *certificate, char role[X509_ROLE_SIZE],
                              uint8_t address[20]);

/* The certificates of a PEM text, 1 to `max`. */
int x509_read_all(struct bytes pem, int max, STACK_OF(X509) **all, struct aceso_error *error);

/* Seconds since 1970. */
bool x509_seconds(const ASN1_TIME *time, int64_t *seconds);

#endif
