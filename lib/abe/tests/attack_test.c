/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an attacker would try: changed and hostile headers, pooled keys, rows carried from one
 * header to another, a dishonest maker. Uses core, world and hostile.
 */
#include "../core/kem.h"
#include "../core/lsss.h"
#include "../core/octets.h"
#include "hostile.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t sigma_one[ACESO_ABE_SIGMA_SIZE] = "the first sigma of thirty-two b";
static const uint8_t sigma_two[ACESO_ABE_SIGMA_SIZE] = "the second sigma of thirty-two";

enum { ROWS = 8 };

/* A header with the keys of one user for all its attributes. */
struct scene {
    struct aceso_abe_policy *policy;
    struct world_keys keys;
    struct aceso_abe_user_key *users[ROWS];
    uint8_t *header;
    size_t length;
    uint8_t key[ACESO_ABE_KEY_SIZE];
    size_t rows_at; /* where the rows begin */
};

static void scene_begin(struct scene *scene, const char *policy, const char *user,
                        const uint8_t *sigma)
{
    scene->policy = world_policy(policy);
    world_keys_begin(&scene->keys, scene->policy);
    assert_true(scene->keys.count <= ROWS);
    for (size_t i = 0; i < scene->keys.count; i++)
        scene->users[i] = world_user(aceso_abe_public_key_attribute(scene->keys.keys[i]), user);
    assert_int_equal(aceso_abe_encapsulate(scene->policy, PUBLIC_KEYS(scene->keys.keys),
                                           scene->keys.count, NULL, 0, sigma, &scene->header,
                                           &scene->length, scene->key),
                     ACESO_ABE_OK);
    scene->rows_at = ABE_HEADER_HEAD_SIZE + strlen(aceso_abe_policy_text(scene->policy));
}

static void scene_end(struct scene *scene)
{
    for (size_t i = 0; i < scene->keys.count; i++)
        aceso_abe_user_key_free(scene->users[i]);
    world_keys_end(&scene->keys);
    aceso_abe_policy_free(scene->policy);
    free(scene->header);
}

static int scene_open(const struct scene *scene, const uint8_t *header, size_t length)
{
    uint8_t key[ACESO_ABE_KEY_SIZE];

    return aceso_abe_decapsulate(header, length, USER_KEYS(scene->users), scene->keys.count,
                                 PUBLIC_KEYS(scene->keys.keys), scene->keys.count, NULL, 0, NULL,
                                 key);
}

static int scene_check(const struct scene *scene, const uint8_t *header, size_t length,
                       const uint8_t *sigma)
{
    uint8_t key[ACESO_ABE_KEY_SIZE];

    return aceso_abe_open_with_sigma(header, length, PUBLIC_KEYS(scene->keys.keys),
                                     scene->keys.count, NULL, 0, sigma, key);
}

/* ---- changed headers ------------------------------------------------------------------- */

static void test_every_changed_byte_is_refused(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "a@h or b@g", "user", sigma_one);
    assert_int_equal(scene_open(&scene, scene.header, scene.length), ACESO_ABE_OK);
    for (size_t i = 0; i < scene.length; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);

        scene.header[i] ^= bit;
        assert_int_not_equal(scene_open(&scene, scene.header, scene.length), ACESO_ABE_OK);
        assert_int_not_equal(scene_check(&scene, scene.header, scene.length, sigma_one),
                             ACESO_ABE_OK);
        scene.header[i] ^= bit;
    }
    assert_int_equal(scene_open(&scene, scene.header, scene.length), ACESO_ABE_OK);
    scene_end(&scene);
}

/* In the CPA form the rows that are not used are bound by the digest in the confirmation. */
static void test_every_changed_byte_is_refused_cpa(void **state)
{
    struct scene scene;
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0;

    (void)state;
    scene_begin(&scene, "a@h or b@g", "user", sigma_one);
    assert_int_equal(aceso_abe_encapsulate_cpa(scene.policy, PUBLIC_KEYS(scene.keys.keys),
                                               scene.keys.count, NULL, 0, sigma_two, &header,
                                               &length, key),
                     ACESO_ABE_OK);
    for (size_t i = 0; i < length; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);

        header[i] ^= bit;
        assert_int_not_equal(aceso_abe_decapsulate_cpa(header, length, USER_KEYS(scene.users),
                                                       scene.keys.count, NULL, 0, key),
                             ACESO_ABE_OK);
        header[i] ^= bit;
    }
    free(header);
    scene_end(&scene);
}

