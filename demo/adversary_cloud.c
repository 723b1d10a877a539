/* SPDX-License-Identifier: Apache-2.0 */
/* The operator of a cloud: curious, who looks into what hospitals keep with him; and dishonest, who
 * loses, swaps, changes objects or brings back old ones. Uses record (object), store. */
#include "adversary.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "record/object.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define CLOUD_GUESSES_MAX 64
#define CLOUD_SIZES_MAX 64

/* ---- curious ----------------------------------------------------------------------------- */

struct curious {
    struct attack *attack;
    uint8_t cloud[20];
    struct object_keys guess[CLOUD_GUESSES_MAX];
    size_t guesses;
    struct object_keys control[ATTACK_PARTIES_MAX]; /* of hospitals, for the control */
    size_t controls;
    uint64_t objects, tried, opened, controlled;
    size_t size[CLOUD_SIZES_MAX];
    size_t sizes;
};

static void curious_guess(struct curious *curious, const uint8_t secret[32])
{
    if (curious->guesses < CLOUD_GUESSES_MAX)
        object_keys_derive(secret, curious->cloud, &curious->guess[curious->guesses++]);
}

/* Secrets that a data directory gives: everything that nodes derive for storing. */
static int curious_party(struct curious *curious, const char *directory, bool control,
                         struct aceso_error *error)
{
    static const char *const labels[] = { "cloud", "storage", "abe authority", "hpke",
                                          "records", "source" };
    struct buffer password = BUFFER_INIT_SECRET(4096);
    struct keys *keys = NULL;
    char path[PATH_MAX];
    uint8_t secret[32];
    int code = file_path(directory, "password", path, sizeof path);

    if (!code)
        code = file_read(path, &password, error);
    while (!code && password.len && password.data[password.len - 1] == '\n')
        password.len--;
    if (!code)
        code = keys_open(directory, buffer_bytes(&password), &keys, error);
    for (size_t i = 0; !code && i < sizeof labels / sizeof labels[0]; i++) {
        keys_derive(keys, labels[i], bytes_of(NULL, 0), secret);
        if (control && i == 0)
            object_keys_derive(secret, curious->cloud, &curious->control[curious->controls++]);
        else if (!control)
            curious_guess(curious, secret);
    }
    secret_wipe(secret, sizeof secret);
    keys_free(keys);
    buffer_free(&password);
    return code;
}

/* Whether the keys open it at all: what opens may still be another one, or an old one. */
static bool curious_opens(const struct object_keys *keys, const uint8_t name[OBJECT_NAME_SIZE],
                          struct bytes object)
{
    struct buffer slice = BUFFER_INIT_SECRET(OBJECT_SIZE_MAX);
    enum object_fault fault = OBJECT_CHANGED;
    int code = object_open(keys, name, 1, object, &slice, &fault, NULL);

    buffer_free(&slice);
    return !code && fault != OBJECT_CHANGED && fault != OBJECT_LOST;
}

static void curious_size(struct curious *curious, size_t size)
{
    for (size_t i = 0; i < curious->sizes; i++) {
        if (curious->size[i] == size)
            return;
    }
    if (curious->sizes < CLOUD_SIZES_MAX)
        curious->size[curious->sizes++] = size;
}

static int curious_file(struct curious *curious, const char *directory, const char *file,
                        struct aceso_error *error)
{
    struct store *store = NULL;
    struct statement *query = NULL;
    uint8_t name[OBJECT_NAME_SIZE];
    int step, code = loot_copy_store(curious->attack, directory, file, &store, error);

    if (!code)
        code = store_prepare(store, "SELECT name, bytes FROM object", &query, error);
    while (!code && (step = statement_step(query, error)) != 0) {
        code = step < 0 ? step : statement_copy(query, 0, name, sizeof name);
        if (code)
            break;
        curious->objects++;
        curious_size(curious, statement_blob(query, 1).len);
        for (size_t i = 0; i < curious->guesses; i++) {
            curious->tried++;
            curious->opened += curious_opens(&curious->guess[i], name, statement_blob(query, 1));
        }
        for (size_t i = 0; i < curious->controls; i++)
            curious->controlled +=
                curious_opens(&curious->control[i], name, statement_blob(query, 1));
    }
    statement_finish(query);
    store_close(store);
    return code;
}

