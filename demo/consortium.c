/* SPDX-License-Identifier: Apache-2.0 */
/* Chapter one: a chain, a CA, hospitals, institutes and a cloud become a consortium. */
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "process.h"
#include "report.h"
#include "story.h"

#include <stdio.h>
#include <string.h>

#define CONSORTIUM_BYPASS "3" /* seconds: a demonstration does not wait long for the silent */
#define CONSORTIUM_JOINING_MAX DEMO_PARTIES_MAX

/* ---- data directories -------------------------------------------------------------------- */

static struct party *consortium_party(struct demo *demo, const char *name, const char *role)
{
    struct party *party;

    if (demo->parties == DEMO_PARTIES_MAX)
        return NULL;
    party = &demo->party[demo->parties];
    party->port = strcmp(role, "patient") == 0 ? 0 : process_free_port(demo);
    (void)snprintf(party->name, sizeof party->name, "%s", name);
    (void)snprintf(party->role, sizeof party->role, "%s", role);
    if (file_path(demo->nodes, name, party->directory, sizeof party->directory))
        return NULL;
    demo->parties++;
    return party;
}

/* A patient's node answers nobody, and a cloud has nothing to ask a chain. */
static void consortium_add_init(struct steps *steps, const struct party *party)
{
    const char *arguments[16] = { "init", "--light-keystore", "--role", party->role, "--label",
                                  party->name };
    char listen[32];
    size_t n = 6;

    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)party->port);
    if (party->port) {
        arguments[n++] = "--listen";
        arguments[n++] = listen;
    }
    if (strcmp(party->role, "patient") == 0) {
        arguments[n++] = "--bypass";
        arguments[n++] = CONSORTIUM_BYPASS;
    }
    if (strcmp(party->role, "cloud") != 0) {
        arguments[n++] = "--rpc";
        arguments[n++] = steps->story->demo->rpc;
    }
    steps_add(steps, party->name, party, arguments);
}

bool consortium_init(struct story *story, const char *const *names, const char *const *roles,
                     size_t count, struct party **parties)
{
    struct steps steps;
    bool ok = true;

    steps_begin(&steps, story, "init");
    for (size_t i = 0; i < count && ok; i++) {
        parties[i] = consortium_party(story->demo, names[i], roles[i]);
        ok = parties[i] != NULL;
        if (ok)
            consortium_add_init(&steps, parties[i]);
    }
    ok = ok && steps_run(&steps, NULL);
    for (size_t i = 0; i < steps.jobs.count; i++)
        job_member(&steps.jobs.job[i], "address", parties[i]->address,
                   sizeof parties[i]->address);
    steps_end(&steps);
    return ok;
}

/* ---- joining: papers that people carry --------------------------------------------------- */

struct carrying {
    struct story *story;
    const struct joining *joining;
    size_t count;
    char (*paper)[PATH_MAX]; /* the newest of each */
};

/* Gives each newcomer's (or inviter's) command, and keeps what it prints as the next paper. */
static bool carrying_step(struct carrying *carrying, const char *name, const char *kind,
                          bool inviter)
{
    struct steps steps;
    bool ok;

    steps_begin(&steps, carrying->story, name);
    for (size_t i = 0; i < carrying->count; i++) {
        const struct joining *joining = &carrying->joining[i];
        const char *group = joining->inviter->role, *paper = carrying->paper[i];
        const struct party *who = inviter ? joining->inviter : joining->newcomer;

        if (!inviter)
            steps_add(&steps, joining->newcomer->name, who, ARGUMENTS(name, paper));
        else if (!*paper)
            steps_add(&steps, joining->newcomer->name, who, ARGUMENTS(group, name));
        else if (joining->category)
            steps_add(&steps, joining->newcomer->name, who,
                      ARGUMENTS(group, name, paper, "--category", joining->category));
        else
            steps_add(&steps, joining->newcomer->name, who, ARGUMENTS(group, name, paper));
    }
    ok = steps_run(&steps, NULL);
    for (size_t i = 0; i < steps.jobs.count && ok; i++) {
        char file[160];

        (void)snprintf(file, sizeof file, "%s.%s.%s", carrying->joining[i].newcomer->name,
                       carrying->joining[i].inviter->name, kind);
        ok = story_paper(carrying->story, &steps.jobs.job[i], file, carrying->paper[i]);
    }
    steps_end(&steps);
    return ok;
}

