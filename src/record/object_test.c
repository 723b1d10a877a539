/* SPDX-License-Identifier: Apache-2.0 */
/* Objects against another implementation's, and every way in which one can be wrong. Takes the
 * module's text in, to seal plain texts of a wrong form. */
#include "record/object.c"

#include "record/object_batch.h"
#include "record/vectors.h"

#include <stdio.h>

#define OBJECT_BUFFER ((size_t)1 << 20)

/* Bytes as make.mjs draws them. */
static void draw(const char *name, size_t size, struct buffer *out)
{
    const struct bytes key = bytes_of_string("aceso vectors");
    char text[128];
    uint8_t mac[32];

    for (unsigned i = 0; out->len < size; i++) {
        (void)snprintf(text, sizeof text, "%s %u", name, i);
        hmac_sha256(key, bytes_of_string(text), mac);
        assert_int_equal(buffer_put(out, mac, sizeof mac), ACESO_OK);
    }
    out->len = size;
}

static void vector_content(yyjson_val *object, struct buffer *content)
{
    yyjson_val *sizes = yyjson_obj_get(object, "parts");
    struct buffer drawn[RECORD_LEVELS];
    struct bytes part[RECORD_LEVELS];
    char name[64];

    for (size_t i = 0; i < RECORD_LEVELS; i++) {
        drawn[i] = (struct buffer)BUFFER_INIT(OBJECT_BUFFER);
        (void)snprintf(name, sizeof name, "%s %zu", vectors_text(object, "record"), i + 1);
        draw(name, (size_t)yyjson_get_uint(yyjson_arr_get(sizes, i)), &drawn[i]);
        part[i] = buffer_bytes(&drawn[i]);
    }
    assert_int_equal(object_content_put(part, content, NULL), ACESO_OK);
    for (size_t i = 0; i < RECORD_LEVELS; i++)
        buffer_free(&drawn[i]);
}

