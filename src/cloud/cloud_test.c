/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the module's text in: what the handlers do for whom, as the server has verified them. */
#include "cloud/cloud.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME_BUT_ONE "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2"
#define NAME NAME_BUT_ONE "0"

struct place {
    char directory[64];
    struct node node;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    assert_non_null(place);
    memcpy(place->directory, "/tmp/aceso-cloud-XXXXXX", 24);
    assert_non_null(mkdtemp(place->directory));
    place->node.directory = place->directory;
    place->node.roles = (struct roles){ { &cloud_role }, 1 };
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {
        "node.db", "node.db-wal", "node.db-shm",
        "objects/0100000000000000000000000000000000000000.db",
        "objects/0200000000000000000000000000000000000000.db", "objects",
    };
    struct place *place = *state;
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(node_path(&place->node, names[i], path, sizeof path, NULL), ACESO_OK);
        (void)remove(path);
    }
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

/* One call by a party of `role` whose address begins with `who`; the answer into `out`. */
static int call(struct place *place, http_handler *handler, const char *pattern, const char *url,
                const char *role, uint8_t who, struct bytes body, struct buffer *out)
{
    struct x509_identity identity = { .address = { who } };
    struct http_response response = { .status = 200, .body = BUFFER_INIT(HTTP_BODY_MAX) };
    struct http_target target;
    struct http_request request = { .body = body, .who = &identity, .target = &target };
    int code;

    (void)snprintf(identity.role, sizeof identity.role, "%s", role);
    assert_int_equal(http_target_parse(url, &target, NULL), ACESO_OK);
    assert_int_equal(http_target_match(&target, pattern, NULL), 1);
    code = handler(&place->node, &request, &response, NULL);
    if (!code && out) {
        buffer_clear(out);
        assert_int_equal(buffer_put_bytes(out, buffer_bytes(&response.body)), ACESO_OK);
    }
    buffer_free(&response.body);
    return code;
}

#define ONE "/v1/objects/{name}"
#define AT "/v1/objects/" NAME

static int put(struct place *place, const char *role, uint8_t who, uint8_t fill)
{
    uint8_t bytes[2097];

    memset(bytes, fill, sizeof bytes);
    return call(place, cloud_serve_put, ONE, AT, role, who, bytes_of(bytes, sizeof bytes), NULL);
}

static int get(struct place *place, uint8_t who, struct buffer *out)
{
    return call(place, cloud_serve_get, ONE, AT, "hospital", who, bytes_of(NULL, 0), out);
}

static void test_hospitals_apart(void **state)
{
    struct buffer out = BUFFER_INIT(1 << 20);
    struct place *place = *state;

    assert_int_equal(put(place, "hospital", 1, 7), ACESO_OK);
    assert_int_equal(get(place, 1, &out), ACESO_OK);
    assert_int_equal(out.len, 2097);
    assert_int_equal(get(place, 2, &out), ACESO_ENOTFOUND);
    assert_int_equal(call(place, cloud_serve_list, "/v1/objects", "/v1/objects", "hospital", 2,
                          bytes_of(NULL, 0), &out),
                     ACESO_OK);
    assert_int_equal(out.len, 1);
    assert_int_equal(call(place, cloud_serve_delete, ONE, AT, "hospital", 2, bytes_of(NULL, 0),
                          &out),
                     ACESO_OK);
    assert_string_equal(buffer_text(&out), "{\"removed\":0}");
    assert_int_equal(put(place, "hospital", 2, 8), ACESO_OK);
    assert_int_equal(get(place, 1, &out), ACESO_OK);
    assert_int_equal(out.data[0], 7);
    assert_int_equal(call(place, cloud_serve_delete, ONE, AT, "hospital", 1, bytes_of(NULL, 0),
                          &out),
                     ACESO_OK);
    assert_string_equal(buffer_text(&out), "{\"removed\":1}");
    assert_int_equal(get(place, 1, &out), ACESO_ENOTFOUND);
    assert_int_equal(get(place, 2, &out), ACESO_OK);
    assert_int_equal(out.data[0], 8);
    buffer_free(&out);
}

static void test_hospitals_only(void **state)
{
    static const char *const others[] = { "patient", "institute", "cloud", "ca" };
    struct place *place = *state;

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(put(place, others[i], 1, 7), ACESO_EDENIED);
        assert_int_equal(call(place, cloud_serve_list, "/v1/objects", "/v1/objects", others[i], 1,
                              bytes_of(NULL, 0), NULL),
                         ACESO_EDENIED);
    }
}

static void test_names(void **state)
{
    static const char *const urls[] = { "/v1/objects/01", "/v1/objects/0x" NAME,
                                        "/v1/objects/" NAME "00",
                                        "/v1/objects/" NAME_BUT_ONE "g" };
    struct place *place = *state;

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(call(place, cloud_serve_get, ONE, urls[i], "hospital", 1,
                              bytes_of(NULL, 0), NULL),
                         ACESO_EFORMAT);
    assert_int_equal(call(place, cloud_serve_list, "/v1/objects", "/v1/objects?after=zz",
                          "hospital", 1, bytes_of(NULL, 0), NULL),
                     ACESO_EFORMAT);
}

static int set_quota(struct place *place, const char *json)
{
    struct buffer result = BUFFER_INIT(4096);
    struct operation operation = { .node = &place->node };
    yyjson_doc *doc = NULL;
    int code = json_parse(bytes_of_string(json), &doc, NULL);

    assert_int_equal(code, ACESO_OK);
    operation.input = yyjson_doc_get_root(doc);
    code = cloud_set_quota(&operation, &result, NULL);
    yyjson_doc_free(doc);
    buffer_free(&result);
    return code;
}

static void test_quota(void **state)
{
    struct buffer out = BUFFER_INIT(4096);
    struct place *place = *state;

    assert_int_equal(set_quota(place, "{\"bytes\":0}"), ACESO_OK);
    assert_int_equal(set_quota(place, "{\"bytes\":5000,\"hospital\":"
                                      "\"0x0200000000000000000000000000000000000000\"}"),
                     ACESO_OK);
    assert_int_equal(put(place, "hospital", 1, 7), ACESO_ELIMIT);
    assert_int_equal(put(place, "hospital", 2, 7), ACESO_OK);
    assert_int_equal(call(place, cloud_serve_usage, "/v1/usage", "/v1/usage", "hospital", 2,
                          bytes_of(NULL, 0), &out),
                     ACESO_OK);
    assert_string_equal(buffer_text(&out), "{\"objects\":1,\"bytes\":2097,\"quota\":5000}");
    assert_int_equal(set_quota(place, "{\"bytes\":-1}"), ACESO_EFORMAT);
    buffer_free(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_hospitals_apart), TEST(test_hospitals_only), TEST(test_names), TEST(test_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
