/* SPDX-License-Identifier: Apache-2.0 */
/* Encapsulation and decapsulation on objects. Shell: uses core and the heap. No I/O. */
#include "../core/kem.h"

#include "../core/lsss.h"
#include "../core/octets.h"
#include "generators.h"
#include "objects.h"

#include <stdlib.h>

/* ---- finding keys by row --------------------------------------------------------------- */

/* found[row] = the object of the row's attribute, or NULL. */
static void match_rows(const struct abe_policy *policy, const struct abe_entry *entries,
                       size_t count, const void **found)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct abe_node *node = &policy->nodes[i];

        if (abe_node_is_leaf(node))
            found[node->row] =
                abe_entries_find(entries, count, abe_policy_name(policy, node), node->length);
    }
}

/* What the rows of one policy need of public keys, all by row. */
struct row_keys {
    const void **found; /* struct aceso_abe_public_key */
    const struct abe_public **keys;
    const struct abe_tables **tables;
    size_t rows;
};

static void row_keys_end(struct row_keys *row_keys)
{
    for (size_t row = 0; row < row_keys->rows; row++) {
        const struct aceso_abe_public_key *key = row_keys->found[row];

        if (row_keys->tables[row] != NULL)
            abe_shared_unpin(key->shared);
    }
    free(row_keys->found);
    free(row_keys->keys);
    free(row_keys->tables);
}

/* ACESO_ABE_MISSING_KEY. In either case row_keys_end follows. */
static int row_keys_begin(struct row_keys *row_keys, const struct abe_policy *policy,
                          const struct aceso_abe_public_key *const *keys, size_t count)
{
    struct abe_entry *entries = calloc(count + 1, sizeof(*entries));
    int code = ACESO_ABE_NO_MEMORY;

    *row_keys = (struct row_keys){ .found = calloc(policy->rows, sizeof(*row_keys->found)),
                                   .keys = calloc(policy->rows, sizeof(*row_keys->keys)),
                                   .tables = calloc(policy->rows, sizeof(*row_keys->tables)) };
    if (entries == NULL || row_keys->found == NULL || row_keys->keys == NULL ||
        row_keys->tables == NULL)
        goto out;
    row_keys->rows = policy->rows;
    for (size_t i = 0; i < count; i++)
        entries[i] =
            (struct abe_entry){ keys[i]->core.attribute, keys[i]->core.attribute_length, keys[i] };
    abe_entries_sort(entries, count);
    match_rows(policy, entries, count, row_keys->found);
    code = ACESO_ABE_OK;
    for (size_t row = 0; row < policy->rows && code == ACESO_ABE_OK; row++) {
        const struct aceso_abe_public_key *key = row_keys->found[row];

        if (key == NULL)
            code = ACESO_ABE_MISSING_KEY;
        else
            row_keys->keys[row] = &key->core;
    }
    for (size_t row = 0; row < policy->rows && code == ACESO_ABE_OK; row++)
        row_keys->tables[row] = abe_public_key_pin(row_keys->found[row]);
out:
    free(entries);
    return code;
}

static bool one_gid(const struct aceso_abe_user_key *const *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (keys[i]->core.gid_length != keys[0]->core.gid_length ||
            memcmp(keys[i]->core.gid, keys[0]->core.gid, keys[0]->core.gid_length) != 0)
            return false;
    }
    return true;
}

static int user_keys_by_row(const struct abe_policy *policy,
                            const struct aceso_abe_user_key *const *keys, size_t count,
                            const void **by_row)
{
    struct abe_entry *entries;

    if (!one_gid(keys, count))
        return ACESO_ABE_ARGUMENT;
    entries = calloc(count + 1, sizeof(*entries));
    if (entries == NULL)
        return ACESO_ABE_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        entries[i] =
            (struct abe_entry){ keys[i]->core.attribute, keys[i]->core.attribute_length, keys[i] };
    abe_entries_sort(entries, count);
    match_rows(policy, entries, count, by_row);
    free(entries);
    return ACESO_ABE_OK;
}

