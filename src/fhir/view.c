/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/view.h"

#include "fhir/scan.h"
#include "fhir/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEW_NEVER 5 /* above every level */
#define VIEW_UUID 36   /* characters */
#define VIEW_TEXTS_MAX ((size_t)64 << 20)

/* One of the document's values. */
struct view_value {
    uint8_t level;   /* its own; a container's counts only as the level of where it stands */
    uint8_t lowest;  /* the least level at which any of it is seen, what stands in for it too */
    uint8_t stand_in; /* from here on, below `level`, the substitute is seen; 0: none */
    uint8_t tag;
    uint32_t substitute; /* offset + 1 into `texts` of what is written below complete; 0: none */
};

struct view_job {
    const struct fhir_index *index;
    const struct fhir_entry *entry;
    struct fhir_resource resource;
    struct fhir_tags tags;
    struct view_value *values;
    struct fhir_inners inners;
    struct buffer texts; /* JSON, each with a NUL */
    uint32_t id_text;    /* the resource's own pseudonym, like a substitute */
    fhir_pseudonym_fn *pseudonym;
    void *context;
    struct aceso_error *error;
    int failed;
};

static struct view_value *view_of(struct view_job *job, const yyjson_val *value)
{
    return &job->values[value - job->resource.doc->root];
}

static void view_raise(struct view_job *job, yyjson_val *value, int level)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);

    for (; value < end; value++) {
        if (view_of(job, value)->level < level)
            view_of(job, value)->level = (uint8_t)level;
    }
}

static const char *view_member(yyjson_val *object, const char *name)
{
    return yyjson_get_str(yyjson_obj_get(object, name));
}

/* --- sensitive parts --- */

/* True where a Reference in `value` leads to a sensitive record or contained resource. */
static bool view_leads_to_sensitive(struct view_job *job, yyjson_val *value)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);

    for (; value < end; value++) {
        const char *text;
        struct fhir_target target;

        if (!yyjson_is_obj(value) || !(view_of(job, value)->tag & FHIR_TAG_REFERENCE))
            continue;
        text = view_member(value, "reference");
        if (!text)
            continue;
        target = fhir_index_target(job->index, text);
        if (target.kind == FHIR_TARGET_RECORD && fhir_index_raised(job->index, target.number))
            return true;
        if (target.kind == FHIR_TARGET_CONTAINED) {
            const struct fhir_inner *inner = fhir_inners_find(&job->inners, text);

            if (inner && inner->categories)
                return true;
        }
    }
    return false;
}

static void view_raise_if_sensitive(struct view_job *job, yyjson_val *value)
{
    if (fhir_scan(&job->resource, &job->tags, value, true) || view_leads_to_sensitive(job, value))
        view_raise(job, value, FHIR_COMPLETE);
}

/* Reasons and units by themselves; of other elements only a reference by its display: their codes
 * raised the whole resource in the first pass. */
static void view_raise_member(struct view_job *job, const char *name, yyjson_val *value)
{
    bool reason = fhir_is_reason(job->resource.type_name, name);
    yyjson_val *at = value, *end = unsafe_yyjson_get_next(value);
    yyjson_val *item;
    size_t i, max;

    if (fhir_is_plumbing(name))
        return;
    if (yyjson_is_obj(value) && (reason || (view_of(job, value)->tag & FHIR_TAG_UNIT)))
        view_raise_if_sensitive(job, value);
    yyjson_arr_foreach(value, i, max, item)
    {
        if (reason || (view_of(job, item)->tag & FHIR_TAG_UNIT))
            view_raise_if_sensitive(job, item);
    }
    for (; at < end; at++) {
        if (yyjson_is_obj(at) && (view_of(job, at)->tag & FHIR_TAG_REFERENCE) &&
            fhir_scan(&job->resource, &job->tags, at, true))
            view_raise(job, at, FHIR_COMPLETE);
    }
}

