/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aceso/abe.h - decentralized multi-authority ciphertext-policy ABE.
 *
 * The scheme of Lewko and Waters (EUROCRYPT 2011) in prime order, over BLS12-381 with blst.
 * Any number of authorities, each known by a label, give keys for attributes `name@authority` to
 * users named by a global identifier (gid). A header is made under a policy over such attributes;
 * who holds, for one gid, keys for a set of attributes that satisfies the policy, opens it and has
 * the 32-byte key. docs/abe-format.md gives every byte of what is written.
 *
 * Conventions
 *   - Functions return ACESO_ABE_OK (0) or a negative enum aceso_abe_code.
 *   - Outputs come last and are untouched on failure.
 *   - Opaque objects are made by the library and freed by their `_free`, which accepts NULL. They
 *     are not changed after they are made: any number of threads may use one at once.
 *   - Byte strings that come out in `uint8_t **` are from malloc; release them with free().
 *   - Attributes are NUL-terminated ASCII, `name@authority`:
 *         name       [a-z0-9][a-z0-9._-]{0,63}
 *         authority  [a-z0-9][a-z0-9.-]{0,63}
 */
#ifndef ACESO_ABE_H
#define ACESO_ABE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(ACESO_ABE_STATIC)
#define ACESO_ABE_API __attribute__((visibility("default")))
#else
#define ACESO_ABE_API
#endif

enum {
    ACESO_ABE_VERSION = 1,              /* first byte of every object */
    ACESO_ABE_SUITE = 1,                /* second byte: BLS12-381, SHA-256, as docs say */
    ACESO_ABE_SEED_SIZE = 32,           /* an authority's master secret */
    ACESO_ABE_SIGMA_SIZE = 32,          /* the message that a header carries */
    ACESO_ABE_KEY_SIZE = 32,            /* what encapsulation gives */
    ACESO_ABE_DIGEST_SIZE = 32,         /* SHA-256 */
    ACESO_ABE_ATTRIBUTE_MAX = 129,      /* bytes of `name@authority`, without the NUL */
    ACESO_ABE_GID_MAX = 255,            /* bytes of a global identifier; at least 1 */
    ACESO_ABE_PUBLIC_KEY_MAX = 512,     /* room for any public key, serialized */
    ACESO_ABE_USER_KEY_MAX = 512,       /* room for any user key, serialized */
    ACESO_ABE_POLICY_ROWS_MAX = 1024,   /* leaves of a policy */
    ACESO_ABE_POLICY_DEPTH_MAX = 64,    /* gates, and brackets, one inside the other */
    ACESO_ABE_POLICY_TEXT_MAX = 163840, /* bytes of policy text */
    ACESO_ABE_CONTEXT_MAX = 65536,      /* bytes of context bound to a header */
    ACESO_ABE_PREFIXES_MAX = 33,        /* attributes of one value */
    ACESO_ABE_TABLE_BYTES = 319488      /* of a public key's tables, in a cache */
};

enum aceso_abe_code {
    ACESO_ABE_OK = 0,
    ACESO_ABE_NO_MEMORY = -1,   /* allocation failed */
    ACESO_ABE_ARGUMENT = -2,    /* the caller broke a stated rule (sizes, gids that differ) */
    ACESO_ABE_FORMAT = -3,      /* bytes are not an object of the expected kind and version */
    ACESO_ABE_ATTRIBUTE = -4,   /* not a well-formed `name@authority`, or not the right one */
    ACESO_ABE_POLICY = -5,      /* policy text is malformed: see struct aceso_abe_policy_error */
    ACESO_ABE_LIMIT = -6,       /* too many rows, too deep, too long */
    ACESO_ABE_MISSING_KEY = -7, /* no public key was given for an attribute of the policy */
    ACESO_ABE_BAD_KEY = -8,     /* a public or user key failed its mathematical check */
    ACESO_ABE_UNSATISFIED = -9, /* the user's attributes do not satisfy the policy */
    ACESO_ABE_REFUSED = -10,    /* the header does not open: the one failure after parsing */
    ACESO_ABE_RANDOM = -11,     /* the system gave no random bytes */
    ACESO_ABE_WRITE = -12       /* the caller's `write` did not take the output */
};

