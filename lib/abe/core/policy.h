/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies: text to tree, canonical text, joining, choosing a satisfying set of rows.
 * Uses octets. Core: the caller brings the memory of nodes and text. No I/O.
 *
 * Every gate is "threshold of its children": 1 of n is `or`, n of n is `and`. Trees are kept in
 * normal form: a gate has two or more children, no `and` directly under `and`, no `or` directly
 * under `or`, no leaf twice directly under one gate. Recursion is bounded by the depth limit.
 */
#ifndef ABE_POLICY_H
#define ABE_POLICY_H

#include "aceso/abe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ABE_NODE_NONE UINT32_MAX

enum { ABE_NODES_MAX = 2 * ACESO_ABE_POLICY_ROWS_MAX };

struct abe_node {
    uint32_t first;     /* gate: first child */
    uint32_t next;      /* next child of the same gate */
    uint32_t offset;    /* leaf: where the attribute stands in the text */
    uint32_t hash;      /* leaf: of the attribute, to compare faster */
    uint16_t length;    /* leaf: of the attribute */
    uint16_t threshold; /* gate: how many children are needed; leaf: 0 */
    uint16_t children;  /* gate: how many there are */
    uint16_t row;       /* leaf: its row; gate: first of its threshold - 1 columns */
};

/* A node that normal form left out of the tree stays in the array with this row. */
#define ABE_ROW_NONE UINT16_MAX

enum abe_gate { ABE_GATE_AND, ABE_GATE_OR, ABE_GATE_THRESHOLD };

struct abe_policy {
    const char *text; /* the leaves point into it; not NUL-terminated */
    size_t length;
    struct abe_node *nodes; /* room for `capacity`; leaves in the order of their rows */
    size_t capacity;
    size_t count;
    uint32_t root;
    size_t rows;
    size_t columns; /* of the LSSS matrix; column 0 carries the secret; <= rows */
};

/* Length of the attribute at the start of `text`, 0 when there is none. */
size_t abe_attribute_scan(const char *text, size_t length);

/* Whether all of `text` is one attribute. */
bool abe_attribute_valid(const char *text, size_t length);

/* Room for nodes that is enough for `length` bytes of text. */
size_t abe_policy_nodes_needed(size_t length);

/*
 * Parses and numbers. The policy keeps pointing into `text` and `nodes`. Comparisons have no place
 * in such a text. ACESO_ABE_POLICY or ACESO_ABE_LIMIT with `error` filled (it may not be NULL).
 */
int abe_policy_parse(struct abe_policy *policy, const char *text, size_t length,
                     struct abe_node *nodes, size_t capacity, struct aceso_abe_policy_error *error);

/* Room behind a text with comparisons, and nodes for it, that are enough for any. */
enum { ABE_POLICY_ROOM = ACESO_ABE_POLICY_ROWS_MAX * ACESO_ABE_ATTRIBUTE_MAX };

/* The same with comparisons, whose attributes are written behind the text: there must be
 * ABE_POLICY_ROOM bytes, and ABE_NODES_MAX nodes. */
int abe_policy_parse_ranges(struct abe_policy *policy, char *text, size_t length,
                            struct abe_node *nodes, struct aceso_abe_policy_error *error);

/* Whether there is a sign of a comparison in the text, or the word `in`. */
bool abe_policy_has_ranges(const char *text, size_t length);

/* Length of the canonical text. */
size_t abe_policy_printed_length(const struct abe_policy *policy);

/* Writes the canonical text, of abe_policy_printed_length bytes, and lets the leaves point there.
 */
void abe_policy_print(struct abe_policy *policy, char *text);

/* Whether the policy's own text is the canonical one. */
bool abe_policy_is_canonical(const struct abe_policy *policy);

/*
 * Joins normal trees under one gate; `threshold` counts for ABE_GATE_THRESHOLD only. `joined` gets
 * its nodes in `nodes` (capacity: the sum of the operands' counts and 1) and its text in `text`
 * (room: the sum of their lengths), which holds the operands' texts one after the other until it is
 * printed.
 */
int abe_policy_join(struct abe_policy *joined, enum abe_gate kind, size_t threshold,
                    const struct abe_policy *const *operands, size_t count, struct abe_node *nodes,
                    size_t capacity, char *text);

/* Whether the node is a leaf of the tree. */
static inline bool abe_node_is_leaf(const struct abe_node *node)
{
    return node->threshold == 0 && node->row != ABE_ROW_NONE;
}

/* The attribute of a leaf; not NUL-terminated. */
static inline const char *abe_policy_name(const struct abe_policy *policy,
                                          const struct abe_node *leaf)
{
    return policy->text + leaf->offset;
}

/*
 * Marks in `chosen` (one byte a node, 0 or 1) a satisfying set with few rows, given `held` (one
 * byte a row: the user has that attribute). `cost` is scratch, one entry a node. A chosen gate has
 * exactly `threshold` chosen children. False when the held attributes do not satisfy.
 */
bool abe_policy_choose(const struct abe_policy *policy, const uint8_t *held, uint32_t *cost,
                       uint8_t *chosen);

#endif
