/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads: round trips, streams, everything that must be refused. Uses the public header, world.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK = 65536, TAG = 16, PREAMBLE = 7 };

/* A reader, who has a@h, and ciphertexts for "a@h and (b@h or c@g)" or the like. */
struct scene {
    struct aceso_abe_policy *policy;
    struct world_keys keys;
    struct aceso_abe_user_key *users[2];
};

static void scene_begin(struct scene *scene)
{
    scene->policy = world_policy("a@h and (b@h or c@g)");
    world_keys_begin(&scene->keys, scene->policy);
    scene->users[0] = world_user("a@h", "u");
    scene->users[1] = world_user("c@g", "u");
}

static void scene_end(struct scene *scene)
{
    for (size_t i = 0; i < 2; i++)
        aceso_abe_user_key_free(scene->users[i]);
    world_keys_end(&scene->keys);
    aceso_abe_policy_free(scene->policy);
}

static int open_as(const struct scene *scene, size_t users, const uint8_t *bytes, size_t length,
                   const char *associated, uint8_t **plain, size_t *plain_length)
{
    return aceso_abe_decrypt(bytes, length, USER_KEYS(scene->users), users,
                             PUBLIC_KEYS(scene->keys.keys), scene->keys.count,
                             (const uint8_t *)associated, strlen(associated), plain, plain_length);
}

static uint8_t *pattern(size_t length)
{
    uint8_t *bytes = malloc(length + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    return bytes;
}

static void seal(const struct scene *scene, enum aceso_abe_form form, const uint8_t *plain,
                 size_t length, uint8_t **bytes, size_t *sealed_length)
{
    assert_int_equal(aceso_abe_encrypt(form, scene->policy, PUBLIC_KEYS(scene->keys.keys),
                                       scene->keys.count, (const uint8_t *)"data", 4, plain, length,
                                       bytes, sealed_length),
                     ACESO_ABE_OK);
}

static void test_round_trip_of_all_sizes(void **state)
{
    static const size_t sizes[] = { 0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 200000 };
    struct scene scene;

    (void)state;
    scene_begin(&scene);
    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = sizes[i / 2];
        uint8_t *plain = pattern(size);
        uint8_t *bytes;
        uint8_t *back;
        size_t length;
        size_t back_length = 1;
        const uint8_t *header;
        size_t header_length;
        struct aceso_abe_header_info info;

        seal(&scene, i % 2 == 0 ? ACESO_ABE_CPA : ACESO_ABE_CCA, plain, size, &bytes, &length);
        assert_int_equal(aceso_abe_ciphertext_header(bytes, length, &header, &header_length),
                         ACESO_ABE_OK);
        assert_int_equal(aceso_abe_header_inspect(header, header_length, &info), ACESO_ABE_OK);
        assert_int_equal(info.cca, i % 2 == 1);
        assert_int_equal(length, PREAMBLE + header_length + size +
                                     TAG * (size == 0 ? 1 : (size + CHUNK - 1) / CHUNK));
        assert_int_equal(open_as(&scene, 2, bytes, length, "data", &back, &back_length),
                         ACESO_ABE_OK);
        assert_int_equal(back_length, size);
        assert_memory_equal(back, plain, size);
        free(back);
        free(bytes);
        free(plain);
    }
    scene_end(&scene);
}

/* Two encryptions of the same have nothing in common behind the policy. */
static void test_encryption_is_fresh(void **state)
{
    struct scene scene;
    uint8_t *first;
    uint8_t *second;
    size_t length;
    size_t equal = 0;

    (void)state;
    scene_begin(&scene);
    seal(&scene, ACESO_ABE_CPA, (const uint8_t *)"", 0, &first, &length);
    seal(&scene, ACESO_ABE_CPA, (const uint8_t *)"", 0, &second, &length);
    for (size_t i = PREAMBLE + 7 + 20; i < length; i++)
        equal += first[i] == second[i];
    assert_true(equal < length / 32);
    free(first);
    free(second);
    scene_end(&scene);
}