/* A short English text for a code; never NULL. The string is static. */
ACESO_ABE_API const char *aceso_abe_strerror(int code);

/* Fills `out` with `length` random bytes from the system. For seeds and sigmas. */
ACESO_ABE_API int aceso_abe_random(uint8_t *out, size_t length);

/* SHA-256, as used for the digest by which a public key is pinned. */
ACESO_ABE_API void aceso_abe_digest(const uint8_t *bytes, size_t length,
                                    uint8_t digest[ACESO_ABE_DIGEST_SIZE]);

/* Whether `attribute` is a well-formed `name@authority`. */
ACESO_ABE_API bool aceso_abe_attribute_valid(const char *attribute);

/* ---- policies ---------------------------------------------------------------------------- */

/*
 * policy    = term *( "or" term )            term = factor *( "and" factor )
 * factor    = attribute / "(" policy ")" / number "of" "(" policy *( "," policy ) ")"
 *
 *
 * An attribute may be compared with a number (32 bits) or a date (YYYY-MM-DD, from 0001-01-01):
 *
 *     year@h >= 2024      <, <=, =, >= and >
 *     born@h in 1990-01-01..1999-12-31      both ends belong to it
 *
 * which stands for an `or` of at most 62 attributes, as the canonical text shows; who has a value
 * holds the attributes of aceso_abe_value_attributes. Two comparisons under `and` may be met by two
 * different values of one user: a range between two bounds is `in`.
 *
 * Words are lower case, separated by spaces, tabs or line ends where needed. A leaf repeated inside
 * one gate counts once. The canonical text has one form for each tree: nested gates of one kind are
 * flattened, 1 of n is `or`, n of n is `and`, an `and` inside an `or` and an `or` inside an `and`
 * are in brackets.
 */
struct aceso_abe_policy;

struct aceso_abe_policy_error {
    size_t position;    /* byte offset in the text */
    const char *reason; /* static English text */
};

/* Parses `length` bytes of text. `error` may be NULL; it is filled on ACESO_ABE_POLICY and
 * ACESO_ABE_LIMIT. */
ACESO_ABE_API int aceso_abe_policy_parse(const char *text, size_t length,
                                         struct aceso_abe_policy **policy,
                                         struct aceso_abe_policy_error *error);

/*
 * The attributes that one who has a value holds: `attribute` is what policies compare, its name at
 * most 51 characters; `value` a number or a date as in policies. Gives 33 for a number, 23 for a
 * date. ACESO_ABE_ATTRIBUTE, ACESO_ABE_ARGUMENT.
 */
ACESO_ABE_API int
aceso_abe_value_attributes(const char *attribute, const char *value,
                           char attributes[ACESO_ABE_PREFIXES_MAX][ACESO_ABE_ATTRIBUTE_MAX + 1],
                           size_t *count);

/* Joins `count` (1 or more) policies as trees: all, any, or at least `threshold` of them. The
 * operands stay the caller's. ACESO_ABE_LIMIT when the result is too large; ACESO_ABE_ARGUMENT when
 * the threshold cannot be reached, or count is 0. */
ACESO_ABE_API int aceso_abe_policy_and(const struct aceso_abe_policy *const *policies, size_t count,
                                       struct aceso_abe_policy **joined);
ACESO_ABE_API int aceso_abe_policy_or(const struct aceso_abe_policy *const *policies, size_t count,
                                      struct aceso_abe_policy **joined);
ACESO_ABE_API int aceso_abe_policy_threshold(size_t threshold,
                                             const struct aceso_abe_policy *const *policies,
                                             size_t count, struct aceso_abe_policy **joined);

ACESO_ABE_API void aceso_abe_policy_free(struct aceso_abe_policy *policy);

/* The canonical text, NUL-terminated; lives as long as the policy. */
ACESO_ABE_API const char *aceso_abe_policy_text(const struct aceso_abe_policy *policy);

/* Number of rows (leaves, repeats counted). */
ACESO_ABE_API size_t aceso_abe_policy_rows(const struct aceso_abe_policy *policy);

/* Copies the attribute of row `row` (from 0, in the order of the text), NUL-terminated. */
ACESO_ABE_API int aceso_abe_policy_attribute(const struct aceso_abe_policy *policy, size_t row,
                                             char attribute[ACESO_ABE_ATTRIBUTE_MAX + 1]);

