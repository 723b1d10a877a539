/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads under a header's key, in chunks. Shell: uses the public functions, core's hash, the heap
 * and libsodium's ChaCha20-Poly1305. No I/O but the caller's `write` and the clock.
 */
#include "../core/kem.h"

#include "../core/octets.h"
#include "many.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
    CHUNK = 65536,
    TAG = crypto_aead_chacha20poly1305_ietf_ABYTES,
    NONCE = crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
    PREAMBLE = ABE_PREFIX_SIZE + 4 /* and the header's length */
};

static const char context_tag[] = "ACESO-LW11-V01-PAYLOAD";
static const char seed_tag[] = "ACESO-LW11-V01-PAYLOAD-SEED";

_Static_assert(sizeof(context_tag) - 1 + ABE_HASH_SIZE <= 64, "room for the context");

/* ---- what both directions have in common ----------------------------------------------- */

/* The KEM's context: the tag and the digest of the associated data. */
struct context {
    uint8_t bytes[sizeof(context_tag) - 1 + ABE_HASH_SIZE];
};

static void context_make(const uint8_t *associated, size_t length, struct context *context)
{
    memcpy(context->bytes, context_tag, sizeof(context_tag) - 1);
    abe_sha256(associated, length, context->bytes + sizeof(context_tag) - 1);
}

/* The position in the payload: which chunk, and whether it is the last. */
static void nonce_make(uint64_t chunk, bool last, uint8_t nonce[NONCE])
{
    memset(nonce, 0, NONCE);
    for (size_t i = 0; i < sizeof(chunk); i++)
        nonce[NONCE - 2 - i] = (uint8_t)(chunk >> 8 * i);
    nonce[NONCE - 1] = last ? 1 : 0;
}

static void payload_key(const uint8_t kem_key[ACESO_ABE_KEY_SIZE],
                        uint8_t key[crypto_aead_chacha20poly1305_ietf_KEYBYTES])
{
    struct abe_span info = { "payload", 7 };

    abe_hkdf_expand(kem_key, &info, 1, key, crypto_aead_chacha20poly1305_ietf_KEYBYTES);
}

/* Output into memory that grows. */
struct memory {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
};

static int memory_write(void *to, const uint8_t *bytes, size_t length)
{
    struct memory *memory = to;

    if (length > memory->capacity - memory->length)
        return -1;
    if (length > 0)
        memcpy(memory->bytes + memory->length, bytes, length);
    memory->length += length;
    return 0;
}

/* ---- encryption ------------------------------------------------------------------------ */

