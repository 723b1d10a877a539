/* SPDX-License-Identifier: Apache-2.0 */
/* Signing: anchors each batch of sealed records that follows the last one on the chain. Uses
 * node. */
#include "base/text.h"
#include "chain/hpsc.h"
#include "patient/internal.h"

#include <stdio.h>
#include <string.h>

/* The signing of what waits at one hospital. */
struct signing {
    struct node *node;
    struct store *store;
    const struct membership *at;
    uint8_t contract[20];
};

static int signing_begin(struct signing *signing, struct aceso_error *error)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    int code = ledger_relationship(signing->store, signing->at->card.id, signing->at->address,
                                   &relationship, error);

    if (!code)
        memcpy(signing->contract, relationship.contract, 20);
    buffer_free(&relationship.headers);
    return code;
}

/* A batch must follow the last one that the chain has. One that is on the chain already, as it is
 * here, is `done`: the hospital's list may be a block behind. */
static int signing_check(const struct signing *signing, const struct hpsc_batch *batch,
                         bool *done, struct aceso_error *error)
{
    struct record_batch before = { .number = 0 };
    uint64_t last = 0;
    int code = ledger_batch_last(signing->store, signing->contract, &last, error);

    *done = !code && batch->number && batch->number <= last;
    if (!code && last)
        code = ledger_batch(signing->store, signing->contract, *done ? batch->number : last,
                            &before, error);
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

static int signing_one(const struct signing *signing, const yyjson_val *entry,
                       struct aceso_error *error)
{
    struct eip712_domain domain = node_domain(signing->node, signing->contract);
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
        code = signing_check(signing, &batch, &done, error);
    if (code || done)
        return code;
    hpsc_batch_digest(&domain, &batch, digest);
    code = account_sign(signing->at->account, digest, signature, error);
    json_open(&writer, NULL, '{');
    json_put_hex(&writer, "signature", signature, sizeof signature);
    json_close(&writer, '}');
    (void)snprintf(path, sizeof path, "/v1/batches/%llu/signature",
                   (unsigned long long)batch.number);
    if (!code)
        code = patient_call(signing->node, signing->at, "POST", path, buffer_bytes(&body), NULL,
                            error);
    while (!code && last < batch.number) {
        code = ledger_batch_last(signing->store, signing->contract, &last, error);
        if (!code && last < batch.number)
            code = patient_turn(signing->node, until, error);
    }
    buffer_free(&body);
    return code;
}

static int signing_all(struct signing *signing, size_t *signed_count, struct aceso_error *error)
{
    struct buffer answer = BUFFER_INIT(PATIENT_LIST_MAX);
    yyjson_doc *doc = NULL;
    yyjson_val *entry;
    size_t at, count;
    int code = signing_begin(signing, error);

    if (!code)
        code = patient_call(signing->node, signing->at, "GET", "/v1/batches", bytes_of(NULL, 0),
                            &answer, error);
    if (!code)
        code = json_parse(buffer_bytes(&answer), &doc, error);
    if (!code) {
        yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "batches"), at, count, entry)
        {
            code = signing_one(signing, entry, error);
            if (code)
                break;
            *signed_count += 1;
        }
    }
    yyjson_doc_free(doc);
    buffer_free(&answer);
    return code;
}

/* At each hospital on its own: that one is away, or not enrolled at yet, keeps nothing from being
 * signed at the others; the first failure is told after them. */
int patient_sign(struct operation *operation, struct buffer *result,
                 struct aceso_error *error)
{
    struct signing signing = { .node = operation->node };
    struct aceso_error first = { 0 };
    struct patient_choice choice = { .count = 0 };
    size_t count = 0;
    char message[96];
    int failed = ACESO_OK;
    int code = patient_choose(signing.node, operation->input, &choice, error);

    if (!code)
        code = node_store(signing.node, &signing.store, error);
    for (size_t i = 0; !code && i < choice.count; i++) {
        struct aceso_error here = { 0 };
        int ended;

        signing.at = choice.at[i];
        ended = signing_all(&signing, &count, &here);
        if (ended == ACESO_ENOTFOUND && choice.count > 1)
            continue; /* not enrolled there */
        if (ended && !failed) {
            failed = ended;
            first = here;
        }
    }
    store_close(signing.store);
    if (!code && failed && error)
        *error = first;
    (void)snprintf(message, sizeof message, "%zu batches signed and anchored", count);
    return code ? code : failed ? failed : patient_result(result, message);
}
