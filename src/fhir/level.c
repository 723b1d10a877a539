/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/level.h"

#include "fhir/sensitive.h"

#include <stdlib.h>
#include <string.h>

#define LEVEL_INLINE_LABEL                                                                         \
    "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"

struct level_walk {
    yyjson_val *base;
    uint8_t *tag;
    const char *type_name;  /* of the resource the walk is in: contained ones are resources too */
    int floor;              /* of a contained resource: the level of where it stands */
    const struct fhir_type *reference, *extension, *age;
};

static void level_object(struct level_walk *walk, const struct fhir_type *type,
                         const struct fhir_path *node, yyjson_val *object, int level);
static bool level_resource(struct level_walk *walk, yyjson_val *object, int floor);

const char *fhir_level_name(int level)
{
    static const char *const names[] = { "low", "medium", "high", "complete" };

    return level >= FHIR_LOW && level <= FHIR_COMPLETE ? names[level - 1] : NULL;
}

static int level_max(int a, int b)
{
    return a > b ? a : b;
}

static void level_tag(struct level_walk *walk, const yyjson_val *value, int level, unsigned flags)
{
    walk->tag[value - walk->base] = (uint8_t)((unsigned)level | flags);
}

/* The values of a container lie right behind it. */
static void level_all(struct level_walk *walk, yyjson_val *value, int level)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);

    for (; value < end; value++)
        level_tag(walk, value, level, 0);
}

static void level_all_structure(struct level_walk *walk, yyjson_val *value)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);

    for (; value < end; value++)
        walk->tag[value - walk->base] |= FHIR_TAG_STRUCTURE;
}

/* --- labels --- */

static bool level_label_raises(yyjson_val *coding)
{
    const char *code = yyjson_get_str(yyjson_obj_get(coding, "code"));
    const char *system = yyjson_get_str(yyjson_obj_get(coding, "system"));

    return fhir_sensitive_label(system, code) != 0;
}

static bool level_is_labelled(yyjson_val *resource)
{
    yyjson_val *labels = yyjson_obj_get(yyjson_obj_get(resource, "meta"), "security");
    yyjson_val *label;
    size_t i, max;

    yyjson_arr_foreach(labels, i, max, label)
    {
        if (level_label_raises(label))
            return true;
    }
    return false;
}

/* A label on a part of a resource: an extension of DS4P on that part. */
static bool level_part_is_labelled(yyjson_val *object)
{
    yyjson_val *extensions = yyjson_obj_get(object, "extension");
    yyjson_val *extension;
    size_t i, max;

    yyjson_arr_foreach(extensions, i, max, extension)
    {
        const char *url = yyjson_get_str(yyjson_obj_get(extension, "url"));

        if (url && strcmp(url, LEVEL_INLINE_LABEL) == 0 &&
            level_label_raises(yyjson_obj_get(extension, "valueCoding")))
            return true;
    }
    return false;
}

/* --- what a type starts from --- */

/* The most restrictive of the categories that the table knows; complete where it knows none. */
static int level_of_observation(yyjson_val *object)
{
    yyjson_val *concepts = yyjson_obj_get(object, "category");
    yyjson_val *concept, *coding;
    size_t i, j, max, many;
    int level = 0;

    yyjson_arr_foreach(concepts, i, max, concept)
    {
        yyjson_val *codings = yyjson_obj_get(concept, "coding");

        yyjson_arr_foreach(codings, j, many, coding)
        {
            const char *code = yyjson_get_str(yyjson_obj_get(coding, "code"));
            const char *system = yyjson_get_str(yyjson_obj_get(coding, "system"));
            int row;

            if (!code || !system || strncmp(system, "http://", 7) != 0)
                continue;
            if (strstr(system, "us-core"))
                row = FHIR_COMPLETE;
            else if (strstr(system, "hl7.org") && strstr(system, "observation-category"))
                row = fhir_observation_row(code);
            else
                continue;
            level = level_max(level, row == FHIR_ROW_NONE ? FHIR_COMPLETE : row);
        }
    }
    return level ? level : FHIR_COMPLETE;
}

