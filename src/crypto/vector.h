/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: published vectors, written as hex. */
#ifndef ACESO_CRYPTO_VECTOR_H
#define ACESO_CRYPTO_VECTOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#include <cmocka.h>
#include <string.h>

#define VECTOR_MAX 512

struct vector {
    uint8_t data[VECTOR_MAX];
    size_t len;
};

static inline struct vector vector_of(const char *hex)
{
    struct vector vector = { .len = strlen(hex) / 2 };

    assert_true(vector.len <= VECTOR_MAX);
    assert_int_equal(text_unhex(hex, vector.data, vector.len), ACESO_OK);
    return vector;
}

static inline struct bytes vector_bytes(const struct vector *vector)
{
    return bytes_of(vector->data, vector->len);
}

static inline void vector_expect(struct bytes got, const char *hex)
{
    struct vector want = vector_of(hex);

    assert_int_equal(got.len, want.len);
    if (want.len)
        assert_memory_equal(got.data, want.data, want.len);
}

#endif
