/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client: synchronous calls to another node over TLS 1.3 with both sides authenticated,
 * or to the node's own unix socket. Uses base, crypto (x509) and libcurl with OpenSSL.
 *
 * For worker threads and the command line. A client keeps connections open for later calls and
 * belongs to one thread at a time. No redirects, no proxy (nor one from the environment), no other
 * protocol, no cookies, no session resumption.
 *
 * Whom it talks to: the server's chain must end in the client's root, its certificate must name the
 * host of the URL, and where the call names a peer its certificate must carry that role and
 * address. All three are checked inside the handshake, before the client has shown its own
 * certificate or sent a byte of the request; a kept connection is used again only for the same
 * host, port and expected peer. */
#ifndef ACESO_NET_HTTP_CLIENT_H
#define ACESO_NET_HTTP_CLIENT_H

#include "base/buffer.h"

struct http_client;

/* PEM texts; read in http_client_create, not kept. */
struct http_client_options {
    struct bytes roots_pem; /* needed */
    struct bytes chain_pem; /* the client's certificate and those below the root; or empty */
    struct bytes key_pem;   /* its key; empty where chain_pem is */
};

/* Whom the caller means to reach. */
struct http_peer {
    const char *role;    /* "hospital"; NULL: any */
    uint8_t address[20]; /* Ethereum address in the certificate */
};

/* Takes what has come of the body of a 2xx answer; a failure ends the call with that code. */
typedef int http_receive_fn(void *data, struct bytes bytes, struct aceso_error *error);

/* Zero in a limit means its default. */
struct http_call {
    const char *method;
    const char *url;               /* "https://host:port/path?query"; for a unix socket "/path" */
    const char *content_type;      /* NULL: application/json */
    struct bytes body;             /* empty: none is sent (but for POST and PUT an empty one) */
    const struct http_peer *peer;  /* NULL: anyone whom the root vouches for */
    size_t body_max;               /* bytes of the answer; 16 MiB; not for `receive` */
    unsigned connect_ms;           /* 10,000: until the handshake is done */
    unsigned total_ms;             /* 60,000: for the whole call */
    unsigned stall_ms;             /* 0: no limit; else less than 1 byte/s for so long ends it */
    http_receive_fn *receive;      /* NULL: the body is collected into the answer */
    void *receive_data;
};

struct http_answer {
    unsigned status;        /* 200 to 299 */
    char content_type[128]; /* "" where none or longer */
    struct buffer body;
};

#define HTTP_ANSWER_INIT { .status = 0, .content_type = "", .body = BUFFER_INIT(0) }
void http_answer_free(struct http_answer *answer); /* accepts a zeroed one */

/* ACESO_EFORMAT (PEM), ACESO_EVERIFY (key and certificate do not belong together). */
ACESO_NODISCARD int http_client_create(const struct http_client_options *options,
                                       struct http_client **client, struct aceso_error *error);
void http_client_destroy(struct http_client *client); /* accepts NULL */

/* Makes the call. ACESO_OK only with a 2xx status and the whole body; `*answer` (may be NULL)
 * is replaced then, else untouched. An answer with another status becomes the error that its body
 * tells (http_problem.h). Where a kept connection turns out to be closed before a byte of the
 * answer came, the call is sent once more on a new one: what must not happen twice carries a key
 * of its own. ACESO_EVERIFY: not the expected server. ACESO_EIO: no connection, or it
 * ended before the body did. ACESO_ETIMEOUT, ACESO_ELIMIT (body_max). */
ACESO_NODISCARD int http_call(struct http_client *client, const struct http_call *call,
                              struct http_answer *answer, struct aceso_error *error);

/* The same over the unix socket at `socket_path`; call->peer must be NULL: the file's mode says who
 * may listen and connect there. Thread-safe. */
ACESO_NODISCARD int http_call_unix(const char *socket_path, const struct http_call *call,
                                   struct http_answer *answer, struct aceso_error *error);

#endif
