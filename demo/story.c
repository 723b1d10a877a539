/* SPDX-License-Identifier: Apache-2.0 */
/* What all chapters are told with, and the order of the chapters. */
#include "story.h"

#include "base/file.h"
#include "base/text.h"
#include "process.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

const struct asker story_askers[DEMO_ASKERS] = {
    { "hospital-b", "hospital", "TREAT", "complete", 4 },
    { "pharmacy", "pharmacy", "TREAT", "low", 1 },
    { "insurance", "insurance", "HPAYMT", "medium", 2 },
    { "medical-school", "medical-school", "HRESCH", "high", 3 },
};

/* ---- one command ------------------------------------------------------------------------- */

int story_run(struct story *story, const struct party *party, const char *const *arguments)
{
    jobs_free(&story->last);
    if (!jobs_add(&story->last, party, arguments))
        return -1;
    (void)jobs_run(story->demo, &story->last);
    return story->last.job[0].exit_code;
}

const char *story_reason(struct story *story)
{
    return story->last.count ? job_reason(&story->last.job[0]) : "out of memory";
}

void story_member(struct story *story, const char *member, char *out, size_t size)
{
    out[0] = '\0';
    if (story->last.count)
        job_member(&story->last.job[0], member, out, size);
}

static uint64_t story_time(const struct story *story)
{
    return story->last.count ? story->last.job[0].milliseconds : 0;
}

static struct bytes story_answer(const struct story *story)
{
    return story->last.count ? buffer_bytes(&story->last.job[0].out) : bytes_of(NULL, 0);
}

bool story_do(struct story *story, const char *name, const char *words,
              const struct party *party, const char *const *arguments)
{
    int exit_code = story_run(story, party, arguments);

    report_step(story->demo->report, name, exit_code == 0, story_time(story), story_answer(story),
                words);
    if (exit_code != 0 && !demo_interrupted())
        report_remark(story_reason(story));
    return exit_code == 0;
}

void story_refused(struct story *story, const char *name, const char *words,
                   const struct party *party, const char *const *arguments)
{
    int exit_code = story_run(story, party, arguments);
    char text[STORY_WORDS * 2];

    (void)snprintf(text, sizeof text, "%s: %s", words,
                   exit_code == 1 ? "refused" : "NOT REFUSED");
    report_step(story->demo->report, name, exit_code == 1, story_time(story), bytes_of(NULL, 0),
                text);
    report_quote(story_reason(story));
}

void story_check(struct story *story, const char *name, const char *words, int code,
                 const struct aceso_error *error)
{
    report_step(story->demo->report, name, code == ACESO_OK, 0, bytes_of(NULL, 0), words);
    if (code)
        report_remark(error->text);
}

bool story_look(struct story *story, const char *name, const char *words, story_look_fn *look)
{
    struct demo *demo = story->demo;
    const int64_t start = time_monotonic_ms();
    struct aceso_error first = { 0 };
    const char *whose = "";
    bool ok = true;

    for (size_t i = 0; i < demo->patients && !demo_interrupted(); i++) {
        struct aceso_error error = { 0 };
        const int64_t begun = time_monotonic_ms();
        int code = look(story, &demo->patient[i], &error);

        (void)report_note(demo->report, name, demo->patient[i].party->name, code == ACESO_OK,
                          (uint64_t)(time_monotonic_ms() - begun), bytes_of(NULL, 0));
        if (code && ok) {
            ok = false;
            first = error;
            whose = demo->patient[i].party->name;
        }
    }
    report_line(demo->report, ok, words, (uint64_t)(time_monotonic_ms() - start), 0);
    if (!ok) {
        char text[STORY_WORDS * 2];

        (void)snprintf(text, sizeof text, "%s: %s", whose, first.text);
        report_remark(text);
    }
    return ok;
}

/* ---- several at once --------------------------------------------------------------------- */

void steps_begin(struct steps *steps, struct story *story, const char *name)
{
    *steps = (struct steps){ .story = story, .name = name };
}

void steps_add(struct steps *steps, const char *subject, const struct party *party,
               const char *const *arguments)
{
    struct job *job = jobs_add(&steps->jobs, party, arguments);

    if (job)
        (void)snprintf(job->subject, sizeof job->subject, "%s", subject);
    else
        steps->short_of_memory = true;
}

