/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming reader of a FHIR R4 Bundle in JSON, plain or gzip, from a file or from memory. Uses
 * base, yyjson and zlib; reads one file.
 *
 * The reader walks the Bundle's own members and hands out one `entry` at a time as exact input
 * text, so memory is bounded by the largest entry, never by the file. It refuses, with file, entry,
 * line and reason: what is cut off (plain or gzip), not JSON, not an object with resourceType
 * Bundle and one of R4's bundle types, the same member twice, invalid UTF-8, anything deeper than
 * FHIR_DEPTH_MAX, an entry over the limits below, bytes after the end. What an entry holds is
 * checked by resource.h. A reader belongs to one thread at a time. */
#ifndef ACESO_FHIR_BUNDLE_H
#define ACESO_FHIR_BUNDLE_H

#include "base/buffer.h"

#define FHIR_DEPTH_MAX 64                       /* arrays and objects in each other, all told */
#define FHIR_ENTRY_MAX ((size_t)32 << 20)       /* bytes of one entry */
#define FHIR_ENTRY_VALUES_MAX ((size_t)2 << 20) /* JSON values and keys in one entry */
#define FHIR_ENTRIES_MAX ((size_t)4 << 20)      /* entries of one bundle */
#define FHIR_LABEL_MAX 96                       /* bytes of the label that stand in a place */

struct fhir_bundle;

/* One element of Bundle.entry. `text` lives until the next call on the same reader. */
struct fhir_entry {
    size_t number;     /* from 1 */
    size_t line;       /* where the entry begins, from 1 */
    struct bytes text; /* the whole entry object as it stands in the file */
    const char *label; /* of the reader; lives as long as it */
};

/* Opens the bundle at `path`. `label` (copied, cut at FHIR_LABEL_MAX) names the input in places of
 * errors; NULL takes the file's name without its folders. `*out` is the caller's, closed with
 * fhir_bundle_close. ACESO_ENOTFOUND, ACESO_EIO, ACESO_EMEMORY. */
ACESO_NODISCARD int fhir_bundle_open(const char *path, const char *label, struct fhir_bundle **out,
                                     struct aceso_error *error);

/* The same over bytes in memory, which must outlive the reader. */
ACESO_NODISCARD int fhir_bundle_open_bytes(struct bytes bytes, const char *label,
                                           struct fhir_bundle **out, struct aceso_error *error);

void fhir_bundle_close(struct fhir_bundle *bundle); /* accepts NULL */

/* Reads on. 1: `*entry` is the next one. 0: the bundle ended, and it was a sound Bundle; only now
 * is that known. Negative: ACESO_EFORMAT, ACESO_ELIMIT, ACESO_EIO, ACESO_EMEMORY; the reader stays
 * failed. */
ACESO_NODISCARD int fhir_bundle_next(struct fhir_bundle *bundle, struct fhir_entry *entry,
                                     struct aceso_error *error);

/* Fills `error` with the place "label: entry 12: line 88: path" (`path` may be NULL; no entry where
 * its number is 0). Returns `code`. */
int fhir_entry_error(const struct fhir_entry *entry, size_t line, const char *path, int code,
                     struct aceso_error *error, const char *format, ...) ACESO_PRINTF(6, 7);

#endif