/* Leaves only the raised ones among `parts`. */
static void view_keep_raised(struct view_job *job, struct fhir_parts *parts)
{
    size_t kept = 0;

    for (size_t i = 0; i < parts->count; i++) {
        yyjson_val *number = yyjson_obj_get(parts->part[i].value, "sequence");

        if (number && view_of(job, number)->level == FHIR_COMPLETE)
            parts->part[kept++] = parts->part[i];
    }
    parts->count = kept;
}

/* Raises the items that name one of `parts` in their list `list`. */
static void view_raise_items_for(struct view_job *job, const char *list,
                                 const struct fhir_parts *parts)
{
    yyjson_val *item, *sequence;
    size_t i, j, max, many;

    yyjson_arr_foreach(yyjson_obj_get(job->resource.root, "item"), i, max, item)
    {
        yyjson_arr_foreach(yyjson_obj_get(item, list), j, many, sequence)
        {
            if (fhir_parts_find(parts, fhir_sequence(sequence))) {
                view_raise(job, item, FHIR_COMPLETE);
                break;
            }
        }
    }
}

/* An item of a Claim or ExplanationOfBenefit goes with the diagnosis, procedure or information
 * that it is for; one of the latter also where the Claim says so. */
static int view_raise_items(struct view_job *job)
{
    yyjson_val *root = job->resource.root;
    const char *claim = view_member(yyjson_obj_get(root, "claim"), "reference");
    yyjson_val *item;
    size_t i, max;

    for (size_t k = 0; k < FHIR_ITEM_LISTS; k++) {
        struct fhir_parts parts = { .part = NULL };
        int code = fhir_parts_gather(yyjson_obj_get(root, fhir_item_lists[k][1]), &parts);

        if (code)
            return code;
        view_keep_raised(job, &parts);
        if (parts.count)
            view_raise_items_for(job, fhir_item_lists[k][0], &parts);
        free(parts.part);
    }
    yyjson_arr_foreach(yyjson_obj_get(root, "item"), i, max, item)
    {
        if (claim && fhir_index_claimed(job->index, claim,
                                        fhir_sequence(yyjson_obj_get(item, "sequence"))))
            view_raise(job, item, FHIR_COMPLETE);
    }
    return ACESO_OK;
}

static int view_raise_sensitive(struct view_job *job)
{
    yyjson_val *root = job->resource.root;
    yyjson_val *key, *value;
    size_t i, max;

    yyjson_obj_foreach(root, i, max, key, value)
        view_raise_member(job, yyjson_get_str(key), value);
    if (strcmp(job->resource.type_name, "Claim") == 0 ||
        strcmp(job->resource.type_name, "ExplanationOfBenefit") == 0)
        return view_raise_items(job);
    return ACESO_OK;
}

/* --- what stands in --- */

/* Keeps a JSON text and returns its number; 0 on failure. */
static uint32_t view_text(struct view_job *job, const char *before, const char *text,
                          const char *after)
{
    size_t at = job->texts.len;

    (void)buffer_put_string(&job->texts, before);
    (void)buffer_put_string(&job->texts, text);
    (void)buffer_put_string(&job->texts, after);
    if (buffer_put_u8(&job->texts, 0)) {
        job->failed = job->texts.failed;
        return 0;
    }
    return (uint32_t)at + 1;
}

static int view_pseudonym(struct view_job *job, size_t number, char out[FHIR_PSEUDONYM_MAX + 1])
{
    struct fhir_summary summary = fhir_index_summary(job->index, number);
    int code = job->pseudonym(job->context, bytes_of_string(summary.type),
                              bytes_of_string(summary.id), out, job->error);

    if (code)
        job->failed = code;
    return code;
}

static void view_stand_in(struct view_job *job, yyjson_val *value, int level, const char *before,
                          const char *text, const char *after)
{
    view_of(job, value)->stand_in = (uint8_t)level;
    view_of(job, value)->substitute = view_text(job, before, text, after);
}

