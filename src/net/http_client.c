/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include "base/text.h"
#include "crypto/x509.h"
#include "net/http_problem.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define HTTP_SLOTS 8 /* servers whose connections are kept */
#define HTTP_URL_MAX 8192
#define HTTP_BODY_DEFAULT ((size_t)16 << 20)
#define HTTP_CONNECT_MS 10000
#define HTTP_TOTAL_MS 60000
#define HTTP_CONNECTION_SECONDS 300L

struct http_client;

/* The connections to one server that was checked against one expectation. */
struct http_slot {
    struct http_client *client;
    CURL *curl;
    uint64_t used;
    char host[X509_HOST_SIZE];
    char origin[X509_HOST_SIZE + 16]; /* host:port */
    bool has_peer;
    char role[X509_ROLE_SIZE];
    uint8_t address[20];
    int refused; /* why the last handshake was refused by us */
    struct aceso_error refusal;
};

struct http_client {
    struct buffer roots_pem;
    X509_STORE *roots;
    X509 *leaf; /* NULL: no certificate of our own */
    STACK_OF(X509) *chain;
    EVP_PKEY *key;
    uint64_t clock;
    struct http_slot slots[HTTP_SLOTS];
};

/* One call in the hands of libcurl. */
struct http_transfer {
    CURL *curl;
    const struct http_call *call;
    struct buffer body;
    bool framed; /* the answer says how long it is */
    bool checked;
    unsigned status;
    int code;
    struct aceso_error error;
};

/* ---- The client's own keys and roots ---- */

static pthread_once_t http_client_once = PTHREAD_ONCE_INIT;
static bool http_client_usable;

static void http_client_prepare(void)
{
    const curl_version_info_data *version;

    /* A server that goes away while OpenSSL writes must not end the process. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return;
    version = curl_version_info(CURLVERSION_NOW);
    http_client_usable = version->ssl_version && strncmp(version->ssl_version, "OpenSSL", 7) == 0;
}

static int http_client_ready(struct aceso_error *error)
{
    (void)pthread_once(&http_client_once, http_client_prepare);
    if (!http_client_usable)
        return error_set(error, ACESO_EINTERNAL, NULL, "libcurl with OpenSSL is needed");
    return ACESO_OK;
}

static int http_pem_error(struct aceso_error *error, const char *place)
{
    ERR_clear_error();
    return error_set(error, ACESO_EFORMAT, place, "not the PEM that is wanted here");
}

/* Never asks the terminal for the password of an encrypted key. */
static int http_no_password(char *out, int size, int writing, void *data)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

static BIO *http_pem_bio(struct bytes pem)
{
    return pem.len && pem.len <= X509_PEM_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
}

static int http_client_read_roots(struct http_client *client, struct bytes pem,
                                  struct aceso_error *error)
{
    BIO *bio = http_pem_bio(pem);
    X509 *root;
    int count = 0, code = ACESO_OK;

    client->roots = X509_STORE_new();
    if (!bio || !client->roots) {
        BIO_free(bio);
        return http_pem_error(error, "roots");
    }
    while ((root = PEM_read_bio_X509(bio, NULL, http_no_password, NULL)) != NULL) {
        if (!X509_STORE_add_cert(client->roots, root))
            code = http_pem_error(error, "roots");
        X509_free(root);
        count++;
    }
    ERR_clear_error(); /* that of the end of the text */
    BIO_free(bio);
    return count ? code : http_pem_error(error, "roots");
}

static int http_client_read_chain(struct http_client *client, struct bytes pem,
                                  struct aceso_error *error)
{
    BIO *bio = http_pem_bio(pem);
    X509 *next;

    client->chain = sk_X509_new_null();
    client->leaf = bio ? PEM_read_bio_X509(bio, NULL, http_no_password, NULL) : NULL;
    if (!client->leaf || !client->chain) {
        BIO_free(bio);
        return http_pem_error(error, "certificate");
    }
    while ((next = PEM_read_bio_X509(bio, NULL, http_no_password, NULL)) != NULL) {
        if (!sk_X509_push(client->chain, next)) {
            X509_free(next);
            BIO_free(bio);
            return error_set(error, ACESO_EMEMORY, "certificate", "no memory for the chain");
        }
    }
    ERR_clear_error();
    BIO_free(bio);
    return ACESO_OK;
}

static int http_client_read_key(struct http_client *client, struct bytes pem,
                                struct aceso_error *error)
{
    BIO *bio = http_pem_bio(pem);

    client->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, http_no_password, NULL) : NULL;
    BIO_free(bio);
    if (!client->key)
        return http_pem_error(error, "key");
    if (X509_check_private_key(client->leaf, client->key) != 1) {
        ERR_clear_error();
        return error_set(error, ACESO_EVERIFY, "key", "is not that of the certificate");
    }
    return ACESO_OK;
}

