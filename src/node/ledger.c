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

#define LEDGER_VALUES 16 /* of one event */

/* What is done for one kind of event: a statement, and where its parameters come from, in order:
 *     n1 a1 h1   the first indexed member as a number, an address, 32 bytes (n2, ...)
 *     N0 W0      the first other member as a number, 32 bytes (N1, ...)
 *     B0 T0      the same of any length, and as text
 *     c k        the contract that the event is from, the constant */
struct ledger_rule {
    uint8_t topic[32];
    const char *indexed; /* as Solidity writes their types */
    const char *data;
    const char *sql;
    const char *values;
    int constant;
};

#define RULE(event, sql, values, constant)                                                         \
    { event##_TOPIC, event##_INDEXED, event##_DATA, (sql), (values), (constant) }
#define SET_SUSPENDED "UPDATE ledger_hospital SET suspended = ?2 WHERE id = ?1"
#define SET_STATUS "UPDATE ledger_request SET status = ?2 WHERE id = ?1"

static const struct ledger_rule ledger_rules[LEDGER_TOPICS] = {
    RULE(AMSC_HOSPITAL_REGISTERED,
         "INSERT INTO ledger_hospital (id, address, key, label, url, seal_key, tls_key_digest,"
         " keys_digest) VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, zeroblob(32))",
         "n1 a2 T0 T1 W2 W3", 0),
    RULE(AMSC_HOSPITAL_UPDATED,
         "UPDATE ledger_hospital SET url = ?2, seal_key = ?3, tls_key_digest = ?4 WHERE id = ?1",
         "n1 T0 W1 W2", 0),
    RULE(AMSC_HOSPITAL_SUSPENDED, SET_SUSPENDED, "n1 k", 1),
    RULE(AMSC_HOSPITAL_REINSTATED, SET_SUSPENDED, "n1 k", 0),
    RULE(AMSC_HOSPITAL_KEY_REPLACED, "UPDATE ledger_hospital SET key = ?2 WHERE id = ?1", "n1 a3",
         0),
    RULE(AMSC_KEYS_PUBLISHED, "UPDATE ledger_hospital SET keys_digest = ?2 WHERE id = ?1", "n1 W0",
         0),
    RULE(AMSC_CREDENTIAL_ACCEPTED,
         "INSERT OR REPLACE INTO ledger_credential (institute, serial, category, seal_key,"
         " tls_key_digest, expiry) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
         "a1 n2 N0 W1 W2 N3", 0),
    /* Revoked ones stay in the table, expired. */
    RULE(AMSC_CREDENTIAL_REVOKED,
         "UPDATE ledger_credential SET expiry = 0 WHERE institute = ?1 AND serial <= ?2", "a1 n2",
         0),
    RULE(AMSC_RELATIONSHIP_CREATED,
         "INSERT INTO ledger_relationship (hospital, patient, contract) VALUES (?1, ?2, ?3)",
         "n1 a2 a3", 0),
    RULE(HPSC_TERMS_SET,
         "INSERT INTO ledger_terms (contract, e, n, policy_digest, levels, patient_keys_digest,"
         " authority_keys_digest, headers_digest, headers)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
         "c n1 n2 W0 W1 W2 W3 W4 B5", 0),
    /* Removed ones stay in the table, at a level that is none: HPSC_OVERRIDE_NONE. */
    RULE(HPSC_OVERRIDE_SET,
         "INSERT OR REPLACE INTO ledger_override (contract, institute, level) VALUES (?1, ?2, ?3)",
         "c a1 N0", 0),
    RULE(HPSC_BATCH_ANCHORED,
         "INSERT INTO ledger_batch (contract, number, root, previous_root, records, leaves)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
         "c n1 h2 W0 N1 N2", 0),
    RULE(ARSC_REQUEST_MADE,
         "INSERT INTO ledger_request (id, hospital, patient, institute, purpose, level, term,"
         " deadline, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
         "W0 n1 a2 a3 N1 N2 N3 N4 k", LEDGER_OPEN),
    /* The contract takes a grant for the epoch in force only, so that is the one it is for. */
    RULE(ARSC_CONSENT_GIVEN,
         "UPDATE ledger_request SET granted = ?2, until = ?3, sealed_grant = ?4,"
         " epoch = (SELECT max(t.e) FROM ledger_terms t"
         " JOIN ledger_relationship r ON r.contract = t.contract"
         " WHERE r.hospital = ledger_request.hospital"
         " AND r.patient = ledger_request.patient) WHERE id = ?1",
         "h1 N0 N1 B2", 0),
    RULE(ARSC_REQUEST_APPROVED,
         "UPDATE ledger_request SET access_digest = ?2, sealed_access = ?3, status = ?4"
         " WHERE id = ?1",
         "h1 h2 B0 k", LEDGER_APPROVED),
    RULE(ARSC_CONSENT_REFUSED, SET_STATUS, "h1 k", LEDGER_REFUSED),
    RULE(ARSC_REQUEST_DENIED, SET_STATUS, "h1 k", LEDGER_DENIED),
    RULE(ARSC_REQUEST_WITHDRAWN, SET_STATUS, "h1 k", LEDGER_WITHDRAWN),
    RULE(ARSC_REQUEST_EXPIRED, SET_STATUS, "h1 k", LEDGER_EXPIRED),
    RULE(ARSC_CONSENT_REVOKED, SET_STATUS, "h1 k", LEDGER_REVOKED),
    RULE(ARSC_CONSENT_ENDED, SET_STATUS, "h1 k", LEDGER_ENDED),
    RULE(ARSC_INSTITUTE_OPENED,
         "INSERT INTO ledger_pair (hospital, institute, contract) VALUES (?1, ?2, ?3)", "n1 a2 a3",
         0),
    RULE(ARSC_INSTITUTE_REVOKED, /* the approved ones end */
         "UPDATE ledger_request SET status = ?3 WHERE hospital = ?1 AND institute = ?2"
         " AND status = 2",
         "n1 a2 k", LEDGER_ENDED),
};
_Static_assert(LEDGER_APPROVED == 2, "as the last rule has it");

void ledger_topics(uint8_t topics[LEDGER_TOPICS][32])
{
    for (size_t i = 0; i < LEDGER_TOPICS; i++)
        memcpy(topics[i], ledger_rules[i].topic, 32);
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

/* SQLite's numbers end where the sign begins; nothing that counts is that large. */
static int64_t ledger_number(const struct abi_value *value)
{
    uint64_t number = abi_get_u64(value);

    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* A label or URL. A hospital with a longer one is passed over: nobody could reach it by that. */
static int ledger_bind_text(struct statement *statement, int parameter, struct bytes text)
{
    char copy[CONFIG_URL_SIZE];

    if (text.len >= sizeof copy)
        return ACESO_ELIMIT;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    statement_bind_text(statement, parameter, copy);
    return ACESO_OK;
}

static int ledger_bind(struct statement *statement, int parameter, const char *source,
                       const struct ledger_rule *rule, const struct rpc_log *log,
                       const struct abi_value *data)
{
    size_t at = source[0] == 'c' || source[0] == 'k' ? 0 : (size_t)(source[1] - '0');
    struct abi_value number;

    switch (source[0]) {
    case 'n':
        number = abi_word(log->topic[at]);
        statement_bind_int(statement, parameter, ledger_number(&number));
        break;
    case 'a':
        statement_bind_blob(statement, parameter, bytes_of(log->topic[at] + 12, 20));
        break;
    case 'h':
        statement_bind_blob(statement, parameter, bytes_of(log->topic[at], 32));
        break;
    case 'N':
        statement_bind_int(statement, parameter, ledger_number(&data[at]));
        break;
    case 'W':
        statement_bind_blob(statement, parameter, bytes_of(data[at].word, 32));
        break;
    case 'B':
        statement_bind_blob(statement, parameter, data[at].bytes);
        break;
    case 'T':
        return ledger_bind_text(statement, parameter, data[at].bytes);
    case 'c':
        statement_bind_blob(statement, parameter, bytes_of(log->address, 20));
        break;
    default:
        statement_bind_int(statement, parameter, rule->constant);
        break;
    }
    return ACESO_OK;
}

static int ledger_apply(const struct ledger_rule *rule, struct store *store,
                        const struct rpc_log *log, const struct abi_value *data,
                        struct aceso_error *error)
{
    struct statement *statement = NULL;
    const char *source = rule->values;
    int parameter = 0, code = store_prepare(store, rule->sql, &statement, error);

    while (!code && *source) {
        code = ledger_bind(statement, ++parameter, source, rule, log, data);
        source += strcspn(source, " ");
        source += *source == ' ';
    }
    if (!code)
        return statement_run(statement, error);
    statement_finish(statement);
    return code == ACESO_ELIMIT ? ACESO_OK : code;
}

int ledger_handle(void *context, struct store *store, const struct follower_event *event,
                  struct aceso_error *error)
{
    const struct rpc_log *log = event->log;
    struct abi_value data[LEDGER_VALUES];
    const struct ledger_rule *rule = NULL;
    int code;

    (void)context;
    for (size_t i = 0; event->first && !rule && i < LEDGER_TOPICS; i++) {
        if (memcmp(log->topic[0], ledger_rules[i].topic, 32) == 0)
            rule = &ledger_rules[i];
    }
    if (!rule)
        return ACESO_OK;
    if (log->topics != ledger_count_topics(rule->indexed))
        return error_set(error, ACESO_EFORMAT, "event", "it has another number of topics");
    code = abi_decode(rule->data, log->data, data, LEDGER_VALUES, error);
    return code ? code : ledger_apply(rule, store, log, data, error);
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
