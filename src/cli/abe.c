/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute-based encryption of files and pipes: libaceso-abe on the command line, without a node.
 * Uses base, cli/abe_files, libaceso-abe. Reads and writes files. */
#include <aceso/abe.h>

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/abe_files.h"
#include "cli/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABE_PIECE ((size_t)65536)
#define ABE_CHUNK 65536
#define ABE_TAG 16
#define ABE_HEAD_MAX ((size_t)1 << 20) /* more than any header */
#define ABE_MODE_PUBLIC 0666
#define ABE_MODE_SECRET 0600

static int abe_exit(const struct command_line *line, int code, const struct aceso_error *error)
{
    if (!code)
        return EXIT_DONE;
    command_complain(line, error);
    return code == ACESO_EUSAGE ? EXIT_USAGE : EXIT_FAILED;
}

static int abe_policy(const char *text, struct aceso_abe_policy **policy, struct aceso_error *error)
{
    struct aceso_abe_policy_error why = { 0, NULL };
    int code = aceso_abe_policy_parse(text, strlen(text), policy, &why);

    if ((code == ACESO_ABE_POLICY || code == ACESO_ABE_LIMIT) && why.reason)
        return error_set(error, ACESO_EUSAGE, "policy", "at character %zu: %s", why.position + 1,
                         why.reason);
    return abe_failed(error, code, "policy");
}

/* ---- lists of attributes -------------------------------------------------------------------- */

typedef char abe_attribute[ACESO_ABE_ATTRIBUTE_MAX + 1];

struct abe_list {
    abe_attribute *items;
    size_t count;
};

static int abe_list_add(struct abe_list *list, const char *attribute, struct aceso_error *error)
{
    abe_attribute *items;

    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], attribute) == 0)
            return ACESO_OK;
    }
    if (list->count >= ABE_KEYS_MAX)
        return error_set(error, ACESO_ELIMIT, NULL, "more than %d attributes", ABE_KEYS_MAX);
    items = reallocarray(list->items, list->count + 1, sizeof *items);
    if (!items)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    list->items = items;
    (void)snprintf(items[list->count++], sizeof *items, "%s", attribute);
    return ACESO_OK;
}

/* `name` or `name@authority` as an attribute of `authority`. */
static int abe_attribute_at(const char *name, const char *authority, abe_attribute out,
                            struct aceso_error *error)
{
    const char *at = strchr(name, '@');
    int length =
        snprintf(out, sizeof(abe_attribute), "%s%s%s", name, at ? "" : "@", at ? "" : authority);

    if (length < 0 || (size_t)length >= sizeof(abe_attribute) || !aceso_abe_attribute_valid(out))
        return error_set(error, ACESO_EUSAGE, name, "not an attribute");
    if (at && strcmp(at + 1, authority) != 0)
        return error_set(error, ACESO_EUSAGE, name, "the secret is that of %s", authority);
    return ACESO_OK;
}

static int abe_list_operands(const struct command_line *line, const char *authority,
                             struct abe_list *list, struct aceso_error *error)
{
    int code = ACESO_OK;

    for (size_t i = 0; i < line->many_count && !code; i++) {
        abe_attribute attribute;

        code = abe_attribute_at(line->many[i], authority, attribute, error);
        if (!code)
            code = abe_list_add(list, attribute, error);
    }
    return code;
}

/* What one who has a value holds. `text`: NAME=VALUE. */
static int abe_list_value(char *text, const char *authority, struct abe_list *list,
                          struct aceso_error *error)
{
    abe_attribute prefixes[ACESO_ABE_PREFIXES_MAX];
    abe_attribute attribute;
    char *value = strchr(text, '=');
    size_t count = 0;
    int code;

    if (!value)
        return error_set(error, ACESO_EUSAGE, "value", "NAME=VALUE is wanted");
    *value++ = '\0';
    code = abe_attribute_at(text, authority, attribute, error);
    if (!code && aceso_abe_value_attributes(attribute, value, prefixes, &count))
        code = error_set(error, ACESO_EUSAGE, "value",
                         "a number below 2^32 or a date (YYYY-MM-DD), and a name of 51 characters");
    for (size_t i = 0; i < count && !code; i++)
        code = abe_list_add(list, prefixes[i], error);
    return code;
}

