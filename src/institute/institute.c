/* SPDX-License-Identifier: Apache-2.0 */
/* The institute's role: its tables, its schema, what its owner sees. Uses node. */
#include "institute/institute.h"

#include "base/text.h"
#include "consent/vocabulary.h"
#include "institute/internal.h"
#include "node/credential.h"
#include "node/listing.h"
#include "node/obtain.h"
#include "node/status.h"

#include <stdio.h>

static const char institute_schema[] =
    "CREATE TABLE asked (operation TEXT PRIMARY KEY, number INTEGER NOT NULL,"
    " deadline INTEGER NOT NULL);";

static int list_request(void *data, const struct ledger_request *request,
                        struct aceso_error *error)
{
    struct listing *listing = data;
    char id[67] = "0x", patient[43] = "0x";

    (void)error;
    text_hex(request->id, 32, id + 2);
    text_hex(request->patient, 20, patient + 2);
    listing_request(listing, request);
    return buffer_printf(&listing->text, "%s %-9s %s of %s%s%s", id,
                         ledger_status_name(request->status), level_name(request->level), patient,
                         request->granted ? ", granted " : "",
                         request->granted ? level_name(request->granted) : "");
}

static int institute_requests(struct node *node, const yyjson_val *input, struct buffer *out,
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
    return listing_end(&listing, "nothing was asked yet", code);
}

static int institute_patients(struct node *node, const yyjson_val *input, struct buffer *out,
                              struct aceso_error *error)
{
    struct listing listing;
    struct ledger_hospital hospital;
    const char *label = NULL;
    struct store *store = NULL;
    int code = json_string(input, "hospital", &label, error);

    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = ledger_hospital_by_label(store, label, &hospital, error);
    listing_begin(&listing, "patients", out);
    if (!code)
        code = ledger_patients(store, hospital.card.id, listing_patient, &listing, error);
    store_close(store);
    return listing_end(&listing, "no patients yet", code);
}

static int institute_credential(struct node *node, const yyjson_val *input, struct buffer *out,
                                struct aceso_error *error)
{
    struct json_writer writer = json_writer_of(out);
    struct credential credential;
    int code = credential_load(node->directory, &credential, error);

    (void)input;
    if (code)
        return code;
    json_open(&writer, NULL, '{');
    credential_write(&credential, &writer, "document");
    json_close(&writer, '}');
    return out->failed;
}

static int institute_status(struct node *node, struct store *store, struct status *status,
                            struct aceso_error *error)
{
    struct status_count count = { .open = 0 };
    int code = status_count(store, node->config.address, 0, &count, error);

    if (code)
        return code;
    json_open(&status->writer, "asked", '{');
    json_put_u64(&status->writer, "open", count.open);
    json_put_u64(&status->writer, "live", count.live);
    json_close(&status->writer, '}');
    status_line(status, "asked for: %u consents live; %u requests wait for patient or hospital",
                count.live, count.open);
    return ACESO_OK;
}

static const struct operation_kind institute_operations[] = {
    { "request", LANE_SHORT, institute_request },
    { "obtain", LANE_SHORT, obtain_operation },
};

static const struct view_kind institute_views[] = {
    { "credential", institute_credential },
    { "patients", institute_patients },
    { "requests", institute_requests },
};

static const struct stream_kind institute_streams[] = {
    { "fetch", institute_fetch },
    { "open", institute_open },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct role institute_role = {
    .name = "institute",
    .role = ROLE_INSTITUTE,
    .schema = institute_schema,
    .operations = institute_operations,
    .operation_count = COUNT(institute_operations),
    .views = institute_views,
    .view_count = COUNT(institute_views),
    .streams = institute_streams,
    .stream_count = COUNT(institute_streams),
    .status = institute_status,
};
