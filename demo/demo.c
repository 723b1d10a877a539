/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "fhir/index.h"
#include "process.h"
#include "report.h"

#include <dirent.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef ACESO_SAMPLE
#define ACESO_SAMPLE "demo/sample"
#endif

static volatile sig_atomic_t demo_stopped;

bool demo_interrupted(void)
{
    return demo_stopped != 0;
}

static void demo_on_signal(int number)
{
    (void)number;
    demo_stopped = 1;
}

/* ---- what goes in ------------------------------------------------------------------------ */

/* "a/b/Name_1.json.gz" -> "Name_1" */
static void demo_name(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    char *dot;

    (void)snprintf(out, size, "%s", slash ? slash + 1 : path);
    dot = strstr(out, ".json");
    if (!dot)
        dot = strrchr(out, '.');
    if (dot && dot != out)
        *dot = '\0';
}

/* Two files of the same name in different folders must not be written to the same one. */
static void demo_name_apart(const struct demo *demo, struct patient *patient)
{
    char plain[sizeof patient->name];
    unsigned number = 2;

    (void)snprintf(plain, sizeof plain, "%s", patient->name);
    for (size_t i = 0; &demo->patient[i] < patient; i++) {
        if (strcmp(demo->patient[i].name, patient->name) == 0)
            (void)snprintf(patient->name, sizeof patient->name, "%.200s-%u", plain, number++);
    }
}

static bool demo_known_patient(const struct demo *demo, char ids[][65], const char *id)
{
    for (size_t i = 0; i < demo->patients; i++) {
        if (strcmp(ids[i], id) == 0)
            return true;
    }
    return false;
}

/* Sorts one bundle in by what it holds. A broken one is handed to the hospital all the same,
 * which refuses it. */
static void demo_take_bundle(struct demo *demo, const char *path, char ids[][65])
{
    struct aceso_error error = { 0 };
    struct fhir_index *index = NULL;
    char text[ACESO_ERROR_TEXT_MAX + ACESO_ERROR_PLACE_MAX];
    struct patient *patient;

    if (demo->patients == DEMO_PARTIES_MAX - 16 || demo->directory_bundles == DEMO_PARTIES_MAX ||
        demo->bad_bundles == DEMO_PARTIES_MAX) {
        (void)fprintf(stderr, "aceso: %s: too many bundles\n", path);
        demo->input_refused = true;
        return;
    }
    if (fhir_index_build(path, NULL, &index, &error)) {
        (void)fprintf(stderr, "aceso: %s\n", error_print(&error, text, sizeof text));
        demo->bad_bundle[demo->bad_bundles++] = path;
        demo->input_refused = true;
        return;
    }
    if (fhir_index_kind(index) == FHIR_BUNDLE_DIRECTORY) {
        demo->directory_bundle[demo->directory_bundles++] = path;
    } else if (demo_known_patient(demo, ids, fhir_index_patient(index))) {
        (void)fprintf(stderr, "aceso: %s: its patient is in another bundle already\n", path);
        demo->input_refused = true;
    } else {
        (void)snprintf(ids[demo->patients], 65, "%s", fhir_index_patient(index));
        patient = &demo->patient[demo->patients++];
        patient->bundle = path;
        demo_name(path, patient->name, sizeof patient->name);
        demo_name_apart(demo, patient);
    }
    fhir_index_free(index);
}

static int demo_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The sample's files, in the order of their names. */
static size_t demo_sample(char *paths[], size_t max)
{
    DIR *directory = opendir(ACESO_SAMPLE);
    struct dirent *entry;
    size_t count = 0;

    while (directory && count < max && (entry = readdir(directory)) != NULL) {
        char path[PATH_MAX];

        if (!strstr(entry->d_name, ".json") ||
            file_path(ACESO_SAMPLE, entry->d_name, path, sizeof path))
            continue;
        paths[count] = strdup(path);
        if (paths[count])
            count++;
    }
    if (directory)
        (void)closedir(directory);
    qsort(paths, count, sizeof paths[0], demo_compare);
    return count;
}

/* ---- the work directory ------------------------------------------------------------------ */

static int demo_remove_one(const char *path, const struct stat *status, int flag, struct FTW *at)
{
    (void)status;
    (void)flag;
    (void)at;
    return remove(path);
}

