/* SPDX-License-Identifier: Apache-2.0 */
#include "consent/authority.h"

#include "base/secret.h"
#include "base/text.h"
#include "consent/keyring.h"

#include <aceso/abe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct authority {
    uint8_t *seed; /* locked */
    char label[AUTHORITY_LABEL_MAX + 1];
};

int authority_create(const uint8_t seed[32], const char *label, struct authority **out,
                     struct aceso_error *error)
{
    char probe[AUTHORITY_LABEL_MAX + 3];
    struct authority *authority;
    int len = snprintf(probe, sizeof probe, "a@%s", label);

    if (len < 0 || (size_t)len >= sizeof probe || !aceso_abe_attribute_valid(probe))
        return error_set(error, ACESO_EUSAGE, NULL, "not the label of an authority");
    authority = calloc(1, sizeof *authority);
    if (!authority)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    authority->seed = secret_alloc(32);
    if (!authority->seed) {
        free(authority);
        return error_set(error, ACESO_EMEMORY, NULL, "no locked memory");
    }
    memcpy(authority->seed, seed, 32);
    (void)snprintf(authority->label, sizeof authority->label, "%s", label);
    *out = authority;
    return ACESO_OK;
}

void authority_free(struct authority *authority)
{
    if (!authority)
        return;
    secret_free(authority->seed);
    free(authority);
}

const char *authority_label(const struct authority *authority)
{
    return authority->label;
}

int authority_attribute(const struct authority *authority, const char *name,
                        char attribute[ATTRIBUTE_TEXT_MAX], struct aceso_error *error)
{
    char text[ATTRIBUTE_TEXT_MAX];
    int len = snprintf(text, sizeof text, "%s@%s", name, authority->label);

    if (len < 0 || (size_t)len >= sizeof text || !aceso_abe_attribute_valid(text))
        return error_set(error, ACESO_EUSAGE, NULL, "not the name of an attribute");
    memcpy(attribute, text, sizeof text);
    return ACESO_OK;
}

int authority_public_key(const struct authority *authority, const char *name, struct buffer *out,
                         struct aceso_error *error)
{
    char attribute[ATTRIBUTE_TEXT_MAX];
    uint8_t key[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t length = 0;
    int code = authority_attribute(authority, name, attribute, error);

    if (!code)
        code = keyring_abe_error(aceso_abe_setup(authority->seed, attribute, key, &length),
                                 attribute, error);
    return code ? code : buffer_put(out, key, length);
}

int authority_user_key(const struct authority *authority, const char *name,
                       const uint8_t address[20], struct buffer *out, struct aceso_error *error)
{
    char attribute[ATTRIBUTE_TEXT_MAX];
    uint8_t key[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;
    int code = authority_attribute(authority, name, attribute, error);

    if (!code)
        code = keyring_abe_error(
            aceso_abe_keygen(authority->seed, attribute, address, 20, key, &length), attribute,
            error);
    if (!code)
        code = buffer_put(out, key, length);
    secret_wipe(key, sizeof key);
    return code;
}

void authority_grant_name(unsigned level, uint32_t patient_epoch, char out[65])
{
    (void)snprintf(out, 65, "grant-%u.%u", level, patient_epoch);
}

void authority_self_name(uint32_t patient_epoch, char out[65])
{
    (void)snprintf(out, 65, "self.%u", patient_epoch);
}

void authority_patient_label(const uint8_t patient[20], char out[43])
{
    out[0] = '0';
    out[1] = 'x';
    text_hex(patient, 20, out + 2);
}

void authority_on_name(uint32_t hospital_epoch, const uint8_t patient[20], char out[65])
{
    char label[43];

    authority_patient_label(patient, label);
    (void)snprintf(out, 65, "on.%u.%s", hospital_epoch, label);
}
