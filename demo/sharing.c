/* SPDX-License-Identifier: Apache-2.0 */
/* Chapter three, the paper's Table I: four kinds of institutes ask for every patient's records;
 * the patient's rules and the hospital decide; each reads its level and no more. */
#include "base/json.h"
#include "base/text.h"
#include "check.h"
#include "report.h"
#include "story.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define SHARING_DECIDE_MS 120000
#define SHARING_TURN_MS 200

/* ---- asking ------------------------------------------------------------------------------ */

static void sharing_subject(const struct patient *patient, size_t row, char out[160])
{
    (void)snprintf(out, 160, "%s of %s", story_askers[row].name, patient->party->name);
}

static bool sharing_ask(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;
    char subject[160];
    bool ok;

    steps_begin(&steps, story, "institute asks");
    for (size_t i = 0; i < demo->patients * DEMO_ASKERS; i++) {
        const struct patient *patient = &demo->patient[i / DEMO_ASKERS];
        const struct asker *asker = &story_askers[i % DEMO_ASKERS];

        sharing_subject(patient, i % DEMO_ASKERS, subject);
        steps_add(&steps, subject, story->asker[i % DEMO_ASKERS],
                  ARGUMENTS("institute", "request", "--hospital", "hospital-a", "--patient",
                            patient->party->address, "--purpose", asker->purpose, "--level",
                            asker->level, "--term", "30d"));
    }
    ok = steps_run(&steps, "hospital-b asks for complete, pharmacy for low, insurance for medium, "
                           "medical school for high");
    for (size_t i = 0; i < steps.jobs.count; i++)
        job_member(&steps.jobs.job[i], "request",
                   demo->patient[i / DEMO_ASKERS].request[i % DEMO_ASKERS], DEMO_REQUEST_SIZE);
    steps_end(&steps);
    return ok;
}

static bool sharing_outsider_asks(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;
    bool ok;

    steps_begin(&steps, story, "outsider asks");
    for (size_t i = 0; i < demo->patients; i++)
        steps_add(&steps, demo->patient[i].party->name, story->outsider,
                  ARGUMENTS("institute", "request", "--hospital", "hospital-a", "--patient",
                            demo->patient[i].party->address, "--purpose", "HRESCH", "--level",
                            "high", "--term", "30d"));
    ok = steps_run(&steps, "the outsider asks for level high too");
    for (size_t i = 0; i < steps.jobs.count; i++)
        job_member(&steps.jobs.job[i], "request", demo->patient[i].outsiders, DEMO_REQUEST_SIZE);
    steps_end(&steps);
    return ok;
}

/* ---- fetching ---------------------------------------------------------------------------- */

/* Fetches of all rows for all patients; into the folders, or where nothing must come out. */
static void sharing_fetches(struct steps *steps, const char *scrap)
{
    struct demo *demo = steps->story->demo;
    char path[PATH_MAX], subject[160];

    for (size_t i = 0; i < demo->patients * DEMO_ASKERS; i++) {
        const struct patient *patient = &demo->patient[i / DEMO_ASKERS];
        const size_t row = i % DEMO_ASKERS;
        bool ok;

        if (scrap)
            ok = story_scrap(steps->story, scrap, path);
        else
            ok = story_out(steps->story, story_askers[row].name, patient->name, path);
        sharing_subject(patient, row, subject);
        if (ok)
            steps_add(steps, subject, steps->story->asker[row],
                      ARGUMENTS("institute", "fetch", patient->request[row], "--out", path));
    }
}

static void sharing_too_early(struct story *story)
{
    struct steps steps;

    steps_begin(&steps, story, "fetch before approval");
    steps.refused = true;
    sharing_fetches(&steps, "early.ndjson");
    (void)steps_run(&steps, "each fetches before hospital-a has approved");
    steps_end(&steps);
}

static void sharing_outsider_fetches(struct story *story, const char *name, const char *words)
{
    struct demo *demo = story->demo;
    struct steps steps;
    char path[PATH_MAX];

    if (!story_scrap(story, "outsider.ndjson", path))
        return;
    steps_begin(&steps, story, name);
    steps.refused = true;
    for (size_t i = 0; i < demo->patients; i++)
        steps_add(&steps, demo->patient[i].party->name, story->outsider,
                  ARGUMENTS("institute", "fetch", demo->patient[i].outsiders, "--out", path));
    (void)steps_run(&steps, words);
    steps_end(&steps);
}

/* The table as people read it: a row a patient, how many records each opened at its level. */
static void sharing_print(struct story *story, bool ok, uint64_t milliseconds)
{
    struct demo *demo = story->demo;
    char path[PATH_MAX], words[STORY_WORDS];

    report_line(demo->report, ok, "each fetches, opens, checks every part: records opened",
                milliseconds, 0);
    (void)snprintf(words, sizeof words, "%-12s %12s %12s %14s %20s", "", "pharmacy:low",
                   "insurance:med", "school:high", "hospital-b:complete");
    report_remark(words);
    for (size_t i = 0; i < demo->patients; i++) {
        size_t count[DEMO_ASKERS];

        for (size_t row = 0; row < DEMO_ASKERS; row++)
            count[row] = story_out(story, story_askers[row].name, demo->patient[i].name, path)
                             ? check_count(path)
                             : 0;
        (void)snprintf(words, sizeof words, "%-12s %12zu %13zu %14zu %20zu",
                       demo->patient[i].party->name, count[ASKER_PHARMACY],
                       count[ASKER_INSURANCE], count[ASKER_SCHOOL], count[ASKER_HOSPITAL]);
        report_remark(words);
    }
}

