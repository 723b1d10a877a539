/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values for the patches: strict parsing that keeps the text of numbers, a minifying writer,
 * members by name. Internal to the room. Uses base and yyjson. No I/O. */
#ifndef ACESO_RECORD_PATCH_JSON_H
#define ACESO_RECORD_PATCH_JSON_H

#include "record/patch.h"

#include <yyjson.h>

/* A patch nests an object and two arrays for each level of the view. */
#define PATCH_DEPTH_MAX (3 * RECORD_DEPTH_MAX + 8)

/* `what` names the input in the error. `*doc` is the caller's. */
ACESO_NODISCARD int patch_json_parse(struct bytes json, size_t depth_max, const char *what,
                                     yyjson_doc **doc, struct aceso_error *error);

/* Appends `value` without whitespace; failures stay in the buffer. */
void patch_json_write(yyjson_val *value, struct buffer *out);
void patch_json_write_string(yyjson_val *value, struct buffer *out);

/* Same type, same text, same order. */
bool patch_json_equal(yyjson_val *a, yyjson_val *b);
bool patch_json_same_text(yyjson_val *a, yyjson_val *b); /* two strings or two numbers */

/* Keys of one object (or of a list of [key, ...]) to find by name, in O(log n). */
#define PATCH_MEMBERS_SMALL 16

struct patch_members {
    size_t count;
    yyjson_val **key; /* sorted when there are more than PATCH_MEMBERS_SMALL */
    yyjson_val *small[PATCH_MEMBERS_SMALL];
};

/* `keys` is iterated by the caller: init with the count, add each, then ready. */
ACESO_NODISCARD int patch_members_init(struct patch_members *members, size_t count,
                                       struct aceso_error *error);
void patch_members_add(struct patch_members *members, yyjson_val *key);
bool patch_members_ready(struct patch_members *members); /* false: a key stands twice */
void patch_members_free(struct patch_members *members);

/* The key that equals `key`; NULL where there is none. */
yyjson_val *patch_members_find(const struct patch_members *members, yyjson_val *key);

/* init, add all members of `object`, ready. `*unique` false when a key stands twice. */
ACESO_NODISCARD int patch_members_of(struct patch_members *members, yyjson_val *object,
                                     bool *unique, struct aceso_error *error);

#endif
