/* SPDX-License-Identifier: Apache-2.0 */
/* The server against our client, plain sockets and a TLS client that does as it likes. */
#include "base/log.h"
#include "base/text.h"
#include "net/http_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define IDLE_CONNECTIONS 1000

static struct parties parties;
static struct served served;

/* What the handlers of these tests share with them. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int inside;    /* handlers in wait_handler */
    bool released; /* they may go */
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static atomic_int chunks_made, streams_freed;

/* ---- Handlers ---- */

static int echo_handler(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    const char *limit = http_request_query(request, "limit");
    const char *type = http_request_header(request, "content-TYPE");

    (void)context;
    (void)error;
    response->content_type = "text/plain";
    return buffer_printf(&response->body,
                         "%s %s id=%s limit=%s who=%s remote=%s on=%s type=%s %.*s",
                         request->method, request->pattern, http_request_path(request, "id"),
                         limit ? limit : "-", request->who ? request->who->role : "-",
                         request->remote, request->listener, type ? type : "-",
                         (int)request->body.len, (const char *)request->body.data);
}

static int size_handler(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    (void)context;
    (void)error;
    return buffer_printf(&response->body, "%zu", request->body.len);
}

static int fail_handler(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    uint64_t code = 0;

    (void)context;
    if (text_u64(http_request_path(request, "code"), 99, &code))
        return ACESO_EUSAGE;
    if (code == 99) {
        response->status = 410;
        return error_set(error, ACESO_ENOTFOUND, NULL, "gone");
    }
    (void)buffer_put_string(&response->body, "not to be seen");
    return error_set(error, -(int)code, "place inside", "text inside");
}

static int big_handler(void *context, const struct http_request *request,
                       struct http_response *response, struct aceso_error *error)
{
    (void)context;
    (void)request;
    if (http_response_header(response, "X-Test", "yes") ||
        !http_response_header(response, "X-Test\r\nEvil", "yes") ||
        !http_response_header(response, "X-Test", "a\r\nEvil: b"))
        return error_set(error, ACESO_EINTERNAL, NULL, "headers");
    for (size_t i = 0; i < 300000; i++)
        (void)buffer_printf(&response->body, "%08zu\n", i);
    return ACESO_OK;
}

static int wait_handler(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    (void)context;
    (void)request;
    (void)error;
    pthread_mutex_lock(&gate.lock);
    gate.inside++;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.released)
        pthread_cond_wait(&gate.changed, &gate.lock);
    gate.inside--;
    pthread_mutex_unlock(&gate.lock);
    return buffer_put_string(&response->body, "done");
}

struct counting {
    unsigned next, end, fail, quiet;
};

static int counting_next(void *state, struct buffer *chunk, bool *end, struct aceso_error *error)
{
    struct counting *counting = state;

    atomic_fetch_add(&chunks_made, 1);
    if (counting->fail && counting->next == counting->fail)
        return error_set(error, ACESO_EDENIED, NULL, "revoked");
    if (counting->quiet && counting->next % 2 == 1 && counting->quiet--)
        return ACESO_OK;
    for (size_t i = 0; i < HTTP_CHUNK_SIZE / 8; i++)
        (void)buffer_printf(chunk, "%07u\n", counting->next);
    *end = ++counting->next == counting->end;
    return chunk->failed;
}

static void counting_free(void *state)
{
    atomic_fetch_add(&streams_freed, 1);
    free(state);
}

/* /v1/stream/{chunks}?fail=n&quiet=n */
static int stream_handler(void *context, const struct http_request *request,
                          struct http_response *response, struct aceso_error *error)
{
    struct counting *counting = calloc(1, sizeof *counting);
    const char *fail = http_request_query(request, "fail");
    const char *quiet = http_request_query(request, "quiet");
    uint64_t chunks = 0, failing = 0, quiets = 0;

    (void)context;
    (void)error;
    if (!counting || text_u64(http_request_path(request, "chunks"), 10000, &chunks) ||
        (fail && text_u64(fail, 10000, &failing)) || (quiet && text_u64(quiet, 100, &quiets))) {
        free(counting);
        return ACESO_EUSAGE;
    }
    *counting = (struct counting){ .end = (unsigned)chunks, .fail = (unsigned)failing,
                                   .quiet = (unsigned)quiets };
    response->content_type = "application/octet-stream";
    response->stream = (struct http_stream){ .next = counting_next, .free = counting_free,
                                             .state = counting, .wait_ms = 5 };
    return ACESO_OK;
}

static int first_fails(void *state, struct buffer *chunk, bool *end, struct aceso_error *error)
{
    (void)state;
    (void)chunk;
    (void)end;
    return error_set(error, ACESO_ESTATE, NULL, "not signed yet");
}

static int unready_handler(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error)
{
    (void)context;
    (void)request;
    (void)error;
    response->stream.next = first_fails;
    return ACESO_OK;
}

