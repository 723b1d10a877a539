/* SPDX-License-Identifier: Apache-2.0 */
/* Gas and time of real transactions on a real chain: an anvil under London rules that makes a block
 * of each transaction at once, with the parties of the tests. Prints `bench NAME=VALUE UNIT`.
 *
 *     chain_bench gas             gas_used in the receipts of one life, with payloads of real size:
 *                                 7,680 bytes of headers, 200 of access string, 150 of grant.
 *     chain_bench chain [ROUNDS]  from the message's way into the outbox until the receipt is on
 *                                 the sender's disk: writing, gas estimate, signing, sending, and
 *                                 the looks for the receipt, one each 50 ms. No block time and no
 *                                 other validator is in it; the patient's signature is made before.
 *
 * gas.whitelist_add has no number here: no transaction opens a path and does nothing else. */
#include "chain/consortium.h"

#include "base/text.h"
#include "contracts_abi.h"
#include "crypto/ecdsa.h"
#include "crypto/keccak.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADERS_SIZE 7680
#define ACCESS_SIZE 200
#define GRANT_SIZE 150
#define ROUNDS_DEFAULT 40
#define ROUNDS_MAX 1000

static struct consortium consortium;
static uint8_t filler[HEADERS_SIZE]; /* no zero bytes, which would be cheaper */

static void gas(const char *name, struct party *party, const uint8_t *to, struct buffer *call)
{
    struct outbox_result result;

    consortium_send(&consortium, party, to, call, &result);
    printf("bench gas.%s=%" PRIu64 " gas\n", name, result.gas_used);
}

/* Sends as `party` what a call_ function has put into `call`. */
#define GAS(name, party, to, made)                                                                 \
    do {                                                                                           \
        assert_int_equal(made, ACESO_OK);                                                          \
        gas(name, &consortium.party, to, &call);                                                   \
    } while (0)

static uint64_t nonce_of(const uint8_t patient[20])
{
    uint64_t nonce = 0;

    assert_int_equal(amsc_nonce_of(&consortium.amsc, consortium.hospital_id, patient, &nonce,
                                   NULL), ACESO_OK);
    return nonce;
}

/* The message that makes the pair's HPSC; `hpsc` is where it will be. */
static void relate(const uint8_t secret[32], struct buffer *call, struct contract *hpsc)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium.deployment.amsc);
    struct amsc_relationship terms = { .hospital = consortium.hospital_id };
    struct bytes headers = bytes_of(filler, HEADERS_SIZE);
    uint8_t digest[32], signature[65], address[20];

    assert_int_equal(ecdsa_address(secret, terms.patient), ACESO_OK);
    memset(terms.policy_digest, 1, 32);
    for (uint8_t category = 1; category < AMSC_CATEGORIES; category++)
        amsc_levels_set(terms.levels, category, 3);
    memset(terms.patient_keys_digest, 2, 32);
    memset(terms.authority_keys_digest, 3, 32);
    keccak256(headers, terms.headers_digest);
    terms.nonce = nonce_of(terms.patient);
    terms.deadline = consortium_time(&consortium) + 3600;
    amsc_relationship_digest(&domain, &terms, digest);
    consortium_sign(secret, digest, signature);
    assert_int_equal(amsc_predict_relationship(&consortium.amsc, terms.hospital, terms.patient,
                                               address, NULL), ACESO_OK);
    *hpsc = contract_at(consortium.anvil.rpc, address);
    assert_int_equal(amsc_call_create_relationship(&terms, signature, headers, call, NULL), 0);
}

/* The next batch's message; `previous` becomes its root. */
static void anchor(const struct contract *hpsc, uint64_t number, uint8_t previous[32],
                   struct buffer *call)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, hpsc->address);
    struct hpsc_batch batch = { .number = number, .records = 1000, .leaves = 4000 };
    uint8_t digest[32], signature[65];

    memcpy(batch.previous_root, previous, 32);
    keccak256(bytes_of(&number, sizeof number), batch.root);
    hpsc_batch_digest(&domain, &batch, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    assert_int_equal(hpsc_call_anchor_batch(&batch, signature, call, NULL), ACESO_OK);
    memcpy(previous, batch.root, 32);
}

