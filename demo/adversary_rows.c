/* SPDX-License-Identifier: Apache-2.0 */
/* Level headers on the group level: code of the attacker's own, written from docs/abe-format.md and
 * docs/consent.md, which checks nothing that an attacker would not check. Uses blst, crypto, and of
 * lib/abe only what reads policies. */
#include "adversary.h"
#include "adversary_group.h"

#include "base/secret.h"
#include "crypto/aead.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_KEYS_MAX 48 /* keys that are tried for one row */
#define ROWS_GIDS_MAX 12 /* users whose keys are mixed */

struct rows_level {
    struct group_header header;
    struct bytes wrapped;
};

struct rows {
    struct rows_level level[RECORD_LEVELS];
    struct buffer bytes;
};

/* ---- reading ----------------------------------------------------------------------------- */

static void rows_context(const struct record_context *context, uint32_t e, uint32_t n,
                         unsigned number, struct group_header *header)
{
    struct buffer bound = BUFFER_INIT(GROUP_CONTEXT_MAX);

    (void)buffer_put_string(&bound, "aceso level header v1");
    (void)buffer_put_u8(&bound, 0);
    record_context_put(context, &bound);
    (void)buffer_put_u32(&bound, e);
    (void)buffer_put_u32(&bound, n);
    (void)buffer_put_u8(&bound, (uint8_t)number);
    header->context_len = bound.len;
    memcpy(header->context, bound.data, bound.len);
    buffer_free(&bound);
}

int rows_open(struct bytes headers, const struct record_context *context, struct rows **out,
              struct aceso_error *error)
{
    struct rows *rows = calloc(1, sizeof *rows);
    struct reader reader;
    uint32_t e, n;
    int code;

    if (!rows)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    rows->bytes = (struct buffer)BUFFER_INIT((size_t)1 << 20);
    code = buffer_put_bytes(&rows->bytes, headers);
    reader = reader_of(buffer_bytes(&rows->bytes));
    (void)reader_u8(&reader);
    e = reader_u32(&reader);
    n = reader_u32(&reader);
    for (unsigned i = 0; i < RECORD_LEVELS && !code; i++) {
        struct bytes header = reader_field(&reader, (size_t)1 << 20);

        rows->level[i].wrapped = reader_field(&reader, 64);
        rows_context(context, e, n, i + 1, &rows->level[i].header);
        code = reader.failed ? ACESO_EFORMAT : group_read(header, &rows->level[i].header);
    }
    if (code) {
        rows_free(rows);
        return error_set(error, code, "headers", "not as the written format has them");
    }
    *out = rows;
    return ACESO_OK;
}

void rows_free(struct rows *rows)
{
    if (!rows)
        return;
    for (unsigned i = 0; i < RECORD_LEVELS; i++)
        group_free(&rows->level[i].header);
    buffer_free(&rows->bytes);
    free(rows);
}

bool rows_unwrap(const struct rows *rows, unsigned number, const uint8_t guess[32],
                 uint8_t key[32])
{
    static const uint8_t nonce[AEAD_NONCE_SIZE];
    const struct rows_level *level = &rows->level[number - 1];
    struct buffer plain = BUFFER_INIT_SECRET(64);
    int code = aead_open(guess, nonce,
                         bytes_of(level->header.context, level->header.context_len),
                         level->wrapped, &plain);

    if (!code)
        memcpy(key, plain.data, 32);
    buffer_free(&plain);
    return !code;
}

/* ---- keys -------------------------------------------------------------------------------- */

/* The keys at hand, with what can be computed before they are combined. */
struct rows_pool {
    const struct loot_key *key[ROWS_KEYS_MAX];
    blst_p2_affine k[ROWS_KEYS_MAX];
    uint8_t gid_of[ROWS_KEYS_MAX]; /* index into gid */
    size_t keys;
    const uint8_t *gid[ROWS_GIDS_MAX];
    blst_p2_affine h[ROWS_GIDS_MAX];
    size_t gids;
};

/* Which key is used for each row of a set, and under which users' H(gid): one a row. */
struct rows_choice {
    uint8_t row[GROUP_ROWS_MAX];
    uint8_t key[GROUP_ROWS_MAX];
    uint8_t gid[GROUP_ROWS_MAX];
    size_t count;
};