static int curious_directory(struct curious *curious, const char *directory,
                             struct aceso_error *error)
{
    char objects[PATH_MAX];
    struct dirent *entry;
    int code = file_path(directory, "objects", objects, sizeof objects);
    DIR *stream = code ? NULL : opendir(objects);

    if (!stream)
        return error_set(error, ACESO_ENOTFOUND, directory, "no hospital keeps anything there");
    while (!code && (entry = readdir(stream)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (len > 3 && strcmp(entry->d_name + len - 3, ".db") == 0)
            code = curious_file(curious, objects, entry->d_name, error);
    }
    (void)closedir(stream);
    return code;
}

static void curious_tell(struct curious *curious)
{
    char outcome[160];

    curious->attack->tried += curious->tried;
    (void)snprintf(outcome, sizeof outcome,
                   "%llu of %llu attempts with %zu keys open one of %llu%s",
                   (unsigned long long)curious->opened, (unsigned long long)curious->tried,
                   curious->guesses, (unsigned long long)curious->objects,
                   curious->controls ? " (the hospital's own key opens all)" : "");
    attack_note(curious->attack, curious->opened > 0, "the objects' seals", outcome);
    (void)snprintf(outcome, sizeof outcome, "%zu sizes in %llu objects", curious->sizes,
                   (unsigned long long)curious->objects);
    attack_note(curious->attack, false, "what sizes tell", outcome);
}

static int curious_run(struct attack *attack, size_t at, uint64_t *objects,
                       struct aceso_error *error)
{
    struct curious curious = { .attack = attack };
    struct node_config config;
    const uint8_t nothing[32] = { 0 };
    int code = config_load(attack->in.cloud[at], &config, error);

