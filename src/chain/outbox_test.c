/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox on a real chain that forgets, drops, reorganises and dies: nothing lost or doubled. */
#include "chain/consortium.h"

#include "base/text.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* The call data that registers a hospital of this label. */
static struct buffer registering(const char *label)
{
    struct amsc_hospital hospital = { .url = "https://127.0.0.1/" };
    struct buffer call = BUFFER_INIT(1 << 20);

    (void)snprintf(hospital.label, sizeof hospital.label, "%s", label);
    memset(hospital.key, 0, 20);
    memcpy(hospital.key, label, strlen(label) < 20 ? strlen(label) : 20);
    memset(hospital.seal_key, 0x5e, 32);
    memset(hospital.tls_key_digest, 0x71, 32);
    assert_int_equal(amsc_call_register_hospital(&hospital, &call, NULL), ACESO_OK);
    return call;
}

static const char *add(const char *label)
{
    struct buffer call = registering(label);

    return consortium_add(&consortium, &consortium.ca, consortium.deployment.amsc, &call);
}

static struct outbox_result result_of(const char *key)
{
    struct outbox_result result;

    assert_int_equal(outbox_result(consortium.ca.outbox, key, &result, NULL), ACESO_OK);
    return result;
}

/* Runs the outbox until so many rows are not settled. */
static void run(size_t pending)
{
    consortium_run(&consortium.ca, pending);
}

static uint64_t nonce_of_ca(void)
{
    uint64_t nonce = 0;

    assert_int_equal(rpc_nonce(consortium.anvil.rpc, consortium.ca.address, RPC_LATEST, &nonce,
                               NULL), ACESO_OK);
    return nonce;
}

/* Registered once: twice is not possible, so the count is what shows a doubled message. */
static void expect_hospitals(uint32_t expected)
{
    uint32_t count = 0;

    assert_int_equal(amsc_hospital_count(&consortium.amsc, &count, NULL), ACESO_OK);
    assert_int_equal(count, expected);
}

static void test_a_key_is_one_message(void **state)
{
    struct store *store = consortium.ca.store;
    struct buffer call = registering("one"), other = registering("two");
    struct outbox_message message = { .to = consortium.deployment.amsc,
                                      .data = buffer_bytes(&call) };
    char longest[OUTBOX_KEY_MAX + 2];
    struct outbox_result result;

    (void)state;
    assert_int_equal(store_begin(store, NULL), ACESO_OK);
    assert_int_equal(outbox_add(store, "once", &message, NULL), ACESO_OK);
    store_rollback(store);
    assert_int_equal(outbox_result(consortium.ca.outbox, "once", &result, NULL), ACESO_ENOTFOUND);
    assert_int_equal(outbox_add(store, "once", &message, NULL), ACESO_OK);
    assert_int_equal(outbox_add(store, "once", &message, NULL), ACESO_OK);
    run(0);
    assert_int_equal(outbox_add(store, "once", &message, NULL), ACESO_OK);
    message.data = buffer_bytes(&other);
    assert_int_equal(outbox_add(store, "once", &message, NULL), ACESO_EEXISTS);
    message.data = buffer_bytes(&call);
    message.to = consortium.deployment.arsc;
    assert_int_equal(outbox_add(store, "once", &message, NULL), ACESO_EEXISTS);
    memset(longest, 'k', sizeof longest);
    longest[OUTBOX_KEY_MAX + 1] = '\0';
    assert_int_equal(outbox_add(store, longest, &message, NULL), ACESO_EUSAGE);
    assert_int_equal(outbox_add(store, "", &message, NULL), ACESO_EUSAGE);
    run(0);
    expect_hospitals(1);
    buffer_free(&call);
    buffer_free(&other);
}

static void test_a_doomed_message_fails_without_a_number(void **state)
{
    const uint64_t before = nonce_of_ca();
    const char *doomed = add("one"); /* the label is taken */
    const char *next = add("after-the-doomed");
    struct outbox_result result;

    (void)state;
    run(0);
    result = result_of(doomed);
    assert_int_equal(result.state, OUTBOX_FAILED);
    assert_false(result.in_block);
    assert_true(result.settled);
    assert_non_null(strstr(result.reason, "AddressMapping"));
    assert_int_equal(result_of(next).state, OUTBOX_MINED);
    assert_int_equal(nonce_of_ca(), before + 1);
}

