/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *error_name(int code)
{
    static const struct {
        int code;
        const char *text;
    } names[] = {
#define X(name, value, text) { (value), (text) },
        ACESO_CODES(X)
#undef X
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code)
            return names[i].text;
    }
    return "unknown error";
}

int error_set(struct aceso_error *error, int code, const char *place, const char *format, ...)
{
    va_list args;

    if (!error)
        return code;
    error->code = code;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    (void)snprintf(error->place, sizeof error->place, "%s", place ? place : "");
    return code;
}

int error_wrap(struct aceso_error *error, int code, const char *format, ...)
{
    char words[ACESO_ERROR_TEXT_MAX];
    char old[ACESO_ERROR_TEXT_MAX];
    va_list args;

    if (!error)
        return code;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    memcpy(old, error->text, sizeof old);
    if (error->code != code || !old[0])
        (void)snprintf(old, sizeof old, "%s", error_name(code));
    error->code = code;
    (void)snprintf(error->text, sizeof error->text, "%.150s: %.230s", words, old);
    return code;
}

int error_at(struct aceso_error *error, int code, const char *place)
{
    char old[ACESO_ERROR_PLACE_MAX];

    if (!error)
        return code;
    if (error->code != code) {
        error->text[0] = '\0';
        error->place[0] = '\0';
    }
    error->code = code;
    memcpy(old, error->place, sizeof old);
    if (old[0])
        (void)snprintf(error->place, sizeof error->place, "%.94s: %.94s", place, old);
    else
        (void)snprintf(error->place, sizeof error->place, "%s", place);
    return code;
}

const char *error_print(const struct aceso_error *error, char *out, unsigned long size)
{
    const char *text = error->text[0] ? error->text : error_name(error->code);

    if (error->place[0])
        (void)snprintf(out, size, "%s: %s", error->place, text);
    else
        (void)snprintf(out, size, "%s", text);
    return out;
}
