/* SPDX-License-Identifier: Apache-2.0 */
/* Signing: anchors each batch of sealed records that follows the last one on the chain. Uses
 * node. */
#include "base/text.h"
#include "chain/hpsc.h"
#include "patient/internal.h"

#include <stdio.h>
#include <string.h>

static int patient_own_contract(struct node *node, struct store *store, uint8_t contract[20],
                                struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    int code = ledger_relationship(store, node->config.hospital.id, node->config.address,
                                   &relationship, error);

    if (!code)
        memcpy(contract, relationship.contract, 20);
    buffer_free(&relationship.headers);
    return code;
}

/* A batch must follow the last one that the chain has. One that is on the chain already, as it is
 * here, is `done`: the hospital's list may be a block behind. */
static int signing_check(struct store *store, const uint8_t contract[20],
                         const struct hpsc_batch *batch, bool *done, struct aceso_error *error)
{
    struct record_batch before = { .number = 0 };
    uint64_t last = 0;
    int code = ledger_batch_last(store, contract, &last, error);

    *done = !code && batch->number && batch->number <= last;
    if (!code && last)
        code = ledger_batch(store, contract, *done ? batch->number : last, &before, error);
    if (!code && *done && memcmp(batch->root, before.root, 32) != 0)
        code = error_set(error, ACESO_EVERIFY, "batch", "another one is on the chain");
    if (!code && !*done &&
        (batch->number != last + 1 || batch->leaves != 4 * (uint64_t)batch->records ||
         memcmp(batch->previous_root, before.root, 32) != 0))
        code = error_set(error, ACESO_EVERIFY, "batch", "it does not follow the last one");
    return code;
}

static int signing_entry(const yyjson_val *entry, struct hpsc_batch *batch,
                         struct aceso_error *error)
{
    uint64_t records = 0, leaves = 0;
    int code = json_u64(entry, "number", INT64_MAX, &batch->number, error);

    if (!code)
        code = json_hex(entry, "previous_root", batch->previous_root, 32, error);
    if (!code)
        code = json_hex(entry, "root", batch->root, 32, error);
    if (!code)
        code = json_u64(entry, "records", RECORD_BATCH_MAX, &records, error);
    if (!code)
        code = json_u64(entry, "leaves", UINT32_MAX, &leaves, error);
    batch->records = (uint32_t)records;
    batch->leaves = (uint32_t)leaves;
    return code;
}

static int signing_one(struct node *node, struct store *store, const uint8_t contract[20],
                       const yyjson_val *entry, struct aceso_error *error)
{
    struct eip712_domain domain = node_domain(node, contract);
    struct buffer body = BUFFER_INIT(4096);
    struct json_writer writer = json_writer_of(&body);
    int64_t until = time_monotonic_ms() + PATIENT_WAIT_MS;
    struct hpsc_batch batch = { .number = 0 };
    uint8_t digest[32], signature[65];
    uint64_t last = 0;
    char path[96];
    bool done = false;
    int code = signing_entry(entry, &batch, error);

    if (!code)
        code = signing_check(store, contract, &batch, &done, error);
    if (code || done)
        return code;
    hpsc_batch_digest(&domain, &batch, digest);
    code = keys_sign(node->keys, digest, signature, error);
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "signature", signature, sizeof signature);
    json_close(&writer, '}');
    (void)snprintf(path, sizeof path, "/v1/batches/%llu/signature",
                   (unsigned long long)batch.number);
    if (!code)
        code = patient_call(node, "POST", path, buffer_bytes(&body), NULL, error);
    while (!code && last < batch.number) {
        code = ledger_batch_last(store, contract, &last, error);
        if (!code && last < batch.number)
            code = patient_turn(node, until, error);
    }
    buffer_free(&body);
    return code;
}

int patient_sign(struct operation *operation, struct buffer *result,
                 struct aceso_error *error)
{
    struct node *node = operation->node;
    struct buffer answer = BUFFER_INIT(PATIENT_LIST_MAX);
    struct store *store = NULL;
    uint8_t contract[20];
    yyjson_doc *doc = NULL;
    yyjson_val *entry;
    size_t at, count = 0;
    char message[96];
    int code = node_store(node, &store, error);

    if (!code)
        code = patient_own_contract(node, store, contract, error);
    if (!code)
        code = patient_call(node, "GET", "/v1/batches", bytes_of(NULL, 0), &answer, error);
    if (!code)
        code = json_parse(buffer_bytes(&answer), &doc, error);
    if (!code) {
        yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "batches"), at, count, entry)
        {
            code = signing_one(node, store, contract, entry, error);
            if (code)
                break;
        }
    }
    (void)snprintf(message, sizeof message, "%zu batches signed and anchored", count);
    if (!code)
        code = patient_result(result, message);
    yyjson_doc_free(doc);
    store_close(store);
    buffer_free(&answer);
    return code;
}
