/* SPDX-License-Identifier: Apache-2.0 */
#include "record/patch.h"
#include "record/vectors.h"

#include <stdio.h>

static struct bytes text_or_null(yyjson_val *object, const char *key)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));

    return text ? bytes_of_string(text) : bytes_of(NULL, 0);
}

static void apply_good(yyjson_val *cases)
{
    yyjson_val *one;
    size_t i, max;

    yyjson_arr_foreach(cases, i, max, one)
    {
        struct buffer out = BUFFER_INIT(4096);

        assert_int_equal(patch_apply(text_or_null(one, "lower"), text_or_null(one, "patch"), &out,
                                     NULL),
                         ACESO_OK);
        assert_string_equal(buffer_text(&out), vectors_text(one, "upper"));
        buffer_free(&out);
    }
}

static void test_vectors(void **state)
{
    yyjson_doc *doc = vectors_load("patch.json");
    yyjson_val *root = yyjson_doc_get_root(doc), *one;
    size_t i, max;

    (void)state;
    apply_good(yyjson_obj_get(root, "good"));
    apply_good(yyjson_obj_get(root, "numbers"));
    yyjson_arr_foreach(yyjson_obj_get(root, "refused"), i, max, one)
    {
        struct buffer out = BUFFER_INIT(4096);
        struct aceso_error error = { 0 };

        (void)buffer_put_string(&out, "before");
        assert_int_equal(patch_apply(text_or_null(one, "lower"), text_or_null(one, "patch"), &out,
                                     &error),
                         ACESO_EFORMAT);
        assert_true(error.text[0] != '\0');
        assert_string_equal(buffer_text(&out), "before");
        buffer_free(&out);
    }
    yyjson_doc_free(doc);
}

/* apply(lower, make(lower, upper)) is upper, minified. Returns the patch's length. */
static size_t round_trip(struct bytes lower, struct bytes upper)
{
    struct buffer patch = BUFFER_INIT(1 << 24), back = BUFFER_INIT(1 << 24);
    struct buffer wanted = BUFFER_INIT(1 << 24);
    size_t len;

    assert_int_equal(patch_minify(upper, &wanted, NULL), ACESO_OK);
    assert_int_equal(patch_make(lower, upper, &patch, NULL), ACESO_OK);
    len = patch.len;
    if (len == 0) {
        assert_non_null(lower.data);
        assert_int_equal(patch_minify(lower, &back, NULL), ACESO_OK);
    } else {
        assert_int_equal(patch_apply(lower, buffer_bytes(&patch), &back, NULL), ACESO_OK);
    }
    assert_string_equal(buffer_text(&back), buffer_text(&wanted));
    buffer_free(&patch);
    buffer_free(&back);
    buffer_free(&wanted);
    return len;
}

static size_t round_trip_text(const char *lower, const char *upper)
{
    return round_trip(lower ? bytes_of_string(lower) : bytes_of(NULL, 0), bytes_of_string(upper));
}

static void expect_patch(const char *lower, const char *upper, const char *patch)
{
    struct buffer out = BUFFER_INIT(4096);

    assert_int_equal(patch_make(lower ? bytes_of_string(lower) : bytes_of(NULL, 0),
                                bytes_of_string(upper), &out, NULL),
                     ACESO_OK);
    assert_string_equal(buffer_text(&out), patch);
    buffer_free(&out);
    (void)round_trip_text(lower, upper);
}

