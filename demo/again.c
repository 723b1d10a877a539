/* SPDX-License-Identifier: Apache-2.0 */
/* A run that was kept, started again: the same reads give the same files, the same refusals hold.
 * What it needs is in story.json beside the report. */
#include "base/file.h"
#include "base/text.h"
#include "check.h"
#include "process.h"
#include "report.h"
#include "story.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_MAX ((size_t)4 << 20)

/* ---- what is written for it -------------------------------------------------------------- */

static void again_put_patient(struct json_writer *writer, const struct patient *patient)
{
    json_open(writer, NULL, '{');
    json_put_string(writer, "party", patient->party->name);
    json_put_string(writer, "file", patient->name);
    json_open(writer, "requests", '[');
    for (size_t row = 0; row < DEMO_ASKERS; row++) {
        json_open(writer, NULL, '{');
        json_put_string(writer, "institute", story_askers[row].name);
        json_put_string(writer, "request", patient->request[row]);
        json_put_bool(writer, "ended", patient->ended[row]);
        json_close(writer, '}');
    }
    json_close(writer, ']');
    json_put_string(writer, "outsiders", patient->outsiders);
    json_close(writer, '}');
}

static void again_put_parties(struct json_writer *writer, const struct demo *demo)
{
    char url[64];

    json_open(writer, "parties", '{');
    for (size_t i = 0; i < demo->parties; i++) {
        const struct party *party = &demo->party[i];

        (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", (unsigned)party->port);
        json_open(writer, party->name, '{');
        json_put_string(writer, "role", party->role);
        json_put_string(writer, "address", party->address);
        if (party->port)
            json_put_string(writer, "url", url);
        json_close(writer, '}');
    }
    json_close(writer, '}');
}

static void again_save(struct story *story, const char *name, struct buffer *text)
{
    struct aceso_error error = { 0 };
    char path[PATH_MAX];

    (void)buffer_put_u8(text, '\n');
    if (file_path(story->demo->out, name, path, sizeof path) ||
        file_write(path, buffer_bytes(text), 0644, &error))
        report_remark(error.text);
    buffer_free(text);
}

void again_write(struct story *story)
{
    struct demo *demo = story->demo;
    struct buffer public = BUFFER_INIT(AGAIN_MAX), own = BUFFER_INIT(AGAIN_MAX);
    struct json_writer writer = json_writer_of(&public);

    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "chainId", story->chain_id);
    json_put_string(&writer, "rpc", demo->rpc);
    json_open(&writer, "contracts", '{');
    json_put_string(&writer, "AMSC", story->amsc);
    json_put_string(&writer, "HPSC", story->hpsc);
    json_put_string(&writer, "HISC", story->hisc);
    json_put_string(&writer, "ARSC", story->arsc);
    json_close(&writer, '}');
    again_put_parties(&writer, demo);
    json_close(&writer, '}');
    again_save(story, "deployment.json", &public);

    writer = json_writer_of(&own);
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "version", 1);
    json_put_u64(&writer, "chainPort", demo->chain_port);
    again_put_parties(&writer, demo);
    json_open(&writer, "patients", '[');
    for (size_t i = 0; i < demo->patients; i++)
        again_put_patient(&writer, &demo->patient[i]);
    json_close(&writer, ']');
    json_close(&writer, '}');
    again_save(story, "story.json", &own);
}

/* ---- reading it -------------------------------------------------------------------------- */

static struct party *again_party(struct demo *demo, const char *name)
{
    for (size_t i = 0; i < demo->parties; i++) {
        if (strcmp(demo->party[i].name, name) == 0)
            return &demo->party[i];
    }
    return NULL;
}