/* Starts all, those that ran before anew, and waits until each answers. */
static bool consortium_start(struct story *story, const struct joining *joining, size_t count)
{
    struct aceso_error error = { 0 };
    struct steps steps;
    bool ok = true;

    steps_begin(&steps, story, "serve");
    for (size_t i = 0; i < count && ok; i++) {
        struct party *party = joining[i].newcomer;

        process_stop(party);
        if (process_start(story->demo, party, &error)) {
            report_remark(error.text);
            ok = false;
        }
        steps_add(&steps, party->name, party, ARGUMENTS("status"));
    }
    ok = steps_run(&steps, NULL) && ok;
    for (size_t i = 0; i < steps.jobs.count && ok; i++)
        job_member(&steps.jobs.job[i], "address", joining[i].newcomer->address,
                   sizeof joining[i].newcomer->address);
    steps_end(&steps);
    return ok;
}

bool consortium_join(struct story *story, const struct joining *joining, size_t count,
                     const char *words)
{
    static char paper[CONSORTIUM_JOINING_MAX][PATH_MAX];
    struct carrying carrying = { story, joining, count, paper };
    int64_t start = time_monotonic_ms();
    bool ok = count <= CONSORTIUM_JOINING_MAX;

    memset(paper, 0, sizeof paper);
    ok = ok && carrying_step(&carrying, "invite", "invitation", true) &&
         carrying_step(&carrying, "join", "request", false) &&
         carrying_step(&carrying, "admit", "admission", true) &&
         carrying_step(&carrying, "accept", "accepted", false) &&
         consortium_start(story, joining, count);
    report_line(story->demo->report, ok, words, (uint64_t)(time_monotonic_ms() - start), 0);
    return ok;
}

/* ---- the chapter ------------------------------------------------------------------------- */

static bool consortium_chain(struct story *story)
{
    struct demo *demo = story->demo;
    struct aceso_error error = { 0 };
    int64_t start = time_monotonic_ms();
    int code;

    demo->chain_port = process_free_port(demo);
    (void)snprintf(demo->rpc, sizeof demo->rpc, "http://127.0.0.1:%u",
                   (unsigned)demo->chain_port);
    code = process_start_chain(demo, &error);
    report_step(demo->report, "start the chain", code == ACESO_OK,
                (uint64_t)(time_monotonic_ms() - start), bytes_of(NULL, 0),
                "a local chain runs (anvil, London rules)");
    if (code)
        report_remark(error.text);
    return code == ACESO_OK;
}

static bool consortium_parties(struct story *story)
{
    static const char *const names[] = { "ca", "hospital-a", "hospital-b", "pharmacy",
                                         "insurance", "medical-school", "outsider",
                                         "cloud" };
    static const char *const roles[] = { "ca", "hospital", "hospital", "institute",
                                         "institute", "institute", "institute",
                                         "cloud" };
    struct party *parties[sizeof names / sizeof names[0]];
    struct aceso_error error = { 0 };
    const size_t count = sizeof names / sizeof names[0];

    if (!consortium_init(story, names, roles, count, parties))
        return false;
    story->ca = parties[0];
    story->hospital_a = parties[1];
    story->hospital_b = story->asker[ASKER_HOSPITAL] = parties[2];
    story->asker[ASKER_PHARMACY] = parties[3];
    story->asker[ASKER_INSURANCE] = parties[4];
    story->asker[ASKER_SCHOOL] = parties[5];
    story->outsider = parties[6];
    story->cloud = parties[7];
    for (size_t i = 0; i < count; i++) {
        if (parties[i] != story->cloud &&
            process_fund(story->demo, parties[i]->address, &error)) {
            report_remark(error.text);
            return false;
        }
    }
    if (process_start(story->demo, story->ca, &error)) {
        report_remark(error.text);
        return false;
    }
    return true;
}

