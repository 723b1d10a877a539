/* SPDX-License-Identifier: Apache-2.0 */
/* What a hospital says of its patients and of their consents. Uses node. */
#include "node/status.h"

#include "base/text.h"
#include "hospital/cloud.h"
#include "hospital/internal.h"

struct census {
    struct records *records;
    struct aceso_error *error;
    uint64_t patients;
    uint64_t unsigned_; /* patients with batches that wait for their signature */
};

static int census_patient(void *data, const uint8_t patient[20])
{
    struct census *census = data;
    uint64_t sealed = 0, signed_ = 0;
    int code = records_batch_last(census->records, patient, &sealed, &signed_, census->error);

    census->patients++;
    if (!code && sealed > signed_)
        census->unsigned_++;
    return code;
}

/* Patients whose terms were made and are not on the chain. */
static int census_enrolling(const struct node *node, struct store *store, uint64_t *count,
                            struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT count(*) FROM enrolment WHERE patient NOT IN"
                                   " (SELECT patient FROM ledger_relationship WHERE hospital = ?1)",
                                   &query, error);

    if (code)
        return code;
    statement_bind_int(query, 1, node->config.hospital.id);
    step = statement_step(query, error);
    if (step == 1)
        *count = (uint64_t)statement_int(query, 0);
    statement_finish(query);
    return step < 0 ? step : ACESO_OK;
}

static int census_take(struct node *node, struct store *store, struct status *status,
                       struct aceso_error *error)
{
    struct census census = { .error = error };
    uint64_t enrolling = 0;
    int code = hospital_records(node, &census.records, error);

    if (!code)
        code = ledger_patients(store, node->config.hospital.id, census_patient, &census, error);
    records_close(census.records);
    if (!code)
        code = census_enrolling(node, store, &enrolling, error);
    if (code)
        return code;
    json_put_u64(&status->writer, "patients", census.patients);
    json_put_u64(&status->writer, "unsigned", census.unsigned_);
    json_put_u64(&status->writer, "enrolling", enrolling);
    status_line(status, "patients: %llu; %llu with records to sign, %llu enrolling",
                (unsigned long long)census.patients, (unsigned long long)census.unsigned_,
                (unsigned long long)enrolling);
    return ACESO_OK;
}

/* An open request waits for the patient, or, once the patient's yes is here, for the hospital. */
static int consents_ready(const struct node *node, struct store *store, uint64_t *ready,
                          struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT count(*) FROM ledger_request r JOIN approval a"
                                   " ON a.request = r.id WHERE r.hospital = ?1 AND r.status = ?2"
                                   " AND r.deadline > ?3",
                                   &query, error);

    if (code)
        return code;
    statement_bind_int(query, 1, node->config.hospital.id);
    statement_bind_int(query, 2, LEDGER_OPEN);
    statement_bind_int(query, 3, time_now());
    step = statement_step(query, error);
    if (step == 1)
        *ready = (uint64_t)statement_int(query, 0);
    statement_finish(query);
    return step < 0 ? step : ACESO_OK;
}

static int status_cloud(struct node *node, struct store *store, struct status *status,
                        struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(65536);
    int code = cloud_describe(node, store, &status->writer, &text, error);

    if (!code && text.len)
        status_line(status, "%s", buffer_text(&text));
    buffer_free(&text);
    return code;
}

int hospital_status(struct node *node, struct store *store, struct status *status,
                    struct aceso_error *error)
{
    struct status_count count = { .open = 0 };
    uint64_t ready = 0, patient;
    int code = census_take(node, store, status, error);

    if (!code)
        code = status_count(store, NULL, node->config.hospital.id, &count, error);
    if (!code)
        code = consents_ready(node, store, &ready, error);
    if (code)
        return code;
    patient = count.open > ready ? count.open - ready : 0;
    json_open(&status->writer, "consents", '{');
    json_put_u64(&status->writer, "live", count.live);
    json_put_u64(&status->writer, "waiting_patient", patient);
    json_put_u64(&status->writer, "waiting_hospital", ready);
    json_close(&status->writer, '}');
    status_line(status, "consents: %u live; requests: %llu wait for the patient, %llu for us",
                count.live, (unsigned long long)patient, (unsigned long long)ready);
    return status_cloud(node, store, status, error);
}