/* Whether a set of attributes satisfies the policy. Malformed attributes match nothing. False also
 * when memory runs out. */
ACESO_ABE_API bool aceso_abe_policy_satisfied(const struct aceso_abe_policy *policy,
                                              const char *const *attributes, size_t count);

/* ---- authorities ------------------------------------------------------------------------- */

/* AuthoritySetup for one attribute: writes the serialized public key that belongs to the secrets
 * (alpha, y) which the authority's seed gives for this attribute. */
ACESO_ABE_API int aceso_abe_setup(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *attribute,
                                  uint8_t public_key[ACESO_ABE_PUBLIC_KEY_MAX], size_t *length);

/* KeyGen: writes the serialized user key of `attribute` for the user `gid` (1 to
 * ACESO_ABE_GID_MAX bytes; an Ethereum address is its 20 raw bytes). The result is secret. */
ACESO_ABE_API int aceso_abe_keygen(const uint8_t seed[ACESO_ABE_SEED_SIZE], const char *attribute,
                                   const uint8_t *gid, size_t gid_length,
                                   uint8_t user_key[ACESO_ABE_USER_KEY_MAX], size_t *length);

/* A public or a user key, serialized. */
struct aceso_abe_serialized {
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t length;
};

/* Setup and KeyGen for `count` attributes at once, on `threads` threads (0: one for each
 * processor): `keys[i]` belongs to `attributes[i]`. Either all are made or none is. */
ACESO_ABE_API int aceso_abe_setup_many(const uint8_t seed[ACESO_ABE_SEED_SIZE],
                                       const char *const *attributes, size_t count,
                                       unsigned threads, struct aceso_abe_serialized *keys);
ACESO_ABE_API int aceso_abe_keygen_many(const uint8_t seed[ACESO_ABE_SEED_SIZE],
                                        const char *const *attributes, size_t count,
                                        const uint8_t *gid, size_t gid_length, unsigned threads,
                                        struct aceso_abe_serialized *user_keys);

/* ---- public keys ------------------------------------------------------------------------- */

struct aceso_abe_public_key;

/* Decodes a public key and checks it in full: Y on the curve, in the subgroup of order r, not
 * infinity; A in the subgroup of order r of Fp12, not one. */
ACESO_ABE_API int aceso_abe_public_key_import(const uint8_t *bytes, size_t length,
                                              struct aceso_abe_public_key **key);

ACESO_ABE_API void aceso_abe_public_key_free(struct aceso_abe_public_key *key);

/* The key's attribute; lives as long as the key. */
ACESO_ABE_API const char *aceso_abe_public_key_attribute(const struct aceso_abe_public_key *key);

/* SHA-256 of the serialized key. */
ACESO_ABE_API void aceso_abe_public_key_digest(const struct aceso_abe_public_key *key,
                                               uint8_t digest[ACESO_ABE_DIGEST_SIZE]);

/* ---- the cache --------------------------------------------------------------------------- */

/*
 * Keys imported through a cache are found again by the digest of their bytes, without decoding and
 * checks, and share what makes them fast: a public key its tables (with them making a header takes
 * little more than half the time; ACESO_ABE_TABLE_BYTES each, made on first use in some 5 ms), a
 * user key its lines. All of it together stays within `limit` bytes; what does not fit is done
 * without, only slower. Any number of threads may use one cache. Keys that were imported through it
 * live on when it is freed.
 */
struct aceso_abe_cache;

ACESO_ABE_API int aceso_abe_cache_new(size_t limit, struct aceso_abe_cache **cache);
ACESO_ABE_API void aceso_abe_cache_free(struct aceso_abe_cache *cache);

/* How many bytes it holds now. */
ACESO_ABE_API size_t aceso_abe_cache_bytes(struct aceso_abe_cache *cache);

/* As aceso_abe_public_key_import. Worth it for keys that are used more than some thirty times. */
ACESO_ABE_API int aceso_abe_public_key_import_cached(struct aceso_abe_cache *cache,
                                                     const uint8_t *bytes, size_t length,
                                                     struct aceso_abe_public_key **key);

/* ---- user keys --------------------------------------------------------------------------- */

struct aceso_abe_user_key;