static void test_every_other_length_is_refused(void **state)
{
    struct scene scene;
    uint8_t *longer;

    (void)state;
    scene_begin(&scene, "a@h", "user", sigma_one);
    for (size_t n = 0; n < scene.length; n++)
        assert_int_equal(scene_open(&scene, scene.header, n), ACESO_ABE_FORMAT);
    longer = calloc(1, scene.length + 1);
    assert_non_null(longer);
    memcpy(longer, scene.header, scene.length);
    assert_int_equal(scene_open(&scene, longer, scene.length + 1), ACESO_ABE_FORMAT);
    free(longer);
    scene_end(&scene);
}

/* The same tree in another writing is not a header: one tree, one text. */
static void test_policy_that_is_not_canonical_is_refused(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "a@h or b@g", "user", sigma_one);
    assert_memory_equal(scene.header + ABE_HEADER_HEAD_SIZE, "a@h or b@g", 10);
    memcpy(scene.header + ABE_HEADER_HEAD_SIZE, "a@h\tor b@g", 10);
    assert_int_equal(scene_open(&scene, scene.header, scene.length), ACESO_ABE_FORMAT);
    scene_end(&scene);
}

/* ---- hostile group elements ------------------------------------------------------------ */

static void expect_row_refused(struct scene *scene, size_t at, const uint8_t *bytes, size_t length)
{
    uint8_t saved[ABE_ROW_SIZE];

    memcpy(saved, scene->header + at, length);
    memcpy(scene->header + at, bytes, length);
    assert_int_equal(scene_open(scene, scene->header, scene->length), ACESO_ABE_REFUSED);
    assert_int_equal(scene_check(scene, scene->header, scene->length, sigma_one),
                     ACESO_ABE_REFUSED);
    memcpy(scene->header + at, saved, length);
}

static void test_hostile_points_in_rows(void **state)
{
    uint8_t bytes[ABE_G1_SIZE];
    blst_p1_affine point;
    blst_p1 torsion;
    blst_p1 sum;
    struct scene scene;

    (void)state;
    scene_begin(&scene, "a@h and b@g", "user", sigma_one);
    hostile_torsion_g1(&torsion);
    for (size_t at = scene.rows_at + ABE_TORUS_SIZE; at < scene.rows_at + ABE_ROW_SIZE;
         at += ABE_G1_SIZE) {
        /* torsion added: it pairs to one, so only the comparison sees it */
        assert_true(abe_g1_decode(scene.header + at, &point));
        blst_p1_add_or_double_affine(&sum, &torsion, &point);
        blst_p1_compress(bytes, &sum);
        expect_row_refused(&scene, at, bytes, sizeof(bytes));
        blst_p1_compress(bytes, &torsion);
        expect_row_refused(&scene, at, bytes, sizeof(bytes));
        memset(bytes, 0, sizeof(bytes));
        bytes[0] = 0xc0;
        expect_row_refused(&scene, at, bytes, sizeof(bytes));
        memset(bytes, 0xff, sizeof(bytes));
        expect_row_refused(&scene, at, bytes, sizeof(bytes));
        memset(bytes, 0, sizeof(bytes));
        expect_row_refused(&scene, at, bytes, sizeof(bytes));
        bytes[0] = 0x80;
        bytes[ABE_G1_SIZE - 1] = 1; /* off the curve */
        expect_row_refused(&scene, at, bytes, sizeof(bytes));
    }
    scene_end(&scene);
}

static void test_hostile_torus_elements_in_rows(void **state)
{
    uint8_t bytes[ABE_TORUS_SIZE];
    struct scene scene;

    (void)state;
    scene_begin(&scene, "2 of (a@h, b@g, c@h)", "user", sigma_one);
    hostile_torus(HOSTILE_NORM_ONE, bytes);
    expect_row_refused(&scene, scene.rows_at, bytes, sizeof(bytes));
    hostile_torus(HOSTILE_CYCLOTOMIC, bytes);
    expect_row_refused(&scene, scene.rows_at, bytes, sizeof(bytes));
    memset(bytes, 0, sizeof(bytes));
    expect_row_refused(&scene, scene.rows_at, bytes, sizeof(bytes));
    memset(bytes, 0xff, sizeof(bytes));
    expect_row_refused(&scene, scene.rows_at, bytes, sizeof(bytes));
    scene_end(&scene);
}

