/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include "base/text.h"
#include "net/http_server_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HTTP_SWEEP_MS 1000

const char *http_request_path(const struct http_request *request, const char *name)
{
    return http_parameters_get(&request->target->path, name);
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    return http_parameters_get(&request->target->query, name);
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    }
    return NULL;
}

static bool http_header_printable(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

int http_response_header(struct http_response *response, const char *name, const char *value)
{
    struct http_response_header *header = &response->headers[response->header_count];

    if (response->header_count == HTTP_RESPONSE_HEADERS || strlen(name) >= sizeof header->name ||
        strlen(value) >= sizeof header->value)
        return ACESO_ELIMIT;
    if (!*name || strpbrk(name, " :") || !http_header_printable(name) ||
        !http_header_printable(value))
        return ACESO_EFORMAT;
    (void)snprintf(header->name, sizeof header->name, "%s", name);
    (void)snprintf(header->value, sizeof header->value, "%s", value);
    response->header_count++;
    return ACESO_OK;
}

static void http_server_free(struct http_server *server)
{
    while (server->ports) {
        struct http_port *port = server->ports;

        server->ports = port->next;
        http_port_free(port);
    }
    free(server);
}

static void http_server_close(struct http_server *server)
{
    server->closed = true;
    loop_timer_stop(server->sweep);
    server->sweep = NULL;
    for (struct http_port *port = server->ports; port; port = port->next)
        http_port_close(port);
}

/* The clock of the server: cuts slow clients, and ends a stop when it is time. */
static void http_server_tick(void *data)
{
    struct http_server *server = data;
    int64_t now = time_monotonic_ms();

    for (struct http_port *port = server->ports; port; port = port->next)
        http_port_sweep(port, now);
    if (!server->stopping || (server->active > 0 && now < server->stop_deadline))
        return;
    http_server_close(server);
    server->stopped(server->stopped_data, server->running);
}

static unsigned http_or(unsigned value, unsigned otherwise)
{
    return value ? value : otherwise;
}

int http_server_create(struct loop *loop, const struct http_server_limits *limits,
                       struct http_server **server, struct aceso_error *error)
{
    static const struct http_server_limits none = { 0 };
    struct http_server *made = calloc(1, sizeof *made);
    unsigned tick;
    int code;

    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for the server");
    limits = limits ? limits : &none;
    made->loop = loop;
    made->limits.handlers_max = http_or(limits->handlers_max, LOOP_THREADS - 4);
    made->limits.idle_ms = http_or(limits->idle_ms, 60000);
    made->limits.request_ms = http_or(limits->request_ms, 30000);
    made->limits.send_ms = http_or(limits->send_ms, 30000);
    tick = made->limits.idle_ms < made->limits.request_ms ? made->limits.idle_ms
                                                          : made->limits.request_ms;
    tick = (tick < made->limits.send_ms ? tick : made->limits.send_ms) / 4 + 1;
    tick = tick < HTTP_SWEEP_MS ? tick : HTTP_SWEEP_MS;
    code = loop_timer_start(loop, tick, tick, http_server_tick, made, &made->sweep, error);
    if (code) {
        free(made);
        return code;
    }
    *server = made;
    return ACESO_OK;
}

static int http_port_copy(struct http_port *port, const struct http_listener *listener,
                          struct aceso_error *error)
{
    int name = snprintf(port->name, sizeof port->name, "%s", listener->name);

    port->settings = *listener;
    port->socket = -1;
    port->chain_pem = (struct buffer)BUFFER_INIT(X509_PEM_MAX);
    port->roots_pem = (struct buffer)BUFFER_INIT(X509_PEM_MAX);
    port->key_pem = (struct buffer)BUFFER_INIT_SECRET(X509_PEM_MAX);
    if (name < 0 || (size_t)name >= sizeof port->name)
        return error_set(error, ACESO_ELIMIT, "listener", "the name is too long");
    port->settings.name = port->name;
    if (listener->unix_path && strlen(listener->unix_path) >= sizeof port->unix_path)
        return error_set(error, ACESO_ELIMIT, "socket", "the path is over %zu bytes long",
                         sizeof port->unix_path - 1);
    if (listener->unix_path) {
        (void)snprintf(port->unix_path, sizeof port->unix_path, "%s", listener->unix_path);
        port->settings.unix_path = port->unix_path;
        return ACESO_OK;
    }
    if (buffer_put_bytes(&port->chain_pem, listener->chain_pem) ||
        buffer_put_bytes(&port->key_pem, listener->key_pem) ||
        buffer_put_bytes(&port->roots_pem, listener->roots_pem))
        return error_set(error, ACESO_ELIMIT, "listener", "a certificate or key is too long");
    return ACESO_OK;
}

int http_server_listen(struct http_server *server, const struct http_listener *listener,
                       uint16_t *port, struct aceso_error *error)
{
    struct http_port *made;
    uint16_t number = 0;
    int code;

    if (server->stopping || server->closed)
        return error_set(error, ACESO_ESTATE, "listener", "the server is stopping");
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for a listener");
    made->server = server;
    code = http_port_copy(made, listener, error);
    if (!code)
        code = http_port_open(made, &number, error);
    if (code) {
        http_port_close(made);
        http_port_free(made);
        return code;
    }
    made->next = server->ports;
    server->ports = made;
    if (port)
        *port = number;
    return ACESO_OK;
}

void http_server_enqueue(struct http_server *server, struct http_exchange *exchange)
{
    exchange->queued = true;
    exchange->queue_next = NULL;
    if (server->queue_last)
        server->queue_last->queue_next = exchange;
    else
        server->queue_first = exchange;
    server->queue_last = exchange;
    http_server_pump(server);
}

void http_server_unqueue(struct http_server *server, struct http_exchange *exchange)
{
    struct http_exchange *previous = NULL;

    for (struct http_exchange *at = server->queue_first; at; previous = at, at = at->queue_next) {
        if (at != exchange)
            continue;
        if (previous)
            previous->queue_next = at->queue_next;
        else
            server->queue_first = at->queue_next;
        if (server->queue_last == at)
            server->queue_last = previous;
        exchange->queued = false;
        return;
    }
}

void http_server_pump(struct http_server *server)
{
    while (server->queue_first && server->running < server->limits.handlers_max) {
        struct http_exchange *exchange = server->queue_first;

        http_server_unqueue(server, exchange);
        exchange->on_worker = true;
        server->running++;
        if (loop_work(server->loop, http_exchange_work, http_exchange_done, exchange, NULL))
            http_exchange_done(exchange, ACESO_EMEMORY);
    }
}

/* A worker has come back: who waits may go; a destroyed server ends with its last worker. */
void http_server_worker_left(struct http_server *server)
{
    if (server->destroyed) {
        if (server->running == 0)
            http_server_free(server);
        return;
    }
    if (!server->closed)
        http_server_pump(server);
}

void http_server_stop(struct http_server *server, unsigned grace_ms, http_stopped_fn *stopped,
                      void *data)
{
    if (server->stopping || server->closed)
        return;
    server->stopping = true;
    server->stop_deadline = time_monotonic_ms() + grace_ms;
    server->stopped = stopped;
    server->stopped_data = data;
    for (struct http_port *port = server->ports; port; port = port->next)
        http_port_stop_accepting(port);
    loop_timer_set(server->sweep, 0, 20);
}

void http_server_destroy(struct http_server *server)
{
    if (!server)
        return;
    if (!server->closed)
        http_server_close(server);
    server->destroyed = true;
    if (server->running == 0)
        http_server_free(server);
}
