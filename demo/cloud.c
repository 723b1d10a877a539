/* SPDX-License-Identifier: Apache-2.0 */
/* Chapter five: hospital-b keeps its sealed parts at a rented cloud, whose operator is curious
 * first and dishonest then. */
#include "base/json.h"
#include "base/text.h"
#include "report.h"
#include "story.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define CLOUD_CARRY_MS 60000
#define CLOUD_TURN_MS 100

/* ---- carrying ---------------------------------------------------------------------------- */

/* Whether hospital-b has all its records there, or (`away` false) all at home again. */
static bool cloud_carried(struct story *story, bool away, uint64_t *records)
{
    yyjson_doc *doc = NULL;
    yyjson_val *cloud;
    bool carried = false;

    if (story_run(story, story->hospital_b, ARGUMENTS("status")) == 0 &&
        json_parse(buffer_bytes(&story->last.job[0].out), &doc, NULL) == ACESO_OK) {
        cloud = yyjson_obj_get(yyjson_doc_get_root(doc), "cloud");
        carried = away ? yyjson_is_true(yyjson_obj_get(cloud, "used")) &&
                             json_u64_or(cloud, "home", 1) == 0 && json_u64_or(cloud, "away", 0)
                       : !yyjson_is_true(yyjson_obj_get(cloud, "used"));
        *records = json_u64_or(cloud, "away", 0);
    }
    yyjson_doc_free(doc);
    return carried;
}

static bool cloud_wait(struct story *story, bool away)
{
    uint64_t records;
    int64_t until = time_monotonic_ms() + CLOUD_CARRY_MS;

    while (!cloud_carried(story, away, &records)) {
        if (time_monotonic_ms() > until || demo_interrupted())
            return false;
        (void)poll(NULL, 0, CLOUD_TURN_MS);
    }
    return true;
}

/* One line for a command at hospital-b and what it does in the background. */
static bool cloud_carry(struct story *story, const char *name, const char *words,
                        const char *const *arguments, bool away)
{
    int64_t start = time_monotonic_ms();
    bool ok = story_run(story, story->hospital_b, arguments) == 0;
    const char *reason = ok ? "it is not carried in time" : story_reason(story);
    char text[STORY_WORDS];

    (void)snprintf(text, sizeof text, "%s", reason);
    ok = ok && cloud_wait(story, away);
    report_step(story->demo->report, name, ok, (uint64_t)(time_monotonic_ms() - start),
                bytes_of(NULL, 0), words);
    if (!ok)
        report_remark(text);
    return ok;
}

static bool cloud_out(struct story *story, const char *name, const char *words)
{
    char url[64];

    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", (unsigned)story->cloud->port);
    return cloud_carry(story, name, words,
                       ARGUMENTS("hospital", "cloud", url, "--address", story->cloud->address),
                       true);
}

/* ---- the dishonest operator -------------------------------------------------------------- */

struct shelf {
    struct story *story;
    char sound[PATH_MAX]; /* a copy of the objects as they are */
    char old[PATH_MAX];   /* ... and as they were before */
};

/* What the operator does to the cloud's own files. */
static bool shelf_do(struct shelf *shelf, const char *how, const char *kept)
{
    const struct adversary one = {
        "operator", NULL,
        { "shelf", "--cloud", shelf->story->cloud->directory, "--how", how, "--kept", kept,
          "--json" }
    };

    return attacks_run(shelf->story, &one, 1);
}

/* How many records hospital-b's own check finds faulty in this way; all others must be sound. */
static bool shelf_named(struct shelf *shelf, const char *word)
{
    struct story *story = shelf->story;
    int exit_code = story_run(story, story->hospital_b, ARGUMENTS("hospital", "check"));
    yyjson_doc *doc = NULL;
    yyjson_val *fault;
    size_t at, count, named = 0;

    if (exit_code < 0 || exit_code > 1 ||
        json_parse(buffer_bytes(&story->last.job[0].out), &doc, NULL))
        return false;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "faults"), at, count, fault)
        named += word && strcmp(json_string_or(fault, "fault", ""), word) == 0;
    yyjson_doc_free(doc);
    return word ? exit_code == 1 && count == 1 && named == 1 : exit_code == 0 && count == 0;
}

static void shelf_fault(struct shelf *shelf, const char *how, const char *word)
{
    const char *kept = strcmp(how, "roll-back") == 0 ? shelf->old : shelf->sound;
    struct aceso_error error = { 0 };
    char name[64], words[STORY_WORDS];
    bool done = shelf_do(shelf, how, kept), named = done && shelf_named(shelf, word);
    bool mended = shelf_do(shelf, "restore", shelf->sound) && shelf_named(shelf, NULL);

    (void)error_set(&error, ACESO_EVERIFY, NULL, "%s",
                    !done ? "it could not be done" : !named ? "not noticed" : "not mended");
    (void)snprintf(name, sizeof name, "cloud object %s", word);
    (void)snprintf(words, sizeof words, "the cloud's operator: an object %s: noticed and named",
                   word);
    story_check(shelf->story, name, words, done && named && mended ? ACESO_OK : ACESO_EVERIFY,
                &error);
}

static bool shelf_tell(struct story *story)
{
    struct shelf shelf = { .story = story };
    uint64_t records = 0;

    if (!story_scrap(story, "shelf.sound", shelf.sound) ||
        !story_scrap(story, "shelf.old", shelf.old) || !shelf_do(&shelf, "keep", shelf.old) ||
        !cloud_carry(story, "home from the cloud", "hospital-b takes everything home again",
                     ARGUMENTS("hospital", "cloud", "--home"), false) ||
        !cloud_out(story, "to the cloud again", "... and carries it to the cloud once more") ||
        !shelf_do(&shelf, "keep", shelf.sound))
        return false;
    shelf_fault(&shelf, "lose", "lost");
    shelf_fault(&shelf, "change", "changed");
    if (cloud_carried(story, true, &records) && records > 1)
        shelf_fault(&shelf, "swap", "swapped");
    shelf_fault(&shelf, "roll-back", "rolled back");
    return true;
}

bool cloud_tell(struct story *story)
{
    const struct patient *patient = &story->demo->patient[0];
    const struct adversary curious = {
        "curious operator", "its curious operator finds no patient, type, code or date, and opens "
                            "nothing",
        { "cloud", "--cloud", story->cloud->directory, "--institute",
          story->asker[ASKER_PHARMACY]->directory, "--bundle", patient->bundle, "--hospital",
          story->hospital_b->directory, "--json" }
    };

    report_chapter(story->demo->report, "hospital-b rents a cloud");
    if (!cloud_out(story, "to the cloud", "all its sealed parts go to the cloud, over HTTPS"))
        return false;
    (void)attacks_run(story, &curious, 1);
    if (!shelf_tell(story) ||
        !records_read(story, "each patient reads again, patient-1 also from the cloud"))
        return false;
    return true;
}
