/* SPDX-License-Identifier: Apache-2.0 */
/* Refusing and revoking: words of the patient that anyone may carry to the chain. The own hospital
 * is asked first; where it refuses, does not answer, or the chain does not show it in time, the
 * other hospitals are asked in turn. Uses node. */
#include "base/log.h"
#include "base/text.h"
#include "chain/arsc.h"
#include "patient/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CARRIERS_MAX 64

/* The two words. */
struct ending {
    const char *name;
    enum ledger_status from;
    enum ledger_status wanted;
    void (*digest)(const struct eip712_domain *arsc, const uint8_t request[32],
                   uint8_t digest[32]);
    const char *message;
};

static const struct ending refusal = { "refusal", LEDGER_OPEN, LEDGER_REFUSED, arsc_refusal_digest,
                                       "refused for good" };
static const struct ending revocation = {
    "revocation", LEDGER_APPROVED, LEDGER_REVOKED, arsc_revocation_digest,
    "the consent has ended; what was read before cannot be unread"
};

struct carrying {
    struct node *node;
    const struct ending *ending;
    const struct membership *at;
    struct store *store;
    struct ledger_request request;
    char path[128];
    struct buffer body;
    struct ledger_hospital *carriers; /* the own one first */
    size_t count;
    int64_t until;
};

static bool carrying_over(const struct carrying *carrying)
{
    return carrying->request.status != LEDGER_OPEN &&
           carrying->request.status != LEDGER_APPROVED;
}

static int carrying_look(struct carrying *carrying, struct aceso_error *error)
{
    uint8_t id[32];

    memcpy(id, carrying->request.id, 32);
    ledger_request_free(&carrying->request);
    return ledger_request(carrying->store, id, &carrying->request, error);
}

/* Whether there is something to end. Without an answer of the own chain node that cannot be known,
 * and the word is sent all the same. */
static int carrying_check(struct carrying *carrying, struct aceso_error *error)
{
    bool current = node_catch_up(carrying->node, NULL) == ACESO_OK;
    int code = carrying_look(carrying, error);

    if (!code && current && !carrying_over(carrying) &&
        carrying->request.status != carrying->ending->from)
        code = error_set(error, ACESO_ESTATE, NULL, "the request is %s",
                         ledger_status_name(carrying->request.status));
    return code;
}

static int carrying_sign(struct carrying *carrying, struct aceso_error *error)
{
    struct eip712_domain domain =
        node_domain(carrying->node, carrying->node->config.network.arsc);
    struct json_writer writer = json_writer_of(&carrying->body);
    uint8_t digest[32], signature[65];
    char id[65];
    int code;

    carrying->ending->digest(&domain, carrying->request.id, digest);
    code = account_sign(carrying->at->account, digest, signature, error);
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "signature", signature, sizeof signature);
    json_close(&writer, '}');
    text_hex(carrying->request.id, 32, id);
    (void)snprintf(carrying->path, sizeof carrying->path, "/v1/requests/0x%s/%s", id,
                   carrying->ending->name);
    return code ? code : carrying->body.failed;
}

/* The own hospital; then those that do not know this patient, for what they could learn from the
 * connection (an address of the network, a moment) tells them nothing; then those where it is
 * treated under another name. */
static int carrying_find(struct carrying *carrying, struct aceso_error *error)
{
    struct ledger_hospital found;
    uint32_t own = carrying->at->card.id;
    int code;

    carrying->carriers = calloc(CARRIERS_MAX, sizeof *carrying->carriers);
    if (!carrying->carriers)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    code = ledger_hospital_by_id(carrying->store, own, &carrying->carriers[0], error);
    carrying->count = 1;
    for (unsigned known = 0; !code && known < 2; known++) {
        for (uint32_t id = 1; carrying->count < CARRIERS_MAX &&
                              ledger_hospital_by_id(carrying->store, id, &found, NULL) == ACESO_OK;
             id++) {
            if (id != own && !found.suspended &&
                (config_hospital(&carrying->node->config, id) != NULL) == (known == 1))
                carrying->carriers[carrying->count++] = found;
        }
    }
    return code;
}

/* Gives it to one hospital. Whoever that is, it is shown the certificate of the hospital that the
 * request is to: the address in it stands on the chain beside the request already, and no other
 * one of this patient comes to light. */
