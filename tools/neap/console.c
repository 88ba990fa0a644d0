/* SPDX-License-Identifier: BSD-2-Clause */
/* neap console: the serial line of a detached guest. */
#include "command.h"
#include "guest.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE   0x1d /* Ctrl-] */
#define CONTEXT  1024 /* bytes of the past that a terminal is shown */
#define QUIET_MS 500  /* after the end of piped input: the answer is complete */
#define CHECK_MS 500  /* how often to see whether the guest lives */
#define PATIENCE 10   /* such times until a guest that reads no input is given up */

struct console {
    const struct guest *guest;
    bool terminal;
    int input;  /* the pipe to the guest */
    int output; /* the file of all it said */
    int change; /* inotify: the file has grown */
};

/* Write what the guest said since. Returns whether it said something. */
static bool pass_output(const struct console *console)
{
    char data[4096], *rest;
    bool said = false;
    ssize_t got;

    while ((got = read(console->output, data, sizeof(data))) > 0) {
        said = true;
        for (rest = data; got > 0;) {
            ssize_t written = write(STDOUT_FILENO, rest, (size_t)got);

            if (written < 0 && errno != EINTR)
                return false;
            if (written > 0) {
                rest += written;
                got -= written;
            }
        }
    }
    return said;
}

/* Type. Returns false if the guest takes no input. */
static bool type(const struct console *console, const char *data, size_t length)
{
    struct pollfd poller = {.fd = console->input, .events = POLLOUT};

    for (int turn = 0; length && turn < PATIENCE;) {
        ssize_t written = write(console->input, data, length);

        if (written > 0) {
            data += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) {
            turn++;
            poll(&poller, 1, CHECK_MS);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return length == 0;
}

/* Returns false at the end of input, and at the escape key of a terminal. */
static bool pass_input(const struct console *console)
{
    char data[256];
    ssize_t got = read(STDIN_FILENO, data, sizeof(data));

    if (got <= 0)
        return false;
    for (ssize_t i = 0; i < got; i++) {
        if (console->terminal && data[i] == ESCAPE)
            return false;
        if (!console->terminal && data[i] == '\n')
            data[i] = '\r'; /* as the Enter key sends */
    }
    return type(console, data, (size_t)got);
}

static void relay(const struct console *console)
{
    struct pollfd pollers[] = {
        {.fd = console->change, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    char events[4096];

    for (bool alive = true; alive;) {
        bool open = pollers[1].fd >= 0;
        int ready = poll(pollers, ARRAY_SIZE(pollers), open ? CHECK_MS : QUIET_MS);

        if (ready < 0 && errno != EINTR)
            return;
        if (ready == 0) {
            alive = guest_is_running(console->guest);
            if (!pass_output(console) && !open)
                return;
            continue;
        }
        if (ready > 0 && pollers[0].revents &&
            (read(console->change, events, sizeof(events)) < 0 || !pass_output(console)))
            continue;
        if (ready > 0 && open && pollers[1].revents && !pass_input(console)) {
            if (console->terminal)
                return;
            pollers[1].fd = -1;
        }
    }
    pass_output(console);
    fprintf(stderr, "neap: %s has ended\n", console->guest->name);
}

/* Returns 0 or -1. Everything stays open until this process ends. */
static int open_console(struct console *console, struct error *error)
{
    const struct guest *guest = console->guest;
    char in[PATH_MAX], out[PATH_MAX];
    off_t end;

    if (!guest->detached)
        return error_set(error,
                         "%s has the terminal it was started on as its serial line; "
                         "`neap run --detach` gives it a console",
                         guest->name);
    console->input =
        open(guest_path(guest, "console.in", in), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    console->output = open(guest_path(guest, "console.out", out), O_RDONLY | O_CLOEXEC);
    console->change = inotify_init1(IN_CLOEXEC);
    if (console->input < 0 || console->output < 0 || console->change < 0 ||
        inotify_add_watch(console->change, out, IN_MODIFY) < 0)
        return error_set(error, "the serial line of %s does not open: %s", guest->name,
                         strerror(errno));
    end = lseek(console->output, 0, SEEK_END);
    if (console->terminal)
        lseek(console->output, end < CONTEXT ? 0 : end - CONTEXT, SEEK_SET);
    return 0;
}

static int attach(const struct guest *guest, struct error *error)
{
    struct termios saved, raw;
    struct console console = {
        .guest = guest,
        .terminal = tcgetattr(STDIN_FILENO, &saved) == 0,
    };

    if (open_console(&console, error))
        return -1;
    if (console.terminal) {
        fprintf(stderr, "neap: Ctrl-] leaves the console\n");
        raw = saved;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    pass_output(&console);
    relay(&console);
    if (console.terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
        fprintf(stderr, "\nneap: left the console\n");
    }
    return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct error error;
    struct guest guest;

    command_option(self, argc, argv, options);
    if (optind != argc - 1)
        return command_misused(self, "give the name of one guest");
    if (guest_find(argv[optind], &guest, &error) || attach(&guest, &error))
        return error_report(&error);
    return 0;
}

const struct command command_console = {
    .name = "console",
    .summary = "use the serial line of a detached guest",
    .help =
        "usage: neap console NAME\n\n"
        "Connect the terminal with the serial line of a guest that runs in the background;\n"
        "Ctrl-] leaves. Input from a pipe is typed line by line, and the command ends when\n"
        "the guest has said nothing for half a second: echo mem | neap console NAME\n",
    .run = run,
};
