/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies an export as a stranger does: the file, its proof and a chain, no key. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "consent/vocabulary.h"
#include "node/config.h"
#include "node/proof_chain.h"
#include "record/proof_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERIFY_PIECE ((size_t)65536)

/* A file in pieces. */
struct verify_file {
    int fd;
    const char *path;
    uint8_t piece[VERIFY_PIECE];
    size_t at, len;
    bool ended;
};

struct verify {
    const struct command_line *line;
    char rpc_url[CONFIG_RPC_SIZE];
    uint8_t consortium[20];
    uint64_t first_block;
    struct rpc *rpc;
    struct proof_chain *chain;
    struct proof_check *check;
    struct verify_file *export, *proof;
    char proof_path[PATH_MAX];
    struct buffer text; /* the line of the export that is looked at */
    struct proof_check_totals totals;
};

static int verify_open_file(const char *path, struct verify_file **out, struct aceso_error *error)
{
    struct verify_file *file = calloc(1, sizeof *file);

    if (!file)
        return error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    file->path = path;
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0) {
        free(file);
        return error_set(error, ACESO_ENOTFOUND, path, "%s", strerror(errno));
    }
    *out = file;
    return ACESO_OK;
}

static void verify_close_file(struct verify_file *file)
{
    if (!file)
        return;
    (void)close(file->fd);
    free(file);
}

/* Refills the piece once it is used up; `ended` at the end. */
static int verify_fill(struct verify_file *file, struct aceso_error *error)
{
    ssize_t got;

    if (file->at < file->len || file->ended)
        return ACESO_OK;
    do
        got = read(file->fd, file->piece, sizeof file->piece);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set(error, ACESO_EIO, file->path, "%s", strerror(errno));
    file->at = 0;
    file->len = (size_t)got;
    file->ended = got == 0;
    return ACESO_OK;
}

/* The export's next line, for proof_check. */
static int verify_line(void *data, struct bytes *line, struct aceso_error *error)
{
    struct verify *verify = data;
    struct verify_file *file = verify->export;
    int code;

    buffer_clear(&verify->text);
    while (!(code = verify_fill(file, error)) && !file->ended) {
        const uint8_t *from = file->piece + file->at;
        const uint8_t *end = memchr(from, '\n', file->len - file->at);
        size_t take = end ? (size_t)(end - from) : file->len - file->at;

        file->at += end ? take + 1 : take;
        if (buffer_put(&verify->text, from, take))
            return error_set(error, ACESO_ELIMIT, file->path, "a line is too long");
        if (end) {
            *line = buffer_bytes(&verify->text);
            return ACESO_OK;
        }
    }
    if (code)
        return code;
    if (verify->text.len)
        return error_set(error, ACESO_EVERIFY, file->path, "its last line has no end");
    return ACESO_ENOTFOUND;
}

static int verify_relationship(void *data, const struct proof_relationship *relationship,
                               struct aceso_error *error)
{
    return proof_chain_relationship(((struct verify *)data)->chain, relationship, error);
}

static int verify_batch(void *data, const struct proof_relationship *relationship,
                        const struct proof_batch *batch, struct aceso_error *error)
{
    return proof_chain_batch(((struct verify *)data)->chain, relationship, batch, error);
}

/* Which chain: named on the command line, or that of a node's data directory (public facts only).
 * Either both options or none. */
static int verify_network(struct verify *verify, struct aceso_error *error)
{
    const char *rpc = command_value(verify->line, "rpc");
    const char *consortium = command_value(verify->line, "consortium");
    struct node_config config;
    int code, len;

    if (rpc && consortium) {
        if (text_unhex(consortium, verify->consortium, 20))
            return error_set(error, ACESO_EUSAGE, "consortium", "not an address");
        len = snprintf(verify->rpc_url, sizeof verify->rpc_url, "%s", rpc);
        return len > 0 && (size_t)len < sizeof verify->rpc_url
                   ? ACESO_OK
                   : error_set(error, ACESO_EUSAGE, "rpc", "not a URL");
    }
    if (rpc || consortium || !verify->line->data)
        return error_set(error, ACESO_EUSAGE, NULL,
                         "which chain: --rpc and --consortium, or --data of a node");
    code = config_load(verify->line->data, &config, error);
    if (code)
        return code;
    if (!config.network.known)
        return error_set(error, ACESO_ESTATE, NULL, "this node has joined no network yet");
    (void)snprintf(verify->rpc_url, sizeof verify->rpc_url, "%s", config.rpc);
    memcpy(verify->consortium, config.network.amsc, 20);
    verify->first_block = config.network.first_block;
    return ACESO_OK;
}

