/* SPDX-License-Identifier: Apache-2.0 */
/* Chapter five: what thieves, liars and the curious try with the first patient's record. */
#include "base/file.h"
#include "process.h"
#include "report.h"
#include "story.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct attack {
    struct story *story;
    const struct patient *patient;
    const char *whose;        /* the patient's address */
    char parts[PATH_MAX];     /* a copy of every sealed part, as a thief would have it */
    char scrap[PATH_MAX];     /* where what is opened would go */
};

/* ---- a forged credential ----------------------------------------------------------------- */

/* A CA of nobody's choosing signs a credential that makes the pharmacy a hospital. */
static bool attack_rogue_credential(struct attack *attack, char path[PATH_MAX])
{
    struct story *story = attack->story;
    const struct party *victim = story->asker[ASKER_PHARMACY];
    struct party rogue = { .name = "rogue", .role = "ca" };
    char listen[32], seal_key[80], tls[80], chain[32];

    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u",
                   (unsigned)process_free_port(story->demo));
    (void)snprintf(chain, sizeof chain, "%llu", (unsigned long long)story->chain_id);
    if (!story_scrap(story, "rogue", rogue.directory) ||
        story_run(story, victim, ARGUMENTS("institute", "credential")) != 0)
        return false;
    story_member(story, "seal_key", seal_key, sizeof seal_key);
    story_member(story, "tls_key_digest", tls, sizeof tls);
    return story_run(story, &rogue,
                     ARGUMENTS("init", "--role", "ca", "--label", "rogue", "--listen", listen,
                               "--rpc", story->demo->rpc, "--light-keystore")) == 0 &&
           story_run(story, &rogue,
                     ARGUMENTS("ca", "credential", "--contract", story->amsc, "--chain", chain,
                               "--category", "hospital", "--institute", victim->address,
                               "--seal-key", seal_key, "--tls-key-digest", tls)) == 0 &&
           story_paper(story, &story->last.job[0], "forged.credential", path);
}

static bool attack_forge(struct attack *attack)
{
    struct story *story = attack->story;
    char path[PATH_MAX];

    if (!attack_rogue_credential(attack, path)) {
        report_remark(story_reason(story));
        return false;
    }
    story_refused(story, "self-made credential",
                  "the pharmacy shows a credential that no CA of this network signed",
                  story->asker[ASKER_PHARMACY],
                  ARGUMENTS("institute", "request", "--hospital", "hospital-a", "--patient",
                            attack->whose, "--purpose", "TREAT", "--level", "complete",
                            "--credential", path));
    return true;
}

/* ---- keys and copies without consent ----------------------------------------------------- */

static bool attack_steal(struct attack *attack)
{
    struct story *story = attack->story;
    struct party *outsider = story->outsider;
    char on[80];

    (void)snprintf(on, sizeof on, "on.1.%s", attack->whose);
    if (!story_scrap(story, "stolen.parts", attack->parts) ||
        !story_do(story, "copy parts", "suppose the outsider had a copy of every sealed part",
                  story->hospital_a,
                  ARGUMENTS("hospital", "backup", attack->whose, "--out", attack->parts)) ||
        !story_do(story, "issue registered", "... and hospital-a gave it its attribute",
                  story->hospital_a,
                  ARGUMENTS("hospital", "issue", "registered", "--to", outsider->address)) ||
        !story_do(story, "issue switch", "... and its switch for this patient",
                  story->hospital_a,
                  ARGUMENTS("hospital", "issue", on, "--to", outsider->address)) ||
        !story_do(story, "accredit outsider", "... and hospital-b its attribute",
                  story->hospital_b,
                  ARGUMENTS("hospital", "issue", "accredited", "--to", outsider->address)))
        return false;
    story_refused(story, "open without grant",
                  "every attribute and every part, but no grant of the patient", outsider,
                  ARGUMENTS("institute", "open", attack->parts, attack->whose, "--hospital",
                            "hospital-a", "--level", "low", "--out", attack->scrap));
    story_refused(story, "open above the grant",
                  "the pharmacy, granted low, tries level high from that copy",
                  story->asker[ASKER_PHARMACY],
                  ARGUMENTS("institute", "open", attack->parts, attack->whose, "--hospital",
                            "hospital-a", "--level", "high", "--out", attack->scrap));
    return true;
}

