/* SPDX-License-Identifier: Apache-2.0 */
/* For hpke_test.c and hpke.c only: sealing with an ephemeral key that the caller chose, so that
 * the published vectors can be met. Two sealings with one ephemeral key break HPKE. */
#ifndef ACESO_CRYPTO_HPKE_INTERNAL_H
#define ACESO_CRYPTO_HPKE_INTERNAL_H

#include "crypto/hpke.h"

ACESO_NODISCARD int hpke_seal_ephemeral(const uint8_t ephemeral[HPKE_KEY_SIZE],
                                        const uint8_t receiver[HPKE_KEY_SIZE], struct bytes info,
                                        struct bytes aad, struct bytes plain, struct buffer *out,
                                        struct aceso_error *error);

#endif
