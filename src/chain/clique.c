/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/clique.h"

#include "chain/rpc_answer.h"
#include "crypto/ecdsa.h"
#include "crypto/keccak.h"
#include "eth/rlp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIQUE_SEAL 65
#define CLIQUE_EXTRA_MAX ((size_t)CLIQUE_SIGNERS_MAX * 20 + 97)
#define CLIQUE_HEADER_MAX ((size_t)8192)
#define CLIQUE_BACK_MAX 1024 /* blocks to look at: beyond, too many signers stand still */

enum field_kind { FIELD_BYTES, FIELD_NUMBER, FIELD_EXTRA };

/* The header's items in their order (Yellow Paper 4.4.3, EIP-1559). */
static const struct header_field {
    const char *name;
    enum field_kind kind;
    size_t len;
} header_fields[] = {
    { "parentHash", FIELD_BYTES, 32 },
    { "sha3Uncles", FIELD_BYTES, 32 },
    { "miner", FIELD_BYTES, 20 },
    { "stateRoot", FIELD_BYTES, 32 },
    { "transactionsRoot", FIELD_BYTES, 32 },
    { "receiptsRoot", FIELD_BYTES, 32 },
    { "logsBloom", FIELD_BYTES, 256 },
    { "difficulty", FIELD_NUMBER, 0 },
    { "number", FIELD_NUMBER, 0 },
    { "gasLimit", FIELD_NUMBER, 0 },
    { "gasUsed", FIELD_NUMBER, 0 },
    { "timestamp", FIELD_NUMBER, 0 },
    { "extraData", FIELD_EXTRA, 0 },
    { "mixHash", FIELD_BYTES, 32 },
    { "nonce", FIELD_BYTES, 8 },
    { "baseFeePerGas", FIELD_NUMBER, 0 },
};

static yyjson_val *clique_member(const yyjson_val *value, const char *name)
{
    return yyjson_obj_get((yyjson_val *)(uintptr_t)value, name);
}

/* Appends one item; of the extra data without its last `cut` bytes. */
static int clique_put(const yyjson_val *value, const struct header_field *field, size_t cut,
                      struct buffer *out, struct aceso_error *error)
{
    const yyjson_val *member = clique_member(value, field->name);
    struct buffer extra = BUFFER_INIT(CLIQUE_EXTRA_MAX);
    uint8_t bytes[256];
    int code;

    switch (field->kind) {
    case FIELD_BYTES:
        code = rpc_answer_fixed(member, field->len, bytes, error);
        if (!code)
            rlp_put_string(out, bytes_of(bytes, field->len));
        break;
    case FIELD_NUMBER:
        code = rpc_answer_word(member, bytes, error);
        if (!code)
            rlp_put_uint256(out, bytes);
        break;
    default:
        code = rpc_answer_data(member, &extra, error);
        if (!code && extra.len < cut)
            code = error_set(error, ACESO_EFORMAT, NULL, "too short for a seal");
        if (!code)
            rlp_put_string(out, bytes_of(extra.data, extra.len - cut));
        break;
    }
    buffer_free(&extra);
    return code ? error_at(error, code, field->name) : out->failed;
}

static int clique_hash(const yyjson_val *value, size_t cut, uint8_t hash[32],
                       struct aceso_error *error)
{
    struct buffer items = BUFFER_INIT(CLIQUE_HEADER_MAX), header = BUFFER_INIT(CLIQUE_HEADER_MAX);
    int code = ACESO_OK;

    for (size_t i = 0; i < sizeof header_fields / sizeof *header_fields && !code; i++) {
        const struct header_field *field = &header_fields[i];

        /* Chains before London have no base fee. */
        if (strcmp(field->name, "baseFeePerGas") != 0 || clique_member(value, field->name))
            code = clique_put(value, field, cut, &items, error);
    }
    rlp_put_list(&header, buffer_bytes(&items));
    if (!code && header.failed)
        code = error_set(error, header.failed, NULL, "the block's header is too long");
    if (!code)
        keccak256(buffer_bytes(&header), hash);
    buffer_free(&items);
    buffer_free(&header);
    return code;
}

/* Who made the block: the seal is the end of the extra data and signs the header without it. */
static int clique_signer(const yyjson_val *value, uint8_t signer[20], struct aceso_error *error)
{
    struct buffer extra = BUFFER_INIT(CLIQUE_EXTRA_MAX);
    uint8_t hash[32], seal[CLIQUE_SEAL];
    int code = clique_hash(value, CLIQUE_SEAL, hash, error);

    if (!code)
        code = rpc_answer_data(clique_member(value, "extraData"), &extra, error);
    if (!code) {
        memcpy(seal, extra.data + extra.len - CLIQUE_SEAL, CLIQUE_SEAL); /* clique_hash measured */
        seal[CLIQUE_SEAL - 1] = (uint8_t)(seal[CLIQUE_SEAL - 1] + 27);
        code = ecdsa_recover(hash, seal, signer);
        if (code)
            code = error_set(error, code, "extraData", "not a signer's seal");
    }
    buffer_free(&extra);
    return code;
}

