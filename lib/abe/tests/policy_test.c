/* SPDX-License-Identifier: Apache-2.0 */
/* Policy text, canonical form, joining, satisfaction. Uses the public header and world. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct canonical_case {
    const char *text;
    const char *canonical;
};

static const struct canonical_case canonical_cases[] = {
    { "a@h", "a@h" },
    { "  ( ( a@h ) )\n", "a@h" },
    { "a@h and b@h", "a@h and b@h" },
    { "a@h\tand\r\nb@h", "a@h and b@h" },
    { "a@h and (b@h and c@h)", "a@h and b@h and c@h" },
    { "(a@h or b@h) or (c@h or d@h)", "a@h or b@h or c@h or d@h" },
    { "a@h and b@h or c@h", "(a@h and b@h) or c@h" },
    { "a@h or b@h and c@h", "a@h or (b@h and c@h)" },
    { "(a@h or b@h)and c@h", "(a@h or b@h) and c@h" },
    { "2 of (a@h,b@h,c@h)", "2 of (a@h, b@h, c@h)" },
    { "1 of (a@h, b@h)", "a@h or b@h" },
    { "2 of (a@h, b@h)", "a@h and b@h" },
    { "1 of (a@h)", "a@h" },
    { "2 of (a@h, a@h, b@h)", "a@h and b@h" },
    { "2 of (a@h, a@h, b@h, c@h)", "2 of (a@h, b@h, c@h)" },
    { "a@h or a@h", "a@h" },
    { "a@h and a@h and a@h", "a@h" },
    { "a@h or (b@h or a@h)", "a@h or b@h" },
    { "2 of (a@h and b@h, c@h)", "a@h and b@h and c@h" },
    { "2 of (a@h or b@h, c@h and d@h, 2 of (e@h, f@h, g@h))",
      "2 of (a@h or b@h, c@h and d@h, 2 of (e@h, f@h, g@h))" },
    { "2 of (a@h, b@h, c@h) and d@h", "2 of (a@h, b@h, c@h) and d@h" },
    { "2 of (2 of (a@h, a@h, b@h), c@h, d@h)", "2 of (a@h and b@h, c@h, d@h)" },
    { "2 of (1 of (a@h), a@h or a@h, b@h)", "a@h and b@h" },
    { "and@of or or@and", "and@of or or@and" },
    { "2@h and 1 of (3@h)", "2@h and 3@h" },
    { "grant-3.0@0x00112233445566778899aabbccddeeff00112233",
      "grant-3.0@0x00112233445566778899aabbccddeeff00112233" },
    { "on.0.0x12ab_c-d@a.b-c", "on.0.0x12ab_c-d@a.b-c" },
};

static void test_canonical_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(canonical_cases) / sizeof(canonical_cases[0]); i++) {
        struct aceso_abe_policy *policy = world_policy(canonical_cases[i].text);
        struct aceso_abe_policy *again;

        assert_string_equal(aceso_abe_policy_text(policy), canonical_cases[i].canonical);
        again = world_policy(aceso_abe_policy_text(policy));
        assert_string_equal(aceso_abe_policy_text(again), canonical_cases[i].canonical);
        aceso_abe_policy_free(again);
        aceso_abe_policy_free(policy);
    }
}

struct error_case {
    const char *text;
    size_t position;
    int code;
};

static const struct error_case error_cases[] = {
    { "", 0, ACESO_ABE_POLICY },
    { "   ", 3, ACESO_ABE_POLICY },
    { "a@h and", 7, ACESO_ABE_POLICY },
    { "a@h b@h", 4, ACESO_ABE_POLICY },
    { "a@h and or b@h", 8, ACESO_ABE_POLICY },
    { "and", 0, ACESO_ABE_POLICY },
    { "(a@h", 4, ACESO_ABE_POLICY },
    { "a@h)", 3, ACESO_ABE_POLICY },
    { "()", 1, ACESO_ABE_POLICY },
    { "A@h", 0, ACESO_ABE_POLICY },
    { "a@H", 0, ACESO_ABE_POLICY },
    { "a@", 0, ACESO_ABE_POLICY },
    { "@h", 0, ACESO_ABE_POLICY },
    { "a@h@g", 0, ACESO_ABE_POLICY },
    { "-a@h", 0, ACESO_ABE_POLICY },
    { "a@_h", 0, ACESO_ABE_POLICY },
    { "a@h_g", 0, ACESO_ABE_POLICY },
    { "a@h AND b@h", 4, ACESO_ABE_POLICY },
    { "a", 0, ACESO_ABE_POLICY },
    { "0 of (a@h)", 0, ACESO_ABE_POLICY },
    { "01 of (a@h)", 0, ACESO_ABE_POLICY },
    { "2000 of (a@h)", 0, ACESO_ABE_POLICY },
    { "99999999999999999999 of (a@h)", 0, ACESO_ABE_POLICY },
    { "2 of (a@h)", 0, ACESO_ABE_POLICY },
    { "c@h or 2 of (a@h, a@h)", 7, ACESO_ABE_POLICY },
    { "2 (a@h, b@h)", 2, ACESO_ABE_POLICY },
    { "2 of a@h, b@h", 5, ACESO_ABE_POLICY },
    { "2 of (a@h, b@h", 14, ACESO_ABE_POLICY },
    { "2 of (a@h, )", 11, ACESO_ABE_POLICY },
    { "a@h, b@h", 3, ACESO_ABE_POLICY },
    { "year@h ! 2024", 7, ACESO_ABE_POLICY },
    { "a@h \xc3\xa9", 4, ACESO_ABE_POLICY },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@h", 0, ACESO_ABE_POLICY },
};

static void test_errors_have_position_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++) {
        struct aceso_abe_policy *policy = NULL;
        struct aceso_abe_policy_error error = { 9999, NULL };

        assert_int_equal(aceso_abe_policy_parse(error_cases[i].text, strlen(error_cases[i].text),
                                                &policy, &error),
                         error_cases[i].code);
        assert_null(policy);
        if (error.position != error_cases[i].position)
            fail_msg("%s: position %zu", error_cases[i].text, error.position);
        assert_non_null(error.reason);
    }
}

static void test_nul_inside_the_text_is_an_error(void **state)
{
    struct aceso_abe_policy *policy = NULL;

    (void)state;
    assert_int_equal(aceso_abe_policy_parse("a@h\0", 4, &policy, NULL), ACESO_ABE_POLICY);
}

static char *repeated(const char *part, size_t times, const char *end)
{
    size_t n = strlen(part);
    char *text = malloc(n * times + strlen(end) + 1);

    assert_non_null(text);
    for (size_t i = 0; i < times; i++)
        memcpy(text + n * i, part, n);
    memcpy(text + n * times, end, strlen(end) + 1);
    return text;
}

static int parse_code(const char *text)
{
    struct aceso_abe_policy *policy = NULL;
    int code = aceso_abe_policy_parse(text, strlen(text), &policy, NULL);

    aceso_abe_policy_free(policy);
    return code;
}

static void test_limits(void **state)
{
    struct {
        const char *part;
        size_t times;
        const char *end;
        int code;
    } cases[] = {
        { "a@h or ", 1023, "a@h", ACESO_ABE_OK }, { "a@h or ", 1024, "a@h", ACESO_ABE_LIMIT },
        { "(", 64, "a@h", ACESO_ABE_POLICY },     { "(", 65, "a@h", ACESO_ABE_LIMIT },
        { "(", 100000, "", ACESO_ABE_LIMIT },     { "1 of (", 20000, "", ACESO_ABE_LIMIT },
        { " ", 163837, "a@h", ACESO_ABE_OK },     { " ", 163838, "a@h", ACESO_ABE_LIMIT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = repeated(cases[i].part, cases[i].times, cases[i].end);

        assert_int_equal(parse_code(text), cases[i].code);
        free(text);
    }
}

static void join_two(struct aceso_abe_policy **left, const char *right, bool all)
{
    struct aceso_abe_policy *other = world_policy(right);
    const struct aceso_abe_policy *both[2] = { *left, other };
    struct aceso_abe_policy *joined = NULL;

    assert_int_equal(all ? aceso_abe_policy_and(both, 2, &joined)
                         : aceso_abe_policy_or(both, 2, &joined),
                     ACESO_ABE_OK);
    aceso_abe_policy_free(other);
    aceso_abe_policy_free(*left);
    *left = joined;
}

static void test_join_is_of_trees(void **state)
{
    struct aceso_abe_policy *policy = world_policy("a@h or b@h");
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];

    (void)state;
    join_two(&policy, "c@h or d@h", true);
    assert_string_equal(aceso_abe_policy_text(policy), "(a@h or b@h) and (c@h or d@h)");
    join_two(&policy, "e@h", false);
    assert_string_equal(aceso_abe_policy_text(policy), "((a@h or b@h) and (c@h or d@h)) or e@h");
    join_two(&policy, "e@h or f@h", false);
    assert_string_equal(aceso_abe_policy_text(policy),
                        "((a@h or b@h) and (c@h or d@h)) or e@h or f@h");
    join_two(&policy, "2 of (x@h, y@h, z@h)", true);
    assert_string_equal(aceso_abe_policy_text(policy),
                        "(((a@h or b@h) and (c@h or d@h)) or e@h or f@h) and "
                        "2 of (x@h, y@h, z@h)");
    assert_int_equal(aceso_abe_policy_rows(policy), 9);
    assert_int_equal(aceso_abe_policy_attribute(policy, 5, attribute), ACESO_ABE_OK);
    assert_string_equal(attribute, "f@h");
    assert_int_equal(aceso_abe_policy_attribute(policy, 8, attribute), ACESO_ABE_OK);
    assert_string_equal(attribute, "z@h");
    assert_int_equal(aceso_abe_policy_attribute(policy, 9, attribute), ACESO_ABE_ARGUMENT);
    aceso_abe_policy_free(policy);
}

static void test_join_threshold(void **state)
{
    struct aceso_abe_policy *a = world_policy("a@h");
    struct aceso_abe_policy *b = world_policy("b@h and c@h");
    const struct aceso_abe_policy *three[3] = { a, b, a };
    struct aceso_abe_policy *joined = NULL;

    (void)state;
    assert_int_equal(aceso_abe_policy_threshold(2, three, 3, &joined), ACESO_ABE_OK);
    assert_string_equal(aceso_abe_policy_text(joined), "a@h and b@h and c@h");
    aceso_abe_policy_free(joined);
    joined = NULL;
    assert_int_equal(aceso_abe_policy_threshold(3, three, 3, &joined), ACESO_ABE_ARGUMENT);
    assert_int_equal(aceso_abe_policy_threshold(0, three, 3, &joined), ACESO_ABE_ARGUMENT);
    assert_int_equal(aceso_abe_policy_and(three, 0, &joined), ACESO_ABE_ARGUMENT);
    assert_null(joined);
    assert_int_equal(aceso_abe_policy_and(three, 1, &joined), ACESO_ABE_OK);
    assert_string_equal(aceso_abe_policy_text(joined), "a@h");
    aceso_abe_policy_free(joined);
    aceso_abe_policy_free(a);
    aceso_abe_policy_free(b);
}

static void test_join_keeps_the_limits(void **state)
{
    struct aceso_abe_policy *policy = world_policy("a@h");
    struct aceso_abe_policy *other = world_policy("b@h");
    const struct aceso_abe_policy *both[2];
    struct aceso_abe_policy *joined = NULL;
    char *text;

    (void)state;
    for (size_t i = 0; i < ACESO_ABE_POLICY_DEPTH_MAX; i++) {
        both[0] = i % 3 == 0 ? other : policy;
        both[1] = i % 3 == 0 ? policy : other;
        join_two(&policy, "b@h", i % 2 == 0);
    }
    both[0] = policy;
    both[1] = other;
    assert_int_equal(aceso_abe_policy_and(both, 2, &joined), ACESO_ABE_LIMIT);
    text = repeated("", 0, aceso_abe_policy_text(policy));
    assert_int_equal(parse_code(text), ACESO_ABE_OK);
    free(text);
    aceso_abe_policy_free(policy);
    aceso_abe_policy_free(other);
}

static void test_join_row_limit(void **state)
{
    char text[1024 * 8];
    size_t at = 0;
    struct aceso_abe_policy *policy;
    const struct aceso_abe_policy *both[2];
    struct aceso_abe_policy *joined = NULL;

    (void)state;
    for (unsigned i = 0; i < 600; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u@h", i > 0 ? " or " : "", i);
    policy = world_policy(text);
    both[0] = policy;
    both[1] = policy;
    assert_int_equal(aceso_abe_policy_rows(policy), 600);
    assert_int_equal(aceso_abe_policy_and(both, 2, &joined), ACESO_ABE_LIMIT);
    assert_null(joined);
    aceso_abe_policy_free(policy);
}

static void test_satisfied(void **state)
{
    struct aceso_abe_policy *policy = world_policy("a@h and 2 of (b@h, c@h, d@h and e@h)");
    const char *attributes[] = { "b@h", "e@h", "a@h", "not an attribute", "d@h", "" };

    (void)state;
    assert_true(aceso_abe_policy_satisfied(policy, attributes, 6));
    assert_true(aceso_abe_policy_satisfied(policy, attributes, 5));
    assert_false(aceso_abe_policy_satisfied(policy, attributes, 4));
    assert_false(aceso_abe_policy_satisfied(policy, attributes + 1, 5));
    assert_false(aceso_abe_policy_satisfied(policy, attributes, 0));
    assert_false(aceso_abe_policy_satisfied(policy, NULL, 0));
    aceso_abe_policy_free(policy);
}

static void test_attribute_form(void **state)
{
    (void)state;
    assert_true(aceso_abe_attribute_valid("a@h"));
    assert_true(aceso_abe_attribute_valid("emergency.case_1-2@mercy.example-a"));
    assert_false(aceso_abe_attribute_valid(""));
    assert_false(aceso_abe_attribute_valid("a"));
    assert_false(aceso_abe_attribute_valid("a@h "));
    assert_false(aceso_abe_attribute_valid("A@h"));
    assert_false(aceso_abe_attribute_valid("a@h@i"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_text),
        cmocka_unit_test(test_errors_have_position_and_reason),
        cmocka_unit_test(test_nul_inside_the_text_is_an_error),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_join_is_of_trees),
        cmocka_unit_test(test_join_threshold),
        cmocka_unit_test(test_join_keeps_the_limits),
        cmocka_unit_test(test_join_row_limit),
        cmocka_unit_test(test_satisfied),
        cmocka_unit_test(test_attribute_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
