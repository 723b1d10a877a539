/* SPDX-License-Identifier: Apache-2.0 */
/* What a node remembers of how it went lately, for the view "status": whom it called and who called
 * it, and its last failure. In memory only, bounded, thread-safe. Uses base. All functions accept
 * NULL for `recent`. */
#ifndef ACESO_NODE_RECENT_H
#define ACESO_NODE_RECENT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_PEERS_MAX 32
#define RECENT_ROLE_SIZE 24

struct recent;

/* The last call of one party, or to it. */
struct recent_peer {
    char role[RECENT_ROLE_SIZE];
    uint8_t address[20];
    bool outgoing; /* this node called */
    int64_t at;    /* seconds since 1970 */
    int code;      /* how it ended; what a peer says of its reasons is not kept */
};

struct recent_failure {
    int64_t at;
    char text[ACESO_ERROR_TEXT_MAX]; /* "" where a call to `peer` is what failed */
    struct recent_peer peer;
};

/* NULL where there is no memory. */
struct recent *recent_create(void);
void recent_free(struct recent *recent);

/* Notes a call and how it ended. The one that is longest ago makes room. A call of this node that
 * nobody answered (ACESO_EIO, ACESO_ETIMEOUT) is a failure too. */
void recent_call(struct recent *recent, bool outgoing, const char *role,
                 const uint8_t address[20], int code);

/* Notes a failure. The words are for the owner and like those of the log: no secrets, nothing of a
 * record. */
void recent_fail(struct recent *recent, const char *format, ...) ACESO_PRINTF(2, 3);

/* Copies the peers, newest first; returns how many. */
size_t recent_peers(struct recent *recent, struct recent_peer peers[RECENT_PEERS_MAX]);

/* The last failure; false where there was none. */
bool recent_failure(struct recent *recent, struct recent_failure *failure);

#endif
