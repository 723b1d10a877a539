/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/testing.h"

#include "fhir/sensitive.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void assert_view(const struct testing_views *views, size_t number, int level,
                        const char *expected)
{
    assert_string_equal(testing_text(views, number, level), expected);
}

/* --- the shape of views --- */

static void test_complete_is_the_resource_itself(void **state)
{
    static const char *const resources[] = {
        "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"Jos\xc3\xa9\",null],\"_given\":["
        "null,{\"id\":\"x\"}]}],\"id\":\"a\",\"empty\":{},\"none\":[],\"n\":["
        "0.010,1.000E-245,-0.0]}",
    };
    struct testing_views views;

    (void)state;
    testing_open_all(resources, 1, &views);
    assert_view(&views, 1, FHIR_COMPLETE, resources[0]);
    assert_view(&views, 1, FHIR_HIGH, "");
    assert_int_equal(fhir_index_summary(views.index, 1).lowest, FHIR_COMPLETE);
    testing_free(&views);
}

static void test_holes_are_closed(void **state)
{
    static const char *const resources[] = {
        TESTING_PATIENT,
        "{\"resourceType\":\"Encounter\",\"id\":\"enc\",\"status\":\"finished\","
        "\"identifier\":[{\"value\":\"z\"}],\"note\":[{}],\"type\":[{\"text\":\"visit\","
        "\"extension\":[{\"url\":\"u\",\"valueCode\":\"c\"}]},{\"extension\":[{\"url\":\"u\"}]}],"
        "\"length\":{\"value\":0.010}}",
    };
    struct testing_views views;
    char id[160], expected[512];

    (void)state;
    testing_open_all(resources, 2, &views);
    (void)snprintf(expected, sizeof expected,
                   "{\"resourceType\":\"Encounter\",\"id\":\"%s\",\"status\":\"finished\","
                   "\"type\":[{\"text\":\"visit\"}],\"length\":{\"value\":0.010}}",
                   strchr(testing_reference("Encounter", "enc", id), '/') + 1);
    assert_view(&views, 2, FHIR_LOW, expected);
    assert_view(&views, 2, FHIR_HIGH, expected);
    testing_free(&views);
}

/* Arrays of primitives and their `_` arrays stay in step, or one of them is gone. */
static void test_primitive_siblings(void **state)
{
    static const char *const resources[] = {
        TESTING_PATIENT,
        "{\"resourceType\":\"Condition\",\"id\":\"c\",\"recordedDate\":\"2020\",\"_recordedDate\":{"
        "\"extension\":[{\"url\":\"http://x\",\"valueCode\":\"c\"}]},\"_onsetDateTime\":{"
        "\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","
        "\"valueCode\":\"unknown\"}]}}",
        "{\"resourceType\":\"CarePlan\",\"id\":\"p\",\"status\":\"active\",\"instantiatesUri\":["
        "\"a:b\",null],\"_instantiatesUri\":[null,{\"extension\":[{\"url\":"
        "\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\",\"valueCode\":\"x\"}]}]}",
        "{\"resourceType\":\"CarePlan\",\"id\":\"q\",\"status\":\"active\",\"instantiatesUri\":["
        "\"a:b\",null],\"_instantiatesUri\":[null,{\"extension\":[{\"url\":\"http://x\","
        "\"valueCode\":\"x\"}]}]}",
    };
    struct testing_views views;
    const char *text;

    (void)state;
    testing_open_all(resources, 4, &views);
    text = testing_text(&views, 2, FHIR_LOW);
    assert_non_null(strstr(text, "\"recordedDate\":\"2020\""));
    assert_null(strstr(text, "_recordedDate"));
    assert_non_null(strstr(text, "\"_onsetDateTime\":{\"extension\":[{\"url\":"));
    text = testing_text(&views, 3, FHIR_MEDIUM);
    assert_non_null(strstr(text, "\"instantiatesUri\":[\"a:b\",null],\"_instantiatesUri\":["));
    text = testing_text(&views, 4, FHIR_MEDIUM);
    assert_non_null(strstr(text, "\"instantiatesUri\":[\"a:b\"]}"));
    testing_free(&views);
}

