/* SPDX-License-Identifier: Apache-2.0 */
/* The follower on a real chain: order, resuming, strangers' events, reorganisations, settling. */
#include "chain/follower.h"

#include "chain/consortium.h"
#include "contracts_abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct consortium consortium;
static uint8_t topics[CONTRACT_TOPICS_MAX][32];
static size_t topics_count;
static uint64_t first_block;
static unsigned resets;
static int64_t fail_at; /* the handler fails at the event of this number in a row, 0: never */
static int64_t handled;

static int start(void **state)
{
    struct rpc_block block;

    (void)state;
    topics_count = contract_topics(topics);
    consortium_start(&consortium, true);
    assert_int_equal(rpc_block(consortium.anvil.rpc, RPC_LATEST, &block, NULL), ACESO_OK);
    first_block = block.number;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    consortium_stop(&consortium);
    return 0;
}

static bool known(void *context, struct store *store, const uint8_t address[20])
{
    struct statement *select;
    bool found;

    (void)context;
    if (memcmp(address, consortium.deployment.amsc, 20) == 0 ||
        memcmp(address, consortium.deployment.arsc, 20) == 0)
        return true;
    if (store_prepare(store, "SELECT 1 FROM contract WHERE address = ?1", &select, NULL))
        return false;
    statement_bind_blob(select, 1, bytes_of(address, 20));
    found = statement_step(select, NULL) == 1;
    statement_finish(select);
    return found;
}

static int add_contract(struct store *store, const uint8_t address[20], struct aceso_error *error)
{
    struct statement *insert;
    int code = store_prepare(store, "INSERT OR IGNORE INTO contract (address) VALUES (?1)",
                             &insert, error);

    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(address, 20));
    return statement_run(insert, error);
}

static int add_seen(struct store *store, const struct follower_event *event,
                    struct aceso_error *error)
{
    struct statement *insert;
    int code = store_prepare(store, "INSERT INTO seen (address, topic, block, first, settled)"
                                    " VALUES (?1, ?2, ?3, ?4, ?5)", &insert, error);

    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(event->log->address, 20));
    statement_bind_blob(insert, 2, bytes_of(event->log->topic[0], 32));
    statement_bind_int(insert, 3, (int64_t)event->log->block);
    statement_bind_int(insert, 4, event->first);
    statement_bind_int(insert, 5, event->settled);
    return statement_run(insert, error);
}

static int handle(void *context, struct store *store, const struct follower_event *event,
                  struct aceso_error *error)
{
    struct amsc_event read;
    int code = add_seen(store, event, error);

    (void)context;
    if (!code && ++handled == fail_at)
        code = error_set(error, ACESO_EINTERNAL, NULL, "the handler fails once");
    if (!code && amsc_event_read(event->log, &read, NULL) == ACESO_OK &&
        read.kind == AMSC_RELATIONSHIP_CREATED)
        code = add_contract(store, read.relationship, error);
    return code;
}

static int reset(void *context, struct store *store, struct aceso_error *error)
{
    (void)context;
    resets++;
    return store_exec(store, "DELETE FROM seen; DELETE FROM contract;", error);
}

static struct follower *open_follower(uint64_t depth, uint64_t range_max)
{
    const struct follower_settings settings = {
        .store = consortium.institute.store, .rpc = consortium.anvil.rpc,
        .confirmation = { .depth = depth }, .first_block = first_block,
        .chain_id = ANVIL_CHAIN_ID, .topic0 = (const uint8_t (*)[32])topics,
        .topics = topics_count, .range_max = range_max, .known = known, .handle = handle,
        .reset = reset,
    };
    struct follower *follower = NULL;

    assert_int_equal(follower_open(&settings, &follower, NULL), ACESO_OK);
    return follower;
}

/* Follows to the end with a new follower, as after a start. */
static void follow(uint64_t depth, uint64_t range_max)
{
    struct follower *follower = open_follower(depth, range_max);
    struct aceso_error error = { .code = ACESO_OK };
    bool done = false;

    if (follower_run(follower, 0, &done, &error))
        fail_msg("follower_run: %s", error.text);
    assert_true(done);
    follower_close(follower);
}

/* The number of rows of `seen` where `condition` holds. */
static int64_t count(const char *condition)
{
    struct statement *select;
    char sql[256];
    int64_t number;

    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM seen WHERE %s", condition);
    assert_int_equal(store_prepare(consortium.institute.store, sql, &select, NULL), ACESO_OK);
    assert_int_equal(statement_step(select, NULL), 1);
    number = statement_int(select, 0);
    statement_finish(select);
    return number;
}

