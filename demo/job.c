/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include "base/json.h"
#include "base/text.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB_OUTPUT_MAX ((size_t)8 << 20)
#define JOB_TURN_MS 50
#define JOB_PROGRESS_MS 1500
#define JOBS_MAX 4096

static bool job_argument(struct job *job, const char *text)
{
    if (job->arguments + 1 >= JOB_ARGUMENTS_MAX)
        return false;
    job->argument[job->arguments] = strdup(text);
    return job->argument[job->arguments++] != NULL;
}

static void job_free(struct job *job)
{
    for (size_t i = 0; i < job->arguments; i++)
        free(job->argument[i]);
    buffer_free(&job->out);
    buffer_free(&job->complaint);
}

static bool job_fill(struct job *job, const char *const *arguments)
{
    bool ok = job_argument(job, "aceso");

    for (; ok && *arguments; arguments++)
        ok = job_argument(job, *arguments);
    if (ok && job->party)
        ok = job_argument(job, "--data") && job_argument(job, job->party->directory) &&
             job_argument(job, "--wait") && job_argument(job, "120") &&
             job_argument(job, "--json");
    return ok;
}

struct job *jobs_add(struct jobs *jobs, const struct party *party, const char *const *arguments)
{
    struct job *job;

    if (jobs->count == jobs->capacity) {
        size_t capacity = jobs->capacity ? jobs->capacity * 2 : 8;
        struct job *grown;

        if (capacity > JOBS_MAX)
            return NULL;
        grown = realloc(jobs->job, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        jobs->job = grown;
        jobs->capacity = capacity;
    }
    job = &jobs->job[jobs->count];
    *job = (struct job){ .party = party, .out = BUFFER_INIT(JOB_OUTPUT_MAX),
                         .complaint = BUFFER_INIT(JOB_OUTPUT_MAX), .exit_code = -1,
                         .fd = { -1, -1 } };
    if (!job_fill(job, arguments)) {
        job_free(job);
        return NULL;
    }
    jobs->count++;
    return job;
}

void jobs_free(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++)
        job_free(&jobs->job[i]);
    free(jobs->job);
    *jobs = (struct jobs){ 0 };
}

static void job_exec(const struct job *job, int out_fd, int err_fd)
{
    int null = open("/dev/null", O_RDONLY);

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)setpgid(0, 0);
    (void)setenv("ACESO_PROGRESS", "1", 1);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out_fd, STDOUT_FILENO);
    (void)dup2(err_fd, STDERR_FILENO);
    execv(job->program ? job->program : "/proc/self/exe", job->argument);
    _exit(127);
}

static bool job_start(struct job *job)
{
    int out_pipe[2], err_pipe[2];

    job->started = job->shown = time_monotonic_ms();
    if (pipe2(out_pipe, O_CLOEXEC) != 0)
        return false;
    if (pipe2(err_pipe, O_CLOEXEC) != 0) {
        (void)close(out_pipe[0]);
        (void)close(out_pipe[1]);
        return false;
    }
    job->pid = fork();
    if (job->pid == 0)
        job_exec(job, out_pipe[1], err_pipe[1]);
    (void)close(out_pipe[1]);
    (void)close(err_pipe[1]);
    job->fd[0] = out_pipe[0];
    job->fd[1] = err_pipe[0];
    if (job->pid > 0)
        return true;
    job->pid = 0;
    for (int i = 0; i < 2; i++) {
        (void)close(job->fd[i]);
        job->fd[i] = -1;
    }
    return false;
}

