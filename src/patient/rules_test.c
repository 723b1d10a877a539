/* SPDX-License-Identifier: Apache-2.0 */
/* Which rule fits which request and what follows; rules as people write them; rules in a store. */
#include "patient/rules.h"

#include "consent/vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY 86400u
#define P1 "0xa100000000000000000000000000000000000000"
#define P2 "0xa200000000000000000000000000000000000000"

static int parse(const char *text, struct rule *rule, struct aceso_error *error)
{
    yyjson_doc *doc = NULL;
    int code;

    assert_int_equal(json_parse(bytes_of_string(text), &doc, NULL), ACESO_OK);
    code = rule_parse(yyjson_doc_get_root(doc), rule, error);
    yyjson_doc_free(doc);
    return code;
}

/* ---- matching ---------------------------------------------------------------------------- */

/* A case: what is asked ("category purpose level days hospital own", one a word; the institute is
 * the first one and its credential holds), against up to three rules. */
struct matching {
    const char *name;
    const char *rules[3];
    struct rule_case asked;
    struct rule_decision wanted;
};

static const uint8_t first[20] = { 0xa1 }, second[20] = { 0xa2 };

enum { NOBODY, PHARMACY, INSURANCE, SCHOOL, HOSPITAL };
enum { LOW = 1, MEDIUM, HIGH, COMPLETE };
enum { TREAT = 1, PAYMENT, RESEARCH = 4 };

#define ASKED(who, category_, purpose_, level_, days, own_)                                        \
    { .institute = (who), .live = true, .category = (category_), .purpose = (purpose_),            \
      .level = (level_), .term = (days) * DAY, .hospital = "hospital-a", .own = (own_) }
#define DEAD(who, category_, purpose_, level_, days, own_)                                         \
    { .institute = (who), .live = false, .category = (category_), .purpose = (purpose_),           \
      .level = (level_), .term = (days) * DAY, .hospital = "hospital-a", .own = (own_) }
#define ALLOWED(number_, level_, days)                                                             \
    { .verdict = RULE_ALLOW, .number = (number_), .level = (level_), .term = (days) * DAY }
#define DENIED(number_) { .verdict = RULE_DENY, .number = (number_) }
#define LEFT(number_) { .verdict = RULE_ASK, .number = (number_) }

#define ALLOW_ALL "{\"then\":\"allow\"}"
#define ALLOW_PHARMACY "{\"then\":\"allow\",\"category\":\"pharmacy\"}"
#define ALLOW_MEDIUM "{\"then\":\"allow\",\"level\":\"medium\"}"
#define ALLOW_MEDIUM_LESS "{\"then\":\"allow\",\"level\":\"medium\",\"less\":true}"
#define ALLOW_WEEK "{\"then\":\"allow\",\"term\":\"7d\"}"
#define ALLOW_WEEK_LESS "{\"then\":\"allow\",\"term\":\"7d\",\"less\":true}"
#define ALLOW_LESS "{\"then\":\"allow\",\"less\":true}"
#define ALLOW_NARROW                                                                               \
    "{\"then\":\"allow\",\"category\":\"medical-school\",\"purpose\":\"HRESCH\","                  \
    "\"hospital\":\"hospital-a\",\"level\":\"high\",\"term\":\"30d\"}"
#define DENY_ALL "{\"then\":\"deny\"}"
#define DENY_PAYMENT "{\"then\":\"deny\",\"purpose\":\"HPAYMT\"}"
#define DENY_FIRST "{\"then\":\"deny\",\"institute\":\"" P1 "\"}"
#define ASK_ALL "{\"then\":\"ask\"}"
#define ASK_SECOND "{\"then\":\"ask\",\"institute\":\"" P2 "\"}"
#define ALLOW_AT_B "{\"then\":\"allow\",\"hospital\":\"hospital-b\"}"
#define ALLOW_AT_A "{\"then\":\"allow\",\"hospital\":\"hospital-a\"}"

