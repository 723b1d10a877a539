/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and approvals as documents, and lists for the owner. */
#include "crypto/keccak.h"
#include "node/approval.h"
#include "node/credential.h"
#include "node/listing.h"
#include "node/testing.h"

static struct credential sample_credential(void)
{
    struct credential credential = {
        .content = { .institute = { 1, 2 }, .category = 3, .seal_key = { 4 },
                     .tls_key_digest = { 5 }, .serial = UINT64_MAX, .expiry = 7,
                     .generation = UINT32_MAX },
    };

    memset(credential.signature, 9, sizeof credential.signature);
    return credential;
}

static void test_credential(void **state)
{
    struct credential credential = sample_credential(), read;
    struct buffer text = BUFFER_INIT(8192), again = BUFFER_INIT(8192);
    struct json_writer writer = json_writer_of(&text);

    (void)state;
    credential_write(&credential, &writer, NULL);
    assert_int_equal(credential_parse(buffer_bytes(&text), &read, NULL), ACESO_OK);
    assert_memory_equal(read.content.institute, credential.content.institute, 20);
    assert_int_equal(read.content.category, 3);
    assert_memory_equal(read.content.seal_key, credential.content.seal_key, 32);
    assert_memory_equal(read.content.tls_key_digest, credential.content.tls_key_digest, 32);
    assert_true(read.content.serial == UINT64_MAX);
    assert_int_equal(read.content.expiry, 7);
    assert_int_equal(read.content.generation, UINT32_MAX);
    assert_memory_equal(read.signature, credential.signature, 65);
    writer = json_writer_of(&again);
    credential_write(&read, &writer, NULL);
    assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&again)));
    for (size_t len = 0; len < text.len; len++)
        assert_int_not_equal(credential_parse(bytes_of(text.data, len), &read, NULL), ACESO_OK);
    buffer_free(&text);
    buffer_free(&again);
}

/* `text` with the value of `member` in place of what it is; NULL takes the member out. */
static void document_with(struct bytes text, const char *member, const char *value,
                          struct buffer *out)
{
    yyjson_doc *doc = NULL;
    yyjson_mut_doc *copy;
    size_t length = 0;
    char *written;

    assert_int_equal(json_parse(text, &doc, NULL), ACESO_OK);
    copy = yyjson_doc_mut_copy(doc, NULL);
    yyjson_mut_obj_remove_key(yyjson_mut_doc_get_root(copy), member);
    if (value)
        assert_true(yyjson_mut_obj_add_val(copy, yyjson_mut_doc_get_root(copy), member,
                                           yyjson_mut_raw(copy, value)));
    written = yyjson_mut_write(copy, YYJSON_WRITE_NOFLAG, &length);
    buffer_clear(out);
    assert_int_equal(buffer_put(out, written, length), ACESO_OK);
    free(written);
    yyjson_mut_doc_free(copy);
    yyjson_doc_free(doc);
}

static void test_credential_malformed(void **state)
{
    static const char *const bad[][2] = {
        { "institute", NULL },     { "institute", "\"0x01\"" }, { "category", "32" },
        { "category", "-1" },      { "category", "\"3\"" },     { "seal_key", NULL },
        { "tls_key_digest", "1" }, { "serial", "1.5" },         { "expiry", NULL },
        { "generation", "4294967296" },  { "signature", "\"0x\"" },   { "signature", NULL },
    };
    struct credential credential = sample_credential(), read;
    struct buffer text = BUFFER_INIT(8192), changed = BUFFER_INIT(65536);
    struct json_writer writer = json_writer_of(&text);

    (void)state;
    credential_write(&credential, &writer, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct aceso_error error = { 0 };

        document_with(buffer_bytes(&text), bad[i][0], bad[i][1], &changed);
        assert_int_equal(credential_parse(buffer_bytes(&changed), &read, &error), ACESO_EFORMAT);
        assert_string_equal(error.place, bad[i][0]);
    }
    buffer_clear(&changed);
    assert_int_equal(buffer_printf(&changed, "%9000s", "{}"), ACESO_OK);
    assert_int_equal(credential_parse(buffer_bytes(&changed), &read, NULL), ACESO_ELIMIT);
    buffer_free(&text);
    buffer_free(&changed);
}

static void sample_approval(struct approval *approval, struct buffer *text)
{
    struct json_writer writer = json_writer_of(text);

    *approval = (struct approval)APPROVAL_INIT;
    approval->content = (struct arsc_approval){ .request = { 1 }, .hospital = 2, .patient = { 3 },
                                                .institute = { 4 }, .level = 3, .term = 86400,
                                                .patient_epoch = 5, .nonce = UINT64_MAX,
                                                .deadline = 6 };
    memset(approval->signature, 7, sizeof approval->signature);
    assert_int_equal(buffer_put_string(&approval->grant, "sealed"), ACESO_OK);
    keccak256(bytes_of("sealed", 6), approval->content.grant_digest);
    approval_write(approval, &writer, NULL);
}