/* Decodes a user key and checks it against the public key of its attribute: K in the subgroup of
 * order r of G2, and e(g1, K) = A * e(Y, H(gid)). ACESO_ABE_ATTRIBUTE when the attributes differ.
 */
ACESO_ABE_API int aceso_abe_user_key_import(const uint8_t *bytes, size_t length,
                                            const struct aceso_abe_public_key *public_key,
                                            struct aceso_abe_user_key **key);

/* The same through a cache. */
ACESO_ABE_API int aceso_abe_user_key_import_cached(struct aceso_abe_cache *cache,
                                                   const uint8_t *bytes, size_t length,
                                                   const struct aceso_abe_public_key *public_key,
                                                   struct aceso_abe_user_key **key);

/* Wipes and frees. */
ACESO_ABE_API void aceso_abe_user_key_free(struct aceso_abe_user_key *key);

ACESO_ABE_API const char *aceso_abe_user_key_attribute(const struct aceso_abe_user_key *key);
ACESO_ABE_API const uint8_t *aceso_abe_user_key_gid(const struct aceso_abe_user_key *key,
                                                    size_t *length);

/* ---- headers, CCA form ------------------------------------------------------------------- */

/*
 * The header carries `sigma`: 32 bytes that must be uniformly random (aceso_abe_random), and may be
 * used elsewhere only as the input of a KDF under another label. All randomness of the header comes
 * from sigma, the policy, the public keys and the context by a one-way function, so that the same
 * inputs give the same header, and whoever knows sigma can check that the header is honest.
 *
 * `keys` are public keys in any order; each attribute of the policy must be among them, others are
 * ignored. `context` (up to ACESO_ABE_CONTEXT_MAX bytes, may be empty) is bound, not carried: it
 * must be the same bytes when the header is opened. `header` is malloc'ed; about
 * 384 bytes a row, the policy's text, and 71 bytes.
 */
ACESO_ABE_API int aceso_abe_encapsulate(const struct aceso_abe_policy *policy,
                                        const struct aceso_abe_public_key *const *keys,
                                        size_t key_count, const uint8_t *context,
                                        size_t context_length,
                                        const uint8_t sigma[ACESO_ABE_SIGMA_SIZE], uint8_t **header,
                                        size_t *header_length, uint8_t key[ACESO_ABE_KEY_SIZE]);

/*
 * Opens a header: recovers sigma, encrypts again, compares every byte, and gives sigma and the key.
 * `user_keys`: all of one gid (else ACESO_ABE_ARGUMENT); those that the policy does not name are
 * ignored. `public_keys` must hold every attribute of the policy, not only the user's.
 * `sigma` or `key` may be NULL when not wanted.
 * ACESO_ABE_FORMAT: not a header (public parsing). ACESO_ABE_UNSATISFIED: the attributes do not
 * suffice. ACESO_ABE_REFUSED: everything else, without saying what.
 */
ACESO_ABE_API int aceso_abe_decapsulate(const uint8_t *header, size_t header_length,
                                        const struct aceso_abe_user_key *const *user_keys,
                                        size_t user_key_count,
                                        const struct aceso_abe_public_key *const *public_keys,
                                        size_t public_key_count, const uint8_t *context,
                                        size_t context_length, uint8_t sigma[ACESO_ABE_SIGMA_SIZE],
                                        uint8_t key[ACESO_ABE_KEY_SIZE]);

/*
 * For one who is handed sigma: encrypts again with it and compares every byte, so that success
 * means that exactly the holders of satisfying keys recover this sigma and this key.
 */
ACESO_ABE_API int aceso_abe_open_with_sigma(const uint8_t *header, size_t header_length,
                                            const struct aceso_abe_public_key *const *public_keys,
                                            size_t public_key_count, const uint8_t *context,
                                            size_t context_length,
                                            const uint8_t sigma[ACESO_ABE_SIGMA_SIZE],
                                            uint8_t key[ACESO_ABE_KEY_SIZE]);

/* ---- headers, CPA form ------------------------------------------------------------------- */

/*
 * Without re-encryption: cheaper to open, needs no public keys to open, and a dishonest maker can
 * give different readers different keys. `seed` is 32 fresh random bytes, never used twice or for
 * anything else. A header of one form is not accepted by the functions of the other.
 */
