/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <uv.h>

#define LOOP_FILES_MAX 65536
#define LOOP_SIGNALS_MAX 8

struct loop_post {
    loop_fn *fn;
    void *data;
    struct loop_post *next;
};

struct loop_work {
    uv_work_t request;
    loop_fn *work;
    loop_done_fn *done;
    void *data;
};

struct loop_timer {
    uv_timer_t handle;
    loop_fn *fn;
    void *data;
    struct loop_timer *previous, *next;
};

struct loop_watch {
    uv_poll_t handle;
    loop_fn *fn;
    void *data;
    struct loop_watch *previous, *next;
};

struct loop_signal {
    uv_signal_t handle;
    loop_signal_fn *fn;
    void *data;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_mutex_t lock; /* guards the three below */
    struct loop_post *first, *last;
    bool stop;
    bool closing;
    struct loop_timer *timers;
    struct loop_watch *watches;
    size_t signal_count;
    struct loop_signal signals[LOOP_SIGNALS_MAX];
    size_t works;
    struct loop_work **running; /* so that destroy can cancel what has not begun */
    size_t running_size;
};

static int loop_uv_error(int result, struct aceso_error *error)
{
    int code = result == UV_ENOMEM ? ACESO_EMEMORY : ACESO_EIO;

    return error_set(error, code, NULL, "event loop: %s", uv_strerror(result));
}

