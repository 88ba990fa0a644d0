/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the shell. A command is a function and one macro line.
 */
#ifndef NEAP_SHELL_H
#define NEAP_SHELL_H

#include <neap/compiler.h>

struct shell_command {
    const char *name;
    const char *usage; /* "alloc <size>" */
    const char *help;  /* one line */
    /* Runs in thread context. Returns 0 or a negative errno that the shell names. */
    int (*run)(int argc, char **argv);
};

#define SHELL_COMMAND(name, usage_text, help_text, fn)                                   \
    static const struct shell_command shell_command_##name LINKER_TABLE_ENTRY(shell) = { \
        #name, usage_text, help_text, fn}

#define SHELL_ARGS_MAX 16

/*
 * Split `line` (which is changed) at blanks and run the command it names. Returns what the
 * command returned, 0 for an empty line, -ENOENT for an unknown command; problems are printed.
 * Thread context.
 */
int shell_execute(char *line);

/* Has the argument list the flag "--machine"? Commands then print key=value lines. */
int shell_wants_machine(int argc, char **argv);

#endif