int http_client_create(const struct http_client_options *options, struct http_client **client,
                       struct aceso_error *error)
{
    struct http_client *made;
    int code = http_client_ready(error);

    if (code)
        return code;
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for the client");
    made->roots_pem = (struct buffer)BUFFER_INIT(X509_PEM_MAX);
    code = http_client_read_roots(made, options->roots_pem, error);
    if (!code && buffer_put_bytes(&made->roots_pem, options->roots_pem))
        code = error_set(error, made->roots_pem.failed, "roots", "too long");
    if (!code && options->chain_pem.len)
        code = http_client_read_chain(made, options->chain_pem, error);
    if (!code && options->chain_pem.len)
        code = http_client_read_key(made, options->key_pem, error);
    if (code) {
        http_client_destroy(made);
        return code;
    }
    *client = made;
    return ACESO_OK;
}

void http_client_destroy(struct http_client *client)
{
    if (!client)
        return;
    for (size_t i = 0; i < HTTP_SLOTS; i++)
        curl_easy_cleanup(client->slots[i].curl);
    buffer_free(&client->roots_pem);
    X509_STORE_free(client->roots);
    X509_free(client->leaf);
    sk_X509_pop_free(client->chain, X509_free);
    EVP_PKEY_free(client->key);
    free(client);
}

void http_answer_free(struct http_answer *answer)
{
    buffer_free(&answer->body);
}

/* ---- Whom we talk to: inside the handshake ---- */

static int http_slot_refuse(struct http_slot *slot, const char *text)
{
    slot->refused = error_set(&slot->refusal, ACESO_EVERIFY, "peer", "%s", text);
    return 0;
}

/* Reads who the server is from the chain it showed and compares with whom the caller wants. */
static int http_slot_check_peer(struct http_slot *slot, X509_STORE_CTX *context)
{
    STACK_OF(X509) *shown = X509_STORE_CTX_get0_untrusted(context);
    struct bytes chain[X509_CHAIN_MAX];
    struct x509_identity who;
    int n = 0, result = 0;

    if (sk_X509_num(shown) > X509_CHAIN_MAX)
        return http_slot_refuse(slot, "the server shows too long a chain");
    for (; n < sk_X509_num(shown); n++) {
        unsigned char *der = NULL;
        int len = i2d_X509(sk_X509_value(shown, n), &der);

        if (len < 0) {
            http_slot_refuse(slot, "the server's certificate cannot be read");
            goto out;
        }
        chain[n] = bytes_of(der, (size_t)len);
    }
    slot->refused = x509_identity(chain, (size_t)n, buffer_bytes(&slot->client->roots_pem),
                                  time_now(), &who, &slot->refusal);
    if (slot->refused)
        goto out;
    if ((slot->role[0] && strcmp(slot->role, who.role) != 0) ||
        memcmp(slot->address, who.address, sizeof who.address) != 0) {
        http_slot_refuse(slot, "the server is another party than the one that was meant");
        goto out;
    }
    result = 1;
out:
    while (n > 0)
        OPENSSL_free((void *)(uintptr_t)chain[--n].data);
    return result;
}

/* Replaces OpenSSL's own verification of the server's chain. It runs when the server's certificate
 * has come, before ours is shown; after the handshake would be too late for that. */
static int http_on_verify(X509_STORE_CTX *context, void *data)
{
    struct http_slot *slot = data;

    slot->refused = ACESO_OK;
    if (X509_verify_cert(context) != 1) {
        int why = X509_STORE_CTX_get_error(context);

        return http_slot_refuse(slot, X509_verify_cert_error_string(why));
    }
    if (!slot->has_peer || http_slot_check_peer(slot, context))
        return 1;
    X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static bool http_is_ip(const char *host)
{
    return strchr(host, ':') || strspn(host, "0123456789.") == strlen(host);
}

/* Sets up the TLS context that libcurl has just made. */
static CURLcode http_on_context(CURL *curl, void *context, void *data)
{
    struct http_slot *slot = data;
    struct http_client *client = slot->client;
    SSL_CTX *ssl = context;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);
    int named;

    (void)curl;
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    named = http_is_ip(slot->host) ? X509_VERIFY_PARAM_set1_ip_asc(param, slot->host)
                                   : X509_VERIFY_PARAM_set1_host(param, slot->host, 0);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_WILDCARDS);
    if (named != 1 || SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_verify_cert_store(ssl, client->roots) != 1)
        return CURLE_SSL_CERTPROBLEM;
    if (client->leaf &&
        SSL_CTX_use_cert_and_key(ssl, client->leaf, client->key, client->chain, 1) != 1)
        return CURLE_SSL_CERTPROBLEM;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, http_on_verify, slot);
    return CURLE_OK;
}

