/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the whole own record with the patient's own key (self). Uses node. */
#include "base/text.h"
#include "node/reading.h"
#include "patient/internal.h"

static int reading_work(struct pump *pump, void *data, struct aceso_error *error)
{
    struct node *node = data;
    struct keyring *keyring = keyring_create(node->config.address);
    struct buffer self = BUFFER_INIT_SECRET(4096);
    struct authority *authority = NULL;
    struct reading *reading = NULL;
    struct ledger_hospital hospital;
    struct store *store = NULL;
    int64_t until = time_monotonic_ms() + PATIENT_WAIT_MS;
    char name[65];
    int code = keyring ? node_store(node, &store, error) : ACESO_EMEMORY;

    if (!code)
        code = ledger_hospital_by_id(store, node->config.hospital.id, &hospital, error);
    store_close(store);
    do {
        if (!code)
            code = reading_open(node, &hospital, node->config.address, &reading, error);
        if (code != ACESO_EBUSY)
            break;
        code = patient_turn(node, until, error);
    } while (!code);
    if (!code)
        code = reading_add_publics(reading, keyring, error);
    if (!code)
        code = patient_authority(node, &authority, error);
    if (!code) {
        authority_self_name(reading_epoch(reading).e, name);
        code = authority_user_key(authority, name, node->config.address, &self, error);
    }
    if (!code)
        code = keyring_add_user(keyring, buffer_bytes(&self), error);
    if (!code)
        code = reading_unlock(reading, RECORD_LEVELS, keyring, error);
    if (!code)
        code = reading_fetch(reading, "GET", "/v1/parts", bytes_of(NULL, 0), pump, error);
    reading_close(reading);
    authority_free(authority);
    keyring_free(keyring);
    buffer_free(&self);
    return code;
}

int patient_read(struct node *node, const yyjson_val *input, struct http_stream *stream,
                 struct aceso_error *error)
{
    (void)input;
    return pump_start(reading_work, node, NULL, stream, error);
}
