/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a peer's chain (each certificate behind a 16-bit length), as a PEM chain and as a
 * request. The corpus holds chains under the root below, whose key is thrown away, so that
 * changes near a valid signature are tried too. */
#include "crypto/x509.h"
#include "crypto/x509_internal.h"

#include <stdlib.h>
#include <string.h>

#define NOW ((int64_t)1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fuzz_root[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBZTCCAQugAwIBAgIQYUTsliQSAcWqNIWmozuA5TAKBggqhkjOPQQDAjARMQ8w\n"
    "DQYDVQQDDAZhIHJvb3QwHhcNMjcwMTE1MDcwMDAwWhcNMzcwMTEyMDgwMDAwWjAR\n"
    "MQ8wDQYDVQQDDAZhIHJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASgVb5b\n"
    "Slsgv9kHE3Ml6fXBZO+igMCuN56jZzoAZmu3hvP17TIaUZotZs0LD83ot0EcJUri\n"
    "X7Y7BGa6Fcq7mUq3o0UwQzASBgNVHRMBAf8ECDAGAQH/AgEBMA4GA1UdDwEB/wQE\n"
    "AwIBBjAdBgNVHQ4EFgQUfQJFH6IEcIVO5XYWav7NlLWQuL8wCgYIKoZIzj0EAwID\n"
    "SAAwRQIhAKa9ZOnT/qffT0k2/LPppAzb9kBAOCDbZWqMJF8+XOpyAiAOdgCKNfSA\n"
    "12myE8yZQGBxqRPspyE2oFBvT4fA7gICKg==\n"
    "-----END CERTIFICATE-----\n";

/* What was accepted keeps the rule and reads back from its own URI. */
static void fuzz_check(const struct x509_identity *identity)
{
    static const uint8_t zeros[20];
    const bool patient = strcmp(identity->role, X509_ROLE_PATIENT) == 0;
    const bool hospital = memcmp(identity->issuer_address, zeros, 20) != 0;
    char uri[X509_URI_SIZE], role[X509_ROLE_SIZE];
    uint8_t address[20];

    x509_uri(identity->role, identity->address, uri);
    if (patient != hospital || strcmp(identity->role, X509_ROLE_HOSPITAL_CA) == 0 ||
        !x509_uri_read(bytes_of_string(uri), role, address) ||
        strcmp(role, identity->role) != 0 || memcmp(address, identity->address, 20) != 0)
        abort();
}

static void fuzz_names(struct bytes der)
{
    const unsigned char *at = der.data;
    X509 *certificate = der.len ? d2i_X509(NULL, &at, (long)der.len) : NULL;
    char role[X509_ROLE_SIZE];
    uint8_t address[20];

    if (certificate && x509_certificate_identity(certificate, role, address) == 1 &&
        memchr(role, '\0', sizeof role) == NULL)
        abort();
    X509_free(certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes root = bytes_of_string(fuzz_root), all = bytes_of(data, size);
    struct reader reader = reader_of(all);
    struct bytes chain[X509_CHAIN_MAX + 1];
    struct x509_subject subject;
    struct x509_identity identity;
    uint8_t digest[32];
    size_t n = 0;

    while (reader.left && n < X509_CHAIN_MAX + 1) {
        struct bytes der = reader_take(&reader, reader_u16(&reader));

        if (reader.failed)
            break;
        fuzz_names(der);
        chain[n++] = der;
    }
    if (x509_identity(chain, n, root, NOW, &identity, NULL) == ACESO_OK)
        fuzz_check(&identity);
    if (x509_identity_pem(all, root, NOW, &identity, NULL) == ACESO_OK)
        fuzz_check(&identity);
    if (x509_request_read(all, &subject, digest, NULL) == ACESO_OK &&
        subject.n_hosts > X509_HOSTS_MAX)
        abort();
    return 0;
}
