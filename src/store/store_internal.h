/* SPDX-License-Identifier: Apache-2.0 */
/* For the store's own files only. */
#ifndef ACESO_STORE_STORE_INTERNAL_H
#define ACESO_STORE_STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

struct statement {
    sqlite3_stmt *handle;
    sqlite3 *database;
    struct statement *next; /* in the store's list of all its statements */
    int failed;             /* what a bind left: an SQLite code */
    bool in_use;
    struct store_reader *reader; /* where it is a query from outside */
};

/* The code and text for what SQLite answered last on `database`. */
int store_failed(sqlite3 *database, int result, struct aceso_error *error);

/* The limits of a query from outside, around a step: reader.c. `code` is the step's. */
void store_reader_enter(struct store_reader *reader);
int store_reader_leave(struct store_reader *reader, int code, struct aceso_error *error);
void store_reader_finish(struct store_reader *reader);

#endif
