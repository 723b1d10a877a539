/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons in policies: what they stand for, who satisfies them. Uses core's range and world. */
#include "../core/range.h"

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct range_case {
    const char *text;
    const char *canonical;
};

static const struct range_case range_cases[] = {
    { "n@h >= 0", "n.n0.0@h" },
    { "n@h <= 4294967295", "n.n0.0@h" },
    { "n@h = 0", "n.n32.00000000@h" },
    { "n@h=4294967295", "n.n32.ffffffff@h" },
    { "n@h < 4", "n.n30.00000000@h" },
    { "n@h <= 4", "n.n30.00000000@h or n.n32.00000004@h" },
    { "n@h > 4294967291", "n.n30.3fffffff@h" },
    { "n@h >= 2147483648", "n.n1.1@h" },
    { "n@h in 6..9", "n.n31.00000003@h or n.n31.00000004@h" },
    { "n@h in 5..5 and b@g", "n.n32.00000005@h and b@g" },
    { "b@g or n@h <2", "b@g or n.n31.00000000@h" },
    { "2 of (n@h in 0..1, a@h, b@h)", "2 of (n.n31.00000000@h, a@h, b@h)" },
    { "born@h = 0001-01-01", "born.d22.000000@h" },
    { "born@h = 9999-12-31", "born.d22.37b9da@h" },
    { "born@h = 2000-02-29", "born.d22.0b2442@h" },
    { "born@h\nin 0001-01-01..0001-01-04", "born.d20.00000@h" },
    { "in@h and in@in in 0..4294967295", "in@h and in.n0.0@in" },
};

static void test_canonical_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(range_cases) / sizeof(range_cases[0]); i++) {
        struct aceso_abe_policy *policy = world_policy(range_cases[i].text);
        struct aceso_abe_policy *again;

        assert_string_equal(aceso_abe_policy_text(policy), range_cases[i].canonical);
        again = world_policy(aceso_abe_policy_text(policy));
        assert_string_equal(aceso_abe_policy_text(again), range_cases[i].canonical);
        aceso_abe_policy_free(again);
        aceso_abe_policy_free(policy);
    }
}

struct error_case {
    const char *text;
    size_t position;
};

static const struct error_case error_cases[] = {
    { "n@h >=", 6 },
    { "n@h >= x", 7 },
    { "n@h >= 01", 7 },
    { "n@h = 4294967296", 6 },
    { "n@h = -1", 6 },
    { "n@h > 4294967295", 6 },
    { "n@h < 0", 6 },
    { "n@h == 3", 5 },
    { "n@h => 3", 5 },
    { "n@h in 3", 7 },
    { "n@h in 4..3", 7 },
    { "n@h in 4..", 10 },
    { "n@h in 1..2..3", 10 },
    { "n@h in 3..2000-01-01", 7 },
    { "n@h = 2001-02-29", 6 },
    { "n@h = 2001-13-01", 6 },
    { "n@h = 0000-01-01", 6 },
    { "n@h = 2001-1-01", 6 },
    { "n@h > 9999-99-99", 6 },
    { "a@h and n@h <= 3 4", 17 },
    { "(n@h or a@h) = 3", 13 },
    { "= 3", 0 },
    { "a@h or aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@h > 1", 7 },
};

static void test_errors_have_a_position(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++) {
        const char *text = error_cases[i].text;
        struct aceso_abe_policy_error error = { 999, NULL };
        struct aceso_abe_policy *policy = NULL;

        assert_int_equal(aceso_abe_policy_parse(text, strlen(text), &policy, &error),
                         ACESO_ABE_POLICY);
        assert_null(policy);
        assert_int_equal(error.position, error_cases[i].position);
        assert_non_null(error.reason);
    }
}

