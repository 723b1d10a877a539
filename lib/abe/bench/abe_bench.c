/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks, one thread but for batch_decrypt. Prints `bench abe.NAME=VALUE UNIT`: NAME the
 * median, NAME.min the minimum, in ms; sizes in bytes. `abe_bench [ROUNDS]`, 30 by default;
 * `abe_bench rows`: a policy of up to 1000 attributes, all joined by `and`, keys imported before.
 *
 * Policy of k: (a0@h or b0@h) and (a1@h or b1@h) and ..., k pairs; the user holds all a's. Timed
 * are, for encrypt: public keys from bytes (through the cache; cold: imported before, without
 * tables), the policy from text, the payload of 1 KiB to the whole ciphertext; for decrypt: user
 * keys from bytes (through the cache; cold: imported before, without lines), for the CCA form the
 * public keys likewise, the ciphertext to the payload. Each is checked once before: what was
 * encrypted comes back.
 */
#include "aceso/abe.h"
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    K_MAX = 8,
    ROUNDS_MAX = 10000,
    SETUP_MAX = 30,
    BATCH = 1000,
    ROWS_MAX = 1000,
    CACHE_LIMIT = 64 << 20
};

static const uint8_t seed[ACESO_ABE_SEED_SIZE] = "bench";
static const uint8_t gid[20] = "a user's address";
static uint8_t payload[1024] = "a payload";

struct key_bytes {
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    size_t length;
};

static struct key_bytes public_bytes[2 * K_MAX];
static struct key_bytes user_bytes[K_MAX];
static struct aceso_abe_public_key *public_keys[2 * K_MAX]; /* without the cache */
static struct aceso_abe_cache *cache;
static double samples[ROUNDS_MAX];
static size_t rounds = 30;

