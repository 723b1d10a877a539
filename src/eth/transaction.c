/* SPDX-License-Identifier: Apache-2.0 */
#include "eth/transaction.h"

#include "crypto/ecdsa.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "eth/rlp.h"

#include <string.h>

#define TRANSACTION_TYPE 0x02u
#define TRANSACTION_ROOM (TRANSACTION_DATA_MAX + 512)

/* The nine members that are signed. */
static void transaction_put_members(const struct transaction *tx, struct buffer *out)
{
    rlp_put_u64(out, tx->chain_id);
    rlp_put_u64(out, tx->nonce);
    rlp_put_u64(out, tx->fee_tip);
    rlp_put_u64(out, tx->fee_max);
    rlp_put_u64(out, tx->gas_limit);
    rlp_put_string(out, bytes_of(tx->to, tx->create ? 0 : ADDRESS_LEN));
    rlp_put_uint256(out, tx->value);
    rlp_put_string(out, tx->data);
    rlp_put_list(out, bytes_of(NULL, 0)); /* the access list */
}

static void transaction_wrap(struct bytes members, struct buffer *out)
{
    (void)buffer_put_u8(out, TRANSACTION_TYPE);
    rlp_put_list(out, members);
}

/* What is signed: the hash of the members without a signature. `scratch` is cleared first. */
static int transaction_digest(struct bytes members, struct buffer *scratch, uint8_t digest[32])
{
    buffer_clear(scratch);
    transaction_wrap(members, scratch);
    if (!scratch->failed)
        keccak256(buffer_bytes(scratch), digest);
    return scratch->failed;
}

int transaction_sign(const struct transaction *tx, const uint8_t secret[32], struct buffer *raw,
                     uint8_t hash[32], struct aceso_error *error)
{
    struct buffer members = BUFFER_INIT(TRANSACTION_ROOM), whole = BUFFER_INIT(TRANSACTION_ROOM);
    uint8_t digest[32], signature[65], padded[32] = { 0 };
    int code = ACESO_OK;

    if (tx->data.len > TRANSACTION_DATA_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "a transaction with more than %zu bytes",
                         TRANSACTION_DATA_MAX);
    transaction_put_members(tx, &members);
    code = members.failed ? members.failed
                          : transaction_digest(buffer_bytes(&members), &whole, digest);
    if (code) {
        code = error_set(error, code, NULL, "the transaction could not be written");
        goto out;
    }
    if (ecdsa_sign(secret, digest, signature)) {
        code = error_set(error, ACESO_EUSAGE, NULL, "not a secp256k1 key");
        goto out;
    }
    rlp_put_u64(&members, signature[64] - 27u);
    memcpy(padded, signature, 32);
    rlp_put_uint256(&members, padded);
    memcpy(padded, signature + 32, 32);
    rlp_put_uint256(&members, padded);
    buffer_clear(&whole);
    transaction_wrap(buffer_bytes(&members), &whole);
    code = members.failed ? members.failed : whole.failed;
    if (!code)
        code = buffer_put_bytes(raw, buffer_bytes(&whole));
    if (code)
        code = error_set(error, code, NULL, "the transaction could not be written");
    else
        keccak256(buffer_bytes(&whole), hash);
out:
    buffer_free(&members);
    buffer_free(&whole);
    return code;
}

static int transaction_read_to(struct bytes *in, struct transaction *tx, struct aceso_error *error)
{
    struct bytes to;
    int code = rlp_read_string(in, &to, error);

    if (code)
        return code;
    if (to.len != 0 && to.len != ADDRESS_LEN)
        return error_set(error, ACESO_EFORMAT, NULL, "transaction: not a receiver");
    tx->create = to.len == 0;
    if (to.len)
        memcpy(tx->to, to.data, ADDRESS_LEN);
    return ACESO_OK;
}

static int transaction_read_members(struct bytes *in, struct transaction *tx,
                                    struct aceso_error *error)
{
    uint64_t *const numbers[] = { &tx->chain_id, &tx->nonce, &tx->fee_tip, &tx->fee_max,
                                  &tx->gas_limit };
    struct bytes access;
    int code = ACESO_OK;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !code; i++)
        code = rlp_read_u64(in, numbers[i], error);
    if (!code)
        code = transaction_read_to(in, tx, error);
    if (!code)
        code = rlp_read_uint256(in, tx->value, error);
    if (!code)
        code = rlp_read_string(in, &tx->data, error);
    if (!code)
        code = rlp_read_list(in, &access, error);
    if (!code && access.len)
        code = error_set(error, ACESO_EFORMAT, NULL, "transaction: an access list");
    return code;
}

static int transaction_read_signature(struct bytes *in, uint8_t signature[65],
                                      struct aceso_error *error)
{
    uint64_t parity = 0;
    int code = rlp_read_u64(in, &parity, error);

    if (!code && parity > 1)
        code = error_set(error, ACESO_EFORMAT, NULL, "transaction: not a parity");
    if (!code)
        code = rlp_read_uint256(in, signature, error);
    if (!code)
        code = rlp_read_uint256(in, signature + 32, error);
    if (!code && in->len)
        code = error_set(error, ACESO_EFORMAT, NULL, "transaction: a member too many");
    signature[64] = (uint8_t)(27 + parity);
    return code;
}

int transaction_decode(struct bytes raw, struct transaction *transaction, uint8_t sender[20],
                       uint8_t hash[32], struct aceso_error *error)
{
    struct transaction tx = { .chain_id = 0 };
    struct buffer scratch = BUFFER_INIT(TRANSACTION_ROOM);
    uint8_t signature[65], digest[32], from[ADDRESS_LEN];
    struct bytes members, rest = raw;
    int code;

    if (raw.len == 0 || raw.data[0] != TRANSACTION_TYPE)
        return error_set(error, ACESO_EFORMAT, NULL, "not a type-2 transaction");
    if (raw.len > TRANSACTION_ROOM)
        return error_set(error, ACESO_ELIMIT, NULL, "transaction: too long");
    rest = bytes_of(raw.data + 1, raw.len - 1);
    code = rlp_read_list(&rest, &members, error);
    if (!code && rest.len)
        code = error_set(error, ACESO_EFORMAT, NULL, "transaction: bytes behind it");
    if (code)
        return code;
    rest = members;
    code = transaction_read_members(&rest, &tx, error);
    members.len -= rest.len; /* what was signed ends here */
    if (!code)
        code = transaction_read_signature(&rest, signature, error);
    if (!code)
        code = transaction_digest(members, &scratch, digest);
    if (!code && ecdsa_recover(digest, signature, from))
        code = error_set(error, ACESO_EVERIFY, NULL, "transaction: the signature is not possible");
    if (!code) {
        *transaction = tx;
        memcpy(sender, from, ADDRESS_LEN);
        keccak256(raw, hash);
    }
    buffer_free(&scratch);
    return code;
}
