/* SPDX-License-Identifier: Apache-2.0 */
/* The story: who does what, in order, and what must be refused. A file for each chapter:
 *
 *   consortium.c  everybody comes together
 *   records.c     patients join, set their rules; their records are taken in, signed, read
 *   sharing.c     the paper's Table I: four kinds of institutes ask, get and read their level
 *   treatment.c   one patient at a second hospital too
 *   cloud.c       the second hospital's parts lie in a rented cloud
 *   attacks.c     what thieves, liars and curious ones try
 *   ending.c      consents end; how everybody stands
 *   again.c       all of it started again from what was kept */
#ifndef ACESO_DEMO_STORY_H
#define ACESO_DEMO_STORY_H

#include "demo.h"
#include "job.h"

#define STORY_WORDS 320
#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Who asks at hospital-a, for what, up to which level: a row of the table. */
struct asker {
    const char *name; /* of the party, and of the folder of what it read */
    const char *category;
    const char *purpose;
    const char *level;
    unsigned rank; /* of the level, 1 to 4 */
};
extern const struct asker story_askers[DEMO_ASKERS];

struct story {
    struct demo *demo;
    struct jobs last; /* the last command that ran alone */
    struct party *ca, *hospital_a, *hospital_b, *outsider, *cloud;
    struct party *asker[DEMO_ASKERS];
    uint64_t chain_id;
    char amsc[64], arsc[64], hpsc[64], hisc[64]; /* two contracts, two implementations */
};

enum { ASKER_HOSPITAL, ASKER_PHARMACY, ASKER_INSURANCE, ASKER_SCHOOL };

/* ---- steps (story.c) --------------------------------------------------------------------- */

/* Runs one command; its exit code. What it said stays in story->last. */
int story_run(struct story *story, const struct party *party, const char *const *arguments);
const char *story_reason(struct story *story);
void story_member(struct story *story, const char *member, char *out, size_t size);

/* A step that must succeed. False where it did not. */
bool story_do(struct story *story, const char *name, const char *words,
              const struct party *party, const char *const *arguments);

/* A step that must be refused. A story in which it was not goes on, but did not hold. */
void story_refused(struct story *story, const char *name, const char *words,
                   const struct party *party, const char *const *arguments);

/* What a look from outside came to. */
void story_check(struct story *story, const char *name, const char *words, int code,
                 const struct aceso_error *error);

/* A look at each patient's files: ACESO_OK, or what is wrong. */
typedef int story_look_fn(const struct story *story, const struct patient *patient,
                          struct aceso_error *error);
/* Takes it for all patients: one line. False where any failed. */
bool story_look(struct story *story, const char *name, const char *words, story_look_fn *look);

/* The same thing done by several at once: one line for people, a step each in the report. */
struct steps {
    struct story *story;
    const char *name;
    bool refused; /* each must be */
    bool short_of_memory;
    struct jobs jobs;
};
void steps_begin(struct steps *steps, struct story *story, const char *name);
void steps_add(struct steps *steps, const char *subject, const struct party *party,
               const char *const *arguments);
bool steps_run(struct steps *steps, const char *words); /* words NULL: no line if all is well */
void steps_end(struct steps *steps);

/* Puts what a command said into a paper that is carried to somebody. */
bool story_paper(struct story *story, const struct job *job, const char *name,
                 char path[PATH_MAX]);
bool story_scrap(const struct story *story, const char *name, char path[PATH_MAX]);

/* OUT/FOLDER/NAME.ndjson, its folder made. */
bool story_out(const struct story *story, const char *folder, const char *name,
               char path[PATH_MAX]);

/* ---- chapters ---------------------------------------------------------------------------- */

/* Who comes to whom with an invitation. */
struct joining {
    struct party *inviter, *newcomer;
    const char *category; /* of an institute; else NULL */
};

/* Makes a data directory and its keys for each name. */
bool consortium_init(struct story *story, const char *const *names, const char *const *roles,
                     size_t count, struct party **parties);
/* Invitation, request, admission, acceptance, and the node runs: for all at once. */
bool consortium_join(struct story *story, const struct joining *joining, size_t count,
                     const char *words);
bool consortium_tell(struct story *story);

/* Every patient reads the own record into 'patient', which is compared with what went in. */
bool records_read(struct story *story, const char *words);
bool records_tell(struct story *story);
/* A stranger verifies what the institutes fetched, or what the patients read. */
bool sharing_verify(struct story *story, bool with_patients, const char *words);
bool sharing_tell(struct story *story);
bool treatment_tell(struct story *story);
bool cloud_tell(struct story *story);
/* The institute of a row, all of whose consents have ended, tries with what it has. */
void attacks_by_revoked(struct story *story, size_t row);
/* One run of the adversary, which has whole directories of bad parties. Its exit code 0: it got no
 * more than is allowed; all else counts as not held. */
struct adversary {
    const char *name, *words; /* words NULL: a line only where it fails */
    const char *arguments[24];
};
bool attacks_run(struct story *story, const struct adversary *list, size_t count);
bool attacks_tell(struct story *story);
bool ending_tell(struct story *story);

/* Writes what `again` needs, and the deployment for other programs, to --out. */
void again_write(struct story *story);

#endif
