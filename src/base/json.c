/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool json_depth_within(struct bytes bytes, size_t max)
{
    size_t depth = 0;
    bool string = false;

    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];

        if (string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                string = false;
        } else if (c == '"') {
            string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > max)
                return false;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return true;
}

static int json_parse_failed(struct bytes bytes, const yyjson_read_err *failure,
                             struct aceso_error *error)
{
    size_t line = 1, column = 1, character = 1;
    char place[64];

    (void)yyjson_locate_pos((const char *)bytes.data, bytes.len, failure->pos, &line, &column,
                            &character);
    (void)snprintf(place, sizeof place, "line %zu, column %zu", line, column);
    return error_set(error, ACESO_EFORMAT, place, "not JSON: %s", failure->msg);
}

int json_parse(struct bytes bytes, yyjson_doc **doc, struct aceso_error *error)
{
    yyjson_read_err failure;
    yyjson_doc *parsed;

    if (!json_depth_within(bytes, JSON_DEPTH_MAX))
        return error_set(error, ACESO_ELIMIT, NULL, "JSON deeper than %d levels", JSON_DEPTH_MAX);
    parsed = yyjson_read_opts((char *)(uintptr_t)bytes.data, bytes.len, YYJSON_READ_NOFLAG, NULL,
                              &failure);
    if (!parsed)
        return json_parse_failed(bytes, &failure, error);
    *doc = parsed;
    return ACESO_OK;
}

static yyjson_val *json_member(const yyjson_val *object, const char *key)
{
    return yyjson_obj_get((yyjson_val *)(uintptr_t)object, key);
}

int json_string(const yyjson_val *object, const char *key, const char **value,
                struct aceso_error *error)
{
    yyjson_val *member = json_member(object, key);

    if (!yyjson_is_str(member))
        return error_set(error, ACESO_EFORMAT, key, "a string is missing");
    if (strlen(yyjson_get_str(member)) != yyjson_get_len(member))
        return error_set(error, ACESO_EFORMAT, key, "a NUL inside the string");
    *value = yyjson_get_str(member);
    return ACESO_OK;
}

int json_u64(const yyjson_val *object, const char *key, uint64_t max, uint64_t *value,
             struct aceso_error *error)
{
    yyjson_val *member = json_member(object, key);

    if (!yyjson_is_uint(member) || yyjson_get_uint(member) > max)
        return error_set(error, ACESO_EFORMAT, key, "a number from 0 to %llu is missing",
                         (unsigned long long)max);
    *value = yyjson_get_uint(member);
    return ACESO_OK;
}

int json_hex(const yyjson_val *object, const char *key, void *out, size_t len,
             struct aceso_error *error)
{
    const char *text;
    int code = json_string(object, key, &text, error);

    if (code)
        return code;
    if (text_unhex(text, out, len))
        return error_set(error, ACESO_EFORMAT, key, "not %zu bytes of hex", len);
    return ACESO_OK;
}

int json_base64(const yyjson_val *object, const char *key, struct buffer *out,
                struct aceso_error *error)
{
    const char *text;
    int code = json_string(object, key, &text, error);

    if (code)
        return code;
    code = text_unbase64(text, strlen(text), out);
    return code ? error_set(error, code, key, "not base64") : ACESO_OK;
}

const char *json_string_or(const yyjson_val *object, const char *key, const char *otherwise)
{
    const char *value;

    return json_string(object, key, &value, NULL) ? otherwise : value;
}

uint64_t json_u64_or(const yyjson_val *object, const char *key, uint64_t otherwise)
{
    uint64_t value;

    return json_u64(object, key, UINT64_MAX, &value, NULL) ? otherwise : value;
}

struct json_writer json_writer_of(struct buffer *out)
{
    return (struct json_writer){ .out = out, .comma = false };
}

static void json_escape(struct buffer *out, struct bytes text)
{
    (void)buffer_put_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c == '"' || c == '\\') {
            (void)buffer_put_u8(out, '\\');
            (void)buffer_put_u8(out, c);
        } else if (c < 0x20 || c == 0x7f) {
            (void)buffer_printf(out, "\\u%04x", c);
        } else {
            (void)buffer_put_u8(out, c);
        }
    }
    (void)buffer_put_u8(out, '"');
}

static void json_key(struct json_writer *writer, const char *key)
{
    if (writer->comma)
        (void)buffer_put_u8(writer->out, ',');
    writer->comma = true;
    if (key)
        (void)buffer_printf(writer->out, "\"%s\":", key);
}

void json_open(struct json_writer *writer, const char *key, char bracket)
{
    json_key(writer, key);
    (void)buffer_put_u8(writer->out, (uint8_t)bracket);
    writer->comma = false;
}

void json_close(struct json_writer *writer, char bracket)
{
    (void)buffer_put_u8(writer->out, (uint8_t)bracket);
    writer->comma = true;
}

void json_put_bytes(struct json_writer *writer, const char *key, struct bytes value)
{
    json_key(writer, key);
    json_escape(writer->out, value);
}

void json_put_string(struct json_writer *writer, const char *key, const char *value)
{
    json_put_bytes(writer, key, bytes_of_string(value));
}

void json_put_u64(struct json_writer *writer, const char *key, uint64_t value)
{
    json_key(writer, key);
    (void)buffer_printf(writer->out, "%llu", (unsigned long long)value);
}

void json_put_bool(struct json_writer *writer, const char *key, bool value)
{
    json_key(writer, key);
    (void)buffer_put_string(writer->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *writer, const char *key)
{
    json_key(writer, key);
    (void)buffer_put_string(writer->out, "null");
}

void json_put_hex(struct json_writer *writer, const char *key, const void *data, size_t len)
{
    json_key(writer, key);
    (void)buffer_put_string(writer->out, "\"0x");
    (void)buffer_put_hex(writer->out, bytes_of(data, len));
    (void)buffer_put_u8(writer->out, '"');
}

void json_put_base64(struct json_writer *writer, const char *key, struct bytes value)
{
    json_key(writer, key);
    (void)buffer_put_u8(writer->out, '"');
    if (text_base64(value, writer->out) && !writer->out->failed)
        writer->out->failed = ACESO_EFORMAT;
    (void)buffer_put_u8(writer->out, '"');
}

void json_put_raw(struct json_writer *writer, const char *key, struct bytes json)
{
    json_key(writer, key);
    (void)buffer_put_bytes(writer->out, json);
}
