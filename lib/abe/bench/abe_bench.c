/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks through the public header, one thread. Prints `bench NAME=VALUE UNIT`: NAME the
 * median, NAME.min the minimum, in ms; sizes in bytes. `abe_bench [ROUNDS]`, 20 by default.
 * Policy of k: (a0@h or b0@h) and (a1@h or b1@h) and ..., k pairs; the user holds all a's.
 */
#include "aceso/abe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { K_MAX = 8, ROUNDS_MAX = 10000, SETUP_MAX = 30 };

static const uint8_t seed[ACESO_ABE_SEED_SIZE] = "bench";
static const uint8_t gid[20] = "a user's address";
static const uint8_t sigma[ACESO_ABE_SIGMA_SIZE] = "sigma";

static struct aceso_abe_public_key *public_keys[2 * K_MAX];
static struct aceso_abe_user_key *user_keys[K_MAX];
static double samples[ROUNDS_MAX];
static size_t rounds = 20;

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

static void report(const char *name)
{
    qsort(samples, rounds, sizeof(samples[0]), compare_doubles);
    printf("bench abe.%s=%.4f ms\n", name, samples[rounds / 2]);
    printf("bench abe.%s.min=%.4f ms\n", name, samples[0]);
}

static void attribute_name(char out[32], char letter, size_t index)
{
    snprintf(out, 32, "%c%zu@h", letter, index);
}

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
    report(name);
}

static void bench_keys(void)
{
    uint8_t public_bytes[ACESO_ABE_PUBLIC_KEY_MAX];
    uint8_t user_bytes[ACESO_ABE_USER_KEY_MAX];
    size_t public_length;
    size_t user_length;

    check(aceso_abe_setup(seed, "a0@h", public_bytes, &public_length));
    for (size_t i = 0; i < rounds; i++) {
        double start = now_ms();

        check(aceso_abe_keygen(seed, "a0@h", gid, sizeof(gid), user_bytes, &user_length));
        samples[i] = now_ms() - start;
    }
    report("keygen");
    for (size_t i = 0; i < rounds; i++) {
        struct aceso_abe_public_key *key;
        double start = now_ms();

        check(aceso_abe_public_key_import(public_bytes, public_length, &key));
        samples[i] = now_ms() - start;
        aceso_abe_public_key_free(key);
    }
    report("check_public_key");
    for (size_t i = 0; i < rounds; i++) {
        struct aceso_abe_user_key *key;
        double start = now_ms();

        check(aceso_abe_user_key_import(user_bytes, user_length, public_keys[0], &key));
        samples[i] = now_ms() - start;
        aceso_abe_user_key_free(key);
    }
    report("check_user_key");
}

static void make_keys(void)
{
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    char name[32];
    size_t length;

    for (size_t i = 0; i < 2 * K_MAX; i++) {
        attribute_name(name, i < K_MAX ? 'a' : 'b', i % K_MAX);
        check(aceso_abe_setup(seed, name, bytes, &length));
        check(aceso_abe_public_key_import(bytes, length, &public_keys[i]));
        if (i >= K_MAX)
            continue;
        check(aceso_abe_keygen(seed, name, gid, sizeof(gid), bytes, &length));
        check(aceso_abe_user_key_import(bytes, length, public_keys[i], &user_keys[i]));
    }
}

static struct aceso_abe_policy *make_policy(size_t k)
{
    struct aceso_abe_policy *policy;
    char text[1024];
    size_t at = 0;

    for (size_t i = 0; i < k; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s(a%zu@h or b%zu@h)",
                               i > 0 ? " and " : "", i, i);
    check(aceso_abe_policy_parse(text, at, &policy, NULL));
    return policy;
}

/* One form of header for one k: encapsulation, then decapsulation. */
static void bench_headers(size_t k, bool cca)
{
    const struct aceso_abe_public_key *const *keys =
        (const struct aceso_abe_public_key *const *)public_keys;
    const struct aceso_abe_user_key *const *users =
        (const struct aceso_abe_user_key *const *)user_keys;
    struct aceso_abe_policy *policy = make_policy(k);
    uint8_t made[ACESO_ABE_KEY_SIZE];
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0;
    char name[32];

    for (size_t i = 0; i < rounds; i++) {
        double start = now_ms();

        free(header);
        check((cca ? aceso_abe_encapsulate : aceso_abe_encapsulate_cpa)(
            policy, keys, 2 * K_MAX, NULL, 0, sigma, &header, &length, made));
        samples[i] = now_ms() - start;
    }
    snprintf(name, sizeof(name), "encrypt%s.k%zu", cca ? "_cca" : "", k);
    report(name);
    for (size_t i = 0; i < rounds; i++) {
        double start = now_ms();

        if (cca)
            check(aceso_abe_decapsulate(header, length, users, K_MAX, keys, 2 * K_MAX, NULL, 0,
                                        NULL, key));
        else
            check(aceso_abe_decapsulate_cpa(header, length, users, K_MAX, NULL, 0, key));
        samples[i] = now_ms() - start;
    }
    if (memcmp(key, made, sizeof(key)) != 0)
        check(ACESO_ABE_REFUSED);
    snprintf(name, sizeof(name), "decrypt%s.k%zu", cca ? "_cca" : "", k);
    report(name);
    if (k == 6)
        printf("bench abe.%s.k6=%zu bytes\n", cca ? "header_cca_bytes" : "header_bytes", length);
    free(header);
    aceso_abe_policy_free(policy);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    if (argc > 2 || rounds == 0 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: abe_bench [ROUNDS]\n");
        return 2;
    }
    for (size_t count = 10; count <= SETUP_MAX; count += 10)
        bench_setup(count);
    make_keys();
    bench_keys();
    for (size_t k = 2; k <= K_MAX; k += 2) {
        bench_headers(k, false);
        bench_headers(k, true);
    }
    for (size_t i = 0; i < 2 * K_MAX; i++)
        aceso_abe_public_key_free(public_keys[i]);
    for (size_t i = 0; i < K_MAX; i++)
        aceso_abe_user_key_free(user_keys[i]);
    return 0;
}