/* Lets everyone in but an institute, and a request that says so itself. */
static int test_authorise(void *context, const struct http_request *request,
                          struct http_response *response, struct aceso_error *error)
{
    const char *query = http_request_query(request, "as");

    (void)context;
    if (request->who && strcmp(request->who->role, "institute") == 0)
        return error_set(error, ACESO_EDENIED, NULL, "not for institutes");
    if (query && strcmp(query, "nobody") == 0) {
        response->status = 401;
        return error_set(error, ACESO_EDENIED, NULL, "sign in");
    }
    memcpy(request->identity, "known", 6);
    return ACESO_OK;
}

static int identity_handler(void *context, const struct http_request *request,
                            struct http_response *response, struct aceso_error *error)
{
    (void)context;
    (void)error;
    return buffer_printf(&response->body, "%.5s", (const char *)request->identity);
}

static const struct http_route routes[] = {
    { "GET", "/v1/echo/{id}", echo_handler, 0, 0 },
    { "POST", "/v1/echo/{id}", echo_handler, 0, 64 },
    { "POST", "/v1/size", size_handler, 0, (size_t)4 << 20 },
    { "GET", "/v1/fail/{code}", fail_handler, 0, 0 },
    { "GET", "/v1/big", big_handler, 0, 0 },
    { "GET", "/v1/wait", wait_handler, 0, 0 },
    { "GET", "/v1/stream/{chunks}", stream_handler, 0, 0 },
    { "GET", "/v1/unready", unready_handler, 0, 0 },
    { "GET", "/v1/identity", identity_handler, 0, 0 },
    { "GET", "/v1/peer", size_handler, HTTP_ROUTE_PEER, 0 },
    { "GET", "/v1/public", size_handler, HTTP_ROUTE_PUBLIC, 0 },
};

static int setup(void **state)
{
    (void)state;
    served_start(&served, &parties, routes, sizeof routes / sizeof routes[0], test_authorise, NULL,
                 NULL);
    return 0;
}

static int setup_impatient(void **state)
{
    const struct http_server_limits limits = { .idle_ms = 400, .request_ms = 400, .send_ms = 400 };

    (void)state;
    served_start(&served, &parties, routes, sizeof routes / sizeof routes[0], test_authorise, NULL,
                 &limits);
    return 0;
}

static int setup_narrow(void **state)
{
    const struct http_server_limits limits = { .handlers_max = 2 };

    (void)state;
    gate.released = false;
    served_start(&served, &parties, routes, sizeof routes / sizeof routes[0], test_authorise, NULL,
                 &limits);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    served_ask_to_stop(&served);
    served_join(&served);
    return served.left ? -1 : 0;
}

/* The body of a GET that must succeed equals `expected`. */
static void assert_get(struct http_client *client, const char *target, const char *expected)
{
    struct http_answer answer = HTTP_ANSWER_INIT;
    struct aceso_error error = { 0 };

    if (served_call(&served, client, "GET", target, bytes_of("", 0), &answer, &error))
        fail_msg("%s: %s", target, error.text);
    assert_string_equal(buffer_text(&answer.body), expected);
    http_answer_free(&answer);
}

static void assert_refused(struct http_client *client, const char *method, const char *target,
                           struct bytes body, int code, const char *text)
{
    struct http_answer answer = HTTP_ANSWER_INIT;
    struct aceso_error error = { 0 };

    assert_int_equal(served_call(&served, client, method, target, body, &answer, &error), code);
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.text, text));
    assert_null(answer.body.data);
}

/* Sends `request` over the unix socket as it is; the whole of what comes back. */
static void raw_exchange(const char *request, size_t len, struct buffer *out)
{
    int fd = served_connect_unix(&served);

    raw_send(fd, request, len);
    assert_int_equal(raw_read_all(fd, out), 0);
    close(fd);
}

static void assert_raw(const char *request, const char *start)
{
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT);

    raw_exchange(request, strlen(request), &out);
    assert_int_equal(strncmp(buffer_text(&out), start, strlen(start)), 0);
    buffer_free(&out);
}

/* ---- Requests and answers ---- */

static void test_get_over_tls(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);
    struct http_answer answer = HTTP_ANSWER_INIT;

    (void)state;
    assert_int_equal(served_call(&served, client, "GET", "/v1/echo/a%20b?limit=%c3%a9+1",
                                 bytes_of("", 0), &answer, NULL), ACESO_OK);
    assert_string_equal(buffer_text(&answer.body),
                        "GET /v1/echo/{id} id=a b limit=\xc3\xa9 1 who=hospital "
                        "remote=127.0.0.1 on=network type=application/json ");
    assert_string_equal(answer.content_type, "text/plain");
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    http_client_destroy(client);
}

static void test_get_over_unix(void **state)
{
    (void)state;
    assert_get(NULL, "/v1/echo/7", "GET /v1/echo/{id} id=7 limit=- who=- remote=unix on=control "
                                   "type=application/json ");
}

