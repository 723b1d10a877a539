/* SPDX-License-Identifier: Apache-2.0 */
/* The input is opened as a sealed part, and parsed as the payload of one that has opened. */
#include "record/part.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_context context = { .chain_id = 1 };
    struct record_place place = { .version = 1, .level = 1 };
    struct buffer payload = BUFFER_INIT_SECRET(1 << 20), again = BUFFER_INIT(1 << 20);
    uint8_t key[RECORD_KEY_SIZE] = { 0 };
    struct part_content content;

    if (part_open(&context, (struct record_epoch){ 0 }, &place, key, bytes_of(data, size), &payload,
                  &content, NULL) == ACESO_OK)
        abort(); /* nobody forges a tag */
    if (part_payload_parse(bytes_of(data, size), &content, NULL) == ACESO_OK &&
        (part_payload_put(&content, &again) ||
         !bytes_equal(buffer_bytes(&again), bytes_of(data, size))))
        abort(); /* one content, one payload */
    buffer_free(&payload);
    buffer_free(&again);
    return 0;
}
