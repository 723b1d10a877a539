/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the status: how long ago, one line an idea. */
#include "node/status.h"

#include "node/testing.h"

static void check_ago(int64_t passed, const char *wanted)
{
    char text[STATUS_AGO_SIZE];

    status_ago(1000000 - passed, 1000000, text);
    assert_string_equal(text, wanted);
}

static void test_ago(void **state)
{
    (void)state;
    check_ago(-5, "0 s ago"); /* the other clock is ahead */
    check_ago(0, "0 s ago");
    check_ago(119, "119 s ago");
    check_ago(120, "2 min ago");
    check_ago(7199, "119 min ago");
    check_ago(7200, "2 h ago");
    check_ago(172799, "47 h ago");
    check_ago(172800, "2 d ago");
}

static void test_lines(void **state)
{
    struct status status = { .text = BUFFER_INIT(4096) };
    char longer[1024];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    status_line(&status, "one %d", 1);
    status_line(&status, "two");
    assert_string_equal(buffer_text(&status.text), "one 1\ntwo");
    status_line(&status, "%s", longer);
    assert_true(status.text.len < 1000);
    buffer_free(&status.text);
}

/* Requests as the chain's events leave them in the ledger. */
static void test_count(void **state)
{
    static const struct role none = { .name = "none" };
    static const uint8_t institute[20] = { 7 }, other[20] = { 8 };
    char directory[TESTING_PATH];
    struct node node = { .directory = directory, .roles = { { &none }, 1 } };
    struct status_count count = { .open = 9 };
    struct store *store = NULL;

    (void)state;
    testing_directory(directory);
    assert_int_equal(node_store(&node, &store, NULL), ACESO_OK);
    assert_int_equal(
        store_exec(store,
                   "WITH given (status, deadline, until) AS (VALUES (1, 9000000000, 0),"
                   " (1, 5, 0), (2, 5, 9000000000), (2, 5, 9000000000), (2, 5, 5), (7, 5,"
                   " 9000000000)) INSERT INTO ledger_request (id, hospital, patient, institute,"
                   " purpose, level, term, deadline, status, granted, until) SELECT"
                   " randomblob(32), 3, zeroblob(20), x'0700000000000000000000000000000000000000',"
                   " 1, 1, 60, deadline, status, 1, until FROM given",
                   NULL),
        ACESO_OK);
    assert_int_equal(status_count(store, institute, 0, &count, NULL), ACESO_OK);
    assert_int_equal(count.open, 1);
    assert_int_equal(count.live, 2);
    assert_int_equal(status_count(store, NULL, 3, &count, NULL), ACESO_OK);
    assert_int_equal(count.live, 2);
    assert_int_equal(status_count(store, NULL, 4, &count, NULL), ACESO_OK);
    assert_int_equal(count.open + count.live, 0);
    assert_int_equal(status_count(store, other, 0, &count, NULL), ACESO_OK);
    assert_int_equal(count.open + count.live, 0);
    store_close(store);
    testing_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ago),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_count),
    };

    return cmocka_run_group_tests_name("node status", tests, NULL, NULL);
}
