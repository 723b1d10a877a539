/* SPDX-License-Identifier: Apache-2.0 */
/* Stealing: opens data directories with their passwords, copies databases, and takes out every key
 * and part that is in them. Reads only; what SQLite needs to open is opened as a copy. */
#include "adversary.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "consent/sealing.h"
#include "net/http_client.h"
#include "node/setting.h"
#include "record/records.h"
#include "record/row.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOT_LIST_MAX ((size_t)4 << 20)
#define LOOT_STREAM_MAX ((size_t)2 << 30)
#define LOOT_VERSIONS 64 /* more than any database has schema versions */
#define LOOT_KEYS_MAX 65536

/* ---- databases --------------------------------------------------------------------------- */

int loot_copy_store(struct attack *attack, const char *directory, const char *file,
                    struct store **store, struct aceso_error *error)
{
    const char *migrations[LOOT_VERSIONS];
    static unsigned number;
    char from[PATH_MAX], to[PATH_MAX], name[64];
    sqlite3 *live = NULL;
    sqlite3_stmt *copy = NULL;
    int code = file_path(directory, file, from, sizeof from);

    for (size_t i = 0; i < LOOT_VERSIONS; i++)
        migrations[i] = "";
    (void)snprintf(name, sizeof name, "copy-%u.db", number++);
    if (!code)
        code = attack_path(attack, name, to, sizeof to, error);
    if (!code && !file_exists(from))
        return error_set(error, ACESO_ENOTFOUND, from, "there is no such database");
    if (!code && (sqlite3_open_v2(from, &live, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
                  sqlite3_busy_timeout(live, 10000) != SQLITE_OK ||
                  sqlite3_prepare_v2(live, "VACUUM INTO ?1", -1, &copy, NULL) != SQLITE_OK ||
                  sqlite3_bind_text(copy, 1, to, -1, SQLITE_STATIC) != SQLITE_OK ||
                  sqlite3_step(copy) != SQLITE_DONE))
        code = error_set(error, ACESO_EIO, from, "cannot be copied: %s", sqlite3_errmsg(live));
    (void)sqlite3_finalize(copy);
    (void)sqlite3_close(live);
    return code ? code : store_open(to, migrations, LOOT_VERSIONS, store, error);
}

/* ---- parties ----------------------------------------------------------------------------- */

static int loot_read(const char *directory, const char *name, struct buffer *out,
                     struct aceso_error *error)
{
    char path[PATH_MAX];
    int code = file_path(directory, name, path, sizeof path);

    return code ? code : file_read(path, out, error);
}

static int loot_open_keys(struct loot_party *party, struct aceso_error *error)
{
    struct buffer password = BUFFER_INIT_SECRET(4096);
    struct x509_key *tls = NULL;
    char path[PATH_MAX];
    int code = loot_read(party->directory, "password", &password, error);

    while (!code && password.len && password.data[password.len - 1] == '\n')
        password.len--;
    if (!code)
        code = keys_open(party->directory, buffer_bytes(&password), &party->keys, error);
    if (!code && party->config.role == ROLE_PATIENT)
        memcpy(party->address, party->config.address, 20); /* at its first hospital */
    else if (!code)
        code = keys_address(party->keys, party->address);
    if (!code)
        code = file_path(party->directory, "tls/key.sealed", path, sizeof path);
    if (!code)
        code = keys_tls(party->keys, path, &tls, error);
    if (!code)
        code = x509_key_write(tls, &party->key, error);
    x509_key_free(tls);
    buffer_free(&password);
    return code;
}

static int loot_open_party(struct loot *loot, const char *directory, struct aceso_error *error)
{
    struct loot_party *party = &loot->party[loot->parties++];
    int code;

    party->directory = directory;
    party->chain = (struct buffer)BUFFER_INIT(X509_PEM_MAX);
    party->roots = (struct buffer)BUFFER_INIT(X509_PEM_MAX);
    party->key = (struct buffer)BUFFER_INIT_SECRET(X509_PEM_MAX);
    code = config_load(directory, &party->config, error);
    if (!code && !party->config.network.known)
        code = error_set(error, ACESO_ESTATE, directory, "this party joined no network");
    if (!code)
        code = loot_open_keys(party, error);
    if (!code)
        code = loot_read(directory, "tls/chain.pem", &party->chain, error);
    if (!code)
        code = loot_read(directory, "tls/roots.pem", &party->roots, error);
    if (!code)
        code = loot_copy_store(loot->attack, directory, "node.db", &party->store, error);
    return code;
}

int loot_call(struct loot_party *party, const struct ledger_hospital *hospital,
              const char *method, const char *path, struct bytes body, struct buffer *answer,
              struct aceso_error *error)
{
    const struct http_client_options options = { .roots_pem = buffer_bytes(&party->roots),
                                                 .chain_pem = buffer_bytes(&party->chain),
                                                 .key_pem = buffer_bytes(&party->key) };
    struct http_peer peer = { .role = "hospital" };
    char url[CONFIG_URL_SIZE + 256];
    struct http_call call = { .method = method, .url = url, .body = body, .peer = &peer,
                              .body_max = (size_t)1 << 30 };
    struct http_answer got = HTTP_ANSWER_INIT;
    struct http_client *client = NULL;
    int code = http_client_create(&options, &client, error);

