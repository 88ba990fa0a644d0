/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of neap, and what they share. */
#ifndef NEAP_TOOL_COMMAND_H
#define NEAP_TOOL_COMMAND_H

#include <getopt.h>
#include <neap/compiler.h>

#define EXIT_USAGE 2

struct command {
    const char *name;
    const char *summary; /* one line */
    const char *help;    /* usage and options */
    int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command command_run, command_list, command_stop, command_console,
    command_resize, command_top, command_autosize;

/*
 * The next option, as getopt_long() gives it, -1 behind the last. --help and mistakes end the
 * program. Words that are no options are at the end of argv then.
 */
int command_option(const struct command *self, int argc, char **argv,
                   const struct option *options);

/* Say what is wrong with the command line and where help is; returns EXIT_USAGE. */
int command_misused(const struct command *self, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