/* `text`: NAME=VALUE,NAME=VALUE. */
static int abe_list_values(const char *text, const char *authority, struct abe_list *list,
                           struct aceso_error *error)
{
    char *copy = strdup(text), *rest = copy, *word;
    int code = copy ? ACESO_OK : error_set(error, ACESO_EMEMORY, NULL, "out of memory");

    while (!code && (word = strsep(&rest, ",")) != NULL)
        code = abe_list_value(word, authority, list, error);
    free(copy);
    return code;
}

/* The attributes of `authority` that a policy names. */
static int abe_list_policy(const char *text, const char *authority, struct abe_list *list,
                           struct aceso_error *error)
{
    struct aceso_abe_policy *policy = NULL;
    abe_attribute attribute;
    int code = abe_policy(text, &policy, error);

    for (size_t row = 0; !code && row < aceso_abe_policy_rows(policy); row++) {
        code = abe_failed(error, aceso_abe_policy_attribute(policy, row, attribute), "policy");
        if (!code && strcmp(strchr(attribute, '@') + 1, authority) == 0)
            code = abe_list_add(list, attribute, error);
    }
    aceso_abe_policy_free(policy);
    return code;
}

/* ---- setup and keygen ----------------------------------------------------------------------- */

static int abe_save(const char *path, unsigned mode, const struct buffer *text,
                    struct aceso_error *error)
{
    struct abe_output output;
    int code = text->failed ? error_set(error, text->failed, path, "%s", error_name(text->failed))
                            : abe_output_open(&output, path, mode, error);

    if (text->failed)
        return code;
    if (!code)
        code = abe_output_write(&output, text->data, text->len);
    if (!code)
        code = abe_output_keep(&output, error);
    abe_output_close(&output);
    return code;
}

static int abe_secret_make(const struct command_line *line, const char *path,
                           struct abe_secret *secret, struct aceso_error *error)
{
    const char *label = command_value(line, "authority");
    struct buffer text = BUFFER_INIT_SECRET(4096);
    abe_attribute attribute;
    int code;

    if (!label)
        return error_set(error, ACESO_EUSAGE, path,
                         "there is no such secret; --authority LABEL makes a new one");
    if (strchr(label, '@') || abe_attribute_at("x", label, attribute, NULL))
        return error_set(error, ACESO_EUSAGE, "authority", "a label has a-z, 0-9, '.' and '-'");
    (void)snprintf(secret->authority, sizeof secret->authority, "%s", label);
    secret_random(secret->seed, sizeof secret->seed);
    code = abe_secret_write(secret, &text);
    if (code)
        code = error_set(error, code, path, "%s", error_name(code));
    else
        code = abe_save(path, ABE_MODE_SECRET, &text, error);
    if (!code)
        (void)fprintf(stderr, "aceso: %s: the secret of the new authority %s\n", path, label);
    buffer_free(&text);
    return code;
}

/* The secret of --secret; one that is not there is made where `make` allows. */
static int abe_secret_open(const struct command_line *line, bool make, struct abe_secret *secret,
                           struct aceso_error *error)
{
    const char *path = command_value(line, "secret");
    const char *label = make ? command_value(line, "authority") : NULL;
    int code;

    if (strcmp(path, "-") == 0)
        return error_set(error, ACESO_EUSAGE, "secret", "a file is wanted");
    if (make && !file_exists(path))
        return abe_secret_make(line, path, secret, error);
    code = abe_secret_read(path, secret, error);
    if (!code && label && strcmp(label, secret->authority) != 0)
        code = error_set(error, ACESO_EUSAGE, path, "the secret of %s", secret->authority);
    return code;
}

