/* SPDX-License-Identifier: Apache-2.0 */
/* A rogue authority: keys under other parties' labels, and public keys of its own that are made
 * from a patient's, so that the patient's part of a header would fall out. Uses blst, consent. */
#include "adversary.h"
#include "adversary_group.h"

#include "base/secret.h"
#include "base/text.h"
#include "consent/vocabulary.h"
#include "crypto/keccak.h"
#include "node/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROGUE_KEY_MAX 1024
#define ROGUE_HEADER_MAX 4096

struct rogue {
    struct attack *attack;
    struct loot *loot;
    struct loot_party *hospital; /* the rogue */
    uint8_t seed[32];
};

/* ---- other parties' labels --------------------------------------------------------------- */

/* What the program says to a public key that it knows another one of. */
static int rogue_replace(struct rogue *rogue, const struct loot_relation *relation,
                         const char *label, const char *name, struct aceso_error *error)
{
    struct keyring *keyring = keyring_create(rogue->loot->party[0].address);
    struct authority *authority = NULL;
    struct buffer key = BUFFER_INIT(ROGUE_KEY_MAX), user = BUFFER_INIT_SECRET(ROGUE_KEY_MAX);
    struct aceso_error why = { 0 };
    char what[192];
    int taken, code = keyring ? ACESO_OK : ACESO_EMEMORY;

    if (!code)
        code = keyring_add_list(keyring, buffer_bytes(&relation->patient_keys), error);
    if (!code)
        code = keyring_add_list(keyring, buffer_bytes(&relation->authority_keys), error);
    if (!code)
        code = authority_create(rogue->seed, label, &authority, error);
    if (!code)
        code = authority_public_key(authority, name, &key, error);
    if (!code)
        code = authority_user_key(authority, name, rogue->loot->party[0].address, &user, error);
    if (!code) {
        taken = keyring_add_public(keyring, buffer_bytes(&key), &why);
        (void)snprintf(what, sizeof what, "its own public key of %s@%s", name, label);
        attack_note(rogue->attack, taken == ACESO_OK, what, taken ? why.text : "was taken");
        taken = keyring_add_user(keyring, buffer_bytes(&user), &why);
        (void)snprintf(what, sizeof what, "a user key of %s@%s that it made", name, label);
        attack_note(rogue->attack, taken == ACESO_OK, what, taken ? why.text : "was taken");
    }
    authority_free(authority);
    keyring_free(keyring);
    buffer_free(&key);
    buffer_free(&user);
    return code;
}

static int rogue_list(const struct rogue *rogue, const char *label, const char *name,
                      struct buffer *out, struct aceso_error *error)
{
    struct authority *authority = NULL;
    struct buffer key = BUFFER_INIT(ROGUE_KEY_MAX);
    struct bytes item;
    int code = authority_create(rogue->seed, label, &authority, error);

    if (!code)
        code = authority_public_key(authority, name, &key, error);
    item = buffer_bytes(&key);
    if (!code)
        code = keyring_put_list(&item, 1, out);
    authority_free(authority);
    buffer_free(&key);
    return code;
}

/* A node that asks the rogue for keys keeps none that are not the rogue's to give. */
static int rogue_issue(struct rogue *rogue, const char *label, const char *name,
                       struct aceso_error *error)
{
    static const uint8_t none[3] = { 1, 0, 0 };
    struct loot_party *asker = &rogue->loot->party[0];
    struct buffer list = BUFFER_INIT(65536);
    struct aceso_error why = { 0 };
    char what[192];
    int taken, code = rogue_list(rogue, label, name, &list, error);

    if (code)
        return code;
    taken = held_keys_add(asker->store, asker->keys, asker->address,
                          rogue->hospital->config.label, buffer_bytes(&list), bytes_of(none, 3),
                          &why);
    (void)snprintf(what, sizeof what, "%s@%s issued by %s", name, label,
                   rogue->hospital->config.label);
    attack_note(rogue->attack, taken == ACESO_OK, what, taken ? why.text : "was kept");
    buffer_free(&list);
    return ACESO_OK;
}

