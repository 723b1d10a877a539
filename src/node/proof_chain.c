/* SPDX-License-Identifier: Apache-2.0 */
#include "node/proof_chain.h"

#include "chain/hpsc.h"
#include "contracts_abi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct proof_chain {
    struct rpc *rpc;
    uint64_t id;
    struct contract amsc; /* pinned: all is asked of one block */
    uint64_t first_block;
    struct proof_chain_relationship *relationships;
    size_t count;
};

int proof_chain_open(struct rpc *rpc, const uint8_t consortium[20], uint64_t first_block,
                     struct proof_chain **out, struct aceso_error *error)
{
    struct proof_chain *chain = calloc(1, sizeof *chain);
    struct contract newest = contract_at(rpc, consortium);
    uint8_t owner[20];
    int code;

    if (!chain)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    chain->rpc = rpc;
    chain->first_block = first_block;
    chain->relationships = calloc(PROOF_FILE_RELATIONSHIPS_MAX, sizeof *chain->relationships);
    code = chain->relationships ? rpc_chain_id(rpc, &chain->id, error)
                                : error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    if (!code)
        code = contract_pin(&newest, &chain->amsc, error);
    if (!code) {
        code = amsc_owner(&chain->amsc, owner, error);
        if (code)
            (void)error_wrap(error, code, "the consortium");
    }
    if (code)
        proof_chain_close(chain);
    else
        *out = chain;
    return code;
}

void proof_chain_close(struct proof_chain *chain)
{
    if (!chain)
        return;
    for (size_t i = 0; i < chain->count; i++)
        free(chain->relationships[i].batches);
    free(chain->relationships);
    free(chain);
}

uint64_t proof_chain_id(const struct proof_chain *chain)
{
    return chain->id;
}

const struct proof_chain_relationship *proof_chain_at(const struct proof_chain *chain, size_t at)
{
    return at < chain->count ? &chain->relationships[at] : NULL;
}

/* Calls `each` with every event of one kind of `contract` so far. A node that finds a range too
 * much is asked for half of it. */
static int chain_events(const struct proof_chain *chain, const uint8_t contract[20],
                        const uint8_t topic[32],
                        int (*each)(void *data, const struct rpc_log *log,
                                    struct aceso_error *error),
                        void *data, struct aceso_error *error)
{
    struct rpc_log_filter filter = { .from = chain->first_block,
                                     .topic0 = (const uint8_t (*)[32])topic, .topics = 1,
                                     .address = (const uint8_t (*)[20])contract, .addresses = 1 };
    uint64_t range = UINT64_MAX;
    int code = ACESO_OK;

    while (!code && filter.from <= chain->amsc.block) {
        uint64_t left = chain->amsc.block - filter.from;
        struct rpc_logs logs = { .log = NULL };

        filter.to = filter.from + (left < range ? left : range - 1);
        code = rpc_logs(chain->rpc, &filter, &logs, error);
        if (code == ACESO_ELIMIT && filter.to > filter.from) {
            range = (filter.to - filter.from + 1) / 2;
            code = ACESO_OK;
            continue;
        }
        for (size_t i = 0; i < logs.count && !code; i++)
            code = each(data, &logs.log[i], error);
        rpc_logs_free(&logs);
        filter.from = filter.to + 1;
    }
    return code;
}

struct registration {
    uint32_t id;
    bool found;
    uint8_t address[20];
};

static int chain_take_registration(void *data, const struct rpc_log *log,
                                   struct aceso_error *error)
{
    struct registration *registration = data;
    struct amsc_event event;
    int code = amsc_event_read(log, &event, error);

    if (!code && event.id == registration->id) {
        registration->found = true;
        memcpy(registration->address, event.hospital.key, 20);
    }
    return code;
}

/* The hospital's label, and that it first registered under the address that parts are bound to. */
static int chain_hospital(const struct proof_chain *chain,
                          struct proof_chain_relationship *relationship,
                          struct aceso_error *error)
{
    static const uint8_t topic[32] = AMSC_HOSPITAL_REGISTERED_TOPIC;
    struct registration registration = { .id = relationship->proof.hospital };
    struct amsc_hospital hospital;
    int code = amsc_hospital(&chain->amsc, relationship->proof.hospital, &hospital, error);

    if (code == ACESO_ECHAIN)
        return error_set(error, ACESO_EVERIFY, "proof", "the consortium has no such hospital");
    if (!code)
        code = chain_events(chain, chain->amsc.address, topic, chain_take_registration,
                            &registration, error);
    if (!code && (!registration.found ||
                  memcmp(registration.address, relationship->proof.context.hospital, 20) != 0))
        code = error_set(error, ACESO_EVERIFY, "proof",
                         "the consortium knows this hospital under another address");
    if (!code)
        (void)snprintf(relationship->label, sizeof relationship->label, "%s", hospital.label);
    return code;
}

