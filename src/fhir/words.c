/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 1024
#define WORDS_LEAST 3 /* bytes; shorter ones are in every text */

struct word {
    char *text; /* small letters (ASCII) */
    size_t len;
    bool name; /* a single name: only as a whole word, and not in the display of a code */
};

struct fhir_words {
    struct word *word;
    size_t count;
    size_t capacity;
    uint16_t first[257]; /* sorted by first byte: word[first[b]..first[b + 1]] begin with b */
};

static uint8_t words_lower(char c)
{
    uint8_t byte = (uint8_t)c;

    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

struct fhir_words *fhir_words_create(void)
{
    return calloc(1, sizeof(struct fhir_words));
}

void fhir_words_free(struct fhir_words *words)
{
    if (!words)
        return;
    for (size_t i = 0; i < words->count; i++)
        free(words->word[i].text);
    free(words->word);
    free(words);
}

static int words_add(struct fhir_words *words, const char *text, bool name)
{
    struct word word = { .len = text ? strlen(text) : 0, .name = name };

    if (word.len < WORDS_LEAST)
        return ACESO_OK;
    for (size_t i = 0; i < words->count; i++) {
        const struct word *old = &words->word[i];

        if (old->name == name && old->len == word.len && strcasecmp(old->text, text) == 0)
            return ACESO_OK;
    }
    if (words->count == WORDS_MAX)
        return ACESO_ELIMIT;
    if (words->count == words->capacity) {
        size_t capacity = words->capacity ? 2 * words->capacity : 32;
        struct word *grown = realloc(words->word, capacity * sizeof *grown);

        if (!grown)
            return ACESO_EMEMORY;
        words->word = grown;
        words->capacity = capacity;
    }
    word.text = malloc(word.len + 1);
    if (!word.text)
        return ACESO_EMEMORY;
    for (size_t i = 0; i <= word.len; i++)
        word.text[i] = (char)words_lower(text[i]);
    words->word[words->count++] = word;
    return ACESO_OK;
}

static const char *words_member(yyjson_val *object, const char *name)
{
    return yyjson_get_str(yyjson_obj_get(object, name));
}

/* The strings of `object.name`, one or an array of them. */
static int words_add_strings(struct fhir_words *words, yyjson_val *object, const char *name,
                             bool single)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    yyjson_val *item;
    size_t i, max;
    int code = words_add(words, yyjson_get_str(value), single);

    yyjson_arr_foreach(value, i, max, item)
    {
        if (!code)
            code = words_add(words, yyjson_get_str(item), single);
    }
    return code;
}

static int words_add_name(struct fhir_words *words, yyjson_val *name)
{
    const char *family = words_member(name, "family");
    yyjson_val *given;
    size_t i, max;
    int code = words_add_strings(words, name, "text", false);

    if (!code)
        code = words_add_strings(words, name, "family", true);
    if (!code)
        code = words_add_strings(words, name, "given", true);
    yyjson_arr_foreach(yyjson_obj_get(name, "given"), i, max, given)
    {
        char whole[256];

        if (code || !family || !yyjson_is_str(given))
            continue;
        if ((size_t)snprintf(whole, sizeof whole, "%s %s", yyjson_get_str(given), family) <
            sizeof whole)
            code = words_add(words, whole, false);
    }
    return code;
}

static int words_add_address(struct fhir_words *words, yyjson_val *address)
{
    int code = words_add_strings(words, address, "line", false);

    return code ? code : words_add_strings(words, address, "text", false);
}

static int words_add_value(struct fhir_words *words, yyjson_val *one)
{
    return words_add_strings(words, one, "value", false);
}

static int words_each(struct fhir_words *words, yyjson_val *values,
                      int (*add)(struct fhir_words *, yyjson_val *))
{
    yyjson_val *item;
    size_t i, max;
    int code = yyjson_is_obj(values) ? add(words, values) : ACESO_OK;

    yyjson_arr_foreach(values, i, max, item)
    {
        if (!code)
            code = add(words, item);
    }
    return code;
}

static int words_add_contact(struct fhir_words *words, yyjson_val *contact)
{
    int code = words_each(words, yyjson_obj_get(contact, "name"), words_add_name);

    if (!code)
        code = words_each(words, yyjson_obj_get(contact, "telecom"), words_add_value);
    if (!code)
        code = words_each(words, yyjson_obj_get(contact, "address"), words_add_address);
    return code;
}

static int words_add_maiden_name(struct fhir_words *words, yyjson_val *extension)
{
    const char *url = words_member(extension, "url");

    if (!url || !strstr(url, "mothersMaidenName"))
        return ACESO_OK;
    return words_add(words, words_member(extension, "valueString"), false);
}

int fhir_words_add_person(struct fhir_words *words, yyjson_val *person)
{
    const char *birth = words_member(person, "birthDate");
    int code = words_add_contact(words, person);

    if (!code)
        code = words_each(words, yyjson_obj_get(person, "identifier"), words_add_value);
    if (!code)
        code = words_each(words, yyjson_obj_get(person, "contact"), words_add_contact);
    if (!code)
        code = words_each(words, yyjson_obj_get(person, "extension"), words_add_maiden_name);
    /* A year alone is no birth date, and stands in many texts. */
    if (!code && birth && strlen(birth) == 10)
        code = words_add(words, birth, false);
    return code;
}

static int words_order(const void *a, const void *b)
{
    return strcmp(((const struct word *)a)->text, ((const struct word *)b)->text);
}

void fhir_words_finish(struct fhir_words *words)
{
    size_t at = 0;

    if (words->count)
        qsort(words->word, words->count, sizeof *words->word, words_order);
    for (unsigned byte = 0; byte <= 256; byte++) {
        while (at < words->count && (uint8_t)words->word[at].text[0] < byte)
            at++;
        words->first[byte] = (uint16_t)at;
    }
}

static bool words_is_word(const char *text, size_t len, size_t at)
{
    uint8_t byte;

    if (at >= len)
        return false;
    byte = words_lower(text[at]);
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
}

static bool words_matches(const struct word *word, const char *text, size_t len, size_t at)
{
    if (len - at < word->len)
        return false;
    for (size_t i = 0; i < word->len; i++) {
        if (words_lower(text[at + i]) != (uint8_t)word->text[i])
            return false;
    }
    if (!word->name)
        return true;
    return (at == 0 || !words_is_word(text, len, at - 1)) &&
           !words_is_word(text, len, at + word->len);
}

bool fhir_words_in(const struct fhir_words *words, const char *text, size_t len, bool coded)
{
    for (size_t at = 0; at < len; at++) {
        uint8_t byte = words_lower(text[at]);

        for (size_t i = words->first[byte]; i < words->first[byte + 1u]; i++) {
            const struct word *word = &words->word[i];

            if (!(coded && word->name) && words_matches(word, text, len, at))
                return true;
        }
    }
    return false;
}
