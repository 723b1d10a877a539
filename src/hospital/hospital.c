/* SPDX-License-Identifier: Apache-2.0 */
/* The hospital's role: its tables, its schema, what its owner sees. */
#include "hospital/hospital.h"

#include "hospital/cloud.h"
#include "hospital/internal.h"
#include "hospital/terms.h"
#include "node/listing.h"
#include "node/obtain.h"

#include <limits.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const char hospital_schema[] =
    "CREATE TABLE attribute (name TEXT PRIMARY KEY);"
    "CREATE TABLE issue (name TEXT NOT NULL, address BLOB NOT NULL, PRIMARY KEY (name, address));"
    "CREATE TABLE challenge (address BLOB NOT NULL, challenge BLOB NOT NULL,"
    " expires INTEGER NOT NULL, PRIMARY KEY (address, challenge));"
    "CREATE TABLE enrolment (patient BLOB PRIMARY KEY, contract BLOB NOT NULL,"
    " policy TEXT NOT NULL, levels BLOB NOT NULL, patient_keys BLOB NOT NULL,"
    " authority_keys BLOB NOT NULL, grant_key BLOB NOT NULL, headers BLOB NOT NULL,"
    " pseudonym BLOB NOT NULL);"
    "CREATE TABLE approval (request BLOB PRIMARY KEY, document BLOB NOT NULL);"
    "CREATE TABLE batch_signature (patient BLOB NOT NULL, number INTEGER NOT NULL,"
    " signature BLOB NOT NULL, anchored INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (patient, number));"
    "CREATE TABLE directory (type TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY (type, id));"
    "CREATE TABLE directory_identifier (type TEXT NOT NULL, system TEXT NOT NULL,"
    " value TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (type, system, value));"
    "CREATE TABLE directory_reference (reference TEXT PRIMARY KEY, id TEXT NOT NULL);"
    "CREATE TABLE vpn (institute BLOB PRIMARY KEY, host INTEGER NOT NULL UNIQUE);";

const struct store_migration hospital_migrations[] = {
    { "hospital carried",
      "CREATE TABLE carried (request BLOB PRIMARY KEY, caller BLOB NOT NULL,"
      " time INTEGER NOT NULL);" },
};
const size_t hospital_migration_count = COUNT(hospital_migrations);

int hospital_records(struct node *node, struct records **records, struct aceso_error *error)
{
    char path[PATH_MAX];
    int code = node_path(node, "records.db", path, sizeof path, error);

    return code ? code : records_open(path, records, error);
}

int hospital_caller(const struct node *node, const struct http_request *request, const char *role,
                    uint8_t address[20], struct aceso_error *error)
{
    const struct x509_identity *caller = node_caller(request);

    if (strcmp(caller->role, role) != 0)
        return error_set(error, ACESO_EDENIED, NULL, "this is for a %s", role);
    if (strcmp(role, "patient") == 0 &&
        memcmp(caller->issuer_address, node->config.hospital.address, 20) != 0)
        return error_set(error, ACESO_EDENIED, NULL, "another hospital's patient");
    memcpy(address, caller->address, 20);
    return ACESO_OK;
}

int hospital_input_hex(const yyjson_val *input, const char *member, void *out, size_t len,
                       struct aceso_error *error)
{
    return json_hex(input, member, out, len, error);
}

int hospital_result(struct buffer *result, const char *message, const struct outbox_result *mined)
{
    struct json_writer writer = json_writer_of(result);

    json_open(&writer, NULL, '{');
    json_put_string(&writer, "message", message);
    if (mined)
        node_put_transaction(&writer, mined);
    json_close(&writer, '}');
    return result->failed;
}

/* ---- what the owner sees ----------------------------------------------------------------- */

static int hospital_patients(struct node *node, const yyjson_val *input, struct buffer *out,
                             struct aceso_error *error)
{
    (void)input;
    return listing_patients(node, node->config.hospital.id, out, error);
}

