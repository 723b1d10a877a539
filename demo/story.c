/* SPDX-License-Identifier: Apache-2.0 */
/* The story itself: who does what, in order, and what must be refused. */
#include "demo.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "process.h"
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STORY_OUTPUT_MAX ((size_t)8 << 20)
#define STORY_WORDS 320

/* What one command came to. Freed by the next step. */
struct answer {
    struct buffer out;
    struct buffer complaint;
};

struct story {
    struct demo *demo;
    struct answer answer;
    struct party *ca, *hospital_a, *hospital_b, *school;
    char hpsc[64], hisc[64]; /* what the deployment said of the two implementations */
};

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static uint64_t story_since(int64_t start)
{
    return (uint64_t)(time_monotonic_ms() - start);
}

static int story_run(struct story *story, const struct party *party,
                     const char *const *arguments)
{
    buffer_clear(&story->answer.out);
    buffer_clear(&story->answer.complaint);
    return process_run(story->demo, party, arguments, &story->answer.out,
                       &story->answer.complaint);
}

/* The complaint without "aceso: " and its line end. */
static const char *story_reason(struct story *story)
{
    struct buffer *complaint = &story->answer.complaint;
    const char *text = buffer_text(complaint), *said;

    while (complaint->len && complaint->data[complaint->len - 1] == '\n')
        complaint->data[--complaint->len] = '\0';
    said = strstr(text, "aceso: ");
    return said ? said + strlen("aceso: ") : text;
}

/* A step that must succeed. False ends the story. */
static bool story_do(struct story *story, const char *name, const char *words,
                     const struct party *party, const char *const *arguments)
{
    int64_t start = time_monotonic_ms();
    int exit_code = story_run(story, party, arguments);

    report_step(story->demo->report, name, exit_code == 0, story_since(start),
                buffer_bytes(&story->answer.out), words);
    if (exit_code != 0 && !demo_interrupted())
        (void)printf("         %s\n", story_reason(story));
    return exit_code == 0;
}

/* A step that must be refused. A story in which it was not goes on, but did not hold. */
static void story_refused(struct story *story, const char *name, const char *words,
                          const struct party *party, const char *const *arguments)
{
    int64_t start = time_monotonic_ms();
    int exit_code = story_run(story, party, arguments);
    char text[STORY_WORDS * 2];

    (void)snprintf(text, sizeof text, "%s: %s", words,
                   exit_code == 1 ? "refused" : "NOT REFUSED");
    report_step(story->demo->report, name, exit_code == 1, story_since(start),
                bytes_of(NULL, 0), text);
    (void)printf("         \"%s\"\n", story_reason(story));
}

/* A look from outside at what came out. */
static void story_check(struct story *story, const char *name, const char *words, int code,
                        const struct aceso_error *error)
{
    char text[STORY_WORDS * 2];

    if (code)
        (void)snprintf(text, sizeof text, "%s: %s", words, error->text);
    else
        (void)snprintf(text, sizeof text, "%s", words);
    report_step(story->demo->report, name, code == ACESO_OK, 0, bytes_of(NULL, 0), text);
}

/* A string member of the last answer; "" where there is none. */
static void story_member(struct story *story, const char *member, char *out, size_t size)
{
    yyjson_doc *doc = NULL;

    out[0] = '\0';
    if (json_parse(buffer_bytes(&story->answer.out), &doc, NULL) == ACESO_OK)
        (void)snprintf(out, size, "%s", json_string_or(yyjson_doc_get_root(doc), member, ""));
    yyjson_doc_free(doc);
}

static bool story_paper(struct story *story, const char *name, char path[PATH_MAX])
{
    struct aceso_error error = { 0 };

    if (file_path(story->demo->papers, name, path, PATH_MAX) ||
        file_write(path, buffer_bytes(&story->answer.out), 0600, &error)) {
        (void)printf("         %s\n", error.text);
        return false;
    }
    return true;
}

/* ---- setting up -------------------------------------------------------------------------- */

static struct party *story_init(struct story *story, const char *name, const char *role)
{
    struct demo *demo = story->demo;
    struct party *party = &demo->party[demo->parties];
    char listen[32];

