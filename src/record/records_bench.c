/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one large bundle becomes sealed records, and sealed records become FHIR again; one
 * thread, no network, the database in the working directory. Prints `bench NAME=VALUE UNIT`.
 *
 *     records_bench BUNDLE
 *
 * import_mb_s     the bundle's bytes (10^6, not compressed) a second, from the file to a finished
 *                 batch: both passes over the text (check and index, views), sealing, proofs. The
 *                 import of a node also digests the file and waits for patient and chain.
 * import_rss_mb   the most memory (10^6 bytes) that the process held until then
 * seal_records_s  records_batch_add and records_batch_finish alone: patches, sealing, writing
 * open_records_s  all parts of level 4 read from the database, checked and put together
 * open_high_records_s   the same for level 3 */
#include "base/secret.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "fhir/view.h"
#include "record/open.h"
#include "record/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct bench {
    const char *bundle;
    struct record_context context;
    struct record_epoch epoch;
    struct ladder ladder;
    struct records *records;
    struct fhir_index *index;
    struct record_batch batch;
    double sealing; /* seconds */
};

static void check(int code, const struct aceso_error *error)
{
    if (code < 0) {
        fprintf(stderr, "records_bench: %s: %s\n", error->place, error->text);
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* As a hospital makes them. */
static int pseudonym(void *context, struct bytes type, struct bytes id,
                     char out[FHIR_PSEUDONYM_MAX + 1], struct aceso_error *error)
{
    const struct bench *bench = context;
    struct buffer what = BUFFER_INIT(4096);
    uint8_t mac[SHA256_SIZE];
    int code;

    (void)buffer_put_field(&what, type);
    code = buffer_put_field(&what, id);
    if (code) {
        (void)error_set(error, code, NULL, "%s", error_name(code));
    } else {
        hmac_sha256(bytes_of(bench->context.patient, 20), buffer_bytes(&what), mac);
        text_hex(mac, 16, out);
    }
    buffer_free(&what);
    return code;
}

static void seal(struct bench *bench, struct records_batch *batch, const struct fhir_views *views)
{
    struct aceso_error error = { .code = ACESO_OK };
    struct bytes view[RECORD_LEVELS];
    double start = now();

    for (size_t i = 0; i < RECORD_LEVELS; i++)
        view[i] = views->present[i] ? buffer_bytes(&views->view[i]) : bytes_of(NULL, 0);
    check(records_batch_add(batch, view, NULL, &error), &error);
    bench->sealing += now() - start;
}

static void import(struct bench *bench)
{
    struct aceso_error error = { .code = ACESO_OK };
    const uint8_t source[32] = { 1 };
    struct records_batch *batch = NULL;
    struct fhir_bundle *bundle = NULL;
    struct fhir_views views;
    struct fhir_entry entry;
    double start;
    int step;

    check(fhir_index_build(bench->bundle, NULL, &bench->index, &error), &error);
    check(records_batch_begin(bench->records, &bench->context, source, bench->epoch,
                              &bench->ladder, &batch, &error), &error);
    check(fhir_bundle_open(bench->bundle, NULL, &bundle, &error), &error);
    fhir_views_init(&views);
    while ((step = fhir_bundle_next(bundle, &entry, &error)) == 1) {
        if (fhir_index_summary(bench->index, entry.number).directory)
            continue;
        check(fhir_views(bench->index, &entry, pseudonym, bench, &views, &error), &error);
        seal(bench, batch, &views);
    }
    check(step, &error);
    fhir_views_free(&views);
    fhir_bundle_close(bundle);
    start = now();
    check(records_batch_finish(batch, &bench->batch, &error), &error);
    bench->sealing += now() - start;
    records_batch_close(batch);
}

static int give_batch(void *data, uint64_t number, struct record_batch *out,
                      struct aceso_error *error)
{
    const struct bench *bench = data;

    if (number != bench->batch.number)
        return error_set(error, ACESO_ENOTFOUND, NULL, "no such batch");
    *out = bench->batch;
    return ACESO_OK;
}

static int take_record(void *data, const struct record_opened *record, struct aceso_error *error)
{
    (void)data;
    (void)error;
    return record->json.len ? ACESO_OK : ACESO_EVERIFY;
}

static int take_row(void *data, const struct record_row *row, struct aceso_error *error)
{
    struct record_reader *reader = data;

    return record_reader_add(reader, row, error);
}

/* Records handed out a second. */
static double open_all(struct bench *bench, uint8_t level)
{
    struct record_reader_config config = { .context = bench->context, .level = level,
                                           .first_batch = 1, .last_batch = 1,
                                           .batch = give_batch, .opened = take_record,
                                           .data = bench };
    struct aceso_error error = { .code = ACESO_OK };
    struct record_reader_totals totals = { 0 };
    struct record_reader *reader = NULL;
    double start = now();

    check(record_reader_create(&config, &reader, &error), &error);
    check(record_reader_add_key(reader, bench->epoch, bench->ladder.key[level - 1], &error),
          &error);
    check(records_each(bench->records, bench->context.patient, level, take_row, reader, &error),
          &error);
    check(record_reader_finish(reader, &totals, &error), &error);
    record_reader_free(reader);
    if (totals.records != bench->batch.records ||
        (level == RECORD_LEVELS && totals.opened != totals.records)) {
        fprintf(stderr, "records_bench: not every record came back\n");
        exit(1);
    }
    return (double)totals.opened / (now() - start);
}

static double peak_mb(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024 / 1e6;
}

static void run(struct bench *bench)
{
    struct aceso_error error = { .code = ACESO_OK };
    struct stat status;
    double start = now(), took;

    if (stat(bench->bundle, &status) != 0)
        check(error_set(&error, ACESO_ENOTFOUND, bench->bundle, "not there"), &error);
    import(bench);
    took = now() - start;
    printf("bench records.import_mb_s=%.2f MB/s\n", (double)status.st_size / 1e6 / took);
    printf("bench records.import_rss_mb=%.0f MB\n", peak_mb());
    printf("bench records.seal_records_s=%.0f records/s\n",
           (double)bench->batch.records / bench->sealing);
    check(records_batch_sign(bench->records, bench->context.patient, bench->batch.number,
                             bench->batch.root, &error), &error);
    printf("bench records.open_records_s=%.0f records/s\n", open_all(bench, RECORD_LEVELS));
    printf("bench records.open_high_records_s=%.0f records/s\n", open_all(bench, 3));
    printf("bench records.bundle_mb=%.1f MB\n", (double)status.st_size / 1e6);
    printf("bench records.records=%u records\n", (unsigned)bench->batch.records);
}

static void remove_all(const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm" };

    for (size_t i = 0; i < 3; i++) {
        char name[64];

        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

int main(int argc, char **argv)
{
    struct bench bench = { .context = { .chain_id = 31337, .contract = { 1 }, .patient = { 2 },
                                        .hospital = { 3 } }, .epoch = { 1, 1 } };
    struct aceso_error error = { .code = ACESO_OK };
    char path[] = "records_bench.db";

    if (argc != 2) {
        fprintf(stderr, "usage: records_bench BUNDLE\n");
        return 2;
    }
    bench.bundle = argv[1];
    remove_all(path);
    check(secret_init(&error), &error);
    check(ladder_random(&bench.context, bench.epoch, &bench.ladder, &error), &error);
    check(records_open(path, &bench.records, &error), &error);
    run(&bench);
    fhir_index_free(bench.index);
    records_close(bench.records);
    ladder_wipe(&bench.ladder);
    remove_all(path);
    return 0;
}