static bool consortium_deploy(struct story *story)
{
    if (!story_do(story, "deploy contracts", "the CA puts the four contracts on the chain",
                  story->ca, ARGUMENTS("ca", "deploy")))
        return false;
    story_member(story, "hpsc", story->hpsc, sizeof story->hpsc);
    story_member(story, "hisc", story->hisc, sizeof story->hisc);
    return true;
}

/* Where the contracts are, as every node knows it. */
static bool consortium_network(struct story *story)
{
    struct aceso_error error = { 0 };
    struct buffer text = BUFFER_INIT(1 << 20);
    char path[PATH_MAX];
    yyjson_doc *doc = NULL;
    yyjson_val *network;
    bool ok = file_path(story->ca->directory, "node.json", path, sizeof path) == ACESO_OK &&
              file_read(path, &text, &error) == ACESO_OK &&
              json_parse(buffer_bytes(&text), &doc, &error) == ACESO_OK;

    network = yyjson_obj_get(yyjson_doc_get_root(doc), "network");
    story->chain_id = json_u64_or(network, "chain_id", 0);
    (void)snprintf(story->amsc, sizeof story->amsc, "%s", json_string_or(network, "amsc", ""));
    (void)snprintf(story->arsc, sizeof story->arsc, "%s", json_string_or(network, "arsc", ""));
    if (!ok)
        report_remark(error.text);
    yyjson_doc_free(doc);
    buffer_free(&text);
    return ok;
}

static bool consortium_admit(struct story *story)
{
    const struct joining joining[] = {
        { story->ca, story->hospital_a, NULL },
        { story->ca, story->hospital_b, NULL },
        { story->ca, story->asker[ASKER_PHARMACY], "pharmacy" },
        { story->ca, story->asker[ASKER_INSURANCE], "insurance" },
        { story->ca, story->asker[ASKER_SCHOOL], "medical-school" },
        { story->ca, story->outsider, "medical-school" },
        { story->ca, story->cloud, NULL },
    };

    return consortium_join(story, joining, sizeof joining / sizeof joining[0],
                           "the CA admits hospital-a, hospital-b, pharmacy, insurance, "
                           "medical-school, a cloud, and an outsider");
}

static bool consortium_attributes(struct story *story)
{
    return story_do(story, "attribute registered",
                    "hospital-a publishes the key of registered@hospital-a", story->hospital_a,
                    ARGUMENTS("hospital", "attribute", "registered")) &&
           story_do(story, "attribute accredited",
                    "hospital-b publishes the key of accredited@hospital-b", story->hospital_b,
                    ARGUMENTS("hospital", "attribute", "accredited")) &&
           story_do(story, "attribute trusted", "... and of trusted@hospital-b", story->hospital_b,
                    ARGUMENTS("hospital", "attribute", "trusted")) &&
           story_do(story, "accredit hospital-a", "hospital-b accredits hospital-a",
                    story->hospital_b,
                    ARGUMENTS("hospital", "issue", "accredited", "--to",
                              story->hospital_a->address)) &&
           story_do(story, "obtain accredited", "hospital-a fetches that key, sealed to it",
                    story->hospital_a, ARGUMENTS("hospital", "obtain", "--from", "hospital-b"));
}

bool consortium_tell(struct story *story)
{
    report_chapter(story->demo->report, "A consortium comes together");
    return consortium_chain(story) && consortium_parties(story) && consortium_deploy(story) &&
           consortium_network(story) && consortium_admit(story) && consortium_attributes(story);
}
