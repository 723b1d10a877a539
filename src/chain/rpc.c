/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/rpc.h"

#include "chain/endpoint.h"
#include "chain/revert.h"
#include "chain/rpc_answer.h"
#include "eth/transaction.h"
#include "eth/uint256.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RPC_TIMEOUT_MS 30000u
#define RPC_ANSWER_MAX ((size_t)32 << 20)
#define RPC_REQUEST_MAX ((size_t)1 << 20)
#define RPC_FEE_MAX UINT64_C(1000000000000000000) /* one ether a gas: nobody means that */
#define RPC_TIP_OTHERWISE UINT64_C(1000000000)
#define RPC_CODE_LIMIT (-32005)
#define RPC_CODE_REVERT 3

struct rpc {
    struct endpoints *endpoints;
    size_t answer_max;
    atomic_uint_fast64_t id;
    atomic_uint_fast64_t chain_id; /* 0: not known yet */
};

int rpc_open(const struct rpc_settings *settings, struct rpc **rpc, struct aceso_error *error)
{
    struct rpc *made = calloc(1, sizeof *made);
    uint32_t timeout_ms = settings->timeout_ms ? settings->timeout_ms : RPC_TIMEOUT_MS;
    int code;

    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory");
    made->answer_max = settings->answer_max ? settings->answer_max : RPC_ANSWER_MAX;
    code = endpoints_open(settings->url, timeout_ms, &made->endpoints, error);
    if (code)
        free(made);
    else
        *rpc = made;
    return code;
}

void rpc_close(struct rpc *rpc)
{
    if (!rpc)
        return;
    endpoints_close(rpc->endpoints);
    free(rpc);
}

/* One question to one node. `params` is a JSON array. What the node refused is an answer, too. */
static int rpc_ask_one(struct rpc *rpc, size_t which, const char *method, struct bytes params,
                       struct rpc_answer *answer, struct aceso_error *error)
{
    struct buffer request = BUFFER_INIT(RPC_REQUEST_MAX), text = BUFFER_INIT(rpc->answer_max);
    struct json_writer writer = json_writer_of(&request);
    uint64_t id = atomic_fetch_add(&rpc->id, 1);
    int code;

    json_open(&writer, NULL, '{');
    json_put_string(&writer, "jsonrpc", "2.0");
    json_put_u64(&writer, "id", id);
    json_put_string(&writer, "method", method);
    json_put_raw(&writer, "params", params);
    json_close(&writer, '}');
    code = request.failed
               ? error_set(error, request.failed, NULL, "the question is too long")
               : endpoints_post(rpc->endpoints, which, buffer_bytes(&request), &text, error);
    if (!code)
        code = rpc_answer_read(buffer_bytes(&text), id, answer, error);
    buffer_free(&request);
    buffer_free(&text);
    if (!code)
        answer->endpoint = which;
    return code ? error_wrap(error, code, "%s", method) : code;
}

/* Several nodes are asked as one: each of them must be on the chain that the first one was on. */
static int rpc_check_one(struct rpc *rpc, size_t which, struct aceso_error *error)
{
    uint_fast64_t known = 0;
    uint64_t chain_id = 0;
    struct rpc_answer answer;
    int code = rpc_ask_one(rpc, which, "eth_chainId", bytes_of_string("[]"), &answer, error);

    if (code)
        return code;
    code = answer.result ? rpc_answer_u64(answer.result, &chain_id, error)
                         : error_set(error, ACESO_EIO, NULL, "%s", answer.message);
    rpc_answer_free(&answer);
    if (code)
        return code;
    (void)atomic_compare_exchange_strong(&rpc->chain_id, &known, chain_id);
    if (known && known != chain_id)
        return error_set(error, ACESO_EIO, NULL, "node %zu is on chain %llu, not on %llu",
                         which + 1, (unsigned long long)chain_id, (unsigned long long)known);
    endpoints_check(rpc->endpoints, which);
    return ACESO_OK;
}

static bool rpc_other_may_answer(int code)
{
    return code == ACESO_EIO || code == ACESO_ETIMEOUT || code == ACESO_EFORMAT;
}

