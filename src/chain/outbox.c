/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/outbox.h"

#include "base/text.h"
#include "crypto/ecdsa.h"
#include "eth/transaction.h"
#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OUTBOX_GAS_MAX UINT64_C(12000000)
#define OUTBOX_FEE_MAX UINT64_C(10000000000000) /* 10,000 gwei a gas */
#define OUTBOX_POLL_NS 50000000L
#define OUTBOX_PATIENCE_MS 5000
#define OUTBOX_MESSAGE_MAX TRANSACTION_DATA_MAX

const char outbox_schema[] =
    "CREATE TABLE outbox ("
    " id INTEGER PRIMARY KEY,"
    " key TEXT NOT NULL UNIQUE,"
    " receiver BLOB," /* NULL: deploys */
    " data BLOB NOT NULL,"
    " gas_limit INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " settled INTEGER NOT NULL,"
    " nonce INTEGER UNIQUE,"
    " raw BLOB,"
    " hash BLOB,"
    " block INTEGER," /* from here: set while a block holds it */
    " block_hash BLOB,"
    " gas_used INTEGER,"
    " fee_paid INTEGER,"
    " contract BLOB,"
    " reason TEXT"
    ") STRICT;"
    "CREATE INDEX outbox_open ON outbox (state, id) WHERE settled = 0;";

struct outbox {
    struct outbox_settings settings;
    uint8_t address[20];
    bool chain_checked;
    bool any_newest;         /* the next two are known */
    uint64_t newest;         /* the newest block of the last look */
    uint8_t newest_hash[32];
    int64_t patient_until;   /* monotonic milliseconds: the chain went back not long ago */
    pthread_mutex_t running; /* held over a whole outbox_run */
    pthread_mutex_t lock;    /* of the store: held over reads and writes, never over a call */
};

/* A row, as far as outbox_run needs it. */
struct outbox_row {
    int64_t id;
    enum outbox_state state;
    bool create;
    uint8_t to[20];
    struct buffer data; /* what is called; the raw transaction once there is one */
    uint64_t gas_limit;
    uint64_t nonce;
    uint8_t hash[32];
};

int outbox_open(const struct outbox_settings *settings, struct outbox **outbox,
                struct aceso_error *error)
{
    struct outbox *made = calloc(1, sizeof *made);

    if (!made)
        return error_set(error, ACESO_EMEMORY, NULL, "no memory for the outbox");
    made->settings = *settings;
    if (!made->settings.gas_max)
        made->settings.gas_max = OUTBOX_GAS_MAX;
    if (!made->settings.fee_max)
        made->settings.fee_max = OUTBOX_FEE_MAX;
    if (!made->settings.ahead_max)
        made->settings.ahead_max = 1;
    if (!made->settings.patience_ms)
        made->settings.patience_ms = OUTBOX_PATIENCE_MS;
    if (ecdsa_address(settings->secret, made->address)) {
        free(made);
        return error_set(error, ACESO_EUSAGE, NULL, "not a secp256k1 key");
    }
    (void)pthread_mutex_init(&made->running, NULL);
    (void)pthread_mutex_init(&made->lock, NULL);
    *outbox = made;
    return ACESO_OK;
}

void outbox_close(struct outbox *outbox)
{
    if (!outbox)
        return;
    (void)pthread_mutex_destroy(&outbox->running);
    (void)pthread_mutex_destroy(&outbox->lock);
    free(outbox);
}

void outbox_address(const struct outbox *outbox, uint8_t address[20])
{
    memcpy(address, outbox->address, 20);
}

/* Whether the row of `key` says the same as `message`: 1, 0, or negative (ACESO_ENOTFOUND). */
static int outbox_same(struct store *store, const char *key, const struct outbox_message *message,
                       struct aceso_error *error)
{
    struct statement *select;
    struct bytes to = bytes_of(message->to, message->to ? 20 : 0);
    int code = store_prepare(store, "SELECT receiver, data FROM outbox WHERE key = ?1", &select,
                             error);

    if (code)
        return code;
    statement_bind_text(select, 1, key);
    code = statement_step(select, error);
    if (code == 1)
        code = bytes_equal(statement_blob(select, 0), to) &&
               bytes_equal(statement_blob(select, 1), message->data);
    else if (code == 0)
        code = ACESO_ENOTFOUND;
    statement_finish(select);
    return code;
}

