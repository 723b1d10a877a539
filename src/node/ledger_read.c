/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the ledger. */
#include "node/ledger.h"

#include <stdio.h>
#include <string.h>

/* Steps a query that yields at most one row: 1 with a row, else the code (ACESO_ENOTFOUND). */
static int ledger_row(struct statement *query, const char *what, struct aceso_error *error)
{
    int step = statement_step(query, error);

    if (step == 0)
        return error_set(error, ACESO_ENOTFOUND, NULL, "the chain knows no such %s", what);
    return step;
}

#define HOSPITAL_COLUMNS                                                                           \
    "SELECT id, address, key, label, url, seal_key, tls_key_digest, keys_digest, suspended"        \
    " FROM ledger_hospital "

static int ledger_hospital_read(struct statement *query, struct ledger_hospital *out,
                                struct aceso_error *error)
{
    struct ledger_hospital hospital = { .card = { .known = true } };
    int code = ledger_row(query, "hospital", error);

    if (code == 1) {
        hospital.card.id = (uint32_t)statement_int(query, 0);
        (void)snprintf(hospital.card.label, sizeof hospital.card.label, "%s",
                       statement_text(query, 3));
        (void)snprintf(hospital.card.url, sizeof hospital.card.url, "%s",
                       statement_text(query, 4));
        hospital.suspended = statement_int(query, 8) != 0;
        code = statement_copy(query, 1, hospital.card.address, 20);
        if (!code)
            code = statement_copy(query, 2, hospital.key, 20);
        if (!code)
            code = statement_copy(query, 5, hospital.seal_key, 32);
        if (!code)
            code = statement_copy(query, 6, hospital.tls_key_digest, 32);
        if (!code)
            code = statement_copy(query, 7, hospital.keys_digest, 32);
    }
    statement_finish(query);
    if (!code)
        *out = hospital;
    return code;
}

int ledger_hospital_by_id(struct store *store, uint32_t id, struct ledger_hospital *hospital,
                          struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_prepare(store, HOSPITAL_COLUMNS "WHERE id = ?1", &query, error);

    if (code)
        return code;
    statement_bind_int(query, 1, id);
    return ledger_hospital_read(query, hospital, error);
}

int ledger_hospital_by_label(struct store *store, const char *label,
                             struct ledger_hospital *hospital, struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_prepare(store, HOSPITAL_COLUMNS "WHERE label = ?1", &query, error);

    if (code)
        return code;
    statement_bind_text(query, 1, label);
    return ledger_hospital_read(query, hospital, error);
}

int ledger_hospital_by_address(struct store *store, const uint8_t address[20],
                               struct ledger_hospital *hospital, struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_prepare(store, HOSPITAL_COLUMNS "WHERE key = ?1", &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(address, 20));
    return ledger_hospital_read(query, hospital, error);
}

int ledger_relationship(struct store *store, uint32_t hospital, const uint8_t patient[20],
                        struct ledger_relationship *out, struct aceso_error *error)
{
    struct statement *query = NULL;
    struct ledger_relationship found = LEDGER_RELATIONSHIP_INIT;
    int code = store_prepare(store,
                             "SELECT r.contract, t.e, t.n, t.policy_digest, t.levels,"
                             " t.patient_keys_digest, t.authority_keys_digest, t.headers_digest,"
                             " t.headers FROM ledger_relationship r"
                             " JOIN ledger_terms t ON t.contract = r.contract"
                             " WHERE r.hospital = ?1 AND r.patient = ?2"
                             " ORDER BY t.e DESC, t.n DESC LIMIT 1",
                             &query, error);
    if (code)
        return code;
    statement_bind_int(query, 1, hospital);
    statement_bind_blob(query, 2, bytes_of(patient, 20));
    code = ledger_row(query, "relationship", error);
    if (code == 1) {
        uint8_t *const digests[] = { found.policy_digest, found.levels, found.patient_keys_digest,
                                     found.authority_keys_digest, found.headers_digest };

        found.hospital = hospital;
        memcpy(found.patient, patient, 20);
        found.epoch.e = (uint32_t)statement_int(query, 1);
        found.epoch.n = (uint32_t)statement_int(query, 2);
        code = statement_copy(query, 0, found.contract, 20);
        for (int i = 0; i < 5 && !code; i++)
            code = statement_copy(query, 3 + i, digests[i], 32);
        if (!code)
            code = buffer_put_bytes(&found.headers, statement_blob(query, 8));
    }
    statement_finish(query);
    if (code)
        buffer_free(&found.headers);
    else
        *out = found;
    return code;
}

