/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log: the newest lines of the log, also those that the console did not show.
 */
#include "commands.h"
#include <neap/errors.h>
#include <neap/log.h>

static int show_log(int argc, char **argv)
{
    const char *word = shell_word(argc, argv, 0);
    uint64_t lines = SIZE_MAX;

    if (word && shell_number(word, &lines) != 0)
        return -EINVAL;
    log_print_tail(lines, false);
    return 0;
}
SHELL_COMMAND(log, "log [lines]", "the newest messages of the kernel", show_log);
