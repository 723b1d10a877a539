/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "chain/rpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_CHAIN_MS 60000
#define PROCESS_STOP_MS 15000
#define PROCESS_TURN_MS 50
#define PROCESS_PROGRESS_MS 1500
#define PROCESS_STATE_MS 1000
#define PROCESS_STATE_MAX ((size_t)512 << 20)
#define PROCESS_RESTARTS_MAX 100
#define PROCESS_OUTPUT_MAX ((size_t)8 << 20)
#define PROCESS_ETHER "0x3635c9adc5dea00000" /* 1,000 */

uint16_t process_free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint16_t port = 0;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return 0;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &length) == 0)
        port = ntohs(address.sin_port);
    (void)close(fd);
    return port;
}

/* In the child: nothing outlives the demonstration, and its standard output is `log`. */
static void process_become(const char *log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int null = open("/dev/null", O_RDONLY);

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (fd < 0 || null < 0)
        _exit(127);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    (void)setpgid(0, 0); /* a Ctrl-C in the terminal is the demonstration's to handle */
}

static int process_spawn(const char *log, const char *program, char *const arguments[], pid_t *pid,
                         struct aceso_error *error)
{
    pid_t child = fork();

    if (child < 0)
        return error_set(error, ACESO_EIO, NULL, "a process could not be started");
    if (child == 0) {
        process_become(log);
        execv(program, arguments);
        _exit(127);
    }
    *pid = child;
    return ACESO_OK;
}

static int process_launch_chain(struct demo *demo, struct aceso_error *error)
{
    const char *program = getenv("ACESO_ANVIL");
    char port[16], state[PATH_MAX], log[PATH_MAX];
    char *const arguments[] = { "anvil",         "--hardfork", "london",     "--host",
                                "127.0.0.1",     "--port",     port,         "--state",
                                state,           "--state-interval", "1",    "--silent",
                                NULL };

    (void)snprintf(port, sizeof port, "%u", (unsigned)demo->chain_port);
    if (file_path(demo->chain, "state.json", state, sizeof state) ||
        file_path(demo->chain, "log", log, sizeof log))
        return error_set(error, ACESO_ELIMIT, NULL, "the path is too long");
    return process_spawn(log, program ? program : ACESO_ANVIL, arguments, &demo->chain_pid, error);
}

static int process_rpc(struct demo *demo, const char *method, const char *params,
                       struct aceso_error *error)
{
    const struct rpc_settings settings = { .url = demo->rpc, .timeout_ms = 5000 };
    struct buffer result = BUFFER_INIT(65536);
    struct rpc *rpc = NULL;
    int code = rpc_open(&settings, &rpc, error);

    if (!code)
        code = rpc_request(rpc, method, params, &result, error);
    rpc_close(rpc);
    buffer_free(&result);
    return code;
}

static int process_wait_chain(struct demo *demo, struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + PROCESS_CHAIN_MS;

    for (;;) {
        int code = process_rpc(demo, "eth_chainId", "[]", error);

        if (!code || time_monotonic_ms() > until || demo_interrupted())
            return code;
        if (waitpid(demo->chain_pid, NULL, WNOHANG) == demo->chain_pid) {
            demo->chain_pid = 0;
            return error_set(error, ACESO_EIO, NULL, "the chain ended: see %s/log", demo->chain);
        }
        (void)poll(NULL, 0, PROCESS_TURN_MS);
    }
}

int process_start_chain(struct demo *demo, struct aceso_error *error)
{
    int code = process_launch_chain(demo, error);

    return code ? code : process_wait_chain(demo, error);
}

int process_fund(struct demo *demo, const char *address, struct aceso_error *error)
{
    char params[128];

    (void)snprintf(params, sizeof params, "[\"%s\",\"" PROCESS_ETHER "\"]", address);
    return process_rpc(demo, "anvil_setBalance", params, error);
}

int process_start(struct demo *demo, struct party *party, struct aceso_error *error)
{
    char log[PATH_MAX];
    char *const arguments[] = { "aceso", "serve", "--data", party->directory, NULL };

    (void)demo;
    if (file_path(party->directory, "log", log, sizeof log))
        return error_set(error, ACESO_ELIMIT, NULL, "the path is too long");
    return process_spawn(log, "/proc/self/exe", arguments, &party->pid, error);
}