static const struct matching cases[] = {
    { "no rule: ask", { NULL }, ASKED(first, PHARMACY, TREAT, LOW, 1, LOW), LEFT(0) },
    { "one that fits nobody here", { ALLOW_PHARMACY }, ASKED(first, SCHOOL, TREAT, LOW, 1, HIGH),
      LEFT(0) },
    { "by category", { ALLOW_PHARMACY }, ASKED(first, PHARMACY, TREAT, LOW, 1, LOW),
      ALLOWED(1, LOW, 1) },
    { "a category that is not known is none that a rule names", { ALLOW_PHARMACY },
      ASKED(first, NOBODY, TREAT, LOW, 1, LOW), LEFT(0) },
    { "everything", { ALLOW_ALL }, ASKED(second, SCHOOL, RESEARCH, HIGH, 30, HIGH),
      ALLOWED(1, HIGH, 30) },
    { "less is granted as asked for", { ALLOW_ALL }, ASKED(first, SCHOOL, RESEARCH, LOW, 3, HIGH),
      ALLOWED(1, LOW, 3) },
    { "the own table is above a rule", { ALLOW_ALL },
      ASKED(first, PHARMACY, TREAT, MEDIUM, 1, LOW), LEFT(1) },
    { "less: what the table gives", { ALLOW_LESS },
      ASKED(first, PHARMACY, TREAT, COMPLETE, 1, LOW), ALLOWED(1, LOW, 1) },
    { "a table that gives nothing", { ALLOW_LESS }, ASKED(first, NOBODY, TREAT, LOW, 1, 0),
      LEFT(1) },
    { "at the rule's level", { ALLOW_MEDIUM }, ASKED(first, SCHOOL, RESEARCH, MEDIUM, 1, HIGH),
      ALLOWED(1, MEDIUM, 1) },
    { "above the rule's level", { ALLOW_MEDIUM }, ASKED(first, SCHOOL, RESEARCH, HIGH, 1, HIGH),
      LEFT(1) },
    { "above it, less", { ALLOW_MEDIUM_LESS }, ASKED(first, SCHOOL, RESEARCH, HIGH, 1, HIGH),
      ALLOWED(1, MEDIUM, 1) },
    { "less, and below both", { ALLOW_MEDIUM_LESS }, ASKED(first, SCHOOL, RESEARCH, LOW, 1, HIGH),
      ALLOWED(1, LOW, 1) },
    { "less, the table below the rule", { ALLOW_MEDIUM_LESS },
      ASKED(first, PHARMACY, TREAT, HIGH, 1, LOW), ALLOWED(1, LOW, 1) },
    { "a rule gives no more than the table", { ALLOW_MEDIUM },
      ASKED(first, PHARMACY, TREAT, MEDIUM, 1, LOW), LEFT(1) },
    { "at the rule's term", { ALLOW_WEEK }, ASKED(first, SCHOOL, RESEARCH, LOW, 7, HIGH),
      ALLOWED(1, LOW, 7) },
    { "over the rule's term", { ALLOW_WEEK }, ASKED(first, SCHOOL, RESEARCH, LOW, 8, HIGH),
      LEFT(1) },
    { "over it, less", { ALLOW_WEEK_LESS }, ASKED(first, SCHOOL, RESEARCH, LOW, 365, HIGH),
      ALLOWED(1, LOW, 7) },
    { "shorter than the rule's", { ALLOW_WEEK_LESS }, ASKED(first, SCHOOL, RESEARCH, LOW, 2, HIGH),
      ALLOWED(1, LOW, 2) },
    { "level and term, both too much", { "{\"then\":\"allow\",\"level\":\"low\",\"term\":\"1d\","
                                         "\"less\":true}" },
      ASKED(first, SCHOOL, RESEARCH, COMPLETE, 30, HIGH), ALLOWED(1, LOW, 1) },
    { "denied", { DENY_ALL }, ASKED(first, SCHOOL, RESEARCH, LOW, 1, HIGH), DENIED(1) },
    { "denied by purpose", { DENY_PAYMENT }, ASKED(first, INSURANCE, PAYMENT, LOW, 1, MEDIUM),
      DENIED(1) },
    { "another purpose", { DENY_PAYMENT }, ASKED(first, INSURANCE, TREAT, LOW, 1, MEDIUM),
      LEFT(0) },
    { "the first that fits: deny", { DENY_PAYMENT, ALLOW_ALL },
      ASKED(first, INSURANCE, PAYMENT, LOW, 1, MEDIUM), DENIED(1) },
    { "the first that fits: the next one", { DENY_PAYMENT, ALLOW_ALL },
      ASKED(first, INSURANCE, TREAT, LOW, 1, MEDIUM), ALLOWED(2, LOW, 1) },
    { "a later deny is too late", { ALLOW_ALL, DENY_ALL },
      ASKED(first, INSURANCE, TREAT, LOW, 1, MEDIUM), ALLOWED(1, LOW, 1) },
    { "a rule that does not allow so much ends the search", { ALLOW_MEDIUM, ALLOW_ALL },
      ASKED(first, SCHOOL, RESEARCH, HIGH, 1, HIGH), LEFT(1) },
    { "ask is an answer", { ASK_ALL, ALLOW_ALL }, ASKED(first, SCHOOL, RESEARCH, LOW, 1, HIGH),
      LEFT(1) },
    { "one institute", { DENY_FIRST, ASK_SECOND, ALLOW_ALL },
      ASKED(first, SCHOOL, RESEARCH, LOW, 1, HIGH), DENIED(1) },
    { "another institute", { DENY_FIRST, ASK_SECOND, ALLOW_ALL },
      ASKED(second, SCHOOL, RESEARCH, LOW, 1, HIGH), LEFT(2) },
    { "another hospital's rule", { ALLOW_AT_B }, ASKED(first, SCHOOL, RESEARCH, LOW, 1, HIGH),
      LEFT(0) },
    { "this hospital's rule", { ALLOW_AT_B, ALLOW_AT_A },
      ASKED(first, SCHOOL, RESEARCH, LOW, 1, HIGH), ALLOWED(2, LOW, 1) },
    { "all conditions hold", { ALLOW_NARROW }, ASKED(first, SCHOOL, RESEARCH, HIGH, 30, HIGH),
      ALLOWED(1, HIGH, 30) },
    { "all but the purpose", { ALLOW_NARROW }, ASKED(first, SCHOOL, TREAT, HIGH, 30, HIGH),
      LEFT(0) },
    { "all but the category", { ALLOW_NARROW }, ASKED(first, HOSPITAL, RESEARCH, HIGH, 30, HIGH),
      LEFT(0) },
    { "a credential that does not hold is not allowed", { ALLOW_ALL },
      DEAD(first, SCHOOL, RESEARCH, LOW, 1, HIGH), LEFT(1) },
    { "nor less", { ALLOW_LESS }, DEAD(first, SCHOOL, RESEARCH, HIGH, 1, HIGH), LEFT(1) },
    { "but denied", { DENY_ALL }, DEAD(first, SCHOOL, RESEARCH, LOW, 1, HIGH), DENIED(1) },
};

