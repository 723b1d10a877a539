/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keccak.h"

#include "base/secret.h"

#include <assert.h>
#include <nettle/sha3.h>
#include <string.h>

static_assert(sizeof(struct sha3_state) == sizeof((struct keccak *)0)->state,
              "the permutation works on 25 words");

void keccak_init(struct keccak *keccak)
{
    memset(keccak, 0, sizeof *keccak);
}

static void keccak_absorb(struct keccak *keccak, const uint8_t block[KECCAK256_RATE])
{
    struct sha3_state state;

    for (size_t i = 0; i < KECCAK256_RATE; i++)
        keccak->state[i / 8] ^= (uint64_t)block[i] << 8 * (i % 8);
    memcpy(&state, keccak->state, sizeof state);
    sha3_permute(&state);
    memcpy(keccak->state, &state, sizeof state);
}

void keccak_update(struct keccak *keccak, struct bytes in)
{
    while (in.len) {
        size_t n = KECCAK256_RATE - keccak->used;

        if (n > in.len)
            n = in.len;
        memcpy(keccak->block + keccak->used, in.data, n);
        keccak->used += n;
        in = bytes_of(in.data + n, in.len - n);
        if (keccak->used == KECCAK256_RATE) {
            keccak_absorb(keccak, keccak->block);
            keccak->used = 0;
        }
    }
}

void keccak_final(struct keccak *keccak, uint8_t out[KECCAK256_SIZE])
{
    memset(keccak->block + keccak->used, 0, KECCAK256_RATE - keccak->used);
    keccak->block[keccak->used] ^= 0x01;
    keccak->block[KECCAK256_RATE - 1] ^= 0x80;
    keccak_absorb(keccak, keccak->block);
    for (size_t i = 0; i < KECCAK256_SIZE; i++)
        out[i] = (uint8_t)(keccak->state[i / 8] >> 8 * (i % 8));
    secret_wipe(keccak, sizeof *keccak);
}

void keccak256(struct bytes in, uint8_t out[KECCAK256_SIZE])
{
    struct keccak keccak;

    keccak_init(&keccak);
    keccak_update(&keccak, in);
    keccak_final(&keccak, out);
}