static void test_a_node_that_is_down_is_waited_for(void **state)
{
    struct aceso_error error = { .code = ACESO_OK };
    struct outbox_result result;
    const char *key;

    (void)state;
    anvil_wait_dump(&consortium.anvil, 6);
    anvil_kill(&consortium.anvil);
    key = add("while-down");
    assert_int_equal(outbox_run(consortium.ca.outbox, NULL, &error), ACESO_EIO);
    assert_int_equal(result_of(key).state, OUTBOX_QUEUED);
    assert_int_equal(outbox_wait(consortium.ca.outbox, key, 1, &result, NULL), ACESO_ETIMEOUT);
    anvil_restart(&consortium.anvil);
    assert_int_equal(outbox_wait(consortium.ca.outbox, key, 20000, &result, &error), ACESO_OK);
    assert_int_equal(result.state, OUTBOX_MINED);
    expect_hospitals(3);
}

/* A snapshot and the return to it: the chain forgets blocks. */
static void snapshot(struct buffer *id)
{
    assert_int_equal(buffer_put_u8(id, '['), 0);
    assert_int_equal(rpc_request(consortium.anvil.rpc, "evm_snapshot", "[]", id, NULL), ACESO_OK);
    assert_int_equal(buffer_put_u8(id, ']'), 0);
}

static void go_back(struct buffer *id)
{
    anvil_request(&consortium.anvil, "evm_revert", buffer_text(id));
    buffer_free(id);
}

static void test_a_chain_that_forgets_gets_the_same_bytes_again(void **state)
{
    static const char *const labels[] = { "alpha", "beta", "gamma" };
    struct buffer id = BUFFER_INIT(128);
    struct outbox_result before[3];
    const char *keys[3];
    const uint64_t nonce = nonce_of_ca();

    (void)state;
    snapshot(&id);
    for (size_t i = 0; i < 3; i++)
        keys[i] = add(labels[i]);
    run(0);
    for (size_t i = 0; i < 3; i++)
        before[i] = result_of(keys[i]);
    expect_hospitals(6);
    go_back(&id);
    expect_hospitals(3);
    consortium_reopen(&consortium, &consortium.ca, NULL);
    run(0);
    for (size_t i = 0; i < 3; i++) {
        struct outbox_result after = result_of(keys[i]);

        assert_int_equal(after.state, OUTBOX_MINED);
        assert_memory_equal(after.transaction, before[i].transaction, 32);
    }
    expect_hospitals(6);
    assert_int_equal(nonce_of_ca(), nonce + 3);
}

static void test_kill_9_and_older_state_lose_and_double_nothing(void **state)
{
    struct rpc_block block;
    uint64_t nonce;
    const char *key;

    (void)state;
    assert_int_equal(rpc_block(consortium.anvil.rpc, RPC_LATEST, &block, NULL), ACESO_OK);
    anvil_wait_dump(&consortium.anvil, block.number);
    nonce = nonce_of_ca();
    (void)add("delta");
    key = add("epsilon");
    run(0);
    expect_hospitals(8);
    anvil_kill(&consortium.anvil); /* most often before the next dump */
    anvil_restart(&consortium.anvil);
    consortium_reopen(&consortium, &consortium.ca, NULL);
    run(0);
    assert_int_equal(result_of(key).state, OUTBOX_MINED);
    expect_hospitals(8);
    assert_int_equal(nonce_of_ca(), nonce + 2);
}

/* The hospital's message builds on the CA's, which the chain forgot: it waits, it does not fail. */
static void test_a_message_waits_for_what_it_builds_on(void **state)
{
    struct amsc_hospital hospital = { .label = "waits", .url = "https://127.0.0.1/" };
    struct buffer id = BUFFER_INIT(128), call = BUFFER_INIT(1 << 20);
    struct outbox_result result;
    uint8_t digest[32];
    const char *key;

    (void)state;
    snapshot(&id);
    memcpy(hospital.key, consortium.hospital.address, 20);
    memset(hospital.seal_key, 0x5e, 32);
    memset(hospital.tls_key_digest, 0x71, 32);
    assert_int_equal(amsc_call_register_hospital(&hospital, &call, NULL), ACESO_OK);
    (void)consortium_add(&consortium, &consortium.ca, consortium.deployment.amsc, &call);
    run(0);
    consortium_run(&consortium.hospital, 0);
    go_back(&id);
    memset(digest, 0xd1, sizeof digest);
    assert_int_equal(amsc_call_publish_keys(digest, &call, NULL), ACESO_OK);
    key = consortium_add(&consortium, &consortium.hospital, consortium.deployment.amsc, &call);
    assert_int_equal(outbox_run(consortium.hospital.outbox, NULL, NULL), ACESO_OK);
    assert_int_equal(outbox_result(consortium.hospital.outbox, key, &result, NULL), ACESO_OK);
    assert_int_equal(result.state, OUTBOX_QUEUED);
    run(0);
    consortium_run(&consortium.hospital, 0);
    assert_int_equal(outbox_result(consortium.hospital.outbox, key, &result, NULL), ACESO_OK);
    assert_int_equal(result.state, OUTBOX_MINED);
}

