/* SPDX-License-Identifier: Apache-2.0 */
/* The demonstration: starts every party as a process of its own and tells one record's way through
 * them, by the parties' own commands alone. It holds no key and reads no party's secrets. Uses the
 * program's commands as processes; record and fhir only to look at what came out. */
#ifndef ACESO_DEMO_DEMO_H
#define ACESO_DEMO_DEMO_H

#include "base/buffer.h"

#include <limits.h>
#include <sys/types.h>

#define DEMO_PARTIES_MAX 128
#define DEMO_ADDRESS_SIZE 43
#define DEMO_REQUEST_SIZE 80
#define DEMO_ASKERS 4 /* rows of the paper's Table I */

struct party {
    char name[64];
    char role[16];
    char directory[PATH_MAX];
    char address[DEMO_ADDRESS_SIZE]; /* "" for a patient before it joined */
    uint16_t port; /* 0: a patient's node answers nobody */
    pid_t pid; /* 0: not running */
    unsigned restarts;
};

struct patient {
    struct party *party;
    const char *bundle;
    char name[256]; /* the file's name without endings: of output files only */
    char request[DEMO_ASKERS][DEMO_REQUEST_SIZE]; /* at hospital-a, by row of the table */
    bool ended[DEMO_ASKERS];                      /* that consent is over */
    char outsiders[DEMO_REQUEST_SIZE];            /* what the outsider asked */
    char elsewhere[DEMO_ADDRESS_SIZE];            /* its address at hospital-b, or "" */
};

struct report; /* report.h */

struct demo {
    char work[PATH_MAX];   /* everything that is not --out */
    char nodes[PATH_MAX];  /* the parties' directories */
    char chain[PATH_MAX];  /* the chain's state */
    char papers[PATH_MAX]; /* invitations, requests and the like on their way */
    const char *out;       /* --out, or NULL */
    bool once, keep, again, temporary;
    char rpc[64];
    uint16_t chain_port;
    unsigned port; /* the last one that was given out */
    pid_t chain_pid;
    int64_t state_kept; /* when its state was last copied, monotonic ms */
    struct party party[DEMO_PARTIES_MAX];
    size_t parties;
    struct patient patient[DEMO_PARTIES_MAX];
    size_t patients;
    const char *directory_bundle[DEMO_PARTIES_MAX];
    size_t directory_bundles;
    const char *bad_bundle[DEMO_PARTIES_MAX];
    size_t bad_bundles;
    struct report *report;
    bool input_refused;
};

/* Set by SIGINT and SIGTERM. */
bool demo_interrupted(void);

/* story.c: the story from the first invitation to the last refusal. False: it broke off. */
bool story_tell(struct demo *demo);

/* again.c: the reads and refusals of a run that was kept in demo->out, once more. False: it broke
 * off. */
bool again_tell(struct demo *demo);

enum tamper { TAMPER_BYTE, TAMPER_SWAP };
/* tamper.c: writes a copy of a stream of parts with one byte of one part changed, or two records'
 * parts swapped. */
ACESO_NODISCARD int tamper_parts(const char *from, const char *to, enum tamper how,
                                 struct aceso_error *error);

#endif
