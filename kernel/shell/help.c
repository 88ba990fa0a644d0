/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * help: the commands, or one of them, or the keys of the kernel command line.
 */
#include "commands.h"
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/sections.h>
#include <string.h>

LINKER_TABLE(struct shell_command, shell);

/* The command that follows `after` (NULL: the first) in the order of the alphabet. */
static const struct shell_command *next_by_name(const struct shell_command *after)
{
    const struct shell_command *command, *next = NULL;

    LINKER_TABLE_FOR_EACH(command, shell)
    {
        if (after && strcmp(command->name, after->name) <= 0)
            continue;
        if (next == NULL || strcmp(command->name, next->name) < 0)
            next = command;
    }
    return next;
}

static int help(int argc, char **argv)
{
    const struct shell_command *command;
    const char *topic = shell_word(argc, argv, 0);

    if (topic && strcmp(topic, "boot") == 0) {
        kprintf("Keys of the kernel command line:\n");
        cmdline_print_keys();
        return 0;
    }
    if (topic) {
        command = shell_find(topic);
        if (command == NULL)
            return -ENOENT;
        kprintf("usage: %s\n  %s\n", command->usage, command->help);
        return 0;
    }
    for (command = next_by_name(NULL); command; command = next_by_name(command))
        kprintf("  %-12s %s\n", command->name, command->help);
    kprintf("`help <command>` shows how to call it, `help boot` the kernel command line.\n");
    return 0;
}
SHELL_COMMAND(help, "help [command | boot]", "list the commands", help);
