/* SPDX-License-Identifier: BSD-2-Clause */
/* neap list: the guests of this user. */
#include "command.h"
#include "machine.h"
#include "size.h"
#include <stdio.h>
#include <string.h>

#define SESSION_MS 1000

static void print_guest(const struct guest *guest)
{
    char granted[SIZE_TEXT] = "-", max[SIZE_TEXT], pid[12] = "-", exit[40], state[64];
    struct figures figures;
    struct error error;

    if (!guest->running) {
        snprintf(state, sizeof(state), "ended %s", guest_exit_text(guest->exit_status, exit));
    } else {
        snprintf(pid, sizeof(pid), "%d", (int)guest->pid);
        if (machine_look(guest, SESSION_MS, &figures, &error)) {
            strcpy(state, "no answer");
        } else {
            snprintf(state, sizeof(state), "%s", figures.state);
            size_format(granted, figures_granted(&figures));
        }
    }
    printf("%-16s %-22s %8s %-5s %8s %8s  %s\n", guest->name, state, pid, guest->accel, granted,
           size_format(max, guest->max), guest->image);
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static struct guest guests[GUESTS_MAX];
    struct error error;
    bool quiet = false;
    int count;

    while (command_option(self, argc, argv, options) >= 0)
        quiet = true;
    if (optind != argc)
        return command_misused(self, "it takes no names");
    count = guest_list(guests, &error);
    if (count < 0)
        return error_report(&error);
    if (!quiet)
        printf("%-16s %-22s %8s %-5s %8s %8s  %s\n", "NAME", "STATE", "PID", "ACCEL", "GRANTED",
               "MAX", "IMAGE");
    for (int i = 0; i < count; i++) {
        if (!quiet)
            print_guest(&guests[i]);
        else if (guests[i].running)
            printf("%s\n", guests[i].name);
    }
    return 0;
}

const struct command command_list = {
    .name = "list",
    .summary = "show the guests of this user",
    .help = "usage: neap list [--quiet]\n\n"
            "Show every guest of this user, also detached ones that have ended and whose\n"
            "logs are still there (`neap stop NAME` removes them).\n\n"
            "  --quiet           only the names of running guests\n",
    .run = run,
};
