/* SPDX-License-Identifier: Apache-2.0 */
/* What a hospital gives to a store that it does not trust: opaque objects. Uses crypto and base.
 * No I/O. Thread-safe. Bytes and vectors: docs/cloud.md.
 *
 *     content = version(1) then four times, level 1 first: length(4) sealed part
 *     piece   = the content in slices of OBJECT_PIECE_MAX bytes, from 0
 *     name    = HMAC-SHA-256(name key, version(1) patient record version(4) piece(4))
 *     plain   = name(32) generation(8) length(4) slice zeros        padded to a power of two
 *     object  = version(1) seed(32) AES-256-GCM(plain) tag(16)
 *
 * One record is one object, or some where it is large: all four levels together, so that neither
 * names nor what is fetched tell a level. The plain text says which object it is: what lies under
 * another's name, or is older than it should be, opens and is named for what it is. */
#ifndef ACESO_RECORD_OBJECT_H
#define ACESO_RECORD_OBJECT_H

#include "record/context.h"

#define OBJECT_NAME_SIZE 32
#define OBJECT_HEAD 44                    /* name, generation, length */
#define OBJECT_OVERHEAD 49                /* version, seed, tag */
#define OBJECT_CLASS_MIN ((size_t)2048)   /* plain texts are as long as a power of two from here */
#define OBJECT_CLASS_MAX ((size_t)262144) /* to here */
#define OBJECT_PIECE_MAX (OBJECT_CLASS_MAX - OBJECT_HEAD)
#define OBJECT_SIZE_MIN (OBJECT_CLASS_MIN + OBJECT_OVERHEAD)
#define OBJECT_SIZE_MAX (OBJECT_CLASS_MAX + OBJECT_OVERHEAD)
#define OBJECT_CONTENT_MAX ((size_t)192 << 20) /* of one record */

/* What is wrong with an object, as the hospital's database has it. */
enum object_fault {
    OBJECT_SOUND,
    OBJECT_LOST,        /* there is none */
    OBJECT_SWAPPED,     /* another object of this hospital lies under the name */
    OBJECT_ROLLED_BACK, /* an older generation */
    OBJECT_CHANGED,     /* not what was sealed */
    OBJECT_NEWER,       /* a later generation than the database knows: was that restored? */
};

/* "lost", "swapped", "rolled back", "changed", "newer"; "sound". */
const char *object_fault_word(enum object_fault fault);

/* Secret; the owner wipes it. */
struct object_keys {
    uint8_t name[32];
    uint8_t seal[32];
};

/* The keys for one cloud, from 32 secret bytes of the hospital's node: two clouds cannot tell that
 * they keep the same record. */
void object_keys_derive(const uint8_t secret[32], const uint8_t cloud[RECORD_ADDRESS_SIZE],
                        struct object_keys *keys);

struct object_place {
    uint8_t patient[RECORD_ADDRESS_SIZE];
    uint8_t record[RECORD_ID_SIZE];
    uint32_t version;
    uint32_t piece;
};

void object_name(const struct object_keys *keys, const struct object_place *place,
                 uint8_t name[OBJECT_NAME_SIZE]);

/* Bytes of an object that holds `length` bytes of a content (at most OBJECT_PIECE_MAX). */
size_t object_size(size_t length);

/* How many pieces a content of `size` bytes has. */
uint32_t object_pieces(size_t size);

/* Seals `slice` (at most OBJECT_PIECE_MAX bytes: ACESO_ELIMIT) and appends the object to `out`. */
ACESO_NODISCARD int object_seal(const struct object_keys *keys,
                                const uint8_t name[OBJECT_NAME_SIZE], uint64_t generation,
                                struct bytes slice, struct buffer *out, struct aceso_error *error);

/* The same with the 32-byte seed given: for test vectors only. */
ACESO_NODISCARD int object_seal_with(const struct object_keys *keys,
                                     const uint8_t name[OBJECT_NAME_SIZE], uint64_t generation,
                                     const uint8_t seed[32], struct bytes slice,
                                     struct buffer *out, struct aceso_error *error);

/* Opens what the store gave for `name` and holds it against name and generation. `*fault` says how
 * it is; where it is sound its slice is appended to `out`. Fails for want of memory only. */
ACESO_NODISCARD int object_open(const struct object_keys *keys,
                                const uint8_t name[OBJECT_NAME_SIZE], uint64_t generation,
                                struct bytes object, struct buffer *out, enum object_fault *fault,
                                struct aceso_error *error);

/* A record's four sealed parts as one content, appended; and back (slices of it; false where it is
 * no content). */
ACESO_NODISCARD int object_content_put(const struct bytes part[RECORD_LEVELS], struct buffer *out,
                                       struct aceso_error *error);
bool object_content_read(struct bytes content, struct bytes part[RECORD_LEVELS]);

#endif
