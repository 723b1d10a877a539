/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: whatever keys were stolen or made, in every combination, against every level's header
 * and every stolen part. */
#include "adversary.h"

#include "base/secret.h"
#include "base/text.h"
#include "consent/header.h"
#include "consent/vocabulary.h"
#include "crypto/digest.h"
#include "record/part.h"
#include "record/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENING_STRANGE_PARTS 32 /* parts of each closed level for other patients' keys */
#define OPENING_GUESSES 8
#define OPENING_CONTROL 100000 /* attempts that the control may take */

struct opening {
    struct loot *loot;
    struct rows *rows; /* of the relation at hand */
    uint64_t relabelled, refused, group, derived, strange, parts;
    uint64_t unshared; /* headers with thresholds */
};

/* ---- one user's keys, by the library ----------------------------------------------------- */

/* Adds a key under `gid`, relabelled where it is another's. The check on import is the program's
 * own; what it lets in is used. */
static void opening_give(struct opening *opening, struct keyring *keyring,
                         const struct loot_key *key, const uint8_t gid[20])
{
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    bool other = memcmp(key->gid, gid, 20) != 0;
    int code;

    memcpy(bytes, key->bytes, key->len);
    memcpy(bytes + 3 + 2 + strlen(key->attribute) + 2, gid, 20);
    code = keyring_add_user(keyring, bytes_of(bytes, key->len), NULL);
    opening->refused += code != ACESO_OK;
    opening->relabelled += other;
    secret_wipe(bytes, sizeof bytes);
}

/* The highest level whose header opens with the keys of `gid` alone, or also with everybody
 * else's under its name. */
static int opening_user(struct opening *opening, const struct loot_relation *relation,
                        const uint8_t gid[20], bool relabel, struct ladder *got,
                        struct aceso_error *error)
{
    struct loot *loot = opening->loot;
    struct keyring *keyring = keyring_create(gid);
    int code = keyring ? keyring_add_list(keyring, buffer_bytes(&relation->patient_keys), error)
                       : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    if (!code)
        code = keyring_add_list(keyring, buffer_bytes(&relation->authority_keys), error);
    for (size_t i = 0; i < loot->keys && !code; i++) {
        if (relabel || memcmp(loot->key[i].gid, gid, 20) == 0)
            opening_give(opening, keyring, &loot->key[i], gid);
    }
    for (unsigned level = RECORD_LEVELS; level > got->top && !code; level--) {
        struct ladder opened;

        loot->attack->tried++;
        if (header_open(buffer_bytes(&relation->terms.headers), &relation->context, level, keyring,
                        &opened, NULL) == ACESO_OK)
            *got = opened;
    }
    keyring_free(keyring);
    return code;
}

/* ---- everybody's keys -------------------------------------------------------------------- */

static void opening_take(struct loot_relation *relation, unsigned level, const uint8_t key[32])
{
    struct ladder ladder;

    if (level > relation->got.top &&
        ladder_from(&relation->context, relation->terms.epoch, (uint8_t)level, key, &ladder,
                    NULL) == ACESO_OK)
        relation->got = ladder;
}

/* Mixed users on the group level, for every header that did not open so far. */
static int opening_groups(struct opening *opening, struct loot_relation *relation,
                          struct aceso_error *error)
{
    struct loot *loot = opening->loot;

    for (unsigned level = relation->got.top + 1u; level <= RECORD_LEVELS; level++) {
        struct rows_result result;
        int code = rows_attack(opening->rows, level, loot->key, loot->keys,
                               loot->attack->in.budget, &result, error);

        if (code == ACESO_ELIMIT) {
            opening->unshared++;
            continue;
        }
        if (code)
            return code;
        opening->group += result.tried;
        if (result.opened)
            opening_take(relation, level, result.key);
        secret_wipe(&result, sizeof result);
    }
    return ACESO_OK;
}

/* The ladder's own step, upward: what a level's key would give if it went the other way. */
static void opening_step_up(const struct loot_relation *relation, unsigned to,
                            const uint8_t key[32], uint8_t out[32])
{
    struct buffer info = BUFFER_INIT(256);
    const struct record_context *context = &relation->context;

    (void)buffer_put_u8(&info, 22);
    (void)buffer_put_string(&info, "aceso record ladder v1");
    (void)buffer_put_u64(&info, context->chain_id);
    (void)buffer_put(&info, context->patient, 20);
    (void)buffer_put(&info, context->hospital, 20);
    (void)buffer_put_u32(&info, relation->terms.epoch.e);
    (void)buffer_put_u32(&info, relation->terms.epoch.n);
    (void)buffer_put_u8(&info, (uint8_t)to);
    hkdf_sha256(bytes_of(key, 32), bytes_of(NULL, 0), buffer_bytes(&info), out, 32);
    buffer_free(&info);
}

/* Guesses at the key of a level above what is held: the lower keys as they are, and stepped up. */
static size_t opening_guess(const struct loot_relation *relation, unsigned level,
                            uint8_t guess[OPENING_GUESSES][32])
{
    size_t count = 0;

    for (unsigned held = relation->got.top; held >= 1; held--) {
        memcpy(guess[count++], relation->got.key[held - 1], 32);
        opening_step_up(relation, level, relation->got.key[held - 1], guess[count++]);
    }
    return count;
}

