/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a node's answer, read as each kind of answer; logs go on to the event readers,
 * refusals to the words. */
#include "chain/amsc.h"
#include "chain/arsc.h"
#include "chain/hisc.h"
#include "chain/hpsc.h"
#include "chain/revert.h"
#include "chain/rpc_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_events(const struct rpc_logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        struct amsc_event amsc;
        struct hpsc_event hpsc;
        struct hisc_event hisc;
        struct arsc_event arsc;

        (void)!amsc_event_read(&logs->log[i], &amsc, NULL);
        (void)!hpsc_event_read(&logs->log[i], &hpsc, NULL);
        (void)!hisc_event_read(&logs->log[i], &hisc, NULL);
        (void)!arsc_event_read(&logs->log[i], &arsc, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t hash[32];
    const struct rpc_log_filter filter = { .from = 0, .to = UINT64_MAX };
    struct buffer out = BUFFER_INIT(1 << 20);
    struct rpc_logs logs = { .log = NULL };
    struct rpc_receipt receipt;
    struct rpc_answer answer;
    struct rpc_block block;
    char words[200];
    uint64_t number;
    uint8_t word[32];

    (void)revert_text(bytes_of(data, size), words, sizeof words);
    if (rpc_answer_read(bytes_of(data, size), 1, &answer, NULL))
        return 0;
    (void)revert_text(buffer_bytes(&answer.revert), words, sizeof words);
    (void)!rpc_answer_u64(answer.result, &number, NULL);
    (void)!rpc_answer_word(answer.result, word, NULL);
    (void)!rpc_answer_data(answer.result, &out, NULL);
    (void)!rpc_answer_block(answer.result, &block, NULL);
    (void)!rpc_answer_receipt(answer.result, hash, &receipt, NULL);
    if (rpc_answer_logs(answer.result, &filter, &logs, NULL) == ACESO_OK)
        fuzz_events(&logs);
    rpc_logs_free(&logs);
    buffer_free(&out);
    rpc_answer_free(&answer);
    return 0;
}
