/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of secret: memory that is locked, zeroed and wiped, and no dump of the process. */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void test_memory_is_zeroed_and_writable(void **state)
{
    uint8_t *secret = secret_alloc(100);

    (void)state;
    assert_non_null(secret);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(secret[i], 0);
    memset(secret, 0xa5, 100);
    secret_wipe(secret, 99);
    assert_int_equal(secret[98], 0);
    assert_int_equal(secret[99], 0xa5);
    secret_free(secret);
    secret_free(NULL);
}

static void test_absurd_sizes_give_no_memory(void **state)
{
    (void)state;
    assert_null(secret_alloc(SIZE_MAX));
}

static void test_random_bytes_differ(void **state)
{
    uint8_t a[32] = { 0 }, b[32] = { 0 };

    (void)state;
    secret_random(a, sizeof a);
    secret_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(secret_equal("abcd", "abcd", 4));
    assert_true(secret_equal("abcd", "abcx", 3));
    assert_false(secret_equal("abcd", "abcx", 4));
    assert_false(secret_equal("xbcd", "abcd", 4));
    assert_true(secret_equal("a", "b", 0));
}

static void test_init_forbids_dumps(void **state)
{
    struct rlimit core = { 1, 1 };

    (void)state;
    assert_int_equal(secret_init(NULL), ACESO_OK);
    assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
    assert_int_equal(core.rlim_cur, 0);
    assert_int_equal(core.rlim_max, 0);
#ifndef __SANITIZE_ADDRESS__ /* see secret_init */
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_forbids_dumps),
        cmocka_unit_test(test_memory_is_zeroed_and_writable),
        cmocka_unit_test(test_absurd_sizes_give_no_memory),
        cmocka_unit_test(test_random_bytes_differ),
        cmocka_unit_test(test_equal),
    };

    return cmocka_run_group_tests_name("base secret", tests, NULL, NULL);
}
