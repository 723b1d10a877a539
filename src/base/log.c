/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static char log_party[64] = "aceso";
static enum log_level log_least = LOG_LEVEL_INFO;

void log_init(const char *party, enum log_level least)
{
    (void)snprintf(log_party, sizeof log_party, "%s", party);
    log_least = least;
}

/* One write a line, so that lines of several threads do not mix; control characters become '?'. */
ACESO_PRINTF(2, 0)
static void log_write(enum log_level level, const char *format, va_list args)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    char line[1024];
    char now[21];
    int head, body;
    size_t len;

    if (level > log_least)
        return;
    text_time(time_now(), now);
    head = snprintf(line, sizeof line, "%s %s %s: ", now, names[level], log_party);
    if (head < 0)
        return;
    body = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, args);
    len = (size_t)head + (body < 0 ? 0 : (size_t)body);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = (size_t)head; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}

#define LOG_FUNCTION(name, level)                                                                  \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        log_write((level), format, args);                                                          \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
