/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and what becomes of them: the patient's signed decisions come in, the hospital decides,
 * and carries both to the chain. */
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "chain/arsc.h"
#include "consent/policy.h"
#include "consent/sealing.h"
#include "consent/vocabulary.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"
#include "hospital/internal.h"
#include "hospital/terms.h"
#include "node/approval.h"

#include <stdio.h>
#include <string.h>

#define VPN_FIRST 11u /* the first host of the hospital's pool that an institute may get */
#define VPN_LAST 250u
#define DATABASE_PORT 5432u

static uint32_t sharing_ipv4(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return (uint32_t)a << 24 | (uint32_t)b << 16 | (uint32_t)c << 8 | d;
}

/* Each institute has one address of the pool 10.8.<hospital>.0/24, always the same. */
static int sharing_vpn(struct node *node, struct store *store, const uint8_t institute[20],
                       uint32_t *vpn, struct aceso_error *error)
{
    struct statement *insert = NULL, *query = NULL;
    int step, code = store_prepare(store,
                                   "INSERT INTO vpn (institute, host)"
                                   " SELECT ?1, coalesce(max(host) + 1, ?2) FROM vpn"
                                   " WHERE true ON CONFLICT (institute) DO NOTHING",
                                   &insert, error);
    if (!code) {
        statement_bind_blob(insert, 1, bytes_of(institute, 20));
        statement_bind_int(insert, 2, VPN_FIRST);
        code = statement_run(insert, error);
    }
    if (!code)
        code = store_prepare(store, "SELECT host FROM vpn WHERE institute = ?1", &query, error);
    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(institute, 20));
    step = statement_step(query, error);
    if (step != 1)
        code = step < 0 ? step : error_set(error, ACESO_EINTERNAL, NULL, "no VPN address");
    else if (statement_int(query, 0) > VPN_LAST)
        code = error_set(error, ACESO_ELIMIT, NULL, "the pool of VPN addresses is used up");
    else
        *vpn = sharing_ipv4(10, 8, node->config.hospital.id & 255,
                            (unsigned)statement_int(query, 0));
    statement_finish(query);
    return code;
}

/* ---- approving --------------------------------------------------------------------------- */

struct approving {
    struct operation *operation;
    struct node *node;
    struct store *store;
    uint8_t request_id[32];
    struct ledger_request request;
    struct ledger_credential credential;
    struct enrolment enrolment;
    struct approval approval;
    struct buffer access; /* the access string */
    struct buffer sealed;
    uint8_t attributes_digest[32];
};

static int approving_stored(struct approving *approving, struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(approving->store,
                                   "SELECT document FROM approval WHERE request = ?1", &query,
                                   error);
    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(approving->request_id, 32));
    step = statement_step(query, error);
    if (step == 1)
        code = approval_parse(statement_blob(query, 0), &approving->approval, error);
    else
        code = step < 0 ? step
                        : error_set(error, ACESO_EDENIED, NULL,
                                    "the patient has not approved this request");
    statement_finish(query);
    return code;
}

static int approving_load(struct approving *approving, struct aceso_error *error)
{
    const yyjson_val *input = approving->operation->input;
    const char *given = json_string_or(input, "approval", NULL);
    int code = hospital_input_hex(input, "request", approving->request_id, 32, error);

    if (!code)
        code = node_store(approving->node, &approving->store, error);
    if (!code)
        code = ledger_request(approving->store, approving->request_id, &approving->request, error);
    if (!code && approving->request.hospital != approving->node->config.hospital.id)
        code = error_set(error, ACESO_EDENIED, NULL, "the request is to another hospital");
    if (!code)
        code = enrolment_load(approving->node, approving->store, approving->request.patient,
                              &approving->enrolment, error);
    if (!code)
        code = ledger_credential(approving->store, approving->request.institute,
                                 &approving->credential, error);
    if (!code && given) {
        code = approval_parse(bytes_of_string(given), &approving->approval, error);
        memcpy(approving->approval.content.request, approving->request_id, 32);
    } else if (!code) {
        code = approving_stored(approving, error);
    }
    return code;
}

/* The institute may have the hospital's switch for this patient, and those of the hospital's own
 * attributes without which nobody satisfies the patient's policy: to approve is to vouch for these.
 * What stands in an alternative is issued to whom it is true of, by 'hospital issue' alone. */
