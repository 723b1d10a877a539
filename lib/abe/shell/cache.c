/* SPDX-License-Identifier: Apache-2.0 */
/* Shared keys and their tables. Shell: uses the heap and mutexes. */
#include "cache.h"

#include "../core/octets.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    BUCKETS = 1024,
    PINS_PER_AGE = 4096 /* after so many, all counts of uses are halved */
};

struct aceso_abe_cache {
    pthread_mutex_t mutex;
    struct abe_shared *buckets[BUCKETS];
    struct abe_shared *newest;
    struct abe_shared *oldest;
    size_t limit;
    size_t used;
    size_t references; /* the caller's, and one for each key */
    unsigned pins;
};

static pthread_mutex_t uncached_mutex = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t *mutex_of(const struct abe_shared *shared)
{
    return shared->cache != NULL ? &shared->cache->mutex : &uncached_mutex;
}

static struct abe_shared **bucket_of(struct aceso_abe_cache *cache, const uint8_t *digest)
{
    return &cache->buckets[abe_get16(digest) % BUCKETS];
}

/* ---- the list, newest first ------------------------------------------------------------ */

static void list_remove(struct aceso_abe_cache *cache, struct abe_shared *shared)
{
    if (shared->newer != NULL)
        shared->newer->older = shared->older;
    else
        cache->newest = shared->older;
    if (shared->older != NULL)
        shared->older->newer = shared->newer;
    else
        cache->oldest = shared->newer;
}

static void list_add(struct aceso_abe_cache *cache, struct abe_shared *shared)
{
    shared->newer = NULL;
    shared->older = cache->newest;
    if (cache->newest != NULL)
        cache->newest->newer = shared;
    else
        cache->oldest = shared;
    cache->newest = shared;
}

static void touch(struct abe_shared *shared)
{
    if (!shared->listed)
        return;
    list_remove(shared->cache, shared);
    list_add(shared->cache, shared);
}

/* ---- dropping -------------------------------------------------------------------------- */

static void drop_parts(struct abe_shared *shared)
{
    for (size_t i = 0; i < ABE_SHARED_PARTS; i++) {
        if (shared->parts[i] == NULL)
            continue;
        abe_wipe(shared->parts[i], shared->part_sizes[i]);
        free(shared->parts[i]);
        shared->parts[i] = NULL;
        if (shared->cache != NULL)
            shared->cache->used -= shared->part_sizes[i];
    }
}

static void cache_unlist(struct aceso_abe_cache *cache, struct abe_shared *shared)
{
    struct abe_shared **at = bucket_of(cache, shared->digest);

    while (*at != shared)
        at = &(*at)->same_bucket;
    *at = shared->same_bucket;
    list_remove(cache, shared);
    shared->listed = false;
}

/* The last owner is gone; the cache's mutex is held. True when the cache goes with it. */
static bool destroy(struct abe_shared *shared)
{
    struct aceso_abe_cache *cache = shared->cache;

    drop_parts(shared);
    if (cache != NULL)
        cache->used -= shared->size;
    shared->destroy(shared);
    return cache != NULL && --cache->references == 0;
}

