/* SPDX-License-Identifier: Apache-2.0 */
/* Passing for somebody else at the doors of nodes: certificates that say another party's name, and
 * access strings that were made for another. And an authority that answers at its own address
 * with keys that it did not put on the chain. Uses OpenSSL to make what x509.h refuses to make. */
#include "adversary.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "chain/arsc.h"
#include "net/http_server.h"
#include "net/loop.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- certificates ------------------------------------------------------------------------ */

struct forgery {
    struct buffer chain, key; /* PEM */
};

static bool forge_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    bool added = false;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension)
        added = X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool forge_fill(X509 *certificate, X509 *issuer, EVP_PKEY *key, EVP_PKEY *signer,
                       const char *uri)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    char alternative[160];

    (void)snprintf(alternative, sizeof alternative, "URI:%s,IP:127.0.0.1", uri);
    return X509_set_version(certificate, 2) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"forged",
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(certificate, key) == 1 &&
           forge_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           forge_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
           forge_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           forge_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
           forge_extension(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
           forge_extension(certificate, issuer, NID_subject_alt_name, alternative) &&
           X509_sign(certificate, signer, EVP_sha256()) > 0;
}

static bool forge_put(BIO *memory, struct buffer *out)
{
    char *data = NULL;
    long len = BIO_get_mem_data(memory, &data);

    return len > 0 && buffer_put(out, data, (size_t)len) == ACESO_OK;
}

/* A leaf for a fresh key that says `uri`, by an issuer (PEM: certificate and key), whose chain
 * follows behind it. */
static int forge(const struct buffer *issuer_chain, const struct buffer *issuer_key,
                 const char *uri, struct forgery *out, struct aceso_error *error)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *signer = NULL;
    X509 *certificate = X509_new(), *issuer = NULL;
    BIO *leaf = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
    BIO *in = BIO_new_mem_buf(issuer_chain->data, (int)issuer_chain->len);
    BIO *in_key = BIO_new_mem_buf(issuer_key->data, (int)issuer_key->len);
    bool good = key && certificate && leaf && secret && in && in_key;

    issuer = good ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    signer = good ? PEM_read_bio_PrivateKey(in_key, NULL, NULL, NULL) : NULL;
    BIO_free(in);
    BIO_free(in_key);
    good = good && issuer && signer && forge_fill(certificate, issuer, key, signer, uri) &&
           PEM_write_bio_X509(leaf, certificate) == 1 &&
           PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1 &&
           forge_put(leaf, &out->chain) && forge_put(secret, &out->key) &&
           buffer_put_bytes(&out->chain, buffer_bytes(issuer_chain)) == ACESO_OK;
    BIO_free(leaf);
    BIO_free(secret);
    X509_free(certificate);
    X509_free(issuer);
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
    return good ? ACESO_OK
                : error_set(error, ACESO_EINTERNAL, NULL, "the false certificate was not made");
}

/* ---- at the gateway ---------------------------------------------------------------------- */

struct identity {
    struct attack *attack;
    struct loot *loot;
    struct loot_party *thief, *victim, *hospital; /* a bad hospital, or NULL */
    struct buffer access; /* the victim's, live */
    struct ledger_request request;
    struct ledger_hospital target;
};

static int identity_find(void *data, struct loot_party *party,
                         const struct ledger_request *request, struct bytes access,
                         struct aceso_error *error)
{
    struct identity *identity = data;
    struct contract arsc = contract_at(identity->loot->rpc, identity->loot->network.arsc);
    bool live = false;
    int code;

    (void)party;
    if (identity->access.len)
        return ACESO_OK;
    code = arsc_consent_live(&arsc, request->id, &live, error);
    if (!code && live) {
        identity->request = *request;
        code = buffer_put_bytes(&identity->access, access);
    }
    return code;
}

/* The victim's access string under a certificate: `party` is who shows it. A false certificate may
 * be refused in the handshake already; that the gateway answers at all shows the control. */
static int identity_show(struct identity *identity, struct loot_party *party, const char *what,
                         bool forged, struct aceso_error *error)
{
    struct aceso_error why = { 0 };
    bool served = false;
    int code = loot_query(identity->loot, party, identity->request.hospital,
                          buffer_bytes(&identity->access), &served, &why);

    if (code && !(forged && (code == ACESO_EIO || code == ACESO_EVERIFY)))
        return error_set(error, code, NULL, "%s: %s", what, why.text);
    attack_note(identity->attack, served, what, served ? "was served" : why.text);
    return ACESO_OK;
}

static int identity_control(struct identity *identity, struct aceso_error *error)
{
    struct aceso_error why = { 0 };
    bool served = false;
    int code = loot_query(identity->loot, identity->victim, identity->request.hospital,
                          buffer_bytes(&identity->access), &served, &why);

    if (code || !served)
        return error_set(error, ACESO_ESTATE, NULL,
                         "the access string does not even serve its owner: %s", why.text);
    identity->attack->tried++;
    return ACESO_OK;
}

static struct loot_party identity_as(const struct loot_party *party,
                                     const struct forgery *forgery)
{
    struct loot_party copy = *party;

    copy.chain = forgery->chain;
    copy.key = forgery->key;
    return copy;
}

