/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/tenant.h"

#include "base/file.h"
#include "base/text.h"
#include "store/store.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSPITAL_HEX 40
#define FILE_END ".db"

static const char *const migrations[] = {
    "CREATE TABLE object ("
    " id INTEGER PRIMARY KEY,"
    " name BLOB NOT NULL UNIQUE CHECK (length(name) = 32),"
    " bytes BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE usage ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " objects INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO usage VALUES (1, 0, 0);",
};

struct tenant {
    struct store *store;
    /* of a write under way */
    size_t written;
};

int tenant_open(const char *directory, const uint8_t hospital[20], bool make, struct tenant **out,
                struct aceso_error *error)
{
    char path[PATH_MAX], name[HOSPITAL_HEX + sizeof FILE_END];
    struct tenant *tenant;
    int code;

    text_hex(hospital, 20, name);
    memcpy(name + HOSPITAL_HEX, FILE_END, sizeof FILE_END);
    if (file_path(directory, name, path, sizeof path))
        return error_set(error, ACESO_ELIMIT, NULL, "the data directory's path is too long");
    if (!make && !file_exists(path))
        return error_set(error, ACESO_ENOTFOUND, NULL, "nothing is kept for this hospital");
    code = file_make_directory(directory, error);
    if (code)
        return code;
    tenant = calloc(1, sizeof *tenant);
    if (!tenant)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    code = store_open(path, migrations, sizeof migrations / sizeof migrations[0], &tenant->store,
                      error);
    if (code)
        free(tenant);
    else
        *out = tenant;
    return code;
}

void tenant_close(struct tenant *tenant)
{
    if (!tenant)
        return;
    store_close(tenant->store);
    free(tenant);
}

/* Bytes of the object, -1 where there is none. */
static int tenant_length(struct tenant *tenant, const uint8_t *name, int64_t *length,
                         struct aceso_error *error)
{
    struct statement *query = NULL;
    int step, code = store_prepare(tenant->store,
                                   "SELECT length(bytes) FROM object WHERE name = ?1", &query,
                                   error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(name, OBJECT_NAME_SIZE));
    step = statement_step(query, error);
    *length = step == 1 ? statement_int(query, 0) : -1;
    statement_finish(query);
    return step < 0 ? step : ACESO_OK;
}

static int tenant_account(struct tenant *tenant, int64_t objects, int64_t bytes,
                          struct aceso_error *error)
{
    struct statement *update = NULL;
    int code = store_prepare(tenant->store,
                             "UPDATE usage SET objects = objects + ?1, bytes = bytes + ?2",
                             &update, error);

    if (code)
        return code;
    statement_bind_int(update, 1, objects);
    statement_bind_int(update, 2, bytes);
    return statement_run(update, error);
}

static int tenant_put(void *data, const uint8_t name[OBJECT_NAME_SIZE], struct bytes object,
                      struct aceso_error *error)
{
    struct tenant *tenant = data;
    struct statement *insert = NULL;
    int64_t before;
    int code = tenant_length(tenant, name, &before, error);

    if (!code)
        code = store_prepare(tenant->store,
                             "INSERT INTO object (name, bytes) VALUES (?1, ?2)"
                             " ON CONFLICT (name) DO UPDATE SET bytes = ?2",
                             &insert, error);
    if (code)
        return code;
    statement_bind_blob(insert, 1, bytes_of(name, OBJECT_NAME_SIZE));
    statement_bind_blob(insert, 2, object);
    code = statement_run(insert, error);
    tenant->written++;
    if (!code)
        code = tenant_account(tenant, before < 0,
                              (int64_t)object.len - (before < 0 ? 0 : before), error);
    return code;
}

int tenant_write(struct tenant *tenant, struct bytes batch, uint64_t quota, size_t *count,
                 struct aceso_error *error)
{
    struct tenant_usage usage;
    int code = store_begin(tenant->store, error);

    if (code)
        return code;
    tenant->written = 0;
    code = object_batch_each(batch, tenant_put, tenant, error);
    if (!code)
        code = tenant_usage(tenant, &usage, error);
    if (!code && usage.bytes > quota)
        code = error_set(error, ACESO_ELIMIT, NULL, "over the quota of %llu bytes",
                         (unsigned long long)quota);
    if (!code)
        code = store_commit(tenant->store, error);
    if (code) {
        store_rollback(tenant->store);
        return code;
    }
    *count = tenant->written;
    return ACESO_OK;
}

