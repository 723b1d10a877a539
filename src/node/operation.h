/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: what the owner asked the node to do, written down before it is done. Uses store,
 * keys. Owns threads and rows of the node's store.
 *
 * An operation has an id that its asker drew, so that asking twice is asking once. It runs on the
 * thread of its lane, in the order of asking; after a crash or a restart an unfinished one runs
 * again from its start, so every kind is written to be repeated (transactions go through the outbox
 * under keys made of the operation's id). Failures that may pass (a peer or the chain that is
 * away: ACESO_EIO, ACESO_ETIMEOUT, ACESO_EBUSY) are tried again for a while. Inputs and results
 * are sealed under the node's storage key. All functions are thread-safe. */
#ifndef ACESO_NODE_OPERATION_H
#define ACESO_NODE_OPERATION_H

#include "base/buffer.h"
#include "base/json.h"

struct node;
struct operations;

#define OPERATION_ID_SIZE 65
#define OPERATION_INPUT_MAX ((size_t)1 << 20)

/* The background has one operation at a time that may go on for as long as the node runs. */
enum operation_lane { LANE_SHORT, LANE_LONG, LANE_BACKGROUND, LANE_COUNT };
enum operation_state { OPERATION_QUEUED, OPERATION_DONE, OPERATION_FAILED };

struct operation {
    struct node *node;
    const char *id;
    const yyjson_val *input; /* an object */
    struct operations *engine;
};

/* Does the work; `result` receives a JSON object with at least "message", a sentence for people. */
typedef int operation_fn(struct operation *operation, struct buffer *result,
                         struct aceso_error *error);

struct operation_kind {
    const char *name;
    enum operation_lane lane;
    operation_fn *run;
};

/* The table, as a migration of the node's store. */
extern const char operation_schema[];

/* Starts the lanes, which take up what was left, with the kinds of the node's roles. */
ACESO_NODISCARD int operations_start(struct node *node, struct operations **engine,
                                     struct aceso_error *error);
/* Tells running operations to stop (node_stopping), waits for them. Accepts NULL. */
void operations_stop(struct operations *engine);

/* Writes an operation down: the kind that the role `group` has under that name. The same id again
 * is ACESO_OK and changes nothing. ACESO_ENOTFOUND for an unknown kind. */
ACESO_NODISCARD int operations_add(struct operations *engine, const char *id, const char *group,
                                   const char *kind, struct bytes input,
                                   struct aceso_error *error);

/* Appends {"id","state","progress":{"done","total","words"},"result"|"error"}. */
ACESO_NODISCARD int operations_describe(struct operations *engine, const char *id,
                                        struct buffer *out, struct aceso_error *error);

/* Says how far a running operation is; `words` is a constant. */
void operation_progress(struct operation *operation, uint64_t done, uint64_t total,
                        const char *words);

/* True once the engine stops: a running operation then ends with ACESO_ECANCELLED, and begins
 * again when the node starts. */
bool operation_stopping(const struct operation *operation);

/* Waits for `ms` at most: less when something was asked of the node or the engine stops. */
void operation_wait(struct operation *operation, unsigned ms);

#endif