ACESO_ABE_API int aceso_abe_encapsulate_cpa(const struct aceso_abe_policy *policy,
                                            const struct aceso_abe_public_key *const *keys,
                                            size_t key_count, const uint8_t *context,
                                            size_t context_length, const uint8_t seed[32],
                                            uint8_t **header, size_t *header_length,
                                            uint8_t key[ACESO_ABE_KEY_SIZE]);

ACESO_ABE_API int aceso_abe_decapsulate_cpa(const uint8_t *header, size_t header_length,
                                            const struct aceso_abe_user_key *const *user_keys,
                                            size_t user_key_count, const uint8_t *context,
                                            size_t context_length, uint8_t key[ACESO_ABE_KEY_SIZE]);

/* ---- many at once ------------------------------------------------------------------------ */

/*
 * One header to make: sigma for a policy in a context, as aceso_abe_encapsulate. The caller fills
 * the inputs; `code` says what came of it, and only with ACESO_ABE_OK the outputs are there.
 */
struct aceso_abe_encapsulation {
    const struct aceso_abe_policy *policy;
    const uint8_t *context;
    size_t context_length;
    uint8_t *header; /* out; free() */
    size_t header_length;
    uint8_t key[ACESO_ABE_KEY_SIZE]; /* out */
    int code;                        /* out */
};

/* One sigma under many policies, on `threads` threads (0: one for each processor). Each header is
 * an encryption of its own. ACESO_ABE_OK when each has its code, whatever it is. */
ACESO_ABE_API int aceso_abe_encapsulate_many(struct aceso_abe_encapsulation *headers, size_t count,
                                             const struct aceso_abe_public_key *const *keys,
                                             size_t key_count,
                                             const uint8_t sigma[ACESO_ABE_SIGMA_SIZE],
                                             unsigned threads);

/* One header to open, of either form, as aceso_abe_decapsulate and aceso_abe_decapsulate_cpa. */
struct aceso_abe_decapsulation {
    const uint8_t *header;
    size_t header_length;
    const uint8_t *context;
    size_t context_length;
    uint8_t key[ACESO_ABE_KEY_SIZE]; /* out */
    int code;                        /* out */
};

/* Many headers of one user, on `threads` threads (0: one for each processor). One that does not
 * open has no influence on the others. `public_keys` are not needed for the CPA form. */
ACESO_ABE_API int aceso_abe_decapsulate_many(struct aceso_abe_decapsulation *headers, size_t count,
                                             const struct aceso_abe_user_key *const *user_keys,
                                             size_t user_key_count,
                                             const struct aceso_abe_public_key *const *public_keys,
                                             size_t public_key_count, unsigned threads);

/* ---- looking at a header without keys ---------------------------------------------------- */

struct aceso_abe_header_info {
    unsigned version;
    unsigned suite;
    bool cca; /* CCA form, else CPA form */
    size_t rows;
    const char *policy; /* points into the header, NOT NUL-terminated */
    size_t policy_length;
    size_t bytes; /* of the whole header */
};

/* Parses the outer form (sizes, canonical policy); checks no group element. */
ACESO_ABE_API int aceso_abe_header_inspect(const uint8_t *header, size_t header_length,
                                           struct aceso_abe_header_info *info);

/* The header's policy as an object of its own. */
ACESO_ABE_API int aceso_abe_header_policy(const uint8_t *header, size_t header_length,
                                          struct aceso_abe_policy **policy);

/* ---- payloads ---------------------------------------------------------------------------- */

/*
 * A ciphertext is a header and the payload under ChaCha20-Poly1305 in chunks of 64 KiB, so that
 * payloads of any size pass through in constant memory. `associated` data, of any length, is bound
 * and not carried: the reader must bring the same bytes.
 */
enum aceso_abe_form {
    ACESO_ABE_CPA, /* aceso_abe_encapsulate_cpa */
    ACESO_ABE_CCA  /* aceso_abe_encapsulate: readers need all public keys of the policy */
};

/* 384 bytes a row, the policy's text, 110 bytes, and 16 for each chunk. `ciphertext` is malloc'ed.
 * Randomness is the system's, hedged with the clock and the beginning of the payload. */
