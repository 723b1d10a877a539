/* SPDX-License-Identifier: Apache-2.0 */
/* A patient's account at one hospital. Uses keys. No I/O.
 *
 * Each is derived from the node's root by BIP-32, hardened at every step: who knows one account,
 * even its secret, learns nothing of another. Thread-safe once made. */
#ifndef ACESO_NODE_ACCOUNT_H
#define ACESO_NODE_ACCOUNT_H

#include "node/keys.h"

struct account; /* address and secret key, the latter in locked memory */

/* m/44'/60'/chain'/hospital' from the root; chain and hospital modulo 2^31. */
ACESO_NODISCARD int account_derive(const struct keys *keys, uint64_t chain_id, uint32_t hospital,
                                   struct account **account, struct aceso_error *error);
void account_free(struct account *account); /* wipes; accepts NULL */

const uint8_t *account_address(const struct account *account); /* 20 bytes */

ACESO_NODISCARD int account_sign(const struct account *account, const uint8_t digest[32],
                                 uint8_t signature[65], struct aceso_error *error);

#endif
