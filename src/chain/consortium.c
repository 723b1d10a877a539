/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/consortium.h"

#include "base/text.h"
#include "chain/follower.h"
#include "crypto/ecdsa.h"
#include "crypto/keccak.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CONSORTIUM_PATIENCE_MS 30000

static const char consortium_schema[] =
    "CREATE TABLE seen (id INTEGER PRIMARY KEY, address BLOB NOT NULL, topic BLOB NOT NULL,"
    " block INTEGER NOT NULL, first INTEGER NOT NULL, settled INTEGER NOT NULL) STRICT;"
    "CREATE TABLE contract (address BLOB PRIMARY KEY) STRICT;";

static void consortium_open(struct consortium *consortium, struct party *party,
                            const struct outbox_settings *wanted)
{
    const char *const migrations[] = { outbox_schema, follower_schema, consortium_schema };
    struct outbox_settings settings = wanted ? *wanted : (struct outbox_settings){ .rpc = NULL };
    struct aceso_error error = { .code = ACESO_OK };

    if (store_open(party->path, migrations, 3, &party->store, &error) ||
        store_open(party->path, migrations, 3, &party->sender, &error))
        fail_msg("the database: %s", error.text);
    settings.store = party->sender;
    settings.rpc = consortium->anvil.rpc;
    settings.secret = party->secret;
    settings.chain_id = ANVIL_CHAIN_ID;
    assert_int_equal(outbox_open(&settings, &party->outbox, NULL), ACESO_OK);
}

static void consortium_close(struct party *party)
{
    outbox_close(party->outbox);
    store_close(party->sender);
    store_close(party->store);
}

void consortium_reopen(struct consortium *consortium, struct party *party,
                       const struct outbox_settings *settings)
{
    consortium_close(party);
    consortium_open(consortium, party, settings);
}

static void consortium_party(struct consortium *consortium, const char *name, struct party *party)
{
    (void)snprintf(party->path, sizeof party->path, "%s/%s.db", consortium->anvil.directory, name);
    keccak256(bytes_of_string(name), party->secret);
    assert_int_equal(ecdsa_address(party->secret, party->address), ACESO_OK);
    anvil_fund(&consortium->anvil, party->address);
    consortium_open(consortium, party, NULL);
}

void consortium_start(struct consortium *consortium, bool deploy)
{
    memset(consortium, 0, sizeof *consortium);
    anvil_start(&consortium->anvil);
    consortium_party(consortium, "ca", &consortium->ca);
    consortium_party(consortium, "hospital", &consortium->hospital);
    consortium_party(consortium, "institute", &consortium->institute);
    keccak256(bytes_of_string("patient"), consortium->patient_secret);
    assert_int_equal(ecdsa_address(consortium->patient_secret, consortium->patient), ACESO_OK);
    if (deploy)
        consortium_deploy(consortium);
}

static void consortium_remove(struct party *party)
{
    static const char *const endings[] = { "", "-wal", "-shm" };

    consortium_close(party);
    for (size_t i = 0; i < 3; i++) {
        char path[104];

        (void)snprintf(path, sizeof path, "%s%s", party->path, endings[i]);
        (void)unlink(path);
    }
}

void consortium_stop(struct consortium *consortium)
{
    consortium_remove(&consortium->ca);
    consortium_remove(&consortium->hospital);
    consortium_remove(&consortium->institute);
    anvil_stop(&consortium->anvil);
}

const char *consortium_add(struct consortium *consortium, struct party *party, const uint8_t *to,
                           struct buffer *data)
{
    static char keys[8][16];
    char *key = keys[consortium->adds % 8];
    const struct outbox_message message = { .to = to, .data = buffer_bytes(data) };
    struct aceso_error error = { .code = ACESO_OK };

    (void)snprintf(key, sizeof keys[0], "message-%d", consortium->adds++);
    if (outbox_add(party->store, key, &message, &error))
        fail_msg("outbox_add: %s", error.text);
    buffer_free(data);
    return key;
}

void consortium_send(struct consortium *consortium, struct party *party, const uint8_t *to,
                     struct buffer *data, struct outbox_result *result)
{
    const char *key = consortium_add(consortium, party, to, data);
    struct aceso_error error = { .code = ACESO_OK };
    struct outbox_result read;

    if (outbox_wait(party->outbox, key, CONSORTIUM_PATIENCE_MS, &read, &error))
        fail_msg("%s: %s", key, error.text);
    assert_true(read.in_block && read.settled);
    assert_int_equal(read.state, OUTBOX_MINED);
    if (result)
        *result = read;
}

void consortium_refused(struct consortium *consortium, struct party *party, const uint8_t *to,
                        struct buffer *data, const char *expected)
{
    const char *key = consortium_add(consortium, party, to, data);
    struct aceso_error error = { .code = ACESO_OK };
    struct outbox_result result;

    assert_int_equal(outbox_wait(party->outbox, key, CONSORTIUM_PATIENCE_MS, &result, &error),
                     ACESO_ECHAIN);
    if (!strstr(error.text, expected))
        fail_msg("%s instead of %s", error.text, expected);
}

void consortium_run(struct party *party, size_t pending)
{
    const int64_t end = time_monotonic_ms() + CONSORTIUM_PATIENCE_MS;
    struct aceso_error error = { .code = ACESO_OK };
    size_t left = 0;

    do {
        if (outbox_run(party->outbox, &left, &error))
            fail_msg("outbox_run: %s", error.text);
        if (time_monotonic_ms() > end)
            fail_msg("%zu messages are still not settled", left);
    } while (left != pending && poll(NULL, 0, 10) == 0);
}

