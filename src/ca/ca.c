/* SPDX-License-Identifier: Apache-2.0 */
/* The certification authority: deploys the contracts, registers hospitals, gives certificates and
 * credentials. It opens nothing. Uses node and what is below it. */
#include "ca/ca.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "chain/amsc.h"
#include "consent/vocabulary.h"
#include "contracts_abi.h"
#include "node/credential.h"
#include "node/join.h"
#include "node/ledger.h"
#include "node/status.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CA_CREDENTIAL_SECONDS ((uint64_t)365 * 86400)

static const char ca_schema[] =
    "CREATE TABLE credential ("
    " serial INTEGER PRIMARY KEY AUTOINCREMENT, institute BLOB NOT NULL,"
    " category INTEGER NOT NULL, seal_key BLOB NOT NULL, tls_key_digest BLOB NOT NULL,"
    " expiry INTEGER NOT NULL);";

/* ---- deploying --------------------------------------------------------------------------- */

/* The nonce of the first of the four transactions, chosen once: the addresses follow from it. */
static int deploy_first_nonce(struct node *node, struct store *store, uint64_t *nonce,
                              struct aceso_error *error)
{
    struct buffer value = BUFFER_INIT(64);
    int code = setting_get(store, "deployment nonce", &value, NULL);

    if (!code) {
        struct reader reader = reader_of(buffer_bytes(&value));

        *nonce = reader_u64(&reader);
    } else {
        code = rpc_nonce(node->rpc, node->config.address, RPC_PENDING, nonce, error);
        if (!code)
            code = buffer_put_u64(&value, *nonce);
        if (!code)
            code = setting_put(store, "deployment nonce", buffer_bytes(&value), error);
    }
    buffer_free(&value);
    return code;
}

static int deploy_step(struct node *node, const struct deployment *plan, size_t step,
                       struct outbox_result *mined, struct aceso_error *error)
{
    struct buffer creation = BUFFER_INIT(65536);
    uint8_t address[20];
    char key[32];
    int code = deployment_step(plan, node->config.address, step, &creation, address, error);

    (void)snprintf(key, sizeof key, "deploy-%zu", step);
    if (!code)
        code = node_transact(node, key, NULL, buffer_bytes(&creation), mined, error);
    if (!code && memcmp(mined->contract, address, 20) != 0)
        code = error_set(error, ACESO_ESTATE, NULL,
                         "a contract came to be at another address than planned: the account sent "
                         "something in between");
    buffer_free(&creation);
    return code;
}

static int ca_deploy(struct operation *operation, struct buffer *result,
                     struct aceso_error *error)
{
    struct node *node = operation->node;
    struct json_writer writer = json_writer_of(result);
    struct network network = { .known = true };
    struct outbox_result mined = { 0 };
    struct deployment plan;
    struct store *store = NULL;
    uint64_t nonce = 0, gas = 0;
    int code = rpc_chain_id(node->rpc, &network.chain_id, error);

    if (!code)
        code = node_open_outbox(node, network.chain_id, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = deploy_first_nonce(node, store, &nonce, error);
    store_close(store);
    if (!code)
        deployment_plan(node->config.address, nonce, &plan);
    for (size_t step = 0; step < DEPLOYMENT_STEPS && !code; step++) {
        operation_progress(operation, step, DEPLOYMENT_STEPS, "contracts");
        code = deploy_step(node, &plan, step, &mined, error);
        gas += mined.gas_used;
        if (!code && step == 0)
            network.first_block = mined.block;
    }
    if (code)
        return code;
    memcpy(network.amsc, plan.amsc, 20);
    memcpy(network.arsc, plan.arsc, 20);
    memcpy(network.ca, node->config.address, 20);
    code = node_set_network(node, &network, error);
    if (code)
        return code;
    log_info("the contracts are deployed");
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", "the four contracts are on the chain");
    json_put_hex(&writer, "tx", mined.transaction, 32);
    json_put_u64(&writer, "gas", gas);
    network_write(&network, &writer);
    json_put_hex(&writer, "hpsc", plan.hpsc, 20);
    json_put_hex(&writer, "hisc", plan.hisc, 20);
    json_close(&writer, '}');
    return result->failed;
}

/* ---- admitting --------------------------------------------------------------------------- */

static int ca_invite(struct node *node, const yyjson_val *input, struct buffer *out,
                     struct aceso_error *error)
{
    struct buffer invitation = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct json_writer writer = json_writer_of(out);
    const struct network *network = NULL;
    int code = node_need_network(node, &network, error);

