/* SPDX-License-Identifier: Apache-2.0 */
#include "record/context.h"

void record_context_put(const struct record_context *context, struct buffer *out)
{
    (void)buffer_put_u64(out, context->chain_id);
    (void)buffer_put(out, context->contract, sizeof context->contract);
    (void)buffer_put(out, context->patient, sizeof context->patient);
    (void)buffer_put(out, context->hospital, sizeof context->hospital);
}

void record_epoch_put(struct record_epoch epoch, struct buffer *out)
{
    (void)buffer_put_u32(out, epoch.e);
    (void)buffer_put_u32(out, epoch.n);
}

void record_place_put(const struct record_place *place, struct buffer *out)
{
    (void)buffer_put(out, place->record, sizeof place->record);
    (void)buffer_put_u32(out, place->version);
    (void)buffer_put_u8(out, place->level);
    (void)buffer_put_u32(out, place->index);
}

bool record_place_valid(const struct record_place *place)
{
    return place->version >= 1 && place->level >= 1 && place->level <= RECORD_LEVELS &&
           place->index < RECORD_LEVELS * RECORD_BATCH_MAX &&
           place->index % RECORD_LEVELS == (uint32_t)place->level - 1;
}
