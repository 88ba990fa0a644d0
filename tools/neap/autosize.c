/* SPDX-License-Identifier: BSD-2-Clause */
/* neap autosize: let a guest's size follow its load, by the rule of policy.h. */
#include "command.h"
#include "deadline.h"
#include "machine.h"
#include "policy.h"
#include "size.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SESSION_MS  5000
#define INTERVAL_MS 250 /* new statistics are seen soon */
#define FAILURES    5   /* in a row, before a guest that lives is given up */
#define STATS_MS    ((STATS_OLD + STATS_SECONDS) * 1000)

struct follower {
    struct guest guest;
    struct policy policy;
    struct figures figures;
    struct plan asked;     /* what was asked for last */
    bool silent, short_of; /* said already */
};

static void say(const struct follower *follower, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(const struct follower *follower, const char *fmt, ...)
{
    time_t now = time(NULL);
    struct tm local;
    char clock[16] = "";
    va_list args;

    if (localtime_r(&now, &local))
        strftime(clock, sizeof(clock), "%H:%M:%S", &local);
    printf("%s %s: ", clock, follower->guest.name);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}

static int carry_out(struct follower *follower, const struct policy_decision *decision,
                     struct error *error)
{
    const struct figures *figures = &follower->figures;
    char from[SIZE_TEXT], to[SIZE_TEXT], used[SIZE_TEXT], total[SIZE_TEXT];
    uint64_t before = follower->asked.size;

    if (plan_size(&figures->shape, decision->size, &follower->asked, error) ||
        machine_change(&follower->guest, SESSION_MS, figures, &follower->asked, error))
        return -1;
    say(follower, "%s -> %s: uses %s of %s", size_format(from, before),
        size_format(to, follower->asked.size),
        size_format(used, figures->total - figures->free), size_format(total, figures->total));
    return 0;
}

/* Somebody else may have asked for another size since. */
static void adopt_request(struct follower *follower)
{
    const struct figures *figures = &follower->figures;

    if (follower->asked.size && figures->requested == follower->asked.requested)
        return;
    follower->asked.balloon = figures->balloon;
    follower->asked.requested = figures->requested;
    follower->asked.size = figures->balloon + figures->requested;
}

/* One look, and what follows from it. Returns 0 or -1. */
static int step(struct follower *follower, enum policy_action *action, struct error *error)
{
    const struct figures *figures = &follower->figures;
    struct policy_decision decision;
    struct policy_sample sample;
    char max[SIZE_TEXT];

    *action = POLICY_KEEP;
    if (machine_look(&follower->guest, SESSION_MS, &follower->figures, error))
        return -1;
    if (figures->stats == follower->silent) {
        follower->silent = !figures->stats;
        say(follower, "%s",
            figures->stats ? "gives statistics" : "gives no statistics: waiting");
    }
    if (!figures->stats)
        return 0;
    adopt_request(follower);
    sample = (struct policy_sample){
        .stamp = figures->stamp,
        .total = figures->total,
        .free = figures->free,
        .size = follower->asked.size,
    };
    decision = policy_decide(&follower->policy, &sample);
    if (decision.short_of && !follower->short_of)
        say(follower, "short of memory at --max %s", size_format(max, follower->policy.max));
    follower->short_of = decision.short_of;
    *action = decision.action;
    return decision.action == POLICY_KEEP ? 0 : carry_out(follower, &decision, error);
}

/* Until the guest ends or a signal comes: the guest keeps its size then. */
static int follow(struct follower *follower, struct error *error)
{
    enum policy_action action;

    for (unsigned failures = 0; guest_is_running(&follower->guest);) {
        failures = step(follower, &action, error) ? failures + 1 : 0;
        if (failures == FAILURES)
            return -1;
        deadline_nap(deadline_in(INTERVAL_MS), INTERVAL_MS);
    }
    say(follower, "has ended");
    return 0;
}

/* One decision. A guest that has only just started has no statistics yet. */
static int follow_once(struct follower *follower, struct error *error)
{
    int64_t deadline = deadline_in(STATS_MS);
    enum policy_action action;
    char size[SIZE_TEXT];

    follower->policy.quiet = 0;
    do {
        if (step(follower, &action, error))
            return -1;
        if (follower->figures.stats) {
            if (action == POLICY_KEEP)
                say(follower, "stays at %s", size_format(size, follower->asked.size));
            return 0;
        }
        deadline_nap(deadline, INTERVAL_MS);
    } while (deadline_left(deadline));
    return error_set(error, "%s gives no statistics: has it a balloon driver?",
                     follower->guest.name);
}

/* The limits against the machine's own. */
static int prepare(struct follower *follower, const char *name, struct error *error)
{
    struct policy *policy = &follower->policy;
    struct error reason;
    struct plan plan;

    if (guest_find(name, &follower->guest, error) ||
        machine_look(&follower->guest, SESSION_MS, &follower->figures, error))
        return -1;
    policy->block = follower->figures.shape.block;
    if (policy->min == 0)
        policy->min = follower->guest.memory;
    if (policy->max == 0)
        policy->max = follower->guest.max;
    if (plan_size(&follower->figures.shape, policy->max, &plan, &reason))
        return error_set(error, "%s: --max: %.900s", name, reason.text);
    policy->max = plan.size;
    if (policy->min > policy->max)
        return error_set(error, "%s: --min is above --max: exchange them", name);
    return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"min", required_argument, NULL, 'm'},    {"max", required_argument, NULL, 'M'},
        {"target", required_argument, NULL, 't'}, {"once", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    struct follower follower = {.policy = {.target = POLICY_TARGET, .quiet = POLICY_QUIET}};
    struct policy *policy = &follower.policy;
    int option, failed = 0;
    struct error error;
    bool once = false;

    while (!failed && (option = command_option(self, argc, argv, options)) >= 0) {
        if (option == 'm')
            failed = size_parse(optarg, &policy->min, &error);
        else if (option == 'M')
            failed = size_parse(optarg, &policy->max, &error);
        else if (option == 't')
            failed = number_parse(optarg, "--target", 1, 90, &policy->target, &error);
        else
            once = true;
    }
    if (failed)
        return command_misused(self, "%s", error.text);
    if (optind != argc - 1)
        return command_misused(self, "give the name of one guest");
    if (prepare(&follower, argv[optind], &error))
        return error_report(&error);
    return (once ? follow_once : follow)(&follower, &error) ? error_report(&error) : 0;
}

const struct command command_autosize = {
    .name = "autosize",
    .summary = "let a guest's size follow its load",
    .help = "usage: neap autosize NAME [OPTIONS]\n\n"
            "Follow the guest's own statistics: give it more before it runs out, take back\n"
            "what it has not used for 10 s. One line a change, until the guest ends or\n"
            "Ctrl-C; the guest keeps its size then. docs/host-tool.md states the rule.\n\n"
            "  --min SIZE        never less (its boot memory)\n"
            "  --max SIZE        never more (what it was started with)\n"
            "  --target PERCENT  of its size that shall be free (25)\n"
            "  --once            decide once, by the moment's use, and end\n",
    .run = run,
};