    memcpy(peer.address, hospital->key, 20);
    (void)snprintf(url, sizeof url, "%s%s", hospital->card.url, path);
    if (!code)
        code = http_call(client, &call, &got, error);
    if (!code && answer)
        code = buffer_put_bytes(answer, buffer_bytes(&got.body));
    http_answer_free(&got);
    http_client_destroy(client);
    return code;
}

int loot_unseal(struct loot_party *party, const char *purpose, const uint8_t contract[20],
                const uint8_t sender[20], const uint8_t request[32], uint32_t epoch,
                struct bytes sealed, struct buffer *out, struct aceso_error *error)
{
    struct sealing sealing = { .purpose = purpose, .epoch = epoch,
                               .chain_id = party->config.network.chain_id };
    uint8_t secret[32], public_key[32];
    int code;

    memcpy(sealing.contract, contract, 20);
    memcpy(sealing.sender, sender, 20);
    memcpy(sealing.receiver, party->address, 20);
    memcpy(sealing.request, request, 32);
    keys_seal_pair(party->keys, secret, public_key);
    code = sealing_open(&sealing, secret, sealed, out, error);
    secret_wipe(secret, sizeof secret);
    return code;
}

/* ---- patients and public keys ------------------------------------------------------------ */

/* From a stolen copy of the hospital's database, else from the hospital, which gives them to any
 * party of the network. */
static int loot_publics_stolen(struct loot *loot, const uint8_t patient[20],
                               struct buffer *patient_keys, struct buffer *authority_keys)
{
    for (size_t i = 0; i < ATTACK_FILES_MAX && loot->attack->in.database[i]; i++) {
        struct store *store = NULL;
        struct statement *query = NULL;
        int code = loot_copy_store(loot->attack, loot->attack->in.database[i], "node.db", &store,
                                   NULL);

        if (!code)
            code = store_prepare(store,
                                 "SELECT patient_keys, authority_keys FROM enrolment"
                                 " WHERE patient = ?1", &query, NULL);
        if (!code) {
            statement_bind_blob(query, 1, bytes_of(patient, 20));
            code = statement_step(query, NULL) == 1 ? ACESO_OK : ACESO_ENOTFOUND;
        }
        if (!code)
            code = buffer_put_bytes(patient_keys, statement_blob(query, 0));
        if (!code)
            code = buffer_put_bytes(authority_keys, statement_blob(query, 1));
        statement_finish(query);
        store_close(store);
        if (!code)
            return ACESO_OK;
    }
    return ACESO_ENOTFOUND;
}

static int loot_publics_asked(struct loot *loot, const struct loot_relation *relation,
                              struct buffer *patient_keys, struct buffer *authority_keys,
                              struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT(LOOT_LIST_MAX * 4);
    char path[96] = "/v1/relationships/0x";
    yyjson_doc *doc = NULL;
    int code;

    text_hex(relation->terms.patient, 20, path + strlen(path));
    code = loot_call(&loot->party[0], &relation->hospital, "GET", path, bytes_of(NULL, 0), &body,
                     error);
    if (!code)
        code = json_parse(buffer_bytes(&body), &doc, error);
    if (!code)
        code = json_base64(yyjson_doc_get_root(doc), "patient_keys", patient_keys, error);
    if (!code)
        code = json_base64(yyjson_doc_get_root(doc), "authority_keys", authority_keys, error);
    yyjson_doc_free(doc);
    buffer_free(&body);
    return code;
}

static int loot_publics(struct loot *loot, struct loot_relation *relation,
                        struct aceso_error *error)
{
    relation->patient_keys = (struct buffer)BUFFER_INIT(LOOT_LIST_MAX);
    relation->authority_keys = (struct buffer)BUFFER_INIT(LOOT_LIST_MAX);
    if (loot_publics_stolen(loot, relation->terms.patient, &relation->patient_keys,
                            &relation->authority_keys) == ACESO_OK)
        return ACESO_OK;
    buffer_clear(&relation->patient_keys);
    buffer_clear(&relation->authority_keys);
    return loot_publics_asked(loot, relation, &relation->patient_keys, &relation->authority_keys,
                              error);
}

struct loot_listing {
    struct loot *loot;
    const struct ledger_hospital *hospital;
};

static bool loot_wanted(const struct loot *loot, const uint8_t patient[20])
{
    const char *const *only = loot->attack->in.only;
    uint8_t address[20];

    for (size_t i = 0; i < ATTACK_FILES_MAX && only[i]; i++) {
        if (text_unhex(only[i], address, 20) == ACESO_OK && memcmp(address, patient, 20) == 0)
            return true;
    }
    return only[0] == NULL;
}

static int loot_list_patient(void *data, const uint8_t patient[20])
{
    struct loot_listing *listing = data;
    struct loot *loot = listing->loot;
    struct loot_relation *relation;
    int code;

    if (!loot_wanted(loot, patient))
        return ACESO_OK;
    if (loot->relations == ATTACK_PATIENTS_MAX)
        return ACESO_ELIMIT;
    relation = &loot->relation[loot->relations++];
    relation->hospital = *listing->hospital;
    relation->terms = (struct ledger_relationship)LEDGER_RELATIONSHIP_INIT;
    code = ledger_relationship(loot->party[0].store, listing->hospital->card.id, patient,
                               &relation->terms, NULL);
    relation->context.chain_id = loot->network.chain_id;
    memcpy(relation->context.contract, relation->terms.contract, 20);
    memcpy(relation->context.patient, patient, 20);
    memcpy(relation->context.hospital, listing->hospital->card.address, 20);
    return code;
}

static int loot_list(struct loot *loot, struct aceso_error *error)
{
    struct ledger_hospital hospital;
    int code = ACESO_OK;

    for (uint32_t id = 1; !code; id++) {
        struct loot_listing listing = { .loot = loot, .hospital = &hospital };

        if (ledger_hospital_by_id(loot->party[0].store, id, &hospital, NULL))
            break;
        code = ledger_patients(loot->party[0].store, id, loot_list_patient, &listing, error);
    }
    for (size_t i = 0; i < loot->relations && !code; i++)
        code = loot_publics(loot, &loot->relation[i], error);
    if (!code && !loot->relations)
        code = error_set(error, ACESO_ENOTFOUND, NULL, "there is no such patient");
    return code;
}

int loot_open(struct attack *attack, struct loot **out, struct aceso_error *error)
{
    const char *const *groups[] = { attack->in.institute, attack->in.hospital,
                                    attack->in.patient };
    struct loot *loot = calloc(1, sizeof *loot);
    struct rpc_settings rpc = { .url = NULL };
    int code = ACESO_OK;

    if (!loot)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    loot->attack = attack;
    loot->relation = calloc(ATTACK_PATIENTS_MAX, sizeof *loot->relation);
    if (!loot->relation)
        code = error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    for (size_t group = 0; group < 3 && !code; group++) {
        for (size_t i = 0; i < ATTACK_PARTIES_MAX && groups[group][i] && !code; i++)
            code = loot_open_party(loot, groups[group][i], error);
        if (group == 0)
            loot->institutes = loot->parties;
        else if (group == 1)
            loot->hospitals = loot->parties - loot->institutes;
    }
    if (!code && !loot->parties)
        code = error_set(error, ACESO_EUSAGE, NULL, "no party is named that attacks");
    if (!code) {
        loot->network = loot->party[0].config.network;
        rpc.url = loot->party[0].config.rpc;
        code = rpc_open(&rpc, &loot->rpc, error);
    }
    if (!code)
        code = loot_list(loot, error);
    if (!code)
        code = loot_learn_grants(loot, error);
    if (code)
        loot_free(loot);
    else
        *out = loot;
    return code;
}

void loot_free(struct loot *loot)
{
    if (!loot)
        return;
    for (size_t i = 0; i < loot->parties; i++) {
        keys_free(loot->party[i].keys);
        store_close(loot->party[i].store);
        buffer_free(&loot->party[i].chain);
        buffer_free(&loot->party[i].key);
        buffer_free(&loot->party[i].roots);
    }
    for (size_t i = 0; i < loot->relations; i++) {
        buffer_free(&loot->relation[i].patient_keys);
        buffer_free(&loot->relation[i].authority_keys);
        buffer_free(&loot->relation[i].terms.headers);
        ladder_wipe(&loot->relation[i].got);
    }
    if (loot->key)
        secret_wipe(loot->key, loot->keys * sizeof *loot->key);
    rpc_close(loot->rpc);
    free(loot->key);
    free(loot->relation);
    free(loot);
}

/* ---- access strings ---------------------------------------------------------------------- */

struct loot_accessing {
    struct loot *loot;
    struct loot_party *party;
    loot_access_fn *each;
    void *data;
};

static int loot_access(void *data, const struct ledger_request *request,
                       struct aceso_error *error)
{
    struct loot_accessing *accessing = data;
    struct loot_party *party = accessing->party;
    struct ledger_request whole = LEDGER_REQUEST_INIT;
    struct buffer access = BUFFER_INIT_SECRET(65536);
    struct ledger_hospital hospital;
    int code = ACESO_OK;