static int carrying_give(const struct carrying *carrying, const struct ledger_hospital *carrier,
                         struct aceso_error *error)
{
    struct http_peer peer = { .role = "hospital" };
    const struct node_call call = {
        .shown = node_shown(carrying->node, carrying->at->card.id),
        .peer = &peer,
        .base = carrier->card.url,
        .method = "POST",
        .path = carrying->path,
        .body = buffer_bytes(&carrying->body),
        .total_ms = carrying->node->config.bypass_s * 1000,
    };

    memcpy(peer.address, carrier->key, 20);
    return node_send(carrying->node, &call, NULL, error);
}

/* Until the ledger shows it, or the carrier's time is over (ACESO_ETIMEOUT). */
static int carrying_wait(struct carrying *carrying, struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + (int64_t)carrying->node->config.bypass_s * 1000;
    int code = ACESO_OK;

    while (!code && !carrying_over(carrying)) {
        code = patient_turn(carrying->node, until, error);
        if (!code)
            code = carrying_look(carrying, error);
    }
    return code;
}

/* One hospital after the other until the request is over. `by`: who had it when it was. */
static int carrying_run(struct carrying *carrying, const struct ledger_hospital **by,
                        struct aceso_error *error)
{
    struct aceso_error last = { 0 };
    int code = ACESO_OK;

    for (size_t turn = 0; !carrying_over(carrying); turn++) {
        const struct ledger_hospital *carrier = &carrying->carriers[turn % carrying->count];

        code = carrying_give(carrying, carrier, &last);
        if (!code) {
            *by = carrier;
            code = carrying_wait(carrying, &last);
        }
        if (code == ACESO_ECANCELLED)
            return error_set(error, code, NULL, "the node stops");
        if (code)
            log_info("%s: not through %s: %s", carrying->ending->name, carrier->card.label,
                     last.text);
        if (turn % carrying->count + 1 == carrying->count) /* all were asked: a pause, again */
            code = patient_turn(carrying->node, carrying->until, error);
        else
            code = ACESO_OK;
        if (code)
            return code == ACESO_ETIMEOUT
                       ? error_set(error, code, NULL, "no hospital carries it: %s", last.text)
                       : code;
        code = carrying_look(carrying, error);
        if (code)
            return code;
    }
    return ACESO_OK;
}

static int carrying_tell(const struct carrying *carrying, const struct ledger_hospital *by,
                         struct buffer *result)
{
    struct json_writer writer = json_writer_of(result);
    char message[256];

    if (carrying->request.status != carrying->ending->wanted)
        (void)snprintf(message, sizeof message, "nothing to end any more: the request is %s",
                       ledger_status_name(carrying->request.status));
    else if (by)
        (void)snprintf(message, sizeof message, "%s; carried by %s%s", carrying->ending->message,
                       by->card.label,
                       by == carrying->carriers ? "" : ", since the own hospital did not");
    else
        (void)snprintf(message, sizeof message, "%s", carrying->ending->message);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    if (by)
        json_put_string(&writer, "carrier", by->card.label);
    json_close(&writer, '}');
    return result->failed;
}

static int carrying_begin(struct operation *operation, const struct ending *ending,
                          struct buffer *result, struct aceso_error *error)
{
    struct carrying carrying = {
        .node = operation->node,
        .ending = ending,
        .request = LEDGER_REQUEST_INIT,
        .body = BUFFER_INIT(4096),
        .until = time_monotonic_ms() + PATIENT_WAIT_MS,
    };
    const struct ledger_hospital *by = NULL;
    int code = patient_request(carrying.node, operation->input, &carrying.store,
                               &carrying.request, &carrying.at, error);

    if (!code)
        code = carrying_check(&carrying, error);
    if (!code)
        code = carrying_sign(&carrying, error);
    if (!code)
        code = carrying_find(&carrying, error);
    if (!code)
        code = carrying_run(&carrying, &by, error);
    if (!code)
        code = carrying_tell(&carrying, by, result);
    ledger_request_free(&carrying.request);
    buffer_free(&carrying.body);
    free(carrying.carriers);
    store_close(carrying.store);
    return code;
}

int patient_deny(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    return carrying_begin(operation, &refusal, result, error);
}

int patient_revoke(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    return carrying_begin(operation, &revocation, result, error);
}
