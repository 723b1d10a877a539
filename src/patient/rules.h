/* SPDX-License-Identifier: Apache-2.0 */
/* The rules by which the patient's node decides on requests by itself. Uses base, consent
 * (vocabulary), store. No network.
 *
 * A rule names whom it is about and what then: allow, deny or ask. The first one that fits a
 * request counts; where none fits, the owner is asked. No rule gives more than the patient's own
 * table or override, than was asked for, or than it says itself. */
#ifndef ACESO_PATIENT_RULES_H
#define ACESO_PATIENT_RULES_H

#include "base/json.h"
#include "node/config.h"
#include "store/store.h"

#define RULES_MAX 256

enum rule_verdict { RULE_ASK, RULE_ALLOW, RULE_DENY };

struct rule {
    uint64_t number; /* from 1; never used again */
    enum rule_verdict then;
    unsigned category; /* 0: any */
    bool one_institute;
    uint8_t institute[20];
    unsigned purpose;                 /* 0: any */
    char hospital[CONFIG_LABEL_SIZE]; /* "": any */
    /* Of RULE_ALLOW: the most that is given without asking. */
    unsigned level; /* 1 to 4; 0: what the table gives */
    uint64_t term;  /* seconds; 0: what is asked for */
    bool less;      /* who asks for more gets this much, instead of the owner being asked */
};

/* A request as rules see it. */
struct rule_case {
    const uint8_t *institute;
    bool live;         /* its credential holds; without one nothing is allowed by a rule */
    unsigned category; /* as its credential on the chain says; 0: none known */
    unsigned purpose;
    unsigned level; /* asked for */
    uint64_t term;  /* asked for, seconds */
    const char *hospital;
    unsigned own; /* the level that the patient's table or override gives; 0: nothing */
};

struct rule_decision {
    enum rule_verdict verdict;
    uint64_t number; /* of the rule that fits; 0: none does */
    unsigned level;  /* of RULE_ALLOW: what is granted */
    uint64_t term;
};

/* The rule among `count` that fits first, and what follows from it. */
void rules_match(const struct rule *rules, size_t count, const struct rule_case *asked,
                 struct rule_decision *decision);

/* Reads {"then","category","institute","purpose","hospital","level","term","less"}: texts, and
 * less a truth value; all but "then" may be missing. ACESO_EUSAGE or ACESO_EFORMAT says which one
 * is wrong; a member that is not known is refused, since a rule without it would allow more. */
ACESO_NODISCARD int rule_parse(const yyjson_val *input, struct rule *rule,
                               struct aceso_error *error);

/* Appends a rule in words ("allow pharmacy for TREAT, up to low, at most 30d"), or as an object. */
int rule_print(const struct rule *rule, struct buffer *out);
void rule_write(const struct rule *rule, struct json_writer *writer);

const char *rule_verdict_name(enum rule_verdict verdict);

/* ---- in the patient's store --------------------------------------------------------------- */

/* A migration. */
extern const char rules_schema[];

/* Adds a rule at the end and sets its number. `by` names the asking: the same one again is the
 * same rule. ACESO_ELIMIT past RULES_MAX. */
ACESO_NODISCARD int rules_add(struct store *store, const char *by, struct rule *rule,
                              struct aceso_error *error);

/* All rules in their order; `*rules` is freed with free(). */
ACESO_NODISCARD int rules_load(struct store *store, struct rule **rules, size_t *count,
                               struct aceso_error *error);

/* The rule counts no more; its row stays, since decisions name it. `by` as above. ACESO_ENOTFOUND
 * where there is no such rule. */
ACESO_NODISCARD int rules_remove(struct store *store, const char *by, uint64_t number,
                                 struct aceso_error *error);

#endif
