/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel, SHA-256, texts of codes. Shell: getrandom is its only I/O. */
#include "aceso/abe.h"

#include "../core/hash.h"

#include <errno.h>
#include <sys/random.h>

int aceso_abe_random(uint8_t *out, size_t length)
{
    while (length > 0) {
        ssize_t got = getrandom(out, length, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ACESO_ABE_RANDOM;
        out += got;
        length -= (size_t)got;
    }
    return ACESO_ABE_OK;
}

void aceso_abe_digest(const uint8_t *bytes, size_t length, uint8_t digest[ACESO_ABE_DIGEST_SIZE])
{
    abe_sha256(bytes, length, digest);
}

const char *aceso_abe_strerror(int code)
{
    switch (code) {
    case ACESO_ABE_OK:
        return "success";
    case ACESO_ABE_NO_MEMORY:
        return "out of memory";
    case ACESO_ABE_ARGUMENT:
        return "invalid argument";
    case ACESO_ABE_FORMAT:
        return "not an object of the expected kind and version";
    case ACESO_ABE_ATTRIBUTE:
        return "malformed or wrong attribute";
    case ACESO_ABE_POLICY:
        return "malformed policy";
    case ACESO_ABE_LIMIT:
        return "too many rows, too deep or too long";
    case ACESO_ABE_MISSING_KEY:
        return "no public key for an attribute of the policy";
    case ACESO_ABE_BAD_KEY:
        return "the key failed its check";
    case ACESO_ABE_UNSATISFIED:
        return "the attributes do not satisfy the policy";
    case ACESO_ABE_REFUSED:
        return "the header does not open";
    case ACESO_ABE_RANDOM:
        return "the system gave no random bytes";
    case ACESO_ABE_WRITE:
        return "the output was not taken";
    default:
        return "unknown error";
    }
}
