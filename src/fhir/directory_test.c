/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/directory.h"

#include "fhir/ndjson.h"
#include "fhir/testing.h"

static void test_conditional_references(void **state)
{
    static const struct {
        const char *reference;
        int code;
        const char *type, *system, *value;
    } cases[] = {
        { "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999938399", ACESO_OK,
          "Practitioner", "http://hl7.org/fhir/sid/us-npi", "9999938399" },
        { "Location?identifier=a%7Cb%20c", ACESO_OK, "Location", "a", "b c" },
        { "Organization?identifier=value", ACESO_OK, "Organization", "", "value" },
        { "Organization?identifier=|value", ACESO_OK, "Organization", "", "value" },
        { "Organization?name=x", ACESO_EFORMAT, NULL, NULL, NULL },
        { "Organization?identifier=", ACESO_EFORMAT, NULL, NULL, NULL },
        { "Organization?identifier=a|", ACESO_EFORMAT, NULL, NULL, NULL },
        { "?identifier=a|b", ACESO_EFORMAT, NULL, NULL, NULL },
        { "a/b?identifier=a|b", ACESO_EFORMAT, NULL, NULL, NULL },
        { "Organization?identifier=a|b&name=c", ACESO_EFORMAT, NULL, NULL, NULL },
        { "Organization?identifier=a%7", ACESO_EFORMAT, NULL, NULL, NULL },
        { "Organization?identifier=a%00b", ACESO_EFORMAT, NULL, NULL, NULL },
        { "Organization?identifier=a%zzb", ACESO_EFORMAT, NULL, NULL, NULL },
        { "Practitioner/7", ACESO_EFORMAT, NULL, NULL, NULL },
        { "", ACESO_EFORMAT, NULL, NULL, NULL },
    };
    char longest[900];
    struct fhir_conditional parsed;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(fhir_conditional_parse(cases[i].reference, &parsed), cases[i].code);
        if (cases[i].code)
            continue;
        assert_string_equal(parsed.type, cases[i].type);
        assert_string_equal(parsed.system, cases[i].system);
        assert_string_equal(parsed.value, cases[i].value);
    }
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "Location?identifier=", 20);
    longest[300] = '\0';
    assert_int_equal(fhir_conditional_parse(longest, &parsed), ACESO_ELIMIT);
    longest[300] = 'x';
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(fhir_conditional_parse(longest, &parsed), ACESO_ELIMIT);
}

static int count_identifiers(void *context, const char *type, const char *system, const char *value)
{
    assert_string_equal(type, "Practitioner");
    assert_string_equal(system, "s");
    assert_string_equal(value, "v");
    (*(int *)context)++;
    return 0;
}

static void test_public_text(void **state)
{
    static const char text[] =
        "{\"resource\":{\"resourceType\":\"Practitioner\",\"identifier\":[{\"system\":\"s\","
        "\"value\":\"v\"},{\"system\":\"s\"}],\"birthDate\":\"1970-01-01\",\"photo\":[{}],"
        "\"telecom\":[{\"value\":\"h\",\"use\":\"home\"},{\"value\":\"w\",\"use\":\"work\"}],"
        "\"address\":[{\"use\":\"home\"}],\"name\":[{\"family\":\"B\"}]}}";
    static const char record[] = "{\"resource\":" TESTING_PATIENT "}";
    struct fhir_entry entry = { .number = 1, .line = 1, .text = bytes_of_string(text) };
    struct buffer out = BUFFER_INIT(4096);
    int count = 0;

    (void)state;
    assert_int_equal(fhir_directory_entry(&entry, &out, count_identifiers, &count, NULL), ACESO_OK);
    assert_int_equal(count, 1);
    assert_string_equal(buffer_text(&out),
                        "{\"resourceType\":\"Practitioner\",\"identifier\":[{\"system\":\"s\","
                        "\"value\":\"v\"},{\"system\":\"s\"}],\"telecom\":[{\"value\":\"w\","
                        "\"use\":\"work\"}],\"name\":[{\"family\":\"B\"}]}");
    entry.text = bytes_of_string(record);
    assert_int_equal(fhir_directory_entry(&entry, &out, NULL, NULL, NULL), ACESO_EUSAGE);
    buffer_free(&out);
}