static int view_year(const char *date)
{
    int year = 0;

    for (size_t i = 0; i < 4 && date[i] >= '0' && date[i] <= '9'; i++)
        year = year * 10 + (date[i] - '0');
    return year;
}

/* The year, of someone over 89 at the latest date the year that makes 90 (Safe Harbor (C)). */
static bool view_birth_year(struct view_job *job, const char *birth, char year[8])
{
    const char *latest = fhir_index_latest(job->index);
    int born = view_year(birth), now = view_year(latest);
    int age = now - born;

    if (!latest[0])
        return false;
    /* Dates compare as text; one without a day counts as passed. */
    if (strlen(birth) == 10 && strlen(latest) == 10 && strcmp(latest + 4, birth + 4) < 0)
        age--;
    (void)snprintf(year, 8, "%04u", (unsigned)(age > 89 ? now - 90 : born) % 10000u);
    return true;
}

/* The first three digits of an American postal code, unless fewer than 20,000 people live there
 * (census of 2000, as the guidance on 164.514(b) lists them). */
static bool view_zip3(yyjson_val *address, const char *code, char zip[4])
{
    static const char few[] = "036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893";
    const char *country = view_member(address, "country");
    size_t digits = 0;

    if (country && strcmp(country, "US") != 0 && strcmp(country, "USA") != 0 &&
        strcmp(country, "United States") != 0)
        return false;
    while (digits < 9 && code[digits] >= '0' && code[digits] <= '9')
        digits++;
    if (digits != 5 && digits != 9)
        return false;
    memcpy(zip, code, 3);
    zip[3] = '\0';
    if (strstr(few, zip))
        memcpy(zip, "000", 4);
    return true;
}

static void view_derive(struct view_job *job)
{
    yyjson_val *root = job->resource.root;
    yyjson_val *birth = yyjson_obj_get(root, "birthDate");
    yyjson_val *death = yyjson_obj_get(root, "deceasedDateTime");
    yyjson_val *address;
    size_t i, max;
    char text[8];

    if (birth && view_birth_year(job, yyjson_get_str(birth), text))
        view_stand_in(job, birth, FHIR_LOW, "\"", text, "\"");
    if (death)
        view_stand_in(job, death, FHIR_LOW, "true", "", "");
    yyjson_arr_foreach(yyjson_obj_get(root, "address"), i, max, address)
    {
        yyjson_val *code = yyjson_obj_get(address, "postalCode");

        if (code && view_zip3(address, yyjson_get_str(code), text))
            view_stand_in(job, code, FHIR_HIGH, "\"", text, "\"");
    }
}

/* --- references --- */

static bool view_is_person_type(const char *type)
{
    return strcmp(type, "Patient") == 0 || strcmp(type, "RelatedPerson") == 0 ||
           strcmp(type, "Person") == 0;
}

static void view_raise_member_of(struct view_job *job, yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);

    if (value)
        view_raise(job, value, FHIR_COMPLETE);
}

/* Lowers what an Identifier's type made complete: that of a directory resource is public. */
static void view_lower_identifier(struct view_job *job, yyjson_val *reference)
{
    yyjson_val *identifier = yyjson_obj_get(reference, "identifier");
    yyjson_val *at = identifier, *end = identifier ? unsafe_yyjson_get_next(identifier) : NULL;

    for (; at < end; at++)
        view_of(job, at)->level = view_of(job, reference)->level;
}

/* A reference to a record: as far down as both stand, and by pseudonym. */
static void view_refer_to_record(struct view_job *job, yyjson_val *object, size_t number)
{
    struct fhir_summary target = fhir_index_summary(job->index, number);
    yyjson_val *reference = yyjson_obj_get(object, "reference");
    char pseudonym[FHIR_PSEUDONYM_MAX + 1];
    char type[65 + 3];

    view_raise(job, object, target.id ? target.lowest : FHIR_COMPLETE);
    if (view_is_person_type(target.type)) {
        view_raise_member_of(job, object, "display");
        view_raise_member_of(job, object, "identifier");
    }
    if (view_of(job, reference)->level == FHIR_COMPLETE)
        return;
    if (view_pseudonym(job, number, pseudonym))
        return;
    (void)snprintf(type, sizeof type, "\"%s/", target.type);
    view_of(job, reference)->substitute = view_text(job, type, pseudonym, "\"");
}