unsigned ledger_level_of(const uint8_t levels[32], unsigned category)
{
    uint8_t byte;

    if (category > 63)
        return 0;
    byte = levels[31 - category / 2];
    return category % 2 ? byte >> 4 : byte & 15;
}

int ledger_level_for(struct store *store, const struct ledger_relationship *relationship,
                     const uint8_t institute[20], unsigned category, unsigned *level,
                     struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT level FROM ledger_override WHERE contract = ?1"
                                   " AND institute = ?2 AND level <= 4",
                                   &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(relationship->contract, 20));
    statement_bind_blob(query, 2, bytes_of(institute, 20));
    step = statement_step(query, error);
    if (step >= 0)
        *level = step == 1 ? (unsigned)statement_int(query, 0)
                           : ledger_level_of(relationship->levels, category);
    statement_finish(query);
    return step < 0 ? step : ACESO_OK;
}

int ledger_overrides(struct store *store, const uint8_t contract[20],
                     int (*each)(void *data, const uint8_t institute[20], unsigned level),
                     void *data, struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT institute, level FROM ledger_override"
                                   " WHERE contract = ?1 AND level <= 4 ORDER BY institute",
                                   &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(contract, 20));
    while (!code && (step = statement_step(query, error)) != 0) {
        uint8_t institute[20];

        code = step < 0 ? step : statement_copy(query, 0, institute, 20);
        if (!code)
            code = each(data, institute, (unsigned)statement_int(query, 1));
    }
    statement_finish(query);
    return code;
}

int ledger_batch(struct store *store, const uint8_t contract[20], uint64_t number,
                 struct record_batch *out, struct aceso_error *error)
{
    struct record_batch batch = { .number = number };
    struct statement *query = NULL;
    int code = store_prepare(store,
                             "SELECT previous_root, root, records, leaves FROM ledger_batch"
                             " WHERE contract = ?1 AND number = ?2",
                             &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(contract, 20));
    statement_bind_int(query, 2, (int64_t)number);
    code = ledger_row(query, "batch", error);
    if (code == 1) {
        batch.records = (uint32_t)statement_int(query, 2);
        batch.leaves = (uint32_t)statement_int(query, 3);
        code = statement_copy(query, 0, batch.previous_root, 32);
        if (!code)
            code = statement_copy(query, 1, batch.root, 32);
    }
    statement_finish(query);
    if (!code)
        *out = batch;
    return code;
}

int ledger_batch_last(struct store *store, const uint8_t contract[20], uint64_t *number,
                      struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_prepare(
        store, "SELECT coalesce(max(number), 0) FROM ledger_batch WHERE contract = ?1", &query,
        error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(contract, 20));
    code = statement_step(query, error);
    if (code == 1) {
        *number = (uint64_t)statement_int(query, 0);
        code = ACESO_OK;
    }
    statement_finish(query);
    return code;
}

int ledger_credential(struct store *store, const uint8_t institute[20],
                      struct ledger_credential *out, struct aceso_error *error)
{
    struct ledger_credential credential = { .category = 0 };
    struct statement *query = NULL;
    int code = store_prepare(store,
                             "SELECT category, seal_key, tls_key_digest, serial, expiry"
                             " FROM ledger_credential WHERE institute = ?1",
                             &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(institute, 20));
    code = ledger_row(query, "credential", error);
    if (code == 1) {
        memcpy(credential.institute, institute, 20);
        credential.category = (uint8_t)statement_int(query, 0);
        credential.serial = (uint64_t)statement_int(query, 3);
        credential.expiry = (uint64_t)statement_int(query, 4);
        code = statement_copy(query, 1, credential.seal_key, 32);
        if (!code)
            code = statement_copy(query, 2, credential.tls_key_digest, 32);
    }
    statement_finish(query);
    if (!code)
        *out = credential;
    return code;
}

const char *ledger_status_name(enum ledger_status status)
{
    static const char *const names[] = { "unknown",   "open",    "approved", "refused", "denied",
                                         "withdrawn", "expired", "revoked",  "ended" };

    return (unsigned)status < sizeof names / sizeof names[0] ? names[status] : names[0];
}

