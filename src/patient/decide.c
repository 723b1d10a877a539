/* SPDX-License-Identifier: Apache-2.0 */
/* Allowing a request: yes is a signature and a key for one level, sealed to the institute. (No, and
 * the end of a consent: carry.c.) Uses node. */
#include "base/text.h"
#include "chain/amsc.h"
#include "chain/arsc.h"
#include "consent/sealing.h"
#include "consent/vocabulary.h"
#include "crypto/keccak.h"
#include "node/approval.h"
#include "patient/internal.h"
#include "patient/terms.h"

#include <stdio.h>
#include <string.h>

int patient_request(struct node *node, const yyjson_val *input, struct store **store,
                    struct ledger_request *request, const struct membership **at,
                    struct aceso_error *error)
{
    const char *label = json_string_or(input, "hospital", NULL);
    const struct membership *found = NULL;
    uint8_t id[32];
    int code = json_hex(input, "request", id, 32, error);

    if (!code)
        code = node_store(node, store, error);
    if (!code)
        code = ledger_request(*store, id, request, error);
    if (!code)
        found = patient_at(node, request->hospital, request->patient);
    if (!code && !found)
        code = error_set(error, ACESO_EDENIED, NULL, "the request is about somebody else");
    if (!code && label && strcmp(label, found->card.label) != 0)
        code = error_set(error, ACESO_EUSAGE, "hospital", "the request is to %s",
                         found->card.label);
    if (!code)
        *at = found;
    return code;
}

/* The patient's grant key for one level, sealed to the institute: consent is a key. */
static int deciding_grant(struct node *node, const struct membership *at,
                          const struct ledger_credential *credential, struct approval *approval,
                          struct aceso_error *error)
{
    struct sealing sealing = { .purpose = "grant", .chain_id = node->config.network.chain_id,
                               .epoch = approval->content.patient_epoch };
    struct buffer key = BUFFER_INIT_SECRET(4096);
    struct authority *authority = NULL;
    char name[65];
    int code = patient_authority(node, at, &authority, error);

    memcpy(sealing.contract, node->config.network.arsc, 20);
    memcpy(sealing.sender, at->address, 20);
    memcpy(sealing.receiver, approval->content.institute, 20);
    memcpy(sealing.request, approval->content.request, 32);
    authority_grant_name(approval->content.level, approval->content.patient_epoch, name);
    if (!code)
        code = authority_user_key(authority, name, approval->content.institute, &key, error);
    if (!code)
        code = sealing_seal(&sealing, credential->seal_key, buffer_bytes(&key), &approval->grant,
                            error);
    if (!code)
        keccak256(buffer_bytes(&approval->grant), approval->content.grant_digest);
    authority_free(authority);
    buffer_free(&key);
    return code;
}

/* The level that the patient's own terms give the institute, or what was said. */
static int deciding_level(const yyjson_val *input,
                          const struct ledger_request *request,
                          const struct ledger_credential *credential, struct store *store,
                          struct arsc_approval *content, struct aceso_error *error)
{
    const char *level_text = json_string_or(input, "level", NULL);
    const char *term_text = json_string_or(input, "term", NULL);
    unsigned level = 0, allowed = 0;
    int code = terms_level(store, request, credential->category, &allowed,
                           &content->patient_epoch, error);

    if (!code && level_text)
        code = level_parse(level_text, &level, error);
    else
        level = request->level < allowed ? request->level : allowed;
    content->term = request->term;
    if (!code && term_text)
        code = term_parse(term_text, &content->term, error);
    if (!code && (level == 0 || level > request->level || level > allowed))
        code = error_set(error, ACESO_EDENIED, "level",
                         "asked for %s, and the own terms give this %s %s",
                         level_name(request->level), category_name(credential->category),
                         level_name(allowed));
    content->level = (uint8_t)level;
    return code;
}

static int deciding_send(struct node *node, const struct membership *at,
                         const struct approval *approval, struct aceso_error *error)
{
    struct buffer body = BUFFER_INIT(262144);
    struct json_writer writer = json_writer_of(&body);
    char path[128], id[65];
    int code;

    approval_write(approval, &writer, NULL);
    text_hex(approval->content.request, 32, id);
    (void)snprintf(path, sizeof path, "/v1/requests/0x%s/approval", id);
    code = patient_call(node, at, "POST", path, buffer_bytes(&body), NULL, error);
    buffer_free(&body);
    return code;
}

int patient_approve(struct operation *operation, struct buffer *result,
                    struct aceso_error *error)
{
    struct node *node = operation->node;
    struct eip712_domain domain = node_domain(node, node->config.network.arsc);
    struct contract amsc = node_amsc(node);
    struct ledger_request request = LEDGER_REQUEST_INIT;
    struct approval approval = APPROVAL_INIT;
    struct arsc_approval *content = &approval.content;
    struct ledger_credential credential;
    const struct membership *at = NULL;
    struct store *store = NULL;
    uint8_t digest[32];
    char message[160];
    int code = patient_request(node, operation->input, &store, &request, &at, error);

    memset(content, 0, sizeof *content);
    if (!code && request.status != LEDGER_OPEN)
        code = error_set(error, ACESO_ESTATE, NULL, "the request is %s",
                         ledger_status_name(request.status));
    if (!code)
        code = ledger_credential(store, request.institute, &credential, error);
    if (!code)
        code = deciding_level(operation->input, &request, &credential, store, content, error);
    if (!code)
        code = amsc_nonce_of(&amsc, request.hospital, request.patient, &content->nonce, error);
    memcpy(content->request, request.id, 32);
    memcpy(content->patient, request.patient, 20);
    memcpy(content->institute, request.institute, 20);
    content->hospital = request.hospital;
    content->deadline = request.deadline;
    if (!code)
        code = deciding_grant(node, at, &credential, &approval, error);
    if (!code) {
        arsc_approval_digest(&domain, content, digest);
        code = account_sign(at->account, digest, approval.signature, error);
    }
    if (!code)
        code = deciding_send(node, at, &approval, error);
    (void)snprintf(message, sizeof message,
                   "yes to level %s; the signed decision and the sealed grant are at the hospital",
                   level_name(content->level));
    if (!code)
        code = patient_result(result, message);
    ledger_request_free(&request);
    buffer_free(&approval.grant);
    store_close(store);
    return code;
}