static bool process_state_is_whole(struct bytes state)
{
    yyjson_doc *doc = NULL;
    bool whole = json_parse(state, &doc, NULL) == ACESO_OK;

    yyjson_doc_free(doc);
    return whole;
}

/* The chain writes its state in place, so a kill can leave half a file, with which it does not
 * start again. A whole copy is kept beside, about once a second. */
static void process_keep_state(struct demo *demo)
{
    struct buffer state = BUFFER_INIT(PROCESS_STATE_MAX);
    char path[PATH_MAX], kept[PATH_MAX];

    if (time_monotonic_ms() < demo->state_kept + PROCESS_STATE_MS)
        return;
    demo->state_kept = time_monotonic_ms();
    if (file_path(demo->chain, "state.json", path, sizeof path) == ACESO_OK &&
        file_path(demo->chain, "state.kept", kept, sizeof kept) == ACESO_OK &&
        file_read(path, &state, NULL) == ACESO_OK &&
        process_state_is_whole(buffer_bytes(&state)) &&
        file_write(kept, buffer_bytes(&state), 0600, NULL))
        (void)printf("         the chain's state could not be copied\n");
    buffer_free(&state);
}

/* Puts the copy in the place of half a state. */
static void process_mend_state(struct demo *demo)
{
    struct buffer state = BUFFER_INIT(PROCESS_STATE_MAX);
    char path[PATH_MAX], kept[PATH_MAX];

    if (file_path(demo->chain, "state.json", path, sizeof path) == ACESO_OK &&
        file_path(demo->chain, "state.kept", kept, sizeof kept) == ACESO_OK &&
        file_read(path, &state, NULL) == ACESO_OK &&
        !process_state_is_whole(buffer_bytes(&state)) && rename(kept, path) != 0)
        (void)unlink(path);
    buffer_free(&state);
}

static void process_revive_chain(struct demo *demo)
{
    struct aceso_error error = { 0 };

    (void)printf("         the chain ended; it is started again\n");
    process_mend_state(demo);
    if (process_start_chain(demo, &error))
        (void)printf("         %s\n", error.text);
    /* The last second of its state may be lost, the parties' ether with it. */
    for (size_t i = 0; i < demo->parties; i++) {
        if (demo->party[i].address[0] && strcmp(demo->party[i].role, "patient") != 0 &&
            process_fund(demo, demo->party[i].address, &error))
            (void)printf("         %s\n", error.text);
    }
}

void process_supervise(struct demo *demo)
{
    struct aceso_error error = { 0 };

    process_keep_state(demo);
    if (demo->chain_pid && waitpid(demo->chain_pid, NULL, WNOHANG) == demo->chain_pid)
        process_revive_chain(demo);
    for (size_t i = 0; i < demo->parties; i++) {
        struct party *party = &demo->party[i];

        if (!party->pid || waitpid(party->pid, NULL, WNOHANG) != party->pid)
            continue;
        party->pid = 0;
        if (party->restarts++ >= PROCESS_RESTARTS_MAX) {
            (void)printf("         %s ended again; see its log\n", party->name);
            continue;
        }
        (void)printf("         %s ended; it is started again\n", party->name);
        if (process_start(demo, party, &error))
            (void)printf("         %s\n", error.text);
    }
}

/* Takes whole lines of progress off the end of a command's complaint and shows one now and then. */
static void process_show_progress(struct buffer *complaint, int64_t *shown)
{
    static const char mark[] = "progress: ";

    while (complaint->data && complaint->len) {
        char *text = (char *)complaint->data;
        char *line = complaint->len >= 2 ? memrchr(text, '\n', complaint->len - 1) : NULL;

        line = line ? line + 1 : text;
        if (strncmp(line, mark, sizeof mark - 1) != 0 || text[complaint->len - 1] != '\n')
            return;
        if (time_monotonic_ms() - *shown > PROCESS_PROGRESS_MS) {
            *shown = time_monotonic_ms();
            (void)printf("         ... %s", line + sizeof mark - 1);
            (void)fflush(stdout);
        }
        complaint->len = (size_t)(line - text);
        *line = '\0';
    }
}