static void test_patient_is_known(void **state)
{
    struct http_client *client = party_client(&parties, &parties.patient);

    (void)state;
    for (int i = 0; i < 3; i++) /* the second and third on the same connection */
        assert_get(client, "/v1/echo/7", "GET /v1/echo/{id} id=7 limit=- who=patient "
                                         "remote=127.0.0.1 on=network type=application/json ");
    http_client_destroy(client);
}

static void test_bodies(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);
    struct http_answer answer = HTTP_ANSWER_INIT;
    size_t sizes[] = { 0, 1, 64, 65536, (size_t)4 << 20 };
    uint8_t *body = calloc(1, (size_t)4 << 20);

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char expected[32];

        (void)snprintf(expected, sizeof expected, "%zu", sizes[i]);
        assert_int_equal(served_call(&served, client, "POST", "/v1/size", bytes_of(body, sizes[i]),
                                     &answer, NULL), ACESO_OK);
        assert_string_equal(buffer_text(&answer.body), expected);
    }
    free(body);
    http_answer_free(&answer);
    http_client_destroy(client);
}

static void test_body_over_the_limit(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);
    uint8_t *body = calloc(1, (size_t)8 << 20);

    (void)state;
    assert_non_null(body);
    assert_refused(client, "POST", "/v1/echo/1", bytes_of(body, 65), ACESO_ELIMIT, "too long");
    assert_refused(NULL, "POST", "/v1/echo/1", bytes_of(body, 65), ACESO_ELIMIT, "too long");
    assert_refused(client, "POST", "/v1/size", bytes_of(body, ((size_t)4 << 20) + 1), ACESO_ELIMIT,
                   "too long");
    assert_refused(client, "POST", "/v1/echo/1", bytes_of(body, (size_t)8 << 20), ACESO_ELIMIT,
                   "too long");
    assert_refused(client, "GET", "/v1/echo/1", bytes_of(body, 1), ACESO_ELIMIT, "too long");
    free(body);
    http_client_destroy(client);
}