static int verify_open(struct verify *verify, struct aceso_error *error)
{
    const char *export = command_value(verify->line, "EXPORT");
    const char *proof = command_value(verify->line, "proof");
    const struct proof_check_config config = { .relationship = verify_relationship,
                                               .batch = verify_batch,
                                               .line = verify_line,
                                               .data = verify };
    struct rpc_settings settings = { .url = verify->rpc_url };
    int code = verify_network(verify, error);

    if (!code)
        code = verify_open_file(export, &verify->export, error);
    if (!code && !proof) {
        code = output_proof_path(export, verify->proof_path, error);
        proof = verify->proof_path;
    }
    if (!code)
        code = verify_open_file(proof, &verify->proof, error);
    if (!code)
        code = rpc_open(&settings, &verify->rpc, error);
    if (!code)
        code = proof_chain_open(verify->rpc, verify->consortium, verify->first_block,
                                &verify->chain, error);
    if (!code)
        code = proof_check_create(&config, &verify->check, error);
    return code;
}

static int verify_run(struct verify *verify, struct aceso_error *error)
{
    struct verify_file *proof = verify->proof;
    int code;

    while (!(code = verify_fill(proof, error)) && !proof->ended) {
        code = proof_check_feed(verify->check, bytes_of(proof->piece, proof->len), error);
        if (code)
            break;
        proof->at = proof->len;
    }
    return code ? code : proof_check_finish(verify->check, &verify->totals, error);
}

/* ---- what is said ------------------------------------------------------------------------- */

/* Every record of every batch that the chain has by now is shown, or proved to be empty. */
static bool verify_complete(const struct verify *verify)
{
    const struct proof_chain_relationship *relationship;
    size_t anchored = 0;

    for (size_t i = 0; (relationship = proof_chain_at(verify->chain, i)) != NULL; i++)
        anchored += relationship->batch_count;
    return anchored == verify->totals.file.batches &&
           verify->totals.records == verify->totals.shown + verify->totals.empty;
}

static void verify_print_batch(const struct proof_check_batch *sum,
                               const struct proof_chain_batch *batch)
{
    char time[21];

    text_time(batch->time, time);
    (void)printf("  batch %llu: %u of %u records shown, %u proved empty; signed by the patient,"
                 " in block %llu at %s\n",
                 (unsigned long long)sum->number, sum->shown, sum->records, sum->empty,
                 (unsigned long long)batch->block, time);
}

static void verify_print_relationship(const struct verify *verify, size_t at)
{
    const struct proof_chain_relationship *relationship = proof_chain_at(verify->chain, at);
    const struct proof_check_batch *sum;
    char patient[41], hospital[41];
    size_t here = 0;

    text_hex(relationship->proof.context.patient, 20, patient);
    text_hex(relationship->proof.context.hospital, 20, hospital);
    (void)printf("patient 0x%s at %s (0x%s), level %s\n", patient, relationship->label, hospital,
                 level_name(relationship->proof.level));
    for (size_t i = 0; (sum = proof_check_batch(verify->check, i)) != NULL; i++) {
        if (sum->relationship != at)
            continue;
        here++;
        verify_print_batch(sum, &relationship->batches[sum->number - 1]);
    }
    if (here < relationship->batch_count)
        (void)printf("  of the chain's %zu batches %zu are not in the proof\n",
                     relationship->batch_count, relationship->batch_count - here);
}