/* Guesses on what wraps the keys above; the first level that is held must give the control. */
static int opening_derive(struct opening *opening, struct loot_relation *relation,
                          struct aceso_error *error)
{
    uint8_t guess[OPENING_GUESSES][32], key[32], below[32];

    if (relation->got.top > 1) {
        opening_step_up(relation, 1, relation->got.key[1], below);
        if (memcmp(below, relation->got.key[0], 32) != 0)
            return error_set(error, ACESO_EINTERNAL, NULL, "the ladder's step is not this one");
    }
    for (unsigned level = relation->got.top + 1u; level <= RECORD_LEVELS; level++) {
        size_t count = opening_guess(relation, level, guess);

        for (size_t i = 0; i < count; i++) {
            opening->derived++;
            if (rows_unwrap(opening->rows, level, guess[i], key))
                opening_take(relation, level, key);
        }
    }
    secret_wipe(guess, sizeof guess);
    return ACESO_OK;
}

/* The code that works row by row must open what the library opened, by the same keys. */
static int opening_control(struct opening *opening, const struct loot_relation *relation,
                           const uint8_t gid[20], struct aceso_error *error)
{
    struct loot *loot = opening->loot;
    struct loot_key *own = calloc(loot->keys + 1, sizeof *own);
    struct rows_result result = { .opened = false };
    size_t count = 0;
    int code = own ? ACESO_OK : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    for (size_t i = 0; i < loot->keys && !code; i++) {
        if (memcmp(loot->key[i].gid, gid, 20) == 0)
            own[count++] = loot->key[i];
    }
    if (!code)
        code = rows_attack(opening->rows, relation->got.top, own, count, OPENING_CONTROL, &result,
                           error);
    if (code == ACESO_ELIMIT)
        code = ACESO_OK;
    else if (!code &&
             (!result.opened ||
              memcmp(result.key, relation->got.key[relation->got.top - 1], 32) != 0))
        code = error_set(error, ACESO_ESTATE, NULL,
                         "the attack on the group level does not open what was granted");
    if (own)
        secret_wipe(own, (loot->keys + 1) * sizeof *own);
    secret_wipe(&result, sizeof result);
    free(own);
    return code;
}

static int opening_headers(struct opening *opening, struct loot_relation *relation,
                           struct aceso_error *error)
{
    struct loot *loot = opening->loot;
    int code = rows_open(buffer_bytes(&relation->terms.headers), &relation->context,
                         &opening->rows, error);

    for (size_t i = 0; i < loot->institutes && !code; i++) {
        unsigned before = relation->got.top;

        code = opening_user(opening, relation, loot->party[i].address, false, &relation->got,
                            error);
        if (!code && relation->got.top > before)
            code = opening_control(opening, relation, loot->party[i].address, error);
    }
    relation->alone = relation->got.top;
    for (size_t i = 0; i < loot->institutes && !code; i++)
        code = opening_user(opening, relation, loot->party[i].address, true, &relation->got,
                            error);
    if (!code)
        code = opening_groups(opening, relation, error);
    if (!code)
        code = opening_derive(opening, relation, error);
    rows_free(opening->rows);
    opening->rows = NULL;
    return code;
}

/* ---- parts ------------------------------------------------------------------------------- */

static bool opening_part_with(struct opening *opening, const struct loot_relation *relation,
                              const struct record_row *row, const struct proof *proof,
                              const uint8_t key[32])
{
    struct record_place place = { .version = row->version, .level = row->level,
                                  .index = proof->index };
    struct buffer payload = BUFFER_INIT_SECRET(PART_SEALED_MAX);
    struct part_content content;
    int code;

    memcpy(place.record, row->record, RECORD_ID_SIZE);
    opening->loot->attack->tried++;
    code = part_open(&relation->context, row->epoch, &place, key, row->sealed, &payload, &content,
                     NULL);
    buffer_free(&payload);
    return code == ACESO_OK;
}

static bool opening_strange(struct opening *opening, const struct loot_relation *relation,
                            const struct record_row *row, const struct proof *proof)
{
    for (size_t i = 0; i < opening->loot->relations; i++) {
        const struct loot_relation *other = &opening->loot->relation[i];

        if (other == relation || !other->got.top)
            continue;
        opening->strange++;
        if (opening_part_with(opening, relation, row, proof, other->got.key[other->got.top - 1]))
            return true;
    }
    return false;
}

static int opening_part(void *data, struct loot_relation *relation, const struct record_row *row,
                        struct aceso_error *error)
{
    struct opening *opening = data;
    uint8_t guess[OPENING_GUESSES][32];
    struct proof proof;
    uint64_t seen;
    bool opened = false;
    int code = proof_parse(row->proof, &proof, error);