/* ---- The transfer ---- */

static size_t http_on_header(char *text, size_t size, size_t count, void *data)
{
    struct http_transfer *transfer = data;
    size_t len = size * count;

    if (len >= 5 && strncasecmp(text, "HTTP/", 5) == 0)
        transfer->framed = false; /* of an earlier answer, as 100 Continue */
    if (len > 15 && strncasecmp(text, "Content-Length:", 15) == 0)
        transfer->framed = true;
    if (len > 18 && strncasecmp(text, "Transfer-Encoding:", 18) == 0)
        transfer->framed = memmem(text, len, "chunked", 7) != NULL;
    return len;
}

static size_t http_fail(struct http_transfer *transfer, int code, const char *text)
{
    transfer->code = error_set(&transfer->error, code, "answer", "%s", text);
    return 0;
}

static size_t http_on_body(char *text, size_t size, size_t count, void *data)
{
    struct http_transfer *transfer = data;
    size_t len = size * count;
    long status = 0;
    int code;

    if (!transfer->checked) {
        transfer->checked = true;
        (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
        transfer->status = (unsigned)status;
        /* Such a body ends with the connection: a cut one could not be told from a whole one. */
        if (!transfer->framed)
            return http_fail(transfer, ACESO_EIO, "the answer does not say how long it is");
        if (status < 200 || status > 299)
            transfer->body.max = HTTP_PROBLEM_MAX;
    }
    if (transfer->call->receive && transfer->status >= 200 && transfer->status <= 299) {
        code = transfer->call->receive(transfer->call->receive_data, bytes_of(text, len),
                                       &transfer->error);
        if (!code)
            return len;
        if (transfer->error.code != code)
            (void)error_set(&transfer->error, code, NULL, "%s", error_name(code));
        transfer->code = code;
        return 0;
    }
    code = buffer_put(&transfer->body, text, len);
    return code ? http_fail(transfer, code, "the answer is too long") : len;
}

static int http_curl_error(const struct http_transfer *transfer, const struct http_slot *slot,
                           CURLcode result, const char *text, struct aceso_error *error)
{
    const char *words = text[0] ? text : curl_easy_strerror(result);

    if (transfer->code) {
        if (error)
            *error = transfer->error;
        return transfer->code;
    }
    if (slot && slot->refused) {
        if (error)
            *error = slot->refusal;
        return slot->refused;
    }
    switch (result) {
    case CURLE_OUT_OF_MEMORY:
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for the call");
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(error, ACESO_ETIMEOUT, NULL, "the other side took too long");
    case CURLE_URL_MALFORMAT:
        return error_set(error, ACESO_EUSAGE, "url", "%s", curl_easy_strerror(result));
    case CURLE_UNSUPPORTED_PROTOCOL:
        return error_set(error, ACESO_EIO, "answer", "the other side does not speak HTTP/1.1");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return error_set(error, ACESO_EVERIFY, "peer", "%s", words);
    case CURLE_FILESIZE_EXCEEDED:
        return error_set(error, ACESO_ELIMIT, "answer", "the answer is too long");
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
        return error_set(error, ACESO_EIO, "answer", "the answer was cut off");
    default:
        return error_set(error, ACESO_EIO, NULL, "%s", words);
    }
}

static long http_or_default(unsigned value, long otherwise)
{
    return value ? (long)value : otherwise;
}

/* Everything of a call that is the same for both kinds of connection. */
static bool http_transfer_options(struct http_transfer *transfer, struct curl_slist *headers)
{
    const struct http_call *call = transfer->call;
    CURL *curl = transfer->curl;
    bool body = call->body.len || !strcmp(call->method, "POST") || !strcmp(call->method, "PUT");
    CURLcode bad = CURLE_OK;

    bad |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(curl, CURLOPT_PROXY, "");
    bad |= curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    bad |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    bad |= curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, http_on_header);
    bad |= curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    bad |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, http_on_body);
    bad |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    bad |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                            http_or_default(call->connect_ms, HTTP_CONNECT_MS));
    bad |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                            http_or_default(call->total_ms, HTTP_TOTAL_MS));
    bad |= curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, call->stall_ms ? 1L : 0L);
    bad |= curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)((call->stall_ms + 999) / 1000));
    if (body) {
        bad |= curl_easy_setopt(curl, CURLOPT_POST, 1L);
        bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                                call->body.len ? (const char *)call->body.data : "");
        bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    } else {
        bad |= curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    bad |= curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    return bad == CURLE_OK;
}

