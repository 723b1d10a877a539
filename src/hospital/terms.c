/* SPDX-License-Identifier: Apache-2.0 */
#include "hospital/terms.h"

#include "base/text.h"
#include "chain/hpsc.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- policies ---------------------------------------------------------------------------- */

static int terms_attribute(const struct aceso_abe_policy *policy, size_t row,
                           char attribute[ATTRIBUTE_TEXT_MAX], struct aceso_error *error)
{
    return keyring_abe_error(aceso_abe_policy_attribute(policy, row, attribute), "policy", error);
}

static bool terms_own(const struct node *node, const char *attribute)
{
    const char *at = strchr(attribute, '@');

    return at && strcmp(at + 1, node->config.hospital.label) == 0;
}

static int terms_check_begun(struct store *store, const char *attribute,
                             struct aceso_error *error)
{
    struct statement *query = NULL;
    char name[ATTRIBUTE_TEXT_MAX];
    int step, code = store_prepare(store, "SELECT 1 FROM attribute WHERE name = ?1", &query, error);

    if (code)
        return code;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(attribute, "@"), attribute);
    statement_bind_text(query, 1, name);
    step = statement_step(query, error);
    statement_finish(query);
    if (step == 0)
        return error_set(error, ACESO_ENOTFOUND, "policy", "this hospital has no attribute %s",
                         attribute);
    return step < 0 ? step : ACESO_OK;
}

int terms_check_names(const struct node *node, struct store *store,
                      const struct aceso_abe_policy *policy, struct aceso_error *error)
{
    char attribute[ATTRIBUTE_TEXT_MAX];
    int code = ACESO_OK;

    for (size_t row = 0; !code && row < aceso_abe_policy_rows(policy); row++) {
        struct ledger_hospital authority;

        code = terms_attribute(policy, row, attribute, error);
        if (!code && terms_own(node, attribute))
            code = terms_check_begun(store, attribute, error);
        else if (!code)
            code = ledger_hospital_by_label(store, strchr(attribute, '@') + 1, &authority, NULL);
        if (code == ACESO_ENOTFOUND && !terms_own(node, attribute))
            code = error_set(error, code, "policy", "%s: there is no authority of that name",
                             attribute);
    }
    return code;
}

/* Those attributes of the policy, each once, that the hospital has (`has`) or lacks. */
struct terms_list {
    char text[ACESO_ABE_POLICY_ROWS_MAX][ATTRIBUTE_TEXT_MAX];
    const char *item[ACESO_ABE_POLICY_ROWS_MAX];
    size_t count;
};

static void terms_put(struct terms_list *list, const char *attribute)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->item[i], attribute) == 0)
            return;
    }
    (void)snprintf(list->text[list->count], ATTRIBUTE_TEXT_MAX, "%s", attribute);
    list->item[list->count] = list->text[list->count];
    list->count++;
}

static bool terms_held(const struct keyring *keyring, const char *attribute)
{
    size_t count = 0;
    const struct aceso_abe_user_key *const *keys = keyring_user(keyring, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(aceso_abe_user_key_attribute(keys[i]), attribute) == 0)
            return true;
    }
    return false;
}

static int terms_refuse(const struct terms_list *lacks, struct aceso_error *error)
{
    struct buffer names = BUFFER_INIT(256);

    for (size_t i = 0; i < lacks->count && !names.failed; i++)
        (void)buffer_printf(&names, "%s%s", i ? ", " : "", lacks->item[i]);
    (void)error_set(error, ACESO_EDENIED, "policy",
                    "the hospital itself does not satisfy it and could seal nothing: it lacks %s",
                    names.failed ? "attributes of other authorities" : buffer_text(&names));
    buffer_free(&names);
    return ACESO_EDENIED;
}

int terms_check_own(const struct node *node, struct store *store,
                    const struct aceso_abe_policy *policy, struct aceso_error *error)
{
    struct keyring *keyring = keyring_create(node->config.address);
    struct terms_list *has = calloc(1, sizeof *has), *lacks = calloc(1, sizeof *lacks);
    char attribute[ATTRIBUTE_TEXT_MAX];
    int code = keyring && has && lacks ? held_keys_load(store, node->keys, keyring, error)
                                       : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    for (size_t row = 0; !code && row < aceso_abe_policy_rows(policy); row++) {
        code = terms_attribute(policy, row, attribute, error);
        if (!code)
            terms_put(terms_own(node, attribute) || terms_held(keyring, attribute) ? has : lacks,
                      attribute);
    }
    if (!code && !aceso_abe_policy_satisfied(policy, has->item, has->count))
        code = terms_refuse(lacks, error);
    keyring_free(keyring);
    free(has);
    free(lacks);
    return code;
}

