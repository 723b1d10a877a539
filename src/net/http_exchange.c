/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/text.h"
#include "net/http_server_internal.h"
#include "net/http_problem.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP_STREAM_WAIT_MS 250
#define HTTP_BYTES_PER_MS 32 /* how fast a body must come at least, after the first while */

static void http_exchange_free(struct http_exchange *exchange)
{
    if (exchange->response.stream.free)
        exchange->response.stream.free(exchange->response.stream.state);
    buffer_free(&exchange->response.body);
    buffer_free(&exchange->chunk);
    buffer_free(&exchange->body);
    buffer_free(&exchange->header_text);
    loop_timer_stop(exchange->wait);
    http_chain_release(exchange->chain);
    free(exchange->target);
    free(exchange);
}

static int64_t http_deadline(unsigned milliseconds)
{
    return time_monotonic_ms() + milliseconds;
}

/* ---- Reading the request ---- */

static struct http_connection *http_connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* The request line has come. What is returned is the request's state for MHD; NULL ends it. */
void *http_exchange_on_target(void *port, const char *target, struct MHD_Connection *mhd)
{
    struct http_connection *connection = http_connection_of(mhd);
    struct http_exchange *exchange;

    if (!connection)
        return NULL;
    exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->target = malloc(sizeof *exchange->target);
    if (!exchange->target) {
        free(exchange);
        return NULL;
    }
    exchange->port = port;
    exchange->connection = connection;
    exchange->mhd = mhd;
    exchange->start = time_monotonic_ms();
    exchange->body = (struct buffer)BUFFER_INIT_SECRET(0);
    exchange->chunk = (struct buffer)BUFFER_INIT(HTTP_CHUNK_MAX);
    exchange->header_text = (struct buffer)BUFFER_INIT(HTTP_CONNECTION_MEMORY * 2);
    exchange->response.body = (struct buffer)BUFFER_INIT(HTTP_BODY_MAX);
    exchange->response.status = 200;
    exchange->response.content_type = "application/json";
    exchange->target_code = http_target_parse(target, exchange->target, &exchange->error);
    connection->exchange = exchange;
    return exchange;
}

/* Makes the error the answer. */
static void http_exchange_refuse(struct http_exchange *exchange, int code, unsigned status,
                                 const char *text)
{
    exchange->code = error_set(&exchange->error, code, NULL, "%s", text);
    exchange->response.status = status;
}

static void http_exchange_route(struct http_exchange *exchange, const char *method)
{
    const struct http_listener *settings = &exchange->port->settings;
    size_t len = 0;

    for (size_t i = 0; i < settings->route_count; i++) {
        const struct http_route *route = &settings->routes[i];
        int match = http_target_match(exchange->target, route->pattern, &exchange->error);

        if (match < 0) {
            exchange->code = match;
            return;
        }
        if (match && strcmp(route->method, method) == 0) {
            exchange->route = route;
            return;
        }
        if (match && len < sizeof exchange->allow)
            len += (size_t)snprintf(exchange->allow + len, sizeof exchange->allow - len, "%s%s",
                                    len ? ", " : "", route->method);
    }
    if (len)
        http_exchange_refuse(exchange, ACESO_EUSAGE, 405, "this address has no such method");
    else
        http_exchange_refuse(exchange, ACESO_ENOTFOUND, 404, "there is nothing at this address");
}

static enum MHD_Result http_on_header(void *data, enum MHD_ValueKind kind, const char *name,
                                      size_t name_len, const char *value, size_t value_len)
{
    struct http_exchange *exchange = data;
    struct buffer *text = &exchange->header_text;
    struct http_parameter *header = &exchange->headers[exchange->request.header_count];

    (void)kind;
    if (exchange->request.header_count == HTTP_HEADERS_MAX) {
        http_exchange_refuse(exchange, ACESO_ELIMIT, 431, "too many headers");
        return MHD_NO;
    }
    /* Offsets for now: the text still moves. */
    header->name = (const char *)(uintptr_t)text->len;
    (void)buffer_put(text, name, name_len);
    (void)buffer_put_u8(text, 0);
    header->value = (const char *)(uintptr_t)text->len;
    (void)buffer_put(text, value ? value : "", value_len);
    (void)buffer_put_u8(text, 0);
    exchange->request.header_count++;
    return MHD_YES;
}