static bool sharing_fetch(struct story *story)
{
    int64_t start = time_monotonic_ms();
    struct steps steps;
    bool ok;

    steps_begin(&steps, story, "institute fetches");
    sharing_fetches(&steps, NULL);
    ok = steps_run(&steps, NULL);
    steps_end(&steps);
    sharing_print(story, ok, (uint64_t)(time_monotonic_ms() - start));
    return ok;
}

/* ---- deciding ---------------------------------------------------------------------------- */

/* How many of the patient's requests its node has decided by a rule, as wanted: the four allowed,
 * the outsider's denied. */
static size_t sharing_decided(const struct patient *patient, const struct job *job)
{
    yyjson_doc *doc = NULL;
    yyjson_val *request;
    size_t at, count, decided = 0;

    if (json_parse(buffer_bytes(&job->out), &doc, NULL))
        return 0;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "requests"), at, count, request)
    {
        const char *id = json_string_or(request, "request", "");
        const char *decision = json_string_or(request, "decision", "");
        bool sent = strcmp(json_string_or(request, "decision_state", ""), "sent") == 0;

        for (size_t row = 0; row < DEMO_ASKERS; row++)
            decided += sent && strcmp(id, patient->request[row]) == 0 &&
                       strcmp(decision, "allow") == 0;
        decided += sent && strcmp(id, patient->outsiders) == 0 && strcmp(decision, "deny") == 0;
    }
    yyjson_doc_free(doc);
    return decided;
}

/* Asks every patient's node once how far it is. */
static size_t sharing_undecided(struct story *story)
{
    struct demo *demo = story->demo;
    struct jobs jobs = { 0 };
    size_t left = demo->patients * (DEMO_ASKERS + 1);

    for (size_t i = 0; i < demo->patients; i++)
        (void)jobs_add(&jobs, demo->patient[i].party, ARGUMENTS("patient", "requests"));
    (void)jobs_run(demo, &jobs);
    for (size_t i = 0; i < jobs.count; i++)
        left -= sharing_decided(&demo->patient[i], &jobs.job[i]);
    jobs_free(&jobs);
    return left;
}

static bool sharing_decide(struct story *story)
{
    struct aceso_error error = { 0 };
    const int64_t start = time_monotonic_ms();
    size_t left = sharing_undecided(story);
    bool ok;

    while (left && time_monotonic_ms() < start + SHARING_DECIDE_MS && !demo_interrupted()) {
        (void)poll(NULL, 0, SHARING_TURN_MS);
        left = sharing_undecided(story);
    }
    ok = left == 0;
    report_step(story->demo->report, "rules decide", ok,
                (uint64_t)(time_monotonic_ms() - start), bytes_of(NULL, 0),
                "each patient's node decides by the rules: a sealed grant for each of the four, no "
                "to the outsider");
    if (!ok) {
        (void)error_set(&error, ACESO_ETIMEOUT, NULL, "%zu requests are not decided", left);
        report_remark(error.text);
    }
    return ok;
}

static bool sharing_approve(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;
    char subject[160];
    bool ok;

    steps_begin(&steps, story, "hospital approves");
    for (size_t i = 0; i < demo->patients * DEMO_ASKERS; i++) {
        const struct patient *patient = &demo->patient[i / DEMO_ASKERS];

        sharing_subject(patient, i % DEMO_ASKERS, subject);
        steps_add(&steps, subject, story->hospital_a,
                  ARGUMENTS("hospital", "approve", patient->request[i % DEMO_ASKERS]));
    }
    ok = steps_run(&steps, "hospital-a approves: access strings, attributes, whitelist entries");
    steps_end(&steps);
    return ok;
}

/* The second key of the policy is hospital-b's to give, in a step of its own. */
static bool sharing_accredit(struct story *story)
{
    struct steps steps;
    char path[PATH_MAX];
    bool ok;

    if (story_scrap(story, "half.ndjson", path))
        story_refused(story, "fetch without accreditation",
                      "approved, but without hospital-b's attribute, nothing opens",
                      story->asker[ASKER_SCHOOL],
                      ARGUMENTS("institute", "fetch",
                                story->demo->patient[0].request[ASKER_SCHOOL], "--out", path));
    steps_begin(&steps, story, "accredit institute");
    for (size_t row = 0; row < DEMO_ASKERS; row++)
        steps_add(&steps, story_askers[row].name, story->hospital_b,
                  ARGUMENTS("hospital", "issue", "accredited", "--to",
                            story->asker[row]->address));
    ok = steps_run(&steps, "hospital-b accredits each of them: the second key, recorded in its "
                           "own contracts");
    steps_end(&steps);
    return ok;
}