/* C3 = Y^r g1^omega replaced so that the sum of all C3 is infinity: a pairing with infinity. */
static void test_sum_of_c3_infinite(void **state)
{
    size_t c3 = ABE_TORUS_SIZE + ABE_G1_SIZE;
    uint8_t bytes[ABE_G1_SIZE];
    struct scene scene;

    (void)state;
    scene_begin(&scene, "a@h and b@g", "user", sigma_one);
    memcpy(bytes, scene.header + scene.rows_at + c3, sizeof(bytes));
    bytes[0] ^= 0x20; /* the other y: minus the point */
    expect_row_refused(&scene, scene.rows_at + ABE_ROW_SIZE + c3, bytes, sizeof(bytes));
    scene_end(&scene);
}

/* ---- rows of more than one header, keys of more than one user -------------------------- */

static void parse_header(const struct scene *scene, struct abe_node nodes[ABE_NODES_MAX],
                         struct abe_header *header)
{
    assert_int_equal(abe_header_parse(scene->header, scene->length, nodes, ABE_NODES_MAX, header),
                     ACESO_ABE_OK);
}

static void decode_user(const char *attribute, const char *gid, struct abe_user *user)
{
    uint8_t seed[ACESO_ABE_SEED_SIZE];
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;

    world_seed(attribute, seed);
    assert_int_equal(
        aceso_abe_keygen(seed, attribute, (const uint8_t *)gid, strlen(gid), bytes, &length),
        ACESO_ABE_OK);
    assert_int_equal(abe_user_decode(bytes, length, user), ACESO_ABE_OK);
}

/* Runs the core's opening over all rows with the given keys; whether the right sigma comes out. */
static bool opens_with(const struct scene *scene, const struct abe_user *const *users)
{
    static struct abe_node nodes[ABE_NODES_MAX];
    static uint32_t cost[ABE_NODES_MAX];
    uint8_t chosen[ABE_NODES_MAX];
    const uint8_t held[ROWS] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    uint8_t sigma[ACESO_ABE_SIGMA_SIZE];
    blst_fr coefficients[ROWS];
    struct abe_openers openers = { .users = users, .coefficients = coefficients };
    struct abe_header header;
    blst_fp12 e;

    parse_header(scene, nodes, &header);
    assert_true(abe_policy_choose(&header.policy, held, cost, chosen));
    abe_lsss_reconstruct(&header.policy, chosen, coefficients);
    assert_true(abe_kem_recover(&header, chosen, &openers, &e));
    abe_kem_unmask(&header, &e, sigma);
    return memcmp(sigma, sigma_one, sizeof(sigma)) == 0;
}

/* Two users who pool what they hold get nothing, whosever H(gid) they take. */
static void test_pooled_keys_open_nothing(void **state)
{
    struct abe_user alice[2];
    struct abe_user bob[2];
    const struct abe_user *alone[2] = { &alice[0], &alice[1] };
    const struct abe_user *pooled[2] = { &alice[0], &bob[1] };
    const struct abe_user *reversed[2] = { &bob[0], &alice[1] };
    struct scene scene;

    (void)state;
    scene_begin(&scene, "a@h and b@g", "carol", sigma_one);
    decode_user("a@h", "alice", &alice[0]);
    decode_user("b@g", "alice", &alice[1]);
    decode_user("a@h", "bob", &bob[0]);
    decode_user("b@g", "bob", &bob[1]);
    assert_true(opens_with(&scene, alone));
    assert_false(opens_with(&scene, pooled));
    assert_false(opens_with(&scene, reversed));
    bob[1].h = alice[0].h;
    assert_false(opens_with(&scene, pooled));
    alice[1].h = bob[0].h;
    assert_false(opens_with(&scene, reversed));
    scene_end(&scene);
}

/* A key relabelled with the gid of another does not pass the import. */
static void test_relabelled_key_is_refused(void **state)
{
    static const char attribute[] = "a@h";
    uint8_t seed[ACESO_ABE_SEED_SIZE];
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;
    struct aceso_abe_public_key *public_key = world_public(attribute);
    struct aceso_abe_user_key *key = NULL;

    (void)state;
    world_seed(attribute, seed);
    assert_int_equal(aceso_abe_keygen(seed, attribute, (const uint8_t *)"alice", 5, bytes, &length),
                     ACESO_ABE_OK);
    memcpy(bytes + 3 + 2 + 3 + 2, "carol", 5);
    assert_int_equal(aceso_abe_user_key_import(bytes, length, public_key, &key), ACESO_ABE_BAD_KEY);
    assert_null(key);
    aceso_abe_public_key_free(public_key);
}

