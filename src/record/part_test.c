/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the module's text in, to reach the payload's parser behind the encryption. */
#include "record/part.c"

#include "record/ladder.h"
#include "record/proof.h"
#include "record/row.h"
#include "record/vectors.h"

static struct record_context vector_context(yyjson_val *root)
{
    yyjson_val *object = yyjson_obj_get(root, "context");
    struct record_context context = { .chain_id = vectors_number(object, "chainId") };

    vectors_hex(object, "contract", context.contract, 20);
    vectors_hex(object, "patient", context.patient, 20);
    vectors_hex(object, "hospital", context.hospital, 20);
    return context;
}

static struct record_epoch vector_epoch(yyjson_val *root)
{
    yyjson_val *object = yyjson_obj_get(root, "epoch");

    return (struct record_epoch){ .e = (uint32_t)vectors_number(object, "e"),
                                  .n = (uint32_t)vectors_number(object, "n") };
}

static struct record_place vector_place(yyjson_val *part)
{
    struct record_place place = { .version = (uint32_t)vectors_number(part, "version"),
                                  .level = (uint8_t)vectors_number(part, "level"),
                                  .index = (uint32_t)vectors_number(part, "index") };

    vectors_hex(part, "record", place.record, RECORD_ID_SIZE);
    return place;
}

static void vector_ladder(yyjson_val *root, struct ladder *out)
{
    struct record_context context = vector_context(root);
    yyjson_val *keys = yyjson_obj_get(root, "keys");
    uint8_t key[RECORD_KEY_SIZE];

    assert_int_equal(text_unhex(yyjson_get_str(yyjson_arr_get(keys, 3)), key, 32), ACESO_OK);
    assert_int_equal(ladder_from(&context, vector_epoch(root), 4, key, out, NULL), ACESO_OK);
}

static void test_ladder(void **state)
{
    yyjson_doc *doc = vectors_load("batch.json");
    yyjson_val *root = yyjson_doc_get_root(doc), *keys = yyjson_obj_get(root, "keys");
    struct record_context context = vector_context(root);
    struct record_epoch epoch = vector_epoch(root);
    uint8_t key[RECORD_KEY_SIZE], zero[RECORD_KEY_SIZE] = { 0 };
    struct ladder ladder, some;

    (void)state;
    vector_ladder(root, &ladder);
    assert_int_equal(ladder.top, 4);
    for (uint8_t level = 1; level <= 4; level++) {
        assert_int_equal(text_unhex(yyjson_get_str(yyjson_arr_get(keys, level - 1u)), key, 32), 0);
        assert_memory_equal(ladder.key[level - 1], key, sizeof key);
        assert_int_equal(ladder_from(&context, epoch, level, key, &some, NULL), ACESO_OK);
        assert_memory_equal(some.key, ladder.key, level * sizeof key);
        for (uint8_t above = level; above < 4; above++)
            assert_memory_equal(some.key[above], zero, sizeof zero);
    }
    for (int field = 0; field < 5; field++) {
        struct record_context other = context;
        struct record_epoch later = epoch;

        if (field == 0)
            other.chain_id++;
        else if (field == 1)
            other.patient[19] ^= 1;
        else if (field == 2)
            other.hospital[0] ^= 1;
        else if (field == 3)
            later.e++;
        else
            later.n++;
        assert_int_equal(ladder_from(&other, later, 4, ladder.key[3], &some, NULL), ACESO_OK);
        for (int level = 0; level < 3; level++)
            assert_memory_not_equal(some.key[level], ladder.key[level], RECORD_KEY_SIZE);
    }
    assert_int_equal(ladder_from(&context, epoch, 0, key, &some, NULL), ACESO_EUSAGE);
    assert_int_equal(ladder_from(&context, epoch, 5, key, &some, NULL), ACESO_EUSAGE);
    yyjson_doc_free(doc);
}