static size_t pool_gid(struct rows_pool *pool, const uint8_t gid[20])
{
    blst_p2 point;

    for (size_t i = 0; i < pool->gids; i++) {
        if (memcmp(pool->gid[i], gid, 20) == 0)
            return i;
    }
    if (pool->gids == ROWS_GIDS_MAX)
        return ROWS_GIDS_MAX;
    blst_hash_to_g2(&point, gid, 20, (const byte *)GROUP_HASH_TAG, strlen(GROUP_HASH_TAG), NULL, 0);
    blst_p2_to_affine(&pool->h[pool->gids], &point);
    pool->gid[pool->gids] = gid;
    return pool->gids++;
}

/* Keys that matter for these headers: of the attributes in any of their rows. */
static void pool_fill(struct rows_pool *pool, const struct rows *rows,
                      const struct loot_key *keys, size_t count)
{
    for (size_t i = 0; i < count && pool->keys < ROWS_KEYS_MAX; i++) {
        bool named = false;
        size_t gid;

        for (unsigned l = 0; l < RECORD_LEVELS && !named; l++) {
            for (size_t r = 0; r < rows->level[l].header.count && !named; r++)
                named = strcmp(rows->level[l].header.row[r].attribute, keys[i].attribute) == 0;
        }
        gid = named ? pool_gid(pool, keys[i].gid) : ROWS_GIDS_MAX;
        if (gid == ROWS_GIDS_MAX ||
            blst_p2_uncompress(&pool->k[pool->keys], keys[i].bytes + keys[i].len - 96) !=
                BLST_SUCCESS)
            continue;
        pool->gid_of[pool->keys] = (uint8_t)gid;
        pool->key[pool->keys++] = &keys[i];
    }
}

static void pool_twice_less(const blst_p2_affine *a, const blst_p2_affine *b, blst_p2_affine *out)
{
    blst_p2 sum, less;

    blst_p2_from_affine(&less, b);
    blst_p2_cneg(&less, true);
    blst_p2_from_affine(&sum, a);
    blst_p2_double(&sum, &sum);
    blst_p2_add_or_double(&sum, &sum, &less);
    blst_p2_to_affine(out, &sum);
}

/* ---- combining --------------------------------------------------------------------------- */

struct rows_attempt {
    const struct rows *rows;
    const struct rows_level *level;
    const struct rows_pool *pool;
    struct rows_result *result;
    uint64_t budget;
    uint8_t kem_key[32];
};

/* A pool of one key a row of `choice` for attempt_averages; false where no row has both. */
static bool pool_average(struct rows_pool *pool, const struct rows_attempt *attempt,
                         struct rows_choice *choice, size_t a, size_t b)
{
    const struct rows_pool *from = attempt->pool;
    bool both = false;

    memset(pool, 0, sizeof *pool);
    pool->gids = 3;
    pool->h[0] = from->h[a];
    pool->h[1] = from->h[b];
    pool_twice_less(&from->h[a], &from->h[b], &pool->h[2]);
    for (size_t i = 0; i < choice->count; i++) {
        const blst_p2_affine *of_a = NULL, *of_b = NULL;

        for (size_t key = 0; key < from->keys; key++) {
            if (strcmp(from->key[key]->attribute,
                       attempt->level->header.row[choice->row[i]].attribute) != 0)
                continue;
            if (from->gid_of[key] == a)
                of_a = &from->k[key];
            else if (from->gid_of[key] == b)
                of_b = &from->k[key];
        }
        if (of_a && of_b)
            pool_twice_less(of_a, of_b, &pool->k[i]);
        else
            pool->k[i] = of_a ? *of_a : of_b ? *of_b : from->k[0];
        pool->gid_of[i] = of_a && of_b ? 2 : of_b ? 1 : 0;
        choice->key[i] = (uint8_t)i;
        both = both || (of_a && of_b);
    }
    pool->keys = choice->count;
    return both;
}

/* E = prod C1 * e(prod C3, H) * e(prod C2^-1, K), every row with what was chosen for it. `mixed`
 * says from which level each row of the header is taken (0: its own). */