int tenant_read(struct tenant *tenant, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                struct buffer *out, struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = object_batch_start(out);

    for (size_t i = 0; !code && i < n; i++) {
        code = store_prepare(tenant->store, "SELECT bytes FROM object WHERE name = ?1", &query,
                             error);
        if (code)
            return code;
        statement_bind_blob(query, 1, bytes_of(names[i], OBJECT_NAME_SIZE));
        code = statement_step(query, error);
        if (code == 1)
            code = object_batch_put(names[i], statement_blob(query, 0), out);
        statement_finish(query);
    }
    return code == out->failed && code ? error_set(error, code, NULL, "no room for the answer")
                                       : code;
}

static int tenant_remove_one(struct tenant *tenant, const uint8_t *name, size_t *count,
                             struct aceso_error *error)
{
    struct statement *statement = NULL;
    int64_t before;
    int code = tenant_length(tenant, name, &before, error);

    if (code || before < 0)
        return code;
    code = store_prepare(tenant->store, "DELETE FROM object WHERE name = ?1", &statement, error);
    if (code)
        return code;
    statement_bind_blob(statement, 1, bytes_of(name, OBJECT_NAME_SIZE));
    code = statement_run(statement, error);
    ++*count;
    return code ? code : tenant_account(tenant, -1, -before, error);
}

int tenant_remove(struct tenant *tenant, const uint8_t (*names)[OBJECT_NAME_SIZE], size_t n,
                  size_t *count, struct aceso_error *error)
{
    size_t removed = 0;
    int code = store_begin(tenant->store, error);

    if (code)
        return code;
    for (size_t i = 0; !code && i < n; i++)
        code = tenant_remove_one(tenant, names[i], &removed, error);
    if (!code)
        code = store_commit(tenant->store, error);
    if (code) {
        store_rollback(tenant->store);
        return code;
    }
    *count = removed;
    return ACESO_OK;
}

int tenant_list(struct tenant *tenant, const uint8_t *after, struct buffer *out,
                struct aceso_error *error)
{
    struct statement *query = NULL;
    int step = 0, code = store_prepare(tenant->store,
                                       "SELECT name FROM object WHERE name > ?1"
                                       " ORDER BY name LIMIT ?2",
                                       &query, error);

    if (code)
        return code;
    statement_bind_blob(query, 1, bytes_of(after, after ? OBJECT_NAME_SIZE : 0));
    statement_bind_int(query, 2, OBJECT_LIST_MAX);
    code = object_batch_start(out);
    while (!code && (step = statement_step(query, error)) == 1)
        code = buffer_put_bytes(out, statement_blob(query, 0));
    statement_finish(query);
    if (code)
        return error_set(error, code, NULL, "no room for the answer");
    return step < 0 ? step : ACESO_OK;
}

int tenant_usage(struct tenant *tenant, struct tenant_usage *usage, struct aceso_error *error)
{
    struct statement *query = NULL;
    int code = store_prepare(tenant->store, "SELECT objects, bytes FROM usage", &query, error);

    if (code)
        return code;
    code = statement_step(query, error);
    if (code == 1) {
        usage->objects = (uint64_t)statement_int(query, 0);
        usage->bytes = (uint64_t)statement_int(query, 1);
        code = ACESO_OK;
    } else if (code == 0) {
        code = error_set(error, ACESO_EFORMAT, NULL, "a tenant's file is damaged");
    }
    statement_finish(query);
    return code;
}

int tenant_each(const char *directory, tenant_fn *each, void *data, struct aceso_error *error)
{
    DIR *listing = opendir(directory);
    struct dirent *entry;
    int code = ACESO_OK;

    if (!listing)
        return ACESO_OK; /* nobody wrote anything yet */
    while (!code && (entry = readdir(listing)) != NULL) {
        char hex[HOSPITAL_HEX + 1];
        uint8_t hospital[20];

        if (strlen(entry->d_name) != HOSPITAL_HEX + strlen(FILE_END) ||
            strcmp(entry->d_name + HOSPITAL_HEX, FILE_END) != 0)
            continue;
        memcpy(hex, entry->d_name, HOSPITAL_HEX);
        hex[HOSPITAL_HEX] = '\0';
        if (text_unhex(hex, hospital, 20) == ACESO_OK)
            code = each(data, hospital, error);
    }
    (void)closedir(listing);
    return code;
}
