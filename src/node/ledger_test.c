/* SPDX-License-Identifier: Apache-2.0 */
/* Events as the contracts emit them, and what the ledger says after each. */
#include "node/ledger.h"

#include "chain/hpsc.h"
#include "contracts_abi.h"
#include "eth/abi.h"
#include "node/testing.h"

static const uint8_t hospital[20] = { 0xb1 }, second_key[20] = { 0xb2 }, patient[20] = { 0xa1 };
static const uint8_t institute[20] = { 0xc1 }, hpsc[20] = { 0xd1 }, hisc[20] = { 0xe1 };
static const uint8_t word[32] = { 0x11 }, other_word[32] = { 0x22 }, request_id[32] = { 0x33 };

struct bench {
    struct node node;
    struct store *store;
};

static int bench_make(void **state)
{
    static struct bench bench;
    const char *const migrations[] = { ledger_schema };

    memset(&bench, 0, sizeof bench);
    bench.node.config.network = testing_network;
    assert_int_equal(store_open(":memory:", migrations, 1, &bench.store, NULL), ACESO_OK);
    assert_int_equal(ledger_migrate(bench.store, NULL), ACESO_OK);
    *state = &bench;
    return 0;
}

static int bench_free(void **state)
{
    struct bench *bench = *state;

    store_close(bench->store);
    return 0;
}

/* One event: its topic, up to three indexed members, its other members as `types` says. */
struct event {
    uint8_t topic[32];
    const char *types;
    const uint8_t *address;
    struct abi_value indexed[3];
    size_t indexed_count;
    struct abi_value data[6];
    size_t count;
};

static int feed(struct bench *bench, const struct event *event)
{
    struct buffer data = BUFFER_INIT(65536);
    struct rpc_log log = { .topics = 1 + event->indexed_count, .block = 5 };
    struct follower_event seen = { .log = &log, .first = true };
    int code;

    memcpy(log.address, event->address ? event->address : testing_network.amsc, 20);
    memcpy(log.topic[0], event->topic, 32);
    for (size_t i = 0; i < event->indexed_count; i++)
        memcpy(log.topic[i + 1], event->indexed[i].word, 32);
    assert_int_equal(abi_encode(event->types, event->data, event->count, &data, NULL), ACESO_OK);
    log.data = buffer_bytes(&data);
    code = ledger_handle(&bench->node, bench->store, &seen, NULL);
    buffer_free(&data);
    return code;
}

#define EVENT(name) .topic = name##_TOPIC, .types = name##_DATA

static void feed_hospital(struct bench *bench)
{
    const struct event event = {
        EVENT(AMSC_HOSPITAL_REGISTERED),
        .indexed = { abi_u64(7), abi_address(hospital) }, .indexed_count = 2,
        .data = { abi_string("hospital-a"), abi_string("https://a:1"), abi_word(word),
                  abi_word(other_word) },
        .count = 4,
    };

    assert_int_equal(feed(bench, &event), ACESO_OK);
}

static void feed_relationship(struct bench *bench)
{
    const struct event event = {
        EVENT(AMSC_RELATIONSHIP_CREATED),
        .indexed = { abi_u64(7), abi_address(patient), abi_address(hpsc) }, .indexed_count = 3,
    };

    assert_int_equal(feed(bench, &event), ACESO_OK);
}

static void feed_terms(struct bench *bench, uint32_t e, uint32_t n, const char *headers)
{
    const struct event event = {
        EVENT(HPSC_TERMS_SET), .address = hpsc,
        .indexed = { abi_u64(e), abi_u64(n) }, .indexed_count = 2,
        .data = { abi_word(word), abi_u64(0x4321), abi_word(other_word), abi_word(word),
                  abi_word(other_word), abi_bytes(bytes_of_string(headers)) },
        .count = 6,
    };

    assert_int_equal(feed(bench, &event), ACESO_OK);
}

static void feed_request(struct bench *bench)
{
    const struct event event = {
        EVENT(ARSC_REQUEST_MADE), .address = testing_network.arsc,
        .indexed = { abi_u64(7), abi_address(patient), abi_address(institute) },
        .indexed_count = 3,
        .data = { abi_word(request_id), abi_u64(4), abi_u64(3), abi_u64(86400), abi_u64(99) },
        .count = 5,
    };

    assert_int_equal(feed(bench, &event), ACESO_OK);
}

