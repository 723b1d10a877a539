/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/index.h"

#include "fhir/check.h"
#include "fhir/scan.h"
#include "fhir/target.h"
#include "fhir/words.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_TEXT_MAX ((size_t)1 << 31)
#define INDEX_NONE UINT32_MAX
#define INDEX_ID_LEAST 8 /* shorter ids stand in texts by chance */
#define INDEX_UUID 36

/* Names that the index knows: each text once, with a first byte that tells them apart. */
#define INDEX_REFERENCE 'r'   /* a fullUrl, "Type/id", or what a reference said */
#define INDEX_ID 'i'          /* the bare id of a record */
#define INDEX_TYPE 't'        /* a resourceType */
#define INDEX_CONDITIONAL 'c' /* "Type?identifier=..." */

struct symbol {
    uint64_t hash;
    uint32_t text; /* offset of its first byte, the kind */
    uint32_t len;
    uint32_t record; /* INDEX_NONE: none is called so */
};

enum edge_kind {
    EDGE_REASON, /* `from` exists because of `to` */
    EDGE_RESULT, /* `from` gathers `to` */
    EDGE_DRUG,   /* `from` is a use of the Medication `to` */
};

struct edge {
    uint32_t from;
    uint32_t symbol;
    uint32_t next; /* the next edge to the same record */
    enum edge_kind kind;
};

struct record {
    uint64_t digest;
    uint32_t type, id;     /* symbols; id INDEX_NONE: none */
    uint32_t drug;         /* symbol of the Medication that it uses, or INDEX_NONE */
    uint32_t uses_open;    /* of a Medication: uses that are not sensitive */
    uint32_t edges;        /* the first one to it */
    uint32_t reasons_open; /* of its reasons, those that are not sensitive */
    uint32_t results_open; /* of what it gathers, that which is not hidden */
    uint32_t categories;
    uint8_t lowest;
    bool directory;
    bool raised;                     /* sensitive */
    bool followed_hidden, followed_raised;
};

/* What an item of a Claim is for. */
struct claimed {
    uint32_t claim; /* record */
    uint32_t sequence;
    uint32_t symbol;
};

struct fhir_index {
    enum fhir_bundle_kind kind;
    uint8_t key[crypto_shorthash_KEYBYTES];
    struct buffer text;
    struct symbol *symbols;
    size_t symbols_count, symbols_capacity;
    uint32_t *slots; /* open addressing; INDEX_NONE: free */
    size_t slots_count;
    struct record *records;
    size_t records_count, records_capacity;
    struct edge *edges;
    size_t edges_count, edges_capacity;
    uint32_t *stack; /* records whose state changed, to be followed */
    size_t stack_count;
    size_t directory_count;
    uint32_t patient; /* record */
    bool birth_known, death_known; /* of a Patient whose record is not closed as a whole */
    struct claimed *claimed;
    size_t claimed_count, claimed_capacity;
    uint32_t *conditionals;
    size_t conditionals_count, conditionals_capacity;
    struct fhir_words *words;
    char latest[11];
};

/* --- growing arrays --- */

static int index_grow(void *array, size_t *capacity, size_t count, size_t size)
{
    size_t wanted = *capacity ? *capacity * 2 : 256;
    void *grown;
    void *old;

    if (count < *capacity)
        return ACESO_OK;
    if (wanted >= INDEX_NONE)
        return ACESO_ELIMIT;
    memcpy(&old, array, sizeof old);
    grown = realloc(old, wanted * size);
    if (!grown)
        return ACESO_EMEMORY;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return ACESO_OK;
}

/* --- symbols --- */

static uint64_t index_hash(const struct fhir_index *index, const void *data, size_t len)
{
    uint64_t hash;

    (void)crypto_shorthash((unsigned char *)&hash, data, len, index->key);
    return hash;
}

static const char *index_text(const struct fhir_index *index, uint32_t symbol)
{
    return (const char *)index->text.data + index->symbols[symbol].text + 1;
}

/* The slot of `text`, or the free one where it belongs. The kind is mixed into the hash. */
static size_t index_slot(const struct fhir_index *index, char kind, const char *text, size_t len,
                         uint64_t *hash)
{
    size_t mask = index->slots_count - 1;
    size_t at;

    *hash = index_hash(index, text, len) ^ (uint64_t)(uint8_t)kind;
    for (at = (size_t)*hash & mask; index->slots[at] != INDEX_NONE; at = (at + 1) & mask) {
        const struct symbol *symbol = &index->symbols[index->slots[at]];
        const char *stored = (const char *)index->text.data + symbol->text;

        if (symbol->hash == *hash && symbol->len == len && stored[0] == kind &&
            memcmp(stored + 1, text, len) == 0)
            break;
    }
    return at;
}

