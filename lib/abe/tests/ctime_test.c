/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant time: seeds, sigma and user keys are marked undefined, so that valgrind's memcheck
 * reports every branch and every index that depends on them. Built with ABE_CTIME_TEST, run under
 * valgrind with tests/ctime.supp. Uses core.
 */
#include "../core/kem.h"
#include "../core/lsss.h"
#include "../core/octets.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef ABE_CTIME_TEST
#error "build the core and this file with ABE_CTIME_TEST"
#endif

enum { ROWS = 3 };

static const char *const attributes[ROWS] = { "a@h", "b@h", "c@g" };
static const uint8_t gid[20] = "a user's address";

static struct abe_public public_keys[ROWS];
static struct abe_user user_keys[ROWS];
static uint8_t user_bytes[ROWS][ACESO_ABE_USER_KEY_MAX];
static struct abe_tables generators;
static struct abe_g2_table g2_table;
static struct abe_tables tables[ROWS];
static struct abe_lines lines[ROWS + 1];
static struct abe_node nodes[ABE_NODES_MAX];
static uint32_t cost[ABE_NODES_MAX];
static uint8_t chosen[ABE_NODES_MAX];

static void secret_mark(void *memory, size_t length)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(memory, length);
}

static void check(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "ctime_test: %s\n", what);
        exit(1);
    }
}

static void make_keys(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        uint8_t seed[ACESO_ABE_SEED_SIZE] = { (uint8_t)i };
        uint8_t bytes[ACESO_ABE_PUBLIC_KEY_MAX];
        struct abe_secret secret;
        size_t length;
        size_t public_length;

        secret_mark(seed, sizeof(seed));
        abe_secret_derive(seed, attributes[i], 3, &secret);
        public_length = abe_public_make(&secret, attributes[i], 3, &generators, bytes);
        abe_declassify(bytes, sizeof(bytes));
        check(abe_public_decode(bytes, public_length, &public_keys[i]) == ACESO_ABE_OK, "public");
        length =
            abe_user_make(&secret, attributes[i], 3, gid, sizeof(gid), &g2_table, user_bytes[i]);
        /* Import is done once by the owner; its decoding and checks are not in constant time. */
        abe_declassify(user_bytes[i], sizeof(user_bytes[i]));
        check(abe_user_decode(user_bytes[i], length, &user_keys[i]) == ACESO_ABE_OK, "user");
        check(abe_user_check(&user_keys[i], &public_keys[i]), "equation");
        abe_tables_make(&public_keys[i].a, &public_keys[i].y, &tables[i]);
        secret_mark(&user_keys[i].k, sizeof(user_keys[i].k));
        abe_lines_make(&user_keys[i].k, &lines[i]);
        abe_lines_make(&user_keys[i].h, &lines[ROWS]);
    }
}

static void one_way(const char *text, bool cca)
{
    const struct abe_public *keys[ROWS] = { &public_keys[0], &public_keys[1], &public_keys[2] };
    const struct abe_user *users[ROWS] = { &user_keys[0], &user_keys[1], &user_keys[2] };
    const uint8_t held[ROWS] = { 1, 0, 1 };
    struct aceso_abe_policy_error error;
    struct abe_policy policy;
    uint8_t secret[32] = { 1, 2, 3 };
    uint8_t sigma[32];
    uint8_t key[32];
    uint8_t opened[32];
    uint8_t header_bytes[4096];
    blst_fr scratch[ROWS * ABE_SCRATCH_PER_ROW];
    blst_fr coefficients[ROWS];
    struct abe_header header;
    blst_fp12 e;
    const struct abe_tables *row_tables[ROWS] = { &tables[0], NULL, &tables[2] };
    const struct abe_lines *row_lines[ROWS] = { NULL, &lines[1], &lines[2] };
    struct abe_openers openers = {
        .users = users, .coefficients = coefficients, .k = row_lines, .h = &lines[ROWS]
    };
    struct abe_kem kem = { .cca = cca,
                           .policy = &policy,
                           .keys = keys,
                           .generators = &generators,
                           .tables = row_tables,
                           .secret = secret };
    size_t length;

    secret_mark(secret, sizeof(secret));
    check(abe_policy_parse(&policy, text, strlen(text), nodes, ABE_NODES_MAX, &error) ==
              ACESO_ABE_OK,
          "policy");
    length = abe_header_size(&policy, cca);
    check(abe_kem_make(&kem, scratch, header_bytes, key) == ACESO_ABE_OK, "make");
    abe_declassify(header_bytes, length);
    check(abe_header_parse(header_bytes, length, nodes, ABE_NODES_MAX, &header) == ACESO_ABE_OK,
          "parse");
    kem.policy = &header.policy;
    check(abe_policy_choose(&header.policy, held, cost, chosen), "choose");
    abe_lsss_reconstruct(&header.policy, chosen, coefficients);
    check(abe_kem_recover(&header, chosen, &openers, &e), "recover");
    if (cca) {
        abe_kem_unmask(&header, &e, sigma);
        kem.secret = sigma;
        check(abe_kem_check(&kem, scratch, &header, opened) == ACESO_ABE_OK, "check");
    } else {
        check(abe_kem_finish_cpa(&header, &e, NULL, 0, opened) == ACESO_ABE_OK, "finish");
    }
    abe_declassify(key, sizeof(key));
    abe_declassify(opened, sizeof(opened));
    check(memcmp(key, opened, sizeof(key)) == 0, "keys differ");
}

int main(void)
{
    static const char *const policies[] = { "a@h and (b@h or c@g)", "2 of (a@h, b@h, c@g)" };

    abe_tables_make_generators(&generators);
    abe_g2_table_make(blst_p2_affine_generator(), &g2_table);
    make_keys();
    printf("1..4\n");
    for (unsigned i = 0; i < 4; i++) {
        one_way(policies[i / 2], i % 2 == 0);
        printf("ok %u - %s\n", i + 1, policies[i / 2]);
    }
    return 0;
}
