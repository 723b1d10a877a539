/* SPDX-License-Identifier: Apache-2.0 */
/* The client against our server and against one that says what the test tells it to. */
#include "base/text.h"
#include "net/http_fixture.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct parties parties;

/* ---- A server that takes one connection and answers with a fixed text ---- */

struct scripted {
    const struct party *party; /* whose certificate it shows */
    int version;               /* of TLS; 0: 1.3 */
    const char *answer;        /* for each request */
    int answers;               /* how many requests it answers; 0: 1 */
    bool shut;                 /* whether it says goodbye in TLS */
    bool silent;               /* no answer: waits until the client leaves */

    int listener;
    uint16_t port;
    pthread_t thread;
    bool accepted;    /* the handshake was completed */
    bool certificate; /* the client showed one */
    size_t received;  /* bytes of requests */
};

static SSL_CTX *scripted_context(const struct scripted *scripted)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *chain = BIO_new_mem_buf(scripted->party->chain.data, (int)scripted->party->chain.len);
    BIO *key = BIO_new_mem_buf(scripted->party->key.data, (int)scripted->party->key.len);
    X509 *leaf = PEM_read_bio_X509(chain, NULL, NULL, NULL);
    EVP_PKEY *secret = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    int version = scripted->version ? scripted->version : TLS1_3_VERSION;

    (void)SSL_CTX_set_max_proto_version(context, version);
    (void)SSL_CTX_use_certificate(context, leaf);
    (void)SSL_CTX_use_PrivateKey(context, secret);
    X509_free(leaf);
    EVP_PKEY_free(secret);
    BIO_free(chain);
    BIO_free(key);
    return context;
}

/* Anyone's certificate will do: it only looks whether there is one. */
static int scripted_verify(X509_STORE_CTX *context, void *data)
{
    struct scripted *scripted = data;

    scripted->certificate = X509_STORE_CTX_get0_cert(context) != NULL;
    return 1;
}

static void scripted_talk(struct scripted *scripted, SSL *ssl)
{
    char text[65536];
    int answers = scripted->answers ? scripted->answers : 1;

    while (answers-- > 0) {
        int got = SSL_read(ssl, text, sizeof text);

        if (got <= 0)
            return;
        scripted->received += (size_t)got;
        if (scripted->silent)
            got = SSL_read(ssl, text, sizeof text);
        else if (scripted->answer[0])
            (void)SSL_write(ssl, scripted->answer, (int)strlen(scripted->answer));
    }
    if (scripted->shut)
        (void)SSL_shutdown(ssl);
}

static void *scripted_run(void *data)
{
    struct scripted *scripted = data;
    SSL_CTX *context = scripted_context(scripted);
    int fd = accept(scripted->listener, NULL, NULL);
    SSL *ssl;

    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, scripted_verify, scripted);
    ssl = SSL_new(context);
    (void)SSL_set_fd(ssl, fd);
    scripted->accepted = SSL_accept(ssl) == 1;
    if (scripted->accepted)
        scripted_talk(scripted, ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    return NULL;
}

static void scripted_start(struct scripted *scripted)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    scripted->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(scripted->listener >= 0);
    assert_int_equal(bind(scripted->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(scripted->listener, 8), 0);
    assert_int_equal(getsockname(scripted->listener, (struct sockaddr *)&address, &len), 0);
    scripted->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&scripted->thread, NULL, scripted_run, scripted), 0);
}

static void scripted_join(struct scripted *scripted)
{
    assert_int_equal(pthread_join(scripted->thread, NULL), 0);
    close(scripted->listener);
}

/* One call to a scripted server, with a client of its own. */
static int scripted_call(struct scripted *scripted, const struct http_call *call,
                         struct http_answer *answer, struct aceso_error *error)
{
    struct http_client *client = party_client(&parties, &parties.institute);
    struct http_call copy = *call;
    char url[64];
    int code;

    if (!scripted->party)
        scripted->party = &parties.hospital;
    scripted_start(scripted);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/v1", scripted->port);
    copy.url = url;
    copy.method = copy.method ? copy.method : "GET";
    code = http_call(client, &copy, answer, error);
    http_client_destroy(client); /* closes the connection */
    scripted_join(scripted);
    return code;
}

/* The code of a call that is answered with `answer`, which must not look like success. */
static int code_of(const char *answer)
{
    struct scripted scripted = { .answer = answer, .shut = true };
    struct http_call call = { 0 };
    struct http_answer result = HTTP_ANSWER_INIT;
    struct aceso_error error = { 0 };
    int code = scripted_call(&scripted, &call, &result, &error);

    if (code) {
        assert_int_equal(error.code, code);
        assert_true(error.text[0]);
        assert_null(result.body.data);
    }
    http_answer_free(&result);
    return code;
}

