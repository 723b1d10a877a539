/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a real anvil as a child process. Uses rpc. Starts a process, network I/O.
 *
 * Every function ends the test with a message when something goes wrong (cmocka's fail). */
#ifndef ACESO_CHAIN_ANVIL_H
#define ACESO_CHAIN_ANVIL_H

#include "chain/rpc.h"

#include <sys/types.h>

#define ANVIL_CHAIN_ID 31337

struct anvil {
    char directory[64]; /* temporary; holds the state file */
    char url[64];
    uint16_t port;
    pid_t process; /* 0: not running */
    struct rpc *rpc;
};

/* Makes a directory, finds a free port, starts anvil (London rules, its state on disk each second)
 * and waits until it answers. The process dies with the test. */
void anvil_start(struct anvil *anvil);

/* kill -9, and the start again on the same port from the state on disk. */
void anvil_kill(struct anvil *anvil);
void anvil_restart(struct anvil *anvil);

/* Ends it and removes the directory. */
void anvil_stop(struct anvil *anvil);

/* Gives `address` 1,000 ether. */
void anvil_fund(struct anvil *anvil, const uint8_t address[20]);

/* A method without an interesting answer. */
void anvil_request(struct anvil *anvil, const char *method, const char *params);

/* Waits until the state on disk has block `number`. */
void anvil_wait_dump(struct anvil *anvil, uint64_t number);

#endif
