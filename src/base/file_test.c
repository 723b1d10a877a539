/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of file: bounded reads, writes that are whole or not at all, directories and modes. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct room {
    char directory[256];
    char path[512]; /* of `name` in it, see room_path */
};

static const char *room_path(struct room *room, const char *name)
{
    assert_int_equal(file_path(room->directory, name, room->path, sizeof room->path), ACESO_OK);
    return room->path;
}

static size_t room_entries(const struct room *room)
{
    DIR *directory = opendir(room->directory);
    size_t count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    (void)closedir(directory);
    return count - 2;
}

static int room_make(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    const char *parent = getenv("TMPDIR");

    if (!room)
        return -1;
    (void)snprintf(room->directory, sizeof room->directory, "%s/aceso-file-XXXXXX",
                   parent ? parent : "/tmp");
    *state = room;
    return mkdtemp(room->directory) ? 0 : -1;
}

static int room_remove(void **state)
{
    char command[300];
    struct room *room = *state;

    (void)snprintf(command, sizeof command, "rm -rf '%s'", room->directory);
    free(room);
    return system(command) == 0 ? 0 : -1;
}

static void test_writes_and_reads_back(void **state)
{
    struct room *room = *state;
    const char *path = room_path(room, "a");
    struct buffer big = BUFFER_INIT(300000), back = BUFFER_INIT(300000);
    struct stat status;

    for (uint32_t i = 0; i < 75000; i++)
        (void)buffer_put_u32(&big, i * 2654435761u);
    assert_int_equal(file_write(path, buffer_bytes(&big), 0600, NULL), ACESO_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, &back, NULL), ACESO_OK);
    assert_true(bytes_equal(buffer_bytes(&big), buffer_bytes(&back)));
    assert_int_equal(room_entries(room), 1);
    buffer_free(&big);
    buffer_free(&back);
}

static void test_replaces_whole(void **state)
{
    struct room *room = *state;
    const char *path = room_path(room, "a");
    struct buffer back = BUFFER_INIT(64);

    assert_int_equal(file_write(path, bytes_of_string("a long first text"), 0644, NULL), ACESO_OK);
    assert_int_equal(file_write(path, bytes_of_string("short"), 0600, NULL), ACESO_OK);
    assert_int_equal(file_read(path, &back, NULL), ACESO_OK);
    assert_string_equal(buffer_text(&back), "short");
    assert_int_equal(file_write(path, bytes_of(NULL, 0), 0600, NULL), ACESO_OK);
    buffer_clear(&back);
    assert_int_equal(file_read(path, &back, NULL), ACESO_OK);
    assert_int_equal(back.len, 0);
    assert_int_equal(room_entries(room), 1);
    buffer_free(&back);
}

/* A reader that opened the file before a write goes on reading the old one. */
static void test_an_open_reader_keeps_the_old_file(void **state)
{
    struct room *room = *state;
    const char *path = room_path(room, "a");
    char text[4] = "";
    int fd;

    assert_int_equal(file_write(path, bytes_of_string("old"), 0600, NULL), ACESO_OK);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(file_write(path, bytes_of_string("new"), 0600, NULL), ACESO_OK);
    assert_int_equal(read(fd, text, 3), 3);
    assert_string_equal(text, "old");
    (void)close(fd);
}

static void test_failed_write_leaves_nothing(void **state)
{
    struct room *room = *state;
    struct aceso_error error = { 0, "", "" };
    char path[600];

    (void)snprintf(path, sizeof path, "%s", room_path(room, "none/a"));
    assert_int_equal(file_write(path, bytes_of_string("x"), 0600, &error), ACESO_EIO);
    assert_string_equal(error.place, path);
    assert_int_equal(mkdir(room_path(room, "d"), 0700), 0);
    assert_int_equal(file_write(room_path(room, "d"), bytes_of_string("x"), 0600, &error),
                     ACESO_EIO);
    assert_int_equal(room_entries(room), 1);
}

static void test_too_long_a_path(void **state)
{
    char path[5000];

    (void)state;
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(file_write(path, bytes_of_string("x"), 0600, NULL), ACESO_ELIMIT);
    assert_true(file_make_directory(path, NULL) < 0);
    assert_true(file_make_directory("", NULL) < 0);
    assert_int_equal(file_path("directory", "name", path, 14), ACESO_ELIMIT);
    assert_int_equal(file_path("directory", "name", path, 15), ACESO_OK);
    assert_string_equal(path, "directory/name");
}

static void test_read_limit(void **state)
{
    struct room *room = *state;
    const char *path = room_path(room, "a");
    struct buffer enough = BUFFER_INIT(5), small = BUFFER_INIT(4);
    struct aceso_error error = { 0, "", "" };

    assert_int_equal(file_write(path, bytes_of_string("12345"), 0600, NULL), ACESO_OK);
    assert_int_equal(file_read(path, &enough, &error), ACESO_OK);
    assert_string_equal(buffer_text(&enough), "12345");
    assert_int_equal(file_read(path, &small, &error), ACESO_ELIMIT);
    assert_string_equal(error.place, path);
    assert_non_null(strstr(error.text, "4 bytes"));
    buffer_free(&enough);
    buffer_free(&small);
}

static void test_read_failures(void **state)
{
    struct room *room = *state;
    struct buffer out = BUFFER_INIT(64);
    struct aceso_error error = { 0, "", "" };

    assert_int_equal(file_read(room_path(room, "none"), &out, &error), ACESO_ENOTFOUND);
    assert_string_equal(error.place, room->path);
    assert_int_equal(file_read(room->directory, &out, &error), ACESO_EIO);
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

static void test_makes_directories(void **state)
{
    struct room *room = *state;
    struct aceso_error error = { 0, "", "" };
    struct stat status;

    assert_int_equal(file_make_directory(room_path(room, "a/b/c"), &error), ACESO_OK);
    assert_int_equal(stat(room->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(file_make_directory(room->path, &error), ACESO_OK);
    assert_true(file_exists(room->path));
    assert_int_equal(file_write(room_path(room, "f"), bytes_of_string("x"), 0600, NULL), ACESO_OK);
    assert_int_equal(file_make_directory(room_path(room, "f/d"), &error), ACESO_EIO);
    assert_int_equal(file_make_directory(room_path(room, "f"), &error), ACESO_EIO);
    assert_false(file_exists(room_path(room, "none")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_writes_and_reads_back, room_make, room_remove),
        cmocka_unit_test_setup_teardown(test_replaces_whole, room_make, room_remove),
        cmocka_unit_test_setup_teardown(test_an_open_reader_keeps_the_old_file, room_make,
                                        room_remove),
        cmocka_unit_test_setup_teardown(test_failed_write_leaves_nothing, room_make, room_remove),
        cmocka_unit_test(test_too_long_a_path),
        cmocka_unit_test_setup_teardown(test_read_limit, room_make, room_remove),
        cmocka_unit_test_setup_teardown(test_read_failures, room_make, room_remove),
        cmocka_unit_test_setup_teardown(test_makes_directories, room_make, room_remove),
    };

    return cmocka_run_group_tests_name("base file", tests, NULL, NULL);
}
