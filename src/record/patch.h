/* SPDX-License-Identifier: Apache-2.0 */
/* What a level adds to the one below it: JSON views as patches. Uses base and yyjson. No I/O.
 *
 *     patch   = {"=": value}                     the whole value
 *             | {"o": [[key, null | patch]...]}  these members in this order; null keeps the lower
 *                                                member of that name, a patch changes or sets it
 *             | {"a": [item...]}                 item = i (lower element i as it is)
 *                                                     | [i, patch] (changed) | {"=": value} (new)
 *
 * Indices count the lower view's elements and rise, a key stands once: what a patch yields is
 * never longer than the lower view and the patch together. The text of numbers and the order of
 * keys are kept; whitespace is not. A patch says nothing of any level above its own.
 * Thread-safe. */
#ifndef ACESO_RECORD_PATCH_H
#define ACESO_RECORD_PATCH_H

#include "record/context.h"

/* Appends to `out` the patch that makes `upper` of `lower` (`lower.data` NULL: there is none).
 * Appends nothing when both are equal. Both are UTF-8 JSON of at most RECORD_TEXT_MAX bytes and
 * RECORD_DEPTH_MAX levels: ACESO_EFORMAT or ACESO_ELIMIT otherwise. Time is linear in the sizes
 * (times the depth). */
ACESO_NODISCARD int patch_make(struct bytes lower, struct bytes upper, struct buffer *out,
                               struct aceso_error *error);

/* Appends to `out` the view that `patch` makes of `lower`, minified. Safe on hostile input:
 * ACESO_EFORMAT for a patch that is malformed or does not fit `lower`, ACESO_ELIMIT for sizes and
 * depth (out->max included). On failure `out` is as it was. */
ACESO_NODISCARD int patch_apply(struct bytes lower, struct bytes patch, struct buffer *out,
                                struct aceso_error *error);

/* Appends `json` without whitespace, as patch_apply would write it. */
ACESO_NODISCARD int patch_minify(struct bytes json, struct buffer *out, struct aceso_error *error);

#endif
