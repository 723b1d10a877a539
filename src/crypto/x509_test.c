/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vector.h"

#include "crypto/digest.h"
#include "crypto/x509.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define NOW ((int64_t)1800000000) /* January 2027 */
#define SOME_DAYS ((int64_t)10 * 86400)

static const uint8_t hospital_address[20] = { 0xaa, 0x01 };
static const uint8_t patient_address[20] = { 0xbb, 0x02 };
static const uint8_t institute_address[20] = { 0xcc, 0x03 };

/* A key with the certificate that was issued for it, by our own functions. */
struct party {
    struct x509_key *key;
    struct buffer pem;
};

static struct x509_subject subject_of(const char *role, const uint8_t address[20])
{
    static const char *const hosts[] = { "node.example", "127.0.0.1", "::1" };
    const bool authority = strcmp(role, "hospital-ca") == 0;
    struct x509_subject subject;

    assert_int_equal(x509_subject_set("a party", role, address, hosts, authority ? 0 : 3, &subject,
                                      NULL),
                     ACESO_OK);
    return subject;
}

static struct party party_root(void)
{
    struct party party = { .pem = BUFFER_INIT(X509_PEM_MAX) };

    assert_int_equal(x509_key_make(&party.key, NULL), ACESO_OK);
    assert_int_equal(x509_root(party.key, "a root", NOW, &party.pem, NULL), ACESO_OK);
    return party;
}

static int party_try(const struct party *issuer, const char *role, const uint8_t address[20],
                     struct party *party)
{
    struct x509_subject subject = subject_of(role, address);
    struct buffer request = BUFFER_INIT(X509_PEM_MAX);
    int code;

    *party = (struct party){ .pem = BUFFER_INIT(X509_PEM_MAX) };
    assert_int_equal(x509_key_make(&party->key, NULL), ACESO_OK);
    assert_int_equal(x509_request(party->key, &subject, &request, NULL), ACESO_OK);
    code = x509_issue(issuer->key, buffer_bytes(&issuer->pem), buffer_bytes(&request), &subject,
                      NOW, &party->pem, NULL);
    buffer_free(&request);
    return code;
}

static struct party party_of(const struct party *issuer, const char *role,
                             const uint8_t address[20])
{
    struct party party;

    assert_int_equal(party_try(issuer, role, address, &party), ACESO_OK);
    return party;
}

static void party_free(struct party *party)
{
    x509_key_free(party->key);
    buffer_free(&party->pem);
}

/* The chain of `leaf` and, where given, `above` as DER. */
static int identify(const struct buffer *leaf, const struct buffer *above,
                    const struct buffer *root, int64_t now, struct x509_identity *identity)
{
    const struct buffer *pems[] = { leaf, above };
    uint8_t *ders[2] = { NULL, NULL };
    struct bytes chain[2];
    size_t n = above ? 2 : 1;
    int code;

    for (size_t i = 0; i < n; i++) {
        BIO *bio = BIO_new_mem_buf(pems[i]->data, (int)pems[i]->len);
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        assert_non_null(certificate);
        chain[i].len = (size_t)i2d_X509(certificate, &ders[i]);
        chain[i].data = ders[i];
        X509_free(certificate);
        BIO_free(bio);
    }
    code = x509_identity(chain, n, buffer_bytes(root), now, identity, NULL);
    OPENSSL_free(ders[0]);
    OPENSSL_free(ders[1]);
    return code;
}

static void test_tree(void **state)
{
    struct party root = party_root(), other = party_root();
    struct party hospital = party_of(&root, "hospital", hospital_address);
    struct party authority = party_of(&root, "hospital-ca", hospital_address);
    struct party patient = party_of(&authority, "patient", patient_address);
    struct x509_identity who = { .not_after = 0 };
    uint8_t digest[32];
    const uint8_t zeros[20] = { 0 };

    (void)state;
    assert_int_equal(identify(&hospital.pem, NULL, &root.pem, NOW, &who), ACESO_OK);
    assert_string_equal(who.role, "hospital");
    assert_memory_equal(who.address, hospital_address, 20);
    assert_memory_equal(who.issuer_address, zeros, 20);
    assert_int_equal(who.not_after, NOW + X509_LEAF_SECONDS);
    assert_int_equal(x509_key_digest(hospital.key, digest, NULL), ACESO_OK);
    assert_memory_equal(who.spki_sha256, digest, 32);

    assert_int_equal(identify(&patient.pem, &authority.pem, &root.pem, NOW, &who), ACESO_OK);
    assert_string_equal(who.role, "patient");
    assert_memory_equal(who.address, patient_address, 20);
    assert_memory_equal(who.issuer_address, hospital_address, 20);

    assert_int_equal(identify(&patient.pem, NULL, &root.pem, NOW, &who), ACESO_EVERIFY);
    assert_int_equal(identify(&hospital.pem, NULL, &other.pem, NOW, &who), ACESO_EVERIFY);
    assert_int_equal(identify(&authority.pem, NULL, &root.pem, NOW, &who), ACESO_EVERIFY);
    assert_int_equal(identify(&root.pem, NULL, &root.pem, NOW, &who), ACESO_EVERIFY);
    party_free(&patient);
    party_free(&authority);
    party_free(&hospital);
    party_free(&other);
    party_free(&root);
}

