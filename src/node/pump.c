/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pump.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PUMP_SIZE ((size_t)1 << 20)

struct pump {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    pump_fn *work;
    void *data;
    void (*release)(void *data);
    struct buffer waiting; /* secret: what was opened passes through here */
    bool ended, abandoned;
    int code;
    struct aceso_error error;
};

int pump_put(struct pump *pump, struct bytes bytes, struct aceso_error *error)
{
    int code = ACESO_OK;

    (void)pthread_mutex_lock(&pump->lock);
    while (pump->waiting.len >= PUMP_SIZE && !pump->abandoned)
        (void)pthread_cond_wait(&pump->changed, &pump->lock);
    if (pump->abandoned)
        code = error_set(error, ACESO_ECANCELLED, NULL, "nobody reads any more");
    else
        code = buffer_put_bytes(&pump->waiting, bytes);
    (void)pthread_cond_broadcast(&pump->changed);
    (void)pthread_mutex_unlock(&pump->lock);
    return code;
}

static void *pump_main(void *data)
{
    struct pump *pump = data;
    struct aceso_error error = { 0 };
    int code = pump->work(pump, pump->data, &error);

    (void)pthread_mutex_lock(&pump->lock);
    pump->ended = true;
    pump->code = code;
    pump->error = error;
    (void)pthread_cond_broadcast(&pump->changed);
    (void)pthread_mutex_unlock(&pump->lock);
    return NULL;
}

/* Waits until there is something to hand over: a whole chunk, or the end. */
static int pump_next(void *state, struct buffer *chunk, bool *end, struct aceso_error *error)
{
    struct pump *pump = state;
    int code = ACESO_OK;
    size_t taken;

    (void)pthread_mutex_lock(&pump->lock);
    while (pump->waiting.len < HTTP_CHUNK_SIZE && !pump->ended)
        (void)pthread_cond_wait(&pump->changed, &pump->lock);
    taken = pump->waiting.len < HTTP_CHUNK_SIZE ? pump->waiting.len : HTTP_CHUNK_SIZE;
    if (pump->ended && pump->code) {
        code = pump->code;
        if (error)
            *error = pump->error;
    } else {
        code = buffer_put(chunk, pump->waiting.data, taken);
        if (!code && taken) {
            memmove(pump->waiting.data, pump->waiting.data + taken, pump->waiting.len - taken);
            pump->waiting.len -= taken;
        }
        *end = pump->ended && pump->waiting.len == 0;
    }
    (void)pthread_cond_broadcast(&pump->changed);
    (void)pthread_mutex_unlock(&pump->lock);
    return code;
}

static void pump_free(void *state)
{
    struct pump *pump = state;

    (void)pthread_mutex_lock(&pump->lock);
    pump->abandoned = true;
    (void)pthread_cond_broadcast(&pump->changed);
    (void)pthread_mutex_unlock(&pump->lock);
    (void)pthread_join(pump->thread, NULL);
    if (pump->release)
        pump->release(pump->data);
    buffer_free(&pump->waiting);
    (void)pthread_cond_destroy(&pump->changed);
    (void)pthread_mutex_destroy(&pump->lock);
    free(pump);
}

int pump_start(pump_fn *work, void *data, void (*release)(void *data), struct http_stream *stream,
               struct aceso_error *error)
{
    struct pump *pump = calloc(1, sizeof *pump);

    if (!pump)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    (void)pthread_mutex_init(&pump->lock, NULL);
    (void)pthread_cond_init(&pump->changed, NULL);
    pump->waiting = (struct buffer)BUFFER_INIT_SECRET((size_t)64 << 20);
    pump->work = work;
    pump->data = data;
    pump->release = release;
    if (pthread_create(&pump->thread, NULL, pump_main, pump) != 0) {
        free(pump);
        return error_set(error, ACESO_EINTERNAL, NULL, "a thread could not be started");
    }
    *stream = (struct http_stream){ .next = pump_next, .free = pump_free, .state = pump };
    return ACESO_OK;
}