static void http_exchange_headers(struct http_exchange *exchange)
{
    struct http_request *request = &exchange->request;
    const char *text, *content_type;

    (void)MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, http_on_header, exchange);
    if (exchange->header_text.failed)
        http_exchange_refuse(exchange, ACESO_ELIMIT, 431, "the headers are too long");
    text = buffer_text(&exchange->header_text);
    for (size_t i = 0; i < request->header_count; i++) {
        exchange->headers[i].name = text + (uintptr_t)exchange->headers[i].name;
        exchange->headers[i].value = text + (uintptr_t)exchange->headers[i].value;
    }
    request->headers = exchange->headers;
    content_type = http_request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);
    request->content_type = content_type ? content_type : "";
}

/* Copies the certificates that the client showed, out of GnuTLS's memory. */
static struct http_chain *http_chain_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const gnutls_datum_t *shown = NULL;
    struct http_chain *chain;
    unsigned count = 0;
    size_t size = 0, at = 0;

    if (info)
        shown = gnutls_certificate_get_peers(info->tls_session, &count);
    if (!shown || count == 0)
        return NULL;
    for (unsigned i = 0; i < count && count <= X509_CHAIN_MAX; i++)
        size += shown[i].size <= X509_DER_MAX ? shown[i].size : X509_DER_MAX + 1;
    chain = calloc(1, sizeof *chain + size);
    if (!chain)
        return NULL;
    chain->references = 1;
    chain->refused = count > X509_CHAIN_MAX;
    for (unsigned i = 0; i < count && !chain->refused; i++) {
        if (shown[i].size > X509_DER_MAX) {
            chain->refused = true;
            break;
        }
        memcpy(chain->data + at, shown[i].data, shown[i].size);
        chain->list[i] = bytes_of(chain->data + at, shown[i].size);
        at += shown[i].size;
        chain->count++;
    }
    return chain;
}

/* Finds out who the client is, once a connection and again after a certificate has expired: on the
 * loop's thread, although it takes some 0.3 ms, so that no stranger gets to send a long body. */
static int http_chain_verify(struct http_chain *chain, struct bytes roots,
                             struct aceso_error *error)
{
    int64_t now = time_now();
    int code;

    if (chain->refused)
        return error_set(error, ACESO_ELIMIT, "certificate", "too long a chain");
    if (chain->verified && now <= chain->who.not_after)
        return ACESO_OK;
    code = x509_identity(chain->list, chain->count, roots, now, &chain->who, error);
    chain->verified = code == ACESO_OK;
    return code;
}

static void http_exchange_peer(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;
    struct http_port *port = exchange->port;
    struct http_chain *chain;

    if (port->settings.unix_path)
        return;
    if (!connection->chain_read) {
        connection->chain_read = true;
        if (port->roots_pem.len)
            connection->chain = http_chain_of(exchange->mhd);
    }
    chain = connection->chain;
    if (!chain) {
        if (exchange->route->flags & HTTP_ROUTE_PEER)
            http_exchange_refuse(exchange, ACESO_EDENIED, 401, "a client certificate is needed");
        return;
    }
    chain->references++;
    exchange->chain = chain;
    exchange->code = http_chain_verify(chain, buffer_bytes(&port->roots_pem), &exchange->error);
    if (exchange->code) {
        exchange->response.status = 403;
        return;
    }
    exchange->request.peer = chain->list;
    exchange->request.peer_count = chain->count;
    exchange->request.who = &chain->who;
}

/* The length that the client announced; false where it announced none (chunked, or no body). */
static bool http_exchange_length(const struct http_exchange *exchange, uint64_t *length)
{
    const char *text = http_request_header(&exchange->request, MHD_HTTP_HEADER_CONTENT_LENGTH);

    if (!text)
        return false;
    if (text_u64(text, UINT64_MAX, length))
        *length = UINT64_MAX; /* MHD refuses malformed ones before */
    return true;
}

static void http_exchange_judge(struct http_exchange *exchange, const char *method,
                                const char *version)
{
    uint64_t length = 0;

    http_exchange_headers(exchange);
    if (exchange->code)
        return;
    if (exchange->target_code)
        exchange->code = exchange->target_code;
    else if (strcmp(version, MHD_HTTP_VERSION_1_1) != 0)
        http_exchange_refuse(exchange, ACESO_EUSAGE, 505, "HTTP/1.1 is needed");
    else if (exchange->port->server->stopping)
        http_exchange_refuse(exchange, ACESO_EBUSY, 503, "the node is stopping");
    else
        http_exchange_route(exchange, method);
    if (exchange->target_code == ACESO_ELIMIT)
        exchange->response.status = 414;
    if (exchange->code)
        return;
    http_exchange_peer(exchange);
    if (!exchange->code && http_exchange_length(exchange, &length) &&
        length > exchange->route->body_limit)
        http_exchange_refuse(exchange, ACESO_ELIMIT, 413, "the body is too long");
}