static bool attack_access(struct attack *attack)
{
    static const char made_up[] = "{\"version\":1,\"url\":\"https://127.0.0.1/v1/query\","
                                  "\"query\":\"SELECT * FROM parts\"}";
    struct story *story = attack->story;
    char fake[PATH_MAX];

    if (!story_scrap(story, "made-up.access", fake) ||
        file_write(fake, bytes_of_string(made_up), 0600, NULL))
        return false;
    story_refused(story, "made-up access string",
                  "the pharmacy shows an access string of its own", story->asker[ASKER_PHARMACY],
                  ARGUMENTS("institute", "fetch", attack->patient->request[ASKER_PHARMACY],
                            "--access", fake, "--out", attack->scrap));
    return true;
}

/* Asks for more than any rule allows; the patient's yes to the earlier request is shown for it. */
static bool attack_replay(struct attack *attack)
{
    struct story *story = attack->story;
    char request[DEMO_REQUEST_SIZE], approval[PATH_MAX];

    if (!story_do(story, "pharmacy asks for more",
                  "the pharmacy asks for level high: no rule allows it, so the patient is asked",
                  story->asker[ASKER_PHARMACY],
                  ARGUMENTS("institute", "request", "--hospital", "hospital-a", "--patient",
                            attack->whose, "--purpose", "TREAT", "--level", "high")))
        return false;
    story_member(story, "request", request, sizeof request);
    if (story_run(story, story->hospital_a,
                  ARGUMENTS("hospital", "approval",
                            attack->patient->request[ASKER_PHARMACY])) != 0 ||
        !story_paper(story, &story->last.job[0], "replayed.approval", approval))
        return false;
    story_refused(story, "replayed consent",
                  "the patient's earlier yes is played again for the new request",
                  story->hospital_a,
                  ARGUMENTS("hospital", "approve", request, "--approval", approval));
    return story_do(story, "patient denies", "the patient says no to it, by hand",
                    attack->patient->party, ARGUMENTS("patient", "deny", request));
}

static void attack_tamper(struct attack *attack, enum tamper how, const char *name,
                          const char *words)
{
    struct story *story = attack->story;
    struct aceso_error error = { 0 };
    char path[PATH_MAX];
    int code = story_scrap(story, "tampered.parts", path)
                   ? tamper_parts(attack->parts, path, how, &error)
                   : ACESO_ELIMIT;

    if (code == ACESO_ENOTFOUND) { /* a record alone cannot be swapped with another */
        report_remark(error.text);
        return;
    }
    if (code) {
        story_check(story, name, words, code, &error);
        return;
    }
    story_refused(story, name, words, story->asker[ASKER_SCHOOL],
                  ARGUMENTS("institute", "open", path, attack->whose, "--hospital", "hospital-a",
                            "--level", "high", "--out", attack->scrap));
}

/* ---- with whole directories of the bad parties (aceso-adversary) ------------------------- */

/* Attempts at one header; tests/e2e/attacks.py makes twenty times as many. */
#define ADVERSARY_BUDGET "--budget", "100"

static const char *adversary_program(void)
{
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);
    char *slash;

    if (length < 0)
        return NULL;
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    memcpy(slash + 1, "aceso-adversary", sizeof "aceso-adversary");
    return path;
}

bool attacks_run(struct story *story, const struct adversary *list, size_t count)
{
    const char *program = adversary_program();
    struct jobs jobs = { 0 };
    bool all = true;

    for (size_t i = 0; i < count; i++) {
        struct job *job = jobs_add(&jobs, NULL, list[i].arguments);

        if (job)
            job->program = program;
    }
    (void)jobs_run(story->demo, &jobs);
    for (size_t i = 0; i < count; i++) {
        struct job *job = i < jobs.count ? &jobs.job[i] : NULL;
        bool held = job && job->exit_code == 0;
        char message[STORY_WORDS] = "";

        all = all && held;
        if (job && (list[i].words || !held))
            report_step(story->demo->report, list[i].name, held, job->milliseconds,
                        bytes_of(NULL, 0), list[i].words ? list[i].words : list[i].name);
        if (job)
            job_member(job, "message", message, sizeof message);
        if (job && !held)
            report_remark(*message ? message : job_reason(job));
    }
    jobs_free(&jobs);
    return all;
}

