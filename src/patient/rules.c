/* SPDX-License-Identifier: Apache-2.0 */
#include "patient/rules.h"

#include "base/text.h"
#include "consent/vocabulary.h"

#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = { [RULE_ASK] = "ask", [RULE_ALLOW] = "allow",
                                        [RULE_DENY] = "deny" };
#define VERDICTS (sizeof verdicts / sizeof verdicts[0])

const char *rule_verdict_name(enum rule_verdict verdict)
{
    return (unsigned)verdict < VERDICTS ? verdicts[verdict] : verdicts[RULE_ASK];
}

/* ---- matching ---------------------------------------------------------------------------- */

static bool rule_fits(const struct rule *rule, const struct rule_case *asked)
{
    if (rule->category && rule->category != asked->category)
        return false;
    if (rule->one_institute && memcmp(rule->institute, asked->institute, 20) != 0)
        return false;
    if (rule->purpose && rule->purpose != asked->purpose)
        return false;
    return !rule->hospital[0] || strcmp(rule->hospital, asked->hospital) == 0;
}

static enum rule_verdict rule_allow(const struct rule *rule, const struct rule_case *asked,
                                    struct rule_decision *decision)
{
    unsigned level = asked->own;
    uint64_t term = asked->term;

    if (rule->level && rule->level < level)
        level = rule->level;
    if (rule->term && rule->term < term)
        term = rule->term;
    if (!asked->live || level == 0 || (!rule->less && (asked->level > level || asked->term > term)))
        return RULE_ASK;
    decision->level = asked->level < level ? asked->level : level;
    decision->term = term;
    return RULE_ALLOW;
}

void rules_match(const struct rule *rules, size_t count, const struct rule_case *asked,
                 struct rule_decision *decision)
{
    *decision = (struct rule_decision){ .verdict = RULE_ASK };
    for (size_t i = 0; i < count; i++) {
        if (!rule_fits(&rules[i], asked))
            continue;
        decision->number = rules[i].number;
        decision->verdict = rules[i].then == RULE_ALLOW ? rule_allow(&rules[i], asked, decision)
                                                        : rules[i].then;
        return;
    }
}

/* ---- what the owner writes --------------------------------------------------------------- */

static int rule_parse_then(const char *text, struct rule *rule, struct aceso_error *error)
{
    for (size_t i = 0; i < VERDICTS; i++) {
        if (strcmp(text, verdicts[i]) == 0) {
            rule->then = (enum rule_verdict)i;
            return ACESO_OK;
        }
    }
    return error_set(error, ACESO_EUSAGE, "then", "not allow, deny or ask");
}

static int rule_parse_institute(const char *text, struct rule *rule, struct aceso_error *error)
{
    static const uint8_t nobody[20];

    if (text_unhex(text, rule->institute, 20) || memcmp(rule->institute, nobody, 20) == 0)
        return error_set(error, ACESO_EUSAGE, "institute", "not an address");
    rule->one_institute = true;
    return ACESO_OK;
}

static int rule_parse_hospital(const char *text, struct rule *rule, struct aceso_error *error)
{
    size_t length = strlen(text);

    if (length == 0 || length >= sizeof rule->hospital)
        return error_set(error, ACESO_EUSAGE, "hospital", "not a label");
    memcpy(rule->hospital, text, length + 1);
    return ACESO_OK;
}

static int rule_parse_member(const char *name, yyjson_val *value, struct rule *rule,
                             struct aceso_error *error)
{
    const char *text = yyjson_get_str(value);

    if (strcmp(name, "less") == 0 && yyjson_is_bool(value)) {
        rule->less = yyjson_get_bool(value);
        return ACESO_OK;
    }
    if (!text || strlen(text) != yyjson_get_len(value))
        return error_set(error, ACESO_EFORMAT, name, "not of the right type");
    if (strcmp(name, "then") == 0)
        return rule_parse_then(text, rule, error);
    if (strcmp(name, "category") == 0)
        return category_parse(text, &rule->category, error);
    if (strcmp(name, "institute") == 0)
        return rule_parse_institute(text, rule, error);
    if (strcmp(name, "purpose") == 0)
        return purpose_parse(text, &rule->purpose, error);
    if (strcmp(name, "hospital") == 0)
        return rule_parse_hospital(text, rule, error);
    if (strcmp(name, "level") == 0)
        return level_parse(text, &rule->level, error);
    if (strcmp(name, "term") == 0)
        return term_parse(text, &rule->term, error);
    return error_set(error, ACESO_EFORMAT, name, "no rule has that");
}

