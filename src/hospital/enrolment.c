/* SPDX-License-Identifier: Apache-2.0 */
/* What the hospital keeps of each patient, and how it recovers a patient's level keys. */
#include "base/secret.h"
#include "consent/policy.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "hospital/internal.h"

#include <string.h>

void enrolment_init(struct enrolment *enrolment)
{
    *enrolment = (struct enrolment){
        .policy = BUFFER_INIT(POLICY_TEXT_MAX * 2),
        .patient_keys = BUFFER_INIT(HOSPITAL_LIST_MAX),
        .authority_keys = BUFFER_INIT(HOSPITAL_LIST_MAX),
        .grant_key = BUFFER_INIT_SECRET(65536),
        .headers = BUFFER_INIT(HEADERS_SIZE_MAX),
        .pseudonym = BUFFER_INIT(4096),
    };
}

void enrolment_free(struct enrolment *enrolment)
{
    buffer_free(&enrolment->policy);
    buffer_free(&enrolment->patient_keys);
    buffer_free(&enrolment->authority_keys);
    buffer_free(&enrolment->grant_key);
    buffer_free(&enrolment->headers);
    buffer_free(&enrolment->pseudonym);
}

static int enrolment_read(struct node *node, const struct statement *row,
                          struct enrolment *enrolment, struct aceso_error *error)
{
    int code = statement_copy(row, 0, enrolment->contract, 20);

    if (!code)
        code = buffer_put_string(&enrolment->policy, statement_text(row, 1));
    if (!code)
        code = statement_copy(row, 2, enrolment->levels, 32);
    if (!code)
        code = buffer_put_bytes(&enrolment->patient_keys, statement_blob(row, 3));
    if (!code)
        code = buffer_put_bytes(&enrolment->authority_keys, statement_blob(row, 4));
    if (!code)
        code = keys_unseal(node->keys, "grant key", statement_blob(row, 5), &enrolment->grant_key,
                           error);
    if (!code)
        code = buffer_put_bytes(&enrolment->headers, statement_blob(row, 6));
    if (!code)
        code = buffer_put_bytes(&enrolment->pseudonym, statement_blob(row, 7));
    return code;
}

int enrolment_load(struct node *node, struct store *store, const uint8_t patient[20],
                   struct enrolment *enrolment, struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store,
                                   "SELECT contract, policy, levels, patient_keys, authority_keys,"
                                   " grant_key, headers, pseudonym FROM enrolment"
                                   " WHERE patient = ?1",
                                   &query, error);
    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(patient, 20));
    step = statement_step(query, error);
    memcpy(enrolment->patient, patient, 20);
    if (step == 1)
        code = enrolment_read(node, query, enrolment, error);
    else
        code = step < 0 ? step
                        : error_set(error, ACESO_ENOTFOUND, NULL, "no such patient is enrolled");
    statement_finish(query);
    return code;
}

struct record_context enrolment_context(const struct node *node,
                                        const struct enrolment *enrolment)
{
    return node_context(node, enrolment->contract, enrolment->patient,
                        node->config.hospital.address);
}

struct add_own {
    struct keyring *keyring;
    struct authority *authority;
    const uint8_t *address;
    const char *suffix; /* "@label" of the hospital's own authority */
};

/* The hospital is the authority of these attributes, so it makes its own keys when it needs them;
 * what other authorities issued it holds already. */
static int add_own_key(void *data, struct bytes bytes, struct aceso_error *error)
{
    struct add_own *add = data;
    struct aceso_abe_public_key *key = NULL;
    struct buffer user = BUFFER_INIT_SECRET(4096);
    char name[ATTRIBUTE_TEXT_MAX];
    const char *at;
    int code = keyring_abe_error(aceso_abe_public_key_import(bytes.data, bytes.len, &key),
                                 "public key", error);

    if (!code)
        code = keyring_add_public(add->keyring, bytes, error);
    if (!code) {
        (void)strncpy(name, aceso_abe_public_key_attribute(key), sizeof name - 1);
        name[sizeof name - 1] = '\0';
        at = strchr(name, '@');
        if (at && strcmp(at, add->suffix) == 0) {
            name[at - name] = '\0';
            code = authority_user_key(add->authority, name, add->address, &user, error);
            if (!code)
                code = keyring_add_user(add->keyring, buffer_bytes(&user), error);
        }
    }
    aceso_abe_public_key_free(key);
    buffer_free(&user);
    return code;
}