static int abe_put_public(const struct abe_secret *secret, const char *attribute,
                          struct buffer *out, struct aceso_error *error)
{
    uint8_t key[ACESO_ABE_PUBLIC_KEY_MAX];
    uint8_t digest[ACESO_ABE_DIGEST_SIZE];
    char hex[2 * ACESO_ABE_DIGEST_SIZE + 1];
    size_t length = 0;
    int code = abe_failed(error, aceso_abe_setup(secret->seed, attribute, key, &length), attribute);

    if (code)
        return code;
    aceso_abe_digest(key, length, digest);
    text_hex(digest, sizeof digest, hex);
    (void)buffer_printf(out, "# public key of %s, digest %s\n", attribute, hex);
    return abe_key_line(bytes_of(key, length), out);
}

int command_abe_setup(const struct command_line *line)
{
    struct abe_secret *secret = secret_alloc(sizeof *secret);
    struct abe_list list = { NULL, 0 };
    struct buffer text = BUFFER_INIT(ABE_KEY_FILE_MAX);
    const char *policy = command_value(line, "policy");
    struct aceso_error error = { 0 };
    int code = secret ? abe_secret_open(line, true, secret, &error)
                      : error_set(&error, ACESO_EMEMORY, NULL, "out of memory");

    if (!code)
        code = abe_list_operands(line, secret->authority, &list, &error);
    if (!code && policy)
        code = abe_list_policy(policy, secret->authority, &list, &error);
    if (!code && policy && !list.count)
        code =
            error_set(&error, ACESO_EUSAGE, "policy", "it names nothing of %s", secret->authority);
    for (size_t i = 0; i < list.count && !code; i++)
        code = abe_put_public(secret, list.items[i], &text, &error);
    if (!code && list.count)
        code = abe_save(command_value(line, "out"), ABE_MODE_PUBLIC, &text, &error);
    buffer_free(&text);
    free(list.items);
    secret_free(secret);
    return abe_exit(line, code, &error);
}

/* "0x" and 40 digits are an address: 20 bytes. All else is taken as it is. */
static int abe_gid(const char *text, uint8_t gid[ACESO_ABE_GID_MAX], size_t *length,
                   struct aceso_error *error)
{
    *length = strlen(text);
    if (*length == 42 && text[0] == '0' && text[1] == 'x' && text_unhex(text, gid, 20) == 0) {
        *length = 20;
        return ACESO_OK;
    }
    if (*length < 1 || *length > ACESO_ABE_GID_MAX)
        return error_set(error, ACESO_EUSAGE, "for", "1 to %d bytes", ACESO_ABE_GID_MAX);
    memcpy(gid, text, *length);
    return ACESO_OK;
}

/* The public key too: a user key is checked against it. */
static int abe_put_user(const struct abe_secret *secret, const char *attribute, struct bytes gid,
                        struct buffer *out, struct aceso_error *error)
{
    uint8_t key[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;
    int code = abe_put_public(secret, attribute, out, error);

    if (!code)
        code = abe_failed(
            error, aceso_abe_keygen(secret->seed, attribute, gid.data, gid.len, key, &length),
            attribute);
    if (!code) {
        (void)buffer_printf(out, "# user key of %s: secret\n", attribute);
        code = abe_key_line(bytes_of(key, length), out);
    }
    secret_wipe(key, sizeof key);
    return code;
}

int command_abe_keygen(const struct command_line *line)
{
    struct abe_secret *secret = secret_alloc(sizeof *secret);
    struct abe_list list = { NULL, 0 };
    struct buffer text = BUFFER_INIT_SECRET(ABE_KEY_FILE_MAX);
    const char *values = command_value(line, "value");
    uint8_t gid[ACESO_ABE_GID_MAX];
    size_t gid_length = 0;
    struct aceso_error error = { 0 };
    int code = secret ? abe_gid(command_value(line, "for"), gid, &gid_length, &error)
                      : error_set(&error, ACESO_EMEMORY, NULL, "out of memory");

    if (!code)
        code = abe_secret_open(line, false, secret, &error);
    if (!code)
        code = abe_list_operands(line, secret->authority, &list, &error);
    if (!code && values)
        code = abe_list_values(values, secret->authority, &list, &error);
    if (!code && !list.count)
        code = error_set(&error, ACESO_EUSAGE, NULL, "no attribute is named");
    if (!code)
        (void)buffer_printf(&text, "# keys of the user %s\n", command_value(line, "for"));
    for (size_t i = 0; i < list.count && !code; i++)
        code = abe_put_user(secret, list.items[i], bytes_of(gid, gid_length), &text, &error);
    if (!code)
        code = abe_save(command_value(line, "out"), ABE_MODE_SECRET, &text, &error);
    buffer_free(&text);
    free(list.items);
    secret_free(secret);
    return abe_exit(line, code, &error);
}

/* ---- encrypt and decrypt -------------------------------------------------------------------- */

/* What both directions have open. */
struct abe_run {
    struct abe_keys keys;
    struct abe_output output;
    int input;
    struct bytes associated;
    struct aceso_error error;
    uint8_t piece[ABE_PIECE];
};

static struct abe_run *abe_run_new(const struct command_line *line)
{
    struct abe_run *run = calloc(1, sizeof *run);
    const char *associated = command_value(line, "associated");