    if (memcmp(request->institute, party->address, 20) != 0 || !request->granted)
        return ACESO_OK;
    code = ledger_request(party->store, request->id, &whole, error);
    if (!code)
        code = ledger_hospital_by_id(party->store, request->hospital, &hospital, error);
    if (!code)
        code = loot_unseal(party, "access string", accessing->loot->network.arsc, hospital.key,
                           request->id, 0, buffer_bytes(&whole.access), &access, error);
    if (!code)
        code = accessing->each(accessing->data, party, request, buffer_bytes(&access), error);
    buffer_free(&access);
    ledger_request_free(&whole);
    return code;
}

int loot_each_access(struct loot *loot, struct loot_party *party, loot_access_fn *each,
                     void *data, struct aceso_error *error)
{
    struct loot_accessing accessing = { .loot = loot, .party = party, .each = each,
                                        .data = data };

    return ledger_requests(party->store, party->address, 0, loot_access, &accessing, error);
}

/* The first bytes are enough to know. */
static int loot_taste(void *data, struct bytes bytes, struct aceso_error *error)
{
    bool *served = data;

    *served = *served || bytes.len > 0;
    return *served ? error_set(error, ACESO_ECANCELLED, NULL, "enough") : ACESO_OK;
}

int loot_query(struct loot *loot, struct loot_party *party, uint32_t hospital,
               struct bytes access, bool *served, struct aceso_error *error)
{
    const struct http_client_options options = { .roots_pem = buffer_bytes(&party->roots),
                                                 .chain_pem = buffer_bytes(&party->chain),
                                                 .key_pem = buffer_bytes(&party->key) };
    struct http_peer peer = { .role = "hospital" };
    char url[CONFIG_URL_SIZE + 16];
    struct http_call call = { .method = "POST", .url = url, .body = access, .peer = &peer,
                              .receive = loot_taste, .receive_data = served };
    struct ledger_hospital target;
    struct http_client *client = NULL;
    int code = ledger_hospital_by_id(loot->party[0].store, hospital, &target, error);

