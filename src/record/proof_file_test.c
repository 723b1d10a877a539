/* SPDX-License-Identifier: Apache-2.0 */
/* Proof files there and back, and the check of an export against them: every bit, every cut, lines
 * and records that moved, records that back one line together; and files of another
 * implementation. */
#include "record/proof_fixture.h"

#include "chain/contract.h"
#include "chain/hpsc.h"
#include "record/proof_check.h"
#include "record/vectors.h"

#define RECORDS 5

/* What each record shows at each level; two show nothing at the lowest. */
static const char *const views[RECORDS][RECORD_LEVELS] = {
    { "{\"t\":\"A\"}", "{\"t\":\"A\"}", "{\"t\":\"A\",\"v\":0.010}",
      "{\"id\":1,\"t\":\"A\",\"v\":0.010}" },
    { NULL, NULL, NULL, "{\"t\":\"B\",\"secret\":true}" },
    { NULL, "{\"t\":\"C\"}", "{\"t\":\"C\"}", "{\"t\":\"C\"}" },
    { "{\"t\":\"D\",\"a\":[1]}", "{\"t\":\"D\",\"a\":[0,1]}", "{\"t\":\"D\",\"a\":[0,1,2]}",
      "{\"t\":\"D\",\"a\":[0,1,2,3]}" },
    { "{\"t\":\"E\"}", "{\"t\":\"E\"}", "{\"t\":\"E\"}", "{\"t\":\"E\",\"x\":\"y\"}" },
};

/* The same patient elsewhere: A with its members in another order, another D, and F. */
static const char *const others[3][RECORD_LEVELS] = {
    { NULL, NULL, NULL, "{\"v\":0.010,\"t\":\"\\u0041\",\"id\":1}" },
    { NULL, NULL, NULL, "{\"t\":\"D\",\"a\":[3,2,1,0]}" },
    { NULL, NULL, NULL, "{\"t\":\"F\"}" },
};

/* An export, its proof, and the chain's part: what it knows of relationships and batches. */
struct case_of {
    struct buffer export, proof;
    const struct proof_fixture *known[2];
    size_t count, batches, relationships;
    struct bytes rest; /* of the export, while it is checked */
};

static void case_free(struct case_of *test)
{
    buffer_free(&test->export);
    buffer_free(&test->proof);
}

#define CASE_INIT { .export = BUFFER_INIT(1 << 20), .proof = BUFFER_INIT(1 << 20) }

static int know_relationship(void *data, const struct proof_relationship *relationship,
                             struct aceso_error *error)
{
    struct case_of *test = data;
    const struct proof_relationship *wanted;

    if (test->relationships >= test->count)
        return error_set(error, ACESO_EVERIFY, NULL, "unknown");
    wanted = &test->known[test->relationships++]->relationship;
    if (memcmp(wanted->consortium, relationship->consortium, 20) != 0 ||
        wanted->hospital != relationship->hospital ||
        wanted->context.chain_id != relationship->context.chain_id ||
        memcmp(wanted->context.contract, relationship->context.contract, 20) != 0 ||
        memcmp(wanted->context.patient, relationship->context.patient, 20) != 0 ||
        memcmp(wanted->context.hospital, relationship->context.hospital, 20) != 0)
        return error_set(error, ACESO_EVERIFY, NULL, "another relationship");
    return ACESO_OK;
}

static int know_batch(void *data, const struct proof_relationship *relationship,
                      const struct proof_batch *batch, struct aceso_error *error)
{
    struct case_of *test = data;
    const struct proof_batch *wanted = &test->known[batch->relationship]->batch;

    (void)relationship;
    test->batches++;
    if (batch->batch.number != wanted->batch.number ||
        memcmp(batch->batch.root, wanted->batch.root, 32) != 0 ||
        memcmp(batch->batch.previous_root, wanted->batch.previous_root, 32) != 0 ||
        batch->batch.records != wanted->batch.records ||
        memcmp(batch->signature, wanted->signature, sizeof batch->signature) != 0)
        return error_set(error, ACESO_EVERIFY, NULL, "another batch");
    return ACESO_OK;
}

