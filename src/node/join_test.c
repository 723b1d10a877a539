/* SPDX-License-Identifier: Apache-2.0 */
/* CA, hospital, patient and institute join each other by documents, as their commands do. */
#include "node/join.h"

#include "base/text.h"
#include "crypto/x509.h"
#include "node/credential.h"
#include "node/testing.h"

struct party {
    char directory[TESTING_PATH];
    struct keys *keys;
};

struct consortium {
    struct party ca, hospital, patient, institute;
    struct buffer roots;
    struct network network;
};

static const struct hospital_card card = { .known = true, .id = 7, .address = { 9 },
                                           .label = "hospital-a", .url = "https://127.0.0.1:7001" };

static void party_make(struct party *party, enum node_role role, const char *label)
{
    struct node_config config = testing_config(role, label);

    testing_directory(party->directory);
    party->keys = testing_keys(party->directory, role != ROLE_PATIENT);
    if (role != ROLE_PATIENT) {
        config.has_address = true;
        assert_int_equal(keys_address(party->keys, config.address), ACESO_OK);
    }
    assert_int_equal(config_save(party->directory, &config, NULL), ACESO_OK);
    if (role == ROLE_CA)
        assert_int_equal(join_found(party->directory, &config, party->keys, NULL), ACESO_OK);
}

static void party_free(struct party *party)
{
    keys_free(party->keys);
    testing_remove(party->directory);
}

static void party_read(const struct party *party, const char *name, struct buffer *out)
{
    char path[PATH_MAX];

    assert_int_equal(file_path(party->directory, name, path, sizeof path), ACESO_OK);
    assert_int_equal(file_read(path, out, NULL), ACESO_OK);
}

static bool party_has(const struct party *party, const char *name)
{
    char path[PATH_MAX];

    assert_int_equal(file_path(party->directory, name, path, sizeof path), ACESO_OK);
    return file_exists(path);
}

static void consortium_make(struct consortium *all)
{
    party_make(&all->ca, ROLE_CA, "ca");
    party_make(&all->hospital, ROLE_HOSPITAL, "hospital-a");
    party_make(&all->patient, ROLE_PATIENT, "someone");
    party_make(&all->institute, ROLE_INSTITUTE, "school");
    all->network = testing_network;
    all->roots = (struct buffer)BUFFER_INIT(X509_PEM_MAX);
    party_read(&all->ca, "tls/roots.pem", &all->roots);
}

static void consortium_free(struct consortium *all)
{
    party_free(&all->ca);
    party_free(&all->hospital);
    party_free(&all->patient);
    party_free(&all->institute);
    buffer_free(&all->roots);
}

/* What `party` asks for after an invitation. */
static int party_ask(struct consortium *all, struct party *party, bool by_hospital,
                     struct buffer *request)
{
    struct buffer invitation = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    int code = join_invite(&all->network, buffer_bytes(&all->roots), by_hospital ? &card : NULL,
                           &invitation);

    if (!code)
        code = join_answer(party->directory, party->keys, buffer_bytes(&invitation), request, NULL);
    buffer_free(&invitation);
    return code;
}

/* An admission by whoever has the issuer's key and certificate. */
static int party_admit(const struct party *issuer, const char *key_name, struct bytes certificates,
                       const struct join_request *request, const struct credential *credential,
                       struct buffer *out)
{
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX), authority = BUFFER_INIT(X509_PEM_MAX);
    struct json_writer writer = json_writer_of(out);
    struct x509_subject subject;
    struct x509_key *key = NULL;
    char path[PATH_MAX];
    int code = file_path(issuer->directory, key_name, path, sizeof path);

    if (!code)
        code = keys_tls(issuer->keys, path, &key, NULL);
    if (!code)
        code = join_certify(key, certificates, request, &chain, NULL);
    if (!code && strcmp(key_name, "tls/root-key.sealed") != 0)
        code = buffer_put_bytes(&chain, certificates);
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "version", 1);
    json_put_string(&writer, "kind", "admission");
    json_put_bytes(&writer, "chain", buffer_bytes(&chain));
    if (!code && request->role == ROLE_HOSPITAL) {
        code = x509_subject_set(request->label, "hospital-ca", request->address, NULL, 0, &subject,
                                NULL);
        if (!code)
            code = x509_issue(key, certificates, buffer_bytes(&request->authority_request),
                              &subject, time_now(), &authority, NULL);
        json_put_bytes(&writer, "authority_chain", buffer_bytes(&authority));
        hospital_card_write(&card, &writer);
    }
    if (credential)
        credential_write(credential, &writer, "credential");
    json_close(&writer, '}');
    x509_key_free(key);
    buffer_free(&chain);
    buffer_free(&authority);
    return code;
}