static uint32_t index_find(const struct fhir_index *index, char kind, const char *text, size_t len)
{
    uint64_t hash;

    return index->slots[index_slot(index, kind, text, len, &hash)];
}

static int index_rehash(struct fhir_index *index)
{
    size_t count = index->slots_count ? index->slots_count * 2 : 1024;
    uint32_t *slots;

    if ((index->symbols_count + 1) * 2 <= index->slots_count)
        return ACESO_OK;
    slots = malloc(count * sizeof *slots);
    if (!slots)
        return ACESO_EMEMORY;
    memset(slots, 0xff, count * sizeof *slots);
    for (size_t i = 0; i < index->symbols_count; i++) {
        size_t at = (size_t)index->symbols[i].hash & (count - 1);

        while (slots[at] != INDEX_NONE)
            at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)i;
    }
    free(index->slots);
    index->slots = slots;
    index->slots_count = count;
    return ACESO_OK;
}

static int index_symbol(struct fhir_index *index, char kind, const char *text, size_t len,
                        uint32_t *out)
{
    struct symbol symbol = { .record = INDEX_NONE };
    size_t at;
    int code = index_rehash(index);

    if (code)
        return code;
    at = index_slot(index, kind, text, len, &symbol.hash);
    if (index->slots[at] != INDEX_NONE) {
        *out = index->slots[at];
        return ACESO_OK;
    }
    code = index_grow(&index->symbols, &index->symbols_capacity, index->symbols_count,
                      sizeof *index->symbols);
    if (code)
        return code;
    symbol.text = (uint32_t)index->text.len;
    symbol.len = (uint32_t)len;
    (void)buffer_put_u8(&index->text, (uint8_t)kind);
    (void)buffer_put(&index->text, text, len);
    if (buffer_put_u8(&index->text, 0))
        return index->text.failed;
    *out = (uint32_t)index->symbols_count++;
    index->symbols[*out] = symbol;
    index->slots[at] = *out;
    return ACESO_OK;
}

/* --- references --- */

/* Without "/_history/version": the record is the same. */
static size_t index_reference_len(const char *reference)
{
    const char *history = strstr(reference, "/_history/");

    return history ? (size_t)(history - reference) : strlen(reference);
}

static bool index_is_conditional(const char *reference)
{
    return strchr(reference, '?') != NULL;
}

/* The type that a literal or conditional reference names, with a NUL, into `out`: "" for none. */
static void index_reference_type(const char *reference, char out[65])
{
    const char *end = strchr(reference, '?');
    const char *from;

    out[0] = '\0';
    if (!end) {
        end = reference + index_reference_len(reference);
        while (end > reference && *end != '/')
            end--;
    }
    from = end;
    while (from > reference && from[-1] != '/' && from[-1] != ':')
        from--;
    if (end == reference || (size_t)(end - from) > 64)
        return;
    memcpy(out, from, (size_t)(end - from));
    out[end - from] = '\0';
}

struct fhir_target fhir_index_target(const struct fhir_index *index, const char *reference)
{
    struct fhir_target target = { .kind = FHIR_TARGET_UNKNOWN };
    char type[65];

    if (reference[0] == '#')
        return (struct fhir_target){ .kind = FHIR_TARGET_CONTAINED };
    if (!index_is_conditional(reference)) {
        uint32_t symbol =
            index_find(index, INDEX_REFERENCE, reference, index_reference_len(reference));

        if (symbol != INDEX_NONE && index->symbols[symbol].record != INDEX_NONE) {
            size_t record = index->symbols[symbol].record;

            target.kind = index->records[record].directory ? FHIR_TARGET_DIRECTORY
                                                           : FHIR_TARGET_RECORD;
            target.number = record + 1;
            return target;
        }
    }
    index_reference_type(reference, type);
    if (type[0] && fhir_is_directory_type(type))
        target.kind = FHIR_TARGET_DIRECTORY;
    return target;
}

/* --- the first pass over one resource --- */

struct index_survey {
    struct fhir_index *index;
    const struct fhir_resource *resource;
    struct fhir_tags tags;
    struct fhir_inners inners;
    uint32_t number; /* of the record, from 0 */
    struct record *record;
    size_t reasons;
    uint32_t categories; /* of its reasons */
};

