/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as objects. Shell: uses core and the heap. No I/O. */
#include "../core/policy.h"

#include "../core/kem.h"
#include "../core/range.h"
#include "objects.h"

#include <stdlib.h>
#include <string.h>

static struct aceso_abe_policy *policy_new(size_t nodes)
{
    struct aceso_abe_policy *policy = calloc(1, sizeof(*policy));

    if (policy == NULL)
        return NULL;
    policy->core.nodes = malloc(nodes * sizeof(*policy->core.nodes));
    policy->core.capacity = nodes;
    if (policy->core.nodes == NULL) {
        free(policy);
        return NULL;
    }
    return policy;
}

void aceso_abe_policy_free(struct aceso_abe_policy *policy)
{
    if (policy == NULL)
        return;
    free(policy->core.nodes);
    free(policy->text);
    free(policy);
}

/* Gives the policy a canonical text of its own. */
static int take_text(struct aceso_abe_policy *policy)
{
    size_t length = abe_policy_printed_length(&policy->core);

    if (length > ACESO_ABE_POLICY_TEXT_MAX)
        return ACESO_ABE_LIMIT;
    policy->text = malloc(length + 1);
    if (policy->text == NULL)
        return ACESO_ABE_NO_MEMORY;
    abe_policy_print(&policy->core, policy->text);
    policy->text[length] = '\0';
    return ACESO_ABE_OK;
}

int aceso_abe_policy_parse(const char *text, size_t length, struct aceso_abe_policy **policy,
                           struct aceso_abe_policy_error *error)
{
    bool ranges = length <= ACESO_ABE_POLICY_TEXT_MAX && abe_policy_has_ranges(text, length);
    size_t capacity = ranges ? ABE_NODES_MAX : abe_policy_nodes_needed(length);
    struct aceso_abe_policy *made = policy_new(capacity);
    char *copy = ranges ? malloc(length + ABE_POLICY_ROOM) : NULL;
    struct aceso_abe_policy_error unwanted;
    int code = ACESO_ABE_NO_MEMORY;

    if (made == NULL || (ranges && copy == NULL))
        goto out;
    if (error == NULL)
        error = &unwanted;
    if (ranges) {
        memcpy(copy, text, length);
        code = abe_policy_parse_ranges(&made->core, copy, length, made->core.nodes, error);
    } else {
        code = abe_policy_parse(&made->core, text, length, made->core.nodes, capacity, error);
    }
    if (code == ACESO_ABE_OK)
        code = take_text(made);
    if (code == ACESO_ABE_OK) {
        *policy = made;
        made = NULL;
    }
out:
    free(copy);
    aceso_abe_policy_free(made);
    return code;
}

/* ---- joining --------------------------------------------------------------------------- */

static int join(enum abe_gate kind, size_t threshold,
                const struct aceso_abe_policy *const *policies, size_t count,
                struct aceso_abe_policy **joined)
{
    const struct abe_policy **operands;
    struct aceso_abe_policy *made = NULL;
    char *text = NULL;
    size_t length = 0;
    size_t nodes = 1;
    int code = ACESO_ABE_NO_MEMORY;

    if (count == 0)
        return ACESO_ABE_ARGUMENT;
    if (count > ACESO_ABE_POLICY_ROWS_MAX)
        return ACESO_ABE_LIMIT;
    operands = malloc(count * sizeof(*operands));
    if (operands == NULL)
        return ACESO_ABE_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        operands[i] = &policies[i]->core;
        length += operands[i]->length;
        nodes += operands[i]->count;
    }
    made = policy_new(nodes);
    text = malloc(length);
    if (made != NULL && text != NULL)
        code = abe_policy_join(&made->core, kind, threshold, operands, count, made->core.nodes,
                               nodes, text);
    if (code == ACESO_ABE_OK)
        code = take_text(made);
    if (code == ACESO_ABE_OK)
        *joined = made;
    else
        aceso_abe_policy_free(made);
    free(text);
    free(operands);
    return code;
}

int aceso_abe_policy_and(const struct aceso_abe_policy *const *policies, size_t count,
                         struct aceso_abe_policy **joined)
{
    return join(ABE_GATE_AND, 0, policies, count, joined);
}

int aceso_abe_policy_or(const struct aceso_abe_policy *const *policies, size_t count,
                        struct aceso_abe_policy **joined)
{
    return join(ABE_GATE_OR, 0, policies, count, joined);
}

int aceso_abe_policy_threshold(size_t threshold, const struct aceso_abe_policy *const *policies,
                               size_t count, struct aceso_abe_policy **joined)
{
    return join(ABE_GATE_THRESHOLD, threshold, policies, count, joined);
}

