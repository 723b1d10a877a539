/* SPDX-License-Identifier: Apache-2.0 */
/* The last chapter: consents end, and how everybody stands. */
#include "process.h"
#include "report.h"
#include "story.h"

#include <stdio.h>
#include <string.h>

/* ---- one consent, while another's goes on ------------------------------------------------ */

static void ending_fetch_refused(struct story *story, const char *name, const char *words,
                                 size_t row, const struct patient *patient)
{
    char path[PATH_MAX];

    if (story_scrap(story, "after.ndjson", path))
        story_refused(story, name, words, story->asker[row],
                      ARGUMENTS("institute", "fetch", patient->request[row], "--out", path));
}

static bool ending_withdraw(struct story *story)
{
    struct demo *demo = story->demo;
    struct patient *patient = &demo->patient[0];
    char path[PATH_MAX];

    if (!story_do(story, "patient revokes", "patient-1 withdraws the medical school's consent",
                  patient->party, ARGUMENTS("patient", "revoke", patient->request[ASKER_SCHOOL])))
        return false;
    patient->ended[ASKER_SCHOOL] = true;
    ending_fetch_refused(story, "fetch after revocation", "the school fetches it once more",
                         ASKER_SCHOOL, patient);
    if (demo->patients < 2) {
        report_remark("(with one patient there is none whose consent goes on there: skipped)");
        return true;
    }
    return !story_scrap(story, "other.ndjson", path) ||
           story_do(story, "another's consent goes on",
                    "patient-2's consent goes on: the school fetches that record again",
                    story->asker[ASKER_SCHOOL],
                    ARGUMENTS("institute", "fetch", demo->patient[1].request[ASKER_SCHOOL],
                              "--out", path));
}

/* ---- a hospital that does not answer ------------------------------------------------------ */

/* A second, shorter consent of the pharmacy: it ends while the first goes on. */
static bool ending_second_consent(struct story *story, const struct patient *patient,
                                  char request[DEMO_REQUEST_SIZE])
{
    return story_run(story, story->asker[ASKER_PHARMACY],
                     ARGUMENTS("institute", "request", "--hospital", "hospital-a", "--patient",
                               patient->party->address, "--purpose", "HOPERAT", "--level", "low",
                               "--term", "7d")) == 0 &&
           (story_member(story, "request", request, DEMO_REQUEST_SIZE), true) &&
           story_run(story, patient->party, ARGUMENTS("patient", "approve", request)) == 0 &&
           story_run(story, story->hospital_a, ARGUMENTS("hospital", "approve", request)) == 0;
}

static bool ending_bypass(struct story *story)
{
    struct patient *patient = &story->demo->patient[story->demo->patients - 1];
    char request[DEMO_REQUEST_SIZE], words[STORY_WORDS], path[PATH_MAX];
    bool ok = ending_second_consent(story, patient, request);

    if (!ok) {
        report_remark(story_reason(story));
        return false;
    }
    (void)snprintf(words, sizeof words,
                   "hospital-a is silent; %s ends a second consent of the pharmacy all the same",
                   patient->party->name);
    process_pause(story->hospital_a, true);
    ok = story_do(story, "revoke past a silent hospital", words, patient->party,
                  ARGUMENTS("patient", "revoke", request));
    process_pause(story->hospital_a, false);
    if (!ok)
        return false;
    story_member(story, "message", words, sizeof words);
    report_quote(words);
    if (!story_scrap(story, "second.ndjson", path))
        return false;
    story_refused(story, "fetch after a bypass", "hospital-a is back: the pharmacy fetches",
                  story->asker[ASKER_PHARMACY],
                  ARGUMENTS("institute", "fetch", request, "--out", path));
    return story_do(story, "the first goes on", "its first consent goes on",
                    story->asker[ASKER_PHARMACY],
                    ARGUMENTS("institute", "fetch", patient->request[ASKER_PHARMACY], "--out",
                              path));
}

/* ---- the hospital ends an institute ------------------------------------------------------ */

static bool ending_revoke_institute(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;
    char path[PATH_MAX];

    if (!story_do(story, "hospital revokes institute",
                  "hospital-a ends everything with the insurance", story->hospital_a,
                  ARGUMENTS("hospital", "revoke", story->asker[ASKER_INSURANCE]->address)) ||
        !story_scrap(story, "ended.ndjson", path))
        return false;
    steps_begin(&steps, story, "fetch by a revoked institute");
    steps.refused = true;
    for (size_t i = 0; i < demo->patients; i++) {
        demo->patient[i].ended[ASKER_INSURANCE] = true;
        steps_add(&steps, demo->patient[i].party->name, story->asker[ASKER_INSURANCE],
                  ARGUMENTS("institute", "fetch", demo->patient[i].request[ASKER_INSURANCE],
                            "--out", path));
    }
    (void)steps_run(&steps, "the insurance fetches, for every patient");
    steps_end(&steps);
    attacks_by_revoked(story, ASKER_INSURANCE);
    return true;
}

/* ---- how everybody stands ---------------------------------------------------------------- */

static void ending_status(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;
    char words[4096];

    report_chapter(demo->report, "How everybody stands");
    steps_begin(&steps, story, "status");
    for (size_t i = 0; i < demo->parties; i++)
        steps_add(&steps, demo->party[i].name, &demo->party[i], ARGUMENTS("status"));
    (void)steps_run(&steps, "'aceso status' of each");
    for (size_t i = 0; i < steps.jobs.count; i++) {
        const struct party *party = &demo->party[i];
        bool brief = demo->patients > 2 && strcmp(party->role, "patient") == 0;

        job_member(&steps.jobs.job[i], "message", words, sizeof words);
        report_indented(party->name, words, brief ? "hospital" : "");
    }
    steps_end(&steps);
}

bool ending_tell(struct story *story)
{
    report_chapter(story->demo->report, "Consents end");
    if (!ending_withdraw(story) || !ending_bypass(story) || !ending_revoke_institute(story))
        return false;
    ending_status(story);
    return true;
}