    (void)input;
    if (!code)
        code = join_invite(network, buffer_bytes(&node->roots), NULL, &invitation);
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_raw(&writer, "document", buffer_bytes(&invitation));
        json_close(&writer, '}');
    }
    buffer_free(&invitation);
    return code;
}

/* The root's key signs `request` as it is. */
static int ca_certify(struct node *node, const struct join_request *request, struct buffer *chain,
                      struct aceso_error *error)
{
    struct x509_key *key = NULL;
    char path[PATH_MAX];
    int code = node_path(node, "tls/root-key.sealed", path, sizeof path, error);

    if (!code)
        code = keys_tls(node->keys, path, &key, error);
    if (!code)
        code = join_certify(key, buffer_bytes(&node->roots), request, chain, error);
    x509_key_free(key);
    return code;
}

/* The hospital's intermediate, which may certify its patients and nobody else. */
static int ca_certify_authority(struct node *node, const struct join_request *request,
                                struct buffer *chain, struct aceso_error *error)
{
    struct x509_subject subject;
    struct x509_key *key = NULL;
    char path[PATH_MAX];
    int code = node_path(node, "tls/root-key.sealed", path, sizeof path, error);

    if (!code)
        code = keys_tls(node->keys, path, &key, error);
    if (!code)
        code = x509_subject_set(request->label, "hospital-ca", request->address, NULL, 0, &subject,
                                error);
    if (!code)
        code = x509_issue(key, buffer_bytes(&node->roots),
                          buffer_bytes(&request->authority_request), &subject, time_now(), chain,
                          error);
    x509_key_free(key);
    return code;
}

/* One credential for one pair of keys, however often it is asked for. */
static int ca_credential_row(struct store *store, const struct join_request *request,
                             unsigned category, struct amsc_credential *out,
                             struct aceso_error *error)
{
    uint64_t expiry = (uint64_t)time_now() + CA_CREDENTIAL_SECONDS;
    struct statement *query = NULL, *insert = NULL;
    int code = store_prepare(store,
                             "SELECT serial, expiry FROM credential WHERE institute = ?1 AND"
                             " category = ?2 AND seal_key = ?3 AND tls_key_digest = ?4",
                             &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(request->address, 20));
    statement_bind_int(query, 2, category);
    statement_bind_blob(query, 3, bytes_of(request->seal_key, 32));
    statement_bind_blob(query, 4, bytes_of(request->tls_key_digest, 32));
    code = statement_step(query, error);
    if (code == 1) {
        out->serial = (uint64_t)statement_int(query, 0);
        out->expiry = (uint64_t)statement_int(query, 1);
    }
    statement_finish(query);
    if (code != 0)
        return code == 1 ? ACESO_OK : code;
    code = store_prepare(store,
                         "INSERT INTO credential (institute, category, seal_key, tls_key_digest,"
                         " expiry) VALUES (?1, ?2, ?3, ?4, ?5)",
                         &insert, error);
    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(request->address, 20));
    statement_bind_int(insert, 2, category);
    statement_bind_blob(insert, 3, bytes_of(request->seal_key, 32));
    statement_bind_blob(insert, 4, bytes_of(request->tls_key_digest, 32));
    statement_bind_int(insert, 5, (int64_t)expiry);
    code = statement_run(insert, error);
    if (!code) {
        out->serial = (uint64_t)store_last_rowid(store);
        out->expiry = expiry;
    }
    return code;
}

static int ca_credential(struct node *node, const struct join_request *request, unsigned category,
                         struct credential *out, struct aceso_error *error)
{
    struct credential credential = { .content = { .category = (uint8_t)category } };
    struct eip712_domain domain = node_domain(node, node->config.network.amsc);
    struct contract amsc = node_amsc(node);
    struct store *store = NULL;
    uint8_t digest[32];
    int code = node_store(node, &store, error);