static int level_of_type(const struct fhir_type *type, yyjson_val *object)
{
    if (strcmp(type->name, "Observation") == 0)
        return level_of_observation(object);
    return type->row == FHIR_ROW_NONE ? FHIR_COMPLETE : type->row;
}

/* A row of a resource's element sets the level; one of a datatype only raises it. */
static int level_of_element(const struct level_walk *walk, const struct fhir_type *owner,
                            const struct fhir_element *element, const struct fhir_path *node,
                            int level)
{
    const struct fhir_type *type = fhir_type_at(element->type);

    if (node && node->row)
        return level_max(node->row, walk->floor);
    if (element->row == FHIR_ROW_ELEMENT)
        return level;
    if (element->row)
        return owner->kind == FHIR_KIND_OBJECT ? level_max(level, element->row)
                                               : level_max(element->row, walk->floor);
    if (type->row && type->row != FHIR_ROW_ELEMENT && type->kind != FHIR_KIND_RESOURCE)
        return level_max(level, type->row);
    return level;
}

/* --- extensions --- */

/* The inside of an extension that the table lists. */
static void level_listed(struct level_walk *walk, yyjson_val *object, int level)
{
    yyjson_val *key, *value, *item;
    size_t i, j, max, many;

    level_tag(walk, object, level, 0);
    yyjson_obj_foreach(object, i, max, key, value)
    {
        const char *name = yyjson_get_str(key);
        const struct fhir_element *element =
            fhir_type_element(walk->extension, name, yyjson_get_len(key));

        if (strcmp(name, "url") == 0 && yyjson_is_str(value)) {
            level_tag(walk, value, level, FHIR_TAG_STRUCTURE);
        } else if (strcmp(name, "extension") == 0 && yyjson_is_arr(value)) {
            level_tag(walk, value, level, 0);
            yyjson_arr_foreach(value, j, many, item)
                level_listed(walk, item, level);
        } else if (element && fhir_type_at(element->type) == walk->reference) {
            level_all(walk, value, FHIR_COMPLETE);
        } else if (element && yyjson_is_obj(value)) {
            level_object(walk, fhir_type_at(element->type), NULL, value, level);
        } else if (element) {
            level_all(walk, value, level_of_element(walk, walk->extension, element, NULL, level));
        } else {
            level_all(walk, value, FHIR_COMPLETE);
        }
    }
}

static void level_extension(struct level_walk *walk, yyjson_val *object, int level)
{
    const char *url = yyjson_get_str(yyjson_obj_get(object, "url"));
    uint8_t row = url ? fhir_extension_row(walk->type_name, url) : FHIR_ROW_NONE;

    if (row == FHIR_ROW_NONE)
        level_all(walk, object, FHIR_COMPLETE);
    else if (row == FHIR_ROW_ELEMENT)
        level_listed(walk, object, level);
    else
        level_listed(walk, object, level_max(row, walk->floor));
}

/* The highest level in `value`, structure aside. */
static int level_highest(const struct level_walk *walk, yyjson_val *value)
{
    yyjson_val *key, *item;
    size_t i, max;
    int highest = 0;

    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, i, max, item)
            highest = level_max(highest, level_highest(walk, item));
        return highest;
    }
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, max, key, item)
            highest = level_max(highest, level_highest(walk, item));
        return highest;
    }
    if (yyjson_is_null(value) || (walk->tag[value - walk->base] & FHIR_TAG_STRUCTURE))
        return 0;
    return walk->tag[value - walk->base] & FHIR_TAG_LEVEL;
}

/* One object of a `_name`: true where it bears a label that raises. */
static bool level_sibling_one(struct level_walk *walk, yyjson_val *one, int level)
{
    yyjson_val *extensions = yyjson_obj_get(one, "extension");
    yyjson_val *extension;
    size_t i, max;

    yyjson_arr_foreach(extensions, i, max, extension)
    {
        if (yyjson_is_obj(extension))
            level_extension(walk, extension, level);
    }
    return level_part_is_labelled(one);
}

