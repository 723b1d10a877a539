/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/testing.h"

#include <zlib.h>

#define HEAD "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":["
#define PATIENT "{\"resource\":" TESTING_PATIENT "}"

/* Reads all entries and parses each; returns the first failure or the number of entries. */
static int read_all(struct bytes text, struct aceso_error *error)
{
    struct fhir_bundle *bundle = NULL;
    struct fhir_entry entry;
    int code, count = 0;

    assert_int_equal(fhir_bundle_open_bytes(text, "b.json", &bundle, error), ACESO_OK);
    while ((code = fhir_bundle_next(bundle, &entry, error)) == 1) {
        struct fhir_resource resource;

        code = fhir_resource_parse(&entry, &resource, error);
        if (code) {
            fhir_bundle_close(bundle);
            return code;
        }
        fhir_resource_free(&resource);
        count++;
    }
    /* A reader that failed stays failed. */
    if (code < 0)
        assert_int_equal(fhir_bundle_next(bundle, &entry, NULL), code);
    fhir_bundle_close(bundle);
    return code < 0 ? code : count;
}

static const struct {
    const char *text;
    int code;
    const char *place;
    const char *words;
} broken[] = {
    { "", ACESO_EFORMAT, "b.json: line 1", "empty" },
    { "\n\n", ACESO_EFORMAT, "b.json: line 3", "cut off" },
    { "hello", ACESO_EFORMAT, "b.json: line 1", "not JSON" },
    { "[]", ACESO_EFORMAT, "b.json: line 1", "array" },
    { "{", ACESO_EFORMAT, "b.json: line 1", "cut off" },
    { "{}", ACESO_EFORMAT, "b.json: line 1", "no resourceType" },
    { "{\"resourceType\":\"Bundle\"}", ACESO_EFORMAT, "b.json: line 1", "no type" },
    { "{\"resourceType\":\"Patient\"}", ACESO_EFORMAT, "b.json: line 1", "another resource" },
    { "{\"resourceType\":\"Bundel\"}", ACESO_EFORMAT, "b.json: line 1", "not a FHIR Bundle" },
    { "{\"resourceType\":5}", ACESO_EFORMAT, "b.json: line 1", "not a FHIR Bundle" },
    { "{\"resourceType\":\"Bundle\",\n\"type\":\"parcel\"}", ACESO_EFORMAT, "b.json: line 2",
      "bundle types" },
    { "{\"resourceType\":\"Bundle\",\n\"type\":[]}", ACESO_EFORMAT, "b.json: line 2",
      "type must not be an array" },
    { "{\"resourceType\":\"Bundle\",\"total\":\"5\"}", ACESO_EFORMAT, "b.json: line 1",
      "total must be a whole number" },
    { "{\"type\":\"batch\",\"type\":\"batch\"}", ACESO_EFORMAT, "b.json: line 1", "twice" },
    { "{\"resourceType\":\"Bundle\",\"type\":\"batch\",}", ACESO_EFORMAT, "b.json: line 1",
      "comma" },
    { "{\"resourceType\" \"Bundle\"}", ACESO_EFORMAT, "b.json: line 1", "colon" },
    { "{\"resourceType\":\"Bundle\" \"type\":\"batch\"}", ACESO_EFORMAT, "b.json: line 1",
      "comma" },
    { "{\"type\":\"batch\",\"entry\":{}}", ACESO_EFORMAT, "b.json: line 1", "must be an array" },
    { "{\"type\":\"batch\",\"entry\":[5]}", ACESO_EFORMAT, "b.json: entry 1: line 1",
      "an object" },
    { HEAD PATIENT, ACESO_EFORMAT, "b.json: entry 1: line 1", "cut off" },
    { HEAD PATIENT "," PATIENT "]}]", ACESO_EFORMAT, "b.json: line 1", "after the Bundle's end" },
    { HEAD PATIENT PATIENT "]}", ACESO_EFORMAT, "b.json: entry 1: line 1", "comma" },
    { HEAD PATIENT ",]}", ACESO_EFORMAT, "b.json: entry 1: line 1", "comma" },
    { HEAD "\n{\"resource\":\n{\"resourceType\":\"Patient\",\"id\":\"a\"", ACESO_EFORMAT,
      "b.json: entry 1: line 3", "cut off" },
    { HEAD "{}]}", ACESO_EFORMAT, "b.json: entry 1: line 1", "without a resource" },
    { HEAD "\n{\"resource\":\n{\"resourceType\":\"Patient\",}}]}", ACESO_EFORMAT,
      "b.json: entry 1: line 3", "not JSON" },
    { HEAD "{\"resource\":{\"resourceType\":\"Patient\",\"x\":\"\xff\"}}]}", ACESO_EFORMAT,
      "b.json: entry 1: line 1", "UTF-8" },
    { HEAD "{\"resource\":{\"resourceType\":\"Patient\",\"x\":\"\\ud800\"}}]}", ACESO_EFORMAT,
      "b.json: entry 1: line 1", "not JSON" },
    { HEAD "{\"resource\":{\"resourceType\":\"Patient\",\"x\":\"\\u0000\"}}]}", ACESO_EFORMAT,
      "b.json: entry 1: line 1", "NUL" },
    { HEAD "{\"resource\":{\"resourceType\":\"Patient\",\"x\":01}}]}", ACESO_EFORMAT,
      "b.json: entry 1: line 1", "not JSON" },
    { HEAD "{\"resource\":{\"resourceType\":\"Patient\",\"x\":NaN}}]}", ACESO_EFORMAT,
      "b.json: entry 1: line 1", "not JSON" },
    { HEAD "{\"resource\":{\"resourceType\":\"Patient\",\n\"a\":1,\"b\":2,\n\"a\":3}}]}",
      ACESO_EFORMAT, "b.json: entry 1: line 3", "twice" },
};

