/* SPDX-License-Identifier: Apache-2.0 */
/* Promises that hold of every bundle, checked on the samples in fixtures/, or, with the argument
 * `all`, on the Synthea bundles (.json or .json.gz) in the folder that the environment's
 * ACESO_SAMPLES names and in its folders. Without that it is skipped (exit code 77). */
#include "fhir/testing.h"

#include "base/text.h"

#include <dirent.h>
#include <sys/stat.h>

#define ID_LEN 36

struct sample {
    const char *path;
    struct fhir_index *index;
    yyjson_doc *patient;     /* as it came in */
    const char *words[64];   /* of the Patient: none may be below complete */
    size_t words_count;
    yyjson_doc **views[FHIR_LEVELS]; /* by entry number - 1; NULL where it does not appear */
    size_t count;
};

static void add_word(struct sample *sample, yyjson_val *value)
{
    const char *text = yyjson_get_str(value);

    if (text && strlen(text) >= 3 && sample->words_count < 64)
        sample->words[sample->words_count++] = text;
}

static void add_words(struct sample *sample, const char *array, const char *member)
{
    yyjson_val *items = yyjson_obj_get(sample->patient->root, array);
    yyjson_val *item, *inner;
    size_t i, j, max, many;

    yyjson_arr_foreach(items, i, max, item)
    {
        yyjson_val *value = yyjson_obj_get(item, member);

        add_word(sample, value);
        yyjson_arr_foreach(value, j, many, inner)
            add_word(sample, inner);
    }
}

static void collect_words(struct sample *sample)
{
    add_words(sample, "name", "family");
    add_words(sample, "name", "given");
    add_words(sample, "identifier", "value");
    add_words(sample, "telecom", "value");
    add_words(sample, "address", "line");
    add_words(sample, "extension", "valueString"); /* mother's maiden name */
    assert_true(sample->words_count > 4);
}

/* --- no name, number, street or id below complete --- */

static void search(const struct sample *sample, const char *text, int level)
{
    for (size_t i = 0; i < sample->words_count; i++) {
        if (strstr(text, sample->words[i]))
            fail_msg("%s: level %d: word %zu of the patient", sample->path, level, i);
    }
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < ID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]) || !text[i])
            return false;
    }
    return true;
}

static int order_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void search_ids(const struct sample *sample, const char *text, const char **ids,
                       size_t count)
{
    for (; *text; text++) {
        char id[ID_LEN + 1];
        const char *wanted = id;

        if (text[0] == '-' || strnlen(text, ID_LEN) < ID_LEN || !is_uuid(text))
            continue;
        memcpy(id, text, ID_LEN);
        id[ID_LEN] = '\0';
        if (bsearch(&wanted, ids, count, sizeof *ids, order_ids))
            fail_msg("%s: a resource's id is below complete", sample->path);
    }
}

/* Every string, and what it is as base64. */
static void search_strings(const struct sample *sample, yyjson_doc *doc, int level)
{
    size_t count = yyjson_doc_get_val_count(doc);

    for (size_t i = 0; i < count; i++) {
        struct buffer plain = BUFFER_INIT(BUFFER_MAX_DEFAULT);
        yyjson_val *value = doc->root + i;

        if (!yyjson_is_str(value))
            continue;
        search(sample, yyjson_get_str(value), level);
        if (yyjson_get_len(value) >= 16 &&
            text_unbase64(yyjson_get_str(value), yyjson_get_len(value), &plain) == ACESO_OK)
            search(sample, buffer_text(&plain), level);
        buffer_free(&plain);
    }
}

static const char *const forbidden[] = {
    "div", "valueString", "presentedForm", "data", "note", "conclusion", "telecom", "line",
    "city", "subscriberId", "attachment",
};