    party->port = process_free_port();
    (void)snprintf(party->name, sizeof party->name, "%s", name);
    (void)snprintf(party->role, sizeof party->role, "%s", role);
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)party->port);
    if (file_path(demo->nodes, name, party->directory, sizeof party->directory))
        return NULL;
    if (story_run(story, party,
                  ARGUMENTS("init", "--role", role, "--label", name, "--listen", listen, "--rpc",
                            demo->rpc, "--light-keystore"))) {
        (void)printf("  FAILED %s: %s\n", name, story_reason(story));
        return NULL;
    }
    story_member(story, "address", party->address, sizeof party->address);
    demo->parties++;
    return party;
}

static bool story_start(struct story *story, struct party *party)
{
    struct aceso_error error = { 0 };

    if (process_start(story->demo, party, &error)) {
        (void)printf("  FAILED %s: %s\n", party->name, error.text);
        return false;
    }
    return story_run(story, party, ARGUMENTS("status")) == 0;
}

/* Invitation, request, admission: carried from one to the other as people carry papers. */
static bool story_join(struct story *story, struct party *inviter, struct party *newcomer,
                       const char *category)
{
    char paper[96], invitation[PATH_MAX], request[PATH_MAX], admission[PATH_MAX];
    const char *group = inviter->role;
    int code = story_run(story, inviter, ARGUMENTS(group, "invite"));

    (void)snprintf(paper, sizeof paper, "%s.invitation", newcomer->name);
    if (code || !story_paper(story, paper, invitation))
        return false;
    code = story_run(story, newcomer, ARGUMENTS("join", invitation));
    (void)snprintf(paper, sizeof paper, "%s.request", newcomer->name);
    if (code || !story_paper(story, paper, request))
        return false;
    if (category)
        code = story_run(story, inviter,
                         ARGUMENTS(group, "admit", request, "--category", category));
    else
        code = story_run(story, inviter, ARGUMENTS(group, "admit", request));
    (void)snprintf(paper, sizeof paper, "%s.admission", newcomer->name);
    if (code || !story_paper(story, paper, admission))
        return false;
    return story_run(story, newcomer, ARGUMENTS("accept", admission)) == 0 &&
           story_start(story, newcomer);
}

static bool story_admit(struct story *story, struct party *inviter, struct party *newcomer,
                        const char *category, const char *words)
{
    int64_t start = time_monotonic_ms();
    bool ok = story_join(story, inviter, newcomer, category);
    char name[96];

    (void)snprintf(name, sizeof name, "admit %s", newcomer->name);
    report_step(story->demo->report, name, ok, story_since(start), bytes_of(NULL, 0), words);
    if (!ok)
        (void)printf("         %s\n", story_reason(story));
    return ok;
}

static bool story_chain(struct story *story)
{
    struct demo *demo = story->demo;
    struct aceso_error error = { 0 };
    int64_t start = time_monotonic_ms();
    int code;

    demo->chain_port = process_free_port();
    (void)snprintf(demo->rpc, sizeof demo->rpc, "http://127.0.0.1:%u",
                   (unsigned)demo->chain_port);
    code = process_start_chain(demo, &error);
    report_step(demo->report, "start the chain", code == ACESO_OK, story_since(start),
                bytes_of(NULL, 0), "a local chain runs (anvil, London rules)");
    if (code)
        (void)printf("         %s\n", error.text);
    return code == ACESO_OK;
}

static bool story_parties(struct story *story)
{
    struct aceso_error error = { 0 };
    struct party *const *all[] = { &story->ca, &story->hospital_a, &story->hospital_b,
                                   &story->school };

    story->ca = story_init(story, "ca", "ca");
    story->hospital_a = story->ca ? story_init(story, "hospital-a", "hospital") : NULL;
    story->hospital_b = story->hospital_a ? story_init(story, "hospital-b", "hospital") : NULL;
    story->school = story->hospital_b ? story_init(story, "medical-school", "institute") : NULL;
    if (!story->school)
        return false;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (process_fund(story->demo, (*all[i])->address, &error)) {
            (void)printf("         %s\n", error.text);
            return false;
        }
    }
    return story_start(story, story->ca);
}

static bool story_deploy(struct story *story)
{
    if (!story_do(story, "deploy contracts", "the CA puts the four contracts on the chain",
                  story->ca, ARGUMENTS("ca", "deploy")))
        return false;
    story_member(story, "hpsc", story->hpsc, sizeof story->hpsc);
    story_member(story, "hisc", story->hisc, sizeof story->hisc);
    return true;
}

