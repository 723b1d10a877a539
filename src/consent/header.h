/* SPDX-License-Identifier: Apache-2.0 */
/* The level headers of one relationship and epoch: K_1 to K_4, each sealed under its own policy by
 * the CCA form of the ABE scheme, each on its own randomness. Uses lib/abe, crypto, record
 * (contexts and the ladder), keyring, policy. No I/O. docs/consent.md has every byte.
 *
 *     headers = version(1) E(4) N(4) then for level 1 to 4:
 *               length(4) abe header, length(4) wrapped key (K_l under AES-256-GCM)
 *
 * keccak256 of these bytes is the headersDigest that the patient signs. */
#ifndef ACESO_CONSENT_HEADER_H
#define ACESO_CONSENT_HEADER_H

#include "consent/keyring.h"
#include "record/context.h"
#include "record/ladder.h"

#define HEADERS_SIZE_MAX ((size_t)1 << 20)
#define HEADER_SIGMA_SIZE 32

/* What a relationship's headers are made from and bound to. */
struct header_terms {
    struct record_context context;
    struct record_epoch epoch;
    const struct aceso_abe_policy *policy; /* A */
    const char *hospital;                  /* H's label */
};

/* The hospital's side: seals each key of `keys` (all four). `publics` must hold every public key
 * that the four policies name. `sigma` receives the four messages that determine the headers: they
 * go to the patient, who checks with them, and are wiped by the caller. */
ACESO_NODISCARD int header_make(const struct header_terms *terms, const struct ladder *keys,
                                const struct keyring *publics, struct buffer *out,
                                uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE],
                                struct aceso_error *error);

/* The patient's side, before signing: with the four messages, makes sure that the headers are for
 * exactly these terms, that whoever satisfies level l's policy gets K_l of one ladder, and that
 * `keyring`'s own key (self) opens level 4. Fills `keys`. ACESO_EVERIFY with what is wrong. */
ACESO_NODISCARD int header_check(const struct header_terms *terms, struct bytes headers,
                                 const struct keyring *keyring,
                                 uint8_t sigma[RECORD_LEVELS][HEADER_SIGMA_SIZE],
                                 struct ladder *keys, struct aceso_error *error);

/* A reader's side: opens level `level`'s header with the user keys of `keyring` and gives the
 * ladder from that level down. ACESO_EDENIED when the attributes do not suffice, ACESO_EVERIFY for
 * everything else that is wrong with the header. */
ACESO_NODISCARD int header_open(struct bytes headers, const struct record_context *context,
                                unsigned level, const struct keyring *keyring,
                                struct ladder *keys, struct aceso_error *error);

/* The epoch that stands in front. ACESO_EFORMAT for malformed headers (all of them are parsed). */
ACESO_NODISCARD int header_epoch(struct bytes headers, struct record_epoch *epoch,
                                 struct aceso_error *error);

/* The ABE header of one level, a slice of `headers`. */
ACESO_NODISCARD int header_of_level(struct bytes headers, unsigned level, struct bytes *header,
                                    struct aceso_error *error);

#endif