static void test_who_may_not_read(void **state)
{
    struct scene scene;
    uint8_t *bytes;
    uint8_t *back = NULL;
    size_t length;
    size_t back_length = 0;

    (void)state;
    scene_begin(&scene);
    seal(&scene, ACESO_ABE_CPA, (const uint8_t *)"secret", 6, &bytes, &length);
    assert_int_equal(open_as(&scene, 1, bytes, length, "data", &back, &back_length),
                     ACESO_ABE_UNSATISFIED);
    assert_int_equal(open_as(&scene, 2, bytes, length, "Data", &back, &back_length),
                     ACESO_ABE_REFUSED);
    assert_int_equal(open_as(&scene, 2, bytes, length, "", &back, &back_length), ACESO_ABE_REFUSED);
    assert_null(back);
    free(bytes);
    scene_end(&scene);
}

/* Both forms, rows that are used and one that is not: no byte can be changed. */
static void test_every_byte_changed(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene);
    for (int form = ACESO_ABE_CPA; form <= ACESO_ABE_CCA; form++) {
        uint8_t *bytes;
        uint8_t *back = NULL;
        size_t length;
        size_t back_length = 0;

        seal(&scene, (enum aceso_abe_form)form, (const uint8_t *)"secret", 6, &bytes, &length);
        for (size_t i = 0; i < length; i++) {
            bytes[i] ^= (uint8_t)(1u << i % 8);
            assert_int_not_equal(open_as(&scene, 2, bytes, length, "data", &back, &back_length),
                                 ACESO_ABE_OK);
            bytes[i] ^= (uint8_t)(1u << i % 8);
        }
        assert_null(back);
        assert_int_equal(open_as(&scene, 2, bytes, length, "data", &back, &back_length),
                         ACESO_ABE_OK);
        free(back);
        free(bytes);
    }
    scene_end(&scene);
}

/* Cut at any place, something behind: nothing comes out. */
static void test_cut_and_longer(void **state)
{
    struct scene scene;
    uint8_t *bytes;
    uint8_t *longer;
    uint8_t *back = NULL;
    size_t length;
    size_t back_length = 0;

    (void)state;
    scene_begin(&scene);
    seal(&scene, ACESO_ABE_CPA, (const uint8_t *)"secret", 6, &bytes, &length);
    for (size_t i = 0; i < length; i += i < 60 || i > length - 60 ? 1 : 97)
        assert_int_not_equal(open_as(&scene, 2, bytes, i, "data", &back, &back_length),
                             ACESO_ABE_OK);
    longer = calloc(1, length + 17);
    assert_non_null(longer);
    memcpy(longer, bytes, length);
    for (size_t i = 1; i <= 17; i += 8)
        assert_int_equal(open_as(&scene, 2, longer, length + i, "data", &back, &back_length),
                         ACESO_ABE_REFUSED);
    assert_null(back);
    free(longer);
    free(bytes);
    scene_end(&scene);
}

/* Chunks cannot be left out, swapped or repeated, and the last one is the last. */
static void test_chunks_have_their_place(void **state)
{
    struct scene scene;
    uint8_t *plain = pattern(3 * CHUNK);
    uint8_t *bytes;
    uint8_t *changed;
    uint8_t *back = NULL;
    size_t sealed = CHUNK + TAG;
    size_t length;
    size_t start;
    size_t back_length = 0;

    (void)state;
    scene_begin(&scene);
    seal(&scene, ACESO_ABE_CPA, plain, 3 * CHUNK, &bytes, &length);
    start = length - 3 * sealed;
    changed = malloc(length + sealed);
    assert_non_null(changed);
    for (size_t i = 1; i <= 2; i++) /* cut at a chunk's end */
        assert_int_equal(open_as(&scene, 2, bytes, start + i * sealed, "data", &back, &back_length),
                         ACESO_ABE_REFUSED);
    for (size_t i = 0; i < 3; i++) { /* one left out */
        memcpy(changed, bytes, length);
        memmove(changed + start + i * sealed, changed + start + (i + 1) * sealed, (2 - i) * sealed);
        assert_int_equal(open_as(&scene, 2, changed, length - sealed, "data", &back, &back_length),
                         ACESO_ABE_REFUSED);
    }
    for (size_t i = 0; i < 2; i++) { /* two swapped */
        memcpy(changed, bytes, length);
        memcpy(changed + start + i * sealed, bytes + start + (i + 1) * sealed, sealed);
        memcpy(changed + start + (i + 1) * sealed, bytes + start + i * sealed, sealed);
        assert_int_equal(open_as(&scene, 2, changed, length, "data", &back, &back_length),
                         ACESO_ABE_REFUSED);
    }
    memcpy(changed, bytes, length); /* the last one twice */
    memcpy(changed + length, bytes + length - sealed, sealed);
    assert_int_equal(open_as(&scene, 2, changed, length + sealed, "data", &back, &back_length),
                     ACESO_ABE_REFUSED);
    assert_null(back);
    free(changed);
    free(bytes);
    free(plain);
    scene_end(&scene);
}