/* A range is the disjoint union of its prefixes: at most 2 bits - 2 of them. */
static void test_cover_is_exact(void **state)
{
    static const uint32_t firsts[] = { 0, 1, 2, 7, 4095, 4096, 1u << 21, (1u << 22) - 2 };
    static const uint32_t widths[] = { 0, 1, 2, 3, 62, 64, 1000, 4094, (1u << 21) - 1 };

    (void)state;
    for (size_t i = 0; i < 8 * 9; i++) {
        uint32_t next = firsts[i / 9];
        uint32_t last = next + widths[i % 9];
        uint64_t expected = next;
        size_t count = 0;
        bool more = true;

        if (last > abe_value_last(true))
            continue;
        while (more) {
            struct abe_prefix prefix;

            more = abe_range_next(true, &next, last, &prefix);
            assert_true(prefix.length <= ABE_DATE_BITS);
            assert_int_equal((uint64_t)prefix.bits << (ABE_DATE_BITS - prefix.length), expected);
            expected += UINT64_C(1) << (ABE_DATE_BITS - prefix.length);
            count++;
        }
        assert_int_equal(expected, (uint64_t)last + 1);
        assert_true(count <= 2 * ABE_DATE_BITS - 2);
    }
}

static void test_widest_cover(void **state)
{
    struct aceso_abe_policy *policy = world_policy("n@h in 1..4294967294");

    (void)state;
    assert_int_equal(aceso_abe_policy_rows(policy), 62);
    aceso_abe_policy_free(policy);
}

/* The attributes of some values at once. */
struct holder {
    char attributes[2 * ACESO_ABE_PREFIXES_MAX][ACESO_ABE_ATTRIBUTE_MAX + 1];
    const char *held[2 * ACESO_ABE_PREFIXES_MAX];
    size_t count;
};

static void holder_add(struct holder *holder, const char *attribute, unsigned value)
{
    char text[16];
    size_t count = 0;

    snprintf(text, sizeof(text), "%u", value);
    assert_int_equal(
        aceso_abe_value_attributes(attribute, text, holder->attributes + holder->count, &count),
        ACESO_ABE_OK);
    assert_int_equal(count, 33);
    for (size_t i = 0; i < count; i++, holder->count++)
        holder->held[holder->count] = holder->attributes[holder->count];
}

/*
 * One who holds two values satisfies exactly what one of them satisfies: all ranges and all pairs
 * of values of four bits. (A bag of bits accepts 140 wrong ones here.)
 */
static void test_two_values_make_no_third(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 256; pair++) {
        unsigned a = pair / 16;
        unsigned b = pair % 16;
        static struct holder holder;

        holder.count = 0;
        holder_add(&holder, "n@h", a);
        holder_add(&holder, "n@h", b);
        for (unsigned range = 0; range < 256; range++) {
            unsigned first = range / 16;
            unsigned last = range % 16;
            struct aceso_abe_policy *policy;
            char text[64];

            if (first > last)
                continue;
            snprintf(text, sizeof(text), "n@h in %u..%u", first, last);
            policy = world_policy(text);
            assert_int_equal(aceso_abe_policy_satisfied(policy, holder.held, holder.count),
                             (first <= a && a <= last) || (first <= b && b <= last));
            aceso_abe_policy_free(policy);
        }
    }
}

static const char *const signs[] = { "<", "<=", "=", ">=", ">" };

static bool compares(unsigned a, size_t sign, unsigned b)
{
    return sign == 0 ? a < b : sign == 1 ? a <= b : sign == 2 ? a == b : sign == 3 ? a >= b : a > b;
}

static void test_signs(void **state)
{
    static const unsigned values[] = { 1, 2, 3, 2023, 2024, 2025, 1u << 31, 4294967294u };

    (void)state;
    for (size_t i = 0; i < 8 * 8 * 5; i++) {
        unsigned value = values[i / 40];
        unsigned bound = values[i / 5 % 8];
        struct aceso_abe_policy *policy;
        static struct holder holder;
        char text[64];

        holder.count = 0;
        holder_add(&holder, "year@h", value);
        snprintf(text, sizeof(text), "year@h %s %u", signs[i % 5], bound);
        policy = world_policy(text);
        assert_int_equal(aceso_abe_policy_satisfied(policy, holder.held, holder.count),
                         compares(value, i % 5, bound));
        aceso_abe_policy_free(policy);
    }
}

