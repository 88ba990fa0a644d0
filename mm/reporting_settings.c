/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting: what a person may set and ask for.
 */
#include "reporting.h"
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <string.h>

/* A flush of all memory of a large guest may take the host a while. */
#define FLUSH_WAIT_NS (60 * NS_PER_S)

int reporting_set_enabled(bool enabled)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    reporting.enabled = enabled;
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
    return 0;
}

int reporting_set_order(unsigned order)
{
    irqflags_t flags;

    if (order > MAX_ORDER)
        return -EINVAL;
    flags = spin_lock(&buddy.lock);
    reporting.by_hand = order;
    reporting_choose_order();
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
    return 0;
}

int reporting_set_reserve(uint64_t bytes)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    if (bytes == UINT64_MAX)
        reserve_set_auto();
    else
        reserve_set(bytes >> PAGE_SHIFT);
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
    return 0;
}

static bool flush_over(void *arg)
{
    const uint64_t *ticket = arg;

    return READ_ONCE(reporting.flush_done) >= *ticket || !reporting_active();
}

int reporting_flush(void)
{
    irqflags_t flags;
    uint64_t ticket;

    if (!reporting_active())
        return -ENODEV;
    alloc_drain_cpu_caches();
    flags = spin_lock(&buddy.lock);
    ticket = ++reporting.flush_wanted;
    reserve_drop();
    reporting_wake();
    spin_unlock(&buddy.lock, flags);
    if (wait_until(&reporting.idle, flush_over, &ticket, FLUSH_WAIT_NS))
        return -ETIMEDOUT;
    return READ_ONCE(reporting.flush_done) >= ticket ? 0 : -EIO;
}

void reporting_stats_get(struct reporting_stats *stats)
{
    irqflags_t flags = spin_lock(&blocks_lock);
    irqflags_t buddy_flags = spin_lock(&buddy.lock);

    *stats = (struct reporting_stats){
        .enabled = reporting.enabled,
        .active = reporting.device && !reporting.stopped,
        .device = reporting.device ? reporting.device->name : NULL,
        .order = reporting.order,
        .reserve = reserve_pages() << PAGE_SHIFT,
        .reserve_fixed = reserve_is_fixed(),
        .unreported = (buddy.reportable + raw_reportable(order_pages(reporting.order)))
                      << PAGE_SHIFT,
        .reported_bytes = reporting.reported_pages << PAGE_SHIFT,
        .reports = reporting.reports,
        .errors = reporting.errors,
        .regret_bytes = reporting.regret_pages << PAGE_SHIFT,
    };
    spin_unlock(&buddy.lock, buddy_flags);
    spin_unlock(&blocks_lock, flags);
}

/* The command line is read before anything else runs. */

static int key_reporting(const char *value)
{
    return parse_on_off(value, &reporting.enabled);
}
CMDLINE_KEY(reporting, "on|off: tell the host about free memory", key_reporting);

static int key_order(const char *value)
{
    uint64_t order;
    int error = parse_size(value, &order);

    if (error || order > MAX_ORDER)
        return error ? error : -EINVAL;
    reporting.by_hand = (unsigned)order;
    reporting.order = (unsigned)order;
    return 0;
}
CMDLINE_KEY(reporting_order,
            "0-10: smallest block, log2 of its pages, that the host is told of", key_order);

static int key_reserve(const char *value)
{
    uint64_t bytes;
    int error;

    if (!strcmp(value, "auto"))
        return 0;
    error = parse_size(value, &bytes);
    if (!error)
        reserve_set(bytes >> PAGE_SHIFT);
    return error;
}
CMDLINE_KEY(reserve, "auto|<size>: free memory that is kept from the host", key_reserve);
