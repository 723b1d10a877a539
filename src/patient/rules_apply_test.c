/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the module's text in, to look at decisions without a chain and a hospital. */
#include "patient/rules_apply.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOSPITAL 7

static const uint8_t patient[20] = { 0xa1 }, school[20] = { 0xc1 }, pharmacy[20] = { 0xc2 };

struct bench {
    struct store *store;
    struct membership at;
};

static int bench_make(void **state)
{
    static struct bench bench;
    const char *const migrations[] = { setting_schema, ledger_schema, rules_schema };

    memset(&bench, 0, sizeof bench);
    bench.at.card.id = HOSPITAL;
    (void)snprintf(bench.at.card.label, sizeof bench.at.card.label, "hospital-a");
    memcpy(bench.at.address, patient, 20);
    assert_int_equal(store_open(":memory:", migrations, 3, &bench.store, NULL), ACESO_OK);
    assert_int_equal(ledger_migrate(bench.store, NULL), ACESO_OK);
    assert_int_equal(
        store_exec(bench.store,
                   "INSERT INTO ledger_relationship (contract, hospital, patient) VALUES"
                   " (x'd100000000000000000000000000000000000000', 7,"
                   " x'a100000000000000000000000000000000000000');"
                   "INSERT INTO ledger_terms (contract, e, n, policy_digest, levels,"
                   " patient_keys_digest, authority_keys_digest, headers_digest, headers) VALUES"
                   " (x'd100000000000000000000000000000000000000', 1, 1, zeroblob(32),"
                   " x'0000000000000000000000000000000000000000000000000000000000043210',"
                   " zeroblob(32), zeroblob(32), zeroblob(32), x'00');",
                   NULL),
        ACESO_OK);
    *state = &bench;
    return 0;
}

static int bench_free(void **state)
{
    struct bench *bench = *state;

    store_close(bench->store);
    return 0;
}

static void bench_credential(struct bench *bench, const uint8_t institute[20], int category,
                             int64_t expiry)
{
    struct statement *insert = NULL;

    assert_int_equal(store_prepare(bench->store,
                                   "INSERT OR REPLACE INTO ledger_credential (institute, category,"
                                   " seal_key, tls_key_digest, serial, expiry)"
                                   " VALUES (?1, ?2, zeroblob(32), zeroblob(32), 1, ?3)",
                                   &insert, NULL),
                     ACESO_OK);
    statement_bind_blob(insert, 1, bytes_of(institute, 20));
    statement_bind_int(insert, 2, category);
    statement_bind_int(insert, 3, expiry);
    assert_int_equal(statement_run(insert, NULL), ACESO_OK);
}

/* A request for high, 30 days; its id begins with `id`. */
static void bench_request(struct bench *bench, uint8_t id, const uint8_t institute[20],
                          int hospital, enum ledger_status status, int64_t deadline)
{
    const uint8_t whole[32] = { id };
    struct statement *insert = NULL;

    assert_int_equal(store_prepare(bench->store,
                                   "INSERT OR REPLACE INTO ledger_request (id, hospital, patient,"
                                   " institute, purpose, level, term, deadline, status)"
                                   " VALUES (?1, ?2, ?3, ?4, 4, 3, 2592000, ?5, ?6)",
                                   &insert, NULL),
                     ACESO_OK);
    statement_bind_blob(insert, 1, bytes_of(whole, 32));
    statement_bind_int(insert, 2, hospital);
    statement_bind_blob(insert, 3, bytes_of(patient, 20));
    statement_bind_blob(insert, 4, bytes_of(institute, 20));
    statement_bind_int(insert, 5, deadline);
    statement_bind_int(insert, 6, status);
    assert_int_equal(statement_run(insert, NULL), ACESO_OK);
}

static void bench_open(struct bench *bench, uint8_t id, const uint8_t institute[20])
{
    bench_request(bench, id, institute, HOSPITAL, LEDGER_OPEN, time_now() + 3600);
}

static void bench_look(struct bench *bench, const struct rule *rules, size_t count)
{
    struct rule copy[4] = { { 0 } };
    struct judging judging = { .store = bench->store, .at = &bench->at, .rules = copy,
                               .count = count };

    memcpy(copy, rules, count * sizeof *rules);
    assert_int_equal(ledger_requests(bench->store, patient, 0, judging_each, &judging, NULL),
                     ACESO_OK);
}

