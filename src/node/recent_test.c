/* SPDX-License-Identifier: Apache-2.0 */
/* The newest come first, the oldest make room, and only what matters to the owner is a failure. */
#include "node/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t one[20] = { 1 }, two[20] = { 2 };

static void test_newest_first(void **state)
{
    struct recent_peer peers[RECENT_PEERS_MAX];
    struct recent *recent = recent_create();

    (void)state;
    assert_int_equal(recent_peers(recent, peers), 0);
    recent_call(recent, true, "hospital", one, ACESO_OK);
    recent_call(recent, false, "patient", two, ACESO_EDENIED);
    recent_call(recent, true, "hospital", two, ACESO_OK);
    recent_call(recent, false, "hospital", one, ACESO_OK);
    recent_call(recent, true, "hospital", one, ACESO_EBUSY);
    assert_int_equal(recent_peers(recent, peers), 4);
    assert_memory_equal(peers[0].address, one, 20);
    assert_true(peers[0].outgoing);
    assert_int_equal(peers[0].code, ACESO_EBUSY);
    assert_false(peers[1].outgoing);
    assert_memory_equal(peers[2].address, two, 20);
    assert_string_equal(peers[3].role, "patient");
    assert_int_equal(peers[3].code, ACESO_EDENIED);
    recent_free(recent);
}

static void test_bounded(void **state)
{
    struct recent_peer peers[RECENT_PEERS_MAX];
    struct recent *recent = recent_create();
    uint8_t address[20] = { 0 };

    (void)state;
    for (unsigned i = 0; i < 3 * RECENT_PEERS_MAX; i++) {
        address[0] = (uint8_t)i;
        recent_call(recent, false, "a role whose name is far too long", address, ACESO_OK);
    }
    assert_int_equal(recent_peers(recent, peers), RECENT_PEERS_MAX);
    assert_int_equal(peers[0].address[0], 3 * RECENT_PEERS_MAX - 1);
    assert_int_equal(peers[RECENT_PEERS_MAX - 1].address[0], 2 * RECENT_PEERS_MAX);
    assert_int_equal(strlen(peers[0].role), RECENT_ROLE_SIZE - 1);
    recent_free(recent);
}

static void test_last_failure(void **state)
{
    struct recent_failure failure = { .at = 0 };
    struct recent *recent = recent_create();

    (void)state;
    recent_call(recent, true, "hospital", one, ACESO_EDENIED); /* an answer */
    recent_call(recent, false, "hospital", one, ACESO_EIO);    /* the caller was told */
    assert_false(recent_failure(recent, &failure));
    recent_fail(recent, "%s went wrong", "something");
    assert_true(recent_failure(recent, &failure));
    assert_string_equal(failure.text, "something went wrong");
    recent_call(recent, true, "hospital", two, ACESO_ETIMEOUT);
    recent_call(recent, true, "hospital", two, ACESO_OK);
    assert_true(recent_failure(recent, &failure));
    assert_string_equal(failure.text, "");
    assert_memory_equal(failure.peer.address, two, 20);
    assert_int_equal(failure.peer.code, ACESO_ETIMEOUT);
    assert_true(failure.at > 0);
    recent_free(recent);
    recent_fail(NULL, "nobody listens");
    assert_false(recent_failure(NULL, &failure));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_first),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_last_failure),
    };

    return cmocka_run_group_tests_name("node recent", tests, NULL, NULL);
}
