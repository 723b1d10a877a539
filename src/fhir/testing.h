/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this folder share: a pseudonym, bundles from texts, views of all records. */
#ifndef ACESO_FHIR_TESTING_H
#define ACESO_FHIR_TESTING_H

#include "fhir/check.h"
#include "fhir/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TESTING_PATIENT                                                                            \
    "{\"resourceType\":\"Patient\",\"id\":\"patient-0001\",\"gender\":\"female\"}"

/* "p" and a number that depends on type and id: enough to see that references meet. */
static inline int testing_pseudonym(void *context, struct bytes type, struct bytes id,
                                    char out[FHIR_PSEUDONYM_MAX + 1], struct aceso_error *error)
{
    uint64_t hash = 14695981039346656037u;

    (void)context;
    (void)error;
    for (size_t i = 0; i < type.len; i++)
        hash = (hash ^ type.data[i]) * 1099511628211u;
    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ id.data[i]) * 1099511628211u;
    (void)snprintf(out, FHIR_PSEUDONYM_MAX + 1, "p%016llx", (unsigned long long)hash);
    return ACESO_OK;
}

/* A collection of the given resources' JSON, each with the fullUrl urn:uuid:<number from 1>. */
static inline void testing_bundle(struct buffer *out, const char *const *resources, size_t count)
{
    (void)buffer_put_string(out,
                            "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[");
    for (size_t i = 0; i < count; i++)
        (void)buffer_printf(out, "%s\n{\"fullUrl\":\"urn:uuid:%zu\",\"resource\":%s}", i ? "," : "",
                            i + 1, resources[i]);
    (void)buffer_put_string(out, "\n]}");
    assert_int_equal(out->failed, ACESO_OK);
}

/* The views of every record of a bundle; freed with testing_free. */
struct testing_views {
    struct fhir_index *index;
    size_t count;
    struct fhir_views *views; /* by number - 1; empty for directory resources */
};

static inline void testing_open(struct bytes bundle, struct testing_views *out)
{
    struct aceso_error error = { .code = 0 };
    struct fhir_bundle *reader = NULL;
    struct fhir_entry entry;
    int code = fhir_index_build_bytes(bundle, "test.json", &out->index, &error);

    if (code)
        print_message("# %s: %s\n", error.place, error.text);
    assert_int_equal(code, ACESO_OK);
    out->count = fhir_index_count(out->index);
    out->views = calloc(out->count, sizeof *out->views);
    assert_non_null(out->views);
    assert_int_equal(fhir_bundle_open_bytes(bundle, "test.json", &reader, &error), ACESO_OK);
    while ((code = fhir_bundle_next(reader, &entry, &error)) == 1) {
        struct fhir_views *views = &out->views[entry.number - 1];

        if (fhir_index_summary(out->index, entry.number).directory)
            continue;
        fhir_views_init(views);
        code = fhir_views(out->index, &entry, testing_pseudonym, NULL, views, &error);
        if (code)
            print_message("# %s: %s\n", error.place, error.text);
        assert_int_equal(code, ACESO_OK);
    }
    assert_int_equal(code, 0);
    fhir_bundle_close(reader);
}

static inline void testing_free(struct testing_views *views)
{
    for (size_t i = 0; i < views->count; i++)
        fhir_views_free(&views->views[i]);
    free(views->views);
    fhir_index_free(views->index);
}

static inline void testing_open_all(const char *const *resources, size_t count,
                                    struct testing_views *out)
{
    struct buffer bundle = BUFFER_INIT(BUFFER_MAX_DEFAULT);

    testing_bundle(&bundle, resources, count);
    testing_open(buffer_bytes(&bundle), out);
    buffer_free(&bundle);
}

/* The text of a view, "" where the record does not appear. */
static inline const char *testing_text(const struct testing_views *views, size_t number, int level)
{
    const struct fhir_views *of = &views->views[number - 1];

    return of->present[level - 1] ? buffer_text(&of->view[level - 1]) : "";
}

/* How a view names type/id: "Type/<pseudonym>". */
static inline const char *testing_reference(const char *type, const char *id, char out[160])
{
    char pseudonym[FHIR_PSEUDONYM_MAX + 1];

    (void)testing_pseudonym(NULL, bytes_of_string(type), bytes_of_string(id), pseudonym, NULL);
    (void)snprintf(out, 160, "%s/%s", type, pseudonym);
    return out;
}

#endif
