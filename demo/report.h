/* SPDX-License-Identifier: Apache-2.0 */
/* What the demonstration says: a line a step on the console, and report.json. */
#ifndef ACESO_DEMO_REPORT_H
#define ACESO_DEMO_REPORT_H

#include "base/json.h"

struct report;

struct report *report_create(void); /* NULL: out of memory */
void report_free(struct report *report);

/* A heading of the story. */
void report_chapter(struct report *report, const char *words);

/* One step: `answer` is the command's JSON answer (may be empty), from which gas and transaction
 * are taken; `words` what happened. */
void report_step(struct report *report, const char *name, bool ok, uint64_t milliseconds,
                 struct bytes answer, const char *words);

/* Whether every step was ok. */
bool report_held(const struct report *report);

/* Writes DIR/report.json. */
ACESO_NODISCARD int report_write(const struct report *report, const char *directory,
                                 struct aceso_error *error);

#endif