static bool story_consortium(struct story *story)
{
    report_chapter(story->demo->report, "A consortium comes together");
    return story_chain(story) && story_parties(story) && story_deploy(story) &&
           story_admit(story, story->ca, story->hospital_a, NULL,
                       "hospital-a is registered and certified") &&
           story_admit(story, story->ca, story->hospital_b, NULL,
                       "hospital-b is registered and certified") &&
           story_admit(story, story->ca, story->school, "medical-school",
                       "the medical school gets its credential") &&
           story_do(story, "attribute registered",
                    "hospital-a publishes the key of registered@hospital-a", story->hospital_a,
                    ARGUMENTS("hospital", "attribute", "registered")) &&
           story_do(story, "attribute accredited",
                    "hospital-b publishes the key of accredited@hospital-b", story->hospital_b,
                    ARGUMENTS("hospital", "attribute", "accredited")) &&
           story_do(story, "accredit hospital-a", "hospital-b accredits hospital-a",
                    story->hospital_b,
                    ARGUMENTS("hospital", "issue", "accredited", "--to",
                              story->hospital_a->address)) &&
           story_do(story, "obtain accredited", "hospital-a fetches that key, sealed to it",
                    story->hospital_a, ARGUMENTS("hospital", "obtain", "--from", "hospital-b"));
}

/* ---- the records ------------------------------------------------------------------------- */

static void story_directories(struct story *story)
{
    struct demo *demo = story->demo;
    char words[STORY_WORDS];

    for (size_t i = 0; i < demo->directory_bundles; i++) {
        (void)snprintf(words, sizeof words, "hospital-a takes in a public directory");
        (void)story_do(story, "import directory", words, story->hospital_a,
                       ARGUMENTS("hospital", "import", demo->directory_bundle[i]));
    }
    for (size_t i = 0; i < demo->bad_bundles; i++)
        story_refused(story, "import broken bundle", "hospital-a is handed a broken bundle",
                      story->hospital_a, ARGUMENTS("hospital", "import", demo->bad_bundle[i]));
}

static bool story_enrol(struct story *story, struct patient *patient, size_t number)
{
    char name[32], words[STORY_WORDS];

    (void)snprintf(name, sizeof name, "patient-%zu", number);
    patient->party = story_init(story, name, "patient");
    (void)snprintf(words, sizeof words, "hospital-a certifies %s", name);
    if (!patient->party ||
        !story_admit(story, story->hospital_a, patient->party, NULL, words) ||
        story_run(story, patient->party, ARGUMENTS("status")) != 0)
        return false;
    story_member(story, "address", patient->party->address, sizeof patient->party->address);
    return story_do(story, "enrol",
                    "the patient makes keys, checks the headers, signs policy and levels; the "
                    "contract exists",
                    patient->party, ARGUMENTS("patient", "enrol"));
}

