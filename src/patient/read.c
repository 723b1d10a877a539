/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the whole own record with the patient's own key (self). Uses node. */
#include "base/text.h"
#include "node/reading.h"
#include "patient/internal.h"

#include <stdlib.h>

/* Which record is read: that of one hospital, or of each in turn. */
struct own_record {
    struct node *node;
    struct patient_choice choice;
};

static int own_read(struct node *node, const struct membership *at, struct export *export,
                    struct aceso_error *error)
{
    struct keyring *keyring = keyring_create(at->address);
    struct buffer self = BUFFER_INIT_SECRET(4096);
    struct authority *authority = NULL;
    struct reading *reading = NULL;
    struct ledger_hospital hospital;
    struct store *store = NULL;
    int64_t until = time_monotonic_ms() + PATIENT_WAIT_MS;
    char name[65];
    int code = keyring ? node_store(node, &store, error) : ACESO_EMEMORY;

    if (!code)
        code = ledger_hospital_by_id(store, at->card.id, &hospital, error);
    store_close(store);
    do {
        if (!code)
            code = reading_open(node, &hospital, at->address, &reading, error);
        if (code != ACESO_EBUSY)
            break;
        code = patient_turn(node, until, error);
    } while (!code);
    if (!code)
        code = reading_add_publics(reading, keyring, error);
    if (!code)
        code = patient_authority(node, at, &authority, error);
    if (!code) {
        authority_self_name(reading_epoch(reading).e, name);
        code = authority_user_key(authority, name, at->address, &self, error);
    }
    if (!code)
        code = keyring_add_user(keyring, buffer_bytes(&self), error);
    if (!code)
        code = reading_unlock(reading, RECORD_LEVELS, keyring, error);
    if (!code)
        code = reading_fetch(reading, "GET", "/v1/parts", bytes_of(NULL, 0), export, error);
    reading_close(reading);
    authority_free(authority);
    keyring_free(keyring);
    buffer_free(&self);
    return code;
}

static bool own_has_record(struct store *store, const struct membership *at)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    uint64_t last = 0;
    int code = ledger_relationship(store, at->card.id, at->address, &relationship, NULL);

    if (!code)
        code = ledger_batch_last(store, relationship.contract, &last, NULL);
    buffer_free(&relationship.headers);
    return !code && last > 0;
}

/* Leaves out where nothing is to be read yet, as long as there is something anywhere. */
static int own_choose(struct node *node, const yyjson_val *input, struct patient_choice *choice,
                      struct aceso_error *error)
{
    struct patient_choice found = { .count = 0 };
    struct store *store = NULL;
    int code = patient_choose(node, input, choice, error);

    if (!code)
        code = node_store(node, &store, error);
    for (size_t i = 0; !code && i < choice->count; i++) {
        if (own_has_record(store, choice->at[i]))
            found.at[found.count++] = choice->at[i];
    }
    store_close(store);
    if (!code && found.count)
        *choice = found;
    else if (!code)
        choice->count = 1;
    return code;
}

static int own_work(struct pump *pump, void *data, struct aceso_error *error)
{
    const struct own_record *record = data;
    struct export_totals totals;
    struct export *export = NULL;
    int code = export_create(pump, record->choice.count > 1, &export, error);

    for (size_t i = 0; !code && i < record->choice.count; i++)
        code = own_read(record->node, record->choice.at[i], export, error);
    if (!code)
        code = export_finish(export, &totals, error);
    if (!code && totals.differing)
        pump_say(pump, "%llu resources are not the same at all hospitals: each stands as each "
                 "hospital has it", (unsigned long long)totals.differing);
    export_free(export);
    return code;
}

int patient_read(struct node *node, const yyjson_val *input, struct http_stream *stream,
                 struct aceso_error *error)
{
    struct own_record *record = calloc(1, sizeof *record);
    int code = record ? own_choose(node, input, &record->choice, error)
                      : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    if (!code) {
        record->node = node;
        code = pump_start(own_work, record, free, stream, error);
    }
    if (code)
        free(record);
    return code;
}