int outbox_add(struct store *store, const char *key, const struct outbox_message *message,
               struct aceso_error *error)
{
    struct statement *insert;
    int code;

    if (!*key || strlen(key) > OUTBOX_KEY_MAX)
        return error_set(error, ACESO_EUSAGE, NULL, "an outbox key has 1 to %d bytes",
                         OUTBOX_KEY_MAX);
    if (message->data.len > OUTBOX_MESSAGE_MAX || message->gas_limit > INT64_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "the message is too long");
    code = outbox_same(store, key, message, error);
    if (code == 1)
        return ACESO_OK;
    if (code == 0)
        return error_set(error, ACESO_EEXISTS, NULL, "%s: the outbox has another message under "
                                                     "this key", key);
    if (code != ACESO_ENOTFOUND)
        return code;
    code = store_prepare(store,
                         "INSERT INTO outbox (key, receiver, data, gas_limit, state, settled)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, 0)",
                         &insert, error);
    if (code)
        return code;
    statement_bind_text(insert, 1, key);
    if (message->to)
        statement_bind_blob(insert, 2, bytes_of(message->to, 20));
    else
        statement_bind_null(insert, 2);
    statement_bind_blob(insert, 3, message->data.len ? message->data : bytes_of("", 0));
    statement_bind_int(insert, 4, (int64_t)message->gas_limit);
    statement_bind_int(insert, 5, OUTBOX_QUEUED);
    return statement_run(insert, error);
}

/* The old row keeps its number and raw bytes, for the case that the chain goes back; it only gives
 * its key away. */
int outbox_retry(struct store *store, const char *key, struct aceso_error *error)
{
    static const char copy[] =
        "INSERT INTO outbox (key, receiver, data, gas_limit, state, settled)"
        " SELECT ?1, receiver, data, gas_limit, ?2, 0 FROM outbox WHERE key = ?1 || '#' || ?3";
    struct statement *statement;
    int64_t id = 0;
    int code = store_prepare(store, "SELECT id FROM outbox WHERE key = ?1 AND state = ?2",
                             &statement, error);

    if (code)
        return code;
    statement_bind_text(statement, 1, key);
    statement_bind_int(statement, 2, OUTBOX_FAILED);
    code = statement_step(statement, error);
    if (code == 1)
        id = statement_int(statement, 0);
    statement_finish(statement);
    if (code < 0)
        return code;
    if (code == 0)
        return error_set(error, ACESO_ESTATE, NULL, "%s: nothing failed under this key", key);
    code = store_prepare(store, "UPDATE outbox SET key = key || '#' || id WHERE id = ?1",
                         &statement, error);
    if (code)
        return code;
    statement_bind_int(statement, 1, id);
    code = statement_run(statement, error);
    if (!code)
        code = store_prepare(store, copy, &statement, error);
    if (code)
        return code;
    statement_bind_text(statement, 1, key);
    statement_bind_int(statement, 2, OUTBOX_QUEUED);
    statement_bind_int(statement, 3, id);
    return statement_run(statement, error);
}

static void outbox_row_free(struct outbox_row *row)
{
    buffer_free(&row->data);
}

/* Columns: id, state, receiver, data, gas_limit, nonce, hash. */
#define OUTBOX_ROW_COLUMNS "id, state, receiver, coalesce(raw, data), gas_limit, nonce, hash"

static int outbox_row_read(const struct statement *select, struct outbox_row *row,
                           struct aceso_error *error)
{
    struct outbox_row read = { .data = BUFFER_INIT(TRANSACTION_DATA_MAX * 2) };
    bool fits = true;

    read.id = statement_int(select, 0);
    read.state = (enum outbox_state)statement_int(select, 1);
    read.create = statement_is_null(select, 2);
    if (!read.create)
        fits = statement_copy(select, 2, read.to, 20) == ACESO_OK;
    read.gas_limit = (uint64_t)statement_int(select, 4);
    read.nonce = (uint64_t)statement_int(select, 5);
    if (!statement_is_null(select, 6))
        fits = fits && statement_copy(select, 6, read.hash, 32) == ACESO_OK;
    if (!fits || buffer_put_bytes(&read.data, statement_blob(select, 3))) {
        outbox_row_free(&read);
        return error_set(error, ACESO_EFORMAT, NULL, "the outbox's table is damaged");
    }
    *row = read;
    return ACESO_OK;
}