/* `_name`, beside the primitive `name`: ids and extensions of it. The two are kept in step where
 * they are arrays: one level for all of `_name`, and for the gaps in `name` that it fills. */
static void level_sibling(struct level_walk *walk, yyjson_val *primitive, yyjson_val *sibling,
                          int level)
{
    yyjson_val *one, *end = unsafe_yyjson_get_next(sibling);
    size_t i, max;
    bool labelled = false;
    int highest;

    level_all(walk, sibling, FHIR_COMPLETE);
    if (yyjson_is_obj(sibling))
        labelled = level_sibling_one(walk, sibling, level);
    yyjson_arr_foreach(sibling, i, max, one)
        labelled |= level_sibling_one(walk, one, level);
    highest = labelled ? FHIR_COMPLETE : level_max(level, level_highest(walk, sibling));
    if (labelled)
        level_all(walk, sibling, FHIR_COMPLETE);
    if (labelled && primitive)
        level_all(walk, primitive, FHIR_COMPLETE);
    if (!yyjson_is_arr(sibling))
        return;
    for (yyjson_val *at = sibling; at < end; at++)
        level_tag(walk, at, highest, walk->tag[at - walk->base] & FHIR_TAG_STRUCTURE);
    yyjson_arr_foreach(primitive, i, max, one)
    {
        if (yyjson_is_null(one))
            level_tag(walk, one, highest, 0);
    }
}

/* --- values --- */

static void level_value(struct level_walk *walk, const struct fhir_type *type,
                        const struct fhir_path *node, yyjson_val *value, int level, unsigned flags)
{
    if (yyjson_is_null(value)) {
        level_tag(walk, value, FHIR_COMPLETE, 0);
    } else if (fhir_kind_is_primitive(type->kind)) {
        if (type->kind == FHIR_KIND_TEXT)
            flags |= FHIR_TAG_TEXT;
        level_tag(walk, value, level, flags);
    } else if (!yyjson_is_obj(value)) {
        level_all(walk, value, FHIR_COMPLETE);
    } else if (type == walk->extension) {
        level_extension(walk, value, level);
    } else if (type->kind == FHIR_KIND_RESOURCE) {
        (void)level_resource(walk, value, level);
        walk->tag[value - walk->base] |= (uint8_t)flags;
    } else {
        level_object(walk, type, node, value, level);
        walk->tag[value - walk->base] |= (uint8_t)flags;
    }
}

static void level_element(struct level_walk *walk, const struct fhir_type *owner,
                          const struct fhir_element *element, const struct fhir_path *node,
                          yyjson_val *value, int level)
{
    const struct fhir_type *type = fhir_type_at(element->type);
    unsigned flags = 0;
    yyjson_val *item;
    size_t i, max;

    level = level_of_element(walk, owner, element, node, level);
    if (type == walk->reference)
        flags = FHIR_TAG_REFERENCE | (element->flags & FHIR_REFERS_PERSON ? FHIR_TAG_PERSON : 0);
    else if (type->kind == FHIR_KIND_RESOURCE ||
             (type->kind == FHIR_KIND_BACKBONE && owner->kind == FHIR_KIND_RESOURCE))
        flags = FHIR_TAG_UNIT;
    if (!yyjson_is_arr(value)) {
        level_value(walk, type, node, value, level, flags);
        return;
    }
    level_tag(walk, value, level, 0);
    yyjson_arr_foreach(value, i, max, item)
        level_value(walk, type, node, item, level, flags);
}

/* Safe Harbor (C): an age over 89 is not told; three digits are over 89 too. */
static bool level_is_high_age(const struct level_walk *walk, const struct fhir_type *type,
                              yyjson_val *object)
{
    yyjson_val *value = yyjson_obj_get(object, "value");
    const char *text = yyjson_get_raw(value);

    return type == walk->age && text && strtod(text, NULL) > 89;
}