static void search_keys(const struct sample *sample, yyjson_doc *doc, int level)
{
    size_t count = yyjson_doc_get_val_count(doc);

    for (size_t i = 0; i < count; i++) {
        yyjson_val *key, *value;
        size_t j, max;

        yyjson_obj_foreach(doc->root + i, j, max, key, value)
        {
            for (size_t k = 0; k < sizeof forbidden / sizeof forbidden[0]; k++) {
                if (yyjson_equals_str(key, forbidden[k]))
                    fail_msg("%s: level %d: %s", sample->path, level, forbidden[k]);
            }
        }
    }
}

/* --- each view is within the next one --- */

static bool is_within(yyjson_val *lower, yyjson_val *upper, bool patient);

/* Holes are closed: what is left of an array is there in its order. */
static bool is_array_within(yyjson_val *lower, yyjson_val *upper, bool patient)
{
    yyjson_val *wanted = yyjson_arr_get_first(lower), *item;
    size_t i, max, left = yyjson_arr_size(lower);

    yyjson_arr_foreach(upper, i, max, item)
    {
        if (left && is_within(wanted, item, patient)) {
            wanted = unsafe_yyjson_get_next(wanted);
            left--;
        }
    }
    return left == 0;
}

static bool is_object_within(yyjson_val *lower, yyjson_val *upper, bool patient)
{
    static const char *const derived[] = { "birthDate", "postalCode", "deceasedBoolean" };
    yyjson_val *key, *value;
    size_t i, max;

    yyjson_obj_foreach(lower, i, max, key, value)
    {
        const char *name = yyjson_get_str(key);
        bool skip = strcmp(name, "id") == 0 || strcmp(name, "reference") == 0;

        for (size_t k = 0; patient && k < sizeof derived / sizeof derived[0]; k++)
            skip = skip || strcmp(name, derived[k]) == 0;
        if (!skip && !is_within(value, yyjson_obj_get(upper, name), patient))
            return false;
    }
    return true;
}

static bool is_within(yyjson_val *lower, yyjson_val *upper, bool patient)
{
    if (!upper || yyjson_get_type(lower) != yyjson_get_type(upper))
        return false;
    if (yyjson_is_arr(lower))
        return is_array_within(lower, upper, patient);
    if (yyjson_is_obj(lower))
        return is_object_within(lower, upper, patient);
    if (yyjson_is_raw(lower))
        return strcmp(yyjson_get_raw(lower), yyjson_get_raw(upper)) == 0;
    return yyjson_equals(lower, upper);
}

/* --- references resolve within the view --- */

static void check_references(const struct sample *sample, yyjson_doc *doc, const char **names,
                             size_t names_count, int level)
{
    size_t count = yyjson_doc_get_val_count(doc);

    for (size_t i = 0; i < count; i++) {
        const char *text =
            yyjson_is_obj(doc->root + i)
                ? yyjson_get_str(yyjson_obj_get(doc->root + i, "reference"))
                : NULL;

        if (!text || text[0] == '#' || strchr(text, '?'))
            continue;
        if (!bsearch(&text, names, names_count, sizeof *names, order_ids))
            fail_msg("%s: level %d: a reference leads nowhere", sample->path, level);
    }
}

/* --- one bundle --- */

static yyjson_doc *parse_view(const struct buffer *view)
{
    yyjson_doc *doc = yyjson_read_opts((char *)view->data, view->len, FHIR_READ_FLAGS, NULL, NULL);

    assert_non_null(doc);
    assert_null(memchr(view->data, '\n', view->len));
    return doc;
}