static void test_hospital(void **state)
{
    struct consortium all;
    struct buffer document = BUFFER_INIT(JOIN_DOCUMENT_MAX), again = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct join_request request = JOIN_REQUEST_INIT;
    struct node_config config;
    uint8_t address[20];

    (void)state;
    consortium_make(&all);
    assert_int_equal(join_accept(all.hospital.directory, all.hospital.keys, bytes_of("{}", 2),
                                 NULL),
                     ACESO_ESTATE);
    assert_int_equal(party_ask(&all, &all.hospital, false, &document), ACESO_OK);
    assert_int_equal(join_read(&all.network, buffer_bytes(&document), &request, NULL), ACESO_OK);
    assert_int_equal(request.role, ROLE_HOSPITAL);
    assert_string_equal(request.label, "hospital-a");
    assert_string_equal(request.url, "https://127.0.0.1:7001");
    assert_int_equal(keys_address(all.hospital.keys, address), ACESO_OK);
    assert_memory_equal(request.address, address, 20);
    assert_true(request.authority_request.len > 0);
    buffer_clear(&document);
    assert_int_equal(party_admit(&all.ca, "tls/root-key.sealed", buffer_bytes(&all.roots), &request,
                                 NULL, &document),
                     ACESO_OK);
    assert_int_equal(join_accept(all.hospital.directory, all.hospital.keys, buffer_bytes(&document),
                                 NULL),
                     ACESO_OK);
    assert_int_equal(config_load(all.hospital.directory, &config, NULL), ACESO_OK);
    assert_true(config.network.known);
    assert_int_equal(config.hospital.id, 7);
    assert_true(party_has(&all.hospital, "tls/chain.pem"));
    assert_true(party_has(&all.hospital, "tls/authority.pem"));
    /* may be repeated */
    assert_int_equal(party_ask(&all, &all.hospital, false, &again), ACESO_OK);
    assert_int_equal(join_accept(all.hospital.directory, all.hospital.keys, buffer_bytes(&document),
                                 NULL),
                     ACESO_OK);
    /* somebody else's certificate */
    assert_int_equal(party_ask(&all, &all.institute, false, &again), ACESO_OK);
    assert_int_equal(join_accept(all.institute.directory, all.institute.keys,
                                 buffer_bytes(&document), NULL),
                     ACESO_EVERIFY);
    assert_false(party_has(&all.institute, "tls/chain.pem"));
    join_request_free(&request);
    buffer_free(&document);
    buffer_free(&again);
    consortium_free(&all);
}

/* Brings the hospital in, so that it can admit. */
static void consortium_hospital(struct consortium *all, struct buffer *authority)
{
    struct buffer document = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct join_request request = JOIN_REQUEST_INIT;

    assert_int_equal(party_ask(all, &all->hospital, false, &document), ACESO_OK);
    assert_int_equal(join_read(&all->network, buffer_bytes(&document), &request, NULL), ACESO_OK);
    buffer_clear(&document);
    assert_int_equal(party_admit(&all->ca, "tls/root-key.sealed", buffer_bytes(&all->roots),
                                 &request, NULL, &document),
                     ACESO_OK);
    assert_int_equal(join_accept(all->hospital.directory, all->hospital.keys,
                                 buffer_bytes(&document), NULL),
                     ACESO_OK);
    party_read(&all->hospital, "tls/authority.pem", authority);
    join_request_free(&request);
    buffer_free(&document);
}

