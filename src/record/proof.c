/* SPDX-License-Identifier: Apache-2.0 */
#include "record/proof.h"

int proof_put(const struct proof *proof, struct buffer *out)
{
    (void)buffer_put_u8(out, RECORD_VERSION_BYTE);
    (void)buffer_put_u64(out, proof->batch);
    (void)buffer_put_u32(out, proof->leaves);
    (void)buffer_put_u32(out, proof->index);
    return buffer_put_bytes(out, proof->path);
}

int proof_parse(struct bytes bytes, struct proof *out, struct aceso_error *error)
{
    struct reader reader = reader_of(bytes);
    uint8_t version = reader_u8(&reader);
    struct proof proof;

    proof.batch = reader_u64(&reader);
    proof.leaves = reader_u32(&reader);
    proof.index = reader_u32(&reader);
    if (reader.failed || version != RECORD_VERSION_BYTE)
        return error_set(error, ACESO_EFORMAT, "proof", "malformed");
    if (proof.batch == 0 || proof.leaves > MERKLE_LEAVES_MAX ||
        proof.leaves % RECORD_LEVELS != 0 || proof.index >= proof.leaves)
        return error_set(error, ACESO_EFORMAT, "proof", "a number out of range");
    proof.path = reader_take(&reader, (size_t)merkle_depth(proof.index, proof.leaves) *
                                          RECORD_HASH_SIZE);
    if (!reader_done(&reader))
        return error_set(error, ACESO_EFORMAT, "proof", "a wrong number of hashes");
    *out = proof;
    return ACESO_OK;
}

int proof_verify(const struct proof *proof, const uint8_t leaf[RECORD_HASH_SIZE],
                 const struct record_batch *batch, struct aceso_error *error)
{
    if (proof->batch != batch->number || proof->leaves != batch->leaves)
        return error_set(error, ACESO_EVERIFY, "proof", "of another batch");
    return merkle_verify(leaf, proof->index, proof->leaves, proof->path.data,
                         proof->path.len / RECORD_HASH_SIZE, batch->root, error);
}