int clique_read(const yyjson_val *value, struct clique_block *out, struct aceso_error *error)
{
    struct clique_block block = { .number = 0 };
    uint8_t hash[32];
    int code = rpc_answer_u64(clique_member(value, "number"), &block.number, error);

    if (!code)
        code = rpc_answer_fixed(clique_member(value, "hash"), 32, block.hash, error);
    if (!code)
        code = rpc_answer_fixed(clique_member(value, "parentHash"), 32, block.parent, error);
    if (!code)
        code = clique_hash(value, 0, hash, error);
    if (!code && memcmp(hash, block.hash, 32) != 0)
        code = error_set(error, ACESO_EVERIFY, "hash", "not that of the block");
    if (!code && block.number) {
        code = rpc_answer_u64(clique_member(value, "difficulty"), &block.difficulty, error);
        if (!code && block.difficulty != 1 && block.difficulty != 2)
            code = error_set(error, ACESO_EFORMAT, "difficulty", "not a Clique chain's");
        if (!code)
            code = clique_signer(value, block.signer, error);
    }
    if (!code)
        *out = block;
    return code;
}

bool clique_add(struct clique_count *count, const struct clique_block *block)
{
    for (size_t i = 0; block->number && i < count->signers; i++) {
        uint64_t bit = UINT64_C(1) << i % 64;

        if (memcmp(count->signer[i], block->signer, 20) != 0)
            continue;
        count->seen += (count->signed_by[i / 64] & bit) == 0;
        count->signed_by[i / 64] |= bit;
        count->difficulty += block->difficulty;
        break;
    }
    return 2 * count->seen > count->signers && count->difficulty >= count->signers;
}

static int clique_ask(struct rpc *rpc, const char *method, uint64_t number, const char *rest,
                      yyjson_doc **doc, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(1 << 20);
    char params[64];
    int code;

    (void)snprintf(params, sizeof params, "[\"0x%llx\"%s]", (unsigned long long)number, rest);
    code = rpc_request(rpc, method, params, &text, error);
    if (!code)
        code = json_parse(buffer_bytes(&text), doc, error);
    buffer_free(&text);
    return code;
}

static int clique_signers(struct rpc *rpc, uint64_t number, struct clique_count *count,
                          struct aceso_error *error)
{
    yyjson_doc *doc = NULL;
    yyjson_val *list;
    int code = clique_ask(rpc, "clique_getSigners", number, "", &doc, error);

    list = yyjson_doc_get_root(doc);
    if (!code && (!yyjson_is_arr(list) || yyjson_arr_size(list) == 0 ||
                  yyjson_arr_size(list) > CLIQUE_SIGNERS_MAX))
        code =
            error_set(error, ACESO_EFORMAT, "signers", "not a list of 1 to %d", CLIQUE_SIGNERS_MAX);
    for (size_t i = 0; !code && i < yyjson_arr_size(list); i++) {
        code = rpc_answer_fixed(yyjson_arr_get(list, i), 20, count->signer[i], error);
        count->signers++;
    }
    yyjson_doc_free(doc);
    return code;
}

static int clique_fetch(struct rpc *rpc, uint64_t number, struct clique_block *block,
                        struct aceso_error *error)
{
    yyjson_doc *doc = NULL;
    int code = clique_ask(rpc, "eth_getBlockByNumber", number, ",false", &doc, error);

    if (!code && yyjson_is_null(yyjson_doc_get_root(doc)))
        code = error_set(error, ACESO_EBUSY, NULL, "the chain changed while it was read");
    if (!code)
        code = clique_read(yyjson_doc_get_root(doc), block, error);
    if (!code && block->number != number)
        code = error_set(error, ACESO_EFORMAT, "number", "another block than was asked for");
    yyjson_doc_free(doc);
    return code;
}

int clique_settled(struct rpc *rpc, uint64_t newest, bool *any, uint64_t *number,
                   struct aceso_error *error)
{
    uint8_t signers[CLIQUE_SIGNERS_MAX][20];
    struct clique_count count = { .signer = signers };
    struct clique_block block, above;
    int code = clique_signers(rpc, newest, &count, error);

    *any = false;
    *number = 0;
    for (uint64_t back = 0; !code && back <= newest && back < CLIQUE_BACK_MAX; back++) {
        code = clique_fetch(rpc, newest - back, &block, error);
        if (!code && back && memcmp(above.parent, block.hash, 32) != 0)
            code = error_set(error, ACESO_EBUSY, NULL, "the chain changed while it was read");
        if (code)
            break;
        above = block;
        if (clique_add(&count, &block)) {
            *any = true;
            *number = block.number;
            break;
        }
    }
    return code;
}
