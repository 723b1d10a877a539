/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks by those who hold keys, parts or databases that they should not have together. */
#include "adversary.h"

#include "base/secret.h"
#include "chain/arsc.h"
#include "consent/vocabulary.h"
#include "node/setting.h"

#include <stdio.h>
#include <string.h>

/* The first relation stands for all in the one line that is told. */
static void stolen_say(struct loot *loot, const char *who)
{
    uint64_t opened, closed;
    unsigned low = RECORD_LEVELS, high = 0, grants = 0;

    opening_count(loot, &opened, &closed);
    for (size_t i = 0; i < loot->relations; i++) {
        unsigned got = loot->relation[i].got.top;

        low = got < low ? got : low;
        high = got > high ? got : high;
        grants += loot->relation[i].allowed > 0;
    }
    if (!grants && !loot->attack->breaches) {
        attack_say(loot->attack,
                   "%s: %llu attempts on %zu patients, none of whom granted anything: nothing "
                   "opens, %llu stolen parts stay closed",
                   who, (unsigned long long)loot->attack->tried, loot->relations,
                   (unsigned long long)closed);
        return;
    }
    attack_say(loot->attack,
               "%s: %llu attempts on %zu patients (%u with a grant) opened %s%s%s, %s; %llu stolen "
               "parts open, %llu stay closed",
               who, (unsigned long long)loot->attack->tried, loot->relations, grants,
               high ? level_name(low) : "nothing", high && low != high ? " to " : "",
               high && low != high ? level_name(high) : "",
               loot->attack->breaches ? "MORE THAN WAS GRANTED" : "as granted",
               (unsigned long long)opened, (unsigned long long)closed);
}

/* The end that all of these have. */
static int stolen_run(struct loot *loot, bool exact, const char *who, struct aceso_error *error)
{
    int code = loot_take_keys(loot, error);

    if (!code)
        code = opening_run(loot, exact, error);
    if (!code)
        stolen_say(loot, who);
    return code;
}

static int stolen_need(const struct attack *attack, bool institutes, bool hospitals, bool parts,
                       struct aceso_error *error)
{
    if (institutes && !attack->in.institute[0])
        return error_set(error, ACESO_EUSAGE, NULL, "--institute is missing");
    if (hospitals && !attack->in.hospital[0])
        return error_set(error, ACESO_EUSAGE, NULL, "--hospital is missing");
    if (parts && !attack->in.parts[0] && !attack->in.database[0] && !attack->in.cloud[0])
        return error_set(error, ACESO_EUSAGE, NULL,
                         "no stolen parts: --parts, --database or --cloud");
    return ACESO_OK;
}

int attack_everything(struct attack *attack, struct aceso_error *error)
{
    struct loot *loot = NULL;
    size_t made = 0;
    char who[160];
    int code = stolen_need(attack, true, true, true, error);

    if (!code)
        code = loot_open(attack, &loot, error);
    if (!code)
        code = loot_make_keys(loot, &made, error);
    if (!code) {
        (void)snprintf(who, sizeof who, "%s with %zu attribute keys that %zu hospitals made for it",
                       loot->party[0].config.label, made, loot->hospitals);
        code = stolen_run(loot, true, who, error);
    }
    loot_free(loot);
    return code;
}

int attack_pool(struct attack *attack, struct aceso_error *error)
{
    struct loot *loot = NULL;
    char who[256];
    size_t len = 0;
    int code = stolen_need(attack, true, false, true, error);

    if (!code && !attack->in.institute[1])
        code = error_set(error, ACESO_EUSAGE, NULL, "pooling needs two institutes or more");
    if (!code)
        code = loot_open(attack, &loot, error);
    for (size_t i = 0; !code && i < loot->institutes && len < sizeof who; i++)
        len += (size_t)snprintf(who + len, sizeof who - len, "%s%s",
                                i == 0 ? "" : " and ", loot->party[i].config.label);
    if (!code)
        code = stolen_run(loot, false, who, error);
    loot_free(loot);
    return code;
}

int attack_overserve(struct attack *attack, struct aceso_error *error)
{
    struct loot *loot = NULL;
    char who[160];
    int code = stolen_need(attack, true, false, true, error);

    if (!code)
        code = loot_open(attack, &loot, error);
    if (!code) {
        (void)snprintf(who, sizeof who, "%s, served all four levels",
                       loot->party[0].config.label);
        code = stolen_run(loot, true, who, error);
    }
    loot_free(loot);
    return code;
}

/* ---- the thief of a database ------------------------------------------------------------- */

/* Every blob of a database, under every name that nodes seal things by. */
static int thief_unseal(struct store *store, const struct keys *keys, uint64_t *tried,
                        uint64_t *opened, struct aceso_error *error)
{
    static const char *const names[] = { "user key", "grant key", "operation", "input", "result",
                                         "tls key", "setting" };
    struct statement *tables = NULL, *query = NULL;
    char sql[160];
    int step = 0, code = store_prepare(store, "SELECT name FROM sqlite_schema WHERE type = 'table'",
                                       &tables, error);

    while (!code && (step = statement_step(tables, error)) == 1) {
        (void)snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", statement_text(tables, 0));
        code = store_prepare(store, sql, &query, error);
        while (!code && statement_step(query, NULL) == 1) {
            for (int column = 0; column < statement_columns(query); column++) {
                struct bytes blob = statement_blob(query, column);

                for (size_t i = 0; i < sizeof names / sizeof names[0] && blob.len > 41; i++) {
                    struct buffer plain = BUFFER_INIT_SECRET((size_t)64 << 20);

                    ++*tried;
                    *opened += keys_unseal(keys, names[i], blob, &plain, NULL) == ACESO_OK;
                    buffer_free(&plain);
                }
            }
        }
        statement_finish(query);
        query = NULL;
    }
    statement_finish(tables);
    return !code && step < 0 ? step : code;
}

