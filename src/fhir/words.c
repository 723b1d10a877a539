/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_NODES_MAX 32768 /* 16 MiB of transitions; a usual patient takes 300 */
#define WORDS_LEAST 3         /* bytes; shorter ones are in every text */
#define WORDS_SHORT 6         /* below that a number counts only as a whole word, as a name does */
#define WORDS_LONG 64         /* of a longer one its beginning counts */

/* The automaton of Aho and Corasick, Communications of the ACM 18 (6), 1975: one step a byte,
 * whatever the words are. Node 0 is the root; while building, a transition to it says "none". */
struct node {
    uint16_t next[256];
    uint16_t fail;  /* the longest proper suffix that is a node */
    uint16_t names; /* the first of itself and its suffixes where a name ends; 0: none */
    uint8_t len;
    bool any;  /* a word ends here that counts anywhere */
    bool name; /* one that counts only as a whole word, and not in the display of a code */
};

struct fhir_words {
    struct node *node;
    size_t count;
    size_t capacity;
};

static uint8_t words_lower(char c)
{
    uint8_t byte = (uint8_t)c;

    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

/* Makes room for a node more. */
static int words_grow(struct fhir_words *words)
{
    size_t capacity = words->capacity ? 2 * words->capacity : 64;
    struct node *grown;

    if (words->count < words->capacity)
        return ACESO_OK;
    if (words->count >= WORDS_NODES_MAX)
        return ACESO_ELIMIT;
    grown = realloc(words->node, capacity * sizeof *grown);
    if (!grown)
        return ACESO_EMEMORY;
    words->node = grown;
    words->capacity = capacity;
    return ACESO_OK;
}

struct fhir_words *fhir_words_create(void)
{
    struct fhir_words *words = calloc(1, sizeof *words);

    if (words && words_grow(words)) {
        free(words);
        return NULL;
    }
    if (words)
        words->node[words->count++] = (struct node){ .len = 0 };
    return words;
}

void fhir_words_free(struct fhir_words *words)
{
    if (words)
        free(words->node);
    free(words);
}

static int words_add(struct fhir_words *words, const char *text, bool name)
{
    size_t len = text ? strlen(text) : 0, at = 0;

    if (len < WORDS_LEAST)
        return ACESO_OK;
    name = (name || len < WORDS_SHORT) && len <= WORDS_LONG;
    for (size_t i = 0; i < len && i < WORDS_LONG; i++) {
        uint8_t byte = words_lower(text[i]);
        int code = words_grow(words);

        if (code)
            return code;
        if (!words->node[at].next[byte]) {
            words->node[words->count] = (struct node){ .len = (uint8_t)(i + 1) };
            words->node[at].next[byte] = (uint16_t)words->count++;
        }
        at = words->node[at].next[byte];
    }
    words->node[at].name = words->node[at].name || name;
    words->node[at].any = words->node[at].any || !name;
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

/* Completes the transitions of node `at`, whose suffixes are complete, and puts its children into
 * the queue. Returns the queue's new end. */
static size_t words_complete(struct fhir_words *words, uint16_t at, uint16_t *queue, size_t end)
{
    struct node *node = &words->node[at];

    for (size_t byte = 0; byte < 256; byte++) {
        uint16_t beside = at ? words->node[node->fail].next[byte] : 0;
        struct node *child = &words->node[node->next[byte]];

        if (!node->next[byte]) {
            node->next[byte] = beside;
            continue;
        }
        child->fail = beside;
        child->any = child->any || words->node[beside].any;
        child->names = child->name ? node->next[byte] : words->node[beside].names;
        queue[end++] = node->next[byte];
    }
    return end;
}

int fhir_words_finish(struct fhir_words *words)
{
    uint16_t *queue = malloc(words->count * sizeof *queue);
    size_t end;

    if (!queue)
        return ACESO_EMEMORY;
    end = words_complete(words, 0, queue, 0);
    for (size_t i = 0; i < end; i++)
        end = words_complete(words, queue[i], queue, end);
    free(queue);
    return ACESO_OK;
}

static bool words_is_word(const char *text, size_t len, size_t at)
{
    uint8_t byte;

    if (at >= len)
        return false;
    byte = words_lower(text[at]);
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
}

/* True where one of the names that end before `end` begins a word. */
static bool words_name_ends(const struct fhir_words *words, uint16_t at, const char *text,
                            size_t len, size_t end)
{
    if (words_is_word(text, len, end))
        return false;
    for (at = words->node[at].names; at; at = words->node[words->node[at].fail].names) {
        size_t from = end - words->node[at].len;

        if (from == 0 || !words_is_word(text, len, from - 1))
            return true;
    }
    return false;
}

bool fhir_words_in(const struct fhir_words *words, const char *text, size_t len, bool coded)
{
    uint16_t at = 0;

    for (size_t i = 0; i < len; i++) {
        at = words->node[at].next[words_lower(text[i])];
        if (words->node[at].any)
            return true;
        if (!coded && words->node[at].names && words_name_ends(words, at, text, len, i + 1))
            return true;
    }
    return false;
}
