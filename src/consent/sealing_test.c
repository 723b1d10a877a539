/* SPDX-License-Identifier: Apache-2.0 */
/* What was sealed for one thing opens for nothing else; policies and words. */
#include "consent/sealing.h"

#include "consent/testing.h"
#include "consent/vocabulary.h"
#include "contracts_abi.h"
#include "crypto/hpke.h"
#include "crypto/keccak.h"

static const struct sealing whole = {
    .purpose = "grant",     .chain_id = 31337,         .contract = { 1 }, .sender = { 2 },
    .receiver = { 3 },      .request = { 4 },          .epoch = 5,
};

static void test_sealing(void **state)
{
    uint8_t seed[32] = { 1 }, secret[32], public_key[32], wrong[32], wrong_public[32];
    struct buffer sealed = BUFFER_INIT(65536), opened = BUFFER_INIT_SECRET(65536);

    (void)state;
    hpke_keypair_derive(seed, secret, public_key);
    seed[0] = 2;
    hpke_keypair_derive(seed, wrong, wrong_public);
    assert_int_equal(sealing_seal(&whole, public_key, bytes_of("key", 3), &sealed, NULL), ACESO_OK);
    assert_int_equal(sealed.data[0], 1);
    assert_int_equal(sealing_open(&whole, secret, buffer_bytes(&sealed), &opened, NULL), ACESO_OK);
    assert_int_equal(opened.len, 3);
    assert_memory_equal(opened.data, "key", 3);
    buffer_clear(&opened);
    assert_int_not_equal(sealing_open(&whole, wrong, buffer_bytes(&sealed), &opened, NULL),
                         ACESO_OK);
    for (int i = 0; i < 7; i++) {
        struct sealing changed = whole;

        changed.purpose = i == 0 ? "access string" : changed.purpose;
        changed.chain_id += i == 1;
        changed.contract[19] ^= i == 2;
        changed.sender[19] ^= i == 3;
        changed.receiver[19] ^= i == 4;
        changed.request[31] ^= i == 5;
        changed.epoch += i == 6;
        assert_int_not_equal(sealing_open(&changed, secret, buffer_bytes(&sealed), &opened, NULL),
                             ACESO_OK);
    }
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 0x80;
        assert_int_not_equal(sealing_open(&whole, secret, buffer_bytes(&sealed), &opened, NULL),
                             ACESO_OK);
        sealed.data[i] ^= 0x80;
        assert_int_not_equal(sealing_open(&whole, secret, bytes_of(sealed.data, i), &opened, NULL),
                             ACESO_OK);
    }
    assert_int_equal(opened.len, 0);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void test_sealing_limit(void **state)
{
    static const uint8_t plain[SEALING_SIZE_MAX + 1], public_key[32] = { 9 };
    struct buffer sealed = BUFFER_INIT(SEALING_SIZE_MAX * 2);

    (void)state;
    assert_int_equal(sealing_seal(&whole, public_key, bytes_of(plain, sizeof plain), &sealed, NULL),
                     ACESO_ELIMIT);
    assert_int_equal(sealed.len, 0);
    buffer_free(&sealed);
}

static void test_policy_errors(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *place;
    } bad[] = {
        { "", ACESO_EFORMAT, "policy, character 1" },
        { "a@b and", ACESO_EFORMAT, "policy, character 8" },
        { "a@b %", ACESO_EFORMAT, "policy, character 5" },
        { "(a@b", ACESO_EFORMAT, "policy, character 5" },
        { "a@0x00000000000000000000000000000000000000aa", ACESO_EDENIED,
          "a@0x00000000000000000000000000000000000000aa" },
        { "a@b or self.1@0x00000000000000000000000000000000000000aa", ACESO_EDENIED,
          "self.1@0x00000000000000000000000000000000000000aa" },
    };
    static char huge[POLICY_TEXT_MAX + 2];
    struct aceso_abe_policy *policy = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct aceso_error error = { 0 };

        assert_int_equal(policy_parse(bad[i].text, &policy, &error), bad[i].code);
        assert_string_equal(error.place, bad[i].place);
        assert_true(error.text[0] != '\0');
    }
    memset(huge, '(', sizeof huge - 1);
    assert_int_equal(policy_parse(huge, &policy, NULL), ACESO_ELIMIT);
    huge[5000] = '\0';
    assert_int_not_equal(policy_parse(huge, &policy, NULL), ACESO_OK);
    assert_null(policy);
}

