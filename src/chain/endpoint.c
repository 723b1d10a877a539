/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/endpoint.h"

#include "base/text.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ENDPOINT_CONNECT_MS 5000L
#define ENDPOINT_PIECE 65536

/* One connection; used by one call at a time. */
struct line {
    CURL *curl; /* NULL: a unix socket */
    int fd;
    struct line *next;
};

struct endpoint {
    char *url;
    const char *path; /* of a unix socket, in `url`; NULL: HTTP */
    struct line *idle;
    atomic_bool checked;
};

struct endpoints {
    struct endpoint one[ENDPOINTS_MAX];
    size_t count;
    uint32_t timeout_ms;
    struct curl_slist *headers;
    atomic_size_t current;
    pthread_mutex_t lock; /* of the idle lines */
};

static void endpoints_global(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int endpoints_add(struct endpoints *endpoints, const char *url, size_t len,
                         struct aceso_error *error)
{
    struct endpoint *made = &endpoints->one[endpoints->count];
    size_t scheme;

    if (endpoints->count == ENDPOINTS_MAX)
        return error_set(error, ACESO_EUSAGE, NULL, "more than %d URLs of chain nodes",
                         ENDPOINTS_MAX);
    made->url = strndup(url, len);
    if (!made->url)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory");
    endpoints->count++;
    scheme = strncmp(made->url, "http://", 7) == 0    ? 7
             : strncmp(made->url, "https://", 8) == 0 ? 8
             : strncmp(made->url, "ipc:/", 5) == 0    ? 5
                                                      : 0;
    if (scheme == 0 || !made->url[scheme])
        return error_set(error, ACESO_EUSAGE, NULL,
                         "the URL of a chain node begins with http://, https:// or ipc:/");
    if (scheme == 5)
        made->path = made->url + 4;
    if (made->path && strlen(made->path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return error_set(error, ACESO_EUSAGE, NULL, "the path of the chain node's socket is long");
    return ACESO_OK;
}

int endpoints_open(const char *urls, uint32_t timeout_ms, struct endpoints **out,
                   struct aceso_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct endpoints *made = calloc(1, sizeof *made);
    int code = ACESO_OK;

    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory");
    (void)pthread_once(&once, endpoints_global);
    (void)pthread_mutex_init(&made->lock, NULL);
    made->timeout_ms = timeout_ms;
    made->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!made->headers)
        code = error_set(error, ACESO_EMEMORY, NULL, "no memory");
    for (const char *at = urls; !code; at++) {
        size_t len = strcspn(at, ",");

        code = endpoints_add(made, at, len, error);
        at += len;
        if (!*at)
            break;
    }
    if (code)
        endpoints_close(made);
    else
        *out = made;
    return code;
}

static void line_free(struct line *line)
{
    if (line->curl)
        curl_easy_cleanup(line->curl);
    if (line->fd >= 0)
        (void)close(line->fd);
    free(line);
}

void endpoints_close(struct endpoints *endpoints)
{
    if (!endpoints)
        return;
    for (size_t i = 0; i < endpoints->count; i++) {
        while (endpoints->one[i].idle) {
            struct line *line = endpoints->one[i].idle;

            endpoints->one[i].idle = line->next;
            line_free(line);
        }
        free(endpoints->one[i].url);
    }
    (void)pthread_mutex_destroy(&endpoints->lock);
    curl_slist_free_all(endpoints->headers);
    free(endpoints);
}

size_t endpoints_count(const struct endpoints *endpoints)
{
    return endpoints->count;
}

size_t endpoints_current(const struct endpoints *endpoints)
{
    return atomic_load(&endpoints->current);
}

void endpoints_avoid(struct endpoints *endpoints, size_t which)
{
    size_t present = which;

    atomic_store(&endpoints->one[which].checked, false);
    (void)atomic_compare_exchange_strong(&endpoints->current, &present,
                                         (which + 1) % endpoints->count);
}

bool endpoints_checked(const struct endpoints *endpoints, size_t which)
{
    return atomic_load(&endpoints->one[which].checked);
}

void endpoints_check(struct endpoints *endpoints, size_t which)
{
    atomic_store(&endpoints->one[which].checked, true);
}

/* ---- HTTP -------------------------------------------------------------------------------- */

/* libcurl hands over what came; fewer bytes back than given make the transfer fail. */
static size_t http_receive(char *data, size_t size, size_t count, void *context)
{
    return buffer_put(context, data, size * count) ? 0 : size * count;
}

static bool http_set(const struct endpoints *endpoints, const char *url, CURL *curl)
{
    long timeout = (long)endpoints->timeout_ms;

    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ENDPOINT_CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, endpoints->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, http_receive) == CURLE_OK;
}

static int http_post(CURL *curl, struct bytes request, struct buffer *answer,
                     struct aceso_error *error)
{
    long status = 0;
    CURLcode done;

    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request.len);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)request.data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, (void *)answer);
    done = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (done == CURLE_OPERATION_TIMEDOUT)
        return error_set(error, ACESO_ETIMEOUT, NULL, "the chain's node does not answer");
    if (done == CURLE_WRITE_ERROR && answer->failed)
        return error_set(error, answer->failed, NULL, "the chain's node answers too much");
    if (done != CURLE_OK)
        return error_set(error, ACESO_EIO, NULL, "the chain's node is not reachable: %s",
                         curl_easy_strerror(done));
    if (status != 200)
        return error_set(error, ACESO_EIO, NULL, "the chain's node answers with HTTP status %ld",
                         status);
    return ACESO_OK;
}

/* ---- a unix socket: one JSON text after the other ------------------------------------------ */

