/* SPDX-License-Identifier: Apache-2.0 */
/* A node's secrets. Uses base and crypto. Reads and writes files.
 *
 * DATA/keystore/root.json holds a 32-byte root from which everything but the Ethereum account is
 * derived (HKDF with distinct labels); DATA/keystore/account.json holds the account of a CA,
 * hospital or institute (a patient's accounts: account.h). Both are Ethereum V3 keystores under the
 * node's password. Opened secrets live in locked memory. Thread-safe after keys_open. */
#ifndef ACESO_NODE_KEYS_H
#define ACESO_NODE_KEYS_H

#include "base/buffer.h"
#include "crypto/keystore.h"
#include "crypto/x509.h"

struct keys;

/* Draws fresh secrets and writes the keystores. ACESO_EEXISTS where there are some already.
 * `account`: also draws an Ethereum account. */
ACESO_NODISCARD int keys_make(const char *directory, struct bytes password,
                              enum keystore_cost cost, bool account, struct aceso_error *error);

ACESO_NODISCARD int keys_open(const char *directory, struct bytes password, struct keys **keys,
                              struct aceso_error *error);
void keys_free(struct keys *keys); /* wipes; accepts NULL */

/* 32 bytes for one purpose: HKDF-SHA256(root, info = "aceso node v1 " label 0x00 context). */
void keys_derive(const struct keys *keys, const char *label, struct bytes context,
                 uint8_t out[32]);

/* The account's secret key, or NULL where the node has none (a patient's). */
const uint8_t *keys_account(const struct keys *keys);

/* The address of keys_account. ACESO_ESTATE where there is none. */
ACESO_NODISCARD int keys_address(const struct keys *keys, uint8_t address[20]);

/* The X25519 pair that others seal to (HPKE). `secret` is the caller's to wipe. */
void keys_seal_pair(const struct keys *keys, uint8_t secret[32], uint8_t public_key[32]);

/* Signs a digest with the account. ACESO_ESTATE where there is none. */
ACESO_NODISCARD int keys_sign(const struct keys *keys, const uint8_t digest[32],
                              uint8_t signature[65], struct aceso_error *error);

/* Sealing of what the node keeps on disk, bound to `what` (AEAD with a random nonce). */
ACESO_NODISCARD int keys_seal(const struct keys *keys, const char *what, struct bytes plain,
                              struct buffer *out);
ACESO_NODISCARD int keys_unseal(const struct keys *keys, const char *what, struct bytes sealed,
                                struct buffer *out, struct aceso_error *error);

/* A TLS key kept sealed in `path`, made when the file is not there. */
ACESO_NODISCARD int keys_tls(const struct keys *keys, const char *path, struct x509_key **key,
                             struct aceso_error *error);

#endif
