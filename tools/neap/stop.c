/* SPDX-License-Identifier: BSD-2-Clause */
/* neap stop: end a guest. */
#include "command.h"
#include "deadline.h"
#include "guest.h"
#include "size.h"
#include <signal.h>
#include <stdio.h>

#define SESSION_MS  5000
#define QUIT_MS     5000
#define ASK_SECONDS 3
#define SECONDS_MAX 3600
#define POLL_MS     50

static bool wait_end(const struct guest *guest, int ms)
{
    int64_t deadline = deadline_in(ms);

    while (guest_is_running(guest)) {
        if (deadline_left(deadline) == 0)
            return false;
        deadline_nap(deadline, POLL_MS);
    }
    return true;
}

static int tell(const struct guest *guest, const char *command, struct error *error)
{
    struct qmp qmp;
    int result;

    if (guest_monitor(guest, SESSION_MS, &qmp, error))
        return -1;
    result = qmp_do(&qmp, command, NULL, error);
    qmp_close(&qmp);
    return result;
}

/* Politely, then firmly, then by force; each says so. Returns 0 or -1. */
static int end(const struct guest *guest, unsigned seconds, struct error *error)
{
    if (seconds && tell(guest, "system_powerdown", error) == 0) {
        if (wait_end(guest, (int)seconds * 1000)) {
            printf("%s: powered off\n", guest->name);
            return 0;
        }
        printf("%s: did not power off within %u s of being asked\n", guest->name, seconds);
    }
    if (tell(guest, "quit", error) == 0 && wait_end(guest, QUIT_MS)) {
        printf("%s: ended by QEMU\n", guest->name);
        return 0;
    }
    if (guest->pid > 0 && guest_is_running(guest))
        kill(guest->pid, SIGKILL);
    if (!wait_end(guest, QUIT_MS))
        return error_set(error, "%s: process %d does not end: kill it by hand", guest->name,
                         (int)guest->pid);
    printf("%s: QEMU did not answer: killed\n", guest->name);
    return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"timeout", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    unsigned seconds = ASK_SECONDS;
    struct error error;
    struct guest guest;
    char text[40];

    while (command_option(self, argc, argv, options) >= 0) {
        if (number_parse(optarg, "--timeout", 0, SECONDS_MAX, &seconds, &error))
            return command_misused(self, "%s", error.text);
    }
    if (optind != argc - 1)
        return command_misused(self, "give the name of one guest");
    if (guest_check_name(argv[optind], &error))
        return error_report(&error);
    if (guest_load(argv[optind], &guest, &error) == 0 && !guest.running) {
        printf("%s: had ended already (%s); its files are removed\n", guest.name,
               guest_exit_text(guest.exit_status, text));
        guest_remove(&guest);
        return 0;
    }
    if (guest_find(argv[optind], &guest, &error) || end(&guest, seconds, &error))
        return error_report(&error);
    guest_remove(&guest);
    return 0;
}

const struct command command_stop = {
    .name = "stop",
    .summary = "end a guest",
    .help = "usage: neap stop NAME [--timeout SECONDS]\n\n"
            "Ask the guest to power off (ACPI power button); if it has not done so within the\n"
            "timeout (3 s; 0: do not ask), QEMU ends it. The files of a guest that has ended\n"
            "are removed.\n",
    .run = run,
};