static void test_pem_chain(void **state)
{
    struct party root = party_root();
    struct party authority = party_of(&root, "hospital-ca", hospital_address);
    struct party patient = party_of(&authority, "patient", patient_address);
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX);
    struct x509_identity who;

    (void)state;
    assert_int_equal(buffer_put_bytes(&chain, buffer_bytes(&patient.pem)), ACESO_OK);
    assert_int_equal(buffer_put_bytes(&chain, buffer_bytes(&authority.pem)), ACESO_OK);
    assert_int_equal(x509_identity_pem(buffer_bytes(&chain), buffer_bytes(&root.pem), NOW, &who,
                                       NULL),
                     ACESO_OK);
    assert_string_equal(who.role, "patient");
    assert_int_equal(x509_identity_pem(bytes_of_string("no PEM"), buffer_bytes(&root.pem), NOW,
                                       &who, NULL),
                     ACESO_EFORMAT);
    assert_int_equal(x509_identity_pem(bytes_of(NULL, 0), buffer_bytes(&root.pem), NOW, &who,
                                       NULL),
                     ACESO_EFORMAT);
    buffer_free(&chain);
    party_free(&patient);
    party_free(&authority);
    party_free(&root);
}

static void test_validity(void **state)
{
    struct party root = party_root();
    struct party hospital = party_of(&root, "hospital", hospital_address);
    struct x509_identity who;

    (void)state;
    assert_int_equal(identify(&hospital.pem, NULL, &root.pem, NOW - 3599, &who), ACESO_OK);
    assert_int_equal(identify(&hospital.pem, NULL, &root.pem, NOW - 3601, &who), ACESO_EVERIFY);
    assert_int_equal(identify(&hospital.pem, NULL, &root.pem, NOW + X509_LEAF_SECONDS - 1, &who),
                     ACESO_OK);
    assert_int_equal(identify(&hospital.pem, NULL, &root.pem, NOW + X509_LEAF_SECONDS + 1, &who),
                     ACESO_EVERIFY);
    party_free(&hospital);
    party_free(&root);
}

