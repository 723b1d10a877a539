/* SPDX-License-Identifier: Apache-2.0 */
/* The RPC client against a server that lies, stalls, cuts off, floods and does not speak JSON. */
#include "chain/rpc.h"

#include "base/text.h"
#include "chain/confirmation.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_MAX 4096

enum behaviour { ANSWER, STATUS_500, CUT, FLOOD, STALL, HANG_UP };

/* One thread that answers each connection's requests in the same way. */
struct server {
    int listener;
    pthread_t thread;
    char url[64];
    pthread_mutex_t lock;
    enum behaviour behaviour;
    const char *answer; /* '@' stands for the request's id */
    const char *second; /* the answer to every other method than the first one asked, or NULL */
    const char *first_method;
};

static struct server server;

static void send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        data += sent;
        len -= (size_t)sent;
    }
}

/* Writes the answer with the request's id in it; returns its length. */
static size_t fill_in(const char *answer, const char *request, char *out, size_t size)
{
    const char *id = strstr(request, "\"id\":");
    size_t len = 0;

    for (; *answer && len + 24 < size; answer++) {
        if (*answer == '@' && id)
            len += (size_t)snprintf(out + len, size - len, "%lld", strtoll(id + 5, NULL, 10));
        else
            out[len++] = *answer;
    }
    out[len] = '\0';
    return len;
}

static void answer_with(int fd, const char *status, size_t claimed, const char *body, size_t len)
{
    char head[160];
    int head_len = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
                                               "Connection: close\r\n\r\n", status, claimed);

    send_all(fd, head, (size_t)head_len);
    send_all(fd, body, len);
}

static void serve(int fd, const char *request)
{
    static char flood[1 << 20];
    char body[8192];
    enum behaviour behaviour;
    const char *answer;
    size_t len;

    (void)pthread_mutex_lock(&server.lock);
    behaviour = server.behaviour;
    answer = server.first_method && !strstr(request, server.first_method) ? server.second
                                                                           : server.answer;
    (void)pthread_mutex_unlock(&server.lock);
    len = fill_in(answer ? answer : "", request, body, sizeof body);
    if (behaviour == ANSWER)
        answer_with(fd, "200 OK", len, body, len);
    else if (behaviour == STATUS_500)
        answer_with(fd, "500 Internal Server Error", len, body, len);
    else if (behaviour == CUT)
        answer_with(fd, "200 OK", len + 100, body, len);
    else if (behaviour == FLOOD)
        answer_with(fd, "200 OK", sizeof flood, flood, sizeof flood);
    else if (behaviour == STALL)
        (void)recv(fd, body, 1, 0); /* until the client gives up */
}

/* Reads one request with its body: 1, or 0 at the end. */
static int read_request(int fd, char *out, size_t size)
{
    size_t len = 0;

    for (;;) {
        ssize_t got = recv(fd, out + len, size - 1 - len, 0);
        const char *body, *length;

        if (got <= 0)
            return 0;
        len += (size_t)got;
        out[len] = '\0';
        body = strstr(out, "\r\n\r\n");
        length = strcasestr(out, "content-length:");
        if (body && length && strlen(body + 4) >= strtoul(length + 15, NULL, 10))
            return 1;
    }
}

static void *server_run(void *context)
{
    static char request[1 << 16];

    (void)context;
    for (;;) {
        int fd = accept(server.listener, NULL, NULL);

        if (fd < 0)
            return NULL;
        if (read_request(fd, request, sizeof request))
            serve(fd, request);
        (void)close(fd);
    }
}

static int server_start(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server.listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server.listener, 16) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&address, &len) != 0)
        return -1;
    (void)snprintf(server.url, sizeof server.url, "http://127.0.0.1:%u/",
                   ntohs(address.sin_port));
    (void)pthread_mutex_init(&server.lock, NULL);
    return pthread_create(&server.thread, NULL, server_run, NULL);
}

static int server_stop(void **state)
{
    (void)state;
    (void)shutdown(server.listener, SHUT_RDWR);
    (void)pthread_join(server.thread, NULL);
    (void)close(server.listener);
    return 0;
}

static void server_says(enum behaviour behaviour, const char *answer)
{
    (void)pthread_mutex_lock(&server.lock);
    server.behaviour = behaviour;
    server.answer = answer;
    server.first_method = NULL;
    (void)pthread_mutex_unlock(&server.lock);
}

