/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching: collects keys, grant and access string, and streams what the consent allows to the
 * owner. Nothing that was opened is kept. Uses node. */
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "consent/sealing.h"
#include "consent/vocabulary.h"
#include "institute/internal.h"
#include "node/obtain.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define INSTITUTE_WAIT_MS 60000
#define INSTITUTE_TURN_MS 100

void fetching_free(void *data)
{
    struct fetching *fetching = data;

    reading_close(fetching->reading);
    keyring_free(fetching->keyring);
    buffer_free(&fetching->access);
    ledger_request_free(&fetching->request);
    store_close(fetching->store);
    free(fetching->path);
    free(fetching);
}

int fetching_make(struct node *node, struct fetching **out, struct aceso_error *error)
{
    struct fetching *fetching = calloc(1, sizeof *fetching);
    int code;

    if (!fetching)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    fetching->node = node;
    fetching->request = (struct ledger_request)LEDGER_REQUEST_INIT;
    fetching->access = (struct buffer)BUFFER_INIT_SECRET(65536);
    fetching->keyring = keyring_create(node->config.address);
    code = fetching->keyring ? node_store(node, &fetching->store, error)
                             : error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    if (code)
        fetching_free(fetching);
    else
        *out = fetching;
    return code;
}

/* Opens what was sealed to this institute for one request. */
static int fetching_unseal(const struct fetching *fetching, const struct ledger_request *request,
                           const char *purpose, const uint8_t sender[20], uint32_t epoch,
                           struct bytes sealed, struct buffer *out, struct aceso_error *error)
{
    const struct node *node = fetching->node;
    struct sealing sealing = { .purpose = purpose, .chain_id = node->config.network.chain_id,
                               .epoch = epoch };
    uint8_t secret[32], public_key[32];
    int code;

    memcpy(sealing.contract, node->config.network.arsc, 20);
    memcpy(sealing.sender, sender, 20);
    memcpy(sealing.receiver, node->config.address, 20);
    memcpy(sealing.request, request->id, 32);
    keys_seal_pair(node->keys, secret, public_key);
    code = sealing_open(&sealing, secret, sealed, out, error);
    secret_wipe(secret, sizeof secret);
    return code;
}

int fetching_add_grant(struct fetching *fetching, const struct ledger_request *request,
                       struct aceso_error *error)
{
    struct buffer key = BUFFER_INIT_SECRET(65536);
    int code = fetching_unseal(fetching, request, "grant", request->patient, request->epoch,
                               buffer_bytes(&request->grant), &key, error);

    if (!code)
        code = keyring_add_user(fetching->keyring, buffer_bytes(&key), error);
    buffer_free(&key);
    return code;
}

int fetching_open_reading(struct fetching *fetching, struct aceso_error *error)
{
    int64_t until = time_monotonic_ms() + INSTITUTE_WAIT_MS;
    int code;

    for (;;) {
        code = reading_open(fetching->node, &fetching->hospital, fetching->patient,
                            &fetching->reading, error);
        if (code != ACESO_EBUSY || time_monotonic_ms() > until || node_stopping(fetching->node))
            break;
        (void)poll(NULL, 0, INSTITUTE_TURN_MS);
    }
    if (!code)
        code = reading_add_publics(fetching->reading, fetching->keyring, error);
    return code;
}

/* Whether asking again later may help: the other side is away or busy. */
static bool fetching_may_pass(int code)
{
    return code == ACESO_EIO || code == ACESO_ETIMEOUT || code == ACESO_EBUSY;
}

/* Asks every authority of the policy for what it has issued to us; what one of them refuses is
 * shown by the header that does not open. Returns what kept one from answering, if anything did. */