static void test_issuing_keeps_to_the_tree(void **state)
{
    struct party root = party_root(), refused;
    struct party hospital = party_of(&root, "hospital", hospital_address);
    struct party authority = party_of(&root, "hospital-ca", hospital_address);
    const struct {
        const struct party *issuer;
        const char *role;
    } cases[] = {
        { &root, "patient" },
        { &authority, "hospital" },
        { &authority, "hospital-ca" },
        { &authority, "institute" },
        { &hospital, "patient" },
        { &hospital, "institute" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(party_try(cases[i].issuer, cases[i].role, institute_address, &refused),
                         ACESO_EDENIED);
        assert_int_equal(refused.pem.len, 0);
        party_free(&refused);
    }
    party_free(&authority);
    party_free(&hospital);
    party_free(&root);
}

/* The issuer decides: nothing of what the request asks for gets into the certificate. */
static void test_request_does_not_decide(void **state)
{
    struct party root = party_root();
    struct x509_subject asked = subject_of("ca", hospital_address);
    struct x509_subject given = subject_of("institute", institute_address), read;
    struct buffer request = BUFFER_INIT(X509_PEM_MAX), pem = BUFFER_INIT(X509_PEM_MAX);
    struct x509_key *key = NULL;
    struct x509_identity who;
    uint8_t digest[32], own[32];

    (void)state;
    assert_int_equal(x509_key_make(&key, NULL), ACESO_OK);
    assert_int_equal(x509_request(key, &asked, &request, NULL), ACESO_OK);
    assert_int_equal(x509_request_read(buffer_bytes(&request), &read, digest, NULL), ACESO_OK);
    assert_int_equal(x509_key_digest(key, own, NULL), ACESO_OK);
    assert_memory_equal(digest, own, 32);
    assert_string_equal(read.name, asked.name);
    assert_string_equal(read.role, "ca");
    assert_memory_equal(read.address, hospital_address, 20);
    assert_int_equal(read.n_hosts, 3);
    assert_string_equal(read.hosts[0], "node.example");
    assert_string_equal(read.hosts[1], "127.0.0.1");
    assert_string_equal(read.hosts[2], "::1");

    assert_int_equal(x509_issue(root.key, buffer_bytes(&root.pem), buffer_bytes(&request), &given,
                                NOW, &pem, NULL),
                     ACESO_OK);
    assert_int_equal(identify(&pem, NULL, &root.pem, NOW, &who), ACESO_OK);
    assert_string_equal(who.role, "institute");
    assert_memory_equal(who.address, institute_address, 20);
    assert_int_equal(x509_issue(key, buffer_bytes(&root.pem), buffer_bytes(&request), &given, NOW,
                                &pem, NULL),
                     ACESO_EUSAGE);
    x509_key_free(key);
    buffer_free(&request);
    buffer_free(&pem);
    party_free(&root);
}

static void test_request_without_names(void **state)
{
    struct buffer request = BUFFER_INIT(X509_PEM_MAX);
    struct x509_subject subject, read;
    struct x509_key *key = NULL;
    uint8_t digest[32];

    (void)state;
    assert_int_equal(x509_subject_set("only a name", "", NULL, NULL, 0, &subject, NULL), ACESO_OK);
    assert_int_equal(x509_key_make(&key, NULL), ACESO_OK);
    assert_int_equal(x509_request(key, &subject, &request, NULL), ACESO_OK);
    assert_int_equal(x509_request_read(buffer_bytes(&request), &read, digest, NULL), ACESO_OK);
    assert_string_equal(read.name, "only a name");
    assert_string_equal(read.role, "");
    assert_int_equal(read.n_hosts, 0);
    x509_key_free(key);
    buffer_free(&request);
}

/* One bit of a request's DER changed, behind the PEM armour. */
static void test_request_changed(void **state)
{
    struct x509_subject subject = subject_of("institute", institute_address), read;
    struct buffer request = BUFFER_INIT(X509_PEM_MAX);
    struct x509_key *key = NULL;
    uint8_t digest[32];
    char *at;

    (void)state;
    assert_int_equal(x509_key_make(&key, NULL), ACESO_OK);
    assert_int_equal(x509_request(key, &subject, &request, NULL), ACESO_OK);
    at = strchr((char *)request.data, '\n') + 40;
    *at = *at == 'A' ? 'B' : 'A';
    assert_int_not_equal(x509_request_read(buffer_bytes(&request), &read, digest, NULL), ACESO_OK);
    assert_int_equal(x509_request_read(bytes_of_string("nothing"), &read, digest, NULL),
                     ACESO_EFORMAT);
    x509_key_free(key);
    buffer_free(&request);
}

static void test_subject_limits(void **state)
{
    static const char *const bad_hosts[] = { "",       "Node.example",  "a b",  "a\nb",
                                             "a,DNS:b", "1.2.3.4/24", "[::1]", "*.example" };
    struct x509_subject subject = { .name = "kept" };
    char long_text[300];

    (void)state;
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (size_t i = 0; i < sizeof bad_hosts / sizeof bad_hosts[0]; i++)
        assert_int_equal(x509_subject_set("n", "ca", hospital_address, &bad_hosts[i], 1, &subject,
                                          NULL),
                         ACESO_EUSAGE);
    assert_int_equal(x509_subject_set("", "ca", hospital_address, NULL, 0, &subject, NULL),
                     ACESO_EUSAGE);
    assert_int_equal(x509_subject_set(long_text, "ca", hospital_address, NULL, 0, &subject, NULL),
                     ACESO_EUSAGE);
    assert_int_equal(x509_subject_set("a\nb", "ca", hospital_address, NULL, 0, &subject, NULL),
                     ACESO_EUSAGE);
    assert_int_equal(x509_subject_set("n", "CA", hospital_address, NULL, 0, &subject, NULL),
                     ACESO_EUSAGE);
    assert_int_equal(x509_subject_set("n", "a:b", hospital_address, NULL, 0, &subject, NULL),
                     ACESO_EUSAGE);
    assert_int_equal(x509_subject_set("n", "sixteen-letters-", hospital_address, NULL, 0,
                                      &subject, NULL),
                     ACESO_EUSAGE);
    assert_int_equal(x509_subject_set("n", long_text, hospital_address, NULL, 0, &subject, NULL),
                     ACESO_EUSAGE);
    assert_string_equal(subject.name, "kept");
}

static void test_key_text(void **state)
{
    struct buffer pem = BUFFER_INIT_SECRET(X509_PEM_MAX);
    struct x509_key *key = NULL, *read = NULL;
    uint8_t one[32], two[32];

    (void)state;
    assert_int_equal(x509_key_make(&key, NULL), ACESO_OK);
    assert_int_equal(x509_key_write(key, &pem, NULL), ACESO_OK);
    assert_non_null(strstr(buffer_text(&pem), "-----BEGIN PRIVATE KEY-----"));
    assert_int_equal(x509_key_read(buffer_bytes(&pem), &read, NULL), ACESO_OK);
    assert_int_equal(x509_key_digest(key, one, NULL), ACESO_OK);
    assert_int_equal(x509_key_digest(read, two, NULL), ACESO_OK);
    assert_memory_equal(one, two, 32);
    x509_key_free(read);
    x509_key_free(key);
    buffer_free(&pem);
}

/* An Ed25519 key, an encrypted one (which must not ask the terminal), and no key at all. */
static void test_key_refused(void **state)
{
    static const char ed25519[] =
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END PRIVATE KEY-----\n";
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    struct x509_key *key = NULL;
    char *data = NULL;
    long len;

    (void)state;
    assert_int_equal(x509_key_read(bytes_of_string(ed25519), &key, NULL), ACESO_EFORMAT);
    assert_int_equal(x509_key_read(bytes_of(NULL, 0), &key, NULL), ACESO_EFORMAT);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_128_cbc(), "word", 4, NULL,
                                                   NULL),
                     1);
    len = BIO_get_mem_data(bio, &data);
    assert_int_equal(x509_key_read(bytes_of(data, (size_t)len), &key, NULL), ACESO_EFORMAT);
    assert_null(key);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

