/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as RLP and as a raw transaction; what passes must be written back the same. */
#include "eth/rlp.h"
#include "eth/transaction.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size), rest = in;
    struct buffer again = BUFFER_INIT(1 << 20);
    struct transaction tx;
    uint8_t sender[20], hash[32];
    struct rlp_item item;

    if (rlp_check(in, 32, NULL) == ACESO_OK) {
        fuzz_check(rlp_read(&rest, &item, NULL) == ACESO_OK && rest.len == 0);
        if (item.list)
            rlp_put_list(&again, item.payload);
        else
            rlp_put_string(&again, item.payload);
        fuzz_check(bytes_equal(buffer_bytes(&again), in));
    }
    if (transaction_decode(in, &tx, sender, hash, NULL) == ACESO_OK)
        fuzz_check(tx.data.len <= size);
    buffer_free(&again);
    return 0;
}
