/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/confirmation.h"

#include "base/text.h"
#include "chain/clique.h"

#include <string.h>

#define CONFIRMATION_DEPTH_MAX 100000

int confirmation_parse(const char *text, struct confirmation *confirmation,
                       struct aceso_error *error)
{
    struct confirmation read = { .rule = CONFIRMATION_DEPTH };

    if (strcmp(text, "finalized") == 0)
        read.rule = CONFIRMATION_FINALIZED;
    else if (strcmp(text, "clique") == 0)
        read.rule = CONFIRMATION_CLIQUE;
    else if (strncmp(text, "depth:", 6) != 0 ||
             text_u64(text + 6, CONFIRMATION_DEPTH_MAX, &read.depth))
        return error_set(error, ACESO_EFORMAT, NULL,
                         "not a confirmation rule: depth:N, finalized or clique");
    *confirmation = read;
    return ACESO_OK;
}

int confirmation_block(const struct confirmation *confirmation, struct rpc *rpc, uint64_t newest,
                       bool *any, uint64_t *number, struct aceso_error *error)
{
    struct rpc_block block;
    int code;

    if (confirmation->rule == CONFIRMATION_DEPTH) {
        *any = newest >= confirmation->depth;
        *number = *any ? newest - confirmation->depth : 0;
        return ACESO_OK;
    }
    if (confirmation->rule == CONFIRMATION_CLIQUE)
        return clique_settled(rpc, newest, any, number, error);
    code = rpc_block(rpc, RPC_FINALIZED, &block, error);
    if (code && code != ACESO_ENOTFOUND)
        return code;
    *any = code == ACESO_OK;
    *number = *any ? (block.number < newest ? block.number : newest) : 0;
    return ACESO_OK;
}
