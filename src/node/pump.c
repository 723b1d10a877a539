/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pump.h"

#include "node/frame.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
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
    struct buffer waiting; /* secret: what was opened passes through here, as frames */
    uint64_t data_bytes, proof_bytes; /* that went into it */
    char message[FRAME_MESSAGE_MAX + 1];
    bool begun, ended, finished, abandoned; /* finished: the last frame is in `waiting` too */
    int code;
    struct aceso_error error;
};

static int pump_put_frame(struct pump *pump, enum frame_kind kind, struct bytes bytes,
                          struct aceso_error *error)
{
    int code;

    (void)pthread_mutex_lock(&pump->lock);
    while (pump->waiting.len >= PUMP_SIZE && !pump->abandoned)
        (void)pthread_cond_wait(&pump->changed, &pump->lock);
    if (pump->abandoned)
        code = error_set(error, ACESO_ECANCELLED, NULL, "nobody reads any more");
    else
        code = frame_put(kind, bytes, &pump->waiting);
    *(kind == FRAME_DATA ? &pump->data_bytes : &pump->proof_bytes) += bytes.len;
    (void)pthread_cond_broadcast(&pump->changed);
    (void)pthread_mutex_unlock(&pump->lock);
    return code;
}

/* In pieces, so that what waits stays within its bound however long a line is. */
static int pump_put_frames(struct pump *pump, enum frame_kind kind, struct bytes bytes,
                           struct aceso_error *error)
{
    int code = ACESO_OK;

    while (bytes.len && !code) {
        size_t take = bytes.len < FRAME_BODY_MAX ? bytes.len : FRAME_BODY_MAX;

        code = pump_put_frame(pump, kind, bytes_of(bytes.data, take), error);
        bytes.data += take;
        bytes.len -= take;
    }
    return code;
}

int pump_put(struct pump *pump, struct bytes bytes, struct aceso_error *error)
{
    return pump_put_frames(pump, FRAME_DATA, bytes, error);
}

int pump_put_proof(struct pump *pump, struct bytes bytes, struct aceso_error *error)
{
    return pump_put_frames(pump, FRAME_PROOF, bytes, error);
}

void pump_say(struct pump *pump, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)pthread_mutex_lock(&pump->lock);
    (void)vsnprintf(pump->message, sizeof pump->message, format, arguments);
    (void)pthread_mutex_unlock(&pump->lock);
    va_end(arguments);
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

/* The work is over: says how, behind what it has put. */
static void pump_finish(struct pump *pump)
{
    pump->finished = true;
    if (pump->code) {
        pump->error.code = pump->code;
        (void)frame_put_problem(&pump->error, &pump->waiting);
    } else {
        (void)frame_put_end(pump->data_bytes, pump->proof_bytes, pump->message, &pump->waiting);
    }
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
    if (pump->ended && pump->code && !pump->begun) {
        code = pump->code;
        if (error)
            *error = pump->error;
    } else {
        if (pump->ended && !pump->finished)
            pump_finish(pump);
        taken = pump->waiting.len < HTTP_CHUNK_SIZE ? pump->waiting.len : HTTP_CHUNK_SIZE;
        code = pump->waiting.failed;
        if (!code)
            code = buffer_put(chunk, pump->waiting.data, taken);
        if (!code && taken) {
            memmove(pump->waiting.data, pump->waiting.data + taken, pump->waiting.len - taken);
            pump->waiting.len -= taken;
            pump->begun = true;
        }
        *end = pump->finished && pump->waiting.len == 0;
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
