/* SPDX-License-Identifier: Apache-2.0 */
#include "record/merkle.h"

#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

void merkle_node(const uint8_t left[RECORD_HASH_SIZE], const uint8_t right[RECORD_HASH_SIZE],
                 uint8_t out[RECORD_HASH_SIZE])
{
    static const uint8_t inner[] = { 0x01 };
    struct digest digest;

    digest_init(&digest);
    digest_update(&digest, bytes_of(inner, sizeof inner));
    digest_update(&digest, bytes_of(left, RECORD_HASH_SIZE));
    digest_update(&digest, bytes_of(right, RECORD_HASH_SIZE));
    digest_final(&digest, out);
}

int merkle_add(struct merkle *merkle, const uint8_t leaf[RECORD_HASH_SIZE],
               struct aceso_error *error)
{
    uint8_t node[RECORD_HASH_SIZE];
    unsigned i = 0;

    if (merkle->leaves >= MERKLE_LEAVES_MAX)
        return error_set(error, ACESO_ELIMIT, "merkle", "more than %u leaves", MERKLE_LEAVES_MAX);
    memcpy(node, leaf, sizeof node);
    for (; merkle->leaves >> i & 1; i++)
        merkle_node(merkle->node[i], node, node);
    memcpy(merkle->node[i], node, sizeof node);
    merkle->leaves++;
    return ACESO_OK;
}

void merkle_root(const struct merkle *merkle, uint8_t root[RECORD_HASH_SIZE])
{
    bool any = false;

    if (merkle->leaves == 0) {
        sha256(bytes_of(NULL, 0), root);
        return;
    }
    for (unsigned i = 0; i < MERKLE_DEPTH_MAX; i++) {
        if (!(merkle->leaves >> i & 1))
            continue;
        if (any)
            merkle_node(merkle->node[i], root, root);
        else
            memcpy(root, merkle->node[i], RECORD_HASH_SIZE);
        any = true;
    }
}

/* Level 0 is the leaves; an odd node at the end of a level goes up as it is. That is the tree of
 * RFC 6962: split at the largest power of two. */
struct merkle_tree {
    uint32_t leaves;
    uint8_t levels;                    /* the last one has one node */
    size_t start[MERKLE_DEPTH_MAX + 1]; /* of each level, in nodes */
    uint32_t width[MERKLE_DEPTH_MAX + 1];
    uint8_t node[];
};

static void tree_fill(struct merkle_tree *tree)
{
    for (unsigned level = 1; level < tree->levels; level++) {
        const uint8_t *below = tree->node + tree->start[level - 1] * RECORD_HASH_SIZE;
        uint8_t *at = tree->node + tree->start[level] * RECORD_HASH_SIZE;
        uint32_t width = tree->width[level - 1];

        for (uint32_t i = 0; i < width / 2; i++) {
            merkle_node(below, below + RECORD_HASH_SIZE, at);
            below += (size_t)2 * RECORD_HASH_SIZE;
            at += RECORD_HASH_SIZE;
        }
        if (width & 1)
            memcpy(at, below, RECORD_HASH_SIZE);
    }
}

int merkle_tree_create(const uint8_t *leaves, uint32_t count, struct merkle_tree **out,
                       struct aceso_error *error)
{
    struct merkle_tree shape = { .leaves = count };
    struct merkle_tree *tree;
    size_t nodes = 0;

    if (count == 0 || count > MERKLE_LEAVES_MAX)
        return error_set(error, ACESO_EUSAGE, "merkle", "no tree of %u leaves", count);
    for (uint32_t width = count;; width = width / 2 + (width & 1)) {
        shape.start[shape.levels] = nodes;
        shape.width[shape.levels++] = width;
        nodes += width;
        if (width == 1)
            break;
    }
    tree = malloc(sizeof *tree + nodes * RECORD_HASH_SIZE);
    if (!tree)
        return error_set(error, ACESO_EMEMORY, "merkle", "no memory for %u leaves", count);
    *tree = shape;
    memcpy(tree->node, leaves, (size_t)count * RECORD_HASH_SIZE);
    tree_fill(tree);
    *out = tree;
    return ACESO_OK;
}

void merkle_tree_free(struct merkle_tree *tree)
{
    free(tree);
}

void merkle_tree_root(const struct merkle_tree *tree, uint8_t root[RECORD_HASH_SIZE])
{
    memcpy(root, tree->node + tree->start[tree->levels - 1] * RECORD_HASH_SIZE, RECORD_HASH_SIZE);
}

int merkle_tree_path(const struct merkle_tree *tree, uint32_t index,
                     uint8_t path[MERKLE_DEPTH_MAX][RECORD_HASH_SIZE], uint8_t *depth,
                     struct aceso_error *error)
{
    uint8_t count = 0;

    if (index >= tree->leaves)
        return error_set(error, ACESO_EUSAGE, "merkle", "no leaf %u", index);
    for (unsigned level = 0; level + 1 < tree->levels; level++, index /= 2) {
        uint32_t sibling = index ^ 1;

        if (sibling < tree->width[level])
            memcpy(path[count++], tree->node + (tree->start[level] + sibling) * RECORD_HASH_SIZE,
                   RECORD_HASH_SIZE);
    }
    *depth = count;
    return ACESO_OK;
}

uint8_t merkle_depth(uint32_t index, uint32_t leaves)
{
    uint8_t depth = 0;

    for (; leaves > 1; index /= 2, leaves = leaves / 2 + (leaves & 1)) {
        if ((index ^ 1) < leaves)
            depth++;
    }
    return depth;
}

int merkle_verify(const uint8_t leaf[RECORD_HASH_SIZE], uint32_t index, uint32_t leaves,
                  const uint8_t *path, size_t depth, const uint8_t root[RECORD_HASH_SIZE],
                  struct aceso_error *error)
{
    uint8_t node[RECORD_HASH_SIZE];

    if (index >= leaves || leaves > MERKLE_LEAVES_MAX || depth != merkle_depth(index, leaves))
        return error_set(error, ACESO_EVERIFY, "merkle", "a path of the wrong length");
    memcpy(node, leaf, sizeof node);
    for (; leaves > 1; index /= 2, leaves = leaves / 2 + (leaves & 1)) {
        if ((index ^ 1) >= leaves)
            continue;
        if (index & 1)
            merkle_node(path, node, node);
        else
            merkle_node(node, path, node);
        path += RECORD_HASH_SIZE;
    }
    if (memcmp(node, root, sizeof node) != 0)
        return error_set(error, ACESO_EVERIFY, "merkle", "the path leads to another root");
    return ACESO_OK;
}