static void view_refer(struct view_job *job, yyjson_val *object)
{
    const char *text = view_member(object, "reference");
    const char *type = view_member(object, "type");
    struct fhir_target target;

    if (!text && type && fhir_is_directory_type(type)) {
        view_lower_identifier(job, object);
        return;
    }
    if (!text) {
        if ((type && view_is_person_type(type)) || (view_of(job, object)->tag & FHIR_TAG_PERSON))
            view_raise_member_of(job, object, "display");
        return;
    }
    target = fhir_index_target(job->index, text);
    if (target.kind == FHIR_TARGET_RECORD)
        view_refer_to_record(job, object, target.number);
    else if (target.kind == FHIR_TARGET_DIRECTORY)
        view_lower_identifier(job, object);
    else if (target.kind == FHIR_TARGET_UNKNOWN)
        view_raise(job, object, FHIR_COMPLETE);
}

static void view_references(struct view_job *job)
{
    yyjson_val *at = job->resource.root, *end = unsafe_yyjson_get_next(at);

    for (; at < end && !job->failed; at++) {
        if (yyjson_is_obj(at) && (view_of(job, at)->tag & FHIR_TAG_REFERENCE) &&
            view_of(job, at)->level < FHIR_COMPLETE)
            view_refer(job, at);
    }
}

/* --- words that tell who it is --- */

/* True for the display of a code, and for a concept's text that only repeats one. */
static bool view_is_coded(yyjson_val *object, yyjson_val *key, yyjson_val *value)
{
    yyjson_val *coding;
    size_t i, max;

    if (yyjson_equals_str(key, "display"))
        return yyjson_obj_get(object, "code") != NULL;
    if (!yyjson_equals_str(key, "text"))
        return false;
    yyjson_arr_foreach(yyjson_obj_get(object, "coding"), i, max, coding)
    {
        yyjson_val *display = yyjson_obj_get(coding, "display");

        if (display && yyjson_equals(display, value))
            return true;
    }
    return false;
}

static void view_guard(struct view_job *job, yyjson_val *value, bool coded)
{
    struct view_value *own = view_of(job, value);

    /* A code is bound by its system, but not where it is long enough for a UUID. */
    if (yyjson_is_str(value) && own->level < FHIR_COMPLETE && !own->substitute &&
        ((own->tag & FHIR_TAG_TEXT) || yyjson_get_len(value) >= VIEW_UUID) &&
        fhir_index_tells(job->index, yyjson_get_str(value), yyjson_get_len(value), coded))
        own->level = FHIR_COMPLETE;
}

/* Nothing below complete may hold a resource's id, or name the patient or a relative. */
static void view_guards(struct view_job *job)
{
    yyjson_val *at = job->resource.root, *end = unsafe_yyjson_get_next(at);

    for (; at < end; at++) {
        yyjson_val *key, *value;
        size_t i, max;

        if (yyjson_is_arr(at)) {
            yyjson_arr_foreach(at, i, max, value)
                view_guard(job, value, false);
        } else if (yyjson_is_obj(at)) {
            yyjson_obj_foreach(at, i, max, key, value)
                view_guard(job, value, view_is_coded(at, key, value));
        }
    }
}

/* --- the least level of each part --- */

