/* SPDX-License-Identifier: BSD-2-Clause */
/* neap: start guests, change their size, watch them. One file a command. */
#include "command.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_run,    &command_list, &command_stop,     &command_console,
    &command_resize, &command_top,  &command_autosize,
};

static int print_help(void)
{
    printf("usage: neap COMMAND [ARGUMENTS]\n\nGuests whose memory follows their load.\n\n");
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n`neap COMMAND --help` tells more; sizes are whole numbers with K, M, G or T.\n");
    return 0;
}

int command_option(const struct command *self, int argc, char **argv,
                   const struct option *options)
{
    int option = getopt_long(argc, argv, "h", options, NULL);

    if (option == 'h') {
        printf("%s", self->help);
        exit(0);
    }
    if (option == '?') {
        fprintf(stderr, "`neap %s --help` lists the options.\n", self->name);
        exit(EXIT_USAGE);
    }
    return option;
}

int command_misused(const struct command *self, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "neap %s: ", self->name);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "; `neap %s --help` tells how to call it\n", self->name);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static char program[64];

    if (argc < 2) {
        print_help();
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return print_help();
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(argv[1], commands[i]->name) != 0)
            continue;
        /* getopt_long() begins its messages with the program's name. */
        snprintf(program, sizeof(program), "neap %s", argv[1]);
        argv[1] = program;
        return commands[i]->run(commands[i], argc - 1, argv + 1);
    }
    fprintf(stderr, "neap: no command '%s': there are", argv[1]);
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        fprintf(stderr, "%s %s", i ? "," : "", commands[i]->name);
    fprintf(stderr, "\n");
    return EXIT_USAGE;
}
