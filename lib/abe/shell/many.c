/* SPDX-License-Identifier: Apache-2.0 */
/* Many headers at once. Shell: threads only. */
#include "many.h"

#include "aceso/abe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_MAX = 256 };

struct crew {
    atomic_size_t next;
    size_t count;
    void (*work)(void *context, size_t index);
    void *context;
};

static void *take_turns(void *argument)
{
    struct crew *crew = argument;

    for (;;) {
        size_t index = atomic_fetch_add(&crew->next, 1);

        if (index >= crew->count)
            return NULL;
        crew->work(crew->context, index);
    }
}

void abe_many(size_t count, unsigned threads, void (*work)(void *context, size_t index),
              void *context)
{
    struct crew crew = { .count = count, .work = work, .context = context };
    pthread_t members[THREADS_MAX];
    size_t wanted = threads;
    size_t started = 0;

    if (wanted == 0) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);

        wanted = processors > 0 ? (size_t)processors : 1;
    }
    if (wanted > THREADS_MAX)
        wanted = THREADS_MAX;
    if (wanted > count)
        wanted = count;
    while (started + 1 < wanted && pthread_create(&members[started], NULL, take_turns, &crew) == 0)
        started++;
    (void)take_turns(&crew);
    while (started > 0)
        (void)pthread_join(members[--started], NULL);
}

/* ---- headers --------------------------------------------------------------------------- */

struct making {
    struct aceso_abe_encapsulation *headers;
    const struct aceso_abe_public_key *const *keys;
    size_t key_count;
    const uint8_t *sigma;
};

static void make_one(void *context, size_t index)
{
    const struct making *making = context;
    struct aceso_abe_encapsulation *header = &making->headers[index];

    header->code = aceso_abe_encapsulate(header->policy, making->keys, making->key_count,
                                         header->context, header->context_length, making->sigma,
                                         &header->header, &header->header_length, header->key);
}

int aceso_abe_encapsulate_many(struct aceso_abe_encapsulation *headers, size_t count,
                               const struct aceso_abe_public_key *const *keys, size_t key_count,
                               const uint8_t sigma[ACESO_ABE_SIGMA_SIZE], unsigned threads)
{
    struct making making = {
        .headers = headers, .keys = keys, .key_count = key_count, .sigma = sigma
    };

    abe_many(count, threads, make_one, &making);
    return ACESO_ABE_OK;
}

struct opening {
    struct aceso_abe_decapsulation *headers;
    const struct aceso_abe_user_key *const *user_keys;
    size_t user_key_count;
    const struct aceso_abe_public_key *const *public_keys;
    size_t public_key_count;
};

static void open_one(void *context, size_t index)
{
    const struct opening *opening = context;
    struct aceso_abe_decapsulation *header = &opening->headers[index];
    struct aceso_abe_header_info info;

    header->code = aceso_abe_header_inspect(header->header, header->header_length, &info);
    if (header->code != ACESO_ABE_OK)
        return;
    if (info.cca)
        header->code = aceso_abe_decapsulate(
            header->header, header->header_length, opening->user_keys, opening->user_key_count,
            opening->public_keys, opening->public_key_count, header->context,
            header->context_length, NULL, header->key);
    else
        header->code = aceso_abe_decapsulate_cpa(
            header->header, header->header_length, opening->user_keys, opening->user_key_count,
            header->context, header->context_length, header->key);
}

int aceso_abe_decapsulate_many(struct aceso_abe_decapsulation *headers, size_t count,
                               const struct aceso_abe_user_key *const *user_keys,
                               size_t user_key_count,
                               const struct aceso_abe_public_key *const *public_keys,
                               size_t public_key_count, unsigned threads)
{
    struct opening opening = { .headers = headers,
                               .user_keys = user_keys,
                               .user_key_count = user_key_count,
                               .public_keys = public_keys,
                               .public_key_count = public_key_count };

    abe_many(count, threads, open_one, &opening);
    return ACESO_ABE_OK;
}