static void test_make_says_what_is_new(void **state)
{
    (void)state;
    expect_patch(NULL, " { \"a\" : 1.0 } ", "{\"=\":{\"a\":1.0}}");
    expect_patch("{\"a\":1,\"b\":2}", "{\"a\" : 1, \"b\":2}", "");
    expect_patch("{\"a\":1}", "{\"a\":1.0}", "{\"=\":{\"a\":1.0}}");
    expect_patch("{\"a\":1}", "{\"a\":1,\"b\":2}", "{\"o\":[[\"a\",null],[\"b\",{\"=\":2}]]}");
    expect_patch("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", "{\"o\":[[\"b\",null],[\"a\",null]]}");
    /* A hole in front: the second upper element is the lower one. */
    expect_patch("[{\"c\":\"x\"}]", "[{\"c\":\"w\",\"d\":1},{\"c\":\"x\",\"d\":2}]",
                 "{\"a\":[{\"=\":{\"c\":\"w\",\"d\":1}},"
                 "[0,{\"o\":[[\"c\",null],[\"d\",{\"=\":2}]]}]]}");
    /* A pseudonym in front of the reference does not hide the partner. */
    expect_patch("[{\"s\":2,\"reference\":\"p\"}]",
                 "[{\"s\":1,\"reference\":\"q\"},{\"s\":2,\"reference\":\"r\"}]",
                 "{\"a\":[{\"=\":{\"s\":1,\"reference\":\"q\"}},"
                 "[0,{\"o\":[[\"s\",null],[\"reference\",{\"=\":\"r\"}]]}]]}");
    expect_patch("{\"a\":true}", "{\"a\":false}", "{\"=\":{\"a\":false}}");
}

static void test_odd_pairs(void **state)
{
    (void)state;
    (void)round_trip_text("{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2,\"b\":3}");
    (void)round_trip_text("{\"a\":1}", "{\"a\":1,\"b\":1,\"b\":2}");
    (void)round_trip_text("[]", "[[]]");
    (void)round_trip_text("[1,1,1]", "[1,1]");
    (void)round_trip_text("[1,2,3]", "[3,2,1]");
    (void)round_trip_text("\"a\"", "\"\\u0000\\u001f\\u007f\\uD83D\\uDE00\\/\"");
    (void)round_trip_text("null", "{\"\":null}");
    (void)round_trip_text("{\"\":1}", "{\"\":1,\"=\":{\"o\":[]},\"a\":[0]}");
    (void)round_trip_text("0.010", "1.000E-245");
    /* The same text written in two ways is equal: an escape is not a change. */
    assert_int_equal(round_trip_text("\"a\\/b\"", "\"\\u0061/b\""), 0);
}

/* --- random JSON ----------------------------------------------------------------------------- */

static uint32_t dice_state;

static uint32_t dice(uint32_t sides)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 17;
    dice_state ^= dice_state << 5;
    return dice_state % sides;
}

static void random_leaf(struct buffer *out)
{
    static const char *const leaves[] = {
        "null", "true", "false", "0.010", "1.0", "-0", "1e5", "12",
        "\"x\"", "\"y\\n\"", "\"\\u00e9\"", "\"\"",
    };

    (void)buffer_put_string(out, leaves[dice(sizeof leaves / sizeof leaves[0])]);
}

static void random_json(struct buffer *out, unsigned depth)
{
    uint32_t kind = depth ? dice(3) : 0, count = dice(5);

    if (kind == 0) {
        random_leaf(out);
        return;
    }
    (void)buffer_put_u8(out, kind == 1 ? '{' : '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            (void)buffer_put_u8(out, ',');
        if (kind == 1)
            (void)buffer_printf(out, "\"k%u\":", dice(20) ? i : dice(3));
        random_json(out, depth - 1);
    }
    (void)buffer_put_u8(out, kind == 1 ? '}' : ']');
}

/* A copy of `value` with holes, as a lower view has them. */
static void with_holes(yyjson_val *value, struct buffer *out)
{
    size_t i, max;
    yyjson_val *key, *item;
    bool comma = false;

    if (yyjson_is_obj(value)) {
        (void)buffer_put_u8(out, '{');
        yyjson_obj_foreach(value, i, max, key, item)
        {
            if (dice(3) == 0)
                continue;
            (void)buffer_printf(out, "%s\"%s\":", comma ? "," : "", yyjson_get_str(key));
            with_holes(item, out);
            comma = true;
        }
        (void)buffer_put_u8(out, '}');
    } else if (yyjson_is_arr(value)) {
        (void)buffer_put_u8(out, '[');
        yyjson_arr_foreach(value, i, max, item)
        {
            if (dice(3) == 0)
                continue;
            if (comma)
                (void)buffer_put_u8(out, ',');
            with_holes(item, out);
            comma = true;
        }
        (void)buffer_put_u8(out, ']');
    } else {
        char *text = yyjson_val_write(value, 0, NULL);

        (void)buffer_put_string(out, text);
        free(text);
    }
}

