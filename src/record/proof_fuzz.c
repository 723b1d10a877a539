/* SPDX-License-Identifier: Apache-2.0 */
/* A proof that parses must be written back as it came, and verifies for no root of zeros. */
#include "record/proof.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer again = BUFFER_INIT(PROOF_MAX);
    uint8_t leaf[RECORD_HASH_SIZE] = { 0 };
    struct record_batch batch = { .number = 1 };
    struct proof proof;

    if (proof_parse(bytes_of(data, size), &proof, NULL) == ACESO_OK) {
        if (proof_put(&proof, &again) ||
            !bytes_equal(buffer_bytes(&again), bytes_of(data, size)))
            abort();
        batch.number = proof.batch;
        batch.leaves = proof.leaves;
        if (proof_verify(&proof, leaf, &batch, NULL) == ACESO_OK)
            abort();
    }
    buffer_free(&again);
    return 0;
}