static void check(int code)
{
    if (code != ACESO_ABE_OK) {
        fprintf(stderr, "abe_bench: %s\n", aceso_abe_strerror(code));
        exit(1);
    }
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

static void report(const char *name, size_t count)
{
    qsort(samples, count, sizeof(samples[0]), compare_doubles);
    printf("bench abe.%s=%.4f ms\n", name, samples[count / 2]);
    printf("bench abe.%s.min=%.4f ms\n", name, samples[0]);
}

static void attribute_name(char out[32], char letter, size_t index)
{
    snprintf(out, 32, "%c%zu@h", letter, index);
}

/* ---- keys ------------------------------------------------------------------------------ */

static void bench_setup(size_t count)
{
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    char name[32];
    size_t length;

    for (size_t i = 0; i < rounds; i++) {
        double start = now_ms();

        for (size_t j = 0; j < count; j++) {
            attribute_name(name, 's', j);
            check(aceso_abe_setup(seed, name, bytes, &length));
        }
        samples[i] = now_ms() - start;
    }
    snprintf(name, sizeof(name), "setup%zu", count);
    report(name, rounds);
}

static void bench_keys(void)
{
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length;

    for (size_t i = 0; i < rounds; i++) {
        double start = now_ms();

        check(aceso_abe_keygen(seed, "a0@h", gid, sizeof(gid), bytes, &length));
        samples[i] = now_ms() - start;
    }
    report("keygen", rounds);
    for (size_t i = 0; i < rounds; i++) {
        struct aceso_abe_public_key *key;
        double start = now_ms();

        check(aceso_abe_public_key_import(public_bytes[0].bytes, public_bytes[0].length, &key));
        samples[i] = now_ms() - start;
        aceso_abe_public_key_free(key);
    }
    report("check_public_key", rounds);
    for (size_t i = 0; i < rounds; i++) {
        struct aceso_abe_user_key *key;
        double start = now_ms();

        check(aceso_abe_user_key_import(user_bytes[0].bytes, user_bytes[0].length, public_keys[0],
                                        &key));
        samples[i] = now_ms() - start;
        aceso_abe_user_key_free(key);
    }
    report("check_user_key", rounds);
}

static void make_keys(void)
{
    char name[32];

    for (size_t i = 0; i < 2 * K_MAX; i++) {
        attribute_name(name, i < K_MAX ? 'a' : 'b', i % K_MAX);
        check(aceso_abe_setup(seed, name, public_bytes[i].bytes, &public_bytes[i].length));
        check(aceso_abe_public_key_import(public_bytes[i].bytes, public_bytes[i].length,
                                          &public_keys[i]));
        if (i < K_MAX)
            check(aceso_abe_keygen(seed, name, gid, sizeof(gid), user_bytes[i].bytes,
                                   &user_bytes[i].length));
    }
}

/* ---- one ciphertext -------------------------------------------------------------------- */

struct ciphertext {
    uint8_t *bytes;
    size_t length;
};

static size_t policy_text(size_t k, char text[1024])
{
    size_t at = 0;

    for (size_t i = 0; i < k; i++)
        at += (size_t)snprintf(text + at, 1024 - at, "%s(a%zu@h or b%zu@h)", i > 0 ? " and " : "",
                               i, i);
    return at;
}

/* Makes the whole ciphertext, in the way that is timed. */
static void encrypt_once(size_t k, enum aceso_abe_form form, bool warm, struct ciphertext *out)
{
    struct aceso_abe_public_key *keys[2 * K_MAX];
    struct aceso_abe_policy *policy;
    char text[1024];
    size_t text_length = policy_text(k, text);
    size_t count = 0;

    for (size_t i = 0; i < k; i++) {
        for (size_t j = i; j < 2 * K_MAX; j += K_MAX) {
            if (warm)
                check(aceso_abe_public_key_import_cached(cache, public_bytes[j].bytes,
                                                         public_bytes[j].length, &keys[count]));
            else
                keys[count] = public_keys[j];
            count++;
        }
    }
    check(aceso_abe_policy_parse(text, text_length, &policy, NULL));
    check(aceso_abe_encrypt(form, policy, (const struct aceso_abe_public_key *const *)keys, count,
                            NULL, 0, payload, sizeof(payload), &out->bytes, &out->length));
    aceso_abe_policy_free(policy);
    for (size_t i = 0; warm && i < count; i++)
        aceso_abe_public_key_free(keys[i]);
}

/* Opens it, in the way that is timed. `users`: imported before, or NULL: from bytes, cached. */
static void decrypt_once(size_t k, enum aceso_abe_form form, struct aceso_abe_user_key **users,
                         const struct ciphertext *in)
{
    struct aceso_abe_user_key *keys[K_MAX];
    struct aceso_abe_public_key *known[2 * K_MAX];
    size_t known_count = form == ACESO_ABE_CCA ? 2 * K_MAX : 0;
    uint8_t *plain;
    size_t length;

    for (size_t i = 0; i < known_count; i++)
        check(aceso_abe_public_key_import_cached(cache, public_bytes[i].bytes,
                                                 public_bytes[i].length, &known[i]));
    for (size_t i = 0; i < k; i++) {
        if (users == NULL)
            check(aceso_abe_user_key_import_cached(cache, user_bytes[i].bytes, user_bytes[i].length,
                                                   public_keys[i], &keys[i]));
        else
            keys[i] = users[i];
    }
    check(aceso_abe_decrypt(in->bytes, in->length, (const struct aceso_abe_user_key *const *)keys,
                            k, (const struct aceso_abe_public_key *const *)known, known_count, NULL,
                            0, &plain, &length));
    if (length != sizeof(payload) || memcmp(plain, payload, length) != 0)
        check(ACESO_ABE_REFUSED);
    free(plain);
    for (size_t i = 0; users == NULL && i < k; i++)
        aceso_abe_user_key_free(keys[i]);
    for (size_t i = 0; i < known_count; i++)
        aceso_abe_public_key_free(known[i]);
}

static void bench_encrypt(const char *name, size_t k, enum aceso_abe_form form, bool warm)
{
    struct ciphertext made;

    encrypt_once(k, form, warm, &made);
    decrypt_once(k, form, NULL, &made);
    free(made.bytes);
    for (size_t i = 0; i < rounds; i++) {
        double start = now_ms();

        encrypt_once(k, form, warm, &made);
        samples[i] = now_ms() - start;
        free(made.bytes);
    }
    report(name, rounds);
}

static void bench_decrypt(const char *name, size_t k, enum aceso_abe_form form, bool warm)
{
    struct aceso_abe_user_key *users[K_MAX];
    struct ciphertext made;

    encrypt_once(k, form, true, &made);
    decrypt_once(k, form, NULL, &made);
    for (size_t i = 0; i < rounds; i++) {
        double start;

        for (size_t j = 0; !warm && j < k; j++)
            check(aceso_abe_user_key_import(user_bytes[j].bytes, user_bytes[j].length,
                                            public_keys[j], &users[j]));
        start = now_ms();
        decrypt_once(k, form, warm ? NULL : users, &made);
        samples[i] = now_ms() - start;
        for (size_t j = 0; !warm && j < k; j++)
            aceso_abe_user_key_free(users[j]);
    }
    report(name, rounds);
    if (k == 6 && form == ACESO_ABE_CPA && warm)
        printf("bench abe.ciphertext_bytes.k6=%zu bytes\n", made.length - sizeof(payload));
    free(made.bytes);
}

/* ---- many ------------------------------------------------------------------------------ */

static void bench_batch(size_t k)
{
    static struct aceso_abe_decryption batch[BATCH];
    struct aceso_abe_user_key *users[K_MAX];
    size_t runs = rounds < 3 ? rounds : 3;

    for (size_t i = 0; i < k; i++)
        check(aceso_abe_user_key_import_cached(cache, user_bytes[i].bytes, user_bytes[i].length,
                                               public_keys[i], &users[i]));
    for (size_t i = 0; i < BATCH; i++) {
        struct ciphertext made;

        encrypt_once(k, ACESO_ABE_CPA, true, &made);
        batch[i].ciphertext = made.bytes;
        batch[i].ciphertext_length = made.length;
    }
    for (size_t run = 0; run < runs; run++) {
        double start = now_ms();

        check(aceso_abe_decrypt_many(batch, BATCH, (const struct aceso_abe_user_key *const *)users,
                                     k, NULL, 0, 0));
        samples[run] = (now_ms() - start) / (double)BATCH;
        for (size_t i = 0; i < BATCH; i++) {
            check(batch[i].code);
            if (batch[i].length != sizeof(payload) ||
                memcmp(batch[i].payload, payload, sizeof(payload)) != 0)
                check(ACESO_ABE_REFUSED);
            free(batch[i].payload);
        }
    }
    report("batch_decrypt.k6", runs);
    for (size_t i = 0; i < BATCH; i++)
        free((void *)(uintptr_t)batch[i].ciphertext);
    for (size_t i = 0; i < k; i++)
        aceso_abe_user_key_free(users[i]);
}

static void bench_floor(const char *name, void (*run)(size_t k))
{
    for (size_t i = 0; i < rounds; i++) {
        double start = now_ms();

        run(6);
        samples[i] = now_ms() - start;
    }
    report(name, rounds);
}

/* ---- many rows ------------------------------------------------------------------------- */

static void make_row_key(size_t row, struct aceso_abe_public_key **public_key,
                         struct aceso_abe_user_key **user_key)
{
    uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    char name[32];
    size_t length;

    attribute_name(name, 'r', row);
    check(aceso_abe_setup(seed, name, bytes, &length));
    check(aceso_abe_public_key_import(bytes, length, public_key));
    check(aceso_abe_keygen(seed, name, gid, sizeof(gid), bytes, &length));
    check(aceso_abe_user_key_import(bytes, length, *public_key, user_key));
}

static void bench_row_count(size_t count, struct aceso_abe_public_key *const *keys,
                            struct aceso_abe_user_key *const *users)
{
    enum { RUNS = 7 };
    static char text[16 * ROWS_MAX];
    double encrypt[RUNS];
    double decrypt[RUNS];
    size_t at = 0;

    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%sr%zu@h", i > 0 ? " and " : "", i);
    for (size_t run = 0; run < RUNS; run++) {
        struct aceso_abe_policy *policy;
        struct ciphertext made;
        uint8_t *plain;
        size_t length;
        double start = now_ms();

        check(aceso_abe_policy_parse(text, at, &policy, NULL));
        check(aceso_abe_encrypt(ACESO_ABE_CPA, policy,
                                (const struct aceso_abe_public_key *const *)keys, count, NULL, 0,
                                payload, sizeof(payload), &made.bytes, &made.length));
        encrypt[run] = now_ms() - start;
        start = now_ms();
        check(aceso_abe_decrypt(made.bytes, made.length,
                                (const struct aceso_abe_user_key *const *)users, count, NULL, 0,
                                NULL, 0, &plain, &length));
        decrypt[run] = now_ms() - start;
        if (length != sizeof(payload) || memcmp(plain, payload, length) != 0)
            check(ACESO_ABE_REFUSED);
        free(plain);
        free(made.bytes);
        aceso_abe_policy_free(policy);
    }
    qsort(encrypt, RUNS, sizeof(encrypt[0]), compare_doubles);
    qsort(decrypt, RUNS, sizeof(decrypt[0]), compare_doubles);
    printf("bench abe.rows%zu.encrypt.min=%.3f ms\n", count, encrypt[0]);
    printf("bench abe.rows%zu.decrypt.min=%.3f ms\n", count, decrypt[0]);
}

static int bench_rows(void)
{
    static struct aceso_abe_public_key *keys[ROWS_MAX];
    static struct aceso_abe_user_key *users[ROWS_MAX];

    for (size_t i = 0; i < ROWS_MAX; i++)
        make_row_key(i, &keys[i], &users[i]);
    for (size_t count = 100; count <= ROWS_MAX; count += 100)
        bench_row_count(count, keys, users);
    for (size_t i = 0; i < ROWS_MAX; i++) {
        aceso_abe_user_key_free(users[i]);
        aceso_abe_public_key_free(keys[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    char name[32];

    if (argc == 2 && strcmp(argv[1], "rows") == 0)
        return bench_rows();
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    if (argc > 2 || rounds == 0 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: abe_bench [ROUNDS | rows]\n");
        return 2;
    }
    check(aceso_abe_cache_new(CACHE_LIMIT, &cache));
    make_keys();
    for (size_t count = 10; count <= SETUP_MAX; count += 10)
        bench_setup(count);
    bench_keys();
    floor_begin();
    for (size_t k = 2; k <= K_MAX; k += 2) {
        snprintf(name, sizeof(name), "encrypt.k%zu", k);
        bench_encrypt(name, k, ACESO_ABE_CPA, true);
        if (k == 6)
            bench_floor("floor.encrypt.k6", floor_encrypt);
        snprintf(name, sizeof(name), "decrypt.k%zu", k);
        bench_decrypt(name, k, ACESO_ABE_CPA, true);
        if (k == 6)
            bench_floor("floor.decrypt.k6", floor_decrypt);
    }
    floor_end();
    bench_encrypt("encrypt_cold.k6", 6, ACESO_ABE_CPA, false);
    bench_encrypt("encrypt_cca.k6", 6, ACESO_ABE_CCA, true);
    bench_decrypt("decrypt_cold.k6", 6, ACESO_ABE_CPA, false);
    bench_decrypt("decrypt_cca.k6", 6, ACESO_ABE_CCA, true);
    bench_batch(6);
    printf("bench abe.table_bytes=%d bytes\n", ACESO_ABE_TABLE_BYTES);
    for (size_t i = 0; i < 2 * K_MAX; i++)
        aceso_abe_public_key_free(public_keys[i]);
    aceso_abe_cache_free(cache);
    return 0;
}