struct resolution {
    int found, missing;
};

static int look_up(void *context, const struct fhir_conditional *what, char id[65])
{
    (void)context;
    if (strcmp(what->value, "known") != 0)
        return 0;
    memcpy(id, "doc", 4);
    return 1;
}

static int note_resolved(void *context, const char *reference, const char *id)
{
    struct resolution *resolution = context;

    assert_non_null(strstr(reference, "?identifier="));
    if (id)
        assert_string_equal(id, "doc");
    resolution->found += id != NULL;
    resolution->missing += id == NULL;
    return 0;
}

/* What no directory resolves is reported and kept. */
static void test_resolution(void **state)
{
    static const char *const resources[] = {
        TESTING_PATIENT,
        "{\"resourceType\":\"Condition\",\"id\":\"c\",\"recordedDate\":\"2020\",\"recorder\":{"
        "\"reference\":\"Practitioner?identifier=s|known\"},\"asserter\":{\"reference\":"
        "\"Practitioner?identifier=s|unknown\"}}",
        ("{\"resourceType\":\"Condition\",\"id\":\"d\",\"recorder\":{\"reference\":"
         "\"Practitioner?identifier=s|known\"}}"),
    };
    struct resolution resolution = { 0, 0 };
    struct testing_views views;

    (void)state;
    testing_open_all(resources, 3, &views);
    assert_int_equal(fhir_directory_resolve(views.index, look_up, note_resolved, &resolution),
                     ACESO_OK);
    assert_int_equal(resolution.found, 1);
    assert_int_equal(resolution.missing, 1);
    assert_non_null(strstr(testing_text(&views, 2, FHIR_LOW), "s|unknown"));
    testing_free(&views);
}

static void test_directory_bundle(void **state)
{
    struct fhir_index *index = NULL;

    (void)state;
    assert_int_equal(fhir_index_build("fixtures/practitioners.json", NULL, &index, NULL), ACESO_OK);
    assert_int_equal(fhir_index_kind(index), FHIR_BUNDLE_DIRECTORY);
    assert_int_equal(fhir_index_records(index), 0);
    assert_int_equal(fhir_index_count(index), 4);
    assert_null(fhir_index_patient(index));
    assert_null(fhir_index_conditional(index, 0));
    fhir_index_free(index);
}

static void test_ndjson(void **state)
{
    struct buffer out = BUFFER_INIT(4096);
    struct bytes rest, line;

    (void)state;
    assert_int_equal(fhir_ndjson_put(&out, bytes_of_string("{\"a\":1}")), ACESO_OK);
    assert_int_equal(fhir_ndjson_put(&out, bytes_of_string("{}")), ACESO_OK);
    assert_int_equal(fhir_ndjson_put(&out, bytes_of_string("{\n}")), ACESO_EUSAGE);
    assert_int_equal(fhir_ndjson_put(&out, bytes_of_string("")), ACESO_EUSAGE);
    assert_string_equal(buffer_text(&out), "{\"a\":1}\n{}\n");
    rest = bytes_of_string("\n{\"a\":1}\r\n\n{}");
    assert_true(fhir_ndjson_next(&rest, &line));
    assert_true(bytes_equal(line, bytes_of_string("{\"a\":1}")));
    assert_true(fhir_ndjson_next(&rest, &line));
    assert_true(bytes_equal(line, bytes_of_string("{}")));
    assert_false(fhir_ndjson_next(&rest, &line));
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditional_references),
        cmocka_unit_test(test_public_text),
        cmocka_unit_test(test_resolution),
        cmocka_unit_test(test_directory_bundle),
        cmocka_unit_test(test_ndjson),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