static bool story_out(const struct story *story, const char *folder, const char *name,
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

static bool story_seal(struct story *story, struct patient *patient)
{
    struct aceso_error error = { 0 };
    char path[PATH_MAX], words[STORY_WORDS];
    size_t records = 0;
    int code;

    if (!story_do(story, "import",
                  "hospital-a takes in the patient's bundle: split by level, sealed, stored",
                  story->hospital_a,
                  ARGUMENTS("hospital", "import", patient->bundle, "--patient",
                            patient->party->address)) ||
        !story_do(story, "sign batch", "the patient signs the batch; its root is on the chain",
                  patient->party, ARGUMENTS("patient", "sign")) ||
        !story_out(story, "patient", patient->name, path) ||
        !story_do(story, "patient reads", "the patient reads the whole own record",
                  patient->party, ARGUMENTS("patient", "read", "--out", path)))
        return false;
    code = check_equal(patient->bundle, path, &records, &error);
    (void)snprintf(words, sizeof words, "%zu records came back, each equal to what went in",
                   records);
    story_check(story, "record is whole", code ? "the record came back changed" : words, code,
                &error);
    return true;
}

/* ---- sharing ----------------------------------------------------------------------------- */

struct sharing {
    struct story *story;
    struct patient *patient;
    char request[80];
    char parts[PATH_MAX]; /* a copy of every sealed part, as a thief would have it */
    char fake[PATH_MAX];
    char opened[PATH_MAX];
};

static bool sharing_paper(struct sharing *sharing, const char *name, char path[PATH_MAX])
{
    return file_path(sharing->story->demo->papers, name, path, PATH_MAX) == ACESO_OK;
}

static bool sharing_ask(struct sharing *sharing, const char *name, const char *words)
{
    struct story *story = sharing->story;

    if (!story_do(story, name, words, story->school,
                  ARGUMENTS("institute", "request", "--hospital", "hospital-a", "--patient",
                            sharing->patient->party->address, "--purpose", "HRESCH", "--level",
                            "high", "--term", "30d")))
        return false;
    story_member(story, "request", sharing->request, sizeof sharing->request);
    return true;
}

static bool sharing_approve(struct sharing *sharing, const char *level)
{
    struct story *story = sharing->story;
    char words[STORY_WORDS];

    (void)snprintf(words, sizeof words,
                   "the patient says yes to level %s: a sealed grant of that level", level);
    if (!story_do(story, "patient approves", words, sharing->patient->party,
                  ARGUMENTS("patient", "approve", sharing->request, "--level", level)))
        return false;
    return story_do(story, "hospital approves",
                    "hospital-a approves: access string, attributes, whitelist entry",
                    story->hospital_a, ARGUMENTS("hospital", "approve", sharing->request));
}

static bool sharing_fetch(struct sharing *sharing, const char *words)
{
    struct story *story = sharing->story;

    return story_out(story, "medical-school", sharing->patient->name, sharing->opened) &&
           story_do(story, "institute fetches", words, story->school,
                    ARGUMENTS("institute", "fetch", sharing->request, "--out", sharing->opened));
}

/* A CA of nobody's choosing signs a credential that makes the school a hospital. */
static bool sharing_forge(struct sharing *sharing)
{
    struct story *story = sharing->story;
    struct demo *demo = story->demo;
    struct party rogue = { .name = "rogue", .role = "ca" };
    char listen[32], contract[64], chain[32], seal_key[80], tls[80], path[PATH_MAX];
    yyjson_doc *doc = NULL;
    yyjson_val *root;
    struct buffer config = BUFFER_INIT(65536);
    bool ok;

    ok = file_path(demo->papers, "rogue", rogue.directory, sizeof rogue.directory) == ACESO_OK &&
         file_path(story->school->directory, "node.json", path, sizeof path) == ACESO_OK &&
         file_read(path, &config, NULL) == ACESO_OK &&
         json_parse(buffer_bytes(&config), &doc, NULL) == ACESO_OK;
    root = yyjson_obj_get(yyjson_doc_get_root(doc), "network");
    (void)snprintf(contract, sizeof contract, "%s", json_string_or(root, "amsc", ""));
    (void)snprintf(chain, sizeof chain, "%llu",
                   (unsigned long long)json_u64_or(root, "chain_id", 0));
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)process_free_port());
    ok = ok && story_run(story, story->school, ARGUMENTS("institute", "credential")) == 0;
    story_member(story, "seal_key", seal_key, sizeof seal_key);
    story_member(story, "tls_key_digest", tls, sizeof tls);
    ok = ok &&
         story_run(story, &rogue,
                   ARGUMENTS("init", "--role", "ca", "--label", "rogue", "--listen", listen,
                             "--rpc", demo->rpc, "--light-keystore")) == 0 &&
         story_run(story, &rogue,
                   ARGUMENTS("ca", "credential", "--contract", contract, "--chain", chain,
                             "--category", "hospital", "--institute", story->school->address,
                             "--seal-key", seal_key, "--tls-key-digest", tls)) == 0 &&
         story_paper(story, "forged.credential", path);
    if (ok)
        story_refused(story, "self-made credential",
                      "the school shows a credential that no CA of this network signed",
                      story->school,
                      ARGUMENTS("institute", "request", "--hospital", "hospital-a", "--patient",
                                sharing->patient->party->address, "--purpose", "HRESCH",
                                "--level", "complete", "--credential", path));
    else
        (void)printf("         %s\n", story_reason(story));
    yyjson_doc_free(doc);
    buffer_free(&config);
    return ok;
}

