/* SPDX-License-Identifier: Apache-2.0 */
/* Asking: a request on the chain, with the credential on first contact. Uses node. */
#include "base/text.h"
#include "chain/arsc.h"
#include "consent/vocabulary.h"
#include "institute/internal.h"
#include "node/credential.h"

#include <stdio.h>
#include <string.h>

#define INSTITUTE_REQUEST_SECONDS ((uint64_t)14 * 86400) /* how long a request may wait */
#define INSTITUTE_TERM "30d"

/* Number and deadline make the request's id: drawn once for each operation, so that asking again
 * after a crash asks for the same thing. */
static int asking_identity(struct operation *operation, struct store *store, struct arsc_ask *ask,
                           struct aceso_error *error)
{
    struct statement *insert = NULL, *query = NULL;
    int step, code = store_prepare(store,
                                   "INSERT INTO asked (operation, number, deadline)"
                                   " SELECT ?1, (SELECT count(*) FROM asked) % 65536, ?2"
                                   " WHERE true ON CONFLICT (operation) DO NOTHING",
                                   &insert, error);
    if (code)
        return code;
    statement_bind_text(insert, 1, operation->id);
    statement_bind_int(insert, 2, time_now() + (int64_t)INSTITUTE_REQUEST_SECONDS);
    code = statement_run(insert, error);
    if (!code)
        code = store_prepare(store, "SELECT number, deadline FROM asked WHERE operation = ?1",
                             &query, error);
    if (code)
        return code;
    statement_bind_text(query, 1, operation->id);
    step = statement_step(query, error);
    if (step == 1) {
        ask->number = (uint16_t)statement_int(query, 0);
        ask->deadline = (uint64_t)statement_int(query, 1);
    }
    statement_finish(query);
    return step == 1 ? ACESO_OK : step < 0 ? step : ACESO_EINTERNAL;
}

static int asking_read(const struct node *node, const yyjson_val *input, struct store *store,
                       struct arsc_ask *ask, struct aceso_error *error)
{
    const char *hospital = NULL, *purpose = NULL, *level = NULL;
    const char *term = json_string_or(input, "term", INSTITUTE_TERM);
    struct ledger_hospital found;
    unsigned purpose_code = 0, level_code = 0;
    int code = json_string(input, "hospital", &hospital, error);

    if (!code)
        code = ledger_hospital_by_label(store, hospital, &found, error);
    if (!code && node->config.role == ROLE_HOSPITAL && found.card.id == node->config.hospital.id)
        code = error_set(error, ACESO_EDENIED, "hospital",
                         "that is this hospital itself: it has the records of its own patients");
    if (!code)
        code = json_hex(input, "patient", ask->patient, 20, error);
    if (!code)
        code = json_string(input, "purpose", &purpose, error);
    if (!code)
        code = purpose_parse(purpose, &purpose_code, error);
    if (!code)
        code = json_string(input, "level", &level, error);
    if (!code)
        code = level_parse(level, &level_code, error);
    if (!code)
        code = term_parse(term, &ask->term, error);
    if (code)
        return code;
    ask->hospital = found.card.id;
    ask->purpose = (uint8_t)purpose_code;
    ask->level = (uint8_t)level_code;
    return ACESO_OK;
}

/* The credential is shown on first contact, or when the owner names one. */
static int asking_credential(struct node *node, const yyjson_val *input, struct store *store,
                             struct credential *credential, bool *show, struct aceso_error *error)
{
    const char *given = json_string_or(input, "credential", NULL);
    struct ledger_credential accepted;
    int code;

    *show = true;
    if (given)
        return credential_parse(bytes_of_string(given), credential, error);
    code = credential_load(node->directory, credential, error);
    if (!code && ledger_credential(store, node->config.address, &accepted, NULL) == ACESO_OK &&
        accepted.serial == credential->content.serial)
        *show = false;
    return code;
}

static int asking_result(const struct arsc_ask *ask, const uint8_t id[32],
                         const struct outbox_result *mined, struct buffer *result)
{
    struct json_writer writer = json_writer_of(result);
    char message[192], hex[65];

    text_hex(id, 32, hex);
    (void)snprintf(message, sizeof message, "asked for level %s; the request is 0x%s",
                   level_name(ask->level), hex);
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    json_put_hex(&writer, "request", id, 32);
    node_put_transaction(&writer, mined);
    json_close(&writer, '}');
    return result->failed;
}

int institute_request(struct operation *operation, struct buffer *result,
                      struct aceso_error *error)
{
    struct node *node = operation->node;
    struct buffer call = BUFFER_INIT(65536);
    struct outbox_result mined = { 0 };
    struct arsc_ask ask = { .number = 0 };
    struct credential credential;
    struct store *store = NULL;
    uint8_t id[32];
    char key[OPERATION_ID_SIZE + 16];
    bool show = false;
    int code = node_store(node, &store, error);

    if (!code)
        code = asking_read(node, operation->input, store, &ask, error);
    if (!code)
        code = asking_identity(operation, store, &ask, error);
    if (!code)
        code = asking_credential(node, operation->input, store, &credential, &show, error);
    store_close(store);
    if (!code)
        code = arsc_call_request(&ask, show ? &credential.content : NULL,
                                 show ? credential.signature : NULL, &call, error);
    (void)snprintf(key, sizeof key, "request-%s", operation->id);
    if (!code)
        code = node_transact(node, key, node->config.network.arsc, buffer_bytes(&call), &mined,
                             error);
    if (!code) {
        arsc_request_id(node->config.address, &ask, id);
        code = asking_result(&ask, id, &mined, result);
    }
    buffer_free(&call);
    return code;
}