    *served = false;
    if (!code)
        code = http_client_create(&options, &client, error);
    if (code)
        return code;
    memcpy(peer.address, target.key, 20);
    (void)snprintf(url, sizeof url, "%s/v1/query", target.card.url);
    code = http_call(client, &call, NULL, error);
    http_client_destroy(client);
    if (*served || code == ACESO_EDENIED)
        return ACESO_OK;
    return code ? code
                : error_set(error, ACESO_EIO, NULL, "the gateway neither served nor refused");
}

/* ---- keys -------------------------------------------------------------------------------- */

/* A user key's bytes: prefix (3), attribute, gid and K, the first two behind their length (2). */
int loot_add_key(struct loot *loot, struct bytes bytes, struct aceso_error *error)
{
    struct reader reader = reader_of(bytes);
    struct loot_key key = { .len = bytes.len };
    struct bytes attribute, gid;
    void *grown;

    (void)reader_take(&reader, 3);
    attribute = reader_take(&reader, reader_u16(&reader));
    gid = reader_take(&reader, reader_u16(&reader));
    if (reader.failed || attribute.len >= sizeof key.attribute || gid.len != 20 ||
        bytes.len > sizeof key.bytes)
        return error_set(error, ACESO_EFORMAT, "user key", "not one of this network");
    memcpy(key.attribute, attribute.data, attribute.len);
    memcpy(key.gid, gid.data, 20);
    memcpy(key.bytes, bytes.data, bytes.len);
    for (size_t i = 0; i < loot->keys; i++) {
        if (loot->key[i].len == key.len && memcmp(loot->key[i].bytes, key.bytes, key.len) == 0)
            return ACESO_OK;
    }
    if (loot->keys == LOOT_KEYS_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "too many keys");
    grown = realloc(loot->key, (loot->keys + 1) * sizeof *loot->key);
    if (!grown)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    loot->key = grown;
    loot->key[loot->keys++] = key;
    return ACESO_OK;
}

static int loot_take_held(struct loot *loot, struct loot_party *party, struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(party->store, "SELECT key FROM held_user", &query, error);

    while (!code && (step = statement_step(query, error)) != 0) {
        struct buffer key = BUFFER_INIT_SECRET(65536);

        code = step < 0 ? step
                        : keys_unseal(party->keys, "user key", statement_blob(query, 0), &key,
                                      error);
        if (!code)
            code = loot_add_key(loot, buffer_bytes(&key), error);
        buffer_free(&key);
    }
    statement_finish(query);
    return code;
}

struct loot_asking {
    struct loot *loot;
    struct loot_party *party;
};

static struct loot_relation *loot_relation_of(struct loot *loot, const uint8_t patient[20],
                                              uint32_t hospital)
{
    for (size_t i = 0; i < loot->relations; i++) {
        struct loot_relation *relation = &loot->relation[i];

        if (memcmp(relation->terms.patient, patient, 20) == 0 &&
            (hospital == 0 || relation->hospital.card.id == hospital))
            return relation;
    }
    return NULL;
}

static int loot_take_grant(void *data, const struct ledger_request *request,
                           struct aceso_error *error)
{
    struct loot_asking *asking = data;
    struct ledger_request whole = LEDGER_REQUEST_INIT;
    struct buffer key = BUFFER_INIT_SECRET(65536);
    int code = ACESO_OK;

