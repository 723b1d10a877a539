/* SPDX-License-Identifier: Apache-2.0 */
/* What a patient's node says of each of its hospitals. Uses node. */
#include "node/status.h"

#include "base/text.h"
#include "patient/internal.h"

/* Whether the terms with this hospital are on the chain. */
static bool status_enrolled(const struct membership *at, struct store *store)
{
    struct ledger_relationship relationship = LEDGER_RELATIONSHIP_INIT;
    int code = ledger_relationship(store, at->card.id, at->address, &relationship, NULL);

    buffer_free(&relationship.headers);
    return code == ACESO_OK;
}

static int status_hospital(const struct membership *at, struct store *store,
                           struct status *status, struct aceso_error *error)
{
    bool admitted = at->tls.chain.len != 0, enrolled = status_enrolled(at, store);
    struct status_count count = { .open = 0 };
    char address[43] = "0x";
    int code = status_count(store, at->address, 0, &count, error);

    if (code)
        return code;
    text_hex(at->address, 20, address + 2);
    json_open(&status->writer, NULL, '{');
    json_put_string(&status->writer, "label", at->card.label);
    json_put_string(&status->writer, "address", address);
    json_put_bool(&status->writer, "admitted", admitted);
    json_put_bool(&status->writer, "enrolled", enrolled);
    json_put_u64(&status->writer, "open", count.open);
    json_put_u64(&status->writer, "live", count.live);
    json_close(&status->writer, '}');
    if (!enrolled)
        status_line(status, "%s: %s as %s", at->card.label,
                    admitted ? "admitted, not enrolled," : "not admitted yet,", address);
    else
        status_line(status, "%s: patient as %s; consents: %u live, %u requests open",
                    at->card.label, address, count.live, count.open);
    return ACESO_OK;
}

int patient_status(struct node *node, struct store *store, struct status *status,
                   struct aceso_error *error)
{
    int code = ACESO_OK;

    json_open(&status->writer, "hospitals", '[');
    for (size_t i = 0; i < node->membership_count && !code; i++)
        code = status_hospital(&node->memberships[i], store, status, error);
    json_close(&status->writer, ']');
    return code;
}