/* After the other members, since it changes the level of some. */
static void level_siblings(struct level_walk *walk, const struct fhir_type *type,
                           const struct fhir_path *node, yyjson_val *object, int level)
{
    yyjson_val *key, *value;
    size_t i, max;

    yyjson_obj_foreach(object, i, max, key, value)
    {
        const char *name = yyjson_get_str(key);
        size_t len = yyjson_get_len(key);
        const struct fhir_element *element =
            name[0] == '_' ? fhir_type_element(type, name + 1, len - 1) : NULL;
        const struct fhir_path *part = NULL;

        if (!element || !fhir_kind_is_primitive(fhir_type_at(element->type)->kind))
            continue;
        if (node)
            part = fhir_path_part(node, name + 1, len - 1);
        level_sibling(walk, yyjson_obj_get(object, name + 1), value,
                      level_of_element(walk, type, element, part, level));
    }
}

static void level_object(struct level_walk *walk, const struct fhir_type *type,
                         const struct fhir_path *node, yyjson_val *object, int level)
{
    yyjson_val *key, *value;
    size_t i, max;

    /* To take a modifier away and show the rest would turn its meaning around. */
    if (yyjson_obj_get(object, "modifierExtension") || level_part_is_labelled(object) ||
        level_is_high_age(walk, type, object)) {
        level_all(walk, object, FHIR_COMPLETE);
        return;
    }
    level_tag(walk, object, level, 0);
    yyjson_obj_foreach(object, i, max, key, value)
    {
        const char *name = yyjson_get_str(key);
        size_t len = yyjson_get_len(key);
        const struct fhir_element *element = fhir_type_element(type, name, len);

        if (element)
            level_element(walk, type, element, node ? fhir_path_part(node, name, len) : NULL, value,
                          level);
        else
            level_all(walk, value, FHIR_COMPLETE);
    }
    level_siblings(walk, type, node, object, level);
}

/* The resource itself, or one contained in it, whose level is never below `floor`. True where all
 * of it is complete whatever the table says of its elements. */
static bool level_resource(struct level_walk *walk, yyjson_val *object, int floor)
{
    static const char *const structure[] = { "meta", "implicitRules", "language" };
    const char *name = yyjson_get_str(yyjson_obj_get(object, "resourceType"));
    const struct fhir_type *type = name ? fhir_resource_type(name) : NULL;
    struct level_walk inner = *walk;
    yyjson_val *value;
    bool closed = !type || level_is_labelled(object) ||
                  yyjson_obj_get(object, "modifierExtension") || level_part_is_labelled(object);

    if (closed) {
        level_all(walk, object, FHIR_COMPLETE);
    } else {
        inner.type_name = type->name;
        inner.floor = floor;
        level_object(&inner, type, fhir_path_root(type), object,
                     level_max(floor, level_of_type(type, object)));
    }
    for (size_t i = 0; i < sizeof structure / sizeof structure[0]; i++) {
        value = yyjson_obj_get(object, structure[i]);
        if (value)
            level_all_structure(walk, value);
    }
    value = yyjson_obj_get(object, "resourceType");
    if (value)
        level_tag(walk, value, floor, FHIR_TAG_STRUCTURE);
    value = yyjson_obj_get(object, "id");
    if (value)
        level_tag(walk, value, floor, FHIR_TAG_STRUCTURE | FHIR_TAG_TEXT);
    return closed;
}

int fhir_classify(const struct fhir_resource *resource, struct fhir_tags *out)
{
    size_t count = yyjson_doc_get_val_count(resource->doc);
    struct level_walk walk = {
        .base = resource->doc->root,
        .floor = FHIR_LOW,
        .reference = fhir_type_named("Reference"),
        .extension = fhir_type_named("Extension"),
        .age = fhir_type_named("Age"),
    };

    walk.tag = calloc(count ? count : 1, 1);
    if (!walk.tag)
        return ACESO_EMEMORY;
    *out = (struct fhir_tags){ .tag = walk.tag, .count = count };
    out->closed = level_resource(&walk, resource->root, FHIR_LOW);
    return ACESO_OK;
}

void fhir_tags_free(struct fhir_tags *tags)
{
    free(tags->tag);
    *tags = (struct fhir_tags){ .tag = NULL };
}
