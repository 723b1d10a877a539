/* SPDX-License-Identifier: Apache-2.0 */
/* Chapter four: the first patient is treated at a second hospital too, under another address, and
 * reads one record from both. */
#include "base/json.h"
#include "report.h"
#include "story.h"
#include "visit.h"

#include <stdio.h>
#include <string.h>

/* The patient's address at a hospital, as its own node says it. */
static bool treatment_address(struct story *story, struct patient *patient, const char *label)
{
    yyjson_doc *doc = NULL;
    yyjson_val *hospital;
    size_t at, count;

    if (story_run(story, patient->party, ARGUMENTS("status")) != 0 ||
        json_parse(buffer_bytes(&story->last.job[0].out), &doc, NULL))
        return false;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "hospitals"), at, count, hospital)
    {
        if (strcmp(json_string_or(hospital, "label", ""), label) == 0)
            (void)snprintf(patient->elsewhere, sizeof patient->elsewhere, "%s",
                           json_string_or(hospital, "address", ""));
    }
    yyjson_doc_free(doc);
    return patient->elsewhere[0] != '\0';
}

static bool treatment_join(struct story *story, struct patient *patient)
{
    const struct joining joining = { story->hospital_b, patient->party, NULL };
    struct aceso_error error = { 0 };
    bool apart;

    if (!consortium_join(story, &joining, 1, "hospital-b certifies patient-1's node") ||
        !treatment_address(story, patient, "hospital-b")) {
        story_check(story, "second hospital", "patient-1 has an address there", ACESO_ESTATE,
                    &error);
        return false;
    }
    apart = strcmp(patient->elsewhere, patient->party->address) != 0;
    (void)error_set(&error, ACESO_EVERIFY, NULL, "they are the same");
    story_check(story, "addresses do not link",
                "the address there is another one: nothing links the two",
                apart ? ACESO_OK : ACESO_EVERIFY, &error);
    return story_do(story, "enrol elsewhere", "the patient agrees keys and terms with hospital-b",
                    patient->party,
                    ARGUMENTS("patient", "enrol", "--hospital", "hospital-b"));
}

static bool treatment_visit(struct story *story, struct patient *patient)
{
    struct aceso_error error = { 0 };
    char path[PATH_MAX], words[STORY_WORDS];
    size_t entries = 0;
    int code = story_scrap(story, "visit.json", path) ? ACESO_OK : ACESO_ELIMIT;

    if (!code)
        code = visit_write(patient->bundle, path, &entries, &error);
    if (code) {
        story_check(story, "last visit", "the last visit is taken out of the bundle", code,
                    &error);
        return false;
    }
    (void)snprintf(words, sizeof words,
                   "hospital-b takes in the last visit: %zu records, sealed, stored", entries);
    return story_do(story, "import elsewhere", words, story->hospital_b,
                    ARGUMENTS("hospital", "import", path, "--patient", patient->elsewhere)) &&
           story_do(story, "sign elsewhere", "the patient signs that batch too", patient->party,
                    ARGUMENTS("patient", "sign", "--hospital", "hospital-b"));
}

bool treatment_tell(struct story *story)
{
    struct patient *patient = &story->demo->patient[0];

    report_chapter(story->demo->report, "The first patient at a second hospital");
    if (!treatment_join(story, patient) || !treatment_visit(story, patient) ||
        !records_read(story, "each patient reads one record, patient-1 from both hospitals"))
        return false;
    (void)sharing_verify(story, true, "a stranger checks what the patients read");
    return true;
}
