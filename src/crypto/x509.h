/* SPDX-License-Identifier: Apache-2.0 */
/* The parties' TLS certificates: EC P-256 keys, requests, issuing, and who a peer is. Uses base,
 * digest and OpenSSL. No I/O. Thread-safe, as long as a key is not freed while in use.
 *
 *     root (the CA)
 *      |- leaf         urn:aceso:ca:0x..           the CA's own node
 *      |- leaf         urn:aceso:hospital:0x..     a hospital's node
 *      |- leaf         urn:aceso:institute:0x..    an institute's node (cloud alike)
 *      |- intermediate urn:aceso:hospital-ca:0x..  the same hospital, issues for its patients only
 *          |- leaf     urn:aceso:patient:0x..      a patient, by the address used at that hospital
 *
 * A certificate says role and Ethereum address (lower-case hex) in one URI among its subject
 * alternative names. What stands in a certificate is the issuer's decision: of a request only the
 * public key is taken. Directly under the root every role but `patient` is valid, under an
 * intermediate (role hospital-ca) only `patient`, whoever signed what. */
#ifndef ACESO_CRYPTO_X509_H
#define ACESO_CRYPTO_X509_H

#include "base/buffer.h"

#define X509_ROLE_SIZE 16         /* with the NUL; roles are a-z and '-' */
#define X509_NAME_SIZE 65         /* a common name with the NUL; printable ASCII */
#define X509_HOST_SIZE 254        /* a DNS name or an IP address with the NUL */
#define X509_HOSTS_MAX 8
#define X509_CHAIN_MAX 4          /* certificates that a peer may show */
#define X509_DER_MAX ((size_t)8192)
#define X509_PEM_MAX ((size_t)65536)

#define X509_LEAF_SECONDS ((int64_t)365 * 86400)
#define X509_HOSPITAL_CA_SECONDS ((int64_t)2 * 365 * 86400)
#define X509_ROOT_SECONDS ((int64_t)10 * 365 * 86400)

struct x509_key; /* an EC P-256 key pair */

ACESO_NODISCARD int x509_key_make(struct x509_key **key, struct aceso_error *error);

/* From PKCS#8 PEM, not encrypted. ACESO_EFORMAT for anything but one P-256 key. */
ACESO_NODISCARD int x509_key_read(struct bytes pem, struct x509_key **key,
                                  struct aceso_error *error);

/* Appends PKCS#8 PEM, not encrypted: `pem` is made with BUFFER_INIT_SECRET, and where it is
 * written the mode is 0600. */
ACESO_NODISCARD int x509_key_write(const struct x509_key *key, struct buffer *pem,
                                   struct aceso_error *error);

void x509_key_free(struct x509_key *key); /* wipes; accepts NULL */

/* SHA-256 of the key's SubjectPublicKeyInfo: the "TLS key digest" of a credential. */
ACESO_NODISCARD int x509_key_digest(const struct x509_key *key, uint8_t spki_sha256[32],
                                    struct aceso_error *error);

/* What a certificate says, or a request asks for. Hosts are DNS names and IP addresses as text:
 * "node.example", "127.0.0.1", "::1". A role of "" means no URI. */
struct x509_subject {
    char name[X509_NAME_SIZE];
    char role[X509_ROLE_SIZE];
    uint8_t address[20];
    char hosts[X509_HOSTS_MAX][X509_HOST_SIZE];
    size_t n_hosts;
};

/* Fills `subject`; `hosts` has `n_hosts` texts. ACESO_EUSAGE for what does not fit, or a role,
 * name or host with other characters than it may have. */
ACESO_NODISCARD int x509_subject_set(const char *name, const char *role, const uint8_t address[20],
                                     const char *const *hosts, size_t n_hosts,
                                     struct x509_subject *subject, struct aceso_error *error);

/* Appends the PEM of a PKCS#10 request for `subject`, signed by `key`. */
ACESO_NODISCARD int x509_request(const struct x509_key *key, const struct x509_subject *subject,
                                 struct buffer *pem, struct aceso_error *error);

/* Checks a request's signature and key (P-256) and reads what it asks for and the digest of its
 * public key. The asker proves by it that it holds the TLS key, nothing else. ACESO_EFORMAT,
 * ACESO_EVERIFY. */
ACESO_NODISCARD int x509_request_read(struct bytes pem, struct x509_subject *subject,
                                      uint8_t spki_sha256[32], struct aceso_error *error);

/* Appends the PEM of a root that signs itself: `name`, valid from an hour before `now` (seconds
 * since 1970) for X509_ROOT_SECONDS. */
ACESO_NODISCARD int x509_root(const struct x509_key *key, const char *name, int64_t now,
                              struct buffer *pem, struct aceso_error *error);

/* Issues for the public key in `request` (PEM, checked as in x509_request_read) a certificate that
 * says `subject` and nothing from the request; appends its PEM to `pem`. A subject with role
 * `hospital-ca` (without hosts) becomes an intermediate that may issue leaves (path length 0), any
 * other a leaf for both ends of TLS. `issuer` is the issuer's certificate (the first one in the
 * PEM) and `key` its key. ACESO_EDENIED where the tree above does not allow it, ACESO_EUSAGE when
 * certificate and key do not belong together. */
ACESO_NODISCARD int x509_issue(const struct x509_key *key, struct bytes issuer,
                               struct bytes request, const struct x509_subject *subject,
                               int64_t now, struct buffer *pem, struct aceso_error *error);

/* Who a peer is. */
struct x509_identity {
    char role[X509_ROLE_SIZE];
    uint8_t address[20];
    uint8_t spki_sha256[32];
    uint8_t issuer_address[20]; /* the hospital of a patient; zeros when the root issued */
    int64_t not_after;          /* seconds since 1970 */
};

/* Verifies `chain` (n DER certificates, the peer's leaf first, the rest in any order) against
 * `roots` (PEM of one or more self-signed certificates) at time `now`, and reads who the leaf
 * is. Refused with ACESO_EVERIFY: no path to a root, outside validity, a leaf that is a CA or not
 * for both ends of TLS, a key other than P-256, none or more than one `urn:aceso:` URI, a role
 * against the rule above, a URI not in the canonical form. ACESO_EFORMAT for what is no
 * certificate, ACESO_ELIMIT for a chain or certificate over the limits. */
ACESO_NODISCARD int x509_identity(const struct bytes *chain, size_t n, struct bytes roots,
                                  int64_t now, struct x509_identity *identity,
                                  struct aceso_error *error);

/* The same for a chain as PEM text (a node's own certificate file). */
ACESO_NODISCARD int x509_identity_pem(struct bytes chain, struct bytes roots, int64_t now,
                                      struct x509_identity *identity, struct aceso_error *error);

#endif
