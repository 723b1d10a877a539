/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: listeners on TLS 1.3 and on unix sockets, routes, handlers on worker threads.
 * Uses base, crypto (x509), loop and libmicrohttpd (TLS there is GnuTLS).
 *
 * One server has several listeners. Each has its table of routes and its context. libmicrohttpd
 * runs inside the loop (its epoll descriptor is watched), so all sockets belong to the loop's
 * thread; a request with its whole body goes to a worker, which calls `authorise` and the route's
 * handler in plain synchronous code while the connection is suspended. At most `handlers_max` run
 * at a time, fewer than the pool has threads, so that other work of the process always finds one;
 * the rest wait in order.
 *
 * What every listener refuses by itself, with an error as in http_problem.h where that is possible:
 * HTTP before 1.1 (505), a target that is malformed (400) or too long (414), no such route (404) or
 * method (405), a body over the route's limit (413), a client certificate that x509_identity
 * refuses (403) and, where the route wants one, none (401). Headers over 32 KiB, clients that are
 * too slow, and TLS before 1.3 end the connection. Log lines hold method, pattern, status and
 * times; never a path, a query, a body or a name. */
#ifndef ACESO_NET_HTTP_SERVER_H
#define ACESO_NET_HTTP_SERVER_H

#include "base/buffer.h"
#include "crypto/x509.h"
#include "net/http_target.h"
#include "net/loop.h"

#define HTTP_IDENTITY_SIZE 256  /* bytes for what `authorise` finds out */
#define HTTP_CHUNK_SIZE 65536   /* bytes that a stream's `next` should fill in */
#define HTTP_CHUNK_MAX 1048576  /* bytes that it may */
#define HTTP_HEADERS_MAX 48     /* headers of a request that are kept */
#define HTTP_RESPONSE_HEADERS 8 /* headers that a handler may add */
#define HTTP_BODY_MAX ((size_t)64 << 20)

struct http_server;

/* What a handler is given; all of it lives until the handler returns. */
struct http_request {
    const char *method;
    const char *pattern;       /* the route's */
    const char *path;          /* as sent, without the query, not decoded */
    const char *content_type;  /* as sent; "" where none */
    struct bytes body;
    const struct bytes *peer;  /* the client's certificates (DER), its own first; */
    size_t peer_count;         /*   0: none shown */
    const struct x509_identity *who; /* who that is, checked against the listener's roots and the
                                        clock; NULL: none shown */
    const char *remote;        /* "127.0.0.1" or "unix" */
    const char *listener;      /* its name */
    void *identity;            /* HTTP_IDENTITY_SIZE bytes from `authorise`, zeroed before */
    const struct http_target *target;
    const struct http_parameter *headers; /* names as sent */
    size_t header_count;
};

/* A parameter of the path ("{id}"), of the query, or a header (any case), decoded and bounded;
 * NULL where there is none. */
const char *http_request_path(const struct http_request *request, const char *name);
const char *http_request_query(const struct http_request *request, const char *name);
const char *http_request_header(const struct http_request *request, const char *name);

/* A body that is made while it is sent. `next` is called on a worker, one call at a time, and
 * appends about HTTP_CHUNK_SIZE bytes to `chunk` (empty at the call), or sets `*end` (with or
 * without last bytes). Nothing appended and no end: it is called again after `wait_ms` (0: 250), as
 * for events. Where it fails the connection is cut, so that the client never takes what it has for
 * the whole; a failure of the first call becomes an answer with the error instead. `free` is called
 * once, on a worker or on the loop's thread. */
struct http_stream {
    int (*next)(void *state, struct buffer *chunk, bool *end, struct aceso_error *error);
    void (*free)(void *state); /* may be NULL */
    void *state;
    unsigned wait_ms;
};

/* What a handler fills: either `body` or `stream` (where `next` is set). */
struct http_response {
    unsigned status;          /* 200 at the start; see http_handler */
    const char *content_type; /* a constant; "application/json" at the start */
    struct buffer body;       /* freed by the server; limit HTTP_BODY_MAX, which may be changed */
    struct http_stream stream;
    size_t header_count;
    struct http_response_header {
        char name[HTTP_NAME_MAX];
        char value[1024];
    } headers[HTTP_RESPONSE_HEADERS];
};