/* The first row that `where` (with ?1 and ?2) finds: 1, 0 when there is none, or negative. */
static int outbox_find(struct outbox *outbox, const char *sql, int64_t first, int64_t second,
                       struct outbox_row *row, struct aceso_error *error)
{
    struct statement *select;
    int code;

    (void)pthread_mutex_lock(&outbox->lock);
    code = store_prepare(outbox->settings.store, sql, &select, error);
    if (!code) {
        statement_bind_int(select, 1, first);
        statement_bind_int(select, 2, second);
        code = statement_step(select, error);
        if (code == 1) {
            int read = outbox_row_read(select, row, error);

            code = read ? read : 1;
        }
        statement_finish(select);
    }
    (void)pthread_mutex_unlock(&outbox->lock);
    return code;
}

/* The first column of the first row that `sql` (with ?1 and ?2) yields. */
static int outbox_number(struct outbox *outbox, const char *sql, int64_t first, int64_t second,
                         int64_t *number, struct aceso_error *error)
{
    struct statement *select;
    int code;

    (void)pthread_mutex_lock(&outbox->lock);
    code = store_prepare(outbox->settings.store, sql, &select, error);
    if (!code) {
        statement_bind_int(select, 1, first);
        statement_bind_int(select, 2, second);
        code = statement_step(select, error);
        if (code == 1)
            *number = statement_int(select, 0);
        statement_finish(select);
        code = code == 1 ? ACESO_OK : code == 0 ? ACESO_ENOTFOUND : code;
    }
    (void)pthread_mutex_unlock(&outbox->lock);
    return code;
}

/* A failure before a number was used. */
static int outbox_fail(struct outbox *outbox, int64_t id, const char *reason,
                       struct aceso_error *error)
{
    struct statement *update;
    int code;

    (void)pthread_mutex_lock(&outbox->lock);
    code = store_prepare(outbox->settings.store,
                         "UPDATE outbox SET state = ?2, reason = ?3, settled = 1 WHERE id = ?1",
                         &update, error);
    if (!code) {
        statement_bind_int(update, 1, id);
        statement_bind_int(update, 2, OUTBOX_FAILED);
        statement_bind_text(update, 3, reason);
        code = statement_run(update, error);
    }
    (void)pthread_mutex_unlock(&outbox->lock);
    return code;
}

/* Back to `sent`: no block holds it any more. All rows from `nonce` on that have one. */
static int outbox_unmine(struct outbox *outbox, uint64_t from, uint64_t to,
                         struct aceso_error *error)
{
    struct statement *update;
    int code;

    (void)pthread_mutex_lock(&outbox->lock);
    code = store_prepare(outbox->settings.store,
                         "UPDATE outbox SET state = ?3, settled = 0, block = NULL,"
                         " block_hash = NULL, gas_used = NULL, fee_paid = NULL, contract = NULL,"
                         " reason = NULL WHERE nonce >= ?1 AND nonce <= ?2 AND state <> ?3",
                         &update, error);
    if (!code) {
        statement_bind_int(update, 1, (int64_t)from);
        statement_bind_int(update, 2, (int64_t)to);
        statement_bind_int(update, 3, OUTBOX_SENT);
        code = statement_run(update, error);
    }
    (void)pthread_mutex_unlock(&outbox->lock);
    return code;
}

static struct rpc_call outbox_call(const struct outbox *outbox, const struct transaction *tx)
{
    return (struct rpc_call){ .from = outbox->address, .to = tx->create ? NULL : tx->to,
                              .value = tx->value, .data = tx->data, .gas = tx->gas_limit };
}

/* Why a transaction in block `receipt->block` reverted: the call is made again on the state of that
 * block, which the transaction did not change, and else on the one before. */
