/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the generators, made once for the process. Shell: uses core, the heap, a mutex. */
#ifndef ABE_GENERATORS_H
#define ABE_GENERATORS_H

#include "../core/tables.h"

/* Of e(g1,g2) and g1. NULL when memory runs out; tried again next time. Never freed. */
const struct abe_tables *abe_generator_tables(void);

/* Of g2. Likewise. */
const struct abe_g2_table *abe_generator_g2_table(void);

#endif
