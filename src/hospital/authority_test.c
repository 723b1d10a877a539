/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the module's text in, to reach the challenges without a network. */
#include "hospital/authority.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t institute[20] = { 1 }, other[20] = { 2 }, challenge[32] = { 3 };

static struct store *bench_store(void)
{
    const char *const migrations[] = { hospital_schema };
    struct store *store = NULL;

    assert_int_equal(store_open(":memory:", migrations, 1, &store, NULL), ACESO_OK);
    return store;
}

static void bench_challenge(struct store *store, int64_t expires)
{
    struct statement *insert = NULL;

    assert_int_equal(store_prepare(store,
                                   "INSERT OR REPLACE INTO challenge (address, challenge, expires)"
                                   " VALUES (?1, ?2, ?3)",
                                   &insert, NULL),
                     ACESO_OK);
    statement_bind_blob(insert, 1, bytes_of(institute, 20));
    statement_bind_blob(insert, 2, bytes_of(challenge, 32));
    statement_bind_int(insert, 3, expires);
    assert_int_equal(statement_run(insert, NULL), ACESO_OK);
}

static void test_challenge_once(void **state)
{
    struct store *store = bench_store();
    uint8_t wrong[32] = { 9 };

    (void)state;
    assert_int_equal(authority_take_challenge(store, institute, challenge, NULL), ACESO_EDENIED);
    bench_challenge(store, time_now() + 60);
    assert_int_equal(authority_take_challenge(store, other, challenge, NULL), ACESO_EDENIED);
    assert_int_equal(authority_take_challenge(store, institute, wrong, NULL), ACESO_EDENIED);
    assert_int_equal(authority_take_challenge(store, institute, challenge, NULL), ACESO_OK);
    assert_int_equal(authority_take_challenge(store, institute, challenge, NULL), ACESO_EDENIED);
    bench_challenge(store, time_now() - 1);
    assert_int_equal(authority_take_challenge(store, institute, challenge, NULL), ACESO_EDENIED);
    store_close(store);
}

static void test_challenges_at_once(void **state)
{
    struct store *store = bench_store();
    uint8_t given[40][32] = { { 0 } };

    (void)state;
    for (uint8_t i = 0; i < 40; i++) {
        given[i][0] = i;
        assert_int_equal(authority_keep_challenge(store, institute, given[i], NULL), ACESO_OK);
    }
    assert_int_equal(authority_keep_challenge(store, other, challenge, NULL), ACESO_OK);
    assert_int_equal(authority_take_challenge(store, institute, given[7], NULL), ACESO_EDENIED);
    for (uint8_t i = 8; i < 40; i++)
        assert_int_equal(authority_take_challenge(store, institute, given[i], NULL), ACESO_OK);
    assert_int_equal(authority_take_challenge(store, other, challenge, NULL), ACESO_OK);
    store_close(store);
}

static int64_t issues(struct store *store)
{
    struct statement *query = NULL;
    int64_t count;

    assert_int_equal(store_prepare(store, "SELECT count(*) FROM issue", &query, NULL), ACESO_OK);
    assert_int_equal(statement_step(query, NULL), 1);
    count = statement_int(query, 0);
    statement_finish(query);
    return count;
}

static void test_allow_twice(void **state)
{
    struct store *store = bench_store();

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(authority_allow(store, "registered", institute, NULL), ACESO_OK);
    assert_int_equal(issues(store), 1);
    assert_int_equal(authority_allow(store, "registered", other, NULL), ACESO_OK);
    assert_int_equal(issues(store), 2);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge_once),
        cmocka_unit_test(test_challenges_at_once),
        cmocka_unit_test(test_allow_twice),
    };

    return cmocka_run_group_tests_name("hospital authority", tests, NULL, NULL);
}