static void outbox_reason(struct outbox *outbox, const struct outbox_row *row,
                          const struct rpc_receipt *receipt, char reason[OUTBOX_REASON_MAX])
{
    struct aceso_error why = { .code = ACESO_OK };
    struct buffer out = BUFFER_INIT(1 << 20);
    struct transaction tx;
    uint8_t sender[20], hash[32];
    struct rpc_call call;

    (void)snprintf(reason, OUTBOX_REASON_MAX, "the contract refused, it is not known why");
    if (transaction_decode(buffer_bytes(&row->data), &tx, sender, hash, NULL))
        return;
    call = outbox_call(outbox, &tx);
    for (uint64_t back = 0; back < 2 && back <= receipt->block; back++) {
        buffer_clear(&out);
        if (rpc_call(outbox->settings.rpc, &call, receipt->block - back, &out, NULL, &why) ==
            ACESO_ECHAIN) { /* a node that has not kept that state says so with another code */
            (void)snprintf(reason, OUTBOX_REASON_MAX, "%.*s", OUTBOX_REASON_MAX - 1, why.text);
            break;
        }
        if (receipt->gas_used >= tx.gas_limit)
            (void)snprintf(reason, OUTBOX_REASON_MAX, "the transaction ran out of gas");
    }
    buffer_free(&out);
}

/* Writes down that a block holds the row's transaction. */
static int outbox_mine(struct outbox *outbox, const struct outbox_row *row,
                       const struct rpc_receipt *receipt, bool settled, struct aceso_error *error)
{
    static const char sql[] =
        "UPDATE outbox SET state = ?2, settled = ?3, block = ?4, block_hash = ?5, gas_used = ?6,"
        " fee_paid = ?7, contract = ?8, reason = ?9 WHERE id = ?1";
    char reason[OUTBOX_REASON_MAX] = "";
    struct statement *update;
    int code;

    if (receipt->block > INT64_MAX || receipt->gas_used > INT64_MAX ||
        receipt->gas_price > INT64_MAX)
        return error_set(error, ACESO_EFORMAT, NULL, "the receipt has absurd numbers");
    if (!receipt->success)
        outbox_reason(outbox, row, receipt, reason);
    (void)pthread_mutex_lock(&outbox->lock);
    code = store_prepare(outbox->settings.store, sql, &update, error);
    if (!code) {
        statement_bind_int(update, 1, row->id);
        statement_bind_int(update, 2, receipt->success ? OUTBOX_MINED : OUTBOX_FAILED);
        statement_bind_int(update, 3, settled);
        statement_bind_int(update, 4, (int64_t)receipt->block);
        statement_bind_blob(update, 5, bytes_of(receipt->block_hash, 32));
        statement_bind_int(update, 6, (int64_t)receipt->gas_used);
        statement_bind_int(update, 7, (int64_t)receipt->gas_price);
        if (receipt->created && receipt->success)
            statement_bind_blob(update, 8, bytes_of(receipt->contract, 20));
        else
            statement_bind_null(update, 8);
        if (receipt->success)
            statement_bind_null(update, 9);
        else
            statement_bind_text(update, 9, reason);
        code = statement_run(update, error);
    }
    (void)pthread_mutex_unlock(&outbox->lock);
    return code;
}

/* Where the chain stands, for one run. */
struct outbox_view {
    uint64_t used;    /* numbers of ours that blocks hold: all below it */
    bool any_settled;
    uint64_t settled; /* the newest settled block */
};

/* After a start: the newest block that is known to have been. */
static int outbox_load_newest(struct outbox *outbox, struct aceso_error *error)
{
    struct statement *select;
    int code;

    (void)pthread_mutex_lock(&outbox->lock);
    code = store_prepare(outbox->settings.store,
                         "SELECT block, block_hash FROM outbox WHERE block IS NOT NULL"
                         " ORDER BY block DESC LIMIT 1",
                         &select, error);
    if (!code) {
        code = statement_step(select, error);
        if (code == 1) {
            outbox->newest = (uint64_t)statement_int(select, 0);
            code = statement_copy(select, 1, outbox->newest_hash, 32);
            outbox->any_newest = code == ACESO_OK;
        }
        statement_finish(select);
    }
    (void)pthread_mutex_unlock(&outbox->lock);
    return code;
}