static int64_t count_topic(const uint8_t topic[32])
{
    char condition[96] = "topic = x'";

    for (size_t i = 0; i < 32; i++)
        (void)snprintf(condition + 10 + 2 * i, 3, "%02x", topic[i]);
    condition[74] = '\'';
    return count(condition);
}

static void start_over(void)
{
    assert_int_equal(store_exec(consortium.institute.store,
                                "DELETE FROM seen; DELETE FROM contract; DELETE FROM follower;",
                                NULL), ACESO_OK);
    resets = 0;
    handled = 0;
    fail_at = 0;
}

static void test_events_come_once_and_in_order(void **state)
{
    static const uint8_t registered[32] = AMSC_HOSPITAL_REGISTERED_TOPIC;
    static const uint8_t terms[32] = HPSC_TERMS_SET_TOPIC;
    struct contract hpsc;

    (void)state;
    consortium_register(&consortium);
    follow(0, 0);
    assert_int_equal(count_topic(registered), 1);
    assert_int_equal(count_topic(terms), 0);
    consortium_relate(&consortium, &hpsc);
    follow(0, 0);
    follow(0, 0);
    assert_int_equal(count_topic(registered), 1);
    assert_int_equal(count_topic(terms), 1); /* of a clone made in the same transaction */
    assert_int_equal(count("first = 0 OR settled = 0"), 0);
    assert_int_equal(resets, 0);
}

/* Four contracts of the same code by somebody else: same topics, other addresses. */
static void test_strangers_events_are_dropped(void **state)
{
    const struct deployment ours = consortium.deployment;
    int64_t before, after;

    (void)state;
    follow(0, 0);
    before = count("1");
    consortium_deploy(&consortium);
    consortium_register(&consortium);
    memcpy(&consortium.deployment, &ours, sizeof ours);
    consortium.amsc = contract_at(consortium.anvil.rpc, ours.amsc);
    consortium.arsc = contract_at(consortium.anvil.rpc, ours.arsc);
    follow(0, 0);
    after = count("1");
    assert_int_equal(before, after);
}

static void test_small_steps_lead_to_the_same_end(void **state)
{
    const int64_t before = count("1");
    struct follower *follower;
    uint64_t seen = 0, settled = 0, last = 0;
    bool done = false;

    (void)state;
    start_over();
    follower = open_follower(0, 3);
    while (!done) {
        assert_int_equal(follower_run(follower, 2, &done, NULL), ACESO_OK);
        follower_position(follower, &seen, &settled);
        assert_int_equal(seen, settled);
        assert_true(seen <= last + 2 || last == 0);
        assert_true(done || seen > last);
        last = seen;
    }
    follower_close(follower);
    assert_int_equal(count("1"), before);
    assert_int_equal(resets, 0);
}

static void test_a_handler_that_fails_gets_the_event_again(void **state)
{
    const int64_t before = count("1");
    struct follower *follower;

    (void)state;
    start_over();
    fail_at = 3;
    follower = open_follower(0, 0);
    assert_int_equal(follower_run(follower, 0, NULL, NULL), ACESO_EINTERNAL);
    assert_int_equal(count("1"), 0);
    assert_int_equal(follower_run(follower, 0, NULL, NULL), ACESO_OK);
    assert_int_equal(count("1"), before);
    follower_close(follower);
}

static void publish(uint8_t fill)
{
    struct buffer call = BUFFER_INIT(1 << 20);
    uint8_t digest[32];

    memset(digest, fill, sizeof digest);
    assert_int_equal(amsc_call_publish_keys(digest, &call, NULL), ACESO_OK);
    consortium_send(&consortium, &consortium.hospital, consortium.deployment.amsc, &call, NULL);
}

static void test_a_reorganisation_is_undone(void **state)
{
    static const uint8_t published[32] = AMSC_KEYS_PUBLISHED_TOPIC;
    struct buffer id = BUFFER_INIT(128);
    int64_t before;

    (void)state;
    start_over();
    follow(0, 0);
    before = count_topic(published);
    resets = 0;
    assert_int_equal(buffer_put_u8(&id, '['), 0);
    assert_int_equal(rpc_request(consortium.anvil.rpc, "evm_snapshot", "[]", &id, NULL), ACESO_OK);
    assert_int_equal(buffer_put_u8(&id, ']'), 0);
    publish(1);
    publish(2);
    follow(0, 0);
    assert_int_equal(count_topic(published), before + 2);
    anvil_request(&consortium.anvil, "evm_revert", buffer_text(&id));
    buffer_free(&id);
    follow(0, 0); /* a shorter chain */
    assert_int_equal(resets, 1);
    assert_int_equal(count_topic(published), before);
    anvil_request(&consortium.anvil, "anvil_mine", "[\"0x8\"]");
    follow(0, 0);
    consortium_run(&consortium.hospital, 0); /* the outbox sends both again */
    follow(0, 0);
    assert_int_equal(resets, 1);
    assert_int_equal(count_topic(published), before + 2);
}