static bool again_read_parties(struct demo *demo, yyjson_val *parties)
{
    yyjson_val *key, *value;
    size_t at, count;

    yyjson_obj_foreach(parties, at, count, key, value)
    {
        struct party *party = &demo->party[demo->parties];
        const char *url = json_string_or(value, "url", ""), *colon = strrchr(url, ':');
        uint64_t port = 0;

        if (demo->parties == DEMO_PARTIES_MAX ||
            (colon && text_u64(colon + 1, 65535, &port)) ||
            file_path(demo->nodes, yyjson_get_str(key), party->directory,
                      sizeof party->directory))
            return false;
        (void)snprintf(party->name, sizeof party->name, "%s", yyjson_get_str(key));
        (void)snprintf(party->role, sizeof party->role, "%s", json_string_or(value, "role", ""));
        (void)snprintf(party->address, sizeof party->address, "%s",
                       json_string_or(value, "address", ""));
        party->port = (uint16_t)port;
        demo->parties++;
    }
    return demo->parties > 0;
}

static bool again_read_patient(struct demo *demo, yyjson_val *value)
{
    struct patient *patient = &demo->patient[demo->patients];
    yyjson_val *request;
    size_t row, rows;

    if (demo->patients == DEMO_PARTIES_MAX)
        return false;
    patient->party = again_party(demo, json_string_or(value, "party", ""));
    (void)snprintf(patient->name, sizeof patient->name, "%s", json_string_or(value, "file", ""));
    (void)snprintf(patient->outsiders, sizeof patient->outsiders, "%s",
                   json_string_or(value, "outsiders", ""));
    yyjson_arr_foreach(yyjson_obj_get(value, "requests"), row, rows, request)
    {
        if (row == DEMO_ASKERS)
            return false;
        (void)snprintf(patient->request[row], DEMO_REQUEST_SIZE, "%s",
                       json_string_or(request, "request", ""));
        patient->ended[row] = yyjson_is_true(yyjson_obj_get(request, "ended"));
    }
    demo->patients++;
    return patient->party != NULL && rows == DEMO_ASKERS;
}

static bool again_read(struct story *story)
{
    struct demo *demo = story->demo;
    struct aceso_error error = { 0 };
    struct buffer text = BUFFER_INIT(AGAIN_MAX);
    yyjson_doc *doc = NULL;
    yyjson_val *root, *patient;
    char path[PATH_MAX];
    size_t at, count;
    bool ok = file_path(demo->out, "story.json", path, sizeof path) == ACESO_OK &&
              file_read(path, &text, &error) == ACESO_OK &&
              json_parse(buffer_bytes(&text), &doc, &error) == ACESO_OK;

    root = yyjson_doc_get_root(doc);
    demo->chain_port = (uint16_t)json_u64_or(root, "chainPort", 0);
    (void)snprintf(demo->rpc, sizeof demo->rpc, "http://127.0.0.1:%u",
                   (unsigned)demo->chain_port);
    ok = ok && again_read_parties(demo, yyjson_obj_get(root, "parties"));
    yyjson_arr_foreach(yyjson_obj_get(root, "patients"), at, count, patient)
        ok = ok && again_read_patient(demo, patient);
    for (size_t row = 0; row < DEMO_ASKERS && ok; row++)
        ok = (story->asker[row] = again_party(demo, story_askers[row].name)) != NULL;
    ok = ok && (story->outsider = again_party(demo, "outsider")) != NULL && demo->patients > 0;
    if (!ok)
        (void)fprintf(stderr, "aceso: %s: no kept run: %s\n", demo->out,
                      error.code ? error.text : "story.json is not whole");
    yyjson_doc_free(doc);
    buffer_free(&text);
    return ok;
}

/* ---- once more --------------------------------------------------------------------------- */