/* Notices that the chain lost blocks since the last look. */
static int outbox_watch(struct outbox *outbox, const struct rpc_block *newest,
                        struct aceso_error *error)
{
    struct rpc_block block = *newest;
    int code = outbox->any_newest ? ACESO_OK : outbox_load_newest(outbox, error);

    if (!code && outbox->any_newest && newest->number > outbox->newest)
        code = rpc_block(outbox->settings.rpc, outbox->newest, &block, error);
    if (code && code != ACESO_ENOTFOUND)
        return code;
    if (outbox->any_newest && (code || block.number != outbox->newest ||
                               memcmp(block.hash, outbox->newest_hash, 32) != 0))
        outbox->patient_until = time_monotonic_ms() + outbox->settings.patience_ms;
    outbox->any_newest = true;
    outbox->newest = newest->number;
    memcpy(outbox->newest_hash, newest->hash, 32);
    return ACESO_OK;
}

static int outbox_look(struct outbox *outbox, struct outbox_view *view, struct aceso_error *error)
{
    struct rpc *rpc = outbox->settings.rpc;
    struct rpc_block newest;
    uint64_t chain_id;
    int code = ACESO_OK;

    if (!outbox->chain_checked) {
        code = rpc_chain_id(rpc, &chain_id, error);
        if (!code && chain_id != outbox->settings.chain_id)
            code = error_set(error, ACESO_ESTATE, NULL, "the node is on chain %llu, not on %llu",
                             (unsigned long long)chain_id,
                             (unsigned long long)outbox->settings.chain_id);
        outbox->chain_checked = code == ACESO_OK;
    }
    if (!code)
        code = rpc_block(rpc, RPC_LATEST, &newest, error);
    if (!code)
        code = outbox_watch(outbox, &newest, error);
    if (!code)
        code = confirmation_block(&outbox->settings.confirmation, rpc, newest.number,
                                  &view->any_settled, &view->settled, error);
    if (!code)
        code = rpc_nonce(rpc, outbox->address, RPC_LATEST, &view->used, error);
    return code;
}

/* A number of ours that a settled block's state counts as used, though not by this transaction: it
 * can never come in. */
static int outbox_check_taken(struct outbox *outbox, const struct outbox_row *row,
                              const struct outbox_view *view, struct aceso_error *error)
{
    bool known = true;
    uint64_t used = 0;
    int code;

    if (!view->any_settled)
        return ACESO_OK;
    code = rpc_nonce(outbox->settings.rpc, outbox->address, view->settled, &used, error);
    if (code || used <= row->nonce)
        return code;
    /* A node that makes a block may count the number before it has the receipt. */
    code = rpc_transaction_known(outbox->settings.rpc, row->hash, &known, error);
    if (code || known)
        return code;
    return outbox_fail(outbox, row->id, "its number was used by a transaction of another program",
                       error);
}

/* Rows whose numbers blocks hold: reads their receipts until they are settled. */
static int outbox_receive(struct outbox *outbox, const struct outbox_view *view,
                          struct aceso_error *error)
{
    static const char sql[] =
        "SELECT " OUTBOX_ROW_COLUMNS " FROM outbox"
        " WHERE settled = 0 AND nonce < ?1 AND nonce > ?2 ORDER BY nonce LIMIT 1";
    int64_t after = -1;
    int code;

    for (;;) {
        struct rpc_receipt receipt;
        struct outbox_row row;

        code = outbox_find(outbox, sql, (int64_t)view->used, after, &row, error);
        if (code != 1)
            return code;
        after = (int64_t)row.nonce;
        code = rpc_receipt(outbox->settings.rpc, row.hash, &receipt, error);
        if (code == ACESO_OK)
            code = outbox_mine(outbox, &row, &receipt,
                               view->any_settled && receipt.block <= view->settled, error);
        else if (code == ACESO_ENOTFOUND && row.state != OUTBOX_SENT)
            code = outbox_unmine(outbox, row.nonce, row.nonce, error);
        else if (code == ACESO_ENOTFOUND)
            code = outbox_check_taken(outbox, &row, view, error);
        outbox_row_free(&row);
        if (code)
            return code;
    }
}