/* A certificate that our own issuing would refuse to make, signed by `issuer` (itself where
 * NULL). */
struct forgery {
    const char *curve, *names, *constraints, *usage, *purposes;
};

static void forge_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension;

    if (!value)
        return;
    extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static EVP_PKEY *forge_issuer_key(const struct party *issuer)
{
    struct buffer pem = BUFFER_INIT_SECRET(X509_PEM_MAX);
    EVP_PKEY *pkey;
    BIO *bio;

    assert_int_equal(x509_key_write(issuer->key, &pem, NULL), ACESO_OK);
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(pkey);
    BIO_free(bio);
    buffer_free(&pem);
    return pkey;
}

static void forge(const struct party *issuer, const struct forgery *forgery, struct buffer *out)
{
    EVP_PKEY *own = EVP_EC_gen(forgery->curve), *theirs = forge_issuer_key(issuer);
    BIO *in = BIO_new_mem_buf(issuer->pem.data, (int)issuer->pem.len), *bio;
    X509 *above = PEM_read_bio_X509(in, NULL, NULL, NULL), *made = X509_new();
    X509V3_CTX context;
    char *data = NULL;
    long len;

    assert_int_equal(X509_set_version(made, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 77);
    ASN1_TIME_set(X509_getm_notBefore(made), (time_t)(NOW - SOME_DAYS));
    ASN1_TIME_set(X509_getm_notAfter(made), (time_t)(NOW + SOME_DAYS));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               (const unsigned char *)"forged", -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(above));
    X509_set_pubkey(made, own);
    X509V3_set_ctx(&context, above, made, NULL, NULL, 0);
    forge_extension(made, &context, NID_subject_key_identifier, "hash");
    forge_extension(made, &context, NID_authority_key_identifier, "keyid");
    forge_extension(made, &context, NID_basic_constraints, forgery->constraints);
    forge_extension(made, &context, NID_key_usage, forgery->usage);
    forge_extension(made, &context, NID_ext_key_usage, forgery->purposes);
    forge_extension(made, &context, NID_subject_alt_name, forgery->names);
    assert_true(X509_sign(made, theirs, EVP_sha256()) > 0);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, made), 1);
    len = BIO_get_mem_data(bio, &data);
    assert_int_equal(buffer_put(out, data, (size_t)len), ACESO_OK);
    BIO_free(bio);
    BIO_free(in);
    X509_free(made);
    X509_free(above);
    EVP_PKEY_free(own);
    EVP_PKEY_free(theirs);
}