static void keep_views(struct sample *sample, const struct fhir_entry *entry,
                       const struct fhir_views *views)
{
    struct fhir_resource resource;
    size_t at = entry->number - 1;

    for (size_t l = 0; l < FHIR_LEVELS; l++) {
        sample->views[l][at] = views->present[l] ? parse_view(&views->view[l]) : NULL;
        assert_true(views->present[l] ==
                    ((int)l + 1 >= fhir_index_summary(sample->index, entry->number).lowest));
    }
    /* Complete is the input, in order, with the text of its numbers. */
    assert_int_equal(fhir_resource_parse(entry, &resource, NULL), ACESO_OK);
    assert_true(is_within(resource.root, sample->views[3][at]->root, false));
    assert_true(is_within(sample->views[3][at]->root, resource.root, false));
    fhir_resource_free(&resource);
    if (views->present[3] && strstr(buffer_text(&views->view[3]), "\"resourceType\":\"Patient\"") &&
        strcmp(fhir_index_summary(sample->index, entry->number).type, "Patient") == 0)
        sample->patient = sample->views[3][at];
}

static void open_sample(struct sample *sample)
{
    struct fhir_bundle *bundle = NULL;
    struct fhir_views views;
    struct fhir_entry entry;

    sample->count = fhir_index_count(sample->index);
    for (size_t l = 0; l < FHIR_LEVELS; l++) {
        sample->views[l] = calloc(sample->count, sizeof *sample->views[l]);
        assert_non_null(sample->views[l]);
    }
    fhir_views_init(&views);
    assert_int_equal(fhir_bundle_open(sample->path, NULL, &bundle, NULL), ACESO_OK);
    while (fhir_bundle_next(bundle, &entry, NULL) == 1) {
        if (fhir_index_summary(sample->index, entry.number).directory)
            continue;
        assert_int_equal(
            fhir_views(sample->index, &entry, testing_pseudonym, NULL, &views, NULL), ACESO_OK);
        keep_views(sample, &entry, &views);
    }
    fhir_bundle_close(bundle);
    fhir_views_free(&views);
    assert_non_null(sample->patient);
    collect_words(sample);
}

static void check_level(const struct sample *sample, size_t l, const char **ids)
{
    const char **names = calloc(sample->count, sizeof *names);
    char(*text)[160] = calloc(sample->count, sizeof *text);
    size_t present = 0;

    assert_non_null(names);
    assert_non_null(text);
    for (size_t i = 0; i < sample->count; i++) {
        yyjson_val *root = sample->views[l][i] ? sample->views[l][i]->root : NULL;

        if (!root)
            continue;
        (void)snprintf(text[present], sizeof *text, "%s/%s",
                       yyjson_get_str(yyjson_obj_get(root, "resourceType")),
                       yyjson_get_str(yyjson_obj_get(root, "id")));
        names[present] = text[present];
        present++;
    }
    qsort(names, present, sizeof *names, order_ids);
    for (size_t i = 0; i < sample->count; i++) {
        yyjson_doc *doc = sample->views[l][i];
        struct buffer whole = BUFFER_INIT(BUFFER_MAX_DEFAULT);

        if (!doc)
            continue;
        assert_int_equal(fhir_write(doc->root, &whole), ACESO_OK);
        search_ids(sample, buffer_text(&whole), ids, sample->count);
        buffer_free(&whole);
        search_strings(sample, doc, (int)l + 1);
        search_keys(sample, doc, (int)l + 1);
        check_references(sample, doc, names, present, (int)l + 1);
        if (!is_within(doc->root, sample->views[l + 1][i]->root,
                       sample->views[3][i] == sample->patient))
            fail_msg("%s: entry %zu: level %zu is not within the next", sample->path, i + 1, l + 1);
    }
    free(text);
    free(names);
}

static size_t count_of(const struct sample *sample, size_t l, const char *type)
{
    size_t found = 0;

    for (size_t i = 0; i < sample->count; i++) {
        yyjson_doc *doc = sample->views[l][i];

        found += doc && yyjson_equals_str(yyjson_obj_get(doc->root, "resourceType"), type);
    }
    return found;
}

