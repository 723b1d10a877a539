/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this room only: parties with certificates, and a server in a thread of its own.
 * Uses net and crypto. */
#ifndef ACESO_NET_HTTP_FIXTURE_H
#define ACESO_NET_HTTP_FIXTURE_H

#include "crypto/x509.h"
#include "net/http_client.h"
#include "net/http_server.h"

#include <pthread.h>

struct party {
    uint8_t address[20];
    struct buffer chain; /* PEM */
    struct buffer key;   /* PEM */
};

/* One consortium and one stranger with a root of its own. */
struct parties {
    struct buffer root, foreign_root; /* PEM */
    struct party hospital, institute, patient, elsewhere /* its host is not 127.0.0.1 */, foreign;
};

void parties_make(struct parties *parties);
void parties_free(struct parties *parties);

/* A client that trusts the consortium's root and shows `party` (NULL: nothing). */
struct http_client *party_client(const struct parties *parties, const struct party *party);

/* A server on 127.0.0.1 and on a unix socket in a fresh directory, both with the same routes. */
struct served {
    struct loop *loop;
    struct http_server *server;
    pthread_t thread;
    uint16_t port;
    char base[64]; /* "https://127.0.0.1:port" */
    char directory[64];
    char socket[96];
    unsigned grace_ms;
    size_t left; /* handlers still running at the end of the stop */
};

void served_start(struct served *served, const struct parties *parties,
                  const struct http_route *routes, size_t route_count, http_authorise *authorise,
                  void *context, const struct http_server_limits *limits);
void served_ask_to_stop(struct served *served); /* begins the stop */
void served_join(struct served *served);        /* waits for its end and frees all */

/* Calls over TLS or (client NULL) over the unix socket. */
int served_call(struct served *served, struct http_client *client, const char *method,
                const char *target, struct bytes body, struct http_answer *answer,
                struct aceso_error *error);

/* Plain connections: to the TLS port and to the unix socket. */
int served_connect_tcp(const struct served *served);
int served_connect_unix(const struct served *served);

/* Sends all of `text`; reads until the other side closes, for 10 seconds at most (-1 then). */
void raw_send(int fd, const char *text, size_t len);
int raw_read_all(int fd, struct buffer *out);

#endif