/* Tries the call on the chain's state and sets the gas limit. ACESO_ECHAIN: it would fail. */
static int outbox_simulate(struct outbox *outbox, struct transaction *tx,
                           struct aceso_error *error)
{
    struct rpc_call call = outbox_call(outbox, tx);
    struct buffer out = BUFFER_INIT(1 << 20);
    uint64_t gas = 0;
    int code;

    if (tx->gas_limit) {
        code = rpc_call(outbox->settings.rpc, &call, RPC_LATEST, &out, NULL, error);
        buffer_free(&out);
        return code;
    }
    code = rpc_estimate_gas(outbox->settings.rpc, &call, &gas, error);
    if (code)
        return code;
    if (gas > outbox->settings.gas_max)
        return error_set(error, ACESO_ECHAIN, NULL, "it would use %llu gas, above the cap of %llu",
                         (unsigned long long)gas, (unsigned long long)outbox->settings.gas_max);
    gas += gas / 4;
    tx->gas_limit = gas < outbox->settings.gas_max ? gas : outbox->settings.gas_max;
    return ACESO_OK;
}

/* Whether a transaction that is to be sent again is to wait: the chain lost what it builds on, and
 * that may be another party's and on its way as well. Sent now it would fail for good. */
static bool outbox_must_wait(struct outbox *outbox, const struct outbox_row *row)
{
    struct transaction tx;
    uint8_t sender[20], hash[32];

    return time_monotonic_ms() < outbox->patient_until &&
           transaction_decode(buffer_bytes(&row->data), &tx, sender, hash, NULL) == ACESO_OK &&
           outbox_simulate(outbox, &tx, NULL) == ACESO_ECHAIN;
}

/* Rows that were sent and that no block holds: sends those again that the node does not have, in
 * the order of their numbers, as far as they need not wait. `waiting`: how many there are. */
static int outbox_resend(struct outbox *outbox, const struct outbox_view *view, size_t *waiting,
                         struct aceso_error *error)
{
    static const char sql[] =
        "SELECT " OUTBOX_ROW_COLUMNS " FROM outbox"
        " WHERE settled = 0 AND nonce >= ?1 AND nonce > ?2 ORDER BY nonce LIMIT 1";
    int64_t after = -1;
    int code;

    for (*waiting = 0;; (*waiting)++) {
        struct outbox_row row;
        bool known = false, wait = false;

        code = outbox_find(outbox, sql, (int64_t)view->used, after, &row, error);
        if (code != 1)
            return code;
        after = (int64_t)row.nonce;
        code = rpc_transaction_known(outbox->settings.rpc, row.hash, &known, error);
        if (!code && !known)
            wait = outbox_must_wait(outbox, &row);
        if (!code && !known && !wait)
            code = rpc_send_raw(outbox->settings.rpc, buffer_bytes(&row.data), error);
        if (code == ACESO_ESTATE) /* a block took the number meanwhile: the next run looks */
            code = ACESO_OK;
        outbox_row_free(&row);
        if (code)
            return code;
        if (wait) {
            (*waiting)++;
            return ACESO_OK;
        }
    }
}

/* The number for the next transaction: behind those that the chain has, and behind our own. */
static int outbox_next_nonce(struct outbox *outbox, uint64_t *nonce, struct aceso_error *error)
{
    uint64_t pending = 0;
    int64_t own = 0;
    int code = rpc_nonce(outbox->settings.rpc, outbox->address, RPC_PENDING, &pending, error);

    if (!code)
        code = outbox_number(outbox, "SELECT coalesce(max(nonce) + 1, 0) + ?1 + ?2 FROM outbox", 0,
                             0, &own, error);
    if (!code && pending > INT64_MAX)
        code = error_set(error, ACESO_EFORMAT, NULL, "the chain's node counts absurdly");
    if (!code)
        *nonce = pending > (uint64_t)own ? pending : (uint64_t)own;
    return code;
}

static int outbox_price(struct outbox *outbox, struct transaction *tx, struct aceso_error *error)
{
    struct rpc_fees fees;
    int code = rpc_fees(outbox->settings.rpc, &fees, error);

    if (code)
        return code;
    if (!fees.dynamic)
        return error_set(error, ACESO_ESTATE, NULL, "the chain has no base fee (EIP-1559)");
    if (fees.base + fees.tip > outbox->settings.fee_max)
        return error_set(error, ACESO_ELIMIT, NULL, "the chain's fee is above the cap");
    tx->fee_max = fees.fee_max < outbox->settings.fee_max ? fees.fee_max
                                                          : outbox->settings.fee_max;
    tx->fee_tip = fees.tip;
    return ACESO_OK;
}

