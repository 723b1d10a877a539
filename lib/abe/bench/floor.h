/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare group operations of an encryption and a decryption, for comparison: no parsing,
 * randomness, hashing, encoding, checks or AEAD, and look-ups that are not in constant time.
 */
#ifndef ABE_BENCH_FLOOR_H
#define ABE_BENCH_FLOOR_H

#include <stddef.h>

/* Makes the tables: GT 8 bits wide with four Frobenius digits, G1 6 bits wide; and lines. */
void floor_begin(void);

/* k gates of two rows: 3 GT and 5 G1 powers each, and one GT power. */
void floor_encrypt(size_t k);

/* k + 1 pairs with lines in one loop, one final exponentiation, k products in GT, k sums in G1. */
void floor_decrypt(size_t k);

void floor_end(void);

#endif