static struct arsc_ask ask_for(uint16_t number, uint8_t id[32])
{
    struct arsc_ask ask = { .hospital = consortium.hospital_id, .purpose = ARSC_PURPOSE_HRESCH,
                            .level = 3, .term = 30 * 86400, .number = number };

    memcpy(ask.patient, consortium.patient, 20);
    ask.deadline = consortium_time(&consortium) + 7 * 86400;
    arsc_request_id(consortium.institute.address, &ask, id);
    return ask;
}

/* Digests of attributes are sent with the first approval only: they stay. */
static void approve(const struct arsc_ask *ask, const uint8_t id[32], uint16_t database,
                    struct buffer *call)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium.deployment.arsc);
    struct arsc_opening opening = { .grant = bytes_of(filler, GRANT_SIZE),
                                    .sealed_access = bytes_of(filler, ACCESS_SIZE),
                                    .path = { database, 0x0a090002, 0x0a010005, 8443 } };
    struct arsc_approval approval = { .hospital = ask->hospital, .level = 3, .term = ask->term,
                                      .patient_epoch = 1 };
    uint8_t digest[32], signature[65];

    memset(opening.attributes_digest, ask->number == 1 ? 0xad : 0, 32);
    keccak256(bytes_of(id, 32), opening.access_digest);
    memcpy(approval.request, id, 32);
    memcpy(approval.patient, consortium.patient, 20);
    memcpy(approval.institute, consortium.institute.address, 20);
    keccak256(opening.grant, approval.grant_digest);
    approval.nonce = nonce_of(consortium.patient);
    approval.deadline = consortium_time(&consortium) + 600;
    arsc_approval_digest(&domain, &approval, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    assert_int_equal(arsc_call_approve(&approval, signature, &opening, call, NULL), ACESO_OK);
}

static int revoke(const uint8_t id[32], struct buffer *call)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium.deployment.arsc);
    uint8_t digest[32], signature[65];

    arsc_revocation_digest(&domain, id, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    return arsc_call_revoke(id, signature, call, NULL);
}

/* Three requests, three approvals (the third one of another database), and their ends. */
static void gas_of_consents(void)
{
    const uint8_t *arsc = consortium.deployment.arsc;
    struct buffer call = BUFFER_INIT(1 << 20);
    struct amsc_credential credential;
    uint8_t id[3][32], signature[65];
    struct arsc_ask ask[3];

    consortium_credential(&consortium, &credential, signature);
    for (uint16_t i = 0; i < 3; i++)
        ask[i] = ask_for((uint16_t)(i + 1), id[i]);
    GAS("request_first", institute, arsc,
        arsc_call_request(&ask[0], &credential, signature, &call, NULL));
    GAS("request_next", institute, arsc, arsc_call_request(&ask[1], NULL, NULL, &call, NULL));
    assert_int_equal(arsc_call_request(&ask[2], NULL, NULL, &call, NULL), ACESO_OK);
    consortium_send(&consortium, &consortium.institute, arsc, &call, NULL);
    approve(&ask[0], id[0], 1, &call);
    gas("approve_first", &consortium.hospital, arsc, &call); /* the hospital's first of all, too */
    approve(&ask[1], id[1], 1, &call);
    gas("approve_next", &consortium.hospital, arsc, &call);
    approve(&ask[2], id[2], 2, &call);
    gas("approve_next_database", &consortium.hospital, arsc, &call);
    GAS("whitelist_remove", hospital, consortium.deployment.amsc,
        amsc_call_remove_entry(consortium.hospital_id, consortium.institute.address, 2, &call,
                               NULL));
    GAS("revoke", hospital, arsc, revoke(id[0], &call));
    GAS("revoke_last", hospital, arsc, revoke(id[1], &call));
}

