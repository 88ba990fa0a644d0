/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell command `balloon`.
 */
#include "balloon.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/shell.h>

static const struct {
    unsigned bit;
    const char *name;
} feature_names[] = {
    {BALLOON_F_MUST_TELL_HOST, "must-tell-host"}, {BALLOON_F_STATS_VQ, "stats"},
    {BALLOON_F_DEFLATE_ON_OOM, "deflate-on-oom"}, {BALLOON_F_FREE_PAGE_HINT, "free-page-hint"},
    {BALLOON_F_PAGE_REPORTING, "page-reporting"},
};

static const char *const queue_names[BALLOON_QUEUES] = {"inflate", "deflate", "stats", "hint",
                                                        "report"};

static void print_size(const char *label, uint64_t pages)
{
    char size[FORMAT_SIZE_MAX];

    kprintf("  %-16s %10s  %llu pages\n", label, format_size(size, pages << PAGE_SHIFT),
            (unsigned long long)pages);
}

static void print_table(const struct balloon *balloon)
{
    kprintf("%s\n", balloon->dev->name);
    print_size("target", balloon->target);
    print_size("actual", balloon->actual);
    print_size("unmet", balloon->unmet);
    print_size("floor", balloon_floor() >> PAGE_SHIFT);
    print_size("hinted", balloon->hinted.pages);
    print_size("taken back (oom)", balloon->count.oom_pages);
    print_size("moved away", balloon->count.vacated);
    kprintf("  %-16s %llu inflate/deflate, %llu statistics, %llu hint rounds\n", "requests",
            (unsigned long long)balloon->count.requests,
            (unsigned long long)balloon->count.stats,
            (unsigned long long)balloon->count.hint_rounds);
    kprintf("  features        ");
    for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++)
        if (virtio_accepted(balloon->dev, feature_names[i].bit))
            kprintf(" %s", feature_names[i].name);
    kprintf("\n  queues          ");
    for (unsigned i = 0; i < BALLOON_QUEUES; i++)
        if (balloon->queues[i])
            kprintf(" %s=%u", queue_names[i], balloon->queue_numbers[i]);
    kprintf("\n");
}

static void print_machine(const struct balloon *balloon)
{
    const struct {
        const char *key;
        uint64_t value;
    } values[] = {
        {"target_pages", balloon->target},
        {"target_bytes", balloon->target << PAGE_SHIFT},
        {"actual_pages", balloon->actual},
        {"actual_bytes", balloon->actual << PAGE_SHIFT},
        {"unmet_bytes", balloon->unmet << PAGE_SHIFT},
        {"floor_bytes", balloon_floor()},
        {"hinted_bytes", balloon->hinted.pages << PAGE_SHIFT},
        {"requests", balloon->count.requests},
        {"stats_requests", balloon->count.stats},
        {"hint_rounds", balloon->count.hint_rounds},
        {"oom_deflated_bytes", balloon->count.oom_pages << PAGE_SHIFT},
        {"vacated_bytes", balloon->count.vacated << PAGE_SHIFT},
        {"features", balloon->dev->accepted.word[0]},
        {"resets", balloon->dev->resets},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
        kprintf("%s=%llu\n", values[i].key, (unsigned long long)values[i].value);
    for (unsigned i = 0; i < BALLOON_QUEUES; i++)
        if (balloon->queues[i])
            kprintf("queue_%s=%u\n", queue_names[i], balloon->queue_numbers[i]);
}

struct print_job {
    bool machine;
    unsigned found;
};

static void print_device(struct virtio_device *dev, void *arg)
{
    struct print_job *job = arg;
    const struct balloon *balloon = dev->driver_data;

    if (dev->device_id != VIRTIO_ID_BALLOON)
        return;
    job->found++;
    /* No reset may come between: the lock is the one that it takes. */
    mutex_lock(&dev->lock);
    if (!dev->live)
        kprintf("%s: not in use: %s\n", dev->name, dev->fault ? dev->fault : "reset");
    else if (job->machine)
        print_machine(balloon);
    else
        print_table(balloon);
    mutex_unlock(&dev->lock);
}

static int run_balloon(int argc, char **argv)
{
    struct print_job job = {.machine = shell_wants_machine(argc, argv)};

    virtio_for_each(print_device, &job);
    if (!job.found)
        kprintf("no balloon device\n");
    return job.found ? 0 : -ENODEV;
}

SHELL_COMMAND(balloon, "balloon [--machine]", "show the memory balloon", run_balloon);
