/* SPDX-License-Identifier: Apache-2.0 */
/* Independent pieces of work on several threads. Shell: threads only. */
#ifndef ABE_MANY_H
#define ABE_MANY_H

#include <stddef.h>

/*
 * Runs work(context, i) for all i below `count`, on up to `threads` threads (0: one for each
 * processor), this one among them. Threads that cannot be had are done without.
 */
void abe_many(size_t count, unsigned threads, void (*work)(void *context, size_t index),
              void *context);

#endif