static int rogue_labels(struct rogue *rogue, struct aceso_error *error)
{
    const struct loot_relation *relation = NULL;
    char label[43], grant[65];
    int code;

    for (size_t i = 0; i < rogue->loot->relations && !relation; i++) {
        if (strcmp(rogue->loot->relation[i].hospital.card.label, rogue->hospital->config.label))
            relation = &rogue->loot->relation[i];
    }
    if (!relation)
        return error_set(error, ACESO_ESTATE, NULL, "no other hospital has a patient");
    authority_patient_label(relation->terms.patient, label);
    authority_grant_name(2, relation->terms.epoch.e, grant);
    code = rogue_replace(rogue, relation, label, grant, error);
    if (!code)
        code = rogue_issue(rogue, label, grant, error);
    authority_on_name(relation->terms.epoch.n, relation->terms.patient, grant);
    if (!code)
        code = rogue_replace(rogue, relation, relation->hospital.card.label, grant, error);
    if (!code)
        code = rogue_issue(rogue, relation->hospital.card.label, grant, error);
    return code;
}

/* ---- keys made from the patient's -------------------------------------------------------- */

struct related {
    uint8_t grant[ROGUE_KEY_MAX], made[ROGUE_KEY_MAX]; /* public keys: the patient's, the rogue's */
    size_t grant_len, made_len;
    char attribute[2][ACESO_ABE_ATTRIBUTE_MAX + 1];
    blst_scalar t, u; /* what the rogue knows of its own */
    blst_fp12 a[2];
    blst_p1 y[2];
};

static void related_scalar(blst_scalar *out)
{
    uint8_t random[64];

    secret_random(random, sizeof random);
    (void)blst_scalar_from_be_bytes(out, random, sizeof random);
}

static void related_times(const blst_p1 *point, const blst_scalar *scalar, blst_p1 *out)
{
    blst_p1_mult(out, point, scalar->b, 255);
}

/* e(g1,g2)^scalar */
static void related_base(const blst_scalar *scalar, blst_fp12 *out)
{
    blst_p1 power;
    blst_p1_affine p;
    blst_p2_affine q;

    related_times(blst_p1_generator(), scalar, &power);
    blst_p1_to_affine(&p, &power);
    blst_p2_to_affine(&q, blst_p2_generator());
    group_pair(&p, &q, out);
}

static void related_power(const blst_fp12 *base, const blst_scalar *scalar, blst_fp12 *out)
{
    *out = *blst_fp12_one();
    for (unsigned bit = 256; bit-- > 0;) {
        blst_fp12_sqr(out, out);
        if (scalar->b[bit / 8] >> (bit % 8) & 1)
            blst_fp12_mul(out, out, base);
    }
}

/* A_r = e(g1,g2)^t / A, Y_r = g1^u / Y: a sound key, of which the rogue knows no secret, only how
 * it stands to the patient's. */
static int related_make(struct related *related, const char *name, struct aceso_error *error)
{
    size_t head = 5 + strlen(related->attribute[0]);
    struct buffer made = BUFFER_INIT(ROGUE_KEY_MAX);
    uint8_t torus[GROUP_TORUS_SIZE], point[48];
    blst_p1_affine y;
    blst_p1 power;
    int code;

    group_torus_read(related->grant + head, &related->a[0]);
    if (blst_p1_uncompress(&y, related->grant + head + GROUP_TORUS_SIZE) != BLST_SUCCESS)
        return error_set(error, ACESO_EFORMAT, "public key", "not as the written format has it");
    blst_p1_from_affine(&related->y[0], &y);
    related_scalar(&related->t);
    related_scalar(&related->u);
    related_base(&related->t, &related->a[1]);
    related->y[1] = related->y[0];
    blst_p1_cneg(&related->y[1], true);
    related_times(blst_p1_generator(), &related->u, &power);
    blst_p1_add_or_double(&related->y[1], &related->y[1], &power);
    {
        blst_fp12 inverse = related->a[0];

        blst_fp12_conjugate(&inverse);
        blst_fp12_mul(&related->a[1], &related->a[1], &inverse);
    }
    group_torus_write(&related->a[1], torus);
    blst_p1_compress(point, &related->y[1]);
    (void)snprintf(related->attribute[1], sizeof related->attribute[1], "%s", name);
    (void)buffer_put(&made, related->grant, 3);
    (void)buffer_put_u16(&made, (uint16_t)strlen(name));
    (void)buffer_put_string(&made, name);
    (void)buffer_put(&made, torus, sizeof torus);
    code = buffer_put(&made, point, sizeof point);
    if (!code) {
        memcpy(related->made, made.data, made.len);
        related->made_len = made.len;
    }
    buffer_free(&made);
    return code;
}

