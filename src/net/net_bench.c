/* SPDX-License-Identifier: Apache-2.0 */
/* How many small reads a node's TLS endpoint answers. Server and clients are in one process on one
 * machine, so both sides' work is in each number. TLS 1.3, both sides authenticated, the route
 * wants the client's certificate; the handler returns 1,000 bytes of JSON and touches no database.
 * Prints `bench NAME=VALUE UNIT`.
 *
 *     net_bench [SECONDS]    for each number; 3 by default
 *
 * api.read_s       calls a second, one client on one kept connection, one after the other
 * api.read_4_s     the same, four clients in four threads
 * api.connect_s    calls a second with a new connection and handshake for each */
#include "net/http_fixture.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS 4
#define ANSWER_SIZE 1000

static struct parties parties;
static struct served served;
static int64_t run_ms = 3000;

static int read_handler(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    int code = buffer_put_u8(&response->body, '"');

    (void)context;
    (void)request;
    (void)error;
    for (size_t i = 0; !code && i < ANSWER_SIZE - 2; i++)
        code = buffer_put_u8(&response->body, 'a');
    return code ? code : buffer_put_u8(&response->body, '"');
}

static const struct http_route routes[] = {
    { "GET", "/v1/bench", read_handler, HTTP_ROUTE_PEER, 0 },
};

static void call(struct http_client *client)
{
    struct http_answer answer = HTTP_ANSWER_INIT;
    struct aceso_error error = { .code = ACESO_OK };

    if (served_call(&served, client, "GET", "/v1/bench", bytes_of(NULL, 0), &answer, &error) ||
        answer.body.len != ANSWER_SIZE) {
        fprintf(stderr, "net_bench: %s\n", error.text);
        exit(1);
    }
    http_answer_free(&answer);
}

struct caller {
    pthread_t thread;
    bool connects; /* each time anew */
    size_t calls;
};

static void *make_calls(void *data)
{
    struct caller *caller = data;
    struct http_client *client = party_client(&parties, &parties.institute);
    int64_t end;

    call(client); /* the handshake of a kept connection is not counted */
    for (end = time_monotonic_ms() + run_ms; time_monotonic_ms() < end; caller->calls++) {
        if (caller->connects) {
            http_client_destroy(client);
            client = party_client(&parties, &parties.institute);
        }
        call(client);
    }
    http_client_destroy(client);
    return NULL;
}

static void measure(const char *name, size_t clients, bool connects)
{
    struct caller callers[CLIENTS];
    size_t calls = 0;

    for (size_t i = 0; i < clients; i++) {
        callers[i] = (struct caller){ .connects = connects };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, make_calls, &callers[i]), 0);
    }
    for (size_t i = 0; i < clients; i++) {
        (void)pthread_join(callers[i].thread, NULL);
        calls += callers[i].calls;
    }
    printf("bench api.%s=%.0f calls/s\n", name, (double)calls * 1e3 / (double)run_ms);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        run_ms = strtol(argv[1], NULL, 10) * 1000;
    if (argc > 2 || run_ms <= 0 || run_ms > 3600000) {
        fprintf(stderr, "usage: net_bench [SECONDS]\n");
        return 2;
    }
    parties_make(&parties);
    served_start(&served, &parties, routes, 1, NULL, NULL, NULL);
    measure("read_s", 1, false);
    measure("read_4_s", CLIENTS, false);
    measure("connect_s", 1, true);
    served_ask_to_stop(&served);
    served_join(&served);
    parties_free(&parties);
    return 0;
}