static void test_chunked_body_over_the_limit(void **state)
{
    static const char head[] = "POST /v1/echo/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    struct buffer request = BUFFER_INIT(BUFFER_MAX_DEFAULT), out = BUFFER_INIT(BUFFER_MAX_DEFAULT);

    (void)state;
    assert_raw("POST /v1/echo/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
               "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "HTTP/1.1 200 ");
    (void)buffer_put_string(&request, head);
    for (int i = 0; i < 65; i++)
        (void)buffer_put_string(&request, "1\r\nx\r\n");
    (void)buffer_put_string(&request, "0\r\n\r\n");
    raw_exchange(buffer_text(&request), request.len, &out);
    assert_non_null(strstr(buffer_text(&out), "HTTP/1.1 413 "));
    assert_non_null(strstr(buffer_text(&out), "{\"code\":\"limit\",\"status\":413,"));

    /* one that never ends is cut */
    buffer_clear(&request);
    buffer_clear(&out);
    (void)buffer_put_string(&request, head);
    for (int i = 0; i < 100; i++)
        (void)buffer_printf(&request, "1000\r\n%04096d\r\n", 0);
    raw_exchange(buffer_text(&request), request.len, &out);
    assert_int_equal(out.len, 0);
    buffer_free(&request);
    buffer_free(&out);
}

static void test_no_such_route(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    static const char request[] = "DELETE /v1/echo/1 HTTP/1.1\r\nHost: a\r\n"
                                  "Connection: close\r\n\r\n";

    (void)state;
    assert_refused(client, "GET", "/v1/nothing", bytes_of("", 0), ACESO_ENOTFOUND, "nothing");
    assert_refused(client, "GET", "/v1/echo", bytes_of("", 0), ACESO_ENOTFOUND, "nothing");
    assert_refused(client, "GET", "/v1/echo/1/2", bytes_of("", 0), ACESO_ENOTFOUND, "nothing");
    assert_refused(client, "DELETE", "/v1/echo/1", bytes_of("", 0), ACESO_EUSAGE, "no such method");
    raw_exchange(request, strlen(request), &out);
    assert_non_null(strstr(buffer_text(&out), "HTTP/1.1 405 "));
    assert_non_null(strstr(buffer_text(&out), "\r\nAllow: GET, POST\r\n"));
    buffer_free(&out);
    http_client_destroy(client);
}

static void test_malformed_targets(void **state)
{
    char request[8192];

    (void)state;
    assert_raw("GET /v1/echo/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 400 ");
    assert_raw("GET /v1/echo/a%2fb HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 400 ");
    assert_raw("GET /v1/../v1/echo/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 400 ");
    assert_raw("GET /v1/echo/a?limit=1&limit=2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 400 ");
    assert_raw("GET http://a/v1/echo/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 400 ");
    (void)snprintf(request, sizeof request,
                   "GET /v1/echo/%05000d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 1);
    assert_raw(request, "HTTP/1.1 414 ");
}

static void test_malformed_requests(void **state)
{
    struct buffer request = BUFFER_INIT(BUFFER_MAX_DEFAULT), out = BUFFER_INIT(BUFFER_MAX_DEFAULT);

    (void)state;
    assert_raw("GET /v1/echo/1 HTTP/1.0\r\nHost: a\r\n\r\n", "HTTP/1.");
    assert_raw("GET /v1/echo/1 HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 ");
    assert_raw("POST /v1/size HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 4");
    assert_raw("\x16\x03\x01 garbage\r\n\r\n", "");
    for (int count = 60; count <= 6000; count *= 100) { /* too many, then too long */
        buffer_clear(&request);
        buffer_clear(&out);
        (void)buffer_put_string(&request, "GET /v1/echo/1 HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < count; i++)
            (void)buffer_printf(&request, "X-%d: some value\r\n", i);
        (void)buffer_put_string(&request, "Connection: close\r\n\r\n");
        raw_exchange(buffer_text(&request), request.len, &out);
        assert_true(out.len == 0 || strstr(buffer_text(&out), " 431 ") ||
                    strstr(buffer_text(&out), " 413 "));
    }
    buffer_free(&request);
    buffer_free(&out);
    assert_get(NULL, "/v1/public", "0");
}

static void test_http_1_0_is_refused(void **state)
{
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    static const char request[] = "GET /v1/stream/2 HTTP/1.0\r\nHost: a\r\n\r\n";

    (void)state;
    raw_exchange(request, strlen(request), &out);
    assert_non_null(strstr(buffer_text(&out), " 505 "));
    buffer_free(&out);
}

static void test_pipelined_requests(void **state)
{
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    static const char request[] =
        "GET /v1/nothing HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /v1/echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst"
        "POST /v1/echo/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n"
        "Connection: close\r\n\r\nsecond";
    const char *first, *second;

    (void)state;
    raw_exchange(request, strlen(request), &out);
    first = strstr(buffer_text(&out), "id=1");
    second = strstr(buffer_text(&out), "id=2");
    assert_int_equal(strncmp(buffer_text(&out), "HTTP/1.1 404 ", 13), 0);
    assert_true(first && second && first < second);
    assert_non_null(strstr(first, "first"));
    assert_non_null(strstr(second, "second"));
    assert_non_null(strstr(buffer_text(&out), "\r\nCache-Control: no-store\r\n"));
    assert_non_null(strstr(buffer_text(&out), "\r\nX-Content-Type-Options: nosniff\r\n"));
    buffer_free(&out);
}

static void test_errors_of_handlers(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);

    (void)state;
    for (int code = 1; code <= 15; code++) {
        bool hidden = code == -ACESO_EIO || code == -ACESO_EMEMORY || code == -ACESO_EINTERNAL;
        char target[32];

        (void)snprintf(target, sizeof target, "/v1/fail/%d", code);
        assert_refused(NULL, "GET", target, bytes_of("", 0), -code, "text inside");
        assert_refused(client, "GET", target, bytes_of("", 0), -code,
                       hidden ? error_name(-code) : "text inside");
    }
    assert_raw("GET /v1/fail/99 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 410 ");
    http_client_destroy(client);
}

static void test_big_answer(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);
    struct http_answer answer = HTTP_ANSWER_INIT;

    (void)state;
    assert_int_equal(served_call(&served, client, "GET", "/v1/big", bytes_of("", 0), &answer, NULL),
                     ACESO_OK);
    assert_int_equal(answer.body.len, 300000 * 9);
    assert_string_equal(buffer_text(&answer.body) + 299999 * 9, "00299999\n");
    http_answer_free(&answer);
    http_client_destroy(client);
}

/* ---- Who may ---- */

static void test_authorise_refuses(void **state)
{
    struct http_client *institute = party_client(&parties, &parties.institute);
    struct http_client *hospital = party_client(&parties, &parties.hospital);

    (void)state;
    assert_refused(institute, "GET", "/v1/identity", bytes_of("", 0), ACESO_EDENIED,
                   "not for institutes");
    assert_get(institute, "/v1/public", "0");
    assert_get(hospital, "/v1/identity", "known");
    assert_raw("GET /v1/identity?as=nobody HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 401 ");
    http_client_destroy(institute);
    http_client_destroy(hospital);
}

static void test_no_certificate(void **state)
{
    struct http_client *client = party_client(&parties, NULL);

    (void)state;
    assert_refused(client, "GET", "/v1/peer", bytes_of("", 0), ACESO_EDENIED, "certificate");
    assert_get(client, "/v1/identity", "known"); /* a route that does not want one */
    assert_get(NULL, "/v1/peer", "0");           /* the owner's socket */
    http_client_destroy(client);
}

static void test_foreign_certificate(void **state)
{
    struct http_client *client = party_client(&parties, &parties.foreign);

    (void)state;
    assert_refused(client, "GET", "/v1/peer", bytes_of("", 0), ACESO_EVERIFY, "");
    assert_refused(client, "GET", "/v1/public", bytes_of("", 0), ACESO_EVERIFY, "");
    assert_refused(client, "POST", "/v1/size", bytes_of("x", 1), ACESO_EVERIFY, "");
    http_client_destroy(client);
}

/* A TLS client of at most `version`; true when a request is answered with 200. */
static bool tls_get(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    int fd = served_connect_tcp(&served);
    static const char request[] = "GET /v1/public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    char out[64] = "";
    bool ok = false;

    assert_int_equal(SSL_set_max_proto_version(ssl, version), 1);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, (int)strlen(request)) > 0 &&
        SSL_read(ssl, out, sizeof out - 1) > 0)
        ok = strncmp(out, "HTTP/1.1 200 ", 13) == 0;
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    return ok;
}