static void steps_complain(struct steps *steps, int wanted)
{
    for (size_t i = 0; i < steps->jobs.count; i++) {
        struct job *job = &steps->jobs.job[i];
        char text[STORY_WORDS * 2];

        if (job->exit_code == wanted || demo_interrupted())
            continue;
        (void)snprintf(text, sizeof text, "%s: %.*s", job->subject, STORY_WORDS,
                       job->exit_code == 0 ? "NOT REFUSED" : job_reason(job));
        report_remark(text);
    }
}

bool steps_run(struct steps *steps, const char *words)
{
    struct report *report = steps->story->demo->report;
    const int wanted = steps->refused ? 1 : 0;
    const int64_t start = time_monotonic_ms();
    char text[STORY_WORDS * 2];
    bool ok = !steps->short_of_memory;
    uint64_t gas = 0, milliseconds;

    (void)jobs_run(steps->story->demo, &steps->jobs);
    milliseconds = (uint64_t)(time_monotonic_ms() - start);
    for (size_t i = 0; i < steps->jobs.count; i++) {
        struct job *job = &steps->jobs.job[i];

        ok = ok && job->exit_code == wanted;
        gas += report_note(report, steps->name, job->subject, job->exit_code == wanted,
                           job->milliseconds, buffer_bytes(&job->out));
    }
    (void)snprintf(text, sizeof text, "%s%s", words ? words : steps->name,
                   !steps->refused ? "" : ok ? ": refused" : ": NOT REFUSED");
    if (words || !ok)
        report_line(report, ok, text, milliseconds, gas);
    if (!ok)
        steps_complain(steps, wanted);
    else if (steps->refused && steps->jobs.count)
        report_quote(job_reason(&steps->jobs.job[0]));
    return ok;
}

void steps_end(struct steps *steps)
{
    jobs_free(&steps->jobs);
}

/* ---- files ------------------------------------------------------------------------------- */

bool story_paper(struct story *story, const struct job *job, const char *name,
                 char path[PATH_MAX])
{
    struct aceso_error error = { 0 };

    if (file_path(story->demo->papers, name, path, PATH_MAX) ||
        file_write(path, buffer_bytes(&job->out), 0600, &error)) {
        report_remark(error.text);
        return false;
    }
    return true;
}

bool story_scrap(const struct story *story, const char *name, char path[PATH_MAX])
{
    return file_path(story->demo->papers, name, path, PATH_MAX) == ACESO_OK;
}

bool story_out(const struct story *story, const char *folder, const char *name,
               char path[PATH_MAX])
{
    const char *base = story->demo->out ? story->demo->out : story->demo->papers;
    char directory[PATH_MAX], file[320];
    struct aceso_error error;

    (void)snprintf(file, sizeof file, "%s.ndjson", name);
    return file_path(base, folder, directory, sizeof directory) == ACESO_OK &&
           file_make_directory(directory, &error) == ACESO_OK &&
           file_path(directory, file, path, PATH_MAX) == ACESO_OK;
}

/* ---- the whole --------------------------------------------------------------------------- */

bool story_tell(struct demo *demo)
{
    static bool (*const chapters[])(struct story *story) = {
        consortium_tell, records_tell, sharing_tell, treatment_tell,
        cloud_tell,      attacks_tell, ending_tell,
    };
    struct story story = { .demo = demo };
    int64_t start = time_monotonic_ms();
    bool ok = true;

    for (size_t i = 0; i < sizeof chapters / sizeof chapters[0] && ok; i++)
        ok = chapters[i](&story);
    if (ok && demo->out && demo->keep)
        again_write(&story);
    if (ok) {
        (void)printf("\nThe third lock, the network (VPN and switch), is not there yet: the "
                     "gateway's own checks\nof consent and whitelist stand in its place.\n");
        (void)printf("\n%s: %zu steps with %zu patient%s in %.1f s.\n",
                     report_held(demo->report) ? "Everything held" : "NOT everything held",
                     report_steps(demo->report), demo->patients, demo->patients == 1 ? "" : "s",
                     (double)(time_monotonic_ms() - start) / 1000);
    }
    jobs_free(&story.last);
    return ok;
}