/* ---- what came out, seen from outside ---------------------------------------------------- */

static int look_equal(const struct story *story, const struct patient *patient,
                      struct aceso_error *error)
{
    char path[PATH_MAX];

    if (!story_out(story, "hospital-b", patient->name, path))
        return error_set(error, ACESO_ELIMIT, NULL, "the path is too long");
    return check_equal(patient->bundle, path, error);
}

/* The files of the three lower levels, by rank - 1. */
static bool look_paths(const struct story *story, const struct patient *patient,
                       char path[3][PATH_MAX])
{
    return story_out(story, "pharmacy", patient->name, path[0]) &&
           story_out(story, "insurance", patient->name, path[1]) &&
           story_out(story, "medical-school", patient->name, path[2]);
}

static int look_absent(const struct story *story, const struct patient *patient,
                       struct aceso_error *error)
{
    char path[3][PATH_MAX];
    int code = look_paths(story, patient, path) ? ACESO_OK : ACESO_ELIMIT;

    for (unsigned rank = 1; rank <= 3 && !code; rank++)
        code = check_absent(path[rank - 1], rank, error);
    return code;
}

static int look_present(const struct story *story, const struct patient *patient,
                        struct aceso_error *error)
{
    char path[3][PATH_MAX];
    const char *const ndjson[3] = { path[0], path[1], path[2] };

    return look_paths(story, patient, path) ? check_present(patient->bundle, ndjson, error)
                                            : ACESO_ELIMIT;
}

static int look_hidden(const struct story *story, const struct patient *patient,
                       struct aceso_error *error)
{
    char path[3][PATH_MAX];
    int code = look_paths(story, patient, path) ? ACESO_OK : ACESO_ELIMIT;

    for (unsigned rank = 1; rank <= 3 && !code; rank++)
        code = check_hidden(patient->bundle, path[rank - 1], error);
    return code;
}

static int look_within(const struct story *story, const struct patient *patient,
                       struct aceso_error *error)
{
    char path[3][PATH_MAX], complete[PATH_MAX];
    int code = look_paths(story, patient, path) &&
                       story_out(story, "hospital-b", patient->name, complete)
                   ? ACESO_OK
                   : ACESO_ELIMIT;

    if (!code)
        code = check_within(path[0], path[1], false, error);
    if (!code)
        code = check_within(path[1], path[2], false, error);
    return code ? code : check_within(path[2], complete, true, error);
}

static bool sharing_looks(struct story *story)
{
    static const struct {
        const char *name, *words;
        story_look_fn *look;
    } looks[] = {
        { "hospital-b has all", "hospital-b's files equal what went in, value for value",
          look_equal },
        { "levels show", "low has conditions and medications, medium also claims, high also "
                         "laboratory values", look_present },
        { "levels hide", "... and not before; no social history, survey, narrative, attachment, "
                         "Provenance", look_absent },
        { "levels nest", "each lower view is within the next higher one, leaf by leaf",
          look_within },
        { "nobody is named", "no name, number, phone or street of a patient below complete",
          look_hidden },
    };
    bool ok = true;

    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        ok = story_look(story, looks[i].name, looks[i].words, looks[i].look) && ok;
    return ok;
}

/* A stranger, who holds no key: the files, their proofs, and a chain node. */
bool sharing_verify(struct story *story, bool with_patients, const char *words)
{
    struct demo *demo = story->demo;
    const size_t columns = with_patients ? 1 : DEMO_ASKERS;
    struct steps steps;
    char path[PATH_MAX], subject[160];
    bool ok = true;

    steps_begin(&steps, story, "verify by a stranger");
    for (size_t i = 0; i < demo->patients * columns && ok; i++) {
        const struct patient *patient = &demo->patient[i / columns];
        const char *folder = with_patients ? "patient" : story_askers[i % columns].name;

        ok = story_out(story, folder, patient->name, path);
        (void)snprintf(subject, sizeof subject, "%s of %s", folder, patient->party->name);
        steps_add(&steps, subject, NULL,
                  ARGUMENTS("verify", path, "--rpc", demo->rpc, "--consortium", story->amsc,
                            "--json"));
    }
    ok = steps_run(&steps, words) && ok;
    steps_end(&steps);
    return ok;
}

bool sharing_tell(struct story *story)
{
    report_chapter(story->demo->report, "Table I: who asks, who decides, who reads what");
    if (!sharing_ask(story) || !sharing_outsider_asks(story))
        return false;
    sharing_too_early(story);
    if (!sharing_decide(story) || !sharing_approve(story) || !sharing_accredit(story) ||
        !sharing_fetch(story))
        return false;
    sharing_outsider_fetches(story, "outsider fetches",
                             "the outsider, whom nobody approved, fetches");
    /* What does not hold from here on is in the report and ends nothing. */
    (void)sharing_looks(story);
    (void)sharing_verify(story, false,
                         "a stranger without any key checks each export against its proof and "
                         "the chain");
    return true;
}
