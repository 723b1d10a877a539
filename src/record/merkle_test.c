/* SPDX-License-Identifier: Apache-2.0 */
#include "record/merkle.h"
#include "record/proof.h"
#include "record/vectors.h"

#include "crypto/digest.h"

#define MANY 70

static void leaf_of(uint32_t i, uint8_t out[RECORD_HASH_SIZE])
{
    sha256(bytes_of(&i, sizeof i), out);
}

static void check_path(yyjson_val *paths, const struct merkle_tree *tree, uint32_t index,
                       const uint8_t *leaf, uint32_t leaves, const uint8_t *root)
{
    uint8_t path[MERKLE_DEPTH_MAX][RECORD_HASH_SIZE], wanted[RECORD_HASH_SIZE], depth;
    yyjson_val *siblings = yyjson_arr_get(paths, index), *one;
    size_t i, max;

    assert_int_equal(merkle_tree_path(tree, index, path, &depth, NULL), ACESO_OK);
    assert_int_equal(depth, yyjson_arr_size(siblings));
    yyjson_arr_foreach(siblings, i, max, one)
    {
        assert_int_equal(text_unhex(yyjson_get_str(one), wanted, sizeof wanted), ACESO_OK);
        assert_memory_equal(path[i], wanted, sizeof wanted);
    }
    assert_int_equal(merkle_verify(leaf, index, leaves, path[0], depth, root, NULL), ACESO_OK);
}

/* The leaves and roots of certificate transparency's own reference tests. */
static void test_vectors(void **state)
{
    yyjson_doc *doc = vectors_load("merkle.json");
    yyjson_val *one;
    size_t i, max;

    (void)state;
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, max, one)
    {
        uint8_t leaves[8][RECORD_HASH_SIZE], root[RECORD_HASH_SIZE], found[RECORD_HASH_SIZE];
        yyjson_val *hashes = yyjson_obj_get(one, "leaves");
        uint32_t count = (uint32_t)yyjson_arr_size(hashes);
        struct merkle merkle = { .leaves = 0 };
        struct merkle_tree *tree;

        vectors_hex(one, "root", root, sizeof root);
        for (uint32_t j = 0; j < count; j++) {
            assert_int_equal(text_unhex(yyjson_get_str(yyjson_arr_get(hashes, j)), leaves[j], 32),
                             ACESO_OK);
            assert_int_equal(merkle_add(&merkle, leaves[j], NULL), ACESO_OK);
        }
        merkle_root(&merkle, found);
        assert_memory_equal(found, root, sizeof root);
        assert_int_equal(merkle_tree_create(leaves[0], count, &tree, NULL), ACESO_OK);
        merkle_tree_root(tree, found);
        assert_memory_equal(found, root, sizeof root);
        for (uint32_t j = 0; j < count; j++)
            check_path(yyjson_obj_get(one, "paths"), tree, j, leaves[j], count, root);
        merkle_tree_free(tree);
    }
    yyjson_doc_free(doc);
}