    if (code)
        return code;
    memcpy(curious.cloud, config.address, 20);
    curious_guess(&curious, nothing);
    code = curious_party(&curious, attack->in.cloud[at], false, error);
    for (size_t i = 0; i < ATTACK_PARTIES_MAX && attack->in.institute[i] && !code; i++)
        code = curious_party(&curious, attack->in.institute[i], false, error);
    for (size_t i = 0; i < ATTACK_PARTIES_MAX && attack->in.hospital[i] && !code; i++)
        code = curious_party(&curious, attack->in.hospital[i], true, error);
    if (!code)
        code = curious_directory(&curious, attack->in.cloud[at], error);
    if (!code && !curious.objects)
        code = error_set(error, ACESO_ESTATE, NULL, "there is no object: nothing is shown");
    if (!code && curious.controls && curious.controlled != curious.objects)
        code = error_set(error, ACESO_ESTATE, NULL,
                         "the hospitals' own keys open %llu of %llu objects: nothing is shown",
                         (unsigned long long)curious.controlled,
                         (unsigned long long)curious.objects);
    if (!code)
        curious_tell(&curious);
    *objects += curious.objects;
    secret_wipe(&curious, sizeof curious);
    return code;
}

int cloud_look(struct attack *attack, uint64_t *objects, struct aceso_error *error)
{
    uint64_t needles = 0, found = 0;
    char outcome[96];
    int code = ACESO_OK;

    for (size_t i = 0; i < ATTACK_FILES_MAX && attack->in.cloud[i] && !code; i++) {
        code = curious_run(attack, i, objects, error);
        if (!code && attack->in.bundle[0])
            code = search_bundles(attack, attack->in.cloud[i], &needles, &found, error);
    }
    (void)snprintf(outcome, sizeof outcome, "%llu of %llu found", (unsigned long long)found,
                   (unsigned long long)needles);
    if (!code && attack->in.bundle[0])
        attack_note(attack, found > 0, "names, identifiers, diagnoses at the cloud", outcome);
    return code;
}

int attack_cloud(struct attack *attack, struct aceso_error *error)
{
    uint64_t objects = 0;
    int code = attack->in.cloud[0] ? cloud_look(attack, &objects, error)
                                   : error_set(error, ACESO_EUSAGE, NULL, "--cloud is missing");

    if (!code)
        attack_say(attack, "the cloud's operator tried to read %llu objects, %llu attempts: %s",
                   (unsigned long long)objects, (unsigned long long)attack->tried,
                   attack->breaches ? "SOMETHING WAS READ"
                                    : "no name, type, code, date or patient; none opens");
    return code;
}

/* ---- dishonest --------------------------------------------------------------------------- */

/* What is done to the object with the least name, or to the first two of one size. */
static const struct {
    const char *how;
    const char *sql;
} shelf_acts[] = {
    { "lose", "DELETE FROM object WHERE name = (SELECT min(name) FROM object)" },
    { "change", "UPDATE object SET bytes = CAST(substr(bytes, 1, 100) ||"
                " CASE substr(bytes, 101, 1) WHEN x'00' THEN x'01' ELSE x'00' END ||"
                " substr(bytes, 102) AS BLOB) WHERE name = (SELECT min(name) FROM object)" },
    { "swap", "UPDATE object SET bytes = (SELECT bytes FROM object WHERE name ="
              " (SELECT max(name) FROM object))"
              " WHERE name = (SELECT min(name) FROM object)" },
    { "roll-back", "UPDATE object SET bytes = (SELECT bytes FROM kept.object AS old"
                   " WHERE old.name = object.name)"
                   " WHERE name = (SELECT min(name) FROM kept.object)" },
    { "restore", "INSERT OR REPLACE INTO object (name, bytes)"
                 " SELECT name, bytes FROM kept.object" },
};

static int shelf_find(const char *directory, char path[PATH_MAX], struct aceso_error *error)
{
    char objects[PATH_MAX];
    struct dirent *entry;
    DIR *stream;
    int code = file_path(directory, "objects", objects, sizeof objects);

    path[0] = '\0';
    stream = code ? NULL : opendir(objects);
    while (stream && (entry = readdir(stream)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (len > 3 && strcmp(entry->d_name + len - 3, ".db") == 0)
            code = file_path(objects, entry->d_name, path, PATH_MAX);
    }
    if (stream)
        (void)closedir(stream);
    if (!code && !path[0])
        code = error_set(error, ACESO_ENOTFOUND, directory, "no hospital keeps anything there");
    return code;
}

static int shelf_exec(sqlite3 *base, const char *sql, const char *text, struct aceso_error *error)
{
    sqlite3_stmt *statement = NULL;
    bool done = sqlite3_prepare_v2(base, sql, -1, &statement, NULL) == SQLITE_OK &&
                (!text || sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC) == SQLITE_OK) &&
                sqlite3_step(statement) == SQLITE_DONE;

    (void)sqlite3_finalize(statement);
    return done ? ACESO_OK : error_set(error, ACESO_EIO, NULL, "%s", sqlite3_errmsg(base));
}

static int shelf_act(sqlite3 *base, const struct attack *attack, struct aceso_error *error)
{
    const char *how = attack->in.how, *sql = NULL;
    bool keeps = strcmp(how, "roll-back") != 0 && strcmp(how, "restore") != 0;
    int code = ACESO_OK;

    for (size_t i = 0; i < sizeof shelf_acts / sizeof shelf_acts[0]; i++) {
        if (strcmp(how, shelf_acts[i].how) == 0)
            sql = shelf_acts[i].sql;
    }
    if (keeps && !file_exists(attack->in.kept))
        code = shelf_exec(base, "VACUUM INTO ?1", attack->in.kept, error);
    if (code || strcmp(how, "keep") == 0)
        return code;
    if (!sql)
        return error_set(error, ACESO_EUSAGE, NULL,
                         "--how: keep, lose, change, swap, roll-back or restore");
    code = shelf_exec(base, "ATTACH ?1 AS kept", attack->in.kept, error);
    if (!code)
        code = shelf_exec(base, sql, NULL, error);
    if (!code && sqlite3_changes(base) < 1)
        code = error_set(error, ACESO_ESTATE, NULL, "there was nothing to do it to");
    return code;
}

/* On the cloud's own files, while it serves. What was there before lies in --kept. */
int attack_shelf(struct attack *attack, struct aceso_error *error)
{
    char path[PATH_MAX];
    sqlite3 *base = NULL;
    int code = attack->in.cloud[0] && attack->in.how && attack->in.kept
                   ? shelf_find(attack->in.cloud[0], path, error)
                   : error_set(error, ACESO_EUSAGE, NULL, "--cloud, --how and --kept are needed");

    if (!code && (sqlite3_open_v2(path, &base, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
                  sqlite3_busy_timeout(base, 10000) != SQLITE_OK))
        code = error_set(error, ACESO_EIO, NULL, "the shelf does not open");
    if (!code)
        code = shelf_act(base, attack, error);
    (void)sqlite3_close(base);
    if (!code)
        attack_say(attack, "the cloud's operator: %s", attack->in.how);
    return code;
}
