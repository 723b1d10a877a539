/* SPDX-License-Identifier: Apache-2.0 */
/* The adversary: carries one attack out and says what it got. For tests and the demonstration.
 *
 * Exit: 0 it got no more than is allowed; 1 it SUCCEEDED; 2 it could not be carried out, which says
 * nothing about the defence; 3 wrong usage. */
#include "adversary.h"

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

#include <ftw.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTACK_BUDGET 2000

enum { EXIT_HELD = 0, EXIT_BREACH = 1, EXIT_BROKEN = 2, EXIT_USAGE = 3 };

static const struct {
    const char *name;
    attack_fn *run;
    const char *help;
} attacks[] = {
    { "everything", attack_everything,
      "hospitals make every key they can for the institute\n"
      "                --institute DIR --hospital DIR... (--database DIR | --parts FILE)\n"
      "                --patient DIR: the control, who gives it the grants; exits 1" },
    { "pool", attack_pool,
      "institutes put all keys and parts together\n"
      "                --institute DIR --institute DIR... (--database DIR | --parts FILE)" },
    { "thief", attack_thief,
      "an institute with a copy of a hospital's records.db and node.db\n"
      "                --institute DIR --database DIR [--bundle FILE...]" },
    { "overserve", attack_overserve,
      "a hospital serves more than the consent allows\n"
      "                --institute DIR (--database DIR | --parts FILE)" },
    { "revoked", attack_revoked,
      "a revoked institute with everything it ever got\n"
      "                --institute DIR (--database DIR | --parts FILE)" },
    { "whitelist", attack_whitelist,
      "a hospital edits another hospital's entries, consents and patients\n"
      "                --hospital DIR" },
    { "replay", attack_replay,
      "signed messages to another hospital, patient, request, contract, chain\n"
      "                --institute DIR [--hospital DIR] [--patient DIR] [--anvil PROGRAM]" },
    { "identity", attack_identity,
      "another institute's access string and name; a bad hospital's certificates\n"
      "                --institute THIEF --institute VICTIM [--hospital DIR]" },
    { "rogue", attack_rogue,
      "an authority makes keys for others' attributes, and from a patient's key\n"
      "                --hospital DIR --institute DIR" },
    { "cloud", attack_cloud,
      "a cloud's operator reads what hospitals keep with him\n"
      "                --cloud DIR [--institute DIR] [--bundle FILE] [--hospital DIR: control]" },
    { "shelf", attack_shelf,
      "a cloud's operator loses, changes, swaps or rolls back an object: see 'hospital check'\n"
      "                --cloud DIR --kept FILE --how keep|lose|change|swap|roll-back|restore" },
    { "impostor", attack_impostor,
      "serves false keys in a stopped hospital's place, until SIGTERM\n"
      "                --hospital DIR --database DIR" },
};

/* ---- telling ----------------------------------------------------------------------------- */

void attack_note(struct attack *attack, bool breach, const char *what, const char *outcome)
{
    attack->writer.out = &attack->notes;
    attack->writer.comma = attack->notes.len != 0;
    json_open(&attack->writer, NULL, '{');
    json_put_string(&attack->writer, "attempt", what);
    json_put_bool(&attack->writer, "breach", breach);
    json_put_string(&attack->writer, "outcome", outcome);
    json_close(&attack->writer, '}');
    (void)buffer_printf(&attack->text, "  %s %s: %s\n", breach ? "BREACH" : "held  ", what,
                        outcome);
    attack->breaches += breach;
    attack->tried++;
}

void attack_say(struct attack *attack, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(attack->message, sizeof attack->message, format, arguments);
    va_end(arguments);
}

int attack_path(const struct attack *attack, const char *name, char *out, size_t size,
                struct aceso_error *error)
{
    int code = file_path(attack->in.work, name, out, size);

    return code ? error_set(error, code, NULL, "a path is too long") : ACESO_OK;
}

static void attack_print(const struct attack *attack, int code, const struct aceso_error *error,
                         bool json)
{
    const char *outcome = code ? "not carried out" : attack->breaches ? "breach" : "held";
    struct buffer out = BUFFER_INIT((size_t)64 << 20);
    struct json_writer writer = json_writer_of(&out);
    char words[ACESO_ERROR_TEXT_MAX + ACESO_ERROR_PLACE_MAX];

    if (!json) {
        (void)printf("%s: %s: %s\n%s", attack->name, outcome,
                     code ? error_print(error, words, sizeof words) : attack->message,
                     buffer_text(&attack->text));
        return;
    }
    json_open(&writer, NULL, '{');
    json_put_string(&writer, "attack", attack->name);
    json_put_string(&writer, "outcome", outcome);
    json_put_string(&writer, "message",
                    code ? error_print(error, words, sizeof words) : attack->message);
    json_put_u64(&writer, "tried", attack->tried);
    json_put_u64(&writer, "breaches", attack->breaches);
    json_open(&writer, "attempts", '[');
    (void)buffer_put_bytes(&out, buffer_bytes(&attack->notes));
    json_close(&writer, ']');
    json_open(&writer, "patients", '[');
    (void)buffer_put_bytes(&out, buffer_bytes(&attack->patients));
    json_close(&writer, ']');
    json_close(&writer, '}');
    (void)printf("%s\n", buffer_text(&out));
    buffer_free(&out);
}