static void attack_directories(struct attack *attack)
{
    const struct story *story = attack->story;
    const char *pharmacy = story->asker[ASKER_PHARMACY]->directory;
    const char *insurance = story->asker[ASKER_INSURANCE]->directory;
    const char *school = story->asker[ASKER_SCHOOL]->directory;
    const char *outsider = story->outsider->directory;
    const char *a = story->hospital_a->directory, *b = story->hospital_b->directory;
    const char *only = attack->whose;
    const struct adversary list[] = {
        { "every attribute",
          "both hospitals make the pharmacy every key they can: only its grant opens",
          { "everything", ADVERSARY_BUDGET, "--institute", pharmacy, "--hospital", a,
            "--hospital", b, "--database", a, "--only", only, "--json" } },
        { "two pool", "pharmacy and insurance pool keys and parts: no more than the better of them",
          { "pool", ADVERSARY_BUDGET, "--institute", pharmacy, "--institute", insurance,
            "--database", a, "--only", only, "--json" } },
        { "three pool", "pharmacy, insurance and school pool theirs: no more than the best",
          { "pool", ADVERSARY_BUDGET, "--institute", pharmacy, "--institute", insurance,
            "--institute", school, "--database", a, "--only", only, "--json" } },
        { "thief of the database",
          "the pharmacy has a copy of hospital-a's databases: no name, and low as granted",
          { "thief", ADVERSARY_BUDGET, "--institute", pharmacy, "--database", a, "--bundle",
            attack->patient->bundle, "--only", only, "--json" } },
        { "hospital serves more", "hospital-a serves the pharmacy every level: low opens",
          { "overserve", ADVERSARY_BUDGET, "--institute", pharmacy, "--parts", attack->parts,
            "--only", only, "--json" } },
        { "rogue authority", "an authority makes keys for others' attributes: none opens",
          { "rogue", "--hospital", b, "--institute", outsider, "--json" } },
        { "another's whitelist",
          "hospital-b edits hospital-a's whitelist, consents, patients: refused",
          { "whitelist", "--hospital", b, "--json" } },
        { "replayed messages",
          "messages played again, to another hospital, patient, contract, chain: refused",
          { "replay", "--institute", pharmacy, "--hospital", b, "--json" } },
        { "another's name", "the outsider with the school's name and access string: refused",
          { "identity", "--institute", outsider, "--institute", school, "--hospital", b,
            "--json" } },
    };

    (void)attacks_run(attack->story, list, sizeof list / sizeof list[0]);
}

void attacks_by_revoked(struct story *story, size_t row)
{
    const struct adversary one = {
        "revoked institute", "with everything it ever got it gets nothing new from the gateway",
        { "revoked", ADVERSARY_BUDGET, "--institute", story->asker[row]->directory, "--database",
          story->hospital_a->directory, "--only", story->demo->patient[0].party->address,
          "--json" }
    };

    (void)attacks_run(story, &one, 1);
}

bool attacks_tell(struct story *story)
{
    struct attack attack = { .story = story, .patient = &story->demo->patient[0],
                             .whose = story->demo->patient[0].party->address };

    report_chapter(story->demo->report, "Attacks on the first patient's record");
    if (!story_scrap(story, "attack.ndjson", attack.scrap) || !attack_forge(&attack) ||
        !attack_steal(&attack) || !attack_access(&attack) || !attack_replay(&attack))
        return false;
    attack_tamper(&attack, TAMPER_BYTE, "changed part", "one byte of one sealed part is changed");
    attack_tamper(&attack, TAMPER_SWAP, "swapped part", "a part is passed off as another's");
    attack_directories(&attack);
    return true;
}