static void drop(const char *key)
{
    char params[80] = "[\"0x";
    const struct outbox_result result = result_of(key);

    for (size_t i = 0; i < 32; i++)
        (void)snprintf(params + 4 + 2 * i, 3, "%02x", result.transaction[i]);
    (void)snprintf(params + 68, sizeof params - 68, "\"]");
    anvil_request(&consortium.anvil, "anvil_dropTransaction", params);
}

/* What a crash between writing down and sending leaves: a row that the node does not know. */
static void test_a_transaction_that_never_arrived_is_sent_again(void **state)
{
    struct outbox_result result;
    bool known = true;
    const char *key;

    (void)state;
    anvil_request(&consortium.anvil, "evm_setAutomine", "[false]");
    key = add("dropped");
    run(1);
    drop(key);
    result = result_of(key);
    assert_int_equal(result.state, OUTBOX_SENT);
    assert_int_equal(rpc_transaction_known(consortium.anvil.rpc, result.transaction, &known, NULL),
                     ACESO_OK);
    assert_false(known);
    consortium_reopen(&consortium, &consortium.ca, NULL);
    run(1);
    assert_int_equal(rpc_transaction_known(consortium.anvil.rpc, result.transaction, &known, NULL),
                     ACESO_OK);
    assert_true(known);
    anvil_request(&consortium.anvil, "evm_setAutomine", "[true]");
    anvil_request(&consortium.anvil, "evm_mine", "[]");
    run(0);
    assert_int_equal(result_of(key).state, OUTBOX_MINED);
    expect_hospitals(10);
}

static void test_a_revert_in_a_block_is_told_in_words(void **state)
{
    const struct outbox_settings settings = { .ahead_max = 2 };
    const char *first, *second;
    struct outbox_result result;

    (void)state;
    consortium_reopen(&consortium, &consortium.ca, &settings);
    anvil_request(&consortium.anvil, "evm_setAutomine", "[false]");
    first = add("twice");
    second = add("twice");
    run(2); /* both pass the trial on the newest block */
    anvil_request(&consortium.anvil, "evm_mine", "[]");
    anvil_request(&consortium.anvil, "evm_setAutomine", "[true]");
    run(0);
    assert_int_equal(result_of(first).state, OUTBOX_MINED);
    result = result_of(second);
    assert_int_equal(result.state, OUTBOX_FAILED);
    assert_true(result.in_block);
    assert_non_null(strstr(result.reason, "AddressMapping"));
    assert_int_equal(outbox_retry(consortium.ca.store, first, NULL), ACESO_ESTATE);
    assert_int_equal(outbox_retry(consortium.ca.store, second, NULL), ACESO_OK);
    assert_int_equal(result_of(second).state, OUTBOX_QUEUED);
    run(0); /* tried again, it fails before it is sent */
    assert_false(result_of(second).in_block);
    expect_hospitals(11);
}

/* Runs the outbox until a block holds `key`: the chain may answer before it has the receipt. */
static void run_until_mined(const char *key)
{
    const int64_t end = time_monotonic_ms() + 10000;

    do {
        assert_true(time_monotonic_ms() < end);
        assert_int_equal(outbox_run(consortium.ca.outbox, NULL, NULL), ACESO_OK);
    } while (result_of(key).state != OUTBOX_MINED);
}

static void test_a_block_counts_when_it_is_settled(void **state)
{
    const struct outbox_settings settings = { .confirmation = { .depth = 2 } };
    struct buffer id = BUFFER_INIT(128);
    struct outbox_result result;
    const char *key;

    (void)state;
    consortium_reopen(&consortium, &consortium.ca, &settings);
    run(0);
    snapshot(&id);
    key = add("settled-late");
    run_until_mined(key);
    result = result_of(key);
    assert_int_equal(result.state, OUTBOX_MINED);
    assert_false(result.settled);
    assert_int_equal(outbox_wait(consortium.ca.outbox, key, 1, &result, NULL), ACESO_ETIMEOUT);
    go_back(&id); /* a reorganisation before it was settled */
    anvil_request(&consortium.anvil, "evm_mine", "[]");
    run_until_mined(key);
    anvil_request(&consortium.anvil, "anvil_mine", "[\"0x2\"]");
    run(0);
    assert_true(result_of(key).settled);
    expect_hospitals(12);
    consortium_reopen(&consortium, &consortium.ca, NULL);
}

static void *run_in_thread(void *context)
{
    (void)context;
    for (size_t i = 0; i < 10; i++)
        if (outbox_run(consortium.ca.outbox, NULL, NULL))
            return (void *)1;
    return NULL;
}

