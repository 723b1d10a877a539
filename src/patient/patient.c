/* SPDX-License-Identifier: Apache-2.0 */
/* The patient's role: an authority of its own, whose keys are its consents. Here what its files
 * share, its tables, and what its owner sees. Uses node. */
#include "patient/patient.h"

#include "base/secret.h"
#include "base/text.h"
#include "consent/vocabulary.h"
#include "node/listing.h"
#include "patient/internal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PATIENT_TURN_MS 50

/* A patient keeps nothing beside what every node keeps. */
static const char patient_schema[] = "";

int patient_authority(struct node *node, struct authority **authority,
                      struct aceso_error *error)
{
    struct buffer context = BUFFER_INIT(64);
    uint8_t seed[32];
    char label[43];
    int code;

    (void)buffer_put_u64(&context, node->config.network.chain_id);
    code = buffer_put(&context, node->config.hospital.address, 20);
    if (!code) {
        keys_derive(node->keys, "patient abe authority", buffer_bytes(&context), seed);
        authority_patient_label(node->config.address, label);
        code = authority_create(seed, label, authority, error);
        secret_wipe(seed, sizeof seed);
    }
    buffer_free(&context);
    return code;
}

static struct http_peer patient_hospital(const struct node *node)
{
    struct http_peer peer = { .role = "hospital" };

    memcpy(peer.address, node->config.hospital.address, 20);
    return peer;
}

int patient_call(struct node *node, const char *method, const char *path,
                 struct bytes body, struct buffer *answer, struct aceso_error *error)
{
    const struct http_peer peer = patient_hospital(node);

    return node_call(node, &peer, node->config.hospital.url, method, path, body, answer, error);
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

static int list_request(void *data, const struct ledger_request *request,
                        struct aceso_error *error)
{
    struct listing *listing = data;
    char id[67] = "0x", institute[43] = "0x";

    (void)error;
    text_hex(request->id, 32, id + 2);
    text_hex(request->institute, 20, institute + 2);
    listing_request(listing, request);
    return buffer_printf(&listing->text, "%s %-9s %s asks for %s (%s)%s%s", id,
                         ledger_status_name(request->status), institute,
                         level_name(request->level), purpose_name(request->purpose),
                         request->granted ? ", granted " : "",
                         request->granted ? level_name(request->granted) : "");
}

static int patient_requests(struct node *node, const yyjson_val *input, struct buffer *out,
                            struct aceso_error *error)
{
    struct listing listing;
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    (void)input;
    listing_begin(&listing, "requests", out);
    if (!code)
        code = ledger_requests(store, node->config.address, 0, list_request, &listing, error);
    store_close(store);
    return listing_end(&listing, "nobody has asked yet", code);
}

static const struct operation_kind patient_operations[] = {
    { "enrol", LANE_SHORT, patient_enrol },     { "sign", LANE_SHORT, patient_sign },
    { "approve", LANE_SHORT, patient_approve }, { "deny", LANE_SHORT, patient_deny },
    { "revoke", LANE_SHORT, patient_revoke },
};

static const struct view_kind patient_views[] = {
    { "requests", patient_requests },
};

static const struct stream_kind patient_streams[] = {
    { "read", patient_read },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct role patient_role = {
    .name = "patient",
    .role = ROLE_PATIENT,
    .schema = patient_schema,
    .operations = patient_operations,
    .operation_count = COUNT(patient_operations),
    .views = patient_views,
    .view_count = COUNT(patient_views),
    .streams = patient_streams,
    .stream_count = COUNT(patient_streams),
};
