/* SPDX-License-Identifier: Apache-2.0 */
/* A private copy of the chain: anvil, forked off at a block, with the chain id of another chain.
 * Starts a process; it ends with the adversary. */
#include "adversary.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORK_PATIENCE_MS 30000
#define FORK_LOOK_MS 20
#define FORK_GAS "0x1c9c380"

struct fork {
    pid_t process;
    struct rpc *rpc;
};

struct fork_plan {
    const char *anvil, *upstream;
    char port[8], block[24], chain_id[24];
};

static uint16_t fork_free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint16_t port = 0;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        port = ntohs(address.sin_port);
    if (fd >= 0)
        (void)close(fd);
    return port;
}

static void fork_exec(const struct fork_plan *plan)
{
    int null = open("/dev/null", O_RDWR);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)execlp(plan->anvil, "anvil", "--hardfork", "london", "--host", "127.0.0.1", "--port",
                 plan->port, "--fork-url", plan->upstream, "--fork-block-number", plan->block,
                 "--chain-id", plan->chain_id, "--silent", (char *)NULL);
    _exit(127);
}

int fork_open(struct attack *attack, const char *upstream, uint64_t block, uint64_t chain_id,
              struct fork **out, struct aceso_error *error)
{
    struct fork_plan plan = { .anvil = attack->in.anvil ? attack->in.anvil : ACESO_ANVIL,
                              .upstream = upstream };
    const int64_t end = time_monotonic_ms() + FORK_PATIENCE_MS;
    struct fork *made = calloc(1, sizeof *made);
    char url[64];
    const struct rpc_settings settings = { .url = url };
    uint64_t answered = 0;
    int code = made ? ACESO_OK : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    (void)snprintf(plan.port, sizeof plan.port, "%u", (unsigned)fork_free_port());
    (void)snprintf(plan.block, sizeof plan.block, "%llu", (unsigned long long)block);
    (void)snprintf(plan.chain_id, sizeof plan.chain_id, "%llu", (unsigned long long)chain_id);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%s/", plan.port);
    if (!code) {
        made->process = fork();
        if (made->process == 0)
            fork_exec(&plan);
        code = rpc_open(&settings, &made->rpc, error);
    }
    while (!code && rpc_chain_id(made->rpc, &answered, NULL) != ACESO_OK) {
        if (time_monotonic_ms() > end || waitpid(made->process, NULL, WNOHANG) != 0)
            code = error_set(error, ACESO_EIO, NULL,
                             "no second chain: anvil does not start (--anvil)");
        (void)poll(NULL, 0, FORK_LOOK_MS);
    }
    if (!code && answered != chain_id)
        code = error_set(error, ACESO_ESTATE, NULL, "the second chain has another id");
    if (code)
        fork_close(made);
    else
        *out = made;
    return code;
}

void fork_close(struct fork *fork)
{
    if (!fork)
        return;
    rpc_close(fork->rpc);
    if (fork->process > 0) {
        (void)kill(fork->process, SIGKILL);
        (void)waitpid(fork->process, NULL, 0);
    }
    free(fork);
}

struct rpc *fork_rpc(const struct fork *fork)
{
    return fork->rpc;
}

static int fork_ask(struct fork *fork, const char *method, const char *params,
                    struct aceso_error *error)
{
    struct buffer result = BUFFER_INIT((size_t)1 << 20);
    int code = rpc_request(fork->rpc, method, params, &result, error);

    buffer_free(&result);
    return code;
}

int fork_send(struct fork *fork, const uint8_t from[20], const uint8_t *to, struct bytes data,
              struct aceso_error *error)
{
    struct buffer params = BUFFER_INIT((size_t)4 << 20), hash = BUFFER_INIT(4096);
    struct rpc_receipt receipt = { .success = false };
    const int64_t end = time_monotonic_ms() + FORK_PATIENCE_MS;
    uint8_t transaction[32];
    char hex[41], text[128];
    int code;

    text_hex(from, 20, hex);
    (void)snprintf(text, sizeof text, "[\"0x%s\"]", hex);
    code = fork_ask(fork, "anvil_impersonateAccount", text, error);
    (void)snprintf(text, sizeof text, "[\"0x%s\",\"0xde0b6b3a7640000000\"]", hex);
    if (!code)
        code = fork_ask(fork, "anvil_setBalance", text, error);
    (void)buffer_printf(&params, "[{\"from\":\"0x%s\",\"gas\":\"" FORK_GAS "\"", hex);
    if (to) {
        text_hex(to, 20, hex);
        (void)buffer_printf(&params, ",\"to\":\"0x%s\"", hex);
    }
    (void)buffer_put_string(&params, ",\"data\":\"0x");
    (void)buffer_put_hex(&params, data);
    (void)buffer_put_string(&params, "\"}]");
    if (!code)
        code = rpc_request(fork->rpc, "eth_sendTransaction", buffer_text(&params), &hash, error);
    if (!code && hash.len > 2) {
        hash.data[hash.len - 1] = '\0';
        code = text_unhex((const char *)hash.data + 1, transaction, 32);
    }
    while (!code) {
        code = rpc_receipt(fork->rpc, transaction, &receipt, error);
        if (code != ACESO_ENOTFOUND || time_monotonic_ms() > end)
            break;
        (void)poll(NULL, 0, FORK_LOOK_MS);
        code = ACESO_OK;
    }
    if (!code && !receipt.success)
        code = error_set(error, ACESO_ECHAIN, NULL, "the second chain refused its set-up");
    buffer_free(&params);
    buffer_free(&hash);
    return code;
}