/* As the victim, by this issuer. */
static int identity_forge(struct identity *identity, const struct buffer *chain,
                          const struct buffer *key, const char *what, struct aceso_error *error)
{
    struct forgery forgery = { BUFFER_INIT(X509_PEM_MAX), BUFFER_INIT_SECRET(X509_PEM_MAX) };
    struct loot_party party;
    char uri[80] = "urn:aceso:institute:0x";
    int code;

    text_hex(identity->victim->address, 20, uri + strlen(uri));
    code = forge(chain, key, uri, &forgery, error);
    if (!code) {
        party = identity_as(identity->thief, &forgery);
        code = identity_show(identity, &party, what, true, error);
    }
    buffer_free(&forgery.chain);
    buffer_free(&forgery.key);
    return code;
}

/* By a root that looks like the network's. */
static int identity_root(struct identity *identity, struct aceso_error *error)
{
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX), key = BUFFER_INIT_SECRET(X509_PEM_MAX);
    struct x509_key *root = NULL;
    int code = x509_key_make(&root, error);

    if (!code)
        code = x509_key_write(root, &key, error);
    if (!code)
        code = x509_root(root, "aceso", time_now(), &chain, error);
    if (!code)
        code = identity_forge(identity, &chain, &key,
                              "as the other institute, by a certificate of its own making", error);
    x509_key_free(root);
    buffer_free(&chain);
    buffer_free(&key);
    return code;
}

/* ---- by a bad hospital's issuer ---------------------------------------------------------- */

static int identity_issuer(struct identity *identity, struct buffer *chain, struct buffer *key,
                           struct aceso_error *error)
{
    struct x509_key *read = NULL;
    char path[PATH_MAX];
    int code = file_path(identity->hospital->directory, "tls/authority.pem", path, sizeof path);

    if (!code)
        code = file_read(path, chain, error);
    if (!code)
        code = file_path(identity->hospital->directory, "tls/authority-key.sealed", path,
                         sizeof path);
    if (!code)
        code = keys_tls(identity->hospital->keys, path, &read, error);
    if (!code)
        code = x509_key_write(read, key, error);
    x509_key_free(read);
    return code;
}

/* As `patient` at `target`, certified by the bad hospital. */
static int identity_read(struct identity *identity, const struct buffer *chain,
                         const struct buffer *key, const uint8_t patient[20],
                         const struct ledger_hospital *target, struct aceso_error *why)
{
    struct forgery forgery = { BUFFER_INIT(X509_PEM_MAX), BUFFER_INIT_SECRET(X509_PEM_MAX) };
    struct buffer parts = BUFFER_INIT((size_t)1 << 30);
    char uri[80] = "urn:aceso:patient:0x";
    struct loot_party party;
    int code;

    text_hex(patient, 20, uri + strlen(uri));
    code = forge(chain, key, uri, &forgery, why);
    if (!code) {
        party = identity_as(identity->thief, &forgery);
        code = loot_call(&party, target, "GET", "/v1/parts", bytes_of(NULL, 0), &parts, why);
    }
    buffer_free(&forgery.chain);
    buffer_free(&forgery.key);
    buffer_free(&parts);
    return code;
}

/* Another hospital's patient; the control is the bad hospital's own patient at its own door, which
 * shows that such certificates are good for something. */
static int identity_patient(struct identity *identity, const struct buffer *chain,
                            const struct buffer *key, struct aceso_error *error)
{
    struct aceso_error why = { 0 };
    int code;

    for (size_t i = 0; i < identity->loot->relations; i++) {
        const struct loot_relation *relation = &identity->loot->relation[i];

        if (relation->hospital.card.id != identity->hospital->config.hospital.id)
            continue;
        if (identity_read(identity, chain, key, relation->terms.patient, &relation->hospital,
                          &why))
            return error_set(error, ACESO_ESTATE, NULL,
                             "the false certificate is good for nothing: %s", why.text);
        break;
    }
    code = identity_read(identity, chain, key, identity->request.patient, &identity->target, &why);
    if (code && code != ACESO_EDENIED && code != ACESO_EVERIFY && code != ACESO_EIO)
        return error_set(error, code, NULL, "%s", why.text);
    attack_note(identity->attack, code == ACESO_OK,
                "as the patient, by another hospital's certificate",
                code ? why.text : "was served");
    return ACESO_OK;
}

static int identity_hospital(struct identity *identity, struct aceso_error *error)
{
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX), key = BUFFER_INIT_SECRET(X509_PEM_MAX);
    int code = identity_issuer(identity, &chain, &key, error);

    if (!code)
        code = identity_forge(identity, &chain, &key,
                              "as the other institute, by a hospital's certificate", error);
    if (!code)
        code = identity_patient(identity, &chain, &key, error);
    buffer_free(&chain);
    buffer_free(&key);
    return code;
}