/* Writes the signed transaction down; from here on it may be sent, again and again. */
static int outbox_write_signed(struct outbox *outbox, const struct outbox_row *row, uint64_t nonce,
                               struct bytes raw, const uint8_t hash[32],
                               struct aceso_error *error)
{
    struct statement *update;
    int code;

    (void)pthread_mutex_lock(&outbox->lock);
    code = store_prepare(outbox->settings.store,
                         "UPDATE outbox SET state = ?2, nonce = ?3, raw = ?4, hash = ?5"
                         " WHERE id = ?1",
                         &update, error);
    if (!code) {
        statement_bind_int(update, 1, row->id);
        statement_bind_int(update, 2, OUTBOX_SENT);
        statement_bind_int(update, 3, (int64_t)nonce);
        statement_bind_blob(update, 4, raw);
        statement_bind_blob(update, 5, bytes_of(hash, 32));
        code = statement_run(update, error);
    }
    (void)pthread_mutex_unlock(&outbox->lock);
    return code;
}

/* Signs and sends one queued row. `*held`: it would fail now, but others are on their way, or may
 * be, that change that. */
static int outbox_send_row(struct outbox *outbox, const struct outbox_row *row, size_t waiting,
                           bool *held, struct aceso_error *error)
{
    struct transaction tx = { .chain_id = outbox->settings.chain_id, .create = row->create,
                              .gas_limit = row->gas_limit, .data = buffer_bytes(&row->data) };
    struct buffer raw = BUFFER_INIT(TRANSACTION_DATA_MAX * 2);
    struct aceso_error refusal = { .code = ACESO_OK };
    uint8_t hash[32];
    int code;

    memcpy(tx.to, row->to, 20);
    code = outbox_simulate(outbox, &tx, &refusal);
    if (code == ACESO_ECHAIN) {
        *held = waiting > 0 || time_monotonic_ms() < outbox->patient_until;
        return *held ? ACESO_OK : outbox_fail(outbox, row->id, refusal.text, error);
    }
    if (code)
        return error_set(error, code, NULL, "%s", refusal.text);
    code = outbox_price(outbox, &tx, error);
    if (!code)
        code = outbox_next_nonce(outbox, &tx.nonce, error);
    if (!code)
        code = transaction_sign(&tx, outbox->settings.secret, &raw, hash, error);
    if (!code)
        code = outbox_write_signed(outbox, row, tx.nonce, buffer_bytes(&raw), hash, error);
    if (!code)
        code = rpc_send_raw(outbox->settings.rpc, buffer_bytes(&raw), error);
    if (code == ACESO_ESTATE)
        code = ACESO_OK;
    buffer_free(&raw);
    return code;
}

static int outbox_send(struct outbox *outbox, size_t *waiting, struct aceso_error *error)
{
    static const char sql[] =
        "SELECT " OUTBOX_ROW_COLUMNS " FROM outbox"
        " WHERE settled = 0 AND state = ?1 AND id > ?2 ORDER BY id LIMIT 1";
    int64_t after = 0;
    bool held = false;

    while (*waiting < outbox->settings.ahead_max && !held) {
        struct outbox_row row;
        int64_t failed = 0;
        int code = outbox_find(outbox, sql, OUTBOX_QUEUED, after, &row, error);

        if (code != 1)
            return code;
        after = row.id;
        code = outbox_send_row(outbox, &row, *waiting, &held, error);
        outbox_row_free(&row);
        if (!code)
            code = outbox_number(outbox, "SELECT state = ?2 FROM outbox WHERE id = ?1", after,
                                 OUTBOX_FAILED, &failed, error);
        if (code)
            return code;
        *waiting += !failed && !held;
    }
    return ACESO_OK;
}