ACESO_ABE_API int aceso_abe_encrypt(enum aceso_abe_form form, const struct aceso_abe_policy *policy,
                                    const struct aceso_abe_public_key *const *keys,
                                    size_t key_count, const uint8_t *associated,
                                    size_t associated_length, const uint8_t *payload, size_t length,
                                    uint8_t **ciphertext, size_t *ciphertext_length);

/* Both forms; `public_keys` are not needed for the CPA form. `payload` is malloc'ed, also when it
 * is empty, and there only when every byte of the ciphertext was right. Codes as
 * aceso_abe_decapsulate: ACESO_ABE_REFUSED when the payload was changed or cut too. */
ACESO_ABE_API int aceso_abe_decrypt(const uint8_t *ciphertext, size_t ciphertext_length,
                                    const struct aceso_abe_user_key *const *user_keys,
                                    size_t user_key_count,
                                    const struct aceso_abe_public_key *const *public_keys,
                                    size_t public_key_count, const uint8_t *associated,
                                    size_t associated_length, uint8_t **payload, size_t *length);

/* One ciphertext to open among many. */
struct aceso_abe_decryption {
    const uint8_t *ciphertext;
    size_t ciphertext_length;
    const uint8_t *associated;
    size_t associated_length;
    uint8_t *payload; /* out; free() */
    size_t length;
    int code; /* out */
};

/* As aceso_abe_decapsulate_many. */
ACESO_ABE_API int aceso_abe_decrypt_many(struct aceso_abe_decryption *ciphertexts, size_t count,
                                         const struct aceso_abe_user_key *const *user_keys,
                                         size_t user_key_count,
                                         const struct aceso_abe_public_key *const *public_keys,
                                         size_t public_key_count, unsigned threads);

/* Takes `length` bytes of output. Anything but 0 stops the stream with ACESO_ABE_WRITE. */
typedef int (*aceso_abe_write)(void *to, const uint8_t *bytes, size_t length);

/*
 * A payload in pieces. What is given by pointer at the beginning must live until the end. After a
 * failure the stream only gives that failure again. A stream is one thread's at a time.
 */
struct aceso_abe_encryption;

ACESO_ABE_API int aceso_abe_encrypt_begin(enum aceso_abe_form form,
                                          const struct aceso_abe_policy *policy,
                                          const struct aceso_abe_public_key *const *keys,
                                          size_t key_count, const uint8_t *associated,
                                          size_t associated_length, aceso_abe_write write, void *to,
                                          struct aceso_abe_encryption **stream);

ACESO_ABE_API int aceso_abe_encrypt_update(struct aceso_abe_encryption *stream,
                                           const uint8_t *bytes, size_t length);

/* Writes what is left; without it the ciphertext is cut, and refused. */
ACESO_ABE_API int aceso_abe_encrypt_end(struct aceso_abe_encryption *stream);

ACESO_ABE_API void aceso_abe_encryption_free(struct aceso_abe_encryption *stream);

/*
 * The other way. What `write` gets is authentic and in its place, but only when
 * aceso_abe_decrypt_end succeeds is it the whole payload.
 */
struct aceso_abe_decryption_stream;

ACESO_ABE_API int aceso_abe_decrypt_begin(const struct aceso_abe_user_key *const *user_keys,
                                          size_t user_key_count,
                                          const struct aceso_abe_public_key *const *public_keys,
                                          size_t public_key_count, const uint8_t *associated,
                                          size_t associated_length, aceso_abe_write write, void *to,
                                          struct aceso_abe_decryption_stream **stream);

ACESO_ABE_API int aceso_abe_decrypt_update(struct aceso_abe_decryption_stream *stream,
                                           const uint8_t *bytes, size_t length);

ACESO_ABE_API int aceso_abe_decrypt_end(struct aceso_abe_decryption_stream *stream);

ACESO_ABE_API void aceso_abe_decryption_stream_free(struct aceso_abe_decryption_stream *stream);

/* Where the header of a ciphertext stands, for aceso_abe_header_inspect and _policy. `length` may
 * be less than all of the ciphertext; ACESO_ABE_LIMIT when it ends before the header does. */
ACESO_ABE_API int aceso_abe_ciphertext_header(const uint8_t *ciphertext, size_t length,
                                              const uint8_t **header, size_t *header_length);

#ifdef __cplusplus
}
#endif

#endif
