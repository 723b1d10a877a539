/* SPDX-License-Identifier: Apache-2.0 */
/* What the demonstration says: lines on the console for people, and report.json with every step. */
#ifndef ACESO_DEMO_REPORT_H
#define ACESO_DEMO_REPORT_H

#include "base/json.h"

struct report;

struct report *report_create(void); /* NULL: out of memory */
void report_free(struct report *report);

/* A heading of the story. */
void report_chapter(struct report *report, const char *words);

/* One step into report.json. `subject`: whose step it is where several parties do the same ("" or
 * NULL: nobody's). `answer` is the command's JSON answer (may be empty), from which gas and
 * transaction are taken. Returns the gas. */
uint64_t report_note(struct report *report, const char *name, const char *subject, bool ok,
                     uint64_t milliseconds, struct bytes answer);

/* One line on the console. */
void report_line(struct report *report, bool ok, const char *words, uint64_t milliseconds,
                 uint64_t gas);

/* Both. */
void report_step(struct report *report, const char *name, bool ok, uint64_t milliseconds,
                 struct bytes answer, const char *words);

/* What stands below a line: a quotation, a reason. */
void report_remark(const char *words);

/* The same in quotation marks, cut where it is very long. */
void report_quote(const char *words);

/* A name, and beside it those lines of a text that begin with `prefix`. */
void report_indented(const char *name, const char *text, const char *prefix);

/* Whether every step was ok, and how many there were. */
bool report_held(const struct report *report);
size_t report_steps(const struct report *report);

/* Writes DIR/NAME. */
ACESO_NODISCARD int report_write(const struct report *report, const char *directory,
                                 const char *name, struct aceso_error *error);

#endif