struct aceso_abe_encryption {
    enum aceso_abe_form form;
    const struct aceso_abe_policy *policy;
    const struct aceso_abe_public_key *const *keys;
    size_t key_count;
    struct context context;
    aceso_abe_write write;
    void *to;
    int code;
    bool started; /* the header is written */
    bool ended;
    uint64_t chunk;
    size_t filled;
    size_t most; /* bytes of `plain` that were ever used */
    uint8_t key[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
    uint8_t plain[CHUNK];
    uint8_t sealed[CHUNK + TAG];
};

/*
 * The seed or sigma of a header. Should the system's random bytes repeat, the clock, a counter and
 * the payload's beginning keep two messages from meeting the same key.
 */
static int fresh_secret(const uint8_t *plain, size_t length, uint8_t secret[ACESO_ABE_SIGMA_SIZE])
{
    static atomic_uint_least64_t counter;
    uint8_t random[ACESO_ABE_SIGMA_SIZE];
    uint8_t digest[ABE_HASH_SIZE];
    struct timespec times[2] = { { 0 } };
    uint64_t count = atomic_fetch_add(&counter, 1);
    struct abe_span parts[4] = { { random, sizeof(random) },
                                 { digest, sizeof(digest) },
                                 { times, sizeof(times) },
                                 { &count, sizeof(count) } };
    int code = aceso_abe_random(random, sizeof(random));

    if (code != ACESO_ABE_OK)
        return code;
    (void)clock_gettime(CLOCK_REALTIME, &times[0]);
    (void)clock_gettime(CLOCK_MONOTONIC, &times[1]);
    abe_sha256(plain, length, digest);
    abe_hkdf_extract(seed_tag, parts, 4, secret);
    abe_wipe(random, sizeof(random));
    abe_wipe(digest, sizeof(digest));
    return ACESO_ABE_OK;
}

static int write_out(struct aceso_abe_encryption *stream, const uint8_t *bytes, size_t length)
{
    return stream->write(stream->to, bytes, length) == 0 ? ACESO_ABE_OK : ACESO_ABE_WRITE;
}

/* Makes and writes the header, when the first chunk is there. */
static int start(struct aceso_abe_encryption *stream)
{
    uint8_t preamble[PREAMBLE];
    uint8_t secret[ACESO_ABE_SIGMA_SIZE];
    uint8_t kem_key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0;
    int code = fresh_secret(stream->plain, stream->filled, secret);

    if (code == ACESO_ABE_OK)
        code = (stream->form == ACESO_ABE_CCA ? aceso_abe_encapsulate : aceso_abe_encapsulate_cpa)(
            stream->policy, stream->keys, stream->key_count, stream->context.bytes,
            sizeof(stream->context.bytes), secret, &header, &length, kem_key);
    if (code == ACESO_ABE_OK) {
        abe_put_prefix(preamble, ABE_TYPE_CIPHERTEXT);
        abe_put32(preamble + ABE_PREFIX_SIZE, length);
        payload_key(kem_key, stream->key);
        code = write_out(stream, preamble, sizeof(preamble));
    }
    if (code == ACESO_ABE_OK)
        code = write_out(stream, header, length);
    stream->started = true;
    abe_wipe(secret, sizeof(secret));
    abe_wipe(kem_key, sizeof(kem_key));
    free(header);
    return code;
}

static int seal_chunk(struct aceso_abe_encryption *stream, bool last)
{
    uint8_t nonce[NONCE];
    int code = stream->started ? ACESO_ABE_OK : start(stream);

    if (code != ACESO_ABE_OK)
        return code;
    nonce_make(stream->chunk++, last, nonce);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(
        stream->sealed, NULL, stream->plain, stream->filled, NULL, 0, NULL, nonce, stream->key);
    code = write_out(stream, stream->sealed, stream->filled + TAG);
    stream->filled = 0;
    return code;
}

int aceso_abe_encrypt_begin(enum aceso_abe_form form, const struct aceso_abe_policy *policy,
                            const struct aceso_abe_public_key *const *keys, size_t key_count,
                            const uint8_t *associated, size_t associated_length,
                            aceso_abe_write write, void *to, struct aceso_abe_encryption **stream)
{
    struct aceso_abe_encryption *made;

    if (form != ACESO_ABE_CPA && form != ACESO_ABE_CCA)
        return ACESO_ABE_ARGUMENT;
    if (sodium_init() < 0)
        return ACESO_ABE_RANDOM;
    made = malloc(sizeof(*made));
    if (made == NULL)
        return ACESO_ABE_NO_MEMORY;
    made->form = form;
    made->policy = policy;
    made->keys = keys;
    made->key_count = key_count;
    made->write = write;
    made->to = to;
    made->code = ACESO_ABE_OK;
    made->started = made->ended = false;
    made->chunk = 0;
    made->filled = 0;
    made->most = 0;
    context_make(associated, associated_length, &made->context);
    *stream = made;
    return ACESO_ABE_OK;
}

int aceso_abe_encrypt_update(struct aceso_abe_encryption *stream, const uint8_t *bytes,
                             size_t length)
{
    if (stream->code == ACESO_ABE_OK && stream->ended)
        stream->code = ACESO_ABE_ARGUMENT;
    while (length > 0 && stream->code == ACESO_ABE_OK) {
        size_t take = CHUNK - stream->filled;

        if (take == 0) { /* full, and not the last, for there is more */
            stream->code = seal_chunk(stream, false);
            continue;
        }
        if (take > length)
            take = length;
        memcpy(stream->plain + stream->filled, bytes, take);
        stream->filled += take;
        if (stream->filled > stream->most)
            stream->most = stream->filled;
        bytes += take;
        length -= take;
    }
    return stream->code;
}

int aceso_abe_encrypt_end(struct aceso_abe_encryption *stream)
{
    if (stream->code == ACESO_ABE_OK && stream->ended)
        stream->code = ACESO_ABE_ARGUMENT;
    if (stream->code == ACESO_ABE_OK)
        stream->code = seal_chunk(stream, true);
    stream->ended = true;
    return stream->code;
}

void aceso_abe_encryption_free(struct aceso_abe_encryption *stream)
{
    if (stream == NULL)
        return;
    abe_wipe(stream->key, sizeof(stream->key));
    abe_wipe(stream->plain, stream->most);
    free(stream);
}

int aceso_abe_encrypt(enum aceso_abe_form form, const struct aceso_abe_policy *policy,
                      const struct aceso_abe_public_key *const *keys, size_t key_count,
                      const uint8_t *associated, size_t associated_length, const uint8_t *payload,
                      size_t length, uint8_t **ciphertext, size_t *ciphertext_length)
{
    size_t overhead = PREAMBLE + ABE_HEADER_HEAD_SIZE + strlen(aceso_abe_policy_text(policy)) +
                      aceso_abe_policy_rows(policy) * ABE_ROW_SIZE + 64 +
                      (length / CHUNK + 1) * TAG;
    struct aceso_abe_encryption *stream = NULL;
    struct memory memory = { .capacity = overhead + length };
    int code;

    if (length > SIZE_MAX - overhead)
        return ACESO_ABE_LIMIT;
    memory.bytes = malloc(memory.capacity);
    if (memory.bytes == NULL)
        return ACESO_ABE_NO_MEMORY;
    code = aceso_abe_encrypt_begin(form, policy, keys, key_count, associated, associated_length,
                                   memory_write, &memory, &stream);
    if (code == ACESO_ABE_OK)
        code = aceso_abe_encrypt_update(stream, payload, length);
    if (code == ACESO_ABE_OK)
        code = aceso_abe_encrypt_end(stream);
    if (code == ACESO_ABE_OK) {
        *ciphertext = memory.bytes;
        *ciphertext_length = memory.length;
    } else {
        free(memory.bytes);
    }
    aceso_abe_encryption_free(stream);
    return code;
}

/* ---- decryption ------------------------------------------------------------------------ */

struct aceso_abe_decryption_stream {
    const struct aceso_abe_user_key *const *user_keys;
    size_t user_key_count;
    const struct aceso_abe_public_key *const *public_keys;
    size_t public_key_count;
    struct context context;
    aceso_abe_write write;
    void *to;
    int code;
    bool ended;
    uint8_t *header; /* NULL before its length is known, and when it is opened */
    size_t header_length;
    bool opened;
    uint64_t chunk;
    size_t filled; /* of the preamble, the header or the chunk, one after the other */
    size_t most;   /* bytes of `plain` that were ever used */
    uint8_t key[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
    uint8_t plain[CHUNK];
    uint8_t sealed[CHUNK + TAG];
};

/* The length of the header that follows; 0 when this is no ciphertext. */
static size_t read_preamble(const uint8_t preamble[PREAMBLE])
{
    size_t length = abe_get32(preamble + ABE_PREFIX_SIZE);

    if (!abe_has_prefix(preamble, PREAMBLE, ABE_TYPE_CIPHERTEXT) || length > ABE_HEADER_MAX)
        return 0;
    return length;
}

static int open_header(struct aceso_abe_decryption_stream *stream)
{
    struct aceso_abe_decapsulation job = { .header = stream->header,
                                           .header_length = stream->header_length,
                                           .context = stream->context.bytes,
                                           .context_length = sizeof(stream->context.bytes) };

    (void)aceso_abe_decapsulate_many(&job, 1, stream->user_keys, stream->user_key_count,
                                     stream->public_keys, stream->public_key_count, 1);
    if (job.code == ACESO_ABE_OK)
        payload_key(job.key, stream->key);
    abe_wipe(job.key, sizeof(job.key));
    stream->opened = true;
    return job.code;
}

static int open_chunk(struct aceso_abe_decryption_stream *stream, bool last)
{
    uint8_t nonce[NONCE];

    /* A last chunk without bytes stands only for an empty payload: one form for each. */
    if (stream->filled < TAG || (stream->filled == TAG && stream->chunk > 0))
        return ACESO_ABE_REFUSED;
    if (stream->filled - TAG > stream->most)
        stream->most = stream->filled - TAG;
    nonce_make(stream->chunk++, last, nonce);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(stream->plain, NULL, NULL, stream->sealed,
                                                  stream->filled, NULL, 0, nonce, stream->key) != 0)
        return ACESO_ABE_REFUSED;
    if (stream->write(stream->to, stream->plain, stream->filled - TAG) != 0)
        return ACESO_ABE_WRITE;
    stream->filled = 0;
    return ACESO_ABE_OK;
}

/* Where the next bytes go, and how many are missing there; acts when a part is complete. */
static int advance(struct aceso_abe_decryption_stream *stream, uint8_t **to, size_t *missing)
{
    if (stream->header == NULL && !stream->opened && stream->filled == PREAMBLE) {
        stream->header_length = read_preamble(stream->sealed);
        if (stream->header_length == 0)
            return ACESO_ABE_FORMAT;
        stream->header = malloc(stream->header_length);
        if (stream->header == NULL)
            return ACESO_ABE_NO_MEMORY;
        stream->filled = 0;
    }
    if (stream->header != NULL && !stream->opened && stream->filled == stream->header_length) {
        int code = open_header(stream);

        if (code != ACESO_ABE_OK)
            return code;
        stream->filled = 0;
    }
    if (stream->opened && stream->filled == sizeof(stream->sealed)) {
        int code = open_chunk(stream, false);

        if (code != ACESO_ABE_OK)
            return code;
    }
    if (stream->opened || stream->header == NULL) {
        *to = stream->sealed + stream->filled;
        *missing = (stream->opened ? sizeof(stream->sealed) : PREAMBLE) - stream->filled;
    } else {
        *to = stream->header + stream->filled;
        *missing = stream->header_length - stream->filled;
    }
    return ACESO_ABE_OK;
}

int aceso_abe_decrypt_begin(const struct aceso_abe_user_key *const *user_keys,
                            size_t user_key_count,
                            const struct aceso_abe_public_key *const *public_keys,
                            size_t public_key_count, const uint8_t *associated,
                            size_t associated_length, aceso_abe_write write, void *to,
                            struct aceso_abe_decryption_stream **stream)
{
    struct aceso_abe_decryption_stream *made;