static void test_broken_bundles_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct aceso_error error = { .code = 0 };
        int code = read_all(bytes_of_string(broken[i].text), &error);

        if (code != broken[i].code || strcmp(error.place, broken[i].place) != 0 ||
            !strstr(error.text, broken[i].words))
            fail_msg("case %zu: %d, \"%s\": %s", i, code, error.place, error.text);
    }
}

static void test_every_cut_is_refused(void **state)
{
    static const char text[] = HEAD "{\"fullUrl\":\"urn:x\",\"resource\":" TESTING_PATIENT "}]}";

    (void)state;
    assert_int_equal(read_all(bytes_of_string(text), NULL), 1);
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_int_equal(read_all(bytes_of(text, len), NULL), ACESO_EFORMAT);
}

static void test_depth_is_limited(void **state)
{
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct aceso_error error = { .code = 0 };

    (void)state;
    for (int deep = 0; deep < 2; deep++) {
        /* The Bundle, its entries, the entry and the resource are four levels. */
        int levels = deep ? 1000 : FHIR_DEPTH_MAX - 4;

        buffer_clear(&text);
        (void)buffer_put_string(&text, HEAD "{\"resource\":{\"resourceType\":\"Patient\",\"x\":");
        for (int i = 0; i < levels; i++)
            (void)buffer_put_u8(&text, '[');
        for (int i = 0; i < levels; i++)
            (void)buffer_put_u8(&text, ']');
        (void)buffer_put_string(&text, "}}]}");
        assert_int_equal(read_all(buffer_bytes(&text), &error), deep ? ACESO_ELIMIT : 1);
    }
    assert_non_null(strstr(error.text, "deeper than 64 levels"));
    assert_string_equal(error.place, "b.json: entry 1: line 1");
    buffer_free(&text);
}

static void test_one_entry_is_limited(void **state)
{
    struct buffer text = BUFFER_INIT((size_t)64 << 20);
    struct aceso_error error = { .code = 0 };

    (void)state;
    (void)buffer_put_string(&text, HEAD "{\"resource\":{\"resourceType\":\"Patient\",\"x\":[0");
    for (size_t i = 0; i < FHIR_ENTRY_VALUES_MAX; i++)
        (void)buffer_put_string(&text, ",0");
    (void)buffer_put_string(&text, "]}}]}");
    assert_int_equal(read_all(buffer_bytes(&text), &error), ACESO_ELIMIT);
    assert_non_null(strstr(error.text, "larger than"));
    buffer_clear(&text);
    (void)buffer_put_string(&text, HEAD "{\"x\":\"");
    for (size_t i = 0; i < FHIR_ENTRY_MAX / 16; i++)
        (void)buffer_put_string(&text, "0123456789abcdef");
    (void)buffer_put_string(&text, "\"}]}");
    assert_int_equal(read_all(buffer_bytes(&text), &error), ACESO_ELIMIT);
    buffer_free(&text);
}