static int fetching_obtain(struct fetching *fetching)
{
    const char *label;
    int code = obtain_keys(fetching->node, &fetching->hospital, fetching->patient, NULL, NULL);
    int away = fetching_may_pass(code) ? code : ACESO_OK;

    if (code)
        log_info("no keys from %s", fetching->hospital.card.label);
    for (size_t i = 0; (label = reading_authority(fetching->reading, i)) != NULL; i++) {
        struct ledger_hospital authority;

        if (strcmp(label, fetching->hospital.card.label) == 0 ||
            ledger_hospital_by_label(fetching->store, label, &authority, NULL))
            continue;
        code = obtain_keys(fetching->node, &authority, NULL, NULL, NULL);
        if (code)
            log_info("no keys from %s", label);
        if (!away && fetching_may_pass(code))
            away = code;
    }
    return away;
}

int fetching_unlock(struct fetching *fetching, struct aceso_error *error)
{
    struct node *node = fetching->node;
    int away, code = held_keys_load(fetching->store, node->keys, fetching->keyring, error);

    if (!code)
        code = reading_unlock(fetching->reading, fetching->level, fetching->keyring, error);
    if (code != ACESO_EDENIED)
        return code;
    away = fetching_obtain(fetching);
    code = held_keys_load(fetching->store, node->keys, fetching->keyring, error);
    if (!code)
        code = reading_unlock(fetching->reading, fetching->level, fetching->keyring, error);
    if (code == ACESO_EDENIED && away)
        return error_set(error, away, NULL, "an authority does not answer: %s",
                         error_name(away));
    if (code == ACESO_EDENIED)
        (void)error_set(error, code, NULL, "no key for level %s: the attributes held and the "
                        "patient's grant do not satisfy its policy",
                        level_name(fetching->level));
    return code;
}

static int fetching_access(struct fetching *fetching, struct aceso_error *error)
{
    if (fetching->access.len)
        return ACESO_OK;
    if (!fetching->request.access.len)
        return error_set(error, ACESO_EDENIED, NULL, "the request is %s: there is no access string",
                         ledger_status_name(fetching->request.status));
    return fetching_unseal(fetching, &fetching->request, "access string", fetching->hospital.key,
                           0, buffer_bytes(&fetching->request.access), &fetching->access, error);
}

static int fetching_work(struct pump *pump, void *data, struct aceso_error *error)
{
    struct fetching *fetching = data;
    struct export *export = NULL;
    int code = ledger_hospital_by_id(fetching->store, fetching->request.hospital,
                                     &fetching->hospital, error);

    memcpy(fetching->patient, fetching->request.patient, 20);
    fetching->level = fetching->request.granted ? fetching->request.granted
                                                : fetching->request.level;
    if (!code)
        code = fetching_access(fetching, error);
    if (!code)
        code = fetching_open_reading(fetching, error);
    if (!code && fetching->request.grant.len)
        code = fetching_add_grant(fetching, &fetching->request, error);
    if (!code)
        code = fetching_unlock(fetching, error);
    if (!code)
        code = export_create(pump, false, &export, error);
    if (!code)
        code = reading_fetch(fetching->reading, "POST", "/v1/query",
                             buffer_bytes(&fetching->access), export, error);
    if (!code)
        code = export_finish(export, NULL, error);
    export_free(export);
    return code;
}

int institute_fetch(struct node *node, const yyjson_val *input, struct http_stream *stream,
                    struct aceso_error *error)
{
    const char *access = json_string_or(input, "access", NULL);
    struct fetching *fetching = NULL;
    uint8_t id[32];
    int code = json_hex(input, "request", id, 32, error);

    if (!code)
        code = fetching_make(node, &fetching, error);
    if (code)
        return code;
    code = ledger_request(fetching->store, id, &fetching->request, error);
    if (!code && memcmp(fetching->request.institute, node->config.address, 20) != 0)
        code = error_set(error, ACESO_EDENIED, NULL, "the request is somebody else's");
    if (!code && access)
        code = buffer_put_string(&fetching->access, access);
    if (!code)
        code = pump_start(fetching_work, fetching, fetching_free, stream, error);
    if (code)
        fetching_free(fetching);
    return code;
}