static int index_edge(struct index_survey *survey, const char *reference, enum edge_kind kind)
{
    struct fhir_index *index = survey->index;
    struct edge edge = { .from = survey->number, .next = INDEX_NONE, .kind = kind };
    int code = index_symbol(index, INDEX_REFERENCE, reference, index_reference_len(reference),
                            &edge.symbol);

    if (!code)
        code = index_grow(&index->edges, &index->edges_capacity, index->edges_count,
                          sizeof *index->edges);
    if (!code)
        index->edges[index->edges_count++] = edge;
    return code;
}

/* One value of an element that says why the resource exists. */
static int index_reason(struct index_survey *survey, yyjson_val *value)
{
    const struct fhir_resource *resource = survey->resource;
    uint32_t found = fhir_scan(resource, &survey->tags, value, true);
    yyjson_val *reference = fhir_first_reference(resource, &survey->tags, value);
    const char *text = yyjson_get_str(yyjson_obj_get(reference, "reference"));

    survey->reasons++;
    if (text && fhir_inners_find(&survey->inners, text))
        found |= fhir_inners_find(&survey->inners, text)->categories;
    survey->categories |= found;
    if (found)
        return ACESO_OK;
    survey->record->reasons_open++;
    if (!text || text[0] == '#' || index_is_conditional(text))
        return ACESO_OK;
    return index_edge(survey, text, EDGE_REASON);
}

static int index_result(struct index_survey *survey, yyjson_val *value)
{
    const char *text = yyjson_get_str(yyjson_obj_get(value, "reference"));

    survey->record->results_open++;
    return text && text[0] != '#' ? index_edge(survey, text, EDGE_RESULT) : ACESO_OK;
}

/* The least level of a value outside references, units and structure: what is there whatever the
 * rest of the bundle says. */
static int index_lowest(const struct index_survey *survey, yyjson_val *value)
{
    uint8_t tag = fhir_tag_of(survey->resource, &survey->tags, value);
    yyjson_val *key, *item;
    size_t i, max;
    int lowest = FHIR_COMPLETE;

    if (tag & (FHIR_TAG_STRUCTURE | FHIR_TAG_REFERENCE | FHIR_TAG_UNIT))
        return lowest;
    if (!yyjson_is_ctn(value))
        return tag & FHIR_TAG_LEVEL;
    yyjson_arr_foreach(value, i, max, item)
    {
        int level = index_lowest(survey, item);

        lowest = level < lowest ? level : lowest;
    }
    yyjson_obj_foreach(value, i, max, key, item)
    {
        int level = index_lowest(survey, item);

        lowest = level < lowest ? level : lowest;
    }
    return lowest;
}

static int index_drug(struct index_survey *survey, yyjson_val *value)
{
    const char *text = yyjson_get_str(yyjson_obj_get(value, "reference"));
    int code;

    if (!text || text[0] == '#' || index_is_conditional(text))
        return ACESO_OK;
    code = index_symbol(survey->index, INDEX_REFERENCE, text, index_reference_len(text),
                        &survey->record->drug);
    return code ? code : index_edge(survey, text, EDGE_DRUG);
}

static int index_member(struct index_survey *survey, const char *name, yyjson_val *value)
{
    const char *type = survey->resource->type_name;
    bool reason = fhir_is_reason(type, name), result = fhir_is_result(type, name);
    uint8_t tag = fhir_tag_of(survey->resource, &survey->tags, value);
    yyjson_val *item;
    size_t i, max;
    int code = ACESO_OK;

    if (reason || result) {
        if (!yyjson_is_arr(value))
            return reason ? index_reason(survey, value) : index_result(survey, value);
        yyjson_arr_foreach(value, i, max, item)
        {
            if (!code)
                code = reason ? index_reason(survey, item) : index_result(survey, item);
        }
        return code;
    }
    if (tag & FHIR_TAG_UNIT)
        return ACESO_OK;
    item = yyjson_arr_get_first(value);
    if (item && (fhir_tag_of(survey->resource, &survey->tags, item) & FHIR_TAG_UNIT))
        return ACESO_OK;
    if (!fhir_is_plumbing(name) && strcmp(type, "Patient") != 0)
        survey->record->categories |= fhir_scan(survey->resource, &survey->tags, value, false);
    code = index_lowest(survey, value);
    if (code < survey->record->lowest)
        survey->record->lowest = (uint8_t)code;
    return strcmp(name, "medicationReference") == 0 ? index_drug(survey, value) : ACESO_OK;
}

