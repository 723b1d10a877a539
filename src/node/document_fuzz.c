/* SPDX-License-Identifier: Apache-2.0 */
/* The input as each document that a node is given: credential, approval, request to be admitted,
 * and the network and hospital of an invitation. */
#include "node/approval.h"
#include "node/config.h"
#include "node/credential.h"
#include "node/join.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_approval(struct bytes text)
{
    struct buffer written = BUFFER_INIT((size_t)1 << 20), twice = BUFFER_INIT((size_t)1 << 20);
    struct json_writer writer = json_writer_of(&written), second = json_writer_of(&twice);
    struct approval approval, again;

    if (approval_parse(text, &approval, NULL))
        return;
    approval_write(&approval, &writer, NULL);
    if (approval_parse(buffer_bytes(&written), &again, NULL))
        abort();
    approval_write(&again, &second, NULL);
    if (!bytes_equal(buffer_bytes(&written), buffer_bytes(&twice)))
        abort();
    buffer_free(&approval.grant);
    buffer_free(&again.grant);
    buffer_free(&written);
    buffer_free(&twice);
}

static void fuzz_members(struct bytes text)
{
    struct hospital_card card;
    struct network network;
    yyjson_doc *doc = NULL;

    if (json_parse(text, &doc, NULL))
        return;
    (void)!network_read(yyjson_doc_get_root(doc), &network, NULL);
    (void)!hospital_card_read(yyjson_doc_get_root(doc), &card, NULL);
    yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct network network = { .known = true, .chain_id = 1 };
    const struct bytes text = bytes_of(data, size);
    struct join_request request = JOIN_REQUEST_INIT;
    struct credential credential;

    fuzz_approval(text);
    fuzz_members(text);
    (void)!credential_parse(text, &credential, NULL);
    if (join_read(&network, text, &request, NULL) == ACESO_OK)
        join_request_free(&request);
    return 0;
}
