/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of rpc.c: a node's answers, checked. Internal to this folder. Uses base. No I/O.
 *
 * All of it is untrusted: ACESO_EFORMAT with the member as the place for anything that is not as
 * the Ethereum JSON-RPC specification says, or that answers another question. */
#ifndef ACESO_CHAIN_RPC_ANSWER_H
#define ACESO_CHAIN_RPC_ANSWER_H

#include "base/json.h"
#include "chain/rpc.h"

#define RPC_MESSAGE_MAX 160
#define RPC_REVERT_MAX ((size_t)64 << 10)
#define RPC_LOGS_MAX 100000 /* entries in one answer */

struct rpc_answer {
    yyjson_doc *doc;
    yyjson_val *result; /* of `doc`; NULL when the node refused */
    size_t endpoint;    /* who answered; rpc.c's */
    int64_t code;       /* of the node's error */
    char message[RPC_MESSAGE_MAX]; /* printable ASCII */
    struct buffer revert; /* what the reverted call returned; empty when the node did not say */
};

/* Reads the answer to the request `id`. The caller frees it with rpc_answer_free. */
ACESO_NODISCARD int rpc_answer_read(struct bytes text, uint64_t id, struct rpc_answer *answer,
                                    struct aceso_error *error);
void rpc_answer_free(struct rpc_answer *answer); /* accepts a zeroed one */

ACESO_NODISCARD int rpc_answer_u64(const yyjson_val *value, uint64_t *out,
                                   struct aceso_error *error);
ACESO_NODISCARD int rpc_answer_word(const yyjson_val *value, uint8_t out[32],
                                    struct aceso_error *error); /* a number of up to 256 bits */
ACESO_NODISCARD int rpc_answer_fixed(const yyjson_val *value, size_t len, void *out,
                                     struct aceso_error *error);
ACESO_NODISCARD int rpc_answer_data(const yyjson_val *value, struct buffer *out,
                                    struct aceso_error *error);
ACESO_NODISCARD int rpc_answer_block(const yyjson_val *value, struct rpc_block *block,
                                     struct aceso_error *error);
ACESO_NODISCARD int rpc_answer_receipt(const yyjson_val *value, const uint8_t transaction[32],
                                       struct rpc_receipt *receipt, struct aceso_error *error);
ACESO_NODISCARD int rpc_answer_logs(const yyjson_val *value, const struct rpc_log_filter *filter,
                                    struct rpc_logs *logs, struct aceso_error *error);

#endif