int attack_identity(struct attack *attack, struct aceso_error *error)
{
    struct identity identity = { .attack = attack, .access = BUFFER_INIT_SECRET(65536) };
    int code = attack->in.institute[1]
                   ? loot_open(attack, &identity.loot, error)
                   : error_set(error, ACESO_EUSAGE, NULL,
                               "two institutes are needed: the thief, then who was robbed");

    if (!code) {
        identity.thief = &identity.loot->party[0];
        identity.victim = &identity.loot->party[1];
        if (identity.loot->hospitals)
            identity.hospital = &identity.loot->party[identity.loot->institutes];
        code = loot_each_access(identity.loot, identity.victim, identity_find, &identity, error);
    }
    if (!code && !identity.access.len)
        code = error_set(error, ACESO_ESTATE, NULL, "the second institute has no live consent");
    if (!code)
        code = ledger_hospital_by_id(identity.thief->store, identity.request.hospital,
                                     &identity.target, error);
    if (!code)
        code = identity_control(&identity, error);
    if (!code)
        code = identity_show(&identity, identity.thief, "the stolen access string", false, error);
    if (!code)
        code = identity_root(&identity, error);
    if (!code && identity.hospital)
        code = identity_hospital(&identity, error);
    if (!code)
        code = identity_control(&identity, error);
    if (!code)
        attack_say(attack, "%s with %s's access string and false certificates of its name: %s",
                   identity.thief->config.label, identity.victim->config.label,
                   attack->breaches ? "WAS SERVED"
                                    : "refused each time; its owner is served with it");
    buffer_free(&identity.access);
    loot_free(identity.loot);
    return code;
}

/* ---- an authority that lies -------------------------------------------------------------- */

struct impostor {
    struct loop *loop;
    struct buffer answer;
};

static int impostor_serve(void *context, const struct http_request *request,
                          struct http_response *response, struct aceso_error *error)
{
    const struct impostor *impostor = context;

    (void)request;
    (void)error;
    return buffer_put_bytes(&response->body, buffer_bytes(&impostor->answer));
}

static void impostor_stop(void *data, int number)
{
    (void)number;
    loop_stop(data);
}

/* Keys of the hospital's own attributes under another seed: sound, but never put on the chain. */
static int impostor_answer(struct loot_party *hospital, struct buffer *answer,
                           struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(answer);
    struct authority *authority = NULL;
    struct buffer list = BUFFER_INIT((size_t)1 << 20), key = BUFFER_INIT(65536);
    struct statement *query = NULL;
    struct bytes item;
    uint8_t seed[32];
    int code;

    secret_random(seed, sizeof seed);
    code = authority_create(seed, hospital->config.label, &authority, error);
    if (!code)
        code = store_prepare(hospital->store, "SELECT name FROM attribute LIMIT 1", &query, error);
    if (!code && statement_step(query, error) != 1)
        code = error_set(error, ACESO_ESTATE, NULL, "the hospital has no attribute");
    if (!code)
        code = authority_public_key(authority, statement_text(query, 0), &key, error);
    statement_finish(query);
    item = buffer_bytes(&key);
    if (!code)
        code = keyring_put_list(&item, 1, &list);
    json_open(&writer, NULL, '{');
    json_put_base64(&writer, "keys", buffer_bytes(&list));
    json_close(&writer, '}');
    authority_free(authority);
    buffer_free(&list);
    buffer_free(&key);
    return code;
}

/* Answers in the hospital's place, at its address and with its certificate, until it is ended. */
int attack_impostor(struct attack *attack, struct aceso_error *error)
{
    static const struct http_route routes[] = {
        { "GET", "/v1/authority/keys", impostor_serve, HTTP_ROUTE_PEER, 0 },
    };
    struct impostor impostor = { .answer = BUFFER_INIT((size_t)4 << 20) };
    struct http_listener listener = { .name = "impostor", .routes = routes, .route_count = 1,
                                      .context = &impostor };
    struct http_server *server = NULL;
    struct loot_party *hospital = NULL;
    struct loot *loot = NULL;
    int code = loot_open(attack, &loot, error);

    if (!code && !loot->hospitals)
        code = error_set(error, ACESO_EUSAGE, NULL, "--hospital is missing");
    if (!code) {
        hospital = &loot->party[loot->institutes];
        listener.address = hospital->config.host;
        listener.port = hospital->config.port;
        listener.chain_pem = buffer_bytes(&hospital->chain);
        listener.key_pem = buffer_bytes(&hospital->key);
        listener.roots_pem = buffer_bytes(&hospital->roots);
        code = impostor_answer(hospital, &impostor.answer, error);
    }
    if (!code)
        code = loop_create(&impostor.loop, error);
    if (!code)
        code = http_server_create(impostor.loop, NULL, &server, error);
    if (!code)
        code = http_server_listen(server, &listener, NULL, error);
    if (!code)
        code = loop_signal(impostor.loop, SIGTERM, impostor_stop, impostor.loop, error);
    if (!code) {
        (void)printf("ready\n");
        (void)fflush(stdout);
        code = loop_run(impostor.loop, error);
    }
    if (!code)
        attack_say(attack, "%s served false keys", hospital->config.label);
    http_server_destroy(server);
    loop_destroy(impostor.loop);
    buffer_free(&impostor.answer);
    loot_free(loot);
    return code;
}