/* Follows a JSON text from piece to piece, as far as it takes to see where it ends. */
struct text_end {
    unsigned depth;
    bool in_string, escaped;
};

/* Bytes of `piece` up to and with the end of the text; 0: it goes on. */
static size_t text_end_find(struct text_end *end, struct bytes piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        char c = (char)piece.data[i];

        if (end->in_string) {
            end->in_string = end->escaped || c != '"';
            end->escaped = !end->escaped && c == '\\';
        } else if (c == '"') {
            end->in_string = true;
        } else if (c == '{' || c == '[') {
            end->depth++;
        } else if ((c == '}' || c == ']') && end->depth && --end->depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

static int ipc_connect(const char *path, int *fd, struct aceso_error *error)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    memcpy(to.sun_path, path, strlen(path) + 1); /* measured in endpoints_add */
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && connect(*fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return ACESO_OK;
    return error_set(error, ACESO_EIO, NULL, "the chain node's socket is not reachable: %s",
                     strerror(errno));
}

/* Waits until the socket is ready for `events`, at most to the time `until`. */
static int ipc_wait(int fd, short events, int64_t until, struct aceso_error *error)
{
    struct pollfd wait = { .fd = fd, .events = events };

    for (;;) {
        int64_t left = until - time_monotonic_ms();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;

        if (ready > 0)
            return ACESO_OK;
        if (ready == 0)
            return error_set(error, ACESO_ETIMEOUT, NULL, "the chain's node does not answer");
        if (errno != EINTR)
            return error_set(error, ACESO_EIO, NULL, "%s", strerror(errno));
    }
}

static int ipc_send(int fd, struct bytes request, int64_t until, struct aceso_error *error)
{
    while (request.len) {
        int code = ipc_wait(fd, POLLOUT, until, error);
        ssize_t put;

        if (code)
            return code;
        put = send(fd, request.data, request.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno != EINTR && errno != EAGAIN)
            return error_set(error, ACESO_EIO, NULL, "the chain node's socket: %s",
                             strerror(errno));
        request.data += put > 0 ? put : 0;
        request.len -= put > 0 ? (size_t)put : 0;
    }
    return ACESO_OK;
}

static int ipc_receive(int fd, int64_t until, struct buffer *answer, struct aceso_error *error)
{
    uint8_t piece[ENDPOINT_PIECE];
    struct text_end end = { .depth = 0 };

    for (;;) {
        int code = ipc_wait(fd, POLLIN, until, error);
        ssize_t got;
        size_t len;

        if (code)
            return code;
        got = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return error_set(error, ACESO_EIO, NULL, "the chain's node hung up");
        len = text_end_find(&end, bytes_of(piece, (size_t)got));
        if (buffer_put(answer, piece, len ? len : (size_t)got))
            return error_set(error, answer->failed, NULL, "the chain's node answers too much");
        if (len)
            return ACESO_OK;
    }
}

static int ipc_post(const struct endpoints *endpoints, int fd, struct bytes request,
                    struct buffer *answer, struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + endpoints->timeout_ms;
    int code = ipc_send(fd, request, until, error);

    return code ? code : ipc_receive(fd, until, answer, error);
}

/* ---- both ---------------------------------------------------------------------------------- */

static int line_make(const struct endpoints *endpoints, const struct endpoint *endpoint,
                     struct line **out, struct aceso_error *error)
{
    struct line *line = calloc(1, sizeof *line);
    int code = ACESO_OK;

    if (!line)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for a connection");
    line->fd = -1;
    if (endpoint->path)
        code = ipc_connect(endpoint->path, &line->fd, error);
    else if (!(line->curl = curl_easy_init()) || !http_set(endpoints, endpoint->url, line->curl))
        code = error_set(error, ACESO_EMEMORY, NULL, "no memory for a connection");
    if (code)
        line_free(line);
    else
        *out = line;
    return code;
}

static struct line *line_take(struct endpoints *endpoints, struct endpoint *endpoint)
{
    struct line *line;

    (void)pthread_mutex_lock(&endpoints->lock);
    line = endpoint->idle;
    if (line)
        endpoint->idle = line->next;
    (void)pthread_mutex_unlock(&endpoints->lock);
    return line;
}

static void line_give(struct endpoints *endpoints, struct endpoint *endpoint, struct line *line)
{
    (void)pthread_mutex_lock(&endpoints->lock);
    line->next = endpoint->idle;
    endpoint->idle = line;
    (void)pthread_mutex_unlock(&endpoints->lock);
}

static int line_post(const struct endpoints *endpoints, const struct line *line,
                     struct bytes request, struct buffer *answer, struct aceso_error *error)
{
    return line->curl ? http_post(line->curl, request, answer, error)
                      : ipc_post(endpoints, line->fd, request, answer, error);
}

int endpoints_post(struct endpoints *endpoints, size_t which, struct bytes request,
                   struct buffer *answer, struct aceso_error *error)
{
    struct endpoint *endpoint = &endpoints->one[which];
    struct line *line = line_take(endpoints, endpoint);
    bool kept = line != NULL;
    int code;

    for (;;) {
        code = line ? ACESO_OK : line_make(endpoints, endpoint, &line, error);
        if (code)
            return code;
        code = line_post(endpoints, line, request, answer, error);
        if (!code || line->curl) { /* libcurl connects again by itself */
            line_give(endpoints, endpoint, line);
            return code;
        }
        line_free(line);
        line = NULL;
        /* A socket that was kept may have lost its other end meanwhile. */
        if (code != ACESO_EIO || answer->len || !kept)
            return code;
        kept = false;
    }
}
