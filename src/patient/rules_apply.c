/* SPDX-License-Identifier: Apache-2.0 */
#include "patient/rules_apply.h"

#include "base/log.h"
#include "base/text.h"
#include "chain/amsc.h"
#include "consent/vocabulary.h"
#include "crypto/digest.h"
#include "node/chain_thread.h"
#include "patient/rules.h"
#include "patient/terms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKED_AT "rules looked at"
#define RETRY_FIRST_S 2
#define RETRY_LAST_S 300
#define QUEUED_S 2 /* how often an operation that waits is looked at */

/* Rows of the table decision. A decision is DECIDING until an operation takes it, SENDING while
 * that one speaks with the hospital, and stays what it is after that. */
enum decision_state { DECIDING, SENDING, SENT, OWNER, OVER };

struct decision {
    uint64_t number;
    enum decision_state state;
    uint64_t attempt;
    struct rule_decision what;
    char reason[ACESO_ERROR_TEXT_MAX];
};

/* ACESO_ENOTFOUND, without words, where nothing was decided. */
static int decision_load(struct store *store, const uint8_t request[32], struct decision *decision,
                         struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT number, state, attempt, rule, verdict, level, term,"
                                   " reason FROM decision WHERE request = ?1",
                                   &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(request, 32));
    step = statement_step(query, error);
    if (step == 1) {
        decision->number = (uint64_t)statement_int(query, 0);
        decision->state = (enum decision_state)statement_int(query, 1);
        decision->attempt = (uint64_t)statement_int(query, 2);
        decision->what.number = (uint64_t)statement_int(query, 3);
        decision->what.verdict = (enum rule_verdict)statement_int(query, 4);
        decision->what.level = (unsigned)statement_int(query, 5);
        decision->what.term = (uint64_t)statement_int(query, 6);
        (void)snprintf(decision->reason, sizeof decision->reason, "%s", statement_text(query, 7));
    } else {
        code = step < 0 ? step : ACESO_ENOTFOUND;
    }
    statement_finish(query);
    return code;
}

static int decision_insert(struct store *store, const uint8_t request[32],
                           const struct rule_decision *what, enum decision_state state,
                           struct aceso_error *error)
{
    struct statement *insert = NULL;
    int code = store_prepare(store,
                             "INSERT OR REPLACE INTO decision (request, rule, verdict, level,"
                             " term, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                             &insert, error);

    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(request, 32));
    statement_bind_int(insert, 2, (int64_t)what->number);
    statement_bind_int(insert, 3, what->verdict);
    statement_bind_int(insert, 4, what->level);
    statement_bind_int(insert, 5, (int64_t)what->term);
    statement_bind_int(insert, 6, state);
    return statement_run(insert, error);
}

/* From here on the decision is on its way. ACESO_ENOTFOUND: somebody else decided meanwhile. */
static int decision_claim(struct store *store, uint64_t number, const struct rule_decision *what,
                          struct aceso_error *error)
{
    struct statement *update = NULL;
    int code = store_prepare(store,
                             "UPDATE decision SET state = ?2, rule = ?3, verdict = ?4, level = ?5,"
                             " term = ?6 WHERE number = ?1 AND state IN (?7, ?2)",
                             &update, error);

    if (code)
        return code;
    statement_bind_int(update, 1, (int64_t)number);
    statement_bind_int(update, 2, SENDING);
    statement_bind_int(update, 3, (int64_t)what->number);
    statement_bind_int(update, 4, what->verdict);
    statement_bind_int(update, 5, what->level);
    statement_bind_int(update, 6, (int64_t)what->term);
    statement_bind_int(update, 7, DECIDING);
    code = statement_run(update, error);
    if (!code && store_changes(store) != 1)
        code = error_set(error, ACESO_ENOTFOUND, NULL, "it was decided otherwise meanwhile");
    return code;
}

static int decision_set(struct store *store, uint64_t number, enum decision_state state,
                        int64_t due, const char *reason, struct aceso_error *error)
{
    struct statement *update = NULL;
    int code = store_prepare(store,
                             "UPDATE decision SET state = ?2, due = ?3, reason = ?4"
                             " WHERE number = ?1",
                             &update, error);

    if (code)
        return code;
    statement_bind_int(update, 1, (int64_t)number);
    statement_bind_int(update, 2, state);
    statement_bind_int(update, 3, due);
    statement_bind_text(update, 4, reason);
    return statement_run(update, error);
}

