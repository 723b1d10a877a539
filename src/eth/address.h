/* SPDX-License-Identifier: Apache-2.0 */
/* Ethereum addresses: 20 bytes, as text and derived. Uses base and crypto. No I/O. */
#ifndef ACESO_ETH_ADDRESS_H
#define ACESO_ETH_ADDRESS_H

#include "base/buffer.h"

#define ADDRESS_LEN 20
#define ADDRESS_TEXT_SIZE 43 /* "0x", 40 digits, NUL */

/* Lower case, the form in JSON, labels and logs. */
void address_text(const uint8_t address[20], char out[ADDRESS_TEXT_SIZE]);

/* The mixed-case form with its checksum (EIP-55), for people. */
void address_checksum(const uint8_t address[20], char out[ADDRESS_TEXT_SIZE]);

/* Reads "0x" and 40 hex digits. Digits of one case pass as they are; mixed case must be the
 * checksum form. ACESO_EFORMAT otherwise. */
ACESO_NODISCARD int address_parse(const char *text, uint8_t address[20],
                                  struct aceso_error *error);

/* The address of the contract that `sender` creates with its transaction `nonce` (CREATE: the
 * last 20 bytes of keccak256(rlp([sender, nonce]))). */
void address_create(const uint8_t sender[20], uint64_t nonce, uint8_t out[20]);

bool address_is_zero(const uint8_t address[20]);

#endif