    if (!run)
        return NULL;
    run->input = -1;
    run->output.fd = -1;
    run->associated = bytes_of_string(associated ? associated : "");
    return run;
}

static int abe_run_open(const struct command_line *line, unsigned mode, struct abe_run *run)
{
    int code = line->many_count ? ACESO_OK
                                : error_set(&run->error, ACESO_EUSAGE, NULL, "no key file given");

    if (!code)
        code = abe_keys_read(line->many, line->many_count, &run->keys, &run->error);
    if (!code)
        code = abe_input_open(command_value(line, "in"), &run->input, &run->error);
    if (!code)
        code = abe_output_open(&run->output, command_value(line, "out"), mode, &run->error);
    return code;
}

static int abe_run_end(const struct command_line *line, int code, struct abe_run *run)
{
    int result;

    if (!code)
        code = abe_output_keep(&run->output, &run->error);
    result = abe_exit(line, code, &run->error);
    abe_output_close(&run->output);
    abe_input_close(run->input);
    abe_keys_free(&run->keys);
    secret_wipe(run->piece, sizeof run->piece);
    free(run);
    return result;
}

/* Names the attribute whose key is missing. */
static int abe_encrypt_failed(struct abe_run *run, const struct aceso_abe_policy *policy, int code)
{
    abe_attribute attribute;

    for (size_t row = 0; code == ACESO_ABE_MISSING_KEY && row < aceso_abe_policy_rows(policy);
         row++) {
        bool found = false;

        if (aceso_abe_policy_attribute(policy, row, attribute))
            continue;
        for (size_t i = 0; i < run->keys.public_count && !found; i++)
            found = !strcmp(aceso_abe_public_key_attribute(run->keys.public_keys[i]), attribute);
        if (!found)
            return error_set(&run->error, ACESO_ENOTFOUND, attribute,
                             "its public key is not among the key files");
    }
    return abe_failed(&run->error, code, "encrypt");
}

static int abe_encrypt_all(struct abe_run *run, const struct aceso_abe_policy *policy,
                           enum aceso_abe_form form)
{
    struct aceso_abe_encryption *stream = NULL;
    size_t length = sizeof run->piece;
    int code = ACESO_OK;
    int failed = aceso_abe_encrypt_begin(
        form, policy, (const struct aceso_abe_public_key *const *)run->keys.public_keys,
        run->keys.public_count, run->associated.data, run->associated.len, abe_output_write,
        &run->output, &stream);