static struct curl_slist *http_headers(const struct http_call *call, struct buffer *text)
{
    struct curl_slist *first, *second;

    if (buffer_printf(text, "Content-Type: %s",
                      call->content_type ? call->content_type : "application/json"))
        return NULL;
    first = curl_slist_append(NULL, buffer_text(text));
    second = first ? curl_slist_append(first, "Accept: application/json, application/*") : NULL;
    if (!second)
        curl_slist_free_all(first);
    return second;
}

static int http_transfer_finish(struct http_transfer *transfer, struct http_answer *answer,
                                struct aceso_error *error)
{
    const char *type = NULL;
    long status = 0;

    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        return http_problem_read((unsigned)status, buffer_bytes(&transfer->body), error);
    if (!transfer->framed && status != 204)
        return error_set(error, ACESO_EIO, "answer", "the answer does not say how long it is");
    if (!answer)
        return ACESO_OK;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_TYPE, &type);
    buffer_free(&answer->body);
    answer->status = (unsigned)status;
    answer->content_type[0] = '\0';
    if (type && strlen(type) < sizeof answer->content_type)
        memcpy(answer->content_type, type, strlen(type) + 1);
    answer->body = transfer->body;
    transfer->body = (struct buffer)BUFFER_INIT(0);
    return ACESO_OK;
}

/* Makes the call on `curl`, which has its URL and its way to the server already. */
static int http_transfer_run(CURL *curl, const struct http_slot *slot, const struct http_call *call,
                             struct http_answer *answer, struct aceso_error *error)
{
    struct http_transfer transfer = { .curl = curl, .call = call };
    struct buffer type = BUFFER_INIT(256);
    struct curl_slist *headers;
    char text[CURL_ERROR_SIZE] = "";
    CURLcode result;
    int code;

    transfer.body = (struct buffer)BUFFER_INIT(call->body_max ? call->body_max
                                                              : HTTP_BODY_DEFAULT);
    headers = http_headers(call, &type);
    if (!headers || !http_transfer_options(&transfer, headers) ||
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text)) {
        code = error_set(error, ACESO_EINTERNAL, NULL, "the call could not be set up");
        goto out;
    }
    result = curl_easy_perform(curl);
    code = result == CURLE_OK ? http_transfer_finish(&transfer, answer, error)
                              : http_curl_error(&transfer, slot, result, text, error);
out:
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(headers);
    buffer_free(&type);
    buffer_free(&transfer.body);
    return code;
}

/* ---- Slots ---- */

/* Reads host and port out of an https URL, strictly: no user, no fragment. */
static int http_url_read(const char *url, char *host, char *origin, struct aceso_error *error)
{
    CURLU *parts = curl_url();
    char *name = NULL, *port = NULL, *scheme = NULL;
    size_t len;
    int code = ACESO_EUSAGE;

    if (!parts || strnlen(url, HTTP_URL_MAX) == HTTP_URL_MAX ||
        curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) || strcmp(scheme, "https") != 0 ||
        curl_url_get(parts, CURLUPART_HOST, &name, 0) ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
        goto out;
    len = strlen(name);
    if (len > 2 && name[0] == '[' && name[len - 1] == ']') {
        memmove(name, name + 1, len - 2);
        name[len - 2] = '\0';
    }
    if (snprintf(host, X509_HOST_SIZE, "%s", name) >= X509_HOST_SIZE ||
        snprintf(origin, X509_HOST_SIZE + 16, "%s:%s", name, port) >= X509_HOST_SIZE + 16)
        goto out;
    code = ACESO_OK;
out:
    curl_free(name);
    curl_free(port);
    curl_free(scheme);
    curl_url_cleanup(parts);
    return code ? error_set(error, code, "url", "not an https address") : ACESO_OK;
}