static bool sharing_before(struct sharing *sharing)
{
    static const char made_up[] = "{\"version\":1,\"url\":\"https://127.0.0.1/v1/query\","
                                  "\"query\":\"SELECT * FROM parts\"}";
    struct story *story = sharing->story;
    struct party *school = story->school;
    char on[80];

    if (!sharing_forge(sharing) ||
        !sharing_ask(sharing, "institute asks",
                     "the medical school asks for level high, for research, for 30 days"))
        return false;
    story_refused(story, "fetch before approval", "it fetches before anybody has said yes", school,
                  ARGUMENTS("institute", "fetch", sharing->request, "--out", sharing->opened));
    if (!sharing_paper(sharing, "made-up.access", sharing->fake) ||
        file_write(sharing->fake, bytes_of_string(made_up), 0600, NULL))
        return false;
    (void)snprintf(on, sizeof on, "on.1.%s", sharing->patient->party->address);
    if (!story_do(story, "accredit institute", "hospital-b accredits the medical school",
                  story->hospital_b,
                  ARGUMENTS("hospital", "issue", "accredited", "--to", school->address)) ||
        !story_do(story, "issue registered", "suppose hospital-a issued it its attribute",
                  story->hospital_a,
                  ARGUMENTS("hospital", "issue", "registered", "--to", school->address)) ||
        !story_do(story, "issue switch", "... and its switch for this patient", story->hospital_a,
                  ARGUMENTS("hospital", "issue", on, "--to", school->address)) ||
        !sharing_paper(sharing, "stolen.parts", sharing->parts) ||
        !story_do(story, "copy parts", "... and that it had a copy of every sealed part",
                  story->hospital_a,
                  ARGUMENTS("hospital", "backup", sharing->patient->party->address, "--out",
                            sharing->parts)))
        return false;
    story_refused(story, "open without grant",
                  "with every attribute and every part, but without the patient's grant", school,
                  ARGUMENTS("institute", "open", sharing->parts,
                            sharing->patient->party->address, "--hospital", "hospital-a",
                            "--level", "low", "--out", sharing->opened));
    return true;
}

static bool sharing_less(struct sharing *sharing)
{
    struct story *story = sharing->story;
    char first[80], approval[PATH_MAX];

    if (!sharing_approve(sharing, "low") ||
        !sharing_fetch(sharing, "the school fetches and opens level low, and no more"))
        return false;
    story_refused(story, "open above the grant",
                  "with a grant for low it tries to open level high from its copy", story->school,
                  ARGUMENTS("institute", "open", sharing->parts,
                            sharing->patient->party->address, "--hospital", "hospital-a",
                            "--level", "high", "--out", sharing->opened));
    story_refused(story, "made-up access string", "the school shows an access string of its own",
                  story->school,
                  ARGUMENTS("institute", "fetch", sharing->request, "--access", sharing->fake,
                            "--out", sharing->opened));
    (void)snprintf(first, sizeof first, "%s", sharing->request);
    if (!sharing_ask(sharing, "institute asks again", "the school asks again for level high"))
        return false;
    if (story_run(story, story->hospital_a, ARGUMENTS("hospital", "approval", first)) != 0 ||
        !story_paper(story, "replayed.approval", approval))
        return false;
    story_refused(story, "replayed consent",
                  "the patient's earlier yes is played again for the new request",
                  story->hospital_a,
                  ARGUMENTS("hospital", "approve", sharing->request, "--approval", approval));
    if (!story_do(story, "revoke low", "the patient ends the first, smaller consent",
                  sharing->patient->party, ARGUMENTS("patient", "revoke", first)))
        return false;
    return true;
}

static void sharing_tamper(struct sharing *sharing, enum tamper how, const char *name,
                           const char *words)
{
    struct story *story = sharing->story;
    struct aceso_error error = { 0 };
    char path[PATH_MAX], scrap[PATH_MAX];

    if (!sharing_paper(sharing, "tampered.parts", path) ||
        !sharing_paper(sharing, "scrap.ndjson", scrap) ||
        tamper_parts(sharing->parts, path, how, &error)) {
        story_check(story, name, words, ACESO_EINTERNAL, &error);
        return;
    }
    story_refused(story, name, words, story->school,
                  ARGUMENTS("institute", "open", path, sharing->patient->party->address,
                            "--hospital", "hospital-a", "--level", "high", "--out", scrap));
}

static void sharing_look(struct sharing *sharing)
{
    struct aceso_error error = { 0 };
    int code = check_hidden(sharing->patient->bundle, sharing->opened, &error);

    story_check(sharing->story, "nothing above high",
                "no name, number, phone or street of the patient is in it", code, &error);
}

