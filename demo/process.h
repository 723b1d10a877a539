/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of the demonstration that stay: the chain and the parties' nodes. What dies without
 * being told to is started again. */
#ifndef ACESO_DEMO_PROCESS_H
#define ACESO_DEMO_PROCESS_H

#include "demo.h"

/* A port of 127.0.0.1 that is free now and was not given out before; 0 when there is none. */
uint16_t process_free_port(struct demo *demo);

/* Starts the chain and waits until it answers. */
ACESO_NODISCARD int process_start_chain(struct demo *demo, struct aceso_error *error);

/* Gives an address ether on the local chain, which its operator may do. */
ACESO_NODISCARD int process_fund(struct demo *demo, const char *address,
                                 struct aceso_error *error);

/* Starts 'aceso serve' for a party. */
ACESO_NODISCARD int process_start(struct demo *demo, struct party *party,
                                  struct aceso_error *error);

/* Stops a party in its tracks, as one that hangs or will not answer, or lets it go on. */
void process_pause(const struct party *party, bool pause);

/* Ends a party and waits for it; it is not started again. */
void process_stop(struct party *party);

/* Starts again what has died. Called while waiting for anything. */
void process_supervise(struct demo *demo);

/* Ends every node and the chain; waits for them. */
void process_stop_all(struct demo *demo);

#endif
