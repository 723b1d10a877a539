/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "net/http_server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HTTP_BACKLOG 511
#define HTTP_CONNECTIONS 1024

/* TLS 1.3 only, no resumption: a resumed session would skip the client's certificate. */
#define HTTP_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:%NO_TICKETS"

static int http_port_error(struct aceso_error *error, const char *place)
{
    return error_set(error, errno == EADDRINUSE ? ACESO_EEXISTS : ACESO_EIO, place, "%s",
                     strerror(errno));
}

/* True where a server answers at the address: then its socket file is not ours to replace. */
static bool http_unix_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;

    if (fd >= 0)
        (void)close(fd);
    return alive;
}

static int http_unix_open(struct http_port *port, struct aceso_error *error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat status;

    memcpy(address.sun_path, port->unix_path, sizeof address.sun_path);
    if (lstat(port->unix_path, &status) == 0) {
        if (!S_ISSOCK(status.st_mode) || http_unix_alive(&address))
            return error_set(error, ACESO_EEXISTS, "socket", "somebody listens there already");
        (void)unlink(port->unix_path);
    }
    port->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port->socket < 0)
        return http_port_error(error, "socket");

    /* The mode of the socket becomes that of the file: no moment in which others may connect. */
    if (fchmod(port->socket, 0600) != 0 ||
        bind(port->socket, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(port->socket, HTTP_BACKLOG) != 0) {
        int code = http_port_error(error, "socket");

        (void)close(port->socket); /* here, since the file may be somebody else's */
        port->socket = -1;
        return code;
    }
    return ACESO_OK;
}

static uint16_t http_tcp_number(int fd)
{
    struct sockaddr_storage bound = { 0 };
    socklen_t len = sizeof bound;

    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0)
        return 0;
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

static int http_tcp_open(struct http_port *port, uint16_t *number, struct aceso_error *error)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
    struct addrinfo *found = NULL;
    char service[8];
    int on = 1, code = ACESO_OK;

    (void)snprintf(service, sizeof service, "%u", port->settings.port);
    if (!port->settings.address || getaddrinfo(port->settings.address, service, &hints, &found))
        return error_set(error, ACESO_EFORMAT, "listener", "not a numeric address");
    port->socket = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port->socket < 0 ||
        setsockopt(port->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(port->socket, found->ai_addr, found->ai_addrlen) != 0 ||
        listen(port->socket, HTTP_BACKLOG) != 0)
        code = http_port_error(error, "listener");
    else
        *number = http_tcp_number(port->socket);
    freeaddrinfo(found);
    return code;
}

/* The escapes of a target stay as they are: http_target_parse decodes them. */
static size_t http_no_unescape(void *port, struct MHD_Connection *mhd, char *text)
{
    (void)port;
    (void)mhd;
    return strlen(text);
}

static void http_connection_remote(struct http_connection *connection, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    socklen_t len;

    if (connection->port->settings.unix_path || !address) {
        (void)snprintf(connection->remote, sizeof connection->remote, "unix");
        return;
    }
    len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(address, len, connection->remote, sizeof connection->remote, NULL, 0,
                    NI_NUMERICHOST))
        (void)snprintf(connection->remote, sizeof connection->remote, "unknown");
}

static void http_on_connection(void *data, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode what)
{
    struct http_port *port = data;
    struct http_connection *connection = *context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        connection = calloc(1, sizeof *connection);
        *context = connection; /* where there is no memory, the first request ends it */
        if (!connection)
            return;
        connection->port = port;
        connection->fd =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        connection->deadline = time_monotonic_ms() + port->server->limits.idle_ms;
        http_connection_remote(connection, mhd);
        connection->next = port->connections;
        if (connection->next)
            connection->next->previous = connection;
        port->connections = connection;
        return;
    }
    if (!connection)
        return;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        port->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    http_chain_release(connection->chain);
    free(connection);
    port->closed_one = true;
    *context = NULL;
}

static void http_port_on_event(void *data)
{
    http_port_run(data);
}