/* ---- encapsulation --------------------------------------------------------------------- */

/* Runs the core over a header: makes one in `out`, or checks `header`. */
static int run(const struct abe_kem *kem, const struct aceso_abe_public_key *const *keys,
               size_t key_count, uint8_t *out, const struct abe_header *header,
               uint8_t key[ACESO_ABE_KEY_SIZE])
{
    struct abe_kem filled = *kem;
    struct row_keys row_keys;
    blst_fr *scratch = NULL;
    int code;

    if (kem->context_length > ACESO_ABE_CONTEXT_MAX)
        return ACESO_ABE_ARGUMENT;
    code = row_keys_begin(&row_keys, kem->policy, keys, key_count);
    if (code != ACESO_ABE_OK)
        goto done;
    filled.keys = row_keys.keys;
    filled.tables = row_keys.tables;
    filled.generators = abe_generator_tables();
    scratch = calloc(kem->policy->rows * ABE_SCRATCH_PER_ROW, sizeof(*scratch));
    code = ACESO_ABE_NO_MEMORY;
    if (scratch != NULL)
        code = out != NULL ? abe_kem_make(&filled, scratch, out, key)
                           : abe_kem_check(&filled, scratch, header, key);
done:
    free(scratch);
    row_keys_end(&row_keys);
    return code;
}

static int encapsulate(const struct abe_kem *kem, const struct aceso_abe_public_key *const *keys,
                       size_t key_count, uint8_t **header, size_t *header_length,
                       uint8_t key[ACESO_ABE_KEY_SIZE])
{
    size_t length = abe_header_size(kem->policy, kem->cca);
    uint8_t *made = malloc(length);
    uint8_t made_key[ACESO_ABE_KEY_SIZE];
    int code;

    if (made == NULL)
        return ACESO_ABE_NO_MEMORY;
    code = run(kem, keys, key_count, made, NULL, made_key);
    if (code == ACESO_ABE_OK) {
        memcpy(key, made_key, sizeof(made_key));
        *header = made;
        *header_length = length;
    } else {
        free(made);
    }
    abe_wipe(made_key, sizeof(made_key));
    return code;
}

int aceso_abe_encapsulate(const struct aceso_abe_policy *policy,
                          const struct aceso_abe_public_key *const *keys, size_t key_count,
                          const uint8_t *context, size_t context_length,
                          const uint8_t sigma[ACESO_ABE_SIGMA_SIZE], uint8_t **header,
                          size_t *header_length, uint8_t key[ACESO_ABE_KEY_SIZE])
{
    struct abe_kem kem = { .cca = true,
                           .policy = &policy->core,
                           .context = context,
                           .context_length = context_length,
                           .secret = sigma };

    return encapsulate(&kem, keys, key_count, header, header_length, key);
}

int aceso_abe_encapsulate_cpa(const struct aceso_abe_policy *policy,
                              const struct aceso_abe_public_key *const *keys, size_t key_count,
                              const uint8_t *context, size_t context_length, const uint8_t seed[32],
                              uint8_t **header, size_t *header_length,
                              uint8_t key[ACESO_ABE_KEY_SIZE])
{
    struct abe_kem kem = { .cca = false,
                           .policy = &policy->core,
                           .context = context,
                           .context_length = context_length,
                           .secret = seed };

    return encapsulate(&kem, keys, key_count, header, header_length, key);
}

/* ---- opening --------------------------------------------------------------------------- */

/* Parses into nodes on the heap, to be freed in either case. */
static int parse(const uint8_t *bytes, size_t length, struct abe_node **nodes,
                 struct abe_header *header)
{
    const char *text;
    size_t text_length;
    size_t capacity;
    int code = abe_header_text(bytes, length, &text, &text_length);

