/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_fixture.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void party_issue(struct party *party, const char *role, uint8_t address, const char *host,
                        const struct x509_key *issuer_key, struct bytes issuer)
{
    struct aceso_error error;
    struct x509_key *key = NULL;
    struct x509_subject subject;
    struct buffer request = BUFFER_INIT(X509_PEM_MAX);

    memset(party->address, address, sizeof party->address);
    party->chain = (struct buffer)BUFFER_INIT(X509_PEM_MAX);
    party->key = (struct buffer)BUFFER_INIT_SECRET(X509_PEM_MAX);
    assert_int_equal(x509_key_make(&key, &error), ACESO_OK);
    assert_int_equal(x509_key_write(key, &party->key, &error), ACESO_OK);
    assert_int_equal(x509_subject_set(role, role, party->address, &host, host ? 1 : 0, &subject,
                                      &error), ACESO_OK);
    assert_int_equal(x509_request(key, &subject, &request, &error), ACESO_OK);
    assert_int_equal(x509_issue(issuer_key, issuer, buffer_bytes(&request), &subject, time_now(),
                                &party->chain, &error), ACESO_OK);
    buffer_free(&request);
    x509_key_free(key);
}

static struct x509_key *root_make(struct buffer *root, const char *name)
{
    struct x509_key *key = NULL;

    *root = (struct buffer)BUFFER_INIT(X509_PEM_MAX);
    assert_int_equal(x509_key_make(&key, NULL), ACESO_OK);
    assert_int_equal(x509_root(key, name, time_now(), root, NULL), ACESO_OK);
    return key;
}

void parties_make(struct parties *parties)
{
    struct x509_key *root = root_make(&parties->root, "Consortium");
    struct x509_key *foreign = root_make(&parties->foreign_root, "Elsewhere");
    struct x509_key *ca_key = NULL;
    struct bytes issuer = buffer_bytes(&parties->root);
    struct party ca;

    party_issue(&parties->hospital, "hospital", 0x11, "127.0.0.1", root, issuer);
    party_issue(&parties->institute, "institute", 0x22, "127.0.0.1", root, issuer);
    party_issue(&parties->elsewhere, "hospital", 0x11, "elsewhere.example", root, issuer);
    party_issue(&parties->foreign, "hospital", 0x11, "127.0.0.1", foreign,
                buffer_bytes(&parties->foreign_root));
    party_issue(&ca, "hospital-ca", 0x11, NULL, root, issuer);
    assert_int_equal(x509_key_read(buffer_bytes(&ca.key), &ca_key, NULL), ACESO_OK);
    party_issue(&parties->patient, "patient", 0x33, NULL, ca_key, buffer_bytes(&ca.chain));
    assert_int_equal(buffer_put_bytes(&parties->patient.chain, buffer_bytes(&ca.chain)), ACESO_OK);
    buffer_free(&ca.chain);
    buffer_free(&ca.key);
    x509_key_free(ca_key);
    x509_key_free(root);
    x509_key_free(foreign);
}

void parties_free(struct parties *parties)
{
    struct party *all[] = { &parties->hospital, &parties->institute, &parties->patient,
                            &parties->elsewhere, &parties->foreign };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        buffer_free(&all[i]->chain);
        buffer_free(&all[i]->key);
    }
    buffer_free(&parties->root);
    buffer_free(&parties->foreign_root);
}

struct http_client *party_client(const struct parties *parties, const struct party *party)
{
    struct http_client *client = NULL;
    struct http_client_options options = { .roots_pem = buffer_bytes(&parties->root) };

    if (party) {
        options.chain_pem = buffer_bytes(&party->chain);
        options.key_pem = buffer_bytes(&party->key);
    }
    assert_int_equal(http_client_create(&options, &client, NULL), ACESO_OK);
    return client;
}

static void *served_run(void *data)
{
    struct served *served = data;

    return loop_run(served->loop, NULL) ? served : NULL;
}

void served_start(struct served *served, const struct parties *parties,
                  const struct http_route *routes, size_t route_count, http_authorise *authorise,
                  void *context, const struct http_server_limits *limits)
{
    struct aceso_error error;
    struct http_listener listener = { .name = "network", .address = "127.0.0.1",
                                      .chain_pem = buffer_bytes(&parties->hospital.chain),
                                      .key_pem = buffer_bytes(&parties->hospital.key),
                                      .roots_pem = buffer_bytes(&parties->root),
                                      .routes = routes, .route_count = route_count,
                                      .authorise = authorise, .context = context };

    memset(served, 0, sizeof *served);
    served->grace_ms = 10000;
    (void)snprintf(served->directory, sizeof served->directory, "/tmp/aceso-net-XXXXXX");
    assert_non_null(mkdtemp(served->directory));
    (void)snprintf(served->socket, sizeof served->socket, "%s/socket", served->directory);
    assert_int_equal(loop_create(&served->loop, &error), ACESO_OK);
    assert_int_equal(http_server_create(served->loop, limits, &served->server, &error), ACESO_OK);
    assert_int_equal(http_server_listen(served->server, &listener, &served->port, &error),
                     ACESO_OK);
    listener.name = "control";
    listener.unix_path = served->socket;
    assert_int_equal(http_server_listen(served->server, &listener, NULL, &error), ACESO_OK);
    (void)snprintf(served->base, sizeof served->base, "https://127.0.0.1:%u", served->port);
    assert_int_equal(pthread_create(&served->thread, NULL, served_run, served), 0);
}

static void served_stopped(void *data, size_t handlers)
{
    struct served *served = data;

    served->left = handlers;
    loop_stop(served->loop);
}

static void served_stop(void *data)
{
    struct served *served = data;

    http_server_stop(served->server, served->grace_ms, served_stopped, served);
}

void served_ask_to_stop(struct served *served)
{
    assert_int_equal(loop_post(served->loop, served_stop, served, NULL), ACESO_OK);
}

void served_join(struct served *served)
{
    void *failed = NULL;

    assert_int_equal(pthread_join(served->thread, &failed), 0);
    assert_null(failed);
    http_server_destroy(served->server);
    loop_destroy(served->loop);
    assert_int_not_equal(access(served->socket, F_OK), 0);
    assert_int_equal(rmdir(served->directory), 0);
}

int served_call(struct served *served, struct http_client *client, const char *method,
                const char *target, struct bytes body, struct http_answer *answer,
                struct aceso_error *error)
{
    struct http_call call = { .method = method, .url = target, .body = body };
    char url[8192];

    if (!client)
        return http_call_unix(served->socket, &call, answer, error);
    assert_in_range(snprintf(url, sizeof url, "%s%s", served->base, target), 1, sizeof url - 1);
    call.url = url;
    return http_call(client, &call, answer, error);
}

int served_connect_tcp(const struct served *served)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(served->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int served_connect_unix(const struct served *served)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", served->socket);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void raw_send(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the server may well close before all is sent */
        text += sent;
        len -= (size_t)sent;
    }
}

int raw_read_all(int fd, struct buffer *out)
{
    int64_t end = time_monotonic_ms() + 10000;
    struct pollfd wait = { .fd = fd, .events = POLLIN };

    while (time_monotonic_ms() < end) {
        uint8_t *at = buffer_reserve(out, 65536);
        ssize_t got;

        assert_non_null(at);
        if (poll(&wait, 1, 1000) <= 0)
            continue;
        got = recv(fd, at, 65536, 0);
        if (got <= 0)
            return 0;
        out->len += (size_t)got;
    }
    return -1;
}