/* A header as a careless maker would make it: one r for both rows. */
static void related_careless(const struct related *related, struct bytes context,
                             struct buffer *out)
{
    blst_scalar r, s, share[2], omega[2];
    blst_fr fr[3];
    uint8_t sigma[32], masked[32], confirmation[32], torus[GROUP_TORUS_SIZE], point[48];
    char policy[2 * ACESO_ABE_ATTRIBUTE_MAX + 8];
    blst_fp12 c1, power;
    blst_p1 c2, c3, other;

    related_scalar(&r);
    related_scalar(&s);
    related_scalar(&share[0]);
    related_scalar(&omega[0]);
    blst_fr_from_scalar(&fr[0], &s);
    blst_fr_from_scalar(&fr[1], &share[0]);
    blst_fr_sub(&fr[2], &fr[0], &fr[1]);
    blst_scalar_from_fr(&share[1], &fr[2]);
    blst_fr_from_scalar(&fr[1], &omega[0]);
    blst_fr_cneg(&fr[2], &fr[1], true);
    blst_scalar_from_fr(&omega[1], &fr[2]);
    (void)snprintf(policy, sizeof policy, "%s and %s", related->attribute[0],
                   related->attribute[1]);
    (void)buffer_put(out, "\x01\x01\x03", 3);
    (void)buffer_put_u32(out, (uint32_t)strlen(policy));
    (void)buffer_put_string(out, policy);
    for (unsigned row = 0; row < 2; row++) {
        related_base(&share[row], &c1);
        related_power(&related->a[row], &r, &power);
        blst_fp12_mul(&c1, &c1, &power);
        group_torus_write(&c1, torus);
        (void)buffer_put(out, torus, sizeof torus);
        related_times(blst_p1_generator(), &r, &c2);
        blst_p1_compress(point, &c2);
        (void)buffer_put(out, point, sizeof point);
        related_times(&related->y[row], &r, &c3);
        related_times(blst_p1_generator(), &omega[row], &other);
        blst_p1_add_or_double(&c3, &c3, &other);
        blst_p1_compress(point, &c3);
        (void)buffer_put(out, point, sizeof point);
    }
    related_base(&s, &c1);
    secret_random(sigma, sizeof sigma);
    group_mask(&c1, buffer_bytes(out), sigma, masked);
    (void)buffer_put(out, masked, 32);
    group_confirm(sigma, buffer_bytes(out), context, confirmation);
    (void)buffer_put(out, confirmation, 32);
}

/* The patient's A and the rogue's cancel where both rows have one r: then e(g1,g2)^(t r) is left,
 * and C2 gives that away. Tried with either row's C2, with what may be left of C3 under any H. */
static bool related_open(const struct related *related, const struct group_header *header,
                         const uint8_t gid[20], uint64_t *tried)
{
    blst_p2_affine q[2];
    blst_p2 point;
    uint8_t key[32];

    blst_p2_to_affine(&q[0], blst_p2_generator());
    blst_hash_to_g2(&point, gid, 20, (const byte *)GROUP_HASH_TAG, strlen(GROUP_HASH_TAG), NULL, 0);
    blst_p2_to_affine(&q[1], &point);
    for (unsigned row = 0; row < 2; row++) {
        blst_p1 c2, left, rest;
        blst_p1_affine p;
        blst_fp12 e, less, more;

        blst_p1_from_affine(&c2, &header->row[row].c2);
        related_times(&c2, &related->t, &left);
        blst_p1_to_affine(&p, &left);
        group_pair(&p, &q[0], &less);
        blst_fp12_mul(&e, &header->row[0].c1, &header->row[1].c1);
        blst_fp12_mul(&e, &e, &less);
        related_times(&c2, &related->u, &rest);
        blst_p1_add_or_double_affine(&rest, &rest, &header->row[0].c3);
        blst_p1_add_or_double_affine(&rest, &rest, &header->row[1].c3);
        blst_p1_to_affine(&p, &rest);
        for (unsigned how = 0; how < 5; how++) {
            blst_fp12 candidate = e;

            if (how && !blst_p1_is_inf(&rest)) {
                group_pair(&p, &q[how / 3], &more);
                if (how % 2)
                    blst_fp12_conjugate(&more);
                blst_fp12_mul(&candidate, &candidate, &more);
            }
            ++*tried;
            if (group_finish(header, &candidate, key))
                return true;
        }
    }
    return false;
}