static int enrolment_keyring(struct node *node, struct store *store,
                             const struct enrolment *enrolment, struct keyring *keyring,
                             struct aceso_error *error)
{
    char suffix[AUTHORITY_LABEL_MAX + 2] = "@";
    struct add_own add = { .keyring = keyring, .address = node->config.address, .suffix = suffix };
    int code = hospital_authority(node, &add.authority, error);

    if (!code) {
        (void)strncat(suffix, authority_label(add.authority), AUTHORITY_LABEL_MAX);
        code = keyring_add_list(keyring, buffer_bytes(&enrolment->patient_keys), error);
    }
    if (!code)
        code = keyring_add_user(keyring, buffer_bytes(&enrolment->grant_key), error);
    if (!code)
        code = keyring_read_list(buffer_bytes(&enrolment->authority_keys), add_own_key, &add,
                                 error);
    if (!code)
        code = held_keys_load(store, node->keys, keyring, error);
    authority_free(add.authority);
    return code;
}

/* The pseudonym secret is sealed at level complete: under a key that follows from K_4. */
static void enrolment_pseudonym_key(const struct ladder *keys, uint8_t key[32])
{
    hkdf_sha256(bytes_of(keys->key[RECORD_LEVELS - 1], 32), bytes_of(NULL, 0),
                bytes_of_string("aceso pseudonym secret v1"), key, 32);
}

int enrolment_seal_pseudonym(const struct enrolment *enrolment, const struct ladder *keys,
                             const uint8_t secret[32], struct buffer *out)
{
    uint8_t key[32];
    int code;

    enrolment_pseudonym_key(keys, key);
    code = aead_seal_random(key, bytes_of(enrolment->patient, 20), bytes_of(secret, 32), out);
    secret_wipe(key, sizeof key);
    return code;
}

static int enrolment_open_pseudonym(const struct enrolment *enrolment, const struct ladder *keys,
                                    uint8_t secret[32], struct aceso_error *error)
{
    struct buffer plain = BUFFER_INIT_SECRET(64);
    uint8_t key[32];
    int code;

    enrolment_pseudonym_key(keys, key);
    code = aead_open_random(key, bytes_of(enrolment->patient, 20),
                            buffer_bytes(&enrolment->pseudonym), &plain);
    if (code || plain.len != 32)
        code = error_set(error, ACESO_EVERIFY, NULL, "the pseudonym secret does not open");
    else
        memcpy(secret, plain.data, 32);
    secret_wipe(key, sizeof key);
    buffer_free(&plain);
    return code;
}

int enrolment_open(struct node *node, struct store *store, const struct enrolment *enrolment,
                   struct ladder *keys, struct record_epoch *epoch, uint8_t pseudonym_secret[32],
                   struct aceso_error *error)
{
    struct keyring *keyring = keyring_create(node->config.address);
    struct record_context context = enrolment_context(node, enrolment);
    struct ladder opened;
    int code = keyring ? enrolment_keyring(node, store, enrolment, keyring, error)
                       : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    memset(&opened, 0, sizeof opened);
    if (!code)
        code = header_epoch(buffer_bytes(&enrolment->headers), epoch, error);
    if (!code) {
        code = header_open(buffer_bytes(&enrolment->headers), &context, RECORD_LEVELS, keyring,
                           &opened, error);
        if (code == ACESO_EDENIED)
            (void)error_set(error, code, NULL,
                            "the hospital lacks an attribute of the patient's policy: "
                            "'aceso hospital obtain' fetches those of other authorities");
    }
    if (!code && pseudonym_secret)
        code = enrolment_open_pseudonym(enrolment, &opened, pseudonym_secret, error);
    if (!code)
        *keys = opened;
    ladder_wipe(&opened);
    keyring_free(keyring);
    return code;
}
