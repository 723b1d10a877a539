/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core as a WebAssembly module, without a C library: setup, key generation, making and opening
 * headers. The host writes inputs into memory from abe_memory and reads outputs there. Each call
 * has all of the scratch memory; a module is used by one call at a time.
 */
#include "../core/kem.h"
#include "../core/lsss.h"
#include "../core/octets.h"

enum { ROWS = 64, NODES = 2 * ROWS, HEADER_MAX = 1 << 16, MEMORY = 1 << 18, WRITTEN = 1 << 13 };

#define EXPORT(name) __attribute__((export_name(#name))) name

uint8_t *abe_memory(void);
size_t abe_setup(const uint8_t *seed, const char *attribute, size_t length, uint8_t *out);
size_t abe_keygen(const uint8_t *seed, const char *attribute, size_t length, const uint8_t *gid,
                  size_t gid_length, uint8_t *out);
int abe_add_public_key(const uint8_t *bytes, size_t length);
int abe_add_user_key(const uint8_t *bytes, size_t length);
void abe_forget(void);
size_t abe_encapsulate(bool cca, const char *policy, size_t policy_length, const uint8_t *context,
                       size_t context_length, const uint8_t *secret, uint8_t *header, uint8_t *key);
int abe_decapsulate(const uint8_t *header, size_t length, const uint8_t *context,
                    size_t context_length, uint8_t *key);

/* ---- what a C library would have ------------------------------------------------------- */

/* The compiler may not see calls of themselves in them. */
#define NO_BUILTIN __attribute__((no_builtin))

NO_BUILTIN void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    return to;
}

NO_BUILTIN void *memset(void *memory, int byte, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)memory)[i] = (uint8_t)byte;
    return memory;
}

NO_BUILTIN int memcmp(const void *left, const void *right, size_t length)
{
    const uint8_t *a = left;
    const uint8_t *b = right;

    for (size_t i = 0; i < length; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

NO_BUILTIN void *memchr(const void *memory, int byte, size_t length)
{
    const uint8_t *bytes = memory;

    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == (uint8_t)byte)
            return (void *)(uintptr_t)(bytes + i);
    }
    return NULL;
}

/* ---- the module ------------------------------------------------------------------------ */

static uint8_t memory[MEMORY];
static struct abe_public public_keys[ROWS];
static size_t public_count;
static struct abe_user user_keys[ROWS];
static size_t user_count;
static struct abe_node nodes[ABE_NODES_MAX];
static const struct abe_public *row_keys[ROWS];
static const struct abe_user *row_users[ROWS];
static uint8_t held[ROWS];
static uint8_t chosen[NODES];
static uint32_t cost[NODES];
static blst_fr scratch[ROWS * ABE_SCRATCH_PER_ROW];
static blst_fr coefficients[ROWS];
static uint8_t text[ACESO_ABE_ATTRIBUTE_MAX * ROWS];
static char written[WRITTEN + ABE_POLICY_ROOM];

/* MEMORY bytes for the host's inputs and outputs. */
uint8_t *EXPORT(abe_memory)(void)
{
    return memory;
}

/* The length of the public key; 0 on failure. */
size_t EXPORT(abe_setup)(const uint8_t *seed, const char *attribute, size_t length, uint8_t *out)
{
    struct abe_secret secret;
    size_t made;

    if (!abe_attribute_valid(attribute, length))
        return 0;
    abe_secret_derive(seed, attribute, length, &secret);
    made = abe_public_make(&secret, attribute, length, NULL, out);
    abe_wipe(&secret, sizeof(secret));
    return made;
}

/* The length of the user key; 0 on failure. */
size_t EXPORT(abe_keygen)(const uint8_t *seed, const char *attribute, size_t length,
                          const uint8_t *gid, size_t gid_length, uint8_t *out)
{
    struct abe_secret secret;
    size_t made;

    if (!abe_attribute_valid(attribute, length) || gid_length == 0 ||
        gid_length > ACESO_ABE_GID_MAX)
        return 0;
    abe_secret_derive(seed, attribute, length, &secret);
    made = abe_user_make(&secret, attribute, length, gid, gid_length, NULL, out);
    abe_wipe(&secret, sizeof(secret));
    return made;
}

/* Checks a public key in full and keeps it. */
int EXPORT(abe_add_public_key)(const uint8_t *bytes, size_t length)
{
    struct abe_public *key = &public_keys[public_count];
    int code;

    if (public_count == ROWS)
        return ACESO_ABE_LIMIT;
    code = abe_public_decode(bytes, length, key);
    if (code == ACESO_ABE_OK && !abe_public_check(key))
        code = ACESO_ABE_BAD_KEY;
    if (code == ACESO_ABE_OK)
        public_count++;
    return code;
}

static const struct abe_public *find_public(const char *name, size_t length)
{
    for (size_t i = 0; i < public_count; i++) {
        if (public_keys[i].attribute_length == length &&
            memcmp(public_keys[i].attribute, name, length) == 0)
            return &public_keys[i];
    }
    return NULL;
}