static void test_policy_for_level(void **state)
{
    static const char on[] = "on.2.0xaa01000000000000000000000000000000000000@hospital-a";
    static const char label[] = "0xaa01000000000000000000000000000000000000";
    struct aceso_abe_policy *a = NULL, *same = NULL, *made = NULL, *expected = NULL;
    uint8_t one[32], two[32];
    char text[1024];

    (void)state;
    assert_int_equal(policy_parse("  x@h or (y@h  and z@i)", &a, NULL), ACESO_OK);
    assert_int_equal(policy_parse("x@h or y@h and z@i", &same, NULL), ACESO_OK);
    policy_digest(a, one);
    policy_digest(same, two);
    assert_memory_equal(one, two, 32);
    keccak256(bytes_of_string(aceso_abe_policy_text(a)), two);
    assert_memory_equal(one, two, 32);
    for (unsigned level = 1; level <= 4; level++) {
        int len = snprintf(text, sizeof text, "%s%s%sgrant-%u.1@%s and %s and (x@h or y@h and z@i)",
                           level == 4 ? "self.1@" : "", level == 4 ? label : "",
                           level == 4 ? " or " : "", level, label, on);

        assert_int_equal(policy_for_level(a, level, testing_patient, "hospital-a", 1, 2, &made,
                                          NULL),
                         ACESO_OK);
        assert_int_equal(aceso_abe_policy_parse(text, (size_t)len, &expected, NULL), ACESO_ABE_OK);
        assert_string_equal(aceso_abe_policy_text(made), aceso_abe_policy_text(expected));
        aceso_abe_policy_free(made);
        aceso_abe_policy_free(expected);
    }
    assert_int_equal(policy_for_level(a, 0, testing_patient, "h", 1, 1, &made, NULL), ACESO_EUSAGE);
    assert_int_equal(policy_for_level(a, 5, testing_patient, "h", 1, 1, &made, NULL), ACESO_EUSAGE);
    aceso_abe_policy_free(a);
    aceso_abe_policy_free(same);
}

typedef int word_parse_fn(const char *text, unsigned *code, struct aceso_error *error);
typedef const char *word_name_fn(unsigned code);

static size_t words_round_trip(word_name_fn *name, word_parse_fn *parse, const char *otherwise)
{
    size_t found = 0;

    for (unsigned code = 0; code < 64; code++) {
        unsigned back = 77;

        if (strcmp(name(code), otherwise) == 0)
            continue;
        assert_int_equal(parse(name(code), &back, NULL), ACESO_OK);
        assert_int_equal(back, code);
        found++;
    }
    return found;
}

static void test_words(void **state)
{
    struct aceso_error error = { 0 };
    unsigned code = 77;

    (void)state;
    assert_int_equal(words_round_trip(level_name, level_parse, "none"), 4);
    assert_int_equal(words_round_trip(category_name, category_parse, "other"), 4);
    assert_int_equal(words_round_trip(purpose_name, purpose_parse, "other"), 12);
    assert_int_equal(level_parse("none", &code, NULL), ACESO_EUSAGE);
    assert_int_equal(level_parse("High", &code, NULL), ACESO_EUSAGE);
    assert_int_equal(category_parse("other", &code, &error), ACESO_EUSAGE);
    assert_string_equal(error.place, "category");
    assert_int_equal(purpose_parse("", &code, NULL), ACESO_EUSAGE);
    assert_int_equal(code, 77);
}

static void test_terms(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } good[] = { { "90s", 90 },     { "45m", 2700 },          { "12h", 43200 },
                 { "30d", 2592000 }, { "3650d", 315360000 }, { "315360000s", 315360000 } };
    static const char *const bad[] = { "",     "d",   "0d",  "-1d", "1",    "1w",  "3651d",
                                       "1.5d", " 1d", "1d ", "1 d", "0x1d",
                                       "99999999999999999999s" };
    uint64_t seconds = 77;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(term_parse(bad[i], &seconds, NULL), ACESO_EUSAGE);
    assert_int_equal(seconds, 77);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(term_parse(good[i].text, &seconds, NULL), ACESO_OK);
        assert_int_equal(seconds, good[i].seconds);
    }
}

/* The paper's Table I, read back as the contract does: four bits a category. */
static void test_levels_default(void **state)
{
    static const struct {
        unsigned category, level;
    } rows[] = { { 0, 0 },
                 { AMSC_CATEGORY_PHARMACY, 1 },
                 { AMSC_CATEGORY_INSURANCE, 2 },
                 { AMSC_CATEGORY_MEDICAL_SCHOOL, 3 },
                 { AMSC_CATEGORY_HOSPITAL, 4 },
                 { 31, 0 } };
    uint8_t word[32];

    (void)state;
    levels_default(word);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t byte = word[31 - rows[i].category / 2];

        assert_int_equal(rows[i].category % 2 ? byte >> 4 : byte & 15, rows[i].level);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealing),       cmocka_unit_test(test_sealing_limit),
        cmocka_unit_test(test_policy_errors), cmocka_unit_test(test_policy_for_level),
        cmocka_unit_test(test_words),         cmocka_unit_test(test_terms),
        cmocka_unit_test(test_levels_default),
    };

    return cmocka_run_group_tests_name("consent", tests, NULL, NULL);
}