/* One question, to the next node where one fails. */
static int rpc_ask(struct rpc *rpc, const char *method, struct bytes params,
                   struct rpc_answer *answer, struct aceso_error *error)
{
    size_t count = endpoints_count(rpc->endpoints);
    int code = ACESO_EIO;

    for (size_t i = 0; i < count && rpc_other_may_answer(code); i++) {
        size_t which = endpoints_current(rpc->endpoints);

        code = count == 1 || endpoints_checked(rpc->endpoints, which)
                   ? ACESO_OK
                   : rpc_check_one(rpc, which, error);
        if (!code)
            code = rpc_ask_one(rpc, which, method, params, answer, error);
        if (rpc_other_may_answer(code))
            endpoints_avoid(rpc->endpoints, which);
    }
    return code;
}

/* Frees an answer that was read. A node whose answer made no sense is not asked next. */
static void rpc_done(struct rpc *rpc, struct rpc_answer *answer, int code)
{
    if (code == ACESO_EFORMAT)
        endpoints_avoid(rpc->endpoints, answer->endpoint);
    rpc_answer_free(answer);
}

/* The same where a refusal is a failure: `answer` then holds nothing. */
static int rpc_ask_plain(struct rpc *rpc, const char *method, struct buffer *params,
                         struct rpc_answer *answer, struct aceso_error *error)
{
    int code = params->failed ? error_set(error, params->failed, NULL, "%s: too long", method)
                              : rpc_ask(rpc, method, buffer_bytes(params), answer, error);

    buffer_free(params);
    if (code || answer->result)
        return code;
    code = error_set(error, answer->code == RPC_CODE_LIMIT ? ACESO_ELIMIT : ACESO_ECHAIN, NULL,
                     "%s: the chain's node refuses: %s", method, answer->message);
    rpc_answer_free(answer);
    return code;
}

static struct json_writer rpc_params(struct buffer *params)
{
    struct json_writer writer = json_writer_of(params);

    json_open(&writer, NULL, '[');
    return writer;
}

static void rpc_put_quantity(struct json_writer *writer, const char *key, uint64_t value)
{
    char text[2 + 16 + 1];

    (void)snprintf(text, sizeof text, "0x%llx", (unsigned long long)value);
    json_put_string(writer, key, text);
}

static void rpc_put_block(struct json_writer *writer, const char *key, uint64_t block)
{
    if (block == RPC_LATEST)
        json_put_string(writer, key, "latest");
    else if (block == RPC_PENDING)
        json_put_string(writer, key, "pending");
    else if (block == RPC_FINALIZED)
        json_put_string(writer, key, "finalized");
    else
        rpc_put_quantity(writer, key, block);
}

static int rpc_ask_u64(struct rpc *rpc, const char *method, struct buffer *params, uint64_t *out,
                       struct aceso_error *error)
{
    struct rpc_answer answer;
    int code = rpc_ask_plain(rpc, method, params, &answer, error);

    if (code)
        return code;
    code = rpc_answer_u64(answer.result, out, error);
    rpc_done(rpc, &answer, code);
    return code ? error_wrap(error, code, "%s", method) : code;
}

int rpc_chain_id(struct rpc *rpc, uint64_t *chain_id, struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct json_writer writer = rpc_params(&params);

    json_close(&writer, ']');
    return rpc_ask_u64(rpc, "eth_chainId", &params, chain_id, error);
}

int rpc_block(struct rpc *rpc, uint64_t number, struct rpc_block *block, struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct json_writer writer = rpc_params(&params);
    struct rpc_block read;
    struct rpc_answer answer;
    int code;

    rpc_put_block(&writer, NULL, number);
    json_put_bool(&writer, NULL, false);
    json_close(&writer, ']');
    code = rpc_ask_plain(rpc, "eth_getBlockByNumber", &params, &answer, error);
    if (code)
        return code;
    if (yyjson_is_null(answer.result))
        code = error_set(error, ACESO_ENOTFOUND, NULL, "the chain has no such block");
    else
        code = rpc_answer_block(answer.result, &read, error);
    if (!code && number < RPC_FINALIZED && read.number != number)
        code = error_set(error, ACESO_EFORMAT, "number", "another block than was asked for");
    if (!code)
        *block = read;
    rpc_done(rpc, &answer, code);
    return code;
}

