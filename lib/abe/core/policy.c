/* SPDX-License-Identifier: Apache-2.0 */
/* Policy trees. Uses octets. Core: the caller's memory, no I/O. */
#include "policy.h"

#include "octets.h"
#include "range.h"

enum {
    NAME_MAX_LENGTH = 64,
    COST_NEVER = INT32_MAX,
    COST_INTERPOLATE = 3 /* factor for rows under a threshold: their coefficients are long */
};

/* Children of a gate that is being made. */
struct list {
    uint32_t first;
    uint32_t last;
    size_t count;
};

static const struct list list_empty = { ABE_NODE_NONE, ABE_NODE_NONE, 0 };

struct parser {
    struct abe_policy *policy;
    const char *text;
    size_t length;
    size_t at;
    size_t leaves;
    char *room; /* where attributes of comparisons go, behind the text; NULL: none are taken */
    size_t room_used;
    int code;
    struct aceso_abe_policy_error *error;
};

/* ---- attributes ------------------------------------------------------------------------ */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static size_t scan_name(const char *text, size_t length, bool underscore)
{
    size_t n = 0;

    if (length == 0 || !is_alphanumeric(text[0]))
        return 0;
    while (n < length && (is_alphanumeric(text[n]) || text[n] == '.' || text[n] == '-' ||
                          (underscore && text[n] == '_')))
        n++;
    return n;
}

size_t abe_attribute_scan(const char *text, size_t length)
{
    size_t name = scan_name(text, length, true);
    size_t label;

    if (name == 0 || name > NAME_MAX_LENGTH || name >= length || text[name] != '@')
        return 0;
    label = scan_name(text + name + 1, length - name - 1, false);
    if (label == 0 || label > NAME_MAX_LENGTH)
        return 0;
    return name + 1 + label;
}

bool abe_attribute_valid(const char *text, size_t length)
{
    return length > 0 && abe_attribute_scan(text, length) == length;
}

static uint32_t attribute_hash(const char *text, size_t length)
{
    uint32_t hash = 2166136261u; /* FNV-1a: only spares comparisons */

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    return hash;
}

/* ---- gates in normal form -------------------------------------------------------------- */

static void list_append(struct abe_policy *policy, struct list *list, uint32_t node)
{
    policy->nodes[node].next = ABE_NODE_NONE;
    if (list->count == 0)
        list->first = node;
    else
        policy->nodes[list->last].next = node;
    list->last = node;
    list->count++;
}

static bool same_leaf(const struct abe_policy *policy, const struct abe_node *a,
                      const struct abe_node *b)
{
    return a->threshold == 0 && b->threshold == 0 && a->hash == b->hash && a->length == b->length &&
           memcmp(abe_policy_name(policy, a), abe_policy_name(policy, b), a->length) == 0;
}

/* Keeps the first of equal leaves. */
static struct list without_repeats(struct abe_policy *policy, const struct list *list)
{
    struct list kept = list_empty;
    uint32_t next;

    for (uint32_t node = list->first; node != ABE_NODE_NONE; node = next) {
        bool seen = false;

        next = policy->nodes[node].next;
        for (uint32_t other = kept.first; other != ABE_NODE_NONE && !seen;
             other = policy->nodes[other].next)
            seen = same_leaf(policy, &policy->nodes[other], &policy->nodes[node]);
        if (!seen)
            list_append(policy, &kept, node);
    }
    return kept;
}

static enum abe_gate node_kind(const struct abe_node *gate)
{
    if (gate->threshold == 1)
        return ABE_GATE_OR;
    return gate->threshold == gate->children ? ABE_GATE_AND : ABE_GATE_THRESHOLD;
}

/* Puts the children of gates of the same kind in the place of those gates. */
static struct list flattened(struct abe_policy *policy, const struct list *list, enum abe_gate kind)
{
    struct list flat = list_empty;
    uint32_t next;
    uint32_t inner_next;

