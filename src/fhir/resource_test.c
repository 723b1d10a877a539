/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/testing.h"

static int parse(const char *resource, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct fhir_resource parsed = { .doc = NULL };
    struct fhir_entry entry = { .number = 12, .line = 88, .label = "b.json" };
    int code;

    (void)buffer_printf(&text, "{\"resource\":%s}", resource);
    entry.text = buffer_bytes(&text);
    code = fhir_resource_parse(&entry, &parsed, error);
    fhir_resource_free(&parsed);
    buffer_free(&text);
    return code;
}

static const struct {
    const char *resource;
    const char *place;
    const char *words;
} wrong[] = {
    { "{\"resourceType\":\"Patient\",\n\"birthDate\":5}", "b.json: entry 12: line 89: birthDate",
      "must be a date" },
    { "{\"resourceType\":\"Patient\",\"birthDate\":\"tomorrow\"}",
      "b.json: entry 12: line 88: birthDate", "must be a date" },
    { "{\"resourceType\":\"Patient\",\"birthDate\":\"1990-1-1\"}",
      "b.json: entry 12: line 88: birthDate", "must be a date" },
    { "{\"resourceType\":\"Patient\",\"deceasedDateTime\":\"1990-01-01T10:00\"}",
      "b.json: entry 12: line 88: deceasedDateTime", "must be a date" },
    { "{\"resourceType\":\"Patient\",\n\n\"name\":{}}", "b.json: entry 12: line 90: name",
      "must be an array" },
    { "{\"resourceType\":\"Patient\",\"name\":[\"x\"]}", "b.json: entry 12: line 88: name[0]",
      "must be an object" },
    { "{\"resourceType\":\"Patient\",\"name\":[{},{\"given\":[\"x\",4]}]}",
      "b.json: entry 12: line 88: name[1].given[1]", "must be a string" },
    { "{\"resourceType\":\"Patient\",\"name\":[null]}", "b.json: entry 12: line 88: name[0]",
      "must be an object" },
    { "{\"resourceType\":\"Patient\",\"gender\":[\"male\"]}", "b.json: entry 12: line 88: gender",
      "must not be an array" },
    { "{\"resourceType\":\"Patient\",\"gender\":null}", "b.json: entry 12: line 88: gender",
      "must be a string" },
    { "{\"resourceType\":\"Patient\",\"active\":\"true\"}", "b.json: entry 12: line 88: active",
      "must be true or false" },
    { "{\"resourceType\":\"Patient\",\"_gender\":\"x\"}", "b.json: entry 12: line 88: _gender",
      "must be an object" },
    { "{\"resourceType\":\"Patient\",\"id\":\"a b\"}", "b.json: entry 12: line 88: id",
      "is not a FHIR id" },
    { "{\"resourceType\":\"Patient\",\"id\":7}", "b.json: entry 12: line 88: id",
      "must be a string" },
    { "{\"resourceType\":\"Nonsense\",\"id\":\"a/b\"}", "b.json: entry 12: line 88: id",
      "is not a FHIR id" },
    { "{\"resourceType\":\"Pat ient\"}", "b.json: entry 12: line 88: resourceType",
      "is not the name of a type" },
    { "{\"resourceType\":\"Observation\",\"valueQuantity\":{\"value\":\"5\"}}",
      "b.json: entry 12: line 88: valueQuantity.value", "must be a number" },
    { "{\"resourceType\":\"Observation\",\"component\":[{\"referenceRange\":[{\"low\":1}]}]}",
      "b.json: entry 12: line 88: component[0].referenceRange[0].low", "must be an object" },
    { "{\"resourceType\":\"Claim\",\"item\":[{\"sequence\":1.5}]}",
      "b.json: entry 12: line 88: item[0].sequence", "must be a whole number" },
    { "{\"resourceType\":\"Claim\",\"contained\":[{\"resourceType\":\"Patient\",\"name\":1}]}",
      "b.json: entry 12: line 88: contained[0].name", "must be an array" },
    { "{\"resourceType\":\"Claim\",\"contained\":[{}]}",
      "b.json: entry 12: line 88: contained[0]", "must have a resourceType" },
    { "{\"id\":\"a\"}", "b.json: entry 12: line 88: resource", "must have a resourceType" },
    { "[]", "b.json: entry 12: line 88: resource", "must not be an array" },
    { "{\"resourceType\":\"Patient\",\"extension\":[{\"url\":1}]}",
      "b.json: entry 12: line 88: extension[0].url", "must be a string" },
    { "{\"resourceType\":\"Location\",\"hoursOfOperation\":[{\"openingTime\":\"8:00\"}]}",
      "b.json: entry 12: line 88: hoursOfOperation[0].openingTime", "must be a time" },
};