static int bench_decision(struct bench *bench, uint8_t id, struct decision *decision)
{
    const uint8_t whole[32] = { id };

    return decision_load(bench->store, whole, decision, NULL);
}

static const struct rule allow_less = { .number = 5, .then = RULE_ALLOW, .less = true };
static const struct rule deny_all = { .number = 6, .then = RULE_DENY };

/* The category is that of the credential on the chain, the level that of the own table. */
static void test_judged(void **state)
{
    struct bench *bench = *state;
    struct decision decision;

    bench_credential(bench, school, 3, time_now() + 60);
    bench_credential(bench, pharmacy, 1, time_now() + 60);
    bench_open(bench, 1, school);
    bench_open(bench, 2, pharmacy);
    bench_look(bench, &allow_less, 1);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_OK);
    assert_int_equal(decision.what.verdict, RULE_ALLOW);
    assert_int_equal(decision.what.number, 5);
    assert_int_equal(decision.what.level, 3);
    assert_int_equal(decision.what.term, 2592000);
    assert_int_equal(decision.state, DECIDING);
    assert_int_equal(bench_decision(bench, 2, &decision), ACESO_OK);
    assert_int_equal(decision.what.level, 1);
    assert_int_equal(store_exec(bench->store,
                                "DELETE FROM decision; INSERT INTO ledger_override VALUES"
                                " (x'd100000000000000000000000000000000000000',"
                                " x'c200000000000000000000000000000000000000', 2);",
                                NULL),
                     ACESO_OK);
    bench_look(bench, &allow_less, 1);
    assert_int_equal(bench_decision(bench, 2, &decision), ACESO_OK);
    assert_int_equal(decision.what.level, 2);
}

static void test_not_judged(void **state)
{
    struct bench *bench = *state;
    struct decision decision;

    bench_credential(bench, school, 3, time_now() + 60);
    for (int status = LEDGER_APPROVED; status <= LEDGER_ENDED; status++)
        bench_request(bench, (uint8_t)status, school, HOSPITAL, (enum ledger_status)status,
                      time_now() + 3600);
    bench_request(bench, 20, school, HOSPITAL, LEDGER_OPEN, time_now() - 1);
    bench_request(bench, 21, school, HOSPITAL + 1, LEDGER_OPEN, time_now() + 3600);
    bench_look(bench, &deny_all, 1);
    for (uint8_t id = 0; id < 30; id++)
        assert_int_equal(bench_decision(bench, id, &decision), ACESO_ENOTFOUND);
}

/* A credential that ended is no reason to allow; none is no category. */
static void test_dead_credential(void **state)
{
    const struct rule rules[] = { { .number = 1, .then = RULE_DENY, .category = 1 }, allow_less };
    struct bench *bench = *state;
    struct decision decision;

    bench_credential(bench, school, 3, time_now() - 1);
    bench_open(bench, 1, school);
    bench_open(bench, 2, pharmacy); /* no credential at all */
    bench_look(bench, rules, 2);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_ENOTFOUND);
    assert_int_equal(bench_decision(bench, 2, &decision), ACESO_ENOTFOUND);
    bench_look(bench, &deny_all, 1);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_OK);
    assert_int_equal(decision.what.verdict, RULE_DENY);
}

/* What was decided stays decided, whatever the rules say later. */
static void test_once(void **state)
{
    struct bench *bench = *state;
    struct decision before, after;

    bench_credential(bench, school, 3, time_now() + 60);
    bench_open(bench, 1, school);
    bench_look(bench, &allow_less, 1);
    assert_int_equal(bench_decision(bench, 1, &before), ACESO_OK);
    assert_int_equal(decision_set(bench->store, before.number, SENT, 0, "", NULL), ACESO_OK);
    bench_look(bench, &deny_all, 1);
    assert_int_equal(bench_decision(bench, 1, &after), ACESO_OK);
    assert_int_equal(after.number, before.number);
    assert_int_equal(after.state, SENT);
    assert_int_equal(after.what.verdict, RULE_ALLOW);
}