/* --- references --- */

static void test_references_become_pseudonyms(void **state)
{
    static const char *const resources[] = {
        TESTING_PATIENT,
        "{\"resourceType\":\"Encounter\",\"id\":\"enc\",\"status\":\"x\",\"subject\":{"
        "\"reference\":\"urn:uuid:1\",\"display\":\"Ann Doe\"}}",
        "{\"resourceType\":\"Condition\",\"id\":\"con\",\"encounter\":{\"reference\":"
        "\"Encounter/enc/_history/4\"},\"subject\":{\"reference\":\"Patient/patient-0001\"},"
        "\"clinicalStatus\":{\"text\":\"x\"},\"asserter\":{\"reference\":"
        "\"Practitioner?identifier=s|1\",\"display\":\"Dr. B\"},\"recorder\":{\"reference\":"
        "\"http://elsewhere/fhir/Practitioner/7\",\"identifier\":{\"value\":\"npi\"}}}",
        "{\"resourceType\":\"Practitioner\",\"id\":\"doc\"}",
        "{\"resourceType\":\"Condition\",\"id\":\"lost\",\"clinicalStatus\":{\"text\":\"x\"},"
        "\"encounter\":{\"reference\":\"Encounter/nowhere\",\"display\":\"d\"},\"subject\":{"
        "\"reference\":\"Patient?identifier=mrn|1\"},\"recorder\":{\"reference\":\"urn:uuid:4\"},"
        "\"asserter\":{\"display\":\"a sister\"}}",
    };
    struct testing_views views;
    char patient[160], encounter[160], text[512];

    (void)state;
    testing_open_all(resources, COUNT(resources), &views);
    testing_reference("Patient", "patient-0001", patient);
    testing_reference("Encounter", "enc", encounter);
    (void)snprintf(text, sizeof text, "\"subject\":{\"reference\":\"%s\"}}", patient);
    assert_non_null(strstr(testing_text(&views, 2, FHIR_LOW), text));
    assert_non_null(strstr(testing_text(&views, 3, FHIR_LOW), patient));
    assert_non_null(strstr(testing_text(&views, 3, FHIR_LOW), encounter));
    (void)snprintf(text, sizeof text, "\"id\":\"%s\"", strchr(encounter, '/') + 1);
    assert_non_null(strstr(testing_text(&views, 2, FHIR_LOW), text));
    assert_non_null(strstr(testing_text(&views, 3, FHIR_LOW),
                           "\"asserter\":{\"reference\":\"Practitioner?identifier=s|1\","
                           "\"display\":\"Dr. B\"},\"recorder\":{\"reference\":"
                           "\"http://elsewhere/fhir/Practitioner/7\",\"identifier\":{\"value\":"
                           "\"npi\"}}"));
    /* What leads nowhere, to a person by a number, or may name one: complete. */
    assert_non_null(strstr(testing_text(&views, 5, FHIR_HIGH),
                           "\"clinicalStatus\":{\"text\":\"x\"},\"recorder\":{\"reference\":"
                           "\"urn:uuid:4\"}}"));
    assert_true(fhir_index_summary(views.index, 4).directory);
    assert_int_equal(fhir_index_records(views.index), 4);
    assert_string_equal(fhir_index_conditional(views.index, 0), "Practitioner?identifier=s|1");
    testing_free(&views);
}