#define LEAF_USAGE "critical,CA:FALSE", "critical,digitalSignature", "serverAuth,clientAuth"
#define URN(role) "URI:urn:aceso:" role ":0xcc03000000000000000000000000000000000000"

/* Each under the root; the first one is sound, so that the others fail for their own reason. */
static const struct {
    struct forgery forgery;
    int code;
} root_forgeries[] = {
    { { "P-256", URN("institute") ",DNS:a.example", LEAF_USAGE }, ACESO_OK },
    { { "P-256", URN("institute") ",URI:https://a.example", LEAF_USAGE }, ACESO_OK },
    { { "P-256", URN("patient"), LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN("hospital-ca"), LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN("institute") "," URN("ca"), LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN("institute") "," URN("institute"), LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN("institute") ",URI:URN:Aceso:ca:0x00", LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN("institute") "0", LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN("Institute"), LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN(""), LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN("seventeen-letters"), LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", "URI:urn:aceso:institute:0xCC03000000000000000000000000000000000000",
        LEAF_USAGE },
      ACESO_EVERIFY },
    { { "P-256", "URI:urn:aceso:institute:cc0300000000000000000000000000000000000000",
        LEAF_USAGE },
      ACESO_EVERIFY },
    { { "P-256", "DNS:a.example", LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", NULL, LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-384", URN("institute"), LEAF_USAGE }, ACESO_EVERIFY },
    { { "P-256", URN("institute"), "critical,CA:TRUE", "critical,digitalSignature,keyCertSign",
        "serverAuth,clientAuth" },
      ACESO_EVERIFY },
    { { "P-256", URN("institute"), "critical,CA:FALSE", "critical,digitalSignature",
        "serverAuth" },
      ACESO_EVERIFY },
    { { "P-256", URN("institute"), "critical,CA:FALSE", "critical,digitalSignature",
        "clientAuth" },
      ACESO_EVERIFY },
    { { "P-256", URN("institute"), "critical,CA:FALSE", "critical,digitalSignature", NULL },
      ACESO_EVERIFY },
    { { "P-256", URN("institute"), "critical,CA:FALSE", "critical,keyAgreement",
        "serverAuth,clientAuth" },
      ACESO_EVERIFY },
    { { "P-256", URN("institute"), "critical,CA:FALSE", NULL, "serverAuth,clientAuth" },
      ACESO_EVERIFY },
};

static void test_forged_under_the_root(void **state)
{
    struct party root = party_root();
    struct x509_identity who;

    (void)state;
    for (size_t i = 0; i < sizeof root_forgeries / sizeof root_forgeries[0]; i++) {
        struct buffer pem = BUFFER_INIT(X509_PEM_MAX);

        forge(&root, &root_forgeries[i].forgery, &pem);
        assert_int_equal(identify(&pem, NULL, &root.pem, NOW, &who), root_forgeries[i].code);
        buffer_free(&pem);
    }
    party_free(&root);
}

/* The rule that matters most: a hospital cannot make anything but patients. */
static void test_forged_under_a_hospital(void **state)
{
    static const struct {
        struct forgery forgery;
        int code;
    } cases[] = {
        { { "P-256", URN("patient"), LEAF_USAGE }, ACESO_OK },
        { { "P-256", URN("institute"), LEAF_USAGE }, ACESO_EVERIFY },
        { { "P-256", URN("hospital"), LEAF_USAGE }, ACESO_EVERIFY },
        { { "P-256", URN("ca"), LEAF_USAGE }, ACESO_EVERIFY },
        { { "P-256", URN("hospital-ca"), LEAF_USAGE }, ACESO_EVERIFY },
        { { "P-256", URN("patient") "," URN("ca"), LEAF_USAGE }, ACESO_EVERIFY },
    };
    struct party root = party_root();
    struct party authority = party_of(&root, "hospital-ca", hospital_address);
    struct x509_identity who;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer pem = BUFFER_INIT(X509_PEM_MAX);

        forge(&authority, &cases[i].forgery, &pem);
        assert_int_equal(identify(&pem, &authority.pem, &root.pem, NOW, &who), cases[i].code);
        buffer_free(&pem);
    }
    party_free(&authority);
    party_free(&root);
}