int rule_parse(const yyjson_val *input, struct rule *out, struct aceso_error *error)
{
    yyjson_val *object = (yyjson_val *)(uintptr_t)input; /* yyjson reads through such ones only */
    struct rule rule = { .number = 0 };
    yyjson_obj_iter members;
    yyjson_val *key;
    int code = ACESO_OK;

    if (!yyjson_is_obj(object))
        return error_set(error, ACESO_EFORMAT, NULL, "a rule is an object");
    members = yyjson_obj_iter_with(object);
    while (!code && (key = yyjson_obj_iter_next(&members)) != NULL)
        code = rule_parse_member(yyjson_get_str(key), yyjson_obj_iter_get_val(key), &rule, error);
    if (!code && !yyjson_obj_get(object, "then"))
        code = error_set(error, ACESO_EUSAGE, "then", "say what then: allow, deny or ask");
    if (!code && rule.then != RULE_ALLOW && (rule.level || rule.term || rule.less))
        code = error_set(error, ACESO_EUSAGE, rule.level ? "level" : rule.term ? "term" : "less",
                         "it limits what is allowed: only with --then allow");
    if (!code)
        *out = rule;
    return code;
}

/* ---- what the owner sees ----------------------------------------------------------------- */

/* In the largest unit that leaves nothing over, as term_parse takes it. */
static int rule_put_term(uint64_t seconds, struct buffer *out)
{
    static const struct {
        uint64_t seconds;
        char letter;
    } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
    size_t i = 0;

    while (seconds % units[i].seconds)
        i++;
    return buffer_printf(out, "%llu%c", (unsigned long long)(seconds / units[i].seconds),
                         units[i].letter);
}

int rule_print(const struct rule *rule, struct buffer *out)
{
    (void)buffer_put_string(out, rule_verdict_name(rule->then));
    if (rule->category)
        (void)buffer_printf(out, " %s", category_name(rule->category));
    if (rule->one_institute) {
        (void)buffer_put_string(out, " 0x");
        (void)buffer_put_hex(out, bytes_of(rule->institute, 20));
    }
    if (!rule->category && !rule->one_institute)
        (void)buffer_put_string(out, " anyone");
    if (rule->purpose)
        (void)buffer_printf(out, " for %s", purpose_name(rule->purpose));
    if (rule->hospital[0])
        (void)buffer_printf(out, " at %s", rule->hospital);
    if (rule->level)
        (void)buffer_printf(out, ", up to %s", level_name(rule->level));
    if (rule->term) {
        (void)buffer_put_string(out, ", at most ");
        (void)rule_put_term(rule->term, out);
    }
    if (rule->less)
        (void)buffer_put_string(out, ", or less than is asked for");
    return out->failed;
}

void rule_write(const struct rule *rule, struct json_writer *writer)
{
    struct buffer term = BUFFER_INIT(32);

    json_open(writer, NULL, '{');
    json_put_u64(writer, "number", rule->number);
    json_put_string(writer, "then", rule_verdict_name(rule->then));
    if (rule->category)
        json_put_string(writer, "category", category_name(rule->category));
    if (rule->one_institute)
        json_put_hex(writer, "institute", rule->institute, 20);
    if (rule->purpose)
        json_put_string(writer, "purpose", purpose_name(rule->purpose));
    if (rule->hospital[0])
        json_put_string(writer, "hospital", rule->hospital);
    if (rule->level)
        json_put_string(writer, "level", level_name(rule->level));
    if (rule->term && rule_put_term(rule->term, &term) == ACESO_OK)
        json_put_string(writer, "term", buffer_text(&term));
    if (rule->less)
        json_put_bool(writer, "less", true);
    json_close(writer, '}');
    buffer_free(&term);
}

/* ---- in the patient's store -------------------------------------------------------------- */

const char rules_schema[] =
    "CREATE TABLE rule (number INTEGER PRIMARY KEY AUTOINCREMENT, made_by TEXT NOT NULL UNIQUE,"
    " removed_by TEXT, verdict INTEGER NOT NULL, category INTEGER NOT NULL, institute BLOB,"
    " purpose INTEGER NOT NULL, hospital TEXT NOT NULL, level INTEGER NOT NULL,"
    " term INTEGER NOT NULL, less INTEGER NOT NULL);"
    /* What was decided on which request: by a rule, or (rule 0) by the owner. */
    "CREATE TABLE decision (number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " request BLOB NOT NULL UNIQUE, rule INTEGER NOT NULL, verdict INTEGER NOT NULL,"
    " level INTEGER NOT NULL, term INTEGER NOT NULL, state INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX decision_due ON decision (due) WHERE state < 2;";

