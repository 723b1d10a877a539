/* SPDX-License-Identifier: Apache-2.0 */
/* NDJSON: one resource a line. Uses base. Pure. */
#ifndef ACESO_FHIR_NDJSON_H
#define ACESO_FHIR_NDJSON_H

#include "base/buffer.h"

/* Appends one line. `json` must be minified (no line break in it): ACESO_EUSAGE otherwise; also
 * ACESO_ELIMIT, ACESO_EMEMORY. */
int fhir_ndjson_put(struct buffer *out, struct bytes json);

/* Takes the next non-empty line off `*rest` into `*line` (a slice, without its line end). False at
 * the end. */
bool fhir_ndjson_next(struct bytes *rest, struct bytes *line);

#endif