/* Adds a header (both copied). ACESO_ELIMIT, ACESO_EFORMAT for control characters. Every answer has
 * "Cache-Control: no-store" unless set here, and "X-Content-Type-Options: nosniff". */
ACESO_NODISCARD int http_response_header(struct http_response *response, const char *name,
                                         const char *value);

/* Runs on a worker; may block. On failure the answer is the error, its status that of the code
 * (http_problem.h) unless the handler put one of 400 or more into response->status; what it put
 * into the body is dropped. On a TLS listener text and place of ACESO_EIO, ACESO_EMEMORY and
 * ACESO_EINTERNAL stay at home: the text goes to the log. */
typedef int http_handler(void *context, const struct http_request *request,
                         struct http_response *response, struct aceso_error *error);

enum http_route_flags {
    HTTP_ROUTE_PEER = 1,   /* 401 without a client certificate; on a unix socket of no effect */
    HTTP_ROUTE_PUBLIC = 2, /* `authorise` is not called */
};

struct http_route {
    const char *method;  /* "GET" */
    const char *pattern; /* "/v1/requests/{id}" */
    http_handler *handler;
    unsigned flags;
    size_t body_limit; /* bytes; 0: no body is taken */
};

/* Called on the worker before the handler. Refuses with a failure: ACESO_EDENIED is 403; 401 by
 * response->status. May fill request->identity. */
typedef int http_authorise(void *context, const struct http_request *request,
                           struct http_response *response, struct aceso_error *error);

struct http_listener {
    const char *name;        /* for logs and http_request.listener */
    const char *unix_path;   /* a unix socket (mode 0600); or NULL and: */
    const char *address;     /* a numeric IPv4 or IPv6 address */
    uint16_t port;           /* 0: the kernel chooses */
    struct bytes chain_pem;  /* the server's certificate and those between it and the root */
    struct bytes key_pem;
    struct bytes roots_pem;  /* client certificates are asked for and checked against; empty: not */
    const struct http_route *routes; /* lives as long as the server */
    size_t route_count;
    http_authorise *authorise; /* may be NULL */
    void *context;             /* for authorise and handlers */
    unsigned connections_max;  /* 0: 1024; over it new ones wait in the backlog */
};

/* Zero means the default. */
struct http_server_limits {
    unsigned handlers_max;   /* 12 */
    unsigned idle_ms;        /* 60000: between requests, headers included */
    unsigned request_ms;     /* 30000: for the body, and 1 s more per 32 KiB of the route's limit */
    unsigned send_ms;        /* 30000: for the client to take 64 KiB of an answer */
};

/* `limits` may be NULL. The server lives on `loop`, whose thread makes all calls below. */
ACESO_NODISCARD int http_server_create(struct loop *loop, const struct http_server_limits *limits,
                                       struct http_server **server, struct aceso_error *error);

/* Starts to listen; everything but the routes and the context is copied. `*port` (may be NULL) is
 * the port, 0 for a unix socket. A unix socket that nobody listens on is replaced; ACESO_EEXISTS
 * where somebody does. ACESO_EIO, ACESO_EFORMAT (address, certificate, key). */
ACESO_NODISCARD int http_server_listen(struct http_server *server,
                                       const struct http_listener *listener, uint16_t *port,
                                       struct aceso_error *error);

/* Stops accepting, answers 503 to new requests on open connections, waits until the running ones
 * are done but no longer than `grace_ms`, cuts what is left, closes, and calls
 * `stopped(data, handlers)` once, on the loop's thread, never from inside this call. `handlers` is
 * the number of handlers that still run: where it is not 0 their context must outlive them
 * (loop_destroy waits for them; a program in a hurry leaves by _exit). */
typedef void http_stopped_fn(void *data, size_t handlers);
void http_server_stop(struct http_server *server, unsigned grace_ms, http_stopped_fn *stopped,
                      void *data);

/* Frees the server; cuts everything where it was not stopped. Before loop_destroy. Accepts NULL. */
void http_server_destroy(struct http_server *server);

#endif
