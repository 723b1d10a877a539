/* SPDX-License-Identifier: Apache-2.0 */
#include "consent/sealing.h"

#include "crypto/hpke.h"

#define SEALING_VERSION 1

static int sealing_info(const struct sealing *sealing, struct buffer *info)
{
    (void)buffer_put_string(info, "aceso sealing v1 ");
    (void)buffer_put_string(info, sealing->purpose);
    (void)buffer_put_u8(info, 0);
    (void)buffer_put_u64(info, sealing->chain_id);
    (void)buffer_put(info, sealing->contract, 20);
    (void)buffer_put(info, sealing->sender, 20);
    (void)buffer_put(info, sealing->receiver, 20);
    (void)buffer_put(info, sealing->request, 32);
    return buffer_put_u32(info, sealing->epoch);
}

int sealing_seal(const struct sealing *sealing, const uint8_t receiver_key[32], struct bytes plain,
                 struct buffer *out, struct aceso_error *error)
{
    struct buffer info = BUFFER_INIT(512);
    int code = plain.len > SEALING_SIZE_MAX ? ACESO_ELIMIT : sealing_info(sealing, &info);

    if (!code)
        code = buffer_put_u8(out, SEALING_VERSION);
    if (code)
        (void)error_set(error, code, sealing->purpose, "%s", error_name(code));
    else
        code = hpke_seal(receiver_key, buffer_bytes(&info), bytes_of(NULL, 0), plain, out, error);
    buffer_free(&info);
    return code;
}

int sealing_open(const struct sealing *sealing, const uint8_t secret[32], struct bytes sealed,
                 struct buffer *out, struct aceso_error *error)
{
    struct buffer info = BUFFER_INIT(512);
    struct reader reader = reader_of(sealed);
    int code = sealing_info(sealing, &info);

    if (!code && reader_u8(&reader) != SEALING_VERSION)
        code = error_set(error, ACESO_EFORMAT, sealing->purpose, "unknown version");
    if (!code)
        code = hpke_open(secret, buffer_bytes(&info), bytes_of(NULL, 0),
                         bytes_of(reader.at, reader.left), out, error);
    buffer_free(&info);
    return code;
}
