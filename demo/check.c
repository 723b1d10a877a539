/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/file.h"
#include "compare.h"
#include "fhir/index.h"
#include "fhir/ndjson.h"

#include <string.h>

#define CHECK_MAX ((size_t)2 << 30)
#define CHECK_WORD_MIN 5 /* shorter ones stand in ordinary words */

static int check_fails(struct aceso_error *error, const char *words, size_t number)
{
    return error_set(error, ACESO_EVERIFY, NULL, "record %zu %s", number, words);
}

/* ---- equal ------------------------------------------------------------------------------- */

int check_equal(const char *bundle, const char *ndjson, struct aceso_error *error)
{
    struct resources whole = { 0 }, read = { 0 };
    int code = resources_of_bundle(bundle, &whole, error);

    if (!code)
        code = resources_of_ndjson(ndjson, &read, error);
    for (size_t i = 0; i < whole.count && i < read.count && !code; i++) {
        if (!compare_equal(whole.resource[i], read.resource[i]))
            code = check_fails(error, "is not what went in", i + 1);
    }
    if (!code && whole.count != read.count)
        code = error_set(error, ACESO_EVERIFY, NULL, "%zu records went in, %zu came back",
                         whole.count, read.count);
    resources_free(&whole);
    resources_free(&read);
    return code;
}

/* ---- hidden ------------------------------------------------------------------------------ */

static bool check_contains(struct bytes text, const char *word)
{
    return strlen(word) >= CHECK_WORD_MIN &&
           memmem(text.data, text.len, word, strlen(word)) != NULL;
}

/* Every telling string below one member of Patient. */
static int check_words(struct bytes text, yyjson_val *value, struct aceso_error *error)
{
    yyjson_val *key, *item;
    size_t at, count;
    int code = ACESO_OK;

    if (yyjson_is_str(value) && check_contains(text, yyjson_get_str(value)))
        return error_set(error, ACESO_EVERIFY, NULL, "it names the patient");
    yyjson_arr_foreach(value, at, count, item)
    {
        if (!code)
            code = check_words(text, item, error);
    }
    yyjson_obj_foreach(value, at, count, key, item)
    {
        const char *name = yyjson_get_str(key);

        if (!code && (strcmp(name, "value") == 0 || strcmp(name, "line") == 0 ||
                      strcmp(name, "family") == 0 || strcmp(name, "given") == 0))
            code = check_words(text, item, error);
    }
    return code;
}

int check_hidden(const char *bundle, const char *ndjson, struct aceso_error *error)
{
    static const char *const members[] = { "name", "identifier", "telecom", "address" };
    struct resources whole = { 0 };
    struct buffer text = BUFFER_INIT(CHECK_MAX);
    int code = resources_of_bundle(bundle, &whole, error);

    if (!code)
        code = file_read(ndjson, &text, error);
    for (size_t i = 0; i < whole.count && !code; i++) {
        if (strcmp(resource_type(whole.resource[i]), "Patient") != 0)
            continue;
        for (size_t j = 0; j < sizeof members / sizeof members[0] && !code; j++)
            code = check_words(buffer_bytes(&text), yyjson_obj_get(whole.resource[i], members[j]),
                               error);
    }
    resources_free(&whole);
    buffer_free(&text);
    return code;
}

/* ---- absent ------------------------------------------------------------------------------ */

/* Whether a member that only the highest level may have is anywhere below. */
static bool check_holds(yyjson_val *value, const char *inside)
{
    yyjson_val *key, *item;
    size_t at, count;

    yyjson_arr_foreach(value, at, count, item)
    {
        if (check_holds(item, inside))
            return true;
    }
    yyjson_obj_foreach(value, at, count, key, item)
    {
        const char *name = yyjson_get_str(key);

        if ((strcmp(inside, "text") == 0 && strcmp(name, "div") == 0) ||
            strcmp(name, "data") == 0 || check_holds(item, name))
            return true;
    }
    return false;
}

static const char *check_forbidden(yyjson_val *resource, unsigned rank)
{
    const char *type = resource_type(resource);

    if (strcmp(type, "Provenance") == 0)
        return "is a Provenance";
    if (rank < 2 && (strcmp(type, "Claim") == 0 || strcmp(type, "ExplanationOfBenefit") == 0))
        return "is a claim";
    if (strcmp(type, "Observation") == 0) {
        if (rank < 3 && resource_has_category(resource, "laboratory"))
            return "is a laboratory value";
        if (resource_has_category(resource, "social-history") ||
            resource_has_category(resource, "survey"))
            return "is social history or a survey";
    }
    return check_holds(resource, "") ? "has a narrative or an attachment" : NULL;
}