/* Checks a user key against the public key that was added before, and keeps it. */
int EXPORT(abe_add_user_key)(const uint8_t *bytes, size_t length)
{
    struct abe_user *key = &user_keys[user_count];
    const struct abe_public *public_key;
    int code;

    if (user_count == ROWS)
        return ACESO_ABE_LIMIT;
    code = abe_user_decode(bytes, length, key);
    if (code != ACESO_ABE_OK)
        return code;
    public_key = find_public(key->attribute, key->attribute_length);
    if (public_key == NULL)
        return ACESO_ABE_MISSING_KEY;
    if (user_count > 0 && (key->gid_length != user_keys[0].gid_length ||
                           memcmp(key->gid, user_keys[0].gid, key->gid_length) != 0))
        return ACESO_ABE_ARGUMENT;
    if (!abe_user_check(key, public_key))
        return ACESO_ABE_BAD_KEY;
    user_count++;
    return ACESO_ABE_OK;
}

/* Wipes all keys. */
void EXPORT(abe_forget)(void)
{
    abe_wipe(user_keys, sizeof(user_keys));
    public_count = 0;
    user_count = 0;
}

static bool find_rows(const struct abe_policy *policy)
{
    bool all = true;

    for (size_t i = 0; i < policy->count; i++) {
        const struct abe_node *node = &policy->nodes[i];

        if (!abe_node_is_leaf(node))
            continue;
        row_keys[node->row] = find_public(abe_policy_name(policy, node), node->length);
        all = all && row_keys[node->row] != NULL;
        held[node->row] = 0;
        for (size_t j = 0; j < user_count; j++) {
            if (user_keys[j].attribute_length == node->length &&
                memcmp(user_keys[j].attribute, abe_policy_name(policy, node), node->length) == 0) {
                row_users[node->row] = &user_keys[j];
                held[node->row] = 1;
            }
        }
    }
    return all;
}

static bool parse_policy(struct abe_policy *policy, const char *given, size_t length)
{
    struct aceso_abe_policy_error error;

    if (length > WRITTEN)
        return false;
    memcpy(written, given, length);
    return (abe_policy_has_ranges(written, length)
                ? abe_policy_parse_ranges(policy, written, length, nodes, &error)
                : abe_policy_parse(policy, written, length, nodes, ABE_NODES_MAX, &error)) ==
           ACESO_ABE_OK;
}

/* Makes a header from sigma (CCA) or a seed (CPA), 32 bytes; its length, 0 on failure. */
size_t EXPORT(abe_encapsulate)(bool cca, const char *policy_text, size_t policy_length,
                               const uint8_t *context, size_t context_length, const uint8_t *secret,
                               uint8_t *header, uint8_t *key)
{
    struct abe_policy policy;
    struct abe_kem kem = { .cca = cca,
                           .policy = &policy,
                           .keys = row_keys,
                           .context = context,
                           .context_length = context_length,
                           .secret = secret };

    if (!parse_policy(&policy, policy_text, policy_length) || policy.rows > ROWS ||
        abe_policy_printed_length(&policy) > sizeof(text) ||
        abe_header_size(&policy, cca) > HEADER_MAX)
        return 0;
    abe_policy_print(&policy, (char *)text);
    if (!find_rows(&policy) || abe_kem_make(&kem, scratch, header, key) != ACESO_ABE_OK)
        return 0;
    return abe_header_size(&policy, cca);
}

/* Opens a header of either form with the keys that were added; codes as in aceso/abe.h. */
int EXPORT(abe_decapsulate)(const uint8_t *bytes, size_t length, const uint8_t *context,
                            size_t context_length, uint8_t *key)
{
    uint8_t sigma[ACESO_ABE_SIGMA_SIZE];
    struct abe_openers openers = { .users = row_users, .coefficients = coefficients };
    struct abe_header header;
    struct abe_kem kem = { .cca = true,
                           .policy = &header.policy,
                           .keys = row_keys,
                           .context = context,
                           .context_length = context_length,
                           .secret = sigma };
    blst_fp12 e;
    bool all;
    int code = abe_header_parse(bytes, length, nodes, NODES, &header);

    if (code != ACESO_ABE_OK)
        return code;
    if (header.policy.rows > ROWS)
        return ACESO_ABE_LIMIT;
    all = find_rows(&header.policy);
    if (header.cca && !all)
        return ACESO_ABE_MISSING_KEY;
    if (!abe_policy_choose(&header.policy, held, cost, chosen))
        return ACESO_ABE_UNSATISFIED;
    abe_lsss_reconstruct(&header.policy, chosen, coefficients);
    if (!abe_kem_recover(&header, chosen, &openers, &e))
        return ACESO_ABE_REFUSED;
    if (header.cca) {
        abe_kem_unmask(&header, &e, sigma);
        code = abe_kem_check(&kem, scratch, &header, key);
    } else {
        code = abe_kem_finish_cpa(&header, &e, context, context_length, key);
    }
    abe_wipe(&e, sizeof(e));
    abe_wipe(sigma, sizeof(sigma));
    return code;
}
