/* SPDX-License-Identifier: Apache-2.0 */
/* The whole life of a consent on a real chain, through every binding that the roles use; and a
 * chain that is killed in the middle of it. */
#include "chain/consortium.h"

#include "contracts_abi.h"
#include "crypto/keccak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct consortium consortium;

static int start(void **state)
{
    (void)state;
    consortium_start(&consortium, true);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    consortium_stop(&consortium);
    return 0;
}

/* Sends what `call` holds (a call_ function must have filled it) as `party`. */
#define SEND(party, to, made)                                                                      \
    do {                                                                                           \
        assert_int_equal(made, ACESO_OK);                                                          \
        consortium_send(&consortium, &consortium.party, to, &call, NULL);                          \
    } while (0)

#define REFUSED(party, to, made, error)                                                            \
    do {                                                                                           \
        assert_int_equal(made, ACESO_OK);                                                          \
        consortium_refused(&consortium, &consortium.party, to, &call, error);                      \
    } while (0)

static struct buffer call = BUFFER_INIT(1 << 20);

static void check_hospital(void)
{
    struct amsc_hospital hospital;
    uint8_t owner[20], digest[32];
    uint32_t id = 0, count = 0;

    assert_int_equal(amsc_hospital(&consortium.amsc, consortium.hospital_id, &hospital, NULL), 0);
    assert_string_equal(hospital.label, "mercy");
    assert_string_equal(hospital.url, "https://127.0.0.1:8443/");
    assert_memory_equal(hospital.key, consortium.hospital.address, 20);
    assert_false(hospital.suspended);
    memset(digest, 0xa7, sizeof digest);
    assert_memory_equal(hospital.authority_keys_digest, digest, 32);
    assert_int_equal(amsc_by_label(&consortium.amsc, "mercy", &id, NULL), 0);
    assert_int_equal(id, consortium.hospital_id);
    assert_int_equal(amsc_by_label(&consortium.amsc, "nobody", &id, NULL), ACESO_ENOTFOUND);
    assert_int_equal(amsc_hospital_count(&consortium.amsc, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(amsc_owner(&consortium.amsc, owner, NULL), 0);
    assert_memory_equal(owner, consortium.ca.address, 20);
    assert_int_equal(amsc_hospital(&consortium.amsc, 77, &hospital, NULL), ACESO_ECHAIN);
}

static void check_relationship(const struct contract *hpsc)
{
    struct hpsc_terms terms;
    struct hpsc_state read;
    uint8_t digest[32], level = 0;

    memset(terms.policy_digest, 1, 32);
    memset(terms.patient_keys_digest, 2, 32);
    memset(terms.authority_keys_digest, 3, 32);
    keccak256(bytes_of("four headers", 13), terms.headers_digest);
    hpsc_terms_digest(&terms, digest);
    assert_int_equal(hpsc_state(hpsc, &read, NULL), ACESO_OK);
    assert_int_equal(read.hospital, consortium.hospital_id);
    assert_memory_equal(read.patient, consortium.patient, 20);
    assert_int_equal(read.patient_epoch, 1);
    assert_int_equal(read.hospital_epoch, 1);
    assert_memory_equal(read.terms_digest, digest, 32);
    assert_int_equal(amsc_levels_get(read.levels, 3), 3);
    assert_int_equal(read.batch, 0);
    assert_int_equal(hpsc_level_for(hpsc, consortium.institute.address, 3, &level, NULL), 0);
    assert_int_equal(level, 3);
    assert_int_equal(hpsc_override_of(hpsc, consortium.institute.address, &level, NULL), 0);
    assert_int_equal(level, HPSC_OVERRIDE_NONE);
}

static void anchor(const struct contract *hpsc)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, hpsc->address);
    struct hpsc_batch batch = { .number = 1, .records = 10, .leaves = 40 };
    uint8_t digest[32], signature[65], root[32];
    uint64_t number = 0;

    memset(batch.root, 0xb0, 32);
    hpsc_batch_digest(&domain, &batch, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    signature[40] ^= 1;
    REFUSED(hospital, hpsc->address, hpsc_call_anchor_batch(&batch, signature, &call, NULL),
            "HospitalPatientBadSignature");
    signature[40] ^= 1;
    SEND(hospital, hpsc->address, hpsc_call_anchor_batch(&batch, signature, &call, NULL));
    assert_int_equal(hpsc_last_batch(hpsc, &number, root, NULL), ACESO_OK);
    assert_int_equal(number, 1);
    assert_memory_equal(root, batch.root, 32);
}

static struct arsc_ask ask_for(uint16_t number)
{
    struct arsc_ask ask = { .hospital = consortium.hospital_id, .purpose = ARSC_PURPOSE_HRESCH,
                            .level = 3, .term = 7200, .number = number };

    memcpy(ask.patient, consortium.patient, 20);
    ask.deadline = consortium_time(&consortium) + 3600;
    return ask;
}

/* The institute asks; the request's id is the one it knew beforehand. */
static void request(const struct arsc_ask *ask, uint8_t id[32])
{
    struct amsc_credential credential;
    struct arsc_request made;
    uint8_t signature[65];

    consortium_credential(&consortium, &credential, signature);
    arsc_request_id(consortium.institute.address, ask, id);
    assert_int_equal(arsc_request_of(&consortium.arsc, id, &made, NULL), ACESO_ENOTFOUND);
    if (ask->number == 1) {
        assert_int_equal(amsc_check_credential(&consortium.amsc, &credential, signature, NULL), 0);
        signature[3] ^= 1;
        assert_int_equal(amsc_check_credential(&consortium.amsc, &credential, signature, NULL),
                         ACESO_ECHAIN);
        REFUSED(institute, consortium.deployment.arsc,
                arsc_call_request(ask, &credential, signature, &call, NULL),
                "AddressMappingBadCredentialSignature");
        signature[3] ^= 1;
        SEND(institute, consortium.deployment.arsc,
             arsc_call_request(ask, &credential, signature, &call, NULL));
    } else {
        SEND(institute, consortium.deployment.arsc,
             arsc_call_request(ask, NULL, NULL, &call, NULL));
    }
    assert_int_equal(arsc_request_of(&consortium.arsc, id, &made, NULL), ACESO_OK);
    assert_int_equal(made.status, ARSC_STATUS_OPEN);
    assert_int_equal(made.hospital, ask->hospital);
    assert_memory_equal(made.patient, ask->patient, 20);
    assert_memory_equal(made.institute, consortium.institute.address, 20);
    assert_int_equal(made.purpose, ask->purpose);
    assert_int_equal(made.level, ask->level);
    assert_int_equal(made.term, ask->term);
    assert_int_equal(made.deadline, ask->deadline);
}

static struct arsc_opening opening_with(uint8_t access)
{
    struct arsc_opening opening = { .grant = bytes_of("the sealed grant", 16),
                                    .sealed_access = bytes_of("the sealed access string", 24),
                                    .path = { 1, 0x0a080002, 0x7f000001, 5433 } };

    memset(opening.attributes_digest, 0xad, 32);
    memset(opening.access_digest, access, 32);
    return opening;
}

static void approve(const struct arsc_ask *ask, const uint8_t id[32], uint8_t access,
                    uint32_t epoch)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium.deployment.arsc);
    struct arsc_opening opening = opening_with(access);
    struct arsc_approval approval = { .hospital = ask->hospital, .level = 2, .term = 3600,
                                      .patient_epoch = epoch };
    uint8_t digest[32], signature[65];

    memcpy(approval.request, id, 32);
    memcpy(approval.patient, consortium.patient, 20);
    memcpy(approval.institute, consortium.institute.address, 20);
    keccak256(opening.grant, approval.grant_digest);
    assert_int_equal(amsc_nonce_of(&consortium.amsc, ask->hospital, ask->patient, &approval.nonce,
                                   NULL), ACESO_OK);
    approval.deadline = consortium_time(&consortium) + 600;
    arsc_approval_digest(&domain, &approval, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    REFUSED(institute, consortium.deployment.arsc,
            arsc_call_approve(&approval, signature, &opening, &call, NULL), "NotHospital");
    SEND(hospital, consortium.deployment.arsc,
         arsc_call_approve(&approval, signature, &opening, &call, NULL));
}