struct sink {
    uint8_t *bytes;
    size_t length;
    size_t room;
};

static int sink_write(void *to, const uint8_t *bytes, size_t length)
{
    struct sink *sink = to;

    if (length > sink->room - sink->length)
        return -1;
    if (length > 0)
        memcpy(sink->bytes + sink->length, bytes, length);
    sink->length += length;
    return 0;
}

static void test_streams_in_pieces(void **state)
{
    static const size_t pieces[] = { 1, 13, CHUNK - 1, CHUNK, CHUNK + TAG, 150000 };
    enum { SIZE = 140000 };
    struct scene scene;
    uint8_t *plain = pattern(SIZE);

    (void)state;
    scene_begin(&scene);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct sink sealed = { malloc(SIZE + 4096), 0, SIZE + 4096 };
        struct sink opened = { malloc(SIZE), 0, SIZE };
        struct aceso_abe_encryption *out = NULL;
        struct aceso_abe_decryption_stream *in = NULL;

        assert_int_equal(aceso_abe_encrypt_begin(ACESO_ABE_CPA, scene.policy,
                                                 PUBLIC_KEYS(scene.keys.keys), scene.keys.count,
                                                 NULL, 0, sink_write, &sealed, &out),
                         ACESO_ABE_OK);
        for (size_t at = 0; at < SIZE; at += pieces[i])
            assert_int_equal(aceso_abe_encrypt_update(
                                 out, plain + at, SIZE - at < pieces[i] ? SIZE - at : pieces[i]),
                             ACESO_ABE_OK);
        assert_int_equal(aceso_abe_encrypt_end(out), ACESO_ABE_OK);
        assert_int_equal(aceso_abe_encrypt_end(out), ACESO_ABE_ARGUMENT);
        assert_int_equal(aceso_abe_decrypt_begin(USER_KEYS(scene.users), 2, NULL, 0, NULL, 0,
                                                 sink_write, &opened, &in),
                         ACESO_ABE_OK);
        for (size_t at = 0; at < sealed.length; at += pieces[i])
            assert_int_equal(aceso_abe_decrypt_update(
                                 in, sealed.bytes + at,
                                 sealed.length - at < pieces[i] ? sealed.length - at : pieces[i]),
                             ACESO_ABE_OK);
        assert_int_equal(aceso_abe_decrypt_end(in), ACESO_ABE_OK);
        assert_int_equal(aceso_abe_decrypt_update(in, plain, 1), ACESO_ABE_ARGUMENT);
        assert_int_equal(opened.length, SIZE);
        assert_memory_equal(opened.bytes, plain, SIZE);
        aceso_abe_encryption_free(out);
        aceso_abe_decryption_stream_free(in);
        free(sealed.bytes);
        free(opened.bytes);
    }
    free(plain);
    scene_end(&scene);
}

