/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct report {
    struct buffer json; /* the steps, as members of an array */
    struct json_writer writer;
    bool held;
};

struct report *report_create(void)
{
    struct report *report = calloc(1, sizeof *report);

    if (report) {
        report->json = (struct buffer)BUFFER_INIT(BUFFER_MAX_DEFAULT);
        report->writer = json_writer_of(&report->json);
        report->held = true;
    }
    return report;
}

void report_free(struct report *report)
{
    if (!report)
        return;
    buffer_free(&report->json);
    free(report);
}

void report_chapter(struct report *report, const char *words)
{
    (void)report;
    (void)printf("\n%s\n", words);
    (void)fflush(stdout);
}

void report_step(struct report *report, const char *name, bool ok, uint64_t milliseconds,
                 struct bytes answer, const char *words)
{
    struct json_writer *writer = &report->writer;
    yyjson_doc *doc = NULL;
    const char *tx = NULL;
    uint64_t gas = 0;

    if (answer.len && json_parse(answer, &doc, NULL) == ACESO_OK) {
        tx = json_string_or(yyjson_doc_get_root(doc), "tx", NULL);
        gas = json_u64_or(yyjson_doc_get_root(doc), "gas", 0);
    }
    json_open(writer, NULL, '{');
    json_put_string(writer, "name", name);
    json_put_bool(writer, "ok", ok);
    json_put_u64(writer, "milliseconds", milliseconds);
    if (gas)
        json_put_u64(writer, "gas", gas);
    if (tx && *tx)
        json_put_string(writer, "tx", tx);
    json_close(writer, '}');
    if (!ok)
        report->held = false;
    (void)printf("  %s %s  (%llu ms", ok ? "ok    " : "FAILED", words,
                 (unsigned long long)milliseconds);
    if (gas)
        (void)printf(", %llu gas", (unsigned long long)gas);
    (void)printf(")\n");
    (void)fflush(stdout);
    yyjson_doc_free(doc);
}

bool report_held(const struct report *report)
{
    return report->held;
}

int report_write(const struct report *report, const char *directory, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    char path[PATH_MAX];
    int code = file_path(directory, "report.json", path, sizeof path);

    (void)buffer_put_string(&text, "{\"steps\":[");
    (void)buffer_put_bytes(&text, buffer_bytes(&report->json));
    (void)buffer_put_string(&text, "]}\n");
    if (!code)
        code = text.failed;
    if (!code)
        code = file_write(path, buffer_bytes(&text), 0644, error);
    buffer_free(&text);
    return code;
}
