/* SPDX-License-Identifier: BSD-2-Clause */
/* neap resize: change a guest's size and wait until its devices agree. */
#include "command.h"
#include "deadline.h"
#include "machine.h"
#include "size.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SESSION_MS      5000
#define POLL_MS         100
#define TIMEOUT_SECONDS 60
#define SECONDS_MAX     86400
#define BAR_WIDTH       32

struct resize {
    struct guest guest;
    struct figures start, now;
    struct plan plan;
    unsigned seconds;
};

/* The way that is left, as devices count it. */
static uint64_t missing(const struct figures *figures, const struct plan *plan)
{
    uint64_t balloon = figures->balloon > plan->balloon ? figures->balloon - plan->balloon
                                                        : plan->balloon - figures->balloon;
    uint64_t plugged = figures->plugged > plan->requested ? figures->plugged - plan->requested
                                                          : plan->requested - figures->plugged;

    return balloon + plugged;
}

/* Only a person wants to see it move. */
static void show_progress(const struct resize *resize)
{
    uint64_t way = missing(&resize->start, &resize->plan);
    uint64_t left = missing(&resize->now, &resize->plan);
    double done = left < way ? (double)(way - left) / (double)way : left ? 0 : 1;
    int filled = (int)(done * BAR_WIDTH);
    char now[SIZE_TEXT], size[SIZE_TEXT];

    if (!isatty(STDOUT_FILENO))
        return;
    printf("\r[%.*s%*s] %3d %%  %s of %s \033[K", filled, "################################",
           BAR_WIDTH - filled, "", (int)(done * 100),
           size_format(now, figures_granted(&resize->now)),
           size_format(size, resize->plan.size));
    if (left == 0)
        printf("\n");
    fflush(stdout);
}

/* What the guest did not do, and what helps. */
static int report_missing(const struct resize *resize, struct error *error)
{
    const struct figures *now = &resize->now;
    const struct plan *plan = &resize->plan;
    char part[SIZE_TEXT], have[SIZE_TEXT];
    const char *why;

    if (strcmp(now->state, "running") != 0)
        why = "its CPUs do not run: see `neap list`";
    else if (now->plugged < plan->requested && now->plugged == resize->start.plugged)
        why = "nothing was plugged: has the guest a virtio-mem driver?";
    else if (now->plugged < plan->requested)
        why = "the guest has not plugged them: its log says why";
    else if (missing(now, plan) == missing(&resize->start, plan))
        why = "nothing moved: does the guest use all of it, or has it no driver?";
    else if (now->plugged > plan->requested || now->balloon > plan->balloon)
        why = "the guest still uses them: free memory in it or ask for less; the request "
              "stands and is met when it can";
    else
        why = "the guest's balloon still holds them: its log says why";
    return error_set(error, "%s has %s after %u s, %s are missing: %s", resize->guest.name,
                     size_format(have, figures_granted(now)), resize->seconds,
                     size_format(part, missing(now, plan)), why);
}

/* Returns 0 when the devices agree, or -1. */
static int follow(struct resize *resize, struct error *error)
{
    int64_t deadline = deadline_in((int64_t)resize->seconds * 1000);
    bool last = false;

    for (;;) {
        if (machine_look(&resize->guest, SESSION_MS, &resize->now, error))
            return -1;
        show_progress(resize);
        if (missing(&resize->now, &resize->plan) == 0)
            return 0;
        if (resize->now.shape.elastic && resize->now.requested != resize->plan.requested)
            return error_set(error, "%s: another command has asked for another size",
                             resize->guest.name);
        if (last) {
            if (isatty(STDOUT_FILENO))
                printf("\n");
            return report_missing(resize, error);
        }
        last = deadline_left(deadline) == 0;
        deadline_nap(deadline, POLL_MS);
    }
}

static int change(struct resize *resize, const char *name, uint64_t size, struct error *error)
{
    char from[SIZE_TEXT], to[SIZE_TEXT], block[SIZE_TEXT];
    int64_t begin = now_ms();
    struct plan *plan = &resize->plan;
    struct error reason;

    if (guest_find(name, &resize->guest, error) ||
        machine_look(&resize->guest, SESSION_MS, &resize->start, error))
        return -1;
    if (plan_size(&resize->start.shape, size, plan, &reason))
        return error_set(error, "%s: %.900s", name, reason.text);
    if (plan->size != size)
        printf("%s: rounded up to %s, in steps of %s\n", name, size_format(to, plan->size),
               size_format(block, plan->requested ? resize->start.shape.block : BALLOON_PAGE));
    if (machine_change(&resize->guest, SESSION_MS, &resize->start, plan, error) ||
        follow(resize, error))
        return -1;
    printf("%s: %s -> %s in %.1f s\n", name, size_format(from, figures_granted(&resize->start)),
           size_format(to, plan->size), (double)(now_ms() - begin) / 1000);
    return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"timeout", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct resize resize = {.seconds = TIMEOUT_SECONDS};
    struct error error;
    uint64_t size;

    while (command_option(self, argc, argv, options) >= 0) {
        if (number_parse(optarg, "--timeout", 1, SECONDS_MAX, &resize.seconds, &error))
            return command_misused(self, "%s", error.text);
    }
    if (optind != argc - 2)
        return command_misused(self, "give a guest's name and a size");
    if (size_parse(argv[optind + 1], &size, &error))
        return command_misused(self, "%s", error.text);
    return change(&resize, argv[optind], size, &error) ? error_report(&error) : 0;
}

const struct command command_resize = {
    .name = "resize",
    .summary = "change a guest's size and wait for it",
    .help = "usage: neap resize NAME SIZE [--timeout SECONDS]\n\n"
            "Give the guest SIZE bytes in all: above its boot memory by virtio-mem, below it\n"
            "by the balloon. Waits until the devices have exactly that, at most for the\n"
            "timeout (60 s), and says what is missing otherwise; the request then stands.\n",
    .run = run,
};
