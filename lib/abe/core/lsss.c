/* SPDX-License-Identifier: Apache-2.0 */
/* Linear secret sharing. Uses policy, octets and blst's Fr. Core: no heap, no I/O. */
#include "lsss.h"

#include "octets.h"

void abe_fr_from_integer(blst_fr *out, uint64_t value)
{
    uint64_t words[4] = { value, 0, 0, 0 };

    blst_fr_from_uint64(out, words);
}

/* ---- sharing --------------------------------------------------------------------------- */

static void share_node(const struct abe_policy *policy, uint32_t index, const blst_fr *value,
                       const blst_fr *v, blst_fr *shares);

static void share_and(const struct abe_policy *policy, const struct abe_node *gate,
                      const blst_fr *value, const blst_fr *v, blst_fr *shares)
{
    const blst_fr *fresh = v + gate->row;
    blst_fr rest = *value;

    for (uint32_t child = gate->first; child != ABE_NODE_NONE; child = policy->nodes[child].next) {
        if (policy->nodes[child].next == ABE_NODE_NONE) {
            share_node(policy, child, &rest, v, shares);
        } else {
            share_node(policy, child, fresh, v, shares);
            blst_fr_sub(&rest, &rest, fresh);
            fresh++;
        }
    }
    abe_wipe(&rest, sizeof(rest));
}

static void share_threshold(const struct abe_policy *policy, const struct abe_node *gate,
                            const blst_fr *value, const blst_fr *v, blst_fr *shares)
{
    size_t degree = (size_t)gate->threshold - 1;
    uint64_t j = 1;

    for (uint32_t child = gate->first; child != ABE_NODE_NONE; child = policy->nodes[child].next) {
        blst_fr x;
        blst_fr point;

        abe_fr_from_integer(&x, j++);
        point = v[gate->row + degree - 1];
        for (size_t i = degree - 1; i-- > 0;) {
            blst_fr_mul(&point, &point, &x);
            blst_fr_add(&point, &point, &v[gate->row + i]);
        }
        blst_fr_mul(&point, &point, &x);
        blst_fr_add(&point, &point, value);
        share_node(policy, child, &point, v, shares);
        abe_wipe(&point, sizeof(point));
    }
}

static void share_node(const struct abe_policy *policy, uint32_t index, const blst_fr *value,
                       const blst_fr *v, blst_fr *shares)
{
    const struct abe_node *node = &policy->nodes[index];

    if (node->threshold == 0) {
        shares[node->row] = *value;
    } else if (node->threshold == 1) {
        for (uint32_t child = node->first; child != ABE_NODE_NONE;
             child = policy->nodes[child].next)
            share_node(policy, child, value, v, shares);
    } else if (node->threshold == node->children) {
        share_and(policy, node, value, v, shares);
    } else {
        share_threshold(policy, node, value, v, shares);
    }
}

void abe_lsss_share(const struct abe_policy *policy, const blst_fr *v, blst_fr *shares)
{
    share_node(policy, policy->root, &v[0], v, shares);
}

/* ---- reconstruction -------------------------------------------------------------------- */

/* The Lagrange coefficient at 0 of child number j among the chosen children of a gate. */
static void lagrange(const struct abe_policy *policy, const struct abe_node *gate,
                     const uint8_t *chosen, uint64_t j, blst_fr *out)
{
    blst_fr numerator;
    blst_fr denominator;
    uint64_t i = 0;

    abe_fr_from_integer(&numerator, 1);
    denominator = numerator;
    for (uint32_t child = gate->first; child != ABE_NODE_NONE; child = policy->nodes[child].next) {
        blst_fr factor;

        i++;
        if (i == j || chosen[child] == 0)
            continue;
        abe_fr_from_integer(&factor, i);
        blst_fr_mul(&numerator, &numerator, &factor);
        abe_fr_from_integer(&factor, i > j ? i - j : j - i);
        blst_fr_cneg(&factor, &factor, i < j);
        blst_fr_mul(&denominator, &denominator, &factor);
    }
    blst_fr_inverse(&denominator, &denominator);
    blst_fr_mul(out, &numerator, &denominator);
}

static void reconstruct_node(const struct abe_policy *policy, uint32_t index, const uint8_t *chosen,
                             const blst_fr *coefficient, blst_fr *coefficients)
{
    const struct abe_node *node = &policy->nodes[index];
    bool interpolate = node->threshold > 1 && node->threshold < node->children;
    uint64_t j = 0;

    if (node->threshold == 0) {
        coefficients[node->row] = *coefficient;
        return;
    }
    for (uint32_t child = node->first; child != ABE_NODE_NONE; child = policy->nodes[child].next) {
        blst_fr factor = *coefficient;

        j++;
        if (chosen[child] == 0)
            continue;
        if (interpolate) {
            lagrange(policy, node, chosen, j, &factor);
            blst_fr_mul(&factor, &factor, coefficient);
        }
        reconstruct_node(policy, child, chosen, &factor, coefficients);
    }
}

void abe_lsss_reconstruct(const struct abe_policy *policy, const uint8_t *chosen,
                          blst_fr *coefficients)
{
    blst_fr one;

    abe_fr_from_integer(&one, 1);
    reconstruct_node(policy, policy->root, chosen, &one, coefficients);
}