static void check_sealed(yyjson_val *part, const struct buffer *sealed)
{
    struct buffer wanted = BUFFER_INIT(1 << 20);
    uint8_t digest[SHA256_SIZE], want[SHA256_SIZE];

    if (yyjson_obj_get(part, "sealed")) {
        vectors_hex_buffer(part, "sealed", &wanted);
        assert_true(bytes_equal(buffer_bytes(&wanted), buffer_bytes(sealed)));
    } else {
        vectors_hex(part, "sealedSha256", want, sizeof want);
        sha256(buffer_bytes(sealed), digest);
        assert_memory_equal(digest, want, sizeof want);
    }
    buffer_free(&wanted);
}

static void check_part(yyjson_val *root, yyjson_val *part, const struct ladder *ladder,
                       struct buffer *stream)
{
    struct record_context context = vector_context(root);
    struct record_place place = vector_place(part);
    struct part_content content = { .bytes = bytes_of_string(vectors_text(part, "text")) }, back;
    struct buffer sealed = BUFFER_INIT(1 << 20), payload = BUFFER_INIT_SECRET(1 << 20);
    struct buffer proved = BUFFER_INIT(PROOF_MAX);
    struct record_row row = { .version = place.version, .level = place.level };
    uint8_t seed[32], leaf[RECORD_HASH_SIZE], wanted[RECORD_HASH_SIZE];
    const uint8_t *key = ladder->key[place.level - 1];
    struct proof proof;

    vectors_hex(part, "salt", content.salt, sizeof content.salt);
    vectors_hex(part, "seed", seed, sizeof seed);
    assert_int_equal(part_seal_with(&context, vector_epoch(root), &place, key, seed, &content,
                                    &sealed, NULL),
                     ACESO_OK);
    check_sealed(part, &sealed);
    assert_int_equal(part_commit(&context, &place, &content, leaf, NULL), ACESO_OK);
    vectors_hex(part, "leaf", wanted, sizeof wanted);
    assert_memory_equal(leaf, wanted, sizeof leaf);
    assert_int_equal(part_open(&context, vector_epoch(root), &place, key, buffer_bytes(&sealed),
                               &payload, &back, NULL),
                     ACESO_OK);
    assert_true(bytes_equal(back.bytes, content.bytes));
    assert_memory_equal(back.salt, content.salt, sizeof back.salt);
    vectors_hex_buffer(part, "proof", &proved);
    assert_int_equal(proof_parse(buffer_bytes(&proved), &proof, NULL), ACESO_OK);
    memcpy(row.patient, context.patient, sizeof row.patient);
    memcpy(row.record, place.record, sizeof row.record);
    row.epoch = vector_epoch(root);
    row.sealed = buffer_bytes(&sealed);
    row.proof = buffer_bytes(&proved);
    assert_int_equal(row_put(&row, stream), ACESO_OK);
    buffer_free(&sealed);
    buffer_free(&payload);
    buffer_free(&proved);
}

static void test_vectors(void **state)
{
    yyjson_doc *doc = vectors_load("batch.json");
    yyjson_val *root = yyjson_doc_get_root(doc), *part;
    struct buffer stream = BUFFER_INIT(1 << 20);
    uint8_t digest[SHA256_SIZE], wanted[SHA256_SIZE];
    struct ladder ladder;
    size_t i, max;

    (void)state;
    vector_ladder(root, &ladder);
    assert_int_equal(row_put_start(&stream), ACESO_OK);
    yyjson_arr_foreach(yyjson_obj_get(root, "parts"), i, max, part)
    {
        check_part(root, part, &ladder, &stream);
    }
    assert_int_equal(row_put_end(max, &stream), ACESO_OK);
    sha256(buffer_bytes(&stream), digest);
    vectors_hex(yyjson_obj_get(root, "stream"), "sha256", wanted, sizeof wanted);
    assert_memory_equal(digest, wanted, sizeof wanted);
    buffer_free(&stream);
    yyjson_doc_free(doc);
}

