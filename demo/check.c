/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at what came out, from outside: against the bundle that went in. */
#include "demo.h"

#include "base/file.h"
#include "base/json.h"
#include "fhir/index.h"
#include "fhir/ndjson.h"
#include "fhir/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_MAX ((size_t)1 << 30)
#define CHECK_WORD_MIN 5 /* shorter ones stand in ordinary words */

/* Only view 4 is looked at, which has none. */
static int check_pseudonym(void *context, struct bytes type, struct bytes id,
                           char out[FHIR_PSEUDONYM_MAX + 1], struct aceso_error *error)
{
    (void)context;
    (void)type;
    (void)id;
    (void)error;
    (void)snprintf(out, FHIR_PSEUDONYM_MAX + 1, "none");
    return ACESO_OK;
}

struct check {
    struct fhir_index *index;
    struct fhir_bundle *bundle;
    struct fhir_views views;
    struct buffer lines;
};

static int check_begin(struct check *check, const char *bundle, const char *ndjson,
                       struct aceso_error *error)
{
    int code;

    memset(check, 0, sizeof *check);
    check->lines = (struct buffer)BUFFER_INIT(CHECK_MAX);
    fhir_views_init(&check->views);
    code = file_read(ndjson, &check->lines, error);
    if (!code)
        code = fhir_index_build(bundle, NULL, &check->index, error);
    if (!code)
        code = fhir_bundle_open(bundle, NULL, &check->bundle, error);
    return code;
}

static void check_end(struct check *check)
{
    fhir_views_free(&check->views);
    fhir_bundle_close(check->bundle);
    fhir_index_free(check->index);
    buffer_free(&check->lines);
}

int check_equal(const char *bundle, const char *ndjson, size_t *records,
                struct aceso_error *error)
{
    struct check check;
    struct fhir_entry entry;
    struct bytes rest, line;
    size_t count = 0;
    int step = 0, code = check_begin(&check, bundle, ndjson, error);

    rest = buffer_bytes(&check.lines);
    while (!code && (step = fhir_bundle_next(check.bundle, &entry, error)) == 1) {
        if (fhir_index_summary(check.index, entry.number).directory)
            continue;
        code = fhir_views(check.index, &entry, check_pseudonym, NULL, &check.views, error);
        if (!code && (!fhir_ndjson_next(&rest, &line) ||
                      !bytes_equal(line, buffer_bytes(&check.views.view[FHIR_LEVELS - 1]))))
            code = error_set(error, ACESO_EVERIFY, NULL, "record %zu is not what went in",
                             count + 1);
        count++;
    }
    if (!code && step < 0)
        code = step;
    if (!code && fhir_ndjson_next(&rest, &line))
        code = error_set(error, ACESO_EVERIFY, NULL, "there are more records than went in");
    if (!code)
        *records = count;
    check_end(&check);
    return code;
}

static bool check_contains(struct bytes text, const char *word)
{
    return strlen(word) >= CHECK_WORD_MIN &&
           memmem(text.data, text.len, word, strlen(word)) != NULL;
}

/* Every string below one member of Patient. */
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

static int check_patient(struct bytes text, const struct fhir_entry *entry,
                         struct aceso_error *error)
{
    static const char *const members[] = { "name", "identifier", "telecom", "address" };
    yyjson_doc *doc = NULL;
    yyjson_val *patient;
    int code = json_parse(entry->text, &doc, error);

    patient = yyjson_obj_get(yyjson_doc_get_root(doc), "resource");
    for (size_t i = 0; i < sizeof members / sizeof members[0] && !code; i++)
        code = check_words(text, yyjson_obj_get(patient, members[i]), error);
    yyjson_doc_free(doc);
    return code;
}

int check_hidden(const char *bundle, const char *ndjson, struct aceso_error *error)
{
    struct check check;
    struct fhir_entry entry;
    int step = 0, code = check_begin(&check, bundle, ndjson, error);

    while (!code && (step = fhir_bundle_next(check.bundle, &entry, error)) == 1) {
        if (strcmp(fhir_index_summary(check.index, entry.number).type, "Patient") == 0)
            code = check_patient(buffer_bytes(&check.lines), &entry, error);
    }
    if (!code && step < 0)
        code = step;
    check_end(&check);
    return code;
}