static int chain_take_batch(void *data, const struct rpc_log *log, struct aceso_error *error)
{
    struct proof_chain_relationship *relationship = data;
    struct proof_chain_batch *batches;
    struct hpsc_event event;
    size_t count = relationship->batch_count;
    int code = hpsc_event_read(log, &event, error);

    if (code)
        return code;
    if (event.batch.number != count + 1)
        return error_set(error, ACESO_EFORMAT, NULL, "the chain's node leaves batches out");
    batches = realloc(relationship->batches, (count + 1) * sizeof *batches);
    if (!batches)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    relationship->batches = batches;
    relationship->batch_count++;
    batches[count] = (struct proof_chain_batch){
        .batch = { .number = event.batch.number, .records = event.batch.records,
                   .leaves = event.batch.leaves },
        .block = log->block,
    };
    memcpy(batches[count].batch.root, event.batch.root, 32);
    memcpy(batches[count].batch.previous_root, event.batch.previous_root, 32);
    return ACESO_OK;
}

int proof_chain_relationship(void *data, const struct proof_relationship *proof,
                             struct aceso_error *error)
{
    static const uint8_t topic[32] = HPSC_BATCH_ANCHORED_TOPIC;
    struct proof_chain *chain = data;
    struct proof_chain_relationship *relationship = &chain->relationships[chain->count];
    uint8_t contract[20];
    int code;

    if (chain->count >= PROOF_FILE_RELATIONSHIPS_MAX)
        return error_set(error, ACESO_ELIMIT, "proof", "too many relationships");
    if (proof->context.chain_id != chain->id)
        return error_set(error, ACESO_EVERIFY, "proof", "it is of chain %llu, this is chain %llu",
                         (unsigned long long)proof->context.chain_id,
                         (unsigned long long)chain->id);
    if (memcmp(proof->consortium, chain->amsc.address, 20) != 0)
        return error_set(error, ACESO_EVERIFY, "proof", "it is of another consortium");
    chain->count++; /* from here on it is freed with the chain */
    relationship->proof = *proof;
    code = chain_hospital(chain, relationship, error);
    if (code)
        return code;
    code = amsc_relationship(&chain->amsc, proof->hospital, proof->context.patient, contract,
                             error);
    if (code == ACESO_ENOTFOUND)
        return error_set(error, ACESO_EVERIFY, "proof", "the hospital has no such patient");
    if (!code && memcmp(contract, proof->context.contract, 20) != 0)
        code = error_set(error, ACESO_EVERIFY, "proof",
                         "hospital and patient have another contract");
    return code ? code
                : chain_events(chain, contract, topic, chain_take_batch, relationship, error);
}

static bool chain_same_batch(const struct record_batch *a, const struct record_batch *b)
{
    return a->number == b->number && a->records == b->records && a->leaves == b->leaves &&
           memcmp(a->root, b->root, 32) == 0 && memcmp(a->previous_root, b->previous_root, 32) == 0;
}

/* EIP-712, for the domain of the pair's own contract. */
static int chain_signature(const struct proof_relationship *relationship,
                           const struct proof_batch *proof, struct aceso_error *error)
{
    const struct eip712_domain domain = contract_domain(relationship->context.chain_id,
                                                        relationship->context.contract);
    struct hpsc_batch message = { .number = proof->batch.number, .records = proof->batch.records,
                                  .leaves = proof->batch.leaves };
    uint8_t digest[32];

    memcpy(message.root, proof->batch.root, 32);
    memcpy(message.previous_root, proof->batch.previous_root, 32);
    hpsc_batch_digest(&domain, &message, digest);
    if (eip712_verify(digest, proof->signature, relationship->context.patient, NULL))
        return error_set(error, ACESO_EVERIFY, NULL, "the signature is not the patient's");
    return ACESO_OK;
}

int proof_chain_batch(void *data, const struct proof_relationship *relationship,
                      const struct proof_batch *proof, struct aceso_error *error)
{
    struct proof_chain *chain = data;
    struct proof_chain_relationship *known = &chain->relationships[proof->relationship];
    struct proof_chain_batch *batch;
    struct rpc_block block;
    int code;

    if (proof->batch.number > known->batch_count)
        return error_set(error, ACESO_EVERIFY, NULL, "the chain has no such batch");
    batch = &known->batches[proof->batch.number - 1];
    if (!chain_same_batch(&batch->batch, &proof->batch))
        return error_set(error, ACESO_EVERIFY, NULL, "not as the chain has it");
    code = chain_signature(relationship, proof, error);
    if (!code)
        code = rpc_block(chain->rpc, batch->block, &block, error);
    if (!code)
        batch->time = (int64_t)block.time;
    return code;
}
