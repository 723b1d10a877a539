/* SPDX-License-Identifier: Apache-2.0 */
/* Which policies a hospital takes, and what it vouches for by approving under one. */
#include "hospital/terms.h"

#include "base/text.h"
#include "consent/policy.h"
#include "node/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct bench {
    struct node node;
    struct store *store;
};

static int bench_make(void **state)
{
    static struct bench bench;
    const char *const migrations[] = { setting_schema, ledger_schema, hospital_schema };

    memset(&bench, 0, sizeof bench);
    (void)snprintf(bench.node.config.hospital.label, CONFIG_LABEL_SIZE, "hospital-a");
    assert_int_equal(store_open(":memory:", migrations, 3, &bench.store, NULL), ACESO_OK);
    assert_int_equal(
        store_exec(bench.store,
                   "INSERT INTO attribute VALUES ('registered'), ('trial');"
                   "INSERT INTO ledger_hospital (id, address, key, label, url, seal_key,"
                   " tls_key_digest, keys_digest) VALUES (2, zeroblob(20), zeroblob(20),"
                   " 'hospital-b', 'https://b', zeroblob(32), zeroblob(32), zeroblob(32));",
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

static struct aceso_abe_policy *policy_of(const char *text)
{
    struct aceso_abe_policy *policy = NULL;

    assert_int_equal(policy_parse(text, &policy, NULL), ACESO_OK);
    return policy;
}

static void test_names(void **state)
{
    static const struct {
        const char *policy;
        int code;
        const char *says;
    } cases[] = {
        { "registered@hospital-a and accredited@hospital-b", ACESO_OK, "" },
        { "trial@hospital-a", ACESO_OK, "" },
        { "registered@hospital-a or triall@hospital-a", ACESO_ENOTFOUND, "triall@hospital-a" },
        { "registered@hospital-a or x@hospital-c", ACESO_ENOTFOUND, "x@hospital-c" },
        { "2 of (trial@hospital-a, a@hospital-b, b@nowhere)", ACESO_ENOTFOUND, "b@nowhere" },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aceso_abe_policy *policy = policy_of(cases[i].policy);
        struct aceso_error error = { 0 };
        int code = terms_check_names(&bench->node, bench->store, policy, &error);

        if (code != cases[i].code || !strstr(error.text, cases[i].says))
            fail_msg("%s: %d: %s", cases[i].policy, code, error.text);
        aceso_abe_policy_free(policy);
    }
}

/* Without a key of another authority the hospital has its own attributes alone. */
static void test_own(void **state)
{
    static const struct {
        const char *policy, *lacks; /* NULL: satisfied */
    } cases[] = {
        { "registered@hospital-a", NULL },
        { "registered@hospital-a or accredited@hospital-b", NULL },
        { "registered@hospital-a and (accredited@hospital-b or trial@hospital-a)", NULL },
        { "2 of (registered@hospital-a, accredited@hospital-b, trial@hospital-a)", NULL },
        { "registered@hospital-a and accredited@hospital-b", "lacks accredited@hospital-b" },
        { "2 of (registered@hospital-a, a@hospital-b, b@hospital-b)",
          "lacks a@hospital-b, b@hospital-b" },
        { "accredited@hospital-b", "lacks accredited@hospital-b" },
        { "registered@hospital-ab", "lacks registered@hospital-ab" },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aceso_abe_policy *policy = policy_of(cases[i].policy);
        struct aceso_error error = { 0 };
        int code = terms_check_own(&bench->node, bench->store, policy, &error);

        if (code != (cases[i].lacks ? ACESO_EDENIED : ACESO_OK) ||
            (cases[i].lacks && !strstr(error.text, cases[i].lacks)))
            fail_msg("%s: %d: %s", cases[i].policy, code, error.text);
        aceso_abe_policy_free(policy);
    }
}

static void test_demand(void **state)
{
    static const struct {
        const char *policy, *attribute;
        bool demanded;
    } cases[] = {
        { "registered@hospital-a and accredited@hospital-b", "registered@hospital-a", true },
        { "registered@hospital-a and (accredited@hospital-b or trial@hospital-a)",
          "registered@hospital-a", true },
        { "registered@hospital-a and (accredited@hospital-b or trial@hospital-a)",
          "trial@hospital-a", false },
        { "2 of (registered@hospital-a, accredited@hospital-b, trial@hospital-a)",
          "registered@hospital-a", false },
        { "3 of (registered@hospital-a, accredited@hospital-b, trial@hospital-a)",
          "registered@hospital-a", true },
        { "(trial@hospital-a and x@hospital-b) or (trial@hospital-a and y@hospital-b)",
          "trial@hospital-a", true },
        { "trial@hospital-a or (trial@hospital-a and registered@hospital-a)",
          "registered@hospital-a", false },
        { "trial@hospital-a", "trial@hospital-a", true },
        { "trial@hospital-a", "registered@hospital-a", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aceso_abe_policy *policy = policy_of(cases[i].policy);
        bool demanded = !cases[i].demanded;

        assert_int_equal(terms_demand(policy, cases[i].attribute, &demanded, NULL), ACESO_OK);
        if (demanded != cases[i].demanded)
            fail_msg("%s in %s", cases[i].attribute, cases[i].policy);
        aceso_abe_policy_free(policy);
    }
}

static void test_withhold(void **state)
{
    const uint8_t one[20] = { 1 }, two[20] = { 2 };
    struct bench *bench = *state;
    struct statement *query = NULL;

    assert_int_equal(authority_allow(bench->store, "registered", one, NULL), ACESO_OK);
    assert_int_equal(authority_allow(bench->store, "on.1.x", one, NULL), ACESO_OK);
    assert_int_equal(authority_allow(bench->store, "registered", two, NULL), ACESO_OK);
    assert_int_equal(authority_withhold(bench->store, one, NULL), ACESO_OK);
    assert_int_equal(authority_withhold(bench->store, one, NULL), ACESO_OK);
    assert_int_equal(store_prepare(bench->store, "SELECT address FROM issue", &query, NULL),
                     ACESO_OK);
    assert_int_equal(statement_step(query, NULL), 1);
    assert_memory_equal(statement_blob(query, 0).data, two, 20);
    assert_int_equal(statement_step(query, NULL), 0);
    statement_finish(query);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_make, bench_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(test_names), WITH_BENCH(test_own), cmocka_unit_test(test_demand),
        WITH_BENCH(test_withhold),
    };

    return cmocka_run_group_tests_name("hospital terms", tests, NULL, NULL);
}