    if (request->granted && memcmp(request->institute, asking->party->address, 20) == 0) {
        code = ledger_request(asking->party->store, request->id, &whole, error);
        if (!code)
            code = loot_unseal(asking->party, "grant", asking->loot->network.arsc, request->patient,
                               request->id, request->epoch, buffer_bytes(&whole.grant), &key,
                               error);
        if (!code)
            code = loot_add_key(asking->loot, buffer_bytes(&key), error);
    }
    buffer_free(&key);
    ledger_request_free(&whole);
    return code;
}

int loot_take_keys(struct loot *loot, struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; i < loot->institutes && !code; i++) {
        struct loot_asking asking = { .loot = loot, .party = &loot->party[i] };

        code = loot_take_held(loot, asking.party, error);
        if (!code)
            code = ledger_requests(asking.party->store, asking.party->address, 0, loot_take_grant,
                                   &asking, error);
    }
    return code;
}

static int loot_learn_grant(void *data, const struct ledger_request *request,
                            struct aceso_error *error)
{
    struct loot_asking *asking = data;
    struct loot_relation *relation =
        loot_relation_of(asking->loot, request->patient, request->hospital);

    (void)error;
    if (relation && memcmp(request->institute, asking->party->address, 20) == 0 &&
        request->granted > relation->allowed)
        relation->allowed = request->granted;
    return ACESO_OK;
}

