/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/follower.h"

#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define FOLLOWER_RANGE_MAX 2000

const char follower_schema[] =
    "CREATE TABLE follower ("
    " stage INTEGER PRIMARY KEY," /* enum follower_stage */
    " block INTEGER NOT NULL,"
    " hash BLOB NOT NULL"
    ") STRICT;";

enum follower_stage { FOLLOWER_SEEN, FOLLOWER_SETTLED };

struct follower_mark {
    bool any;
    uint64_t block;
    uint8_t hash[32];
};

struct follower {
    struct follower_settings settings;
    struct follower_mark seen; /* never behind `settled` */
    struct follower_mark settled;
    bool loaded;
    bool chain_checked;
    bool looked; /* the next three are the last look's */
    uint8_t newest_hash[32];
    bool any_settled;
    uint64_t settled_to;
    uint64_t range; /* blocks to ask for at once; shrinks where the node says that is too much */
};

int follower_open(const struct follower_settings *settings, struct follower **follower,
                  struct aceso_error *error)
{
    struct follower *made = calloc(1, sizeof *made);

    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for the follower");
    made->settings = *settings;
    if (!made->settings.range_max)
        made->settings.range_max = FOLLOWER_RANGE_MAX;
    made->range = made->settings.range_max;
    *follower = made;
    return ACESO_OK;
}

void follower_close(struct follower *follower)
{
    free(follower);
}

void follower_position(const struct follower *follower, uint64_t *seen, uint64_t *settled)
{
    *seen = follower->seen.any ? follower->seen.block : 0;
    *settled = follower->settled.any ? follower->settled.block : 0;
}

static int follower_load_mark(struct follower *follower, enum follower_stage stage,
                              struct follower_mark *mark, struct aceso_error *error)
{
    struct follower_mark read = { .any = false };
    struct statement *select;
    int code = store_prepare(follower->settings.store,
                             "SELECT block, hash FROM follower WHERE stage = ?1", &select, error);

    if (code)
        return code;
    statement_bind_int(select, 1, (int64_t)stage);
    code = statement_step(select, error);
    if (code == 1) {
        read.any = true;
        read.block = (uint64_t)statement_int(select, 0);
        code = statement_copy(select, 1, read.hash, 32);
    }
    statement_finish(select);
    if (!code)
        *mark = read;
    return code;
}

static int follower_load(struct follower *follower, struct aceso_error *error)
{
    int code = ACESO_OK;

    if (!follower->loaded) {
        code = follower_load_mark(follower, FOLLOWER_SEEN, &follower->seen, error);
        if (!code)
            code = follower_load_mark(follower, FOLLOWER_SETTLED, &follower->settled, error);
        follower->loaded = code == ACESO_OK;
    }
    return code;
}

static int follower_save_mark(struct follower *follower, enum follower_stage stage,
                              const struct follower_mark *mark, struct aceso_error *error)
{
    struct statement *insert;
    int code = store_prepare(follower->settings.store,
                             "INSERT OR REPLACE INTO follower (stage, block, hash)"
                             " VALUES (?1, ?2, ?3)",
                             &insert, error);

    if (code)
        return code;
    statement_bind_int(insert, 1, (int64_t)stage);
    statement_bind_int(insert, 2, (int64_t)mark->block);
    statement_bind_blob(insert, 3, bytes_of(mark->hash, 32));
    return statement_run(insert, error);
}

/* Throws away what events built and starts at the first block again. */
static int follower_reset(struct follower *follower, struct aceso_error *error)
{
    struct store *store = follower->settings.store;
    int code = store_begin(store, error);

    if (code)
        return code;
    code = follower->settings.reset(follower->settings.context, store, error);
    if (!code)
        code = store_exec(store, "DELETE FROM follower", error);
    if (!code)
        code = store_commit(store, error);
    if (code) {
        store_rollback(store);
        return code;
    }
    follower->seen.any = false;
    follower->settled.any = false;
    return ACESO_OK;
}

