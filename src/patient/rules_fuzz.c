/* SPDX-License-Identifier: Apache-2.0 */
/* The input as a rule, and as a table of levels: what is taken is well-formed and can
 * be written. */
#include "patient/rules.h"

#include "consent/vocabulary.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_rule(const yyjson_val *input)
{
    struct buffer words = BUFFER_INIT(4096), object = BUFFER_INIT(4096);
    struct json_writer writer = json_writer_of(&object);
    yyjson_doc *doc = NULL;
    struct rule rule;

    if (rule_parse(input, &rule, NULL) == ACESO_OK) {
        if (rule.level > 4 || (rule.then != RULE_ALLOW && (rule.level || rule.term || rule.less)))
            abort();
        rule.number = 1;
        rule_write(&rule, &writer);
        if (rule_print(&rule, &words) || json_parse(buffer_bytes(&object), &doc, NULL))
            abort();
    }
    yyjson_doc_free(doc);
    buffer_free(&words);
    buffer_free(&object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer text = BUFFER_INIT((size_t)1 << 20);
    uint8_t levels[32];
    yyjson_doc *doc = NULL;

    if (json_parse(bytes_of(data, size), &doc, NULL) == ACESO_OK)
        look_at_rule(yyjson_doc_get_root(doc));
    if (buffer_put(&text, data, size) == ACESO_OK &&
        levels_parse(buffer_text(&text), levels, NULL) == ACESO_OK) {
        for (size_t i = 0; i < 32; i++) {
            if ((levels[i] & 15) > 4 || levels[i] >> 4 > 4 || (i < 16 && levels[i]))
                abort(); /* the contract would refuse it */
        }
        if (levels[31] & 15)
            abort();
    }
    yyjson_doc_free(doc);
    buffer_free(&text);
    return 0;
}
