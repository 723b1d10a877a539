/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret sharing against its own matrix: for many policies and every subset of the attributes,
 * "the rows held span (1, 0, ..., 0)" must be what the policy's boolean formula says, and what the
 * library's choice of rows says. Uses core.
 */
#include "../core/kem.h"
#include "../core/lsss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    NAMES = 6, /* attributes a@h to f@h */
    ROWS = 24, /* at most, in these tests */
    RANDOM_POLICIES = 300
};

struct tree {
    struct abe_policy policy;
    struct abe_node nodes[ABE_NODES_MAX];
};

static void tree_parse(struct tree *tree, const char *text)
{
    struct aceso_abe_policy_error error;

    assert_int_equal(
        abe_policy_parse(&tree->policy, text, strlen(text), tree->nodes, ABE_NODES_MAX, &error),
        ACESO_ABE_OK);
    assert_true(tree->policy.rows <= ROWS);
    assert_true(tree->policy.columns <= tree->policy.rows);
}

/* The matrix, column by column: the shares of the unit vectors. */
static void matrix(const struct tree *tree, blst_fr m[ROWS][ROWS])
{
    blst_fr unit[ROWS];
    blst_fr shares[ROWS];

    for (size_t column = 0; column < tree->policy.columns; column++) {
        memset(unit, 0, sizeof(unit));
        abe_fr_from_integer(&unit[column], 1);
        abe_lsss_share(&tree->policy, unit, shares);
        for (size_t row = 0; row < tree->policy.rows; row++)
            m[row][column] = shares[row];
    }
}

static bool is_zero(const blst_fr *value)
{
    static const blst_fr zero;

    return memcmp(value, &zero, sizeof(zero)) == 0;
}

/* Rank by Gaussian elimination; destroys `m`. */
static size_t rank(blst_fr m[ROWS + 1][ROWS], size_t rows, size_t columns)
{
    size_t found = 0;

    for (size_t column = 0; column < columns && found < rows; column++) {
        size_t pivot = found;
        blst_fr inverse;

        while (pivot < rows && is_zero(&m[pivot][column]))
            pivot++;
        if (pivot == rows)
            continue;
        for (size_t i = 0; i < columns; i++) {
            blst_fr swap = m[pivot][i];

            m[pivot][i] = m[found][i];
            m[found][i] = swap;
        }
        blst_fr_inverse(&inverse, &m[found][column]);
        for (size_t row = found + 1; row < rows; row++) {
            blst_fr factor;

            blst_fr_mul(&factor, &m[row][column], &inverse);
            for (size_t i = 0; i < columns; i++) {
                blst_fr product;

                blst_fr_mul(&product, &factor, &m[found][i]);
                blst_fr_sub(&m[row][i], &m[row][i], &product);
            }
        }
        found++;
    }
    return found;
}

/* Whether the held rows span (1, 0, ..., 0). */
static bool spans_secret(const struct tree *tree, blst_fr m[ROWS][ROWS], const uint8_t *held)
{
    static blst_fr work[ROWS + 1][ROWS];
    size_t rows = 0;
    size_t without;

    for (size_t row = 0; row < tree->policy.rows; row++) {
        if (held[row] != 0)
            memcpy(work[rows++], m[row], sizeof(work[0]));
    }
    without = rank(work, rows, tree->policy.columns);
    rows = 0;
    for (size_t row = 0; row < tree->policy.rows; row++) {
        if (held[row] != 0)
            memcpy(work[rows++], m[row], sizeof(work[0]));
    }
    memset(work[rows], 0, sizeof(work[0]));
    abe_fr_from_integer(&work[rows][0], 1);
    return rank(work, rows + 1, tree->policy.columns) == without;
}

/* The sum of coefficient times row must be (1, 0, ..., 0), over held rows only. */
static void check_coefficients(const struct tree *tree, blst_fr m[ROWS][ROWS], const uint8_t *held,
                               const uint8_t *chosen)
{
    blst_fr coefficients[ROWS];
    blst_fr sum[ROWS];
    blst_fr one;

    memset(sum, 0, sizeof(sum));
    abe_fr_from_integer(&one, 1);
    abe_lsss_reconstruct(&tree->policy, chosen, coefficients);
    for (size_t i = 0; i < tree->policy.count; i++) {
        const struct abe_node *node = &tree->nodes[i];

        if (chosen[i] == 0 || node->threshold != 0)
            continue;
        assert_true(held[node->row] != 0);
        for (size_t column = 0; column < tree->policy.columns; column++) {
            blst_fr product;

            blst_fr_mul(&product, &coefficients[node->row], &m[node->row][column]);
            blst_fr_add(&sum[column], &sum[column], &product);
        }
    }
    assert_memory_equal(&sum[0], &one, sizeof(one));
    for (size_t column = 1; column < tree->policy.columns; column++)
        assert_true(is_zero(&sum[column]));
}