/* Writes down what `part` of a Claim refers to, for the item numbered `sequence`. */
static int index_claimed_part(struct index_survey *survey, uint32_t sequence, yyjson_val *part)
{
    struct fhir_index *index = survey->index;
    struct claimed claimed = { .claim = survey->number, .sequence = sequence };
    yyjson_val *reference = fhir_first_reference(survey->resource, &survey->tags, part);
    const char *text = yyjson_get_str(yyjson_obj_get(reference, "reference"));
    int code;

    if (!text || text[0] == '#' || index_is_conditional(text))
        return ACESO_OK;
    code = index_symbol(index, INDEX_REFERENCE, text, index_reference_len(text), &claimed.symbol);
    if (!code)
        code = index_grow(&index->claimed, &index->claimed_capacity, index->claimed_count,
                          sizeof *index->claimed);
    if (!code)
        index->claimed[index->claimed_count++] = claimed;
    return code;
}

/* An ExplanationOfBenefit repeats the items of its Claim, but not always what they are for. */
static int index_claim(struct index_survey *survey)
{
    yyjson_val *root = survey->resource->root;
    yyjson_val *item, *sequence;
    size_t i, j, max, many;
    int code = ACESO_OK;

    for (size_t k = 0; k < FHIR_ITEM_LISTS && !code; k++) {
        struct fhir_parts parts = { .part = NULL };

        code = fhir_parts_gather(yyjson_obj_get(root, fhir_item_lists[k][1]), &parts);
        yyjson_arr_foreach(yyjson_obj_get(root, "item"), i, max, item)
        {
            uint32_t number = fhir_sequence(yyjson_obj_get(item, "sequence"));

            yyjson_arr_foreach(yyjson_obj_get(item, fhir_item_lists[k][0]), j, many, sequence)
            {
                const struct fhir_part *part = fhir_parts_find(&parts, fhir_sequence(sequence));

                if (part && !code)
                    code = index_claimed_part(survey, number, part->value);
            }
        }
        free(parts.part);
    }
    return code;
}

/* Distinct conditional references, for the directory. */
static int index_conditionals(struct index_survey *survey)
{
    struct fhir_index *index = survey->index;
    yyjson_val *at = survey->resource->root, *end = unsafe_yyjson_get_next(at);
    int code = ACESO_OK;

    for (; at < end && !code; at++) {
        size_t before = index->symbols_count;
        const char *text;
        uint32_t symbol;

        if (!yyjson_is_obj(at) ||
            !(fhir_tag_of(survey->resource, &survey->tags, at) & FHIR_TAG_REFERENCE))
            continue;
        text = yyjson_get_str(yyjson_obj_get(at, "reference"));
        if (!text || !index_is_conditional(text))
            continue;
        code = index_symbol(index, INDEX_CONDITIONAL, text, strlen(text), &symbol);
        if (code || index->symbols_count == before)
            continue;
        code = index_grow(&index->conditionals, &index->conditionals_capacity,
                          index->conditionals_count, sizeof *index->conditionals);
        if (!code)
            index->conditionals[index->conditionals_count++] = symbol;
    }
    return code;
}

/* The latest date at which something was done or written down. Not of what lies ahead: expiry
 * dates and ends of cover. */
static void index_latest_date(struct index_survey *survey, const char *name, yyjson_val *value)
{
    static const char *const names[] = {
        "effectiveDateTime", "effectiveInstant",   "effectivePeriod", "issued",   "recordedDate",
        "authoredOn",        "performedDateTime",  "performedPeriod", "date",     "created",
        "occurrenceDateTime", "deceasedDateTime",  "recorded",        "started",  "period",
        "onsetDateTime",     "dateAsserted",       "whenHandedOver",
    };
    char *latest = survey->index->latest;
    const char *text;
    bool dated = false;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && !dated; i++)
        dated = strcmp(names[i], name) == 0;
    if (!dated || strcmp(survey->resource->type_name, "Coverage") == 0)
        return;
    if (yyjson_is_obj(value))
        value = yyjson_obj_get(value, "start");
    text = yyjson_get_str(value);
    if (text && strncmp(text, latest, sizeof survey->index->latest - 1) > 0) {
        size_t len = strnlen(text, sizeof survey->index->latest - 1);

        memcpy(latest, text, len);
        latest[len] = '\0';
    }
}

