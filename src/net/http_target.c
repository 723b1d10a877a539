/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_target.h"

#include "base/text.h"

#include <string.h>

static int http_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes `len` bytes of `text` to a string behind what `target->decoded` holds at `*at`. `plus`:
 * '+' is a blank, as in a query. ACESO_EFORMAT for what the header rules out. */
static int http_target_decode(struct http_target *target, size_t *at, const char *text, size_t len,
                              bool plus, const char **value)
{
    char *start = target->decoded + *at;
    size_t room = sizeof target->decoded - *at, n = 0;

    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];

        if (c == '%') {
            int high = len - i > 2 ? http_hex_digit(text[i + 1]) : -1;
            int low = len - i > 2 ? http_hex_digit(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return ACESO_EFORMAT;
            c = high << 4 | low;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f || n + 1 >= room)
            return ACESO_EFORMAT;
        start[n++] = (char)c;
    }
    if (n + 1 > room || !text_is_utf8(bytes_of(start, n)))
        return ACESO_EFORMAT;
    start[n] = '\0';
    *at += n + 1;
    *value = start;
    return ACESO_OK;
}

/* One "key=value" or "key" of the query. */
static int http_target_pair(struct http_target *target, const char *text, size_t len,
                            struct aceso_error *error)
{
    struct http_parameters *query = &target->query;
    const char *equals = memchr(text, '=', len), *name, *value = "";
    size_t name_len = equals ? (size_t)(equals - text) : len;

    if (query->count == HTTP_PARAMETERS_MAX)
        return error_set(error, ACESO_ELIMIT, "query", "more than %d parameters",
                         HTTP_PARAMETERS_MAX);
    if (name_len == 0 || http_target_decode(target, &target->decoded_len, text, name_len, true,
                                            &name))
        return error_set(error, ACESO_EFORMAT, "query", "a parameter's name is malformed");
    if (strlen(name) > HTTP_NAME_MAX)
        return error_set(error, ACESO_ELIMIT, "query", "a parameter's name is too long");
    if (equals && http_target_decode(target, &target->decoded_len, equals + 1, len - name_len - 1,
                                     true, &value))
        return error_set(error, ACESO_EFORMAT, "query", "a parameter's value is malformed");
    if (http_parameters_get(query, name))
        return error_set(error, ACESO_EFORMAT, "query", "a parameter stands there twice");
    query->list[query->count++] = (struct http_parameter){ .name = name, .value = value };
    return ACESO_OK;
}

static int http_target_query(struct http_target *target, const char *text, size_t len,
                             struct aceso_error *error)
{
    for (size_t start = 0; start < len;) {
        const char *end = memchr(text + start, '&', len - start);
        size_t pair = end ? (size_t)(end - text) - start : len - start;
        int code = http_target_pair(target, text + start, pair, error);

        if (code)
            return code;
        start += pair + 1;
        if (end && start == len)
            return error_set(error, ACESO_EFORMAT, "query", "ends in '&'");
    }
    return ACESO_OK;
}

static bool http_segment_allowed(const char *segment, size_t len)
{
    return len > 0 && !(len == 1 && segment[0] == '.') &&
           !(len == 2 && segment[0] == '.' && segment[1] == '.');
}

static bool http_path_allowed(const char *path)
{
    if (path[0] != '/')
        return false;
    if (path[1] == '\0')
        return true;
    for (const char *segment = path + 1;;) {
        size_t len = strcspn(segment, "/");

        if (!http_segment_allowed(segment, len))
            return false;
        if (segment[len] == '\0')
            return true;
        segment += len + 1;
    }
}

int http_target_parse(const char *text, struct http_target *target, struct aceso_error *error)
{
    size_t len = strnlen(text, HTTP_TARGET_MAX + 1), path_len = strcspn(text, "?");

    target->decoded_len = 0;
    target->path.count = target->query.count = 0;
    if (len > HTTP_TARGET_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "the target is longer than %d bytes",
                         HTTP_TARGET_MAX);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f || text[i] == '#')
            return error_set(error, ACESO_EFORMAT, NULL, "a character that no target may have");
    }
    memcpy(target->text, text, path_len);
    target->text[path_len] = '\0';
    if (!http_path_allowed(target->text))
        return error_set(error, ACESO_EFORMAT, "path", "not a plain absolute path");
    if (path_len == len)
        return ACESO_OK;
    return http_target_query(target, text + path_len + 1, len - path_len - 1, error);
}

/* Takes the segment of the path for "{name}" of the pattern. */
static int http_target_capture(struct http_target *target, size_t *at, const char *name,
                               const char *segment, size_t len)
{
    struct http_parameters *path = &target->path;
    const char *value;

    if (path->count == HTTP_PARAMETERS_MAX ||
        http_target_decode(target, at, segment, len, false, &value))
        return ACESO_EFORMAT;
    if (!http_segment_allowed(value, strlen(value)) || strchr(value, '/'))
        return ACESO_EFORMAT;
    path->list[path->count++] = (struct http_parameter){ .name = name, .value = value };
    return ACESO_OK;
}

/* Whether the path has the pattern's shape: as many segments, the fixed ones the same. */
static bool http_target_shape(const char *path, const char *pattern)
{
    while (*pattern) {
        size_t want = strcspn(pattern + 1, "/"), have = *path ? strcspn(path + 1, "/") : 0;

        if (*path != '/')
            return false;
        if (pattern[1] == '{' ? have == 0 : want != have || memcmp(pattern + 1, path + 1, want))
            return false;
        pattern += want + 1;
        path += have + 1;
    }
    return *path == '\0';
}

int http_target_match(struct http_target *target, const char *pattern, struct aceso_error *error)
{
    const char *path = target->text;
    size_t at = target->decoded_len; /* behind the query's */

    target->path.count = 0;
    if (!http_target_shape(path, pattern))
        return 0;
    while (*pattern) {
        size_t want = strcspn(pattern + 1, "/"), have = strcspn(path + 1, "/");

        if (pattern[1] == '{' && want > 2 && want - 2 <= HTTP_NAME_MAX) {
            const char *name = target->decoded + at;

            if (want - 1 > sizeof target->decoded - at)
                return error_set(error, ACESO_EFORMAT, "path", "too many parameters");
            memcpy(target->decoded + at, pattern + 2, want - 2);
            target->decoded[at + want - 2] = '\0';
            at += want - 1;
            if (http_target_capture(target, &at, name, path + 1, have))
                return error_set(error, ACESO_EFORMAT, "path", "a parameter is malformed");
        }
        pattern += want + 1;
        path += have + 1;
    }
    return 1;
}

const char *http_parameters_get(const struct http_parameters *parameters, const char *name)
{
    for (size_t i = 0; i < parameters->count; i++) {
        if (strcmp(parameters->list[i].name, name) == 0)
            return parameters->list[i].value;
    }
    return NULL;
}

int http_target_escape(const char *text, struct buffer *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~";

    for (; *text; text++) {
        if (strchr(plain, *text))
            (void)buffer_put_u8(out, (uint8_t)*text);
        else
            (void)buffer_printf(out, "%%%02X", (unsigned char)*text);
    }
    return out->failed;
}
