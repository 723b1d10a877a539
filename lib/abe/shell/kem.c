/* SPDX-License-Identifier: Apache-2.0 */
/* Encapsulation and decapsulation on objects. Shell: uses core and the heap. No I/O. */
#include "../core/kem.h"

#include "../core/lsss.h"
#include "../core/octets.h"
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

/* The public key of each row, in an array to be freed. ACESO_ABE_MISSING_KEY. */
static int public_keys_by_row(const struct abe_policy *policy,
                              const struct aceso_abe_public_key *const *keys, size_t count,
                              const void ***by_row)
{
    struct abe_entry *entries = calloc(count + 1, sizeof(*entries));
    const void **found = calloc(policy->rows, sizeof(*found));
    int code = ACESO_ABE_NO_MEMORY;

    if (entries != NULL && found != NULL) {
        for (size_t i = 0; i < count; i++)
            entries[i] = (struct abe_entry){ keys[i]->core.attribute,
                                             keys[i]->core.attribute_length, &keys[i]->core };
        abe_entries_sort(entries, count);
        match_rows(policy, entries, count, found);
        code = ACESO_ABE_OK;
        for (size_t row = 0; row < policy->rows; row++) {
            if (found[row] == NULL)
                code = ACESO_ABE_MISSING_KEY;
        }
    }
    if (code == ACESO_ABE_OK)
        *by_row = found;
    else
        free(found);
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
        entries[i] = (struct abe_entry){ keys[i]->core.attribute, keys[i]->core.attribute_length,
                                         &keys[i]->core };
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
    const void **by_row = NULL;
    const struct abe_public **public_keys = NULL;
    blst_fr *scratch = NULL;
    size_t rows = kem->policy->rows;
    int code;

    if (kem->context_length > ACESO_ABE_CONTEXT_MAX)
        return ACESO_ABE_ARGUMENT;
    code = public_keys_by_row(kem->policy, keys, key_count, &by_row);
    if (code != ACESO_ABE_OK)
        return code;
    scratch = calloc(rows * ABE_SCRATCH_PER_ROW, sizeof(*scratch));
    public_keys = calloc(rows, sizeof(*public_keys));
    if (scratch == NULL || public_keys == NULL) {
        code = ACESO_ABE_NO_MEMORY;
    } else {
        for (size_t row = 0; row < rows; row++)
            public_keys[row] = by_row[row];
        filled.keys = public_keys;
        code = out != NULL ? abe_kem_make(&filled, scratch, out, key)
                           : abe_kem_check(&filled, scratch, header, key);
    }
    free(scratch);
    free(public_keys);
    free(by_row);
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
    const void **found;
    const struct abe_user **users; /* by row */
    blst_fr *coefficients;         /* by row */
    uint8_t *held;                 /* by row */
    uint8_t *chosen;               /* by node */
    uint32_t *cost;                /* by node */
};

static bool choice_begin(struct choice *choice, const struct abe_policy *policy)
{
    *choice = (struct choice){
        .found = calloc(policy->rows, sizeof(*choice->found)),
        .users = calloc(policy->rows, sizeof(*choice->users)),
        .coefficients = calloc(policy->rows, sizeof(*choice->coefficients)),
        .held = calloc(policy->rows, 1),
        .chosen = calloc(policy->count, 1),
        .cost = calloc(policy->count, sizeof(*choice->cost)),
    };
    return choice->found != NULL && choice->users != NULL && choice->coefficients != NULL &&
           choice->held != NULL && choice->chosen != NULL && choice->cost != NULL;
}

static void choice_end(struct choice *choice)
{
    free(choice->found);
    free(choice->users);
    free(choice->coefficients);
    free(choice->held);
    free(choice->chosen);
    free(choice->cost);
}

/* e(g1,g2)^s by the user's keys. */
static int recover(const struct abe_header *header,
                   const struct aceso_abe_user_key *const *user_keys, size_t count, blst_fp12 *e)
{
    const struct abe_policy *policy = &header->policy;
    struct choice choice;
    int code = ACESO_ABE_NO_MEMORY;

    if (!choice_begin(&choice, policy))
        goto out;
    code = user_keys_by_row(policy, user_keys, count, choice.found);
    if (code != ACESO_ABE_OK)
        goto out;
    for (size_t row = 0; row < policy->rows; row++) {
        choice.users[row] = choice.found[row];
        choice.held[row] = choice.found[row] != NULL;
    }
    code = ACESO_ABE_UNSATISFIED;
    if (!abe_policy_choose(policy, choice.held, choice.cost, choice.chosen))
        goto out;
    abe_lsss_reconstruct(policy, choice.chosen, choice.coefficients);
    code = abe_kem_recover(header, choice.chosen, choice.coefficients, choice.users, e)
               ? ACESO_ABE_OK
               : ACESO_ABE_REFUSED;
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