static void test_vector_root(void **state)
{
    yyjson_doc *doc = vectors_load("batch.json");
    yyjson_val *root = yyjson_doc_get_root(doc), *object = yyjson_obj_get(root, "batch"), *part;
    struct record_batch batch = { .number = vectors_number(object, "number"),
                                  .records = (uint32_t)vectors_number(object, "records"),
                                  .leaves = (uint32_t)vectors_number(object, "leaves") };
    size_t i, max;

    (void)state;
    vectors_hex(object, "root", batch.root, sizeof batch.root);
    yyjson_arr_foreach(yyjson_obj_get(root, "parts"), i, max, part)
    {
        struct buffer bytes = BUFFER_INIT(PROOF_MAX);
        uint8_t leaf[RECORD_HASH_SIZE];
        struct proof proof;

        vectors_hex(part, "leaf", leaf, sizeof leaf);
        vectors_hex_buffer(part, "proof", &bytes);
        assert_int_equal(proof_parse(buffer_bytes(&bytes), &proof, NULL), ACESO_OK);
        assert_int_equal(proof_verify(&proof, leaf, &batch, NULL), ACESO_OK);
        leaf[31] ^= 1;
        assert_int_equal(proof_verify(&proof, leaf, &batch, NULL), ACESO_EVERIFY);
        buffer_free(&bytes);
    }
    yyjson_doc_free(doc);
}

/* --- one part, and everything that must not open it ------------------------------------------ */

struct one {
    struct record_context context;
    struct record_epoch epoch;
    struct record_place place;
    uint8_t key[RECORD_KEY_SIZE];
    struct part_content content;
};

static struct one sample(void)
{
    struct one one = { .context = { .chain_id = 31337, .contract = { 1 }, .patient = { 2 },
                                    .hospital = { 3 } },
                       .epoch = { 4, 5 },
                       .place = { .record = { 6 }, .version = 7, .level = 3, .index = 42 },
                       .key = { 8 } };

    one.content = part_content_of(bytes_of_string("{\"=\":1}"));
    return one;
}

static int open_one(const struct one *one, struct bytes sealed)
{
    struct buffer payload = BUFFER_INIT_SECRET(1 << 20);
    struct part_content content;
    int code = part_open(&one->context, one->epoch, &one->place, one->key, sealed, &payload,
                         &content, NULL);

    buffer_free(&payload);
    return code;
}

static void test_bound_to_its_place(void **state)
{
    struct buffer sealed = BUFFER_INIT(1 << 16);
    struct one one = sample();
    size_t fields = 0;

    (void)state;
    assert_int_equal(part_seal(&one.context, one.epoch, &one.place, one.key, &one.content, &sealed,
                               NULL),
                     ACESO_OK);
    assert_int_equal(open_one(&one, buffer_bytes(&sealed)), ACESO_OK);
    for (int field = 0;; field++) {
        struct one other = one;

        if (field == 0)
            other.context.chain_id++;
        else if (field == 1)
            other.context.contract[19]++;
        else if (field == 2)
            other.context.patient[0]++;
        else if (field == 3)
            other.context.hospital[0]++;
        else if (field == 4)
            other.epoch.e++;
        else if (field == 5)
            other.epoch.n++;
        else if (field == 6)
            other.place.record[15]++;
        else if (field == 7)
            other.place.version++;
        else if (field == 8)
            other.place.index += 4;
        else if (field == 9)
            other.key[31]++;
        else if (field == 10)
            other.place = (struct record_place){ .record = { 6 }, .version = 7, .level = 2,
                                                 .index = 41 };
        else
            break;
        assert_int_equal(open_one(&other, buffer_bytes(&sealed)), ACESO_EVERIFY);
        fields++;
    }
    assert_int_equal(fields, 11);
    one.place.index++; /* not an index of level 3 */
    assert_int_equal(open_one(&one, buffer_bytes(&sealed)), ACESO_EUSAGE);
    buffer_free(&sealed);
}