static void test_wrong_types_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct aceso_error error = { .code = 0 };
        int code = parse(wrong[i].resource, &error);

        if (code != ACESO_EFORMAT || strcmp(error.place, wrong[i].place) != 0 ||
            !strstr(error.text, wrong[i].words))
            fail_msg("case %zu: %d, \"%s\": %s", i, code, error.place, error.text);
    }
}

static void test_what_r4_does_not_know_is_kept(void **state)
{
    static const char *const sound[] = {
        "{\"resourceType\":\"Nonsense\",\"name\":5,\"deep\":[[[null]]]}",
        "{\"resourceType\":\"Patient\",\"shoeSize\":{\"left\":[1,2]},\"_shoeSize\":5}",
        "{\"resourceType\":\"Patient\",\"birthDate\":\"1990\",\"deceasedDateTime\":\"1990-02\"}",
        "{\"resourceType\":\"Patient\",\"_birthDate\":{\"extension\":[{\"url\":\"x\"}]}}",
        "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",null],\"_given\":[null,{}]}]}",
        "{\"resourceType\":\"Patient\",\"deceasedDateTime\":\"2020-02-29T23:59:60.123456+14:00\"}",
        "{\"resourceType\":\"Observation\",\"valueQuantity\":{\"value\":-1.000E-245}}",
        "{\"resourceType\":\"Questionnaire\",\"item\":[{\"item\":[{\"item\":[]}]}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++)
        assert_int_equal(parse(sound[i], NULL), ACESO_OK);
}

/* An error's text and place never hold a value of the record. */
static void test_errors_hold_no_values(void **state)
{
    struct aceso_error error = { .code = 0 };

    (void)state;
    assert_int_equal(parse("{\"resourceType\":\"Patient\",\"birthDate\":\"Secretname\"}", &error),
                     ACESO_EFORMAT);
    assert_null(strstr(error.text, "Secretname"));
    assert_int_equal(parse("{\"resourceType\":\"Secretname1\"}", &error), ACESO_EFORMAT);
    assert_null(strstr(error.text, "Secretname"));
    assert_null(strstr(error.place, "Secretname"));
    assert_int_equal(parse("{\"resourceType\":\"Patient\",\"Secretname\":1,\"Secretname\":1}",
                           &error),
                     ACESO_EFORMAT);
    assert_null(strstr(error.text, "Secretname"));
    assert_null(strstr(error.place, "Secretname"));
}

static void test_writing_keeps_text(void **state)
{
    static const char text[] =
        "{\"resource\":{\"resourceType\":\"Nonsense\",\"n\":[0.010,1.000E-245,-0,1e+2,0.0,"
        "123456789012345678901234567890],\"s\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xb3"
        "\xf0\x9f\x98\x80\",\"\\n\":[{},[],null,true,false]}}";
    struct fhir_entry entry = { .number = 1, .line = 1, .text = bytes_of_string(text) };
    struct buffer out = BUFFER_INIT(4096);
    struct fhir_resource resource;

    (void)state;
    assert_int_equal(fhir_resource_parse(&entry, &resource, NULL), ACESO_OK);
    assert_int_equal(fhir_write(resource.doc->root, &out), ACESO_OK);
    assert_string_equal(buffer_text(&out), text);
    fhir_resource_free(&resource);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_types_are_refused_with_their_place),
        cmocka_unit_test(test_what_r4_does_not_know_is_kept),
        cmocka_unit_test(test_errors_hold_no_values),
        cmocka_unit_test(test_writing_keeps_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