/* One row, opened by a key for its attribute: C1 * e(C3, H) / e(C2, K) = e(g1,g2)^(lambda) times
 * e(g1, H)^omega. */
static void open_row(const uint8_t row[ABE_ROW_SIZE], const struct abe_user *user, blst_fp12 *out)
{
    struct abe_pairing pairing;
    blst_p1_affine affine;
    blst_fp12 c1;

    assert_true(abe_torus_decode(row, &c1));
    abe_torus_ratio(&c1, &c1);
    abe_pairing_begin(&pairing);
    assert_true(abe_g1_decode(row + ABE_TORUS_SIZE, &affine));
    blst_fp_cneg(&affine.y, &affine.y, true);
    abe_pairing_add(&pairing, &affine, &user->k, NULL);
    assert_true(abe_g1_decode(row + ABE_TORUS_SIZE + ABE_G1_SIZE, &affine));
    abe_pairing_add(&pairing, &affine, &user->h, NULL);
    abe_pairing_end(&pairing, out);
    blst_fp12_mul(out, out, &c1);
}

/* A row with a given share, as the scheme makes it. */
static void make_row(const struct abe_public *key, const blst_fr *lambda, const blst_fr *omega,
                     const blst_fr *r, uint8_t row[ABE_ROW_SIZE])
{
    blst_fp12 c1;
    blst_fp12 blind;
    blst_p1 point;
    blst_p1 shift;

    abe_gt_generator(&c1);
    abe_gt_pow_secret(&c1, &c1, lambda);
    abe_gt_pow_secret(&blind, &key->a, r);
    blst_fp12_mul(&c1, &c1, &blind);
    assert_true(abe_torus_encode(&c1, row));
    abe_g1_mult_secret(&point, blst_p1_affine_generator(), r);
    blst_p1_compress(row + ABE_TORUS_SIZE, &point);
    abe_g1_mult_secret(&point, &key->y, r);
    abe_g1_mult_secret(&shift, blst_p1_affine_generator(), omega);
    blst_p1_add_or_double(&point, &point, &shift);
    blst_p1_compress(row + ABE_TORUS_SIZE + ABE_G1_SIZE, &point);
}

static void decode_public(const char *attribute, struct abe_public *key)
{
    uint8_t seed[ACESO_ABE_SEED_SIZE];
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t length = 0;

    world_seed(attribute, seed);
    assert_int_equal(aceso_abe_setup(seed, attribute, bytes, &length), ACESO_ABE_OK);
    assert_int_equal(abe_public_decode(bytes, length, key), ACESO_ABE_OK);
}

/* out = b / a for elements of norm one. */
static void quotient(const blst_fp12 *b, const blst_fp12 *a, blst_fp12 *out)
{
    blst_fp12 inverse = *a;

    blst_fp12_conjugate(&inverse);
    blst_fp12_mul(out, b, &inverse);
}

/* e(g1,g2)^s of a scene "grant@p and <category>", as its honest reader finds it. */
static void reader_secret(const struct scene *scene, const char *category, blst_fp12 *e)
{
    static struct abe_node nodes[ABE_NODES_MAX];
    static uint32_t cost[ABE_NODES_MAX];
    uint8_t chosen[ABE_NODES_MAX];
    const uint8_t held[2] = { 1, 1 };
    struct abe_user keys[2];
    const struct abe_user *users[2] = { &keys[0], &keys[1] };
    blst_fr coefficients[2];
    struct abe_openers openers = { .users = users, .coefficients = coefficients };
    struct abe_header header;

    parse_header(scene, nodes, &header);
    decode_user("grant@p", "reader", &keys[0]);
    decode_user(category, "reader", &keys[1]);
    assert_true(abe_policy_choose(&header.policy, held, cost, chosen));
    abe_lsss_reconstruct(&header.policy, chosen, coefficients);
    assert_true(abe_kem_recover(&header, chosen, &openers, e));
}

static bool reads_sigma(const struct scene *scene, const blst_fp12 *e, const uint8_t *sigma)
{
    static struct abe_node nodes[ABE_NODES_MAX];
    uint8_t found[ACESO_ABE_SIGMA_SIZE];
    struct abe_header header;

    parse_header(scene, nodes, &header);
    abe_kem_unmask(&header, e, found);
    return memcmp(found, sigma, sizeof(found)) == 0;
}