static void check_path(bool open)
{
    struct amsc_entry_sum sum;
    struct amsc_entry entry;
    bool read = !open;

    assert_int_equal(amsc_is_open(&consortium.amsc, consortium.hospital_id,
                                  consortium.institute.address, 1, &read, NULL), ACESO_OK);
    assert_int_equal(read, open);
    assert_int_equal(amsc_entry(&consortium.amsc, consortium.hospital_id,
                                consortium.institute.address, 1, &entry, NULL), ACESO_OK);
    assert_int_equal(entry.vpn, open ? 0x0a080002 : 0);
    assert_int_equal(entry.port, open ? 5433 : 0);
    assert_int_equal(amsc_entry_sum(&consortium.amsc, consortium.hospital_id, &sum, NULL), 0);
    assert_int_equal(sum.count, open);
}

static void check_open(const uint8_t id[32], uint8_t access, bool open)
{
    uint8_t relation[20], digest[32], found[32];
    struct contract hisc;
    bool live = !open;

    memset(digest, access, 32);
    assert_int_equal(arsc_consent_live(&consortium.arsc, id, &live, NULL), ACESO_OK);
    assert_int_equal(live, open);
    assert_int_equal(arsc_relation(&consortium.arsc, consortium.hospital_id,
                                   consortium.institute.address, relation, NULL), ACESO_OK);
    hisc = contract_at(consortium.anvil.rpc, relation);
    assert_int_equal(hisc_is_live(&hisc, digest, &live, NULL), ACESO_OK);
    assert_int_equal(live, open);
    assert_int_equal(hisc_request_of(&hisc, digest, found, NULL), ACESO_OK);
    assert_memory_equal(found, id, 32);
    check_path(open);
}

