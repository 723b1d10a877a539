/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/sensitive.h"

#include "fhir/tables.h"

#include <stdbool.h>
#include <string.h>

const char *fhir_category_name(uint32_t category)
{
    static const char *const names[] = {
        "hiv",      "reproductive", "substance", "mental", "psychotherapy", "violence",
        "genetic",  "adolescent",   "self-paid", "social", "restricted",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (category == (uint32_t)1 << i)
            return names[i];
    }
    return NULL;
}

static int sensitive_system(const char *system)
{
    for (size_t i = 0; i < fhir_systems_count; i++) {
        if (strcmp(fhir_systems[i].text, system) == 0)
            return (int)fhir_systems[i].value;
    }
    return -1;
}

/* The categories of the rule for `len` bytes of `code`, 0 where there is none. */
static uint32_t sensitive_find(const struct fhir_code_rule *rules, size_t count, int system,
                               const char *code, size_t len)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fhir_code_rule *rule = &rules[middle];
        int order = (int)rule->system - system;

        if (order == 0)
            order = strncmp(rule->code, code, len);
        if (order == 0 && rule->code[len] != '\0')
            order = 1;
        if (order == 0)
            return rule->categories;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static uint32_t sensitive_code(int system, const char *code)
{
    size_t len = strlen(code);
    uint32_t found = sensitive_find(fhir_codes, fhir_codes_count, system, code, len);

    for (size_t i = 1; i <= len && i <= 12; i++)
        found |= sensitive_find(fhir_prefixes, fhir_prefixes_count, system, code, i);
    return found;
}

static uint8_t sensitive_lower(char c)
{
    uint8_t byte = (uint8_t)c;

    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static bool sensitive_is_word(char c)
{
    uint8_t byte = sensitive_lower(c);

    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
}

static bool sensitive_matches(const struct fhir_word_rule *rule, const char *text, size_t len)
{
    if (len < rule->len)
        return false;
    for (size_t i = 0; i < rule->len; i++) {
        if (sensitive_lower(text[i]) != (uint8_t)rule->text[i])
            return false;
    }
    return !rule->whole || len == rule->len || !sensitive_is_word(text[rule->len]);
}

uint32_t fhir_sensitive_text(const char *text, size_t len)
{
    uint32_t found = 0;
    bool inside = false;

    for (size_t i = 0; text && i < len; i++) {
        bool begins = !inside && sensitive_is_word(text[i]);
        uint8_t first = sensitive_lower(text[i]);

        inside = sensitive_is_word(text[i]);
        for (size_t at = fhir_word_first[first]; begins && at < fhir_word_first[first + 1]; at++) {
            if (sensitive_matches(&fhir_words[at], text + i, len - i))
                found |= fhir_words[at].categories;
        }
    }
    return found;
}

uint32_t fhir_sensitive_coding(const char *system, const char *code, const char *display)
{
    uint32_t found = 0;
    int number = system ? sensitive_system(system) : -1;

    if (number >= 0 && code)
        found |= sensitive_code(number, code);
    if (display)
        found |= fhir_sensitive_text(display, strlen(display));
    return found;
}

uint32_t fhir_sensitive_label(const char *system, const char *code)
{
    static const char *const harmless[] = { "U", "L", "M", "N" };

    if (!code)
        return FHIR_CATEGORY_RESTRICTED;
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        if (system && strstr(system, "v3-Confidentiality") && strcmp(code, harmless[i]) == 0)
            return 0;
    }
    for (size_t i = 0; i < fhir_labels_count; i++) {
        if (strcmp(fhir_labels[i].text, code) == 0)
            return fhir_labels[i].value;
    }
    return FHIR_CATEGORY_RESTRICTED;
}
