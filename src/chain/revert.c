/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/revert.h"

#include "contracts_abi.h"
#include "eth/abi.h"

#include <stdio.h>
#include <string.h>

#define REVERT_ERROR 0x08c379a0u /* Error(string) */
#define REVERT_PANIC 0x4e487b71u /* Panic(uint256) */
#define REVERT_TEXT_MAX 120

static const struct contract_error *revert_find(uint32_t selector)
{
    size_t low = 0, high = contract_errors_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (contract_errors[middle].selector < selector)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < contract_errors_count && contract_errors[low].selector == selector)
        return &contract_errors[low];
    return NULL;
}

/* The text of Error(string): printable ASCII only, since it may go to a screen or a log. */
static const char *revert_string(struct bytes arguments, char *out, size_t size)
{
    struct abi_value value;
    char text[REVERT_TEXT_MAX + 1];
    size_t len = 0;

    if (abi_decode("(string)", arguments, &value, 1, NULL)) {
        (void)snprintf(out, size, "the contract refused");
        return out;
    }
    for (; len < value.bytes.len && len < REVERT_TEXT_MAX; len++) {
        uint8_t c = value.bytes.data[len];

        text[len] = c >= ' ' && c <= '~' ? (char)c : '?';
    }
    text[len] = '\0';
    (void)snprintf(out, size, "the contract refused: %s", text);
    return out;
}

const char *revert_text(struct bytes data, char *out, size_t size)
{
    struct reader reader = reader_of(data);
    uint32_t selector = reader_u32(&reader);
    struct bytes arguments = bytes_of(reader.at, reader.left);
    const struct contract_error *known;
    struct abi_value value;

    if (reader.failed) {
        (void)snprintf(out, size, "the contract refused without a reason");
        return out;
    }
    if (selector == REVERT_ERROR)
        return revert_string(arguments, out, size);
    if (selector == REVERT_PANIC && !abi_decode("(uint256)", arguments, &value, 1, NULL)) {
        (void)snprintf(out, size, "the contract failed: panic 0x%llx",
                       (unsigned long long)abi_get_u64(&value));
        return out;
    }
    known = revert_find(selector);
    if (known)
        (void)snprintf(out, size, "%s (%s)", known->text, known->name);
    else
        (void)snprintf(out, size, "the contract refused: error 0x%08x", (unsigned)selector);
    return out;
}

const char *revert_name(struct bytes data)
{
    struct reader reader = reader_of(data);
    uint32_t selector = reader_u32(&reader);
    const struct contract_error *known = reader.failed ? NULL : revert_find(selector);

    return known ? known->name : NULL;
}