static void test_hospital(void **state)
{
    struct bench *bench = *state;
    struct ledger_hospital found;
    const struct event updated = {
        EVENT(AMSC_HOSPITAL_UPDATED), .indexed = { abi_u64(7) }, .indexed_count = 1,
        .data = { abi_string("https://b:2"), abi_word(other_word), abi_word(word) }, .count = 3,
    };
    const struct event replaced = {
        EVENT(AMSC_HOSPITAL_KEY_REPLACED),
        .indexed = { abi_u64(7), abi_address(hospital), abi_address(second_key) },
        .indexed_count = 3,
    };
    const struct event published = { EVENT(AMSC_KEYS_PUBLISHED), .indexed = { abi_u64(7) },
                                     .indexed_count = 1, .data = { abi_word(word) }, .count = 1 };
    const struct event suspended = { EVENT(AMSC_HOSPITAL_SUSPENDED), .indexed = { abi_u64(7) },
                                     .indexed_count = 1 };
    const struct event reinstated = { EVENT(AMSC_HOSPITAL_REINSTATED), .indexed = { abi_u64(7) },
                                      .indexed_count = 1 };

    assert_int_equal(ledger_hospital_by_id(bench->store, 7, &found, NULL), ACESO_ENOTFOUND);
    feed_hospital(bench);
    assert_int_equal(ledger_hospital_by_id(bench->store, 7, &found, NULL), ACESO_OK);
    assert_string_equal(found.card.label, "hospital-a");
    assert_string_equal(found.card.url, "https://a:1");
    assert_memory_equal(found.card.address, hospital, 20);
    assert_memory_equal(found.key, hospital, 20);
    assert_memory_equal(found.seal_key, word, 32);
    assert_memory_equal(found.tls_key_digest, other_word, 32);
    assert_false(found.suspended);
    assert_int_equal(feed(bench, &updated), ACESO_OK);
    assert_int_equal(feed(bench, &replaced), ACESO_OK);
    assert_int_equal(feed(bench, &published), ACESO_OK);
    assert_int_equal(feed(bench, &suspended), ACESO_OK);
    assert_int_equal(ledger_hospital_by_label(bench->store, "hospital-a", &found, NULL), ACESO_OK);
    assert_string_equal(found.card.url, "https://b:2");
    assert_memory_equal(found.card.address, hospital, 20);
    assert_memory_equal(found.key, second_key, 20);
    assert_memory_equal(found.seal_key, other_word, 32);
    assert_memory_equal(found.keys_digest, word, 32);
    assert_true(found.suspended);
    assert_int_equal(feed(bench, &reinstated), ACESO_OK);
    assert_int_equal(ledger_hospital_by_address(bench->store, hospital, &found, NULL),
                     ACESO_ENOTFOUND);
    assert_int_equal(ledger_hospital_by_address(bench->store, second_key, &found, NULL), ACESO_OK);
    assert_false(found.suspended);
    assert_int_equal(ledger_hospital_by_label(bench->store, "x", &found, NULL), ACESO_ENOTFOUND);
}

static int count_patient(void *data, const uint8_t address[20])
{
    assert_memory_equal(address, patient, 20);
    ++*(size_t *)data;
    return ACESO_OK;
}

static void test_relationship(void **state)
{
    struct bench *bench = *state;
    struct ledger_relationship found = LEDGER_RELATIONSHIP_INIT;
    size_t count = 0;

    assert_false(ledger_known(&bench->node, bench->store, hpsc));
    assert_true(ledger_known(&bench->node, bench->store, testing_network.amsc));
    assert_true(ledger_known(&bench->node, bench->store, testing_network.arsc));
    feed_relationship(bench);
    assert_true(ledger_known(&bench->node, bench->store, hpsc));
    assert_int_equal(ledger_relationship(bench->store, 7, patient, &found, NULL), ACESO_ENOTFOUND);
    feed_terms(bench, 1, 1, "first");
    feed_terms(bench, 2, 1, "third");
    feed_terms(bench, 1, 2, "second");
    assert_int_equal(ledger_relationship(bench->store, 7, patient, &found, NULL), ACESO_OK);
    assert_int_equal(found.epoch.e, 2);
    assert_int_equal(found.epoch.n, 1);
    assert_memory_equal(found.contract, hpsc, 20);
    assert_memory_equal(found.policy_digest, word, 32);
    assert_memory_equal(found.patient_keys_digest, other_word, 32);
    assert_memory_equal(found.authority_keys_digest, word, 32);
    assert_memory_equal(found.headers_digest, other_word, 32);
    assert_string_equal(buffer_text(&found.headers), "third");
    for (unsigned category = 0; category < 4; category++)
        assert_int_equal(ledger_level_of(found.levels, category), category + 1);
    assert_int_equal(ledger_level_of(found.levels, 63), 0);
    assert_int_equal(ledger_level_of(found.levels, 64), 0);
    assert_int_equal(ledger_patients(bench->store, 7, count_patient, &count, NULL), ACESO_OK);
    assert_int_equal(ledger_patients(bench->store, 8, count_patient, &count, NULL), ACESO_OK);
    assert_int_equal(count, 1);
    buffer_free(&found.headers);
}

