/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the HTTP server share: not for other rooms.
 *
 *     http_server.c    the server, its stop, the queue before the workers
 *     http_port.c      one listener: its socket, its MHD daemon, its connections
 *     http_exchange.c  one request and its answer
 *
 * Everything here belongs to the loop's thread, but an exchange whose `on_worker` is set: of that
 * the worker alone touches what is listed under "the worker's". */
#ifndef ACESO_NET_HTTP_SERVER_INTERNAL_H
#define ACESO_NET_HTTP_SERVER_INTERNAL_H

#include "net/http_server.h"

#include <microhttpd.h>

#define HTTP_CONNECTION_MEMORY 32768
#define HTTP_DRAIN_MAX 65536 /* bytes of a body that is read only to answer politely */
#define HTTP_REMOTE_MAX 64

/* A client's certificates; shared by its connection and the exchange that a worker has. */
struct http_chain {
    unsigned references;
    size_t count;
    struct bytes list[X509_CHAIN_MAX];
    bool refused;  /* too many or too long */
    bool verified; /* `who` holds */
    struct x509_identity who;
    uint8_t data[];
};

struct http_connection {
    struct http_port *port;
    struct http_connection *previous, *next;
    int fd;
    int64_t deadline; /* monotonic ms when the client has been too slow; 0: none runs */
    char remote[HTTP_REMOTE_MAX];
    struct http_chain *chain; /* NULL until the first request, and without a certificate */
    bool chain_read;
    struct http_exchange *exchange;
};

enum http_phase {
    HTTP_PHASE_HEADERS, /* the request line is there */
    HTTP_PHASE_BODY,
    HTTP_PHASE_HANDLER, /* suspended; queued or on a worker */
    HTTP_PHASE_ANSWER,  /* the answer is being sent */
};

struct http_exchange {
    struct http_port *port;
    struct http_connection *connection; /* NULL once it is gone */
    struct MHD_Connection *mhd;
    struct http_exchange *queue_next;
    enum http_phase phase;
    bool queued, on_worker;
    bool suspended;
    bool cut; /* to be ended without an answer */
    int64_t start;
    uint64_t sent;
    unsigned status;
    size_t drained;
    size_t chunk_at;
    struct loop_timer *wait;
    const struct http_route *route;
    struct http_target *target;
    int target_code;
    char allow[128];
    struct buffer header_text;
    struct http_parameter headers[HTTP_HEADERS_MAX];
    struct http_chain *chain;
    char remote[HTTP_REMOTE_MAX];

    /* the worker's */
    struct http_request request;
    struct buffer body;
    struct http_response response;
    struct buffer chunk;
    bool end;    /* the stream's last chunk is in `chunk` */
    int code;    /* what became of it so far */
    struct aceso_error error;
    _Alignas(16) uint8_t identity[HTTP_IDENTITY_SIZE];
};

struct http_port {
    struct http_server *server;
    struct http_port *next;
    struct http_listener settings; /* its strings are the copies below */
    char name[64];
    char unix_path[108];
    struct buffer chain_pem, key_pem, roots_pem;
    int socket; /* -1 when closed */
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *timer;
    bool in_run; /* MHD is on the stack */
    bool closed_one;
    struct http_connection *connections;
};

struct http_server {
    struct loop *loop;
    struct http_server_limits limits;
    struct http_port *ports;
    struct http_exchange *queue_first, *queue_last;
    size_t running; /* on workers */
    size_t active;  /* exchanges between their headers and their end */
    struct loop_timer *sweep;
    bool stopping, closed, destroyed;
    int64_t stop_deadline;
    http_stopped_fn *stopped;
    void *stopped_data;
};

/* http_server.c */
void http_server_enqueue(struct http_server *server, struct http_exchange *exchange);
void http_server_unqueue(struct http_server *server, struct http_exchange *exchange);
void http_server_pump(struct http_server *server);
void http_server_worker_left(struct http_server *server);

/* http_port.c */
int http_port_open(struct http_port *port, uint16_t *number, struct aceso_error *error);
void http_port_run(struct http_port *port);
void http_port_sweep(struct http_port *port, int64_t now);
void http_port_stop_accepting(struct http_port *port);
void http_port_close(struct http_port *port); /* cuts what is left */
void http_port_free(struct http_port *port);
void http_chain_release(struct http_chain *chain);

/* http_exchange.c: callbacks of MHD, and of the workers */
void *http_exchange_on_target(void *port, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_exchange_on_access(void *port, struct MHD_Connection *mhd, const char *url,
                                        const char *method, const char *version,
                                        const char *upload, size_t *upload_len, void **state);
void http_exchange_on_completed(void *port, struct MHD_Connection *mhd, void **state,
                                enum MHD_RequestTerminationCode why);
void http_exchange_work(void *data);
void http_exchange_done(void *data, int code);
void http_exchange_cut(struct http_exchange *exchange);
void http_exchange_resume(struct http_exchange *exchange);

#endif