static bool attempt_choice(struct rows_attempt *attempt, const struct rows_choice *choice,
                           const uint8_t *mixed)
{
    const blst_p2_affine *q[2 * GROUP_ROWS_MAX];
    const blst_p1_affine *p[2 * GROUP_ROWS_MAX];
    blst_fp12 e, product = *blst_fp12_one();
    size_t n = 0;

    if (attempt->result->tried >= attempt->budget)
        return false;
    attempt->result->tried++;
    for (size_t i = 0; i < choice->count; i++) {
        unsigned from = mixed ? mixed[i] : 0;
        const struct rows_level *level = from ? &attempt->rows->level[from - 1] : attempt->level;
        const struct group_row *row = &level->header.row[choice->row[i]];

        blst_fp12_mul(&product, &product, &row->c1);
        q[n] = &attempt->pool->h[choice->gid[i]];
        p[n++] = &row->c3;
        q[n] = &attempt->pool->k[choice->key[i]];
        p[n++] = &row->c2;
    }
    blst_miller_loop_n(&e, q, p, n);
    blst_final_exp(&e, &e);
    blst_fp12_mul(&e, &e, &product);
    return group_finish(&attempt->level->header, &e, attempt->kem_key);
}

/* One choice of keys under every H: each key's own user's, and each user's for all. */
static bool attempt_users(struct rows_attempt *attempt, struct rows_choice *choice)
{
    for (size_t i = 0; i < choice->count; i++)
        choice->gid[i] = attempt->pool->gid_of[choice->key[i]];
    if (attempt_choice(attempt, choice, NULL))
        return true;
    for (size_t gid = 0; gid < attempt->pool->gids; gid++) {
        memset(choice->gid, (int)gid, sizeof choice->gid);
        if (attempt_choice(attempt, choice, NULL))
            return true;
    }
    return false;
}

/* Keys that may serve each row of a choice: those of its attribute; where there is none, any. */
struct rows_candidates {
    uint8_t key[GROUP_ROWS_MAX][ROWS_KEYS_MAX];
    size_t count[GROUP_ROWS_MAX];
};

static void attempt_candidates(const struct rows_attempt *attempt, const struct rows_choice *choice,
                               struct rows_candidates *candidates)
{
    for (size_t i = 0; i < choice->count; i++) {
        const char *attribute = attempt->level->header.row[choice->row[i]].attribute;

        candidates->count[i] = 0;
        for (unsigned any = 0; any < 2 && !candidates->count[i]; any++) {
            for (size_t key = 0; key < attempt->pool->keys; key++) {
                if (any || strcmp(attempt->pool->key[key]->attribute, attribute) == 0)
                    candidates->key[i][candidates->count[i]++] = (uint8_t)key;
            }
        }
    }
}

/* Counts through all choices of one key a row, like digits of a number. */
static bool attempt_keys(struct rows_attempt *attempt, struct rows_choice *choice)
{
    struct rows_candidates candidates;
    size_t digit[GROUP_ROWS_MAX] = { 0 }, at;

    attempt_candidates(attempt, choice, &candidates);
    do {
        for (size_t i = 0; i < choice->count; i++)
            choice->key[i] = candidates.key[i][digit[i]];
        if (attempt_users(attempt, choice))
            return true;
        for (at = 0; at < choice->count; at++) {
            if (++digit[at] < candidates.count[at])
                break;
            digit[at] = 0;
        }
    } while (at < choice->count && attempt->result->tried < attempt->budget);
    return false;
}

/* Two users' keys of one attribute make that attribute's key for a user who does not exist, with
 * H = H(a)^2 / H(b): it is tried for every row where both have one, theirs for the others. */
static bool attempt_averages(struct rows_attempt *attempt, const struct rows_choice *rows)
{
    struct rows_pool *pool = calloc(1, sizeof *pool);
    struct rows_attempt own = *attempt;
    bool opened = false;

    own.pool = pool;
    for (size_t a = 0; pool && a < attempt->pool->gids && !opened; a++) {
        for (size_t b = 0; b < attempt->pool->gids && !opened; b++) {
            struct rows_choice choice = *rows;

            opened = a != b && pool_average(pool, attempt, &choice, a, b) &&
                     attempt_users(&own, &choice);
        }
    }
    memcpy(attempt->kem_key, own.kem_key, sizeof own.kem_key);
    free(pool);
    return opened;
}