static void test_each_byte_counts(void **state)
{
    struct buffer sealed = BUFFER_INIT(1 << 16);
    struct one one = sample();

    (void)state;
    assert_int_equal(part_seal(&one.context, one.epoch, &one.place, one.key, &one.content, &sealed,
                               NULL),
                     ACESO_OK);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 0x10;
        assert_int_equal(open_one(&one, buffer_bytes(&sealed)), i ? ACESO_EVERIFY : ACESO_EFORMAT);
        sealed.data[i] ^= 0x10;
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(open_one(&one, bytes_of(sealed.data, len)), ACESO_EFORMAT);
    (void)buffer_put_u8(&sealed, 0);
    assert_int_equal(open_one(&one, buffer_bytes(&sealed)), ACESO_EVERIFY);
    buffer_free(&sealed);
}

static void test_commitment_binds(void **state)
{
    struct one one = sample();
    uint8_t leaf[RECORD_HASH_SIZE], other[RECORD_HASH_SIZE];

    (void)state;
    assert_int_equal(part_commit(&one.context, &one.place, &one.content, leaf, NULL), ACESO_OK);
    for (int field = 0; field < 8; field++) {
        struct one changed = one;

        if (field == 0)
            changed.context.chain_id++;
        else if (field == 1)
            changed.context.patient[0]++;
        else if (field == 2)
            changed.context.hospital[0]++;
        else if (field == 3)
            changed.place.record[0]++;
        else if (field == 4)
            changed.place.version++;
        else if (field == 5)
            changed.place.index += 4;
        else if (field == 6)
            changed.content.salt[0]++;
        else
            changed.content.bytes.len--;
        assert_int_equal(part_commit(&changed.context, &changed.place, &changed.content, other,
                                     NULL),
                         ACESO_OK);
        assert_memory_not_equal(leaf, other, sizeof leaf);
    }
}

/* The same content under a new epoch and key: other bytes, the same leaf. */
static void test_sealing_anew_keeps_the_leaf(void **state)
{
    struct buffer sealed = BUFFER_INIT(1 << 16), payload = BUFFER_INIT_SECRET(1 << 16);
    struct one one = sample(), later = one;
    uint8_t leaf[RECORD_HASH_SIZE], again[RECORD_HASH_SIZE];
    struct part_content content;

    (void)state;
    later.epoch.n++;
    later.key[0]++;
    assert_int_equal(part_commit(&one.context, &one.place, &one.content, leaf, NULL), ACESO_OK);
    assert_int_equal(part_seal(&later.context, later.epoch, &later.place, later.key, &one.content,
                               &sealed, NULL),
                     ACESO_OK);
    assert_int_equal(open_one(&one, buffer_bytes(&sealed)), ACESO_EVERIFY);
    assert_int_equal(part_open(&later.context, later.epoch, &later.place, later.key,
                               buffer_bytes(&sealed), &payload, &content, NULL),
                     ACESO_OK);
    assert_int_equal(part_commit(&later.context, &later.place, &content, again, NULL), ACESO_OK);
    assert_memory_equal(leaf, again, sizeof leaf);
    buffer_free(&sealed);
    buffer_free(&payload);
}

static size_t sealed_length(size_t length, struct buffer *sealed)
{
    struct one one = sample();
    uint8_t *text = calloc(length + 1, 1);

    assert_non_null(text);
    one.content.bytes = bytes_of(text, length);
    buffer_clear(sealed);
    assert_int_equal(part_seal(&one.context, one.epoch, &one.place, one.key, &one.content, sealed,
                               NULL),
                     ACESO_OK);
    assert_int_equal(open_one(&one, buffer_bytes(sealed)), ACESO_OK);
    free(text);
    return sealed->len;
}