static void test_owner(void **state)
{
    const uint8_t id[32] = { 1 };
    struct bench *bench = *state;
    struct decision decision;
    bool taken = false;

    bench_credential(bench, school, 3, time_now() + 60);
    bench_open(bench, 1, school);
    bench_look(bench, &allow_less, 1);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_OK);
    assert_int_equal(decision_claim(bench->store, decision.number, &decision.what, NULL), ACESO_OK);
    assert_int_equal(owner_take(bench->store, id, &taken, NULL), ACESO_EBUSY);
    assert_false(taken);
    assert_int_equal(decision_set(bench->store, decision.number, DECIDING, 0, "away", NULL),
                     ACESO_OK);
    assert_int_equal(owner_take(bench->store, id, &taken, NULL), ACESO_OK);
    assert_true(taken);
    /* the rule's operation comes too late, and says nothing over the owner's word */
    assert_int_equal(decision_claim(bench->store, decision.number, &decision.what, NULL),
                     ACESO_ENOTFOUND);
    assert_int_equal(decision_set(bench->store, decision.number, DECIDING, 0, "", NULL), ACESO_OK);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_OK);
    assert_int_equal(decision.state, OWNER);
    bench_look(bench, &deny_all, 1);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_OK);
    assert_int_equal(decision.state, OWNER);
}

static void test_owner_too_late(void **state)
{
    const uint8_t id[32] = { 1 }, unknown[32] = { 2 };
    struct bench *bench = *state;
    struct decision decision;
    bool taken = false;

    bench_request(bench, 1, school, HOSPITAL, LEDGER_APPROVED, time_now() + 3600);
    assert_int_equal(owner_take(bench->store, id, &taken, NULL), ACESO_OK);
    assert_false(taken);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_ENOTFOUND);
    assert_int_equal(owner_take(bench->store, unknown, &taken, NULL), ACESO_ENOTFOUND);
    assert_false(store_in_transaction(bench->store));
}

static void test_take_back(void **state)
{
    struct bench *bench = *state;
    struct decision decision;

    bench_credential(bench, school, 3, time_now() + 60);
    for (uint8_t id = 1; id <= 3; id++)
        bench_open(bench, id, school);
    bench_look(bench, &allow_less, 1);
    assert_int_equal(bench_decision(bench, 2, &decision), ACESO_OK);
    assert_int_equal(decision_set(bench->store, decision.number, SENDING, 0, "", NULL), ACESO_OK);
    assert_int_equal(bench_decision(bench, 3, &decision), ACESO_OK);
    assert_int_equal(decision_set(bench->store, decision.number, SENT, 0, "", NULL), ACESO_OK);
    assert_int_equal(rules_take_back(bench->store, 4, NULL), ACESO_OK);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_OK);
    assert_int_equal(rules_take_back(bench->store, 5, NULL), ACESO_OK);
    assert_int_equal(bench_decision(bench, 1, &decision), ACESO_ENOTFOUND);
    assert_int_equal(bench_decision(bench, 2, &decision), ACESO_OK);
    assert_int_equal(bench_decision(bench, 3, &decision), ACESO_OK);
}

static void test_attempts(void **state)
{
    const uint8_t one[32] = { 1 }, two[32] = { 2 };
    char id[OPERATION_ID_SIZE], other[OPERATION_ID_SIZE];

    (void)state;
    attempt_id(one, 1, 1, id);
    assert_int_equal(strspn(id, "0123456789abcdef"), 64);
    attempt_id(one, 1, 1, other);
    assert_string_equal(id, other);
    attempt_id(two, 1, 1, other);
    assert_string_not_equal(id, other);
    attempt_id(one, 2, 1, other);
    assert_string_not_equal(id, other);
    attempt_id(one, 1, 2, other);
    assert_string_not_equal(id, other);
    for (uint64_t attempt = 0; attempt < 100; attempt++) {
        assert_in_range(applying_pause(attempt), RETRY_FIRST_S, RETRY_LAST_S);
        assert_true(applying_pause(attempt + 1) >= applying_pause(attempt));
    }
    assert_int_equal(applying_pause(UINT64_MAX), RETRY_LAST_S);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_make, bench_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(test_judged),     WITH_BENCH(test_not_judged),
        WITH_BENCH(test_once),       WITH_BENCH(test_dead_credential),
        WITH_BENCH(test_owner),      WITH_BENCH(test_owner_too_late),
        WITH_BENCH(test_take_back),  cmocka_unit_test(test_attempts),
    };

    return cmocka_run_group_tests_name("patient rules at work", tests, NULL, NULL);
}