static void test_patient(void **state)
{
    struct consortium all;
    struct buffer document = BUFFER_INIT(JOIN_DOCUMENT_MAX), authority = BUFFER_INIT(X509_PEM_MAX);
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX);
    struct join_request request = JOIN_REQUEST_INIT;
    struct x509_identity identity;
    struct node_config config;

    (void)state;
    consortium_make(&all);
    consortium_hospital(&all, &authority);
    /* a CA's invitation names no hospital: there is no account for it */
    assert_int_equal(party_ask(&all, &all.patient, false, &document), ACESO_EFORMAT);
    buffer_clear(&document);
    assert_int_equal(party_ask(&all, &all.patient, true, &document), ACESO_OK);
    assert_int_equal(join_read(&all.network, buffer_bytes(&document), &request, NULL), ACESO_OK);
    assert_int_equal(request.role, ROLE_PATIENT);
    buffer_clear(&document);
    assert_int_equal(party_admit(&all.hospital, "tls/authority-key.sealed",
                                 buffer_bytes(&authority), &request, NULL, &document),
                     ACESO_OK);
    assert_int_equal(join_accept(all.patient.directory, all.patient.keys, buffer_bytes(&document),
                                 NULL),
                     ACESO_OK);
    assert_int_equal(config_load(all.patient.directory, &config, NULL), ACESO_OK);
    assert_int_equal(config.hospital.id, 7);
    assert_memory_equal(config.address, request.address, 20);
    party_read(&all.patient, "tls/chain.pem", &chain);
    assert_int_equal(x509_identity_pem(buffer_bytes(&chain), buffer_bytes(&all.roots),
                                       time_now(), &identity, NULL),
                     ACESO_OK);
    assert_string_equal(identity.role, "patient");
    assert_memory_equal(identity.address, config.address, 20);
    /* The hospital's intermediate may not certify anything but patients. */
    request.role = ROLE_INSTITUTE;
    buffer_clear(&document);
    assert_int_not_equal(party_admit(&all.hospital, "tls/authority-key.sealed",
                                     buffer_bytes(&authority), &request, NULL, &document),
                         ACESO_OK);
    join_request_free(&request);
    buffer_free(&document);
    buffer_free(&authority);
    buffer_free(&chain);
    consortium_free(&all);
}

static void test_institute(void **state)
{
    struct consortium all;
    struct buffer document = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct join_request request = JOIN_REQUEST_INIT;
    struct credential credential = { .content = { .category = 3, .serial = 5 } }, loaded;

    (void)state;
    consortium_make(&all);
    assert_int_equal(party_ask(&all, &all.ca, false, &document), ACESO_EUSAGE);
    buffer_clear(&document);
    assert_int_equal(party_ask(&all, &all.institute, false, &document), ACESO_OK);
    assert_int_equal(join_read(&all.network, buffer_bytes(&document), &request, NULL), ACESO_OK);
    buffer_clear(&document);
    assert_int_equal(party_admit(&all.ca, "tls/root-key.sealed", buffer_bytes(&all.roots), &request,
                                 NULL, &document),
                     ACESO_OK);
    assert_int_equal(join_accept(all.institute.directory, all.institute.keys,
                                 buffer_bytes(&document), NULL),
                     ACESO_EFORMAT); /* no credential */
    assert_int_equal(credential_load(all.institute.directory, &loaded, NULL), ACESO_ENOTFOUND);
    buffer_clear(&document);
    assert_int_equal(party_admit(&all.ca, "tls/root-key.sealed", buffer_bytes(&all.roots), &request,
                                 &credential, &document),
                     ACESO_OK);
    assert_int_equal(join_accept(all.institute.directory, all.institute.keys,
                                 buffer_bytes(&document), NULL),
                     ACESO_OK);
    assert_int_equal(credential_load(all.institute.directory, &loaded, NULL), ACESO_OK);
    assert_int_equal(loaded.content.serial, 5);
    join_request_free(&request);
    buffer_free(&document);
    consortium_free(&all);
}

