/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the module's text in, to reach the checks without a network. */
#include "hospital/carry.c"

#include "crypto/ecdsa.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct store *bench_store(void)
{
    const char *const migrations[] = { hospital_schema };
    struct store *store = NULL;

    assert_int_equal(store_open(":memory:", migrations, 1, &store, NULL), ACESO_OK);
    assert_int_equal(store_migrate(store, hospital_migrations, hospital_migration_count, NULL),
                     ACESO_OK);
    return store;
}

static int bench_carry(struct store *store, uint8_t caller, unsigned request, int64_t now)
{
    const uint8_t address[20] = { caller };
    uint8_t id[32] = { caller };

    id[1] = (uint8_t)(request >> 8);
    id[2] = (uint8_t)request;
    return carry_limit(store, address, id, now, NULL);
}

static void test_limit_of_a_caller(void **state)
{
    struct store *store = bench_store();

    (void)state;
    for (unsigned i = 0; i < CARRY_CALLER_MAX; i++)
        assert_int_equal(bench_carry(store, 1, i, 1000), ACESO_OK);
    assert_int_equal(bench_carry(store, 1, 999, 1000), ACESO_EBUSY);
    assert_int_equal(bench_carry(store, 2, 0, 1000), ACESO_OK);
    assert_int_equal(bench_carry(store, 1, 999, 1000 + CARRY_SECONDS - 1), ACESO_EBUSY);
    assert_int_equal(bench_carry(store, 1, 999, 1000 + CARRY_SECONDS), ACESO_OK);
    store_close(store);
}

static void test_limit_of_all(void **state)
{
    struct store *store = bench_store();

    (void)state;
    for (unsigned i = 0; i < CARRY_MAX; i++)
        assert_int_equal(bench_carry(store, (uint8_t)(i / 20), i % 20, 1000), ACESO_OK);
    assert_int_equal(bench_carry(store, 200, 0, 1000), ACESO_EBUSY);
    assert_int_equal(bench_carry(store, 200, 0, 1000 + CARRY_SECONDS), ACESO_OK);
    store_close(store);
}

static void test_check(void **state)
{
    static struct node node = { .config = { .network = { .chain_id = 5, .arsc = { 7 } } } };
    static const struct {
        enum ledger_status status;
        int refuse, revoke;
        bool done;
    } cases[] = {
        { LEDGER_OPEN, ACESO_OK, ACESO_ESTATE, false },
        { LEDGER_APPROVED, ACESO_ESTATE, ACESO_OK, false },
        { LEDGER_REFUSED, ACESO_OK, ACESO_OK, true },
        { LEDGER_REVOKED, ACESO_OK, ACESO_OK, true },
        { LEDGER_ENDED, ACESO_OK, ACESO_OK, true },
    };
    struct eip712_domain domain = node_domain(&node, node.config.network.arsc);
    struct ledger_request request = { .id = { 4 } };
    uint8_t secret[32], digest[32], refused[65], revoked[65];
    bool done;

    (void)state;
    ecdsa_secret_make(secret);
    assert_int_equal(ecdsa_address(secret, request.patient), ACESO_OK);
    arsc_refusal_digest(&domain, request.id, digest);
    assert_int_equal(ecdsa_sign(secret, digest, refused), ACESO_OK);
    arsc_revocation_digest(&domain, request.id, digest);
    assert_int_equal(ecdsa_sign(secret, digest, revoked), ACESO_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        request.status = cases[i].status;
        assert_int_equal(carry_check(&node, &refusal, &request, refused, &done, NULL),
                         cases[i].refuse);
        assert_int_equal(done, cases[i].done);
        assert_int_equal(carry_check(&node, &revocation, &request, revoked, &done, NULL),
                         cases[i].revoke);
        /* one says not the other, and nobody else says it */
        assert_int_equal(carry_check(&node, &refusal, &request, revoked, &done, NULL),
                         ACESO_EVERIFY);
    }
    request.patient[0] ^= 1;
    assert_int_equal(carry_check(&node, &revocation, &request, revoked, &done, NULL),
                     ACESO_EVERIFY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_of_a_caller),
        cmocka_unit_test(test_limit_of_all),
        cmocka_unit_test(test_check),
    };

    return cmocka_run_group_tests_name("hospital carry", tests, NULL, NULL);
}
