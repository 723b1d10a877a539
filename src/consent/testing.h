/* SPDX-License-Identifier: Apache-2.0 */
/* A small world for the tests of this folder: two hospitals, a patient, whoever wants keys. */
#ifndef ACESO_CONSENT_TESTING_H
#define ACESO_CONSENT_TESTING_H

#include "base/secret.h"
#include "consent/authority.h"
#include "consent/header.h"
#include "consent/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TESTING_KEY_MAX 65536

static const uint8_t testing_patient[20] = { 0xaa, 1 };
static const uint8_t testing_hospital[20] = { 0xbb, 2 };
static const uint8_t testing_institute[20] = { 0xcc, 3 };
static const uint8_t testing_other[20] = { 0xdd, 4 };

struct testing_world {
    struct authority *hospital_a, *hospital_b, *patient;
};

static inline struct authority *testing_authority(uint8_t first, const char *label)
{
    uint8_t seed[32] = { first, 7 };
    struct authority *authority = NULL;

    assert_int_equal(secret_init(NULL), ACESO_OK);
    assert_int_equal(authority_create(seed, label, &authority, NULL), ACESO_OK);
    return authority;
}

static inline void testing_world_make(struct testing_world *world)
{
    char label[43];

    authority_patient_label(testing_patient, label);
    world->hospital_a = testing_authority(1, "hospital-a");
    world->hospital_b = testing_authority(2, "hospital-b");
    world->patient = testing_authority(3, label);
}

static inline void testing_world_free(struct testing_world *world)
{
    authority_free(world->hospital_a);
    authority_free(world->hospital_b);
    authority_free(world->patient);
}

static inline void testing_add_public(struct keyring *keyring, const struct authority *authority,
                                      const char *name)
{
    struct buffer key = BUFFER_INIT(TESTING_KEY_MAX);

    assert_int_equal(authority_public_key(authority, name, &key, NULL), ACESO_OK);
    assert_int_equal(keyring_add_public(keyring, buffer_bytes(&key), NULL), ACESO_OK);
    buffer_free(&key);
}

/* Every public key of epochs up to 2. */
static inline void testing_add_publics(struct keyring *keyring, const struct testing_world *world)
{
    char name[65];

    for (uint32_t epoch = 1; epoch <= 2; epoch++) {
        authority_on_name(epoch, testing_patient, name);
        testing_add_public(keyring, world->hospital_a, name);
        authority_self_name(epoch, name);
        testing_add_public(keyring, world->patient, name);
        for (unsigned level = 1; level <= RECORD_LEVELS; level++) {
            authority_grant_name(level, epoch, name);
            testing_add_public(keyring, world->patient, name);
        }
    }
    testing_add_public(keyring, world->hospital_a, "registered");
    testing_add_public(keyring, world->hospital_b, "accredited");
}

/* Gives `keyring` the key of an attribute for `address`; returns what keyring_add_user says. */
static inline int testing_give(struct keyring *keyring, const struct authority *authority,
                               const char *name, const uint8_t address[20])
{
    struct buffer key = BUFFER_INIT_SECRET(TESTING_KEY_MAX);
    int code;

    assert_int_equal(authority_user_key(authority, name, address, &key, NULL), ACESO_OK);
    code = keyring_add_user(keyring, buffer_bytes(&key), NULL);
    buffer_free(&key);
    return code;
}

/* A keyring with every public key and no user key. */
static inline struct keyring *testing_keyring(const struct testing_world *world,
                                              const uint8_t address[20])
{
    struct keyring *keyring = keyring_create(address);

    assert_non_null(keyring);
    testing_add_publics(keyring, world);
    return keyring;
}

/* Everything that the two hospitals can issue to `address` in hospital epoch 1. */
static inline void testing_give_hospitals(struct keyring *keyring,
                                          const struct testing_world *world,
                                          const uint8_t address[20])
{
    char name[65];

    authority_on_name(1, testing_patient, name);
    assert_int_equal(testing_give(keyring, world->hospital_a, name, address), ACESO_OK);
    assert_int_equal(testing_give(keyring, world->hospital_a, "registered", address), ACESO_OK);
    assert_int_equal(testing_give(keyring, world->hospital_b, "accredited", address), ACESO_OK);
}

static inline void testing_give_grant(struct keyring *keyring, const struct testing_world *world,
                                      unsigned level, const uint8_t address[20])
{
    char name[65];

    authority_grant_name(level, 1, name);
    assert_int_equal(testing_give(keyring, world->patient, name, address), ACESO_OK);
}

#endif
