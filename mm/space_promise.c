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
/* Kernel memory that commits leave: the page tables of what was promised come on top. */
#define FLOOR_PAGES 16

static struct {
    struct spinlock lock;
    uint64_t pages; /* written under lock or atomically */
    uint64_t refused;
} promises = {.lock = SPINLOCK_INIT("promises", LOCK_RANK_SPACE)};

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

/* With the tables that single pages would need. */
static uint64_t cost_of(uint64_t pages)
{
    return pages + pages / level_entries(0) * order_pages(kernel_pgtable.cache.order) +
           FLOOR_PAGES;
}

static uint64_t free_pages_now(void)
{
    return memory_movable_free();
}

bool space_promises_kept(void)
{
    irqflags_t flags = spin_lock(&promises.lock);
    bool kept = free_pages_now() >= space_promised_pages();

    spin_unlock(&promises.lock, flags);
    return kept;
}

uint64_t space_available(void)
{
    uint64_t free = free_pages_now(), cost = cost_of(space_promised_pages());
    uint64_t entries = level_entries(0);

    if (free <= cost)
        return 0;
    return (free - cost) * entries / (entries + 1) << PAGE_SHIFT;
}

/* Returns the pages that are missing, 0: promised. */
static uint64_t try_promise(uint64_t pages)
{
    irqflags_t flags = spin_lock(&promises.lock);
    uint64_t free = free_pages_now(), cost = cost_of(space_promised_pages() + pages);
    uint64_t missing = cost > free ? cost - free : 0;

    if (!missing)
        space_promise_adjust((int64_t)pages);
    spin_unlock(&promises.lock, flags);
    return missing;
}

int space_promise(uint64_t pages)
{
    uint64_t missing = pages ? try_promise(pages) : 0;

    for (unsigned i = 0; missing && i < ROUNDS; i++) {
        bool came = thread_may_sleep() && reclaim_pages(missing);

        /* Even if nobody gave anything: what was just being plugged may be there now. */
        missing = try_promise(pages);
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