static void test_many_threads_send_each_message_once(void **state)
{
    const uint64_t nonce = nonce_of_ca();
    char labels[6][16];
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(labels[i], sizeof labels[i], "thread-%zu", i);
        (void)add(labels[i]);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_in_thread, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    run(0);
    expect_hospitals(18);
    assert_int_equal(nonce_of_ca(), nonce + 6);
}

/* The key is used by another program, against the rule: the row fails, and can be tried again. */
static void test_a_number_that_another_program_took(void **state)
{
    struct party thief = consortium.ca;
    struct outbox_settings settings = { .store = NULL, .rpc = consortium.anvil.rpc,
                                        .secret = consortium.ca.secret,
                                        .chain_id = ANVIL_CHAIN_ID };
    const char *const migrations[] = { outbox_schema };
    struct buffer call = registering("thief");
    const struct outbox_message message = { .to = consortium.deployment.amsc,
                                            .data = buffer_bytes(&call) };
    const char *key;

    (void)state;
    anvil_request(&consortium.anvil, "evm_setAutomine", "[false]");
    key = add("robbed");
    run(1);
    drop(key);
    anvil_request(&consortium.anvil, "evm_setAutomine", "[true]");
    assert_int_equal(store_open(":memory:", migrations, 1, &thief.store, NULL), ACESO_OK);
    settings.store = thief.store;
    assert_int_equal(outbox_open(&settings, &thief.outbox, NULL), ACESO_OK);
    assert_int_equal(outbox_add(thief.store, "theft", &message, NULL), ACESO_OK);
    consortium_run(&thief, 0);
    outbox_close(thief.outbox);
    store_close(thief.store);
    buffer_free(&call);
    run(0);
    assert_int_equal(result_of(key).state, OUTBOX_FAILED);
    assert_int_equal(outbox_retry(consortium.ca.store, key, NULL), ACESO_OK);
    run(0);
    assert_int_equal(result_of(key).state, OUTBOX_MINED);
    expect_hospitals(20);
}

static void test_refuses_another_chain(void **state)
{
    struct outbox_settings settings = { .store = consortium.ca.sender,
                                        .rpc = consortium.anvil.rpc,
                                        .secret = consortium.ca.secret, .chain_id = 5 };
    static const uint8_t zero[32];
    struct outbox *outbox = NULL;

    (void)state;
    assert_int_equal(outbox_open(&settings, &outbox, NULL), ACESO_OK);
    assert_int_equal(outbox_run(outbox, NULL, NULL), ACESO_ESTATE);
    outbox_close(outbox);
    settings.secret = zero;
    assert_int_equal(outbox_open(&settings, &outbox, NULL), ACESO_EUSAGE);
}

static void test_keeps_to_its_caps(void **state)
{
    struct outbox_settings settings = { .gas_max = 30000 };
    struct aceso_error error = { .code = ACESO_OK };
    const char *key;

    (void)state;
    consortium_reopen(&consortium, &consortium.ca, &settings);
    key = add("too-much-gas");
    run(0);
    assert_non_null(strstr(result_of(key).reason, "cap"));
    settings.gas_max = 0;
    settings.fee_max = 1;
    consortium_reopen(&consortium, &consortium.ca, &settings);
    key = add("too-dear");
    assert_int_equal(outbox_run(consortium.ca.outbox, NULL, &error), ACESO_ELIMIT);
    assert_int_equal(result_of(key).state, OUTBOX_QUEUED);
    consortium_reopen(&consortium, &consortium.ca, NULL);
    run(0);
    assert_int_equal(result_of(key).state, OUTBOX_MINED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_one_message),
        cmocka_unit_test(test_a_doomed_message_fails_without_a_number),
        cmocka_unit_test(test_a_node_that_is_down_is_waited_for),
        cmocka_unit_test(test_a_chain_that_forgets_gets_the_same_bytes_again),
        cmocka_unit_test(test_kill_9_and_older_state_lose_and_double_nothing),
        cmocka_unit_test(test_a_message_waits_for_what_it_builds_on),
        cmocka_unit_test(test_a_transaction_that_never_arrived_is_sent_again),
        cmocka_unit_test(test_a_revert_in_a_block_is_told_in_words),
        cmocka_unit_test(test_a_block_counts_when_it_is_settled),
        cmocka_unit_test(test_many_threads_send_each_message_once),
        cmocka_unit_test(test_a_number_that_another_program_took),
        cmocka_unit_test(test_refuses_another_chain),
        cmocka_unit_test(test_keeps_to_its_caps),
    };

    return cmocka_run_group_tests_name("chain/outbox", tests, start, stop);
}