/* ---- Answers ---- */

static void test_answers(void **state)
{
    (void)state;
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), ACESO_OK);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2\r\nhi\r\n0\r\n\r\n"), ACESO_OK);
    assert_int_equal(code_of("HTTP/1.1 204 No Content\r\n\r\n"), ACESO_OK);
    assert_int_equal(code_of("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
                     ACESO_ENOTFOUND);
    assert_int_equal(code_of("HTTP/1.1 403 Forbidden\r\nContent-Length: 16\r\n\r\n"
                             "{\"code\":\"chain\"}"), ACESO_ECHAIN);
    assert_int_equal(code_of("HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\n"
                             "Content-Length: 0\r\n\r\n"), ACESO_EIO);
}

static void test_cut_answers(void **state)
{
    (void)state;
    assert_int_equal(code_of(""), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200"), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2\r\nhi\r\n"), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "9\r\nhi"), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2\r\nhi\r\n0\r\n"), ACESO_EIO);
    /* no length: the end of the connection proves nothing */
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhi"),
                     ACESO_EIO);
}

static void test_garbage_answers(void **state)
{
    (void)state;
    assert_int_equal(code_of("no HTTP at all\r\n\r\n"), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi"), ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi"),
                     ACESO_EIO);
    assert_int_equal(code_of("HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n"), ACESO_EIO);
}

static void test_answer_over_the_limit(void **state)
{
    struct scripted announced = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"
                                            "0123456789x" };
    struct scripted chunked = { .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                          "b\r\n0123456789x\r\n0\r\n\r\n" };
    struct scripted fitting = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
                                          "Content-Type: text/x\r\n\r\n0123456789" };
    struct http_call call = { .body_max = 10 };
    struct http_answer answer = HTTP_ANSWER_INIT;

    (void)state;
    assert_int_equal(scripted_call(&announced, &call, &answer, NULL), ACESO_ELIMIT);
    assert_int_equal(scripted_call(&chunked, &call, &answer, NULL), ACESO_ELIMIT);
    assert_int_equal(scripted_call(&fitting, &call, &answer, NULL), ACESO_OK);
    assert_string_equal(buffer_text(&answer.body), "0123456789");
    assert_string_equal(answer.content_type, "text/x");
    http_answer_free(&answer);
}

static void test_silent_server(void **state)
{
    struct scripted silent = { .answer = "", .silent = true };
    struct http_call call = { .total_ms = 500 };
    struct aceso_error error = { 0 };

    (void)state;
    assert_int_equal(scripted_call(&silent, &call, NULL, &error), ACESO_ETIMEOUT);
}

static int take_three(void *data, struct bytes bytes, struct aceso_error *error)
{
    struct buffer *taken = data;

    if (taken->len + bytes.len > 3)
        return error_set(error, ACESO_EVERIFY, "part", "the proof does not hold");
    return buffer_put_bytes(taken, bytes);
}

static void test_receive_callback(void **state)
{
    struct scripted sound = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" };
    struct scripted more = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd" };
    struct scripted endless = { .answer = "HTTP/1.1 200 OK\r\n\r\nab" };
    struct scripted refused = { .answer = "HTTP/1.1 403 No\r\nContent-Length: 16\r\n\r\n"
                                          "{\"code\":\"denied\"}" };
    struct buffer taken = BUFFER_INIT(64);
    struct http_call call = { .receive = take_three, .receive_data = &taken };
    struct http_answer answer = HTTP_ANSWER_INIT;
    struct aceso_error error = { 0 };

    (void)state;
    assert_int_equal(scripted_call(&sound, &call, &answer, NULL), ACESO_OK);
    assert_string_equal(buffer_text(&taken), "abc");
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.len, 0);
    buffer_clear(&taken);
    assert_int_equal(scripted_call(&more, &call, NULL, &error), ACESO_EVERIFY);
    assert_string_equal(error.text, "the proof does not hold");
    assert_string_equal(error.place, "part");
    assert_int_equal(scripted_call(&endless, &call, NULL, &error), ACESO_EIO);
    assert_int_equal(scripted_call(&refused, &call, NULL, &error), ACESO_EDENIED);
    assert_int_equal(taken.len, 0); /* what is no answer does not reach it */
    buffer_free(&taken);
    http_answer_free(&answer);
}

/* ---- Whom it talks to ---- */

