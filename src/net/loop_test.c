/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include "base/text.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct loop *loop;

/* What the functions below did, in letters, in order. */
static char trace[64];
static size_t trace_len;

static void trace_add(char letter)
{
    assert_true(trace_len < sizeof trace - 1);
    trace[trace_len++] = letter;
    trace[trace_len] = '\0';
}

static int setup(void **state)
{
    (void)state;
    trace_len = 0;
    trace[0] = '\0';
    return loop_create(&loop, NULL);
}

static int teardown(void **state)
{
    (void)state;
    loop_destroy(loop);
    return 0;
}

static void add_letter(void *data)
{
    trace_add(*(const char *)data);
}

static void stop(void *data)
{
    (void)data;
    loop_stop(loop);
}

static void test_stop_before_run(void **state)
{
    (void)state;
    loop_stop(loop);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK);
    assert_int_equal(loop_post(loop, stop, NULL, NULL), ACESO_OK);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK); /* and again */
}

static void *post_from_a_thread(void *data)
{
    (void)data;
    if (loop_post(loop, add_letter, "1", NULL) || loop_post(loop, add_letter, "2", NULL) ||
        loop_post(loop, stop, NULL, NULL))
        return loop;
    return NULL;
}

static void test_posts_run_in_order(void **state)
{
    pthread_t thread;
    void *failed;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, post_from_a_thread, NULL), 0);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_string_equal(trace, "12");
}

struct job {
    pthread_t thread; /* that did the work */
    bool worked;
    int code; /* of done; 1 before */
    bool last;
};

static void job_work(void *data)
{
    struct job *job = data;

    job->thread = pthread_self();
    job->worked = true;
}

static void job_done(void *data, int code)
{
    struct job *job = data;

    job->code = code;
    if (job->last)
        loop_stop(loop);
}

static void test_work_runs_elsewhere(void **state)
{
    struct job job = { .code = 1, .last = true };

    (void)state;
    assert_int_equal(loop_work(loop, job_work, job_done, &job, NULL), ACESO_OK);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK);
    assert_true(job.worked);
    assert_int_equal(job.code, ACESO_OK);
    assert_false(pthread_equal(job.thread, pthread_self()));
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void gated_work(void *data)
{
    pthread_mutex_lock(&gate);
    job_work(data);
    pthread_mutex_unlock(&gate);
}

static void open_gate(void *data)
{
    (void)data;
    pthread_mutex_unlock(&gate);
}

/* More work than threads, none of which can go on: what has not begun is cancelled by destroy,
 * what has is waited for, and `done` is called for all. */
static void test_destroy_with_work(void **state)
{
    struct job jobs[3 * LOOP_THREADS] = { 0 };
    size_t count = sizeof jobs / sizeof jobs[0];

    (void)state;
    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < count; i++) {
        jobs[i].code = 1;
        assert_int_equal(loop_work(loop, gated_work, job_done, &jobs[i], NULL), ACESO_OK);
    }
    assert_int_equal(loop_post(loop, open_gate, NULL, NULL), ACESO_OK);
    assert_int_equal(loop_post(loop, stop, NULL, NULL), ACESO_OK);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK);
    loop_destroy(loop);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(jobs[i].code, jobs[i].worked ? ACESO_OK : ACESO_ECANCELLED);
    assert_int_equal(loop_create(&loop, NULL), ACESO_OK);
}

static struct loop_timer *timer;

static void on_third(void *data)
{
    add_letter(data);
    if (trace_len == 3) {
        loop_timer_stop(timer);
        loop_stop(loop);
    }
}

static void test_timers(void **state)
{
    struct loop_timer *never = NULL, *once = NULL;
    int64_t start = time_monotonic_ms();

    (void)state;
    assert_int_equal(loop_timer_start(loop, 60000, 0, add_letter, "n", &never, NULL), ACESO_OK);
    assert_int_equal(loop_timer_start(loop, 0, 0, add_letter, "o", &once, NULL), ACESO_OK);
    assert_int_equal(loop_timer_start(loop, 10, 10, on_third, "r", &timer, NULL), ACESO_OK);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK);
    assert_string_equal(trace, "orr");
    assert_true(time_monotonic_ms() - start >= 19);

    trace_len = 0;
    loop_timer_set(once, 1, 0); /* a timer that has fired can be set again */
    assert_int_equal(loop_timer_start(loop, 5, 0, stop, NULL, &timer, NULL), ACESO_OK);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK);
    assert_string_equal(trace, "o");
    loop_timer_stop(NULL);
}

static void on_signal(void *data, int number)
{
    add_letter(data);
    trace_add(number == SIGTERM ? 'T' : '?');
    loop_stop(loop);
}

static void test_signals(void **state)
{
    (void)state;
    assert_int_equal(loop_signal(loop, SIGTERM, on_signal, "s", NULL), ACESO_OK);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK);
    assert_string_equal(trace, "sT");
}

static int pair[2];
static struct loop_watch *watch;

static void on_readable(void *data)
{
    char letter = '?';

    (void)data;
    assert_int_equal(recv(pair[0], &letter, 1, 0), 1);
    trace_add(letter);
    if (letter == 'z') {
        loop_watch_stop(watch);
        loop_stop(loop);
    }
}

static void test_watch(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(loop_watch_start(loop, pair[0], on_readable, NULL, &watch, NULL), ACESO_OK);
    assert_int_equal(send(pair[1], "xyz", 3, MSG_NOSIGNAL), 3);
    assert_int_equal(loop_run(loop, NULL), ACESO_OK);
    assert_string_equal(trace, "xyz");
    close(pair[0]);
    close(pair[1]);
}

static void test_destroy_with_everything_open(void **state)
{
    struct job job = { .code = 1 };

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(send(pair[1], "x", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(loop_watch_start(loop, pair[0], on_readable, NULL, &watch, NULL), ACESO_OK);
    assert_int_equal(loop_timer_start(loop, 0, 1, add_letter, "t", &timer, NULL), ACESO_OK);
    assert_int_equal(loop_signal(loop, SIGINT, on_signal, "s", NULL), ACESO_OK);
    assert_int_equal(loop_post(loop, add_letter, "p", NULL), ACESO_OK);
    assert_int_equal(loop_work(loop, job_work, job_done, &job, NULL), ACESO_OK);
    loop_destroy(loop);
    assert_string_equal(trace, "");
    assert_int_equal(job.code, job.worked ? ACESO_OK : ACESO_ECANCELLED);
    loop_destroy(NULL);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(loop_create(&loop, NULL), ACESO_OK);
}

static void test_process_is_prepared(void **state)
{
    struct sigaction pipe;
    struct rlimit files;

    (void)state;
    assert_int_equal(sigaction(SIGPIPE, NULL, &pipe), 0);
    assert_true(pipe.sa_handler == SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    assert_true(files.rlim_cur == files.rlim_max || files.rlim_cur >= 65536);
    assert_non_null(getenv("UV_THREADPOOL_SIZE"));
}

#define LOOPED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPED(test_stop_before_run),
        LOOPED(test_posts_run_in_order),
        LOOPED(test_work_runs_elsewhere),
        LOOPED(test_destroy_with_work),
        LOOPED(test_timers),
        LOOPED(test_signals),
        LOOPED(test_watch),
        LOOPED(test_destroy_with_everything_open),
        LOOPED(test_process_is_prepared),
    };

    return cmocka_run_group_tests_name("net loop", tests, NULL, NULL);
}