/* ---- running ----------------------------------------------------------------------------- */

static int attack_remove_one(const char *path, const struct stat *status, int type,
                             struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int attack_run(struct attack *attack, attack_fn *run, bool json)
{
    struct aceso_error error = { 0 };
    const char *base = getenv("TMPDIR");
    char work[PATH_MAX];
    int code = secret_init(&error);

    (void)snprintf(work, sizeof work, "%s/aceso-adversary-XXXXXX", base ? base : "/tmp");
    if (!code && !mkdtemp(work))
        code = error_set(&error, ACESO_EIO, work, "no directory for copies");
    if (!code) {
        attack->in.work = work;
        code = run(attack, &error);
        (void)nftw(work, attack_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    attack_print(attack, code, &error, json);
    buffer_free(&attack->notes);
    buffer_free(&attack->text);
    buffer_free(&attack->patients);
    if (code)
        return code == ACESO_EUSAGE ? EXIT_USAGE : EXIT_BROKEN;
    return attack->breaches ? EXIT_BREACH : EXIT_HELD;
}

static int attack_usage(FILE *to)
{
    (void)fprintf(to, "usage: aceso-adversary ATTACK [OPTIONS] [--json]\n\n");
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++)
        (void)fprintf(to, "  %-12s  %s\n", attacks[i].name, attacks[i].help);
    (void)fprintf(to,
                  "\nDIR is a data directory with its password; of --database only records.db and\n"
                  "node.db are used. --only ADDRESS: this patient (else all); --budget N:\n"
                  "attempts at one header on the group level (%d).\n"
                  "exit: 0 no more than allowed, 1 BREACH, 2 could not be carried out, 3 usage\n",
                  ATTACK_BUDGET);
    return to == stdout ? EXIT_HELD : EXIT_USAGE;
}

static bool attack_add(const char **list, size_t room, const char *value)
{
    for (size_t i = 0; i < room; i++) {
        if (!list[i]) {
            list[i] = value;
            return true;
        }
    }
    (void)fprintf(stderr, "aceso-adversary: too many of one option\n");
    return false;
}

static bool attack_option(struct attack_input *in, int option, const char *value)
{
    switch (option) {
    case 'i':
        return attack_add(in->institute, ATTACK_PARTIES_MAX, value);
    case 'h':
        return attack_add(in->hospital, ATTACK_PARTIES_MAX, value);
    case 'p':
        return attack_add(in->patient, ATTACK_PARTIES_MAX, value);
    case 'd':
        return attack_add(in->database, ATTACK_FILES_MAX, value);
    case 'f':
        return attack_add(in->parts, ATTACK_FILES_MAX, value);
    case 'c':
        return attack_add(in->cloud, ATTACK_FILES_MAX, value);
    case 'b':
        return attack_add(in->bundle, ATTACK_FILES_MAX, value);
    case 'o':
        return attack_add(in->only, ATTACK_FILES_MAX, value);
    case 'a':
        in->anvil = value;
        return true;
    case 'w':
        in->how = value;
        return true;
    case 'k':
        in->kept = value;
        return true;
    case 'n':
        return text_u64(value, 1000000000, &in->budget) == ACESO_OK;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "institute", 1, NULL, 'i' }, { "hospital", 1, NULL, 'h' }, { "patient", 1, NULL, 'p' },
        { "database", 1, NULL, 'd' },  { "parts", 1, NULL, 'f' },    { "cloud", 1, NULL, 'c' },
        { "bundle", 1, NULL, 'b' },    { "only", 1, NULL, 'o' },     { "anvil", 1, NULL, 'a' },
        { "budget", 1, NULL, 'n' },    { "how", 1, NULL, 'w' },      { "kept", 1, NULL, 'k' },
        { "json", 0, NULL, 'j' },
        { NULL, 0, NULL, 0 },
    };
    struct attack attack = { .in = { .budget = ATTACK_BUDGET, .anvil = getenv("ACESO_ANVIL") },
                             .notes = BUFFER_INIT((size_t)16 << 20),
                             .text = BUFFER_INIT((size_t)16 << 20),
                             .patients = BUFFER_INIT((size_t)16 << 20) };
    bool json = false;
    int option;

    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return attack_usage(argc < 2 ? stderr : stdout);
    log_init("adversary", LOG_LEVEL_WARNING);
    while ((option = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1) {
        if (option == 'j')
            json = true;
        else if (!attack_option(&attack.in, option, optarg))
            return attack_usage(stderr);
    }
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        attack.name = attacks[i].name;
        if (strcmp(argv[1], attacks[i].name) == 0 && optind == argc - 1)
            return attack_run(&attack, attacks[i].run, json);
    }
    return attack_usage(stderr);
}