/* Whether the newest handled block is on the chain still. */
static int follower_on_chain(struct follower *follower, const struct rpc_block *newest,
                             bool *on_chain, struct aceso_error *error)
{
    const struct follower_mark *mark = &follower->seen;
    struct rpc_block block = *newest;
    int code = ACESO_OK;

    *on_chain = !mark->any;
    if (!mark->any || mark->block > newest->number)
        return ACESO_OK;
    if (mark->block < newest->number)
        code = rpc_block(follower->settings.rpc, mark->block, &block, error);
    if (code == ACESO_ENOTFOUND)
        return ACESO_OK;
    *on_chain = !code && memcmp(block.hash, mark->hash, 32) == 0;
    return code;
}

/* Whether the blocks `from` to `last` continue `mark`, and the logs are theirs. */
static int follower_check_range(struct follower *follower, const struct follower_mark *mark,
                                uint64_t from, const struct rpc_block *last,
                                const struct rpc_logs *logs, struct aceso_error *error)
{
    struct rpc_block first = *last;
    bool same = true;
    int code = ACESO_OK;

    if (from < last->number)
        code = rpc_block(follower->settings.rpc, from, &first, error);
    if (code)
        return code;
    if (mark->any)
        same = memcmp(first.parent, mark->hash, 32) == 0;
    for (size_t i = 0; i < logs->count; i++)
        if (logs->log[i].block == last->number)
            same = same && memcmp(logs->log[i].block_hash, last->hash, 32) == 0;
    return same ? ACESO_OK
                : error_set(error, ACESO_EBUSY, NULL, "the chain changed while it was read");
}

/* The logs of one range behind `mark`. ACESO_EBUSY when the chain changed while it was read. */
static int follower_fetch(struct follower *follower, const struct follower_mark *mark,
                          uint64_t from, uint64_t to, struct rpc_block *last,
                          struct rpc_logs *logs, struct aceso_error *error)
{
    const struct rpc_log_filter filter = { .from = from, .to = to,
                                           .topic0 = follower->settings.topic0,
                                           .topics = follower->settings.topics };
    struct rpc_logs read = { .log = NULL };
    struct rpc_block before, after;
    int code = rpc_block(follower->settings.rpc, to, &before, error);

    if (!code)
        code = rpc_logs(follower->settings.rpc, &filter, &read, error);
    if (!code)
        code = rpc_block(follower->settings.rpc, to, &after, error);
    if (!code && memcmp(before.hash, after.hash, 32) != 0)
        code = error_set(error, ACESO_EBUSY, NULL, "the chain changed while it was read");
    if (!code)
        code = follower_check_range(follower, mark, from, &after, &read, error);
    if (code) {
        rpc_logs_free(&read);
        return code;
    }
    *last = after;
    *logs = read;
    return ACESO_OK;
}

static int follower_handle_logs(struct follower *follower, const struct rpc_logs *logs,
                                bool settled, struct aceso_error *error)
{
    const struct follower_settings *settings = &follower->settings;
    int code = ACESO_OK;

    for (size_t i = 0; i < logs->count && !code; i++) {
        const struct rpc_log *log = &logs->log[i];
        struct follower_event event = { .log = log, .settled = settled };

        event.first = !follower->seen.any || log->block > follower->seen.block;
        if (settings->known(settings->context, settings->store, log->address))
            code = settings->handle(settings->context, settings->store, &event, error);
    }
    return code;
}

/* Handles what is in `logs` and moves the marks to `last`, all or nothing. */
static int follower_commit(struct follower *follower, const struct rpc_logs *logs,
                           const struct rpc_block *last, bool settled, struct aceso_error *error)
{
    struct store *store = follower->settings.store;
    struct follower_mark mark = { .any = true, .block = last->number };
    const bool ahead = !follower->seen.any || last->number > follower->seen.block;
    int code = store_begin(store, error);

    if (code)
        return code;
    memcpy(mark.hash, last->hash, 32);
    code = follower_handle_logs(follower, logs, settled, error);
    if (!code && ahead)
        code = follower_save_mark(follower, FOLLOWER_SEEN, &mark, error);
    if (!code && settled)
        code = follower_save_mark(follower, FOLLOWER_SETTLED, &mark, error);
    if (!code)
        code = store_commit(store, error);
    if (code) {
        store_rollback(store);
        return code;
    }
    if (ahead)
        follower->seen = mark;
    if (settled)
        follower->settled = mark;
    return ACESO_OK;
}

