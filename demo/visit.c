/* SPDX-License-Identifier: Apache-2.0 */
#include "visit.h"

#include "base/file.h"
#include "base/json.h"
#include "fhir/bundle.h"
#include "fhir/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISIT_MAX ((size_t)1 << 30)
#define VISIT_DATE 64
#define VISIT_LEAST 3 /* records: with fewer the whole bundle is taken */

struct visit_id {
    const char *id;
    size_t number;
};

struct visit_edge {
    size_t from, to;
};

/* Entries are numbered from 1, as the index has them. */
struct visit {
    struct fhir_index *index;
    size_t count;
    struct visit_id *ids; /* sorted */
    size_t id_count;
    struct visit_edge *edges;
    size_t edge_count, edge_capacity;
    bool *chosen; /* by number */
    size_t last;  /* the last Encounter; 0: none yet */
    char last_start[VISIT_DATE];
};

static int visit_compare(const void *left, const void *right)
{
    return strcmp(((const struct visit_id *)left)->id, ((const struct visit_id *)right)->id);
}

static int visit_begin(struct visit *visit, const char *bundle, struct aceso_error *error)
{
    int code = fhir_index_build(bundle, NULL, &visit->index, error);

    if (code)
        return code;
    visit->count = fhir_index_count(visit->index);
    visit->ids = calloc(visit->count + 1, sizeof *visit->ids);
    visit->chosen = calloc(visit->count + 1, sizeof *visit->chosen);
    if (!visit->ids || !visit->chosen)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    for (size_t i = 1; i <= visit->count; i++) {
        const char *id = fhir_index_summary(visit->index, i).id;

        if (id)
            visit->ids[visit->id_count++] = (struct visit_id){ id, i };
    }
    qsort(visit->ids, visit->id_count, sizeof *visit->ids, visit_compare);
    return ACESO_OK;
}

static void visit_end(struct visit *visit)
{
    fhir_index_free(visit->index);
    free(visit->ids);
    free(visit->edges);
    free(visit->chosen);
}

/* The entry that "urn:uuid:ID" or "Type/ID" leads to; 0 where it leads out of the bundle. */
static size_t visit_target(const struct visit *visit, const char *reference)
{
    const char *slash = strrchr(reference, '/'), *colon = strrchr(reference, ':');
    struct visit_id key = { reference, 0 };
    const struct visit_id *found;

    if (slash)
        key.id = slash + 1;
    else if (colon)
        key.id = colon + 1;
    found = bsearch(&key, visit->ids, visit->id_count, sizeof *visit->ids, visit_compare);
    return found ? found->number : 0;
}

static int visit_edge(struct visit *visit, size_t from, size_t to)
{
    if (visit->edge_count == visit->edge_capacity) {
        size_t capacity = visit->edge_capacity ? visit->edge_capacity * 2 : 1024;
        struct visit_edge *grown = realloc(visit->edges, capacity * sizeof *grown);

        if (!grown)
            return ACESO_EMEMORY;
        visit->edges = grown;
        visit->edge_capacity = capacity;
    }
    visit->edges[visit->edge_count++] = (struct visit_edge){ from, to };
    return ACESO_OK;
}

/* Every reference below a value. The reader of bundles bounds the depth. */
static int visit_references(struct visit *visit, size_t from, yyjson_val *value)
{
    const char *reference = json_string_or(value, "reference", NULL);
    size_t to = reference ? visit_target(visit, reference) : 0;
    yyjson_val *key, *item;
    size_t at, count;
    int code = to ? visit_edge(visit, from, to) : ACESO_OK;

    yyjson_arr_foreach(value, at, count, item)
    {
        if (!code)
            code = visit_references(visit, from, item);
    }
    yyjson_obj_foreach(value, at, count, key, item)
    {
        if (!code && yyjson_is_ctn(item))
            code = visit_references(visit, from, item);
    }
    return code;
}

static int visit_look(struct visit *visit, const struct fhir_entry *entry,
                      struct aceso_error *error)
{
    const char *type = fhir_index_summary(visit->index, entry->number).type, *start;
    yyjson_doc *doc = NULL;
    yyjson_val *resource;
    int code = json_parse(entry->text, &doc, error);

    resource = yyjson_obj_get(yyjson_doc_get_root(doc), "resource");
    if (!code && strcmp(type, "Provenance") != 0)
        code = visit_references(visit, entry->number, resource);
    start = json_string_or(yyjson_obj_get(resource, "period"), "start", "");
    if (strcmp(type, "Encounter") == 0 &&
        (!visit->last || strcmp(start, visit->last_start) > 0)) {
        visit->last = entry->number;
        (void)snprintf(visit->last_start, sizeof visit->last_start, "%s", start);
    }
    if (strcmp(type, "Patient") == 0)
        visit->chosen[entry->number] = true;
    yyjson_doc_free(doc);
    return code;
}

static void visit_choose(struct visit *visit)
{
    size_t records = 0;
    bool more = true;

    for (size_t i = 0; visit->last && i < visit->edge_count; i++) {
        if (visit->edges[i].to == visit->last)
            visit->chosen[visit->edges[i].from] = visit->chosen[visit->last] = true;
    }
    while (more) {
        more = false;
        for (size_t i = 0; i < visit->edge_count; i++) {
            const struct visit_edge *edge = &visit->edges[i];

            if (visit->chosen[edge->from] && !visit->chosen[edge->to])
                more = visit->chosen[edge->to] = true;
        }
    }
    for (size_t i = 1; i <= visit->count; i++)
        records += visit->chosen[i] && !fhir_index_summary(visit->index, i).directory;
    for (size_t i = 1; records < VISIT_LEAST && i <= visit->count; i++)
        visit->chosen[i] = true;
}

/* A second pass over the bundle, entry by entry: looks at all, or copies what was chosen. */
static int visit_pass(struct visit *visit, const char *bundle, struct buffer *out, size_t *copied,
                      struct aceso_error *error)
{
    struct fhir_bundle *reader = NULL;
    struct fhir_entry entry;
    size_t count = 0;
    int step = 0, code = fhir_bundle_open(bundle, NULL, &reader, error);

    while (!code && (step = fhir_bundle_next(reader, &entry, error)) == 1) {
        if (!out) {
            code = visit_look(visit, &entry, error);
        } else if (visit->chosen[entry.number]) {
            if (count++)
                (void)buffer_put_u8(out, ',');
            code = buffer_put_bytes(out, entry.text);
        }
    }
    fhir_bundle_close(reader);
    if (!code && step < 0)
        code = step;
    if (!code && copied)
        *copied = count;
    return code;
}

int visit_write(const char *bundle, const char *path, size_t *entries, struct aceso_error *error)
{
    struct visit visit = { 0 };
    struct buffer out = BUFFER_INIT(VISIT_MAX);
    int code = visit_begin(&visit, bundle, error);

    if (!code)
        code = visit_pass(&visit, bundle, NULL, NULL, error);
    if (!code) {
        visit_choose(&visit);
        (void)buffer_put_string(
            &out, "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[");
        code = visit_pass(&visit, bundle, &out, entries, error);
    }
    if (!code)
        code = buffer_put_string(&out, "]}\n");
    if (!code)
        code = file_write(path, buffer_bytes(&out), 0600, error);
    buffer_free(&out);
    visit_end(&visit);
    return code;
}