/* Replaces the first `from` in the document by `to` of the same length. */
static void document_change(struct buffer *document, const char *from, const char *to)
{
    char *at = strstr((char *)document->data, from);

    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void test_request_refused(void **state)
{
    struct consortium all;
    struct buffer document = BUFFER_INIT(JOIN_DOCUMENT_MAX), copy = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct join_request request = JOIN_REQUEST_INIT;
    struct network other;

    (void)state;
    consortium_make(&all);
    assert_int_equal(party_ask(&all, &all.institute, false, &document), ACESO_OK);
    other = all.network;
    other.chain_id = 1;
    assert_int_equal(join_read(&other, buffer_bytes(&document), &request, NULL), ACESO_EVERIFY);
    other = all.network;
    other.amsc[19] ^= 1;
    assert_int_equal(join_read(&other, buffer_bytes(&document), &request, NULL), ACESO_EVERIFY);
    static const char *const changes[][2] = {
        { "school", "schoul" }, { "https://127.0.0.1:7001", "https://127.0.0.1:7002" },
        { "seal_key\\\":\\\"0x", "seal_key\\\":\\\"0X" },
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        buffer_clear(&copy);
        assert_int_equal(buffer_put_bytes(&copy, buffer_bytes(&document)), ACESO_OK);
        document_change(&copy, changes[i][0], changes[i][1]);
        assert_int_not_equal(join_read(&all.network, buffer_bytes(&copy), &request, NULL),
                             ACESO_OK);
    }
    for (size_t len = 0; len < document.len; len += 41)
        assert_int_not_equal(join_read(&all.network, bytes_of(document.data, len), &request, NULL),
                             ACESO_OK);
    buffer_clear(&copy);
    assert_int_equal(buffer_put_bytes(&copy, buffer_bytes(&document)), ACESO_OK);
    document_change(&copy, "\"kind\":\"request\"", "\"kind\":\"requesT\"");
    assert_int_equal(join_read(&all.network, buffer_bytes(&copy), &request, NULL), ACESO_EFORMAT);
    assert_int_equal(request.request.len, 0);
    buffer_free(&document);
    buffer_free(&copy);
    consortium_free(&all);
}

/* A root that the newcomer does not trust. */
static void test_foreign_root(void **state)
{
    struct consortium all, others;
    struct buffer document = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct join_request request = JOIN_REQUEST_INIT;
    struct credential credential = { .content = { .category = 3 } };

    (void)state;
    consortium_make(&all);
    consortium_make(&others);
    assert_int_equal(party_ask(&all, &all.institute, false, &document), ACESO_OK);
    assert_int_equal(join_read(&all.network, buffer_bytes(&document), &request, NULL), ACESO_OK);
    buffer_clear(&document);
    assert_int_equal(party_admit(&others.ca, "tls/root-key.sealed", buffer_bytes(&others.roots),
                                 &request, &credential, &document),
                     ACESO_OK);
    assert_int_not_equal(join_accept(all.institute.directory, all.institute.keys,
                                     buffer_bytes(&document), NULL),
                         ACESO_OK);
    assert_false(party_has(&all.institute, "credential.json"));
    join_request_free(&request);
    buffer_free(&document);
    consortium_free(&all);
    consortium_free(&others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hospital),        cmocka_unit_test(test_patient),
        cmocka_unit_test(test_institute),       cmocka_unit_test(test_request_refused),
        cmocka_unit_test(test_foreign_root),
    };

    return cmocka_run_group_tests_name("node join", tests, NULL, NULL);
}
