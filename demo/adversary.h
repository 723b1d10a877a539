/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the adversary share: an attack under way, and what was stolen for it.
 *
 * The adversary has what bad parties have: their data directories with passwords, databases and
 * parts that were stolen, and everything that is public. It uses the program's own libraries where
 * they serve an attacker, and code of its own where they refuse to. It only looks: it sends no
 * transaction and writes to no data directory, but for a cloud's operator to his own. */
#ifndef ACESO_DEMO_ADVERSARY_H
#define ACESO_DEMO_ADVERSARY_H

#include "base/json.h"
#include "chain/contract.h"
#include "consent/authority.h"
#include "consent/keyring.h"
#include "node/keys.h"
#include "node/ledger.h"
#include "record/ladder.h"

#include <limits.h>

#define ATTACK_PARTIES_MAX 8
#define ATTACK_FILES_MAX 8
#define ATTACK_PATIENTS_MAX 256

/* ---- one run (adversary.c) --------------------------------------------------------------- */

/* What the command line names. Parties are data directories. */
struct attack_input {
    const char *institute[ATTACK_PARTIES_MAX]; /* colluding askers */
    const char *hospital[ATTACK_PARTIES_MAX];  /* colluding hospitals */
    const char *patient[ATTACK_PARTIES_MAX];   /* colluding patients */
    const char *database[ATTACK_FILES_MAX];    /* directories with a stolen records.db, node.db */
    const char *parts[ATTACK_FILES_MAX];       /* stolen streams of parts */
    const char *cloud[ATTACK_FILES_MAX];       /* the directory of a cloud's operator */
    const char *bundle[ATTACK_FILES_MAX];      /* what to look for in what was stolen */
    const char *only[ATTACK_FILES_MAX];        /* addresses: these patients; none: all */
    const char *how, *kept;                    /* of `shelf` */
    const char *anvil;                         /* for a second chain */
    const char *work;                          /* a directory for copies */
    uint64_t budget;                           /* attempts at one header on the group level */
};

struct attack {
    const char *name;
    struct attack_input in;
    struct buffer notes; /* JSON, members of the array "attempts" */
    struct json_writer writer;
    struct buffer text;    /* the same for people */
    struct buffer patients; /* JSON, members of the array "patients" */
    uint64_t tried;        /* attempts in all */
    uint64_t breaches;     /* those that got more than is allowed */
    char message[512];     /* one line: what was tried and what came of it */
};

/* Notes one attempt and what stopped it (or what it got). */
void attack_note(struct attack *attack, bool breach, const char *what, const char *outcome);
void attack_say(struct attack *attack, const char *format, ...) ACESO_PRINTF(2, 3);

/* Where a copy of `name` may lie, in a directory that goes with the run. */
ACESO_NODISCARD int attack_path(const struct attack *attack, const char *name, char *out,
                                size_t size, struct aceso_error *error);

/* An attack. ACESO_OK: it was carried out, `breaches` and `message` tell what came of it. Anything
 * else: it could not be, which says nothing about the defence. */
typedef int attack_fn(struct attack *attack, struct aceso_error *error);

int attack_everything(struct attack *attack, struct aceso_error *error);
int attack_pool(struct attack *attack, struct aceso_error *error);
int attack_thief(struct attack *attack, struct aceso_error *error);
int attack_overserve(struct attack *attack, struct aceso_error *error);
int attack_revoked(struct attack *attack, struct aceso_error *error);
int attack_cloud(struct attack *attack, struct aceso_error *error);
int attack_rogue(struct attack *attack, struct aceso_error *error);
int attack_whitelist(struct attack *attack, struct aceso_error *error);
int attack_replay(struct attack *attack, struct aceso_error *error);
int attack_identity(struct attack *attack, struct aceso_error *error);
int attack_impostor(struct attack *attack, struct aceso_error *error);
int attack_shelf(struct attack *attack, struct aceso_error *error);

/* ---- what was stolen (adversary_loot.c) -------------------------------------------------- */

/* A party whose whole data directory the adversary has. */
struct loot_party {
    const char *directory;
    struct node_config config;
    uint8_t address[20];
    struct keys *keys;
    struct buffer chain, key, roots; /* PEM: its TLS identity, and whom it trusts */
    struct store *store;             /* a copy of its node.db */
};

/* A user key in its written form, with what stands in it in the clear. */
struct loot_key {
    char attribute[ATTRIBUTE_TEXT_MAX];
    uint8_t gid[20];
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t len;
};

