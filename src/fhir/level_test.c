/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/testing.h"

#include "fhir/sensitive.h"

/* The least level at which the text "MARK" (or the number 4711, or the date 2011-11-11) is in a
 * view of the resource, which is the second entry beside a Patient; 0 where it is in none. */
static int level_of_mark(const char *resource)
{
    const char *const all[] = { TESTING_PATIENT, resource };
    bool patient = strstr(resource, "\"Patient\"") != NULL;
    struct testing_views views;
    int level;

    testing_open_all(patient ? all + 1 : all, patient ? 1 : 2, &views);
    for (level = 1; level <= FHIR_LEVELS; level++) {
        const char *text = testing_text(&views, patient ? 1 : 2, level);

        if (strstr(text, "MARK") || strstr(text, "4711") || strstr(text, "2011-11-11"))
            break;
    }
    testing_free(&views);
    return level > FHIR_LEVELS ? 0 : level;
}

#define TYPE(name) "{\"resourceType\":\"" name "\",\"status\":\"x\","
#define CODE "{\"coding\":[{\"code\":\"MARK\"}]}"
#define OBSERVATION(category)                                                                      \
    TYPE("Observation")                                                                            \
    "\"category\":[{\"coding\":[{\"system\":"                                                      \
    "\"http://terminology.hl7.org/CodeSystem/observation-category\",\"code\":\"" category "\"}]}],"

