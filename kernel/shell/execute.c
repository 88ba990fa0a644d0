/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running one line of the shell.
 */
#include "commands.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/sections.h>
#include <string.h>

LINKER_TABLE(struct shell_command, shell);

static int split(char *line, char **argv)
{
    int argc = 0;
    char *pos = line;

    for (;;) {
        pos += strspn(pos, " \t\r\n");
        if (*pos == '\0')
            break;
        if (argc == SHELL_ARGS_MAX)
            return -E2BIG;
        argv[argc++] = pos;
        pos += strcspn(pos, " \t\r\n");
        if (*pos != '\0')
            *pos++ = '\0';
    }
    argv[argc] = NULL;
    return argc;
}

const struct shell_command *shell_find(const char *name)
{
    const struct shell_command *command;

    LINKER_TABLE_FOR_EACH(command, shell)
    {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

int shell_execute(char *line)
{
    char *argv[SHELL_ARGS_MAX + 1];
    const struct shell_command *command;
    int argc = split(line, argv), error;

    if (argc == 0)
        return 0;
    if (argc < 0) {
        kprintf("more than %d words in one line\n", SHELL_ARGS_MAX);
        return argc;
    }
    command = shell_find(argv[0]);
    if (command == NULL) {
        kprintf("unknown command '%s': `help` lists the commands\n", argv[0]);
        return -ENOENT;
    }
    error = command->run(argc, argv);
    if (error == -EINVAL)
        kprintf("usage: %s\n", command->usage);
    else if (error < 0)
        kprintf("%s: failed: %s\n", argv[0], error_name(error));
    return error;
}

int shell_wants_machine(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--machine") == 0)
            return 1;
    return 0;
}

const char *shell_word(int argc, char **argv, int index)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--", 2) != 0 && index-- == 0)
            return argv[i];
    return NULL;
}

int shell_number(const char *word, uint64_t *value)
{
    return parse_size(word, value) == 0 ? 0 : -EINVAL;
}