/*
 * Two levels, "grant@p and low@h" and "grant@p and high@h". Someone with both categories and no
 * grant opens the category's row of each, and hands the quotient to a reader of the low level.
 */
static const char *const categories[2] = { "low@h", "high@h" };

/* A lazy maker shares the row of grant@p between the levels: the quotient is e(g1,g2)^(s2 - s1).
 * This shows that the next test would see the attack. */
static void test_attack_on_a_maker_who_shares_rows(void **state)
{
    static const uint8_t prk[ABE_HASH_SIZE] = "a lazy maker";
    uint8_t row[ABE_ROW_SIZE];
    blst_fp12 secret[2];
    blst_fp12 opened[2];
    blst_fp12 guess;
    blst_fr share;
    blst_fr omega;

    (void)state;
    abe_hkdf_scalar_indexed(prk, 'v', 1, &share);
    abe_hkdf_scalar_indexed(prk, 'w', 1, &omega);
    blst_fr_cneg(&omega, &omega, true);
    for (size_t level = 0; level < 2; level++) {
        struct abe_public key;
        struct abe_user mallory;
        blst_fr s;
        blst_fr r;
        blst_fr lambda;

        decode_public(categories[level], &key);
        decode_user(categories[level], "mallory", &mallory);
        abe_hkdf_scalar_indexed(prk, 's', level, &s);
        abe_hkdf_scalar_indexed(prk, 'r', level, &r);
        blst_fr_sub(&lambda, &s, &share);
        make_row(&key, &lambda, &omega, &r, row);
        open_row(row, &mallory, &opened[level]);
        abe_gt_generator(&secret[level]);
        abe_gt_pow_secret(&secret[level], &secret[level], &s);
    }
    quotient(&opened[1], &opened[0], &guess);
    blst_fp12_mul(&guess, &guess, &secret[0]);
    assert_true(blst_fp12_is_equal(&guess, &secret[1]));
}

static void test_headers_of_two_levels_are_independent(void **state)
{
    struct scene scenes[2];
    blst_fp12 secret[2];
    blst_fp12 opened[2];
    blst_fp12 guess;

    (void)state;
    scene_begin(&scenes[0], "grant@p and low@h", "reader", sigma_one);
    scene_begin(&scenes[1], "grant@p and high@h", "reader", sigma_two);
    for (size_t level = 0; level < 2; level++) {
        const struct scene *scene = &scenes[level];
        struct abe_user mallory;

        decode_user(categories[level], "mallory", &mallory);
        open_row(scene->header + scene->rows_at + ABE_ROW_SIZE, &mallory, &opened[level]);
        reader_secret(scene, categories[level], &secret[level]);
    }
    quotient(&opened[1], &opened[0], &guess);
    blst_fp12_mul(&guess, &guess, &secret[0]);
    assert_true(reads_sigma(&scenes[1], &secret[1], sigma_two));
    assert_false(reads_sigma(&scenes[1], &guess, sigma_two));
    assert_false(blst_fp12_is_equal(&guess, &secret[1]));
    scene_end(&scenes[0]);
    scene_end(&scenes[1]);
}

/* A row carried into another header of the same attribute does not help there. */
static void test_row_of_another_header(void **state)
{
    struct scene one;
    struct scene two;

    (void)state;
    scene_begin(&one, "a@h and b@g", "user", sigma_one);
    scene_begin(&two, "a@h and b@g", "user", sigma_two);
    memcpy(two.header + two.rows_at, one.header + one.rows_at, ABE_ROW_SIZE);
    assert_int_equal(scene_open(&two, two.header, two.length), ACESO_ABE_REFUSED);
    /* all rows of one, the tail of two */
    memcpy(two.header + two.rows_at, one.header + one.rows_at, 2 * ABE_ROW_SIZE);
    assert_int_equal(scene_open(&two, two.header, two.length), ACESO_ABE_REFUSED);
    scene_end(&one);
    scene_end(&two);
}

/* ---- a dishonest maker ----------------------------------------------------------------- */

