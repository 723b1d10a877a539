/* SPDX-License-Identifier: Apache-2.0 */
/* Who opens which level, and what a patient refuses to sign, with real keys. */
#include "consent/testing.h"

#include <stdlib.h>

struct story {
    struct testing_world world;
    struct header_terms terms;
    struct aceso_abe_policy *policy;
    struct ladder keys;
    struct keyring *publics;
    struct buffer headers;
    uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE];
};

static int story_make(void **state)
{
    static struct story story;

    testing_world_make(&story.world);
    assert_int_equal(policy_parse(POLICY_DEFAULT, &story.policy, NULL), ACESO_OK);
    story.terms = (struct header_terms){ .context = { .chain_id = 31337, .contract = { 9, 9 } },
                                         .epoch = { .e = 1, .n = 1 },
                                         .policy = story.policy,
                                         .hospital = "hospital-a" };
    memcpy(story.terms.context.patient, testing_patient, 20);
    memcpy(story.terms.context.hospital, testing_hospital, 20);
    story.publics = testing_keyring(&story.world, testing_hospital);
    story.headers = (struct buffer)BUFFER_INIT(HEADERS_SIZE_MAX);
    assert_int_equal(ladder_random(&story.terms.context, story.terms.epoch, &story.keys, NULL),
                     ACESO_OK);
    assert_int_equal(header_make(&story.terms, &story.keys, story.publics, &story.headers,
                                 story.sigma, NULL),
                     ACESO_OK);
    *state = &story;
    return 0;
}

static int story_free(void **state)
{
    struct story *story = *state;

    keyring_free(story->publics);
    aceso_abe_policy_free(story->policy);
    buffer_free(&story->headers);
    testing_world_free(&story->world);
    return 0;
}

static int story_open(const struct story *story, unsigned level, const struct keyring *keyring,
                      struct ladder *keys)
{
    memset(keys, 0xee, sizeof *keys);
    return header_open(buffer_bytes(&story->headers), &story->terms.context, level, keyring, keys,
                       NULL);
}

static struct keyring *story_patient(const struct story *story)
{
    struct keyring *keyring = testing_keyring(&story->world, testing_patient);

    assert_int_equal(testing_give(keyring, story->world.patient, "self.1", testing_patient),
                     ACESO_OK);
    return keyring;
}

/* header_check as the patient does it. */
static int story_check(const struct story *story, const struct header_terms *terms,
                       struct bytes headers,
                       uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE])
{
    struct keyring *keyring = story_patient(story);
    uint8_t copy[RECORD_LEVELS][HEADER_SIGMA_SIZE];
    struct ladder keys;
    int code;

    memcpy(copy, sigma, sizeof copy);
    memset(&keys, 0xee, sizeof keys);
    code = header_check(terms, headers, keyring, copy, &keys, NULL);
    if (code)
        assert_int_equal(keys.top, 0xee);
    else
        assert_memory_equal(&keys, &story->keys, sizeof keys);
    keyring_free(keyring);
    return code;
}

static void test_hospital_opens_everything(void **state)
{
    struct story *story = *state;
    struct keyring *keyring = testing_keyring(&story->world, testing_hospital);
    struct ladder keys;

    testing_give_hospitals(keyring, &story->world, testing_hospital);
    testing_give_grant(keyring, &story->world, 4, testing_hospital);
    assert_int_equal(story_open(story, 4, keyring, &keys), ACESO_OK);
    assert_memory_equal(&keys, &story->keys, sizeof keys);
    keyring_free(keyring);
}

static void test_patient_opens_by_self(void **state)
{
    struct story *story = *state;
    struct keyring *keyring = story_patient(story);
    struct ladder keys;

    assert_int_equal(story_open(story, 4, keyring, &keys), ACESO_OK);
    assert_memory_equal(&keys, &story->keys, sizeof keys);
    assert_int_equal(story_open(story, 3, keyring, &keys), ACESO_EDENIED);
    keyring_free(keyring);
}

static void test_institute_opens_its_level(void **state)
{
    struct story *story = *state;
    struct keyring *keyring = testing_keyring(&story->world, testing_institute);
    const uint8_t zero[RECORD_KEY_SIZE] = { 0 };
    struct ladder keys;

    testing_give_hospitals(keyring, &story->world, testing_institute);
    testing_give_grant(keyring, &story->world, 3, testing_institute);
    assert_int_equal(story_open(story, 3, keyring, &keys), ACESO_OK);
    assert_int_equal(keys.top, 3);
    for (unsigned level = 1; level <= 3; level++)
        assert_memory_equal(keys.key[level - 1], story->keys.key[level - 1], RECORD_KEY_SIZE);
    assert_memory_equal(keys.key[3], zero, RECORD_KEY_SIZE);
    assert_int_equal(story_open(story, 4, keyring, &keys), ACESO_EDENIED);
    assert_int_equal(keys.top, 0xee);
    /* Lower levels follow from K_3 alone: their headers want their own grant. */
    assert_int_equal(story_open(story, 2, keyring, &keys), ACESO_EDENIED);
    assert_int_equal(story_open(story, 0, keyring, &keys), ACESO_EUSAGE);
    assert_int_equal(story_open(story, 5, keyring, &keys), ACESO_EUSAGE);
    keyring_free(keyring);
}