static void check_relation(uint64_t consents)
{
    uint8_t relation[20], predicted[20], digest[32];
    struct hisc_state read;
    struct contract hisc;

    assert_int_equal(arsc_relation(&consortium.arsc, consortium.hospital_id,
                                   consortium.institute.address, relation, NULL), ACESO_OK);
    assert_int_equal(arsc_predict_relation(&consortium.arsc, consortium.hospital_id,
                                           consortium.institute.address, predicted, NULL), 0);
    assert_memory_equal(relation, predicted, 20);
    hisc = contract_at(consortium.anvil.rpc, relation);
    assert_int_equal(hisc_state(&hisc, &read, NULL), ACESO_OK);
    assert_int_equal(read.hospital, consortium.hospital_id);
    assert_memory_equal(read.institute, consortium.institute.address, 20);
    memset(digest, 0xad, 32);
    assert_memory_equal(read.attributes_digest, digest, 32);
    assert_int_equal(read.live_consents, consents);
    assert_int_equal(read.databases, 1);
    assert_int_equal(read.database[0], 1);
    memset(digest, 0xee, 32);
    assert_int_equal(hisc_request_of(&hisc, digest, digest, NULL), ACESO_ENOTFOUND);
}

static void revoke(const uint8_t id[32])
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium.deployment.arsc);
    struct arsc_request read;
    uint8_t digest[32], signature[65];

    arsc_revocation_digest(&domain, id, digest);
    consortium_sign(consortium.hospital.secret, digest, signature);
    REFUSED(ca, consortium.deployment.arsc, arsc_call_revoke(id, signature, &call, NULL),
            "BadSignature");
    consortium_sign(consortium.patient_secret, digest, signature);
    SEND(ca, consortium.deployment.arsc, arsc_call_revoke(id, signature, &call, NULL));
    assert_int_equal(arsc_request_of(&consortium.arsc, id, &read, NULL), ACESO_OK);
    assert_int_equal(read.status, ARSC_STATUS_REVOKED);
}

static void override(const struct contract *hpsc, uint8_t level)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, hpsc->address);
    struct hpsc_override change = { .level = level };
    uint8_t digest[32], signature[65], read = 0;

    memcpy(change.institute, consortium.institute.address, 20);
    assert_int_equal(amsc_nonce_of(&consortium.amsc, consortium.hospital_id, consortium.patient,
                                   &change.nonce, NULL), ACESO_OK);
    change.deadline = consortium_time(&consortium) + 600;
    hpsc_override_digest(&domain, &change, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    SEND(hospital, hpsc->address, hpsc_call_set_override(&change, signature, &call, NULL));
    assert_int_equal(hpsc_override_of(hpsc, change.institute, &read, NULL), ACESO_OK);
    assert_int_equal(read, level);
}

