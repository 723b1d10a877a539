/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a target: what is accepted is decoded to clean text, and what one builds from the
 * decoded parameters is read back as the same. */
#include "base/text.h"
#include "net/http_target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parameters(const struct http_parameters *parameters, bool path)
{
    if (parameters->count > HTTP_PARAMETERS_MAX)
        abort();
    for (size_t i = 0; i < parameters->count; i++) {
        const char *value = parameters->list[i].value;

        if (!text_is_utf8(bytes_of_string(value)) || strlen(value) > HTTP_TARGET_MAX ||
            strlen(parameters->list[i].name) > HTTP_NAME_MAX)
            abort();
        for (const char *at = value; *at; at++) {
            if ((unsigned char)*at < 0x20 || *at == 0x7f || (path && *at == '/'))
                abort();
        }
    }
}

/* Not every accepted query fits once it is escaped again; where it fits it says the same. */
static void check_back(const struct http_target *target)
{
    struct buffer text = BUFFER_INIT(HTTP_TARGET_MAX);
    struct http_target *again = malloc(sizeof *again);

    (void)buffer_put_string(&text, "/?");
    for (size_t i = 0; i < target->query.count; i++) {
        (void)buffer_put_string(&text, i ? "&" : "");
        (void)http_target_escape(target->query.list[i].name, &text);
        (void)buffer_put_string(&text, "=");
        (void)http_target_escape(target->query.list[i].value, &text);
    }
    if (again && !text.failed) {
        if (http_target_parse(buffer_text(&text), again, NULL) ||
            again->query.count != target->query.count)
            abort();
        for (size_t i = 0; i < again->query.count; i++) {
            if (strcmp(again->query.list[i].name, target->query.list[i].name) != 0 ||
                strcmp(again->query.list[i].value, target->query.list[i].value) != 0)
                abort();
        }
    }
    free(again);
    buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const patterns[] = { "/", "/{a}", "/v1/{id}", "/v1/requests/{id}/{part}",
                                            "/{a}/{b}/{c}/{d}/{e}/{f}" };
    char *text = malloc(size + 1);
    struct http_target *target = malloc(sizeof *target);

    if (text && target) {
        memcpy(text, data, size);
        text[size] = '\0';
        if (!http_target_parse(text, target, NULL)) {
            check_parameters(&target->query, false);
            check_back(target);
            for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
                if (http_target_match(target, patterns[i], NULL) == 1)
                    check_parameters(&target->path, true);
            }
            check_parameters(&target->query, false); /* the path's did not overwrite them */
        }
    }
    free(text);
    free(target);
    return 0;
}