static void demo_remove(const char *path)
{
    (void)nftw(path, demo_remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* The directories below demo->work. */
static int demo_paths(struct demo *demo, struct aceso_error *error)
{
    if (file_path(demo->work, "nodes", demo->nodes, PATH_MAX) ||
        file_path(demo->work, "chain", demo->chain, PATH_MAX) ||
        file_path(demo->work, "papers", demo->papers, PATH_MAX))
        return error_set(error, ACESO_ELIMIT, demo->work, "the path is too long");
    return ACESO_OK;
}

static int demo_place(struct demo *demo, struct aceso_error *error)
{
    const char *temporary = getenv("TMPDIR");

    if (demo->out && (demo->keep || demo->again)) {
        if (!realpath(demo->out, demo->work))
            return error_set(error, ACESO_EIO, demo->out, "cannot be used");
        return ACESO_OK;
    }
    (void)snprintf(demo->work, sizeof demo->work, "%.3000s/aceso-demo-XXXXXX",
                   temporary ? temporary : "/tmp");
    demo->temporary = mkdtemp(demo->work) != NULL;
    return demo->temporary ? ACESO_OK
                           : error_set(error, ACESO_EIO, demo->work, "cannot be made");
}

static int demo_prepare(struct demo *demo, struct aceso_error *error)
{
    int code = ACESO_OK;

    if (demo->out && !demo->again)
        code = file_make_directory(demo->out, error);
    if (!code)
        code = demo_place(demo, error);
    if (!code)
        code = demo_paths(demo, error);
    if (!code && !demo->again && file_exists(demo->nodes))
        code = error_set(error, ACESO_EEXISTS, demo->nodes, "there is an earlier run here");
    if (!code && demo->again && !file_exists(demo->nodes))
        code = error_set(error, ACESO_ENOTFOUND, demo->nodes, "no run was kept here");
    if (!code)
        code = file_make_directory(demo->nodes, error);
    if (!code)
        code = file_make_directory(demo->chain, error);
    if (!code)
        code = file_make_directory(demo->papers, error);
    return code;
}

static void demo_clean(struct demo *demo)
{
    if (demo->temporary)
        demo_remove(demo->work);
    else if (demo->papers[0])
        demo_remove(demo->papers);
}

/* ---- the end ----------------------------------------------------------------------------- */

static void demo_print_addresses(const struct demo *demo)
{
    (void)printf("\nEverything is up; Ctrl-C ends it.\n  chain            %s\n", demo->rpc);
    for (size_t i = 0; i < demo->parties; i++) {
        const struct party *party = &demo->party[i];

        (void)printf("  %-16s ", party->name);
        if (party->port)
            (void)printf("https://127.0.0.1:%-6u ", (unsigned)party->port);
        (void)printf("aceso status --data %s\n", party->directory);
    }
    (void)fflush(stdout);
}

static void demo_print_restart(const struct demo *demo)
{
    const char *program = getenv("ACESO_ANVIL");

    (void)printf("\nTo start it again: aceso demo --again %s\n"
                 "or by hand, the chain and then each party:\n"
                 "  %s --hardfork london --port %u --state %s/state.json\n"
                 "  aceso serve --data %s/NAME\n",
                 demo->out, program ? program : ACESO_ANVIL, (unsigned)demo->chain_port,
                 demo->chain, demo->nodes);
}

static void demo_wait(struct demo *demo)
{
    demo_print_addresses(demo);
    while (!demo_interrupted()) {
        process_supervise(demo);
        (void)poll(NULL, 0, 200);
    }
}

static int demo_run(struct demo *demo)
{
    struct aceso_error error = { 0 };
    char text[ACESO_ERROR_TEXT_MAX + ACESO_ERROR_PLACE_MAX];
    bool told;
    int code = demo_prepare(demo, &error);

    if (code) {
        (void)fprintf(stderr, "aceso: %s\n", error_print(&error, text, sizeof text));
        demo_clean(demo);
        return EXIT_FAILED;
    }
    told = demo->again ? again_tell(demo) : story_tell(demo);
    if (demo->out && report_write(demo->report, demo->out,
                                  demo->again ? "again.json" : "report.json", &error)) {
        (void)fprintf(stderr, "aceso: %s\n", error_print(&error, text, sizeof text));
        told = false;
    }
    if (told && !demo->once)
        demo_wait(demo);
    process_stop_all(demo);
    if ((demo->keep || demo->again) && demo->out)
        demo_print_restart(demo);
    demo_clean(demo);
    if (!told || !report_held(demo->report))
        return EXIT_FAILED;
    return demo->input_refused ? EXIT_INPUT : EXIT_DONE;
}

static void demo_catch(void)
{
    struct sigaction action = { .sa_handler = demo_on_signal };

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

/* Sorts in all bundles of the command line, or the sample where there are none. */
static void demo_take_bundles(struct demo *demo, const struct command_line *line, char *sample[],
                              size_t *samples)
{
    char (*ids)[65] = calloc(DEMO_PARTIES_MAX, sizeof *ids);

    if (!ids)
        return;
    if (line->many_count == 0)
        *samples = demo_sample(sample, DEMO_PARTIES_MAX);
    for (size_t i = 0; i < *samples; i++)
        demo_take_bundle(demo, sample[i], ids);
    for (size_t i = 0; i < line->many_count; i++)
        demo_take_bundle(demo, line->many[i], ids);
    free(ids);
}

static int demo_usage(const char *words)
{
    (void)fprintf(stderr, "aceso: %s\n", words);
    return EXIT_USAGE;
}

int command_demo(const struct command_line *line)
{
    struct demo *demo = calloc(1, sizeof *demo);
    const char *again = command_value(line, "again");
    char *sample[DEMO_PARTIES_MAX];
    size_t samples = 0;
    int exit_code = EXIT_FAILED;

    if (demo && (demo->report = report_create()) != NULL) {
        demo->again = again != NULL;
        demo->out = again ? again : command_value(line, "out");
        demo->once = again || command_value(line, "once") != NULL;
        demo->keep = command_value(line, "keep") != NULL;
        demo_catch();
        if (again && (demo->keep || command_value(line, "out") || line->many_count))
            exit_code = demo_usage("--again takes a kept directory and nothing else");
        else if (demo->keep && !demo->out)
            exit_code = demo_usage("--keep needs --out");
        else if (!again)
            demo_take_bundles(demo, line, sample, &samples);
        if (exit_code == EXIT_FAILED && !again && demo->patients == 0)
            (void)fprintf(stderr, "aceso: there is no patient's bundle to tell the story with\n");
        else if (exit_code == EXIT_FAILED)
            exit_code = demo_run(demo);
        report_free(demo->report);
    }
    for (size_t i = 0; i < samples; i++)
        free(sample[i]);
    free(demo);
    return exit_code;
}