    while (!failed && !code && length == sizeof run->piece) {
        code = abe_input_read(run->input, run->piece, sizeof run->piece, &length, &run->error);
        if (!code)
            failed = aceso_abe_encrypt_update(stream, run->piece, length);
    }
    if (!failed && !code)
        failed = aceso_abe_encrypt_end(stream);
    aceso_abe_encryption_free(stream);
    return code ? code : abe_encrypt_failed(run, policy, failed);
}

int command_abe_encrypt(const struct command_line *line)
{
    struct abe_run *run = abe_run_new(line);
    struct aceso_abe_policy *policy = NULL;
    int code;

    if (!run)
        return EXIT_FAILED;
    code = abe_policy(command_value(line, "policy"), &policy, &run->error);
    if (!code)
        code = abe_run_open(line, ABE_MODE_PUBLIC, run);
    if (!code)
        code = abe_encrypt_all(run, policy,
                               command_value(line, "cpa") ? ACESO_ABE_CPA : ACESO_ABE_CCA);
    aceso_abe_policy_free(policy);
    return abe_run_end(line, code, run);
}

static int abe_decrypt_failed(struct abe_run *run, int code)
{
    if (code == ACESO_ABE_REFUSED)
        return error_set(&run->error, ACESO_EDENIED, "decrypt",
                         "it was changed or cut, or was made with other associated data");
    if (code == ACESO_ABE_MISSING_KEY)
        return error_set(&run->error, ACESO_ENOTFOUND, "decrypt",
                         "the public keys of all attributes of the policy are needed");
    return abe_failed(&run->error, code, "decrypt");
}

static int abe_decrypt_all(struct abe_run *run)
{
    struct aceso_abe_decryption_stream *stream = NULL;
    size_t length = sizeof run->piece;
    int code = ACESO_OK;
    int failed = aceso_abe_decrypt_begin(
        (const struct aceso_abe_user_key *const *)run->keys.user_keys, run->keys.user_count,
        (const struct aceso_abe_public_key *const *)run->keys.public_keys, run->keys.public_count,
        run->associated.data, run->associated.len, abe_output_write, &run->output, &stream);

    while (!failed && !code && length == sizeof run->piece) {
        code = abe_input_read(run->input, run->piece, sizeof run->piece, &length, &run->error);
        if (!code)
            failed = aceso_abe_decrypt_update(stream, run->piece, length);
    }
    if (!failed && !code)
        failed = aceso_abe_decrypt_end(stream);
    aceso_abe_decryption_stream_free(stream);
    return code ? code : abe_decrypt_failed(run, failed);
}

int command_abe_decrypt(const struct command_line *line)
{
    struct abe_run *run = abe_run_new(line);
    int code;

    if (!run)
        return EXIT_FAILED;
    code = abe_run_open(line, ABE_MODE_SECRET, run);
    if (!code && !run->keys.user_count)
        code = error_set(&run->error, ACESO_EUSAGE, NULL, "no user key is in the key files");
    if (!code)
        code = abe_decrypt_all(run);
    return abe_run_end(line, code, run);
}

/* ---- inspect -------------------------------------------------------------------------------- */

struct abe_look {
    struct aceso_abe_header_info info;
    struct aceso_abe_policy *policy;
    struct abe_list authorities, attributes;
    uint64_t bytes, payload;
    bool whole; /* the sizes are those of a ciphertext that was not cut */
};

static int abe_look_authorities(struct abe_look *look, struct aceso_error *error)
{
    abe_attribute attribute;
    int code = ACESO_OK;

    for (size_t row = 0; !code && row < aceso_abe_policy_rows(look->policy); row++) {
        code =
            abe_failed(error, aceso_abe_policy_attribute(look->policy, row, attribute), "policy");
        if (!code)
            code = abe_list_add(&look->attributes, attribute, error);
        if (!code)
            code = abe_list_add(&look->authorities, strchr(attribute, '@') + 1, error);
    }
    return code;
}

/* Reads to the end, for the size. `head` holds the first `length` bytes. */
static int abe_look_size(int input, uint8_t *head, size_t length, size_t before,
                         struct abe_look *look, struct aceso_error *error)
{
    uint64_t sealed;
    int code = ACESO_OK;