/* The attack on real keys: 3 and 12 share all bits with 7 and 8 between them. */
static void test_two_held_values_open_nothing_between(void **state)
{
    static const unsigned held[2] = { 3, 12 };
    static const char *const texts[] = { "n@h in 4..11", "n@h in 3..11" };
    static const uint8_t sigma[ACESO_ABE_SIGMA_SIZE] = "sigma";
    static struct holder holder;

    (void)state;
    holder.count = 0;
    for (size_t i = 0; i < 2; i++)
        holder_add(&holder, "n@h", held[i]);
    for (size_t i = 0; i < 2; i++) {
        struct aceso_abe_policy *policy = world_policy(texts[i]);
        struct aceso_abe_user_key *users[2 * ACESO_ABE_PREFIXES_MAX];
        struct world_keys keys;
        uint8_t made[ACESO_ABE_KEY_SIZE];
        uint8_t key[ACESO_ABE_KEY_SIZE];
        uint8_t *header = NULL;
        size_t length = 0;

        world_keys_begin(&keys, policy);
        for (size_t j = 0; j < holder.count; j++)
            users[j] = world_user(holder.held[j], "u");
        assert_int_equal(aceso_abe_encapsulate(policy, PUBLIC_KEYS(keys.keys), keys.count, NULL, 0,
                                               sigma, &header, &length, made),
                         ACESO_ABE_OK);
        assert_int_equal(aceso_abe_decapsulate(header, length, USER_KEYS(users), holder.count,
                                               PUBLIC_KEYS(keys.keys), keys.count, NULL, 0, NULL,
                                               key),
                         i == 0 ? ACESO_ABE_UNSATISFIED : ACESO_ABE_OK);
        if (i == 1)
            assert_memory_equal(key, made, sizeof(key));
        for (size_t j = 0; j < holder.count; j++)
            aceso_abe_user_key_free(users[j]);
        world_keys_end(&keys);
        aceso_abe_policy_free(policy);
        free(header);
    }
}

static void test_value_attributes(void **state)
{
    static char names[ACESO_ABE_PREFIXES_MAX][ACESO_ABE_ATTRIBUTE_MAX + 1];
    size_t count = 0;

    (void)state;
    assert_int_equal(aceso_abe_value_attributes("born@h", "2000-02-29", names, &count),
                     ACESO_ABE_OK);
    assert_int_equal(count, 23);
    assert_string_equal(names[0], "born.d0.0@h");
    assert_string_equal(names[9], "born.d9.059@h");
    assert_string_equal(names[22], "born.d22.0b2442@h");
    for (size_t i = 0; i < count; i++)
        assert_true(aceso_abe_attribute_valid(names[i]));
    assert_int_equal(aceso_abe_value_attributes("born", "1", names, &count), ACESO_ABE_ATTRIBUTE);
    assert_int_equal(aceso_abe_value_attributes("born@h", "", names, &count), ACESO_ABE_ARGUMENT);
    assert_int_equal(aceso_abe_value_attributes("born@h", "1900-02-29", names, &count),
                     ACESO_ABE_ARGUMENT);
}

/* The limit of rows holds for what a comparison stands for. */
static void test_too_many_rows(void **state)
{
    char text[4096] = "";
    size_t at = 0;
    struct aceso_abe_policy_error error;
    struct aceso_abe_policy *policy = NULL;

    (void)state;
    for (unsigned i = 0; i < 17; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%sn%u@h in 1..4294967294",
                               i > 0 ? " and " : "", i);
    assert_int_equal(aceso_abe_policy_parse(text, at, &policy, &error), ACESO_ABE_LIMIT);
    assert_memory_equal(text + error.position, "n16@h", 5);
    text[at -= strlen(" and n16@h in 1..4294967294")] = '\0';
    assert_int_equal(aceso_abe_policy_parse(text, at, &policy, &error), ACESO_ABE_OK);
    assert_int_equal(aceso_abe_policy_rows(policy), 16 * 62);
    aceso_abe_policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_text),
        cmocka_unit_test(test_errors_have_a_position),
        cmocka_unit_test(test_cover_is_exact),
        cmocka_unit_test(test_widest_cover),
        cmocka_unit_test(test_two_values_make_no_third),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_two_held_values_open_nothing_between),
        cmocka_unit_test(test_value_attributes),
        cmocka_unit_test(test_too_many_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
