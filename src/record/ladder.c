/* SPDX-License-Identifier: Apache-2.0 */
#include "record/ladder.h"

#include "base/secret.h"
#include "crypto/digest.h"

#include <string.h>

static const char ladder_label[] = "aceso record ladder v1";

/* label length, label, chain id, patient, hospital, e, n, the level that comes out */
static int ladder_step(const struct record_context *context, struct record_epoch epoch,
                       uint8_t level, const uint8_t above[RECORD_KEY_SIZE],
                       uint8_t key[RECORD_KEY_SIZE])
{
    struct buffer info = BUFFER_INIT(128);
    int code;

    (void)buffer_put_u8(&info, sizeof ladder_label - 1);
    (void)buffer_put_string(&info, ladder_label);
    (void)buffer_put_u64(&info, context->chain_id);
    (void)buffer_put(&info, context->patient, sizeof context->patient);
    (void)buffer_put(&info, context->hospital, sizeof context->hospital);
    record_epoch_put(epoch, &info);
    (void)buffer_put_u8(&info, level);
    code = info.failed;
    if (!code)
        hkdf_sha256(bytes_of(above, RECORD_KEY_SIZE), bytes_of(NULL, 0), buffer_bytes(&info), key,
                    RECORD_KEY_SIZE);
    buffer_free(&info);
    return code;
}

int ladder_from(const struct record_context *context, struct record_epoch epoch, uint8_t level,
                const uint8_t key[RECORD_KEY_SIZE], struct ladder *out, struct aceso_error *error)
{
    struct ladder ladder = { .top = level };
    int code = ACESO_OK;

    if (level < 1 || level > RECORD_LEVELS || epoch.e > INT32_MAX)
        return error_set(error, ACESO_EUSAGE, "ladder", "no such level or epoch");
    memcpy(ladder.key[level - 1], key, RECORD_KEY_SIZE);
    for (uint8_t lower = (uint8_t)(level - 1); !code && lower >= 1; lower--)
        code = ladder_step(context, epoch, lower, ladder.key[lower], ladder.key[lower - 1]);
    if (code)
        (void)error_set(error, code, "ladder", "no memory for a key");
    else
        memcpy(out, &ladder, sizeof ladder);
    ladder_wipe(&ladder);
    return code;
}

int ladder_random(const struct record_context *context, struct record_epoch epoch,
                  struct ladder *out, struct aceso_error *error)
{
    uint8_t key[RECORD_KEY_SIZE];
    int code;

    secret_random(key, sizeof key);
    code = ladder_from(context, epoch, RECORD_LEVELS, key, out, error);
    secret_wipe(key, sizeof key);
    return code;
}

void ladder_wipe(struct ladder *ladder)
{
    secret_wipe(ladder, sizeof *ladder);
}
