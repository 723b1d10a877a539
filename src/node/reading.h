/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a patient's sealed parts, for whoever holds a level key: checks the relationship's keys
 * and batches against the chain and the patient's signatures, opens what comes, hands out one
 * resource a line. Uses node, ledger, record, consent, export. */
#ifndef ACESO_NODE_READING_H
#define ACESO_NODE_READING_H

#include "consent/keyring.h"
#include "node/export.h"
#include "node/ledger.h"
#include "node/node.h"
#include "record/ladder.h"

struct reading;

/* Learns from the ledger and the hospital what reading needs. ACESO_EVERIFY where what the
 * hospital says is not what the chain holds, ACESO_EBUSY while it has not caught up with it. */
ACESO_NODISCARD int reading_open(struct node *node, const struct ledger_hospital *hospital,
                                 const uint8_t patient[20], struct reading **reading,
                                 struct aceso_error *error);
void reading_close(struct reading *reading); /* wipes; accepts NULL */

/* Adds the relationship's public keys (the patient's and every authority's) to `keyring`. */
ACESO_NODISCARD int reading_add_publics(const struct reading *reading, struct keyring *keyring,
                                        struct aceso_error *error);

/* The epoch of the relationship's newest terms. */
struct record_epoch reading_epoch(const struct reading *reading);

/* The label of authority `at` (from 0) among those that the policy names; NULL past the last. */
const char *reading_authority(const struct reading *reading, size_t at);

/* Opens level `level`'s header with the keyring's user keys and keeps the key for what follows. */
ACESO_NODISCARD int reading_unlock(struct reading *reading, unsigned level,
                                   const struct keyring *keyring, struct aceso_error *error);

/* Takes pieces of a stream of rows (record/row.h) and puts lines and what proves them into
 * `export`. Rows above the level are passed over where `skip_above`, else refused. */
ACESO_NODISCARD int reading_begin(struct reading *reading, struct export *export, bool skip_above,
                                  struct aceso_error *error);
ACESO_NODISCARD int reading_feed(struct reading *reading, struct bytes bytes,
                                 struct aceso_error *error);
/* After the last piece: everything of every batch must have come. */
ACESO_NODISCARD int reading_finish(struct reading *reading, struct aceso_error *error);

/* The same from the hospital: calls `path` there and feeds what comes. */
ACESO_NODISCARD int reading_fetch(struct reading *reading, const char *method, const char *path,
                                  struct bytes body, struct export *export,
                                  struct aceso_error *error);

#endif
