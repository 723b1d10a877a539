/* SPDX-License-Identifier: Apache-2.0 */
#include "node/ledger.h"

#include "base/text.h"
#include "chain/hpsc.h"
#include "contracts_abi.h"
#include "eth/abi.h"
#include "node/node.h"

#include <stdio.h>
#include <string.h>

const char ledger_schema[] =
    "CREATE TABLE ledger_hospital ("
    " id INTEGER PRIMARY KEY, address BLOB NOT NULL, key BLOB NOT NULL, label TEXT NOT NULL,"
    " url TEXT NOT NULL, seal_key BLOB NOT NULL, tls_key_digest BLOB NOT NULL,"
    " keys_digest BLOB NOT NULL, suspended INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE ledger_relationship ("
    " contract BLOB PRIMARY KEY, hospital INTEGER NOT NULL, patient BLOB NOT NULL);"
    "CREATE INDEX ledger_relationship_pair ON ledger_relationship (hospital, patient);"
    "CREATE TABLE ledger_terms ("
    " contract BLOB NOT NULL, e INTEGER NOT NULL, n INTEGER NOT NULL, policy_digest BLOB NOT NULL,"
    " levels BLOB NOT NULL, patient_keys_digest BLOB NOT NULL, authority_keys_digest BLOB NOT NULL,"
    " headers_digest BLOB NOT NULL, headers BLOB NOT NULL, PRIMARY KEY (contract, e, n));"
    "CREATE TABLE ledger_batch ("
    " contract BLOB NOT NULL, number INTEGER NOT NULL, previous_root BLOB NOT NULL,"
    " root BLOB NOT NULL, records INTEGER NOT NULL, leaves INTEGER NOT NULL,"
    " PRIMARY KEY (contract, number));"
    "CREATE TABLE ledger_credential ("
    " institute BLOB PRIMARY KEY, category INTEGER NOT NULL, seal_key BLOB NOT NULL,"
    " tls_key_digest BLOB NOT NULL, serial INTEGER NOT NULL, expiry INTEGER NOT NULL);"
    "CREATE TABLE ledger_request ("
    " number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, hospital INTEGER NOT NULL,"
    " patient BLOB NOT NULL, institute BLOB NOT NULL, purpose INTEGER NOT NULL,"
    " level INTEGER NOT NULL, term INTEGER NOT NULL, deadline INTEGER NOT NULL,"
    " status INTEGER NOT NULL, granted INTEGER NOT NULL DEFAULT 0,"
    " until INTEGER NOT NULL DEFAULT 0, epoch INTEGER NOT NULL DEFAULT 0,"
    " access_digest BLOB NOT NULL DEFAULT x'', sealed_grant BLOB, sealed_access BLOB);"
    "CREATE TABLE ledger_pair ("
    " contract BLOB PRIMARY KEY, hospital INTEGER NOT NULL, institute BLOB NOT NULL);";

static const struct store_migration ledger_later[] = {
    { "ledger overrides",
      "CREATE TABLE ledger_override (contract BLOB NOT NULL, institute BLOB NOT NULL,"
      " level INTEGER NOT NULL, PRIMARY KEY (contract, institute));" },
};

static const char *const ledger_tables[] = {
    "ledger_hospital",   "ledger_relationship", "ledger_terms", "ledger_batch",
    "ledger_credential", "ledger_request",      "ledger_pair",  "ledger_override",
};

int ledger_migrate(struct store *store, struct aceso_error *error)
{
    return store_migrate(store, ledger_later, sizeof ledger_later / sizeof ledger_later[0], error);
}

#define LEDGER_VALUES 16

/* One event on its way into the tables. */
struct ledger_entry {
    struct store *store;
    const struct rpc_log *log;
    struct abi_value data[LEDGER_VALUES];
    struct aceso_error *error;
};

static uint64_t entry_topic_u64(const struct ledger_entry *entry, size_t index)
{
    struct abi_value value = abi_word(entry->log->topic[index]);

    return abi_get_u64(&value);
}

static struct bytes entry_topic_address(const struct ledger_entry *entry, size_t index)
{
    return bytes_of(entry->log->topic[index] + 12, 20);
}

static struct bytes entry_word(const struct ledger_entry *entry, size_t index)
{
    return bytes_of(entry->data[index].word, 32);
}