static enum MHD_Result http_exchange_answer(struct http_exchange *exchange);

/* All headers are there. A refusal waits for a short body, so that the connection can go on and
 * the client reads the answer; before a long one it is sent at once and the connection ends. */
static enum MHD_Result http_exchange_begin(struct http_exchange *exchange, const char *method,
                                           const char *version)
{
    const struct http_server_limits *limits = &exchange->port->server->limits;
    struct http_request *request = &exchange->request;
    struct http_connection *connection = exchange->connection;
    uint64_t length = 0;
    size_t body_limit;

    exchange->port->server->active++;
    exchange->phase = HTTP_PHASE_BODY;
    request->target = exchange->target;
    request->path = exchange->target->text;
    request->listener = exchange->port->name;
    request->identity = exchange->identity;
    memcpy(exchange->remote, connection->remote, sizeof exchange->remote);
    request->remote = exchange->remote;
    http_exchange_judge(exchange, method, version);
    body_limit = exchange->code ? HTTP_DRAIN_MAX : exchange->route->body_limit;
    if (exchange->route) {
        request->method = exchange->route->method;
        request->pattern = exchange->route->pattern;
    }
    connection->deadline = http_deadline(limits->request_ms) +
                           (int64_t)(body_limit / HTTP_BYTES_PER_MS);
    if (exchange->code && http_exchange_length(exchange, &length) && length > HTTP_DRAIN_MAX)
        return http_exchange_answer(exchange);
    exchange->body.max = exchange->code ? 0 : body_limit;
    return MHD_YES;
}

static enum MHD_Result http_exchange_upload(struct http_exchange *exchange, const char *upload,
                                            size_t len)
{
    if (!exchange->code) {
        int code = buffer_put(&exchange->body, upload, len);

        if (code == ACESO_ELIMIT)
            http_exchange_refuse(exchange, ACESO_ELIMIT, 413, "the body is too long");
        else if (code)
            http_exchange_refuse(exchange, code, 503, "no memory for the body");
    }
    if (exchange->code) {
        exchange->drained += len;
        if (exchange->drained > HTTP_DRAIN_MAX)
            return MHD_NO;
    }
    return MHD_YES;
}

static void http_exchange_to_worker(struct http_exchange *exchange)
{
    exchange->connection->deadline = 0; /* from here on it is not the client who is slow */
    exchange->suspended = true;
    MHD_suspend_connection(exchange->mhd);
    http_server_enqueue(exchange->port->server, exchange);
}

enum MHD_Result http_exchange_on_access(void *port, struct MHD_Connection *mhd, const char *url,
                                        const char *method, const char *version,
                                        const char *upload, size_t *upload_len, void **state)
{
    struct http_exchange *exchange = *state;
    size_t len = *upload_len;

    (void)port;
    (void)mhd;
    (void)url;
    if (!exchange || exchange->cut)
        return MHD_NO;
    switch (exchange->phase) {
    case HTTP_PHASE_HEADERS:
        return http_exchange_begin(exchange, method, version);
    case HTTP_PHASE_BODY:
        if (len > 0) {
            *upload_len = 0;
            return http_exchange_upload(exchange, upload, len);
        }
        if (exchange->code)
            return http_exchange_answer(exchange);
        exchange->phase = HTTP_PHASE_HANDLER;
        exchange->request.body = buffer_bytes(&exchange->body);
        http_exchange_to_worker(exchange);
        return MHD_YES;
    case HTTP_PHASE_HANDLER:
        return http_exchange_answer(exchange);
    case HTTP_PHASE_ANSWER:
        break;
    }
    return MHD_NO;
}

/* ---- On a worker ---- */

static int http_exchange_next(struct http_exchange *exchange)
{
    struct http_stream *stream = &exchange->response.stream;
    bool end = false;
    int code;

    buffer_clear(&exchange->chunk);
    code = stream->next(stream->state, &exchange->chunk, &end, &exchange->error);
    if (!code)
        code = exchange->chunk.failed;
    exchange->end = end;
    return code;
}