/* A patient at a hospital, as the ledger and the public directory have it. */
struct loot_relation {
    struct ledger_hospital hospital;
    struct ledger_relationship terms;
    struct record_context context;
    struct buffer patient_keys, authority_keys; /* lists of the public keys */
    unsigned allowed;         /* the highest level that the patient ever granted a party here */
    unsigned alone;           /* what a party opens with its own keys only */
    struct ladder got;        /* the level keys that the attack came by; top 0: none */
    uint64_t part[RECORD_LEVELS];   /* stolen parts of each level */
    uint64_t opened[RECORD_LEVELS]; /* those that opened */
};

struct loot {
    struct attack *attack;
    struct rpc *rpc;          /* the chain, as the first party sees it */
    struct network network;
    struct loot_party party[3 * ATTACK_PARTIES_MAX];
    size_t parties;   /* askers first, */
    size_t institutes;
    size_t hospitals; /* then hospitals, then patients */
    struct loot_key *key;
    size_t keys;
    struct loot_relation *relation;
    size_t relations;
};

/* Opens everything that the command line names, and lists the patients. At least one party must be
 * named: its node's ledger and certificate are the adversary's view of the network. */
ACESO_NODISCARD int loot_open(struct attack *attack, struct loot **loot,
                              struct aceso_error *error);
void loot_free(struct loot *loot); /* accepts NULL */

/* Every user key that the askers hold: attributes, switches, and the grants sealed to them. */
ACESO_NODISCARD int loot_take_keys(struct loot *loot, struct aceso_error *error);

/* Whom a party may have asked for at a patient's hospital: fills `allowed` of every relation with
 * the highest level ever granted to an asker, as the chain has it. */
ACESO_NODISCARD int loot_learn_grants(struct loot *loot, struct aceso_error *error);

/* Every user key that the hospitals can make for each asker, honest or under a false label. */
ACESO_NODISCARD int loot_make_keys(struct loot *loot, size_t *made, struct aceso_error *error);

ACESO_NODISCARD int loot_add_key(struct loot *loot, struct bytes key, struct aceso_error *error);

/* Calls `each` for every stolen part of the patients at hand. */
typedef int loot_part_fn(void *data, struct loot_relation *relation, const struct record_row *row,
                         struct aceso_error *error);
ACESO_NODISCARD int loot_each_part(struct loot *loot, loot_part_fn *each, void *data,
                                   uint64_t *parts, struct aceso_error *error);

/* Every access string that was ever sealed to a party, with its request. */
typedef int loot_access_fn(void *data, struct loot_party *party,
                           const struct ledger_request *request, struct bytes access,
                           struct aceso_error *error);
ACESO_NODISCARD int loot_each_access(struct loot *loot, struct loot_party *party,
                                     loot_access_fn *each, void *data,
                                     struct aceso_error *error);

/* Shows an access string to its hospital's gateway as `party`. `served`: whether bytes came; where
 * none did, `error` says why. Anything but a refusal is a failure. */
ACESO_NODISCARD int loot_query(struct loot *loot, struct loot_party *party, uint32_t hospital,
                               struct bytes access, bool *served, struct aceso_error *error);

/* Opens a copy of a live node's database; migrations stay with the copy. */
ACESO_NODISCARD int loot_copy_store(struct attack *attack, const char *directory,
                                    const char *file, struct store **store,
                                    struct aceso_error *error);

/* Calls a node as `party`; the answer's body is appended where `answer` is not NULL. */
ACESO_NODISCARD int loot_call(struct loot_party *party, const struct ledger_hospital *hospital,
                              const char *method, const char *path, struct bytes body,
                              struct buffer *answer, struct aceso_error *error);

/* What a sealing to `party` holds. */
ACESO_NODISCARD int loot_unseal(struct loot_party *party, const char *purpose,
                                const uint8_t contract[20], const uint8_t sender[20],
                                const uint8_t request[32], uint32_t epoch, struct bytes sealed,
                                struct buffer *out, struct aceso_error *error);

/* ---- opening (adversary_open.c) ---------------------------------------------------------- */

/* Tries every key of the loot in every way on every header and every stolen part, fills the
 * relations, and writes down what came of it. A patient of whom more opened than was ever granted
 * to an asker, or more than one asker opens alone, is a breach. `exact`: what was granted must
 * open, else the attack was too weak to say anything (ACESO_ESTATE). */
ACESO_NODISCARD int opening_run(struct loot *loot, bool exact, struct aceso_error *error);