static void vector_check(yyjson_val *object, const uint8_t patient[20],
                         const struct object_keys *keys)
{
    struct object_place place = { .version = (uint32_t)vectors_number(object, "version"),
                                  .piece = (uint32_t)vectors_number(object, "piece") };
    uint64_t generation = vectors_number(object, "generation");
    struct buffer content = BUFFER_INIT(OBJECT_BUFFER), sealed = BUFFER_INIT(OBJECT_BUFFER);
    struct buffer opened = BUFFER_INIT(OBJECT_BUFFER);
    uint8_t name[32], wanted[32], seed[32], digest[32];
    size_t from = place.piece * OBJECT_PIECE_MAX, len = vectors_number(object, "slice");
    enum object_fault fault;

    memcpy(place.patient, patient, 20);
    vectors_hex(object, "record", place.record, RECORD_ID_SIZE);
    object_name(keys, &place, name);
    vectors_hex(object, "name", wanted, 32);
    assert_memory_equal(name, wanted, 32);
    vector_content(object, &content);
    sha256(buffer_bytes(&content), digest);
    vectors_hex(object, "contentSha256", wanted, 32);
    assert_memory_equal(digest, wanted, 32);
    vectors_hex(object, "seed", seed, 32);
    assert_int_equal(object_seal_with(keys, name, generation, seed,
                                      bytes_of(content.data + from, len), &sealed, NULL),
                     ACESO_OK);
    assert_int_equal(sealed.len, vectors_number(object, "size"));
    assert_int_equal(sealed.len, object_size(len));
    sha256(buffer_bytes(&sealed), digest);
    vectors_hex(object, "sha256", wanted, 32);
    assert_memory_equal(digest, wanted, 32);
    assert_int_equal(object_open(keys, name, generation, buffer_bytes(&sealed), &opened, &fault,
                                 NULL),
                     ACESO_OK);
    assert_int_equal(fault, OBJECT_SOUND);
    assert_true(bytes_equal(buffer_bytes(&opened), bytes_of(content.data + from, len)));
    buffer_free(&content);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void test_vectors(void **state)
{
    yyjson_doc *doc = vectors_load("object.json");
    yyjson_val *root = yyjson_doc_get_root(doc), *object;
    uint8_t secret[32], cloud[20], patient[20], wanted[32];
    struct object_keys keys;
    size_t at, count;

    (void)state;
    vectors_hex(root, "secret", secret, 32);
    vectors_hex(root, "cloud", cloud, 20);
    vectors_hex(root, "patient", patient, 20);
    object_keys_derive(secret, cloud, &keys);
    vectors_hex(root, "nameKey", wanted, 32);
    assert_memory_equal(keys.name, wanted, 32);
    vectors_hex(root, "sealKey", wanted, 32);
    assert_memory_equal(keys.seal, wanted, 32);
    yyjson_arr_foreach(yyjson_obj_get(root, "objects"), at, count, object)
    {
        vector_check(object, patient, &keys);
    }
    assert_int_equal(count, 4);
    yyjson_doc_free(doc);
}

/* ---- what is wrong is named -------------------------------------------------------------- */

struct sample {
    struct object_keys keys;
    uint8_t name[32], other[32];
    struct buffer sealed;
};

static int setup(void **state)
{
    struct sample *sample = calloc(1, sizeof *sample);
    struct object_place place = { .patient = { 1 }, .record = { 2 }, .version = 1 };
    const uint8_t secret[32] = { 3 }, cloud[20] = { 4 };

    assert_non_null(sample);
    object_keys_derive(secret, cloud, &sample->keys);
    object_name(&sample->keys, &place, sample->name);
    place.record[0]++;
    object_name(&sample->keys, &place, sample->other);
    sample->sealed = (struct buffer)BUFFER_INIT(OBJECT_BUFFER);
    assert_int_equal(object_seal(&sample->keys, sample->name, 5, bytes_of("content", 7),
                                 &sample->sealed, NULL),
                     ACESO_OK);
    *state = sample;
    return 0;
}

static int teardown(void **state)
{
    struct sample *sample = *state;

    buffer_free(&sample->sealed);
    free(sample);
    return 0;
}

/* How `object` is under the sample's name and generation 5; what is not sound yields nothing. */
static enum object_fault judge_as(const struct sample *sample, const uint8_t name[32],
                                  uint64_t generation, struct bytes object)
{
    struct buffer out = BUFFER_INIT(OBJECT_BUFFER);
    enum object_fault fault = OBJECT_LOST;

    assert_int_equal(object_open(&sample->keys, name, generation, object, &out, &fault, NULL),
                     ACESO_OK);
    assert_int_equal(out.len, fault == OBJECT_SOUND ? 7 : 0);
    buffer_free(&out);
    return fault;
}

static enum object_fault judge(const struct sample *sample, struct bytes object)
{
    return judge_as(sample, sample->name, 5, object);
}

static void test_faults(void **state)
{
    struct sample *sample = *state;
    struct bytes object = buffer_bytes(&sample->sealed);

    assert_int_equal(judge(sample, object), OBJECT_SOUND);
    assert_int_equal(judge_as(sample, sample->other, 5, object), OBJECT_SWAPPED);
    assert_int_equal(judge_as(sample, sample->name, 6, object), OBJECT_ROLLED_BACK);
    assert_int_equal(judge_as(sample, sample->name, 4, object), OBJECT_NEWER);
    assert_string_equal(object_fault_word(OBJECT_ROLLED_BACK), "rolled back");
    assert_string_equal(object_fault_word((enum object_fault)99), "unknown");
}

static void test_changed(void **state)
{
    struct sample *sample = *state;

    for (size_t i = 0; i < sample->sealed.len; i += i < 64 ? 1 : 61) {
        sample->sealed.data[i] ^= 0x10;
        assert_int_equal(judge(sample, buffer_bytes(&sample->sealed)), OBJECT_CHANGED);
        sample->sealed.data[i] ^= 0x10;
    }
    for (size_t len = 0; len < sample->sealed.len; len += 97)
        assert_int_equal(judge(sample, bytes_of(sample->sealed.data, len)), OBJECT_CHANGED);
    assert_int_equal(buffer_put_zeros(&sample->sealed, 2048), ACESO_OK);
    assert_int_equal(judge(sample, buffer_bytes(&sample->sealed)), OBJECT_CHANGED);
}

static void test_wrong_key(void **state)
{
    struct sample *sample = *state;
    const uint8_t secret[32] = { 3 }, cloud[20] = { 5 };

    object_keys_derive(secret, cloud, &sample->keys); /* the same hospital's for another cloud */
    assert_int_equal(judge(sample, buffer_bytes(&sample->sealed)), OBJECT_CHANGED);
}

/* A plain text that nobody but the owner of the key could have sealed. */
static enum object_fault judge_plain(const struct sample *sample, const struct buffer *plain)
{
    const uint8_t seed[32] = { 7 };
    struct buffer sealed = BUFFER_INIT(OBJECT_BUFFER);
    enum object_fault fault;
    uint8_t key[32];

    object_key(&sample->keys, bytes_of(seed, 32), key);
    (void)buffer_put_u8(&sealed, 1);
    (void)buffer_put(&sealed, seed, 32);
    assert_int_equal(aead_seal(key, object_nonce, bytes_of(object_aad, 1), buffer_bytes(plain),
                               &sealed),
                     ACESO_OK);
    fault = judge(sample, buffer_bytes(&sealed));
    buffer_free(&sealed);
    return fault;
}

static void test_one_form(void **state)
{
    struct sample *sample = *state;
    struct buffer plain = BUFFER_INIT(OBJECT_BUFFER);

    (void)buffer_put(&plain, sample->name, 32);
    (void)buffer_put_u64(&plain, 5);
    (void)buffer_put_field(&plain, bytes_of("content", 7));
    assert_int_equal(buffer_put_zeros(&plain, 2048 - plain.len), ACESO_OK);
    assert_int_equal(judge_plain(sample, &plain), OBJECT_SOUND);
    plain.data[2047] = 1; /* padding */
    assert_int_equal(judge_plain(sample, &plain), OBJECT_CHANGED);
    plain.data[2047] = 0;
    assert_int_equal(buffer_put_zeros(&plain, 2048), ACESO_OK); /* a larger class than needed */
    assert_int_equal(judge_plain(sample, &plain), OBJECT_CHANGED);
    plain.len = 2048;
    memset(plain.data + 40, 0xff, 4); /* longer than it is */
    assert_int_equal(judge_plain(sample, &plain), OBJECT_CHANGED);
    buffer_free(&plain);
}

static void test_sizes(void **state)
{
    struct buffer big = BUFFER_INIT(OBJECT_BUFFER), sealed = BUFFER_INIT(OBJECT_BUFFER);
    struct sample *sample = *state;

    assert_int_equal(object_size(0), OBJECT_SIZE_MIN);
    assert_int_equal(object_size(2048 - OBJECT_HEAD), OBJECT_SIZE_MIN);
    assert_int_equal(object_size(2049 - OBJECT_HEAD), 4096 + OBJECT_OVERHEAD);
    assert_int_equal(object_size(OBJECT_PIECE_MAX), OBJECT_SIZE_MAX);
    assert_int_equal(object_pieces(0), 0);
    assert_int_equal(object_pieces(1), 1);
    assert_int_equal(object_pieces(OBJECT_PIECE_MAX), 1);
    assert_int_equal(object_pieces(OBJECT_PIECE_MAX + 1), 2);
    assert_int_equal(buffer_put_zeros(&big, OBJECT_PIECE_MAX + 1), ACESO_OK);
    assert_int_equal(object_seal(&sample->keys, sample->name, 1, buffer_bytes(&big), &sealed, NULL),
                     ACESO_ELIMIT);
    assert_int_equal(sealed.len, 0);
    big.len--;
    assert_int_equal(object_seal(&sample->keys, sample->name, 1, buffer_bytes(&big), &sealed, NULL),
                     ACESO_OK);
    assert_int_equal(sealed.len, OBJECT_SIZE_MAX);
    buffer_free(&big);
    buffer_free(&sealed);
}

static void test_content(void **state)
{
    const struct bytes part[RECORD_LEVELS] = { { (const uint8_t *)"a", 1 }, { NULL, 0 },
                                               { (const uint8_t *)"cc", 2 },
                                               { (const uint8_t *)"d", 1 } };
    struct buffer content = BUFFER_INIT(256);
    struct bytes read[RECORD_LEVELS];

    (void)state;
    assert_int_equal(object_content_put(part, &content, NULL), ACESO_OK);
    assert_true(object_content_read(buffer_bytes(&content), read));
    for (size_t i = 0; i < RECORD_LEVELS; i++)
        assert_true(bytes_equal(read[i], part[i]));
    for (size_t len = 0; len < content.len; len++)
        assert_false(object_content_read(bytes_of(content.data, len), read));
    assert_int_equal(buffer_put_u8(&content, 0), ACESO_OK);
    assert_false(object_content_read(buffer_bytes(&content), read));
    content.len--;
    content.data[0] = 2;
    assert_false(object_content_read(buffer_bytes(&content), read));
    buffer_free(&content);
}

/* ---- batches on the wire ----------------------------------------------------------------- */

static int count_object(void *data, const uint8_t name[32], struct bytes object,
                        struct aceso_error *error)
{
    size_t *count = data;

    (void)error;
    assert_int_equal(name[0], *count);
    assert_int_equal(object.len, OBJECT_SIZE_MIN + *count);
    return ++*count == 9 ? ACESO_ECANCELLED : ACESO_OK;
}

static struct buffer batch_of(size_t n, size_t step)
{
    static const uint8_t zeros[OBJECT_SIZE_MIN + 100];
    struct buffer out = BUFFER_INIT(OBJECT_BUFFER);

    assert_int_equal(object_batch_start(&out), ACESO_OK);
    for (size_t i = 0; i < n; i++) {
        const uint8_t name[32] = { (uint8_t)(i * step) };

        assert_int_equal(object_batch_put(name, bytes_of(zeros, OBJECT_SIZE_MIN + i), &out),
                         ACESO_OK);
    }
    return out;
}

static int batch_read(struct buffer *batch, size_t *count)
{
    int code;

    *count = 0;
    code = object_batch_each(buffer_bytes(batch), count_object, count, NULL);
    buffer_free(batch);
    return code;
}

static void test_batch(void **state)
{
    struct buffer batch = batch_of(5, 1);
    size_t count, len = batch.len;

    (void)state;
    assert_int_equal(batch_read(&batch, &count), ACESO_OK);
    assert_int_equal(count, 5);
    for (size_t cut = 0; cut < len; cut += 31) {
        bool between = cut >= 1 && cut - 1 < 1; /* an empty batch is one */

        batch = batch_of(5, 1);
        batch.len = cut;
        assert_int_equal(batch_read(&batch, &count), between ? ACESO_OK : ACESO_EFORMAT);
        assert_int_equal(count, 0);
    }
    batch = batch_of(0, 1);
    assert_int_equal(object_batch_put((const uint8_t[32]){ 0 }, bytes_of(NULL, 0), &batch), 0);
    assert_int_equal(batch_read(&batch, &count), ACESO_EFORMAT); /* of no bytes at all */
    batch = batch_of(2, 0); /* one name twice */
    assert_int_equal(batch_read(&batch, &count), ACESO_EFORMAT);
    batch = batch_of(OBJECT_BATCH_MAX + 1, 1);
    assert_int_equal(batch_read(&batch, &count), ACESO_ELIMIT);
    assert_int_equal(count, 0);
    batch = batch_of(10, 1);
    assert_int_equal(batch_read(&batch, &count), ACESO_ECANCELLED);
    assert_int_equal(count, 9);
    batch = batch_of(1, 1);
    batch.data[0] = 2;
    assert_int_equal(batch_read(&batch, &count), ACESO_EFORMAT);
}

static void test_names(void **state)
{
    uint8_t names[3][OBJECT_NAME_SIZE], name[OBJECT_NAME_SIZE] = { 1 };
    struct buffer out = BUFFER_INIT(1024);
    size_t count = 9;

    (void)state;
    assert_int_equal(object_batch_names(bytes_of(NULL, 0), names, 3, &count, NULL), ACESO_EFORMAT);
    assert_int_equal(object_batch_start(&out), ACESO_OK);
    assert_int_equal(object_batch_names(buffer_bytes(&out), names, 3, &count, NULL), ACESO_OK);
    assert_int_equal(count, 0);
    for (uint8_t i = 0; i < 3; i++) {
        name[31] = i;
        assert_int_equal(object_batch_put_name(name, &out), ACESO_OK);
    }
    assert_int_equal(object_batch_names(buffer_bytes(&out), names, 3, &count, NULL), ACESO_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(names[2], name, 32);
    assert_int_equal(object_batch_names(bytes_of(out.data, out.len - 1), names, 3, &count, NULL),
                     ACESO_EFORMAT);
    assert_int_equal(object_batch_names(buffer_bytes(&out), names, 2, &count, NULL), ACESO_ELIMIT);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