/* One number that a query yields. */
static int rules_ask(struct store *store, const char *sql, const char *text, int64_t *number,
                     struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(store, sql, &query, error);

    if (code)
        return code;
    if (text)
        statement_bind_text(query, 1, text);
    step = statement_step(query, error);
    if (step == 1)
        *number = statement_int(query, 0);
    statement_finish(query);
    return step < 0 ? step : ACESO_OK;
}

static int rules_insert(struct store *store, const char *by, const struct rule *rule,
                        struct aceso_error *error)
{
    struct statement *insert = NULL;
    int code = store_prepare(store,
                             "INSERT INTO rule (made_by, verdict, category, institute, purpose,"
                             " hospital, level, term, less)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                             &insert, error);

    if (code)
        return code;
    statement_bind_text(insert, 1, by);
    statement_bind_int(insert, 2, rule->then);
    statement_bind_int(insert, 3, rule->category);
    if (rule->one_institute)
        statement_bind_blob(insert, 4, bytes_of(rule->institute, 20));
    else
        statement_bind_null(insert, 4);
    statement_bind_int(insert, 5, rule->purpose);
    statement_bind_text(insert, 6, rule->hospital);
    statement_bind_int(insert, 7, rule->level);
    statement_bind_int(insert, 8, (int64_t)rule->term);
    statement_bind_int(insert, 9, rule->less);
    return statement_run(insert, error);
}

int rules_add(struct store *store, const char *by, struct rule *rule, struct aceso_error *error)
{
    int64_t count = 0, number = 0;
    int code = rules_ask(store, "SELECT number FROM rule WHERE made_by = ?1", by, &number, error);

    if (!code && number == 0)
        code = rules_ask(store, "SELECT count(*) FROM rule WHERE removed_by IS NULL", NULL, &count,
                         error);
    if (!code && count >= RULES_MAX)
        code = error_set(error, ACESO_ELIMIT, NULL, "more than %d rules", RULES_MAX);
    if (!code && number == 0) {
        code = rules_insert(store, by, rule, error);
        number = store_last_rowid(store);
    }
    if (!code)
        rule->number = (uint64_t)number;
    return code;
}

static int rules_read(const struct statement *row, struct rule *rule, struct aceso_error *error)
{
    int code = ACESO_OK;

    rule->number = (uint64_t)statement_int(row, 0);
    rule->then = (enum rule_verdict)statement_int(row, 1);
    rule->category = (unsigned)statement_int(row, 2);
    rule->one_institute = !statement_is_null(row, 3);
    if (rule->one_institute)
        code = statement_copy(row, 3, rule->institute, 20);
    rule->purpose = (unsigned)statement_int(row, 4);
    if (!code && statement_text(row, 5)[0])
        code = rule_parse_hospital(statement_text(row, 5), rule, error);
    rule->level = (unsigned)statement_int(row, 6);
    rule->term = (uint64_t)statement_int(row, 7);
    rule->less = statement_int(row, 8) != 0;
    return code;
}

int rules_load(struct store *store, struct rule **out, size_t *count, struct aceso_error *error)
{
    struct rule *rules = calloc(RULES_MAX, sizeof *rules);
    struct statement *query = NULL;
    size_t loaded = 0;
    int step, code = rules ? ACESO_OK : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    if (!code)
        code = store_prepare(store,
                             "SELECT number, verdict, category, institute, purpose, hospital,"
                             " level, term, less FROM rule WHERE removed_by IS NULL"
                             " ORDER BY number",
                             &query, error);
    while (!code && (step = statement_step(query, error)) != 0) {
        if (step > 0 && loaded == RULES_MAX)
            code = error_set(error, ACESO_ELIMIT, NULL, "more than %d rules", RULES_MAX);
        else
            code = step < 0 ? step : rules_read(query, &rules[loaded++], error);
    }
    statement_finish(query);
    if (code) {
        free(rules);
        return code;
    }
    *out = rules;
    *count = loaded;
    return ACESO_OK;
}

int rules_remove(struct store *store, const char *by, uint64_t number, struct aceso_error *error)
{
    struct statement *remove = NULL;
    int code = store_prepare(store,
                             "UPDATE rule SET removed_by = ?2 WHERE number = ?1"
                             " AND (removed_by IS NULL OR removed_by = ?2)",
                             &remove, error);

    if (code)
        return code;
    statement_bind_int(remove, 1, number > INT64_MAX ? -1 : (int64_t)number);
    statement_bind_text(remove, 2, by);
    code = statement_run(remove, error);
    if (!code && store_changes(store) != 1)
        code = error_set(error, ACESO_ENOTFOUND, NULL, "there is no such rule");
    return code;
}