static int decision_drop(struct store *store, uint64_t number, struct aceso_error *error)
{
    struct statement *remove = NULL;
    int code = store_prepare(store, "DELETE FROM decision WHERE number = ?1", &remove, error);

    if (code)
        return code;
    statement_bind_int(remove, 1, (int64_t)number);
    return statement_run(remove, error);
}

/* ---- what the rules say ------------------------------------------------------------------ */

struct judging {
    struct node *node;
    struct store *store;
    const struct membership *at;
    struct rule *rules;
    size_t count;
};

/* The category comes from the credential that the chain accepted, never from the institute. */
static int judging_one(struct judging *judging, const struct ledger_request *request,
                       struct rule_decision *decision, struct aceso_error *error)
{
    struct ledger_credential credential = { .category = 0 };
    struct rule_case asked = { .institute = request->institute, .purpose = request->purpose,
                               .level = request->level, .term = request->term,
                               .hospital = judging->at->card.label };
    uint32_t epoch = 0;
    int code = ledger_credential(judging->store, request->institute, &credential, NULL);

    if (!code) {
        asked.category = credential.category;
        asked.live = credential.expiry > (uint64_t)time_now();
    }
    if (!code || code == ACESO_ENOTFOUND)
        code = terms_level(judging->store, request, asked.category, &asked.own, &epoch, error);
    if (!code)
        rules_match(judging->rules, judging->count, &asked, decision);
    return code;
}

static int judging_each(void *data, const struct ledger_request *request,
                        struct aceso_error *error)
{
    struct judging *judging = data;
    struct rule_decision decision;
    struct decision before;
    int code;

    if (request->hospital != judging->at->card.id || request->status != LEDGER_OPEN ||
        request->deadline <= (uint64_t)time_now())
        return ACESO_OK;
    code = decision_load(judging->store, request->id, &before, NULL);
    if (code != ACESO_ENOTFOUND)
        return code;
    code = judging_one(judging, request, &decision, error);
    if (!code && decision.verdict != RULE_ASK) {
        code = decision_insert(judging->store, request->id, &decision, DECIDING, error);
        log_info("a request is to be decided by rule %llu: %s",
                 (unsigned long long)decision.number, rule_verdict_name(decision.verdict));
    }
    return code;
}

/* What stands in the ledger and in the rules can change with a block and with a rule only. */
static int rules_position(struct node *node, struct store *store, struct buffer *now,
                          struct aceso_error *error)
{
    struct statement *query = NULL;
    uint64_t block = 0;
    bool answers = false;
    int step, code = store_prepare(store, "SELECT max(number) FROM ledger_request", &query, error);

    if (code)
        return code;
    step = statement_step(query, error);
    chain_thread_position(node->chain, &block, &answers);
    (void)buffer_put_u64(now, block);
    if (step >= 0)
        (void)buffer_put_u64(now, (uint64_t)statement_int(query, 0));
    statement_finish(query);
    return step < 0 ? step : now->failed;
}

static int rules_look(struct node *node, struct store *store, struct bytes position,
                      struct aceso_error *error)
{
    struct judging judging = { .node = node, .store = store };
    int code = store_begin(store, error);

    if (!code)
        code = rules_load(store, &judging.rules, &judging.count, error);
    for (size_t i = 0; !code && judging.count && i < node->membership_count; i++) {
        judging.at = &node->memberships[i];
        code = ledger_requests(store, judging.at->address, 0, judging_each, &judging, error);
    }
    if (!code)
        code = setting_put(store, LOOKED_AT, position, error);
    if (!code)
        code = store_commit(store, error);
    store_rollback(store);
    free(judging.rules);
    return code;
}

static int rules_changed(struct node *node, struct store *store, struct aceso_error *error)
{
    int code = setting_put(store, LOOKED_AT, bytes_of(NULL, 0), error);

    chain_thread_wake(node->chain);
    return code;
}

/* ---- handing it to the lane -------------------------------------------------------------- */

