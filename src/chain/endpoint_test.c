/* SPDX-License-Identifier: Apache-2.0 */
/* Several chain nodes asked as one, over unix sockets: who fails is passed over, who is on another
 * chain is never asked. */
#include "chain/endpoint.h"

#include "base/text.h"
#include "chain/rpc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum behaviour { GOOD, PIECES, OTHER_CHAIN, NONSENSE, BAD_NUMBER, HANG_UP, STALL };

struct server {
    char path[96];
    int listener;
    pthread_t thread;
    atomic_int behaviour;
    atomic_int asked;
};

static char directory[64];
static struct server servers[2];

/* One answer; false ends the connection. */
static bool answer(struct server *server, int fd, const char *request)
{
    static const char good[] =
        "{\"note\":\"}]{\\\"\",\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":\"%s\"}\n";
    int behaviour = atomic_load(&server->behaviour);
    const char *id = strstr(request, "\"id\":"), *result = "0x10";
    size_t len, step;
    char text[256];

    if (behaviour == HANG_UP)
        return false;
    if (behaviour == OTHER_CHAIN)
        result = "0x11";
    else if (!strstr(request, "eth_chainId"))
        result = behaviour == BAD_NUMBER ? "soon" : "0x5";
    len = (size_t)snprintf(text, sizeof text, behaviour == NONSENSE ? "{not JSON}" : good,
                           id ? strtoll(id + 5, NULL, 10) : -1LL, result);
    step = behaviour == PIECES ? 1 : len;
    for (size_t at = 0; at < len; at += step) {
        if (send(fd, text + at, step, MSG_NOSIGNAL) < 0)
            return false;
    }
    return true;
}

static void *server_run(void *context)
{
    struct server *server = context;
    int fd;

    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        char request[4096];
        ssize_t got;

        while ((got = recv(fd, request, sizeof request - 1, 0)) > 0) {
            request[got] = '\0';
            (void)atomic_fetch_add(&server->asked, 1);
            if (atomic_load(&server->behaviour) != STALL && !answer(server, fd, request))
                break;
        }
        (void)close(fd);
    }
    return NULL;
}

static int servers_start(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/aceso-endpoint-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct server *server = &servers[i];

        (void)snprintf(server->path, sizeof server->path, "%s/%zu.ipc", directory, i);
        memcpy(address.sun_path, server->path, strlen(server->path) + 1);
        server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
            listen(server->listener, 8) != 0 ||
            pthread_create(&server->thread, NULL, server_run, server) != 0)
            return -1;
    }
    return 0;
}

static int servers_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        (void)shutdown(servers[i].listener, SHUT_RDWR);
        (void)pthread_join(servers[i].thread, NULL);
        (void)close(servers[i].listener);
        (void)unlink(servers[i].path);
    }
    (void)rmdir(directory);
    return 0;
}

static struct rpc *open_both(enum behaviour first, enum behaviour second)
{
    char urls[256];
    const struct rpc_settings settings = { .url = urls, .timeout_ms = 300, .answer_max = 4096 };
    struct rpc *rpc = NULL;

    atomic_store(&servers[0].behaviour, first);
    atomic_store(&servers[1].behaviour, second);
    atomic_store(&servers[0].asked, 0);
    atomic_store(&servers[1].asked, 0);
    (void)snprintf(urls, sizeof urls, "ipc:%s,ipc:%s", servers[0].path, servers[1].path);
    assert_int_equal(rpc_open(&settings, &rpc, NULL), ACESO_OK);
    return rpc;
}

static void test_the_next_one_answers(void **state)
{
    static const enum behaviour bad[] = { NONSENSE, HANG_UP, STALL };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        static const uint8_t address[20] = { 1 };
        struct rpc *rpc = open_both(bad[i], GOOD);
        uint64_t number = 0;

        assert_int_equal(rpc_nonce(rpc, address, RPC_LATEST, &number, NULL), ACESO_OK);
        assert_int_equal(number, 5);
        atomic_store(&servers[0].asked, 0);
        assert_int_equal(rpc_chain_id(rpc, &number, NULL), ACESO_OK);
        assert_int_equal(atomic_load(&servers[0].asked), 0); /* it is not tried each time */
        rpc_close(rpc);
    }
}