static int index_contents(struct index_survey *survey)
{
    const struct fhir_resource *resource = survey->resource;
    struct fhir_index *index = survey->index;
    bool patient = strcmp(resource->type_name, "Patient") == 0;
    yyjson_val *key, *value;
    size_t i, max;
    int code = fhir_classify(resource, &survey->tags);

    if (code)
        return code;
    code = fhir_inners_gather(resource, &survey->tags, &survey->inners);
    survey->record->lowest = FHIR_COMPLETE;
    yyjson_obj_foreach(resource->root, i, max, key, value)
    {
        if (!code)
            code = index_member(survey, yyjson_get_str(key), value);
        index_latest_date(survey, yyjson_get_str(key), value);
    }
    if (!code)
        code = index_conditionals(survey);
    if (!code && strcmp(resource->type_name, "Claim") == 0)
        code = index_claim(survey);
    if (!code && (patient || strcmp(resource->type_name, "RelatedPerson") == 0))
        code = fhir_words_add_person(index->words, resource->root);
    if (patient && !survey->tags.closed) {
        index->birth_known = yyjson_obj_get(resource->root, "birthDate") != NULL;
        index->death_known = yyjson_obj_get(resource->root, "deceasedDateTime") != NULL;
    }
    survey->record->raised = survey->record->categories != 0;
    if (survey->reasons && !survey->record->reasons_open) {
        survey->record->categories |= survey->categories;
        survey->record->raised = true;
    }
    free(survey->inners.inner);
    fhir_tags_free(&survey->tags);
    return code;
}

/* --- one entry --- */

/* The id under which others know the resource: its own, else what its fullUrl ends in. */
static const char *index_id_of(const struct fhir_resource *resource)
{
    const char *from, *slash, *colon;

    if (resource->id || !resource->full_url)
        return resource->id;
    slash = strrchr(resource->full_url, '/');
    colon = strrchr(resource->full_url, ':');
    from = slash > colon ? slash : colon;
    from = from ? from + 1 : resource->full_url;
    return fhir_check_id(from, strlen(from)) ? from : NULL;
}

