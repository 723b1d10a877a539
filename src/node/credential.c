/* SPDX-License-Identifier: Apache-2.0 */
#include "node/credential.h"

#include "base/file.h"
#include "consent/vocabulary.h"

#include <limits.h>

#define CREDENTIAL_SIZE_MAX ((size_t)8192)

void credential_write(const struct credential *credential, struct json_writer *writer,
                      const char *key)
{
    const struct amsc_credential *content = &credential->content;

    json_open(writer, key, '{');
    json_put_hex(writer, "institute", content->institute, 20);
    json_put_u64(writer, "category", content->category);
    json_put_string(writer, "category_name", category_name(content->category));
    json_put_hex(writer, "seal_key", content->seal_key, 32);
    json_put_hex(writer, "tls_key_digest", content->tls_key_digest, 32);
    json_put_u64(writer, "serial", content->serial);
    json_put_u64(writer, "expiry", content->expiry);
    json_put_u64(writer, "generation", content->generation);
    json_put_hex(writer, "signature", credential->signature, 65);
    json_close(writer, '}');
}

int credential_read(const yyjson_val *json, struct credential *out, struct aceso_error *error)
{
    struct credential credential = { .content = { .category = 0 } };
    uint64_t category = 0, generation = 0;
    int code = json_hex(json, "institute", credential.content.institute, 20, error);

    if (!code)
        code = json_u64(json, "category", 31, &category, error);
    if (!code)
        code = json_hex(json, "seal_key", credential.content.seal_key, 32, error);
    if (!code)
        code = json_hex(json, "tls_key_digest", credential.content.tls_key_digest, 32, error);
    if (!code)
        code = json_u64(json, "serial", UINT64_MAX, &credential.content.serial, error);
    if (!code)
        code = json_u64(json, "expiry", UINT64_MAX, &credential.content.expiry, error);
    if (!code)
        code = json_u64(json, "generation", UINT32_MAX, &generation, error);
    if (!code)
        code = json_hex(json, "signature", credential.signature, 65, error);
    if (code)
        return error_wrap(error, code, "the credential");
    credential.content.category = (uint8_t)category;
    credential.content.generation = (uint32_t)generation;
    *out = credential;
    return ACESO_OK;
}

int credential_parse(struct bytes text, struct credential *credential, struct aceso_error *error)
{
    yyjson_doc *doc = NULL;
    int code = text.len > CREDENTIAL_SIZE_MAX
                   ? error_set(error, ACESO_ELIMIT, "credential", "too large")
                   : json_parse(text, &doc, error);

    if (!code)
        code = credential_read(yyjson_doc_get_root(doc), credential, error);
    yyjson_doc_free(doc);
    return code;
}

int credential_load(const char *directory, struct credential *credential,
                    struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(CREDENTIAL_SIZE_MAX);
    char path[PATH_MAX];
    int code = file_path(directory, "credential.json", path, sizeof path);

    if (!code)
        code = file_read(path, &text, error);
    if (!code)
        code = credential_parse(buffer_bytes(&text), credential, error);
    buffer_free(&text);
    return code;
}