void consortium_deploy(struct consortium *consortium)
{
    struct party *ca = &consortium->ca;
    struct deployment *plan = &consortium->deployment;
    uint64_t nonce = 0;

    assert_int_equal(rpc_nonce(consortium->anvil.rpc, ca->address, RPC_PENDING, &nonce, NULL), 0);
    deployment_plan(ca->address, nonce, plan);
    for (size_t i = 0; i < DEPLOYMENT_STEPS; i++) {
        struct buffer code = BUFFER_INIT(1 << 20);
        struct outbox_result result;
        uint8_t address[20];

        assert_int_equal(deployment_step(plan, ca->address, i, &code, address, NULL), ACESO_OK);
        consortium_send(consortium, ca, NULL, &code, &result);
        assert_memory_equal(result.contract, address, 20);
    }
    consortium->amsc = contract_at(consortium->anvil.rpc, plan->amsc);
    consortium->arsc = contract_at(consortium->anvil.rpc, plan->arsc);
}

void consortium_register(struct consortium *consortium)
{
    struct amsc_hospital hospital = { .label = "mercy", .url = "https://127.0.0.1:8443/" };
    struct buffer call = BUFFER_INIT(1 << 20);
    uint8_t digest[32];

    memcpy(hospital.key, consortium->hospital.address, 20);
    memset(hospital.seal_key, 0x5e, 32);
    memset(hospital.tls_key_digest, 0x71, 32);
    assert_int_equal(amsc_call_register_hospital(&hospital, &call, NULL), ACESO_OK);
    consortium_send(consortium, &consortium->ca, consortium->deployment.amsc, &call, NULL);
    assert_int_equal(amsc_hospital_of(&consortium->amsc, hospital.key, &consortium->hospital_id,
                                      NULL), ACESO_OK);
    memset(digest, 0xa7, sizeof digest);
    assert_int_equal(amsc_call_publish_keys(digest, &call, NULL), ACESO_OK);
    consortium_send(consortium, &consortium->hospital, consortium->deployment.amsc, &call, NULL);
}

void consortium_sign(const uint8_t secret[32], const uint8_t digest[32], uint8_t signature[65])
{
    assert_int_equal(ecdsa_sign(secret, digest, signature), ACESO_OK);
}

uint64_t consortium_time(struct consortium *consortium)
{
    struct rpc_block block;

    assert_int_equal(rpc_block(consortium->anvil.rpc, RPC_LATEST, &block, NULL), ACESO_OK);
    return block.time;
}

void consortium_relate(struct consortium *consortium, struct contract *hpsc)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium->deployment.amsc);
    struct amsc_relationship terms = { .hospital = consortium->hospital_id };
    static const uint8_t headers[] = "four headers";
    struct buffer call = BUFFER_INIT(1 << 20);
    uint8_t digest[32], signature[65], predicted[20], address[20];

    memcpy(terms.patient, consortium->patient, 20);
    memset(terms.policy_digest, 1, 32);
    amsc_levels_set(terms.levels, 3, 3);
    memset(terms.patient_keys_digest, 2, 32);
    memset(terms.authority_keys_digest, 3, 32);
    keccak256(bytes_of(headers, sizeof headers), terms.headers_digest);
    assert_int_equal(amsc_nonce_of(&consortium->amsc, terms.hospital, terms.patient, &terms.nonce,
                                   NULL), ACESO_OK);
    terms.deadline = consortium_time(consortium) + 3600;
    amsc_relationship_digest(&domain, &terms, digest);
    consortium_sign(consortium->patient_secret, digest, signature);
    assert_int_equal(amsc_predict_relationship(&consortium->amsc, terms.hospital, terms.patient,
                                               predicted, NULL), ACESO_OK);
    assert_int_equal(amsc_relationship(&consortium->amsc, terms.hospital, terms.patient, address,
                                       NULL), ACESO_ENOTFOUND);
    assert_int_equal(amsc_call_create_relationship(&terms, signature,
                                                   bytes_of(headers, sizeof headers), &call, NULL),
                     ACESO_OK);
    consortium_send(consortium, &consortium->hospital, consortium->deployment.amsc, &call, NULL);
    assert_int_equal(amsc_relationship(&consortium->amsc, terms.hospital, terms.patient, address,
                                       NULL), ACESO_OK);
    assert_memory_equal(address, predicted, 20);
    *hpsc = contract_at(consortium->anvil.rpc, address);
}

void consortium_credential(struct consortium *consortium, struct amsc_credential *credential,
                           uint8_t signature[65])
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium->deployment.amsc);
    uint8_t digest[32];

    memset(credential, 0, sizeof *credential);
    memcpy(credential->institute, consortium->institute.address, 20);
    credential->category = 3;
    memset(credential->seal_key, 0x5e, 32);
    memset(credential->tls_key_digest, 0x71, 32);
    credential->serial = 1;
    credential->expiry = consortium_time(consortium) + 86400;
    assert_int_equal(amsc_generation(&consortium->amsc, &credential->generation, NULL), ACESO_OK);
    amsc_credential_digest(&domain, credential, digest);
    consortium_sign(consortium->ca.secret, digest, signature);
}
