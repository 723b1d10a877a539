/* SPDX-License-Identifier: Apache-2.0 */
#include "eth/address.h"

#include "base/text.h"
#include "crypto/keccak.h"
#include "eth/rlp.h"

#include <string.h>

void address_text(const uint8_t address[20], char out[ADDRESS_TEXT_SIZE])
{
    out[0] = '0';
    out[1] = 'x';
    text_hex(address, ADDRESS_LEN, out + 2);
}

/* EIP-55: upper case where the hash of the lower-case text has a nibble of 8 or more. */
void address_checksum(const uint8_t address[20], char out[ADDRESS_TEXT_SIZE])
{
    uint8_t hash[32];

    address_text(address, out);
    keccak256(bytes_of(out + 2, 2 * ADDRESS_LEN), hash);
    for (size_t i = 0; i < 2 * ADDRESS_LEN; i++) {
        unsigned nibble = i % 2 ? hash[i / 2] & 15u : (unsigned)(hash[i / 2] >> 4);
        char *digit = &out[2 + i];

        if (*digit >= 'a' && nibble >= 8)
            *digit = (char)(*digit - 'a' + 'A');
    }
}

int address_parse(const char *text, uint8_t address[20], struct aceso_error *error)
{
    uint8_t parsed[ADDRESS_LEN];
    char expected[ADDRESS_TEXT_SIZE];
    bool lower = false, upper = false;

    if (strlen(text) != ADDRESS_TEXT_SIZE - 1 || text[0] != '0' || text[1] != 'x' ||
        text_unhex(text, parsed, sizeof parsed))
        return error_set(error, ACESO_EFORMAT, NULL, "not an address: 0x and 40 hex digits");
    for (const char *c = text + 2; *c; c++) {
        lower |= *c >= 'a';
        upper |= *c >= 'A' && *c < 'a';
    }
    address_checksum(parsed, expected);
    if (lower && upper && strcmp(text, expected) != 0)
        return error_set(error, ACESO_EFORMAT, NULL, "the address's checksum (EIP-55) is wrong");
    memcpy(address, parsed, ADDRESS_LEN);
    return ACESO_OK;
}

void address_create(const uint8_t sender[20], uint64_t nonce, uint8_t out[20])
{
    struct buffer items = BUFFER_INIT(64), list = BUFFER_INIT(64);
    uint8_t hash[32];

    rlp_put_string(&items, bytes_of(sender, ADDRESS_LEN));
    rlp_put_u64(&items, nonce);
    rlp_put_list(&list, buffer_bytes(&items));
    keccak256(buffer_bytes(&list), hash);
    memcpy(out, hash + 12, ADDRESS_LEN);
    buffer_free(&items);
    buffer_free(&list);
}

bool address_is_zero(const uint8_t address[20])
{
    static const uint8_t zero[ADDRESS_LEN];

    return memcmp(address, zero, ADDRESS_LEN) == 0;
}
