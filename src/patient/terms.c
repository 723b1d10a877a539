/* SPDX-License-Identifier: Apache-2.0 */
#include "patient/terms.h"

#include "base/text.h"
#include "chain/amsc.h"
#include "chain/hpsc.h"
#include "consent/vocabulary.h"
#include "node/listing.h"
#include "patient/rules_apply.h"

#include <stdio.h>
#include <string.h>

#define TERMS_SIGNATURE_SECONDS 3600
#define TERMS_CATEGORIES 32
#define TERMS_ASK_TURNS 20 /* how often the hospital is asked what became of an override */

/* ---- what is agreed at enrolment --------------------------------------------------------- */

/* A text, `otherwise` where it is missing; anything else must not count as missing. */
static int terms_text(const yyjson_val *input, const char *member, const char *otherwise,
                      const char **text, struct aceso_error *error)
{
    if (!yyjson_obj_get((yyjson_val *)(uintptr_t)input, member)) {
        *text = otherwise;
        return ACESO_OK;
    }
    return json_string(input, member, text, error);
}

int terms_read(const yyjson_val *input, struct aceso_abe_policy **policy, uint8_t levels[32],
               struct aceso_error *error)
{
    const char *text = NULL, *table = NULL;
    int code = terms_text(input, "policy", POLICY_DEFAULT, &text, error);

    if (!code)
        code = terms_text(input, "levels", NULL, &table, error);
    if (!code && table)
        code = levels_parse(table, levels, error);
    else if (!code)
        levels_default(levels);
    return code ? code : policy_parse(text, policy, error);
}

int terms_check_published(const struct aceso_abe_policy *policy, const struct keyring *keyring,
                          struct aceso_error *error)
{
    char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];
    int code = ACESO_OK;

    for (size_t row = 0; !code && row < aceso_abe_policy_rows(policy); row++) {
        code = keyring_abe_error(aceso_abe_policy_attribute(policy, row, attribute), "policy",
                                 error);
        if (!code && !keyring_has_public(keyring, attribute))
            code = error_set(error, ACESO_ENOTFOUND, "policy",
                             "%s: its authority publishes no such attribute", attribute);
    }
    return code;
}

int terms_check_same(struct store *store, const struct membership *at, const yyjson_val *input,
                     struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    struct aceso_abe_policy *policy = NULL;
    uint8_t levels[32], digest[32];
    int code = terms_read(input, &policy, levels, error);

    if (!code)
        code = ledger_relationship(store, at->card.id, at->address, &relationship, error);
    if (code == ACESO_ENOTFOUND)
        code = error_set(error, ACESO_EBUSY, NULL, "the enrolment is on the chain just now");
    if (!code) {
        policy_digest(policy, digest);
        if ((json_string_or(input, "policy", NULL) &&
             memcmp(digest, relationship.policy_digest, 32) != 0) ||
            (json_string_or(input, "levels", NULL) &&
             memcmp(levels, relationship.levels, 32) != 0))
            code = error_set(error, ACESO_ESTATE, NULL,
                             "enrolled already, under other terms; they stay as they were signed");
    }
    buffer_free(&relationship.headers);
    aceso_abe_policy_free(policy);
    return code;
}

static void terms_policy_name(const uint8_t digest[32], char name[80])
{
    static const char what[] = "policy ";

    memcpy(name, what, sizeof what);
    text_hex(digest, 32, name + sizeof what - 1);
}

int terms_keep_policy(struct store *store, const struct aceso_abe_policy *policy,
                      struct aceso_error *error)
{
    uint8_t digest[32];
    char name[80];

    policy_digest(policy, digest);
    terms_policy_name(digest, name);
    return setting_put(store, name, bytes_of_string(aceso_abe_policy_text(policy)), error);
}

int terms_level(struct store *store, const struct ledger_request *request, unsigned category,
                unsigned *level, uint32_t *epoch, struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    int code = ledger_relationship(store, request->hospital, request->patient, &relationship,
                                   error);

    if (!code)
        code = ledger_level_for(store, &relationship, request->institute, category, level, error);
    if (!code)
        *epoch = relationship.epoch.e;
    buffer_free(&relationship.headers);
    return code;
}

/* ---- overrides --------------------------------------------------------------------------- */

struct overriding {
    struct node *node;
    const struct membership *at;
    struct store *store;
    uint8_t contract[20];
    struct hpsc_override change;
    struct buffer body; /* the signed one */
};