/* Rows of this header and of another level's in every mixture, by each user's keys for the rows
 * they are taken from. */
static bool attempt_mixtures(struct rows_attempt *attempt, struct rows_choice *choice,
                             unsigned other)
{
    const struct rows_level *from = &attempt->rows->level[other - 1];
    uint8_t mixed[GROUP_ROWS_MAX];

    if (from == attempt->level || from->header.count < attempt->level->header.count)
        return false;
    for (unsigned mask = 1; mask < 1u << choice->count; mask++) {
        for (size_t gid = 0; gid < attempt->pool->gids; gid++) {
            memset(choice->gid, (int)gid, sizeof choice->gid);
            for (size_t i = 0; i < choice->count; i++) {
                const struct rows_level *level = mask >> i & 1 ? from : attempt->level;

                mixed[i] = mask >> i & 1 ? (uint8_t)other : 0;
                choice->key[i] = 0;
                for (size_t key = 0; key < attempt->pool->keys; key++) {
                    if (attempt->pool->gid_of[key] == gid &&
                        strcmp(attempt->pool->key[key]->attribute,
                               level->header.row[choice->row[i]].attribute) == 0)
                        choice->key[i] = (uint8_t)key;
                }
            }
            if (attempt_choice(attempt, choice, mixed))
                return true;
        }
    }
    return false;
}

/* Every smallest set of rows that satisfies the policy: there the coefficients are one. (Where an
 * attribute stands in it more than once this misses some.) */
static bool attempt_sets(struct rows_attempt *attempt, bool mixtures)
{
    const struct group_header *level = &attempt->level->header;
    uint32_t found[256];
    size_t sets = 0;

    for (uint32_t set = 1; set < 1u << level->count; set++) {
        struct rows_choice choice = { .count = 0 };
        const char *attributes[GROUP_ROWS_MAX];
        bool smallest = true;

        for (size_t i = 0; i < sets && smallest; i++)
            smallest = (set & found[i]) != found[i];
        for (size_t i = 0; i < level->count; i++) {
            if (set >> i & 1) {
                attributes[choice.count] = level->row[i].attribute;
                choice.row[choice.count++] = (uint8_t)i;
            }
        }
        if (!smallest || sets == 256 ||
            !aceso_abe_policy_satisfied(level->policy, attributes, choice.count))
            continue;
        found[sets++] = set;
        if (!mixtures && (attempt_averages(attempt, &choice) || attempt_keys(attempt, &choice)))
            return true;
        for (unsigned other = 1; mixtures && other <= RECORD_LEVELS; other++) {
            if (attempt_mixtures(attempt, &choice, other))
                return true;
        }
    }
    return false;
}

int rows_attack(const struct rows *rows, unsigned level, const struct loot_key *keys,
                size_t count, uint64_t budget, struct rows_result *result,
                struct aceso_error *error)
{
    struct rows_pool *pool = calloc(1, sizeof *pool);
    struct rows_attempt attempt = { .rows = rows, .level = &rows->level[level - 1],
                                    .pool = pool, .result = result };

    memset(result, 0, sizeof *result);
    if (!pool)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    if (!attempt.level->header.plain) {
        free(pool);
        return error_set(error, ACESO_ELIMIT, NULL, "a policy with thresholds");
    }
    pool_fill(pool, rows, keys, count);
    if (pool->keys) {
        attempt.budget = budget - budget / 4;
        result->opened = attempt_sets(&attempt, false);
        attempt.budget = result->tried + budget / 4;
        if (!result->opened)
            result->opened = attempt_sets(&attempt, true);
    }
    if (result->opened && !rows_unwrap(rows, level, attempt.kem_key, result->key))
        result->opened = false;
    secret_wipe(attempt.kem_key, sizeof attempt.kem_key);
    free(pool);
    return ACESO_OK;
}

/* ---- is it any good? --------------------------------------------------------------------- */