/* Writes masked sigma and confirmation that fit the rows as they are, by the format's text. */
static void forge_tail(struct scene *scene, const blst_fp12 *e, const uint8_t *sigma)
{
    static struct abe_node nodes[ABE_NODES_MAX];
    size_t at = scene->length - 64;
    uint8_t digest[ABE_HASH_SIZE];
    uint8_t context[ABE_HASH_SIZE];
    uint8_t prk[ABE_HASH_SIZE];
    struct abe_span ikm = { sigma, ACESO_ABE_SIGMA_SIZE };
    struct abe_span info[3] = { { "confirm", 7 }, { digest, 32 }, { context, 32 } };
    struct abe_header header;

    parse_header(scene, nodes, &header);
    memset(scene->header + at, 0, ACESO_ABE_SIGMA_SIZE);
    abe_kem_unmask(&header, e, digest); /* of zeros: the mask itself */
    for (size_t i = 0; i < ACESO_ABE_SIGMA_SIZE; i++)
        scene->header[at + i] = digest[i] ^ sigma[i];
    abe_sha256(scene->header, at + 32, digest);
    abe_sha256(NULL, 0, context);
    abe_hkdf_extract("ACESO-LW11-V01-CCA-KEY", &ikm, 1, prk);
    abe_hkdf_expand(prk, info, 3, scene->header + at + 32, 32);
}

/* Two readers of an `or` would get different keys: both refuse, though each finds its sigma. */
static void test_inconsistent_rows_are_refused(void **state)
{
    uint8_t original[2048];
    struct abe_user user;
    struct scene one;
    struct scene two;
    blst_fp12 e;
    const struct abe_user *users[2] = { &user, NULL };

    (void)state;
    scene_begin(&one, "a@h or b@g", "user", sigma_one);
    scene_begin(&two, "a@h or b@g", "user", sigma_two);
    decode_user("a@h", "user", &user);
    open_row(one.header + one.rows_at, &user, &e);

    /* The forger's tail over honest rows gives the honest header: the forger knows the format. */
    memcpy(original, one.header, one.length);
    forge_tail(&one, &e, sigma_one);
    assert_memory_equal(original, one.header, one.length);
    assert_int_equal(scene_open(&one, one.header, one.length), ACESO_ABE_OK);

    /* Row b from an encryption of something else, and a tail that fits row a. */
    memcpy(one.header + one.rows_at + ABE_ROW_SIZE, two.header + two.rows_at + ABE_ROW_SIZE,
           ABE_ROW_SIZE);
    forge_tail(&one, &e, sigma_one);
    assert_true(opens_with(&one, users)); /* without re-encryption, a reader with a@h would trust */
    assert_int_equal(scene_open(&one, one.header, one.length), ACESO_ABE_REFUSED);
    assert_int_equal(scene_check(&one, one.header, one.length, sigma_one), ACESO_ABE_REFUSED);
    scene_end(&one);
    scene_end(&two);
}

/* Rows for another key of the same name (another authority with that label, an older epoch). */
static void test_wrong_public_key_is_refused(void **state)
{
    uint8_t seed[ACESO_ABE_SEED_SIZE] = { 1, 2, 3 };
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t length = 0;
    struct aceso_abe_public_key *honest;
    struct scene scene;

    (void)state;
    scene_begin(&scene, "a@h and b@g", "user", sigma_one);
    honest = scene.keys.keys[1];
    assert_int_equal(aceso_abe_setup(seed, "b@g", bytes, &length), ACESO_ABE_OK);
    assert_int_equal(aceso_abe_public_key_import(bytes, length, &scene.keys.keys[1]), ACESO_ABE_OK);
    assert_int_equal(scene_open(&scene, scene.header, scene.length), ACESO_ABE_REFUSED);
    assert_int_equal(scene_check(&scene, scene.header, scene.length, sigma_one), ACESO_ABE_REFUSED);
    aceso_abe_public_key_free(scene.keys.keys[1]);
    scene.keys.keys[1] = honest;
    assert_int_equal(scene_open(&scene, scene.header, scene.length), ACESO_ABE_OK);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_changed_byte_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_refused_cpa),
        cmocka_unit_test(test_every_other_length_is_refused),
        cmocka_unit_test(test_policy_that_is_not_canonical_is_refused),
        cmocka_unit_test(test_hostile_points_in_rows),
        cmocka_unit_test(test_hostile_torus_elements_in_rows),
        cmocka_unit_test(test_sum_of_c3_infinite),
        cmocka_unit_test(test_pooled_keys_open_nothing),
        cmocka_unit_test(test_relabelled_key_is_refused),
        cmocka_unit_test(test_attack_on_a_maker_who_shares_rows),
        cmocka_unit_test(test_headers_of_two_levels_are_independent),
        cmocka_unit_test(test_row_of_another_header),
        cmocka_unit_test(test_inconsistent_rows_are_refused),
        cmocka_unit_test(test_wrong_public_key_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