/* Ids are looked for in texts without regard to case: as small letters. */
static size_t index_lower(const char *text, size_t len, char out[FHIR_ID_MAX])
{
    for (size_t i = 0; i < len && i < FHIR_ID_MAX; i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    return len < FHIR_ID_MAX ? len : FHIR_ID_MAX;
}

static int index_name(struct fhir_index *index, const char *name, uint32_t record,
                      const struct fhir_entry *entry, struct aceso_error *error)
{
    uint32_t symbol;
    int code = index_symbol(index, INDEX_REFERENCE, name, strlen(name), &symbol);

    if (code)
        return error_set(error, code, entry->label, "%s", error_name(code));
    if (index->symbols[symbol].record != INDEX_NONE && index->symbols[symbol].record != record)
        return fhir_entry_error(entry, entry->line, NULL, ACESO_EEXISTS, error,
                                "the same resource as entry %u",
                                (unsigned)index->symbols[symbol].record + 1);
    index->symbols[symbol].record = record;
    return ACESO_OK;
}

static int index_names(struct fhir_index *index, const struct fhir_resource *resource,
                       uint32_t number, const struct fhir_entry *entry, struct aceso_error *error)
{
    struct record *record = &index->records[number];
    const char *id = index_id_of(resource);
    char text[65 + 1 + FHIR_ID_MAX + 1];
    uint32_t symbol;
    int code = index_symbol(index, INDEX_TYPE, resource->type_name, strlen(resource->type_name),
                            &record->type);

    if (!code && id)
        code = index_symbol(index, INDEX_REFERENCE, id, strlen(id), &record->id);
    if (!code && id && !record->directory && strlen(id) >= INDEX_ID_LEAST)
        code = index_symbol(index, INDEX_ID, text, index_lower(id, strlen(id), text), &symbol);
    if (code)
        return error_set(error, code, entry->label, "%s", error_name(code));
    if (resource->full_url)
        code = index_name(index, resource->full_url, number, entry, error);
    if (!code && id) {
        (void)snprintf(text, sizeof text, "%s/%s", resource->type_name, id);
        code = index_name(index, text, number, entry, error);
    }
    return code;
}

static int index_add(struct fhir_index *index, const struct fhir_entry *entry,
                     const struct fhir_resource *resource, struct aceso_error *error)
{
    struct index_survey survey = { .index = index, .resource = resource };
    struct record *record;
    int code = index_grow(&index->records, &index->records_capacity, index->records_count,
                          sizeof *index->records);

    if (code)
        return error_set(error, code, entry->label, "%s", error_name(code));
    survey.number = (uint32_t)index->records_count++;
    record = &index->records[survey.number];
    *record = (struct record){ .digest = index_hash(index, entry->text.data, entry->text.len),
                               .id = INDEX_NONE,
                               .drug = INDEX_NONE,
                               .edges = INDEX_NONE,
                               .lowest = FHIR_LOW,
                               .directory = fhir_is_directory_type(resource->type_name) };
    survey.record = record;
    code = index_names(index, resource, survey.number, entry, error);
    if (code)
        return code;
    if (record->directory) {
        index->directory_count++;
        return ACESO_OK;
    }
    if (strcmp(resource->type_name, "Patient") == 0) {
        if (index->patient != INDEX_NONE)
            return fhir_entry_error(entry, entry->line, NULL, ACESO_EFORMAT, error,
                                    "a second Patient; the first is entry %u",
                                    (unsigned)index->patient + 1);
        index->patient = survey.number;
    }
    code = index_contents(&survey);
    if (code)
        return fhir_entry_error(entry, entry->line, NULL, code, error, "%s",
                                code == ACESO_ELIMIT ? "more than can be kept in mind: references, "
                                                       "or names and numbers of persons"
                                                     : error_name(code));
    return ACESO_OK;
}

/* --- what spreads --- */

static void index_push(struct fhir_index *index, uint32_t number)
{
    index->stack[index->stack_count++] = number;
}

static void index_raise(struct fhir_index *index, uint32_t number, uint32_t categories)
{
    struct record *record = &index->records[number];

    record->categories |= categories;
    if (record->raised)
        return;
    record->raised = true;
    record->lowest = FHIR_COMPLETE;
    index_push(index, number);
}

/* What `record` gathers is hidden: its own code would tell what that is. */
static void index_hide(struct fhir_index *index, uint32_t number)
{
    if (index->records[number].lowest == FHIR_COMPLETE)
        return;
    index->records[number].lowest = FHIR_COMPLETE;
    index_push(index, number);
}

/* The record of `symbol` where it is one that levels are kept of. */
static struct record *index_record(struct fhir_index *index, uint32_t symbol)
{
    uint32_t number = symbol == INDEX_NONE ? INDEX_NONE : index->symbols[symbol].record;

    if (number == INDEX_NONE || index->records[number].directory)
        return NULL;
    return &index->records[number];
}

/* Tells those that refer to a record what it has become, and its drug. */
static void index_follow(struct fhir_index *index, uint32_t number)
{
    struct record *record = &index->records[number];
    bool hidden = record->lowest == FHIR_COMPLETE && !record->followed_hidden;
    bool raised = record->raised && !record->followed_raised;
    struct record *drug = raised ? index_record(index, record->drug) : NULL;

    record->followed_hidden = record->followed_hidden || hidden;
    record->followed_raised = record->followed_raised || raised;
    for (uint32_t i = record->edges; i != INDEX_NONE; i = index->edges[i].next) {
        uint32_t from = index->edges[i].from;

        if (raised && (index->edges[i].kind == EDGE_DRUG ||
                       (index->edges[i].kind == EDGE_REASON &&
                        --index->records[from].reasons_open == 0)))
            index_raise(index, from, record->categories);
        if (hidden && index->edges[i].kind == EDGE_RESULT &&
            --index->records[from].results_open == 0)
            index_hide(index, from);
    }
    /* A Medication that only sensitive prescriptions use tells what they are for. */
    if (drug && --drug->uses_open == 0)
        index_raise(index, (uint32_t)(drug - index->records), record->categories);
}

static int index_claimed_order(const void *a, const void *b)
{
    const struct claimed *x = a, *y = b;

    if (x->claim != y->claim)
        return x->claim < y->claim ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* Once it is known what is sensitive: only items for that are kept, each once. */
static void index_keep_claimed(struct fhir_index *index)
{
    size_t kept = 0;

    if (index->claimed_count)
        qsort(index->claimed, index->claimed_count, sizeof *index->claimed, index_claimed_order);
    for (size_t i = 0; i < index->claimed_count; i++) {
        const struct record *target = index_record(index, index->claimed[i].symbol);

        if (target && target->raised &&
            (!kept || index_claimed_order(&index->claimed[kept - 1], &index->claimed[i]) != 0))
            index->claimed[kept++] = index->claimed[i];
    }
    index->claimed_count = kept;
}

/* Each record is pushed at most three times: at the start, when hidden, when raised. */
static int index_spread(struct fhir_index *index)
{
    index->stack = malloc((index->records_count * 3 + 1) * sizeof *index->stack);
    if (!index->stack)
        return ACESO_EMEMORY;
    for (size_t i = 0; i < index->edges_count; i++) {
        struct record *target = index_record(index, index->edges[i].symbol);

        if (!target)
            continue;
        index->edges[i].next = target->edges;
        target->edges = (uint32_t)i;
    }
    for (size_t i = 0; i < index->records_count; i++) {
        struct record *record = &index->records[i];
        struct record *drug = index_record(index, record->drug);

        if (drug)
            drug->uses_open++;
        if (record->directory)
            continue;
        if (record->raised)
            record->lowest = FHIR_COMPLETE;
        if (record->lowest == FHIR_COMPLETE)
            index_push(index, (uint32_t)i);
    }
    while (index->stack_count)
        index_follow(index, index->stack[--index->stack_count]);
    index_keep_claimed(index);
    free(index->stack);
    index->stack = NULL;
    free(index->edges);
    index->edges = NULL;
    return ACESO_OK;
}

/* --- the whole --- */

static int index_finish(struct fhir_index *index, const char *label, struct aceso_error *error)
{
    struct record *patient;
    int code;

    if (!index->records_count)
        return error_set(error, ACESO_EFORMAT, label, "a Bundle without an entry");
    index->kind = index->directory_count == index->records_count ? FHIR_BUNDLE_DIRECTORY
                                                                 : FHIR_BUNDLE_PATIENT;
    code = fhir_words_finish(index->words);
    if (code)
        return error_set(error, code, label, "%s", error_name(code));
    if (index->kind == FHIR_BUNDLE_DIRECTORY)
        return ACESO_OK;
    if (index->patient == INDEX_NONE)
        return error_set(error, ACESO_EFORMAT, label, "records, but no Patient");
    /* What stands in for a withheld value is there at a lower level than the value. */
    patient = &index->records[index->patient];
    if (index->death_known || (index->birth_known && index->latest[0]))
        patient->lowest = FHIR_LOW;
    code = index_spread(index);
    return code ? error_set(error, code, label, "%s", error_name(code)) : ACESO_OK;
}

static struct fhir_index *index_create(void)
{
    struct fhir_index *index = calloc(1, sizeof *index);

    if (!index)
        return NULL;
    index->text.max = INDEX_TEXT_MAX;
    index->patient = INDEX_NONE;
    index->words = fhir_words_create();
    crypto_shorthash_keygen(index->key);
    if (!index->words || index_rehash(index)) {
        fhir_index_free(index);
        return NULL;
    }
    return index;
}

static int index_build(struct fhir_bundle *bundle, const char *label, struct fhir_index **out,
                       struct aceso_error *error)
{
    struct fhir_index *index = index_create();
    struct fhir_entry entry = { .number = 0 };
    int code = index ? 1 : error_set(error, ACESO_EMEMORY, label, "%s", error_name(ACESO_EMEMORY));

    while (code > 0) {
        struct fhir_resource resource = { .doc = NULL };

        code = fhir_bundle_next(bundle, &entry, error);
        if (code <= 0)
            break;
        code = fhir_resource_parse(&entry, &resource, error);
        if (!code)
            code = index_add(index, &entry, &resource, error);
        fhir_resource_free(&resource);
        code = code ? code : 1;
    }
    if (!code)
        code = index_finish(index, label, error);
    if (code)
        fhir_index_free(index);
    else
        *out = index;
    return code;
}

int fhir_index_build(const char *path, const char *label, struct fhir_index **out,
                     struct aceso_error *error)
{
    struct fhir_bundle *bundle = NULL;
    const char *slash = strrchr(path, '/');
    int code = fhir_bundle_open(path, label, &bundle, error);

    if (code)
        return code;
    code = index_build(bundle, label ? label : slash ? slash + 1 : path, out, error);
    fhir_bundle_close(bundle);
    return code;
}

int fhir_index_build_bytes(struct bytes bytes, const char *label, struct fhir_index **out,
                           struct aceso_error *error)
{
    struct fhir_bundle *bundle = NULL;
    int code = fhir_bundle_open_bytes(bytes, label, &bundle, error);

    if (code)
        return code;
    code = index_build(bundle, label ? label : "bundle", out, error);
    fhir_bundle_close(bundle);
    return code;
}

void fhir_index_free(struct fhir_index *index)
{
    if (!index)
        return;
    fhir_words_free(index->words);
    buffer_free(&index->text);
    free(index->symbols);
    free(index->slots);
    free(index->records);
    free(index->edges);
    free(index->stack);
    free(index->claimed);
    free(index->conditionals);
    free(index);
}

/* --- questions --- */

enum fhir_bundle_kind fhir_index_kind(const struct fhir_index *index)
{
    return index->kind;
}

size_t fhir_index_count(const struct fhir_index *index)
{
    return index->records_count;
}

size_t fhir_index_records(const struct fhir_index *index)
{
    return index->records_count - index->directory_count;
}

const char *fhir_index_patient(const struct fhir_index *index)
{
    if (index->kind != FHIR_BUNDLE_PATIENT)
        return NULL;
    return fhir_index_summary(index, (size_t)index->patient + 1).id;
}

struct fhir_summary fhir_index_summary(const struct fhir_index *index, size_t number)
{
    const struct record *record = &index->records[number - 1];

    return (struct fhir_summary){
        .type = index_text(index, record->type),
        .id = record->id == INDEX_NONE ? NULL : index_text(index, record->id),
        .directory = record->directory,
        .lowest = record->lowest,
        .categories = record->categories,
    };
}

const char *fhir_index_conditional(const struct fhir_index *index, size_t at)
{
    return at < index->conditionals_count ? index_text(index, index->conditionals[at]) : NULL;
}

bool fhir_index_raised(const struct fhir_index *index, size_t number)
{
    return index->records[number - 1].raised;
}

bool fhir_index_claimed(const struct fhir_index *index, const char *reference, uint32_t sequence)
{
    struct fhir_target target = fhir_index_target(index, reference);
    struct claimed wanted = { .sequence = sequence };

    if (target.kind != FHIR_TARGET_RECORD || !index->claimed_count)
        return false;
    wanted.claim = (uint32_t)(target.number - 1);
    return bsearch(&wanted, index->claimed, index->claimed_count, sizeof wanted,
                   index_claimed_order) != NULL;
}

const char *fhir_index_latest(const struct fhir_index *index)
{
    return index->latest;
}

int fhir_index_same(const struct fhir_index *index, const struct fhir_entry *entry)
{
    if (entry->number == 0 || entry->number > index->records_count)
        return ACESO_ESTATE;
    return index->records[entry->number - 1].digest ==
                   index_hash(index, entry->text.data, entry->text.len)
               ? ACESO_OK
               : ACESO_ESTATE;
}

/* --- words that tell who it is --- */

static bool index_is_id_char(char c)
{
    return fhir_check_id(&c, 1);
}

static bool index_is_record_id(const struct fhir_index *index, const char *text, size_t len)
{
    char lower[FHIR_ID_MAX];

    if (len > FHIR_ID_MAX)
        return false;
    return index_find(index, INDEX_ID, lower, index_lower(text, len, lower)) != INDEX_NONE;
}

/* A run of id characters: an id as a whole where it has a digit (words have none), or one with a
 * UUID anywhere in it. */
static bool index_run_tells(const struct fhir_index *index, const char *run, size_t len)
{
    bool digit = false;

    for (size_t i = 0; i < len && !digit; i++)
        digit = run[i] >= '0' && run[i] <= '9';
    if (!digit || len < INDEX_ID_LEAST)
        return false;
    if (index_is_record_id(index, run, len))
        return true;
    for (size_t i = 0; i + INDEX_UUID <= len; i++) {
        if (run[i + 8] == '-' && run[i + 13] == '-' && run[i + 18] == '-' && run[i + 23] == '-' &&
            index_is_record_id(index, run + i, INDEX_UUID))
            return true;
    }
    return false;
}

bool fhir_index_tells(const struct fhir_index *index, const char *text, size_t len, bool coded)
{
    size_t from = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && index_is_id_char(text[i]))
            continue;
        if (index_run_tells(index, text + from, i - from))
            return true;
        from = i + 1;
    }
    return fhir_words_in(index->words, text, len, coded);
}
