/* SPDX-License-Identifier: Apache-2.0 */
/* Single commands as processes, several at a time: what people would type at the same moment. */
#ifndef ACESO_DEMO_JOB_H
#define ACESO_DEMO_JOB_H

#include "demo.h"

#define JOB_ARGUMENTS_MAX 40
#define JOBS_AT_ONCE 6 /* most of the time a command waits for a block */

struct job {
    const struct party *party;  /* whose command it is; NULL: nobody's, no --data */
    const char *program;        /* NULL: this one */
    char *argument[JOB_ARGUMENTS_MAX]; /* owned, NULL behind the last */
    size_t arguments;
    struct buffer out, complaint;
    int exit_code; /* -1: interrupted, or it could not be started */
    uint64_t milliseconds;
    char subject[160]; /* whose step it is, for the report */
    pid_t pid; /* 0 while it does not run */
    int64_t started, shown;
    int fd[2]; /* its standard output and error; -1: closed */
};

/* Jobs that do not depend on each other. Zeroed it is empty. */
struct jobs {
    struct job *job;
    size_t count, capacity;
};

/* Appends 'aceso ARGUMENTS' (a NULL ends them; copied). For a party's command its --data, --wait
 * and --json are put behind. NULL when memory is short or there are too many arguments; valid until
 * the next call. */
struct job *jobs_add(struct jobs *jobs, const struct party *party, const char *const *arguments);

/* Runs all and waits for them. True when each ended with 0. */
bool jobs_run(struct demo *demo, struct jobs *jobs);

/* What a job complained of, without "aceso: " and its line end. */
const char *job_reason(struct job *job);

/* A string member of a job's JSON answer; "" where there is none. */
void job_member(const struct job *job, const char *member, char *out, size_t size);

void jobs_free(struct jobs *jobs); /* leaves it empty */

#endif