/* An attempt's operation: the same one however often it is asked for. */
static void attempt_id(const uint8_t request[32], uint64_t number, uint64_t attempt,
                       char id[OPERATION_ID_SIZE])
{
    struct buffer text = BUFFER_INIT(128);
    uint8_t digest[32];

    (void)buffer_put_string(&text, "decision by a rule");
    (void)buffer_put(&text, request, 32);
    (void)buffer_put_u64(&text, number);
    (void)buffer_put_u64(&text, attempt);
    sha256(buffer_bytes(&text), digest);
    text_hex(digest, 32, id);
    buffer_free(&text);
}

/* Whether attempt `id` was asked for, and still waits or runs. */
static int attempt_look(struct node *node, const char *id, bool *known, bool *queued)
{
    struct buffer answer = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    yyjson_doc *doc = NULL;
    int code = operations_describe(node->operations, id, &answer, NULL);

    *known = code == ACESO_OK;
    *queued = false;
    if (!code)
        code = json_parse(buffer_bytes(&answer), &doc, NULL);
    if (!code)
        *queued =
            strcmp(json_string_or(yyjson_doc_get_root(doc), "state", ""), "queued") == 0;
    yyjson_doc_free(doc);
    buffer_free(&answer);
    return code == ACESO_ENOTFOUND ? ACESO_OK : code;
}

static int attempt_ask(struct node *node, struct store *store, const uint8_t request[32],
                       uint64_t number, uint64_t attempt, struct aceso_error *error)
{
    struct statement *update = NULL;
    struct buffer input = BUFFER_INIT(256);
    struct json_writer writer = json_writer_of(&input);
    char id[OPERATION_ID_SIZE];
    bool known = false, queued = false;
    int code;

    attempt_id(request, number, attempt, id);
    code = attempt_look(node, id, &known, &queued);
    if (known && !queued)
        attempt_id(request, number, ++attempt, id);
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "request", request, 32);
    json_close(&writer, '}');
    if (!code && !queued)
        code = operations_add(node->operations, id, "patient", "decide", buffer_bytes(&input),
                              error);
    if (!code)
        code = store_prepare(store, "UPDATE decision SET attempt = ?2, due = ?3 WHERE number = ?1",
                             &update, error);
    if (!code) {
        statement_bind_int(update, 1, (int64_t)number);
        statement_bind_int(update, 2, (int64_t)attempt);
        statement_bind_int(update, 3, time_now() + QUEUED_S);
        code = statement_run(update, error);
    }
    buffer_free(&input);
    return code;
}

#define RULES_AT_ONCE 16

static int rules_hand_over(struct node *node, struct store *store, struct aceso_error *error)
{
    struct {
        uint8_t request[32];
        uint64_t number, attempt;
    } due[RULES_AT_ONCE];
    struct statement *query = NULL;
    size_t count = 0;
    int step, code = store_prepare(store,
                                   "SELECT request, number, attempt FROM decision"
                                   " WHERE state < 2 AND due <= ?1 ORDER BY due LIMIT ?2",
                                   &query, error);

    if (code)
        return code;
    statement_bind_int(query, 1, time_now());
    statement_bind_int(query, 2, RULES_AT_ONCE);
    while (!code && count < RULES_AT_ONCE && (step = statement_step(query, error)) != 0) {
        code = step < 0 ? step : statement_copy(query, 0, due[count].request, 32);
        due[count].number = (uint64_t)statement_int(query, 1);
        due[count].attempt = (uint64_t)statement_int(query, 2);
        count++;
    }
    statement_finish(query);
    for (size_t i = 0; !code && i < count; i++)
        code = attempt_ask(node, store, due[i].request, due[i].number, due[i].attempt, error);
    return code;
}

int rules_tick(struct node *node, struct store *store, struct aceso_error *error)
{
    struct buffer now = BUFFER_INIT(64), seen = BUFFER_INIT(64);
    int code = ACESO_OK;

    /* What the chain lost may be the very end of a request that seems open. */
    if (!node_recovering(node)) {
        code = rules_position(node, store, &now, error);
        if (!code && (setting_get(store, LOOKED_AT, &seen, NULL) ||
                      !bytes_equal(buffer_bytes(&seen), buffer_bytes(&now))))
            code = rules_look(node, store, buffer_bytes(&now), error);
    }
    if (!code)
        code = rules_hand_over(node, store, error);
    buffer_free(&now);
    buffer_free(&seen);
    return code;
}