void ledger_request_free(struct ledger_request *request)
{
    buffer_free(&request->grant);
    buffer_free(&request->access);
}

#define REQUEST_COLUMNS                                                                            \
    "SELECT id, hospital, patient, institute, purpose, level, term, deadline, status, granted,"    \
    " until, epoch, access_digest, sealed_grant, sealed_access FROM ledger_request "

static int ledger_request_read(const struct statement *row, struct ledger_request *request)
{
    int code = statement_copy(row, 0, request->id, 32);

    request->hospital = (uint32_t)statement_int(row, 1);
    if (!code)
        code = statement_copy(row, 2, request->patient, 20);
    if (!code)
        code = statement_copy(row, 3, request->institute, 20);
    request->purpose = (unsigned)statement_int(row, 4);
    request->level = (unsigned)statement_int(row, 5);
    request->term = (uint64_t)statement_int(row, 6);
    request->deadline = (uint64_t)statement_int(row, 7);
    request->status = (enum ledger_status)statement_int(row, 8);
    request->granted = (unsigned)statement_int(row, 9);
    request->until = (uint64_t)statement_int(row, 10);
    request->epoch = (uint32_t)statement_int(row, 11);
    memset(request->access_digest, 0, 32);
    if (!code && statement_blob(row, 12).len)
        code = statement_copy(row, 12, request->access_digest, 32);
    return code;
}

int ledger_request(struct store *store, const uint8_t id[32], struct ledger_request *out,
                   struct aceso_error *error)
{
    struct ledger_request request = LEDGER_REQUEST_INIT;
    struct statement *query = NULL;
    int code = store_prepare(store, REQUEST_COLUMNS "WHERE id = ?1", &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(id, 32));
    code = ledger_row(query, "request", error);
    if (code == 1) {
        code = ledger_request_read(query, &request);
        if (!code)
            code = buffer_put_bytes(&request.grant, statement_blob(query, 13));
        if (!code)
            code = buffer_put_bytes(&request.access, statement_blob(query, 14));
    }
    statement_finish(query);
    if (code)
        ledger_request_free(&request);
    else
        *out = request;
    return code;
}

int ledger_requests(struct store *store, const uint8_t *party, uint32_t hospital,
                    ledger_request_fn *each, void *data, struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   REQUEST_COLUMNS "WHERE (?1 IS NOT NULL AND (patient = ?1 OR"
                                                   " institute = ?1)) OR (?1 IS NULL AND"
                                                   " hospital = ?2) ORDER BY number",
                                   &query, error);

    if (code)
        return code;
    if (party)
        statement_bind_blob(query, 1, bytes_of(party, 20));
    else
        statement_bind_null(query, 1);
    statement_bind_int(query, 2, hospital);
    while (!code && (step = statement_step(query, error)) != 0) {
        struct ledger_request request = LEDGER_REQUEST_INIT;

        code = step < 0 ? step : ledger_request_read(query, &request);
        if (!code)
            code = each(data, &request, error);
    }
    statement_finish(query);
    return code;
}

int ledger_pair(struct store *store, uint32_t hospital, const uint8_t institute[20],
                uint8_t contract[20], struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_prepare(
        store, "SELECT contract FROM ledger_pair WHERE hospital = ?1 AND institute = ?2", &query,
        error);

    if (code)
        return code;
    statement_bind_int(query, 1, hospital);
    statement_bind_blob(query, 2, bytes_of(institute, 20));
    code = ledger_row(query, "contract of hospital and institute", error);
    if (code == 1)
        code = statement_copy(query, 0, contract, 20);
    statement_finish(query);
    return code;
}

int ledger_patients(struct store *store, uint32_t hospital,
                    int (*each)(void *data, const uint8_t patient[20]), void *data,
                    struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT patient FROM ledger_relationship WHERE hospital = ?1"
                                   " ORDER BY rowid",
                                   &query, error);

    if (code)
        return code;
    statement_bind_int(query, 1, hospital);
    while (!code && (step = statement_step(query, error)) != 0) {
        uint8_t patient[20];

        code = step < 0 ? step : statement_copy(query, 0, patient, 20);
        if (!code)
            code = each(data, patient);
    }
    statement_finish(query);
    return code;
}
