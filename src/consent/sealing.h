/* SPDX-License-Identifier: Apache-2.0 */
/* What one party seals to another on the way to an access: the patient's grant, attribute keys,
 * the access string. HPKE to the X25519 key in the receiver's credential; `info` binds what each is
 * for. Uses crypto. No I/O. docs/consent.md has every byte. */
#ifndef ACESO_CONSENT_SEALING_H
#define ACESO_CONSENT_SEALING_H

#include "base/buffer.h"

#define SEALING_SIZE_MAX ((size_t)65536)

/* Bound to each sealing; what a purpose does not have is zero. */
struct sealing {
    const char *purpose;  /* "grant", "attribute keys", "access string" */
    uint64_t chain_id;
    uint8_t contract[20]; /* ARSC; for attribute keys without a request AMSC */
    uint8_t sender[20];
    uint8_t receiver[20];
    uint8_t request[32];
    uint32_t epoch; /* the patient's E */
};

/* Appends version byte 1 and the sealed bytes. */
ACESO_NODISCARD int sealing_seal(const struct sealing *sealing, const uint8_t receiver_key[32],
                                 struct bytes plain, struct buffer *out,
                                 struct aceso_error *error);

/* ACESO_EVERIFY when anything is not as it was when it was sealed. `out` should be secret. */
ACESO_NODISCARD int sealing_open(const struct sealing *sealing, const uint8_t secret[32],
                                 struct bytes sealed, struct buffer *out,
                                 struct aceso_error *error);

#endif
