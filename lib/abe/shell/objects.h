/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opaque types of the public header, and lookup of objects by attribute.
 * Shell: uses core, cache and the heap. No I/O.
 */
#ifndef ABE_OBJECTS_H
#define ABE_OBJECTS_H

#include "../core/keys.h"
#include "../core/policy.h"
#include "cache.h"

struct aceso_abe_policy {
    struct abe_policy core;
    char *text; /* canonical, NUL-terminated; core.text is the same */
};

struct aceso_abe_public_key {
    struct abe_public core; /* fully checked */
    struct abe_shared *shared;
};

struct aceso_abe_user_key {
    struct abe_user core; /* fully checked */
    struct abe_shared *shared;
};

/* Tables of a public key, NULL when there are none; each that is not NULL is to be unpinned. */
const struct abe_tables *abe_public_key_pin(const struct aceso_abe_public_key *key);

/* Lines of a user key: of K, and of H(gid). Likewise. */
const struct abe_lines *abe_user_key_pin(const struct aceso_abe_user_key *key);
const struct abe_lines *abe_user_key_pin_gid(const struct aceso_abe_user_key *key);

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