static int view_least(struct view_job *job, yyjson_val *value)
{
    struct view_value *own = view_of(job, value);
    yyjson_val *key, *item;
    size_t i, max;
    int lowest = VIEW_NEVER;

    if (!yyjson_is_ctn(value)) {
        lowest = own->level;
        if (own->stand_in && own->stand_in < lowest)
            lowest = own->stand_in;
    }
    yyjson_arr_foreach(value, i, max, item)
    {
        int level = view_least(job, item);

        lowest = level < lowest ? level : lowest;
    }
    yyjson_obj_foreach(value, i, max, key, item)
    {
        int level = view_least(job, item);

        if (level < lowest && !(view_of(job, item)->tag & FHIR_TAG_STRUCTURE))
            lowest = level;
    }
    /* Parts of structure count among themselves: meta is an object of nothing else. */
    if (yyjson_is_obj(value) && (own->tag & FHIR_TAG_STRUCTURE)) {
        yyjson_obj_foreach(value, i, max, key, item)
            lowest = view_of(job, item)->lowest < lowest ? view_of(job, item)->lowest : lowest;
    }
    own->lowest = (uint8_t)lowest;
    return lowest;
}

/* "#id" goes where the contained resource goes. */
static void view_refer_to_contained(struct view_job *job)
{
    yyjson_val *at = job->resource.root, *end = unsafe_yyjson_get_next(at);

    (void)view_least(job, job->resource.root);
    for (; at < end; at++) {
        const char *text;
        const struct fhir_inner *inner;

        if (!yyjson_is_obj(at) || !(view_of(job, at)->tag & FHIR_TAG_REFERENCE))
            continue;
        text = view_member(at, "reference");
        if (!text || text[0] != '#' || !text[1])
            continue;
        inner = fhir_inners_find(&job->inners, text);
        view_raise(job, at, inner ? view_of(job, inner->value)->lowest : FHIR_COMPLETE);
    }
}

/* --- writing --- */

static void view_write(struct view_job *job, yyjson_val *value, int level, struct buffer *out);

static void view_write_key(yyjson_val *key, bool *comma, struct buffer *out)
{
    if (*comma)
        (void)buffer_put_u8(out, ',');
    *comma = true;
    (void)fhir_write(key, out);
    (void)buffer_put_u8(out, ':');
}

static void view_write_object(struct view_job *job, yyjson_val *object, int level,
                              struct buffer *out)
{
    bool root = object == job->resource.root, comma = false;
    yyjson_val *key, *value;
    size_t i, max;

    (void)buffer_put_u8(out, '{');
    yyjson_obj_foreach(object, i, max, key, value)
    {
        const struct view_value *own = view_of(job, value);

        if (own->lowest > level)
            continue;
        if (root && own->stand_in && own->level > level &&
            yyjson_equals_str(key, "deceasedDateTime")) {
            (void)buffer_put_string(out, comma ? ",\"deceasedBoolean\":" : "\"deceasedBoolean\":");
            comma = true;
        } else {
            view_write_key(key, &comma, out);
        }
        view_write(job, value, level, out);
        if (root && job->id_text && !job->resource.id && yyjson_equals_str(key, "resourceType")) {
            (void)buffer_put_string(out, ",\"id\":");
            (void)buffer_put_string(out, (const char *)job->texts.data + job->id_text - 1);
        }
    }
    (void)buffer_put_u8(out, '}');
}

static void view_write(struct view_job *job, yyjson_val *value, int level, struct buffer *out)
{
    const struct view_value *own = view_of(job, value);
    yyjson_val *item;
    size_t i, max;
    bool comma = false;

    if (yyjson_is_obj(value)) {
        view_write_object(job, value, level, out);
    } else if (yyjson_is_arr(value)) {
        (void)buffer_put_u8(out, '[');
        yyjson_arr_foreach(value, i, max, item)
        {
            if (view_of(job, item)->lowest > level)
                continue;
            if (comma)
                (void)buffer_put_u8(out, ',');
            comma = true;
            view_write(job, item, level, out);
        }
        (void)buffer_put_u8(out, ']');
    } else if (own->substitute && (!own->stand_in || own->level > level)) {
        (void)buffer_put_string(out, (const char *)job->texts.data + own->substitute - 1);
    } else {
        (void)fhir_write(value, out);
    }
}