static int overriding_read(struct overriding *overriding, const yyjson_val *input,
                           struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    const char *text = NULL;
    unsigned level = HPSC_OVERRIDE_NONE;
    int code = json_hex(input, "institute", overriding->change.institute, 20, error);

    if (!code)
        code = json_string(input, "level", &text, error);
    if (!code && strcmp(text, "table") != 0)
        code = level_or_none_parse(text, &level, error);
    overriding->change.level = (uint8_t)level;
    if (!code)
        code = patient_choose_one(overriding->node, input, &overriding->at, error);
    if (!code)
        code = node_store(overriding->node, &overriding->store, error);
    if (!code)
        code = ledger_relationship(overriding->store, overriding->at->card.id,
                                   overriding->at->address, &relationship, error);
    if (!code)
        memcpy(overriding->contract, relationship.contract, 20);
    buffer_free(&relationship.headers);
    return code;
}

struct override_search {
    const uint8_t *institute;
    unsigned level;
};

static int override_look(void *data, const uint8_t institute[20], unsigned level)
{
    struct override_search *search = data;

    if (memcmp(institute, search->institute, 20) == 0)
        search->level = level;
    return ACESO_OK;
}

/* Whether the chain has it already: the same again would only use up a nonce. */
static int overriding_done(struct overriding *overriding, bool *done, struct aceso_error *error)
{
    struct override_search search = { overriding->change.institute, HPSC_OVERRIDE_NONE };
    int code = ledger_overrides(overriding->store, overriding->contract, override_look, &search,
                                error);

    *done = !code && search.level == overriding->change.level;
    return code;
}

static int overriding_sign(struct overriding *overriding, struct aceso_error *error)
{
    struct node *node = overriding->node;
    struct eip712_domain domain = node_domain(node, overriding->contract);
    struct contract amsc = node_amsc(node);
    struct hpsc_override *change = &overriding->change;
    struct json_writer writer = json_writer_of(&overriding->body);
    uint8_t digest[32], signature[65];
    int code = amsc_nonce_of(&amsc, overriding->at->card.id, overriding->at->address,
                             &change->nonce, error);

    change->deadline = (uint64_t)time_now() + TERMS_SIGNATURE_SECONDS;
    hpsc_override_digest(&domain, change, digest);
    if (!code)
        code = account_sign(overriding->at->account, digest, signature, error);
    if (code)
        return code;
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "institute", change->institute, 20);
    json_put_u64(&writer, "level", change->level);
    json_put_u64(&writer, "nonce", change->nonce);
    json_put_u64(&writer, "deadline", change->deadline);
    json_put_hex(&writer, "signature", signature, sizeof signature);
    json_close(&writer, '}');
    return overriding->body.failed;
}

/* Sent again it is the same one, and the hospital says where the chain refused it. */
static int overriding_carry(struct overriding *overriding, struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + PATIENT_WAIT_MS;
    bool done = false;
    int code = overriding_sign(overriding, error);

    for (unsigned turn = 0; !code && !done; turn++) {
        if (turn % TERMS_ASK_TURNS == 0)
            code = patient_call(overriding->node, overriding->at, "POST", "/v1/overrides",
                                buffer_bytes(&overriding->body), NULL, error);
        if (!code)
            code = overriding_done(overriding, &done, error);
        if (!code && !done)
            code = patient_turn(overriding->node, until, error);
    }
    return code;
}

int terms_override(struct operation *operation, struct buffer *result, struct aceso_error *error)
{
    struct overriding overriding = { .node = operation->node, .body = BUFFER_INIT(4096) };
    char message[256], institute[41];
    bool done = false;
    int code = overriding_read(&overriding, operation->input, error);

    if (!code)
        code = overriding_done(&overriding, &done, error);
    if (!code && !done)
        code = overriding_carry(&overriding, error);
    if (!code) /* what was signed before counts no more: see the nonce in Approval */
        code = rules_decide_again(operation->node, overriding.store, overriding.at, error);
    if (!code) {
        text_hex(overriding.change.institute, 20, institute);
        (void)snprintf(message, sizeof message,
                       "from now on 0x%s gets %s%s; an approval that is not on the chain yet has "
                       "to be given again, consents that are go on",
                       institute,
                       overriding.change.level == HPSC_OVERRIDE_NONE ? "what the table gives"
                       : overriding.change.level ? "at most "
                                                 : "nothing",
                       overriding.change.level == HPSC_OVERRIDE_NONE || !overriding.change.level
                           ? ""
                           : level_name(overriding.change.level));
        code = patient_result(result, message);
    }
    store_close(overriding.store);
    buffer_free(&overriding.body);
    return code;
}

