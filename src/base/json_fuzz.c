/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: never a crash, nothing deeper than the limit accepted, and a string that was
 * read comes back the same through the writer. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const char *text)
{
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct json_writer writer = json_writer_of(&out);
    const char *back = NULL;
    yyjson_doc *doc = NULL;

    json_open(&writer, NULL, '{');
    json_put_string(&writer, "k", text);
    json_close(&writer, '}');
    if (json_parse(buffer_bytes(&out), &doc, NULL) ||
        json_string(yyjson_doc_get_root(doc), "k", &back, NULL) || strcmp(back, text) != 0)
        abort();
    yyjson_doc_free(doc);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aceso_error error = { 0, "", "" };
    struct buffer out = BUFFER_INIT(1024);
    yyjson_doc *doc = NULL;
    const char *text;
    uint8_t hash[32];
    uint64_t number;
    int code = json_parse(bytes_of(data, size), &doc, &error);

    if (code) {
        if (doc || error.code != code)
            abort();
        return 0;
    }
    if (!json_depth_within(bytes_of(data, size), JSON_DEPTH_MAX))
        abort();
    if (!json_string(yyjson_doc_get_root(doc), "k", &text, &error))
        check_round_trip(text);
    if (!json_u64(yyjson_doc_get_root(doc), "n", 1000, &number, &error) && number > 1000)
        abort();
    (void)!json_hex(yyjson_doc_get_root(doc), "h", hash, sizeof hash, &error);
    (void)!json_base64(yyjson_doc_get_root(doc), "b", &out, &error);
    buffer_free(&out);
    yyjson_doc_free(doc);
    return 0;
}
