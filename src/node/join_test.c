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
    struct party ca, hospital, other, patient, institute;
    struct hospital_card card, other_card; /* of `hospital` and `other` */
    struct buffer roots;
    struct network network;
};

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

static void consortium_card(const struct party *party, uint32_t id, const char *label,
                            struct hospital_card *card)
{
    *card = (struct hospital_card){ .known = true, .id = id, .url = "https://127.0.0.1:7001" };
    (void)snprintf(card->label, sizeof card->label, "%s", label);
    assert_int_equal(keys_address(party->keys, card->address), ACESO_OK);
}

static void consortium_make(struct consortium *all)
{
    party_make(&all->ca, ROLE_CA, "ca");
    party_make(&all->hospital, ROLE_HOSPITAL, "hospital-a");
    party_make(&all->other, ROLE_HOSPITAL, "hospital-b");
    consortium_card(&all->hospital, 7, "hospital-a", &all->card);
    consortium_card(&all->other, 8, "hospital-b", &all->other_card);
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
    party_free(&all->other);
    party_free(&all->patient);
    party_free(&all->institute);
    buffer_free(&all->roots);
}

/* What `party` asks for after an invitation by `inviter` (NULL: the CA). */
static int party_answer(const struct party *party, const struct network *network,
                        struct bytes roots, const struct hospital_card *inviter,
                        struct buffer *request)
{
    struct buffer invitation = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    int code = join_invite(network, roots, inviter, &invitation);

    if (!code)
        code = join_answer(party->directory, party->keys, buffer_bytes(&invitation), request, NULL);
    buffer_free(&invitation);
    return code;
}

static int party_ask(struct consortium *all, struct party *party, bool by_hospital,
                     struct buffer *request)
{
    return party_answer(party, &all->network, buffer_bytes(&all->roots),
                        by_hospital ? &all->card : NULL, request);
}

/* An admission by whoever has the issuer's key and certificate. */
static int party_admit(const struct party *issuer, const char *key_name, struct bytes certificates,
                       const struct join_request *request, const struct hospital_card *card,
                       const struct credential *credential, struct buffer *out)
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
        hospital_card_write(card, &writer);
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
    assert_int_equal(party_admit(&all.ca, "tls/root-key.sealed", buffer_bytes(&all.roots),
                                 &request, &all.card, NULL, &document),
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

/* Brings a hospital in, so that it can admit. */
static void consortium_hospital(struct consortium *all, struct party *hospital,
                                const struct hospital_card *card, struct buffer *authority)
{
    struct buffer document = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct join_request request = JOIN_REQUEST_INIT;

    assert_int_equal(party_ask(all, hospital, false, &document), ACESO_OK);
    assert_int_equal(join_read(&all->network, buffer_bytes(&document), &request, NULL), ACESO_OK);
    buffer_clear(&document);
    assert_int_equal(party_admit(&all->ca, "tls/root-key.sealed", buffer_bytes(&all->roots),
                                 &request, card, NULL, &document),
                     ACESO_OK);
    assert_int_equal(join_accept(hospital->directory, hospital->keys, buffer_bytes(&document),
                                 NULL),
                     ACESO_OK);
    party_read(hospital, "tls/authority.pem", authority);
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
    consortium_hospital(&all, &all.hospital, &all.card, &authority);
    /* a CA's invitation names no hospital: there is no account for it */
    assert_int_equal(party_ask(&all, &all.patient, false, &document), ACESO_EFORMAT);
    buffer_clear(&document);
    assert_int_equal(party_ask(&all, &all.patient, true, &document), ACESO_OK);
    assert_int_equal(join_read(&all.network, buffer_bytes(&document), &request, NULL), ACESO_OK);
    assert_int_equal(request.role, ROLE_PATIENT);
    buffer_clear(&document);
    assert_int_equal(party_admit(&all.hospital, "tls/authority-key.sealed",
                                 buffer_bytes(&authority), &request, &all.card, NULL, &document),
                     ACESO_OK);
    assert_int_equal(join_accept(all.patient.directory, all.patient.keys, buffer_bytes(&document),
                                 NULL),
                     ACESO_OK);
    assert_int_equal(config_load(all.patient.directory, &config, NULL), ACESO_OK);
    assert_int_equal(config.hospital_count, 1);
    assert_int_equal(config.hospitals[0].card.id, 7);
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
                                     buffer_bytes(&authority), &request, &all.card, NULL,
                                     &document),
                         ACESO_OK);
    join_request_free(&request);
    buffer_free(&document);
    buffer_free(&authority);
    buffer_free(&chain);
    consortium_free(&all);
}

