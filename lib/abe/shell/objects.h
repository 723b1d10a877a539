/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opaque types of the public header, and lookup of objects by attribute.
 * Shell: uses core and the heap. No I/O.
 */
#ifndef ABE_OBJECTS_H
#define ABE_OBJECTS_H

#include "../core/keys.h"
#include "../core/policy.h"

struct aceso_abe_policy {
    struct abe_policy core;
    char *text; /* canonical, NUL-terminated; core.text is the same */
};

struct aceso_abe_public_key {
    struct abe_public core; /* fully checked */
};

struct aceso_abe_user_key {
    struct abe_user core; /* fully checked */
};

/* A named object, in an array sorted by name. */
struct abe_entry {
    const char *name;
    size_t length;
    const void *object;
};

void abe_entries_sort(struct abe_entry *entries, size_t count);

/* The object of that name, or NULL. */
const void *abe_entries_find(const struct abe_entry *entries, size_t count, const char *name,
                             size_t length);

#endif
