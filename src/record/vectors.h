/* SPDX-License-Identifier: Apache-2.0 */
/* For this room's tests: the JSON files in vectors/, made by another implementation. */
#ifndef ACESO_RECORD_VECTORS_H
#define ACESO_RECORD_VECTORS_H

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RECORD_VECTORS is the folder, told by the build. */
static inline yyjson_doc *vectors_load(const char *name)
{
    struct buffer text = BUFFER_INIT(1 << 20);
    yyjson_doc *doc = NULL;
    char path[4096];

    assert_int_equal(file_path(RECORD_VECTORS, name, path, sizeof path), ACESO_OK);
    assert_int_equal(file_read(path, &text, NULL), ACESO_OK);
    assert_int_equal(json_parse(buffer_bytes(&text), &doc, NULL), ACESO_OK);
    buffer_free(&text);
    return doc;
}

static inline const char *vectors_text(yyjson_val *object, const char *key)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));

    assert_non_null(text);
    return text;
}

static inline void vectors_hex(yyjson_val *object, const char *key, void *out, size_t len)
{
    assert_int_equal(text_unhex(vectors_text(object, key), out, len), ACESO_OK);
}

static inline void vectors_hex_buffer(yyjson_val *object, const char *key, struct buffer *out)
{
    assert_int_equal(text_unhex_buffer(vectors_text(object, key), out), ACESO_OK);
}

static inline uint64_t vectors_number(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    assert_true(yyjson_is_uint(value));
    return yyjson_get_uint(value);
}

#endif
