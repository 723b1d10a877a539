/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for plain text in what was stolen: what a curious operator or the thief of a disk finds
 * without any key. Uses fhir to know what to look for. */
#include "adversary.h"

#include "base/file.h"
#include "fhir/bundle.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEARCH_NEEDLES_MAX 96  /* of one bundle */
#define SEARCH_WORD_MIN 6      /* shorter words stand in random bytes and in ordinary names */
#define SEARCH_FILE_MAX ((size_t)2 << 30)

struct search {
    char needle[ATTACK_FILES_MAX * SEARCH_NEEDLES_MAX][96];
    size_t needles, room;
    bool found[ATTACK_FILES_MAX * SEARCH_NEEDLES_MAX];
};

static void search_add(struct search *search, const char *word)
{
    size_t len = word ? strlen(word) : 0;

    if (len < SEARCH_WORD_MIN || len >= sizeof search->needle[0] ||
        search->needles == search->room)
        return;
    for (size_t i = 0; i < search->needles; i++) {
        if (strcmp(search->needle[i], word) == 0)
            return;
    }
    memcpy(search->needle[search->needles++], word, len + 1);
}

/* Below Patient: names, numbers, addresses. Elsewhere: what codes mean. */
static void search_values(struct search *search, yyjson_val *value, bool patient, unsigned depth)
{
    static const char *const telling[] = { "value", "line", "birthDate" };
    yyjson_val *key, *item;
    size_t at, count;

    if (depth > JSON_DEPTH_MAX)
        return;
    yyjson_arr_foreach(value, at, count, item)
        search_values(search, item, patient, depth + 1);
    yyjson_obj_foreach(value, at, count, key, item)
    {
        const char *name = yyjson_get_str(key);
        yyjson_val *first = yyjson_is_arr(item) ? yyjson_arr_get_first(item) : item;

        for (size_t i = 0; patient && i < sizeof telling / sizeof telling[0]; i++) {
            if (strcmp(name, telling[i]) == 0)
                search_add(search, yyjson_get_str(first));
        }
        if (!patient && strcmp(name, "display") == 0)
            search_add(search, yyjson_get_str(item));
        search_values(search, item, patient, depth + 1);
    }
}

/* Names as a whole, as people and as JSON write them: a practitioner of the public directory may
 * share one of them. */
static void search_names(struct search *search, yyjson_val *patient)
{
    yyjson_val *name;
    size_t at, count;

    yyjson_arr_foreach(yyjson_obj_get(patient, "name"), at, count, name)
    {
        yyjson_val *given = yyjson_arr_get_first(yyjson_obj_get(name, "given"));
        const char *family = json_string_or(name, "family", "");
        const char *first = yyjson_is_str(given) ? yyjson_get_str(given) : "";
        char text[sizeof search->needle[0]];

        (void)snprintf(text, sizeof text, "%s %s", first, family);
        search_add(search, text);
        (void)snprintf(text, sizeof text, "\"%s\",\"given\":[\"%s\"", family, first);
        search_add(search, text);
    }
}

static int search_learn(struct search *search, const char *bundle, struct aceso_error *error)
{
    struct fhir_bundle *reader = NULL;
    struct fhir_entry entry;
    size_t begin = search->needles;
    int step = 0, code = fhir_bundle_open(bundle, NULL, &reader, error);

    search->room = begin + SEARCH_NEEDLES_MAX;
    while (!code && search->needles < search->room &&
           (step = fhir_bundle_next(reader, &entry, error)) == 1) {
        yyjson_doc *doc = NULL;
        yyjson_val *resource;
        const char *type;

        code = json_parse(entry.text, &doc, error);
        resource = yyjson_obj_get(yyjson_doc_get_root(doc), "resource");
        type = json_string_or(resource, "resourceType", "");
        search_add(search, json_string_or(resource, "id", NULL));
        if (strcmp(type, "Patient") == 0) {
            search_names(search, resource);
            search_values(search, resource, true, 0);
        }
        if (strcmp(type, "Condition") == 0) /* a requester's name is public */
            search_values(search, yyjson_obj_get(resource, "code"), false, 0);
        else if (strcmp(type, "MedicationRequest") == 0)
            search_values(search, yyjson_obj_get(resource, "medicationCodeableConcept"), false, 0);
        yyjson_doc_free(doc);
    }
    fhir_bundle_close(reader);
    if (!code && step < 0)
        code = step;
    return !code && search->needles == begin
               ? error_set(error, ACESO_EFORMAT, NULL, "a bundle has nothing to look for")
               : code;
}

static struct search *search_now; /* nftw passes no context */

static int search_file(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    struct buffer content = BUFFER_INIT(SEARCH_FILE_MAX);

    (void)status;
    (void)walk;
    if (type == FTW_F && S_ISREG(status->st_mode) && file_read(path, &content, NULL) == ACESO_OK) {
        for (size_t i = 0; i < search_now->needles; i++)
            search_now->found[i] =
                search_now->found[i] || (content.len && memmem(content.data, content.len,
                                                               search_now->needle[i],
                                                               strlen(search_now->needle[i])));
    }
    buffer_free(&content);
    return 0;
}

int search_bundles(struct attack *attack, const char *directory, uint64_t *needles,
                   uint64_t *found, struct aceso_error *error)
{
    struct search *search = calloc(1, sizeof *search);
    int code = search ? ACESO_OK : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    for (size_t i = 0; i < ATTACK_FILES_MAX && attack->in.bundle[i] && !code; i++)
        code = search_learn(search, attack->in.bundle[i], error);
    search_now = search;
    if (!code && nftw(directory, search_file, 16, FTW_PHYS) != 0)
        code = error_set(error, ACESO_EIO, directory, "cannot be searched");
    for (size_t i = 0; !code && i < search->needles; i++)
        *found += search->found[i];
    if (!code)
        *needles += search->needles;
    search_now = NULL;
    free(search);
    return code;
}