int terms_demand(const struct aceso_abe_policy *policy, const char *attribute, bool *demanded,
                 struct aceso_error *error)
{
    struct terms_list *others = calloc(1, sizeof *others);
    char other[ATTRIBUTE_TEXT_MAX];
    int code = others ? ACESO_OK : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    for (size_t row = 0; !code && row < aceso_abe_policy_rows(policy); row++) {
        code = terms_attribute(policy, row, other, error);
        if (!code && strcmp(other, attribute) != 0)
            terms_put(others, other);
    }
    if (!code)
        *demanded = !aceso_abe_policy_satisfied(policy, others->item, others->count);
    free(others);
    return code;
}

/* ---- overrides --------------------------------------------------------------------------- */

static int override_read(const struct http_request *request, struct hpsc_override *change,
                         uint8_t signature[65], struct aceso_error *error)
{
    yyjson_doc *doc = NULL;
    uint64_t level = 0;
    int code = node_read_json(request, &doc, error);
    const yyjson_val *root = yyjson_doc_get_root(doc);

    if (!code)
        code = json_hex(root, "institute", change->institute, 20, error);
    if (!code)
        code = json_u64(root, "level", UINT8_MAX, &level, error);
    if (!code)
        code = json_u64(root, "nonce", UINT64_MAX, &change->nonce, error);
    if (!code)
        code = json_u64(root, "deadline", UINT64_MAX, &change->deadline, error);
    if (!code)
        code = json_hex(root, "signature", signature, 65, error);
    change->level = (uint8_t)level;
    yyjson_doc_free(doc);
    return code;
}

static int override_carry(struct node *node, struct store *store, const uint8_t contract[20],
                          const struct hpsc_override *change, const uint8_t signature[65],
                          struct aceso_error *error)
{
    struct outbox_result result = { .state = OUTBOX_QUEUED };
    struct buffer call = BUFFER_INIT(4096);
    const char what[] = "override-";
    char key[OUTBOX_KEY_MAX];
    uint8_t digest[32];
    int code = hpsc_call_set_override(change, signature, &call, error);

    if (!code) {
        const struct outbox_message message = { .to = contract, .data = buffer_bytes(&call) };

        keccak256(buffer_bytes(&call), digest);
        memcpy(key, what, sizeof what);
        text_hex(digest, 16, key + sizeof what - 1);
        code = outbox_add(store, key, &message, error);
    }
    if (!code && outbox_result(node->outbox, key, &result, NULL) == ACESO_OK &&
        result.state == OUTBOX_FAILED)
        code = error_set(error, ACESO_ECHAIN, NULL, "%s", result.reason);
    buffer_free(&call);
    return code;
}

int terms_serve_override(void *context, const struct http_request *request,
                         struct http_response *response, struct aceso_error *error)
{
    struct node *node = context;
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    struct hpsc_override change = { .level = 0 };
    struct store *store = NULL;
    uint8_t patient[20], signature[65], digest[32];
    int code = hospital_caller(node, request, "patient", patient, error);

    if (!code)
        code = override_read(request, &change, signature, error);
    if (!code && change.level > RECORD_LEVELS && change.level != HPSC_OVERRIDE_NONE)
        code = error_set(error, ACESO_EFORMAT, "level", "there is no level %u", change.level);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = ledger_relationship(store, node->config.hospital.id, patient, &relationship, error);
    if (!code) {
        const struct eip712_domain domain = node_domain(node, relationship.contract);

        hpsc_override_digest(&domain, &change, digest);
        code = eip712_verify(digest, signature, patient, error);
    }
    if (!code)
        code = override_carry(node, store, relationship.contract, &change, signature, error);
    if (!code) {
        response->status = 202;
        code = buffer_put_string(&response->body, "{}");
    }
    store_close(store);
    buffer_free(&relationship.headers);
    return code;
}
