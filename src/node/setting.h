/* SPDX-License-Identifier: Apache-2.0 */
/* Small values that a node keeps under names, sealed or plain, and the attribute keys it holds.
 * Uses store, keys, consent (keyring). */
#ifndef ACESO_NODE_SETTING_H
#define ACESO_NODE_SETTING_H

#include "consent/keyring.h"
#include "node/keys.h"
#include "store/store.h"

extern const char setting_schema[];

/* ACESO_ENOTFOUND where there is no such setting. */
ACESO_NODISCARD int setting_get(struct store *store, const char *name, struct buffer *value,
                                struct aceso_error *error);
ACESO_NODISCARD int setting_put(struct store *store, const char *name, struct bytes value,
                                struct aceso_error *error);

/* Keeps user keys (a list as keyring_put_list makes it) of this node's address, sealed under the
 * node's storage key, and the public keys that they were checked against. Keys whose public key
 * is not in `publics`, and public keys of another authority than `label`, are refused: nothing is
 * kept then. A public key that replaces another one takes the user key under that one along. */
ACESO_NODISCARD int held_keys_add(struct store *store, const struct keys *keys,
                                  const uint8_t address[20], const char *label,
                                  struct bytes publics, struct bytes users,
                                  struct aceso_error *error);

/* Adds every key held to `keyring`. */
ACESO_NODISCARD int held_keys_load(struct store *store, const struct keys *keys,
                                   struct keyring *keyring, struct aceso_error *error);

#endif