/* Takes whole lines of progress off the end of a complaint; may show one now and then. */
static void job_progress(struct job *job, bool show)
{
    static const char mark[] = "progress: ";
    struct buffer *complaint = &job->complaint;

    while (complaint->data && complaint->len) {
        char *text = (char *)complaint->data;
        char *line = complaint->len >= 2 ? memrchr(text, '\n', complaint->len - 1) : NULL;

        line = line ? line + 1 : text;
        if (strncmp(line, mark, sizeof mark - 1) != 0 || text[complaint->len - 1] != '\n')
            return;
        if (show && time_monotonic_ms() - job->shown > JOB_PROGRESS_MS) {
            job->shown = time_monotonic_ms();
            (void)printf("         ... %s", line + sizeof mark - 1);
            (void)fflush(stdout);
        }
        complaint->len = (size_t)(line - text);
        *line = '\0';
    }
}

/* Reads what there is to read from one end; closes it when it is closed. */
static void job_take(struct job *job, int which)
{
    char piece[4096];
    ssize_t got = read(job->fd[which], piece, sizeof piece);

    if (got > 0) {
        (void)buffer_put(which == 0 ? &job->out : &job->complaint, piece, (size_t)got);
    } else if (got == 0 || errno != EINTR) {
        (void)close(job->fd[which]);
        job->fd[which] = -1;
    }
}

/* Once both ends are closed. */
static void job_finish(struct job *job)
{
    int status = 0;

    if (waitpid(job->pid, &status, 0) == job->pid && WIFEXITED(status) && !demo_interrupted())
        job->exit_code = WEXITSTATUS(status);
    job->pid = 0;
    job->milliseconds = (uint64_t)(time_monotonic_ms() - job->started);
}

/* One turn of everything that runs. */
static void jobs_turn(struct demo *demo, struct job *running[], size_t *count)
{
    struct pollfd fds[JOBS_AT_ONCE * 2];
    size_t left = 0;

    for (size_t i = 0; i < *count; i++) {
        for (int j = 0; j < 2; j++)
            fds[i * 2 + (size_t)j] = (struct pollfd){ .fd = running[i]->fd[j], .events = POLLIN };
    }
    (void)poll(fds, (nfds_t)(*count * 2), JOB_TURN_MS);
    process_supervise(demo);
    for (size_t i = 0; i < *count; i++) {
        struct job *job = running[i];

        if (demo_interrupted())
            (void)kill(job->pid, SIGTERM);
        for (int j = 0; j < 2; j++) {
            if (job->fd[j] >= 0 &&
                (fds[i * 2 + (size_t)j].revents & (POLLIN | POLLHUP | POLLERR)))
                job_take(job, j);
        }
        job_progress(job, *count == 1);
        if (job->fd[0] < 0 && job->fd[1] < 0)
            job_finish(job);
        else
            running[left++] = job;
    }
    *count = left;
}

bool jobs_run(struct demo *demo, struct jobs *jobs)
{
    struct job *running[JOBS_AT_ONCE];
    size_t next = 0, count = 0;
    bool ok = true;

    while (count || (next < jobs->count && !demo_interrupted())) {
        while (count < JOBS_AT_ONCE && next < jobs->count && !demo_interrupted()) {
            if (job_start(&jobs->job[next]))
                running[count++] = &jobs->job[next];
            next++;
        }
        if (count)
            jobs_turn(demo, running, &count);
    }
    for (size_t i = 0; i < jobs->count; i++)
        ok = ok && jobs->job[i].exit_code == 0;
    return ok;
}

const char *job_reason(struct job *job)
{
    struct buffer *complaint = &job->complaint;
    const char *text = buffer_text(complaint), *said;

    while (complaint->len && complaint->data[complaint->len - 1] == '\n')
        complaint->data[--complaint->len] = '\0';
    said = strstr(text, "aceso: ");
    return said ? said + strlen("aceso: ") : text;
}

void job_member(const struct job *job, const char *member, char *out, size_t size)
{
    yyjson_doc *doc = NULL;

    out[0] = '\0';
    if (json_parse(buffer_bytes(&job->out), &doc, NULL) == ACESO_OK)
        (void)snprintf(out, size, "%s", json_string_or(yyjson_doc_get_root(doc), member, ""));
    yyjson_doc_free(doc);
}
