/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials as JSON documents, and the one in a node's data directory. Uses chain (amsc). */
#ifndef ACESO_NODE_CREDENTIAL_H
#define ACESO_NODE_CREDENTIAL_H

#include "base/json.h"
#include "chain/amsc.h"

struct credential {
    struct amsc_credential content;
    uint8_t signature[65];
};

/* The members: institute, category (its word), seal_key, tls_key_digest, serial, expiry,
 * generation, signature. */
void credential_write(const struct credential *credential, struct json_writer *writer,
                      const char *key);
ACESO_NODISCARD int credential_read(const yyjson_val *json, struct credential *credential,
                                    struct aceso_error *error);
ACESO_NODISCARD int credential_parse(struct bytes text, struct credential *credential,
                                     struct aceso_error *error);

/* DATA/credential.json. ACESO_ENOTFOUND where there is none. */
ACESO_NODISCARD int credential_load(const char *directory, struct credential *credential,
                                    struct aceso_error *error);

#endif