    if (code != ACESO_ABE_OK)
        return code;
    capacity = abe_policy_nodes_needed(text_length);
    *nodes = malloc(capacity * sizeof(**nodes));
    if (*nodes == NULL)
        return ACESO_ABE_NO_MEMORY;
    return abe_header_parse(bytes, length, *nodes, capacity, header);
}

/* What choosing rows and their coefficients needs. */
struct choice {
    const void **found;            /* by row; struct aceso_abe_user_key */
    const struct abe_user **users; /* by row */
    const struct abe_lines **k;    /* by row */
    const struct abe_lines *h;
    blst_fr *coefficients; /* by row */
    uint8_t *held;         /* by row */
    uint8_t *chosen;       /* by node */
    uint32_t *cost;        /* by node */
};

static bool choice_begin(struct choice *choice, const struct abe_policy *policy)
{
    *choice = (struct choice){
        .found = calloc(policy->rows, sizeof(*choice->found)),
        .users = calloc(policy->rows, sizeof(*choice->users)),
        .k = calloc(policy->rows, sizeof(*choice->k)),
        .coefficients = calloc(policy->rows, sizeof(*choice->coefficients)),
        .held = calloc(policy->rows, 1),
        .chosen = calloc(policy->count, 1),
        .cost = calloc(policy->count, sizeof(*choice->cost)),
    };
    return choice->found != NULL && choice->users != NULL && choice->k != NULL &&
           choice->coefficients != NULL && choice->held != NULL && choice->chosen != NULL &&
           choice->cost != NULL;
}

static void choice_end(struct choice *choice)
{
    free(choice->found);
    free(choice->users);
    free(choice->k);
    free(choice->coefficients);
    free(choice->held);
    free(choice->chosen);
    free(choice->cost);
}

/* The lines of the chosen rows' keys and of H(gid). */
static void pin_lines(struct choice *choice, const struct abe_policy *policy,
                      const struct aceso_abe_user_key *first)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct abe_node *node = &policy->nodes[i];

        if (choice->chosen[i] != 0 && node->threshold == 0)
            choice->k[node->row] = abe_user_key_pin(choice->found[node->row]);
    }
    choice->h = abe_user_key_pin_gid(first);
}

static void unpin_lines(const struct choice *choice, const struct abe_policy *policy,
                        const struct aceso_abe_user_key *first)
{
    for (size_t row = 0; row < policy->rows; row++) {
        const struct aceso_abe_user_key *key = choice->found[row];

        if (choice->k[row] != NULL)
            abe_shared_unpin(key->shared);
    }
    if (choice->h != NULL)
        abe_shared_unpin(first->shared);
}

/* e(g1,g2)^s by the user's keys. */
static int recover(const struct abe_header *header,
                   const struct aceso_abe_user_key *const *user_keys, size_t count, blst_fp12 *e)
{
    const struct abe_policy *policy = &header->policy;
    struct abe_openers openers;
    struct choice choice;
    int code = ACESO_ABE_NO_MEMORY;

    if (!choice_begin(&choice, policy))
        goto out;
    code = user_keys_by_row(policy, user_keys, count, choice.found);
    if (code != ACESO_ABE_OK)
        goto out;
    for (size_t row = 0; row < policy->rows; row++) {
        const struct aceso_abe_user_key *key = choice.found[row];

        choice.held[row] = key != NULL;
        choice.users[row] = key != NULL ? &key->core : NULL;
    }
    code = ACESO_ABE_UNSATISFIED;
    if (!abe_policy_choose(policy, choice.held, choice.cost, choice.chosen))
        goto out;
    abe_lsss_reconstruct(policy, choice.chosen, choice.coefficients);
    pin_lines(&choice, policy, user_keys[0]);
    openers = (struct abe_openers){
        .users = choice.users, .coefficients = choice.coefficients, .k = choice.k, .h = choice.h
    };
    code = abe_kem_recover(header, choice.chosen, &openers, e) ? ACESO_ABE_OK : ACESO_ABE_REFUSED;
    unpin_lines(&choice, policy, user_keys[0]);
out:
    choice_end(&choice);
    return code;
}