/* What a stranger can know of completeness, and what not. */
static void verify_print(const struct verify *verify)
{
    const struct proof_check_totals *totals = &verify->totals;
    uint64_t left_out = totals->records - totals->shown - totals->empty;

    (void)printf("holds: %llu resources, byte for byte as the patient signed them\n",
                 (unsigned long long)totals->file.lines);
    for (size_t i = 0; proof_chain_at(verify->chain, i); i++)
        verify_print_relationship(verify, i);
    (void)printf("%llu of %llu records of these batches are shown, ",
                 (unsigned long long)totals->shown, (unsigned long long)totals->records);
    if (left_out)
        (void)printf("%llu left out: what those hold cannot be known from here\n",
                     (unsigned long long)left_out);
    else if (totals->empty)
        (void)printf("the other %llu have nothing at this level: none was left out\n",
                     (unsigned long long)totals->empty);
    else
        (void)printf("none was left out\n");
}

static void verify_write_relationship(const struct verify *verify, size_t at,
                                      struct json_writer *writer)
{
    const struct proof_chain_relationship *relationship = proof_chain_at(verify->chain, at);
    const struct record_context *context = &relationship->proof.context;
    const struct proof_check_batch *sum;

    json_open(writer, NULL, '{');
    json_put_hex(writer, "patient", context->patient, 20);
    json_put_hex(writer, "hospital", context->hospital, 20);
    json_put_string(writer, "label", relationship->label);
    json_put_hex(writer, "contract", context->contract, 20);
    json_put_string(writer, "level", level_name(relationship->proof.level));
    json_put_u64(writer, "anchored", relationship->batch_count);
    json_open(writer, "batches", '[');
    for (size_t i = 0; (sum = proof_check_batch(verify->check, i)) != NULL; i++) {
        const struct proof_chain_batch *batch;
        char time[21];

        if (sum->relationship != at)
            continue;
        batch = &relationship->batches[sum->number - 1];
        text_time(batch->time, time);
        json_open(writer, NULL, '{');
        json_put_u64(writer, "number", sum->number);
        json_put_hex(writer, "root", batch->batch.root, 32);
        json_put_u64(writer, "records", sum->records);
        json_put_u64(writer, "shown", sum->shown);
        json_put_u64(writer, "empty", sum->empty);
        json_put_u64(writer, "block", batch->block);
        json_put_string(writer, "time", time);
        json_close(writer, '}');
    }
    json_close(writer, ']');
    json_close(writer, '}');
}

static int verify_print_json(const struct verify *verify, struct aceso_error *error)
{
    const struct proof_check_totals *totals = &verify->totals;
    struct buffer out = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct json_writer writer = json_writer_of(&out);
    int code;

    json_open(&writer, NULL, '{');
    json_put_bool(&writer, "holds", true);
    json_put_u64(&writer, "chain_id", proof_chain_id(verify->chain));
    json_put_hex(&writer, "consortium", verify->consortium, 20);
    json_put_u64(&writer, "resources", totals->file.lines);
    json_put_u64(&writer, "records", totals->records);
    json_put_u64(&writer, "shown", totals->shown);
    json_put_u64(&writer, "empty", totals->empty);
    json_put_bool(&writer, "complete", verify_complete(verify));
    json_open(&writer, "relationships", '[');
    for (size_t i = 0; proof_chain_at(verify->chain, i); i++)
        verify_write_relationship(verify, i, &writer);
    json_close(&writer, ']');
    json_close(&writer, '}');
    code = out.failed ? error_set(error, out.failed, NULL, "too much to say") : ACESO_OK;
    if (!code)
        (void)printf("%s\n", buffer_text(&out));
    buffer_free(&out);
    return code;
}

int command_verify(const struct command_line *line)
{
    struct verify verify = { .line = line, .text = BUFFER_INIT_SECRET(RECORD_TEXT_MAX) };
    struct aceso_error error = { 0 };
    int code = verify_open(&verify, &error);

    if (!code)
        code = verify_run(&verify, &error);
    if (!code && line->json)
        code = verify_print_json(&verify, &error);
    else if (!code)
        verify_print(&verify);
    if (code)
        command_complain(line, &error);
    proof_check_free(verify.check);
    proof_chain_close(verify.chain);
    rpc_close(verify.rpc);
    verify_close_file(verify.export);
    verify_close_file(verify.proof);
    buffer_free(&verify.text);
    return code ? (code == ACESO_EUSAGE ? EXIT_USAGE : EXIT_FAILED) : EXIT_DONE;
}