/* ---- what the owner sees ----------------------------------------------------------------- */

static int terms_policy(struct store *store, const uint8_t digest[32], struct buffer *text)
{
    struct aceso_abe_policy *policy = NULL;
    uint8_t of_default[32];
    char name[80];

    terms_policy_name(digest, name);
    if (setting_get(store, name, text, NULL) == ACESO_OK)
        return ACESO_OK;
    if (policy_parse(POLICY_DEFAULT, &policy, NULL) == ACESO_OK) {
        policy_digest(policy, of_default);
        if (memcmp(of_default, digest, 32) == 0)
            (void)buffer_put_string(text, aceso_abe_policy_text(policy));
    }
    aceso_abe_policy_free(policy);
    return text->failed;
}

static void terms_list_levels(struct listing *listing, const uint8_t levels[32])
{
    struct buffer *text = &listing->text;
    bool any = false;

    json_open(&listing->writer, "levels", '{');
    for (unsigned category = 1; category < TERMS_CATEGORIES; category++) {
        unsigned level = ledger_level_of(levels, category);
        char number[16];

        if (level == 0)
            continue;
        (void)snprintf(number, sizeof number, "%u", category);
        if (strcmp(category_name(category), "other") == 0)
            json_put_string(&listing->writer, number, level_name(level));
        else
            json_put_string(&listing->writer, category_name(category), level_name(level));
        (void)buffer_printf(text, "%s%s %s", any ? ", " : "",
                            strcmp(category_name(category), "other") == 0
                                ? number
                                : category_name(category),
                            level_name(level));
        any = true;
    }
    json_close(&listing->writer, '}');
    (void)buffer_put_string(text, any ? "; others nothing" : "nobody anything");
}

static int terms_list_override(void *data, const uint8_t institute[20], unsigned level)
{
    struct listing *listing = data;

    json_open(&listing->writer, NULL, '{');
    json_put_hex(&listing->writer, "institute", institute, 20);
    json_put_string(&listing->writer, "level", level_name(level));
    json_close(&listing->writer, '}');
    (void)buffer_put_string(&listing->text, "\n  override: 0x");
    (void)buffer_put_hex(&listing->text, bytes_of(institute, 20));
    return buffer_printf(&listing->text, " %s", level_name(level));
}

static int terms_list(struct store *store, const struct membership *at, struct listing *listing,
                      struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    struct buffer policy = BUFFER_INIT(POLICY_TEXT_MAX * 2);
    int code = ledger_relationship(store, at->card.id, at->address, &relationship, NULL);

    (void)buffer_printf(&listing->text, "%s%s: ", listing->count++ ? "\n" : "", at->card.label);
    json_open(&listing->writer, NULL, '{');
    json_put_string(&listing->writer, "hospital", at->card.label);
    json_put_bool(&listing->writer, "enrolled", code == ACESO_OK);
    if (code == ACESO_ENOTFOUND) {
        code = buffer_put_string(&listing->text, "not enrolled yet");
    } else if (!code) {
        code = terms_policy(store, relationship.policy_digest, &policy);
        terms_list_levels(listing, relationship.levels);
        json_open(&listing->writer, "overrides", '[');
        if (!code)
            code = ledger_overrides(store, relationship.contract, terms_list_override, listing,
                                    error);
        json_close(&listing->writer, ']');
        json_put_string(&listing->writer, "policy", buffer_text(&policy));
        json_put_hex(&listing->writer, "policy_digest", relationship.policy_digest, 32);
        (void)buffer_printf(&listing->text, "\n  policy: %s",
                            policy.len ? buffer_text(&policy) : "not kept here");
    }
    json_close(&listing->writer, '}');
    buffer_free(&policy);
    buffer_free(&relationship.headers);
    return code;
}

int terms_view(struct node *node, const yyjson_val *input, struct buffer *out,
               struct aceso_error *error)
{
    struct patient_choice choice = { .count = 0 };
    struct store *store = NULL;
    struct listing listing;
    int code = patient_choose(node, input, &choice, error);

    if (!code)
        code = node_store(node, &store, error);
    listing_begin(&listing, "hospitals", NULL, out);
    for (size_t i = 0; !code && i < choice.count; i++)
        code = terms_list(store, choice.at[i], &listing, error);
    store_close(store);
    return listing_end(&listing, "no hospital yet", code);
}
