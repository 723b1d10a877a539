/* SPDX-License-Identifier: Apache-2.0 */
/* The ABE keys that a party holds: public keys of authorities, checked once, and its own user
 * keys, each checked against its public key. Uses lib/abe and base. No I/O.
 *
 * A keyring is for one user (one address). It belongs to one thread while it changes; after that
 * any number may read it. */
#ifndef ACESO_CONSENT_KEYRING_H
#define ACESO_CONSENT_KEYRING_H

#include "base/buffer.h"

#include <aceso/abe.h>

#define KEYRING_KEYS_MAX 4096

struct keyring;

/* NULL when out of memory. `address` is the user whose keys it may take. */
struct keyring *keyring_create(const uint8_t address[20]);
void keyring_free(struct keyring *keyring); /* wipes user keys; accepts NULL */

/* Adds one serialized public key after the full check of docs/abe-format.md. The same key again is
 * nothing new; another key for an attribute that is there is ACESO_EVERIFY. */
ACESO_NODISCARD int keyring_add_public(struct keyring *keyring, struct bytes key,
                                       struct aceso_error *error);

/* Adds a serialized user key of this keyring's address; its public key must be there already. */
ACESO_NODISCARD int keyring_add_user(struct keyring *keyring, struct bytes key,
                                     struct aceso_error *error);

/* Adds every public key of a list as made by keyring_put_list. */
ACESO_NODISCARD int keyring_add_list(struct keyring *keyring, struct bytes list,
                                     struct aceso_error *error);

bool keyring_has_public(const struct keyring *keyring, const char *attribute);

/* Public and user keys as lib/abe takes them; live as long as the keyring and unchanged. */
const struct aceso_abe_public_key *const *keyring_public(const struct keyring *keyring,
                                                         size_t *count);
const struct aceso_abe_user_key *const *keyring_user(const struct keyring *keyring, size_t *count);

/* A list of keys on the wire: version byte, u16 count, each as a field; in ascending order of
 * their bytes so that one set has one list and one digest. `keys` is sorted in place. */
ACESO_NODISCARD int keyring_put_list(struct bytes *keys, size_t count, struct buffer *out);

/* Reads a list; calls `each` for every key in it. ACESO_EFORMAT where it is not in order. */
ACESO_NODISCARD int keyring_read_list(struct bytes list,
                                      int (*each)(void *data, struct bytes key,
                                                  struct aceso_error *error),
                                      void *data, struct aceso_error *error);

/* A code of lib/abe as an error of the program. */
int keyring_abe_error(int abe_code, const char *what, struct aceso_error *error);

#endif
