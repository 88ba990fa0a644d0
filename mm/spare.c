/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free memory that was promised to applications, and what others may take of the rest.
 *
 * Whoever makes a promise and whoever takes memory that pays for none looks under buddy.lock,
 * so promised pages are free until they are touched. Three things stand aside, one behind the
 * other: a commit leaves all of them, the kernel the two behind it, an interrupt handler the
 * last one, and a first touch nothing:
 *   the kernel's floor and SPARE_PAGES;
 *   URGENT_PAGES of them, for those who cannot wait;
 *   what was promised, with the page tables of its first touches.
 *
 * What another CPU has on its list for the kernel is as good as taken: it is handed out without
 * a look.
 */
#include "internal.h"
#include <neap/alloc.h>
#include <neap/space.h>

/* Pages that a first touch can get, now or when what is isolated comes back. */
static uint64_t reachable(void)
{
    uint64_t free = buddy.pages[WARM] + buddy.pages[REPORTED] + raw_usable();

    return buddy.leaving ? free : free + buddy.isolated[WARM] + buddy.isolated[REPORTED];
}

static uint64_t boot_free(void)
{
    return buddy_boot_free() + raw_usable();
}

static uint64_t movable_free(void)
{
    return reachable() - MIN(boot_free(), buddy.kernel_floor) +
           cpu_cache_pages_of(PAGE_MOVABLE);
}

uint64_t memory_boot_free(void)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    uint64_t free = boot_free();

    spin_unlock(&buddy.lock, flags);
    return free;
}

uint64_t memory_movable_free(void)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    uint64_t free = movable_free();

    spin_unlock(&buddy.lock, flags);
    return free;
}

uint64_t memory_spare_pages(void)
{
    uint64_t free = memory_movable_free(), promised = space_promise_cost(0);

    return free > promised ? free - promised : 0;
}

uint64_t memory_promise(uint64_t pages)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    uint64_t free = movable_free(), cost = space_promise_cost(pages) + SPARE_PAGES;
    uint64_t missing = cost > free ? cost - free : 0;

    if (!missing)
        space_promise_adjust((int64_t)pages);
    spin_unlock(&buddy.lock, flags);
    return missing;
}

bool memory_promises_kept(void)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    bool kept = reachable() + cpu_cache_pages_of(PAGE_MOVABLE) >= space_promise_cost(0);

    spin_unlock(&buddy.lock, flags);
    return kept;
}

uint64_t memory_unpromised(unsigned flags)
{
    uint64_t promised = space_promise_cost(0), free = reachable();

    if (!promised)
        return UINT64_MAX;
    promised += flags & ALLOC_ATOMIC ? 0 : URGENT_PAGES;
    /* To look at all CPUs costs more. */
    if (free < promised + BLOCK_PAGES)
        free += cpu_cache_pages_of(PAGE_MOVABLE);
    return free > promised ? free - promised : 0;
}