static void test_no_grant_opens_nothing(void **state)
{
    struct story *story = *state;
    struct keyring *keyring = testing_keyring(&story->world, testing_institute);
    struct ladder keys;

    testing_give_hospitals(keyring, &story->world, testing_institute);
    for (unsigned level = 1; level <= RECORD_LEVELS; level++)
        assert_int_equal(story_open(story, level, keyring, &keys), ACESO_EDENIED);
    keyring_free(keyring);
}

static void test_every_part_of_the_policy_counts(void **state)
{
    static const char *const missing[] = { "on", "registered", "accredited" };
    struct story *story = *state;
    struct ladder keys;
    char on[65];

    authority_on_name(1, testing_patient, on);
    for (size_t i = 0; i < 3; i++) {
        struct keyring *keyring = testing_keyring(&story->world, testing_institute);

        testing_give_grant(keyring, &story->world, 1, testing_institute);
        if (i != 0)
            assert_int_equal(testing_give(keyring, story->world.hospital_a, on, testing_institute),
                             ACESO_OK);
        for (size_t j = 1; j < 3; j++) {
            if (j != i)
                assert_int_equal(testing_give(keyring,
                                              j == 1 ? story->world.hospital_a
                                                     : story->world.hospital_b,
                                              missing[j], testing_institute),
                                 ACESO_OK);
        }
        assert_int_equal(story_open(story, 1, keyring, &keys), ACESO_EDENIED);
        keyring_free(keyring);
    }
}

/* One has the grant, the other the hospitals' attributes: the keyring refuses the other's keys,
 * and the scheme itself refuses them together. */
static void test_pooled_keys(void **state)
{
    struct story *story = *state;
    struct keyring *one = testing_keyring(&story->world, testing_institute);
    struct keyring *other = testing_keyring(&story->world, testing_other);
    const struct aceso_abe_user_key *pool[4], *const *held;
    const struct aceso_abe_public_key *const *publics;
    struct aceso_abe_policy *policy = NULL;
    uint8_t sealed_key[ACESO_ABE_KEY_SIZE], key[ACESO_ABE_KEY_SIZE];
    uint8_t sigma[HEADER_SIGMA_SIZE] = { 1 };
    uint8_t *header = NULL;
    size_t length = 0, public_count = 0, count = 0;

    testing_give_grant(one, &story->world, 3, testing_institute);
    testing_give_hospitals(other, &story->world, testing_other);
    assert_int_equal(testing_give(one, story->world.hospital_a, "registered", testing_other),
                     ACESO_EVERIFY);
    pool[0] = keyring_user(one, &count)[0];
    assert_int_equal(count, 1);
    memcpy(pool + 1, keyring_user(other, &count), 3 * sizeof pool[0]);
    assert_int_equal(count, 3);
    publics = keyring_public(one, &public_count);
    assert_int_equal(policy_for_level(story->policy, 3, testing_patient, "hospital-a", 1, 1,
                                      &policy, NULL),
                     ACESO_OK);
    assert_int_equal(aceso_abe_encapsulate(policy, publics, public_count, NULL, 0, sigma, &header,
                                           &length, sealed_key),
                     ACESO_ABE_OK);
    assert_int_not_equal(aceso_abe_decapsulate(header, length, pool, 4, publics, public_count,
                                               NULL, 0, NULL, key),
                         ACESO_ABE_OK);
    testing_give_grant(other, &story->world, 3, testing_other); /* all are one user's: opens */
    held = keyring_user(other, &count);
    assert_int_equal(aceso_abe_decapsulate(header, length, held, count, publics, public_count,
                                           NULL, 0, NULL, key),
                     ACESO_ABE_OK);
    assert_memory_equal(key, sealed_key, sizeof key);
    aceso_abe_policy_free(policy);
    free(header);
    keyring_free(one);
    keyring_free(other);
}