static void rpc_put_call(struct json_writer *writer, const struct rpc_call *call)
{
    json_open(writer, NULL, '{');
    if (call->from)
        json_put_hex(writer, "from", call->from, 20);
    if (call->to)
        json_put_hex(writer, "to", call->to, 20);
    if (call->gas)
        rpc_put_quantity(writer, "gas", call->gas);
    if (call->value && !uint256_is_zero(call->value)) {
        char text[2 + 64 + 1] = "0x";
        struct buffer hex = BUFFER_INIT(64);

        (void)buffer_put_hex(&hex, bytes_of(call->value, 32));
        (void)snprintf(text + 2, sizeof text - 2, "%s",
                       buffer_text(&hex) + strspn(buffer_text(&hex), "0"));
        json_put_string(writer, "value", text);
        buffer_free(&hex);
    }
    json_put_hex(writer, "data", call->data.data, call->data.len);
    json_close(writer, '}');
}

/* Whether it was the contract that refused. Nodes agree on this where the contract gave a reason;
 * where it gave none their words must do. */
static bool rpc_reverted(const struct rpc_answer *answer)
{
    static const char *const words[] = { "revert", "out of gas", "EVM error",
                                         "gas required exceeds", "invalid opcode" };
    bool found = answer->revert.len != 0 || answer->code == RPC_CODE_REVERT;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        found = found || strstr(answer->message, words[i]);
    return found;
}

/* The node's refusal of a call: what the contract said, or what the node said. */
static int rpc_refused_call(const struct rpc_answer *answer, struct buffer *revert,
                            struct aceso_error *error)
{
    char words[ACESO_ERROR_TEXT_MAX];

    if (!rpc_reverted(answer))
        return error_set(error, ACESO_EIO, NULL, "the chain's node refuses: %s", answer->message);
    if (revert && buffer_put_bytes(revert, buffer_bytes(&answer->revert)))
        return error_set(error, revert->failed, NULL, "the contract's answer is too long");
    if (answer->revert.len)
        return error_set(error, ACESO_ECHAIN, NULL, "%s",
                         revert_text(buffer_bytes(&answer->revert), words, sizeof words));
    return error_set(error, ACESO_ECHAIN, NULL, "the contract refused: %s", answer->message);
}

int rpc_call(struct rpc *rpc, const struct rpc_call *call, uint64_t block, struct buffer *out,
             struct buffer *revert, struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct json_writer writer = rpc_params(&params);
    struct rpc_answer answer;
    int code;

    rpc_put_call(&writer, call);
    rpc_put_block(&writer, NULL, block);
    json_close(&writer, ']');
    code = params.failed ? error_set(error, params.failed, NULL, "eth_call: too long")
                         : rpc_ask(rpc, "eth_call", buffer_bytes(&params), &answer, error);
    buffer_free(&params);
    if (code)
        return code;
    if (answer.result)
        code = rpc_answer_data(answer.result, out, error);
    else
        code = rpc_refused_call(&answer, revert, error);
    rpc_done(rpc, &answer, code);
    return code;
}

int rpc_estimate_gas(struct rpc *rpc, const struct rpc_call *call, uint64_t *gas,
                     struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct json_writer writer = rpc_params(&params);
    struct rpc_answer answer;
    int code;

    rpc_put_call(&writer, call);
    rpc_put_block(&writer, NULL, RPC_LATEST); /* nodes differ in what they take otherwise */
    json_close(&writer, ']');
    code = params.failed ? error_set(error, params.failed, NULL, "eth_estimateGas: too long")
                         : rpc_ask(rpc, "eth_estimateGas", buffer_bytes(&params), &answer, error);
    buffer_free(&params);
    if (code)
        return code;
    if (answer.result)
        code = rpc_answer_u64(answer.result, gas, error);
    else
        code = rpc_refused_call(&answer, NULL, error);
    rpc_done(rpc, &answer, code);
    return code;
}

