/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup by attribute name. Shell: uses core only. No I/O. */
#include "objects.h"

#include <stdlib.h>
#include <string.h>

static int compare_entries(const void *left, const void *right)
{
    const struct abe_entry *a = left;
    const struct abe_entry *b = right;

    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return memcmp(a->name, b->name, a->length);
}

void abe_entries_sort(struct abe_entry *entries, size_t count)
{
    if (count > 1)
        qsort(entries, count, sizeof(*entries), compare_entries);
}

const void *abe_entries_find(const struct abe_entry *entries, size_t count, const char *name,
                             size_t length)
{
    struct abe_entry wanted = { name, length, NULL };
    const struct abe_entry *found;

    if (count == 0)
        return NULL;
    found = bsearch(&wanted, entries, count, sizeof(*entries), compare_entries);
    return found != NULL ? found->object : NULL;
}
