/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of the demonstration, so that the commands can be tested without it. */
#include "cli/command.h"

int command_demo(const struct command_line *line)
{
    (void)line;
    return EXIT_DONE;
}