static struct rpc *open_rpc(void)
{
    const struct rpc_settings settings = { .url = server.url, .timeout_ms = 400,
                                           .answer_max = ANSWER_MAX };
    struct rpc *rpc = NULL;

    assert_int_equal(rpc_open(&settings, &rpc, NULL), ACESO_OK);
    return rpc;
}

static void test_each_way_to_fail_is_told_apart(void **state)
{
    static const char good[] = "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":\"0x7a69\"}";
    static const struct {
        enum behaviour behaviour;
        const char *answer;
        int code;
    } cases[] = {
        { ANSWER, good, ACESO_OK },
        { STATUS_500, good, ACESO_EIO },
        { CUT, good, ACESO_EIO },
        { FLOOD, good, ACESO_ELIMIT },
        { HANG_UP, good, ACESO_EIO },
        { STALL, good, ACESO_ETIMEOUT },
        { ANSWER, "<html>hello</html>", ACESO_EFORMAT },
        { ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":\"0x7a69\"}", ACESO_EFORMAT },
        { ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":31337}", ACESO_EFORMAT },
        { ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":-32601,\"message\":\"no\"}}",
          ACESO_ECHAIN },
        { ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":-32005,\"message\":\"no\"}}",
          ACESO_ELIMIT },
        { ANSWER, good, ACESO_OK }, /* and none of it spoils what comes after */
    };
    struct rpc *rpc = open_rpc();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aceso_error error = { .code = ACESO_OK };
        uint64_t chain_id = 1;

        server_says(cases[i].behaviour, cases[i].answer);
        assert_int_equal(rpc_chain_id(rpc, &chain_id, &error), cases[i].code);
        assert_int_equal(chain_id, cases[i].code ? 1 : 31337);
        assert_int_equal(error.code, cases[i].code);
        assert_true(!cases[i].code || error.text[0]);
    }
    rpc_close(rpc);
}

static void test_a_deep_answer_is_refused(void **state)
{
    char deep[600] = "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":";
    struct rpc *rpc = open_rpc();
    uint64_t chain_id;
    size_t len = strlen(deep);

    (void)state;
    memset(deep + len, '[', 500);
    deep[len + 500] = '\0';
    server_says(ANSWER, deep);
    assert_int_equal(rpc_chain_id(rpc, &chain_id, NULL), ACESO_ELIMIT);
    rpc_close(rpc);
}

static void test_a_nodes_own_trouble_is_no_revert(void **state)
{
    static const uint8_t to[20] = { 1 };
    const struct rpc_call call = { .to = to };
    struct buffer out = BUFFER_INIT(1024), revert = BUFFER_INIT(1024);
    struct rpc *rpc = open_rpc();
    uint64_t gas = 0;

    (void)state;
    server_says(ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":-32000,\"message\":"
                        "\"missing trie node\"}}");
    assert_int_equal(rpc_call(rpc, &call, RPC_LATEST, &out, &revert, NULL), ACESO_EIO);
    assert_int_equal(rpc_estimate_gas(rpc, &call, &gas, NULL), ACESO_EIO);
    server_says(ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":3,\"message\":"
                        "\"execution reverted\",\"data\":\"0xdeadbeef\"}}");
    assert_int_equal(rpc_call(rpc, &call, 5, &out, &revert, NULL), ACESO_ECHAIN);
    assert_true(bytes_equal(buffer_bytes(&revert), bytes_of("\xde\xad\xbe\xef", 4)));
    assert_int_equal(rpc_estimate_gas(rpc, &call, &gas, NULL), ACESO_ECHAIN);
    server_says(ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":-32000,\"message\":"
                        "\"execution reverted\"}}");
    assert_int_equal(rpc_estimate_gas(rpc, &call, &gas, NULL), ACESO_ECHAIN);
    assert_int_equal(out.len, 0);
    buffer_free(&revert);
    rpc_close(rpc);
}

