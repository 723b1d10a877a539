/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a CA, a hospital and an institute with their outboxes, a patient who only signs,
 * and the four contracts on an anvil. Uses anvil and all of this folder.
 *
 * Every function ends the test with a message when something goes wrong (cmocka's fail). */
#ifndef ACESO_CHAIN_CONSORTIUM_H
#define ACESO_CHAIN_CONSORTIUM_H

#include "chain/amsc.h"
#include "chain/anvil.h"
#include "chain/arsc.h"
#include "chain/contract.h"
#include "chain/hisc.h"
#include "chain/hpsc.h"
#include "chain/outbox.h"
#include "store/store.h"

struct party {
    char path[96]; /* of the database */
    uint8_t secret[32];
    uint8_t address[20];
    struct store *store;  /* the party's own */
    struct store *sender; /* the outbox's */
    struct outbox *outbox;
};

struct consortium {
    struct anvil anvil;
    struct party ca, hospital, institute;
    uint8_t patient_secret[32];
    uint8_t patient[20];
    struct deployment deployment;
    struct contract amsc, arsc;
    uint32_t hospital_id;
    int adds; /* numbers the outboxes' keys */
};

/* Anvil and the parties; with `deploy` also the contracts. */
void consortium_start(struct consortium *consortium, bool deploy);
void consortium_stop(struct consortium *consortium);

/* Closes the party's stores and outbox and opens them again, as after a crash. `settings` may be
 * NULL. */
void consortium_reopen(struct consortium *consortium, struct party *party,
                       const struct outbox_settings *settings);

/* Queues a message; NULL: deploys. `data` is freed. Returns the key in memory of its own, for a
 * few calls. */
const char *consortium_add(struct consortium *consortium, struct party *party,
                           const uint8_t *to, struct buffer *data);

/* Queues it and waits until it is mined; ends the test when it fails. */
void consortium_send(struct consortium *consortium, struct party *party, const uint8_t *to,
                     struct buffer *data, struct outbox_result *result);

/* Queues it and expects that it fails with a reason that names `error`. */
void consortium_refused(struct consortium *consortium, struct party *party, const uint8_t *to,
                        struct buffer *data, const char *error);

/* Runs the party's outbox until exactly `pending` rows are not settled. */
void consortium_run(struct party *party, size_t pending);

void consortium_deploy(struct consortium *consortium);

/* Registers the hospital, which publishes its keys. */
void consortium_register(struct consortium *consortium);

/* The patient's HPSC at the hospital; the credential of the institute. */
void consortium_relate(struct consortium *consortium, struct contract *hpsc);
void consortium_credential(struct consortium *consortium, struct amsc_credential *credential,
                           uint8_t signature[65]);

/* Signs `digest` with `secret`. */
void consortium_sign(const uint8_t secret[32], const uint8_t digest[32], uint8_t signature[65]);

/* The newest block's time. */
uint64_t consortium_time(struct consortium *consortium);

#endif
