/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reporting: what the host was told about free memory, and how.
 */
#include "commands.h"
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/page.h>
#include <neap/reporting.h>
#include <neap/timer.h>
#include <string.h>

static void print_machine(const struct reporting_stats *stats)
{
    kprintf("enabled=%d\nactive=%d\ndevice=%s\norder=%u\nreserve=%llu\nreserve_fixed=%d\n",
            stats->enabled, stats->active, stats->device ? stats->device : "", stats->order,
            (unsigned long long)stats->reserve, stats->reserve_fixed);
    kprintf("unreported=%llu\nreported_bytes=%llu\nreports=%llu\nerrors=%llu\n",
            (unsigned long long)stats->unreported, (unsigned long long)stats->reported_bytes,
            (unsigned long long)stats->reports, (unsigned long long)stats->errors);
    kprintf("regret_bytes=%llu\n", (unsigned long long)stats->regret_bytes);
}

static void print_table(const struct reporting_stats *stats)
{
    char size[FORMAT_SIZE_MAX];

    kprintf("  %-14s %12s  %s\n", "reporting", stats->enabled ? "on" : "off",
            !stats->device   ? "no device offers it"
            : !stats->active ? "stopped: the device failed"
                             : stats->device);
    kprintf("  %-14s %12s  order %u, the smallest block reported\n", "granularity",
            format_size(size, PAGE_SIZE << stats->order), stats->order);
    kprintf("  %-14s %12s  %s\n", "warm reserve", format_size(size, stats->reserve),
            stats->reserve_fixed ? "set by hand" : "follows demand");
    kprintf("  %-14s %12s  free, large enough, not reported\n", "unreported",
            format_size(size, stats->unreported));
    kprintf("  %-14s %12s  in %llu reports, %llu failed\n", "reported so far",
            format_size(size, stats->reported_bytes), (unsigned long long)stats->reports,
            (unsigned long long)stats->errors);
    kprintf("  %-14s %12s  reported and soon needed again\n", "regretted",
            format_size(size, stats->regret_bytes));
}

static int set_order(const char *word)
{
    uint64_t order;

    if (word == NULL || shell_number(word, &order) != 0 || order > MAX_ORDER)
        return -EINVAL;
    return reporting_set_order((unsigned)order);
}

static int set_reserve(const char *word)
{
    uint64_t bytes = UINT64_MAX;

    if (word == NULL)
        return -EINVAL;
    if (strcmp(word, "auto") != 0 && parse_size(word, &bytes) != 0)
        return -EINVAL;
    return reporting_set_reserve(bytes);
}

static int flush(void)
{
    uint64_t begin = clock_ns();
    int error = reporting_flush();

    if (error == 0)
        kprintf("reporting: flushed in %llu us\n",
                (unsigned long long)((clock_ns() - begin) / NS_PER_US));
    return error;
}

static int reporting(int argc, char **argv)
{
    const char *word = shell_word(argc, argv, 0);
    struct reporting_stats stats;
    bool on;

    if (word && strcmp(word, "order") == 0)
        return set_order(shell_word(argc, argv, 1));
    if (word && strcmp(word, "reserve") == 0)
        return set_reserve(shell_word(argc, argv, 1));
    if (word && strcmp(word, "flush") == 0)
        return flush();
    if (word)
        return parse_on_off(word, &on) == 0 ? reporting_set_enabled(on) : -EINVAL;
    reporting_stats_get(&stats);
    if (shell_wants_machine(argc, argv))
        print_machine(&stats);
    else
        print_table(&stats);
    return 0;
}
SHELL_COMMAND(reporting,
              "reporting [on | off | order <0-10> | reserve <size | auto> | flush] [--machine]",
              "free memory given back to the host", reporting);
