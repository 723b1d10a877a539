/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_problem.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

static const struct {
    int code;
    unsigned status;
    const char *word;
} http_problems[] = {
    { ACESO_EMEMORY, 503, "memory" },
    { ACESO_EUSAGE, 400, "usage" },
    { ACESO_EFORMAT, 400, "format" },
    { ACESO_ELIMIT, 413, "limit" },
    { ACESO_EIO, 502, "io" },
    { ACESO_ENOTFOUND, 404, "notfound" },
    { ACESO_EEXISTS, 409, "exists" },
    { ACESO_EVERIFY, 422, "verify" },
    { ACESO_EDENIED, 403, "denied" },
    { ACESO_ESTATE, 409, "state" },
    { ACESO_EBUSY, 503, "busy" },
    { ACESO_ETIMEOUT, 504, "timeout" },
    { ACESO_ECHAIN, 502, "chain" },
    { ACESO_ECANCELLED, 503, "cancelled" },
    { ACESO_EINTERNAL, 500, "internal" },
};

#define HTTP_PROBLEMS (sizeof http_problems / sizeof http_problems[0])

/* Of several codes with one status, the one that says least. */
static const struct {
    unsigned status;
    int code;
} http_statuses[] = {
    { 400, ACESO_EFORMAT },  { 401, ACESO_EDENIED },    { 403, ACESO_EDENIED },
    { 404, ACESO_ENOTFOUND }, { 405, ACESO_EUSAGE },    { 408, ACESO_ETIMEOUT },
    { 409, ACESO_ESTATE },   { 413, ACESO_ELIMIT },     { 414, ACESO_ELIMIT },
    { 415, ACESO_EFORMAT },  { 422, ACESO_EVERIFY },    { 429, ACESO_EBUSY },
    { 431, ACESO_ELIMIT },   { 500, ACESO_EINTERNAL },  { 502, ACESO_EIO },
    { 503, ACESO_EBUSY },    { 504, ACESO_ETIMEOUT },   { 505, ACESO_EUSAGE },
};

unsigned http_problem_status(int code)
{
    if (code == ACESO_OK)
        return 200;
    for (size_t i = 0; i < HTTP_PROBLEMS; i++) {
        if (http_problems[i].code == code)
            return http_problems[i].status;
    }
    return 500;
}

const char *http_problem_word(int code)
{
    for (size_t i = 0; i < HTTP_PROBLEMS; i++) {
        if (http_problems[i].code == code)
            return http_problems[i].word;
    }
    return "internal";
}

int http_problem_code(const char *word)
{
    for (size_t i = 0; i < HTTP_PROBLEMS; i++) {
        if (strcmp(http_problems[i].word, word) == 0)
            return http_problems[i].code;
    }
    return ACESO_EINTERNAL;
}

int http_problem_of_status(unsigned status)
{
    for (size_t i = 0; i < sizeof http_statuses / sizeof http_statuses[0]; i++) {
        if (http_statuses[i].status == status)
            return http_statuses[i].code;
    }
    return status >= 400 && status < 500 ? ACESO_EUSAGE : ACESO_EIO;
}

/* Puts a text of ours, which may hold foreign bytes cut anywhere, as valid UTF-8. */
static void http_problem_put(struct json_writer *json, const char *key, const char *text)
{
    char clean[ACESO_ERROR_TEXT_MAX];
    size_t len = 0;

    for (const char *at = text; *at && len < sizeof clean - 4;) {
        size_t step = 1, left = strnlen(at, 4);

        while (step <= left && !text_is_utf8(bytes_of(at, step)))
            step++;
        if (step > left) {
            clean[len++] = '?';
            at++;
            continue;
        }
        memcpy(clean + len, at, step);
        len += step;
        at += step;
    }
    json_put_bytes(json, key, bytes_of(clean, len));
}

int http_problem_write(const struct aceso_error *problem, unsigned status, struct buffer *out)
{
    struct json_writer json = json_writer_of(out);

    json_open(&json, NULL, '{');
    json_put_string(&json, "code", http_problem_word(problem->code));
    json_put_u64(&json, "status", status);
    http_problem_put(&json, "text", problem->text[0] ? problem->text : error_name(problem->code));
    if (problem->place[0])
        http_problem_put(&json, "place", problem->place);
    json_close(&json, '}');
    return out->failed;
}

/* The text goes to terminals and logs: no control characters of a foreign node. */
static void http_problem_clean(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

int http_problem_read(unsigned status, struct bytes body, struct aceso_error *error)
{
    struct aceso_error problem;
    yyjson_doc *doc = NULL;
    const yyjson_val *root;
    const char *word, *text, *place;
    int code = http_problem_of_status(status);

    if (body.len == 0 || body.len > HTTP_PROBLEM_MAX || json_parse(body, &doc, NULL))
        return error_set(error, code, NULL, "the other side answered with status %u", status);
    root = yyjson_doc_get_root(doc);
    word = json_string_or(root, "code", NULL);
    if (word)
        code = http_problem_code(word);
    text = json_string_or(root, "text", error_name(code));
    place = json_string_or(root, "place", "");
    (void)error_set(&problem, code, place, "%s", text);
    yyjson_doc_free(doc);
    http_problem_clean(problem.text);
    http_problem_clean(problem.place);
    return error_set(error, code, problem.place[0] ? problem.place : NULL, "%s", problem.text);
}