static void test_matching(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct matching *one = &cases[i];
        struct rule rules[3];
        struct rule_decision got;
        size_t count = 0;

        for (; count < 3 && one->rules[count]; count++) {
            assert_int_equal(parse(one->rules[count], &rules[count], NULL), ACESO_OK);
            rules[count].number = count + 1;
        }
        rules_match(rules, count, &one->asked, &got);
        if (got.verdict != one->wanted.verdict || got.number != one->wanted.number ||
            got.level != one->wanted.level || got.term != one->wanted.term)
            fail_msg("%s: %s by rule %llu, level %u, %llu s", one->name,
                     rule_verdict_name(got.verdict), (unsigned long long)got.number, got.level,
                     (unsigned long long)got.term);
    }
}

/* Whatever is asked and whatever the rule: nothing above the table, the asking or the rule. */
static void test_never_more(void **state)
{
    struct rule rule = { .number = 1, .then = RULE_ALLOW };
    struct rule_decision got;
    size_t allowed = 0;

    (void)state;
    for (unsigned i = 0; i < 5 * 4 * 5 * 2 * 9; i++) {
        struct rule_case asked = ASKED(first, SCHOOL, RESEARCH, 1 + i / 5 % 4, 1, i % 5);

        rule.level = i / 20 % 5;
        rule.less = i / 100 % 2;
        rule.term = i / 200 % 3 * DAY;
        asked.term = (1 + i / 600 % 3) * DAY;
        rules_match(&rule, 1, &asked, &got);
        if (got.verdict != RULE_ALLOW)
            continue;
        allowed++;
        assert_in_range(got.level, 1, asked.level);
        assert_in_range(got.level, 1, asked.own);
        assert_in_range(got.level, 1, rule.level ? rule.level : 4);
        assert_in_range(got.term, 1, asked.term);
        assert_in_range(got.term, 1, rule.term ? rule.term : asked.term);
        assert_true(rule.less || (got.level == asked.level && got.term == asked.term));
    }
    assert_true(allowed > 300);
}

/* ---- what people write ------------------------------------------------------------------- */