static int http_port_start(struct http_port *port, struct aceso_error *error)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_KEY, 0, port->key_pem.data },
        { MHD_OPTION_HTTPS_MEM_CERT, 0, port->chain_pem.data },
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)HTTP_TLS_PRIORITIES },
        { port->roots_pem.len ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
          port->roots_pem.data },
        { MHD_OPTION_END, 0, NULL },
    };

    if (port->settings.unix_path)
        tls[0] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    else
        flags |= MHD_USE_TLS;
    port->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, http_exchange_on_access, port, MHD_OPTION_LISTEN_SOCKET,
        port->socket, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_LIMIT,
        port->settings.connections_max ? port->settings.connections_max : HTTP_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_UNESCAPE_CALLBACK, http_no_unescape,
        NULL, MHD_OPTION_URI_LOG_CALLBACK, http_exchange_on_target, port,
        MHD_OPTION_NOTIFY_COMPLETED, http_exchange_on_completed, port,
        MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, port, MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
    if (!port->daemon)
        return error_set(error, ACESO_EFORMAT, "listener",
                         "the certificate, its key or the roots cannot be used");
    return ACESO_OK;
}

int http_port_open(struct http_port *port, uint16_t *number, struct aceso_error *error)
{
    struct loop *loop = port->server->loop;
    int code;

    if (!port->settings.unix_path && (!port->chain_pem.len || !port->key_pem.len))
        return error_set(error, ACESO_EFORMAT, "listener", "certificate and key are missing");
    code = port->settings.unix_path ? http_unix_open(port, error)
                                    : http_tcp_open(port, number, error);
    if (!code)
        code = http_port_start(port, error);
    if (!code)
        code = loop_timer_start(loop, 0, 0, http_port_on_event, port, &port->timer, error);
    if (!code)
        code = loop_watch_start(
            loop, MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
            http_port_on_event, port, &port->watch, error);
    return code;
}

/* Lets MHD do what there is to do. Whoever resumes a connection calls it afterwards. */
void http_port_run(struct http_port *port)
{
    MHD_UNSIGNED_LONG_LONG wait;

    if (port->in_run || !port->daemon)
        return;
    port->in_run = true;
    do {
        port->closed_one = false;
        (void)MHD_run(port->daemon);
    } while (port->closed_one); /* only the next run accepts again after the limit was reached */
    port->in_run = false;
    if (MHD_get_timeout(port->daemon, &wait) == MHD_YES)
        loop_timer_set(port->timer, wait, 0);
}

void http_port_sweep(struct http_port *port, int64_t now)
{
    for (struct http_connection *at = port->connections; at; at = at->next) {
        if (at->deadline == 0 || now < at->deadline)
            continue;
        at->deadline = 0;
        (void)shutdown(at->fd, SHUT_RDWR); /* MHD sees it and closes */
    }
}

static void http_port_close_socket(struct http_port *port)
{
    if (port->socket < 0)
        return;
    if (port->settings.unix_path)
        (void)unlink(port->unix_path);
    (void)close(port->socket);
    port->socket = -1;
}

void http_port_stop_accepting(struct http_port *port)
{
    if (port->daemon)
        (void)MHD_quiesce_daemon(port->daemon);
    http_port_close_socket(port);
}

void http_port_close(struct http_port *port)
{
    loop_watch_stop(port->watch);
    port->watch = NULL;
    loop_timer_stop(port->timer);
    port->timer = NULL;
    if (port->daemon) {
        if (port->socket >= 0)
            http_port_stop_accepting(port);
        for (struct http_connection *at = port->connections; at; at = at->next) {
            if (at->exchange)
                http_exchange_cut(at->exchange);
        }
        (void)MHD_run(port->daemon); /* MHD_stop_daemon wants nothing suspended */
        MHD_stop_daemon(port->daemon);
        port->daemon = NULL;
    }
    http_port_close_socket(port);
}

void http_port_free(struct http_port *port)
{
    buffer_free(&port->chain_pem);
    buffer_free(&port->key_pem);
    buffer_free(&port->roots_pem);
    free(port);
}

void http_chain_release(struct http_chain *chain)
{
    if (chain && --chain->references == 0)
        free(chain);
}
