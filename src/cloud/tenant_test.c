/* SPDX-License-Identifier: Apache-2.0 */
/* What one tenant has, and that it is nobody else's. */
#include "cloud/tenant.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define QUOTA ((uint64_t)1 << 20)

static const uint8_t mercy[20] = { 1 }, hope[20] = { 2 };

struct place {
    char directory[64];
    struct tenant *mercy, *hope;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    assert_non_null(place);
    memcpy(place->directory, "/tmp/aceso-tenant-XXXXXX", 25);
    assert_non_null(mkdtemp(place->directory));
    assert_int_equal(tenant_open(place->directory, mercy, true, &place->mercy, NULL), ACESO_OK);
    assert_int_equal(tenant_open(place->directory, hope, true, &place->hope, NULL), ACESO_OK);
    *state = place;
    return 0;
}

static int remove_file(void *data, const uint8_t hospital[20], struct aceso_error *error)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    const struct place *place = data;
    char path[160];

    (void)error;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%02x%038x.db%s", place->directory, hospital[0], 0,
                       ends[i]);
        (void)unlink(path);
    }
    return ACESO_OK;
}

static int teardown(void **state)
{
    struct place *place = *state;

    tenant_close(place->mercy);
    tenant_close(place->hope);
    assert_int_equal(tenant_each(place->directory, remove_file, place, NULL), ACESO_OK);
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

/* Writes an object whose bytes are all `fill` under a name that begins with `name`. */
static int write_one(struct tenant *tenant, uint8_t name, uint8_t fill, size_t size,
                     uint64_t quota)
{
    const uint8_t full[OBJECT_NAME_SIZE] = { name };
    struct buffer batch = BUFFER_INIT(OBJECT_BATCH_BYTES), bytes = BUFFER_INIT(OBJECT_SIZE_MAX);
    size_t count = 0;
    int code;

    assert_int_equal(buffer_put_zeros(&bytes, size), ACESO_OK);
    memset(bytes.data, fill, size);
    assert_int_equal(object_batch_start(&batch), ACESO_OK);
    assert_int_equal(object_batch_put(full, buffer_bytes(&bytes), &batch), ACESO_OK);
    code = tenant_write(tenant, buffer_bytes(&batch), quota, &count, NULL);
    assert_int_equal(count, code ? 0 : 1);
    buffer_free(&batch);
    buffer_free(&bytes);
    return code;
}

static int take_first(void *data, const uint8_t name[OBJECT_NAME_SIZE], struct bytes object,
                      struct aceso_error *error)
{
    (void)name;
    (void)error;
    *(int *)data = object.data[0];
    return ACESO_OK;
}

/* The first byte of the object under the name, -1 where there is none. */
static int first_byte(struct tenant *tenant, uint8_t name)
{
    const uint8_t names[1][OBJECT_NAME_SIZE] = { { name } };
    struct buffer out = BUFFER_INIT(OBJECT_BATCH_BYTES);
    int found = -1;

    assert_int_equal(tenant_read(tenant, names, 1, &out, NULL), ACESO_OK);
    assert_int_equal(object_batch_each(buffer_bytes(&out), take_first, &found, NULL), ACESO_OK);
    buffer_free(&out);
    return found;
}

static size_t remove_one(struct tenant *tenant, uint8_t name)
{
    const uint8_t names[1][OBJECT_NAME_SIZE] = { { name } };
    size_t count = 9;

    assert_int_equal(tenant_remove(tenant, names, 1, &count, NULL), ACESO_OK);
    return count;
}

static struct tenant_usage usage_of(struct tenant *tenant)
{
    struct tenant_usage usage;

    assert_int_equal(tenant_usage(tenant, &usage, NULL), ACESO_OK);
    return usage;
}

static size_t list_count(struct tenant *tenant, const uint8_t *after)
{
    uint8_t names[16][OBJECT_NAME_SIZE];
    struct buffer out = BUFFER_INIT(1 << 20);
    size_t count = 0;

    assert_int_equal(tenant_list(tenant, after, &out, NULL), ACESO_OK);
    assert_int_equal(object_batch_names(buffer_bytes(&out), names, 16, &count, NULL), ACESO_OK);
    for (size_t i = 1; i < count; i++)
        assert_true(memcmp(names[i - 1], names[i], OBJECT_NAME_SIZE) < 0);
    buffer_free(&out);
    return count;
}

static void test_kept(void **state)
{
    struct place *place = *state;
    const uint8_t middle[OBJECT_NAME_SIZE] = { 2 };

    for (uint8_t name = 3; name > 0; name--)
        assert_int_equal(write_one(place->mercy, name, name, 3000, QUOTA), ACESO_OK);
    assert_int_equal(first_byte(place->mercy, 2), 2);
    assert_int_equal(list_count(place->mercy, NULL), 3);
    assert_int_equal(list_count(place->mercy, middle), 1);
    assert_int_equal(write_one(place->mercy, 2, 9, 4000, QUOTA), ACESO_OK); /* replaced */
    assert_int_equal(first_byte(place->mercy, 2), 9);
    assert_int_equal(usage_of(place->mercy).objects, 3);
    assert_int_equal(usage_of(place->mercy).bytes, 10000);
    assert_int_equal(remove_one(place->mercy, 2), 1);
    assert_int_equal(remove_one(place->mercy, 2), 0);
    assert_int_equal(first_byte(place->mercy, 2), -1);
    assert_int_equal(usage_of(place->mercy).bytes, 6000);
}

static void test_apart(void **state)
{
    struct place *place = *state;

    assert_int_equal(write_one(place->mercy, 1, 7, 3000, QUOTA), ACESO_OK);
    assert_int_equal(first_byte(place->hope, 1), -1);      /* cannot read */
    assert_int_equal(list_count(place->hope, NULL), 0);    /* cannot list */
    assert_int_equal(remove_one(place->hope, 1), 0);       /* cannot delete */
    assert_int_equal(write_one(place->hope, 1, 8, 3000, QUOTA), ACESO_OK);
    assert_int_equal(first_byte(place->mercy, 1), 7);      /* cannot overwrite */
    assert_int_equal(first_byte(place->hope, 1), 8);
    assert_int_equal(usage_of(place->mercy).objects, 1);
}

static void test_quota(void **state)
{
    struct place *place = *state;

    assert_int_equal(write_one(place->mercy, 1, 1, 3000, 5000), ACESO_OK);
    assert_int_equal(write_one(place->mercy, 2, 2, 3000, 5000), ACESO_ELIMIT);
    assert_int_equal(first_byte(place->mercy, 2), -1);
    assert_int_equal(usage_of(place->mercy).bytes, 3000);
    assert_int_equal(write_one(place->mercy, 1, 3, 5000, 5000), ACESO_OK); /* in its place */
    assert_int_equal(write_one(place->mercy, 1, 4, 5001, 5000), ACESO_ELIMIT);
    assert_int_equal(first_byte(place->mercy, 1), 3);
}

/* All of a batch or nothing. */
static void test_whole_batches(void **state)
{
    const uint8_t names[2][OBJECT_NAME_SIZE] = { { 1 }, { 2 } };
    const uint8_t bytes[3000] = { 5 };
    struct buffer batch = BUFFER_INIT(65536);
    struct place *place = *state;
    size_t count = 0;

    assert_int_equal(object_batch_start(&batch), ACESO_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(object_batch_put(names[i], bytes_of(bytes, sizeof bytes), &batch), 0);
    assert_int_equal(tenant_write(place->mercy, bytes_of(batch.data, batch.len - 1), QUOTA, &count,
                                  NULL),
                     ACESO_EFORMAT);
    assert_int_equal(tenant_write(place->mercy, buffer_bytes(&batch), 4000, &count, NULL),
                     ACESO_ELIMIT);
    assert_int_equal(usage_of(place->mercy).objects, 0);
    assert_int_equal(list_count(place->mercy, NULL), 0);
    assert_int_equal(tenant_write(place->mercy, buffer_bytes(&batch), QUOTA, &count, NULL),
                     ACESO_OK);
    assert_int_equal(count, 2);
    buffer_free(&batch);
}

static int count_tenant(void *data, const uint8_t hospital[20], struct aceso_error *error)
{
    (void)hospital;
    (void)error;
    ++*(size_t *)data;
    return ACESO_OK;
}

static void test_who(void **state)
{
    const uint8_t nobody[20] = { 9 };
    struct place *place = *state;
    struct tenant *tenant = NULL;
    size_t count = 0;

    assert_int_equal(tenant_open(place->directory, nobody, false, &tenant, NULL), ACESO_ENOTFOUND);
    assert_null(tenant);
    assert_int_equal(tenant_each(place->directory, count_tenant, &count, NULL), ACESO_OK);
    assert_int_equal(count, 2);
    assert_int_equal(tenant_each("/nowhere", count_tenant, &count, NULL), ACESO_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_kept), TEST(test_apart), TEST(test_quota), TEST(test_whole_batches),
        TEST(test_who),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
