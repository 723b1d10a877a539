/* SPDX-License-Identifier: Apache-2.0 */
#include "eth/rlp.h"

#include "eth/uint256.h"

#include <string.h>

#define RLP_STRING 0x80u
#define RLP_LIST 0xc0u
#define RLP_SHORT_MAX 55u

static void rlp_put_head(struct buffer *out, unsigned kind, size_t len)
{
    uint8_t word[UINT256_LEN];
    struct bytes digits;

    if (len <= RLP_SHORT_MAX) {
        (void)buffer_put_u8(out, (uint8_t)(kind + len));
        return;
    }
    uint256_put_u64(len, word);
    digits = uint256_trim(word);
    (void)buffer_put_u8(out, (uint8_t)(kind + RLP_SHORT_MAX + digits.len));
    (void)buffer_put_bytes(out, digits);
}

void rlp_put_string(struct buffer *out, struct bytes string)
{
    if (string.len != 1 || string.data[0] >= RLP_STRING)
        rlp_put_head(out, RLP_STRING, string.len);
    (void)buffer_put_bytes(out, string);
}

void rlp_put_uint256(struct buffer *out, const uint8_t word[32])
{
    rlp_put_string(out, uint256_trim(word));
}

void rlp_put_u64(struct buffer *out, uint64_t value)
{
    uint8_t word[UINT256_LEN];

    uint256_put_u64(value, word);
    rlp_put_uint256(out, word);
}

void rlp_put_list(struct buffer *out, struct bytes payload)
{
    rlp_put_head(out, RLP_LIST, payload.len);
    (void)buffer_put_bytes(out, payload);
}

/* The length behind a long head: `digits` bytes, no leading zero, more than a short head takes. */
static bool rlp_long(struct reader *reader, size_t digits, size_t *len)
{
    struct bytes taken = reader_take(reader, digits);
    size_t sum = 0;

    if (taken.len == 0 || taken.len > sizeof sum || taken.data[0] == 0)
        return false;
    for (size_t i = 0; i < taken.len; i++)
        sum = sum << 8 | taken.data[i];
    *len = sum;
    return sum > RLP_SHORT_MAX;
}

int rlp_read(struct bytes *in, struct rlp_item *item, struct aceso_error *error)
{
    struct reader reader = reader_of(*in);
    uint8_t first = reader_u8(&reader);
    bool list = first >= RLP_LIST;
    unsigned kind = list ? RLP_LIST : RLP_STRING;
    struct bytes payload;
    size_t len;

    if (reader.failed)
        return error_set(error, ACESO_EFORMAT, NULL, "RLP: an item is missing");
    if (first < RLP_STRING) {
        payload = bytes_of(in->data, 1);
    } else {
        len = first - kind;
        if (len > RLP_SHORT_MAX && !rlp_long(&reader, len - RLP_SHORT_MAX, &len))
            return error_set(error, ACESO_EFORMAT, NULL, "RLP: a length is not canonical");
        payload = reader_take(&reader, len);
        if (reader.failed)
            return error_set(error, ACESO_EFORMAT, NULL, "RLP: an item is cut off");
        if (!list && len == 1 && payload.data[0] < RLP_STRING)
            return error_set(error, ACESO_EFORMAT, NULL, "RLP: a byte is not canonical");
    }
    *in = bytes_of(reader.at, reader.left);
    item->list = list;
    item->payload = payload;
    return ACESO_OK;
}

int rlp_read_string(struct bytes *in, struct bytes *string, struct aceso_error *error)
{
    struct bytes rest = *in;
    struct rlp_item item;
    int code = rlp_read(&rest, &item, error);

    if (code)
        return code;
    if (item.list)
        return error_set(error, ACESO_EFORMAT, NULL, "RLP: a list where a string belongs");
    *in = rest;
    *string = item.payload;
    return ACESO_OK;
}

int rlp_read_fixed(struct bytes *in, size_t len, void *out, struct aceso_error *error)
{
    struct bytes rest = *in, string;
    int code = rlp_read_string(&rest, &string, error);

    if (code)
        return code;
    if (string.len != len)
        return error_set(error, ACESO_EFORMAT, NULL, "RLP: %zu bytes where %zu belong", string.len,
                         len);
    if (len)
        memcpy(out, string.data, len);
    *in = rest;
    return ACESO_OK;
}

int rlp_read_uint256(struct bytes *in, uint8_t word[32], struct aceso_error *error)
{
    struct bytes rest = *in, string;
    int code = rlp_read_string(&rest, &string, error);

    if (code)
        return code;
    if (string.len > UINT256_LEN || (string.len && string.data[0] == 0))
        return error_set(error, ACESO_EFORMAT, NULL, "RLP: not a canonical number");
    memset(word, 0, UINT256_LEN);
    if (string.len)
        memcpy(word + UINT256_LEN - string.len, string.data, string.len);
    *in = rest;
    return ACESO_OK;
}

int rlp_read_u64(struct bytes *in, uint64_t *value, struct aceso_error *error)
{
    struct bytes rest = *in;
    uint8_t word[UINT256_LEN];
    int code = rlp_read_uint256(&rest, word, error);

    if (code)
        return code;
    if (uint256_u64(word, value))
        return error_set(error, ACESO_EFORMAT, NULL, "RLP: a number does not fit 64 bits");
    *in = rest;
    return ACESO_OK;
}

int rlp_read_list(struct bytes *in, struct bytes *payload, struct aceso_error *error)
{
    struct bytes rest = *in;
    struct rlp_item item;
    int code = rlp_read(&rest, &item, error);

    if (code)
        return code;
    if (!item.list)
        return error_set(error, ACESO_EFORMAT, NULL, "RLP: a string where a list belongs");
    *in = rest;
    *payload = item.payload;
    return ACESO_OK;
}

/* Recursion is bounded by `depth`, which is the program's own. */
static int rlp_check_items(struct bytes in, size_t depth, struct aceso_error *error)
{
    while (in.len) {
        struct rlp_item item;
        int code = rlp_read(&in, &item, error);

        if (code)
            return code;
        if (!item.list)
            continue;
        if (depth == 0)
            return error_set(error, ACESO_ELIMIT, NULL, "RLP: lists too deep");
        code = rlp_check_items(item.payload, depth - 1, error);
        if (code)
            return code;
    }
    return ACESO_OK;
}

int rlp_check(struct bytes in, size_t depth, struct aceso_error *error)
{
    struct bytes rest = in;
    struct rlp_item item;
    int code = rlp_read(&rest, &item, error);

    if (code)
        return code;
    if (rest.len)
        return error_set(error, ACESO_EFORMAT, NULL, "RLP: bytes behind the item");
    return rlp_check_items(in, depth, error);
}
