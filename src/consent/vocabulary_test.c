/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of levels and terms as people write them. */
#include "consent/vocabulary.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_tables(void **state)
{
    static const struct {
        const char *text, *word; /* the last three bytes in hex; the others are zero */
    } good[] = {
        { "pharmacy=low,insurance=medium,medical-school=high,hospital=complete", "043210" },
        { "hospital=complete,medical-school=high,insurance=medium,pharmacy=low", "043210" },
        { "pharmacy=complete", "000040" },
        { "insurance=none", "000000" },
        { "medical-school=low,pharmacy=none", "001000" },
    };
    uint8_t word[32], table[32];
    char hex[65];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(levels_parse(good[i].text, word, NULL), ACESO_OK);
        text_hex(word, 32, hex);
        assert_string_equal(hex + 58, good[i].word);
        assert_int_equal(strspn(hex, "0") >= 58, 1);
    }
    levels_default(table);
    assert_int_equal(levels_parse(good[0].text, word, NULL), ACESO_OK);
    assert_memory_equal(word, table, 32);
}

static void test_bad_tables(void **state)
{
    static const char *const bad[] = {
        "", ",", "pharmacy", "pharmacy=", "=low", "pharmacy=low,", ",pharmacy=low",
        "pharmacy=low,,insurance=low", "pharmacy=low pharmacy=high", "pharmacy=lowest",
        "pharmacy=1", "bakery=low", "pharmacy=low,pharmacy=low", "pharmacy=low,pharmacy=none",
        "Pharmacy=low", " pharmacy=low", "pharmacy=low=high",
        "medical-schoolmedical-schoolmedical-schoolmedical-schoolmedical-school=high",
    };
    const uint8_t untouched[32] = { 7 };
    uint8_t word[32] = { 7 };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct aceso_error error = { 0 };

        if (levels_parse(bad[i], word, &error) != ACESO_EUSAGE)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(strncmp(error.place, "levels", 6), 0);
        assert_true(error.text[0] != '\0');
        assert_memory_equal(word, untouched, 32);
    }
}

static void test_levels(void **state)
{
    unsigned level = 9;

    (void)state;
    assert_int_equal(level_or_none_parse("none", &level, NULL), ACESO_OK);
    assert_int_equal(level, 0);
    assert_int_equal(level_parse("none", &level, NULL), ACESO_EUSAGE);
    for (unsigned wanted = 1; wanted <= 4; wanted++) {
        assert_int_equal(level_or_none_parse(level_name(wanted), &level, NULL), ACESO_OK);
        assert_int_equal(level, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_bad_tables),
        cmocka_unit_test(test_levels),
    };

    return cmocka_run_group_tests_name("consent vocabulary", tests, NULL, NULL);
}