    for (look->bytes = length; !code && length == ABE_HEAD_MAX; look->bytes += length)
        code = abe_input_read(input, head, ABE_HEAD_MAX, &length, error);
    sealed = look->bytes - before;
    look->whole =
        sealed >= ABE_TAG && (sealed % (ABE_CHUNK + ABE_TAG) == 0 ||
                              sealed % (ABE_CHUNK + ABE_TAG) > ABE_TAG || sealed == ABE_TAG);
    if (look->whole)
        look->payload =
            sealed - ABE_TAG * ((sealed + ABE_CHUNK + ABE_TAG - 1) / (ABE_CHUNK + ABE_TAG));
    return code;
}

static int abe_look_take(int input, uint8_t *head, struct abe_look *look, struct aceso_error *error)
{
    const uint8_t *header = NULL;
    size_t header_length = 0, length = 0, before;
    int code = abe_input_read(input, head, ABE_HEAD_MAX, &length, error);

    if (code)
        return code;
    code = aceso_abe_ciphertext_header(head, length, &header, &header_length);
    if (code == ACESO_ABE_LIMIT)
        return error_set(error, ACESO_EFORMAT, "input", "cut inside the header");
    if (!code)
        code = aceso_abe_header_inspect(header, header_length, &look->info);
    if (!code)
        code = aceso_abe_header_policy(header, header_length, &look->policy);
    if (code)
        return abe_failed(error, code, "input");
    before = (size_t)(header - head) + header_length;
    look->info.policy = NULL; /* was inside of `head` */
    code = abe_look_authorities(look, error);
    return code ? code : abe_look_size(input, head, length, before, look, error);
}

static void abe_look_print(const struct abe_look *look)
{
    (void)printf("form         %s (version %u, suite %u)\npolicy       %s\nauthorities ",
                 look->info.cca ? "CCA" : "CPA", look->info.version, look->info.suite,
                 aceso_abe_policy_text(look->policy));
    for (size_t i = 0; i < look->authorities.count; i++)
        (void)printf(" %s", look->authorities.items[i]);
    (void)printf("\nrows         %zu, of %zu attributes\nheader       %zu bytes\n"
                 "ciphertext   %" PRIu64 " bytes\n",
                 look->info.rows, look->attributes.count, look->info.bytes, look->bytes);
    if (look->whole)
        (void)printf("payload      %" PRIu64 " bytes\n", look->payload);
    else
        (void)printf("payload      cut\n");
}

static int abe_look_print_json(const struct abe_look *look, struct aceso_error *error)
{
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct json_writer writer = json_writer_of(&out);
    int code;

    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "version", look->info.version);
    json_put_u64(&writer, "suite", look->info.suite);
    json_put_string(&writer, "form", look->info.cca ? "cca" : "cpa");
    json_put_string(&writer, "policy", aceso_abe_policy_text(look->policy));
    json_open(&writer, "authorities", '[');
    for (size_t i = 0; i < look->authorities.count; i++)
        json_put_string(&writer, NULL, look->authorities.items[i]);
    json_close(&writer, ']');
    json_put_u64(&writer, "rows", look->info.rows);
    json_put_u64(&writer, "attributes", look->attributes.count);
    json_put_u64(&writer, "header_bytes", look->info.bytes);
    json_put_u64(&writer, "ciphertext_bytes", look->bytes);
    if (look->whole)
        json_put_u64(&writer, "payload_bytes", look->payload);
    else
        json_put_null(&writer, "payload_bytes");
    json_close(&writer, '}');
    code = out.failed ? error_set(error, out.failed, NULL, "too much to say") : ACESO_OK;
    if (!code)
        (void)printf("%s\n", buffer_text(&out));
    buffer_free(&out);
    return code;
}

int command_abe_inspect(const struct command_line *line)
{
    struct abe_look look = { .policy = NULL };
    struct aceso_error error = { 0 };
    uint8_t *head = malloc(ABE_HEAD_MAX);
    int input = -1;
    int code = head ? abe_input_open(command_value(line, "FILE"), &input, &error)
                    : error_set(&error, ACESO_EMEMORY, NULL, "out of memory");

    if (!code)
        code = abe_look_take(input, head, &look, &error);
    if (!code && line->json)
        code = abe_look_print_json(&look, &error);
    else if (!code)
        abe_look_print(&look);
    abe_input_close(input);
    aceso_abe_policy_free(look.policy);
    free(look.authorities.items);
    free(look.attributes.items);
    free(head);
    return abe_exit(line, code, &error);
}