static int http_exchange_handle(struct http_exchange *exchange)
{
    const struct http_route *route = exchange->route;
    const struct http_listener *settings = &exchange->port->settings;
    struct http_request *request = &exchange->request;
    struct http_response *response = &exchange->response;
    int code = ACESO_OK;

    if (settings->authorise && !(route->flags & HTTP_ROUTE_PUBLIC))
        code = settings->authorise(settings->context, request, response, &exchange->error);
    if (!code)
        code = route->handler(settings->context, request, response, &exchange->error);
    if (!code)
        code = response->body.failed;
    if (!code && response->stream.next)
        code = http_exchange_next(exchange);
    return code;
}

void http_exchange_work(void *data)
{
    struct http_exchange *exchange = data;
    int code = exchange->phase == HTTP_PHASE_HANDLER ? http_exchange_handle(exchange)
                                                     : http_exchange_next(exchange);

    if (code > 0)
        code = ACESO_EINTERNAL;
    if (code && exchange->error.code != code)
        (void)error_set(&exchange->error, code, NULL, "%s", error_name(code));
    exchange->code = code;
}

/* ---- Back on the loop's thread ---- */

void http_exchange_resume(struct http_exchange *exchange)
{
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    MHD_resume_connection(exchange->mhd);
}

void http_exchange_cut(struct http_exchange *exchange)
{
    exchange->cut = true;
    if (exchange->queued)
        http_server_unqueue(exchange->port->server, exchange);
    http_exchange_resume(exchange);
}

static void http_exchange_retry(void *data)
{
    struct http_exchange *exchange = data;

    if (exchange->suspended && !exchange->queued && !exchange->on_worker)
        http_server_enqueue(exchange->port->server, exchange);
}

/* A stream that had nothing to say is asked again later. Returns false where that cannot be. */
static bool http_exchange_wait(struct http_exchange *exchange)
{
    unsigned wait_ms = exchange->response.stream.wait_ms;

    wait_ms = wait_ms ? wait_ms : HTTP_STREAM_WAIT_MS;
    if (exchange->port->server->stopping)
        return false;
    if (exchange->wait) {
        loop_timer_set(exchange->wait, wait_ms, 0);
        return true;
    }
    return !loop_timer_start(exchange->port->server->loop, wait_ms, 0, http_exchange_retry,
                             exchange, &exchange->wait, NULL);
}

void http_exchange_done(void *data, int code)
{
    struct http_exchange *exchange = data;
    struct http_port *port = exchange->port;
    struct http_server *server = port->server;

    exchange->on_worker = false;
    server->running--;
    if (!exchange->connection) { /* cut while the worker was at it */
        http_exchange_free(exchange);
        http_server_worker_left(server);
        return;
    }
    if (code)
        exchange->code = error_set(&exchange->error, code, NULL, "the request could not be run");
    exchange->chunk_at = 0;
    if (exchange->phase == HTTP_PHASE_ANSWER && !exchange->code && !exchange->end &&
        exchange->chunk.len == 0) {
        if (!http_exchange_wait(exchange))
            http_exchange_cut(exchange);
    } else {
        http_exchange_resume(exchange);
    }
    http_port_run(port);
    http_server_worker_left(server);
}

/* ---- Sending the answer ---- */

/* What a stranger need not know of our inside stays in the log. */
static void http_exchange_hide(struct http_exchange *exchange)
{
    struct aceso_error *error = &exchange->error;

    if (exchange->port->settings.unix_path)
        return;
    if (error->code != ACESO_EIO && error->code != ACESO_EMEMORY && error->code != ACESO_EINTERNAL)
        return;
    log_warning("%s %s: %s: %s", exchange->request.method, exchange->request.pattern,
                error_name(error->code), error->text);
    (void)error_set(error, error->code, NULL, "%s", error_name(error->code));
}

/* Turns the error into status and body; drops what the handler made. */
static void http_exchange_problem(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;

    if (response->status < 400 || response->status > 599)
        response->status = http_problem_status(exchange->code);
    if (exchange->route)
        http_exchange_hide(exchange);
    if (response->stream.free)
        response->stream.free(response->stream.state);
    response->stream = (struct http_stream){ .next = NULL };
    buffer_free(&response->body);
    response->body = (struct buffer)BUFFER_INIT(HTTP_PROBLEM_MAX);
    response->content_type = HTTP_PROBLEM_TYPE;
    response->header_count = 0;
    (void)http_problem_write(&exchange->error, response->status, &response->body);
    if (response->status == 405 &&
        http_response_header(response, MHD_HTTP_HEADER_ALLOW, exchange->allow))
        response->header_count = 0;
}