static void feed_override(struct bench *bench, const uint8_t *whose, uint8_t level)
{
    const struct event event = {
        EVENT(HPSC_OVERRIDE_SET), .address = hpsc, .indexed = { abi_address(whose) },
        .indexed_count = 1, .data = { abi_u64(level) }, .count = 1,
    };

    assert_int_equal(feed(bench, &event), ACESO_OK);
}

static int sum_override(void *data, const uint8_t whose[20], unsigned level)
{
    unsigned *sum = data;

    *sum = *sum * 100 + whose[0] + level;
    return ACESO_OK;
}

static void test_overrides(void **state)
{
    static const uint8_t other[20] = { 0x01 };
    struct bench *bench = *state;
    struct ledger_relationship found = LEDGER_RELATIONSHIP_INIT;
    unsigned level = 9, sum = 0;

    feed_relationship(bench);
    feed_terms(bench, 1, 1, "headers"); /* the table 0x4321 */
    assert_int_equal(ledger_relationship(bench->store, 7, patient, &found, NULL), ACESO_OK);
    for (unsigned set = 0; set <= 4; set++) {
        feed_override(bench, institute, (uint8_t)set);
        assert_int_equal(ledger_level_for(bench->store, &found, institute, 1, &level, NULL),
                         ACESO_OK);
        assert_int_equal(level, set);
        assert_int_equal(ledger_level_for(bench->store, &found, other, 1, &level, NULL), ACESO_OK);
        assert_int_equal(level, 2);
    }
    feed_override(bench, other, 3);
    assert_int_equal(ledger_overrides(bench->store, hpsc, sum_override, &sum, NULL), ACESO_OK);
    assert_int_equal(sum, (0x01 + 3) * 100 + 0xc1 + 4);
    feed_override(bench, institute, HPSC_OVERRIDE_NONE);
    assert_int_equal(ledger_level_for(bench->store, &found, institute, 2, &level, NULL), ACESO_OK);
    assert_int_equal(level, 3);
    feed_override(bench, institute, HPSC_OVERRIDE_NONE); /* removed twice is removed */
    assert_int_equal(ledger_reset(&bench->node, bench->store, NULL), ACESO_OK);
    assert_int_equal(ledger_level_for(bench->store, &found, other, 2, &level, NULL), ACESO_OK);
    assert_int_equal(level, 3);
    buffer_free(&found.headers);
}

static void test_batches(void **state)
{
    struct bench *bench = *state;
    struct record_batch batch;
    uint64_t last = 9;

    assert_int_equal(ledger_batch_last(bench->store, hpsc, &last, NULL), ACESO_OK);
    assert_int_equal(last, 0);
    for (uint64_t number = 1; number <= 2; number++) {
        const struct event event = {
            EVENT(HPSC_BATCH_ANCHORED), .address = hpsc,
            .indexed = { abi_u64(number), abi_word(word) }, .indexed_count = 2,
            .data = { abi_word(other_word), abi_u64(10 * number), abi_u64(40 * number) },
            .count = 3,
        };

        assert_int_equal(feed(bench, &event), ACESO_OK);
    }
    assert_int_equal(ledger_batch_last(bench->store, hpsc, &last, NULL), ACESO_OK);
    assert_int_equal(last, 2);
    assert_int_equal(ledger_batch(bench->store, hpsc, 2, &batch, NULL), ACESO_OK);
    assert_memory_equal(batch.root, word, 32);
    assert_memory_equal(batch.previous_root, other_word, 32);
    assert_int_equal(batch.records, 20);
    assert_int_equal(batch.leaves, 80);
    assert_int_equal(ledger_batch(bench->store, hpsc, 3, &batch, NULL), ACESO_ENOTFOUND);
    assert_int_equal(ledger_batch(bench->store, hisc, 2, &batch, NULL), ACESO_ENOTFOUND);
}