/* The first patient's story has the attacks in it; the others' is the plain one. */
static bool story_share(struct story *story, struct patient *patient, bool attacks)
{
    struct sharing sharing = { .story = story, .patient = patient };

    if (!story_out(story, "medical-school", patient->name, sharing.opened))
        return false;
    if (attacks && !(sharing_before(&sharing) && sharing_less(&sharing)))
        return false;
    if (!attacks && !sharing_ask(&sharing, "institute asks", "the medical school asks for high"))
        return false;
    if (!sharing_approve(&sharing, "high") ||
        !sharing_fetch(&sharing, "the school fetches, opens and checks what level high shows"))
        return false;
    sharing_look(&sharing);
    if (!attacks)
        return true;
    sharing_tamper(&sharing, TAMPER_BYTE, "changed part", "one byte of one part is changed");
    sharing_tamper(&sharing, TAMPER_SWAP, "swapped part", "a part is passed off as another's");
    if (!story_do(story, "patient revokes", "the patient ends the consent", patient->party,
                  ARGUMENTS("patient", "revoke", sharing.request)))
        return false;
    if (sharing_paper(&sharing, "scrap.ndjson", sharing.parts))
        story_refused(story, "fetch after revocation", "the school fetches once more",
                      story->school,
                      ARGUMENTS("institute", "fetch", sharing.request, "--out", sharing.parts));
    return true;
}

/* ---- the whole --------------------------------------------------------------------------- */

static void story_write_deployment(struct story *story)
{
    struct demo *demo = story->demo;
    struct buffer text = BUFFER_INIT(1 << 20), config = BUFFER_INIT(65536);
    struct json_writer writer = json_writer_of(&text);
    struct aceso_error error = { 0 };
    char path[PATH_MAX], url[64];
    yyjson_doc *doc = NULL;
    yyjson_val *root;

    if (file_path(story->school->directory, "node.json", path, sizeof path) == ACESO_OK &&
        file_read(path, &config, NULL) == ACESO_OK)
        (void)!json_parse(buffer_bytes(&config), &doc, NULL);
    root = yyjson_obj_get(yyjson_doc_get_root(doc), "network");
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "chainId", json_u64_or(root, "chain_id", 0));
    json_put_string(&writer, "rpc", demo->rpc);
    json_open(&writer, "contracts", '{');
    json_put_string(&writer, "AMSC", json_string_or(root, "amsc", ""));
    json_put_string(&writer, "HPSC", story->hpsc);
    json_put_string(&writer, "HISC", story->hisc);
    json_put_string(&writer, "ARSC", json_string_or(root, "arsc", ""));
    json_close(&writer, '}');
    json_open(&writer, "parties", '{');
    for (size_t i = 0; i < demo->parties; i++) {
        (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", (unsigned)demo->party[i].port);
        json_open(&writer, demo->party[i].name, '{');
        json_put_string(&writer, "address", demo->party[i].address);
        json_put_string(&writer, "url", url);
        json_close(&writer, '}');
    }
    json_close(&writer, '}');
    json_close(&writer, '}');
    if (file_path(demo->out, "deployment.json", path, sizeof path) == ACESO_OK &&
        file_write(path, buffer_bytes(&text), 0644, &error))
        (void)printf("         %s\n", error.text);
    yyjson_doc_free(doc);
    buffer_free(&text);
    buffer_free(&config);
}

static bool story_patients(struct story *story)
{
    struct demo *demo = story->demo;
    char words[STORY_WORDS];
    bool ok = true;

    for (size_t i = 0; i < demo->patients && ok; i++) {
        struct patient *patient = &demo->patient[i];

        (void)snprintf(words, sizeof words, "Patient %zu of %zu: %s", i + 1, demo->patients,
                       patient->name);
        report_chapter(demo->report, words);
        ok = story_enrol(story, patient, i + 1) && story_seal(story, patient) &&
             story_share(story, patient, i == 0);
    }
    return ok;
}

bool story_tell(struct demo *demo)
{
    struct story story = { .demo = demo,
                           .answer = { .out = BUFFER_INIT(STORY_OUTPUT_MAX),
                                       .complaint = BUFFER_INIT(STORY_OUTPUT_MAX) } };
    int64_t start = time_monotonic_ms();
    bool ok = story_consortium(&story);

    if (ok) {
        report_chapter(demo->report, "What hospital-a already knows");
        story_directories(&story);
        ok = story_patients(&story);
    }
    if (ok && demo->out && demo->keep)
        story_write_deployment(&story);
    if (ok) {
        (void)printf("\nThe third lock, the network (VPN and switch), is not there yet: the "
                     "gateway's own checks\nof consent and whitelist stand in its place.\n");
        (void)printf("\n%s in %.1f s.\n",
                     report_held(demo->report) ? "Everything held" : "NOT everything held",
                     (double)(time_monotonic_ms() - start) / 1000);
    }
    buffer_free(&story.answer.out);
    buffer_free(&story.answer.complaint);
    return ok;
}