/* A reference never stands below its target, nor does what is left of its object. */
static void test_references_follow_their_target(void **state)
{
    static const char *const resources[] = {
        TESTING_PATIENT,
        "{\"resourceType\":\"Provenance\",\"id\":\"pro\",\"recorded\":\"2020-01-01T00:00:00Z\"}",
        "{\"resourceType\":\"Claim\",\"id\":\"cla\",\"status\":\"active\"}",
        "{\"resourceType\":\"Procedure\",\"id\":\"a\",\"status\":\"x\",\"reportX\":1,"
        "\"partOf\":[{\"reference\":\"Claim/cla\",\"display\":\"bill\"},"
        "{\"reference\":\"Provenance/pro\",\"display\":\"who\"}]}",
        "{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"eob\",\"status\":\"x\",\"contained\":["
        "{\"resourceType\":\"Coverage\",\"id\":\"cov\",\"status\":\"x\",\"subscriberId\":\"S\"},{"
        "\"resourceType\":\"QuestionnaireResponse\",\"id\":\"q\",\"status\":\"x\"}],\"insurance\":["
        "{\"focal\":true,\"coverage\":{\"reference\":\"#cov\"}}],\"supportingInfo\":[{\"sequence\":"
        "1,\"valueReference\":{\"reference\":\"#q\"}},{\"sequence\":2,\"valueReference\":{"
        "\"reference\":\"#none\"}}]}",
    };
    struct testing_views views;
    const char *text;

    (void)state;
    testing_open_all(resources, COUNT(resources), &views);
    assert_null(strstr(testing_text(&views, 4, FHIR_LOW), "partOf"));
    text = testing_text(&views, 4, FHIR_MEDIUM);
    assert_non_null(strstr(text, "\"display\":\"bill\"}]"));
    assert_null(strstr(text, "who"));
    text = testing_text(&views, 5, FHIR_MEDIUM);
    assert_non_null(strstr(text, "\"contained\":[{\"resourceType\":\"Coverage\",\"id\":\"cov\","
                                 "\"status\":\"x\"}]"));
    assert_non_null(strstr(text, "\"coverage\":{\"reference\":\"#cov\"}"));
    assert_non_null(strstr(text, "\"supportingInfo\":[{\"sequence\":1},{\"sequence\":2}]"));
    testing_free(&views);
}

static void test_ids(void **state)
{
    static const char *const resources[] = {
        TESTING_PATIENT,
        /* No id: known by its fullUrl, urn:uuid:2. */
        "{\"status\":\"x\",\"resourceType\":\"Procedure\",\"partOf\":[{\"reference\":"
        "\"urn:uuid:2\"}]}",
        /* An id where none should be: in an element that is low. */
        "{\"resourceType\":\"Procedure\",\"id\":\"0a1b2c3d-1111-2222-3333-444455556666\","
        "\"status\":\"x\",\"instantiatesUri\":[\"http://x/patient-0001\",\"http://x/ok\","
        "\"urn:uuid:0A1B2C3D-1111-2222-3333-444455556666\","
        "\"x0a1b2c3d-1111-2222-3333-444455556666y\"],\"category\":{\"coding\":[{\"code\":"
        "\"0a1b2c3d-1111-2222-3333-444455556666\"},{\"code\":\"patient-0001\"}]}}",
    };
    struct testing_views views;
    char reference[160], text[256];

    (void)state;
    testing_open_all(resources, COUNT(resources), &views);
    testing_reference("Procedure", "2", reference);
    (void)snprintf(text, sizeof text,
                   "{\"status\":\"x\",\"resourceType\":\"Procedure\",\"id\":\"%s\",\"partOf\":[{"
                   "\"reference\":\"%s\"}]}",
                   strchr(reference, '/') + 1, reference);
    assert_view(&views, 2, FHIR_LOW, text);
    assert_view(&views, 2, FHIR_COMPLETE, resources[1]);
    assert_non_null(strstr(testing_text(&views, 3, FHIR_HIGH),
                           "\"instantiatesUri\":[\"http://x/ok\"],\"category\":{\"coding\":[{"
                           "\"code\":\"patient-0001\"}]}}"));
    testing_free(&views);
}

/* --- what stands in --- */