/* The rows of the table, one resource each. */
static const struct {
    int level;
    const char *resource;
} rows[] = {
    { 4, TYPE("Patient") "\"name\":[{\"family\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"telecom\":[{\"value\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"photo\":[{\"contentType\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"contact\":[{\"gender\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"link\":[{\"type\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"identifier\":[{\"value\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"address\":[{\"line\":[\"MARK\"]}]}" },
    { 4, TYPE("Patient") "\"address\":[{\"city\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"address\":[{\"district\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"address\":[{\"postalCode\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"address\":[{\"text\":\"MARK\"}]}" },
    { 1, TYPE("Patient") "\"address\":[{\"state\":\"MARK\"}]}" },
    { 1, TYPE("Patient") "\"address\":[{\"country\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"birthDate\":\"2011-11-11\"}" },
    { 3, TYPE("Patient") "\"deceasedDateTime\":\"2011-11-11\"}" },
    { 1, TYPE("Patient") "\"gender\":\"MARK\"}" },
    { 3, TYPE("Patient") "\"maritalStatus\":" CODE "}" },
    { 3, TYPE("Patient") "\"gender\":\"x\",\"communication\":[{\"language\":" CODE "}]}" },
    { 3, TYPE("Patient") "\"multipleBirthInteger\":4711}" },
    { 2, TYPE("Patient") "\"gender\":\"x\",\"managingOrganization\":{\"display\":\"MARK\"}}" },
    { 2, TYPE("Patient") "\"gender\":\"x\",\"generalPractitioner\":[{\"display\":\"MARK\"}]}" },
    { 4, TYPE("Patient") "\"active\":true,\"shoeSize\":4711}" },
    { 4, TYPE("Patient") "\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/"
                         "patient-birthPlace\",\"valueAddress\":{\"state\":\"MARK\"}}]}" },
    { 4, TYPE("Patient") "\"extension\":[{\"url\":\"http://x\",\"valueCode\":\"MARK\"}]}" },
    { 1, TYPE("Patient") "\"extension\":[{\"url\":\"http://hl7.org/fhir/us/core/"
                         "StructureDefinition/us-core-birthsex\",\"valueCode\":\"MARK\"}]}" },
    { 3, TYPE("Patient") "\"extension\":[{\"url\":\"http://hl7.org/fhir/us/core/"
                         "StructureDefinition/us-core-race\",\"extension\":[{\"url\":"
                         "\"ombCategory\",\"valueCoding\":{\"code\":\"MARK\"}}]}]}" },
    { 4, TYPE("Patient") "\"extension\":[{\"url\":\"http://hl7.org/fhir/us/core/"
                         "StructureDefinition/us-core-race\",\"extension\":[{\"url\":"
                         "\"text\",\"valueString\":\"MARK\"}]}]}" },
    { 4, TYPE("RelatedPerson") "\"gender\":\"MARK\"}" },
    { 4, TYPE("FamilyMemberHistory") "\"name\":\"MARK\"}" },
    { 3, TYPE("FamilyMemberHistory") "\"condition\":[{\"code\":" CODE "}]}" },
    { 1, TYPE("AllergyIntolerance") "\"code\":" CODE "}" },
    { 1, TYPE("MedicationRequest") "\"medicationCodeableConcept\":" CODE "}" },
    { 1, TYPE("MedicationRequest") "\"requester\":{\"reference\":\"Practitioner/MARK\"}}" },
    { 1, TYPE("MedicationRequest") "\"dosageInstruction\":[{\"text\":\"MARK\"}]}" },
    { 4, TYPE("MedicationRequest") "\"note\":[{\"text\":\"MARK\"}]}" },
    { 1, TYPE("Medication") "\"code\":" CODE "}" },
    { 1, TYPE("MedicationDispense") "\"type\":" CODE "}" },
    { 1, TYPE("MedicationAdministration") "\"category\":" CODE "}" },
    { 1, TYPE("MedicationStatement") "\"category\":" CODE "}" },
    { 1, TYPE("Condition") "\"code\":" CODE "}" },
    { 1, TYPE("Condition") "\"onsetDateTime\":\"2011-11-11\"}" },
    { 1, TYPE("Condition") "\"severity\":" CODE "}" },
    { 4, TYPE("Condition") "\"identifier\":[{\"value\":\"MARK\"}]}" },
    { 4, TYPE("Condition") "\"text\":{\"div\":\"MARK\"}}" },
    { 4, TYPE("Condition") "\"onsetString\":\"MARK\"}" },
    { 4, TYPE("Condition") "\"onsetAge\":{\"value\":90.5,\"unit\":\"MARK\"}}" },
    { 1, TYPE("Condition") "\"onsetAge\":{\"value\":89,\"unit\":\"MARK\"}}" },
    { 1, TYPE("Procedure") "\"bodySite\":[" CODE "]}" },
    { 1, TYPE("Immunization") "\"lotNumber\":\"MARK\"}" },
    { 1, TYPE("Encounter") "\"class\":{\"code\":\"MARK\"}}" },
    { 1, TYPE("Encounter") "\"reasonCode\":[" CODE "]}" },
    { 2, TYPE("Encounter") "\"participant\":[{\"type\":[" CODE "]}]}" },
    { 2, TYPE("Encounter") "\"location\":[{\"status\":\"MARK\"}]}" },
    { 2, TYPE("Encounter") "\"serviceProvider\":{\"reference\":\"Organization/MARK\"}}" },
    { 2, TYPE("Encounter") "\"hospitalization\":{\"admitSource\":" CODE "}}" },
    { 4, TYPE("Encounter") "\"identifier\":[{\"value\":\"MARK\"}]}" },
    { 2, TYPE("CarePlan") "\"category\":[" CODE "]}" },
    { 2, TYPE("CareTeam") "\"category\":[" CODE "]}" },
    { 2, TYPE("Goal") "\"description\":" CODE "}" },
    { 2, TYPE("ServiceRequest") "\"code\":" CODE "}" },
    { 2, TYPE("SupplyDelivery") "\"type\":" CODE "}" },
    { 2, TYPE("Claim") "\"type\":" CODE "}" },
    { 2, TYPE("ExplanationOfBenefit") "\"type\":" CODE "}" },
    { 4, TYPE("ExplanationOfBenefit") "\"identifier\":[{\"value\":\"MARK\"}]}" },
    { 4, TYPE("ExplanationOfBenefit") "\"disposition\":\"MARK\"}" },
    { 2, TYPE("Coverage") "\"payor\":[{\"display\":\"MARK\"}]}" },
    { 2, TYPE("Coverage") "\"type\":" CODE "}" },
    { 4, TYPE("Coverage") "\"subscriberId\":\"MARK\"}" },
    { 4, TYPE("Coverage") "\"identifier\":[{\"value\":\"MARK\"}]}" },
    { 1, OBSERVATION("vital-signs") "\"code\":" CODE "}" },
    { 3, OBSERVATION("laboratory") "\"valueQuantity\":{\"value\":4711}}" },
    { 3, OBSERVATION("laboratory") "\"referenceRange\":[{\"text\":\"MARK\"}]}" },
    { 4, OBSERVATION("laboratory") "\"valueString\":\"MARK\"}" },
    { 3, OBSERVATION("imaging") "\"code\":" CODE "}" },
    { 3, OBSERVATION("exam") "\"code\":" CODE "}" },
    { 3, OBSERVATION("procedure") "\"code\":" CODE "}" },
    { 3, OBSERVATION("activity") "\"code\":" CODE "}" },
    { 4, OBSERVATION("social-history") "\"code\":" CODE "}" },
    { 4, OBSERVATION("survey") "\"code\":" CODE "}" },
    { 4, OBSERVATION("sdoh") "\"code\":" CODE "}" },
    { 4, TYPE("Observation") "\"code\":" CODE "}" },
    { 3, TYPE("DiagnosticReport") "\"code\":" CODE "}" },
    { 3, TYPE("DiagnosticReport") "\"conclusionCode\":[" CODE "]}" },
    { 4, TYPE("DiagnosticReport") "\"conclusion\":\"MARK\"}" },
    { 4, TYPE("DiagnosticReport") "\"presentedForm\":[{\"contentType\":\"MARK\"}]}" },
    { 4, TYPE("DiagnosticReport") "\"media\":[{\"comment\":\"MARK\"}]}" },
    { 3, TYPE("ImagingStudy") "\"modality\":[{\"code\":\"MARK\"}]}" },
    { 3, TYPE("ImagingStudy") "\"numberOfSeries\":4711}" },
    { 4, TYPE("ImagingStudy") "\"identifier\":[{\"value\":\"MARK\"}]}" },
    { 4, TYPE("ImagingStudy") "\"series\":[{\"uid\":\"MARK\"}]}" },
    { 4, TYPE("ImagingStudy") "\"series\":[{\"instance\":[{\"uid\":\"MARK\"}]}]}" },
    { 4, TYPE("Media") "\"content\":{\"data\":\"MARK\"}}" },
    { 3, TYPE("DocumentReference") "\"type\":" CODE "}" },
    { 4, TYPE("DocumentReference") "\"content\":[{\"format\":{\"code\":\"MARK\"}}]}" },
    { 4, TYPE("DocumentReference") "\"identifier\":[{\"value\":\"MARK\"}]}" },
    { 1, TYPE("Device") "\"type\":" CODE "}" },
    { 1, TYPE("Device") "\"lotNumber\":\"MARK\"}" },
    { 4, TYPE("Device") "\"udiCarrier\":[{\"carrierHRF\":\"MARK\"}]}" },
    { 4, TYPE("Device") "\"serialNumber\":\"MARK\"}" },
    { 4, TYPE("Device") "\"distinctIdentifier\":\"MARK\"}" },
    { 3, TYPE("Specimen") "\"type\":" CODE "}" },
    { 4, TYPE("MolecularSequence") "\"type\":\"MARK\"}" },
    { 4, TYPE("QuestionnaireResponse") "\"authored\":\"2011-11-11\"}" },
    { 4, TYPE("Communication") "\"priority\":\"MARK\"}" },
    { 4, TYPE("Binary") "\"contentType\":\"MARK\"}" },
    { 4, TYPE("Basic") "\"code\":" CODE "}" },
    { 4, TYPE("List") "\"code\":" CODE "}" },
    { 4, TYPE("Composition") "\"type\":" CODE "}" },
    { 4, TYPE("Provenance") "\"activity\":" CODE "}" },
    { 4, TYPE("AuditEvent") "\"action\":\"MARK\"}" },
    { 4, TYPE("Consent") "\"scope\":" CODE "}" },
    { 4, TYPE("Appointment") "\"description\":\"MARK\"}" },
    { 4, TYPE("Nonsense") "\"code\":\"MARK\"}" },
    { 4, TYPE("Condition") "\"nonsense\":{\"code\":\"MARK\"}}" },
    { 4, TYPE("Condition") "\"extension\":[{\"url\":\"http://x\",\"valueCode\":\"MARK\"}]}" },
    { 4, TYPE("Condition") "\"code\":" CODE ",\"modifierExtension\":[{\"url\":\"http://x\"}]}" },
    { 1, TYPE("Condition") "\"recordedDate\":\"2012\",\"meta\":{\"profile\":[\"MARK\"]}}" },
    { 4, TYPE("Condition") "\"meta\":{\"source\":\"MARK\"}}" },
    { 4, TYPE("Claim") "\"contained\":[{\"resourceType\":\"Nonsense\",\"code\":\"MARK\"}]}" },
    { 2, TYPE("Claim") "\"contained\":[{\"resourceType\":\"Medication\",\"code\":" CODE "}]}" },
    { 4, TYPE("Claim") "\"contained\":[{\"resourceType\":\"Practitioner\",\"birthDate\":"
                       "\"2011-11-11\"}]}" },
    { 4, TYPE("Condition") "\"_recordedDate\":{\"id\":\"MARK\"},\"recordedDate\":\"2012\"}" },
};

