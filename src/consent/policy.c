/* SPDX-License-Identifier: Apache-2.0 */
#include "consent/policy.h"

#include "consent/authority.h"
#include "consent/keyring.h"
#include "crypto/keccak.h"

#include <stdio.h>
#include <string.h>

static int policy_refuse_patients(const struct aceso_abe_policy *policy, struct aceso_error *error)
{
    for (size_t row = 0; row < aceso_abe_policy_rows(policy); row++) {
        char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];
        int code = keyring_abe_error(aceso_abe_policy_attribute(policy, row, attribute), "policy",
                                     error);

        if (code)
            return code;
        if (strncmp(strchr(attribute, '@') + 1, "0x", 2) == 0)
            return error_set(error, ACESO_EDENIED, attribute,
                             "a patient's authority cannot stand in a policy");
    }
    return ACESO_OK;
}

int policy_parse(const char *text, struct aceso_abe_policy **policy, struct aceso_error *error)
{
    struct aceso_abe_policy_error where = { 0, "" };
    struct aceso_abe_policy *parsed = NULL;
    char place[64];
    size_t length = strlen(text);
    int abe, code;

    if (length > POLICY_TEXT_MAX)
        return error_set(error, ACESO_ELIMIT, "policy", "longer than %d bytes", POLICY_TEXT_MAX);
    abe = aceso_abe_policy_parse(text, length, &parsed, &where);
    if (abe == ACESO_ABE_POLICY || abe == ACESO_ABE_LIMIT) {
        (void)snprintf(place, sizeof place, "policy, character %zu", where.position + 1);
        return error_set(error, abe == ACESO_ABE_LIMIT ? ACESO_ELIMIT : ACESO_EFORMAT, place, "%s",
                         where.reason);
    }
    code = keyring_abe_error(abe, "policy", error);
    if (code)
        return code;
    code = policy_refuse_patients(parsed, error);
    if (code) {
        aceso_abe_policy_free(parsed);
        return code;
    }
    *policy = parsed;
    return ACESO_OK;
}

void policy_digest(const struct aceso_abe_policy *policy, uint8_t digest[32])
{
    keccak256(bytes_of_string(aceso_abe_policy_text(policy)), digest);
}

static int policy_leaf(const char *name, const char *label, struct aceso_abe_policy **policy,
                       struct aceso_error *error)
{
    char text[ATTRIBUTE_TEXT_MAX + 2];
    int len = snprintf(text, sizeof text, "%s@%s", name, label);

    if (len < 0 || (size_t)len >= sizeof text)
        return error_set(error, ACESO_ELIMIT, "policy", "an attribute's name is too long");
    return keyring_abe_error(aceso_abe_policy_parse(text, (size_t)len, policy, NULL), text, error);
}

int policy_for_level(const struct aceso_abe_policy *a, unsigned level, const uint8_t patient[20],
                     const char *hospital, uint32_t patient_epoch, uint32_t hospital_epoch,
                     struct aceso_abe_policy **policy, struct aceso_error *error)
{
    struct aceso_abe_policy *grant = NULL, *on = NULL, *self = NULL, *all = NULL, *joined = NULL;
    char name[65], label[43];
    int code;

    if (level < 1 || level > 4)
        return error_set(error, ACESO_EUSAGE, "policy", "there is no level %u", level);
    authority_patient_label(patient, label);
    authority_grant_name(level, patient_epoch, name);
    code = policy_leaf(name, label, &grant, error);
    authority_on_name(hospital_epoch, patient, name);
    if (!code)
        code = policy_leaf(name, hospital, &on, error);
    if (!code) {
        const struct aceso_abe_policy *const parts[] = { grant, on, a };

        code = keyring_abe_error(aceso_abe_policy_and(parts, 3, &all), "policy", error);
    }
    if (!code && level == 4) {
        authority_self_name(patient_epoch, name);
        code = policy_leaf(name, label, &self, error);
        if (!code) {
            const struct aceso_abe_policy *const parts[] = { self, all };

            code = keyring_abe_error(aceso_abe_policy_or(parts, 2, &joined), "policy", error);
        }
    } else if (!code) {
        joined = all;
        all = NULL;
    }
    if (!code)
        *policy = joined;
    aceso_abe_policy_free(grant);
    aceso_abe_policy_free(on);
    aceso_abe_policy_free(self);
    aceso_abe_policy_free(all);
    return code;
}