static uint64_t follower_next(const struct follower *follower, const struct follower_mark *mark)
{
    return mark->any ? mark->block + 1 : follower->settings.first_block;
}

/* One range behind `mark`, to at most `to`. A node that finds it too much is asked for half. */
static int follower_range(struct follower *follower, const struct follower_mark *mark,
                          uint64_t to, bool settled, struct aceso_error *error)
{
    const uint64_t from = follower_next(follower, mark);
    struct aceso_error failure = { .code = ACESO_OK };
    struct rpc_logs logs = { .log = NULL };
    struct rpc_block last;
    int code;

    for (;;) {
        if (to - from >= follower->range)
            to = from + follower->range - 1;
        code = follower_fetch(follower, mark, from, to, &last, &logs, &failure);
        if (code != ACESO_ELIMIT || from == to)
            break;
        follower->range = (to - from + 1) / 2;
    }
    if (code)
        return error_set(error, code, NULL, "%s", failure.text);
    if (follower->range < follower->settings.range_max)
        follower->range++;
    code = follower_commit(follower, &logs, &last, settled, error);
    rpc_logs_free(&logs);
    return code;
}

/* Follows one stage up to the block `to`. `*left` counts the blocks that may still be read. */
static int follower_stage(struct follower *follower, const struct follower_mark *mark, uint64_t to,
                          bool settled, uint64_t *left, struct aceso_error *error)
{
    int code = ACESO_OK;

    while (!code && *left && follower_next(follower, mark) <= to) {
        uint64_t from = follower_next(follower, mark);
        uint64_t end = to - from >= *left ? from + *left - 1 : to;

        code = follower_range(follower, mark, end, settled, error);
        if (!code)
            *left -= mark->block - from + 1;
    }
    return code;
}

static int follower_check_chain(struct follower *follower, struct aceso_error *error)
{
    uint64_t chain_id;
    int code;

    if (follower->chain_checked)
        return ACESO_OK;
    code = rpc_chain_id(follower->settings.rpc, &chain_id, error);
    if (!code && chain_id != follower->settings.chain_id)
        code = error_set(error, ACESO_ESTATE, NULL, "the node is on chain %llu, not on %llu",
                         (unsigned long long)chain_id,
                         (unsigned long long)follower->settings.chain_id);
    follower->chain_checked = code == ACESO_OK;
    return code;
}

/* What the confirmation rule settles, which changes only when the newest block does. */
static int follower_look(struct follower *follower, const struct rpc_block *newest,
                         struct aceso_error *error)
{
    int code;

    if (follower->looked && memcmp(follower->newest_hash, newest->hash, 32) == 0)
        return ACESO_OK;
    code = confirmation_block(&follower->settings.confirmation, follower->settings.rpc,
                              newest->number, &follower->any_settled, &follower->settled_to,
                              error);
    follower->looked = code == ACESO_OK;
    memcpy(follower->newest_hash, newest->hash, 32);
    return code;
}

int follower_run(struct follower *follower, uint64_t blocks_max, bool *done,
                 struct aceso_error *error)
{
    uint64_t left = blocks_max ? blocks_max : UINT64_MAX;
    bool on_chain = false;
    struct rpc_block newest;
    int code = follower_load(follower, error);

    if (!code)
        code = follower_check_chain(follower, error);
    if (!code)
        code = rpc_block(follower->settings.rpc, RPC_LATEST, &newest, error);
    if (!code && newest.number > INT64_MAX)
        code = error_set(error, ACESO_EFORMAT, NULL, "the chain's node counts absurdly");
    if (!code)
        code = follower_on_chain(follower, &newest, &on_chain, error);
    if (!code && !on_chain)
        code = follower_reset(follower, error);
    if (!code)
        code = follower_look(follower, &newest, error);
    if (!code && follower->any_settled)
        code = follower_stage(follower, &follower->settled, follower->settled_to, true, &left,
                              error);
    if (!code)
        code = follower_stage(follower, &follower->seen, newest.number, false, &left, error);
    if (!code && done)
        *done = follower_next(follower, &follower->seen) > newest.number &&
                (!follower->any_settled ||
                 follower_next(follower, &follower->settled) > follower->settled_to);
    return code;
}