/* Once a process: what the loop needs of it. */
static void loop_prepare_process(void)
{
    char threads[16];
    struct rlimit files;

    (void)snprintf(threads, sizeof threads, "%d", LOOP_THREADS);
    (void)setenv("UV_THREADPOOL_SIZE", threads, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < LOOP_FILES_MAX) {
        files.rlim_cur = files.rlim_max < LOOP_FILES_MAX ? files.rlim_max : LOOP_FILES_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void loop_run_posts(struct loop *loop, bool call)
{
    struct loop_post *post;

    uv_mutex_lock(&loop->lock);
    post = loop->first;
    loop->first = loop->last = NULL;
    uv_mutex_unlock(&loop->lock);
    while (post) {
        struct loop_post *next = post->next;

        if (call)
            post->fn(post->data);
        free(post);
        post = next;
    }
}

static void loop_on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    bool stop;

    if (loop->closing)
        return;
    loop_run_posts(loop, true);
    uv_mutex_lock(&loop->lock);
    stop = loop->stop;
    uv_mutex_unlock(&loop->lock);
    if (stop)
        uv_stop(&loop->uv);
}

int loop_create(struct loop **loop, struct aceso_error *error)
{
    static uv_once_t once = UV_ONCE_INIT;
    struct loop *made;
    int result;

    uv_once(&once, loop_prepare_process);
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for the event loop");
    result = uv_loop_init(&made->uv);
    if (result)
        goto fail;
    result = uv_mutex_init(&made->lock);
    if (result)
        goto fail_lock;
    result = uv_async_init(&made->uv, &made->wake, loop_on_wake);
    if (result)
        goto fail_wake;
    made->wake.data = made;
    made->uv.data = made;
    *loop = made;
    return ACESO_OK;

fail_wake:
    uv_mutex_destroy(&made->lock);
fail_lock:
    (void)uv_loop_close(&made->uv);
fail:
    free(made);
    return loop_uv_error(result, error);
}

void loop_destroy(struct loop *loop)
{
    int result;

    if (!loop)
        return;
    loop->closing = true;
    for (struct loop_timer *timer = loop->timers; timer; timer = timer->next)
        (void)uv_timer_stop(&timer->handle);
    for (struct loop_watch *watch = loop->watches; watch; watch = watch->next)
        (void)uv_poll_stop(&watch->handle);
    for (size_t i = 0; i < loop->running_size; i++) {
        if (loop->running[i])
            (void)uv_cancel((uv_req_t *)&loop->running[i]->request);
    }
    /* Until the last work is done: the wake handle alone would keep the loop alive for ever. */
    while (loop->works > 0)
        (void)uv_run(&loop->uv, UV_RUN_ONCE);
    while (loop->timers)
        loop_timer_stop(loop->timers);
    while (loop->watches)
        loop_watch_stop(loop->watches);
    for (size_t i = 0; i < loop->signal_count; i++)
        uv_close((uv_handle_t *)&loop->signals[i].handle, NULL);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop_run_posts(loop, false);
    uv_mutex_destroy(&loop->lock);
    result = uv_loop_close(&loop->uv);
    assert(result == 0 && "a handle was left open on the loop");
    (void)result;
    free(loop->running);
    free(loop);
}

int loop_run(struct loop *loop, struct aceso_error *error)
{
    bool stop;

    for (;;) {
        uv_mutex_lock(&loop->lock);
        stop = loop->stop;
        loop->stop = false;
        uv_mutex_unlock(&loop->lock);
        if (stop)
            return ACESO_OK;
        if (!uv_run(&loop->uv, UV_RUN_DEFAULT))
            return error_set(error, ACESO_EINTERNAL, NULL, "the loop has nothing to wait for");
    }
}

void loop_stop(struct loop *loop)
{
    uv_mutex_lock(&loop->lock);
    loop->stop = true;
    uv_mutex_unlock(&loop->lock);
    (void)uv_async_send(&loop->wake);
}

static void loop_on_work(uv_work_t *request)
{
    struct loop_work *work = request->data;

    work->work(work->data);
}

static void loop_after_work(uv_work_t *request, int status)
{
    struct loop_work *work = request->data;
    struct loop *loop = request->loop->data;
    struct loop_work copy = *work;

    for (size_t i = 0; i < loop->running_size; i++) {
        if (loop->running[i] == work)
            loop->running[i] = NULL;
    }
    loop->works--;
    free(work);
    copy.done(copy.data, status == UV_ECANCELED ? ACESO_ECANCELLED : ACESO_OK);
}

/* A free place in the list of running work; NULL when there is no memory. */
static struct loop_work **loop_work_slot(struct loop *loop)
{
    struct loop_work **grown;
    size_t size = loop->running_size ? 2 * loop->running_size : 32;

    for (size_t i = 0; i < loop->running_size; i++) {
        if (!loop->running[i])
            return &loop->running[i];
    }
    grown = realloc(loop->running, size * sizeof(struct loop_work *));
    if (!grown)
        return NULL;
    for (size_t i = loop->running_size; i < size; i++)
        grown[i] = NULL;
    loop->running = grown;
    grown += loop->running_size;
    loop->running_size = size;
    return grown;
}

int loop_work(struct loop *loop, loop_fn *work, loop_done_fn *done, void *data,
              struct aceso_error *error)
{
    struct loop_work **slot, *made;
    int result;

    if (loop->closing)
        return error_set(error, ACESO_ECANCELLED, NULL, "the event loop is closing");
    slot = loop_work_slot(loop);
    made = calloc(1, sizeof *made);
    if (!made || !slot) {
        free(made);
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for work");
    }
    *made = (struct loop_work){ .work = work, .done = done, .data = data };
    made->request.data = made;
    result = uv_queue_work(&loop->uv, &made->request, loop_on_work, loop_after_work);
    if (result) {
        free(made);
        return loop_uv_error(result, error);
    }
    *slot = made;
    loop->works++;
    return ACESO_OK;
}

int loop_post(struct loop *loop, loop_fn *fn, void *data, struct aceso_error *error)
{
    struct loop_post *post = malloc(sizeof *post);

    if (!post)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for a post");
    *post = (struct loop_post){ .fn = fn, .data = data, .next = NULL };
    uv_mutex_lock(&loop->lock);
    if (loop->last)
        loop->last->next = post;
    else
        loop->first = post;
    loop->last = post;
    uv_mutex_unlock(&loop->lock);
    (void)uv_async_send(&loop->wake);
    return ACESO_OK;
}

static void loop_on_timer(uv_timer_t *handle)
{
    struct loop_timer *timer = handle->data;

    timer->fn(timer->data);
}

int loop_timer_start(struct loop *loop, uint64_t first_ms, uint64_t repeat_ms, loop_fn *fn,
                     void *data, struct loop_timer **timer, struct aceso_error *error)
{
    struct loop_timer *made = calloc(1, sizeof *made);

    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for a timer");
    (void)uv_timer_init(&loop->uv, &made->handle); /* cannot fail */
    made->handle.data = made;
    made->fn = fn;
    made->data = data;
    made->next = loop->timers;
    if (made->next)
        made->next->previous = made;
    loop->timers = made;
    loop_timer_set(made, first_ms, repeat_ms);
    *timer = made;
    return ACESO_OK;
}

void loop_timer_set(struct loop_timer *timer, uint64_t first_ms, uint64_t repeat_ms)
{
    if (((struct loop *)timer->handle.loop->data)->closing)
        return;
    uv_update_time(timer->handle.loop); /* else a busy loop's stale clock makes it fire early */
    (void)uv_timer_start(&timer->handle, loop_on_timer, first_ms, repeat_ms);
}

static void loop_free_timer(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_timer_stop(struct loop_timer *timer)
{
    struct loop *loop;

    if (!timer)
        return;
    loop = timer->handle.loop->data;
    if (timer->previous)
        timer->previous->next = timer->next;
    else
        loop->timers = timer->next;
    if (timer->next)
        timer->next->previous = timer->previous;
    uv_close((uv_handle_t *)&timer->handle, loop_free_timer);
}

static void loop_on_signal(uv_signal_t *handle, int number)
{
    struct loop_signal *watched = handle->data;

    if (!((struct loop *)handle->loop->data)->closing)
        watched->fn(watched->data, number);
}

int loop_signal(struct loop *loop, int number, loop_signal_fn *fn, void *data,
                struct aceso_error *error)
{
    struct loop_signal *watched = &loop->signals[loop->signal_count];
    int result;

    if (loop->signal_count == LOOP_SIGNALS_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "more than %d signals", LOOP_SIGNALS_MAX);
    result = uv_signal_init(&loop->uv, &watched->handle);
    if (result)
        return loop_uv_error(result, error);
    loop->signal_count++;
    watched->handle.data = watched;
    watched->fn = fn;
    watched->data = data;
    result = uv_signal_start(&watched->handle, loop_on_signal, number);
    return result ? loop_uv_error(result, error) : ACESO_OK;
}

static void loop_on_readable(uv_poll_t *handle, int status, int events)
{
    struct loop_watch *watch = handle->data;

    (void)status;
    (void)events;
    watch->fn(watch->data);
}

static void loop_free_watch(uv_handle_t *handle)
{
    free(handle->data);
}

int loop_watch_start(struct loop *loop, int fd, loop_fn *fn, void *data,
                     struct loop_watch **watch, struct aceso_error *error)
{
    struct loop_watch *made = calloc(1, sizeof *made);
    int result;

    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for a watch");
    result = uv_poll_init(&loop->uv, &made->handle, fd);
    if (result) {
        free(made);
        return loop_uv_error(result, error);
    }
    made->handle.data = made;
    made->fn = fn;
    made->data = data;
    made->next = loop->watches;
    if (made->next)
        made->next->previous = made;
    loop->watches = made;
    result = uv_poll_start(&made->handle, UV_READABLE, loop_on_readable);
    if (result) {
        loop_watch_stop(made);
        return loop_uv_error(result, error);
    }
    *watch = made;
    return ACESO_OK;
}

void loop_watch_stop(struct loop_watch *watch)
{
    struct loop *loop;

    if (!watch)
        return;
    loop = watch->handle.loop->data;
    if (watch->previous)
        watch->previous->next = watch->next;
    else
        loop->watches = watch->next;
    if (watch->next)
        watch->next->previous = watch->previous;
    uv_close((uv_handle_t *)&watch->handle, loop_free_watch);
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}
