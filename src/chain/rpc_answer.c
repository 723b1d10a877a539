/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/rpc_answer.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static yyjson_val *rpc_member(const yyjson_val *object, const char *key)
{
    return yyjson_obj_get((yyjson_val *)(uintptr_t)object, key);
}

/* The digits of a "0x..." string, NULL for anything else. */
static const char *rpc_digits(const yyjson_val *value, size_t *len)
{
    const char *text = yyjson_get_str((yyjson_val *)(uintptr_t)value);

    if (!text || text[0] != '0' || text[1] != 'x')
        return NULL;
    *len = yyjson_get_len((yyjson_val *)(uintptr_t)value) - 2;
    return strlen(text) == *len + 2 ? text + 2 : NULL;
}

int rpc_answer_fixed(const yyjson_val *value, size_t len, void *out, struct aceso_error *error)
{
    size_t digits;
    const char *hex = rpc_digits(value, &digits);

    if (!hex || digits != 2 * len || text_unhex(hex - 2, out, len))
        return error_set(error, ACESO_EFORMAT, NULL, "not %zu bytes of hex", len);
    return ACESO_OK;
}

int rpc_answer_word(const yyjson_val *value, uint8_t out[32], struct aceso_error *error)
{
    char padded[2 * 32 + 1];
    size_t digits;
    const char *hex = rpc_digits(value, &digits);

    if (!hex || digits == 0 || digits > 2 * 32)
        return error_set(error, ACESO_EFORMAT, NULL, "not a number in hex");
    memset(padded, '0', sizeof padded);
    memcpy(padded + 2 * 32 - digits, hex, digits + 1);
    if (text_unhex(padded, out, 32))
        return error_set(error, ACESO_EFORMAT, NULL, "not a number in hex");
    return ACESO_OK;
}

int rpc_answer_u64(const yyjson_val *value, uint64_t *out, struct aceso_error *error)
{
    uint8_t word[32];
    uint64_t sum = 0;
    int code = rpc_answer_word(value, word, error);

    if (code)
        return code;
    for (size_t i = 0; i < 24; i++)
        if (word[i])
            return error_set(error, ACESO_EFORMAT, NULL, "a number beyond 64 bits");
    for (size_t i = 24; i < 32; i++)
        sum = sum << 8 | word[i];
    *out = sum;
    return ACESO_OK;
}

int rpc_answer_data(const yyjson_val *value, struct buffer *out, struct aceso_error *error)
{
    size_t digits, start = out->len;
    const char *hex = rpc_digits(value, &digits);
    int code = hex ? text_unhex_buffer(hex - 2, out) : ACESO_EFORMAT;

    if (!code)
        return ACESO_OK;
    out->len = start;
    return error_set(error, code, NULL, "not bytes in hex, or too many");
}

/* What a node says may go to a log or a screen: printable ASCII only. */
static void rpc_copy_message(const char *text, char out[RPC_MESSAGE_MAX])
{
    size_t len = 0;

    for (; text[len] && len < RPC_MESSAGE_MAX - 1; len++)
        out[len] = text[len] >= ' ' && text[len] <= '~' ? text[len] : '?';
    out[len] = '\0';
}

static int rpc_read_refusal(yyjson_val *refusal, struct rpc_answer *answer,
                            struct aceso_error *error)
{
    const yyjson_val *code = rpc_member(refusal, "code");
    const char *message = json_string_or(refusal, "message", "");

    if (!yyjson_is_obj(refusal) || !yyjson_is_int((yyjson_val *)(uintptr_t)code))
        return error_set(error, ACESO_EFORMAT, "error", "not an error object");
    answer->code = yyjson_get_sint((yyjson_val *)(uintptr_t)code);
    rpc_copy_message(message, answer->message);
    /* Not every node says what a call returned; one that says it oddly is as one that does not. */
    if (rpc_answer_data(rpc_member(refusal, "data"), &answer->revert, NULL))
        buffer_clear(&answer->revert);
    return ACESO_OK;
}

int rpc_answer_read(struct bytes text, uint64_t id, struct rpc_answer *answer,
                    struct aceso_error *error)
{
    struct rpc_answer read = { .revert = BUFFER_INIT(RPC_REVERT_MAX) };
    yyjson_val *root, *refusal;
    uint64_t got = 0;
    int code = json_parse(text, &read.doc, error);

