/* SPDX-License-Identifier: Apache-2.0 */
#include "node/approval.h"

#include "crypto/keccak.h"

#include <string.h>

#define APPROVAL_SIZE_MAX ((size_t)262144)

void approval_write(const struct approval *approval, struct json_writer *writer, const char *key)
{
    const struct arsc_approval *content = &approval->content;

    json_open(writer, key, '{');
    json_put_hex(writer, "request", content->request, 32);
    json_put_u64(writer, "hospital", content->hospital);
    json_put_hex(writer, "patient", content->patient, 20);
    json_put_hex(writer, "institute", content->institute, 20);
    json_put_u64(writer, "level", content->level);
    json_put_u64(writer, "term", content->term);
    json_put_u64(writer, "patient_epoch", content->patient_epoch);
    json_put_hex(writer, "grant_digest", content->grant_digest, 32);
    json_put_u64(writer, "nonce", content->nonce);
    json_put_u64(writer, "deadline", content->deadline);
    json_put_base64(writer, "grant", buffer_bytes(&approval->grant));
    json_put_hex(writer, "signature", approval->signature, 65);
    json_close(writer, '}');
}

static int approval_numbers(const yyjson_val *root, struct arsc_approval *content,
                            struct aceso_error *error)
{
    uint64_t hospital = 0, level = 0, epoch = 0;
    int code = json_u64(root, "hospital", UINT32_MAX, &hospital, error);

    if (!code)
        code = json_u64(root, "level", 4, &level, error);
    if (!code)
        code = json_u64(root, "term", UINT64_MAX, &content->term, error);
    if (!code)
        code = json_u64(root, "patient_epoch", UINT32_MAX, &epoch, error);
    if (!code)
        code = json_u64(root, "nonce", UINT64_MAX, &content->nonce, error);
    if (!code)
        code = json_u64(root, "deadline", UINT64_MAX, &content->deadline, error);
    content->hospital = (uint32_t)hospital;
    content->level = (uint8_t)level;
    content->patient_epoch = (uint32_t)epoch;
    return code;
}

static int approval_read(const yyjson_val *root, struct approval *approval,
                         struct aceso_error *error)
{
    struct arsc_approval *content = &approval->content;
    uint8_t digest[32];
    int code = json_hex(root, "request", content->request, 32, error);

    if (!code)
        code = json_hex(root, "patient", content->patient, 20, error);
    if (!code)
        code = json_hex(root, "institute", content->institute, 20, error);
    if (!code)
        code = json_hex(root, "grant_digest", content->grant_digest, 32, error);
    if (!code)
        code = json_hex(root, "signature", approval->signature, 65, error);
    if (!code)
        code = approval_numbers(root, content, error);
    if (!code)
        code = json_base64(root, "grant", &approval->grant, error);
    if (!code) {
        keccak256(buffer_bytes(&approval->grant), digest);
        if (memcmp(digest, content->grant_digest, 32) != 0)
            code = error_set(error, ACESO_EFORMAT, "grant", "not the grant that was signed");
    }
    return code;
}

int approval_parse(struct bytes text, struct approval *out, struct aceso_error *error)
{
    struct approval approval = APPROVAL_INIT;
    yyjson_doc *doc = NULL;
    int code = text.len > APPROVAL_SIZE_MAX
                   ? error_set(error, ACESO_ELIMIT, "approval", "too large")
                   : json_parse(text, &doc, error);

    if (!code)
        code = approval_read(yyjson_doc_get_root(doc), &approval, error);
    yyjson_doc_free(doc);
    if (code) {
        buffer_free(&approval.grant);
        return error_wrap(error, code, "the approval");
    }
    *out = approval;
    return ACESO_OK;
}
