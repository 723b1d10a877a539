/* SPDX-License-Identifier: Apache-2.0 */
/* The words people use for levels, categories, purposes and terms. Uses base, contracts_abi.h. */
#ifndef ACESO_CONSENT_VOCABULARY_H
#define ACESO_CONSENT_VOCABULARY_H

#include "base/buffer.h"

/* "low" to "complete" for 1 to 4; "none" for 0 and else. */
const char *level_name(unsigned level);
ACESO_NODISCARD int level_parse(const char *text, unsigned *level, struct aceso_error *error);

/* The same, and "none" for 0. */
ACESO_NODISCARD int level_or_none_parse(const char *text, unsigned *level,
                                        struct aceso_error *error);

/* "pharmacy", "insurance", "medical-school", "hospital"; "other" for codes without a word. */
const char *category_name(unsigned category);
ACESO_NODISCARD int category_parse(const char *text, unsigned *category,
                                   struct aceso_error *error);

/* HL7 PurposeOfUse: "TREAT", "HRESCH", ... */
const char *purpose_name(unsigned purpose);
ACESO_NODISCARD int purpose_parse(const char *text, unsigned *purpose, struct aceso_error *error);

/* "90s", "45m", "12h", "30d" as seconds, at most ten years. */
ACESO_NODISCARD int term_parse(const char *text, uint64_t *seconds, struct aceso_error *error);

/* The paper's Table I as the word that HPSC keeps: pharmacy low, insurance medium, medical school
 * high, hospitals complete. */
void levels_default(uint8_t levels[32]);

/* A table in words, "pharmacy=low,insurance=medium,hospital=none", in the same form. Whom it does
 * not name it gives nothing. ACESO_EUSAGE says what is wrong. */
ACESO_NODISCARD int levels_parse(const char *text, uint8_t levels[32], struct aceso_error *error);

#endif