/* One look at the chain and what follows from it. `*moved`: something was sent. */
static int outbox_step(struct outbox *outbox, bool *moved, struct aceso_error *error)
{
    struct outbox_view view = { .used = 0 };
    size_t waiting = 0, before;
    int code = outbox_look(outbox, &view, error);

    if (!code && view.used > INT64_MAX)
        code = error_set(error, ACESO_EFORMAT, NULL, "the chain's node counts absurdly");
    if (!code)
        code = outbox_unmine(outbox, view.used, INT64_MAX, error);
    if (!code)
        code = outbox_receive(outbox, &view, error);
    if (!code)
        code = outbox_resend(outbox, &view, &waiting, error);
    before = waiting;
    if (!code)
        code = outbox_send(outbox, &waiting, error);
    *moved = waiting > before;
    return code;
}

int outbox_run(struct outbox *outbox, size_t *pending, struct aceso_error *error)
{
    int64_t open = 0;
    bool moved = true;
    int code = ACESO_OK;

    if (pthread_mutex_trylock(&outbox->running) == 0) {
        /* Again as long as something was sent: where blocks come at once, a queue is worked off in
         * one run. */
        while (!code && moved)
            code = outbox_step(outbox, &moved, error);
        (void)pthread_mutex_unlock(&outbox->running);
    }
    if (!code && pending) {
        code = outbox_number(outbox, "SELECT count(*) FROM outbox WHERE settled = ?1 + ?2", 0, 0,
                             &open, error);
        if (!code)
            *pending = (size_t)open;
    }
    return code;
}

static int outbox_result_read(const struct statement *select, struct outbox_result *result)
{
    struct outbox_result read = { .state = OUTBOX_QUEUED };

    read.state = (enum outbox_state)statement_int(select, 0);
    read.settled = statement_int(select, 1) != 0;
    read.in_block = !statement_is_null(select, 2);
    read.block = (uint64_t)statement_int(select, 2);
    read.gas_used = (uint64_t)statement_int(select, 3);
    read.fee_paid = (uint64_t)statement_int(select, 4);
    if (!statement_is_null(select, 5) && statement_copy(select, 5, read.transaction, 32))
        return ACESO_EFORMAT;
    if (!statement_is_null(select, 6) && statement_copy(select, 6, read.contract, 20))
        return ACESO_EFORMAT;
    (void)snprintf(read.reason, sizeof read.reason, "%s", statement_text(select, 7));
    *result = read;
    return ACESO_OK;
}

int outbox_result(struct outbox *outbox, const char *key, struct outbox_result *result,
                  struct aceso_error *error)
{
    static const char sql[] = "SELECT state, settled, block, gas_used, fee_paid, hash, contract,"
                              " reason FROM outbox WHERE key = ?1";
    struct statement *select;
    int code;

    (void)pthread_mutex_lock(&outbox->lock);
    code = store_prepare(outbox->settings.store, sql, &select, error);
    if (!code) {
        statement_bind_text(select, 1, key);
        code = statement_step(select, error);
        if (code == 1)
            code = outbox_result_read(select, result);
        else if (code == 0)
            code = error_set(error, ACESO_ENOTFOUND, NULL, "%s: not in the outbox", key);
        statement_finish(select);
    }
    (void)pthread_mutex_unlock(&outbox->lock);
    return code;
}

int outbox_wait(struct outbox *outbox, const char *key, uint32_t timeout_ms,
                struct outbox_result *result, struct aceso_error *error)
{
    const int64_t end = time_monotonic_ms() + timeout_ms;
    const struct timespec pause = { .tv_nsec = OUTBOX_POLL_NS };
    struct aceso_error trouble = { .code = ACESO_OK };
    struct outbox_result read;

    for (;;) {
        int run = outbox_run(outbox, NULL, &trouble);
        int code = outbox_result(outbox, key, &read, error);

        if (code)
            return code;
        if (read.settled) {
            *result = read;
            return read.state == OUTBOX_FAILED
                       ? error_set(error, ACESO_ECHAIN, NULL, "%s", read.reason)
                       : ACESO_OK;
        }
        if (time_monotonic_ms() >= end)
            return error_set(error, ACESO_ETIMEOUT, NULL, "not on the chain in time%s%s",
                             run ? ": " : "", run ? trouble.text : "");
        (void)nanosleep(&pause, NULL);
    }
}