static int next_line(void *data, struct bytes *line, struct aceso_error *error)
{
    struct case_of *test = data;
    const uint8_t *end;

    (void)error;
    if (test->rest.len == 0)
        return ACESO_ENOTFOUND;
    end = memchr(test->rest.data, '\n', test->rest.len);
    assert_non_null(end);
    *line = bytes_of(test->rest.data, (size_t)(end - test->rest.data));
    test->rest.len -= line->len + 1;
    test->rest.data = end + 1;
    return ACESO_OK;
}

static int check_with(struct case_of *test, const struct proof_check_config *config,
                      struct bytes proof, size_t piece, struct proof_check_totals *totals,
                      struct aceso_error *error)
{
    struct proof_check *check = NULL;
    int code = proof_check_create(config, &check, error);

    test->rest = buffer_bytes(&test->export);
    test->relationships = test->batches = 0;
    while (!code && proof.len) {
        size_t len = proof.len < piece ? proof.len : piece;

        code = proof_check_feed(check, bytes_of(proof.data, len), error);
        proof.data += len;
        proof.len -= len;
    }
    if (!code)
        code = proof_check_finish(check, totals, error);
    proof_check_free(check);
    return code;
}

static int check(struct case_of *test, struct proof_check_totals *totals,
                 struct aceso_error *error)
{
    const struct proof_check_config config = { .relationship = know_relationship,
                                               .batch = know_batch,
                                               .line = next_line,
                                               .data = test };

    return check_with(test, &config, buffer_bytes(&test->proof), 4096, totals, error);
}

static void put_line(struct case_of *test, const char *json)
{
    (void)buffer_put_string(&test->export, json);
    assert_int_equal(buffer_put_u8(&test->export, '\n'), ACESO_OK);
}

static void put_head(struct case_of *test, const struct proof_fixture *fixture)
{
    struct proof_batch batch = fixture->batch;

    batch.relationship = (uint32_t)test->count;
    test->known[test->count++] = fixture;
    assert_int_equal(proof_file_put_relationship(&fixture->relationship, &test->proof), 0);
    assert_int_equal(proof_file_put_batch(&batch, &test->proof), 0);
}

static void put_record(struct case_of *test, const struct proof_fixture *fixture, uint32_t batch,
                       uint32_t at, uint64_t line)
{
    struct record_opened opened = proof_fixture_opened(fixture, at, NULL);

    assert_int_equal(proof_file_put_record(&opened, batch, line, &test->proof), ACESO_OK);
}

/* A whole export of `fixture`; the number of its lines. */
static uint64_t put_all(struct case_of *test, const struct proof_fixture *fixture)
{
    struct proof_file_totals totals = { .relationships = 1, .batches = 1, .records = RECORDS };

    assert_int_equal(proof_file_put_start(false, &test->proof), ACESO_OK);
    put_head(test, fixture);
    for (uint32_t i = 0; i < RECORDS; i++) {
        const char *json = views[i][fixture->relationship.level - 1];

        if (json)
            put_line(test, json);
        put_record(test, fixture, 0, i, json ? ++totals.lines : 0);
    }
    assert_int_equal(proof_file_put_end(&totals, &test->proof), ACESO_OK);
    return totals.lines;
}

static void put_end(struct case_of *test, uint64_t records, uint64_t lines)
{
    const struct proof_file_totals totals = { .relationships = (uint32_t)test->count,
                                              .batches = (uint32_t)test->count,
                                              .records = records, .lines = lines };

    assert_int_equal(proof_file_put_end(&totals, &test->proof), ACESO_OK);
}

/* ---- there and back ------------------------------------------------------------------------- */

