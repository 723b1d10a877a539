/* SPDX-License-Identifier: Apache-2.0 */
#include "node/obtain.h"

#include "base/secret.h"
#include "base/text.h"
#include "consent/sealing.h"
#include "crypto/keccak.h"

#include <stdio.h>
#include <string.h>

#define OBTAIN_LIST_MAX ((size_t)4 << 20)

void key_request_digest(const struct node *node, const uint8_t holder[20], uint32_t authority,
                        const uint8_t challenge[32], uint8_t digest[32])
{
    struct eip712_domain domain = node_domain(node, node->config.network.amsc);
    struct eip712_words words = { .count = 0 };
    uint8_t typehash[32];

    keccak256(bytes_of_string("KeyRequest(address holder,uint32 authority,bytes32 challenge)"),
              typehash);
    eip712_put_address(&words, holder);
    eip712_put_u64(&words, authority);
    eip712_put_word(&words, challenge);
    eip712_finish(&words, &domain, typehash, digest);
}

static struct http_peer obtain_peer(const struct ledger_hospital *authority)
{
    struct http_peer peer = { .role = "hospital" };

    memcpy(peer.address, authority->key, 20);
    return peer;
}

int obtain_published(struct node *node, const struct ledger_hospital *authority,
                     struct buffer *list, struct aceso_error *error)
{
    const struct http_peer peer = obtain_peer(authority);
    struct buffer answer = BUFFER_INIT(OBTAIN_LIST_MAX);
    int code = node_call(node, &peer, authority->card.url, "GET", "/v1/authority/keys",
                         bytes_of(NULL, 0), &answer, error);

    if (!code)
        code = obtain_check(authority, buffer_bytes(&answer), list, error);
    buffer_free(&answer);
    return code;
}

int obtain_check(const struct ledger_hospital *authority, struct bytes answer,
                 struct buffer *list, struct aceso_error *error)
{
    struct buffer published = BUFFER_INIT(OBTAIN_LIST_MAX);
    yyjson_doc *doc = NULL;
    uint8_t digest[32];
    int code = json_parse(answer, &doc, error);

    if (!code)
        code = json_base64(yyjson_doc_get_root(doc), "keys", &published, error);
    if (!code) {
        keccak256(buffer_bytes(&published), digest);
        if (memcmp(digest, authority->keys_digest, 32) != 0)
            code = error_set(error, ACESO_EVERIFY, authority->card.label,
                             "its public keys are not those whose digest is on the chain");
    }
    if (!code)
        code = buffer_put_bytes(list, buffer_bytes(&published));
    yyjson_doc_free(doc);
    buffer_free(&published);
    return code;
}

static int obtain_challenge(struct node *node, const struct ledger_hospital *authority,
                            uint8_t challenge[32], struct aceso_error *error)
{
    const struct http_peer peer = obtain_peer(authority);
    struct buffer answer = BUFFER_INIT(65536);
    yyjson_doc *doc = NULL;
    int code = node_call(node, &peer, authority->card.url, "POST", "/v1/authority/challenge",
                         bytes_of_string("{}"), &answer, error);

    if (!code)
        code = json_parse(buffer_bytes(&answer), &doc, error);
    if (!code)
        code = json_hex(yyjson_doc_get_root(doc), "challenge", challenge, 32, error);
    yyjson_doc_free(doc);
    buffer_free(&answer);
    return code;
}

/* What came: public keys in the clear, user keys sealed to this node. */
static int obtain_take(struct node *node, const struct ledger_hospital *authority,
                       struct bytes answer, size_t *count, struct aceso_error *error)
{
    struct sealing sealing = { .purpose = "attribute keys",
                               .chain_id = node->config.network.chain_id };
    struct buffer publics = BUFFER_INIT(OBTAIN_LIST_MAX), sealed = BUFFER_INIT(OBTAIN_LIST_MAX);
    struct buffer users = BUFFER_INIT_SECRET(OBTAIN_LIST_MAX);
    uint8_t secret[32], public_key[32];
    struct store *store = NULL;
    yyjson_doc *doc = NULL;
    int code = json_parse(answer, &doc, error);

    keys_seal_pair(node->keys, secret, public_key);
    memcpy(sealing.contract, node->config.network.amsc, 20);
    memcpy(sealing.sender, authority->key, 20);
    memcpy(sealing.receiver, node->config.address, 20);
    if (!code)
        code = json_base64(yyjson_doc_get_root(doc), "public", &publics, error);
    if (!code)
        code = json_base64(yyjson_doc_get_root(doc), "sealed", &sealed, error);
    if (!code)
        code = sealing_open(&sealing, secret, buffer_bytes(&sealed), &users, error);
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = held_keys_add(store, node->keys, node->config.address, authority->card.label,
                             buffer_bytes(&publics), buffer_bytes(&users), error);
    if (!code && count && users.len >= 3)
        *count = (size_t)(users.data[1] << 8 | users.data[2]);
    store_close(store);
    yyjson_doc_free(doc);
    secret_wipe(secret, sizeof secret);
    buffer_free(&publics);
    buffer_free(&sealed);
    buffer_free(&users);
    return code;
}

int obtain_keys(struct node *node, const struct ledger_hospital *authority, const uint8_t *patient,
                size_t *count, struct aceso_error *error)
{
    const struct http_peer peer = obtain_peer(authority);
    struct buffer body = BUFFER_INIT(65536), answer = BUFFER_INIT(OBTAIN_LIST_MAX * 2);
    struct json_writer writer = json_writer_of(&body);
    uint8_t challenge[32], digest[32], signature[65];
    int code = obtain_challenge(node, authority, challenge, error);

    if (!code) {
        key_request_digest(node, node->config.address, authority->card.id, challenge, digest);
        code = keys_sign(node->keys, digest, signature, error);
    }
    if (!code) {
        json_open(&writer, NULL, '{');
        json_put_hex(&writer, "challenge", challenge, sizeof challenge);
        json_put_hex(&writer, "signature", signature, sizeof signature);
        if (patient)
            json_put_hex(&writer, "patient", patient, 20);
        json_close(&writer, '}');
        code = node_call(node, &peer, authority->card.url, "POST", "/v1/authority/issue",
                         buffer_bytes(&body), &answer, error);
    }
    if (!code)
        code = obtain_take(node, authority, buffer_bytes(&answer), count, error);
    buffer_free(&body);
    buffer_free(&answer);
    return code;
}

int obtain_operation(struct operation *operation, struct buffer *result,
                     struct aceso_error *error)
{
    struct node *node = operation->node;
    struct json_writer writer = json_writer_of(result);
    struct ledger_hospital authority;
    struct store *store = NULL;
    const char *from = NULL, *text = json_string_or(operation->input, "patient", NULL);
    uint8_t patient[20];
    char message[128];
    size_t count = 0;
    int code = json_string(operation->input, "from", &from, error);

    if (!code && text && text_unhex(text, patient, sizeof patient))
        code = error_set(error, ACESO_EUSAGE, "patient", "not an address");
    if (!code)
        code = node_store(node, &store, error);
    if (!code)
        code = ledger_hospital_by_label(store, from, &authority, error);
    store_close(store);
    if (!code)
        code = obtain_keys(node, &authority, text ? patient : NULL, &count, error);
    if (!code) {
        (void)snprintf(message, sizeof message, "%zu attribute keys obtained from %s", count,
                       authority.card.label);
        json_open(&writer, NULL, '{');
        json_put_string(&writer, "message", message);
        json_put_u64(&writer, "keys", count);
        json_close(&writer, '}');
    }
    return code;
}
