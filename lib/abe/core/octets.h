/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets: big-endian integers, wiping, comparison in constant time.
 * Core: no heap, no I/O; memcpy, memset, memcmp and memchr are all it needs of a C library.
 */
#ifndef ABE_OCTETS_H
#define ABE_OCTETS_H

#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <string.h>
#else
void *memchr(const void *memory, int byte, size_t length);
int memcmp(const void *left, const void *right, size_t length);
void *memcpy(void *to, const void *from, size_t length);
void *memset(void *memory, int byte, size_t length);
#endif

static inline void abe_put16(uint8_t *out, size_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static inline void abe_put32(uint8_t *out, size_t value)
{
    abe_put16(out, value >> 16);
    abe_put16(out + 2, value & 0xffff);
}

static inline size_t abe_get16(const uint8_t *in)
{
    return (size_t)in[0] << 8 | in[1];
}

static inline size_t abe_get32(const uint8_t *in)
{
    return abe_get16(in) << 16 | abe_get16(in + 2);
}

/*
 * Says that a value computed from secrets is public from here on, and may be branched on. It does
 * something only in the constant-time test, which runs under valgrind with secrets marked
 * undefined.
 */
#ifdef ABE_CTIME_TEST
#include <valgrind/memcheck.h>
#define abe_declassify(memory, length) ((void)VALGRIND_MAKE_MEM_DEFINED((memory), (length)))
#else
#define abe_declassify(memory, length) ((void)0)
#endif

/* Wipes memory in a way that the compiler may not leave out. */
static inline void abe_wipe(void *memory, size_t length)
{
    memset(memory, 0, length);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

/* 0 when equal, else not 0; the time depends on the length only. */
static inline uint8_t abe_difference(const uint8_t *a, const uint8_t *b, size_t length)
{
    uint8_t difference = 0;

    for (size_t i = 0; i < length; i++)
        difference |= a[i] ^ b[i];
    return difference;
}

#endif