static int related_grant(void *data, struct bytes key, struct aceso_error *error)
{
    struct related *related = data;
    struct reader reader = reader_of(key);
    struct bytes attribute;

    (void)reader_take(&reader, 3);
    attribute = reader_take(&reader, reader_u16(&reader));
    if (reader.failed || key.len > sizeof related->grant)
        return error_set(error, ACESO_EFORMAT, "public key", "cut off");
    if (attribute.len > 6 && memcmp(attribute.data, "grant-", 6) == 0) {
        memcpy(related->attribute[0], attribute.data, attribute.len);
        related->attribute[0][attribute.len] = '\0';
        memcpy(related->grant, key.data, key.len);
        related->grant_len = key.len;
    }
    return ACESO_OK;
}

/* The header as the hospital's program makes it, under the same two keys. */
static int related_honest(const struct related *related, struct bytes context,
                          struct buffer *out, struct aceso_error *error)
{
    struct aceso_abe_public_key *keys[2] = { NULL, NULL };
    struct aceso_abe_policy *policy = NULL;
    char text[2 * ACESO_ABE_ATTRIBUTE_MAX + 8];
    uint8_t sigma[32], key[32], *header = NULL;
    size_t len = 0;
    int code = aceso_abe_public_key_import(related->grant, related->grant_len, &keys[0]);

    (void)snprintf(text, sizeof text, "%s and %s", related->attribute[0], related->attribute[1]);
    if (!code)
        code = aceso_abe_public_key_import(related->made, related->made_len, &keys[1]);
    if (!code)
        code = aceso_abe_policy_parse(text, strlen(text), &policy, NULL);
    secret_random(sigma, sizeof sigma);
    if (!code)
        code = aceso_abe_encapsulate(policy, (const struct aceso_abe_public_key *const *)keys, 2,
                                     context.data, context.len, sigma, &header, &len, key);
    if (!code)
        code = buffer_put(out, header, len);
    free(header);
    aceso_abe_policy_free(policy);
    aceso_abe_public_key_free(keys[0]);
    aceso_abe_public_key_free(keys[1]);
    return code ? error_set(error, ACESO_EINTERNAL, NULL, "the related key: %s",
                            aceso_abe_strerror(code))
                : ACESO_OK;
}

static int related_try(struct rogue *rogue, const struct related *related, struct bytes bytes,
                       struct bytes context, bool *opened, struct aceso_error *error)
{
    struct group_header *header = calloc(1, sizeof *header);
    int code = header ? ACESO_OK : ACESO_EMEMORY;

    if (!code) {
        header->context_len = context.len;
        memcpy(header->context, context.data, context.len);
        code = group_read(bytes, header);
    }
    if (!code)
        *opened = related_open(related, header, rogue->loot->party[0].address,
                               &rogue->attack->tried);
    if (header)
        group_free(header);
    free(header);
    return code ? error_set(error, code, NULL, "the header does not read") : ACESO_OK;
}

static int rogue_related(struct rogue *rogue, const struct loot_relation *relation,
                         struct aceso_error *error)
{
    struct bytes context = bytes_of_string("a header of the adversary");
    struct buffer careless = BUFFER_INIT(ROGUE_HEADER_MAX), honest = BUFFER_INIT(ROGUE_HEADER_MAX);
    struct related related = { .grant_len = 0 };
    char name[ACESO_ABE_ATTRIBUTE_MAX + 1];
    bool opened = false;
    int code = keyring_read_list(buffer_bytes(&relation->patient_keys), related_grant, &related,
                                 error);