/* The keys of the thief open what is sealed in its own database, and nothing in another's. */
static int thief_databases(struct loot *loot, struct aceso_error *error)
{
    struct attack *attack = loot->attack;
    uint64_t own = 0, own_tried = 0, tried = 0, opened = 0;
    char outcome[128];
    int code = thief_unseal(loot->party[0].store, loot->party[0].keys, &own_tried, &own, error);

    if (!code && !own)
        code = error_set(error, ACESO_ESTATE, NULL,
                         "not even the thief's own database opens: nothing is shown");
    for (size_t i = 0; i < ATTACK_FILES_MAX && attack->in.database[i] && !code; i++) {
        struct store *store = NULL;

        code = loot_copy_store(attack, attack->in.database[i], "node.db", &store, error);
        for (size_t p = 0; p < loot->institutes && !code; p++)
            code = thief_unseal(store, loot->party[p].keys, &tried, &opened, error);
        store_close(store);
    }
    attack->tried += tried;
    (void)snprintf(outcome, sizeof outcome,
                   "%llu of %llu attempts open something (its own database: %llu)",
                   (unsigned long long)opened, (unsigned long long)tried,
                   (unsigned long long)own);
    if (!code)
        attack_note(attack, opened > 0, "what is sealed in the stolen node.db", outcome);
    return code;
}

/* Names, ids and words of the records, in the clear. */
static int thief_search(struct attack *attack, struct aceso_error *error)
{
    uint64_t needles = 0, found = 0;
    char outcome[128];
    int code = ACESO_OK;

    if (!attack->in.bundle[0])
        return ACESO_OK;
    for (size_t i = 0; i < ATTACK_FILES_MAX && attack->in.database[i] && !code; i++)
        code = search_bundles(attack, attack->in.database[i], &needles, &found, error);
    (void)snprintf(outcome, sizeof outcome, "%llu of %llu found",
                   (unsigned long long)found, (unsigned long long)needles);
    if (!code)
        attack_note(attack, found > 0, "names, identifiers, diagnoses in the clear", outcome);
    return code;
}

int attack_thief(struct attack *attack, struct aceso_error *error)
{
    struct loot *loot = NULL;
    uint64_t objects = 0;
    char who[160];
    int code = stolen_need(attack, true, false, false, error);

    if (!code && !attack->in.database[0])
        code = error_set(error, ACESO_EUSAGE, NULL, "--database is missing");
    if (!code)
        code = loot_open(attack, &loot, error);
    if (!code)
        code = thief_databases(loot, error);
    if (!code)
        code = thief_search(attack, error);
    if (!code)
        code = cloud_look(attack, &objects, error);
    if (!code) {
        (void)snprintf(who, sizeof who, "%s with the whole database%s",
                       loot->party[0].config.label, objects ? " and the cloud" : "");
        code = stolen_run(loot, true, who, error);
    }
    loot_free(loot);
    return code;
}

/* ---- after a revocation ------------------------------------------------------------------ */

struct revoked {
    struct loot *loot;
    uint64_t asked, live;
};

static int revoked_ask(void *data, struct loot_party *party, const struct ledger_request *request,
                       struct bytes access, struct aceso_error *error)
{
    struct revoked *revoked = data;
    struct contract arsc = contract_at(revoked->loot->rpc, revoked->loot->network.arsc);
    struct aceso_error why = { 0 };
    bool live = false, served = false;
    char what[160];
    int code = arsc_consent_live(&arsc, request->id, &live, error);

    if (code)
        return code;
    if (live) {
        revoked->live++;
        return ACESO_OK;
    }
    code = loot_query(revoked->loot, party, request->hospital, access, &served, &why);
    if (code) {
        if (error)
            *error = why;
        return code;
    }
    revoked->asked++;
    (void)snprintf(what, sizeof what, "access string %llu of %s, with its certificate",
                   (unsigned long long)revoked->asked, party->config.label);
    attack_note(revoked->loot->attack, served, what, served ? "was served" : why.text);
    return ACESO_OK;
}

int attack_revoked(struct attack *attack, struct aceso_error *error)
{
    struct revoked revoked = { .asked = 0 };
    struct loot *loot = NULL;
    char who[200];
    int code = stolen_need(attack, true, false, true, error);

    if (!code)
        code = loot_open(attack, &loot, error);
    revoked.loot = loot;
    for (size_t i = 0; !code && i < loot->institutes; i++)
        code = loot_each_access(loot, &loot->party[i], revoked_ask, &revoked, error);
    if (!code && !revoked.asked)
        code = error_set(error, ACESO_ESTATE, NULL, "no consent of this institute has ended");
    if (!code) {
        (void)snprintf(who, sizeof who,
                       "the gateway refused %s %llu times; from its stash, as before the "
                       "revocation (what was read cannot be unread)",
                       loot->party[0].config.label, (unsigned long long)revoked.asked);
        code = stolen_run(loot, false, who, error);
    }
    loot_free(loot);
    return code;
}