static int approving_attributes(struct approving *approving, struct aceso_error *error)
{
    struct node *node = approving->node;
    struct aceso_abe_policy *policy = NULL;
    struct buffer names = BUFFER_INIT(65536);
    struct record_epoch epoch;
    char name[ATTRIBUTE_TEXT_MAX], *label;
    bool demanded = false;
    int code = policy_parse(buffer_text(&approving->enrolment.policy), &policy, error);

    if (!code)
        code = header_epoch(buffer_bytes(&approving->enrolment.headers), &epoch, error);
    if (!code) {
        authority_on_name(epoch.n, approving->request.patient, name);
        (void)buffer_printf(&names, "%s\n", name);
        code = authority_allow(approving->store, name, approving->request.institute, error);
    }
    for (size_t row = 0; !code && row < aceso_abe_policy_rows(policy); row++) {
        code = keyring_abe_error(aceso_abe_policy_attribute(policy, row, name), "policy", error);
        label = code ? NULL : strchr(name, '@');
        if (!label || strcmp(label + 1, node->config.hospital.label) != 0)
            continue;
        code = terms_demand(policy, name, &demanded, error);
        if (code || !demanded)
            continue;
        *label = '\0';
        (void)buffer_printf(&names, "%s\n", name);
        code = authority_allow(approving->store, name, approving->request.institute, error);
    }
    if (!code)
        keccak256(buffer_bytes(&names), approving->attributes_digest);
    buffer_free(&names);
    aceso_abe_policy_free(policy);
    return code;
}

/* The access string: where to ask and what; the digest of its bytes is what the chain holds. */
static int approving_access(struct approving *approving, struct aceso_error *error)
{
    struct node *node = approving->node;
    struct sealing sealing = { .purpose = "access string",
                               .chain_id = node->config.network.chain_id };
    struct json_writer writer = json_writer_of(&approving->access);
    struct buffer query = BUFFER_INIT(4096);
    char url[CONFIG_URL_SIZE + 16];
    uint8_t random[16];
    int code = records_query(approving->request.patient, approving->approval.content.level,
                             &query);

    secret_random(random, sizeof random);
    (void)snprintf(url, sizeof url, "%s/v1/query", node->config.url);
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "version", 1);
    json_put_string(&writer, "url", url);
    json_put_bytes(&writer, "query", buffer_bytes(&query));
    json_put_hex(&writer, "request", approving->request_id, 32);
    json_put_hex(&writer, "nonce", random, sizeof random);
    json_close(&writer, '}');
    memcpy(sealing.contract, node->config.network.arsc, 20);
    memcpy(sealing.sender, node->config.address, 20);
    memcpy(sealing.receiver, approving->request.institute, 20);
    memcpy(sealing.request, approving->request_id, 32);
    if (!code)
        code = approving->access.failed;
    if (!code)
        code = sealing_seal(&sealing, approving->credential.seal_key,
                            buffer_bytes(&approving->access), &approving->sealed, error);
    buffer_free(&query);
    return code;
}

static int approving_send(struct approving *approving, struct outbox_result *mined,
                          struct aceso_error *error)
{
    struct node *node = approving->node;
    struct buffer call = BUFFER_INIT(1 << 20);
    struct arsc_opening opening = {
        .grant = buffer_bytes(&approving->approval.grant),
        .sealed_access = buffer_bytes(&approving->sealed),
        .path = { .database = HOSPITAL_DATABASE, .port = DATABASE_PORT },
    };
    char key[OPERATION_ID_SIZE + 16];
    int code;

    opening.path.database_address = sharing_ipv4(10, 20, node->config.hospital.id & 255, 5);
    memcpy(opening.attributes_digest, approving->attributes_digest, 32);
    keccak256(buffer_bytes(&approving->access), opening.access_digest);
    code = sharing_vpn(node, approving->store, approving->request.institute, &opening.path.vpn,
                       error);
    if (!code)
        code = arsc_call_approve(&approving->approval.content, approving->approval.signature,
                                 &opening, &call, error);
    (void)snprintf(key, sizeof key, "approve-%s", approving->operation->id);
    if (!code)
        code = node_transact(node, key, node->config.network.arsc, buffer_bytes(&call), mined,
                             error);
    buffer_free(&call);
    return code;
}

int sharing_approve(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct approving approving = { .operation = operation, .node = operation->node,
                                   .request = LEDGER_REQUEST_INIT, .approval = APPROVAL_INIT,
                                   .access = BUFFER_INIT_SECRET(65536),
                                   .sealed = BUFFER_INIT(65536) };
    struct outbox_result mined = { 0 };
    char message[128];
    int code;

    enrolment_init(&approving.enrolment);
    code = approving_load(&approving, error);
    if (!code)
        code = approving_attributes(&approving, error);
    if (!code)
        code = approving_access(&approving, error);
    if (!code)
        code = approving_send(&approving, &mined, error);
    if (!code) /* an earlier consent's end may have withdrawn the switch meanwhile */
        code = approving_attributes(&approving, error);
    if (!code) {
        (void)snprintf(message, sizeof message, "approved at level %s",
                       level_name(approving.approval.content.level));
        code = hospital_result(result, message, &mined);
    }
    ledger_request_free(&approving.request);
    buffer_free(&approving.approval.grant);
    buffer_free(&approving.access);
    buffer_free(&approving.sealed);
    enrolment_free(&approving.enrolment);
    store_close(approving.store);
    return code;
}

