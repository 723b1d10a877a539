/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/resource.h"

#include "base/json.h"
#include "fhir/check.h"

#include <string.h>

static size_t resource_line(const struct fhir_entry *entry, size_t offset)
{
    size_t line = entry->line;

    for (size_t i = 0; i < offset && i < entry->text.len; i++)
        line += entry->text.data[i] == '\n';
    return line;
}

static int resource_read(const struct fhir_entry *entry, yyjson_doc **doc,
                         struct aceso_error *error)
{
    yyjson_read_err failure;

    if (!json_depth_within(entry->text, FHIR_DEPTH_MAX))
        return fhir_entry_error(entry, entry->line, NULL, ACESO_ELIMIT, error,
                                "deeper than %d levels", FHIR_DEPTH_MAX);
    *doc = yyjson_read_opts((char *)(uintptr_t)entry->text.data, entry->text.len, FHIR_READ_FLAGS,
                            NULL, &failure);
    if (*doc)
        return ACESO_OK;
    if (failure.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return fhir_entry_error(entry, entry->line, NULL, ACESO_EMEMORY, error, "%s", failure.msg);
    return fhir_entry_error(entry, resource_line(entry, failure.pos), NULL, ACESO_EFORMAT, error,
                            "not JSON: %s", failure.msg);
}

static int resource_check(const struct fhir_entry *entry, const struct fhir_resource *resource,
                          struct aceso_error *error)
{
    struct fhir_check check = { .path = "" };
    yyjson_val *root = resource->doc->root;
    const char *path = check.path;
    int code;

    if (!yyjson_is_obj(root))
        return fhir_entry_error(entry, entry->line, NULL, ACESO_EFORMAT, error,
                                "an entry must be an object");
    code = fhir_check_members(resource->doc, &check);
    if (!code)
        code = fhir_check_object(fhir_type_named("Bundle.entry"), root, &check);
    if (!code)
        return ACESO_OK;
    /* The place says which entry; "resource." before each path would only be noise. */
    if (strncmp(path, "resource.", 9) == 0)
        path += 9;
    return fhir_entry_error(
        entry, resource_line(entry, fhir_check_offset(resource->doc, check.key)), path, code, error,
        "%s", check.problem ? check.problem : error_name(code));
}

static const char *resource_text(yyjson_val *object, const char *name)
{
    return yyjson_get_str(yyjson_obj_get(object, name));
}

static int resource_name(const struct fhir_entry *entry, struct fhir_resource *resource,
                         struct aceso_error *error)
{
    resource->root = yyjson_obj_get(resource->doc->root, "resource");
    if (!resource->root)
        return fhir_entry_error(entry, entry->line, NULL, ACESO_EFORMAT, error,
                                "an entry without a resource");
    resource->type_name = resource_text(resource->root, "resourceType");
    for (size_t i = 0; resource->type_name && resource->type_name[i]; i++) {
        char c = resource->type_name[i];

        if (i >= FHIR_ID_MAX || !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return fhir_entry_error(entry, entry->line, "resourceType", ACESO_EFORMAT, error,
                                    "is not the name of a type");
    }
    resource->type = fhir_resource_type(resource->type_name);
    resource->id = resource_text(resource->root, "id");
    resource->full_url = resource_text(resource->doc->root, "fullUrl");
    /* A type that R4 has not is not checked, but its id becomes part of references. */
    if (yyjson_obj_get(resource->root, "id") &&
        (!resource->id || !fhir_check_id(resource->id, strlen(resource->id))))
        return fhir_entry_error(entry, entry->line, "id", ACESO_EFORMAT, error,
                                "is not a FHIR id");
    return ACESO_OK;
}

int fhir_resource_parse(const struct fhir_entry *entry, struct fhir_resource *out,
                        struct aceso_error *error)
{
    struct fhir_resource resource = { .doc = NULL };
    int code = resource_read(entry, &resource.doc, error);

    if (!code)
        code = resource_check(entry, &resource, error);
    if (!code)
        code = resource_name(entry, &resource, error);
    if (code) {
        fhir_resource_free(&resource);
        return code;
    }
    *out = resource;
    return ACESO_OK;
}

void fhir_resource_free(struct fhir_resource *resource)
{
    yyjson_doc_free(resource->doc);
    *resource = (struct fhir_resource){ .doc = NULL };
}

bool fhir_is_directory_type(const char *type_name)
{
    static const char *const types[] = {
        "Practitioner", "PractitionerRole", "Organization", "Location", "Endpoint",
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i], type_name) == 0)
            return true;
    }
    return false;
}

/* --- writing --- */

static void write_string(const char *text, size_t len, struct buffer *out)
{
    size_t from = 0;

    (void)buffer_put_u8(out, '"');
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        static const char shorts[] = "btnvfr"; /* for 8 to 13; v (11) has no short form */

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        (void)buffer_put(out, text + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\')
            (void)buffer_printf(out, "\\%c", c);
        else if (c >= 8 && c <= 13 && c != 11)
            (void)buffer_printf(out, "\\%c", shorts[c - 8]);
        else
            (void)buffer_printf(out, "\\u%04x", c);
    }
    (void)buffer_put(out, text + from, len - from);
    (void)buffer_put_u8(out, '"');
}

/* Recursion is bounded: the parser let no more than FHIR_DEPTH_MAX levels in. */
int fhir_write(yyjson_val *value, struct buffer *out)
{
    yyjson_val *key, *item;
    size_t i, max;

    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_OBJ:
        (void)buffer_put_u8(out, '{');
        yyjson_obj_foreach(value, i, max, key, item)
        {
            if (i)
                (void)buffer_put_u8(out, ',');
            write_string(yyjson_get_str(key), yyjson_get_len(key), out);
            (void)buffer_put_u8(out, ':');
            (void)fhir_write(item, out);
        }
        return buffer_put_u8(out, '}');
    case YYJSON_TYPE_ARR:
        (void)buffer_put_u8(out, '[');
        yyjson_arr_foreach(value, i, max, item)
        {
            if (i)
                (void)buffer_put_u8(out, ',');
            (void)fhir_write(item, out);
        }
        return buffer_put_u8(out, ']');
    case YYJSON_TYPE_STR:
        write_string(yyjson_get_str(value), yyjson_get_len(value), out);
        return out->failed;
    case YYJSON_TYPE_RAW:
        return buffer_put(out, yyjson_get_raw(value), yyjson_get_len(value));
    case YYJSON_TYPE_BOOL:
        return buffer_put_string(out, yyjson_get_bool(value) ? "true" : "false");
    default:
        return buffer_put_string(out, "null");
    }
}
