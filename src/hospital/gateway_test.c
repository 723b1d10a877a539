/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the module's text in: what a transfer lets through, row by row, without a chain. */
#include "hospital/gateway.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PATIENT "x'0100000000000000000000000000000000000000'"
#define OTHER "x'0200000000000000000000000000000000000000'"
#define RECORD "x'000102030405060708090a0b0c0d0e0f'"
#define DIGEST "x'0000000000000000000000000000000000000000000000000000000000000007'"

static struct store *bench_store(void)
{
    const char *const migrations[] = { ledger_schema };
    struct store *store = NULL;

    assert_int_equal(store_open(":memory:", migrations, 1, &store, NULL), ACESO_OK);
    return store;
}

/* The outcome of a transfer up to `level` for a query that yields these rows. */
static int transfer_of(const char *sql, unsigned level, struct buffer *out)
{
    struct transfer transfer = { .level = level, .patient = { 1 },
                                 .waiting = BUFFER_INIT(65536) };
    struct store *store = bench_store();
    bool end = false;
    int code = part_gather_create(NULL, NULL, NULL, &transfer.gather, NULL);

    assert_int_equal(code, ACESO_OK);
    assert_int_equal(row_put_start(&transfer.waiting), ACESO_OK);
    assert_int_equal(store_prepare(store, sql, &transfer.query, NULL), ACESO_OK);
    code = transfer_next(&transfer, out, &end, NULL);
    assert_int_equal(end, code == ACESO_OK);
    statement_finish(transfer.query);
    part_gather_free(transfer.gather);
    buffer_free(&transfer.waiting);
    store_close(store);
    return code;
}

static void test_rows_within_the_consent(void **state)
{
    static const struct {
        const char *sql;
        int code;
    } queries[] = {
        { "SELECT " PATIENT ", " RECORD ", 1, 3, 4294967297, x'aa', x'bb'", ACESO_OK },
        { "SELECT " PATIENT ", " RECORD ", 1, 4, 4294967297, x'aa', x'bb'", ACESO_EDENIED },
        { "SELECT " OTHER ", " RECORD ", 1, 1, 4294967297, x'aa', x'bb'", ACESO_EDENIED },
        { "SELECT " PATIENT ", " RECORD ", 1, 3, 4294967297, x'aa', x'bb'"
          " UNION ALL SELECT " OTHER ", " RECORD ", 1, 3, 4294967297, x'aa', x'bb'",
          ACESO_EDENIED },
        { "SELECT 'somebody', " RECORD ", 1, 3, 4294967297, x'aa', x'bb'", ACESO_EFORMAT },
        { "SELECT " PATIENT ", x'00', 1, 3, 4294967297, x'aa', x'bb'", ACESO_EFORMAT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct buffer out = BUFFER_INIT(65536);

        assert_int_equal(transfer_of(queries[i].sql, 3, &out), queries[i].code);
        buffer_free(&out);
    }
}

/* What has to hold at every turn, and what ends it. */
static void test_ends_with_the_consent(void **state)
{
    static const struct {
        const char *change;
        int code;
    } turns[] = {
        { "SELECT 1 WHERE 0", ACESO_OK },
        { "UPDATE ledger_request SET status = 7", ACESO_EDENIED },
        { "UPDATE ledger_request SET status = 8", ACESO_EDENIED },
        { "UPDATE ledger_request SET status = 1", ACESO_EDENIED },
        { "UPDATE ledger_request SET until = 1000", ACESO_EDENIED },
        { "UPDATE ledger_credential SET expiry = 1000", ACESO_EDENIED },
        { "UPDATE ledger_hospital SET suspended = 1", ACESO_EDENIED },
        { "DELETE FROM ledger_credential", ACESO_ENOTFOUND },
        { "DELETE FROM ledger_request", ACESO_ENOTFOUND },
    };

    (void)state;
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        struct transfer transfer = { .bound = true, .request = { [31] = 7 } };

        transfer.store = bench_store();
        assert_int_equal(
            store_exec(transfer.store,
                       "INSERT INTO ledger_request (id, hospital, patient, institute, purpose,"
                       " level, term, deadline, status, until) VALUES (" DIGEST ", 7, " PATIENT
                       ", " OTHER ", 1, 3, 1, 1, 2, 9000000000);"
                       "UPDATE ledger_request SET access_digest = " DIGEST ";"
                       "INSERT INTO ledger_credential VALUES (" OTHER ", 3, " DIGEST ", " DIGEST
                       ", 1, 9000000000);"
                       "INSERT INTO ledger_hospital VALUES (7, " PATIENT ", " PATIENT
                       ", 'a', 'b', " DIGEST ", " DIGEST ", " DIGEST ", 0);",
                       NULL),
            ACESO_OK);
        if (i)
            assert_int_equal(store_exec(transfer.store, turns[i].change, NULL), ACESO_OK);
        assert_int_equal(transfer_check(&transfer, NULL), turns[i].code);
        store_close(transfer.store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_within_the_consent),
        cmocka_unit_test(test_ends_with_the_consent),
    };

    return cmocka_run_group_tests_name("hospital gateway", tests, NULL, NULL);
}