/* How many stolen parts opened and how many stayed closed. */
void opening_count(const struct loot *loot, uint64_t *opened, uint64_t *closed);

/* ---- plain text in what was stolen (adversary_search.c) ---------------------------------- */

/* Looks in every file below `directory` (or in one file) for names, identifiers, codes' words and
 * ids of the bundles; `needles` and `found` are added to. */
ACESO_NODISCARD int search_bundles(struct attack *attack, const char *directory,
                                   uint64_t *needles, uint64_t *found,
                                   struct aceso_error *error);

/* ---- the chain (adversary_chain.c) ------------------------------------------------------- */

/* A transaction that was mined, as everybody may read it. */
struct chain_message {
    uint8_t from[20], to[20];
    uint64_t block;
    uint8_t request[32]; /* that its event is about; zero where it is about none */
    struct buffer input; /* the whole call */
};

#define CHAIN_MESSAGES_MAX 512

struct chain_history {
    struct chain_message *message; /* oldest first */
    size_t count;
};

/* All transactions that left an event with this first topic. */
ACESO_NODISCARD int chain_history_read(struct loot *loot, const uint8_t topic[32],
                                       struct chain_history *history, struct aceso_error *error);
void chain_history_free(struct chain_history *history);

/* A call as it would be mined behind block `block`. */
struct chain_call {
    struct rpc *rpc;
    const uint8_t *from;
    const uint8_t *to;
    struct bytes data;
    uint64_t block;
};

/* The attack: must be refused by the contract's error `expected` (several: spaces between). Where
 * it passes that is a breach; where something else refuses it the attack shows nothing and the
 * result is ACESO_ESTATE. */
ACESO_NODISCARD int chain_attempt(struct attack *attack, const struct chain_call *call,
                                  const char *what, const char *expected,
                                  struct aceso_error *error);

/* The control: the same where it belongs must pass, else ACESO_ESTATE. */
ACESO_NODISCARD int chain_control(struct attack *attack, const struct chain_call *call,
                                  const char *what, struct aceso_error *error);

/* ---- other chains (adversary_fork.c) ----------------------------------------------------- */

/* A private copy of the chain as it stood behind a block, under a chain id of one's choice. */
struct fork;

ACESO_NODISCARD int fork_open(struct attack *attack, const char *rpc, uint64_t block,
                              uint64_t chain_id, struct fork **fork, struct aceso_error *error);
void fork_close(struct fork *fork); /* accepts NULL; ends the process */
struct rpc *fork_rpc(const struct fork *fork);

/* Sends from any address, without its key: the copy is the adversary's own. */
ACESO_NODISCARD int fork_send(struct fork *fork, const uint8_t from[20], const uint8_t *to,
                              struct bytes data, struct aceso_error *error);

/* ---- what a cloud's operator sees (adversary_cloud.c) ------------------------------------ */

/* Tries every key at hand on every object of the clouds, and looks for plain text there. Hospitals
 * that are named are the control: their keys must open all objects. */
ACESO_NODISCARD int cloud_look(struct attack *attack, uint64_t *objects,
                               struct aceso_error *error);

/* ---- headers on the group level (adversary_rows.c) --------------------------------------- */

/* The level headers of one relationship, taken apart by the written format with code of its own. */
struct rows;

struct rows_result {
    uint64_t tried;
    bool opened;
    uint8_t key[32]; /* the level key K_l, where opened */
};

ACESO_NODISCARD int rows_open(struct bytes headers, const struct record_context *context,
                              struct rows **rows, struct aceso_error *error);
void rows_free(struct rows *rows); /* accepts NULL */

/* Tries at most `budget` ways to put keys of any users and attributes together for level `level`'s
 * header: mixed users under each one's H(gid), a key of another attribute where the right one is
 * missing, averaged keys, rows of the other levels' headers. ACESO_ELIMIT for a policy with
 * thresholds, which this code does not share out. */
ACESO_NODISCARD int rows_attack(const struct rows *rows, unsigned level,
                                const struct loot_key *keys, size_t count, uint64_t budget,
                                struct rows_result *result, struct aceso_error *error);

/* Whether the code above opens what it should and nothing else, on a header made for it. */
ACESO_NODISCARD int rows_self_test(struct aceso_error *error);

/* What a level key wraps, or a guess of it, is worth on the wrapped key of another level. */
bool rows_unwrap(const struct rows *rows, unsigned level, const uint8_t guess[32],
                 uint8_t key[32]);

#endif
