/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/anvil.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ANVIL_PATIENCE_MS 30000
#define ANVIL_LOOK_MS 20

/* A port that was free a moment ago. */
static uint16_t anvil_free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        fail_msg("no free port");
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void anvil_state_path(const struct anvil *anvil, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/state.json", anvil->directory);
}

static void anvil_exec(const struct anvil *anvil)
{
    char port[8], path[96];
    int null = open("/dev/null", O_RDWR);

    anvil_state_path(anvil, path, sizeof path);
    (void)snprintf(port, sizeof port, "%u", anvil->port);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)execl(ANVIL_PATH, "anvil", "--hardfork", "london", "--host", "127.0.0.1", "--port", port,
                "--state", path, "--state-interval", "1", "--silent", (char *)NULL);
    _exit(127);
}

/* The only pause in these tests: between two looks at a condition, of which there is an end. */
static void anvil_pause(int64_t start)
{
    if (time_monotonic_ms() - start > ANVIL_PATIENCE_MS)
        fail_msg("anvil took too long");
    (void)poll(NULL, 0, ANVIL_LOOK_MS);
}

void anvil_restart(struct anvil *anvil)
{
    const int64_t start = time_monotonic_ms();
    struct rpc_settings settings = { .url = anvil->url };
    uint64_t chain_id;

    (void)snprintf(anvil->url, sizeof anvil->url, "http://127.0.0.1:%u/", anvil->port);
    if (!anvil->rpc)
        assert_int_equal(rpc_open(&settings, &anvil->rpc, NULL), ACESO_OK);
    anvil->process = fork();
    if (anvil->process == 0)
        anvil_exec(anvil);
    assert_true(anvil->process > 0);
    while (rpc_chain_id(anvil->rpc, &chain_id, NULL) != ACESO_OK) {
        if (waitpid(anvil->process, NULL, WNOHANG) == anvil->process)
            fail_msg("anvil ended at once: %s", ANVIL_PATH);
        anvil_pause(start);
    }
    assert_int_equal(chain_id, ANVIL_CHAIN_ID);
}

void anvil_start(struct anvil *anvil)
{
    memset(anvil, 0, sizeof *anvil);
    (void)snprintf(anvil->directory, sizeof anvil->directory, "/tmp/aceso-anvil-XXXXXX");
    assert_non_null(mkdtemp(anvil->directory));
    anvil->port = anvil_free_port();
    anvil_restart(anvil);
}

/* Whether the state file is absent, or is there to its end. */
static bool anvil_state_whole(const struct anvil *anvil)
{
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    yyjson_doc *doc = NULL;
    char path[96];
    int code;

    anvil_state_path(anvil, path, sizeof path);
    code = file_read(path, &text, NULL);
    if (!code)
        code = json_parse(buffer_bytes(&text), &doc, NULL);
    yyjson_doc_free(doc);
    buffer_free(&text);
    return code == ACESO_OK || code == ACESO_ENOTFOUND;
}

/* anvil writes its state file in place and does not start from half of one, which is not what is
 * tested: it dies between two writes. */
void anvil_kill(struct anvil *anvil)
{
    const int64_t start = time_monotonic_ms();
    int status;

    if (anvil->process == 0)
        return;
    while (kill(anvil->process, SIGSTOP) == 0 &&
           waitpid(anvil->process, &status, WUNTRACED) == anvil->process && WIFSTOPPED(status) &&
           !anvil_state_whole(anvil)) {
        (void)kill(anvil->process, SIGCONT);
        anvil_pause(start);
    }
    (void)kill(anvil->process, SIGKILL);
    (void)waitpid(anvil->process, NULL, 0);
    anvil->process = 0;
}

void anvil_stop(struct anvil *anvil)
{
    char path[96];

    anvil_kill(anvil);
    rpc_close(anvil->rpc);
    anvil->rpc = NULL;
    anvil_state_path(anvil, path, sizeof path);
    (void)unlink(path);
    (void)rmdir(anvil->directory);
}

void anvil_request(struct anvil *anvil, const char *method, const char *params)
{
    struct buffer result = BUFFER_INIT(1 << 20);
    struct aceso_error error = { .code = ACESO_OK };

    if (rpc_request(anvil->rpc, method, params, &result, &error))
        fail_msg("%s: %s", method, error.text);
    buffer_free(&result);
}

void anvil_fund(struct anvil *anvil, const uint8_t address[20])
{
    char params[96], hex[41];

    text_hex(address, 20, hex);
    (void)snprintf(params, sizeof params, "[\"0x%s\",\"0x3635c9adc5dea00000\"]", hex);
    anvil_request(anvil, "anvil_setBalance", params);
}

/* The number of the newest block in the state file; 0 while there is none. */
static uint64_t anvil_dumped(const struct anvil *anvil)
{
    static const char key[] = "\"block\":{\"number\":\"";
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    uint64_t number = 0;
    const char *found;
    char path[96];

    anvil_state_path(anvil, path, sizeof path);
    if (file_read(path, &text, NULL) == ACESO_OK) {
        found = strstr(buffer_text(&text), key);
        if (found)
            number = strtoull(found + strlen(key), NULL, 0);
    }
    buffer_free(&text);
    return number;
}

void anvil_wait_dump(struct anvil *anvil, uint64_t number)
{
    const int64_t start = time_monotonic_ms();

    while (anvil_dumped(anvil) < number)
        anvil_pause(start);
}