int loot_learn_grants(struct loot *loot, struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; i < loot->institutes && !code; i++) {
        struct loot_asking asking = { .loot = loot, .party = &loot->party[i] };

        code = ledger_requests(loot->party[i].store, loot->party[i].address, 0, loot_learn_grant,
                               &asking, error);
    }
    return code;
}

/* ---- keys that bad hospitals make -------------------------------------------------------- */

static int loot_make(struct loot *loot, const struct authority *authority, const char *name,
                     size_t *made, struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; i < loot->institutes && !code; i++) {
        struct buffer key = BUFFER_INIT_SECRET(4096);

        code = authority_user_key(authority, name, loot->party[i].address, &key, error);
        if (!code)
            code = loot_add_key(loot, buffer_bytes(&key), error);
        buffer_free(&key);
        *made += !code;
    }
    return code;
}

/* Everything under its own label: what it published, a switch for every patient, and names that
 * look like grants. */
static int loot_make_own(struct loot *loot, struct loot_party *hospital,
                         const struct authority *authority, size_t *made,
                         struct aceso_error *error)
{
    struct statement *query = NULL;
    char name[ATTRIBUTE_TEXT_MAX];
    int step, code = store_prepare(hospital->store, "SELECT name FROM attribute", &query, error);

    while (!code && (step = statement_step(query, error)) != 0)
        code = step < 0 ? step : loot_make(loot, authority, statement_text(query, 0), made, error);
    statement_finish(query);
    for (size_t i = 0; i < loot->relations && !code; i++) {
        authority_on_name(loot->relation[i].terms.epoch.n, loot->relation[i].terms.patient, name);
        code = loot_make(loot, authority, name, made, error);
    }
    for (unsigned level = 1; level <= RECORD_LEVELS && !code; level++) {
        authority_grant_name(level, 1, name);
        code = loot_make(loot, authority, name, made, error);
    }
    return code;
}

/* Under the label of a patient, with the hospital's own secrets: the patient's grants as somebody
 * would make them who does not have the patient's seed. */
static int loot_make_forged(struct loot *loot, const uint8_t seed[32], size_t *made,
                            struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; i < loot->relations && !code; i++) {
        struct authority *authority = NULL;
        char label[43], name[ATTRIBUTE_TEXT_MAX];

        authority_patient_label(loot->relation[i].terms.patient, label);
        code = authority_create(seed, label, &authority, error);
        for (unsigned level = 1; level <= RECORD_LEVELS && !code; level++) {
            authority_grant_name(level, loot->relation[i].terms.epoch.e, name);
            code = loot_make(loot, authority, name, made, error);
        }
        authority_self_name(loot->relation[i].terms.epoch.e, name);
        if (!code)
            code = loot_make(loot, authority, name, made, error);
        authority_free(authority);
    }
    return code;
}

/* What a patient who colludes can give: the true grants, which no attack has without one. */
static int loot_make_patients(struct loot *loot, struct loot_party *patient, size_t *made,
                              struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; i < loot->relations && !code; i++) {
        const struct loot_relation *relation = &loot->relation[i];
        struct authority *authority = NULL;
        struct buffer context = BUFFER_INIT(64);
        char label[43], name[ATTRIBUTE_TEXT_MAX];
        uint8_t seed[32];

        if (memcmp(relation->terms.patient, patient->address, 20) != 0)
            continue;
        (void)buffer_put_u64(&context, loot->network.chain_id);
        code = buffer_put(&context, relation->hospital.card.address, 20);
        keys_derive(patient->keys, "patient abe authority", buffer_bytes(&context), seed);
        authority_patient_label(patient->address, label);
        if (!code)
            code = authority_create(seed, label, &authority, error);
        for (unsigned level = 1; level <= RECORD_LEVELS && !code; level++) {
            authority_grant_name(level, relation->terms.epoch.e, name);
            code = loot_make(loot, authority, name, made, error);
        }
        authority_free(authority);
        secret_wipe(seed, sizeof seed);
        buffer_free(&context);
    }
    return code;
}