static void test_approval(void **state)
{
    struct buffer text = BUFFER_INIT(65536), again = BUFFER_INIT(65536);
    struct json_writer writer = json_writer_of(&again);
    struct approval approval, read;

    (void)state;
    sample_approval(&approval, &text);
    assert_int_equal(approval_parse(buffer_bytes(&text), &read, NULL), ACESO_OK);
    assert_memory_equal(read.content.request, approval.content.request, 32);
    assert_memory_equal(read.content.patient, approval.content.patient, 20);
    assert_memory_equal(read.content.institute, approval.content.institute, 20);
    assert_int_equal(read.content.level, 3);
    assert_true(read.content.nonce == UINT64_MAX);
    assert_int_equal(read.grant.len, 6);
    approval_write(&read, &writer, NULL);
    assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&again)));
    for (size_t len = 0; len < text.len; len += 3)
        assert_int_not_equal(approval_parse(bytes_of(text.data, len), &read, NULL), ACESO_OK);
    buffer_free(&approval.grant);
    buffer_free(&read.grant);
    buffer_free(&text);
    buffer_free(&again);
}

static void test_approval_malformed(void **state)
{
    static const char *const bad[][2] = {
        { "request", NULL },   { "hospital", "4294967296" }, { "patient", "\"x\"" },
        { "institute", NULL }, { "level", "5" },             { "term", "-1" },
        { "patient_epoch", NULL }, { "grant_digest", "\"0x00\"" }, { "nonce", "null" },
        { "deadline", "1e3" }, { "grant", "\"c2VhbGVE\"" },  { "grant", "\"*\"" },
        { "grant", NULL },     { "signature", "\"0x07\"" },
    };
    struct buffer text = BUFFER_INIT(65536), changed = BUFFER_INIT(65536);
    struct approval approval, read;

    (void)state;
    sample_approval(&approval, &text);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct aceso_error error = { 0 };

        document_with(buffer_bytes(&text), bad[i][0], bad[i][1], &changed);
        assert_int_equal(approval_parse(buffer_bytes(&changed), &read, &error), ACESO_EFORMAT);
        assert_string_equal(error.place, bad[i][0]);
    }
    buffer_free(&approval.grant);
    buffer_free(&text);
    buffer_free(&changed);
}

static void test_listing(void **state)
{
    const struct ledger_request request = { .id = { 1 }, .hospital = 2, .patient = { 4 },
                                            .institute = { 3 }, .purpose = 1, .level = 3,
                                            .until = 86400,
                                            .status = LEDGER_APPROVED, .granted = 1 };
    struct buffer out = BUFFER_INIT(65536);
    struct listing listing;
    yyjson_doc *doc = NULL;
    yyjson_val *entry;

    (void)state;
    listing_begin(&listing, "patients", NULL, &out);
    assert_int_equal(listing_end(&listing, "nobody", ACESO_OK), ACESO_OK);
    assert_string_equal(buffer_text(&out), "{\"patients\":[],\"message\":\"nobody\"}");
    buffer_clear(&out);
    listing_begin(&listing, "patients", NULL, &out);
    assert_int_equal(listing_patient(&listing, (const uint8_t[20]){ 1 }), ACESO_OK);
    assert_int_equal(listing_patient(&listing, (const uint8_t[20]){ 2 }), ACESO_OK);
    assert_int_equal(listing_end(&listing, "nobody", ACESO_OK), ACESO_OK);
    assert_string_equal(buffer_text(&out),
                        "{\"patients\":[\"0x0100000000000000000000000000000000000000\","
                        "\"0x0200000000000000000000000000000000000000\"],\"message\":"
                        "\"0x0100000000000000000000000000000000000000\\u000a"
                        "0x0200000000000000000000000000000000000000\"}");
    buffer_clear(&out);
    listing_begin(&listing, "requests", NULL, &out);
    assert_int_equal(listing_request(&listing, &request, NULL), ACESO_OK);
    assert_int_equal(buffer_put_string(&listing.text, ", by rule 1"), ACESO_OK);
    assert_int_equal(listing_end(&listing, "nobody", ACESO_EIO), ACESO_EIO);
    assert_int_equal(json_parse(buffer_bytes(&out), &doc, NULL), ACESO_OK);
    entry = yyjson_arr_get(yyjson_obj_get(yyjson_doc_get_root(doc), "requests"), 0);
    assert_string_equal(json_string_or(entry, "level", ""), "high");
    assert_string_equal(json_string_or(entry, "granted", ""), "low");
    assert_string_equal(json_string_or(entry, "status", ""), "approved");
    assert_string_equal(json_string_or(entry, "until", ""), "1970-01-02T00:00:00Z");
    assert_string_equal(json_string_or(entry, "at", ""), "hospital 2");
    assert_string_equal(
        json_string_or(yyjson_doc_get_root(doc), "message", ""),
        "0x0100000000000000000000000000000000000000000000000000000000000000 approved "
        " 0x0300000000000000000000000000000000000000 asks hospital 2 for high of"
        " 0x0400000000000000000000000000000000000000 (TREAT), granted low, by rule 1");
    yyjson_doc_free(doc);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credential), cmocka_unit_test(test_credential_malformed),
        cmocka_unit_test(test_approval),   cmocka_unit_test(test_approval_malformed),
        cmocka_unit_test(test_listing),
    };

    return cmocka_run_group_tests_name("node documents", tests, NULL, NULL);
}