static void test_random_pairs(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 3000; seed++) {
        struct buffer a = BUFFER_INIT(1 << 20), b = BUFFER_INIT(1 << 20);
        struct buffer holes = BUFFER_INIT(1 << 20);
        yyjson_doc *doc;

        dice_state = seed * 2654435761u | 1;
        random_json(&a, 6);
        random_json(&b, 6);
        (void)round_trip(buffer_bytes(&a), buffer_bytes(&b));
        (void)round_trip(bytes_of(NULL, 0), buffer_bytes(&b));
        doc = yyjson_read((const char *)b.data, b.len, YYJSON_READ_NUMBER_AS_RAW);
        assert_non_null(doc);
        with_holes(yyjson_doc_get_root(doc), &holes);
        (void)round_trip(buffer_bytes(&holes), buffer_bytes(&b));
        assert_int_equal(round_trip(buffer_bytes(&b), buffer_bytes(&b)), 0);
        yyjson_doc_free(doc);
        buffer_free(&a);
        buffer_free(&b);
        buffer_free(&holes);
    }
}

/* An item of a large bill, seen at a level. */
static void put_item(struct buffer *out, unsigned i, unsigned level)
{
    (void)buffer_printf(out, "{\"sequence\":%u", i);
    if (level >= 2)
        (void)buffer_printf(out, ",\"encounter\":[{\"reference\":\"%s-%u\"}]",
                            level >= 4 ? "urn:uuid:long-name" : "pseudonym", i / 7);
    (void)buffer_printf(out, ",\"category\":{\"coding\":[{\"system\":\"http://example.org/c\""
                             ",\"code\":\"1\",\"display\":\"Medical care\"}]}"
                             ",\"net\":{\"value\":%u.%02u,\"currency\":\"USD\"}",
                        i * 13 % 997, i % 100);
    if (level >= 3)
        (void)buffer_printf(out, ",\"note\":\"%u\"", i);
    (void)buffer_put_u8(out, '}');
}

static void put_bill(struct buffer *out, unsigned count, unsigned level)
{
    bool comma = false;

    (void)buffer_put_string(out, "{\"resourceType\":\"ExplanationOfBenefit\",\"item\":[");
    for (unsigned i = 0; i < count; i++) {
        if (level < 3 && i % 10 == 0)
            continue; /* hidden below level 3 */
        if (comma)
            (void)buffer_put_u8(out, ',');
        put_item(out, i, level);
        comma = true;
    }
    (void)buffer_put_string(out, "]}");
}

static void test_long_arrays_stay_small(void **state)
{
    struct buffer view[5];

    (void)state;
    for (unsigned level = 1; level <= 4; level++) {
        view[level] = (struct buffer)BUFFER_INIT(1 << 24);
        put_bill(&view[level], 3000, level);
    }
    for (unsigned level = 2; level <= 4; level++) {
        size_t len = round_trip(buffer_bytes(&view[level - 1]), buffer_bytes(&view[level]));

        /* A patch repeats the names of what it keeps, not the values. */
        assert_true(len < view[level].len * 9 / 10);
    }
    for (unsigned level = 1; level <= 4; level++)
        buffer_free(&view[level]);
}

/* Elements that share all but their end, none of which fits: the budget keeps it quick. */
static void test_hostile_arrays_end(void **state)
{
    struct buffer lower = BUFFER_INIT(1 << 24), upper = BUFFER_INIT(1 << 24);

    (void)state;
    (void)buffer_put_u8(&lower, '[');
    (void)buffer_put_u8(&upper, '[');
    for (unsigned i = 0; i < 2000; i++) {
        for (unsigned side = 0; side < 2; side++) {
            struct buffer *out = side ? &upper : &lower;

            (void)buffer_put_string(out, i ? ",[" : "[");
            for (unsigned j = 0; j < 200; j++)
                (void)buffer_put_string(out, "0,");
            (void)buffer_put_string(out, side ? "1]" : "2]");
        }
    }
    (void)buffer_put_u8(&lower, ']');
    (void)buffer_put_u8(&upper, ']');
    (void)round_trip(buffer_bytes(&lower), buffer_bytes(&upper));
    buffer_free(&lower);
    buffer_free(&upper);
}

