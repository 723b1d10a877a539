/* SPDX-License-Identifier: Apache-2.0 */
/* An attribute authority: a seed and a label. Hospitals are authorities under their label; a
 * patient is one under the own address at each hospital. Uses lib/abe, crypto, base. No I/O. */
#ifndef ACESO_CONSENT_AUTHORITY_H
#define ACESO_CONSENT_AUTHORITY_H

#include "base/buffer.h"

#define AUTHORITY_LABEL_MAX 64
#define ATTRIBUTE_TEXT_MAX 130 /* with the NUL */

struct authority;

/* `seed` is copied into locked memory. ACESO_EUSAGE for a label that is no authority label. */
ACESO_NODISCARD int authority_create(const uint8_t seed[32], const char *label,
                                     struct authority **authority, struct aceso_error *error);
void authority_free(struct authority *authority); /* wipes; accepts NULL */
const char *authority_label(const struct authority *authority);

/* The attribute `name` of this authority, "name@label", checked. */
ACESO_NODISCARD int authority_attribute(const struct authority *authority, const char *name,
                                        char attribute[ATTRIBUTE_TEXT_MAX],
                                        struct aceso_error *error);

/* Appends the serialized public key of `name` (AuthoritySetup of LW11). */
ACESO_NODISCARD int authority_public_key(const struct authority *authority, const char *name,
                                         struct buffer *out, struct aceso_error *error);

/* Appends the serialized user key of `name` for `address` (KeyGen of LW11). `out` should be a
 * secret buffer. Whether the address may have it is the caller's affair. */
ACESO_NODISCARD int authority_user_key(const struct authority *authority, const char *name,
                                       const uint8_t address[20], struct buffer *out,
                                       struct aceso_error *error);

/* The names that the design gives to a relationship's own attributes, without "@label":
 * grant-<level>.<E>, self.<E>, and on.<N>.<0xpatient>. `out` takes 65 bytes. */
void authority_grant_name(unsigned level, uint32_t patient_epoch, char out[65]);
void authority_self_name(uint32_t patient_epoch, char out[65]);
void authority_on_name(uint32_t hospital_epoch, const uint8_t patient[20], char out[65]);

/* The label of a patient's authority: the address in lower-case hex with 0x. */
void authority_patient_label(const uint8_t patient[20], char out[43]);

#endif
