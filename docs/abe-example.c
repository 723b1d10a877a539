/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two authorities, one reader, one letter. Compile and run:
 *     cc abe-example.c $(pkg-config --cflags --libs libaceso-abe) -o example && ./example
 */
#include <aceso/abe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int code)
{
    if (code != ACESO_ABE_OK) {
        fprintf(stderr, "%s\n", aceso_abe_strerror(code));
        exit(1);
    }
}

int main(void)
{
    static const char *const attributes[2] = { "doctor@clinic", "staff@university" };
    static const char text[] = "doctor@clinic and (staff@university or year@university >= 2024)";
    static const uint8_t letter[] = "for doctors of the university";
    uint8_t seeds[2][ACESO_ABE_SEED_SIZE]; /* each authority keeps its own, and nothing else */
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    struct aceso_abe_public_key *public_keys[64] = { NULL };
    struct aceso_abe_user_key *user_keys[2];
    struct aceso_abe_policy *policy;
    uint8_t *sealed;
    uint8_t *opened;
    size_t length;

    for (size_t i = 0; i < 2; i++) { /* the reader, known to all by the name "alice" */
        check(aceso_abe_random(seeds[i], sizeof(seeds[i])));
        check(aceso_abe_setup(seeds[i], attributes[i], bytes, &length));
        check(aceso_abe_public_key_import(bytes, length, &public_keys[i]));
        check(
            aceso_abe_keygen(seeds[i], attributes[i], (const uint8_t *)"alice", 5, bytes, &length));
        check(aceso_abe_user_key_import(bytes, length, public_keys[i], &user_keys[i]));
    }
    check(aceso_abe_policy_parse(text, strlen(text), &policy, NULL));
    for (size_t row = 2; row < aceso_abe_policy_rows(policy); row++) { /* those of the years */
        char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];

        check(aceso_abe_policy_attribute(policy, row, attribute));
        check(aceso_abe_setup(seeds[1], attribute, bytes, &length));
        check(aceso_abe_public_key_import(bytes, length, &public_keys[row]));
    }
    check(aceso_abe_encrypt(
        ACESO_ABE_CPA, policy, (const struct aceso_abe_public_key *const *)public_keys,
        aceso_abe_policy_rows(policy), NULL, 0, letter, sizeof(letter), &sealed, &length));
    check(aceso_abe_decrypt(sealed, length, (const struct aceso_abe_user_key *const *)user_keys, 2,
                            NULL, 0, NULL, 0, &opened, &length));
    printf("%s\n", (const char *)opened);
    return 0; /* each object has its _free, bytes have free() */
}