static void test_bad_input(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *place;
    } bad[] = {
        { "[]", ACESO_EFORMAT, "" },
        { "{}", ACESO_EUSAGE, "then" },
        { "{\"category\":\"pharmacy\"}", ACESO_EUSAGE, "then" },
        { "{\"then\":\"maybe\"}", ACESO_EUSAGE, "then" },
        { "{\"then\":\"\"}", ACESO_EUSAGE, "then" },
        { "{\"then\":\"Allow\"}", ACESO_EUSAGE, "then" },
        { "{\"then\":1}", ACESO_EFORMAT, "then" },
        { "{\"then\":\"allow\",\"category\":\"bakery\"}", ACESO_EUSAGE, "category" },
        { "{\"then\":\"allow\",\"category\":4}", ACESO_EFORMAT, "category" },
        { "{\"then\":\"allow\",\"category\":null}", ACESO_EFORMAT, "category" },
        { "{\"then\":\"allow\",\"purpose\":\"FUN\"}", ACESO_EUSAGE, "purpose" },
        { "{\"then\":\"allow\",\"institute\":\"0xa1\"}", ACESO_EUSAGE, "institute" },
        { "{\"then\":\"allow\",\"institute\":\"" P1 "00\"}", ACESO_EUSAGE, "institute" },
        { "{\"then\":\"deny\",\"institute\":\"0x0000000000000000000000000000000000000000\"}",
          ACESO_EUSAGE, "institute" },
        { "{\"then\":\"allow\",\"hospital\":\"\"}", ACESO_EUSAGE, "hospital" },
        { "{\"then\":\"allow\",\"level\":\"none\"}", ACESO_EUSAGE, "level" },
        { "{\"then\":\"allow\",\"level\":3}", ACESO_EFORMAT, "level" },
        { "{\"then\":\"allow\",\"level\":\"low\\u0000x\"}", ACESO_EFORMAT, "level" },
        { "{\"then\":\"allow\",\"term\":\"0d\"}", ACESO_EUSAGE, "term" },
        { "{\"then\":\"allow\",\"term\":\"soon\"}", ACESO_EUSAGE, "term" },
        { "{\"then\":\"allow\",\"term\":\"-1d\"}", ACESO_EUSAGE, "term" },
        { "{\"then\":\"allow\",\"term\":\"99999d\"}", ACESO_EUSAGE, "term" },
        { "{\"then\":\"allow\",\"less\":\"true\"}", ACESO_EFORMAT, "less" },
        { "{\"then\":\"allow\",\"levl\":\"low\"}", ACESO_EFORMAT, "levl" },
        { "{\"then\":\"deny\",\"level\":\"low\"}", ACESO_EUSAGE, "level" },
        { "{\"then\":\"ask\",\"term\":\"1d\"}", ACESO_EUSAGE, "term" },
        { "{\"then\":\"deny\",\"less\":true}", ACESO_EUSAGE, "less" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rule rule = { .number = 77 };
        struct aceso_error error = { 0 };
        int code = parse(bad[i].text, &rule, &error);

        if (code != bad[i].code || strcmp(error.place, bad[i].place) != 0)
            fail_msg("%s: %d at '%s': %s", bad[i].text, code, error.place, error.text);
        assert_int_equal(rule.number, 77);
    }
}

static void test_long_hospital(void **state)
{
    char text[CONFIG_LABEL_SIZE + 64];
    struct rule rule;

    (void)state;
    for (int length = CONFIG_LABEL_SIZE - 1; length <= CONFIG_LABEL_SIZE; length++) {
        (void)snprintf(text, sizeof text, "{\"then\":\"ask\",\"hospital\":\"%0*d\"}", length, 0);
        assert_int_equal(parse(text, &rule, NULL),
                         length < CONFIG_LABEL_SIZE ? ACESO_OK : ACESO_EUSAGE);
    }
}