/* Gives MHD the next bytes of a long body or a stream, or suspends until there are some. */
static ssize_t http_exchange_on_read(void *data, uint64_t position, char *out, size_t max)
{
    struct http_exchange *exchange = data;
    bool stream = exchange->response.stream.next != NULL;
    const struct buffer *from = stream ? &exchange->chunk : &exchange->response.body;
    size_t at = stream ? exchange->chunk_at : (size_t)position, len = from->len - at;

    if (exchange->cut || exchange->code)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (len > 0) {
        len = len < max ? len : max;
        memcpy(out, from->data + at, len);
        exchange->chunk_at += len;
        exchange->sent += len;
        exchange->connection->deadline = http_deadline(exchange->port->server->limits.send_ms);
        return (ssize_t)len;
    }
    if (!stream || exchange->end)
        return MHD_CONTENT_READER_END_OF_STREAM;
    http_exchange_to_worker(exchange);
    return 0;
}

static struct MHD_Response *http_exchange_response(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    struct buffer *body = &response->body;

    if (response->stream.next)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_CHUNK_SIZE,
                                                 http_exchange_on_read, exchange, NULL);
    if (body->len > HTTP_CHUNK_SIZE)
        return MHD_create_response_from_callback(body->len, HTTP_CHUNK_SIZE,
                                                 http_exchange_on_read, exchange, NULL);
    exchange->sent = body->len;
    return MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_PERSISTENT);
}

static bool http_response_headers(const struct http_response *response, struct MHD_Response *mhd)
{
    bool cache = false, ok = true;

    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_response_header *header = &response->headers[i];

        cache = cache || strcasecmp(header->name, MHD_HTTP_HEADER_CACHE_CONTROL) == 0;
        ok = ok && MHD_add_response_header(mhd, header->name, header->value) == MHD_YES;
    }
    if (!cache)
        ok = ok && MHD_add_response_header(mhd, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
                       MHD_YES;
    if (response->content_type)
        ok = ok && MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE,
                                           response->content_type) == MHD_YES;
    return ok && MHD_add_response_header(mhd, "X-Content-Type-Options", "nosniff") == MHD_YES;
}

static enum MHD_Result http_exchange_answer(struct http_exchange *exchange)
{
    struct MHD_Response *mhd;
    enum MHD_Result result = MHD_NO;

    exchange->phase = HTTP_PHASE_ANSWER;
    if (exchange->code)
        http_exchange_problem(exchange);
    exchange->code = ACESO_OK; /* from here on: that of the stream */
    mhd = http_exchange_response(exchange);
    if (!mhd)
        return MHD_NO;
    exchange->status = exchange->response.status;
    if (http_response_headers(&exchange->response, mhd))
        result = MHD_queue_response(exchange->mhd, exchange->status, mhd);
    exchange->connection->deadline = http_deadline(exchange->port->server->limits.send_ms);
    MHD_destroy_response(mhd);
    return result;
}

void http_exchange_on_completed(void *port, struct MHD_Connection *mhd, void **state,
                                enum MHD_RequestTerminationCode why)
{
    struct http_exchange *exchange = *state;
    struct http_server *server = ((struct http_port *)port)->server;

    (void)mhd;
    *state = NULL;
    if (!exchange)
        return;
    if (exchange->phase != HTTP_PHASE_HEADERS)
        server->active--;
    exchange->connection->exchange = NULL;
    exchange->connection->deadline = http_deadline(server->limits.idle_ms);
    log_debug("%s %s %s: %u, %llu bytes, %lld ms%s", exchange->port->name,
              exchange->route ? exchange->route->method : "-",
              exchange->route ? exchange->route->pattern : "-", exchange->status,
              (unsigned long long)exchange->sent,
              (long long)(time_monotonic_ms() - exchange->start),
              why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : ", cut");
    exchange->connection = NULL;
    if (exchange->queued)
        http_server_unqueue(server, exchange);
    if (!exchange->on_worker)
        http_exchange_free(exchange);
}