static void test_tls_versions(void **state)
{
    (void)state;
    assert_true(tls_get(TLS1_3_VERSION));
    assert_false(tls_get(TLS1_2_VERSION));
}

static void test_garbage_on_the_tls_port(void **state)
{
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    static const char plain[] = "GET /v1/public HTTP/1.1\r\nHost: a\r\n\r\n";
    char garbage[4096];
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (char)(i * 131 + 7);
    fd = served_connect_tcp(&served);
    raw_send(fd, garbage, sizeof garbage);
    assert_int_equal(raw_read_all(fd, &out), 0);
    close(fd);
    fd = served_connect_tcp(&served);
    raw_send(fd, plain, strlen(plain));
    assert_int_equal(raw_read_all(fd, &out), 0);
    assert_null(strstr(buffer_text(&out), "HTTP/1.1 2"));
    close(fd);
    assert_true(tls_get(TLS1_3_VERSION));
    buffer_free(&out);
}

/* ---- Streams ---- */

static void test_stream_whole(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);
    struct http_answer answer = HTTP_ANSWER_INIT;
    int freed = atomic_load(&streams_freed);

    (void)state;
    assert_int_equal(served_call(&served, client, "GET", "/v1/stream/50?quiet=5", bytes_of("", 0),
                                 &answer, NULL), ACESO_OK);
    assert_int_equal(answer.body.len, 50 * HTTP_CHUNK_SIZE);
    for (unsigned i = 0; i < 50; i++) {
        char line[16];

        (void)snprintf(line, sizeof line, "%07u\n", i);
        assert_memory_equal(answer.body.data + (size_t)i * HTTP_CHUNK_SIZE, line, 8);
        assert_memory_equal(answer.body.data + (size_t)(i + 1) * HTTP_CHUNK_SIZE - 8, line, 8);
    }
    http_answer_free(&answer);
    assert_get(client, "/v1/public", "0"); /* the connection goes on */
    assert_int_equal(atomic_load(&streams_freed), freed + 1);
    http_client_destroy(client);
}

static void test_stream_that_fails_is_cut(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_refused(client, "GET", "/v1/stream/50?fail=20", bytes_of("", 0), ACESO_EIO, "");
        assert_refused(NULL, "GET", "/v1/stream/50?fail=1", bytes_of("", 0), ACESO_EIO, "");
    }
    assert_refused(client, "GET", "/v1/unready", bytes_of("", 0), ACESO_ESTATE, "not signed yet");
    http_client_destroy(client);
}

static void test_stream_waits_for_the_reader(void **state)
{
    static const char request[] = "GET /v1/stream/1000 HTTP/1.1\r\nHost: a\r\n"
                                  "Connection: close\r\n\r\n";
    struct buffer out = BUFFER_INIT((size_t)128 << 20);
    int fd = served_connect_unix(&served), before = atomic_load(&chunks_made), made;

    (void)state;
    raw_send(fd, request, strlen(request));
    for (int i = 0; i < 200; i++) /* time enough for a server that does not wait */
        assert_get(NULL, "/v1/public", "0");
    made = atomic_load(&chunks_made) - before;
    assert_in_range(made, 1, 100); /* of 1000: what the kernel's buffers hold, not more */
    assert_int_equal(raw_read_all(fd, &out), 0);
    assert_true(out.len > (size_t)1000 * HTTP_CHUNK_SIZE);
    assert_memory_equal(out.data + out.len - 5, "0\r\n\r\n", 5);
    close(fd);
    buffer_free(&out);
}