int loot_make_keys(struct loot *loot, size_t *made, struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; i < loot->hospitals && !code; i++) {
        struct loot_party *hospital = &loot->party[loot->institutes + i];
        struct authority *authority = NULL;
        uint8_t seed[32];

        keys_derive(hospital->keys, "abe authority", bytes_of(NULL, 0), seed);
        code = authority_create(seed, hospital->config.label, &authority, error);
        if (!code)
            code = loot_make_own(loot, hospital, authority, made, error);
        if (!code)
            code = loot_make_forged(loot, seed, made, error);
        authority_free(authority);
        secret_wipe(seed, sizeof seed);
    }
    for (size_t i = loot->institutes + loot->hospitals; i < loot->parties && !code; i++)
        code = loot_make_patients(loot, &loot->party[i], made, error);
    return code;
}

/* ---- parts ------------------------------------------------------------------------------- */

struct loot_parting {
    struct loot *loot;
    loot_part_fn *each;
    void *data;
    uint64_t *parts;
};

static int loot_part(void *data, const struct record_row *row, struct aceso_error *error)
{
    struct loot_parting *parting = data;
    struct loot_relation *relation = loot_relation_of(parting->loot, row->patient, 0);

    if (!relation || !row->sealed.len)
        return ACESO_OK;
    ++*parting->parts;
    return parting->each(parting->data, relation, row, error);
}

static int loot_parts_of_file(struct loot_parting *parting, const char *path,
                              struct aceso_error *error)
{
    struct buffer stream = BUFFER_INIT(LOOT_STREAM_MAX);
    struct row_reader *reader = NULL;
    int code = file_read(path, &stream, error);

    if (!code)
        code = row_reader_create(loot_part, parting, &reader, error);
    if (!code)
        code = row_reader_feed(reader, buffer_bytes(&stream), error);
    if (!code)
        code = row_reader_finish(reader, NULL, error);
    row_reader_free(reader);
    buffer_free(&stream);
    return code;
}

static int loot_parts_of_database(struct loot_parting *parting, const char *directory,
                                  struct aceso_error *error)
{
    struct store *store = NULL;
    int code = loot_copy_store(parting->loot->attack, directory, "records.db", &store, error);

    for (size_t i = 0; i < parting->loot->relations && !code; i++) {
        const struct loot_relation *relation = &parting->loot->relation[i];
        struct buffer sql = BUFFER_INIT(4096);
        struct statement *query = NULL;
        struct record_row row;
        int step;

        code = records_query(relation->terms.patient, RECORD_LEVELS, &sql);
        if (!code)
            code = store_prepare(store, buffer_text(&sql), &query, error);
        while (!code && (step = statement_step(query, error)) != 0) {
            code = step < 0 ? step : records_row_of(query, &row, error);
            if (!code)
                code = loot_part(parting, &row, error);
        }
        statement_finish(query);
        buffer_free(&sql);
    }
    store_close(store);
    return code;
}

int loot_each_part(struct loot *loot, loot_part_fn *each, void *data, uint64_t *parts,
                   struct aceso_error *error)
{
    struct loot_parting parting = { .loot = loot, .each = each, .data = data, .parts = parts };
    int code = ACESO_OK;

    for (size_t i = 0; i < ATTACK_FILES_MAX && loot->attack->in.parts[i] && !code; i++)
        code = loot_parts_of_file(&parting, loot->attack->in.parts[i], error);
    for (size_t i = 0; i < ATTACK_FILES_MAX && loot->attack->in.database[i] && !code; i++)
        code = loot_parts_of_database(&parting, loot->attack->in.database[i], error);
    return code;
}