/* ---- carrying it out --------------------------------------------------------------------- */

struct applying {
    struct node *node;
    struct operation *operation;
    struct store *store;
    struct ledger_request request;
    struct decision decision;
};

/* As if the owner had said it, so that the same checks are made on the same way. */
static int applying_send(struct applying *applying, struct aceso_error *error)
{
    const struct rule_decision *what = &applying->decision.what;
    struct buffer input = BUFFER_INIT(1024), result = BUFFER_INIT(4096);
    struct json_writer writer = json_writer_of(&input);
    struct operation operation = *applying->operation;
    yyjson_doc *doc = NULL;
    char term[32];
    int code;

    (void)snprintf(term, sizeof term, "%llus", (unsigned long long)what->term);
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "request", applying->request.id, 32);
    if (what->verdict == RULE_ALLOW)
        json_put_string(&writer, "level", level_name(what->level));
    if (what->verdict == RULE_ALLOW && what->term != applying->request.term)
        json_put_string(&writer, "term", term);
    json_close(&writer, '}');
    code = json_parse(buffer_bytes(&input), &doc, error);
    operation.input = yyjson_doc_get_root(doc);
    if (!code && what->verdict == RULE_ALLOW)
        code = patient_approve(&operation, &result, error);
    else if (!code)
        code = patient_deny(&operation, &result, error);
    yyjson_doc_free(doc);
    buffer_free(&input);
    buffer_free(&result);
    return code;
}

/* What the rules say now, under the terms as they are now: before it is sent nothing is decided for
 * good. */
static int applying_judge(struct applying *applying, struct aceso_error *error)
{
    struct judging judging = { .node = applying->node, .store = applying->store };
    struct contract amsc = node_amsc(applying->node);
    struct rule_decision *what = &applying->decision.what;
    bool live = false;
    int code = rules_load(applying->store, &judging.rules, &judging.count, error);

    judging.at = patient_at(applying->node, applying->request.hospital, applying->request.patient);
    if (!code && !judging.at)
        code = error_set(error, ACESO_EDENIED, NULL, "the request is about somebody else");
    if (!code)
        code = judging_one(&judging, &applying->request, what, error);
    if (!code && what->verdict == RULE_ALLOW) {
        code = amsc_credential_live(&amsc, applying->request.institute, &live, error);
        if (!code && !live)
            what->verdict = RULE_ASK;
    }
    free(judging.rules);
    return code;
}

/* The words for who asks how the operation went. */
static int applying_run(struct applying *applying, const char **words, struct aceso_error *error)
{
    struct decision *decision = &applying->decision;
    enum ledger_status status = applying->request.status;
    int code;

    if (status != LEDGER_OPEN || applying->request.deadline <= (uint64_t)time_now()) {
        *words = "the request is not open any more";
        return decision_set(applying->store, decision->number,
                            status == LEDGER_APPROVED || status == LEDGER_REFUSED ? SENT : OVER, 0,
                            "", error);
    }
    code = applying_judge(applying, error);
    if (!code && decision->what.verdict == RULE_ASK) {
        *words = "left to the owner";
        return decision_drop(applying->store, decision->number, error);
    }
    if (!code)
        code = decision_claim(applying->store, decision->number, &decision->what, error);
    if (!code)
        code = applying_send(applying, error);
    if (!code)
        code = decision_set(applying->store, decision->number, SENT, 0, "", error);
    *words = "decided by a rule";
    return code;
}

static int64_t applying_pause(uint64_t attempt)
{
    return attempt < 8 ? (int64_t)RETRY_FIRST_S << attempt : RETRY_LAST_S;
}