static void test_every_level(void **state)
{
    static const size_t pieces[] = { 1, 5, 93, 1 << 20 };

    (void)state;
    for (uint8_t level = 1; level <= RECORD_LEVELS; level++) {
        struct proof_fixture *fixture = proof_fixture_make(views, RECORDS, level, 1);
        struct case_of test = CASE_INIT;
        const struct proof_check_config config = { know_relationship, know_batch, next_line,
                                                   &test };
        struct proof_check_totals totals;
        uint64_t lines = put_all(&test, fixture);

        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            assert_int_equal(check_with(&test, &config, buffer_bytes(&test.proof), pieces[i],
                                        &totals, NULL),
                             ACESO_OK);
            assert_int_equal(totals.file.lines, lines);
            assert_int_equal(totals.records, RECORDS);
            assert_int_equal(totals.shown, lines);
            assert_int_equal(totals.empty, RECORDS - lines);
        }
        case_free(&test);
        proof_fixture_free(fixture);
    }
}

/* Batches of 1 to 8 records: every shape of the tree. */
static void test_every_shape(void **state)
{
    static const char *const same[FIXTURE_RECORDS_MAX][RECORD_LEVELS] = {
        { "1", "2", "3", "4" }, { "1", "2", "3", "4" }, { "1", "2", "3", "4" },
        { "1", "2", "3", "4" }, { "1", "2", "3", "4" }, { "1", "2", "3", "4" },
        { "1", "2", "3", "4" }, { "1", "2", "3", "4" },
    };

    (void)state;
    for (uint32_t records = 1; records <= FIXTURE_RECORDS_MAX; records++) {
        for (uint8_t level = 1; level <= RECORD_LEVELS; level++) {
            struct proof_fixture *fixture = proof_fixture_make(same, records, level, 1);
            struct case_of test = CASE_INIT;

            assert_int_equal(proof_file_put_start(false, &test.proof), ACESO_OK);
            put_head(&test, fixture);
            for (uint32_t i = 0; i < records; i++) {
                put_line(&test, same[i][level - 1]);
                put_record(&test, fixture, 0, i, i + 1);
            }
            put_end(&test, records, records);
            assert_int_equal(check(&test, NULL, NULL), ACESO_OK);
            case_free(&test);
            proof_fixture_free(fixture);
        }
    }
}

/* ---- changed ------------------------------------------------------------------------------ */

