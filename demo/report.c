/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
    struct buffer json; /* the steps, as members of an array */
    struct json_writer writer;
    char chapter[128];
    size_t steps;
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
    (void)snprintf(report->chapter, sizeof report->chapter, "%s", words);
    (void)printf("\n%s\n", words);
    (void)fflush(stdout);
}

uint64_t report_note(struct report *report, const char *name, const char *subject, bool ok,
                     uint64_t milliseconds, struct bytes answer)
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
    json_put_string(writer, "chapter", report->chapter);
    json_put_string(writer, "name", name);
    if (subject && *subject)
        json_put_string(writer, "subject", subject);
    json_put_bool(writer, "ok", ok);
    json_put_u64(writer, "milliseconds", milliseconds);
    if (gas)
        json_put_u64(writer, "gas", gas);
    if (tx && *tx)
        json_put_string(writer, "tx", tx);
    json_close(writer, '}');
    report->steps++;
    if (!ok)
        report->held = false;
    yyjson_doc_free(doc);
    return gas;
}

void report_line(struct report *report, bool ok, const char *words, uint64_t milliseconds,
                 uint64_t gas)
{
    (void)report;
    (void)printf("  %s %s", ok ? "ok    " : "FAILED", words);
    if (milliseconds >= 1000)
        (void)printf("  (%.1f s", (double)milliseconds / 1000);
    else if (milliseconds || gas)
        (void)printf("  (%llu ms", (unsigned long long)milliseconds);
    if (gas)
        (void)printf(", %llu gas", (unsigned long long)gas);
    (void)printf(milliseconds || gas ? ")\n" : "\n");
    (void)fflush(stdout);
}

void report_step(struct report *report, const char *name, bool ok, uint64_t milliseconds,
                 struct bytes answer, const char *words)
{
    uint64_t gas = report_note(report, name, NULL, ok, milliseconds, answer);

    report_line(report, ok, words, milliseconds, gas);
}

void report_remark(const char *words)
{
    (void)printf("         %s\n", words);
    (void)fflush(stdout);
}

void report_quote(const char *words)
{
    (void)printf("         \"%.300s\"\n", words);
    (void)fflush(stdout);
}

void report_indented(const char *name, const char *text, const char *prefix)
{
    while (*text) {
        int length = (int)strcspn(text, "\n");

        if (strncmp(text, prefix, strlen(prefix)) == 0) {
            (void)printf("         %-16s %.*s\n", name, length, text);
            name = "";
        }
        text += length;
        text += *text == '\n' ? 1 : 0;
    }
    (void)fflush(stdout);
}

bool report_held(const struct report *report)
{
    return report->held;
}

size_t report_steps(const struct report *report)
{
    return report->steps;
}

int report_write(const struct report *report, const char *directory, const char *name,
                 struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    char path[PATH_MAX];
    int code = file_path(directory, name, path, sizeof path);

    (void)buffer_printf(&text, "{\"held\":%s,\"steps\":[", report->held ? "true" : "false");
    (void)buffer_put_bytes(&text, buffer_bytes(&report->json));
    (void)buffer_put_string(&text, "]}\n");
    if (!code)
        code = text.failed;
    if (!code)
        code = file_write(path, buffer_bytes(&text), 0644, error);
    buffer_free(&text);
    return code;
}
