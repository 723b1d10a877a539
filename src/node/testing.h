/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory of its own for each test of this folder, with keys that are cheap to open. */
#ifndef ACESO_NODE_TESTING_H
#define ACESO_NODE_TESTING_H

#include "base/file.h"
#include "base/secret.h"
#include "node/keys.h"
#include "node/node.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TESTING_PATH 256

static inline void testing_directory(char path[TESTING_PATH])
{
    const char *base = getenv("TMPDIR");

    assert_true(snprintf(path, TESTING_PATH, "%s/aceso-node-XXXXXX", base ? base : "/tmp") <
                TESTING_PATH);
    assert_non_null(mkdtemp(path));
}

static inline int testing_remove_one(const char *path, const struct stat *status, int type,
                                     struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void testing_remove(const char *path)
{
    assert_int_equal(nftw(path, testing_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline struct keys *testing_keys(const char *directory, bool account)
{
    const struct bytes password = { (const uint8_t *)"secret", 6 };
    struct keys *keys = NULL;

    assert_int_equal(secret_init(NULL), ACESO_OK);
    assert_int_equal(keys_make(directory, password, KEYSTORE_LIGHT, account, NULL), ACESO_OK);
    assert_int_equal(keys_open(directory, password, &keys, NULL), ACESO_OK);
    return keys;
}

/* A configuration as 'aceso init' writes it. */
static inline struct node_config testing_config(enum node_role role, const char *label)
{
    struct node_config config = { .role = role, .bypass_s = CONFIG_BYPASS_S };

    (void)snprintf(config.label, sizeof config.label, "%s", label);
    (void)snprintf(config.rpc, sizeof config.rpc, "http://127.0.0.1:8545");
    (void)snprintf(config.confirmation, sizeof config.confirmation, "depth:0");
    assert_int_equal(config_listen(&config, "127.0.0.1:7001", NULL), ACESO_OK);
    return config;
}

static const struct network testing_network = {
    .known = true, .chain_id = 31337, .first_block = 3, .amsc = { 1 }, .arsc = { 2 }, .ca = { 3 }
};

#endif
