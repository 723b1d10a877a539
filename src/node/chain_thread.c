/* SPDX-License-Identifier: Apache-2.0 */
#include "node/chain_thread.h"

#include "base/log.h"
#include "base/text.h"
#include "chain/follower.h"
#include "node/ledger.h"
#include "node/node.h"
#include "node/recent.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CHAIN_TURN_MS 150
#define CHAIN_TURN_DOWN_MS 500

struct chain_thread {
    struct node *node;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool stopping;
    bool woken, answers;
    uint64_t seen;
    /* the thread's own */
    struct store *store;
    struct follower *follower;
    uint8_t topics[LEDGER_TOPICS][32]; /* of the follower's events */
};

static void chain_wait(struct chain_thread *thread, unsigned ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&thread->lock);
    if (!thread->woken && !atomic_load(&thread->stopping))
        (void)pthread_cond_timedwait(&thread->changed, &thread->lock, &until);
    thread->woken = false;
    (void)pthread_mutex_unlock(&thread->lock);
}

static int chain_open(struct chain_thread *thread, struct aceso_error *error)
{
    struct node *node = thread->node;
    struct follower_settings settings = {
        .rpc = node->rpc,
        .first_block = node->config.network.first_block,
        .chain_id = node->config.network.chain_id,
        .context = node,
        .known = ledger_known,
        .handle = ledger_handle,
        .reset = ledger_reset,
    };
    int code = ACESO_OK;

    if (!thread->store)
        code = node_store(node, &thread->store, error);
    if (!code)
        code = confirmation_parse(node->config.confirmation, &settings.confirmation, error);
    settings.store = thread->store;
    ledger_topics(thread->topics);
    settings.topic0 = (const uint8_t(*)[32])thread->topics;
    settings.topics = LEDGER_TOPICS;
    if (!code)
        code = follower_open(&settings, &thread->follower, error);
    return code;
}

static int chain_turn(struct chain_thread *thread, struct aceso_error *error)
{
    struct node *node = thread->node;
    uint64_t seen = 0, settled = 0;
    bool done = true;
    int sent = ACESO_OK, code = ACESO_OK;

    /* What cannot be sent now must not keep the node from seeing what others did. */
    if (node->outbox)
        sent = outbox_run(node->outbox, NULL, error);
    if (!node_network(node))
        return sent;
    if (!thread->follower)
        code = chain_open(thread, error);
    do {
        if (!code)
            code = follower_run(thread->follower, 0, &done, error);
    } while (!code && !done && !atomic_load(&thread->stopping));
    if (code)
        return code;
    follower_position(thread->follower, &seen, &settled);
    (void)pthread_mutex_lock(&thread->lock);
    thread->seen = seen;
    (void)pthread_cond_broadcast(&thread->changed);
    (void)pthread_mutex_unlock(&thread->lock);
    code = roles_tick(&node->roles, node, thread->store, error);
    return code ? code : sent;
}

static void chain_forget(struct chain_thread *thread)
{
    follower_close(thread->follower);
    thread->follower = NULL;
    store_close(thread->store);
    thread->store = NULL;
}

static void *chain_main(void *data)
{
    struct chain_thread *thread = data;
    struct aceso_error error = { 0 };
    int before = ACESO_OK;

    while (!atomic_load(&thread->stopping)) {
        int code = chain_turn(thread, &error);

        (void)pthread_mutex_lock(&thread->lock);
        thread->answers = !code;
        (void)pthread_mutex_unlock(&thread->lock);
        if (code && code != before) {
            log_warning("the chain: %s", error.text);
            recent_fail(thread->node->recent, "the chain: %s", error.text);
        }
        else if (!code && before)
            log_info("the chain answers again");
        before = code;
        chain_wait(thread, code ? CHAIN_TURN_DOWN_MS : CHAIN_TURN_MS);
    }
    chain_forget(thread);
    return NULL;
}

int chain_thread_start(struct node *node, struct chain_thread **out, struct aceso_error *error)
{
    struct chain_thread *thread = calloc(1, sizeof *thread);
    pthread_condattr_t attributes;

    if (!thread)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    thread->node = node;
    (void)pthread_mutex_init(&thread->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&thread->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    *out = thread; /* the thread itself looks at node->chain */
    if (pthread_create(&thread->thread, NULL, chain_main, thread) != 0) {
        *out = NULL;
        free(thread);
        return error_set(error, ACESO_EINTERNAL, NULL, "a thread could not be started");
    }
    return ACESO_OK;
}

void chain_thread_stop(struct chain_thread *thread)
{
    if (!thread)
        return;
    (void)pthread_mutex_lock(&thread->lock);
    atomic_store(&thread->stopping, true);
    (void)pthread_cond_broadcast(&thread->changed);
    (void)pthread_mutex_unlock(&thread->lock);
    (void)pthread_join(thread->thread, NULL);
    (void)pthread_cond_destroy(&thread->changed);
    (void)pthread_mutex_destroy(&thread->lock);
    free(thread);
}

void chain_thread_wake(struct chain_thread *thread)
{
    (void)pthread_mutex_lock(&thread->lock);
    thread->woken = true;
    (void)pthread_cond_broadcast(&thread->changed);
    (void)pthread_mutex_unlock(&thread->lock);
}

int chain_thread_reach(struct chain_thread *thread, uint64_t block, unsigned timeout_ms,
                       struct aceso_error *error)
{
    int64_t end = time_monotonic_ms() + timeout_ms;
    int code = ACESO_OK;

    chain_thread_wake(thread);
    (void)pthread_mutex_lock(&thread->lock);
    while (thread->seen < block && !code) {
        struct timespec until;
        int64_t left = end - time_monotonic_ms();

        if (atomic_load(&thread->stopping))
            code = error_set(error, ACESO_ECANCELLED, NULL, "the node stops");
        else if (left <= 0)
            code = error_set(error, ACESO_ETIMEOUT, NULL, "the chain's events did not come");
        if (code)
            break;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += left / 1000 + 1;
        (void)pthread_cond_timedwait(&thread->changed, &thread->lock, &until);
    }
    (void)pthread_mutex_unlock(&thread->lock);
    return code;
}

bool chain_thread_stopping(const struct chain_thread *thread)
{
    return atomic_load(&thread->stopping);
}

void chain_thread_position(struct chain_thread *thread, uint64_t *block, bool *answers)
{
    (void)pthread_mutex_lock(&thread->lock);
    *block = thread->seen;
    *answers = thread->answers;
    (void)pthread_mutex_unlock(&thread->lock);
}