    if (code)
        return code;
    root = yyjson_doc_get_root(read.doc);
    refusal = rpc_member(root, "error");
    read.result = rpc_member(root, "result");
    code = json_u64(root, "id", UINT64_MAX, &got, error);
    if (!code && got != id)
        code = error_set(error, ACESO_EFORMAT, "id", "the answer to another question");
    if (!code && strcmp(json_string_or(root, "jsonrpc", ""), "2.0") != 0)
        code = error_set(error, ACESO_EFORMAT, "jsonrpc", "not version 2.0");
    if (!code && refusal && !yyjson_is_null(refusal)) {
        read.result = NULL;
        code = rpc_read_refusal(refusal, &read, error);
    } else if (!code && !read.result) {
        code = error_set(error, ACESO_EFORMAT, NULL, "neither a result nor an error");
    }
    if (code)
        rpc_answer_free(&read);
    else
        *answer = read;
    return code;
}

void rpc_answer_free(struct rpc_answer *answer)
{
    yyjson_doc_free(answer->doc);
    answer->doc = NULL;
    answer->result = NULL;
    buffer_free(&answer->revert);
}

static int rpc_member_u64(const yyjson_val *object, const char *key, uint64_t *out,
                          struct aceso_error *error)
{
    int code = rpc_answer_u64(rpc_member(object, key), out, error);

    return code ? error_at(error, code, key) : code;
}

static int rpc_member_fixed(const yyjson_val *object, const char *key, size_t len, void *out,
                            struct aceso_error *error)
{
    int code = rpc_answer_fixed(rpc_member(object, key), len, out, error);

    return code ? error_at(error, code, key) : code;
}

int rpc_answer_block(const yyjson_val *value, struct rpc_block *block, struct aceso_error *error)
{
    struct rpc_block read = { .number = 0 };
    const yyjson_val *fee = rpc_member(value, "baseFeePerGas");
    int code = rpc_member_u64(value, "number", &read.number, error);

    if (!code)
        code = rpc_member_fixed(value, "hash", 32, read.hash, error);
    if (!code)
        code = rpc_member_fixed(value, "parentHash", 32, read.parent, error);
    if (!code)
        code = rpc_member_u64(value, "timestamp", &read.time, error);
    read.has_base_fee = fee && !yyjson_is_null((yyjson_val *)(uintptr_t)fee);
    if (!code && read.has_base_fee)
        code = rpc_member_u64(value, "baseFeePerGas", &read.base_fee, error);
    if (!code)
        *block = read;
    return code;
}

static int rpc_read_created(const yyjson_val *value, struct rpc_receipt *receipt,
                            struct aceso_error *error)
{
    const yyjson_val *created = rpc_member(value, "contractAddress");

    receipt->created = created && !yyjson_is_null((yyjson_val *)(uintptr_t)created);
    if (!receipt->created)
        return ACESO_OK;
    return rpc_member_fixed(value, "contractAddress", 20, receipt->contract, error);
}

int rpc_answer_receipt(const yyjson_val *value, const uint8_t transaction[32],
                       struct rpc_receipt *receipt, struct aceso_error *error)
{
    struct rpc_receipt read = { .block = 0 };
    uint64_t status = 0;
    int code = rpc_member_fixed(value, "transactionHash", 32, read.transaction, error);

    if (!code && memcmp(read.transaction, transaction, 32) != 0)
        code = error_set(error, ACESO_EFORMAT, "transactionHash", "another transaction's receipt");
    if (!code)
        code = rpc_member_fixed(value, "blockHash", 32, read.block_hash, error);
    if (!code)
        code = rpc_member_u64(value, "blockNumber", &read.block, error);
    if (!code)
        code = rpc_member_u64(value, "gasUsed", &read.gas_used, error);
    if (!code)
        code = rpc_member_u64(value, "status", &status, error);
    if (!code && status > 1)
        code = error_set(error, ACESO_EFORMAT, "status", "neither 0 nor 1");
    if (!code)
        code = rpc_read_created(value, &read, error);
    if (!code && rpc_member(value, "effectiveGasPrice"))
        code = rpc_member_u64(value, "effectiveGasPrice", &read.gas_price, error);
    read.success = status == 1;
    if (!code)
        *receipt = read;
    return code;
}

static int rpc_read_topics(yyjson_val *topics, struct rpc_log *log, struct aceso_error *error)
{
    int code = ACESO_OK;

    if (!yyjson_is_arr(topics) || yyjson_arr_size(topics) > RPC_TOPICS_MAX)
        return error_set(error, ACESO_EFORMAT, "topics", "not a list of at most %d",
                         RPC_TOPICS_MAX);
    log->topics = yyjson_arr_size(topics);
    for (size_t i = 0; i < log->topics && !code; i++)
        code = rpc_answer_fixed(yyjson_arr_get(topics, i), 32, log->topic[i], error);
    return code ? error_at(error, code, "topics") : code;
}