int rules_decide(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct applying applying = { .node = operation->node, .operation = operation,
                                 .request = LEDGER_REQUEST_INIT };
    struct aceso_error why = { 0 };
    const char *words = "nothing is left to decide";
    uint8_t id[32];
    int code = json_hex(operation->input, "request", id, 32, error);

    if (!code)
        code = node_store(operation->node, &applying.store, error);
    if (!code)
        code = decision_load(applying.store, id, &applying.decision, error);
    if (code == ACESO_ENOTFOUND || (!code && applying.decision.state >= SENT)) {
        store_close(applying.store);
        return patient_result(result, words);
    }
    if (code) {
        store_close(applying.store);
        return code;
    }
    code = ledger_request(applying.store, id, &applying.request, &why);
    if (!code)
        code = applying_run(&applying, &words, &why);
    else if (code == ACESO_ENOTFOUND) /* the chain lost it; should it come back, so does this */
        code = decision_drop(applying.store, applying.decision.number, &why);
    if (code && code != ACESO_ECANCELLED) { /* the lane is not to wait for a hospital */
        log_info("a rule's decision is tried again: %s", why.text);
        words = "not now; it is tried again";
        code = decision_set(applying.store, applying.decision.number, DECIDING,
                            time_now() + applying_pause(applying.decision.attempt), why.text,
                            error);
    }
    ledger_request_free(&applying.request);
    store_close(applying.store);
    return code ? code : patient_result(result, words);
}

/* ---- the owner's own word ---------------------------------------------------------------- */

/* Marks an open request as the owner's; ACESO_EBUSY while a rule's decision on it is on its way. */
static int owner_take(struct store *store, const uint8_t id[32], bool *taken,
                      struct aceso_error *error)
{
    const struct rule_decision none = { .verdict = RULE_ASK };
    struct ledger_request request = LEDGER_REQUEST_INIT;
    struct decision before;
    int code = store_begin(store, error);

    if (!code)
        code = ledger_request(store, id, &request, error);
    if (!code && request.status == LEDGER_OPEN) {
        if (decision_load(store, id, &before, NULL) == ACESO_OK && before.state == SENDING)
            code = error_set(error, ACESO_EBUSY, NULL,
                             "what rule %llu decided on it is just being sent",
                             (unsigned long long)before.what.number);
        else
            code = decision_insert(store, id, &none, OWNER, error);
        *taken = !code;
    }
    if (!code)
        code = store_commit(store, error);
    store_rollback(store);
    ledger_request_free(&request);
    return code;
}

/* The owner's word was refused: the rules may speak again. */
static void owner_leave(struct node *node, struct store *store, const uint8_t id[32])
{
    struct decision taken;

    if (decision_load(store, id, &taken, NULL) == ACESO_OK && taken.state == OWNER &&
        (decision_drop(store, taken.number, NULL) || rules_changed(node, store, NULL)))
        log_warning("a request stays the owner's, whose decision failed");
}

static int owner_decide(struct operation *operation, operation_fn *decide, struct buffer *result,
                        struct aceso_error *error)
{
    struct store *store = NULL;
    bool taken = false;
    uint8_t id[32];
    int code = json_hex(operation->input, "request", id, 32, error);

    if (!code)
        code = node_store(operation->node, &store, error);
    if (!code)
        code = owner_take(store, id, &taken, error);
    if (!code) {
        code = decide(operation, result, error);
        if (taken && (code == ACESO_EDENIED || code == ACESO_EUSAGE || code == ACESO_ESTATE))
            owner_leave(operation->node, store, id);
    }
    store_close(store);
    return code;
}

int rules_owner_approve(struct operation *operation, struct buffer *result,
                        struct aceso_error *error)
{
    return owner_decide(operation, patient_approve, result, error);
}

int rules_owner_deny(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    return owner_decide(operation, patient_deny, result, error);
}

/* ---- the rules themselves ---------------------------------------------------------------- */

static int rules_report(struct buffer *result, const struct rule *rule)
{
    struct buffer message = BUFFER_INIT(1024);
    struct json_writer writer = json_writer_of(result);

    (void)buffer_printf(&message, "rule %llu: ", (unsigned long long)rule->number);
    (void)rule_print(rule, &message);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", buffer_text(&message));
    json_put_u64(&writer, "number", rule->number);
    json_close(&writer, '}');
    buffer_free(&message);
    return result->failed;
}