    memcpy(credential.content.institute, request->address, 20);
    memcpy(credential.content.seal_key, request->seal_key, 32);
    memcpy(credential.content.tls_key_digest, request->tls_key_digest, 32);
    if (!code)
        code = ca_credential_row(store, request, category, &credential.content, error);
    store_close(store);
    if (!code)
        code = amsc_generation(&amsc, &credential.content.generation, error);
    if (!code) {
        amsc_credential_digest(&domain, &credential.content, digest);
        code = keys_sign(node->keys, digest, credential.signature, error);
    }
    if (!code)
        *out = credential;
    return code;
}

static int ca_register(struct node *node, const struct join_request *request,
                       struct hospital_card *card, struct outbox_result *mined,
                       struct aceso_error *error)
{
    struct amsc_hospital hospital = { .suspended = false };
    struct contract amsc = node_amsc(node);
    struct buffer call = BUFFER_INIT(65536);
    char key[64] = "register-";
    int code;

    text_hex(request->address, 20, key + strlen(key));
    memcpy(hospital.key, request->address, 20);
    memcpy(hospital.seal_key, request->seal_key, 32);
    memcpy(hospital.tls_key_digest, request->tls_key_digest, 32);
    (void)snprintf(hospital.label, sizeof hospital.label, "%s", request->label);
    (void)snprintf(hospital.url, sizeof hospital.url, "%s", request->url);
    code = amsc_call_register_hospital(&hospital, &call, error);
    if (!code)
        code = node_transact(node, key, node->config.network.amsc, buffer_bytes(&call), mined,
                             error);
    if (!code)
        code = amsc_hospital_of(&amsc, request->address, &card->id, error);
    if (code == ACESO_ENOTFOUND)
        code = error_set(error, ACESO_EBUSY, NULL,
                         "the chain lost the registration, which is on its way again");
    if (!code) {
        card->known = true;
        memcpy(card->address, request->address, 20);
        (void)snprintf(card->label, sizeof card->label, "%s", request->label);
        (void)snprintf(card->url, sizeof card->url, "%s", request->url);
    }
    buffer_free(&call);
    return code;
}

static int ca_write_admission(struct node *node, const struct join_request *request,
                              unsigned category, struct buffer *out, struct outbox_result *mined,
                              struct aceso_error *error)
{
    struct buffer chain = BUFFER_INIT(X509_PEM_MAX), authority = BUFFER_INIT(X509_PEM_MAX);
    struct json_writer writer = json_writer_of(out);
    struct hospital_card card = { .known = false };
    struct credential credential = { .content = { .category = 0 } };
    int code = ca_certify(node, request, &chain, error);

    if (!code && request->role == ROLE_HOSPITAL) {
        code = ca_register(node, request, &card, mined, error);
        if (!code)
            code = ca_certify_authority(node, request, &authority, error);
    }
    if (!code && request->role != ROLE_CLOUD)
        code = ca_credential(node, request, category, &credential, error);
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_u64(&writer, "version", 1);
        json_put_string(&writer, "kind", "admission");
        json_put_bytes(&writer, "chain", buffer_bytes(&chain));
        if (request->role == ROLE_HOSPITAL) {
            json_put_bytes(&writer, "authority_chain", buffer_bytes(&authority));
            hospital_card_write(&card, &writer);
        }
        if (request->role != ROLE_CLOUD)
            credential_write(&credential, &writer, "credential");
        json_close(&writer, '}');
        code = out->failed;
    }
    buffer_free(&chain);
    buffer_free(&authority);
    return code;
}

static int ca_category(const struct join_request *request, const yyjson_val *input,
                       unsigned *category, struct aceso_error *error)
{
    const char *text = json_string_or(input, "category", NULL);

    if (request->role == ROLE_HOSPITAL) {
        *category = AMSC_CATEGORY_HOSPITAL;
        return ACESO_OK;
    }
    if (request->role == ROLE_CLOUD) /* a certificate, and nothing on the chain */
        return ACESO_OK;
    if (request->role != ROLE_INSTITUTE)
        return error_set(error, ACESO_EDENIED, NULL,
                         "the CA admits hospitals, institutes and clouds; a hospital its patients");
    if (!text)
        return error_set(error, ACESO_EUSAGE, "category", "an institute needs one");
    return category_parse(text, category, error);
}