/* `data` grows while logs are read, so a log's slice keeps its offset until all are there. */
static int rpc_read_log(const yyjson_val *value, struct rpc_log *log, struct buffer *data,
                        struct aceso_error *error)
{
    const yyjson_val *removed = rpc_member(value, "removed");
    size_t start = data->len;
    int code = rpc_member_fixed(value, "address", 20, log->address, error);

    if (!code)
        code = rpc_read_topics(rpc_member(value, "topics"), log, error);
    if (!code) {
        code = rpc_answer_data(rpc_member(value, "data"), data, error);
        log->data = bytes_of(NULL, data->len - start);
        code = code ? error_at(error, code, "data") : code;
    }
    if (!code)
        code = rpc_member_u64(value, "blockNumber", &log->block, error);
    if (!code)
        code = rpc_member_fixed(value, "blockHash", 32, log->block_hash, error);
    if (!code)
        code = rpc_member_fixed(value, "transactionHash", 32, log->transaction, error);
    if (!code)
        code = rpc_member_u64(value, "logIndex", &log->index, error);
    if (!code && yyjson_is_true((yyjson_val *)(uintptr_t)removed))
        code = error_set(error, ACESO_EFORMAT, "removed", "a log that is no more");
    return code;
}

static bool rpc_in_list(const uint8_t *item, const uint8_t *list, size_t count, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(item, list + i * len, len) == 0)
            return true;
    return count == 0;
}

/* Whether `log` answers the question and stands behind `before` (may be NULL). */
static bool rpc_log_expected(const struct rpc_log *log, const struct rpc_log *before,
                             const struct rpc_log_filter *filter)
{
    if (log->block < filter->from || log->block > filter->to)
        return false;
    if (filter->topics && (log->topics == 0 || !rpc_in_list(log->topic[0], filter->topic0[0],
                                                            filter->topics, 32)))
        return false;
    if (filter->addresses && !rpc_in_list(log->address, filter->address[0], filter->addresses, 20))
        return false;
    if (!before || log->block > before->block)
        return true;
    return log->block == before->block && log->index > before->index &&
           memcmp(log->block_hash, before->block_hash, 32) == 0;
}

static int rpc_read_logs(yyjson_val *list, const struct rpc_log_filter *filter,
                         struct rpc_logs *logs, struct aceso_error *error)
{
    yyjson_arr_iter items = yyjson_arr_iter_with(list);
    yyjson_val *item;
    size_t offset = 0;

    while ((item = yyjson_arr_iter_next(&items))) {
        struct rpc_log *log = &logs->log[logs->count];
        int code = rpc_read_log(item, log, &logs->data, error);

        if (code)
            return code;
        if (!rpc_log_expected(log, logs->count ? log - 1 : NULL, filter))
            return error_set(error, ACESO_EFORMAT, "logs", "a log that was not asked for, or out "
                                                           "of order");
        logs->count++;
    }
    for (size_t i = 0; i < logs->count; i++) {
        struct bytes *data = &logs->log[i].data;

        data->data = data->len ? logs->data.data + offset : NULL;
        offset += data->len;
    }
    return ACESO_OK;
}

int rpc_answer_logs(const yyjson_val *value, const struct rpc_log_filter *filter,
                    struct rpc_logs *logs, struct aceso_error *error)
{
    struct rpc_logs read = { .data = BUFFER_INIT(BUFFER_MAX_DEFAULT) };
    yyjson_val *list = (yyjson_val *)(uintptr_t)value;
    int code;

    if (!yyjson_is_arr(list))
        return error_set(error, ACESO_EFORMAT, "logs", "not a list");
    if (yyjson_arr_size(list) > RPC_LOGS_MAX)
        return error_set(error, ACESO_ELIMIT, "logs", "more than %d", RPC_LOGS_MAX);
    read.log = calloc(yyjson_arr_size(list) + 1, sizeof *read.log);
    if (!read.log)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for logs");
    code = rpc_read_logs(list, filter, &read, error);
    if (code)
        rpc_logs_free(&read);
    else
        *logs = read;
    return code;
}

void rpc_logs_free(struct rpc_logs *logs)
{
    free(logs->log);
    logs->log = NULL;
    logs->count = 0;
    buffer_free(&logs->data);
}