static void test_client_leaves_a_stream(void **state)
{
    static const char request[] = "GET /v1/stream/10000 HTTP/1.1\r\nHost: a\r\n\r\n";
    int freed = atomic_load(&streams_freed);
    int64_t end = time_monotonic_ms() + 10000;
    char first[100];

    (void)state;
    for (int i = 0; i < 10; i++) {
        int fd = served_connect_unix(&served);

        raw_send(fd, request, strlen(request));
        assert_true(recv(fd, first, sizeof first, 0) > 0);
        close(fd);
    }
    while (atomic_load(&streams_freed) < freed + 10 && time_monotonic_ms() < end)
        assert_get(NULL, "/v1/public", "0");
    assert_int_equal(atomic_load(&streams_freed), freed + 10);
}

/* ---- Slow and many ---- */

static struct {
    const struct http_listener *listener;
    int code; /* 1 until it is done */
} listening;

static void listen_now(void *data)
{
    (void)data;
    pthread_mutex_lock(&gate.lock);
    listening.code = http_server_listen(served.server, listening.listener, NULL, NULL);
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

/* Adds a listener to the running server, on its own thread as it must be. */
static void listen_on_loop(const struct http_listener *listener)
{
    pthread_mutex_lock(&gate.lock);
    listening.listener = listener;
    listening.code = 1;
    assert_int_equal(loop_post(served.loop, listen_now, NULL, NULL), ACESO_OK);
    while (listening.code == 1)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    assert_int_equal(listening.code, ACESO_OK);
}

static void test_slow_clients_are_cut(void **state)
{
    static const char *const parts[] = {
        "",
        "GET /v1/public HT",
        "GET /v1/public HTTP/1.1\r\nHost: a\r\nX: ",
        "POST /v1/echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        "GET /v1/stream/1000 HTTP/1.1\r\nHost: a\r\n\r\n", /* and reads nothing for a while */
        "GET /v1/public HTTP/1.1\r\nHost: a\r\n\r\n",       /* and nothing after it */
    };
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT * 2);

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int fd = served_connect_unix(&served);
        struct pollfd hangup = { .fd = fd, .events = 0 };

        buffer_clear(&out);
        raw_send(fd, parts[i], strlen(parts[i]));
        assert_int_equal(poll(&hangup, 1, 10000), 1); /* the server closes */
        assert_int_equal(raw_read_all(fd, &out), 0);
        assert_true(out.len < (size_t)1000 * HTTP_CHUNK_SIZE);
        close(fd);
    }
    buffer_free(&out);
}

/* One byte at a time is no way to stay for ever. */
static void test_dripping_client_is_cut(void **state)
{
    static const char start[] = "GET /v1/public HTTP/1.1\r\nHost: a\r\nX: ";
    int fd = served_connect_unix(&served);
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    int64_t end = time_monotonic_ms() + 10000;
    bool closed = false;

    (void)state;
    raw_send(fd, start, strlen(start));
    while (!closed && time_monotonic_ms() < end) {
        raw_send(fd, "x", 1);
        closed = poll(&wait, 1, 50) == 1;
    }
    assert_true(closed);
    close(fd);
}

static void test_many_idle_connections(void **state)
{
    struct http_client *client = party_client(&parties, &parties.hospital);
    int *fds = calloc(IDLE_CONNECTIONS, sizeof *fds);

    (void)state;
    assert_non_null(fds);
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++)
        fds[i] = served_connect_tcp(&served);
    for (int i = 0; i < 3; i++)
        assert_get(client, "/v1/public", "0");
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++)
        close(fds[i]);
    assert_get(client, "/v1/public", "0");
    free(fds);
    http_client_destroy(client);
}

/* Over the listener's limit a client waits in the backlog until another leaves. */
static void test_more_connections_than_allowed(void **state)
{
    static const char request[] = "GET /v1/public HTTP/1.1\r\nHost: a\r\n\r\n";
    struct served narrow = served;
    struct http_listener listener = { .name = "narrow", .unix_path = narrow.socket,
                                      .routes = routes, .connections_max = 2,
                                      .route_count = sizeof routes / sizeof routes[0] };
    char answer[64];
    int fds[4];
    struct pollfd last;

    (void)state;
    (void)snprintf(narrow.socket, sizeof narrow.socket, "%s/narrow", served.directory);
    listener.unix_path = narrow.socket;
    listen_on_loop(&listener);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = served_connect_unix(&narrow);
        raw_send(fds[i], request, strlen(request));
    }
    for (size_t i = 0; i < 2; i++) {
        assert_true(recv(fds[i], answer, sizeof answer, 0) > 12);
        assert_memory_equal(answer, "HTTP/1.1 200", 12);
    }
    last = (struct pollfd){ .fd = fds[2], .events = POLLIN };
    assert_int_equal(poll(&last, 1, 100), 0);
    close(fds[0]);
    close(fds[1]);
    for (size_t i = 2; i < 4; i++) {
        assert_true(recv(fds[i], answer, sizeof answer, 0) > 12);
        assert_memory_equal(answer, "HTTP/1.1 200", 12);
        close(fds[i]);
    }
}