static void test_empty_root(void **state)
{
    struct merkle merkle = { .leaves = 0 };
    uint8_t root[RECORD_HASH_SIZE];
    char text[65];

    (void)state;
    merkle_root(&merkle, root);
    text_hex(root, sizeof root, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Every tree of up to MANY leaves, every proof; and what is not the proof is refused. */
static void test_all_small_trees(void **state)
{
    static uint8_t leaves[MANY][RECORD_HASH_SIZE];
    uint8_t root[RECORD_HASH_SIZE], other[RECORD_HASH_SIZE], depth;
    uint8_t path[MERKLE_DEPTH_MAX][RECORD_HASH_SIZE];
    struct merkle merkle = { .leaves = 0 };
    struct merkle_tree *tree;
    uint8_t *bytes = path[0];

    (void)state;
    for (uint32_t count = 1; count <= MANY; count++) {
        leaf_of(count, leaves[count - 1]);
        assert_int_equal(merkle_add(&merkle, leaves[count - 1], NULL), ACESO_OK);
        merkle_root(&merkle, root);
        assert_int_equal(merkle_tree_create(leaves[0], count, &tree, NULL), ACESO_OK);
        merkle_tree_root(tree, other);
        assert_memory_equal(root, other, sizeof root);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(merkle_tree_path(tree, i, path, &depth, NULL), ACESO_OK);
            assert_int_equal(depth, merkle_depth(i, count));
            assert_int_equal(merkle_verify(leaves[i], i, count, path[0], depth, root, NULL), 0);
            for (uint32_t j = 0; j <= count; j++) {
                if (j != i)
                    assert_int_equal(
                        merkle_verify(leaves[i], j, count, path[0], depth, root, NULL),
                        ACESO_EVERIFY);
            }
            assert_int_equal(merkle_verify(leaves[i], i, count, path[0], depth + 1u, root, NULL),
                             ACESO_EVERIFY);
            for (size_t bit = 0; bit < (size_t)depth * RECORD_HASH_SIZE; bit += 29) {
                bytes[bit] ^= 1;
                assert_int_equal(merkle_verify(leaves[i], i, count, path[0], depth, root, NULL),
                                 ACESO_EVERIFY);
                bytes[bit] ^= 1;
            }
        }
        assert_int_equal(merkle_tree_path(tree, count, path, &depth, NULL), ACESO_EUSAGE);
        merkle_tree_free(tree);
    }
    assert_int_equal(merkle_tree_create(leaves[0], 0, &tree, NULL), ACESO_EUSAGE);
}

static void test_limit(void **state)
{
    struct merkle merkle = { .leaves = MERKLE_LEAVES_MAX };
    uint8_t leaf[RECORD_HASH_SIZE] = { 0 };

    (void)state;
    assert_int_equal(merkle_add(&merkle, leaf, NULL), ACESO_ELIMIT);
}

static void test_proof_parse(void **state)
{
    uint8_t path[3 * RECORD_HASH_SIZE] = { 7 };
    struct proof proof = { .batch = 5, .leaves = 8, .index = 6,
                           .path = bytes_of(path, sizeof path) };
    struct buffer out = BUFFER_INIT(PROOF_MAX);
    struct proof back;

    (void)state;
    assert_int_equal(proof_put(&proof, &out), ACESO_OK);
    assert_int_equal(out.len, PROOF_HEAD + sizeof path);
    assert_int_equal(proof_parse(buffer_bytes(&out), &back, NULL), ACESO_OK);
    assert_int_equal(back.batch, 5);
    assert_int_equal(back.leaves, 8);
    assert_int_equal(back.index, 6);
    assert_memory_equal(back.path.data, path, sizeof path);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(proof_parse(bytes_of(out.data, len), &back, NULL), ACESO_EFORMAT);
    (void)buffer_put_u8(&out, 0);
    assert_int_equal(proof_parse(buffer_bytes(&out), &back, NULL), ACESO_EFORMAT);
    out.len--;
    out.data[0] = 2; /* version */
    assert_int_equal(proof_parse(buffer_bytes(&out), &back, NULL), ACESO_EFORMAT);
    out.data[0] = 1;
    out.data[12] = 7; /* leaves that are no multiple of 4 */
    assert_int_equal(proof_parse(buffer_bytes(&out), &back, NULL), ACESO_EFORMAT);
    out.data[12] = 8;
    out.data[16] = 8; /* index past them */
    assert_int_equal(proof_parse(buffer_bytes(&out), &back, NULL), ACESO_EFORMAT);
    out.data[16] = 6;
    out.data[8] = 0; /* batch 0 */
    assert_int_equal(proof_parse(buffer_bytes(&out), &back, NULL), ACESO_EFORMAT);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),         cmocka_unit_test(test_empty_root),
        cmocka_unit_test(test_all_small_trees), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_proof_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