/* --- the whole --- */

static int view_prepare(struct view_job *job)
{
    size_t count = yyjson_doc_get_val_count(job->resource.doc);
    yyjson_val *id = yyjson_obj_get(job->resource.root, "id");
    char pseudonym[FHIR_PSEUDONYM_MAX + 1];
    int code = fhir_classify(&job->resource, &job->tags);

    if (code)
        return code;
    job->values = calloc(count, sizeof *job->values);
    if (!job->values)
        return ACESO_EMEMORY;
    code = fhir_inners_gather(&job->resource, &job->tags, &job->inners);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        job->values[i].tag = job->tags.tag[i];
        job->values[i].level = job->tags.tag[i] & FHIR_TAG_LEVEL;
    }
    if (fhir_index_summary(job->index, job->entry->number).id) {
        if (view_pseudonym(job, job->entry->number, pseudonym))
            return job->failed;
        job->id_text = view_text(job, "\"", pseudonym, "\"");
    }
    if (id)
        view_of(job, id)->substitute = job->id_text;
    code = view_raise_sensitive(job);
    if (code)
        return code;
    if (strcmp(job->resource.type_name, "Patient") == 0)
        view_derive(job);
    view_references(job);
    view_guards(job);
    view_refer_to_contained(job);
    (void)view_least(job, job->resource.root);
    return job->failed;
}

static int view_run(struct view_job *job, struct fhir_views *views)
{
    int lowest = fhir_index_summary(job->index, job->entry->number).lowest;
    int code = lowest < FHIR_COMPLETE ? view_prepare(job) : ACESO_OK;

    for (int level = FHIR_LOW; level < FHIR_COMPLETE && !code; level++) {
        struct buffer *out = &views->view[level - 1];

        if (level < lowest)
            continue;
        views->present[level - 1] = true;
        view_write_object(job, job->resource.root, level, out);
        code = out->failed;
    }
    if (!code)
        code = fhir_write(job->resource.root, &views->view[FHIR_COMPLETE - 1]);
    views->present[FHIR_COMPLETE - 1] = true;
    return code;
}

int fhir_views(const struct fhir_index *index, const struct fhir_entry *entry,
               fhir_pseudonym_fn *pseudonym, void *context, struct fhir_views *views,
               struct aceso_error *error)
{
    struct view_job job = {
        .index = index,
        .entry = entry,
        .texts = BUFFER_INIT(VIEW_TEXTS_MAX),
        .pseudonym = pseudonym,
        .context = context,
        .error = error,
    };
    int code = fhir_index_same(index, entry);

    for (size_t i = 0; i < FHIR_LEVELS; i++) {
        buffer_clear(&views->view[i]);
        views->present[i] = false;
    }
    if (code)
        return fhir_entry_error(entry, entry->line, NULL, code, error,
                                "the file changed while it was read");
    if (fhir_index_summary(index, entry->number).directory)
        return fhir_entry_error(entry, entry->line, NULL, ACESO_EUSAGE, error,
                                "a directory resource is not a record");
    code = fhir_resource_parse(entry, &job.resource, error);
    if (code)
        return code;
    code = view_run(&job, views);
    /* The callback has its own words. */
    if (code && code != job.failed)
        (void)fhir_entry_error(entry, entry->line, NULL, code, error, "%s", error_name(code));
    free(job.values);
    free(job.inners.inner);
    buffer_free(&job.texts);
    fhir_tags_free(&job.tags);
    fhir_resource_free(&job.resource);
    return code;
}

void fhir_views_init(struct fhir_views *views)
{
    for (size_t i = 0; i < FHIR_LEVELS; i++) {
        views->view[i] = (struct buffer)BUFFER_INIT(2 * FHIR_ENTRY_MAX);
        views->present[i] = false;
    }
}

void fhir_views_free(struct fhir_views *views)
{
    for (size_t i = 0; i < FHIR_LEVELS; i++)
        buffer_free(&views->view[i]);
}