static void test_revoked_epoch(void **state)
{
    struct story *story = *state;
    struct keyring *keyring = testing_keyring(&story->world, testing_institute);
    struct header_terms terms = story->terms;
    struct buffer headers = BUFFER_INIT(HEADERS_SIZE_MAX);
    uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE];
    struct record_epoch epoch;
    struct ladder keys;

    terms.epoch.n = 2;
    assert_int_equal(header_make(&terms, &story->keys, story->publics, &headers, sigma, NULL),
                     ACESO_OK);
    assert_int_equal(header_epoch(buffer_bytes(&headers), &epoch, NULL), ACESO_OK);
    assert_int_equal(epoch.n, 2);
    testing_give_hospitals(keyring, &story->world, testing_institute);
    testing_give_grant(keyring, &story->world, 3, testing_institute);
    assert_int_equal(header_open(buffer_bytes(&headers), &terms.context, 3, keyring, &keys, NULL),
                     ACESO_EDENIED);
    keyring_free(keyring);
    buffer_free(&headers);
}

static void test_bound_to_the_relationship(void **state)
{
    struct story *story = *state;
    struct keyring *keyring = story_patient(story);
    struct record_context changed[4];
    struct ladder keys;

    for (size_t i = 0; i < 4; i++) {
        struct header_terms terms = story->terms;

        changed[i] = story->terms.context;
        changed[i].chain_id += i == 0;
        changed[i].contract[19] ^= i == 1;
        changed[i].patient[19] ^= i == 2;
        changed[i].hospital[19] ^= i == 3;
        assert_int_equal(header_open(buffer_bytes(&story->headers), &changed[i], 4, keyring, &keys,
                                     NULL),
                         ACESO_EVERIFY);
        terms.context = changed[i];
        assert_int_equal(story_check(story, &terms, buffer_bytes(&story->headers), story->sigma),
                         ACESO_EVERIFY);
    }
    keyring_free(keyring);
}

static void test_check_accepts(void **state)
{
    struct story *story = *state;

    assert_int_equal(story_check(story, &story->terms, buffer_bytes(&story->headers),
                                 story->sigma),
                     ACESO_OK);
}

static void test_check_refuses_other_terms(void **state)
{
    struct story *story = *state;
    struct header_terms terms = story->terms;
    struct aceso_abe_policy *policy = NULL;

    assert_int_equal(policy_parse("registered@hospital-a or accredited@hospital-b", &policy, NULL),
                     ACESO_OK);
    terms.policy = policy;
    assert_int_equal(story_check(story, &terms, buffer_bytes(&story->headers), story->sigma),
                     ACESO_EVERIFY);
    terms = story->terms;
    terms.epoch.e = 2;
    assert_int_equal(story_check(story, &terms, buffer_bytes(&story->headers), story->sigma),
                     ACESO_EVERIFY);
    terms = story->terms;
    terms.hospital = "hospital-b";
    assert_int_equal(story_check(story, &terms, buffer_bytes(&story->headers), story->sigma),
                     ACESO_EVERIFY);
    aceso_abe_policy_free(policy);
}

/* Puts headers together from single levels: for level i + 1 that of `from[i]` at `level[i]`. */
static void story_splice(const struct bytes *from, const unsigned level[RECORD_LEVELS],
                         struct buffer *out)
{
    struct reader reader = reader_of(from[0]);

    (void)buffer_put_bytes(out, reader_take(&reader, 9));
    for (unsigned i = 0; i < RECORD_LEVELS; i++) {
        reader = reader_of(from[i]);
        (void)reader_take(&reader, 9);
        for (unsigned at = 1; at <= RECORD_LEVELS; at++) {
            struct bytes header = reader_field(&reader, HEADERS_SIZE_MAX);
            struct bytes wrapped = reader_field(&reader, HEADERS_SIZE_MAX);

            if (at != level[i])
                continue;
            (void)buffer_put_field(out, header);
            (void)buffer_put_field(out, wrapped);
        }
    }
    assert_int_equal(out->failed, ACESO_OK);
}

static void test_check_refuses_another_ladder(void **state)
{
    struct story *story = *state;
    struct ladder other;
    struct buffer foreign = BUFFER_INIT(HEADERS_SIZE_MAX), mixed = BUFFER_INIT(HEADERS_SIZE_MAX);
    uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE], together[RECORD_LEVELS][HEADER_SIGMA_SIZE];
    const unsigned levels[RECORD_LEVELS] = { 1, 2, 3, 4 };

    assert_int_equal(ladder_random(&story->terms.context, story->terms.epoch, &other, NULL),
                     ACESO_OK);
    assert_int_equal(header_make(&story->terms, &other, story->publics, &foreign, sigma, NULL),
                     ACESO_OK);
    for (unsigned level = 1; level <= RECORD_LEVELS; level++) {
        struct bytes from[RECORD_LEVELS];

        memcpy(together, story->sigma, sizeof together);
        memcpy(together[level - 1], sigma[level - 1], HEADER_SIGMA_SIZE);
        for (unsigned i = 0; i < RECORD_LEVELS; i++)
            from[i] = buffer_bytes(i + 1 == level ? &foreign : &story->headers);
        buffer_clear(&mixed);
        story_splice(from, levels, &mixed);
        assert_int_equal(story_check(story, &story->terms, buffer_bytes(&mixed), together),
                         ACESO_EVERIFY);
    }
    buffer_free(&foreign);
    buffer_free(&mixed);
}

