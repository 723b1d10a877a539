/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of log: one line an entry whatever is put in, levels, the party. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static char line[4096];
static int old_stderr, pipe_ends[2];

static int capture_start(void **state)
{
    (void)state;
    if (pipe(pipe_ends) != 0)
        return -1;
    old_stderr = dup(STDERR_FILENO);
    return dup2(pipe_ends[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int capture_end(void **state)
{
    (void)state;
    (void)close(pipe_ends[0]);
    (void)close(old_stderr);
    return 0;
}

/* What was logged since the start of the test. */
static const char *captured(void)
{
    ssize_t got;

    (void)dup2(old_stderr, STDERR_FILENO);
    (void)close(pipe_ends[1]);
    got = read(pipe_ends[0], line, sizeof line - 1);
    line[got > 0 ? got : 0] = '\0';
    return line;
}

static void test_a_line_has_time_level_party_text(void **state)
{
    (void)state;
    log_init("hospital-a", LOG_LEVEL_INFO);
    log_info("block %d", 12);
    assert_non_null(strstr(captured(), "Z info hospital-a: block 12\n"));
    assert_int_equal(strlen(line), 20 + strlen(" info hospital-a: block 12\n"));
    assert_int_equal(line[10], 'T');
}

static void test_levels(void **state)
{
    (void)state;
    log_init("p", LOG_LEVEL_WARNING);
    log_debug("one");
    log_info("two");
    log_warning("three");
    log_error("four");
    (void)captured();
    assert_null(strstr(line, "one"));
    assert_null(strstr(line, "two"));
    assert_non_null(strstr(line, " warning p: three\n"));
    assert_non_null(strstr(line, " error p: four\n"));
}

static void test_control_characters_cannot_forge_a_line(void **state)
{
    (void)state;
    log_init("p", LOG_LEVEL_INFO);
    log_info("%s", "a\n2026-01-01T00:00:00Z error p: forged\x1b[2J\x7f");
    (void)captured();
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_non_null(strstr(line, "a?2026"));
    assert_null(strchr(line, '\x1b'));
    assert_null(strchr(line, '\x7f'));
}

static void test_long_entries_are_cut(void **state)
{
    char words[3000];

    (void)state;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    log_init(words, LOG_LEVEL_INFO);
    log_info("%s", words);
    (void)captured();
    assert_true(strlen(line) <= 1024);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line_has_time_level_party_text, capture_start,
                                        capture_end),
        cmocka_unit_test_setup_teardown(test_levels, capture_start, capture_end),
        cmocka_unit_test_setup_teardown(test_control_characters_cannot_forge_a_line, capture_start,
                                        capture_end),
        cmocka_unit_test_setup_teardown(test_long_entries_are_cut, capture_start, capture_end),
    };

    return cmocka_run_group_tests_name("base log", tests, NULL, NULL);
}