/* Reads what a command prints until both ends are closed. */
static void process_collect(struct demo *demo, int out_fd, int err_fd, pid_t child,
                            struct buffer *out, struct buffer *complaint)
{
    struct pollfd fds[2] = { { .fd = out_fd, .events = POLLIN },
                             { .fd = err_fd, .events = POLLIN } };
    struct buffer *const to[2] = { out, complaint };
    int64_t shown = time_monotonic_ms();

    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        (void)poll(fds, 2, PROCESS_TURN_MS);
        process_supervise(demo);
        if (demo_interrupted())
            (void)kill(child, SIGTERM);
        for (int i = 0; i < 2; i++) {
            char piece[4096];
            ssize_t got;

            if (fds[i].fd < 0 || !(fds[i].revents & (POLLIN | POLLHUP | POLLERR)))
                continue;
            got = read(fds[i].fd, piece, sizeof piece);
            if (got > 0)
                (void)buffer_put(to[i], piece, (size_t)got);
            else if (got == 0 || errno != EINTR)
                fds[i].fd = -1;
        }
        process_show_progress(complaint, &shown);
    }
}

static void process_exec(const struct party *party, const char *const *arguments, int out_fd,
                         int err_fd)
{
    const char *argv[PROCESS_ARGUMENTS_MAX + 8] = { "aceso" };
    size_t n = 1;
    int null = open("/dev/null", O_RDONLY);

    while (*arguments && n < PROCESS_ARGUMENTS_MAX)
        argv[n++] = *arguments++;
    argv[n++] = "--data";
    argv[n++] = party->directory;
    argv[n++] = "--wait";
    argv[n++] = "120";
    argv[n++] = "--json";
    argv[n] = NULL;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)setpgid(0, 0);
    (void)setenv("ACESO_PROGRESS", "1", 1);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out_fd, STDOUT_FILENO);
    (void)dup2(err_fd, STDERR_FILENO);
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(127);
}

int process_run(struct demo *demo, const struct party *party, const char *const *arguments,
                struct buffer *out, struct buffer *complaint)
{
    int out_pipe[2], err_pipe[2], status = 0;
    pid_t child;

    if (pipe2(out_pipe, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(err_pipe, O_CLOEXEC) != 0) {
        (void)close(out_pipe[0]);
        (void)close(out_pipe[1]);
        return -1;
    }
    child = fork();
    if (child == 0)
        process_exec(party, arguments, out_pipe[1], err_pipe[1]);
    (void)close(out_pipe[1]);
    (void)close(err_pipe[1]);
    if (child > 0)
        process_collect(demo, out_pipe[0], err_pipe[0], child, out, complaint);
    (void)close(out_pipe[0]);
    (void)close(err_pipe[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return demo_interrupted() ? -1 : WEXITSTATUS(status);
}

static void process_reap(pid_t *pid, int64_t until)
{
    while (*pid) {
        pid_t got = waitpid(*pid, NULL, WNOHANG);

        if (got == *pid || got < 0) {
            *pid = 0;
        } else if (time_monotonic_ms() > until) {
            (void)kill(*pid, SIGKILL);
            (void)waitpid(*pid, NULL, 0);
            *pid = 0;
        } else {
            (void)poll(NULL, 0, PROCESS_TURN_MS);
        }
    }
}

void process_stop_all(struct demo *demo)
{
    int64_t until = time_monotonic_ms() + PROCESS_STOP_MS;

    for (size_t i = 0; i < demo->parties; i++) {
        if (demo->party[i].pid)
            (void)kill(demo->party[i].pid, SIGTERM);
    }
    for (size_t i = 0; i < demo->parties; i++)
        process_reap(&demo->party[i].pid, until);
    if (demo->chain_pid)
        (void)kill(demo->chain_pid, SIGTERM);
    process_reap(&demo->chain_pid, until + PROCESS_STOP_MS);
}