/* ---- looking --------------------------------------------------------------------------- */

const char *aceso_abe_policy_text(const struct aceso_abe_policy *policy)
{
    return policy->text;
}

size_t aceso_abe_policy_rows(const struct aceso_abe_policy *policy)
{
    return policy->core.rows;
}

int aceso_abe_policy_attribute(const struct aceso_abe_policy *policy, size_t row,
                               char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1])
{
    for (size_t i = 0; i < policy->core.count; i++) {
        const struct abe_node *node = &policy->core.nodes[i];

        if (!abe_node_is_leaf(node) || node->row != row)
            continue;
        memcpy(attribute, abe_policy_name(&policy->core, node), node->length);
        attribute[node->length] = '\0';
        return ACESO_ABE_OK;
    }
    return ACESO_ABE_ARGUMENT;
}

bool aceso_abe_policy_satisfied(const struct aceso_abe_policy *policy,
                                const char *const *attributes, size_t count)
{
    const struct abe_policy *core = &policy->core;
    struct abe_entry *entries = calloc(count + 1, sizeof(*entries));
    uint32_t *cost = calloc(core->count, sizeof(*cost));
    uint8_t *chosen = calloc(core->count, 1);
    uint8_t *held = calloc(core->rows, 1);
    bool satisfied = false;

    if (entries != NULL && cost != NULL && chosen != NULL && held != NULL) {
        for (size_t i = 0; i < count; i++)
            entries[i] = (struct abe_entry){ attributes[i], strlen(attributes[i]), attributes[i] };
        abe_entries_sort(entries, count);
        for (size_t i = 0; i < core->count; i++) {
            const struct abe_node *node = &core->nodes[i];

            if (abe_node_is_leaf(node))
                held[node->row] = abe_entries_find(entries, count, abe_policy_name(core, node),
                                                   node->length) != NULL;
        }
        satisfied = abe_policy_choose(core, held, cost, chosen);
    }
    free(entries);
    free(cost);
    free(chosen);
    free(held);
    return satisfied;
}

/* ---- values ---------------------------------------------------------------------------- */

int aceso_abe_value_attributes(const char *attribute, const char *value,
                               char attributes[ACESO_ABE_PREFIXES_MAX][ACESO_ABE_ATTRIBUTE_MAX + 1],
                               size_t *count)
{
    struct abe_value parsed;
    unsigned bits;
    size_t length;

    if (!aceso_abe_attribute_valid(attribute))
        return ACESO_ABE_ATTRIBUTE;
    if (!abe_value_read(value, strlen(value), &parsed))
        return ACESO_ABE_ARGUMENT;
    bits = abe_value_bits(parsed.date);
    for (unsigned i = 0; i <= bits; i++) {
        struct abe_prefix prefix = abe_value_prefix(&parsed, i);

        length =
            abe_prefix_attribute(attribute, strlen(attribute), parsed.date, &prefix, attributes[i]);
        if (length == 0)
            return ACESO_ABE_ATTRIBUTE;
        attributes[i][length] = '\0';
    }
    *count = bits + 1;
    return ACESO_ABE_OK;
}

/* ---- headers without keys -------------------------------------------------------------- */

int aceso_abe_header_inspect(const uint8_t *header, size_t header_length,
                             struct aceso_abe_header_info *info)
{
    struct abe_header parsed;
    struct abe_node *nodes;
    const char *text;
    size_t length;
    size_t capacity;
    int code = abe_header_text(header, header_length, &text, &length);

    if (code != ACESO_ABE_OK)
        return code;
    capacity = abe_policy_nodes_needed(length);
    nodes = malloc(capacity * sizeof(*nodes));
    if (nodes == NULL)
        return ACESO_ABE_NO_MEMORY;
    code = abe_header_parse(header, header_length, nodes, capacity, &parsed);
    if (code == ACESO_ABE_OK)
        *info = (struct aceso_abe_header_info){ .version = header[0],
                                                .suite = header[1],
                                                .cca = parsed.cca,
                                                .rows = parsed.policy.rows,
                                                .policy = text,
                                                .policy_length = length,
                                                .bytes = header_length };
    free(nodes);
    return code;
}

int aceso_abe_header_policy(const uint8_t *header, size_t header_length,
                            struct aceso_abe_policy **policy)
{
    struct aceso_abe_header_info info;
    int code = aceso_abe_header_inspect(header, header_length, &info);

    if (code != ACESO_ABE_OK)
        return code;
    return aceso_abe_policy_parse(info.policy, info.policy_length, policy, NULL);
}