/* After a refusal: nodes tell "I have it" and "its nonce is used" in words of their own, so the
 * state is asked instead. */
static int rpc_send_refused(struct rpc *rpc, struct bytes raw, const char *message,
                            struct aceso_error *error)
{
    struct transaction tx;
    uint8_t sender[20], hash[32];
    uint64_t nonce = 0;
    bool known = false;
    int code = transaction_decode(raw, &tx, sender, hash, error);

    if (!code)
        code = rpc_transaction_known(rpc, hash, &known, error);
    if (code || known)
        return code;
    code = rpc_nonce(rpc, sender, RPC_LATEST, &nonce, error);
    if (code)
        return code;
    if (nonce > tx.nonce)
        return error_set(error, ACESO_ESTATE, NULL, "the transaction's number is used already");
    return error_set(error, ACESO_ECHAIN, NULL, "the chain's node refuses the transaction: %s",
                     message);
}

int rpc_send_raw(struct rpc *rpc, struct bytes raw, struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct json_writer writer = rpc_params(&params);
    struct rpc_answer answer;
    int code;

    json_put_hex(&writer, NULL, raw.data, raw.len);
    json_close(&writer, ']');
    code = params.failed ? error_set(error, params.failed, NULL, "the transaction is too long")
                         : rpc_ask(rpc, "eth_sendRawTransaction", buffer_bytes(&params), &answer,
                                   error);
    buffer_free(&params);
    if (code)
        return code;
    if (!answer.result)
        code = rpc_send_refused(rpc, raw, answer.message, error);
    rpc_done(rpc, &answer, code);
    return code;
}

/* Asks `method` for a transaction by its hash. */
static int rpc_ask_hash(struct rpc *rpc, const char *method, const uint8_t hash[32],
                        struct rpc_answer *answer, struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct json_writer writer = rpc_params(&params);

    json_put_hex(&writer, NULL, hash, 32);
    json_close(&writer, ']');
    return rpc_ask_plain(rpc, method, &params, answer, error);
}

int rpc_receipt(struct rpc *rpc, const uint8_t transaction[32], struct rpc_receipt *receipt,
                struct aceso_error *error)
{
    struct rpc_answer answer;
    int code = rpc_ask_hash(rpc, "eth_getTransactionReceipt", transaction, &answer, error);

    if (code)
        return code;
    if (yyjson_is_null(answer.result))
        code = error_set(error, ACESO_ENOTFOUND, NULL, "no block holds the transaction");
    else
        code = rpc_answer_receipt(answer.result, transaction, receipt, error);
    rpc_done(rpc, &answer, code);
    return code;
}

int rpc_transaction_known(struct rpc *rpc, const uint8_t transaction[32], bool *known,
                          struct aceso_error *error)
{
    struct rpc_answer answer;
    int code = rpc_ask_hash(rpc, "eth_getTransactionByHash", transaction, &answer, error);

    if (code)
        return code;
    *known = yyjson_is_obj(answer.result);
    rpc_answer_free(&answer);
    return ACESO_OK;
}

/* The parameters [address, block] of several methods. */
static void rpc_put_account(struct buffer *params, const uint8_t address[20], uint64_t block)
{
    struct json_writer writer = rpc_params(params);

    json_put_hex(&writer, NULL, address, 20);
    rpc_put_block(&writer, NULL, block);
    json_close(&writer, ']');
}

int rpc_nonce(struct rpc *rpc, const uint8_t address[20], uint64_t block, uint64_t *nonce,
              struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);

    rpc_put_account(&params, address, block);
    return rpc_ask_u64(rpc, "eth_getTransactionCount", &params, nonce, error);
}

int rpc_balance(struct rpc *rpc, const uint8_t address[20], uint64_t block, uint8_t wei[32],
                struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct rpc_answer answer;
    int code;

    rpc_put_account(&params, address, block);
    code = rpc_ask_plain(rpc, "eth_getBalance", &params, &answer, error);
    if (code)
        return code;
    code = rpc_answer_word(answer.result, wei, error);
    rpc_done(rpc, &answer, code);
    return code;
}

