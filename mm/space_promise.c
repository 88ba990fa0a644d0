/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Promises: pages that are committed and not touched yet must be there when they are touched.
 * A commit that does not fit fails. Also the figures of the address space.
 */
#include "space.h"
#include <neap/errors.h>
#include <neap/thread.h>

/* Reclaimers give memory back piece by piece; another thread may take some of it. */
#define ROUNDS 64
/* Tables of the uppermost levels, and parts of one. */
#define UPPER_TABLES 16

/* Changed atomically. */
static struct {
    uint64_t pages; /* more only where spare.c looks, or before as many are freed */
    uint64_t refused;
} promises;

uint64_t space_promised_pages(void)
{
    return __atomic_load_n(&promises.pages, __ATOMIC_RELAXED);
}

void space_promise_adjust(int64_t pages)
{
    __atomic_add_fetch(&promises.pages, pages, __ATOMIC_RELAXED);
}

uint64_t space_refused_count(void)
{
    return READ_ONCE(promises.refused);
}

uint64_t space_promise_cost(uint64_t more)
{
    uint64_t pages = space_promised_pages() + more, tables = pages / level_entries(0);

    if (!pages)
        return 0;
    tables += tables / level_entries(0) + UPPER_TABLES;
    return pages + tables * order_pages(kernel_pgtable.cache.order);
}

uint64_t space_available(void)
{
    uint64_t free = memory_movable_free(), cost = space_promise_cost(1) + SPARE_PAGES;
    uint64_t entries = level_entries(0);

    if (free <= cost)
        return 0;
    return (free - cost) * entries / (entries + 1) << PAGE_SHIFT;
}

/* What was never used may be more than it is counted for, what lies on lists is not counted. */
static uint64_t promise_with_effort(uint64_t pages)
{
    uint64_t generation = block_generation(), missing = memory_promise(pages);

    while (missing && block_activate_next(&generation) == 0)
        missing = memory_promise(pages);
    if (!missing || !thread_may_sleep())
        return missing;
    alloc_drain_cpu_caches();
    return memory_promise(pages);
}

int space_promise(uint64_t pages)
{
    uint64_t missing = pages ? promise_with_effort(pages) : 0;

    for (unsigned i = 0; missing && i < ROUNDS; i++) {
        bool came = thread_may_sleep() && reclaim_pages(missing);

        /* Even if nobody gave anything: what was just being plugged may be there now. */
        missing = promise_with_effort(pages);
        if (!came)
            break;
    }
    if (!missing)
        return 0;
    __atomic_add_fetch(&promises.refused, 1, __ATOMIC_RELAXED);
    return -ENOMEM;
}

void space_stats_get(struct space_stats *stats)
{
    irqflags_t flags = spin_lock(&pgtable_lock);

    *stats = (struct space_stats){
        .resident = space_counts.resident << PAGE_SHIFT,
        .huge = space_counts.huge << PAGE_SHIFT,
        .faults = space_counts.faults,
        .moved = space_counts.moved << PAGE_SHIFT,
        .splits = space_counts.splits,
        .reformed = space_counts.reformed,
        .committed = (space_counts.resident + space_promised_pages()) << PAGE_SHIFT,
    };
    spin_unlock(&pgtable_lock, flags);
    stats->reserved = space_reserved_bytes();
    stats->waits = space_waits_count();
    stats->wait_max = space_wait_max();
    stats->refused = space_refused_count();
}
