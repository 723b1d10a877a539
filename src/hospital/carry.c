/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals and revocations on their way to the chain. Whoever brings one, and for a request to
 * whichever hospital: it is the patient's signature that counts. So a hospital that will not carry
 * its patient's word is gone around through another one, which pays for the transaction; that is
 * why it is looked at before, and why what is carried for others has a limit. */
#include "base/text.h"
#include "chain/arsc.h"
#include "eth/eip712.h"
#include "hospital/internal.h"

#include <stdio.h>
#include <string.h>

#define CARRY_SECONDS 3600
#define CARRY_CALLER_MAX 30 /* that one caller may have carried in so many seconds */
#define CARRY_MAX 600       /* and all callers together */

struct carrying {
    const char *name;
    enum ledger_status from;
    void (*digest)(const struct eip712_domain *arsc, const uint8_t request[32],
                   uint8_t digest[32]);
    int (*call)(const uint8_t request[32], const uint8_t *signature, struct buffer *call,
                struct aceso_error *error);
};

static const struct carrying refusal = { "refusal", LEDGER_OPEN, arsc_refusal_digest,
                                         arsc_call_refuse };
static const struct carrying revocation = { "revocation", LEDGER_APPROVED, arsc_revocation_digest,
                                            arsc_call_revoke };

/* Whether there is still something to end; what has ended already, however, is as was wished. */
static int carry_check(struct node *node, const struct carrying *kind,
                       const struct ledger_request *request, const uint8_t signature[65],
                       bool *done, struct aceso_error *error)
{
    struct eip712_domain domain = node_domain(node, node->config.network.arsc);
    uint8_t digest[32];
    int code;

    kind->digest(&domain, request->id, digest);
    code = eip712_verify(digest, signature, request->patient, error);
    if (code)
        return code;
    *done = request->status != LEDGER_OPEN && request->status != LEDGER_APPROVED;
    if (!*done && request->status != kind->from)
        return error_set(error, ACESO_ESTATE, NULL, "the request is %s",
                         ledger_status_name(request->status));
    return ACESO_OK;
}

static int carry_count(struct store *store, const char *sql, const uint8_t caller[20], int64_t now,
                       int64_t *count, struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store, sql, &query, error);

    if (code)
        return code;
    statement_bind_int(query, 1, now - CARRY_SECONDS);
    if (caller)
        statement_bind_blob(query, 2, bytes_of(caller, 20));
    step = statement_step(query, error);
    if (step == 1)
        *count = statement_int(query, 0);
    statement_finish(query);
    return step == 1 ? ACESO_OK : step < 0 ? step : ACESO_EINTERNAL;
}

int carry_limit(struct store *store, const uint8_t caller[20], const uint8_t request[32],
                int64_t now, struct aceso_error *error)
{
    struct statement *change = NULL;
    int64_t own = 0, all = 0;
    int code = store_prepare(store, "DELETE FROM carried WHERE time <= ?1", &change, error);

    if (!code) {
        statement_bind_int(change, 1, now - CARRY_SECONDS);
        code = statement_run(change, error);
    }
    if (!code)
        code = carry_count(store, "SELECT count(*) FROM carried WHERE time > ?1", NULL, now, &all,
                           error);
    if (!code)
        code = carry_count(store, "SELECT count(*) FROM carried WHERE time > ?1 AND caller = ?2",
                           caller, now, &own, error);
    if (!code && (own >= CARRY_CALLER_MAX || all >= CARRY_MAX))
        return error_set(error, ACESO_EBUSY, NULL, "carried enough for others for now");
    if (!code)
        code = store_prepare(store,
                             "INSERT OR REPLACE INTO carried (request, caller, time)"
                             " VALUES (?1, ?2, ?3)",
                             &change, error);
    if (code)
        return code;
    statement_bind_blob(change, 1, bytes_of(request, 32));
    statement_bind_blob(change, 2, bytes_of(caller, 20));
    statement_bind_int(change, 3, now);
    return statement_run(change, error);
}

/* Writes the transaction down, in the store's transaction. One that failed before (the block that
 * it built on was lost, say) is tried again: what is to be ended is still there. */
static int carry_write(struct node *node, struct store *store, const struct carrying *kind,
                       const struct ledger_request *request, const uint8_t signature[65],
                       const uint8_t caller[20], struct aceso_error *error)
{
    struct buffer call = BUFFER_INIT(4096);
    struct outbox_result result = { .state = OUTBOX_QUEUED };
    char key[OUTBOX_KEY_MAX], hex[65];
    int code = kind->call(request->id, signature, &call, error);
    bool known;

    text_hex(request->id, 32, hex);
    (void)snprintf(key, sizeof key, "%s-%s", kind->name, hex);
    known = outbox_result(node->outbox, key, &result, NULL) == ACESO_OK;
    if (!code && !(known && result.state != OUTBOX_FAILED) &&
        request->hospital != node->config.hospital.id)
        code = carry_limit(store, caller, request->id, time_now(), error);
    if (!code && known && result.state == OUTBOX_FAILED) {
        code = outbox_retry(store, key, error);
    } else if (!code && !known) {
        const struct outbox_message message = { .to = node->config.network.arsc,
                                                .data = buffer_bytes(&call) };

        code = outbox_add(store, key, &message, error);
    }
    buffer_free(&call);
    return code;
}

/* The request as the ledger has it; where that may be a block behind, as the chain has it. */
static int carry_find(struct node *node, struct store *store, const struct carrying *kind,
                      const uint8_t id[32], struct ledger_request *found,
                      struct aceso_error *error)
{
    int code = ledger_request(store, id, found, error);

    if (code && code != ACESO_ENOTFOUND)
        return code;
    if (!code && (found->status != LEDGER_OPEN || found->status == kind->from))
        return code;
    code = node_catch_up(node, error);
    ledger_request_free(found);
    return code ? code : ledger_request(store, id, found, error);
}

static int carry_serve(struct node *node, const struct http_request *request,
                       const struct carrying *kind, struct http_response *response,
                       struct aceso_error *error)
{
    struct ledger_request found = LEDGER_REQUEST_INIT;
    struct store *store = NULL;
    yyjson_doc *doc = NULL;
    uint8_t id[32], signature[65];
    bool done = false;
    int code = sharing_path_request(request, id, error);

    if (!code)
        code = node_read_json(request, &doc, error);
    if (!code)
        code = json_hex(yyjson_doc_get_root(doc), "signature", signature, 65, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = carry_find(node, store, kind, id, &found, error);
    if (!code)
        code = carry_check(node, kind, &found, signature, &done, error);
    if (!code && !done) {
        code = store_begin(store, error);
        if (!code)
            code = carry_write(node, store, kind, &found, signature,
                               node_caller(request)->address, error);
        if (!code)
            code = store_commit(store, error);
        else
            store_rollback(store);
        response->status = 202;
    }
    if (!code)
        code = buffer_put_string(&response->body, "{}");
    ledger_request_free(&found);
    store_close(store);
    yyjson_doc_free(doc);
    return code;
}

int carry_serve_refusal(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    return carry_serve(context, request, &refusal, response, error);
}

int carry_serve_revocation(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error)
{
    return carry_serve(context, request, &revocation, response, error);
}