int aceso_abe_decapsulate(const uint8_t *header, size_t header_length,
                          const struct aceso_abe_user_key *const *user_keys, size_t user_key_count,
                          const struct aceso_abe_public_key *const *public_keys,
                          size_t public_key_count, const uint8_t *context, size_t context_length,
                          uint8_t sigma[ACESO_ABE_SIGMA_SIZE], uint8_t key[ACESO_ABE_KEY_SIZE])
{
    uint8_t found[ACESO_ABE_SIGMA_SIZE];
    uint8_t found_key[ACESO_ABE_KEY_SIZE];
    struct abe_kem kem = {
        .cca = true, .context = context, .context_length = context_length, .secret = found
    };
    struct abe_header parsed;
    struct abe_node *nodes = NULL;
    blst_fp12 e;
    int code = parse(header, header_length, &nodes, &parsed);

    if (code != ACESO_ABE_OK)
        goto out;
    code = ACESO_ABE_FORMAT;
    if (!parsed.cca)
        goto out;
    kem.policy = &parsed.policy;
    code = recover(&parsed, user_keys, user_key_count, &e);
    if (code != ACESO_ABE_OK)
        goto out;
    abe_kem_unmask(&parsed, &e, found);
    code = run(&kem, public_keys, public_key_count, NULL, &parsed, found_key);
    if (code != ACESO_ABE_OK)
        goto out;
    if (sigma != NULL)
        memcpy(sigma, found, sizeof(found));
    if (key != NULL)
        memcpy(key, found_key, sizeof(found_key));
out:
    abe_wipe(&e, sizeof(e));
    abe_wipe(found, sizeof(found));
    abe_wipe(found_key, sizeof(found_key));
    free(nodes);
    return code;
}

int aceso_abe_open_with_sigma(const uint8_t *header, size_t header_length,
                              const struct aceso_abe_public_key *const *public_keys,
                              size_t public_key_count, const uint8_t *context,
                              size_t context_length, const uint8_t sigma[ACESO_ABE_SIGMA_SIZE],
                              uint8_t key[ACESO_ABE_KEY_SIZE])
{
    uint8_t found_key[ACESO_ABE_KEY_SIZE];
    struct abe_kem kem = {
        .cca = true, .context = context, .context_length = context_length, .secret = sigma
    };
    struct abe_header parsed;
    struct abe_node *nodes = NULL;
    int code = parse(header, header_length, &nodes, &parsed);

    if (code == ACESO_ABE_OK && !parsed.cca)
        code = ACESO_ABE_FORMAT;
    if (code == ACESO_ABE_OK) {
        kem.policy = &parsed.policy;
        code = run(&kem, public_keys, public_key_count, NULL, &parsed, found_key);
    }
    if (code == ACESO_ABE_OK && key != NULL)
        memcpy(key, found_key, sizeof(found_key));
    abe_wipe(found_key, sizeof(found_key));
    free(nodes);
    return code;
}

int aceso_abe_decapsulate_cpa(const uint8_t *header, size_t header_length,
                              const struct aceso_abe_user_key *const *user_keys,
                              size_t user_key_count, const uint8_t *context, size_t context_length,
                              uint8_t key[ACESO_ABE_KEY_SIZE])
{
    struct abe_header parsed;
    struct abe_node *nodes = NULL;
    blst_fp12 e;
    int code = ACESO_ABE_ARGUMENT;

    if (context_length > ACESO_ABE_CONTEXT_MAX)
        return code;
    code = parse(header, header_length, &nodes, &parsed);
    if (code == ACESO_ABE_OK && parsed.cca)
        code = ACESO_ABE_FORMAT;
    if (code == ACESO_ABE_OK)
        code = recover(&parsed, user_keys, user_key_count, &e);
    if (code == ACESO_ABE_OK)
        code = abe_kem_finish_cpa(&parsed, &e, context, context_length, key);
    abe_wipe(&e, sizeof(e));
    free(nodes);
    return code;
}
