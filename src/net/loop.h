/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: one thread that owns sockets, timers and signals, and a pool of threads for
 * work that may block. Uses base and libuv.
 *
 * Threads: all functions are for the loop's own thread, except loop_stop and loop_post, which any
 * thread may call. What runs on the loop's thread should take less than a millisecond; all else
 * goes to loop_work. The pool has LOOP_THREADS threads, more than there are cores since they
 * mostly wait for the disk, the chain or another node; the environment's UV_THREADPOOL_SIZE
 * overrides it. The pool is one for the whole process. */
#ifndef ACESO_NET_LOOP_H
#define ACESO_NET_LOOP_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define LOOP_THREADS 16

struct loop;
struct loop_timer;
struct loop_watch;
struct uv_loop_s;

typedef void loop_fn(void *data);
typedef void loop_done_fn(void *data, int code);
typedef void loop_signal_fn(void *data, int number);

/* Makes a loop. The first one sizes the pool (so call it before other threads are started), makes
 * the process ignore SIGPIPE and raises its soft limit of open files to the hard one, at most
 * 65,536. */
ACESO_NODISCARD int loop_create(struct loop **loop, struct aceso_error *error);

/* Waits for work that is running, calls `done` of all work with its code, drops timers, watches
 * and posted functions that did not run yet, and frees the loop. Accepts NULL. */
void loop_destroy(struct loop *loop);

/* Runs until loop_stop. A stop that came before is not lost. */
ACESO_NODISCARD int loop_run(struct loop *loop, struct aceso_error *error);
void loop_stop(struct loop *loop);

/* Calls `work(data)` on a thread of the pool and then `done(data, code)` on the loop's thread:
 * code is ACESO_OK, or ACESO_ECANCELLED where the loop was destroyed before the work began (work
 * has not run then). On failure of loop_work itself neither is called. */
ACESO_NODISCARD int loop_work(struct loop *loop, loop_fn *work, loop_done_fn *done, void *data,
                              struct aceso_error *error);

/* Calls `fn(data)` once on the loop's thread, in the order of the posts. From any thread. */
ACESO_NODISCARD int loop_post(struct loop *loop, loop_fn *fn, void *data,
                              struct aceso_error *error);

/* Calls `fn(data)` after `first_ms` and then every `repeat_ms` (0: once). `*timer` lives until
 * loop_timer_stop or loop_destroy, also after a single call. `fn` may stop its own timer. */
ACESO_NODISCARD int loop_timer_start(struct loop *loop, uint64_t first_ms, uint64_t repeat_ms,
                                     loop_fn *fn, void *data, struct loop_timer **timer,
                                     struct aceso_error *error);

/* Sets when the timer fires next (and how often after), also where it has fired already. */
void loop_timer_set(struct loop_timer *timer, uint64_t first_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *timer); /* accepts NULL; `timer` is gone afterwards */

/* Calls `fn(data, number)` on the loop's thread whenever the process gets signal `number`, until
 * the loop is destroyed. */
ACESO_NODISCARD int loop_signal(struct loop *loop, int number, loop_signal_fn *fn, void *data,
                                struct aceso_error *error);

/* Calls `fn(data)` whenever `fd` can be read, until loop_watch_stop, which must come before the
 * descriptor is closed. */
ACESO_NODISCARD int loop_watch_start(struct loop *loop, int fd, loop_fn *fn, void *data,
                                     struct loop_watch **watch, struct aceso_error *error);
void loop_watch_stop(struct loop_watch *watch); /* accepts NULL; `watch` is gone afterwards */

/* libuv's own loop, for what is not here (child processes, datagrams). Handles made on it are
 * closed by their maker before loop_destroy. */
struct uv_loop_s *loop_uv(struct loop *loop);

#endif