static void test_birth_year(void **state)
{
    static const struct {
        const char *birth, *latest, *year;
    } cases[] = {
        { "1989-04-10", "2026-01-01T00:00:00Z", "1989" },
        { "1936-01-02", "2026-01-01T00:00:00Z", "1936" }, /* 89 still */
        { "1936-01-01", "2026-01-01T00:00:00Z", "1936" }, /* 90: the year that makes 90 */
        { "1935-12-31", "2026-01-01T00:00:00Z", "1936" },
        { "1911", "2026-01-01T00:00:00Z", "1936" },
        { "1936-05", "2026-01-01", "1936" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *resources[2];
        struct testing_views views;
        char patient[256], encounter[256], expected[64];

        (void)snprintf(patient, sizeof patient,
                       "{\"resourceType\":\"Patient\",\"id\":\"p\",\"birthDate\":\"%s\"}",
                       cases[i].birth);
        (void)snprintf(encounter, sizeof encounter,
                       "{\"resourceType\":\"Encounter\",\"id\":\"enc\",\"status\":\"x\","
                       "\"period\":{\"start\":\"%s\",\"end\":\"2199-01-01\"}}",
                       cases[i].latest);
        (void)snprintf(expected, sizeof expected, "\"birthDate\":\"%s\"}", cases[i].year);
        resources[0] = patient;
        resources[1] = encounter;
        testing_open_all(resources, 2, &views);
        for (int level = FHIR_LOW; level <= FHIR_HIGH; level++)
            assert_non_null(strstr(testing_text(&views, 1, level), expected));
        assert_view(&views, 1, FHIR_COMPLETE, patient);
        testing_free(&views);
    }
}

/* Without any date nobody knows whether to cap: the year stays away, and with it the patient. */
static void test_birth_year_without_a_date(void **state)
{
    static const char *const resources[] = {
        "{\"resourceType\":\"Patient\",\"id\":\"p\",\"birthDate\":\"1989-04-10\"}",
    };
    struct testing_views views;

    (void)state;
    testing_open_all(resources, 1, &views);
    assert_view(&views, 1, FHIR_HIGH, "");
    testing_free(&views);
}

static void test_postal_code_and_death(void **state)
{
    static const struct {
        const char *code, *country, *zip;
    } cases[] = {
        { "02116", "US", "021" },   { "021161234", "US", "021" }, { "02116-1234", "US", "021" },
        { "03601", "US", "000" },   { "89301", "US", "000" },     { "2116", "US", NULL },
        { "02116", "DE", NULL },    { "H3Z 2Y7", "US", NULL },    { "02116", NULL, "021" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *resources[1];
        struct testing_views views;
        char patient[512], expected[64];

        (void)snprintf(patient, sizeof patient,
                       "{\"resourceType\":\"Patient\",\"id\":\"p\",\"deceasedDateTime\":"
                       "\"2020-05-05\",\"address\":[{\"city\":\"B\",\"postalCode\":\"%s\"%s%s%s}]}",
                       cases[i].code, cases[i].country ? ",\"country\":\"" : "",
                       cases[i].country ? cases[i].country : "", cases[i].country ? "\"" : "");
        (void)snprintf(expected, sizeof expected, "[{\"postalCode\":\"%s\"",
                       cases[i].zip ? cases[i].zip : "");
        resources[0] = patient;
        testing_open_all(resources, 1, &views);
        if (cases[i].zip)
            assert_non_null(strstr(testing_text(&views, 1, FHIR_HIGH), expected));
        else
            assert_null(strstr(testing_text(&views, 1, FHIR_HIGH), "postalCode"));
        assert_null(strstr(testing_text(&views, 1, FHIR_MEDIUM), "postalCode"));
        assert_non_null(strstr(testing_text(&views, 1, FHIR_LOW), "\"deceasedBoolean\":true"));
        assert_null(strstr(testing_text(&views, 1, FHIR_LOW), "deceasedDateTime"));
        assert_non_null(strstr(testing_text(&views, 1, FHIR_HIGH),
                               "\"deceasedDateTime\":\"2020-05-05\""));
        assert_null(strstr(testing_text(&views, 1, FHIR_HIGH), "deceasedBoolean"));
        testing_free(&views);
    }
}

/* --- sensitive categories --- */

#define CODED(code)                                                                                \
    "{\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"" code "\"}]}"
#define SENSITIVE CODED("55680006")
#define HARMLESS CODED("59621000")

static const char *const spreading[] = {
    TESTING_PATIENT,
    "{\"resourceType\":\"Condition\",\"id\":\"bad\",\"code\":" SENSITIVE "}",
    "{\"resourceType\":\"Condition\",\"id\":\"good\",\"code\":" HARMLESS "}",
    /* 4: the visit whose only reason it is; 5: one with another reason too */
    "{\"resourceType\":\"Encounter\",\"id\":\"e1\",\"status\":\"x\",\"reasonCode\":["
    SENSITIVE "]}",
    "{\"resourceType\":\"Encounter\",\"id\":\"e2\",\"status\":\"x\",\"reasonCode\":[" SENSITIVE
    "," HARMLESS "]}",
    /* 6: the drug only for it; 7: one for both; 8: the Medication of 6 */
    "{\"resourceType\":\"MedicationRequest\",\"id\":\"m1\",\"status\":\"x\","
    "\"medicationReference\":{\"reference\":\"Medication/d1\"},\"reasonReference\":[{"
    "\"reference\":\"Condition/bad\"}]}",
    "{\"resourceType\":\"MedicationRequest\",\"id\":\"m2\",\"status\":\"x\",\"reasonReference\""
    ":[{\"reference\":\"Condition/bad\",\"display\":\"d\"},{\"reference\":\"Condition/good\"}]}",
    "{\"resourceType\":\"Medication\",\"id\":\"d1\",\"status\":\"x\"}",
    /* 9: a claim for that drug, 10: its benefit */
    "{\"resourceType\":\"Claim\",\"id\":\"c1\",\"status\":\"x\",\"prescription\":{\"reference\""
    ":\"MedicationRequest/m1\"}}",
    "{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"b1\",\"status\":\"x\",\"claim\":{"
    "\"reference\":\"Claim/c1\"}}",
    /* 11: a claim with one such item, 12: its benefit, which does not say what items are for */
    "{\"resourceType\":\"Claim\",\"id\":\"c2\",\"status\":\"x\",\"diagnosis\":[{\"sequence\":7,"
    "\"diagnosisReference\":{\"reference\":\"Condition/bad\"}},{\"sequence\":8,"
    "\"diagnosisReference\":{\"reference\":\"Condition/good\"}}],\"item\":[{\"sequence\":1,"
    "\"diagnosisSequence\":[7]},{\"sequence\":2,\"diagnosisSequence\":[8]}]}",
    "{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"b2\",\"status\":\"x\",\"claim\":{"
    "\"reference\":\"Claim/c2\"},\"item\":[{\"sequence\":1},{\"sequence\":2}]}",
    /* 13: a plan for it, 14: a report of hidden results only, 15: such a result */
    "{\"resourceType\":\"CarePlan\",\"id\":\"p1\",\"status\":\"x\",\"addresses\":[{"
    "\"reference\":\"Condition/bad\"}]}",
    "{\"resourceType\":\"DiagnosticReport\",\"id\":\"r1\",\"status\":\"x\",\"result\":[{"
    "\"reference\":\"Observation/o1\",\"display\":\"d\"}]}",
    "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"x\"}",
    /* 16: a drug of its own category and 17 its use */
    "{\"resourceType\":\"Medication\",\"id\":\"d2\",\"code\":{\"text\":\"Methadone 5 MG\"}}",
    "{\"resourceType\":\"MedicationAdministration\",\"id\":\"m3\",\"status\":\"x\","
    "\"medicationReference\":{\"reference\":\"Medication/d2\"}}",
};

static void test_sensitive_spreads(void **state)
{
    static const int lowest[] = { 1, 4, 1, 4, 1, 4, 1, 4, 4, 4, 2, 2, 4, 4, 4, 4, 4 };
    struct testing_views views;
    const char *text;

    (void)state;
    testing_open_all(spreading, COUNT(spreading), &views);
    for (size_t i = 0; i < COUNT(lowest); i++) {
        if (fhir_index_summary(views.index, i + 1).lowest != lowest[i])
            fail_msg("%zu: %d", i + 1, fhir_index_summary(views.index, i + 1).lowest);
    }
    assert_true(fhir_index_summary(views.index, 10).categories & FHIR_CATEGORY_SUBSTANCE);
    text = testing_text(&views, 5, FHIR_HIGH);
    assert_null(strstr(text, "55680006"));
    assert_non_null(strstr(text, "\"reasonCode\":[" HARMLESS "]"));
    text = testing_text(&views, 7, FHIR_HIGH);
    assert_null(strstr(text, "display"));
    assert_non_null(strstr(text, "\"reasonReference\":[{\"reference\":\"Condition/"));
    text = testing_text(&views, 11, FHIR_HIGH);
    assert_non_null(strstr(text, "\"diagnosis\":[{\"sequence\":8,"));
    assert_non_null(strstr(text, "\"item\":[{\"sequence\":2,\"diagnosisSequence\":[8]}]"));
    assert_non_null(strstr(testing_text(&views, 12, FHIR_HIGH), "\"item\":[{\"sequence\":2}]"));
    testing_free(&views);
}

/* Reasons that lead in a circle, or to the resource itself, come to an end. */
static void test_circles_end(void **state)
{
    static const char *const resources[] = {
        TESTING_PATIENT,
        "{\"resourceType\":\"Procedure\",\"id\":\"a\",\"status\":\"x\",\"basedOn\":[{\"reference\":"
        "\"Procedure/b\"}]}",
        "{\"resourceType\":\"Procedure\",\"id\":\"b\",\"status\":\"x\",\"basedOn\":[{\"reference\":"
        "\"Procedure/a\"}]}",
        "{\"resourceType\":\"Procedure\",\"id\":\"c\",\"status\":\"x\",\"basedOn\":[{\"reference\":"
        "\"Procedure/c\"}]}",
        "{\"resourceType\":\"Medication\",\"id\":\"d\",\"status\":\"x\",\"code\":" SENSITIVE "}",
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"x\",\"hasMember\":[{"
        "\"reference\":\"Observation/o\"}]}",
    };
    struct testing_views views;

    (void)state;
    testing_open_all(resources, COUNT(resources), &views);
    for (size_t i = 2; i <= 4; i++)
        assert_int_equal(fhir_index_summary(views.index, i).lowest, FHIR_LOW);
    testing_free(&views);
}

/* --- who it is --- */

static void test_identifying_words_are_withheld(void **state)
{
    static const char *const resources[] = {
        "{\"resourceType\":\"Procedure\",\"id\":\"before\",\"status\":\"x\",\"code\":{\"text\":"
        "\"Surgery of Long, done\"},\"statusReason\":{\"text\":\"Long-acting\",\"coding\":[{"
        "\"code\":\"c\",\"display\":\"Long-acting\"}]},\"category\":{\"text\":\"call 555-1234\"},"
        "\"outcome\":{\"coding\":[{\"code\":\"c\",\"display\":\"for Ann Long\"}]},"
        "\"bodySite\":[{\"text\":\"Longitudinal\"},{\"text\":\"12 Main Street, kitchen\"},"
        "{\"text\":\"MRN mrn-77\"},{\"text\":\"sister PEGGY\"},{\"text\":\"born 1989-04-10\"}]}",
        "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"x\",\"name\":[{\"family\":\"Long\""
        ",\"given\":[\"Ann\"]}],\"telecom\":[{\"value\":\"555-1234\"}],\"address\":[{\"line\":["
        "\"12 Main Street\"]}],\"identifier\":[{\"value\":\"MRN-77\"}],\"birthDate\":"
        "\"1989-04-10\"}",
        "{\"resourceType\":\"RelatedPerson\",\"id\":\"r\",\"name\":[{\"given\":[\"Peggy\"]}]}",
    };
    struct testing_views views;
    const char *text;

    (void)state;
    testing_open_all(resources, COUNT(resources), &views);
    text = testing_text(&views, 1, FHIR_HIGH);
    assert_null(strstr(text, "\"code\":{\"text\""));
    assert_non_null(strstr(text, "\"statusReason\":{\"text\":\"Long-acting\",\"coding\":[{\"code\":"
                                 "\"c\",\"display\":\"Long-acting\"}]}"));
    assert_null(strstr(text, "555"));
    assert_non_null(strstr(text, "\"outcome\":{\"coding\":[{\"code\":\"c\"}]}"));
    assert_non_null(strstr(text, "\"bodySite\":[{\"text\":\"Longitudinal\"}]"));
    testing_free(&views);
}

/* --- refusals --- */

static void refuse(const char *const *resources, size_t count, int code, const char *place,
                   const char *words)
{
    struct buffer bundle = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct aceso_error error = { .code = 0 };
    struct fhir_index *index = NULL;

    testing_bundle(&bundle, resources, count);
    assert_int_equal(fhir_index_build_bytes(buffer_bytes(&bundle), "b.json", &index, &error), code);
    assert_null(index);
    assert_string_equal(error.place, place);
    assert_non_null(strstr(error.text, words));
    buffer_free(&bundle);
}

static void test_what_is_no_record_is_refused(void **state)
{
    static const char *const two[] = {
        TESTING_PATIENT,
        "{\"resourceType\":\"Patient\",\"id\":\"another\"}",
    };
    static const char condition[] = "{\"resourceType\":\"Condition\",\"id\":\"c\"}";
    static const char *const none[] = { condition };
    static const char *const twice[] = { TESTING_PATIENT, condition, condition };
    static const char *const late[] = {
        TESTING_PATIENT, "{\"resourceType\":\"Condition\",\"code\":5}"
    };

    (void)state;
    refuse(two, 2, ACESO_EFORMAT, "b.json: entry 2: line 3", "a second Patient");
    refuse(none, 1, ACESO_EFORMAT, "b.json", "no Patient");
    refuse(twice, 3, ACESO_EEXISTS, "b.json: entry 3: line 4", "the same resource as entry 2");
    refuse(late, 2, ACESO_EFORMAT, "b.json: entry 2: line 3: code", "must be an object");
    refuse(NULL, 0, ACESO_EFORMAT, "b.json", "without an entry");
}

static int failing_pseudonym(void *context, struct bytes type, struct bytes id,
                             char out[FHIR_PSEUDONYM_MAX + 1], struct aceso_error *error)
{
    (void)context;
    (void)type;
    (void)id;
    (void)out;
    return error_set(error, ACESO_EDENIED, NULL, "no pseudonyms today");
}

static void test_failures_of_views(void **state)
{
    static const char *const resources[] = {
        TESTING_PATIENT,
        "{\"resourceType\":\"Organization\",\"id\":\"o\"}",
    };
    struct buffer bundle = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct aceso_error error = { .code = 0 };
    struct fhir_bundle *reader = NULL;
    struct fhir_index *index = NULL;
    struct fhir_views views;
    struct fhir_entry entry;

    (void)state;
    testing_bundle(&bundle, resources, 2);
    assert_int_equal(fhir_index_build_bytes(buffer_bytes(&bundle), "b", &index, NULL), ACESO_OK);
    assert_int_equal(fhir_bundle_open_bytes(buffer_bytes(&bundle), "b", &reader, NULL), ACESO_OK);
    fhir_views_init(&views);
    assert_int_equal(fhir_bundle_next(reader, &entry, NULL), 1);
    assert_int_equal(fhir_views(index, &entry, failing_pseudonym, NULL, &views, &error),
                     ACESO_EDENIED);
    assert_string_equal(error.text, "no pseudonyms today");
    entry.text.len--; /* another text than the one that was indexed */
    assert_int_equal(fhir_views(index, &entry, testing_pseudonym, NULL, &views, &error),
                     ACESO_ESTATE);
    assert_int_equal(fhir_bundle_next(reader, &entry, NULL), 1);
    assert_int_equal(fhir_views(index, &entry, testing_pseudonym, NULL, &views, &error),
                     ACESO_EUSAGE);
    fhir_views_free(&views);
    fhir_bundle_close(reader);
    fhir_index_free(index);
    buffer_free(&bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete_is_the_resource_itself),
        cmocka_unit_test(test_holes_are_closed),
        cmocka_unit_test(test_primitive_siblings),
        cmocka_unit_test(test_references_become_pseudonyms),
        cmocka_unit_test(test_references_follow_their_target),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_birth_year),
        cmocka_unit_test(test_birth_year_without_a_date),
        cmocka_unit_test(test_postal_code_and_death),
        cmocka_unit_test(test_sensitive_spreads),
        cmocka_unit_test(test_circles_end),
        cmocka_unit_test(test_identifying_words_are_withheld),
        cmocka_unit_test(test_what_is_no_record_is_refused),
        cmocka_unit_test(test_failures_of_views),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