    if (code)
        return code;
    seen = ++relation->part[row->level - 1];
    if (row->level <= relation->got.top) {
        opened = opening_part_with(opening, relation, row, &proof,
                                   relation->got.key[row->level - 1]);
    } else {
        size_t count = opening_guess(relation, row->level, guess);

        for (size_t i = 0; i < count && i < 2 && !opened; i++)
            opened = opening_part_with(opening, relation, row, &proof, guess[i]);
        if (!opened && seen <= OPENING_STRANGE_PARTS)
            opened = opening_strange(opening, relation, row, &proof);
        secret_wipe(guess, sizeof guess);
    }
    relation->opened[row->level - 1] += opened;
    return ACESO_OK;
}

/* ---- what came of it --------------------------------------------------------------------- */

static void opening_write(struct attack *attack, const struct loot_relation *relation,
                          unsigned opened)
{
    struct json_writer writer = attack->writer;

    writer.out = &attack->patients;
    writer.comma = attack->patients.len != 0;
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "patient", relation->terms.patient, 20);
    json_put_string(&writer, "hospital", relation->hospital.card.label);
    json_put_string(&writer, "allowed", level_name(relation->allowed));
    json_put_string(&writer, "alone", level_name(relation->alone));
    json_put_string(&writer, "opened", level_name(opened));
    json_open(&writer, "parts", '{');
    for (unsigned level = 1; level <= RECORD_LEVELS; level++) {
        json_open(&writer, level_name(level), '{');
        json_put_u64(&writer, "stolen", relation->part[level - 1]);
        json_put_u64(&writer, "opened", relation->opened[level - 1]);
        json_close(&writer, '}');
    }
    json_close(&writer, '}');
    json_close(&writer, '}');
}

/* Writes the relation down; ACESO_ESTATE where the attack shows nothing about it. */
static int opening_judge(struct loot *loot, struct loot_relation *relation, bool exact,
                         struct aceso_error *error)
{
    unsigned opened = relation->got.top;
    char what[128], outcome[128], address[41];

    for (unsigned level = 1; level <= RECORD_LEVELS; level++) {
        if (relation->opened[level - 1] && level > opened)
            opened = level;
        if (level <= relation->got.top &&
            relation->opened[level - 1] != relation->part[level - 1])
            return error_set(error, ACESO_ESTATE, NULL,
                             "parts do not open with the key of their own level");
    }
    opening_write(loot->attack, relation, opened);
    text_hex(relation->terms.patient, 20, address);
    (void)snprintf(what, sizeof what, "0x%s at %s", address, relation->hospital.card.label);
    if (opened > relation->allowed || opened > relation->alone) {
        (void)snprintf(outcome, sizeof outcome, "opened %s; granted %s, alone %s",
                       level_name(opened), level_name(relation->allowed),
                       level_name(relation->alone));
        attack_note(loot->attack, true, what, outcome);
    }
    if (exact && opened < relation->allowed)
        return error_set(error, ACESO_ESTATE, NULL,
                         "%s: %s was granted and only %s opens: a key is missing, so this attack "
                         "shows nothing", what, level_name(relation->allowed), level_name(opened));
    return ACESO_OK;
}

static void opening_notes(const struct opening *opening)
{
    struct attack *attack = opening->loot->attack;
    char outcome[160];

    (void)snprintf(outcome, sizeof outcome, "%llu keys of other users or of false makers refused",
                   (unsigned long long)opening->refused);
    attack_note(attack, false, "keys under another's name, by the program", outcome);
    (void)snprintf(outcome, sizeof outcome, "%llu combinations of keys and rows: none opens",
                   (unsigned long long)opening->group);
    attack_note(attack, false, "keys of several users, row by row on the group level", outcome);
    (void)snprintf(outcome, sizeof outcome,
                   "%llu guesses at keys above those held, %llu at other patients': none opens",
                   (unsigned long long)opening->derived, (unsigned long long)opening->strange);
    attack_note(attack, false, "level keys from each other", outcome);
    if (opening->unshared) {
        (void)snprintf(outcome, sizeof outcome, "%llu headers: tried by the library only",
                       (unsigned long long)opening->unshared);
        attack_note(attack, false, "policies with thresholds", outcome);
    }
}

int opening_run(struct loot *loot, bool exact, struct aceso_error *error)
{
    struct opening opening = { .loot = loot };
    int code = rows_self_test(error);

    for (size_t i = 0; i < loot->relations && !code; i++)
        code = opening_headers(&opening, &loot->relation[i], error);
    loot->attack->tried += opening.group + opening.derived;
    if (!code)
        code = loot_each_part(loot, opening_part, &opening, &opening.parts, error);
    for (size_t i = 0; i < loot->relations && !code; i++)
        code = opening_judge(loot, &loot->relation[i], exact, error);
    if (!code && !loot->attack->breaches)
        opening_notes(&opening);
    return code;
}

void opening_count(const struct loot *loot, uint64_t *opened, uint64_t *closed)
{
    *opened = *closed = 0;
    for (size_t i = 0; i < loot->relations; i++) {
        for (unsigned level = 0; level < RECORD_LEVELS; level++) {
            *opened += loot->relation[i].opened[level];
            *closed += loot->relation[i].part[level] - loot->relation[i].opened[level];
        }
    }
}