/* A call to `party` that expects `role` (NULL: any) and an address of 20 x `address`. */
static int call_expecting(struct scripted *scripted, const struct party *party, const char *role,
                          uint8_t address)
{
    struct http_peer peer = { .role = role };
    struct http_call call = { .peer = &peer, .method = "POST",
                              .body = bytes_of("secret", 6) };
    struct aceso_error error = { 0 };
    int code;

    memset(peer.address, address, sizeof peer.address);
    *scripted = (struct scripted){ .party = party, .shut = true,
                                   .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
    code = scripted_call(scripted, &call, NULL, &error);
    if (code)
        assert_string_equal(error.place, "peer");
    return code;
}

static void assert_learned_nothing(const struct scripted *scripted)
{
    assert_false(scripted->accepted);
    assert_false(scripted->certificate);
    assert_int_equal(scripted->received, 0);
}

static void test_expected_peer(void **state)
{
    struct scripted scripted;

    (void)state;
    assert_int_equal(call_expecting(&scripted, &parties.hospital, "hospital", 0x11), ACESO_OK);
    assert_true(scripted.certificate);
    assert_int_equal(call_expecting(&scripted, &parties.hospital, NULL, 0x11), ACESO_OK);
    assert_int_equal(call_expecting(&scripted, &parties.hospital, "hospital", 0x12), ACESO_EVERIFY);
    assert_learned_nothing(&scripted);
    assert_int_equal(call_expecting(&scripted, &parties.hospital, "institute", 0x11),
                     ACESO_EVERIFY);
    assert_learned_nothing(&scripted);
    assert_int_equal(call_expecting(&scripted, &parties.institute, "hospital", 0x11),
                     ACESO_EVERIFY);
    assert_learned_nothing(&scripted);
}

static int call_anyone(struct scripted *scripted, const struct party *party, int version)
{
    struct http_call call = { 0 };

    *scripted = (struct scripted){ .party = party, .shut = true, .version = version,
                                   .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
    return scripted_call(scripted, &call, NULL, NULL);
}

static void test_wrong_servers(void **state)
{
    struct scripted scripted;

    (void)state;
    assert_int_equal(call_anyone(&scripted, &parties.hospital, 0), ACESO_OK);
    assert_int_equal(call_anyone(&scripted, &parties.foreign, 0), ACESO_EVERIFY);
    assert_learned_nothing(&scripted);
    assert_int_equal(call_anyone(&scripted, &parties.elsewhere, 0), ACESO_EVERIFY);
    assert_learned_nothing(&scripted);
    assert_int_equal(call_anyone(&scripted, &parties.hospital, TLS1_2_VERSION), ACESO_EIO);
    assert_learned_nothing(&scripted);
}

static int body_handler(void *context, const struct http_request *request,
                        struct http_response *response, struct aceso_error *error)
{
    (void)context;
    (void)error;
    return buffer_put_bytes(&response->body, request->body);
}

static const struct http_route routes[] = {
    { "POST", "/v1/body", body_handler, 0, 1024 },
    { "PUT", "/v1/body", body_handler, 0, 1024 },
    { "GET", "/v1/body", body_handler, 0, 0 },
};

/* A kept connection was checked against one peer: it must not serve a call that means another. */
static void test_kept_connections(void **state)
{
    struct served served;
    struct http_client *client = party_client(&parties, &parties.institute);
    struct http_peer right = { .role = "hospital" }, wrong = { .role = "hospital" };
    struct http_call call = { .method = "POST", .body = bytes_of("x", 1) };
    char url[96];

    (void)state;
    served_start(&served, &parties, routes, 3, NULL, NULL, NULL);
    (void)snprintf(url, sizeof url, "%s/v1/body", served.base);
    call.url = url;
    memset(right.address, 0x11, sizeof right.address);
    memset(wrong.address, 0x12, sizeof wrong.address);
    for (int i = 0; i < 3; i++) {
        call.peer = NULL;
        assert_int_equal(http_call(client, &call, NULL, NULL), ACESO_OK);
        call.peer = &right;
        assert_int_equal(http_call(client, &call, NULL, NULL), ACESO_OK);
        call.peer = &wrong;
        assert_int_equal(http_call(client, &call, NULL, NULL), ACESO_EVERIFY);
    }
    for (uint8_t i = 0; i < 20; i++) { /* more expectations than are kept */
        memset(wrong.address, i, sizeof wrong.address);
        assert_int_equal(http_call(client, &call, NULL, NULL),
                         i == 0x11 ? ACESO_OK : ACESO_EVERIFY);
    }
    http_client_destroy(client);
    served_ask_to_stop(&served);
    served_join(&served);
}

/* The server has gone and come back between two calls. */
static void test_restarted_server(void **state)
{
    struct scripted scripted = { .party = &parties.hospital, .shut = true,
                                 .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
    struct http_client *client = party_client(&parties, &parties.institute);
    struct http_call call = { .method = "GET" };
    char url[64];

    (void)state;
    scripted_start(&scripted);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", scripted.port);
    call.url = url;
    assert_int_equal(http_call(client, &call, NULL, NULL), ACESO_OK);
    assert_int_equal(pthread_join(scripted.thread, NULL), 0);
    assert_int_equal(pthread_create(&scripted.thread, NULL, scripted_run, &scripted), 0);
    assert_int_equal(http_call(client, &call, NULL, NULL), ACESO_OK);
    scripted_join(&scripted);
    assert_int_equal(http_call(client, &call, NULL, NULL), ACESO_EIO); /* nobody there */
    http_client_destroy(client);
}

static void test_methods_and_bodies(void **state)
{
    static const struct {
        const char *method, *body;
    } cases[] = { { "GET", "" }, { "POST", "a" }, { "POST", "" }, { "PUT", "abc" }, { "GET", "" } };
    struct served served;
    struct http_client *client = party_client(&parties, &parties.institute);
    struct http_answer answer = HTTP_ANSWER_INIT;

    (void)state;
    served_start(&served, &parties, routes, 3, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int over_unix = 0; over_unix < 2; over_unix++) {
            assert_int_equal(served_call(&served, over_unix ? NULL : client, cases[i].method,
                                         "/v1/body", bytes_of_string(cases[i].body), &answer,
                                         NULL), ACESO_OK);
            assert_string_equal(buffer_text(&answer.body), cases[i].body);
        }
    }
    http_answer_free(&answer);
    http_client_destroy(client);
    served_ask_to_stop(&served);
    served_join(&served);
}

/* ---- What it does not do ---- */

static void test_bad_urls(void **state)
{
    static const char *const urls[] = { "", "/v1", "http://127.0.0.1:1/", "file:///etc/hostname",
                                        "127.0.0.1:1", "https://", "https://user:pw@127.0.0.1:1/",
                                        "https://127.0.0.1:99999/", "ftp://127.0.0.1/" };
    struct http_client *client = party_client(&parties, NULL);
    struct aceso_error error;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_call call = { .method = "GET", .url = urls[i] };

        assert_int_equal(http_call(client, &call, NULL, &error), ACESO_EUSAGE);
    }
    http_client_destroy(client);
}

static void test_no_proxy_from_the_environment(void **state)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "all_proxy", "ALL_PROXY",
                                         "HTTPS_PROXY" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(setenv(names[i], "http://127.0.0.1:1", 1), 0);
    assert_int_equal(code_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ACESO_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(unsetenv(names[i]), 0);
}

static void test_unix_refusals(void **state)
{
    struct http_peer peer = { .role = "hospital" };
    struct http_call call = { .method = "GET", .url = "/" };
    char path[200];

    (void)state;
    assert_int_equal(http_call_unix("/nonexistent/socket", &call, NULL, NULL), ACESO_EIO);
    call.url = "https://127.0.0.1/";
    assert_int_equal(http_call_unix("/nonexistent/socket", &call, NULL, NULL), ACESO_EUSAGE);
    call.url = "/";
    call.peer = &peer;
    assert_int_equal(http_call_unix("/nonexistent/socket", &call, NULL, NULL), ACESO_EUSAGE);
    call.peer = NULL;
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(http_call_unix(path, &call, NULL, NULL), ACESO_ELIMIT);
}

static void test_bad_options(void **state)
{
    struct http_client *client = NULL;
    struct http_client_options options = { .roots_pem = bytes_of("no PEM", 6) };
    struct aceso_error error = { 0 };

    (void)state;
    assert_int_equal(http_client_create(&options, &client, &error), ACESO_EFORMAT);
    options.roots_pem = buffer_bytes(&parties.root);
    options.chain_pem = buffer_bytes(&parties.hospital.key);
    options.key_pem = buffer_bytes(&parties.hospital.key);
    assert_int_equal(http_client_create(&options, &client, &error), ACESO_EFORMAT);
    options.chain_pem = buffer_bytes(&parties.hospital.chain);
    options.key_pem = bytes_of("", 0);
    assert_int_equal(http_client_create(&options, &client, &error), ACESO_EFORMAT);
    options.key_pem = buffer_bytes(&parties.institute.key);
    assert_int_equal(http_client_create(&options, &client, &error), ACESO_EVERIFY);
    assert_null(client);
    http_client_destroy(NULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_cut_answers),
        cmocka_unit_test(test_garbage_answers),
        cmocka_unit_test(test_answer_over_the_limit),
        cmocka_unit_test(test_silent_server),
        cmocka_unit_test(test_receive_callback),
        cmocka_unit_test(test_expected_peer),
        cmocka_unit_test(test_wrong_servers),
        cmocka_unit_test(test_kept_connections),
        cmocka_unit_test(test_restarted_server),
        cmocka_unit_test(test_methods_and_bodies),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_no_proxy_from_the_environment),
        cmocka_unit_test(test_unix_refusals),
        cmocka_unit_test(test_bad_options),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("net http_client", tests, make_parties, free_parties);
}