static void test_words(void **state)
{
    static const char *const said[][2] = {
        { ASK_ALL, "ask anyone" },
        { ALLOW_MEDIUM_LESS, "allow anyone, up to medium, or less than is asked for" },
        { DENY_FIRST, "deny " P1 },
        { ALLOW_NARROW,
          "allow medical-school for HRESCH at hospital-a, up to high, at most 30d" },
        { "{\"then\":\"allow\",\"term\":\"90s\"}", "allow anyone, at most 90s" },
        { "{\"then\":\"allow\",\"term\":\"48h\"}", "allow anyone, at most 2d" },
        { "{\"then\":\"allow\",\"term\":\"90m\"}", "allow anyone, at most 90m" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct buffer text = BUFFER_INIT(1024);
        struct rule rule;

        assert_int_equal(parse(said[i][0], &rule, NULL), ACESO_OK);
        assert_int_equal(rule_print(&rule, &text), ACESO_OK);
        assert_string_equal(buffer_text(&text), said[i][1]);
        buffer_free(&text);
    }
}

/* ---- in a store -------------------------------------------------------------------------- */

static struct store *open_store(void)
{
    const char *const migrations[] = { rules_schema };
    struct store *store = NULL;

    assert_int_equal(store_open(":memory:", migrations, 1, &store, NULL), ACESO_OK);
    return store;
}

static uint64_t add(struct store *store, const char *text)
{
    static unsigned count;
    struct rule rule;
    char by[16];

    (void)snprintf(by, sizeof by, "%u", ++count);
    assert_int_equal(parse(text, &rule, NULL), ACESO_OK);
    assert_int_equal(rules_add(store, by, &rule, NULL), ACESO_OK);
    return rule.number;
}

static void test_store(void **state)
{
    static const char *const texts[] = { ALLOW_NARROW, DENY_FIRST, ALLOW_WEEK_LESS, ASK_ALL };
    struct store *store = open_store();
    struct rule *rules = NULL;
    size_t count = 9;

    (void)state;
    assert_int_equal(rules_load(store, &rules, &count, NULL), ACESO_OK);
    assert_int_equal(count, 0);
    free(rules);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(add(store, texts[i]), i + 1);
    assert_int_equal(rules_load(store, &rules, &count, NULL), ACESO_OK);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++) {
        struct buffer got = BUFFER_INIT(1024), wanted = BUFFER_INIT(1024);
        struct json_writer got_writer = json_writer_of(&got);
        struct json_writer wanted_writer = json_writer_of(&wanted);
        struct rule rule;

        assert_int_equal(parse(texts[i], &rule, NULL), ACESO_OK);
        rule.number = i + 1;
        rule_write(&rules[i], &got_writer);
        rule_write(&rule, &wanted_writer);
        assert_string_equal(buffer_text(&got), buffer_text(&wanted));
        buffer_free(&got);
        buffer_free(&wanted);
    }
    free(rules);
    store_close(store);
}

static void test_remove(void **state)
{
    struct store *store = open_store();
    struct rule *rules = NULL;
    size_t count = 0;

    (void)state;
    (void)add(store, ASK_ALL);
    (void)add(store, DENY_ALL);
    assert_int_equal(rules_remove(store, "a", 3, NULL), ACESO_ENOTFOUND);
    assert_int_equal(rules_remove(store, "a", UINT64_MAX, NULL), ACESO_ENOTFOUND);
    assert_int_equal(rules_remove(store, "a", 2, NULL), ACESO_OK);
    assert_int_equal(rules_remove(store, "b", 2, NULL), ACESO_ENOTFOUND);
    assert_int_equal(rules_remove(store, "a", 2, NULL), ACESO_OK); /* the same asking, repeated */
    assert_int_equal(add(store, ALLOW_ALL), 3); /* not 2 again: "by rule 2" stays what it was */
    assert_int_equal(rules_load(store, &rules, &count, NULL), ACESO_OK);
    assert_int_equal(count, 2);
    assert_int_equal(rules[1].number, 3);
    free(rules);
    store_close(store);
}

/* An asking that is repeated after a crash makes no second rule, whatever came after it. */
static void test_repeated(void **state)
{
    struct store *store = open_store();
    struct rule first_rule, again;
    struct rule *rules = NULL;
    size_t count = 0;

    (void)state;
    assert_int_equal(parse(ALLOW_ALL, &first_rule, NULL), ACESO_OK);
    again = first_rule;
    assert_int_equal(rules_add(store, "one", &first_rule, NULL), ACESO_OK);
    (void)add(store, DENY_ALL);
    assert_int_equal(rules_add(store, "one", &again, NULL), ACESO_OK);
    assert_int_equal(again.number, first_rule.number);
    assert_int_equal(rules_remove(store, "two", first_rule.number, NULL), ACESO_OK);
    assert_int_equal(rules_add(store, "one", &again, NULL), ACESO_OK);
    assert_int_equal(rules_load(store, &rules, &count, NULL), ACESO_OK);
    assert_int_equal(count, 1);
    assert_int_equal(rules[0].then, RULE_DENY);
    free(rules);
    store_close(store);
}

static void test_too_many(void **state)
{
    struct store *store = open_store();
    struct rule rule;

    (void)state;
    for (int i = 0; i < RULES_MAX; i++)
        (void)add(store, ASK_ALL);
    assert_int_equal(parse(ALLOW_ALL, &rule, NULL), ACESO_OK);
    assert_int_equal(rules_add(store, "x", &rule, NULL), ACESO_ELIMIT);
    assert_int_equal(rules_remove(store, "y", 1, NULL), ACESO_OK);
    assert_int_equal(rules_add(store, "x", &rule, NULL), ACESO_OK);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matching),      cmocka_unit_test(test_never_more),
        cmocka_unit_test(test_bad_input),     cmocka_unit_test(test_long_hospital),
        cmocka_unit_test(test_words),         cmocka_unit_test(test_store),
        cmocka_unit_test(test_remove),        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests_name("patient rules", tests, NULL, NULL);
}