static int self_key(const char *attribute, uint8_t user, struct loot_key *key)
{
    const uint8_t seed[ACESO_ABE_SEED_SIZE] = { 9 };
    const uint8_t gid[20] = { user };

    memset(key, 0, sizeof *key);
    memcpy(key->attribute, attribute, strlen(attribute));
    memcpy(key->gid, gid, 20);
    return aceso_abe_keygen(seed, attribute, gid, 20, key->bytes, &key->len);
}

static int self_publics(const char *const attribute[4], struct aceso_abe_public_key *keys[4])
{
    const uint8_t seed[ACESO_ABE_SEED_SIZE] = { 9 };
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t len = 0;
    int code = 0;

    for (unsigned i = 0; i < 4 && !code; i++) {
        code = aceso_abe_setup(seed, attribute[i], bytes, &len);
        if (!code)
            code = aceso_abe_public_key_import(bytes, len, &keys[i]);
    }
    return code;
}

/* Four headers under a, b and c; each wraps a key of its own. */
static int self_headers(const char *const attribute[4], const struct record_context *context,
                        struct buffer *out)
{
    static const uint8_t nonce[AEAD_NONCE_SIZE];
    struct aceso_abe_public_key *keys[4] = { NULL };
    struct aceso_abe_policy *policy = NULL;
    const char *text = "a@t and b@t and c@t or d@t";
    int code = self_publics(attribute, keys);

    if (!code)
        code = aceso_abe_policy_parse(text, strlen(text), &policy, NULL);
    (void)buffer_put_u8(out, 1);
    (void)buffer_put_u32(out, 1);
    (void)buffer_put_u32(out, 1);
    for (unsigned i = 0; i < RECORD_LEVELS && !code; i++) {
        const uint8_t wrapped[32] = { (uint8_t)(i + 1) };
        struct buffer sealed = BUFFER_INIT(64);
        struct group_header level;
        uint8_t sigma[32], kem_key[32], *header = NULL;
        size_t len = 0;

        rows_context(context, 1, 1, i + 1, &level);
        secret_random(sigma, sizeof sigma);
        code = aceso_abe_encapsulate(policy, (const struct aceso_abe_public_key *const *)keys, 4,
                                     level.context, level.context_len, sigma, &header, &len,
                                     kem_key);
        if (!code)
            code = buffer_put_field(out, bytes_of(header, len));
        if (!code)
            code = aead_seal(kem_key, nonce, bytes_of(level.context, level.context_len),
                             bytes_of(wrapped, 32), &sealed);
        if (!code)
            code = buffer_put_field(out, buffer_bytes(&sealed));
        buffer_free(&sealed);
        free(header);
    }
    aceso_abe_policy_free(policy);
    for (unsigned i = 0; i < 4; i++)
        aceso_abe_public_key_free(keys[i]);
    return code;
}

int rows_self_test(struct aceso_error *error)
{
    static const char *const attribute[4] = { "a@t", "b@t", "c@t", "d@t" };
    const struct record_context context = { .chain_id = 1 };
    struct buffer headers = BUFFER_INIT((size_t)1 << 20);
    struct rows_result whole = { 0 }, mixed = { 0 };
    struct loot_key keys[5];
    struct rows *rows = NULL;
    int code = self_headers(attribute, &context, &headers);

    for (unsigned i = 0; i < 3 && !code; i++) /* one user's, and of another the last */
        code = self_key(attribute[i], i < 2 ? 1 : 2, &keys[i]);
    if (!code)
        code = self_key(attribute[0], 2, &keys[3]);
    if (!code)
        code = self_key(attribute[2], 1, &keys[4]);
    if (!code)
        code = rows_open(buffer_bytes(&headers), &context, &rows, NULL);
    if (!code)
        code = rows_attack(rows, 2, keys, 4, 1000, &mixed, NULL);
    if (!code)
        code = rows_attack(rows, 2, keys, 5, 1000, &whole, NULL);
    rows_free(rows);
    buffer_free(&headers);
    secret_wipe(keys, sizeof keys);
    if (code || mixed.opened || !whole.opened || whole.key[0] != 2)
        return error_set(error, ACESO_EINTERNAL, NULL,
                         "the attack on the group level does not do what it should");
    return ACESO_OK;
}