static void test_a_longer_other_chain_is_noticed(void **state)
{
    static const uint8_t published[32] = AMSC_KEYS_PUBLISHED_TOPIC;
    struct buffer id = BUFFER_INIT(128);
    int64_t before;

    (void)state;
    follow(0, 0);
    before = count_topic(published);
    resets = 0;
    assert_int_equal(buffer_put_u8(&id, '['), 0);
    assert_int_equal(rpc_request(consortium.anvil.rpc, "evm_snapshot", "[]", &id, NULL), ACESO_OK);
    assert_int_equal(buffer_put_u8(&id, ']'), 0);
    publish(3);
    follow(0, 0);
    anvil_request(&consortium.anvil, "evm_revert", buffer_text(&id));
    buffer_free(&id);
    anvil_request(&consortium.anvil, "anvil_mine", "[\"0x8\"]");
    follow(0, 0);
    assert_int_equal(resets, 1);
    assert_int_equal(count_topic(published), before);
    consortium_run(&consortium.hospital, 0);
}

static void test_events_are_seen_first_and_settled_later(void **state)
{
    struct rpc_block block;
    char condition[64];

    (void)state;
    start_over();
    anvil_request(&consortium.anvil, "anvil_mine", "[\"0x3\"]");
    follow(2, 0);
    assert_int_equal(count("first = 0 OR settled = 0"), 0);
    publish(4);
    assert_int_equal(rpc_block(consortium.anvil.rpc, RPC_LATEST, &block, NULL), ACESO_OK);
    (void)snprintf(condition, sizeof condition, "first = 1 AND settled = 0 AND block = %llu",
                   (unsigned long long)block.number);
    follow(2, 0);
    assert_int_equal(count(condition), 1);
    assert_int_equal(count("first = 0"), 0);
    anvil_request(&consortium.anvil, "anvil_mine", "[\"0x2\"]");
    follow(2, 0);
    assert_int_equal(count(condition), 1);
    (void)snprintf(condition, sizeof condition, "first = 0 AND settled = 1 AND block = %llu",
                   (unsigned long long)block.number);
    assert_int_equal(count(condition), 1);
    assert_int_equal(count("first = 0"), 1);
}

static void test_kill_9_and_older_state(void **state)
{
    static const uint8_t published[32] = AMSC_KEYS_PUBLISHED_TOPIC;
    struct rpc_block block;
    int64_t before;

    (void)state;
    start_over();
    follow(0, 0);
    before = count_topic(published);
    assert_int_equal(rpc_block(consortium.anvil.rpc, RPC_LATEST, &block, NULL), ACESO_OK);
    anvil_wait_dump(&consortium.anvil, block.number);
    publish(5);
    follow(0, 0);
    anvil_kill(&consortium.anvil);
    anvil_restart(&consortium.anvil);
    consortium_run(&consortium.hospital, 0);
    follow(0, 0);
    assert_int_equal(count_topic(published), before + 1);
    start_over(); /* the node still has the events of the blocks before the kill */
    follow(0, 0);
    assert_int_equal(count_topic(published), before + 1);
}

static void test_refuses_another_chain(void **state)
{
    struct follower_settings settings = { .store = consortium.institute.store,
                                          .rpc = consortium.anvil.rpc, .chain_id = 5 };
    struct follower *follower = NULL;

    (void)state;
    assert_int_equal(follower_open(&settings, &follower, NULL), ACESO_OK);
    assert_int_equal(follower_run(follower, 0, NULL, NULL), ACESO_ESTATE);
    follower_close(follower);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_once_and_in_order),
        cmocka_unit_test(test_strangers_events_are_dropped),
        cmocka_unit_test(test_small_steps_lead_to_the_same_end),
        cmocka_unit_test(test_a_handler_that_fails_gets_the_event_again),
        cmocka_unit_test(test_a_reorganisation_is_undone),
        cmocka_unit_test(test_a_longer_other_chain_is_noticed),
        cmocka_unit_test(test_events_are_seen_first_and_settled_later),
        cmocka_unit_test(test_kill_9_and_older_state),
        cmocka_unit_test(test_refuses_another_chain),
    };

    return cmocka_run_group_tests_name("chain/follower", tests, start, stop);
}