/* The patient's new epoch, then the hospital's. */
static void rotate(const struct contract *hpsc)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, hpsc->address);
    struct hpsc_epoch next = { .patient_epoch = 2, .hospital_epoch = 1 };
    struct hpsc_terms later;
    uint8_t digest[32], signature[65];
    struct hpsc_state read;

    memset(next.terms.policy_digest, 4, 32);
    memset(next.terms.patient_keys_digest, 5, 32);
    memset(next.terms.authority_keys_digest, 6, 32);
    keccak256(bytes_of("new headers", 11), next.terms.headers_digest);
    amsc_levels_set(next.levels, 3, 2);
    assert_int_equal(hpsc_state(hpsc, &read, NULL), ACESO_OK);
    next.nonce = read.nonce;
    next.deadline = consortium_time(&consortium) + 600;
    hpsc_epoch_digest(&domain, &next, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    SEND(hospital, hpsc->address,
         hpsc_call_advance_epoch(&next, signature, bytes_of("new headers", 11), &call, NULL));
    later = next.terms;
    memset(later.authority_keys_digest, 7, 32);
    keccak256(bytes_of("newer headers", 13), later.headers_digest);
    SEND(hospital, hpsc->address,
         hpsc_call_advance_switch(2, &next.terms, later.authority_keys_digest,
                                  later.headers_digest, bytes_of("newer headers", 13), &call,
                                  NULL));
    assert_int_equal(hpsc_state(hpsc, &read, NULL), ACESO_OK);
    assert_int_equal(read.patient_epoch, 2);
    assert_int_equal(read.hospital_epoch, 2);
    assert_int_equal(amsc_levels_get(read.levels, 3), 2);
    hpsc_terms_digest(&later, digest);
    assert_memory_equal(read.terms_digest, digest, 32);
}

static void test_a_consent_lives_and_ends(void **state)
{
    struct contract hpsc;
    struct arsc_ask first;
    uint8_t id[32];
    bool live = false;

    (void)state;
    consortium_register(&consortium);
    check_hospital();
    consortium_relate(&consortium, &hpsc);
    check_relationship(&hpsc);
    anchor(&hpsc);
    first = ask_for(1);
    request(&first, id);
    assert_int_equal(amsc_credential_live(&consortium.amsc, consortium.institute.address, &live,
                                          NULL), ACESO_OK);
    assert_true(live);
    approve(&first, id, 0xac, 1);
    check_open(id, 0xac, true);
    check_relation(1);
    revoke(id);
    check_open(id, 0xac, false);
    override(&hpsc, 1);
    override(&hpsc, HPSC_OVERRIDE_NONE);
    rotate(&hpsc);
}

static void check_status(const uint8_t id[32], uint8_t status)
{
    struct arsc_request read;

    assert_int_equal(arsc_request_of(&consortium.arsc, id, &read, NULL), ACESO_OK);
    assert_int_equal(read.status, status);
}

static void test_the_other_ways_to_say_no(void **state)
{
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium.deployment.arsc);
    uint8_t id[32], digest[32], signature[65];
    struct arsc_ask ask = ask_for(2);

    (void)state;
    request(&ask, id);
    arsc_refusal_digest(&domain, id, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    SEND(institute, consortium.deployment.arsc, arsc_call_refuse(id, signature, &call, NULL));
    check_status(id, ARSC_STATUS_REFUSED);
    ask = ask_for(3);
    request(&ask, id);
    SEND(hospital, consortium.deployment.arsc, arsc_call_deny(id, &call, NULL));
    check_status(id, ARSC_STATUS_DENIED);
    ask = ask_for(4);
    request(&ask, id);
    SEND(institute, consortium.deployment.arsc, arsc_call_withdraw(id, &call, NULL));
    check_status(id, ARSC_STATUS_WITHDRAWN);
    REFUSED(hospital, consortium.deployment.arsc, arsc_call_deny(id, &call, NULL), "WrongStatus");
    REFUSED(hospital, consortium.deployment.arsc, arsc_call_expire(id, &call, NULL),
            "AccessRequest");
}