/* An empty slot has the shape of any small part, and no two sealings are alike. */
static void test_dummies_look_like_parts(void **state)
{
    struct buffer a = BUFFER_INIT(1 << 20), b = BUFFER_INIT(1 << 20);

    (void)state;
    assert_int_equal(sealed_length(0, &a), PART_SEAL_OVERHEAD + PART_PAYLOAD_MIN);
    assert_int_equal(sealed_length(PART_PAYLOAD_MIN - PART_PAYLOAD_HEAD, &b), a.len);
    assert_int_equal(a.data[0], b.data[0]);
    assert_memory_not_equal(a.data + 1, b.data + 1, 32);
    (void)sealed_length(0, &b);
    assert_memory_not_equal(a.data + 1, b.data + 1, 32);
    assert_memory_not_equal(a.data + 33, b.data + 33, a.len - 33);
    buffer_free(&a);
    buffer_free(&b);
}

/* What somebody with the key could seal in place of a payload. */
static void test_malformed_payloads(void **state)
{
    struct one one = sample();
    struct part_content content;
    struct buffer payload = BUFFER_INIT(1 << 16);

    (void)state;
    assert_int_equal(part_payload_put(&one.content, &payload), ACESO_OK);
    assert_int_equal(part_payload_parse(buffer_bytes(&payload), &content, NULL), ACESO_OK);
    for (size_t i = PART_PAYLOAD_HEAD + one.content.bytes.len; i < payload.len; i++) {
        payload.data[i] = 0x80;
        assert_int_equal(part_payload_parse(buffer_bytes(&payload), &content, NULL),
                         ACESO_EFORMAT);
        payload.data[i] = 0;
    }
    payload.data[0] = 2; /* version */
    assert_int_equal(part_payload_parse(buffer_bytes(&payload), &content, NULL), ACESO_EFORMAT);
    payload.data[0] = 1;
    payload.data[33] = 0xff; /* length */
    assert_int_equal(part_payload_parse(buffer_bytes(&payload), &content, NULL), ACESO_EFORMAT);
    payload.data[33] = 0;
    assert_int_equal(buffer_put_zeros(&payload, 16), ACESO_OK); /* padded too far */
    assert_int_equal(part_payload_parse(buffer_bytes(&payload), &content, NULL), ACESO_EFORMAT);
    for (size_t len = 0; len < PART_PAYLOAD_MIN; len++)
        assert_int_equal(part_payload_parse(bytes_of(payload.data, len), &content, NULL),
                         ACESO_EFORMAT);
    buffer_free(&payload);
}

static void test_padme(void **state)
{
    struct buffer sealed = BUFFER_INIT(1 << 20);
    size_t before = 0;

    (void)state;
    assert_int_equal(part_payload_length(0), 256);
    assert_int_equal(part_payload_length(219), 256);
    assert_int_equal(part_payload_length(220), 272);
    assert_int_equal(part_payload_length(1000 - 37), 1024);
    assert_int_equal(part_payload_length(1025 - 37), 1088);
    assert_int_equal(part_payload_length(((size_t)1 << 20) - 37), (size_t)1 << 20);
    assert_int_equal(part_payload_length(((size_t)1 << 20) - 36), ((size_t)1 << 20) + 32768);
    for (size_t length = 0; length < 100000; length += 7) {
        size_t padded = part_payload_length(length), need = length + PART_PAYLOAD_HEAD;

        assert_true(padded >= need && padded >= before);
        assert_true(padded == 256 || (padded - need) * 100 <= need * 12);
        assert_int_equal(part_payload_length(padded - PART_PAYLOAD_HEAD), padded);
        before = padded;
    }
    for (size_t length = 200; length < 300; length++)
        assert_int_equal(sealed_length(length, &sealed),
                         PART_SEAL_OVERHEAD + part_payload_length(length));
    buffer_free(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_vector_root),
        cmocka_unit_test(test_bound_to_its_place),
        cmocka_unit_test(test_each_byte_counts),
        cmocka_unit_test(test_commitment_binds),
        cmocka_unit_test(test_sealing_anew_keeps_the_leaf),
        cmocka_unit_test(test_dummies_look_like_parts),
        cmocka_unit_test(test_malformed_payloads),
        cmocka_unit_test(test_padme),
    };

    if (secret_init(NULL))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