static void put_deep(struct buffer *out, const char *open, const char *inside, const char *close,
                     unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        (void)buffer_put_string(out, open);
    (void)buffer_put_string(out, inside);
    for (unsigned i = 0; i < times; i++)
        (void)buffer_put_string(out, close);
}

static void test_depth(void **state)
{
    struct buffer deep = BUFFER_INIT(1 << 20), patch = BUFFER_INIT(1 << 20);
    struct buffer out = BUFFER_INIT(1 << 20);

    (void)state;
    put_deep(&deep, "{\"a\":[", "0", "]}", RECORD_DEPTH_MAX / 2);
    (void)round_trip(bytes_of(NULL, 0), buffer_bytes(&deep));
    put_deep(&patch, "{\"a\":[", "0,1", "]}", RECORD_DEPTH_MAX / 2);
    (void)round_trip(buffer_bytes(&deep), buffer_bytes(&patch)); /* the longest patch there is */
    buffer_clear(&deep);
    buffer_clear(&patch);
    put_deep(&deep, "[", "0", "]", RECORD_DEPTH_MAX + 1);
    assert_int_equal(patch_make(bytes_of(NULL, 0), buffer_bytes(&deep), &out, NULL), ACESO_ELIMIT);
    assert_int_equal(patch_make(buffer_bytes(&deep), bytes_of("1", 1), &out, NULL), ACESO_ELIMIT);
    (void)buffer_printf(&patch, "{\"=\":%s}", buffer_text(&deep));
    assert_int_equal(patch_apply(bytes_of(NULL, 0), buffer_bytes(&patch), &out, NULL),
                     ACESO_ELIMIT);
    buffer_clear(&patch);
    put_deep(&patch, "[", "0", "]", 100000);
    assert_int_equal(patch_apply(bytes_of(NULL, 0), buffer_bytes(&patch), &out, NULL),
                     ACESO_ELIMIT);
    assert_int_equal(out.len, 0);
    buffer_free(&deep);
    buffer_free(&patch);
    buffer_free(&out);
}

static void test_output_limit(void **state)
{
    struct buffer out = BUFFER_INIT(10);

    (void)state;
    assert_int_equal(patch_apply(bytes_of(NULL, 0), bytes_of_string("{\"=\":\"0123456789\"}"), &out,
                                 NULL),
                     ACESO_ELIMIT);
    buffer_clear(&out);
    assert_int_equal(patch_make(bytes_of(NULL, 0), bytes_of_string("\"0123456789\""), &out, NULL),
                     ACESO_ELIMIT);
    buffer_free(&out);
}

static void test_wide_objects(void **state)
{
    struct buffer lower = BUFFER_INIT(1 << 22), upper = BUFFER_INIT(1 << 22);

    (void)state;
    for (unsigned side = 0; side < 2; side++) {
        struct buffer *out = side ? &upper : &lower;

        (void)buffer_put_u8(out, '{');
        for (unsigned i = 0; i < 20000; i++) {
            if (side || i % 3)
                (void)buffer_printf(out, "%s\"key%u\":%u", out->len > 1 ? "," : "", i, i);
        }
        (void)buffer_put_u8(out, '}');
    }
    (void)round_trip(buffer_bytes(&lower), buffer_bytes(&upper));
    (void)round_trip(buffer_bytes(&upper), buffer_bytes(&lower));
    buffer_free(&lower);
    buffer_free(&upper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_make_says_what_is_new),
        cmocka_unit_test(test_odd_pairs),
        cmocka_unit_test(test_random_pairs),
        cmocka_unit_test(test_long_arrays_stay_small),
        cmocka_unit_test(test_hostile_arrays_end),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_output_limit),
        cmocka_unit_test(test_wide_objects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
