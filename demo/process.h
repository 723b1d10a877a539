/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of the demonstration: the chain, the parties' nodes, and single commands. What dies
 * without being told to is started again. */
#ifndef ACESO_DEMO_PROCESS_H
#define ACESO_DEMO_PROCESS_H

#include "demo.h"

#define PROCESS_ARGUMENTS_MAX 32

/* A port of 127.0.0.1 that is free now; 0 when there is none. */
uint16_t process_free_port(void);

/* Starts the chain and waits until it answers. */
ACESO_NODISCARD int process_start_chain(struct demo *demo, struct aceso_error *error);

/* Gives an address ether on the local chain, which its operator may do. */
ACESO_NODISCARD int process_fund(struct demo *demo, const char *address,
                                 struct aceso_error *error);

/* Starts 'aceso serve' for a party. */
ACESO_NODISCARD int process_start(struct demo *demo, struct party *party,
                                  struct aceso_error *error);

/* Runs 'aceso ARGUMENTS --data DIRECTORY --json' (a NULL ends the arguments) and takes what it
 * prints. Returns the exit code, -1 when it was interrupted or could not be started. */
int process_run(struct demo *demo, const struct party *party, const char *const *arguments,
                struct buffer *out, struct buffer *complaint);

/* Starts again what has died. Called while waiting for anything. */
void process_supervise(struct demo *demo);

/* Ends every node and the chain; waits for them. */
void process_stop_all(struct demo *demo);

#endif
