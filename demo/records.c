/* SPDX-License-Identifier: Apache-2.0 */
/* Chapter two: patients join a hospital, and their records become sealed parts. */
#include "base/text.h"
#include "check.h"
#include "report.h"
#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What hospital-a knows before any patient comes. */
static void records_directories(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;

    steps_begin(&steps, story, "import directory");
    for (size_t i = 0; i < demo->directory_bundles; i++) {
        steps_add(&steps, "hospital-a", story->hospital_a,
                  ARGUMENTS("hospital", "import", demo->directory_bundle[i]));
        steps_add(&steps, "hospital-b", story->hospital_b,
                  ARGUMENTS("hospital", "import", demo->directory_bundle[i]));
    }
    if (demo->directory_bundles)
        (void)steps_run(&steps, "both hospitals take in the public directories of hospitals and "
                                "practitioners");
    steps_end(&steps);
    for (size_t i = 0; i < demo->bad_bundles; i++)
        story_refused(story, "import broken bundle", "hospital-a is handed a broken bundle",
                      story->hospital_a, ARGUMENTS("hospital", "import", demo->bad_bundle[i]));
}

static bool records_parties(struct story *story)
{
    struct demo *demo = story->demo;
    static char name[DEMO_PARTIES_MAX][32];
    const char *names[DEMO_PARTIES_MAX], *roles[DEMO_PARTIES_MAX];
    struct party *parties[DEMO_PARTIES_MAX];
    struct joining joining[DEMO_PARTIES_MAX];

    for (size_t i = 0; i < demo->patients; i++) {
        (void)snprintf(name[i], sizeof name[i], "patient-%zu", i + 1);
        names[i] = name[i];
        roles[i] = "patient";
    }
    if (!consortium_init(story, names, roles, demo->patients, parties))
        return false;
    for (size_t i = 0; i < demo->patients; i++) {
        demo->patient[i].party = parties[i];
        joining[i] = (struct joining){ story->hospital_a, parties[i], NULL };
    }
    return consortium_join(story, joining, demo->patients,
                           "hospital-a certifies every patient's node");
}

/* The first patient has a policy of its own, the others the default one. */
static bool records_enrol(struct story *story)
{
    static const char own[] =
        "registered@hospital-a and (accredited@hospital-b or trusted@hospital-b)";
    struct demo *demo = story->demo;
    struct steps steps;
    bool ok;

    steps_begin(&steps, story, "enrol");
    steps_add(&steps, demo->patient[0].party->name, demo->patient[0].party,
              ARGUMENTS("patient", "enrol", "--policy", own));
    for (size_t i = 1; i < demo->patients; i++)
        steps_add(&steps, demo->patient[i].party->name, demo->patient[i].party,
                  ARGUMENTS("patient", "enrol"));
    ok = steps_run(&steps, "each makes keys, checks headers, signs levels and policy (patient-1's "
                           "own: and, or)");
    steps_end(&steps);
    return ok && story_do(story, "override", "patient-1 gives the outsider no level at all",
                          demo->patient[0].party,
                          ARGUMENTS("patient", "override", story->outsider->address, "--level",
                                    "none"));
}

/* What each patient's node decides by itself: no to the outsider, and the paper's table. */
static bool records_rules(struct story *story)
{
    struct demo *demo = story->demo;
    const int64_t start = time_monotonic_ms();
    bool ok = true;

    for (size_t row = 0; row <= DEMO_ASKERS && ok; row++) {
        struct steps one;

        steps_begin(&one, story, "rule");
        for (size_t i = 0; i < demo->patients; i++) {
            const struct party *party = demo->patient[i].party;

            if (row == 0) {
                steps_add(&one, party->name, party,
                          ARGUMENTS("patient", "rule", "--then", "deny", "--institute",
                                    story->outsider->address));
            } else {
                const struct asker *asker = &story_askers[row - 1];

                steps_add(&one, party->name, party,
                          ARGUMENTS("patient", "rule", "--then", "allow", "--category",
                                    asker->category, "--purpose", asker->purpose, "--level",
                                    asker->level, "--term", "30d"));
            }
        }
        ok = steps_run(&one, NULL);
        steps_end(&one);
    }
    report_line(demo->report, ok,
                "each sets rules: the outsider nothing; hospitals complete, pharmacies low (both "
                "to treat),",
                (uint64_t)(time_monotonic_ms() - start), 0);
    report_remark("insurers medium (for payment), medical schools high (for research); all else: "
                  "ask me");
    return ok;
}

static bool records_import(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;
    bool ok;

    steps_begin(&steps, story, "import");
    for (size_t i = 0; i < demo->patients; i++)
        steps_add(&steps, demo->patient[i].party->name, story->hospital_a,
                  ARGUMENTS("hospital", "import", demo->patient[i].bundle, "--patient",
                            demo->patient[i].party->address));
    ok = steps_run(&steps, "hospital-a takes in each bundle: split by level, sealed, stored");
    steps_end(&steps);
    if (!ok)
        return false;
    steps_begin(&steps, story, "sign batch");
    for (size_t i = 0; i < demo->patients; i++)
        steps_add(&steps, demo->patient[i].party->name, demo->patient[i].party,
                  ARGUMENTS("patient", "sign"));
    ok = steps_run(&steps, "each patient signs the batch; its root is on the chain");
    steps_end(&steps);
    return ok;
}

static int records_look(const struct story *story, const struct patient *patient,
                        struct aceso_error *error)
{
    char path[PATH_MAX];

    if (!story_out(story, "patient", patient->name, path))
        return error_set(error, ACESO_ELIMIT, NULL, "the path is too long");
    return check_equal(patient->bundle, path, error);
}

bool records_read(struct story *story, const char *words)
{
    struct demo *demo = story->demo;
    struct steps steps;
    char path[PATH_MAX];
    bool ok = true;

    steps_begin(&steps, story, "patient reads");
    for (size_t i = 0; i < demo->patients && ok; i++) {
        ok = story_out(story, "patient", demo->patient[i].name, path);
        steps_add(&steps, demo->patient[i].party->name, demo->patient[i].party,
                  ARGUMENTS("patient", "read", "--out", path));
    }
    ok = ok && steps_run(&steps, words);
    steps_end(&steps);
    (void)(ok && story_look(story, "record is whole",
                            "it equals what went in, value for value, numbers as written",
                            records_look));
    return ok;
}

bool records_tell(struct story *story)
{
    struct demo *demo = story->demo;
    char words[STORY_WORDS];

    report_chapter(demo->report, "What the hospitals already know");
    records_directories(story);
    if (demo->patients == 1)
        (void)snprintf(words, sizeof words, "A patient: %s", demo->patient[0].name);
    else
        (void)snprintf(words, sizeof words, "%zu patients", demo->patients);
    report_chapter(demo->report, words);
    return records_parties(story) && records_enrol(story) && records_rules(story) &&
           records_import(story) && records_read(story, "each patient reads the whole own record");
}
