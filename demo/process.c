/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "chain/rpc.h"

#include <arpa/inet.h>
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
#define PROCESS_STATE_MS 1000
#define PROCESS_STATE_MAX ((size_t)512 << 20)
#define PROCESS_RESTARTS_MAX 100
#define PROCESS_ETHER "0x3635c9adc5dea00000" /* 1,000 */

/* Below the ports that connections get by themselves: nobody takes one between two starts. */
#define PROCESS_PORT_LOW 20000
#define PROCESS_PORTS 12000

static bool process_port_is_free(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return false;
    is_free = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return is_free;
}

uint16_t process_free_port(struct demo *demo)
{
    if (!demo->port)
        demo->port = (unsigned)getpid() * 37;
    for (unsigned i = 0; i < PROCESS_PORTS; i++) {
        uint16_t port = (uint16_t)(PROCESS_PORT_LOW + ++demo->port % PROCESS_PORTS);

        if (process_port_is_free(port))
            return port;
    }
    return 0;
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

void process_pause(const struct party *party, bool pause)
{
    if (party->pid)
        (void)kill(party->pid, pause ? SIGSTOP : SIGCONT);
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

/* Whether a party sends transactions of its own, for which it needs ether. */
static bool process_sends(const struct party *party)
{
    return party->address[0] && strcmp(party->role, "patient") != 0 &&
           strcmp(party->role, "cloud") != 0;
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
        if (process_sends(&demo->party[i]) &&
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

void process_stop(struct party *party)
{
    if (party->pid)
        (void)kill(party->pid, SIGTERM);
    process_reap(&party->pid, time_monotonic_ms() + PROCESS_STOP_MS);
}

void process_stop_all(struct demo *demo)
{
    int64_t until = time_monotonic_ms() + PROCESS_STOP_MS;

    for (size_t i = 0; i < demo->parties; i++) {
        process_pause(&demo->party[i], false);
        if (demo->party[i].pid)
            (void)kill(demo->party[i].pid, SIGTERM);
    }
    for (size_t i = 0; i < demo->parties; i++)
        process_reap(&demo->party[i].pid, until);
    if (demo->chain_pid)
        (void)kill(demo->chain_pid, SIGTERM);
    process_reap(&demo->chain_pid, until + PROCESS_STOP_MS);
}