static void test_back_to_the_first(void **state)
{
    struct rpc *rpc = open_both(HANG_UP, GOOD);
    uint64_t number = 0;

    (void)state;
    assert_int_equal(rpc_chain_id(rpc, &number, NULL), ACESO_OK);
    atomic_store(&servers[0].behaviour, PIECES);
    atomic_store(&servers[1].behaviour, HANG_UP);
    assert_int_equal(rpc_chain_id(rpc, &number, NULL), ACESO_OK);
    assert_int_equal(number, 16);
    atomic_store(&servers[0].behaviour, HANG_UP);
    assert_int_equal(rpc_chain_id(rpc, &number, NULL), ACESO_EIO);
    rpc_close(rpc);
}

static void test_another_chain_is_never_believed(void **state)
{
    struct rpc *rpc = open_both(GOOD, OTHER_CHAIN);
    static const uint8_t address[20] = { 1 };
    struct aceso_error error = { .code = ACESO_OK };
    uint64_t number = 0;

    (void)state;
    assert_int_equal(rpc_nonce(rpc, address, RPC_LATEST, &number, NULL), ACESO_OK);
    atomic_store(&servers[0].behaviour, HANG_UP);
    number = 0;
    assert_int_equal(rpc_nonce(rpc, address, RPC_LATEST, &number, &error), ACESO_EIO);
    assert_int_equal(number, 0);
    atomic_store(&servers[0].behaviour, GOOD);
    assert_int_equal(rpc_nonce(rpc, address, RPC_LATEST, &number, NULL), ACESO_OK);
    assert_int_equal(number, 5);
    rpc_close(rpc);
}

/* What is well-formed and makes no sense is a failure once; then the other one is asked. */
static void test_a_node_that_makes_no_sense(void **state)
{
    struct rpc *rpc = open_both(BAD_NUMBER, GOOD);
    static const uint8_t address[20] = { 1 };
    uint64_t number = 0;

    (void)state;
    assert_int_equal(rpc_nonce(rpc, address, RPC_LATEST, &number, NULL), ACESO_EFORMAT);
    assert_int_equal(rpc_nonce(rpc, address, RPC_LATEST, &number, NULL), ACESO_OK);
    assert_int_equal(number, 5);
    rpc_close(rpc);
}

static void test_urls(void **state)
{
    static const char *const bad[] = { "",           ",",           "ftp://a/",
                                       "http://",    "ipc:",        "ipc:a",
                                       "http://a/,", "http://a/,b", "http://a,,http://b" };
    static const char *const good[] = { "http://a/", "https://a:1/x", "ipc:/a",
                                        "http://a/,ipc:/b,https://c" };
    struct endpoints *endpoints = NULL;
    char many[256] = "http://a", longer[200] = "ipc:/";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(endpoints_open(bad[i], 100, &endpoints, NULL), ACESO_EUSAGE);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(endpoints_open(good[i], 100, &endpoints, NULL), ACESO_OK);
        endpoints_close(endpoints);
    }
    for (size_t i = 0; i < ENDPOINTS_MAX; i++)
        memcpy(many + 8 + 9 * i, ",http://a", 10);
    assert_int_equal(endpoints_open(many, 100, &endpoints, NULL), ACESO_EUSAGE);
    memset(longer + 5, 'a', sizeof longer - 6);
    assert_int_equal(endpoints_open(longer, 100, &endpoints, NULL), ACESO_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_one_answers),
        cmocka_unit_test(test_back_to_the_first),
        cmocka_unit_test(test_another_chain_is_never_believed),
        cmocka_unit_test(test_a_node_that_makes_no_sense),
        cmocka_unit_test(test_urls),
    };

    return cmocka_run_group_tests_name("chain/endpoint", tests, servers_start, servers_stop);
}