/* Whom a level must serve, and what it must not have at all. */
static void check_service(const struct sample *sample)
{
    static const struct {
        int level;
        const char *type;
    } never[] = {
        { FHIR_LOW, "Claim" },           { FHIR_LOW, "ExplanationOfBenefit" },
        { FHIR_LOW, "DiagnosticReport" }, { FHIR_MEDIUM, "DiagnosticReport" },
        { FHIR_LOW, "Provenance" },      { FHIR_MEDIUM, "Provenance" },
        { FHIR_HIGH, "Provenance" },
    };
    size_t records = fhir_index_records(sample->index), seen = 0;

    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_int_equal(count_of(sample, (size_t)never[i].level - 1, never[i].type), 0);
    for (size_t i = 0; i < sample->count; i++)
        seen += sample->views[3][i] != NULL;
    assert_int_equal(seen, records);
    for (size_t l = 0; l < 3; l++) {
        assert_int_equal(count_of(sample, l, "Patient"), 1);
        if (records > 100)
            assert_true(count_of(sample, l, "Condition") > 0);
        if (records > 100 && count_of(sample, 3, "MedicationRequest"))
            assert_true(count_of(sample, l, "MedicationRequest") > 0);
        if (l >= 1 && count_of(sample, 3, "Claim"))
            assert_true(count_of(sample, l, "Claim") > 0);
    }
    /* Laboratory values only from high on. */
    if (records > 500)
        assert_true(count_of(sample, 2, "Observation") > count_of(sample, 1, "Observation"));
}

static void check_sample(struct sample *sample)
{
    const char **ids;

    open_sample(sample);
    ids = calloc(sample->count, sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < sample->count; i++)
        ids[i] = fhir_index_summary(sample->index, i + 1).id;
    qsort(ids, sample->count, sizeof *ids, order_ids);
    for (size_t l = 0; l < 3; l++)
        check_level(sample, l, ids);
    check_service(sample);
    free(ids);
    for (size_t l = 0; l < FHIR_LEVELS; l++) {
        for (size_t i = 0; i < sample->count; i++)
            yyjson_doc_free(sample->views[l][i]);
        free(sample->views[l]);
    }
}

static void check_path(const char *path)
{
    struct sample sample = { .path = path };
    struct aceso_error error = { .code = 0 };

    if (fhir_index_build(path, NULL, &sample.index, &error))
        fail_msg("%s: %s", error.place, error.text);
    if (fhir_index_kind(sample.index) == FHIR_BUNDLE_PATIENT)
        check_sample(&sample);
    fhir_index_free(sample.index);
}

/* The three patients and the directory in fixtures/; the tests run in this folder. */
static void test_fixtures(void **state)
{
    (void)state;
    check_path("fixtures/adult.json");
    check_path("fixtures/plain.json");
    check_path("fixtures/deceased.json");
    check_path("fixtures/practitioners.json");
}

static size_t check_folder(const char *folder, int depth)
{
    DIR *directory = opendir(folder);
    struct dirent *item;
    size_t count = 0;

    while (directory && (item = readdir(directory)) != NULL) {
        char path[1024];
        struct stat status;
        bool fits = snprintf(path, sizeof path, "%s/%s", folder, item->d_name) < (int)sizeof path;

        if (item->d_name[0] == '.' || !fits || stat(path, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode) && depth > 0) {
            count += check_folder(path, depth - 1);
        } else if (strstr(item->d_name, ".json")) {
            check_path(path);
            count++;
        }
    }
    if (directory)
        (void)closedir(directory);
    return count;
}

static void test_all_samples(void **state)
{
    (void)state;
    assert_true(check_folder(getenv("ACESO_SAMPLES"), 2) > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest fixtures[] = { cmocka_unit_test(test_fixtures) };
    const struct CMUnitTest all[] = { cmocka_unit_test(test_all_samples) };

    if (argc < 2 || strcmp(argv[1], "all") != 0)
        return cmocka_run_group_tests(fixtures, NULL, NULL);
    if (!getenv("ACESO_SAMPLES")) {
        print_message("skipped: ACESO_SAMPLES names no folder of samples\n");
        return 77;
    }
    return cmocka_run_group_tests(all, NULL, NULL);
}