static void *call_often(void *data)
{
    struct http_client *client = data;
    struct http_answer answer = HTTP_ANSWER_INIT;
    size_t *failed = calloc(1, sizeof *failed);

    for (int i = 0; i < 50 && failed; i++) {
        if (served_call(&served, client, "GET", i % 5 ? "/v1/echo/1" : "/v1/stream/3",
                        bytes_of("", 0), &answer, NULL))
            ++*failed;
    }
    http_answer_free(&answer);
    return failed;
}

static void test_many_at_once(void **state)
{
    struct http_client *clients[8];
    pthread_t threads[8];

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        clients[i] = party_client(&parties, &parties.hospital);
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, clients[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        void *failed = NULL;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_non_null(failed);
        assert_int_equal(*(size_t *)failed, 0);
        free(failed);
        http_client_destroy(clients[i]);
    }
}

/* ---- Workers and stopping ---- */

static void gate_wait_inside(int count)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.inside < count)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void gate_release(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.released = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void *call_wait(void *data)
{
    struct http_answer answer = HTTP_ANSWER_INIT;
    int *code = data;

    *code = served_call(&served, NULL, "GET", "/v1/wait", bytes_of("", 0), &answer, NULL);
    if (!*code && strcmp(buffer_text(&answer.body), "done") != 0)
        *code = 1;
    http_answer_free(&answer);
    return NULL;
}

static void test_no_more_handlers_than_allowed(void **state)
{
    pthread_t threads[5];
    int codes[5];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_wait, &codes[i]), 0);
    gate_wait_inside(2);
    assert_raw("GET /v1/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
               "HTTP/1.1 404 "); /* needs no worker */
    pthread_mutex_lock(&gate.lock);
    assert_int_equal(gate.inside, 2);
    pthread_mutex_unlock(&gate.lock);
    gate_release();
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(codes[i], ACESO_OK);
    }
}

static void test_stop_waits_for_handlers(void **state)
{
    pthread_t thread;
    int code = -1, idle;
    struct pollfd hangup;

    setup_narrow(state);
    idle = served_connect_unix(&served);
    assert_int_equal(pthread_create(&thread, NULL, call_wait, &code), 0);
    gate_wait_inside(1);
    served_ask_to_stop(&served);
    hangup = (struct pollfd){ .fd = idle, .events = POLLIN };
    while (access(served.socket, F_OK) == 0) /* no new ones are accepted */
        (void)poll(&hangup, 1, 5);
    gate_release();
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(code, ACESO_OK);
    served_join(&served);
    assert_int_equal(served.left, 0);
    close(idle);
}

static void test_stop_cuts_after_the_grace(void **state)
{
    pthread_t threads[3];
    int codes[3] = { 1, 1, 1 }, busy = 0;

    setup_narrow(state);
    served.grace_ms = 50;
    for (size_t i = 0; i < 3; i++) /* two on workers, one in the queue */
        assert_int_equal(pthread_create(&threads[i], NULL, call_wait, &codes[i]), 0);
    gate_wait_inside(2);
    served_ask_to_stop(&served);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(codes[i] == ACESO_EIO || codes[i] == ACESO_EBUSY);
        busy += codes[i] == ACESO_EBUSY;
    }
    assert_in_range(busy, 0, 1); /* the one outside may have come after the stop */
    gate_release();
    served_join(&served);
    assert_int_equal(served.left, 2);
}

static void test_destroy_without_stop(void **state)
{
    pthread_t thread;
    int code = 1;

    setup_narrow(state);
    assert_int_equal(pthread_create(&thread, NULL, call_wait, &code), 0);
    gate_wait_inside(1);
    loop_stop(served.loop);
    assert_int_equal(pthread_join(served.thread, NULL), 0);
    http_server_destroy(served.server);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(code, ACESO_EIO);
    gate_release();
    loop_destroy(served.loop);
    assert_int_equal(rmdir(served.directory), 0);
}

/* ---- Listeners ---- */