int rules_rule(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    struct patient_choice choice;
    struct store *store = NULL;
    struct rule rule;
    int code = rule_parse(operation->input, &rule, error);

    if (!code && rule.hospital[0]) /* it must be one of the patient's */
        code = patient_choose(node, operation->input, &choice, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = store_begin(store, error);
    if (!code)
        code = rules_add(store, operation->id, &rule, error);
    if (!code)
        code = rules_changed(node, store, error);
    if (!code)
        code = store_commit(store, error);
    chain_thread_wake(node->chain);
    store_close(store);
    return code ? code : rules_report(result, &rule);
}

/* What the rule decided and nobody has been told yet is open again. */
static int rules_take_back(struct store *store, uint64_t number, struct aceso_error *error)
{
    struct statement *remove = NULL;
    int code = store_prepare(store, "DELETE FROM decision WHERE rule = ?1 AND state = ?2", &remove,
                             error);

    if (code)
        return code;
    statement_bind_int(remove, 1, (int64_t)number);
    statement_bind_int(remove, 2, DECIDING);
    return statement_run(remove, error);
}

int rules_unrule(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct node *node = operation->node;
    struct store *store = NULL;
    uint64_t number = 0;
    char message[96];
    int code = json_u64(operation->input, "number", INT64_MAX, &number, error);

    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = store_begin(store, error);
    if (!code)
        code = rules_remove(store, operation->id, number, error);
    if (!code)
        code = rules_take_back(store, number, error);
    if (!code)
        code = rules_changed(node, store, error);
    if (!code)
        code = store_commit(store, error);
    chain_thread_wake(node->chain);
    store_close(store);
    (void)snprintf(message, sizeof message, "rule %llu counts no more",
                   (unsigned long long)number);
    return code ? code : patient_result(result, message);
}

int rules_decide_again(struct node *node, struct store *store, const struct membership *at,
                       struct aceso_error *error)
{
    struct statement *remove = NULL;
    int code = store_prepare(store,
                             "DELETE FROM decision WHERE state <> ?1 AND request IN"
                             " (SELECT id FROM ledger_request WHERE patient = ?2 AND hospital = ?3"
                             " AND status = ?4)",
                             &remove, error);

    if (code)
        return code;
    statement_bind_int(remove, 1, OWNER);
    statement_bind_blob(remove, 2, bytes_of(at->address, 20));
    statement_bind_int(remove, 3, at->card.id);
    statement_bind_int(remove, 4, LEDGER_OPEN);
    code = statement_run(remove, error);
    return code ? code : rules_changed(node, store, error);
}

/* ---- what the owner sees ----------------------------------------------------------------- */

int rules_view(struct node *node, const yyjson_val *input, struct buffer *out,
               struct aceso_error *error)
{
    struct listing listing;
    struct rule *rules = NULL;
    struct store *store = NULL;
    size_t count = 0;
    int code = node_store(node, &store, error);

    (void)input;
    if (!code)
        code = rules_load(store, &rules, &count, error);
    listing_begin(&listing, "rules", NULL, out);
    for (size_t i = 0; i < count; i++) {
        rule_write(&rules[i], &listing.writer);
        (void)buffer_printf(&listing.text, "%s%llu  ", listing.count++ ? "\n" : "",
                            (unsigned long long)rules[i].number);
        (void)rule_print(&rules[i], &listing.text);
    }
    free(rules);
    store_close(store);
    return listing_end(&listing, "no rules: every request is asked about", code);
}

int rules_list_decision(struct listing *listing, const struct ledger_request *request,
                        struct aceso_error *error)
{
    static const char *const words[] = { [DECIDING] = "waits", [SENDING] = "waits",
                                         [SENT] = "sent", [OWNER] = "", [OVER] = "over" };
    struct decision decision;
    int code = decision_load(listing->store, request->id, &decision, error);

    if (code == ACESO_ENOTFOUND || (!code && decision.what.number == 0)) /* none, or the owner's */
        return ACESO_OK;
    if (code)
        return code;
    json_put_u64(&listing->writer, "rule", decision.what.number);
    json_put_string(&listing->writer, "decision", rule_verdict_name(decision.what.verdict));
    json_put_string(&listing->writer, "decision_state", words[decision.state]);
    if (decision.what.verdict == RULE_ALLOW)
        (void)buffer_printf(&listing->text, ", allowed up to %s",
                            level_name(decision.what.level));
    else
        (void)buffer_put_string(&listing->text, ", denied");
    (void)buffer_printf(&listing->text, " by rule %llu", (unsigned long long)decision.what.number);
    if (decision.state < SENT)
        (void)buffer_printf(&listing->text, " (not sent yet%s%s)", decision.reason[0] ? ": " : "",
                            decision.reason);
    return listing->text.failed;
}