    if (sodium_init() < 0)
        return ACESO_ABE_RANDOM;
    made = malloc(sizeof(*made));
    if (made == NULL)
        return ACESO_ABE_NO_MEMORY;
    made->user_keys = user_keys;
    made->user_key_count = user_key_count;
    made->public_keys = public_keys;
    made->public_key_count = public_key_count;
    made->write = write;
    made->to = to;
    made->code = ACESO_ABE_OK;
    made->ended = made->opened = false;
    made->header = NULL;
    made->header_length = 0;
    made->chunk = 0;
    made->filled = 0;
    made->most = 0;
    context_make(associated, associated_length, &made->context);
    *stream = made;
    return ACESO_ABE_OK;
}

int aceso_abe_decrypt_update(struct aceso_abe_decryption_stream *stream, const uint8_t *bytes,
                             size_t length)
{
    if (stream->code == ACESO_ABE_OK && stream->ended)
        stream->code = ACESO_ABE_ARGUMENT;
    while (length > 0 && stream->code == ACESO_ABE_OK) {
        uint8_t *to;
        size_t missing;

        stream->code = advance(stream, &to, &missing);
        if (stream->code != ACESO_ABE_OK)
            break;
        if (missing > length)
            missing = length;
        memcpy(to, bytes, missing);
        stream->filled += missing;
        bytes += missing;
        length -= missing;
    }
    return stream->code;
}

int aceso_abe_decrypt_end(struct aceso_abe_decryption_stream *stream)
{
    if (stream->code == ACESO_ABE_OK && stream->ended)
        stream->code = ACESO_ABE_ARGUMENT;
    stream->ended = true;
    /* Cut before the end of the header, or just behind it. */
    if (stream->code == ACESO_ABE_OK && !stream->opened)
        stream->code = ACESO_ABE_FORMAT;
    if (stream->code == ACESO_ABE_OK)
        stream->code = open_chunk(stream, true);
    return stream->code;
}

void aceso_abe_decryption_stream_free(struct aceso_abe_decryption_stream *stream)
{
    if (stream == NULL)
        return;
    free(stream->header);
    abe_wipe(stream->key, sizeof(stream->key));
    abe_wipe(stream->plain, stream->most);
    free(stream);
}

int aceso_abe_decrypt(const uint8_t *ciphertext, size_t ciphertext_length,
                      const struct aceso_abe_user_key *const *user_keys, size_t user_key_count,
                      const struct aceso_abe_public_key *const *public_keys,
                      size_t public_key_count, const uint8_t *associated, size_t associated_length,
                      uint8_t **payload, size_t *length)
{
    struct aceso_abe_decryption_stream *stream = NULL;
    struct memory memory = { .capacity = ciphertext_length };
    int code =
        aceso_abe_decrypt_begin(user_keys, user_key_count, public_keys, public_key_count,
                                associated, associated_length, memory_write, &memory, &stream);

    if (code != ACESO_ABE_OK)
        return code;
    memory.bytes = malloc(memory.capacity + 1); /* an empty one too is memory */
    code = memory.bytes != NULL ? ACESO_ABE_OK : ACESO_ABE_NO_MEMORY;
    if (code == ACESO_ABE_OK)
        code = aceso_abe_decrypt_update(stream, ciphertext, ciphertext_length);
    if (code == ACESO_ABE_OK)
        code = aceso_abe_decrypt_end(stream);
    if (code == ACESO_ABE_OK) {
        *payload = memory.bytes;
        *length = memory.length;
    } else if (memory.bytes != NULL) {
        abe_wipe(memory.bytes, memory.length);
        free(memory.bytes);
    }
    aceso_abe_decryption_stream_free(stream);
    return code;
}

int aceso_abe_ciphertext_header(const uint8_t *ciphertext, size_t length, const uint8_t **header,
                                size_t *header_length)
{
    size_t n;

    if (length < PREAMBLE)
        return length < ABE_PREFIX_SIZE || abe_has_prefix(ciphertext, length, ABE_TYPE_CIPHERTEXT)
                   ? ACESO_ABE_LIMIT
                   : ACESO_ABE_FORMAT;
    n = read_preamble(ciphertext);
    if (n == 0)
        return ACESO_ABE_FORMAT;
    if (n > length - PREAMBLE)
        return ACESO_ABE_LIMIT;
    *header = ciphertext + PREAMBLE;
    *header_length = n;
    return ACESO_ABE_OK;
}

/* ---- many ------------------------------------------------------------------------------ */

struct opening {
    struct aceso_abe_decryption *ciphertexts;
    const struct aceso_abe_user_key *const *user_keys;
    size_t user_key_count;
    const struct aceso_abe_public_key *const *public_keys;
    size_t public_key_count;
};

static void open_one(void *context, size_t index)
{
    const struct opening *opening = context;
    struct aceso_abe_decryption *each = &opening->ciphertexts[index];

    each->code =
        aceso_abe_decrypt(each->ciphertext, each->ciphertext_length, opening->user_keys,
                          opening->user_key_count, opening->public_keys, opening->public_key_count,
                          each->associated, each->associated_length, &each->payload, &each->length);
}

int aceso_abe_decrypt_many(struct aceso_abe_decryption *ciphertexts, size_t count,
                           const struct aceso_abe_user_key *const *user_keys, size_t user_key_count,
                           const struct aceso_abe_public_key *const *public_keys,
                           size_t public_key_count, unsigned threads)
{
    struct opening opening = { .ciphertexts = ciphertexts,
                               .user_keys = user_keys,
                               .user_key_count = user_key_count,
                               .public_keys = public_keys,
                               .public_key_count = public_key_count };

    abe_many(count, threads, open_one, &opening);
    return ACESO_ABE_OK;
}