static void test_unix_socket_files(void **state)
{
    struct stat status;
    struct loop *loop = NULL;
    struct http_server *server = NULL;
    struct http_listener listener = { .name = "other", .unix_path = served.socket };
    struct aceso_error error;
    char stale[128];
    int fd;

    (void)state;
    assert_int_equal(stat(served.socket, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(loop_create(&loop, &error), ACESO_OK);
    assert_int_equal(http_server_create(loop, NULL, &server, &error), ACESO_OK);
    assert_int_equal(http_server_listen(server, &listener, NULL, &error), ACESO_EEXISTS);
    assert_get(NULL, "/v1/public", "0"); /* it was left alone */

    (void)snprintf(stale, sizeof stale, "%s/stale", served.directory);
    listener.unix_path = stale;
    fd = open(stale, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(http_server_listen(server, &listener, NULL, &error), ACESO_EEXISTS);
    assert_int_equal(unlink(stale), 0);
    assert_int_equal(http_server_listen(server, &listener, NULL, &error), ACESO_OK);
    http_server_destroy(server);
    loop_destroy(loop);
    assert_int_not_equal(access(stale, F_OK), 0);
}

static void test_bad_listeners(void **state)
{
    struct loop *loop = NULL;
    struct http_server *server = NULL;
    struct aceso_error error;
    struct http_listener listener = { .name = "bad", .address = "localhost",
                                      .chain_pem = buffer_bytes(&parties.hospital.chain),
                                      .key_pem = buffer_bytes(&parties.hospital.key) };

    (void)state;
    assert_int_equal(loop_create(&loop, &error), ACESO_OK);
    assert_int_equal(http_server_create(loop, NULL, &server, &error), ACESO_OK);
    assert_int_equal(http_server_listen(server, &listener, NULL, &error), ACESO_EFORMAT);
    listener.address = "127.0.0.1";
    listener.port = served.port;
    assert_int_equal(http_server_listen(server, &listener, NULL, &error), ACESO_EEXISTS);
    listener.port = 0;
    listener.key_pem = buffer_bytes(&parties.institute.key);
    assert_int_equal(http_server_listen(server, &listener, NULL, &error), ACESO_EFORMAT);
    listener.key_pem = bytes_of("", 0);
    assert_int_equal(http_server_listen(server, &listener, NULL, &error), ACESO_EFORMAT);
    http_server_destroy(server);
    loop_destroy(loop);
}

/* ---- The log ---- */

static void test_log_holds_no_names(void **state)
{
    char path[128], text[8192] = "";
    int log, old = dup(STDERR_FILENO);
    struct http_answer answer = HTTP_ANSWER_INIT;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/log", served.directory);
    log = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_true(log >= 0 && old >= 0 && dup2(log, STDERR_FILENO) == STDERR_FILENO);
    log_init("test", LOG_LEVEL_DEBUG);
    (void)served_call(&served, NULL, "POST", "/v1/echo/jane?limit=doe", bytes_of("smith", 5),
                      &answer, NULL);
    (void)served_call(&served, NULL, "GET", "/v1/jane/doe", bytes_of("", 0), &answer, NULL);
    (void)served_call(&served, NULL, "JANE", "/v1/public", bytes_of("", 0), &answer, NULL);
    served_ask_to_stop(&served);
    assert_int_equal(pthread_join(served.thread, NULL), 0);
    log_init("test", LOG_LEVEL_INFO);
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    assert_true(pread(log, text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "POST /v1/echo/{id}: 200"));
    assert_null(strcasestr(text, "jane"));
    assert_null(strcasestr(text, "doe"));
    assert_null(strcasestr(text, "smith"));
    close(log);
    close(old);
    http_answer_free(&answer);
    assert_int_equal(unlink(path), 0);
    http_server_destroy(served.server);
    loop_destroy(served.loop);
    assert_int_equal(rmdir(served.directory), 0);
}

static int make_parties(void **state)
{
    (void)state;
    parties_make(&parties);
    return 0;
}

static int free_parties(void **state)
{
    (void)state;
    parties_free(&parties);
    return 0;
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(test_get_over_tls),
        SERVED(test_get_over_unix),
        SERVED(test_patient_is_known),
        SERVED(test_bodies),
        SERVED(test_body_over_the_limit),
        SERVED(test_chunked_body_over_the_limit),
        SERVED(test_no_such_route),
        SERVED(test_malformed_targets),
        SERVED(test_malformed_requests),
        SERVED(test_http_1_0_is_refused),
        SERVED(test_pipelined_requests),
        SERVED(test_errors_of_handlers),
        SERVED(test_big_answer),
        SERVED(test_authorise_refuses),
        SERVED(test_no_certificate),
        SERVED(test_foreign_certificate),
        SERVED(test_tls_versions),
        SERVED(test_garbage_on_the_tls_port),
        SERVED(test_stream_whole),
        SERVED(test_stream_that_fails_is_cut),
        SERVED(test_stream_waits_for_the_reader),
        SERVED(test_client_leaves_a_stream),
        cmocka_unit_test_setup_teardown(test_slow_clients_are_cut, setup_impatient, teardown),
        cmocka_unit_test_setup_teardown(test_dripping_client_is_cut, setup_impatient, teardown),
        SERVED(test_many_idle_connections),
        SERVED(test_more_connections_than_allowed),
        SERVED(test_many_at_once),
        cmocka_unit_test_setup_teardown(test_no_more_handlers_than_allowed, setup_narrow, teardown),
        cmocka_unit_test(test_stop_waits_for_handlers),
        cmocka_unit_test(test_stop_cuts_after_the_grace),
        cmocka_unit_test(test_destroy_without_stop),
        SERVED(test_unix_socket_files),
        SERVED(test_bad_listeners),
        cmocka_unit_test_setup(test_log_holds_no_names, setup),
    };

    return cmocka_run_group_tests_name("net http_server", tests, make_parties, free_parties);
}