static void test_every_bit(void **state)
{
    (void)state;
    for (uint8_t level = 1; level <= RECORD_LEVELS; level++) {
        struct proof_fixture *fixture = proof_fixture_make(views, RECORDS, level, 1);
        struct case_of test = CASE_INIT;

        (void)put_all(&test, fixture);
        for (size_t bit = 0; bit < 8 * test.proof.len; bit++) {
            struct proof_check_totals totals = { .records = 7 };

            test.proof.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (bit == 8 * 13) /* the one that holds: nothing here is backed twice */
                assert_int_equal(check(&test, NULL, NULL), ACESO_OK);
            else
                assert_int_not_equal(check(&test, &totals, NULL), ACESO_OK);
            assert_int_equal(totals.records, 7);
            test.proof.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * test.export.len; bit++) {
            test.export.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (test.export.data[test.export.len - 1] == '\n')
                assert_int_not_equal(check(&test, NULL, NULL), ACESO_OK);
            test.export.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(check(&test, NULL, NULL), ACESO_OK);
        case_free(&test);
        proof_fixture_free(fixture);
    }
}

static void test_cut_and_doubled(void **state)
{
    struct proof_fixture *fixture = proof_fixture_make(views, RECORDS, 3, 1);
    struct case_of test = CASE_INIT;
    struct aceso_error error;
    size_t whole;

    (void)state;
    (void)put_all(&test, fixture);
    whole = test.proof.len;
    for (test.proof.len = 0; test.proof.len < whole; test.proof.len++) {
        assert_int_equal(check(&test, NULL, &error), ACESO_EFORMAT);
        assert_non_null(strstr(error.text, "cut off after"));
    }
    for (size_t more = 1; more <= whole; more++)
        assert_int_equal(buffer_put_u8(&test.proof, test.proof.data[more - 1]), ACESO_OK);
    assert_int_equal(check(&test, NULL, &error), ACESO_EFORMAT);
    assert_string_equal(error.text, "bytes behind its end");
    case_free(&test);
    proof_fixture_free(fixture);
}

/* Replaces the export; expects a failure at `place`. */
static void refused(struct case_of *test, const char *export, const char *place, const char *text)
{
    struct aceso_error error = { .code = ACESO_OK };

    buffer_clear(&test->export);
    assert_int_equal(buffer_put_string(&test->export, export), ACESO_OK);
    assert_int_equal(check(test, NULL, &error), ACESO_EVERIFY);
    assert_string_equal(error.place, place);
    assert_string_equal(error.text, text);
}

static void test_lines(void **state)
{
    static const char says[] = "the export does not say what was signed";
    struct proof_fixture *fixture = proof_fixture_make(views, RECORDS, 1, 1);
    struct case_of test = CASE_INIT;

    (void)state;
    (void)put_all(&test, fixture);
    assert_string_equal(buffer_text(&test.export),
                        "{\"t\":\"A\"}\n{\"t\":\"D\",\"a\":[1]}\n{\"t\":\"E\"}\n");
    refused(&test, "{\"t\":\"A\"}\n{\"t\":\"D\",\"a\":[2]}\n{\"t\":\"E\"}\n", "line 2", says);
    refused(&test, "{\"t\":\"A\"}\n{\"t\":\"E\"}\n{\"t\":\"D\",\"a\":[1]}\n", "line 2", says);
    refused(&test, "{\"t\":\"A\"}\n{\"t\":\"E\"}\n", "line 2", says);
    refused(&test, "{\"t\":\"A\"}\n{\"t\":\"D\",\"a\":[1]}\n\n{\"t\":\"E\"}\n", "line 3", says);
    refused(&test, "{\"t\":\"A\"} \n", "line 1", says);
    refused(&test, "{\"t\":\"A\"}\n{\"t\":\"D\",\"a\":[1]}\n", "line 3",
            "the export ends before this line");
    refused(&test, "", "line 1", "the export ends before this line");
    refused(&test, "{\"t\":\"A\"}\n{\"t\":\"D\",\"a\":[1]}\n{\"t\":\"E\"}\n{}\n", "line 4",
            "the export has a line that has no proof");
    case_free(&test);
    proof_fixture_free(fixture);
}

/* Records that are left out are counted, not noticed otherwise; what is there must be right. */
static void test_records(void **state)
{
    struct proof_fixture *fixture = proof_fixture_make(views, RECORDS, 1, 1);
    struct case_of test = CASE_INIT;
    struct proof_check_totals totals;
    struct aceso_error error;
    size_t head;

    (void)state;
    assert_int_equal(proof_file_put_start(false, &test.proof), ACESO_OK);
    put_head(&test, fixture);
    head = test.proof.len;
    put_record(&test, fixture, 0, 1, 0);
    put_record(&test, fixture, 0, 3, 1);
    put_end(&test, 2, 1);
    put_line(&test, views[3][0]);
    assert_int_equal(check(&test, &totals, NULL), ACESO_OK);
    assert_int_equal(totals.records, RECORDS);
    assert_int_equal(totals.shown, 1);
    assert_int_equal(totals.empty, 1);
    /* A record that shows something on no line; one that shows nothing on a line. */
    test.proof.len = head;
    put_record(&test, fixture, 0, 0, 0);
    put_end(&test, 1, 0);
    assert_int_equal(check(&test, NULL, &error), ACESO_EVERIFY);
    assert_string_equal(error.text, "a record that shows something is not in the export");
    assert_string_equal(error.place, "batch 1, record 0");
    test.proof.len = head;
    put_record(&test, fixture, 0, 1, 1);
    put_end(&test, 1, 1);
    assert_int_equal(check(&test, NULL, &error), ACESO_EVERIFY);
    assert_string_equal(error.text, "a record of nothing stands on a line");
    /* Out of order, twice, of another batch; a line that jumps, a line that comes back. */
    for (unsigned i = 0; i < 5; i++) {
        static const uint32_t at[5][3] = { { 0, 3, 1 }, { 0, 0, 0 }, { 1, 0, 1 }, { 0, 0, 2 },
                                           { 0, 3, 2 } };

        test.proof.len = head;
        put_record(&test, fixture, at[i][0], at[i][1], at[i][2]);
        put_record(&test, fixture, 0, 0, 1);
        put_end(&test, 2, 1);
        assert_int_not_equal(check(&test, NULL, NULL), ACESO_OK);
    }
    case_free(&test);
    proof_fixture_free(fixture);
}

/* Frames that cannot be, each behind a good start. */
static void test_frames(void **state)
{
    static const struct {
        const char *hex, *text;
    } bad[] = {
        { "00 00000000", "something unknown stands in it" },
        { "05 00000000", "something unknown stands in it" },
        { "01 0000005c", "something unknown stands in it" },
        { "02 00000094", "something unknown stands in it" },
        { "03 00000047", "something unknown stands in it" },
        { "03 ffffffff", "something unknown stands in it" },
        { "04 00000017", "something unknown stands in it" },
        { "04 00000018 00000001 00000000 0000000000000000 0000000000000000",
          "its totals are not what stands in it" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct case_of test = CASE_INIT;
        struct aceso_error error;
        char hex[160] = "";
        size_t len = 0;

        for (const char *at = bad[i].hex; *at; at++) {
            if (*at != ' ')
                hex[len++] = *at;
        }
        assert_int_equal(proof_file_put_start(false, &test.proof), ACESO_OK);
        assert_int_equal(text_unhex_buffer(hex, &test.proof), ACESO_OK);
        assert_int_equal(check(&test, NULL, &error), ACESO_EFORMAT);
        assert_string_equal(error.text, bad[i].text);
        case_free(&test);
    }
}

/* The same batch or relationship a second time, and more of them than may be. */
static void test_twice(void **state)
{
    struct proof_fixture *fixture = proof_fixture_make(views, RECORDS, 2, 1);
    struct case_of test = CASE_INIT;
    struct proof_relationship relationship = fixture->relationship;
    struct aceso_error error;

    (void)state;
    assert_int_equal(proof_file_put_start(false, &test.proof), ACESO_OK);
    put_head(&test, fixture);
    assert_int_equal(proof_file_put_batch(&fixture->batch, &test.proof), ACESO_OK);
    assert_int_equal(check(&test, NULL, &error), ACESO_EFORMAT);
    assert_string_equal(error.text, "a batch stands twice");
    buffer_clear(&test.proof);
    (void)proof_file_put_start(false, &test.proof);
    (void)proof_file_put_relationship(&relationship, &test.proof);
    relationship.hospital++;
    assert_int_equal(proof_file_put_relationship(&relationship, &test.proof), ACESO_OK);
    assert_int_equal(check(&test, NULL, &error), ACESO_EFORMAT);
    assert_string_equal(error.text, "a relationship stands twice");
    case_free(&test);
    proof_fixture_free(fixture);
}

/* ---- merged ------------------------------------------------------------------------------- */

/* Two hospitals: five lines of the first, A again, another D, F. `line` is where A is said to
 * stand. */
static void put_merged(struct case_of *test, const struct proof_fixture *first,
                       const struct proof_fixture *second, bool merged, uint64_t line)
{
    buffer_clear(&test->proof);
    buffer_clear(&test->export);
    test->count = 0;
    assert_int_equal(proof_file_put_start(merged, &test->proof), ACESO_OK);
    put_head(test, first);
    for (uint32_t i = 0; i < RECORDS; i++) {
        put_line(test, views[i][3]);
        put_record(test, first, 0, i, i + 1);
    }
    put_head(test, second);
    put_record(test, second, 1, 0, line);
    put_line(test, others[1][3]);
    put_record(test, second, 1, 1, 6);
    put_line(test, others[2][3]);
    put_record(test, second, 1, 2, 7);
    put_end(test, RECORDS + 3, 7);
}

static void test_merged(void **state)
{
    struct proof_fixture *first = proof_fixture_make(views, RECORDS, 4, 1);
    struct proof_fixture *second = proof_fixture_make(others, 3, 4, 2);
    struct case_of test = CASE_INIT;
    struct proof_check_totals totals;
    struct aceso_error error;

    (void)state;
    put_merged(&test, first, second, true, 1);
    assert_int_equal(check(&test, &totals, NULL), ACESO_OK);
    assert_int_equal(totals.file.lines, 7);
    assert_int_equal(totals.shown, 8);
    put_merged(&test, first, second, true, 2);
    assert_int_equal(check(&test, NULL, &error), ACESO_EVERIFY);
    assert_string_equal(error.text, "a second record does not say what stands there");
    assert_string_equal(error.place, "line 2");
    put_merged(&test, first, second, false, 1); /* a file that does not say it is merged */
    assert_int_equal(check(&test, NULL, &error), ACESO_EFORMAT);
    assert_string_equal(error.text, "a line is out of its order");
    put_merged(&test, first, second, true, 7); /* a line that is not there yet */
    assert_int_equal(check(&test, NULL, &error), ACESO_EFORMAT);
    case_free(&test);
    proof_fixture_free(first);
    proof_fixture_free(second);
}

/* ---- another implementation's ------------------------------------------------------------- */

struct foreign {
    yyjson_val *entry;
    struct case_of test;
};

static int foreign_relationship(void *data, const struct proof_relationship *relationship,
                                struct aceso_error *error)
{
    const struct foreign *foreign = data;
    uint8_t wanted[20];

    (void)error;
    vectors_hex(foreign->entry, "consortium", wanted, 20);
    assert_memory_equal(relationship->consortium, wanted, 20);
    assert_int_equal(relationship->context.chain_id, vectors_number(foreign->entry, "chainId"));
    return ACESO_OK;
}

static int foreign_batch(void *data, const struct proof_relationship *relationship,
                         const struct proof_batch *proof, struct aceso_error *error)
{
    const struct eip712_domain domain = contract_domain(relationship->context.chain_id,
                                                        relationship->context.contract);
    struct hpsc_batch message = { .number = proof->batch.number, .records = proof->batch.records,
                                  .leaves = proof->batch.leaves };
    uint8_t digest[32];

    (void)data;
    memcpy(message.root, proof->batch.root, 32);
    memcpy(message.previous_root, proof->batch.previous_root, 32);
    hpsc_batch_digest(&domain, &message, digest);
    return eip712_verify(digest, proof->signature, relationship->context.patient, error);
}

static int foreign_line(void *data, struct bytes *line, struct aceso_error *error)
{
    return next_line(&((struct foreign *)data)->test, line, error);
}

/* Genuine signatures, leaves and paths of a second implementation (vectors/proof.mjs). */
static void test_vectors(void **state)
{
    yyjson_doc *doc = vectors_load("proof.json");
    yyjson_val *entry;
    size_t at, count;

    (void)state;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "files"), at, count, entry)
    {
        struct foreign foreign = { .entry = entry, .test = CASE_INIT };
        const struct proof_check_config config = { foreign_relationship, foreign_batch,
                                                   foreign_line, &foreign };
        struct proof_check_totals totals;

        assert_int_equal(buffer_put_string(&foreign.test.export, vectors_text(entry, "export")),
                         ACESO_OK);
        vectors_hex_buffer(entry, "proof", &foreign.test.proof);
        assert_int_equal(check_with(&foreign.test, &config, buffer_bytes(&foreign.test.proof),
                                    1000, &totals, NULL),
                         ACESO_OK);
        assert_int_equal(totals.file.lines, vectors_number(entry, "lines"));
        assert_int_equal(totals.records, vectors_number(entry, "records"));
        assert_int_equal(totals.shown, vectors_number(entry, "shown"));
        assert_int_equal(totals.empty, vectors_number(entry, "empty"));
        case_free(&foreign.test);
    }
    assert_true(count >= 5);
    yyjson_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_level),
        cmocka_unit_test(test_every_shape),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_cut_and_doubled),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_vectors),
    };

    return cmocka_run_group_tests_name("record proof file", tests, NULL, NULL);
}
