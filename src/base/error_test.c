/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of error: the words, the places, and what happens where they do not fit. */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct aceso_error none = { 0, "", "" };

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(error_name(ACESO_OK), "done");
    assert_string_equal(error_name(ACESO_EFORMAT), "malformed input");
    assert_string_equal(error_name(ACESO_EINTERNAL), "internal error");
    assert_string_equal(error_name(-4711), "unknown error");
    assert_string_equal(error_name(1), "unknown error");
}

static void test_codes_are_distinct_and_not_positive(void **state)
{
    static const int codes[] = {
#define X(name, value, text) (name),
        ACESO_CODES(X)
#undef X
    };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        assert_int_equal(codes[i], -(int)i);
}

static void test_set_fills_and_returns(void **state)
{
    struct aceso_error error = none;

    (void)state;
    assert_int_equal(error_set(&error, ACESO_EFORMAT, "a.json", "row %d of %s", 7, "x"),
                     ACESO_EFORMAT);
    assert_int_equal(error.code, ACESO_EFORMAT);
    assert_string_equal(error.text, "row 7 of x");
    assert_string_equal(error.place, "a.json");
    (void)error_set(&error, ACESO_EIO, NULL, "gone");
    assert_string_equal(error.place, "");
}

static void test_null_error_only_returns(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, ACESO_EIO, "x", "%s", "y"), ACESO_EIO);
    assert_int_equal(error_wrap(NULL, ACESO_EIO, "%s", "y"), ACESO_EIO);
    assert_int_equal(error_at(NULL, ACESO_EIO, "x"), ACESO_EIO);
}

static void test_long_words_are_cut(void **state)
{
    struct aceso_error error = none;
    char words[1000];

    (void)state;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    (void)error_set(&error, ACESO_EIO, words, "%s", words);
    assert_int_equal(strlen(error.text), ACESO_ERROR_TEXT_MAX - 1);
    assert_int_equal(strlen(error.place), ACESO_ERROR_PLACE_MAX - 1);
    (void)error_wrap(&error, ACESO_EIO, "%s", words);
    assert_true(strlen(error.text) < ACESO_ERROR_TEXT_MAX);
    assert_non_null(strstr(error.text, ": w"));
    (void)error_at(&error, ACESO_EIO, words);
    assert_true(strlen(error.place) < ACESO_ERROR_PLACE_MAX);
    assert_non_null(strstr(error.place, ": w"));
}

static void test_wrap_keeps_the_reason(void **state)
{
    struct aceso_error error = none;

    (void)state;
    (void)error_set(&error, ACESO_EIO, NULL, "no space");
    assert_int_equal(error_wrap(&error, ACESO_EIO, "cannot write part %d", 3), ACESO_EIO);
    assert_string_equal(error.text, "cannot write part 3: no space");
}

static void test_wrap_of_another_code_names_it(void **state)
{
    struct aceso_error error = none;

    (void)state;
    (void)error_set(&error, ACESO_EIO, NULL, "something older");
    (void)error_wrap(&error, ACESO_EDENIED, "the gateway");
    assert_int_equal(error.code, ACESO_EDENIED);
    assert_string_equal(error.text, "the gateway: refused");
}

static void test_places_nest(void **state)
{
    struct aceso_error error = none;
    char out[128];

    (void)state;
    (void)error_set(&error, ACESO_EFORMAT, "line 8", "not JSON");
    (void)error_at(&error, ACESO_EFORMAT, "entry 2");
    (void)error_at(&error, ACESO_EFORMAT, "a.json");
    assert_string_equal(error.place, "a.json: entry 2: line 8");
    assert_string_equal(error_print(&error, out, sizeof out), "a.json: entry 2: line 8: not JSON");
}

static void test_at_forgets_an_older_error(void **state)
{
    struct aceso_error error = none;
    char out[128];

    (void)state;
    (void)error_set(&error, ACESO_EFORMAT, "line 8", "not JSON");
    assert_int_equal(error_at(&error, ACESO_EMEMORY, "b.json"), ACESO_EMEMORY);
    assert_string_equal(error_print(&error, out, sizeof out), "b.json: out of memory");
}

static void test_print_is_cut(void **state)
{
    struct aceso_error error = none;
    char out[8];

    (void)state;
    (void)error_set(&error, ACESO_EFORMAT, "place", "text");
    assert_string_equal(error_print(&error, out, sizeof out), "place: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_codes_are_distinct_and_not_positive),
        cmocka_unit_test(test_set_fills_and_returns),
        cmocka_unit_test(test_null_error_only_returns),
        cmocka_unit_test(test_long_words_are_cut),
        cmocka_unit_test(test_wrap_keeps_the_reason),
        cmocka_unit_test(test_wrap_of_another_code_names_it),
        cmocka_unit_test(test_places_nest),
        cmocka_unit_test(test_at_forgets_an_older_error),
        cmocka_unit_test(test_print_is_cut),
    };

    return cmocka_run_group_tests_name("base error", tests, NULL, NULL);
}