static bool again_start(struct story *story)
{
    struct demo *demo = story->demo;
    struct aceso_error error = { 0 };
    struct steps steps;
    bool ok = process_start_chain(demo, &error) == ACESO_OK;

    for (size_t i = 0; i < demo->parties && ok; i++)
        ok = process_start(demo, &demo->party[i], &error) == ACESO_OK;
    if (!ok) {
        report_remark(error.text);
        return false;
    }
    steps_begin(&steps, story, "serve");
    for (size_t i = 0; i < demo->parties; i++)
        steps_add(&steps, demo->party[i].name, &demo->party[i], ARGUMENTS("status"));
    ok = steps_run(&steps, "the chain and every party run again, from their own directories");
    steps_end(&steps);
    return ok;
}

/* One read or refusal of the table. */
static bool again_add(struct steps *steps, const struct patient *patient, size_t row,
                      const char *scrap)
{
    struct story *story = steps->story;
    char path[PATH_MAX], file[320], subject[160];

    (void)snprintf(subject, sizeof subject, "%s of %s",
                   row < DEMO_ASKERS ? story_askers[row].name : "own", patient->party->name);
    (void)snprintf(file, sizeof file, "%s.%zu.%s", patient->party->name, row, scrap);
    if (!story_scrap(story, file, path))
        return false;
    if (row < DEMO_ASKERS)
        steps_add(steps, subject, story->asker[row],
                  ARGUMENTS("institute", "fetch", patient->request[row], "--out", path));
    else
        steps_add(steps, subject, patient->party, ARGUMENTS("patient", "read", "--out", path));
    return true;
}

static bool again_reads(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;
    bool ok = true;

    steps_begin(&steps, story, "read again");
    for (size_t i = 0; i < demo->patients; i++) {
        for (size_t row = 0; row <= DEMO_ASKERS; row++) {
            if (row == DEMO_ASKERS || !demo->patient[i].ended[row])
                ok = again_add(&steps, &demo->patient[i], row, "again") && ok;
        }
    }
    ok = steps_run(&steps, "patients read, institutes fetch under every consent that lives") && ok;
    steps_end(&steps);
    return ok;
}

static int again_look(const struct story *story, const struct patient *patient,
                      struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t row = 0; row <= DEMO_ASKERS && !code; row++) {
        const char *folder = row < DEMO_ASKERS ? story_askers[row].name : "patient";
        char path[PATH_MAX], before[PATH_MAX], file[320];

        (void)snprintf(file, sizeof file, "%s.%zu.again", patient->party->name, row);
        if (row < DEMO_ASKERS && patient->ended[row])
            continue;
        if (!story_scrap(story, file, path) || !story_out(story, folder, patient->name, before))
            return error_set(error, ACESO_ELIMIT, NULL, "the path is too long");
        code = check_same(before, path, error);
    }
    return code;
}

static void again_refusals(struct story *story)
{
    struct demo *demo = story->demo;
    struct steps steps;
    char path[PATH_MAX];

    steps_begin(&steps, story, "refused again");
    steps.refused = true;
    for (size_t i = 0; i < demo->patients; i++) {
        struct patient *patient = &demo->patient[i];

        for (size_t row = 0; row < DEMO_ASKERS; row++) {
            if (patient->ended[row])
                (void)again_add(&steps, patient, row, "none");
        }
        if (story_scrap(story, "none", path))
            steps_add(&steps, patient->party->name, story->outsider,
                      ARGUMENTS("institute", "fetch", patient->outsiders, "--out", path));
    }
    (void)steps_run(&steps, "every consent that had ended, and the outsider");
    steps_end(&steps);
}

bool again_tell(struct demo *demo)
{
    struct story story = { .demo = demo };
    bool ok = again_read(&story);

    if (!ok)
        return false;
    report_chapter(demo->report, "The same parties, started again");
    ok = again_start(&story) && again_reads(&story);
    if (ok) {
        (void)story_look(&story, "reads are the same", "what was read is what was read before",
                         again_look);
        again_refusals(&story);
        (void)printf("\n%s.\n", report_held(demo->report) ? "Everything held again"
                                                          : "NOT everything held");
    }
    jobs_free(&story.last);
    return ok;
}