static int64_t entry_u64(const struct ledger_entry *entry, size_t index)
{
    uint64_t value = abi_get_u64(&entry->data[index]);

    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int entry_prepare(const struct ledger_entry *entry, const char *sql,
                         struct statement **statement)
{
    return store_prepare(entry->store, sql, statement, entry->error);
}

static int ledger_text(struct bytes text, char *out, size_t size)
{
    if (text.len >= size)
        return ACESO_ELIMIT;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return ACESO_OK;
}

static int on_hospital_registered(struct ledger_entry *entry)
{
    struct statement *insert = NULL;
    char label[CONFIG_LABEL_SIZE], url[CONFIG_URL_SIZE];
    int code;

    if (ledger_text(entry->data[0].bytes, label, sizeof label) ||
        ledger_text(entry->data[1].bytes, url, sizeof url))
        return ACESO_OK; /* nobody could reach it by such a name */
    code = entry_prepare(entry,
                         "INSERT INTO ledger_hospital (id, address, key, label, url, seal_key,"
                         " tls_key_digest, keys_digest)"
                         " VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, zeroblob(32))",
                         &insert);
    if (code)
        return code;
    statement_bind_int(insert, 1, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_blob(insert, 2, entry_topic_address(entry, 2));
    statement_bind_text(insert, 3, label);
    statement_bind_text(insert, 4, url);
    statement_bind_blob(insert, 5, entry_word(entry, 2));
    statement_bind_blob(insert, 6, entry_word(entry, 3));
    return statement_run(insert, entry->error);
}

static int on_hospital_updated(struct ledger_entry *entry)
{
    struct statement *update = NULL;
    char url[CONFIG_URL_SIZE];
    int code;

    if (ledger_text(entry->data[0].bytes, url, sizeof url))
        return ACESO_OK;
    code = entry_prepare(entry,
                         "UPDATE ledger_hospital SET url = ?2, seal_key = ?3, tls_key_digest = ?4"
                         " WHERE id = ?1",
                         &update);
    if (code)
        return code;
    statement_bind_int(update, 1, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_text(update, 2, url);
    statement_bind_blob(update, 3, entry_word(entry, 1));
    statement_bind_blob(update, 4, entry_word(entry, 2));
    return statement_run(update, entry->error);
}

static int entry_set_suspended(struct ledger_entry *entry, bool suspended)
{
    struct statement *update = NULL;
    int code =
        entry_prepare(entry, "UPDATE ledger_hospital SET suspended = ?2 WHERE id = ?1", &update);

    if (code)
        return code;
    statement_bind_int(update, 1, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_int(update, 2, suspended);
    return statement_run(update, entry->error);
}

static int on_hospital_suspended(struct ledger_entry *entry)
{
    return entry_set_suspended(entry, true);
}

static int on_hospital_reinstated(struct ledger_entry *entry)
{
    return entry_set_suspended(entry, false);
}

static int on_hospital_key_replaced(struct ledger_entry *entry)
{
    struct statement *update = NULL;
    int code = entry_prepare(entry, "UPDATE ledger_hospital SET key = ?2 WHERE id = ?1", &update);

    if (code)
        return code;
    statement_bind_int(update, 1, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_blob(update, 2, entry_topic_address(entry, 3));
    return statement_run(update, entry->error);
}

static int on_keys_published(struct ledger_entry *entry)
{
    struct statement *update = NULL;
    int code =
        entry_prepare(entry, "UPDATE ledger_hospital SET keys_digest = ?2 WHERE id = ?1", &update);

    if (code)
        return code;
    statement_bind_int(update, 1, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_blob(update, 2, entry_word(entry, 0));
    return statement_run(update, entry->error);
}

static int on_credential_accepted(struct ledger_entry *entry)
{
    struct statement *insert = NULL;
    int code = entry_prepare(entry,
                             "INSERT OR REPLACE INTO ledger_credential (institute, serial,"
                             " category, seal_key, tls_key_digest, expiry)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                             &insert);

    if (code)
        return code;
    statement_bind_blob(insert, 1, entry_topic_address(entry, 1));
    statement_bind_int(insert, 2, (int64_t)entry_topic_u64(entry, 2));
    statement_bind_int(insert, 3, entry_u64(entry, 0));
    statement_bind_blob(insert, 4, entry_word(entry, 1));
    statement_bind_blob(insert, 5, entry_word(entry, 2));
    statement_bind_int(insert, 6, entry_u64(entry, 3));
    return statement_run(insert, entry->error);
}

/* Revoked ones stay in the table, expired. */
static int on_credential_revoked(struct ledger_entry *entry)
{
    struct statement *update = NULL;
    int code = entry_prepare(entry,
                             "UPDATE ledger_credential SET expiry = 0"
                             " WHERE institute = ?1 AND serial <= ?2",
                             &update);

    if (code)
        return code;
    statement_bind_blob(update, 1, entry_topic_address(entry, 1));
    statement_bind_int(update, 2, (int64_t)entry_topic_u64(entry, 2));
    return statement_run(update, entry->error);
}

static int on_relationship_created(struct ledger_entry *entry)
{
    struct statement *insert = NULL;
    int code = entry_prepare(entry,
                             "INSERT INTO ledger_relationship (hospital, patient, contract)"
                             " VALUES (?1, ?2, ?3)",
                             &insert);

    if (code)
        return code;
    statement_bind_int(insert, 1, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_blob(insert, 2, entry_topic_address(entry, 2));
    statement_bind_blob(insert, 3, entry_topic_address(entry, 3));
    return statement_run(insert, entry->error);
}

static int on_terms_set(struct ledger_entry *entry)
{
    struct statement *insert = NULL;
    int code = entry_prepare(entry,
                             "INSERT INTO ledger_terms (contract, e, n, policy_digest, levels,"
                             " patient_keys_digest, authority_keys_digest, headers_digest, headers)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                             &insert);

    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(entry->log->address, 20));
    statement_bind_int(insert, 2, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_int(insert, 3, (int64_t)entry_topic_u64(entry, 2));
    for (int i = 0; i < 5; i++)
        statement_bind_blob(insert, 4 + i, entry_word(entry, (size_t)i));
    statement_bind_blob(insert, 9, entry->data[5].bytes);
    return statement_run(insert, entry->error);
}

static int on_override_set(struct ledger_entry *entry)
{
    struct statement *change = NULL;
    int64_t level = entry_u64(entry, 0);
    int code = entry_prepare(entry,
                             level == HPSC_OVERRIDE_NONE
                                 ? "DELETE FROM ledger_override WHERE contract = ?1"
                                   " AND institute = ?2"
                                 : "INSERT OR REPLACE INTO ledger_override"
                                   " (contract, institute, level) VALUES (?1, ?2, ?3)",
                             &change);

    if (code)
        return code;
    statement_bind_blob(change, 1, bytes_of(entry->log->address, 20));
    statement_bind_blob(change, 2, entry_topic_address(entry, 1));
    if (level != HPSC_OVERRIDE_NONE)
        statement_bind_int(change, 3, level);
    return statement_run(change, entry->error);
}

static int on_batch_anchored(struct ledger_entry *entry)
{
    struct statement *insert = NULL;
    int code = entry_prepare(entry,
                             "INSERT INTO ledger_batch (contract, number, root, previous_root,"
                             " records, leaves) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                             &insert);

    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(entry->log->address, 20));
    statement_bind_int(insert, 2, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_blob(insert, 3, bytes_of(entry->log->topic[2], 32));
    statement_bind_blob(insert, 4, entry_word(entry, 0));
    statement_bind_int(insert, 5, entry_u64(entry, 1));
    statement_bind_int(insert, 6, entry_u64(entry, 2));
    return statement_run(insert, entry->error);
}

static int on_request_made(struct ledger_entry *entry)
{
    struct statement *insert = NULL;
    int code = entry_prepare(entry,
                             "INSERT INTO ledger_request (id, hospital, patient, institute,"
                             " purpose, level, term, deadline, status)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                             &insert);

    if (code)
        return code;
    statement_bind_blob(insert, 1, entry_word(entry, 0));
    statement_bind_int(insert, 2, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_blob(insert, 3, entry_topic_address(entry, 2));
    statement_bind_blob(insert, 4, entry_topic_address(entry, 3));
    for (int i = 0; i < 4; i++)
        statement_bind_int(insert, 5 + i, entry_u64(entry, (size_t)i + 1));
    statement_bind_int(insert, 9, LEDGER_OPEN);
    return statement_run(insert, entry->error);
}

/* The contract takes a grant for the epoch in force only, so that is the one it is for. */
static int on_consent_given(struct ledger_entry *entry)
{
    struct statement *update = NULL;
    int code = entry_prepare(entry,
                             "UPDATE ledger_request SET granted = ?2, until = ?3,"
                             " sealed_grant = ?4, epoch = (SELECT max(t.e) FROM ledger_terms t"
                             " JOIN ledger_relationship r ON r.contract = t.contract"
                             " WHERE r.hospital = ledger_request.hospital"
                             " AND r.patient = ledger_request.patient) WHERE id = ?1",
                             &update);

    if (code)
        return code;
    statement_bind_blob(update, 1, bytes_of(entry->log->topic[1], 32));
    for (int i = 0; i < 2; i++)
        statement_bind_int(update, 2 + i, entry_u64(entry, (size_t)i));
    statement_bind_blob(update, 4, entry->data[2].bytes);
    return statement_run(update, entry->error);
}

static int on_request_approved(struct ledger_entry *entry)
{
    struct statement *update = NULL;
    int code = entry_prepare(entry,
                             "UPDATE ledger_request SET status = ?2, access_digest = ?3,"
                             " sealed_access = ?4 WHERE id = ?1",
                             &update);

    if (code)
        return code;
    statement_bind_blob(update, 1, bytes_of(entry->log->topic[1], 32));
    statement_bind_int(update, 2, LEDGER_APPROVED);
    statement_bind_blob(update, 3, bytes_of(entry->log->topic[2], 32));
    statement_bind_blob(update, 4, entry->data[0].bytes);
    return statement_run(update, entry->error);
}

static int entry_set_status(struct ledger_entry *entry, enum ledger_status status)
{
    struct statement *update = NULL;
    int code = entry_prepare(entry, "UPDATE ledger_request SET status = ?2 WHERE id = ?1", &update);

    if (code)
        return code;
    statement_bind_blob(update, 1, bytes_of(entry->log->topic[1], 32));
    statement_bind_int(update, 2, status);
    return statement_run(update, entry->error);
}

static int on_refused(struct ledger_entry *entry)
{
    return entry_set_status(entry, LEDGER_REFUSED);
}

static int on_denied(struct ledger_entry *entry)
{
    return entry_set_status(entry, LEDGER_DENIED);
}

static int on_withdrawn(struct ledger_entry *entry)
{
    return entry_set_status(entry, LEDGER_WITHDRAWN);
}

static int on_expired(struct ledger_entry *entry)
{
    return entry_set_status(entry, LEDGER_EXPIRED);
}

static int on_revoked(struct ledger_entry *entry)
{
    return entry_set_status(entry, LEDGER_REVOKED);
}

static int on_ended(struct ledger_entry *entry)
{
    return entry_set_status(entry, LEDGER_ENDED);
}

static int on_institute_opened(struct ledger_entry *entry)
{
    struct statement *insert = NULL;
    int code = entry_prepare(
        entry, "INSERT INTO ledger_pair (hospital, institute, contract) VALUES (?1, ?2, ?3)",
        &insert);

    if (code)
        return code;
    statement_bind_int(insert, 1, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_blob(insert, 2, entry_topic_address(entry, 2));
    statement_bind_blob(insert, 3, entry_topic_address(entry, 3));
    return statement_run(insert, entry->error);
}

static int on_institute_revoked(struct ledger_entry *entry)
{
    struct statement *update = NULL;
    int code = entry_prepare(entry,
                             "UPDATE ledger_request SET status = ?3"
                             " WHERE hospital = ?1 AND institute = ?2 AND status = ?4",
                             &update);

    if (code)
        return code;
    statement_bind_int(update, 1, (int64_t)entry_topic_u64(entry, 1));
    statement_bind_blob(update, 2, entry_topic_address(entry, 2));
    statement_bind_int(update, 3, LEDGER_ENDED);
    statement_bind_int(update, 4, LEDGER_APPROVED);
    return statement_run(update, entry->error);
}

/* Every event that the ledger keeps, and what to do with it. */
#define LEDGER_EVENTS(X)                                                                           \
    X(AMSC_HOSPITAL_REGISTERED, on_hospital_registered)                                            \
    X(AMSC_HOSPITAL_UPDATED, on_hospital_updated)                                                  \
    X(AMSC_HOSPITAL_SUSPENDED, on_hospital_suspended)                                              \
    X(AMSC_HOSPITAL_REINSTATED, on_hospital_reinstated)                                            \
    X(AMSC_HOSPITAL_KEY_REPLACED, on_hospital_key_replaced)                                        \
    X(AMSC_KEYS_PUBLISHED, on_keys_published)                                                      \
    X(AMSC_CREDENTIAL_ACCEPTED, on_credential_accepted)                                            \
    X(AMSC_CREDENTIAL_REVOKED, on_credential_revoked)                                              \
    X(AMSC_RELATIONSHIP_CREATED, on_relationship_created)                                          \
    X(HPSC_TERMS_SET, on_terms_set)                                                                \
    X(HPSC_OVERRIDE_SET, on_override_set)                                                          \
    X(HPSC_BATCH_ANCHORED, on_batch_anchored)                                                      \
    X(ARSC_REQUEST_MADE, on_request_made)                                                          \
    X(ARSC_CONSENT_GIVEN, on_consent_given)                                                        \
    X(ARSC_REQUEST_APPROVED, on_request_approved)                                                  \
    X(ARSC_CONSENT_REFUSED, on_refused)                                                            \
    X(ARSC_REQUEST_DENIED, on_denied)                                                              \
    X(ARSC_REQUEST_WITHDRAWN, on_withdrawn)                                                        \
    X(ARSC_REQUEST_EXPIRED, on_expired)                                                            \
    X(ARSC_CONSENT_REVOKED, on_revoked)                                                            \
    X(ARSC_CONSENT_ENDED, on_ended)                                                                \
    X(ARSC_INSTITUTE_OPENED, on_institute_opened)                                                  \
    X(ARSC_INSTITUTE_REVOKED, on_institute_revoked)

static const uint8_t ledger_topic[][32] = {
#define X(event, function) event##_TOPIC,
    LEDGER_EVENTS(X)
#undef X
};

static const struct {
    const char *indexed;
    const char *data;
    int (*run)(struct ledger_entry *entry);
} ledger_events[] = {
#define X(event, function) { event##_INDEXED, event##_DATA, (function) },
    LEDGER_EVENTS(X)
#undef X
};

const uint8_t (*ledger_topics(size_t *count))[32]
{
    *count = sizeof ledger_topic / sizeof ledger_topic[0];
    return ledger_topic;
}

bool ledger_known(void *context, struct store *store, const uint8_t address[20])
{
    const struct node *node = context;
    struct statement *query = NULL;
    bool known;

    if (memcmp(address, node->config.network.amsc, 20) == 0 ||
        memcmp(address, node->config.network.arsc, 20) == 0)
        return true;
    if (store_prepare(store,
                      "SELECT 1 FROM ledger_relationship WHERE contract = ?1"
                      " UNION ALL SELECT 1 FROM ledger_pair WHERE contract = ?1",
                      &query, NULL))
        return false;
    statement_bind_blob(query, 1, bytes_of(address, 20));
    known = statement_step(query, NULL) == 1;
    statement_finish(query);
    return known;
}

/* The first topic and one for each indexed member. */
static size_t ledger_count_topics(const char *indexed)
{
    size_t count = strcmp(indexed, "()") == 0 ? 1 : 2;

    for (; *indexed; indexed++)
        count += *indexed == ',';
    return count;
}

int ledger_handle(void *context, struct store *store, const struct follower_event *event,
                  struct aceso_error *error)
{
    struct ledger_entry entry = { .store = store, .log = event->log, .error = error };

    (void)context;
    if (!event->first)
        return ACESO_OK;
    for (size_t i = 0; i < sizeof ledger_events / sizeof ledger_events[0]; i++) {
        int code;

        if (memcmp(event->log->topic[0], ledger_topic[i], 32) != 0)
            continue;
        if (event->log->topics != ledger_count_topics(ledger_events[i].indexed))
            return error_set(error, ACESO_EFORMAT, "event", "it has another number of topics");
        code = abi_decode(ledger_events[i].data, event->log->data, entry.data, LEDGER_VALUES,
                          error);
        return code ? code : ledger_events[i].run(&entry);
    }
    return ACESO_OK;
}

int ledger_reset(void *context, struct store *store, struct aceso_error *error)
{
    struct node *node = context;
    struct statement *query = NULL;
    int code = store_prepare(store, "SELECT 1 FROM ledger_hospital LIMIT 1", &query, error);

    if (!code && statement_step(query, NULL) == 1)
        atomic_store(&node->chain_lost_ms, time_monotonic_ms());
    statement_finish(query);
    for (size_t i = 0; i < sizeof ledger_tables / sizeof ledger_tables[0] && !code; i++) {
        char sql[64];

        (void)snprintf(sql, sizeof sql, "DELETE FROM %s", ledger_tables[i]);
        code = store_exec(store, sql, error);
    }
    return code;
}