    if (!code && !related.grant_len)
        code = error_set(error, ACESO_ENOTFOUND, NULL, "the patient has no grant key");
    (void)snprintf(name, sizeof name, "rogue@%s", rogue->hospital->config.label);
    if (!code)
        code = related_make(&related, name, error);
    if (!code) {
        related_careless(&related, context, &careless);
        code = related_try(rogue, &related, buffer_bytes(&careless), context, &opened, error);
    }
    if (!code && !opened)
        code = error_set(error, ACESO_ESTATE, NULL,
                         "the attack does not even open a careless header: it shows nothing");
    if (!code)
        code = related_honest(&related, context, &honest, error);
    opened = false;
    if (!code)
        code = related_try(rogue, &related, buffer_bytes(&honest), context, &opened, error);
    if (!code)
        attack_note(rogue->attack, opened,
                    "a public key made from the patient's, so that theirs cancel",
                    opened ? "the header opened"
                           : "every row has its own r; one r for all would have opened");
    buffer_free(&careless);
    buffer_free(&honest);
    return code;
}

/* ---- what is published ------------------------------------------------------------------- */

/* Every hospital's list as it publishes it is the one on the chain; with a key of the rogue's in
 * it, it is not. */
static int rogue_published(struct rogue *rogue, const struct ledger_hospital *hospital,
                           struct aceso_error *error)
{
    struct buffer answer = BUFFER_INIT((size_t)8 << 20), list = BUFFER_INIT((size_t)4 << 20);
    yyjson_doc *doc = NULL;
    uint8_t digest[32];
    char what[128];
    int code = loot_call(&rogue->loot->party[0], hospital, "GET", "/v1/authority/keys",
                         bytes_of(NULL, 0), &answer, error);

    if (!code)
        code = json_parse(buffer_bytes(&answer), &doc, error);
    if (!code)
        code = json_base64(yyjson_doc_get_root(doc), "keys", &list, error);
    keccak256(buffer_bytes(&list), digest);
    if (!code && memcmp(digest, hospital->keys_digest, 32) != 0)
        code = error_set(error, ACESO_ESTATE, NULL, "%s publishes what is not on the chain",
                         hospital->card.label);
    buffer_clear(&list);
    if (!code)
        code = rogue_list(rogue, hospital->card.label, "registered", &list, error);
    keccak256(buffer_bytes(&list), digest);
    (void)snprintf(what, sizeof what, "the rogue's keys as those of %s", hospital->card.label);
    if (!code)
        attack_note(rogue->attack, memcmp(digest, hospital->keys_digest, 32) == 0, what,
                    "not those whose digest is on the chain");
    yyjson_doc_free(doc);
    buffer_free(&answer);
    buffer_free(&list);
    return code;
}

int attack_rogue(struct attack *attack, struct aceso_error *error)
{
    struct rogue rogue = { .attack = attack };
    int code = loot_open(attack, &rogue.loot, error);

    if (!code && (!rogue.loot->hospitals || !rogue.loot->institutes))
        code = error_set(error, ACESO_EUSAGE, NULL, "--hospital and --institute are needed");
    if (!code) {
        rogue.hospital = &rogue.loot->party[rogue.loot->institutes];
        keys_derive(rogue.hospital->keys, "abe authority", bytes_of(NULL, 0), rogue.seed);
        code = rogue_labels(&rogue, error);
    }
    for (size_t i = 0; !code && i < rogue.loot->relations; i++)
        code = rogue_related(&rogue, &rogue.loot->relation[i], error);
    for (uint32_t id = 1; !code; id++) {
        struct ledger_hospital hospital;

        if (ledger_hospital_by_id(rogue.loot->party[0].store, id, &hospital, NULL))
            break;
        if (id != rogue.hospital->config.hospital.id)
            code = rogue_published(&rogue, &hospital, error);
    }
    if (!code)
        attack_say(attack, "%s as a rogue authority, %llu attempts: keys under others' labels, "
                           "public keys made from patients': %s",
                   rogue.hospital->config.label, (unsigned long long)attack->tried,
                   attack->breaches ? "SOME WERE TAKEN" : "none was taken, none opens anything");
    secret_wipe(rogue.seed, sizeof rogue.seed);
    loot_free(rogue.loot);
    return code;
}