static bool http_slot_open(struct http_slot *slot)
{
    CURLcode bad = CURLE_OK;

    slot->curl = curl_easy_init();
    if (!slot->curl)
        return false;
    bad |= curl_easy_setopt(slot->curl, CURLOPT_PROTOCOLS_STR, "https");
    bad |= curl_easy_setopt(slot->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_SSL_VERIFYHOST, 2L);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_CAINFO, NULL);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_CAPATH, NULL);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_SSL_CTX_FUNCTION, http_on_context);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_SSL_CTX_DATA, slot);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_MAXCONNECTS, 1L);
    bad |= curl_easy_setopt(slot->curl, CURLOPT_MAXLIFETIME_CONN, HTTP_CONNECTION_SECONDS);
    return bad == CURLE_OK;
}

static bool http_slot_is(const struct http_slot *slot, const char *origin,
                         const struct http_peer *peer)
{
    if (!slot->curl || strcmp(slot->origin, origin) != 0 || slot->has_peer != (peer != NULL))
        return false;
    return !peer || (memcmp(slot->address, peer->address, sizeof slot->address) == 0 &&
                     strcmp(slot->role, peer->role ? peer->role : "") == 0);
}

/* The slot for this server and expectation, a new one in place of the one unused for longest. */
static struct http_slot *http_slot_find(struct http_client *client, const char *host,
                                        const char *origin, const struct http_peer *peer)
{
    struct http_slot *slot = &client->slots[0];

    for (size_t i = 0; i < HTTP_SLOTS; i++) {
        if (http_slot_is(&client->slots[i], origin, peer)) {
            client->slots[i].used = ++client->clock;
            return &client->slots[i];
        }
        if (client->slots[i].used < slot->used)
            slot = &client->slots[i];
    }
    curl_easy_cleanup(slot->curl);
    *slot = (struct http_slot){ .client = client, .used = ++client->clock,
                                .has_peer = peer != NULL };
    (void)snprintf(slot->host, sizeof slot->host, "%s", host);
    (void)snprintf(slot->origin, sizeof slot->origin, "%s", origin);
    if (peer) {
        (void)snprintf(slot->role, sizeof slot->role, "%s", peer->role ? peer->role : "");
        memcpy(slot->address, peer->address, sizeof slot->address);
    }
    if (http_slot_open(slot))
        return slot;
    curl_easy_cleanup(slot->curl);
    *slot = (struct http_slot){ .client = client };
    return NULL;
}

int http_call(struct http_client *client, const struct http_call *call, struct http_answer *answer,
              struct aceso_error *error)
{
    char host[X509_HOST_SIZE], origin[X509_HOST_SIZE + 16];
    struct http_slot *slot;
    int code = http_url_read(call->url, host, origin, error);

    if (code)
        return code;
    if (call->peer && call->peer->role && strlen(call->peer->role) >= X509_ROLE_SIZE)
        return error_set(error, ACESO_EUSAGE, "peer", "no such role");
    slot = http_slot_find(client, host, origin, call->peer);
    if (!slot)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for a connection");
    slot->refused = ACESO_OK;
    if (curl_easy_setopt(slot->curl, CURLOPT_URL, call->url))
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for the address");
    return http_transfer_run(slot->curl, slot, call, answer, error);
}

int http_call_unix(const char *socket_path, const struct http_call *call,
                   struct http_answer *answer, struct aceso_error *error)
{
    struct buffer url = BUFFER_INIT(HTTP_URL_MAX);
    CURL *curl = NULL;
    int code = http_client_ready(error);

    if (code)
        return code;
    if (call->url[0] != '/' || call->peer)
        return error_set(error, ACESO_EUSAGE, "url", "a path is wanted on a unix socket");
    if (strlen(socket_path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return error_set(error, ACESO_ELIMIT, "socket", "the path is too long");
    curl = curl_easy_init();
    if (!curl || buffer_printf(&url, "http://localhost%s", call->url) ||
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") ||
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path) ||
        curl_easy_setopt(curl, CURLOPT_URL, buffer_text(&url)))
        code = error_set(error, ACESO_EMEMORY, NULL, "no memory for the call");
    else
        code = http_transfer_run(curl, NULL, call, answer, error);
    curl_easy_cleanup(curl);
    buffer_free(&url);
    return code;
}