static void test_a_path_closes_and_opens_again(void **state)
{
    const struct arsc_opening opening = opening_with(0xbd);
    const uint8_t user[1][20] = { { 0x77 } };
    const uint16_t database = 1;
    struct arsc_ask ask = ask_for(5);
    uint8_t id[32];

    (void)state;
    request(&ask, id);
    approve(&ask, id, 0xbd, 2);
    check_open(id, 0xbd, true);
    SEND(hospital, consortium.deployment.amsc,
         amsc_call_remove_entry(consortium.hospital_id, consortium.institute.address, 1, &call,
                                NULL));
    check_path(false);
    SEND(hospital, consortium.deployment.arsc,
         arsc_call_reopen_path(id, &opening.path, &call, NULL));
    check_open(id, 0xbd, true);
    SEND(ca, consortium.deployment.amsc,
         amsc_call_sweep_entries(consortium.hospital_id, user, &database, 1, &call, NULL));
    SEND(institute, consortium.deployment.arsc, arsc_call_end_consent(id, &call, NULL));
    check_status(id, ARSC_STATUS_ENDED);
}

static void test_a_pair_without_a_request(void **state)
{
    uint8_t other[20] = { 0x0e }, relation[20], digest[32];
    struct contract hisc;
    struct hisc_state read;

    (void)state;
    SEND(hospital, consortium.deployment.arsc,
         arsc_call_open_institute(consortium.hospital_id, other, &call, NULL));
    assert_int_equal(arsc_relation(&consortium.arsc, consortium.hospital_id, other, relation,
                                   NULL), ACESO_OK);
    hisc = contract_at(consortium.anvil.rpc, relation);
    memset(digest, 0x3c, sizeof digest);
    SEND(hospital, relation, hisc_call_record_attributes(digest, &call, NULL));
    assert_int_equal(hisc_state(&hisc, &read, NULL), ACESO_OK);
    assert_memory_equal(read.attributes_digest, digest, 32);
    SEND(hospital, relation, hisc_call_end(&call, NULL));
    assert_int_equal(hisc_state(&hisc, &read, NULL), ACESO_OK);
    assert_true(read.ended);
}

static void test_the_ca_and_the_hospital_narrow(void **state)
{
    struct amsc_credential_record record;
    struct eip712_domain domain = contract_domain(ANVIL_CHAIN_ID, consortium.deployment.amsc);
    uint8_t digest[32], signature[65];
    struct amsc_hospital hospital;
    uint64_t nonce = 0, later = 0;
    bool live = true;

    (void)state;
    SEND(hospital, consortium.deployment.arsc,
         arsc_call_revoke_institute(consortium.hospital_id, consortium.institute.address, &call,
                                    NULL));
    SEND(ca, consortium.deployment.amsc,
         amsc_call_suspend_hospital(consortium.hospital_id, true, &call, NULL));
    assert_int_equal(amsc_hospital(&consortium.amsc, consortium.hospital_id, &hospital, NULL), 0);
    assert_true(hospital.suspended);
    SEND(ca, consortium.deployment.amsc,
         amsc_call_suspend_hospital(consortium.hospital_id, false, &call, NULL));
    SEND(ca, consortium.deployment.amsc,
         amsc_call_revoke_credential(consortium.institute.address, 1, &call, NULL));
    assert_int_equal(amsc_credential_live(&consortium.amsc, consortium.institute.address, &live,
                                          NULL), ACESO_OK);
    assert_false(live);
    assert_int_equal(amsc_credential_of(&consortium.amsc, consortium.institute.address, &record,
                                        NULL), ACESO_OK);
    assert_int_equal(record.serial, 1);
    assert_int_equal(record.revoked_through, 1);
    assert_int_equal(amsc_nonce_of(&consortium.amsc, consortium.hospital_id, consortium.patient,
                                   &nonce, NULL), ACESO_OK);
    amsc_nonce_void_digest(&domain, consortium.hospital_id, nonce, digest);
    consortium_sign(consortium.patient_secret, digest, signature);
    SEND(ca, consortium.deployment.amsc,
         amsc_call_void_nonce(consortium.hospital_id, consortium.patient, nonce, signature, &call,
                              NULL));
    assert_int_equal(amsc_nonce_of(&consortium.amsc, consortium.hospital_id, consortium.patient,
                                   &later, NULL), ACESO_OK);
    assert_int_equal(later, nonce + 1);
    REFUSED(hospital, consortium.deployment.amsc,
            amsc_call_suspend_hospital(consortium.hospital_id, true, &call, NULL),
            "OwnableUnauthorizedAccount");
}