/* Brings the patient in at a hospital; what it said of itself there, and its certificate. */
static void consortium_admit(struct consortium *all, struct party *hospital,
                             const struct hospital_card *card, struct buffer *asked,
                             struct buffer *admission)
{
    struct join_request request = JOIN_REQUEST_INIT;
    struct buffer authority = BUFFER_INIT(X509_PEM_MAX);

    consortium_hospital(all, hospital, card, &authority);
    assert_int_equal(party_answer(&all->patient, &all->network, buffer_bytes(&all->roots), card,
                                  asked),
                     ACESO_OK);
    assert_int_equal(join_read(&all->network, buffer_bytes(asked), &request, NULL), ACESO_OK);
    assert_string_equal(request.label, "patient");
    assert_string_equal(request.url, "");
    assert_string_equal(request.host, "");
    assert_int_equal(party_admit(hospital, "tls/authority-key.sealed", buffer_bytes(&authority),
                                 &request, card, NULL, admission),
                     ACESO_OK);
    join_request_free(&request);
    buffer_free(&authority);
}

static bool text_has(const struct buffer *text, const char *part)
{
    return memmem(text->data, text->len, part, strlen(part)) != NULL;
}

static void party_identity(const struct party *party, const char *chain_name,
                           const struct buffer *roots, struct x509_identity *identity)
{
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX);

    party_read(party, chain_name, &chain);
    assert_int_equal(x509_identity_pem(buffer_bytes(&chain), buffer_bytes(roots), time_now(),
                                       identity, NULL),
                     ACESO_OK);
    buffer_free(&chain);
}

/* The same patient at two hospitals: nothing that one is told, the other is told too. */
static void test_two_hospitals(void **state)
{
    struct consortium all;
    struct buffer first = BUFFER_INIT(JOIN_DOCUMENT_MAX), second = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct buffer admission = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct buffer admission_b = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct x509_identity at_a, at_b;
    struct node_config config;

    (void)state;
    consortium_make(&all);
    consortium_admit(&all, &all.hospital, &all.card, &first, &admission);
    consortium_admit(&all, &all.other, &all.other_card, &second, &admission_b);
    assert_false(text_has(&first, "someone"));
    assert_false(text_has(&second, "someone"));
    assert_false(text_has(&second, "seal_key"));
    /* each admission finds its own hospital, in either order */
    assert_int_equal(join_accept(all.patient.directory, all.patient.keys,
                                 buffer_bytes(&admission_b), NULL),
                     ACESO_OK);
    assert_false(party_has(&all.patient, "tls/chain.pem"));
    assert_int_equal(join_accept(all.patient.directory, all.patient.keys,
                                 buffer_bytes(&admission), NULL),
                     ACESO_OK);
    party_identity(&all.patient, "tls/chain.pem", &all.roots, &at_a);
    party_identity(&all.patient, "tls/hospital-8/chain.pem", &all.roots, &at_b);
    assert_memory_equal(at_a.issuer_address, all.card.address, 20);
    assert_memory_equal(at_b.issuer_address, all.other_card.address, 20);
    assert_memory_not_equal(at_a.address, at_b.address, 20);
    assert_memory_not_equal(at_a.spki_sha256, at_b.spki_sha256, 32);
    assert_int_equal(config_load(all.patient.directory, &config, NULL), ACESO_OK);
    assert_int_equal(config.hospital_count, 2);
    assert_memory_equal(config.address, at_a.address, 20);
    assert_memory_equal(config.hospitals[1].address, at_b.address, 20);
    /* the same hospital again is no third one */
    buffer_clear(&first);
    assert_int_equal(party_ask(&all, &all.patient, true, &first), ACESO_OK);
    assert_int_equal(config_load(all.patient.directory, &config, NULL), ACESO_OK);
    assert_int_equal(config.hospital_count, 2);
    buffer_free(&first);
    buffer_free(&second);
    buffer_free(&admission);
    buffer_free(&admission_b);
    consortium_free(&all);
}

