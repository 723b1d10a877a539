/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a batch of records in memory, as a reader hands them out, and its proof file. */
#ifndef ACESO_RECORD_PROOF_FIXTURE_H
#define ACESO_RECORD_PROOF_FIXTURE_H

#include "record/patch.h"
#include "record/proof_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURE_RECORDS_MAX 8

struct proof_fixture {
    struct proof_relationship relationship; /* its level is that of the reader */
    struct proof_batch batch;
    uint32_t records;
    struct buffer patch[FIXTURE_RECORDS_MAX][RECORD_LEVELS];
    struct buffer proof[FIXTURE_RECORDS_MAX][RECORD_LEVELS];
    struct part_content content[FIXTURE_RECORDS_MAX][RECORD_LEVELS];
    struct bytes proof_bytes[FIXTURE_RECORDS_MAX][RECORD_LEVELS];
};

static inline void proof_fixture_free(struct proof_fixture *fixture)
{
    for (size_t i = 0; i < FIXTURE_RECORDS_MAX; i++) {
        for (size_t l = 0; l < RECORD_LEVELS; l++) {
            buffer_free(&fixture->patch[i][l]);
            buffer_free(&fixture->proof[i][l]);
        }
    }
    free(fixture);
}

static inline struct record_place proof_fixture_place(const struct proof_fixture *fixture,
                                                      uint32_t record, uint8_t level)
{
    struct record_place place = { .version = 1, .level = level,
                                  .index = RECORD_LEVELS * record + level - 1 };

    place.record[3] = fixture->relationship.context.patient[0];
    place.record[7] = (uint8_t)record;
    return place;
}

/* The tree over all leaves, and every part's proof. */
static inline void proof_fixture_prove(struct proof_fixture *fixture)
{
    uint8_t leaves[FIXTURE_RECORDS_MAX * RECORD_LEVELS][RECORD_HASH_SIZE] = { { 0 } };
    uint8_t path[MERKLE_DEPTH_MAX][RECORD_HASH_SIZE], depth = 0;
    uint32_t count = fixture->records * RECORD_LEVELS;
    struct merkle_tree *tree = NULL;

    for (uint32_t i = 0; i < count; i++) {
        struct record_place place = proof_fixture_place(fixture, i / 4, (uint8_t)(i % 4 + 1));

        assert_int_equal(part_commit(&fixture->relationship.context, &place,
                                     &fixture->content[i / 4][i % 4], leaves[i], NULL),
                         ACESO_OK);
    }
    assert_int_equal(merkle_tree_create(leaves[0], count, &tree, NULL), ACESO_OK);
    merkle_tree_root(tree, fixture->batch.batch.root);
    for (uint32_t i = 0; i < count; i++) {
        struct proof proof = { .batch = fixture->batch.batch.number, .leaves = count, .index = i };
        struct buffer *out = &fixture->proof[i / 4][i % 4];

        assert_int_equal(merkle_tree_path(tree, i, path, &depth, NULL), ACESO_OK);
        proof.path = bytes_of(path, (size_t)depth * RECORD_HASH_SIZE);
        *out = (struct buffer)BUFFER_INIT(PROOF_MAX);
        assert_int_equal(proof_put(&proof, out), ACESO_OK);
        fixture->proof_bytes[i / 4][i % 4] = buffer_bytes(out);
    }
    merkle_tree_free(tree);
}

/* `views` are the texts that each record shows at each level, NULL where nothing. `who` makes one
 * patient, hospital and contract different from another. */
static inline struct proof_fixture *proof_fixture_make(const char *const (*views)[RECORD_LEVELS],
                                                       uint32_t records, uint8_t level,
                                                       uint8_t who)
{
    struct proof_fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->records = records;
    fixture->relationship = (struct proof_relationship){
        .consortium = { 9 }, .hospital = who, .level = level,
        .context = { .chain_id = 31337, .contract = { who, 1 }, .patient = { who, 2 },
                     .hospital = { who, 3 } },
    };
    fixture->batch.batch = (struct record_batch){ .number = 1, .records = records,
                                                  .leaves = RECORD_LEVELS * records };
    memset(fixture->batch.signature, who, sizeof fixture->batch.signature);
    for (uint32_t i = 0; i < records; i++) {
        for (size_t l = 0; l < RECORD_LEVELS; l++) {
            const char *lower = l ? views[i][l - 1] : NULL;
            struct buffer *patch = &fixture->patch[i][l];

            *patch = (struct buffer)BUFFER_INIT(1 << 16);
            if (views[i][l])
                assert_int_equal(patch_make(lower ? bytes_of_string(lower) : bytes_of(NULL, 0),
                                            bytes_of_string(views[i][l]), patch, NULL),
                                 ACESO_OK);
            fixture->content[i][l] = part_content_of(buffer_bytes(patch));
        }
    }
    proof_fixture_prove(fixture);
    return fixture;
}

/* Record `at` as a reader of the fixture's level hands it out; `json` is what it shows there. */
static inline struct record_opened proof_fixture_opened(const struct proof_fixture *fixture,
                                                        uint32_t at, const char *json)
{
    struct record_place place = proof_fixture_place(fixture, at, 1);
    struct record_opened opened = {
        .version = 1,
        .batch = fixture->batch.batch.number,
        .position = at,
        .json = json ? bytes_of_string(json) : bytes_of(NULL, 0),
        .levels = fixture->relationship.level,
        .content = fixture->content[at],
        .proof = fixture->proof_bytes[at],
    };

    memcpy(opened.record, place.record, sizeof opened.record);
    return opened;
}

#endif