/* ---- a formula of the test's own ------------------------------------------------------- */

/* Evaluates policy text for a set of attributes (bit 0 = a@h), by itself. A leaf that is repeated
 * right under one threshold counts once; a gate of one leaf only is that leaf. */
struct reader {
    const char *at;
    unsigned held;
};

static bool read_formula(struct reader *reader, unsigned *leaf);

static void take(struct reader *reader, const char *text)
{
    assert_memory_equal(reader->at, text, strlen(text));
    reader->at += strlen(text);
}

static bool read_threshold(struct reader *reader, unsigned *only)
{
    unsigned needed = (unsigned)(*reader->at - '0');
    unsigned leaves = 0;
    unsigned count = 0;
    bool gates = false;

    reader->at++;
    take(reader, " of (");
    for (;;) {
        unsigned leaf = 0;
        bool value = read_formula(reader, &leaf);

        if (value && (leaf == 0 || (leaves & leaf) == 0))
            count++;
        leaves |= leaf;
        gates = gates || leaf == 0;
        if (*reader->at == ')')
            break;
        take(reader, ", ");
    }
    take(reader, ")");
    *only = !gates && (leaves & (leaves - 1)) == 0 ? leaves : 0;
    return count >= needed;
}

static bool read_factor(struct reader *reader, unsigned *leaf)
{
    bool value;

    *leaf = 0;
    if (*reader->at == '(') {
        take(reader, "(");
        value = read_formula(reader, leaf);
        take(reader, ")");
        return value;
    }
    if (*reader->at >= '0' && *reader->at <= '9')
        return read_threshold(reader, leaf);
    *leaf = 1u << (*reader->at - 'a');
    reader->at++;
    take(reader, "@h");
    return (reader->held & *leaf) != 0;
}

/* Either all " and " or all " or " on one level, as these tests write it. */
static bool read_formula(struct reader *reader, unsigned *leaf)
{
    bool value = read_factor(reader, leaf);
    unsigned other;

    while (*reader->at == ' ') {
        if (reader->at[1] == 'a') {
            take(reader, " and ");
            value = read_factor(reader, &other) && value;
        } else {
            take(reader, " or ");
            value = read_factor(reader, &other) || value;
        }
        if (other != *leaf)
            *leaf = 0;
    }
    return value;
}

static bool formula(const char *text, unsigned held)
{
    struct reader reader = { text, held };
    unsigned leaf;
    bool value = read_formula(&reader, &leaf);

    assert_int_equal(*reader.at, '\0');
    return value;
}

/* ---- the comparison -------------------------------------------------------------------- */

static void check_all_subsets(const char *text)
{
    static struct tree tree;
    static blst_fr m[ROWS][ROWS];
    static uint32_t cost[ABE_NODES_MAX];
    static uint8_t chosen[ABE_NODES_MAX];

    tree_parse(&tree, text);
    matrix(&tree, m);
    for (unsigned set = 0; set < 1u << NAMES; set++) {
        uint8_t held[ROWS] = { 0 };
        bool expected = formula(text, set);

        for (size_t i = 0; i < tree.policy.count; i++) {
            const struct abe_node *node = &tree.nodes[i];

            if (abe_node_is_leaf(node))
                held[node->row] = (set >> (*abe_policy_name(&tree.policy, node) - 'a') & 1u) != 0;
        }
        if (spans_secret(&tree, m, held) != expected)
            fail_msg("the matrix of %s and the set %x", text, set);
        assert_int_equal(abe_policy_choose(&tree.policy, held, cost, chosen), expected);
        if (expected)
            check_coefficients(&tree, m, held, chosen);
    }
}

