/* SPDX-License-Identifier: BSD-2-Clause */
/* neap top: the memory of all running guests, live. */
#include "command.h"
#include "deadline.h"
#include "sample.h"
#include "size.h"
#include <curses.h>
#include <stdio.h>
#include <unistd.h>

#define INTERVAL_MAX  3600
#define CPU_SAMPLE_MS 200
#define HEADING_LINE  1
#define FIRST_LINE    2

static struct table tables[2];

static int print_once(struct error *error)
{
    char text[ROW_TEXT];

    if (sample_table(&tables[0], &tables[1], error))
        return -1;
    deadline_nap(deadline_in(CPU_SAMPLE_MS), CPU_SAMPLE_MS);
    if (sample_table(&tables[1], &tables[0], error))
        return -1;
    printf("%s\n", sample_heading(text, false));
    for (int i = 0; i < tables[1].count; i++)
        printf("%s\n", sample_format(&tables[1].rows[i], text, false));
    return 0;
}

static void draw(const struct table *table, unsigned seconds)
{
    int room = LINES - FIRST_LINE;
    char text[ROW_TEXT];

    erase();
    mvprintw(0, 0, "neap: %d guest%s, every %u s; q ends", table->count,
             table->count == 1 ? "" : "s", seconds);
    attron(A_REVERSE);
    mvaddnstr(HEADING_LINE, 0, sample_heading(text, true), COLS);
    attroff(A_REVERSE);
    for (int i = 0; i < table->count && i < room; i++)
        mvaddnstr(FIRST_LINE + i, 0, sample_format(&table->rows[i], text, true), COLS);
    if (table->count > room && room > 0)
        mvprintw(LINES - 1, 0, "... and %d more", table->count - room + 1);
    refresh();
}

/* Until q is pressed. A change of the terminal's size redraws at once. */
static int watch(unsigned seconds, struct error *error)
{
    int result = 0, key = ERR;

    if (initscr() == NULL)
        return error_set(error, "the terminal is not known: is TERM set?");
    cbreak();
    noecho();
    curs_set(0);
    for (unsigned turn = 0; result == 0 && key != 'q'; turn++) {
        struct table *table = &tables[turn % 2];
        int64_t deadline = deadline_in((int64_t)seconds * 1000);

        result = sample_table(table, &tables[(turn + 1) % 2], error);
        do {
            draw(table, seconds);
            timeout(deadline_left(deadline));
            key = getch();
        } while (result == 0 && key != 'q' && key != ERR);
    }
    endwin();
    return result;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"once", no_argument, NULL, 'o'},
        {"interval", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    unsigned seconds = 1;
    struct error error;
    bool once = false;
    int option;

    while ((option = command_option(self, argc, argv, options)) >= 0) {
        if (option == 'o')
            once = true;
        else if (number_parse(optarg, "--interval", 1, INTERVAL_MAX, &seconds, &error))
            return command_misused(self, "%s", error.text);
    }
    if (optind != argc)
        return command_misused(self, "it takes no names");
    if (!once && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
        return command_misused(self, "this is no terminal: use --once");
    return (once ? print_once(&error) : watch(seconds, &error)) ? error_report(&error) : 0;
}

const struct command command_top = {
    .name = "top",
    .summary = "show the memory of all running guests, live",
    .help = "usage: neap top [--once] [--interval SECONDS]\n\n"
            "  GRANTED    what the guest has: boot memory - BALLOONED + PLUGGED\n"
            "  PLUGGED    of it by virtio-mem\n"
            "  BALLOONED  taken from boot memory by the balloon\n"
            "  USED FREE  by the guest's own statistics\n"
            "  RSS        what the host really holds of the guest's memory\n"
            "  CPU%       of one host CPU\n\n"
            "  --once      print one table in bytes, for scripts; - stands for not known\n"
            "  --interval  seconds between two looks (1)\n",
    .run = run,
};
