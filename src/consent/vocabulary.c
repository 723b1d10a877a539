/* SPDX-License-Identifier: Apache-2.0 */
#include "consent/vocabulary.h"

#include "base/text.h"
#include "contracts_abi.h"

#include <stdio.h>
#include <string.h>

struct word {
    const char *text;
    unsigned code;
};

static const struct word levels[] = { { "low", 1 }, { "medium", 2 }, { "high", 3 },
                                      { "complete", 4 } };

static const struct word categories[] = {
    { "pharmacy", AMSC_CATEGORY_PHARMACY },
    { "insurance", AMSC_CATEGORY_INSURANCE },
    { "medical-school", AMSC_CATEGORY_MEDICAL_SCHOOL },
    { "hospital", AMSC_CATEGORY_HOSPITAL },
};

static const struct word purposes[] = {
    { "TREAT", ARSC_PURPOSE_TREAT },       { "HPAYMT", ARSC_PURPOSE_HPAYMT },
    { "HOPERAT", ARSC_PURPOSE_HOPERAT },   { "HRESCH", ARSC_PURPOSE_HRESCH },
    { "PATRQT", ARSC_PURPOSE_PATRQT },     { "ETREAT", ARSC_PURPOSE_ETREAT },
    { "PUBHLTH", ARSC_PURPOSE_PUBHLTH },   { "CAREMGT", ARSC_PURPOSE_CAREMGT },
    { "HMARKT", ARSC_PURPOSE_HMARKT },     { "FAMRQT", ARSC_PURPOSE_FAMRQT },
    { "COVERAGE", ARSC_PURPOSE_COVERAGE }, { "CLINTRCH", ARSC_PURPOSE_CLINTRCH },
};

#define COUNT(words) (sizeof(words) / sizeof(words)[0])

static const char *word_of(const struct word *words, size_t count, unsigned code,
                           const char *otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].code == code)
            return words[i].text;
    }
    return otherwise;
}

static int word_parse(const struct word *words, size_t count, const char *text, const char *what,
                      unsigned *code, struct aceso_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].text, text) == 0) {
            *code = words[i].code;
            return ACESO_OK;
        }
    }
    return error_set(error, ACESO_EUSAGE, what, "there is no such %s", what);
}

const char *level_name(unsigned level)
{
    return word_of(levels, COUNT(levels), level, "none");
}

int level_parse(const char *text, unsigned *level, struct aceso_error *error)
{
    return word_parse(levels, COUNT(levels), text, "level", level, error);
}

int level_or_none_parse(const char *text, unsigned *level, struct aceso_error *error)
{
    if (strcmp(text, "none") != 0)
        return level_parse(text, level, error);
    *level = 0;
    return ACESO_OK;
}

const char *category_name(unsigned category)
{
    return word_of(categories, COUNT(categories), category, "other");
}

int category_parse(const char *text, unsigned *category, struct aceso_error *error)
{
    return word_parse(categories, COUNT(categories), text, "category", category, error);
}

const char *purpose_name(unsigned purpose)
{
    return word_of(purposes, COUNT(purposes), purpose, "other");
}

int purpose_parse(const char *text, unsigned *purpose, struct aceso_error *error)
{
    return word_parse(purposes, COUNT(purposes), text, "purpose", purpose, error);
}

int term_parse(const char *text, uint64_t *seconds, struct aceso_error *error)
{
    static const struct word units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
    const uint64_t max = (uint64_t)3650 * 86400;
    char digits[16];
    size_t length = strlen(text);
    uint64_t number = 0;

    for (size_t i = 0; i < COUNT(units); i++) {
        if (length < 2 || length > sizeof digits || text[length - 1] != units[i].text[0])
            continue;
        (void)snprintf(digits, sizeof digits, "%.*s", (int)(length - 1), text);
        if (text_u64(digits, max / units[i].code, &number) == ACESO_OK && number > 0) {
            *seconds = number * units[i].code;
            return ACESO_OK;
        }
    }
    return error_set(error, ACESO_EUSAGE, "term", "not a time such as 30d, 12h, 45m (ten years)");
}

void levels_default(uint8_t word[32])
{
    memset(word, 0, 32);
    word[31] = 1 << 4;     /* category 1: low; category 0 has nothing */
    word[30] = 2 | 3 << 4; /* category 2: medium, 3: high */
    word[29] = 4;          /* category 4: complete */
}

/* One "category=level" of a table. */
static int levels_parse_one(const char *text, size_t length, unsigned *category, unsigned *level,
                            struct aceso_error *error)
{
    char entry[64], *equal;
    int code;

    if (length >= sizeof entry)
        return error_set(error, ACESO_EUSAGE, "levels", "an entry is too long");
    memcpy(entry, text, length);
    entry[length] = '\0';
    equal = strchr(entry, '=');
    if (!equal)
        return error_set(error, ACESO_EUSAGE, "levels", "'%s' is not CATEGORY=LEVEL", entry);
    *equal = '\0';
    code = category_parse(entry, category, error);
    if (!code)
        code = level_or_none_parse(equal + 1, level, error);
    return code ? error_at(error, code, "levels") : ACESO_OK;
}

int levels_parse(const char *text, uint8_t out[32], struct aceso_error *error)
{
    uint8_t word[32] = { 0 };
    uint32_t named = 0;

    for (;;) {
        size_t length = strcspn(text, ",");
        unsigned category = 0, level = 0, shift;
        int code = levels_parse_one(text, length, &category, &level, error);

        if (code)
            return code;
        if (named >> category & 1)
            return error_set(error, ACESO_EUSAGE, "levels", "%s stands there twice",
                             category_name(category));
        named |= (uint32_t)1 << category;
        shift = category % 2 * 4;
        word[31 - category / 2] = (uint8_t)(word[31 - category / 2] | level << shift);
        if (!text[length])
            break;
        text += length + 1;
    }
    memcpy(out, word, 32);
    return ACESO_OK;
}