/* Appends `text` as one gzip member. */
static void compress_text(struct bytes text, struct buffer *out)
{
    z_stream zlib = { .next_in = NULL };
    size_t room = text.len + 1000;

    assert_int_equal(deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    zlib.next_in = (Bytef *)(uintptr_t)text.data;
    zlib.avail_in = (uInt)text.len;
    zlib.next_out = buffer_reserve(out, room);
    zlib.avail_out = (uInt)room;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    out->len += room - zlib.avail_out;
    (void)deflateEnd(&zlib);
}

static void test_gzip(void **state)
{
    static const char text[] = HEAD PATIENT "]}";
    struct buffer packed = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct aceso_error error = { .code = 0 };
    size_t len;

    (void)state;
    compress_text(bytes_of_string(text), &packed);
    len = packed.len;
    assert_int_equal(read_all(buffer_bytes(&packed), &error), 1);
    for (size_t cut = 2; cut < len; cut++)
        assert_int_equal(read_all(bytes_of(packed.data, cut), NULL), ACESO_EFORMAT);
    (void)read_all(bytes_of(packed.data, len - 4), &error);
    assert_non_null(strstr(error.text, "cut off: the gzip data ends early"));
    (void)buffer_put_string(&packed, "x");
    assert_int_equal(read_all(buffer_bytes(&packed), &error), ACESO_EFORMAT);
    packed.len = len;
    packed.data[len - 6] ^= 1; /* the checksum */
    assert_int_equal(read_all(buffer_bytes(&packed), &error), ACESO_EFORMAT);
    assert_string_equal(error.text, "damaged gzip data");
    /* Two members are one text. */
    buffer_clear(&packed);
    compress_text(bytes_of(text, 30), &packed);
    compress_text(bytes_of(text + 30, sizeof text - 31), &packed);
    assert_int_equal(read_all(buffer_bytes(&packed), &error), 1);
    buffer_free(&packed);
}

/* Entries lie across the reader's chunks in every way; texts and lines stay right. */
static void test_entries_across_chunks(void **state)
{
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct fhir_bundle *bundle = NULL;
    struct fhir_entry entry;
    size_t count = 3000;

    (void)state;
    (void)buffer_put_string(&text, HEAD);
    for (size_t i = 0; i < count; i++)
        (void)buffer_printf(&text,
                            "%s\n{\"resource\":{\"resourceType\":\"Basic\",\"id\":\"%zu\",\n"
                            "\"x\":\"\\\"]}%0*d\\\\\"}}",
                            i ? "," : "", i, (int)(i % 97) + 1, 7);
    (void)buffer_put_string(&text, "]\n}");
    assert_int_equal(fhir_bundle_open_bytes(buffer_bytes(&text), "b", &bundle, NULL), ACESO_OK);
    for (size_t i = 0; i < count; i++) {
        struct fhir_resource resource;
        char id[32];

        (void)snprintf(id, sizeof id, "%zu", i);
        assert_int_equal(fhir_bundle_next(bundle, &entry, NULL), 1);
        assert_int_equal(entry.number, i + 1);
        assert_int_equal(entry.line, 2 * i + 2);
        assert_int_equal(fhir_resource_parse(&entry, &resource, NULL), ACESO_OK);
        assert_string_equal(resource.id, id);
        fhir_resource_free(&resource);
    }
    assert_int_equal(fhir_bundle_next(bundle, &entry, NULL), 0);
    fhir_bundle_close(bundle);
    buffer_free(&text);
}

static void test_missing_file(void **state)
{
    struct fhir_bundle *bundle = NULL;
    struct aceso_error error = { .code = 0 };

    (void)state;
    assert_int_equal(fhir_bundle_open("no/such/file.json", NULL, &bundle, &error),
                     ACESO_ENOTFOUND);
    assert_string_equal(error.place, "file.json");
    assert_null(bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_bundles_are_refused_with_their_place),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_one_entry_is_limited),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_entries_across_chunks),
        cmocka_unit_test(test_missing_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