/* A new epoch of the hospital, then one of the patient. */
static void gas_of_epochs(const struct contract *hpsc)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, hpsc->address);
    struct hpsc_epoch next = { .patient_epoch = 2, .hospital_epoch = 2 };
    struct bytes headers = bytes_of(filler, HEADERS_SIZE);
    struct buffer call = BUFFER_INIT(1 << 20);
    uint8_t keys[32], digest[32], signature[65];
    struct hpsc_terms terms;

    memset(terms.policy_digest, 1, 32);
    memset(terms.patient_keys_digest, 2, 32);
    memset(terms.authority_keys_digest, 3, 32);
    keccak256(headers, terms.headers_digest);
    memset(keys, 4, 32);
    GAS("rotate", hospital, hpsc->address,
        hpsc_call_advance_switch(2, &terms, keys, terms.headers_digest, headers, &call, NULL));
    amsc_levels_set(next.levels, 3, 2);
    memset(&next.terms, 5, sizeof next.terms);
    memcpy(next.terms.headers_digest, terms.headers_digest, 32);
    next.nonce = nonce_of(consortium.patient);
    next.deadline = consortium_time(&consortium) + 600;
    hpsc_epoch_digest(&domain, &next, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    GAS("rotate_epoch", hospital, hpsc->address,
        hpsc_call_advance_epoch(&next, signature, headers, &call, NULL));
}

static void bench_gas(void)
{
    struct buffer call = BUFFER_INIT(1 << 20);
    uint8_t root[32] = { 0 };
    struct contract hpsc;

    relate(consortium.patient_secret, &call, &hpsc);
    gas("hpsc_create", &consortium.hospital, consortium.deployment.amsc, &call);
    anchor(&hpsc, 1, root, &call);
    gas("anchor_batch_first", &consortium.hospital, hpsc.address, &call);
    anchor(&hpsc, 2, root, &call);
    gas("anchor_batch", &consortium.hospital, hpsc.address, &call);
    gas_of_consents();
    gas_of_epochs(&hpsc);
}

static int64_t timed(const uint8_t *to, struct buffer *call)
{
    const int64_t start = time_monotonic_ms();

    consortium_send(&consortium, &consortium.hospital, to, call, NULL);
    return time_monotonic_ms() - start;
}

static int compare(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static void report(const char *name, int64_t *took, size_t rounds)
{
    qsort(took, rounds, sizeof *took, compare);
    printf("bench chain.%s.p50=%" PRId64 " ms\n", name, took[rounds / 2]);
    printf("bench chain.%s.p95=%" PRId64 " ms\n", name, took[rounds * 95 / 100]);
}

/* Create: a HPSC for a patient seen for the first time. Execute: a batch's root in one of them. */
static void bench_chain(size_t rounds)
{
    static int64_t created[ROUNDS_MAX], executed[ROUNDS_MAX];
    struct buffer call = BUFFER_INIT(1 << 20);
    uint8_t root[32] = { 0 };
    struct contract hpsc;

    for (size_t i = 0; i < rounds; i++) {
        uint8_t secret[32];
        struct contract made;

        keccak256(bytes_of(&i, sizeof i), secret);
        relate(secret, &call, &made);
        created[i] = timed(consortium.deployment.amsc, &call);
    }
    relate(consortium.patient_secret, &call, &hpsc);
    consortium_send(&consortium, &consortium.hospital, consortium.deployment.amsc, &call, NULL);
    for (size_t i = 0; i < rounds; i++) {
        anchor(&hpsc, i + 1, root, &call);
        executed[i] = timed(hpsc.address, &call);
    }
    report("create", created, rounds);
    report("execute", executed, rounds);
}

int main(int argc, char **argv)
{
    const bool chain = argc > 1 && strcmp(argv[1], "chain") == 0;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : ROUNDS_DEFAULT;

    if (argc < 2 || argc > 3 || (!chain && (argc > 2 || strcmp(argv[1], "gas") != 0)) ||
        rounds == 0 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: chain_bench gas | chain [ROUNDS]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof filler; i++)
        filler[i] = (uint8_t)(i % 255 + 1);
    consortium_start(&consortium, true);
    consortium_register(&consortium);
    if (chain)
        bench_chain(rounds);
    else
        bench_gas();
    consortium_stop(&consortium);
    return 0;
}