int sharing_approval(struct node *node, const yyjson_val *input, struct buffer *out,
                     struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    struct statement *query = NULL;
    struct store *store = NULL;
    uint8_t request[32];
    int step, code = hospital_input_hex(input, "request", request, 32, error);

    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = store_prepare(store, "SELECT document FROM approval WHERE request = ?1", &query,
                             error);
    if (!code) {
        statement_bind_blob(query, 1, bytes_of(request, 32));
        step = statement_step(query, error);
        if (step == 1) {
            json_open(&writer, NULL, '{');
            json_put_raw(&writer, "document", statement_blob(query, 0));
            json_close(&writer, '}');
        } else {
            code = step < 0 ? step
                            : error_set(error, ACESO_ENOTFOUND, NULL,
                                        "the patient has approved no such request");
        }
    }
    statement_finish(query);
    store_close(store);
    return code;
}

/* ---- the other decisions ----------------------------------------------------------------- */

int sharing_deny(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    struct buffer call = BUFFER_INIT(4096);
    struct outbox_result mined = { 0 };
    char key[OPERATION_ID_SIZE + 16];
    uint8_t request[32];
    int code = hospital_input_hex(operation->input, "request", request, 32, error);

    if (!code)
        code = arsc_call_deny(request, &call, error);
    (void)snprintf(key, sizeof key, "deny-%s", operation->id);
    if (!code)
        code = node_transact(node, key, node->config.network.arsc, buffer_bytes(&call), &mined,
                             error);
    buffer_free(&call);
    return code ? code : hospital_result(result, "denied", &mined);
}

int sharing_revoke(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    struct buffer call = BUFFER_INIT(4096);
    struct outbox_result mined = { 0 };
    struct store *store = NULL;
    char key[OPERATION_ID_SIZE + 16];
    uint8_t institute[20];
    int code = hospital_input_hex(operation->input, "institute", institute, 20, error);

    if (!code)
        code = node_store(node, &store, error);
    if (!code) /* first: a key that is given meanwhile would stay given */
        code = authority_withhold(store, institute, error);
    if (!code)
        code = arsc_call_revoke_institute(node->config.hospital.id, institute, &call, error);
    (void)snprintf(key, sizeof key, "revoke-%s", operation->id);
    if (!code)
        code = node_transact(node, key, node->config.network.arsc, buffer_bytes(&call), &mined,
                             error);
    store_close(store);
    buffer_free(&call);
    return code ? code
                : hospital_result(result,
                                  "everything with this institute has ended; its whitelist entry "
                                  "is gone, and no attribute key is given to it any more",
                                  &mined);
}

/* ---- what patients send ------------------------------------------------------------------ */

int sharing_path_request(const struct http_request *request, uint8_t id[32],
                         struct aceso_error *error)
{
    if (text_unhex(http_request_path(request, "id"), id, 32))
        return error_set(error, ACESO_EFORMAT, "request", "not an id");
    return ACESO_OK;
}

int sharing_serve_approval(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct eip712_domain domain = node_domain(node, node->config.network.arsc);
    struct approval approval = APPROVAL_INIT;
    struct statement *insert = NULL;
    struct store *store = NULL;
    uint8_t patient[20], id[32], digest[32];
    int code = hospital_caller(context, request, "patient", patient, error);

    if (!code)
        code = sharing_path_request(request, id, error);
    if (!code)
        code = approval_parse(request->body, &approval, error);
    if (!code && memcmp(approval.content.request, id, 32) != 0)
        code = error_set(error, ACESO_EFORMAT, "request", "the approval is for another request");
    if (!code) {
        arsc_approval_digest(&domain, &approval.content, digest);
        code = eip712_verify(digest, approval.signature, patient, error);
    }
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = store_prepare(store,
                             "INSERT OR REPLACE INTO approval (request, document) VALUES (?1, ?2)",
                             &insert, error);
    if (!code) {
        statement_bind_blob(insert, 1, bytes_of(id, 32));
        statement_bind_blob(insert, 2, request->body);
        code = statement_run(insert, error);
    }
    if (!code)
        code = buffer_put_string(&response->body, "{}");
    store_close(store);
    buffer_free(&approval.grant);
    return code;
}