    for (uint32_t node = list->first; node != ABE_NODE_NONE; node = next) {
        const struct abe_node *gate = &policy->nodes[node];

        next = gate->next;
        if (gate->threshold == 0 || node_kind(gate) != kind) {
            list_append(policy, &flat, node);
            continue;
        }
        for (uint32_t inner = gate->first; inner != ABE_NODE_NONE; inner = inner_next) {
            inner_next = policy->nodes[inner].next;
            list_append(policy, &flat, inner);
        }
    }
    return flat;
}

/* Makes the gate, or gives its only child. ABE_NODE_NONE when the threshold is out of reach. */
static uint32_t make_gate(struct abe_policy *policy, const struct list *operands,
                          enum abe_gate kind, size_t threshold)
{
    struct list list = without_repeats(policy, operands);
    struct abe_node *gate;

    if (kind == ABE_GATE_THRESHOLD) {
        if (threshold == 0 || threshold > list.count)
            return ABE_NODE_NONE;
        if (threshold == list.count)
            kind = ABE_GATE_AND;
        else if (threshold == 1)
            kind = ABE_GATE_OR;
    }
    if (kind != ABE_GATE_THRESHOLD) {
        list = flattened(policy, &list, kind);
        list = without_repeats(policy, &list);
        threshold = kind == ABE_GATE_AND ? list.count : 1;
    }
    if (list.count == 1)
        return list.first;
    /* Each gate joins two or more subtrees, so that gates never outnumber leaves. */
    if (policy->count == policy->capacity)
        return ABE_NODE_NONE;
    gate = &policy->nodes[policy->count];
    *gate = (struct abe_node){ .first = list.first,
                               .next = ABE_NODE_NONE,
                               .threshold = (uint16_t)threshold,
                               .children = (uint16_t)list.count,
                               .row = ABE_ROW_NONE };
    return (uint32_t)policy->count++;
}

/* Numbers rows and columns in the order of the text. False when the tree is too deep. */
static bool number_nodes(struct abe_policy *policy, uint32_t index, size_t depth)
{
    struct abe_node *node = &policy->nodes[index];

    if (node->threshold == 0) {
        node->row = (uint16_t)policy->rows++;
        return true;
    }
    if (depth == ACESO_ABE_POLICY_DEPTH_MAX)
        return false;
    node->row = (uint16_t)policy->columns;
    policy->columns += (size_t)node->threshold - 1;
    for (uint32_t child = node->first; child != ABE_NODE_NONE; child = policy->nodes[child].next) {
        if (!number_nodes(policy, child, depth + 1))
            return false;
    }
    return true;
}

static bool finish(struct abe_policy *policy, uint32_t root)
{
    policy->root = root;
    policy->rows = 0;
    policy->columns = 1;
    return number_nodes(policy, root, 0);
}

/* ---- parser ---------------------------------------------------------------------------- */

static uint32_t parse_or(struct parser *parser, size_t depth);

static uint32_t fail(struct parser *parser, int code, size_t position, const char *reason)
{
    if (parser->code == ACESO_ABE_OK) {
        parser->code = code;
        parser->error->position = position;
        parser->error->reason = reason;
    }
    return ABE_NODE_NONE;
}

static void skip_space(struct parser *parser)
{
    while (parser->at < parser->length) {
        char c = parser->text[parser->at];

        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            break;
        parser->at++;
    }
}

/* Length of the word (attribute, keyword or number) at the cursor. */
static size_t word_length(const struct parser *parser)
{
    size_t n = 0;

    while (parser->at + n < parser->length) {
        char c = parser->text[parser->at + n];

        if (!is_alphanumeric(c) && c != '.' && c != '-' && c != '_' && c != '@')
            break;
        n++;
    }
    return n;
}