/* Patients under an intermediate that is not a hospital's, and under a leaf. */
static void test_forged_intermediates(void **state)
{
    static const struct forgery patient = { "P-256", URN("patient"), LEAF_USAGE };
    struct party root = party_root();
    struct party hospital = party_of(&root, "hospital", hospital_address);
    struct party authority = party_of(&root, "hospital-ca", hospital_address);
    static const struct forgery below = { "P-256", URN("hospital-ca"), "critical,CA:TRUE",
                                          "critical,keyCertSign", NULL };
    struct buffer leaf = BUFFER_INIT(X509_PEM_MAX), middle = BUFFER_INIT(X509_PEM_MAX);
    struct x509_identity who;

    (void)state;
    forge(&hospital, &patient, &leaf);
    assert_int_equal(identify(&leaf, &hospital.pem, &root.pem, NOW, &who), ACESO_EVERIFY);
    forge(&authority, &below, &middle);
    assert_int_equal(identify(&middle, &authority.pem, &root.pem, NOW, &who), ACESO_EVERIFY);
    buffer_free(&leaf);
    buffer_free(&middle);
    party_free(&authority);
    party_free(&hospital);
    party_free(&root);
}

/* A name that the root shares with an impostor does not help the impostor. */
static void test_changed_certificate(void **state)
{
    struct party root = party_root();
    struct party hospital = party_of(&root, "hospital", hospital_address);
    BIO *bio = BIO_new_mem_buf(hospital.pem.data, (int)hospital.pem.len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    uint8_t *der = NULL;
    size_t len = (size_t)i2d_X509(certificate, &der), accepted = 0;
    struct x509_identity who, kept = { .role = "kept" };
    struct bytes chain;

    (void)state;
    who = kept;
    for (size_t i = 0; i < len; i++) {
        der[i] ^= 1;
        chain = bytes_of(der, len);
        accepted += x509_identity(&chain, 1, buffer_bytes(&root.pem), NOW, &who, NULL) == ACESO_OK;
        der[i] ^= 1;
    }
    assert_int_equal(accepted, 0);
    for (size_t cut = 0; cut < len; cut += 7) {
        chain = bytes_of(der, cut);
        assert_int_equal(x509_identity(&chain, 1, buffer_bytes(&root.pem), NOW, &who, NULL),
                         ACESO_EFORMAT);
    }
    assert_memory_equal(&who, &kept, sizeof who);
    OPENSSL_free(der);
    X509_free(certificate);
    BIO_free(bio);
    party_free(&hospital);
    party_free(&root);
}

static void test_chain_limits(void **state)
{
    static uint8_t zeros[X509_DER_MAX + 1];
    struct party root = party_root();
    struct bytes chain[X509_CHAIN_MAX + 1];
    struct x509_identity who;

    (void)state;
    for (size_t i = 0; i < X509_CHAIN_MAX + 1; i++)
        chain[i] = bytes_of(zeros, sizeof zeros);
    assert_int_equal(x509_identity(chain, 0, buffer_bytes(&root.pem), NOW, &who, NULL),
                     ACESO_EVERIFY);
    assert_int_equal(x509_identity(chain, X509_CHAIN_MAX + 1, buffer_bytes(&root.pem), NOW, &who,
                                   NULL),
                     ACESO_ELIMIT);
    assert_int_equal(x509_identity(chain, 1, buffer_bytes(&root.pem), NOW, &who, NULL),
                     ACESO_ELIMIT);
    chain[0].len = 0;
    assert_int_equal(x509_identity(chain, 1, buffer_bytes(&root.pem), NOW, &who, NULL),
                     ACESO_EFORMAT);
    party_free(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_pem_chain),
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_issuing_keeps_to_the_tree),
        cmocka_unit_test(test_request_does_not_decide),
        cmocka_unit_test(test_request_without_names),
        cmocka_unit_test(test_request_changed),
        cmocka_unit_test(test_subject_limits),
        cmocka_unit_test(test_key_text),
        cmocka_unit_test(test_key_refused),
        cmocka_unit_test(test_forged_under_the_root),
        cmocka_unit_test(test_forged_under_a_hospital),
        cmocka_unit_test(test_forged_intermediates),
        cmocka_unit_test(test_changed_certificate),
        cmocka_unit_test(test_chain_limits),
    };

    return cmocka_run_group_tests_name("x509", tests, NULL, NULL);
}