static void test_credential(void **state)
{
    struct bench *bench = *state;
    struct ledger_credential found;

    assert_int_equal(ledger_credential(bench->store, institute, &found, NULL), ACESO_ENOTFOUND);
    for (uint64_t serial = 4; serial <= 5; serial++) {
        const struct event event = {
            EVENT(AMSC_CREDENTIAL_ACCEPTED),
            .indexed = { abi_address(institute), abi_u64(serial) }, .indexed_count = 2,
            .data = { abi_u64(3), abi_word(word), abi_word(other_word), abi_u64(100 + serial),
                      abi_u64(1) },
            .count = 5,
        };

        assert_int_equal(feed(bench, &event), ACESO_OK);
    }
    assert_int_equal(ledger_credential(bench->store, institute, &found, NULL), ACESO_OK);
    assert_int_equal(found.serial, 5);
    assert_int_equal(found.category, 3);
    assert_int_equal(found.expiry, 105);
    assert_memory_equal(found.seal_key, word, 32);
    assert_memory_equal(found.tls_key_digest, other_word, 32);
}

static enum ledger_status status_of(struct bench *bench)
{
    struct ledger_request found = LEDGER_REQUEST_INIT;
    enum ledger_status status;

    assert_int_equal(ledger_request(bench->store, request_id, &found, NULL), ACESO_OK);
    status = found.status;
    ledger_request_free(&found);
    return status;
}

static int count_request(void *data, const struct ledger_request *request,
                         struct aceso_error *error)
{
    (void)error;
    assert_memory_equal(request->id, request_id, 32);
    ++*(size_t *)data;
    return ACESO_OK;
}

static void feed_consent(struct bench *bench)
{
    const struct event given = {
        EVENT(ARSC_CONSENT_GIVEN), .address = testing_network.arsc,
        .indexed = { abi_word(request_id), abi_address(patient) }, .indexed_count = 2,
        .data = { abi_u64(2), abi_u64(12345), abi_bytes(bytes_of_string("grant")) }, .count = 3,
    };
    const struct event approved = {
        EVENT(ARSC_REQUEST_APPROVED), .address = testing_network.arsc,
        .indexed = { abi_word(request_id), abi_word(other_word) }, .indexed_count = 2,
        .data = { abi_bytes(bytes_of_string("access")) }, .count = 1,
    };

    assert_int_equal(feed(bench, &given), ACESO_OK);
    assert_int_equal(status_of(bench), LEDGER_OPEN);
    assert_int_equal(feed(bench, &approved), ACESO_OK);
    assert_int_equal(status_of(bench), LEDGER_APPROVED);
}

static void test_request(void **state)
{
    struct bench *bench = *state;
    struct ledger_request found = LEDGER_REQUEST_INIT;
    uint8_t contract[20];
    size_t count = 0;
    const struct event opened = {
        EVENT(ARSC_INSTITUTE_OPENED), .address = testing_network.arsc,
        .indexed = { abi_u64(7), abi_address(institute), abi_address(hisc) }, .indexed_count = 3,
    };
    const struct event revoked = {
        EVENT(ARSC_INSTITUTE_REVOKED), .address = testing_network.arsc,
        .indexed = { abi_u64(7), abi_address(institute), abi_address(hisc) }, .indexed_count = 3,
    };

    feed_relationship(bench);
    feed_terms(bench, 4, 1, "headers");
    feed_request(bench);
    assert_int_equal(status_of(bench), LEDGER_OPEN);
    assert_int_equal(ledger_pair(bench->store, 7, institute, contract, NULL), ACESO_ENOTFOUND);
    assert_int_equal(feed(bench, &opened), ACESO_OK);
    assert_int_equal(ledger_pair(bench->store, 7, institute, contract, NULL), ACESO_OK);
    assert_memory_equal(contract, hisc, 20);
    assert_true(ledger_known(&bench->node, bench->store, hisc));
    feed_consent(bench);
    assert_int_equal(ledger_request(bench->store, request_id, &found, NULL), ACESO_OK);
    assert_int_equal(found.hospital, 7);
    assert_memory_equal(found.patient, patient, 20);
    assert_memory_equal(found.institute, institute, 20);
    assert_int_equal(found.purpose, 4);
    assert_int_equal(found.level, 3);
    assert_int_equal(found.term, 86400);
    assert_int_equal(found.deadline, 99);
    assert_int_equal(found.granted, 2);
    assert_int_equal(found.until, 12345);
    assert_int_equal(found.epoch, 4);
    assert_memory_equal(found.access_digest, other_word, 32);
    assert_string_equal(buffer_text(&found.grant), "grant");
    assert_string_equal(buffer_text(&found.access), "access");
    ledger_request_free(&found);
    assert_int_equal(ledger_requests(bench->store, patient, 0, count_request, &count, NULL),
                     ACESO_OK);
    assert_int_equal(ledger_requests(bench->store, institute, 0, count_request, &count, NULL),
                     ACESO_OK);
    assert_int_equal(ledger_requests(bench->store, NULL, 7, count_request, &count, NULL), ACESO_OK);
    assert_int_equal(count, 3);
    assert_int_equal(ledger_requests(bench->store, NULL, 8, count_request, &count, NULL), ACESO_OK);
    assert_int_equal(ledger_requests(bench->store, hospital, 0, count_request, &count, NULL),
                     ACESO_OK);
    assert_int_equal(count, 3);
    assert_int_equal(feed(bench, &revoked), ACESO_OK);
    assert_int_equal(status_of(bench), LEDGER_ENDED);
}

