/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as ABI data of several types (the first byte chooses); what passes must be written
 * back the same. */
#include "eth/abi.h"

#include <stdlib.h>

#define ROOM 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *types;
        size_t count;
    } shapes[] = {
        { "(uint256,uint32[],bytes10,bytes)", 4 },
        { "(uint256[][],string[])", 2 },
        { "(int16,(uint8,bytes32)[],string,(address,uint16[2],bytes)[2])", 4 },
        { "((address,bool,string,string,bytes32,bytes32,bytes32))", 1 },
        { "(bytes32,uint256,bytes32,bytes32,bytes32,bytes)", 6 },
        { "(uint16[])", 1 },
    };
    static struct abi_value values[ROOM];
    struct buffer again = BUFFER_INIT(1 << 20);
    struct bytes in;
    size_t shape;

    if (size == 0)
        return 0;
    shape = data[0] % (sizeof shapes / sizeof *shapes);
    in = bytes_of(data + 1, size - 1);
    if (abi_decode(shapes[shape].types, in, values, ROOM, NULL) == ACESO_OK) {
        if (abi_encode(shapes[shape].types, values, shapes[shape].count, &again, NULL))
            abort();
        if (!bytes_equal(buffer_bytes(&again), in))
            abort();
    }
    buffer_free(&again);
    return 0;
}