static void test_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int level = level_of_mark(rows[i].resource);

        if (level != rows[i].level)
            fail_msg("%s: level %d", rows[i].resource, level);
    }
}

#define LABELLED(system, code)                                                                     \
    "{\"resourceType\":\"Condition\",\"meta\":{\"security\":[{\"system\":\"" system                \
    "\",\"code\":\"" code "\"}]},\"code\":" CODE "}"
#define CONFIDENTIALITY "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
#define ACT "http://terminology.hl7.org/CodeSystem/v3-ActCode"
#define INLINE                                                                                     \
    "\"extension\":[{\"url\":\"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/"    \
    "extension-inline-sec-label\",\"valueCoding\":{\"system\":\"" ACT "\",\"code\":\"ETH\"}}]"

static void test_labels_only_raise(void **state)
{
    static const struct {
        int level;
        const char *resource;
    } cases[] = {
        { 1, LABELLED(CONFIDENTIALITY, "U") },
        { 1, LABELLED(CONFIDENTIALITY, "L") },
        { 1, LABELLED(CONFIDENTIALITY, "M") },
        { 1, LABELLED(CONFIDENTIALITY, "N") },
        { 4, LABELLED(CONFIDENTIALITY, "R") },
        { 4, LABELLED(CONFIDENTIALITY, "V") },
        { 4, LABELLED(ACT, "HIV") },
        { 4, LABELLED(ACT, "42CFRPart2") },
        { 4, LABELLED("http://example.org", "anything") },
        { 4, LABELLED("http://example.org", "N") },
        { 4, TYPE("Condition") "\"code\":{" INLINE ",\"coding\":[{\"code\":\"MARK\"}]}}" },
        { 4, TYPE("Condition") "\"recordedDate\":\"2011-11-11\",\"_recordedDate\":{" INLINE "}}" },
        { 4, TYPE("Patient") "\"gender\":\"MARK\",\"meta\":{\"security\":[{\"code\":\"R\"}]}}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int level = level_of_mark(cases[i].resource);

        if (level != cases[i].level)
            fail_msg("%s: level %d", cases[i].resource, level);
    }
}

#define SNOMED "http://snomed.info/sct"
#define ICD "http://hl7.org/fhir/sid/icd-10-cm"

static void test_sensitive_codes(void **state)
{
    static const struct {
        const char *system, *code, *display;
        uint32_t category; /* must be among those found; 0: none may be */
    } cases[] = {
        { SNOMED, "86406008", NULL, FHIR_CATEGORY_HIV },
        { ICD, "B20", NULL, FHIR_CATEGORY_HIV },
        { ICD, "F11.20", NULL, FHIR_CATEGORY_SUBSTANCE },
        { ICD, "F1120", NULL, FHIR_CATEGORY_SUBSTANCE },
        { ICD, "F17.210", NULL, 0 },
        { ICD, "F32.9", NULL, FHIR_CATEGORY_MENTAL },
        { ICD, "I10", NULL, 0 },
        { ICD, "O03.9", NULL, FHIR_CATEGORY_REPRODUCTIVE },
        { ICD, "T74.11XA", NULL, FHIR_CATEGORY_VIOLENCE },
        { ICD, "Z15.01", NULL, FHIR_CATEGORY_GENETIC },
        { ICD, "Z59.0", NULL, FHIR_CATEGORY_SOCIAL },
        { SNOMED, "192127007", "Child attention deficit disorder", FHIR_CATEGORY_MENTAL },
        { SNOMED, "6525002", "Dependent drug abuse (disorder)", FHIR_CATEGORY_SUBSTANCE },
        { SNOMED, "55680006", "Drug overdose", FHIR_CATEGORY_SUBSTANCE },
        { SNOMED, "706893006", "Victim of intimate partner abuse (finding)",
          FHIR_CATEGORY_VIOLENCE },
        { SNOMED, "35999006", "Blighted ovum", FHIR_CATEGORY_REPRODUCTIVE },
        { NULL, NULL, "HIV positive", FHIR_CATEGORY_HIV },
        { NULL, NULL, "Screening for hiv", FHIR_CATEGORY_HIV },
        { NULL, NULL, "Buprenorphine 2 MG / Naloxone 0.5 MG Sublingual Tablet",
          FHIR_CATEGORY_SUBSTANCE },
        { NULL, NULL, "sertraline 50 MG Oral Tablet", FHIR_CATEGORY_MENTAL },
        { NULL, NULL, "Alcohol disinfectant (substance)", 0 },
        { NULL, NULL, "Hearing aids", 0 },
        { NULL, NULL, "Rapeseed oil allergy", 0 },
        { NULL, NULL, "Archive of images", 0 },
        { NULL, NULL, "Essential hypertension (disorder)", 0 },
        { SNOMED, "59621000", "Essential hypertension (disorder)", 0 },
        { "http://example.org", "86406008", NULL, 0 },
        { NULL, NULL, NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t found =
            fhir_sensitive_coding(cases[i].system, cases[i].code, cases[i].display);

        if (cases[i].category ? !(found & cases[i].category) : found)
            fail_msg("case %zu: found 0x%x", i, (unsigned)found);
    }
    assert_string_equal(fhir_category_name(FHIR_CATEGORY_HIV), "hiv");
    assert_string_equal(fhir_category_name(FHIR_CATEGORY_RESTRICTED), "restricted");
    assert_null(fhir_category_name(3));
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(fhir_level_name(FHIR_LOW), "low");
    assert_string_equal(fhir_level_name(FHIR_COMPLETE), "complete");
    assert_null(fhir_level_name(0));
    assert_null(fhir_level_name(5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_labels_only_raise),
        cmocka_unit_test(test_sensitive_codes),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
