/* SPDX-License-Identifier: Apache-2.0 */
/* Authority setup, key generation, import of keys. Shell: uses core and the heap. No I/O. */
#include "../core/keys.h"

#include "../core/octets.h"
#include "objects.h"

#include <stdlib.h>

/* Length of a well-formed attribute, 0 otherwise. Reads no further than an attribute can reach. */
static size_t attribute_length(const char *attribute)
{
    const char *end = memchr(attribute, '\0', ACESO_ABE_ATTRIBUTE_MAX + 1);
    size_t length = end != NULL ? (size_t)(end - attribute) : 0;

    return abe_attribute_valid(attribute, length) ? length : 0;
}

bool aceso_abe_attribute_valid(const char *attribute)
{
    return attribute_length(attribute) > 0;
}

int aceso_abe_setup(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *attribute,
                    uint8_t public_key[ACESO_ABE_PUBLIC_KEY_MAX], size_t *length)
{
    size_t n = attribute_length(attribute);
    uint8_t made[ACESO_ABE_PUBLIC_KEY_MAX];
    struct abe_secret secret;
    size_t made_length;

    if (n == 0)
        return ACESO_ABE_ATTRIBUTE;
    abe_secret_derive(seed, attribute, n, &secret);
    made_length = abe_public_make(&secret, attribute, n, made);
    abe_wipe(&secret, sizeof(secret));
    if (made_length == 0)
        return ACESO_ABE_BAD_KEY;
    memcpy(public_key, made, made_length);
    *length = made_length;
    return ACESO_ABE_OK;
}

int aceso_abe_keygen(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *attribute,
                     const uint8_t *gid, size_t gid_length,
                     uint8_t user_key[ACESO_ABE_USER_KEY_MAX], size_t *length)
{
    size_t n = attribute_length(attribute);
    uint8_t made[ACESO_ABE_USER_KEY_MAX];
    struct abe_secret secret;
    size_t made_length;

    if (n == 0)
        return ACESO_ABE_ATTRIBUTE;
    if (gid_length == 0 || gid_length > ACESO_ABE_GID_MAX)
        return ACESO_ABE_ARGUMENT;
    abe_secret_derive(seed, attribute, n, &secret);
    made_length = abe_user_make(&secret, attribute, n, gid, gid_length, made);
    abe_wipe(&secret, sizeof(secret));
    if (made_length > 0) {
        memcpy(user_key, made, made_length);
        *length = made_length;
    }
    abe_wipe(made, sizeof(made));
    return made_length > 0 ? ACESO_ABE_OK : ACESO_ABE_BAD_KEY;
}

/* ---- public keys ----------------------------------------------------------------------- */

int aceso_abe_public_key_import(const uint8_t *bytes, size_t length,
                                struct aceso_abe_public_key **key)
{
    struct aceso_abe_public_key *made = malloc(sizeof(*made));
    int code;

    if (made == NULL)
        return ACESO_ABE_NO_MEMORY;
    code = abe_public_decode(bytes, length, &made->core);
    if (code == ACESO_ABE_OK && !abe_public_check(&made->core))
        code = ACESO_ABE_BAD_KEY;
    if (code == ACESO_ABE_OK)
        *key = made;
    else
        free(made);
    return code;
}

void aceso_abe_public_key_free(struct aceso_abe_public_key *key)
{
    free(key);
}

const char *aceso_abe_public_key_attribute(const struct aceso_abe_public_key *key)
{
    return key->core.attribute;
}

void aceso_abe_public_key_digest(const struct aceso_abe_public_key *key,
                                 uint8_t digest[ACESO_ABE_DIGEST_SIZE])
{
    memcpy(digest, key->core.digest, ACESO_ABE_DIGEST_SIZE);
}

/* ---- user keys ------------------------------------------------------------------------- */

int aceso_abe_user_key_import(const uint8_t *bytes, size_t length,
                              const struct aceso_abe_public_key *public_key,
                              struct aceso_abe_user_key **key)
{
    struct aceso_abe_user_key *made = malloc(sizeof(*made));
    int code;

    if (made == NULL)
        return ACESO_ABE_NO_MEMORY;
    code = abe_user_decode(bytes, length, &made->core);
    if (code == ACESO_ABE_OK && (made->core.attribute_length != public_key->core.attribute_length ||
                                 memcmp(made->core.attribute, public_key->core.attribute,
                                        made->core.attribute_length) != 0))
        code = ACESO_ABE_ATTRIBUTE;
    if (code == ACESO_ABE_OK && !abe_user_check(&made->core, &public_key->core))
        code = ACESO_ABE_BAD_KEY;
    if (code == ACESO_ABE_OK)
        *key = made;
    else
        aceso_abe_user_key_free(made);
    return code;
}

void aceso_abe_user_key_free(struct aceso_abe_user_key *key)
{
    if (key == NULL)
        return;
    abe_wipe(key, sizeof(*key));
    free(key);
}

const char *aceso_abe_user_key_attribute(const struct aceso_abe_user_key *key)
{
    return key->core.attribute;
}

const uint8_t *aceso_abe_user_key_gid(const struct aceso_abe_user_key *key, size_t *length)
{
    *length = key->core.gid_length;
    return key->core.gid;
}