#define BLOCK(number)                                                                              \
    "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":{\"number\":\"" number "\","                         \
    "\"timestamp\":\"0x1\","                                                                     \
    "\"hash\":\"0x1111111111111111111111111111111111111111111111111111111111111111\","             \
    "\"parentHash\":\"0x2222222222222222222222222222222222222222222222222222222222222222\","       \
    "\"baseFeePerGas\":\"0x3b9aca00\"}}"

static void test_another_block_than_asked_for_is_refused(void **state)
{
    struct rpc *rpc = open_rpc();
    struct rpc_block block;

    (void)state;
    server_says(ANSWER, BLOCK("0x5"));
    assert_int_equal(rpc_block(rpc, 5, &block, NULL), ACESO_OK);
    assert_int_equal(rpc_block(rpc, RPC_LATEST, &block, NULL), ACESO_OK);
    assert_int_equal(rpc_block(rpc, 6, &block, NULL), ACESO_EFORMAT);
    server_says(ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":null}");
    assert_int_equal(rpc_block(rpc, 6, &block, NULL), ACESO_ENOTFOUND);
    rpc_close(rpc);
}

static void test_fees(void **state)
{
    struct rpc *rpc = open_rpc();
    struct rpc_fees fees;

    (void)state;
    server_says(ANSWER, BLOCK("0x5"));
    (void)pthread_mutex_lock(&server.lock);
    server.first_method = "eth_getBlockByNumber";
    server.second = "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":\"0x77359400\"}";
    (void)pthread_mutex_unlock(&server.lock);
    assert_int_equal(rpc_fees(rpc, &fees, NULL), ACESO_OK);
    assert_true(fees.dynamic);
    assert_int_equal(fees.tip, 2000000000);
    assert_int_equal(fees.fee_max, 4000000000);
    (void)pthread_mutex_lock(&server.lock);
    server.second = "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":-32601,\"message\":\"?\"}}";
    (void)pthread_mutex_unlock(&server.lock);
    assert_int_equal(rpc_fees(rpc, &fees, NULL), ACESO_OK);
    assert_int_equal(fees.tip, 1000000000);
    (void)pthread_mutex_lock(&server.lock);
    server.second = "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":\"0xffffffffffffffff\"}";
    (void)pthread_mutex_unlock(&server.lock);
    assert_int_equal(rpc_fees(rpc, &fees, NULL), ACESO_ELIMIT);
    rpc_close(rpc);
}

static void test_settings(void **state)
{
    struct rpc_settings settings = { .url = "ftp://127.0.0.1/" };
    struct confirmation rule;
    struct rpc *rpc = NULL;

    (void)state;
    assert_int_equal(rpc_open(&settings, &rpc, NULL), ACESO_EUSAGE);
    assert_int_equal(confirmation_parse("depth:3", &rule, NULL), ACESO_OK);
    assert_true(rule.rule == CONFIRMATION_DEPTH && rule.depth == 3);
    assert_int_equal(confirmation_parse("finalized", &rule, NULL), ACESO_OK);
    assert_true(rule.rule == CONFIRMATION_FINALIZED);
    assert_int_equal(confirmation_parse("depth:", &rule, NULL), ACESO_EFORMAT);
    assert_int_equal(confirmation_parse("depth:-1", &rule, NULL), ACESO_EFORMAT);
    assert_int_equal(confirmation_parse("soon", &rule, NULL), ACESO_EFORMAT);
}

static void test_the_confirmation_rules(void **state)
{
    struct confirmation rule = { .rule = CONFIRMATION_DEPTH, .depth = 3 };
    struct rpc *rpc = open_rpc();
    uint64_t number = 9;
    bool any = true;

    (void)state;
    assert_int_equal(confirmation_block(&rule, rpc, 2, &any, &number, NULL), ACESO_OK);
    assert_false(any);
    assert_int_equal(confirmation_block(&rule, rpc, 10, &any, &number, NULL), ACESO_OK);
    assert_true(any && number == 7);
    rule.rule = CONFIRMATION_FINALIZED;
    server_says(ANSWER, BLOCK("0x5"));
    assert_int_equal(confirmation_block(&rule, rpc, 10, &any, &number, NULL), ACESO_OK);
    assert_true(any && number == 5);
    assert_int_equal(confirmation_block(&rule, rpc, 4, &any, &number, NULL), ACESO_OK);
    assert_true(any && number == 4);
    server_says(ANSWER, "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":null}");
    assert_int_equal(confirmation_block(&rule, rpc, 10, &any, &number, NULL), ACESO_OK);
    assert_false(any);
    server_says(HANG_UP, "");
    assert_int_equal(confirmation_block(&rule, rpc, 10, &any, &number, NULL), ACESO_EIO);
    rpc_close(rpc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_way_to_fail_is_told_apart),
        cmocka_unit_test(test_a_deep_answer_is_refused),
        cmocka_unit_test(test_a_nodes_own_trouble_is_no_revert),
        cmocka_unit_test(test_another_block_than_asked_for_is_refused),
        cmocka_unit_test(test_fees),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_the_confirmation_rules),
    };

    return cmocka_run_group_tests_name("chain/rpc", tests, server_start, server_stop);
}