static void test_keys_and_roles_are_handed_over(void **state)
{
    struct amsc_hospital hospital = { .url = "https://127.0.0.1:9443/" };
    uint8_t other[20] = { 0x99 }, owner[20];
    uint32_t generation = 0;

    (void)state;
    memset(hospital.seal_key, 0x11, 32);
    SEND(ca, consortium.deployment.amsc,
         amsc_call_update_hospital(consortium.hospital_id, &hospital, &call, NULL));
    SEND(ca, consortium.deployment.amsc,
         amsc_call_replace_hospital_key(consortium.hospital_id, other, &call, NULL));
    assert_int_equal(amsc_hospital(&consortium.amsc, consortium.hospital_id, &hospital, NULL), 0);
    assert_string_equal(hospital.url, "https://127.0.0.1:9443/");
    assert_memory_equal(hospital.key, other, 20);
    SEND(ca, consortium.deployment.amsc,
         amsc_call_transfer_ownership(consortium.institute.address, &call, NULL));
    SEND(institute, consortium.deployment.amsc, amsc_call_accept_ownership(&call, NULL));
    assert_int_equal(amsc_owner(&consortium.amsc, owner, NULL), ACESO_OK);
    assert_memory_equal(owner, consortium.institute.address, 20);
    assert_int_equal(amsc_generation(&consortium.amsc, &generation, NULL), ACESO_OK);
    assert_true(generation > 1);
}

/* What the readers make of all events so far, counted by contract and kind. */
struct events {
    size_t amsc[32], hpsc[8], hisc[8], arsc[32];
    struct amsc_event entry;   /* the first one opened */
    struct arsc_event given, approved, made; /* the first ones */
    struct hpsc_event terms, batch;          /* the first ones */
    struct rpc_logs logs;
};

static bool read_amsc(const struct rpc_log *log, struct events *events)
{
    struct amsc_event read;

    if (amsc_event_read(log, &read, NULL))
        return false;
    if (read.kind == AMSC_ENTRY_OPENED && events->amsc[read.kind] == 0)
        events->entry = read;
    events->amsc[read.kind]++;
    return true;
}

static bool read_arsc(const struct rpc_log *log, struct events *events)
{
    struct arsc_event read;

    if (arsc_event_read(log, &read, NULL))
        return false;
    if (events->arsc[read.kind]++ == 0) {
        if (read.kind == ARSC_CONSENT_GIVEN)
            events->given = read;
        if (read.kind == ARSC_REQUEST_APPROVED)
            events->approved = read;
        if (read.kind == ARSC_REQUEST_MADE)
            events->made = read;
    }
    return true;
}

static bool read_clone(const struct rpc_log *log, struct events *events)
{
    struct hpsc_event hpsc;
    struct hisc_event hisc;

    if (hisc_event_read(log, &hisc, NULL) == ACESO_OK) {
        assert_int_equal(hisc.hospital, consortium.hospital_id);
        events->hisc[hisc.kind]++;
        return true;
    }
    if (hpsc_event_read(log, &hpsc, NULL))
        return false;
    if (events->hpsc[hpsc.kind]++ == 0 && hpsc.kind == HPSC_TERMS_SET)
        events->terms = hpsc;
    else if (hpsc.kind == HPSC_BATCH_ANCHORED)
        events->batch = hpsc;
    return true;
}