static void test_ends_of_a_request(void **state)
{
    static const struct {
        uint8_t topic[32];
        const char *indexed, *types;
        enum ledger_status status;
    } ends[] = {
#define END(name, status) { name##_TOPIC, name##_INDEXED, name##_DATA, (status) }
        END(ARSC_CONSENT_REFUSED, LEDGER_REFUSED),     END(ARSC_REQUEST_DENIED, LEDGER_DENIED),
        END(ARSC_REQUEST_WITHDRAWN, LEDGER_WITHDRAWN), END(ARSC_REQUEST_EXPIRED, LEDGER_EXPIRED),
        END(ARSC_CONSENT_REVOKED, LEDGER_REVOKED),     END(ARSC_CONSENT_ENDED, LEDGER_ENDED),
#undef END
    };
    struct bench *bench = *state;

    feed_request(bench);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct event event = { .types = ends[i].types, .address = testing_network.arsc,
                               .indexed = { abi_word(request_id), abi_address(patient) },
                               .indexed_count = strchr(ends[i].indexed, ',') ? 2 : 1 };

        memcpy(event.topic, ends[i].topic, 32);
        if (strcmp(ends[i].types, "()") != 0) {
            event.data[0] = abi_u64(1);
            event.count = 1;
        }
        assert_int_equal(feed(bench, &event), ACESO_OK);
        assert_int_equal(status_of(bench), ends[i].status);
    }
}

static void test_malformed(void **state)
{
    struct bench *bench = *state;
    struct rpc_log log = { .topic = { AMSC_HOSPITAL_REGISTERED_TOPIC }, .topics = 3 };
    struct follower_event seen = { .log = &log, .first = true };
    struct ledger_hospital found;
    struct event event = { EVENT(AMSC_HOSPITAL_SUSPENDED), .indexed_count = 2 };

    assert_int_equal(feed(bench, &event), ACESO_EFORMAT);
    log.data = bytes_of("\1\2\3", 3);
    assert_int_equal(ledger_handle(&bench->node, bench->store, &seen, NULL), ACESO_EFORMAT);
    seen.first = false; /* seen before: nothing is written twice */
    assert_int_equal(ledger_handle(&bench->node, bench->store, &seen, NULL), ACESO_OK);
    memset(event.topic, 0x77, 32); /* nobody's event */
    assert_int_equal(feed(bench, &event), ACESO_OK);
    assert_int_equal(ledger_hospital_by_id(bench->store, 0, &found, NULL), ACESO_ENOTFOUND);
}

static void test_reset(void **state)
{
    struct bench *bench = *state;
    struct ledger_request request = LEDGER_REQUEST_INIT;
    struct ledger_hospital found;

    feed_hospital(bench);
    feed_relationship(bench);
    feed_terms(bench, 1, 1, "headers");
    feed_request(bench);
    assert_int_equal(ledger_reset(&bench->node, bench->store, NULL), ACESO_OK);
    assert_int_equal(ledger_hospital_by_id(bench->store, 7, &found, NULL), ACESO_ENOTFOUND);
    assert_int_equal(ledger_request(bench->store, request_id, &request, NULL), ACESO_ENOTFOUND);
    assert_false(ledger_known(&bench->node, bench->store, hpsc));
    feed_hospital(bench); /* and from the beginning again */
    feed_relationship(bench);
    feed_terms(bench, 1, 1, "headers");
    feed_request(bench);
    assert_int_equal(ledger_hospital_by_id(bench->store, 7, &found, NULL), ACESO_OK);
    ledger_request_free(&request);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, bench_make, bench_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_hospital),   WITH_STORE(test_relationship),
        WITH_STORE(test_overrides),  WITH_STORE(test_batches),
        WITH_STORE(test_credential), WITH_STORE(test_request),
        WITH_STORE(test_ends_of_a_request), WITH_STORE(test_malformed),
        WITH_STORE(test_reset),
    };

    return cmocka_run_group_tests_name("node ledger", tests, NULL, NULL);
}
