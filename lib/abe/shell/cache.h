/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that several callers share, and what is made from a key on first use: tables of a public
 * key, lines of a user key. Shell: uses the heap and mutexes, nothing else of the library.
 *
 * A cache finds a key by the digest of its bytes, and holds no more bytes than its limit, save for
 * keys and tables in use at this moment. Room is made at the expense of what was used longest ago;
 * tables give way only to those of a key that is used more often, so that many keys in turn do not
 * make each other's tables over and over.
 */
#ifndef ABE_CACHE_H
#define ABE_CACHE_H

#include "aceso/abe.h"

enum { ABE_SHARED_PARTS = 2 };

/* One key's share in all this. Everything is guarded by the cache's mutex, or by a common one. */
struct abe_shared {
    uint8_t digest[ACESO_ABE_DIGEST_SIZE];
    struct aceso_abe_cache *cache;  /* NULL: the key is its importer's alone */
    struct abe_shared *same_bucket; /* in the cache */
    struct abe_shared *newer;
    struct abe_shared *older;
    void (*destroy)(struct abe_shared *shared); /* frees the key, and this with it */
    void *parts[ABE_SHARED_PARTS];
    size_t part_sizes[ABE_SHARED_PARTS];
    size_t size;     /* of the key itself */
    unsigned owners; /* those who will call abe_shared_release; the cache is one */
    unsigned pins;   /* of parts */
    unsigned uses;
    bool listed; /* in the cache's table */
};

/* `shared` is zeroed memory; it gets one owner. */
void abe_shared_begin(struct abe_shared *shared, size_t size,
                      void (*destroy)(struct abe_shared *shared));

/* Gives up one ownership; the last destroys. */
void abe_shared_release(struct abe_shared *shared);

/* The key of that digest, with one owner more, or NULL. */
struct abe_shared *abe_cache_find(struct aceso_abe_cache *cache,
                                  const uint8_t digest[ACESO_ABE_DIGEST_SIZE]);

/* Puts a key in, if there is room. Returns it, or the equal one that another thread put in
 * meanwhile (`shared` is released then). */
struct abe_shared *abe_cache_insert(struct aceso_abe_cache *cache, struct abe_shared *shared);

/*
 * A part of the key, of `size` bytes, which `make` fills from `key` when it is not there yet. It
 * stays until abe_shared_unpin. NULL when there is no room or no memory: do without.
 */
const void *abe_shared_pin(struct abe_shared *shared, size_t part, size_t size,
                           void (*make)(const void *key, void *out), const void *key);

/* Once for each abe_shared_pin that did not return NULL. */
void abe_shared_unpin(struct abe_shared *shared);

#endif