static void read_all(struct events *events)
{
    uint8_t topics[CONTRACT_TOPICS_MAX][32];
    struct rpc_log_filter filter = { .from = 0 };
    struct rpc_block newest;

    memset(events, 0, sizeof *events);
    assert_int_equal(rpc_block(consortium.anvil.rpc, RPC_LATEST, &newest, NULL), ACESO_OK);
    filter.to = newest.number;
    filter.topics = contract_topics(topics);
    filter.topic0 = (const uint8_t (*)[32])topics;
    assert_int_equal(rpc_logs(consortium.anvil.rpc, &filter, &events->logs, NULL), ACESO_OK);
    for (size_t i = 0; i < events->logs.count; i++) {
        const struct rpc_log *log = &events->logs.log[i];

        assert_int_equal(read_amsc(log, events) + read_arsc(log, events) + read_clone(log, events),
                         1);
    }
}

static void test_every_event_is_read(void **state)
{
    struct events events;
    uint8_t digest[32];

    (void)state;
    read_all(&events);
    for (size_t kind = AMSC_HOSPITAL_REGISTERED; kind <= AMSC_ENTRY_REMOVED; kind++)
        if (kind != AMSC_ENTRY_EXTENDED)
            assert_true(events.amsc[kind] > 0);
    for (size_t kind = ARSC_REQUEST_MADE; kind <= ARSC_INSTITUTE_REVOKED; kind++)
        if (kind != ARSC_REQUEST_EXPIRED)
            assert_true(events.arsc[kind] > 0);
    assert_true(events.hisc[HISC_ATTRIBUTES_RECORDED] > 0 && events.hisc[HISC_ENDED] > 0);
    assert_int_equal(events.hpsc[HPSC_TERMS_SET], 3);
    assert_int_equal(events.hpsc[HPSC_OVERRIDE_SET], 2);
    assert_int_equal(events.entry.id, consortium.hospital_id);
    assert_memory_equal(events.entry.user, consortium.institute.address, 20);
    assert_int_equal(events.entry.database, 1);
    assert_int_equal(events.entry.entry.vpn, 0x0a080002);
    assert_int_equal(events.entry.entry.database_address, 0x7f000001);
    assert_int_equal(events.entry.entry.port, 5433);
    assert_int_equal(events.entry.entry.serial, 1);
    assert_memory_equal(events.given.patient, consortium.patient, 20);
    assert_int_equal(events.given.level, 2);
    assert_true(bytes_equal(events.given.grant, bytes_of_string("the sealed grant")));
    memset(digest, 0xac, 32);
    assert_memory_equal(events.approved.access_digest, digest, 32);
    assert_true(bytes_equal(events.approved.sealed_access,
                            bytes_of_string("the sealed access string")));
    assert_memory_equal(events.made.request, events.given.request, 32);
    assert_memory_equal(events.made.request, consortium.institute.address, 20);
    assert_int_equal(events.made.term, 7200);
    assert_int_equal(events.terms.patient_epoch, 1);
    assert_true(bytes_equal(events.terms.headers, bytes_of("four headers", 13)));
    assert_int_equal(events.batch.batch.records, 10);
    assert_int_equal(events.batch.batch.leaves, 40);
    memset(digest, 0xb0, 32);
    assert_memory_equal(events.batch.batch.root, digest, 32);
    rpc_logs_free(&events.logs);
}

static void test_a_place_without_a_contract(void **state)
{
    uint8_t nowhere[20] = { 9 }, owner[20];
    struct contract contract = contract_at(consortium.anvil.rpc, nowhere);
    struct amsc_credential credential;
    uint8_t signature[65];

    (void)state;
    assert_int_equal(amsc_owner(&contract, owner, NULL), ACESO_ENOTFOUND);
    consortium_credential(&consortium, &credential, signature);
    assert_int_equal(amsc_check_credential(&contract, &credential, signature, NULL),
                     ACESO_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_consent_lives_and_ends),
        cmocka_unit_test(test_the_other_ways_to_say_no),
        cmocka_unit_test(test_a_path_closes_and_opens_again),
        cmocka_unit_test(test_a_pair_without_a_request),
        cmocka_unit_test(test_the_ca_and_the_hospital_narrow),
        cmocka_unit_test(test_keys_and_roles_are_handed_over),
        cmocka_unit_test(test_every_event_is_read),
        cmocka_unit_test(test_a_place_without_a_contract),
    };

    return cmocka_run_group_tests_name("chain/story", tests, start, stop);
}
