/* SPDX-License-Identifier: Apache-2.0 */
/* One part: the patch of one level of one record, sealed, and the commitment to it.
 * Uses crypto and base. No I/O. Thread-safe.
 *
 *     payload = version(1) salt(32) length(4) bytes zeros      padded: Padme, at least 256
 *     sealed  = version(1) seed(32) AES-256-GCM(payload) tag(16)
 *     leaf    = SHA-256(0x00, salt, chain id, patient, hospital, record, version, level, index,
 *                       length, bytes)
 *
 * The part's key is HKDF of the level's key with the seed, bound to context, epoch and place; the
 * associated data binds the same. The leaf binds neither epoch nor key: sealing anew under a new
 * epoch leaves the patient's signature valid. An empty slot is a part of zero bytes: same shape. */
#ifndef ACESO_RECORD_PART_H
#define ACESO_RECORD_PART_H

#include "record/context.h"

#define PART_PAYLOAD_MIN 256
#define PART_PAYLOAD_HEAD 37                        /* version, salt, length */
#define PART_SEAL_OVERHEAD 49                       /* version, seed, tag */
#define PART_SEALED_MAX (RECORD_TEXT_MAX + (RECORD_TEXT_MAX >> 3) + 4096)
#define PART_SALT_SIZE 32

/* What is committed to: kept together by re-sealing and by proof files. */
struct part_content {
    uint8_t salt[PART_SALT_SIZE];
    struct bytes bytes; /* the patch; empty in a dummy */
};

/* Length of the payload for `length` bytes of patch: Padme of head and bytes, at least 256. */
size_t part_payload_length(size_t length);

/* The leaf of `content` at `place`. */
ACESO_NODISCARD int part_commit(const struct record_context *context,
                                const struct record_place *place,
                                const struct part_content *content, uint8_t leaf[RECORD_HASH_SIZE],
                                struct aceso_error *error);

/* Appends the sealed part to `out`. `key` is the level's key of the ladder for `epoch`. The salt
 * must be fresh and random for new content (part_content_of) and the old one when sealing anew. */
ACESO_NODISCARD int part_seal(const struct record_context *context, struct record_epoch epoch,
                              const struct record_place *place, const uint8_t key[RECORD_KEY_SIZE],
                              const struct part_content *content, struct buffer *out,
                              struct aceso_error *error);

/* The same with the 32-byte seed given: for test vectors only. */
ACESO_NODISCARD int part_seal_with(const struct record_context *context, struct record_epoch epoch,
                                   const struct record_place *place,
                                   const uint8_t key[RECORD_KEY_SIZE], const uint8_t seed[32],
                                   const struct part_content *content, struct buffer *out,
                                   struct aceso_error *error);

/* `bytes` with a fresh salt. */
struct part_content part_content_of(struct bytes bytes);

/* Opens `sealed` into `payload` (cleared first); `content->bytes` is a slice of it. ACESO_EFORMAT
 * for a wrong shape, ACESO_EVERIFY when key, context, epoch, place or bytes are not those that
 * were sealed. */
ACESO_NODISCARD int part_open(const struct record_context *context, struct record_epoch epoch,
                              const struct record_place *place, const uint8_t key[RECORD_KEY_SIZE],
                              struct bytes sealed, struct buffer *payload,
                              struct part_content *content, struct aceso_error *error);

#endif
