/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct http_target target;

static int parse(const char *text)
{
    return http_target_parse(text, &target, NULL);
}

static void test_paths(void **state)
{
    static const char *const good[] = { "/", "/v1", "/v1/requests/17", "/a/.hidden", "/a/..b",
                                        "/a/...", "/%41", "/a;b=c,d@e:f!$&'()*+" };
    static const char *const bad[] = { "", "v1", "*", "http://a/b", "//", "/v1/", "/v1//a", "/.",
                                       "/..", "/v1/../a", "/v1/./a", "/a b", "/a\tb", "/a\x7f",
                                       "/\xc3\xa9", "/a#b", "?a=b" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(parse(good[i]), ACESO_OK);
        assert_string_equal(target.text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), ACESO_EFORMAT);
}

static void test_queries(void **state)
{
    (void)state;
    assert_int_equal(parse("/v1?limit=20&after=a%2Bb+c%3d&flag&empty=&r%C3%A9=%e2%82%ac"),
                     ACESO_OK);
    assert_string_equal(target.text, "/v1");
    assert_int_equal(target.query.count, 5);
    assert_string_equal(http_parameters_get(&target.query, "limit"), "20");
    assert_string_equal(http_parameters_get(&target.query, "after"), "a+b c=");
    assert_string_equal(http_parameters_get(&target.query, "flag"), "");
    assert_string_equal(http_parameters_get(&target.query, "empty"), "");
    assert_string_equal(http_parameters_get(&target.query, "r\xc3\xa9"), "\xe2\x82\xac");
    assert_null(http_parameters_get(&target.query, "Limit"));
    assert_int_equal(parse("/v1?"), ACESO_OK);
    assert_int_equal(target.query.count, 0);
    assert_int_equal(parse("/v1?a=b?c/d=e"), ACESO_OK);
    assert_string_equal(http_parameters_get(&target.query, "a"), "b?c/d=e");
}

static void test_queries_refused(void **state)
{
    static const char *const bad[] = {
        "/a?=b",      "/a?a=1&",     "/a?&a=1",     "/a?a=1&&b=2",   "/a?a=1&a=2", "/a?a=1&%61=2",
        "/a?a=%",     "/a?a=%4",     "/a?a=%4g",    "/a?a=%g4",      "/a?a=%00",   "/a?a=%0a",
        "/a?a=%7f",   "/a?a=%ff",    "/a?a=%c0%80", "/a?a=%ed%a0%80", "/a?%c3=1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), ACESO_EFORMAT);
}

static void test_limits(void **state)
{
    char text[HTTP_TARGET_MAX + 2];
    size_t len = 0;

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[0] = '/';
    text[sizeof text - 1] = '\0';
    assert_int_equal(parse(text), ACESO_ELIMIT);
    text[HTTP_TARGET_MAX] = '\0';
    assert_int_equal(parse(text), ACESO_OK);
    assert_int_equal(http_target_match(&target, "/{a}", NULL), 1);
    text[1] = '?';
    text[2 + HTTP_NAME_MAX] = '=';
    assert_int_equal(parse(text), ACESO_OK);
    text[2 + HTTP_NAME_MAX] = 'a';
    text[3 + HTTP_NAME_MAX] = '=';
    assert_int_equal(parse(text), ACESO_ELIMIT);

    len = (size_t)snprintf(text, sizeof text, "/?");
    for (int i = 0; i < HTTP_PARAMETERS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%sp%d", i ? "&" : "", i);
    assert_int_equal(parse(text), ACESO_OK);
    (void)snprintf(text + len, sizeof text - len, "&one=more");
    assert_int_equal(parse(text), ACESO_ELIMIT);
}

static int match(const char *text, const char *pattern)
{
    assert_int_equal(parse(text), ACESO_OK);
    return http_target_match(&target, pattern, NULL);
}

static void test_patterns(void **state)
{
    (void)state;
    assert_int_equal(match("/", "/"), 1);
    assert_int_equal(match("/", "/{a}"), 0);
    assert_int_equal(match("/v1", "/"), 0);
    assert_int_equal(match("/v1/requests", "/v1/requests"), 1);
    assert_int_equal(match("/v1/requestz", "/v1/requests"), 0);
    assert_int_equal(match("/v1/request", "/v1/requests"), 0);
    assert_int_equal(match("/v1/requests/7", "/v1/requests"), 0);
    assert_int_equal(match("/v1/requests", "/v1/requests/{id}"), 0);
    assert_int_equal(match("/v1/%72equests", "/v1/requests"), 0);
    assert_int_equal(match("/v1/requests/7/parts/a%20b?id=9", "/v1/requests/{id}/parts/{part}"), 1);
    assert_int_equal(target.path.count, 2);
    assert_string_equal(http_parameters_get(&target.path, "id"), "7");
    assert_string_equal(http_parameters_get(&target.path, "part"), "a b");
    assert_string_equal(http_parameters_get(&target.query, "id"), "9");
    assert_int_equal(http_target_match(&target, "/v1/requests/{other}/parts/x", NULL), 0);
    assert_int_equal(http_target_match(&target, "/v1/{x}/{y}/parts/{z}", NULL), 1);
    assert_string_equal(http_parameters_get(&target.path, "y"), "7");
    assert_null(http_parameters_get(&target.path, "id"));
}

static void test_parameters_of_a_path_refused(void **state)
{
    static const char *const bad[] = { "/v1/%2f", "/v1/a%2Fb", "/v1/%2e", "/v1/%2E%2e", "/v1/%00",
                                       "/v1/%ff", "/v1/%", "/v1/%1", "/v1/%0d%0a" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(match(bad[i], "/v1/{a}"), ACESO_EFORMAT);
    assert_int_equal(match("/v1/a+b", "/v1/{a}"), 1);
    assert_string_equal(http_parameters_get(&target.path, "a"), "a+b");
}

static void test_escape_and_back(void **state)
{
    static const char value[] = "a b/c?d&e=f%g\xe2\x82\xac-._~";
    struct buffer text = BUFFER_INIT(1024);

    (void)state;
    (void)buffer_put_string(&text, "/v1?q=");
    assert_int_equal(http_target_escape(value, &text), ACESO_OK);
    assert_string_equal(buffer_text(&text), "/v1?q=a%20b%2Fc%3Fd%26e%3Df%25g%E2%82%AC-._~");
    assert_int_equal(parse(buffer_text(&text)), ACESO_OK);
    assert_string_equal(http_parameters_get(&target.query, "q"), value);
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_queries_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_parameters_of_a_path_refused),
        cmocka_unit_test(test_escape_and_back),
    };

    return cmocka_run_group_tests_name("net http_target", tests, NULL, NULL);
}
