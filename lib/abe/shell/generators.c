/* SPDX-License-Identifier: Apache-2.0 */
/* The generators' tables. Shell: uses core, the heap, a mutex. */
#include "generators.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct abe_tables *tables;
static struct abe_g2_table *g2_table;

const struct abe_tables *abe_generator_tables(void)
{
    const struct abe_tables *found;

    pthread_mutex_lock(&mutex);
    if (tables == NULL) {
        tables = malloc(sizeof(*tables));
        if (tables != NULL)
            abe_tables_make_generators(tables);
    }
    found = tables;
    pthread_mutex_unlock(&mutex);
    return found;
}

const struct abe_g2_table *abe_generator_g2_table(void)
{
    const struct abe_g2_table *found;

    pthread_mutex_lock(&mutex);
    if (g2_table == NULL) {
        g2_table = malloc(sizeof(*g2_table));
        if (g2_table != NULL)
            abe_g2_table_make(blst_p2_affine_generator(), g2_table);
    }
    found = g2_table;
    pthread_mutex_unlock(&mutex);
    return found;
}
