/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side of key issue: proves to an authority that this node holds its address, by
 * signing a fresh challenge, and keeps the attribute keys that it issues. Uses node, ledger. */
#ifndef ACESO_NODE_OBTAIN_H
#define ACESO_NODE_OBTAIN_H

#include "node/ledger.h"
#include "node/node.h"

/* What an address signs to have its keys (EIP-712, domain AMSC):
 * KeyRequest(address holder,uint32 authority,bytes32 challenge). */
void key_request_digest(const struct node *node, const uint8_t holder[20], uint32_t authority,
                        const uint8_t challenge[32], uint8_t digest[32]);

/* Obtains from `authority` what it has issued to this node; `patient` (NULL: none): also the
 * hospital's switch for that patient. `count` (may be NULL): how many keys came. */
ACESO_NODISCARD int obtain_keys(struct node *node, const struct ledger_hospital *authority,
                                const uint8_t *patient, size_t *count, struct aceso_error *error);

/* An operation: {"from": label, "patient"?: address}. For every role that asks. */
int obtain_operation(struct operation *operation, struct buffer *result,
                     struct aceso_error *error);

/* Appends the list of public keys that a hospital publishes, checked against its digest on
 * the chain. */
ACESO_NODISCARD int obtain_published(struct node *node, const struct ledger_hospital *authority,
                                     struct buffer *list, struct aceso_error *error);

/* The check alone, of the answer {"keys"} by whomever it was handed on: appends the list.
 * ACESO_EVERIFY where it is not the one whose digest is on the chain. */
ACESO_NODISCARD int obtain_check(const struct ledger_hospital *authority, struct bytes answer,
                                 struct buffer *list, struct aceso_error *error);

#endif