/* A writer that refuses stops the stream for good; a missing public key says so. */
static void test_stream_failures(void **state)
{
    struct scene scene;
    struct sink full = { NULL, 0, 0 };
    struct aceso_abe_encryption *out = NULL;
    uint8_t *bytes = NULL;
    size_t length = 0;

    (void)state;
    scene_begin(&scene);
    assert_int_equal(aceso_abe_encrypt_begin(ACESO_ABE_CPA, scene.policy,
                                             PUBLIC_KEYS(scene.keys.keys), scene.keys.count, NULL,
                                             0, sink_write, &full, &out),
                     ACESO_ABE_OK);
    assert_int_equal(aceso_abe_encrypt_update(out, (const uint8_t *)"x", 1), ACESO_ABE_OK);
    assert_int_equal(aceso_abe_encrypt_end(out), ACESO_ABE_WRITE);
    assert_int_equal(aceso_abe_encrypt_update(out, (const uint8_t *)"x", 1), ACESO_ABE_WRITE);
    aceso_abe_encryption_free(out);
    assert_int_equal(aceso_abe_encrypt(ACESO_ABE_CPA, scene.policy, PUBLIC_KEYS(scene.keys.keys), 1,
                                       NULL, 0, NULL, 0, &bytes, &length),
                     ACESO_ABE_MISSING_KEY);
    assert_null(bytes);
    scene_end(&scene);
}

/* One hostile ciphertext among many fails alone. */
static void test_many(void **state)
{
    enum { COUNT = 24, HOSTILE = 7 };
    struct aceso_abe_decryption batch[COUNT];
    struct scene scene;

    (void)state;
    scene_begin(&scene);
    memset(batch, 0, sizeof(batch));
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t *bytes;
        uint8_t plain = (uint8_t)i;

        seal(&scene, i % 2 == 0 ? ACESO_ABE_CPA : ACESO_ABE_CCA, &plain, 1, &bytes,
             &batch[i].ciphertext_length);
        batch[i].ciphertext = bytes;
        batch[i].associated = (const uint8_t *)"data";
        batch[i].associated_length = 4;
        if (i == HOSTILE) /* C1 of the first row: g = 0 */
            memset(bytes + PREAMBLE + 7 + 20, 0, 288);
    }
    for (unsigned threads = 0; threads < 4; threads++) {
        assert_int_equal(aceso_abe_decrypt_many(batch, COUNT, USER_KEYS(scene.users), 2,
                                                PUBLIC_KEYS(scene.keys.keys), scene.keys.count,
                                                threads),
                         ACESO_ABE_OK);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(batch[i].code, i == HOSTILE ? ACESO_ABE_REFUSED : ACESO_ABE_OK);
            if (i == HOSTILE)
                continue;
            assert_int_equal(batch[i].length, 1);
            assert_int_equal(batch[i].payload[0], i);
            free(batch[i].payload);
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        free((void *)(uintptr_t)batch[i].ciphertext);
    scene_end(&scene);
}

static void test_header_of_a_ciphertext(void **state)
{
    struct scene scene;
    uint8_t *bytes;
    size_t length;
    const uint8_t *header = NULL;
    size_t header_length = 0;

    (void)state;
    scene_begin(&scene);
    seal(&scene, ACESO_ABE_CPA, (const uint8_t *)"", 0, &bytes, &length);
    for (size_t i = 0; i < length - TAG; i += 5)
        assert_int_equal(aceso_abe_ciphertext_header(bytes, i, &header, &header_length),
                         ACESO_ABE_LIMIT);
    assert_int_equal(aceso_abe_ciphertext_header(bytes, length - TAG, &header, &header_length),
                     ACESO_ABE_OK);
    assert_ptr_equal(header, bytes + PREAMBLE);
    bytes[2] = 4;
    assert_int_equal(aceso_abe_ciphertext_header(bytes, length, &header, &header_length),
                     ACESO_ABE_FORMAT);
    bytes[2] = 5;
    bytes[3] = 0xff;
    assert_int_equal(aceso_abe_ciphertext_header(bytes, length, &header, &header_length),
                     ACESO_ABE_FORMAT);
    free(bytes);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_of_all_sizes),
        cmocka_unit_test(test_encryption_is_fresh),
        cmocka_unit_test(test_who_may_not_read),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_cut_and_longer),
        cmocka_unit_test(test_chunks_have_their_place),
        cmocka_unit_test(test_streams_in_pieces),
        cmocka_unit_test(test_stream_failures),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_header_of_a_ciphertext),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