static int ca_admit(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    struct join_request request = JOIN_REQUEST_INIT;
    struct buffer admission = BUFFER_INIT(JOIN_DOCUMENT_MAX);
    struct json_writer writer = json_writer_of(result);
    struct outbox_result mined = { 0 };
    const struct network *network = NULL;
    const char *document = NULL;
    unsigned category = 0;
    int code = node_need_network(node, &network, error);

    if (!code)
        code = json_string(operation->input, "request", &document, error);
    if (!code)
        code = join_read(network, bytes_of_string(document), &request, error);
    if (!code)
        code = ca_category(&request, operation->input, &category, error);
    if (!code)
        code = ca_write_admission(node, &request, category, &admission, &mined, error);
    if (!code) {
        log_info("admitted %s %s", role_name(request.role), request.label);
        json_open(&writer, NULL, '{');
        json_put_raw(&writer, "document", buffer_bytes(&admission));
        if (request.role == ROLE_HOSPITAL)
            node_put_transaction(&writer, &mined);
        json_close(&writer, '}');
    }
    join_request_free(&request);
    buffer_free(&admission);
    return code ? code : result->failed;
}

/* ---- revoking, status -------------------------------------------------------------------- */

static int ca_revoke(struct operation *operation, struct buffer *result,
                     struct aceso_error *error)
{
    struct node *node = operation->node;
    struct json_writer writer = json_writer_of(result);
    struct ledger_credential credential;
    struct outbox_result mined = { 0 };
    struct buffer call = BUFFER_INIT(4096);
    struct store *store = NULL;
    uint8_t institute[20];
    char key[64];
    int code = json_hex(operation->input, "institute", institute, 20, error);

    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = ledger_credential(store, institute, &credential, error);
    store_close(store);
    if (!code)
        code = amsc_call_revoke_credential(institute, credential.serial, &call, error);
    (void)snprintf(key, sizeof key, "revoke-%llu", (unsigned long long)credential.serial);
    if (!code)
        code = node_transact(node, key, node->config.network.amsc, buffer_bytes(&call), &mined,
                             error);
    buffer_free(&call);
    if (code)
        return code;
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", "the credential is revoked");
    node_put_transaction(&writer, &mined);
    json_close(&writer, '}');
    return result->failed;
}

static int ca_count(struct store *store, const char *sql, uint64_t *count,
                    struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store, sql, &query, error);

    if (code)
        return code;
    step = statement_step(query, error);
    if (step == 1)
        *count = (uint64_t)statement_int(query, 0);
    statement_finish(query);
    return step < 0 ? step : ACESO_OK;
}

static int ca_status(struct node *node, struct store *store, struct status *status,
                     struct aceso_error *error)
{
    uint64_t hospitals = 0, credentials = 0;
    int code = ca_count(store, "SELECT count(*) FROM ledger_hospital", &hospitals, error);

    (void)node;
    if (!code)
        code = ca_count(store, "SELECT count(*) FROM credential", &credentials, error);
    if (code)
        return code;
    json_put_u64(&status->writer, "hospitals", hospitals);
    json_put_u64(&status->writer, "credentials", credentials);
    status_line(status, "admitted: %llu hospitals; %llu credentials given",
                (unsigned long long)hospitals, (unsigned long long)credentials);
    return ACESO_OK;
}

static const struct operation_kind ca_operations[] = {
    { "deploy", LANE_SHORT, ca_deploy },
    { "admit", LANE_SHORT, ca_admit },
    { "revoke", LANE_SHORT, ca_revoke },
};

static const struct view_kind ca_views[] = {
    { "invite", ca_invite },
};

const struct role ca_role = {
    .name = "ca",
    .role = ROLE_CA,
    .schema = ca_schema,
    .operations = ca_operations,
    .operation_count = sizeof ca_operations / sizeof ca_operations[0],
    .views = ca_views,
    .view_count = sizeof ca_views / sizeof ca_views[0],
    .status = ca_status,
};
