/* SPDX-License-Identifier: Apache-2.0 */
/* The institute's role: its tables, its schema, what its owner sees. Uses node. */
#include "institute/institute.h"

#include "institute/internal.h"
#include "node/credential.h"
#include "node/listing.h"
#include "node/obtain.h"
#include "node/status.h"

static const char institute_schema[] =
    "CREATE TABLE asked (operation TEXT PRIMARY KEY, number INTEGER NOT NULL,"
    " deadline INTEGER NOT NULL);";

static int institute_requests(struct node *node, const yyjson_val *input, struct buffer *out,
                              struct aceso_error *error)
{
    (void)input;
    return listing_requests(node, node->config.address, 0, out, error);
}

static int institute_patients(struct node *node, const yyjson_val *input, struct buffer *out,
                              struct aceso_error *error)
{
    struct ledger_hospital hospital;
    const char *label = NULL;
    struct store *store = NULL;
    int code = json_string(input, "hospital", &label, error);

    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = ledger_hospital_by_label(store, label, &hospital, error);
    store_close(store);
    return code ? code : listing_patients(node, hospital.card.id, out, error);
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