int rpc_code_length(struct rpc *rpc, const uint8_t address[20], size_t *len,
                    struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX), out = BUFFER_INIT(1 << 20);
    struct rpc_answer answer;
    int code;

    rpc_put_account(&params, address, RPC_LATEST);
    code = rpc_ask_plain(rpc, "eth_getCode", &params, &answer, error);
    if (code)
        return code;
    code = rpc_answer_data(answer.result, &out, error);
    if (!code)
        *len = out.len;
    rpc_done(rpc, &answer, code);
    buffer_free(&out);
    return code;
}

int rpc_fees(struct rpc *rpc, struct rpc_fees *fees, struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct json_writer writer = rpc_params(&params);
    struct rpc_fees read = { .dynamic = false };
    struct aceso_error refusal = { .code = ACESO_OK };
    struct rpc_block block;
    int code;

    json_close(&writer, ']');
    code = rpc_block(rpc, RPC_LATEST, &block, error);
    if (code) {
        buffer_free(&params);
        return code;
    }
    read.dynamic = block.has_base_fee;
    read.base = block.base_fee;
    code = rpc_ask_u64(rpc, read.dynamic ? "eth_maxPriorityFeePerGas" : "eth_gasPrice", &params,
                       &read.tip, &refusal);
    if (code == ACESO_ECHAIN && read.dynamic) { /* not every node has the method */
        read.tip = RPC_TIP_OTHERWISE;
        code = ACESO_OK;
    } else if (code) {
        code = error_set(error, code, NULL, "%s", refusal.text);
    }
    if (!code && (read.base > RPC_FEE_MAX || read.tip > RPC_FEE_MAX))
        code = error_set(error, ACESO_ELIMIT, NULL, "the chain's node asks an absurd fee");
    read.fee_max = 2 * read.base + read.tip;
    if (!code)
        *fees = read;
    return code;
}

static void rpc_put_hashes(struct json_writer *writer, const char *key, const uint8_t *data,
                           size_t count, size_t len)
{
    json_open(writer, key, '[');
    for (size_t i = 0; i < count; i++)
        json_put_hex(writer, NULL, data + i * len, len);
    json_close(writer, ']');
}

int rpc_logs(struct rpc *rpc, const struct rpc_log_filter *filter, struct rpc_logs *logs,
             struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT(RPC_REQUEST_MAX);
    struct json_writer writer = rpc_params(&params);
    struct rpc_answer answer;
    int code;

    json_open(&writer, NULL, '{');
    rpc_put_quantity(&writer, "fromBlock", filter->from);
    rpc_put_quantity(&writer, "toBlock", filter->to);
    if (filter->addresses)
        rpc_put_hashes(&writer, "address", filter->address[0], filter->addresses, 20);
    if (filter->topics) {
        json_open(&writer, "topics", '[');
        rpc_put_hashes(&writer, NULL, filter->topic0[0], filter->topics, 32);
        json_close(&writer, ']');
    }
    json_close(&writer, '}');
    json_close(&writer, ']');
    code = rpc_ask_plain(rpc, "eth_getLogs", &params, &answer, error);
    if (code)
        return code;
    code = rpc_answer_logs(answer.result, filter, logs, error);
    rpc_done(rpc, &answer, code);
    return code;
}

int rpc_request(struct rpc *rpc, const char *method, const char *params, struct buffer *result,
                struct aceso_error *error)
{
    struct buffer copy = BUFFER_INIT(RPC_REQUEST_MAX);
    struct rpc_answer answer;
    size_t len = 0;
    char *json;
    int code;

    (void)buffer_put_string(&copy, params);
    code = rpc_ask_plain(rpc, method, &copy, &answer, error);
    if (code)
        return code;
    json = yyjson_val_write(answer.result, YYJSON_WRITE_NOFLAG, &len);
    code = json ? buffer_put(result, json, len) : ACESO_EMEMORY;
    if (code)
        code = error_set(error, code, NULL, "no room for the answer");
    free(json);
    rpc_done(rpc, &answer, code);
    return code;
}