static void cache_destroy(struct aceso_abe_cache *cache)
{
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

/*
 * Makes room for `size` bytes; the oldest first. Keys that only the cache holds go altogether when
 * `uses` is zero, which is a new key's; tables go where they are used less than `uses`.
 */
static bool make_room(struct aceso_abe_cache *cache, size_t size, unsigned uses)
{
    struct abe_shared *next;

    if (size > cache->limit)
        return false;
    for (struct abe_shared *shared = cache->oldest;
         shared != NULL && cache->used > cache->limit - size; shared = next) {
        bool idle = shared->pins == 0 && shared->owners == 1;

        next = shared->newer;
        if (idle && (uses == 0 || shared->uses < uses)) {
            cache_unlist(cache, shared);
            (void)destroy(shared); /* the caller's reference keeps the cache */
        } else if (shared->pins == 0 && shared->uses < uses) {
            drop_parts(shared);
        }
    }
    return cache->used <= cache->limit - size;
}

/* ---- keys ------------------------------------------------------------------------------ */

void abe_shared_begin(struct abe_shared *shared, size_t size,
                      void (*destroy_key)(struct abe_shared *shared))
{
    shared->destroy = destroy_key;
    shared->size = size;
    shared->owners = 1;
}

void abe_shared_release(struct abe_shared *shared)
{
    struct aceso_abe_cache *cache = shared->cache;
    pthread_mutex_t *mutex = mutex_of(shared);
    bool last = false;

    pthread_mutex_lock(mutex);
    if (--shared->owners == 0)
        last = destroy(shared);
    pthread_mutex_unlock(mutex);
    if (last)
        cache_destroy(cache);
}

static struct abe_shared *find(struct aceso_abe_cache *cache, const uint8_t *digest)
{
    for (struct abe_shared *shared = *bucket_of(cache, digest); shared != NULL;
         shared = shared->same_bucket) {
        if (memcmp(shared->digest, digest, sizeof(shared->digest)) == 0) {
            shared->owners++;
            touch(shared);
            return shared;
        }
    }
    return NULL;
}

struct abe_shared *abe_cache_find(struct aceso_abe_cache *cache,
                                  const uint8_t digest[ACESO_ABE_DIGEST_SIZE])
{
    struct abe_shared *found;

    pthread_mutex_lock(&cache->mutex);
    found = find(cache, digest);
    pthread_mutex_unlock(&cache->mutex);
    return found;
}

struct abe_shared *abe_cache_insert(struct aceso_abe_cache *cache, struct abe_shared *shared)
{
    struct abe_shared *found;

    pthread_mutex_lock(&cache->mutex);
    found = find(cache, shared->digest);
    if (found == NULL && make_room(cache, shared->size, 0)) {
        struct abe_shared **bucket = bucket_of(cache, shared->digest);

        shared->cache = cache;
        shared->same_bucket = *bucket;
        *bucket = shared;
        shared->listed = true;
        shared->owners++;
        list_add(cache, shared);
        cache->used += shared->size;
        cache->references++;
    }
    pthread_mutex_unlock(&cache->mutex);
    if (found == NULL)
        return shared;
    abe_shared_release(shared);
    return found;
}

/* ---- parts ----------------------------------------------------------------------------- */

static void count_use(struct abe_shared *shared)
{
    struct aceso_abe_cache *cache = shared->cache;

    shared->uses++;
    touch(shared);
    if (cache == NULL || ++cache->pins < PINS_PER_AGE)
        return;
    cache->pins = 0;
    for (struct abe_shared *each = cache->newest; each != NULL; each = each->older)
        each->uses /= 2;
}

/* Whether a part of that size may be made; takes the room for it. */
static bool reserve(struct abe_shared *shared, size_t size)
{
    struct aceso_abe_cache *cache = shared->cache;

    if (cache == NULL)
        return true;
    if (!shared->listed || !make_room(cache, size, shared->uses))
        return false;
    cache->used += size;
    return true;
}

const void *abe_shared_pin(struct abe_shared *shared, size_t part, size_t size,
                           void (*make)(const void *key, void *out), const void *key)
{
    pthread_mutex_t *mutex = mutex_of(shared);
    bool wanted;
    void *made = NULL;
    void *found;

    pthread_mutex_lock(mutex);
    count_use(shared);
    shared->pins++; /* so that making room does not touch this key */
    wanted = shared->parts[part] == NULL && reserve(shared, size);
    pthread_mutex_unlock(mutex);
    if (wanted) {
        made = malloc(size);
        if (made != NULL)
            make(key, made);
    }
    pthread_mutex_lock(mutex);
    if (made != NULL && shared->parts[part] == NULL) {
        shared->parts[part] = made;
        shared->part_sizes[part] = size;
        made = NULL;
        wanted = false;
    }
    if (wanted && shared->cache != NULL)
        shared->cache->used -= size;
    found = shared->parts[part];
    if (found == NULL)
        shared->pins--;
    pthread_mutex_unlock(mutex);
    if (made != NULL)
        abe_wipe(made, size);
    free(made);
    return found;
}

void abe_shared_unpin(struct abe_shared *shared)
{
    pthread_mutex_t *mutex = mutex_of(shared);

    pthread_mutex_lock(mutex);
    shared->pins--;
    pthread_mutex_unlock(mutex);
}

/* ---- the cache itself ------------------------------------------------------------------ */

int aceso_abe_cache_new(size_t limit, struct aceso_abe_cache **cache)
{
    struct aceso_abe_cache *made = calloc(1, sizeof(*made));

    if (made == NULL)
        return ACESO_ABE_NO_MEMORY;
    if (pthread_mutex_init(&made->mutex, NULL) != 0) {
        free(made);
        return ACESO_ABE_NO_MEMORY;
    }
    made->limit = limit;
    made->references = 1;
    *cache = made;
    return ACESO_ABE_OK;
}

void aceso_abe_cache_free(struct aceso_abe_cache *cache)
{
    bool last;

    if (cache == NULL)
        return;
    pthread_mutex_lock(&cache->mutex);
    while (cache->oldest != NULL) {
        struct abe_shared *shared = cache->oldest;

        cache_unlist(cache, shared);
        if (--shared->owners == 0)
            (void)destroy(shared);
    }
    last = --cache->references == 0;
    pthread_mutex_unlock(&cache->mutex);
    if (last)
        cache_destroy(cache);
}

size_t aceso_abe_cache_bytes(struct aceso_abe_cache *cache)
{
    size_t used;

    pthread_mutex_lock(&cache->mutex);
    used = cache->used;
    pthread_mutex_unlock(&cache->mutex);
    return used;
}