static void test_check_refuses_swapped_levels(void **state)
{
    static const unsigned levels[][RECORD_LEVELS] = { { 2, 1, 3, 4 }, { 1, 3, 2, 4 },
                                                      { 1, 2, 4, 3 }, { 4, 2, 3, 1 } };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        struct bytes whole = buffer_bytes(&story->headers);
        struct bytes from[RECORD_LEVELS] = { whole, whole, whole, whole };
        uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE];
        struct buffer mixed = BUFFER_INIT(HEADERS_SIZE_MAX);

        for (unsigned at = 0; at < RECORD_LEVELS; at++)
            memcpy(sigma[at], story->sigma[levels[i][at] - 1], HEADER_SIGMA_SIZE);
        story_splice(from, levels[i], &mixed);
        assert_int_not_equal(story_check(story, &story->terms, buffer_bytes(&mixed), sigma),
                             ACESO_OK);
        buffer_free(&mixed);
    }
}

static void test_check_refuses_a_changed_byte(void **state)
{
    struct story *story = *state;
    struct buffer copy = BUFFER_INIT(HEADERS_SIZE_MAX);
    uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE];
    size_t step = story->headers.len / 60 | 1;

    assert_int_equal(buffer_put_bytes(&copy, buffer_bytes(&story->headers)), ACESO_OK);
    for (size_t i = 0; i < copy.len; i += i < 16 ? 1 : step) {
        copy.data[i] ^= 1;
        assert_int_not_equal(story_check(story, &story->terms, buffer_bytes(&copy), story->sigma),
                             ACESO_OK);
        copy.data[i] ^= 1;
    }
    for (unsigned level = 0; level < RECORD_LEVELS; level++) {
        memcpy(sigma, story->sigma, sizeof sigma);
        sigma[level][0] ^= 1;
        assert_int_equal(story_check(story, &story->terms, buffer_bytes(&copy), sigma),
                         ACESO_EVERIFY);
    }
    buffer_free(&copy);
}

static void test_malformed(void **state)
{
    struct story *story = *state;
    struct bytes whole = buffer_bytes(&story->headers);
    struct record_epoch epoch = { 7, 7 };
    struct bytes header;

    for (size_t len = 0; len < whole.len; len += len < 32 ? 1 : 97)
        assert_int_equal(header_epoch(bytes_of(whole.data, len), &epoch, NULL), ACESO_EFORMAT);
    assert_int_equal(epoch.e, 7);
    assert_int_equal(buffer_put_u8(&story->headers, 0), ACESO_OK);
    assert_int_equal(header_epoch(buffer_bytes(&story->headers), &epoch, NULL), ACESO_EFORMAT);
    story->headers.len--;
    assert_int_equal(header_of_level(buffer_bytes(&story->headers), 5, &header, NULL),
                     ACESO_EUSAGE);
    story->keys.top = 3;
    assert_int_equal(header_make(&story->terms, &story->keys, story->publics, &story->headers,
                                 story->sigma, NULL),
                     ACESO_EUSAGE);
    story->keys.top = RECORD_LEVELS;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hospital_opens_everything),
        cmocka_unit_test(test_patient_opens_by_self),
        cmocka_unit_test(test_institute_opens_its_level),
        cmocka_unit_test(test_no_grant_opens_nothing),
        cmocka_unit_test(test_every_part_of_the_policy_counts),
        cmocka_unit_test(test_pooled_keys),
        cmocka_unit_test(test_revoked_epoch),
        cmocka_unit_test(test_bound_to_the_relationship),
        cmocka_unit_test(test_check_accepts),
        cmocka_unit_test(test_check_refuses_other_terms),
        cmocka_unit_test(test_check_refuses_another_ladder),
        cmocka_unit_test(test_check_refuses_swapped_levels),
        cmocka_unit_test(test_check_refuses_a_changed_byte),
        cmocka_unit_test(test_malformed),
    };

    return cmocka_run_group_tests_name("consent headers", tests, story_make, story_free);
}