static int hospital_requests(struct node *node, const yyjson_val *input, struct buffer *out,
                             struct aceso_error *error)
{
    (void)input;
    return listing_requests(node, NULL, node->config.hospital.id, out, error);
}

static int hospital_tick(struct node *node, struct store *store, struct aceso_error *error)
{
    int code = authority_tick(node, store, error);

    if (!code)
        code = cloud_tick(node, store, error);
    return code ? code : import_tick(node, store, error);
}

static const struct operation_kind hospital_operations[] = {
    { "attribute", LANE_SHORT, authority_begin }, { "issue", LANE_SHORT, authority_issue },
    { "obtain", LANE_SHORT, obtain_operation },   { "admit", LANE_SHORT, enrol_admit },
    { "import", LANE_LONG, import_run },          { "approve", LANE_SHORT, sharing_approve },
    { "deny", LANE_SHORT, sharing_deny },         { "revoke", LANE_SHORT, sharing_revoke },
    { "cloud", LANE_SHORT, cloud_use },           { "carry", LANE_BACKGROUND, cloud_carry },
    { "check", LANE_LONG, audit_run },
};

static const struct view_kind hospital_views[] = {
    { "invite", enrol_invite },
    { "patients", hospital_patients },
    { "requests", hospital_requests },
    { "approval", sharing_approval },
};

static const struct stream_kind hospital_streams[] = {
    { "backup", gateway_backup },
};

static const struct http_route hospital_routes[] = {
    { "GET", "/v1/authority/keys", authority_serve_keys, HTTP_ROUTE_PEER, 0 },
    { "POST", "/v1/authority/challenge", authority_serve_challenge, HTTP_ROUTE_PEER, 4096 },
    { "POST", "/v1/authority/issue", authority_serve_issue, HTTP_ROUTE_PEER, 65536 },
    { "GET", "/v1/authorities/{label}/keys", enrol_serve_authority, HTTP_ROUTE_PEER, 0 },
    { "POST", "/v1/enrolment", enrol_serve_begin, HTTP_ROUTE_PEER, 1 << 20 },
    { "POST", "/v1/enrolment/signature", enrol_serve_sign, HTTP_ROUTE_PEER, 65536 },
    { "GET", "/v1/enrolment", enrol_serve_state, HTTP_ROUTE_PEER, 0 },
    { "POST", "/v1/overrides", terms_serve_override, HTTP_ROUTE_PEER, 4096 },
    { "GET", "/v1/batches", import_serve_batches, HTTP_ROUTE_PEER, 0 },
    { "POST", "/v1/batches/{number}/signature", import_serve_signature, HTTP_ROUTE_PEER, 65536 },
    { "POST", "/v1/requests/{id}/approval", sharing_serve_approval, HTTP_ROUTE_PEER, 262144 },
    { "POST", "/v1/requests/{id}/refusal", carry_serve_refusal, HTTP_ROUTE_PEER, 65536 },
    { "POST", "/v1/requests/{id}/revocation", carry_serve_revocation, HTTP_ROUTE_PEER, 65536 },
    { "GET", "/v1/relationships/{patient}", gateway_serve_relationship, HTTP_ROUTE_PEER, 0 },
    { "GET", "/v1/parts", gateway_serve_own, HTTP_ROUTE_PEER, 0 },
    { "POST", "/v1/query", gateway_serve_query, HTTP_ROUTE_PEER, 65536 },
};

const struct role hospital_role = {
    .name = "hospital",
    .role = ROLE_HOSPITAL,
    .schema = hospital_schema,
    .migrations = hospital_migrations,
    .migration_count = COUNT(hospital_migrations),
    .operations = hospital_operations,
    .operation_count = COUNT(hospital_operations),
    .views = hospital_views,
    .view_count = COUNT(hospital_views),
    .streams = hospital_streams,
    .stream_count = COUNT(hospital_streams),
    .routes = hospital_routes,
    .route_count = COUNT(hospital_routes),
    .tick = hospital_tick,
    .status = hospital_status,
};
