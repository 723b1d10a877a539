/* SPDX-License-Identifier: Apache-2.0 */
#include "node/recent.h"

#include "base/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recent {
    pthread_mutex_t lock;
    struct recent_peer peer[RECENT_PEERS_MAX]; /* newest first */
    size_t count;
    struct recent_failure failure;
    bool failed;
};

struct recent *recent_create(void)
{
    struct recent *recent = calloc(1, sizeof *recent);

    if (recent)
        (void)pthread_mutex_init(&recent->lock, NULL);
    return recent;
}

void recent_free(struct recent *recent)
{
    if (!recent)
        return;
    (void)pthread_mutex_destroy(&recent->lock);
    free(recent);
}

static bool peer_same(const struct recent_peer *a, const struct recent_peer *b)
{
    return a->outgoing == b->outgoing && memcmp(a->address, b->address, 20) == 0 &&
           strcmp(a->role, b->role) == 0;
}

void recent_call(struct recent *recent, bool outgoing, const char *role,
                 const uint8_t address[20], int code)
{
    struct recent_peer peer = { .outgoing = outgoing, .at = time_now(), .code = code };
    size_t at = 0;

    if (!recent)
        return;
    (void)snprintf(peer.role, sizeof peer.role, "%s", role);
    memcpy(peer.address, address, 20);
    (void)pthread_mutex_lock(&recent->lock);
    while (at < recent->count && !peer_same(&recent->peer[at], &peer))
        at++;
    if (at == recent->count && at < RECENT_PEERS_MAX)
        recent->count++;
    if (at == RECENT_PEERS_MAX)
        at--;
    memmove(recent->peer + 1, recent->peer, at * sizeof recent->peer[0]);
    recent->peer[0] = peer;
    if (outgoing && (code == ACESO_EIO || code == ACESO_ETIMEOUT)) {
        recent->failure = (struct recent_failure){ .at = peer.at, .peer = peer };
        recent->failed = true;
    }
    (void)pthread_mutex_unlock(&recent->lock);
}

void recent_fail(struct recent *recent, const char *format, ...)
{
    struct recent_failure failure = { .at = time_now() };
    va_list arguments;

    if (!recent)
        return;
    va_start(arguments, format);
    (void)vsnprintf(failure.text, sizeof failure.text, format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&recent->lock);
    recent->failure = failure;
    recent->failed = true;
    (void)pthread_mutex_unlock(&recent->lock);
}

size_t recent_peers(struct recent *recent, struct recent_peer peers[RECENT_PEERS_MAX])
{
    size_t count;

    if (!recent)
        return 0;
    (void)pthread_mutex_lock(&recent->lock);
    count = recent->count;
    memcpy(peers, recent->peer, count * sizeof peers[0]);
    (void)pthread_mutex_unlock(&recent->lock);
    return count;
}

bool recent_failure(struct recent *recent, struct recent_failure *failure)
{
    bool failed;

    if (!recent)
        return false;
    (void)pthread_mutex_lock(&recent->lock);
    failed = recent->failed;
    if (failed)
        *failure = recent->failure;
    (void)pthread_mutex_unlock(&recent->lock);
    return failed;
}
