/* SPDX-License-Identifier: Apache-2.0 */
/* Several roles in one node: nothing of one hides what another has. */
#include "node/role.h"

#include "node/testing.h"

static int ticks;

static int tick_fail(struct node *node, struct store *store, struct aceso_error *error)
{
    (void)node;
    (void)store;
    ticks++;
    return error_set(error, ACESO_EIO, NULL, "the first one's");
}

static int tick_other(struct node *node, struct store *store, struct aceso_error *error)
{
    (void)node;
    (void)store;
    ticks++;
    return error_set(error, ACESO_ESTATE, NULL, "the second one's");
}

static const struct view_kind first_views[] = { { "list", NULL }, { "more", NULL } };
static const struct view_kind second_views[] = { { "list", NULL } };
static const struct http_route first_routes[] = {
    { "GET", "/v1/things/{id}", NULL, 0, 0 },
    { "POST", "/v1/things/{id}", NULL, 0, 0 },
};
static const struct http_route second_routes[] = {
    { "GET", "/v1/things", NULL, 0, 0 },
    { "GET", "/v1/things/{id}/more", NULL, 0, 0 },
    { "GET", "/v1/thingsome/{id}", NULL, 0, 0 },
};
static const struct http_route same_routes[] = { { "GET", "/v1/things/{number}", NULL, 0, 0 } };

static const struct role first = {
    .name = "first", .schema = "CREATE TABLE list (x);", .views = first_views, .view_count = 2,
    .routes = first_routes, .route_count = 2, .tick = tick_fail
};
static const struct store_migration later[] = { { "second: later", "ALTER TABLE two ADD y;" } };
static const struct role second = {
    .name = "second", .schema = "CREATE TABLE two (x);", .migrations = later,
    .migration_count = 1, .views = second_views, .view_count = 1, .routes = second_routes,
    .route_count = 3, .tick = tick_other
};
static const struct role same = { .name = "same", .routes = same_routes, .route_count = 1 };

static void test_names(void **state)
{
    const struct roles roles = { { &first, &second }, 2 };

    (void)state;
    assert_ptr_equal(roles_view(&roles, "first", "list"), &first_views[0]);
    assert_ptr_equal(roles_view(&roles, "second", "list"), &second_views[0]);
    assert_ptr_equal(roles_view(&roles, "first", "more"), &first_views[1]);
    assert_null(roles_view(&roles, "second", "more"));
    assert_null(roles_view(&roles, "third", "list"));
    assert_null(roles_stream(&roles, "first", "list"));
    assert_null(roles_operation(&roles, "first", "list"));
}

static void test_routes(void **state)
{
    const struct roles roles = { { &first, &second }, 2 };
    const struct roles wrong = { { &first, &second, &same }, 3 };
    struct http_route *routes = NULL;
    struct aceso_error error = { 0 };
    size_t count = 0;

    (void)state;
    assert_int_equal(roles_routes(&roles, &routes, &count, NULL), ACESO_OK);
    assert_int_equal(count, 5);
    assert_string_equal(routes[0].pattern, "/v1/things/{id}");
    assert_string_equal(routes[4].pattern, "/v1/thingsome/{id}");
    free(routes);
    assert_int_equal(roles_routes(&wrong, &routes, &count, &error), ACESO_EINTERNAL);
    assert_string_equal(error.text, "two roles have the route GET /v1/things/{number}");
}

static void test_ticks(void **state)
{
    const struct roles roles = { { &first, &second }, 2 };
    struct aceso_error error = { 0 };

    (void)state;
    ticks = 0;
    assert_int_equal(roles_tick(&roles, NULL, NULL, &error), ACESO_EIO);
    assert_int_equal(ticks, 2);
    assert_string_equal(error.text, "the first one's");
}

/* A directory that was made when its node had one role. */
static void test_tables(void **state)
{
    char directory[TESTING_PATH];
    struct node node = { .roles = { { &first }, 1 } };
    struct store *store = NULL;

    (void)state;
    testing_directory(directory);
    node.directory = directory;
    assert_int_equal(node_store(&node, &store, NULL), ACESO_OK);
    assert_int_equal(roles_migrate(&node.roles, store, NULL), ACESO_OK);
    store_close(store);
    node.roles = (struct roles){ { &first, &second }, 2 };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(node_store(&node, &store, NULL), ACESO_OK);
        assert_int_equal(roles_migrate(&node.roles, store, NULL), ACESO_OK);
        assert_int_equal(store_exec(store, "INSERT INTO list VALUES (1);"
                                           "INSERT INTO two (x, y) VALUES (1, 2)", NULL),
                         ACESO_OK);
        store_close(store);
    }
    testing_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests_name("node roles", tests, NULL, NULL);
}
