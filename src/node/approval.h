/* SPDX-License-Identifier: Apache-2.0 */
/* A patient's signed approval as a document: what the patient's node sends to the hospital. Uses
 * chain (arsc). docs/consent.md has the members. */
#ifndef ACESO_NODE_APPROVAL_H
#define ACESO_NODE_APPROVAL_H

#include "base/json.h"
#include "chain/arsc.h"

struct approval {
    struct arsc_approval content;
    uint8_t signature[65];
    struct buffer grant; /* sealed to the institute; freed by the caller */
};

#define APPROVAL_INIT { .grant = BUFFER_INIT(65536) }

void approval_write(const struct approval *approval, struct json_writer *writer, const char *key);

/* ACESO_EFORMAT; also when the grant is not the one whose digest was signed. */
ACESO_NODISCARD int approval_parse(struct bytes text, struct approval *approval,
                                   struct aceso_error *error);

#endif