/* A hospital cannot take a patient out of the network, or put its own roots under the others. */
static void test_second_invitation_refused(void **state)
{
    struct consortium all, others;
    struct buffer document = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct hospital_card moved;
    struct network network;
    struct node_config config;
    struct buffer roots = BUFFER_INIT(X509_PEM_MAX);

    (void)state;
    consortium_make(&all);
    consortium_make(&others);
    assert_int_equal(party_ask(&all, &all.patient, true, &document), ACESO_OK);
    network = all.network;
    network.amsc[3] ^= 1;
    assert_int_equal(party_answer(&all.patient, &network, buffer_bytes(&all.roots),
                                  &all.other_card, &document),
                     ACESO_EVERIFY);
    assert_int_equal(party_answer(&all.patient, &all.network, buffer_bytes(&others.roots),
                                  &all.other_card, &document),
                     ACESO_EVERIFY);
    assert_int_equal(party_answer(&all.patient, &all.network, buffer_bytes(&all.roots),
                                  &all.other_card, &document),
                     ACESO_OK);
    moved = all.card;
    moved.address[0] ^= 1;
    assert_int_equal(party_answer(&all.patient, &all.network, buffer_bytes(&all.roots), &moved,
                                  &document),
                     ACESO_EVERIFY);
    for (uint32_t id = 100; id < 100 + CONFIG_HOSPITALS_MAX - 2; id++) {
        moved.id = id;
        assert_int_equal(party_answer(&all.patient, &all.network, buffer_bytes(&all.roots), &moved,
                                      &document),
                         ACESO_OK);
    }
    moved.id = 99;
    assert_int_equal(party_answer(&all.patient, &all.network, buffer_bytes(&all.roots), &moved,
                                  &document),
                     ACESO_ELIMIT);
    assert_int_equal(config_load(all.patient.directory, &config, NULL), ACESO_OK);
    assert_int_equal(config.hospital_count, CONFIG_HOSPITALS_MAX);
    assert_memory_equal(config.network.amsc, all.network.amsc, 20);
    party_read(&all.patient, "tls/roots.pem", &roots);
    assert_true(bytes_equal(buffer_bytes(&roots), buffer_bytes(&all.roots)));
    buffer_free(&roots);
    buffer_free(&document);
    consortium_free(&all);
    consortium_free(&others);
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
    assert_int_equal(party_admit(&all.ca, "tls/root-key.sealed", buffer_bytes(&all.roots),
                                 &request, &all.card, NULL, &document),
                     ACESO_OK);
    assert_int_equal(join_accept(all.institute.directory, all.institute.keys,
                                 buffer_bytes(&document), NULL),
                     ACESO_EFORMAT); /* no credential */
    assert_int_equal(credential_load(all.institute.directory, &loaded, NULL), ACESO_ENOTFOUND);
    buffer_clear(&document);
    assert_int_equal(party_admit(&all.ca, "tls/root-key.sealed", buffer_bytes(&all.roots),
                                 &request, &all.card, &credential, &document),
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
                                 &request, &all.card, &credential, &document),
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
        cmocka_unit_test(test_foreign_root),    cmocka_unit_test(test_two_hospitals),
        cmocka_unit_test(test_second_invitation_refused),
    };

    return cmocka_run_group_tests_name("node join", tests, NULL, NULL);
}
