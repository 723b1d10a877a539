/* SPDX-License-Identifier: Apache-2.0 */
/* Signs a credential with the keys in a CA's data directory, without its node: for a CA that keeps
 * its keys offline. What it is worth, the contract decides. */
#include "node/credential.h"

#include "base/text.h"
#include "cli/command.h"
#include "cli/password.h"
#include "consent/vocabulary.h"
#include "node/keys.h"

#include <stdio.h>
#include <string.h>

#define CREDENTIAL_SECONDS ((uint64_t)365 * 86400)

static int credential_hex(const struct command_line *line, const char *name, uint8_t *out,
                          size_t size, struct aceso_error *error)
{
    if (text_unhex(command_value(line, name), out, size))
        return error_set(error, ACESO_EUSAGE, name, "not %zu bytes of hex", size);
    return ACESO_OK;
}

static int credential_fill(const struct command_line *line, struct amsc_credential *content,
                           uint64_t *chain, uint8_t contract[20], struct aceso_error *error)
{
    unsigned category = 0;
    int code = category_parse(command_value(line, "category"), &category, error);

    if (!code)
        code = credential_hex(line, "institute", content->institute, 20, error);
    if (!code)
        code = credential_hex(line, "seal-key", content->seal_key, 32, error);
    if (!code)
        code = credential_hex(line, "tls-key-digest", content->tls_key_digest, 32, error);
    if (!code)
        code = credential_hex(line, "contract", contract, 20, error);
    if (!code && text_u64(command_value(line, "chain"), UINT32_MAX, chain))
        code = error_set(error, ACESO_EUSAGE, "chain", "not a number");
    content->category = (uint8_t)category;
    content->serial = (uint64_t)time_now();
    content->expiry = (uint64_t)time_now() + CREDENTIAL_SECONDS;
    content->generation = 1;
    return code;
}

int command_credential(const struct command_line *line)
{
    struct credential credential = { .content = { .category = 0 } };
    struct buffer password = BUFFER_INIT_SECRET(4096), out = BUFFER_INIT(8192);
    struct json_writer writer = json_writer_of(&out);
    struct aceso_error error = { 0 };
    struct eip712_domain domain;
    struct keys *keys = NULL;
    uint8_t contract[20], digest[32];
    uint64_t chain = 0;
    int code = credential_fill(line, &credential.content, &chain, contract, &error);

    if (!code)
        code = password_read(line, &password, &error);
    if (!code)
        code = keys_open(line->data, buffer_bytes(&password), &keys, &error);
    if (!code) {
        domain = contract_domain(chain, contract);
        amsc_credential_digest(&domain, &credential.content, digest);
        code = keys_sign(keys, digest, credential.signature, &error);
    }
    if (!code) {
        credential_write(&credential, &writer, NULL);
        (void)printf("%s\n", buffer_text(&out));
    } else {
        command_complain(line, &error);
    }
    keys_free(keys);
    buffer_free(&password);
    buffer_free(&out);
    return code ? (code == ACESO_EUSAGE ? EXIT_USAGE : EXIT_FAILED) : EXIT_DONE;
}
