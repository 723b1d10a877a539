/* SPDX-License-Identifier: Apache-2.0 */
/* The patient's role: an authority of its own, whose keys are its consents. Here what its files
 * share, its tables, and what its owner sees. Uses node. */
#include "patient/patient.h"

#include "base/secret.h"
#include "base/text.h"
#include "node/listing.h"
#include "patient/internal.h"
#include "patient/rules.h"
#include "patient/rules_apply.h"
#include "patient/terms.h"

#include <poll.h>
#include <string.h>

#define PATIENT_TURN_MS 50

/* At first a patient kept nothing beside what every node keeps. */
static const char patient_schema[] = "";

/* ---- the hospitals ----------------------------------------------------------------------- */

static void choice_list(const struct patient_choice *choice, struct buffer *out)
{
    for (size_t i = 0; i < choice->count; i++)
        (void)buffer_printf(out, "%s%s", i ? ", " : "", choice->at[i]->card.label);
}

int patient_choose(const struct node *node, const yyjson_val *input, struct patient_choice *choice,
                   struct aceso_error *error)
{
    const char *label = json_string_or(input, "hospital", NULL);
    struct patient_choice found = { .count = 0 };

    for (size_t i = 0; i < node->membership_count; i++) {
        const struct membership *at = &node->memberships[i];

        if (label ? strcmp(label, at->card.label) == 0 : at->tls.chain.len != 0)
            found.at[found.count++] = at;
    }
    if (found.count == 0)
        return error_set(error, ACESO_ENOTFOUND, "hospital", "this patient has no hospital '%s'",
                         label ? label : "");
    if (found.at[0]->tls.chain.len == 0)
        return error_set(error, ACESO_ESTATE, "hospital", "'%s' has not admitted this patient yet",
                         label);
    *choice = found;
    return ACESO_OK;
}

int patient_choose_one(const struct node *node, const yyjson_val *input,
                       const struct membership **at, struct aceso_error *error)
{
    struct buffer labels = BUFFER_INIT(4096);
    struct patient_choice choice;
    int code = patient_choose(node, input, &choice, error);

    if (!code && choice.count > 1) {
        choice_list(&choice, &labels);
        code = error_set(error, ACESO_EUSAGE, "hospital", "say at which one: %s",
                         buffer_text(&labels));
    }
    if (!code)
        *at = choice.at[0];
    buffer_free(&labels);
    return code;
}

const struct membership *patient_at(const struct node *node, uint32_t hospital,
                                    const uint8_t address[20])
{
    for (size_t i = 0; i < node->membership_count; i++) {
        if (node->memberships[i].card.id == hospital &&
            memcmp(node->memberships[i].address, address, 20) == 0)
            return &node->memberships[i];
    }
    return NULL;
}

int patient_authority(const struct node *node, const struct membership *at,
                      struct authority **authority, struct aceso_error *error)
{
    struct buffer context = BUFFER_INIT(64);
    uint8_t seed[32];
    char label[43];
    int code;

    (void)buffer_put_u64(&context, node->config.network.chain_id);
    code = buffer_put(&context, at->card.address, 20);
    if (!code) {
        keys_derive(node->keys, "patient abe authority", buffer_bytes(&context), seed);
        authority_patient_label(at->address, label);
        code = authority_create(seed, label, authority, error);
        secret_wipe(seed, sizeof seed);
    }
    buffer_free(&context);
    return code;
}

int patient_call(struct node *node, const struct membership *at, const char *method,
                 const char *path, struct bytes body, struct buffer *answer,
                 struct aceso_error *error)
{
    struct http_peer peer = { .role = "hospital" };
    struct node_call call = { .shown = node_shown(node, at->card.id), .peer = &peer,
                              .base = at->card.url, .method = method, .path = path,
                              .body = body };
    struct ledger_hospital now;
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    if (code)
        return code;
    memcpy(peer.address, at->card.address, 20);
    if (ledger_hospital_by_id(store, at->card.id, &now, NULL) == ACESO_OK) {
        memcpy(peer.address, now.key, 20);
        call.base = now.card.url;
    }
    store_close(store);
    return node_send(node, &call, answer, error);
}

int patient_result(struct buffer *result, const char *message)
{
    struct json_writer writer = json_writer_of(result);

    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    json_close(&writer, '}');
    return result->failed;
}

int patient_turn(struct node *node, int64_t until, struct aceso_error *error)
{
    if (node_stopping(node))
        return error_set(error, ACESO_ECANCELLED, NULL, "the node stops");
    if (time_monotonic_ms() > until)
        return error_set(error, ACESO_ETIMEOUT, NULL, "the chain does not show it yet");
    (void)poll(NULL, 0, PATIENT_TURN_MS);
    return ACESO_OK;
}

/* ---- what the owner sees ----------------------------------------------------------------- */

struct request_list {
    struct listing listing;
    const struct membership *at;
};

static int list_request(void *data, const struct ledger_request *request,
                        struct aceso_error *error)
{
    struct request_list *list = data;

    return request->hospital == list->at->card.id
               ? listing_request(&list->listing, request, error)
               : ACESO_OK;
}

static int patient_requests(struct node *node, const yyjson_val *input, struct buffer *out,
                            struct aceso_error *error)
{
    struct request_list list;
    struct patient_choice choice;
    struct store *store = NULL;
    int code = patient_choose(node, input, &choice, error);

    if (!code)
        code = node_store(node, &store, error);
    listing_begin(&list.listing, "requests", store, out);
    list.listing.more = rules_list_decision;
    for (size_t i = 0; !code && i < choice.count; i++) {
        list.at = choice.at[i];
        code = ledger_requests(store, list.at->address, 0, list_request, &list, error);
    }
    store_close(store);
    return listing_end(&list.listing, "nobody has asked yet", code);
}

static const struct store_migration patient_migrations[] = {
    { "patient rules", rules_schema },
};

static const struct operation_kind patient_operations[] = {
    { "enrol", LANE_SHORT, patient_enrol },
    { "sign", LANE_SHORT, patient_sign },
    { "approve", LANE_SHORT, rules_owner_approve },
    { "deny", LANE_SHORT, rules_owner_deny },
    { "revoke", LANE_SHORT, patient_revoke },
    { "rule", LANE_SHORT, rules_rule },
    { "unrule", LANE_SHORT, rules_unrule },
    { "override", LANE_SHORT, terms_override },
    { "decide", LANE_LONG, rules_decide }, /* not before what the owner asks for */
};

static const struct view_kind patient_views[] = {
    { "requests", patient_requests },
    { "rules", rules_view },
    { "terms", terms_view },
};

static const struct stream_kind patient_streams[] = {
    { "read", patient_read },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct role patient_role = {
    .name = "patient",
    .role = ROLE_PATIENT,
    .schema = patient_schema,
    .migrations = patient_migrations,
    .migration_count = COUNT(patient_migrations),
    .operations = patient_operations,
    .operation_count = COUNT(patient_operations),
    .views = patient_views,
    .view_count = COUNT(patient_views),
    .streams = patient_streams,
    .stream_count = COUNT(patient_streams),
    .tick = rules_tick,
    .status = patient_status,
};