int check_absent(const char *ndjson, unsigned rank, struct aceso_error *error)
{
    struct resources read = { 0 };
    int code = resources_of_ndjson(ndjson, &read, error);

    for (size_t i = 0; i < read.count && !code; i++) {
        const char *why = check_forbidden(read.resource[i], rank);

        if (why)
            code = check_fails(error, why, i + 1);
    }
    resources_free(&read);
    return code;
}

/* ---- present ----------------------------------------------------------------------------- */

/* What is counted: a type; for an Observation those of the laboratory that have a quantity. */
static bool check_counts(yyjson_val *resource, const char *type)
{
    if (strcmp(resource_type(resource), type) != 0)
        return false;
    if (strcmp(type, "Observation") == 0)
        return resource_has_category(resource, "laboratory") &&
               yyjson_obj_get(resource, "valueQuantity");
    return strcmp(type, "Condition") != 0 || yyjson_obj_get(resource, "code");
}

/* The bundle's resources that appear at this level, as the index classified them. */
static size_t check_expected(const struct fhir_index *index, const struct resources *whole,
                             const char *type, unsigned rank)
{
    size_t at = 0, count = 0;

    for (size_t i = 1; i <= fhir_index_count(index); i++) {
        struct fhir_summary summary = fhir_index_summary(index, i);

        if (summary.directory)
            continue;
        if (at < whole->count && check_counts(whole->resource[at], type) &&
            summary.lowest <= (int)rank)
            count++;
        at++;
    }
    return count;
}

static int check_present_at(const struct fhir_index *index, const struct resources *whole,
                            const char *ndjson, unsigned rank, struct aceso_error *error)
{
    static const char *const types[3][2] = { { "Condition", "MedicationRequest" },
                                             { "Condition", "Claim" },
                                             { "Condition", "Observation" } };
    struct resources read = { 0 };
    int code = resources_of_ndjson(ndjson, &read, error);

    for (size_t t = 0; t < 2 && !code; t++) {
        const char *type = types[rank - 1][t];
        size_t found = 0, expected = check_expected(index, whole, type, rank);

        for (size_t i = 0; i < read.count; i++)
            found += check_counts(read.resource[i], type) ? 1 : 0;
        if (found != expected)
            code = error_set(error, ACESO_EVERIFY, NULL, "%zu of %zu %s", found, expected, type);
    }
    resources_free(&read);
    return code;
}

int check_present(const char *bundle, const char *const ndjson[3], struct aceso_error *error)
{
    struct resources whole = { 0 };
    struct fhir_index *index = NULL;
    int code = resources_of_bundle(bundle, &whole, error);

    if (!code)
        code = fhir_index_build(bundle, NULL, &index, error);
    for (unsigned rank = 1; rank <= 3 && !code; rank++)
        code = check_present_at(index, &whole, ndjson[rank - 1], rank, error);
    fhir_index_free(index);
    resources_free(&whole);
    return code;
}

/* ---- within ------------------------------------------------------------------------------ */

int check_within(const char *lower, const char *higher, bool renamed, struct aceso_error *error)
{
    struct resources low = { 0 }, high = { 0 };
    size_t at = 0;
    int code = resources_of_ndjson(lower, &low, error);

    if (!code)
        code = resources_of_ndjson(higher, &high, error);
    for (size_t i = 0; i < low.count && !code; i++) {
        while (at < high.count && !compare_within(low.resource[i], high.resource[at], renamed))
            at++;
        if (at++ == high.count)
            code = check_fails(error, "says more than the higher level's", i + 1);
    }
    resources_free(&low);
    resources_free(&high);
    return code;
}

/* ---- the rest ---------------------------------------------------------------------------- */

int check_same(const char *left, const char *right, struct aceso_error *error)
{
    struct buffer a = BUFFER_INIT(CHECK_MAX), b = BUFFER_INIT(CHECK_MAX);
    int code = file_read(left, &a, error);

    if (!code)
        code = file_read(right, &b, error);
    if (!code && !bytes_equal(buffer_bytes(&a), buffer_bytes(&b)))
        code = error_set(error, ACESO_EVERIFY, NULL, "it is not what it was");
    buffer_free(&a);
    buffer_free(&b);
    return code;
}

size_t check_count(const char *ndjson)
{
    struct buffer text = BUFFER_INIT(CHECK_MAX);
    struct bytes rest, line;
    size_t count = 0;

    if (file_read(ndjson, &text, NULL) == ACESO_OK) {
        rest = buffer_bytes(&text);
        while (fhir_ndjson_next(&rest, &line))
            count++;
    }
    buffer_free(&text);
    return count;
}