static bool accept_word(struct parser *parser, const char *word, size_t length)
{
    skip_space(parser);
    if (word_length(parser) != length || memcmp(parser->text + parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

static bool accept_sign(struct parser *parser, char sign)
{
    skip_space(parser);
    if (parser->at == parser->length || parser->text[parser->at] != sign)
        return false;
    parser->at++;
    return true;
}

/* A leaf whose attribute stands at `offset` behind the beginning of the text. */
static uint32_t add_leaf(struct parser *parser, size_t offset, size_t length, size_t position)
{
    struct abe_policy *policy = parser->policy;

    if (parser->leaves == ACESO_ABE_POLICY_ROWS_MAX || policy->count == policy->capacity)
        return fail(parser, ACESO_ABE_LIMIT, position, "too many attributes in one policy");
    parser->leaves++;
    policy->nodes[policy->count] =
        (struct abe_node){ .first = ABE_NODE_NONE,
                           .next = ABE_NODE_NONE,
                           .offset = (uint32_t)offset,
                           .hash = attribute_hash(parser->text + offset, length),
                           .length = (uint16_t)length,
                           .row = ABE_ROW_NONE };
    return (uint32_t)policy->count++;
}

/* ---- comparisons ----------------------------------------------------------------------- */

/* An attribute that is compared: where it stands, and the values that are asked for. */
struct comparison {
    size_t at;
    size_t length;
    bool date;
    uint32_t first;
    uint32_t last;
};

static bool range_error(struct parser *parser, size_t position, const char *reason)
{
    (void)fail(parser, ACESO_ABE_POLICY, position, reason);
    return false;
}

static bool parse_value(struct parser *parser, size_t length, struct abe_value *value)
{
    if (!abe_value_read(parser->text + parser->at, length, value))
        return range_error(parser, parser->at,
                           "expected a number below 4294967296 or a date YYYY-MM-DD");
    parser->at += length;
    return true;
}

/* FIRST..LAST */
static bool parse_interval(struct parser *parser, struct comparison *comparison)
{
    struct abe_value first;
    struct abe_value last;
    size_t start;
    size_t length;
    size_t split = 0;

    skip_space(parser);
    start = parser->at;
    length = word_length(parser);
    while (split + 1 < length && memcmp(parser->text + start + split, "..", 2) != 0)
        split++;
    if (split + 1 >= length)
        return range_error(parser, start, "expected FIRST..LAST after 'in'");
    if (!parse_value(parser, split, &first))
        return false;
    parser->at += 2;
    if (!parse_value(parser, length - split - 2, &last))
        return false;
    if (first.date != last.date || first.number > last.number)
        return range_error(parser, start, "no value is in this range");
    comparison->date = first.date;
    comparison->first = first.number;
    comparison->last = last.number;
    return true;
}

/* `<` `<=` `=` `>=` `>` and a value. */
static bool parse_bound(struct parser *parser, struct comparison *comparison)
{
    char sign = parser->text[parser->at++];
    bool equal = sign == '=';
    struct abe_value value;
    size_t start;

    if (!equal && parser->at < parser->length && parser->text[parser->at] == '=') {
        parser->at++;
        equal = true;
    }
    skip_space(parser);
    start = parser->at;
    if (!parse_value(parser, word_length(parser), &value))
        return false;
    comparison->date = value.date;
    comparison->first = sign == '<' ? 0 : value.number;
    comparison->last = sign == '>' ? abe_value_last(value.date) : value.number;
    if (equal)
        return true;
    if (sign == '<' ? value.number == 0 : value.number == abe_value_last(value.date))
        return range_error(parser, start, "no value is in this range");
    if (sign == '<')
        comparison->last--;
    else
        comparison->first++;
    return true;
}

/* The `or` of the attributes of all prefixes that make up the range. */
static uint32_t range_gate(struct parser *parser, const struct comparison *comparison)
{
    const char *attribute = parser->text + comparison->at;
    struct list list = list_empty;
    uint32_t first = comparison->first;
    bool more = true;

    while (more) {
        char name[ACESO_ABE_ATTRIBUTE_MAX];
        struct abe_prefix prefix;
        size_t length;
        uint32_t leaf;

        more = abe_range_next(comparison->date, &first, comparison->last, &prefix);
        length =
            abe_prefix_attribute(attribute, comparison->length, comparison->date, &prefix, name);
        if (length == 0)
            return fail(parser, ACESO_ABE_POLICY, comparison->at,
                        "the name is too long to be compared (51 characters at most)");
        if (length > ABE_POLICY_ROOM - parser->room_used)
            return fail(parser, ACESO_ABE_LIMIT, comparison->at,
                        "too many attributes in one policy");
        memcpy(parser->room + parser->room_used, name, length);
        leaf = add_leaf(parser, parser->length + parser->room_used, length, comparison->at);
        if (leaf == ABE_NODE_NONE)
            return ABE_NODE_NONE;
        parser->room_used += length;
        list_append(parser->policy, &list, leaf);
    }
    return make_gate(parser->policy, &list, ABE_GATE_OR, 0);
}

static uint32_t parse_leaf(struct parser *parser, size_t length)
{
    struct comparison comparison = { .at = parser->at, .length = length };
    bool in;

    if (!abe_attribute_valid(parser->text + parser->at, length))
        return fail(parser, ACESO_ABE_POLICY, parser->at,
                    "not an attribute (name@authority, lower case, at most 64 characters each)");
    parser->at += length;
    in = accept_word(parser, "in", 2);
    if (!in && (parser->at == parser->length || memchr("<=>", parser->text[parser->at], 3) == NULL))
        return add_leaf(parser, comparison.at, length, comparison.at);
    if (parser->room == NULL)
        return fail(parser, ACESO_ABE_POLICY, parser->at, "a comparison cannot stand here");
    if (!(in ? parse_interval : parse_bound)(parser, &comparison))
        return ABE_NODE_NONE;
    return range_gate(parser, &comparison);
}

/* The number of `k of (...)`: decimal, no leading zero, not above the limit of rows. */
static size_t parse_number(struct parser *parser, size_t length)
{
    const char *digits = parser->text + parser->at;
    size_t value = 0;

    if (length == 0 || length > 4 || digits[0] == '0')
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return 0;
        value = value * 10 + (size_t)(digits[i] - '0');
    }
    return value <= ACESO_ABE_POLICY_ROWS_MAX ? value : 0;
}

static uint32_t parse_threshold(struct parser *parser, size_t length, size_t depth)
{
    size_t start = parser->at;
    size_t threshold = parse_number(parser, length);
    struct list list = list_empty;
    uint32_t gate;

    if (threshold == 0)
        return fail(parser, ACESO_ABE_POLICY, start,
                    "expected an attribute, a bracket, or a number from 1 to 1024");
    parser->at += length;
    if (!accept_word(parser, "of", 2))
        return fail(parser, ACESO_ABE_POLICY, parser->at, "expected 'of' after the number");
    if (!accept_sign(parser, '('))
        return fail(parser, ACESO_ABE_POLICY, parser->at, "expected '(' after 'of'");
    if (depth == ACESO_ABE_POLICY_DEPTH_MAX)
        return fail(parser, ACESO_ABE_LIMIT, parser->at - 1, "too many brackets inside each other");
    do {
        uint32_t node = parse_or(parser, depth + 1);

        if (node == ABE_NODE_NONE)
            return ABE_NODE_NONE;
        list_append(parser->policy, &list, node);
    } while (accept_sign(parser, ','));
    if (!accept_sign(parser, ')'))
        return fail(parser, ACESO_ABE_POLICY, parser->at, "expected ',' or ')'");
    gate = make_gate(parser->policy, &list, ABE_GATE_THRESHOLD, threshold);
    if (gate == ABE_NODE_NONE)
        return fail(parser, ACESO_ABE_POLICY, start,
                    "the threshold is above the number of different operands");
    return gate;
}

static uint32_t parse_factor(struct parser *parser, size_t depth)
{
    size_t length;

    skip_space(parser);
    if (parser->at == parser->length)
        return fail(parser, ACESO_ABE_POLICY, parser->at, "unexpected end of the policy");
    if (accept_sign(parser, '(')) {
        uint32_t inner;

        if (depth == ACESO_ABE_POLICY_DEPTH_MAX)
            return fail(parser, ACESO_ABE_LIMIT, parser->at - 1,
                        "too many brackets inside each other");
        inner = parse_or(parser, depth + 1);
        if (inner != ABE_NODE_NONE && !accept_sign(parser, ')'))
            return fail(parser, ACESO_ABE_POLICY, parser->at, "expected 'and', 'or' or ')'");
        return inner;
    }
    length = word_length(parser);
    if (length == 0)
        return fail(parser, ACESO_ABE_POLICY, parser->at, "expected an attribute or a bracket");
    if (memchr(parser->text + parser->at, '@', length) != NULL)
        return parse_leaf(parser, length);
    return parse_threshold(parser, length, depth);
}

static uint32_t parse_chain(struct parser *parser, const struct list *list, enum abe_gate kind)
{
    uint32_t gate = make_gate(parser->policy, list, kind, 0);

    if (gate == ABE_NODE_NONE)
        return fail(parser, ACESO_ABE_LIMIT, parser->at, "no room for the policy's gates");
    return gate;
}

static uint32_t parse_and(struct parser *parser, size_t depth)
{
    struct list list = list_empty;

    do {
        uint32_t node = parse_factor(parser, depth);

        if (node == ABE_NODE_NONE)
            return ABE_NODE_NONE;
        list_append(parser->policy, &list, node);
    } while (accept_word(parser, "and", 3));
    return parse_chain(parser, &list, ABE_GATE_AND);
}

static uint32_t parse_or(struct parser *parser, size_t depth)
{
    struct list list = list_empty;

    do {
        uint32_t node = parse_and(parser, depth);

        if (node == ABE_NODE_NONE)
            return ABE_NODE_NONE;
        list_append(parser->policy, &list, node);
    } while (accept_word(parser, "or", 2));
    return parse_chain(parser, &list, ABE_GATE_OR);
}

size_t abe_policy_nodes_needed(size_t length)
{
    /* "a@b" and one sign between: a leaf takes 4 bytes, and brings at most one gate. */
    size_t leaves = length / 4 + 1;

    if (leaves > ACESO_ABE_POLICY_ROWS_MAX)
        leaves = ACESO_ABE_POLICY_ROWS_MAX;
    return 2 * leaves;
}

static int parse(struct abe_policy *policy, const char *text, size_t length, char *room,
                 struct abe_node *nodes, size_t capacity, struct aceso_abe_policy_error *error)
{
    struct abe_policy parsed = {
        .text = text, .length = length, .nodes = nodes, .capacity = capacity
    };
    struct parser parser = { .policy = &parsed,
                             .text = text,
                             .length = length,
                             .room = room,
                             .code = ACESO_ABE_OK,
                             .error = error };
    uint32_t root;

    if (length > ACESO_ABE_POLICY_TEXT_MAX) {
        fail(&parser, ACESO_ABE_LIMIT, ACESO_ABE_POLICY_TEXT_MAX, "the policy's text is too long");
        return parser.code;
    }
    root = parse_or(&parser, 0);
    if (root != ABE_NODE_NONE) {
        skip_space(&parser);
        if (parser.at != length)
            fail(&parser, ACESO_ABE_POLICY, parser.at, "expected 'and', 'or' or the end");
        else if (!finish(&parsed, root))
            fail(&parser, ACESO_ABE_LIMIT, 0, "too many gates inside each other");
    }
    if (parser.code == ACESO_ABE_OK)
        *policy = parsed;
    return parser.code;
}

int abe_policy_parse(struct abe_policy *policy, const char *text, size_t length,
                     struct abe_node *nodes, size_t capacity, struct aceso_abe_policy_error *error)
{
    return parse(policy, text, length, NULL, nodes, capacity, error);
}

int abe_policy_parse_ranges(struct abe_policy *policy, char *text, size_t length,
                            struct abe_node *nodes, struct aceso_abe_policy_error *error)
{
    return parse(policy, text, length, text + length, nodes, ABE_NODES_MAX, error);
}

bool abe_policy_has_ranges(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '<' || text[i] == '=' || text[i] == '>' ||
            (length - i >= 4 &&
             (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r') &&
             text[i + 1] == 'i' && text[i + 2] == 'n'))
            return true;
    }
    return false;
}

/* ---- canonical text -------------------------------------------------------------------- */

/* Where printed characters go: to memory, to a comparison, or only to a count. */
struct printer {
    const struct abe_policy *policy;
    char *out; /* when set, the leaves are moved to where they are printed */
    const char *expected;
    size_t at;
    bool differs;
};

static void print_bytes(struct printer *printer, const char *bytes, size_t length)
{
    if (printer->out != NULL)
        memcpy(printer->out + printer->at, bytes, length);
    if (printer->expected != NULL && !printer->differs)
        printer->differs = length > printer->policy->length - printer->at ||
                           memcmp(printer->expected + printer->at, bytes, length) != 0;
    printer->at += length;
}

static void print_number(struct printer *printer, unsigned value)
{
    char digits[10];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    print_bytes(printer, digits + at, sizeof(digits) - at);
}

static void print_leaf(struct printer *printer, struct abe_node *leaf)
{
    size_t start = printer->at;

    print_bytes(printer, abe_policy_name(printer->policy, leaf), leaf->length);
    if (printer->out != NULL)
        leaf->offset = (uint32_t)start;
}

static void print_node(struct printer *printer, uint32_t index, bool inside)
{
    struct abe_node *nodes = printer->policy->nodes;
    struct abe_node *node = &nodes[index];
    enum abe_gate kind = node_kind(node);
    bool bracket = inside && kind != ABE_GATE_THRESHOLD;

    if (node->threshold == 0) {
        print_leaf(printer, node);
        return;
    }
    if (kind == ABE_GATE_THRESHOLD) {
        print_number(printer, node->threshold);
        print_bytes(printer, " of (", 5);
    } else if (bracket) {
        print_bytes(printer, "(", 1);
    }
    for (uint32_t child = node->first; child != ABE_NODE_NONE; child = nodes[child].next) {
        if (child != node->first && kind == ABE_GATE_THRESHOLD)
            print_bytes(printer, ", ", 2);
        else if (child != node->first)
            print_bytes(printer, kind == ABE_GATE_AND ? " and " : " or ",
                        kind == ABE_GATE_AND ? 5 : 4);
        print_node(printer, child, kind != ABE_GATE_THRESHOLD);
    }
    if (kind == ABE_GATE_THRESHOLD || bracket)
        print_bytes(printer, ")", 1);
}

size_t abe_policy_printed_length(const struct abe_policy *policy)
{
    struct printer printer = { .policy = policy };

    print_node(&printer, policy->root, false);
    return printer.at;
}

bool abe_policy_is_canonical(const struct abe_policy *policy)
{
    struct printer printer = { .policy = policy, .expected = policy->text };

    print_node(&printer, policy->root, false);
    return !printer.differs && printer.at == policy->length;
}

void abe_policy_print(struct abe_policy *policy, char *text)
{
    struct printer printer = { .policy = policy, .out = text };

    print_node(&printer, policy->root, false);
    policy->text = text;
    policy->length = printer.at;
}

/* ---- joining --------------------------------------------------------------------------- */

int abe_policy_join(struct abe_policy *joined, enum abe_gate kind, size_t threshold,
                    const struct abe_policy *const *operands, size_t count, struct abe_node *nodes,
                    size_t capacity, char *text)
{
    struct abe_policy result = { .text = text, .nodes = nodes, .capacity = capacity };
    struct list list = list_empty;
    size_t rows = 0;
    uint32_t root;

    for (size_t i = 0; i < count; i++) {
        const struct abe_policy *operand = operands[i];
        uint32_t base = (uint32_t)result.count;

        if (operand->count > capacity - result.count)
            return ACESO_ABE_LIMIT;
        memcpy(text + result.length, operand->text, operand->length);
        for (size_t j = 0; j < operand->count; j++) {
            struct abe_node *node = &nodes[base + j];

            *node = operand->nodes[j];
            node->offset += (uint32_t)result.length;
            node->row = ABE_ROW_NONE;
            if (node->first != ABE_NODE_NONE)
                node->first += base;
            if (node->next != ABE_NODE_NONE)
                node->next += base;
        }
        result.count += operand->count;
        result.length += operand->length;
        list_append(&result, &list, base + operand->root);
        rows += operand->rows;
    }
    if (rows > ACESO_ABE_POLICY_ROWS_MAX)
        return ACESO_ABE_LIMIT;
    root = make_gate(&result, &list, kind, threshold);
    if (root == ABE_NODE_NONE)
        return ACESO_ABE_ARGUMENT;
    if (!finish(&result, root))
        return ACESO_ABE_LIMIT;
    *joined = result;
    return ACESO_ABE_OK;
}

/* ---- choosing rows --------------------------------------------------------------------- */

static uint32_t cost_sum(uint32_t a, uint32_t b)
{
    uint64_t sum = (uint64_t)a + b;

    if (a == COST_NEVER || b == COST_NEVER)
        return COST_NEVER;
    return sum < COST_NEVER ? (uint32_t)sum : COST_NEVER - 1;
}

/* How many children cost at most `limit`. */
static size_t count_within(const struct abe_policy *policy, const struct abe_node *gate,
                           const uint32_t *cost, uint32_t limit)
{
    size_t count = 0;

    for (uint32_t child = gate->first; child != ABE_NODE_NONE; child = policy->nodes[child].next)
        count += cost[child] <= limit;
    return count;
}

/* The least limit within which there are `threshold` children; COST_NEVER when there is none. */
static uint32_t cutoff(const struct abe_policy *policy, const struct abe_node *gate,
                       const uint32_t *cost)
{
    uint32_t low = 0;
    uint32_t high = COST_NEVER;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (count_within(policy, gate, cost, middle) >= gate->threshold)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Marks the cheapest children of a gate whose costs are known; returns what they cost together. */
static uint32_t mark_children(const struct abe_policy *policy, const struct abe_node *gate,
                              const uint32_t *cost, uint8_t *chosen)
{
    uint32_t limit = cutoff(policy, gate, cost);
    size_t below = limit == 0 ? 0 : count_within(policy, gate, cost, limit - 1);
    size_t at_limit = gate->threshold - below; /* how many of those that cost just `limit` */
    uint32_t sum = 0;

    if (limit == COST_NEVER)
        return COST_NEVER;
    for (uint32_t child = gate->first; child != ABE_NODE_NONE; child = policy->nodes[child].next) {
        bool take = cost[child] < limit;

        if (cost[child] == limit && at_limit > 0) {
            at_limit--;
            take = true;
        }
        chosen[child] = take;
        if (take)
            sum = cost_sum(sum, cost[child]);
    }
    if (node_kind(gate) == ABE_GATE_THRESHOLD) {
        uint32_t once = sum;

        for (size_t i = 1; i < COST_INTERPOLATE; i++)
            sum = cost_sum(sum, once);
    }
    return sum;
}

static uint32_t find_cost(const struct abe_policy *policy, uint32_t index, const uint8_t *held,
                          uint32_t *cost, uint8_t *chosen)
{
    const struct abe_node *node = &policy->nodes[index];

    if (node->threshold == 0) {
        cost[index] = held[node->row] != 0 ? 1 : COST_NEVER;
        return cost[index];
    }
    for (uint32_t child = node->first; child != ABE_NODE_NONE; child = policy->nodes[child].next)
        find_cost(policy, child, held, cost, chosen);
    cost[index] = mark_children(policy, node, cost, chosen);
    return cost[index];
}

/* What lies under a node that is not chosen is not chosen either. */
static void unmark(const struct abe_policy *policy, uint32_t index, uint8_t *chosen)
{
    const struct abe_node *node = &policy->nodes[index];

    if (node->threshold == 0)
        return;
    for (uint32_t child = node->first; child != ABE_NODE_NONE; child = policy->nodes[child].next) {
        if (chosen[index] == 0)
            chosen[child] = 0;
        unmark(policy, child, chosen);
    }
}

bool abe_policy_choose(const struct abe_policy *policy, const uint8_t *held, uint32_t *cost,
                       uint8_t *chosen)
{
    memset(chosen, 0, policy->count);
    if (find_cost(policy, policy->root, held, cost, chosen) == COST_NEVER)
        return false;
    chosen[policy->root] = 1;
    unmark(policy, policy->root, chosen);
    return true;
}
