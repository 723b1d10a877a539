/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the body of a failed answer: always a failure with a printable text, which written
 * down again is read as the same. */
#include "base/text.h"
#include "net/http_problem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(const char *text, size_t max)
{
    if (strnlen(text, max) == max)
        abort();
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aceso_error error = { 0 }, again = { 0 };
    struct buffer body = BUFFER_INIT(HTTP_PROBLEM_MAX);
    unsigned status = size ? 400u + data[0] : 500;
    int code = http_problem_read(status, bytes_of(data, size), &error);

    if (code >= 0 || error.code != code)
        abort();
    check_printable(error.text, sizeof error.text);
    check_printable(error.place, sizeof error.place);
    if (http_problem_write(&error, status, &body) ||
        http_problem_read(status, buffer_bytes(&body), &again) != code)
        abort();
    if (error.text[0] && strlen(error.text) < 300 && text_is_utf8(bytes_of_string(error.text)) &&
        strcmp(error.text, again.text) != 0)
        abort();
    buffer_free(&body);
    return 0;
}
