/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_every_code_has_status_and_word(void **state)
{
    (void)state;
    for (int code = -1; code >= ACESO_EINTERNAL; code--) {
        assert_in_range(http_problem_status(code), 400, 599);
        assert_int_equal(http_problem_code(http_problem_word(code)), code);
    }
    assert_int_equal(http_problem_status(ACESO_OK), 200);
    assert_int_equal(http_problem_status(ACESO_EDENIED), 403);
    assert_string_equal(http_problem_word(ACESO_EDENIED), "denied");
    assert_int_equal(http_problem_status(-99), 500);
    assert_int_equal(http_problem_code("no such word"), ACESO_EINTERNAL);
}

static void test_every_status_is_some_failure(void **state)
{
    (void)state;
    for (unsigned status = 0; status < 1000; status++)
        assert_true(http_problem_of_status(status) < 0);
    assert_int_equal(http_problem_of_status(401), ACESO_EDENIED);
    assert_int_equal(http_problem_of_status(404), ACESO_ENOTFOUND);
    assert_int_equal(http_problem_of_status(418), ACESO_EUSAGE);
    assert_int_equal(http_problem_of_status(302), ACESO_EIO);
}

static void test_written_and_read(void **state)
{
    struct aceso_error problem, error = { 0 };
    struct buffer body = BUFFER_INIT(HTTP_PROBLEM_MAX);

    (void)state;
    (void)error_set(&problem, ACESO_EDENIED, "request 17", "no \"consent\"\n\xe2\x82\xac");
    assert_int_equal(http_problem_write(&problem, 403, &body), ACESO_OK);
    assert_string_equal(buffer_text(&body),
                        "{\"code\":\"denied\",\"status\":403,\"text\":\"no \\\"consent\\\""
                        "\\u000a\xe2\x82\xac\",\"place\":\"request 17\"}");
    assert_int_equal(http_problem_read(403, buffer_bytes(&body), &error), ACESO_EDENIED);
    assert_int_equal(error.code, ACESO_EDENIED);
    assert_string_equal(error.text, "no \"consent\"?\xe2\x82\xac");
    assert_string_equal(error.place, "request 17");
    assert_int_equal(http_problem_read(403, buffer_bytes(&body), NULL), ACESO_EDENIED);
    buffer_free(&body);
}

static void test_written_without_text_or_utf8(void **state)
{
    struct aceso_error problem = { .code = ACESO_EBUSY };
    struct buffer body = BUFFER_INIT(HTTP_PROBLEM_MAX);

    (void)state;
    assert_int_equal(http_problem_write(&problem, 503, &body), ACESO_OK);
    assert_string_equal(buffer_text(&body),
                        "{\"code\":\"busy\",\"status\":503,\"text\":\"busy, try again\"}");
    buffer_clear(&body);
    (void)error_set(&problem, ACESO_EBUSY, NULL, "a\xff" "b\xe2\x82");
    assert_int_equal(http_problem_write(&problem, 503, &body), ACESO_OK);
    assert_string_equal(buffer_text(&body),
                        "{\"code\":\"busy\",\"status\":503,\"text\":\"a?b??\"}");
    buffer_free(&body);
}

static void test_read_of_anything_else(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        int code;
        const char *text;
    } cases[] = {
        { 404, "", ACESO_ENOTFOUND, "the other side answered with status 404" },
        { 404, "<html>", ACESO_ENOTFOUND, "the other side answered with status 404" },
        { 503, "[]", ACESO_EBUSY, "busy, try again" },
        { 503, "{\"code\":7,\"text\":[]}", ACESO_EBUSY, "busy, try again" },
        { 302, "{}", ACESO_EIO, "input or output failed" },
        { 403, "{\"code\":\"chain\",\"text\":\"reverted\"}", ACESO_ECHAIN, "reverted" },
        { 403, "{\"code\":\"\",\"text\":\"a\\u001b[2Jb\"}", ACESO_EINTERNAL, "a?[2Jb" },
        { 500, "{\"code\":\"internal\",\"text\":\"%s%n\"}", ACESO_EINTERNAL, "%s%n" },
        { 200, "{}", ACESO_EIO, "input or output failed" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aceso_error error = { 0 };

        assert_int_equal(http_problem_read(cases[i].status, bytes_of_string(cases[i].body), &error),
                         cases[i].code);
        assert_int_equal(error.code, cases[i].code);
        assert_string_equal(error.text, cases[i].text);
    }
}

static void test_long_texts_are_cut(void **state)
{
    struct buffer body = BUFFER_INIT(HTTP_PROBLEM_MAX);
    struct aceso_error error = { 0 };

    (void)state;
    assert_int_equal(buffer_printf(&body, "{\"code\":\"state\",\"text\":\"%05000d\"}", 1),
                     ACESO_OK);
    assert_int_equal(http_problem_read(409, buffer_bytes(&body), &error), ACESO_ESTATE);
    assert_int_equal(strlen(error.text), ACESO_ERROR_TEXT_MAX - 1);
    buffer_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_status_and_word),
        cmocka_unit_test(test_every_status_is_some_failure),
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_written_without_text_or_utf8),
        cmocka_unit_test(test_read_of_anything_else),
        cmocka_unit_test(test_long_texts_are_cut),
    };

    return cmocka_run_group_tests_name("net http_problem", tests, NULL, NULL);
}