static void test_small_policies(void **state)
{
    static const char *const policies[] = {
        "a@h",
        "a@h and b@h",
        "a@h or b@h",
        "a@h and b@h and c@h and d@h and e@h and f@h",
        "a@h or b@h or c@h or d@h or e@h or f@h",
        "(a@h or b@h) and (c@h or d@h)",
        "(a@h and b@h) or (c@h and d@h)",
        "(a@h and b@h) or (a@h and c@h) or (b@h and c@h)",
        "a@h and (b@h or (c@h and (d@h or (e@h and f@h))))",
        "2 of (a@h, b@h, c@h)",
        "2 of (a@h, b@h, c@h, d@h)",
        "3 of (a@h, b@h, c@h, d@h, e@h)",
        "4 of (a@h, b@h, c@h, d@h, e@h, f@h)",
        "2 of (a@h and b@h, c@h and d@h, e@h and f@h)",
        "2 of (a@h or b@h, c@h or d@h, e@h or f@h)",
        "2 of (a@h, a@h, b@h)",
        "2 of (a@h, a@h, b@h, c@h)",
        "2 of (a@h, (a@h), b@h, c@h and d@h)",
        "2 of (2 of (a@h, b@h, c@h), 2 of (c@h, d@h, e@h), f@h)",
        "2 of (a@h, b@h and a@h, c@h)",
        "a@h and 2 of (a@h, b@h, c@h)",
        "a@h and b@h and (a@h or c@h)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        check_all_subsets(policies[i]);
}

/* A reproducible random number below `limit`. */
static unsigned draw(uint32_t *seed, unsigned limit)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 16) % limit;
}

struct writer {
    char text[1024];
    size_t length;
};

static void write_text(struct writer *writer, const char *text)
{
    size_t n = strlen(text);

    assert_true(n < sizeof(writer->text) - writer->length);
    memcpy(writer->text + writer->length, text, n + 1);
    writer->length += n;
}

/* Writes a random policy of at most `leaves` leaves. */
static void write_random(struct writer *writer, uint32_t *seed, unsigned leaves, unsigned depth)
{
    static const char *const names[NAMES] = { "a@h", "b@h", "c@h", "d@h", "e@h", "f@h" };
    static const char *const starts[] = { "(", "(", "1 of (", "2 of (" };
    static const char *const signs[] = { " and ", " or ", ", ", ", " };
    unsigned children = 2 + draw(seed, 3);
    unsigned kind = draw(seed, 4);

    if (leaves < children || depth == 3 || draw(seed, 4) == 0) {
        write_text(writer, names[draw(seed, NAMES)]);
        return;
    }
    write_text(writer, starts[kind]);
    for (unsigned i = 0; i < children; i++) {
        if (i > 0)
            write_text(writer, signs[kind]);
        write_random(writer, seed, leaves / children, depth + 1);
    }
    write_text(writer, ")");
}

/* Policies whose thresholds cannot be reached are drawn again. */
static void test_random_policies(void **state)
{
    static struct tree tree;
    struct aceso_abe_policy_error error;
    uint32_t seed = 20110516;
    unsigned done = 0;

    (void)state;
    while (done < RANDOM_POLICIES) {
        struct writer writer = { .length = 0 };

        write_random(&writer, &seed, ROWS, 0);
        if (abe_policy_parse(&tree.policy, writer.text, writer.length, tree.nodes, ABE_NODES_MAX,
                             &error) != ACESO_ABE_OK)
            continue;
        check_all_subsets(writer.text);
        done++;
    }
}

/* The choice takes the branch with the fewest rows. */
static void test_choice_is_cheap(void **state)
{
    static struct tree tree;
    static uint32_t cost[ABE_NODES_MAX];
    static uint8_t chosen[ABE_NODES_MAX];
    static const uint8_t held[ROWS] = { 1, 1, 1, 1, 1, 1 };
    size_t used = 0;

    (void)state;
    tree_parse(&tree, "(a@h and b@h and c@h) or 2 of (a@h, b@h, d@h) or (e@h and f@h)");
    memset(cost, 0, sizeof(cost));
    assert_true(abe_policy_choose(&tree.policy, (const uint8_t[ROWS]){ 1, 1, 1, 1, 1, 1, 1, 1 },
                                  cost, chosen));
    for (size_t i = 0; i < tree.policy.count; i++)
        used += chosen[i] != 0 && tree.nodes[i].threshold == 0;
    assert_int_equal(used, 2);
    assert_int_equal(chosen[0], 0);
    /* rows 6 and 7 (e, f) not held: three of an `and` beat two of a threshold's long scalars */
    assert_true(abe_policy_choose(&tree.policy, held, cost, chosen));
    assert_int_equal(chosen[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_policies),
        cmocka_unit_test(test_random_policies),
        cmocka_unit_test(test_choice_is_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
