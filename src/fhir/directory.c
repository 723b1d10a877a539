/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/directory.h"

#include <string.h>

static int directory_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Decodes percent escapes of `len` bytes into `out`. */
static int directory_decode(const char *text, size_t len, char *out, size_t size)
{
    size_t written = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            int high = i + 2 < len ? directory_hex(text[i + 1]) : -1;
            int low = i + 2 < len ? directory_hex(text[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0)
                return ACESO_EFORMAT;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (written + 1 >= size)
            return ACESO_ELIMIT;
        out[written++] = c;
    }
    out[written] = '\0';
    return ACESO_OK;
}

int fhir_conditional_parse(const char *reference, struct fhir_conditional *out)
{
    static const char question[] = "?identifier=";
    const char *at = strstr(reference, question);
    struct fhir_conditional parsed = { .type = "" };
    char token[513];
    char *bar;
    int code;

    if (!at || at == reference || (size_t)(at - reference) >= sizeof parsed.type ||
        strchr(at + 1, '&') || strspn(reference, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
                                                 "wxyz") != (size_t)(at - reference))
        return ACESO_EFORMAT;
    memcpy(parsed.type, reference, (size_t)(at - reference));
    at += sizeof question - 1;
    code = directory_decode(at, strlen(at), token, sizeof token);
    if (code)
        return code;
    bar = strchr(token, '|');
    if (strlen(bar ? bar + 1 : token) >= sizeof parsed.value ||
        (bar && (size_t)(bar - token) >= sizeof parsed.system))
        return ACESO_ELIMIT;
    if (bar)
        memcpy(parsed.system, token, (size_t)(bar - token));
    memcpy(parsed.value, bar ? bar + 1 : token, strlen(bar ? bar + 1 : token) + 1);
    if (!parsed.value[0])
        return ACESO_EFORMAT;
    *out = parsed;
    return ACESO_OK;
}

static bool directory_is_home(yyjson_val *value)
{
    return yyjson_equals_str(yyjson_obj_get(value, "use"), "home");
}

/* Home addresses and telephones go; an array of nothing else goes as a whole. */
static bool directory_is_public(const char *name, yyjson_val *value)
{
    yyjson_val *item;
    size_t i, max;

    if (strcmp(name, "birthDate") == 0 || strcmp(name, "_birthDate") == 0 ||
        strcmp(name, "photo") == 0)
        return false;
    if (strcmp(name, "address") != 0 && strcmp(name, "telecom") != 0)
        return true;
    if (!yyjson_is_arr(value))
        return !directory_is_home(value);
    yyjson_arr_foreach(value, i, max, item)
    {
        if (!directory_is_home(item))
            return true;
    }
    return false;
}

static void directory_write_array(yyjson_val *array, struct buffer *out)
{
    yyjson_val *item;
    size_t i, max;
    bool comma = false;

    (void)buffer_put_u8(out, '[');
    yyjson_arr_foreach(array, i, max, item)
    {
        if (directory_is_home(item))
            continue;
        if (comma)
            (void)buffer_put_u8(out, ',');
        comma = true;
        (void)fhir_write(item, out);
    }
    (void)buffer_put_u8(out, ']');
}

static int directory_write(yyjson_val *root, struct buffer *out)
{
    yyjson_val *key, *value;
    size_t i, max;
    bool comma = false;

    (void)buffer_put_u8(out, '{');
    yyjson_obj_foreach(root, i, max, key, value)
    {
        const char *name = yyjson_get_str(key);

        if (!directory_is_public(name, value))
            continue;
        if (comma)
            (void)buffer_put_u8(out, ',');
        comma = true;
        (void)fhir_write(key, out);
        (void)buffer_put_u8(out, ':');
        if (yyjson_is_arr(value) && (strcmp(name, "address") == 0 || strcmp(name, "telecom") == 0))
            directory_write_array(value, out);
        else
            (void)fhir_write(value, out);
    }
    return buffer_put_u8(out, '}');
}

static int directory_visit(const struct fhir_resource *resource, fhir_identifier_fn *visit,
                           void *context)
{
    yyjson_val *identifiers = yyjson_obj_get(resource->root, "identifier");
    yyjson_val *identifier;
    size_t i, max;
    int code = ACESO_OK;

    yyjson_arr_foreach(identifiers, i, max, identifier)
    {
        const char *system = yyjson_get_str(yyjson_obj_get(identifier, "system"));
        const char *value = yyjson_get_str(yyjson_obj_get(identifier, "value"));

        if (!code && value)
            code = visit(context, resource->type_name, system ? system : "", value);
    }
    return code;
}

int fhir_directory_entry(const struct fhir_entry *entry, struct buffer *text,
                         fhir_identifier_fn *visit, void *context, struct aceso_error *error)
{
    struct fhir_resource resource = { .doc = NULL };
    int code = fhir_resource_parse(entry, &resource, error);

    if (code)
        return code;
    if (!fhir_is_directory_type(resource.type_name))
        code = fhir_entry_error(entry, entry->line, NULL, ACESO_EUSAGE, error,
                                "a record is not a directory resource");
    if (!code)
        code = directory_write(resource.root, text);
    if (!code && visit)
        code = directory_visit(&resource, visit, context);
    fhir_resource_free(&resource);
    return code;
}

int fhir_directory_resolve(const struct fhir_index *index, fhir_lookup_fn *lookup,
                           fhir_resolved_fn *resolved, void *context)
{
    const char *reference;

    for (size_t i = 0; (reference = fhir_index_conditional(index, i)) != NULL; i++) {
        struct fhir_conditional what;
        char id[65] = "";
        int found = 0;

        if (!fhir_conditional_parse(reference, &what) && fhir_is_directory_type(what.type))
            found = lookup(context, &what, id);
        if (found < 0)
            return found;
        found = resolved(context, reference, found ? id : NULL);
        if (found)
            return found;
    }
    return ACESO_OK;
}
